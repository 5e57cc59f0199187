//! `coaming image --registry`: all images of Debian's `docker-registry`, in one walk and in shards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use coaming_oci::{Descriptor, Digest, Reference, media_type};
use coaming_registry::Registry;
use coaming_test::docker_registry::DockerRegistry;
use coaming_test::image_archives::tar;
use coaming_test::postgres::{PASSWORD, Postgres};
use serde_json::{Value, json};

use super::{coaming, contract, stderr, stdout};

/// How many images the registry has.
const IMAGES: usize = 200;
/// How many repositories they are in.
const REPOSITORIES: usize = 20;

/// A registry with images, and a database that knows one package of each.
pub(super) struct World {
    pub(super) server: DockerRegistry,
    pub(super) home: tempfile::TempDir,
    registry: Registry,
}

impl World {
    pub(super) fn start(test: &str, images: usize) -> Option<Self> {
        let server = DockerRegistry::start(test)?;
        let registry = super::registry(&server);
        let world = Self { server, home: tempfile::tempdir().unwrap(), registry };
        let base = tar(&[("etc/os-release", 0o644, b"ID=alpine\nVERSION_ID=3.20.1\n")]);
        for number in 0..images {
            let database = format!("P:acme\nV:1.0-r{number}\nA:x86_64\n\n");
            let own = tar(&[("lib/apk/db/installed", 0o644, database.as_bytes())]);
            let repository = format!("shop/app{}", number % REPOSITORIES);
            world.push(&format!("{repository}:1.{}", number / REPOSITORIES), &[&base, &own]);
        }
        world.build_database();
        Some(world)
    }

    fn reference(&self, name: &str) -> Reference {
        Reference::parse(&format!("{}/{name}", self.server.host)).unwrap()
    }

    fn blob(&self, reference: &Reference, kind: &str, bytes: &[u8]) -> Descriptor {
        let blob = Descriptor::of(kind, bytes);
        let open = || Ok(std::io::Cursor::new(bytes.to_vec()));
        self.registry.push_blob(reference, &blob, open).unwrap();
        blob
    }

    fn push(&self, name: &str, layers: &[&[u8]]) -> Digest {
        let reference = self.reference(name);
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::sha256(layer)).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"User": "app"},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = self.blob(
            &reference,
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        let layers: Vec<Descriptor> = layers
            .iter()
            .map(|layer| self.blob(&reference, "application/vnd.oci.image.layer.v1.tar", layer))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": config, "layers": layers,
        });
        let bytes = manifest.to_string().into_bytes();
        self.registry.push_manifest(&reference, media_type::OCI_MANIFEST, &bytes).unwrap()
    }

    fn build_database(&self) {
        let records = self.home.path().join("osv");
        fs::create_dir(&records).unwrap();
        let record = json!({
            "id": "CVE-2099-1", "modified": "2026-01-01T00:00:00Z",
            "affected": [{
                "package": {"ecosystem": "Alpine:v3.20", "name": "acme"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0-r5"}]}],
            }],
        });
        fs::write(records.join("a.json"), record.to_string()).unwrap();
        let built =
            coaming(&["db", "build", "--db"]).arg(self.database()).arg(&records).output().unwrap();
        assert!(built.status.success(), "{}", stderr(&built));
    }

    pub(super) fn database(&self) -> PathBuf {
        self.home.path().join("a.db")
    }

    fn walk(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command =
            coaming(&["image", "--registry", &self.server.host, "--no-cache", "--ca"]);
        command
            .arg(self.server.ca())
            .arg("--db")
            .arg(self.database())
            .args(arguments)
            .env("HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path())
            .env("DOCKER_CONFIG", self.server.docker_config("reader"));
        command
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.walk(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        parse(&stdout(&output))
    }
}

fn parse(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.inspect(contract::check).collect()
}

fn images(lines: &[Value]) -> BTreeSet<String> {
    lines.iter().map(|line| line["image"].as_str().unwrap().to_owned()).collect()
}

fn vulnerable(lines: &[Value]) -> usize {
    let found = |line: &Value| line["vulnerabilities"]["summary"]["vulnerabilities"] == 1;
    lines.iter().filter(|line| found(line)).count()
}

#[test]
fn two_hundred_images_are_read_once_each() {
    let Some(world) = World::start("two_hundred_images_are_read_once_each", IMAGES) else { return };
    // The same image under another name.
    let base = tar(&[("etc/os-release", 0o644, b"ID=alpine\nVERSION_ID=3.20.1\n")]);
    let own = tar(&[("lib/apk/db/installed", 0o644, b"P:acme\nV:1.0-r0\nA:x86_64\n\n")]);
    world.push("copy/app:latest", &[&base, &own]);
    let all = world.lines(&[]);
    assert_eq!((all.len(), images(&all).len()), (IMAGES, IMAGES));
    assert_eq!(vulnerable(&all), 5);
    let copied = all.iter().find(|line| line["names"].as_array().unwrap().len() == 2).unwrap();
    assert_eq!(copied["names"], json!(["copy/app:latest", "shop/app0:1.0"]));
    for count in [2, 4] {
        let mut found = BTreeSet::new();
        for index in 0..count {
            let shard = images(&world.lines(&["--shard", &format!("{index}/{count}")]));
            assert!(shard.len() * count > IMAGES / 2, "{index}/{count}: {}", shard.len());
            assert!(shard.is_disjoint(&found), "{index}/{count}");
            found.extend(shard);
        }
        assert_eq!(found, images(&all));
    }
    let newest = world.lines(&["--repositories", "shop/app1?", "--newest", "2"]);
    assert_eq!(newest.len(), 20);
    let range = world.lines(&["--repositories", "shop/*", "--tags", ">=1.3, <1.5"]);
    assert_eq!(range.len(), 2 * REPOSITORIES);
}

#[test]
fn an_interrupted_walk_continues() {
    let Some(world) = World::start("an_interrupted_walk_continues", 12) else { return };
    let file = world.home.path().join("images.jsonl");
    let name = file.to_str().unwrap();
    let output = world.walk(&["--output", name]);
    assert!(stderr(&output).contains("12 images read"), "{}", stderr(&output));
    let whole = fs::read_to_string(&file).unwrap();
    assert_eq!(parse(&whole).len(), 12);
    // It ended while the eighth line was written.
    let seven: usize = whole.lines().take(7).map(|line| line.len() + 1).sum();
    fs::write(&file, &whole[..seven + 40]).unwrap();
    let output = world.walk(&["--output", name]);
    let text = stderr(&output);
    assert!(text.contains("5 images read") && text.contains("7 already in the output"), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
}

#[test]
fn results_are_attached_and_not_computed_again() {
    let test = "results_are_attached_and_not_computed_again";
    let Some(world) = World::start(test, 6) else { return };
    let all = ["--attach", "sbom,vex,results"];
    let output = world.walk(&all);
    assert!(stderr(&output).contains("6 images read, 0 with attached"), "{}", stderr(&output));
    let again = world.walk(&all);
    assert!(stderr(&again).contains("0 images read, 6 with attached"), "{}", stderr(&again));
    assert_eq!(stdout(&again), stdout(&output));
    // Other tools find them, and there is one of each, also after a walk that writes them again.
    let without = world.walk(&["--attach", "sbom"]);
    assert_eq!(without.status.code(), Some(0), "{}", stderr(&without));
    let digest = world.registry.resolve(&world.reference("shop/app0:1.0")).unwrap();
    let referrers =
        world.registry.referrers(&world.reference("shop/app0").with_digest(digest), None).unwrap();
    let kinds: BTreeSet<&str> =
        referrers.iter().filter_map(|it| it.artifact_type.as_deref()).collect();
    assert_eq!((referrers.len(), kinds.len()), (3, 3), "{kinds:?}");
}

#[test]
fn artifacts_are_skipped_and_failures_are_lines() {
    let test = "artifacts_are_skipped_and_failures_are_lines";
    let Some(world) = World::start(test, 1) else { return };
    let reference = world.reference("charts/web:1");
    let config = world.blob(&reference, "application/vnd.cncf.helm.config.v1+json", b"{}");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [],
    });
    let manifest = manifest.to_string();
    world
        .registry
        .push_manifest(&reference, media_type::OCI_MANIFEST, manifest.as_bytes())
        .unwrap();
    world.push("broken/app:1", &[b"no archive".repeat(100).as_slice()]);
    let output = world.walk(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let lines = parse(&stdout(&output));
    let chart = lines.iter().find(|line| line["names"][0] == "charts/web:1").unwrap();
    assert!(chart["skipped"].as_str().unwrap().contains("helm.config"), "{chart}");
    let broken = lines.iter().find(|line| line["names"][0] == "broken/app:1").unwrap();
    assert_ne!(broken["facts"]["problems"], json!([]));
    let report = world.walk(&["--repositories", "shop/*", "--format", "policy-report"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["kind"], "ClusterPolicyReport");
    assert_eq!(report["results"][0]["rule"], "CVE-2099-1");
    assert_eq!(report["results"][0]["properties"]["images"], "shop/app0:1.0");
}

#[test]
fn workers_share_a_queue() {
    let test = "workers_share_a_queue";
    let Some(postgres) = Postgres::start(test) else { return };
    let Some(world) = World::start(test, 40) else { return };
    let url = postgres.url("shop");
    let work = |name: &str| {
        let mut command = world.command(&["--queue", &url, "--queue-name", name]);
        command.env("PGPASSWORD", PASSWORD).output().unwrap()
    };
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| work("a"))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut lines = Vec::new();
    for output in &outputs {
        assert!(output.status.success(), "{}", stderr(output));
        lines.extend(parse(&stdout(output)));
    }
    assert_eq!((lines.len(), images(&lines).len(), vulnerable(&lines)), (40, 40, 5));
    // A later walk has only what is new, and one with another name has all.
    let own = tar(&[("lib/apk/db/installed", 0o644, b"P:acme\nV:9.0-r0\nA:x86_64\n\n")]);
    world.push("shop/new:1", &[&own]);
    assert_eq!(parse(&stdout(&work("a"))).len(), 1);
    assert_eq!(parse(&stdout(&work("b"))).len(), 41);
    let stranger = world.walk(&["--queue", &url]);
    assert_eq!(stranger.status.code(), Some(2));
    assert!(stderr(&stranger).contains("password"), "{}", stderr(&stranger));
    let both = world.walk(&["--queue", &url, "--shard", "0/2"]);
    assert_eq!(both.status.code(), Some(2));
    let shown = world.walk(&["--queue", "postgres://shop:hunter2@127.0.0.1/a"]);
    let text = stderr(&shown);
    assert!(text.contains("PGPASSWORD") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_job_has_no_files_of_this_machine() {
    for option in ["--db", "--java-index"] {
        let arguments = ["image", "--registry", "registry.example.com", "--as-job", option, "a.db"];
        let output = coaming(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(stderr(&output).contains(option), "{}", stderr(&output));
    }
}

#[test]
fn the_job_of_workers_with_a_queue_has_no_findings() {
    let arguments = ["image", "--registry", "registry.example.com", "--shard", "0/3", "--as-job"];
    let queue = ["--queue", "postgres://coaming@db.example.com/security"];
    let output = coaming(&arguments).args(queue).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let job = stdout(&output);
    for text in ["completions: 3", "\"--queue=postgres://coaming@db.", "secretName: registry-queue"]
    {
        assert!(job.contains(text), "{text} is not in {job}");
    }
    assert!(!job.contains("--shard"), "{job}");
    let directory = super::directory(&[("job.yaml", &job)]);
    let scan =
        coaming(&["scan", "--standard", "restricted"]).arg(directory.path()).output().unwrap();
    assert_eq!(scan.status.code(), Some(0), "{}", stdout(&scan));
}

#[test]
fn the_job_has_no_findings() {
    let arguments = ["image", "--registry", "registry.example.com", "--shard", "0/4", "--as-job"];
    let more = ["--repositories", "shop/**", "--newest", "3", "--attach", "sbom,results"];
    let output = coaming(&arguments).args(more).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let job = stdout(&output);
    for text in [
        "completions: 4",
        "\"--shard=$(JOB_COMPLETION_INDEX)/4\"",
        "\"--repositories=shop/**\"",
        "\"--attach=results\"",
    ] {
        assert!(job.contains(text), "{text} is not in {job}");
    }
    let directory = super::directory(&[("job.yaml", &job)]);
    let scan = coaming(&["scan", "--standard", "restricted"])
        .arg(Path::new(directory.path()))
        .output()
        .unwrap();
    assert_eq!(scan.status.code(), Some(0), "{}", stdout(&scan));
}
