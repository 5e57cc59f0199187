//! Rules about the names of images, which CEL reads by regular expressions.
//!
//! They follow the grammar that `coaming-oci` parses, whose limit of 255 characters for a
//! repository's name is left out: no registry serves a longer one.

use super::cel::literal;
use super::{Enabled, Expressed};

/// A registry's host, with its port.
const HOST: &str = r"(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(:[0-9]+)?";
/// A part of a repository's name.
const PART: &str = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*";
/// The first part of a name without a registry: with a dot, it would be one.
const FIRST_PART: &str = "[a-z0-9]+((_|__|-+)[a-z0-9]+)*";
/// A tag, with its colon.
const TAG: &str = "(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?";
/// A digest, with its sign.
const DIGEST: &str = "(@(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}))?";
/// The image.
const IMAGE: &str = "c.?image.orValue('')";

/// The rules. Without a list of allowed registries, that rule finds nothing.
pub(super) fn expressed(enabled: &Enabled, allowed_registries: &[String]) -> Vec<Expressed> {
    // Names of 64 hexadecimal digits are ids; the others name a program for Go to build.
    let is_name =
        format!("!{IMAGE}.startsWith('github.com/') && !{IMAGE}.matches(r'^[0-9a-f]{{64}}$')");
    let matches = |end: &str| {
        format!(
            "{IMAGE}.matches(r'^({HOST}/{PART}(/{PART})*|{FIRST_PART}(/{PART})+|{PART}){end}$')"
        )
    };
    let without_version = matches("(:latest)?");
    let without_digest = matches(TAG);
    let tagged_elsewhere = enabled.unless("image-tag", &without_version);
    let policy = "c.?imagePullPolicy.orValue('')";
    let mut rules = vec![
        Expressed::container("image-tag", format!("{is_name} && {without_version}")),
        Expressed::container(
            "image-digest",
            format!("{is_name} && {without_digest}{tagged_elsewhere}"),
        ),
        Expressed::container(
            "image-pull-policy",
            format!(
                "{is_name} && ({policy} == 'Never' && {without_digest} || \
                 {policy} == 'IfNotPresent' && {without_version})"
            ),
        ),
    ];
    if !allowed_registries.is_empty() {
        let is_valid = matches(&format!("{TAG}{DIGEST}"));
        let condition = format!("{is_name} && {is_valid} && !({})", is_in(allowed_registries));
        rules.push(Expressed::container("image-registry", condition));
    }
    rules
}

/// Whether the image is in one of these registries, or directories of one. `exists` over a list of
/// one names an intermediate result: `r` is the name alone, `p` its path on Docker Hub or nothing,
/// `n` the name as runtimes complete it.
fn is_in(allowed: &[String]) -> String {
    let whole = format!("{IMAGE}.split('@')[0]");
    let name = format!(
        "{whole}.lastIndexOf(':') > {whole}.lastIndexOf('/') ? \
         {whole}.substring(0, {whole}.lastIndexOf(':')) : {whole}"
    );
    let has_registry = "r.contains('/') && (r.split('/')[0].matches('[.:A-Z]') || \
                        r.split('/')[0] == 'localhost')";
    let path = format!(
        "r.startsWith('docker.io/') ? r.substring(10) : \
         r.startsWith('index.docker.io/') ? r.substring(16) : {has_registry} ? '' : r"
    );
    let normal = "p == '' ? r : 'docker.io/' + (p.contains('/') ? '' : 'library/') + p";
    let conditions: Vec<String> = allowed
        .iter()
        .map(|scope| {
            let scope = scope.trim_end_matches('/');
            format!("n == {} || n.startsWith({})", literal(scope), literal(&format!("{scope}/")))
        })
        .collect();
    format!(
        "[{name}].exists(r, [{path}].exists(p, [{normal}].exists(n, {})))",
        conditions.join(" || ")
    )
}
