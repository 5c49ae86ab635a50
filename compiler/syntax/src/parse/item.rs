//! Declarations, from the rules of section "Declarations" of the grammar.

use super::builder::{Builder, Pair, Parts};
use crate::ast::{
    AdMode, Const, ConstValue, Def, Derive, Dim, DimItem, DimSize, Export, Generic, GenericKind, Hint, HintItem, HintRelation, HintValue,
    Import, ImportSource, Instance, InstanceValue, Item, Law, LawKind, LawOperator, Param, Program, Quantity, QuantityUnit, Reducer, Table,
    TableEntry, Version, WhereItem, Wrt,
};
use crate::error::parse::{LexicalError, StructureError};
use ein_grammar::Rule;

impl<'s> Builder<'s> {
    /// `program = { SOI ~ version? ~ item* ~ EOI }`
    pub(super) fn program(&mut self, pair: Pair<'s>) -> Program {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let version = parts.opt(Rule::version).map(|version| self.version(version));
        let items = parts.map(|item| self.item(item)).collect();
        Program { version, items, span }
    }

    fn version(&mut self, pair: Pair<'s>) -> Version {
        let span = self.span(&pair);
        let number = self.integer(&Parts::of(pair).need(Rule::integer));
        if number.value != 1 {
            self.report(StructureError::UnknownVersion { version: number.value, span: number.span });
        }
        Version { number, span }
    }

    fn item(&mut self, pair: Pair<'s>) -> Item {
        match pair.as_rule() {
            Rule::import => Item::Import(self.import(pair)),
            Rule::dims => Item::Dim(self.dims(pair)),
            Rule::constant => Item::Const(self.constant(pair)),
            Rule::reducer => Item::Reducer(self.reducer(pair)),
            Rule::definition => Item::Def(self.definition(pair)),
            Rule::derivation => Item::Derive(self.derivation(pair)),
            Rule::export => Item::Export(self.export(pair)),
            Rule::hint => Item::Hint(self.hint(pair)),
            rule => unreachable!("{rule:?} is not a declaration"),
        }
    }

    /// `import = { kw_use ~ (string | module) ~ (import_alias | import_names)? ~ semicolon }`
    fn import(&mut self, pair: Pair<'s>) -> Import {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let source = match parts.opt(Rule::string) {
            Some(file) => ImportSource::File(self.string(&file)),
            None => ImportSource::Module(self.idents(&mut Parts::of(parts.need(Rule::module)))),
        };
        let alias = parts.opt(Rule::import_alias).map(|alias| self.ident(&Parts::of(alias).need(Rule::ident)));
        let names = parts.opt(Rule::import_names).map_or_else(Vec::new, |names| self.idents(&mut Parts::of(names)));
        Import { source, alias, names, span }
    }

    fn dims(&mut self, pair: Pair<'s>) -> Dim {
        let span = self.span(&pair);
        let items = Parts::of(pair).map(|dim| self.dim(dim)).collect();
        Dim { items, span }
    }

    /// `dim = { ident ~ (equals ~ expression | kw_in ~ range)? }`
    fn dim(&mut self, pair: Pair<'s>) -> DimItem {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let size = parts.next().map(|size| match size.as_rule() {
            Rule::range => DimSize::Within(self.range(size)),
            _ => DimSize::Exactly(self.expression(size)),
        });
        DimItem { name, size, span }
    }

    /// `constant = { kw_const ~ ident ~ left_side? ~ of_type? ~ equals ~ (table | expression) ~ semicolon }`
    fn constant(&mut self, pair: Pair<'s>) -> Const {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let left = parts.opt(Rule::left_side);
        let ty = parts.opt(Rule::ty).map(|ty| self.ty(ty));
        let value = parts.any();
        let left = left.map(|left| self.left_side(left, &name, Some(&value)));
        let value = match value.as_rule() {
            Rule::table => ConstValue::Table(self.table(value)),
            _ => ConstValue::Expr(self.expression(value)),
        };
        Const { name, left, ty, value, span }
    }

    fn table(&mut self, pair: Pair<'s>) -> Table {
        let span = self.span(&pair);
        let entries = Parts::of(pair)
            .map(|entry| match entry.as_rule() {
                Rule::table => TableEntry::Table(self.table(entry)),
                _ => TableEntry::Expr(self.expression(entry)),
            })
            .collect();
        Table { entries, span }
    }

    /// `reducer = { kw_reducer ~ ident ~ (ident, ident) ~ equals ~ expression ~ kw_from ~ expression ~ (comma ~ law)* ~ semicolon }`
    fn reducer(&mut self, pair: Pair<'s>) -> Reducer {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let lhs = self.ident(&parts.need(Rule::ident));
        let rhs = self.ident(&parts.need(Rule::ident));
        let body = self.expression(parts.need(Rule::expression));
        let identity = self.expression(parts.need(Rule::expression));
        let laws = parts.map(|law| self.law(law)).collect();
        Reducer { name, lhs, rhs, body, identity, laws, span }
    }

    fn law(&mut self, pair: Pair<'s>) -> Law {
        let span = self.span(&pair);
        let part = Parts::of(pair).any();
        let kind = match part.as_rule() {
            Rule::law_assoc => LawKind::Assoc,
            Rule::law_comm => LawKind::Comm,
            Rule::law_idem => LawKind::Idem,
            Rule::add => LawKind::DistributesOver(LawOperator::Add),
            Rule::mul => LawKind::DistributesOver(LawOperator::Mul),
            Rule::kw_and => LawKind::DistributesOver(LawOperator::And),
            Rule::kw_or => LawKind::DistributesOver(LawOperator::Or),
            _ => LawKind::DistributesOver(LawOperator::Function(self.ident(&part))),
        };
        Law { kind, span }
    }

    /// `definition = { kw_def ~ ident ~ generics? ~ params ~ arrow ~ results ~ where_clause? ~ block }`
    fn definition(&mut self, pair: Pair<'s>) -> Def {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let generics =
            parts.opt(Rule::generics).map_or_else(Vec::new, |list| Parts::of(list).map(|generic| self.generic(generic)).collect());
        let params = Parts::of(parts.need(Rule::params)).map(|param| self.param(param)).collect();
        let results = Parts::of(parts.need(Rule::results)).map(|param| self.param(param)).collect();
        let wheres =
            parts.opt(Rule::where_clause).map_or_else(Vec::new, |clause| Parts::of(clause).map(|item| self.where_item(item)).collect());
        let body = self.block(parts.need(Rule::block));
        Def { name, generics, params, results, wheres, body, span }
    }

    /// `generic = { row | ident ~ int_kind? ~ (equals ~ integer)? }`
    fn generic(&mut self, pair: Pair<'s>) -> Generic {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        if let Some(row) = parts.opt(Rule::row) {
            return Generic { name: self.row(row), kind: GenericKind::Row, default: None, span };
        }
        let name = self.ident(&parts.need(Rule::ident));
        let kind = if parts.opt(Rule::int_kind).is_some() { GenericKind::Int } else { GenericKind::Dim };
        let default = parts.opt(Rule::integer).map(|integer| self.integer(&integer));
        Generic { name, kind, default, span }
    }

    /// `param = { ident ~ colon ~ ty ~ bounds? ~ tolerance? }`
    pub(super) fn param(&mut self, pair: Pair<'s>) -> Param {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let ty = self.ty(parts.need(Rule::ty));
        let bounds = parts.opt(Rule::bounds).map(|bounds| self.range(Parts::of(bounds).need(Rule::range)));
        let tolerance = parts.opt(Rule::tolerance).map(|tolerance| self.tolerance(tolerance));
        Param { name, ty, bounds, tolerance, span }
    }

    /// `where_item = { ident ~ equals ~ expression | expression }`
    fn where_item(&mut self, pair: Pair<'s>) -> WhereItem {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        match parts.opt(Rule::ident) {
            Some(name) => WhereItem::Define { name: self.ident(&name), value: self.expression(parts.need(Rule::expression)), span },
            None => WhereItem::Require(self.expression(parts.need(Rule::expression))),
        }
    }

    /// `derivation = { kw_derive ~ ident ~ equals ~ derivative ~ (ident) ~ kw_wrt ~ (wrt, …) ~ semicolon }`
    fn derivation(&mut self, pair: Pair<'s>) -> Derive {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let mode = match parts.need(Rule::derivative).as_str() {
            "grad" => AdMode::Grad,
            "vjp" => AdMode::Vjp,
            "jvp" => AdMode::Jvp,
            _ => AdMode::Hvp,
        };
        let of = self.ident(&parts.need(Rule::ident));
        let wrt = parts.map(|wrt| self.wrt(wrt)).collect();
        Derive { name, mode, of, wrt, span }
    }

    fn wrt(&mut self, pair: Pair<'s>) -> Wrt {
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let alias = parts.opt(Rule::ident).map(|alias| self.ident(&alias));
        Wrt { name, alias }
    }

    /// `export = { kw_export ~ ident ~ instances? ~ export_name? ~ export_target? ~ semicolon }`
    fn export(&mut self, pair: Pair<'s>) -> Export {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let instances =
            parts.opt(Rule::instances).map_or_else(Vec::new, |list| Parts::of(list).map(|instance| self.instance(instance)).collect());
        let alias = parts.opt(Rule::export_name).map(|alias| self.string(&Parts::of(alias).need(Rule::string)));
        let target = parts.opt(Rule::export_target).map(|target| self.ident(&Parts::of(target).need(Rule::ident)));
        Export { name, instances, alias, target, span }
    }

    fn instance(&mut self, pair: Pair<'s>) -> Instance {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let value = match parts.opt(Rule::integer) {
            Some(size) => InstanceValue::Size(self.integer(&size)),
            None => InstanceValue::Open,
        };
        Instance { name, value, span }
    }

    fn hint(&mut self, pair: Pair<'s>) -> Hint {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(&parts.need(Rule::ident));
        let items = parts.map(|item| self.hint_item(item)).collect();
        Hint { name, items, span }
    }

    /// `hint_item = { ident ~ (at_most | equals) ~ (quantity | expression) ~ semicolon }`
    fn hint_item(&mut self, pair: Pair<'s>) -> HintItem {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let key = self.ident(&parts.need(Rule::ident));
        let relation = if parts.opt(Rule::at_most).is_some() { HintRelation::AtMost } else { HintRelation::Equal };
        let value = match parts.opt(Rule::quantity) {
            Some(quantity) => HintValue::Quantity(self.quantity(&quantity)),
            None => HintValue::Expr(self.expression_or_tuple(parts.need(Rule::expression))),
        };
        HintItem { key, relation, value, span }
    }

    fn quantity(&mut self, pair: &Pair<'s>) -> Quantity {
        let span = self.span(pair);
        let text = pair.as_str();
        let (digits, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
        let unit = match unit {
            "KiB" => QuantityUnit::KiB,
            "MiB" => QuantityUnit::MiB,
            "GiB" => QuantityUnit::GiB,
            "ms" => QuantityUnit::Milliseconds,
            _ => QuantityUnit::Microseconds,
        };
        let count = digits.parse().unwrap_or_else(|_| {
            self.report(LexicalError::BadNumber { text: text.to_owned(), reason: "it has more than 64 bits", span, help: None });
            0
        });
        Quantity { count, unit, span }
    }
}
