//! Ruby's installed gems: their specifications, which are Ruby programs that tools write in one
//! form.

use super::parsed::{lossy, package, text};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    // Bundler puts a gem from git into a directory of its own, with its specification in it.
    let of_git = |rest: &str| rest.matches('/').count() == 1;
    path.ends_with(".gemspec")
        && (path.contains("/specifications/")
            || path.rsplit_once("/bundler/gems/").is_some_and(|(_, rest)| of_git(rest)))
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let content = lossy(bytes);
    let (mut name, mut version, mut licence) = (None, None, None);
    for line in content.lines().map(str::trim) {
        // `# stub: name version platform directories`, which RubyGems itself trusts.
        if let Some(stub) = line.strip_prefix("# stub: ") {
            let mut words = stub.split(' ');
            name = name.or_else(|| words.next());
            version = version.or_else(|| words.next());
            continue;
        }
        let Some((attribute, value)) = assignment(line) else { continue };
        let value = quoted(value);
        match attribute {
            "name" => name = name.or(value),
            "version" => version = version.or(value),
            "licenses" | "license" => licence = licence.or(value),
            _ => {}
        }
    }
    let package = name
        .zip(version)
        .and_then(|(name, version)| package(PackageKind::Gem, name, version, path));
    let Some(mut package) = package else {
        return Err(AnalyserError::Malformed("it has no readable name or version".to_owned()));
    };
    package.licence = licence.and_then(text).unwrap_or_default().to_owned();
    let mut found = ParsedFile::default();
    found.add(package)?;
    Ok(found)
}

/// `s.name = "rake"`: the attribute and the assigned value.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (left, right) = line.split_once('=')?;
    let (_, attribute) = left.trim().split_once('.')?;
    Some((attribute.trim(), right))
}

/// The first quoted string, as in `"rake".freeze`, `["MIT"]`, `Gem::Version.new("1.0")`, `%q{rake}`.
fn quoted(value: &str) -> Option<&str> {
    if let Some(rest) = value.trim_start().strip_prefix("%q") {
        let close = match rest.chars().next()? {
            '{' => '}',
            '(' => ')',
            '[' => ']',
            other => other,
        };
        return rest.get(1..)?.split_once(close).map(|(text, _)| text);
    }
    let start = value.find(['"', '\''])?;
    let quote = value.get(start..=start)?;
    let rest = value.get(start + 1..)?;
    rest.split_once(quote).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIFICATION: &str = r##"# -*- encoding: utf-8 -*-
# stub: rake 13.0.6 ruby lib

Gem::Specification.new do |s|
  s.name = "rake".freeze
  s.version = "13.0.6"
  s.required_ruby_version = Gem::Requirement.new(">= 2.2".freeze)
  s.licenses = ["MIT".freeze]
end
"##;

    #[test]
    fn reads_a_specification() {
        let path = "/usr/lib/ruby/gems/3.1.0/specifications/default/rake-13.0.6.gemspec";
        assert!(wants(path) && !wants("/app/mine.gemspec"));
        assert!(wants("/bundle/bundler/gems/rake-0123abc/rake.gemspec"));
        assert!(!wants("/bundle/bundler/gems/rake-0123abc/test/other.gemspec"));
        let without_stub = SPECIFICATION.replace("# stub", "# nothing");
        let old = without_stub.replace("\"13.0.6\"", "Gem::Version.new('13.0.6')");
        let oldest = without_stub
            .replace("\"rake\".freeze", "%q{rake}")
            .replace("[\"MIT\".freeze]", "[%q{MIT}, \"MIT\"]");
        for text in [SPECIFICATION, &without_stub, &old, &oldest] {
            let found = read(path, text.as_bytes()).unwrap();
            let [package] = &found.packages[..] else { panic!("{found:?}") };
            assert_eq!(package.purl, "pkg:gem/rake@13.0.6");
            assert_eq!(package.licence, "MIT");
        }
        assert!(read(path, b"Gem::Specification.new").is_err());
    }
}
