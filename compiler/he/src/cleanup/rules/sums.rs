//! Rules of sums: what terms have in common is done once, to their sum.

use super::{product, relin, rotation, signed, sum, with_sign};
use crate::cleanup::form::{Form, SlotGraph};
use egg::Id;
use std::collections::{BTreeMap, BTreeSet};

/// Terms of the longest sum that others are made part of.
const MAX_TERMS: usize = 1024;

/// A term, and what of it is in common with others.
struct Part {
    term: Id,
    rest: Id,
    minus: bool,
}

/// Terms that have something in common with another, by that, and all the others.
type Parted<K> = (BTreeMap<K, Vec<Part>>, Vec<Id>);

/// Parts terms by what `of` sees in them.
fn parted<K: Ord>(graph: &SlotGraph<'_>, terms: &[Id], of: impl Fn(Id) -> Option<(K, Id)>) -> Option<Parted<K>> {
    let mut groups: BTreeMap<K, Vec<Part>> = BTreeMap::new();
    let mut others = Vec::new();
    for &term in terms {
        let (x, minus) = signed(graph, term);
        match of(x) {
            Some((key, rest)) => groups.entry(key).or_default().push(Part { term, rest, minus }),
            None => others.push(term),
        }
    }
    groups.values().any(|group| group.len() > 1).then_some((groups, others))
}

/// The sum of the rests of terms.
fn rests(graph: &mut SlotGraph<'_>, group: &[Part]) -> Option<Id> {
    let terms = group.iter().map(|part| with_sign(graph, part.rest, part.minus)).collect();
    graph.sum(terms)
}

/// The sum where the terms of each group are replaced by what `joined` makes of the sum of their rests.
fn together<K: Ord>(
    graph: &mut SlotGraph<'_>,
    (groups, mut terms): Parted<K>,
    mut joined: impl FnMut(&mut SlotGraph<'_>, K, Id) -> Option<Id>,
) -> Option<Id> {
    for (key, group) in groups {
        let term = match &group[..] {
            [alone] => alone.term,
            _ => {
                let rest = rests(graph, &group)?;
                joined(graph, key, rest)?
            }
        };
        terms.push(term);
    }
    graph.sum(terms)
}

/// `(x + y) + z = x + y + z`, but not of what is added to a rotation of itself
pub(super) fn sum_of_sum(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let rotated: BTreeSet<Id> = terms.iter().filter_map(|&term| rotation(graph, term)).map(|(_, x)| graph.egraph.find(x)).collect();
    let mut all = Vec::new();
    for &term in terms {
        match sum(graph, term).filter(|_| !rotated.contains(&term)) {
            Some(inner) => all.extend(inner),
            None => all.push(term),
        }
    }
    (all.len() > terms.len() && all.len() <= MAX_TERMS).then(|| graph.sum(all)).flatten()
}

/// `x + y + rot k (x + y) = z + rot k z` for `z = x + y`
pub(super) fn sum_in_sum(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    terms.iter().find_map(|&term| {
        let (_, z) = rotation(graph, term)?;
        let sums = graph.nodes(z).iter().filter_map(|node| if let Form::Sum(parts) = node { without(graph, terms, parts) } else { None });
        let mut left = sums.min_by_key(Vec::len)?;
        left.push(z);
        graph.sum(left)
    })
}

/// Terms but for these; none if one of these is not among them.
fn without(graph: &SlotGraph<'_>, terms: &[Id], parts: &[Id]) -> Option<Vec<Id>> {
    let mut left = terms.to_vec();
    for &part in parts {
        let part = graph.egraph.find(part);
        left.remove(left.iter().position(|&other| other == part)?);
    }
    Some(left)
}

/// `rot k x + rot k y = rot k (x + y)`
pub(super) fn common_rotation(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let parted = parted(graph, terms, |x| rotation(graph, x))?;
    together(graph, parted, |graph, k, rest| graph.rotated(i64::from(k), rest))
}

/// `p (rot k x) + rot k y = rot k ((rot -k p) x + y)`, where nothing else reads `rot k x`
pub(super) fn common_rotation_of_factors(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let of_factor = |x: Id| {
        let (_, factor) = product(graph, x)?;
        let (k, _) = rotation(graph, factor)?;
        is_read_once(graph, factor).then_some((k, x))
    };
    let mut parted = parted(graph, terms, |x| rotation(graph, x).map(|(k, _)| (k, x)).or_else(|| of_factor(x)))?;
    let rested: Option<()> = parted.0.values_mut().flatten().try_for_each(|part| {
        if let Some((_, rest)) = rotation(graph, part.rest) {
            part.rest = rest;
            return Some(());
        }
        let (p, factor) = product(graph, part.rest)?;
        let (k, rest) = rotation(graph, factor)?;
        let p = graph.plains.rotated(p, -i64::from(k))?;
        part.rest = graph.times(p, rest);
        Some(())
    });
    rested?;
    together(graph, parted, |graph, k, rest| graph.rotated(i64::from(k), rest))
}

fn is_read_once(graph: &SlotGraph<'_>, x: Id) -> bool {
    let egraph = &graph.egraph;
    let mut readers = egraph[egraph.find(x)].parents().map(|reader| egraph.find(reader));
    let first = readers.next();
    readers.all(|other| Some(other) == first)
}

/// `(x + rot k x) + (y + rot k y) = z + rot k z` for `z = x + y`
pub(super) fn common_doubling(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let parted = parted(graph, terms, |x| doubling(graph, x))?;
    together(graph, parted, |graph, k, rest| {
        let turned = graph.rotated(i64::from(k), rest)?;
        graph.sum(vec![rest, turned])
    })
}

/// What a class is the sum of, with its rotation by so much.
fn doubling(graph: &SlotGraph<'_>, x: Id) -> Option<(u32, Id)> {
    graph.nodes(x).iter().find_map(|node| {
        let Form::Sum(terms) = node else { return None };
        let &[a, b] = &terms[..] else { return None };
        [(a, b), (b, a)].into_iter().find_map(|(y, turned)| {
            let of_y = |node: &Form| match *node {
                Form::Rotate(k, of) if graph.egraph.find(of) == graph.egraph.find(y) => Some((k, y)),
                _ => None,
            };
            graph.nodes(turned).iter().find_map(of_y)
        })
    })
}

/// `relin x + relin y = relin (x + y)`
pub(super) fn common_relin(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let parted = parted(graph, terms, |x| relin(graph, x).map(|z| ((), z)))?;
    together(graph, parted, |graph, (), rest| Some(graph.add(Form::Relin(rest))))
}

/// `p x + p y = p (x + y)`
pub(super) fn common_plaintext(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let parted = parted(graph, terms, |x| product(graph, x))?;
    together(graph, parted, |graph, p, rest| Some(graph.times(p, rest)))
}

/// `p x + q x = (p + q) x`, where the plaintexts are parts of one
pub(super) fn common_factor(graph: &mut SlotGraph<'_>, form: &Form) -> Option<Id> {
    let Form::Sum(terms) = form else { return None };
    let of = |x: Id| product(graph, x).map(|(p, y)| (graph.egraph.find(y), (p, x)));
    let mut groups: BTreeMap<Id, Vec<(u32, Id)>> = BTreeMap::new();
    let mut all = Vec::new();
    for &term in terms {
        match of(term) {
            Some((y, part)) => groups.entry(y).or_default().push(part),
            None => all.push(term),
        }
    }
    for (y, group) in groups {
        let mut joined: Vec<u32> = Vec::new();
        for (p, _) in group {
            match joined.iter().enumerate().find_map(|(n, &q)| Some((n, graph.plains.sum(p, q)?))) {
                Some((n, sum)) => joined[n] = sum,
                None => joined.push(p),
            }
        }
        all.extend(joined.into_iter().map(|p| graph.times(p, y)));
    }
    (all.len() < terms.len()).then(|| graph.sum(all)).flatten()
}
