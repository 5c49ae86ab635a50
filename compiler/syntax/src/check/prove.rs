//! Proofs that a polynomial over sizes and indices is never negative: subscripts inside their axes (language 4).
//!
//! A goal is reduced by *moves* until no index is left: a floor quotient or remainder is replaced by what bounds it, an index
//! by the end of its range (or the bound that a guard gives) at which the goal is least. What remains is a polynomial over
//! sizes, which is proved by a directed search: every atom is shifted by its known lower bound, and negative terms are
//! cancelled by multiples of known facts. What is left unproved becomes a check at entry.
//!
//! Index ranges are taken not to be empty: where one is, nothing is accessed. The search has a budget of goals, so it always
//! ends quickly; running out of it means [`Proof::Unknown`], never a wrong proof.

use super::facts::Facts;
use ein_ir::entity::Index;
use ein_ir::extent::{Atom, Extent, Monomial};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is known of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It holds for all sizes.
    Always,
    /// It holds where this polynomial over sizes is at least 0.
    Entry(Extent),
    /// Neither proved nor reduced to a condition on sizes.
    Unknown,
}

/// Goals looked at before the search gives up: the worked cases of the language need at most 40.
const GOALS: u32 = 400;
/// Nested moves; each removes an index, a quotient or a remainder.
const DEPTH: u32 = 12;
/// Facts combined to cancel negative terms.
const CANCELLATIONS: u32 = 4;
/// Coefficients above this are not reasoned about, so that products of two cannot saturate.
const COEFFICIENT_MAX: u128 = 1 << 56;
/// Terms and factors of a polynomial above which it is not reasoned about.
const TERMS_MAX: usize = 32;
const DEGREE_MAX: usize = 5;
/// Sizes whose positivity is tried as the entry check.
const ASSUMPTIONS_MAX: usize = 4;

/// Proves `value >= 0`, or reduces it to a condition on sizes.
pub(crate) fn prove_nonnegative(value: &Extent, facts: &Facts) -> Proof {
    let facts = &facts.about(value);
    if let Some(near) = facts.near(value)
        && Prover::new(value, &near, None).proves_its_goal()
    {
        return Proof::Always;
    }
    let mut prover = Prover::new(value, facts, None);
    let goal = prover.goal.clone();
    let outcome = prover.eliminate(&goal, DEPTH);
    if outcome == Proof::Always {
        return Proof::Always;
    }
    for size in prover.sizes_of_unknown_sign() {
        let condition = size.sub(&Extent::constant(1));
        if Prover::new(value, facts, Some(&condition)).proves_its_goal() {
            return Proof::Entry(condition);
        }
    }
    outcome
}

/// One proof attempt.
struct Prover {
    /// The claim, with the equalities applied.
    goal: Extent,
    ranges: BTreeMap<Index, (Extent, Extent)>,
    /// Facts that are not the ends of a range: they bound indices more tightly.
    guards: Vec<Extent>,
    /// All facts.
    facts: Vec<Extent>,
    /// The facts over excesses; filled when all lower bounds are known.
    shifted: Vec<Extent>,
    /// Greatest known lower bound of an atom.
    least: BTreeMap<Atom, i128>,
    /// Results so far; a goal in progress counts as unknown, which breaks cycles.
    memo: BTreeMap<Extent, Proof>,
    goals_left: u32,
}

/// Sign of a polynomial, as far as it can be proved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    NonNegative,
    NonPositive,
    Unknown,
}

impl Prover {
    fn proves_its_goal(mut self) -> bool {
        let goal = self.goal.clone();
        self.eliminate(&goal, DEPTH) == Proof::Always
    }

    fn new(value: &Extent, facts: &Facts, assumed: Option<&Extent>) -> Self {
        let one = Extent::constant(1);
        let mut guards: Vec<Extent> = facts.nonnegative.iter().chain(assumed).cloned().collect();
        let mut ends = Vec::new();
        for (index, (lo, hi)) in &facts.ranges {
            let last = hi.sub(&one);
            ends.extend([Extent::index(*index).sub(lo), last.sub(&Extent::index(*index)), last.sub(lo)]);
        }
        let equalities = Equalities::solve(&facts.zero, &mut guards);
        let apply = |list: Vec<Extent>| -> Vec<Extent> { list.iter().map(|e| equalities.apply(e)).collect() };
        let (guards, ends) = (apply(guards), apply(ends));
        let ranges: BTreeMap<_, _> = facts.ranges.iter().map(|(i, (lo, hi))| (*i, (equalities.apply(lo), equalities.apply(hi)))).collect();
        let all = guards.iter().chain(&ends).filter(|f| f.as_constant().is_none()).cloned().collect();
        let mut prover = Self {
            goal: join_divisions(&equalities.apply(value)),
            ranges,
            guards,
            facts: all,
            shifted: Vec::new(),
            least: BTreeMap::new(),
            memo: BTreeMap::new(),
            goals_left: GOALS,
        };
        prover.facts.retain(is_tractable);
        prover.propagate();
        prover.shift_facts();
        prover.learn_divisions();
        prover.propagate();
        prover.shift_facts();
        // Results found with fewer facts do not count.
        prover.memo.clear();
        prover.goals_left = GOALS;
        prover
    }

    fn shift_facts(&mut self) {
        self.shifted = self.facts.iter().filter_map(|f| self.shift(f)).filter(|f| f.terms().any(|(_, c)| c < 0)).collect();
    }

    /// Adds what defines the quotients and remainders that occur: `0 <= a - b*(a // b) < b` and `0 <= a % b < b` for `b > 0`.
    fn learn_divisions(&mut self) {
        let atoms: BTreeSet<Atom> = self.facts.iter().chain([&self.goal]).flat_map(atoms_of).collect();
        let one = Extent::constant(1);
        for atom in atoms {
            let (Atom::Quotient(a, b) | Atom::Remainder(a, b)) = &atom else { continue };
            if !self.is_positive(b, 3) {
                continue;
            }
            let rest = match &atom {
                Atom::Quotient(..) => a.sub(&b.mul(&Extent::atom(atom.clone()))),
                _ => Extent::atom(atom.clone()),
            };
            if matches!(atom, Atom::Remainder(..)) || self.prove(a, 3) {
                raise(&mut self.least, &atom, 0);
            }
            self.facts.extend([b.sub(&one).sub(&rest), rest].into_iter().filter(is_tractable));
        }
    }

    /// Finds lower bounds of atoms in the facts: `d - rest >= 0` with `rest >= c` gives `d >= c`, and a fact that fails at
    /// `d = 0` gives `d >= 1`.
    fn propagate(&mut self) {
        for _ in 0..4 {
            let before = self.least.clone();
            for fact in &self.facts {
                for atom in atoms_of(fact) {
                    if let Some(bound) = self.bound_from(fact, &atom) {
                        raise(&mut self.least, &atom, bound);
                    }
                }
            }
            if self.least == before {
                return;
            }
        }
    }

    fn bound_from(&self, fact: &Extent, atom: &Atom) -> Option<i128> {
        let (factor, rest) = split_linear(fact, atom);
        if factor.as_constant() == Some(1) {
            // atom >= -rest, and -rest is at least its value at the least values of its atoms if no coefficient is negative.
            return self.least_value(&rest.scale(-1));
        }
        let fails_at_zero = self.least_value(&rest.scale(-1)).is_some_and(|v| v >= 1);
        (fails_at_zero && self.least.get(atom) == Some(&0)).then_some(1)
    }

    /// A lower bound of `p` from the lower bounds of its atoms, if no term can be negative above them.
    fn least_value(&self, p: &Extent) -> Option<i128> {
        let shifted = self.shift(p)?;
        let mut constant = 0;
        for (monomial, c) in shifted.terms() {
            match (monomial.is_empty(), c < 0) {
                (true, _) => constant = c,
                (false, true) => return None,
                (false, false) if !self.is_bounded(monomial) => return None,
                _ => {}
            }
        }
        Some(constant)
    }

    fn is_bounded(&self, monomial: &Monomial) -> bool {
        monomial.iter().all(|a| self.least.contains_key(a))
    }

    /// `p` with each bounded atom standing for its excess over its lower bound.
    fn shift(&self, p: &Extent) -> Option<Extent> {
        let mut out = Extent::default();
        for (monomial, c) in p.terms() {
            let mut product = Extent::constant(c);
            for atom in monomial {
                let excess = Extent::atom(atom.clone());
                let bound = self.least.get(atom).copied().unwrap_or(0);
                product = product.mul(&excess.add(&Extent::constant(bound)));
            }
            out = out.add(&product);
        }
        is_tractable(&out).then_some(out)
    }

    /// Whether `p >= 0` is proved.
    fn prove(&mut self, p: &Extent, depth: u32) -> bool {
        self.eliminate(p, depth) == Proof::Always
    }

    fn is_positive(&mut self, p: &Extent, depth: u32) -> bool {
        self.prove(&p.sub(&Extent::constant(1)), depth)
    }

    fn sign(&mut self, p: &Extent, depth: u32) -> Sign {
        match p.as_constant() {
            Some(c) if c >= 0 => Sign::NonNegative,
            Some(_) => Sign::NonPositive,
            None if self.prove(p, depth) => Sign::NonNegative,
            None if self.prove(&p.scale(-1), depth) => Sign::NonPositive,
            None => Sign::Unknown,
        }
    }

    /// Proves `p >= 0` or reduces it to a condition without indices.
    fn eliminate(&mut self, p: &Extent, depth: u32) -> Proof {
        if let Some(c) = p.as_constant() {
            return if c >= 0 { Proof::Always } else { Proof::Entry(p.clone()) };
        }
        if let Some(known) = self.memo.get(p) {
            return known.clone();
        }
        if self.goals_left == 0 || depth == 0 || !is_tractable(p) {
            return Proof::Unknown;
        }
        self.goals_left -= 1;
        self.memo.insert(p.clone(), Proof::Unknown);
        let outcome = self.eliminate_new(p, depth - 1);
        self.memo.insert(p.clone(), outcome.clone());
        outcome
    }

    fn eliminate_new(&mut self, p: &Extent, depth: u32) -> Proof {
        if self.shift(p).is_some_and(|shifted| self.cancel(&shifted, CANCELLATIONS)) {
            return Proof::Always;
        }
        let has_index = p.leaves().iter().any(|leaf| matches!(leaf, Atom::Index(_)));
        let mut best = if has_index { Proof::Unknown } else { Proof::Entry(p.clone()) };
        let (mut moves, weak) = self.division_moves(p, depth);
        if has_index {
            moves.extend(self.index_moves(p, depth));
        }
        // Last, because they lose the most and would use up the goals.
        moves.extend(weak);
        for goals in moves {
            match self.eliminate_all(&goals, depth) {
                Proof::Always => return Proof::Always,
                Proof::Entry(e) if best == Proof::Unknown => best = Proof::Entry(e),
                _ => {}
            }
        }
        best
    }

    /// All of the goals: at most one condition can be left.
    fn eliminate_all(&mut self, goals: &[Extent], depth: u32) -> Proof {
        let mut result = Proof::Always;
        for goal in goals {
            match (self.eliminate(goal, depth), &result) {
                (Proof::Always, _) => {}
                (Proof::Entry(e), Proof::Always) => result = Proof::Entry(e),
                (Proof::Entry(e), Proof::Entry(other)) if e == *other => {}
                _ => return Proof::Unknown,
            }
        }
        result
    }

    /// Ways to remove a quotient or remainder. With `b > 0` and integers, `c*(a // b) + r >= 0` follows from
    /// `c*a + (r + 1)*b - 1 >= 0` for `c <= 0` and from `c*(a - b + 1) + (r + 1)*b - 1 >= 0` for `c >= 0`; for `c = 1` and
    /// `c = -1` these are equivalences. Gives the moves that lose little, and those that lose more.
    fn division_moves(&mut self, p: &Extent, depth: u32) -> (Vec<Vec<Extent>>, Vec<Vec<Extent>>) {
        let one = Extent::constant(1);
        let (mut moves, mut weak) = (Vec::new(), Vec::new());
        for atom in atoms_of(p) {
            let (Atom::Quotient(a, b) | Atom::Remainder(a, b)) = &atom else { continue };
            if !self.is_positive(b, depth) {
                continue;
            }
            let (c, r) = split_linear(p, &atom);
            let sign = self.sign(&c, depth);
            if let (Atom::Quotient(..), Some((u, t))) = (&atom, split_multiple(&r, &c)) {
                // `d*(u - q) + t` with `d >= 0`: the quotient is compared alone, without its factor.
                let bound = match sign {
                    Sign::NonPositive => u.add(&one).mul(b).sub(&one).sub(a),
                    _ => a.add(&u.mul(b)),
                };
                if sign != Sign::Unknown {
                    moves.push(vec![bound, t]);
                }
            }
            let goal = match (&atom, sign) {
                (_, Sign::Unknown) => continue,
                (Atom::Quotient(..), Sign::NonPositive) => c.mul(a).add(&r.add(&one).mul(b)).sub(&one),
                (Atom::Quotient(..), Sign::NonNegative) => c.mul(&a.sub(b).add(&one)).add(&r.add(&one).mul(b)).sub(&one),
                (_, Sign::NonPositive) => c.mul(&b.sub(&one)).add(&r),
                (_, Sign::NonNegative) => r,
            };
            let is_sharp = matches!(atom, Atom::Remainder(..)) || c.as_constant().is_some();
            if is_sharp { moves.push(vec![goal]) } else { weak.push(vec![goal]) }
        }
        (moves, weak)
    }

    /// Ways to remove an index: it is replaced by a bound at which the goal is least; where the sign of its factor is not known,
    /// by both ends of its range, between which an affine goal is not less than at the ends.
    fn index_moves(&mut self, p: &Extent, depth: u32) -> Vec<Vec<Extent>> {
        let mut moves = Vec::new();
        for index in self.innermost_first(p) {
            let atom = Atom::Index(index);
            let (c, r) = split_linear(p, &atom);
            let sign = self.sign(&c, depth);
            let at = |bound: &Extent| c.mul(bound).add(&r);
            match sign {
                Sign::Unknown if !p_mentions(&c, &atom) && !p_mentions(&r, &atom) => {
                    if let Some((lo, hi)) = self.ranges.get(&index) {
                        moves.push(vec![at(lo), at(&hi.sub(&Extent::constant(1)))]);
                    }
                }
                Sign::Unknown => {}
                _ => moves.extend(self.bounds(index, sign == Sign::NonNegative).iter().map(|b| vec![at(b)])),
            }
        }
        moves
    }

    /// Lower or upper bounds of an index: those of guards first, as they were written to be used.
    fn bounds(&self, index: Index, lower: bool) -> Vec<Extent> {
        let atom = Atom::Index(index);
        let from_fact = |fact: &Extent| {
            let (factor, rest) = split_linear(fact, &atom);
            let bound = match (factor.as_constant(), lower) {
                (Some(1), true) => rest.scale(-1),
                (Some(-1), false) => rest,
                _ => return None,
            };
            (!p_mentions(&bound, &atom)).then_some(bound)
        };
        let mut out: Vec<Extent> = self.guards.iter().rev().filter_map(from_fact).collect();
        if let Some((lo, hi)) = self.ranges.get(&index) {
            out.push(if lower { lo.clone() } else { hi.sub(&Extent::constant(1)) });
        }
        for bound in self.facts.iter().filter_map(from_fact) {
            if !out.contains(&bound) {
                out.push(bound);
            }
        }
        out
    }

    /// Indices that stand as factors in `p`: those first that no other one's range depends on.
    fn innermost_first(&self, p: &Extent) -> Vec<Index> {
        let present: Vec<Index> = atoms_of(p).into_iter().filter_map(|a| if let Atom::Index(i) = a { Some(i) } else { None }).collect();
        let is_outer = |i: &Index| {
            let atom = Atom::Index(*i);
            present.iter().filter_map(|j| self.ranges.get(j)).any(|(lo, hi)| p_mentions(lo, &atom) || p_mentions(hi, &atom))
        };
        let (outer, inner): (Vec<Index>, Vec<Index>) = present.iter().partition(|i| is_outer(i));
        inner.into_iter().chain(outer).collect()
    }

    /// Whether `p`, over excesses, is a sum of non-negative terms and of non-negative multiples of facts.
    fn cancel(&mut self, p: &Extent, depth: u32) -> bool {
        let worst = p.terms().find(|(m, c)| *c < 0 || !self.is_bounded(m)).map(|(m, c)| (m.clone(), c));
        let Some((monomial, coefficient)) = worst else { return true };
        if depth == 0 || self.goals_left == 0 || !is_tractable(p) {
            return false;
        }
        for n in 0..self.shifted.len() {
            let fact = self.shifted[n].clone();
            for (divisor, c) in fact.terms().filter(|(_, c)| (*c < 0) == (coefficient < 0)) {
                let Some(quotient) = divide(&monomial, divisor).filter(|q| self.is_bounded(q)) else { continue };
                let times = coefficient / c + i128::from(coefficient < 0 && coefficient % c != 0);
                if times <= 0 {
                    continue;
                }
                let multiple = quotient.into_iter().fold(fact.scale(times), |f, atom| f.mul(&Extent::atom(atom)));
                self.goals_left = self.goals_left.saturating_sub(1);
                if self.cancel(&p.sub(&multiple), depth - 1) {
                    return true;
                }
            }
        }
        false
    }

    /// Sizes that decide signs: dims without a known sign, and divisors that may be 0.
    fn sizes_of_unknown_sign(&self) -> Vec<Extent> {
        let mut out = BTreeSet::new();
        for p in self.ranges.values().flat_map(|(lo, hi)| [lo, hi]).chain([&self.goal]) {
            let divisors = atoms_of(p).into_iter().filter_map(|a| match a {
                Atom::Quotient(_, b) | Atom::Remainder(_, b) if b.leaves().iter().all(|leaf| matches!(leaf, Atom::Dim(_))) => {
                    Some(Arc::unwrap_or_clone(b))
                }
                _ => None,
            });
            out.extend(divisors.filter(|d| d.as_atom().is_none_or(|atom| self.least.get(atom).is_none_or(|l| *l < 1))));
            out.extend(p.leaves().into_iter().filter_map(|leaf| match leaf {
                Atom::Dim(d) if !self.least.contains_key(&Atom::Dim(d)) => Some(Extent::dim(d)),
                _ => None,
            }));
        }
        out.into_iter().filter(|size| size.as_constant().is_none()).take(ASSUMPTIONS_MAX).collect()
    }
}

/// Equalities solved for one of their dims or indices each, to be applied in order.
struct Equalities(Vec<(Atom, Extent)>);

impl Equalities {
    /// Those that cannot be solved become two inequalities.
    fn solve(zero: &[Extent], inequalities: &mut Vec<Extent>) -> Self {
        let mut solved = Self(Vec::new());
        for equality in zero {
            let equality = solved.apply(equality);
            let candidates = atoms_of(&equality).into_iter().filter(|a| matches!(a, Atom::Dim(_) | Atom::Index(_)));
            // Indices come after dims in the order of atoms, and are the better ones to remove.
            let solution = candidates.rev().find_map(|atom| {
                let (factor, rest) = split_linear(&equality, &atom);
                let value = rest.scale(-factor.as_constant().filter(|c| c.abs() == 1)?);
                (!p_mentions(&value, &atom)).then_some((atom, value))
            });
            match solution {
                Some(pair) => solved.0.push(pair),
                None => inequalities.extend([equality.scale(-1), equality]),
            }
        }
        solved
    }

    fn apply(&self, p: &Extent) -> Extent {
        let step = |p: Extent, (atom, value): &(Atom, Extent)| p.substitute(&|a| (a == atom).then(|| value.clone()));
        self.0.iter().fold(p.clone(), step)
    }
}

/// Writes `a % b` as `a - b*(a // b)` where `p` has that quotient as well.
fn join_divisions(p: &Extent) -> Extent {
    let atoms = atoms_of(p);
    let mut out = p.clone();
    for atom in &atoms {
        let Atom::Remainder(a, b) = atom else { continue };
        let quotient = Atom::Quotient(a.clone(), b.clone());
        if atoms.contains(&quotient) {
            let (c, r) = split_linear(&out, atom);
            out = c.mul(&a.sub(&b.mul(&Extent::atom(quotient)))).add(&r);
        }
    }
    out
}

/// `(u, t)` with `r == d*u + t` for the monomial `d` that `c` is, up to its sign, and `t` without a multiple of it. `None`
/// unless `c` is such a monomial and not a constant.
fn split_multiple(r: &Extent, c: &Extent) -> Option<(Extent, Extent)> {
    let mut terms = c.terms();
    let (Some((d, 1 | -1)), None) = (terms.next(), terms.next()) else { return None };
    if d.is_empty() {
        return None;
    }
    let (mut u, mut t) = (Extent::default(), Extent::default());
    for (monomial, coefficient) in r.terms() {
        match divide(monomial, d) {
            Some(quotient) => u = u.add(&product(quotient, coefficient)),
            None => t = t.add(&product(monomial.clone(), coefficient)),
        }
    }
    Some((u, t))
}

/// `(c, r)` with `p == c*atom + r`, where `r` has no term with the atom as a factor.
fn split_linear(p: &Extent, atom: &Atom) -> (Extent, Extent) {
    let (mut factor, mut rest) = (Extent::default(), Extent::default());
    for (monomial, c) in p.terms() {
        match divide(monomial, std::slice::from_ref(atom)) {
            Some(quotient) => factor = factor.add(&product(quotient, c)),
            None => rest = rest.add(&product(monomial.clone(), c)),
        }
    }
    (factor, rest)
}

fn product(monomial: Monomial, coefficient: i128) -> Extent {
    monomial.into_iter().fold(Extent::constant(coefficient), |p, atom| p.mul(&Extent::atom(atom)))
}

/// The monomial without the factors of `divisor`, if it has them all.
fn divide(monomial: &[Atom], divisor: &[Atom]) -> Option<Monomial> {
    let mut out = monomial.to_vec();
    for atom in divisor {
        let position = out.iter().position(|a| a == atom)?;
        out.remove(position);
    }
    Some(out)
}

/// The atoms that stand as factors of terms.
fn atoms_of(p: &Extent) -> BTreeSet<Atom> {
    p.terms().flat_map(|(monomial, _)| monomial.iter().cloned()).collect()
}

/// Whether a dim or index occurs anywhere in `p`.
fn p_mentions(p: &Extent, leaf: &Atom) -> bool {
    p.leaves().contains(leaf)
}

fn raise(least: &mut BTreeMap<Atom, i128>, atom: &Atom, bound: i128) {
    let slot = least.entry(atom.clone()).or_insert(bound);
    *slot = bound.max(*slot);
}

fn is_tractable(p: &Extent) -> bool {
    p.terms().count() <= TERMS_MAX && p.terms().all(|(m, c)| m.len() <= DEGREE_MAX && c.unsigned_abs() <= COEFFICIENT_MAX)
}

#[cfg(test)]
#[path = "prove_tests.rs"]
mod tests;
