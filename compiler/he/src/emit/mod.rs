//! From the plan that was found to packed operations.

mod factor;
mod map;
mod mask;
mod places;
mod polynomial;
mod unread;
mod window;

pub(crate) use polynomial::costs;

use crate::builder::{Builder, Maker, Makers, elements_of};
use crate::contraction::{Axis, Contraction, Operand, Subscript};
use crate::convert::{self, Conversion, Route, Source};
use crate::held::{Added, Finish, Held, Make, Scaling, cleaned, row_major};
use crate::limits::{MAX_OPERATIONS, MAX_PRODUCTS, fits_operand};
use crate::mapped::Mapped;
use crate::packing::{LabelBit, Packing};
use crate::product::folds;
use crate::program::{Origin, Program};
use crate::rolled::{Rolled, Side};
use crate::search::{Node, Product, Public, Way};
use crate::words;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::entity::{Ciphertext, Input, Plain, Public as PublicId};
use ein_ir::packed::layout::{AddressBit, axis_bits};
use ein_ir::packed::{InputDecl, Layout, Op, OutputDecl, Packed, Piece, PublicDecl, PublicSource, Roll, Segment};
use factor::Factor;
use places::Places;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// How rotations are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Each from where it begins: a key each, and rotations of one ciphertext share work.
    Each,
    /// One step after the other: a key a progression.
    Few,
}

/// A packed program, and inputs for which its parts want different layouts, each with those that are packings of its axes; if there is one,
/// the program is not right.
#[derive(Debug)]
pub(crate) struct Emitted {
    pub(crate) packed: Packed,
    pub(crate) makers: Makers,
    pub(crate) conflicts: BTreeMap<usize, Vec<Packing>>,
    /// What cannot be computed; if there is something, the program is not right.
    pub(crate) refused: Option<Diagnostic>,
    /// Elements that were looked at.
    pub(crate) elements: u64,
}

/// Writes the results of a program as packed operations; none stands for a result that is zero or has no elements.
pub(crate) fn emit(program: &Program, results: &[(usize, Option<Finish>)], keys: Keys, log_slots: usize) -> Emitted {
    let mut emitter = Emitter::new(program, keys, log_slots);
    for (tensor, finish) in results {
        let value = match finish {
            Some(finish) => emitter.finish(finish),
            None => Value::zero(row_major(&program.tensors[*tensor].shape, log_slots), log_slots),
        };
        emitter.output(*tensor, &value);
    }
    let packing =
        |layout: &Layout| layout.rolls.is_empty().then(|| Packing { offset: layout.offset, ..Packing::of(layout.bits().collect()) });
    let conflicts = emitter.placed.into_iter().filter(|(_, layouts)| layouts.len() > 1);
    let conflicts = conflicts.map(|(tensor, layouts)| (tensor, layouts.iter().filter_map(packing).collect())).collect();
    let (packed, makers) = unread::without_unread(emitter.builder.packed, emitter.builder.makers);
    Emitted { packed, makers, conflicts, refused: emitter.refused, elements: emitter.elements }
}

struct Emitter<'a> {
    program: &'a Program,
    keys: Keys,
    log_slots: usize,
    builder: Builder,
    /// Of secret tensors that are given.
    inputs: HashMap<usize, Input>,
    /// Of tensors in the clear.
    publics: HashMap<usize, PublicId>,
    derived: HashMap<(String, u64, Vec<PublicId>), PublicId>,
    /// Layouts of inputs.
    placed: BTreeMap<usize, Vec<Layout>>,
    /// What is held already, by where its description is.
    held: HashMap<*const Held, Value>,
    refused: Option<Diagnostic>,
    elements: u64,
}

/// A value: its ciphertexts by the label bits that number them; none for one that is zero.
#[derive(Clone)]
struct Value {
    packing: Packing,
    chunks: Vec<Option<Ciphertext>>,
}

impl Value {
    fn zero(packing: Packing, log_slots: usize) -> Self {
        let n = usize::try_from(convert::n_chunks(&packing, log_slots)).unwrap_or(0);
        Self { packing, chunks: vec![None; n] }
    }

    /// The ciphertext that holds an address.
    fn at(&self, address: u64, log_slots: usize) -> Option<Ciphertext> {
        self.chunks[Positions::of(&self.packing, log_slots).chunk(address)]
    }
}

/// The addresses of the ciphertexts of a packing, at slot 0.
fn chunk_addresses(packing: &Packing, log_slots: usize) -> impl Iterator<Item = u64> + use<> {
    let positions = packing.chunk_positions(log_slots);
    (0..1_u64 << positions.len())
        .map(move |index| positions.iter().enumerate().fold(0, |address, (n, position)| address | (index >> n & 1) << position))
}

impl<'a> Emitter<'a> {
    fn new(program: &'a Program, keys: Keys, log_slots: usize) -> Self {
        let mut emitter = Emitter {
            program,
            keys,
            log_slots,
            builder: Builder::new(1 << log_slots),
            inputs: HashMap::new(),
            publics: HashMap::new(),
            derived: HashMap::new(),
            placed: BTreeMap::new(),
            held: HashMap::new(),
            refused: None,
            elements: 0,
        };
        emitter.builder.packed.name.clone_from(&program.name);
        for (n, tensor) in program.tensors.iter().enumerate() {
            let (name, dtype) = (tensor.name.clone(), tensor.dtype);
            match tensor.origin {
                Origin::Secret => {
                    let layout = Layout::row_major(&tensor.shape, u32::try_from(log_slots).unwrap_or(u32::MAX));
                    emitter.inputs.insert(n, emitter.builder.packed.inputs.push(InputDecl { name, dtype, layout }));
                }
                Origin::Public => {
                    let decl = PublicDecl { name, dtype, shape: tensor.shape.clone(), source: PublicSource::Given };
                    emitter.publics.insert(n, emitter.builder.packed.publics.push(decl));
                }
                Origin::Sum(_) | Origin::Polynomial { .. } => {}
            }
        }
        emitter
    }

    /// A tensor of the program, over its axes.
    fn held(&mut self, held: &Rc<Held>) -> Value {
        if let Some(value) = self.held.get(&Rc::as_ptr(held)) {
            return value.clone();
        }
        let reader = std::mem::replace(&mut self.builder.maker, Maker::of(held.tensor));
        let value = match &held.make {
            Make::Input => self.fixed(held.tensor, &held.packing),
            Make::Term(way) => Value { packing: held.packing.clone(), ..self.way(way, None) },
            Make::Polynomial(of, coefficients) => {
                let mut value = self.held(of);
                let shape = &self.program.tensors[held.tensor].shape;
                if let (Some(kept), packing) = cleaned(&value.packing, shape, self.log_slots) {
                    value = Value { packing: packing.clone(), ..self.masked(1.0, value, &kept, &packing) };
                }
                self.polynomial(&value, coefficients, shape)
            }
            Make::Sum(added) => Value { packing: held.packing.clone(), ..self.added(added) },
        };
        if self.builder.packed.ops.len() as u64 > MAX_OPERATIONS {
            let message =
                format!("so far the plan has {} operations, and at most {MAX_OPERATIONS} are planned for", self.builder.packed.ops.len());
            self.refuse(715, "he-memory", message);
        }
        self.builder.maker = reader;
        self.builder.makers.held.extend(value.chunks.iter().flatten().map(|&chunk| (chunk, held.tensor)));
        self.junk(&value, held.tensor);
        self.held.insert(Rc::as_ptr(held), value.clone());
        value
    }

    /// Says which slots of the ciphertexts of a tensor may hold anything.
    fn junk(&mut self, value: &Value, tensor: usize) {
        if !value.packing.has_junk() {
            return;
        }
        let slots = (0..self.log_slots).map(|p| value.packing.at(p)).collect();
        let chunks = value.packing.chunk_positions(self.log_slots).iter().map(|&p| value.packing.bits[p]).collect();
        let (shape, offset) = (self.program.tensors[tensor].shape.clone(), value.packing.offset);
        let layout = Arc::new(Layout { shape, slots, chunks, rolls: Vec::new(), offset, junk_padding: value.packing.junk_axes() });
        let laid_out =
            (0..).zip(&value.chunks).filter_map(|(n, chunk)| Some(((chunk.as_ref().copied()?, tensor), (Arc::clone(&layout), n))));
        self.builder.makers.junk.extend(laid_out);
    }

    /// An input in a packing of its axes.
    fn fixed(&mut self, tensor: usize, packing: &Packing) -> Value {
        let slots = packing.bits[..self.log_slots].to_vec();
        let chunks = packing.chunk_positions(self.log_slots).iter().map(|&p| packing.bits[p]).collect();
        let shape = self.program.tensors[tensor].shape.clone();
        self.place(tensor, packing, Layout { shape, slots, chunks, offset: packing.offset, ..Layout::default() })
    }

    /// The first thing that cannot be written, for the tensor that is made now.
    fn refuse(&mut self, code: u16, slug: &'static str, message: String) {
        let span = self.builder.maker.tensor.map(|tensor| self.program.tensors[tensor].span);
        let found = Diagnostic::error(code, slug, message);
        let found = if code == 715 { found.help(SMALLER) } else { found };
        self.refused.get_or_insert(if let Some(span) = span { found.at(span, "for this") } else { found });
    }

    /// Says how an input is packed, and gives its ciphertexts.
    fn place(&mut self, tensor: usize, packing: &Packing, layout: Layout) -> Value {
        let input = self.inputs[&tensor];
        let placed = self.placed.entry(tensor).or_default();
        if !placed.contains(&layout) {
            placed.push(layout.clone());
        }
        if !fits_operand(layout.bits().count(), self.log_slots) {
            let message = format!(
                "`{}` takes 2^{} ciphertexts where it is multiplied, and at most {MAX_PRODUCTS} are planned for",
                self.program.tensors[tensor].name,
                layout.chunks.len()
            );
            self.refuse(715, "he-memory", message);
            return Value::zero(packing.clone(), self.log_slots);
        }
        let wanted = convert::n_chunks(packing, self.log_slots);
        let chunks = (0..layout.n_chunks()).take(usize::try_from(wanted).unwrap_or(usize::MAX));
        let chunks = chunks.map(|chunk| layout.holds_element(chunk).then(|| self.builder.op(Op::Input { input, chunk }))).collect();
        self.builder.packed.inputs[input].layout = layout;
        Value { packing: packing.clone(), chunks }
    }

    /// What a way holds, over labels; an input that is put anywhere is put where `conversion` needs it.
    fn way(&mut self, way: &Way, conversion: Option<&Conversion>) -> Value {
        match &way.node {
            Node::Input(contraction, operand) => self.anywhere(&contraction.operands[*operand], conversion.expect("an input is converted")),
            Node::Held(held, _, only) => {
                let value = self.held(held);
                let Source::Packed(packing) = &way.source else { return value };
                let chunks = chunk_addresses(packing, self.log_slots).map(|address| value.at(address | only, self.log_slots));
                Value { packing: packing.clone(), chunks: chunks.collect() }
            }
            Node::Window(window) => self.window(window),
            Node::Product(product) => self.product(product),
            Node::Mapped(mapped) => self.mapped(mapped),
            Node::Rolled(rolled) => self.rolled(rolled),
        }
    }

    /// An input where `conversion` begins.
    fn anywhere(&mut self, operand: &Operand, conversion: &Conversion) -> Value {
        let (packing, layout) = self.sent(operand, conversion);
        self.place(operand.tensor, &packing, layout)
    }

    /// How an input is sent so that `conversion` begins there.
    fn sent(&self, operand: &Operand, conversion: &Conversion) -> (Packing, Layout) {
        let mut packing = conversion.packing.clone();
        conversion.spread.iter().for_each(|&p| packing.set(p, AddressBit::Zero));
        let layout = self.input_layout(operand, &packing);
        (packing, layout)
    }

    /// A sum of products, over labels.
    fn added(&mut self, added: &Added) -> Value {
        let mut values: Vec<(Value, f64)> = Vec::new();
        for part in &added.parts {
            let value = self.way(&part.way, Some(&part.conversion));
            let words = words::to_sum(self.program, &part.way);
            let number = part.coefficient.abs();
            let by = if part.scaling == Scaling::OnTheWay { number } else { 1.0 };
            let mut value = self.convert_by(by, value, &part.conversion, words);
            if part.scaling == Scaling::Own {
                self.scale(&mut value, added, number);
            }
            values.push((value, part.coefficient));
        }
        // A difference begins with what is added.
        values.sort_by_key(|(_, coefficient)| *coefficient < 0.0);
        let publics: Vec<Factor> = added.publics.iter().map(|(contraction, coefficient)| self.summand(contraction, *coefficient)).collect();
        let mut sum = Value::zero(added.packing.clone(), self.log_slots);
        let addresses: Vec<u64> = chunk_addresses(&added.packing, self.log_slots).collect();
        for (n, address) in addresses.into_iter().enumerate() {
            let mut total = None;
            for (value, coefficient) in &values {
                if let Some(term) = value.at(address, self.log_slots) {
                    total = Some(self.plus(total, term, *coefficient));
                }
            }
            for factor in &publics {
                if let Some(plain) = self.plain(&added.joint, &added.packing, factor, address) {
                    let onto = total.unwrap_or_else(|| self.builder.zero());
                    total = Some(self.builder.op(Op::AddPlain(onto, plain)));
                }
            }
            sum.chunks[n] = total;
        }
        sum
    }

    /// Multiplies a value by a number where there are elements, and by 0 elsewhere.
    fn scale(&mut self, value: &mut Value, added: &Added, number: f64) {
        let factor = Factor::constant(number, added.sizes.clone());
        let addresses = chunk_addresses(&added.packing, self.log_slots);
        let chunks = addresses.map(|address| {
            let x = value.at(address, self.log_slots)?;
            let plain = self.plain(&added.joint, &added.packing, &factor, address)?;
            Some(self.builder.op(Op::MulPlain(x, plain)))
        });
        *value = Value { chunks: chunks.collect(), packing: added.packing.clone() };
    }

    fn plus(&mut self, total: Option<Ciphertext>, term: Ciphertext, coefficient: f64) -> Ciphertext {
        match total {
            Some(total) if coefficient < 0.0 => self.builder.op(Op::Sub(total, term)),
            Some(total) => self.builder.op(Op::Add(total, term)),
            None if coefficient < 0.0 => self.builder.op(Op::Neg(term)),
            None => term,
        }
    }

    /// A product of public operands that is added.
    fn summand(&mut self, contraction: &Contraction, coefficient: f64) -> Factor {
        self.public(contraction, Public { operands: contraction.all(), scale: coefficient })
    }

    fn rolled(&mut self, rolled: &Rolled) -> Value {
        let [a, b] = [0, 1].map(|n| self.rolled_side(&rolled.sides[n], rolled.turns));
        let packing = rolled.outcome.packing.clone();
        let (Some(a), Some(b)) = (a, b) else { return Value { packing, chunks: vec![None] } };
        let [i, j] = rolled.fields;
        let turns = 1_i64 << rolled.turns;
        self.builder
            .purpose(format!("turn {} and sum", rolled.sides.each_ref().map(|side| words::factor(self.program, &side.way)).join(" and ")));
        let (mut sums, mut carried) = (Vec::new(), Vec::new());
        for t in 0..turns {
            let turned = [t, (t + 1) % turns].map(|t| self.turned(a, &[1 << j], &[t]));
            // Rows whose turn runs into the next column.
            let runs_over = |slot: &u32| i64::from(slot >> i & ((1 << rolled.rows) - 1)) + t >= 1 << rolled.rows;
            let (over, within): (Vec<u32>, Vec<u32>) = (0..1 << self.log_slots).partition(runs_over);
            let rows = self.turned(b, &[1 << i], &[t]);
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
        self.builder.purpose(words::sum_over(rolled.contraction(), &rolled.joint, &folds));
        Value { packing, chunks: vec![total.map(|total| self.rotate_and_sum(total, &folds))] }
    }

    fn rolled_side(&mut self, side: &Side, turns: u8) -> Option<Ciphertext> {
        let Node::Input(contraction, operand) = &side.way.node else { unreachable!("only inputs are rolled") };
        let operand = &contraction.operands[*operand];
        let (packing, mut layout) = self.sent(operand, &side.conversion);
        let axis =
            |label: u8| operand.axes.iter().position(|axis| axis.subscript == Subscript::Label(label)).and_then(|n| u8::try_from(n).ok());
        let piece = |label: u8| axis(label).map(|axis| Piece { axis, lo: 0, len: turns });
        layout.rolls.extend(piece(side.roll.0).zip(piece(side.roll.1)).map(|(piece, by)| Roll { piece, by }));
        let value = self.place(operand.tensor, &packing, layout);
        let words = words::into_space(self.program, &side.way, &side.conversion, contraction);
        self.convert(value, &side.conversion, words).chunks[0]
    }

    fn mapped(&mut self, mapped: &Mapped) -> Value {
        let value = self.way(&mapped.way, Some(&mapped.conversion));
        let words = words::into_space(self.program, &mapped.way, &mapped.conversion, &mapped.contraction);
        let value = self.convert(value, &mapped.conversion, words);
        self.builder.purpose(format!("multiply by the diagonals of {}", words::diagonals(mapped)));
        let factor = self.public(&mapped.contraction, mapped.public);
        let packing = &mapped.outcome.packing;
        let mut value = self.map(&value, (&mapped.map, &mapped.split), &factor, (&mapped.partial, packing));
        let folds = folds(&mapped.partial, mapped.kept, self.log_slots);
        self.builder.purpose(words::sum_over(&mapped.contraction, &mapped.partial, &folds));
        for chunk in value.chunks.iter_mut().flatten() {
            *chunk = self.rotate_and_sum(*chunk, &folds);
        }
        value
    }

    /// The layout of an input whose labels are in this packing. Of a label that stands for several axes the first is there; the
    /// others are rolled, so that the diagonal is where they are 0.
    fn input_layout(&self, operand: &Operand, packing: &Packing) -> Layout {
        let axes = &operand.axes;
        let mut layout = Layout { shape: operand.shape(), offset: packing.offset, ..Layout::default() };
        let mut first: BTreeMap<u8, u8> = BTreeMap::new();
        let mut extra = Vec::new();
        for (axis, n) in axes.iter().zip(0_u8..) {
            match &axis.subscript {
                Subscript::Label(label) if !first.contains_key(label) => {
                    first.insert(*label, n);
                }
                Subscript::Label(label) => {
                    let len = axis_bits(axis.size);
                    extra.extend((0..len).map(|bit| AddressBit::Axis { axis: n, bit }));
                    if len > 0 {
                        let piece = |axis| Piece { axis, lo: 0, len };
                        layout.rolls.push(Roll { piece: piece(n), by: piece(first[label]) });
                    }
                }
                Subscript::Fixed(_) | Subscript::Linear { .. } | Subscript::Padded { .. } => {
                    extra.extend((0..axis_bits(axis.size)).map(|bit| AddressBit::Axis { axis: n, bit }))
                }
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
            let words = words::into_space(self.program, way, conversion, &product.contraction);
            factors.push((self.convert(value, conversion, words), way.depth + conversion.depth));
        }
        let public = (product.public.operands != 0).then(|| self.public(&product.contraction, product.public));
        let mut sums: BTreeMap<usize, Vec<Ciphertext>> = BTreeMap::new();
        let packing = product.outcome.packing.clone();
        let results = Positions::of(&packing, self.log_slots);
        for address in chunk_addresses(&product.joint, self.log_slots) {
            let all: Option<Vec<(Ciphertext, u32)>> =
                factors.iter().map(|(value, depth)| Some((value.at(address, self.log_slots)?, *depth))).collect();
            let Some(all) = all else { continue };
            if let Some(term) = self.multiply(product, all, public.as_ref(), address) {
                let Some(term) = self.cleaned(1.0, term, product.outcome.cleaned.as_ref(), &product.joint, address) else { continue };
                let kept = results.chunk(address);
                sums.entry(kept).or_default().push(term);
            }
        }
        let mut chunks = Vec::new();
        for index in 0..1 << results.0.len() {
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
            Some(factor) => Some(self.plain(&product.joint, &product.outcome.packing, factor, address)?),
            None => None,
        };
        loop {
            factors.sort_by_key(|(_, depth)| std::cmp::Reverse(*depth));
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
        let folds = folds(&product.joint, product.kept, self.log_slots);
        self.builder.purpose(words::sum_over(&product.contraction, &product.joint, &folds));
        self.rotate_and_sum(sum, &folds)
    }

    fn rotate_and_sum(&mut self, mut sum: Ciphertext, positions: &[usize]) -> Ciphertext {
        for position in positions {
            let turned = self.builder.rotate(sum, 1 << position);
            sum = self.builder.op(Op::Add(sum, turned));
        }
        sum
    }

    /// `words` say what a move and a repetition are for.
    fn convert(&mut self, value: Value, conversion: &Conversion, words: [String; 2]) -> Value {
        self.convert_by(1.0, value, conversion, words)
    }

    /// The same of the value times a number, which its last product takes in.
    fn convert_by(&mut self, number: f64, value: Value, conversion: &Conversion, words: [String; 2]) -> Value {
        let [moved, spread] = words;
        self.builder.purpose(moved);
        let mut value = self.route(number, value, &conversion.route, &conversion.packing);
        self.builder.purpose(spread);
        for &position in &conversion.spread {
            for chunk in value.chunks.iter_mut().flatten() {
                let turned = self.builder.rotate(*chunk, -(1 << position));
                *chunk = self.builder.op(Op::Add(*chunk, turned));
            }
        }
        value.packing = conversion.packing.clone();
        value
    }

    /// A number other than 1 needs a route with a product.
    fn route(&mut self, number: f64, value: Value, route: &Route, packing: &Packing) -> Value {
        let factor = Factor::constant(number, Vec::new());
        match route {
            Route::Direct => value,
            Route::Turn(by, kept) => {
                let mut turned = value;
                for chunk in turned.chunks.iter_mut().flatten() {
                    *chunk = self.builder.rotate(*chunk, (*by).into());
                }
                match kept {
                    Some(kept) => self.masked(number, turned, kept, packing),
                    None => turned,
                }
            }
            Route::Map(map, split) => self.map(&value, (map, split), &factor, (packing, packing)),
            Route::Stages(stages) => {
                let [first, second] = &**stages;
                let between = self.map(&value, (&first.0, &first.1), &Factor::constant(1.0, Vec::new()), (&first.2, &first.2));
                self.map(&between, (&second.0, &second.1), &factor, (&second.2, &second.2))
            }
        }
    }

    /// The public factor of a product, contracted in the clear.
    fn public(&mut self, contraction: &Contraction, public: Public) -> Factor {
        let members: Vec<usize> = (0..contraction.operands.len()).filter(|n| public.operands >> n & 1 == 1).collect();
        if members.is_empty() {
            return Factor::constant(public.scale, contraction.labels.iter().map(|label| label.size).collect());
        }
        let kept = contraction.kept_of(public.operands);
        let operands = || members.iter().map(|&n| &contraction.operands[n]);
        if let [one] = members[..]
            && contraction.labels_of(public.operands) == kept
        {
            let operand = &contraction.operands[one];
            let tensor = if public.scale == 1.0 { self.publics[&operand.tensor] } else { self.scaled_public(operand, public.scale) };
            return Factor::given(tensor, contraction, operand);
        }
        if let Some(operand) = operands().find(|operand| operand.is_sliced()) {
            let message = format!("a product in the clear that reads only a part of `{}`, or along sums of indices", operand.name);
            self.refuse(190, "not-in-this-version", message);
        }
        let labels: Vec<u8> = (0..64).filter(|label| kept >> label & 1 == 1).collect();
        let axis = |&label: &u8| Axis { size: contraction.labels[usize::from(label)].size, subscript: Subscript::Label(label) };
        let axes: Vec<Axis> = labels.iter().map(axis).collect();
        let terms: Vec<String> = operands().map(letters).collect();
        let equation = format!("{}->{}", terms.join(","), labels.iter().map(|&label| letter(label)).collect::<String>());
        let args: Vec<PublicId> = operands().map(|operand| self.publics[&operand.tensor]).collect();
        let shape = axes.iter().map(|axis| axis.size).collect();
        let name = operands().map(|operand| operand.name.as_str()).collect::<Vec<_>>().join(".");
        let dtype = self.program.tensors[contraction.operands[members[0]].tensor].dtype;
        let public = self.derive(PublicDecl { name, dtype, shape, source: PublicSource::Einsum { equation, args, scale: public.scale } });
        Factor::given(public, contraction, &Operand { name: String::new(), tensor: usize::MAX, axes, secret: false })
    }

    /// A whole tensor in the clear times a number.
    fn scaled_public(&mut self, operand: &Operand, scale: f64) -> PublicId {
        let letters: String = (0..).zip(&operand.axes).map(|(axis, _)| letter(axis)).collect();
        let source = PublicSource::Einsum { equation: format!("{letters}->{letters}"), args: vec![self.publics[&operand.tensor]], scale };
        let dtype = self.program.tensors[operand.tensor].dtype;
        self.derive(PublicDecl { name: operand.name.clone(), dtype, shape: operand.shape(), source })
    }

    /// A tensor that is computed in the clear, once.
    fn derive(&mut self, decl: PublicDecl) -> PublicId {
        let PublicSource::Einsum { equation, args, scale } = &decl.source else { return self.builder.packed.publics.push(decl) };
        let key = (equation.clone(), scale.to_bits(), args.clone());
        if let Some(&there) = self.derived.get(&key) {
            return there;
        }
        let mut decl = decl;
        while self.builder.packed.publics.values().any(|other| other.name == decl.name) {
            decl.name.push('\'');
        }
        let id = self.builder.packed.publics.push(decl);
        self.derived.insert(key, id);
        id
    }

    /// A public factor at one ciphertext of the joint space, and zero where the result is; none where it is zero everywhere.
    fn plain(&mut self, joint: &Packing, packing: &Packing, factor: &Factor, address: u64) -> Option<Plain> {
        let parts = self.parts(joint, packing, factor, address);
        if parts.is_empty() {
            return None;
        }
        let Some(public) = factor.public else { return Some(self.builder.constant(factor.constant, &slots_of(&parts))) };
        Some(self.builder.elements(public, parts))
    }

    /// The slots of a ciphertext that hold elements of a factor, by slot.
    fn parts(&self, joint: &Packing, packing: &Packing, factor: &Factor, address: u64) -> Vec<Segment> {
        let free = (0..self.log_slots).filter(|&p| packing.at(p) == AddressBit::Zero);
        let free = free.filter(|&p| LabelBit::of(joint.at(p)).is_none()).fold(0, |all, p| all | 1_u64 << p);
        let walk = places::Walk::of(joint, factor);
        let mut parts = walk.parts(address, free, self.log_slots);
        if joint.offset != 0 {
            parts = parts.into_iter().flat_map(|part| turned(part, joint.offset, 1 << self.log_slots)).collect();
            parts.sort_unstable();
        }
        parts
    }

    fn finish(&mut self, finish: &Finish) -> Value {
        let value = self.held(&finish.held);
        self.builder.maker = Maker::of(finish.held.tensor);
        self.builder.purpose(format!("move `{}` into row-major order", words::name(self.program, &finish.held)));
        let finished = self.route(1.0, value, &finish.route, &finish.packing);
        Value { packing: finish.packing.clone(), ..finished }
    }

    fn output(&mut self, tensor: usize, value: &Value) {
        let tensor = &self.program.tensors[tensor];
        let mut slots: Vec<AddressBit> = value.packing.bits.iter().take(self.log_slots).copied().collect();
        slots.resize(self.log_slots, AddressBit::Zero);
        let chunks = value.packing.chunk_positions(self.log_slots).iter().map(|&p| value.packing.bits[p]).collect();
        let offset = value.packing.offset;
        let layout =
            Layout { shape: tensor.shape.clone(), slots, chunks, rolls: Vec::new(), offset, junk_padding: value.packing.junk_axes() };
        let values = value.chunks.iter().map(|chunk| chunk.unwrap_or_else(|| self.builder.zero())).collect();
        self.builder.packed.outputs.push(OutputDecl { name: tensor.name.clone(), dtype: tensor.dtype, layout, values });
    }
}

/// What makes a plan smaller.
const SMALLER: &str =
    "take layouts that the plan chooses (`--contract free`) or more slots, or compute it in parts, each of a part of the operands";

/// The slots of runs that rise, one after the other.
fn slots_of(parts: &[Segment]) -> Vec<u32> {
    parts.iter().flat_map(|part| elements_of(part).map(|(slot, _)| slot)).collect()
}

/// A run so many slots to the right, in one or two parts: beyond the last slot is the first.
fn turned(part: Segment, by: u32, slots: u32) -> impl Iterator<Item = Segment> {
    let first = part.slot + by;
    // So many are before the end.
    let before = if first >= slots { 0 } else { (slots - first).div_ceil(part.dslot.max(1)).min(part.count) };
    let flat = part.flat.wrapping_add_signed(part.dflat * i64::from(before));
    let rest = Segment { slot: (first + part.dslot * before) % slots, flat, count: part.count - before, ..part };
    let parts = [Segment { slot: first % slots, count: before, ..part }, rest];
    parts.into_iter().filter(|part| part.count > 0)
}

/// The address bits that number the ciphertexts of a packing.
struct Positions(Vec<usize>);

impl Positions {
    fn of(packing: &Packing, log_slots: usize) -> Self {
        Self(packing.chunk_positions(log_slots))
    }

    /// Which ciphertext holds an address.
    fn chunk(&self, address: u64) -> usize {
        self.0.iter().enumerate().fold(0, |key, (n, position)| key | usize::from(address >> position & 1 == 1) << n)
    }
}

/// An operand's labels in the notation of einsum; an axis of one position has a letter of its own.
fn letters(operand: &Operand) -> String {
    let mut others = (0..52).rev();
    let letter_of = |axis: &Axis| match axis.subscript {
        Subscript::Label(label) => letter(label),
        Subscript::Fixed(_) | Subscript::Linear { .. } | Subscript::Padded { .. } => letter(others.next().unwrap_or(0)),
    };
    operand.axes.iter().map(letter_of).collect()
}

fn letter(label: u8) -> char {
    char::from(if label < 26 { b'a' + label } else { b'A' + (label - 26) % 26 })
}
