//! SBOMs, held to the validators of their standards: SPDX's own tools and CycloneDX's own library, in a
//! virtual environment beside `COAMING_TOOLS`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::coaming;

/// The directory of the environment's programs, if it has both validators.
fn environment() -> Option<PathBuf> {
    let tools = std::env::var_os("COAMING_TOOLS")?;
    let programs = Path::new(&tools).parent()?.join("venv/bin");
    programs.join("pyspdxtools").is_file().then_some(programs)
}

/// Images of several package managers.
fn images() -> Option<Vec<PathBuf>> {
    let data = PathBuf::from(std::env::var_os("COAMING_DATA")?).join("images");
    let mut images: Vec<PathBuf> =
        std::fs::read_dir(data).ok()?.map(|entry| entry.unwrap().path()).collect();
    images.sort();
    Some(images)
}

const CYCLONEDX: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(error) if error else 0)
";

#[test]
fn documents_are_valid_by_the_standards_own_validators() {
    let (Some(programs), Some(images)) = (environment(), images()) else {
        coaming_test::skip!("no COAMING_DATA, or no pyspdxtools in venv/bin beside COAMING_TOOLS");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    for image in images {
        let name = image.file_name().unwrap().to_string_lossy().into_owned();
        for format in ["spdx", "cyclonedx"] {
            let file = directory.path().join(format!("{name}.{format}.json"));
            let written = coaming(&["image", "--format", format, "--output"])
                .args([&file, &image])
                .output()
                .unwrap();
            assert!(file.is_file(), "{written:?}");
            let mut validator = if format == "spdx" {
                let mut program = Command::new(programs.join("pyspdxtools"));
                program.arg("-i");
                program
            } else {
                let mut program = Command::new(programs.join("python3"));
                program.args(["-c", CYCLONEDX]);
                program
            };
            let output = validator.arg(&file).output().unwrap();
            assert!(output.status.success(), "{name} as {format}: {output:?}");
        }
    }
}
