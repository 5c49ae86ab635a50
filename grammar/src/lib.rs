//! The pest grammar of the `.ein` language, and the names of its rules in messages.
//!
//! The crate promises the grammar alone: what a text means, and every refusal beyond "expected this, found that", belongs
//! to `ein-syntax`. It knows no other crate of the workspace.

mod names;

pub use names::{KEYWORDS, display_name, is_token};
pub use parser::{EinParser, Rule};

/// The generated parser; pest gives its items no documentation of their own.
#[expect(missing_docs, reason = "the rule enum is generated from the grammar file")]
mod parser {
    use pest_derive::Parser;

    /// Recogniser of the rules of `ein.pest`.
    #[derive(Parser)]
    #[grammar = "ein.pest"]
    pub struct EinParser;
}

#[cfg(test)]
mod tests {
    use super::{EinParser, KEYWORDS, Rule};
    use pest::Parser as _;

    fn accepts(rule: Rule, text: &str) -> bool {
        EinParser::parse(rule, text).is_ok_and(|mut pairs| pairs.next().is_some_and(|pair| pair.as_str() == text))
    }

    #[test]
    fn keywords_are_not_names_and_their_extensions_are() {
        for keyword in KEYWORDS {
            assert!(!accepts(Rule::ident, keyword), "{keyword}");
            assert!(accepts(Rule::ident, &format!("{keyword}x")), "{keyword}x");
            assert!(accepts(Rule::ident, &format!("{keyword}_1")), "{keyword}_1");
        }
    }

    #[test]
    fn identifiers_may_carry_primes_only_at_the_end() {
        assert!(accepts(Rule::ident, "j'"));
        assert!(accepts(Rule::ident, "j''"));
        assert!(accepts(Rule::ident, "_"));
        assert!(!accepts(Rule::ident, "j'k"));
        assert!(!accepts(Rule::ident, "2j"));
        assert!(!accepts(Rule::ident, "é"));
    }

    #[test]
    fn numbers_end_before_a_range() {
        assert!(accepts(Rule::range, "0..2"));
        assert!(accepts(Rule::range, "-1.0..1.0"));
        assert!(accepts(Rule::number, "2.5im"));
        assert!(accepts(Rule::number, "1e-3"));
        assert!(!accepts(Rule::number, "2."));
        assert!(!accepts(Rule::number, "2x"));
        assert!(accepts(Rule::quantity, "2GiB"));
        assert!(!accepts(Rule::quantity, "2GiBs"));
    }

    #[test]
    fn an_access_followed_by_parentheses_is_a_reduction() {
        let mut pairs = EinParser::parse(Rule::expression, "A[i](x)").expect("the text is in the grammar");
        let inner = pairs.next().and_then(|pair| pair.into_inner().next()).map(|pair| pair.as_rule());
        assert_eq!(inner, Some(Rule::reduction));
    }

    #[test]
    fn comments_end_with_the_line() {
        assert!(EinParser::parse(Rule::program, "# only a comment").is_ok());
        assert!(EinParser::parse(Rule::program, "dim N; # a\ndim M; # b").is_ok());
        assert!(EinParser::parse(Rule::program, "ein 1; # \"no string\n").is_ok());
    }
}
