//! Programs over ciphertexts, carried out slot by slot in the clear: what a scheme without noise would give, or one whose noise is drawn.

use crate::bound::Outputs;
use crate::error::Error;
use crate::function::Function;
use crate::packed::{Available, PackOptions, Parameters, Planned, VerifiedPacked};
use crate::pipeline::{self, Packing};
use ein_he::levels::drawn;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{self, Number, Operands};
use ein_ir::packed::{OutputDecl, PublicSource};
use ein_ir::tensor::{Module, ToleranceKind};
use ein_ir::verified::{Verified, VerifierError};
use ein_runtime::{Element, Tensor, TensorRef};
use half::{bf16, f16};
use std::sync::Arc;

/// Seed of what stands where a layout says junk.
const JUNK: u64 = 0x9e37_79b9_7f4a_7c15;

impl Function {
    /// The packed program for inputs of these shapes, and its results: integers exact modulo 2^64, reals in f64.
    ///
    /// # Errors
    /// As [`Function::planned`]; a missing input; E0934 for numbers that no slot holds.
    pub fn simulate(
        &self,
        inputs: &[(&str, TensorRef<'_>)],
        sizes: &[(String, i64)],
        options: &PackOptions,
    ) -> Result<(VerifiedPacked, Vec<(String, Tensor)>), Error> {
        let (Packing { packed, clear }, assumed) = self.secure_for(&self.shapes_of(inputs), sizes, options)?;
        let Carried { outputs, outside } = self.carried_out(&packed, clear, inputs, None, &assumed)?;
        // Nothing is assumed unless a result states what it may be off by.
        self.within_what_is_assumed(&outside)?;
        Ok((packed, outputs))
    }

    /// As [`Function::simulate`], with noise that follows from a seed in the numbers of a program of reals.
    ///
    /// # Errors
    /// As [`Function::simulate`].
    pub fn simulate_with_noise(
        &self,
        inputs: &[(&str, TensorRef<'_>)],
        sizes: &[(String, i64)],
        options: &PackOptions,
        seed: u64,
    ) -> Result<Noisy, Error> {
        let module = self.with_secrets_for(&self.shapes_of(inputs), sizes, options)?;
        let (packing, levels) = pipeline::pack_leveled(&module, options, Available::default()).map_err(|found| self.located(found))?;
        let noise = levels.as_ref().map(|levels| (&levels.parameters, seed));
        let assumed = levels.as_ref().and_then(|levels| levels.errors.as_ref()).map_or(Vec::new(), |errors| errors.assumed.clone());
        let Carried { outputs, outside } = self.carried_out(&packing.packed, packing.clear, inputs, noise, &assumed)?;
        if module.tensors.values().any(|decl| decl.tolerance.is_some_and(|tolerance| tolerance.kind == ToleranceKind::Abs)) {
            self.within_what_is_assumed(&outside)?;
        }
        let planned = Planned { program: packing.packed, levels, clear: None, open: Vec::new() };
        Ok(Noisy { planned, results: outputs, outside })
    }

    /// Refuses operands for which what results state they may be off by is not known to hold.
    fn within_what_is_assumed(&self, outside: &[Outside]) -> Result<(), Error> {
        let Some(found) = outside.first() else { return Ok(()) };
        let message = format!(
            "`{}` has elements beyond -1..1 and no declared range, and what is stated of the results is known of elements in -1..1 alone",
            found.name
        );
        let refused = Diagnostic::error(722, "he-budget", message).help(found.remedy());
        let module = self.module();
        let decl = module.params.iter().map(|param| &module.tensors[*param]).find(|decl| decl.name == found.name);
        let located = decl.map_or(refused.clone(), |decl| refused.at(decl.span, "no range is declared"));
        Err(self.located(vec![located]))
    }

    fn shapes_of<'t>(&self, inputs: &'t [(&str, TensorRef<'_>)]) -> Vec<Option<&'t [usize]>> {
        let find = |name: &str| inputs.iter().find(|(given, _)| *given == name).map(|(_, tensor)| tensor);
        self.inputs().into_iter().map(|name| find(name).map(TensorRef::shape)).collect()
    }

    /// The results of a packed program; reals with the noise of a scheme with these parameters, if there are any.
    fn carried_out(
        &self,
        packed: &VerifiedPacked,
        clear: Option<Verified<Module>>,
        inputs: &[(&str, TensorRef<'_>)],
        noise: Option<(&Parameters, u64)>,
        assumed: &[String],
    ) -> Result<Carried, Error> {
        let given = packed.publics.values().filter(|public| public.source == PublicSource::Given);
        let names: (Vec<&str>, Vec<&str>) =
            (packed.inputs.values().map(|input| input.name.as_str()).collect(), given.map(|public| public.name.as_str()).collect());
        let computed = clear.map(|clear| Function::new(clear, Arc::clone(self.shared())).in_the_clear(inputs)).transpose()?;
        let computed: Vec<(&str, TensorRef<'_>)> =
            computed.iter().flat_map(Outputs::iter).map(|(name, x)| (name, TensorRef::from(x))).collect();
        let find = |name: &str| inputs.iter().chain(&computed).find(|(given, _)| *given == name).map(|(_, tensor)| tensor);
        let missing = |name: &str| ein_runtime::Error::MissingInput { name: name.to_owned() };
        let tensors = |names: &[&str]| names.iter().map(|name| find(name).ok_or_else(|| missing(name))).collect::<Result<Vec<_>, _>>();
        let (secrets, publics) = (tensors(&names.0)?, tensors(&names.1)?);
        let named = names.0.iter().chain(&names.1).zip(secrets.iter().chain(&publics));
        let of = |name: &str| if inputs.iter().any(|(given, _)| *given == name) { Numbers::Given } else { Numbers::Computed };
        named.filter(|(_, tensor)| tensor.dtype().is_float()).try_for_each(|(name, tensor)| finite(name, &f64::read(tensor)?, of(name)))?;
        let (integers, reals) = packed.outputs.iter().partition::<Vec<&OutputDecl>, _>(|output| !output.dtype.is_float());
        // No integer is made of reals: those that wrap are exact beside reals too.
        let mut integers = written(&integers, run::<i64>(packed, &secrets, &publics, |output| !output.dtype.is_float())?)?.into_iter();
        let numbers = match noise {
            Some((parameters, seed)) => noisy(packed, parameters, &secrets, &publics, seed)?,
            None => run::<f64>(packed, &secrets, &publics, |output| output.dtype.is_float())?,
        };
        let mut reals = written(&reals, numbers)?.into_iter();
        let outputs = packed.outputs.iter().filter_map(|output| {
            let found = if output.dtype.is_float() { reals.next() } else { integers.next() };
            Some((output.name.clone(), found?))
        });
        let outside: Vec<Option<Outside>> = assumed
            .iter()
            .filter_map(|name| Some((name, find(name)?)))
            .map(|(name, tensor)| Ok(Outside::of(name, &f64::read(tensor)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Carried { outputs: outputs.collect(), outside: outside.into_iter().flatten().collect() })
    }

    /// Runs it on those of these arrays that are its inputs.
    ///
    /// # Errors
    /// As [`Function::call`].
    pub fn in_the_clear(&self, given: &[(&str, TensorRef<'_>)]) -> Result<Outputs, Error> {
        let inputs = self.inputs();
        self.call(given.iter().filter(|(name, _)| inputs.contains(name)).map(|(name, tensor)| (*name, tensor.clone())))
    }
}

/// Results, and the operands that are not what bounds take them to be.
struct Carried {
    outputs: Vec<(String, Tensor)>,
    outside: Vec<Outside>,
}

/// A program that was carried out with noise.
pub struct Noisy {
    /// Its plan, with what it needs of a scheme if it is one of reals.
    pub planned: Planned,
    /// Its results by name.
    pub results: Vec<(String, Tensor)>,
    /// The operands for which its bounds do not hold.
    pub outside: Vec<Outside>,
}

/// An operand without a declared range that has elements beyond -1..1, where bounds take them to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// Its name.
    pub name: String,
    /// A power of two than which none is farther from 0: elements themselves may be secret.
    pub within: f64,
}

impl Outside {
    fn of(name: &str, numbers: &[f64]) -> Option<Self> {
        let largest = numbers.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        (largest > 1.0).then(|| Self { name: name.to_owned(), within: largest.log2().ceil().exp2() })
    }

    /// What to declare.
    #[must_use]
    pub fn remedy(&self) -> String {
        format!("declare a range of `{}` behind its type: `in -{end:?}..{end:?}`", self.name, end = self.within)
    }
}

/// Where the numbers of an operand come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Whoever calls brings them.
    Given,
    /// They are computed in the clear.
    Computed,
}

/// Refuses what no slot holds.
pub(crate) fn finite(name: &str, numbers: &[f64], from: Numbers) -> Result<(), Error> {
    let Some((n, number)) = numbers.iter().enumerate().find(|(_, number)| !number.is_finite()) else { return Ok(()) };
    let message = format!("element {n} of `{name}` is {number}, and a slot holds a finite number");
    let help = match from {
        Numbers::Given => "replace it in the array by a number, such as 0 where nothing is known",
        Numbers::Computed => {
            "divisors and functions in the clear must have values wherever they are read; an `if` on a public condition leaves others out"
        }
    };
    Err(Diagnostic::error(934, "he-operands", message).help(help).into())
}

/// Numbers of slots, to and from the elements of arrays.
pub(crate) trait Slot: Number {
    fn read(tensor: &TensorRef<'_>) -> Result<Vec<Self>, Error>;
    fn write(dtype: DType, shape: &[usize], numbers: &[Self]) -> Result<Tensor, Error>;
}

macro_rules! slot {
    ($slot:ty, $($dtype:ident => $element:ty),*) => {
        // Integers wrap and reals are rounded, as their types say.
        impl Slot for $slot {
            fn read(tensor: &TensorRef<'_>) -> Result<Vec<Self>, Error> {
                match tensor.dtype() {
                    $(DType::$dtype => Ok(elements::<$element>(tensor)?.into_iter().map(|x| x as $slot).collect()),)*
                    DType::F16 => Ok(elements::<f16>(tensor)?.into_iter().map(|x| x.to_f64() as $slot).collect()),
                    DType::BF16 => Ok(elements::<bf16>(tensor)?.into_iter().map(|x| x.to_f64() as $slot).collect()),
                    other => Err(refused(other)),
                }
            }

            fn write(dtype: DType, shape: &[usize], numbers: &[Self]) -> Result<Tensor, Error> {
                match dtype {
                    $(DType::$dtype => Ok(Tensor::from_vec(shape, numbers.iter().map(|&x| x as $element).collect())?),)*
                    DType::F16 => Ok(Tensor::from_vec(shape, numbers.iter().map(|&x| f16::from_f64(x as f64)).collect())?),
                    DType::BF16 => Ok(Tensor::from_vec(shape, numbers.iter().map(|&x| bf16::from_f64(x as f64)).collect())?),
                    other => Err(refused(other)),
                }
            }
        }
    };
}

// Of reals no integer is made: what stands for them there is of no account.
slot!(i64, I8 => i8, I16 => i16, I32 => i32, I64 => i64, U8 => u8, U16 => u16, U32 => u32, U64 => u64, F32 => f32, F64 => f64);
slot!(f64, I8 => i8, I16 => i16, I32 => i32, I64 => i64, U8 => u8, U16 => u16, U32 => u32, U64 => u64, F32 => f32, F64 => f64);

/// Numbers of slots as an array of a type.
#[cfg(feature = "he-bfv")]
pub(crate) fn array<T: Slot>(dtype: DType, shape: &[usize], numbers: &[T]) -> Result<Tensor, Error> {
    T::write(dtype, shape, numbers)
}

fn elements<T: Element>(tensor: &TensorRef<'_>) -> Result<Vec<T>, Error> {
    Ok(tensor.as_array::<T>()?.iter().copied().collect())
}

fn refused(dtype: DType) -> Error {
    let help = "declare it as f32, f64 or an integer of 8 bits or more";
    Diagnostic::error(716, "he-dtype", format!("slots do not hold elements of type {dtype}")).help(help).into()
}

fn operands<T: Slot>(secrets: &[&TensorRef<'_>], publics: &[&TensorRef<'_>]) -> Result<Operands<T>, Error> {
    let read = |tensors: &[&TensorRef<'_>]| tensors.iter().map(|tensor| T::read(tensor)).collect::<Result<Vec<_>, _>>();
    Ok(Operands { secrets: read(secrets)?, publics: read(publics)?, seed: JUNK })
}

fn broken(errors: Vec<VerifierError>) -> Error {
    let internal = |e: &VerifierError| Diagnostic::error(199, "internal", format!("a packed program is wrong: {e}"));
    errors.iter().map(internal).collect::<Vec<_>>().into()
}

/// The results that are wanted.
fn run<T: Slot>(
    packed: &VerifiedPacked,
    secrets: &[&TensorRef<'_>],
    publics: &[&TensorRef<'_>],
    wanted: impl Fn(&OutputDecl) -> bool,
) -> Result<Vec<Vec<T>>, Error> {
    if !packed.outputs.iter().any(&wanted) {
        return Ok(Vec::new());
    }
    slots::run_for(packed, &operands(secrets, publics)?, &wanted).map_err(broken)
}

/// The results that are reals, with noise.
fn noisy(
    packed: &VerifiedPacked,
    parameters: &Parameters,
    secrets: &[&TensorRef<'_>],
    publics: &[&TensorRef<'_>],
    seed: u64,
) -> Result<Vec<Vec<f64>>, Error> {
    let all = drawn::run(packed, parameters, &operands(secrets, publics)?, seed).map_err(broken)?;
    Ok(packed.outputs.iter().zip(all).filter(|(output, _)| output.dtype.is_float()).map(|(_, numbers)| numbers).collect())
}

fn written<T: Slot>(outputs: &[&OutputDecl], numbers: Vec<Vec<T>>) -> Result<Vec<Tensor>, Error> {
    let written = outputs.iter().zip(&numbers).map(|(output, numbers)| {
        let shape: Vec<usize> = output.layout.shape.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
        T::write(output.dtype, &shape, numbers)
    });
    written.collect()
}
