//! Expressions that several rules share.
//!
//! `variables.pod` is the pod's specification, `variables.template` what holds it and its metadata,
//! `variables.containers` all containers. Fields are read as optional, as the API leaves out what is
//! not set. `c` is a container.

/// A pod with its metadata, in an object of any kind that describes one: an optional value.
///
/// `dyn` keeps the API server's type checker from looking for the fields of every kind in each kind.
pub(super) fn template_of(object: &str) -> String {
    format!(
        "{object}.kind == 'Pod' ? optional.of(dyn({object})) : \
         {object}.kind == 'CronJob' ? dyn({object}).?spec.?jobTemplate.?spec.?template : \
         {object}.kind == 'PodTemplate' ? dyn({object}).?template : \
         dyn({object}).?spec.?template"
    )
}

/// The variables that conditions use, in the order in which they need each other.
pub(super) fn variables() -> Vec<(&'static str, String)> {
    let template = format!("({}).orValue({{}})", template_of("object"));
    let containers = ["initContainers", "containers", "ephemeralContainers"]
        .map(|field| list(&format!("variables.pod.?{field}")))
        .join(" + ");
    let volumes = list("variables.pod.?volumes");
    let secret_volumes =
        format!("{volumes}.filter(v, {}).map(v, v.?name.orValue(''))", secret_files("v"));
    vec![
        ("template", template),
        ("pod", "variables.template.?spec.orValue({})".to_owned()),
        ("containers", containers),
        (
            "windows",
            "variables.pod.?os.?name.orValue('') == 'windows' || \
             variables.pod.?nodeSelector[?'kubernetes.io/os'].orValue('') == 'windows'"
                .to_owned(),
        ),
        ("volumes", volumes),
        ("secretVolumes", secret_volumes),
    ]
}

/// A list that may be absent or `null`: the API writes some empty lists as `null`.
pub(super) fn list(optional: &str) -> String {
    format!("optional.ofNonZeroValue({optional}.orValue([])).orValue([])")
}

/// A field of a container's own security context.
pub(super) fn own(field: &str) -> String {
    format!("c.?securityContext.?{field}")
}

/// A field of the security context of the container, or else of its pod.
pub(super) fn effective(field: &str) -> String {
    format!("c.?securityContext.?{field}.or(variables.pod.?securityContext.?{field})")
}

/// Whether the container is privileged.
pub(super) fn privileged() -> String {
    format!("{}.orValue(false)", own("privileged"))
}

/// Whether it is certain that the container does not start as root.
pub(super) fn non_root() -> String {
    format!(
        "{}.orValue({}.orValue(false) ? 1 : 0) != 0",
        effective("runAsUser"),
        effective("runAsNonRoot")
    )
}

/// Whether it is certain that the container starts as root.
pub(super) fn root() -> String {
    format!("{}.orValue(1) == 0", effective("runAsUser"))
}

/// Whether the container adds one of these capabilities.
pub(super) fn adds(names: &[&str]) -> String {
    format!("{}.exists(a, {})", added(), is_capability("a", names))
}

/// The capabilities that the container adds.
pub(super) fn added() -> String {
    format!("{}.?add.orValue([])", own("capabilities"))
}

/// Whether a text names one of these capabilities: runtimes take any case, and the prefix.
pub(super) fn is_capability(text: &str, names: &[&str]) -> String {
    let spellings = names.iter().flat_map(|name| [(*name).to_owned(), format!("CAP_{name}")]);
    format!("{text}.trim().upperAscii() in [{}]", texts(spellings))
}

/// Whether a volume has files of a Secret.
pub(super) fn secret_files(volume: &str) -> String {
    format!(
        "{volume}.?secret.?secretName.orValue('') != '' || \
         {}.exists(s, s.?secret.?name.orValue('') != '')",
        list(&format!("{volume}.?projected.?sources"))
    )
}

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('\'', r"\'").replace('\n', r"\n");
    format!("'{}'", escaped.replace('\r', r"\r"))
}

/// Texts as literals, as they are in a list.
pub(super) fn texts(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let literals: Vec<String> = texts.into_iter().map(|text| literal(text.as_ref())).collect();
    literals.join(", ")
}
