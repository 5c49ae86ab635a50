//! How many indices `..b` stands for, from the tensors that it subscripts.

use super::calls::count_axes;
use crate::ast::{Binder, BinderKind, Expr, ExprKind, Ident, Subscript};
use crate::error::dims::error;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// The axes of a tensor: `None` for one, the number for a row. Absent for what is not known.
pub(super) type Shapes = BTreeMap<String, Vec<Option<usize>>>;

/// A row of one equation: its name, and the binder that introduces it inside the right side.
pub(super) type Key = (String, Option<Span>);

/// The rows in scope, innermost last.
pub(super) type Scope = Vec<Key>;

/// One access, or a left side: what stands at each place.
struct Access<'e> {
    tensor: &'e Ident,
    places: Vec<Option<Key>>,
    span: Span,
}

/// The rows of an equation with the number of indices that each stands for.
#[derive(Default)]
pub(super) struct Solved {
    ranks: BTreeMap<Key, (usize, Span)>,
    /// Rows that no known tensor decides, with a place.
    open: BTreeMap<Key, Span>,
    pub(super) errors: Vec<Diagnostic>,
}

impl Solved {
    /// How many indices a row stands for; one that is not known stands for one.
    pub(super) fn rank(&self, key: &Key) -> usize {
        self.ranks.get(key).map_or(1, |(rank, _)| *rank)
    }
}

/// The key of a row that occurs in a scope.
pub(super) fn key(scope: &Scope, name: &str) -> Key {
    scope.iter().rev().find(|(n, _)| n == name).cloned().unwrap_or_else(|| (name.to_owned(), None))
}

/// Brings the rows of a reducer into scope.
pub(super) fn bind_rows(scope: &mut Scope, binders: &[Binder]) {
    scope.extend(
        binders
            .iter()
            .filter_map(|b| if let BinderKind::Row(name) = &b.kind { Some((name.as_str().to_owned(), Some(name.span))) } else { None }),
    );
}

/// Solves one equation: `left` are its binders with the tensor that it defines.
pub(super) fn solve(shapes: &Shapes, left: Option<(&Ident, &[Binder], Span)>, values: &[&Expr]) -> Solved {
    let mut accesses = Vec::new();
    let mut solved = Solved::default();
    if let Some((tensor, binders, span)) = left {
        let place = |b: &Binder| if let BinderKind::Row(name) = &b.kind { Some((name.as_str().to_owned(), None)) } else { None };
        let places: Vec<Option<Key>> = binders.iter().map(place).collect();
        solved.open.extend(places.iter().flatten().map(|k| (k.clone(), span)));
        // Another tensor than a result has the axes of its left side.
        if shapes.contains_key(tensor.as_str()) {
            accesses.push(Access { tensor, places, span });
        }
    }
    for value in values {
        collect(value, &mut Vec::new(), &mut accesses, &mut solved.open);
    }
    for access in &accesses {
        for place in access.places.iter().flatten() {
            solved.open.entry(place.clone()).or_insert(access.span);
        }
    }
    // Each round settles a row or ends.
    loop {
        let before = solved.ranks.len();
        accesses.iter().for_each(|access| learn_from(access, shapes, &mut solved));
        if solved.ranks.len() == before {
            break;
        }
    }
    report_open(&accesses, shapes, &mut solved);
    solved
}

fn collect<'e>(e: &'e Expr, scope: &mut Scope, out: &mut Vec<Access<'e>>, open: &mut BTreeMap<Key, Span>) {
    match &e.kind {
        ExprKind::Subscript { base, subs } => {
            if let ExprKind::Name(tensor) | ExprKind::Prev(tensor) = &base.kind {
                let place = |s: &Subscript| if let Subscript::Row(name) = s { Some(key(scope, name.as_str())) } else { None };
                out.push(Access { tensor, places: subs.iter().map(place).collect(), span: e.span });
            }
            for sub in subs {
                if let Subscript::At(e) = sub {
                    collect(e, scope, out, open);
                }
            }
        }
        ExprKind::Reduce(r) => {
            let before = scope.len();
            bind_rows(scope, &r.binders);
            for (key, binder) in scope[before..].iter().zip(r.binders.iter().filter(|b| matches!(b.kind, BinderKind::Row(_)))) {
                open.insert(key.clone(), binder.span);
            }
            r.guard.iter().chain([&r.body]).for_each(|e| collect(e, scope, out, open));
            scope.truncate(before);
        }
        _ => crate::check::names::children(e).into_iter().for_each(|child| collect(child, scope, out, open)),
    }
}

fn learn_from(access: &Access<'_>, shapes: &Shapes, solved: &mut Solved) {
    let Some(shape) = shapes.get(access.tensor.as_str()) else { return };
    let rows: Vec<&Key> = access.places.iter().flatten().collect();
    // Places that stand opposite each other, one by one.
    let is_opposite = shape.len() == access.places.len() && shape.iter().zip(&access.places).all(|(a, p)| a.is_some() == p.is_some());
    if is_opposite {
        for (axis, place) in shape.iter().zip(&access.places) {
            if let (Some(rank), Some(key)) = (axis, place) {
                learn(solved, key, *rank, access);
            }
        }
        return;
    }
    let axes: usize = shape.iter().map(|a| a.unwrap_or(1)).sum();
    let single = access.places.len() - rows.len();
    let settled: usize = rows.iter().filter_map(|k| solved.ranks.get(*k)).map(|(rank, _)| rank).sum();
    let mut open: Vec<&Key> = rows.iter().copied().filter(|k| !solved.ranks.contains_key(*k)).collect();
    let times = open.len();
    open.dedup();
    match (open.as_slice(), axes.checked_sub(single)) {
        ([], Some(rest)) if rows.len() == 1 => learn(solved, rows[0], rest, access),
        ([key], Some(rest)) if rest >= settled && (rest - settled).is_multiple_of(times) => {
            learn(solved, key, (rest - settled) / times, access)
        }
        // Too few axes: said of the written-out form.
        ([key], _) => learn(solved, key, 0, access),
        _ => {}
    }
}

fn learn(solved: &mut Solved, key: &Key, rank: usize, access: &Access<'_>) {
    let Some((known, span)) = solved.ranks.get(key).copied() else {
        solved.ranks.insert(key.clone(), (rank, access.span));
        return;
    };
    if known != rank {
        let message = format!("`..{}` stands for {} here, but for {known} elsewhere", key.0, count_axes(rank));
        let found = error(313, message).at(access.span, count_axes(rank)).and(span, count_axes(known));
        if !solved.errors.contains(&found) {
            solved.errors.push(found);
        }
    }
}

/// E0313 for rows that known tensors leave open. What a row of an unknown tensor stands for is not asked.
fn report_open(accesses: &[Access<'_>], shapes: &Shapes, solved: &mut Solved) {
    for (key, span) in std::mem::take(&mut solved.open) {
        let is_of = |a: &&Access<'_>| a.places.iter().flatten().any(|k| *k == key);
        if solved.ranks.contains_key(&key) || accesses.iter().filter(is_of).any(|a| !shapes.contains_key(a.tensor.as_str())) {
            continue;
        }
        let found = error(313, format!("nothing says how many indices `..{}` stands for", key.0)).at(span, "a row of unknown length");
        let found = match accesses.iter().find(is_of) {
            Some(_) => found.note("two rows share the axes of a tensor, and nothing says where one ends"),
            None => found.help("subscript a tensor with it"),
        };
        solved.errors.push(found);
    }
}
