//! Expressions and types.

use super::{CONTINUATION, Printer};
use crate::ast::{
    Argument, Axis, BinaryOp, Binder, BinderKind, ElementKind, ElementType, Expr, ExprKind, IndexRange, Interval, Qualifier, Reduction,
    Structure, Subscript, Tolerance, Type,
};
use crate::precedence;

impl Printer {
    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number(number) => self.word(&number.text),
            ExprKind::Boolean(value) => self.word(if *value { "true" } else { "false" }),
            ExprKind::Size(name) => self.word(&format!("|{name}|")),
            ExprKind::Name(name) => self.word(name.as_str()),
            ExprKind::Prev(name) => self.word(&format!("prev {name}")),
            ExprKind::Subscript { base, subs } => self.subscript(base, subs),
            ExprKind::Call { name, args } => {
                self.word(name.as_str());
                self.bracketed("(", args, ")", Self::argument);
            }
            ExprKind::Reduce(reduction) => self.reduction(reduction),
            ExprKind::If { .. } => self.group(|printer| printer.conditional(expr)),
            ExprKind::Cast { value, to } => {
                self.left_operand(value, precedence::CAST);
                self.word(" as ");
                self.element_type(to);
            }
            ExprKind::Unary { op, value, .. } => {
                self.word(op.symbol());
                if op.symbol() != "-" {
                    self.word(" ");
                }
                self.right_operand(value, precedence::unary(*op));
            }
            ExprKind::Binary { op, .. } if *op == BinaryOp::Pow || is_tight(expr) => self.chain(expr),
            ExprKind::Binary { .. } => self.group(|printer| printer.chain(expr)),
            ExprKind::Paren(inner) => self.grouped(inner),
            ExprKind::Tuple(values) => self.bracketed("(", values, ")", Self::expr),
        }
    }

    fn subscript(&mut self, base: &Expr, subs: &[Subscript]) {
        match base.kind {
            ExprKind::Name(_) | ExprKind::Prev(_) => self.expr(base),
            _ => self.grouped(base),
        }
        self.bracketed("[", subs, "]", |printer, sub| match sub {
            Subscript::Row(name) => printer.word(&format!("..{name}")),
            Subscript::At(expr) => printer.expr(expr),
        });
    }

    /// `if c then a else b`; an `if` behind `else` goes on at the same level.
    fn conditional(&mut self, expr: &Expr) {
        let ExprKind::If { condition, then, otherwise } = &expr.kind else { return self.expr(expr) };
        self.word("if ");
        self.nested(condition);
        self.line_word("then ");
        self.nested(then);
        self.line_word("else ");
        match &otherwise.kind {
            ExprKind::If { .. } => self.conditional(otherwise),
            _ => self.nested(otherwise),
        }
    }

    /// Operands of operators that bind alike and stand in a row, on the left, break together.
    fn chain(&mut self, expr: &Expr) {
        let ExprKind::Binary { op, lhs, rhs, .. } = &expr.kind else { return self.nested(expr) };
        let (left, right) = precedence::binary(*op);
        let goes_on = matches!(&lhs.kind, ExprKind::Binary { op, .. } if precedence::binary(*op) == (left, right)) && tail(lhs) > left;
        if goes_on && !is_tight(lhs) {
            self.chain(lhs);
        } else {
            self.indented(CONTINUATION, |printer| printer.left_operand(lhs, left));
        }
        if *op == BinaryOp::Pow || is_tight(expr) {
            self.word(op.symbol());
        } else {
            self.line_word(op.symbol());
            self.word(" ");
        }
        self.indented(CONTINUATION, |printer| printer.right_operand(rhs, right));
    }

    /// A part of something that breaks: its own breaks are further to the right.
    fn nested(&mut self, expr: &Expr) {
        self.indented(CONTINUATION, |printer| printer.expr(expr));
    }

    fn grouped(&mut self, expr: &Expr) {
        self.word("(");
        self.nested(expr);
        self.word(")");
    }

    /// An operand before an operator of left power `power`: nothing in it may extend over that operator.
    fn left_operand(&mut self, operand: &Expr, power: u8) {
        if tail(operand) > power { self.expr(operand) } else { self.grouped(operand) }
    }

    /// An operand behind an operator of right power `power`: it may not end before its own outermost operator.
    fn right_operand(&mut self, operand: &Expr, power: u8) {
        match &operand.kind {
            ExprKind::Binary { op, .. } if precedence::binary(*op).0 < power => self.grouped(operand),
            _ => self.expr(operand),
        }
    }

    pub(super) fn argument(&mut self, argument: &Argument) {
        if let Some(name) = &argument.name {
            self.word(&format!("{name} = "));
        }
        self.expr(&argument.value);
    }

    fn reduction(&mut self, reduction: &Reduction) {
        self.word(reduction.name.as_str());
        if let Some(accumulator) = &reduction.accumulator {
            self.word(":");
            self.element_type(accumulator);
        }
        self.enclosed("[", "]", None, |printer| {
            printer.list(&reduction.binders, Self::binder);
            if let Some(guard) = &reduction.guard {
                printer.line_word("where ");
                printer.expr(guard);
            }
        });
        self.enclosed("(", ")", None, |printer| printer.expr(&reduction.body));
    }

    pub(super) fn binder(&mut self, binder: &Binder) {
        match &binder.kind {
            BinderKind::Row(name) => self.word(&format!("..{name}")),
            BinderKind::Index { name, range } => {
                self.word(name.as_str());
                match range {
                    None => {}
                    Some(IndexRange::Dim(dim)) => {
                        self.word(": ");
                        self.expr(dim);
                    }
                    Some(IndexRange::Interval(interval)) => {
                        self.word(" in ");
                        self.interval(interval);
                    }
                }
            }
        }
    }

    pub(super) fn interval(&mut self, interval: &Interval) {
        self.expr(&interval.lo);
        self.word("..");
        self.expr(&interval.hi);
    }

    pub(super) fn ty(&mut self, ty: &Type) {
        for qualifier in &ty.qualifiers {
            match qualifier {
                Qualifier::Secret(_) => self.word("secret"),
                Qualifier::Public(_) => self.word("public"),
                Qualifier::Structure(structure) => self.structure(structure),
            }
            self.word(" ");
        }
        self.element_type(&ty.element);
        if let Some(axes) = &ty.axes {
            self.bracketed("[", axes, "]", |printer, axis| match axis {
                Axis::Row(name) => printer.word(&format!("..{name}")),
                Axis::Dim(expr) => printer.expr(expr),
            });
        }
    }

    fn structure(&mut self, structure: &Structure) {
        self.word(structure.kind.name());
        if !structure.args.is_empty() {
            self.bracketed("(", &structure.args, ")", Self::argument);
        }
    }

    pub(super) fn element_type(&mut self, element: &ElementType) {
        match &element.kind {
            ElementKind::Scalar(dtype) => self.word(dtype.name()),
            ElementKind::Index(dims) => self.bracketed("idx<", dims, ">", |printer, dim| printer.word(dim.as_str())),
        }
    }

    pub(super) fn tolerance(&mut self, tolerance: &Tolerance) {
        self.line_word(&format!("within {} {}", tolerance.kind.name(), tolerance.bound.text));
    }
}

/// The least power with which the right edge of an expression would take in an operator that follows it.
fn tail(expr: &Expr) -> u8 {
    // A loop, because rustc 1.95 at opt-level 3 computes `min` over the recursive form wrongly; a test shows it.
    let mut least = u8::MAX;
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::If { .. } => return 0,
            ExprKind::Unary { op, value, .. } => {
                least = least.min(precedence::unary(*op));
                at = value;
            }
            ExprKind::Binary { op, rhs, .. } => {
                let (left, right) = precedence::binary(*op);
                // Comparisons do not chain, so neither side of one may be another.
                least = least.min(if op.is_comparison() { left } else { right });
                // A right operand that is printed in parentheses is atomic.
                match &rhs.kind {
                    ExprKind::Binary { op, .. } if precedence::binary(*op).0 < right => return least,
                    _ => at = rhs,
                }
            }
            _ => return least,
        }
    }
}

/// Products of literals, names and sizes are written without spaces: `2*i + r`.
fn is_tight(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::Mul, lhs, rhs, .. } => is_short(lhs) && is_short(rhs),
        _ => false,
    }
}

fn is_short(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Size(_) => true,
        ExprKind::Unary { value, .. } => matches!(value.kind, ExprKind::Number(_) | ExprKind::Name(_)),
        _ => is_tight(expr),
    }
}
