//! Golden text of the mistakes that no program text shows: classic einsum strings, files, memory, and calls of the library.

use ein::{Compiler, Cpu, DType, Einsum, Error, Tensor, TensorMut, TensorRef, ndarray::Array2};
use ein_runtime::Error as E;
use std::fmt::Write as _;

fn rendered(cases: impl IntoIterator<Item = (String, Error)>) -> String {
    let mut out = String::new();
    for (case, error) in cases {
        let _ = writeln!(out, "--- {case}\n{}", error.render(false));
    }
    out
}

#[test]
fn einsum_strings() {
    let table: &[(&str, &[&[usize]])] = &[
        ("i1", &[&[2, 3]]),
        ("i.j", &[&[2, 3]]),
        ("...i...", &[&[2, 3]]),
        ("i-", &[&[2]]),
        ("i->i->", &[&[2]]),
        ("i->j", &[&[2]]),
        ("i->ii", &[&[2]]),
        ("i,j", &[&[2]]),
        ("ij", &[&[2]]),
        ("i", &[&[2, 3]]),
        ("ii", &[&[2, 3]]),
        ("ij,jk", &[&[2, 3], &[4, 2]]),
        ("...i->i", &[&[2, 3]]),
    ];
    let mistake = |equation: &str, shapes: &[&[usize]]| -> Result<Tensor, Error> {
        let zeros = shapes.iter().map(|s| Tensor::zeros(DType::F32, s)).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<TensorRef<'_>> = zeros.iter().map(TensorRef::from).collect();
        Einsum::new(equation)?.call(&views)
    };
    let cases = table.iter().map(|(equation, shapes)| (format!("{equation} {shapes:?}"), mistake(equation, shapes).expect_err(equation)));
    insta::assert_snapshot!(rendered(cases));
}

#[test]
fn files_and_memory() {
    let (path, reason, name) = (|| "x.npy".into(), || "no such file".to_owned(), || "x".to_owned());
    let errors = [
        E::MemoryLimit { needed: 4096, limit: 1024 },
        E::SizeOverflow { what: name(), dtype: DType::F32, shape: vec![1 << 40, 1 << 40] },
        E::AllocationFailed { bytes: 1 << 50 },
        E::ThreadsUnavailable { threads: 4, reason: "out of threads".to_owned() },
        E::FileUnreadable { path: path(), reason: reason() },
        E::MalformedFile { path: path(), format: ".npy", reason: "the header ends early".to_owned() },
        E::UnsupportedDtype { what: "`x.npy`".to_owned(), found: "`<U3`, text".to_owned() },
        E::KeyNotFound { path: "a.npz".into(), key: "wieght".to_owned(), keys: vec!["weight".to_owned(), "bias".to_owned()] },
        E::KeyNotFound { path: "a.npz".into(), key: String::new(), keys: vec!["weight".to_owned(), "bias".to_owned()] },
        E::DtypeMismatch { name: name(), expected: DType::F32, found: DType::F64 },
        E::RankMismatch { name: name(), expected: 2, found: 3 },
        E::ExtentMismatch { name: name(), axis: 1, expected: 8, found: 9 },
        E::OutputOverlaps { output: "y".to_owned(), other: name() },
        E::CannotWrite { path: path(), reason: "permission denied".to_owned() },
        E::MissingInput { name: name() },
        E::UnknownInput { name: "X".to_owned(), known: vec![name(), "w".to_owned()] },
        E::ElementCount { shape: vec![2, 3], expected: 6, found: 5 },
        E::OutputNotRowMajor { name: "y".to_owned() },
        E::ValueOutOfRange { name: name(), index: vec![1, 0], value: Some("1.5".to_owned()), lo: "-1.0".to_owned(), hi: "1.0".to_owned() },
        E::ValueOutOfRange { name: name(), index: vec![1, 0], value: None, lo: "-1.0".to_owned(), hi: "1.0".to_owned() },
    ];
    insta::assert_snapshot!(rendered(errors.into_iter().map(|e| (format!("E{:04}", e.code()), e.into()))));
}

const SCALE: &str = "def scale<N, M>(x: f32[N, M], a: f32) -> y: f32[N, M] { y[i, j] = a * x[i, j]; }";

/// Mistakes of a Rust caller.
#[test]
fn calls() -> Result<(), Error> {
    let scale = Compiler::new().threads(1).compile(SCALE)?.def("scale")?;
    let (x, a) = (Tensor::zeros(DType::F32, &[2, 3])?, Tensor::scalar(2.0f32)?);
    let bound = scale.bind().size("N", 2).size("M", 3).build()?;
    let mut y = Tensor::zeros(DType::F32, &[2, 3])?;
    let mut wide = Tensor::zeros(DType::F32, &[2, 4])?;
    let turned = Array2::<f32>::zeros((3, 2));
    let mut doubled = Array2::<f32>::zeros((2, 6));
    let every_second = TensorMut::from(doubled.slice_mut(ein::ndarray::s![.., ..;2]));
    let aarch64 = Compiler::new().cpu(Cpu::Aarch64).compile(SCALE)?.def("scale")?;
    let small = Compiler::new().memory_limit(8).compile(SCALE)?.def("scale")?;
    let outputs = bound.call(&[(&x).into(), (&a).into()])?;
    let ranged = Compiler::new().threads(1).compile("def f<N>(x: f32[N] in -1.0..0.1) -> y: f32[N] { y[i] = x[i]; }")?.def("f")?;
    let values = ein::ndarray::array![0.1f32, 7.0, -1.0, f32::NAN, 0.0];
    let inside = ranged.call([("x", values.slice(ein::ndarray::s![..;2]))])?;
    assert_eq!(inside.array::<f32>("y")?.as_slice(), Some(&[0.1, -1.0, 0.0][..]), "both ends are inside, rounded to the type");
    let cases = [
        ("one input of two", bound.call_into(&[(&x).into()], &mut [(&mut y).into()]).err()),
        ("another shape of output", bound.call_into(&[(&x).into(), (&a).into()], &mut [(&mut wide).into()]).err()),
        ("transposed input", bound.call_into(&[turned.t().into(), (&a).into()], &mut [(&mut y).into()]).err()),
        ("output with gaps", bound.call_into(&[(&x).into(), (&a).into()], &mut [every_second]).err()),
        ("a name that is no output", outputs.array::<f32>("z").err()),
        ("another type of output", outputs.array::<f64>("y").err()),
        ("code for another machine", aarch64.bind().size("N", 2).size("M", 3).build().err()),
        ("more memory than allowed", small.bind().size("N", 2).size("M", 3).build().err()),
        ("a size that is missing", scale.bind().size("N", 2).build().err()),
        ("an input given twice", scale.call([("x", &x), ("a", &a), ("x", &x)]).err()),
        ("a value outside of its range", ranged.call([("x", values.view())]).err()),
        ("no number, in a view with strides", ranged.call([("x", values.slice(ein::ndarray::s![2..;-1]))]).err()),
        ("a constant outside of its range", ranged.bind().constant("x", values.view()).and_then(ein::Binder::build).err()),
        ("an unknown input", scale.bind().shape("xx", &[2]).build().err()),
    ];
    let cases = cases.into_iter().map(|(case, error)| (case.to_owned(), error.unwrap_or_else(|| panic!("no error: {case}"))));
    insta::assert_snapshot!(rendered(cases));
    Ok(())
}
