//! Tests of the graph from inside: every node of every class computes the same, and extraction finds the best.

mod extraction;
mod meaning;

use super::{Candidates, saturated};
use crate::Options;
use crate::draft::Draft;
use crate::tests::{equations, module};

/// The draft of a module of these equations, see [`equations`].
fn draft(inputs: &[(&str, &[u64])], outputs: &str, extents: &[u64], body: &str, dtype: &str) -> Draft {
    let text = equations(inputs, outputs, extents, body, dtype);
    crate::convert::convert(&module(&text)).unwrap_or_else(|e| panic!("{e:?}"))
}

fn candidates(draft: &mut Draft, options: &Options) -> Candidates {
    let converted = saturated(draft, options, u64::MAX);
    Candidates::of(draft, &converted, options, u64::MAX)
}
