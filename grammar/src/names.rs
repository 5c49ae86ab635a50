//! What rules are called in messages.

use crate::parser::Rule;

/// Every word that cannot be a name.
pub const KEYWORDS: [&str; 30] = [
    "use", "dim", "const", "reducer", "def", "derive", "export", "hint", "where", "within", "from", "scan", "prev", "if", "then", "else",
    "and", "or", "not", "as", "int", "in", "for", "wrt", "secret", "public", "true", "false", "over", "reverse",
];

/// Whether a rule is punctuation or a keyword, whose pair says nothing beyond that it stands there.
///
/// Keywords that the tree builder looks for (`secret`, `public`, `reverse`, and the `and` and `or` of a law) are not.
#[must_use]
pub const fn is_token(rule: Rule) -> bool {
    is_punctuation(rule) || is_silent_keyword(rule)
}

const fn is_punctuation(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::semicolon
            | Rule::comma
            | Rule::colon
            | Rule::equals
            | Rule::arrow
            | Rule::dots
            | Rule::tilde
            | Rule::bar
            | Rule::open_paren
            | Rule::close_paren
            | Rule::open_bracket
            | Rule::close_bracket
            | Rule::open_brace
            | Rule::close_brace
            | Rule::open_angle
            | Rule::close_angle
            | Rule::EOI
    )
}

const fn is_silent_keyword(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::kw_use
            | Rule::kw_dim
            | Rule::kw_const
            | Rule::kw_reducer
            | Rule::kw_def
            | Rule::kw_derive
            | Rule::kw_export
            | Rule::kw_hint
            | Rule::kw_where
            | Rule::kw_within
            | Rule::kw_from
            | Rule::kw_scan
            | Rule::kw_prev
            | Rule::kw_if
            | Rule::kw_then
            | Rule::kw_else
            | Rule::kw_not
            | Rule::kw_as
            | Rule::kw_int
            | Rule::kw_in
            | Rule::kw_for
            | Rule::kw_wrt
            | Rule::kw_over
            | Rule::kw_ein
            | Rule::kw_idx
            | Rule::kw_fit
            | Rule::kw_weight
            | Rule::kw_by
            | Rule::law_distributes
    )
}

/// The name of a rule after "expected", in the words of the language reference.
#[must_use]
pub const fn display_name(rule: Rule) -> &'static str {
    if let Some(token) = token_text(rule) {
        return token;
    }
    match rule {
        Rule::program | Rule::item => "a declaration",
        Rule::EOI => "the end of the file",
        Rule::ident | Rule::name => "a name",
        Rule::integer => "an integer",
        Rule::number => "a number",
        Rule::string => "a text in double quotes",
        Rule::quantity => "a quantity such as `2GiB`",
        Rule::ty | Rule::of_type => "a type",
        Rule::element_type | Rule::scalar_type | Rule::index_type => "an element type such as `f32`",
        Rule::qualifier | Rule::structure | Rule::structure_name => "a structure such as `sym`",
        Rule::expression | Rule::primary | Rule::paren | Rule::call | Rule::reduction => "an expression",
        Rule::binder => "an index",
        Rule::row => "a row such as `..b`",
        Rule::param | Rule::params | Rule::results => "a parameter such as `A: f32[N]`",
        Rule::statement | Rule::bind | Rule::bind_body | Rule::bind_many | Rule::equation => "an equation",
        Rule::generic => "a dim",
        Rule::law => "a law: `assoc`, `comm`, `idem` or `distributes over f`",
        Rule::derivative => "`grad`, `vjp`, `jvp` or `hvp`",
        Rule::tolerance_kind => "`rel`, `abs` or `out`",
        Rule::range => "a range such as `0..N`",
        Rule::argument | Rule::arguments => "an argument",
        Rule::wrt => "a parameter to differentiate by",
        Rule::boolean => "`true` or `false`",
        Rule::dim => "a dim",
        Rule::table => "a table",
        Rule::where_item => "a condition or a definition",
        // The point of `layers.softmax(x)` may stand wherever an operator may.
        Rule::infix | Rule::member => "an operator",
        _ => "something else",
    }
}

/// The spelling of rules that match one token, or begin with one that no alternative shares.
const fn token_text(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::semicolon => "`;`",
        Rule::comma => "`,`",
        Rule::colon | Rule::int_kind | Rule::accumulator => "`:`",
        Rule::equals => "`=`",
        Rule::plus_equals => "`+=`",
        Rule::arrow => "`->`",
        Rule::dots => "`..`",
        Rule::tilde => "`~`",
        Rule::bar | Rule::size => "`|`",
        Rule::open_paren => "`(`",
        Rule::close_paren => "`)`",
        Rule::open_bracket | Rule::subscripts | Rule::left_side | Rule::axes => "`[`",
        Rule::close_bracket => "`]`",
        Rule::open_brace | Rule::block => "`{`",
        Rule::close_brace => "`}`",
        Rule::open_angle | Rule::generics | Rule::instances => "`<`",
        Rule::close_angle => "`>`",
        Rule::import_names => "`.{`",
        Rule::at_most => "`<=`",
        Rule::kw_ein | Rule::version => "`ein 1;`",
        _ => return keyword_text(rule),
    })
}

const fn keyword_text(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::kw_use | Rule::import => "`use`",
        Rule::kw_dim | Rule::dims => "`dim`",
        Rule::kw_const | Rule::constant => "`const`",
        Rule::kw_reducer | Rule::reducer => "`reducer`",
        Rule::kw_def | Rule::definition => "`def`",
        Rule::kw_derive | Rule::derivation => "`derive`",
        Rule::kw_export | Rule::export => "`export`",
        Rule::kw_hint | Rule::hint => "`hint`",
        Rule::kw_where | Rule::where_clause | Rule::guard | Rule::fit_rules => "`where`",
        Rule::kw_within | Rule::tolerance => "`within`",
        Rule::kw_from | Rule::initial | Rule::fit_sources => "`from`",
        Rule::kw_scan | Rule::scan => "`scan`",
        Rule::kw_prev | Rule::previous => "`prev`",
        Rule::kw_if | Rule::conditional => "`if`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::kw_and => "`and`",
        Rule::kw_or => "`or`",
        Rule::kw_not => "`not`",
        Rule::kw_as | Rule::cast | Rule::import_alias | Rule::export_name => "`as`",
        Rule::kw_int => "`int`",
        Rule::kw_in | Rule::bounds => "`in`",
        Rule::kw_for | Rule::export_target => "`for`",
        Rule::kw_wrt => "`wrt`",
        Rule::kw_secret => "`secret`",
        Rule::kw_public => "`public`",
        Rule::kw_over => "`over`",
        Rule::kw_reverse => "`reverse`",
        Rule::kw_fit | Rule::fit => "`fit`",
        Rule::kw_weight | Rule::fit_weight => "`weight`",
        Rule::kw_by => "`by`",
        Rule::kw_idx => "`idx`",
        _ => return None,
    })
}
