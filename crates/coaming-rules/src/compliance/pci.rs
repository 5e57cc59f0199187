//! PCI DSS, version 4.0: the requirements that a cluster's objects say something about, and what else
//! the standard asks for.

use coaming_finding::{Category, RuleMeta};

use super::About::{self, Encryption, Images, Rights, Workloads};
use super::{Control, control};

const DATA: &str = "which data the application stores is not known from manifests";
const NODES: &str = "it is about the nodes and what runs beside the cluster";
const PEOPLE: &str = "it is about how people work";
const INVENTORY: &str = "`coaming image --format cyclonedx` writes the inventory";
const LOGS: &str = "where logs go and who reads them is not known from manifests";

pub(super) const CONTROLS: &[Control] = &[
    control("1.2", "network controls are configured", Workloads),
    control("1.3", "access to and from the environment is restricted", Workloads),
    control("1.4", "connections to untrusted networks are controlled", Workloads),
    control("2.2", "components are configured securely", Workloads),
    control("2.2.2", "no default accounts and passwords", Workloads),
    control("2.2.4", "only the functions that are needed", Images),
    control("2.2.7", "administration is encrypted", Workloads),
    control("3", "stored account data is protected", About::Nothing(DATA)),
    control("3.6", "keys of stored data are protected", Encryption),
    control("4.2", "data is encrypted on open networks", Workloads),
    control("5", "protection against malware", About::Nothing(NODES)),
    control("6.2", "software is developed securely", About::Nothing(PEOPLE)),
    control("6.3.1", "vulnerabilities are found", Images),
    control("6.3.2", "an inventory of third-party software", About::Nothing(INVENTORY)),
    control("6.3.3", "updates are installed", Workloads),
    control("6.4", "public web applications are protected", About::Nothing(NODES)),
    control("6.5", "changes are managed", About::Nothing(PEOPLE)),
    control("7.2", "access by need to know", Rights),
    control("8.2", "accounts of people are managed", About::Nothing(PEOPLE)),
    control("8.6.2", "no passwords in files and programs", Workloads),
    control("8.6.3", "passwords of applications are protected", Workloads),
    control("9", "physical access is restricted", About::Nothing(PEOPLE)),
    control("10", "access is logged and watched", About::Nothing(LOGS)),
    control("11", "systems are tested regularly", About::Nothing(PEOPLE)),
    control("12", "policies and programs", About::Nothing(PEOPLE)),
];

/// Whether a rule checks a requirement.
pub(super) fn checks(rule: &RuleMeta, control: &str) -> bool {
    let id = rule.id.as_str();
    let category = rule.category;
    match control {
        "1.2" => category == Category::NetworkPolicy,
        "1.3" => matches!(id, "no-ingress-policy" | "no-egress-policy" | "allows-internet"),
        "1.4" => matches!(id, "exposed-service" | "external-ips" | "metadata-reachable"),
        "2.2" => matches!(category, Category::SecurityContext | Category::NonRoot),
        "2.2.2" => matches!(id, "guessable-password" | "no-password"),
        "2.2.4" => category == Category::Utilities,
        "2.2.7" => id == "ingress-without-tls",
        "3.6" => id.starts_with("encryption-"),
        "4.2" => matches!(id, "ingress-without-tls" | "vault-without-tls"),
        "6.3.1" => category == Category::Vulnerabilities,
        "6.3.3" => {
            category == Category::Vulnerabilities
                || matches!(id, "image-tag" | "base-image-version")
        }
        "7.2" => matches!(
            id,
            "role-gives-rights"
                | "role-reads-secrets"
                | "default-account-rights"
                | "service-account-token"
                | "long-lived-token"
        ),
        "8.6.2" => {
            id.starts_with("plain-secret-")
                || matches!(id, "dockerfile-secret" | "image-credential")
        }
        "8.6.3" => matches!(
            id,
            "secret-in-environment"
                | "secret-on-disk"
                | "secret-file-mode"
                | "secret-default-mode"
                | "shared-secret"
                | "whole-secret"
                | "vault-for-all-containers"
                | "secret-copied-from-store"
        ),
        _ => false,
    }
}
