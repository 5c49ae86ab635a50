//! Every identity on every small expression that it applies to, evaluated on values for which algebra is delicate, both ways.

use super::{FAMILIES, Identity, Stage, simplify};
use ein_ir::dtype::{Class, DType};
use ein_ir::scalar::eval::{ScalarFault, cast, eval_binary, eval_unary};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::{Value, greatest_float, int_range};
use ein_ir::scalar::{Literal, Scalar, ScalarKind, typing};
use ein_ir::span::Span;
use std::collections::BTreeSet;

/// The number of the operand that is the condition of cases; the others have the type at hand.
const CONDITION: u32 = 2;

fn here() -> Span {
    Span::default()
}

fn operand(n: u32, dtype: DType) -> Scalar {
    Scalar::new(ScalarKind::Operand(n), dtype, here())
}

fn constant(value: Value) -> Scalar {
    Scalar::literal(value.to_literal().expect("no key"), value.dtype(), here())
}

fn evaluate(scalar: &Scalar, operands: &[Value; 3]) -> Result<Value, ScalarFault> {
    let of = |s: &Scalar| evaluate(s, operands);
    match &scalar.kind {
        ScalarKind::Literal(literal) => Ok(Value::from_literal(*literal, scalar.dtype)),
        ScalarKind::Operand(n) => Ok(operands[*n as usize]),
        ScalarKind::Unary(function, a) => Ok(eval_unary(*function, of(a)?, scalar.dtype)),
        ScalarKind::Binary(function @ (BinaryFn::And | BinaryFn::Or), a, b) => {
            let a = of(a)?;
            if a == Value::Bool(*function == BinaryFn::Or) { Ok(a) } else { of(b) }
        }
        ScalarKind::Binary(function, a, b) => eval_binary(*function, of(a)?, of(b)?),
        ScalarKind::Cast(a) => Ok(cast(of(a)?, scalar.dtype)),
        ScalarKind::If(c, a, b) => of(if of(c)? == Value::Bool(true) { a } else { b }),
        _ => unreachable!("not made here"),
    }
}

/// Both zeros, what is not finite, the ends of the type and of its normal numbers, and a few between.
fn values(dtype: DType) -> Vec<Value> {
    let least_normal = match dtype.real() {
        DType::F8E4M3 => 2f64.powi(-6),
        DType::F16 | DType::F8E5M2 => 2f64.powi(-14),
        DType::F64 => f64::MIN_POSITIVE,
        _ => f64::from(f32::MIN_POSITIVE),
    };
    let largest = match dtype.real() {
        DType::F64 => f64::MAX,
        DType::F32 => f64::from(f32::MAX),
        other => ein_ir::scalar::small::SmallFormat::of(other).map_or(0.0, |format| format.max),
    };
    let plain = [0.0, 1.0, 1.5, 3.0, 0.1, 700.0, least_normal, least_normal / 4.0, least_normal * 1.5, largest, f64::INFINITY];
    let parts = plain.into_iter().flat_map(|x| [x, -x]).chain([f64::NAN]);
    let mut out: Vec<Value> = match dtype.class() {
        Class::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Class::Signed | Class::Unsigned => {
            let (lo, hi) = int_range(dtype);
            let all = [lo, lo + 1, lo / 2, -3, -2, -1, 0, 1, 2, 3, 7, 100, 70_000, (1 << 53) + 1, hi / 2, hi - 1, hi];
            all.into_iter().map(|n| Value::int(n, dtype)).collect()
        }
        Class::Float => parts.map(|x| Value::float(x, dtype)).collect(),
        Class::Complex => {
            let few = [0.0, -0.0, 1.5, -3.0, largest, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
            few.iter().flat_map(|re| few.iter().map(|im| Value::complex(*re, *im, dtype))).collect()
        }
        Class::Key => Vec::new(),
    };
    let mut seen: Vec<Value> = Vec::new();
    out.retain(|value| !seen.contains(value) && (seen.push(*value), true).1);
    out
}

/// Literals that identities may name, and some that they must not take for these.
fn literals(dtype: DType) -> Vec<Scalar> {
    let floats = [0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 3.0, greatest_float(dtype), -greatest_float(dtype), f64::NAN, 2f64.powi(-14)];
    let of: Vec<Value> = match dtype.class() {
        Class::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Class::Signed | Class::Unsigned => {
            let (lo, hi) = int_range(dtype);
            [lo, -1, 0, 1, 2, 3, hi].into_iter().map(|n| Value::int(n, dtype)).collect()
        }
        Class::Float => floats.into_iter().map(|x| Value::float(x, dtype)).collect(),
        Class::Complex => {
            [(0.0, 0.0), (-0.0, -0.0), (0.0, -0.0), (1.0, 0.0), (2.0, 0.0)].map(|(a, b)| Value::complex(a, b, dtype)).to_vec()
        }
        Class::Key => Vec::new(),
    };
    of.into_iter().map(constant).collect()
}

fn unaries(a: &Scalar) -> Vec<Scalar> {
    let functions = UnaryFn::ALL.into_iter().chain([-2, -1, 0, 1, 2, 3, 6].map(UnaryFn::Powi));
    let taken = functions.filter(|f| typing::takes_unary(*f, a.dtype));
    taken.map(|f| Scalar::unary(f, a.clone(), typing::unary_result(f, a.dtype), here())).collect()
}

fn binaries(a: &Scalar, b: &Scalar) -> Vec<Scalar> {
    let taken = BinaryFn::ALL.into_iter().filter(|f| typing::takes_binary(*f, a.dtype, b.dtype));
    taken.map(|f| Scalar::binary(f, a.clone(), b.clone(), typing::binary_result(f, a.dtype), here())).collect()
}

fn cases(c: &Scalar, a: &Scalar, b: &Scalar) -> Option<Scalar> {
    let kind = || ScalarKind::If(Box::new(c.clone()), Box::new(a.clone()), Box::new(b.clone()));
    (c.dtype == DType::Bool && a.dtype == b.dtype).then(|| Scalar::new(kind(), a.dtype, here()))
}

/// Those that an identity may see: operands are simplified before what they are operands of.
fn settled(expressions: Vec<Scalar>) -> Vec<Scalar> {
    let is_settled = |s: &Scalar| {
        let mut simpler = s.clone();
        simplify(&mut simpler, Stage::AfterFusion);
        simpler == *s
    };
    expressions.into_iter().filter(is_settled).collect()
}

/// Expressions over operands of a type, of one function and of two.
fn expressions(dtype: DType) -> Vec<Scalar> {
    let (x, y, c) = (operand(0, dtype), operand(1, dtype), operand(CONDITION, DType::Bool));
    let leaves: Vec<Scalar> = [x.clone(), y.clone()].into_iter().chain(literals(dtype)).collect();
    let mut shallow: Vec<Scalar> = leaves.iter().flat_map(unaries).collect();
    shallow.extend(leaves.iter().flat_map(|a| leaves.iter().flat_map(|b| binaries(a, b))));
    let few: Vec<Scalar> = leaves.iter().take(6).chain(leaves.last()).cloned().collect();
    let beside_x = few.iter().flat_map(|b| binaries(&x, b).into_iter().chain(binaries(b, &x)));
    let inner = settled(few.iter().flat_map(unaries).chain(beside_x).collect());
    let truths: Vec<Scalar> = [false, true].map(|b| constant(Value::Bool(b))).into_iter().chain([c.clone()]).collect();
    let outer: Vec<Scalar> = few.iter().chain(&truths).cloned().collect();
    let mut deep: Vec<Scalar> = inner.iter().flat_map(unaries).collect();
    for a in &inner {
        for b in outer.iter().filter(|b| a.dtype == b.dtype) {
            deep.extend(binaries(a, b).into_iter().chain(binaries(b, a)).chain(cases(&c, a, b)));
        }
        deep.extend(binaries(a, a).into_iter().chain(cases(&c, a, a)).chain(cases(a, &x, &y)));
        deep.extend(cases(a, &x, &x).into_iter().chain(truths.iter().flat_map(|t| truths.iter().filter_map(|u| cases(a, t, u)))));
    }
    let signed: Vec<Scalar> =
        [&x, &y].into_iter().flat_map(unaries).filter(|s| matches!(s.kind, ScalarKind::Unary(UnaryFn::Neg, _))).collect();
    deep.extend(signed.iter().flat_map(|a| signed.iter().flat_map(|b| binaries(a, b))));
    deep.extend(truths.iter().filter_map(|t| cases(t, &x, &y)));
    deep.extend(truths.iter().flat_map(|a| truths.iter().flat_map(|b| binaries(a, b))));
    shallow.into_iter().chain(deep).collect()
}

/// Conversions of conversions, and parts of what was made complex.
fn conversions(dtype: DType) -> Vec<Scalar> {
    let to = |s: &Scalar, dtype: DType| Scalar::new(ScalarKind::Cast(Box::new(s.clone())), dtype, here());
    let types = || DType::ALL.into_iter().filter(|dtype| *dtype != DType::Key);
    let once: Vec<Scalar> = types().map(|over| to(&operand(0, dtype), over)).collect();
    let mut out: Vec<Scalar> = once.iter().flat_map(|s| types().map(|last| to(s, last))).collect();
    out.extend(once.iter().flat_map(unaries));
    if dtype.is_complex() {
        let part = Scalar::unary(UnaryFn::Imag, operand(0, dtype), dtype.real(), here());
        out.extend(unaries(&to(&part, dtype)));
    }
    out.into_iter().chain(once).collect()
}

fn names(scalar: &Scalar) -> impl Iterator<Item = &'static Identity> {
    let first = scalar.children().first().map(|child| child.dtype);
    FAMILIES.iter().copied().flatten().filter(move |identity| first.is_some_and(identity.holds))
}

fn mentions(scalar: &Scalar, n: u32) -> bool {
    let mut found = false;
    scalar.visit(&mut |s| found |= s.kind == ScalarKind::Operand(n));
    found
}

/// How much is left to do: functions, dear ones counted more.
fn weight(scalar: &Scalar) -> usize {
    let mut n = 0;
    scalar.visit(&mut |s| {
        n += match s.kind {
            ScalarKind::Binary(BinaryFn::Pow, ..) => 5,
            ScalarKind::Binary(BinaryFn::Div, ..) => 3,
            _ => 2,
        };
    });
    n
}

#[track_caller]
fn check(identity: &Identity, before: &Scalar, after: &Scalar, values: &[Value]) {
    assert_eq!(before.dtype, after.dtype, "{}", identity.name);
    assert!(weight(after) < weight(before), "{} makes {after:?} of {before:?}", identity.name);
    let of = |n: u32| if mentions(before, n) { values } else { &values[..1] };
    let (xs, ys, truths) = (of(0), of(1), &[false, true][usize::from(!mentions(before, CONDITION))..]);
    for &x in xs {
        for &y in ys {
            for &c in truths {
                let operands = [x, y, Value::Bool(c)];
                let (a, b) = (evaluate(before, &operands), evaluate(after, &operands));
                assert_eq!(a, b, "{} is wrong of {operands:?}: {after:?} instead of {before:?}", identity.name);
            }
        }
    }
}

/// Every type of numbers is tried on every identity that names it, at least once.
fn check_types(is_meant: fn(DType) -> bool) {
    for dtype in DType::ALL.into_iter().filter(|dtype| *dtype != DType::Key && is_meant(*dtype)) {
        let mut fired: BTreeSet<&str> = BTreeSet::new();
        let values = values(dtype);
        for before in expressions(dtype).into_iter().chain(conversions(dtype)) {
            let mut left = before.clone();
            for identity in names(&before) {
                if let Some(after) = identity.apply(&mut left) {
                    check(identity, &before, &after, &values);
                    fired.insert(identity.name);
                    left = before.clone();
                }
            }
            assert_eq!(left, before, "something changes what it does not replace");
        }
        let named = FAMILIES.iter().copied().flatten().filter(|identity| (identity.holds)(dtype));
        let untried: Vec<&str> = named.map(|identity| identity.name).filter(|name| !fired.contains(name)).collect();
        assert!(untried.is_empty(), "{untried:?} of {dtype} are not tried");
    }
}

#[test]
fn both_sides_have_the_same_bits_of_floats() {
    check_types(|dtype| dtype.is_float() || dtype.is_complex());
}

#[test]
fn both_sides_have_the_same_bits_of_integers_and_truth_values() {
    check_types(|dtype| !dtype.is_float() && !dtype.is_complex());
}

#[test]
fn names_are_listed_once() {
    let rules = include_str!("../egraph/rules/README.md");
    let names: Vec<&str> = FAMILIES.iter().copied().flatten().map(|identity| identity.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        assert!(rules.contains(&format!("`{name}`")), "{name} is not in the list of the rules");
    }
}

#[track_caller]
fn simplified(mut scalar: Scalar) -> Scalar {
    simplify(&mut scalar, Stage::AfterFusion);
    scalar
}

fn of(function: BinaryFn, a: &Scalar, b: &Scalar) -> Scalar {
    Scalar::binary(function, a.clone(), b.clone(), typing::binary_result(function, a.dtype), here())
}

fn negative(a: &Scalar) -> Scalar {
    Scalar::unary(UnaryFn::Neg, a.clone(), a.dtype, here())
}

/// Neither what is inside of it nor it with what is around it.
#[test]
fn keep_stays_as_written() {
    let x = operand(0, DType::F64);
    let one = constant(Value::float(1.0, DType::F64));
    let keep = |a: Scalar| Scalar::unary(UnaryFn::Keep, a, DType::F64, here());
    for kept in [keep(of(BinaryFn::Mul, &x, &one)), negative(&keep(negative(&x)))] {
        assert_eq!(simplified(kept.clone()), kept);
    }
    // Around it an operand like every other.
    let kept = keep(negative(&x));
    assert_eq!(simplified(of(BinaryFn::Mul, &kept, &one)), kept);
}

#[test]
fn what_floats_do_not_obey_stays() {
    for dtype in [DType::F8E4M3, DType::F16, DType::F32, DType::F64, DType::C64, DType::C128] {
        let x = operand(0, dtype);
        let [zero, one] = [0, 1].map(|n| constant(Value::small(n, dtype)));
        for s in [
            of(BinaryFn::Add, &x, &zero),
            of(BinaryFn::Sub, &x, &x),
            of(BinaryFn::Sub, &zero, &x),
            of(BinaryFn::Mul, &x, &zero),
            of(BinaryFn::Div, &x, &x),
            of(BinaryFn::Eq, &x, &x),
        ] {
            assert_eq!(simplified(s.clone()), s);
        }
        let product = of(BinaryFn::Mul, &x, &one);
        assert_eq!(simplified(product.clone()) == product, dtype.is_complex());
    }
    let less = of(BinaryFn::Lt, &operand(0, DType::F32), &operand(1, DType::F32));
    let not_less = Scalar::unary(UnaryFn::Not, less, DType::Bool, here());
    assert_eq!(simplified(not_less.clone()), not_less);
}

/// An operand that can end the program is evaluated, and of two the same one first.
#[test]
fn faults_stay() {
    let [x, y] = [0, 1].map(|n| operand(n, DType::I64));
    let zero = constant(Value::index(0));
    let quotient = of(BinaryFn::FloorDiv, &x, &y);
    let other = of(BinaryFn::Rem, &x, &y);
    let is_so = of(BinaryFn::Eq, &quotient, &zero);
    let truth = |b: bool| Scalar::literal(Literal::Bool(b), DType::Bool, here());
    for s in [
        of(BinaryFn::Mul, &quotient, &zero),
        of(BinaryFn::Sub, &quotient, &quotient),
        of(BinaryFn::Add, &negative(&quotient), &other),
        negative(&of(BinaryFn::Sub, &quotient, &other)),
        of(BinaryFn::And, &is_so, &truth(false)),
        cases(&is_so, &x, &x).expect("cases"),
    ] {
        assert_eq!(simplified(s.clone()), s);
    }
    assert_eq!(simplified(of(BinaryFn::And, &truth(false), &is_so)), truth(false));
    assert_eq!(simplified(of(BinaryFn::Mul, &of(BinaryFn::Add, &x, &y), &zero)), zero);
}

#[test]
fn simpler_forms_meet() {
    let [x, y] = [0, 1].map(|n| operand(n, DType::F64));
    let number = |x: f64| constant(Value::float(x, DType::F64));
    let nested = of(BinaryFn::Max, &of(BinaryFn::Max, &number(1.0), &of(BinaryFn::Max, &x, &number(2.0))), &number(-3.0));
    assert_eq!(simplified(nested), of(BinaryFn::Max, &x, &number(2.0)));
    let signs = negative(&negative(&of(BinaryFn::Sub, &of(BinaryFn::Mul, &x, &number(1.0)), &negative(&y))));
    assert_eq!(simplified(signs), of(BinaryFn::Add, &x, &y));
    assert_eq!(simplified(of(BinaryFn::Div, &x, &number(-8.0))), of(BinaryFn::Mul, &x, &number(-0.125)));
    let mut early = of(BinaryFn::Div, &x, &number(-8.0));
    simplify(&mut early, Stage::BeforeGraph);
    assert_eq!(early, of(BinaryFn::Div, &x, &number(-8.0)));
    assert_eq!(simplified(of(BinaryFn::Div, &x, &number(10.0))), of(BinaryFn::Div, &x, &number(10.0)));
}
