//! The worked cases of the language: where sums stand, which ranges and bounds hold, which errors are given, and the fourteen
//! programs.

use ein::{Compiler, Error, Program, Tensor, TensorRef};
use ein_ir::dtype::DType;
use ein_tests::cases;
use ein_tests::generate::Generated;
use ein_tests::oracle;

fn compile(source: &str) -> Result<Program, Error> {
    let program = Compiler::new().threads(1).compile(source)?;
    program.check_all()?;
    Ok(program)
}

/// The codes of a program, or none.
fn codes(source: &str) -> Vec<String> {
    compile(source).err().map_or_else(Vec::new, |e| e.diagnostics().iter().map(|d| d.code.to_string()).collect())
}

fn accepts(source: &str) -> Program {
    compile(source).unwrap_or_else(|e| panic!("refused:\n{}", e.render(false)))
}

/// Asserts the codes of a program, in the order of the text.
fn refuses(source: &str, expected: &[&str]) {
    assert_eq!(codes(source), expected, "{source}");
}

/// A definition over tensors of several ranks, with the given results and body.
fn body(results: &str, equations: &str) -> String {
    format!(
        "def f<N, M>(a: f64[N], b: f64[N], c: f64[N], w: f64[N], A: f64[N, M], B: f64[M, N], S: f64[N, N], q: f64[M], n: i32[N])\n  \
         -> ({results}) {{ {equations} }}"
    )
}

/// Runs `f` on fixed data, N = 2 and M = 3, and gives its only result.
fn run(source: &str) -> Vec<f64> {
    let program = accepts(source);
    let numbers = |shape: &[usize], from: i32| {
        let n: usize = shape.iter().product();
        Tensor::from_vec(shape, (0..n as i32).map(|k| f64::from((from + 3 * k) % 7 - 3)).collect()).expect("small")
    };
    let n = Tensor::from_vec(&[2], vec![5i32, -5]).expect("small");
    let inputs = [
        ("a", numbers(&[2], 1)),
        ("b", numbers(&[2], 2)),
        ("c", numbers(&[2], 3)),
        ("w", numbers(&[2], 4)),
        ("A", numbers(&[2, 3], 0)),
        ("B", numbers(&[3, 2], 5)),
        ("S", numbers(&[2, 2], 6)),
        ("q", numbers(&[3], 2)),
        ("n", n),
    ];
    let out = program.main_def().expect("one definition").call(inputs.iter().map(|(name, t)| (*name, TensorRef::from(t))));
    let mut tensors = out.unwrap_or_else(|e| panic!("{source}:\n{}", e.render(false))).into_tensors();
    assert_eq!(tensors.len(), 1);
    let tensor = tensors.swap_remove(0);
    tensor.as_slice::<f64>().expect("f64").to_vec()
}

/// Two ways to write the same.
fn means(results: &str, short: &str, long: &str) {
    assert_eq!(run(&body(results, short)), run(&body(results, long)), "{short}");
}

#[test]
fn section_3_where_sums_stand() {
    means("y: f64", "y = a[i]*a[i] + 1.0;", "y = sum[i](a[i]*a[i]) + 1.0;");
    means("y: f64", "y = exp(-a[i]*S[i,j]*b[j] / 2.0);", "y = exp(-sum[i, j](a[i]*S[i,j]*b[j]) / 2.0);");
    means("y: f64", "y = S[i,i];", "y = sum[i](S[i,i]);");
    means("y: f64", "y = -a[i]*b[i];", "y = 0.0 - sum[i](a[i]*b[i]);");
    means("y: f64[N]", "y[i] = A[i,k]*B[k,j]*a[j] + c[i];", "y[i] = sum[k, j](A[i,k]*B[k,j]*a[j]) + c[i];");
    means("y: f64", "y = a[i]*b[i]*c[i];", "y = sum[i](a[i]*b[i]*c[i]);");
    means("y: f64", "y = a[i]*b[i] + c[i]*w[i];", "y = sum[i](a[i]*b[i]) + sum[i](c[i]*w[i]);");
    means("y: f64", "y = (a[i]*(b[i]*c[i]));", "y = sum[i](a[i]*b[i]*c[i]);");
    means(
        "y: f64[N]",
        "y[i] = A[i,k]*B[k,i] / (1.0 + sum[k](q[k]*q[k]));",
        "s = sum[k](q[k]*q[k]); y[i] = sum[k](A[i,k]*B[k,i]) / (1.0 + s);",
    );
    means("y: f64", "y = max[i](A[i,k]*B[k,i]);", "y = max[i](sum[k](A[i,k]*B[k,i]));");
    // A divisor with a sum of its own stays outside.
    means("y: f64[N]", "y[i] = A[i,d]*q[d] / sum[d](q[d]*q[d]);", "z = sum[d](q[d]*q[d]); y[i] = sum[d](A[i,d]*q[d]) / z;");
    // The diagonal is not a sum.
    assert_eq!(run(&body("d: f64[N]", "d[i] = S[i,i];")).len(), 2);
}

#[test]
fn section_3_what_is_refused() {
    refuses("def f<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] { C[i,j] = A[i,k]*B[kk,j]; }", &["E0201", "E0201"]);
    let near = compile("def f<M, N, K>(A: f32[M, K], B: f32[K, N]) -> C: f32[M, N] { C[i,j] = A[i,k]*B[kk,j]; }").err().expect("refused");
    assert!(near.render(false).contains("did you mean"), "{}", near.render(false));
    refuses(&body("y: f64", "y = exp(a[i])*w[i];"), &["E0202"]);
    refuses(&body("y: f64", "y = a[i] / w[i];"), &["E0202"]);
    refuses(&body("y: f64[N]", "y[i] = A[i,k]*(q[k] + q[k]);"), &["E0202"]);
    refuses(&body("y: f64[N]", "y[i] = a[i] - max[i](a[i]);"), &["E0203"]);
    accepts(&body("y: f64[N]", "y[i] = a[i] - max[i'](a[i']);"));
    refuses(&body("y: f64", "y = a[i] + b[i];"), &["E0201"]);
    let term = compile(&body("y: f64", "y = a[i] + b[i];")).err().expect("refused");
    assert!(term.render(false).contains("each term is its own sum"), "{}", term.render(false));
    let square = compile(&body("y: f64", "y = (a[i] - b[i])^2;")).err().expect("refused");
    assert!(square.render(false).contains("sum[i]("), "{}", square.render(false));
}

#[test]
fn section_4_ranges_and_bounds() {
    accepts("def f<N, R>(x: f32[N], w: f32[R]) -> y: f32[N - R + 1] { y[i] = x[i + r] * w[r]; }");
    accepts("def f<H>(x: f32[H]) -> y: f32[H // 2] { y[i] = max[r in 0..2](x[2*i + r]); }");
    accepts("def f<N, P, Q>(Z: f32[Q, P], u: f32[N]) -> X: f32[N] where N == P*Q { X[k] = Z[k // |P|, k % |P|] + u[k]; }");
    accepts("def f<N>(x: f32[N]) -> d: f32[N // 2] { d[j: N // 2] = x[2*j] - x[2*j + 1]; }");
    accepts("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[|N| - 1 - i]; }");
    accepts("def f<N, M>(x: f32[N]) -> y: f32[N, M] { y[i, _] = x[i]; }");
    accepts("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = if i > 0 then x[i - 1] else 0.0; }");
    accepts("def f<N>(x: f32[N]) -> y: f32 { y = sum[i: N where i + 1 < |N|](x[i + 1] - x[i]); }");
    refuses("def f<N>(x: f32[N]) -> y: f32[N] { t[j] = x[2*j]; y[i] = t[i]; }", &["E0302"]);
    refuses("def f<M, N>(A: f32[M, N]) -> B: f32[N, M] { B[i, j] = A[i, j]; }", &["E0301", "E0301"]);
    refuses("def f<S, K, E>(q: f32[S, E], k: f32[K, E]) -> s: f32[S, S] { s[i, j] = q[i, e] * k[j, e]; }", &["E0301"]);
    refuses("def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i - 1]; }", &["E0303"]);
    refuses("def f<N, M>(x: f32[N]) -> y: f32[N, M] { y[i, j] = x[i]; }", &["E0207"]);
    let paste = compile("def f<N>(x: f32[N]) -> y: f32[N] { t[j] = x[2*j] - x[2*j + 1]; y[i] = t[i]; }").err().expect("refused");
    assert!(paste.render(false).contains("N // 2"), "{}", paste.render(false));
}

#[test]
fn section_4_checks_of_sizes_at_entry() {
    let program = accepts("def f<N, P, Q>(Z: f32[Q, P], u: f32[N]) -> X: f32[N] where N == P*Q { X[k] = Z[k // |P|, k % |P|] + u[k]; }");
    let f = program.main_def().expect("one");
    let call = |q: usize, p: usize, n: usize| {
        let (z, u) = (Tensor::zeros(DType::F32, &[q, p]).expect("small"), Tensor::zeros(DType::F32, &[n]).expect("small"));
        f.call([("Z", TensorRef::from(&z)), ("u", TensorRef::from(&u))]).map(|o| o.into_tensors()[0].len())
    };
    assert_eq!(call(2, 3, 6).expect("fits"), 6);
    let error = call(2, 3, 7).expect_err("7 is not 6");
    assert!(error.to_string().contains("N == P*Q") && error.to_string().starts_with("E03"), "{error}");
    // A dim has one size.
    let program = accepts("def f<N>(x: f32[N], y: f32[N]) -> z: f32[N] { z[i] = x[i] + y[i]; }");
    let (x, y) = (Tensor::zeros(DType::F32, &[3]).expect("small"), Tensor::zeros(DType::F32, &[4]).expect("small"));
    let error = program.main_def().expect("one").call([("x", &x), ("y", &y)]).expect_err("3 is not 4");
    assert!(error.to_string().contains('3') && error.to_string().contains('4'), "{error}");
    // A derived dim is not negative.
    let program = accepts("def f<N, R>(x: f32[N], w: f32[R]) -> y: f32[N - R + 1] { y[i] = x[i + r] * w[r]; }");
    let error = program.main_def().expect("one").call([("x", &x), ("w", &Tensor::zeros(DType::F32, &[5]).expect("small"))]);
    assert!(error.is_err());
}

#[test]
fn section_4g_errors_that_must_be_good() {
    let rendered = |source: &str| compile(source).err().unwrap_or_else(|| panic!("{source}")).render(false);
    let chained = rendered(&body("y: f64[N]", "y[i] = if 0 < i < 15 then a[i] else 0.0;"));
    assert!(chained.contains("E0111") && chained.contains("0 < i and i < 15"), "{chained}");
    for (equation, code) in [("y[2*i] = a[i];", "E0109"), ("y[0] = a[i]*b[i];", "E0109"), ("y[i] += a[i];", "E0110")] {
        let text = rendered(&body("y: f64[N]", equation));
        assert!(text.contains(code), "{text}");
    }
    assert!(rendered(&body("y: f64[N]", "y[i] = (a[i], 1.0);")).contains("E0112"));
    assert!(rendered(&body("y: f64", "y = sum[i](a[i])[2];")).contains("E0113"));
    assert!(
        rendered(&body("y: f64[N]", "y[i] = w[i](2.0);")).contains("w[i] * (2.0)"),
        "{}",
        rendered(&body("y: f64[N]", "y[i] = w[i](2.0);"))
    );
    let bounds = rendered(&body("y: f64[N]", "y[i] = a[i + 1];"));
    assert!(bounds.contains("clamp("), "{bounds}");
    let types = rendered(&body("y: f64[N]", "y[i] = a[i] * n[i];"));
    assert!(types.contains("as f64"), "{types}");
    let semicolon = rendered("def f<N>(x: f32[N]) -> y: f32[N] {\n  t[i] = x[i]\n  y[i] = t[i];\n}");
    assert!(semicolon.contains("E0102") && semicolon.contains(":2:"), "{semicolon}");
}

#[test]
fn section_4c_numbers() {
    // Literals and sizes adapt; data does not.
    accepts("def f<N>(x: c64[N]) -> y: c64[N] { y[i] = 2 * x[i] / |N| + 1.5im; }");
    refuses("def f<N>(x: f32[N], y: f64[N]) -> z: f64[N] { z[i] = x[i] + y[i]; }", &["E0402"]);
    refuses("def f<N>(n: i32[N]) -> y: i32[N] { y[i] = n[i] / 2; }", &["E0405"]);
    assert_eq!(run(&body("y: f64[N]", "y[i] = (n[i] // 3) as f64;")), [1.0, -2.0]);
    assert_eq!(run(&body("y: f64[N]", "y[i] = (n[i] % 3) as f64;")), [2.0, 1.0]);
    // The sum of bools is an i64, of narrow integers an i32 or u32.
    accepts("def f<N>(t: bool[N]) -> s: i64 { s = sum[i](t[i]); }");
    refuses("def f<N>(t: bool[N]) -> s: i32 { s = sum[i](t[i]); }", &["E0402"]);
    accepts("def f<N>(n: i8[N]) -> s: i32 { s = sum[i](n[i]); }");
    accepts("def f<N>(n: u16[N]) -> s: u32 { s = n[i] * n[i]; }");
    refuses("def f<N>(n: i8[N]) -> s: i8 { s = sum[i](n[i]); }", &["E0402"]);
    refuses("def f<N>(n: u8[N]) -> y: u8[N] { y[i] = n[i] + 256; }", &["E0406"]);
}

#[test]
fn the_fourteen_programs_parse() {
    let files = cases::files("programs");
    assert_eq!(files.len(), 14);
    for path in files {
        let source = std::fs::read_to_string(&path).expect("readable");
        ein::pipeline::parse(&source).unwrap_or_else(|d| panic!("{}: {d:?}", path.display()));
    }
}

/// Runs a definition of a program of section 6 on random inputs in every configuration.
fn agrees(file: &str, def: &str, inputs: &[(&str, DType, &[usize])], sizes: &[(&str, i64)]) {
    let path = ein_tests::repository().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let program = Generated {
        seed: 1,
        source: only(&text, def),
        inputs: inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect(),
        sizes: sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
    };
    oracle::check_program(&program).unwrap_or_else(|e| panic!("{file}: {e}"));
}

/// The text of one definition of a file.
fn only(text: &str, def: &str) -> String {
    let start = text.find(&format!("def {def}<")).unwrap_or_else(|| panic!("no def {def}"));
    let end = text[start..].find("\n}").map_or(text.len(), |n| start + n + 3);
    text[start..end.min(text.len())].to_owned()
}

#[test]
fn programs_of_the_core_agree_with_the_interpreter() {
    const F: DType = DType::F32;
    let p = |name: &str| format!("tests/cases/programs/{name}.ein");
    agrees(&p("01_matmul"), "matmul", &[("A", F, &[17, 33]), ("B", F, &[33, 8])], &[]);
    agrees(&p("04_conv2d"), "conv2d", &[("x", F, &[2, 3, 9, 8]), ("w", F, &[4, 3, 3, 3])], &[]);
    agrees(&p("04_conv2d"), "conv2d", &[("x", F, &[1, 2, 9, 8]), ("w", F, &[2, 2, 3, 2])], &[("st", 2), ("p", 0)]);
    agrees(&p("04_conv2d"), "conv1d_valid", &[("x", F, &[31]), ("w", F, &[5])], &[]);
    agrees(&p("04_conv2d"), "maxpool", &[("x", F, &[2, 3, 9, 8])], &[]);
    let cores: [(&str, DType, &[usize]); 5] =
        [("x", F, &[3, 2, 3, 4]), ("G1", F, &[2, 3, 2]), ("G2", F, &[2, 3, 2, 5]), ("G3", F, &[5, 4, 3]), ("c", F, &[3, 2, 3])];
    for shape in [&[33][..], &[7, 9], &[2, 3, 5], &[2, 0, 4]] {
        agrees(&p("02_softmax"), "softmax", &[("x", F, shape)], &[]);
        let n: &[usize] = &shape[shape.len() - 1..];
        agrees(&p("05_layernorm"), "layernorm", &[("x", F, shape), ("g", F, n), ("c", F, n)], &[]);
    }
    agrees(&p("07_ttlayer"), "tt_linear", &cores, &[]);
    agrees(&p("08_shortest_path"), "minplus", &[("A", F, &[9, 9]), ("B", F, &[9, 9])], &[]);
    let embedding: [(&str, DType, &[usize]); 3] = [("ids", DType::I64, &[0, 7]), ("E", F, &[5, 8]), ("P", F, &[7, 8])];
    agrees(&p("10_embedding"), "embed", &embedding, &[]);
    agrees(&p("08_shortest_path"), "all_pairs", &[("W", F, &[9, 9])], &[]);
    let ssm: [(&str, DType, &[usize]); 5] =
        [("x", F, &[2, 5, 3]), ("dt", F, &[2, 5, 3]), ("A", F, &[3, 4]), ("P", F, &[2, 5, 4]), ("Q", F, &[2, 5, 4])];
    agrees(&p("09_ssm"), "ssm", &ssm, &[]);
    agrees(&p("11_fft"), "dft", &[("x", DType::C64, &[12])], &[]);
    agrees(&p("11_fft"), "fft_step", &[("x", DType::C64, &[12])], &[("P", 3), ("Q", 4)]);
    let lora: [(&str, DType, &[usize]); 5] =
        [("x", F, &[5, 16]), ("W", F, &[7, 16]), ("U", F, &[7, 2]), ("V", F, &[2, 16]), ("alpha", F, &[])];
    agrees(&p("12_lowrank"), "lora", &lora, &[]);
    let q: &[usize] = &[2, 2, 9, 5];
    agrees("examples/attention/attention.ein", "attention", &[("q", F, q), ("k", F, q), ("v", F, q)], &[]);
    agrees("examples/layernorm/layernorm.ein", "layernorm", &[("x", F, &[2, 3, 17]), ("g", F, &[17]), ("c", F, &[17])], &[]);
    agrees("benches/programs/softmax_rows.ein", "softmax_rows", &[("x", F, &[7, 33])], &[]);
}

/// An approximation means the function, whatever its argument is; and secrets are computed like anything else.
#[test]
fn encrypted_programs_run_in_the_clear() {
    const F: DType = DType::F32;
    let cases = ein_tests::repository().join("tests/cases");
    for (file, sizes) in
        [("language/approx.ein", [3usize, 5, 1]), ("language/approx.ein", [1, 0, 4]), ("programs/13_encrypted.ein", [2, 7, 3])]
    {
        let text = std::fs::read_to_string(cases.join(file)).expect("readable");
        // Random inputs keep to no range.
        let source: String = text.lines().filter(|l| !l.starts_with("export")).collect::<Vec<_>>().join("\n").replace(" in -1.0..1.0", "");
        let [b, d, o] = sizes;
        let inputs = [("x", vec![b, d]), ("W", vec![o, d]), ("c", vec![o])].map(|(n, shape)| (n.to_owned(), F, shape)).to_vec();
        oracle::check_program(&Generated { seed: 3, source, inputs, sizes: Vec::new() }).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}

/// Programs of the benchmark, at odd sizes.
#[test]
fn programs_of_the_benchmark_agree_with_the_interpreter() {
    const F: DType = DType::F32;
    let p = |name: &str| format!("benches/programs/{name}.ein");
    let (ij, jk): (&[usize], &[usize]) = (&[9, 17], &[17, 7]);
    for name in ["bool_mm", "maxplus_mm", "logsumexp_mm"] {
        agrees(&p(name), name, &[("A", F, ij), ("B", F, jk)], &[]);
    }
    agrees(&p("fma_chain"), "fma_chain", &[("a", F, &[33]), ("b", F, &[33]), ("c", F, &[33])], &[]);
    agrees(&p("jacobi5"), "jacobi5", &[("x", F, &[9, 18])], &[]);
    agrees(&p("mlp_relu"), "mlp_relu", &[("X", F, &[5, 8]), ("W1", F, &[8, 17]), ("b", F, &[17]), ("W2", F, &[17, 3])], &[]);
    agrees(&p("rbf_matvec"), "rbf_matvec", &[("X", F, &[9, 3]), ("Z", F, &[13, 3]), ("v", F, &[13])], &[]);
    agrees(&p("sqdist"), "sqdist", &[("X", F, &[9, 5]), ("Z", F, &[13, 5])], &[]);
    let (q, k): (&[usize], &[usize]) = (&[1, 2, 7, 5], &[1, 2, 9, 5]);
    agrees(&p("attention"), "attention", &[("q", F, q), ("k", F, k), ("v", F, k)], &[]);
}

/// Constants, shared dims and the standard library, run in every configuration.
#[test]
fn what_is_declared_at_the_top_of_a_file_agrees_with_the_interpreter() {
    for (case, inputs) in [
        ("constant_tables", &[("x", &[8, 4][..])][..]),
        ("shared_dims", &[("x", &[3, 4]), ("w", &[4])]),
        ("library", &[("x", &[7, 5])]),
        ("row_variables_called", &[("u", &[2, 3, 4, 5]), ("v", &[5])]),
    ] {
        let path = format!("{}/cases/language/{case}.ein", env!("CARGO_MANIFEST_DIR"));
        let program = Generated {
            seed: 3,
            source: std::fs::read_to_string(path).expect("readable"),
            inputs: inputs.iter().map(|(n, s)| ((*n).to_owned(), DType::F32, s.to_vec())).collect(),
            sizes: Vec::new(),
        };
        oracle::check_program(&program).unwrap_or_else(|e| panic!("{case}: {e}"));
    }
}

#[test]
fn grouped_convolution_agrees_with_the_interpreter() {
    const F: DType = DType::F32;
    let file = "benches/programs/conv2d.ein";
    agrees(file, "conv2d", &[("x", F, &[2, 3, 7, 7]), ("w", F, &[4, 3, 3, 3])], &[("stride", 2), ("groups", 1)]);
    agrees(file, "conv2d", &[("x", F, &[2, 4, 7, 7]), ("w", F, &[6, 2, 3, 3])], &[("stride", 1), ("groups", 2)]);
}

/// Defs of the standard library, compiled and interpreted on the same data.
#[test]
fn the_standard_library_agrees_with_the_interpreter() {
    let check = |module: &str, def: &str, inputs: &[(&str, DType, &[usize])], sizes: &[(&str, i64)]| {
        let text = ein_syntax::sources::module(module).expect("a module").text;
        // The def that runs is the last one.
        let end = text.find(&format!("def {def}<")).and_then(|at| text[at..].find("\n}").map(|n| at + n + 3)).expect("a def");
        let program = Generated {
            seed: 5,
            source: text[..end.min(text.len())].to_owned(),
            inputs: inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect(),
            sizes: sizes.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
        };
        oracle::check_program(&program).unwrap_or_else(|e| panic!("std.{module}: {e}"));
    };
    const F: DType = DType::F32;
    let x: &[usize] = &[2, 3, 7];
    for (module, def) in [("nn", "softmax"), ("nn", "log_softmax"), ("nn", "gelu_tanh"), ("norm", "l2_norm"), ("norm", "normalise")] {
        check(module, def, &[("x", F, x)], &[]);
    }
    check("nn", "linear", &[("x", F, x), ("w", F, &[4, 7]), ("c", F, &[4])], &[]);
    check("norm", "layer_norm", &[("x", F, x), ("g", F, &[7]), ("c", F, &[7])], &[]);
    check("norm", "rms_norm", &[("x", F, x), ("g", F, &[7])], &[]);
    check("norm", "cosine_similarity", &[("x", F, x), ("z", F, x)], &[]);
    check("loss", "huber", &[("x", F, x), ("t", F, x), ("delta", F, &[])], &[]);
    check("loss", "bce_with_logits", &[("z", F, x), ("t", F, x)], &[]);
    check("loss", "cross_entropy", &[("z", F, &[3, 7]), ("t", F, &[3, 7])], &[]);
    check("conv", "conv1d", &[("x", F, &[2, 3, 17]), ("w", F, &[4, 3, 3])], &[("stride", 2), ("padding", 1), ("dilation", 2)]);
    check("conv", "conv2d", &[("x", F, &[1, 2, 9, 8]), ("w", F, &[3, 2, 3, 2])], &[("stride", 2), ("padding", 1)]);
    check("pool", "max_pool2d", &[("x", F, &[1, 2, 9, 8])], &[("size", 3), ("padding", 1)]);
    check("pool", "avg_pool2d", &[("x", F, &[1, 2, 9, 8])], &[]);
    let (q, v): (&[usize], &[usize]) = (&[1, 2, 5, 4], &[1, 2, 5, 3]);
    check("attention", "attention", &[("q", F, q), ("k", F, q), ("v", F, v)], &[]);
    check("attention", "causal_attention", &[("q", F, q), ("k", F, q), ("v", F, v)], &[]);
}
