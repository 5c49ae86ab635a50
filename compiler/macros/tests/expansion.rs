//! What the macro expands to, against a stand-in for the runtime.

extern crate self as ein;

use ein_macros::einsum;

/// The paths that the macro names.
pub mod __private {
    /// Stands for an operand.
    pub struct Operand(pub Vec<usize>);

    /// The conversion of a reference to an operand.
    pub trait IntoOperand {
        /// Converts it.
        fn into_operand(self) -> Operand;
    }

    impl IntoOperand for &Vec<usize> {
        fn into_operand(self) -> Operand {
            Operand(self.clone())
        }
    }

    /// Gives back the string and the operands.
    pub fn einsum_checked<const N: usize>(text: &str, operands: [Operand; N]) -> (String, Vec<Vec<usize>>) {
        (text.to_owned(), operands.into_iter().map(|operand| operand.0).collect())
    }
}

fn pair<A, B>(a: A, _: B) -> A {
    a
}

#[test]
fn the_call_has_the_string_and_every_operand_in_order() {
    let (a, b) = (vec![2, 3], vec![3, 4]);
    assert_eq!(einsum!("ij,jk->ik", a, b), ("ij,jk->ik".to_owned(), vec![a.clone(), b.clone()]));
    assert_eq!(einsum!(r"i , j", if a.is_empty() { a.clone() } else { b.clone() }, pair::<Vec<usize>, u8>(a.clone(), 1),).1.len(), 2);
    assert_eq!(einsum!("", a).0, "");
}

macro_rules! forwarded {
    ($text:literal, $($operand:expr),*) => { einsum!($text, $($operand),*) };
}

#[test]
fn the_string_may_come_through_another_macro() {
    let a = vec![2, 2];
    assert_eq!(forwarded!("ii", a), ("ii".to_owned(), vec![a.clone()]));
}
