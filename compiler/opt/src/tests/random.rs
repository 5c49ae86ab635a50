//! Random modules: whatever is fused, split or forwarded, the plan computes the same values.

use super::{plan, plan_with};
use crate::{Minimize, Options};
use std::fmt::Write;

/// Sizes of the axes; a tensor's axes are positions in this list.
const SIZES: [usize; 4] = [2, 3, 3, 1];

/// A small generator, so that the modules are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn axes(&mut self, most: usize) -> Vec<usize> {
        (0..self.below(most + 1)).map(|_| self.below(SIZES.len())).collect()
    }
}

struct Builder {
    random: Random,
    dtype: &'static str,
    /// Axes of each tensor so far.
    tensors: Vec<Vec<usize>>,
    n_indices: usize,
    indices: String,
}

impl Builder {
    fn index(&mut self, axis: usize) -> (usize, usize) {
        let index = self.n_indices;
        self.n_indices += 1;
        writeln!(self.indices, "i{index} 0..{}", SIZES[axis]).expect("a string takes text");
        (index, axis)
    }

    /// A read of some tensor whose axes all have an index in scope, or a literal.
    fn read(&mut self, scope: &[(usize, usize)]) -> String {
        // Mostly the newest, so that chains arise for fusion.
        let newest = self.tensors.len() - 1;
        let tensor = if self.random.below(2) == 0 { newest } else { self.random.below(self.tensors.len()) };
        let mut subs = Vec::new();
        for axis in self.tensors[tensor].clone() {
            let fitting: Vec<usize> = scope.iter().filter(|(_, a)| *a == axis).map(|(i, _)| *i).collect();
            subs.push(match fitting.len() {
                0 => self.random.below(SIZES[axis]).to_string(),
                n => {
                    let index = fitting[self.random.below(n)];
                    if self.random.below(8) == 0 { format!("({} - i{index})", SIZES[axis] - 1) } else { format!("i{index}") }
                }
            });
        }
        format!("t{tensor}[{}]", subs.join(", "))
    }

    fn body(&mut self, scope: &[(usize, usize)], depth: usize) -> String {
        let choice = if depth == 0 { 0 } else { self.random.below(9) };
        if choice <= 1 {
            return self.read(scope);
        }
        let a = self.body(scope, depth - 1);
        if choice == 2 {
            return format!("neg({a})");
        }
        let b = self.body(scope, depth - 1);
        match choice {
            3 => format!("({a} + {b})"),
            4 => format!("max({a}, {b})"),
            _ => format!("({a} * {b})"),
        }
    }

    fn definition(&mut self) -> String {
        let axes = self.random.axes(3);
        let outer: Vec<_> = axes.iter().map(|a| self.index(*a)).collect();
        let binders: Vec<_> = self.random.axes(2).into_iter().map(|a| self.index(a)).collect();
        let scope: Vec<_> = outer.iter().chain(&binders).copied().collect();
        let body = self.body(&scope, 2);
        let names = |list: &[(usize, usize)]| list.iter().map(|(i, _)| format!("i{i}")).collect::<Vec<_>>().join(", ");
        let (out, dtype) = (self.tensors.len(), self.dtype);
        self.tensors.push(axes);
        let left = format!("t{out}[{}]", names(&outer));
        match (binders.is_empty(), self.random.below(4)) {
            (true, _) => format!("{left} = {body}"),
            (false, 0) => format!("{left} = max:{dtype}[{}]({body})", names(&binders)),
            (false, 1) => format!("{left} = sum:{dtype}[{} where (i{} < 2)]({body})", names(&binders), binders[0].0),
            (false, _) => format!("{left} = sum:{dtype}[{}]({body})", names(&binders)),
        }
    }
}

fn random_module(seed: u64, dtype: &'static str) -> String {
    let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut builder = Builder { random, dtype, tensors: Vec::new(), n_indices: 0, indices: String::new() };
    for _ in 0..3 {
        let axes = builder.random.axes(3);
        builder.tensors.push(axes);
    }
    let definitions: Vec<String> = (0..4).map(|_| builder.definition()).collect();
    let mut text = String::new();
    for (n, axes) in builder.tensors.iter().enumerate() {
        let kind = [">", "|", "<"][usize::from(n > 2) + usize::from(n == 6 || (n > 2 && seed % 5 == n as u64 - 3))];
        let sizes: Vec<String> = axes.iter().map(|a| SIZES[*a].to_string()).collect();
        writeln!(text, "{kind}v{n} {dtype}[{}]", sizes.join(", ")).expect("a string takes text");
    }
    format!("{text}{}{}", builder.indices, definitions.join("\n"))
}

#[test]
fn plans_of_random_integer_modules_compute_the_same() {
    for seed in 0..150 {
        let plan = plan(&random_module(seed, "i64"));
        assert!(!plan.steps.is_empty());
    }
}

#[test]
fn plans_of_random_float_modules_compute_the_same() {
    // Counting flops alone splits whatever can be split.
    let options = Options { minimize: Minimize::Flops, ..Options::default() };
    for seed in 0..150 {
        plan_with(&random_module(seed, "f64"), &options);
    }
}
