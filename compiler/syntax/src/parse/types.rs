//! Types, from the rules of section "Types" of the grammar.

use super::builder::{Builder, Pair, Parts};
use crate::ast::{Axis, ElementKind, ElementType, Qualifier, Structure, StructureKind, Tolerance, ToleranceKind, Type};
use ein_grammar::Rule;
use ein_ir::dtype::DType;

impl<'s> Builder<'s> {
    /// `ty = { qualifier* ~ element_type ~ axes? }`
    pub(super) fn ty(&mut self, pair: Pair<'s>) -> Type {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let mut qualifiers = Vec::new();
        while let Some(rule @ (Rule::kw_secret | Rule::kw_public | Rule::structure)) = parts.peek() {
            let part = parts.any();
            qualifiers.push(match rule {
                Rule::kw_secret => Qualifier::Secret(self.span(&part)),
                Rule::kw_public => Qualifier::Public(self.span(&part)),
                _ => Qualifier::Structure(self.structure(part)),
            });
        }
        let element = self.element_type(parts.need(Rule::element_type));
        let axes = parts.opt(Rule::axes).map(|axes| self.axes(axes));
        Type { qualifiers, element, axes, span }
    }

    fn axes(&mut self, pair: Pair<'s>) -> Vec<Axis> {
        let span = self.span(&pair);
        let axes: Vec<_> = Parts::of(pair)
            .map(|axis| match axis.as_rule() {
                Rule::row => Axis::Row(self.row(axis)),
                _ => Axis::Dim(self.expression(axis)),
            })
            .collect();
        self.check_axes(axes.len(), span);
        axes
    }

    /// `structure = { structure_name ~ arguments? }`
    fn structure(&mut self, pair: Pair<'s>) -> Structure {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = parts.need(Rule::structure_name);
        let kind = StructureKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name.as_str())
            .expect("the grammar and the tree have the same structures");
        let args = parts.map(|argument| self.argument(argument)).collect();
        Structure { kind, args, span }
    }

    /// `element_type = { index_type | scalar_type }`
    pub(super) fn element_type(&mut self, pair: Pair<'s>) -> ElementType {
        let span = self.span(&pair);
        let part = Parts::of(pair).any();
        let kind = match part.as_rule() {
            Rule::index_type => ElementKind::Index(self.idents(&mut Parts::of(part))),
            _ => ElementKind::Scalar(part.as_str().parse::<DType>().expect("the grammar and the IR have the same element types")),
        };
        ElementType { kind, span }
    }

    /// `tolerance = { kw_within ~ tolerance_kind ~ number }`
    pub(super) fn tolerance(&mut self, pair: Pair<'s>) -> Tolerance {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let kind = match parts.need(Rule::tolerance_kind).as_str() {
            "rel" => ToleranceKind::Rel,
            "abs" => ToleranceKind::Abs,
            _ => ToleranceKind::Out,
        };
        let bound = self.number(&parts.need(Rule::number));
        Tolerance { kind, bound, span }
    }
}
