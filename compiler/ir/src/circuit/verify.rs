//! What holds of every circuit that a back end gets.
//!
//! * A value is read after it is computed. Operands have integers or truth values, elements are inside of their shapes, and results have as
//!   many values as elements, each in the range of the type.
//! * The range of a value is the one that follows from those of what it reads, and 127 bits hold it also before it wraps.
//! * A value is secret if and only if it reads something that is.
//! * Coefficients are not 0. Only sums and products wrap, and only where their range needs it.
//! * Truth values are in 0..1 where they are read as such.
//! * A table has an entry for each integer in the range of its index; at a secret index it has at most 16, all of them public.

use super::{Circuit, MAX_ENTRIES, Node, Op, OutputDecl, range};
use crate::dtype::{Class, DType};
use crate::entity::{EntityRef, Wire};
use crate::interval::Interval;
use crate::scalar::value::int_range;
use crate::verified::{Verified, VerifierError};

/// Checks a circuit.
///
/// # Errors
/// Every broken invariant.
pub fn verify(circuit: Circuit) -> Result<Verified<Circuit>, Vec<VerifierError>> {
    let mut errors = Vec::new();
    for (id, input) in &circuit.inputs {
        match of_type(input.dtype) {
            Some(all) if is_inside(input.range, all) && input.range.0 <= input.range.1 => {}
            _ => errors.push(error(&id.to_string(), format!("{} has no range {}..{}", input.dtype, input.range.0, input.range.1))),
        }
    }
    for (wire, node) in &circuit.nodes {
        errors.extend(check_node(&circuit, wire, node).err().map(|message| error(&wire.to_string(), format!("{message}: {node}"))));
    }
    for output in &circuit.outputs {
        errors.extend(check_output(&circuit, output).err().map(|message| error(&output.name, message)));
    }
    if errors.is_empty() { Ok(Verified::new(circuit)) } else { Err(errors) }
}

fn error(entity: &str, message: String) -> VerifierError {
    VerifierError { entity: entity.to_owned(), message }
}

/// The integers of a type; truth values are 0 and 1.
fn of_type(dtype: DType) -> Option<Interval> {
    match dtype.class() {
        Class::Bool => Some(range::TRUTH),
        Class::Signed | Class::Unsigned => Some(int_range(dtype)),
        Class::Float | Class::Complex | Class::Key => None,
    }
}

fn is_inside(inner: Interval, outer: Interval) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

fn require(holds: bool, message: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message.to_owned()) }
}

fn check_node(circuit: &Circuit, wire: Wire, node: &Node) -> Result<(), String> {
    let args = node.op.args();
    require(args.iter().all(|arg| arg.index() < wire.index()), "it reads what comes later")?;
    let of = |arg: Wire| circuit.nodes[arg].range;
    let is_secret = |arg: &Wire| circuit.nodes[*arg].secret;
    let mut operand = (0, 0);
    let mut secret = args.iter().any(is_secret);
    if let Op::Input(id, at) = &node.op {
        let decl = circuit.inputs.get(*id).ok_or("it reads an operand that there is none of")?;
        let size = decl.shape.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
        require(size.is_some_and(|size| *at < size), "it reads outside of its operand")?;
        (operand, secret) = (decl.range, decl.secret);
    }
    require(node.secret == secret, "it is secret exactly if it reads a secret")?;
    check_op(&node.op, &of, &is_secret)?;
    let exact = range::exact(&node.op, &of, operand).ok_or("127 bits do not hold it")?;
    let needs_wrap = node.wrap.is_none_or(|dtype| dtype.is_integer() && !is_inside(exact, int_range(dtype)));
    require(node.wrap.is_none() || matches!(node.op, Op::Sum(..) | Op::Mul(..)), "only sums and products wrap")?;
    require(needs_wrap, "it wraps at a type that holds it")?;
    require(node.range == range::wrapped(exact, node.wrap), "its range does not follow from what it reads")
}

fn check_op(op: &Op, of: &dyn Fn(Wire) -> Interval, is_secret: &dyn Fn(&Wire) -> bool) -> Result<(), String> {
    let is_truth = |wire: &Wire| is_inside(of(*wire), range::TRUTH);
    match op {
        Op::Sum(terms, _) => require(terms.iter().all(|term| term.coefficient != 0), "a coefficient is 0"),
        Op::Select(condition, ..) => require(is_truth(condition), "the condition is no truth value"),
        Op::Any(wires) | Op::All(wires) => require(wires.len() > 1 && wires.iter().all(is_truth), "it gathers two or more truth values"),
        Op::Not(wire) => require(is_truth(wire), "it negates a truth value"),
        Op::Shr(_, by) => require(*by < i128::BITS, "it shifts by more bits than there are"),
        Op::Lut(index, entries) => {
            let (lo, hi) = of(*index);
            let n = hi.checked_sub(lo).and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_add(1));
            require(n == Some(entries.len()), "it has an entry for each integer in the range of its index")?;
            let known = entries.len() <= MAX_ENTRIES && !entries.iter().any(is_secret);
            require(known || !is_secret(index), "a table at a secret index has at most 16 entries, all public")
        }
        Op::Input(..) | Op::Constant(_) | Op::Mul(..) | Op::Compare(..) | Op::Min(..) | Op::Max(..) | Op::Bits(..) => Ok(()),
    }
}

fn check_output(circuit: &Circuit, output: &OutputDecl) -> Result<(), String> {
    let n = output.shape.iter().try_fold(1_u64, |n, size| n.checked_mul(*size));
    require(n == Some(output.wires.len() as u64), "it has as many values as elements")?;
    let all = of_type(output.dtype).ok_or("its type has no integers")?;
    let fits = |wire: &Wire| circuit.nodes.get(*wire).is_some_and(|node| is_inside(node.range, all));
    require(output.wires.iter().all(fits), "its type holds every value")
}

#[cfg(test)]
mod tests {
    use super::super::{parse::parse, print::print};
    use super::verify;

    const CIRCUIT: &str = "circuit \"f\" {
  # 20 bootstraps, critical path 7; 5 operations, values of 1 to 4 blocks
  input x0 \"x\": secret u8[2] in 0..15
  input x1 \"w\": i8[2] in -8..7
  v0: 0..15 = input x0[1]
  v1: -8..7 = public input x1[0]
  v2: -120..105 = mul v0, v1
  v3: -128..127 = sum (v2, -3 * v0, 7) wrap i8
  v4: 0..1 = lt v0, v3
  v5: 0..1 = not v4
  v6: -1..3 = public constant 3
";

    #[test]
    fn what_is_printed_reads_back() {
        let text = format!("{}  output \"y\": i8[2] = (v3, v5)\n}}\n", CIRCUIT.replace("-1..3", "3..3"));
        let circuit = parse(&text).unwrap();
        let printed = print(&circuit);
        assert_eq!(parse(&printed).unwrap(), circuit, "{printed}");
        verify(circuit).unwrap();
    }

    #[test]
    fn broken_circuits_are_refused() {
        let right = format!("{}  output \"y\": i8[2] = (v3, v5)\n}}\n", CIRCUIT.replace("-1..3", "3..3"));
        let broken = [
            ("3..3", "-1..3", "range"),
            ("v0: 0..15", "v0: 0..14", "range"),
            ("= input x0[1]", "= public input x0[1]", "secret"),
            ("x0[1]", "x0[2]", "outside"),
            ("mul v0, v1", "mul v0, v2", "later"),
            ("-3 * v0", "0 * v0", "coefficient"),
            ("not v4", "not v0", "truth"),
            ("i8[2] = (v3, v5)", "i8[1] = (v3, v5)", "as many"),
            ("i8[2] = (v3", "bool[2] = (v3", "type"),
            ("105 = mul v0, v1", "105 = mul v0, v1 wrap i16", "wraps"),
        ];
        for (from, to, expected) in broken {
            let errors = verify(parse(&right.replace(from, to)).unwrap()).unwrap_err();
            assert!(errors.iter().any(|e| e.message.contains(expected)), "{to}: {errors:?}");
        }
    }
}
