//! A Dockerfile's base images: `FROM image` and `COPY --from=image`.

use std::collections::BTreeSet;

use coaming_yaml::Span;
use parse_dockerfile::{Instruction, Span as Range, UnescapedString};

use super::Finder;
use crate::mention::{Form, written_name};

/// The largest Dockerfile that is read, in bytes.
const MAX_BYTES: usize = 4 << 20;

pub(super) fn find(source: &str, finder: &mut Finder<'_>) {
    if source.len() > MAX_BYTES {
        return finder.skip(
            "Dockerfile".to_owned(),
            "",
            "it is larger than 4 MiB: nothing in it was pinned".to_owned(),
        );
    }
    let Ok(parsed) = parse_dockerfile::parse(source) else {
        return finder.skip(
            "Dockerfile".to_owned(),
            "",
            "it cannot be parsed: nothing in it was pinned".to_owned(),
        );
    };
    let mut stages: BTreeSet<String> = BTreeSet::new();
    for instruction in &parsed.instructions {
        match instruction {
            Instruction::From(from) => {
                image("FROM", &from.image, source, &stages, finder);
                if let Some((_, name)) = &from.as_ {
                    stages.insert(name.value.to_ascii_lowercase());
                }
            }
            Instruction::Copy(copy) => {
                let from = copy.options.iter().filter(|flag| flag.name.value == "from");
                for value in from.filter_map(|flag| flag.value.as_ref()) {
                    image("COPY --from", value, source, &stages, finder);
                }
            }
            _ => {}
        }
    }
}

fn image(
    what: &str,
    name: &UnescapedString<'_>,
    source: &str,
    stages: &BTreeSet<String>,
    finder: &mut Finder<'_>,
) {
    let text: &str = &name.value;
    let is_stage = stages.contains(&text.to_ascii_lowercase())
        || what != "FROM" && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() || text == "scratch" || is_stage {
        return;
    }
    let Range { start, end } = name.span;
    let line = source.get(..start).map_or(0, |before| before.matches('\n').count()) + 1;
    let subject = format!("line {line}, {what}");
    if text.contains('$') {
        let reason = "it comes from a build argument: pin the argument's default by hand";
        return finder.skip(subject, text, reason.to_owned());
    }
    // The text can only be replaced if the source has it exactly so.
    let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(end)) else { return };
    if source.get(start..end) != Some(text) {
        let reason = "it is written with quotes or over several lines: pin it by hand";
        return finder.skip(subject, text, reason.to_owned());
    }
    let form = Form::Text { span: Span::new(from, to), name: written_name(text).to_owned() };
    finder.whole(subject, text, form);
}
