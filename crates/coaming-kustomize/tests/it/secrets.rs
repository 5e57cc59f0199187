//! No error shows a value that is a secret, in whatever words a build quotes it.

use coaming_kustomize::Options;
use coaming_test::planted_secrets::{filled, shown};

use crate::disk::Disk;

/// Files of overlays that cannot be built.
const OVERLAYS: &[&[(&str, &str)]] = &[
    &[(
        "kustomization.yaml",
        "secretGenerator:\n- name: a\n  literals: [password=<word>, password=<other>]\n",
    )],
    &[("kustomization.yaml", "secretGenerator:\n- name: a\n  literals: [\"<word>\"]\n")],
    &[("kustomization.yaml", "secretGenerator:\n- name: a\n  literals: {password: <word>}\n")],
    &[
        ("kustomization.yaml", "secretGenerator:\n- name: a\n  envs: [db.env]\n"),
        ("db.env", "PASSWORD=<word>\nPASSWORD=<other>\n"),
    ],
    &[
        ("kustomization.yaml", "secretGenerator:\n- name: a\n  envs: [db.env]\n"),
        ("db.env", "PASSWORD=<word>\nTOKEN!<token>=\n"),
    ],
    &[
        (
            "kustomization.yaml",
            "resources: [a.yaml]\npatches:\n- target: {kind: Secret}\n  patch: |\n    - {op: test, \
             path: /stringData/password, value: <other>}\n",
        ),
        ("a.yaml", SECRET),
    ],
    &[
        (
            "kustomization.yaml",
            "resources: [a.yaml]\npatches:\n- target: {kind: Secret}\n  patch: |\n    - {op: add, \
             path: /stringData/password/x, value: <other>}\n",
        ),
        ("a.yaml", SECRET),
    ],
    &[
        (
            "kustomization.yaml",
            "resources: [a.yaml]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Secret\n    \
             metadata: {name: a}\n    stringData: {password: [<other>]}\n    data: <word>\n",
        ),
        ("a.yaml", SECRET),
    ],
    &[
        (
            "kustomization.yaml",
            "resources: [a.yaml]\nreplacements:\n- source: {kind: Secret, fieldPath: \
             stringData.password.x}\n  targets: [{select: {kind: Secret}, fieldPaths: \
             [stringData.password.x]}]\n",
        ),
        ("a.yaml", SECRET),
    ],
    &[
        (
            "kustomization.yaml",
            "resources: [a.yaml]\nreplacements:\n- source: {kind: Secret, fieldPath: \
             stringData.password, options: {delimiter: '/', index: 9}}\n  targets: [{select: \
             {kind: Secret}, fieldPaths: [stringData.password]}]\n",
        ),
        ("a.yaml", SECRET),
    ],
    &[
        ("kustomization.yaml", "resources: [a.yaml]\n"),
        ("a.yaml", "stringData:\n  password: [<word>\n"),
    ],
    &[("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", "password: <word>\n")],
    &[("kustomization.yaml", "resources: ['https://app:<word>@example.com/org/repo?ref=v1']\n")],
    &[("kustomization.yaml", "password: <word>\npasswords: <other>\n")],
];

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: \
                      <word>, pin: \"<number>\"}\n";

#[test]
fn overlays_that_cannot_be_built() {
    let mut failed = 0;
    for files in OVERLAYS {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in *files {
            std::fs::write(directory.path().join(name), filled(text)).unwrap();
        }
        let path = directory.path().to_string_lossy().into_owned();
        for skip_absent in [false, true] {
            let options = Options { skip_absent, ..Options::default() };
            let said = match coaming_kustomize::build(&Disk, &path, &options) {
                Ok(built) => format!("{:?}", built.problems),
                Err(error) => {
                    failed += 1;
                    format!("{error}\n{error:?}")
                }
            };
            assert_eq!(shown(&said), None, "{files:?}: {said}");
        }
    }
    assert!(failed > OVERLAYS.len(), "only {failed} fail");
}
