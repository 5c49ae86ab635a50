//! A program through every stage, compared with the interpreters.
//!
//! Integers and bools must be those of the declared semantics; floats must lie within the error that the wide interpreter allows an
//! implementation. Results must not depend, bit for bit, on the number of threads, and text of stages not on the compilation.

use crate::compare::same_bits;
use crate::generate::Generated;
use crate::random::Random;
use crate::spec::Spec;
use crate::store::{Layout, Stored, random_tensor, to_data};
use ein::{Compiler, DType, Diagnostic, Error, Function, Stage, Tensor, TensorRef};
use ein_ir::interp::kernel::ArgBuffer;
use ein_ir::interp::{self, Data, RunFault};
use ein_ir::tensor::{self, Module, specialise::infer_sizes};
use ein_ir::verified::Verified;

/// How many times the error that the wide interpreter derives a result may be off.
const SLACK: f64 = 2.0;

/// Source text to tensor IR; `def` is the last if not named.
///
/// # Errors
/// What the front end refuses.
pub fn module(source: &str, def: Option<&str>) -> Result<Verified<Module>, Vec<Diagnostic>> {
    let checked = checked(source)?;
    let last = checked.defs().last().map(|s| (*s).to_owned()).unwrap_or_default();
    checked.lower(def.unwrap_or(&last))
}

/// As [`module()`], for inputs of these shapes: they decide what row variables stand for.
///
/// # Errors
/// What the front end refuses.
pub fn module_for(source: &str, def: Option<&str>, shapes: &[&[usize]]) -> Result<Verified<Module>, Vec<Diagnostic>> {
    lower_for(&checked(source)?, def, shapes)
}

/// The tensor IR of a definition of a program, for inputs of these shapes.
///
/// # Errors
/// What the front end refuses.
pub fn lower_for(
    program: &ein_syntax::CheckedProgram,
    def: Option<&str>,
    shapes: &[&[usize]],
) -> Result<Verified<Module>, Vec<Diagnostic>> {
    let last = program.defs().last().map(|s| (*s).to_owned()).unwrap_or_default();
    let def = def.unwrap_or(&last);
    let ranks: Vec<Option<usize>> = shapes.iter().map(|s| Some(s.len())).collect();
    program.lower_for(def, &program.ranks(def, &ranks, &[])?)
}

/// Source text to a program.
///
/// # Errors
/// What the front end refuses.
pub fn checked(source: &str) -> Result<ein_syntax::CheckedProgram, Vec<Diagnostic>> {
    let (_, sources) = ein_syntax::sources::load(ein_syntax::sources::Text::new("<program>", source), &mut ein_syntax::sources::NoFiles);
    ein_syntax::check_sources(sources?)
}

/// Tensor IR with the sizes of inputs and of `int` generics.
///
/// # Errors
/// Sizes that are missing or do not fit.
pub fn specialise(module: &Verified<Module>, shapes: &[&[usize]], sizes: &[(String, i64)]) -> Result<Verified<Module>, Vec<Diagnostic>> {
    let shapes: Vec<Option<&[usize]>> = shapes.iter().copied().map(Some).collect();
    tensor::specialise(module, &infer_sizes(module, &shapes, sizes)?)
}

/// The results of the declared semantics.
///
/// # Errors
/// The first fault of the data.
pub fn interpret(module: &Verified<Module>, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunFault> {
    let data: Vec<Data> = inputs.iter().map(to_data).collect();
    Ok(interp::tensor::run(module, &data)?.iter().map(to_tensor).collect())
}

/// A tensor of the interpreter as one of the runtime.
#[must_use]
pub fn to_tensor(data: &Data) -> Tensor {
    let bytes = ein_runtime::AlignedBuf::copy_of(&data.to_bytes()).expect("a small tensor");
    Tensor::from_bytes(data.dtype, &data.shape, bytes).expect("the bytes fit the shape")
}

/// How results are judged.
pub struct Judge {
    declared: Result<Vec<Tensor>, RunFault>,
    wide: Option<Vec<interp::wide::WideData>>,
}

impl Judge {
    /// What the interpreters make of a module.
    #[must_use]
    pub fn new(module: &Verified<Module>, inputs: &[Tensor]) -> Self {
        let data: Vec<Data> = inputs.iter().map(to_data).collect();
        Self { declared: interpret(module, inputs), wide: interp::wide::run_wide(module, &data).ok() }
    }

    /// Whether compiled code did what the interpreters do.
    ///
    /// # Errors
    /// The first result that is not close enough.
    pub fn judge(&self, got: &Result<Vec<Tensor>, Error>) -> Result<(), String> {
        match (&self.declared, got) {
            (Err(fault), Err(error)) if error.diagnostics().iter().any(|d| d.code.0 == fault.code) => Ok(()),
            (Err(fault), Err(error)) => Err(format!("the interpreter fails with {fault:?}, the code with {error}")),
            (Err(fault), Ok(_)) => Err(format!("the interpreter fails with {fault:?}, the code does not")),
            (Ok(_), Err(error)) => Err(format!("the code fails: {}", error.render(false))),
            (Ok(declared), Ok(got)) => {
                if declared.len() != got.len() {
                    return Err(format!("{} results instead of {}", got.len(), declared.len()));
                }
                let mut results = declared.iter().zip(got).enumerate();
                results.try_for_each(|(n, (d, g))| self.result(n, d, g).map_err(|e| format!("result {n}: {e}")))
            }
        }
    }

    fn result(&self, n: usize, declared: &Tensor, got: &Tensor) -> Result<(), String> {
        if declared.dtype().is_float() || declared.dtype().is_complex() {
            let wide = self.wide.as_ref().ok_or("the wide interpreter fails")?;
            return interp::wide::compare(&to_data(got), &wide[n], SLACK).map(|_| ()).map_err(|e| e.to_string());
        }
        crate::compare::same(got, declared)
    }
}

/// Runs a generated program in every configuration.
///
/// # Errors
/// What went wrong, with the program.
pub fn check_program(program: &Generated) -> Result<(), String> {
    try_program(program)
        .map_err(|e| format!("{e}\n\nseed {}, inputs {:?}, sizes {:?}\n{}", program.seed, program.inputs, program.sizes, program.source))
}

fn try_program(program: &Generated) -> Result<(), String> {
    let mut random = Random::new(program.seed ^ 0xda7a);
    let inputs: Vec<Tensor> = program.inputs.iter().map(|(_, dtype, shape)| random_tensor(&mut random, *dtype, shape)).collect();
    let render = |d: Vec<Diagnostic>| Error::new(d, Some(ein::error::Source::new("<generated>", &program.source))).render(false);
    let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
    let checked = checked(&program.source).map_err(|d| format!("refused:\n{}", render(d)))?;
    let generic = lower_for(&checked, None, &shapes).map_err(|d| format!("refused:\n{}", render(d)))?;
    let specialised = specialise(&generic, &shapes, &program.sizes).map_err(|d| format!("not specialised:\n{}", render(d)))?;
    let judge = Judge::new(&specialised, &inputs);
    let function = |compiler: Compiler| -> Result<Function, String> {
        let compiled = compiler.compile(&program.source).map_err(|e| e.render(false))?;
        compiled.main_def().map_err(|e| e.render(false))
    };
    let layouts: Vec<Layout> = inputs.iter().map(|_| random.pick(&Layout::ALL)).collect();
    let optimised = [function(Compiler::new().threads(1))?, function(Compiler::new().threads(2))?];
    configurations(&judge, &inputs, &layouts, &program.sizes, &specialised, &optimised, function)?;
    let rows = rows(&checked, &shapes);
    same_text(&optimised, &generic, &shapes, program, &rows)
}

/// Whether every subscript of a program stays inside of its axis, on sizes that its entry checks allow. How many such sizes there were.
///
/// # Errors
/// What the interpreter found, with the program.
pub fn check_subscripts(program: &crate::generate::subscript::Subscripts) -> Result<usize, String> {
    let Ok(generic) = module(&program.source, None) else { return Ok(0) };
    let mut random = Random::new(program.source.len() as u64);
    let mut checked = 0;
    for sizes in &program.sizes {
        let named: Vec<(String, i64)> = ["N", "M", "R"].iter().zip(sizes).map(|(name, n)| ((*name).to_owned(), *n as i64)).collect();
        let Ok(known) = infer_sizes(&generic, &vec![None; generic.params.len()], &named) else { continue };
        let Ok(specialised) = tensor::specialise::specialise(&generic, &known) else { continue };
        let axis = specialised.tensors[specialised.params[0]].literal_axes().and_then(|axes| usize::try_from(axes[0]).ok());
        let shapes = crate::generate::subscript::inputs(*sizes, axis.unwrap_or(0));
        let mut inputs: Vec<Tensor> = shapes.iter().map(|(dtype, shape)| random_tensor(&mut random, *dtype, shape)).collect();
        if let Some(position) = inputs.last_mut() {
            *position = Tensor::from_vec(&[1], vec![random.below(sizes[1]) as i64]).map_err(|e| e.to_string())?;
        }
        match interpret(&specialised, &inputs) {
            Err(fault) if fault.code == 199 => return Err(format!("{fault:?} for {named:?}\n{}", program.source)),
            _ => checked += 1,
        }
    }
    Ok(checked)
}

/// Optimisation levels, threads and layouts; the first result is the one that the threads must repeat. `optimised` are the functions on one
/// thread and on two.
fn configurations(
    judge: &Judge,
    inputs: &[Tensor],
    layouts: &[Layout],
    sizes: &[(String, i64)],
    module: &Verified<Module>,
    optimised: &[Function; 2],
    function: impl Fn(Compiler) -> Result<Function, String>,
) -> Result<(), String> {
    let plain: Vec<Stored> = inputs.iter().map(|t| Stored::new(t, Layout::RowMajor)).collect();
    let strided: Vec<Stored> = inputs.iter().zip(layouts).map(|(t, l)| Stored::new(t, *l)).collect();
    let one = call(&optimised[0], &plain, sizes);
    judge.judge(&one).map_err(|e| format!("-O1: {e}"))?;
    if let Ok(one) = &one {
        kernels_agree(module, inputs, one)?;
    }
    judge.judge(&call(&function(Compiler::new().opt_level(0).threads(1))?, &plain, sizes)).map_err(|e| format!("-O0: {e}"))?;
    judge.judge(&call(&optimised[0], &strided, sizes)).map_err(|e| format!("layouts {layouts:?}: {e}"))?;
    if let Some(limit) = tight_limit(module, inputs.len()) {
        let bounded = call(&function(Compiler::new().threads(1).memory_limit(limit))?, &plain, sizes);
        // Other errors are those of the program.
        if !bounded.as_ref().is_err_and(|e| e.diagnostics().iter().any(|d| d.code.0 == 801)) {
            judge.judge(&bounded).map_err(|e| format!("within {limit} bytes: {e}"))?;
        }
    }
    match (one, call(&optimised[1], &plain, sizes)) {
        (Ok(one), Ok(two)) => one.iter().zip(&two).try_for_each(|(a, b)| same_bits(b, a)).map_err(|e| format!("2 threads: {e}")),
        (one, two) if one.is_err() == two.is_err() => Ok(()),
        _ => Err("one thread and two threads do not both fail".to_owned()),
    }
}

/// A memory limit that leaves hardly anything for intermediates, if the best plan has any.
fn tight_limit(module: &Verified<Module>, n_inputs: usize) -> Option<u64> {
    let options = ein_opt::Options { strided_inputs: vec![false; n_inputs], ..ein_opt::Options::default() };
    let plan = ein_opt::plan(module, &options).ok()?;
    let results = plan.peak().base - plan.arena_bytes;
    (plan.arena_bytes > 0).then_some(results + plan.arena_bytes / 8)
}

/// The interpreter of kernel IR and the machine code made from it do the same operations: their bits agree (NaN is NaN).
fn kernels_agree(module: &Verified<Module>, inputs: &[Tensor], got: &[Tensor]) -> Result<(), String> {
    let options = ein_opt::Options { strided_inputs: vec![false; inputs.len()], ..ein_opt::Options::default() };
    let plan = ein_opt::plan(module, &options).map_err(|d| format!("not planned: {d:?}"))?;
    let kernels = ein_lower::lower(&plan).map_err(|d| format!("not lowered: {d:?}"))?;
    // Libraries add up in an order of their own.
    let text = ein_ir::kernel::print::print(&kernels);
    let is_own = |line: &str| line.contains("library v") && !line.contains("= sort") && !line.contains("= top_k");
    if text.contains("gemm") || text.lines().any(is_own) {
        return Ok(());
    }
    let bytes = inputs.iter().map(|t| t.as_bytes().to_vec()).chain(got.iter().map(|t| vec![0; t.as_bytes().len()]));
    let mut args: Vec<ArgBuffer> = bytes.map(ArgBuffer::contiguous).collect();
    interp::kernel::run(&kernels, &mut args).map_err(|e| format!("kernel interpreter: {e}"))?;
    for (n, (tensor, arg)) in got.iter().zip(&args[inputs.len()..]).enumerate() {
        let expected = Data::from_bytes(tensor.dtype(), tensor.shape().to_vec(), &arg.bytes).ok_or("another number of bytes")?;
        let found = to_data(tensor);
        if let Some(at) = (0..found.values.len()).find(|at| found.values[*at] != expected.values[*at]) {
            let (machine, meaning) = (found.values[at], expected.values[at]);
            return Err(format!("result {n} at {at}: the machine code gives {machine:?}, the kernel interpreter {meaning:?}"));
        }
    }
    Ok(())
}

fn call(function: &Function, inputs: &[Stored], sizes: &[(String, i64)]) -> Result<Vec<Tensor>, Error> {
    let views: Vec<TensorRef<'_>> = inputs.iter().map(Stored::view).collect();
    let binder = sizes.iter().fold(function.bind(), |binder, (name, n)| binder.size(name, *n));
    Ok(binder.like(&views).build()?.call(&views)?.into_tensors())
}

/// The text of the stages is the same in two compilations, and is read back as what it was printed from.
fn same_text(
    [a, b]: &[Function; 2],
    generic: &Module,
    shapes: &[&[usize]],
    program: &Generated,
    rows: &[(String, i64)],
) -> Result<(), String> {
    let shapes: Vec<Option<&[usize]>> = shapes.iter().copied().map(Some).collect();
    let mut known = infer_sizes_by_name(generic, &shapes, &program.sizes);
    known.extend_from_slice(rows);
    let sizes: Vec<(&str, i64)> = known.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    for stage in [Stage::Tir, Stage::Plan, Stage::Kernels] {
        let text = |f: &Function| f.emit(stage, &sizes).map_err(|e| format!("emit {stage}: {}", e.render(false)));
        let (one, two) = (text(a)?, text(b)?);
        if one != two {
            return Err(format!("two texts of stage {stage}:\n{one}\n{two}"));
        }
        reads_back(stage, &one)?;
    }
    Ok(())
}

/// What the row variables of the last definition stand for, as sizes `..B`.
fn rows(checked: &ein_syntax::CheckedProgram, shapes: &[&[usize]]) -> Vec<(String, i64)> {
    let last = checked.defs().last().map(|s| (*s).to_owned()).unwrap_or_default();
    let ranks: Vec<Option<usize>> = shapes.iter().map(|s| Some(s.len())).collect();
    let lengths = checked.ranks(&last, &ranks, &[]).unwrap_or_default();
    checked.rows(&last).iter().zip(lengths).map(|(row, n)| (format!("..{row}"), n as i64)).collect()
}

fn infer_sizes_by_name(module: &Module, shapes: &[Option<&[usize]>], given: &[(String, i64)]) -> Vec<(String, i64)> {
    let mut known = given.to_vec();
    for (tensor, shape) in module.params.iter().zip(shapes) {
        for (axis, n) in module.tensors[*tensor].axes.iter().zip(shape.iter().copied().flatten()) {
            if let Some((_, decl)) = module.dims.iter().find(|(d, _)| *axis == ein_ir::extent::Extent::atom(ein_ir::extent::Atom::Dim(*d)))
                && !known.iter().any(|(name, _)| *name == decl.name)
            {
                known.push((decl.name.clone(), *n as i64));
            }
        }
    }
    known
}

/// The text of a stage, parsed and printed again, is the same, and passes the verifier.
///
/// # Errors
/// Where the two differ.
pub fn reads_back(stage: Stage, text: &str) -> Result<(), String> {
    let printed = match stage {
        Stage::Tir => {
            let parsed = tensor::parse::parse(text).map_err(|e| format!("{stage} is not read back: {e}\n{text}"))?;
            tensor::verify::verify(parsed).map_err(|e| format!("{stage}: {e:?}\n{text}"))?.to_string()
        }
        Stage::Plan => {
            let parsed = ein_ir::plan::parse::parse(text).map_err(|e| format!("{stage} is not read back: {e}\n{text}"))?;
            ein_ir::plan::verify::verify(parsed).map_err(|e| format!("{stage}: {e:?}\n{text}"))?.to_string()
        }
        Stage::Kernels => {
            let parsed = ein_ir::kernel::parse::parse(text).map_err(|e| format!("{stage} is not read back: {e}\n{text}"))?;
            ein_ir::kernel::print::print(&*ein_ir::kernel::verify::verify(parsed).map_err(|e| format!("{stage}: {e:?}\n{text}"))?)
        }
        Stage::Tfhe => {
            let parsed = ein_ir::circuit::parse::parse(text).map_err(|e| format!("{stage} is not read back: {e}\n{text}"))?;
            ein_ir::circuit::print::print(&*ein_ir::circuit::verify::verify(parsed).map_err(|e| format!("{stage}: {e:?}\n{text}"))?)
        }
        _ => return Ok(()),
    };
    if printed == text {
        return Ok(());
    }
    let line = printed.lines().zip(text.lines()).find(|(a, b)| a != b);
    Err(format!("{stage} printed again differs: {line:?}\n{text}"))
}

/// Runs a classic einsum in every configuration.
///
/// # Errors
/// What went wrong, with the string.
pub fn check_spec(spec: &Spec) -> Result<(), String> {
    try_spec(spec).map_err(|e| format!("{e}\n\nseed {}: {:?} {:?}", spec.seed, spec.equation, spec.operands))
}

fn try_spec(spec: &Spec) -> Result<(), String> {
    let mut random = Random::new(spec.seed ^ 0xda7a);
    let shapes: Vec<&[usize]> = spec.operands.iter().map(|(_, s)| s.as_slice()).collect();
    let dtypes: Vec<DType> = spec.operands.iter().map(|(d, _)| *d).collect();
    let lowered = ein_syntax::einsum::parse_einsum(&spec.equation)
        .and_then(|string| ein_syntax::einsum::resolve(&string, &shapes))
        .and_then(|resolved| ein_syntax::einsum::lower(&resolved, &shapes, &dtypes));
    let inputs: Vec<Tensor> = spec.operands.iter().map(|(dtype, shape)| random_tensor(&mut random, *dtype, shape)).collect();
    let layouts: Vec<Layout> = inputs.iter().map(|_| random.pick(&Layout::ALL)).collect();
    let function = |compiler: Compiler| ein::Einsum::with_compiler(&spec.equation, compiler).and_then(|e| e.function(&shapes, &dtypes));
    let generic = match lowered {
        Ok(generic) => generic,
        // Sizes that do not fit are refused by both paths alike.
        Err(d) if (150..170).contains(&d.code.0) && function(Compiler::new()).is_err() => return Ok(()),
        Err(d) => return Err(format!("refused: {d}")),
    };
    let specialised = specialise(&generic, &shapes, &[]).map_err(|d| format!("not specialised: {d:?}"))?;
    let judge = Judge::new(&specialised, &inputs);
    let function = |compiler: Compiler| function(compiler).map_err(|e| e.render(false));
    let optimised = [function(Compiler::new().threads(1))?, function(Compiler::new().threads(2))?];
    configurations(&judge, &inputs, &layouts, &[], &specialised, &optimised, function)
}
