//! Arrays of exact integers as JSON: nested lists of whole numbers, or of `true` and `false`.

use crate::error;
use ein_ir::circuit::{Circuit, InputDecl, OutputDecl};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use serde_json::Value;

/// The elements of an operand, row-major; each is in its range.
///
/// # Errors
/// Text of another form or shape; an element out of its range is named by its position, and not told.
pub fn read(decl: &InputDecl, text: &str) -> Result<Vec<i128>, Diagnostic> {
    let refused = |reason: String| error::operands(format!("`{}` {reason}", decl.name));
    // A message of the reader might have an element in it.
    let value: Value = serde_json::from_str(text).map_err(|e| refused(format!("is no JSON, at line {}", e.line())))?;
    let mut elements = Vec::new();
    collect(&value, &decl.shape, decl.dtype == DType::Bool, &mut elements)
        .ok_or_else(|| refused(format!("is no list of {} of shape {:?}", decl.dtype, decl.shape)))?;
    match elements.iter().position(|n| !(decl.range.0..=decl.range.1).contains(n)) {
        Some(at) => Err(refused(format!("has an element at position {at} that is not in {}..{}", decl.range.0, decl.range.1))),
        None => Ok(elements),
    }
}

fn collect(value: &Value, shape: &[u64], truths: bool, elements: &mut Vec<i128>) -> Option<()> {
    match (shape.split_first(), value) {
        (Some((size, rest)), Value::Array(items)) if items.len() as u64 == *size => {
            items.iter().try_for_each(|item| collect(item, rest, truths, elements))
        }
        (None, Value::Bool(truth)) if truths => {
            elements.push((*truth).into());
            Some(())
        }
        (None, Value::Number(n)) if !truths => {
            elements.push(n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from))?);
            Some(())
        }
        _ => None,
    }
}

/// A result as text; `None` if an element is none of its type.
#[must_use]
pub fn write(output: &OutputDecl, elements: &[i128]) -> Option<String> {
    let mut rest = elements.iter();
    let value = nested(&output.shape, output.dtype == DType::Bool, &mut rest)?;
    Some(format!("{value}\n"))
}

fn nested(shape: &[u64], truths: bool, elements: &mut std::slice::Iter<'_, i128>) -> Option<Value> {
    match shape.split_first() {
        Some((size, rest)) => (0..*size).map(|_| nested(rest, truths, elements)).collect::<Option<_>>().map(Value::Array),
        None => match *elements.next()? {
            n @ 0..=1 if truths => Some(Value::Bool(n == 1)),
            _ if truths => None,
            n => i64::try_from(n).map(Value::from).or_else(|_| u64::try_from(n).map(Value::from)).ok(),
        },
    }
}

/// The operands of these names, in the order of a circuit; `wanted` says which ones are asked for.
///
/// # Errors
/// One is missing, or another one is there.
pub fn operands(
    circuit: &Circuit,
    wanted: impl Fn(&InputDecl) -> bool,
    given: &[(String, String)],
) -> Result<Vec<Option<Vec<i128>>>, Diagnostic> {
    let known = |name: &str| circuit.inputs.values().any(|decl| decl.name == name && wanted(decl));
    for (n, (name, _)) in given.iter().enumerate() {
        if !known(name) {
            return Err(error::operands(format!("there is no such operand `{name}` here")));
        }
        if given[..n].iter().any(|(other, _)| other == name) {
            return Err(error::operands(format!("`{name}` is given twice")));
        }
    }
    let operand = |decl: &InputDecl| {
        if !wanted(decl) {
            return Ok(None);
        }
        let text =
            given.iter().find(|(name, _)| *name == decl.name).ok_or_else(|| error::operands(format!("`{}` is missing", decl.name)))?;
        read(decl, &text.1).map(Some)
    };
    circuit.inputs.values().map(operand).collect()
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use ein_ir::circuit::{InputDecl, OutputDecl};
    use ein_ir::dtype::DType;

    fn decl(dtype: DType, shape: &[u64], range: (i128, i128)) -> InputDecl {
        InputDecl { name: "x".to_owned(), secret: true, dtype, shape: shape.to_vec(), range }
    }

    #[test]
    fn arrays_have_shapes_and_ranges_and_errors_no_elements() {
        let x = decl(DType::U64, &[2, 1], (0, u64::MAX.into()));
        assert_eq!(read(&x, "[[1], [18446744073709551615]]").unwrap(), [1, u64::MAX.into()]);
        for text in ["[1, 2]", "[[1], [2], [3]]", "[[1], [2.5]]", "[[1], [-77]]", "[[1], [true]]", "{", "[[1], [\"77\"]]", "77"] {
            let message = format!("{:?}", read(&x, text).unwrap_err());
            assert!(!message.contains("77"), "{message}");
        }
        assert_eq!(read(&decl(DType::Bool, &[2], (0, 1)), "[true, false]").unwrap(), [1, 0]);
        assert_eq!(read(&decl(DType::I8, &[], (-3, 3)), "-3").unwrap(), [-3]);
        assert!(read(&decl(DType::I8, &[0], (-3, 3)), "[]").unwrap().is_empty());
        let deep = "[".repeat(10_000);
        assert!(read(&x, &deep).is_err());
    }

    #[test]
    fn results_are_written_in_their_shape() {
        let out = |dtype, shape: &[u64]| OutputDecl { name: "y".to_owned(), dtype, shape: shape.to_vec(), wires: Vec::new() };
        assert_eq!(write(&out(DType::I32, &[2, 2]), &[1, -2, 3, 4]).unwrap(), "[[1,-2],[3,4]]\n");
        assert_eq!(write(&out(DType::Bool, &[2]), &[1, 0]).unwrap(), "[true,false]\n");
        assert_eq!(write(&out(DType::Bool, &[2]), &[1, 2]), None);
        assert_eq!(write(&out(DType::U64, &[]), &[u64::MAX.into()]).unwrap(), "18446744073709551615\n");
        assert_eq!(write(&out(DType::I32, &[3]), &[1]), None);
    }
}
