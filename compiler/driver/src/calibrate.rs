//! Measures the cost table of this machine.
//!
//! Small programs are compiled as any other and timed, interleaved, so that a drift of the machine's speed meets all of them; medians
//! count. A rate is what makes the model say the measured time: the model counts the operations of a probe, the clock gives the seconds.

mod probe;

use crate::error::Error;
use crate::program::Compiler;
use ein_ir::dtype::DType;
use ein_opt::{MAX_FIGURE, Machine};
use probe::{Clock, Probe, Ready, predicted};

/// What is measured, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// Name of the table.
    pub name: String,
    /// Threads that the figures are of.
    pub threads: usize,
    /// Samples of each probe; one takes some tenths of a second for all of them.
    pub rounds: usize,
}

/// A rate, the field that holds it, and what it is measured by; of several probes the geometric mean counts.
struct Rate {
    field: fn(&mut Machine) -> &mut u64,
    probes: &'static [Probe],
}

const LARGE: &[(&str, i64)] = &[("M", 384), ("N", 384), ("K", 384)];
const LONG: &[(&str, i64)] = &[("M", 1024), ("N", 96), ("K", 512)];
const LOOP: &[(&str, i64)] = &[("N", 4096)];

const RATES: [Rate; 8] = [
    Rate { field: |m| &mut m.product_f32, probes: &[Probe::new("product", DType::F32, LARGE), Probe::new("product", DType::F32, LONG)] },
    Rate { field: |m| &mut m.product_f64, probes: &[Probe::new("product", DType::F64, LARGE), Probe::new("product", DType::F64, LONG)] },
    Rate { field: |m| &mut m.product_c64, probes: &[Probe::new("product", DType::C64, LARGE)] },
    Rate { field: |m| &mut m.product_c128, probes: &[Probe::new("product", DType::C128, LARGE)] },
    Rate {
        field: |m| &mut m.loop_f32,
        probes: &[
            Probe::new("tropical", DType::F32, &[("N", 96)]),
            Probe::new("distances", DType::F32, &[("N", 64), ("D", 64)]),
            Probe::new("polynomial", DType::F32, LOOP),
        ],
    },
    Rate {
        field: |m| &mut m.loop_f64,
        probes: &[
            Probe::new("tropical", DType::F64, &[("N", 96)]),
            Probe::new("distances", DType::F64, &[("N", 64), ("D", 64)]),
            Probe::new("polynomial", DType::F64, LOOP),
        ],
    },
    Rate {
        field: |m| &mut m.loop_scalar,
        probes: &[Probe::new("largest", DType::F32, &[("N", 64), ("M", 64)]), Probe::new("truncate", DType::F32, LOOP)],
    },
    Rate {
        field: |m| &mut m.function,
        probes: &[
            Probe::new("exponential", DType::F32, LOOP),
            Probe::new("logarithm", DType::F32, LOOP),
            Probe::new("tangent", DType::F32, LOOP),
        ],
    },
];

/// A product whose sums are so short that loading and storing is most of it.
const SHALLOW: Probe = Probe::new("product", DType::F32, &[("M", 256), ("N", 256), ("K", 4)]);

/// Matrices of [`PRODUCTS`].
const N_PRODUCTS: f64 = 64.0;
/// Products as small as are made by the library.
const PRODUCTS: Probe = Probe::new("products", DType::F32, &[("B", 64), ("N", 16)]);
/// Steps of [`STEPS`] beyond the one of [`STEP`].
const MORE_STEPS: f64 = 9.0;
const STEPS: Probe = Probe { opt_level: 0, ..Probe::new("steps", DType::F32, &[]) };
const STEP: Probe = Probe { opt_level: 0, ..Probe::new("step", DType::F32, &[]) };

/// Streams of 3 x 4 bytes an element, from what a small cache holds to what none does.
const STREAMS: [Probe; 7] = [
    Probe::new("stream", DType::F32, &[("N", 1 << 12)]),
    Probe::new("stream", DType::F32, &[("N", 1 << 14)]),
    Probe::new("stream", DType::F32, &[("N", 1 << 16)]),
    Probe::new("stream", DType::F32, &[("N", 1 << 18)]),
    Probe::new("stream", DType::F32, &[("N", 1 << 20)]),
    Probe::new("stream", DType::F32, &[("N", 1 << 22)]),
    Probe::new("stream", DType::F32, &[("N", 1 << 24)]),
];
/// Bytes that an element of a stream moves.
const STREAM_BYTES: f64 = 12.0;

/// Measures this machine. `progress` is told how many of how many samples are taken.
///
/// The figures differ from run to run, as times do: a plan that is to be the same again needs the same file.
///
/// # Errors
/// As compiling and running a program: no memory, no threads.
pub fn calibrate(how: &Calibration, progress: &mut dyn FnMut(usize, usize)) -> Result<Machine, Error> {
    let mut machine = Machine { name: how.name.clone(), threads: how.threads as u64, ..Machine::default() };
    machine.check().map_err(|e| crate::machine::malformed(&format!("the machine table is refused: {e}")))?;
    let mut times = measure(&all_probes(), how, progress)?.into_iter();
    for rate in &RATES {
        let mut logs = 0.0;
        for probe in rate.probes {
            let operations = predicted(probe, &unit_machine(rate.field))?;
            logs += (operations / times.next().unwrap_or(1.0)).ln();
        }
        *(rate.field)(&mut machine) = figure((logs / rate.probes.len() as f64).exp() * 1000.0, 1);
    }
    let mut next = || times.next().unwrap_or(1.0);
    let (shallow, products, steps, step) = (next(), next(), next(), next());
    machine.step = figure((steps - step) / MORE_STEPS, 0);
    let rate = machine.product_f32 as f64 / 1000.0;
    machine.product_depth = figure(shallow * rate / (2.0 * 256.0 * 256.0) - 4.0, 0);
    let flops = 2.0 * 16.0 * 16.0 * (16.0 + machine.product_depth as f64);
    machine.product_call = figure(products / N_PRODUCTS - flops / rate, 0);
    set_memory(&mut machine, &std::array::from_fn(|_| next()));
    Ok(machine)
}

/// Every probe, in the order in which [`calibrate`] uses the times.
fn all_probes() -> Vec<Probe> {
    RATES.iter().flat_map(|rate| rate.probes).copied().chain([SHALLOW, PRODUCTS, STEPS, STEP]).chain(STREAMS).collect()
}

/// Nanoseconds of a call of each probe.
fn measure(probes: &[Probe], how: &Calibration, progress: &mut dyn FnMut(usize, usize)) -> Result<Vec<f64>, Error> {
    let compiler = Compiler::new().threads(how.threads);
    let clock = if how.threads > 1 { Clock::Wall } else { Clock::Thread };
    let all = probes.len() * (how.rounds + 1);
    let mut done = 0;
    let mut step = || {
        done += 1;
        progress(done, all);
    };
    let mut ready = Vec::with_capacity(probes.len());
    for probe in probes {
        ready.push(Ready::new(probe, &compiler, clock)?);
        step();
    }
    for _ in 0..how.rounds {
        for probe in &mut ready {
            probe.sample()?;
            step();
        }
    }
    Ok(ready.iter_mut().map(Ready::nanoseconds).collect())
}

/// A machine that does one operation of a kind a nanosecond, and everything else at once.
fn unit_machine(field: fn(&mut Machine) -> &mut u64) -> Machine {
    let most = MAX_FIGURE;
    let mut machine = Machine {
        product_f32: most,
        product_f64: most,
        product_c64: most,
        product_c128: most,
        product_depth: 0,
        product_call: 0,
        loop_f32: most,
        loop_f64: most,
        loop_scalar: most,
        function: most,
        memory_bytes: most,
        cache_bytes: most,
        step: 0,
        ..Machine::default()
    };
    *field(&mut machine) = 1000;
    machine
}

/// The rates of the smallest and the largest stream, and the size up to which streams are nearer to the former.
fn set_memory(machine: &mut Machine, times: &[f64; STREAMS.len()]) {
    let n_bytes = |probe: &Probe| STREAM_BYTES * probe.sizes[0].1 as f64;
    let rates: Vec<(f64, f64)> = STREAMS.iter().zip(times).map(|(probe, time)| (n_bytes(probe), n_bytes(probe) / time)).collect();
    let rate_at = |n: usize| rates[n].1;
    let (cache, memory) = (rate_at(0).max(rate_at(1)), rate_at(STREAMS.len() - 1));
    let middle = (cache * memory).sqrt();
    let held = rates.iter().rfind(|(_, rate)| *rate >= middle);
    machine.memory_bytes = figure(memory * 1000.0, 1);
    machine.cache_bytes = figure(cache.max(memory) * 1000.0, 1);
    machine.cache_size = figure(held.map_or(0.0, |(bytes, _)| *bytes), 0);
}

/// A measured figure as a table may have it.
fn figure(value: f64, least: u64) -> u64 {
    // The conversion saturates, and takes what is no number to 0.
    (value.round() as u64).clamp(least, MAX_FIGURE)
}
