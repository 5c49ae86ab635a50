use super::{infer_sizes, specialise, spell_extent};
use crate::diagnostic::Diagnostic;
use crate::tensor::Module;
use crate::tensor::parse::parse;
use crate::tensor::verify::verify;
use crate::verified::Verified;

const CONV: &str = r#"module "conv"
dim d0 "N" size @1..2
dim d1 "R" size @3..4
dim d2 "st" int = 1 @5..6
require d0 - d1 >= 0 unless_empty [d1] E0303 "`R <= N`" @7..8
require d2 - 1 >= 0 E0305 "`st >= 1`" @9..10
tensor t0 "x" f32[d0] @11..12
tensor t1 "w" f32[d1] @13..14
tensor t2 "s" f32[d0 - d1 + 1, div(d0, d2)] @15..16
tensor t3 "y" f32[d0 - d1 + 1] @17..18
index i0 "i" 0..d0 - d1 + 1
index i1 "r" 0..d1
params (t0, t1, t2)
results (t3)
t3[i0] = sum:f32[i1]((t0[(i0 + i1)] * t1[i1] * f32(size(d0))))
"#;

fn conv() -> Verified<Module> {
    verify(parse(CONV).unwrap()).unwrap()
}

fn lines(diagnostics: Vec<Diagnostic>) -> Vec<String> {
    diagnostics.iter().map(|d| [vec![d.to_string()], d.notes.clone(), d.help.clone().into_iter().collect()].concat().join(" | ")).collect()
}

fn run(shapes: [Option<&[usize]>; 3], given: &[(&str, i64)]) -> Result<Verified<Module>, Vec<String>> {
    let module = conv();
    let given: Vec<(String, i64)> = given.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let sizes = infer_sizes(&module, &shapes, &given).map_err(lines)?;
    specialise(&module, &sizes).map_err(lines)
}

#[test]
fn sizes_come_from_axes_defaults_and_the_caller() {
    let module = run([Some(&[8]), Some(&[3]), Some(&[6, 4])], &[("st", 2)]).unwrap();
    assert!(module.is_specialised());
    let text = module.to_string();
    assert!(text.contains("tensor t2 \"s\" f32[6, 4]") && text.contains("index i0 \"i\" 0..6") && text.contains("f32(size(8))"), "{text}");
    assert!(run([Some(&[8]), Some(&[3]), None], &[]).is_ok());
    assert!(run([None, None, None], &[("N", 8), ("R", 3)]).is_ok());
}

#[test]
fn missing_sizes_are_listed() {
    assert_eq!(run([None, None, None], &[]).unwrap_err(), ["E0306: nothing gives the sizes `N`, `R` of `conv` | --size N=8 --size R=8"]);
    assert_eq!(run([Some(&[8]), None, None], &[]).unwrap_err(), ["E0306: nothing gives the size `R` of `conv` | --size R=8"]);
}

#[test]
fn contradictions_name_both_values() {
    assert_eq!(run([Some(&[8]), Some(&[3]), None], &[("N", 9)]).unwrap_err(), ["E0301: dim `N` is 9 as given but 8 in `x` (axis 0)"]);
    assert_eq!(
        run([Some(&[8]), Some(&[3]), Some(&[7, 8])], &[]).unwrap_err(),
        ["E0301: axis 0 of `s` is `N - R + 1`, which is 6, but the array given for it has 7 there | N = 8, R = 3"]
    );
    assert_eq!(
        run([Some(&[8, 1]), None, None], &[]).unwrap_err(),
        ["E0906: `x` has 1 axis but the array given for it has 2 axes, shape [8, 1]"]
    );
    let two = CONV.replace("tensor t1 \"w\" f32[d1]", "tensor t1 \"w\" f32[d0]").replace("t1[i1]", "t1[i0]");
    let error = infer_sizes(&parse(&two).unwrap(), &[Some(&[8]), Some(&[3]), None], &[]).unwrap_err().remove(0);
    assert_eq!(error.message, "dim `N` is 8 in `x` (axis 0) but 3 in `w` (axis 0)");
    assert_eq!((error.primary.unwrap().text, error.others[0].text.as_str()), ("3 here".to_owned(), "8 here"));
}

#[test]
fn unknown_names_have_candidates() {
    let error = run([None, None, None], &[("n", 8)]).unwrap_err();
    assert_eq!(error, ["E0311: `conv` has no size `n` | its sizes are `N`, `R`, `st` | did you mean `N`?"]);
}

#[test]
fn requirements_are_checked_unless_nothing_is_accessed() {
    assert_eq!(
        run([Some(&[2]), Some(&[3]), None], &[("st", 0)]).unwrap_err(),
        [
            "E0303: `R <= N` does not hold for N = 2, R = 3 | `N - R` is -1, and must be >= 0",
            "E0305: `st >= 1` does not hold for st = 0 | `st - 1` is -1, and must be >= 0"
        ]
    );
    assert!(run([Some(&[0]), Some(&[0]), None], &[]).is_ok());
    let never_empty = CONV.replace(" unless_empty [d1]", "");
    assert!(verify(parse(&never_empty).unwrap()).is_ok());
}

#[test]
fn sizes_are_not_negative_and_fit() {
    assert_eq!(run([None, Some(&[0]), None], &[("N", -1)]).unwrap_err()[0], "E0312: size `N` is -1, but a size is at least 0");
    let loose = verify(parse(&CONV.replacen("require d0 - d1 >= 0 unless_empty [d1]", "require d0 >= 0", 1)).unwrap()).unwrap();
    let sizes = infer_sizes(&loose, &[Some(&[1]), Some(&[3]), None], &[]).unwrap();
    let found = lines(specialise(&loose, &sizes).unwrap_err());
    assert!(found.contains(&"E0312: axis 0 of `y`, `N - R + 1`, is -1, but a size is at least 0 | N = 1, R = 3".to_owned()), "{found:?}");
    let huge = run([None, Some(&[1]), None], &[("N", i64::MAX)]).unwrap_err();
    assert!(huge.iter().any(|m| m.starts_with("E0802: `x` has 9223372036854775807 elements of 4 bytes")), "{huge:?}");
}

#[test]
fn extents_are_spelled_as_users_write_them() {
    let module = parse(CONV).unwrap();
    let spelled: Vec<String> = module.tensors.values().flat_map(|t| &t.axes).map(|e| spell_extent(&module, e)).collect();
    assert_eq!(spelled, ["N", "R", "N - R + 1", "(N // st)", "N - R + 1"]);
}
