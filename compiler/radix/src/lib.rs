//! From a plan to a circuit over integers, for schemes that encrypt each element by itself.
//!
//! A plan says in which order tensors are computed; here its loops are written out, element by element, until only operations on single
//! integers are left. What depends on indices alone is decided on the way. What depends on data, secret or not, becomes a choice among values
//! that are all computed: nobody sees which one is taken. Equal operations are one, also across equations, and what no result needs goes.
//!
//! The results are those of the program to the last bit: integers wrap where its types wrap, and the width of every value follows from the stated
//! ranges of the operands.
//!
//! What this crate must not know: syntax, the optimiser, schemes and their libraries.

mod access;
mod builder;
mod divide;
mod reduce;
mod refuse;
mod scalar;
mod step;

use builder::Builder;
use ein_ir::circuit::{Circuit, InputDecl, Op, OutputDecl, verify};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::Class;
use ein_ir::entity::{Input, Tensor, Wire};
use ein_ir::plan::{Place, Plan};
use ein_ir::range::Range;
use ein_ir::span::Span;
use ein_ir::tensor::{Module, TensorDecl};
use ein_ir::verified::Verified;
use std::collections::BTreeMap;

/// Bootstraps of a circuit: at some ten milliseconds each, a day of one processor.
pub const MAX_BOOTSTRAPS: u64 = 10_000_000;
/// Operations of a circuit, and elements of its operands and intermediate tensors.
pub const MAX_NODES: usize = 1 << 21;
/// Turns of loops that are written out.
const MAX_TURNS: u64 = 1 << 24;

/// The circuit of a plan of a module, whose tensors say which of them are secret and in which ranges they are; and which step of the plan each
/// of its operations is of.
///
/// # Errors
/// What integers on ciphertexts cannot do, each with its place: E0713, E0716, E0717, E0190; E0721 for more work than anybody would wait for, and
/// E0718 if there is nothing to encrypt.
pub fn lower(module: &Verified<Module>, plan: &Verified<Plan>) -> Result<(Verified<Circuit>, Vec<Step>), Vec<Diagnostic>> {
    let mut lowerer = Lowerer::new(plan);
    let mut errors = Vec::new();
    for (&param, &buffer) in module.params.iter().zip(&plan.inputs) {
        errors.extend(lowerer.input(&module.tensors[param], buffer).err());
    }
    if errors.is_empty() {
        errors.extend(lowerer.constants().and_then(|()| lowerer.steps()).err());
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let (circuit, steps) = lowerer.finish(module).map_err(|e| vec![e])?;
    verify::verify(circuit).map(|circuit| (circuit, steps)).map_err(|errors| {
        let internal = |e: &ein_ir::verified::VerifierError| Diagnostic::error(199, "internal", format!("a circuit is broken: {e}"));
        errors.iter().take(3).map(internal).collect()
    })
}

/// The operations that a step of a plan added to those of the steps before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The tensor that it computes.
    pub name: String,
    /// Its equation.
    pub span: Span,
    /// What is computed on ciphertexts and what a result needs, in order.
    pub wires: Vec<Wire>,
}

/// The elements of a buffer.
#[derive(Clone, Debug)]
enum Elements {
    /// Row-major; an element that no equation defines has no value, and is not read where it matters.
    Known(Vec<Option<Wire>>),
    /// Numbers that are no integers, computed from public ones.
    Foreign,
}

struct Lowerer<'a> {
    plan: &'a Plan,
    builder: Builder,
    buffers: BTreeMap<Tensor, Elements>,
    n_elements: usize,
    turns: u64,
}

impl<'a> Lowerer<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut builder = Builder::default();
        builder.circuit.name.clone_from(&plan.header.program);
        Self { plan, builder, buffers: BTreeMap::new(), n_elements: 0, turns: 0 }
    }

    fn input(&mut self, decl: &TensorDecl, buffer: Tensor) -> Result<(), Diagnostic> {
        let sizes: Vec<u64> = decl.index_of.iter().filter_map(|size| u64::try_from(size.as_constant()?).ok()).collect();
        let range = match (Range::of_declared(decl, &sizes), decl.dtype.class()) {
            (Range::Integer(range), Class::Bool | Class::Signed | Class::Unsigned) => range,
            _ if decl.secret => return Err(refuse::reals(decl)),
            _ => {
                self.buffers.insert(buffer, Elements::Foreign);
                return Ok(());
            }
        };
        let n = self.allocate(buffer)?;
        let shape = self.plan.buffers[buffer].extents.clone();
        let input = InputDecl { name: decl.name.clone(), secret: decl.secret, dtype: decl.dtype, shape, range };
        let id: Input = self.builder.circuit.inputs.push(input);
        let elements = (0..n as u64).map(|at| self.builder.push(Op::Input(id, at), None).map(Some)).collect::<Result<_, _>>();
        self.buffers.insert(buffer, Elements::Known(elements.map_err(|stop| refuse::stopped(stop, decl.span))?));
        Ok(())
    }

    /// Values that the plan knows.
    fn constants(&mut self) -> Result<(), Diagnostic> {
        for (id, buffer) in &self.plan.buffers {
            let Place::Constant(values) = &buffer.place else { continue };
            let numbers: Option<Vec<i128>> = values.iter().map(|literal| refuse::integer(*literal, buffer.dtype)).collect();
            let Some(numbers) = numbers else {
                self.buffers.insert(id, Elements::Foreign);
                continue;
            };
            self.allocate(id)?;
            let wires = numbers.into_iter().map(|n| self.builder.constant(n).map(Some)).collect::<Result<_, _>>();
            self.buffers.insert(id, Elements::Known(wires.map_err(|stop| refuse::stopped(stop, buffer.span))?));
        }
        Ok(())
    }

    /// How many elements a buffer has, if there is room for them.
    fn allocate(&mut self, buffer: Tensor) -> Result<usize, Diagnostic> {
        let decl = &self.plan.buffers[buffer];
        let n = usize::try_from(decl.n_elements()).unwrap_or(usize::MAX);
        self.n_elements = self.n_elements.saturating_add(n);
        if self.n_elements > MAX_NODES { Err(refuse::too_large(decl)) } else { Ok(n) }
    }

    /// The results, and what they need.
    fn finish(mut self, module: &Module) -> Result<(Circuit, Vec<Step>), Diagnostic> {
        let mut secret = false;
        for (&result, &buffer) in module.results.iter().zip(&self.plan.outputs) {
            let decl = &self.plan.buffers[buffer];
            // What is no integer comes from public values, and is computed without ciphertexts.
            let Some(Elements::Known(elements)) = self.buffers.get(&buffer) else { continue };
            let mut wires = Vec::with_capacity(elements.len());
            for element in elements.clone() {
                wires.push(match element {
                    Some(wire) => wire,
                    None => self.builder.constant(0).map_err(|stop| refuse::stopped(stop, decl.span))?,
                });
            }
            secret |= module.tensors[result].secret;
            let name = module.tensors[result].name.clone();
            self.builder.circuit.outputs.push(OutputDecl { name, dtype: decl.dtype, shape: decl.extents.clone(), wires });
        }
        if !secret {
            return Err(refuse::nothing_secret(&module.name));
        }
        let (circuit, steps) = self.builder.finish();
        let bootstraps = circuit.cost().bootstraps;
        if bootstraps > MAX_BOOTSTRAPS { Err(refuse::too_much_work(&module.name, bootstraps)) } else { Ok((circuit, steps)) }
    }
}
