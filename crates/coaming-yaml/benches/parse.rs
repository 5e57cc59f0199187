//! The cost of building the tree compared with only parsing events, on the same bytes.

use std::sync::Arc;

use granit_parser::Parser;

fn main() {
    divan::main();
}

/// Small pods, one document each.
fn pods(count: usize) -> String {
    (0..count)
        .map(|index| {
            format!(
                "---\n# Pod {index}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-{index}\n  \
                 labels:\n    app.kubernetes.io/name: web # the app\nspec:\n  containers:\n  - name: \
                 web\n    image: \"registry.example/web:1.{index}\"\n    ports:\n    - containerPort: \
                 8080\n    securityContext:\n      runAsNonRoot: true\n      capabilities: {{drop: \
                 [ALL]}}\n    args: ['--listen', \":8080\"]\n"
            )
        })
        .collect()
}

#[divan::bench(args = [10, 1000])]
fn events(bencher: divan::Bencher<'_, '_>, count: usize) {
    let text = pods(count);
    bencher
        .counter(divan::counter::BytesCount::of_str(&text))
        .bench(|| Parser::new_from_str(&text).map(|event| event.is_ok()).filter(|&ok| ok).count());
}

#[divan::bench(args = [10, 1000])]
fn tree(bencher: divan::Bencher<'_, '_>, count: usize) {
    let text: Arc<str> = pods(count).into();
    bencher
        .counter(divan::counter::BytesCount::of_str(&text))
        .bench(|| coaming_yaml::parse(Arc::clone(&text)).documents.len());
}
