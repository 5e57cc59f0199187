//! The small inputs that fuzzing starts from (`fuzz/seeds`): every target has some, and each of them goes
//! through its target without a panic. The targets are the same files that `cargo fuzz` builds.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a target fails by panicking")]
#![allow(clippy::type_complexity, reason = "a fuzzer's input is a plain tuple")]

extern crate coaming_test as libfuzzer_sys;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What all seeds together may have, and each of them, in bytes: they are in the repository.
const MAX_BYTES: usize = 400_000;
const MAX_SEED: usize = 4_000;

macro_rules! targets {
    ($($name:ident $path:literal),* $(,)?) => {
        $(
            #[path = $path]
            #[allow(unused_attributes, reason = "as a program, it has no function `main`")]
            mod $name;
        )*

        const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::run)),*];
    };
}

targets! {
    access "../../../../fuzz/fuzz_targets/access.rs",
    admission "../../../../fuzz/fuzz_targets/admission.rs",
    chart "../../../../fuzz/fuzz_targets/chart.rs",
    dockerfile "../../../../fuzz/fuzz_targets/dockerfile.rs",
    etcd "../../../../fuzz/fuzz_targets/etcd.rs",
    flows "../../../../fuzz/fuzz_targets/flows.rs",
    gitleaks_rules "../../../../fuzz/fuzz_targets/gitleaks_rules.rs",
    image_archive "../../../../fuzz/fuzz_targets/image_archive.rs",
    image_layer "../../../../fuzz/fuzz_targets/image_layer.rs",
    inject "../../../../fuzz/fuzz_targets/inject.rs",
    kustomize "../../../../fuzz/fuzz_targets/kustomize.rs",
    network "../../../../fuzz/fuzz_targets/network.rs",
    oci "../../../../fuzz/fuzz_targets/oci.rs",
    osv_record "../../../../fuzz/fuzz_targets/osv_record.rs",
    packages "../../../../fuzz/fuzz_targets/packages.rs",
    pin "../../../../fuzz/fuzz_targets/pin.rs",
    pin_archive "../../../../fuzz/fuzz_targets/pin_archive.rs",
    purl "../../../../fuzz/fuzz_targets/purl.rs",
    sbom "../../../../fuzz/fuzz_targets/sbom.rs",
    scan "../../../../fuzz/fuzz_targets/scan.rs",
    secrets "../../../../fuzz/fuzz_targets/secrets.rs",
    signature "../../../../fuzz/fuzz_targets/signature.rs",
    slim "../../../../fuzz/fuzz_targets/slim.rs",
    terraform "../../../../fuzz/fuzz_targets/terraform.rs",
    versions "../../../../fuzz/fuzz_targets/versions.rs",
    vex "../../../../fuzz/fuzz_targets/vex.rs",
    yaml_edit "../../../../fuzz/fuzz_targets/yaml_edit.rs",
    yaml_parse "../../../../fuzz/fuzz_targets/yaml_parse.rs",
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_target_is_known_here_and_to_cargo_fuzz() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known, names(&fuzz().join("fuzz_targets")));
    assert_eq!(known, names(&fuzz().join("seeds")));
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in known {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}");
    }
}

#[test]
fn every_seed_goes_through_its_target() {
    let mut bytes = 0;
    for (name, run) in TARGETS {
        let mut seeds: Vec<PathBuf> = fs::read_dir(fuzz().join("seeds").join(name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{name}");
        for seed in seeds {
            let content = fs::read(&seed).unwrap();
            assert!(content.len() <= MAX_SEED, "{} is too large", seed.display());
            bytes += content.len();
            println!("{}", seed.display());
            run(&content);
        }
    }
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}
