//! Against a real containerd, with its store in the test's directory.

use std::io::Read as _;

use coaming_daemon::{Containerd, ContainerdImage, DaemonError};
use coaming_http::{BlockingReader, Runtime};

use super::write_image;
use coaming_test::daemons::{containerd, import};

const NAME: &str = "registry.example/team/web:1.2";

fn read(
    containerd: &Containerd,
    image: &ContainerdImage,
    digest: &str,
) -> std::io::Result<Vec<u8>> {
    let runtime = Runtime::shared().unwrap();
    let blob = runtime.block_on(containerd.blob(image, digest))?;
    let mut bytes = Vec::new();
    BlockingReader::new(runtime, blob).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn find(containerd: &Containerd, name: &str) -> Result<Option<ContainerdImage>, DaemonError> {
    Runtime::shared().unwrap().block_on(containerd.find(name))
}

#[test]
fn hands_out_an_image_blob_by_blob() {
    let Some(running) = containerd("hands_out_an_image_blob_by_blob") else { return };
    let archive = running.directory.path().join("image.tar");
    write_image(&archive, NAME);
    import(&running, "shop", &archive);
    let containerd = Containerd::at(&running.socket);
    assert_eq!(find(&containerd, "registry.example/team/web:9").unwrap(), None);
    assert_eq!(find(&containerd, "\r\nx: y").unwrap(), None);
    let image = find(&containerd, NAME).unwrap().unwrap();

    // From the index through a manifest to a layer of some megabytes.
    let json = |digest: &str| -> serde_json::Value {
        serde_json::from_slice(&read(&containerd, &image, digest).unwrap()).unwrap()
    };
    let index = json(&image.digest);
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    let manifest = json(index["manifests"][1]["digest"].as_str().unwrap());
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let bytes = read(&containerd, &image, layer).unwrap();
    assert!(bytes[512..].starts_with(b"arm64arm64"));
    assert_eq!(bytes.len() as u64, manifest["layers"][0]["size"].as_u64().unwrap());

    let unknown = read(&containerd, &image, &format!("sha256:{}", "0".repeat(64))).unwrap_err();
    assert!(unknown.to_string().contains("discard_unpacked_layers"), "{unknown}");

    // Bytes that changed beneath containerd are not the blob.
    let stored = running
        .directory
        .path()
        .join("root/io.containerd.content.v1.content/blobs")
        .join(layer.replace(':', "/"));
    let mut changed = bytes;
    changed[600] ^= 1;
    std::fs::write(stored, changed).unwrap();
    let error = read(&containerd, &image, layer).unwrap_err();
    assert!(error.to_string().contains("digest does not match"), "{error}");

    // Kubernetes' own namespace comes first.
    import(&running, "k8s.io", &archive);
    assert_ne!(find(&containerd, NAME).unwrap().unwrap(), image);
}

#[test]
fn a_socket_that_is_not_containerds_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let none = Containerd::at(&directory.path().join("none"));
    assert!(find(&none, NAME).is_err(), "there is none");
    let answers: [&'static [u8]; 3] =
        [b"HTTP/1.1 200 OK\r\n\r\n", b"", b"\0\0\0\x04\0\0\0\0\0\xff\xff\xff"];
    for (number, answer) in answers.into_iter().enumerate() {
        let socket = directory.path().join(number.to_string());
        let containerd = Containerd::at(&socket);
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // A second connection is refused, and not left waiting.
            drop(listener);
            std::io::Write::write_all(&mut stream, answer).unwrap();
        });
        assert!(find(&containerd, NAME).is_err(), "{answer:?}");
        server.join().unwrap();
    }
}
