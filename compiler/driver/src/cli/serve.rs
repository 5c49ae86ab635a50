//! `ein serve`: benchmark cases over JSON lines on standard input and output.
//!
//! Requests are `load`, `run`, `save` and `quit`; every reply is one line. An error is `{"ok":false,"error":"…"}` and the
//! process stays alive.

use crate::cli::timing::cpu_seconds;
use crate::cli::{CodeOptions, Failure, MAX_THREADS};
use clap::Args;
use ein::{Bound, Compiler, DType, Error, Tensor, TensorMut, TensorRef};
use ein_runtime::io::{self, Loaded};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Answer benchmark requests: JSON lines on standard input and output
#[derive(Args)]
#[command(after_help = "Example:
  echo '{\"cmd\":\"load\",\"dir\":\"case\"}' | ein serve")]
pub(crate) struct Serve {
    /// Write every run into the same result array
    #[arg(long)]
    reuse_out: bool,
    /// Folder of the programs that cases name [default: those that ein was built with]
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    #[command(flatten)]
    code: CodeOptions,
}

/// Longest request, in bytes.
const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The next line; `None` at the end.
fn next_line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let read = input.take(MAX_REQUEST_BYTES as u64 + 1).read_until(b'\n', &mut line);
    let unreadable = |e: std::io::Error| ein_runtime::Error::FileUnreadable { path: "<stdin>".into(), reason: io::describe(&e) };
    match read.map_err(unreadable)? {
        0 => Ok(None),
        // What follows is no request either.
        n if n > MAX_REQUEST_BYTES => {
            let message = format!("a request has more than {MAX_REQUEST_BYTES} bytes, which is the limit");
            Err(Error::from(ein::Diagnostic::error(108, "limit", message)).into())
        }
        _ => Ok(Some(line)),
    }
}

/// A request.
#[derive(Deserialize)]
#[serde(tag = "cmd", rename_all = "lowercase")]
enum Request {
    Load { dir: PathBuf },
    Run { repeat: u32 },
    Save { path: PathBuf },
    Quit,
}

/// `case.json`.
#[derive(Deserialize)]
struct Case {
    kind: String,
    dtype: String,
    #[serde(default)]
    eq: String,
    #[serde(default)]
    program: String,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default, rename = "const")]
    constants: Vec<usize>,
    #[serde(default)]
    threads: Option<usize>,
}

/// A loaded case.
struct Session {
    bound: Arc<Bound>,
    loaded: Vec<Loaded>,
    constants: Vec<usize>,
    last: Option<Tensor>,
}

/// The programs of the benchmark, as built in.
const PROGRAMS: [(&str, &str); 11] = [
    ("attention", include_str!("../../../../benches/programs/attention.ein")),
    ("bool_mm", include_str!("../../../../benches/programs/bool_mm.ein")),
    ("conv2d", include_str!("../../../../benches/programs/conv2d.ein")),
    ("fma_chain", include_str!("../../../../benches/programs/fma_chain.ein")),
    ("jacobi5", include_str!("../../../../benches/programs/jacobi5.ein")),
    ("logsumexp_mm", include_str!("../../../../benches/programs/logsumexp_mm.ein")),
    ("maxplus_mm", include_str!("../../../../benches/programs/maxplus_mm.ein")),
    ("mlp_relu", include_str!("../../../../benches/programs/mlp_relu.ein")),
    ("rbf_matvec", include_str!("../../../../benches/programs/rbf_matvec.ein")),
    ("softmax_rows", include_str!("../../../../benches/programs/softmax_rows.ein")),
    ("sqdist", include_str!("../../../../benches/programs/sqdist.ein")),
];

impl Serve {
    pub(crate) fn execute(self) -> Result<(), Failure> {
        let mut session = None;
        let mut input = std::io::stdin().lock();
        while let Some(line) = next_line(&mut input)? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let reply = match serde_json::from_slice(&line) {
                Ok(Request::Quit) => return Ok(()),
                Ok(request) => self.answer(request, &mut session),
                Err(error) => Err(Failure::Usage(format!("not a request: {error}"))),
            };
            let reply = reply.unwrap_or_else(|failure| json!({ "ok": false, "error": one_line(failure) }));
            let mut out = std::io::stdout().lock();
            writeln!(out, "{reply}")?;
            out.flush()?;
        }
        Ok(())
    }

    fn answer(&self, request: Request, session: &mut Option<Session>) -> Result<Value, Failure> {
        match request {
            Request::Load { dir } => {
                *session = None;
                let (loaded, compile) = self.load(&dir)?;
                *session = Some(loaded);
                let variant = if self.reuse_out { "out" } else { "fresh" };
                Ok(json!({ "ok": true, "compile_s": compile, "plan_s": 0.0, "variant": variant }))
            }
            Request::Run { repeat } => {
                let session = session.as_mut().ok_or_else(nothing_loaded)?;
                let (wall, cpu) = session.run(repeat, self.reuse_out)?;
                Ok(json!({ "ok": true, "wall_s": wall, "cpu_s": cpu }))
            }
            Request::Save { path } => {
                let last = session.as_ref().and_then(|s| s.last.as_ref()).ok_or_else(nothing_loaded)?;
                io::save_npy(&path, &last.into())?;
                Ok(json!({ "ok": true }))
            }
            Request::Quit => Ok(json!({ "ok": true })),
        }
    }

    /// Loads and compiles a case; also gives the seconds that compilation took.
    fn load(&self, dir: &Path) -> Result<(Session, f64), Failure> {
        let path = dir.join("case.json");
        let text = ein::format::read(&path)?;
        let malformed = |e: serde_json::Error| ein_runtime::Error::FileUnreadable { path: path.clone(), reason: e.to_string() };
        let case: Case = serde_json::from_str(&text).map_err(malformed)?;
        let mut loaded = Vec::with_capacity(case.inputs.len());
        for file in &case.inputs {
            loaded.push(io::load(&dir.join(file).to_string_lossy())?);
        }
        let mut compiler = self.code.compiler()?;
        match case.threads {
            Some(threads) if threads > MAX_THREADS => {
                return Err(Failure::Usage(format!("a case of {threads} threads, and the limit is {MAX_THREADS}")));
            }
            Some(threads) => compiler = compiler.threads(threads),
            None => {}
        }
        let begin = Instant::now();
        let views: Vec<TensorRef<'_>> = loaded.iter().map(Loaded::view).collect();
        let bound = match case.kind.as_str() {
            "einsum" => compile_einsum(&case, &compiler, &views)?,
            "program" => self.compile_program(&case, &compiler, &views)?,
            other => return Err(Failure::Usage(format!("unknown kind of case `{other}`"))),
        };
        let seconds = begin.elapsed().as_secs_f64();
        let constants = case.constants;
        Ok((Session { bound: Arc::new(bound), loaded, constants, last: None }, seconds))
    }

    fn compile_program(&self, case: &Case, compiler: &Compiler, views: &[TensorRef<'_>]) -> Result<Bound, Failure> {
        let source = self.source(&case.program)?;
        // The programs are written in f32; a case states the dtype that it wants.
        let program = compiler.compile(&source.replace("f32", &case.dtype))?;
        let function = program.main_def()?;
        let mut binder = function.bind();
        for (name, value) in &case.params {
            if let Some(value) = value.as_i64() {
                binder = binder.size(name, value);
            }
        }
        Ok(with_constants(binder, &function.inputs(), &case.constants, views)?)
    }

    fn source(&self, program: &str) -> Result<String, Failure> {
        let beyond = || {
            let message = format!("the benchmark program `{program}` needs constructs that are not in this version");
            Failure::from(Error::from(ein::Diagnostic::error(190, "not-in-this-version", message)))
        };
        if let Some(folder) = &self.programs {
            let path = folder.join(format!("{program}.ein"));
            return if path.exists() { Ok(ein::format::read(&path)?) } else { Err(beyond()) };
        }
        PROGRAMS.iter().find(|(name, _)| *name == program).map(|(_, text)| (*text).to_owned()).ok_or_else(beyond)
    }
}

fn compile_einsum(case: &Case, compiler: &Compiler, views: &[TensorRef<'_>]) -> Result<Bound, Failure> {
    let einsum = ein::Einsum::with_compiler(&case.eq, compiler.clone())?;
    let shapes: Vec<&[usize]> = views.iter().map(TensorRef::shape).collect();
    let dtypes: Vec<DType> = views.iter().map(TensorRef::dtype).collect();
    let function = einsum.function(&shapes, &dtypes)?;
    Ok(with_constants(function.bind(), &function.inputs(), &case.constants, views)?)
}

/// Binds inputs by position, those listed in `constants` for good.
fn with_constants(mut binder: ein::Binder, names: &[&str], constants: &[usize], views: &[TensorRef<'_>]) -> Result<Bound, Error> {
    for (n, (name, view)) in names.iter().zip(views).enumerate() {
        binder = if constants.contains(&n) { binder.constant(name, view.clone())? } else { binder.input(name, view)? };
    }
    binder.build()
}

fn nothing_loaded() -> Failure {
    Failure::Usage("no result: `load` and `run` come first".to_owned())
}

fn one_line(failure: Failure) -> String {
    match failure {
        Failure::Program(error) => error.to_string().replace('\n', "; "),
        Failure::Usage(message) => message,
        Failure::ClosedPipe => "closed pipe".to_owned(),
    }
}

impl Session {
    /// Runs it; gives wall and processor seconds of all runs.
    fn run(&mut self, repeat: u32, reuse_out: bool) -> Result<(f64, f64), Error> {
        let free = self.loaded.iter().enumerate().filter(|(n, _)| !self.constants.contains(n));
        let views: Vec<TensorRef<'_>> = free.map(|(_, l)| l.view()).collect();
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        for _ in 0..repeat {
            match &mut self.last {
                Some(out) if reuse_out => self.bound.call_into(&views, &mut [TensorMut::from(out)])?,
                last => {
                    // The old result is freed first, as a caller who drops it would.
                    *last = None;
                    *last = Some(self.bound.call(&views)?.into_tensors().swap_remove(0));
                }
            }
        }
        Ok((wall.elapsed().as_secs_f64(), cpu_seconds() - cpu))
    }
}
