//! The text form of plans: the header, buffers, faults, then one step a line.
//!
//! ```text
//! plan "matmul" target "cpu" opt 1 objective "time" machine "default" path written memory_limit 4096 seed 0 truncated
//! arena 128
//! reducer r0 "logaddexp" f32 [] init -inf combine log((exp(operand(0)) + exp(operand(1))))
//! buffer t0 "A" f32[8, 8] input 0 strided index_of [3] live s0..s2 @3..9
//! buffer t1 "tmp" f32[8, 8] arena 64 permuted [1, 0] live s0..s1
//! buffer t2 "w" f32[2] constant [1.0, -0.5]
//! fault f0 E0601 "division by 0 in `y`" @12..17
//! inputs (t0)
//! outputs (t3)
//! s0 = contract t1[0, 1] += conj t0[0, 2] * t2[2, 1] extents [8, 8, 8] acc f32 strategy gemm flops 1024 bytes 768 @12..17
//! s1 = nest t3[i0] over (i0 "i" 0..8, i1 "k" 0..8) where (i0 < 4) = sum:f32[i1 where (i1 < i0)](t1[i0, i1]) then sqrt(acc) flops 64 bytes 288
//! s4 = nest t3[i0] over (i0 "v" 0..8, i1 "b" 0..9) = sum:f32[i1] pin (i0 = t4[i1])(t1[i1]) flops 9 bytes 80
//! s2 = scan i0 "t" 0..8 reverse linear states (t4 prev t5 apart [0]) flops 8 bytes 8 {
//!   nest t4[i1] over (i0 "t" 0..8, i1 "j" 0..2) = (t5[i1] + t3[i0]) flops 2 bytes 8
//! }
//! s3 = library (t7, t8) = top_k(t3) {"k": 3} workspace t9 flops 8 bytes 8
//! ```
//!
//! Labels of contractions are positions in `extents`; `turns [2 i0]` says that label 2 has the value of the scan index i0, `bands [0 2 -9..0 by 64]` that
//! label 2 minus label 0 is -9 to 0 wherever anything but zeros is added up, seen in panels of 64 values of label 0. Scalars are described in [`crate::scalar::print`].

use super::band::{Band, Outside};
use super::{
    Buffer, Contraction, FaultDecl, Header, IndexRange, Layout, Library, Nest, NestReduce, Place, Plan, Scan, ScanState, StepDecl,
    StepKind, Strategy,
};
use crate::dtype::DType;
use crate::entity::{Index, Tensor};
use crate::scalar::print::{Types, print, print_literal};
use crate::scalar::typing;
use crate::tensor::print::{commas, write_reducer, write_reduction};
use crate::text::{quoted, span_suffix};
use std::fmt::{self, Display};

impl Strategy {
    /// Every strategy, in declaration order.
    pub const ALL: [Strategy; 3] = [Strategy::Gemm, Strategy::Gett, Strategy::Nest];

    /// The spelling in text forms and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::Gemm => "gemm",
            Strategy::Gett => "gett",
            Strategy::Nest => "nest",
        }
    }
}

impl NestReduce {
    /// Dtype of the finished reduction, which `ScalarKind::Accumulated` has.
    #[must_use]
    pub fn dtype(&self) -> DType {
        typing::reduce_result(self.op, self.acc, None).unwrap_or(self.acc)
    }
}

/// Prints the text form.
impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_header(f, &self.header)?;
        writeln!(f, "arena {}", self.arena_bytes)?;
        for (reducer, decl) in &self.reducers {
            write_reducer(f, reducer, decl)?;
        }
        for (tensor, buffer) in &self.buffers {
            write_buffer(f, tensor, buffer)?;
        }
        for (fault, decl) in &self.faults {
            let FaultDecl { code, message, span } = decl;
            writeln!(f, "fault {fault} E{code:04} {}{}", quoted(message), span_suffix(*span))?;
        }
        writeln!(f, "inputs ({})", commas(&self.inputs))?;
        writeln!(f, "outputs ({})", commas(&self.outputs))?;
        for (step, decl) in &self.steps {
            write!(f, "{step} = ")?;
            write_step(f, self, decl, 0)?;
        }
        Ok(())
    }
}

fn write_header(f: &mut fmt::Formatter<'_>, header: &Header) -> fmt::Result {
    write!(f, "plan {} target {}", quoted(&header.program), quoted(&header.target))?;
    write!(f, " opt {} objective {} machine {}", header.opt_level, quoted(&header.objective), quoted(&header.machine))?;
    if header.written_order {
        f.write_str(" path written")?;
    }
    if let Some(limit) = header.memory_limit {
        write!(f, " memory_limit {limit}")?;
    }
    writeln!(f, " seed {}{}", header.seed, if header.truncated { " truncated" } else { "" })
}

fn write_buffer(f: &mut fmt::Formatter<'_>, tensor: Tensor, buffer: &Buffer) -> fmt::Result {
    write!(f, "buffer {tensor} {} {}[{}]", quoted(&buffer.name), buffer.dtype, commas(&buffer.extents))?;
    match &buffer.place {
        Place::Input(n) => write!(f, " input {n}")?,
        Place::Output(n) => write!(f, " output {n}")?,
        Place::Arena(offset) => write!(f, " arena {offset}")?,
        Place::Constant(values) => {
            let values: Vec<String> = values.iter().map(|v| print_literal(*v)).collect();
            write!(f, " constant [{}]", values.join(", "))?;
        }
    }
    match &buffer.layout {
        Layout::RowMajor => {}
        Layout::Strided => f.write_str(" strided")?,
        Layout::Permuted(order) => write!(f, " permuted [{}]", commas(order))?,
    }
    if !buffer.index_of.is_empty() {
        write!(f, " index_of [{}]", commas(&buffer.index_of))?;
    }
    if let Some((first, last)) = buffer.live {
        write!(f, " live {first}..{last}")?;
    }
    writeln!(f, "{}", span_suffix(buffer.span))
}

fn write_step(f: &mut fmt::Formatter<'_>, plan: &Plan, step: &StepDecl, depth: usize) -> fmt::Result {
    match &step.kind {
        StepKind::Contraction(contraction) => write_contraction(f, contraction)?,
        StepKind::Nest(nest) => write_nest(f, plan, nest)?,
        StepKind::Scan(scan) => write_scan(f, scan)?,
        StepKind::Library(library) => write_library(f, library)?,
    }
    write!(f, " flops {} bytes {}{}", step.flops, step.bytes, span_suffix(step.span))?;
    if let StepKind::Scan(scan) = &step.kind {
        writeln!(f, " {{")?;
        for inner in &scan.body {
            write!(f, "{:width$}", "", width = 2 * depth + 2)?;
            write_step(f, plan, inner, depth + 1)?;
        }
        write!(f, "{:width$}}}", "", width = 2 * depth)?;
    }
    writeln!(f)
}

fn write_contraction(f: &mut fmt::Formatter<'_>, c: &Contraction) -> fmt::Result {
    let conj = |conjugate: bool| if conjugate { "conj " } else { "" };
    write!(f, "contract {}[{}] += ", c.out, commas(&c.out_labels))?;
    write!(f, "{}{}[{}] * ", conj(c.conjugate.0), c.lhs, commas(&c.lhs_labels))?;
    write!(f, "{}{}[{}]", conj(c.conjugate.1), c.rhs, commas(&c.rhs_labels))?;
    write!(f, " extents [{}]", commas(&c.extents))?;
    if !c.turns.is_empty() {
        let turns: Vec<String> = c.turns.iter().map(|(label, index)| format!("{label} {index}")).collect();
        write!(f, " turns [{}]", turns.join(", "))?;
    }
    if !c.bands.is_empty() {
        write!(f, " bands [{}]", commas(&c.bands))?;
    }
    write!(f, " acc {} strategy {}", c.acc, c.strategy.name())
}

/// `0 1 -9..0 by 64`: the difference of label 1, the column, and label 0, both ends included. `0 times -1 and 3 1 times 2 -9..0 by 64`: of twice the column
/// and two rows, the first with a slope. `any 1 0..9 by 64`: of the column alone.
impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = |(label, factor): (u16, i64)| if factor == 1 { label.to_string() } else { format!("{label} times {factor}") };
        let mut rows: Vec<String> = self.rows.iter().copied().map(scaled).collect();
        if rows.is_empty() {
            rows.push("any".to_owned());
        }
        let ends = format!("{}..{} by {}", self.lo, self.hi, self.panel);
        write!(f, "{} {} {ends}{}", rows.join(" and "), scaled((self.column, self.step)), self.outside.suffix())
    }
}

impl Outside {
    /// As it stands after a band.
    fn suffix(self) -> &'static str {
        match self {
            Self::Zero => "",
            Self::Absent => " exact",
            Self::Unread => " unread",
        }
    }
}

fn range_text(index: Index, range: &IndexRange) -> String {
    format!("{index} {} {}..{}", quoted(&range.name), range.lo, range.hi)
}

fn write_nest(f: &mut fmt::Formatter<'_>, plan: &Plan, nest: &Nest) -> fmt::Result {
    let dtype_of = |tensor: Tensor| plan.buffers.get(tensor).map(|b| b.dtype);
    let types = Types::new(&dtype_of);
    let ranges: Vec<String> = nest.indices.iter().map(|(index, range)| range_text(index, range)).collect();
    write!(f, "nest {}[{}] over ({})", nest.out, commas(&nest.outer), ranges.join(", "))?;
    if let Some(domain) = &nest.domain {
        write!(f, " where {}", print(domain, types))?;
    }
    f.write_str(" = ")?;
    match &nest.reduce {
        Some(reduce) => {
            write_reduction(f, reduce.op, reduce.acc, &commas(&reduce.binders), reduce.guard.as_ref(), types)?;
            if !reduce.pins.is_empty() {
                let pins: Vec<String> = reduce.pins.iter().map(|p| format!("{} = {}", p.index, print(&p.value, types))).collect();
                write!(f, " pin ({})", pins.join(", "))?;
            }
            write!(f, "({})", print(&nest.body, types))?;
        }
        None => write!(f, "{}", print(&nest.body, types))?,
    }
    match &nest.epilogue {
        Some(epilogue) => {
            let types = Types { accumulated: nest.reduce.as_ref().map(NestReduce::dtype), ..types };
            write!(f, " then {}", print(epilogue, types))
        }
        None => Ok(()),
    }
}

fn write_scan(f: &mut fmt::Formatter<'_>, scan: &Scan) -> fmt::Result {
    let state = |s: &ScanState| match s.apart.as_slice() {
        [] => format!("{} prev {}", s.current, s.previous),
        apart => format!("{} prev {} apart [{}]", s.current, s.previous, commas(apart)),
    };
    let states: Vec<String> = scan.states.iter().map(state).collect();
    let reverse = if scan.reverse { " reverse" } else { "" };
    let linear = if scan.linear { " linear" } else { "" };
    write!(f, "scan {}{reverse}{linear} states ({})", range_text(scan.index, &scan.range), states.join(", "))
}

fn write_library(f: &mut fmt::Formatter<'_>, library: &Library) -> fmt::Result {
    let options: Vec<String> = library.options.iter().map(|(name, value)| format!("{}: {value}", quoted(name))).collect();
    write!(f, "library ({}) = {}({})", commas(&library.results), library.op.name(), commas(&library.args))?;
    write!(f, " {{{}}}", options.join(", "))?;
    match library.workspace {
        Some(workspace) => write!(f, " workspace {workspace}"),
        None => Ok(()),
    }
}
