//! The text form of tensor IR: declarations first, then one definition a line.
//!
//! ```text
//! module "matmul"
//! dim d0 "M" size @4..5
//! dim d1 "N" int = 8
//! require d0 - d1 >= 0 unless_empty [d0] E0303 "M >= N" @9..15
//! reducer r0 "f" f32 [associative, distributes_over "mul"] init 0.0:f32 combine (operand(0) + operand(1))
//! tensor t0 "A" f32[d0, d1] index_of [d0] in 0.0..1.0 secret qualifier "lowrank"("rank": "64") within rel 0.001 @20..40
//! index i0 "i" 0..d0 @41..42
//! params (t0, t1)
//! results (t2)
//! t2[i0, i1] where (i0 < i1) = sum:f32[i2 where (i2 < i0)]((t0[i0, i2] * t1[i2, i1])) @43..80
//! scan i3 reverse states (t4 from t3) stacked (t5 axis 0) @81..99 {
//!   t4[i4] = (prev t4[i4] + t0[i3, i4])
//! }
//! (t6, t7) = top_k(t0) {"k": 8}
//! table t8 = [1.0, 2.0]
//! ```
//!
//! Scalars are described in [`crate::scalar::print`]. Spans stand after declarations and definitions; those of scalar nodes
//! are not printed, and a parsed scalar has the span of its definition.

use super::{
    Definition, DimKind, Equation, Generate, Module, Multi, Qualifier, ReduceOp, ReducerDecl, Relation, Require, Scan, Table, TensorDecl,
};
use super::{Tolerance, ToleranceKind};
use crate::dtype::DType;
use crate::entity::{Reducer, Tensor};
use crate::extent::Extent;
use crate::scalar::Scalar;
use crate::scalar::print::{Types, print, print_literal};
use crate::text::{float, quoted, span_suffix};
use std::fmt::{self, Display, Write};

impl Relation {
    /// Every relation, in declaration order.
    pub const ALL: [Relation; 3] = [Relation::Zero, Relation::NonZero, Relation::NonNegative];

    /// The operator before the `0`.
    #[must_use]
    pub const fn operator(self) -> &'static str {
        match self {
            Relation::Zero => "==",
            Relation::NonZero => "!=",
            Relation::NonNegative => ">=",
        }
    }
}

impl ToleranceKind {
    /// Every kind, in declaration order.
    pub const ALL: [ToleranceKind; 3] = [ToleranceKind::Rel, ToleranceKind::Abs, ToleranceKind::Out];

    /// The spelling in programs and text forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ToleranceKind::Rel => "rel",
            ToleranceKind::Abs => "abs",
            ToleranceKind::Out => "out",
        }
    }
}

/// Prints the text form.
impl Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "module {}", quoted(&self.name))?;
        for (dim, decl) in &self.dims {
            let kind = if decl.kind == DimKind::Size { "size" } else { "int" };
            write!(f, "dim {dim} {} {kind}", quoted(&decl.name))?;
            if let Some(default) = decl.default {
                write!(f, " = {default}")?;
            }
            writeln!(f, "{}", span_suffix(decl.span))?;
        }
        for require in &self.requires {
            write_require(f, require)?;
        }
        for (reducer, decl) in &self.reducers {
            write_reducer(f, reducer, decl)?;
        }
        for (tensor, decl) in &self.tensors {
            write_tensor(f, tensor, decl)?;
        }
        for (index, decl) in &self.indices {
            writeln!(f, "index {index} {} {}..{}{}", quoted(&decl.name), decl.lo, decl.hi, span_suffix(decl.span))?;
        }
        writeln!(f, "params ({})", commas(&self.params))?;
        writeln!(f, "results ({})", commas(&self.results))?;
        self.body.iter().try_for_each(|definition| write_definition(f, self, definition, 0))
    }
}

/// Items separated by commas.
pub(crate) fn commas<T: Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn write_require(f: &mut fmt::Formatter<'_>, require: &Require) -> fmt::Result {
    write!(f, "require {} {} 0", require.value, require.relation.operator())?;
    if !require.unless_empty.is_empty() {
        write!(f, " unless_empty [{}]", commas(&require.unless_empty))?;
    }
    writeln!(f, " E{:04} {}{}", require.code, quoted(&require.message), span_suffix(require.span))
}

pub(crate) fn write_reducer(f: &mut fmt::Formatter<'_>, reducer: Reducer, decl: &ReducerDecl) -> fmt::Result {
    let laws = &decl.laws;
    let flags = [(laws.associative, "associative"), (laws.commutative, "commutative"), (laws.idempotent, "idempotent")];
    let mut words: Vec<String> = flags.iter().filter(|(holds, _)| *holds).map(|(_, word)| (*word).to_owned()).collect();
    words.extend(laws.distributes_over.iter().map(|function| format!("distributes_over {}", quoted(function))));
    // Reducers read no tensors.
    let types = Types { operand: Some(decl.dtype), ..Types::new(&|_| None) };
    write!(f, "reducer {reducer} {} {} [{}]", quoted(&decl.name), decl.dtype, words.join(", "))?;
    write!(f, " init {} combine {}", print(&decl.init, types), print(&decl.combine, types))?;
    writeln!(f, "{}", span_suffix(decl.span))
}

fn write_tensor(f: &mut fmt::Formatter<'_>, tensor: Tensor, decl: &TensorDecl) -> fmt::Result {
    write!(f, "tensor {tensor} {} {}[{}]", quoted(&decl.name), decl.dtype, commas(&decl.axes))?;
    if !decl.index_of.is_empty() {
        write!(f, " index_of [{}]", commas(&decl.index_of))?;
    }
    if let Some((lo, hi)) = decl.bounds {
        write!(f, " in {}..{}", float(lo), float(hi))?;
    }
    f.write_str(if decl.secret { " secret" } else { "" })?;
    for qualifier in &decl.qualifiers {
        write_qualifier(f, qualifier)?;
    }
    if let Some(Tolerance { kind, value }) = decl.tolerance {
        write!(f, " within {} {}", kind.name(), float(value))?;
    }
    writeln!(f, "{}", span_suffix(decl.span))
}

fn write_qualifier(f: &mut fmt::Formatter<'_>, qualifier: &Qualifier) -> fmt::Result {
    let arg = |(name, value): &(Option<String>, String)| match name {
        Some(name) => format!("{}: {}", quoted(name), quoted(value)),
        None => quoted(value),
    };
    let args: Vec<String> = qualifier.args.iter().map(arg).collect();
    write!(f, " qualifier {}({})", quoted(&qualifier.name), args.join(", "))
}

fn write_definition(f: &mut fmt::Formatter<'_>, module: &Module, definition: &Definition, depth: usize) -> fmt::Result {
    write!(f, "{:width$}", "", width = 2 * depth)?;
    match definition {
        Definition::Equation(equation) => write_equation(f, module, equation),
        Definition::Scan(scan) => write_scan(f, module, scan, depth),
        Definition::Multi(multi) => write_multi(f, multi),
        Definition::Generate(generate) => write_generate(f, generate),
        Definition::Table(table) => write_table(f, table),
    }
}

fn write_equation(f: &mut fmt::Formatter<'_>, module: &Module, equation: &Equation) -> fmt::Result {
    let dtype_of = |tensor: Tensor| module.tensors.get(tensor).map(|t| t.dtype);
    let types = Types::new(&dtype_of);
    write!(f, "{}[{}]", equation.out, commas(&equation.indices))?;
    if let Some(domain) = &equation.domain {
        write!(f, " where {}", print(domain, types))?;
    }
    f.write_str(" = ")?;
    match &equation.reduce {
        Some(reduce) => {
            write_reduction(f, reduce.op, reduce.acc, &commas(&reduce.binders), reduce.guard.as_ref(), types)?;
            write!(f, "({})", print(&equation.body, types))?;
        }
        None => write!(f, "{}", print(&equation.body, types))?,
    }
    writeln!(f, "{}", span_suffix(equation.span))
}

/// `sum:f32[i2, i3 where guard]`; a reducer of the program prints as its id.
pub(crate) fn write_reduction(
    f: &mut fmt::Formatter<'_>,
    op: ReduceOp,
    acc: DType,
    binders: &str,
    guard: Option<&Scalar>,
    types: Types<'_>,
) -> fmt::Result {
    match op {
        ReduceOp::User(reducer) => write!(f, "{reducer}")?,
        op => f.write_str(op.name())?,
    }
    write!(f, ":{acc}[{binders}")?;
    if let Some(guard) = guard {
        let space = if binders.is_empty() { "" } else { " " };
        write!(f, "{space}where {}", print(guard, types))?;
    }
    f.write_char(']')
}

fn write_scan(f: &mut fmt::Formatter<'_>, module: &Module, scan: &Scan, depth: usize) -> fmt::Result {
    let state = |s: &super::State| match s.init {
        Some(init) => format!("{} from {init}", s.tensor),
        None => s.tensor.to_string(),
    };
    let states: Vec<String> = scan.states.iter().map(state).collect();
    let stacked: Vec<String> = scan.stacked.iter().map(|s| format!("{} axis {}", s.tensor, s.axis)).collect();
    let reverse = if scan.reverse { " reverse" } else { "" };
    write!(f, "scan {}{reverse} states ({}) stacked ({})", scan.index, states.join(", "), stacked.join(", "))?;
    writeln!(f, "{} {{", span_suffix(scan.span))?;
    for definition in &scan.body {
        write_definition(f, module, definition, depth + 1)?;
    }
    writeln!(f, "{:width$}}}", "", width = 2 * depth)
}

fn write_generate(f: &mut fmt::Formatter<'_>, generate: &Generate) -> fmt::Result {
    let (results, args) = (commas(&generate.results), commas(&generate.args));
    writeln!(f, "generate ({results}) = {}({args}){}", generate.generator.name(), span_suffix(generate.span))
}

fn write_multi(f: &mut fmt::Formatter<'_>, multi: &Multi) -> fmt::Result {
    let option = |(name, value): &(String, Extent)| format!("{}: {value}", quoted(name));
    let options: Vec<String> = multi.options.iter().map(option).collect();
    write!(f, "({}) = {}({})", commas(&multi.results), multi.op.name(), commas(&multi.args))?;
    writeln!(f, " {{{}}}{}", options.join(", "), span_suffix(multi.span))
}

fn write_table(f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
    let values: Vec<String> = table.values.iter().map(|v| print_literal(*v)).collect();
    writeln!(f, "table {} = [{}]{}", table.out, values.join(", "), span_suffix(table.span))
}
