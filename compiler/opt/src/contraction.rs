//! Recognises sums of products as contractions, and puts pairwise steps in their place where that saves work.

use crate::draft::{Draft, DraftStep, Value, Work};
use crate::order::{self, Chosen};
use crate::{Options, classify, gather, rewrite};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, Tensor};
use ein_ir::plan::{Contraction, IndexRange, Nest, NestReduce, Strategy};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::ReduceOp;

/// A sum over a product of tensors in a commutative ring: `out = scale * sum product(operands)`.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) out: Tensor,
    pub(crate) out_labels: Vec<u16>,
    /// Range of each label; labels are the indices of the nest. The first ones are those of the scans around and stand in no operand;
    /// every other range begins at 0.
    pub(crate) ranges: Vec<IndexRange>,
    pub(crate) n_params: usize,
    pub(crate) operands: Vec<Operand>,
    /// Factors that no summed label occurs in, over the outer indices: they multiply the finished sum.
    pub(crate) scale: Vec<Scalar>,
    pub(crate) acc: DType,
    /// Factors read at positions of data, with the operands that they become: values that are not computed yet.
    pub(crate) gathered: Vec<(usize, Scalar)>,
    pub(crate) span: Span,
}

/// A factor: an access whose subscripts are plain labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) value: Tensor,
    pub(crate) labels: Vec<u16>,
    pub(crate) conjugate: bool,
}

impl Network {
    pub(crate) fn extent(&self, label: u16) -> u64 {
        u64::try_from(self.ranges[usize::from(label)].hi).unwrap_or(0)
    }

    /// Number of combinations of values of the labels.
    pub(crate) fn volume<'a>(&self, labels: impl IntoIterator<Item = &'a u16>) -> u64 {
        labels.into_iter().fold(1, |n: u64, l| n.saturating_mul(self.extent(*l)))
    }
}

/// Replaces every nest that is a sum of products by pairwise steps, where they need less work or are matrix products.
pub(crate) fn contract(draft: &mut Draft, options: &Options) {
    for step in std::mem::take(&mut draft.steps) {
        let recognised = recognise(draft, &step).filter(|network| gather::is_worth_it(draft, network));
        let chosen = recognised.and_then(|network| Some((order::choose(draft, &network, options)?, network)));
        let chosen = chosen.filter(|(chosen, network)| gather::feeds_products(network, chosen));
        match chosen {
            Some((chosen, network)) => emit(draft, &network, chosen),
            None => draft.steps.push(step),
        }
    }
}

/// The nest of a step as a network.
fn recognise(draft: &mut Draft, step: &DraftStep) -> Option<Network> {
    let Work::Nest(nest) = &step.work else { return None };
    let reduce = nest.reduce.as_ref()?;
    let is_sum =
        reduce.op == ReduceOp::Sum && reduce.guard.is_none() && reduce.pins.is_empty() && nest.domain.is_none() && nest.epilogue.is_none();
    let in_ring = is_ring(reduce.acc) && draft.values[nest.out].dtype == reduce.acc;
    if !is_sum
        || !in_ring
        || nest.outer.iter().any(|i| nest.is_param(*i))
        || nest.indices.values().skip(nest.params as usize).any(|range| range.lo != 0)
    {
        return None;
    }
    let mut factors = Vec::new();
    let negative = flatten(&nest.body, &mut factors);
    let mut network = Network {
        out: nest.out,
        out_labels: labels(&nest.outer)?,
        ranges: nest.indices.values().cloned().collect(),
        n_params: nest.params as usize,
        operands: Vec::new(),
        scale: Vec::new(),
        acc: reduce.acc,
        gathered: Vec::new(),
        span: step.span,
    };
    for factor in factors {
        match operand(draft, nest, factor, reduce.acc) {
            Some(operand) => network.operands.push(operand),
            None if rewrite::mentions(factor, &reduce.binders) => {
                let labels = gather::labels_of(draft, nest, factor, reduce.acc)?;
                network.gathered.push((network.operands.len(), factor.clone()));
                let extents = labels.iter().map(|l| network.extent(*l)).collect();
                let value = draft.add_intermediate(network.out, extents);
                network.operands.push(Operand { value, labels, conjugate: false });
            }
            None => network.scale.push(factor.clone()),
        }
    }
    if negative {
        negate(&mut network, reduce.acc);
    }
    let covered = |label: u16| network.operands.iter().any(|o| o.labels.contains(&label));
    let all = (network.n_params..nest.indices.len()).all(|n| u16::try_from(n).is_ok_and(covered));
    (all && network.operands.len() >= 2).then_some(network)
}

/// Sums of these types may be regrouped: floats by section 12 of the language, integers because they wrap.
fn is_ring(acc: DType) -> bool {
    is_field(acc) || matches!(acc, DType::I32 | DType::I64 | DType::U32 | DType::U64)
}

/// Types that matrix products are made for.
pub(crate) fn is_field(acc: DType) -> bool {
    matches!(acc, DType::F32 | DType::F64 | DType::C64 | DType::C128)
}

/// The factors of a product, without signs; whether their number is odd.
pub(crate) fn flatten<'a>(scalar: &'a Scalar, factors: &mut Vec<&'a Scalar>) -> bool {
    match &scalar.kind {
        ScalarKind::Binary(BinaryFn::Mul, a, b) => flatten(a, factors) ^ flatten(b, factors),
        ScalarKind::Unary(UnaryFn::Neg, a) => !flatten(a, factors),
        _ => {
            factors.push(scalar);
            false
        }
    }
}

/// A sign is carried out on the finished sum.
fn negate(network: &mut Network, acc: DType) {
    let span = network.span;
    match network.scale.pop() {
        Some(factor) => network.scale.push(Scalar::unary(UnaryFn::Neg, factor, acc, span)),
        None => network.scale.push(Scalar::literal(minus_one(acc), acc, span)),
    }
}

fn minus_one(acc: DType) -> ein_ir::scalar::Literal {
    use ein_ir::scalar::Literal;
    match acc {
        _ if acc.is_complex() => Literal::Complex(-1.0, 0.0),
        _ if acc.is_float() => Literal::Float(-1.0),
        // The additive inverse of 1 in wrapping arithmetic.
        DType::U32 => Literal::Int(u32::MAX.into()),
        DType::U64 => Literal::Int(u64::MAX.into()),
        _ => Literal::Int(-1),
    }
}

fn operand(draft: &Draft, nest: &Nest, factor: &Scalar, acc: DType) -> Option<Operand> {
    let (access, conjugate) = match &factor.kind {
        ScalarKind::Access(access) => (access, false),
        ScalarKind::Unary(UnaryFn::Conj, a) => match &a.kind {
            ScalarKind::Access(access) => (access, a.dtype.is_complex()),
            _ => return None,
        },
        _ => return None,
    };
    let indices = rewrite::plain_indices(access).filter(|i| !i.is_empty())?;
    let value: &Value = &draft.values[access.tensor];
    let covers = |(index, extent): (&Index, &u64)| u64::try_from(nest.indices[*index].hi).is_ok_and(|hi| hi == *extent);
    let sliced = indices.iter().any(|i| nest.is_param(*i));
    let is_whole = value.dtype == acc && !sliced && indices.iter().zip(&value.extents).all(covers);
    is_whole.then_some(())?;
    Some(Operand { value: access.tensor, labels: labels(&indices)?, conjugate })
}

fn labels(indices: &[Index]) -> Option<Vec<u16>> {
    indices.iter().map(|i| u16::try_from(i.index()).ok()).collect()
}

/// Appends the steps of a chosen order.
fn emit(draft: &mut Draft, network: &Network, chosen: Chosen) {
    for (n, factor) in &network.gathered {
        let nest = gather::nest(network, &network.operands[*n], factor);
        draft.steps.push(DraftStep { work: Work::Nest(nest), span: network.span });
    }
    let mut operands = network.operands.clone();
    for (n, rest) in chosen.presums {
        operands[n] = emit_sum(draft, network, &operands[n], rest);
    }
    let n_pairs = chosen.pairs.len();
    for (n, pair) in chosen.pairs.into_iter().enumerate() {
        let is_last = n + 1 == n_pairs;
        let out = if is_last && network.scale.is_empty() {
            network.out
        } else {
            let extents = pair.out_labels.iter().map(|l| network.extent(*l)).collect();
            draft.add_intermediate(network.out, extents)
        };
        emit_pair(draft, network, out, [&operands[pair.lhs], &operands[pair.rhs]], &pair.out_labels);
        operands.push(Operand { value: out, labels: pair.out_labels, conjugate: false });
    }
    if let (false, Some(sum)) = (network.scale.is_empty(), operands.last()) {
        emit_scale(draft, network, sum);
    }
}

/// Sums the labels out that occur in this operand alone.
fn emit_sum(draft: &mut Draft, network: &Network, operand: &Operand, rest: Vec<u16>) -> Operand {
    let out = draft.add_intermediate(network.out, rest.iter().map(|l| network.extent(*l)).collect());
    let nest = product_nest(network, out, &[operand], &rest);
    draft.steps.push(DraftStep { work: Work::Nest(nest), span: network.span });
    Operand { value: out, labels: rest, conjugate: false }
}

fn emit_pair(draft: &mut Draft, network: &Network, out: Tensor, operands: [&Operand; 2], out_labels: &[u16]) {
    let contraction = pair(network, out, operands, out_labels);
    let work = match classify::strategy(&contraction) {
        Strategy::Nest => Work::Nest(product_nest(network, out, &operands, out_labels)),
        _ => Work::Contraction(contraction),
    };
    draft.steps.push(DraftStep { work, span: network.span });
}

/// The contraction of two operands, its labels renumbered by first use.
pub(crate) fn pair(network: &Network, out: Tensor, [lhs, rhs]: [&Operand; 2], out_labels: &[u16]) -> Contraction {
    let mut used: Vec<u16> = Vec::new();
    let mut renumber = |labels: &[u16]| -> Vec<u16> {
        let position = |label: &u16| {
            let n = used.iter().position(|l| l == label).unwrap_or_else(|| {
                used.push(*label);
                used.len() - 1
            });
            u16::try_from(n).expect("no more labels than indices of a nest, which fit")
        };
        labels.iter().map(position).collect()
    };
    let (out_labels, lhs_labels, rhs_labels) = (renumber(out_labels), renumber(&lhs.labels), renumber(&rhs.labels));
    let mut contraction = Contraction {
        out,
        lhs: lhs.value,
        rhs: rhs.value,
        extents: used.iter().map(|l| network.extent(*l)).collect(),
        out_labels,
        lhs_labels,
        rhs_labels,
        conjugate: (lhs.conjugate, rhs.conjugate),
        turns: Vec::new(),
        acc: network.acc,
        strategy: Strategy::Nest,
    };
    contraction.strategy = classify::strategy(&contraction);
    contraction
}

/// The nest `out[out_labels] = sum product(operands)`.
fn product_nest(network: &Network, out: Tensor, operands: &[&Operand], out_labels: &[u16]) -> Nest {
    let mut labels = out_labels.to_vec();
    for label in operands.iter().flat_map(|o| &o.labels) {
        if !labels.contains(label) {
            labels.push(*label);
        }
    }
    let n_params = network.n_params;
    let ranges = labels.iter().map(|l| network.ranges[usize::from(*l)].clone());
    let indices: PrimaryMap<Index, IndexRange> = network.ranges[..n_params].iter().cloned().chain(ranges).collect();
    let index_of = |label: &u16| Index::new(n_params + labels.iter().position(|l| l == label).unwrap_or(0));
    let factors = operands.iter().map(|o| read(network, o, &index_of));
    let body = factors.reduce(|a, b| Scalar::binary(BinaryFn::Mul, a, b, network.acc, network.span));
    let binders: Vec<Index> = (out_labels.len()..labels.len()).map(|n| Index::new(n_params + n)).collect();
    Nest {
        out,
        indices,
        params: n_params as u32,
        outer: (0..out_labels.len()).map(|n| Index::new(n_params + n)).collect(),
        domain: None,
        reduce: (!binders.is_empty()).then_some(NestReduce { op: ReduceOp::Sum, acc: network.acc, binders, guard: None, pins: Vec::new() }),
        body: body.expect("a product has a factor"),
        epilogue: None,
    }
}

fn read(network: &Network, operand: &Operand, index_of: &dyn Fn(&u16) -> Index) -> Scalar {
    let sub = |label| Sub { value: Scalar::index(index_of(label), network.span), mode: Mode::Exact };
    let access = Access { tensor: operand.value, prev: false, subs: operand.labels.iter().map(sub).collect(), pad: None };
    let value = Scalar::new(ScalarKind::Access(access), network.acc, network.span);
    if operand.conjugate { Scalar::unary(UnaryFn::Conj, value, network.acc, network.span) } else { value }
}

/// Multiplies the finished sum by the factors outside it.
fn emit_scale(draft: &mut Draft, network: &Network, sum: &Operand) {
    let mut nest = product_nest(network, network.out, &[sum], &network.out_labels);
    // The nest's indices are the outer ones of the equation, in another numbering.
    let index_of = |index: Index| {
        let position = network.out_labels.iter().position(|l| usize::from(*l) == index.index())?;
        Some(Scalar::index(Index::new(network.n_params + position), network.span))
    };
    for factor in &network.scale {
        let mut factor = factor.clone();
        rewrite::replace_indices(&mut factor, &index_of);
        nest.body = Scalar::binary(BinaryFn::Mul, nest.body, factor, network.acc, network.span);
    }
    draft.steps.push(DraftStep { work: Work::Nest(nest), span: network.span });
}
