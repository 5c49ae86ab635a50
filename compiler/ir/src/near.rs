//! Which known name was meant: did-you-mean, in one place for every stage.

/// The known name nearest to what was written, if one is near enough to be meant: a third of its letters may differ, all of
/// them may not. Another case alone is nearest of all. Ties go to the first.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .filter(|name| *name != written)
        .map(|name| (distance(written, name), name))
        .filter(|(distance, name)| {
            let length = name.len().max(written.len());
            *distance <= length.div_ceil(3) && *distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The known names, nearest first, ties by name.
#[must_use]
pub fn nearest_first<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = known.into_iter().collect();
    names.sort_unstable();
    names.sort_by_cached_key(|name| distance(written, name));
    names
}

/// Letters to insert, delete, replace or swap with a neighbour; 0 if only the case differs.
fn distance(written: &str, name: &str) -> usize {
    if written.eq_ignore_ascii_case(name) { 0 } else { strsim::osa_distance(written, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("kk", ["i", "j", "k"]), Some("k"));
        assert_eq!(nearest("i", ["j", "k"]), None);
        assert_eq!(nearest("n", ["M", "N"]), Some("N"));
        assert_eq!(nearest("wieght", ["bias", "weight"]), Some("weight"));
        assert_eq!(nearest_first("wieght", ["zeta", "bias", "weight"]), ["weight", "bias", "zeta"]);
    }
}
