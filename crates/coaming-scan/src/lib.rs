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

mod attack;
mod compliance;
mod configuration;
mod custom;
#[cfg(feature = "daemons")]
mod daemons;
#[cfg(not(feature = "daemons"))]
#[path = "no_daemons.rs"]
mod daemons;
mod engine;
mod environment;
mod error;
mod etcd_store;
#[cfg(feature = "git")]
mod history_scan;
mod image_locator;
#[cfg(feature = "registry")]
mod image_signatures;
#[cfg(feature = "registry")]
mod image_walk;
mod images;
mod inputs;
mod java_names;
mod live;
mod live_notes;
mod neighborhood;
mod notes;
#[cfg(feature = "queue")]
mod queue_walk;
#[cfg(feature = "registry")]
mod registry_images;
#[cfg(feature = "registry")]
mod registry_results;
#[cfg(feature = "registry")]
mod registry_walk;
mod rotation;
mod text_scan;
mod variants;
#[cfg(feature = "verify")]
mod verification;
mod vulnerabilities;

pub use attack::CutFindings;
#[cfg(feature = "queue")]
pub use coaming_queue::{QueueUrl, UrlError};
pub use configuration::{Overrides, load_config, parse_config, read_baseline, source_options};
pub use daemons::Daemons;
pub use engine::{Engine, Report, all_rules};
pub use environment::{fingerprint_key, now, timestamp, today};
pub use error::{CustomRuleError, ScanError};
pub use etcd_store::{EtcdReadError, EtcdStore, read_etcd};
#[cfg(feature = "git")]
pub use history_scan::scan_history;
#[cfg(feature = "registry")]
pub use image_locator::FoundSignatures;
pub use image_locator::{Found, LocateError, LookUp, RemoteImages, at_path};
#[cfg(feature = "registry")]
pub use image_walk::{
    Attach, WALKED_AT_ONCE, WalkCounts, WalkEnd, WalkError, WalkLine, WalkOptions, WalkRenderer,
    Walked, Walker,
};
pub use images::{ImagesMode, Inspected, Inspection, inspect_images};
pub use inputs::{Counts, Inputs, Judged, uninspected_images};
pub use java_names::{JavaNames, own_java_index};
pub use live::{Live, Lookups};
#[cfg(feature = "cluster")]
pub use live::{LookupsError, lookups, read_cluster};
#[cfg(feature = "registry")]
pub use registry_images::RegistryImages;
#[cfg(feature = "registry")]
pub use registry_results::{
    OwnFindings, RegistryAnswers, RegistryQuestion, TrustFileError, TrustFiles, ask_registry,
    own_vulnerabilities,
};
#[cfg(feature = "registry")]
pub use registry_walk::{Shard, ShardError, WalkScope, WalkedImage, walk};
pub use rotation::{Rotation, plan_rotation};
#[cfg(feature = "registry")]
pub use semver::VersionReq as TagRange;
pub use text_scan::{TextFiles, TextReport, scan_texts};
pub use variants::{Contradiction, VariantWorld, contradiction};
#[cfg(feature = "verify")]
pub use verification::{VerificationError, revocation_page, verify_credentials};
pub use vulnerabilities::{
    ImageMatches, ImageQuery, MatchReport, PackageGroup, VulnerabilitySource, age_warning,
    by_distribution, match_image, match_images, own_database,
};
