//! The page of each error code, for `ein explain E0201`.
//!
//! A page is `src/pages/E0201.md`, of at most 30 lines: what is wrong, why the rule exists, the smallest program that shows it, and
//! its repair. `tests/pages.rs` compiles the programs.

/// What is wrong, why the rule exists, the smallest program that shows it and its repair. `None` for a code that does not exist.
///
/// ```
/// assert!(ein::pages::page(201).is_some_and(|text| text.starts_with("E0201 ")));
/// ```
#[must_use]
pub fn page(code: u16) -> Option<&'static str> {
    let found = PAGES.binary_search_by_key(&code, |(code, _)| *code).ok()?;
    PAGES.get(found).map(|(_, text)| *text)
}

/// Every code with a page, ascending.
#[must_use]
pub fn codes() -> Vec<u16> {
    PAGES.iter().map(|(code, _)| *code).collect()
}

/// The families of codes: first and last code, and what they are about.
pub const FAMILIES: [(u16, u16, &str); 11] = [
    (101, 149, "the text of a program"),
    (150, 189, "classic einsum strings"),
    (190, 199, "the compiler itself"),
    (200, 299, "sums, names and calls"),
    (300, 399, "dims, ranges, bounds and sizes"),
    (400, 499, "types and conversions"),
    (500, 599, "scans and reducers"),
    (600, 699, "decompositions and budgets"),
    (700, 799, "secrets"),
    (800, 899, "memory, work, threads and code generation"),
    (900, 999, "files, inputs and outputs"),
];

/// Every code with the title of its page, by family.
///
/// ```
/// assert!(ein::pages::list().contains("\n  E0201 index-occurs-once: "));
/// ```
#[must_use]
pub fn list() -> String {
    let mut out = String::new();
    for (first, last, about) in FAMILIES {
        let titles: Vec<&str> =
            PAGES.iter().filter(|(code, _)| (first..=last).contains(code)).filter_map(|(_, text)| text.lines().next()).collect();
        if !titles.is_empty() {
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}E{first:04} to E{last:04}: {about}\n  {}\n", titles.join("\n  ")));
        }
    }
    out
}

/// Ascending by code.
const PAGES: &[(u16, &str)] = &[
    (101, include_str!("pages/E0101.md")),
    (102, include_str!("pages/E0102.md")),
    (103, include_str!("pages/E0103.md")),
    (104, include_str!("pages/E0104.md")),
    (105, include_str!("pages/E0105.md")),
    (106, include_str!("pages/E0106.md")),
    (107, include_str!("pages/E0107.md")),
    (108, include_str!("pages/E0108.md")),
    (109, include_str!("pages/E0109.md")),
    (110, include_str!("pages/E0110.md")),
    (111, include_str!("pages/E0111.md")),
    (112, include_str!("pages/E0112.md")),
    (113, include_str!("pages/E0113.md")),
    (114, include_str!("pages/E0114.md")),
    (115, include_str!("pages/E0115.md")),
    (116, include_str!("pages/E0116.md")),
    (117, include_str!("pages/E0117.md")),
    (118, include_str!("pages/E0118.md")),
    (150, include_str!("pages/E0150.md")),
    (151, include_str!("pages/E0151.md")),
    (152, include_str!("pages/E0152.md")),
    (153, include_str!("pages/E0153.md")),
    (154, include_str!("pages/E0154.md")),
    (155, include_str!("pages/E0155.md")),
    (156, include_str!("pages/E0156.md")),
    (157, include_str!("pages/E0157.md")),
    (158, include_str!("pages/E0158.md")),
    (159, include_str!("pages/E0159.md")),
    (160, include_str!("pages/E0160.md")),
    (161, include_str!("pages/E0161.md")),
    (162, include_str!("pages/E0162.md")),
    (190, include_str!("pages/E0190.md")),
    (199, include_str!("pages/E0199.md")),
    (201, include_str!("pages/E0201.md")),
    (202, include_str!("pages/E0202.md")),
    (203, include_str!("pages/E0203.md")),
    (204, include_str!("pages/E0204.md")),
    (205, include_str!("pages/E0205.md")),
    (206, include_str!("pages/E0206.md")),
    (207, include_str!("pages/E0207.md")),
    (208, include_str!("pages/E0208.md")),
    (209, include_str!("pages/E0209.md")),
    (210, include_str!("pages/E0210.md")),
    (211, include_str!("pages/E0211.md")),
    (212, include_str!("pages/E0212.md")),
    (213, include_str!("pages/E0213.md")),
    (214, include_str!("pages/E0214.md")),
    (215, include_str!("pages/E0215.md")),
    (216, include_str!("pages/E0216.md")),
    (217, include_str!("pages/E0217.md")),
    (218, include_str!("pages/E0218.md")),
    (301, include_str!("pages/E0301.md")),
    (302, include_str!("pages/E0302.md")),
    (303, include_str!("pages/E0303.md")),
    (304, include_str!("pages/E0304.md")),
    (305, include_str!("pages/E0305.md")),
    (306, include_str!("pages/E0306.md")),
    (307, include_str!("pages/E0307.md")),
    (308, include_str!("pages/E0308.md")),
    (309, include_str!("pages/E0309.md")),
    (310, include_str!("pages/E0310.md")),
    (311, include_str!("pages/E0311.md")),
    (312, include_str!("pages/E0312.md")),
    (313, include_str!("pages/E0313.md")),
    (314, include_str!("pages/E0314.md")),
    (315, include_str!("pages/E0315.md")),
    (316, include_str!("pages/E0316.md")),
    (317, include_str!("pages/E0317.md")),
    (401, include_str!("pages/E0401.md")),
    (402, include_str!("pages/E0402.md")),
    (403, include_str!("pages/E0403.md")),
    (404, include_str!("pages/E0404.md")),
    (405, include_str!("pages/E0405.md")),
    (406, include_str!("pages/E0406.md")),
    (501, include_str!("pages/E0501.md")),
    (502, include_str!("pages/E0502.md")),
    (503, include_str!("pages/E0503.md")),
    (504, include_str!("pages/E0504.md")),
    (505, include_str!("pages/E0505.md")),
    (506, include_str!("pages/E0506.md")),
    (507, include_str!("pages/E0507.md")),
    (510, include_str!("pages/E0510.md")),
    (511, include_str!("pages/E0511.md")),
    (610, include_str!("pages/E0610.md")),
    (611, include_str!("pages/E0611.md")),
    (612, include_str!("pages/E0612.md")),
    (701, include_str!("pages/E0701.md")),
    (702, include_str!("pages/E0702.md")),
    (710, include_str!("pages/E0710.md")),
    (711, include_str!("pages/E0711.md")),
    (712, include_str!("pages/E0712.md")),
    (713, include_str!("pages/E0713.md")),
    (714, include_str!("pages/E0714.md")),
    (715, include_str!("pages/E0715.md")),
    (716, include_str!("pages/E0716.md")),
    (717, include_str!("pages/E0717.md")),
    (718, include_str!("pages/E0718.md")),
    (719, include_str!("pages/E0719.md")),
    (720, include_str!("pages/E0720.md")),
    (721, include_str!("pages/E0721.md")),
    (722, include_str!("pages/E0722.md")),
    (801, include_str!("pages/E0801.md")),
    (802, include_str!("pages/E0802.md")),
    (803, include_str!("pages/E0803.md")),
    (804, include_str!("pages/E0804.md")),
    (805, include_str!("pages/E0805.md")),
    (806, include_str!("pages/E0806.md")),
    (807, include_str!("pages/E0807.md")),
    (901, include_str!("pages/E0901.md")),
    (902, include_str!("pages/E0902.md")),
    (903, include_str!("pages/E0903.md")),
    (904, include_str!("pages/E0904.md")),
    (905, include_str!("pages/E0905.md")),
    (906, include_str!("pages/E0906.md")),
    (907, include_str!("pages/E0907.md")),
    (908, include_str!("pages/E0908.md")),
    (909, include_str!("pages/E0909.md")),
    (910, include_str!("pages/E0910.md")),
    (911, include_str!("pages/E0911.md")),
    (912, include_str!("pages/E0912.md")),
    (913, include_str!("pages/E0913.md")),
    (914, include_str!("pages/E0914.md")),
    (915, include_str!("pages/E0915.md")),
    (916, include_str!("pages/E0916.md")),
    (917, include_str!("pages/E0917.md")),
    (918, include_str!("pages/E0918.md")),
    (921, include_str!("pages/E0921.md")),
    (922, include_str!("pages/E0922.md")),
    (923, include_str!("pages/E0923.md")),
    (924, include_str!("pages/E0924.md")),
    (925, include_str!("pages/E0925.md")),
    (931, include_str!("pages/E0931.md")),
    (932, include_str!("pages/E0932.md")),
    (933, include_str!("pages/E0933.md")),
    (934, include_str!("pages/E0934.md")),
    (999, include_str!("pages/E0999.md")),
];

#[cfg(test)]
mod tests {
    use super::PAGES;

    #[test]
    fn the_table_is_ascending_and_files_are_under_their_codes() {
        assert!(PAGES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, text) in PAGES {
            assert!(text.starts_with(&format!("E{code:04} ")), "E{code:04}");
            assert_eq!(super::list().matches(&format!("\n  E{code:04} ")).count(), 1, "E{code:04} belongs to one family");
        }
    }
}
