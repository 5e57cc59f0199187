//! What is known of base images by their names alone.

use coaming_dockerfile::{Base, Stage};
use coaming_oci::Reference;

/// Official images that set no user, and distributions.
const ROOT: &[&str] = &[
    "almalinux",
    "alpine",
    "amazonlinux",
    "archlinux",
    "buildpack-deps",
    "busybox",
    "caddy",
    "centos",
    "debian",
    "eclipse-temurin",
    "fedora",
    "gcc",
    "golang",
    "gradle",
    "httpd",
    "maven",
    "mariadb",
    "memcached",
    "mongo",
    "mysql",
    "nginx",
    "node",
    "openjdk",
    "perl",
    "php",
    "postgres",
    "python",
    "redis",
    "rockylinux",
    "ruby",
    "rust",
    "swift",
    "tomcat",
    "ubuntu",
];

/// Whether an image is known to run as root.
pub(crate) fn is_known_to_run_as_root(reference: &Reference) -> bool {
    let official = reference.familiar_name();
    let is_official = ROOT.contains(&official.as_str()) && official != "memcached";
    let is_distroless = reference.is_in("gcr.io/distroless")
        && !reference.tag().is_some_and(|tag| tag.contains("nonroot"));
    is_official || is_distroless
}

/// Whether an image says by its name, or is known, to run as another user than root.
pub(crate) fn runs_as_other_user(reference: &Reference) -> bool {
    let says_so = |text: &str| {
        ["nonroot", "non-root", "unprivileged", "rootless"].iter().any(|word| text.contains(word))
    };
    says_so(reference.repository())
        || reference.tag().is_some_and(says_so)
        || ["cgr.dev/chainguard", "docker.io/bitnami", "docker.io/bitnamilegacy"]
            .iter()
            .any(|place| reference.is_in(place))
        || ["memcached", "haproxy", "jenkins/jenkins", "grafana/grafana", "prom/prometheus"]
            .contains(&reference.familiar_name().as_str())
}

/// Whether a stage is built on Windows, where all is different.
pub(crate) fn is_windows(stage: &Stage) -> bool {
    let text = match &stage.base {
        Base::Image(name) => name,
        _ => &stage.image.text,
    };
    ["windows", "nanoserver", "servercore"].iter().any(|word| text.contains(word))
}
