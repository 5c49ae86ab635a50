//! Carries out a packed program from its JSON alone, and checks everything that the format promises.
//!
//! It knows the format (`ein_he::interchange`) and nothing of layouts or of how a program was planned. Numbers are integers modulo 2^64; what a slot
//! holds that nothing is said of is large and odd.

mod einsum;
mod places;

use einsum::Tensor;
use places::{Places, int, list, places, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub use einsum::einsum;

/// A row-major tensor: its shape, and its numbers.
pub type Integers = Tensor;

/// What was agreed on inputs and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// Row major, every axis padded to a power of two, from slot 0, zero elsewhere.
    Strict,
    /// Any slots; each element of an input once.
    Free,
}

/// Carries out a program on operands, secret and public, by their names. Gives the results by their names.
///
/// # Errors
/// The first thing that is not as the format promises.
pub fn replay(json: &str, operands: &BTreeMap<String, Tensor>, contract: Contract) -> Result<BTreeMap<String, Tensor>, String> {
    let file: Value = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let slots = int(&file["slots"])?;
    if slots < 1 || !(slots as u64).is_power_of_two() {
        return Err(format!("{slots} slots"));
    }
    let mut replay =
        Replay { slots: slots as usize, contract, tensors: operands.clone(), inputs: BTreeMap::new(), values: BTreeMap::new() };
    let replicated = file["replicated"].as_bool().unwrap_or(false);
    if replicated && contract == Contract::Strict {
        return Err("replicated inputs are not strict".to_owned());
    }
    for input in list(&file["inputs"])? {
        replay.input(input, replicated).map_err(|e| format!("input {}: {e}", input["name"]))?;
    }
    for derived in list(&file["derived"])? {
        replay.derive(derived).map_err(|e| format!("derived {}: {e}", derived["name"]))?;
    }
    let mut counts = Counts::default();
    for op in list(&file["ops"])? {
        replay.op(op, &mut counts).map_err(|e| format!("{op}: {e}"))?;
    }
    counts.compare(&file["counts"])?;
    let mut results = BTreeMap::new();
    for output in list(&file["outputs"])? {
        let result = replay.output(output).map_err(|e| format!("output {}: {e}", output["name"]))?;
        results.insert(text(&output["name"])?.to_owned(), result);
    }
    Ok(results)
}

/// What an id stands for.
enum Vector {
    Ciphertext { slots: Vec<i64>, depth: i64 },
    Plain(Vec<i64>),
}

struct Replay {
    slots: usize,
    contract: Contract,
    /// Operands and derived tensors.
    tensors: BTreeMap<String, Tensor>,
    /// The ciphertexts of each input.
    inputs: BTreeMap<String, Vec<Vec<i64>>>,
    values: BTreeMap<i64, Vector>,
}

#[derive(Default)]
struct Counts {
    numbers: BTreeMap<&'static str, i64>,
    keys: BTreeSet<i64>,
    depth: i64,
}

impl Counts {
    fn compare(mut self, stated: &Value) -> Result<(), String> {
        self.numbers.insert("keys", self.keys.len() as i64);
        self.numbers.insert("depth", self.depth);
        for name in ["rotations", "mulcc", "mulcp", "adds", "relins", "rescales", "boots", "depth", "keys"] {
            // Only plans that bootstrap say how often.
            let stated = if name == "boots" && stated[name].is_null() { 0 } else { int(&stated[name])? };
            let found = self.numbers.get(name).copied().unwrap_or(0);
            if found != stated {
                return Err(format!("{stated} {name} are stated, and there are {found}"));
            }
        }
        Ok(())
    }
}

/// Large, odd, and another for each `n`.
fn junk(n: usize) -> i64 {
    ((n as u64).wrapping_add(0x1234_5678).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) | 1).cast_signed()
}

/// Where the strict contract has an element: each axis padded to a power of two.
fn strict_address(shape: &[usize], mut flat: usize) -> usize {
    let (mut address, mut stride) = (0, 1);
    for &size in shape.iter().rev() {
        address += flat % size * stride;
        flat /= size;
        stride *= size.next_power_of_two();
    }
    address
}

impl Replay {
    fn input(&mut self, input: &Value, replicated: bool) -> Result<(), String> {
        let name = text(&input["name"])?;
        let tensor = self.tensors.get(name).ok_or("no such operand")?;
        check_shape(&input["shape"], tensor)?;
        let chunks = int(&input["chunks"])? as usize;
        let mut filled: Vec<Vec<Option<i64>>> = vec![vec![None; self.slots]; chunks];
        let mut sent = vec![0; tensor.numbers.len()];
        for place in places(&input["segments"], Places::Input, self.slots)? {
            let chunk = filled.get_mut(place.first as usize).ok_or("a segment of no chunk")?;
            let number = *tensor.numbers.get(place.flat).ok_or("a segment of no element")?;
            if chunk[place.slot].replace(number).is_some() {
                return Err(format!("slot {} holds two elements", place.slot));
            }
            sent[place.flat] += 1;
            let address = place.first as usize * self.slots + place.slot;
            if self.contract == Contract::Strict && address != strict_address(&tensor.shape, place.flat) {
                return Err(format!("element {} is at {address}", place.flat));
            }
        }
        if let Some(flat) = sent.iter().position(|&n| n == 0 || (n > 1 && !replicated)) {
            return Err(format!("element {flat} is sent {} times", sent[flat]));
        }
        let fill = text(&input["fill"])?;
        if !["zero", "junk"].contains(&fill) || (fill == "junk" && self.contract == Contract::Strict) {
            return Err(format!("filled with {fill}"));
        }
        let first = self.inputs.len() * 1_000_003;
        let number = |(n, slot): (usize, Option<i64>)| slot.unwrap_or(if fill == "zero" { 0 } else { junk(first + n) });
        let chunks = filled.into_iter().enumerate().map(|(chunk, slots)| {
            let from = chunk * self.slots;
            slots.into_iter().enumerate().map(|(n, slot)| number((from + n, slot))).collect()
        });
        self.inputs.insert(name.to_owned(), chunks.collect());
        Ok(())
    }

    fn derive(&mut self, derived: &Value) -> Result<(), String> {
        let names = list(&derived["args"])?.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        if let Some(secret) = names.iter().find(|name| self.inputs.contains_key(**name)) {
            return Err(format!("{secret} is secret"));
        }
        let args = names.iter().map(|name| self.tensors.get(*name).ok_or("no such tensor")).collect::<Result<Vec<_>, _>>()?;
        let mut result = einsum(text(&derived["eq"])?, &args)?;
        if let Some(scale) = derived.get("scale") {
            let scale = int(scale)?;
            result.numbers.iter_mut().for_each(|number| *number = number.wrapping_mul(scale));
        }
        let name = text(&derived["name"])?.to_owned();
        if self.tensors.insert(name, result).is_some() { Err("is there already".to_owned()) } else { Ok(()) }
    }

    fn op(&mut self, op: &Value, counts: &mut Counts) -> Result<(), String> {
        let id = int(&op["id"])?;
        let args = list(&op["args"])?.iter().map(int).collect::<Result<Vec<_>, _>>()?;
        let vector = match (text(&op["op"])?, args.as_slice()) {
            ("input", []) => self.chunk(op)?,
            ("plain", []) => Vector::Plain(self.plain(op)?),
            (name, [x]) => self.unary(name, *x, op, counts)?,
            (name, [x, y]) => self.binary(name, *x, *y, counts)?,
            (name, _) => return Err(format!("`{name}` of {} arguments", args.len())),
        };
        if let Vector::Ciphertext { depth, .. } = vector {
            counts.depth = counts.depth.max(depth);
        }
        if self.values.insert(id, vector).is_some() { Err("the id is there already".to_owned()) } else { Ok(()) }
    }

    fn chunk(&self, op: &Value) -> Result<Vector, String> {
        let chunks = self.inputs.get(text(&op["name"])?).ok_or("no such input")?;
        let slots = chunks.get(int(&op["chunk"])? as usize).ok_or("no such chunk")?.clone();
        Ok(Vector::Ciphertext { slots, depth: 0 })
    }

    fn plain(&self, op: &Value) -> Result<Vec<i64>, String> {
        let mut slots = vec![0; self.slots];
        if op.get("name").is_none() {
            let value = int(&op["value"])?;
            places(&op["segments"], Places::Slots, self.slots)?.iter().for_each(|place| slots[place.slot] = value);
            return Ok(slots);
        }
        let name = text(&op["name"])?;
        if self.inputs.contains_key(name) {
            return Err("a secret operand in the clear".to_owned());
        }
        let tensor = self.tensors.get(name).ok_or("no such tensor")?;
        let mut seen = BTreeSet::new();
        for place in places(&op["segments"], Places::Elements, self.slots)? {
            slots[place.slot] = *tensor.numbers.get(place.flat).ok_or("no such element")?;
            if !seen.insert(place.slot) {
                return Err(format!("slot {} holds two elements", place.slot));
            }
        }
        Ok(slots)
    }

    fn ciphertext(&self, id: i64) -> Result<(&[i64], i64), String> {
        match self.values.get(&id) {
            Some(Vector::Ciphertext { slots, depth }) => Ok((slots, *depth)),
            Some(Vector::Plain(_)) => Err(format!("{id} is in the clear")),
            None => Err(format!("there is no {id} yet")),
        }
    }

    fn unary(&self, name: &str, x: i64, op: &Value, counts: &mut Counts) -> Result<Vector, String> {
        let (slots, mut depth) = self.ciphertext(x)?;
        let mut slots = slots.to_vec();
        match name {
            "rot" => {
                let k = int(&op["k"])?;
                if k < 1 || k as usize >= self.slots {
                    return Err(format!("a rotation by {k}"));
                }
                slots.rotate_left(k as usize);
                counts.keys.insert(k);
                *counts.numbers.entry("rotations").or_default() += 1;
            }
            "mask" => {
                let kept: BTreeSet<usize> = places(&op["segments"], Places::Slots, self.slots)?.iter().map(|place| place.slot).collect();
                slots.iter_mut().enumerate().filter(|(n, _)| !kept.contains(n)).for_each(|(_, slot)| *slot = 0);
                depth += 1;
                *counts.numbers.entry("mulcp").or_default() += 1;
            }
            "neg" => slots.iter_mut().for_each(|slot| *slot = slot.wrapping_neg()),
            "relin" => *counts.numbers.entry("relins").or_default() += 1,
            "rescale" => *counts.numbers.entry("rescales").or_default() += 1,
            "boot" => *counts.numbers.entry("boots").or_default() += 1,
            "drop" => {}
            _ => return Err(format!("`{name}` of one argument")),
        }
        Ok(Vector::Ciphertext { slots, depth })
    }

    fn binary(&self, name: &str, x: i64, y: i64, counts: &mut Counts) -> Result<Vector, String> {
        let (left, mut depth) = self.ciphertext(x)?;
        let plain = matches!(name, "addp" | "mulcp");
        let right = match self.values.get(&y) {
            Some(Vector::Plain(slots)) if plain => slots,
            Some(Vector::Ciphertext { slots, depth: other }) if !plain => {
                depth = depth.max(*other);
                slots
            }
            _ => return Err(format!("{y} is nothing that `{name}` takes")),
        };
        let (f, counted): (fn(i64, i64) -> i64, _) = match name {
            "add" | "addp" => (i64::wrapping_add, "adds"),
            "sub" => (i64::wrapping_sub, "adds"),
            "mulcc" => (i64::wrapping_mul, "mulcc"),
            "mulcp" => (i64::wrapping_mul, "mulcp"),
            _ => return Err(format!("`{name}` of two arguments")),
        };
        *counts.numbers.entry(counted).or_default() += 1;
        depth += i64::from(counted != "adds");
        Ok(Vector::Ciphertext { slots: left.iter().zip(right).map(|(a, b)| f(*a, *b)).collect(), depth })
    }

    fn output(&self, output: &Value) -> Result<Tensor, String> {
        let shape = list(&output["shape"])?.iter().map(|size| Ok(int(size)? as usize)).collect::<Result<Vec<_>, String>>()?;
        let mut numbers: Vec<Option<i64>> = vec![None; shape.iter().product()];
        let mut chunks: BTreeMap<usize, i64> = BTreeMap::new();
        let mut named = BTreeSet::new();
        for place in places(&output["segments"], Places::Output, self.slots)? {
            let (slots, _) = self.ciphertext(place.first)?;
            let number = slots[place.slot];
            let known = numbers.get_mut(place.flat).ok_or("a segment of no element")?;
            if known.replace(number).is_some_and(|known| known != number) {
                return Err(format!("element {} is two numbers", place.flat));
            }
            let address = strict_address(&shape, place.flat);
            let (chunk, slot) = (address / self.slots, address % self.slots);
            let id = *chunks.entry(chunk).or_insert(place.first);
            if self.contract == Contract::Strict && (id, slot) != (place.first, place.slot) {
                return Err(format!("element {} is in slot {} of {}", place.flat, place.slot, place.first));
            }
            named.insert((chunk, slot));
        }
        for (chunk, id) in chunks.iter().filter(|_| self.contract == Contract::Strict) {
            let mut slots = self.ciphertext(*id)?.0.iter().enumerate();
            if let Some((slot, number)) = slots.find(|(slot, number)| **number != 0 && !named.contains(&(*chunk, *slot))) {
                return Err(format!("slot {slot} of {id} is {number} and not zero"));
            }
        }
        let numbers = numbers.into_iter().enumerate().map(|(flat, number)| number.ok_or(format!("element {flat} is missing")));
        Ok(Tensor { shape, numbers: numbers.collect::<Result<_, _>>()? })
    }
}

fn check_shape(stated: &Value, tensor: &Tensor) -> Result<(), String> {
    let shape = list(stated)?.iter().map(int).collect::<Result<Vec<_>, _>>()?;
    let same = shape.len() == tensor.shape.len() && shape.iter().zip(&tensor.shape).all(|(a, b)| *a == *b as i64);
    if same { Ok(()) } else { Err(format!("its shape is {:?}, not {shape:?}", tensor.shape)) }
}
