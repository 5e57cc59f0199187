//! The engine of every front end: it finds the problems of objects.
//!
//! It joins what the other crates know: configuration, rules, users' own rules, the contents of
//! images, known vulnerabilities, suppressions and ranking. A front end (the command line, an
//! admission webhook, a controller, an editor) builds one [`Engine`] from a configuration and
//! keeps it. Invariants:
//!
//! * [`Engine`] is built once, never changes, and is shared between threads. A new configuration is
//!   a new engine; the old one leaves nothing behind.
//! * [`Engine::scan`] judges everything, in parallel. [`Engine::review`] judges one object on the
//!   calling thread, with work proportional to the object and its neighborhood, never to the world.
//! * Variants (overlays of one base, releases of charts) are judged apart: each is a possible
//!   cluster. What several of them have at the same place is reported once.
//! * Nothing is printed, and nothing is read from the network unless images are required.

mod compliance;
mod configuration;
mod custom;
#[cfg(feature = "daemons")]
mod daemons;
#[cfg(not(feature = "daemons"))]
#[path = "no_daemons.rs"]
mod daemons;
mod engine;
mod error;
mod etcd_store;
#[cfg(feature = "git")]
mod history_scan;
mod image_locator;
#[cfg(feature = "registry")]
mod image_signatures;
mod images;
mod live_notes;
mod neighborhood;
mod notes;
#[cfg(feature = "registry")]
mod registry_images;
#[cfg(feature = "registry")]
mod registry_results;
#[cfg(feature = "registry")]
mod registry_walk;
mod rotation;
mod text_scan;
mod variants;
mod vulnerabilities;

pub use configuration::{Overrides, load_config, parse_config, read_baseline, source_options};
pub use daemons::Daemons;
pub use engine::{Engine, Report};
pub use error::ScanError;
pub use etcd_store::{EtcdReadError, EtcdStore, read_etcd};
#[cfg(feature = "git")]
pub use history_scan::scan_history;
#[cfg(feature = "registry")]
pub use image_locator::FoundSignatures;
pub use image_locator::{Found, LocateError, LookUp, RemoteImages, at_path};
pub use images::{ImagesMode, Inspected, inspect_images};
#[cfg(feature = "registry")]
pub use registry_images::RegistryImages;
#[cfg(feature = "registry")]
pub use registry_results::{
    OwnFindings, RegistryAnswers, RegistryQuestion, ask_registry, own_vulnerabilities,
};
#[cfg(feature = "registry")]
pub use registry_walk::{Shard, ShardError, WalkScope, WalkedImage, walk};
pub use rotation::{Rotation, plan_rotation};
#[cfg(feature = "registry")]
pub use semver::VersionReq as TagRange;
pub use text_scan::{TextFiles, TextReport, scan_texts};
pub use variants::{Contradiction, VariantWorld, contradiction};
pub use vulnerabilities::{
    ImageMatches, ImageQuery, MatchReport, PackageGroup, VulnerabilitySource, age_warning,
    match_image, match_images, own_database,
};
