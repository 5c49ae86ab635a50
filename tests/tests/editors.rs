//! The editor grammar knows every word of the language, and each word of a program gets the scope that it should.

use regex::Regex;
use serde_json::Value;

fn grammar() -> Value {
    let path = ein_tests::repository().join("grammar/editors/ein.tmLanguage.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// The alternatives of the pattern of a rule.
fn words(grammar: &Value, rule: &str) -> Vec<String> {
    let pattern = grammar["repository"][rule]["match"].as_str().unwrap_or_else(|| panic!("no rule {rule}"));
    let list = pattern.split("(?:").nth(1).and_then(|rest| rest.split(')').next()).expect("a list of words");
    list.split('|').map(|word| word.trim_end_matches(|c: char| "(?=\\".contains(c)).to_owned()).collect()
}

#[test]
fn every_word_of_the_language_is_known() {
    let grammar = grammar();
    let has = |rules: &[&str], word: &str| rules.iter().any(|rule| words(&grammar, rule).iter().any(|w| w == word));
    for word in ein_grammar::KEYWORDS {
        assert!(has(&["declaration", "keyword", "logic"], word), "the keyword `{word}`");
    }
    for dtype in ein_ir::dtype::DType::ALL {
        assert!(has(&["type"], dtype.name()), "the type `{dtype}`");
    }
    for structure in ein_syntax::ast::StructureKind::ALL {
        assert!(has(&["structure"], structure.name()), "the structure `{}`", structure.name());
    }
    for (rule, known) in ein_syntax::vocabulary() {
        for word in known {
            assert!(has(&[rule], word), "the {rule} `{word}`");
        }
    }
}

/// The rules in their order, without look-ahead, which this checker cannot do: it looks at what follows by itself.
fn rules(grammar: &Value) -> Vec<(String, Regex, Option<Regex>)> {
    let names =
        grammar["patterns"].as_array().expect("a list").iter().map(|p| p["include"].as_str().expect("a name").trim_start_matches('#'));
    names
        .map(|name| {
            let rule = &grammar["repository"][name];
            let pattern = match rule["match"].as_str() {
                Some(pattern) => pattern.to_owned(),
                None => format!("{}[^\"]*{}", rule["begin"].as_str().expect("begin"), rule["end"].as_str().expect("end")),
            };
            let pattern = pattern.replace("(?!')", "").replace("abs(?=\\s+[0-9])|", "");
            let (main, after) = match pattern.split_once("(?=") {
                Some((main, after)) => (main.to_owned(), Some(after[..after.len() - 1].to_owned())),
                None => (pattern, None),
            };
            let compile = |text: &str| Regex::new(&format!("^(?:{text})")).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name.to_owned(), compile(&main), after.as_deref().map(compile))
        })
        .collect()
}

/// Rule and text of each token of a line.
fn scopes(line: &str) -> Vec<(String, String)> {
    let grammar = grammar();
    let rules = rules(&grammar);
    let (mut at, mut out) = (0, Vec::new());
    while at < line.len() {
        let rest = &line[at..];
        let in_word = at > 0 && line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let found = rules.iter().find_map(|(name, main, after)| {
            let found =
                main.find(rest).filter(|m| !(m.is_empty() || in_word && m.as_str().starts_with(|c: char| c.is_ascii_alphanumeric())))?;
            after.as_ref().is_none_or(|after| after.is_match(&rest[found.end()..])).then(|| (name.clone(), found.as_str().to_owned()))
        });
        match found {
            Some((name, text)) => {
                at += text.len();
                out.push((name, text));
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    out
}

#[test]
fn words_get_their_scopes() {
    let scopes = scopes(
        "def f<..B, N>(x: tri(lower) f32[..B, N]) -> y: f32 { y = sum:f64[i where not x[i] > 1e-3](max(x[pad(i)], pi)) / |N|; # sum",
    );
    for (rule, text) in [
        ("definition", "def f"),
        ("row", "..B"),
        ("structure", "tri"),
        ("type", "f32"),
        ("reducer", "sum"),
        ("type", "f64"),
        ("keyword", "where"),
        ("logic", "not"),
        ("number", "1e-3"),
        ("function", "max"),
        ("mode", "pad"),
        ("constant", "pi"),
        ("size", "|N|"),
        ("comment", "# sum"),
        ("operator", "->"),
    ] {
        assert!(scopes.iter().any(|(r, t)| r == rule && t == text), "`{text}` is no {rule}: {scopes:?}");
    }
}

#[test]
fn every_program_is_covered() {
    for path in ein_tests::cases::files("language").into_iter().take(8) {
        let source = std::fs::read_to_string(&path).expect("readable");
        for line in source.lines() {
            let covered: String = scopes(line).into_iter().map(|(_, text)| text).collect();
            let blank = |text: &str| text.replace([' ', '\t'], "");
            assert_eq!(blank(&covered), blank(line), "{}", path.display());
        }
    }
}
