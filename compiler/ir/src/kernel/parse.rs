//! Reads the text form of kernel IR that [`super::print`] writes.

use super::names::{BINARY, COMPARISON, CONVERSION, UNARY, op_of};
use super::{
    Address, Block, BufferDecl, Coefficient, Gemm, KernelDecl, KernelModule, LibraryCall, Loop, MathFn, MatrixStride, MemoryCopy, Op,
    OpConst, Operand, Place, Repeat, RuntimeStrides, ScalarType, Stage, Stmt, Type, View,
};
use crate::entity::{EntityRef, Local, PrimaryMap, Step};
use crate::library::Problem;
use crate::plan::FaultDecl;
use crate::tensor::parse::parse_multi_op;
use crate::text::{Cursor, Token};
use crate::verified::ParseError;

/// Reads a module. It is not verified.
///
/// # Errors
/// The first place where the text is not in the text form.
pub fn parse(text: &str) -> Result<KernelModule, ParseError> {
    let c = &mut Cursor::new(text)?;
    c.expect("kernels")?;
    let mut module = KernelModule { name: c.text()?, ..KernelModule::default() };
    c.expect("{")?;
    c.expect("arguments")?;
    module.n_arguments = c.int()?;
    c.expect("strides")?;
    module.n_strides = c.int()?;
    c.expect("arena")?;
    module.arena_bytes = c.int()?;
    let mut schedule = None;
    while !c.eat("}") {
        if c.eat("buffer") {
            c.declare("b", module.buffers.len())?;
            module.buffers.push(buffer(c)?);
        } else if c.eat("fault") {
            c.declare("f", module.faults.len())?;
            module.faults.push(fault(c)?);
        } else if c.eat("kernel") {
            c.declare("k", module.kernels.len())?;
            module.kernels.push(kernel(c)?);
        } else if schedule.is_none() && c.eat("schedule") {
            c.expect("{")?;
            schedule = Some(stages(c)?);
        } else {
            return Err(c.expected("`buffer`, `fault`, `kernel`, `schedule` or `}`"));
        }
    }
    module.schedule = schedule.unwrap_or_else(|| module.flat_schedule());
    if c.is_at_end() { Ok(module) } else { Err(c.expected("the end")) }
}

/// Stages up to the closing brace, which is taken.
fn stages(c: &mut Cursor<'_>) -> Result<Vec<Stage>, ParseError> {
    c.nested(|c| {
        let mut stages = Vec::new();
        while !c.eat("}") {
            stages.push(if c.eat("repeat") { Stage::Repeat(repeat(c)?) } else { Stage::Kernel(c.entity("k")?) });
        }
        Ok(stages)
    })
}

fn repeat(c: &mut Cursor<'_>) -> Result<Repeat, ParseError> {
    let error = c.expected("a counter such as `s0`");
    let counter = eat_axis(c).ok_or(error)?;
    c.expect("in")?;
    let lo = c.int()?;
    c.expect("..")?;
    let hi = c.int()?;
    let reverse = c.eat("reverse");
    c.expect("{")?;
    Ok(Repeat { counter, lo, hi, reverse, body: stages(c)? })
}

fn scalar_type(c: &mut Cursor<'_>) -> Result<ScalarType, ParseError> {
    let error = c.expected("a type");
    let word = c.word()?;
    ScalarType::ALL.into_iter().find(|t| t.name() == word).ok_or(error)
}

/// `f32`, `f32x4`.
fn ty(c: &mut Cursor<'_>) -> Result<Type, ParseError> {
    let error = c.expected("a type");
    let word = c.word()?;
    let (name, lanes) = match word.split_once('x') {
        Some((name, lanes)) => (name, lanes.parse().ok().filter(|n| *n > 1)),
        None => (word, Some(1)),
    };
    match (ScalarType::ALL.into_iter().find(|t| t.name() == name), lanes) {
        (Some(scalar), Some(lanes)) => Ok(Type { scalar, lanes }),
        _ => Err(error),
    }
}

fn buffer(c: &mut Cursor<'_>) -> Result<BufferDecl, ParseError> {
    let name = c.text()?;
    c.expect(":")?;
    let ty = scalar_type(c)?;
    c.expect("x")?;
    let n_elements = c.int()?;
    let place = if c.eat("argument") {
        let slot = c.int()?;
        let strides = if c.eat("strides") { Some(runtime_strides(c)?) } else { None };
        Place::Argument { slot, strides, writable: c.eat("writable") }
    } else if c.eat("arena") {
        Place::Arena { offset: c.int()? }
    } else {
        c.expect("constant")?;
        let error = c.error("constants are pairs of hexadecimal digits");
        Place::Constant(bytes_of(&c.text()?).ok_or(error)?)
    };
    Ok(BufferDecl { name, ty, n_elements, place })
}

fn runtime_strides(c: &mut Cursor<'_>) -> Result<RuntimeStrides, ParseError> {
    let first: u32 = c.int()?;
    c.expect("..")?;
    let error = c.error("these strides end before they start");
    let end: u64 = c.int()?;
    let axes = end.checked_sub(u64::from(first)).and_then(|n| u32::try_from(n).ok()).ok_or(error)?;
    Ok(RuntimeStrides { first, axes })
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let pair = |p: &[u8]| Some((digit(p[0])? * 16 + digit(*p.get(1)?)?) as u8);
    hex.as_bytes().chunks(2).map(pair).collect()
}

fn fault(c: &mut Cursor<'_>) -> Result<FaultDecl, ParseError> {
    let error = c.expected("a code such as `E0403`");
    let code = c.word()?.strip_prefix('E').and_then(|digits| digits.parse().ok()).ok_or(error)?;
    Ok(FaultDecl { code, message: c.text()?, span: c.span()? })
}

fn kernel(c: &mut Cursor<'_>) -> Result<KernelDecl, ParseError> {
    let name = c.text()?;
    c.expect("tasks")?;
    let tasks = c.int()?;
    c.expect("task")?;
    let task = c.entity("v")?;
    let span = c.span()?;
    c.expect("{")?;
    let mut locals: PrimaryMap<Local, Type> = PrimaryMap::new();
    while c.eat("local") {
        let from = locals.len();
        let mut n = from;
        loop {
            c.declare("v", n)?;
            n += 1;
            if !c.eat(",") {
                break;
            }
        }
        c.expect(":")?;
        let ty = ty(c)?;
        (from..n).for_each(|_| {
            locals.push(ty);
        });
    }
    Ok(KernelDecl { name, tasks, task, locals, body: block(c)?, span })
}

/// Statements up to the closing brace, which is taken.
fn block(c: &mut Cursor<'_>) -> Result<Block, ParseError> {
    c.nested(|c| {
        let mut block = Block::new();
        while !c.eat("}") {
            block.push(stmt(c)?);
        }
        Ok(block)
    })
}

fn stmt(c: &mut Cursor<'_>) -> Result<Stmt, ParseError> {
    if let Some(local) = c.eat_entity("v") {
        c.expect("=")?;
        return Ok(Stmt::Set(local, op(c)?));
    }
    let error = c.expected("a statement");
    match c.word()? {
        "store" => {
            let address = address(c)?;
            c.expect("=")?;
            Ok(Stmt::Store(address, c.entity("v")?))
        }
        "loop" => {
            let var = c.entity("v")?;
            c.expect("in")?;
            let lo = operand(c)?;
            c.expect("..")?;
            let hi = operand(c)?;
            let step = if c.eat("step") { c.int()? } else { 1 };
            c.expect("{")?;
            Ok(Stmt::Loop(Loop { var, lo, hi, step, body: block(c)? }))
        }
        "if" => {
            let condition = c.entity("v")?;
            c.expect("{")?;
            let then = block(c)?;
            let otherwise = if c.eat("else") {
                c.expect("{")?;
                block(c)?
            } else {
                Block::new()
            };
            Ok(Stmt::If { condition, then, otherwise })
        }
        "fault" => Ok(Stmt::Fault(c.entity("f")?)),
        "gemm" => gemm(c),
        "copy" => {
            let dst = address(c)?;
            c.expect("=")?;
            let src = address(c)?;
            c.expect("count")?;
            Ok(Stmt::Copy(Box::new(MemoryCopy { dst, src, count: operand(c)? })))
        }
        "library" => library(c),
        _ => Err(error),
    }
}

fn library(c: &mut Cursor<'_>) -> Result<Stmt, ParseError> {
    let failed = c.entity("v")?;
    c.expect("=")?;
    c.expect("(")?;
    let results = c.list(")", address)?;
    c.expect("=")?;
    let op = parse_multi_op(c)?;
    let dtype = c.dtype()?;
    let [batch, m, n, k] = [size(c, "batch")?, size(c, "m")?, size(c, "n")?, size(c, "k")?];
    let reversed = c.eat("reversed");
    c.expect("(")?;
    let args = c.list(")", address)?;
    let workspace = if c.eat("workspace") { Some(address(c)?) } else { None };
    let problem = Problem { op, dtype, batch, m, n, k, reversed };
    Ok(Stmt::Library(Box::new(LibraryCall { failed, problem, results, args, workspace })))
}

fn size(c: &mut Cursor<'_>, name: &str) -> Result<u64, ParseError> {
    c.expect(name)?;
    c.int()
}

fn gemm(c: &mut Cursor<'_>) -> Result<Stmt, ParseError> {
    let dtype = c.dtype()?;
    let m = operand(c)?;
    c.expect("x")?;
    let n = operand(c)?;
    c.expect("x")?;
    let k = operand(c)?;
    let accumulate = c.eat("accumulate");
    c.expect("dst")?;
    let dst = view(c)?;
    c.expect("lhs")?;
    let lhs = view(c)?;
    c.expect("rhs")?;
    let rhs = view(c)?;
    Ok(Stmt::Gemm(Box::new(Gemm { dtype, m, n, k, dst, lhs, rhs, accumulate })))
}

fn view(c: &mut Cursor<'_>) -> Result<View, ParseError> {
    let address = address(c)?;
    c.expect("rows")?;
    let row_stride = matrix_stride(c)?;
    c.expect("columns")?;
    Ok(View { address, row_stride, column_stride: matrix_stride(c)? })
}

fn matrix_stride(c: &mut Cursor<'_>) -> Result<MatrixStride, ParseError> {
    match eat_axis(c) {
        Some(axis) => Ok(MatrixStride::Runtime(axis)),
        None => Ok(MatrixStride::Const(c.int()?)),
    }
}

/// `s0`: the run-time stride of an axis. Steps of plans are spelled alike.
fn eat_axis(c: &mut Cursor<'_>) -> Option<u32> {
    c.eat_entity::<Step>("s").map(|s| s.index() as u32)
}

fn operand(c: &mut Cursor<'_>) -> Result<Operand, ParseError> {
    match c.eat_entity("v") {
        Some(local) => Ok(Operand::Local(local)),
        None => Ok(Operand::Const(c.int()?)),
    }
}

fn address(c: &mut Cursor<'_>) -> Result<Address, ParseError> {
    let mut address = Address { buffer: c.entity("b")?, offset: 0, terms: Vec::new(), stride_offsets: Vec::new() };
    c.expect("[")?;
    loop {
        if let Some(local) = c.eat_entity("v") {
            address.terms.push((local, coefficient(c)?));
        } else if let Some(axis) = eat_axis(c) {
            c.expect("*")?;
            address.stride_offsets.push((axis, c.int()?));
        } else {
            address.offset = c.int()?;
            c.expect("]")?;
            return Ok(address);
        }
        // A minus sign belongs to the constant, which comes last.
        if !c.eat("+") && !c.at("-") {
            c.expect("]")?;
            return Ok(address);
        }
    }
}

/// What follows a variable: nothing, `*8`, `*s0`, `*2*s0`.
fn coefficient(c: &mut Cursor<'_>) -> Result<Coefficient, ParseError> {
    if !c.eat("*") {
        return Ok(Coefficient::Elements(1));
    }
    if let Some(axis) = eat_axis(c) {
        return Ok(Coefficient::Stride { axis, factor: 1 });
    }
    let factor = c.int()?;
    if !c.eat("*") {
        return Ok(Coefficient::Elements(factor));
    }
    match eat_axis(c) {
        Some(axis) => Ok(Coefficient::Stride { axis, factor }),
        None => Err(c.expected("a run-time stride `s0`")),
    }
}

fn op(c: &mut Cursor<'_>) -> Result<Op, ParseError> {
    if let Some(local) = c.eat_entity("v") {
        return Ok(Op::Copy(local));
    }
    let error = c.expected("an operation");
    let name = c.word()?;
    Ok(match name {
        "int" => Op::Const(OpConst::Int(c.int()?)),
        "f32" if c.eat("bits") => Op::Const(OpConst::F32(c.int()?)),
        "f32" => Op::Const(OpConst::F32((c.float()? as f32).to_bits())),
        "f64" => Op::Const(OpConst::F64(c.float()?.to_bits())),
        "load" => Op::Load(address(c)?),
        "scalar" => Op::Scalar(c.int()?),
        "splat" => Op::Splat(c.entity("v")?),
        "extract" => {
            let vector = c.entity("v")?;
            c.expect(",")?;
            Op::Extract(vector, c.int()?)
        }
        "call" => call(c)?,
        _ => return op_on_locals(c, name, error),
    })
}

fn call(c: &mut Cursor<'_>) -> Result<Op, ParseError> {
    let error = c.expected("a function");
    let name = c.word()?;
    let function = MathFn::ALL.into_iter().find(|f| f.name() == name).ok_or(error)?;
    // The first name after the arguments is followed by `=`; no arguments at all is for the verifier to refuse.
    let starts_argument = matches!(c.peek(), Some(Token::Word(_))) && c.peek_entity("v").is_some() && !c.at_nth(1, "=");
    Ok(Op::Call(function, if starts_argument { locals(c)? } else { Vec::new() }))
}

fn op_on_locals(c: &mut Cursor<'_>, name: &str, error: ParseError) -> Result<Op, ParseError> {
    let args = locals(c)?;
    let found = match args[..] {
        [a] => op_of(&UNARY, name).map(|op| Op::Unary(op, a)).or_else(|| op_of(&CONVERSION, name).map(|op| Op::Convert(op, a))),
        [a, b] => op_of(&BINARY, name).map(|op| Op::Binary(op, a, b)).or_else(|| op_of(&COMPARISON, name).map(|op| Op::Compare(op, a, b))),
        [a, b, d] if name == "fma" => Some(Op::Fma(a, b, d)),
        [a, b, d] if name == "select" => Some(Op::Select(a, b, d)),
        _ => None,
    };
    found.ok_or(error)
}

fn locals(c: &mut Cursor<'_>) -> Result<Vec<Local>, ParseError> {
    let mut locals = vec![c.entity("v")?];
    while c.eat(",") {
        locals.push(c.entity("v")?);
    }
    Ok(locals)
}

#[cfg(test)]
mod tests;
