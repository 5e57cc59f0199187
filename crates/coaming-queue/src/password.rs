//! Where PostgreSQL's own programs find passwords: `PGPASSWORD`, and the file `PGPASSFILE` or `~/.pgpass`.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::QueueError;

/// The largest file of passwords that is read.
const MAX_BYTES: u64 = 1 << 20;

/// Gives a connection its password, if there is one.
pub(crate) fn set(config: &mut Config) -> Result<(), QueueError> {
    if let Some(password) = env::var_os("PGPASSWORD") {
        config.password(password.as_encoded_bytes());
        return Ok(());
    }
    let named = env::var_os("PGPASSFILE").map(PathBuf::from);
    let own = || Some(env::home_dir()?.join(".pgpass")).filter(|path| path.is_file());
    let Some(path) = named.or_else(own) else { return Ok(()) };
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    read.map_err(|error| QueueError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    if let Some(password) = find(&text, &wanted(config)) {
        config.password(password);
    }
    Ok(())
}

/// Host, port, database and user of a connection.
fn wanted(config: &Config) -> [String; 4] {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default().to_owned();
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    [host, port, database, user]
}

/// The password in the first line that is for this connection: `HOST:PORT:DATABASE:USER:PASSWORD`, each of the
/// four may be `*`.
fn find(text: &str, wanted: &[String; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for value in wanted {
            let (field, after) = field(rest)?;
            rest = after;
            if field != "*" && field != *value {
                return None;
            }
        }
        // What follows the password is for later versions.
        Some(field(rest).map_or_else(|| unescape(rest), |(password, _)| password))
    })
}

/// The text to the next colon, and what follows it. `\:` is a colon.
fn field(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    let end = text.find(|each| {
        let is_end = each == ':' && !escaped;
        escaped = each == '\\' && !escaped;
        is_end
    })?;
    Some((unescape(&text[..end]), &text[end + 1..]))
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(each) = characters.next() {
        plain.extend(if each == '\\' { characters.next() } else { Some(each) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_for_the_connection_counts() {
        let file = "# comment\nother:*:*:*:no\ndb:5432:shop:web:a\\:b\\\\c\n*:*:*:web:second\n";
        let find = |host: &str, user: &str| {
            let wanted = [host, "5432", "shop", user].map(str::to_owned);
            find(file, &wanted)
        };
        assert_eq!(find("db", "web").as_deref(), Some("a:b\\c"));
        assert_eq!(find("elsewhere", "web").as_deref(), Some("second"));
        assert_eq!(find("db", "stranger"), None);
    }
}
