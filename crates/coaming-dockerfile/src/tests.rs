//! Dockerfiles of every shape.

use proptest::prelude::*;

use super::*;

fn script(instruction: &Instruction) -> &str {
    match &instruction.kind {
        Kind::Run { command: Command::Shell { script, .. }, .. } => script,
        other => panic!("{other:?}"),
    }
}

fn parsed(text: &str) -> Dockerfile {
    let dockerfile = parse(text);
    assert_eq!(dockerfile.error, None, "{text}");
    dockerfile
}

#[test]
fn stages_and_what_they_are_built_on() {
    let dockerfile = parsed(
        "ARG VERSION=1.2\nARG REGISTRY\nFROM golang:${VERSION} AS Build\nRUN go build\n\
         FROM ${REGISTRY}/x AS other\nFROM scratch AS base\nUSER 5\nFROM BASE\nCOPY --from=build /a /b\n",
    );
    let bases: Vec<&Base> = dockerfile.stages.iter().map(|stage| &stage.base).collect();
    let golang = Base::Image("golang:1.2".to_owned());
    assert_eq!(bases, [&golang, &Base::Unknown, &Base::Scratch, &Base::Stage(2)]);
    assert_eq!(dockerfile.lineage().len(), 2);
    assert_eq!(dockerfile.base().unwrap().base, Base::Scratch);
    assert_eq!(dockerfile.of_image().count(), 2);
}

#[test]
fn users() {
    let user = |text: &str| {
        let text = format!("FROM a\n{text}\n");
        match &parsed(&text).stages[0].instructions.last().unwrap().kind {
            Kind::User { user, .. } => user.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(user("USER app:app").as_deref(), Some("app"));
    assert_eq!(user("ENV U=5\nUSER ${U}").as_deref(), Some("5"));
    assert_eq!(user("ARG U=7\nUSER $U:0").as_deref(), Some("7"));
    assert_eq!(user("ARG U\nUSER $U"), None);
}

#[test]
fn scripts_are_what_the_shell_gets() {
    let text = "FROM a\nRUN apt-get update \\\n  # why\n\n  && apt-get install \\ \n   curl\n";
    let dockerfile = parsed(text);
    let run = &dockerfile.stages[0].instructions[0];
    let words: Vec<&str> = script(run).split_whitespace().collect();
    assert_eq!(words, ["apt-get", "update", "\\", "&&", "apt-get", "install", "\\", "curl"]);
    assert_eq!(run.span.text(text), text["FROM a\n".len()..].trim_end());
    let Kind::Run { command: Command::Shell { script, span }, .. } = &run.kind else { panic!() };
    assert_eq!(script.len(), span.text(text).len());
}

#[test]
fn here_documents() {
    let text = "FROM a\nRUN <<EOF\napt-get install x\nEOF\nRUN cat <<-'A' >/x && cat <<B\n\tUSER 1\n\tA\nFROM\nB\n\
                COPY <<C /y\nUSER 2\nC\nRUN echo $((1<<2)) '<<D'\nRUN <<E\n#!/usr/bin/python3\nimport os\nE\nUSER 3\n";
    let dockerfile = parsed(text);
    let instructions = &dockerfile.stages[0].instructions;
    assert_eq!(instructions.len(), 6);
    assert_eq!(script(&instructions[0]).trim(), "apt-get install x");
    assert!(script(&instructions[1]).contains("FROM\nB\n"));
    assert!(instructions[1].span.text(text).ends_with("B\n"));
    let Kind::Copy(copy) = &instructions[2].kind else { panic!() };
    assert_eq!((copy.files.len(), copy.target.text.as_str()), (0, "/y"));
    assert_eq!(script(&instructions[4]).trim(), "");
}

#[test]
fn variables_with_their_places() {
    let text = "FROM a\nENV A=b C=\"d e\" \\\n  F=g\\ h\nENV OLD the value\nARG X\nARG Y='z'\n";
    let dockerfile = parsed(text);
    let mut found = Vec::new();
    for instruction in &dockerfile.stages[0].instructions {
        match &instruction.kind {
            Kind::Env(pairs) => found.extend(pairs.iter().map(|(name, value)| {
                (name.span.text(text), value.text.as_str(), value.span.text(text))
            })),
            Kind::Arg(pairs) => found.extend(pairs.iter().map(|(name, value)| {
                let value = value.as_ref();
                (
                    name.text.as_str(),
                    value.map_or("-", |value| value.text.as_str()),
                    value.map_or("-", |value| value.span.text(text)),
                )
            })),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        found,
        [
            ("A", "b", "b"),
            ("C", "d e", "\"d e\""),
            ("F", "g h", "g\\ h"),
            ("OLD", "the value", "the value"),
            ("X", "-", "-"),
            ("Y", "z", "'z'"),
        ]
    );
}

#[test]
fn escape_directive_and_byte_order_mark() {
    let text = "\u{feff}# escape=`\nFROM a\nRUN dir `\n  c:\\\nUSER x\n";
    let dockerfile = parsed(text);
    let instructions = &dockerfile.stages[0].instructions;
    assert_eq!(instructions.len(), 2);
    assert_eq!(instructions[1].span.text(text), "USER x");
    assert!(script(&instructions[0]).contains("dir \\\n"));
}

#[test]
fn onbuild_does_not_affect_this_image() {
    let text = "FROM a\nONBUILD USER root\nONBUILD RUN a \\\n  b\nUSER 7\n";
    let instructions = &parse(text).stages[0].instructions;
    let Kind::OnBuild(user) = &instructions[0].kind else { panic!("{instructions:?}") };
    assert!(matches!(&**user, Kind::User { user: Some(user), .. } if user == "root"));
    assert_eq!(instructions[1].span.text(text), "ONBUILD RUN a \\\n  b");
    assert!(matches!(&instructions.last().unwrap().kind, Kind::User { .. }));
}

#[test]
fn keeps_instructions_before_an_error() {
    let dockerfile = parse("FROM a\nUSER b\nNONSENSE\nUSER c\n");
    assert_eq!(dockerfile.stages[0].instructions.len(), 1);
    assert_eq!(dockerfile.error.unwrap().line, 3);
    assert!(parse("").error.is_some());
    assert!(parse("RUN x\n").error.is_some());
}

proptest! {
    #[test]
    fn never_panics(text in "((FROM|RUN|COPY|ENV|ARG|USER|ADD|CMD|EXPOSE|ONBUILD|SHELL|HEALTHCHECK|# escape=|EOF|a=b)?[ \\\\`\"'<$\\[\\]{}=#,a-fE:\u{e4}\\n\\t\\r-]{0,12}\n?){0,12}") {
        let dockerfile = parse(&text);
        for stage in &dockerfile.stages {
            for instruction in &stage.instructions {
                prop_assert!(text.get(instruction.span.range()).is_some());
            }
        }
    }
}
