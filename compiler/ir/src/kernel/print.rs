//! The text form of kernel IR, which [`super::parse`] reads back exactly.
//!
//! ```text
//! kernels "axpy" {
//!   arguments 3 strides 1 arena 64
//!   buffer b0 "x": f32 x 8 argument 0 strides 0..1
//!   buffer b1 "y": f32 x 8 argument 2 writable
//!   buffer b2 "t": f32 x 4 arena 0
//!   buffer b3 "w": f32 x 1 constant "0000803f"
//!   fault f0 E0403 "division by zero" @3..9
//!   kernel k0 "y" tasks 2 task v0 @30..60 {
//!     local v0, v1: i64
//!     local v2: f32
//!     loop v1 in 0..8 step 4 {
//!       v2 = load b0[v1*s0 + v0*4 + 3]
//!       store b1[v1] = v2
//!     }
//!   }
//!   schedule {
//!     repeat s0 in 0..8 reverse {
//!       k0
//!     }
//!   }
//! }
//! ```
//!
//! The schedule is left out if it is every kernel once, in order. In an address, `s0` is the run-time stride of axis 0 of its buffer.

use super::names::{BINARY, COMPARISON, CONVERSION, UNARY, name_of};
use super::{
    Address, Block, BufferDecl, Coefficient, Gemm, KernelDecl, KernelModule, LibraryCall, MatrixStride, Op, OpConst, Operand, Place, Stage,
    Stmt, View,
};
use crate::diagnostic::Code;
use crate::entity::{Buffer, Kernel, Local};
use crate::library::Problem;
use crate::text::{float, quoted, span_suffix};
use std::fmt::{self, Write};

/// The text form of a module.
#[must_use]
pub fn print(module: &KernelModule) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_module(&mut out, module);
    out
}

/// The text form of one statement, for messages; nested blocks are left out.
#[must_use]
pub fn print_stmt(stmt: &Stmt) -> String {
    match stmt {
        Stmt::Set(local, op) => format!("{local} = {op}"),
        Stmt::Store(address, local) => format!("store {address} = {local}"),
        Stmt::Loop(l) => format!("loop {} in {}..{} step {}", l.var, l.lo, l.hi, l.step),
        Stmt::If { condition, .. } => format!("if {condition}"),
        Stmt::Fault(fault) => format!("fault {fault}"),
        Stmt::Gemm(gemm) => format!("gemm {} {} x {} x {}", gemm.dtype, gemm.m, gemm.n, gemm.k),
        Stmt::Copy(copy) => format!("copy {} = {} count {}", copy.dst, copy.src, copy.count),
        Stmt::Library(call) => print_library(call),
    }
}

fn write_module(out: &mut String, module: &KernelModule) -> fmt::Result {
    writeln!(out, "kernels {} {{", quoted(&module.name))?;
    writeln!(out, "  arguments {} strides {} arena {}", module.n_arguments, module.n_strides, module.arena_bytes)?;
    for (id, buffer) in &module.buffers {
        write_buffer(out, id, buffer)?;
    }
    for (id, fault) in &module.faults {
        writeln!(out, "  fault {id} {} {}{}", Code(fault.code), quoted(&fault.message), span_suffix(fault.span))?;
    }
    for (id, kernel) in &module.kernels {
        write_kernel(out, id, kernel)?;
    }
    if module.schedule != module.flat_schedule() {
        out.write_str("  schedule {\n")?;
        write_stages(out, &module.schedule, 2)?;
        out.write_str("  }\n")?;
    }
    out.write_str("}\n")
}

fn write_stages(out: &mut String, stages: &[Stage], depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    for stage in stages {
        match stage {
            Stage::Kernel(kernel) => writeln!(out, "{indent}{kernel}")?,
            Stage::Repeat(r) => {
                let reverse = if r.reverse { " reverse" } else { "" };
                writeln!(out, "{indent}repeat s{} in {}..{}{reverse} {{", r.counter, r.lo, r.hi)?;
                write_stages(out, &r.body, depth + 1)?;
                writeln!(out, "{indent}}}")?;
            }
        }
    }
    Ok(())
}

fn write_buffer(out: &mut String, id: Buffer, buffer: &BufferDecl) -> fmt::Result {
    write!(out, "  buffer {id} {}: {} x {}", quoted(&buffer.name), buffer.ty.name(), buffer.n_elements)?;
    match &buffer.place {
        Place::Argument { slot, strides, writable } => {
            write!(out, " argument {slot}")?;
            if let Some(s) = strides {
                write!(out, " strides {}..{}", s.first, u64::from(s.first) + u64::from(s.axes))?;
            }
            out.write_str(if *writable { " writable\n" } else { "\n" })
        }
        Place::Arena { offset } => writeln!(out, " arena {offset}"),
        Place::Constant(bytes) => {
            out.write_str(" constant \"")?;
            bytes.iter().try_for_each(|b| write!(out, "{b:02x}"))?;
            out.write_str("\"\n")
        }
    }
}

fn write_kernel(out: &mut String, id: Kernel, kernel: &KernelDecl) -> fmt::Result {
    let (name, span) = (quoted(&kernel.name), span_suffix(kernel.span));
    writeln!(out, "  kernel {id} {name} tasks {} task {}{span} {{", kernel.tasks, kernel.task)?;
    let locals: Vec<(Local, super::Type)> = kernel.locals.iter().map(|(local, ty)| (local, *ty)).collect();
    for group in locals.chunk_by(|a, b| a.1 == b.1) {
        let names: Vec<String> = group.iter().map(|(local, _)| local.to_string()).collect();
        writeln!(out, "    local {}: {}", names.join(", "), group[0].1)?;
    }
    write_block(out, &kernel.body, 2)?;
    out.write_str("  }\n")
}

fn write_block(out: &mut String, block: &Block, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    for stmt in block {
        out.write_str(&indent)?;
        match stmt {
            Stmt::Set(..) | Stmt::Store(..) | Stmt::Fault(_) | Stmt::Copy(_) | Stmt::Library(_) => writeln!(out, "{}", print_stmt(stmt))?,
            Stmt::Loop(l) => {
                write!(out, "loop {} in {}..{}", l.var, l.lo, l.hi)?;
                if l.step != 1 {
                    write!(out, " step {}", l.step)?;
                }
                out.write_str(" {\n")?;
                write_block(out, &l.body, depth + 1)?;
                writeln!(out, "{indent}}}")?;
            }
            Stmt::If { condition, then, otherwise } => {
                writeln!(out, "if {condition} {{")?;
                write_block(out, then, depth + 1)?;
                if !otherwise.is_empty() {
                    writeln!(out, "{indent}}} else {{")?;
                    write_block(out, otherwise, depth + 1)?;
                }
                writeln!(out, "{indent}}}")?;
            }
            Stmt::Gemm(gemm) => write_gemm(out, gemm, &indent)?,
        }
    }
    Ok(())
}

fn commas(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `library v1 = (b3[0], b4[0]) = top_k f32 batch 2 m 1 n 8 k 3 reversed (b0[0]) workspace b5[0]`
fn print_library(call: &LibraryCall) -> String {
    let Problem { op, dtype, batch, m, n, k, reversed } = call.problem;
    let reversed = if reversed { " reversed" } else { "" };
    let workspace = call.workspace.as_ref().map_or_else(String::new, |w| format!(" workspace {w}"));
    let (results, args) = (commas(&call.results), commas(&call.args));
    format!("library {} = ({results}) = {} {dtype} batch {batch} m {m} n {n} k {k}{reversed} ({args}){workspace}", call.failed, op.name())
}

fn write_gemm(out: &mut String, gemm: &Gemm, indent: &str) -> fmt::Result {
    let accumulate = if gemm.accumulate { " accumulate" } else { "" };
    writeln!(out, "gemm {} {} x {} x {}{accumulate}", gemm.dtype, gemm.m, gemm.n, gemm.k)?;
    for (name, view) in [("dst", &gemm.dst), ("lhs", &gemm.lhs), ("rhs", &gemm.rhs)] {
        writeln!(out, "{indent}  {name} {view}")?;
    }
    Ok(())
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows {} columns {}", self.address, self.row_stride, self.column_stride)
    }
}

impl fmt::Display for MatrixStride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MatrixStride::Const(n) => write!(f, "{n}"),
            MatrixStride::Runtime(axis) => write!(f, "s{axis}"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Const(n) => write!(f, "{n}"),
            Operand::Local(local) => write!(f, "{local}"),
        }
    }
}

/// `b0[v3*8 + v2 + v1*2*s0 + s1*3 - 4]`: variable terms, stride offsets, constant.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.buffer)?;
        let mut first = true;
        let mut plus = |f: &mut fmt::Formatter<'_>| if std::mem::take(&mut first) { Ok(()) } else { f.write_str(" + ") };
        for (local, coefficient) in &self.terms {
            plus(f)?;
            match coefficient {
                Coefficient::Elements(1) => write!(f, "{local}")?,
                Coefficient::Elements(n) => write!(f, "{local}*{n}")?,
                Coefficient::Stride { axis, factor: 1 } => write!(f, "{local}*s{axis}")?,
                Coefficient::Stride { axis, factor } => write!(f, "{local}*{factor}*s{axis}")?,
            }
        }
        for (axis, factor) in &self.stride_offsets {
            plus(f)?;
            write!(f, "s{axis}*{factor}")?;
        }
        match (self.terms.is_empty() && self.stride_offsets.is_empty(), self.offset) {
            (true, n) => write!(f, "{n}]"),
            (false, 0) => f.write_str("]"),
            (false, n) if n < 0 => write!(f, " - {}]", n.unsigned_abs()),
            (false, n) => write!(f, " + {n}]"),
        }
    }
}

impl fmt::Display for OpConst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            OpConst::Int(n) => write!(f, "int {n}"),
            OpConst::F64(bits) => write!(f, "f64 {}", float(f64::from_bits(bits))),
            OpConst::F32(bits) => {
                let x = f32::from_bits(bits);
                if x.is_nan() {
                    return write!(f, "f32 bits {bits:#x}");
                }
                // The shortest text of the f32, unless the detour over f64 changes it.
                let short = format!("{x:?}");
                let survives = short.parse::<f64>().is_ok_and(|y| (y as f32).to_bits() == bits);
                write!(f, "f32 {}", if survives { short } else { float(f64::from(x)) })
            }
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Const(value) => write!(f, "{value}"),
            Op::Copy(a) => write!(f, "{a}"),
            Op::Load(address) => write!(f, "load {address}"),
            Op::Scalar(n) => write!(f, "scalar {n}"),
            Op::Splat(a) => write!(f, "splat {a}"),
            Op::Extract(a, lane) => write!(f, "extract {a}, {lane}"),
            Op::Unary(op, a) => write!(f, "{} {a}", name_of(&UNARY, *op)),
            Op::Binary(op, a, b) => write!(f, "{} {a}, {b}", name_of(&BINARY, *op)),
            Op::Fma(a, b, c) => write!(f, "fma {a}, {b}, {c}"),
            Op::Compare(op, a, b) => write!(f, "{} {a}, {b}", name_of(&COMPARISON, *op)),
            Op::Select(c, a, b) => write!(f, "select {c}, {a}, {b}"),
            Op::Convert(op, a) => write!(f, "{} {a}", name_of(&CONVERSION, *op)),
            Op::Call(function, args) => {
                write!(f, "call {}", function.name())?;
                args.iter().enumerate().try_for_each(|(n, a)| write!(f, "{}{a}", if n == 0 { " " } else { ", " }))
            }
        }
    }
}
