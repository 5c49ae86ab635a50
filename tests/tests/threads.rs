//! What may be shared between threads is, and results do not depend on how many there are.

use ein::{Bound, Compiler, DType, Einsum, Error, Function, Program, Tensor, TensorRef};
use ein_tests::compare::same_bits;
use ein_tests::random::Random;
use ein_tests::store::random_tensor;

const fn shared<T: Send + Sync>() {}

const _: () = {
    shared::<Compiler>();
    shared::<Program>();
    shared::<Function>();
    shared::<Bound>();
    shared::<Einsum>();
    shared::<Error>();
    shared::<Tensor>();
    shared::<TensorRef<'_>>();
};

const SOFTMAX: &str = "def f<A, N, K>(x: f32[A, K], w: f32[K, N]) -> y: f32[A, N] {
  s[a, i] = x[a, k] * w[k, i];
  m[a]    = max[i](s[a, i]);
  y[a, i] = exp(s[a, i] - m[a]) / sum[i'](exp(s[a, i'] - m[a]));
}";

fn inputs(rows: usize) -> [Tensor; 2] {
    let mut random = Random::new(7);
    [random_tensor(&mut random, DType::F32, &[rows, 65]), random_tensor(&mut random, DType::F32, &[65, 129])]
}

fn run(function: &Function, [x, w]: &[Tensor; 2]) -> Tensor {
    function.call([("x", x), ("w", w)]).unwrap_or_else(|e| panic!("{}", e.render(false))).into_tensors().swap_remove(0)
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let data = inputs(301);
    let results: Vec<Tensor> = [1, 2, 3, 8]
        .into_iter()
        .map(|threads| run(&Compiler::new().threads(threads).compile(SOFTMAX).and_then(|p| p.main_def()).expect("compiles"), &data))
        .collect();
    for other in &results[1..] {
        same_bits(other, &results[0]).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Panels of triangles are divided as whole ones.
#[test]
fn bits_of_triangular_products_do_not_depend_on_the_number_of_threads() {
    let source = "def f<N>(a: f32[N, N], b: f32[N, N]) -> (x: f32[N, N], y: f32[N, N], z: f32[N, N]) {
      x[i, j] = sum[k where k <= i](a[i, k] * b[k, j]);
      t[i, k] = if i <= k then exp(a[i, k]) else 0.0;
      y[i, j] = t[i, k] * b[k, j];
      z[i, j] = if j < i then sum[k](a[i, k] * b[k, j]) else 0.0;
    }";
    let mut random = Random::new(3);
    let [a, b] = [0, 1].map(|_| random_tensor(&mut random, DType::F32, &[230, 230]));
    let results = |threads: usize, opt_level: u8| {
        let function = Compiler::new().threads(threads).opt_level(opt_level).compile(source).and_then(|p| p.main_def()).expect("compiles");
        function.call([("a", &a), ("b", &b)]).unwrap_or_else(|e| panic!("{}", e.render(false))).into_tensors()
    };
    assert!(tasks(source, &[a.shape(), b.shape()]) > 1);
    let first = results(1, 1);
    for (got, as_written) in first.iter().zip(results(1, 0)) {
        ein_tests::compare::close(got, &as_written, 1e-3).unwrap_or_else(|e| panic!("{e}"));
    }
    for threads in [2, 3, 8] {
        for (got, expected) in results(threads, 1).iter().zip(&first) {
            same_bits(got, expected).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

#[test]
fn one_function_is_called_from_many_threads() {
    let function = Compiler::new().threads(2).compile(SOFTMAX).and_then(|p| p.main_def()).expect("compiles");
    let expected: Vec<Tensor> = (1..5).map(|rows| run(&function, &inputs(rows))).collect();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (function, expected) = (&function, &expected);
            scope.spawn(move || {
                for turn in 0..6 {
                    let rows = 1 + (worker + turn) % 4;
                    same_bits(&run(function, &inputs(rows)), &expected[rows - 1]).unwrap_or_else(|e| panic!("{e}"));
                }
            });
        }
    });
}

#[test]
fn plans_do_not_depend_on_the_compilation() {
    let text = |threads| {
        let program = Compiler::new().threads(threads).compile(SOFTMAX).expect("compiles");
        let stages = ein::Stage::ALL[1..].iter().filter(|s| !matches!(s, ein::Stage::He | ein::Stage::Tfhe));
        stages.map(|s| program.emit(*s, "f", &[("A", 7), ("N", 9), ("K", 5)]).expect("emits")).collect::<Vec<_>>()
    };
    let first = text(1);
    for threads in [1, 2, 5] {
        assert_eq!(text(threads), first);
    }
}
/// Programs large enough to be divided among threads, against the interpreters.
#[test]
fn divided_programs_agree_with_the_interpreter() {
    const F: DType = DType::F32;
    type Row<'a> = (&'a str, &'a [(&'a str, DType, &'a [usize])]);
    let programs: [Row<'_>; 4] = [
        (SOFTMAX, &[("x", F, &[130, 17]), ("w", F, &[17, 65])]),
        (
            "def f<N, M>(x: f32[N, M]) -> y: f32[N, M] {\n  y[i, j] = tanh(x[clamp(i - 1), j] + x[i, wrap(j + 1)] + x[pad(i + 1), reflect(j - 2)]);\n}",
            &[("x", F, &[151, 67])],
        ),
        ("def f<N>(x: f32[N]) -> y: f32[N] {\n  y[i] = sum[j where j <= i](sin(x[j]));\n}", &[("x", F, &[263])]),
        (
            "def f<N, M>(n: i64[N, M]) -> (y: i64[N], z: bool[N, M]) {\n  y[i] = sum[j where n[i, j] % 3 != 0](n[i, j] // 2);\n  z[i, j] = n[i, j] > y[i];\n}",
            &[("n", DType::I64, &[157, 131])],
        ),
    ];
    let mut divided = 0;
    for (seed, (source, inputs)) in programs.into_iter().enumerate() {
        let inputs = inputs.iter().map(|(n, d, s)| ((*n).to_owned(), *d, s.to_vec())).collect();
        let program = ein_tests::generate::Generated { seed: seed as u64, source: source.to_owned(), inputs, sizes: Vec::new() };
        ein_tests::oracle::check_program(&program).unwrap_or_else(|e| panic!("{e}"));
        let shapes: Vec<&[usize]> = program.inputs.iter().map(|(_, _, s)| s.as_slice()).collect();
        divided += usize::from(tasks(source, &shapes) > 1);
    }
    assert!(divided >= 2, "only {divided} of the programs are divided among threads");
}

/// The largest number of tasks of a kernel of a program.
fn tasks(source: &str, shapes: &[&[usize]]) -> u32 {
    let module = ein_tests::oracle::module(source, None).expect("checked");
    let module = ein_tests::oracle::specialise(&module, shapes, &[]).expect("fits");
    let plan = ein_opt::plan(&module, &ein_opt::Options::default()).expect("planned");
    ein_lower::lower(&plan).expect("lowered").kernels.values().map(|k| k.tasks).max().unwrap_or(0)
}
