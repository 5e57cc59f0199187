//! See [`ImageVulnerabilities`].

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use coaming_advisory::{Advice, DeploymentContext, Remedy, Vulnerability, advice};
use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::{Container, Fields as _, Workload};
use coaming_oci::Reference;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::image_is_root;
use crate::rules::words;
use crate::{ContainerScope, Context, WorldRule};

rule! {
    /// Looks for images with packages that are known to be vulnerable. One finding is one thing to do:
    /// to rebuild an image on its distribution's newest packages, or to upgrade what the application
    /// brings along. What nobody has repaired yet is a finding only where it is known to be exploited,
    /// or critical; `coaming image` lists all. It needs to know what is in the image (see `--images` and
    /// `images:` in `coaming.yaml`) and a database (`coaming db update`, or `--db`); nothing is downloaded
    /// by a scan.
    ///
    /// How bad it is depends on the vulnerability (how severe it is, whether it is exploited or likely to
    /// be, whether a fix is there) and on the container: whether it runs as root, whether it can be reached
    /// from outside, and whether what is started uses the package at all.
    ///
    /// ## Why it matters
    ///
    /// Known vulnerabilities have known exploits: nobody must find a hole in your application to get into it.
    ///
    /// ## Bad
    ///
    /// In this image lies openssl 3.0.9-1 of Debian 12, which 3.0.11-1~deb12u1 repairs.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/vulnerable:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/distroless:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Rebuild the image without the build cache, on the newest version of its base; upgrade the packages
    /// that the message names. Ignore vulnerabilities that do not matter under `vulnerabilities:` in
    /// `coaming.yaml`, with a reason and a date, or with a VEX document (`--vex`).
    ImageVulnerabilities {
        name: "image-vulnerabilities",
        summary: "Image has known vulnerabilities",
        category: Vulnerabilities,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Container image scanning"), Attack("T1190"), Attack("T1068")],
    }
}

/// The most packages that a snippet names.
const SHOWN: usize = 30;
/// The most places that one finding points to.
const PLACES: usize = 50;

impl WorldRule for ImageVulnerabilities {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let outside = OnceCell::new();
        for (name, runs) in images(context) {
            let Some(reference) = runs.first().and_then(|run| Reference::parse(run.image).ok())
            else {
                continue;
            };
            let (Some(facts), Some(found)) =
                (context.images.get(&reference), context.images.vulnerabilities(&reference))
            else {
                continue;
            };
            let outside = outside.get_or_init(|| Outside::new(context));
            let mut runs: Vec<Placed<'_>> =
                runs.into_iter().map(|run| Placed::new(context, run, outside)).collect();
            // Where it is worst is shown first.
            runs.sort_by_key(|placed| Reverse(placed.openness()));
            let advices = &advice(found, facts.distribution.as_ref());
            for remedy in [Remedy::Rebuild, Remedy::Upgrade, Remedy::Wait] {
                let thing = ToDo { context, name: &name, advices, found, remedy };
                findings.extend(thing.finding(&runs));
            }
        }
    }
}

/// A container, and the image that it names.
struct Run<'a> {
    workload: Workload<'a>,
    container: Container<'a>,
    image: &'a str,
}

/// The containers that run images of which vulnerabilities are known, by the image.
fn images<'a>(context: &Context<'a>) -> BTreeMap<String, Vec<Run<'a>>> {
    let mut images: BTreeMap<String, Vec<Run<'a>>> = BTreeMap::new();
    if context.images.no_vulnerabilities() {
        return images;
    }
    for workload in context.world.workloads() {
        for container in workload.pod().containers() {
            let Some(image) = container.image() else { continue };
            let Ok(reference) = Reference::parse(image) else { continue };
            if context.images.vulnerabilities(&reference).is_some_and(|found| !found.is_empty()) {
                let run = Run { workload, container, image };
                images.entry(reference.to_string()).or_default().push(run);
            }
        }
    }
    images
}

/// Which workloads can be reached from outside.
struct Outside(BTreeMap<coaming_network::Workload, bool>);

impl Outside {
    fn new(context: &Context<'_>) -> Self {
        Self(coaming_network::reached_from_outside(context.reach()))
    }

    fn reaches(&self, workload: Workload<'_>) -> Option<bool> {
        let object = workload.object;
        let named = coaming_network::Workload {
            namespace: object.namespace_or_default().to_owned(),
            name: object.name().to_owned(),
            kind: object.kind().to_owned(),
        };
        self.0.get(&named).copied()
    }
}

/// A container, with what it is worth to an attacker.
struct Placed<'a> {
    run: Run<'a>,
    surroundings: DeploymentContext,
}

impl<'a> Placed<'a> {
    fn new(context: &Context<'_>, run: Run<'a>, outside: &Outside) -> Self {
        let image = OnceCell::new();
        let scope = ContainerScope::new(run.workload, run.container, &image);
        let root = match scope.effective.run_as_user() {
            Some((user, _)) => Some(user == 0),
            None => image_is_root(context, scope),
        };
        let surroundings = DeploymentContext {
            root,
            exposed: outside.reaches(run.workload),
            other_command: run.container.command().next().is_some(),
            ..DeploymentContext::default()
        };
        Self { run, surroundings }
    }

    fn openness(&self) -> u8 {
        let exposed = match self.surroundings.exposed {
            Some(true) => 4,
            None => 2,
            Some(false) => 0,
        };
        exposed + u8::from(self.surroundings.root == Some(true))
    }
}

/// One thing to do about an image.
struct ToDo<'c, 'a> {
    context: &'c Context<'a>,
    name: &'c str,
    advices: &'c [Advice],
    found: &'c [Vulnerability],
    remedy: Remedy,
}

impl ToDo<'_, '_> {
    fn finding(&self, runs: &[Placed<'_>]) -> Option<Finding> {
        let first = runs.first()?;
        let around = first.surroundings;
        let mut ended: Vec<&Vulnerability> =
            self.found.iter().filter(|each| self.is_about(each, around)).collect();
        // By what they are worth here; all else is as they came.
        ended.sort_by_key(|each| Reverse(each.priority_in(around)));
        let worst = ended.first()?;
        let image = OnceCell::new();
        let scope = ContainerScope::new(first.run.workload, first.run.container, &image);
        let message = format!(
            "The image of {} has {}{}. {}",
            words::container(scope),
            self.counted(&ended),
            Self::most_urgent(worst, &ended, around),
            consequence(around),
        );
        let mut draft = self
            .context
            .container_finding(
                ImageVulnerabilities::RULE,
                scope,
                self.context.image_node(scope),
                format!("{message} {}", words::sentence(&self.what_to_do(&ended))),
            )
            .severity(worst.severity_in(around))
            .manual(self.title(), snippet(&ended));
        for other in runs.iter().skip(1).take(PLACES) {
            let node = other.run.container.node();
            let node = node.field("image").unwrap_or(node);
            draft = draft.also(self.context, other.run.workload.object, node, "runs it too");
        }
        Some(draft.done())
    }

    /// Whether a vulnerability goes away by this, or must be named though it does not.
    fn is_about(&self, vulnerability: &Vulnerability, around: DeploymentContext) -> bool {
        vulnerability.remedy() == self.remedy
            && (self.remedy != Remedy::Wait
                || vulnerability.exploited.is_some()
                || vulnerability.severity == Some(Severity::Critical)
                    && vulnerability.used_in(around) != Some(false))
    }

    /// `57 known vulnerabilities that its distribution has repaired`
    fn counted(&self, ended: &[&Vulnerability]) -> String {
        let many = match ended.len() {
            1 => "1 known vulnerability".to_owned(),
            count => format!("{count} known vulnerabilities"),
        };
        match self.remedy {
            Remedy::Rebuild => format!("{many} that its distribution has repaired"),
            Remedy::Upgrade => format!("{many} in what the application brings along"),
            Remedy::Wait => format!("{many} that nobody has repaired yet"),
        }
    }

    /// The one to look at first.
    fn most_urgent(
        worst: &Vulnerability,
        ended: &[&Vulnerability],
        around: DeploymentContext,
    ) -> String {
        let mut marks: Vec<String> = Vec::new();
        marks.extend(worst.severity.map(|severity| severity.as_str().to_owned()));
        if worst.exploited.is_some() {
            marks.push("exploited".to_owned());
        }
        match worst.used_in(around) {
            Some(true) => marks.push("used by what is started".to_owned()),
            Some(false) => marks.push("not used by what is started".to_owned()),
            None => {}
        }
        let lead = if ended.len() == 1 { ": " } else { ", first of all " };
        let marks =
            if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        format!(
            "{lead}{} in `{}` {}{marks}",
            shown(&worst.id),
            shown(&worst.package.name),
            shown(&worst.package.version)
        )
    }

    fn what_to_do(&self, ended: &[&Vulnerability]) -> String {
        let mut advices = self.advices.iter().filter(|each| each.remedy == self.remedy);
        match self.remedy {
            Remedy::Rebuild => {
                advices.next().map_or_else(String::new, |each| format!("{}.", each.text))
            }
            Remedy::Upgrade => {
                let mut steps: Vec<String> = advices.map(|each| shown(&each.text)).collect();
                const STEPS: usize = 3;
                let more = steps.len().saturating_sub(STEPS);
                steps.truncate(STEPS);
                let more = if more == 0 { String::new() } else { format!("; and {more} more") };
                format!("{}{more}.", steps.join("; "))
            }
            Remedy::Wait => {
                let names: BTreeSet<String> =
                    ended.iter().map(|each| shown(&each.package.name)).collect();
                let names: Vec<String> = names.into_iter().take(5).collect();
                format!(
                    "remove {} from the image where it is not needed, or ignore it with a reason \
                     and a date for review.",
                    words::list(&names)
                )
            }
        }
    }

    fn title(&self) -> String {
        match self.remedy {
            Remedy::Rebuild => format!("rebuild {} on the newest packages", self.name),
            Remedy::Upgrade => format!("upgrade the packages in {}", self.name),
            Remedy::Wait => format!("take the packages out of {}", self.name),
        }
    }
}

/// What an attacker makes of it.
fn consequence(around: DeploymentContext) -> String {
    let way = match around.exposed {
        Some(true) => "The container can be reached from outside of the cluster",
        Some(false) => {
            "Network policies keep the outside away from the container, but not all pods"
        }
        None => "Whoever can send it input may use a known exploit",
    };
    let root = match (around.exposed, around.root) {
        (Some(true), Some(true)) => ", and runs as root: a known exploit is enough to own it",
        (Some(true), _) => ": a known exploit is enough to get into it",
        (_, Some(true)) => ", and the container runs as root",
        _ => "",
    };
    format!("{way}{root}.")
}

/// What is affected, from where on it is repaired, and by which names: a line a package.
fn snippet(ended: &[&Vulnerability]) -> String {
    let mut packages: Vec<(String, BTreeSet<String>)> = Vec::new();
    for each in ended {
        let fixed = each.fixed.as_deref().map_or_else(String::new, |fixed| format!(" -> {fixed}"));
        let line = shown(&format!("{} {}{fixed}", each.package.name, each.package.version));
        match packages.iter_mut().find(|(known, _)| *known == line) {
            Some((_, names)) => {
                names.insert(shown(&each.id));
            }
            None => packages.push((line, BTreeSet::from([shown(&each.id)]))),
        }
    }
    let mut lines: Vec<String> = packages
        .iter()
        .take(SHOWN)
        .map(|(package, names)| {
            let mut ids: Vec<&str> = names.iter().map(String::as_str).take(4).collect();
            if names.len() > ids.len() {
                ids.push("…");
            }
            format!("# {package} ({})\n", ids.join(", "))
        })
        .collect();
    if packages.len() > SHOWN {
        lines.push(format!("# and {} more\n", packages.len() - SHOWN));
    }
    lines.concat()
}

/// A text from a database or an image without what would move the cursor.
fn shown(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect()
}
