//! The pages of the steps, executed.

use coaming_breach::steps;

use crate::common::{steps as way, world};

/// An example: whether there is a way, from where, to where, and the objects.
struct Example {
    is_way: bool,
    from: String,
    to: String,
    text: String,
}

/// A step that is shown as a part of the one that follows it.
const PART_OF_ANOTHER: &str = "store-credential";

fn examples(docs: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut in_code = false;
    for line in docs.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        let title = line.strip_prefix("## Way: ").map(|title| (true, title));
        let title = title.or_else(|| line.strip_prefix("## Wall: ").map(|title| (false, title)));
        if let Some((is_way, title)) = title {
            let (from, to) = title.split_once(" to ").unwrap();
            let (from, to) = (from.to_owned(), to.to_owned());
            found.push(Example { is_way, from, to, text: String::new() });
        } else if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            let example = found.last_mut().unwrap();
            example.text.push_str(line);
            example.text.push('\n');
        }
    }
    found
}

#[test]
fn every_example_holds() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for step in steps::infos() {
        for (number, example) in examples(step.docs).into_iter().enumerate() {
            count += 1;
            let world = world(&[("example.yaml", &example.text)]);
            let steps = way(&world, &example.from, &example.to);
            let label =
                format!("{} example {}: {} to {}", step.id, number + 1, example.from, example.to);
            match steps {
                None if example.is_way => wrong.push(format!("{label}: no way")),
                Some(steps) if !example.is_way => wrong.push(format!("{label}: {steps:?}")),
                Some(steps) if !steps.contains(&step.id) && step.id != PART_OF_ANOTHER => {
                    wrong.push(format!("{label}: the way has other steps: {steps:?}"));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 60, "{count}");
}

#[test]
fn names_are_unique_and_sorted() {
    let ids: Vec<&str> = steps::infos().map(|step| step.id).collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    assert!(steps::infos().all(|step| step.technique.starts_with('T')));
}

#[test]
fn the_documentation_lists_every_step() {
    let page = include_str!("../../../../docs/breach.md");
    for step in steps::infos() {
        let row = format!("| `{}` | {} | {} |", step.id, step.technique, step.summary);
        assert!(page.contains(&row), "docs/breach.md lacks: {row}");
    }
}
