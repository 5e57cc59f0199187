//! What a rule is: metadata, and a check at one of five scopes.

use std::cell::OnceCell;

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::schema::{Definitions, SchemaProblem};
use coaming_kube::{Container, Effective, Object, PodSpec, Workload, World};
use coaming_oci::Reference;

use coaming_secret::Detector;
use coaming_secret::structured::FieldCredential;

use crate::{Context, DockerfileScope};

/// A container with all that surrounds it.
#[derive(Clone, Copy, Debug)]
pub struct ContainerScope<'a> {
    /// The workload that holds its pod.
    pub workload: Workload<'a>,
    /// Its pod.
    pub pod: PodSpec<'a>,
    /// The container.
    pub container: Container<'a>,
    /// Its effective security context.
    pub effective: Effective<'a>,
    /// Its image's name, parsed once for all rules that ask.
    image: &'a OnceCell<Option<Reference>>,
}

impl<'a> ContainerScope<'a> {
    /// The scope of a container; `image` is filled by the first rule that asks for it.
    pub(crate) fn new(
        workload: Workload<'a>,
        container: Container<'a>,
        image: &'a OnceCell<Option<Reference>>,
    ) -> Self {
        let pod = workload.pod();
        Self { workload, pod, container, effective: Effective::new(pod, container), image }
    }

    /// The image's name, if there is one and it is valid.
    #[must_use]
    pub fn image(self) -> Option<&'a Reference> {
        let parse = || self.container.image().and_then(|text| Reference::parse(text).ok());
        self.image.get_or_init(parse).as_ref()
    }
}

/// An object, with what its rules share.
#[derive(Clone, Copy, Debug)]
pub struct ObjectScope<'a> {
    /// The object.
    pub object: Object<'a>,
    world: &'a World,
    definitions: &'a Definitions,
    shared: &'a ObjectShared<'a>,
}

/// What the rules about one object share, each part filled by the first rule that asks for it.
#[derive(Debug, Default)]
pub(crate) struct ObjectShared<'a> {
    schema: OnceCell<Vec<SchemaProblem<'a>>>,
    secrets: OnceCell<Vec<FieldCredential<'a>>>,
}

impl<'a> ObjectScope<'a> {
    /// The scope of an object.
    pub(crate) fn new(
        context: &'a Context<'_>,
        object: Object<'a>,
        shared: &'a ObjectShared<'a>,
    ) -> Self {
        Self { object, world: context.world, definitions: context.definitions(), shared }
    }

    /// The credentials in the object.
    #[must_use]
    pub fn secrets(self, detector: &Detector) -> &'a [FieldCredential<'a>] {
        self.shared
            .secrets
            .get_or_init(|| coaming_secret::structured::in_object(detector, self.object.node()))
    }

    /// What in the object does not fit its type.
    #[must_use]
    pub fn schema_problems(self) -> &'a [SchemaProblem<'a>] {
        self.shared
            .schema
            .get_or_init(|| coaming_kube::schema::check(self.object, self.definitions, self.world))
    }
}

/// A rule of ours: what [`rule!`] declares.
pub(crate) trait BuiltIn {
    /// Its description.
    const RULE: &'static RuleMeta;
}

/// A rule that looks at one container at a time.
pub trait ContainerRule {
    /// Its description.
    const META: &'static RuleMeta;
    /// Adds what is wrong with this container to `findings`.
    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>);
}

/// A rule that looks at one pod at a time.
pub trait PodRule {
    /// Its description.
    const META: &'static RuleMeta;
    /// Adds what is wrong with this workload's pod to `findings`.
    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>);
}

/// A rule that looks at one object at a time.
pub trait ObjectRule {
    /// Its description.
    const META: &'static RuleMeta;
    /// Adds what is wrong with this object to `findings`.
    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>);
}

/// A rule that looks at one Dockerfile at a time.
pub trait DockerfileRule {
    /// Its description.
    const META: &'static RuleMeta;
    /// Adds what is wrong with this Dockerfile to `findings`.
    fn check(context: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>);
}

/// A rule that needs to see everything at once.
pub trait WorldRule {
    /// Its description.
    const META: &'static RuleMeta;
    /// Whether it can also judge a single object, by the objects that it refers to and those that
    /// refer to it. Not where the absence of other objects is what it reports: they may be created
    /// next.
    const REVIEWS: bool;
    /// Adds what is wrong to `findings`.
    fn check(context: &Context<'_>, findings: &mut Vec<Finding>);
}

/// A rule's check, by its scope.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// See [`ContainerRule`].
    Container(fn(&Context<'_>, ContainerScope<'_>, &mut Vec<Finding>)),
    /// See [`PodRule`].
    Pod(fn(&Context<'_>, Workload<'_>, &mut Vec<Finding>)),
    /// See [`PodRule`] and [`ObjectRule`]: a rule about pods and other objects.
    PodAndObject(
        fn(&Context<'_>, Workload<'_>, &mut Vec<Finding>),
        fn(&Context<'_>, ObjectScope<'_>, &mut Vec<Finding>),
    ),
    /// See [`ObjectRule`].
    Object(fn(&Context<'_>, ObjectScope<'_>, &mut Vec<Finding>)),
    /// See [`DockerfileRule`].
    Dockerfile(fn(&Context<'_>, DockerfileScope<'_>, &mut Vec<Finding>)),
    /// See [`WorldRule`].
    World {
        /// The check.
        check: fn(&Context<'_>, &mut Vec<Finding>),
        /// See [`WorldRule::REVIEWS`].
        reviews: bool,
    },
}

/// A registered rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its description.
    pub meta: &'static RuleMeta,
    /// What it does.
    pub check: Check,
    /// Whether it judges parts of pods too, which an operator completes: only a rule that reports
    /// what is there, not what is missing.
    pub fragments: bool,
}

impl Rule {
    const fn new(meta: &'static RuleMeta, check: Check) -> Self {
        Self { meta, check, fragments: false }
    }

    /// The same rule, for parts of pods too ([`Rule::fragments`]).
    pub(crate) const fn and_fragments(self) -> Self {
        Self { fragments: true, ..self }
    }

    /// Registers a container rule.
    pub(crate) const fn container<R: ContainerRule>() -> Self {
        Self::new(R::META, Check::Container(R::check))
    }

    /// Registers a pod rule.
    pub(crate) const fn pod<R: PodRule>() -> Self {
        Self::new(R::META, Check::Pod(R::check))
    }

    /// Registers a rule about pods and other objects.
    pub(crate) const fn pod_and_object<R: PodRule + ObjectRule>() -> Self {
        let check = Check::PodAndObject(<R as PodRule>::check, <R as ObjectRule>::check);
        Self::new(<R as PodRule>::META, check)
    }

    /// Registers an object rule.
    pub(crate) const fn object<R: ObjectRule>() -> Self {
        Self::new(R::META, Check::Object(R::check))
    }

    /// Registers a rule about Dockerfiles.
    pub(crate) const fn dockerfile<R: DockerfileRule>() -> Self {
        Self::new(R::META, Check::Dockerfile(R::check))
    }

    /// Registers a world rule.
    pub(crate) const fn world<R: WorldRule>() -> Self {
        Self::new(R::META, Check::World { check: R::check, reviews: R::REVIEWS })
    }
}

/// Declares a rule's type and metadata; the doc comment is the rule's documentation for users.
///
/// Every field must be given: a missing one is a compile error.
macro_rules! rule {
    (
        $(#[doc = $doc:literal])+
        $type:ident {
            name: $name:literal,
            summary: $summary:literal,
            category: $category:ident,
            severity: $severity:ident,
            default: $default:literal,
            since: $since:literal,
            lifecycle: $lifecycle:ident,
            standards: [$($standard:ident($id:literal)),* $(,)?] $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        pub(crate) struct $type;

        impl $crate::rule::BuiltIn for $type {
            const RULE: &'static coaming_finding::RuleMeta = &coaming_finding::RuleMeta {
                id: coaming_finding::RuleId::new($name),
                summary: std::borrow::Cow::Borrowed($summary),
                category: coaming_finding::Category::$category,
                severity: coaming_finding::Severity::$severity,
                default: $default,
                since: $since,
                lifecycle: coaming_finding::Lifecycle::$lifecycle,
                standards: &[$(coaming_finding::Standard::$standard($id)),*],
                docs: std::borrow::Cow::Borrowed(concat!($($doc, "
"),+)),
            };
        }
    };
}

pub(crate) use rule;
