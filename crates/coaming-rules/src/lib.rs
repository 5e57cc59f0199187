//! The rules, one file each, and the engine that runs them in parallel.
//!
//! A rule is a unit struct declared by [`rule!`]: its metadata, and its documentation as the doc
//! comment; it implements the trait of the scope that fits ([`ContainerRule`], [`PodRule`],
//! [`ObjectRule`], [`DockerfileRule`], [`WorldRule`]) and has one line in the registry. The documentation is
//! executed by the tests: its `Bad` example raises exactly that one finding, its `Good` example
//! none, and the fixed `Bad` example none. Invariants:
//!
//! * Rules do no I/O and have no state; their input is a [`Context`].
//! * The order of findings does not depend on threads.
//! * A problem that one edit fixes is one finding: a rule reports nothing if another rule already
//!   covers the same container ([`Context::enabled`]).

pub mod compliance;
mod context;
mod dockerfile;
mod engine;
mod images;
mod knowledge;
mod live;
pub mod pss;
mod registry;
mod relocate;
mod rule;
mod rules;
mod safety;
mod standard;
mod suppress;
mod text;

pub use context::{Context, Settings};
pub use dockerfile::DockerfileScope;
pub use engine::{Input, RuleSet, put_in_order, review, run};
pub use images::Images;
pub use knowledge::Knowledge;
pub use live::{is_going, is_provided, provided, settle};
pub use registry::{all, find, nearest};
pub use relocate::relocate;
pub use rule::{
    Check, ContainerRule, ContainerScope, DockerfileRule, ObjectRule, ObjectScope, PodRule, Rule,
    WorldRule,
};
pub use rules::cluster::unseen_components;
pub use rules::network_policy::openings::is_restricted_balancer;
pub use rules::secrets::{SECRET_RULES, generated_secrets};
pub use rules::security_context::sysctls::SAFE_SYSCTLS;
pub use safety::is_partial;
pub use standard::{review_standard, run_standard, standard_rule};
pub use suppress::CONFIGURATION;
