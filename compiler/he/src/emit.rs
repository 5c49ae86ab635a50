//! From the plan that was found to packed operations.

use crate::builder::Builder;
use crate::contraction::{Axis, Contraction, Operand, Subscript};
use crate::convert::{Conversion, Route, Source};
use crate::linear::{LinearMap, Split};
use crate::mapped::Mapped;
use crate::packing::{LabelBit, Packing};
use crate::product::folds;
use crate::rolled::{Rolled, Side};
use crate::search::{Contract, Node, Plan, Product, Way};
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, Input, Plain, Public};
use ein_ir::packed::layout::{AddressBit, axis_bits};
use ein_ir::packed::{InputDecl, Layout, Op, OutputDecl, Packed, Piece, PublicDecl, PublicSource, Roll};
use std::collections::{BTreeMap, HashMap};

/// Writes a plan as a packed program.
pub(crate) fn emit(contraction: &Contraction, plan: &Plan, contract: Contract, dtype: DType, log_slots: usize) -> Packed {
    let mut emitter = Emitter::new(contraction, contract, dtype, log_slots);
    let value = emitter.way(&plan.way, None);
    let value = emitter.finish(value, plan);
    emitter.output(&value);
    emitter.builder.packed
}

/// The program of a contraction over no positions: its result is zero, or has no elements.
pub(crate) fn emit_zero(contraction: &Contraction, packing: &Packing, contract: Contract, dtype: DType, log_slots: usize) -> Packed {
    let mut emitter = Emitter::new(contraction, contract, dtype, log_slots);
    let chunks = vec![None; usize::try_from(crate::convert::n_chunks(packing, log_slots)).unwrap_or(0)];
    emitter.output(&Value { packing: packing.clone(), chunks });
    emitter.builder.packed
}

struct Emitter<'a> {
    contraction: &'a Contraction,
    contract: Contract,
    dtype: DType,
    log_slots: usize,
    builder: Builder,
    inputs: HashMap<usize, Input>,
    publics: HashMap<usize, Public>,
}

/// A value: its ciphertexts by the label bits that number them; none for one that is zero.
struct Value {
    packing: Packing,
    chunks: Vec<Option<Ciphertext>>,
}

impl Value {
    /// The ciphertext that holds an address.
    fn at(&self, address: u64, log_slots: usize) -> Option<Ciphertext> {
        let positions = self.packing.chunk_positions(log_slots);
        let index = positions.iter().enumerate().fold(0, |index, (n, position)| index | (address >> position & 1) << n);
        self.chunks[usize::try_from(index).unwrap_or(usize::MAX)]
    }
}

/// The addresses of the ciphertexts of a packing, at slot 0.
fn chunk_addresses(packing: &Packing, log_slots: usize) -> impl Iterator<Item = u64> + use<> {
    let positions = packing.chunk_positions(log_slots);
    (0..1_u64 << positions.len())
        .map(move |index| positions.iter().enumerate().fold(0, |address, (n, position)| address | (index >> n & 1) << position))
}

impl<'a> Emitter<'a> {
    fn new(contraction: &'a Contraction, contract: Contract, dtype: DType, log_slots: usize) -> Self {
        let builder = Builder::new(1 << log_slots);
        let mut emitter = Emitter { contraction, contract, dtype, log_slots, builder, inputs: HashMap::new(), publics: HashMap::new() };
        emitter.declare();
        emitter
    }

    fn declare(&mut self) {
        for (n, operand) in self.contraction.operands.iter().enumerate() {
            if !operand.secret {
                let decl =
                    PublicDecl { name: operand.name.clone(), dtype: self.dtype, shape: operand.shape(), source: PublicSource::Given };
                self.publics.insert(n, self.builder.packed.publics.push(decl));
            }
        }
        for (n, operand) in self.contraction.operands.iter().enumerate() {
            if operand.secret {
                let layout = Layout::row_major(&operand.shape(), u32::try_from(self.log_slots).unwrap_or(u32::MAX));
                let decl = InputDecl { name: operand.name.clone(), dtype: self.dtype, layout };
                self.inputs.insert(n, self.builder.packed.inputs.push(decl));
            }
        }
    }

    /// What a way holds; an input that is put anywhere is put where `conversion` needs it.
    fn way(&mut self, way: &Way, conversion: Option<&Conversion>) -> Value {
        match &way.node {
            Node::Operand(operand) => self.operand(*operand, &way.source, conversion),
            Node::Product(product) => {
                let value = self.product(product);
                debug_assert_eq!(Source::Packed(value.packing.clone()), way.source);
                value
            }
            Node::Mapped(mapped) => self.mapped(mapped),
            Node::Rolled(rolled) => self.rolled(rolled),
        }
    }

    fn rolled(&mut self, rolled: &Rolled) -> Value {
        let [a, b] = [0, 1].map(|n| self.rolled_side(&rolled.sides[n], rolled.turns));
        let packing = rolled.outcome.packing.clone();
        let (Some(a), Some(b)) = (a, b) else { return Value { packing, chunks: vec![None] } };
        let [i, j] = rolled.fields;
        let turns = 1_i64 << rolled.turns;
        let (mut sums, mut carried) = (Vec::new(), Vec::new());
        for t in 0..turns {
            let turned = [t, (t + 1) % turns].map(|t| self.builder.rotate(a, t << j));
            // Rows whose turn runs into the next column.
            let runs_over = |slot: &u32| i64::from(slot >> i & ((1 << rolled.rows) - 1)) + t >= 1 << rolled.rows;
            let (over, within): (Vec<u32>, Vec<u32>) = (0..1 << self.log_slots).partition(runs_over);
            let rows = self.builder.rotate(b, t << i);
            if over.is_empty() {
                sums.push(self.builder.op(Op::Mul(turned[0], rows)));
                continue;
            }
            let parts = [self.builder.mask(turned[0], &within), self.builder.mask(turned[1], &over)];
            let columns = self.builder.op(Op::Add(parts[0], parts[1]));
            let product = self.builder.op(Op::Mul(columns, rows));
            sums.push(self.builder.mask(product, &within));
            carried.push(self.builder.mask(product, &over));
        }
        let sum = self.builder.sum(sums).map(|sum| self.builder.op(Op::Relin(sum)));
        let carried = self.builder.sum(carried).map(|sum| self.builder.op(Op::Relin(sum)));
        let carried = carried.map(|sum| self.builder.rotate(sum, -(1 << j)));
        let total = self.builder.sum(sum.into_iter().chain(carried));
        let folds = folds(&rolled.joint, rolled.kept, self.log_slots);
        Value { packing, chunks: vec![total.map(|total| self.rotate_and_sum(total, &folds))] }
    }

    fn rolled_side(&mut self, side: &Side, turns: u8) -> Option<Ciphertext> {
        let value = self.way(&side.way, Some(&side.conversion));
        if let Node::Operand(operand) = side.way.node {
            let axes = &self.contraction.operands[operand].axes;
            let axis =
                |label: u8| axes.iter().position(|axis| axis.subscript == Subscript::Label(label)).and_then(|n| u8::try_from(n).ok());
            let piece = |label: u8| axis(label).map(|axis| Piece { axis, lo: 0, len: turns });
            let roll = piece(side.roll.0).zip(piece(side.roll.1)).map(|(piece, by)| Roll { piece, by });
            self.builder.packed.inputs[self.inputs[&operand]].layout.rolls.extend(roll);
        }
        self.convert(value, &side.conversion).chunks[0]
    }

    fn mapped(&mut self, mapped: &Mapped) -> Value {
        let value = self.way(&mapped.way, Some(&mapped.conversion));
        let value = self.convert(value, &mapped.conversion);
        let factor = self.public(mapped.public);
        let value = self.map(&value, (&mapped.map, &mapped.split), Some(&factor), &mapped.partial);
        let packing = mapped.outcome.packing.clone();
        let mut sums: BTreeMap<u64, Vec<Ciphertext>> = BTreeMap::new();
        for (address, chunk) in chunk_addresses(&mapped.partial, self.log_slots).zip(value.chunks) {
            sums.entry(chunk_key(&packing, address, self.log_slots)).or_default().extend(chunk);
        }
        let folds = folds(&mapped.partial, mapped.kept, self.log_slots);
        let mut chunks = Vec::new();
        for index in 0..crate::convert::n_chunks(&packing, self.log_slots) {
            let sum = sums.remove(&index).and_then(|terms| self.builder.sum(terms));
            chunks.push(sum.map(|sum| self.rotate_and_sum(sum, &folds)));
        }
        Value { packing, chunks }
    }

    fn operand(&mut self, operand: usize, source: &Source, conversion: Option<&Conversion>) -> Value {
        let input = self.inputs[&operand];
        let packing = match (source, conversion) {
            (Source::Packed(packing), _) => packing.clone(),
            (Source::Anywhere, Some(conversion)) => {
                let mut packing = conversion.packing.clone();
                conversion.spread.iter().for_each(|&p| packing.set(p, AddressBit::Zero));
                self.builder.packed.inputs[input].layout = self.input_layout(operand, &packing);
                packing
            }
            // Ciphertexts of the whole tensor in order; the map knows addresses only.
            (Source::Strided(..) | Source::Anywhere, _) => Packing { bits: Vec::new() },
        };
        let layout = &self.builder.packed.inputs[input].layout;
        let n_chunks = layout.n_chunks();
        let filled: Vec<bool> = (0..n_chunks).map(|chunk| layout.holds_element(chunk)).collect();
        let strided = matches!(source, Source::Strided(..));
        let wanted = if strided { u64::from(n_chunks) } else { crate::convert::n_chunks(&packing, self.log_slots) };
        let chunks = (0..).zip(filled).take(usize::try_from(wanted).unwrap_or(usize::MAX));
        let chunks = chunks.map(|(chunk, filled)| filled.then(|| self.builder.op(Op::Input { input, chunk }))).collect();
        Value { packing, chunks }
    }

    /// The layout of an input whose labels are in this packing. Of a label that stands for several axes the first is there; the
    /// others are rolled, so that the diagonal is where they are 0.
    fn input_layout(&self, operand: usize, packing: &Packing) -> Layout {
        let axes = &self.contraction.operands[operand].axes;
        let mut layout = Layout { shape: self.contraction.operands[operand].shape(), ..Layout::default() };
        let mut first: BTreeMap<u8, u8> = BTreeMap::new();
        let mut extra = Vec::new();
        for (axis, n) in axes.iter().zip(0_u8..) {
            match axis.subscript {
                Subscript::Label(label) if !first.contains_key(&label) => {
                    first.insert(label, n);
                }
                Subscript::Label(label) => {
                    let len = axis_bits(axis.size);
                    extra.extend((0..len).map(|bit| AddressBit::Axis { axis: n, bit }));
                    if len > 0 {
                        let piece = |axis| Piece { axis, lo: 0, len };
                        layout.rolls.push(Roll { piece: piece(n), by: piece(first[&label]) });
                    }
                }
                Subscript::Fixed(_) => extra.extend((0..axis_bits(axis.size)).map(|bit| AddressBit::Axis { axis: n, bit })),
            }
        }
        let by_axis = |bit: AddressBit| match LabelBit::of(bit) {
            Some(LabelBit { label, bit }) => AddressBit::Axis { axis: first[&label], bit },
            None => AddressBit::Zero,
        };
        layout.slots = packing.bits.iter().take(self.log_slots).map(|&bit| by_axis(bit)).collect();
        let chunk = |&position: &usize| by_axis(packing.bits[position]);
        layout.chunks = packing.chunk_positions(self.log_slots).iter().map(chunk).collect();
        layout.chunks.extend(extra);
        layout
    }

    fn product(&mut self, product: &Product) -> Value {
        let mut factors: Vec<(Value, u32)> = Vec::new();
        for (way, conversion) in &product.factors {
            let value = self.way(way, Some(conversion));
            factors.push((self.convert(value, conversion), way.depth + conversion.depth));
        }
        let public = (product.public != 0).then(|| self.public(product.public));
        let mut sums: BTreeMap<u64, Vec<Ciphertext>> = BTreeMap::new();
        let packing = product.outcome.packing.clone();
        for address in chunk_addresses(&product.joint, self.log_slots) {
            let all: Option<Vec<(Ciphertext, u32)>> =
                factors.iter().map(|(value, depth)| Some((value.at(address, self.log_slots)?, *depth))).collect();
            let Some(all) = all else { continue };
            if let Some(term) = self.multiply(product, all, public.as_ref(), address) {
                let kept = chunk_key(&packing, address, self.log_slots);
                sums.entry(kept).or_default().push(term);
            }
        }
        let mut chunks = Vec::new();
        for index in 0..crate::convert::n_chunks(&packing, self.log_slots) {
            let sum = sums.remove(&index).and_then(|terms| self.builder.sum(terms));
            chunks.push(sum.map(|sum| self.fold(sum, product)));
        }
        Value { packing, chunks }
    }

    /// The product of the factors at one ciphertext of the joint space; the last product is relinearised with its sum.
    fn multiply(
        &mut self,
        product: &Product,
        mut factors: Vec<(Ciphertext, u32)>,
        public: Option<&Factor>,
        address: u64,
    ) -> Option<Ciphertext> {
        let mut plain = match public {
            Some(factor) => Some(self.plain(product, factor, address)?),
            None => None,
        };
        loop {
            factors.sort_by(|a, b| b.1.cmp(&a.1));
            // A public factor is as shallow as can be: it goes first.
            if let Some(plain) = plain.take() {
                let (x, depth) = factors.pop().expect("a product has a secret factor");
                factors.push((self.builder.op(Op::MulPlain(x, plain)), depth + 1));
                continue;
            }
            let (x, depth) = factors.pop().expect("a product has a secret factor");
            let Some((y, other)) = factors.pop() else { return Some(x) };
            let term = self.builder.op(Op::Mul(x, y));
            let term = if factors.is_empty() { term } else { self.builder.op(Op::Relin(term)) };
            factors.push((term, depth.max(other) + 1));
        }
    }

    fn fold(&mut self, sum: Ciphertext, product: &Product) -> Ciphertext {
        let sum = if product.factors.len() > 1 { self.builder.op(Op::Relin(sum)) } else { sum };
        self.rotate_and_sum(sum, &folds(&product.joint, product.kept, self.log_slots))
    }

    fn rotate_and_sum(&mut self, mut sum: Ciphertext, positions: &[usize]) -> Ciphertext {
        for position in positions {
            let turned = self.builder.rotate(sum, 1 << position);
            sum = self.builder.op(Op::Add(sum, turned));
        }
        sum
    }

    fn convert(&mut self, value: Value, conversion: &Conversion) -> Value {
        let mut value = self.route(value, &conversion.route, &conversion.packing);
        for &position in &conversion.spread {
            for chunk in value.chunks.iter_mut().flatten() {
                let turned = self.builder.rotate(*chunk, -(1 << position));
                *chunk = self.builder.op(Op::Add(*chunk, turned));
            }
        }
        value.packing = conversion.packing.clone();
        value
    }

    fn route(&mut self, value: Value, route: &Route, packing: &Packing) -> Value {
        match route {
            Route::Direct => value,
            Route::Mask => self.masked(value),
            Route::Map(map, split) => self.map(&value, (map, split), None, packing),
        }
    }

    /// Zero where a packing is not known, or where a bit that is no label's is not 0.
    fn masked(&mut self, mut value: Value) -> Value {
        let free = |bit: &AddressBit| *bit == AddressBit::Junk;
        let junk = (0..self.log_slots).filter(|&p| value.packing.bits.get(p).is_some_and(free)).fold(0, |all, p| all | 1_u32 << p);
        let slots: Vec<u32> = (0..1_u32 << self.log_slots).filter(|slot| slot & junk == 0).collect();
        for chunk in value.chunks.iter_mut().flatten() {
            *chunk = self.builder.mask(*chunk, &slots);
        }
        value
    }

    /// A linear map; with a public factor each element is multiplied by one of its elements.
    fn map(&mut self, value: &Value, (map, split): (&LinearMap, &Split), factor: Option<&Factor>, packing: &Packing) -> Value {
        let n = 1_u64 << self.log_slots;
        // Of each target ciphertext and giant step, of each source ciphertext and baby step: the slots that are kept.
        let mut terms: BTreeMap<(u64, i64), BTreeMap<(Ciphertext, i64), Vec<(u32, u64)>>> = BTreeMap::new();
        map.each(|values, source, target| {
            let Some(from) = self.source(value, source) else { return };
            let Some(flat) = factor.map_or(Some(0), |factor| self.flat_at(factor, &map.positions(values))) else { return };
            let (baby, giant) = split.steps(values);
            let slot = (target % n).cast_signed() + giant;
            let slot = u32::try_from(slot.rem_euclid(n.cast_signed())).expect("below the number of slots");
            let to = chunk_key(packing, target, self.log_slots);
            terms.entry((to, giant)).or_default().entry((from, baby)).or_default().push((slot, flat));
        });
        let mut chunks = vec![None; usize::try_from(crate::convert::n_chunks(packing, self.log_slots)).unwrap_or(0)];
        for ((to, giant), babies) in terms {
            let mut inner = Vec::new();
            for ((from, baby), elements) in babies {
                let turned = self.builder.rotate(from, baby);
                inner.push(self.keep(turned, factor, elements));
            }
            let Some(sum) = self.builder.sum(inner) else { continue };
            let turned = self.builder.rotate(sum, giant);
            let chunk = &mut chunks[usize::try_from(to).unwrap_or(0)];
            *chunk = self.builder.sum(chunk.take().into_iter().chain([turned]));
        }
        Value { packing: packing.clone(), chunks }
    }

    /// Slots of a ciphertext, each times its element of a public factor; the others become zero.
    fn keep(&mut self, x: Ciphertext, factor: Option<&Factor>, elements: Vec<(u32, u64)>) -> Ciphertext {
        if let Some(factor) = factor {
            let plain = self.builder.elements(factor.public, elements);
            return self.builder.op(Op::MulPlain(x, plain));
        }
        let mut slots: Vec<u32> = elements.into_iter().map(|(slot, _)| slot).collect();
        slots.sort_unstable();
        slots.dedup();
        self.builder.mask(x, &slots)
    }

    fn source(&self, value: &Value, address: u64) -> Option<Ciphertext> {
        if value.packing.bits.is_empty() {
            return value.chunks[usize::try_from(address >> self.log_slots).unwrap_or(usize::MAX)];
        }
        value.at(address, self.log_slots)
    }

    /// The public factor of a product, contracted in the clear.
    fn public(&mut self, public: u32) -> Factor {
        let contraction = self.contraction;
        let members: Vec<usize> = (0..contraction.operands.len()).filter(|n| public >> n & 1 == 1).collect();
        let kept = contraction.kept_of(public);
        if let [one] = members[..]
            && contraction.labels_of(public) == kept
        {
            return Factor::given(self.publics[&one], &contraction.operands[one]);
        }
        let labels: Vec<u8> = (0..64).filter(|label| kept >> label & 1 == 1).collect();
        let shape: Vec<u64> = labels.iter().map(|&label| contraction.labels[usize::from(label)].size).collect();
        let terms: Vec<String> = members.iter().map(|&n| letters(&contraction.operands[n])).collect();
        let result: String = labels.iter().map(|&label| letter(label)).collect();
        let equation = format!("{}->{result}", terms.join(","));
        let source = PublicSource::Einsum { equation, args: members.iter().map(|n| self.publics[n]).collect() };
        let names: Vec<&str> = members.iter().map(|&n| contraction.operands[n].name.as_str()).collect();
        let name = format!("{}->{result}", names.join("."));
        let tensor = self.builder.packed.publics.push(PublicDecl { name, dtype: self.dtype, shape: shape.clone(), source });
        let axes = labels.iter().zip(shape).map(|(&label, size)| Axis { size, subscript: Subscript::Label(label) }).collect();
        Factor::given(tensor, &Operand { name: String::new(), axes, secret: false })
    }

    /// The public factor at one ciphertext of the joint space; none where it is zero.
    fn plain(&mut self, product: &Product, factor: &Factor, address: u64) -> Option<Plain> {
        let mut elements = Vec::new();
        let free = (0..self.log_slots).filter(|&p| product.outcome.packing.at(p) == AddressBit::Zero);
        let free = free.filter(|&p| LabelBit::of(product.joint.at(p)).is_none()).fold(0, |all, p| all | 1_u64 << p);
        let places = product.joint.positions();
        for slot in 0..1_u64 << self.log_slots {
            if slot & free == 0
                && let Some(flat) = self.flat(factor, &places, address | slot)
            {
                elements.push((u32::try_from(slot).expect("below the number of slots"), flat));
            }
        }
        (!elements.is_empty()).then(|| self.builder.elements(factor.public, elements))
    }

    /// The row-major position of the element of a public factor for an address; none beyond the sizes of the labels.
    fn flat(&self, factor: &Factor, places: &BTreeMap<LabelBit, usize>, address: u64) -> Option<u64> {
        let mut values: BTreeMap<u8, u64> = BTreeMap::new();
        for (bit, place) in places {
            *values.entry(bit.label).or_default() |= (address >> place & 1) << bit.bit;
        }
        self.flat_at(factor, &values)
    }

    fn flat_at(&self, factor: &Factor, values: &BTreeMap<u8, u64>) -> Option<u64> {
        if values.iter().any(|(&label, &value)| value >= self.contraction.labels[usize::from(label)].size) {
            return None;
        }
        let terms = factor.strides.iter().map(|(label, stride)| values.get(label).map_or(0, |value| value * stride));
        Some(factor.offset + terms.sum::<u64>())
    }

    fn finish(&mut self, value: Value, plan: &Plan) -> Value {
        let finished = match &plan.finish {
            Route::Mask => {
                let mut value = value;
                value
                    .packing
                    .bits
                    .iter_mut()
                    .take(self.log_slots)
                    .filter(|bit| **bit == AddressBit::Rep)
                    .for_each(|bit| *bit = AddressBit::Junk);
                self.masked(value)
            }
            Route::Direct | Route::Map(..) => self.route(value, &plan.finish, &plan.packing),
        };
        Value { packing: plan.packing.clone(), ..finished }
    }

    fn output(&mut self, value: &Value) {
        let axis_of = |label: u8| self.contraction.output.iter().position(|&other| other == label).and_then(|axis| u8::try_from(axis).ok());
        let by_axis = |bit: AddressBit| match LabelBit::of(bit) {
            Some(LabelBit { label, bit }) => AddressBit::Axis { axis: axis_of(label).expect("only labels of the result are kept"), bit },
            None => bit,
        };
        let shape = self.contraction.output.iter().map(|&label| self.contraction.labels[usize::from(label)].size).collect();
        let mut slots: Vec<AddressBit> = value.packing.bits.iter().take(self.log_slots).map(|&bit| by_axis(bit)).collect();
        slots.resize(self.log_slots, AddressBit::Zero);
        let chunk = |&position: &usize| by_axis(value.packing.bits[position]);
        let chunks = value.packing.chunk_positions(self.log_slots).iter().map(chunk).collect();
        let layout = Layout { shape, slots, chunks, rolls: Vec::new(), junk_padding: false };
        let values = value.chunks.iter().map(|chunk| chunk.unwrap_or_else(|| self.builder.zero())).collect();
        self.builder.packed.outputs.push(OutputDecl { name: "out".to_owned(), dtype: self.dtype, layout, values });
        let _ = self.contract;
    }
}

/// A public factor of a product.
struct Factor {
    public: Public,
    offset: u64,
    /// Of each label, what one position adds to the row-major position of the element.
    strides: BTreeMap<u8, u64>,
}

impl Factor {
    fn given(public: Public, operand: &Operand) -> Self {
        let (mut stride, mut offset) = (1, 0);
        let mut strides = BTreeMap::new();
        for axis in operand.axes.iter().rev() {
            match axis.subscript {
                Subscript::Label(label) => *strides.entry(label).or_default() += stride,
                Subscript::Fixed(position) => offset += position * stride,
            }
            stride *= axis.size;
        }
        Self { public, offset, strides }
    }
}

/// An operand's labels in the notation of einsum; an axis of one position has a letter of its own.
fn letters(operand: &Operand) -> String {
    let mut others = (0..52).rev();
    let letter_of = |axis: &Axis| match axis.subscript {
        Subscript::Label(label) => letter(label),
        Subscript::Fixed(_) => letter(others.next().unwrap_or(0)),
    };
    operand.axes.iter().map(letter_of).collect()
}

fn letter(label: u8) -> char {
    char::from(if label < 26 { b'a' + label } else { b'A' + (label - 26) % 26 })
}

/// Which ciphertext of a packing holds an address.
fn chunk_key(packing: &Packing, address: u64, log_slots: usize) -> u64 {
    packing.chunk_positions(log_slots).iter().enumerate().fold(0, |key, (n, position)| key | (address >> position & 1) << n)
}
