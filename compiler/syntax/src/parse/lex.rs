//! Tokens of the raw text, for what the recogniser cannot do well: limits, brackets, stray characters, and naming what was
//! found. The grammar decides what is legal; this lexer only has to cut the text where the grammar does.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A keyword or a name, primes included; possibly with letters beyond ASCII.
    Word,
    /// Begins with a digit; possibly with a suffix that makes it no number.
    Number,
    /// A text in double quotes, and whether it ends.
    Text { terminated: bool },
    /// Punctuation or an operator.
    Symbol,
    /// From `#` to the end of the line.
    Comment,
    /// A character of no other token.
    Stray(char),
}

/// A token and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'s str,
    /// First byte.
    pub(crate) start: usize,
}

impl Token<'_> {
    /// One past the last byte.
    pub(crate) const fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Operators of two characters; those of other languages are here to be refused as a whole.
const PAIRS: [&str; 12] = ["->", "==", "!=", "<=", ">=", "//", "+=", "..", "**", "&&", "||", "=>"];
const SINGLES: &str = "+-*/%^<>=()[]{}|,;:.~!&";

/// The tokens of a text, comments included, from a byte on.
pub(crate) struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    pub(crate) const fn new(source: &'s str) -> Self {
        Self { source, at: 0 }
    }

    /// Starts at `at`, which must be a character boundary.
    pub(crate) const fn starting_at(source: &'s str, at: usize) -> Self {
        Self { source, at }
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or("")
    }
}

impl<'s> Iterator for Lexer<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        self.at += leading(self.rest(), |c| matches!(c, ' ' | '\t' | '\r' | '\n'));
        let rest = self.rest();
        let first = rest.chars().next()?;
        let (kind, len) = measure(rest, first);
        let start = self.at;
        self.at += len;
        Some(Token { kind, text: rest.get(..len).unwrap_or(rest), start })
    }
}

/// Kind and length of the token that begins `rest`.
fn measure(rest: &str, first: char) -> (TokenKind, usize) {
    match first {
        '#' => (TokenKind::Comment, leading(rest, |c| c != '\n')),
        '"' => match rest.get(1..).and_then(|tail| tail.find('"')) {
            Some(close) => (TokenKind::Text { terminated: true }, close + 2),
            None => (TokenKind::Text { terminated: false }, rest.len()),
        },
        '0'..='9' => (TokenKind::Number, number_len(rest)),
        c if is_letter(c) && c != '\'' => (TokenKind::Word, word_len(rest)),
        c => {
            if PAIRS.iter().any(|pair| rest.starts_with(pair)) {
                (TokenKind::Symbol, 2)
            } else if SINGLES.contains(c) {
                (TokenKind::Symbol, 1)
            } else {
                (TokenKind::Stray(c), c.len_utf8())
            }
        }
    }
}

/// Letters of words; superscripts are alphanumeric to Unicode, but are meant as powers.
fn is_letter(c: char) -> bool {
    c == '_' || (c.is_alphanumeric() && !matches!(c, '²' | '³'))
}

fn word_len(rest: &str) -> usize {
    let letters = leading(rest, is_letter);
    letters + leading(rest.get(letters..).unwrap_or(""), |c| c == '\'')
}

fn number_len(rest: &str) -> usize {
    let plain = plain_number_len(rest);
    plain + leading(rest.get(plain..).unwrap_or(""), is_letter)
}

/// Bytes of the number that begins `rest`, without any suffix.
pub(super) fn plain_number_len(rest: &str) -> usize {
    let mut len = leading(rest, |c| c.is_ascii_digit());
    let tail = |len: usize| rest.get(len..).unwrap_or("");
    if tail(len).starts_with('.') && tail(len + 1).starts_with(|c: char| c.is_ascii_digit()) {
        len += 1 + leading(tail(len + 1), |c| c.is_ascii_digit());
    }
    if tail(len).starts_with(['e', 'E']) {
        let sign = usize::from(tail(len + 1).starts_with(['+', '-']));
        let digits = leading(tail(len + 1 + sign), |c| c.is_ascii_digit());
        if digits > 0 {
            len += 1 + sign + digits;
        }
    }
    len
}

/// Bytes of the longest prefix whose characters all satisfy `accept`.
fn leading(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::{Lexer, TokenKind};

    fn texts(source: &str) -> Vec<&str> {
        Lexer::new(source).map(|token| token.text).collect()
    }

    #[test]
    fn cuts_where_the_grammar_does() {
        assert_eq!(texts("r in 0..2"), ["r", "in", "0", "..", "2"]);
        assert_eq!(texts("x[..b, j']^2//-1e-3im"), ["x", "[", "..", "b", ",", "j'", "]", "^", "2", "//", "-", "1e-3im"]);
        assert_eq!(texts("|N|<=2GiB;#c\nx"), ["|", "N", "|", "<=", "2GiB", ";", "#c", "x"]);
        assert_eq!(texts("1.5e 1.x"), ["1.5e", "1", ".", "x"]);
    }

    #[test]
    fn every_byte_outside_white_space_is_in_one_token() {
        let source = "é \"a # b\" × '§ 2² \"open";
        let covered: usize = Lexer::new(source).map(|token| token.text.len()).sum();
        let spaces = source.chars().filter(|c| *c == ' ').count();
        // Three of the spaces stand inside the two texts.
        assert_eq!(covered, source.len() - spaces + 2);
        assert_eq!(Lexer::new("\"open").next().map(|token| token.kind), Some(TokenKind::Text { terminated: false }));
    }
}
