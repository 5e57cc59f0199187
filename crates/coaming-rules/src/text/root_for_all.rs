//! What a script leaves in an image that lets any user become root: programs with the setuid bit,
//! `sudo` and root without a password.

use super::commands::Started;
use super::nested::commands_in;
use super::shell::Command;

/// What the commands of a script leave, in their order; nothing of what the same script removes.
pub(crate) fn gives_root(script: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for command in commands_in(script) {
        let Some(started) = Started::new(&command) else { continue };
        if removes_all_bits(&started) {
            found.retain(|what| !what.starts_with("the setuid bit"));
        }
        let one =
            setuid(&started).or_else(|| sudo_rule(&command)).or_else(|| no_password(&started));
        found.extend(one.filter(|one| !found.contains(one)));
    }
    found
}

/// Whether a text is of `sudo`'s rules, and one of them needs no password.
pub(crate) fn is_sudo_without_password(text: &str) -> bool {
    let rules = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    rules.into_iter().any(|line| line.contains("NOPASSWD"))
}

/// `chmod 4755 FILE`, `chmod u+s FILE`, `install -m 4755 FILE TARGET`
fn setuid(command: &Started<'_>) -> Option<String> {
    let plain = || command.arguments.iter().copied().filter(|word| !word.starts_with('-'));
    let (mode, file) = match command.name {
        "chmod" => {
            let mut words = plain();
            (words.next()?, words.next()?)
        }
        "install" => {
            let is_mode = |word: &&str| word.starts_with("-m") || word.starts_with("--mode");
            let at = command.arguments.iter().position(is_mode)?;
            let written = command.arguments.get(at)?.trim_start_matches("--mode");
            let written = written.trim_start_matches("-m").trim_start_matches('=');
            let next = command.arguments.get(at + 1).copied().unwrap_or_default();
            (if written.is_empty() { next } else { written }, plain().next_back()?)
        }
        _ => return None,
    };
    is_setuid_mode(mode).then(|| format!("the setuid bit on `{file}`"))
}

/// Whether a mode sets the bit for the user: `4755`, `06755`, `u+s`, `ug+s`, `+s`, `a=rxs`.
fn is_setuid_mode(mode: &str) -> bool {
    if mode.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        return u32::from_str_radix(mode, 8).is_ok_and(|mode| mode & 0o4000 != 0);
    }
    mode.split(',').any(|part| {
        let Some((who, rights)) = part.split_once(['+', '=']) else { return false };
        let is_user = who.is_empty() || who.contains(['u', 'a']);
        let is_plain = who.chars().all(|c| "ugoa".contains(c));
        is_user && is_plain && rights.contains('s') && rights.chars().all(|c| "rwxXst".contains(c))
    })
}

/// `find / -perm /6000 -exec chmod a-s {} +`
fn removes_all_bits(command: &Started<'_>) -> bool {
    let has = |test: fn(&str) -> bool| command.arguments.iter().any(|word| test(word));
    command.name == "find"
        && has(|word| word == "-perm")
        && (has(|word| word == "-delete")
            || has(|word| word.contains("-s") && word.len() <= 5 && !word.starts_with('-'))
            || has(|word| word == "rm"))
}

/// A rule of `sudo` that a command writes: `echo 'app ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers`.
fn sudo_rule(command: &Command) -> Option<String> {
    let is_written = command.words.iter().any(|word| word.text.contains("NOPASSWD"))
        || command.input.as_deref().is_some_and(is_sudo_without_password);
    // What only searches for it writes nothing.
    let program = command.words.first().map_or("", |word| word.text.as_str());
    (is_written && program != "grep").then(|| "`sudo` without a password".to_owned())
}

/// `passwd -d root`
fn no_password(command: &Started<'_>) -> Option<String> {
    let has = |words: &[&str]| command.arguments.iter().any(|word| words.contains(word));
    let deletes = command.name == "passwd" && has(&["-d", "--delete"]) && has(&["root"]);
    deletes.then(|| "root without a password".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_root_are_found() {
        for (script, expected) in [
            ("chmod 4755 /usr/bin/tool", "the setuid bit on `/usr/bin/tool`"),
            ("chmod -R 06755 /opt/a", "the setuid bit on `/opt/a`"),
            ("cp /bin/bash /b && chmod u+s /b", "the setuid bit on `/b`"),
            ("chmod u+rxs,g+x /b", "the setuid bit on `/b`"),
            ("chmod +s /b", "the setuid bit on `/b`"),
            ("install -o root -m 4755 a /usr/bin/a", "the setuid bit on `/usr/bin/a`"),
            ("install --mode=4755 a /usr/bin/a", "the setuid bit on `/usr/bin/a`"),
            ("sh -c 'chmod 4755 /a'", "the setuid bit on `/a`"),
            ("echo 'app ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers", "`sudo` without a password"),
            ("sed -i 's/^%wheel.*/%wheel ALL=(ALL) NOPASSWD: ALL/' /etc/sudoers", "`sudo` without"),
            ("cat <<EOF >/etc/sudoers.d/a\na ALL=(ALL) NOPASSWD: ALL\nEOF", "`sudo` without"),
            ("passwd -d root", "root without a password"),
        ] {
            let found = gives_root(script);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{script}: {found:?}");
        }
    }

    #[test]
    fn other_commands_give_nothing() {
        for script in [
            "chmod 755 /a",
            "chmod 0755 /a",
            "chmod 2775 /shared",
            "chmod 1777 /tmp",
            "chmod g+s /shared",
            "chmod u-s,g-s /bin/su",
            "chmod +x /run.sh",
            "chmod --reference=/a /b",
            "install -m 0755 a /usr/bin/a",
            "echo chmod 4755 /a",
            "cat <<EOF >/etc/sudoers.d/a\n# NOPASSWD\nEOF",
            "grep NOPASSWD /etc/sudoers",
            "passwd -d app",
            "chmod 4755 /a; find / -xdev -perm /6000 -type f -exec chmod a-s {} +",
        ] {
            assert!(gives_root(script).is_empty(), "{script}");
        }
    }
}
