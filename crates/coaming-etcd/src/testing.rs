//! Builds database files for tests: valid ones, and ones that etcd would not write.

use super::bolt::fnv1a;

pub(super) const PAGE: usize = 4096;
pub(super) const BRANCH: u16 = 1;
pub(super) const LEAF: u16 = 2;
const META: u16 = 4;

/// A page's header.
pub(super) fn header(id: u64, flags: u16, count: u16, overflow: u32) -> Vec<u8> {
    let mut page = id.to_le_bytes().to_vec();
    page.extend(flags.to_le_bytes());
    page.extend(count.to_le_bytes());
    page.extend(overflow.to_le_bytes());
    page
}

/// A leaf of these elements: flags, key, value. It is as many pages long as it must be.
pub(super) fn leaf(id: u64, elements: &[(u32, Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut heads = Vec::new();
    let mut data = Vec::new();
    for (index, (flags, key, value)) in elements.iter().enumerate() {
        let position = (elements.len() - index) * 16 + data.len();
        for number in [*flags as usize, position, key.len(), value.len()] {
            heads.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        data.extend_from_slice(key);
        data.extend_from_slice(value);
    }
    let pages = (16 + heads.len() + data.len()).div_ceil(PAGE).max(1);
    let count = u16::try_from(elements.len()).unwrap();
    let mut page = header(id, LEAF, count, u32::try_from(pages - 1).unwrap());
    page.extend(heads);
    page.extend(data);
    page.resize(pages * PAGE, 0);
    page
}

/// A branch that points to these pages.
pub(super) fn branch(id: u64, children: &[u64]) -> Vec<u8> {
    let mut page = header(id, BRANCH, u16::try_from(children.len()).unwrap(), 0);
    for child in children {
        page.extend([0; 8]);
        page.extend(child.to_le_bytes());
    }
    page.resize(PAGE, 0);
    page
}

fn meta(id: u64, root: u64, end: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    for number in [0xed0c_daed_u32, 2, u32::try_from(PAGE).unwrap(), 0] {
        meta.extend(number.to_le_bytes());
    }
    for number in [root, 0, u64::MAX, end, 7 + id] {
        meta.extend(number.to_le_bytes());
    }
    meta.extend(fnv1a(&meta).to_le_bytes());
    let mut page = header(id, META, 0, 0);
    page.extend(meta);
    page.resize(PAGE, 0);
    page
}

/// A file of these pages from page 2 on, where its tree begins.
pub(super) fn file(pages: &[Vec<u8>]) -> Vec<u8> {
    let rest: Vec<u8> = pages.concat();
    let end = (rest.len() / PAGE + 2) as u64;
    [meta(0, 2, end), meta(1, 2, end), rest].concat()
}

/// A root page whose bucket `key` begins at page 3.
pub(super) fn root() -> Vec<u8> {
    leaf(2, &[bucket("key", 3)])
}

/// An element that is a bucket.
pub(super) fn bucket(name: &str, root: u64) -> (u32, Vec<u8>, Vec<u8>) {
    let value = [root.to_le_bytes(), [0; 8]].concat();
    (1, name.as_bytes().to_vec(), value)
}

/// A revision of a key.
pub(super) fn revision(main: u64, key: &str, value: &[u8]) -> (u32, Vec<u8>, Vec<u8>) {
    (0, revision_key(main), key_value(main, key, value))
}

/// A deletion.
pub(super) fn deletion(main: u64, key: &str) -> (u32, Vec<u8>, Vec<u8>) {
    let mut at = revision_key(main);
    at.push(b't');
    (0, at, bytes_field(1, key.as_bytes()))
}

fn revision_key(main: u64) -> Vec<u8> {
    [&main.to_be_bytes()[..], b"_", &0_u64.to_be_bytes()].concat()
}

/// `mvccpb.KeyValue`.
pub(super) fn key_value(main: u64, key: &str, value: &[u8]) -> Vec<u8> {
    let mut message = bytes_field(1, key.as_bytes());
    for number in [2_u8, 3] {
        message.push(number << 3);
        varint(main, &mut message);
    }
    message.extend([4 << 3, 1]);
    message.extend(bytes_field(5, value));
    message
}

/// A Secret in Kubernetes' protobuf encoding.
pub(super) fn secret(namespace: &str, name: &str, entries: &[(&str, &str)]) -> Vec<u8> {
    object("Secret", namespace, name, entries)
}

/// An object with data, in Kubernetes' protobuf encoding.
pub(super) fn object(kind: &str, namespace: &str, name: &str, entries: &[(&str, &str)]) -> Vec<u8> {
    let mut object = metadata(namespace, name);
    for (name, value) in entries {
        let entry = [bytes_field(1, name.as_bytes()), bytes_field(2, value.as_bytes())].concat();
        object.extend(bytes_field(2, &entry));
    }
    if kind == "Secret" {
        object.extend(bytes_field(3, b"Opaque"));
    }
    typed("v1", kind, &object)
}

/// The first field of every object.
pub(super) fn metadata(namespace: &str, name: &str) -> Vec<u8> {
    let fields = [bytes_field(1, name.as_bytes()), bytes_field(3, namespace.as_bytes())];
    bytes_field(1, &fields.concat())
}

/// An object in its envelope.
pub(super) fn typed(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let types = [bytes_field(1, api_version.as_bytes()), bytes_field(2, kind.as_bytes())].concat();
    let envelope = [bytes_field(1, &types), bytes_field(2, object)].concat();
    [b"k8s\0".to_vec(), envelope].concat()
}

pub(super) fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    varint(bytes.len() as u64, &mut field);
    field.extend_from_slice(bytes);
    field
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}
