//! Masks that products with numbers take the place of.

use super::check;
use super::moves::given;
use super::written::{define, polynomial};
use crate::program::Program;
use crate::{Contract, Options, plan};
use ein_ir::packed::{Counts, Op};

/// What a plan takes with layouts of its own, and how many masks.
fn taken(program: &Program) -> (Counts, usize) {
    let options = Options::new(Contract::Free, 8);
    let packed = plan(program, &options).unwrap_or_else(|errors| panic!("{errors:?}"));
    let masks = packed.ops.values().filter(|op| matches!(op, Op::Mask(..))).count();
    (packed.counts(), masks)
}

/// A sum that is multiplied by a number is zero beside its elements then, whatever the sum left there.
#[test]
fn a_number_clears_partial_sums() {
    let mut program = given(&[("x", &[4, 16])]);
    define(&mut program, "s", "i", &[4, 16], "3x[i,j]");
    define(&mut program, "y", "ij", &[4, 16], "x[i,j]*s[i]");
    for contract in [Contract::Strict, Contract::Free] {
        let counts = check(&program, &Options::new(contract, 8));
        assert_eq!((counts.mulcp, counts.depth), (1, 2), "{contract:?} {counts}");
    }
}

/// The map into the domain of a polynomial is a product, which takes the place of the mask that the polynomial needs.
#[test]
fn a_domain_map_is_the_mask_of_a_polynomial() {
    let mut program = given(&[("x", &[4, 16])]);
    define(&mut program, "s", "i", &[4, 16], "3x[i,j]");
    let before = taken(&program).0;
    polynomial(&mut program, "y", "s");
    let (counts, masks) = taken(&program);
    // Two levels of a polynomial of degree 3, and one for its coefficients.
    assert!(masks == 0 && counts.depth <= before.depth + 3, "{counts}, {masks} masks");
    assert!(counts.depth <= 4, "{counts}");
}

/// A mask before a value is repeated along an axis is by the number that the term is multiplied by.
#[test]
fn a_mask_is_by_the_number_of_its_term() {
    let mut program = given(&[("x", &[4, 16]), ("z", &[4, 16])]);
    define(&mut program, "s", "i", &[4, 16], "x[i,j]*z[i,j]");
    define(&mut program, "y", "ij", &[4, 16], "x[i,j] -5s[i]");
    let counts = check(&program, &Options::new(Contract::Strict, 8));
    assert_eq!((counts.mulcp, counts.depth), (1, 2), "{counts}");
    // The same of a move.
    let mut program = given(&[("x", &[8, 8]), ("z", &[8, 8])]);
    define(&mut program, "y", "ij", &[8, 8], "x[i,j] 3z[j,i]");
    let scaled = check(&program, &Options::new(Contract::Strict, 8));
    let mut program = given(&[("x", &[8, 8]), ("z", &[8, 8])]);
    define(&mut program, "y", "ij", &[8, 8], "x[i,j] z[j,i]");
    let plain = check(&program, &Options::new(Contract::Strict, 8));
    assert_eq!((scaled.mulcp, scaled.depth, scaled.rotations), (plain.mulcp, plain.depth, plain.rotations), "{scaled} against {plain}");
}

/// Where a sum is deep because of one term, another one is cleared before they are added.
#[test]
fn shallow_terms_are_cleared_before_deep_ones_are_added() {
    let mut program = given(&[("x", &[4, 16]), ("v", &[4])]);
    define(&mut program, "s", "i", &[4, 16], "x[i,j]");
    define(&mut program, "c", "i", &[4], "v[i]*v[i]*v[i]*v[i]");
    define(&mut program, "t", "i", &[4], "s[i] c[i]");
    define(&mut program, "y", "ij", &[4, 16], "x[i,j]*t[i]");
    let counts = check(&program, &Options::new(Contract::Strict, 8));
    assert!(counts.depth <= 4, "{counts}");
}
