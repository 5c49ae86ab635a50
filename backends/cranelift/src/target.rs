//! Which processor code is made for.

use crate::error::Error;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use std::fmt;
use std::str::FromStr;

/// What code is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Target {
    /// The processor.
    pub cpu: Cpu,
}

impl Target {
    /// This machine, with all that it can do.
    pub const HOST: Target = Target { cpu: Cpu::Host };
}

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Cpu {
    /// The one that runs the compiler.
    #[default]
    Host,
    /// SSE4.2 and POPCNT, without fused multiply-add: the least that code is made for on x86-64.
    X86_64V2,
    /// AVX2, FMA and BMI. What `ein emit` shows by default.
    X86_64V3,
    /// AVX-512.
    X86_64V4,
    /// 64-bit Arm with Advanced SIMD.
    Aarch64,
}

/// Features of x86-64-v2 in Cranelift's spelling.
const V2: [&str; 6] = ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt", "has_cmpxchg16b"];
/// What x86-64-v3 adds.
const V3: [&str; 6] = ["has_avx", "has_avx2", "has_fma", "has_bmi1", "has_bmi2", "has_lzcnt"];
/// What x86-64-v4 adds, as far as Cranelift makes use of it.
const V4: [&str; 3] = ["has_avx512f", "has_avx512dq", "has_avx512vl"];

impl Cpu {
    /// Every processor, in declaration order.
    pub const ALL: [Cpu; 5] = [Cpu::Host, Cpu::X86_64V2, Cpu::X86_64V3, Cpu::X86_64V4, Cpu::Aarch64];

    /// The spelling of `--cpu`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cpu::Host => "host",
            Cpu::X86_64V2 => "x86-64-v2",
            Cpu::X86_64V3 => "x86-64-v3",
            Cpu::X86_64V4 => "x86-64-v4",
            Cpu::Aarch64 => "aarch64",
        }
    }

    fn features(self) -> impl Iterator<Item = &'static str> {
        let (v2, v3, v4) = match self {
            Cpu::Host | Cpu::Aarch64 => (false, false, false),
            Cpu::X86_64V2 => (true, false, false),
            Cpu::X86_64V3 => (true, true, false),
            Cpu::X86_64V4 => (true, true, true),
        };
        let level = |on: bool, names: &'static [&'static str]| if on { names } else { &[] };
        [level(v2, &V2), level(v3, &V3), level(v4, &V4)].into_iter().flatten().copied()
    }

    fn builder(self) -> Result<isa::Builder, Error> {
        let unsupported = |e: &dyn fmt::Display| Error::UnsupportedTarget(format!("{}: {e}", self.name()));
        let mut builder = match self {
            Cpu::Host => cranelift_native::builder().map_err(|e| unsupported(&e))?,
            // One triple on every host, so that the text of the code is the same everywhere.
            Cpu::X86_64V2 | Cpu::X86_64V3 | Cpu::X86_64V4 => {
                isa::lookup_by_name("x86_64-unknown-linux-gnu").map_err(|e| unsupported(&e))?
            }
            Cpu::Aarch64 => isa::lookup_by_name("aarch64-unknown-linux-gnu").map_err(|e| unsupported(&e))?,
        };
        for feature in self.features() {
            builder.enable(feature).map_err(|e| unsupported(&e))?;
        }
        Ok(builder)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Cpu {
    type Err = ();
    /// Also takes `generic`: the least of the host's architecture.
    fn from_str(s: &str) -> Result<Self, ()> {
        match s {
            "generic" if cfg!(target_arch = "aarch64") => Ok(Cpu::Aarch64),
            "generic" => Ok(Cpu::X86_64V2),
            _ => Self::ALL.into_iter().find(|c| c.name() == s).ok_or(()),
        }
    }
}

/// The instruction set of a processor, with the settings that all code is made with.
///
/// # Errors
///
/// [`Error::UnsupportedTarget`].
pub(crate) fn isa(cpu: Cpu) -> Result<OwnedTargetIsa, Error> {
    let isa = cpu.builder()?.finish(flags()).map_err(|e| Error::UnsupportedTarget(e.to_string()))?;
    if isa.triple().architecture.to_string() == "x86_64" && !V2.iter().all(|f| has(&*isa, f)) {
        // Cranelift would call functions of libm for `floor`, and has no lowering of some vector operations.
        return Err(Error::UnsupportedTarget("x86-64 without SSE4.2".to_owned()));
    }
    Ok(isa)
}

/// The instruction set of a processor, if code for it runs here.
///
/// # Errors
///
/// [`Error::UnsupportedTarget`], with the features that this machine lacks.
pub(crate) fn runnable_isa(cpu: Cpu) -> Result<OwnedTargetIsa, Error> {
    if cpu == Cpu::Host {
        return isa(cpu);
    }
    let (wanted, host) = (isa(cpu)?, isa(Cpu::Host)?);
    let refuse = |lacks: String| Err(Error::UnsupportedTarget(format!("{} code does not run here: {lacks}", cpu.name())));
    if wanted.triple().architecture != host.triple().architecture || wanted.default_call_conv() != host.default_call_conv() {
        return refuse(format!("this is {}", host.triple()));
    }
    let missing: Vec<_> = cpu.features().filter(|f| !has(&*host, f)).map(|f| f.trim_start_matches("has_")).collect();
    if missing.is_empty() { Ok(wanted) } else { refuse(format!("it lacks {}", missing.join(", "))) }
}

/// Whether a processor has an instruction for `a * b + c` with one rounding.
pub(crate) fn has_fma(isa: &dyn TargetIsa) -> bool {
    isa.triple().architecture.to_string() != "x86_64" || has(isa, "has_fma")
}

fn has(isa: &dyn TargetIsa, feature: &str) -> bool {
    isa.isa_flags().iter().any(|f| f.name == feature && f.as_bool() == Some(true))
}

fn flags() -> settings::Flags {
    let mut flags = settings::builder();
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in [
        ("opt_level", "speed"),
        ("enable_verifier", verify),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        // Nothing unwinds through compiled code: the runtime's functions abort on a panic.
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
    ] {
        flags.set(name, value).expect("the settings exist in the pinned Cranelift");
    }
    settings::Flags::new(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for cpu in Cpu::ALL {
            assert_eq!(cpu.name().parse(), Ok(cpu));
        }
        assert!("generic".parse::<Cpu>().is_ok());
        assert_eq!("i386".parse::<Cpu>(), Err(()));
    }

    #[test]
    fn every_processor_has_an_instruction_set() {
        for cpu in Cpu::ALL {
            assert!(isa(cpu).is_ok(), "{cpu}");
        }
        assert!(has_fma(&*isa(Cpu::X86_64V3).unwrap()));
        assert!(!has_fma(&*isa(Cpu::X86_64V2).unwrap()));
        assert!(has_fma(&*isa(Cpu::Aarch64).unwrap()));
    }

    #[test]
    fn code_for_another_architecture_is_refused() {
        let other = if cfg!(target_arch = "aarch64") { Cpu::X86_64V3 } else { Cpu::Aarch64 };
        assert!(matches!(runnable_isa(other), Err(Error::UnsupportedTarget(_))));
    }
}
