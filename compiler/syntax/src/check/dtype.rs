//! The type of every expression (language 4c): literals, sizes and index values adapt, data does not.

mod approx;

use super::names::find_at;
use super::scope::Elaborator;
use super::tree::{Kind, Node, NodeKind, Reduction, Ty};
use crate::ast::{Expr, ExprKind};
use crate::builtins::{Builtin, Function, Reducer, Signature};
use crate::error::reducers;
use crate::error::types::error;
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::{Class, DType};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// Fills in the types of one equation.
pub(crate) struct Typer<'e, 'p> {
    pub(crate) elab: &'e mut Elaborator<'p>,
    /// The right side, for the edits in messages.
    pub(crate) source: &'e Expr,
}

/// The type in the user's words.
pub(crate) fn name_of(ty: Ty) -> String {
    match ty {
        Ty::Data(d) => d.to_string(),
        Ty::Adapt(Kind::Int) => "an integer literal, size or index value".to_owned(),
        Ty::Adapt(Kind::Float) => "a real literal".to_owned(),
        Ty::Adapt(Kind::Complex) => "a complex literal".to_owned(),
        Ty::Bad => "unknown".to_owned(),
    }
}

/// Whether literals of a kind are values of a type.
pub(crate) const fn fits(kind: Kind, dtype: DType) -> bool {
    match kind {
        Kind::Int => !matches!(dtype.class(), Class::Bool | Class::Key),
        Kind::Float => dtype.is_float() || dtype.is_complex(),
        Kind::Complex => dtype.is_complex(),
    }
}

/// How much a type can hold, to say which side of a mismatch to convert.
fn width(dtype: DType) -> (u8, u32) {
    let class = match dtype.class() {
        Class::Bool => 0,
        Class::Signed | Class::Unsigned | Class::Key => 1,
        Class::Float => 2,
        Class::Complex => 3,
    };
    (class, dtype.bits())
}

impl Typer<'_, '_> {
    pub(crate) fn annotate(&mut self, node: &mut Node) -> Ty {
        let span = node.span;
        let ty = match &mut node.kind {
            NodeKind::Int(_) | NodeKind::Index(_) | NodeKind::Size(_) => Ty::Adapt(Kind::Int),
            NodeKind::Float(_) => Ty::Adapt(Kind::Float),
            NodeKind::Imaginary(_) => Ty::Adapt(Kind::Complex),
            NodeKind::Bool(_) => Ty::Data(DType::Bool),
            NodeKind::Operand(_, dtype) => Ty::Data(*dtype),
            NodeKind::Bad => Ty::Bad,
            NodeKind::Access(_) => self.access(node),
            NodeKind::Unary(op, operand) => {
                let (op, ty) = (*op, self.annotate(operand));
                self.unary(op, ty, span)
            }
            NodeKind::Binary(op, lhs, rhs) => {
                let op = *op;
                let (a, b) = (self.annotate(lhs), self.annotate(rhs));
                self.binary(op, (a, lhs.span), (b, rhs.span), span)
            }
            NodeKind::If(parts) => {
                let [condition, then, otherwise] = parts.as_mut();
                self.condition(condition, "the condition of `if`");
                let (a, b) = (self.annotate(then), self.annotate(otherwise));
                self.join((a, then.span), (b, otherwise.span))
            }
            NodeKind::Cast(value) => {
                let from = self.annotate(value);
                self.cast(from, node.ty, span);
                node.ty
            }
            NodeKind::Call(builtin, args) => {
                let builtin = *builtin;
                let types: Vec<(Ty, Span)> = args.iter_mut().map(|a| (self.annotate(a), a.span)).collect();
                self.builtin(builtin, &types)
            }
            NodeKind::Def(def, args) => {
                let def = *def;
                let types: Vec<(Ty, Span)> = args.iter_mut().map(|a| (self.annotate(a), a.span)).collect();
                self.elab.scalar_call_type(def, &types, span)
            }
            NodeKind::Reduce(reduction) => self.reduction(reduction, span),
            NodeKind::Approx(approx) => self.approx(approx, span),
        };
        node.ty = ty;
        ty
    }

    /// The text of the expression at a place, with parentheses where an operator follows.
    pub(crate) fn operand_text(&self, span: Span) -> String {
        match find_at(self.source, span) {
            Some(e) => match e.peeled().kind {
                ExprKind::Binary { .. } | ExprKind::Unary { .. } | ExprKind::If { .. } => format!("({})", print_expr(e.peeled())),
                _ => print_expr(e.peeled()),
            },
            None => "…".to_owned(),
        }
    }

    fn wrong(&mut self, found: Diagnostic) -> Ty {
        self.elab.errors.push(found);
        Ty::Bad
    }

    fn access(&mut self, node: &mut Node) -> Ty {
        let NodeKind::Access(access) = &mut node.kind else { return Ty::Bad };
        let dtype = self.elab.module.tensors[access.tensor].dtype;
        for sub in &mut access.subs {
            let span = sub.value.span;
            match self.annotate(&mut sub.value) {
                Ty::Adapt(Kind::Int) | Ty::Bad => {}
                // Whether it stays inside its axis is looked at when it is built.
                Ty::Data(d) if d.is_integer() => {}
                other => {
                    let found = error(404, format!("a subscript is an integer, and this is {}", name_of(other))).at(span, name_of(other));
                    let text = find_at(self.source, span).map(|e| print_expr(e.peeled()).replace(" / ", " // "));
                    let found = match (other, text) {
                        (Ty::Adapt(_), Some(text)) if text.contains("//") => found.help(format!("`{text}`")),
                        _ => found,
                    };
                    self.elab.errors.push(found);
                }
            }
        }
        if let Some(pad) = &mut access.pad {
            let span = pad.span;
            let ty = self.annotate(pad);
            self.join((Ty::Data(dtype), node.span), (ty, span));
        }
        Ty::Data(dtype)
    }

    /// An expression that must be a condition.
    fn condition(&mut self, node: &mut Node, what: &str) {
        let ty = self.annotate(node);
        if !matches!(ty, Ty::Data(DType::Bool) | Ty::Bad) {
            let text = self.operand_text(node.span);
            let found = error(404, format!("{what} is a bool, and this is {}", name_of(ty))).at(node.span, name_of(ty));
            self.elab.errors.push(found.help(format!("`{text} != 0`")));
        }
    }

    fn unary(&mut self, op: UnaryFn, ty: Ty, span: Span) -> Ty {
        match (op, ty) {
            (_, Ty::Bad) | (UnaryFn::Not, Ty::Data(DType::Bool)) => ty,
            (UnaryFn::Not, _) => self.wrong(error(404, format!("`not` takes a bool, and this is {}", name_of(ty))).at(span, name_of(ty))),
            (_, Ty::Data(DType::Bool)) => {
                let what = if op == UnaryFn::Neg { "`-`" } else { "`^`" };
                let found = error(404, format!("{what} has no meaning for bool")).at(span, "bool");
                self.wrong(found.help("`(…) as i32`"))
            }
            (UnaryFn::Powi(n), Ty::Adapt(Kind::Int)) if n < 0 => Ty::Adapt(Kind::Float),
            (UnaryFn::Powi(n), Ty::Data(d)) if n < 0 && d.is_integer() => {
                let found =
                    error(405, format!("`^` with the exponent {n} divides, and the base is {d}")).at(span, "a division of integers");
                self.wrong(found.help("convert the base: `(… as f64)`"))
            }
            _ => ty,
        }
    }

    /// The common type of two operands; literals adapt to data, data never converts.
    fn join(&mut self, a: (Ty, Span), b: (Ty, Span)) -> Ty {
        match (a.0, b.0) {
            (Ty::Bad, _) | (_, Ty::Bad) => Ty::Bad,
            (Ty::Data(x), Ty::Data(y)) if x == y => a.0,
            (Ty::Data(x), Ty::Data(y)) => {
                let (narrow, wide) = if width(x) <= width(y) { ((x, a.1), y) } else { ((y, b.1), x) };
                let found = error(402, format!("{x} and {y} do not mix")).at(b.1, y.to_string()).and(a.1, x.to_string());
                let help = format!("`{} as {wide}`", self.operand_text(narrow.1));
                self.wrong(found.note("data is converted only by `as`").help(help))
            }
            (Ty::Adapt(x), Ty::Adapt(y)) => Ty::Adapt(x.max(y)),
            (Ty::Data(d), Ty::Adapt(k)) => self.adapt(d, a.1, k, b.1),
            (Ty::Adapt(k), Ty::Data(d)) => self.adapt(d, b.1, k, a.1),
        }
    }

    fn adapt(&mut self, dtype: DType, data: Span, kind: Kind, literal: Span) -> Ty {
        if fits(kind, dtype) {
            return Ty::Data(dtype);
        }
        let what = name_of(Ty::Adapt(kind));
        let found = error(406, format!("{what} is not a value of {dtype}")).at(literal, what).and(data, dtype.to_string());
        if let Some(whole) = whole_number(&self.operand_text(literal)).filter(|_| dtype.is_integer()) {
            return self.wrong(found.help(format!("`{whole}`")));
        }
        let to = match (kind, dtype) {
            (_, DType::Bool) => None,
            (Kind::Complex, DType::F64) => Some(DType::C128),
            (Kind::Complex, _) => Some(DType::C64),
            _ => Some(DType::F64),
        };
        match to {
            Some(to) => {
                let help = format!("`{} as {to}`", self.operand_text(data));
                self.wrong(found.help(help))
            }
            None => self.wrong(found),
        }
    }

    fn binary(&mut self, op: BinaryFn, a: (Ty, Span), b: (Ty, Span), span: Span) -> Ty {
        if matches!(op, BinaryFn::And | BinaryFn::Or) {
            for (ty, at) in [a, b] {
                if !matches!(ty, Ty::Data(DType::Bool) | Ty::Bad) {
                    let help = format!("`{} != 0`", self.operand_text(at));
                    self.wrong(
                        error(404, format!("`{}` takes bools, and this is {}", op.name(), name_of(ty))).at(at, name_of(ty)).help(help),
                    );
                }
            }
            return Ty::Data(DType::Bool);
        }
        let ty = self.join(a, b);
        let ordered = matches!(op, BinaryFn::Lt | BinaryFn::Le | BinaryFn::Gt | BinaryFn::Ge);
        match (op, ty) {
            (_, Ty::Bad) => Ty::Bad,
            (_, Ty::Data(d)) if ordered && (d.is_complex() || d == DType::Bool) => {
                let help = if d.is_complex() { "`abs(…)` or `real(…)`" } else { "`and`, `or`, `not`" };
                self.wrong(error(404, format!("values of {d} have no order")).at(span, format!("a comparison of {d}")).help(help))
            }
            (_, Ty::Adapt(Kind::Complex)) if ordered => self.wrong(error(404, "complex values have no order").at(span, "compared here")),
            _ if op.is_comparison() => Ty::Data(DType::Bool),
            (_, Ty::Data(DType::Bool)) => {
                let found = error(404, format!("`{}` has no meaning for bool", symbol(op))).at(span, "operands are bool");
                self.wrong(found.help("`and`, `or`, `xor(…)`, or convert: `(…) as i32`"))
            }
            (BinaryFn::Div, Ty::Data(d)) if d.is_integer() => {
                let (x, y) = (self.operand_text(a.1), self.operand_text(b.1));
                let found = error(405, format!("`/` on {d}: the quotient of integers is not one")).at(span, format!("{d} / {d}"));
                let convert = |text: &str, ty: Ty| if matches!(ty, Ty::Data(_)) { format!("{text} as f64") } else { text.to_owned() };
                self.wrong(found.help(format!("`{x} // {y}` rounds down; `{} / {}` does not", convert(&x, a.0), convert(&y, b.0))))
            }
            (BinaryFn::Pow, Ty::Data(d)) if d.is_integer() => {
                let found = error(404, format!("a computed power of {d} has no meaning")).at(span, format!("{d}"));
                let help = format!("`{} as f64`, or an integer literal as exponent", self.operand_text(a.1));
                self.wrong(found.help(help))
            }
            (BinaryFn::Div | BinaryFn::Pow, Ty::Adapt(Kind::Int)) => Ty::Adapt(Kind::Float),
            (BinaryFn::FloorDiv | BinaryFn::Rem, Ty::Data(d)) if d.is_complex() => {
                self.wrong(error(404, format!("`{}` has no meaning for {d}", symbol(op))).at(span, d.to_string()))
            }
            (BinaryFn::FloorDiv | BinaryFn::Rem, Ty::Adapt(Kind::Complex)) => {
                self.wrong(error(404, format!("`{}` has no meaning for complex values", symbol(op))).at(span, "complex"))
            }
            _ => ty,
        }
    }

    fn cast(&mut self, from: Ty, to: Ty, span: Span) {
        let (from_complex, Ty::Data(to)) = (matches!(from, Ty::Data(d) if d.is_complex()) || from == Ty::Adapt(Kind::Complex), to) else {
            return;
        };
        if from_complex && !to.is_complex() {
            let found = error(404, format!("a complex value does not convert to {to}")).at(span, format!("{} to {to}", name_of(from)));
            self.elab.errors.push(found.help("`real(…)`, `imag(…)` or `abs(…)`"));
        }
    }

    fn builtin(&mut self, builtin: &Builtin, args: &[(Ty, Span)]) -> Ty {
        let Some(first) = args.first().copied() else { return Ty::Bad };
        let joined = args[1..].iter().fold(first, |a, b| (self.join(a, *b), a.1));
        let ty = joined.0;
        if ty == Ty::Bad {
            return Ty::Bad;
        }
        let wants = match (builtin.signature, ty) {
            (Signature::Any, _) => return ty,
            (_, Ty::Data(DType::Bool)) if builtin.signature == Signature::Bits => return ty,
            (Signature::Number, Ty::Data(d)) if d != DType::Bool => return ty,
            (Signature::Real, Ty::Data(d)) if d.is_integer() || d.is_float() => return ty,
            (Signature::Float | Signature::Cis, Ty::Data(d)) if d.is_float() && builtin.signature == Signature::Float => return ty,
            (Signature::Cis, Ty::Data(DType::F64)) => return Ty::Data(DType::C128),
            (Signature::Cis, Ty::Data(d)) if d.is_float() => return Ty::Data(DType::C64),
            (Signature::Inexact, Ty::Data(d)) if d.is_float() || d.is_complex() => return ty,
            (Signature::Bits | Signature::Integer, Ty::Data(d)) if d.is_integer() => return ty,
            (Signature::RealPart, Ty::Data(d)) if is_imaginary_part(builtin) && !d.is_complex() => "a complex number",
            (Signature::RealPart, Ty::Data(d)) if d != DType::Bool => return Ty::Data(d.real()),
            (Signature::Test, Ty::Data(d)) if d != DType::Bool => return Ty::Data(DType::Bool),
            (Signature::Test, Ty::Adapt(_)) => return Ty::Data(DType::Bool),
            (Signature::Number, Ty::Adapt(_)) => return ty,
            (Signature::Real, Ty::Adapt(Kind::Int | Kind::Float)) => return ty,
            (Signature::Float, Ty::Adapt(Kind::Int | Kind::Float)) => return Ty::Adapt(Kind::Float),
            (Signature::Cis, Ty::Adapt(Kind::Int | Kind::Float)) => return Ty::Adapt(Kind::Complex),
            (Signature::Inexact, Ty::Adapt(k)) => return Ty::Adapt(k.max(Kind::Float)),
            (Signature::Bits | Signature::Integer, Ty::Adapt(Kind::Int)) => return ty,
            (Signature::RealPart, Ty::Adapt(k)) if is_imaginary_part(builtin) && k != Kind::Complex => "a complex number",
            (Signature::RealPart, Ty::Adapt(k)) => return Ty::Adapt(if k == Kind::Complex { Kind::Float } else { k }),
            (Signature::Number, _) => "a number",
            (Signature::Real, _) => "a real number",
            (Signature::Float | Signature::Cis, _) => "a real floating-point number",
            (Signature::Inexact, _) => "a floating-point number",
            (Signature::Bits, _) => "an integer or a bool",
            (Signature::Integer, _) => "an integer",
            (Signature::RealPart | Signature::Test, _) => "a number",
        };
        let found = error(404, format!("`{}` takes {wants}, and this is {}", builtin.name, name_of(ty))).at(first.1, name_of(ty));
        let converts = matches!(builtin.signature, Signature::Float | Signature::Inexact | Signature::Cis)
            && matches!(ty, Ty::Data(d) if !d.is_complex());
        if converts {
            let help = format!("`{}({} as f64)`", builtin.name, self.operand_text(first.1));
            return self.wrong(found.help(help));
        }
        self.wrong(found)
    }

    fn reduction(&mut self, r: &mut Reduction, span: Span) -> Ty {
        if let Some(guard) = &mut r.guard {
            self.condition(guard, "the guard of a reduction");
        }
        let body_span = r.body.span;
        let ty = self.annotate(&mut r.body);
        if ty == Ty::Bad {
            return Ty::Bad;
        }
        if matches!(r.reducer, Reducer::Op(ReduceOp::ArgMax | ReduceOp::ArgMin)) {
            return self.position(r, ty, span);
        }
        if r.reducer == Reducer::Program {
            return self.program_reduction(r, ty);
        }
        if let Some(acc) = r.accumulator {
            return self.accumulated_in(ty, acc, body_span);
        }
        let problem = match (r.reducer, ty) {
            (Reducer::Op(ReduceOp::Sum | ReduceOp::Prod), Ty::Data(d)) if d.is_float() => return ty,
            (Reducer::Op(ReduceOp::Sum | ReduceOp::Prod), Ty::Data(d)) => return Ty::Data(d.accumulator()),
            (Reducer::Op(ReduceOp::Sum | ReduceOp::Prod), Ty::Adapt(_)) => return ty,
            (Reducer::Mean, Ty::Data(d)) if d.is_float() || d.is_complex() => return ty,
            (Reducer::Mean, Ty::Adapt(k)) => return Ty::Adapt(k.max(Kind::Float)),
            (Reducer::Mean, Ty::Data(d)) => {
                let text = self.operand_text(body_span);
                let found = error(405, format!("`mean` divides, and its body is {d}")).at(body_span, d.to_string());
                return self.wrong(found.help(format!("`{text} as f64`")));
            }
            (Reducer::Op(ReduceOp::Max | ReduceOp::Min), Ty::Data(d)) if d.is_float() || d.is_integer() => return ty,
            (Reducer::Op(ReduceOp::Max | ReduceOp::Min), Ty::Adapt(Kind::Int | Kind::Float)) => return ty,
            (Reducer::Op(ReduceOp::Any | ReduceOp::All), Ty::Data(DType::Bool)) => return ty,
            (Reducer::Op(ReduceOp::Lse), Ty::Data(d)) if d.is_float() => return ty,
            (Reducer::Op(ReduceOp::Lse), Ty::Adapt(Kind::Int | Kind::Float)) => return Ty::Adapt(Kind::Float),
            (Reducer::Op(ReduceOp::Any | ReduceOp::All), _) => "bools",
            (Reducer::Op(ReduceOp::Max | ReduceOp::Min), Ty::Data(DType::Bool)) => "numbers (`any` and `all` are for bools)",
            (Reducer::Op(ReduceOp::Lse), _) => "real floating-point numbers",
            _ => "real numbers",
        };
        let found = error(404, format!("`{}` reduces {problem}, and its body is {}", r.name, name_of(ty)));
        self.wrong(found.at(body_span, name_of(ty)).and(span, "reduced here"))
    }

    /// A reducer of the program, in the type of what it reduces or in the one stated.
    fn program_reduction(&mut self, r: &Reduction, ty: Ty) -> Ty {
        let dtype = match (r.accumulator, ty) {
            (Some(acc), _) => match self.accumulated_in(ty, acc, r.body.span) {
                Ty::Data(d) => d,
                other => return other,
            },
            (None, Ty::Data(d)) => d,
            (None, Ty::Adapt(kind)) => [DType::I64, DType::F64, DType::C128][kind as usize],
            (None, Ty::Bad) => return Ty::Bad,
        };
        match self.elab.program_reducer(&r.name, dtype, r.body.span) {
            Some(_) => Ty::Data(dtype),
            None => Ty::Bad,
        }
    }

    /// `argmax` and `argmin`: the position along one index, whatever is compared.
    fn position(&mut self, r: &Reduction, ty: Ty, span: Span) -> Ty {
        if let Some(acc) = r.accumulator {
            let found =
                error(404, format!("`{}` accumulates nothing, so `:{acc}` has no meaning", r.name)).at(span, "gives a position, in i64");
            return self.wrong(found.help(format!("`{}[…](… as {acc})`", r.name)));
        }
        if r.binders.len() != 1 {
            let found = reducers::error(505, format!("`{}` gives a position along one index, and {} are bound", r.name, r.binders.len()));
            return self.wrong(
                found.at(span, "a position along several indices is no number").note("the position along each is a reduction of its own"),
            );
        }
        match ty {
            Ty::Data(d) if d.is_float() || d.is_integer() => Ty::Data(DType::I64),
            Ty::Adapt(Kind::Int | Kind::Float) => Ty::Data(DType::I64),
            _ => {
                let found = error(404, format!("`{}` compares real numbers, and its body is {}", r.name, name_of(ty)));
                self.wrong(found.at(r.body.span, name_of(ty)).and(span, "reduced here"))
            }
        }
    }

    /// `sum:T[…]`: the body is converted to the accumulator's type.
    fn accumulated_in(&mut self, ty: Ty, acc: DType, span: Span) -> Ty {
        let loses = match ty {
            Ty::Data(d) => width(d).0 > width(acc).0,
            Ty::Adapt(k) => !fits(k, acc),
            Ty::Bad => false,
        };
        if loses || acc == DType::Bool && ty != Ty::Data(DType::Bool) {
            let found = error(402, format!("{} does not accumulate in {acc}", name_of(ty))).at(span, name_of(ty));
            return self.wrong(found);
        }
        Ty::Data(acc)
    }

    /// The element type of the equation: declared, stated, or that of the right side.
    pub(crate) fn root(&mut self, ty: Ty, target: Option<(DType, Span, &str)>, node: &Node) -> Option<DType> {
        match (ty, target) {
            (Ty::Bad, _) => None,
            (Ty::Data(d), None) => Some(d),
            (Ty::Data(d), Some((t, ..))) if d == t => Some(d),
            (Ty::Data(d), Some((t, declared, name))) => {
                let text = self.operand_text(node.span);
                let found = error(402, format!("`{name}` is {t}, but its right side is {d}")).at(node.span, d.to_string());
                let found = found.and(declared, format!("declared {t} here"));
                let help = match d.is_complex() && !t.is_complex() {
                    true if text.starts_with('(') => format!("`real{text}`"),
                    true => format!("`real({text})`"),
                    false => format!("`{text} as {t}`"),
                };
                self.elab.errors.push(found.help(help));
                None
            }
            (Ty::Adapt(k), Some((t, declared, name))) => {
                if fits(k, t) {
                    return Some(t);
                }
                let what = name_of(ty);
                let found = error(406, format!("`{name}` is {t}, and {what} is not a value of it")).at(node.span, what);
                self.elab.errors.push(found.and(declared, format!("declared {t} here")));
                None
            }
            (Ty::Adapt(k), None) => {
                let example = ["i64", "f64", "c128"][k as usize];
                let found = error(401, "an equation of literals, sizes and index values alone states its type");
                self.elab.errors.push(found.at(node.span, "nothing here has a type").help(format!("`: {example}` after the left side")));
                None
            }
        }
    }
}

/// `0` for the literal `0.0`, as it is written for integers.
fn whole_number(literal: &str) -> Option<&str> {
    let (whole, rest) = literal.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(whole) && digits(rest) && rest.bytes().all(|b| b == b'0')).then_some(whole)
}

fn is_imaginary_part(builtin: &Builtin) -> bool {
    builtin.function == Function::Unary(UnaryFn::Imag)
}

const fn symbol(op: BinaryFn) -> &'static str {
    match op {
        BinaryFn::Add => "+",
        BinaryFn::Sub => "-",
        BinaryFn::Mul => "*",
        BinaryFn::Div => "/",
        BinaryFn::FloorDiv => "//",
        BinaryFn::Rem => "%",
        BinaryFn::Pow => "^",
        other => other.name(),
    }
}
