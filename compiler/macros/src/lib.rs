//! The `einsum!` macro: a classic einsum string that is checked when the Rust program is compiled.
//!
//! The crate promises that a string which compiles is accepted when the program runs, unless the shapes are wrong: it parses
//! with the same function. It knows `ein-syntax` only, and names the runtime by path.

mod check;

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use std::iter::once;

/// The function that runs a checked string: `fn einsum_checked<const N: usize>(text: &str, operands: [Operand; N]) -> …`.
const RUN: &[&str] = &["ein", "__private", "einsum_checked"];

/// The conversion of one operand, given by reference: `fn into_operand(self) -> Operand` of a trait that `&T` implements.
const CONVERT: &[&str] = &["ein", "__private", "IntoOperand", "into_operand"];

/// Contracts operands by a classic einsum string: `einsum!("ij,jk->ik", a, b)`.
///
/// The string must be a literal. A mistake in it, or a number of operands other than its number of terms, is an error of
/// the Rust compiler; sizes that do not match are an error of the call. Operands are taken by reference.
#[proc_macro]
pub fn einsum(input: TokenStream) -> TokenStream {
    match expand(input) {
        Ok(call) => call,
        Err(mistake) => compile_error(&mistake),
    }
}

/// A message and where it belongs.
struct Mistake {
    message: String,
    span: Span,
}

fn expand(input: TokenStream) -> Result<TokenStream, Mistake> {
    let mut args = split_arguments(input).into_iter();
    let first = args.next().unwrap_or_default();
    let literal = string_literal(first)?;
    let operands: Vec<_> = args.collect();
    let text = check::unquote(&literal.to_string())
        .ok_or_else(|| Mistake { message: "einsum! needs a string literal first".to_owned(), span: literal.span() })?;
    check::check(&text, operands.len()).map_err(|message| Mistake { message, span: literal.span() })?;

    let mut list = TokenStream::new();
    for operand in operands {
        list.extend(path(CONVERT, Span::call_site()));
        list.extend(parenthesised(reference(operand)));
        list.extend(punct(','));
    }
    let mut inner = TokenStream::from(TokenTree::Literal(literal));
    inner.extend(punct(','));
    inner.extend(once(TokenTree::Group(Group::new(Delimiter::Bracket, list))));
    let mut call = path(RUN, Span::call_site());
    call.extend(parenthesised(inner));
    Ok(call)
}

/// Splits at the commas that stand in no brackets and in no turbofish; a comma at the end adds nothing.
fn split_arguments(input: TokenStream) -> Vec<TokenStream> {
    let mut args = Vec::new();
    let mut current = Vec::new();
    let mut angles = check::Angles::default();
    for token in input {
        let symbol = if let TokenTree::Punct(punct) = &token { Some(punct.as_char()) } else { None };
        if angles.splits_at(symbol) {
            args.push(std::mem::take(&mut current).into_iter().collect());
        } else {
            current.push(token);
        }
    }
    if !current.is_empty() {
        args.push(current.into_iter().collect());
    }
    args
}

/// The only token, looking through the invisible groups that macros by example put around arguments.
fn string_literal(argument: TokenStream) -> Result<Literal, Mistake> {
    let mut tokens = argument.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Literal(literal)), None) => Ok(literal),
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => string_literal(group.stream()),
        (first, _) => {
            let span = first.map_or_else(Span::call_site, |token| token.span());
            Err(Mistake { message: "einsum! needs a string literal first: einsum!(\"ij,jk->ik\", a, b)".to_owned(), span })
        }
    }
}

/// `::a::b::c`
fn path(segments: &[&str], span: Span) -> TokenStream {
    let mut path = TokenStream::new();
    for segment in segments {
        path.extend([joint(':'), TokenTree::Punct(Punct::new(':', Spacing::Alone))]);
        path.extend(once(TokenTree::Ident(Ident::new(segment, span))));
    }
    path
}

/// `&(expression)`
fn reference(expression: TokenStream) -> TokenStream {
    let mut tokens = punct('&');
    tokens.extend(parenthesised(expression));
    tokens
}

fn parenthesised(stream: TokenStream) -> TokenStream {
    TokenTree::Group(Group::new(Delimiter::Parenthesis, stream)).into()
}

fn punct(symbol: char) -> TokenStream {
    TokenTree::Punct(Punct::new(symbol, Spacing::Alone)).into()
}

fn joint(symbol: char) -> TokenTree {
    TokenTree::Punct(Punct::new(symbol, Spacing::Joint))
}

/// `::core::compile_error! { "message" }`, at the place of the mistake.
fn compile_error(mistake: &Mistake) -> TokenStream {
    let mut message = Literal::string(&mistake.message);
    message.set_span(mistake.span);
    let mut tokens = path(&["core", "compile_error"], mistake.span);
    tokens.extend(punct('!'));
    tokens.extend(once(TokenTree::Group(Group::new(Delimiter::Brace, TokenTree::Literal(message).into()))));
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(mistake.span);
            token
        })
        .collect()
}
