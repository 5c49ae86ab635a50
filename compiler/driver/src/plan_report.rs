//! The plan of a network as a table for people.

use crate::network::{NamedNetwork, n_used_labels};
use ein_ir::dtype::DType;
use ein_opt::path::{Found, Network, Sliced, price};
use std::fmt::Write;

/// Steps that are listed; of longer paths, the dearest.
const MAX_ROWS: usize = 30;

/// A number for JSON: an integer where 64 bits hold it, otherwise a float.
#[must_use]
pub fn as_number(n: u128) -> serde_json::Number {
    u64::try_from(n).map_or_else(|_| serde_json::Number::from_f64(n as f64).unwrap_or_else(|| 0.into()), Into::into)
}

/// What a plan costs, and its steps.
#[must_use]
pub fn table(read: &NamedNetwork, found: &Found, sliced: &Sliced, minimized: &str, seed: u64, dtype: DType) -> String {
    let network = &read.network;
    let slice = network.sliced(&sliced.labels);
    let price = price(&slice, &sliced.path);
    let mut out = String::new();
    let how = if found.optimal { "no order is better".to_owned() } else { format!("{} steps, seed {seed}", found.steps) };
    let truncated = if found.truncated { ", truncated" } else { "" };
    let _ = writeln!(out, "{} tensors, {} labels; least {minimized}: {how}{truncated}", network.n_operands(), n_used_labels(network));
    let _ = writeln!(out, "flops     {}", power_of_ten(sliced.log10_flops));
    let _ = writeln!(out, "largest   2^{:.1} elements", price.log2_largest.max(0.0));
    let _ = writeln!(out, "peak      {} ({dtype}, without the inputs)", bytes(sliced.peak.saturating_mul(dtype.bytes() as u128)));
    if !sliced.labels.is_empty() {
        let names: Vec<String> = sliced.labels.iter().filter_map(|l| read.names.get(*l as usize)).map(ToString::to_string).collect();
        let _ = writeln!(out, "sliced    {} ({} slices)", names.join(", "), sliced.n_slices);
    }
    steps(&slice, sliced, &mut out);
    out
}

fn steps(network: &Network, sliced: &Sliced, out: &mut String) {
    let path = sliced.path.to_ssa(network.n_operands());
    let prices = sliced.path.step_sizes(network);
    let mut rows: Vec<usize> = (0..prices.len()).collect();
    if rows.len() > MAX_ROWS {
        rows.sort_by(|a, b| prices[*b].log2_volume.total_cmp(&prices[*a].log2_volume).then(a.cmp(b)));
        rows.truncate(MAX_ROWS);
        rows.sort_unstable();
        let _ = writeln!(out, "\nthe {MAX_ROWS} dearest of {} steps", prices.len());
    } else if !rows.is_empty() {
        out.push('\n');
    }
    if !rows.is_empty() {
        let _ = writeln!(out, "{:>5}  {:<20} {:>8}  {:>14}  {:>14}", "step", "tensors", "result", "multiplications", "elements");
    }
    for row in rows {
        let tensors: Vec<String> = path[row].iter().map(ToString::to_string).collect();
        let (volume, size) = (power_of_two(prices[row].log2_volume), power_of_two(prices[row].log2_out));
        let _ = writeln!(out, "{row:>5}  {:<20} {:>8}  {volume:>15}  {size:>14}", tensors.join(" "), network.n_operands() + row);
    }
}

fn power_of_ten(log10: f64) -> String {
    match log10 {
        x if x == f64::NEG_INFINITY => "0".to_owned(),
        x if x < 6.0 => format!("{:.0}", 10f64.powf(x)),
        x => format!("{:.3}e{:.0}", 10f64.powf(x - x.floor()), x.floor()),
    }
}

fn power_of_two(log2: f64) -> String {
    power_of_ten(log2 * std::f64::consts::LOG10_2)
}

/// `1.5 MiB`; beyond every unit a power of ten, and what does not fit is said to be more.
pub(crate) fn bytes(n: u128) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n >= 1 << 70 {
        return format!("{}{} bytes", if n == u128::MAX { "more than " } else { "" }, power_of_ten((n as f64).log10()));
    }
    let unit = (0..units.len()).rev().find(|k| n >= 1 << (10 * k)).unwrap_or(0);
    if unit == 0 { format!("{n} bytes") } else { format!("{:.1} {}", n as f64 / (1u128 << (10 * unit)) as f64, units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_beyond_every_unit() {
        let cases = [(1023, "1023 bytes"), (1536, "1.5 KiB"), (1 << 60, "1.0 EiB"), (1 << 70, "1.181e21 bytes")];
        for (n, words) in cases.into_iter().chain([(u128::MAX, "more than 3.403e38 bytes")]) {
            assert_eq!(bytes(n), words);
        }
    }
}
