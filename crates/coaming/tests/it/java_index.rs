//! Java archives without a name, and the index that knows them by their SHA-1: as Trivy publishes it,
//! in a registry of this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use coaming_oci::Reference;
use coaming_test::docker_registry::DockerRegistry;
use rusqlite::Connection;
use sha1::{Digest as _, Sha1};

const LAYER: &str = "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip";

/// A directory with a root filesystem: an archive of which only the version is known, one of which
/// nothing is, and an application.
struct World {
    directory: tempfile::TempDir,
    archives: [Vec<u8>; 2],
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("root/app/lib");
        std::fs::create_dir_all(&library).unwrap();
        let archives = [zip(&[("a/A.class", b"a")]), zip(&[("b/B.class", b"b")])];
        std::fs::write(library.join("acme-core-1.2.3.jar"), &archives[0]).unwrap();
        std::fs::write(library.join("renamed.jar"), &archives[1]).unwrap();
        let inner = zip(&[("c/C.class", b"c")]);
        let application = zip(&[("BOOT-INF/lib/unheard-of.jar", &inner)]);
        std::fs::write(library.join("app.jar"), application).unwrap();
        Self { directory, archives }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The index, with the tables of `trivy-java-db`.
    fn index(&self) -> PathBuf {
        let path = self.path("trivy-java.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
                 CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT,
                     foreign key (artifact_id) references artifacts(id));
                 CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id);
                 CREATE INDEX indices_artifact_idx ON indices(artifact_id);
                 CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1);
                 INSERT INTO artifacts VALUES (1, 'com.acme', 'acme-core'), (2, 'org.acme', 'tools');",
            )
            .unwrap();
        for (number, version, bytes) in
            [(1, "1.2.3", &self.archives[0]), (2, "0.9", &self.archives[1])]
        {
            let sha1 = Sha1::digest(bytes).to_vec();
            let row = (number, version, sha1);
            connection.execute("INSERT INTO indices VALUES (?1, ?2, ?3, 'jar')", row).unwrap();
        }
        path
    }

    /// The package URLs of the image.
    fn packages(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = super::coaming(&["image", "--format", "json"]);
        command.arg(self.path("root")).args(arguments).env("HOME", self.directory.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", super::stderr(&output));
        let facts = super::json(&output)["facts"].clone();
        assert!(facts.get("unnamed_archives").is_none());
        let packages = facts["packages"].as_array().unwrap();
        packages.iter().map(|it| it["purl"].as_str().unwrap().to_owned()).collect()
    }
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A compressed tar archive of a file, as the layers of Trivy's artifacts are.
fn archive(file: &Path, name: &str) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    builder.append_path_with_name(file, name).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    builder.append_data(&mut header, "metadata.json", &b"{}"[..]).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn archives_are_named_by_their_sha1() {
    let world = World::new();
    let sha1 = format!("{:x}", Sha1::digest(&world.archives[0]));
    let unknown = format!("pkg:maven/acme-core@1.2.3?checksum=sha1:{sha1}");
    assert_eq!(
        world.packages(&[]).iter().map(|it| it.replace("%3A", ":")).collect::<Vec<_>>(),
        [unknown]
    );
    let named = ["pkg:maven/com.acme/acme-core@1.2.3", "pkg:maven/org.acme/tools@0.9"];
    let index = world.index();
    assert_eq!(world.packages(&["--java-index", index.to_str().unwrap()]), named);
    let config = world.path("coaming.yaml");
    let text = format!("vulnerabilities: {{java-index: {}}}\n", index.display());
    std::fs::write(&config, text).unwrap();
    assert_eq!(world.packages(&["--config", config.to_str().unwrap()]), named);
    // The user's own one.
    let own = world.path(".cache/coaming");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::rename(&index, own.join("java-index.db")).unwrap();
    assert_eq!(world.packages(&[]), named);

    std::fs::write(own.join("java-index.db"), "no index").unwrap();
    let mut command = super::coaming(&["image"]);
    command.arg(world.path("root")).env("HOME", world.directory.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = super::stderr(&output);
    assert!(error.contains("is not an index of Java archives, or is damaged"), "{error}");

    // Slimming counts the vulnerabilities of what has a name, too.
    let mut command = super::coaming(&["image", "slim", "--java-index", "nothing.db", "--output"]);
    let arguments = [world.path("slim.tar"), world.path("root")];
    let output = command.args(arguments).env("HOME", world.directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = super::stderr(&output);
    assert!(error.contains("there is no index of Java archives at nothing.db"), "{error}");
}

#[test]
fn the_index_comes_from_a_registry() {
    let Some(server) = DockerRegistry::start("the_index_comes_from_a_registry") else { return };
    let world = World::new();
    let registry = super::registry(&server);
    let push = |tag: &str, bytes: &[u8], layer: &str| {
        let file = world.path("pushed");
        std::fs::write(&file, bytes).unwrap();
        let name = format!("{}/mirror/trivy-java-db:{tag}", server.host);
        let reference = Reference::parse(&name).unwrap();
        let kind = "application/vnd.aquasec.trivy.config.v1+json";
        registry.push_file(&reference, &file, kind, layer).unwrap();
        name
    };
    let file = world.path("own/java-index.db");
    let get = |reference: &str| {
        let mut command = super::coaming(&["db", "java-index", reference, "--java-index"]);
        command.arg(&file).arg("--ca").arg(server.ca());
        let output = command.env("DOCKER_CONFIG", server.docker_config("reader")).output().unwrap();
        (super::stderr(&output), output.status.code())
    };
    let index = world.index();
    let good = archive(&index, "trivy-java.db");
    let (error, code) = get(&push("1", &good, LAYER));
    assert_eq!((error.as_str(), code), ("", Some(0)));
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&index).unwrap());
    assert_eq!(world.packages(&["--java-index", file.to_str().unwrap()]).len(), 2);

    // The old one stays if the new one is something else, or broken.
    let text = world.path("text");
    std::fs::write(&text, "no index").unwrap();
    for (tag, bytes, layer, expected) in [
        ("2", archive(&index, "trivy.db"), LAYER, "there is no file `trivy-java.db` in it"),
        ("3", archive(&text, "trivy-java.db"), LAYER, "is not an index of Java archives"),
        ("4", good.clone(), "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip", "check the name"),
        ("5", good[..good.len() / 2].to_vec(), LAYER, "java-index.db: "),
    ] {
        let (error, code) = get(&push(tag, &bytes, layer));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&index).unwrap());
    }
}
