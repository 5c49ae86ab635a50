//! What a bootstrap takes here: circuits of the tests are carried out on one thread, and their time is divided by the bootstraps that they count.
//!
//! `ein explain --target tfhe --costs FILE` reads the figure; circuits are the same with any.

use crate::{encrypt_operands, execute, generate_keys};
use ein_ir::circuit::{Circuit, parse::parse, verify::verify};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::verified::Verified;
use std::time::Instant;

/// Products and sums, and comparisons and choices.
const CIRCUITS: [&str; 2] = [include_str!("../tests/circuits/product.txt"), include_str!("../tests/circuits/shortest_path.txt")];
/// Version of the form of the file.
const VERSION: u64 = 1;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Seconds of a bootstrap that is counted, with what is done besides.
    pub bootstrap: f64,
    /// How many were done.
    pub bootstraps: u64,
}

/// Makes keys, and measures.
///
/// # Errors
/// A mistake of this crate, or no thread.
pub fn measure() -> Result<Measured, Diagnostic> {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| internal(&e.to_string()))?;
    one.install(|| {
        let (client, server) = generate_keys();
        let (mut seconds, mut bootstraps) = (0.0, 0);
        for text in CIRCUITS {
            let circuit = circuit(text)?;
            let given: Vec<Vec<i128>> =
                circuit.inputs.values().map(|decl| vec![decl.range.1; decl.shape.iter().product::<u64>() as usize]).collect();
            let operands = encrypt_operands(&client, &circuit, &given)?;
            let start = Instant::now();
            execute(&server, &circuit, &operands)?;
            seconds += start.elapsed().as_secs_f64();
            bootstraps += circuit.cost().bootstraps;
        }
        Ok(Measured { bootstrap: seconds / bootstraps.max(1) as f64, bootstraps })
    })
}

fn circuit(text: &str) -> Result<Verified<Circuit>, Diagnostic> {
    verify(parse(text).map_err(|e| internal(&e.to_string()))?).map_err(|errors| internal(&errors[0].to_string()))
}

fn internal(reason: &str) -> Diagnostic {
    Diagnostic::error(199, "internal", format!("nothing can be measured: {reason}"))
}

impl Measured {
    /// As the text of a file.
    #[must_use]
    pub fn to_text(self) -> String {
        let file = serde_json::json!({ "version": VERSION, "tfhe": { "bootstrap": self.bootstrap } });
        format!("{file:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{CIRCUITS, Measured, circuit};

    #[test]
    fn what_is_measured_has_a_form() {
        let measured = Measured { bootstrap: 0.0205, bootstraps: 208 };
        assert_eq!(measured.to_text(), "{\n  \"tfhe\": {\n    \"bootstrap\": 0.0205\n  },\n  \"version\": 1\n}\n");
        let bootstraps = CIRCUITS.map(|text| circuit(text).unwrap().cost().bootstraps);
        assert_eq!(bootstraps, [136, 72]);
    }
}
