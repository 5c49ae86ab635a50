//! Numbers as people read them.

/// `532`, `268 M`, `1.25e31`.
pub(crate) fn count(n: f64) -> String {
    const UNITS: [&str; 7] = ["", " k", " M", " G", " T", " P", " E"];
    if !(1e4..1e20).contains(&n) {
        return if n < 1e4 { format!("{n:.0}") } else { scientific(n.log10()) };
    }
    let unit = ((n.log10() / 3.0) as usize).min(UNITS.len() - 1);
    format!("{}{}", three_digits(n / 1000f64.powi(unit as i32)), UNITS[unit])
}

/// A number of any size by its binary logarithm; negative infinity is 0.
pub(crate) fn count_log2(log2: f64) -> String {
    if log2 < 66.0 { count(log2.exp2().round()) } else { scientific(log2 * std::f64::consts::LOG10_2) }
}

fn scientific(log10: f64) -> String {
    format!("{:.2}e{:.0}", 10f64.powf(log10 - log10.floor()), log10.floor())
}

/// `1536 B`, `1.50 MiB`.
pub(crate) fn bytes(n: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 10_240.0 {
        return format!("{n:.0} B");
    }
    if n >= 2f64.powi(70) {
        return format!("{} B", scientific(n.log10()));
    }
    let unit = ((n.log2() / 10.0) as usize).min(UNITS.len() - 1);
    format!("{} {}", three_digits(n / 1024f64.powi(unit as i32)), UNITS[unit])
}

/// Bytes of any number by its binary logarithm.
pub(crate) fn bytes_log2(log2: f64) -> String {
    if log2 < 1000.0 { bytes(log2.exp2()) } else { format!("{} B", scientific(log2 * std::f64::consts::LOG10_2)) }
}

fn three_digits(n: f64) -> String {
    match n {
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// `8×512×64`; a scalar has none.
pub(crate) fn extents(extents: impl IntoIterator<Item = u64>) -> String {
    let extents: Vec<String> = extents.into_iter().map(|e| e.to_string()).collect();
    if extents.is_empty() { "scalar".to_owned() } else { extents.join("×") }
}

/// `49 %`, `0.3 %`, `< 0.1 %`.
pub(crate) fn percent(share: f64) -> String {
    match 100.0 * share {
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.1 => "< 0.1 %".to_owned(),
        p if p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// The text, its middle left out if it is longer than `most` characters.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let n = text.chars().count();
    if n <= most {
        return text.to_owned();
    }
    let (head, tail) = (most.div_ceil(2), most / 2 - 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(n - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_whatever_their_size() {
        let counts = [0.0, 9999.0, 10_000.0, 268_435_456.0, 999_999.0, 1e19, 1e31];
        assert_eq!(counts.map(count), ["0", "9999", "10.0 k", "268 M", "1000 k", "10.0 E", "1.00e31"]);
        assert_eq!([f64::NEG_INFINITY, 3.0, 200.0].map(count_log2), ["0", "8", "1.61e60"]);
        assert_eq!([0.0, 64.0, 16_793_600.0, 2f64.powi(80)].map(bytes), ["0 B", "64 B", "16.0 MiB", "1.21e24 B"]);
        assert_eq!([f64::NEG_INFINITY, 20.0, 5000.0].map(bytes_log2), ["0 B", "1.00 MiB", "1.41e1505 B"]);
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shorten("abcdefghij", 10), "abcdefghij");
        assert_eq!(shorten("abcdefghijk", 6), "abc…jk");
        assert_eq!(shorten("äöüäöüäöü", 4), "äö…ü");
    }
}
