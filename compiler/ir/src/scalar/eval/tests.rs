//! Known values were computed with Python's `math` and `cmath`.
#![expect(clippy::approx_constant, reason = "tables as they were computed")]

use super::*;

const INPUTS: [f64; 9] = [-20.0, -3.5, -1.0, -0.25, 0.0, 0.5, 1.0, 2.75, 12.0];
const POSITIVE: [f64; 6] = [1e-30, 0.25, 1.0, 1.5, 7.0, 1e30];
const COMPLEX: [(f64, f64); 4] = [(1.0, 2.0), (-0.5, 0.75), (-3.0, -1.0), (2.0, -0.25)];

#[rustfmt::skip]
const EVERYWHERE: [(UnaryFn, [f64; 9]); 11] = [
    (UnaryFn::Exp, [2.061153622438558e-09, 0.0301973834223185, 0.36787944117144233, 0.7788007830714049, 1.0, 1.6487212707001282, 2.718281828459045, 15.642631884188171, 162754.79141900392]),
    (UnaryFn::Expm1, [-0.9999999979388464, -0.9698026165776815, -0.6321205588285577, -0.22119921692859512, 0.0, 0.6487212707001282, 1.718281828459045, 14.642631884188171, 162753.79141900392]),
    (UnaryFn::Sin, [-0.9129452507276277, 0.35078322768961984, -0.8414709848078965, -0.24740395925452294, 0.0, 0.479425538604203, 0.8414709848078965, 0.38166099205233167, -0.5365729180004349]),
    (UnaryFn::Cos, [0.40808206181339196, -0.9364566872907963, 0.5403023058681398, 0.9689124217106447, 1.0, 0.8775825618903728, 0.5403023058681398, -0.9243023786324636, 0.8438539587324921]),
    (UnaryFn::Tan, [-2.237160944224742, -0.3745856401585947, -1.5574077246549023, -0.25534192122103627, 0.0, 0.5463024898437905, 1.5574077246549023, -0.4129178944849325, -0.6358599286615808]),
    (UnaryFn::Tanh, [-1.0, -0.9981778976111987, -0.7615941559557649, -0.24491866240370913, 0.0, 0.46211715726000974, 0.7615941559557649, 0.9918597245682077, 0.9999999999244973]),
    (UnaryFn::Sigmoid, [2.0611536181902037e-09, 0.02931223075135632, 0.2689414213699951, 0.43782349911420193, 0.5, 0.6224593312018546, 0.7310585786300049, 0.9399133498259924, 0.9999938558253978]),
    (UnaryFn::Softplus, [2.061153620314381e-09, 0.029750418272620566, 0.31326168751822286, 0.5759394198788436, 0.6931471805599453, 0.9740769841801067, 1.3132616875182228, 2.8119675890031988, 12.000006144193478]),
    (UnaryFn::Erf, [-1.0, -0.9999992569016276, -0.8427007929497149, -0.2763263901682369, 0.0, 0.5204998778130465, 0.8427007929497149, 0.9998993780778803, 1.0]),
    (UnaryFn::Gelu, [-5.507248237212663e-88, -0.0008142017766243376, -0.15865525393145707, -0.10032341857926907, 0.0, 0.34573123063700656, 0.8413447460685429, 2.7418056511035998, 12.0]),
    (UnaryFn::Silu, [-4.122307236380407e-08, -0.10259280762974712, -0.2689414213699951, -0.10945587477855048, 0.0, 0.3112296656009273, 0.7310585786300049, 2.584761712021479, 11.999926269904773]),
];

#[rustfmt::skip]
const ON_POSITIVE: [(UnaryFn, [f64; 6]); 4] = [
    (UnaryFn::Log, [-69.07755278982137, -1.3862943611198906, 0.0, 0.4054651081081644, 1.9459101490553132, 69.07755278982137]),
    (UnaryFn::Log1p, [1e-30, 0.22314355131420976, 0.6931471805599453, 0.9162907318741551, 2.0794415416798357, 69.07755278982137]),
    (UnaryFn::Sqrt, [1e-15, 0.5, 1.0, 1.224744871391589, 2.6457513110645907, 1000000000000000.0]),
    (UnaryFn::Rsqrt, [999999999999999.9, 2.0, 1.0, 0.8164965809277261, 0.3779644730092272, 1e-15]),
];

#[rustfmt::skip]
const ON_COMPLEX: [(UnaryFn, [(f64, f64); 4]); 11] = [
    (UnaryFn::Exp, [(-1.1312043837568135, 2.4717266720048188), (0.44379173234242913, 0.41343480680265426), (0.02690006784157161, -0.041894373450204546), (7.159348238970706, -1.8280817340292228)]),
    (UnaryFn::Log, [(0.8047189562170503, 1.1071487177940904), (-0.10381968238912226, 2.158798930342464), (1.151292546497023, -2.819842099193151), (0.7008992738279278, -0.12435499454676144)]),
    (UnaryFn::Sqrt, [(1.272019649514069, 0.7861513777574233), (0.44798873806491907, 0.8370746140177701), (0.28484878459314106, -1.755317301824428), (1.4169623207895539, -0.08821688351624482)]),
    (UnaryFn::Rsqrt, [(0.5688644810057831, -0.3515775842541429), (0.4969988818226067, -0.92865090530163), (0.09007709480450048, 0.5550800690066424), (0.7030101815281647, 0.04376783093289819)]),
    (UnaryFn::Sin, [(3.165778513216168, 1.9596010414216063), (-0.6207042310780551, 0.7216508242975646), (-0.21775955162215221, 1.1634403637032504), (0.9378612777147958, 0.10512381651256378)]),
    (UnaryFn::Cos, [(2.0327230070196656, -3.0518977991518), (1.1361914738033483, 0.3942396421115833), (-1.5276382501165433, -0.1658444019189788), (-0.4292192986881662, 0.22969972965814137)]),
    (UnaryFn::Tan, [(0.0338128260798967, 1.0147936161466335), (-0.290893461829618, 0.7360841705511909), (0.05916853956605073, -0.768017647286911), (-1.5966892107707558, -1.099398135211779)]),
    (UnaryFn::Tanh, [(1.16673625724092, -0.24345820118572534), (-0.7282118012804724, 0.6180963948062024), (-1.0020549882458119, -0.004517137276658425), (0.968214572183509, -0.0170094613846015)]),
    (UnaryFn::Sigmoid, [(1.0214153641721806, 0.4034387060815425), (0.359868996916939, 0.18330374919009856), (0.02781350678868927, -0.039662227401978334), (0.8832992526675669, -0.026146512968650146)]),
    (UnaryFn::Expm1, [(-2.1312043837568133, 2.4717266720048188), (-0.5562082676575708, 0.41343480680265426), (-0.9730999321584284, -0.041894373450204546), (6.159348238970706, -1.8280817340292228)]),
    (UnaryFn::Log1p, [(1.039720770839918, 0.7853981633974483), (-0.10381968238912226, 0.982793723247329), (0.8047189562170503, -2.677945044588987), (1.1020725100903965, -0.08314123188844123)]),
];

fn f(x: f64) -> Value {
    Value::float(x, DType::F64)
}

fn i8(n: i128) -> Value {
    Value::int(n, DType::I8)
}

fn check_float(function: UnaryFn, x: f64, expected: f64, dtype: DType, eps: f64) {
    let got = eval_unary(function, Value::float(x, dtype), dtype).as_float().unwrap();
    assert!(
        (got - expected).abs() <= eps * expected.abs() + f64::from(f32::MIN_POSITIVE),
        "{function:?}({x}) as {dtype}: {got} for {expected}"
    );
}

#[test]
fn real_functions_have_their_known_values() {
    let pairs = EVERYWHERE
        .iter()
        .flat_map(|(function, ys)| INPUTS.iter().zip(ys).map(|(x, y)| (*function, *x, *y)))
        .chain(ON_POSITIVE.iter().flat_map(|(function, ys)| POSITIVE.iter().zip(ys).map(|(x, y)| (*function, *x, *y))));
    for (function, x, y) in pairs {
        check_float(function, x, y, DType::F64, 4.0 * f64::EPSILON);
        // The argument is rounded too where it is not a small dyadic number.
        check_float(function, x, y, DType::F32, 4.0 * f64::from(f32::EPSILON));
        if x.abs() <= 12.0 && x.abs() >= 0.25 && y.abs() > 1e-3 && y.abs() < 6e4 {
            check_float(function, x, y, DType::F16, 1e-3);
            check_float(function, x, y, DType::BF16, 8e-3);
        }
    }
}

#[test]
fn complex_functions_have_their_known_values() {
    for (function, ys) in ON_COMPLEX {
        for (dtype, eps) in [(DType::C128, 1e-14), (DType::C64, 4e-6)] {
            for ((re, im), (yr, yi)) in COMPLEX.iter().zip(ys) {
                let Value::Complex(gr, gi, _) = eval_unary(function, Value::complex(*re, *im, dtype), dtype) else { panic!("complex") };
                assert!((gr - yr).hypot(gi - yi) <= eps * yr.hypot(yi), "{function:?}({re}, {im}): {gr} {gi} for {yr} {yi}");
            }
        }
    }
    let z = |re, im| Value::complex(re, im, DType::C128);
    let (a, b) = (z(1.5, -2.0), z(-0.5, 3.0));
    for (function, (yr, yi)) in [
        (BinaryFn::Add, (1.0, 1.0)),
        (BinaryFn::Sub, (2.0, -5.0)),
        (BinaryFn::Mul, (5.25, 5.5)),
        (BinaryFn::Div, (-0.7297297297297297, -0.3783783783783784)),
        (BinaryFn::Pow, (-10.18812519883814, -0.7238288811768457)),
    ] {
        let Ok(Value::Complex(gr, gi, _)) = eval_binary(function, a, b) else { panic!("complex") };
        assert!((gr - yr).hypot(gi - yi) < 1e-13, "{function:?}: {gr} {gi}");
    }
    assert_eq!(eval_unary(UnaryFn::Abs, z(-3.0, 4.0), DType::F64), f(5.0));
    assert_eq!(eval_unary(UnaryFn::Conj, z(1.0, 2.0), DType::C128), z(1.0, -2.0));
    assert_eq!(eval_unary(UnaryFn::Imag, z(1.0, 2.0), DType::F64), f(2.0));
    assert_eq!(eval_unary(UnaryFn::Powi(3), z(1.0, 1.0), DType::C128), z(-2.0, 2.0));
    assert_eq!(eval_unary(UnaryFn::Cis, f(0.0), DType::C128), z(1.0, 0.0));
    assert_eq!(eval_unary(UnaryFn::Sqrt, z(-4.0, 0.0), DType::C128), z(0.0, 2.0));
    // Squares of the divisor would overflow.
    assert_eq!(eval_binary(BinaryFn::Div, z(1e200, 0.0), z(1e200, 1e200)).unwrap(), z(0.5, -0.5));
}

#[test]
fn special_values() {
    let inf = f64::INFINITY;
    for (function, x, y) in [
        (UnaryFn::Sigmoid, -inf, 0.0),
        (UnaryFn::Sigmoid, inf, 1.0),
        (UnaryFn::Sigmoid, -800.0, (-800f64).exp()),
        (UnaryFn::Softplus, 1000.0, 1000.0),
        (UnaryFn::Softplus, inf, inf),
        (UnaryFn::Softplus, -inf, 0.0),
        (UnaryFn::Gelu, -inf, -0.0),
        (UnaryFn::Silu, -inf, -0.0),
        (UnaryFn::Exp, -inf, 0.0),
        (UnaryFn::Log, 0.0, -inf),
        (UnaryFn::Sign, -0.0, 0.0),
        (UnaryFn::Sign, f64::NAN, f64::NAN),
        (UnaryFn::Relu, f64::NAN, f64::NAN),
        (UnaryFn::Relu, -2.0, 0.0),
        (UnaryFn::Round, 2.5, 2.0),
        (UnaryFn::Round, -3.5, -4.0),
        (UnaryFn::Floor, -0.5, -1.0),
        (UnaryFn::Ceil, -0.5, -0.0),
        (UnaryFn::Trunc, -1.75, -1.0),
        (UnaryFn::Sqrt, -1.0, f64::NAN),
        (UnaryFn::Neg, 0.0, -0.0),
        (UnaryFn::Powi(-2), 4.0, 0.0625),
        (UnaryFn::Powi(0), f64::NAN, 1.0),
        (UnaryFn::Powi(11), 3.0, 177147.0),
    ] {
        assert_eq!(eval_unary(function, f(x), DType::F64), f(y), "{function:?}({x})");
    }
    assert_eq!(eval_unary(UnaryFn::IsNan, f(f64::NAN), DType::Bool), Value::Bool(true));
    assert_eq!(eval_unary(UnaryFn::IsFinite, f(inf), DType::Bool), Value::Bool(false));
}

#[test]
fn float_binary_functions() {
    let inf = f64::INFINITY;
    for (function, a, b, y) in [
        (BinaryFn::FloorDiv, 7.0, -2.0, -4.0),
        (BinaryFn::Rem, 7.0, -2.0, -1.0),
        (BinaryFn::Rem, -7.0, 2.0, 1.0),
        (BinaryFn::Rem, -4.0, 2.0, 0.0),
        (BinaryFn::FloorDiv, 1.0, 0.1, 9.0),
        (BinaryFn::Rem, 1.0, 0.1, 0.09999999999999995),
        (BinaryFn::Rem, 1.0, 0.0, f64::NAN),
        (BinaryFn::FloorDiv, 1.0, 0.0, inf),
        (BinaryFn::FloorDiv, -1.0, inf, -1.0),
        (BinaryFn::Rem, -1.0, inf, inf),
        (BinaryFn::Max, 1.0, f64::NAN, f64::NAN),
        (BinaryFn::Min, f64::NAN, 1.0, f64::NAN),
        (BinaryFn::Max, -0.0, 0.0, 0.0),
        (BinaryFn::Max, 0.0, -0.0, 0.0),
        (BinaryFn::Min, 0.0, -0.0, -0.0),
        (BinaryFn::Max, 3.0, 2.0, 3.0),
        (BinaryFn::Pow, 2.0, 0.5, std::f64::consts::SQRT_2),
        (BinaryFn::Pow, -2.0, 0.5, f64::NAN),
        (BinaryFn::Atan2, 1.0, -1.0, 2.356194490192345),
    ] {
        assert_eq!(eval_binary(function, f(a), f(b)).unwrap(), f(y), "{function:?}({a}, {b})");
    }
    for (function, y) in [(BinaryFn::Eq, false), (BinaryFn::Ne, true), (BinaryFn::Lt, false), (BinaryFn::Ge, false)] {
        assert_eq!(eval_binary(function, f(f64::NAN), f(f64::NAN)).unwrap(), Value::Bool(y), "{function:?}");
    }
    // Each operation rounds to its dtype: 2049 is not an f16.
    let half = |x| Value::float(x, DType::F16);
    assert_eq!(eval_binary(BinaryFn::Add, half(2048.0), half(1.0)).unwrap(), half(2048.0));
}

#[test]
fn integers_wrap_floor_and_fault() {
    for (function, a, b, y) in [
        (BinaryFn::Add, 127, 1, -128),
        (BinaryFn::Sub, -128, 1, 127),
        (BinaryFn::Mul, 100, 3, 44),
        (BinaryFn::FloorDiv, -7, 2, -4),
        (BinaryFn::Rem, -7, 2, 1),
        (BinaryFn::Rem, 7, -2, -1),
        (BinaryFn::FloorDiv, -128, -1, -128),
        (BinaryFn::Rem, -128, -1, 0),
        (BinaryFn::Shl, 1, 7, -128),
        (BinaryFn::Shl, 1, 9, 2),
        (BinaryFn::Shr, -8, 1, -4),
        (BinaryFn::Shr, -8, -1, -1),
        (BinaryFn::Xor, 6, 3, 5),
        (BinaryFn::BitAnd, -2, 7, 6),
        (BinaryFn::BitOr, 4, 1, 5),
        (BinaryFn::Max, -3, 2, 2),
    ] {
        assert_eq!(eval_binary(function, i8(a), i8(b)).unwrap(), i8(y), "{function:?}({a}, {b})");
    }
    assert_eq!(eval_binary(BinaryFn::FloorDiv, i8(1), i8(0)), Err(ScalarFault::DivisionByZero));
    assert_eq!(eval_binary(BinaryFn::Rem, i8(1), i8(0)), Err(ScalarFault::DivisionByZero));
    let u8 = |n| Value::int(n, DType::U8);
    assert_eq!(eval_binary(BinaryFn::Shr, u8(0x80), u8(1)).unwrap(), u8(0x40));
    for (function, x, y) in [
        (UnaryFn::Neg, -128, -128),
        (UnaryFn::Abs, -128, -128),
        (UnaryFn::Sign, -5, -1),
        (UnaryFn::BitNot, 5, -6),
        (UnaryFn::Popcount, -1, 8),
        (UnaryFn::Powi(3), 7, 87),
        (UnaryFn::Relu, -3, 0),
    ] {
        assert_eq!(eval_unary(function, i8(x), DType::I8), i8(y), "{function:?}({x})");
    }
}

#[test]
fn casts_truncate_saturate_and_round() {
    for (x, dtype, y) in [(300.7, DType::I8, 127), (-3.9, DType::I8, -3), (f64::NAN, DType::I32, 0), (-1.0, DType::U8, 0)] {
        assert_eq!(cast(f(x), dtype), Value::int(y, dtype), "{x} as {dtype}");
    }
    assert_eq!(cast(f(f64::INFINITY), DType::U64), Value::Int(i128::from(u64::MAX), DType::U64));
    assert_eq!(cast(i8(-1), DType::U32), Value::int(0xffff_ffff, DType::U32));
    assert_eq!(cast(Value::int(16_777_217, DType::I32), DType::F32), Value::Float(16_777_216.0, DType::F32));
    assert_eq!(cast(f(f64::NAN), DType::Bool), Value::Bool(true));
    assert_eq!(cast(Value::Bool(true), DType::F16), Value::Float(1.0, DType::F16));
    assert_eq!(cast(f(1e300), DType::F32), Value::Float(f64::INFINITY, DType::F32));
    assert_eq!(cast(Value::complex(0.0, 1.0, DType::C64), DType::Bool), Value::Bool(true));
}

#[test]
fn an_f32_power_multiplies_from_the_left() {
    let x = 1.1f32;
    let by_hand = {
        let x2 = x * x;
        let x3 = x2 * x;
        let x6 = x3 * x3;
        let x12 = x6 * x6;
        x12 * x
    };
    let got = eval_unary(UnaryFn::Powi(13), Value::Float(f64::from(x), DType::F32), DType::F32);
    assert_eq!(got, Value::Float(f64::from(by_hand), DType::F32));
}

#[test]
fn every_typed_function_has_a_meaning_and_its_result_type() {
    use crate::scalar::typing::{binary_result, takes_binary, takes_unary, unary_result};
    for dtype in DType::ALL {
        for function in UnaryFn::ALL.into_iter().chain([UnaryFn::Powi(0), UnaryFn::Powi(3)]) {
            if takes_unary(function, dtype) {
                let result = unary_result(function, dtype);
                assert_eq!(eval_unary(function, Value::small(1, dtype), result).dtype(), result, "{function:?} {dtype}");
            }
        }
        for function in BinaryFn::ALL {
            for rhs in DType::ALL.into_iter().filter(|rhs| takes_binary(function, dtype, *rhs)) {
                let value = eval_binary(function, Value::small(1, dtype), Value::small(1, rhs)).unwrap();
                assert_eq!(value.dtype(), binary_result(function, dtype), "{function:?} {dtype} {rhs}");
            }
        }
        for to in DType::ALL {
            assert_eq!(cast(Value::small(1, dtype), to).dtype(), to, "{dtype} as {to}");
        }
    }
}
