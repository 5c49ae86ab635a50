use super::{OutputBound, outputs};
use crate::Options;
use ein_ir::packed::{parse, verify};

fn bounds(body: &str, options: &[(&str, f64)], fraction_bits: u32) -> Result<Vec<OutputBound>, (u16, String)> {
    let program = verify::verify(parse::parse(&format!("packed \"f\" slots 4 {{\n{body}}}\n")).unwrap()).unwrap();
    let bounds = options.iter().map(|(name, bound)| ((*name).to_owned(), *bound)).collect();
    outputs(&program, &Options { bounds, fraction_bits, insecure_toy: true, ..Options::default() }).map_err(|d| (d.code.0, d.to_string()))
}

const DOT: &str = "  input x0 \"A\": i32[3] [slots: a0.1-0]
  input x1 \"B\": i8[3] [slots: a0.1-0]
  c0 = input x0[0]
  c1 = input x1[0]
  c2 = mul c0, c1
  c3 = relin c2
  c4 = rotate c3 by 2
  c5 = sub c3, c4
  c6 = rotate c5 by 1
  c7 = add c5, c6
  output \"y\": i32[] [slots: rep.2] = (c7)
";

#[test]
fn only_slots_with_numbers_count() {
    // Three products of 10 and 128: the fourth slot is zero.
    assert_eq!(bounds(DOT, &[("A", 10.0)], 0).unwrap()[0].magnitude, 3840.0);
}

#[test]
fn what_cannot_be_bounded_is_refused_by_name() {
    let code = |options: &[(&str, f64)]| bounds(DOT, options, 0).unwrap_err();
    assert_eq!(code(&[]), (720, "E0720: nothing bounds the numbers of `A`".to_owned()));
    assert_eq!(code(&[("A", -1.0)]), (720, "E0720: the bound of `A` is not a positive number".to_owned()));
    assert_eq!(code(&[("A", 1.0), ("X", 1.0)]), (720, "E0720: a bound for `X`, but the program has `A`, `B`".to_owned()));
    assert_eq!(bounds(&DOT.replace("i32[3]", "c64[3]"), &[("A", 1.0)], 0).unwrap_err().0, 716);
    assert_eq!(bounds(&DOT.replace("i32[3]", "f32[3]"), &[("A", 1.0)], 0).unwrap_err().0, 716);
}

#[test]
fn products_of_reals_are_counted() {
    let text = DOT.replace("i32", "f32").replace("i8", "f32");
    let y = bounds(&text, &[("A", 4.0), ("B", 0.5)], 10).unwrap()[0];
    assert_eq!((y.magnitude, y.factors), (6.0, 2));
    let unit = 1.0 / 2048.0;
    assert!((y.error - 3.0 * (4.0 * unit + 0.5 * unit + unit * unit)).abs() < 1e-12, "{}", y.error);
    let mixed = text.replace("c5 = sub c3, c4", "c5 = sub c3, c0");
    // The shorter product is lifted; one third of what is added is of one real alone.
    let y = bounds(&mixed, &[("A", 4.0), ("B", 0.5)], 10).unwrap()[0];
    assert_eq!(y.factors, 2);
    assert!((y.integer_bits(10) - (20.0 + y.magnitude.log2())).abs() < 0.01, "{y:?}");
}

#[test]
fn more_elements_than_memory_are_refused_before_they_are_made() {
    let text = DOT.replace("  c0 =", "  public w0 \"W\": i8[1048576, 1048576]\n  c0 =");
    assert_eq!(bounds(&text, &[("A", 1.0)], 0).unwrap_err().0, 715);
}

/// There are no levels to give back.
#[test]
fn a_program_that_bootstraps_is_refused_and_why() {
    let text = DOT.replace("c6 = rotate c5 by 1", "c6 = boot c5 to 1 within 0");
    let refused = "E0711: the program bootstraps, and exact integers have no levels that it could give back";
    assert_eq!(bounds(&text, &[("A", 1.0)], 0).unwrap_err(), (711, refused.to_owned()));
}
