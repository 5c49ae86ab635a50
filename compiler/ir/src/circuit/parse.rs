//! Reads the text form of circuits that [`super::print`] writes.

use super::{BitOp, Circuit, Comparison, InputDecl, Node, Op, OutputDecl, Term};
use crate::dtype::DType;
use crate::entity::Wire;
use crate::interval::Interval;
use crate::text::Cursor;
use crate::verified::ParseError;

/// Reads a circuit. It is not verified.
///
/// # Errors
/// The first place where the text is not in the text form.
pub fn parse(text: &str) -> Result<Circuit, ParseError> {
    let c = &mut Cursor::new(text)?;
    c.expect("circuit")?;
    let mut circuit = Circuit { name: c.text()?, ..Circuit::default() };
    c.expect("{")?;
    while !c.eat("}") {
        declaration(c, &mut circuit)?;
    }
    if c.is_at_end() { Ok(circuit) } else { Err(c.expected("the end")) }
}

fn declaration(c: &mut Cursor<'_>, circuit: &mut Circuit) -> Result<(), ParseError> {
    if c.eat("input") {
        c.declare("x", circuit.inputs.len())?;
        circuit.inputs.push(input(c)?);
    } else if c.eat("output") {
        let (name, _, dtype, shape) = typed(c)?;
        c.expect("=")?;
        c.expect("(")?;
        circuit.outputs.push(OutputDecl { name, dtype, shape, wires: wires(c)? });
    } else if c.peek_entity("v").is_some() {
        c.declare("v", circuit.nodes.len())?;
        circuit.nodes.push(node(c)?);
    } else {
        return Err(c.expected("`input`, a value, `output` or `}`"));
    }
    Ok(())
}

fn input(c: &mut Cursor<'_>) -> Result<InputDecl, ParseError> {
    let (name, secret, dtype, shape) = typed(c)?;
    c.expect("in")?;
    Ok(InputDecl { name, secret, dtype, shape, range: range(c)? })
}

/// `"x": secret u8[2, 3]`
fn typed(c: &mut Cursor<'_>) -> Result<(String, bool, DType, Vec<u64>), ParseError> {
    let name = c.text()?;
    c.expect(":")?;
    let secret = c.eat("secret");
    let dtype = c.dtype()?;
    c.expect("[")?;
    Ok((name, secret, dtype, c.list("]", Cursor::int)?))
}

fn range(c: &mut Cursor<'_>) -> Result<Interval, ParseError> {
    let lo = c.int()?;
    c.expect("..")?;
    Ok((lo, c.int()?))
}

fn node(c: &mut Cursor<'_>) -> Result<Node, ParseError> {
    c.expect(":")?;
    let range = range(c)?;
    c.expect("=")?;
    let secret = !c.eat("public");
    let op = op(c)?;
    let wrap = if c.eat("wrap") { Some(integer_type(c)?) } else { None };
    Ok(Node { op, wrap, range, secret })
}

fn integer_type(c: &mut Cursor<'_>) -> Result<DType, ParseError> {
    let error = c.expected("a type of integers");
    let dtype = c.dtype()?;
    if dtype.is_integer() { Ok(dtype) } else { Err(error) }
}

fn op(c: &mut Cursor<'_>) -> Result<Op, ParseError> {
    let error = c.expected("an operation");
    let name = c.word()?;
    if let Some(how) = Comparison::ALL.into_iter().find(|how| how.name() == name) {
        let (a, b) = pair(c)?;
        return Ok(Op::Compare(how, a, b));
    }
    if let Some(op) = BitOp::ALL.into_iter().find(|op| op.name() == name) {
        let (a, b) = pair(c)?;
        return Ok(Op::Bits(op, a, b));
    }
    Ok(match name {
        "input" => {
            let input = c.entity("x")?;
            c.expect("[")?;
            let at = c.int()?;
            c.expect("]")?;
            Op::Input(input, at)
        }
        "constant" => Op::Constant(c.int()?),
        "sum" => sum(c)?,
        "mul" => pair(c).map(|(a, b)| Op::Mul(a, b))?,
        "min" => pair(c).map(|(a, b)| Op::Min(a, b))?,
        "max" => pair(c).map(|(a, b)| Op::Max(a, b))?,
        "shr" => {
            let a = c.entity("v")?;
            c.expect("by")?;
            Op::Shr(a, c.int()?)
        }
        "select" => {
            let condition = c.entity("v")?;
            c.expect(",")?;
            pair(c).map(|(a, b)| Op::Select(condition, a, b))?
        }
        "any" => Op::Any(listed(c)?),
        "all" => Op::All(listed(c)?),
        "not" => Op::Not(c.entity("v")?),
        "lut" => {
            let index = c.entity("v")?;
            c.expect("in")?;
            Op::Lut(index, listed(c)?)
        }
        _ => return Err(error),
    })
}

fn pair(c: &mut Cursor<'_>) -> Result<(Wire, Wire), ParseError> {
    let a = c.entity("v")?;
    c.expect(",")?;
    Ok((a, c.entity("v")?))
}

fn listed(c: &mut Cursor<'_>) -> Result<Vec<Wire>, ParseError> {
    c.expect("(")?;
    wires(c)
}

fn wires(c: &mut Cursor<'_>) -> Result<Vec<Wire>, ParseError> {
    c.list(")", |c| c.entity("v"))
}

/// `sum (v0, -3 * v1, 7)`: a number without a value stands last.
fn sum(c: &mut Cursor<'_>) -> Result<Op, ParseError> {
    c.expect("(")?;
    let (mut terms, mut constant) = (Vec::new(), 0);
    c.list(")", |c| {
        if let Some(wire) = c.eat_entity("v") {
            terms.push(Term { coefficient: 1, wire });
            return Ok(());
        }
        let number = c.int()?;
        if c.eat("*") {
            terms.push(Term { coefficient: number, wire: c.entity("v")? });
        } else if c.at(")") {
            constant = number;
        } else {
            return Err(c.expected("`*` or `)`"));
        }
        Ok(())
    })?;
    Ok(Op::Sum(terms, constant))
}
