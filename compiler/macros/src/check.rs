//! The parts that need no tokens.

use ein_syntax::einsum::parse_einsum;

/// Checks a string and the number of its operands; the error is the text for the Rust compiler.
pub(crate) fn check(text: &str, n_operands: usize) -> Result<(), String> {
    let checked = parse_einsum(text).and_then(|einsum| einsum.check_operand_count(n_operands));
    checked.map_err(|diagnostic| {
        let message = diagnostic.to_string();
        match diagnostic.primary {
            Some(label) => pointed(&message, text, label.span.start as usize, label.span.end as usize),
            None => message,
        }
    })
}

/// The message, the string, and carets below the bytes from `start` to `end`.
fn pointed(message: &str, text: &str, start: usize, end: usize) -> String {
    let width = |from: usize, to: usize| text.get(from..to).map_or(0, |part| part.chars().count());
    let carets = "^".repeat(width(start, end).max(1));
    format!("{message}\n  {text}\n  {}{carets}", " ".repeat(width(0, start)))
}

/// The value of the source text of a string literal; `None` if it is another literal.
pub(crate) fn unquote(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        return raw.trim_matches('#').strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    }
    let mut chars = literal.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut value = String::new();
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { unescape(&mut chars)? } else { c });
    }
    Some(value)
}

/// The character of the escape behind a backslash.
fn unescape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'x' => char::from(u8::from_str_radix(&chars.by_ref().take(2).collect::<String>(), 16).ok()?),
        'u' => {
            let digits: String = chars.by_ref().take_while(|c| *c != '}').filter(|c| c.is_ascii_hexdigit()).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
        }
        same @ ('"' | '\\' | '\'') => same,
        _ => return None,
    })
}

/// Follows the angle brackets of turbofishes, whose commas do not separate arguments.
#[derive(Default)]
pub(crate) struct Angles {
    depth: usize,
    /// The last two symbols in a row.
    last: [Option<char>; 2],
}

impl Angles {
    /// Whether the next token, given its symbol if it is one, is a comma between arguments.
    pub(crate) fn splits_at(&mut self, symbol: Option<char>) -> bool {
        match symbol {
            Some('<') if self.depth > 0 || self.last == [Some(':'), Some(':')] => self.depth += 1,
            Some('>') if self.depth > 0 && self.last[1] != Some('-') => self.depth -= 1,
            _ => {}
        }
        self.last = [self.last[1], symbol];
        symbol == Some(',') && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Angles, check, unquote};

    #[test]
    fn mistakes_are_pointed_at() {
        assert_eq!(check("ij,jk->ik", 2), Ok(()));
        assert_eq!(check("ij,jk->ix", 2), Err("E0153: output label `x` is in no operand\n  ij,jk->ix\n          ^".to_owned()));
        assert_eq!(check("é,i.", 2), Err("E0151: operand 1 has a `.` that is not part of `...`\n  é,i.\n     ^".to_owned()));
        assert_eq!(check("ij,jk", 1), Err("E0155: the string has 2 terms, and 1 operand was given\n  ij,jk\n  ^^^^^".to_owned()));
    }

    #[test]
    fn literals_are_unquoted() {
        assert_eq!(unquote(r#""ij->i""#).as_deref(), Some("ij->i"));
        assert_eq!(unquote(r##"r#"ij"#"##).as_deref(), Some("ij"));
        assert_eq!(unquote(r#""\u{e9}\x41\\""#).as_deref(), Some("éA\\"));
        assert_eq!(unquote("12"), None);
        assert_eq!(unquote(r#"b"ij""#), None);
    }

    #[test]
    fn commas_in_a_turbofish_do_not_split() {
        let splits = |text: &str| {
            let mut angles = Angles::default();
            text.chars().filter(|c| angles.splits_at((!c.is_alphanumeric()).then_some(*c))).count()
        };
        assert_eq!(splits("s,f::<A,B>,b"), 2);
        assert_eq!(splits("s,a<b,c>d"), 2);
        assert_eq!(splits("s,f::<fn->A,B>,b"), 2);
    }
}
