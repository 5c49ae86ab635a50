//! Reads the text form of plans; the form itself is described in [`super::print`].

use super::band::{Band, Outside};
use super::{
    Buffer, Contraction, FaultDecl, Header, IndexRange, Layout, Library, Nest, NestReduce, Pin, Place, Plan, Scan, ScanState, StepDecl,
    StepKind, Strategy,
};
use crate::entity::{Index, PrimaryMap, Tensor};
use crate::scalar::parse::{parse_literal, parse_scalar};
use crate::scalar::print::Types;
use crate::span::Span;
use crate::tensor::parse::{parse_code, parse_multi_op, parse_reducers, parse_reduction, parse_tensors, set_span};
use crate::text::Cursor;
use crate::verified::ParseError;

/// Reads a plan from its text form. Scalar nodes, whose spans are not in the text, get that of their step.
///
/// # Errors
/// The first place that is not in the form, with its line.
pub fn parse(text: &str) -> Result<Plan, ParseError> {
    let mut c = Cursor::new(text)?;
    let mut plan = Plan { header: parse_header(&mut c)?, ..Plan::default() };
    c.expect("arena")?;
    plan.arena_bytes = c.int()?;
    plan.reducers = parse_reducers(&mut c)?;
    while c.eat("buffer") {
        c.declare("t", plan.buffers.len())?;
        plan.buffers.push(parse_buffer(&mut c)?);
    }
    while c.eat("fault") {
        c.declare("f", plan.faults.len())?;
        plan.faults.push(FaultDecl { code: parse_code(&mut c)?, message: c.text()?, span: c.span()? });
    }
    plan.inputs = parse_tensors(&mut c, "inputs")?;
    plan.outputs = parse_tensors(&mut c, "outputs")?;
    while !c.is_at_end() {
        c.declare("s", plan.steps.len())?;
        c.expect("=")?;
        let step = parse_step(&mut c, &plan, 0)?;
        plan.steps.push(step);
    }
    Ok(plan)
}

fn parse_header(c: &mut Cursor<'_>) -> Result<Header, ParseError> {
    let mut header = Header::default();
    c.expect("plan")?;
    header.program = c.text()?;
    c.expect("target")?;
    header.target = c.text()?;
    c.expect("opt")?;
    header.opt_level = c.int()?;
    c.expect("objective")?;
    header.objective = c.text()?;
    c.expect("machine")?;
    header.machine = c.text()?;
    if c.eat("path") {
        c.expect("written")?;
        header.written_order = true;
    }
    if c.eat("memory_limit") {
        header.memory_limit = Some(c.int()?);
    }
    c.expect("seed")?;
    header.seed = c.int()?;
    header.truncated = c.eat("truncated");
    Ok(header)
}

/// `[1, 2]`
fn parse_ints<T: TryFrom<i128>>(c: &mut Cursor<'_>) -> Result<Vec<T>, ParseError> {
    c.expect("[")?;
    c.list("]", Cursor::int)
}

fn parse_buffer(c: &mut Cursor<'_>) -> Result<Buffer, ParseError> {
    let (name, dtype, extents) = (c.text()?, c.dtype()?, parse_ints(c)?);
    let place = if c.eat("input") {
        Place::Input(c.int()?)
    } else if c.eat("output") {
        Place::Output(c.int()?)
    } else if c.eat("arena") {
        Place::Arena(c.int()?)
    } else {
        c.expect("constant")?;
        c.expect("[")?;
        Place::Constant(c.list("]", parse_literal)?)
    };
    let layout = match (c.eat("strided"), c.eat("permuted")) {
        (true, _) => Layout::Strided,
        (_, true) => Layout::Permuted(parse_ints(c)?),
        _ => Layout::RowMajor,
    };
    let index_of = if c.eat("index_of") { parse_ints(c)? } else { Vec::new() };
    let mut live = None;
    if c.eat("live") {
        let first = c.entity("s")?;
        c.expect("..")?;
        live = Some((first, c.entity("s")?));
    }
    Ok(Buffer { name, dtype, extents, layout, place, live, index_of, span: c.span()? })
}

/// A step inside of so many scans.
fn parse_step(c: &mut Cursor<'_>, plan: &Plan, depth: u32) -> Result<StepDecl, ParseError> {
    let mut kind = if c.eat("contract") {
        StepKind::Contraction(parse_contraction(c)?)
    } else if c.eat("nest") {
        StepKind::Nest(parse_nest(c, plan, depth)?)
    } else if c.eat("library") {
        StepKind::Library(parse_library(c)?)
    } else {
        c.expect("scan")?;
        StepKind::Scan(parse_scan(c)?)
    };
    c.expect("flops")?;
    let flops = c.int()?;
    c.expect("bytes")?;
    let bytes = c.int()?;
    let span = c.span()?;
    match &mut kind {
        StepKind::Scan(scan) => {
            c.expect("{")?;
            while !c.eat("}") {
                scan.body.push(c.nested(|c| parse_step(c, plan, depth + 1))?);
            }
        }
        StepKind::Nest(nest) => nest.visit_scalars_mut(&mut |scalar| set_span(scalar, span)),
        StepKind::Contraction(_) | StepKind::Library(_) => {}
    }
    Ok(StepDecl { kind, flops, bytes, span })
}

fn parse_contraction(c: &mut Cursor<'_>) -> Result<Contraction, ParseError> {
    let (out, out_labels) = (c.entity("t")?, parse_ints(c)?);
    c.expect("+=")?;
    let (conjugate_lhs, lhs, lhs_labels) = (c.eat("conj"), c.entity("t")?, parse_ints(c)?);
    c.expect("*")?;
    let (conjugate_rhs, rhs, rhs_labels) = (c.eat("conj"), c.entity("t")?, parse_ints(c)?);
    c.expect("extents")?;
    let extents = parse_ints(c)?;
    let mut turns = Vec::new();
    if c.eat("turns") {
        c.expect("[")?;
        turns = c.list("]", |c| Ok((c.int()?, c.entity("i")?)))?;
    }
    let mut bands = Vec::new();
    if c.eat("bands") {
        c.expect("[")?;
        bands = c.list("]", parse_band)?;
    }
    c.expect("acc")?;
    let acc = c.dtype()?;
    c.expect("strategy")?;
    let Some(strategy) = Strategy::ALL.into_iter().find(|s| c.eat(s.name())) else { return Err(c.expected("a strategy")) };
    let conjugate = (conjugate_lhs, conjugate_rhs);
    Ok(Contraction { out, lhs, rhs, extents, out_labels, lhs_labels, rhs_labels, conjugate, turns, bands, acc, strategy })
}

fn parse_band(c: &mut Cursor<'_>) -> Result<Band, ParseError> {
    let scaled = |c: &mut Cursor<'_>| Ok((c.int()?, if c.eat("times") { c.int()? } else { 1 }));
    let mut rows = Vec::new();
    if !c.eat("any") {
        rows.push(scaled(c)?);
        while c.eat("and") {
            rows.push(scaled(c)?);
        }
    }
    let (column, step) = scaled(c)?;
    let lo = c.int()?;
    c.expect("..")?;
    let hi = c.int()?;
    c.expect("by")?;
    let panel = c.int()?;
    let outside = match () {
        () if c.eat("exact") => Outside::Absent,
        () if c.eat("unread") => Outside::Unread,
        () => Outside::Zero,
    };
    Ok(Band { rows, column, step, lo, hi, panel, outside })
}

fn parse_range(c: &mut Cursor<'_>) -> Result<IndexRange, ParseError> {
    let (name, lo) = (c.text()?, c.int()?);
    c.expect("..")?;
    Ok(IndexRange { name, lo, hi: c.int()? })
}

fn parse_nest(c: &mut Cursor<'_>, plan: &Plan, params: u32) -> Result<Nest, ParseError> {
    let dtype_of = |tensor: Tensor| plan.buffers.get(tensor).map(|b| b.dtype);
    let types = Types::new(&dtype_of);
    let out = c.entity("t")?;
    c.expect("[")?;
    let outer = c.list("]", |c| c.entity("i"))?;
    c.expect("over")?;
    c.expect("(")?;
    let mut indices: PrimaryMap<Index, IndexRange> = PrimaryMap::new();
    c.list(")", |c| {
        c.declare("i", indices.len())?;
        indices.push(parse_range(c)?);
        Ok(())
    })?;
    let domain = if c.eat("where") { Some(parse_scalar(c, &types, Span::default())?) } else { None };
    c.expect("=")?;
    let reduction = parse_reduction(c, &types)?;
    let mut reduce = reduction.map(|r| NestReduce { op: r.op, acc: r.acc, binders: r.binders, guard: r.guard, pins: Vec::new() });
    if let Some(reduce) = &mut reduce {
        if c.eat("pin") {
            c.expect("(")?;
            reduce.pins = c.list(")", |c| parse_pin(c, &types))?;
        }
        c.expect("(")?;
    }
    let body = parse_scalar(c, &types, Span::default())?;
    if reduce.is_some() {
        c.expect(")")?;
    }
    let types = Types { accumulated: reduce.as_ref().map(NestReduce::dtype), ..types };
    let epilogue = if c.eat("then") { Some(parse_scalar(c, &types, Span::default())?) } else { None };
    Ok(Nest { out, indices, params, outer, domain, reduce, body, epilogue })
}

fn parse_pin(c: &mut Cursor<'_>, types: &Types<'_>) -> Result<Pin, ParseError> {
    let index = c.entity("i")?;
    c.expect("=")?;
    Ok(Pin { index, value: parse_scalar(c, types, Span::default())? })
}

fn parse_scan(c: &mut Cursor<'_>) -> Result<Scan, ParseError> {
    let (index, range) = (c.entity("i")?, parse_range(c)?);
    let reverse = c.eat("reverse");
    let linear = c.eat("linear");
    c.expect("states")?;
    c.expect("(")?;
    let states = c.list(")", |c| {
        let current = c.entity("t")?;
        c.expect("prev")?;
        let previous = c.entity("t")?;
        Ok(ScanState { current, previous, apart: if c.eat("apart") { parse_ints(c)? } else { Vec::new() } })
    })?;
    Ok(Scan { index, range, reverse, linear, states, body: Vec::new() })
}

fn parse_library(c: &mut Cursor<'_>) -> Result<Library, ParseError> {
    c.expect("(")?;
    let results = c.list(")", |c| c.entity("t"))?;
    c.expect("=")?;
    let op = parse_multi_op(c)?;
    c.expect("(")?;
    let args = c.list(")", |c| c.entity("t"))?;
    c.expect("{")?;
    let options = c.list("}", |c| {
        let name = c.text()?;
        c.expect(":")?;
        Ok((name, c.int()?))
    })?;
    let workspace = if c.eat("workspace") { Some(c.entity("t")?) } else { None };
    Ok(Library { op, results, args, options, workspace })
}
