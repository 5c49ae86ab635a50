//! Mistakes in classic einsum strings and in the operands given with them: E0150 to E0169.
//!
//! Operands are counted from 0, as numpy counts them, and shown with their term: "operand 1 (`jk`)".

use super::CodeEntry;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;

/// The codes of this family.
pub const CODES: [CodeEntry; 13] = [
    CodeEntry::new(150, "einsum-bad-symbol", "a character that is not a letter, `,`, `...`, `->` or a space"),
    CodeEntry::new(151, "einsum-bad-ellipsis", "a point that is not part of `...`, or a second `...` in one term"),
    CodeEntry::new(152, "einsum-bad-arrow", "`-` or `>` that is not part of one `->`, or a `,` behind it"),
    CodeEntry::new(153, "einsum-unknown-output", "an output label that no operand has"),
    CodeEntry::new(154, "einsum-repeated-output", "a label that stands twice in the output"),
    CodeEntry::new(155, "einsum-operand-count", "more or fewer operands than terms"),
    CodeEntry::new(156, "einsum-too-few-axes", "an operand with fewer axes than its term has labels"),
    CodeEntry::new(157, "einsum-too-many-axes", "an operand with more axes than its term has labels, and no `...`"),
    CodeEntry::new(158, "einsum-diagonal-mismatch", "a label that stands twice in a term, for axes of different sizes"),
    CodeEntry::new(159, "einsum-size-mismatch", "a label with different sizes, neither of them 1"),
    CodeEntry::new(160, "einsum-output-lacks-ellipsis", "`...` stands for axes in the operands, and the output drops them"),
    CodeEntry::new(161, "einsum-no-operands", "no operand at all"),
    CodeEntry::new(162, "einsum-too-many-labels", "more than 65536 different labels"),
];

/// A mistake in an einsum string itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum EinsumError {
    BadSymbol { symbol: char, place: String, span: Span },
    BadEllipsis { second: bool, place: String, span: Span },
    BadArrow { reason: &'static str, span: Span },
    UnknownOutput { label: String, span: Span },
    RepeatedOutput { label: String, first: Span, span: Span },
    NoOperands,
}

impl From<EinsumError> for Diagnostic {
    fn from(mistake: EinsumError) -> Self {
        match mistake {
            EinsumError::BadSymbol { symbol, place, span } => bad_symbol(symbol, &place, span),
            EinsumError::BadEllipsis { second: true, place, span } => {
                error(151, format!("{place} has a second `...`")).at(span, "second `...`")
            }
            EinsumError::BadEllipsis { second: false, place, span } => {
                error(151, format!("{place} has a `.` that is not part of `...`")).at(span, "three points in a row were expected")
            }
            EinsumError::BadArrow { reason, span } => error(152, reason.to_owned()).at(span, "here"),
            EinsumError::UnknownOutput { label, span } => {
                error(153, format!("output label `{label}` is in no operand")).at(span, "no operand has it")
            }
            EinsumError::RepeatedOutput { label, first, span } => {
                error(154, format!("label `{label}` stands twice in the output")).at(span, "again here").and(first, "first here")
            }
            EinsumError::NoOperands => error(161, "einsum needs at least one operand".to_owned()),
        }
    }
}

/// A mistake that only the operands given with a string reveal.
///
/// `operand` is a text such as "operand 1 (`jk`)".
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages quote; `CODES` says what each variant is")]
pub enum ShapeError {
    OperandCount { terms: usize, operands: usize, span: Span },
    TooFewAxes { operand: String, labels: usize, axes: usize, span: Span },
    TooManyAxes { operand: String, labels: usize, axes: usize, span: Span, help: String },
    DiagonalMismatch { label: String, operand: String, first: (usize, Span), second: (usize, Span) },
    SizeMismatch { label: String, first: (usize, String, Span), second: (usize, String, Span) },
    OutputLacksEllipsis { axes: usize, span: Span, ellipsis: Span, help: String },
    TooManyLabels { span: Span },
}

impl From<ShapeError> for Diagnostic {
    fn from(mistake: ShapeError) -> Self {
        match mistake {
            ShapeError::OperandCount { terms, operands, span } => {
                error(155, format!("the string has {}, and {} given", count(terms, "term"), given(operands)))
                    .at(span, format!("{} here", count(terms, "term")))
            }
            ShapeError::TooManyLabels { span } => error(162, "more than 65536 different labels".to_owned()).at(span, "one too many"),
            ShapeError::TooFewAxes { operand, labels, axes, span } => {
                error(156, format!("{operand} has {}, and its term names {labels}", count(axes, "axis")))
                    .at(span, format!("{labels} named here"))
            }
            ShapeError::TooManyAxes { operand, labels, axes, span, help } => {
                error(157, format!("{operand} has {}, and its term names {labels} without `...`", count(axes, "axis")))
                    .at(span, format!("{labels} named here"))
                    .help(help)
            }
            ShapeError::DiagonalMismatch { label, operand, first, second } => {
                error(158, format!("label `{label}` has sizes {} and {} in {operand}, where it selects a diagonal", first.0, second.0))
                    .at(second.1, format!("{} here", second.0))
                    .and(first.1, format!("{} here, first use", first.0))
            }
            ShapeError::SizeMismatch { label, first, second } => {
                error(159, format!("label `{label}` has size {} in {} but {} in {}", second.0, second.1, first.0, first.1))
                    .at(second.2, format!("{} here", second.0))
                    .and(first.2, format!("{} here, first use", first.0))
            }
            ShapeError::OutputLacksEllipsis { axes, span, ellipsis, help } => {
                error(160, format!("`...` stands for {}, and the output has no `...`", count(axes, "axis")))
                    .at(span, "the output")
                    .and(ellipsis, "`...` here")
                    .help(help)
            }
        }
    }
}

fn bad_symbol(symbol: char, place: &str, span: Span) -> Diagnostic {
    let shown = if symbol.is_control() { format!("U+{:04X}", symbol as u32) } else { symbol.to_string() };
    let diagnostic = error(150, format!("`{shown}` in {place} is not a label: labels are letters")).at(span, "not a letter");
    if symbol.is_whitespace() { diagnostic.note("only spaces may stand between symbols") } else { diagnostic }
}

fn error(code: u16, message: String) -> Diagnostic {
    let slug = CODES.iter().find(|entry| entry.code == code).map_or("einsum", |entry| entry.slug);
    Diagnostic::error(code, slug, message)
}

/// `1 term`, `2 terms`, `2 axes`.
fn count(n: usize, noun: &str) -> String {
    match (n, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "axis") => format!("{n} axes"),
        _ => format!("{n} {noun}s"),
    }
}

fn given(operands: usize) -> String {
    if operands == 1 { "1 operand was".to_owned() } else { format!("{operands} operands were") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_in_order() {
        super::super::assert_ordered(&super::CODES);
    }
}
