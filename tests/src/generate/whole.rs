//! Calls on whole tensors: of small definitions, of definitions with rows, and of functions such as `sort` and `fft`.

use super::{Dim, Origin, Var, Writer};
use ein::DType;

impl Writer {
    /// A call of a small definition on a whole matrix.
    pub(super) fn tensor_call(&mut self) -> Option<(String, Var)> {
        let fits = |v: &&Var| v.axes.len() == 2 && v.dtype != DType::Bool && super::sum_type(v.dtype) == v.dtype && v.magnitude < 1e3;
        let matrices: Vec<Var> = self.vars.iter().filter(fits).cloned().collect();
        if matrices.is_empty() {
            return None;
        }
        let x = self.random.pick(&matrices);
        let (t, name) = (x.dtype, format!("g{}", self.helpers.len()));
        let (rows, columns) = (x.axes[0], x.axes[1]);
        let width = self.dims[columns].extent as f64;
        let (axes, body, magnitude) = match self.random.below(4) {
            0 => (vec![rows], "y: T[A] { y[i] = sum[j](x[i, j]); }", width * x.magnitude),
            1 => (vec![columns, rows], "y: T[B, A] { y[j, i] = x[i, j]; }", x.magnitude),
            2 => (vec![rows, rows], "y: T[A, A] { y[i, j] = x[i, k] * x[j, k]; }", width * x.magnitude * x.magnitude),
            _ => (vec![rows, columns], "y: T[A, B] { s[i] = sum[j](x[i, j]); y[i, j] = x[i, j] + s[i]; }", (width + 1.0) * x.magnitude),
        };
        let body = body.replace('T', t.name());
        self.helpers.push(format!("def {name}<A, B>(x: {t}[A, B]) -> {body}\n"));
        let var = self.define(t, axes, magnitude);
        Some((format!("{} = {name}({})", var.name, x.name), var))
    }

    /// A call of a definition of any number of axes.
    pub(super) fn call_on_rows(&mut self) -> Option<(String, Var)> {
        let fits = |v: &&Var| !v.axes.is_empty() && v.dtype != DType::Bool && super::sum_type(v.dtype) == v.dtype && v.magnitude < 1e3;
        let x = self.some(fits)?;
        let n = self.dims[*x.axes.last()?].extent as f64;
        if x.dtype == DType::F32 && self.random.one_in(3) {
            let text = "use std.nn.{softmax};\n".to_owned();
            if !self.header.contains(&text) {
                self.header.insert(0, text);
            }
            let var = self.define(x.dtype, x.axes.clone(), 1.0);
            return Some((format!("{} = softmax({})", var.name, x.name), var));
        }
        let (t, name) = (x.dtype, format!("g{}", self.helpers.len()));
        let outer = x.axes[..x.axes.len() - 1].to_vec();
        let (axes, def, magnitude) = match self.random.below(3) {
            0 => (outer, "<..B, N>(x: T[..B, N]) -> y: T[..B] { y[..b] = sum[i](x[..b, i]); }", n * x.magnitude),
            1 => (x.axes.clone(), "<..B>(x: T[..B]) -> y: T[..B] { y[..b] = x[..b] + x[..b]; }", 2.0 * x.magnitude),
            _ => (Vec::new(), "<..B>(x: T[..B]) -> y: T { y = sum[..b](x[..b]); }", self.volume(&x.axes) as f64 * x.magnitude),
        };
        self.helpers.push(format!("def {name}{}\n", def.replace('T', t.name())));
        let var = self.define(t, axes, magnitude);
        Some((format!("{} = {name}({})", var.name, x.name), var))
    }

    /// A function of whole tensors. What it orders are inputs, which no rounding can bring into another order.
    pub(super) fn library_call(&mut self) -> Option<()> {
        match self.random.below(4) {
            0 | 1 => self.ordered(),
            2 => self.transform(),
            _ => self.solved(),
        }
    }

    /// `(t0, t1) = sort(x)` and `top_k`.
    fn ordered(&mut self) -> Option<()> {
        let takes = |d: DType| d == DType::Bool || d.is_integer() && d.bits() >= 8 || d.is_float() && d.bits() >= 16;
        let x = self.some(|v| v.input && !v.axes.is_empty() && takes(v.dtype))?;
        let mut axes = x.axes.clone();
        let last = axes.pop()?;
        let call = if self.random.one_in(2) {
            axes.push(last);
            format!("sort({}{})", x.name, self.random.pick(&["", ", descending = true"]))
        } else {
            let k = self.random.below(self.dims[last].extent.min(6) + 1);
            axes.push(self.number_dim(k));
            format!("top_k({}, {k}{})", x.name, self.random.pick(&["", ", smallest = true"]))
        };
        let values = self.define(x.dtype, axes.clone(), x.magnitude);
        if self.random.one_in(3) {
            self.push(format!("{} = {call}", values.name), values);
            return Some(());
        }
        let positions = Var { name: format!("t{}", self.equations.len() + 1), dtype: DType::I64, axes, input: false, magnitude: 1.0 };
        self.push(format!("({}, {}) = {call}", values.name, positions.name), values);
        self.push(String::new(), positions);
        Some(())
    }

    /// Fourier transforms, of real numbers there and back.
    fn transform(&mut self) -> Option<()> {
        let takes = |d: DType| d.is_complex() || matches!(d, DType::F32 | DType::F64);
        let x = self.some(|v| !v.axes.is_empty() && takes(v.dtype) && v.magnitude < 1e3)?;
        let last = *x.axes.last()?;
        let magnitude = x.magnitude * (1.0 + self.dims[last].extent as f64);
        if x.dtype.is_complex() {
            let var = self.define(x.dtype, x.axes.clone(), magnitude);
            let name = self.random.pick(&["fft", "ifft"]);
            self.push(format!("{} = {name}({})", var.name, x.name), var);
            return Some(());
        }
        let size = self.dims[last].name.clone();
        let name = format!("F{size}");
        let half = self.dim(&name).unwrap_or_else(|| {
            let extent = self.dims[last].extent / 2 + 1;
            self.dims.push(Dim { name, extent, origin: Origin::Alias(format!("{size} // 2 + 1")) });
            self.dims.len() - 1
        });
        let mut axes = x.axes.clone();
        *axes.last_mut()? = half;
        let dtype = if x.dtype == DType::F32 { DType::C64 } else { DType::C128 };
        let there = self.define(dtype, axes, magnitude);
        let from = there.name.clone();
        self.push(format!("{from} = rfft({})", x.name), there);
        if self.random.one_in(2) {
            let back = self.define(x.dtype, x.axes.clone(), x.magnitude);
            self.push(format!("{} = irfft({from}, n = {size})", back.name), back);
        }
        Some(())
    }

    /// `x = solve(A, v)` with a matrix that is far from singular.
    fn solved(&mut self) -> Option<()> {
        let v = self.some(|v| v.input && v.axes.len() == 1 && matches!(v.dtype, DType::F32 | DType::F64))?;
        let matrix = self.define(v.dtype, vec![v.axes[0], v.axes[0]], 44.0);
        let a = matrix.name.clone();
        self.push(format!("{a}[i, j] = {x}[i] * {x}[j] / 16 + (if i == j then 40.0 else 0.0)", x = v.name), matrix);
        let solution = self.define(v.dtype, v.axes.clone(), 1.0);
        self.push(format!("{} = solve({a}, {})", solution.name, v.name), solution);
        Some(())
    }

    fn push(&mut self, text: String, var: Var) {
        self.vars.push(var.clone());
        self.equations.push((text, var));
    }

    /// One of the tensors that may be read and fit.
    fn some(&mut self, fits: impl Fn(&&Var) -> bool) -> Option<Var> {
        let found: Vec<Var> = self.vars.iter().filter(fits).cloned().collect();
        if found.is_empty() { None } else { Some(self.random.pick(&found)) }
    }
}
