//! One broken program an invariant.

use super::verify;
use crate::interp::slots::{Operands, run};
use crate::packed::PublicSource;
use crate::packed::level::levels;
use crate::packed::parse::{parse, tests::EVERYTHING};
use crate::packed::print::print;

fn messages(text: &str) -> Vec<String> {
    let program = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    verify(program).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Replaces one passage of a valid program, and expects a broken invariant that says this.
fn refuse(passage: &str, replacement: &str, expected: &str) {
    assert!(EVERYTHING.contains(passage), "no `{passage}`");
    let found = messages(&EVERYTHING.replacen(passage, replacement, 1));
    assert!(found.iter().any(|m| m == expected), "`{replacement}` for `{passage}`: {found:#?}");
}

#[test]
fn slots_and_names_are_checked() {
    refuse("slots 16 {", "slots 12 {", "slots: 12 is no power of two up to 1048576");
    refuse("slots 16 {", "slots 2147483648 {", "slots: 2147483648 is no power of two up to 1048576");
    refuse("slots 16 {", "slots 8 {", "x0: 4 bits for 8 slots");
    refuse("\"b\": i64", "\"A\": i64", "x1: a second tensor `A`");
    refuse("\"n\": f32", "\"A\": f32", "w1: a second tensor `A`");
}

#[test]
fn layouts_are_checked() {
    refuse("[ct: a1.2 rep.1", "[ct: rep.25", "x0: addresses of 29 bits");
    refuse("[ct: a1.2 rep.1", "[ct: rep.2", "x0: 2 of 3 bits of axis 1 of size 5");
    refuse("[ct: a1.2 rep.1", "[ct: a1.2 a1.1", "x0: bit 1 of axis 1 stands twice");
    refuse("[ct: a1.2 rep.1", "[ct: a1.3", "x0: axis 1 has 3 bits, not a bit 3");
    refuse("[ct: a1.2 rep.1", "[ct: a2.2", "x0: there is no axis 2");
    refuse("f32[4, 5]", "f32[4, 18446744073709551615]", "x0: 3 of 64 bits of axis 1 of size 18446744073709551615");
    refuse("roll a1.1-0 by a0.1-0", "roll a1.1-0 by a1.2-1", "x0: a1.1-0 rolls by itself");
    refuse("roll a1.1-0 by a0.1-0", "roll a1.3-0 by a0.0", "x0: no 4 bits from 0 of the 3 of axis 1");
    refuse("roll a1.1-0 by a0.1-0", "roll a1.1-0 by a7.0", "x0: there is no axis 7");
    refuse("junk.2] = (c13)", "junk.1] = (c13)", "output `y`: 3 bits for 16 slots");
}

#[test]
fn tensors_in_the_clear_are_checked() {
    refuse("(w0, w1)", "(w0, w2)", "w2: reads w2, which is not before it");
    refuse("\"ij,j->i\"", "\"ij,j\"", "w2: `ij,j` has no `->`");
    refuse("\"ij,j->i\"", "\"ij,j->k\"", "w2: `k` stands in no operand of `ij,j->k`");
    refuse("\"ij,j->i\"", "\"ij,jk->i\"", "w2: an operand with 1 axes for 2 labels of `ij,jk->i`");
    refuse("\"ij,j->i\"", "\"ij->i\"", "w2: `ij->i` has 1 operands, not 2");
    refuse("\"n\": f32[4]", "\"n\": f32[3]", "w2: `j` of `ij,j->i` has sizes 4 and 3");
    refuse("\"ij,j->i\"", "\"ij,j->\"", "w2: `ij,j->` has the shape [], not [4]");
    refuse("\"n\": f32[4]", "\"n\": f32[4294967296, 4294967296]", "w1: [4294967296, 4294967296] has more than 1099511627776 elements");
}

#[test]
fn plaintexts_are_checked() {
    refuse("0 by 1 x 4 = 15", "0 by 1 x 4 = 16", "p0: elements 16 to 13 of the 16 of w0");
    refuse("0 by 1 x 4 = 15 by -1", "0 by 1 x 4 = 2 by -1", "p0: elements 2 to -1 of the 16 of w0");
    refuse("p0 = w0", "p0 = w3", "p0: w3 is not declared");
    refuse("[0 by 1 x 4", "[ct 1: 0 by 1 x 4", "p0: a plaintext has no ciphertext 1");
    refuse("9 = 3", "3 = 3", "p0: slot 3 is given twice");
    refuse("[3, 14 by 7 x 3]", "[5, 14 by 7 x 3]", "p1: slot 5 is given twice");
    refuse("[3, 14 by 7 x 3]", "[0 by 8 x 4294967295]", "p1: slot 0 is given twice");
    refuse("[3, 14 by 7 x 3]", "[16]", "p1: no 1 slots from 16 by 0 among 16");
    refuse("[3, 14 by 7 x 3]", "[3 by 1 x 0]", "p1: no 0 slots from 3 by 1 among 16");
    refuse("-0.25", "inf", "p2: inf is not finite");
}

#[test]
fn operations_are_checked() {
    refuse("input x0[3]", "input x0[4]", "c0: x0 has 4 ciphertexts, not 4");
    refuse("input x0[3]", "input x3[0]", "c0: x3 is not declared");
    refuse("rotate c0 by 15", "rotate c0 by 16", "c2: a rotation by 16 in 16 slots");
    refuse("rotate c0 by 15", "rotate c0 by 0", "c2: a rotation by 0 in 16 slots");
    refuse("rotate c0 by 15", "rotate c2 by 15", "c2: reads c2, which is not before it");
    refuse("mask c7, p1", "mask c7, p2", "c9: p2 is not 1 where it is not 0");
    refuse("mask c7, p1", "mask c7, p3", "c9: p3 is not declared");
    refuse("relin c6", "relin c5", "c7: c5 has 2 parts, not 3");
    refuse("relin c6", "neg c6", "output `y`: c13 has 3 parts, not 2");
    refuse("relin c6", "rotate c6 by 1", "c7: c6 has 3 parts, not 2");
    refuse("relin c6", "mul c6, c6", "c7: c6 has 3 parts, not 2");
    refuse("relin c6", "boot c6 to 3 within 1", "c7: c6 has 3 parts, not 2");
    refuse("neg c4", "boot c4 to 0 within 1", "c5: a bootstrapping to level 0 within 2^1");
    refuse("neg c4", "boot c4 to 1 within 1025", "c5: a bootstrapping to level 1 within 2^1025");
    refuse("= (c0, c1)", "= (c0)", "output `z`: 1 ciphertexts in the layout [ct: a0.4 | slots: a0.3-0]");
    refuse("= (c0, c1)", "= (c0, c14)", "output `z`: c14 is not there");
}

#[test]
fn everything_wrong_is_listed() {
    let text = EVERYTHING.replace("rotate c0 by 15", "rotate c0 by 16").replace("relin c6", "relin c5").replace("-0.25", "inf");
    assert_eq!(messages(&text), ["p2: inf is not finite", "c2: a rotation by 16 in 16 slots", "c7: c5 has 2 parts, not 3"]);
}

#[test]
fn levels_follow_the_operations() {
    // Two products, one rescaling, and down to level 2.
    let program = parse(EVERYTHING).unwrap();
    let found = levels(&program, 4).unwrap();
    let spelled = |n: usize| found[crate::entity::Ciphertext::from_u32(n as u32)].to_string();
    assert_eq!(spelled(0), "level 4 and scale 1");
    assert_eq!(spelled(6), "level 4 and scale 2");
    assert_eq!(spelled(10), "level 4 and scale 3");
    assert_eq!(spelled(11), "level 3 and scale 2");
    assert_eq!(spelled(13), "level 2 and scale 2");
    let problems = |text: &str, top: u32| -> Vec<String> {
        levels(&parse(text).unwrap(), top).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    };
    assert_eq!(problems(EVERYTHING, 2), ["c12: c11 has level 1 and scale 2, which is below level 2"]);
    let beyond =
        ["c8: level 1 and scale 3 is beyond the moduli", "c9: level 1 and scale 3 is beyond the moduli", "c12: c11 has no level left"];
    assert_eq!(problems(&EVERYTHING.replace("c12 = drop c11 to 2", "c12 = rescale c11"), 1), beyond);
    let differing = EVERYTHING.replace("mask c7, p1", "neg c7");
    assert_eq!(problems(&differing, 4), ["c10: c8 has level 4 and scale 3, but c9 has level 4 and scale 2"]);
    let unscaled = EVERYTHING.replace("rescale c10", "rescale c0");
    assert_eq!(problems(&unscaled, 4), ["c11: c0 has level 4 and scale 1: no product to rescale"]);
    let booted = |level: u32| problems(&EVERYTHING.replace("neg c4", &format!("boot c4 to {level} within 1")), 4);
    assert_eq!(booted(3), ["c6: c5 has level 3 and scale 1, but c1 has level 4 and scale 1"]);
    assert_eq!(booted(4), Vec::<String>::new());
    assert_eq!(booted(5)[0], "c5: level 5 is above 4");
    let late = problems(&EVERYTHING.replace("add_plain c12, p2", "boot c12 to 3 within 1"), 4);
    assert_eq!(late, ["c13: c12 has level 2 and scale 2, and is not rescaled"]);
    // Without rescalings nothing is planned yet.
    assert_eq!(problems(&differing.replace("rescale c10", "neg c10").replace("drop c11 to 2", "neg c11"), 0), Vec::<String>::new());
}

/// Whatever numbers stand in a text: it is refused, or it reads back and runs.
#[test]
fn no_number_of_a_text_is_a_crash() {
    let (mut refused, mut ran) = (0, 0);
    let mut numbers: Vec<(usize, usize)> = Vec::new();
    for (at, _) in EVERYTHING.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        match numbers.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => numbers.push((at, at + 1)),
        }
    }
    for (start, end) in numbers {
        for number in ["0", "1", "3", "8", "25", "63", "255", "4294967295", "18446744073709551615"] {
            let text = format!("{}{number}{}", &EVERYTHING[..start], &EVERYTHING[end..]);
            let Some(program) = parse(&text).ok().and_then(|program| verify(program).ok()) else {
                refused += 1;
                continue;
            };
            assert_eq!(parse(&print(&program)).unwrap(), *program, "{text}");
            let _ = levels(&program, 3);
            let tensor = |shape: &[u64]| vec![1.0_f64; shape.iter().product::<u64>() as usize];
            let secrets = program.inputs.values().map(|input| tensor(&input.layout.shape)).collect();
            let given = program.publics.values().filter(|public| public.source == PublicSource::Given);
            let operands = Operands { secrets, publics: given.map(|public| tensor(&public.shape)).collect(), seed: 0 };
            run(&program, &operands).unwrap();
            ran += 1;
        }
    }
    assert!(refused > 200 && ran > 100, "{refused} refused, {ran} run");
}
