//! What a computed left side should have been: a guarded sum.

use super::lex::{Lexer, TokenKind};
use ein_grammar::KEYWORDS;
use std::collections::BTreeSet;

/// Longest right side that is repeated in the help, in bytes.
const MAX_QUOTED: usize = 60;

/// The guard form of `tensor[items] = value`: `b[j] = sum[i where 2*i == j](a[i])` for `b[2*i] = a[i]`, and a condition where
/// the position is a constant.
///
/// Each item is its text, and whether it is a binder already.
pub(super) fn guard_form(tensor: &str, items: &[(&str, bool)], value: &str) -> String {
    let value = if value.len() <= MAX_QUOTED && !value.contains('\n') { value } else { "…" };
    let mut used = indices_of(value);
    for (text, _) in items {
        used.extend(indices_of(text));
    }
    let mut left = Vec::new();
    let mut summed = BTreeSet::new();
    let mut guards = Vec::new();
    for (text, is_binder) in items {
        if *is_binder {
            left.push((*text).to_owned());
            continue;
        }
        let fresh = fresh_index(&used);
        used.insert(fresh.clone());
        let text = with_sizes(text);
        summed.extend(indices_of(&text));
        guards.push(format!("{text} == {fresh}"));
        left.push(fresh);
    }
    let bound: BTreeSet<_> = items.iter().filter(|(_, is_binder)| *is_binder).flat_map(|(text, _)| indices_of(text)).collect();
    let summed: Vec<_> = summed.difference(&bound).cloned().collect();
    let (left, guard) = (left.join(", "), guards.join(" and "));
    if summed.is_empty() {
        return format!("`{tensor}[{left}] = if {guard} then {value} else 0;`");
    }
    format!("`{tensor}[{left}] = sum[{} where {guard}]({value});`", summed.join(", "))
}

/// What `tensor[items] += value` should have been: the equation, with a sum over the indices that stand only on the right.
pub(super) fn added_form(tensor: &str, items: &[&str], value: &str) -> String {
    let value = if value.len() <= MAX_QUOTED && !value.contains('\n') { value } else { "…" };
    let left: BTreeSet<String> = items.iter().flat_map(|text| indices_of(text)).collect();
    let summed: Vec<String> = subscripts_of(value).into_iter().filter(|name| !left.contains(name)).collect();
    let brackets = if items.is_empty() { String::new() } else { format!("[{}]", items.join(", ")) };
    if summed.is_empty() {
        return format!("`{tensor}{brackets} = {value};`");
    }
    format!("`{tensor}{brackets} = sum[{}]({value});`", summed.join(", "))
}

/// A position as it stands in a guard: dims, which are upper case by custom, are sizes there.
fn with_sizes(text: &str) -> String {
    let tokens: Vec<_> = Lexer::new(text).collect();
    let mut out = String::new();
    let mut done = 0;
    for (at, token) in tokens.iter().enumerate() {
        let beside = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|token| token.text);
        let is_dim = token.kind == TokenKind::Word
            && token.text.starts_with(|c: char| c.is_ascii_uppercase())
            && beside(at.checked_sub(1)) != Some("|")
            && !matches!(beside(Some(at + 1)), Some("(" | "["));
        if is_dim {
            out.push_str(text.get(done..token.start).unwrap_or(""));
            out.push_str(&format!("|{}|", token.text));
            done = token.end();
        }
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}

/// The names between brackets, in order, that no reduction in the text binds.
fn subscripts_of(text: &str) -> Vec<String> {
    let tokens: Vec<_> = Lexer::new(text).collect();
    let (mut open, mut found, mut bound): (Vec<Vec<String>>, Vec<String>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        let after = tokens.get(at + 1).map(|token| token.text);
        match token.text {
            "[" => open.push(Vec::new()),
            "]" => match open.pop() {
                // `sum[j](…)` binds.
                Some(names) if after == Some("(") => bound.extend(names),
                Some(names) => found.extend(names),
                None => {}
            },
            _ => {
                let is_name = !indices_of(token.text).is_empty() && !matches!(after, Some("(" | "[" | "|"));
                open.last_mut().filter(|_| is_name).into_iter().for_each(|names| names.push(token.text.to_owned()));
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|name| !bound.contains(name) && seen.insert(name.clone()));
    found
}

/// The names in a text that are probably indices: not functions, tensors or sizes.
fn indices_of(text: &str) -> BTreeSet<String> {
    let tokens: Vec<_> = Lexer::new(text).collect();
    let mut names = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.text);
        let after = tokens.get(at + 1).map(|token| token.text);
        let is_index = token.kind == TokenKind::Word
            && !KEYWORDS.contains(&token.text)
            && !matches!(after, Some("(" | "["))
            && before != Some("|")
            && before != Some("..");
        if is_index {
            names.insert(token.text.to_owned());
        }
    }
    names
}

/// An index that is not used yet.
fn fresh_index(used: &BTreeSet<String>) -> String {
    let names = ["j", "k", "l", "m", "n", "p", "q", "r"];
    match names.iter().find(|name| !used.contains(**name)) {
        Some(name) => (*name).to_owned(),
        None => {
            let mut name = "j'".to_owned();
            while used.contains(&name) {
                name.push('\'');
            }
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{added_form, guard_form};

    #[test]
    fn what_is_added_becomes_a_sum() {
        assert_eq!(added_form("b", &["i"], "a[i]"), "`b[i] = a[i];`");
        assert_eq!(added_form("b", &["i"], "alpha * a[i, j]"), "`b[i] = sum[j](alpha * a[i, j]);`");
        assert_eq!(added_form("b", &["i"], "max[j](a[i, j])"), "`b[i] = max[j](a[i, j]);`");
        assert_eq!(added_form("s", &[], "x[ids[k], |N| - 1]"), "`s = sum[k](x[ids[k], |N| - 1]);`");
    }

    #[test]
    fn computed_positions_become_guards() {
        assert_eq!(guard_form("b", &[("2*i", false)], "a[i]"), "`b[j] = sum[i where 2*i == j](a[i]);`");
        assert_eq!(guard_form("b", &[("0", false)], "1.0"), "`b[j] = if 0 == j then 1.0 else 0;`");
        assert_eq!(
            guard_form("b", &[("j", true), ("|N| - 1 - i", false)], "a[i, j]"),
            "`b[j, k] = sum[i where |N| - 1 - i == k](a[i, j]);`"
        );
        assert_eq!(guard_form("n", &[("ids[b, s]", false)], "1"), "`n[j] = sum[b, s where ids[b, s] == j](1);`");
        assert_eq!(guard_form("b", &[("N - 1", false)], "1.0"), "`b[j] = if |N| - 1 == j then 1.0 else 0;`");
    }
}
