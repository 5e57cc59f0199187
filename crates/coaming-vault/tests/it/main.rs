//! The stores and the agent against a real OpenBao, and injection.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod clouds;
mod hostile;
mod inject;
mod migrate;
mod stores;

/// The configuration of a store that logs in by AppRole.
fn app_role(
    bao: &coaming_test::bao::Bao,
    policy: &str,
    ttl: &str,
    max_ttl: &str,
) -> serde_json::Value {
    let vault: serde_json::Value =
        serde_json::from_str(&bao.app_role(policy, ttl, max_ttl)).unwrap();
    serde_json::json!({"vault": vault})
}
