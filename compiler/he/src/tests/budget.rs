//! Programs that take more steps than there are.

use super::{is_right, moves};
use crate::attempts::Attempts;
use crate::{Contract, Options};
use ein_ir::packed::print::print;
use ein_ir::packed::verify::verify;

#[test]
fn programs_that_take_too_many_steps_have_plans_that_are_right_and_always_the_same() {
    for (name, program) in moves::programs() {
        for contract in [Contract::Free, Contract::Strict] {
            let options = Options::new(contract, 8);
            for steps in [50, 400] {
                let plan = || {
                    let attempts = Attempts::within(&program, &options, steps);
                    let plan = attempts.best().unwrap_or_else(|errors| panic!("{name} {contract:?} {steps}: {errors:?}"));
                    assert!(attempts.is_short(), "{name} {contract:?} takes fewer than {steps} steps");
                    verify(plan.emitted.packed).unwrap()
                };
                let first = plan();
                is_right(&program, &first);
                assert_eq!(print(&first), print(&plan()), "{name} {contract:?} {steps}");
            }
        }
    }
}
