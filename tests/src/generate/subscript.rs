//! Subscripts without modes: most are refused, and what is accepted must stay inside of its axis.

use crate::random::Random;
use ein::DType;

/// A program that may be refused, with sizes to try it on.
#[derive(Clone, Debug)]
pub struct Subscripts {
    /// Text.
    pub source: String,
    /// Sizes of `N`, `M` and `R`, and the shapes of the inputs for them.
    pub sizes: Vec<[usize; 3]>,
}

/// Axes of the tensor that is read.
const AXES: [&str; 8] = ["N", "M", "N + M", "N*M", "2*N", "N - R + 1", "N // 2", "N + 1"];
/// Ranges of indices.
const RANGES: [&str; 8] = ["N", "M", "N // 2", "N - R + 1", "R", "M + 1", "2*M", "N*M"];
/// Conditions on sizes.
const WHERES: [&str; 8] = ["N >= 1", "N == M", "N >= 2*R", "M >= 3", "N == 2*M", "R >= 1", "N <= M", "N % 2 == 0"];

/// The program of a seed.
#[must_use]
pub fn subscripts(seed: u64) -> Subscripts {
    let mut random = Random::new(seed ^ 0x5b5);
    let axis = random.pick(&AXES);
    let (i, j) = (random.pick(&RANGES), random.pick(&RANGES));
    let wheres: Vec<&str> = (0..random.below(3)).map(|_| random.pick(&WHERES)).collect();
    let wheres = if wheres.is_empty() { String::new() } else { format!(" where {}", wheres.join(", ")) };
    let names = ["i", "j", "k[0]"];
    let first = format!("x[{}]", position(&mut random, &names, 3));
    let value = match random.below(4) {
        0 => first,
        1 => format!("if {} then {first} else x[{}]", condition(&mut random, &names), position(&mut random, &names, 2)),
        2 => {
            let names = ["i", "j", "r"];
            let guard = condition(&mut random, &names);
            format!("sum[r: R where {guard} and r >= 0](x[{}])", position(&mut random, &names, 2))
        }
        _ => {
            let names = ["i", "j", "r"];
            format!("sum[r in 1..{} where r >= 0](x[{}])", random.pick(&RANGES), position(&mut random, &names, 2))
        }
    };
    let source = format!(
        "def f<N, M, R>(x: f32[{axis}], a: f32[N], b: f32[M], c: f32[R], k: idx<M>[1]) -> y: f32{wheres} {{\n  \
         y = sum[i: {i}, j: {j} where i >= 0 and j >= 0]({value});\n}}\n"
    );
    let sizes = (0..6).map(|_| [random.below(9), 1 + random.below(6), random.below(5)]).collect();
    Subscripts { source, sizes }
}

/// Element types and shapes of the inputs for sizes of `N`, `M` and `R`; the axis of the first is for the program to say.
#[must_use]
pub fn inputs([n, m, r]: [usize; 3], axis: usize) -> Vec<(DType, Vec<usize>)> {
    vec![(DType::F32, vec![axis]), (DType::F32, vec![n]), (DType::F32, vec![m]), (DType::F32, vec![r]), (DType::I64, vec![1])]
}

fn position(random: &mut Random, names: &[&str], depth: usize) -> String {
    let size = |random: &mut Random| random.pick(&["|N|", "|M|", "|R|", "2", "3", "1", "0"]);
    if depth == 0 || random.one_in(4) {
        return if random.below(3) > 0 { random.pick(names).to_owned() } else { size(random).to_owned() };
    }
    let a = position(random, names, depth - 1);
    match random.below(8) {
        0 | 1 => format!("({a} + {})", position(random, names, depth - 1)),
        2 | 3 => format!("({a} - {})", position(random, names, depth - 1)),
        4 => format!("{}*{a}", size(random)),
        5 => format!("({a} // {})", size(random)),
        6 => format!("({a} % {})", size(random)),
        _ => format!("(|N| - 1 - {a})"),
    }
}

fn condition(random: &mut Random, names: &[&str]) -> String {
    let compare = |random: &mut Random| {
        let op = random.pick(&["<", "<=", ">", ">=", "==", "!="]);
        format!("{} {op} {}", position(random, names, 2), position(random, names, 1))
    };
    match random.below(4) {
        0 => format!("({} and {})", compare(random), compare(random)),
        1 => format!("({} or {})", compare(random), compare(random)),
        2 => format!("(not {})", compare(random)),
        _ => compare(random),
    }
}
