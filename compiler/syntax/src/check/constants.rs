//! What is declared at the top of a file and shared by its defs: dims, and constants (language 5, 9a).
//!
//! A def takes a shared dim into its own dims when it first mentions it, and a constant as a table or an equation before its
//! own equations. A constant of one value without a type is a formula: it stands for its value where it is used, and adapts
//! to the data there as a literal does.

use super::dtype::{Typer, fits, name_of};
use super::files::{ItemId, Target};
use super::inline::Renaming;
use super::names::children;
use super::program::{Elaborated, Outcome, ProgramScope};
use super::resolve::{Resolver, plural};
use super::scope::{Declaration, Elaborator, Formula, Meaning};
use super::tree::{Kind, Node, Ty};
use crate::ast::{Bind, Const, ConstValue, DimItem, DimSize, ElementKind, Expr, ExprKind, Table, TableEntry, Type};
use crate::builtins::whole;
use crate::error::parse::{too_deep, too_many_axes};
use crate::error::{dims, sums, types};
use crate::limits::MAX_AXES;
use crate::lower::Builder;
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Tensor};
use ein_ir::extent::Extent;
use ein_ir::scalar::Literal;
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, DimDecl, DimKind, Relation, Require, TensorDecl};
use std::collections::BTreeMap;

impl<'p> Elaborator<'p> {
    /// Makes a name known that a dim or constant at the top of the file has, or one that the file takes from another.
    pub(crate) fn bring_in(&mut self, name: &str, span: Span) {
        if self.names.contains_key(name) {
            return;
        }
        let Some(entry) = self.program.files.find(self.file, name).filter(|e| self.own != Some(e.id)) else { return };
        let meaning = match entry.target {
            Target::Dim(item) => self.shared_dim(entry.id, item, span),
            Target::Const(constant) => self.constant(entry.id, constant, span),
            _ => return,
        };
        self.names.insert(name.to_owned(), Declaration { meaning, span: entry.span, what: entry.target.what() });
    }

    /// The place and kind of a dim or constant at the top of the file.
    pub(crate) fn shared_name(&self, name: &str) -> Option<(Span, &'static str)> {
        let entry = self.program.files.find(self.file, name).filter(|e| self.own != Some(e.id))?;
        matches!(entry.target, Target::Dim(_) | Target::Const(_)).then_some((entry.span, entry.target.what()))
    }

    /// Runs `f` with the names of another file, and none of this def.
    pub(crate) fn in_file<T>(&mut self, file: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let (own_file, own_names) = (std::mem::replace(&mut self.file, file), std::mem::take(&mut self.names));
        let out = f(self);
        (self.file, self.names) = (own_file, own_names);
        out
    }

    /// Runs `f` as part of a declaration; one that needs itself is E0216.
    fn within<T>(&mut self, id: ItemId, span: Span, f: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if let Some(outcome) = self.program.enter(id) {
            self.cannot_enter(id, &outcome, span);
            return None;
        }
        let out = f(self);
        self.program.leave();
        Some(out)
    }

    fn cannot_enter(&mut self, id: ItemId, outcome: &Outcome, span: Span) {
        let found = match outcome {
            Outcome::TooDeep => too_deep(self.program.files.name_of(id), span),
            _ => {
                let chain = self.program.chain(id);
                let name = chain.first().cloned().unwrap_or_default();
                let found = sums::error(216, format!("`{name}` is needed to say what `{name}` is: {}", chain.join(" -> ")));
                found.at(span, "needed here").help("one of them needs a value of its own")
            }
        };
        self.errors.push(found);
    }

    fn shared_dim(&mut self, id: ItemId, item: &'p DimItem, span: Span) -> Meaning<'p> {
        if let Some(dim) = self.shared.get(&id) {
            return Meaning::Dim(*dim);
        }
        if let Some(DimSize::Exactly(size)) = &item.size {
            let size = self.within(id, span, |e| e.in_file(id.file, |e| e.size(size))).flatten();
            return size.map_or(Meaning::Unknown, Meaning::Alias);
        }
        let taken = |name: &str| self.module.dims.values().any(|d| d.name == name);
        let wanted = item.name.as_str();
        let name =
            (2..).map(|n| format!("{wanted}.{n}")).find(|n| !taken(n)).filter(|_| taken(wanted)).unwrap_or_else(|| wanted.to_owned());
        let dim = self.module.dims.push(DimDecl { name, kind: DimKind::Size, default: None, span: item.name.span });
        self.shared.insert(id, dim);
        self.nonnegative.push(Extent::dim(dim));
        if let Some(DimSize::Within(bounds)) = &item.size {
            let ends = self.within(id, span, |e| e.in_file(id.file, |e| (e.size(&bounds.lo), e.size(&bounds.hi))));
            if let Some((Some(lo), Some(hi))) = ends {
                let text = format!("`{wanted} in {}..{}`", print_expr(&bounds.lo), print_expr(&bounds.hi));
                self.bounded(&Extent::dim(dim).sub(&lo), &text, bounds.span);
                self.bounded(&hi.sub(&Extent::dim(dim)), &text, bounds.span);
            }
        }
        Meaning::Dim(dim)
    }

    /// A bound of a dim: checked at entry, and a fact.
    fn bounded(&mut self, value: &Extent, text: &str, span: Span) {
        let value = value.clone();
        let require =
            Require { value, relation: Relation::NonNegative, unless_empty: Vec::new(), message: text.to_owned(), code: 305, span };
        self.assume(&require);
        self.require_stated(require);
    }

    /// The dims of an elaborated def that are shared, as those of this one.
    pub(crate) fn share_dims(&mut self, callee: &Elaborated, sizes: &mut [Option<Extent>], span: Span) {
        for (id, dim) in &callee.shared {
            if let Some(item) = self.program.files.dim(*id)
                && let Meaning::Dim(own) = self.shared_dim(*id, item, span)
            {
                sizes[dim.index()] = Some(Extent::dim(own));
            }
        }
    }

    /// The constants of an elaborated def, as those of this one: they are not copied in with it.
    pub(crate) fn share_constants(&mut self, callee: &Elaborated, renaming: &mut Renaming<'_>, span: Span) {
        for (id, tensor) in &callee.constants {
            if let Some(constant) = self.program.files.constant(*id)
                && let Meaning::Tensor(own) = self.constant(*id, constant, span)
            {
                renaming.tensors.insert(*tensor, own);
                renaming.kept.insert(*tensor);
            }
        }
    }

    fn constant(&mut self, id: ItemId, constant: &'p Const, span: Span) -> Meaning<'p> {
        if let Some(tensor) = self.constants.get(&id) {
            return Meaning::Tensor(*tensor);
        }
        if let Some(formula) = formula(constant) {
            return Meaning::Formula(Formula { id, value: formula });
        }
        match self.program.constant(id, constant) {
            Outcome::Right(elaborated) => self.take_constant(id, &elaborated, span).map_or(Meaning::Unknown, Meaning::Tensor),
            Outcome::Refused(errors) | Outcome::Wrong(errors) => {
                self.errors.extend(errors);
                Meaning::Unknown
            }
            outcome @ (Outcome::Active | Outcome::TooDeep) => {
                self.cannot_enter(id, &outcome, span);
                Meaning::Unknown
            }
        }
    }

    /// Copies the definitions of a constant before the equations of this def.
    fn take_constant(&mut self, id: ItemId, elaborated: &Elaborated, span: Span) -> Option<Tensor> {
        let module = &elaborated.module;
        let mut sizes = vec![None; module.dims.len()];
        self.share_dims(elaborated, &mut sizes, span);
        let sizes: Vec<Extent> = sizes.into_iter().collect::<Option<_>>()?;
        let result = *module.results.first()?;
        let decl = &module.tensors[result];
        let axes = decl.axes.iter().map(|a| super::inline::substitute_dims(a, &sizes)).collect();
        let name = self.fresh_name(&decl.name);
        let tensor = self.module.tensors.push(TensorDecl { name: name.clone(), axes, ..decl.clone() });
        self.constants.insert(id, tensor);
        self.defined.insert(tensor);
        let mut renaming = Renaming::new(&sizes, BTreeMap::from([(result, tensor)]));
        self.share_constants(elaborated, &mut renaming, span);
        let own = std::mem::take(&mut self.module.body);
        self.inline(module, renaming, &name);
        let added = std::mem::replace(&mut self.module.body, own);
        self.prelude.extend(added);
        Some(tensor)
    }

    /// A formula stands for its value wherever it is used, so that one which uses another twice is twice as long: E0108 beyond the limit.
    fn may_copy(&mut self, formula: &Formula<'p>, span: Span) -> Option<()> {
        let program = self.program;
        self.copied(operations(formula.value), program.files.name_of(formula.id), span).then_some(())
    }

    /// The size that a formula computes.
    pub(crate) fn formula_size(&mut self, formula: &Formula<'p>, span: Span) -> Option<Extent> {
        self.may_copy(formula, span)?;
        self.within(formula.id, span, |e| e.in_file(formula.id.file, |e| e.size(formula.value))).flatten()
    }
}

impl<'p> Resolver<'_, 'p> {
    /// The value of a formula, with the names of its own file.
    pub(crate) fn formula(&mut self, formula: &Formula<'p>, span: Span) -> Option<Node> {
        self.elab.may_copy(formula, span)?;
        if let Some(outcome) = self.elab.program.enter(formula.id) {
            self.elab.cannot_enter(formula.id, &outcome, span);
            return None;
        }
        let file = std::mem::replace(&mut self.elab.file, formula.id.file);
        let names = std::mem::take(&mut self.elab.names);
        let bound = self.hide_indices();
        let node = self.expr(formula.value);
        self.show_indices(bound);
        (self.elab.file, self.elab.names) = (file, names);
        self.elab.program.leave();
        Some(node)
    }
}

/// The value of a constant that is a formula: one value, no type, and made of no tensors.
fn formula(constant: &Const) -> Option<&Expr> {
    let ConstValue::Expr(value) = &constant.value else { return None };
    (constant.left.is_none() && constant.ty.is_none() && is_formula(value)).then_some(value)
}

/// How many operations an expression has.
fn operations(e: &Expr) -> usize {
    children(e).into_iter().fold(1, |n, child| n.saturating_add(operations(child)))
}

fn is_formula(e: &Expr) -> bool {
    let is_tensor = match &e.kind {
        ExprKind::Call { name, .. } => whole(name.as_str()).is_some(),
        other => matches!(other, ExprKind::Subscript { .. } | ExprKind::Reduce(_) | ExprKind::Prev(_)),
    };
    !is_tensor && children(e).into_iter().all(is_formula)
}

impl<'p> ProgramScope<'p> {
    /// A constant that is no formula, elaborated now or before, as a def without parameters.
    pub(crate) fn constant(&self, id: ItemId, constant: &'p Const) -> Outcome {
        self.remembered((id, Vec::new()), || {
            let bind = as_bind(constant);
            if let Some(refusal) = super::refuse::first_refusal_of_equation(&bind) {
                return Outcome::Refused(vec![refusal]);
            }
            let mut elaborator = Elaborator::new(self, id.file, constant.name.as_str());
            elaborator.own = Some(id);
            match &constant.value {
                ConstValue::Table(table) => elaborator.table(constant, table),
                ConstValue::Expr(_) => elaborator.only_equation(&bind),
            }
        })
    }

    /// Mistakes of a constant or dim, whether or not something uses it.
    pub(crate) fn check_shared(&self, id: ItemId, errors: &mut Vec<Diagnostic>) {
        let mut scratch = Elaborator::new(self, id.file, "");
        if let Some(item) = self.files.dim(id) {
            scratch.shared_dim(id, item, item.name.span);
        } else if let Some(constant) = self.files.constant(id)
            && let Meaning::Formula(formula) = scratch.constant(id, constant, constant.name.span)
            && let Some(mut node) = Resolver::new(&mut scratch, Vec::new()).formula(&formula, constant.name.span)
        {
            Typer { elab: &mut scratch, source: formula.value }.annotate(&mut node);
        }
        errors.extend(scratch.errors.into_iter().filter(|d| !crate::error::refusals::is_refusal(d)));
    }
}

/// A constant as an equation. That of a table states no value.
fn as_bind(constant: &Const) -> Bind {
    let value = match &constant.value {
        ConstValue::Expr(value) => value.clone(),
        ConstValue::Table(table) => Expr::new(ExprKind::Boolean(false), table.span),
    };
    Bind {
        name: constant.name.clone(),
        left: constant.left.clone(),
        ty: constant.ty.clone(),
        value,
        init: None,
        tolerance: None,
        span: constant.span,
    }
}

impl Elaborator<'_> {
    /// A constant given by its values.
    fn table(mut self, constant: &Const, table: &Table) -> Outcome {
        let mut lengths = Vec::new();
        let mut entries = Vec::new();
        if let Some(found) = rectangle(table, 0, &mut lengths, &mut entries) {
            return Outcome::Wrong(vec![found]);
        }
        let axes: Vec<Extent> = lengths.iter().map(|(n, _)| Extent::constant(*n as i128)).collect();
        if axes.len() > MAX_AXES {
            return Outcome::Wrong(vec![too_many_axes(axes.len(), table.span)]);
        }
        self.check_table_type(constant, &lengths);
        let mut nodes: Vec<(Node, &Expr)> = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut node = Resolver::new(&mut self, Vec::new()).expr(entry);
            Typer { elab: &mut self, source: entry }.annotate(&mut node);
            nodes.push((node, entry));
        }
        let Some(dtype) = self.table_dtype(constant, &nodes).filter(|_| self.errors.is_empty()) else { return self.finish() };
        let mut values: Vec<Literal> = Vec::with_capacity(nodes.len());
        for (node, entry) in &nodes {
            let built = Builder::new(&mut self, &Vec::new(), entry, constant.name.as_str(), &[]).literal(node, dtype);
            match built {
                Some(value) => values.push(value),
                None => {
                    let found = types::error(404, "an entry of a table is made of literals").at(entry.span, "computed");
                    self.errors.push(found.help("a formula over indices: `const T[i: N]: f32 = …;`"));
                }
            }
        }
        let out = self.module.tensors.push(TensorDecl::new(constant.name.as_str(), dtype, axes, constant.name.span));
        self.module.results.push(out);
        self.module.body.push(Definition::Table(ein_ir::tensor::Table { out, values, span: table.span }));
        self.finish()
    }

    /// The element type: stated, or i64, f64 or c128, the least that holds every entry, or bool.
    fn table_dtype(&mut self, constant: &Const, nodes: &[(Node, &Expr)]) -> Option<DType> {
        let stated =
            constant.ty.as_ref().and_then(|t| if let ElementKind::Scalar(d) = t.element.kind { Some((d, t.element.span)) } else { None });
        let widest = nodes.iter().filter_map(|(n, _)| if let Ty::Adapt(k) = n.ty { Some(k) } else { None }).max();
        let own = match (nodes.first().map(|(n, _)| n.ty), widest) {
            (Some(Ty::Data(d)), _) => d,
            (_, Some(Kind::Complex)) => DType::C128,
            (_, Some(Kind::Float)) => DType::F64,
            _ => DType::I64,
        };
        let dtype = stated.map_or(own, |(d, _)| d);
        for (node, entry) in nodes {
            let right = match node.ty {
                Ty::Data(d) => d == dtype,
                Ty::Adapt(k) => fits(k, dtype),
                Ty::Bad => true,
            };
            if !right {
                let code = if matches!(node.ty, Ty::Data(_)) { 402 } else { 406 };
                let found = types::error(code, format!("`{}` is {dtype}, and {} is not a value of it", constant.name, name_of(node.ty)));
                let found = found.at(entry.span, name_of(node.ty));
                self.errors.push(match stated {
                    Some((_, span)) => found.and(span, format!("stated {dtype} here")),
                    None => found,
                });
                return None;
            }
        }
        Some(dtype)
    }

    /// Axes that a type states are those of the table.
    fn check_table_type(&mut self, constant: &Const, lengths: &[(usize, Span)]) {
        if let Some(left) = &constant.left {
            let found = dims::error(310, format!("`{}` is a table, and a table takes no indices", constant.name));
            self.errors.push(found.at(left.span, "indices of a formula").help(format!("`const {} = […];`", constant.name)));
        }
        let Some(Type { axes: Some(axes), span, .. }) = &constant.ty else { return };
        let Some(stated) = self.axes(axes) else { return };
        if stated.len() != lengths.len() {
            let (n, m) = (stated.len(), lengths.len());
            let message = format!("`{}` is stated to have {n} {}, and its table has {m}", constant.name, plural(n, "axis", "axes"));
            self.errors.push(dims::error(310, message).at(*span, format!("{n} here")).and(lengths[0].1, format!("{m} here")));
            return;
        }
        for (axis, (size, (length, at))) in stated.iter().zip(lengths).enumerate() {
            if size.as_constant() != Some(*length as i128) {
                let size = self.show(size);
                let message = format!("axis {axis} of `{}` is stated to be `{size}`, and its table has {length} there", constant.name);
                self.errors
                    .push(dims::error(301, message).at(*at, format!("{length} here")).and(axes[axis].span(), format!("`{size}` here")));
            }
        }
    }
}

/// Collects the entries of a table, and the length of each of its axes with a row that has it. E0314 if two rows differ.
fn rectangle<'t>(table: &'t Table, axis: usize, lengths: &mut Vec<(usize, Span)>, entries: &mut Vec<&'t Expr>) -> Option<Diagnostic> {
    let n = table.entries.len();
    let entry = |n: usize| format!("{n} {}", plural(n, "entry", "entries"));
    match lengths.get(axis).copied() {
        None => lengths.push((n, table.span)),
        Some((first, _)) if first == n => {}
        Some((first, span)) => {
            let found = dims::error(314, format!("a row of the table has {}, and the first one has {first}", entry(n)));
            return Some(found.at(table.span, entry(n)).and(span, entry(first)));
        }
    }
    for found in &table.entries {
        match found {
            TableEntry::Table(row) => {
                if let Some(wrong) = rectangle(row, axis + 1, lengths, entries) {
                    return Some(wrong);
                }
            }
            TableEntry::Expr(value) => {
                if let Some((length, span)) = lengths.get(axis + 1) {
                    let found = dims::error(314, "a value stands beside rows of the table").at(value.span, "one value");
                    return Some(found.and(*span, format!("a row of {}", entry(*length))));
                }
                entries.push(value);
            }
        }
    }
    // Values first and rows later: the entries above are too shallow.
    let is_mixed =
        table.entries.iter().any(|e| matches!(e, TableEntry::Table(_))) && table.entries.iter().any(|e| matches!(e, TableEntry::Expr(_)));
    is_mixed.then(|| dims::error(314, "rows and single values stand side by side in a table").at(table.span, "of both kinds"))
}
