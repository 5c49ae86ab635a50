//! What stands at the top of the file: shared dims, constants and reducers.

use super::{Dim, EXTENTS, Origin, Var, Writer};
use ein::DType;
use std::fmt::Write as _;

/// A reducer of the program.
#[derive(Clone, Copy)]
pub(super) struct Reducer {
    pub(super) name: &'static str,
    text: &'static str,
    /// The types that it is used on.
    pub(super) takes: fn(DType) -> bool,
    /// Whether a float grows with the number of terms.
    pub(super) grows: bool,
}

const REDUCERS: [Reducer; 6] = [
    Reducer { name: "last", text: "b from 0, assoc, idem", takes: is_real, grows: false },
    Reducer { name: "greater", text: "if b > a then b else a from 0, assoc, comm, idem", takes: is_real, grows: false },
    Reducer { name: "turns", text: "b - a from 1", takes: is_number, grows: true },
    Reducer { name: "parity", text: "xor(a, b) from 0, assoc, comm", takes: |d| d.is_integer(), grows: false },
    Reducer { name: "digits", text: "a + a + b from 1", takes: |d| d.is_integer(), grows: false },
    Reducer { name: "odd", text: "a != b from false, assoc, comm", takes: |d| d == DType::Bool, grows: false },
];

fn is_real(dtype: DType) -> bool {
    dtype.is_integer() || dtype.is_float()
}

fn is_number(dtype: DType) -> bool {
    dtype != DType::Bool
}

/// Element types of constants.
const DTYPES: [DType; 9] = [DType::F32, DType::F64, DType::I32, DType::I64, DType::I8, DType::U8, DType::F16, DType::Bool, DType::C64];

impl Writer {
    pub(super) fn make_shared_dims(&mut self) {
        if self.random.one_in(3) {
            let extent = EXTENTS[1 + self.random.below(EXTENTS.len() - 1)];
            self.header.push("dim S in 0..64;\n".to_owned());
            self.dims.push(Dim { name: "S".to_owned(), extent, origin: Origin::Shared });
        }
    }

    /// A dim that is another name of a number.
    pub(super) fn number_dim(&mut self, extent: usize) -> usize {
        let name = format!("D{extent}");
        self.dim(&name).unwrap_or_else(|| {
            self.header.push(format!("dim {name} = {extent};\n"));
            self.dims.push(Dim { name, extent, origin: Origin::Number });
            self.dims.len() - 1
        })
    }

    pub(super) fn make_constants(&mut self) {
        for n in 0..self.random.below(4) {
            let dtype = self.random.pick(&DTYPES);
            let name = format!("c{n}");
            let (text, axes) = match self.random.below(4) {
                0 => (format!("{name}: {dtype} = {}", self.entry(dtype)), Vec::new()),
                1 if dtype.is_integer() || dtype.is_float() => self.formula(&name, dtype),
                _ => self.table(&name, dtype),
            };
            self.header.push(format!("const {text};\n"));
            self.vars.push(Var { name, dtype, axes, input: true, magnitude: 5.0 });
        }
    }

    /// `c0: i8[D3] = [1, -2, 5]`, with one or two axes.
    fn table(&mut self, name: &str, dtype: DType) -> (String, Vec<usize>) {
        let length = 2 + self.random.below(3);
        let dim = self.number_dim(length);
        let row = |w: &mut Self| {
            let entries: Vec<String> = (0..length).map(|_| w.entry(dtype)).collect();
            format!("[{}]", entries.join(", "))
        };
        let axes = if self.random.one_in(3) { vec![dim, dim] } else { vec![dim] };
        let values =
            if axes.len() == 1 { row(self) } else { format!("[{}]", (0..length).map(|_| row(self)).collect::<Vec<_>>().join(", ")) };
        let mut text = String::new();
        let _ = write!(text, "{name}: {dtype}{} = {values}", self.axes_text(&axes));
        (text, axes)
    }

    /// `c0[p: D3, q: D3]: i32 = p - q`
    fn formula(&mut self, name: &str, dtype: DType) -> (String, Vec<usize>) {
        let length = 2 + self.random.below(3);
        let dim = self.number_dim(length);
        let size = self.dims[dim].name.clone();
        let value = if dtype.is_float() { "(p - q) / 4" } else { "p*q % 3" };
        (format!("{name}[p: {size}, q: {size}]: {dtype} = {value}"), vec![dim, dim])
    }

    fn entry(&mut self, dtype: DType) -> String {
        let quarter = self.random.between(-8, 8) as f64 / 4.0;
        match dtype {
            DType::Bool => (if self.random.one_in(2) { "true" } else { "false" }).to_owned(),
            _ if dtype.is_float() => format!("{quarter:?}"),
            _ if dtype.is_complex() => format!("{quarter:?} + 0.5im"),
            DType::U8 => self.random.below(6).to_string(),
            _ => self.random.between(-5, 5).to_string(),
        }
    }

    pub(super) fn make_reducers(&mut self) {
        for reducer in REDUCERS {
            if self.random.one_in(3) {
                self.header.push(format!("reducer {}(a, b) = {};\n", reducer.name, reducer.text));
                self.reducers.push(reducer);
            }
        }
    }

    /// A reducer of the program for a type.
    pub(super) fn own_reducer(&mut self, dtype: DType) -> Option<Reducer> {
        let fitting: Vec<Reducer> = self.reducers.iter().copied().filter(|r| (r.takes)(dtype)).collect();
        if fitting.is_empty() { None } else { Some(self.random.pick(&fitting)) }
    }
}
