//! Roles in templates that cannot be rendered: what a role grants is mostly written out, also where its
//! name and labels are not. Other objects are not read so, because what a template would have filled in
//! would be missed in them.

use std::ops::Range;

use coaming_kube::template::{Action, actions, masked};

/// The text of a template with everything but its roles blanked, byte for byte in the same place; what
/// an action would write is its own text, between `<<` and `>>`. `None` without such a role.
pub(crate) fn roles(template: &str) -> Option<String> {
    let actions = actions(template)?;
    let masked = masked(template, &actions);
    let mut out = String::with_capacity(masked.len());
    let mut has_role = false;
    for part in documents(&masked) {
        let text = masked.get(part.clone())?;
        let is_kept = is_role(text) && !is_conditional(text, &part, &actions);
        has_role |= is_kept;
        if is_kept {
            out.push_str(text);
        } else {
            out.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
    }
    (has_role && out.len() == template.len()).then_some(out)
}

/// The documents of a text, each with the separator above it.
fn documents(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    starts.extend(text.match_indices("\n---").map(|(at, _)| at + 1));
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn is_role(text: &str) -> bool {
    if !text.contains("Role") {
        return false;
    }
    let stream = coaming_yaml::parse(text.into());
    let root = stream.documents.first().map(coaming_yaml::Document::root);
    let kind = root.and_then(|root| root.get("kind")).and_then(|kind| kind.as_str());
    stream.errors.is_empty() && matches!(kind, Some("ClusterRole" | "Role"))
}

/// Whether it depends on values which rules a role has.
fn is_conditional(text: &str, part: &Range<usize>, actions: &[Action]) -> bool {
    let Some(rules) = text.find("\nrules:") else { return true };
    let last = part.start + text.trim_end().len();
    let range = part.start + rules..last;
    actions.iter().any(|action| action.is_control() && range.contains(&action.range.start))
}

#[cfg(test)]
mod tests {
    use super::roles;

    const ROLE: &str = "\
{{- if .Values.rbac.create }}
kind: ClusterRole
metadata:
  name: {{ include \"c.name\" . }}-all
  labels:
    {{- include \"c.labels\" . | nindent 4 }}
rules:
- verbs: [\"*\"]
{{- end }}
";

    #[test]
    fn a_role_is_kept_in_its_place() {
        let kept = roles(ROLE).unwrap();
        assert_eq!(kept.len(), ROLE.len());
        assert_eq!(kept.find("verbs"), ROLE.find("verbs"));
        assert!(kept.contains("name: << include  c.name  . >>-all\n"), "{kept}");
        assert!(!kept.contains("if") && !kept.contains("end"), "{kept}");
    }

    #[test]
    fn what_a_template_writes_is_part_of_the_name() {
        let kept = roles(&ROLE.replace("include \"c.name\" .", "template \"c.name\" .")).unwrap();
        assert!(kept.contains("name: << template  c.name  . >>-all\n"), "{kept}");
    }

    #[test]
    fn other_objects_and_rules_with_conditions_are_not() {
        let both = format!("kind: Pod\nspec: {{}}\n---\n{ROLE}");
        assert!(!roles(&both).unwrap().contains("Pod"));
        assert_eq!(roles("kind: Pod\nmetadata: {name: {{ .x }}}\n"), None);
        let conditional =
            "kind: Role\nrules:\n{{ if .x }}\n- verbs: [\"*\"]\n{{ end }}\n- verbs: []\n";
        assert_eq!(roles(conditional), None);
        assert_eq!(roles("kind: Role\nrules: {{ .x"), None);
    }
}
