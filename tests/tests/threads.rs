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
        ein::Stage::ALL[1..].iter().map(|s| program.emit(*s, "f", &[("A", 7), ("N", 9), ("K", 5)]).expect("emits")).collect::<Vec<_>>()
    };
    let first = text(1);
    for threads in [1, 2, 5] {
        assert_eq!(text(threads), first);
    }
}
