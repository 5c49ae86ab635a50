//! What is known of an equation, in words.

use ein_syntax::Explanation;

/// A line each index, reduction and entry check; what two of them share is said once.
#[must_use]
pub fn notes(equation: &Explanation) -> Vec<String> {
    let indices = equation.indices.iter().map(|i| format!("{} ranges over {} ({})", i.name, i.range, i.from));
    let reductions =
        equation.reductions.iter().map(|r| format!("{} over {} accumulates in {}", r.reducer, r.indices.join(", "), r.accumulator));
    let checks = equation.checks.iter().map(|check| format!("checked at entry: {check}"));
    let mut said: Vec<String> = Vec::new();
    for line in indices.chain(reductions).chain(checks) {
        // Two sums over indices of one name and range are explained alike.
        if !said.contains(&line) {
            said.push(line);
        }
    }
    said
}
