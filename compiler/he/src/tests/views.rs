//! Parts of tensors, and what is unknown beside them.

use super::written::define;
use super::{Random, check, tensor, weights};
use crate::program::{Origin, Program};
use crate::{Contract, Options};
use ein_ir::packed::Counts;

/// `shapes` are of `x`, `z`, both secret, and of `w`, which is public.
fn given(shapes: [&[u64]; 3]) -> Program {
    let mut program = Program::default();
    for (name, (shape, origin)) in ["x", "z", "w"].iter().zip(shapes.iter().zip([Origin::Secret, Origin::Secret, Origin::Public])) {
        program.tensors.push(tensor(name, shape, origin));
    }
    program
}

fn free(program: &Program, log_slots: u32) -> Counts {
    check(program, &Options::new(Contract::Strict, log_slots));
    check(program, &Options::new(Contract::Free, log_slots))
}

/// Rotations, products of ciphertexts, products with plaintexts, depth.
type Goal = [usize; 4];

fn assert_takes(program: &Program, log_slots: u32, goal: Goal) {
    let counts = free(program, log_slots);
    assert_eq!([counts.rotations, counts.mulcc, counts.mulcp, counts.depth], goal, "{counts}: {program:?}");
}

#[test]
fn a_part_is_where_it_was() {
    let cases: [(&str, &[u64], &str, Goal); 12] = [
        ("i", &[15], "x[i+1,0]", [0; 4]),
        ("ij", &[15, 3], "x[i+1,j+2]", [0; 4]),
        ("ij", &[8, 2], "x[2i+1,2j]", [0; 4]),
        ("i", &[5], "x[9,i]", [0; 4]),
        ("ji", &[4, 5], "x[4i,j]", [0; 4]),
        ("ij", &[15, 5], "x[i+1,j] -x[i,j]", [1, 0, 0, 0]),
        ("ij", &[14, 5], "x[i,j] -x[i+1,j] x[i+2,j]", [2, 0, 0, 0]),
        ("ij", &[15, 5], "x[i+1,j]*z[i,j]", [0, 1, 0, 1]),
        ("ij", &[15, 5], "x[i+1,j]*w[i,j]", [0, 0, 1, 1]),
        ("ij", &[15, 5], "x[i+1,j]*x[i,j]", [1, 1, 0, 1]),
        ("j", &[15, 5], "x[i+1,j]", [4, 0, 1, 1]),
        ("j", &[8, 5], "x[i+3,j]", [3, 0, 0, 0]),
    ];
    for (output, sizes, text, goal) in cases {
        let mut program = given([&[16, 5], &[15, 5], &[15, 5]]);
        define(&mut program, "y", output, sizes, text);
        assert_takes(&program, 8, goal);
    }
}

/// A window is moved along each of its axes: 2 rotations by columns and 2 by rows for 3 x 3, whatever lies between its corners.
#[test]
fn windows_step_along_their_axes() {
    let cases: [([u64; 4], &str, Goal); 4] = [
        ([14, 14, 3, 3], "x[i+k,j+l]*w[k,l]", [4, 0, 9, 1]),
        ([10, 10, 7, 7], "x[i+k,j+l]*w[k,l]", [12, 0, 49, 1]),
        ([12, 12, 3, 3], "x[i+2k,j+2l]*w[k,l]", [4, 0, 9, 1]),
        ([7, 14, 3, 3], "x[2i+k,j+l]*w[k,l]", [4, 0, 9, 1]),
    ];
    for (sizes, text, goal) in cases {
        let mut program = given([&[16, 16], &[1], &sizes[2..]]);
        define(&mut program, "y", "ij", &sizes, text);
        assert_takes(&program, 8, goal);
    }
}

#[test]
fn parts_of_parts() {
    let mut program = given([&[16], &[13], &[13]]);
    define(&mut program, "d", "i", &[15], "x[i+1] -x[i]");
    define(&mut program, "e", "i", &[14], "d[i+1] -d[i]");
    assert_takes(&program, 6, [2, 0, 0, 0]);
    define(&mut program, "f", "i", &[13], "e[i+1]*z[i] w[i]");
    assert_takes(&program, 6, [2, 1, 0, 1]);
    define(&mut program, "g", "i", &[1], "f[12]");
    assert_takes(&program, 6, [2, 1, 0, 1]);
}

/// Of several ciphertexts those that are not read are left out.
#[test]
fn parts_are_ciphertexts() {
    let mut program = given([&[8, 4, 4], &[1], &[1]]);
    define(&mut program, "y", "ij", &[4, 4], "x[5,i,j] x[2,i,j]");
    assert_takes(&program, 4, [0; 4]);
    define(&mut program, "v", "kij", &[2, 4, 4], "x[4i+1,j,k]");
    assert_takes(&program, 4, [0; 4]);
}

/// What is the same for all rows is so for those beyond the last one too.
#[test]
fn what_is_beyond_is_not_cleared_for_nobody() {
    let mut program = given([&[3, 5], &[5], &[3]]);
    define(&mut program, "y", "ij", &[3, 5], "x[i,j] z[j]");
    assert_takes(&program, 6, [2, 0, 0, 0]);
    define(&mut program, "s", "j", &[3, 5], "y[i,j]");
    assert_takes(&program, 6, [4, 0, 1, 1]);
}

/// Parts of two secret inputs and a public one, in sums of products, read by another.
#[test]
fn random_parts() {
    let mut random = Random(11);
    for _ in 0..80 {
        let shapes: Vec<Vec<u64>> = (0..2).map(|_| (0..1 + random.below(2)).map(|_| random.pick(&[3, 4, 7, 8])).collect()).collect();
        let sizes: Vec<u64> = (0..3).map(|_| random.pick(&[1, 2, 2, 3, 3])).collect();
        let mut program = given([&shapes[0], &shapes[1], &sizes[..2]]);
        let factor = |random: &mut Random, program: &Program, n: usize| {
            // What is contracted in the clear is read whole.
            if n == 2 {
                return "w[i,j]".to_owned();
            }
            let subs = program.tensors[n].shape.iter().map(|&size| {
                let label = usize::try_from(random.below(3)).unwrap();
                let name = char::from(b'i' + u8::try_from(label).unwrap());
                let most = |factor: u64| (size - 1).checked_sub(factor * (sizes[label] - 1));
                match random.pick(&[(1, true), (1, false), (1, false), (2, false), (0, false)]) {
                    (1, true) if sizes[label] <= size => name.to_string(),
                    (factor, _) if factor > 0 && most(factor).is_some() => {
                        format!("{factor}{name}+{}", random.below(most(factor).unwrap_or(0) + 1))
                    }
                    _ => random.below(size).to_string(),
                }
            });
            format!("{}[{}]", program.tensors[n].name, subs.collect::<Vec<_>>().join(","))
        };
        for name in ["d", "e"] {
            let last = program.tensors.len() - 1;
            let first = if name == "d" { 0 } else { last };
            let mut text = factor(&mut random, &program, first);
            for _ in 0..random.below(3) {
                let n = usize::try_from(random.below(3)).unwrap();
                text += &(random.pick(&["*", " ", " -"]).to_owned() + &factor(&mut random, &program, n));
            }
            let read: Vec<char> = "ijk".chars().filter(|label| text.replace(['d', 'x', 'z', 'w'], "").contains(*label)).collect();
            let output: String = read.iter().filter(|_| random.below(4) > 0).collect();
            define(&mut program, name, &output, &sizes, &text);
            for contract in [Contract::Strict, Contract::Free] {
                let options = Options::new(contract, 3 + u32::try_from(random.below(5)).unwrap());
                check(&program, &options);
                let [together, alone] = weights(&program, &options);
                assert!(together <= alone, "{together} against {alone}: {program:?}");
            }
        }
    }
}
