//! Templates: minijinja without a loader, with a limit of steps and of output.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::value::{Fields, Value};

/// The most steps of one template.
const FUEL: u64 = 100_000;
/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 64 << 10;

/// Renders a template. An error never shows a value.
pub(crate) fn render(template: &str, fields: &Fields) -> Result<Value, String> {
    let secret: BTreeMap<&str, &str> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.expose_text()?)))
        .collect();
    let context = BTreeMap::from([("secret", secret)]);
    let rendered = environment().render_str(template, context);
    rendered.map(|text| Value::new(text.into_bytes())).map_err(|error| explain(&error))
}

/// Checks the syntax of a template.
pub(crate) fn check(template: &str) -> Result<(), String> {
    if template.len() > MAX_TEMPLATE {
        return Err(format!("it has more than {MAX_TEMPLATE} bytes"));
    }
    environment().template_from_str(template).map(|_| ()).map_err(|error| explain(&error))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // A missing field is an error: an empty password is not a password.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_keep_trailing_newline(true);
    environment
}

/// The kind and line of an error. Its details may quote what was rendered.
fn explain(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    format!("{}{line}", error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let value = |text: &str| Value::new(text.as_bytes().to_vec());
        Fields::from([
            ("user".to_owned(), value("app")),
            ("password".to_owned(), value("planted<&>\"value")),
        ])
    }

    #[test]
    fn fields_are_inserted_as_they_are() {
        let text = render("postgres://{{ secret.user }}:{{ secret.password }}@db\n", &fields());
        assert_eq!(text.unwrap().expose(), b"postgres://app:planted<&>\"value@db\n");
    }

    #[test]
    fn a_template_ends_and_reads_nothing_else() {
        let endless =
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}";
        for template in [endless, "{% include 'x' %}", "{{ secret.missing }}", "{{ env.HOME }}"] {
            let reason = render(template, &fields()).unwrap_err();
            assert!(!reason.contains("planted"), "{reason}");
        }
        let reason = render("{{ secret.password | int }}", &fields()).unwrap_err();
        assert!(!reason.contains("planted"), "{reason}");
    }
}
