//! The Pod Security Standards: every branch of every control, at every policy version.
//!
//! A case says which controls a pod violates in which versions, and is tried in all of them, so
//! that each boundary and each override is held from both sides. What the edits of a violation
//! give is judged again: it must pass.

mod baseline;
mod restricted;

use std::ops::RangeInclusive;

use coaming_finding::Applicability;
use coaming_kube::PodSpec;
use coaming_rules::pss::{Level, Version, Violation, check};
use coaming_yaml::edit::{apply, apply_to_text, apply_to_value};
use coaming_yaml::{Document, Step, from_json};
use serde_json::{Map, Value, json};

const LATEST: u32 = 37;
const ALWAYS: RangeInclusive<u32> = 0..=LATEST;

/// A pod that says nothing of security: admitted at `baseline`.
fn bare() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {
            "initContainers": [{"name": "init", "image": "i"}],
            "containers": [{"name": "main", "image": "i"}],
            "ephemeralContainers": [{"name": "debug", "image": "i"}],
        },
    })
}

/// A pod that each version admits at `restricted`.
fn hardened() -> Value {
    let context = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let mut pod = bare();
    pod["spec"]["securityContext"] =
        json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        pod["spec"][list][0]["securityContext"] = context.clone();
    }
    pod
}

fn at(mut pod: Value, path: &str, value: Value) -> Value {
    let steps: Vec<Step> = path
        .split('/')
        .map(|step| step.parse::<usize>().map_or_else(|_| Step::from(step), Step::from))
        .collect();
    set(&mut pod, &steps, value);
    pod
}

fn annotated(pod: Value, name: &str, value: Value) -> Value {
    let mut pod = pod;
    pod["metadata"]["annotations"][name] = value;
    pod
}

fn judge<R>(
    pod: &Value,
    level: Level,
    minor: u32,
    use_it: impl FnOnce(Vec<Violation<'_>>) -> R,
) -> R {
    let document = from_json(pod);
    use_it(check(view(&document), level, Version::new(minor)))
}

fn view(document: &Document) -> PodSpec<'_> {
    let root = document.root();
    PodSpec::new(root.get("spec").expect("a spec"), Some(root))
}

fn violated(pod: &Value, level: Level, minor: u32) -> Vec<&'static str> {
    judge(pod, level, minor, |violations| {
        let mut ids: Vec<_> = violations.iter().map(|violation| violation.control.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    })
}

/// The pod violates these controls in these versions, and no others anywhere; and what the edits
/// give violates none that has edits.
#[track_caller]
fn expect(level: Level, pod: &Value, expected: &[(&'static str, RangeInclusive<u32>)]) {
    for minor in ALWAYS {
        let mut wanted: Vec<&str> = expected
            .iter()
            .filter(|(_, versions)| versions.contains(&minor))
            .map(|(id, _)| *id)
            .collect();
        wanted.sort_unstable();
        assert_eq!(violated(pod, level, minor), wanted, "{level} in 1.{minor}: {pod}");
        expect_repaired(level, minor, pod);
    }
}

#[track_caller]
fn expect_repaired(level: Level, minor: u32, pod: &Value) {
    let (edits, manual) = judge(pod, level, minor, |violations| {
        for violation in &violations {
            assert!(!violation.places.is_empty() && !violation.reason.is_empty());
            let manual = violation.applicability() == Applicability::Manual;
            assert_eq!(manual, violation.edits.is_empty());
        }
        let manual: Vec<_> =
            violations.iter().filter(|it| it.edits.is_empty()).map(|it| it.control.id).collect();
        (violations.into_iter().flat_map(|it| it.edits).collect::<Vec<_>>(), manual)
    });
    let mut repaired = pod.clone();
    apply_to_value(&mut repaired, &edits).expect("edits that fit together");
    let left = judge(&repaired, level, minor, |violations| {
        violations.iter().map(|violation| violation.control.id).collect::<Vec<_>>()
    });
    assert_eq!(left, manual, "{level} in 1.{minor}: {pod} repaired to {repaired}");
}

fn set(node: &mut Value, steps: &[Step], value: Value) {
    let Some((first, rest)) = steps.split_first() else {
        *node = value;
        return;
    };
    match first {
        Step::Key(key) => {
            if node.is_null() {
                *node = Value::Object(Map::new());
            }
            let fields = node.as_object_mut().expect("a mapping");
            set(fields.entry(&**key).or_insert(Value::Null), rest, value);
        }
        Step::Index(index) => set(&mut node[*index], rest, value),
    }
}

const CONTAINERS: [&str; 3] =
    ["spec/initContainers/0", "spec/containers/0", "spec/ephemeralContainers/0"];

#[test]
fn what_says_nothing_is_baseline_and_what_is_hardened_is_restricted() {
    expect(Level::Baseline, &bare(), &[]);
    expect(Level::Baseline, &hardened(), &[]);
    expect(Level::Restricted, &hardened(), &[]);
    expect(Level::Restricted, &json!({"spec": {}}), &[]);
}

#[test]
fn what_says_nothing_is_not_restricted() {
    expect(
        Level::Restricted,
        &bare(),
        &[
            ("allowPrivilegeEscalation", 8..=LATEST),
            ("capabilities_restricted", 22..=LATEST),
            ("runAsNonRoot", ALWAYS),
            ("seccompProfile_restricted", 19..=LATEST),
        ],
    );
}

#[test]
fn one_violation_for_what_one_edit_repairs() {
    judge(&bare(), Level::Restricted, LATEST, |violations| {
        let seen: Vec<_> = violations
            .iter()
            .map(|it| (it.control.id, it.container, it.places[0].path.to_string()))
            .collect();
        let context = "securityContext";
        let expected = [
            ("initContainers[0]", Some("init")),
            ("containers[0]", Some("main")),
            ("ephemeralContainers[0]", Some("debug")),
        ];
        let mut wanted = Vec::new();
        for (id, field) in [
            ("allowPrivilegeEscalation", "allowPrivilegeEscalation"),
            ("capabilities_restricted", "capabilities.drop"),
        ] {
            for (place, name) in expected {
                wanted.push((id, name, format!("spec.{place}.{context}.{field}")));
            }
        }
        wanted.push(("runAsNonRoot", None, format!("spec.{context}.runAsNonRoot")));
        wanted.push((
            "seccompProfile_restricted",
            None,
            format!("spec.{context}.seccompProfile.type"),
        ));
        assert_eq!(seen, wanted);
        assert!(violations.iter().all(|it| !it.places[0].exists));
        assert_eq!(
            violations[6].reason,
            "containers `init`, `main`, `debug` may run as root: `runAsNonRoot` is not set"
        );
    });
}

#[test]
fn places_are_those_of_the_text() {
    let text = "\
kind: Deployment
spec:
  template:
    metadata:
      annotations:
        container.apparmor.security.beta.kubernetes.io/web: unconfined
    spec:
      containers:
        - name: side
        - name: web
          securityContext:
            capabilities: {add: [NET_RAW]}
";
    let stream = coaming_yaml::parse(text.into());
    let template = stream.documents[0].root().get("spec").and_then(|spec| spec.get("template"));
    let template = template.expect("a template");
    let pod = PodSpec::new(template.get("spec").expect("a spec"), Some(template));
    let violations = check(pod, Level::Baseline, Version::LATEST);
    let seen: Vec<_> = violations
        .iter()
        .map(|it| {
            let place = &it.places[0];
            let span = place.node.span().map(|span| span.text(text));
            (it.container, place.path.to_string(), span.unwrap_or_default())
        })
        .collect();
    let annotation = "container.apparmor.security.beta.kubernetes.io/web";
    assert_eq!(
        seen,
        [
            (
                Some("web"),
                format!("spec.template.metadata.annotations[{annotation:?}]"),
                "unconfined"
            ),
            (
                Some("web"),
                "spec.template.spec.containers[1].securityContext.capabilities.add".to_owned(),
                "[NET_RAW]"
            ),
        ]
    );
    for violation in &violations {
        for place in &violation.places {
            assert_eq!(place.node.path(), place.path, "both ways lead to the same place");
        }
    }
}

#[test]
fn a_text_is_repaired_with_its_comments() {
    let text = "\
kind: Pod
spec:
  hostUsers: true # as everywhere
  securityContext:
    sysctls:
      - {name: kernel.msgmax, value: '1'}
      - name: net.ipv4.tcp_syncookies # against floods
        value: '1'
  containers:
    - name: web
      securityContext:
        privileged: true
        capabilities:
          add: [NET_ADMIN, NET_BIND_SERVICE] # for port 80
";
    let stream = coaming_yaml::parse(text.into());
    let violations = check(view(&stream.documents[0]), Level::Restricted, Version::LATEST);
    let edits: Vec<_> = violations.into_iter().flat_map(|violation| violation.edits).collect();
    let edits = apply(text, &stream.documents[0], &edits).expect("edits that fit the text");
    insta::assert_snapshot!(apply_to_text(text, &edits), @r"
    kind: Pod
    spec:
      hostUsers: true # as everywhere
      securityContext:
        sysctls:
          - name: net.ipv4.tcp_syncookies # against floods
            value: '1'
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: web
          securityContext:
            privileged: false
            capabilities:
              add: [NET_BIND_SERVICE] # for port 80
              drop:
                - ALL
            allowPrivilegeEscalation: false
    ");
}

#[test]
fn levels_and_versions_are_read() {
    assert_eq!("baseline".parse(), Ok(Level::Baseline));
    assert_eq!("restricted".parse(), Ok(Level::Restricted));
    assert!("privileged".parse::<Level>().is_err());
    for (text, minor) in [
        ("1.0", 0),
        ("v1.29", 29),
        ("1.29.4", 29),
        ("v1.29.4-gke.1", 29),
        ("1.99", LATEST),
        ("latest", LATEST),
    ] {
        assert_eq!(text.parse(), Ok(Version::new(minor)), "{text}");
    }
    for text in ["", "1", "1.", "2.0", "v1.x", "1.-1", "1.+1", "1.29-rc", "29"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
    assert_eq!(Version::default().to_string(), "v1.37");
}
