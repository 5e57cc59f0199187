//! Programs that take a password as an operand, or from the output of `echo`.

use std::ops::Range;

use crate::{classify, noise};

/// The passwords among words: the index of the word, and where in it.
pub(super) fn passwords(words: &[&str]) -> Vec<(usize, Range<usize>)> {
    [echoed, of_windows, of_subcommand, of_openssl, of_sqlplus]
        .iter()
        .filter_map(|read| read(words))
        .collect()
}

/// Where the program is among the words, by its names.
fn position(words: &[&str], names: &[&str]) -> Option<usize> {
    words.iter().position(|word| {
        let word = word.trim_start_matches(['$', '(', '`', '@', '"', '\'']);
        names.contains(&word.rsplit('/').next().unwrap_or(word))
    })
}

/// A word without its quotes, if it may be a secret.
fn secret(words: &[&str], index: usize) -> Option<(usize, Range<usize>)> {
    let word = words.get(index)?;
    let value = word.trim_matches(['"', '\'', ';', ')', '`']);
    let is_secret =
        value.len() >= 3 && !noise::is_noise(value) && !value.starts_with(['$', '-', '/', '%']);
    let start = word.find(value)?;
    is_secret.then_some((index, start..start + value.len()))
}

/// Like [`secret`], but not a word of prose.
fn chosen(words: &[&str], index: usize) -> Option<(usize, Range<usize>)> {
    let found = secret(words, index)?;
    let value = words.get(index)?.get(found.1.clone())?;
    classify::differs_from_prose(value).then_some(found)
}

/// `echo x | sudo -S apt update`
fn echoed(words: &[&str]) -> Option<(usize, Range<usize>)> {
    const READERS: &[&str] = &["--stdin", "-stdin", "--password-stdin", "--passphrase-stdin"];
    let pipe = words.iter().position(|word| *word == "|")?;
    let (before, after) = (words.get(..pipe)?, words.get(pipe + 1..)?);
    let is_reader = after.iter().any(|word| READERS.contains(word))
        || after.first() == Some(&"kinit")
        || after.first() == Some(&"sudo") && after.contains(&"-S");
    let echo = position(before, &["echo", "printf"])?;
    let operand =
        echo + 1 + before.iter().skip(echo + 1).take_while(|it| it.starts_with('-')).count();
    (is_reader && operand + 1 == pipe).then(|| secret(words, operand)).flatten()
}

/// `net user NAME x /add`, `net use Z: \\\\host\\share /user:NAME x`
fn of_windows(words: &[&str]) -> Option<(usize, Range<usize>)> {
    let net = position(words, &["net", "net.exe", "net1"])?;
    let is_account = match *words.get(net + 1)? {
        "user" => true,
        "use" => words.iter().any(|word| word.to_ascii_lowercase().starts_with("/user:")),
        _ => return None,
    };
    let operands: Vec<usize> = (net + 2..words.len())
        .take_while(|&index| !matches!(words.get(index), Some(&"&&" | &"&" | &"|" | &">")))
        .filter(|&index| words.get(index).is_some_and(|word| !word.starts_with('/')))
        .collect();
    if words.get(net + 1) == Some(&"user") {
        return chosen(words, *operands.get(1)?).filter(|_| operands.len() == 2);
    }
    let &last = operands.last().filter(|_| is_account)?;
    chosen(words, last).filter(|_| words.get(last).is_some_and(|word| !word.contains('\\')))
}

/// `rabbitmqctl add_user NAME x`, `vault login x`
fn of_subcommand(words: &[&str]) -> Option<(usize, Range<usize>)> {
    if let Some(at) = position(words, &["rabbitmqctl"]) {
        const VERBS: &[&str] = &["add_user", "change_password", "authenticate_user"];
        let verb = at + words.iter().skip(at).position(|word| VERBS.contains(word))?;
        return secret(words, verb + 2);
    }
    let at = position(words, &["vault"]).filter(|at| words.get(at + 1) == Some(&"login"))?;
    let is_token = words.get(at + 2).is_some_and(|word| !word.contains('=') && word.len() >= 20);
    is_token.then(|| chosen(words, at + 2)).flatten()
}

/// `openssl passwd -1 x`
fn of_openssl(words: &[&str]) -> Option<(usize, Range<usize>)> {
    let at = position(words, &["openssl"]).filter(|at| words.get(at + 1) == Some(&"passwd"))?;
    let mut index = at + 2;
    while let Some(flag) = words.get(index).filter(|word| word.starts_with('-')) {
        index += if *flag == "-salt" { 2 } else { 1 };
    }
    secret(words, index)
}

/// `sqlplus NAME/x@host`
fn of_sqlplus(words: &[&str]) -> Option<(usize, Range<usize>)> {
    let at = position(words, &["sqlplus"])?;
    words.iter().enumerate().skip(at + 1).find_map(|(index, word)| {
        let (user, rest) = word.split_once('/')?;
        let user = user.trim_start_matches(['"', '\'']);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let value = rest.split(['@', '"', '\'']).next()?;
        let is_secret = !user.is_empty()
            && user.bytes().all(is_name)
            && value.len() >= 3
            && !noise::is_noise(value)
            && !value.starts_with(['$', '/', '&']);
        let start = word.find('/')? + 1;
        is_secret.then_some((index, start..start + value.len()))
    })
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
    fn operands() {
        for line in [
            "echo hunter2 | sudo -S apt update",
            "echo -n 'hunter2' | docker login --password-stdin r.example.com",
            "echo \"hunter2\" | kinit bot@CORP",
            "net user deploy hunter2 /add",
            "net use Z: \\\\host\\share /user:corp\\bot hunter2",
            "rabbitmqctl add_user app hunter2",
            "rabbitmqctl -n a change_password app 'hunter2'",
            "useradd -p $(openssl passwd -1 hunter2) bot",
            "openssl passwd -6 -salt xyz hunter2",
            "sqlplus app/hunter2@ORCL",
        ] {
            assert_eq!(found(line), ["hunter2"], "{line}");
        }
        assert_eq!(found("vault login s0Kq7pZx4wJm2Lr8TnVb6Hd1Sf"), ["s0Kq7pZx4wJm2Lr8TnVb6Hd1Sf"]);
        for line in [
            "echo $PASSWORD | sudo -S apt update",
            "echo hello | tee -a /var/log/x1",
            "echo done | sudo tee x1",
            "the net user experience is v2 now",
            "net user deploy /delete",
            "net use Z: \\\\host\\share1",
            "rabbitmqctl add_user app $PASSWORD",
            "vault login -method=userpass username=bot2",
            "sqlplus / as sysdba",
            "openssl passwd -6 -stdin",
        ] {
            assert_eq!(found(line), [""; 0], "{line}");
        }
    }
}
