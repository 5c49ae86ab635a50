use super::*;
use crate::packed::print::print;
use crate::packed::verify::verify;

/// Every form of the text, in a valid program.
pub(crate) const EVERYTHING: &str = r#"packed "every \"thing\"" slots 16 {
  # 2 rotations, 1 ct-ct and 2 ct-pt products, 3 sums, 1 relinearisation, 1 rescaling; depth 2, 2 keys
  input x0 "A": f32[4, 5] [ct: a1.2 rep.1 | slots: a0.1-0 a1.1-0 roll a1.1-0 by a0.1-0]
  input x1 "b": i64[3] [slots: zero.1 a0.0 junk.1 a0.1 offset 5 junk padding a0]
  input x2 "c": f64[] [slots: rep.4]
  public w0 "M": f32[4, 4]
  public w1 "n": f32[4]
  public w2 "Mn": f32[4] = einsum "ij,j->i" (w0, w1)
  plain p0 = w0 at [0 by 1 x 4 = 15 by -1, 9 = 3, 14 by 6 x 2 = 2]
  plain p1 = 1.0 at [3, 14 by 7 x 3]
  plain p2 = -0.25 at []
  c0 = input x0[3]
  c1 = input x1[0]
  c2 = rotate c0 by 15
  c3 = rotate c0 by 1
  c4 = add c2, c3
  c5 = neg c4
  c6 = mul c5, c1
  c7 = relin c6
  c8 = mul_plain c7, p0
  c9 = mask c7, p1
  c10 = sub c8, c9
  c11 = rescale c10
  c12 = drop c11 to 2
  c13 = add_plain c12, p2
  output "y": f32[4] [slots: a0.1-0 junk.2] = (c13)
  output "z": f32[17] [ct: a0.4 | slots: a0.3-0] = (c0, c1)
}
"#;

#[test]
fn the_text_form_reads_back() {
    let program = parse(EVERYTHING).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(print(&program), EVERYTHING);
    assert_eq!(parse(&print(&program)).unwrap(), program);
    verify(program).unwrap_or_else(|e| panic!("{e:#?}"));
}

#[test]
fn bootstrappings_read_back_and_are_counted() {
    let program = parse(&EVERYTHING.replace("neg c4", "boot c4 to 3 within 7")).unwrap();
    let text = print(&program);
    assert!(text.contains("\n  c5 = boot c4 to 3 within 7\n") && text.contains("2 keys, 1 bootstrapping\n"), "{text}");
    assert_eq!(parse(&text).unwrap(), program);
}

#[test]
fn what_only_the_verifier_refuses_reads_back_too() {
    let text = EVERYTHING.replace("[0 by 1 x 4", "[ct 7: 99 by 1 x 0").replace("rotate c0 by 15", "rotate c77 by 0");
    let program = parse(&text).unwrap();
    assert_eq!(parse(&print(&program)).unwrap(), program);
}

#[test]
fn layouts_are_read_lowest_bit_first() {
    let program = parse(EVERYTHING).unwrap();
    let axis = |axis, bit| AddressBit::Axis { axis, bit };
    let layout = &program.inputs.values().next().unwrap().layout;
    assert_eq!(layout.slots, [axis(1, 0), axis(1, 1), axis(0, 0), axis(0, 1)]);
    assert_eq!(layout.chunks, [AddressBit::Rep, axis(1, 2)]);
    assert_eq!(layout.rolls[0].piece, Piece { axis: 1, lo: 0, len: 2 });
}

#[test]
fn text_that_is_no_program_is_refused_with_its_line() {
    for (passage, replacement, line) in [
        ("slots 16", "slots -16", 1),
        ("a1.1-0 roll", "a1.0-1 roll", 3),
        ("a0.1-0 a1.1-0", "a0.64 a1.1-0", 3),
        ("rep.4", "rep.65", 5),
        ("junk padding a0", "junk padding 0", 4),
        ("x1 \"b\"", "x2 \"b\"", 4),
        ("rotate c0 by 15", "turn c0 by 15", 14),
        ("drop c11 to 2", "drop c11", 25),
        ("mask c7, p1", "mask c7, c1", 21),
        ("c4 = add", "c5 = add", 16),
    ] {
        assert!(EVERYTHING.contains(passage), "{passage}");
        let error = parse(&EVERYTHING.replacen(passage, replacement, 1)).unwrap_err();
        assert_eq!(error.line, line, "{replacement}: {error}");
    }
}
