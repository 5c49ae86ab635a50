//! Functions of secrets that no `approx` names: the range of their argument follows from what is declared, and the polynomial from that.
//!
//! Whatever reads one element of a secret is one function of it, so that `x / (1 + exp(-x))` is one polynomial. Where that is close to
//! nothing, or several elements are read, each function in the expression is approximated of its argument.

use crate::approximation::function_at;
use crate::clear::{reads, results};
use crate::close::{Aim, Close, Far, is_root};
use crate::levels::at_most;
use crate::read::{Product, Reader, Scope, division, in_few_digits, multiplied, of_what, scaled, semiring};
use crate::secret::OF_SECRETS;
use crate::trees::{MAX_COMPARED, Obstacle};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor as TensorId;
use ein_ir::range::Range;
use ein_ir::scalar::approx::{Approx, Degree};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::tensor::{Definition, Equation, Module, Reduce, ReduceOp, TensorDecl};
use std::collections::BTreeSet;

/// Share of a range by which what is approximated itself may leave it.
const MARGIN: f64 = 0.01;
/// No end comes nearer to 0 than by this share of itself.
const NEARER: f64 = 0.1;

/// How a function is named where it is refused, itself, and what it is applied to.
struct Applied {
    name: &'static str,
    function: Scalar,
    argument: Scalar,
}

impl Reader<'_> {
    /// The whole expression as one function of the one element that it reads, if it is more than a polynomial and something is close to it.
    pub(crate) fn fused(&mut self, scalar: &Scalar, scope: &mut Scope) -> Result<Option<Vec<Product>>, Diagnostic> {
        let mut is_polynomial = true;
        // Subscripts and factors in the clear are none of its functions.
        scalar.visit(&mut |node| is_polynomial &= !self.is_function(node) || self.is_public(node));
        if is_polynomial || !scalar.dtype.is_float() {
            return Ok(None);
        }
        let mut argument = None;
        let Some(function) = self.abstracted(scalar, &mut argument) else { return Ok(None) };
        let Some(argument) = argument else { return Ok(None) };
        let Some(on) = self.range(&argument, &function, scope) else { return Ok(None) };
        let approx = Approx { argument, function, on, degree: Degree::Free };
        match Close::to(&approx, self.aim(scope)) {
            Ok(close) => self.approximated(close, &approx, scalar, scope).map(Some),
            // What is close to the argument of a root may be below 0.
            Err(far) if is_root(scalar) && scalar.children().into_iter().any(|a| !self.is_exact(a)) => {
                Err(self.far(&far, name_of(scalar), &approx, (scalar, scope)))
            }
            Err(_) => Ok(None),
        }
    }

    /// A function of secrets that is no sum of products.
    pub(crate) fn function(&mut self, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        if scalar.dtype.is_complex() {
            return Err(becomes_complex(scalar));
        }
        if !scalar.dtype.is_float() {
            return Err(semiring(scalar.span, name_of(scalar), of_what(scalar)));
        }
        match &scalar.kind {
            ScalarKind::Binary(BinaryFn::Div, a, b) => self.quotient(a, b, scalar, scope),
            ScalarKind::Unary(function, a) => {
                let function = Scalar::unary(*function, operand(a), scalar.dtype, scalar.span);
                self.applied(&Applied { name: name_of(scalar), function, argument: Scalar::clone(a) }, scalar, scope)
            }
            ScalarKind::Binary(op, a, b) => self.of_two(*op, [a, b], scalar, scope),
            _ => Err(semiring(scalar.span, name_of(scalar), scalar.dtype)),
        }
    }

    /// A function of two values, one of which is a number, or the greater or lesser one of two.
    fn of_two(&mut self, op: BinaryFn, [a, b]: [&Scalar; 2], scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let one = |a: Scalar, b: Scalar| Scalar::binary(op, a, b, scalar.dtype, scalar.span);
        let name = name_of(scalar);
        if let Some(b) = self.number(b) {
            let function = one(operand(a), b);
            return self.applied(&Applied { name, function, argument: a.clone() }, scalar, scope);
        }
        if let Some(a) = self.number(a) {
            let function = one(a, operand(b));
            return self.applied(&Applied { name, function, argument: b.clone() }, scalar, scope);
        }
        let (sign, from) = match op {
            BinaryFn::Max => (1.0, b),
            BinaryFn::Min => (-1.0, a),
            BinaryFn::Pow => return self.power([a, b], scalar, scope),
            _ => return Err(semiring(scalar.span, name, scalar.dtype)),
        };
        // The one, and by how much the other one is beyond it.
        let difference = Scalar::binary(BinaryFn::Sub, a.clone(), b.clone(), scalar.dtype, scalar.span);
        let function = Scalar::unary(UnaryFn::Relu, operand(&difference), scalar.dtype, scalar.span);
        let beyond = self.applied(&Applied { name, function, argument: difference }, scalar, scope)?;
        Ok([self.expand(from, scope)?, scaled(beyond, sign)].concat())
    }

    /// `exp(b log(a))`, as no polynomial of `a` is that for each `b`.
    fn power(&mut self, [a, b]: [&Scalar; 2], scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        if let Range::Real(lo, hi) = self.lies_in(a, scope)
            && (f64::MIN..=0.0).contains(&lo)
        {
            let message = "a power of secrets with an exponent that is no constant is `exp(b * log(a))`, and its base may be 0 or less";
            let found = Diagnostic::error(710, "he-range", message);
            return Err(found
                .at(a.span, format!("from {} to {}", in_few_digits(lo), in_few_digits(hi)))
                .and(b.span, "no constant")
                .help("a number as the exponent, or ranges that keep the base above 0"));
        }
        let log = Scalar::unary(UnaryFn::Log, a.clone(), a.dtype, scalar.span);
        let product = Scalar::binary(BinaryFn::Mul, b.clone(), log, scalar.dtype, scalar.span);
        self.expand(&Scalar::unary(UnaryFn::Exp, product, scalar.dtype, scalar.span), scope)
    }

    /// A quotient by a secret is a product with its reciprocal.
    fn quotient(&mut self, a: &Scalar, b: &Scalar, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        // Of nothing there is no quotient.
        if scope.labels.iter().any(|label| label.size == 0) {
            return Ok(Vec::new());
        }
        if let Range::Real(lo, hi) = self.lies_in(b, scope)
            && lo <= 0.0
            && hi >= 0.0
            && lo.is_finite()
            && hi.is_finite()
        {
            return Err(division(b, (lo, hi)));
        }
        let one = Scalar::literal(Literal::Float(1.0), b.dtype, b.span);
        let function = Scalar::binary(BinaryFn::Div, one, operand(b), b.dtype, b.span);
        let largest = match self.ranges.of_scalar(self.module, a) {
            Range::Real(lo, hi) if lo.is_finite() && hi.is_finite() => lo.abs().max(hi.abs()),
            _ => 1.0,
        };
        let outside = (scope.divides, scope.factor);
        let dividend = self.expand(a, scope);
        scope.divides = true;
        scope.factor *= if largest > 0.0 { largest } else { 1.0 };
        let reciprocal = self.applied(&Applied { name: "recip", function, argument: b.clone() }, scalar, scope);
        (scope.divides, scope.factor) = outside;
        multiplied(scalar, &dividend?, &reciprocal?)
    }

    fn applied(&mut self, applied: &Applied, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        let Applied { name, function, argument } = applied;
        let Some(on) = self.range(argument, function, scope) else { return Err(self.unbounded(name, argument)) };
        let approx = Approx { argument: argument.clone(), function: function.clone(), on, degree: Degree::Free };
        let close = Close::to(&approx, self.aim(scope)).map_err(|far| self.far(&far, name, &approx, (scalar, scope)))?;
        // Poles make much of little.
        let outside = scope.divides;
        scope.divides |= has_pole(function);
        let products = self.approximated(close, &approx, scalar, scope);
        scope.divides = outside;
        products
    }

    fn aim(&self, scope: &Scope) -> Aim {
        Aim { budget: scope.budget, factor: scope.factor, divides: scope.divides, everywhere: true }
    }

    /// Between which numbers a value lies where it is read.
    pub(crate) fn lies_in(&self, value: &Scalar, scope: &Scope) -> Range {
        self.ranges.of_scalar_where(self.module, value, &scope.conditions)
    }

    /// The same of reals, if both ends are known.
    pub(crate) fn finite_range(&self, value: &Scalar, scope: &Scope) -> Option<(f64, f64)> {
        match self.lies_in(value, scope) {
            Range::Real(lo, hi) if lo.is_finite() && hi.is_finite() && lo <= hi => Some((lo, hi)),
            _ => None,
        }
    }

    /// Where the argument of a function lies; a little more if it is itself no more than close to what it should be, and the function has
    /// values there.
    fn range(&self, argument: &Scalar, function: &Scalar, scope: &Scope) -> Option<(f64, f64)> {
        let (lo, hi) = self.finite_range(argument, scope)?;
        let least = lo.abs().max(hi.abs()).max(1.0) * 1e-6;
        let margin = if self.is_exact(argument) { 0.0 } else { MARGIN * (hi - lo) };
        let margin = margin.max(if hi - lo < least { least } else { 0.0 });
        // What has one sign keeps it.
        let nearer =
            |end: f64, moved: f64, sign: f64| if end * sign > 0.0 { (moved * sign).max(end * sign * (1.0 - NEARER)) * sign } else { moved };
        let has_value = |x: f64| matches!(function_at(function, x), Some(Value::Float(y, _)) if y.is_finite());
        let valued = |end: f64, moved: f64| if has_value(moved) { moved } else { end };
        Some((valued(lo, nearer(lo, lo - margin, 1.0)), valued(hi, nearer(hi, hi + margin, -1.0))))
    }

    /// Whether a value is computed without polynomials that are only close to what they should be.
    fn is_exact(&self, scalar: &Scalar) -> bool {
        let mut exact = true;
        scalar.visit(&mut |node| {
            exact &= match &node.kind {
                ScalarKind::Access(access) => !self.approximate.contains(&access.tensor),
                ScalarKind::Approx(_) => false,
                _ => !self.is_function(node) || self.is_public(node),
            };
        });
        exact
    }

    /// A number that does not depend on any tensor or index.
    fn number(&self, scalar: &Scalar) -> Option<Scalar> {
        let mut argument = None;
        let function = self.abstracted(scalar, &mut argument)?;
        argument.is_none().then_some(function)
    }

    /// An expression as a function of the one secret element that it reads, which goes to `argument`.
    fn abstracted(&self, scalar: &Scalar, argument: &mut Option<Scalar>) -> Option<Scalar> {
        match &scalar.kind {
            ScalarKind::Access(access) => {
                let is_it = self.is_secret(access.tensor) && scalar.dtype.is_float() && !access.prev;
                let is_it = is_it && argument.get_or_insert_with(|| scalar.clone()).is_alike(scalar);
                is_it.then(|| operand(scalar))
            }
            ScalarKind::Size(size) => Some(Scalar::literal(Literal::Int(size.as_constant()?), scalar.dtype, scalar.span)),
            ScalarKind::Index(_) | ScalarKind::Approx(_) | ScalarKind::Accumulated | ScalarKind::Operand(_) => None,
            ScalarKind::Literal(Literal::Complex(..)) => None,
            // What a secret decides is refused where it stands.
            ScalarKind::If(..) => None,
            _ => {
                let mut out = scalar.clone();
                for child in out.children_mut() {
                    *child = self.abstracted(child, argument)?;
                }
                Some(out)
            }
        }
    }

    /// Whether a function is none of sums and products.
    fn is_function(&self, node: &Scalar) -> bool {
        match &node.kind {
            ScalarKind::Unary(UnaryFn::Powi(n), _) => *n < 0,
            ScalarKind::Unary(function, _) => !matches!(function, UnaryFn::Neg | UnaryFn::Keep | UnaryFn::Not),
            ScalarKind::Binary(BinaryFn::Div, _, divisor) => !self.is_public(divisor),
            ScalarKind::Binary(function, ..) => !matches!(function, BinaryFn::Add | BinaryFn::Sub | BinaryFn::Mul),
            _ => false,
        }
    }

    /// A conversion of a secret that no polynomial is close to: it jumps.
    pub(crate) fn rounded(value: &Scalar, scalar: &Scalar) -> Diagnostic {
        let (from, to) = (value.dtype, scalar.dtype);
        if from == DType::Bool {
            let found = Diagnostic::error(710, "he-range", "a comparison of secrets jumps: no polynomial is close to it everywhere");
            return found.at(value.span, OF_SECRETS).help(instead_of_a_comparison(value));
        }
        if to.is_complex() {
            return becomes_complex(scalar);
        }
        if to == DType::Bool {
            return semiring(scalar.span, "as bool", from);
        }
        Diagnostic::error(714, "he-semiring", format!("packed ciphertexts add and multiply; they do not round {from} to {to}"))
            .at(scalar.span, OF_SECRETS)
            .help("make what is rounded a result, and round it once that is decrypted")
    }

    /// Nothing bounds what a function is applied to.
    pub(crate) fn unbounded(&self, name: &str, argument: &Scalar) -> Diagnostic {
        let mut open = BTreeSet::new();
        argument.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                self.open(access.tensor, &mut open, &mut BTreeSet::new());
            }
        });
        let names: Vec<String> = open.iter().map(|tensor| format!("`{}`", self.module.tensors[*tensor].name)).collect();
        let what = if names.is_empty() { "what it is applied to".to_owned() } else { names.join(", ") };
        let message = format!("`{name}` of a secret value needs a range to be a polynomial on, and nothing bounds {what}");
        let mut found = Diagnostic::error(710, "he-range", message).at(argument.span, "may be any number");
        for tensor in &open {
            let decl = &self.module.tensors[*tensor];
            found = found.and(decl.span, no_range(decl));
        }
        let approx = format!("`approx({}, …, on = (lo, hi))`", called(name));
        let declared = |tensor: &TensorId| self.module.params.contains(tensor);
        match open.iter().find(|tensor| declared(tensor)) {
            Some(first) => {
                let decl = &self.module.tensors[*first];
                let ty = format!("{}{}", if decl.secret { "secret " } else { "" }, decl.dtype);
                let axes = if decl.axes.is_empty() { "" } else { "[…]" };
                let (example, ends) = ends(decl.bounds);
                found.help(format!("`{}: {ty}{axes} in {example}`, with the {ends}, or {approx}", decl.name))
            }
            None => found.help(approx),
        }
    }

    /// The greatest or least of values that no tree is made of.
    pub(crate) fn not_compared(&self, obstacle: Obstacle, reduce: &Reduce, equation: &Equation) -> Diagnostic {
        let (name, span) = (reduce.op.name(), equation.span);
        match obstacle {
            Obstacle::Type => semiring(span, name, equation.body.dtype),
            Obstacle::Range => self.unbounded(name, &equation.body),
            Obstacle::Many(n) => {
                let message =
                    format!("the `{name}` of {n} secret values is too long a tree of comparisons: at most {MAX_COMPARED} have one");
                let help = "make what it takes a result, and compute this in the clear once that is decrypted";
                Diagnostic::error(714, "he-semiring", message).at(span, OF_SECRETS).help(help)
            }
            Obstacle::Empty => {
                let (what, end) = if reduce.op == ReduceOp::Max { ("-inf", "least") } else { ("inf", "greatest") };
                let message =
                    format!("the `{name}` of secret values is {what} where there is none of them, and a slot holds a finite number");
                let found = Diagnostic::error(714, "he-semiring", message);
                let at = reduce.guard.as_ref().map_or(span, |guard| guard.span);
                let label = if reduce.guard.is_some() { "may leave all of them out" } else { "of nothing" };
                found
                    .at(at, label)
                    .help(format!("a term instead of a guard: `{name}[i](if … then x[i] else a)`, with the {end} `a` of the range of `x`"))
            }
        }
    }

    /// The tensors because of which a tensor has no range: parameters, or those that are computed from what has one.
    fn open(&self, tensor: TensorId, found: &mut BTreeSet<TensorId>, seen: &mut BTreeSet<TensorId>) {
        if !seen.insert(tensor) || is_finite(self.ranges.of_tensor(self.module, tensor)) {
            return;
        }
        let mut read = BTreeSet::new();
        if let Some(definition) = self.module.body.iter().find(|definition| results(definition).contains(&tensor)) {
            reads(definition, &mut read);
        }
        read.retain(|other| !is_finite(self.ranges.of_tensor(self.module, *other)));
        if read.is_empty() {
            found.insert(tensor);
        }
        read.into_iter().for_each(|other| self.open(other, found, seen));
    }

    /// The parameters that an expression is computed from.
    fn sources(&self, scalar: &Scalar) -> BTreeSet<TensorId> {
        let mut found = BTreeSet::new();
        scalar.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                found.insert(access.tensor);
            }
        });
        for definition in self.module.body.iter().rev() {
            if results(definition).iter().any(|tensor| found.contains(tensor)) {
                reads(definition, &mut found);
            }
        }
        found.retain(|tensor| self.module.params.contains(tensor));
        found
    }

    /// The name of a parameter without elements from which an expression is computed.
    fn of_nothing(&self, scalar: &Scalar) -> Option<String> {
        let is_empty = |tensor: &TensorId| self.module.tensors[*tensor].literal_axes().is_some_and(|axes| axes.contains(&0));
        self.sources(scalar).into_iter().find(is_empty).map(|tensor| self.module.tensors[tensor].name.clone())
    }

    fn far(&self, far: &Far, name: &str, approx: &Approx, (scalar, scope): (&Scalar, &Scope)) -> Diagnostic {
        let from: Vec<String> =
            self.sources(&approx.argument).into_iter().map(|tensor| format!("`{}`", self.module.tensors[tensor].name)).collect();
        let of = if from.is_empty() { String::new() } else { format!(" of {}", from.join(", ")) };
        let help = match far {
            Far::Jump(_) => format!("`approx({}, …, on = (lo, hi))` lets it be anything between beside the jump", called(name)),
            Far::Pole if self.of_nothing(&approx.argument).is_some() => {
                let empty = self.of_nothing(&approx.argument).unwrap_or_default();
                format!("an axis of `{empty}` has the size 0, and what is summed over it is 0: leave this out, or give it elements")
            }
            Far::Pole if self.is_guarded(&approx.argument) => {
                format!("narrower ranges{of}, a guard that admits something everywhere, or a number that is added keep it from there")
            }
            Far::Pole => format!("narrower ranges{of}, or a number that is added keep it from there"),
            Far::Ratio(_) => format!("narrower ranges{of} that keep it farther from 0, or a public number that is added to what it is of"),
            Far::By(off) => {
                let narrower = format!("declare narrower ranges (`in lo..hi`){of}");
                let wanted = self.aim(scope).of(approx);
                let called = called(name);
                let way = if is_root(&approx.function) { format!("{narrower} to where it is not steep, as it is at 0") } else { narrower };
                if jumps(&approx.function) {
                    format!("{way} to where it does not jump; `approx({called}, …, on = (lo, hi), degree <= 31)` lets it be off there")
                } else if scope.divides && wanted > 0.0 {
                    format!("{way}; something is divided by what it gives, which must be closer than {wanted:.0e} for that")
                } else if *off < 0.1 && wanted < *off {
                    format!("{way}, or {}", self.off_by_more(2.0 * off * scope.factor.max(1.0), scope))
                } else {
                    way
                }
            }
        };
        far.refused(approx.on, scalar.span, &help)
    }

    /// What to state of the results that are computed from a tensor.
    fn off_by_more(&self, by: f64, scope: &Scope) -> String {
        let names: Vec<String> = scope.results.iter().map(|result| format!("`{}`", self.module.tensors[*result].name)).collect();
        let which = if names.is_empty() { "a result".to_owned() } else { names.join(", ") };
        format!("let {which} be off by more: `within abs {}` behind its type", at_most(by))
    }

    /// Whether a value is read from a reduction with a guard.
    fn is_guarded(&self, scalar: &Scalar) -> bool {
        let mut read = BTreeSet::new();
        scalar.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                read.insert(access.tensor);
            }
        });
        self.module.body.iter().any(|definition| {
            let Definition::Equation(equation) = definition else { return false };
            read.contains(&equation.out) && equation.reduce.as_ref().is_some_and(|reduce| reduce.guard.is_some())
        })
    }
}

/// What the range of a tensor lacks.
fn no_range(decl: &TensorDecl) -> String {
    match decl.bounds {
        Some((lo, hi)) => {
            format!("`{}` is in {lo:?}..{hi:?}, which has no {}", decl.name, if lo.is_finite() { "upper end" } else { "lower end" })
        }
        None => format!("`{}` has no range", decl.name),
    }
}

/// A range to declare instead of one that may lack ends, and what of it is an example.
fn ends(bounds: Option<(f64, f64)>) -> (String, &'static str) {
    match bounds {
        Some((lo, _)) if lo.is_finite() => (format!("{lo:?}..{:?}", lo + lo.abs().max(1.0)), "upper end that it has"),
        Some((_, hi)) if hi.is_finite() => (format!("{:?}..{hi:?}", hi - hi.abs().max(1.0)), "lower end that it has"),
        _ => ("-1.0..1.0".to_owned(), "ends that it has"),
    }
}

/// What to write for a comparison as a number.
fn instead_of_a_comparison(comparison: &Scalar) -> String {
    let step = "with a def `step` that is 1.0 above 0.0 and 0.0 below";
    let first_is_greater = match &comparison.kind {
        ScalarKind::Binary(BinaryFn::Gt | BinaryFn::Ge, ..) => true,
        ScalarKind::Binary(BinaryFn::Lt | BinaryFn::Le, ..) => false,
        ScalarKind::Binary(BinaryFn::Eq | BinaryFn::Ne, a, _) if a.dtype.is_integer() => {
            let (above, below) = ("approx(step, (a - b) as f64 + 0.5, on = (lo, hi))", "approx(step, (b - a) as f64 + 0.5, on = (lo, hi))");
            return format!("`{above} * {below}` is 1 where integers are the same, {step}; `--target tfhe` compares them exactly");
        }
        _ => return "make what it compares results, and compare them once they are decrypted".to_owned(),
    };
    let is_strict = matches!(&comparison.kind, ScalarKind::Binary(BinaryFn::Gt | BinaryFn::Lt, ..));
    let difference = if first_is_greater { "a - b" } else { "b - a" };
    match &comparison.kind {
        ScalarKind::Binary(_, a, _) if a.dtype.is_integer() => {
            let between = if is_strict { "-" } else { "+" };
            let found = format!("`approx(step, ({difference}) as f64 {between} 0.5, on = (lo, hi))`, {step}");
            format!("{found}; `--target tfhe` compares them exactly")
        }
        _ => format!("`approx(step, {difference}, on = (lo, hi))`, {step}: it may be anything between near the jump"),
    }
}

/// What an approximation is of: functions of one number have names, and operators have none.
fn called(name: &str) -> &str {
    let has_name = name == "recip" || UnaryFn::ALL.iter().any(|function| function.name() == name);
    if has_name { name } else { "f" }
}

fn becomes_complex(scalar: &Scalar) -> Diagnostic {
    let message = format!("slots hold real numbers, and here a secret becomes {}", scalar.dtype);
    let found = Diagnostic::error(716, "he-dtype", message).at(scalar.span, "complex here");
    found.help("compute real and imaginary parts each by themselves")
}

/// Whether a function is made of one that jumps at many places.
fn jumps(function: &Scalar) -> bool {
    let mut jumps = false;
    function.visit(&mut |node| {
        jumps |= matches!(
            node.kind,
            ScalarKind::Unary(UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc, _)
                | ScalarKind::Binary(BinaryFn::FloorDiv | BinaryFn::Rem, ..)
        );
    });
    jumps
}

/// Whether a function of `Operand(0)` is large where that is near 0.
fn has_pole(function: &Scalar) -> bool {
    match &function.kind {
        ScalarKind::Unary(UnaryFn::Log | UnaryFn::Rsqrt, _) | ScalarKind::Binary(BinaryFn::Div, ..) => true,
        ScalarKind::Unary(UnaryFn::Powi(n), _) => *n < 0,
        _ => false,
    }
}

/// The tensors that are divided by, or of which a function with a pole is taken, and those that they are computed from.
pub(crate) fn divisors(module: &Module) -> BTreeSet<TensorId> {
    let mut found = BTreeSet::new();
    let read = |scalar: &Scalar, found: &mut BTreeSet<TensorId>| {
        scalar.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                found.insert(access.tensor);
            }
        });
    };
    for definition in module.body.iter().rev() {
        let Definition::Equation(equation) = definition else { continue };
        if found.contains(&equation.out) {
            read(&equation.body, &mut found);
        }
        equation.body.visit(&mut |node| match &node.kind {
            ScalarKind::Binary(BinaryFn::Div, _, divisor) => read(divisor, &mut found),
            ScalarKind::Unary(UnaryFn::Log | UnaryFn::Rsqrt, a) => read(a, &mut found),
            ScalarKind::Unary(UnaryFn::Powi(n), a) if *n < 0 => read(a, &mut found),
            _ => {}
        });
    }
    found
}

fn is_finite(range: Range) -> bool {
    match range {
        Range::Real(lo, hi) => lo.is_finite() && hi.is_finite(),
        Range::Integer(_) => true,
        Range::Unordered => false,
    }
}

fn operand(of: &Scalar) -> Scalar {
    Scalar::new(ScalarKind::Operand(0), of.dtype, of.span)
}

fn name_of(scalar: &Scalar) -> &'static str {
    match &scalar.kind {
        ScalarKind::Unary(UnaryFn::Powi(_), _) => "a negative power",
        ScalarKind::Unary(function, _) => function.name(),
        ScalarKind::Binary(function, ..) => operator(*function),
        _ => "this",
    }
}

/// A function of two as programs write it.
fn operator(function: BinaryFn) -> &'static str {
    match function {
        BinaryFn::FloorDiv => "//",
        BinaryFn::Rem => "%",
        BinaryFn::Lt => "<",
        BinaryFn::Le => "<=",
        BinaryFn::Gt => ">",
        BinaryFn::Ge => ">=",
        BinaryFn::Eq => "==",
        BinaryFn::Ne => "!=",
        BinaryFn::Pow => "^",
        _ => function.name(),
    }
}
