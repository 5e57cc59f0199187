//! Edits to documents with anchors, aliases and merge keys: other values never change.

use coaming_yaml::edit::EditError;
use coaming_yaml::parse;

use crate::corpus::Random;
use crate::laws::{self, Outcome};

const DOCUMENTS: [&str; 4] = [
    "base: &base # shared\n  image: a # which\n  ports: [1, 2]\n  env: &env\n  - name: x\n    value: y\n\
     web: *base\napi:\n  <<: *base\n  image: b\nlist:\n- *env\n- name: z\n  env: *env # same\n",
    "x: &x {a: 1, b: &y [1, 2]}\nz: {c: *x, d: *y, <<: *x}\nw: [*y, {<<: [*x, {e: 1}]}]\n",
    "- &first one\n- *first\n- key: *first\n  *first : value\n- &map\n  a: 1\n- *map\n-   <<: *map\n",
    "a: &x\nb: *x\nc: &l |\n  text\n\nd: *l\ne: &q 'it''s'\nf: *q\n",
];

#[test]
fn every_other_value_stays() {
    let mut random = Random(11);
    let (mut edited, mut shared, mut unwritable) = (0, 0, 0);
    for round in 0..6000 {
        let stream = parse(DOCUMENTS[round % DOCUMENTS.len()].into());
        assert_eq!(stream.errors, []);
        let choices: Vec<u32> = (0..=random.next() % 2).map(|_| random.next()).collect();
        let edits = laws::choose_edits(&stream.documents[0], &choices);
        match laws::edits_agree(&stream, 0, &edits) {
            Outcome::Edited => edited += 1,
            Outcome::Refused(EditError::SharedAnchor { .. }) => shared += 1,
            Outcome::Refused(EditError::Unwritable) => unwritable += 1,
            Outcome::Refused(error) => assert!(laws::is_about_structure(&error)),
        }
    }
    assert!(edited > 1500 && shared > 500, "{edited} edited, {shared} shared");
    assert!(unwritable * 20 < edited, "{unwritable} of {edited} cannot be written");
}
