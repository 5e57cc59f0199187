use std::io::Cursor;

use proptest::prelude::*;

use super::testing::*;
use super::*;

/// A value that must not appear anywhere.
const VALUE: &str = "xK9-never-to-be-seen-xK9";
const KEY: &str = "/registry/secrets/shop/db";

fn read(file: &[u8]) -> Result<Contents, EtcdError> {
    Ok(StoreReader::database(Cursor::new(file), file.len() as u64)?.finish())
}

fn contents(file: &[u8]) -> Contents {
    read(file).expect("it is a database")
}

/// Everything that renderers can show.
fn shown(contents: &Contents) -> String {
    format!("{:?}{contents:?}", findings(contents))
}

fn messages(contents: &Contents) -> String {
    findings(contents).into_iter().map(|found| found.message).collect::<Vec<_>>().join("\n")
}

/// The history of the only object.
fn only(contents: &Contents) -> &History {
    assert_eq!(contents.objects.len(), 1, "{contents:?}");
    contents.objects.values().next().unwrap()
}

fn rules(contents: &Contents) -> Vec<String> {
    findings(contents).iter().map(|finding| finding.rule.id.to_string()).collect()
}

#[test]
fn plain_secrets_are_found_and_never_shown() {
    let value = secret("shop", "db", &[("password", VALUE), ("empty", "")]);
    let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, &value)])]));
    let plain = only(&contents).current_plain_text().expect("it is plain");
    assert_eq!((plain.secret_type.as_str(), plain.count), ("Opaque", 1));
    assert_eq!(plain.entries[0].name, "password");
    assert_eq!(messages(&contents).lines().count(), 1);
    let text = shown(&contents);
    assert!(text.contains("shop") && !text.contains(VALUE), "{text}");
}

#[test]
fn encrypted_secrets_name_provider_and_key() {
    let value = b"k8s:enc:aescbc:v1:key1:\x01\x02\x03";
    let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, value)])]));
    let Some(State::Encrypted(by)) = only(&contents).current().map(|now| &now.state) else {
        panic!("{contents:?}");
    };
    assert_eq!(
        (by.provider.as_str(), by.version.as_str(), by.key.as_str()),
        ("aescbc", "v1", "key1")
    );
    assert!(findings(&contents).is_empty());
}

#[test]
fn every_provider_of_kubernetes_is_known() {
    for provider in ["aescbc:v1", "aesgcm:v1", "secretbox:v1", "kms:v1", "kms:v2"] {
        let value = format!("k8s:enc:{provider}:own:x");
        let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, value.as_bytes())])]));
        let Some(State::Encrypted(by)) = only(&contents).current().map(|now| &now.state) else {
            panic!("{provider}: {contents:?}");
        };
        assert_eq!(
            (format!("{}:{}", by.provider, by.version).as_str(), by.key.as_str()),
            (provider, "own")
        );
        assert!(findings(&contents).is_empty());
    }
}

#[test]
fn credentials_of_other_objects_are_found_in_every_revision() {
    const PASSWORD: &str = "vS8kq-2pLx7w";
    let variable = [bytes_field(1, b"DB_PASSWORD"), bytes_field(2, PASSWORD.as_bytes())].concat();
    let container = [bytes_field(1, b"web"), bytes_field(2, b"web:1"), bytes_field(7, &variable)];
    let spec = bytes_field(2, &bytes_field(2, &container.concat()));
    let pod = typed("v1", "Pod", &[metadata("shop", "web"), spec].concat());
    let thing = format!(
        r#"{{"apiVersion":"example.com/v1","kind":"Thing","metadata":{{"name":"t","namespace":"shop"}},"spec":{{"apiToken":"{PASSWORD}"}}}}"#
    );
    let keys = ["/registry/pods/shop/web", "/registry/example.com/things/shop/t"];
    let both = [revision(5, keys[0], &pod), revision(6, keys[1], thing.as_bytes())];
    let found = contents(&file(&[root(), leaf(3, &both)]));
    assert_eq!(rules(&found), ["etcd-object-credential", "etcd-object-credential"]);
    let text = shown(&found);
    for part in ["Pod `shop/web`", "`DB_PASSWORD`", "Thing `shop/t`", "apiToken"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(PASSWORD), "{text}");
    // What was changed or deleted since remains in old revisions.
    let clean = typed("v1", "Pod", &metadata("shop", "web"));
    let after =
        [both[0].clone(), revision(7, keys[0], &clean), both[1].clone(), deletion(8, keys[1])];
    let found = contents(&file(&[root(), leaf(3, &after)]));
    assert_eq!(rules(&found), ["etcd-leftover-secret", "etcd-leftover-secret"]);
    assert!(shown(&found).contains("old revision 5: DB_PASSWORD"), "{}", shown(&found));
    let text = messages(&found);
    assert!(text.contains("Pod `shop/web` contains no credential now, but 1 old rev"), "{text}");
    assert!(text.contains("Thing `shop/t` is deleted, but 1 old revision"), "{text}");
    // In a page that nothing points to, they lose their keys, but not their revisions.
    let free = leaf(4, &both);
    let alone = contents(&file(&[root(), leaf(3, &[revision(9, keys[0], &clean)]), free.clone()]));
    let text = messages(&alone);
    assert!(text.contains("Pod `shop/web` contains no credential now, but 1 free page"), "{text}");
    assert!(text.contains("Thing `shop/t` is deleted, but 1 free page"), "{text}");
    // A copy of what is in the tree is reported once.
    let copied = contents(&file(&[root(), leaf(3, &both), free]));
    assert_eq!(rules(&copied), ["etcd-object-credential", "etcd-object-credential"]);
}

#[test]
fn old_revisions_of_encrypted_or_deleted_secrets_are_found() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    for after in [revision(6, KEY, b"k8s:enc:kms:v2:vault:\x0a"), deletion(6, KEY)] {
        let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, &value), after])]));
        assert_eq!(rules(&contents), ["etcd-leftover-secret"]);
        let before: Vec<u64> =
            only(&contents).earlier_plain_texts().map(|(revision, _)| revision).collect();
        assert_eq!(before, [5]);
    }
}

#[test]
fn compacted_revisions_are_found_in_free_pages() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    let current = leaf(3, &[revision(6, KEY, b"k8s:enc:secretbox:v1:key1:x")]);
    let freed = leaf(4, &[revision(5, KEY, &value)]);
    let contents = contents(&file(&[root(), current.clone(), freed.clone()]));
    assert_eq!(rules(&contents), ["etcd-leftover-secret"]);
    let remnants = &only(&contents).remnants;
    assert_eq!(remnants[0].location, RemnantLocation::FreePage(4));
    assert_eq!(remnants[0].revision, 5);
    // The first half of the page is overwritten: the key is lost, the object is not.
    let at = freed.windows(4).position(|bytes| bytes == b"k8s\0").unwrap();
    let mut torn = freed;
    torn[..at].fill(0);
    let contents = self::contents(&file(&[root(), current, torn]));
    assert_eq!(only(&contents).remnants[0].revision, 0);
    assert_eq!(rules(&contents), ["etcd-leftover-secret"]);
}

#[test]
fn copies_of_what_is_in_the_tree_are_not_remnants() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    let [current, freed] = [3, 4].map(|page| leaf(page, &[revision(5, KEY, &value)]));
    let contents = contents(&file(&[root(), current, freed]));
    assert!(only(&contents).remnants.is_empty());
    assert_eq!(rules(&contents), ["etcd-plain-secret"]);
}

#[test]
fn objects_in_json_are_read_too() {
    let json = format!(
        r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"db","namespace":"shop"}},"data":{{"password":"{VALUE}"}},"type":"Opaque"}}"#
    );
    let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, json.as_bytes())])]));
    assert_eq!(only(&contents).current_plain_text().unwrap().entries[0].name, "password");
}

#[test]
fn unknown_encodings_are_reported() {
    let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, VALUE.as_bytes())])]));
    assert_eq!(rules(&contents), ["etcd-unknown-encoding"]);
}

#[test]
fn config_maps_with_credentials_are_found() {
    let key = "/registry/configmaps/shop/settings";
    let password = "vT8qLm2Zr5Wx";
    let url = format!("postgres://app:{password}@db.shop/app");
    let harmless = [("mode", "production"), ("url", "postgres://db.shop/app")];
    let entries = [("url", url.as_str()), ("mode", "production")];
    let [open, closed] = [&entries, &harmless].map(|e| object("ConfigMap", "shop", "settings", e));
    let pages = |revisions: &[_]| file(&[root(), leaf(3, revisions)]);
    let found = contents(&pages(&[revision(5, key, &open)]));
    let findings = findings(&found);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule.id, "etcd-config-map-credential");
    assert_eq!(findings[0].locations[0].path.to_string(), "data.url");
    assert!(!shown(&found).contains(password));
    assert!(rules(&contents(&pages(&[revision(5, key, &closed)]))).is_empty());
    let cleaned = contents(&pages(&[revision(5, key, &open), revision(6, key, &closed)]));
    assert_eq!(rules(&cleaned), ["etcd-leftover-secret"]);
}

#[test]
fn custom_resources_of_the_same_name_are_others() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    for key in ["/registry/example.com/secrets/shop/db", "/registry/pods/shop/db", "secrets/db"] {
        let contents = contents(&file(&[root(), leaf(3, &[revision(5, key, &value)])]));
        assert!(contents.objects.is_empty(), "{key}");
    }
    // The prefix of OpenShift is not a group.
    let key = "kubernetes.io/secrets/shop/db";
    let contents = contents(&file(&[root(), leaf(3, &[revision(5, key, &value)])]));
    assert_eq!(rules(&contents), ["etcd-plain-secret"]);
}

#[test]
fn inline_buckets_are_read() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    let mut page = leaf(0, &[revision(5, KEY, &value)]);
    page.truncate(1024);
    let element = (1, b"key".to_vec(), [vec![0; 16], page].concat());
    let contents = contents(&file(&[leaf(2, &[element])]));
    assert_eq!(rules(&contents), ["etcd-plain-secret"]);
    assert!(contents.problems.is_empty(), "{:?}", contents.problems);
}

#[test]
fn values_larger_than_a_page_are_whole() {
    let long = "x".repeat(3 * PAGE);
    let value = secret("shop", "db", &[("first", &long), ("last", VALUE)]);
    let contents = contents(&file(&[root(), leaf(3, &[revision(5, KEY, &value)])]));
    assert_eq!(only(&contents).current_plain_text().unwrap().count, 2);
    assert!(contents.problems.is_empty(), "{:?}", contents.problems);
}

#[test]
fn a_wrong_checksum_is_reported_and_the_rest_is_read() {
    use sha2::Digest as _;
    let value = secret("shop", "db", &[("password", VALUE)]);
    let mut snapshot = file(&[root(), leaf(3, &[revision(5, KEY, &value)])]);
    let checksum = sha2::Sha256::digest(&snapshot);
    snapshot.extend(checksum);
    assert_eq!(contents(&snapshot).checksum, Checksum::Verified);
    *snapshot.last_mut().unwrap() ^= 1;
    let contents = contents(&snapshot);
    assert_eq!(contents.checksum, Checksum::Wrong);
    assert_eq!(contents.problems.len(), 1);
    assert_eq!(rules(&contents), ["etcd-plain-secret"]);
}

#[test]
fn walking_a_cycle_ends() {
    for children in [&[3, 3][..], &[2, 1, 0], &[99], &[u64::MAX]] {
        let contents = contents(&file(&[root(), branch(3, children)]));
        assert!(!contents.problems.is_empty(), "{children:?}");
    }
    let mut deep = vec![root()];
    deep.extend((3..500).map(|page| branch(page, &[page + 1])));
    deep.push(leaf(500, &[revision(5, KEY, &secret("shop", "db", &[("password", VALUE)]))]));
    assert_eq!(rules(&contents(&file(&deep))), ["etcd-plain-secret"]);
}

#[test]
fn damage_costs_only_its_own_page() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    let intact = leaf(5, &[revision(5, KEY, &value)]);
    let mut counts = leaf(4, &[]);
    counts[10..12].fill(0xff);
    let mut overflow = leaf(4, &[]);
    overflow[12..16].fill(0xff);
    let mut length = leaf(4, &[revision(4, KEY, &value)]);
    length[28..32].fill(0xff);
    let mut position = leaf(4, &[revision(4, KEY, &value)]);
    position[20..24].fill(0xff);
    let id = leaf(9, &[]);
    for damaged in [counts, overflow, length, position, id, vec![0xff; PAGE]] {
        let contents = contents(&file(&[root(), branch(3, &[4, 5]), damaged, intact.clone()]));
        assert!(!contents.problems.is_empty());
        assert!(rules(&contents).iter().any(|rule| rule == "etcd-plain-secret"), "{contents:?}");
    }
}

#[test]
fn elements_that_share_their_bytes_do_not_multiply_work() {
    let big = vec![b'x'; 4 << 20];
    let mut page = leaf(3, &[(0, vec![1; 17], big)]);
    // 60,000 elements, each of which claims the whole page.
    page[10..12].copy_from_slice(&60_000_u16.to_le_bytes());
    for index in 0..60_000 {
        let at = 16 + index * 16;
        let numbers = [0_u32, 0, 17, 2 << 20];
        for (number, bytes) in numbers.iter().zip(page[at..at + 16].chunks_mut(4)) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
    }
    assert!(!contents(&file(&[root(), page])).problems.is_empty());
}

#[test]
fn truncated_files_are_read_as_far_as_they_go() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    let whole = file(&[root(), leaf(3, &[revision(5, KEY, &value)]), leaf(4, &[])]);
    let cut = &whole[..whole.len() - PAGE - 100];
    let contents = contents(cut);
    assert!(!contents.problems.is_empty());
    for length in [0, 1, 16, 79] {
        assert!(matches!(read(&whole[..length]), Err(EtcdError::NotADatabase)));
    }
}

#[test]
fn one_valid_meta_page_is_enough() {
    let value = secret("shop", "db", &[("password", VALUE)]);
    for damaged in 0..2 {
        let mut file = file(&[root(), leaf(3, &[revision(5, KEY, &value)])]);
        file[damaged * PAGE + 40] ^= 1;
        assert_eq!(rules(&contents(&file)), ["etcd-plain-secret"]);
    }
}

proptest! {
    #[test]
    fn damage_neither_panics_nor_reveals_a_value(
        damage in prop::collection::vec((0_usize..7 * PAGE, any::<u8>()), 1..40),
    ) {
        let value = secret("shop", "db", &[("password", VALUE)]);
        let variable = [bytes_field(1, b"PASSWORD"), bytes_field(2, VALUE.as_bytes())].concat();
        let spec = bytes_field(2, &bytes_field(2, &bytes_field(7, &variable)));
        let pod = typed("v1", "Pod", &[metadata("shop", "web"), spec].concat());
        let thing = format!(
            r#"{{"apiVersion":"a.b/v1","kind":"C","metadata":{{"name":"c"}},"spec":{{"password":"{VALUE}"}}}}"#
        );
        let others = [
            revision(7, "/registry/pods/shop/web", &pod),
            revision(8, "/registry/a.b/c/c", thing.as_bytes()),
        ];
        let mut bytes = file(&[
            root(),
            branch(3, &[4, 5]),
            leaf(4, &[revision(4, KEY, &value), others[0].clone()]),
            leaf(5, &[revision(5, KEY, b"k8s:enc:aescbc:v1:key1:x"), deletion(6, KEY)]),
            leaf(6, &others),
        ]);
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        if let Ok(contents) = read(&bytes) {
            prop_assert!(!shown(&contents).contains(VALUE));
        }
    }

    #[test]
    fn decoders_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for number in protobuf::Fields::new(&bytes).map(|field| field.number) {
            prop_assert!(number > 0);
        }
        if let Some(read) = mvcc::key_value(&bytes) {
            prop_assert!(read.value.len() <= bytes.len());
        }
        let known = matches!(envelope::open(&bytes), envelope::Stored::Encrypted(_));
        prop_assert_eq!(known, bytes.starts_with(b"k8s:enc:") && known);
    }

    #[test]
    fn messages_round_trip(
        main in 1_u64..u64::MAX,
        value in prop::collection::vec(any::<u8>(), 0..300),
        name in "[a-z]{1,20}",
    ) {
        let key = format!("/registry/secrets/shop/{name}");
        let message = key_value(main, &key, &value);
        let read = mvcc::key_value(&message).expect("it is a message");
        prop_assert_eq!((read.key, read.modified, read.value), (key.as_str(), main, &value[..]));
    }

    #[test]
    fn a_remnant_is_found_at_any_offset(at in 0_usize..PAGE, page in 4_u64..6) {
        let value = secret("shop", "db", &[("password", VALUE)]);
        let mut free = vec![0_u8; 3 * PAGE];
        let start = usize::try_from(page - 4).unwrap() * PAGE + at;
        let message = key_value(5, KEY, &value);
        free[start..start + message.len()].copy_from_slice(&message);
        let contents = contents(&file(&[root(), leaf(3, &[]), free]));
        prop_assert_eq!(only(&contents).remnants[0].revision, 5);
    }
}
