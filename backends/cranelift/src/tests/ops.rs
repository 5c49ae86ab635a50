//! Every operation on every type, in scalars and in lanes.

use super::harness::{Builder, at, bits, count};
use super::oracle;
use ein_ir::entity::Local;
use ein_ir::kernel::{BinaryOp, Comparison, Conversion, Op, OpConst, ScalarType, SmallFloat, Stmt, Type, UnaryOp};

fn pack(ty: ScalarType, values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()[..ty.bytes() as usize].to_vec()).collect()
}

fn unpack(ty: ScalarType, bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(ty.bytes() as usize).map(bits).collect()
}

/// Runs `op` over columns of operands and compares each element with `expected`.
///
/// Bools in lanes have no memory: they are made by a comparison and taken apart lane by lane.
fn check(
    what: &str,
    inputs: &[(ScalarType, Vec<u64>)],
    result: ScalarType,
    lanes: u8,
    op: &dyn Fn(&[Local]) -> Op,
    expected: &dyn Fn(&[u64]) -> u64,
) {
    let n = inputs[0].1.len();
    assert_eq!(n % usize::from(lanes), 0, "{what}");
    let mut b = Builder::new(what);
    let stored = |ty: ScalarType| match (ty, lanes) {
        (ScalarType::Bool, 4) => ScalarType::I32,
        (ScalarType::Bool, 2) => ScalarType::I64,
        _ => ty,
    };
    let i = b.index();
    let mut body = Vec::new();
    let mut operands = Vec::new();
    for (ty, values) in inputs {
        let buffer = b.input(stored(*ty), values.len());
        let local = b.local(Type { scalar: stored(*ty), lanes });
        body.push(Stmt::Set(local, Op::Load(at(buffer, 0, &[(i, 1)]))));
        operands.push(if stored(*ty) == *ty { local } else { mask(&mut b, &mut body, local) });
    }
    let (out, value) = (b.output(result, n), b.local(Type { scalar: result, lanes }));
    body.push(Stmt::Set(value, op(&operands)));
    if stored(result) == result {
        body.push(Stmt::Store(at(out, 0, &[(i, 1)]), value));
    } else {
        let bool = b.local(Type::BOOL);
        for lane in 0..lanes {
            body.push(Stmt::Set(bool, Op::Extract(value, lane)));
            body.push(Stmt::Store(at(out, i64::from(lane), &[(i, 1)]), bool));
        }
    }
    b.kernel(1, vec![count(i, 0, n as i64, i64::from(lanes), body)]);
    let mut arguments: Vec<_> = inputs.iter().map(|(ty, values)| pack(stored(*ty), values)).collect();
    arguments.push(vec![0xAA; n * result.bytes() as usize]);
    let (code, after) = b.run(&arguments);
    assert_eq!(code, Ok(()));
    for (i, got) in unpack(result, after.last().unwrap()).into_iter().enumerate() {
        let operands: Vec<u64> = inputs.iter().map(|(_, values)| values[i]).collect();
        let want = expected(&operands);
        assert!(oracle::same(result, got, want), "{what} x{lanes} of {operands:x?}: {got:x}, not {want:x}");
    }
}

/// Where a vector of integers is not 0.
fn mask(b: &mut Builder, body: &mut Vec<Stmt>, vector: Local) -> Local {
    let ty = b.locals[vector];
    let (zero, mask) = (b.local(ty), b.local(Type { scalar: ScalarType::Bool, ..ty }));
    body.push(Stmt::Set(zero, Op::Const(OpConst::Int(0))));
    body.push(Stmt::Set(mask, Op::Compare(Comparison::Ne, vector, zero)));
    mask
}

fn lane_counts(ty: ScalarType) -> Vec<u8> {
    Type::vector(ty).map_or(vec![1], |v| vec![1, v.lanes])
}

/// All pairs of samples, as two columns.
fn pairs(ty: ScalarType, keep: &dyn Fn(u64, u64) -> bool) -> [(ScalarType, Vec<u64>); 2] {
    let samples = oracle::samples(ty);
    let mut all: Vec<(u64, u64)> =
        samples.iter().flat_map(|&a| samples.iter().map(move |&b| (a, b))).filter(|&(a, b)| keep(a, b)).collect();
    while !all.len().is_multiple_of(4) {
        all.push(all[0]);
    }
    let (a, b) = all.into_iter().unzip();
    [(ty, a), (ty, b)]
}

#[test]
fn unary_functions() {
    use UnaryOp::{Abs, Ceil, Floor, Nearest, Neg, Not, Popcount, Sqrt, Trunc};
    for ty in ScalarType::ALL {
        let functions: &[UnaryOp] = match ty {
            ScalarType::Bool => &[Not],
            _ if ty.is_float() => &[Neg, Abs, Sqrt, Floor, Ceil, Nearest, Trunc],
            _ => &[Neg, Not, Abs, Popcount],
        };
        for &f in functions {
            for lanes in lane_counts(ty) {
                let column = [(ty, oracle::samples(ty))];
                check(&format!("{f:?} {}", ty.name()), &column, ty, lanes, &|v| Op::Unary(f, v[0]), &|v| oracle::unary(f, ty, v[0]));
            }
        }
    }
}

#[test]
fn binary_functions() {
    use BinaryOp::{Add, And, Div, Max, Min, Mul, Or, SDiv, SRem, SShr, Shl, Sub, UDiv, UMax, UMin, URem, UShr, Xor};
    for ty in ScalarType::ALL {
        let functions: &[BinaryOp] = match ty {
            ScalarType::Bool => &[And, Or, Xor],
            _ if ty.is_float() => &[Add, Sub, Mul, Div, Min, Max],
            _ => &[Add, Sub, Mul, SDiv, SRem, UDiv, URem, Min, Max, UMin, UMax, And, Or, Xor, Shl, SShr, UShr],
        };
        for &f in functions {
            let width = u64::from(8 * ty.bytes());
            let keep = move |_: u64, b: u64| match f {
                SDiv | SRem | UDiv | URem => b != 0,
                Shl | SShr | UShr => b < width,
                _ => true,
            };
            for lanes in lane_counts(ty) {
                let columns = pairs(ty, &keep);
                let expected = |v: &[u64]| oracle::binary(f, ty, v[0], v[1]);
                check(&format!("{f:?} {}", ty.name()), &columns, ty, lanes, &|v| Op::Binary(f, v[0], v[1]), &expected);
            }
        }
    }
}

#[test]
fn comparisons() {
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne, UGe, UGt, ULe, ULt};
    for ty in ScalarType::ALL {
        let all: &[Comparison] = match ty {
            ScalarType::Bool => &[Eq, Ne],
            _ if ty.is_float() => &[Eq, Ne, Lt, Le, Gt, Ge],
            _ => &[Eq, Ne, Lt, Le, Gt, Ge, ULt, ULe, UGt, UGe],
        };
        for &f in all {
            for lanes in lane_counts(ty) {
                let expected = |v: &[u64]| u64::from(oracle::compare(f, ty, v[0], v[1]));
                let columns = pairs(ty, &|_, _| true);
                check(&format!("{f:?} {}", ty.name()), &columns, ScalarType::Bool, lanes, &|v| Op::Compare(f, v[0], v[1]), &expected);
            }
        }
    }
}

#[test]
fn functions_of_masks() {
    for lanes in [2, 4] {
        for f in [BinaryOp::And, BinaryOp::Or, BinaryOp::Xor] {
            let columns = pairs(ScalarType::Bool, &|_, _| true);
            check("masks", &columns, ScalarType::Bool, lanes, &|v| Op::Binary(f, v[0], v[1]), &|v| {
                oracle::binary(f, ScalarType::Bool, v[0], v[1])
            });
        }
        for f in [Comparison::Eq, Comparison::Ne] {
            let columns = pairs(ScalarType::Bool, &|_, _| true);
            let expected = |v: &[u64]| u64::from(oracle::compare(f, ScalarType::I16, v[0], v[1]));
            check("equal masks", &columns, ScalarType::Bool, lanes, &|v| Op::Compare(f, v[0], v[1]), &expected);
        }
        let column = [(ScalarType::Bool, oracle::samples(ScalarType::Bool))];
        check("not mask", &column, ScalarType::Bool, lanes, &|v| Op::Unary(UnaryOp::Not, v[0]), &|v| v[0] ^ 1);
    }
}

#[test]
fn conversions() {
    use Conversion::{FloatToFloat, FloatToSigned, FloatToUnsigned, SignExtend, SignedToFloat, UnsignedToFloat, Wrap, ZeroExtend};
    for from in ScalarType::ALL {
        for to in ScalarType::ALL {
            let all: &[Conversion] = match (from.is_float(), to.is_float()) {
                (true, true) if from != to => &[FloatToFloat],
                (true, false) if to != ScalarType::Bool => &[FloatToSigned, FloatToUnsigned],
                (false, true) if from != ScalarType::Bool => &[SignedToFloat, UnsignedToFloat],
                (false, false) if from == ScalarType::Bool && to != ScalarType::Bool => &[ZeroExtend],
                (false, false) if to.bytes() > from.bytes() => &[SignExtend, ZeroExtend],
                (false, false) if to.bytes() < from.bytes() && to != ScalarType::Bool => &[Wrap],
                _ => continue,
            };
            for &f in all {
                let lanes = Type::vector(to).map_or(1, |v| v.lanes);
                let vectors = lanes > 1 && (from == ScalarType::Bool || Type::vector(from).is_some_and(|v| v.lanes == lanes));
                for lanes in if vectors { vec![1, lanes] } else { vec![1] } {
                    let column = [(from, oracle::samples(from))];
                    let what = format!("{f:?} {} {}", from.name(), to.name());
                    check(&what, &column, to, lanes, &|v| Op::Convert(f, v[0]), &|v| oracle::convert(f, from, to, v[0]));
                }
            }
        }
    }
}

/// Every pattern is decoded; encoded are the numbers of the format, the ties between them, and their neighbours.
#[test]
fn small_floats() {
    for small in SmallFloat::ALL {
        let (format, storage) = (small.format(), small.storage());
        let patterns: Vec<u64> = (0..=format.top() << 1 | 1).collect();
        let decoded = |raw: u64| u64::from((format.decode(raw) as f32).to_bits());
        let what = format!("decode {small:?}");
        let column = [(storage, patterns.clone())];
        check(&what, &column, ScalarType::F32, 1, &|v| Op::Convert(Conversion::Decode(small), v[0]), &|v| decoded(v[0]));
        for from in [ScalarType::F32, ScalarType::F64] {
            let exact = |x: f64| if from == ScalarType::F32 { u64::from((x as f32).to_bits()) } else { x.to_bits() };
            let value = |bits: u64| if from == ScalarType::F32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) };
            let mut samples = oracle::samples(from);
            for pair in patterns.windows(2).step_by(if storage == ScalarType::I16 { 7 } else { 1 }) {
                let (a, b) = (format.decode(pair[0]), format.decode(pair[1]));
                let tie = exact((a + b) / 2.0);
                samples.extend([exact(a), exact(b), tie, tie.wrapping_add(1), tie.wrapping_sub(1)]);
            }
            samples.extend([464.0, 464.001, 480.0, 511.0, 512.0, 65519.99, 65520.0, 61439.9, 61440.0, 3.4e38, 1e300, 1e-300].map(exact));
            let what = format!("encode {small:?} {}", from.name());
            check(&what, &[(from, samples)], storage, 1, &|v| Op::Convert(Conversion::Encode(small), v[0]), &|v| {
                format.encode(value(v[0]))
            });
        }
    }
}

#[test]
fn selections_splats_and_lanes() {
    for ty in ScalarType::ALL {
        for lanes in lane_counts(ty) {
            let [a, b] = pairs(ty, &|_, _| true);
            let bools = (ScalarType::Bool, (0..a.1.len()).map(|i| u64::from(i % 3 == 1)).collect());
            check("select", &[bools, a, b], ty, lanes, &|v| Op::Select(v[0], v[1], v[2]), &|v| if v[0] == 1 { v[1] } else { v[2] });
        }
    }
    for ty in [ScalarType::I32, ScalarType::I64, ScalarType::F32, ScalarType::F64] {
        let lanes = Type::vector(ty).unwrap().lanes;
        let samples = oracle::samples(ty);
        let mut b = Builder::new("lanes");
        let (input, splats, reversed) = (b.input(ty, samples.len()), b.output(ty, samples.len()), b.output(ty, samples.len()));
        let (i, scalar, vector) = (b.index(), b.local(Type::scalar(ty)), b.local(Type { scalar: ty, lanes }));
        let mut body = vec![
            Stmt::Set(scalar, Op::Load(at(input, 0, &[(i, 1)]))),
            Stmt::Set(vector, Op::Splat(scalar)),
            Stmt::Store(at(splats, 0, &[(i, 1)]), vector),
            Stmt::Set(vector, Op::Load(at(input, 0, &[(i, 1)]))),
        ];
        for lane in 0..lanes {
            body.push(Stmt::Set(scalar, Op::Extract(vector, lane)));
            body.push(Stmt::Store(at(reversed, i64::from(lanes - 1 - lane), &[(i, 1)]), scalar));
        }
        b.kernel(1, vec![count(i, 0, samples.len() as i64, i64::from(lanes), body)]);
        let blank = vec![0; samples.len() * ty.bytes() as usize];
        let (_, after) = b.run(&[pack(ty, &samples), blank.clone(), blank]);
        let n = usize::from(lanes);
        let want_splats: Vec<u64> = samples.chunks(n).flat_map(|c| vec![c[0]; n]).collect();
        let want_reversed: Vec<u64> = samples.chunks(n).flat_map(|c| c.iter().rev().copied().collect::<Vec<_>>()).collect();
        assert_eq!((unpack(ty, &after[1]), unpack(ty, &after[2])), (want_splats, want_reversed), "{}", ty.name());
    }
}

#[test]
fn fused_multiply_add_rounds_once() {
    for lanes in [1, 4] {
        let (a, b, c) = (1.0f32 + f32::EPSILON, 1.0f32 - f32::EPSILON, -1.0f32);
        let column = |x: f32| (ScalarType::F32, vec![u64::from(x.to_bits()); 4]);
        let expected = |_: &[u64]| u64::from(a.mul_add(b, c).to_bits());
        if crate::target::has_fma(&*crate::target::isa(crate::Cpu::Host).unwrap()) {
            check("fma", &[column(a), column(b), column(c)], ScalarType::F32, lanes, &|v| Op::Fma(v[0], v[1], v[2]), &expected);
        }
    }
}
