//! Time to plan packed programs, and what the plans take.
//!
//! `cargo bench --bench packed [NAME]` prints one line a plan: milliseconds of the processor (the least of three plans, or the first one where that
//! takes longer than a second), those of the simulator that carries it out on reals (the least of three runs), the weight of the plan in rotations, and its operations. First are the fifteen products by which packings are compared
//! in the literature, then larger ones, then programs.

#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark prints its table")]

use cpu_time::ThreadTime;
use ein::packed::{Available, Contract, Costs, PackOptions, VerifiedPacked};
use ein::{Compiler, DType, Einsum, Error, Function};
use ein_ir::interp::slots::{Operands, run};
use ein_ir::packed::PublicSource;

/// Equation, shapes, secret operands.
type Product = (&'static str, &'static [&'static [usize]], &'static [&'static str]);

const PRODUCTS: [Product; 24] = [
    ("ij->ji", &[&[128, 128]], &["A"]),
    ("ij->", &[&[128, 128]], &["A"]),
    ("ij->j", &[&[128, 128]], &["A"]),
    ("ij->i", &[&[128, 128]], &["A"]),
    ("ik,k->i", &[&[128, 128], &[128]], &["A", "B"]),
    ("ik,kj->ij", &[&[16, 32], &[32, 32]], &["A", "B"]),
    ("i,i->", &[&[16384], &[16384]], &["A", "B"]),
    ("ij,ij->", &[&[128, 128], &[128, 128]], &["A", "B"]),
    ("ij,ij->ij", &[&[128, 128], &[128, 128]], &["A", "B"]),
    ("i,j->ij", &[&[128], &[128]], &["A", "B"]),
    ("ijk,ikl->ijl", &[&[16, 8, 8], &[16, 8, 8]], &["A", "B"]),
    ("ij,ij,ij->ij", &[&[128, 128], &[128, 128], &[128, 128]], &["A", "B", "C"]),
    ("ij,jk,kl->il", &[&[16, 8], &[8, 8], &[8, 16]], &["A", "B", "C"]),
    ("ik,jkl,il->ij", &[&[8, 16], &[8, 16, 16], &[8, 16]], &["A", "B", "C"]),
    ("pqrs,tuqvr->pstuv", &[&[2, 4, 8, 8], &[1, 4, 4, 2, 8]], &["A", "B"]),
    ("abcd->dcba", &[&[8, 8, 16, 16]], &["A"]),
    ("ij,jk->ik", &[&[64, 64], &[64, 64]], &["A", "B"]),
    ("ij,jk->ik", &[&[128, 128], &[128, 128]], &["A", "B"]),
    ("ij,jk->ik", &[&[256, 256], &[256, 256]], &["A", "B"]),
    ("ij,j->i", &[&[1024, 1024], &[1024]], &["B"]),
    ("ij,j->i", &[&[4096, 4096], &[4096]], &["B"]),
    ("ij->i", &[&[8192, 8192]], &["A"]),
    ("ab,bc,cd,de,ef,fg->ag", &[&[6, 7], &[7, 5], &[5, 9], &[9, 3], &[3, 8], &[8, 6]], &["A", "C", "F"]),
    ("zceba,zb,zd->bzdce", &[&[5, 3, 9, 33, 4], &[5, 33], &[5, 2]], &["A", "B", "C"]),
];

/// Name, source, sizes, slots.
type Program = (&'static str, &'static str, &'static [(&'static str, i64)], u32);

const PROGRAMS: [Program; 8] = [
    ("attention", ATTENTION, &[("H", 2), ("S", 16), ("E", 16)], 16384),
    ("attention of 64", ATTENTION, &[("H", 4), ("S", 64), ("E", 16)], 16384),
    ("covariance", COVARIANCE, &[("N", 64), ("D", 64)], 16384),
    ("distances", DISTANCES, &[("N", 32), ("M", 16), ("D", 32)], 16384),
    ("LoRA", LORA, &[("N", 4), ("D", 128), ("R", 8)], 16384),
    ("convolution", CONVOLUTION, &[("H", 64), ("W", 64), ("C", 4), ("O", 4)], 16384),
    ("LSTM", LSTM, &[("D", 16), ("H", 32)], 4096),
    ("five axes", FIVE_AXES, &[], 1024),
];

const ATTENTION: &str =
    "def f<H, S, E>(x: secret f64[S, H*E] in -1.0..1.0, wq: f64[H, E, H*E] in -0.1..0.1, wk: f64[H, E, H*E] in -0.1..0.1, \
    wv: f64[H, E, H*E] in -0.1..0.1) -> y: secret f64[H, S, E] {
  q[h, s, e] = x[s, d] * wq[h, e, d];
  k[h, s, e] = x[s, d] * wk[h, e, d];
  v[h, s, e] = x[s, d] * wv[h, e, d];
  a[h, s, t] = approx(exp, q[h, s, e] * k[h, t, e], on = (-1.0, 1.0), degree <= 7);
  n[h, s] = sum[t](a[h, s, t]);
  r[h, s] = approx(recip, n[h, s], on = (16.0, 200.0), degree <= 15);
  y[h, s, e] = a[h, s, t] * v[h, t, e] * r[h, s];
}";
const COVARIANCE: &str = "def f<N, D>(x: secret f64[N, D]) -> c: secret f64[D, D] {
  m[d] = sum[n](x[n, d]) / (N as f64);
  c[d, e] = sum[n]((x[n, d] - m[d]) * (x[n, e] - m[e]));
}";
const DISTANCES: &str =
    "def f<N, M, D>(x: secret f64[N, D], c: f64[M, D]) -> y: secret f64[N, M] { y[n, m] = sum[d]((x[n, d] - c[m, d])^2); }";
const LORA: &str = "def f<N, D, R>(x: secret f64[N, D], w: f64[D, D], a: f64[R, D], b: f64[D, R]) -> y: secret f64[N, D] {
  y[n, o] = x[n, d] * w[o, d] + 2.0 * x[n, d] * a[r, d] * b[o, r];
}";
const CONVOLUTION: &str = "def f<C, O, H, W>(x: secret f64[C, H, W], w: f64[O, C, 3, 3]) -> y: secret f64[O, H, W] {
  y[o, i, j] = sum[c, p, q](x[c, pad(i + p - 1), pad(j + q - 1)] * w[o, c, p, q]);
}";
const LSTM: &str = "def f<D, H>(x: secret f64[D] in -1.0..1.0, h: secret f64[H] in -1.0..1.0, c: secret f64[H] in -1.0..1.0, \
    wx: f64[4, H, D] in -0.2..0.2, wh: f64[4, H, H] in -0.2..0.2) -> (hn: secret f64[H], cn: secret f64[H]) {
  g[k, j] = x[d] * wx[k, j, d] + sum[e](h[e] * wh[k, j, e]);
  s[k, j] = approx(sigmoid, g[k, j], on = (-10.0, 10.0), degree <= 15);
  t[j] = approx(tanh, g[2, j], on = (-10.0, 10.0), degree <= 15);
  cn[j] = s[1, j] * c[j] + s[0, j] * t[j];
  hn[j] = s[3, j] * approx(tanh, cn[j], on = (-2.0, 2.0), degree <= 7);
}";
const FIVE_AXES: &str =
    "def f(A: secret i64[5, 3, 9, 2, 33, 4], B: secret i64[5, 3, 33], C: secret i64[5, 3, 2]) -> y: secret i64[33, 5, 3, 2, 9, 2] {
  y[b, s, t, d, c, e] = sum[a](A[s, t, c, e, b, a] * B[s, t, b] * C[s, t, d]);
}";

fn main() -> Result<(), Error> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    for (equation, shapes, secret) in PRODUCTS {
        let name = format!(
            "{equation} {}",
            shapes.iter().map(|shape| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")).collect::<Vec<_>>().join(" ")
        );
        if is_wanted(&name) {
            let names = (0..shapes.len()).map(|n| char::from(b'A' + n as u8).to_string()).collect();
            let secret = secret.iter().map(|&name| name.to_owned()).collect();
            let function = Einsum::new(equation)?.function(shapes, &vec![DType::F64; shapes.len()])?;
            planned(&name, &function, &[], &PackOptions { names, secret, ..PackOptions::default() });
        }
    }
    for (name, source, sizes, slots) in PROGRAMS {
        if is_wanted(name) {
            planned(name, &Compiler::new().compile(source)?.main_def()?, sizes, &PackOptions { slots, ..PackOptions::default() });
        }
    }
    Ok(())
}

/// Plans under both contracts.
fn planned(name: &str, function: &Function, sizes: &[(&str, i64)], options: &PackOptions) {
    for (contract, said) in [(Contract::Free, "free"), (Contract::Strict, "strict")] {
        let options = PackOptions { contract, insecure: true, ..options.clone() };
        let mut plan = None;
        let mut once = || {
            let begin = ThreadTime::now();
            plan = Some(function.planned(sizes, &options, Available { levels: None, after_boot: None }));
            begin.elapsed().as_secs_f64()
        };
        let first = once();
        let seconds = if first > 1.0 { first } else { first.min(once()).min(once()) };
        match plan {
            Some(Ok(plan)) => {
                let counts = plan.program.counts();
                let simulated = simulated(&plan.program);
                println!("{:9.1} ms  {simulated}  {:10.2}  {name}, {said}: {counts}", seconds * 1e3, Costs::default().weigh(&counts));
            }
            Some(Err(refused)) => {
                println!(
                    "{:9.1} ms  {:>12}  {:>10}  {name}, {said}: {}",
                    seconds * 1e3,
                    "-",
                    "-",
                    refused.to_string().lines().next().unwrap_or_default()
                )
            }
            None => {}
        }
    }
}

/// How long the simulator takes to carry a plan out.
fn simulated(program: &VerifiedPacked) -> String {
    let numbers = |shape: &[u64]| (0..shape.iter().product::<u64>()).map(|n| (n * 37 % 201) as f64 / 100.0 - 1.0).collect();
    let given = program.publics.values().filter(|public| public.source == PublicSource::Given);
    let operands = Operands {
        secrets: program.inputs.values().map(|input| numbers(&input.layout.shape)).collect(),
        publics: given.map(|public| numbers(&public.shape)).collect(),
        seed: 1,
    };
    let once = || {
        let begin = ThreadTime::now();
        let is_done = run::<f64>(program, &operands).is_ok();
        is_done.then(|| begin.elapsed().as_secs_f64() * 1e3)
    };
    let least = (0..3).map_while(|_| once()).fold(f64::INFINITY, f64::min);
    format!("{least:9.1} ms")
}
