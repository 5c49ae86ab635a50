//! Scalar expressions of a given type over the indices in scope, each with a bound of its magnitude.

use super::{Idx, Var, WORK, Writer, mentions, stands_alone};
use ein::DType;

/// Beyond this a float is squashed, so that nothing overflows.
fn large(dtype: DType) -> f64 {
    match dtype {
        DType::F8E4M3 => 1e2,
        DType::F16 | DType::F8E5M2 => 1e3,
        _ => 1e4,
    }
}

impl Writer {
    /// An expression of a type.
    pub(super) fn scalar(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        if depth == 0 {
            return self.leaf(dtype, env);
        }
        let made = match dtype {
            _ if dtype.is_float() => self.float(dtype, env, depth - 1),
            _ if dtype.is_integer() => self.integer(dtype, env, depth - 1),
            DType::Bool => (self.condition(env, depth - 1), 1.0),
            _ => self.complex(dtype, env, depth - 1),
        };
        self.squash(dtype, made)
    }

    fn squash(&mut self, dtype: DType, (text, magnitude): (String, f64)) -> (String, f64) {
        match dtype {
            _ if dtype.is_float() && magnitude > large(dtype) => (format!("tanh({text})"), 1.0),
            DType::C64 | DType::C128 if magnitude > large(dtype) => (format!("({text} * {:e})", 10.0 / magnitude), 10.0),
            _ => (text, magnitude),
        }
    }

    fn leaf(&mut self, dtype: DType, env: &[Idx]) -> (String, f64) {
        let found: Vec<Var> = self.vars.iter().filter(|v| v.dtype == dtype).cloned().collect();
        if found.is_empty() || self.random.one_in(7) {
            return self.literal(dtype, env);
        }
        let var = self.random.pick(&found);
        let made = (self.access(&var, env), var.magnitude);
        self.squash(dtype, made)
    }

    fn literal(&mut self, dtype: DType, env: &[Idx]) -> (String, f64) {
        let quarter = self.random.between(-8, 8) as f64 / 4.0;
        let text = match dtype {
            _ if dtype.is_float() && !env.is_empty() && self.random.one_in(3) => {
                self.typed = true;
                let idx = self.random.pick(env);
                return (format!("({} as {dtype})", idx.name), 33.0);
            }
            _ if dtype.is_float() => format!("({quarter:?} as {dtype})"),
            _ if dtype.bits() < 8 => format!("({} as {dtype})", self.random.below(2)),
            _ if dtype.is_integer() => format!(
                "({} as {dtype})",
                if dtype.class() == ein_ir::dtype::Class::Signed { self.random.between(-5, 5) } else { self.random.between(0, 9) }
            ),
            DType::Bool => return ((if self.random.one_in(2) { "true" } else { "false" }).to_owned(), 1.0),
            _ => format!("(({quarter:?} + 0.5im) as {dtype})"),
        };
        self.typed = true;
        (text, 5.0)
    }

    /// An element: bare subscripts where an index of the dim is in scope, else shifted ones with a mode.
    fn access(&mut self, var: &Var, env: &[Idx]) -> String {
        self.typed = true;
        let mut subs = Vec::new();
        for &dim in &var.axes {
            let same: Vec<Idx> = env.iter().filter(|i| i.dim == dim).cloned().collect();
            subs.push(match (same.is_empty(), self.random.below(8)) {
                (false, 0) => {
                    let idx = self.random.pick(&same);
                    format!("|{}| - 1 - {}", self.dims[dim].name, idx.name)
                }
                (false, 1..=5) => {
                    let idx = self.random.pick(&same);
                    idx.name
                }
                (_, 6) => self.inside(dim, env).unwrap_or_else(|| self.moded(dim, env)),
                _ => self.moded(dim, env),
            });
        }
        if subs.is_empty() { var.name.clone() } else { format!("{}[{}]", var.name, subs.join(", ")) }
    }

    /// A subscript without a mode that is inside of its axis whatever the index or the data.
    fn inside(&mut self, dim: usize, env: &[Idx]) -> Option<String> {
        let name = self.dims[dim].name.clone();
        if self.dims[dim].extent == 0 || env.is_empty() {
            return None;
        }
        let idx = self.random.pick(env);
        let data = self.integer_input(env).filter(|_| self.random.one_in(2));
        Some(match (self.random.below(3), data) {
            (_, Some(data)) => format!("({data} as i64) % |{name}|"),
            (0, None) if idx.dim == dim => format!("{} // 2", idx.name),
            (1, None) => format!("({} * 3 + 1) % |{name}|", idx.name),
            _ => format!("|{name}| - 1 - {} % |{name}|", idx.name),
        })
    }

    fn moded(&mut self, dim: usize, env: &[Idx]) -> String {
        let shift = self.random.between(-3, 3);
        let data = if self.random.one_in(4) { self.integer_input(env) } else { None };
        let position = match env {
            _ if data.is_some() => format!("{} + {}", data.unwrap_or_default(), shift.abs()),
            [] => shift.to_string(),
            _ => {
                let idx = self.random.pick(env);
                match self.random.below(4) {
                    0 => format!("2*{} - 1", idx.name),
                    1 => format!("{shift} - {}", idx.name),
                    2 => format!("{} // 2", idx.name),
                    _ => format!("{} + {}", idx.name, shift.abs()),
                }
            }
        };
        // An empty axis has no nearest element: only padding works there.
        let mode = if self.dims[dim].extent == 0 { "pad" } else { self.random.pick(&["pad", "clamp", "wrap", "reflect"]) };
        format!("{mode}({position})")
    }

    /// An element of an integer input whose dims all have an index in scope.
    fn integer_input(&mut self, env: &[Idx]) -> Option<String> {
        let fits = |v: &&Var| {
            let integer = matches!(v.dtype, DType::I32 | DType::I64);
            v.input && integer && v.axes.iter().all(|d| env.iter().any(|i| i.dim == *d))
        };
        let found: Vec<Var> = self.vars.iter().filter(fits).cloned().collect();
        if found.is_empty() {
            return None;
        }
        let var = self.random.pick(&found);
        let mut subs = Vec::new();
        for dim in &var.axes {
            let same: Vec<Idx> = env.iter().filter(|i| i.dim == *dim).cloned().collect();
            subs.push(self.random.pick(&same).name);
        }
        Some(if subs.is_empty() { var.name } else { format!("{}[{}]", var.name, subs.join(", ")) })
    }

    fn float(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        match self.random.below(16) {
            0..=3 => {
                let ((a, m), (b, n)) = (self.scalar(dtype, env, depth), self.scalar(dtype, env, depth));
                let (op, bound) = self.random.pick(&[("+", m + n), ("-", m + n), ("*", m * n), ("*", m * n)]);
                (format!("({a} {op} {b})"), bound)
            }
            4 => {
                let ((a, m), (b, _)) = (self.scalar(dtype, env, depth), self.scalar(dtype, env, depth));
                (format!("({a} / (abs({b}) + 1.5))"), m)
            }
            5 => {
                let ((a, m), (b, n)) = (self.scalar(dtype, env, depth), self.scalar(dtype, env, depth));
                (format!("{}({a}, {b})", self.random.pick(&["max", "min"])), m.max(n))
            }
            6..=8 => self.function(dtype, env, depth),
            9 => {
                let other = self.random.pick(&super::FLOATS);
                let (a, m) = self.scalar(other, env, depth);
                (format!("({a} as {dtype})"), m)
            }
            10 => {
                let from = self.random.pick(&super::INTEGERS);
                let (a, _) = self.scalar(from, env, depth);
                (format!("(({a} % 7) as {dtype})"), 7.0)
            }
            11 if matches!(dtype, DType::F32 | DType::F64) => {
                let complex = if dtype == DType::F32 { DType::C64 } else { DType::C128 };
                let (a, m) = self.scalar(complex, env, depth);
                (format!("{}({a})", self.random.pick(&["real", "imag", "abs"])), m)
            }
            12 => self.conditional(dtype, env, depth),
            13 => (format!("(({}) as {dtype})", self.condition(env, depth)), 1.0),
            _ => self.reduction(dtype, env, depth),
        }
    }

    fn function(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        let (a, m) = self.scalar(dtype, env, depth);
        const FORMS: [(&str, f64); 19] = [
            ("tanh(@)", 1.0),
            ("sin(@)", 1.0),
            ("cos(@)", 1.0),
            ("sigmoid(@)", 1.0),
            ("exp(tanh(@))", 3.0),
            ("sqrt(abs(@))", -1.0),
            ("log(abs(@) + 0.5)", 15.0),
            ("relu(@)", -1.0),
            ("abs(@)", -1.0),
            ("(-@)", -1.0),
            ("erf(@)", 1.0),
            ("gelu(@)", -1.0),
            ("silu(@)", -1.0),
            ("softplus(@)", -1.0),
            ("(tanh(@)^3)", 1.0),
            ("expm1(tanh(@))", 2.0),
            ("log1p(abs(@))", 15.0),
            ("rsqrt(abs(@) + 0.5)", 2.0),
            ("atan2(@, abs(@) + 0.5)", 2.0),
        ];
        let (form, bound) = self.random.pick(&FORMS);
        (form.replace('@', &a), if bound < 0.0 { m.max(1.0) } else { bound })
    }

    fn integer(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        let a = self.scalar(dtype, env, depth).0;
        // Literals must fit: the narrowest types have few.
        let narrow = dtype.bits() < 8;
        let text = match self.random.below(14) {
            0..=3 => format!("({a} {} {})", self.random.pick(&["+", "-", "*"]), self.scalar(dtype, env, depth).0),
            4 if !narrow => format!("({a} // {})", self.divisor(dtype)),
            5 if !narrow => format!("({a} % {})", self.divisor(dtype)),
            4 | 5 => format!("({a} {} 1)", self.random.pick(&["//", "%"])),
            6 if !narrow => format!("({a} % (abs({}) % 5 + 1))", self.scalar(dtype, env, depth).0),
            7 => format!("{}({a}, {})", self.random.pick(&["max", "min", "bitand", "bitor", "xor"]), self.scalar(dtype, env, depth).0),
            8 if self.random.one_in(4) => format!("{}({a})", self.random.pick(&["popcount", "bitnot", "sign", "abs"])),
            8 => format!("{}({a}, {})", self.random.pick(&["shl", "shr"]), self.random.below(if narrow { 2 } else { 5 })),
            9 => format!("(({a} as i32) as {dtype})"),
            10 => {
                let other = self.random.pick(&super::INTEGERS);
                format!("({} as {dtype})", self.scalar(other, env, depth).0)
            }
            11 => return self.conditional(dtype, env, depth),
            12 => match self.random_input(&super::FLOATS) {
                Some(x) => format!("({} as {dtype})", self.access(&x, env)),
                None => format!("abs({a})"),
            },
            _ => return self.reduction(dtype, env, depth),
        };
        (text, 1.0)
    }

    fn divisor(&mut self, dtype: DType) -> &'static str {
        let signed = dtype.class() == ein_ir::dtype::Class::Signed;
        self.random.pick(if signed { &["2", "3", "(-3)", "7"] } else { &["2", "3", "5", "7"] })
    }

    fn complex(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        let (a, m) = self.scalar(dtype, env, depth);
        match self.random.below(9) {
            0..=2 => {
                let (b, n) = self.scalar(dtype, env, depth);
                let (op, bound) = self.random.pick(&[("+", m + n), ("-", m + n), ("*", 2.0 * m * n)]);
                (format!("({a} {op} {b})"), bound)
            }
            3 => (format!("conj({a})"), m),
            4 => (format!("({a} * 0.5im)"), m),
            5 => {
                let real = dtype.real();
                let (x, n) = self.scalar(real, env, depth);
                let (form, bound) = self.random.pick(&[("cis(@)", 1.0), ("(@ as #)", n)]);
                (form.replace('@', &x).replace('#', dtype.name()), bound)
            }
            6 => self.conditional(dtype, env, depth),
            7 => (format!("(-{a})"), m),
            _ => self.reduction(dtype, env, depth),
        }
    }

    /// A bool that no rounding can change: over indices, integers and inputs.
    fn condition(&mut self, env: &[Idx], depth: usize) -> String {
        match self.random.below(10) {
            0 | 1 if !env.is_empty() => self.index_condition(env),
            2 | 3 => match self.random_input(&super::FLOATS) {
                Some(x) => format!("({} {} 0.25)", self.access(&x, env), self.random.pick(&["<", ">", "<=", ">="])),
                None => "true".to_owned(),
            },
            4 => {
                let dtype = self.random.pick(&super::INTEGERS);
                let (a, b) = (self.scalar(dtype, env, depth.min(1)).0, self.scalar(dtype, env, depth.min(1)).0);
                format!("({a} {} {b})", self.random.pick(&["<", ">", "<=", ">=", "==", "!="]))
            }
            5 if depth > 0 => {
                format!("({} {} {})", self.condition(env, depth - 1), self.random.pick(&["and", "or"]), self.condition(env, depth - 1))
            }
            6 if depth > 0 => format!("(not {})", self.condition(env, depth - 1)),
            7 if depth > 0 => self.reduction(DType::Bool, env, depth - 1).0,
            _ => self.leaf(DType::Bool, env).0,
        }
    }

    /// A comparison of indices, constants and sizes.
    pub(super) fn index_condition(&mut self, env: &[Idx]) -> String {
        let (a, b) = (self.random.pick(env), self.random.pick(env));
        match self.random.below(5) {
            0 => format!("({} <= {} + 1)", a.name, b.name),
            1 => format!("({} % 2 == {} % 2)", a.name, b.name),
            2 => format!("({} + {} < |{}|)", a.name, b.name, self.dims[a.dim].name),
            3 => format!("({} + 1 < |{}| or {} == 0)", a.name, self.dims[a.dim].name, b.name),
            _ => format!("(2*{} >= {})", a.name, b.name),
        }
    }

    fn conditional(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        let condition = self.condition(env, depth);
        let ((a, m), (b, n)) = (self.scalar(dtype, env, depth), self.scalar(dtype, env, depth));
        (format!("(if {condition} then {a} else {b})"), m.max(n))
    }

    /// Inputs along an index: what `argmax` compares exactly, ties and all.
    fn compared(&mut self, env: &[Idx], along: &Idx) -> Option<String> {
        let x = self.random_input(&super::FLOATS).filter(|x| x.axes.contains(&along.dim))?;
        let text = self.access(&x, env);
        stands_alone(&text, &along.name).then_some(text)
    }

    fn random_input(&mut self, dtypes: &[DType]) -> Option<Var> {
        let found: Vec<Var> = self.vars.iter().filter(|v| v.input && dtypes.contains(&v.dtype)).cloned().collect();
        if found.is_empty() { None } else { Some(self.random.pick(&found)) }
    }

    /// A reduction over one or two fresh indices.
    fn reduction(&mut self, dtype: DType, env: &[Idx], depth: usize) -> (String, f64) {
        let mut inner = env.to_vec();
        let mut binders = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let dim = self.random.below(self.dims.len());
            let space: usize = inner.iter().map(|i| self.dims[i.dim].extent.max(1)).product();
            if space * self.dims[dim].extent <= WORK {
                let idx = self.fresh_index(dim);
                inner.push(idx.clone());
                binders.push(idx);
            }
        }
        if binders.is_empty() {
            return self.leaf(dtype, env);
        }
        let count: f64 = binders.iter().map(|i| self.dims[i.dim].extent.max(1) as f64).product();
        let (body, m) = self.scalar(dtype, &inner, depth);
        let mut guards = Vec::new();
        if self.random.one_in(3) {
            guards.push(self.condition(&inner, depth.min(1)));
        }
        // A term that names its element: a scatter.
        if !env.is_empty()
            && self.random.one_in(5)
            && let Some(data) = self.integer_input(&binders)
        {
            guards.push(format!("{data} == {}", self.random.pick(env).name));
        }
        // A binder must be used: by a guard that changes nothing, if by nothing else.
        for idx in &binders {
            if !mentions(&body, &idx.name) && !guards.iter().any(|g| mentions(g, &idx.name)) {
                guards.push(format!("{} >= 0", idx.name));
            }
        }
        let unguarded = guards.is_empty() && binders.iter().all(|i| self.dims[i.dim].extent > 0);
        let mut items = Vec::new();
        for idx in &binders {
            let bare = (stands_alone(&body, &idx.name) || guards.iter().any(|g| stands_alone(g, &idx.name))) && self.random.one_in(2);
            items.push(if bare { idx.name.clone() } else { format!("{}: {}", idx.name, self.dims[idx.dim].name) });
        }
        let guard = if guards.is_empty() { String::new() } else { format!(" where {}", guards.join(" and ")) };
        let over = format!("[{}{guard}]", items.join(", "));
        if self.random.one_in(4)
            && let Some(own) = self.own_reducer(dtype)
        {
            return (format!("{}{over}({body})", own.name), if own.grows { m * count + 1.0 } else { m });
        }
        match dtype {
            _ if dtype.is_float() => match self.random.below(7) {
                0 => (format!("max(max{over}({body}), -50.0)"), m.max(50.0)),
                1 => (format!("min(min{over}({body}), 50.0)"), m.max(50.0)),
                2 => (format!("prod{over}(tanh({body}))"), 1.0),
                3 if m < 80.0 => (format!("max(lse{over}({body}), -50.0)"), m.max(50.0) + 10.0),
                4 if unguarded => (format!("mean{over}({body})"), m),
                5 => (format!("(sum:f64{over}({body} as f64) as {dtype})"), m * count),
                _ => (format!("sum{over}({body})"), m * count),
            },
            DType::Bool => (format!("{}{over}({body})", self.random.pick(&["any", "all"])), 1.0),
            DType::I64 if unguarded && binders.len() == 1 && self.random.one_in(3) => {
                let body = self.compared(&inner, &binders[0]).unwrap_or(body);
                (format!("{}{over}({body})", self.random.pick(&["argmax", "argmin"])), 1.0)
            }
            _ if dtype.is_integer() => match self.random.pick(&["sum", "max", "min", "prod"]) {
                op @ ("sum" | "prod") if dtype.accumulator() != dtype => (format!("({op}{over}({body}) as {dtype})"), 1.0),
                op => (format!("{op}{over}({body})"), 1.0),
            },
            _ => (format!("sum{over}({body})"), m * count),
        }
    }
}
