//! The files that describe a system: `os-release`, `passwd`, `group`.
//!
//! Invariant: malformed lines are skipped, as the C library does.

use crate::{Distribution, User};

/// The largest such file that is read, in bytes.
pub(crate) const LIMIT: u64 = 4 << 20;

/// Where a distribution names itself, the best first.
pub(crate) const RELEASE: [&str; 17] = [
    "/etc/os-release",
    "/usr/lib/os-release",
    // What others are derived from is the last one: each may have several.
    "/etc/lsb-release",
    "/etc/alpine-release",
    "/etc/centos-release",
    "/etc/oracle-release",
    "/etc/fedora-release",
    "/etc/almalinux-release",
    "/etc/rocky-release",
    "/etc/azurelinux-release",
    "/etc/mariner-release",
    "/etc/openEuler-release",
    "/etc/photon-release",
    "/etc/SuSE-release",
    "/etc/redhat-release",
    "/etc/system-release",
    "/etc/debian_version",
];
pub(crate) const PASSWD: &str = "/etc/passwd";
pub(crate) const GROUP: &str = "/etc/group";

/// Whether the file at this path is one of them.
pub(crate) fn wants(path: &str) -> bool {
    RELEASE.contains(&path) || path == PASSWD || path == GROUP
}

/// The distribution in one of the files that name it; `None` if it does not.
pub(crate) fn distribution(path: &str, text: &str) -> Option<Distribution> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first: String = text.lines().next().unwrap_or_default().chars().take(256).collect();
    let first = first.trim();
    let named = |id: &str, version: &str, name: String| Distribution {
        id: id.to_owned(),
        version: version.to_owned(),
        name,
        ..Distribution::default()
    };
    let is_version = |text: &str| text.starts_with(|it: char| it.is_ascii_digit());
    let found = match path {
        "/etc/alpine-release" => named("alpine", first, format!("Alpine Linux {first}")),
        "/etc/debian_version" if is_version(first) => {
            let major = first.split('.').next().unwrap_or(first);
            named("debian", major, format!("Debian GNU/Linux {first}"))
        }
        // `trixie/sid`
        "/etc/debian_version" => {
            let codename = first.to_owned();
            Distribution { codename, ..named("debian", "", "Debian GNU/Linux".to_owned()) }
        }
        "/etc/lsb-release" => of_lsb(text),
        "/etc/SuSE-release" => of_suse(text, first)?,
        "/etc/os-release" | "/usr/lib/os-release" => of_os_release(text),
        _ => of_line(first)?,
    };
    (!found.id.is_empty() && (!first.is_empty() || !found.version.is_empty())).then_some(found)
}

/// `CentOS release 6.10 (Final)`
fn of_line(line: &str) -> Option<Distribution> {
    const NAMES: [(&str, &str); 11] = [
        ("CentOS", "centos"),
        ("Red Hat", "rhel"),
        ("Rocky", "rocky"),
        ("AlmaLinux", "almalinux"),
        ("Fedora", "fedora"),
        ("Oracle", "ol"),
        ("Amazon", "amzn"),
        ("CBL-Mariner", "mariner"),
        ("Microsoft Azure Linux", "azurelinux"),
        ("openEuler", "openEuler"),
        ("VMware Photon", "photon"),
    ];
    let (_, id) = NAMES.iter().find(|(start, _)| line.starts_with(start))?;
    let is_version = |text: &&str| text.starts_with(|it: char| it.is_ascii_digit());
    let version = line.split_whitespace().find(is_version)?;
    let mut found = Distribution {
        id: (*id).to_owned(),
        version: version.to_owned(),
        name: line.to_owned(),
        ..Distribution::default()
    };
    if let Some((_, rest)) = line.split_once(version) {
        add_service_pack(&mut found, rest);
    }
    Some(found)
}

/// `22.03 (LTS-SP1)`: only this names openEuler's service pack, and each has its own advisories.
fn add_service_pack(distribution: &mut Distribution, after_version: &str) {
    if distribution.id == "openEuler"
        && let Some(pack) = after_version.trim().strip_prefix('(')
    {
        distribution.version = format!("{}-{}", distribution.version, pack.trim_end_matches(')'));
    }
}

/// `SUSE Linux Enterprise Server 11 (x86_64)`, then `VERSION = 11` and `PATCHLEVEL = 4`.
fn of_suse(text: &str, first: &str) -> Option<Distribution> {
    const NAMES: [(&str, &str); 3] = [
        ("SUSE Linux Enterprise Server", "sles"),
        ("SUSE Linux Enterprise Desktop", "sled"),
        ("openSUSE", "opensuse"),
    ];
    let (_, id) = NAMES.iter().find(|(start, _)| first.starts_with(start))?;
    let field = |name: &str| {
        let (_, value) = assignments(text).find(|(key, _)| key.trim() == name)?;
        Some(value).filter(|value| !value.is_empty())
    };
    let mut version = field("VERSION")?;
    if let Some(pack) = field("PATCHLEVEL").filter(|pack| pack != "0" && *id != "opensuse") {
        version = format!("{version}.{pack}");
    }
    let (id, name) = ((*id).to_owned(), first.to_owned());
    Some(Distribution { id, version, name, ..Distribution::default() })
}

/// `DISTRIB_ID=Ubuntu`
fn of_lsb(text: &str) -> Distribution {
    let mut distribution = Distribution::default();
    for (key, value) in assignments(text) {
        match key {
            "DISTRIB_ID" => distribution.id = value.to_ascii_lowercase(),
            "DISTRIB_RELEASE" => distribution.version = value,
            "DISTRIB_CODENAME" => distribution.codename = value,
            "DISTRIB_DESCRIPTION" => distribution.name = value,
            _ => {}
        }
    }
    distribution
}

/// The assignments in a file that a shell can read, without control characters.
fn assignments(text: &str) -> impl Iterator<Item = (&str, String)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.trim().split_once('=')?;
        let value = unquote(value).chars().filter(|each| !each.is_control()).take(256).collect();
        Some((key, value))
    })
}

fn of_os_release(text: &str) -> Distribution {
    let mut distribution = Distribution::default();
    let mut full_version = String::new();
    for (key, value) in assignments(text) {
        match key {
            "ID" => distribution.id = value,
            "ID_LIKE" => {
                distribution.id_like = value.split_whitespace().map(str::to_owned).collect();
            }
            "VERSION_ID" => distribution.version = value,
            "VERSION" => full_version = value,
            "VERSION_CODENAME" => distribution.codename = value,
            "PRETTY_NAME" => distribution.name = value,
            _ => {}
        }
    }
    if let Some(rest) = full_version.strip_prefix(&distribution.version) {
        add_service_pack(&mut distribution, rest);
    }
    distribution
}

/// A value as a shell would read it, but without variables: a comment may follow it.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = quote.and_then(|quote| value.strip_prefix(quote)).unwrap_or(value);
    let mut plain = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            end if Some(end) == quote => return plain,
            '#' if quote.is_none() && plain.ends_with([' ', '\t']) => break,
            other => plain.push(other),
        }
    }
    // A quote that does not end is a character like others.
    match quote {
        Some(quote) => format!("{quote}{plain}"),
        None => plain.trim_end().to_owned(),
    }
}

/// The user that a container runs as, and all groups of that user.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) user: User,
    /// Its group, and those that `/etc/group` adds.
    pub(crate) groups: Vec<u32>,
}

/// Resolves `USER` (`name`, `id`, `name:group`, `id:id`; empty is root) as container runtimes do.
pub(crate) fn identity(written: &str, passwd: &str, group: &str) -> Identity {
    let (user, wanted_group) = match written.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (written, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let number: Option<u32> = user.parse().ok();
    let line =
        passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| {
            match (fields.first(), fields.get(2)) {
                (Some(name), Some(uid)) => {
                    *name == user || number.is_some() && uid.parse().ok() == number
                }
                _ => false,
            }
        });
    let field = |index: usize| line.as_ref()?.get(index)?.parse::<u32>().ok();
    let uid = number.or_else(|| field(2));
    let name = match &line {
        Some(fields) => fields.first().copied().unwrap_or_default(),
        None if number.is_some() => "",
        None => user,
    };
    let gid = match wanted_group {
        Some(wanted) => wanted.parse().ok().or_else(|| group_number(wanted, group)),
        // An unknown user is in root's group.
        None => field(3).or(uid.map(|_| 0)),
    };
    let mut groups: Vec<u32> = gid.into_iter().collect();
    if wanted_group.is_none() && !name.is_empty() {
        groups.extend(group.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            fields.get(3)?.split(',').any(|member| member == name).then_some(())?;
            fields.get(2)?.parse::<u32>().ok()
        }));
    }
    Identity { user: User { uid, gid, name: name.to_owned() }, groups }
}

fn group_number(name: &str, group: &str) -> Option<u32> {
    group.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
# comment
broken
app:x:1000:1001::/home/app:/bin/sh
toor:x:0:0::/root:/bin/sh
";
    const GROUP: &str = "root:x:0:\nadm:x:4:app,other\napp:x:1001:\nssl:x:101:other,app\n";

    #[test]
    fn resolves_users_as_the_runtime_does() {
        for (written, uid, gid, name, groups) in [
            ("", Some(0), Some(0), "root", vec![0]),
            ("app", Some(1000), Some(1001), "app", vec![1001, 4, 101]),
            ("1000", Some(1000), Some(1001), "app", vec![1001, 4, 101]),
            ("app:ssl", Some(1000), Some(101), "app", vec![101]),
            ("toor", Some(0), Some(0), "toor", vec![0]),
            ("65532:65532", Some(65532), Some(65532), "", vec![65532]),
            ("65532", Some(65532), Some(0), "", vec![0]),
            ("unknown", None, None, "unknown", vec![]),
        ] {
            let identity = identity(written, PASSWD, GROUP);
            assert_eq!(identity.user.uid, uid, "{written}");
            assert_eq!(identity.user.gid, gid, "{written}");
            assert_eq!(identity.user.name, name, "{written}");
            assert_eq!(identity.groups, groups, "{written}");
        }
    }

    #[test]
    fn reads_os_release() {
        let text = "NAME='Rocky Linux'\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.3\n\
                    PRETTY_NAME=\"Rocky \\\"Linux\\\" 9\"\nVERSION_CODENAME=\n";
        let distribution = distribution("/etc/os-release", text).unwrap();
        assert_eq!(distribution.id, "rocky");
        assert_eq!(distribution.id_like, ["rhel", "centos", "fedora"]);
        assert_eq!(distribution.version, "9.3");
        assert_eq!(distribution.name, "Rocky \"Linux\" 9");
        assert_eq!(distribution.codename, "");
    }

    fn check(path: &str, text: &str, id: &str, version: &str) {
        let found = distribution(path, text).unwrap();
        assert_eq!((found.id.as_str(), found.version.as_str()), (id, version), "{path}");
    }

    #[test]
    fn reads_other_files_that_name_the_release() {
        for (path, text, id, version) in [
            ("/etc/alpine-release", "3.20.1\n", "alpine", "3.20.1"),
            ("/etc/redhat-release", "CentOS release 6.10 (Final)\n", "centos", "6.10"),
            (
                "/etc/system-release",
                "Red Hat Enterprise Linux Server release 7.9 (Maipo)",
                "rhel",
                "7.9",
            ),
            (
                "/etc/SuSE-release",
                "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
                "sles",
                "11.4",
            ),
            ("/etc/fedora-release", "Fedora release 39 (Thirty Nine)\n", "fedora", "39"),
            ("/etc/oracle-release", "Oracle Linux Server release 6.10\n", "ol", "6.10"),
            ("/etc/debian_version", "12.4\n", "debian", "12"),
            ("/etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=14.04\n", "ubuntu", "14.04"),
            (
                "/etc/os-release",
                "ID=\"openEuler\"\nVERSION_ID=\"22.03\"\nVERSION=\"22.03 (LTS-SP1)\"\n",
                "openEuler",
                "22.03-LTS-SP1",
            ),
        ] {
            check(path, text, id, version);
        }
        for (path, text, id, version) in [
            ("/etc/almalinux-release", "AlmaLinux release 9.3 (Cat)\n", "almalinux", "9.3"),
            ("/etc/rocky-release", "Rocky Linux release 9.3 (Blue Onyx)\n", "rocky", "9.3"),
            ("/etc/mariner-release", "CBL-Mariner 2.0.20240123\n", "mariner", "2.0.20240123"),
            ("/etc/azurelinux-release", "Microsoft Azure Linux 3.0.1\n", "azurelinux", "3.0.1"),
            (
                "/etc/openEuler-release",
                "openEuler release 22.03 (LTS-SP1)\n",
                "openEuler",
                "22.03-LTS-SP1",
            ),
            (
                "/etc/photon-release",
                "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=a\n",
                "photon",
                "4.0",
            ),
            ("/etc/os-release", "\u{feff}ID=debian\r\nVERSION_ID=12 # x\r\n", "debian", "12"),
            ("/etc/os-release", "ID='debian' # x\nVERSION_ID=\"12\"#y\n", "debian", "12"),
        ] {
            check(path, text, id, version);
        }
        assert_eq!(distribution("/etc/alpine-release", ""), None);
        assert_eq!(distribution("/etc/os-release", "NAME=x\n"), None);
    }
}
