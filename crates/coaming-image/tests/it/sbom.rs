//! SBOMs, checked with the validators of the formats' own projects.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{read, skip, tar};

const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
assert error is None, error
errors = validate_full_spdx_document(parse_file(sys.argv[2]))
assert not errors, errors
";

/// A Python with both validators; they are installed once.
fn python() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("validators");
    let python = directory.join("bin/python");
    let run = |program: &Path, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    let has_both =
        |python: &Path| run(python, &["-c", "import cyclonedx.validation.json, spdx_tools"]);
    if !has_both(&python) {
        let directory = directory.to_str()?;
        run(Path::new("python3"), &["-m", "venv", directory]);
        let packages = ["cyclonedx-python-lib[json-validation]", "spdx-tools"];
        run(&python, &["-m", "pip", "install", "-q", packages[0], packages[1]]);
    }
    has_both(&python).then_some(python)
}

#[test]
fn sboms_are_valid() {
    let Some(python) = python() else {
        return skip("sboms_are_valid", "the validators cannot be installed from PyPI");
    };
    let status = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nSource: glibc\n\
                   Architecture: amd64\n\nPackage: bash\nStatus: install ok installed\nVersion: 5.2-1\n";
    let full = read(
        "",
        &[tar(&[
            ("etc/os-release", 0o644, b"ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n"),
            ("var/lib/dpkg/status", 0o644, status),
        ])],
    );
    assert_eq!(full.packages.len(), 2);
    let empty = read("", &[tar(&[])]);
    let directory = tempfile::tempdir().unwrap();
    for facts in [full, empty] {
        let (cyclonedx, spdx) =
            (directory.path().join("a.cdx.json"), directory.path().join("a.spdx.json"));
        std::fs::write(
            &cyclonedx,
            coaming_image::sbom::cyclonedx(&facts, "shop/web:1").to_string(),
        )
        .unwrap();
        std::fs::write(&spdx, coaming_image::sbom::spdx(&facts, "shop/web:1").to_string()).unwrap();
        let output = Command::new(&python)
            .args(["-c", VALIDATE])
            .arg(&cyclonedx)
            .arg(&spdx)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
