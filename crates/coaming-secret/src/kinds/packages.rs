//! Package and image registries.

use super::{Definition, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    prefixed("npm-access-token", "npm access token", &["npm_"], "[A-Za-z0-9]{36}")
        .checked(check::crc32_base62),
    named(
        "npm-legacy-token",
        "npm access token",
        &["npm", "_authtoken"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    prefixed(
        "pypi-api-token",
        "PyPI API token",
        &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"],
        "[A-Za-z0-9_-]{50,}",
    ),
    prefixed("pypi-macaroon", "PyPI API token", &["pypi-"], "[A-Za-z0-9_-]{85,}"),
    prefixed("rubygems-api-key", "RubyGems API key", &["rubygems_"], "[a-f0-9]{48}"),
    prefixed("crates-io-token", "crates.io API token", &["cio"], "[A-Za-z0-9]{32}")
        .checked(check::random),
    prefixed("nuget-api-key", "NuGet API key", &["oy2"], "[a-z0-9]{43}"),
    prefixed("clojars-deploy-token", "Clojars deploy token", &["CLOJARS_"], "[A-Za-z0-9]{60}"),
    prefixed(
        "docker-personal-access-token",
        "Docker personal access token",
        &["dckr_pat_"],
        "[A-Za-z0-9_-]{27,40}",
    ),
    prefixed(
        "docker-organization-token",
        "Docker organization access token",
        &["dckr_oat_"],
        "[A-Za-z0-9_-]{32,40}",
    ),
    prefixed("jfrog-api-key", "JFrog API key", &["AKCp"], "[A-Za-z0-9]{65,75}"),
    prefixed(
        "jfrog-reference-token",
        "JFrog reference token",
        &["cmVmd"],
        "Gtu[A-Za-z0-9]{50,72}|[A-Za-z0-9]{59}",
    )
    .checked(check::random),
    named(
        "jfrog-identity-token",
        "JFrog identity token",
        &["jfrog", "artifact", "xray"],
        "[A-Za-z0-9]{64}|[A-Za-z0-9]{73}",
    ),
    prefixed(
        "packagist-token",
        "Packagist token",
        &["packagist_ort_", "packagist_uut_", "packagist_ack_", "packagist_acs_"],
        "[a-f0-9]{64,72}",
    ),
    prefixed(
        "deno-deploy-token",
        "Deno Deploy token",
        &["ddp_", "ddw_", "ddo_"],
        "[A-Za-z0-9]{36}",
    ),
    prefixed("cloudsmith-api-key", "Cloudsmith API key", &["csa_"], "[a-f0-9]{40}"),
    named("quay-robot-token", "Quay robot token", &["quay"], "[A-Z0-9]{64}"),
    named("gemfury-token", "Gemfury token", &["gemfury", "fury"], "[A-Za-z0-9-]{20,26}"),
    prefixed("hex-pm-api-key", "Hex API key", &["hexpm_"], "[a-z0-9]{32,64}"),
    named(
        "sonatype-token",
        "Sonatype token",
        &["sonatype", "ossrh", "nexus"],
        "[A-Za-z0-9+/]{42,46}",
    ),
];
