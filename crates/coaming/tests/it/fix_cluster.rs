//! What `coaming fix` makes of real workloads: `restricted` by our exact checks, and accepted by a
//! real API server, which validates every field.

use std::fs;
use std::path::Path;

use super::corpus::corpus;
use super::lab::{Lab, lab};
use super::{coaming, directory, json, root, stderr};

/// The kinds that any cluster knows, and whose pods are judged.
const KINDS: [&str; 5] =
    ["kind: Deployment", "kind: StatefulSet", "kind: DaemonSet", "kind: Pod", "kind: Job"];

/// The workloads in the files of a directory, one a file.
fn workloads(path: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for file in entries.iter().filter(|file| file.extension().is_some_and(|end| end == "yaml")) {
        let text = fs::read_to_string(file).unwrap();
        let documents = text
            .split("\n---")
            .filter(|document| document.lines().any(|line| KINDS.contains(&line.trim_end())));
        for document in documents {
            found.push((format!("{:03}.yaml", found.len()), format!("{}\n", document.trim())));
        }
    }
}

/// What the API server says against an object, without keeping it; `None` if it takes it.
fn refusal(lab: &Lab, file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).unwrap();
    let stream = coaming_yaml::parse(text.as_str().into());
    let object = stream.documents[0].root().to_json();
    if let Some(name) = object["metadata"]["namespace"].as_str() {
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
        lab.kubectl(&["apply", "-f", "-"], &namespace);
    }
    let output = lab
        .exec("kubectl")
        .args(["apply", "--server-side", "--dry-run=server", "--validate=true", "-f"])
        .arg(file)
        .output()
        .unwrap();
    (!output.status.success()).then(|| stderr(&output))
}

#[test]
fn fixed_workloads_are_restricted_and_accepted() {
    let (Some(corpus), Some(lab)) = (corpus(), lab()) else { return };
    let mut all = Vec::new();
    workloads(&root().join("examples/shop"), &mut all);
    workloads(&corpus.join("online-boutique/kubernetes-manifests"), &mut all);
    workloads(&corpus.join("kube-prometheus/manifests"), &mut all);
    assert!(all.len() > 15, "{} workloads", all.len());
    let files: Vec<(&str, &str)> =
        all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let fixed = directory(&files);
    let paths: Vec<_> = all.iter().map(|(name, _)| fixed.path().join(name)).collect();
    // The cluster is older than some of them: it counts what it took before.
    let taken: Vec<_> = paths.into_iter().filter(|path| refusal(lab, path).is_none()).collect();
    assert!(taken.len() > 8, "{} of {} workloads are taken", taken.len(), all.len());
    let accept = || {
        for path in &taken {
            let refused = refusal(lab, path);
            assert!(refused.is_none(), "{refused:?}\n{}", fs::read_to_string(path).unwrap());
        }
    };
    let run = |arguments: &[&str]| coaming(arguments).current_dir(fixed.path()).output().unwrap();
    let output = run(&["fix", "--unsafe", "--standard", "restricted"]);
    let report = json(&run(&["scan", "--format", "json", "--standard", "restricted"]));
    let left = report["findings"].as_array().unwrap();
    // What mounts the node's files can't be restricted by an edit, and says so.
    let undone: Vec<_> =
        left.iter().filter(|finding| finding["fix"]["applicability"] != "manual").collect();
    assert!(undone.is_empty(), "{undone:#?}\n{}", stderr(&output));
    let open: std::collections::BTreeSet<_> =
        left.iter().map(|finding| finding["locations"][0]["file"].to_string()).collect();
    assert!(open.len() * 2 < all.len(), "most workloads are restricted now: {open:?}");
    accept();
    // All other fixes on top of it.
    run(&["fix", "--unsafe"]);
    accept();
}
