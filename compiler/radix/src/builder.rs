//! Makes a circuit: equal operations are one, and what is known is not computed.

use crate::{MAX_NODES, Step};
use ein_ir::circuit::cost::digits;
use ein_ir::circuit::{BitOp, Circuit, Comparison, Node, Op, Term, range, width};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, PrimaryMap, SecondaryMap, Wire};
use ein_ir::interp::circuit::evaluate;
use ein_ir::interval::Interval;
use ein_ir::scalar::value::wrap;
use ein_ir::span::Span;
use std::collections::{BTreeMap, HashMap};

/// Terms up to which a sum in a sum, or truth values among others, are not gathered by themselves.
const MAX_INLINED: usize = 8;

/// Why an operation is not in a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// 127 bits do not hold its result.
    Wide,
    /// There are too many.
    Many,
}

#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) circuit: Circuit,
    known: HashMap<(Op, Option<DType>), Wire>,
    /// What steps are of, and the number of operations that were there when each began.
    steps: Vec<(Step, usize)>,
}

impl Builder {
    /// Operations from here on are of this step.
    pub(crate) fn begin(&mut self, name: &str, span: Span) {
        let step = Step { name: name.to_owned(), span, wires: Vec::new() };
        self.steps.push((step, self.circuit.nodes.len()));
    }

    pub(crate) fn range(&self, wire: Wire) -> Interval {
        self.circuit.nodes[wire].range
    }

    pub(crate) fn is_secret(&self, wire: Wire) -> bool {
        self.circuit.nodes[wire].secret
    }

    /// The number that a value is, if it is known.
    pub(crate) fn number(&self, wire: Wire) -> Option<i128> {
        match self.circuit.nodes[wire].op {
            Op::Constant(n) => Some(n),
            _ => None,
        }
    }

    fn is_truth(&self, wire: Wire) -> bool {
        let (lo, hi) = self.range(wire);
        lo >= 0 && hi <= 1
    }

    pub(crate) fn constant(&mut self, n: i128) -> Result<Wire, Stop> {
        self.push(Op::Constant(n), None)
    }

    /// An operation as it is, unless its result is known or it is there already.
    pub(crate) fn push(&mut self, op: Op, at: Option<DType>) -> Result<Wire, Stop> {
        let (exact, secret) = self.facts(&op)?;
        let found = range::wrapped(exact, at);
        let at = at.filter(|_| found != exact);
        let is_known = !op.args().is_empty() && op.args().iter().all(|arg| self.number(*arg).is_some());
        let op = if is_known {
            let n = evaluate(&op, &|arg| self.number(arg).unwrap_or(0), &|_, _| 0, &self.circuit);
            return self.constant(at.map_or(n, |dtype| wrap(n, dtype)));
        } else if found.0 == found.1 && at.is_none() && !matches!(op, Op::Input(..)) {
            Op::Constant(found.0)
        } else {
            op
        };
        let secret = secret && !matches!(op, Op::Constant(_));
        if let Some(wire) = self.known.get(&(op.clone(), at)) {
            return Ok(*wire);
        }
        if self.circuit.nodes.len() >= MAX_NODES {
            return Err(Stop::Many);
        }
        let wire = self.circuit.nodes.push(Node { op: op.clone(), wrap: at, range: found, secret });
        self.known.insert((op, at), wire);
        Ok(wire)
    }

    /// The range of an exact result, and whether it is secret.
    fn facts(&self, op: &Op) -> Result<(Interval, bool), Stop> {
        let (operand, given) = match op {
            Op::Input(id, _) => (self.circuit.inputs[*id].range, self.circuit.inputs[*id].secret),
            _ => ((0, 0), false),
        };
        let exact = range::exact(op, &|arg| self.range(arg), operand).ok_or(Stop::Wide)?;
        Ok((exact, given || op.args().iter().any(|arg| self.is_secret(*arg))))
    }

    /// A sum of multiples, which wraps at a type.
    pub(crate) fn sum(&mut self, terms: &[Term], constant: i128, at: Option<DType>) -> Result<Wire, Stop> {
        let (mut terms, mut constant) = self.flattened(terms, constant, None)?;
        if let Some(dtype) = at {
            let exact = self.facts(&Op::Sum(listed(&terms), constant))?.0;
            if range::wrapped(exact, at) != exact {
                // What wraps at the same type before need not.
                (terms, constant) = self.flattened(&listed(&terms), constant, Some(dtype))?;
            }
        }
        let alone = terms.len() == 1 && constant == 0;
        if let (true, Some((&wire, 1))) = (alone, terms.first_key_value()) {
            let found = self.range(wire);
            if range::wrapped(found, at) == found {
                return Ok(wire);
            }
        }
        if terms.is_empty() {
            return self.constant(at.map_or(constant, |dtype| wrap(constant, dtype)));
        }
        self.push(Op::Sum(listed(&terms), constant), at)
    }

    /// Small sums among the terms are taken apart, and multiples of one value are one.
    fn flattened(&self, terms: &[Term], constant: i128, at: Option<DType>) -> Result<(BTreeMap<Wire, i128>, i128), Stop> {
        let (mut found, mut total): (BTreeMap<Wire, i128>, i128) = (BTreeMap::new(), constant);
        for &Term { coefficient, wire } in terms {
            let node = &self.circuit.nodes[wire];
            let parts = match &node.op {
                Op::Constant(n) => (&[][..], *n),
                Op::Sum(terms, n) if node.wrap.is_none_or(|w| Some(w) == at) && is_cheaper_apart(terms, coefficient) => (&terms[..], *n),
                _ => {
                    add(found.entry(wire).or_default(), coefficient)?;
                    continue;
                }
            };
            add(&mut total, coefficient.checked_mul(parts.1).ok_or(Stop::Wide)?)?;
            for part in parts.0 {
                add(found.entry(part.wire).or_default(), coefficient.checked_mul(part.coefficient).ok_or(Stop::Wide)?)?;
            }
        }
        found.retain(|_, coefficient| *coefficient != 0);
        Ok((found, total))
    }

    pub(crate) fn add(&mut self, a: Wire, b: Wire, at: Option<DType>) -> Result<Wire, Stop> {
        self.sum(&[Term { coefficient: 1, wire: a }, Term { coefficient: 1, wire: b }], 0, at)
    }

    pub(crate) fn multiple(&mut self, coefficient: i128, wire: Wire, constant: i128, at: Option<DType>) -> Result<Wire, Stop> {
        self.sum(&[Term { coefficient, wire }], constant, at)
    }

    pub(crate) fn mul(&mut self, a: Wire, b: Wire, at: Option<DType>) -> Result<Wire, Stop> {
        let (a, b) = (a.min(b), a.max(b));
        match (self.number(a), self.number(b)) {
            (Some(n), _) => return self.multiple(n, b, 0, at),
            (_, Some(n)) => return self.multiple(n, a, 0, at),
            (None, None) => {}
        }
        let zero = self.constant(0)?;
        if a == b && self.is_truth(a) {
            return Ok(a);
        }
        // A product with a truth value is a choice.
        if self.is_truth(a) {
            let chosen = self.select(a, b, zero)?;
            return self.multiple(1, chosen, 0, at);
        }
        if self.is_truth(b) {
            let chosen = self.select(b, a, zero)?;
            return self.multiple(1, chosen, 0, at);
        }
        self.push(Op::Mul(a, b), at)
    }

    pub(crate) fn shr(&mut self, a: Wire, by: u32) -> Result<Wire, Stop> {
        if by == 0 { Ok(a) } else { self.push(Op::Shr(a, by.min(i128::BITS - 1)), None) }
    }

    pub(crate) fn compare(&mut self, how: Comparison, a: Wire, b: Wire) -> Result<Wire, Stop> {
        if a == b {
            return self.constant(how.holds(0, 0).into());
        }
        let symmetric = matches!(how, Comparison::Eq | Comparison::Ne);
        let (a, b) = if symmetric { (a.min(b), a.max(b)) } else { (a, b) };
        // A truth value against a number is it, or the other one.
        for (wire, other) in [(a, b), (b, a)] {
            if let (true, true, Some(n @ 0..=1)) = (symmetric, self.is_truth(wire), self.number(other)) {
                return if (n == 1) == (how == Comparison::Eq) { Ok(wire) } else { self.not(wire) };
            }
        }
        self.push(Op::Compare(how, a, b), None)
    }

    pub(crate) fn select(&mut self, condition: Wire, a: Wire, b: Wire) -> Result<Wire, Stop> {
        match (self.number(condition), self.number(a), self.number(b)) {
            (Some(0), ..) => return Ok(b),
            (Some(_), ..) => return Ok(a),
            _ if a == b => return Ok(a),
            (_, Some(1), Some(0)) => return Ok(condition),
            (_, Some(0), Some(1)) => return self.not(condition),
            _ => {}
        }
        if let Op::Not(other) = self.circuit.nodes[condition].op {
            return self.select(other, b, a);
        }
        self.push(Op::Select(condition, a, b), None)
    }

    pub(crate) fn min(&mut self, a: Wire, b: Wire) -> Result<Wire, Stop> {
        let (x, y) = (self.range(a), self.range(b));
        if a == b || x.1 <= y.0 {
            return Ok(a);
        }
        if y.1 <= x.0 { Ok(b) } else { self.push(Op::Min(a.min(b), a.max(b)), None) }
    }

    pub(crate) fn max(&mut self, a: Wire, b: Wire) -> Result<Wire, Stop> {
        let (x, y) = (self.range(a), self.range(b));
        if a == b || y.1 <= x.0 {
            return Ok(a);
        }
        if x.1 <= y.0 { Ok(b) } else { self.push(Op::Max(a.min(b), a.max(b)), None) }
    }

    pub(crate) fn any(&mut self, wires: Vec<Wire>) -> Result<Wire, Stop> {
        self.gathered(wires, 0)
    }

    pub(crate) fn all(&mut self, wires: Vec<Wire>) -> Result<Wire, Stop> {
        self.gathered(wires, 1)
    }

    /// Of truth values, one of which decides if it is not `neutral`.
    fn gathered(&mut self, wires: Vec<Wire>, neutral: i128) -> Result<Wire, Stop> {
        let mut found = Vec::new();
        for wire in wires {
            match (self.number(wire), &self.circuit.nodes[wire].op) {
                (Some(n), _) if n == neutral => {}
                (Some(n), _) => return self.constant(n),
                (None, Op::Any(parts)) if neutral == 0 && parts.len() <= MAX_INLINED => found.extend(parts),
                (None, Op::All(parts)) if neutral == 1 && parts.len() <= MAX_INLINED => found.extend(parts),
                (None, _) => found.push(wire),
            }
        }
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => self.constant(neutral),
            [wire] => Ok(wire),
            _ => self.push(if neutral == 0 { Op::Any(found) } else { Op::All(found) }, None),
        }
    }

    pub(crate) fn not(&mut self, a: Wire) -> Result<Wire, Stop> {
        match self.circuit.nodes[a].op {
            Op::Not(other) => Ok(other),
            _ => self.push(Op::Not(a), None),
        }
    }

    pub(crate) fn bits(&mut self, op: BitOp, a: Wire, b: Wire) -> Result<Wire, Stop> {
        let (a, b) = (a.min(b), a.max(b));
        if a == b {
            return if op == BitOp::Xor { self.constant(0) } else { Ok(a) };
        }
        for (wire, other) in [(a, b), (b, a)] {
            let whole = |n: i128, range: Interval| range.0 >= 0 && n >= 0 && n & (n + 1) == 0 && range.1 <= n;
            match (op, self.number(wire)) {
                (BitOp::Or | BitOp::Xor, Some(0)) | (BitOp::And, Some(-1)) => return Ok(other),
                (BitOp::And, Some(0)) => return Ok(wire),
                // All bits that the other one can have.
                (BitOp::And, Some(n)) if whole(n, self.range(other)) => return Ok(other),
                _ => {}
            }
        }
        self.push(Op::Bits(op, a, b), None)
    }

    /// The entry at a position, counted from the least that the index can be.
    pub(crate) fn lut(&mut self, index: Wire, entries: Vec<Wire>) -> Result<Wire, Stop> {
        let (lo, _) = self.range(index);
        if let Some(n) = self.number(index) {
            let at = usize::try_from(n - lo).ok().and_then(|at| entries.get(at).copied());
            return at.map_or_else(|| self.constant(0), Ok);
        }
        match entries.first() {
            Some(first) if entries.iter().all(|entry| entry == first) => Ok(*first),
            _ => self.push(Op::Lut(index, entries), None),
        }
    }

    /// What the results need, and of which steps it is: one that has several turns is one step.
    pub(crate) fn finish(self) -> (Circuit, Vec<Step>) {
        let mut begun = self.steps.into_iter().peekable();
        let mut steps: Vec<Step> = Vec::new();
        let mut current = None;
        let Circuit { name, inputs, nodes, mut outputs } = self.circuit;
        let mut needed: SecondaryMap<Wire, bool> = SecondaryMap::new();
        outputs.iter().flat_map(|output| &output.wires).for_each(|wire| needed[*wire] = true);
        for (wire, node) in nodes.iter().rev() {
            if needed[wire] {
                node.op.args().into_iter().for_each(|arg| needed[arg] = true);
            }
        }
        let mut kept: PrimaryMap<Wire, Node> = PrimaryMap::new();
        let mut renamed: SecondaryMap<Wire, Wire> = SecondaryMap::with_default(Wire::new(0));
        for (wire, node) in nodes.iter().filter(|(wire, _)| needed[*wire]) {
            renamed[wire] = kept.push(Node { op: node.op.renamed(|arg| renamed[arg]), ..node.clone() });
            while let Some((step, _)) = begun.next_if(|(_, first)| *first <= wire.index()) {
                let place = steps.iter().position(|other| (&other.name, other.span) == (&step.name, step.span));
                current = Some(place.unwrap_or_else(|| {
                    steps.push(step);
                    steps.len() - 1
                }));
            }
            if let Some(step) = current.filter(|_| node.secret && !matches!(node.op, Op::Input(..))) {
                steps[step].wires.push(renamed[wire]);
            }
        }
        outputs.iter_mut().flat_map(|output| &mut output.wires).for_each(|wire| *wire = renamed[*wire]);
        (Circuit { name, inputs, nodes: kept, outputs }, steps)
    }

    /// Bits of a value.
    pub(crate) fn n_bits(&self, wire: Wire) -> u32 {
        width::bits(self.range(wire))
    }
}

fn listed(terms: &BTreeMap<Wire, i128>) -> Vec<Term> {
    terms.iter().map(|(wire, coefficient)| Term { coefficient: *coefficient, wire: *wire }).collect()
}

fn add(total: &mut i128, n: i128) -> Result<(), Stop> {
    *total = total.checked_add(n).ok_or(Stop::Wide)?;
    Ok(())
}

/// A multiple of a sum takes a shifted copy a digit; that of its terms, one a digit and term.
fn is_cheaper_apart(terms: &[Term], coefficient: i128) -> bool {
    terms.len() <= 1 || (terms.len() <= MAX_INLINED && digits(coefficient).len() <= 1)
}
