//! Every function of the library and every function of one number, of a secret whose range is known: it is planned, or the reason why not
//! and what to do about it are in the snapshot, to be read.

use ein::Compiler;
use ein::packed::PackOptions;
use ein_ir::scalar::function::UnaryFn;
use ein_syntax::sources::{MODULES, Module};
use std::fmt::Write;

/// Sizes and integer generics that are not 2.
const SIZES: [(&str, i64); 16] = [
    ("stride", 1),
    ("padding", 0),
    ("dilation", 1),
    ("groups", 1),
    ("extra", 0),
    ("n", 2),
    ("K", 1),
    ("P", 1),
    ("Q", 1),
    ("bit", 1),
    ("control", 2),
    ("target", 1),
    ("one", 1),
    ("other", 1),
    ("D", 4),
    ("steps", 1),
];

/// A function of a module, as a program of its own in which its first real parameter is secret, or its first one.
struct Def {
    name: String,
    source: String,
    sizes: Vec<(String, i64)>,
}

/// The text between the bracket that text begins with and the one that closes it, and what follows.
fn bracketed(text: &str) -> (&str, &str) {
    let mut depth = 0;
    for (n, c) in text.char_indices() {
        match c {
            '(' | '<' | '[' | '{' => depth += 1,
            ')' | '>' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[1..n], &text[n + 1..]);
        }
    }
    panic!("{text} is not closed")
}

/// Parts between commas that are in no brackets.
fn parts(text: &str) -> Vec<String> {
    let mut depth = 0;
    let split = text.split(|c: char| {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    split.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn is_real(param: &str) -> bool {
    param.contains(": f32") || param.contains(": f64")
}

impl Def {
    /// The definitions of a module.
    fn all(module: &Module) -> Vec<Self> {
        let texts = module.text.split("\ndef ").skip(1);
        let names: Vec<&str> = texts.clone().map(|text| text.split(['<', '(']).next().expect("a name")).collect();
        names.iter().zip(texts).map(|(name, text)| Self::of(module, name, text, &names)).collect()
    }

    fn of(module: &Module, name: &str, text: &str, names: &[&str]) -> Self {
        let (body, _) = text.split_once("\n}").expect("a def");
        let (generics, rest) = if body[name.len()..].starts_with('<') { bracketed(&body[name.len()..]) } else { ("", &body[name.len()..]) };
        let (params, rest) = bracketed(rest);
        let (results, rest) = rest.split_at(rest.find([';', '{']).map_or(rest.len(), |_| rest.find(" {\n").expect("a body")));
        let params = parts(params);
        let secret = params.iter().position(|param| is_real(param)).or(Some(0));
        let qualified = params.iter().enumerate().map(|(n, param)| {
            let range = if is_real(param) { " in 0.5..1.0" } else { "" };
            let qualifier = if secret == Some(n) { ": secret " } else { ": public " };
            format!("{}{range}", param.replacen(": ", qualifier, 1))
        });
        let params: Vec<String> = qualified.collect();
        let (results, conditions) = results
            .split_once(" where ")
            .map_or((results.to_owned(), String::new()), |(results, conditions)| (results.to_owned(), format!(" where {conditions}")));
        let results = results.replace("\n    where", "").replace(": ", ": secret ");
        let used: Vec<&str> = names.iter().copied().filter(|other| *other != name && rest.contains(&format!("{other}("))).collect();
        let uses = if used.is_empty() { String::new() } else { format!("use std.{}.{{{}}};\n", module.name, used.join(", ")) };
        let angle = if generics.is_empty() { String::new() } else { format!("<{generics}>") };
        let source = format!("{uses}def {name}{angle}({}){results}{conditions}{rest}\n}}\n", params.join(", "));
        Self { name: name.to_owned(), source, sizes: parts(generics).iter().flat_map(|generic| size(generic)).collect() }
    }
}

fn size(generic: &str) -> Vec<(String, i64)> {
    let name = generic.split(':').next().expect("a name").trim();
    if let Some(row) = generic.strip_prefix("..") {
        return vec![(format!("..{row}"), 1), (format!("{row}.1"), 2)];
    }
    vec![(name.to_owned(), SIZES.iter().find(|(other, _)| *other == name).map_or(2, |(_, n)| *n))]
}

/// What is made of a program: nothing to say, or the message and the help.
fn outcome(source: &str, name: &str, sizes: &[(String, i64)]) -> String {
    let found = Compiler::new().threads(1).compile(source).and_then(|program| program.def(name)).and_then(|def| {
        let known = sizes.iter().map(|(name, n)| (name.as_str(), *n)).collect::<Vec<_>>();
        def.packed(&known, &PackOptions { slots: 256, ..PackOptions::default() })
    });
    let error = match found {
        Ok(_) => return "planned".to_owned(),
        Err(error) => error,
    };
    let first = error.diagnostics().first().expect("a reason").clone();
    let help = first.help.as_deref().unwrap_or("no help");
    format!("{} {}\n    help: {help}", first.code, first.message)
}

/// Of every function of the library.
pub(crate) fn of_the_library() -> String {
    let mut out = String::new();
    for module in &MODULES {
        for def in Def::all(module) {
            let outcome = outcome(&def.source, &def.name, &def.sizes);
            writeln!(out, "{}.{}: {outcome}", module.name, def.name).expect("a string takes all");
        }
    }
    out
}

/// Of every function of one number, of two ranges.
pub(crate) fn of_one_number() -> String {
    let mut out = String::new();
    let named = UnaryFn::ALL.into_iter().filter(|function| {
        use UnaryFn::{BitNot, Cis, Conj, Imag, Neg, Not, Popcount, Real};
        !matches!(function, Neg | Not | Conj | Real | Imag | Cis | BitNot | Popcount)
    });
    let mut calls: Vec<String> = named
        .map(|function| match function {
            UnaryFn::IsNan | UnaryFn::IsFinite => format!("{}(x[i]) as f64", function.name()),
            _ => format!("{}(x[i])", function.name()),
        })
        .collect();
    let more =
        ["max(x[i], 0.3)", "min(x[i], p[i])", "x[i]^3", "x[i]^(-2)", "x[i]^1.5", "x[i]^p[i]", "1.0 / x[i]", "x[i] // 1.0", "x[i] % 1.0"];
    calls.extend(more.map(str::to_owned));
    calls.extend(["sqrt(abs(x[i]))", "atan2(x[i], p[i])", "log(abs(x[i]))", "exp(-x[i]^2)", "(x[i] < 0.7) as f64"].map(str::to_owned));
    for call in calls {
        for range in ["-1.0..1.0", "0.5..2.0"] {
            let param = if call.contains("p[") { ", p: f64[4] in 0.5..1.0" } else { "" };
            let source = format!("def f(x: secret f64[4] in {range}{param}) -> y: secret f64[4] {{ y[i] = {call}; }}\n");
            writeln!(out, "{call} of {range}: {}", outcome(&source, "f", &[])).expect("a string takes all");
        }
    }
    out
}
