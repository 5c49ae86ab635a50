//! The tokens of the text forms, and a cursor over them that every parser of an intermediate representation shares.
//!
//! Line ends are white space, `#` starts a comment that runs to the end of the line. A parser is a function per rule over a
//! [`Cursor`]: `at` looks, `eat` takes if it is there, `expect` takes or reports. Floats print so that they read back
//! to the same bits ([`float`]), strings with the escapes that [`quoted`] writes.

use crate::dtype::DType;
use crate::entity::EntityRef;
use crate::extent::{Atom, Extent};
use crate::span::{FileId, Span};
use crate::verified::ParseError;
use std::fmt::Write;
use std::sync::Arc;

/// How deeply expressions may nest in a text form, so that reading one never exhausts the stack.
const MAX_DEPTH: usize = 256;

/// A token of a text form.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// Letters, digits and `_`, starting with a letter or `_`: keywords, entities, dtypes.
    Word(&'a str),
    /// Digits, perhaps with a fraction and an exponent, or `0x` and hexadecimal digits; no sign.
    Number(&'a str),
    /// A quoted string, its escapes resolved.
    Text(String),
    /// Punctuation, the longest that fits: `..`, `+=`, `(`.
    Punct(&'a str),
}

/// Punctuation of more than one character, longest first.
const LONG_PUNCTS: [&str; 11] = ["..", "==", "!=", "<=", ">=", "->", "//", "&&", "||", "+=", ":="];

/// A position in the tokens of a text.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    tokens: Vec<(Token<'a>, usize)>,
    position: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// Splits a text into tokens.
    ///
    /// # Errors
    /// A character that starts no token, or a string without an end.
    pub fn new(text: &'a str) -> Result<Self, ParseError> {
        let mut tokens = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let mut rest = line.trim_start();
            while !rest.is_empty() && !rest.starts_with('#') {
                let (token, length) = next_token(rest).map_err(|message| ParseError { line: n + 1, message })?;
                tokens.push((token, n + 1));
                rest = rest[length..].trim_start();
            }
        }
        Ok(Self { tokens, position: 0, depth: 0 })
    }

    /// The next token.
    #[must_use]
    pub fn peek(&self) -> Option<&Token<'a>> {
        self.peek_nth(0)
    }

    /// The token `n` after the next.
    #[must_use]
    pub fn peek_nth(&self, n: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.position + n).map(|(token, _)| token)
    }

    /// The line of the next token, from 1; at the end, that of the last.
    #[must_use]
    pub fn line(&self) -> usize {
        self.tokens.get(self.position).or(self.tokens.last()).map_or(1, |(_, line)| *line)
    }

    /// Whether the next token is the first of its line; so is the end.
    #[must_use]
    pub fn at_line_start(&self) -> bool {
        match (self.position.checked_sub(1).and_then(|p| self.tokens.get(p)), self.tokens.get(self.position)) {
            (Some((_, before)), Some((_, here))) => before != here,
            _ => true,
        }
    }

    /// Whether every token is taken.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.position >= self.tokens.len()
    }

    /// Whether the next token is this word or punctuation.
    #[must_use]
    pub fn at(&self, text: &str) -> bool {
        self.at_nth(0, text)
    }

    /// Whether the token `n` after the next is this word or punctuation.
    #[must_use]
    pub fn at_nth(&self, n: usize, text: &str) -> bool {
        matches!(self.peek_nth(n), Some(Token::Word(t) | Token::Punct(t)) if *t == text)
    }

    /// Takes this word or punctuation if it is next.
    pub fn eat(&mut self, text: &str) -> bool {
        let found = self.at(text);
        self.position += usize::from(found);
        found
    }

    /// Takes this word or punctuation.
    ///
    /// # Errors
    /// Something else is next.
    pub fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        if self.eat(text) { Ok(()) } else { Err(self.expected(&format!("`{text}`"))) }
    }

    /// An error at the next token: "expected X, found Y".
    #[must_use]
    pub fn expected(&self, what: &str) -> ParseError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Token::Word(t) | Token::Number(t) | Token::Punct(t)) => format!("`{t}`"),
            Some(Token::Text(t)) => quoted(t),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    /// An error at the line of the next token.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { line: self.line(), message: message.into() }
    }

    /// Takes a word.
    ///
    /// # Errors
    /// Something else is next.
    pub fn word(&mut self) -> Result<&'a str, ParseError> {
        match self.peek() {
            Some(Token::Word(text)) => {
                let text = *text;
                self.position += 1;
                Ok(text)
            }
            _ => Err(self.expected("a word")),
        }
    }

    /// Takes a quoted string.
    ///
    /// # Errors
    /// Something else is next.
    pub fn text(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.position += 1;
                Ok(text)
            }
            _ => Err(self.expected("a quoted string")),
        }
    }

    fn number(&mut self) -> Result<&'a str, ParseError> {
        match self.peek() {
            Some(Token::Number(text)) => {
                let text = *text;
                self.position += 1;
                Ok(text)
            }
            _ => Err(self.expected("a number")),
        }
    }

    /// Takes an integer, perhaps with `-` before it.
    ///
    /// # Errors
    /// Something else is next, or the integer does not fit `T`.
    pub fn int<T: TryFrom<i128>>(&mut self) -> Result<T, ParseError> {
        let minus = self.eat("-");
        let line = self.line();
        let digits = self.number()?;
        let out_of_range = || ParseError { line, message: format!("`{digits}` is no integer in range") };
        let magnitude: u128 = match digits.strip_prefix("0x") {
            Some(hex) => u128::from_str_radix(hex, 16),
            None => digits.parse(),
        }
        .map_err(|_| out_of_range())?;
        let signed = if minus { 0i128.checked_sub_unsigned(magnitude) } else { i128::try_from(magnitude).ok() };
        signed.and_then(|v| T::try_from(v).ok()).ok_or_else(out_of_range)
    }

    /// Takes a float in the spelling of [`float`].
    ///
    /// # Errors
    /// Something else is next.
    pub fn float(&mut self) -> Result<f64, ParseError> {
        let minus = self.eat("-");
        let value = if self.eat("inf") {
            f64::INFINITY
        } else if self.eat("nan") {
            if self.eat("(") {
                let bits: u64 = self.int()?;
                self.expect(")")?;
                f64::from_bits(bits)
            } else {
                f64::NAN
            }
        } else {
            let error = self.expected("a float");
            self.number()?.parse().map_err(|_| error)?
        };
        Ok(if minus { -value } else { value })
    }

    /// Takes an element type.
    ///
    /// # Errors
    /// Something else is next.
    pub fn dtype(&mut self) -> Result<DType, ParseError> {
        let error = self.expected("a dtype");
        self.word()?.parse().map_err(|()| error)
    }

    /// The number of the entity with this prefix, if one is next: 12 for `t12` with prefix `t`.
    #[must_use]
    pub fn peek_entity(&self, prefix: &str) -> Option<usize> {
        match self.peek() {
            Some(Token::Word(text)) => entity_number(text, prefix),
            _ => None,
        }
    }

    /// Takes the entity with this prefix if it is next.
    pub fn eat_entity<E: EntityRef>(&mut self, prefix: &str) -> Option<E> {
        let number = self.peek_entity(prefix)?;
        self.position += 1;
        Some(E::new(number))
    }

    /// Takes an entity: `t12` with prefix `t`.
    ///
    /// # Errors
    /// Something else is next.
    pub fn entity<E: EntityRef>(&mut self, prefix: &str) -> Result<E, ParseError> {
        self.eat_entity(prefix).ok_or_else(|| self.expected(&format!("an entity `{prefix}0`")))
    }

    /// Takes the declaration of the next entity of its kind.
    ///
    /// # Errors
    /// Something else is next, or the number is not `n`: the text lists entities in order.
    pub fn declare(&mut self, prefix: &str, n: usize) -> Result<(), ParseError> {
        if self.peek_entity(prefix) != Some(n) {
            return Err(self.expected(&format!("`{prefix}{n}`")));
        }
        self.position += 1;
        Ok(())
    }

    /// Takes `@12..17` or `@1:12..17` if it is next; the span is empty otherwise.
    ///
    /// # Errors
    /// `@` without a span after it.
    pub fn span(&mut self) -> Result<Span, ParseError> {
        if !self.eat("@") {
            return Ok(Span::default());
        }
        let mut start: u32 = self.int()?;
        let mut file = FileId::default();
        if self.eat(":") {
            file = FileId(start);
            start = self.int()?;
        }
        self.expect("..")?;
        let end: u32 = self.int()?;
        if end < start {
            return Err(self.error("a span ends before it starts"));
        }
        Ok(Span { file, start, end })
    }

    /// Takes items separated by commas up to `close`, which is taken too; a comma before it is allowed.
    ///
    /// # Errors
    /// Those of `item`, and anything but a comma or `close` after one.
    pub fn list<T>(&mut self, close: &str, mut item: impl FnMut(&mut Self) -> Result<T, ParseError>) -> Result<Vec<T>, ParseError> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(item(self)?);
            if !self.eat(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    /// Runs the parser of a nested expression.
    ///
    /// # Errors
    /// Those of `parse`, and nesting deeper than 256.
    pub fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Takes a polynomial over dims and indices in the spelling of [`Extent`].
    ///
    /// # Errors
    /// Something else is next.
    pub fn extent(&mut self) -> Result<Extent, ParseError> {
        self.nested(|c| {
            let mut sum = Extent::default();
            let mut sign = if c.eat("-") { -1 } else { 1 };
            loop {
                sum = sum.add(&c.extent_product()?.scale(sign));
                sign = match (c.eat("+"), c.eat("-")) {
                    (true, _) => 1,
                    (_, true) => -1,
                    _ => return Ok(sum),
                };
            }
        })
    }

    fn extent_product(&mut self) -> Result<Extent, ParseError> {
        let mut product = self.extent_factor()?;
        while self.eat("*") {
            product = product.mul(&self.extent_factor()?);
        }
        Ok(product)
    }

    fn extent_factor(&mut self) -> Result<Extent, ParseError> {
        if matches!(self.peek(), Some(Token::Number(_))) {
            return Ok(Extent::constant(self.int()?));
        }
        if let Some(dim) = self.eat_entity("d") {
            return Ok(Extent::dim(dim));
        }
        if let Some(index) = self.eat_entity("i") {
            return Ok(Extent::index(index));
        }
        let quotient = self.eat("div");
        if !quotient && !self.eat("rem") {
            return Err(self.expected("an extent"));
        }
        self.expect("(")?;
        let a = Arc::new(self.extent()?);
        self.expect(",")?;
        let b = Arc::new(self.extent()?);
        self.expect(")")?;
        // Not `floor_div`: the text is in normal form already, and must read back as it was.
        Ok(Extent::atom(if quotient { Atom::Quotient(a, b) } else { Atom::Remainder(a, b) }))
    }
}

fn entity_number(text: &str, prefix: &str) -> Option<usize> {
    let digits = text.strip_prefix(prefix)?;
    let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    // u32::MAX is the reserved value of an entity.
    if canonical { digits.parse::<u32>().ok().filter(|n| *n != u32::MAX).map(|n| n as usize) } else { None }
}

fn next_token(rest: &str) -> Result<(Token<'_>, usize), String> {
    let bytes = rest.as_bytes();
    let first = bytes[0];
    if first.is_ascii_alphabetic() || first == b'_' {
        let length = length_while(bytes, 0, |b| b.is_ascii_alphanumeric() || b == b'_');
        return Ok((Token::Word(&rest[..length]), length));
    }
    if first.is_ascii_digit() {
        let length = number_length(bytes);
        return Ok((Token::Number(&rest[..length]), length));
    }
    if first == b'"' {
        return text_token(rest);
    }
    if let Some(punct) = LONG_PUNCTS.iter().find(|p| rest.starts_with(**p)) {
        return Ok((Token::Punct(&rest[..punct.len()]), punct.len()));
    }
    match rest.chars().next() {
        Some(c) if c.is_ascii_punctuation() => Ok((Token::Punct(&rest[..1]), 1)),
        other => Err(format!("no token starts with {other:?}")),
    }
}

fn length_while(bytes: &[u8], from: usize, accept: impl Fn(u8) -> bool) -> usize {
    from + bytes[from..].iter().take_while(|b| accept(**b)).count()
}

/// `12`, `0x7f`, `1.5`, `1e-7`; in `0..8` the dots are no part of the number.
fn number_length(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"0x") {
        return length_while(bytes, 2, |b| b.is_ascii_hexdigit());
    }
    let digit = |b: u8| b.is_ascii_digit();
    let mut length = length_while(bytes, 0, digit);
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        length = length_while(bytes, length + 1, digit);
    }
    if bytes.get(length) == Some(&b'e') {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'-' | b'+')));
        if bytes.get(length + 1 + sign).is_some_and(u8::is_ascii_digit) {
            length = length_while(bytes, length + 1 + sign, digit);
        }
    }
    length
}

fn text_token(rest: &str) -> Result<(Token<'_>, usize), String> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Text(out), at + 1)),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 'u')) => {
                    let hex: String = chars.by_ref().map(|(_, c)| c).skip(1).take_while(|c| *c != '}').collect();
                    let c = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    out.push(c.ok_or_else(|| format!("`\\u{{{hex}}}` is no character"))?);
                }
                Some((_, c)) => out.push(c),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("a string without an end".to_owned())
}

/// A string in quotes, as [`Cursor::text`] reads it; it never holds a line end.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A float so that [`Cursor::float`] reads back the same bits: `1.5`, `-0.0`, `1e-300`, `inf`, `nan`, `nan(0xfff8000000000000)`.
#[must_use]
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return if value.to_bits() == f64::NAN.to_bits() { "nan".to_owned() } else { format!("nan({:#x})", value.to_bits()) };
    }
    // Rust's `{:?}` is the shortest text that reads back exactly.
    format!("{value:?}")
}

/// ` @12..17`, or nothing for the empty span at 0 of the main file.
#[must_use]
pub fn span_suffix(span: Span) -> String {
    if span == Span::default() { String::new() } else { format!(" @{span}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{Dim, Tensor};

    #[test]
    fn splits_ranges_floats_and_comments() {
        let c = Cursor::new("t0 0..8 1.5e-3 += // # nothing\n\"a\\\"b\\n\"").unwrap();
        let tokens: Vec<Token<'_>> = c.tokens.iter().map(|(t, _)| t.clone()).collect();
        assert_eq!(
            tokens,
            [
                Token::Word("t0"),
                Token::Number("0"),
                Token::Punct(".."),
                Token::Number("8"),
                Token::Number("1.5e-3"),
                Token::Punct("+="),
                Token::Punct("//"),
                Token::Text("a\"b\n".to_owned()),
            ]
        );
        assert_eq!(c.tokens[7].1, 2);
    }

    #[test]
    fn strings_survive() {
        for s in ["", "i'", "a\"b\\c", "tab\tnl\n\u{7}", "größe", "\u{2028}#x"] {
            assert_eq!(Cursor::new(&quoted(s)).unwrap().text().unwrap(), s);
            assert_eq!(quoted(s).lines().count(), 1);
        }
        assert!(Cursor::new("\"open").is_err());
    }

    #[test]
    fn floats_survive_to_the_bit() {
        let odd_nan = f64::from_bits(0xfff8_0000_0000_0001);
        for v in [0.0, -0.0, 1.5, -1e-300, 1e300, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, odd_nan] {
            let read = Cursor::new(&float(v)).unwrap().float().unwrap();
            assert_eq!(read.to_bits(), v.to_bits(), "{v:?}");
        }
    }

    #[test]
    fn integers_are_checked() {
        assert_eq!(Cursor::new("-9223372036854775808").unwrap().int::<i64>().unwrap(), i64::MIN);
        assert!(Cursor::new("9223372036854775808").unwrap().int::<i64>().is_err());
        assert!(Cursor::new("-1").unwrap().int::<u32>().is_err());
        assert!(Cursor::new("1.5").unwrap().int::<i64>().is_err());
        assert_eq!(Cursor::new("-170141183460469231731687303715884105728").unwrap().int::<i128>().unwrap(), i128::MIN);
    }

    #[test]
    fn entities_have_one_spelling() {
        assert_eq!(Cursor::new("t12").unwrap().entity::<Tensor>("t").unwrap(), Tensor::from_u32(12));
        for wrong in ["t", "t01", "d1", "t4294967295", "tt1"] {
            assert!(Cursor::new(wrong).unwrap().entity::<Tensor>("t").is_err(), "{wrong}");
        }
    }

    #[test]
    fn extents_read_back() {
        let (a, b) = (Extent::dim(Dim::from_u32(0)), Extent::dim(Dim::from_u32(1)));
        let half = a.sub(&Extent::constant(3)).floor_div(&Extent::constant(2));
        for e in [
            Extent::default(),
            Extent::constant(-7),
            a.mul(&b).scale(-2).add(&a).sub(&Extent::constant(1)),
            half.mul(&half).add(&a.floor_rem(&b).scale(3)),
        ] {
            assert_eq!(Cursor::new(&e.to_string()).unwrap().extent().unwrap(), e, "{e}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "div(".repeat(5000);
        assert_eq!(Cursor::new(&text).unwrap().extent().unwrap_err().message, "nested too deeply");
    }
}
