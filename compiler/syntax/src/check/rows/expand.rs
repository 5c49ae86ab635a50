//! Writing out the row variables of a def.

use super::calls::{ranks_of_call, result_ranks, segments};
use super::solve::{Scope, Shapes, Solved, bind_rows, key, solve};
use super::{Instance, Spelling, row_names};
use crate::ast::{
    Axis, Bind, Binder, BinderKind, Const, ConstValue, Def, Expr, ExprKind, Generic, GenericKind, Ident, IndexRange, Interval, LeftSide,
    Number, NumberValue, Param, Reduction, Statement, Subscript, Table, TableEntry, Type, WhereItem,
};
use crate::builtins::nearest;
use crate::check::files::Target;
use crate::check::program::ProgramScope;
use crate::error::parse::too_many_axes;
use crate::error::sums::unknown_name;
use crate::limits::MAX_AXES;
use ein_ir::diagnostic::{Diagnostic, sort_by_position};
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// The def with each of its row variables standing for the given number of axes, in the order of its generics.
///
/// # Errors
/// E0204 for rows that are not declared, E0313 for rows of indices whose number cannot be told.
pub(crate) fn expand(program: &ProgramScope<'_>, file: usize, def: &Def, ranks: &[usize]) -> Result<Instance, Vec<Diagnostic>> {
    let rows: BTreeMap<String, usize> = row_names(def).into_iter().map(str::to_owned).zip(ranks.iter().copied()).collect();
    let mut spelling = Spelling::default();
    spelling.rows.extend(rows.keys().cloned());
    let mut expander = Expander { program, file, rows, shapes: Shapes::new(), spelling, errors: Vec::new() };
    let out = expander.def(def, ranks);
    let Expander { spelling, mut errors, .. } = expander;
    sort_by_position(&mut errors);
    errors.dedup();
    if errors.is_empty() { Ok(Instance { def: out, spelling }) } else { Err(errors) }
}

struct Expander<'e, 'p> {
    program: &'e ProgramScope<'p>,
    file: usize,
    /// Row variables of types.
    rows: BTreeMap<String, usize>,
    /// The tensors so far.
    shapes: Shapes,
    spelling: Spelling,
    errors: Vec<Diagnostic>,
}

/// The name of one member of a row.
fn member(row: &Ident, n: usize) -> Ident {
    Ident::new(&format!("{row}.{n}"), row.span)
}

impl Expander<'_, '_> {
    fn def(&mut self, def: &Def, ranks: &[usize]) -> Def {
        let generics = def.generics.iter().flat_map(|g| self.generic(g)).collect();
        let params = def.params.iter().map(|p| self.param(p)).collect();
        let results = def.results.iter().map(|p| self.param(p)).collect();
        for param in def.params.iter().chain(&def.results) {
            let shape = segments(def, ranks, param.ty.axes.as_deref().unwrap_or_default());
            self.shapes.insert(param.name.as_str().to_owned(), shape);
        }
        let wheres: Vec<WhereItem> = def.wheres.clone();
        let body = self.body(&def.body);
        Def { generics, params, results, wheres, body, ..def.clone() }
    }

    fn generic(&self, generic: &Generic) -> Vec<Generic> {
        if generic.kind != GenericKind::Row {
            return vec![generic.clone()];
        }
        let rank = self.rows.get(generic.name.as_str()).copied().unwrap_or(0);
        (1..=rank).map(|n| Generic { name: member(&generic.name, n), kind: GenericKind::Dim, ..generic.clone() }).collect()
    }

    fn param(&mut self, param: &Param) -> Param {
        Param { ty: self.ty(&param.ty), ..param.clone() }
    }

    fn ty(&mut self, ty: &Type) -> Type {
        let Some(axes) = &ty.axes else { return ty.clone() };
        let mut out = Vec::new();
        for axis in axes {
            match axis {
                Axis::Dim(_) => out.push(axis.clone()),
                Axis::Row(name) => match self.rows.get(name.as_str()) {
                    Some(rank) => out.extend((1..=*rank).map(|n| Axis::Dim(Expr::new(ExprKind::Name(member(name, n)), axis.span())))),
                    None => {
                        let known = self.rows.keys().map(String::as_str);
                        let near = nearest(name.as_str(), known).map(|n| format!("..{n}"));
                        let found = unknown_name(&format!("..{name}"), axis.span(), near.as_deref());
                        self.errors.push(found.note("a row variable is declared as `..B` between `<` and `>`"));
                    }
                },
            }
        }
        if out.len() > MAX_AXES {
            self.errors.push(too_many_axes(out.len(), ty.span));
        }
        Type { axes: Some(out), ..ty.clone() }
    }

    fn body(&mut self, body: &[Statement]) -> Vec<Statement> {
        body.iter().map(|s| self.statement(s)).collect()
    }

    fn statement(&mut self, statement: &Statement) -> Statement {
        match statement {
            Statement::Bind(bind) => Statement::Bind(self.bind(bind)),
            Statement::BindMany(many) => {
                self.note_call(&many.names, &many.value);
                statement.clone()
            }
            Statement::Scan(scan) => {
                let mut scan = scan.clone();
                scan.body = self.body(&scan.body);
                Statement::Scan(scan)
            }
            Statement::Fit(_) => statement.clone(),
        }
    }

    fn bind(&mut self, bind: &Bind) -> Bind {
        if bind.left.is_none() && self.note_call(std::slice::from_ref(&bind.name), &bind.value) {
            return bind.clone();
        }
        let values: Vec<&Expr> = [Some(&bind.value), bind.init.as_ref()].into_iter().flatten().collect();
        for value in &values {
            self.note_constants(value);
        }
        let binders: &[Binder] = bind.left.as_ref().map_or(&[], |l| &l.binders);
        let solved = solve(&self.shapes, bind.left.as_ref().map(|l| (&bind.name, binders, l.span)), &values);
        self.errors.extend(solved.errors.iter().cloned());
        let rank =
            |b: &Binder| if let BinderKind::Row(name) = &b.kind { Some(solved.rank(&key(&Scope::new(), name.as_str()))) } else { None };
        self.shapes.entry(bind.name.as_str().to_owned()).or_insert_with(|| binders.iter().map(rank).collect());
        let mut rewriter = Rewriter { solved: &solved, rows: &mut self.spelling.rows, scope: Scope::new() };
        let left = bind.left.as_ref().map(|l| LeftSide { binders: rewriter.binders(&l.binders), span: l.span });
        let value = rewriter.expr(&bind.value);
        let init = bind.init.as_ref().map(|e| rewriter.expr(e));
        let ty = bind.ty.as_ref().map(|t| self.ty(t));
        Bind { left, ty, value, init, ..bind.clone() }
    }

    /// Notes the results of a call of a def on whole tensors; whether it is one.
    fn note_call(&mut self, names: &[Ident], value: &Expr) -> bool {
        let ExprKind::Call { name, args } = &value.peeled().kind else { return false };
        let Some(callee) = self.program.def(self.file, name.as_str()) else { return false };
        args.iter().for_each(|a| self.note_constants(&a.value));
        let rank = |e: &Expr| match e.as_name() {
            Some(name) => self.shapes.get(name.as_str()).map(|s| s.iter().map(|a| a.unwrap_or(1)).sum()),
            None => Some(0),
        };
        let ranks: Vec<Option<usize>> = args.iter().filter(|a| a.name.is_none()).map(|a| rank(&a.value)).collect();
        // What does not fit is said when the call is elaborated.
        if let Ok(ranks) = ranks_of_call(callee.def, &ranks, &[]) {
            for (name, shape) in names.iter().zip(result_ranks(callee.def, &ranks)) {
                self.shapes.entry(name.as_str().to_owned()).or_insert(shape);
            }
        }
        true
    }

    /// Notes the axes of the constants that an expression reads.
    fn note_constants(&mut self, e: &Expr) {
        let mut names = Vec::new();
        tensors_of(e, &mut names);
        for name in names {
            if !self.shapes.contains_key(name)
                && let Some(entry) = self.program.files.find(self.file, name)
                && let Target::Const(constant) = entry.target
            {
                self.shapes.extend(constant_axes(constant).map(|n| (name.to_owned(), vec![None; n])));
            }
        }
    }
}

/// Names that stand alone or before brackets.
fn tensors_of<'e>(e: &'e Expr, out: &mut Vec<&'e str>) {
    match &e.kind {
        ExprKind::Name(name) => out.push(name.as_str()),
        ExprKind::Subscript { base, .. } => tensors_of(base, out),
        _ => {}
    }
    crate::check::names::children(e).into_iter().for_each(|child| tensors_of(child, out));
}

/// The number of axes of a constant, if its declaration shows it.
fn constant_axes(constant: &Const) -> Option<usize> {
    fn depth(table: &Table) -> usize {
        1 + match table.entries.first() {
            Some(TableEntry::Table(inner)) => depth(inner),
            _ => 0,
        }
    }
    match &constant.value {
        ConstValue::Table(table) => Some(depth(table)),
        ConstValue::Expr(e) if constant.left.is_none() && matches!(e.peeled().kind, ExprKind::Call { .. }) => None,
        ConstValue::Expr(_) => Some(constant.left.as_ref().map_or(0, |l| l.binders.len())),
    }
}

/// Writes out the rows of indices of one equation.
struct Rewriter<'s> {
    solved: &'s Solved,
    rows: &'s mut std::collections::BTreeSet<String>,
    scope: Scope,
}

impl Rewriter<'_> {
    fn members(&mut self, row: &Ident) -> Vec<Ident> {
        self.rows.insert(row.as_str().to_owned());
        let rank = self.solved.rank(&key(&self.scope, row.as_str()));
        // The elaborated form refuses what has too many axes; it need not be written out for that.
        (1..=rank.min(MAX_AXES + 1)).map(|n| member(row, n)).collect()
    }

    fn binders(&mut self, binders: &[Binder]) -> Vec<Binder> {
        let mut out = Vec::new();
        for binder in binders {
            match &binder.kind {
                BinderKind::Index { .. } => out.push(binder.clone()),
                BinderKind::Row(row) => {
                    let index = |name| Binder { kind: BinderKind::Index { name, range: None }, span: binder.span };
                    out.extend(self.members(row).into_iter().map(index));
                }
            }
        }
        out
    }

    fn expr(&mut self, e: &Expr) -> Expr {
        let mut out = e.clone();
        self.rewrite(&mut out);
        out
    }

    fn rewrite(&mut self, e: &mut Expr) {
        match &mut e.kind {
            ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) | ExprKind::Name(_) | ExprKind::Prev(_) => {}
            ExprKind::Subscript { subs, .. } => {
                let written = std::mem::take(subs);
                for sub in written {
                    match sub {
                        Subscript::At(mut e) => {
                            self.rewrite(&mut e);
                            subs.push(Subscript::At(e));
                        }
                        Subscript::Row(row) => {
                            let name = |name: Ident| Subscript::At(Expr::new(ExprKind::Name(name), row.span));
                            subs.extend(self.members(&row).into_iter().map(name));
                        }
                    }
                }
            }
            ExprKind::Call { args, .. } => args.iter_mut().for_each(|a| self.rewrite(&mut a.value)),
            ExprKind::Reduce(r) => self.reduction(r),
            ExprKind::If { condition, then, otherwise } => [condition, then, otherwise].into_iter().for_each(|e| self.rewrite(e)),
            ExprKind::Cast { value, .. } | ExprKind::Unary { value, .. } | ExprKind::Paren(value) => self.rewrite(value),
            ExprKind::Binary { lhs, rhs, .. } => [lhs, rhs].into_iter().for_each(|e| self.rewrite(e)),
            ExprKind::Tuple(items) => items.iter_mut().for_each(|e| self.rewrite(e)),
        }
    }

    fn reduction(&mut self, r: &mut Reduction) {
        let before = self.scope.len();
        bind_rows(&mut self.scope, &r.binders);
        let span = r.binders.first().map_or(r.body.span, |b| b.span);
        r.binders = self.binders(&r.binders);
        if r.binders.is_empty() {
            // A row of no indices is one point: the reduction over it keeps its type and its guard.
            r.binders.push(one_point(span));
        }
        r.guard.iter_mut().chain([&mut r.body]).for_each(|e| self.rewrite(e));
        self.scope.truncate(before);
    }
}

/// `_ in 0..1`
fn one_point(span: Span) -> Binder {
    let literal =
        |n: u128| Expr::new(ExprKind::Number(Number { text: n.to_string(), value: NumberValue::Integer(n), imaginary: false }), span);
    let range = Some(IndexRange::Interval(Interval { lo: literal(0), hi: literal(1), span }));
    Binder { kind: BinderKind::Index { name: Ident::new("_", span), range }, span }
}
