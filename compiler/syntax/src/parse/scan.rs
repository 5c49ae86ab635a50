//! What is checked on the raw text before the recogniser runs: limits, brackets, numbers and characters.
//!
//! The recogniser and the passes behind it recurse with the nesting of the text, so the nesting must be bounded first. The
//! rest is here because a message about one character or one bracket is better than "expected this, found that".

use super::lex::{Lexer, Token, TokenKind, plain_number_len};
use crate::error::parse::{BracketError, LexicalError, LimitError};
use crate::limits::{MAX_DIAGNOSTICS, MAX_FILE_BYTES, MAX_NAME_BYTES, MAX_NESTING};
use ein_grammar::KEYWORDS;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::{FileId, Span};

/// What the scan found.
pub(super) struct Scanned {
    /// Every comment, in order.
    pub(super) comments: Vec<Span>,
    /// Empty if the recogniser may run.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Scans a whole text.
pub(super) fn scan(source: &str, file: FileId) -> Scanned {
    let mut scanner = Scanner::new(file);
    if source.len() > MAX_FILE_BYTES {
        scanner.report(LimitError::FileTooLong { bytes: source.len(), limit: MAX_FILE_BYTES });
        return scanner.out;
    }
    for token in Lexer::new(source) {
        scanner.token(&token, source);
        if scanner.out.diagnostics.len() >= MAX_DIAGNOSTICS {
            return scanner.out;
        }
    }
    scanner.finish(source);
    scanner.out
}

/// An open bracket, and the counts outside it.
struct Frame {
    open: char,
    span: Span,
    outer: Nesting,
}

/// How deep the text is nested at one place.
#[derive(Clone, Copy, Default)]
struct Nesting {
    /// Levels outside the innermost bracket, and that bracket.
    brackets: usize,
    /// `if` since the last separator: each holds everything to its right.
    conditionals: usize,
    /// Prefix operators and `^` in a row.
    run: usize,
}

impl Nesting {
    const fn level(self) -> usize {
        self.brackets + self.conditionals + self.run
    }
}

struct Scanner {
    file: FileId,
    frames: Vec<Frame>,
    here: Nesting,
    /// Whether the last token ends an operand, so that `-` after it is a difference.
    after_operand: bool,
    /// One bracket mistake is enough: the ones behind it follow from it.
    brackets_wrong: bool,
    too_deep: bool,
    /// End of the last token, for `.5`.
    last_end: usize,
    out: Scanned,
}

impl Scanner {
    const fn new(file: FileId) -> Self {
        Self {
            file,
            frames: Vec::new(),
            here: Nesting { brackets: 0, conditionals: 0, run: 0 },
            after_operand: false,
            brackets_wrong: false,
            too_deep: false,
            last_end: 0,
            out: Scanned { comments: Vec::new(), diagnostics: Vec::new() },
        }
    }

    fn report(&mut self, mistake: impl Into<Diagnostic>) {
        self.out.diagnostics.push(mistake.into());
    }

    fn span(&self, start: usize, end: usize) -> Span {
        super::span_of(self.file, start, end)
    }

    fn token(&mut self, token: &Token<'_>, source: &str) {
        let span = self.span(token.start, token.end());
        match token.kind {
            TokenKind::Comment => {
                self.out.comments.push(span);
                return;
            }
            TokenKind::Word => self.word(token.text, span),
            TokenKind::Number => self.number(token, span, source),
            TokenKind::Text { terminated } => {
                if !terminated {
                    let line = source.get(token.start..).and_then(|rest| rest.find('\n')).unwrap_or(token.text.len());
                    let span = self.span(token.start, token.start + line);
                    self.report(LexicalError::UnterminatedString { span });
                    // Everything behind the quote was swallowed: bracket mistakes would be noise.
                    self.brackets_wrong = true;
                }
            }
            TokenKind::Symbol => self.symbol(token, span, source),
            TokenKind::Stray(character) => {
                self.report(LexicalError::StrayCharacter { character, span, replacement: replacement(character) });
            }
        }
        self.last_end = token.end();
        if !self.too_deep && self.here.level() > MAX_NESTING {
            self.too_deep = true;
            self.report(LimitError::TooDeep { limit: MAX_NESTING, span });
        }
    }

    fn word(&mut self, text: &str, span: Span) {
        if text.len() > MAX_NAME_BYTES {
            self.report(LimitError::NameTooLong { bytes: text.len(), limit: MAX_NAME_BYTES, span });
        } else if !text.is_ascii() {
            self.report(LexicalError::NonAsciiName { name: text.to_owned(), span });
        }
        match text {
            "if" => self.here.conditionals += 1,
            "not" => self.here.run += 1,
            "and" | "or" | "then" | "else" => self.here.run = 0,
            "use" | "dim" | "const" | "reducer" | "def" | "derive" | "export" | "hint" => {
                self.unclosed(span, format!("`{text}` begins a new declaration"));
            }
            _ => {}
        }
        self.after_operand = !KEYWORDS.contains(&text) || matches!(text, "true" | "false");
    }

    fn number(&mut self, token: &Token<'_>, span: Span, source: &str) {
        self.after_operand = true;
        let tail = source.get(token.end()..).unwrap_or("");
        if tail.starts_with('.') && !tail.starts_with("..") {
            let span = self.span(token.start, token.end() + 1);
            let text = format!("{}.", token.text);
            let help = Some(format!("`{}.0`", token.text));
            self.report(LexicalError::BadNumber { text, reason: "digits must follow the point", span, help });
            return;
        }
        let (number, suffix) = token.text.split_at(plain_number_len(token.text));
        if matches!(suffix, "" | "im" | "KiB" | "MiB" | "GiB" | "ms" | "us") {
            return;
        }
        let (reason, help) = explain_suffix(token.text, number, suffix);
        self.report(LexicalError::BadNumber { text: token.text.to_owned(), reason, span, help });
    }

    fn symbol(&mut self, token: &Token<'_>, span: Span, source: &str) {
        match token.text {
            "(" => return self.open('(', span),
            "[" => return self.open('[', span),
            "{" => return self.open('{', span),
            ")" => return self.close(')', span),
            "]" => return self.close(']', span),
            "}" => return self.close('}', span),
            "**" => self.foreign(token, "^", span),
            "&&" | "&" => self.foreign(token, "and", span),
            "||" => self.foreign(token, "or", span),
            "!" => self.foreign(token, "not", span),
            "." if token.start != self.last_end => self.leading_point(token, source),
            ";" => {
                if self.frames.last().is_some_and(|frame| frame.open != '{') {
                    self.unclosed(span, "the equation ends here".to_owned());
                }
                self.separate();
            }
            "," => self.separate(),
            "^" => self.here.run += 1,
            "-" if !self.after_operand => self.here.run += 1,
            "|" | "." | ".." | ":" => {}
            _ => self.here.run = 0,
        }
        self.after_operand = token.text == "|";
    }

    fn foreign(&mut self, token: &Token<'_>, replacement: &'static str, span: Span) {
        self.report(LexicalError::ForeignOperator { operator: token.text.to_owned(), replacement, span });
    }

    /// `.5`: a point that follows no token directly, and a digit directly follows it.
    fn leading_point(&mut self, token: &Token<'_>, source: &str) {
        let Some(next) = Lexer::starting_at(source, token.end()).next() else { return };
        if next.kind == TokenKind::Number && next.start == token.end() {
            let text = format!(".{}", next.text);
            let span = self.span(token.start, next.end());
            let help = Some(format!("`0{text}`"));
            self.report(LexicalError::BadNumber { text, reason: "digits must stand before the point", span, help });
        }
    }

    fn open(&mut self, open: char, span: Span) {
        self.frames.push(Frame { open, span, outer: self.here });
        self.here = Nesting { brackets: self.here.level() + 1, ..Nesting::default() };
        self.after_operand = false;
    }

    fn close(&mut self, close: char, span: Span) {
        self.after_operand = true;
        let Some(frame) = self.frames.pop() else {
            self.bracket_error(BracketError::UnopenedBracket { close, span });
            return;
        };
        self.here = frame.outer;
        if close != partner(frame.open) {
            self.bracket_error(BracketError::MismatchedBracket { open: frame.open, open_span: frame.span, close, span });
        }
        if close == '}' {
            self.separate();
        }
    }

    /// A separator ends every `if` and every run of prefix operators since the innermost bracket.
    const fn separate(&mut self) {
        self.here = Nesting { brackets: self.here.brackets, conditionals: 0, run: 0 };
    }

    fn unclosed(&mut self, noticed: Span, reason: String) {
        if let Some(frame) = self.frames.last() {
            let mistake = BracketError::UnclosedBracket { open: frame.open, span: frame.span, noticed, reason };
            self.bracket_error(mistake);
        }
    }

    fn bracket_error(&mut self, mistake: BracketError) {
        if !self.brackets_wrong {
            self.brackets_wrong = true;
            self.report(mistake);
        }
    }

    fn finish(&mut self, source: &str) {
        let end = self.span(source.len(), source.len());
        self.unclosed(end, "the file ends here".to_owned());
    }
}

/// The bracket that closes `open`.
const fn partner(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Why `text` is no number, and what was probably meant.
fn explain_suffix(text: &str, number: &str, suffix: &str) -> (&'static str, Option<String>) {
    if suffix.chars().all(|c| c.is_ascii_digit() || c == '_') {
        return ("digits are not grouped", Some(format!("`{}`", text.replace('_', ""))));
    }
    if matches!(suffix, "e" | "E") {
        return ("digits must follow the exponent sign", Some(format!("`{number}e0`")));
    }
    if matches!(suffix, "i" | "j") {
        return ("the imaginary unit is `im`", Some(format!("`{number}im`")));
    }
    ("a name cannot begin with a digit", Some(format!("`{number}*{suffix}`")))
}

/// What the author of a character beyond ASCII probably meant.
const fn replacement(character: char) -> Option<&'static str> {
    Some(match character {
        '×' | '·' | '⋅' | '∗' | '∙' => "*",
        '−' | '–' | '—' => "-",
        '÷' | '∕' => "/",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '→' => "->",
        '²' => "^2",
        '³' => "^3",
        '∑' => "sum[k](…)",
        '∏' => "prod[k](…)",
        '∞' => "inf",
        '∧' => "and",
        '∨' => "or",
        '¬' => "not",
        '√' => "sqrt(…)",
        '“' | '”' | '„' => "\"",
        '…' => "..b",
        _ => return None,
    })
}
