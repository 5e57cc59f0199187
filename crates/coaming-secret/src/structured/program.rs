//! Programs that take a password after a short flag, or joined to it.

use std::ops::Range;

use super::operand;
use crate::noise;

/// A program, and how it takes a password.
pub(super) struct Program {
    names: &'static [&'static str],
    /// Another word that the command must have: `login`.
    needs: &'static str,
    flag: &'static str,
    shape: Shape,
}

/// Where the value is relative to its flag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// In the next word.
    Next,
    /// In the same word, as the rest of it.
    Joined,
    /// `user:password`, in the next word or the same.
    Pair,
    /// `user%password`, in the next word.
    Percent,
}

const fn program(names: &'static [&'static str], flag: &'static str, shape: Shape) -> Program {
    Program { names, needs: "", flag, shape }
}

/// The clients of Net-SNMP: a community, or a user's passphrases.
const SNMP: &[&str] = &[
    "snmpwalk",
    "snmpbulkwalk",
    "snmpget",
    "snmpbulkget",
    "snmpgetnext",
    "snmpset",
    "snmptable",
    "snmptrap",
    "snmpinform",
    "snmpstatus",
    "snmpdf",
];

const PROGRAMS: &[Program] = &[
    program(&["mysql", "mysqladmin", "mysqldump", "mysqlimport", "mariadb"], "-p", Shape::Joined),
    program(&["mariadb-dump", "mariadb-admin"], "-p", Shape::Joined),
    program(&["redis-cli", "valkey-cli"], "-a", Shape::Next),
    program(&["psexec", "psexec.exe", "PsExec.exe", "PsExec64.exe", "PsExec"], "-p", Shape::Next),
    program(SNMP, "-c", Shape::Next),
    program(SNMP, "-A", Shape::Next),
    program(SNMP, "-X", Shape::Next),
    program(&["sshpass"], "-p", Shape::Next),
    program(&["sshpass"], "-p", Shape::Joined),
    program(&["curl"], "-u", Shape::Pair),
    program(&["curl"], "--user", Shape::Pair),
    program(&["curl"], "--proxy-user", Shape::Pair),
    program(&["mongo", "mongosh", "mongodump", "mongorestore"], "-p", Shape::Next),
    program(
        &["sqlcmd", "bcp", "mosquitto_pub", "mosquitto_sub", "zip", "unzip", "ipmitool"],
        "-P",
        Shape::Next,
    ),
    program(&["7z", "7za", "7zr", "rar", "unrar"], "-p", Shape::Joined),
    program(&["keytool", "jarsigner", "apksigner"], "-storepass", Shape::Next),
    program(&["keytool", "jarsigner", "apksigner"], "-keypass", Shape::Next),
    program(&["keytool"], "-srcstorepass", Shape::Next),
    program(&["keytool"], "-deststorepass", Shape::Next),
    program(&["smbclient", "rpcclient", "smbget", "winexe"], "-U", Shape::Percent),
    program(&["schtasks", "schtasks.exe"], "/rp", Shape::Next),
    program(&["cmdkey", "cmdkey.exe"], "/pass:", Shape::Joined),
    program(&["wmic", "wmic.exe"], "/password:", Shape::Joined),
    program(&["xfreerdp", "mstsc"], "/p:", Shape::Joined),
    program(
        &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami"],
        "-w",
        Shape::Next,
    ),
    Program {
        names: &[
            "docker", "podman", "helm", "oras", "nerdctl", "buildah", "skopeo", "crane", "az",
            "cf", "oc",
        ],
        needs: "login",
        flag: "-p",
        shape: Shape::Next,
    },
    Program { names: &["openssl"], needs: "enc", flag: "-k", shape: Shape::Next },
];

/// Programs whose images start the server of the same name, which takes other flags.
const SERVERS: &[&str] = &["mysql", "mariadb", "mongo"];

/// The program that an image of this name starts with: `curlimages/curl` takes the arguments of
/// `curl`.
pub(super) fn of_image(image: &str) -> Option<&'static str> {
    let base = image.rsplit('/').next()?;
    let base = base.split(['@', ':']).next()?;
    let mut names = PROGRAMS.iter().flat_map(|known| known.names);
    names.find(|name| **name == base && !SERVERS.contains(name)).copied()
}

/// Every line with a password for one of the programs contains one of these, in any case.
pub(crate) const SIGNS: &[&str] = &[
    "chpasswd",
    "htpasswd",
    "curl",
    " -p",
    " -a ",
    " -P ",
    " -w ",
    " -k ",
    " -U ",
    " /rp ",
    " /p",
    "storepass",
    "-keypass",
    "sudo -S",
    "kinit",
    "-stdin",
    "passwd -",
    "net user",
    "net use",
    "rabbitmqctl",
    "sqlplus",
    "vault login",
    "snmp",
];

/// The passwords among words, by the program before them: the index of the word, and where in it.
pub(super) fn passwords(words: &[&str]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    found.extend(to_chpasswd(words));
    found.extend(to_htpasswd(words));
    found.extend(operand::passwords(words));
    let mut program = "";
    for (index, word) in words.iter().enumerate() {
        let base = word.rsplit('/').next().unwrap_or(word).trim_matches(['"', '\'', '(', '`', '$']);
        if PROGRAMS.iter().any(|known| known.names.contains(&base)) {
            program = base;
            continue;
        }
        if matches!(*word, "&&" | "||" | "|" | ";") {
            program = "";
        }
        if program.is_empty() {
            continue;
        }
        let previous = index.checked_sub(1).and_then(|before| words.get(before)).copied();
        let of_program = PROGRAMS.iter().filter(|known| known.names.contains(&program));
        for known in
            of_program.filter(|known| known.needs.is_empty() || words.contains(&known.needs))
        {
            if let Some(range) = known.password(previous.unwrap_or_default(), word) {
                found.push((index, range));
                break;
            }
        }
    }
    found
}

/// The password in `echo "user:password" | chpasswd`.
fn to_chpasswd(words: &[&str]) -> Option<(usize, Range<usize>)> {
    let is_it = |word: &&str| {
        let word = word.trim_matches(['"', '\'', ';', ')', ']', ',']);
        word == "chpasswd" || word.ends_with("/chpasswd") || word.ends_with("|chpasswd")
    };
    let end = words.iter().position(is_it)?;
    let before = words.get(..=end)?;
    before.iter().enumerate().rev().find_map(|(index, word)| {
        let inner = word.trim_matches(['"', '\'', '|']);
        let start = word.find(inner)?;
        let (user, password) = inner.split_once(':')?;
        let password = password.split(['"', '\'', '|']).next()?;
        let password = password.strip_suffix("\\n").unwrap_or(password);
        let is_user = !user.is_empty()
            && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        let is_secret =
            is_user && password.len() >= 3 && !noise::is_noise(password) && !password.contains('$');
        let from = start + user.len() + 1;
        is_secret.then_some((index, from..from + password.len()))
    })
}

/// The password in `htpasswd -b FILE USER PASSWORD`, `htpasswd -nb USER PASSWORD`.
fn to_htpasswd(words: &[&str]) -> Option<(usize, Range<usize>)> {
    let start = words.iter().position(|word| word.rsplit('/').next() == Some("htpasswd"))?;
    let mut operands = Vec::new();
    let (mut in_batch, mut to_stdout) = (false, false);
    for (index, word) in words.iter().enumerate().skip(start + 1) {
        match word.strip_prefix('-') {
            Some(flags) => {
                in_batch |= flags.contains('b');
                to_stdout |= flags.contains('n');
            }
            None => operands.push((index, *word)),
        }
    }
    let &(index, word) = operands.get(if to_stdout { 1 } else { 2 }).filter(|_| in_batch)?;
    let secret = word.trim_matches(['"', '\'', ')', ';', '`']);
    let is_secret = secret.len() >= 3 && !noise::is_noise(secret) && !secret.starts_with('$');
    let from = word.find(secret)?;
    is_secret.then_some((index, from..from + secret.len()))
}

impl Program {
    /// Where the password is in a word that follows `previous`.
    fn password(&self, previous: &str, word: &str) -> Option<Range<usize>> {
        let joined = || word.strip_prefix(self.flag).map(|_| self.flag.len());
        let next = || self.is_flag(previous).then_some(0);
        let start = match self.shape {
            Shape::Joined => joined()?,
            Shape::Next | Shape::Percent => next()?,
            Shape::Pair => next().or_else(joined)?,
        };
        let rest = word.get(start..)?;
        let value = rest.trim_start_matches(['"', '\'', '=']);
        let quotes = rest.len() - value.len();
        let value = value.trim_end_matches(['"', '\'']);
        let user = match self.shape {
            Shape::Pair => value.find(':')? + 1,
            Shape::Percent => value.find('%')? + 1,
            _ => 0,
        };
        let secret = value.get(user..)?;
        let is_secret =
            secret.len() >= 3 && !noise::is_noise(secret) && !secret.starts_with(['$', '-']);
        let from = start + quotes + user;
        is_secret.then_some(from..from + secret.len())
    }

    /// Whether the word is the flag, alone or as the last of several: `-fsu`.
    fn is_flag(&self, word: &str) -> bool {
        word == self.flag
            || self.shape == Shape::Pair
                && !word.starts_with("--")
                && word.len() <= 8
                && word.strip_prefix('-').is_some_and(|letters| {
                    letters.bytes().all(|byte| byte.is_ascii_alphabetic())
                        && self.flag.strip_prefix('-').is_some_and(|flag| letters.ends_with(flag))
                })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structured::texts_of;

    fn found(line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        texts_of(&words, passwords(&words))
    }

    #[test]
    fn every_program_has_a_sign() {
        for program in PROGRAMS {
            let name = program.names.first().unwrap();
            let flag = program.flag;
            let line = match program.shape {
                Shape::Joined => format!("{name} {flag}x"),
                Shape::Next | Shape::Pair | Shape::Percent => format!("{name} {flag} x"),
            };
            assert!(SIGNS.iter().any(|sign| line.contains(sign)), "{line}");
        }
    }

    #[test]
    fn images_of_programs() {
        assert_eq!(of_image("curlimages/curl:8.5.0"), Some("curl"));
        assert_eq!(of_image("registry.example.com:5000/tools/curl@sha256:0a"), Some("curl"));
        for image in ["mysql:8", "nginx", "example.com/curl/web:1", ""] {
            assert_eq!(of_image(image), None, "{image}");
        }
    }

    #[test]
    fn short_flags() {
        for line in [
            "mysql -uroot -phunter2 -e x",
            "/usr/bin/mysqldump -p'hunter2' shop",
            "redis-cli -a hunter2 ping",
            "curl -fsu admin:hunter2 localhost",
            "curl -uadmin:hunter2 localhost",
            "curl --user \"admin:hunter2\" localhost",
            "curl --user=admin:hunter2 localhost",
            "docker login -u ci -p hunter2 registry.example.com",
            "ldapsearch -x -D cn=admin -w hunter2",
            "htpasswd -bc users admin hunter2",
            "htpasswd -nbB admin 'hunter2'",
            "openssl enc -aes-256-cbc -k hunter2",
            "keytool -genkey -storepass hunter2 -alias x",
            "smbclient //a/b -U bot%hunter2",
            "7z a -phunter2 x.7z y",
            "cmdkey /add:a /user:b /pass:hunter2",
            "schtasks /create /ru a /rp hunter2",
        ] {
            assert_eq!(found(line), ["hunter2"], "{line}");
        }
        for line in [
            "docker run -p 8080:80 web",
            "mysql -uroot -p$PASSWORD",
            "curl -u \"$USER:$PASSWORD\" localhost",
            "curl -X GET -u admin localhost",
            "mkdir -p directory && mysql -uroot",
            "az storage blob list -p prefix",
        ] {
            assert_eq!(found(line), [""; 0], "{line}");
        }
    }
}
