//! Secrets (language D20): they flow, and what a secret decides is refused, unless the def is exported for a target that selects.
//!
//! Nothing may branch on a secret, be found at a secret position, or be divided by one: whoever carries the program out would have to see
//! it. The target `tfhe` computes both sides of a branch and selects among them on ciphertexts; it may do the first two. What is known not to
//! be 0, by ranges that are declared, has a reciprocal like other functions: those, comparisons and `max` have secret results, and each
//! target says whether it has them.
//! Secrecy follows the data: a call of a def computes secrets if it is given some, whatever the def declares.

use super::files::Files;
use super::program::Elaborated;
use super::scope::Elaborator;
use crate::ast::{Bind, Def, Param, Qualifier, Type};
use crate::error::secrets::error;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::range::Range;
use ein_ir::range::module::Ranges;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::approximations;
use ein_ir::tensor::secrecy::{Origin, Secrets};
use ein_ir::tensor::{Definition, Equation, Module, Multi, MultiOp, ReduceOp};
use std::collections::{BTreeMap, BTreeSet};

/// Something that is declared `public`, by this def or by one that it calls.
#[derive(Clone, Debug)]
pub(crate) struct Public {
    /// What must not be secret.
    pub(crate) tensor: Tensor,
    /// As it is declared: "`W` of `f`".
    pub(crate) name: String,
    /// The qualifier.
    pub(crate) span: Span,
    /// The call that passes something to it, if one does.
    pub(crate) call: Option<Span>,
}

impl Elaborator<'_> {
    /// Notes what the type of a parameter, a result or an equation says of secrecy.
    pub(crate) fn qualify(&mut self, tensor: Tensor, name: &str, ty: &Type) {
        let secret = ty.qualifiers.iter().find(|q| matches!(q, Qualifier::Secret(_)));
        let public = ty.qualifiers.iter().find(|q| matches!(q, Qualifier::Public(_)));
        if let (Some(secret), Some(public)) = (secret, public) {
            let found = error(701, format!("`{name}` is declared secret and public"));
            self.errors.push(found.at(public.span(), "public here").and(secret.span(), "secret here").help("one of the two"));
        }
        self.module.tensors[tensor].secret |= secret.is_some();
        if let Some(public) = public {
            let name = format!("`{name}` of `{}`", self.module.name);
            self.public.push(Public { tensor, name, span: public.span(), call: None });
        }
    }

    /// Notes what an equation states of its tensor.
    pub(crate) fn qualify_equation(&mut self, bind: &Bind) {
        if let Some(ty) = &bind.ty
            && let Some(super::scope::Meaning::Tensor(tensor)) = self.names.get(bind.name.as_str()).map(|d| d.meaning.clone())
        {
            self.qualify(tensor, bind.name.as_str(), ty);
        }
    }

    /// What a called def declares public is public here too.
    pub(crate) fn inherit_public(&mut self, public: &[Public], tensors: &BTreeMap<Tensor, Tensor>, call: Span) {
        let own = public.iter().filter_map(|p| Some(Public { tensor: *tensors.get(&p.tensor)?, call: p.call.or(Some(call)), ..p.clone() }));
        self.public.extend(own);
    }

    /// What a called def itself declares secret is secret here too, and a result of this def only if it is declared so.
    pub(crate) fn secret_results(&mut self, callee: &Elaborated, tensors: &BTreeMap<Tensor, Tensor>, call: Span) {
        callee.secrets.iter().filter_map(|t| tensors.get(t)).for_each(|own| self.secret_result(*own, call));
    }

    /// A tensor that a call makes secret.
    pub(crate) fn secret_result(&mut self, tensor: Tensor, call: Span) {
        let decl = &self.module.tensors[tensor];
        if self.module.results.contains(&tensor) && !decl.secret {
            let found = error(718, format!("the result `{}` comes from a call whose result is secret", decl.name));
            self.errors.push(found.at(decl.span, "not declared secret").and(call, "this call").help("`secret` before its type"));
        }
        self.module.tensors[tensor].secret = true;
    }

    /// As [`Elaborator::inherit_public`], of a def that stands in an expression: what it declares public reads nothing secret.
    pub(crate) fn inherit_public_scalars(&mut self, public: &[Public], args: &[(Tensor, Scalar)], call: Span) {
        for p in public {
            let is_param = args.iter().any(|(param, _)| *param == p.tensor);
            for (_, arg) in args.iter().filter(|(param, _)| !is_param || *param == p.tensor) {
                arg.visit(&mut |node| {
                    if let ScalarKind::Access(access) = &node.kind {
                        self.public.push(Public { tensor: access.tensor, call: p.call.or(Some(call)), ..p.clone() });
                    }
                });
            }
        }
    }

    /// Follows the secrets of a def that has no other mistakes, and marks what they reach.
    pub(crate) fn secrecy(&mut self, def: &Def) {
        let secrets = Secrets::of(&self.module);
        if !secrets.any() {
            return;
        }
        let selects = self.program.selects(self.file, def.name.as_str());
        let ranges = Ranges::hopeful(&self.module);
        let (module, files) = (&self.module, &self.program.files);
        let mut refusals = Refusals { module, secrets: &secrets, ranges, copied: &self.copied, files, selects, found: Vec::new() };
        refusals.body(&self.module.body);
        let mut found = refusals.found;
        self.leaks(def, &secrets, &mut found);
        if found.is_empty() {
            found = approximations::check(&self.module);
        }
        self.errors.append(&mut found);
        for (tensor, decl) in self.module.tensors.iter_mut() {
            decl.secret |= secrets.is_secret(tensor);
            // What only says so, of values that everybody can compute, says so to callers as well.
            if secrets.origin(tensor) == Some(Origin::Declared) && !self.module.params.contains(&tensor) {
                self.secrets.insert(tensor);
            }
        }
    }

    fn leaks(&self, def: &Def, secrets: &Secrets, found: &mut Vec<Diagnostic>) {
        let mut said = BTreeSet::new();
        for public in self.public.iter().filter(|p| secrets.is_secret(p.tensor)) {
            if !said.insert((public.tensor, public.span, public.call)) {
                continue;
            }
            let secret = secrets.describe(&self.module, public.tensor);
            let diagnostic = match public.call {
                Some(call) => {
                    let found = error(718, format!("{} is public, and {secret}, which goes there, is secret", public.name));
                    found.at(call, "passed here").and(public.span, "declared public here")
                }
                None => {
                    let source = secrets.path(public.tensor).first().map_or("", |t| self.module.tensors[*t].name.as_str());
                    let found = error(718, format!("{} is public, but computed from `{source}`, which is secret", public.name));
                    found.at(public.span, "declared public").help("without `public`")
                }
            };
            found.push(secrets.explain(&self.module, public.tensor, diagnostic));
        }
        for (param, result) in def.results.iter().zip(&self.module.results) {
            let is_said = self.public.iter().any(|p| p.tensor == *result);
            if secrets.is_secret(*result) && !self.module.tensors[*result].secret && !is_said {
                found.push(self.leak(param, *result, secrets));
            }
        }
    }

    fn leak(&self, param: &Param, result: Tensor, secrets: &Secrets) -> Diagnostic {
        let source = secrets.path(result).first().map_or("", |t| self.module.tensors[*t].name.as_str());
        let message = format!("the result `{}` is computed from `{source}`, which is secret", param.name);
        let text = crate::print::print_type(&param.ty);
        let from = match secrets.origin(result) {
            Some(Origin::From(from)) => format!("computed from {}, and not declared secret", secrets.describe(&self.module, from)),
            _ => "not declared secret".to_owned(),
        };
        let diagnostic = error(718, message).at(param.span, from);
        secrets.explain(&self.module, result, diagnostic).help(format!("`{}: secret {text}`", param.name))
    }
}

/// What a secret may not decide.
struct Refusals<'a> {
    module: &'a Module,
    secrets: &'a Secrets,
    ranges: Ranges,
    /// The calls that copied definitions in, by what these define.
    copied: &'a BTreeMap<Tensor, Span>,
    files: &'a Files<'a>,
    /// Whether both sides of what a secret decides are computed.
    selects: bool,
    found: Vec<Diagnostic>,
}

impl Refusals<'_> {
    fn body(&mut self, body: &[Definition]) {
        for definition in body {
            match definition {
                Definition::Equation(equation) => self.equation(equation),
                Definition::Scan(scan) => self.body(&scan.body),
                Definition::Multi(multi) => self.function(multi),
                Definition::Generate(_) | Definition::Table(_) => {}
            }
        }
    }

    fn equation(&mut self, equation: &Equation) {
        if let Some(reduce) = &equation.reduce {
            if let Some(guard) = &reduce.guard
                && self.secrets.read_by(guard).is_some()
                && !self.is_decided(guard, &[])
            {
                let help = instead_of_a_guard(reduce.op, equation.body.dtype);
                self.refuse(712, guard, "a guard", "what takes part depends on", equation.out, &help);
            }
            if let ReduceOp::User(reducer) = reduce.op
                && let Some((tensor, _)) = self.secrets.read_by(&equation.body)
            {
                self.reducer(&self.module.reducers[reducer].combine, tensor, equation);
            }
        }
        let mut conditions = equation.domain.iter().cloned().collect();
        self.scalar(&equation.body, &mut conditions, equation.out);
    }

    fn scalar(&mut self, scalar: &Scalar, conditions: &mut Vec<Scalar>, out: Tensor) {
        self.node(scalar, conditions, out);
        let ScalarKind::If(condition, yes, no) = &scalar.kind else {
            scalar.children().into_iter().for_each(|child| self.scalar(child, conditions, out));
            return;
        };
        self.scalar(condition, conditions, out);
        for (condition, value) in [(Scalar::clone(condition), yes), (Scalar::clone(condition).negated(), no)] {
            let n_found = self.found.len();
            conditions.push(condition);
            self.scalar(value, conditions, out);
            let Some(condition) = conditions.pop() else { continue };
            // What is read nowhere decides nothing. For sizes that are not known, targets look again.
            if self.found.len() > n_found && self.ranges.may_never_hold(self.module, &condition, conditions) {
                self.found.truncate(n_found);
            }
        }
    }

    fn node(&mut self, node: &Scalar, conditions: &[Scalar], out: Tensor) {
        match &node.kind {
            ScalarKind::If(condition, ..) if self.is_decided(condition, conditions) => {}
            ScalarKind::If(condition, ..) => {
                let help = "`approx(f, x, on = (lo, hi))`, where `f` is a def of one number that branches";
                self.refuse(712, condition, "the condition of an `if`", "which branch is taken depends on", out, help);
            }
            ScalarKind::Access(access) => {
                for sub in &access.subs {
                    let help = format!(
                        "0 and 1 for each position, encrypted in its place: with `at: secret {}[…]` it is `sum[j](at[j] * x[j])`",
                        if node.dtype.is_float() || node.dtype.is_integer() { node.dtype } else { DType::F64 }
                    );
                    self.refuse(712, &sub.value, "a subscript", "which element is read depends on", out, &help);
                }
            }
            ScalarKind::Binary(BinaryFn::Div, _, divisor) if self.is_kept_from_zero(divisor, conditions) => {}
            ScalarKind::Unary(UnaryFn::Powi(_), base) if self.is_kept_from_zero(base, conditions) => {}
            ScalarKind::Binary(op @ (BinaryFn::Div | BinaryFn::FloorDiv | BinaryFn::Rem), _, divisor) => {
                let what = if *op == BinaryFn::Rem { "the divisor of a remainder" } else { "a divisor" };
                let help = if *op == BinaryFn::Div { self.instead_of_a_divisor(divisor, conditions) } else { LATER };
                self.refuse(713, divisor, what, "divided by", out, help);
            }
            ScalarKind::Unary(UnaryFn::Powi(n), base) if *n < 0 => {
                let help = self.instead_of_a_divisor(base, conditions);
                self.refuse(713, base, "the base of a negative power", "divided by", out, help);
            }
            _ => {}
        }
    }

    /// What to do about a division: an approximation is held to what is known of its argument.
    fn instead_of_a_divisor(&self, divisor: &Scalar, conditions: &[Scalar]) -> &'static str {
        match self.ranges.of_scalar_where(self.module, divisor, conditions) {
            Range::Real(lo, hi) if lo.is_finite() && hi.is_finite() => NARROWER,
            _ => RECIPROCAL,
        }
    }

    /// Whether ranges say for some sizes at least whether a condition holds, so that no secret decides it.
    fn is_decided(&self, condition: &Scalar, conditions: &[Scalar]) -> bool {
        let (always, never) = self.ranges.truth_where(self.module, condition, conditions);
        always || never
    }

    /// Whether a real number has a range without 0, for some sizes at least: targets look again when sizes are known.
    fn is_kept_from_zero(&self, scalar: &Scalar, conditions: &[Scalar]) -> bool {
        matches!(self.ranges.of_scalar_where(self.module, scalar, conditions), Range::Real(lo, hi) if lo > 0.0 || hi < 0.0)
    }

    /// Adds what is wrong if an expression is secret.
    fn refuse(&mut self, code: u16, scalar: &Scalar, what: &str, label: &str, out: Tensor, help: &str) {
        let Some((tensor, _)) = self.secrets.read_by(scalar) else { return };
        if code == 712 && self.selects {
            return;
        }
        let name = self.secrets.describe(self.module, tensor);
        let mut diagnostic = error(code, format!("{what} depends on {name}, which is secret")).at(scalar.span, format!("{label} {name}"));
        // Circuits are of integers.
        if code == 712 && !self.module.tensors.values().any(|decl| decl.dtype.is_float() || decl.dtype.is_complex()) {
            let exported = format!("`export {} for tfhe;` computes every choice on ciphertexts of integers, and selects", self.module.name);
            diagnostic = diagnostic.note(exported);
        }
        let help = match code {
            _ if !self.files.is_library(scalar.span.file) || help == LATER => help,
            712 if reads_reals(scalar) => "ranges (`in 0.1..1.0`) of what it is given that decide it, or a call once that is decrypted",
            712 => "make what it is given a result, and call it once that is decrypted, or write what it computes in a def of your own",
            _ => "ranges (`in 1.0..2.0`) of what it is given that keep the divisor from 0, or a call once that is decrypted",
        };
        self.add(diagnostic.help(help), tensor, out);
    }

    /// The two values of a reducer are secret: it may neither branch on them nor divide by them.
    fn reducer(&mut self, combine: &Scalar, tensor: Tensor, equation: &Equation) {
        let reads = |scalar: &Scalar| {
            let mut found = false;
            scalar.visit(&mut |node| found |= matches!(node.kind, ScalarKind::Operand(_)));
            found
        };
        combine.visit(&mut |node| {
            let (code, at, what) = match &node.kind {
                ScalarKind::If(condition, ..) => (712, condition, "which branch is taken depends on them"),
                ScalarKind::Binary(BinaryFn::Div | BinaryFn::FloorDiv | BinaryFn::Rem, _, divisor) => (713, divisor, "divided by them"),
                _ => return,
            };
            if reads(at) && !(code == 712 && self.selects) {
                let name = self.secrets.describe(self.module, tensor);
                let diagnostic = error(code, format!("a reducer combines values of {name}, which is secret"));
                self.add(diagnostic.at(at.span, what).and(equation.body.span, "combined here"), tensor, equation.out);
            }
        });
    }

    fn function(&mut self, multi: &Multi) {
        let Some(tensor) = secret_matrix(multi).iter().copied().find(|t| self.secrets.is_secret(*t)) else { return };
        let name = self.secrets.describe(self.module, tensor);
        let message = format!("`{}` divides by what it computes from {name}, which is secret", multi.op.name());
        let out = multi.results.first().copied().unwrap_or(tensor);
        let help = "make what it takes a result, and compute this in the clear once that is decrypted";
        self.add(error(713, message).at(multi.span, format!("{name} goes there")).help(help), tensor, out);
    }

    fn add(&mut self, diagnostic: Diagnostic, tensor: Tensor, out: Tensor) {
        let mut diagnostic = self.secrets.explain(self.module, tensor, diagnostic);
        if let Some(call) = self.copied.get(&out) {
            diagnostic = diagnostic.and(*call, "in this call");
        }
        self.found.push(diagnostic);
    }
}

/// Whether reals decide something: their ranges may decide it as well.
fn reads_reals(scalar: &Scalar) -> bool {
    let mut found = false;
    scalar.visit(&mut |node| found |= node.dtype.is_float());
    found
}

/// What to write for `a / d`.
const RECIPROCAL: &str = "declare ranges (`in 1.0..2.0`) that keep it from 0, or `a * approx(recip, d, on = (lo, hi))` for `a / d`";

/// What to do about what jumps with its divisor.
const LATER: &str = "make both results, and compute this in the clear once they are decrypted";

/// What to do where it is known that it may be 0.
const NARROWER: &str = "narrower ranges (`in 1.0..2.0`) of what it is computed from, that keep it from 0, or a public number that is added";

/// What has the place of a guard that nobody may see: the neutral element of the reduction.
fn instead_of_a_guard(op: ReduceOp, dtype: DType) -> String {
    let (one, part) = if dtype.is_float() { ("1.0", "approx(part, …, on = (lo, hi))") } else { ("1", "part[i]") };
    let term = match op {
        ReduceOp::Sum => format!("sum[i]({part} * x[i])"),
        ReduceOp::Prod => format!("prod[i]({one} + {part} * (x[i] - {one}))"),
        ReduceOp::Max if dtype.is_float() => format!("max[i](x[i] - (1.0 - {part}) * big)"),
        ReduceOp::Min if dtype.is_float() => format!("min[i](x[i] + (1.0 - {part}) * big)"),
        _ => return "a guard that everybody may see".to_owned(),
    };
    let beyond = if matches!(op, ReduceOp::Max | ReduceOp::Min) { ", and `big` beyond all differences of values" } else { "" };
    let what = if dtype.is_float() {
        "with a def `part` of one number that is 1 where it takes part and 0 elsewhere".to_owned()
    } else {
        format!("with `part: secret {dtype}[…] in 0..1` that is encrypted as well")
    };
    format!("a term instead of a guard: `{term}`, {what}{beyond}")
}

/// The arguments of a function of whole tensors that it divides by, or by what it makes of them.
fn secret_matrix(multi: &Multi) -> &[Tensor] {
    match multi.op {
        // Linear in the right side.
        MultiOp::Solve | MultiOp::Lstsq => multi.args.get(..1).unwrap_or_default(),
        MultiOp::Cholesky | MultiOp::Qr | MultiOp::Eigh | MultiOp::Svd | MultiOp::Inv | MultiOp::Det => &multi.args,
        MultiOp::TopK | MultiOp::Sort | MultiOp::Fft | MultiOp::Ifft | MultiOp::Rfft | MultiOp::Irfft => &[],
    }
}
