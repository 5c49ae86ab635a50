use super::{Parameters, SECURE};
use crate::{Options, bound};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::{parse, verify};
use std::fmt::Write;

/// The `2^products`th power of an input, slot by slot.
fn power(slots: u32, products: usize, bound: f64, toy: bool) -> Result<Parameters, Diagnostic> {
    let mut text = format!(
        "packed \"power\" slots {slots} {{\n  input x0 \"A\": i64[2] [slots: zero.{} a0.0]\n  c0 = input x0[0]\n",
        slots.ilog2() - 1
    );
    for n in 0..products {
        writeln!(text, "  c{} = mul c{}, c{}\n  c{} = relin c{}", 2 * n + 1, 2 * n, 2 * n, 2 * n + 2, 2 * n + 1).unwrap();
    }
    writeln!(text, "  output \"y\": i64[2] [slots: junk.{} a0.0] = (c{})\n}}", slots.ilog2() - 1, 2 * products).unwrap();
    let program = verify::verify(parse::parse(&text).unwrap_or_else(|e| panic!("{e} in {text}"))).unwrap();
    let options = Options { bounds: [("A".to_owned(), bound)].into(), fraction_bits: 0, insecure_toy: toy, ..Options::default() };
    Parameters::choose(&program, &bound::outputs(&program, &options)?, &options)
}

#[test]
fn the_plaintext_modulus_holds_every_result() {
    for bound in [1.0, 100.0, 4000.0] {
        let parameters = power(64, 1, bound, false).unwrap();
        assert!(parameters.plain_moduli.iter().map(|t| *t as f64).product::<f64>() > 2.0 * bound * bound, "{parameters:?}");
        assert!(parameters.plain_moduli.iter().all(|t| t % (2 * parameters.degree as u64) == 1));
    }
}

#[test]
fn parameters_are_within_the_table() {
    for (slots, products) in [(16, 0), (16, 1), (1024, 1), (4096, 1), (4096, 2), (4096, 4), (16384, 1), (32768, 1)] {
        let parameters = power(slots, products, 1.0, false).unwrap();
        let (_, most) = SECURE.into_iter().find(|(log, _)| 1 << log == parameters.degree).unwrap();
        assert!(parameters.total_bits() <= most as usize && !parameters.insecure && parameters.spare_bits >= 0.0, "{parameters:?}");
        assert!(parameters.degree >= 2 * slots as usize);
    }
}

#[test]
fn what_no_secure_parameters_carry_is_refused() {
    assert_eq!(power(65536, 1, 1.0, false).unwrap_err().code.0, 719);
    assert_eq!(power(64, 4, 100.0, false).unwrap_err().code.0, 720);
    assert_eq!(power(64, 80, 1.0, false).unwrap_err().code.0, 711);
}

#[test]
fn a_toy_says_that_it_is_one() {
    let parameters = power(8, 1, 10.0, true).unwrap();
    assert!(parameters.insecure && parameters.degree == 16, "{parameters:?}");
}
