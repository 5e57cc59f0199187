//! Policies and objects judged by this crate and by the API server's own evaluator: `vapeval` of
//! the archive of the lab, which `COAMING_VAPEVAL` names.

use std::fmt::Write as _;

use coaming_kube::World;
use coaming_test::vapeval;
use serde_json::{Value, json};

use super::world;
use crate::CustomRules;
use crate::subject::{Operation, Subject};

/// What an evaluator says of a policy and an object.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    NotMatched,
    Allowed,
    Denied(String),
    Failed(String),
    DoesNotCompile(String),
}

impl Verdict {
    /// The verdict without words, which may differ for errors.
    fn plain(&self) -> &str {
        match self {
            Self::NotMatched => "not matched",
            Self::Allowed => "allowed",
            Self::Denied(message) => message,
            Self::Failed(_) => "failed",
            Self::DoesNotCompile(_) => "does not compile",
        }
    }
}

fn ours(question: &Value) -> Verdict {
    let policies = world(&question["policy"].to_string());
    let rules = match CustomRules::compile(&[], policies) {
        Ok(rules) => rules,
        Err(errors) => return Verdict::DoesNotCompile(errors[0].message.clone()),
    };
    let objects: World = world(&question["object"].to_string());
    let object = objects.objects().next().unwrap();
    let subject = Subject::new(&objects, &rules.policies, object, None);
    let operation = match question["request"]["operation"].as_str() {
        Some("UPDATE") => Operation::Update,
        _ => Operation::Create,
    };
    let rule = &rules.rules[0];
    if let crate::rule::Scope::Constraints(constraints) = &rule.scope
        && !constraints.hold(&subject, operation)
    {
        return Verdict::NotMatched;
    }
    match rule.denial(&subject, operation, &crate::lang::value::Value::Null) {
        None => Verdict::Allowed,
        Some(message) if message.contains("resulted in error: ") => Verdict::Failed(message),
        Some(message) => Verdict::Denied(message),
    }
}

fn theirs(answer: &Value) -> Verdict {
    let message = answer["message"].as_str().unwrap_or_default().to_owned();
    let errors = answer["compileErrors"].as_array().and_then(|errors| errors[0].as_str());
    if let Some(error) = errors {
        return Verdict::DoesNotCompile(error.to_owned());
    }
    if answer["matched"] == false {
        return Verdict::NotMatched;
    }
    if answer["allowed"] == true {
        return Verdict::Allowed;
    }
    if message.starts_with("compilation error: ") {
        return Verdict::DoesNotCompile(message);
    }
    if message.contains("resulted in error: ") {
        return Verdict::Failed(message);
    }
    Verdict::Denied(message)
}

/// The answers of upstream's evaluator; `None` where it is not available, which is reported.
fn ask(test: &str, questions: &[Value]) -> Option<Vec<Value>> {
    Some(vapeval::ask(&vapeval::program(test)?, questions))
}

fn question(policy_spec: Value, object: Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    json!({
        "policy": {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "p"},
            "spec": policy_spec,
        },
        "request": {
            "kind": {"group": group, "version": version, "kind": kind},
            "namespace": object["metadata"]["namespace"],
            "name": object["metadata"]["name"],
            "userInfo": {"groups": ["system:authenticated"]},
        },
        "object": object,
    })
}

/// A policy of one expression for a Deployment.
fn with_expression(expression: &str, object: &Value) -> Value {
    let spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]},
        ]},
        "variables": [
            {"name": "spec", "expression": "object.spec"},
            {"name": "names", "expression": "object.spec.containers.map(c, c.name)"},
            {"name": "count", "expression": "size(variables.names)"},
        ],
        "validations": [{"expression": expression, "message": "refused"}],
    });
    question(spec, object.clone())
}

fn compare(test: &str, questions: &[Value], describe: impl Fn(usize) -> String) {
    let Some(answers) = ask(test, questions) else { return };
    assert_eq!(answers.len(), questions.len());
    let mut tally = std::collections::BTreeMap::new();
    let mut differences = Vec::new();
    for (index, (question, answer)) in questions.iter().zip(&answers).enumerate() {
        let (ours, theirs) = (ours(question), theirs(answer));
        *tally.entry(theirs.plain().to_owned()).or_insert(0) += 1;
        // Upstream's evaluator fails on an expression here and there that it should not.
        if answer.to_string().contains("internal error") {
            continue;
        }
        if ours.plain() != theirs.plain() {
            differences
                .push(format!("{}\n  here: {ours:?}\n  upstream: {theirs:?}", describe(index)));
        }
    }
    let shown = differences.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{shown}\n{tally:?}",
        differences.len(),
        questions.len()
    );
}

fn objects() -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "demo", "labels": {"a-b": "c", "app": "web"}},
            "spec": {"replicas": 3, "big": 5000000000u64, "ratio": 1.5, "on": true, "none": null,
                "memory": "1Gi", "cpu": "500m", "url": "https://example.com:8443/a?b=c",
                "ip": "10.0.0.1", "cidr": "10.0.0.0/8", "version": "1.2.3",
                "when": "2024-02-29T12:30:00Z", "empty": "", "list": [3, 1, 2], "mixed": [1, "a", 2.5, null],
                "nested": [[1], [2, 3]],
                "containers": [{"name": "a", "image": "r.io/x:1", "ports": [80]}, {"name": "b", "image": "y"}]},
        }),
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p-1", "namespace": "demo"},
            "spec": {"containers": [{"name": "main", "securityContext": {"privileged": true}}]},
        }),
    ]
}

#[test]
fn expressions_are_judged_as_upstream_judges_them() {
    let expressions: Vec<&str> = include_str!("expressions.txt").lines().collect();
    let object = &objects()[0];
    let questions: Vec<Value> =
        expressions.iter().map(|expression| with_expression(expression, object)).collect();
    compare("expressions", &questions, |index| expressions[index].to_owned());
}

/// A generator of numbers, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Forms of expressions by the type that they usually have; `$i`, `$s` … are parts of that type.
const FORMS: &[(char, &[&str])] = &[
    (
        'b',
        &[
            "true",
            "false",
            "object.spec.on",
            "$i == $i",
            "$i < $i",
            "$s == $s",
            "$s < $s",
            "$d >= $d",
            "$s.contains($s)",
            "$s.startsWith($s)",
            "$s.endsWith($s)",
            "$b && $b",
            "$b || $b",
            "!$b",
            "$b ? $b : $b",
            "$i in $l",
            "$s in $t",
            "$s in $m",
            "has(object.spec.$f)",
            "has(object.$f.$f)",
            "$l.all(x, x > $i)",
            "$l.exists(x, x == $i)",
            "$l.exists_one(x, x == $i)",
            "$t.all(x, x == $s)",
            "$l.all(i, x, i < x)",
            "$l.exists(i, x, i == x)",
            "$m.all(k, v, k != v)",
            "$m.exists(k, k == $s)",
            "$s.matches('^[a-z]+$')",
            "$s.matches('\\\\d')",
            "$y == $y",
            "$y != $y",
            "$o.hasValue()",
            "sets.contains($l, $l)",
            "sets.intersects($t, $t)",
            "sets.equivalent($l, $l)",
            "$l.isSorted()",
            "isQuantity($s)",
            "quantity($q).isGreaterThan(quantity($q))",
            "quantity($q).isInteger()",
            "isIP($s)",
            "ip(object.spec.ip).isLoopback()",
            "cidr('10.0.0.0/8').containsIP($s)",
            "isCIDR($s)",
            "isURL($s)",
            "isSemver($s)",
            "isSemver($s, true)",
            "semver('1.2.3').isLessThan(semver($s))",
            "timestamp(object.spec.when) > timestamp('2020-01-01T00:00:00Z')",
            "duration('1h') < duration($u)",
            "$s == '%s-%d'.format([$s, $i])",
            "$l == $l",
            "$t == $t",
            "$m == $m",
            "type($y) == type($y)",
            "$l.map(x, x + $i) == $l",
            "variables.count > $i",
            "size($t) > $i",
            "$s.size() == $i",
            "request.operation == $s",
            "request.kind.kind == $s",
            "namespaceObject.metadata.name == $s",
            "format.dns1123Label().validate($s).hasValue()",
            "$l.sort() == $l",
            "$o == $o",
            "null == $y",
            "$o.orValue($i) == $i",
            "cidr($s).prefixLength() == $i",
            "bool($s)",
            "$y",
            "$y in $l",
            "$y.exists(z, z == $i)",
            "has($y.$f)",
            "$t.exists(x, x.startsWith($s))",
            "$l.distinct().size() == $l.size()",
            "authorizer.group('apps').resource('deployments').check('get').allowed()",
        ],
    ),
    (
        'i',
        &[
            "0",
            "1",
            "2",
            "3",
            "-1",
            "object.spec.replicas",
            "$i + $i",
            "$i - $i",
            "$i * $i",
            "$i / $i",
            "$i % $i",
            "size($s)",
            "$l.size()",
            "$l[0]",
            "$l[$i]",
            "$s.indexOf($s)",
            "$l.sum()",
            "$l.max()",
            "$l.min()",
            "int($s)",
            "$b ? $i : $i",
            "object.spec.list[1]",
            "variables.count",
            "$l.indexOf($i)",
            "quantity($q).asInteger()",
            "quantity($q).compareTo(quantity($q))",
            "int($d)",
            "-$i",
            "semver('1.2.3').minor()",
            "$o.orValue($i)",
            "$o.value()",
            "timestamp(object.spec.when).getHours()",
            "duration($u).getMinutes()",
            "timestamp(object.spec.when).getDayOfWeek('Europe/Berlin')",
            "object.spec.big",
            "object.spec.?replicas.orValue($i)",
            "ip(object.spec.ip).family()",
            "$y",
            "$l.first().orValue($i)",
        ],
    ),
    (
        's',
        &[
            "'a'",
            "'b'",
            "'web'",
            "''",
            "'1.2.3'",
            "'10.0.0.1'",
            "object.metadata.name",
            "object.spec.memory",
            "object.spec.ip",
            "object.spec.version",
            "object.spec.url",
            "object.metadata.labels['app']",
            "object.metadata.labels.$f",
            "$s + $s",
            "$s.lowerAscii()",
            "$s.upperAscii()",
            "$s.trim()",
            "$s.replace($s, $s)",
            "$s.substring($i)",
            "$s.substring($i, $i)",
            "$s.charAt($i)",
            "string($i)",
            "string($d)",
            "string($b)",
            "$t.join(',')",
            "$t[0]",
            "$t[$i]",
            "$s.split(',')[0]",
            "'%s'.format([$i])",
            "'%s'.format([$l])",
            "'%s'.format([$d])",
            "'%d %s'.format([$i, $s])",
            "'%.2f'.format([$d])",
            "'%x'.format([$i])",
            "url(object.spec.url).getHost()",
            "url($s).getScheme()",
            "$s.find('[a-z.]+')",
            "$b ? $s : $s",
            "object.spec.?none.orValue($s)",
            "strings.quote($s)",
            "$y",
            "request.name",
            "string(timestamp(object.spec.when))",
            "string(duration($u))",
            "cidr('10.1.2.3/8').masked().ip() == ip('10.0.0.0') ? $s : $s",
        ],
    ),
    (
        'd',
        &[
            "1.0",
            "2.5",
            "object.spec.ratio",
            "$d + $d",
            "$d * $d",
            "$d / $d",
            "double($i)",
            "double($s)",
            "quantity($q).asApproximateFloat()",
            "-$d",
            "1e10",
            "$d - $d",
            "[$d, $d].max()",
        ],
    ),
    (
        'l',
        &[
            "[1, 2, 3]",
            "[]",
            "[$i, $i]",
            "object.spec.list",
            "$l + $l",
            "$l.filter(x, x > $i)",
            "$l.map(x, x * 2)",
            "$l.map(x, x > 1, x - 1)",
            "$l.transformList(i, x, i + x)",
            "$l.slice(0, $i)",
            "$l.reverse()",
            "$l.distinct()",
            "lists.range($i)",
            "$l.sort()",
            "[[1], [2]].flatten()",
            "object.spec.mixed",
            "[?optional.of($i)].map(x, x)",
            "$l.sortBy(x, -x)",
            "$t.map(x, size(x))",
        ],
    ),
    (
        't',
        &[
            "['a', 'b']",
            "[$s, $s]",
            "variables.names",
            "$t + $t",
            "$t.filter(x, x != $s)",
            "$s.split('.')",
            "$t.map(x, x + $s)",
            "object.spec.containers.map(c, c.name)",
            "object.spec.containers.map(c, c.image)",
            "$m.map(k, k)",
            "$s.findAll('[a-z]')",
            "$t.sort()",
            "request.userInfo.groups",
            "$t.reverse()",
            "object.spec.containers.filter(c, has(c.ports)).map(c, c.name)",
        ],
    ),
    (
        'm',
        &[
            "object.metadata.labels",
            "{'a': 'b'}",
            "{$s: $s}",
            "{}",
            "{'a': 1}",
            "$m.transformMap(k, v, v)",
            "['x'].transformMapEntry(i, v, {v: v})",
            "{?'a': optional.of($i)}",
            "object.metadata",
            "$m.transformMap(k, v, k != $s, v)",
        ],
    ),
    (
        'y',
        &[
            "object.spec",
            "object.spec.$f",
            "object.$f",
            "dyn($i)",
            "dyn($s)",
            "dyn($d)",
            "object.spec.mixed[$i]",
            "object.spec.containers",
            "object.spec.containers[$i]",
            "object.spec.containers[$i].$f",
            "object.spec[$s]",
            "null",
            "$y.$f",
            "object.metadata[$s]",
            "object.spec.containers[0]",
            "dyn($l)",
            "dyn($m)",
            "object.?spec.$f.orValue($y)",
            "variables.spec.$f",
            "$b ? $y : $y",
            "oldObject",
        ],
    ),
    (
        'o',
        &[
            "optional.of($i)",
            "optional.none()",
            "object.?spec.?replicas",
            "object.spec[?$s]",
            "$l[?$i]",
            "optional.ofNonZeroValue($i)",
            "$o.or($o)",
            "$o.optMap(x, x + $i)",
            "$o.optFlatMap(x, $o)",
            "$l.first()",
            "$l.last()",
            "object.?$f.$f",
            "$m[?$s]",
        ],
    ),
];

fn expression(random: &mut Random, kind: char, depth: usize) -> String {
    match kind {
        'f' => {
            return random
                .pick(&[
                    "replicas",
                    "nothing",
                    "containers",
                    "name",
                    "spec",
                    "labels",
                    "app",
                    "ratio",
                    "list",
                ])
                .to_owned();
        }
        'q' => {
            return random
                .pick(&[
                    "'1'",
                    "'1Gi'",
                    "'500m'",
                    "'1.5'",
                    "'x'",
                    "object.spec.memory",
                    "object.spec.cpu",
                    "'1e3'",
                    "''",
                ])
                .to_owned();
        }
        'u' => {
            return random
                .pick(&["'1h'", "'90m'", "'1.5s'", "'x'", "'-1h'", "object.spec.empty"])
                .to_owned();
        }
        _ => {}
    }
    // Now and then a part of another type, for the mistakes that the checker must find.
    let kind = if random.below(14) == 0 {
        ['b', 'i', 's', 'd', 'l', 't', 'm', 'y', 'o'][random.below(9)]
    } else {
        kind
    };
    let forms = FORMS.iter().find(|(own, _)| *own == kind).unwrap().1;
    let leaves: Vec<&str> = forms.iter().copied().filter(|form| !form.contains('$')).collect();
    let form =
        if depth == 0 && !leaves.is_empty() { random.pick(&leaves) } else { random.pick(forms) };
    let mut out = String::new();
    let mut rest = form.chars();
    while let Some(character) = rest.next() {
        if character != '$' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some(part) if part.is_ascii_lowercase() => {
                let inner = expression(random, part, depth.saturating_sub(1));
                let simple =
                    part == 'f' || inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
                if simple { out.push_str(&inner) } else { write!(out, "({inner})").unwrap() }
            }
            other => {
                out.push('$');
                out.extend(other);
            }
        }
    }
    out
}

#[test]
fn random_expressions_are_judged_as_upstream_judges_them() {
    let count =
        std::env::var("COAMING_CEL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let seed = std::env::var("COAMING_CEL_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut random = Random(seed);
    let objects = objects();
    let mut expressions = Vec::new();
    for _ in 0..count {
        let depth = 1 + random.below(3);
        expressions.push((expression(&mut random, 'b', depth), random.below(8) / 7));
    }
    let questions: Vec<Value> = expressions
        .iter()
        .map(|(expression, object)| with_expression(expression, &objects[*object]))
        .collect();
    compare("random expressions", &questions, |index| expressions[index].0.clone());
}

/// Policies of the forms that public libraries have, over objects that satisfy and violate them.
#[test]
fn policies_of_libraries_are_judged_as_upstream_judges_them() {
    let cases: Value = serde_json::from_str(include_str!("policies.json")).unwrap();
    let (specs, objects) =
        (cases["policies"].as_array().unwrap(), cases["objects"].as_array().unwrap());
    let pairs = || specs.iter().flat_map(|spec| objects.iter().map(move |object| (spec, object)));
    let questions: Vec<Value> =
        pairs().map(|(spec, object)| question(spec.clone(), object.clone())).collect();
    let shown: Vec<String> = pairs().map(|(spec, object)| format!("{spec}\n{object}")).collect();
    compare("policies of libraries", &questions, |index| shown[index].clone());
}

/// Policies about updates, of which the object is what it was before.
#[test]
fn updates_are_judged_as_upstream_judges_them() {
    let cases: Value = serde_json::from_str(include_str!("policies.json")).unwrap();
    let mut specs = cases["policies"].as_array().unwrap().clone();
    let rule = |operations: Value| json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": operations, "resources": ["*"]}]);
    for (operations, expression) in [
        (json!(["UPDATE"]), "object.metadata.name == 'other'"),
        (json!(["CREATE"]), "false"),
        (json!(["CREATE", "UPDATE"]), "request.operation == 'CREATE'"),
        (json!(["UPDATE"]), "oldObject == object"),
        (json!(["UPDATE"]), "has(oldObject.metadata.labels) && oldObject != object"),
        (json!(["*"]), "oldObject == null"),
        (json!(["UPDATE", "DELETE"]), "request.options.kind == 'UpdateOptions'"),
        (json!(["DELETE", "CONNECT"]), "false"),
    ] {
        specs.push(json!({
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": rule(operations)},
            "validations": [{"expression": expression, "message": "refused"}],
        }));
    }
    let mut questions = Vec::new();
    let mut shown = Vec::new();
    for spec in &specs {
        for object in cases["objects"].as_array().unwrap() {
            let mut question = question(spec.clone(), object.clone());
            question["request"]["operation"] = json!("UPDATE");
            question["oldObject"] = object.clone();
            questions.push(question);
            shown.push(format!("{spec}\n{object}"));
        }
    }
    compare("updates", &questions, |index| shown[index].clone());
}
