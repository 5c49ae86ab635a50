//! Reads the text form of scalar expressions; the form itself is described in [`super::print`].

use super::approx::{Approx, Degree};
use super::function::{BinaryFn, UnaryFn};
use super::print::{Types, infix};
use super::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use crate::dtype::DType;
use crate::span::Span;
use crate::text::{Cursor, Token};
use crate::verified::ParseError;

/// Reads a scalar expression. Its nodes have no span of their own in the text form and get `span`.
///
/// # Errors
/// What is next is no scalar expression, or a dtype is neither written nor determined.
pub fn parse_scalar(c: &mut Cursor<'_>, types: &Types<'_>, span: Span) -> Result<Scalar, ParseError> {
    c.nested(|c| {
        let (kind, stated) = parse_kind(c, types, span)?;
        finish(c, types, kind, stated, span)
    })
}

/// Gives a node its dtype: the one after it, the one that its spelling states, or the one that its operands determine.
fn finish(c: &mut Cursor<'_>, types: &Types<'_>, kind: ScalarKind, stated: Option<DType>, span: Span) -> Result<Scalar, ParseError> {
    let dtype = match stated {
        Some(dtype) => Some(dtype),
        None if c.eat(":") => Some(c.dtype()?),
        None => types.determined(&kind),
    };
    match dtype {
        Some(dtype) => Ok(Scalar::new(kind, dtype, span)),
        None => Err(c.expected("`:` and a dtype")),
    }
}

fn parse_kind(c: &mut Cursor<'_>, types: &Types<'_>, span: Span) -> Result<(ScalarKind, Option<DType>), ParseError> {
    if let Some(literal) = eat_literal(c)? {
        return Ok((ScalarKind::Literal(literal), None));
    }
    if c.eat("(") {
        return Ok((parse_infix(c, types, span)?, None));
    }
    // `i64(` is a cast, `i64` the index of that number.
    if !c.at_nth(1, "(")
        && let Some(index) = c.eat_entity("i")
    {
        return Ok((ScalarKind::Index(index), None));
    }
    if c.at("prev") || c.peek_entity("t").is_some() {
        return Ok((ScalarKind::Access(parse_access(c, types, span)?), None));
    }
    let error = c.expected("a scalar expression");
    let Ok(name) = c.word() else { return Err(error) };
    match name {
        "acc" => Ok((ScalarKind::Accumulated, None)),
        "approx" => parenthesised(c, |c| parse_approx(c, types, span)).map(|approx| (ScalarKind::Approx(Box::new(approx)), None)),
        "size" => parenthesised(c, |c| Ok(ScalarKind::Size(c.extent()?))).map(|kind| (kind, None)),
        "operand" => parenthesised(c, |c| Ok(ScalarKind::Operand(c.int()?))).map(|kind| (kind, None)),
        _ => match name.parse::<DType>() {
            Ok(dtype) => {
                let operand = parenthesised(c, |c| parse_scalar(c, types, span))?;
                Ok((ScalarKind::Cast(Box::new(operand)), Some(dtype)))
            }
            Err(()) => Ok((parse_call(c, name, error, types, span)?, None)),
        },
    }
}

fn parenthesised<T>(c: &mut Cursor<'_>, parse: impl FnOnce(&mut Cursor<'_>) -> Result<T, ParseError>) -> Result<T, ParseError> {
    c.expect("(")?;
    let inner = parse(c)?;
    c.expect(")")?;
    Ok(inner)
}

/// `a + b + c)`: one operator throughout, to the left.
fn parse_infix(c: &mut Cursor<'_>, types: &Types<'_>, span: Span) -> Result<ScalarKind, ParseError> {
    let first = parse_scalar(c, types, span)?;
    let Some((function, operator)) = BinaryFn::ALL.into_iter().filter_map(|f| Some((f, infix(f)?))).find(|(_, s)| c.at(s)) else {
        return Err(c.expected("an operator"));
    };
    c.expect(operator)?;
    let mut kind = ScalarKind::Binary(function, Box::new(first), Box::new(parse_scalar(c, types, span)?));
    while c.eat(operator) {
        let Some(dtype) = types.determined(&kind) else { return Err(c.expected("`)`")) };
        let lhs = Scalar::new(kind, dtype, span);
        kind = ScalarKind::Binary(function, Box::new(lhs), Box::new(parse_scalar(c, types, span)?));
    }
    c.expect(")")?;
    Ok(kind)
}

fn parse_call(c: &mut Cursor<'_>, name: &str, error: ParseError, types: &Types<'_>, span: Span) -> Result<ScalarKind, ParseError> {
    if name == "powi" {
        return parenthesised(c, |c| {
            let base = parse_scalar(c, types, span)?;
            c.expect(",")?;
            Ok(ScalarKind::Unary(UnaryFn::Powi(c.int()?), Box::new(base)))
        });
    }
    if !c.eat("(") {
        return Err(error);
    }
    let args = c.list(")", |c| Ok(Box::new(parse_scalar(c, types, span)?)))?;
    let unary = UnaryFn::ALL.into_iter().find(|f| f.name() == name);
    let binary = BinaryFn::ALL.into_iter().find(|f| f.name() == name && infix(*f).is_none());
    let n_args = args.len();
    let mut args = args.into_iter();
    match (name, unary, binary, args.next(), args.next(), args.next()) {
        (_, Some(function), _, Some(a), None, _) => Ok(ScalarKind::Unary(function, a)),
        (_, _, Some(function), Some(a), Some(b), None) => Ok(ScalarKind::Binary(function, a, b)),
        ("if", _, _, Some(condition), Some(a), Some(b)) if n_args == 3 => Ok(ScalarKind::If(condition, a, b)),
        _ => Err(ParseError { line: error.line, message: format!("no function `{name}` of {n_args} values") }),
    }
}

/// `t0[], tanh(operand(0)), on -1.0..1.0, degree <= 7`
fn parse_approx(c: &mut Cursor<'_>, types: &Types<'_>, span: Span) -> Result<Approx, ParseError> {
    let argument = parse_scalar(c, types, span)?;
    c.expect(",")?;
    let function = parse_scalar(c, &Types { operand: Some(argument.dtype), ..*types }, span)?;
    c.expect(",")?;
    c.expect("on")?;
    let lo = c.float()?;
    c.expect("..")?;
    let on = (lo, c.float()?);
    let degree = match c.eat(",") {
        false => Degree::Free,
        true => {
            c.expect("degree")?;
            if c.eat("<=") { Degree::AtMost(c.int()?) } else { Degree::Exactly(c.int()?) }
        }
    };
    Ok(Approx { argument, function, on, degree })
}

fn parse_access(c: &mut Cursor<'_>, types: &Types<'_>, span: Span) -> Result<Access, ParseError> {
    let prev = c.eat("prev");
    let tensor = c.entity("t")?;
    c.expect("[")?;
    let subs = c.list("]", |c| parse_sub(c, types, span))?;
    let pad = if c.eat("else") { Some(parse_literal(c)?) } else { None };
    Ok(Access { tensor, prev, subs, pad })
}

fn parse_sub(c: &mut Cursor<'_>, types: &Types<'_>, span: Span) -> Result<Sub, ParseError> {
    match Mode::ALL.into_iter().find(|m| *m != Mode::Exact && c.eat(m.name())) {
        Some(mode) => Ok(Sub { value: parenthesised(c, |c| parse_scalar(c, types, span))?, mode }),
        None => Ok(Sub { value: parse_scalar(c, types, span)?, mode: Mode::Exact }),
    }
}

/// Reads a literal without its dtype.
///
/// # Errors
/// Something else is next.
pub fn parse_literal(c: &mut Cursor<'_>) -> Result<Literal, ParseError> {
    let error = c.expected("a literal");
    eat_literal(c)?.ok_or(error)
}

fn eat_literal(c: &mut Cursor<'_>) -> Result<Option<Literal>, ParseError> {
    if c.at("true") || c.at("false") {
        return Ok(Some(Literal::Bool(c.word()? == "true")));
    }
    if c.eat("complex") {
        return parenthesised(c, |c| {
            let re = c.float()?;
            c.expect(",")?;
            Ok(Some(Literal::Complex(re, c.float()?)))
        });
    }
    match c.peek_nth(usize::from(c.at("-"))) {
        Some(Token::Number(text)) if !is_float(text) => c.int().map(|n| Some(Literal::Int(n))),
        Some(Token::Number(_) | Token::Word("inf" | "nan")) => c.float().map(|v| Some(Literal::Float(v))),
        _ => Ok(None),
    }
}

fn is_float(number: &str) -> bool {
    !number.starts_with("0x") && number.contains(['.', 'e'])
}

#[cfg(test)]
mod tests {
    use super::super::print::print;
    use super::*;
    use crate::entity::{Index, Tensor};
    use crate::extent::Extent;

    fn dtype_of(tensor: Tensor) -> Option<DType> {
        [DType::F32, DType::F64, DType::I32, DType::Bool, DType::C64].get(tensor.as_u32() as usize).copied()
    }

    fn types() -> Types<'static> {
        Types { tensor: &dtype_of, operand: Some(DType::F64), accumulated: None }
    }

    fn read(text: &str) -> Result<Scalar, ParseError> {
        let mut c = Cursor::new(text)?;
        let scalar = parse_scalar(&mut c, &types(), Span::default())?;
        if c.is_at_end() { Ok(scalar) } else { Err(c.expected("the end")) }
    }

    #[test]
    fn every_form_reads_back_as_it_prints() {
        for text in [
            "(t0[i0, i2] * t0[i2, i1])",
            "(t0[] + t0[] + t0[] + (t0[] + t0[]))",
            "((t0[] * t0[]) + t0[])",
            "(t0[] - (t0[] - t0[]))",
            "max(t0[i0], 0.0:f32)",
            "powi(t1[i0], -3)",
            "f32(t1[(i0 // 2)])",
            "f32(0.5:f64)",
            "if((i0 < size(2*d0 + 1)), t0[i0], -inf:f32)",
            "(t0[(i0 + -1), pad(i1), clamp((i0 - 1)), wrap(i1), reflect(i2)] else -inf + t0[])",
            "t4[pad(i0)] else complex(1.0, -0.0)",
            "prev t2[i0]",
            "operand(0)",
            "approx(t0[i0], sigmoid(operand(0)), on -8.0..8.0, degree <= 7)",
            "approx((t0[i0] + t0[i1]), (1.0:f32 / operand(0)), on 0.5..2.0, degree 3)",
            "approx(t1[i0], exp(operand(0)), on -inf..1e300)",
            "acc:f32",
            "t9[]:f32",
            "(t0[] + t1[]):f64",
            "((t0[] + t0[]):f64 + t0[])",
            "complex(1.0, -2.5):c64",
            "nan:f64",
            "-3:i32",
            "3:f32",
            "3.0:f32",
            "(t3[] and not(t3[]) and true)",
            "abs(t4[i0])",
            "(i64 + i32)",
            "(i64(t2[i0]) == -9223372036854775808)",
        ] {
            let scalar = read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(print(&scalar, types()).to_string(), text);
        }
    }

    /// Random expressions, well typed or not, from a linear congruence.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }

        fn pick<T: Copy>(&mut self, items: &[T]) -> T {
            items[self.below(items.len() as u64) as usize]
        }

        fn literal(&mut self) -> Literal {
            let x = self.pick(&[0.0, -0.0, 1.5, -3e-300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e20]);
            match self.below(4) {
                0 => Literal::Bool(self.below(2) == 0),
                1 => Literal::Int(self.pick(&[0, -1, 77, i128::MIN, i128::MAX])),
                2 => Literal::Float(x),
                _ => Literal::Complex(x, 2.0),
            }
        }

        fn scalar(&mut self, depth: u32) -> Scalar {
            let kind = if depth == 0 { self.leaf() } else { self.inner(depth - 1) };
            let dtype = match types().determined(&kind) {
                Some(dtype) if self.below(4) > 0 => dtype,
                _ => self.pick(&DType::ALL),
            };
            Scalar::new(kind, dtype, Span::default())
        }

        fn leaf(&mut self) -> ScalarKind {
            let index = Index::from_u32(self.pick(&[0, 8, 16, 32, 64, 7]));
            match self.below(5) {
                0 => ScalarKind::Literal(self.literal()),
                1 => ScalarKind::Index(index),
                2 => ScalarKind::Size(Extent::index(index).scale(-3).floor_div(&Extent::constant(2)).add(&Extent::constant(1))),
                3 => ScalarKind::Operand(1),
                _ => ScalarKind::Accumulated,
            }
        }

        fn inner(&mut self, depth: u32) -> ScalarKind {
            let mut operand = || Box::new(self.scalar(depth));
            let (a, b, c) = (operand(), operand(), operand());
            match self.below(8) {
                0 => ScalarKind::Cast(a),
                7 => {
                    let degree = self.pick(&[Degree::Free, Degree::AtMost(7), Degree::Exactly(255)]);
                    ScalarKind::Approx(Box::new(Approx { argument: *a, function: *b, on: (self.pick(&[-0.5, 0.0]), 1e9), degree }))
                }
                1 => ScalarKind::If(a, b, c),
                2 => ScalarKind::Unary(UnaryFn::Powi(-3), a),
                3 => ScalarKind::Unary(self.pick(&UnaryFn::ALL), a),
                4 => {
                    let subs = [a, b].map(|value| Sub { value: *value, mode: self.pick(&Mode::ALL) }).to_vec();
                    let pad = if self.below(2) == 0 { Some(self.literal()) } else { None };
                    ScalarKind::Access(Access { tensor: Tensor::from_u32(self.pick(&[0, 4, 9])), prev: self.below(2) == 0, subs, pad })
                }
                _ => ScalarKind::Binary(self.pick(&BinaryFn::ALL), a, b),
            }
        }
    }

    #[test]
    fn random_expressions_read_back_equal() {
        for seed in 0..2000 {
            let scalar = Random(seed).scalar((seed % 5) as u32);
            let text = print(&scalar, types()).to_string();
            assert_eq!(read(&text).unwrap_or_else(|e| panic!("{text}: {e}")), scalar, "{text}");
        }
    }

    #[test]
    fn chains_associate_to_the_left() {
        let chain = read("(i0 - i1 - i2)").unwrap();
        let ScalarKind::Binary(BinaryFn::Sub, lhs, _) = &chain.kind else { panic!("{chain:?}") };
        assert!(matches!(lhs.kind, ScalarKind::Binary(BinaryFn::Sub, ..)));
    }

    #[test]
    fn long_chains_need_no_depth() {
        let text = format!("({}i0)", "i0 + ".repeat(5000));
        assert_eq!(print(&read(&text).unwrap(), types()).to_string(), text);
    }

    #[test]
    fn deep_nesting_is_an_error() {
        assert!(read(&"neg(".repeat(100_000)).is_err());
        let text = format!("{}i0{}", "neg(".repeat(250), ")".repeat(250));
        assert!(read(&text).is_ok());
    }

    #[test]
    fn dtypes_are_demanded_where_nothing_determines_them() {
        for wrong in ["1.5", "t9[]", "acc", "(t0[] + t0[] - t0[])", "foo(i0)", "sqrt(i0, i1)", "if(i0)", "(i0)", "t0[i0", "add(i0, i1)"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
