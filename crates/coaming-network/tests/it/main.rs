//! The engine on whole inputs: what it answers, against expectations written by hand, against a
//! slow evaluator, and against real packets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod advice;
mod agrees;
mod ambient;
mod ambient_random;
mod answers;
mod calico;
mod cilium;
mod common;
mod exposure;
mod findings;
mod flow_logs;
mod istio;
mod istio_random;
mod linkerd;
mod lint;
mod networks;
mod packets;
mod pairs;
mod random;
mod reference;
mod refresh;
mod suggest;
mod updates;
mod waypoints;
mod why;
