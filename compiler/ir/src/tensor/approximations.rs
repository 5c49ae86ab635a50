//! Whether what is approximated on an interval has its argument there.

use super::secrecy::Secrets;
use super::{Definition, Module};
use crate::diagnostic::Diagnostic;
use crate::dtype::DType;
use crate::range::Range;
use crate::range::module::Ranges;
use crate::scalar::approx::Approx;
use crate::scalar::value::shortest;
use crate::scalar::{Scalar, ScalarKind};

/// Share of an interval by which an argument may leave it: ends are rounded on their way.
const SLACK: f64 = 1.0 / (1 << 16) as f64;

/// Says where the argument of an approximation on secret data is known to have another interval than is stated (E0710). An argument of which
/// nothing bounds both ends is left to who stated the interval. The more sizes are literal, the more is known.
#[must_use]
pub fn check(module: &Module) -> Vec<Diagnostic> {
    let secrets = Secrets::of(module);
    let mut found = Vec::new();
    if secrets.any() {
        let ranges = Ranges::of(module);
        check_body(module, &module.body, &secrets, &ranges, &mut found);
    }
    found
}

fn check_body(module: &Module, body: &[Definition], secrets: &Secrets, ranges: &Ranges, found: &mut Vec<Diagnostic>) {
    for definition in body {
        match definition {
            Definition::Equation(equation) => equation.body.visit(&mut |node| {
                if let ScalarKind::Approx(approx) = &node.kind {
                    found.extend(outside(module, approx, node, secrets, ranges));
                }
            }),
            Definition::Scan(scan) => check_body(module, &scan.body, secrets, ranges, found),
            Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => {}
        }
    }
}

fn outside(module: &Module, approx: &Approx, node: &Scalar, secrets: &Secrets, ranges: &Ranges) -> Option<Diagnostic> {
    let (tensor, _) = secrets.read_by(&approx.argument)?;
    let Range::Real(lo, hi) = ranges.of_scalar(module, &approx.argument) else { return None };
    let (on, slack) = (approx.on, (approx.on.1 - approx.on.0) * SLACK);
    let is_known = lo.is_finite() && hi.is_finite();
    if !is_known || (on.0 - slack <= lo && hi <= on.1 + slack) {
        return None;
    }
    let text = |(lo, hi): (f64, f64), dtype: DType| [lo, hi].map(|x| shortest(x, dtype));
    let dtype = node.dtype;
    let ([from, to], [lo, hi]) = (text(on, dtype), text((lo, hi), dtype));
    let message = format!("a function is approximated on {from}..{to}, and its argument may be {lo} to {hi}");
    let found = Diagnostic::error(710, "he-range", message).at(approx.argument.span, format!("{lo} to {hi}"));
    let found = secrets.explain(module, tensor, found);
    Some(found.help(format!("`on = ({lo}, {hi})`, or narrower ranges of what it is computed from")))
}
