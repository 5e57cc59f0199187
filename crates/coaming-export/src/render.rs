//! The documents that are written: YAML to apply, JSON for programs, text for people.

use std::io::{self, Write};

use coaming_yaml::edit::Value;
use serde_json::{Value as Json, json};

use crate::psa::{Blocker, Namespace, Plan};
use crate::vap::{Export, Form, Options};
use coaming_text::Printable;

/// The version of the JSON formats.
const VERSION: u32 = 1;

/// Writes objects as documents of one stream.
pub(crate) fn documents(objects: &[Value], out: &mut dyn Write) -> io::Result<()> {
    objects.iter().try_for_each(|object| write!(out, "---\n{}", object.to_yaml()))
}

/// A mapping with these entries, in this order.
pub(crate) fn mapping<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn pretty(value: &Json, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

const OBJECTS: &str = "\
# Apply:   coaming export vap | kubectl apply -f -       (Kubernetes 1.30 and later)
# Enforce: kubectl label namespace NAME coaming.dev/mode=enforce
# Remove:  kubectl delete validatingadmissionpolicybindings,validatingadmissionpolicies -l app.kubernetes.io/part-of=coaming
";
const MANIFEST: &str = "\
# For the directory that `staticManifestsDir` of the plugin ValidatingAdmissionPolicy names (Kubernetes
# 1.36 and later, feature gate ManifestBasedAdmissionControlConfig). The API server reads it again when
# it changes. To remove the policies, delete the file.
# Enforce: kubectl label namespace NAME coaming.dev/mode=enforce
";

/// Writes policies as YAML.
pub(crate) fn policies_yaml(
    export: &Export,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(match options.form {
        Form::Objects => OBJECTS.as_bytes(),
        Form::Manifest => MANIFEST.as_bytes(),
    })?;
    writeln!(
        out,
        "# Policies: {}. Selected rules that are not policies: {}.",
        export.policies.len(),
        export.omissions.len()
    )?;
    for omission in &export.omissions {
        writeln!(out, "#   {}: {}", omission.rule.id, omission.reason)?;
    }
    export.policies.iter().try_for_each(|policy| documents(&policy.objects, out))
}

/// Writes policies as JSON.
pub(crate) fn policies_json(export: &Export, out: &mut dyn Write) -> io::Result<()> {
    let policies: Vec<Json> = export
        .policies
        .iter()
        .map(|policy| {
            let objects: Vec<Json> = policy.objects.iter().map(Json::from).collect();
            json!({
                "rule": policy.rule.id.as_str(),
                "name": policy.name,
                "bindings": policy.bindings,
                "objects": objects,
            })
        })
        .collect();
    let omissions: Vec<Json> = export
        .omissions
        .iter()
        .map(|omission| {
            json!({
                "rule": omission.rule.id.as_str(),
                "reason": omission.reason.as_str(),
                "message": omission.reason.to_string(),
            })
        })
        .collect();
    pretty(&json!({"version": VERSION, "policies": policies, "not_expressed": omissions}), out)
}

/// Writes a plan as JSON.
pub(crate) fn plan_json(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let blocker = |blocker: &Blocker| {
        json!({
            "kind": blocker.kind,
            "name": blocker.name,
            "container": blocker.container,
            "control": blocker.control,
            "reason": blocker.reason,
            "remedy": blocker.remedy,
        })
    };
    let namespaces: Vec<Json> = plan
        .namespaces
        .iter()
        .map(|namespace| {
            let labels: serde_json::Map<String, Json> = namespace
                .labels(plan.version)
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            let blockers: Vec<Json> = namespace.blockers.iter().map(blocker).collect();
            json!({
                "name": namespace.name,
                "enforce": namespace.enforced(),
                "warn": namespace.warn.as_str(),
                "current": namespace.current,
                "workloads": namespace.workloads,
                "labels": labels,
                "blockers": blockers,
            })
        })
        .collect();
    pretty(
        &json!({
            "version": VERSION,
            "kubernetes_version": plan.version.to_string(),
            "namespaces": namespaces,
            "skipped": plan.skipped,
        }),
        out,
    )
}

/// Writes a plan for people. The texts of blockers are printable already; names are made so.
pub(crate) fn plan_text(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    for namespace in &plan.namespaces {
        namespace_text(namespace, plan, out)?;
    }
    if !plan.skipped.is_empty() {
        writeln!(
            out,
            "not judged: {} ({} of Kubernetes itself, which needs `privileged`)",
            plan.skipped.join(", "),
            if plan.skipped.len() == 1 { "a namespace" } else { "namespaces" },
        )?;
    }
    Ok(())
}

fn namespace_text(namespace: &Namespace, plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let name = Printable(&namespace.name);
    let now = match &namespace.current {
        Some(current) => format!(" (now `{}`)", Printable(current)),
        None => String::new(),
    };
    writeln!(
        out,
        "{name}: {} {} `{}`{now}",
        namespace.workloads,
        if namespace.workloads == 1 { "workload passes" } else { "workloads pass" },
        namespace.enforced(),
    )?;
    write!(out, "  kubectl label namespace {name} --overwrite")?;
    for (label, value) in namespace.labels(plan.version) {
        write!(out, " {label}={value}")?;
    }
    writeln!(out)?;
    if !namespace.blockers.is_empty() {
        writeln!(out, "  what keeps it from `{}`:", namespace.warn)?;
    }
    for blocker in &namespace.blockers {
        writeln!(
            out,
            "    {}/{}: {}; {} ({})",
            Printable(&blocker.kind),
            Printable(&blocker.name),
            Printable(&blocker.reason),
            blocker.remedy,
            blocker.control,
        )?;
    }
    writeln!(out)
}
