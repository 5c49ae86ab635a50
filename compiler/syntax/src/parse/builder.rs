//! The tree builder: what its functions share.

use super::span_of;
use crate::ast::{Ident, Integer, StringLiteral};
use crate::error::parse::{LexicalError, LimitError};
use crate::limits::{MAX_AXES, MAX_DIAGNOSTICS};
use ein_grammar::{Rule, is_token};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::{FileId, Span};
use std::iter::Peekable;

pub(super) type Pair<'s> = pest::iterators::Pair<'s, Rule>;

/// Builds trees and collects diagnostics.
pub(super) struct Builder<'s> {
    pub(super) source: &'s str,
    file: FileId,
    diagnostics: Vec<Diagnostic>,
    /// Height of the tallest expression built since the last [`Builder::measured`] began.
    pub(super) tallest: u32,
}

/// The parts of a pair in order, without punctuation and keywords.
pub(super) struct Parts<'s> {
    inner: Peekable<Box<dyn Iterator<Item = Pair<'s>> + 's>>,
}

impl<'s> Parts<'s> {
    pub(super) fn of(pair: Pair<'s>) -> Self {
        let inner: Box<dyn Iterator<Item = Pair<'s>> + 's> = Box::new(pair.into_inner().filter(|part| !is_token(part.as_rule())));
        Self { inner: inner.peekable() }
    }

    /// The next part, if it is of this rule.
    pub(super) fn opt(&mut self, rule: Rule) -> Option<Pair<'s>> {
        self.inner.next_if(|part| part.as_rule() == rule)
    }

    /// The next part, which the grammar says is of this rule.
    pub(super) fn need(&mut self, rule: Rule) -> Pair<'s> {
        self.opt(rule).unwrap_or_else(|| unreachable!("the grammar has {rule:?} here"))
    }

    /// The next part, which the grammar says exists.
    pub(super) fn any(&mut self) -> Pair<'s> {
        self.inner.next().expect("the grammar has a part here")
    }

    /// The rule of the next part.
    pub(super) fn peek(&mut self) -> Option<Rule> {
        self.inner.peek().map(Pair::as_rule)
    }
}

impl<'s> Iterator for Parts<'s> {
    type Item = Pair<'s>;

    fn next(&mut self) -> Option<Pair<'s>> {
        self.inner.next()
    }
}

impl<'s> Builder<'s> {
    pub(super) const fn new(source: &'s str, file: FileId) -> Self {
        Self { source, file, diagnostics: Vec::new(), tallest: 0 }
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    pub(super) fn report(&mut self, mistake: impl Into<Diagnostic>) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(mistake.into());
        }
    }

    /// Where a pair stands. A pair that ends with an optional part may include the space behind it; its last token does not.
    pub(super) fn span(&self, pair: &Pair<'s>) -> Span {
        let mut last = pair.clone();
        while let Some(inner) = last.clone().into_inner().next_back() {
            last = inner;
        }
        span_of(self.file, pair.as_span().start(), last.as_span().end())
    }

    /// The text of a pair, without space behind it.
    pub(super) fn written(&self, pair: &Pair<'s>) -> &'s str {
        self.text(self.span(pair))
    }

    /// The text at a place of this file.
    pub(super) fn text(&self, span: Span) -> &'s str {
        self.source.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Runs `build`, and also answers the height of the tallest expression that it built.
    pub(super) fn measured<T>(&mut self, build: impl FnOnce(&mut Self) -> T) -> (T, u32) {
        let before = std::mem::take(&mut self.tallest);
        let built = build(self);
        let height = std::mem::replace(&mut self.tallest, before);
        self.tallest = before.max(height);
        (built, height)
    }

    pub(super) fn ident(&self, pair: &Pair<'s>) -> Ident {
        Ident::new(pair.as_str(), self.span(pair))
    }

    /// The name in `..b`.
    pub(super) fn row(&self, pair: Pair<'s>) -> Ident {
        self.ident(&Parts::of(pair).need(Rule::ident))
    }

    pub(super) fn idents(&self, parts: &mut Parts<'s>) -> Vec<Ident> {
        std::iter::from_fn(|| parts.opt(Rule::ident)).map(|pair| self.ident(&pair)).collect()
    }

    pub(super) fn integer(&mut self, pair: &Pair<'s>) -> Integer {
        let span = self.span(pair);
        let value = pair.as_str().parse().unwrap_or_else(|_| {
            self.report(LexicalError::BadNumber { text: pair.as_str().to_owned(), reason: "it has more than 64 bits", span, help: None });
            0
        });
        Integer { value, span }
    }

    pub(super) fn string(&self, pair: &Pair<'s>) -> StringLiteral {
        StringLiteral { value: pair.as_str().trim_matches('"').to_owned(), span: self.span(pair) }
    }

    /// Refuses more axes than a tensor may have.
    pub(super) fn check_axes(&mut self, count: usize, span: Span) {
        if count > MAX_AXES {
            self.report(LimitError::TooManyAxes { count, limit: MAX_AXES, span });
        }
    }
}
