//! What numpy computed: `numpy/einsum.json` and `numpy/programs.json`, written by `numpy/make_fixtures.py`, `programs/*.json`, written by
//! `numpy/make_programs.py`, and `std/*.json`, written by `numpy/make_std.py`.

use crate::store::{Layout, Stored};
use ein::{DType, Tensor};
use num_complex::Complex;
use serde_json::Value;

/// A classic einsum with its operands and numpy's result.
pub struct EinsumCase {
    /// The string.
    pub equation: String,
    /// Operands, row-major.
    pub operands: Vec<Tensor>,
    /// In which layout each operand is to be stored.
    pub layouts: Vec<Layout>,
    /// The result, or `None` where numpy refuses.
    pub expected: Option<Tensor>,
}

/// A program with its inputs and numpy's results.
pub struct ProgramCase {
    /// What it shows.
    pub name: String,
    /// Text of the program.
    pub source: String,
    /// The definition to run; `None` is the last.
    pub def: Option<String>,
    /// Integer generics, and dims that no axis gives.
    pub sizes: Vec<(String, i64)>,
    /// Inputs by name.
    pub inputs: Vec<(String, Tensor)>,
    /// Results by name.
    pub outputs: Vec<(String, Tensor)>,
    /// Largest difference, relative to the largest magnitude of a result; 0 asks for equality.
    pub tolerance: f64,
}

/// Every einsum case.
///
/// # Panics
/// If the file is not as `make_fixtures.py` writes it.
#[must_use]
pub fn einsum_cases() -> Vec<EinsumCase> {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../numpy/einsum.json")).expect("json");
    let case = |value: &Value| {
        let operands = value["in"].as_array().expect("operands");
        EinsumCase {
            equation: text(&value["eq"]),
            operands: operands.iter().map(tensor).collect(),
            layouts: operands.iter().map(|o| layout(&o["l"])).collect(),
            expected: value.get("out").map(tensor),
        }
    };
    cases.iter().map(case).collect()
}

/// Every program.
///
/// # Panics
/// If the file is not as `make_fixtures.py` writes it, or a program that it names is missing.
#[must_use]
pub fn program_cases() -> Vec<ProgramCase> {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../numpy/programs.json")).expect("json");
    cases.iter().map(|value| program(value, text(&value["name"]), source(&text(&value["source"])))).collect()
}

/// A call of a program in `programs/` or `cases/programs/`, or of a module of the standard library, its tensors not yet read.
pub struct ReferenceCall {
    /// Name of the file.
    pub program: String,
    /// The definition.
    pub def: String,
    /// Text of the program.
    pub source: String,
    number: usize,
    value: Value,
}

impl ReferenceCall {
    /// The call with its tensors.
    #[must_use]
    pub fn case(&self) -> ProgramCase {
        program(&self.value, format!("{} {} #{}", self.program, self.def, self.number), self.source.clone())
    }
}

/// Every call of those programs.
///
/// # Panics
/// If a file is not as `make_programs.py` writes it, or its program is missing.
#[must_use]
pub fn reference_calls() -> Vec<ReferenceCall> {
    calls_in("tests/programs", &["tests/programs", "tests/cases/programs"])
}

/// Every call of a definition of the standard library.
///
/// # Panics
/// If a file is not as `make_std.py` writes it, or there is no module of its name.
#[must_use]
pub fn library_calls() -> Vec<ReferenceCall> {
    calls_in("tests/std", &["compiler/syntax/std"])
}

/// The calls of each file of a folder, of the program of the same name in the first of some folders that has it.
fn calls_in(folder: &str, programs: &[&str]) -> Vec<ReferenceCall> {
    let entries = std::fs::read_dir(crate::repository().join(folder)).expect("a folder").map(|e| e.expect("an entry").path());
    let mut files: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files.iter().flat_map(|path| calls(path, programs)).collect()
}

fn calls(path: &std::path::Path, programs: &[&str]) -> Vec<ReferenceCall> {
    let program = path.file_stem().expect("a file").to_string_lossy().into_owned();
    let places = programs.iter().map(|folder| format!("{folder}/{program}.ein"));
    let place = places.into_iter().find(|place| crate::repository().join(place).exists());
    let source = source(&place.unwrap_or_else(|| panic!("no program of {}", path.display())));
    let calls: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("json");
    let call = |(number, value): (usize, Value)| {
        let def = text(&value["def"]);
        ReferenceCall { program: program.clone(), def, source: source.clone(), number, value }
    };
    calls.into_iter().enumerate().map(call).collect()
}

fn program(value: &Value, name: String, source: String) -> ProgramCase {
    ProgramCase {
        name,
        source,
        def: value.get("def").map(text),
        sizes: entries(value.get("sizes")).map(|(name, n)| (name, n.as_i64().expect("an integer"))).collect(),
        inputs: entries(value.get("in")).map(|(name, t)| (name, tensor(t))).collect(),
        outputs: entries(value.get("out")).map(|(name, t)| (name, tensor(t))).collect(),
        tolerance: value["tol"].as_f64().expect("a number"),
    }
}

impl EinsumCase {
    /// Whether the interpreter, which visits every point of the iteration space, can finish it.
    #[must_use]
    pub fn is_small(&self) -> bool {
        let mut labels = std::collections::BTreeMap::new();
        for (term, operand) in self.equation.split("->").next().unwrap_or("").split(',').zip(&self.operands) {
            let names: Vec<char> = term.chars().filter(|c| c.is_alphabetic()).collect();
            if names.len() == operand.rank() {
                labels.extend(names.into_iter().zip(operand.shape()));
            }
        }
        labels.values().map(|n| **n as f64).product::<f64>() < 1e6
    }

    /// The operands in their layouts.
    #[must_use]
    pub fn stored(&self) -> Vec<Stored> {
        self.operands.iter().zip(&self.layouts).map(|(t, l)| Stored::new(t, *l)).collect()
    }
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten().map(|(name, v)| (name.clone(), v))
}

fn source(text: &str) -> String {
    if !text.ends_with(".ein") {
        return text.to_owned();
    }
    std::fs::read_to_string(crate::repository().join(text)).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn layout(value: &Value) -> Layout {
    match value.as_str() {
        None => Layout::RowMajor,
        Some("F") => Layout::Fortran,
        Some("negative") => Layout::Negative,
        Some("sliced") => Layout::Sliced,
        Some(other) => panic!("no layout {other}"),
    }
}

fn tensor(value: &Value) -> Tensor {
    let dtype: DType = text(&value["d"]).parse().expect("a dtype");
    let list = |v: &Value| v.as_array().expect("a list").clone();
    let shape: Vec<usize> = list(&value["s"]).iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let values = list(&value["v"]);
    macro_rules! read {
        ($get:expr) => {
            Tensor::from_vec(&shape, values.iter().map($get).collect::<Vec<_>>())
        };
    }
    macro_rules! integers {
        ($ty:ty) => {
            read!(|v| if v.is_u64() { v.as_u64().map(|n| n as $ty) } else { v.as_i64().map(|n| n as $ty) }.expect("an integer"))
        };
    }
    let tensor = match dtype {
        DType::Bool => read!(|v| v.as_bool().expect("a bool")),
        DType::I8 => integers!(i8),
        DType::I16 => integers!(i16),
        DType::I32 => integers!(i32),
        DType::I64 => integers!(i64),
        DType::U8 => integers!(u8),
        DType::U16 => integers!(u16),
        DType::U32 => integers!(u32),
        DType::U64 => integers!(u64),
        DType::F32 => read!(|v| real(v) as f32),
        DType::F64 => read!(real),
        DType::C64 => read!(|v| Complex::new(real(&v[0]) as f32, real(&v[1]) as f32)),
        DType::C128 => read!(|v| Complex::new(real(&v[0]), real(&v[1]))),
        DType::BF16 => {
            let bits = values.iter().flat_map(|v| ((f64_as_bits(real(v)) >> 16) as u16).to_le_bytes());
            from_bytes(dtype, &shape, &bits.collect::<Vec<u8>>())
        }
        DType::I4 => from_bytes(dtype, &shape, &nibbles(&values, shape.last().copied().unwrap_or(1))),
        other => panic!("no fixture has {other}"),
    };
    tensor.expect("as many values as the shape has elements")
}

fn f64_as_bits(x: f64) -> u32 {
    (x as f32).to_bits()
}

fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Tensor, ein_runtime::Error> {
    Tensor::from_bytes(dtype, shape, ein_runtime::AlignedBuf::copy_of(bytes)?)
}

/// Two numbers a byte, the first in the low bits; every row begins a byte.
fn nibbles(values: &[Value], row: usize) -> Vec<u8> {
    let nibble = |v: &Value| (v.as_i64().expect("an integer") & 15) as u8;
    let pair = |p: &[Value]| nibble(&p[0]) | p.get(1).map_or(0, nibble) << 4;
    values.chunks(row.max(1)).flat_map(|r| r.chunks(2).map(pair).collect::<Vec<u8>>()).collect()
}

fn real(value: &Value) -> f64 {
    match value {
        Value::String(name) => name.parse().expect("inf or nan"),
        number => number.as_f64().expect("a number"),
    }
}
