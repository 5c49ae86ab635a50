//! What integers on ciphertexts cannot do, in the user's words.

use crate::MAX_BOOTSTRAPS;
use crate::builder::Stop;
use ein_ir::circuit::MAX_ENTRIES;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::interval::Interval;
use ein_ir::plan::Buffer;
use ein_ir::scalar::Literal;
use ein_ir::scalar::value::Value;
use ein_ir::span::Span;
use ein_ir::tensor::TensorDecl;

/// A literal as an integer or a truth value, if it is one.
pub(crate) fn integer(literal: Literal, dtype: DType) -> Option<i128> {
    match Value::from_literal(literal, dtype) {
        Value::Bool(value) => Some(value.into()),
        Value::Int(n, _) => Some(n),
        Value::Float(..) | Value::Complex(..) | Value::Key(_) => None,
    }
}

pub(crate) fn reals(decl: &TensorDecl) -> Diagnostic {
    let message = format!("`{}` is encrypted and has elements of type {}; the target tfhe computes exact integers", decl.name, decl.dtype);
    Diagnostic::error(716, "he-dtype", message)
        .at(decl.span, "secret here")
        .help("`--target he` takes real numbers; for tfhe, integers in a range: `x: secret i16[N] in -100..100`")
}

pub(crate) fn foreign(span: Span) -> Diagnostic {
    Diagnostic::error(716, "he-dtype", "a secret integer meets numbers that are none; the target tfhe computes exact integers")
        .at(span, "here")
        .help("`--target he` takes real numbers; for tfhe, integers and scales that are integers")
}

pub(crate) fn unsupported(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(190, "not-in-this-version", format!("{what} is not in this version of circuits")).at(span, "here")
}

pub(crate) fn division(span: Span, is_secret: bool) -> Diagnostic {
    let what = if is_secret { "a secret value" } else { "data that is known only when the circuit runs" };
    Diagnostic::error(713, "he-div", format!("circuits divide by constants, and not by {what}"))
        .at(span, "the divisor")
        .help("a divisor that is a literal or follows from sizes")
}

pub(crate) fn table(span: Span, what: &str, is_secret: bool, (lo, hi): Interval) -> Diagnostic {
    let message = if is_secret {
        format!(
            "{what} is secret and reads positions {lo}..{hi}, but a table is looked up in one bootstrap, which sees {MAX_ENTRIES} of them"
        )
    } else {
        format!("{what} chooses among positions {lo}..{hi}, which are more than a circuit lists")
    };
    Diagnostic::error(717, "he-width", message)
        .at(span, "the position")
        .help("state a smaller range, `in 0..15`, or clamp it; or a sum over all positions: `sum[j](if j == k then x[j] else 0)`")
}

pub(crate) fn stopped(stop: Stop, span: Span) -> Diagnostic {
    match stop {
        Stop::Wide => Diagnostic::error(717, "he-width", "a value may need more than 127 bits before it wraps")
            .at(span, "computed here")
            .help("state the ranges of the operands, `x: secret u32[N] in 0..1000`, or take narrower types"),
        Stop::Many => Diagnostic::error(721, "he-work", format!("a circuit has at most {} operations", crate::MAX_NODES))
            .at(span, "more from here on"),
    }
}

pub(crate) fn too_many_turns(span: Span) -> Diagnostic {
    Diagnostic::error(721, "he-work", "the loops of a circuit are written out, and these take too many turns").at(span, "more from here on")
}

pub(crate) fn too_large(buffer: &Buffer) -> Diagnostic {
    let n = buffer.n_elements();
    let message = format!("`{}` has {n} elements; the tensors of a circuit have at most {} together", buffer.name, crate::MAX_NODES);
    Diagnostic::error(721, "he-work", message).at(buffer.span, "declared here")
}

pub(crate) fn too_much_work(name: &str, bootstraps: u64) -> Diagnostic {
    let message = format!("the circuit of `{name}` takes {bootstraps} bootstraps, and the limit is {MAX_BOOTSTRAPS}");
    Diagnostic::error(721, "he-work", message).help(
        "smaller sizes, and stated ranges: work grows with the square of the width of what is multiplied; sums and products alone are cheaper with \
         `--target he`",
    )
}

pub(crate) fn nothing_secret(name: &str) -> Diagnostic {
    Diagnostic::error(718, "he-leak", format!("no result of `{name}` is computed from a secret input, so there is nothing to encrypt"))
        .help("mark what is to be encrypted: `x: secret u8[N]`")
}
