//! One small program that is timed, compiled as any other.

use crate::bound::Bound;
use crate::error::Error;
use crate::program::Compiler;
use ein_ir::dtype::DType;
use ein_opt::Machine;
use ein_runtime::{Tensor, TensorMut, TensorRef};
use num_complex::Complex;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The programs, in f32, an empty line between two defs.
const SOURCE: &str = include_str!("probes.ein");

/// Seconds of one sample: long against the clock and the noise of a system, short against a turn of its scheduler.
const SAMPLE_SECONDS: f64 = 2e-3;

/// A def at some sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Probe {
    pub(super) def: &'static str,
    /// Element type that takes the place of f32.
    pub(super) dtype: DType,
    pub(super) sizes: &'static [(&'static str, i64)],
    /// 0 keeps steps apart.
    pub(super) opt_level: u8,
}

impl Probe {
    pub(super) const fn new(def: &'static str, dtype: DType, sizes: &'static [(&'static str, i64)]) -> Self {
        Self { def, dtype, sizes, opt_level: 1 }
    }

    /// Its def alone: of a type that another def does not take, that would be a mistake.
    fn source(&self) -> String {
        let is_meant = |text: &&str| text.strip_prefix("def ").is_some_and(|t| t.split(['<', '(']).next() == Some(self.def));
        SOURCE.split("\n\n").find(is_meant).unwrap_or(SOURCE).replace("f32", self.dtype.name())
    }
}

/// A probe that is ready to run.
pub(super) struct Ready {
    bound: Bound,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    calls: usize,
    samples: Vec<f64>,
    clock: Clock,
}

/// What time is taken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Processor time of this thread: what else runs on the machine does not count.
    Thread,
    /// Wall time, for work of several threads.
    Wall,
}

impl Clock {
    fn now(self, wall: &Instant) -> Duration {
        match self {
            Clock::Wall => wall.elapsed(),
            Clock::Thread => cpu_time::ThreadTime::try_now().map_or_else(|_| wall.elapsed(), |time| time.as_duration()),
        }
    }
}

impl Ready {
    pub(super) fn new(probe: &Probe, compiler: &Compiler, clock: Clock) -> Result<Self, Error> {
        let program = compiler.clone().opt_level(probe.opt_level).compile(&probe.source())?;
        let function = program.def(probe.def)?;
        let plan = function.specialised(probe.sizes)?.plan;
        let shape = |t| -> Vec<usize> { plan.buffers[t].extents.iter().map(|e| *e as usize).collect() };
        let inputs = plan.inputs.iter().map(|t| filled(plan.buffers[*t].dtype, &shape(*t))).collect::<Result<Vec<_>, Error>>()?;
        let outputs =
            plan.outputs.iter().map(|t| Ok(Tensor::zeros(plan.buffers[*t].dtype, &shape(*t))?)).collect::<Result<Vec<_>, Error>>()?;
        let views: Vec<TensorRef<'_>> = inputs.iter().map(TensorRef::from).collect();
        let bound = function.bind().like(&views).build()?;
        let mut ready = Self { bound, inputs, outputs, calls: 1, samples: Vec::new(), clock };
        ready.choose_calls()?;
        Ok(ready)
    }

    /// As many calls as make a sample, found by doubling; also warms caches and pages.
    fn choose_calls(&mut self) -> Result<(), Error> {
        while self.time()? * (self.calls as f64) < SAMPLE_SECONDS {
            self.calls *= 2;
        }
        Ok(())
    }

    /// Takes one more sample.
    pub(super) fn sample(&mut self) -> Result<(), Error> {
        let seconds = self.time()?;
        self.samples.push(seconds);
        Ok(())
    }

    /// Nanoseconds of a call: the median.
    pub(super) fn nanoseconds(&mut self) -> f64 {
        self.samples.sort_by(f64::total_cmp);
        self.samples.get(self.samples.len() / 2).copied().unwrap_or(0.0).max(1e-9) * 1e9
    }

    /// Seconds of a call.
    fn time(&mut self) -> Result<f64, Error> {
        let views: Vec<TensorRef<'_>> = self.inputs.iter().map(TensorRef::from).collect();
        let mut outputs: Vec<TensorMut<'_>> = self.outputs.iter_mut().map(TensorMut::from).collect();
        let wall = Instant::now();
        let begin = self.clock.now(&wall);
        for _ in 0..self.calls {
            self.bound.call_into(black_box(&views), &mut outputs)?;
        }
        Ok(self.clock.now(&wall).saturating_sub(begin).as_secs_f64() / self.calls as f64)
    }
}

/// Values from 0.5 to 1.5: none of them a special case, and every page of the array written.
fn filled(dtype: DType, shape: &[usize]) -> Result<Tensor, Error> {
    let n = shape.iter().product();
    let values = (0..n).map(|k: usize| 0.5 + (k % 97) as f64 / 97.0);
    Ok(match dtype {
        DType::F64 => Tensor::from_vec::<f64>(shape, values.collect())?,
        DType::C64 => Tensor::from_vec(shape, values.map(|x| Complex::new(x as f32, 0.25)).collect())?,
        DType::C128 => Tensor::from_vec(shape, values.map(|x| Complex::new(x, 0.25)).collect())?,
        _ => Tensor::from_vec(shape, values.map(|x| x as f32).collect())?,
    })
}

/// Nanoseconds that the model gives a probe on a machine: the plan is the one that is timed.
pub(super) fn predicted(probe: &Probe, machine: &Machine) -> Result<f64, Error> {
    let program = Compiler::new().threads(1).opt_level(probe.opt_level).compile(&probe.source())?;
    let plan = program.def(probe.def)?.specialised(probe.sizes)?.plan;
    Ok(ein_opt::predicted(&plan, machine) as f64)
}
