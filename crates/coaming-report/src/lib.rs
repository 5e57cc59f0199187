//! The renderers of findings, one file each.
