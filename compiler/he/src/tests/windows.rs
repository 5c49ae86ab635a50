//! Sums over windows, also beyond the ends of axes where there are zeros.

use super::moves::given;
use super::written::define;
use super::{Random, check};
use crate::program::Program;
use crate::{Contract, Options};

/// Rotations, products of ciphertexts, products with plaintexts, depth.
type Goal = [usize; 4];
/// A shape, labels of the result, sizes of labels, and what is summed.
type Case<'a> = (&'a [u64], &'a str, &'a [u64], &'a str, Goal);

fn assert_takes(shape: &[u64], (output, sizes, text): (&str, &[u64], &str), contract: Contract, goal: Goal) {
    let mut program = given(&[("x", shape), ("W", &[3, 3])]);
    define(&mut program, "y", output, sizes, text);
    let counts = check(&program, &Options::new(contract, 10));
    let found = [counts.rotations, counts.mulcc, counts.mulcp, counts.depth];
    assert!(found.iter().zip(goal).all(|(found, goal)| *found <= goal), "{text} of {shape:?} {contract:?}: {counts}");
}

/// A window of `w` takes about as many rotations as `w` has binary digits, along each axis, and nothing else.
#[test]
fn windows_are_summed_by_rotations_alone() {
    let cases: [Case<'_>; 14] = [
        (&[20], "i", &[13, 8], "x[i+j]", [3, 0, 0, 0]),
        (&[32], "i", &[28, 5], "x[i+j]", [3, 0, 0, 0]),
        (&[20], "i", &[9, 3], "x[2i+j]", [2, 0, 0, 0]),
        (&[20], "i", &[12, 5], "x[i+2j]", [3, 0, 0, 0]),
        (&[16, 16], "ij", &[12, 12, 5, 5], "x[i+k,j+l]", [6, 0, 0, 0]),
        (&[20, 12], "ij", &[20, 8, 5], "x[i,j+k]", [3, 0, 0, 0]),
        (&[16, 16], "ij", &[8, 8, 2, 2], "x[2i+k,2j+l]", [2, 0, 0, 0]),
        (&[20], "i", &[20, 3], "x[?i+j+-1]", [2, 0, 0, 0]),
        (&[32], "i", &[32, 5], "x[?i+j+-2]", [3, 0, 0, 0]),
        (&[20], "i", &[20], "x[?i+-1]", [0; 4]),
        (&[19, 8], "ij", &[19, 8, 3, 3], "x[?i+k+-1,?j+l+-1]", [4, 0, 0, 0]),
        (&[16, 16], "ij", &[16, 16, 3, 3], "x[?i+k+-1,?j+l+-1]", [4, 0, 0, 0]),
        (&[14, 14], "ij", &[14, 14, 5, 5], "x[?i+k+-2,?j+l+-2]", [6, 0, 0, 0]),
        (&[12, 12], "ij", &[12, 12, 5], "x[i,?j+k+-2]", [3, 0, 0, 0]),
    ];
    for (shape, output, sizes, text, goal) in cases {
        assert_takes(shape, (output, sizes, text), Contract::Free, goal);
    }
}

/// Where there is no room for zeros, and where the result must lie in rows, masks make them: once.
#[test]
fn windows_in_rows_take_few_masks() {
    let cases: [Case<'_>; 5] = [
        (&[20], "i", &[20, 3], "x[?i+j+-1]", [2, 0, 1, 1]),
        (&[32], "i", &[28, 5], "x[i+j]", [3, 0, 1, 1]),
        (&[19, 8], "ij", &[19, 8, 3, 3], "x[?i+k+-1,?j+l+-1]", [5, 0, 9, 1]),
        (&[14, 14], "ij", &[14, 14, 3, 3], "x[?i+k+-1,?j+l+-1]", [4, 0, 1, 1]),
        (&[16, 16], "ij", &[16, 16, 3, 3], "x[?i+k+-1,?j+l+-1]", [5, 0, 9, 1]),
    ];
    for (shape, output, sizes, text, goal) in cases {
        assert_takes(shape, (output, sizes, text), Contract::Strict, goal);
    }
}

/// A kernel over a padded axis takes one rotation more than within an axis.
#[test]
fn padded_kernels_are_as_cheap_as_others() {
    for contract in [Contract::Free, Contract::Strict] {
        for shape in [[16, 16], [19, 8], [14, 14]] {
            let sizes = [shape[0], shape[1], 3, 3];
            assert_takes(&shape, ("ij", &sizes, "x[?i+k+-1,?j+l+-1]*W[k,l]"), contract, [5, 0, 9, 1]);
        }
    }
}

/// Windows of inputs and of what is computed, with steps, forwards and backwards, beyond both ends.
#[test]
fn random_windows() {
    let mut random = Random(17);
    for _ in 0..60 {
        let shape: Vec<u64> = (0..1 + random.below(2)).map(|_| random.pick(&[1, 3, 4, 5, 7, 8, 9])).collect();
        let mut program = given(&[("x", &shape), ("z", &shape), ("W", &[3])]);
        let define = |program: &mut Program, name: &str, of: &str, random: &mut Random| {
            let sizes = [random.pick(&[1, 3, 4, 6]), random.pick(&[1, 2, 4, 5]), random.pick(&[1, 2, 3, 7]), 3];
            let shape = program.tensors.iter().find(|tensor| tensor.name == of).unwrap().shape.clone();
            let subs = shape.iter().enumerate().map(|(n, _)| {
                let kept = ["i", "2i", "j", "i", "j+i"][usize::try_from(random.below(5)).unwrap()];
                let kept = if n == 0 { kept.to_owned() } else { kept.replace('i', "m").replace('j', "i").replace('m', "j") };
                let line = random.pick(&["N", "N+k+-1", "N+2k+-3", "N+k+l+-1", "N+-2", "N+-1k+1", "N+3l"]);
                format!("?{}", line.replace('N', &kept))
            });
            let mut text = format!("{of}[{}]", subs.collect::<Vec<_>>().join(","));
            if random.below(4) == 0 && text.contains('l') {
                text += "*W[l]";
            }
            let output: String = "ijkl".chars().filter(|label| text.contains(*label)).filter(|_| random.below(3) > 0).collect();
            define(program, name, &output, &sizes, &text);
        };
        define(&mut program, "d", "x", &mut random);
        let last = if random.below(2) == 0 && !program.tensors[3].shape.is_empty() { "d" } else { "z" };
        define(&mut program, "e", last, &mut random);
        for contract in [Contract::Strict, Contract::Free] {
            check(&program, &Options::new(contract, 3 + u32::try_from(random.below(6)).unwrap()));
        }
    }
}
