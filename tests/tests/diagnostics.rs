//! What users read when a program is wrong: the rendered text for every code, as snapshots beside `cases/diagnostics`.

use ein::packed::PackOptions;
use ein::{Compiler, Error};
use ein::{DType, Tensor, TensorRef};
use ein_syntax::error;
use ein_tests::cases::{Case, header};
use std::collections::BTreeSet;

#[path = "diagnostics/secret_functions.rs"]
mod secret_functions;

/// Every mistake of a program: of its text and definitions, and of those that only show when a definition is lowered.
fn mistakes(source: &str) -> Option<Error> {
    Compiler::new().threads(1).compile(source).and_then(|program| program.check_all()).err()
}

#[test]
fn rendered() {
    insta::glob!("../cases/diagnostics", "*.ein", |path| {
        let source = std::fs::read_to_string(path).expect("the glob found it");
        let error = mistakes(&source).unwrap_or_else(|| panic!("{} is accepted", path.display()));
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        if let Some(code) = name.split('_').next().filter(|code| code.starts_with('E')) {
            let found: Vec<String> = error.diagnostics().iter().map(|d| d.code.to_string()).collect();
            assert!(found.iter().any(|c| c == code), "{name} gives {found:?}");
        }
        let rendered = error.render(false);
        assert!(!rendered.contains('\u{1b}'), "{name}: colours");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, description => shorten(&source) }, {
            insta::assert_snapshot!(shorten(&rendered));
        });
    });
}

/// What ciphertexts cannot do: right programs of `cases/packed` that have no packed program, with sizes, slots and a budget of
/// keys in their first lines.
#[test]
fn refused_for_ciphertexts() {
    insta::glob!("../cases/packed", "*.ein", |path| {
        let case = Case::read(path);
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let number = |key: &str| header(&case.source, key).trim().parse::<u32>().ok();
        let mut options = PackOptions { key_budget: number("# keys:").map(|n| n as usize), ..PackOptions::default() };
        options.slots = number("# slots:").unwrap_or(256);
        let sizes: Vec<(&str, i64)> = case.sizes.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        let program = Compiler::new().threads(1).compile(&case.source).unwrap_or_else(|e| panic!("{name}: {}", e.render(false)));
        let function = program.main_def().unwrap_or_else(|e| panic!("{name}: {}", e.render(false)));
        let error = function.packed(&sizes, &options).err().unwrap_or_else(|| panic!("{name} is planned"));
        for diagnostic in error.diagnostics() {
            assert!(name.starts_with(&diagnostic.code.to_string()), "{name}: {diagnostic}");
            // The number of slots and the budget of keys are options, and no place in the program.
            let of_options = matches!(diagnostic.code.0, 719) || options.key_budget.is_some();
            assert!(diagnostic.primary.is_some() || of_options, "{name} says no place");
            assert!(diagnostic.help.is_some() || diagnostic.code.0 == 190, "{name} says no remedy");
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, description => case.source.clone() }, {
            insta::assert_snapshot!(error.render(false));
        });
    });
}

/// What circuits over encrypted integers cannot do: programs of `cases/circuits`, with sizes in their first lines.
#[test]
fn refused_for_circuits() {
    insta::glob!("../cases/circuits", "*.ein", |path| {
        let case = Case::read(path);
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let sizes: Vec<(&str, i64)> = case.sizes.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        let program = Compiler::new().threads(1).compile(&case.source).unwrap_or_else(|e| panic!("{name}: {}", e.render(false)));
        let function = program.main_def().unwrap_or_else(|e| panic!("{name}: {}", e.render(false)));
        let error = function.circuit(&sizes).err().unwrap_or_else(|| panic!("{name} is a circuit"));
        for diagnostic in error.diagnostics() {
            assert!(name.starts_with(&diagnostic.code.to_string()), "{name}: {diagnostic}");
            assert!(diagnostic.primary.is_some() && diagnostic.help.is_some(), "{name}: {diagnostic}");
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, description => case.source.clone() }, {
            insta::assert_snapshot!(error.render(false));
        });
    });
}

#[test]
fn secrets_in_the_library() {
    insta::assert_snapshot!(secret_functions::of_the_library());
}

#[test]
fn secrets_in_functions_of_one_number() {
    insta::assert_snapshot!(secret_functions::of_one_number());
}

/// Long runs of one character, as in the case of deep nesting, are cut.
fn shorten(text: &str) -> String {
    text.replace(&"(".repeat(250), "(…").replace(&")".repeat(250), "…)").replace(&" ".repeat(250), " ").replace(&"─".repeat(250), "─")
}

/// A code of the tables that a program can lead to has a case of its own.
#[test]
fn every_code_has_a_case() {
    let cases: BTreeSet<String> = ein_tests::cases::files("diagnostics")
        .iter()
        .filter_map(|p| Some(p.file_name()?.to_string_lossy().split('_').next()?.to_owned()))
        .collect();
    // E0118 is about the bytes of a file, E0199 a mistake of the compiler; the others
    // are found when sizes or data are known: see `found_when_bound_or_run`. E0315 is for strict checks alone: see `strict.rs`.
    let elsewhere = [118, 199, 502, 503, 305, 307, 311, 312, 315, 403];
    let tables = [
        &error::parse::CODES[..],
        &error::sums::CODES,
        &error::dims::CODES,
        &error::types::CODES,
        &error::reducers::CODES,
        &error::secrets::CODES,
        &error::refusals::CODES,
    ];
    let missing: Vec<String> = tables
        .into_iter()
        .flatten()
        .filter(|entry| !elsewhere.contains(&entry.code))
        .map(|entry| format!("E{:04}", entry.code))
        .filter(|code| !cases.contains(code))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// Labels lie in the text, and the help is text.
#[test]
fn diagnostics_are_complete() {
    for path in ein_tests::cases::files("diagnostics") {
        let source = std::fs::read_to_string(&path).expect("readable");
        let error = mistakes(&source).unwrap_or_else(|| panic!("{} is accepted", path.display()));
        let mut last = 0;
        for d in error.diagnostics() {
            let at = format!("{}: {d}", path.display());
            assert!(!d.message.ends_with('.') && !d.message.contains('\n'), "{at}");
            let primary = d.primary.as_ref().unwrap_or_else(|| panic!("{at}: no place"));
            for label in std::iter::once(primary).chain(&d.others) {
                assert!(source.get(label.span.start as usize..label.span.end as usize).is_some(), "{at}: {:?}", label.span);
            }
            assert!(last <= primary.span.start, "{at}: not in the order of the text");
            last = primary.span.start;
        }
    }
}

/// Binds and runs a program on zeros of these shapes, and gives the error.
fn failure(source: &str, inputs: &[(&str, DType, &[usize])], sizes: &[(&str, i64)]) -> Error {
    let program = Compiler::new().threads(1).compile(source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let function = program.main_def().unwrap_or_else(|e| panic!("{}", e.render(false)));
    let zeros: Vec<(&str, Tensor)> = inputs.iter().map(|(n, d, s)| (*n, Tensor::zeros(*d, s).expect("small"))).collect();
    let run = || {
        let mut binder = sizes.iter().fold(function.bind(), |b, (name, n)| b.size(name, *n));
        for (name, tensor) in &zeros {
            binder = binder.input(name, &tensor.into())?;
        }
        let views: Vec<TensorRef<'_>> = zeros.iter().map(|(_, t)| t.into()).collect();
        binder.build()?.call(&views)
    };
    run().err().unwrap_or_else(|| panic!("no error from {source}"))
}

#[test]
fn found_when_bound_or_run() {
    const F: DType = DType::F32;
    const N: &str = "def f<N>(x: f32[N]) -> y: f32[N] { y[i] = x[i]; }";
    type Row<'a> = (&'a str, &'a [(&'a str, DType, &'a [usize])], &'a [(&'a str, i64)], &'a str, &'a [&'a str]);
    let table: &[Row<'_>] = &[
        (
            "def f<N, M>(x: f32[N], z: f32[M]) -> y: f32[N] where N == 2*M { y[i] = x[i] + z[i // 2]; }",
            &[("x", F, &[5]), ("z", F, &[2])],
            &[],
            "E0305",
            &["N == 2*M"],
        ),
        ("def f<N, M>(x: f32[N]) -> y: f32[M] { y[i] = x[clamp(i)]; }", &[("x", F, &[0])], &[("M", 3)], "E0307", &["clamp"]),
        ("def f<N, M>(x: f32[N]) -> y: f32[M] { y[i] = x[wrap(i)]; }", &[("x", F, &[0])], &[("M", 3)], "E0307", &["wrap"]),
        (N, &[("x", F, &[3])], &[("K", 3)], "E0311", &["`K`", "`N`"]),
        ("def f<N>(x: f32[N]) -> y: f32[N - 4] { y[i in 0..N - 4] = x[i]; }", &[("x", F, &[3])], &[], "E0305", &["-1"]),
        ("def f<N>(x: f32[N]) -> h: f32 { scan i: N { h = x[i]; } }", &[("x", F, &[0])], &[], "E0502", &["`h`", "N = 0"]),
        ("def f<N, M>(x: f32[N]) -> y: f32[M] { y[i] = x[clamp(i)]; }", &[("x", F, &[3])], &[("M", -3)], "E0312", &["-3"]),
        ("def f<N>(x: i32[N]) -> y: i32[N] { y[i] = 7 // x[i]; }", &[("x", DType::I32, &[3])], &[], "E0403", &["divisor"]),
        ("def f<N>(x: i64[N]) -> y: i64[N] { y[i] = 7 % x[i]; }", &[("x", DType::I64, &[3])], &[], "E0403", &["divisor"]),
        (N, &[("x", DType::F64, &[3])], &[], "E0905", &["`x`", "f32", "f64"]),
        (N, &[("x", F, &[3, 3])], &[], "E0906", &["`x`", "1", "2"]),
        (N, &[("z", F, &[3])], &[], "E0911", &["`z`", "`x`"]),
        (N, &[], &[], "E0306", &["`N`"]),
        ("def f<N, M>(x: f32[N, M]) -> y: i64[N] { y[i] = argmax[j](x[i, j]); }", &[("x", F, &[3, 0])], &[], "E0503", &["argmax"]),
        (
            "def f<N, V>(k: idx<V>[N], x: f32[V]) -> y: f32[N] { y[i] = x[k[i]]; }",
            &[("k", DType::I32, &[2]), ("x", F, &[0])],
            &[],
            "E0917",
            &["`k[0]`", "size 0"],
        ),
        ("def f<N>(x: f32[N] in 0.5..1.0) -> y: f32[N] { y[i] = x[i]; }", &[("x", F, &[3])], &[], "E0918", &["`x[0]`", "0.5..1.0"]),
        (
            "def f<N>(x: secret f32[N] in -1.0..1.0) -> y: secret f32 { y = approx(exp, sum[i](x[i]), on = (-2.0, 2.0)); }",
            &[("x", F, &[3])],
            &[],
            "E0710",
            &["-2.0..2.0", "-3.0 to 3.0"],
        ),
        ("def f(x: i8 in -1..-1) -> y: i8 { y = x; }", &[("x", DType::I8, &[])], &[], "E0918", &["`x`", "-1..-1"]),
        (
            "def f<N, V>(k: idx<V>[N], x: f32[V]) -> y: f32[N] { y[i] = x[k[i]]; }",
            &[("k", F, &[2]), ("x", F, &[3])],
            &[],
            "E0905",
            &["`k`"],
        ),
        (
            "def f<N>(x: f32[N], z: f32[N]) -> y: f32[N] { y[i] = x[i] + z[i]; }",
            &[("x", F, &[3]), ("z", F, &[4])],
            &[],
            "E0301",
            &["3", "4"],
        ),
        ("def f<N>(x: f32[N]) -> y: f32[N, N, N] { y[i, j, k] = x[i] * x[j] * x[k]; }", &[("x", F, &[3_000_000])], &[], "E0802", &[]),
        (
            "def f<B, N>(x: f32[N], k: idx<N>[B]) -> y: f32[B] where N >= 1 { y[b] = x[(k[b] * |N|^3) // |N|^3]; }",
            &[("x", F, &[2_000_000]), ("k", DType::I32, &[2])],
            &[],
            "E0802",
            &["reaches 15999992000000000000000000", "64 bits"],
        ),
        (
            "def f<M, N>(x: f32[N]) -> y: f32[M] { y[i: M] = if (i * 4611686018427387904 * 2) // 4611686018427387904 // 2 < |N| then x[i + 0] else 0.0; }",
            &[("x", F, &[3])],
            &[("M", 5)],
            "E0802",
            &["reaches 36893488147419103232"],
        ),
    ];
    let mut wrong = Vec::new();
    for (source, inputs, sizes, code, words) in table {
        let error = failure(source, inputs, sizes);
        let text = error.render(false);
        if error.diagnostics()[0].code.to_string() != *code || !words.iter().all(|w| text.contains(w)) {
            wrong.push(format!("{code} with {words:?} expected for {source}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An error of the data says where, and nothing of the result is given.
#[test]
fn guarded_data_does_not_fail() {
    let source = "def f<N>(x: i32[N]) -> y: i32[N] { y[i] = if x[i] == 0 then -1 else 7 // x[i]; }";
    let x = Tensor::from_slice(&[3], &[0i32, 2, -2]).expect("small");
    let f = Compiler::new().compile(source).and_then(|p| p.main_def()).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let y = f.call([("x", &x)]).unwrap_or_else(|e| panic!("{}", e.render(false))).into_tensors();
    assert_eq!(y[0].as_slice::<i32>().expect("i32"), [-1, 3, -4]);
}

#[test]
fn classic_strings() {
    let table: &[(&str, &[&[usize]], &str)] = &[
        ("i1", &[&[2, 3]], "E0150"),
        ("i.j", &[&[2, 3]], "E0151"),
        ("...i...", &[&[2, 3]], "E0151"),
        ("i-", &[&[2]], "E0152"),
        ("i->i->", &[&[2]], "E0152"),
        ("i->j", &[&[2]], "E0153"),
        ("i->ii", &[&[2]], "E0154"),
        ("i,j", &[&[2]], "E0155"),
        ("ij", &[&[2]], "E0156"),
        ("i", &[&[2, 3]], "E0157"),
        ("ii", &[&[2, 3]], "E0158"),
        ("ij,jk", &[&[2, 3], &[4, 2]], "E0159"),
        ("...i->i", &[&[2, 3]], "E0160"),
    ];
    for (equation, shapes, code) in table {
        let zeros: Vec<Tensor> = shapes.iter().map(|s| Tensor::zeros(DType::F32, s).expect("small")).collect();
        let views: Vec<TensorRef<'_>> = zeros.iter().map(TensorRef::from).collect();
        let error = ein::einsum(equation, &views).expect_err(equation);
        assert_eq!(error.diagnostics()[0].code.to_string(), *code, "{equation}: {error}");
        assert!(error.diagnostics()[0].primary.is_some() || *code == "E0155", "{equation} says no place");
    }
}
