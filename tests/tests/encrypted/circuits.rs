//! Programs over integers that are encrypted one by one: lowered to circuits, carried out in the clear, and compared with the reference
//! interpreter to the last bit.

use ein::circuit::VerifiedCircuit;
use ein::pipeline::Origin;
use ein::{Compiler, Order, Tensor, TensorRef};
use ein_ir::circuit::{Op, parse, print, verify};
use ein_ir::dtype::DType;
use ein_ir::interp::{self, Data};
use ein_ir::scalar::value::Value;
use ein_tests::oracle::{self, to_tensor};
use ein_tests::random::Random;
use std::fmt::Write as _;
use std::path::Path;

/// Numbers in the ranges that the operands of a circuit have, now and then at an end of them.
fn operands(circuit: &VerifiedCircuit, random: &mut Random) -> Vec<(String, Data)> {
    let mut number = |(lo, hi): (i128, i128)| match random.below(8) {
        0 => lo,
        1 => hi,
        2 => lo + (hi - lo) / 3,
        3 => hi - (hi - lo) / 5,
        // Whatever the type is: numbers that wrap now and then.
        _ => i128::from(random.between(lo.max(-(1 << 40)) as i64, hi.min(1 << 40) as i64)),
    };
    let operand = |decl: &ein_ir::circuit::InputDecl| {
        let n: u64 = decl.shape.iter().product();
        let value = |n: i128| if decl.dtype == DType::Bool { Value::Bool(n != 0) } else { Value::int(n, decl.dtype) };
        let values = (0..n).map(|_| value(number(decl.range))).collect();
        (decl.name.clone(), Data::new(decl.dtype, decl.shape.iter().map(|n| *n as usize).collect(), values))
    };
    circuit.inputs.values().map(operand).collect()
}

/// Lowers the last definition, prints it and reads it back, and compares its results on some operands with those of the interpreter.
fn check(source: &str, sizes: &[(&str, i64)], runs: usize) -> VerifiedCircuit {
    let program = Compiler::new().threads(1).compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let function = program.main_def().expect("a definition");
    let circuit = function.circuit(sizes).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let text = print::print(&circuit);
    let again = verify::verify(parse::parse(&text).unwrap_or_else(|e| panic!("{text}\n{e}"))).unwrap_or_else(|e| panic!("{text}\n{e:?}"));
    assert_eq!(*again, *circuit, "{text}");
    let given: Vec<(String, i64)> = sizes.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    for seed in 0..runs {
        let operands = operands(&circuit, &mut Random::new(seed as u64));
        let tensors: Vec<(String, Tensor)> = operands.iter().map(|(name, data)| (name.clone(), to_tensor(data))).collect();
        let views: Vec<(&str, TensorRef<'_>)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.into())).collect();
        let (_, found) = function.simulate_circuit(&views, &given).unwrap_or_else(|e| panic!("{source}\n{text}\n{e}"));
        let shapes: Vec<&[usize]> = operands.iter().map(|(_, data)| data.shape.as_slice()).collect();
        let module = oracle::module(source, None).and_then(|m| oracle::specialise(&m, &shapes, &given)).unwrap_or_else(|e| panic!("{e:?}"));
        let inputs: Vec<Data> = operands.iter().map(|(_, data)| data.clone()).collect();
        let expected = interp::tensor::run(&module, &inputs).unwrap_or_else(|e| panic!("{source}\n{e:?}"));
        for ((name, got), expected) in found.iter().zip(expected) {
            assert_eq!(got.as_bytes(), to_tensor(&expected).as_bytes(), "`{name}` of\n{source}\n{inputs:?}\n{text}");
        }
    }
    circuit
}

/// How many operations on ciphertexts are of a kind.
fn count(circuit: &VerifiedCircuit, is: impl Fn(&Op) -> bool) -> usize {
    circuit.nodes.values().filter(|node| node.secret && is(&node.op)).count()
}

#[test]
fn sums_of_products_propagate_carries_once_an_element() {
    let source = "def f<N, M, K>(x: secret u8[N, K] in 0..15, y: secret u8[K, M] in 0..7, w: i8[M] in -4..3) -> z: secret i32[N, M] {
  z[i, j] = sum:i32[k](x[i, k] as i32 * y[k, j] as i32) * w[j] as i32 - 7;
}";
    let circuit = check(source, &[("N", 2), ("M", 3), ("K", 5)], 3);
    assert_eq!(count(&circuit, |op| matches!(op, Op::Sum(terms, _) if terms.len() == 5)), 6, "{}", print::print(&circuit));
    check(source, &[("N", 1), ("M", 1), ("K", 0)], 1);
    check(source, &[("N", 0), ("M", 2), ("K", 1)], 1);
}

/// On the processor products of this size are of floats, which are exact there.
#[test]
fn products_of_small_integers_stay_integers() {
    let source = "def f<N>(x: secret i8[N, N] in -2..2, w: i8[N, N] in -2..2) -> y: secret i32[N, N] { y[i, j] = x[i, k] * w[k, j]; }";
    for n in [16, 20] {
        check(source, &[("N", n)], 1);
    }
}

#[test]
fn tropical_and_boolean_semirings() {
    let paths = "def paths<V>(W: secret u8[V, V] in 0..50) -> D: secret i32[V, V] {
  scan k: V {
    D[i, j]: i32 = min(prev D[i, j], prev D[i, k] + prev D[k, j]) from W[i, j] as i32;
  }
}";
    check(paths, &[("V", 4)], 2);
    check(
        "def f<N>(a: secret i16[N, N] in -9..9, b: i16[N] in -9..9) -> c: secret i16[N] { c[i] = max[k](a[i, k] + b[k]); }",
        &[("N", 5)],
        3,
    );
    let reach = "def reach<V>(E: secret bool[V, V]) -> R: secret bool[V, V] { R[i, j] = any[k](E[i, k] and E[k, j]) or i == j; }";
    let circuit = check(reach, &[("V", 4)], 3);
    assert_eq!(count(&circuit, |op| matches!(op, Op::Any(_))), 12, "{}", print::print(&circuit));
    check("def f<N>(E: secret bool[N]) -> (a: secret bool, n: secret i64) { a = all[i](E[i]); n = sum[i](E[i] as i64); }", &[("N", 17)], 4);
}

#[test]
fn secrets_decide_where_both_sides_are_computed() {
    let source = "def f<N, M>(x: secret i8[N], t: i16[M], k: secret u8[N] in 0..7, s: secret i8[M])
    -> (y: secret i8[N], m: secret i64, g: secret i16[N], h: secret i8[N], c: secret i32[M], n: secret i32) {
  y[i] = if x[i] > 10 then x[i] - 3 else relu(x[i]);
  m    = argmax[i](x[i]);
  g[i] = t[clamp(k[i] as i64)];
  h[i] = s[pad(k[i] as i64, -1)];
  c[v] = sum:i32[i where k[i] as i64 == v](1);
  n    = sum:i32[i where x[i] < 0](x[i] as i32);
}
export f for tfhe;";
    let circuit = check(source, &[("N", 3), ("M", 5)], 6);
    assert_eq!(count(&circuit, |op| matches!(op, Op::Lut(..))), 3, "{}", print::print(&circuit));
    check(source, &[("N", 1), ("M", 1)], 2);
}

#[test]
fn shared_subexpressions_are_one() {
    let source = "def f<N>(x: secret i8[N] in -7..7, y: secret i8[N] in -7..7) -> (a: secret i32[N], b: secret i32[N]) {
  a[i] = (x[i] * y[i]) as i32 + 1;
  b[i] = 3 * (y[i] * x[i]) as i32;
}";
    let circuit = check(source, &[("N", 2)], 2);
    assert_eq!(count(&circuit, |op| matches!(op, Op::Mul(..))), 2, "{}", print::print(&circuit));
    // Nothing is computed for a product with 0, and a factor that is a power of two costs nothing.
    let free =
        check("def f<N>(x: secret u8[N] in 0..15) -> y: secret i32[N] { y[i] = 16 * (x[i] as i32) + 0 * (x[i] as i32); }", &[("N", 2)], 2);
    assert_eq!(free.cost().bootstraps, 0, "{}", print::print(&free));
}

/// Whatever the type holds is divided by whatever constant it holds, at the ends of its range too.
#[test]
fn wide_integers_are_divided() {
    let (most, least) = (u64::MAX.to_string(), (-i64::MAX).to_string());
    for (dtype, divisors) in [
        ("u64", ["3", "7", "1000000007", "2305843009213693952", "2305843009213693953", "6148914691236517205", most.as_str()]),
        ("i64", ["3", "-7", "-1000000007", "1099511627776", "2305843009213693953", "-4611686018427387905", least.as_str()]),
    ] {
        for divisor in divisors {
            let body = format!("y[i] = x[i] // ({divisor}); z[i] = x[i] % ({divisor});");
            check(&format!("def f<N>(x: secret {dtype}[N]) -> (y: secret {dtype}[N], z: secret {dtype}[N]) {{ {body} }}"), &[("N", 6)], 2);
        }
    }
}

/// At positions that data decides, also around tensors without elements.
#[test]
fn positions_of_data_are_brought_into_axes() {
    for (position, n) in
        [("clamp(k[i])", 5), ("wrap(k[i])", 5), ("reflect(k[i])", 5), ("reflect(k[i])", 1), ("pad(k[i], 3)", 5), ("pad(k[i], 3)", 0)]
    {
        for secrecy in ["secret ", ""] {
            let tensor = format!("t: {secrecy}i16[M]");
            let source = format!(
                "def f<N, M>(k: secret i64[N] in -9..9, {tensor}) -> y: secret i16[N] {{ y[i] = t[{position}]; }}\nexport f for tfhe;"
            );
            check(&source, &[("N", 3), ("M", n)], 2);
        }
    }
}

/// The bootstraps of each plan of the last definition, the best first.
fn bootstraps(source: &str, sizes: &[(&str, i64)]) -> Vec<(Origin, u64)> {
    let program = Compiler::new().threads(1).compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let found = program.main_def().expect("a definition").circuits(sizes).unwrap_or_else(|e| panic!("{source}\n{e}"));
    found.iter().flat_map(|found| found.origins.iter().map(|origin| (*origin, found.circuit.cost().bootstraps))).collect()
}

/// Two matrices that everybody knows are multiplied for nothing, though that takes more multiplications.
#[test]
fn products_in_the_clear_come_first() {
    let source = "def f<N, M, K>(x: secret i8[N] in -7..7, v: i8[M, N] in -4..3, w: i8[K, M] in -4..3) -> y: secret i32[K] {
  y[k] = x[i] * v[j, i] * w[k, j];
}";
    let found = bootstraps(source, &[("N", 5), ("M", 6), ("K", 3)]);
    assert_eq!(found[0].0, Origin::Bootstraps, "{found:?}");
    let of = |origin| found.iter().find(|(other, _)| *other == origin).expect("another plan").1;
    assert!(found[0].1 < of(Origin::Flops), "{found:?}");
    let circuit = check(source, &[("N", 5), ("M", 6), ("K", 3)], 2);
    assert_eq!(circuit.cost().bootstraps, found[0].1);
    assert_eq!(count(&circuit, |op| matches!(op, Op::Mul(..))), 15, "{}", print::print(&circuit));
}

/// Of two orders with the same number of multiplications, that with the narrower intermediates.
#[test]
fn narrow_values_are_multiplied_first() {
    let source = "def f<N>(a: secret u16[N, N] in 0..4000, b: secret u16[N, N] in 0..3, x: secret u16[N] in 0..3) -> y: secret u32[N] {
  y[i] = a[i, j] * b[j, k] * x[k];
}";
    let found = bootstraps(source, &[("N", 3)]);
    assert!(found.iter().all(|(_, bootstraps)| found[0].1 <= *bootstraps), "{found:?}");
    check(source, &[("N", 3)], 2);
}

/// Who says that the order is that of the text gets it.
#[test]
fn written_orders_stay() {
    let source = "def f<N>(x: secret i8[N] in -7..7, v: i8[N, N] in -4..3, w: i8[N, N] in -4..3) -> y: secret i32[N] {
  y[k] = x[i] * v[j, i] * w[k, j];
}";
    let program = Compiler::new().threads(1).order(Order::Written).compile(source).expect("a program");
    let found = program.main_def().expect("a definition").circuits(&[("N", 4)]).expect("circuits");
    assert!(found.iter().flat_map(|found| &found.origins).all(|origin| matches!(origin, Origin::Written | Origin::OneShot)));
}

/// An expression over `x[i]`, `w[i]` and numbers; every division is by a constant.
fn expression(random: &mut Random, dtype: &str, depth: usize) -> String {
    if depth == 0 {
        return match random.below(4) {
            0 => format!("({} as {dtype})", random.between(0, 9)),
            1 => "w[i]".to_owned(),
            _ => "x[i]".to_owned(),
        };
    }
    let sub = |random: &mut Random| expression(random, dtype, depth - 1);
    let (a, b) = (sub(random), sub(random));
    match random.below(17) {
        0 | 1 => format!("({a} + {b})"),
        2 => format!("({a} - {b})"),
        3 | 4 => format!("({a} * {b})"),
        5 => format!("({a} // {})", random.between(1, 11)),
        6 => format!("({a} % {})", random.between(1, 11)),
        7 => format!("min({a}, {b})"),
        8 => format!("max({a}, {b})"),
        9 => format!("(if {a} {} {b} then {} else {a})", random.pick(&["<", "<=", "==", "!=", ">", ">="]), sub(random)),
        10 => format!("abs({a})"),
        11 => format!("sign({a})"),
        12 => format!("xor({a}, {b})"),
        13 => format!("bitand({a}, bitnot({b}))"),
        14 => format!("shr({a}, {})", random.between(0, 3)),
        15 => format!("shl({a}, {})", random.between(0, 3)),
        _ => format!("popcount({a})"),
    }
}

/// Random expressions of random types, which wrap or not as their ranges decide.
#[test]
fn random_programs_agree_with_the_interpreter() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let dtype = random.pick(&["i8", "u8", "i16", "i32", "u32", "i64"]);
        let lo = if dtype.starts_with('u') { 0 } else { -random.between(0, 20) };
        let range = if random.one_in(3) { String::new() } else { format!(" in {lo}..{}", random.between(1, 30)) };
        let mut source = format!("def f<N>(x: secret {dtype}[N]{range}, w: {dtype}[N]) -> (y: secret {dtype}[N], r: secret i64) {{\n");
        writeln!(source, "  y[i] = x[i] + {};", expression(&mut random, dtype, 3)).expect("a string");
        let reducer = random.pick(&["sum", "prod", "max", "min", "argmin"]);
        writeln!(source, "  r = ({reducer}[i](({} - x[i]) as i64)) as i64;\n}}\nexport f for tfhe;", expression(&mut random, dtype, 2))
            .expect("a string");
        check(&source, &[("N", 1 + (seed as i64) % 4)], 3);
    }
}

/// A product in a random semiring, of three factors now and then and of terms that take part or not; compared, looked up and reduced again.
fn product(random: &mut Random) -> String {
    let dtype = random.pick(&["i8", "i16", "i32", "u16", "i64"]);
    let range = format!("in {}..{}", if dtype.starts_with('u') { 0 } else { -random.between(0, 9) }, random.between(1, 9));
    let secret = |random: &mut Random| if random.one_in(2) { "secret " } else { "" };
    let (b, d, p) = (secret(random), secret(random), secret(random));
    let guard = random.pick(&["", "", " where k != i", " where p[k]"]);
    let (add, mul) = random.pick(&[("sum", "*"), ("min", "+"), ("max", "+"), ("max", "min"), ("min", "max")]);
    let join = |a: &str, b: &str| if mul.len() == 1 { format!("({a} {mul} {b})") } else { format!("{mul}({a}, {b})") };
    let two = join("A[i, k]", "B[k, j]");
    let term = if random.one_in(2) { join(&two, "d[j]") } else { two };
    let (any, and) = random.pick(&[("any", "and"), ("all", "or")]);
    let how = random.pick(&["<", "<=", "==", "!=", ">", ">="]);
    let last = random.pick(&["C[i, j]", "t[clamp(C[i, j])] as i64", "t[pad(C[i, j], 7)] as i64", "relu(C[i, j] - 2)", "(R[i, j] as i64)"]);
    let again = random.pick(&["sum", "min", "max"]);
    format!(
        "def f<N, K, M>(A: secret {dtype}[N, K] {range}, B: {b}{dtype}[K, M] {range}, d: {d}{dtype}[M] {range}, p: {p}bool[K],
    P: secret bool[N, K], Q: {b}bool[K, M], t: i16[5]) -> (C: secret i64[N, M], R: secret bool[N, M], D: secret bool[N, M], E: secret i64[N]) {{
  C[i, j] = ({add}[k{guard}]({term})) as i64;
  R[i, j] = {any}[k{guard}](P[i, k] {and} Q[k, j]);
  D[i, j] = C[i, j] {how} {};
  E[i] = {again}[j]({last});
}}
export f for tfhe;",
        random.between(-3, 3)
    )
}

/// Tropical, boolean and ordinary products, with axes that are empty or have one element.
#[test]
fn random_products_agree_with_the_interpreter() {
    for seed in 0..24 {
        let mut random = Random::new(1000 + seed);
        let source = product(&mut random);
        let sizes = ["N", "K", "M"].map(|name| (name, random.pick(&[0, 1, 1, 2, 3])));
        check(&source, &sizes, 2);
    }
}

/// Those that `backends/tfhe` carries out on ciphertexts are what is made of the programs above them now.
#[test]
fn circuits_of_the_back_end_are_those_of_the_compiler() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../backends/tfhe/tests/circuits");
    let mut files: Vec<_> = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let (mut source, mut sizes) = (String::new(), Vec::new());
        for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
            match line.strip_prefix("sizes: ") {
                Some(given) => sizes.extend(given.split(", ").filter_map(|size| size.split_once('='))),
                None => writeln!(source, "{line}").expect("a string"),
            }
        }
        let sizes: Vec<(&str, i64)> = sizes.into_iter().map(|(name, n)| (name, n.parse().expect("a number"))).collect();
        let circuit = print::print(&check(&source, &sizes, 1));
        let comments: String = text.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let made = format!("{comments}{circuit}");
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&file, &made).expect("written");
        } else {
            assert_eq!(made, text, "{}: INSTA_UPDATE=always writes it, and `backends/tfhe` should be tested again", file.display());
        }
    }
}

/// The code of a refusal, and its text.
fn refusal(source: &str, sizes: &[(&str, i64)]) -> String {
    let program = Compiler::new().threads(1).compile(source).unwrap_or_else(|e| panic!("{source}\n{e}"));
    let error = program.main_def().expect("a definition").circuit(sizes).expect_err("refused");
    error.render(false)
}

#[test]
fn refusals_say_what_would_take_the_program() {
    let refused = [
        (
            "x: secret f32[N]) -> y: secret f32[N] { y[i] = 2.0 * x[i]; }",
            4,
            &["E0716", "`x` is encrypted and has elements of type f32", "`--target he`"][..],
        ),
        (
            "x: secret i32[N]) -> y: secret f64[N] { y[i] = 0.5 * x[i] as f64; }",
            4,
            &["E0716", "a secret integer meets numbers that are none"],
        ),
        (
            "k: secret u8[N], t: i8[N]) -> y: secret i8[N] { y[i] = t[clamp(k[i] as i64)]; }",
            40,
            &["E0717", "`k` is secret and reads positions 0..39"],
        ),
        ("x: secret u64[N]) -> y: secret u64[N] { y[i] = x[i] * x[i] * x[i]; }", 4, &["E0717", "more than 127 bits"]),
        ("x: secret i32[N], d: i32[N]) -> y: secret i32[N] { y[i] = x[i] // d[i]; }", 4, &["E0713", "divide by constants"]),
        ("x: secret i64[N, N]) -> y: secret i64[N, N] { y[i, j] = x[i, k] * x[k, j]; }", 40, &["E0721", "bootstraps, and the limit is"]),
        ("x: secret i64[N]) -> y: secret i64[N] { y = sort(x); }", 4, &["E0190", "`sort` of a secret tensor"]),
        ("x: i64[N]) -> y: i64[N] { y[i] = x[i] + 1; }", 4, &["E0718", "nothing to encrypt"]),
    ];
    for (source, n, expected) in refused {
        let text = refusal(&format!("def f<N>({source}\nexport f for tfhe;"), &[("N", n)]);
        expected.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    }
}
