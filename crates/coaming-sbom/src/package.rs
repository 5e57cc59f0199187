//! A package, as SBOMs and package URLs describe it.

use serde::{Deserialize, Serialize};

/// The kinds of packages that are supported. The names are the types of package URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// Debian and its derivatives.
    Deb,
    /// Alpine, Wolfi and Chainguard.
    Apk,
    /// Red Hat, SUSE and their relatives.
    Rpm,
    /// Python.
    PyPi,
    /// Node.
    Npm,
    /// Ruby.
    Gem,
    /// Java; the name is `group:artifact`.
    Maven,
    /// PHP.
    Composer,
    /// .NET.
    NuGet,
    /// Rust.
    Cargo,
    /// Go; the standard library is the module `stdlib`.
    Golang,
    /// Erlang and Elixir.
    Hex,
    /// Dart and Flutter.
    Pub,
    /// Swift; the name is the address of the repository: `github.com/apple/swift-nio`.
    Swift,
    /// R.
    Cran,
    /// Haskell.
    Hackage,
    /// Julia.
    Julia,
    /// R, for biology.
    Bioconductor,
    /// Clojure; the name is `group:artifact`.
    Clojars,
    /// Extensions of Visual Studio Code; the name is `publisher/name`.
    #[serde(rename = "vscode-extension")]
    VsCode,
    /// Applications as Bitnami packages them.
    Bitnami,
    /// GitHub Actions, by their repositories.
    GitHub,
    /// Conda.
    Conda,
    /// C and C++.
    Conan,
    /// Arch Linux and its derivatives: pacman.
    Alpm,
    /// OpenWrt and Yocto.
    Opkg,
    /// Gentoo; the name is `category/name`.
    Ebuild,
    /// Lua.
    LuaRocks,
    /// Nix.
    Nix,
    /// Plugins of WordPress.
    #[serde(rename = "wordpress-plugin")]
    WordPress,
}

impl PackageKind {
    /// Every kind.
    pub const ALL: [Self; 30] = [
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::PyPi,
        Self::Npm,
        Self::Gem,
        Self::Maven,
        Self::Composer,
        Self::NuGet,
        Self::Cargo,
        Self::Golang,
        Self::Hex,
        Self::Pub,
        Self::Swift,
        Self::Cran,
        Self::Hackage,
        Self::Julia,
        Self::Bioconductor,
        Self::Clojars,
        Self::VsCode,
        Self::Bitnami,
        Self::GitHub,
        Self::Conda,
        Self::Conan,
        Self::Alpm,
        Self::Opkg,
        Self::Ebuild,
        Self::LuaRocks,
        Self::Nix,
        Self::WordPress,
    ];

    /// The type in a package URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::PyPi => "pypi",
            Self::Npm => "npm",
            Self::Gem => "gem",
            Self::Maven => "maven",
            Self::Composer => "composer",
            Self::NuGet => "nuget",
            Self::Cargo => "cargo",
            Self::Golang => "golang",
            Self::Hex => "hex",
            Self::Pub => "pub",
            Self::Swift => "swift",
            Self::Cran => "cran",
            Self::Hackage => "hackage",
            Self::Julia => "julia",
            Self::Bioconductor => "bioconductor",
            Self::Clojars => "clojars",
            Self::VsCode => "vscode-extension",
            Self::Bitnami => "bitnami",
            Self::GitHub => "github",
            Self::Conda => "conda",
            Self::Conan => "conan",
            Self::Alpm => "alpm",
            Self::Opkg => "opkg",
            Self::Ebuild => "ebuild",
            Self::LuaRocks => "luarocks",
            Self::Nix => "nix",
            Self::WordPress => "wordpress-plugin",
        }
    }

    /// The kind of a package URL's type; `None` for a type that is not supported.
    #[must_use]
    pub fn of_type(name: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        // Some tools have a type of their own for them.
        named.or_else(|| (name == "githubactions").then_some(Self::GitHub))
    }

    /// Whether a distribution makes such packages, which own files of other ecosystems.
    #[must_use]
    pub fn is_distribution(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm)
    }
}

/// The source package that a distribution built a package from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, which may differ from the binary package's.
    pub version: String,
}

/// A package in an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Package {
    /// Whose package it is.
    pub kind: PackageKind,
    /// Its name as its ecosystem writes it.
    pub name: String,
    /// Its version as its ecosystem writes it, with epoch and release.
    pub version: String,
    /// Its architecture, where the ecosystem names one.
    pub architecture: Option<String>,
    /// The source package it was built from, where that is known.
    pub source: Option<SourcePackage>,
    /// The file that names it, absolute in the image: `/var/lib/dpkg/status`, `/app/server`.
    pub path: String,
    /// The layer that added it, counting from 0; `None` outside layered images.
    pub layer: Option<u32>,
    /// The license as the package's own metadata words it; empty where it does not.
    pub licence: String,
    /// Its package URL.
    pub purl: String,
}

impl Package {
    /// A package of which nothing else is known, its URL included.
    #[must_use]
    pub fn new(kind: PackageKind, name: &str, version: &str, path: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: None,
            source: None,
            path: path.to_owned(),
            layer: None,
            licence: String::new(),
            purl: String::new(),
        }
    }
}
