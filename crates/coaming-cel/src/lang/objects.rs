//! The objects whose fields are known: the request, and the Namespace of the object.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::declarations::type_of;
use super::types::Type;

/// One type per line: its name, then its fields with their types; `@` marks an object.
const TYPES: &str = "
kubernetes.AdmissionRequest kind:@kubernetes.GroupVersionKind resource:@kubernetes.GroupVersionResource subResource:string requestKind:@kubernetes.GroupVersionKind requestResource:@kubernetes.GroupVersionResource requestSubResource:string name:string namespace:string operation:string userInfo:@kubernetes.UserInfo dryRun:bool options:dyn
kubernetes.GroupVersionKind group:string version:string kind:string
kubernetes.GroupVersionResource group:string version:string resource:string
kubernetes.UserInfo username:string uid:string groups:list(string) extra:map(string,list(string))
kubernetes.Namespace metadata:@kubernetes.NamespaceMetadata spec:@kubernetes.NamespaceSpec status:@kubernetes.NamespaceStatus
kubernetes.NamespaceMetadata name:string generateName:string namespace:string labels:map(string,string) annotations:map(string,string) UID:string creationTimestamp:timestamp deletionGracePeriodSeconds:int deletionTimestamp:timestamp generation:int resourceVersion:string finalizers:list(string)
kubernetes.NamespaceSpec finalizers:list(string)
kubernetes.NamespaceStatus conditions:list(dyn) phase:string
";

static FIELDS: LazyLock<HashMap<&'static str, HashMap<&'static str, Type>>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        let name = words.next()?;
        let field = |word: &'static str| {
            let (field, of) = word.split_once(':')?;
            let of = match of.strip_prefix('@') {
                Some(object) => Type::Struct(object.into()),
                None => type_of(of),
            };
            Some((field, of))
        };
        Some((name, words.filter_map(field).collect()))
    };
    TYPES.lines().filter_map(line).filter(|(name, _)| !name.is_empty()).collect()
});

/// The type of a field, if the object has it.
pub(crate) fn field(object: &str, field: &str) -> Option<Type> {
    FIELDS.get(object)?.get(field).cloned()
}
