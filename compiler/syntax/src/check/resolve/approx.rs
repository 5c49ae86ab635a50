//! `approx(f, x, on = (lo, hi), degree <= d)`: a function of one number, for which a target may compute a polynomial close to it.

use super::Resolver;
use crate::ast::{Argument, BinaryOp, Expr, ExprKind, Ident, NumberValue};
use crate::builtins::{self, APPROX, FUNCTIONS, Function, nearest};
use crate::check::tree::{Approx, Approximated, NodeKind};
use crate::error::secrets::error;
use crate::error::sums;
use crate::limits::MAX_DEGREE;
use ein_ir::dtype::DType;
use ein_ir::scalar::approx::Degree;
use ein_ir::span::Span;

/// The reciprocal, by the name that it has here.
const RECIPROCAL: &str = "recip";
const FORM: &str = "`approx(f, x, on = (lo, hi), degree <= d)`";

impl Resolver<'_, '_> {
    pub(super) fn approx(&mut self, args: &[Argument], span: Span) -> NodeKind {
        self.approximation(args, span).map_or(NodeKind::Bad, |approx| NodeKind::Approx(Box::new(approx)))
    }

    fn approximation(&mut self, args: &[Argument], span: Span) -> Option<Approx> {
        let (degrees, others): (Vec<&Argument>, Vec<&Argument>) = args.iter().partition(|arg| is_degree(arg));
        let (named, values): (Vec<&Argument>, Vec<&Argument>) = others.into_iter().partition(|arg| arg.name.is_some());
        let [function, value] = values.as_slice() else {
            let are = super::plural(values.len(), "is", "are");
            let found = error(702, format!("`{APPROX}` takes a function and a value, and {} {are} given", values.len()));
            self.elab.errors.push(found.at(span, format!("{} given", values.len())).help(FORM));
            return None;
        };
        let mut on = None;
        for arg in named {
            match (arg.name.as_ref().map(Ident::as_str), on) {
                (Some("on"), None) => on = Some(arg),
                (name, _) => {
                    let found = error(702, format!("`{APPROX}` takes `on` and `degree` once each, and no `{}`", name.unwrap_or_default()));
                    self.elab.errors.push(found.at(arg.span, "not wanted").help(FORM));
                    return None;
                }
            }
        }
        let (function, name) = (self.approximated(&function.value), &function.value);
        let argument = self.expr(&value.value);
        let on = self.interval(on, span);
        let degree = self.degree(&degrees);
        let name = name.as_name().map_or_else(String::new, |name| name.as_str().to_owned());
        Some(Approx { function: function?, name, argument, body: None, on: on?, degree: degree? })
    }

    fn approximated(&mut self, e: &Expr) -> Option<Approximated> {
        let Some(name) = e.as_name() else {
            let found = error(702, format!("`{APPROX}` takes a function by its name")).at(e.span, "not a name");
            self.elab.errors.push(found.help(FORM));
            return None;
        };
        let one = |function: Function| matches!(function, Function::Unary(_));
        if let Some(def) = self.elab.find_def(name.as_str()) {
            if crate::check::call::is_scalar_def(def.def) && def.def.params.len() == 1 {
                return Some(Approximated::Def(def.id));
            }
        } else if let Some(builtin) = builtins::function(name.as_str()) {
            if one(builtin.function) {
                return Some(Approximated::Builtin(builtin));
            }
        } else if name.as_str() == RECIPROCAL {
            return Some(Approximated::Reciprocal);
        } else {
            let defs = self.elab.program.def_names(self.elab.file);
            let known = FUNCTIONS.iter().filter(|f| one(f.function)).map(|f| f.name).chain(defs).chain([RECIPROCAL]);
            let found = sums::error(211, format!("there is no function `{name}`")).at(name.span, "not a function");
            self.elab.errors.push(match nearest(name.as_str(), known) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            });
            return None;
        }
        let found = error(702, format!("`{name}` is not a function of one number")).at(name.span, "one number in, one number out");
        self.elab.errors.push(found);
        None
    }

    /// `on = (lo, hi)`
    fn interval(&mut self, on: Option<&Argument>, span: Span) -> Option<(f64, f64)> {
        let Some(on) = on else {
            let found = error(702, "nothing says on which numbers the approximation must be close").at(span, "no `on`");
            self.elab.errors.push(found.help("`on = (-8.0, 8.0)`"));
            return None;
        };
        let ExprKind::Tuple(ends) = &on.value.kind else {
            self.elab.errors.push(error(702, "`on` is two numbers").at(on.value.span, "one value").help("`on = (-8.0, 8.0)`"));
            return None;
        };
        let [lo, hi] = ends.as_slice() else {
            self.elab.errors.push(error(702, "`on` is two numbers").at(on.value.span, format!("{} values", ends.len())));
            return None;
        };
        let (lo, hi) = (self.elab.end(lo, DType::F64), self.elab.end(hi, DType::F64));
        let (lo, hi) = (lo?, hi?);
        if lo.is_finite() && hi.is_finite() && lo < hi {
            return Some((lo, hi));
        }
        let found = error(702, format!("no polynomial is made for the numbers from {lo:?} to {hi:?}"));
        let found = found.at(on.value.span, "two finite numbers, the lower one first");
        self.elab.errors.push(if lo > hi { found.help(format!("`on = ({hi:?}, {lo:?})`")) } else { found });
        None
    }

    fn degree(&mut self, degrees: &[&Argument]) -> Option<Degree> {
        let degree = match degrees {
            [] => return Some(Degree::Free),
            [degree] => degree,
            [_, again, ..] => {
                self.elab.errors.push(error(702, "the degree is stated twice").at(again.span, "stated again"));
                return None;
            }
        };
        let (is_bound, value) = match &degree.value.peeled().kind {
            ExprKind::Binary { rhs, .. } if degree.name.is_none() => (true, &**rhs),
            _ => (false, &degree.value),
        };
        let number = match &value.peeled().kind {
            ExprKind::Number(number) if !number.imaginary => match number.value {
                NumberValue::Integer(n) => u32::try_from(n).ok(),
                NumberValue::Float(_) => None,
            },
            _ => None,
        };
        match number.filter(|n| (1..=MAX_DEGREE).contains(n)) {
            Some(n) => Some(if is_bound { Degree::AtMost(n) } else { Degree::Exactly(n) }),
            None => {
                let found = error(702, format!("a degree is a whole number from 1 to {MAX_DEGREE}"));
                self.elab.errors.push(found.at(value.span, "not one").help("`degree <= 7`, or `degree = 7`"));
                None
            }
        }
    }
}

/// Whether an argument is `degree = d` or `degree <= d`.
fn is_degree(arg: &Argument) -> bool {
    match (&arg.name, &arg.value.kind) {
        (Some(name), _) => name.as_str() == "degree",
        (None, ExprKind::Binary { op: BinaryOp::Le, lhs, .. }) => lhs.as_name().is_some_and(|name| name.as_str() == "degree"),
        (None, _) => false,
    }
}
