//! "Expected this, found that", in the words of the language reference.

use super::lex::{Lexer, Token, TokenKind};
use super::span_of;
use crate::error::parse::{LimitError, TokenError};
use crate::limits::MAX_NESTING;
use ein_grammar::{KEYWORDS, Rule, display_name};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::near::nearest;
use ein_ir::span::{FileId, Span};
use pest::error::{Error, ErrorVariant, InputLocation};

/// Most alternatives named in one message.
const MAX_NAMED: usize = 6;

/// Turns the failure of the recogniser into a message.
pub(super) fn explain(source: &str, file: FileId, error: &Error<Rule>) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        // The recogniser ran out of stack: the caller's thread is smaller than the limits assume.
        return LimitError::TooDeep { limit: MAX_NESTING, span: span_of(file, at, at) }.into();
    };
    Failure::new(source, file, at, positives).explain()
}

/// Where the recogniser stopped, and what it would have taken there.
struct Failure<'s> {
    file: FileId,
    source: &'s str,
    /// The last token before the failure, comments aside.
    before: Option<Token<'s>>,
    /// The token that it could not take, and the one behind it.
    found: Option<Token<'s>>,
    next: Option<Token<'s>>,
    expected: &'s [Rule],
}

impl<'s> Failure<'s> {
    fn new(source: &'s str, file: FileId, at: usize, expected: &'s [Rule]) -> Self {
        let mut before = None;
        let mut following = Vec::new();
        for token in Lexer::new(source).filter(|token| token.kind != TokenKind::Comment) {
            if token.end() <= at {
                before = Some(token);
            } else {
                following.push(token);
                if following.len() == 2 {
                    break;
                }
            }
        }
        let mut following = following.into_iter();
        Self { file, source, before, found: following.next(), next: following.next(), expected }
    }

    fn explain(&self) -> Diagnostic {
        if let Some(diagnostic) = self.missing_semicolon() {
            return diagnostic;
        }
        if let Some(keyword) = self.keyword_as_name() {
            return TokenError::KeywordAsName { keyword: keyword.to_owned(), span: self.found_span() }.into();
        }
        TokenError::UnexpectedToken { expected: self.expected_text(), found: self.found_text(), span: self.found_span(), help: self.help() }
            .into()
    }

    /// A statement may end here, and what follows stands on a later line or closes the block.
    fn missing_semicolon(&self) -> Option<Diagnostic> {
        let before = self.before.filter(|_| self.expects(Rule::semicolon))?;
        let start = self.found.map_or(self.source.len(), |token| token.start);
        let new_line = self.source.get(before.end()..start).is_some_and(|between| between.contains('\n'));
        if !new_line && self.found.is_some_and(|token| token.text != "}") {
            return None;
        }
        let after = span_of(self.file, before.start, before.end()).after();
        Some(TokenError::MissingSemicolon { after, found: self.found_text(), next: self.found_span() }.into())
    }

    /// A keyword where a name may stand, followed by what follows names.
    fn keyword_as_name(&self) -> Option<&'s str> {
        let found = self.found.filter(|token| KEYWORDS.contains(&token.text))?;
        let only_names =
            self.expected.iter().all(|rule| matches!(rule, Rule::ident | Rule::row | Rule::param | Rule::generic | Rule::name));
        let follows_name = self.next.is_some_and(|next| matches!(next.text, "[" | "=" | ":" | "," | "]" | ")" | ";" | "+=" | "<" | ">"));
        (only_names || follows_name && self.may_name()).then_some(found.text)
    }

    fn may_name(&self) -> bool {
        self.expected.iter().any(|rule| {
            matches!(
                rule,
                Rule::ident
                    | Rule::name
                    | Rule::expression
                    | Rule::binder
                    | Rule::param
                    | Rule::bind
                    | Rule::generic
                    | Rule::argument
                    | Rule::dim
                    | Rule::size
            )
        })
    }

    fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    fn expects_declaration(&self) -> bool {
        self.expects(Rule::definition) || self.expects(Rule::program)
    }

    fn expects_statement(&self) -> bool {
        self.expects(Rule::bind) || (self.expects(Rule::kw_scan) && self.expects(Rule::close_brace))
    }

    fn expects_operator(&self) -> bool {
        self.expects(Rule::add)
    }

    /// The alternatives, in a fixed order, without those that would only lengthen the list.
    fn expected_text(&self) -> String {
        let mut names: Vec<&'static str> = Vec::new();
        let mut add = |name: &'static str| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        if self.expects_operator() {
            add("an operator");
            let closers = [Rule::dots, Rule::comma, Rule::close_paren, Rule::close_bracket, Rule::open_brace, Rule::semicolon];
            let words = [Rule::kw_then, Rule::kw_else, Rule::bar];
            closers.into_iter().chain(words).filter(|rule| self.expects(*rule)).for_each(|rule| add(display_name(rule)));
        } else if self.expects_declaration() {
            add("a declaration such as `def`");
        } else if self.expects_statement() {
            add("an equation");
            add("`}`");
        } else {
            // `+=` is taken only to be refused.
            let shown = self.expected.iter().filter(|rule| **rule != Rule::plus_equals);
            shown.map(|rule| display_name(*rule)).filter(|name| *name != "something else").for_each(add);
        }
        names.truncate(MAX_NAMED);
        match names.as_slice() {
            [] => "something else".to_owned(),
            [only] => (*only).to_owned(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }

    fn found_text(&self) -> String {
        match self.found {
            None => "the end of the file".to_owned(),
            Some(token) if KEYWORDS.contains(&token.text) => format!("the keyword `{}`", token.text),
            Some(token) => match token.kind {
                TokenKind::Text { .. } => "a text in double quotes".to_owned(),
                _ => format!("`{}`", token.text),
            },
        }
    }

    fn found_span(&self) -> Span {
        match self.found {
            Some(token) => span_of(self.file, token.start, token.end()),
            None => span_of(self.file, self.source.len(), self.source.len()),
        }
    }

    /// The smallest edit that works, for the mistakes that are common.
    fn help(&self) -> Option<String> {
        let found = self.found?;
        if self.expects_declaration() && self.next.is_some_and(|next| matches!(next.text, "[" | "=")) {
            return Some("an equation stands inside a `def`: `def f<N>(x: f32[N]) -> y: f32[N] { … }`".to_owned());
        }
        if self.expects_statement() && found.text == "for" {
            return Some("an index runs over its whole dim by itself; a recurrence is `scan t: T { … }`".to_owned());
        }
        if found.text == "//" && (self.expects_declaration() || self.expects_statement()) {
            return Some("a comment goes from `#` to the end of the line".to_owned());
        }
        if self.expects(Rule::equals) && found.kind == TokenKind::Word {
            return self.foreign_statement(found);
        }
        if self.expects(Rule::equals) && found.text == "==" {
            return Some("`=` defines, `==` compares".to_owned());
        }
        if self.expects(Rule::ty) || self.expects(Rule::element_type) {
            return if found.kind == TokenKind::Word { nearest_dtype(found.text) } else { None };
        }
        if self.expects_operator() { self.operator_help(found) } else { None }
    }

    /// What other languages begin a statement with.
    fn foreign_statement(&self, found: Token<'s>) -> Option<String> {
        match self.before?.text {
            word @ ("let" | "var" | "val" | "const" | "mut") => Some(format!("an equation has no `{word}`: `{} = …`", found.text)),
            "return" => Some("results are named behind `->`, and each has an equation".to_owned()),
            _ => None,
        }
    }

    fn operator_help(&self, found: Token<'s>) -> Option<String> {
        let before = self.before.map_or("", |token| token.text);
        match (found.kind, found.text) {
            (_, "=") => Some("`==` compares".to_owned()),
            (_, "(") if before == "]" => Some("`*` multiplies: `A[i] * (x)`".to_owned()),
            (TokenKind::Word, "if") => Some("the condition comes first: `if … then … else …`".to_owned()),
            (TokenKind::Word, text) if KEYWORDS.contains(&text) => None,
            (TokenKind::Word | TokenKind::Number, _) if before == "]" => {
                Some("`*` multiplies, and the body of a reduction stands in parentheses: `sum[i](…)`".to_owned())
            }
            (TokenKind::Word, text) => Some(format!("`*` multiplies: `{before} * {text}`")),
            (TokenKind::Number, _) | (_, "(") => Some("`*` multiplies".to_owned()),
            _ => None,
        }
    }
}

/// Element types by the names that they have in numpy, C and elsewhere.
const FOREIGN_DTYPES: [(&str, DType); 12] = [
    ("bfloat16", DType::BF16),
    ("complex", DType::C128),
    ("complex128", DType::C128),
    ("complex64", DType::C64),
    ("double", DType::F64),
    ("float", DType::F32),
    ("float16", DType::F16),
    ("float32", DType::F32),
    ("float64", DType::F64),
    ("half", DType::F16),
    ("int32", DType::I32),
    ("int64", DType::I64),
];

/// The element type that is spelled most like this word.
fn nearest_dtype(word: &str) -> Option<String> {
    let elsewhere = FOREIGN_DTYPES.iter().find(|(foreign, _)| *foreign == word).map(|(_, own)| own.name());
    elsewhere.or_else(|| nearest(word, DType::ALL.map(DType::name))).map(|name| format!("`{name}`"))
}
