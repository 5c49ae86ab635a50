//! Back from `b.1, b.2` to `..b` in everything that people read.

use crate::check::explain::{Explanation, IndexNote};
use ein_ir::diagnostic::{Diagnostic, Label};
use std::collections::BTreeSet;

/// The rows of a def, dims and indices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spelling {
    pub(crate) rows: BTreeSet<String>,
}

impl Spelling {
    /// A text with every written-out row as the author wrote it.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if !(c.is_ascii_alphabetic() || c == '_') {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let (word, after) = split_word(rest);
            match self.member(word, after) {
                Some((n, mut after)) => {
                    out.push_str("..");
                    out.push_str(word);
                    let mut next = n + 1;
                    while let Some(further) =
                        after.strip_prefix(&format!(", {word}.{next}")).filter(|r| !r.starts_with(|c: char| c.is_ascii_digit()))
                    {
                        (after, next) = (further, next + 1);
                    }
                    rest = after;
                }
                None => {
                    out.push_str(word);
                    rest = after;
                }
            }
        }
        out
    }

    /// The number behind a word that is a row, and what follows: `b` and `.1]` give 1 and `]`.
    fn member<'t>(&self, word: &str, after: &'t str) -> Option<(usize, &'t str)> {
        let digits = after.strip_prefix('.')?;
        let n = digits.bytes().take_while(u8::is_ascii_digit).count();
        let number = digits[..n].parse().ok()?;
        self.rows.contains(word).then(|| (number, &digits[n..]))
    }

    /// Diagnostics in the words of the def; what was said for each axis of a row is said once.
    pub(crate) fn diagnostics(&self, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let label = |l: Label| Label { text: self.text(&l.text), ..l };
        let mut out: Vec<Diagnostic> = Vec::new();
        for d in found {
            let d = Diagnostic {
                message: self.text(&d.message),
                primary: d.primary.map(label),
                others: d.others.into_iter().map(label).collect(),
                notes: d.notes.iter().map(|n| self.text(n)).collect(),
                help: d.help.map(|h| self.text(&h)),
                ..d
            };
            if !out.iter().any(|o| o.code == d.code && o.primary == d.primary && o.message == d.message) {
                out.push(d);
            }
        }
        out
    }

    /// An explanation in the words of the def.
    pub(crate) fn explanation(&self, note: &Explanation) -> Explanation {
        let mut indices: Vec<IndexNote> = Vec::new();
        for index in &note.indices {
            let index = IndexNote { name: self.text(&index.name), range: self.text(&index.range), ..index.clone() };
            if !indices.iter().any(|i| i.name == index.name && i.range == index.range) {
                indices.push(index);
            }
        }
        let mut reductions = note.reductions.clone();
        for r in &mut reductions {
            let joined = self.text(&r.indices.join(", "));
            r.indices = joined.split(", ").map(str::to_owned).collect();
        }
        Explanation {
            equation: self.text(&note.equation),
            indices,
            reductions,
            checks: note.checks.iter().map(|c| self.text(c)).collect(),
            ..note.clone()
        }
    }
}

/// The name at the beginning of a text, primes included, and the rest.
fn split_word(text: &str) -> (&str, &str) {
    let letters = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let primes = text[letters..].bytes().take_while(|b| *b == b'\'').count();
    text.split_at(letters + primes)
}
