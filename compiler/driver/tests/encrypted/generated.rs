//! Programs of every kind that the planner takes, of random sizes, on ciphertexts: they agree with the slot simulator, and what is executed is what
//! was planned. More of them with `EIN_PROGRAMS=200 cargo test -p ein --features he-bfv --test encrypted generated`.

use crate::plans::agree_within;
use ein::Compiler;
use ein::packed::{Contract, PackOptions, VerifiedPacked};
use ein_ir::packed::Counts;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Programs that are run if nobody says how many: one of each kind, and some of the first again.
const PROGRAMS: usize = 24;

/// A kind of program over the sizes `N` and `M`; `INT` stands for an integer type, `OUT` for one as wide or wider, and `k0` and so on for small numbers.
/// The largest sizes, and of operands the largest numbers.
struct Sketch {
    source: &'static str,
    most: usize,
    bound: f64,
}

const SKETCHES: [Sketch; 14] = [
    // Polynomials of what is secret.
    Sketch {
        source: "def f<N, M>(x: secret i64[N, M], a: i64[M]) -> y: secret i64[N, M] { y[i, j] = (x[i, j] - a[j]) * (x[i, j] + k0) - k1 * x[i, j] * x[i, j] + k2; }",
        most: 12,
        bound: 9.0,
    },
    Sketch {
        source: "def f<N, M>(x: secret i64[N, M]) -> (y: secret i64[N], z: secret i64) { y[i] = sum[j](x[i, j]^2 * x[i, j]); z = k0 * sum[i, j](x[i, j]) - k1; }",
        most: 9,
        bound: 9.0,
    },
    // Layers, one after the other.
    Sketch {
        source: "def f<N, M>(x: secret i64[N], A: i64[M, N], a: i64[M], B: i64[N, M]) -> (h: secret i64[M], y: secret i64[N]) {
        h[j] = A[j, i] * x[i] + a[j];
        y[o] = sum[j](B[o, j] * (h[j] * h[j]));
    }",
        most: 9,
        bound: 9.0,
    },
    Sketch {
        source: "def f<N, M>(x: secret i64[N, M], w: secret i64[M, N]) -> y: secret i64[N, N] { y[i, j] = x[i, k] * w[k, j] - x[j, k] * w[k, i]; }",
        most: 6,
        bound: 9.0,
    },
    // Integers of other widths, wider on their way.
    Sketch {
        source: "def f<N, M>(x: secret INT[N, M] in -9..10, w: INT[M] in -9..10) -> (y: secret OUT[N], z: secret INT[N, M]) {
        y[i] = sum[j](x[i, j] as OUT * w[j] as OUT) - k0;
        z[i, j] = 0 - x[i, j];
    }",
        most: 9,
        bound: 9.0,
    },
    Sketch {
        source: "def f<N, M>(x: secret INT[N, M] in -9..10, v: secret i64[M]) -> y: secret i64[M, N] { y[j, i] = x[i, j] as i64 * v[j] + k0 * v[j]; }",
        most: 9,
        bound: 9.0,
    },
    // Guards and bands.
    Sketch {
        source: "def f<N, M>(q: secret i64[N, M], k: secret i64[N, M], v: i64[N]) -> (y: secret i64[N, N], z: secret i64[N]) {
        y[i, j] = if j <= i then sum[d](q[i, d] * k[j, d]) else 0;
        z[i] = sum[l where l <= i](q[l, 0] * v[i - l]);
    }",
        most: 6,
        bound: 9.0,
    },
    Sketch {
        source: "def f<N, M>(x: secret i64[N, M], w: i64[3, 3]) -> y: secret i64[N, M] { y[i, j] = sum[p, q](w[p, q] * x[pad(i + p - 1), pad(j + q - 1)]); }",
        most: 7,
        bound: 9.0,
    },
    Sketch {
        source: "def f<N, M>(a: secret i64[N], b: secret i64[N], m: bool[N], w: i64[M]) -> (y: secret i64[N], z: secret i64) {
        y[i] = if m[i] then a[i] * b[i] else b[i] + 1;
        z = sum[i in 0..|N|, j where i + j < |N|](a[i + j] * b[j] - 3) + w[0];
    }",
        most: 8,
        bound: 9.0,
    },
    // Scans.
    Sketch {
        source: "def f<N, M>(x: secret i64[N, M]) -> (y: secret i64[N, M], s: secret i64[M]) {
        scan t: N {
            s[n] = prev s[n] + x[t, n] from 0;
            y[t, n] = s[n] * 2;
        }
    }",
        most: 5,
        bound: 9.0,
    },
    Sketch {
        source: "def f<N, M>(v: secret i64[N], A: i64[N, N], c: i64[M]) -> u: secret i64[N] {
        scan _ in 0..3 { u[i] = A[i, j] * prev u[j] from v[i] + c[0]; }
    }",
        most: 5,
        bound: 9.0,
    },
    // Reals, and polynomials of them.
    Sketch {
        source: "def f<N, M>(x: secret f64[N, M], w: f64[M], b: f64[N]) -> y: secret f64[N] { y[i] = w[j] * x[i, j] + b[i]; }",
        most: 12,
        bound: 1.0,
    },
    Sketch {
        source: "def f<N, M>(x: secret f64[N, M], w: f64[M]) -> y: secret f64[N] {
        u[i] = sum[j](w[j] * x[i, j]) / |M|;
        y[i] = 0.5 * u[i] * u[i] - u[i] + 0.25;
    }",
        most: 8,
        bound: 1.0,
    },
    Sketch {
        source: "def f<N, M>(x: secret f32[N, M] in -1.0..1.0, w: f32[M] in -1.0..1.0) -> y: secret f32[N] {
        u[i] = sum[j](w[j] * x[i, j]);
        y[i] = approx(sigmoid, u[i], on = (-8.0, 8.0), degree <= 3);
    }",
        most: 5,
        bound: 1.0,
    },
];

/// One of them, with its sizes, in one of the contracts; at few slots its tensors take several ciphertexts.
fn planned(sketch: &Sketch, slots: u32, random: &mut StdRng) -> (VerifiedPacked, String) {
    let mut source = sketch.source.to_owned();
    let (int, out) = [("i8", "i64"), ("i16", "i32"), ("i32", "i64"), ("i16", "i64")][random.random_range(0..4)];
    source = source.replace("INT", int).replace("OUT", out);
    for name in ["k0", "k1", "k2"] {
        source = source.replace(name, &random.random_range(1..=4).to_string());
    }
    let mut size = || i64::try_from(random.random_range(1..=sketch.most)).unwrap();
    let sizes = [("N", size()), ("M", size())];
    let contract = if random.random_bool(0.5) { Contract::Free } else { Contract::Strict };
    let told = format!("{source}\n{sizes:?}, {slots} slots, {contract:?}");
    let function = Compiler::new().threads(1).compile(&source).unwrap_or_else(|e| panic!("{told}\n{e}")).main_def().unwrap();
    let packed = function.packed(&sizes, &PackOptions { slots, contract, ..PackOptions::default() });
    (packed.unwrap_or_else(|e| panic!("{told}\n{e}")), told)
}

#[test]
fn generated_programs_agree_with_the_simulator() {
    let programs = std::env::var("EIN_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(PROGRAMS);
    let mut random = StdRng::seed_from_u64(77);
    let (mut total, mut several) = (Counts::default(), 0);
    for n in 0..programs {
        let sketch = &SKETCHES[n % SKETCHES.len()];
        // Every eighth as it would be used; the others in rings that are quick.
        let slots = if n % 8 == 0 { 4096 } else { [16, 32, 128][random.random_range(0..3)] };
        let (packed, told) = planned(sketch, slots, &mut random);
        let engine = agree_within(&packed, sketch.bound, 10, slots < 4096);
        assert_eq!(engine.parameters().insecure, slots < 4096, "{told}");
        let counts = packed.counts();
        total = Counts {
            rotations: total.rotations + counts.rotations,
            mulcc: total.mulcc + counts.mulcc,
            mulcp: total.mulcp + counts.mulcp,
            ..total
        };
        several += usize::from(packed.inputs.values().any(|input| input.layout.n_chunks() > 1));
    }
    assert!(total.rotations > 100 && total.mulcc > 20 && total.mulcp > 50 && several > 2, "{total:?}, {several} of several ciphertexts");
}
