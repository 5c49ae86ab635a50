//! Equations: contractions, maps and stencils.

use super::{Idx, Var, WORK, Writer, mentions, stands_alone};
use ein::DType;

impl Writer {
    pub(super) fn equation(&mut self) {
        self.n_indices = 0;
        self.typed = false;
        let made = match self.random.below(12) {
            0..=3 => self.contraction(),
            4 => self.valid_convolution().or_else(|| self.pairs()),
            5 => self.tensor_call(),
            6 => self.call_on_rows(),
            7 if self.library_call().is_some() => return,
            _ => None,
        };
        let (text, var) = made.unwrap_or_else(|| self.map());
        self.vars.push(var.clone());
        self.equations.push((text, var));
    }

    pub(super) fn define(&mut self, dtype: DType, axes: Vec<usize>, magnitude: f64) -> Var {
        Var { name: format!("t{}", self.equations.len()), dtype, axes, input: false, magnitude }
    }

    /// `t[i: N, j: M]: T = value` with the indices of `left`.
    fn write(&mut self, var: &Var, left: &[Idx], value: &str) -> String {
        let mut items = Vec::new();
        for idx in left {
            let bare = stands_alone(value, &idx.name) && self.random.one_in(2);
            items.push(if bare { idx.name.clone() } else { format!("{}: {}", idx.name, self.dims[idx.dim].name) });
        }
        let left = if items.is_empty() { String::new() } else { format!("[{}]", items.join(", ")) };
        let ty = if !self.typed || self.random.one_in(2) { format!(": {}", var.dtype) } else { String::new() };
        format!("{}{left}{ty} = {value}", var.name)
    }

    /// A sum of products of two to four operands.
    fn contraction(&mut self) -> Option<(String, Var)> {
        let dtype = self.random.pick(&super::DTYPES);
        let fits = |v: &&Var| v.dtype == dtype && v.magnitude < 1e3;
        let candidates: Vec<Var> = self.vars.iter().filter(fits).cloned().collect();
        if candidates.is_empty() {
            return None;
        }
        let mut indices: Vec<(Idx, usize)> = Vec::new();
        let mut factors = Vec::new();
        let mut magnitude = 1.0;
        for _ in 0..2 + self.random.below(3) {
            let var = self.random.pick(&candidates);
            let mut subs = Vec::new();
            for &dim in &var.axes {
                subs.push(self.contraction_index(dim, &mut indices)?);
            }
            magnitude *= var.magnitude;
            factors.push(self.factor(&var, &subs));
        }
        let mut out: Vec<Idx> = Vec::new();
        let mut summed: Vec<(Idx, usize)> = Vec::new();
        for (idx, count) in indices {
            if out.len() < 4 && self.random.below(5) < 2 { out.push(idx) } else { summed.push((idx, count)) }
        }
        self.random.shuffle(&mut out);
        self.typed = true;
        magnitude *= summed.iter().map(|(i, _)| self.dims[i.dim].extent.max(1) as f64).product::<f64>();
        let result = if summed.is_empty() { dtype } else { super::sum_type(dtype) };
        let value = self.summed(dtype, result, &factors, &summed, &out);
        let var = self.define(result, out.iter().map(|i| i.dim).collect(), magnitude * 2.0 + 4.0);
        Some((self.write(&var, &out, &value), var))
    }

    fn contraction_index(&mut self, dim: usize, indices: &mut Vec<(Idx, usize)>) -> Option<String> {
        let same: Vec<usize> = (0..indices.len()).filter(|n| indices[*n].0.dim == dim).collect();
        if !same.is_empty() && self.random.below(10) < 7 {
            let n = self.random.pick(&same);
            indices[n].1 += 1;
            return Some(indices[n].0.name.clone());
        }
        let space: usize = indices.iter().map(|(i, _)| self.dims[i.dim].extent.max(1)).product();
        if space * self.dims[dim].extent > WORK || indices.len() >= 6 {
            let n = self.random.pick(&same.first().map(|_| same.clone())?);
            indices[n].1 += 1;
            return Some(indices[n].0.name.clone());
        }
        let idx = self.fresh_index(dim);
        indices.push((idx.clone(), 1));
        Some(idx.name)
    }

    fn factor(&mut self, var: &Var, subs: &[String]) -> String {
        let text = if subs.is_empty() { var.name.clone() } else { format!("{}[{}]", var.name, subs.join(", ")) };
        match var.dtype {
            DType::C64 | DType::C128 if self.random.one_in(4) => format!("conj({text})"),
            _ => text,
        }
    }

    /// The sum as the language allows it: implicit where every summed index occurs twice, else written.
    fn summed(&mut self, dtype: DType, result: DType, factors: &[String], summed: &[(Idx, usize)], out: &[Idx]) -> String {
        let product = factors.join(if dtype == DType::Bool { " and " } else { " * " });
        let written: Vec<&Idx> = match dtype {
            DType::Bool => summed.iter().map(|(i, _)| i).collect(),
            _ if self.random.one_in(4) => summed.iter().map(|(i, _)| i).collect(),
            _ => summed.iter().filter(|(_, count)| *count < 2).map(|(i, _)| i).collect(),
        };
        let mut value = product;
        if !written.is_empty() {
            let op = if dtype == DType::Bool { "any" } else { "sum" };
            let binders: Vec<String> = written.iter().map(|i| i.name.clone()).collect();
            let guard = if self.random.one_in(4) {
                format!(" where {}", self.index_condition(&[out, &written.into_iter().cloned().collect::<Vec<_>>()].concat()))
            } else {
                String::new()
            };
            value = format!("{op}[{}{guard}]({value})", binders.join(", "));
        }
        if dtype == DType::Bool {
            return value;
        }
        if self.random.one_in(4) {
            value =
                if result.is_integer() { format!("{} * {value}", if result.bits() < 8 { 1 } else { 3 }) } else { format!("0.5 * {value}") };
        }
        if self.random.one_in(3) {
            let (term, _) = self.scalar(result, out, 1);
            value = format!("{value} + {term}");
        }
        value
    }

    /// A map with anything inside.
    fn map(&mut self) -> (String, Var) {
        let dtype = self.random.pick(&super::DTYPES);
        let mut env: Vec<Idx> = Vec::new();
        for _ in 0..self.random.below(4) {
            let dim = self.random.below(self.dims.len());
            let space: usize = env.iter().map(|i| self.dims[i.dim].extent.max(1)).product();
            if space * self.dims[dim].extent <= WORK {
                let idx = self.fresh_index(dim);
                env.push(idx);
            }
        }
        let (value, magnitude) = self.scalar(dtype, &env, 3);
        // Every index on the left must be used on the right.
        env.retain(|i| mentions(&value, &i.name));
        let var = self.define(dtype, env.iter().map(|i| i.dim).collect(), magnitude);
        (self.write(&var, &env, &value), var)
    }

    /// `t[i: P] = x[i + r] * w[r]` with `P = N - R + 1`.
    fn valid_convolution(&mut self) -> Option<(String, Var)> {
        let (p, r) = (self.dim("P")?, self.dim("R")?);
        let (x, x_axis) = self.with_axis(0, None)?;
        let (w, _) = self.with_axis(r, Some(x.dtype)).filter(|(w, _)| w.axes.len() == 1)?;
        let mut left = vec![self.fresh_index(p)];
        let tap = self.fresh_index(r);
        let mut subs = Vec::new();
        for (axis, &dim) in x.axes.iter().enumerate() {
            if axis == x_axis {
                subs.push(format!("{} + {}", left[0].name, tap.name));
            } else {
                let idx = self.fresh_index(dim);
                subs.push(idx.name.clone());
                left.push(idx);
            }
        }
        self.typed = true;
        let value = format!("{}[{}] * {}[{}]", x.name, subs.join(", "), w.name, tap.name);
        let magnitude = x.magnitude * w.magnitude * self.dims[r].extent as f64;
        let var = self.define(super::sum_type(x.dtype), left.iter().map(|i| i.dim).collect(), magnitude);
        Some((self.write(&var, &left, &value), var))
    }

    /// `t[i: H] = x[2*i] - x[2*i + 1]` with `H = N // 2`.
    fn pairs(&mut self) -> Option<(String, Var)> {
        let h = self.dim("H")?;
        let (x, _) = self.with_axis(0, None).filter(|(x, _)| x.axes.len() == 1)?;
        let i = self.fresh_index(h);
        self.typed = true;
        let n = &i.name;
        let value = format!("{x}[2*{n}] - {x}[2*{n} + 1]", x = x.name);
        let var = self.define(x.dtype, vec![h], 2.0 * x.magnitude);
        Some((self.write(&var, &[i], &value), var))
    }

    pub(super) fn dim(&self, name: &str) -> Option<usize> {
        self.dims.iter().position(|d| d.name == name)
    }

    /// A numeric tensor with an axis of this dim, and which axis it is.
    fn with_axis(&mut self, dim: usize, dtype: Option<DType>) -> Option<(Var, usize)> {
        let fits = |v: &&Var| {
            v.dtype != DType::Bool && v.magnitude < 1e3 && dtype.is_none_or(|d| d == v.dtype) && v.axes.contains(&dim) && v.axes.len() <= 3
        };
        let found: Vec<Var> = self.vars.iter().filter(fits).cloned().collect();
        if found.is_empty() {
            return None;
        }
        let var = self.random.pick(&found);
        let axis = var.axes.iter().position(|d| *d == dim)?;
        Some((var, axis))
    }
}
