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
                // Java's properties know both signs.
                let (name, value) = line.split_once(['=', ':'])?;
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
            // The second one is that of Jenkins's plugins.
            let titles = ["Implementation-Title", "Short-Name"];
            let mut titles = titles.iter().filter_map(|key| manifest.get(key));
            titles.find(|title| !title.contains([' ', ':', '#'])).unwrap_or(stem)
        };
        let mut written = VERSIONS.iter().filter_map(|key| manifest.get(key));
        let version = match named_version {
            Some(named) => written.find(|own| is_classified(named, own)).unwrap_or(named),
            None => written.next()?,
        };
        Some(Self {
            group: group(manifest, artifact, version),
            artifact: text(artifact)?.to_owned(),
            version: version.to_owned(),
        })
    }
}

/// Where manifests contain the archive's version.
const VERSIONS: [&str; 4] =
    ["Implementation-Version", "Bundle-Version", "Plugin-Version", "Specification-Version"];

/// Whether a name has a classifier after the version: `4.1.100.Final-linux-x86_64`.
fn is_classified(named: &str, version: &str) -> bool {
    const CLASSIFIERS: [&str; 8] =
        ["linux", "windows", "osx", "natives", "all", "shaded", "uber", "jar-with-dependencies"];
    let classifier = named.strip_prefix(version).and_then(|rest| rest.strip_prefix('-'));
    classifier.is_some_and(|it| CLASSIFIERS.iter().any(|start| it.starts_with(start)))
}

/// The version of the project in a `pom.xml`, else that of its parent; `None` if it is defined
/// elsewhere.
pub(super) fn version_of_project(pom: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(pom);
    let mut path: Vec<String> = Vec::new();
    let (mut own, mut of_parent) = (None, None);
    let mut properties: Vec<(String, String)> = Vec::new();
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
                let Some(value) = text(&value).map(str::to_owned) else { continue };
                match names.as_slice() {
                    ["project", "version"] => own = Some(value),
                    ["project", "parent", "version"] => of_parent = Some(value),
                    ["project", "properties", name] if properties.len() < PROPERTIES => {
                        properties.push(((*name).to_owned(), value));
                    }
                    _ => {}
                }
            }
            // What follows has versions of other projects.
            Event::Start(_) | Event::Eof => break,
            _ => {}
        }
    }
    let known = |version: String| {
        let version = properties.iter().fold(version, |version, (name, value)| {
            version.replace(&format!("${{{name}}}"), value)
        });
        text(&version).filter(|version| !version.contains("${")).map(str::to_owned)
    };
    own.and_then(known).or_else(|| of_parent.and_then(known))
}

/// The most properties of a project's file that are read.
const PROPERTIES: usize = 200;

/// How deep elements of a project's file may nest.
const DEPTH: usize = 64;

/// The group, if the manifest contains it.
fn group(manifest: &Manifest, artifact: &str, version: &str) -> String {
    if let Some(group) = groups::of_artifact(artifact, version) {
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
        .find(identifier)
        // A bundle that is named by its artifact alone may be in any group.
        .filter(|name| *name != artifact);
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
/// number. Eclipse's bundles have another mark: `org.eclipse.osgi_3.18.0.v20220516.jar`.
fn split_file_name(file_name: &str) -> (&str, Option<&str>) {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let after = |mark: char| {
        stem.match_indices(mark).find_map(|(index, _)| {
            let rest = stem.get(index + 1..)?;
            let first = rest.split(['.', '-', '_']).next()?;
            let number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
            number.then_some((index, rest))
        })
    };
    let of_bundle = || after('_').filter(|(_, version)| version.contains('.'));
    match after('-').or_else(of_bundle) {
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
            ("akka-actor_2.13-2.6.0.jar", ("akka-actor_2.13", Some("2.6.0"))),
            ("org.eclipse.osgi_3.18.0.v2022.jar", ("org.eclipse.osgi", Some("3.18.0.v2022"))),
            ("libfoo_2.jar", ("libfoo_2", None)),
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
        for (name, expected) in [
            ("groovy-all-2.4.8.jar", "org.codehaus.groovy:groovy-all"),
            ("groovy-4.0.1.jar", "org.apache.groovy:groovy"),
            ("dom4j-1.6.1.jar", "dom4j:dom4j"),
            ("hibernate-core-5.6.0.Final.jar", "org.hibernate:hibernate-core"),
            ("hibernate-core-6.1.0.Final.jar", "org.hibernate.orm:hibernate-core"),
        ] {
            assert_eq!(identity("", name).as_deref(), Some(expected));
        }
        assert_eq!(identity("", "unheard-of-1.0.jar").as_deref(), Some("unheard-of"));
        let osgi =
            identity("Bundle-SymbolicName: org.x.y; singleton:=true\r\n", "org.x.y_1.0.0.jar");
        assert_eq!(osgi.as_deref(), Some("org.x.y"));
    }

    #[test]
    fn reads_versions_in_manifests() {
        let version = |manifest: &str, name: &str| {
            Identity::of_manifest(&Manifest::parse(manifest), name)
                .map(|id| (id.name(), id.version))
        };
        let plugin = "Group-Id: org.x.plugins\r\nShort-Name: git\r\nPlugin-Version: 5.2.0\r\n";
        let expected = ("org.x.plugins:git".to_owned(), "5.2.0".to_owned());
        assert_eq!(version(plugin, "renamed.jpi"), Some(expected));
        let native = "Implementation-Version: 4.1.100.Final\r\nGroup-Id: io.x\r\n";
        for (name, expected) in [
            ("a-4.1.100.Final-linux-x86_64.jar", "4.1.100.Final"),
            ("a-4.1.100.Final-jre.jar", "4.1.100.Final-jre"),
            ("a-4.1.99.Final-linux-x86_64.jar", "4.1.99.Final-linux-x86_64"),
        ] {
            let expected = ("io.x:a".to_owned(), expected.to_owned());
            assert_eq!(version(native, name), Some(expected), "{name}");
        }
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
            (
                "<project><version>${revision}${end}</version><properties><revision>1.4</revision>\
                 <end>.0</end></properties></project>",
                Some("1.4.0"),
            ),
            ("<project", None),
        ] {
            assert_eq!(version_of_project(pom).as_deref(), expected, "{pom}");
        }
    }
}
