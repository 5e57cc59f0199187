use super::*;

fn shown(text: &str, number: u32) -> bool {
    ShownLines::new(InputText::new(text)).line(number, 400).is_some()
}

#[test]
fn lines_that_may_contain_a_secret() {
    for (text, number) in [
        ("password: hunter2\n", 1),
        ("password: 83454102\n", 1),
        ("privileged: x9Kq2LmZ8vTn4RwY\n", 1),
        ("spec:\n  dbpasword: hunter\n", 2),
        ("stringdata:\n  a: b\n", 2),
        ("stringData: {a: b}\n", 1),
        ("data:\n  app.conf: |\n    one\n    two\n", 4),
        ("data:\n  list:\n  - one\n", 3),
        ("env:\n- name: DB_PASSWORD\n  value: 83454102\n", 3),
        ("env:\n- name: X\n  value: hunter2\n", 3),
        ("env:\n- name: X\n  value: hunter\n", 3),
        ("env:\n- name: DB_PASSWORD\n  value: \"8080\"\n", 3),
        ("env:\n- name: X\n- value: \"8080\"\n", 3),
        ("stringData:\n  name: X\n  value: info\n", 3),
        ("parameters:\n- name: DB_PASSWORD\n  text: hunter\n", 3),
        ("{\"stringData\": {\"password\": 83454102}}\n", 1),
        ("args:\n- --password\n- hunter\n", 3),
        ("password:\n\n  hunter\n", 3),
        ("password: \"first\n  second\"\n", 2),
        ("x: \"tundra!913Q\"\n", 1),
        ("FROM a\nRUN echo \"root:hunter\" | chpasswd\n", 2),
        ("RUN echo \"root:hunter\" \\\n  | chpasswd\n", 1),
        ("RUN mysql -uroot -phunter2x -e x\n", 1),
        ("RUN curl -u app:hunter2 https://x\n", 1),
        ("RUN curl https://app:hunter2@host/x\n", 1),
        ("RUN curl 'https://host/x?key=hunter2'\n", 1),
        ("ENV DB_PASSWORD hunter2\n", 1),
        ("ARG TOKEN=abc\n", 1),
        ("machine x login y password walnut\n", 1),
        ("privileged: 83454102\n", 1),
        ("env: [{name: NOPE_PWD, vlaue: walnut}]\n", 1),
        ("- {name: TOKEN, vlaue: \"kestrel\"}\n", 1),
        ("data: [\"ODQ3MzE5MjY=\"]\n", 1),
        ("stringData: {\"a\": \"walnut\"}\n", 1),
        ("ports: [{containerPort: \"83454102\"}]\n", 1),
        ("image: registry.example/app:walnut-kestrel@host/a:1\n", 1),
        ("spec: {ingress: [{from: [{ipBlock: {cidr: 83454102}}]}]}\n", 1),
        ("spec: {ingress: [{ports: [{port: 83454102}, 83454102]}]}\n", 1),
        ("{\"spec\": {\"ports\":[{\"port\":-83454102}]}}\n", 1),
        ("spec: {path: 83454102.5}\n", 1),
        ("spec: {runAsUser: 83454102}\n", 1),
        ("  - 83454102\n", 1),
        ("  name: walnut48213\n", 1),
        ("  ports: 8a537f6b5b4478cca8ac92b9cf58bef2\n", 1),
        ("- op: add\n  path: /spec/containers/0/env\n  value:\n  - {name: A, text: hunter2}\n", 4),
        ("- op: add\n  path: /data/securityContext\n- op: add\n  value:\n    a: hunter2\n", 5),
        ("- op: add\n  path: /spec/securityContext\n  value:\n    password: hunter2\n", 4),
        ("- path: /spec/securityContext\n  value: {password: hunter2}\n", 2),
        ("a: &x\n  passphrase: |\n    correct horse\n    battery\n", 4),
    ] {
        assert!(!shown(text, number), "{text}");
    }
}

#[test]
fn lines_that_are_shown() {
    for line in [
        "image: nginx:1.2@sha256:aaaa",
        "  - {name: TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}",
        "  - {name: web, image: nginx}",
        "    secret: {secretName: database}",
        "  annotations: {}",
        "  - {containerPort: 8080, hostPort: 80}",
        "automountServiceAccountToken: false",
        "  - name: web",
        "securityContext: {runAsUser: 1000650000}",
        "runAsUser: 1000650000",
        "  password: {{ .Values.password }}",
        "          value: $(TOKEN)",
        "secretName: database",
        "FROM debian:latest",
        "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
        "RUN npm install -g yarn@1.22.19 typescript@5",
        "        - containerPort: 8080",
        "hostPath: {path: /var/run/docker.sock}",
        "  - {cidr: 10.0.0.0/8, except: [192.168.100.0/24]}",
        "  uid: 123e4567-e89b-12d3-a456-426614174000",
        "  image: nginx@sha256:8a537f6b5b4478cca8ac92b9cf58bef28a537f6b5b4478cca8ac92b9cf58bef2",
        "  name: web-7d9f6c5b8-x2x9k",
        "  limits: {memory: 134217728}",
        "  image: alpine:20240329",
        "  host: 123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "requiredDuringSchedulingIgnoredDuringExecution:",
        "  ports: [{port: 65535, endPort: 32767}]",
        "CMD [\"nginx\", \"-g\", \"daemon off;\"]",
        "apiVersion: rbac.authorization.k8s.io/v1",
    ] {
        assert!(shown(line, 1), "{line}");
    }
    let patch = "- op: add\n  path: /spec/containers/0/securityContext\n  value:\n    privileged: true\n- op: add\n  path: '/spec/securityContext'\n  value: {runAsUser: 1}\n";
    assert!((3..=7).all(|line| shown(patch, line)));
    let settings = "env:\n- name: PORT\n  value: \"8080\"\n- name: LOG_LEVEL\n  # of all\n  value: info\n- {name: DEBUG, value: 'true'}\n";
    assert!((1..=7).all(|line| shown(settings, line)));
    assert!(shown("volumes:\n- secret:\n    secretName: x\n", 3));
    assert!(shown("data:\n  a: b\nspec:\n  c: d\n", 4));
    assert!(shown("env:\n- name: TOKEN\n  valueFrom: {}\n- name: x\n", 4));
}

#[test]
fn edits_that_write_a_secret_are_not_shown() {
    let text = "kind: Secret\nstringData:\n  a: 83454102\n";
    let start = u32::try_from(text.find("83").unwrap()).unwrap();
    let edit = |replacement: &str| TextEdit {
        span: Span::new(start, start + 8),
        replacement: replacement.to_owned(),
    };
    let lines = ShownLines::new(InputText::new(text));
    assert!(lines.edits(&[edit("\"83454102\"")]).is_none());
    assert!(lines.edits(&[edit("")]).is_some());
    let text = "spec:\n  port: \"80\"\n";
    let lines = ShownLines::new(InputText::new(text));
    let edit = TextEdit { span: Span::new(14, 18), replacement: "80".to_owned() };
    assert_eq!(lines.edits(&[edit]).unwrap()[0].text(), "80");
}

#[test]
fn messages_are_masked() {
    for (message, expected) in [
        (
            "https://u:kestrel@127.0.0.1:9/ does not answer",
            "https://***@127.0.0.1:9/ does not answer",
        ),
        ("proxy http://u:a!b@h:1/ is refused", "proxy http://***@h:1/ is refused"),
        ("https:/u:kestrel@h:1/x: not found", "***@h:1/x: not found"),
        ("found `tundra!913Q` there", "found `***` there"),
        ("`app:walnut@host/a:1` is not a valid name", "`***@host/a:1` is not a valid name"),
        ("`walnut` is not a valid CIDR block", "`***` is not a valid CIDR block"),
        ("`10.0.0.0/33` is not a valid CIDR block", "`10.0.0.0/33` is not a valid CIDR block"),
        ("org.example:lib@1.2.3 is old", "org.example:lib@1.2.3 is old"),
        (
            "container `web` runs as root (`runAsUser: 0`)",
            "container `web` runs as root (`runAsUser: 0`)",
        ),
        ("nginx@sha256:aaaa is not a valid image", "nginx@sha256:aaaa is not a valid image"),
        ("`83454102` of Namespace does not exist", "`***` of Namespace does not exist"),
        ("container `a 83454102` has none", "container `a ***` has none"),
        (
            "`Pod` is not a kind of `0b83c5d0765d183771675053679a2647`",
            "`Pod` is not a kind of `***`",
        ),
        (
            "invalid type: string \"A=1 PIN=83454102\", expected struct Config",
            "invalid type: string \"***\", expected struct Config",
        ),
        (
            "invalid type: string \"yes\", expected a boolean",
            "invalid type: string \"yes\", expected a boolean",
        ),
        ("`HEAD~12` is not a commit", "`HEAD~12` is not a commit"),
        ("`runAsUser` is `1000650000`", "`runAsUser` is `1000650000`"),
        (
            "`ValidatingAdmissionPolicyBinding` has none",
            "`ValidatingAdmissionPolicyBinding` has none",
        ),
        ("see https://example.org/a?b=1&c=2!", "see https://example.org/a?b=1&c=2!"),
    ] {
        assert_eq!(masked(message), expected);
    }
}

#[test]
fn names_are_shown_unless_they_cannot_be_names() {
    for name in ["web-7d9f6c5b8-x2x9k", "system:masters", "", "a.b/c", "${NAME}", "Pod", "user 1"] {
        assert_eq!(shown_name(name), name);
    }
    assert_eq!(shown_name("83454102"), "***");
    assert_eq!(shown_name("tundra!913Q"), "***");
    assert_eq!(shown_name("a 83454102"), "a ***");
    assert_eq!(shown_name("password:mango43409"), "password:***");
    assert_eq!(shown_name("https://app:walnut@db.example/x"), "https://***@db.example/x");
}

#[test]
fn values_that_the_api_rejects_are_not_shown() {
    let text = "spec:\n  ports: walnut kestrel tundra\n  priority: \"80\"\n  rules:\n    a: b\n";
    let span = |part: &str| {
        let start = text.find(part).unwrap();
        Span::new(u32::try_from(start).unwrap(), u32::try_from(start + part.len()).unwrap())
    };
    let rejected = vec![span("walnut kestrel tundra"), span("\"80\""), span("a: b")];
    let lines = ShownLines::with_rejected(InputText::new(text), rejected);
    let shown: Vec<bool> = (1..=5).map(|number| lines.line(number, 100).is_some()).collect();
    assert_eq!(shown, [true, false, true, true, true]);
}

#[test]
fn values_of_settings() {
    for (name, value) in [
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("LANG", "C.UTF-8"),
        ("NODE_VERSION", "20.11.1"),
        ("PYTHON_PIP_VERSION", "23.0"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("PORT", "8080"),
        ("URL", "https://example.org/x"),
    ] {
        assert!(is_shown_value(name, value), "{name}={value}");
    }
    for (name, value) in [
        ("FOO", "hunter2"),
        ("FOO", "tundra!913Q"),
        ("FOO", "83454102"),
        ("DB_PASSWORD", "x"),
        ("URL", "https://u:hunter@example.org"),
    ] {
        assert!(!is_shown_value(name, value), "{name}={value}");
    }
}

#[test]
fn the_text_of_an_input_is_not_printed() {
    assert_eq!(format!("{:?}", InputText::new("hunter2")), "InputText(7 bytes)");
    assert!(!format!("{:?}", ShownLines::new(InputText::new("hunter2"))).contains("hunter"));
}

/// Only the end of a long line is looked at, and says what the next line is.
#[test]
fn long_lines_are_hidden() {
    let long = "é: plain, ".repeat(4_000);
    let text = format!("{long}x: 1\na: b\n{long}password:\nwalnut\n");
    assert_eq!(hidden_lines(&text), [true, false, true, true, false]);
}
