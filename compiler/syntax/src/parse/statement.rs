//! Statements and binders, from the rules of section "Statements" of the grammar.

use super::builder::{Builder, Pair, Parts};
use super::computed;
use crate::ast::{Bind, BindMany, Binder, BinderKind, Expr, Fit, FitRule, Ident, IndexRange, Interval, LeftSide, Scan, Statement};
use crate::error::parse::StructureError;
use ein_grammar::Rule;

impl<'s> Builder<'s> {
    /// `block = { open_brace ~ statement* ~ close_brace }`
    pub(super) fn block(&mut self, pair: Pair<'s>) -> Vec<Statement> {
        Parts::of(pair).map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, pair: Pair<'s>) -> Statement {
        match pair.as_rule() {
            Rule::bind => Statement::Bind(self.bind(pair)),
            Rule::bind_many => Statement::BindMany(self.bind_many(pair)),
            Rule::scan => Statement::Scan(self.scan(pair)),
            Rule::fit => Statement::Fit(self.fit(pair)),
            rule => unreachable!("{rule:?} is not a statement"),
        }
    }

    /// `bind_body = _{ ident ~ left_side? ~ of_type? ~ (plus_equals | equals) ~ expression ~ initial? ~ tolerance? }`
    pub(super) fn bind(&mut self, pair: Pair<'s>) -> Bind {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let left = parts.opt(Rule::left_side);
        let ty = parts.opt(Rule::ty).map(|ty| self.ty(ty));
        let plus = parts.opt(Rule::plus_equals).map(|plus| self.span(&plus));
        let value = parts.need(Rule::expression);
        let items: Vec<_> = left.iter().flat_map(|left| Parts::of(left.clone())).collect();
        // The message about a computed position gives the whole equation.
        if let Some(span) = plus
            && items.iter().all(|item| item.as_rule() == Rule::binder)
        {
            let items: Vec<&str> = items.iter().map(|item| self.written(item)).collect();
            let help = computed::added_form(name.as_str(), &items, self.written(&value));
            self.report(StructureError::PlusAssign { tensor: name.to_string(), span, help });
        }
        let left = left.map(|left| self.left_side(left, &name, Some(&value)));
        let value = self.expression(value);
        let init = parts.opt(Rule::initial).map(|init| self.expression(Parts::of(init).need(Rule::expression)));
        let tolerance = parts.opt(Rule::tolerance).map(|tolerance| self.tolerance(tolerance));
        Bind { name, left, ty, value, init, tolerance, span }
    }

    fn bind_many(&mut self, pair: Pair<'s>) -> BindMany {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let names = self.idents(&mut parts);
        let value = self.expression(parts.need(Rule::expression));
        BindMany { names, value, span }
    }

    /// `left_side = { open_bracket ~ (left_item ~ (comma ~ left_item)*)? ~ close_bracket }`
    ///
    /// `value` is the right side, for the message about a computed position.
    pub(super) fn left_side(&mut self, pair: Pair<'s>, tensor: &Ident, value: Option<&Pair<'s>>) -> LeftSide {
        let span = self.span(&pair);
        let items: Vec<_> = Parts::of(pair).collect();
        if let Some(item) = items.iter().find(|item| item.as_rule() != Rule::binder) {
            let written: Vec<_> = items.iter().map(|item| (self.written(item), item.as_rule() == Rule::binder)).collect();
            let help = computed::guard_form(tensor.as_str(), &written, value.map_or("…", |value| self.written(value)));
            let mistake = StructureError::ComputedLeftSide {
                tensor: tensor.to_string(),
                item: self.written(item).to_owned(),
                span: self.span(item),
                help,
            };
            self.report(mistake);
        }
        let binders: Vec<_> = items.into_iter().filter(|item| item.as_rule() == Rule::binder).map(|item| self.binder(item)).collect();
        self.check_axes(binders.len(), span);
        LeftSide { binders, span }
    }

    /// `binder = { row | ident ~ (colon ~ expression | kw_in ~ range)? }`
    pub(super) fn binder(&mut self, pair: Pair<'s>) -> Binder {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        if let Some(row) = parts.opt(Rule::row) {
            return Binder { kind: BinderKind::Row(self.row(row)), span };
        }
        let name = self.ident(&parts.need(Rule::ident));
        let range = parts.next().map(|range| match range.as_rule() {
            Rule::range => IndexRange::Interval(self.range(range)),
            _ => IndexRange::Dim(self.expression(range)),
        });
        Binder { kind: BinderKind::Index { name, range }, span }
    }

    /// `range = { expression ~ dots ~ expression }`
    pub(super) fn range(&mut self, pair: Pair<'s>) -> Interval {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let lo = self.expression(parts.need(Rule::expression));
        let hi = self.expression(parts.need(Rule::expression));
        Interval { lo, hi, span }
    }

    /// `scan = { kw_scan ~ kw_reverse? ~ binder ~ block }`
    fn scan(&mut self, pair: Pair<'s>) -> Scan {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let reverse = parts.opt(Rule::kw_reverse).map(|word| self.span(&word));
        let binder = self.binder(parts.need(Rule::binder));
        if let BinderKind::Row(name) = &binder.kind {
            self.report(StructureError::RowInScan { name: name.to_string(), span: binder.span });
        }
        let body = self.block(parts.need(Rule::block));
        Scan { reverse, binder, body, span }
    }

    fn fit(&mut self, pair: Pair<'s>) -> Fit {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let factors = std::iter::from_fn(|| parts.opt(Rule::param)).collect::<Vec<_>>();
        let factors = factors.into_iter().map(|factor| self.param(factor)).collect();
        let target = self.ident(&parts.need(Rule::ident));
        let left = self.left_side(parts.need(Rule::left_side), &target, None);
        let network = self.expression(parts.need(Rule::expression));
        let weight = parts.opt(Rule::fit_weight).map(|weight| self.expression(Parts::of(weight).need(Rule::expression)));
        let sources = parts.opt(Rule::fit_sources).map_or_else(Vec::new, |sources| self.fit_sources(sources));
        let rules = parts.opt(Rule::fit_rules).map_or_else(Vec::new, |rules| Parts::of(rules).map(|rule| self.fit_rule(rule)).collect());
        Fit { factors, target, left, network, weight, sources, rules, span }
    }

    /// `fit_sources = { kw_from ~ call ~ (kw_and ~ call)? }`
    fn fit_sources(&mut self, pair: Pair<'s>) -> Vec<Expr> {
        Parts::of(pair).filter(|part| part.as_rule() == Rule::call).map(|call| self.lone_call(call)).collect()
    }

    /// `fit_rule = { ident ~ kw_by ~ expression | argument }`
    fn fit_rule(&mut self, pair: Pair<'s>) -> FitRule {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        match parts.opt(Rule::ident) {
            Some(rank) => FitRule::By { rank: self.ident(&rank), criterion: self.expression(parts.need(Rule::expression)), span },
            None => FitRule::Argument(self.argument(parts.need(Rule::argument))),
        }
    }
}
