//! How many axes the row variables of a def stand for, from the number of axes of what is given to it.

use crate::ast::{Axis, Def, GenericKind, Param};
use crate::error::dims::error;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::Span;
use std::collections::BTreeMap;

/// How many axes each row variable of a def stands for, in the order of its generics.
pub(crate) type Ranks = Vec<usize>;

/// Why there is no such number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RankError {
    /// A tensor has too few axes, or too many, whatever its rows stand for.
    DoesNotFit {
        /// The parameter.
        param: String,
        /// Where it is declared.
        span: Span,
        /// Axes beside the rows.
        fixed: usize,
        /// Whether it has rows.
        at_least: bool,
        /// Axes of what was given.
        given: usize,
    },
    /// Two places say different things.
    Contradiction { row: String, span: Span, first: (usize, String), second: (usize, String) },
    /// Nothing says how many.
    Undetermined { row: String, span: Span },
}

/// What is known of a row: how many axes, and what says so.
type Known = BTreeMap<String, (usize, String)>;

/// The ranks of the rows from the ranks of the arguments (`None` where one is not known), and those that are given by name.
pub(crate) fn ranks_of_call(def: &Def, arguments: &[Option<usize>], given: &[(String, usize)]) -> Result<Ranks, Vec<RankError>> {
    let mut known = Known::new();
    let mut errors = Vec::new();
    for (row, rank) in given {
        errors.extend(learn(def, &mut known, row, (*rank, "as given".to_owned())));
    }
    // Each round settles a row or ends.
    loop {
        let before = known.len();
        for (param, rank) in def.params.iter().zip(arguments) {
            if let Some(rank) = rank {
                errors.extend(from_param(def, &mut known, param, *rank));
            }
        }
        if !errors.is_empty() || known.len() == before {
            break;
        }
    }
    let is_contradictory = !errors.is_empty();
    let rows = def.generics.iter().filter(|g| g.kind == GenericKind::Row);
    let mut ranks = Vec::new();
    for row in rows {
        match known.get(row.name.as_str()) {
            Some((rank, _)) => ranks.push(*rank),
            None if !is_contradictory => errors.push(RankError::Undetermined { row: row.name.as_str().to_owned(), span: row.span }),
            None => {}
        }
    }
    errors.dedup();
    if errors.is_empty() { Ok(ranks) } else { Err(errors) }
}

/// What the rank of one argument says of the rows of its parameter.
fn from_param(def: &Def, known: &mut Known, param: &Param, rank: usize) -> Option<RankError> {
    let axes = param.ty.axes.as_deref().unwrap_or_default();
    let rows: Vec<&str> = axes.iter().filter_map(|a| if let Axis::Row(name) = a { Some(name.as_str()) } else { None }).collect();
    let fixed = axes.len() - rows.len();
    let settled: usize = rows.iter().filter_map(|r| known.get(*r)).map(|(rank, _)| rank).sum();
    let mut open: Vec<&str> = rows.iter().copied().filter(|r| !known.contains_key(*r)).collect();
    let times = open.len();
    open.dedup();
    let misfit = || RankError::DoesNotFit {
        param: param.name.as_str().to_owned(),
        span: param.span,
        fixed,
        at_least: !rows.is_empty(),
        given: rank,
    };
    if rank < fixed {
        return Some(misfit());
    }
    match open.as_slice() {
        [] if rows.len() == 1 => learn(def, known, rows[0], (rank - fixed, place(param))),
        [] if rank != fixed + settled => Some(misfit()),
        [row] => match (rank - fixed).checked_sub(settled) {
            Some(rest) if rest % times == 0 => learn(def, known, row, (rest / times, place(param))),
            _ => Some(misfit()),
        },
        _ => None,
    }
}

fn place(param: &Param) -> String {
    format!("in `{}`", param.name)
}

fn learn(def: &Def, known: &mut Known, row: &str, new: (usize, String)) -> Option<RankError> {
    match known.get(row) {
        None => drop(known.insert(row.to_owned(), new)),
        Some(old) if old.0 == new.0 => {}
        Some(old) => {
            let span = def.generics.iter().find(|g| g.name.as_str() == row).map_or(def.name.span, |g| g.span);
            return Some(RankError::Contradiction { row: row.to_owned(), span, first: old.clone(), second: new });
        }
    }
    None
}

/// How many axes each result has: for each axis of its type `None`, for each row its number of axes.
pub(crate) fn result_ranks(def: &Def, ranks: &[usize]) -> Vec<Vec<Option<usize>>> {
    def.results.iter().map(|r| segments(def, ranks, r.ty.axes.as_deref().unwrap_or_default())).collect()
}

/// The axes of a type: `None` for one, the number for a row.
pub(super) fn segments(def: &Def, ranks: &[usize], axes: &[Axis]) -> Vec<Option<usize>> {
    let rows = super::row_names(def);
    let rank = |row: &str| rows.iter().position(|r| *r == row).and_then(|n| ranks.get(n).copied()).unwrap_or(0);
    axes.iter().map(|a| if let Axis::Row(name) = a { Some(rank(name.as_str())) } else { None }).collect()
}

/// `1 axis`, `2 axes`.
pub(crate) fn count_axes(n: usize) -> String {
    if n == 1 { "1 axis".to_owned() } else { format!("{n} axes") }
}

impl RankError {
    /// The error for arrays that are given to a def.
    pub(crate) fn of_inputs(&self, def: &str) -> Diagnostic {
        let (message, span, text) = self.message(def);
        match self {
            RankError::DoesNotFit { .. } => Diagnostic::error(906, "rank-mismatch", message).at(span, text),
            RankError::Contradiction { .. } => error(313, message).at(span, text),
            RankError::Undetermined { row, .. } => {
                error(313, message).at(span, text).help(format!("--size {row}=8x8, or --size ..{row}=2"))
            }
        }
    }

    /// The fact in one sentence, the place of the declaration, and what to say there. `of` names the def.
    pub(crate) fn message(&self, of: &str) -> (String, Span, String) {
        match self {
            RankError::DoesNotFit { param, span, fixed, at_least, given } => {
                let needs = if *at_least { format!("at least {}", count_axes(*fixed)) } else { count_axes(*fixed) };
                let needs = if *at_least && given >= fixed { "another number of axes".to_owned() } else { needs };
                (format!("`{param}` of `{of}` has {needs}, and what is given for it has {given}"), *span, needs)
            }
            RankError::Contradiction { row, span, first, second } => {
                let fact = format!("`..{row}` of `{of}` is {} {} but {} {}", count_axes(first.0), first.1, second.0, second.1);
                (fact, *span, "one number of axes".to_owned())
            }
            RankError::Undetermined { row, span } => {
                (format!("nothing says how many axes `..{row}` of `{of}` stands for"), *span, "declared here".to_owned())
            }
        }
    }
}
