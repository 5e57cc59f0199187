//! Roles with their holders: what the rules about rights have in common.
//!
//! One role is one thing to change, however many subjects are bound to it. A built-in role of
//! Kubernetes cannot be changed: there, each binding is one thing to change.

use std::collections::BTreeSet;

use coaming_access::{
    Access, Binding, Danger, GrantScope, Permission, ResolvedRole, RoleName, Subject, danger_of,
};
use coaming_finding::{Confidence, RuleMeta, Severity};
use coaming_kube::{Fields as _, Object, Workload, World};
use coaming_yaml::Node;

use crate::Context;
use crate::context::Draft;
use crate::rules::network_policy::openings::opening_of;
use crate::rules::phrases;

/// A role, or one binding of a built-in role, and its holders.
pub(super) struct HeldRole<'g> {
    name: &'g RoleName,
    pub(super) role: &'g ResolvedRole,
    pub(super) bindings: Vec<&'g Binding>,
}

/// A danger of a role, the rule that allows it, and what is allowed, as `verb resource`.
pub(super) type Way<'g> = (Danger, &'g Permission, Vec<String>);

/// Every role of the user, and every binding of the user to a built-in role.
pub(super) fn held<'g>(world: &World, access: &'g Access) -> Vec<HeldRole<'g>> {
    let included = included(access);
    let mut held = Vec::new();
    for (name, role) in access.roles() {
        let of_role = access.bindings_of(name).filter(|binding| is_own(binding));
        if role.source.is_built_in() {
            // People have to be administrators somewhere; pods rarely do.
            held.extend(
                of_role
                    .filter(|binding| binding.subjects().any(|(who, _)| !is_person(who)))
                    .map(|binding| HeldRole { name, role, bindings: vec![binding] }),
            );
            continue;
        }
        let bindings: Vec<_> = of_role.collect();
        let is_part = role.source.id().is_some_and(|id| included.contains(&id));
        let is_for_people =
            is_for_aggregation(world, role) && danger_of(role, Danger::Everything).is_none();
        if !(bindings.is_empty() && (is_part || is_for_people)) {
            held.push(HeldRole { name, role, bindings });
        }
    }
    held
}

/// Whether the binding is not built in, and binds a subject that is not part of Kubernetes.
fn is_own(binding: &Binding) -> bool {
    !binding.is_built_in && binding.subjects().any(|(who, _)| !who.is_system())
}

/// The roles that aggregated ones of the input include.
fn included(access: &Access) -> BTreeSet<coaming_kube::ObjectId> {
    access
        .roles()
        .filter(|(_, role)| !role.source.is_built_in())
        .flat_map(|(_, role)| {
            let own = role.source.id();
            role.permissions
                .iter()
                .filter_map(|permission| permission.source.map(|rule| rule.object()))
                .filter(move |id| Some(*id) != own)
        })
        .collect()
}

/// Whether the role is to be part of `admin` or `edit`, which are roles for people with such rights.
/// Who has `view` is to see no Secrets.
fn is_for_aggregation(world: &World, role: &ResolvedRole) -> bool {
    let names = |object: Object<'_>, part: &str| {
        object.metadata().pairs("labels").any(|label| {
            label.name().strip_prefix("rbac.authorization.k8s.io/aggregate-to-") == Some(part)
        })
    };
    role.source.object(world).is_some_and(|object| {
        !names(object, "view") && (names(object, "admin") || names(object, "edit"))
    })
}

fn is_person(subject: Subject<'_>) -> bool {
    match subject {
        Subject::User(name) => !name.starts_with("system:"),
        Subject::Group(name) => !name.starts_with("system:"),
        Subject::ServiceAccount { .. } => false,
    }
}

impl<'g> HeldRole<'g> {
    /// Where the role applies; `None` if no binding to it is known.
    pub(super) fn scope(&self) -> Option<GrantScope> {
        self.bindings
            .iter()
            .map(|binding| match binding.namespace {
                Some(_) => GrantScope::Namespace,
                None => GrantScope::Cluster,
            })
            .max()
    }

    /// The dangers of these kinds that the role has.
    pub(super) fn ways(&self, dangers: &[Danger]) -> Vec<Way<'g>> {
        dangers
            .iter()
            .filter_map(|&danger| {
                let (permission, allowed) = danger_of(self.role, danger)?;
                Some((danger, permission, allowed))
            })
            .collect()
    }

    fn subjects(&self) -> impl Iterator<Item = Subject<'g>> {
        self.bindings.iter().flat_map(|binding| binding.subjects().map(|(who, _)| who))
    }

    /// How bad a danger of this severity is here: worse if everyone has it, less if only people
    /// have it or no holder is known.
    pub(super) fn graded(&self, severity: Severity) -> Severity {
        let mut subjects = self.subjects().peekable();
        let nobody = subjects.peek().is_none();
        let all: Vec<Subject<'_>> = subjects.collect();
        if all.iter().any(|who| who.is_everybody()) {
            Severity::Critical
        } else if nobody || all.iter().all(|who| is_person(*who)) {
            match severity {
                Severity::Critical => Severity::High,
                Severity::High => Severity::Medium,
                Severity::Medium | Severity::Low => Severity::Low,
            }
        } else {
            severity
        }
    }

    /// Whether no token is needed.
    pub(super) fn is_open(&self) -> bool {
        self.subjects().any(|who| {
            matches!(
                who,
                Subject::Group("system:unauthenticated") | Subject::User("system:anonymous")
            )
        })
    }

    /// Which workload runs with an account that holds the role, as a sentence; those first that
    /// clients outside the cluster reach. Empty if none is known.
    pub(super) fn runners(&self, context: &Context<'_>) -> String {
        let accounts: BTreeSet<(&str, &str)> = self
            .subjects()
            .filter_map(|who| match who {
                Subject::ServiceAccount { namespace, name } => Some((namespace, name)),
                _ => None,
            })
            .collect();
        let world = context.world;
        let objects = context.objects_with_accounts(&accounts);
        let objects = objects.into_iter().filter_map(|id| world.object(id));
        let runs = |workload: &Workload<'_>| {
            let namespace = workload.object.namespace_or_default();
            accounts.contains(&(namespace, workload.pod().service_account_name()))
        };
        let mut first = None;
        for workload in objects.flat_map(|object| world.workloads_of(object)).filter(runs) {
            let name = phrases::object(workload.object);
            if let Some(service) = opening_of(world, workload) {
                return format!(
                    " {name} has it, and clients outside the cluster reach it through {}.",
                    phrases::object(service),
                );
            }
            first.get_or_insert(name);
        }
        first.map_or_else(String::new, |name| format!(" {name} has it."))
    }

    /// The beginning of a message: ``ClusterRole `c` lets ServiceAccount a/b``.
    pub(super) fn subject_and_role(&self) -> String {
        let mut subjects: Vec<String> = self
            .subjects()
            .map(|subject| match subject.meaning() {
                Some(meaning) => format!("{subject} ({meaning})"),
                None => subject.to_string(),
            })
            .collect();
        subjects.sort();
        subjects.dedup();
        let holders = match subjects.as_slice() {
            [] => "its holders".to_owned(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        };
        format!("{} `{}` lets {holders}", self.name.kind(), self.name.name)
    }

    /// Where it applies, in words.
    pub(super) fn extent(&self) -> String {
        let mut namespaces: Vec<&str> =
            self.bindings.iter().filter_map(|binding| binding.namespace.as_deref()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        match (self.scope(), &self.name.namespace) {
            (Some(GrantScope::Cluster), _) => "the cluster".to_owned(),
            (Some(GrantScope::Namespace), _) if namespaces.len() == 1 => {
                format!("namespace `{}`", namespaces[0])
            }
            (Some(GrantScope::Namespace), _) => {
                format!("namespaces {}", phrases::list(&namespaces))
            }
            (None, Some(namespace)) => format!("namespace `{namespace}`"),
            (None, _) => "every namespace where the role is bound".to_owned(),
        }
    }

    /// A finding at the rule of the role, or at the binding if the role is built in.
    pub(super) fn draft<'a>(
        &self,
        context: &Context<'a>,
        rule: &'static RuleMeta,
        permission: &Permission,
        message: String,
    ) -> Option<Draft<'a>> {
        let world = context.world;
        let at_binding = || {
            let binding = world.object(self.bindings.first()?.object)?;
            Some((binding, binding.node()))
        };
        let place: Option<(Object<'a>, Node<'a>)> = if self.role.source.is_built_in() {
            at_binding()
        } else {
            permission.source.and_then(|rule| rule.find(world))
        };
        let (object, node) = place?;
        let mut draft = context.finding(rule, object, node, message);
        for binding in &self.bindings {
            for (subject, field) in binding.subjects() {
                let Some((of_binding, node)) = field.find(world) else { continue };
                draft = draft.also(context, of_binding, node, format!("bound to {subject}"));
            }
        }
        let confidence = if self.bindings.is_empty() { Confidence::Low } else { Confidence::High };
        Some(draft.confidence(confidence))
    }
}
