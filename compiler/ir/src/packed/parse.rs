//! Reads the text form of packed IR that [`super::print`] writes.

use super::{
    AddressBit, InputDecl, Layout, Op, OutputDecl, Packed, Piece, PlainDecl, PlainValues, PublicDecl, PublicSource, Roll, Run, Segment,
};
use crate::dtype::DType;
use crate::entity::{EntityRef, Public};
use crate::text::Cursor;
use crate::verified::ParseError;

/// Bits of one kind that may stand in a row.
const MAX_FREE_BITS: u8 = 64;

/// Reads a program. It is not verified.
///
/// # Errors
/// The first place where the text is not in the text form.
pub fn parse(text: &str) -> Result<Packed, ParseError> {
    let c = &mut Cursor::new(text)?;
    c.expect("packed")?;
    let mut program = Packed { name: c.text()?, ..Packed::default() };
    c.expect("slots")?;
    program.slots = c.int()?;
    c.expect("{")?;
    while !c.eat("}") {
        declaration(c, &mut program)?;
    }
    if c.is_at_end() { Ok(program) } else { Err(c.expected("the end")) }
}

fn declaration(c: &mut Cursor<'_>, program: &mut Packed) -> Result<(), ParseError> {
    if c.eat("input") {
        c.declare("x", program.inputs.len())?;
        let (name, dtype, shape) = typed(c)?;
        program.inputs.push(InputDecl { name, dtype, layout: layout(c, shape)? });
    } else if c.eat("public") {
        c.declare("w", program.publics.len())?;
        let (name, dtype, shape) = typed(c)?;
        program.publics.push(PublicDecl { name, dtype, shape, source: public_source(c)? });
    } else if c.eat("plain") {
        c.declare("p", program.plains.len())?;
        c.expect("=")?;
        program.plains.push(PlainDecl { values: plain_values(c)? });
    } else if c.eat("output") {
        program.outputs.push(output(c)?);
    } else if c.peek_entity("c").is_some() {
        c.declare("c", program.ops.len())?;
        c.expect("=")?;
        program.ops.push(op(c)?);
    } else {
        return Err(c.expected("`input`, `public`, `plain`, an operation, `output` or `}`"));
    }
    Ok(())
}

/// `"A": f32[4, 4]`
fn typed(c: &mut Cursor<'_>) -> Result<(String, DType, Vec<u64>), ParseError> {
    let name = c.text()?;
    c.expect(":")?;
    let dtype = c.dtype()?;
    c.expect("[")?;
    Ok((name, dtype, c.list("]", Cursor::int)?))
}

fn public_source(c: &mut Cursor<'_>) -> Result<PublicSource, ParseError> {
    if !c.eat("=") {
        return Ok(PublicSource::Given);
    }
    c.expect("einsum")?;
    let equation = c.text()?;
    c.expect("(")?;
    let args = c.list(")", |c| c.entity("w"))?;
    let scale = if c.eat("times") { c.float()? } else { 1.0 };
    Ok(PublicSource::Einsum { equation, args, scale })
}

fn plain_values(c: &mut Cursor<'_>) -> Result<PlainValues, ParseError> {
    if let Some(public) = c.eat_entity::<Public>("w") {
        list_start(c)?;
        return Ok(PlainValues::Elements(public, c.list("]", segment)?));
    }
    let value = c.float()?;
    list_start(c)?;
    Ok(PlainValues::Constant(value, c.list("]", run)?))
}

fn list_start(c: &mut Cursor<'_>) -> Result<(), ParseError> {
    c.expect("at")?;
    c.expect("[")
}

fn run(c: &mut Cursor<'_>) -> Result<Run, ParseError> {
    let slot = c.int()?;
    if !c.eat("by") {
        return Ok(Run { slot, dslot: 0, count: 1 });
    }
    let dslot = c.int()?;
    c.expect("x")?;
    Ok(Run { slot, dslot, count: c.int()? })
}

fn segment(c: &mut Cursor<'_>) -> Result<Segment, ParseError> {
    let mut chunk = 0;
    if c.eat("ct") {
        chunk = c.int()?;
        c.expect(":")?;
    }
    let Run { slot, dslot, count } = run(c)?;
    c.expect("=")?;
    let flat = c.int()?;
    let dflat = if c.eat("by") { c.int()? } else { 0 };
    Ok(Segment { chunk, slot, dslot, flat, dflat, count })
}

fn op(c: &mut Cursor<'_>) -> Result<Op, ParseError> {
    let error = c.expected("an operation");
    let name = c.word()?;
    if name == "input" {
        let input = c.entity("x")?;
        c.expect("[")?;
        let chunk = c.int()?;
        c.expect("]")?;
        return Ok(Op::Input { input, chunk });
    }
    let x = c.entity("c")?;
    let mut after = |word: &str| -> Result<u32, ParseError> {
        c.expect(word)?;
        c.int()
    };
    Ok(match name {
        "rotate" => Op::Rotate { x, by: after("by")? },
        "drop" => Op::Drop(x, after("to")?),
        "boot" => Op::Boot { x, level: after("to")?, bits: after("within")? },
        "neg" => Op::Neg(x),
        "relin" => Op::Relin(x),
        "rescale" => Op::Rescale(x),
        "add" => Op::Add(x, second(c, "c")?),
        "sub" => Op::Sub(x, second(c, "c")?),
        "mul" => Op::Mul(x, second(c, "c")?),
        "add_plain" => Op::AddPlain(x, second(c, "p")?),
        "mul_plain" => Op::MulPlain(x, second(c, "p")?),
        "mask" => Op::Mask(x, second(c, "p")?),
        _ => return Err(error),
    })
}

fn second<E: EntityRef>(c: &mut Cursor<'_>, prefix: &str) -> Result<E, ParseError> {
    c.expect(",")?;
    c.entity(prefix)
}

fn output(c: &mut Cursor<'_>) -> Result<OutputDecl, ParseError> {
    let (name, dtype, shape) = typed(c)?;
    let layout = layout(c, shape)?;
    c.expect("=")?;
    c.expect("(")?;
    Ok(OutputDecl { name, dtype, layout, values: c.list(")", |c| c.entity("c"))? })
}

fn layout(c: &mut Cursor<'_>, shape: Vec<u64>) -> Result<Layout, ParseError> {
    let mut layout = Layout { shape, ..Layout::default() };
    c.expect("[")?;
    if c.eat("ct") {
        c.expect(":")?;
        layout.chunks = bits(c)?;
        c.expect("|")?;
    }
    c.expect("slots")?;
    c.expect(":")?;
    layout.slots = bits(c)?;
    while c.eat("roll") {
        let piece = piece(c)?;
        c.expect("by")?;
        layout.rolls.push(Roll { piece, by: self::piece(c)? });
    }
    if c.eat("offset") {
        layout.offset = c.int()?;
    }
    if c.eat("junk") {
        c.expect("padding")?;
        while !c.at("]") {
            let error = c.expected("an axis such as `a0`");
            layout.junk_padding.push(c.peek_entity("a").and_then(|axis| u8::try_from(axis).ok()).ok_or(error)?);
            c.word()?;
        }
    }
    c.expect("]")?;
    Ok(layout)
}

/// Bits, the highest first in the text and the lowest first in the answer.
fn bits(c: &mut Cursor<'_>) -> Result<Vec<AddressBit>, ParseError> {
    let mut bits = Vec::new();
    while c.at_nth(1, ".") {
        let free = [("rep", AddressBit::Rep), ("zero", AddressBit::Zero), ("junk", AddressBit::Junk)];
        if let Some((word, bit)) = free.into_iter().find(|(word, _)| c.at(word)) {
            c.expect(word)?;
            c.expect(".")?;
            let error = c.expected("at most 64 bits");
            let length = Some(c.int::<u8>()?).filter(|n| *n <= MAX_FREE_BITS).ok_or(error)?;
            bits.extend(std::iter::repeat_n(bit, usize::from(length)));
        } else {
            let Piece { axis, lo, len } = piece(c)?;
            bits.extend((lo..lo + len).rev().map(|bit| AddressBit::Axis { axis, bit }));
        }
    }
    bits.reverse();
    Ok(bits)
}

/// `a1.2-0`
fn piece(c: &mut Cursor<'_>) -> Result<Piece, ParseError> {
    let error = c.expected("bits of an axis such as `a0.2-0`");
    let axis = c.peek_entity("a").and_then(|axis| u8::try_from(axis).ok());
    let Some(axis) = axis else { return Err(error) };
    c.word()?;
    c.expect(".")?;
    let hi: u8 = c.int()?;
    let lo: u8 = if c.eat("-") { c.int()? } else { hi };
    // Bits above 63 are of no axis; this also keeps the sums of bits in range.
    if lo > hi || hi > 63 { Err(error) } else { Ok(Piece { axis, lo, len: hi - lo + 1 }) }
}

#[cfg(test)]
pub(crate) mod tests;
