//! Input that is made to harm.

use coaming_terraform::*;
use proptest::prelude::*;

fn of(text: &str) -> Rendered {
    render(&[SourceFile { name: "main.tf".to_owned(), text: text.into() }])
}

#[test]
fn references_that_go_in_circles() {
    let rendered = of(
        "locals {\n  a = local.b\n  b = local.a\n}\nresource \"kubernetes_manifest\" \"x\" {\n  \
                       manifest = local.a\n}\nresource \"kubernetes_service\" \"s\" {\n  \
                       metadata { name = kubernetes_service.s.metadata[0].name }\n}\n",
    );
    assert_eq!(rendered.left_out["kubernetes_manifest"], 1);
}

#[test]
fn values_that_grow_without_end() {
    let mut text = "locals {\n  a0 = [1, 2, 3, 4, 5, 6, 7, 8]\n".to_owned();
    for level in 1..30 {
        let below = level - 1;
        text.push_str(&format!(
            "  a{level} = [{}]\n",
            vec![format!("local.a{below}"); 8].join(", ")
        ));
    }
    text.push_str("}\nresource \"kubernetes_manifest\" \"x\" {\n  manifest = { kind = \"X\", data = local.a29 }\n}\n");
    let _ = of(&text);
}

#[test]
fn depth_ends() {
    for (open, close) in [("[", "]"), ("{a=", "}"), ("(", ")"), ("!", ""), ("\"${", "}\"")] {
        let text = format!(
            "resource \"kubernetes_manifest\" \"x\" {{\n  manifest = {}1{}\n}}\n",
            open.repeat(5000),
            close.repeat(5000)
        );
        let _ = of(&text);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_to_an_end(body in "[a-z\"{}\\[\\]=$%~<>\n .:?]{0,200}") {
        let text = format!("resource \"kubernetes_manifest\" \"x\" {{\n  manifest = {body}\n}}\n");
        for manifest in of(&text).manifests {
            for place in manifest.marks.iter().filter_map(|mark| mark.place) {
                prop_assert!(place.offset as usize <= text.len());
            }
        }
    }
}
