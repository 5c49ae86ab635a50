//! The text form of circuits, which [`super::parse`] reads back exactly.
//!
//! ```text
//! circuit "f" {
//!   # 21 bootstraps, critical path 6; 2 operations, values of 2 to 4 blocks
//!   input x0 "x": secret u8[2] in 0..15
//!   input x1 "w": i8[2] in -8..7
//!   v0: 0..15 = input x0[0]
//!   v1: -8..7 = public input x1[0]
//!   v2: -120..105 = mul v0, v1
//!   v3: -128..127 = sum (v2, -3 * v0, 7) wrap i8
//!   v4: 0..1 = lt v0, v3
//!   output "y": i8[2] = (v3, v4)
//! }
//! ```
//!
//! Ranges have both ends. A value that is not secret says `public`.

use super::{Circuit, InputDecl, Node, Op, OutputDecl, Term};
use crate::dtype::DType;
use crate::text::quoted;
use std::fmt::{self, Write};

/// The text form of a circuit.
#[must_use]
pub fn print(circuit: &Circuit) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_circuit(&mut out, circuit);
    out
}

fn write_circuit(out: &mut String, circuit: &Circuit) -> fmt::Result {
    writeln!(out, "circuit {} {{", quoted(&circuit.name))?;
    writeln!(out, "  # {}", circuit.summary())?;
    for (id, InputDecl { name, secret, dtype, shape, range }) in &circuit.inputs {
        let secret = if *secret { "secret " } else { "" };
        writeln!(out, "  input {id} {}: {secret}{} in {}..{}", quoted(name), typed(*dtype, shape), range.0, range.1)?;
    }
    for (wire, node) in &circuit.nodes {
        writeln!(out, "  {wire}: {node}")?;
    }
    for OutputDecl { name, dtype, shape, wires } in &circuit.outputs {
        writeln!(out, "  output {}: {} = ({})", quoted(name), typed(*dtype, shape), commas(wires))?;
    }
    out.write_str("}\n")
}

fn typed(dtype: DType, shape: &[u64]) -> String {
    format!("{dtype}[{}]", commas(shape))
}

fn commas<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = if self.secret { "" } else { "public " };
        write!(f, "{}..{} = {public}{}", self.range.0, self.range.1, self.op)?;
        self.wrap.map_or(Ok(()), |dtype| write!(f, " wrap {dtype}"))
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Input(input, at) => write!(f, "input {input}[{at}]"),
            Op::Constant(n) => write!(f, "constant {n}"),
            Op::Sum(terms, constant) => {
                let mut items: Vec<String> = terms.iter().map(Term::to_string).collect();
                if *constant != 0 {
                    items.push(constant.to_string());
                }
                write!(f, "sum ({})", items.join(", "))
            }
            Op::Mul(a, b) => write!(f, "mul {a}, {b}"),
            Op::Shr(a, by) => write!(f, "shr {a} by {by}"),
            Op::Compare(how, a, b) => write!(f, "{} {a}, {b}", how.name()),
            Op::Select(c, a, b) => write!(f, "select {c}, {a}, {b}"),
            Op::Min(a, b) => write!(f, "min {a}, {b}"),
            Op::Max(a, b) => write!(f, "max {a}, {b}"),
            Op::Any(wires) => write!(f, "any ({})", commas(wires)),
            Op::All(wires) => write!(f, "all ({})", commas(wires)),
            Op::Not(a) => write!(f, "not {a}"),
            Op::Bits(op, a, b) => write!(f, "{} {a}, {b}", op.name()),
            Op::Lut(index, entries) => write!(f, "lut {index} in ({})", commas(entries)),
        }
    }
}

/// `v0`, or `-3 * v0`.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.coefficient == 1 { write!(f, "{}", self.wire) } else { write!(f, "{} * {}", self.coefficient, self.wire) }
    }
}
