//! Roles with those who hold them: what the rules about rights have in common.
//!
//! One role is one thing to change, however many are bound to it. A role of Kubernetes' own can't be
//! changed: there the binding is.

use std::collections::BTreeSet;

use coaming_access::{
    Access, Binding, Danger, Permission, Reach, ResolvedRole, Subject, danger_of,
};
use coaming_finding::{Confidence, RuleMeta, Severity};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::Context;
use crate::context::Draft;
use crate::rules::words;

/// A role, or one binding of a role of Kubernetes' own, and who holds it.
pub(super) struct HeldRole<'g, 'a> {
    pub(super) role: &'g ResolvedRole<'a>,
    pub(super) bindings: Vec<&'g Binding<'a>>,
}

/// A way that a role opens: which, by which rule, and what is allowed, as `verb resource`.
pub(super) type Way<'g, 'a> = (Danger, &'g Permission<'a>, Vec<String>);

/// Every role of the user's own, and every binding of his to a role of Kubernetes'.
pub(super) fn held<'g, 'a>(access: &'g Access<'a>) -> Vec<HeldRole<'g, 'a>> {
    let own: Vec<&Binding<'a>> =
        access.bindings().iter().filter(|binding| is_own(binding)).collect();
    let taken_over = taken_over(access);
    let mut held = Vec::new();
    for role in access.roles() {
        let of_role = own.iter().copied().filter(|binding| {
            access.roles_of(binding).iter().any(|bound| std::ptr::eq(bound, role))
        });
        if role.source.is_built_in() {
            // People have to be admins somewhere; pods seldom have.
            held.extend(
                of_role
                    .filter(|binding| binding.subjects.iter().any(|(who, _)| !is_person(*who)))
                    .map(|binding| HeldRole { role, bindings: vec![binding] }),
            );
            continue;
        }
        let bindings: Vec<_> = of_role.collect();
        let is_part = role.source.object().is_some_and(|object| taken_over.contains(&object.id));
        if !(bindings.is_empty() && (is_part || is_for_aggregation(role))) {
            held.push(HeldRole { role, bindings });
        }
    }
    held
}

/// Whether somebody outside of Kubernetes is bound by a binding that does not come with it.
fn is_own(binding: &Binding<'_>) -> bool {
    !binding.binding.is_built_in() && binding.subjects.iter().any(|(who, _)| !who.is_system())
}

/// The roles that aggregated ones take over.
fn taken_over(access: &Access<'_>) -> BTreeSet<coaming_kube::ObjectId> {
    access
        .roles()
        .flat_map(|role| {
            let own = role.source.object().map(|object| object.id);
            role.permissions
                .iter()
                .filter_map(|permission| permission.place.map(|(object, _)| object.id))
                .filter(move |id| Some(*id) != own)
        })
        .collect()
}

/// Whether the role asks to be part of `admin`, `edit` or `view`: of roles for people.
fn is_for_aggregation(role: &ResolvedRole<'_>) -> bool {
    role.source.object().is_some_and(|object| {
        object
            .metadata()
            .pairs("labels")
            .any(|label| label.name().starts_with("rbac.authorization.k8s.io/aggregate-to-"))
    })
}

fn is_person(subject: Subject<'_>) -> bool {
    match subject {
        Subject::User(name) => !name.starts_with("system:"),
        Subject::Group(name) => !name.starts_with("system:"),
        Subject::ServiceAccount { .. } => false,
    }
}

impl<'g, 'a> HeldRole<'g, 'a> {
    /// Where the role counts; `None` where nobody at hand is bound to it.
    pub(super) fn reach(&self) -> Option<Reach> {
        self.bindings
            .iter()
            .map(|binding| match binding.binding.namespace() {
                Some(_) => Reach::Namespace,
                None => Reach::Cluster,
            })
            .max()
    }

    /// The ways of these kinds that the role opens.
    pub(super) fn ways(&self, dangers: &[Danger]) -> Vec<Way<'g, 'a>> {
        dangers
            .iter()
            .filter_map(|&danger| {
                let (permission, allowed) = danger_of(self.role, danger)?;
                Some((danger, permission, allowed))
            })
            .collect()
    }

    fn subjects(&self) -> impl Iterator<Item = Subject<'a>> {
        self.bindings.iter().flat_map(|binding| binding.subjects.iter().map(|(who, _)| *who))
    }

    /// How bad a way of this severity is here: worse where everybody has it, less where only people
    /// have it, and less where nobody is known to.
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

    /// Who holds it, and by which role: ``ServiceAccount a/b, by ClusterRole `c` ``.
    pub(super) fn told(&self) -> String {
        let (kind, name) = match (self.bindings.first(), self.role.source.object()) {
            (_, Some(object)) => (object.kind(), object.name()),
            (Some(binding), None) => binding.role_name(),
            (None, None) => ("ClusterRole", ""),
        };
        let mut who: Vec<String> = self
            .subjects()
            .map(|subject| match subject.meaning() {
                Some(meaning) => format!("{subject} ({meaning})"),
                None => subject.to_string(),
            })
            .collect();
        who.sort();
        who.dedup();
        match who.as_slice() {
            [] => format!("Whoever is bound to {kind} `{name}`"),
            [one] => format!("{one}, by {kind} `{name}`,"),
            [one, rest @ ..] => format!("{one} and {} more, by {kind} `{name}`,", rest.len()),
        }
    }

    /// Where it counts, in words.
    pub(super) fn extent(&self) -> String {
        let mut namespaces: Vec<&str> =
            self.bindings.iter().filter_map(|binding| binding.binding.namespace()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        match (self.reach(), self.role.source.object()) {
            (Some(Reach::Cluster), _) => "the cluster".to_owned(),
            (Some(Reach::Namespace), _) if namespaces.len() == 1 => {
                format!("namespace `{}`", namespaces[0])
            }
            (Some(Reach::Namespace), _) => format!("namespaces {}", words::list(&namespaces)),
            (None, Some(object)) if object.kind() == "Role" => {
                format!("namespace `{}`", object.namespace_or_default())
            }
            (None, _) => "every namespace where it is bound".to_owned(),
        }
    }

    /// A finding at the rule of the role, or at the binding where the role is Kubernetes' own.
    pub(super) fn draft(
        &self,
        context: &Context<'a>,
        rule: &'static RuleMeta,
        permission: &Permission<'a>,
        message: String,
    ) -> Option<Draft<'a>> {
        let at_binding =
            || self.bindings.first().map(|b| (b.binding.object, b.binding.object.node()));
        let place: Option<(Object<'a>, Node<'a>)> =
            if self.role.source.is_built_in() { at_binding() } else { permission.place };
        let (object, node) = place?;
        let mut draft = context.finding(rule, object, node, message);
        for binding in &self.bindings {
            for (subject, node) in &binding.subjects {
                let of_binding = binding.binding.object;
                draft = draft.also(context, of_binding, *node, format!("bound to {subject}"));
            }
        }
        let confidence = if self.bindings.is_empty() { Confidence::Low } else { Confidence::High };
        Some(draft.confidence(confidence))
    }
}
