//! File capabilities, as Linux stores them in `security.capability`.

/// The capabilities by their numbers.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The names of the capabilities that running the file may give, from the attribute's bytes: a
/// revision, then permitted and inheritable sets of 32 bits each, little-endian; in revision 3
/// followed by the root user of their namespace. Only permitted capabilities count.
pub(crate) fn names(attribute: &[u8]) -> Vec<String> {
    let word = |index: usize| {
        let bytes = attribute.get(index * 4..index * 4 + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let Some(magic) = word(0) else { return Vec::new() };
    let low = word(1).unwrap_or(0);
    let high = if magic >> 24 >= 2 { word(3).unwrap_or(0) } else { 0 };
    let permitted = u64::from(high) << 32 | u64::from(low);
    (0..64_usize)
        .filter(|bit| permitted >> bit & 1 == 1)
        .map(|bit| match NAMES.get(bit) {
            Some(name) => format!("cap_{name}"),
            None => format!("cap_{bit}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_setcap_writes() {
        // setcap cap_net_raw,cap_bpf=ep
        let revision_2 = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(names(&revision_2), ["cap_net_raw", "cap_bpf"]);
        let mut revision_3 = revision_2.to_vec();
        revision_3[3] = 3;
        revision_3.extend([0xe8, 3, 0, 0]);
        assert_eq!(names(&revision_3), ["cap_net_raw", "cap_bpf"]);
        assert_eq!(names(&[1, 0, 0, 1, 0, 0x20, 0, 0, 0, 0, 0, 0]), ["cap_net_raw"]);
        assert_eq!(names(&[0; 3]), [""; 0]);
        assert_eq!(names(&[]), [""; 0]);
    }
}
