//! Enough of a shell's grammar to see which programs a script starts, and what runs into what.
//!
//! Words, quotes, redirections and here-documents are parsed like in a POSIX shell; expansions are
//! left as written, but the scripts in command and process substitutions are stored with the word
//! that contains them. Parsing takes time linear in the script and never panics: an unclosed
//! construct ends with the script.

/// A word as the shell would pass it on, but without expansions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Its text without quotes.
    pub(super) text: String,
    /// The scripts whose output it takes in: those of `$(…)`, `` `…` `` and `<(…)`.
    pub(super) scripts: Vec<String>,
}

impl Word {
    /// A word without expansions.
    pub(super) fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), scripts: Vec::new() }
    }
}

/// A simple command: a program with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// The words, assignments and keywords before the program included.
    pub(super) words: Vec<Word>,
    /// The files that its output goes to.
    pub(super) outputs: Vec<String>,
    /// What it reads, if the script itself says that.
    pub(super) input: Option<String>,
}

/// Commands whose output runs into each other.
pub(super) type Pipeline = Vec<Command>;

/// Parses a script.
pub(super) fn parse(script: &str) -> Vec<Pipeline> {
    let mut parser = Parser { rest: script, ..Parser::default() };
    parser.script();
    parser.pipelines
}

/// What the next word is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expects {
    #[default]
    Argument,
    Output,
    Input,
    InputText,
    HereDocument {
        strip_tabs: bool,
    },
}

/// A here-document whose text follows the line.
#[derive(Debug)]
struct Pending {
    pipeline: usize,
    command: usize,
    delimiter: String,
    strip_tabs: bool,
}

#[derive(Default)]
struct Parser<'s> {
    rest: &'s str,
    word: Word,
    in_word: bool,
    expects: Expects,
    command: Command,
    pipeline: Pipeline,
    pipelines: Vec<Pipeline>,
    pending: Vec<Pending>,
}

impl<'s> Parser<'s> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = self.rest.get(character.len_utf8()..).unwrap_or_default();
        Some(character)
    }

    fn take(&mut self, prefix: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(prefix) else { return false };
        self.rest = rest;
        true
    }

    fn script(&mut self) {
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape(),
                '\'' => self.single_quotes(),
                '"' => self.double_quotes(),
                '$' => self.dollar(),
                '`' => self.backquotes(),
                '#' if !self.in_word => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                }
                '<' | '>' => self.redirection(character),
                '\n' => {
                    self.end_pipeline();
                    self.here_documents();
                }
                '|' | '&' | ';' | '(' | ')' => self.operator(character),
                space if space.is_whitespace() => self.end_word(),
                other => self.push(other),
            }
        }
        self.end_pipeline();
    }

    fn operator(&mut self, character: char) {
        match character {
            '|' if !self.take("|") => {
                self.take("&");
                self.end_command();
            }
            '&' if self.rest.starts_with('>') => {
                self.end_word();
                self.next();
                self.redirection('>');
            }
            _ => self.end_pipeline(),
        }
    }

    fn push(&mut self, character: char) {
        self.in_word = true;
        self.word.text.push(character);
    }

    fn escape(&mut self) {
        match self.next() {
            Some('\n') | None => {}
            Some(escaped) => self.push(escaped),
        }
    }

    fn single_quotes(&mut self) {
        self.in_word = true;
        let end = self.rest.find('\'').unwrap_or(self.rest.len());
        self.word.text.push_str(self.rest.get(..end).unwrap_or_default());
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
    }

    fn double_quotes(&mut self) {
        self.in_word = true;
        while let Some(character) = self.next() {
            match character {
                '"' => break,
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(escaped @ ('"' | '\\' | '$' | '`')) => self.push(escaped),
                    Some(other) => self.word.text.extend(['\\', other]),
                },
                '$' => self.dollar(),
                '`' => self.backquotes(),
                other => self.push(other),
            }
        }
    }

    /// What follows a `$`: a substitution, whose script is kept, or anything else.
    fn dollar(&mut self) {
        self.push('$');
        if self.rest.starts_with("((") {
            self.push_enclosed('(', ')');
        } else if self.rest.starts_with('{') {
            self.push_enclosed('{', '}');
        } else if self.rest.starts_with('(') {
            let script = self.push_enclosed('(', ')');
            self.word.scripts.push(script);
        }
    }

    /// Reads the next token, which is in these brackets, and returns the text between them.
    fn push_enclosed(&mut self, open: char, close: char) -> String {
        let length = enclosed(self.rest, open, close);
        let text = self.rest.get(..length).unwrap_or_default();
        self.word.text.push_str(text);
        self.rest = self.rest.get(length..).unwrap_or_default();
        let inner = text.strip_prefix(open).unwrap_or(text);
        inner.strip_suffix(close).unwrap_or(inner).to_owned()
    }

    fn backquotes(&mut self) {
        self.in_word = true;
        let mut script = String::new();
        while let Some(character) = self.next() {
            match character {
                '`' => break,
                '\\' => script.extend(self.next()),
                other => script.push(other),
            }
        }
        self.word.text.push('`');
        self.word.text.push_str(&script);
        self.word.text.push('`');
        self.word.scripts.push(script);
    }

    fn redirection(&mut self, direction: char) {
        if self.rest.starts_with('(') {
            self.push(direction);
            let script = self.push_enclosed('(', ')');
            self.word.scripts.push(script);
            return;
        }
        // A number right before is the one of the file descriptor.
        if self.in_word && self.word.text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.word = Word::default();
            self.in_word = false;
        }
        self.end_word();
        self.expects = if direction == '>' {
            self.take(">");
            self.take("|");
            Expects::Output
        } else if self.take("<<") {
            Expects::InputText
        } else if self.take("<") {
            Expects::HereDocument { strip_tabs: self.take("-") }
        } else {
            self.take(">");
            Expects::Input
        };
        self.take("&");
    }

    fn end_word(&mut self) {
        if !self.in_word {
            return;
        }
        self.in_word = false;
        let word = std::mem::take(&mut self.word);
        match std::mem::take(&mut self.expects) {
            Expects::Argument => self.command.words.push(word),
            Expects::Output => self.command.outputs.push(word.text),
            // What a file holds is not known; but what a substitution gives is what it runs.
            Expects::Input if word.scripts.is_empty() => {}
            Expects::Input => self.command.words.push(word),
            Expects::InputText => self.command.input = Some(word.text),
            Expects::HereDocument { strip_tabs } => self.pending.push(Pending {
                pipeline: self.pipelines.len(),
                command: self.pipeline.len(),
                delimiter: word.text,
                strip_tabs,
            }),
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.expects = Expects::Argument;
        let command = std::mem::take(&mut self.command);
        let here = (self.pipelines.len(), self.pipeline.len());
        let reads = self.pending.last().is_some_and(|it| (it.pipeline, it.command) == here);
        if reads || command != Command::default() {
            self.pipeline.push(command);
        }
    }

    fn end_pipeline(&mut self) {
        self.end_command();
        if !self.pipeline.is_empty() {
            self.pipelines.push(std::mem::take(&mut self.pipeline));
        }
    }

    /// Reads the here-documents that the line before has announced.
    fn here_documents(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let mut text = String::new();
            while !self.rest.is_empty() {
                let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
                let line = self.rest.get(..end).unwrap_or_default();
                self.rest = self.rest.get(end..).unwrap_or_default();
                let line = if pending.strip_tabs { line.trim_start_matches('\t') } else { line };
                if line.trim_end_matches(['\n', '\r']) == pending.delimiter {
                    break;
                }
                text.push_str(line);
            }
            let command = self
                .pipelines
                .get_mut(pending.pipeline)
                .and_then(|pipeline| pipeline.get_mut(pending.command));
            if let Some(command) = command {
                command.input = Some(text);
            }
        }
    }
}

/// How long the bracketed text is that `text` starts with, brackets included; quotes count.
fn enclosed(text: &str, open: char, close: char) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (position, character) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, character) {
            (Some('\''), '\\') => {}
            (_, '\\') => escaped = true,
            (Some(open_quote), _) => {
                if character == open_quote {
                    quote = None;
                }
            }
            (None, '\'' | '"') => quote = Some(character),
            (None, _) if character == open => depth += 1,
            (None, _) if character == close => {
                depth -= 1;
                if depth == 0 {
                    return position + character.len_utf8();
                }
            }
            (None, _) => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> String {
        let command = |command: &Command| {
            let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
            let mut text = words.join(" ");
            for output in &command.outputs {
                text.push_str(&format!(" >{output}"));
            }
            if let Some(input) = &command.input {
                text.push_str(&format!(" <{input:?}"));
            }
            text
        };
        let pipeline =
            |pipeline: &Pipeline| pipeline.iter().map(command).collect::<Vec<_>>().join(" | ");
        parse(script).iter().map(pipeline).collect::<Vec<_>>().join(" ; ")
    }

    #[test]
    fn words_and_operators() {
        assert_eq!(shown("a 'b c' && d \"e|f\" | g; h # i\nj"), "a b c ; d e|f | g ; h ; j");
        assert_eq!(shown("a \\\n b || c & d |& e"), "a b ; c ; d | e");
        assert_eq!(shown("(a; b) && { c; }"), "a ; b ; { c ; }");
        assert_eq!(shown(r#"a "b\"c\d" e\ f x#y"#), r#"a b"c\d e f x#y"#);
        assert_eq!(shown("a '' \"\""), "a  ");
        assert_eq!(shown("'unclosed"), "unclosed");
        assert_eq!(shown("\"unclosed $(a"), "unclosed $(a");
    }

    #[test]
    fn redirections() {
        assert_eq!(shown("x 2>&1 | y"), "x >1 | y");
        assert_eq!(shown("x >a >>b 2>/dev/null <c &>d y"), "x y >a >b >/dev/null >d");
        assert_eq!(shown("x <<< 'a b'"), "x <\"a b\"");
    }

    #[test]
    fn here_documents() {
        assert_eq!(shown("cat <<EOF >f\na; b\nEOF\nc"), "cat >f <\"a; b\\n\" ; c");
        assert_eq!(shown("a <<-'E' | b\n\tx\n\tE\nc"), "a <\"x\\n\" | b ; c");
        assert_eq!(shown("a <<X && b <<Y\n1\nX\n2\nY"), "a <\"1\\n\" ; b <\"2\\n\"");
        assert_eq!(shown("a <<EOF\nunclosed"), "a <\"unclosed\"");
    }

    #[test]
    fn substitutions_keep_their_scripts() {
        let scripts = |script: &str| -> Vec<String> {
            parse(script)
                .into_iter()
                .flatten()
                .flat_map(|command| command.words)
                .flat_map(|word| word.scripts)
                .collect()
        };
        assert_eq!(scripts("a \"$(b \"$(c ')')\")\" `d`"), ["b \"$(c ')')\"", "d"]);
        assert_eq!(scripts("bash <(curl x) < <(y)"), ["curl x", "y"]);
        assert!(scripts("a '$(b)' $((1 + 2)) ${c:-(d)} \\$(e)").is_empty());
    }

    #[test]
    fn nothing_makes_it_panic() {
        let script = "a <<E | (b \"$(c `d` ${e:-'f'})\" 2>&1 &> g; h <<< i) && \\\n'ü' <(j\nE\n";
        for start in 0..script.len() {
            for end in start..=script.len() {
                if let Some(part) = script.get(start..end) {
                    let _ = parse(part);
                }
            }
        }
    }
}
