//! Programs that would grow without bound are refused with E0108, whatever limit they meet.

use ein::Compiler;

/// The codes of the mistakes of a program.
fn codes(source: &str) -> Vec<u16> {
    match Compiler::new().threads(1).compile(source).and_then(|program| program.check_all()) {
        Ok(()) => Vec::new(),
        Err(error) => error.diagnostics().iter().map(|d| d.code.0).collect(),
    }
}

#[track_caller]
fn refused(source: &str) {
    let codes = codes(source);
    assert!(codes.contains(&108), "{codes:?} for {}", source.chars().take(200).collect::<String>());
}

/// `def f0 …` and then each def made from the number of the one before.
fn chain(first: &str, n: usize, next: impl Fn(usize) -> String) -> String {
    (1..=n).fold(first.to_owned(), |text, k| text + &next(k) + "\n")
}

#[test]
fn nesting_of_every_kind() {
    let n = 100_000;
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("sum[i](", ")"), ("-", ""), ("not ", ""), ("x^", ""), ("if a then b else ", "")]
    {
        refused(&format!("def f(x: f32) -> y: f32 {{ y = {}x{}; }}", open.repeat(n), close.repeat(n)));
    }
}

#[test]
fn long_operators_names_and_lists() {
    for operator in ["+", "*", "and", "<", "//"] {
        let codes = codes(&format!("def f(x: f32) -> y: f32 {{ y = {}x; }}", format!("x {operator} ").repeat(20_000)));
        assert!(codes.iter().any(|c| [108, 111].contains(c)), "{operator}: {codes:?}");
    }
    refused(&format!("def f({}: f32) -> y: f32 {{ y = x; }}", "a".repeat(1 << 20)));
    let indices: Vec<String> = (0..65).map(|k| format!("i{k}: N")).collect();
    refused(&format!("def f<N>(x: f32[N]) -> y: f32[N] {{ t[{}] = 1.0; y[i] = x[i]; }}", indices.join(", ")));
}

#[test]
fn quotients_of_sizes() {
    let program = |divisor: &str, n: usize| {
        let quotient = format!(" // {divisor}").repeat(n);
        format!("def f<N, M>(x: f32[N], z: f32[M]) -> y: f32[H] where M >= 2, H = N{quotient} {{ y[_] = x[i]*x[i] + z[j]*z[j]; }}")
    };
    refused(&program("M", 100));
    assert!(codes(&program("M", 10)).is_empty());
    // Literal divisors make one quotient.
    assert!(codes(&program("2", 100)).is_empty());
}

#[test]
fn calls_that_double() {
    let scalars = chain("def f0(x: f32) -> y: f32 { y = x*x; }\n", 40, |k| {
        format!("def f{k}(x: f32) -> y: f32 {{ y = f{0}(x) + f{0}(x + 1.0); }}", k - 1)
    });
    refused(&scalars);
    let tensors = chain("def f0<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }\n", 40, |k| {
        format!("def f{k}<N>(x: f32[N]) -> y: f32[N] {{ a = f{0}(x); b = f{0}(a); y[i] = a[i] + b[i]; }}", k - 1)
    });
    refused(&tensors);
}

#[test]
fn constants_that_double() {
    let constants = chain("const c0 = 1;\n", 60, |k| format!("const c{k} = c{0} + c{0};", k - 1));
    refused(&format!("{constants}def f(x: f32) -> y: f32 {{ y = x * c60; }}"));
    refused(&format!("{constants}def f(x: f32[c60]) -> y: f32 {{ y = x[0]; }}"));
    let typed = chain("const c0: f32 = 1;\n", 60, |k| format!("const c{k}: f32 = c{0} + c{0};", k - 1));
    assert_eq!(codes(&format!("{typed}def f(x: f32) -> y: f32 {{ y = x * c60; }}")), [0u16; 0]);
}

#[test]
fn calls_in_a_long_row() {
    let mut backwards: Vec<String> =
        (1..3000).rev().map(|k| format!("def f{k}<N>(x: f32[N]) -> y: f32[N] {{ y = f{}(x); }}\n", k - 1)).collect();
    backwards.push("def f0<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }\n".to_owned());
    refused(&backwards.concat());
    refused(&chain("def f0(x: f32) -> y: f32 { y = x; }\n", 600, |k| format!("def f{k}(x: f32) -> y: f32 {{ y = f{}(x) + 1.0; }}", k - 1)));
}

#[test]
fn sizes_that_grow() {
    for step in ["A{}*A{} + N", "A{} // (A{} + 2)", "(A{} + A{} % 3)^8"] {
        let wheres: Vec<String> = (0..40)
            .map(|k| if k == 0 { "A0 = N + 1".to_owned() } else { format!("A{k} = {}", step.replace("{}", &(k - 1).to_string())) })
            .collect();
        refused(&format!("def f<N>(x: f32[N]) -> y: f32[N] where {} {{ y[i] = x[i]; }}", wheres.join(", ")));
    }
    refused("def f<A, B, C, D>(x: f32[A, B, C, D]) -> y: f32[(A + B + C + D + 1)^8] { y[i] = x[0, 0, 0, 0]; }");
}

/// The numbers from 0, each made a text, with commas between.
fn list(n: usize, text: impl Fn(usize) -> String) -> String {
    (0..n).map(text).collect::<Vec<_>>().join(", ")
}

#[test]
fn lists_of_a_def() {
    let generics = |n| {
        format!("def f<{}>({}) -> y: f32[D0] {{ y[i] = x0[i]; }}", list(n, |k| format!("D{k}")), list(n, |k| format!("x{k}: f32[D{k}]")))
    };
    assert_eq!(codes(&generics(1024)), Vec::<u16>::new());
    refused(&generics(20_000));
    let derived = |n| format!("def f<N>(x: f32[N], {}) -> y: f32[N] {{ y[i] = x[i]; }}", list(n, |k| format!("x{k}: f32[N - {k}]")));
    assert_eq!(codes(&derived(200)), Vec::<u16>::new());
    refused(&derived(5000));
    let wheres = |n| format!("def f<N>(x: f32[N]) -> y: f32[N] where {} {{ y[i] = x[i]; }}", list(n, |k| format!("N % {} == 0", k + 2)));
    assert_eq!(codes(&wheres(2000)), Vec::<u16>::new());
    refused(&wheres(20_000));
    let equations: String = (0..70_000).map(|k| format!("t{k}=x;")).collect();
    refused(&format!("def f<N>(x: f32[N]) -> y: f32[N] {{ {equations} y[i] = x[i]; }}"));
}

#[test]
fn many_mistakes_are_told_up_to_a_number() {
    let equations: String = (0..3000).map(|k| format!("  t{k}[i] = z{k}[i];\n")).collect();
    let codes = codes(&format!("def f<N>(x: f32[N]) -> y: f32[N] {{\n{equations}  y[i] = x[i];\n}}\n"));
    assert_eq!(codes.len(), ein_syntax::limits::MAX_MISTAKES);
}

/// What is long but not deep is right, and done in a moment.
#[test]
fn long_programs_are_fine() {
    let equations: String = (0..2000).map(|k| format!("  t{}[i] = t{k}[i] * {k};\n", k + 1)).collect();
    assert_eq!(
        codes(&format!("def f<N>(x: f32[N]) -> y: f32[N] {{\n  t0[i] = x[i];\n{equations}  y[i] = t2000[i];\n}}\n")),
        Vec::<u16>::new()
    );
}

/// Ranges may be longer together than 64 bits can count, here around an empty one.
#[test]
fn nests_of_huge_ranges() {
    let source = "def f(x: f32[1]) -> y: f32 { y = sum[_: 4000000000, _: 4000000000, k: 0](x[0] * (k as f32)); }";
    let program = Compiler::new().threads(1).compile(source).expect("it is right");
    let x = ein::Tensor::from_slice(&[1], &[2.0f32]).expect("it fits");
    let function = program.main_def().expect("there is one");
    let bound = function.bind().input("x", &(&x).into()).and_then(|binder| binder.build()).expect("it is planned");
    let outputs = bound.call(&[(&x).into()]).expect("it runs").into_tensors();
    assert_eq!(outputs.len(), 1);
}

/// Positions of many steps: what one of them costs to compile does not multiply with the others.
#[test]
fn long_subscripts() {
    let remainders: String = (0..200).map(|k| format!(" % {}", 300 - k)).collect();
    let source = format!("def f<N>(x: f32[N]) -> y: f32[N] where N == 512 {{ y[i: N] = x[i{remainders}]; }}");
    let program = Compiler::new().threads(1).compile(&source).expect("it is right");
    let values: Vec<f32> = (0..512u16).map(f32::from).collect();
    let x = ein::Tensor::from_slice(&[512], &values).expect("it fits");
    let bound = program.main_def().expect("there is one").bind().input("x", &(&x).into()).and_then(|binder| binder.build());
    let outputs = bound.expect("it is planned").call(&[(&x).into()]).expect("it runs").into_tensors();
    let expected: Vec<f32> = (0..512u16).map(|i| f32::from((101..=300).rev().fold(i, |n, k| n % k))).collect();
    assert_eq!(outputs[0].as_slice::<f32>().expect("f32"), expected);
}

/// Conditions whose numbers are as large as they come.
#[test]
fn guards_at_the_ends_of_64_bits() {
    let conditions = ["-9223372036854775807*i - i >= -5", "-9223372036854775807*i - i > -5", "9223372036854775807*i <= 5"];
    for condition in conditions {
        let source = format!(
            "def f<N>(x: i32[N, N], w: i32[N, N]) -> y: i32[N, N] {{ A[i, j] = if {condition} then x[i, j] else 0; y[i, k] = A[i, j] * w[j, k]; }}"
        );
        let program = Compiler::new().threads(1).compile(&source).expect("it is right");
        let bound = program.main_def().expect("there is one").bind().shape("x", &[1, 1]).shape("w", &[1, 1]).build();
        assert!(bound.is_ok(), "{condition}");
    }
}

/// Tensors that fit by themselves, and not together.
#[test]
fn memory_beyond_the_address_space() {
    let results = |n: usize| {
        let (types, equations) = (list(n, |k| format!("y{k}: f64[N]")), (0..n).map(|k| format!("y{k}[_] = 1.0;")).collect::<String>());
        format!("def f<N>(x: f32[N]) -> ({types}) {{ {equations} }}")
    };
    let emitted = |source: &str, n: i64| {
        let program = Compiler::new().threads(1).compile(source).expect("it is right");
        program.emit(ein::Stage::Kernels, "f", &[("N", n)]).map_err(|e| e.diagnostics()[0].code.0)
    };
    assert_eq!(emitted(&results(2), (1 << 60) - 1), Err(802));
    assert_eq!(emitted(&results(3), (1 << 60) - 1), Err(802), "the sum wraps");
    assert!(emitted(&results(2), 1 << 50).is_ok());
    let workspace = "def f<N>(A: f64[N, N]) -> s: f64[N] { (U, s, Vt) = svd(A); }";
    assert_eq!(emitted(workspace, 1 << 29), Err(802));
    assert!(emitted(workspace, 1 << 20).is_ok());
    let packed = "def f<N>(x: u4[N]) -> y: u4[N] { y[i] = x[i]; }";
    assert_eq!(emitted(packed, i64::MAX - 1), Err(802));
    assert!(emitted(packed, 1 << 61).is_ok());
}

/// Binds the last def of a program for an `x` of this shape, and gives the mistake.
fn binding(source: &str, shape: &[usize]) -> Option<ein::Error> {
    let program = Compiler::new().threads(1).compile(source).expect("it is right");
    program.main_def().expect("there is one").bind().shape("x", shape).build().err()
}

#[test]
fn calls_that_would_not_end() {
    // No law takes the maximum into a product: its factors may be negative.
    let fourfold = "def f<N>(x: f32[N]) -> y: f32 { y = max[i, j, k, l](x[i] * x[j] * x[k] * x[l]); }";
    let steps = "def f<N>(x: f32[N]) -> y: f32 {
  z = max[i, j, k: 100](x[i] + x[j] + k);
  scan t: 4000000000 {
    scan u: 4000000000 {
      y = z + max[i](x[i]*x[i] - prev y) from 0.0;
    }
  }
}";
    let sum = "def f<N>(x: f32[N]) -> y: f32 { y = sum[_: 10000000000, _: 10000000000, i](cos(x[i])); }";
    let product = "def f<N>(x: f32[N, N]) -> y: f32[N, N] { y[i, j] = x[i, k] * x[k, j]; }";
    let cases = [(fourfold, &[40_000][..]), (steps, &[2]), (sum, &[100_000_000]), (product, &[2_000_000, 2_000_000])];
    let errors: Vec<String> = cases.iter().map(|(source, shape)| binding(source, shape).expect("refused").render(false)).collect();
    insta::assert_snapshot!(errors.join("\n"));
}

/// Long ones are the business of whoever calls.
#[test]
fn calls_that_would_take_long() {
    let sum = "def f<N>(x: f32[N]) -> y: f32 { y = max[i, j, k](x[i] + x[j] + x[k]); }";
    assert!(binding(sum, &[100_000]).is_none());
    // Of equated indices only one is gone through, and nothing of what is empty.
    let diagonal = "def f<N>(x: f32[N]) -> y: f32 { y = sum[i, j, k, l where i == j and k == j and i == l](x[i] + x[j] + x[k] + x[l]); }";
    assert!(binding(diagonal, &[1_000_000]).is_none());
    assert!(binding("def f<N>(x: f32[N]) -> y: f32 { y = max[i, j, k, l](x[i] + x[j] + x[k] + x[l]); }", &[0]).is_none());
    // A plan may be looked at, however long it would run.
    let program = Compiler::new().threads(1).compile(sum).expect("it is right");
    let table = program.main_def().expect("there is one").plan_table(&[("N", 100_000_000)]).expect("a plan");
    assert!(table.contains("nest"), "{table}");
}
