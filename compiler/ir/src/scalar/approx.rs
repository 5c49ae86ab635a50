//! Functions for which a target may compute another that is close: `approx(f, x, on = (lo, hi), degree <= d)`.
//!
//! The value of the expression is that of the function. An encrypted target, which has only sums and products, takes a polynomial that
//! is close to it on the interval, and accounts for the difference; every other target computes the function.

use super::{Scalar, ScalarKind};
use crate::tensor::{Definition, Module};
use crate::verified::Verified;
use std::borrow::Cow;

/// A function of one value that may be approximated.
#[derive(Clone, Debug, PartialEq)]
pub struct Approx {
    /// The value that it is applied to, a real float.
    pub argument: Scalar,
    /// The function, of the dtype of the argument, over `Operand(0)`: it reads neither tensors nor indices, and nothing in it is an
    /// approximation.
    pub function: Scalar,
    /// Least and greatest argument for which the approximation must be close; finite, in this order.
    pub on: (f64, f64),
    /// What the approximation may be.
    pub degree: Degree,
}

/// The degree of a polynomial that stands for a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Degree {
    /// The least that keeps to the error budget.
    Free,
    /// The least that keeps to the error budget, and no more than this.
    AtMost(u32),
    /// This one.
    Exactly(u32),
}

impl Approx {
    /// The function of the argument, computed as it is.
    #[must_use]
    pub fn exact(&self) -> Scalar {
        let mut function = self.function.clone();
        function.visit_mut(&mut |node| {
            if matches!(node.kind, ScalarKind::Operand(_)) {
                *node = self.argument.clone();
            }
        });
        function
    }
}

/// Puts the functions themselves in place of all approximations.
pub fn make_exact(scalar: &mut Scalar) {
    // Operands first: what is put in holds no approximation.
    scalar.visit_mut(&mut |node| {
        if let ScalarKind::Approx(approx) = &node.kind {
            *node = approx.exact();
        }
    });
}

/// The module that computes the functions themselves, which is what the one with approximations means.
#[must_use]
pub fn exact(module: &Verified<Module>) -> Cow<'_, Verified<Module>> {
    if !any_in(&module.body) {
        return Cow::Borrowed(module);
    }
    let mut out = Module::clone(module);
    out.visit_scalars_mut(&mut make_exact);
    // Each function has been verified for an argument of this dtype, and reads nothing else.
    Cow::Owned(Verified::new(out))
}

fn any_in(body: &[Definition]) -> bool {
    body.iter().any(|definition| match definition {
        Definition::Equation(e) => {
            let guard = e.reduce.as_ref().and_then(|r| r.guard.as_ref());
            [Some(&e.body), guard, e.domain.as_ref()].into_iter().flatten().any(holds_approximation)
        }
        Definition::Scan(scan) => any_in(&scan.body),
        Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => false,
    })
}

fn holds_approximation(scalar: &Scalar) -> bool {
    let mut found = false;
    scalar.visit(&mut |node| found |= matches!(node.kind, ScalarKind::Approx(_)));
    found
}
