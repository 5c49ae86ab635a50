//! Figures for people.

/// A number in two digits, rounded up: a bound stays one.
#[must_use]
pub fn at_most(number: f64) -> String {
    let nearest = format!("{number:.1e}");
    match nearest.parse::<f64>() {
        Ok(found) if found < number && number.is_finite() => {
            let step = 10_f64.powf(number.log10().floor() - 1.0);
            format!("{:.1e}", ((number / step).ceil() * step).max(found + step))
        }
        _ => nearest,
    }
}
