//! Costs of operations, measured: small packed programs are carried out on ciphertexts, and their reports say what each kind took.

use crate::encrypted::{Engine, Kind, Numbers, Options, Parameters, Report, rng};
use crate::error::Error;
use ein_he::Costs;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::packed::parse::parse;
use ein_ir::packed::verify::verify;
use std::fmt::Write;

/// Operations of each kind in a program.
const REPEATED: u32 = 8;
/// Fewest slots that so many different rotations need.
pub const MIN_SLOTS: u32 = 16;

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Costs, in rotations.
    pub costs: Costs,
    /// Seconds of a rotation.
    pub rotation: f64,
    /// Of which ring and moduli.
    pub parameters: Parameters,
}

/// Measures the operations of the engine on ciphertexts of so many slots, with keys of 128 bits of security.
///
/// # Errors
/// E0719 for a number of slots that no ring has.
pub fn measure(slots: u32) -> Result<Measured, Error> {
    if !slots.is_power_of_two() || slots < MIN_SLOTS {
        let message = format!("costs are measured on a power of two of slots, at least {MIN_SLOTS}; {slots} is none");
        return Err(Diagnostic::error(719, "he-security", message).help("--slots 4096").into());
    }
    let (chain, parameters) = carried_out(&program(slots, false), slots)?;
    let (fan, _) = carried_out(&program(slots, true), slots)?;
    let seconds = |report: &Report, kind: Kind| report.time(kind).as_secs_f64() / report.count(kind).max(1) as f64;
    let rotation = seconds(&chain, Kind::Rotate).max(f64::MIN_POSITIVE);
    let cost = |kind: Kind| seconds(&chain, kind) / rotation;
    let costs = Costs {
        rotation: 1.0,
        // A library that shares nothing must not make them dearer than they are alone.
        hoisted: (seconds(&fan, Kind::Rotate) / rotation).min(1.0),
        relin: cost(Kind::Relin),
        mulcc: cost(Kind::Mul),
        mulcp: cost(Kind::MulPlain),
        add: cost(Kind::Add),
        rescale: cost(Kind::Rescale),
        // Nothing is bootstrapped here.
        boot: Costs::default().boot,
    };
    Ok(Measured { costs, rotation, parameters })
}

/// Rotations one after the other, or all of one ciphertext; then products, sums and products with a plaintext.
fn program(slots: u32, fan: bool) -> String {
    let axis = format!("[slots: a0.{}-0]", slots.ilog2() - 1);
    let mut text = format!("packed \"costs\" slots {slots} {{\n  input x0 \"A\": i64[{slots}] {axis}\n  public w0 \"C\": i64[{slots}]\n");
    let _ = writeln!(text, "  plain p0 = w0 at [0 by 1 x {slots} = 0 by 1]\n  c0 = input x0[0]");
    let mut next = 0;
    let mut op = |words: &dyn Fn(u32) -> String| {
        next += 1;
        let _ = writeln!(text, "  c{next} = {}", words(next - 1));
        next
    };
    for n in 0..REPEATED {
        if fan {
            op(&|_| format!("rotate c0 by {}", n + 1));
        } else {
            op(&|last| format!("rotate c{last} by 1"));
        }
    }
    let mut sum = 0;
    for n in 0..REPEATED {
        let product = op(&|_| format!("mul c0, c{}", n + 1));
        let short = op(&|_| format!("relin c{product}"));
        let scaled = op(&|_| format!("mul_plain c{short}, p0"));
        sum = if n == 0 { scaled } else { op(&|_| format!("add c{sum}, c{scaled}")) };
    }
    let _ = writeln!(text, "  output \"y\": i64[{slots}] {axis} = (c{sum})\n}}");
    text
}

fn carried_out(text: &str, slots: u32) -> Result<(Report, Parameters), Error> {
    let internal = |message: String| Error::from(Diagnostic::error(199, "internal", message));
    let packed = parse(text).map_err(|e| internal(format!("the program of costs does not parse: {e}")))?;
    let packed = verify(packed).map_err(|e| internal(format!("the program of costs is broken: {e:?}")))?;
    let bounds = [("A".to_owned(), 1.0), ("C".to_owned(), 1.0)].into();
    // Threads that share memory and caches would each take longer.
    let engine = Engine::new(packed, Options { bounds, ..Options::default() })?.with_threads(1);
    let (keys, ones) = (engine.keygen(&mut rng())?, Numbers::Integers(vec![1; slots as usize]));
    let inputs = engine.encrypt(&keys.public, std::slice::from_ref(&ones), &mut rng())?;
    let (_, report) = engine.run(&keys.evaluation, &[ones], &inputs)?;
    Ok((report, engine.parameters().clone()))
}
