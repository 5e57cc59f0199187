//! Paths through symbolic links, as the kernel follows them when the image is the root.

/// Linux follows no more links on the way of one path.
const LINK_LIMIT: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The path without links; maybe nothing lies there.
    pub path: String,
    /// The links on the way, each by a path without links.
    pub links: Vec<String>,
}

/// Follows a path. `target` says where the link at a path without links points to, as written, if
/// there is one. `None` where links lead in circles.
pub(crate) fn resolve<'l>(
    path: &str,
    target: impl Fn(&str) -> Option<&'l str>,
) -> Option<Resolved> {
    let mut left = Vec::with_capacity(16);
    add_parts(path, &mut left);
    let mut resolved = Resolved { path: String::new(), links: Vec::new() };
    while let Some(part) = left.pop() {
        if part == ".." {
            // Above the root is the root.
            resolved.path.truncate(resolved.path.rfind('/').unwrap_or(0));
            continue;
        }
        let parent = resolved.path.len();
        resolved.path.push('/');
        resolved.path.push_str(part);
        let Some(target) = target(&resolved.path) else { continue };
        if resolved.links.len() >= LINK_LIMIT {
            return None;
        }
        resolved.links.push(resolved.path.clone());
        resolved.path.truncate(if target.starts_with('/') { 0 } else { parent });
        add_parts(target, &mut left);
    }
    if resolved.path.is_empty() {
        resolved.path.push('/');
    }
    Some(resolved)
}

/// Puts the parts of a path in front of what is left, whose next one is the last.
fn add_parts<'p>(path: &'p str, left: &mut Vec<&'p str>) {
    left.extend(path.rsplit('/').filter(|part| !part.is_empty() && *part != "."));
}
