//! `coaming image --registry`: all images of a registry.

use clap::{Args, ValueEnum};
use coaming_scan::{Shard, TagRange};

// Which images of a registry to read, and what to leave there.
#[derive(Debug, Default, Args)]
pub struct WalkArguments {
    /// Read all images of this registry, each digest once: one line of JSON (or a PolicyReport) each. With
    /// `--output`, lines are appended, and images that are in the file already are left out, so that an
    /// interrupted walk continues.
    #[arg(long, value_name = "HOST", conflicts_with = "image", help_heading = "Registry walk")]
    pub registry: Option<String>,

    /// Only repositories whose name matches this pattern (`shop/**`); may be repeated.
    #[arg(long, value_name = "GLOB", requires = "registry", help_heading = "Registry walk")]
    pub repositories: Vec<String>,

    /// Only tags that are versions in this range, such as `>=1.20, <2`.
    #[arg(long, value_name = "RANGE", requires = "registry", help_heading = "Registry walk")]
    pub tags: Option<TagRange>,

    /// Of the tags that are versions, only this many of the newest; tags with a suffix (`-alpine`) are
    /// counted apart.
    #[arg(long, value_name = "N", requires = "registry", help_heading = "Registry walk")]
    pub newest: Option<usize>,

    /// Only shard I of N of the digests, counted from 0; all N shards together read every image once.
    #[arg(
        long,
        value_name = "I/N",
        default_value = "0/1",
        hide_default_value = true,
        help_heading = "Registry walk"
    )]
    pub shard: Shard,

    /// Attach these to each image in the registry, for others to read: as OCI referrers. With `results`, an
    /// image whose results by this version and this database are attached already is not read again; anyone
    /// who can push to the repository can attach results.
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        value_delimiter = ',',
        requires = "registry",
        help_heading = "Registry walk"
    )]
    pub attach: Vec<Attach>,

    /// Share the images with other workers by a table in this PostgreSQL: each worker takes the next images, and
    /// those of a worker that died. The table `coaming_images` keeps the results, so that an interrupted walk
    /// continues. The password is in `PGPASSWORD`, or in the file that `PGPASSFILE` names.
    #[cfg(feature = "queue")]
    #[arg(
        long,
        value_name = "postgres://USER@HOST/DATABASE",
        requires = "registry",
        help_heading = "Registry walk"
    )]
    pub queue: Option<String>,

    /// The name of the walk in the queue; by default the registry with what is chosen of it. Under a new name,
    /// all images are read again.
    #[cfg(feature = "queue")]
    #[arg(long, value_name = "NAME", requires = "queue", help_heading = "Registry walk")]
    pub queue_name: Option<String>,

    /// Print a Kubernetes Job that does this walk in N shards (`--shard 0/N`), instead of doing it; with
    /// `--queue`, by N workers. The pods do not have the files of this machine: they download the database
    /// themselves.
    #[arg(
        long,
        requires = "registry",
        conflicts_with_all = ["output", "ca", "mirror", "vex", "fail_on", "config", "database", "java_index"],
        help_heading = "Registry walk"
    )]
    pub as_job: bool,
}

/// What is attached to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Attach {
    /// The packages, in CycloneDX.
    Sbom,
    /// The known vulnerabilities, in OpenVEX.
    Vex,
    /// The line of JSON.
    Results,
}

impl super::ImageArguments {
    /// The arguments with which each pod of a Job does its shard of the walk over `host`.
    #[must_use]
    pub fn job_command(&self, host: &str) -> Vec<String> {
        let walk = &self.walk;
        let mut command = vec!["image".to_owned()];
        command.extend(self.chosen(host));
        let registry = &self.origin.registry;
        command.extend(registry.plain_http.iter().map(|host| format!("--plain-http={host}")));
        let attached = walk.attach.iter().map(|what| match what {
            Attach::Sbom => "sbom",
            Attach::Vex => "vex",
            Attach::Results => "results",
        });
        command.extend(attached.map(|what| format!("--attach={what}")));
        if self.format == super::ImageFormat::PolicyReport {
            command.push("--format=policy-report".to_owned());
        }
        if self.no_cache {
            command.push("--no-cache".to_owned());
        }
        #[cfg(feature = "queue")]
        if let Some(url) = &walk.queue {
            command.push(format!("--queue={url}"));
            command.extend(walk.queue_name.iter().map(|name| format!("--queue-name={name}")));
            return command;
        }
        command.push(format!("--shard=$(JOB_COMPLETION_INDEX)/{}", walk.shard.count()));
        command
    }

    /// The arguments that decide which images of `host` are read.
    fn chosen(&self, host: &str) -> Vec<String> {
        let walk = &self.walk;
        let mut arguments = vec![format!("--registry={host}")];
        arguments.extend(walk.repositories.iter().map(|glob| format!("--repositories={glob}")));
        arguments.extend(walk.tags.iter().map(|range| format!("--tags={range}")));
        arguments.extend(walk.newest.iter().map(|newest| format!("--newest={newest}")));
        let platform = self.origin.platform.as_ref();
        arguments.extend(platform.map(|platform| format!("--platform={platform}")));
        arguments
    }

    /// The address of the queue, and the name of the walk over `host` in it.
    #[must_use]
    pub fn queue(&self, host: &str) -> Option<(&str, String)> {
        #[cfg(feature = "queue")]
        if let Some(url) = &self.walk.queue {
            let named = self.walk.queue_name.clone();
            return Some((url, named.unwrap_or_else(|| self.chosen(host).join(" "))));
        }
        // Without the feature, the name is not used.
        let _ = host;
        None
    }
}
