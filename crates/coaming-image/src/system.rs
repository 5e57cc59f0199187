//! The files that describe a system: `os-release`, `passwd`, `group`.
//!
//! Invariant: malformed lines are skipped, as the C library does.

use crate::{Distribution, User};

/// The largest such file that is read, in bytes.
pub(crate) const LIMIT: u64 = 4 << 20;

pub(crate) const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
pub(crate) const PASSWD: &str = "/etc/passwd";
pub(crate) const GROUP: &str = "/etc/group";

/// Whether the file at this path is one of them.
pub(crate) fn wants(path: &str) -> bool {
    OS_RELEASE.contains(&path) || path == PASSWD || path == GROUP
}

/// The distribution in an `os-release`.
pub(crate) fn distribution(text: &str) -> Distribution {
    let mut distribution = Distribution::default();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value: String =
            unquote(value).chars().filter(|character| !character.is_control()).take(256).collect();
        match key {
            "ID" => distribution.id = value,
            "ID_LIKE" => {
                distribution.id_like = value.split_whitespace().map(str::to_owned).collect();
            }
            "VERSION_ID" => distribution.version = value,
            "VERSION_CODENAME" => distribution.codename = value,
            "PRETTY_NAME" => distribution.name = value,
            _ => {}
        }
    }
    distribution
}

/// A value as a shell would read it, but without variables.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    let mut plain = String::new();
    let mut characters = inner.unwrap_or(value).chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
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
        let distribution = distribution(text);
        assert_eq!(distribution.id, "rocky");
        assert_eq!(distribution.id_like, ["rhel", "centos", "fedora"]);
        assert_eq!(distribution.version, "9.3");
        assert_eq!(distribution.name, "Rocky \"Linux\" 9");
        assert_eq!(distribution.codename, "");
    }
}
