//! Indexing by data: gathers, scatters written as guarded sums, positions of extremes. Compiled code is compared with the
//! interpreters at every optimisation level, for indices of every integer type and extents that are empty, one, and odd.

use ein::{Compiler, DType, Error, Tensor, TensorRef};
use ein_tests::oracle;
use ein_tests::random::Random;

/// A case: a program, and for each input its name, element type (`None` for indices of a dim) and axes.
struct Case {
    source: &'static str,
    inputs: &'static [(&'static str, Kind, &'static str)],
}

#[derive(Clone, Copy)]
enum Kind {
    /// Small numbers.
    Data(DType),
    /// Indices of these dims, one for each column.
    Index(&'static str),
    /// Integers around the extent of a dim, outside of it too.
    Near(DType, &'static str),
}

use Kind::{Data, Index, Near};

const CASES: [Case; 14] = [
    Case {
        source: "def embed<B, S, V, D>(ids: idx<V>[B, S], E: f32[V, D], P: f32[S, D]) -> y: f32[B, S, D] {
                   y[b, s, d] = E[ids[b, s], d] * sqrt(|D|) + P[s, d];
                 }",
        inputs: &[("ids", Index("V"), "BS"), ("E", Data(DType::F32), "VD"), ("P", Data(DType::F32), "SD")],
    },
    Case {
        source: "def transpose<B, S, V, D>(ids: idx<V>[B, S], w: f32[V], dY: f32[B, S, D]) -> (n: i32[V], dE: f32[V, D], h: f64[V]) {
                   n[v]     = sum[b, s where ids[b, s] == v](1);
                   dE[v, d] = sum[b, s where ids[b, s] == v and s <= d](dY[b, s, d] * w[v]);
                   h[v]     = mean[b, s where v == ids[b, s]](w[v] as f64);
                 }",
        inputs: &[("ids", Index("V"), "BS"), ("w", Data(DType::F32), "V"), ("dY", Data(DType::F32), "BSD")],
    },
    Case {
        source: "def reductions<B, V>(k: i32[B], x: f64[B], n: i64[B], t: bool[B], c: c128[B], q: f32[V])
                   -> (a: f64[V], b: f64[V], p: i64[V], e: bool[V], f: bool[V], s: c128[V], l: f64[V]) {
                   a[v] = max[i where k[i] == v](x[i]);
                   b[v] = min[i where t[i] and k[i] == v](x[i]);
                   p[v] = prod[i where k[i] == v and n[i] != 0](n[i]);
                   e[v] = any[i where k[i] == v](t[i]);
                   f[v] = all[i where k[i] == v](t[i]);
                   s[v] = sum[i where k[i] == v](c[i] * c[i]);
                   l[v] = lse[i where k[i] == v](x[i]);
                 }",
        inputs: &[
            ("k", Near(DType::I32, "V"), "B"),
            ("x", Data(DType::F64), "B"),
            ("n", Data(DType::I64), "B"),
            ("t", Data(DType::Bool), "B"),
            ("c", Data(DType::C128), "B"),
            ("q", Data(DType::F32), "V"),
        ],
    },
    Case {
        source:
            "def sparse<B, V, S, D>(at: idx<V, S>[B, 2], w: f32[B], X: f32[S, D], Y: f32[V, D]) -> (m: f32[V, D], d: f32[B], A: f32[V, S]) {
                   m[i, k] = sum[e where at[e, 0] == i](w[e] * X[at[e, 1], k]);
                   d[e]    = w[e] * sum[k](Y[at[e, 0], k] * X[at[e, 1], k]);
                   A[i, j] = sum[e where at[e, 0] == i and at[e, 1] == j](w[e]);
                 }",
        inputs: &[("at", Index("VS"), "B2"), ("w", Data(DType::F32), "B"), ("X", Data(DType::F32), "SD"), ("Y", Data(DType::F32), "VD")],
    },
    Case {
        source: "def segments<B, V>(seg: idx<V>[B], x: f32[B], q: f32[V]) -> (y: f32[B], z: f32[V], m: f32[V]) {
                   m[v] = max[e where seg[e] == v](x[e]);
                   w[e] = exp(x[e] - m[seg[e]]);
                   z[v] = sum[e where seg[e] == v](w[e]);
                   y[e] = w[e] / z[seg[e]];
                 }",
        inputs: &[("seg", Index("V"), "B"), ("x", Data(DType::F32), "B"), ("q", Data(DType::F32), "V")],
    },
    Case {
        source:
            "def modes<B, V, S>(k: i32[B], p: i64, m: i32, x: f32[V], A: f32[V, S]) -> (a: f32[B], b: f32[B], c: f32[B, S], s: f32[S]) {
                   a[i]    = if |V| > 0 then x[clamp(k[i] + 1)] else 0.0;
                   b[i]    = x[pad(k[i] // 2, 0.5)] + x[pad(i + p)];
                   c[i, j] = if |V| > 0 then A[wrap(k[i] - m), j] * A[reflect(k[i]), j] else 1.0;
                   s[j]    = sum[i where i % 3 == p % 3 and i < m](A[pad(k[i]), j]);
                 }",
        inputs: &[
            ("k", Near(DType::I32, "V"), "B"),
            ("p", Data(DType::I64), ""),
            ("m", Data(DType::I32), ""),
            ("x", Data(DType::F32), "V"),
            ("A", Data(DType::F32), "VS"),
        ],
    },
    Case {
        source:
            "def chains<B, V, S>(f: idx<V>[B], g: idx<S>[V], h: i64[S], x: f32[S]) -> (y: f32[B], z: idx<S>[B], r: idx<B>[S], s: f32[B]) {
                   y[b] = x[g[f[b]]];
                   z[b] = g[f[b]];
                   r[j] = h[j] % |B|;
                   s[b] = sum[j where r[j] == b](x[j]);
                 }",
        inputs: &[("f", Index("V"), "B"), ("g", Index("S"), "V"), ("h", Data(DType::I64), "S"), ("x", Data(DType::F32), "S")],
    },
    Case {
        source: "def best<B, S>(x: f32[B, S], n: i32[B, S], t: bool[B, S]) -> (p: idx<S>[B], y: f32[B], q: i64[B], u: i64[S]) {
                   p[i] = argmax[j](x[i, j]);
                   y[i] = x[i, p[i]] - x[i, argmin[j](x[i, j])];
                   q[i] = if any[j](t[i, j]) then argmin[j where t[i, j]](n[i, j]) else -1;
                   u[j] = if |B| > 0 then argmax[i'](n[i', j] * n[i', j]) else 0;
                 }",
        inputs: &[("x", Data(DType::F32), "BS"), ("n", Data(DType::I32), "BS"), ("t", Data(DType::Bool), "BS")],
    },
    Case {
        source: "def experts<B, V, S, D>(e: idx<V>[B], W: f32[V, S, D], x: f32[B, S], c: f32[V, D]) -> y: f32[B, D] {
                   y[t, o] = W[e[t], i, o] * x[t, i] + c[e[t], o];
                 }",
        inputs: &[("e", Index("V"), "B"), ("W", Data(DType::F32), "VSD"), ("x", Data(DType::F32), "BS"), ("c", Data(DType::F32), "VD")],
    },
    Case {
        source: "def messages<V, B, D>(src: idx<V>[B], dst: idx<V>[B], w: f32[D, D], h: f32[V, D]) -> (y: f32[V, D], g: f32[V]) {
                   m[v: V, d] = sum[e where dst[e] == v](h[src[e], d]);
                   y[v, o] = max(m[v, d] * w[d, o], 0.0);
                   g[v]    = sum[e where src[e] != v and dst[e] == v](h[src[e], d] * h[dst[e], d]);
                 }",
        inputs: &[("src", Index("V"), "B"), ("dst", Index("V"), "B"), ("w", Data(DType::F32), "DD"), ("h", Data(DType::F32), "VD")],
    },
    Case {
        source: "def project<B, S, V, D>(ids: idx<V>[B], E: f64[V, S], W: f64[S, D]) -> (y: f64[B, D], z: f64[V, D]) {
                   y[b, o] = E[ids[b], s] * W[s, o];
                   z[v, o] = sum[b, s where ids[b] == v](E[ids[b], s] * W[s, o] * y[b, o]);
                 }",
        inputs: &[("ids", Index("V"), "B"), ("E", Data(DType::F64), "VS"), ("W", Data(DType::F64), "SD")],
    },
    Case {
        source: "def lookup<V, S>(f: idx<V>[S], x: f32[V]) -> y: f32[S] { y[s] = x[f[s]]; }
                 def main<B, S, V>(f: idx<V>[S, B], one: i32[B], x: f32[V]) -> (z: f32[S], d: f32[S, B]) {
                   g[s]    = if |B| > 0 then f[s, clamp(0)] else 0 * s;
                   d[s, b] = x[f[s, b]] * one[b] as f32;
                   z[s]    = x[pad(g[s])];
                 }",
        inputs: &[("f", Index("V"), "SB"), ("one", Data(DType::I32), "B"), ("x", Data(DType::F32), "V")],
    },
    Case {
        source: "reducer logaddexp(a, b) = if a > b then a + log1p(exp(b - a)) else b + log1p(exp(a - b)) from -1e30, assoc, comm;
                 reducer digits(a, b) = 3*a + b from 1;
                 def reduced<B, S, V>(to: idx<V>[B], x: f64[B, S], n: i64[S, B], q: f32[V]) -> (y: f64[B], z: f64[V], h: i64, u: i64[V]) {
                   y[i] = logaddexp[j where j <= i](x[i, j]);
                   z[v] = logaddexp[i, j where to[i] == v](x[i, j]);
                   h    = digits[j, i where n[j, i] > -3](n[j, i]);
                   u[v] = digits[i, j where to[i] == v](n[j, i]);
                 }",
        inputs: &[("to", Index("V"), "B"), ("x", Data(DType::F64), "BS"), ("n", Data(DType::I64), "SB"), ("q", Data(DType::F32), "V")],
    },
    Case {
        source: "reducer swap(a, b) = conj(a) * 1.0im + b from 0.5;
                 reducer both(a, b) = a and b from true, assoc, comm, idem;
                 def inner<A, N>(x: c128[A, N]) -> y: c128[A] { y[i] = swap[j](x[i, j]); }
                 def main<B, S, V>(x: c128[B, S], t: bool[B, S], to: idx<V>[S], q: f32[V]) -> (y: c128[B], w: c128[S], e: bool[V, B]) {
                   y       = inner(x);
                   w[j]    = swap[i](x[i, j]);
                   e[v, i] = both[j where to[j] == v](t[i, j]);
                 }",
        inputs: &[("x", Data(DType::C128), "BS"), ("t", Data(DType::Bool), "BS"), ("to", Index("V"), "S"), ("q", Data(DType::F32), "V")],
    },
];

/// Types in which indices are given.
const INTEGERS: [DType; 8] = [DType::I64, DType::I32, DType::U8, DType::I8, DType::U16, DType::I16, DType::U32, DType::U64];

/// Extents of `B`, `S`, `V` and `D`.
const EXTENTS: [[usize; 4]; 9] =
    [[3, 4, 7, 8], [0, 3, 5, 2], [5, 0, 3, 4], [1, 1, 1, 1], [13, 2, 1, 17], [4, 3, 0, 2], [31, 9, 33, 5], [64, 16, 5, 40], [17, 3, 2, 0]];

fn extent(name: char, extents: [usize; 4]) -> usize {
    match "BSVD".find(name) {
        Some(n) => extents[n],
        None => name.to_digit(10).expect("a literal extent") as usize,
    }
}

/// Integers of a type as a tensor.
fn integers(dtype: DType, shape: &[usize], values: &[i64]) -> Tensor {
    macro_rules! tensor {
        ($ty:ty) => {
            Tensor::from_vec(shape, values.iter().map(|v| *v as $ty).collect::<Vec<_>>()).expect("small")
        };
    }
    match dtype {
        DType::I8 => tensor!(i8),
        DType::I16 => tensor!(i16),
        DType::I32 => tensor!(i32),
        DType::U8 => tensor!(u8),
        DType::U16 => tensor!(u16),
        DType::U32 => tensor!(u32),
        DType::U64 => tensor!(u64),
        _ => tensor!(i64),
    }
}

/// The inputs as they are given, and with indices as i64; `None` where a dim of no positions is indexed.
fn inputs(case: &Case, extents: [usize; 4], stored: DType, random: &mut Random) -> Option<(Vec<Tensor>, Vec<Tensor>)> {
    let (mut given, mut meant) = (Vec::new(), Vec::new());
    for (_, kind, axes) in case.inputs {
        let shape: Vec<usize> = axes.chars().map(|c| extent(c, extents)).collect();
        let n: usize = shape.iter().product();
        match kind {
            Data(dtype) => {
                let tensor = ein_tests::store::random_tensor(random, *dtype, &shape);
                meant.push(tensor.try_clone().expect("small"));
                given.push(tensor);
            }
            Near(dtype, dim) => {
                let size = extent(dim.chars().next().expect("a dim"), extents) as i64;
                let values: Vec<i64> = (0..n).map(|_| random.between(-3, size + 2)).collect();
                given.push(integers(*dtype, &shape, &values));
                meant.push(integers(*dtype, &shape, &values));
            }
            Index(dims) => {
                let sizes: Vec<usize> = dims.chars().map(|c| extent(c, extents)).collect();
                if n > 0 && sizes.contains(&0) {
                    return None;
                }
                let values: Vec<i64> = (0..n).map(|k| random.below(sizes[k % sizes.len()]) as i64).collect();
                given.push(integers(stored, &shape, &values));
                meant.push(integers(DType::I64, &shape, &values));
            }
        }
    }
    Some((given, meant))
}

fn run(case: &Case, level: u8, threads: usize, given: &[Tensor], sizes: &[(&str, i64)]) -> Result<Vec<Tensor>, Error> {
    let function = Compiler::new().opt_level(level).threads(threads).compile(case.source)?.main_def()?;
    let views: Vec<TensorRef<'_>> = given.iter().map(TensorRef::from).collect();
    let binder = sizes.iter().fold(function.bind(), |b, (name, n)| b.size(name, *n));
    Ok(binder.like(&views).build()?.call(&views)?.into_tensors())
}

#[test]
fn compiled_code_does_what_the_interpreter_does() {
    let mut random = Random::new(77);
    let (mut done, mut faulted) = (0, 0);
    for (c, case) in CASES.iter().enumerate() {
        let generic = oracle::module(case.source, None).unwrap_or_else(|d| panic!("case {c}: {d:?}"));
        for (e, extents) in EXTENTS.iter().enumerate() {
            let stored = INTEGERS[(c + e) % INTEGERS.len()];
            let Some((given, meant)) = inputs(case, *extents, stored, &mut random) else { continue };
            let shapes: Vec<&[usize]> = meant.iter().map(Tensor::shape).collect();
            let named: Vec<(String, i64)> = generic
                .dims
                .values()
                .map(|d| (d.name.clone(), extent(d.name.chars().next().expect("a letter"), *extents) as i64))
                .collect();
            let sizes: Vec<(&str, i64)> = named.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            let module = oracle::specialise(&generic, &shapes, &named).unwrap_or_else(|d| panic!("case {c} at {extents:?}: {d:?}"));
            let at = format!("case {c} at {extents:?}, indices as {stored}");
            let judge = oracle::Judge::new(&module, &meant);
            let one = run(case, 1, 1, &given, &sizes);
            judge.judge(&one).unwrap_or_else(|e| panic!("{at}: {e}"));
            judge.judge(&run(case, 0, 1, &given, &sizes)).unwrap_or_else(|e| panic!("{at}, -O0: {e}"));
            match (one, run(case, 1, 4, &given, &sizes)) {
                (Ok(one), Ok(four)) => {
                    one.iter()
                        .zip(&four)
                        .try_for_each(|(a, b)| ein_tests::compare::same_bits(b, a))
                        .unwrap_or_else(|e| panic!("{at}: {e}"));
                    done += 1;
                }
                _ => faulted += 1,
            }
        }
    }
    assert!(done >= 80, "{done} done, {faulted} faulted");
}

/// The cost of a scatter is that of its terms, at one million of elements too.
#[test]
fn a_scatter_over_a_large_dim_goes_over_its_terms() {
    let source = "def counts<B, V>(ids: idx<V>[B], w: f32[B]) -> n: f32[V] { n[v] = sum[b where ids[b] == v](w[b]); }";
    let function = Compiler::new().threads(1).compile(source).and_then(|p| p.main_def()).expect("right");
    let table = function.plan_table(&[("B", 1000), ("V", 1_000_000)]).expect("planned");
    assert!(table.contains("total: 1000 flops"), "{table}");
}

fn take() -> ein::Function {
    let source = "def take<B, V>(ids: idx<V>[B, 2], x: f32[V]) -> y: f32[B] { y[b] = x[ids[b, 0]] + x[ids[b, 1]]; }";
    Compiler::new().threads(1).compile(source).and_then(|p| p.main_def()).expect("right")
}

#[test]
fn indices_outside_their_dim_are_named() {
    let x = ein::ndarray::array![1.0f32, 2.0, 3.0];
    let ids = ein::ndarray::array![[0u8, 2], [1, 3]];
    let error = take().call([("ids", TensorRef::from(ids.view())), ("x", x.view().into())]).expect_err("3 is outside");
    assert_eq!(error.render(false).trim(), "[E0917] error: `ids[1, 1]` is 3, and it indexes a dim of size 3\n  help: positions are 0 to 2");
    let negative = ein::ndarray::array![[0i64, -1]];
    let error = take().call([("ids", TensorRef::from(negative.view())), ("x", x.view().into())]).expect_err("-1 is outside");
    assert!(error.to_string().contains("`ids[0, 1]` is -1"), "{error}");
}

#[test]
fn constant_indices_are_checked_once_when_they_are_given() {
    let ids = ein::ndarray::array![[0i16, 2], [1, 3]];
    let bad = take().bind().size("V", 3).constant("ids", ids.view()).and_then(ein::Binder::build);
    assert_eq!(bad.err().map(|e| e.diagnostics()[0].code.0), Some(917));
    let bound = take().bind().size("V", 4).constant("ids", ids.view()).and_then(ein::Binder::build).expect("inside");
    let x = ein::ndarray::array![1.0f32, 2.0, 3.0, 4.0];
    let y = bound.call(&[x.view().into()]).expect("runs");
    assert_eq!(y.array::<f32>("y").expect("f32").as_slice(), Some(&[4.0, 6.0][..]));
}

#[test]
fn floats_are_no_indices() {
    let (ids, x) = (ein::ndarray::array![[0.0f32, 1.0]], ein::ndarray::array![1.0f32, 2.0]);
    let error = take().call([("ids", TensorRef::from(ids.view())), ("x", x.view().into())]).expect_err("floats");
    assert_eq!(error.diagnostics()[0].code.0, 905, "{error}");
}
