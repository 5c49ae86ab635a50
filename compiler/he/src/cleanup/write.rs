//! The chosen nodes as operations again.

use super::extract::Chosen;
use super::form::{Form, SlotGraph};
use crate::builder::{Builder, Maker, Makers, Series};
use egg::Id;
use ein_ir::entity::{Ciphertext, Input, Plain};
use ein_ir::packed::{Op, Packed};
use std::collections::BTreeMap;

/// The plan that is chosen, and for which tensors its operations are: those of the operations that they stand for, or of what reads them.
pub(super) fn write(packed: &Packed, makers: &Makers, graph: &SlotGraph<'_>, chosen: &Chosen) -> (Packed, Makers) {
    let mut writer = Writer::new(packed, makers, graph, chosen);
    for (id, op) in packed.ops.iter().filter(|(_, op)| matches!(op, Op::Input { .. })) {
        // All that is sent, whether it is needed or not.
        let class = graph.classes[id].map(|class| writer.number(class));
        let made = writer.builder.op(*op);
        class.into_iter().for_each(|class| writer.made[class] = Some(made));
    }
    let mut out = Packed { ops: Default::default(), plains: Default::default(), ..packed.clone() };
    for value in out.outputs.iter_mut().flat_map(|output| &mut output.values) {
        let class = graph.classes[*value].map(|class| writer.number(class)).expect("a result is no part of a sum");
        *value = writer.class(class, makers.of[*value]);
    }
    out.ops = writer.builder.packed.ops;
    out.plains = writer.builder.packed.plains;
    let new = |x: Ciphertext| graph.classes[x].and_then(|class| writer.made[chosen.numbers[&graph.egraph.find(class)]]);
    let held = makers.held.iter().filter_map(|&(x, tensor)| Some((new(x)?, tensor))).collect();
    let junk = makers.junk.iter().filter_map(|(&(x, tensor), layout)| Some(((new(x)?, tensor), layout.clone()))).collect();
    let unit = makers.unit.iter().filter_map(|&x| new(x)).collect();
    let series = makers.series.iter().filter_map(|series| {
        // Of a constant the argument may not be there.
        let argument = new(series.argument).unwrap_or(new(series.result)?);
        Some(Series { result: new(series.result)?, argument, ..series.clone() })
    });
    let series = series.collect();
    (out, Makers { of: writer.builder.makers.of, held, junk, unit, series, purposes: makers.purposes.clone() })
}

struct Writer<'a> {
    graph: &'a SlotGraph<'a>,
    chosen: &'a Chosen,
    builder: Builder,
    plains: BTreeMap<u32, Plain>,
    /// Of each class, its operation.
    made: Vec<Option<Ciphertext>>,
    /// Of each class, what one of its operations was for.
    makers: Vec<Option<Maker>>,
}

impl<'a> Writer<'a> {
    fn new(packed: &Packed, makers: &Makers, graph: &'a SlotGraph<'a>, chosen: &'a Chosen) -> Self {
        let n = chosen.forms.len();
        let mut writer = Self {
            graph,
            chosen,
            builder: Builder::new(packed.slots),
            plains: BTreeMap::new(),
            made: vec![None; n],
            makers: vec![None; n],
        };
        for id in packed.ops.keys() {
            let Some(class) = graph.classes[id] else { continue };
            let class = writer.number(class);
            writer.makers[class].get_or_insert(makers.of[id]);
        }
        writer
    }

    fn number(&self, class: Id) -> usize {
        self.chosen.numbers[&self.graph.egraph.find(class)]
    }

    fn class(&mut self, class: usize, reader: Maker) -> Ciphertext {
        if let Some(made) = self.made[class] {
            return made;
        }
        let maker = self.makers[class].unwrap_or(reader);
        let form = self.chosen.forms[class].as_ref().expect("what is read is computed");
        let made = self.form(form, maker);
        self.made[class] = Some(made);
        made
    }

    fn read(&mut self, x: Id, maker: Maker) -> Ciphertext {
        self.class(self.number(x), maker)
    }

    fn form(&mut self, form: &Form, maker: Maker) -> Ciphertext {
        let op = match *form {
            Form::Input(input, chunk) => Op::Input { input: Input::from_u32(input), chunk },
            Form::Rotate(by, x) => Op::Rotate { x: self.read(x, maker), by },
            Form::Sum(ref terms) => return self.sum(terms, maker),
            Form::Neg(x) => Op::Neg(self.read(x, maker)),
            Form::Plus(plain, x) => Op::AddPlain(self.read(x, maker), self.plain(plain)),
            Form::Times(plain, x) => {
                let (x, number) = (self.read(x, maker), plain);
                let plain = self.plain(plain);
                if self.graph.plains.get(number).is_mask() { Op::Mask(x, plain) } else { Op::MulPlain(x, plain) }
            }
            Form::Mul([x, y]) => Op::Mul(self.read(x, maker), self.read(y, maker)),
            Form::Relin(x) => Op::Relin(self.read(x, maker)),
            Form::Pin(_, x) => return self.read(x, maker),
        };
        self.builder.maker = maker;
        self.builder.op(op)
    }

    /// Terms in order, those that are subtracted last.
    fn sum(&mut self, terms: &[Id], maker: Maker) -> Ciphertext {
        let negated = |x: &Id| match self.chosen.forms[self.number(*x)] {
            Some(Form::Neg(y)) => Some(y),
            _ => None,
        };
        let (minus, plus): (Vec<Id>, Vec<Id>) = terms.iter().partition(|x| negated(x).is_some());
        let minus: Vec<Id> = minus.iter().filter_map(negated).collect();
        let plus: Vec<Ciphertext> = plus.into_iter().map(|x| self.read(x, maker)).collect();
        let minus: Vec<Ciphertext> = minus.into_iter().map(|x| self.read(x, maker)).collect();
        self.builder.maker = maker;
        match self.builder.sum(plus) {
            Some(sum) => minus.into_iter().fold(sum, |sum, x| self.builder.op(Op::Sub(sum, x))),
            None => {
                let sum = self.builder.sum(minus).expect("a sum has terms");
                self.builder.op(Op::Neg(sum))
            }
        }
    }

    fn plain(&mut self, number: u32) -> Plain {
        let builder = &mut self.builder;
        *self.plains.entry(number).or_insert_with(|| builder.packed.plains.push(self.graph.plains.get(number).clone()))
    }
}
