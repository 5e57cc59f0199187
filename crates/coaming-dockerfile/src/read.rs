//! Parse a text into stages.

use coaming_yaml::Span;
use parse_dockerfile as parser;

use crate::expand::{Variables, expand};
use crate::here_document::{Masked, escape_character, mask};
use crate::{Base, Command, Dockerfile, Instruction, Kind, Source, Stage, SyntaxError, Word};

/// Reads a Dockerfile.
#[must_use]
pub fn parse(text: &str) -> Dockerfile {
    // The parser leaves a byte order mark out of its offsets.
    let offset = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let masked = mask(text.get(offset..).unwrap_or_default());
    let mut reader = Reader {
        source: text,
        offset,
        escape: escape_character(text),
        masked: &masked,
        global: Variables::new(),
        variables: Variables::new(),
        dockerfile: Dockerfile::default(),
    };
    match parser::parse_iter(&masked.text) {
        Ok(instructions) => {
            for instruction in instructions {
                match instruction {
                    Ok(instruction) => reader.take(&instruction),
                    Err(error) => reader.fail(&error),
                }
            }
        }
        Err(error) => reader.fail(&error),
    }
    reader.dockerfile
}

struct Reader<'t> {
    source: &'t str,
    /// Where the parser's text starts in the source.
    offset: usize,
    escape: char,
    masked: &'t Masked,
    global: Variables,
    /// The variables of the current stage.
    variables: Variables,
    dockerfile: Dockerfile,
}

impl Reader<'_> {
    fn fail(&mut self, error: &parser::Error) {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).max(1);
        let (line, column) = (number(error.line()), number(error.column()));
        self.dockerfile.error = Some(SyntaxError { line, column, message: format!("{error:#}") });
    }

    fn span(&self, span: &parser::Span) -> Span {
        let place = |at: usize| u32::try_from(at + self.offset).unwrap_or(u32::MAX);
        Span::new(place(span.start), place(span.end))
    }

    fn word(&self, text: &parser::UnescapedString<'_>) -> Word {
        Word { text: text.value.to_string(), span: self.span(&text.span) }
    }

    fn take(&mut self, instruction: &parser::Instruction<'_>) {
        if let parser::Instruction::From(from) = instruction {
            self.start_stage(from);
            return;
        }
        let Some((start, kind, end)) = self.kind(instruction) else { return };
        let span = Span::new(start, end.max(start));
        self.remember(&kind);
        if let Some(stage) = self.dockerfile.stages.last_mut() {
            stage.instructions.push(Instruction { span, kind });
        }
    }

    fn start_stage(&mut self, from: &parser::FromInstruction<'_>) {
        let image = self.word(&from.image);
        let named = |name: &str| {
            self.dockerfile.stages.iter().rposition(|stage| {
                stage.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name))
            })
        };
        let base = match expand(&image.text, &self.global) {
            None => Base::Unknown,
            Some(name) if name.is_empty() => Base::Unknown,
            Some(name) if name == "scratch" => Base::Scratch,
            Some(name) => named(&name).map_or(Base::Image(name), Base::Stage),
        };
        self.variables = match &base {
            // A stage inherits the environment of the stage that it is built on.
            Base::Stage(_) => std::mem::take(&mut self.variables),
            _ => Variables::new(),
        };
        let name = from.as_.as_ref().map(|(_, name)| name.value.to_string());
        self.dockerfile.stages.push(Stage { name, base, image, instructions: Vec::new() });
    }

    /// Records the variables that an instruction sets.
    fn remember(&mut self, kind: &Kind) {
        let in_stage = !self.dockerfile.stages.is_empty();
        match kind {
            Kind::Arg(arguments) => {
                for (name, default) in arguments {
                    let known = if in_stage { &self.variables } else { &self.global };
                    let value = match default {
                        Some(default) => expand(&default.text, known),
                        None => self.global.get(&name.text).cloned().flatten(),
                    };
                    let variables = if in_stage { &mut self.variables } else { &mut self.global };
                    variables.insert(name.text.clone(), value);
                }
            }
            Kind::Env(pairs) => {
                for (name, value) in pairs {
                    let value = expand(&value.text, &self.variables);
                    self.variables.insert(name.text.clone(), value);
                }
            }
            _ => {}
        }
    }

    /// Where an instruction starts, what it does, and where it ends.
    fn kind(&self, instruction: &parser::Instruction<'_>) -> Option<(u32, Kind, u32)> {
        use parser::Instruction as Is;
        let end = |text: &parser::UnescapedString<'_>| self.span(&text.span).end;
        let (keyword, kind, end) = match instruction {
            Is::Run(run) => {
                let command = self.command(&run.arguments);
                let end = command_end(&command);
                let mounts = run.options.iter().filter(|option| option.name.value == "mount");
                let mounts =
                    mounts.filter_map(|option| Some(option.value.as_ref()?.value.to_string()));
                (&run.run, Kind::Run { command, mounts: mounts.collect() }, end)
            }
            Is::User(user) => (&user.user, self.user(&user.arguments), end(&user.arguments)),
            Is::Env(env) => {
                let pairs = self.assignments(&env.arguments.span, true).into_iter();
                let pairs = pairs.filter_map(|(name, value)| Some((name, value?))).collect();
                (&env.env, Kind::Env(pairs), end(&env.arguments))
            }
            Is::Arg(arg) => {
                let pairs = self.assignments(&arg.arguments.span, false);
                (&arg.arg, Kind::Arg(pairs), end(&arg.arguments))
            }
            Is::Copy(copy) => {
                let source = self.source(false, &copy.options, &copy.src, &copy.dest);
                (&copy.copy, Kind::Copy(source), self.end_of(&copy.dest.span))
            }
            Is::Add(add) => {
                let source = self.source(true, &add.options, &add.src, &add.dest);
                (&add.add, Kind::Copy(source), self.end_of(&add.dest.span))
            }
            Is::Entrypoint(it) => {
                self.with_command(&it.entrypoint, &it.arguments, Kind::Entrypoint)
            }
            Is::Cmd(it) => self.with_command(&it.cmd, &it.arguments, Kind::Cmd),
            Is::Healthcheck(it) => match &it.arguments {
                parser::HealthcheckArguments::Cmd { arguments, .. } => {
                    self.with_command(&it.healthcheck, arguments, Kind::Healthcheck)
                }
                _ => self.other(&it.healthcheck),
            },
            Is::Expose(expose) => {
                let ports: Vec<Word> =
                    expose.arguments.iter().map(|port| self.word(port)).collect();
                let end = ports.last().map_or(0, |port| port.span.end);
                (&expose.expose, Kind::Expose(ports), end)
            }
            Is::Shell(shell) => {
                let words = shell.arguments.iter().map(|word| word.value.to_string()).collect();
                let end = shell.arguments.last().map_or(0, |word| self.span(&word.span).end);
                (&shell.shell, Kind::Shell(words), end)
            }
            Is::Label(it) => self.other(&it.label),
            Is::Maintainer(it) => self.other(&it.maintainer),
            // Docker does not allow nested `ONBUILD`.
            Is::Onbuild(it) if !matches!(*it.instruction, Is::Onbuild(_)) => {
                let (_, kind, end) = self.kind(&it.instruction)?;
                (&it.onbuild, Kind::OnBuild(Box::new(kind)), end)
            }
            Is::Onbuild(it) => self.other(&it.onbuild),
            Is::Stopsignal(it) => self.other(&it.stopsignal),
            Is::Volume(it) => self.other(&it.volume),
            Is::Workdir(it) => self.other(&it.workdir),
            Is::From(it) => self.other(&it.from),
            // Instructions that a later version of the parser knows.
            _ => return None,
        };
        Some((self.span(&keyword.span).start, kind, end))
    }

    fn other<'k>(&self, keyword: &'k parser::Keyword) -> (&'k parser::Keyword, Kind, u32) {
        (keyword, Kind::Other, self.span(&keyword.span).end)
    }

    fn with_command<'k>(
        &self,
        keyword: &'k parser::Keyword,
        command: &parser::Command<'_>,
        kind: fn(Command) -> Kind,
    ) -> (&'k parser::Keyword, Kind, u32) {
        let command = self.command(command);
        let end = command_end(&command);
        (keyword, kind(command), end)
    }

    fn user(&self, argument: &parser::UnescapedString<'_>) -> Kind {
        let argument = self.word(argument);
        let user = expand(&argument.text, &self.variables);
        let user = user.map(|user| user.split(':').next().unwrap_or_default().trim().to_owned());
        Kind::User { argument, user: user.filter(|user| !user.is_empty()) }
    }

    fn source(
        &self,
        is_add: bool,
        options: &[parser::Flag<'_>],
        files: &[parser::Source<'_>],
        target: &parser::UnescapedString<'_>,
    ) -> Source {
        let option = |name: &str| {
            let option = options.iter().find(|option| option.name.value == name)?;
            Some(option.value.as_ref()?.value.to_string())
        };
        let files = files.iter().filter_map(|file| match file {
            parser::Source::Path(path) => Some(self.word(path)),
            _ => None,
        });
        Source {
            is_add,
            from: option("from"),
            has_checksum: option("checksum").is_some(),
            // A hidden here-document.
            files: files.filter(|file| !file.span.text(self.source).starts_with("<<")).collect(),
            target: self.word(target),
        }
    }

    /// The end of what starts in this span of the parser's text: of its last here-document, if any.
    fn end_of(&self, span: &parser::Span) -> u32 {
        let of_line = self.masked.text.get(span.start..).and_then(|rest| rest.find('\n'));
        let line_end = of_line.map_or(self.masked.text.len(), |length| span.start + length);
        let documents = &self.masked.documents;
        let last = documents.iter().rfind(|(marker, _)| *marker < line_end.max(span.end));
        let end = last.map_or(span.end, |(_, end)| span.end.max(*end));
        self.span(&(span.start..end)).end
    }

    fn command(&self, command: &parser::Command<'_>) -> Command {
        match command {
            parser::Command::Exec(words) => {
                exec(words.value.iter().map(|word| self.word(word)).collect())
            }
            parser::Command::Shell(script) => self.script(&script.span),
            _ => exec(Vec::new()),
        }
    }

    fn script(&self, span: &parser::Span) -> Command {
        let end = self.end_of(span);
        let (start, text_end) = (self.span(span).start, self.span(span).end);
        let text = Span::new(start, text_end).text(self.source);
        let mut script = join_lines(text, self.escape);
        let documents = Span::new(text_end, end).text(self.source);
        if script.trim_start().starts_with("<<") {
            // The document alone is the script, or the input of the program that it names.
            script = " ".repeat(script.len()) + &shell_document(documents);
        } else {
            script.push_str(documents);
        }
        Command::Shell { script, span: Span::new(start, end) }
    }

    /// Names and values: `A=b C="d e"`, and the old `A b c` where that is allowed.
    fn assignments(&self, span: &parser::Span, old_form: bool) -> Vec<(Word, Option<Word>)> {
        let span = self.span(span);
        let text = join_lines(span.text(self.source), self.escape);
        let place = |at: usize| span.start + u32::try_from(at).unwrap_or(u32::MAX);
        let first_end = text.find(char::is_whitespace).unwrap_or(text.len());
        let first = text.get(..first_end).unwrap_or_default();
        if old_form && !first.contains('=') {
            let value = text.get(first_end..).unwrap_or_default();
            let start = first_end + value.len() - value.trim_start().len();
            let name =
                Word { text: first.to_owned(), span: Span::new(span.start, place(first_end)) };
            let value = value.trim();
            let end = place(start + value.len());
            let value = Word { text: value.to_owned(), span: Span::new(place(start), end) };
            return vec![(name, Some(value))];
        }
        shell_words(&text, self.escape)
            .into_iter()
            .map(|(start, end, word)| match word.split_once('=') {
                Some((name, value)) => {
                    let name_end = start + name.len();
                    let name = Word {
                        text: name.to_owned(),
                        span: Span::new(place(start), place(name_end)),
                    };
                    let span = Span::new(place(name_end + 1), place(end));
                    (name, Some(Word { text: value.to_owned(), span }))
                }
                None => {
                    let span = Span::new(place(start), place(end));
                    (Word { text: word, span }, None)
                }
            })
            .collect()
    }
}

fn exec(words: Vec<Word>) -> Command {
    let quoted = words.iter().map(|word| format!("'{}'", word.text.replace('\'', r"'\''")));
    let line = quoted.collect::<Vec<String>>().join(" ");
    Command::Exec { words, line }
}

fn command_end(command: &Command) -> u32 {
    match command {
        Command::Exec { words, .. } => words.last().map_or(0, |word| word.span.end),
        Command::Shell { span, .. } => span.end,
    }
}

/// The same text with comments and blank lines between continued lines blanked, and the escape
/// character a shell's; as long as it was, byte for byte.
fn join_lines(text: &str, escape: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut continued = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if continued && (content.is_empty() || content.starts_with('#')) {
            out.extend(std::iter::repeat_n(' ', line.len()));
            continue;
        }
        continued = line.trim_end().ends_with(escape);
        if continued && line.ends_with('\n') {
            // Blanks behind the escape character are ignored by the builder.
            let kept = line.trim_end().len() - escape.len_utf8();
            out.push_str(line.get(..kept).unwrap_or_default());
            out.extend(std::iter::repeat_n(' ', line.len() - kept - 2));
            out.push_str("\\\n");
        } else {
            out.push_str(line);
        }
    }
    out
}

/// The lines of a here-document that a shell runs, the last line blanked; all of it blanked where
/// another program does.
fn shell_document(document: &str) -> String {
    let first = document.trim_start().lines().next().unwrap_or_default();
    let program = first.strip_prefix("#!").unwrap_or("sh");
    let body = document.trim_end_matches(['\n', '\r']);
    let body_end = body.rfind('\n').map_or(0, |newline| newline + 1);
    let is_shell = program.split(['/', ' ']).any(|part| part.ends_with("sh"));
    let kept = if is_shell { document.get(..body_end).unwrap_or_default() } else { "" };
    let blank: String =
        document.get(kept.len()..).unwrap_or_default().bytes().map(|_| ' ').collect();
    kept.to_owned() + &blank
}

/// Words with their places, quotes and escapes taken off.
fn shell_words(text: &str, escape: char) -> Vec<(usize, usize, String)> {
    let mut words = Vec::new();
    let (mut word, mut start) = (String::new(), None);
    let (mut quote, mut escaped) = (None, false);
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
            if character != '\n' {
                start.get_or_insert(at);
                word.push(character);
            }
            continue;
        }
        match (quote, character) {
            (None, space) if space.is_whitespace() => {
                if let Some(start) = start.take() {
                    words.push((start, at, std::mem::take(&mut word)));
                }
            }
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => {
                start.get_or_insert(at);
                quote = Some(character);
            }
            (Some('"') | None, c) if c == escape || c == '\\' => escaped = true,
            (_, other) => {
                start.get_or_insert(at);
                word.push(other);
            }
        }
    }
    if let Some(start) = start {
        words.push((start, text.len(), word));
    }
    words
}
