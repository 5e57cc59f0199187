//! The files from which a kustomization generates Secrets.

use coaming_yaml::Node;

/// A file that a `secretGenerator` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratedFile<'a> {
    /// The key of the Secret that the file's text becomes; empty for a file of variables.
    pub key: &'a str,
    /// The file, as it is seen from the kustomization's directory.
    pub file: &'a str,
}

/// Whether a path is a kustomization's: Kustomize takes three names, and no other.
#[must_use]
pub fn is_kustomization(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// The files that a kustomization makes Secrets of.
#[must_use]
pub fn generated_files(root: Node<'_>) -> Vec<GeneratedFile<'_>> {
    let generators = root.get("secretGenerator").into_iter().flat_map(Node::items);
    let mut found = Vec::new();
    for generator in generators {
        let listed = |field| generator.get(field).into_iter().flat_map(Node::items);
        for text in listed("files").filter_map(Node::as_str) {
            let (key, file) = text
                .split_once('=')
                .unwrap_or_else(|| (text.rsplit('/').next().unwrap_or(text), text));
            found.push(GeneratedFile { key, file });
        }
        let one = generator.get("env").and_then(Node::as_str);
        for file in listed("envs").filter_map(Node::as_str).chain(one) {
            found.push(GeneratedFile { key: "", file });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_values() {
        let text = "secretGenerator:\n- name: a\n  files: [password.txt, key=b/c.pem]\n  envs: [x.env]\nconfigMapGenerator:\n- files: [d.txt]\n";
        let stream = coaming_yaml::parse(text.into());
        let found = generated_files(stream.documents[0].root());
        let pairs: Vec<_> = found.iter().map(|found| (found.key, found.file)).collect();
        assert_eq!(pairs, [("password.txt", "password.txt"), ("key", "b/c.pem"), ("", "x.env")]);
    }
}
