//! Mistakes in the text itself: E0101 to E0119.

use super::CodeEntry;
use crate::limits::{MAX_AXES, MAX_CALL_DEPTH, MAX_FILES, MAX_PROGRAM_BYTES};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;

/// The codes of this family.
pub const CODES: [CodeEntry; 18] = [
    CodeEntry::new(101, "unexpected-token", "something else was expected here"),
    CodeEntry::new(102, "missing-semicolon", "the line before ends without `;`"),
    CodeEntry::new(103, "keyword-as-name", "a keyword stands where a name must"),
    CodeEntry::new(104, "stray-character", "a character that the language does not use"),
    CodeEntry::new(105, "unbalanced-bracket", "a bracket is never closed, or closes nothing"),
    CodeEntry::new(106, "unterminated-string", "a text in double quotes does not end"),
    CodeEntry::new(107, "bad-number", "a number that cannot be read or represented"),
    CodeEntry::new(108, "limit", "the text is too long, too deep or too wide"),
    CodeEntry::new(109, "computed-left-side", "the left side of an equation computes a position"),
    CodeEntry::new(110, "plus-assign", "`+=`: an equation defines a tensor once"),
    CodeEntry::new(111, "chained-comparison", "two comparisons in a row"),
    CodeEntry::new(112, "tuple-as-value", "`(a, b)` where one value must stand"),
    CodeEntry::new(113, "subscript-of-value", "brackets after something that is not a tensor's name"),
    CodeEntry::new(114, "row-in-scan", "a scan runs over one index, not over a row of them"),
    CodeEntry::new(115, "unknown-version", "the file is for another version of the language"),
    CodeEntry::new(116, "foreign-operator", "an operator of another language"),
    CodeEntry::new(117, "non-ascii-name", "a name with letters beyond ASCII"),
    CodeEntry::new(118, "not-utf8", "the file is not UTF-8 text"),
];

/// E0108: more files, or more text in them, than a program may have.
pub(crate) fn too_many(span: Span) -> Diagnostic {
    let message = format!("a program has at most {MAX_FILES} files and {MAX_PROGRAM_BYTES} bytes of text, and this `use` goes beyond");
    error(108, message).at(span, "one file too many")
}

/// E0108: a tensor with more axes than the limit once its rows are written out.
pub(crate) fn too_many_axes(count: usize, span: Span) -> Diagnostic {
    LimitError::TooManyAxes { count, limit: MAX_AXES, span }.into()
}

/// E0108: defs or constants that need each other deeper than the limit.
pub(crate) fn too_deep(name: &str, span: Span) -> Diagnostic {
    LimitError::CallsTooDeep { def: name.to_owned(), limit: MAX_CALL_DEPTH, span }.into()
}

/// What was found is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum TokenError {
    UnexpectedToken { expected: String, found: String, span: Span, help: Option<String> },
    MissingSemicolon { after: Span, found: String, next: Span },
    KeywordAsName { keyword: String, span: Span },
}

impl From<TokenError> for Diagnostic {
    fn from(mistake: TokenError) -> Self {
        match mistake {
            TokenError::UnexpectedToken { expected, found, span, help } => {
                with_help(error(101, format!("expected {expected}, found {found}")).at(span, format!("expected {expected}")), help)
            }
            TokenError::MissingSemicolon { after, found, next } => error(102, "missing `;` at the end of this line".to_owned())
                .at(after, "write `;` here")
                .and(next, format!("{found} begins something new")),
            TokenError::KeywordAsName { keyword, span } => error(103, format!("`{keyword}` is a keyword and cannot be a name"))
                .at(span, "a name was expected here")
                .help(format!("`{keyword}_`")),
        }
    }
}

/// A mistake within one token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum LexicalError {
    StrayCharacter { character: char, span: Span, replacement: Option<&'static str> },
    UnterminatedString { span: Span },
    BadNumber { text: String, reason: &'static str, span: Span, help: Option<String> },
    ForeignOperator { operator: String, replacement: &'static str, span: Span },
    NonAsciiName { name: String, span: Span },
}

impl From<LexicalError> for Diagnostic {
    fn from(mistake: LexicalError) -> Self {
        match mistake {
            LexicalError::StrayCharacter { character, span, replacement } => {
                let shown = if character.is_control() || character.is_whitespace() || character == '\u{feff}' {
                    format!("U+{:04X}", character as u32)
                } else {
                    character.to_string()
                };
                with_help(
                    error(104, format!("`{shown}` is not a character of the language")).at(span, "remove it"),
                    replacement.map(|text| format!("`{text}`")),
                )
            }
            LexicalError::UnterminatedString { span } => {
                error(106, "this text in double quotes does not end".to_owned()).at(span, "begins here").help("close it with `\"`")
            }
            LexicalError::BadNumber { text, reason, span, help } => {
                with_help(error(107, format!("`{text}` is not a number: {reason}")).at(span, reason), help)
            }
            LexicalError::ForeignOperator { operator, replacement, span } => {
                error(116, format!("`{operator}` is not an operator; it is written `{replacement}`"))
                    .at(span, "not an operator here")
                    .help(format!("`{replacement}`"))
            }
            LexicalError::NonAsciiName { name, span } => error(117, format!("`{name}` has letters beyond ASCII"))
                .at(span, "names are made of a to z, A to Z, 0 to 9, `_` and primes"),
        }
    }
}

/// A bracket without its partner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum BracketError {
    UnclosedBracket { open: char, span: Span, noticed: Span, reason: String },
    UnopenedBracket { close: char, span: Span },
    MismatchedBracket { open: char, open_span: Span, close: char, span: Span },
}

impl From<BracketError> for Diagnostic {
    fn from(mistake: BracketError) -> Self {
        match mistake {
            BracketError::UnclosedBracket { open, span, noticed, reason } => {
                error(105, format!("`{open}` is never closed")).at(span, "opened here").and(noticed, reason)
            }
            BracketError::UnopenedBracket { close, span } => {
                error(105, format!("`{close}` closes nothing")).at(span, "no bracket is open here")
            }
            BracketError::MismatchedBracket { open, open_span, close, span } => error(105, format!("`{open}` is closed by `{close}`"))
                .at(span, format!("`{close}` here"))
                .and(open_span, format!("`{open}` opened here")),
        }
    }
}

/// Text beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum LimitError {
    FileTooLong {
        bytes: usize,
        limit: usize,
    },
    TooDeep {
        limit: usize,
        span: Span,
    },
    TreeTooDeep {
        limit: u32,
        span: Span,
    },
    NameTooLong {
        bytes: usize,
        limit: usize,
        span: Span,
    },
    TooManyAxes {
        count: usize,
        limit: usize,
        span: Span,
    },
    TooMany {
        what: &'static str,
        count: usize,
        limit: usize,
        span: Span,
    },
    CallsTooDeep {
        def: String,
        limit: usize,
        span: Span,
    },
    CopiedTooMuch {
        def: String,
        limit: usize,
        span: Span,
    },
    SizeTooLarge {
        limit: usize,
        span: Span,
    },
    /// Quotients and remainders in a size nest too deep.
    SizeTooDeep {
        limit: usize,
        span: Span,
    },
}

impl From<LimitError> for Diagnostic {
    fn from(mistake: LimitError) -> Self {
        match mistake {
            LimitError::FileTooLong { bytes, limit } => error(108, format!("the file has {bytes} bytes, and the limit is {limit}"))
                .note("large constants belong in `.npy` files, bound as inputs"),
            LimitError::TooDeep { limit, span } => error(108, format!("brackets, `if` and prefix operators nest deeper than {limit}"))
                .at(span, format!("level {} begins here", limit + 1))
                .help("give an inner part a name by an equation of its own"),
            LimitError::TreeTooDeep { limit, span } => error(108, format!("the expression is deeper than {limit} operators"))
                .at(span, "too many operators in a row")
                .help("split the equation into several"),
            LimitError::NameTooLong { bytes, limit, span } => {
                error(108, format!("a name has {bytes} bytes, and the limit is {limit}")).at(span, "too long")
            }
            LimitError::TooManyAxes { count, limit, span } => {
                error(108, format!("a tensor with {count} axes, and the limit is {limit}")).at(span, format!("{count} axes"))
            }
            LimitError::TooMany { what, count, limit, span } => {
                error(108, format!("a def with {count} {what}, and the limit is {limit}")).at(span, format!("{count} {what}"))
            }
            LimitError::CallsTooDeep { def, limit, span } => {
                error(108, format!("`{def}` is more than {limit} calls away from where checking began, which is the limit"))
                    .at(span, "one call too many")
                    .help("define what is called before what calls it")
            }
            LimitError::CopiedTooMuch { def, limit, span } => {
                error(108, format!("the calls and constants of this program copy more than {limit} operations, which is the limit"))
                    .at(span, format!("`{def}` would be copied here"))
                    .note("calls and constants are copied in where they stand, so one that uses another twice is twice as long")
                    .help("name the result of a call by an equation, and read that name twice; a constant with a type is computed once")
            }
            LimitError::SizeTooDeep { limit, span } => {
                error(108, format!("`//` and `%` of a size nest deeper than {limit}, which is the limit")).at(span, "too deep")
            }
            LimitError::SizeTooLarge { limit, span } => {
                error(108, format!("a size has more than {limit} terms and factors, which is the limit")).at(span, "too large")
            }
        }
    }
}

/// Text that the grammar takes so that it can be refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum StructureError {
    ComputedLeftSide { tensor: String, item: String, span: Span, help: String },
    PlusAssign { tensor: String, span: Span, help: String },
    ChainedComparison { first: Span, second: Span, help: String },
    TupleAsValue { span: Span },
    SubscriptOfValue { what: &'static str, span: Span },
    RowInScan { name: String, span: Span },
    UnknownVersion { version: u64, span: Span },
}

impl From<StructureError> for Diagnostic {
    fn from(mistake: StructureError) -> Self {
        match mistake {
            StructureError::ComputedLeftSide { tensor, item, span, help } => {
                error(109, format!("the left side of `{tensor}` computes a position: `{item}`"))
                    .at(span, "only an index may stand here")
                    .note("an equation defines every element of its tensor; a guard says which right sides reach which element")
                    .help(help)
            }
            StructureError::PlusAssign { tensor, span, help } => {
                error(110, format!("`+=` on `{tensor}`: an equation defines its tensor once"))
                    .at(span, "nothing is there to add to")
                    .note("what is added up is a sum over the indices that stand only on the right")
                    .help(help)
            }
            StructureError::ChainedComparison { first, second, help } => error(111, "comparisons cannot be chained".to_owned())
                .at(second, "second comparison")
                .and(first, "first comparison")
                .help(help),
            StructureError::TupleAsValue { span } => error(112, "several values in parentheses where one value must stand".to_owned())
                .at(span, "a list of values is legal only as an argument such as `on = (0.0, 1.0)`")
                .help("one equation for each value"),
            StructureError::SubscriptOfValue { what, span } => error(113, format!("{what} cannot be subscripted"))
                .at(span, "brackets follow only the name of a tensor")
                .help("name the value by an equation of its own, and subscript that name"),
            StructureError::RowInScan { name, span } => {
                error(114, format!("a scan runs over one index, and `..{name}` is a row of them")).at(span, "a row")
            }
            StructureError::UnknownVersion { version, span } => {
                error(115, format!("this compiler reads version 1 of the language, and the file is for version {version}"))
                    .at(span, "version of the language")
                    .help("`ein 1;`")
            }
        }
    }
}

fn with_help(diagnostic: Diagnostic, help: Option<String>) -> Diagnostic {
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// A diagnostic with the slug that the table gives to its code.
fn error(code: u16, message: String) -> Diagnostic {
    let slug = CODES.iter().find(|entry| entry.code == code).map_or("syntax", |entry| entry.slug);
    Diagnostic::error(code, slug, message)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_in_order() {
        super::super::assert_ordered(&super::CODES);
    }
}
