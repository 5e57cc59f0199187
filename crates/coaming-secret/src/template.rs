//! Values in templates that count unless another is given: `{{ .Values.x | default "secret" }}`.

use std::ops::Range;

/// The literal that a template falls back to; `None` if the value is not a template, or has none.
pub(crate) fn default_value(value: &str) -> Option<Range<usize>> {
    if !value.trim_start().starts_with("{{") {
        return None;
    }
    let (at, word) = ["default", " or "].iter().find_map(|word| Some((value.find(word)?, word)))?;
    let start = at + word.len();
    let rest = value.get(start..)?;
    let gap = rest.len() - rest.trim_start_matches([' ', '(', '\\']).len();
    let rest = rest.get(gap..)?;
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let length = rest.get(1..)?.find([quote, '\\'])?;
    let start = start + gap + 1;
    (length > 0).then_some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::default_value;

    #[test]
    fn defaults_in_templates() {
        let found =
            |text: &str| default_value(text).and_then(|range| text.get(range)).map(str::to_owned);
        assert_eq!(found("{{ .Values.a | default \"x\" | quote }}").as_deref(), Some("x"));
        assert_eq!(found("{{ default 'x' .Values.a }}").as_deref(), Some("x"));
        assert_eq!(found("{{ password | default('x') }}").as_deref(), Some("x"));
        assert_eq!(found("{{ .Values.a | default .Values.b }}"), None);
        assert_eq!(found("default \"x\""), None);
    }
}
