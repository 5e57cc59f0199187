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
use crate::rules::phrases;
use crate::{ContainerScope, Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Images with packages that are known to be vulnerable. Each finding is one thing to do:
    /// rebuild an image on its distribution's newest packages, or upgrade the packages that the
    /// application brings. A vulnerability without a fix is only reported if it is known to be
    /// exploited, or critical; `coaming image` lists all of them.
    ///
    /// The severity depends on the vulnerability (its severity, whether it is exploited or likely
    /// to be, whether a fix exists) and on the container: whether it runs as root, whether it can
    /// be reached from outside the cluster, and whether the program that it starts uses the
    /// package at all.
    ///
    /// ## Why it matters
    ///
    /// Known vulnerabilities often have public exploits: an attacker does not need to find a flaw
    /// in your application first.
    ///
    /// ## Bad
    ///
    /// The image contains openssl 3.0.9-1 of Debian 12, which 3.0.11-1~deb12u1 fixes.
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
    /// The container runs as root, and a load balancer exposes it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   labels: {app: web}
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/vulnerable:1.4.2
    ///       ports: [{containerPort: 8080}]
    ///       securityContext:
    ///         runAsUser: 0
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   type: LoadBalancer
    ///   selector: {app: web}
    ///   ports: [{port: 80, targetPort: 8080}]
    /// ```
    ///
    /// The image of an init container.
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
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/vulnerable:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The image contains no package with a known vulnerability.
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
    /// Rebuild the image without the build cache, on the newest version of its base, and upgrade
    /// the packages that the message names. Ignore vulnerabilities that do not matter under
    /// `vulnerabilities:` in `coaming.yaml`, with a reason and a date, or with a VEX document
    /// (`--vex`).
    ///
    /// ## Limits
    ///
    /// The rule needs the contents of the image (see `--images`, and `images:` in `coaming.yaml`)
    /// and a database (`coaming db update`, or `--db`). A scan downloads nothing. Images whose
    /// contents are not known are not reported.
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

/// The most packages that a snippet lists.
const SHOWN: usize = 30;
/// The most places that one finding points to.
const PLACES: usize = 50;

impl WorldRule for ImageVulnerabilities {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let exposure = OnceCell::new();
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
            let exposure = exposure.get_or_init(|| ExternalExposure::new(context));
            let mut runs: Vec<RunningContainer<'_>> =
                runs.into_iter().map(|run| RunningContainer::new(context, run, exposure)).collect();
            // The most exposed container comes first.
            runs.sort_by_key(|running| Reverse(running.openness()));
            let recommendations = &advice(found, facts.distribution.as_ref());
            for remedy in [Remedy::Rebuild, Remedy::Upgrade, Remedy::Wait] {
                let remediation =
                    Remediation { context, name: &name, recommendations, found, remedy };
                findings.extend(remediation.finding(&runs));
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

/// The containers whose images have known vulnerabilities, by image.
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
struct ExternalExposure(BTreeMap<coaming_network::Workload, bool>);

impl ExternalExposure {
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

/// A container, and how much it helps an attacker.
struct RunningContainer<'a> {
    run: Run<'a>,
    deployment: DeploymentContext,
}

impl<'a> RunningContainer<'a> {
    fn new(context: &Context<'_>, run: Run<'a>, exposure: &ExternalExposure) -> Self {
        let image = OnceCell::new();
        let scope = ContainerScope::new(run.workload, run.container, &image);
        let root = match scope.effective.run_as_user() {
            Some((user, _)) => Some(user == 0),
            None => image_is_root(context, scope),
        };
        let deployment = DeploymentContext {
            root,
            exposed: exposure.reaches(run.workload),
            other_command: run.container.command().next().is_some(),
            ..DeploymentContext::default()
        };
        Self { run, deployment }
    }

    fn openness(&self) -> u8 {
        let exposed = match self.deployment.exposed {
            Some(true) => 4,
            None => 2,
            Some(false) => 0,
        };
        exposed + u8::from(self.deployment.root == Some(true))
    }
}

/// One thing to do about an image.
struct Remediation<'c, 'a> {
    context: &'c Context<'a>,
    name: &'c str,
    recommendations: &'c [Advice],
    found: &'c [Vulnerability],
    remedy: Remedy,
}

impl Remediation<'_, '_> {
    fn finding(&self, runs: &[RunningContainer<'_>]) -> Option<Finding> {
        let first = runs.first()?;
        let deployment = first.deployment;
        let mut ended: Vec<&Vulnerability> =
            self.found.iter().filter(|each| self.is_about(each, deployment)).collect();
        // By priority in this deployment; the sort is stable.
        ended.sort_by_key(|each| Reverse(each.priority_in(deployment)));
        let worst = ended.first()?;
        let image = OnceCell::new();
        let scope = ContainerScope::new(first.run.workload, first.run.container, &image);
        let message = format!(
            "the image of {} has {}{}",
            phrases::container(scope),
            self.counted(&ended),
            Self::most_urgent(worst, &ended, deployment),
        );
        let mut draft = self
            .context
            .container_finding(
                ImageVulnerabilities::RULE,
                scope,
                self.context.image_node(scope),
                message,
            )
            .severity(worst.severity_in(deployment))
            .why(why(deployment))
            .help(phrases::sentence(&self.help(&ended)))
            .manual(self.title(), snippet(&ended));
        for other in runs.iter().skip(1).take(PLACES) {
            let node = other.run.container.node();
            let node = node.field("image").unwrap_or(node);
            draft = draft.also(self.context, other.run.workload.object, node, "runs the image too");
        }
        Some(draft.done())
    }

    /// Whether this removes a vulnerability, or the vulnerability must be reported without a fix.
    fn is_about(&self, vulnerability: &Vulnerability, deployment: DeploymentContext) -> bool {
        vulnerability.remedy() == self.remedy
            && (self.remedy != Remedy::Wait
                || vulnerability.exploited.is_some()
                || vulnerability.severity == Some(Severity::Critical)
                    && vulnerability.used_in(deployment) != Some(false))
    }

    /// `57 known vulnerabilities with a fix in its distribution`
    fn counted(&self, ended: &[&Vulnerability]) -> String {
        let many = match ended.len() {
            1 => "1 known vulnerability".to_owned(),
            count => format!("{count} known vulnerabilities"),
        };
        match self.remedy {
            Remedy::Rebuild => format!("{many} with a fix in its distribution"),
            Remedy::Upgrade => format!("{many} in the application's packages"),
            Remedy::Wait => format!("{many} without a fix"),
        }
    }

    /// The one to fix first.
    fn most_urgent(
        worst: &Vulnerability,
        ended: &[&Vulnerability],
        deployment: DeploymentContext,
    ) -> String {
        let mut marks: Vec<String> = Vec::new();
        marks.extend(worst.severity.map(|severity| severity.as_str().to_owned()));
        if worst.exploited.is_some() {
            marks.push("exploited".to_owned());
        }
        match worst.used_in(deployment) {
            Some(true) => marks.push("used by the program that is started".to_owned()),
            Some(false) => marks.push("not used by the program that is started".to_owned()),
            None => {}
        }
        let lead = if ended.len() == 1 { ": " } else { ", most urgently " };
        let marks =
            if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        format!(
            "{lead}{} in `{}` {}{marks}",
            shown(&worst.id),
            shown(&worst.package.name),
            shown(&worst.package.version)
        )
    }

    fn help(&self, ended: &[&Vulnerability]) -> String {
        let mut recommendations =
            self.recommendations.iter().filter(|each| each.remedy == self.remedy);
        match self.remedy {
            Remedy::Rebuild => {
                recommendations.next().map_or_else(String::new, |each| format!("{}.", each.text))
            }
            Remedy::Upgrade => {
                let mut steps: Vec<String> =
                    recommendations.map(|each| shown(&each.text)).collect();
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
                    "remove {} from the image if the application does not need it, or ignore the \
                     vulnerability with a reason and a date for review.",
                    phrases::list(&names)
                )
            }
        }
    }

    fn title(&self) -> String {
        match self.remedy {
            Remedy::Rebuild => format!("rebuild {} on the newest packages", self.name),
            Remedy::Upgrade => format!("upgrade the packages in {}", self.name),
            Remedy::Wait => format!("remove the packages from {}", self.name),
        }
    }
}

/// What an attacker can do.
fn why(deployment: DeploymentContext) -> &'static str {
    match (deployment.exposed, deployment.root == Some(true)) {
        (Some(true), true) => {
            "The container can be reached from outside the cluster and runs as root: a known \
             exploit is enough to take it over."
        }
        (Some(true), false) => {
            "The container can be reached from outside the cluster: a known exploit is enough to \
             get into it."
        }
        (Some(false), true) => {
            "Network policies protect the container from outside, but not from all pods, and it \
             runs as root."
        }
        (Some(false), false) => {
            "Network policies protect the container from outside, but not from all pods."
        }
        (None, true) => {
            "An attacker who can send input to the container may use a known exploit, and it runs \
             as root."
        }
        (None, false) => "An attacker who can send input to the container may use a known exploit.",
    }
}

/// The affected packages, the versions that fix them and the vulnerabilities: one line per package.
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

/// A text from a database or an image, without control characters.
fn shown(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect()
}
