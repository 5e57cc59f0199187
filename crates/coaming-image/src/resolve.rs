//! Paths through symbolic links, as the kernel follows them when the image is the root.

/// Linux follows no more links for one path.
const LINK_LIMIT: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The path without links; there may be nothing at it.
    pub path: String,
    /// The links on the way, each by a path without links.
    pub links: Vec<String>,
}

/// Follows a path. `target` returns the target, as written, of the link at a path without links, if
/// there is one. `None` if links lead in circles.
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

/// Adds the parts of a path to those that are left, in reverse order: the next one is the last.
fn add_parts<'p>(path: &'p str, left: &mut Vec<&'p str>) {
    left.extend(path.rsplit('/').filter(|part| !part.is_empty() && *part != "."));
}
