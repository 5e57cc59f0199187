//! `cargo xtask image`: an OCI image layout of static programs.
//!
//! The image holds the program, its SBOM, the certificates of authorities, and a user without rights, and
//! nothing else; `--shell` adds a busybox, for hosts that run scripts in it. The layout names one index with
//! an image and an attestation for each architecture, as BuildKit writes them: tools that copy an image out
//! of a layout refuse one that names several. Invariant: the same files give the same digest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::{Value, json};

use crate::archive::{Entry, gzip, release_time, sha256, tar};
use crate::dist::{failed, sbom, write};

/// The user that it runs as.
const USER: u64 = 65532;
const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The kind of a statement that holds a CycloneDX document.
const SBOM: &str = "https://cyclonedx.org/bom";
/// What scripts of hosts use.
const APPLETS: &[&str] = &[
    "basename", "cat", "chmod", "cp", "cut", "dirname", "echo", "env", "find", "grep", "head",
    "id", "ls", "mkdir", "mktemp", "mv", "printf", "pwd", "readlink", "rm", "sed", "sh", "sleep",
    "sort", "tail", "tar", "tee", "test", "touch", "tr", "true", "uname", "wc", "which", "xargs",
];

/// What goes into the image.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask image", about = "Puts static programs into an OCI image layout")]
struct Options {
    /// The program for an architecture, as `amd64=target/…/coaming`; may be repeated.
    #[arg(long = "binary", value_name = "ARCHITECTURE=FILE", required = true)]
    binaries: Vec<String>,

    /// The static launcher for an architecture, as `amd64=target/…/coaming-launch`; may be repeated.
    #[arg(long = "launcher", value_name = "ARCHITECTURE=FILE", required = true)]
    launchers: Vec<String>,

    /// A static busybox for an architecture; may be repeated.
    #[arg(long = "shell", value_name = "ARCHITECTURE=FILE")]
    shells: Vec<String>,

    /// The certificates of authorities that are trusted.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    certificates: PathBuf,

    /// The directory of the layout, which must not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let name = std::iter::once("image".to_owned());
    let options = Options::try_parse_from(name.chain(arguments.iter().cloned()))
        .map_err(|error| error.to_string())?;
    let root = crate::root();
    let time = release_time(&root);
    let read = |path: &Path| std::fs::read(path).map_err(|error| failed(path, &error));
    let shells = by_architecture(&options.shells)?;
    let launchers = by_architecture(&options.launchers)?;
    let certificates = read(&options.certificates)?;
    let license = read(&root.join("LICENSE"))?;
    let mut layout = Layout::create(&options.out)?;
    let (mut images, mut attestations) = (Vec::new(), Vec::new());
    for (architecture, program) in by_architecture(&options.binaries)? {
        let shell = shells.get(&architecture).map(|path| read(path)).transpose()?;
        let has_shell = shell.is_some();
        let launcher = launchers.get(&architecture);
        let launcher = launcher.ok_or_else(|| format!("{architecture}: name its launcher"))?;
        let programs = Programs { program: read(&program)?, launcher: read(launcher)?, shell };
        let sbom = sbom(&root, target(&architecture)?)?;
        let documents = Documents { license: license.clone(), sbom: format!("{sbom:#}\n") };
        let entries = entries(programs, certificates.clone(), documents);
        let archive = tar(entries, time).map_err(|error| error.to_string())?;
        let layer = gzip(&archive).map_err(|error| error.to_string())?;
        let config = config(&architecture, &sha256(&archive), has_shell, time);
        let image = layout.add(&architecture, &config, &layer)?;
        attestations.push(layout.attest(&image, &sbom)?);
        images.push(image);
    }
    layout.finish(&[images, attestations].concat())
}

/// The target that the programs of an architecture are built for.
fn target(architecture: &str) -> Result<&'static str, String> {
    match architecture {
        "amd64" => Ok("x86_64-unknown-linux-musl"),
        "arm64" => Ok("aarch64-unknown-linux-musl"),
        _ => Err(format!("`{architecture}` is not an architecture of a release: amd64, arm64")),
    }
}

/// `amd64=FILE`, by the architecture.
fn by_architecture(pairs: &[String]) -> Result<BTreeMap<String, PathBuf>, String> {
    let pair = |text: &String| {
        let (architecture, path) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not of the form ARCHITECTURE=FILE"))?;
        Ok((architecture.to_owned(), PathBuf::from(path)))
    };
    pairs.iter().map(pair).collect()
}

/// The programs of an image.
struct Programs {
    program: Vec<u8>,
    launcher: Vec<u8>,
    shell: Option<Vec<u8>>,
}

/// What the image says of itself.
struct Documents {
    license: Vec<u8>,
    sbom: String,
}

/// The files of the image.
fn entries(programs: Programs, certificates: Vec<u8>, documents: Documents) -> Vec<Entry> {
    let mut entries: Vec<Entry> = [
        "etc",
        "etc/ssl",
        "etc/ssl/certs",
        "home",
        "usr",
        "usr/bin",
        "usr/share",
        "usr/share/doc",
        "usr/share/doc/coaming",
    ]
    .into_iter()
    .map(|path| Entry::directory(path, 0o755, 0))
    .collect();
    entries.extend([
        Entry::file("etc/group", GROUP),
        Entry::file("etc/passwd", PASSWD),
        Entry::file("etc/ssl/certs/ca-certificates.crt", certificates),
        Entry::directory("home/nonroot", 0o700, USER),
        Entry::directory("tmp", 0o1777, 0),
        Entry::directory("work", 0o755, USER),
        Entry::program("usr/bin/coaming", programs.program),
        Entry::program("usr/bin/coaming-launch", programs.launcher),
        Entry::file("usr/share/doc/coaming/LICENSE", documents.license),
        Entry::file("usr/share/doc/coaming/coaming.cdx.json", documents.sbom),
    ]);
    if let Some(shell) = programs.shell {
        entries.push(Entry::directory("bin", 0o755, 0));
        entries.push(Entry::program("bin/busybox", shell));
        entries.extend(APPLETS.iter().map(|name| Entry::link(format!("bin/{name}"), "busybox")));
    }
    entries
}

fn config(architecture: &str, diff_id: &str, has_shell: bool, time: u64) -> Value {
    let created = created(time);
    let mut start = json!({
        "User": format!("{USER}:{USER}"),
        "Env": ["PATH=/usr/bin:/bin", "HOME=/home/nonroot"],
        "WorkingDir": "/work",
        "Labels": {
            "org.opencontainers.image.title": "Coaming",
            "org.opencontainers.image.licenses": "Apache-2.0",
            "org.opencontainers.image.source": "https://github.com/coaming/coaming",
            "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
        },
    });
    if has_shell {
        start["Cmd"] = json!(["/bin/sh"]);
    } else {
        start["Entrypoint"] = json!(["/usr/bin/coaming"]);
    }
    json!({
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": start,
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]},
        "history": [{"created": created, "created_by": "cargo xtask image"}],
    })
}

/// Seconds since 1970 in RFC 3339.
fn created(time: u64) -> String {
    let (days, rest) = (time / 86400, time % 86400);
    // The civil calendar, counted from the first of March of year 0.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// An OCI image layout.
struct Layout {
    directory: PathBuf,
}

impl Layout {
    fn create(directory: &Path) -> Result<Self, String> {
        let blobs = directory.join("blobs/sha256");
        if directory.exists() {
            return Err(format!("{}: exists already", directory.display()));
        }
        std::fs::create_dir_all(&blobs).map_err(|error| failed(&blobs, &error))?;
        Ok(Self { directory: directory.to_path_buf() })
    }

    fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Result<Value, String> {
        let digest = sha256(bytes);
        write(&self.directory.join("blobs/sha256").join(&digest), bytes)?;
        let digest = format!("sha256:{digest}");
        Ok(json!({"mediaType": media_type, "digest": digest, "size": bytes.len()}))
    }

    /// Adds the image of one architecture, and returns its descriptor.
    fn add(&mut self, architecture: &str, config: &Value, layer: &[u8]) -> Result<Value, String> {
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", layer)?;
        let mut manifest = self.manifest(config, &layer)?;
        manifest["platform"] = json!({"architecture": architecture, "os": "linux"});
        Ok(manifest)
    }

    /// Adds a statement that an image consists of what an SBOM says, and returns its descriptor.
    fn attest(&mut self, image: &Value, sbom: &Value) -> Result<Value, String> {
        let digest = image["digest"].as_str().unwrap_or_default();
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": SBOM,
            "subject": [{
                "name": "coaming",
                "digest": {"sha256": digest.trim_start_matches("sha256:")},
            }],
            "predicate": sbom,
        });
        let bytes = statement.to_string();
        let mut layer = self.blob("application/vnd.in-toto+json", bytes.as_bytes())?;
        layer["annotations"] = json!({"in-toto.io/predicate-type": SBOM});
        let diff_ids = [layer["digest"].clone()];
        let config = json!({"architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let mut manifest = self.manifest(&config, &layer)?;
        manifest["platform"] = json!({"architecture": "unknown", "os": "unknown"});
        manifest["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": digest,
        });
        Ok(manifest)
    }

    /// Adds a manifest of one layer, and returns its descriptor.
    fn manifest(&mut self, config: &Value, layer: &Value) -> Result<Value, String> {
        let config = config.to_string();
        let config = self.blob("application/vnd.oci.image.config.v1+json", config.as_bytes())?;
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config,
            "layers": [layer]});
        self.blob(media_type, manifest.to_string().as_bytes())
    }

    /// Names an index of these manifests as the only content of the layout.
    fn finish(&mut self, manifests: &[Value]) -> Result<(), String> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        let index = self.blob(INDEX, index.to_string().as_bytes())?;
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]});
        write(&self.directory.join("index.json"), index.to_string().as_bytes())?;
        write(&self.directory.join("oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(created(0), "1970-01-01T00:00:00Z");
        assert_eq!(created(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(created(1_709_210_096), "2024-02-29T12:34:56Z");
    }

    #[test]
    fn the_image_has_a_user_without_rights_and_no_shell_unless_wanted() {
        let paths = |shell: Option<Vec<u8>>| -> Vec<String> {
            let (program, launcher) = (b"program".to_vec(), b"launcher".to_vec());
            let documents = Documents { license: Vec::new(), sbom: String::new() };
            let entries = entries(Programs { program, launcher, shell }, Vec::new(), documents);
            entries.into_iter().map(|entry| entry.path).collect()
        };
        assert!(!paths(None).iter().any(|path| path.starts_with("bin")));
        assert!(paths(Some(b"busybox".to_vec())).contains(&"bin/sh".to_owned()));
        let config = config("amd64", "0", false, 0);
        assert_eq!(config["config"]["User"], "65532:65532");
        let launcher = coaming_vault::LAUNCHER.trim_start_matches('/').to_owned();
        assert!(paths(None).contains(&launcher));
        // It is also the agent that `coaming serve` puts into pods.
        assert_eq!(config["config"]["Entrypoint"][0], coaming_vault::PROGRAM);
    }

    #[test]
    fn layouts_are_the_same_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("coaming"), "program").unwrap();
        std::fs::write(path("authorities"), "certificates").unwrap();
        let make = |out: &str| {
            let binary = format!("amd64={}", path("coaming"));
            let out = path(out);
            let arguments = [
                "--binary",
                &binary,
                "--launcher",
                &binary,
                "--certificates",
                &path("authorities"),
                "--out",
                &out,
            ];
            run(&arguments.map(str::to_owned)).unwrap();
            std::fs::read_to_string(Path::new(&out).join("index.json")).unwrap()
        };
        let index = make("one");
        assert_eq!(index, make("two"));
        // What copies the image out of the layout needs one descriptor at the top.
        let top: Value = serde_json::from_str(&index).unwrap();
        assert_eq!(top["manifests"].as_array().unwrap().len(), 1);
        let read = |descriptor: &Value| -> Value {
            let digest = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:");
            let path = directory.path().join("one/blobs/sha256").join(digest);
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        };
        let index = read(&top["manifests"][0]);
        let (image, attestation) = (&index["manifests"][0], &index["manifests"][1]);
        assert_eq!(image["platform"]["architecture"], "amd64");
        let annotations = &attestation["annotations"];
        assert_eq!(annotations["vnd.docker.reference.digest"], image["digest"]);
        let statement = read(&read(attestation)["layers"][0]);
        assert_eq!(statement["predicate"]["metadata"]["component"]["name"], "coaming");
        // A layout that exists is not written over.
        let again = ["--binary", "amd64=x", "--launcher", "amd64=x", "--out", &path("one")];
        assert!(run(&again.map(str::to_owned)).unwrap_err().contains("exists already"));
    }
}
