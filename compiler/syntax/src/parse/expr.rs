//! Expressions, from the rules of section "Expressions" of the grammar.
//!
//! The grammar gives a flat list of prefixes, operands, postfixes and operators; [`Climber`] applies the precedence, by
//! Pratt's method. It tracks the height of what it builds, because a chain of left-associative operators is as deep as it is
//! long, and the nesting of the text says nothing about it.

use super::builder::{Builder, Pair, Parts};
use crate::ast::{Argument, BinaryOp, Expr, ExprKind, Ident, Number, NumberValue, Reduction, Subscript, UnaryOp};
use crate::error::parse::{LexicalError, LimitError, StructureError};
use crate::limits::MAX_TREE_DEPTH;
use crate::precedence;
use ein_grammar::Rule;
use ein_ir::span::Span;

/// An expression and the number of nodes on its longest path to a leaf.
struct Built {
    expr: Expr,
    height: u32,
}

impl<'s> Builder<'s> {
    /// `expression = { prefix* ~ primary ~ postfix* ~ (infix ~ prefix* ~ primary ~ postfix*)* }`, one value.
    pub(super) fn expression(&mut self, pair: Pair<'s>) -> Expr {
        let expr = self.expression_or_tuple(pair);
        self.refuse_tuple(&expr);
        expr
    }

    /// An expression, or several in parentheses.
    pub(super) fn expression_or_tuple(&mut self, pair: Pair<'s>) -> Expr {
        let built = Climber { builder: self, parts: Parts::of(pair) }.climb(0);
        self.tallest = self.tallest.max(built.height);
        built.expr
    }

    fn refuse_tuple(&mut self, expr: &Expr) {
        if matches!(expr.kind, ExprKind::Tuple(_)) {
            self.report(StructureError::TupleAsValue { span: expr.span });
        }
    }

    /// A node over parts that `build` builds.
    fn node(&mut self, span: Span, build: impl FnOnce(&mut Self) -> ExprKind) -> Built {
        let (kind, height) = self.measured(build);
        self.limited(Expr::new(kind, span), height + 1)
    }

    /// Replaces a tree that is too deep by a leaf, so that nothing deeper is ever built.
    fn limited(&mut self, expr: Expr, height: u32) -> Built {
        if height <= MAX_TREE_DEPTH {
            return Built { expr, height };
        }
        self.report(LimitError::TreeTooDeep { limit: MAX_TREE_DEPTH, span: expr.span });
        Built { expr: Expr::new(ExprKind::Boolean(false), expr.span), height: 1 }
    }

    /// `primary = _{ number | boolean | size | conditional | previous | reduction | call | name | paren }`
    fn primary(&mut self, pair: Pair<'s>) -> Built {
        let span = self.span(&pair);
        self.node(span, |builder| match pair.as_rule() {
            Rule::number => ExprKind::Number(builder.number(&pair)),
            Rule::boolean => ExprKind::Boolean(pair.as_str() == "true"),
            Rule::size => ExprKind::Size(builder.ident(&Parts::of(pair).need(Rule::ident))),
            Rule::conditional => builder.conditional(pair),
            Rule::previous => ExprKind::Prev(builder.ident(&Parts::of(pair).need(Rule::ident))),
            Rule::reduction => ExprKind::Reduce(Box::new(builder.reduction(pair))),
            Rule::call => builder.call(pair),
            Rule::name => ExprKind::Name(builder.ident(&Parts::of(pair).need(Rule::ident))),
            Rule::paren => builder.paren(pair),
            rule => unreachable!("{rule:?} is not an operand"),
        })
    }

    /// A call where only a call may stand.
    pub(super) fn lone_call(&mut self, pair: Pair<'s>) -> Expr {
        let built = self.primary(pair);
        self.tallest = self.tallest.max(built.height);
        built.expr
    }

    pub(super) fn number(&mut self, pair: &Pair<'s>) -> Number {
        let text = pair.as_str();
        let digits = text.strip_suffix("im").unwrap_or(text);
        let value = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            digits.parse().ok().map(NumberValue::Integer).ok_or("it has more than 128 bits")
        } else {
            digits.parse().ok().filter(|value: &f64| value.is_finite()).map(NumberValue::Float).ok_or("it is beyond the range of f64")
        };
        let value = value.unwrap_or_else(|reason| {
            let span = self.span(pair);
            self.report(LexicalError::BadNumber {
                text: text.to_owned(),
                reason,
                span,
                help: Some("`inf`, or a smaller number".to_owned()),
            });
            NumberValue::Integer(0)
        });
        Number { text: text.to_owned(), value, imaginary: digits.len() < text.len() }
    }

    /// `conditional = { kw_if ~ expression ~ kw_then ~ expression ~ kw_else ~ expression }`
    fn conditional(&mut self, pair: Pair<'s>) -> ExprKind {
        let mut parts = Parts::of(pair);
        let condition = Box::new(self.expression(parts.need(Rule::expression)));
        let then = Box::new(self.expression(parts.need(Rule::expression)));
        let otherwise = Box::new(self.expression(parts.need(Rule::expression)));
        ExprKind::If { condition, then, otherwise }
    }

    /// `reduction = { ident ~ accumulator? ~ open_bracket ~ binder ~ (comma ~ binder)* ~ guard? ~ close_bracket ~ (expression) }`
    fn reduction(&mut self, pair: Pair<'s>) -> Reduction {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let accumulator = parts.opt(Rule::accumulator).map(|ty| self.element_type(Parts::of(ty).need(Rule::element_type)));
        let mut binders = Vec::new();
        while let Some(binder) = parts.opt(Rule::binder) {
            binders.push(self.binder(binder));
        }
        self.check_axes(binders.len(), span);
        let guard = parts.opt(Rule::guard).map(|guard| self.expression(Parts::of(guard).need(Rule::expression)));
        let body = self.expression(parts.need(Rule::expression));
        Reduction { name, accumulator, binders, guard, body }
    }

    /// `call = { ident ~ open_paren ~ (argument ~ (comma ~ argument)*)? ~ close_paren }`
    fn call(&mut self, pair: Pair<'s>) -> ExprKind {
        let mut parts = Parts::of(pair);
        let mut name = self.ident(&parts.need(Rule::ident));
        if let Some(member) = parts.opt(Rule::member) {
            let inner = self.ident(&Parts::of(member).need(Rule::ident));
            name = Ident::new(&format!("{name}.{inner}"), name.span.to(inner.span));
        }
        let args = parts.map(|argument| self.argument(argument)).collect();
        ExprKind::Call { name, args }
    }

    /// `argument = { ident ~ equals ~ expression | expression }`
    pub(super) fn argument(&mut self, pair: Pair<'s>) -> Argument {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = parts.opt(Rule::ident).map(|name| self.ident(&name));
        let value = self.expression_or_tuple(parts.need(Rule::expression));
        Argument { name, value, span }
    }

    /// `paren = { open_paren ~ expression ~ (comma ~ expression)* ~ close_paren }`
    fn paren(&mut self, pair: Pair<'s>) -> ExprKind {
        let mut parts = Parts::of(pair);
        let first = self.expression(parts.need(Rule::expression));
        let mut values = vec![first];
        values.extend(parts.map(|value| self.expression(value)));
        match values.len() {
            1 => ExprKind::Paren(Box::new(values.swap_remove(0))),
            _ => ExprKind::Tuple(values),
        }
    }

    /// `subscripts = { open_bracket ~ (subscript ~ (comma ~ subscript)*)? ~ close_bracket }`
    fn subscripts(&mut self, pair: Pair<'s>) -> Vec<Subscript> {
        let span = self.span(&pair);
        let subs: Vec<_> = Parts::of(pair)
            .map(|part| match part.as_rule() {
                Rule::row => Subscript::Row(self.row(part)),
                _ => Subscript::At(self.expression(part)),
            })
            .collect();
        self.check_axes(subs.len(), span);
        subs
    }
}

/// Applies the precedence to the flat list of one expression.
struct Climber<'b, 's> {
    builder: &'b mut Builder<'s>,
    parts: Parts<'s>,
}

impl<'s> Climber<'_, 's> {
    /// The longest expression whose outermost operators all bind at least as tightly as `min`.
    fn climb(&mut self, min: u8) -> Built {
        let mut lhs = self.operand();
        while let Some(rule) = self.parts.peek() {
            if let Some(power) = postfix_power(rule) {
                if power < min {
                    break;
                }
                lhs = self.postfix(lhs);
            } else {
                let op = binary_op(rule);
                let (left, right) = precedence::binary(op);
                if left < min {
                    break;
                }
                lhs = self.infix(lhs, op, right);
            }
        }
        lhs
    }

    /// A primary, or a prefix operator and its operand.
    fn operand(&mut self) -> Built {
        let part = self.parts.any();
        let op = match part.as_rule() {
            Rule::neg => UnaryOp::Neg,
            Rule::not_op => UnaryOp::Not,
            _ => return self.builder.primary(part),
        };
        let op_span = self.builder.span(&part);
        let value = self.climb(precedence::unary(op));
        self.builder.refuse_tuple(&value.expr);
        let span = op_span.to(value.expr.span);
        let height = value.height + 1;
        self.builder.limited(Expr::new(ExprKind::Unary { op, op_span, value: Box::new(value.expr) }, span), height)
    }

    fn postfix(&mut self, lhs: Built) -> Built {
        let part = self.parts.any();
        let span = lhs.expr.span.to(self.builder.span(&part));
        self.builder.refuse_tuple(&lhs.expr);
        if part.as_rule() == Rule::cast {
            let to = self.builder.element_type(Parts::of(part).need(Rule::element_type));
            return self.builder.limited(Expr::new(ExprKind::Cast { value: Box::new(lhs.expr), to }, span), lhs.height + 1);
        }
        if let Some(what) = not_a_tensor(&lhs.expr) {
            let span = self.builder.span(&part);
            self.builder.report(StructureError::SubscriptOfValue { what, span });
        }
        let (subs, height) = self.builder.measured(|builder| builder.subscripts(part));
        let base = Box::new(lhs.expr);
        self.builder.limited(Expr::new(ExprKind::Subscript { base, subs }, span), lhs.height.max(height) + 1)
    }

    fn infix(&mut self, lhs: Built, op: BinaryOp, right: u8) -> Built {
        let part = self.parts.any();
        let op_span = self.builder.span(&part);
        let rhs = self.climb(right);
        self.builder.refuse_tuple(&lhs.expr);
        self.builder.refuse_tuple(&rhs.expr);
        let span = lhs.expr.span.to(rhs.expr.span);
        let height = lhs.height.max(rhs.height) + 1;
        let kind = match lhs.expr.kind {
            ExprKind::Binary { op: first, op_span: first_span, rhs: middle, .. } if op.is_comparison() && first.is_comparison() => {
                let middle_text = self.builder.text(middle.span);
                let help = format!(
                    "`{} and {middle_text} {} {}`",
                    self.builder.text(lhs.expr.span),
                    op.symbol(),
                    self.builder.text(rhs.expr.span)
                );
                self.builder.report(StructureError::ChainedComparison { first: first_span, second: op_span, help });
                // Only the middle goes on: the rest of a longer chain is not reported again.
                ExprKind::Paren(middle)
            }
            kind => {
                let lhs = Box::new(Expr::new(kind, lhs.expr.span));
                ExprKind::Binary { op, op_span, lhs, rhs: Box::new(rhs.expr) }
            }
        };
        self.builder.limited(Expr::new(kind, span), height)
    }
}

/// What brackets after this expression would subscript, unless it is a tensor.
const fn not_a_tensor(expr: &Expr) -> Option<&'static str> {
    Some(match expr.kind {
        ExprKind::Name(_) | ExprKind::Prev(_) => return None,
        ExprKind::Reduce(_) => "the result of a reduction",
        ExprKind::Call { .. } => "the result of a call",
        ExprKind::Subscript { .. } => "an element of a tensor",
        ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) => "a number",
        ExprKind::Cast { .. } => "a converted value",
        _ => "a value",
    })
}

const fn postfix_power(rule: Rule) -> Option<u8> {
    match rule {
        Rule::cast => Some(precedence::CAST),
        Rule::subscripts => Some(precedence::SUBSCRIPT),
        _ => None,
    }
}

fn binary_op(rule: Rule) -> BinaryOp {
    match rule {
        Rule::or_op => BinaryOp::Or,
        Rule::and_op => BinaryOp::And,
        Rule::eq => BinaryOp::Eq,
        Rule::ne => BinaryOp::Ne,
        Rule::lt => BinaryOp::Lt,
        Rule::le => BinaryOp::Le,
        Rule::gt => BinaryOp::Gt,
        Rule::ge => BinaryOp::Ge,
        Rule::add => BinaryOp::Add,
        Rule::sub => BinaryOp::Sub,
        Rule::mul => BinaryOp::Mul,
        Rule::div => BinaryOp::Div,
        Rule::floor_div => BinaryOp::FloorDiv,
        Rule::rem => BinaryOp::Rem,
        Rule::pow => BinaryOp::Pow,
        rule => unreachable!("{rule:?} is not an operator"),
    }
}
