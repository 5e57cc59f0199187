//! `coaming breach --format html`, in a browser.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::browser::Page;
use super::{directory, run, stderr, stdout};

const EVIL: &str = "evil</script><img src=x onerror=alert(1)>";

fn shop() -> String {
    format!(
        "
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop, labels: {{app: web}}}}
spec:
  volumes: [{{name: docker, hostPath: {{path: /run}}}}]
  containers:
  - name: web
    image: registry.example.com/web:1.4.2
    ports: [{{containerPort: 8080}}]
    securityContext: {{runAsUser: 0}}
    volumeMounts: [{{name: docker, mountPath: /host}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{type: NodePort, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: '{EVIL}', namespace: '{EVIL}', labels: {{app: cache}}}}
spec: {{containers: [{{name: '{EVIL}', image: 'redis:7', ports: [{{containerPort: 6379}}]}}]}}
"
    )
}

/// The page of some objects, in a directory that stays.
fn page(text: &str, options: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let files = directory(&[("shop.yaml", text)]);
    let (input, output) = (files.path().join("shop.yaml"), files.path().join("breach.html"));
    let base = ["breach", "--format", "html", "--output", output.to_str().unwrap()];
    let result = run(&[&base[..], options, &[input.to_str().unwrap()]].concat());
    assert_eq!(result.status.code(), Some(0), "{}", stderr(&result));
    (files, output)
}

fn is_quiet(page: &Page) {
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

#[test]
fn names_of_markup_stay_text() {
    let (_files, output) = page(&shop(), &[]);
    let text = std::fs::read_to_string(&output).unwrap();
    assert!(!text.contains("<img") && !text.contains("unsafe-inline"), "{text}");
    assert_eq!(text.matches("<script").count(), 2);
    let Some(mut page) = Page::open("names_of_markup_stay_text", 1280, 900) else { return };
    page.show(&output);
    assert_eq!(page.eval("document.querySelectorAll('img, iframe, link').length"), 0);
    let shown = page.eval("document.body.innerText.includes('evil</script><img src=x')");
    assert_eq!(shown, true);
    is_quiet(&page);
}

#[test]
fn the_policy_stops_what_is_not_part_of_the_page() {
    let (_files, output) = page(&shop(), &[]);
    let Some(mut page) = Page::open("the_policy_stops", 1280, 900) else { return };
    page.show(&output);
    page.eval(
        "(() => { const it = document.createElement('script'); it.textContent = 'window.ran = 1'; \
         document.body.append(it); })()",
    );
    assert_eq!(page.eval("window.ran === undefined"), true);
    assert!(page.complaints.iter().any(|it| it.contains("Content Security Policy")));
}

#[test]
fn ways_are_shown_lit_up_and_cut() {
    let (_files, output) = page(&shop(), &[]);
    for (width, height) in [(1280, 900), (390, 844)] {
        let Some(mut page) = Page::open("ways_are_shown", width, height) else { return };
        page.show(&output);
        // Nothing is wider than the window.
        assert_eq!(page.eval("document.documentElement.scrollWidth"), width);
        let names =
            page.eval("[...document.querySelectorAll('details.way b')].map(it => it.textContent)");
        assert!(names.as_array().unwrap().contains(&json!("root on a node")), "{names}");
        page.eval(
            "(() => { const way = [...document.querySelectorAll('details.way')]\
             .find(it => it.textContent.includes('root on a node')); way.querySelector('summary').click(); })()",
        );
        page.wait_for("document.querySelectorAll('details.way[open] .steps li').length > 0");
        let step = page.eval("document.querySelector('details.way[open] .steps').textContent");
        assert!(step.as_str().unwrap().contains("host-path-write · T1611"), "{step}");
        assert!(step.as_str().unwrap().contains("shop.yaml:6"), "{step}");
        page.wait_for("document.querySelectorAll('#map path[marker-end]').length > 0");
        assert_eq!(
            page.eval("document.querySelector('.spot.start').firstChild.textContent"),
            "web"
        );
        // The proposed changes close what they promise.
        page.wait_for("/^3 pairs .* are open/.test(document.getElementById('score').textContent)");
        page.eval("document.querySelector('#tries input').click()");
        page.wait_for(
            "/^1 change closes [1-9]/.test(document.getElementById('score').textContent)",
        );
        let names =
            page.eval("[...document.querySelectorAll('details.way b')].map(it => it.textContent)");
        assert!(!names.as_array().unwrap().contains(&json!("root on a node")), "{names}");
        is_quiet(&page);
    }
}

/// The controls that can be used, in the order of the page.
const CONTROLS: &str = "[...document.querySelectorAll('a[href], button, input, select, summary, pre[tabindex]')]\
                        .filter(it => it.checkVisibility() && !it.disabled)";

/// Goes on with Tab until an element of this selector has the focus.
fn tab_to(page: &mut Page, selector: &str) {
    let is_there = format!("document.activeElement.matches('{selector}')");
    for _ in 0..200 {
        page.press("Tab", "");
        if page.eval(&is_there) == json!(true) {
            return;
        }
    }
    panic!("Tab never gets to {selector}");
}

#[test]
fn keys_reach_every_control() {
    let (_files, output) = page(&shop(), &[]);
    let Some(mut page) = Page::open("keys_reach", 1280, 900) else { return };
    page.show(&output);
    let count = page.eval(&format!("(window.controls = {CONTROLS}).length")).as_u64().unwrap();
    assert!(count > 20, "{count}");
    let mut missed: std::collections::BTreeSet<u64> = (0..count).collect();
    for _ in 0..count + 10 {
        page.press("Tab", "");
        let at = page.eval("controls.indexOf(document.activeElement)");
        at.as_u64().map(|at| missed.remove(&at));
    }
    let missed = Vec::from_iter(missed);
    let names = page.eval(&format!("{missed:?}.map(it => controls[it].outerHTML)"));
    assert_eq!(names, json!([]));
    // What the picture shows is a list, too.
    tab_to(&mut page, "#listing > summary");
    page.press("Enter", "\r");
    page.wait_for("document.getElementById('listing').textContent.includes('web')");
    tab_to(&mut page, "button.spot");
    page.press("Enter", "\r");
    page.wait_for("document.querySelector('button.spot[aria-pressed=true]') !== null");
    is_quiet(&page);
}

#[test]
fn screen_readers_have_a_name_for_every_control() {
    const ROLES: [&str; 6] = ["button", "checkbox", "combobox", "link", "searchbox", "textbox"];
    let (_files, output) = page(&shop(), &[]);
    let Some(mut page) = Page::open("screen_readers", 1280, 900) else { return };
    page.show(&output);
    let tree = page.call("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let role = |node: &Value| node["role"]["value"].as_str().unwrap_or_default().to_owned();
    let controls: Vec<&Value> =
        nodes.iter().filter(|node| ROLES.contains(&role(node).as_str())).collect();
    assert!(controls.len() > 20, "{}", controls.len());
    for control in controls {
        let name = control["name"]["value"].as_str().unwrap_or_default();
        assert!(!name.trim().is_empty(), "{control}");
    }
    for landmark in ["main", "navigation", "heading"] {
        assert!(nodes.iter().any(|node| role(node) == landmark), "{landmark}");
    }
}

#[test]
fn findings_are_filtered_and_shown_with_their_source() {
    let (_files, output) = page(&shop(), &[]);
    let Some(mut page) = Page::open("findings_are_filtered", 1280, 900) else { return };
    page.show(&output);
    let count = |page: &mut Page| page.eval("document.querySelectorAll('.findings > li').length");
    let all = count(&mut page).as_u64().unwrap();
    // By keyboard alone: `/` leads to the search.
    page.press("/", "/");
    page.call("Input.insertText", json!({"text": "node host-path"}));
    assert_eq!(count(&mut page), 1);
    assert!(all > 1);
    page.press("Tab", "");
    assert_eq!(page.eval("document.activeElement.id"), "category");
    page.eval("document.querySelector('.findings summary').focus()");
    page.press("Enter", "\r");
    page.wait_for("document.querySelector('.findings pre .at') !== null");
    let line = page.eval("document.querySelector('.findings pre .at').textContent");
    assert!(line.as_str().unwrap().contains("hostPath"), "{line}");
    let status = page.eval("document.getElementById('count').textContent");
    assert_eq!(status, json!(format!("1 of {all} findings")));
    // A category is a filter, too.
    page.eval("(() => { const it = document.getElementById('search'); it.value = ''; it.dispatchEvent(new Event('input')); })()");
    page.eval("[...document.querySelectorAll('#cards button')].find(it => it.title.includes('plain text')).click()");
    let rules = page.eval("[...document.querySelectorAll('.findings > li')].length");
    assert!(rules.as_u64().unwrap() < all, "{rules}");
    is_quiet(&page);
}

/// The page finds the same ways as the engine.
#[test]
fn the_page_agrees_with_the_engine() {
    let Some(corpus) = std::env::var_os("COAMING_CORPUS") else {
        coaming_test::skip!("the_page_agrees_with_the_engine: COAMING_CORPUS is not set");
        return;
    };
    let goat = Path::new(&corpus).join("kubernetes-goat/scenarios");
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("goat.html");
    for options in [&[][..], &["--max-hops", "3"], &["--assume", "any-neighbor"]] {
        let run_with = |more: &[&str]| {
            let base = ["breach", "--no-cut", goat.to_str().unwrap()];
            let result = run(&[&base[..], options, more].concat());
            assert_eq!(result.status.code(), Some(0), "{}", stderr(&result));
            stdout(&result)
        };
        let answer: Value = serde_json::from_str(&run_with(&["--format", "json"])).unwrap();
        run_with(&["--format", "html", "--output", output.to_str().unwrap()]);
        let Some(mut page) = Page::open("the_page_agrees", 1280, 900) else { return };
        page.show(&output);
        let found = page.eval(
            "D.starts.slice(0, D.entryCount).flatMap((it) => graph.answer(it, null).ways)\
             .map((way) => [way.cost, way.steps.map((step) => D.infos[step.info][0])])",
        );
        let ways = answer["ways"].as_array().unwrap().iter().map(|way| {
            let steps = way["steps"].as_array().unwrap().iter();
            json!([way["cost"], steps.map(|step| step["step"].clone()).collect::<Vec<_>>()])
        });
        let mut expected: Vec<String> = ways.map(|it| it.to_string()).collect();
        let mut found: Vec<String> =
            found.as_array().unwrap().iter().map(ToString::to_string).collect();
        expected.sort();
        found.sort();
        assert!(!expected.is_empty());
        assert_eq!(found, expected);
        is_quiet(&page);
    }
}

#[test]
fn a_large_cluster_is_interactive_at_once() {
    let mut text = String::new();
    for number in 0..500 {
        write!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: app{number}, namespace: ns{}, labels: {{app: app{number}}}}}\n\
             spec:\n  hostNetwork: {}\n  volumes: [{{name: v, hostPath: {{path: {}}}}}]\n  containers:\n  - name: main\n    image: registry.example.com/app{number}\n\
             \x20   ports: [{{containerPort: 8080}}]\n    securityContext: {{privileged: {}}}\n    env: [{{name: A, valueFrom: {{secretKeyRef: {{name: s{number}, key: k}}}}}}]\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: app{number}, namespace: ns{}}}\n\
             spec: {{type: {}, selector: {{app: app{number}}}, ports: [{{port: 80, targetPort: 8080}}]}}\n",
            number % 40,
            number % 9 == 0,
            if number % 7 == 0 { "/var/run" } else { "/srv" },
            number % 11 == 0,
            number % 40,
            if number % 20 == 0 { "NodePort" } else { "ClusterIP" },
        )
        .unwrap();
    }
    let (_files, output) = page(&text, &["--no-cut"]);
    let size = output.metadata().unwrap().len();
    assert!(size < 3_000_000, "{size} bytes");
    let Some(mut page) = Page::open("a_large_cluster", 1280, 900) else { return };
    page.show(&output);
    assert_eq!(page.eval("D.workloads.length"), 500);
    assert!(page.eval("D.findings.length").as_u64().unwrap() >= 2_000);
    // It is measured alone in `bench/breach`; here the machine is busy with other tests.
    let ready = page.eval("Number(document.body.dataset.ready)").as_u64().unwrap();
    assert!(ready < 5_000, "{ready} ms");
    let frame = page.eval(
        "(() => { const from = performance.now(); choose(7); return performance.now() - from; })()",
    );
    assert!(frame.as_f64().unwrap() < 2_000.0, "{frame} ms");
    is_quiet(&page);
}
