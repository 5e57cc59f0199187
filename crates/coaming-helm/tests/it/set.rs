//! `--set` and its kin, as Helm reads them.

use coaming_helm::{Options, Values, render};

/// The values of a chart without its own, with these assignments.
fn values(given: Vec<Values>) -> Result<String, String> {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("templates/a.yaml", "v: {{ toJson .Values }}"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).to_vec();
    let options = Options { values: given, ..Options::default() };
    let rendered = render(files, &options).map_err(|error| error.to_string())?;
    let text = &rendered.manifests.first().ok_or("no manifest")?.text;
    Ok(text.trim_start_matches("v: ").to_owned())
}

fn set(text: &str) -> Result<String, String> {
    values(vec![Values::Set(text.to_owned())])
}

fn json(text: &str) -> Result<String, String> {
    values(vec![Values::SetJson(text.to_owned())])
}

#[test]
fn assignments_are_read_as_helm_reads_them() {
    for (text, expected) in [
        (
            "a=1,b=1.0,c=TRUE,d=Null,e=,f=010,g=+5",
            r#"{"a":1,"b":"1.0","c":true,"d":null,"e":"","f":"010","g":5}"#,
        ),
        ("a={}", r#"{"a":[""]}"#),
        ("a={x,,1},b=2", r#"{"a":["x","",1],"b":2}"#),
        ("a[1].b=x,a[0]=y", r#"{"a":["y",{"b":"x"}]}"#),
        ("a[0][1]=x", r#"{"a":[[null,"x"]]}"#),
        (r"a\.b=1,c=x\,y", r#"{"a.b":1,"c":"x,y"}"#),
        ("=a", "{}"),
        (".a=b", "{}"),
        ("a[0=1", "{}"),
        ("a.b=1,a.c=2", r#"{"a":{"b":1,"c":2}}"#),
    ] {
        assert_eq!(set(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn assignments_that_helm_refuses_are_errors() {
    for text in ["a", "a,b=1", "a=1,,b=2", "a.=b", "a..b=c", "a={x", "a[-1]=x", "a[x]=1", "a[0]x=1"]
    {
        let error = set(text).unwrap_err();
        assert!(error.starts_with("--set: "), "{text}: {error}");
    }
    assert!(set("a=1,a.b=2").is_err());
    assert!(set("a=1,a[0]=2").is_err());
    assert!(set(&"a.".repeat(40)).is_err());
    assert!(set(&format!("a[{}]=x", 1 << 20)).is_err());
    let long: Vec<String> = (0..40).map(|at| format!("a[0][{at}][65000]=x")).collect();
    assert!(set(&long.join(",")).is_err());
}

#[test]
fn json_is_assigned_or_merged() {
    for (text, expected) in [
        (r#"a={"x":1},b=[2,null]"#, r#"{"a":{"x":1},"b":[2,null]}"#),
        ("a=1", r#"{"a":1}"#),
        (r#"{"a":{"b":1},"c":"x"}"#, r#"{"a":{"b":1},"c":"x"}"#),
        (r#"a[1]={"x":"y"}"#, r#"{"a":[null,{"x":"y"}]}"#),
    ] {
        assert_eq!(json(text).as_deref(), Ok(expected), "{text}");
    }
    for text in ["a={", "{", "a=x"] {
        assert!(json(text).unwrap_err().starts_with("--set-json: "), "{text}");
    }
}

#[test]
fn the_content_of_a_file_is_a_text() {
    let given = vec![Values::SetFile("a.b[0]".to_owned(), "x,y={\n".to_owned())];
    assert_eq!(values(given).as_deref(), Ok(r#"{"a":{"b":["x,y={\n"]}}"#));
    let given = vec![Values::SetFile("a[1].b".to_owned(), "x,y\n".to_owned())];
    assert_eq!(values(given).as_deref(), Ok(r#"{"a":[null,{"b":"x,y\n"}]}"#));
}
