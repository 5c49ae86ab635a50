//! `ein fmt`: what it does to random programs with comments at random places.

use ein::format::format;
use ein_syntax::print::dump_without_spans;
use ein_tests::generate;
use ein_tests::random::Random;

fn tree(source: &str) -> String {
    dump_without_spans(&ein::pipeline::parse(source).unwrap_or_else(|d| panic!("{d:?}\n{source}")))
}

fn comments(source: &str) -> Vec<&str> {
    source.lines().filter_map(|line| line.find('#').map(|at| line[at..].trim_end())).collect()
}

/// The text with comments and line ends put in where a token ends.
fn with_comments(source: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut n = 0;
    for c in source.chars() {
        let place = matches!(c, ' ' | '\n' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';');
        if place && random.one_in(25) {
            n += 1;
            out.push_str(random.pick(&["\n\n", "\n", " ", "\r\n \n", ""]));
            out.push_str(&format!("# {n} é (a, [b"));
            out.push_str(random.pick(&["\n", "\n\n", "  \r\n", "\n\n\n"]));
        }
        out.push(c);
    }
    out
}

/// Removes spaces, so that lines are joined or too long in places of their own.
fn squeezed(source: &str) -> String {
    source.replace(";\n", ";").replace(", ", ",").replace(" = ", "=")
}

#[test]
fn random_programs_with_comments() {
    for seed in 0..300 {
        let mut random = Random::new(seed ^ 0xf0);
        let program = generate::program(seed).source;
        let plain = if random.one_in(2) { squeezed(&program) } else { program };
        let source = with_comments(&plain, &mut random);
        let formatted = format("", &source).unwrap_or_else(|e| panic!("seed {seed}: {}\n{source}", e.render(false)));
        assert_eq!(tree(&formatted), tree(&source), "seed {seed}");
        assert_eq!(comments(&formatted), comments(&source), "seed {seed}\n{source}\n{formatted}");
        let again = format("", &formatted).expect("formatted");
        assert_eq!(again, formatted, "seed {seed}: not idempotent\n{source}");
    }
}

#[test]
fn lines_are_not_longer_than_they_must_be() {
    for seed in 0..200 {
        let formatted = format("", &generate::program(seed).source).expect("a right program");
        for line in formatted.lines() {
            assert!(line.chars().count() <= 110 && line.trim_end() == line, "seed {seed}: {line}");
        }
    }
}

/// Programs that the grammar refuses (cases of errors) have no form.
#[test]
fn the_programs_of_the_repository_are_formatted() {
    let paths = ein::format::programs(&[ein_tests::repository()]).unwrap();
    assert!(paths.len() > 100, "{}", paths.len());
    let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let is_off = |path: &std::path::PathBuf| format("a program", &text(path)).is_ok_and(|formatted| formatted != text(path));
    let off: Vec<_> = paths.into_iter().filter(is_off).collect();
    assert!(off.is_empty(), "`ein fmt` changes {off:?}");
}
