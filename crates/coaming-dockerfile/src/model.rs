//! The contents of a Dockerfile.

use coaming_yaml::Span;

/// A Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The stages, in their order; the last one becomes the image.
    pub stages: Vec<Stage>,
    /// The error that ended parsing early, if any.
    pub error: Option<SyntaxError>,
}

/// Where and why a text is not a valid Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// A build stage, which begins with `FROM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The name after `AS`.
    pub name: Option<String>,
    /// What it is built on.
    pub base: Base,
    /// The image after `FROM`, as it is written.
    pub image: Word,
    /// The instructions after the `FROM`.
    pub instructions: Vec<Instruction>,
}

/// What a stage is built on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// The stage at this index.
    Stage(usize),
    /// An image, by its name with all arguments filled in.
    Image(String),
    /// Only the build knows.
    Unknown,
}

/// A text and its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without quotes and escapes.
    pub text: String,
    /// As it is written.
    pub span: Span,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// All of it, from its keyword on, here-documents included.
    pub span: Span,
    /// What it does.
    pub kind: Kind,
}

/// What an instruction does, in as much detail as rules need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `RUN`, with the `--mount` options.
    Run {
        /// What is run.
        command: Command,
        /// The values of `--mount`.
        mounts: Vec<String>,
    },
    /// `USER`: the user as it is written, and with all variables filled in where they are known.
    User {
        /// As it is written, a group behind it included.
        argument: Word,
        /// The user alone, filled in; absent where only the build knows.
        user: Option<String>,
    },
    /// `ENV`: names with their values.
    Env(Vec<(Word, Word)>),
    /// `ARG`: names, with their defaults.
    Arg(Vec<(Word, Option<Word>)>),
    /// `COPY` or `ADD`.
    Copy(Source),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `CMD`.
    Cmd(Command),
    /// `HEALTHCHECK` with a command.
    Healthcheck(Command),
    /// `EXPOSE`: ports as they are written.
    Expose(Vec<Word>),
    /// `SHELL`: the words of the shell.
    Shell(Vec<String>),
    /// `ONBUILD`: what is done where an image is built on this one.
    OnBuild(Box<Kind>),
    /// Anything else.
    Other,
}

/// What `COPY` and `ADD` copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whether it is `ADD`, which also downloads and unpacks.
    pub is_add: bool,
    /// The stage or image it is copied from; absent for the build's own files.
    pub from: Option<String>,
    /// Whether a `--checksum` says what it must be.
    pub has_checksum: bool,
    /// The files; here-documents are left out.
    pub files: Vec<Word>,
    /// The destination.
    pub target: Word,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A program that no shell starts.
    Exec {
        /// Its words.
        words: Vec<Word>,
        /// The line of a shell that starts the same program with the same words.
        line: String,
    },
    /// A shell's script: comments between continued lines are blanked, so that offsets in it are
    /// offsets from the span's start.
    Shell {
        /// The script, here-documents included.
        script: String,
        /// Its span in the source.
        span: Span,
    },
}

impl Kind {
    /// The instruction itself, or what `ONBUILD` puts off.
    #[must_use]
    pub fn unwrapped(&self) -> &Self {
        match self {
            Self::OnBuild(later) => later.unwrapped(),
            kind => kind,
        }
    }
}

impl Dockerfile {
    /// The stages that the image is built from, the lowest first: the last stage, what that is
    /// built on, down to the base.
    #[must_use]
    pub fn lineage(&self) -> Vec<&Stage> {
        let mut lineage = Vec::new();
        let mut next = self.stages.len().checked_sub(1);
        // A stage is built on an earlier one: this ends.
        while let Some(stage) = next.and_then(|place| self.stages.get(place)) {
            lineage.push(stage);
            next = match stage.base {
                Base::Stage(place) => Some(place),
                _ => None,
            };
        }
        lineage.reverse();
        lineage
    }

    /// Every instruction that makes the image, in the order in which they are run.
    pub fn of_image(&self) -> impl Iterator<Item = &Instruction> {
        self.lineage().into_iter().flat_map(|stage| &stage.instructions)
    }

    /// What the image is built on in the end.
    #[must_use]
    pub fn base(&self) -> Option<&Stage> {
        self.lineage().first().copied()
    }
}
