//! Which Maven artifact an archive is: by `pom.properties` if there is one, else by its manifest
//! and its name.

use quick_xml::events::Event;

use super::groups;
use crate::packages::parsed::text;

/// Group, artifact and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Empty if it is unknown.
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

impl Identity {
    /// `group:artifact`.
    pub(super) fn name(&self) -> String {
        if self.group.is_empty() {
            self.artifact.clone()
        } else {
            format!("{}:{}", self.group, self.artifact)
        }
    }

    /// What `META-INF/maven/GROUP/ARTIFACT/pom.properties` says.
    pub(super) fn of_properties(properties: &str) -> Option<Self> {
        let field = |key: &str| {
            properties.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == key).then(|| text(value)).flatten()
            })
        };
        Some(Self {
            group: field("groupId")?.to_owned(),
            artifact: field("artifactId")?.to_owned(),
            version: field("version")?.to_owned(),
        })
    }

    /// What the archive's name and manifest say. The name has priority: build tools write it,
    /// people write manifests.
    pub(super) fn of_manifest(manifest: &Manifest, file_name: &str) -> Option<Self> {
        let (stem, named_version) = split_file_name(file_name);
        let artifact = if named_version.is_some() {
            stem
        } else {
            let title = manifest.get("Implementation-Title").filter(|title| !title.contains(' '));
            title.filter(|title| !title.contains([':', '#'])).unwrap_or(stem)
        };
        let version = named_version.or_else(|| {
            ["Implementation-Version", "Bundle-Version", "Specification-Version"]
                .iter()
                .find_map(|key| manifest.get(key))
        })?;
        Some(Self {
            group: group(manifest, artifact),
            artifact: text(artifact)?.to_owned(),
            version: version.to_owned(),
        })
    }
}

/// The version of the project in a `pom.xml`, else that of its parent; `None` if it is defined
/// elsewhere.
pub(super) fn version_of_project(pom: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(pom);
    let mut path: Vec<String> = Vec::new();
    let (mut own, mut of_parent) = (None, None);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if path.len() < DEPTH => {
                path.push(start.local_name().as_ref().to_owned());
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(value) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                let value = text(&value).filter(|value| !value.contains("${"));
                match names.as_slice() {
                    ["project", "version"] => own = value.map(str::to_owned),
                    ["project", "parent", "version"] => of_parent = value.map(str::to_owned),
                    _ => {}
                }
            }
            // What follows has versions of other projects.
            Event::Start(_) | Event::Eof => break,
            _ => {}
        }
    }
    own.or(of_parent)
}

/// How deep elements of a project's file may nest.
const DEPTH: usize = 64;

/// The group, if the manifest contains it.
fn group(manifest: &Manifest, artifact: &str) -> String {
    if let Some(group) = groups::of_artifact(artifact) {
        return group.to_owned();
    }
    let identifier = |value: &&str| {
        value.contains('.') && value.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    };
    if let Some(group) =
        ["Group-Id", "Implementation-Vendor-Id"].iter().find_map(|key| manifest.get(key))
        && identifier(&group)
    {
        return group.to_owned();
    }
    let symbolic = ["Bundle-SymbolicName", "Automatic-Module-Name"]
        .iter()
        .filter_map(|key| manifest.get(key))
        .map(|value| value.split(';').next().unwrap_or(value).trim())
        .find(identifier);
    // `org.apache.commons.lang3` is an artifact in `org.apache.commons`.
    symbolic
        .and_then(|name| {
            name.strip_suffix(artifact)
                .and_then(|group| group.strip_suffix(['.', '-']))
                .or_else(|| name.rsplit_once('.').map(|(group, _)| group))
                // `com` is not a group: `com.h2database` is one.
                .map(|group| if group.contains('.') { group } else { name })
        })
        .unwrap_or_default()
        .to_owned()
}

/// `log4j-core-2.17.1.jar`: the name, and the version from the first part that starts with a
/// number.
fn split_file_name(file_name: &str) -> (&str, Option<&str>) {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let version = stem.match_indices('-').find_map(|(index, _)| {
        let rest = stem.get(index + 1..)?;
        let first = rest.split(['.', '-', '_']).next()?;
        let number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        number.then_some((index, rest))
    });
    match version {
        Some((index, version)) => (stem.get(..index).unwrap_or(stem), text(version)),
        None => (stem, None),
    }
}

/// The main section of `META-INF/MANIFEST.MF`.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    fields: Vec<(String, String)>,
}

impl Manifest {
    /// Reads it, and joins the lines that the format breaks after 72 bytes.
    pub(super) fn parse(content: &str) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in content.lines().take_while(|line| !line.is_empty()) {
            if let Some(more) = line.strip_prefix(' ') {
                if let Some((_, value)) = fields.last_mut() {
                    value.push_str(more);
                }
            } else if let Some((key, value)) = line.split_once(':') {
                fields.push((key.to_owned(), value.trim().to_owned()));
            }
        }
        Self { fields }
    }

    /// A field that is fit for facts.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        text(value).filter(|value| !value.contains("${"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_file_names() {
        for (name, wanted) in [
            ("log4j-core-2.17.1.jar", ("log4j-core", Some("2.17.1"))),
            ("guava-31.1-jre.jar", ("guava", Some("31.1-jre"))),
            ("java-3d-core-1.6.jar", ("java-3d-core", Some("1.6"))),
            ("app.jar", ("app", None)),
        ] {
            assert_eq!(split_file_name(name), wanted);
        }
    }

    #[test]
    fn reads_groups_in_manifests() {
        let identity = |manifest: &str, name: &str| {
            Identity::of_manifest(&Manifest::parse(manifest), name).map(|id| id.name())
        };
        let bundle = "Bundle-SymbolicName: org.apache.commons.lang3\r\nBundle-Version: 3.12.0\r\n";
        let lang = identity(bundle, "commons-lang3-3.12.0.jar");
        assert_eq!(lang.as_deref(), Some("org.apache.commons:commons-lang3"));
        let module = "Automatic-Module-Name: spring.core\r\n";
        let spring = identity(module, "spring-core-5.3.1.jar");
        assert_eq!(spring.as_deref(), Some("org.springframework:spring-core"));
        let vendor = "Implementation-Title: thing\r\nImplementation-Vendor-Id: com.exa\r\n mple\r\n\
                      Implementation-Version: 1\r\n\r\nName: part\r\n";
        assert_eq!(identity(vendor, "renamed.jar").as_deref(), Some("com.example:thing"));
        assert_eq!(identity("", "app.jar"), None);
        let h2 = identity("Bundle-SymbolicName: com.h2database\r\n", "h2-1.4.200.jar");
        assert_eq!(h2.as_deref(), Some("com.h2database:h2"));
        let okhttp = identity("Automatic-Module-Name: okhttp3\r\n", "okhttp-4.9.0.jar");
        assert_eq!(okhttp.as_deref(), Some("com.squareup.okhttp3:okhttp"));
        assert_eq!(identity("", "unheard-of-1.0.jar").as_deref(), Some("unheard-of"));
    }

    #[test]
    fn reads_versions_of_projects() {
        for (pom, expected) in [
            ("<project><version>1.4.0</version></project>", Some("1.4.0")),
            (
                "<project xmlns='x'><parent><version>2</version></parent><artifactId>a</artifactId>\
                 <dependencies><dependency><version>9</version></dependency></dependencies>\
                 </project>",
                Some("2"),
            ),
            ("<project><version>${revision}</version></project>", None),
            ("<project", None),
        ] {
            assert_eq!(version_of_project(pom).as_deref(), expected, "{pom}");
        }
    }
}
