//! Enough of a shell's grammar to see which programs a command line starts.
//!
//! Words and quotes are taken apart as a POSIX shell does; expansions are left as they stand. What
//! `sh -c` is given is read as a script of its own. Commands joined by pipes stay together, so
//! that a download piped into a shell can be told from either alone.

/// A simple command: its words, without the assignments before it.
pub(crate) type Command = Vec<String>;

/// Commands whose output runs into each other.
pub(crate) type Pipeline = Vec<Command>;

/// How deep `sh -c "sh -c …"` is followed.
const MAX_NESTING: usize = 4;

/// Longer scripts are not read: 64 KiB.
const MAX_SCRIPT: usize = 64 << 10;

/// The pipelines that a container's `command` and `args` start, in the order of the text.
pub(crate) fn pipelines<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<Pipeline> {
    let command: Command = words.into_iter().map(str::to_owned).collect();
    let mut found = Vec::new();
    expand(vec![command], MAX_NESTING, &mut found);
    found
}

/// Adds a pipeline, and what the shells in it are told to run.
fn expand(pipeline: Pipeline, depth: usize, found: &mut Vec<Pipeline>) {
    let scripts: Vec<String> =
        pipeline.iter().filter_map(|command| script_of(command)).map(str::to_owned).collect();
    found.push(pipeline);
    if depth == 0 {
        return;
    }
    for script in scripts.iter().filter(|script| script.len() <= MAX_SCRIPT) {
        for inner in parse(script) {
            expand(inner, depth - 1, found);
        }
    }
}

/// What a shell is told to run: `sh -c SCRIPT`, `bash -exc SCRIPT`.
fn script_of(command: &[String]) -> Option<&str> {
    let words = without_wrappers(command);
    let (program, rest) = words.split_first()?;
    if !is_shell(program_name(program)) {
        return None;
    }
    let flag = rest
        .iter()
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'))?;
    rest.get(flag + 1).map(String::as_str)
}

/// Whether a program reads and runs a script.
pub(crate) fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh")
}

/// The last part of a program's path.
pub(crate) fn program_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// A command without what only changes how it is run: `sudo`, `env X=1`, `exec`, `time` …
pub(crate) fn without_wrappers(command: &[String]) -> &[String] {
    let mut words = command;
    while let Some((first, rest)) = words.split_first() {
        let wrapper = matches!(
            program_name(first),
            "sudo"
                | "env"
                | "exec"
                | "command"
                | "nohup"
                | "time"
                | "nice"
                | "doas"
                | "tini"
                | "dumb-init"
        );
        let keyword = matches!(
            first.as_str(),
            "if" | "then" | "else" | "do" | "while" | "until" | "!" | "{" | "("
        );
        let assignment = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let option = words.len() < command.len() && first.starts_with('-');
        if !(wrapper || keyword || assignment || option) {
            break;
        }
        words = rest;
    }
    words
}

/// Takes a script apart.
pub(crate) fn parse(script: &str) -> Vec<Pipeline> {
    let mut parser = Parser::default();
    let mut characters = script.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) => parser.push(escaped),
            },
            '\'' => {
                parser.in_word = true;
                parser.word.extend(characters.by_ref().take_while(|&c| c != '\''));
            }
            '"' => {
                parser.in_word = true;
                while let Some(inner) = characters.next() {
                    match inner {
                        '"' => break,
                        '\\' => parser.word.extend(characters.next()),
                        other => parser.word.push(other),
                    }
                }
            }
            '#' if !parser.in_word => while characters.next_if(|&c| c != '\n').is_some() {},
            '|' if characters.next_if_eq(&'|').is_some() => parser.end_pipeline(),
            '|' => {
                characters.next_if_eq(&'&');
                parser.end_command();
            }
            '&' if characters.next_if_eq(&'>').is_some() => parser.end_word(),
            '&' if parser.word.ends_with('>') => parser.push('&'),
            ';' | '&' | '\n' | '(' | ')' | '`' => parser.end_pipeline(),
            space if space.is_whitespace() => parser.end_word(),
            other => parser.push(other),
        }
    }
    parser.end_pipeline();
    parser.pipelines
}

#[derive(Default)]
struct Parser {
    word: String,
    in_word: bool,
    command: Command,
    pipeline: Pipeline,
    pipelines: Vec<Pipeline>,
}

impl Parser {
    fn push(&mut self, character: char) {
        self.in_word = true;
        self.word.push(character);
    }

    fn end_word(&mut self) {
        if self.in_word {
            self.command.push(std::mem::take(&mut self.word));
            self.in_word = false;
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.command.is_empty() {
            self.pipeline.push(std::mem::take(&mut self.command));
        }
    }

    fn end_pipeline(&mut self) {
        self.end_command();
        if !self.pipeline.is_empty() {
            self.pipelines.push(std::mem::take(&mut self.pipeline));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> String {
        let command = |command: &Command| command.join(" ");
        let pipeline =
            |pipeline: &Pipeline| pipeline.iter().map(command).collect::<Vec<_>>().join(" | ");
        parse(script).iter().map(pipeline).collect::<Vec<_>>().join(" ; ")
    }

    #[test]
    fn takes_scripts_apart() {
        assert_eq!(shown("a 'b c' && d \"e|f\" | g; h # i\nj"), "a b c ; d e|f | g ; h ; j");
        assert_eq!(shown("x 2>&1 | y"), "x 2>&1 | y");
        assert_eq!(shown("a \\\n b || c & d"), "a b ; c ; d");
        assert_eq!(shown("'unclosed"), "unclosed");
    }

    #[test]
    fn follows_shells() {
        let all = pipelines(["/bin/sh", "-ec", "sudo X=1 bash -c 'apk add curl'"]);
        assert_eq!(all.last().unwrap()[0], ["apk", "add", "curl"]);
        let words: Vec<String> = ["env", "-i", "A=b", "npm", "i"].map(String::from).to_vec();
        assert_eq!(without_wrappers(&words), ["npm", "i"]);
    }
}
