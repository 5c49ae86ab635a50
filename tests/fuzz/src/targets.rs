//! What is done with an input. Each function gives a number that tells apart the ways an input may go.

use crate::corpus::scratch;
use crate::memory;
use crate::mutate::{Mutator, text};
use ein::{Compiler, DType, Error, Stage};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::span::FileId;
use ein_tests::random::Random;
use ein_tests::store::random_tensor;
use ein_tests::{generate, oracle};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A number of anything.
fn number(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Codes and forms of messages, after what must hold of every one.
fn messages(diagnostics: &[Diagnostic], source: &str) -> u64 {
    assert!(!diagnostics.is_empty(), "an error without a message");
    for d in diagnostics {
        assert_ne!(d.code.0, 199, "{d}\n{:?}", d.notes);
        assert!(ein::pages::page(d.code.0).is_some(), "{d} has no page");
        // Files that the program uses have texts of their own.
        for label in d.primary.iter().chain(&d.others).filter(|label| label.span.file == FileId(0)) {
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(source.get(start..end).is_some(), "{d}: {start}..{end} is not in the text of {} bytes", source.len());
        }
    }
    // With quoted parts left out, messages of one kind are one.
    let form = |d: &Diagnostic| (d.code.0, d.message.split('`').step_by(2).collect::<String>().len(), d.help.is_some(), d.others.len());
    number(diagnostics.iter().take(3).map(form).collect::<Vec<_>>())
}

fn errors(error: &Error, source: &str) -> u64 {
    assert!(!error.render(false).is_empty());
    messages(error.diagnostics(), source)
}

/// The parser.
#[must_use]
pub fn parse(data: &[u8]) -> u64 {
    let source = String::from_utf8_lossy(data);
    match ein_syntax::parse::parse(&source, FileId(0)) {
        Ok(parsed) => number((1, shape(&ein_syntax::print::dump_without_spans(&parsed.program)))),
        Err(diagnostics) => messages(&diagnostics, &source),
    }
}

/// Which kinds of nodes a dump has.
fn shape(dump: &str) -> Vec<&str> {
    let mut kinds: Vec<&str> = dump.lines().filter_map(|line| line.split_whitespace().next()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Parser, checker and lowering of every definition; what is right prints and reads back.
#[must_use]
pub fn front(data: &[u8]) -> u64 {
    let source = String::from_utf8_lossy(data);
    let program = match Compiler::new().threads(1).compile(&source) {
        Ok(program) => program,
        Err(error) => return errors(&error, &source),
    };
    let mut seen = Vec::new();
    for def in program.defs() {
        let _ = program.checked().explain(def);
        match program.emit(Stage::Tir, def, &[]) {
            Ok(text) => {
                oracle::reads_back(Stage::Tir, &text).unwrap_or_else(|e| panic!("{e}"));
                seen.push(number(shape(&text)));
            }
            Err(error) => seen.push(errors(&error, &source)),
        }
    }
    number(seen)
}

/// The formatter: same tree, same comments (both asserted by itself, as E0199), and idempotent.
#[must_use]
pub fn format(data: &[u8]) -> u64 {
    let source = String::from_utf8_lossy(data);
    match ein_syntax::print::format(&source, FileId(0)) {
        Ok(formatted) => {
            let again = ein_syntax::print::format(&formatted, FileId(0)).expect("formatted text is right");
            assert_eq!(again, formatted, "formatting is not idempotent");
            number((1, formatted.lines().count().min(8), formatted.contains('#')))
        }
        Err(diagnostics) => messages(&diagnostics, &source),
    }
}

/// Classic strings with shapes.
#[must_use]
pub fn einsum(data: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(data);
    let (shapes, equation) = text.split_once('\n').unwrap_or(("", &text));
    let shapes: Vec<Vec<usize>> = shapes.split(' ').take(80).map(|s| s.split('x').filter_map(|n| n.parse().ok()).collect()).collect();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let dtypes = vec![DType::F32; shapes.len()];
    let lowered = ein_syntax::einsum::parse_einsum(equation)
        .and_then(|string| ein_syntax::einsum::resolve(&string, &shapes))
        .and_then(|resolved| ein_syntax::einsum::lower(&resolved, &shapes, &dtypes));
    match lowered {
        Ok(module) => number(shape(&module.to_string())),
        Err(d) => {
            assert!(d.code.0 != 199 && ein::pages::page(d.code.0).is_some(), "{d}");
            number((d.code.0, d.message.len() / 8))
        }
    }
}

/// Loads a file of these bytes. `factor` bytes of memory for each of the file are allowed.
fn load(data: &[u8], extension: &str, factor: usize) -> u64 {
    let path = scratch(&format!("input.{extension}"));
    std::fs::write(&path, data).expect("there is room");
    let name = path.display().to_string();
    let (loaded, peak) = memory::peak(|| ein_runtime::io::load(&name));
    assert!(peak <= factor * data.len() + (1 << 20), "{peak} bytes of memory for a file of {} bytes", data.len());
    match loaded {
        Ok(loaded) => {
            let elements: usize = loaded.shape().iter().product();
            assert!(
                elements * loaded.dtype().bytes() <= factor * data.len() || loaded.shape().contains(&0),
                "elements that were not there"
            );
            let tensor = loaded.view().to_tensor().expect("what was loaded can be copied");
            assert_eq!(tensor.shape(), loaded.shape());
            number((loaded.dtype(), loaded.shape().len(), loaded.is_mapped()))
        }
        Err(error) => {
            let d = error.to_diagnostic();
            assert!((800..1000).contains(&d.code.0) && ein::pages::page(d.code.0).is_some(), "{d}");
            number((d.code.0, d.message.replace(|c: char| c.is_ascii_digit(), "").len()))
        }
    }
}

/// `.npy`: at most the file and a copy.
#[must_use]
pub fn npy(data: &[u8]) -> u64 {
    load(data, "npy", 4)
}

/// `.npz`: what is deflated grows by at most 1032 times.
#[must_use]
pub fn npz(data: &[u8]) -> u64 {
    load(data, "npz", 1100)
}

/// `.safetensors`: a parsed header takes more than its text.
#[must_use]
pub fn safetensors(data: &[u8]) -> u64 {
    load(data, "safetensors", 60)
}

/// A random program, with scans or without, compiled and run in every configuration against the interpreters, and random subscripts,
/// which never leave their axes; with further bytes, a changed program, which must run or be refused.
#[must_use]
pub fn run(data: &[u8]) -> u64 {
    let seed = data.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte));
    let program = if seed % 2 == 0 { generate::program(seed / 2) } else { generate::scans(seed / 2) };
    oracle::check_subscripts(&generate::subscript::subscripts(seed)).unwrap_or_else(|e| panic!("{e}"));
    if data.len() <= 8 {
        oracle::check_program(&program).unwrap_or_else(|e| panic!("{e}"));
        return number(program.inputs.len());
    }
    let mut random = Random::new(number(data));
    let corpus = [program.source.clone().into_bytes()];
    let changed = text(&mut Mutator { random: &mut random, corpus: &corpus });
    changed_program(&String::from_utf8_lossy(&changed), &program)
}

/// Operations and bytes beyond which a changed program is not run: one more index may make it take hours.
const WORK: u64 = 1 << 24;

fn changed_program(source: &str, original: &generate::Generated) -> u64 {
    let mut random = Random::new(original.seed);
    let inputs: Vec<_> =
        original.inputs.iter().map(|(name, dtype, shape)| (name.as_str(), random_tensor(&mut random, *dtype, shape))).collect();
    let tensors: Vec<&ein::Tensor> = inputs.iter().map(|(_, tensor)| tensor).collect();
    if planned_work(source, &tensors).is_none_or(|work| work > WORK) {
        return front(source.as_bytes());
    }
    let mut outcomes = Vec::new();
    for level in [0, 1] {
        let result = Compiler::new().opt_level(level).threads(1).memory_limit(1 << 26).compile(source).and_then(|program| {
            let function = program.main_def()?;
            let binder = inputs.iter().try_fold(function.bind(), |binder, (name, tensor)| binder.input(name, &tensor.into()))?;
            let bound = binder.build()?;
            let views: Vec<_> = inputs.iter().map(|(_, tensor)| tensor.into()).collect();
            let outputs = bound.call(&views)?;
            Ok(number(outputs.into_tensors().len()))
        });
        outcomes.push(result.unwrap_or_else(|error| errors(&error, source)));
    }
    number(outcomes)
}

/// How long a program takes, roughly; `None` if it is refused.
fn planned_work(source: &str, inputs: &[&ein::Tensor]) -> Option<u64> {
    let module = oracle::module(source, None).ok()?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|tensor| tensor.shape()).collect();
    // Another number of parameters is for the binder to refuse.
    let module = if module.params.len() == shapes.len() { oracle::specialise(&module, &shapes, &[]).ok()? } else { return None };
    let options = ein_opt::Options { strided_inputs: vec![false; shapes.len()], ..ein_opt::Options::default() };
    ein_opt::plan(&module, &options).ok().map(|plan| work(&plan.to_string()))
}

/// The sizes of the loops of a plan, roughly.
fn work(plan: &str) -> u64 {
    let after = |line: &str, word: &str| -> u64 {
        line.split(word).nth(1).and_then(|rest| rest.trim_start().split(' ').next()).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    plan.lines()
        .map(|line| after(line, " flops ").saturating_add(after(line, " bytes ")).saturating_add(iterations(line)))
        .fold(0, u64::saturating_add)
}

/// The product of the ranges `a..b` of a step.
fn iterations(line: &str) -> u64 {
    let ranges = line.split("..").collect::<Vec<_>>();
    let ends = ranges.iter().skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok());
    if line.contains(" over (") { ends.fold(1, u64::saturating_mul) } else { 0 }
}
