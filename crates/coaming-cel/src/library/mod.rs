//! The libraries of functions: CEL's own, its extensions that Kubernetes uses, and Kubernetes'.

pub(crate) mod authorizer;
pub(crate) mod format;
pub(crate) mod lists;
pub(crate) mod literals;
pub(crate) mod named_formats;
pub(crate) mod network;
pub(crate) mod opaque;
pub(crate) mod optionals;
pub(crate) mod patterns;
pub(crate) mod quantity;
pub(crate) mod semver;
pub(crate) mod strings;
pub(crate) mod url;

use crate::lang::declarations::Library;
use crate::lang::{convert, operators, time};

/// All libraries.
pub(crate) const ALL: &[Library] = &[
    operators::LIBRARY,
    convert::LIBRARY,
    time::LIBRARY,
    strings::LIBRARY,
    patterns::LIBRARY,
    lists::LIBRARY,
    optionals::LIBRARY,
    url::LIBRARY,
    network::LIBRARY,
    quantity::LIBRARY,
    semver::LIBRARY,
    named_formats::LIBRARY,
    authorizer::LIBRARY,
];
