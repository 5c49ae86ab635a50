//! Puts the comments and the empty lines of a text back among the pieces of its tree.
//!
//! The pieces spell the same tokens as the text, apart from a comma behind the last element of a list and from zeros before a
//! number. So a place in the text is a place among the pieces: the number of characters of tokens before it.

use super::doc::{Gap, Piece};
use crate::parse::lex::{Lexer, Token, TokenKind};

/// A comment of a text.
struct Comment {
    /// Characters of tokens before it.
    after: usize,
    text: String,
    trailing: bool,
    apart: bool,
}

/// What a text has besides its tokens.
#[derive(Default)]
struct Extras {
    comments: Vec<Comment>,
    /// Characters of tokens before each token that has an empty line above it (above its comments, if it has any, counts for them).
    apart: Vec<usize>,
}

/// The pieces with the comments and the empty lines of `source`.
pub(super) fn weave(pieces: Vec<Piece>, source: &str) -> Vec<Piece> {
    let extras = Extras::of(source);
    let mut weaver = Weaver { out: Vec::with_capacity(pieces.len()), count: 0, apart: extras.apart.into_iter().peekable(), fresh: true };
    let mut comments = extras.comments.into_iter().peekable();
    for mut piece in pieces {
        if is_place(&piece) {
            let mut due = Vec::new();
            while let Some(comment) = comments.next_if(|comment| comment.after <= weaver.count) {
                due.push(comment);
            }
            weaver.comments(due, &mut piece);
        }
        weaver.piece(piece);
    }
    weaver.comments(comments.collect(), &mut Piece::Hard(Gap::None));
    weaver.out
}

/// Whether comments may stand before a piece. A comma that ends a list, and the end of a group, come first.
fn is_place(piece: &Piece) -> bool {
    match piece {
        Piece::Text(text) => !text.trim().is_empty(),
        Piece::End | Piece::Line | Piece::Soft | Piece::Fill | Piece::Hug | Piece::Hard(_) => true,
        Piece::Open
        | Piece::Close
        | Piece::Indent(_)
        | Piece::IndentRow
        | Piece::Dedent
        | Piece::TrailingComma
        | Piece::Align(_)
        | Piece::Comment { .. } => false,
    }
}

struct Weaver<I: Iterator<Item = usize>> {
    out: Vec<Piece>,
    /// Characters of tokens so far.
    count: usize,
    apart: std::iter::Peekable<I>,
    /// Whether nothing, or a block, has just begun: no empty line belongs there.
    fresh: bool,
}

impl<I: Iterator<Item = usize>> Weaver<I> {
    fn comments(&mut self, comments: Vec<Comment>, next: &mut Piece) {
        let lone = comments.iter().filter(|comment| !comment.trailing).count();
        // The empty line that parts two declarations stands above the comments of the second one, unless the author left one elsewhere.
        let mut above = false;
        if let Piece::Hard(gap @ Gap::Empty) = next
            && lone > 0
        {
            *gap = Gap::AsWritten;
            above = !self.is_apart() && !comments.iter().any(|comment| comment.apart);
        }
        let may_part = matches!(next, Piece::Hard(_) | Piece::End);
        for comment in comments {
            let apart = may_part && !self.fresh && (comment.apart || (above && !comment.trailing));
            above &= comment.trailing;
            self.fresh &= comment.trailing;
            self.out.push(Piece::Comment { text: comment.text, trailing: comment.trailing, apart });
        }
    }

    /// Whether the text has an empty line directly above the next token.
    fn is_apart(&mut self) -> bool {
        while self.apart.next_if(|at| *at < self.count).is_some() {}
        self.apart.peek() == Some(&self.count)
    }

    fn piece(&mut self, mut piece: Piece) {
        match &mut piece {
            Piece::Text(text) => {
                self.count += Lexer::new(text).map(|token| weight(&token)).sum::<usize>();
                self.fresh = text == "{";
            }
            Piece::Hard(gap @ Gap::AsWritten) => *gap = if self.is_apart() && !self.fresh { Gap::Empty } else { Gap::None },
            _ => {}
        }
        self.out.push(piece);
    }
}

impl Extras {
    fn of(source: &str) -> Self {
        let mut extras = Extras::default();
        let mut count = 0;
        // End of the last token or comment.
        let mut last = 0;
        let mut around_result = Vec::new();
        for token in Lexer::new(source) {
            let between = source.get(last..token.start).unwrap_or("");
            let apart = between.bytes().filter(|byte| *byte == b'\n').count() > usize::from(last > 0);
            let first = last == 0;
            last = token.end();
            if token.kind == TokenKind::Comment {
                let text = token.text.trim_end().to_owned();
                extras.comments.push(Comment { after: count, text, trailing: !first && !between.contains('\n'), apart });
                continue;
            }
            if apart {
                extras.apart.push(count);
            }
            if token.text == "->" {
                around_result = parens_of_lone_result(source, token.end());
            }
            if is_last_comma(&token, source) || around_result.contains(&token.start) {
                continue;
            }
            count += weight(&token);
            if matches!(token.text, "," | ";") {
                extras.move_behind(count);
            }
        }
        extras
    }

    /// A comment directly before a comma or a semicolon stands behind it: neither begins a line.
    fn move_behind(&mut self, count: usize) {
        let before = count - 1;
        for comment in self.comments.iter_mut().rev().take_while(|comment| comment.after == before) {
            comment.after = count;
        }
    }
}

/// Whether a comma stands behind the last element of a list, where the printer may leave it out.
fn is_last_comma(token: &Token<'_>, source: &str) -> bool {
    let next = || Lexer::starting_at(source, token.end()).find(|next| next.kind != TokenKind::Comment);
    token.text == "," && next().is_some_and(|next| next.text.starts_with([')', ']', '>', '}']))
}

/// Where the parentheses around the results behind `->` stand, if they hold only one: the printer leaves them out.
fn parens_of_lone_result(source: &str, arrow: usize) -> Vec<usize> {
    let mut tokens = Lexer::starting_at(source, arrow).filter(|token| token.kind != TokenKind::Comment);
    let Some(open) = tokens.next().filter(|token| token.text == "(") else { return Vec::new() };
    let mut depth = 0_usize;
    for token in tokens {
        match token.text {
            "(" | "[" | "<" => depth += 1,
            ")" if depth == 0 => return vec![open.start, token.start],
            ")" | "]" | ">" => depth = depth.saturating_sub(1),
            "," if depth == 0 && !is_last_comma(&token, source) => return Vec::new(),
            _ => {}
        }
    }
    Vec::new()
}

/// Characters of a token that the printer repeats: zeros before a number may be left out.
fn weight(token: &Token<'_>) -> usize {
    let zeros = |text: &str| text.len() - text.trim_start_matches('0').len();
    match token.kind {
        TokenKind::Number if token.text.bytes().all(|byte| byte.is_ascii_digit()) => (token.text.len() - zeros(token.text)).max(1),
        TokenKind::Number => token.text.len() - zeros(token.text),
        _ => token.text.len(),
    }
}
