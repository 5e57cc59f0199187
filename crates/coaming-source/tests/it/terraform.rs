//! Modules and plans of Terraform in the input.

use std::fs;
use std::path::Path;

use coaming_kube::{Origin, SourceKind};
use coaming_source::*;

const MODULE: &str = r#"
variable "ctx" {}
resource "kubernetes_manifest" "web" {
  manifest = {
    apiVersion = "v1"
    kind       = "Pod"
    metadata   = { name = "web" }
    spec       = { containers = [{ name = "web", image = "web:1", securityContext = var.ctx }] }
  }
}
resource "kubernetes_manifest" "policy" {
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { name = "p" }
    spec       = { podSelector = {}, ingress = var.ctx }
  }
}
resource "kubernetes_namespace" "shop" {
  metadata { name = "shop" }
}
resource "helm_release" "x" { chart = "nginx" }
"#;

fn load_files(files: &[(&str, &str)], options: &Options) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or_else(|| Path::new("."))).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut loaded = load(&[directory.path().to_path_buf()], options);
    let prefix = format!("{}/", directory.path().display());
    loaded.errors.iter_mut().for_each(|error| error.file = error.file.replace(&prefix, ""));
    loaded
}

#[test]
fn a_module_is_a_part_of_the_plain_files() {
    let aws = "resource \"aws_s3_bucket\" \"b\" {\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a}]}\n";
    let loaded = load_files(
        &[
            ("infra/main.tf", MODULE),
            ("infra/.terraform/modules/x/main.tf", MODULE),
            ("aws/main.tf", aws),
            ("p.yaml", pod),
        ],
        &Options::default(),
    );
    assert_eq!(loaded.errors, []);
    let [variant] = loaded.variants.as_slice() else { panic!("one variant") };
    let world = variant.world();
    let kinds: Vec<&str> = world.objects().map(|object| object.kind()).collect();
    // The policy's rules are not known: it is left out.
    assert_eq!(kinds, ["Pod", "Namespace", "Pod"]);
    // The context is not known: the pod is not a whole workload.
    assert_eq!(world.workloads().map(|it| it.object.name().to_owned()).collect::<Vec<_>>(), ["p"]);
    let fragments: usize = world.objects().map(|it| world.fragments_of(it).count()).sum();
    assert_eq!(fragments, 1);
    let notes: Vec<(&str, usize)> =
        loaded.notes.iter().map(|note| (note.message.as_str(), note.count)).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].0.starts_with("1 helm_release resource is not evaluated"), "{notes:?}");
    assert!(notes[1].0.starts_with("2 objects have fields that only Terraform knows"), "{notes:?}");
    let rendered = world.sources().find(|(_, it)| it.rendering.is_some()).unwrap();
    assert_eq!(rendered.1.origin, Origin::Rendered);
    let file = world.source(rendered.1.rendering.as_ref().unwrap().files[0]).unwrap();
    assert_eq!((file.kind, &*file.text), (SourceKind::ChartFile, MODULE));
}

#[test]
fn errors_are_reported_only_of_modules_about_kubernetes() {
    let broken = "resource \"kubernetes_manifest\" \"x\" {\n  manifest = {\n    kind = \n";
    let no_object = "resource \"kubectl_manifest\" \"x\" {\n  yaml_body = \"a: b\"\n}\n";
    let loaded = load_files(
        &[("a/main.tf", broken), ("b/main.tf", no_object), ("c/main.tf", "resource {{{\n")],
        &Options::default(),
    );
    let errors: Vec<_> = loaded.errors.iter().map(|it| (it.file.as_str(), it.position)).collect();
    assert_eq!(errors.len(), 2, "{:?}", loaded.errors);
    assert_eq!((errors[0].0, errors[0].1.unwrap().0), ("a/main.tf", 3));
    assert_eq!((errors[1].0, errors[1].1.unwrap().0), ("b/main.tf", 2));
}

#[test]
fn open_tofu_reads_its_own_file_first() {
    let namespace = |name: &str| {
        format!(
            "resource \"kubernetes_namespace\" \"n\" {{\n  metadata {{ name = \"{name}\" }}\n}}\n"
        )
    };
    let (tofu, tf) = (namespace("tofu"), namespace("terraform"));
    let loaded = load_files(&[("main.tofu", &tofu), ("main.tf", &tf)], &Options::default());
    let world = loaded.variants[0].world();
    assert_eq!(world.objects().map(|it| it.name()).collect::<Vec<_>>(), ["tofu"]);
}

#[test]
fn a_plan_is_read_among_other_json() {
    let plan = r#"{"format_version": "1.2", "planned_values": {"root_module": {"resources": [
      {"address": "a", "type": "kubernetes_manifest", "values": {"manifest":
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}}}]}}}"#;
    let loaded = load_files(&[("plan.json", plan), ("other.json", "{}")], &Options::default());
    assert_eq!(loaded.errors, []);
    let world = loaded.variants[0].world();
    assert_eq!(world.objects().map(|it| it.kind()).collect::<Vec<_>>(), ["Namespace"]);
}

#[test]
fn files_as_they_are_written_are_no_modules() {
    let options = Options { as_written: true, allow_empty: true, ..Options::default() };
    assert!(load_files(&[("main.tf", MODULE)], &options).variants.is_empty());
}
