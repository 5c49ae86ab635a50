//! Reads the text form of tensor IR; the form itself is described in [`super::print`].

use super::{
    Definition, DimDecl, DimKind, Equation, Generate, IndexDecl, Laws, Module, Multi, MultiOp, Qualifier, Reduce, ReduceOp, ReducerDecl,
    Relation, Require, Scan, Stacked, State, Table, TensorDecl, Tolerance, ToleranceKind,
};
use crate::constant::Generator;
use crate::entity::{EntityRef, PrimaryMap, Reducer, Tensor};
use crate::scalar::Scalar;
use crate::scalar::parse::{parse_literal, parse_scalar};
use crate::scalar::print::Types;
use crate::span::Span;
use crate::text::{Cursor, Token};
use crate::verified::ParseError;

/// Reads a module from its text form. Scalar nodes, whose spans are not in the text, get that of their definition.
///
/// # Errors
/// The first place that is not in the form, with its line.
pub fn parse(text: &str) -> Result<Module, ParseError> {
    let mut c = Cursor::new(text)?;
    let mut module = Module::default();
    c.expect("module")?;
    module.name = c.text()?;
    parse_sizes(&mut c, &mut module)?;
    let reducers = parse_reducers(&mut c)?;
    while c.eat("tensor") {
        let decl = parse_tensor(&mut c, module.tensors.len())?;
        module.tensors.push(decl);
    }
    module.reducers = reducers;
    while c.eat("index") {
        c.declare("i", module.indices.len())?;
        let (name, lo) = (c.text()?, c.extent()?);
        c.expect("..")?;
        module.indices.push(IndexDecl { name, lo, hi: c.extent()?, span: c.span()? });
    }
    module.params = parse_tensors(&mut c, "params")?;
    module.results = parse_tensors(&mut c, "results")?;
    while !c.is_at_end() {
        let definition = parse_definition(&mut c, &module)?;
        module.body.push(definition);
    }
    Ok(module)
}

fn parse_sizes(c: &mut Cursor<'_>, module: &mut Module) -> Result<(), ParseError> {
    while c.eat("dim") {
        c.declare("d", module.dims.len())?;
        let name = c.text()?;
        let kind = if c.eat("size") { DimKind::Size } else { DimKind::Int };
        if kind == DimKind::Int {
            c.expect("int")?;
        }
        let default = if c.eat("=") { Some(c.int()?) } else { None };
        module.dims.push(DimDecl { name, kind, default, span: c.span()? });
    }
    while c.eat("require") {
        let value = c.extent()?;
        let Some(relation) = Relation::ALL.into_iter().find(|r| c.eat(r.operator())) else {
            return Err(c.expected("a relation"));
        };
        if c.int::<i64>()? != 0 {
            return Err(c.error("a relation compares with 0"));
        }
        let unless_empty = if c.eat("unless_empty") { bracketed(c, |c| c.list("]", Cursor::extent))? } else { Vec::new() };
        let (code, message) = (parse_code(c)?, c.text()?);
        module.requires.push(Require { value, relation, unless_empty, message, code, span: c.span()? });
    }
    Ok(())
}

/// `E0303`.
pub(crate) fn parse_code(c: &mut Cursor<'_>) -> Result<u16, ParseError> {
    let error = c.expected("a code");
    c.word()?.strip_prefix('E').and_then(|digits| digits.parse().ok()).ok_or(error)
}

fn bracketed<T>(c: &mut Cursor<'_>, parse: impl FnOnce(&mut Cursor<'_>) -> Result<T, ParseError>) -> Result<T, ParseError> {
    c.expect("[")?;
    parse(c)
}

/// `params (t0, t1)`.
pub(crate) fn parse_tensors(c: &mut Cursor<'_>, keyword: &str) -> Result<Vec<Tensor>, ParseError> {
    c.expect(keyword)?;
    c.expect("(")?;
    c.list(")", |c| c.entity("t"))
}

pub(crate) fn parse_reducers(c: &mut Cursor<'_>) -> Result<PrimaryMap<Reducer, ReducerDecl>, ParseError> {
    let mut reducers = PrimaryMap::new();
    while c.eat("reducer") {
        c.declare("r", reducers.len())?;
        let (name, dtype) = (c.text()?, c.dtype()?);
        let laws = parse_laws(c)?;
        // Reducers read no tensors.
        let types = Types { operand: Some(dtype), ..Types::new(&|_| None) };
        c.expect("init")?;
        let init = parse_scalar(c, &types, Span::default())?;
        c.expect("combine")?;
        let combine = parse_scalar(c, &types, Span::default())?;
        let mut decl = ReducerDecl { name, dtype, combine, init, laws, span: c.span()? };
        set_span(&mut decl.init, decl.span);
        set_span(&mut decl.combine, decl.span);
        reducers.push(decl);
    }
    Ok(reducers)
}

fn parse_laws(c: &mut Cursor<'_>) -> Result<Laws, ParseError> {
    let mut laws = Laws::default();
    c.expect("[")?;
    c.list("]", |c| {
        if c.eat("distributes_over") {
            laws.distributes_over.push(c.text()?);
            return Ok(());
        }
        let error = c.expected("a law");
        match c.word()? {
            "associative" => laws.associative = true,
            "commutative" => laws.commutative = true,
            "idempotent" => laws.idempotent = true,
            _ => return Err(error),
        }
        Ok(())
    })?;
    Ok(laws)
}

fn parse_tensor(c: &mut Cursor<'_>, n: usize) -> Result<TensorDecl, ParseError> {
    c.declare("t", n)?;
    let (name, dtype) = (c.text()?, c.dtype()?);
    let axes = bracketed(c, |c| c.list("]", Cursor::extent))?;
    let mut decl = TensorDecl::new(name, dtype, axes, Span::default());
    if c.eat("index_of") {
        decl.index_of = bracketed(c, |c| c.list("]", Cursor::extent))?;
    }
    if c.eat("in") {
        let lo = c.float()?;
        c.expect("..")?;
        decl.bounds = Some((lo, c.float()?));
    }
    decl.secret = c.eat("secret");
    while c.eat("qualifier") {
        decl.qualifiers.push(parse_qualifier(c)?);
    }
    if c.eat("within") {
        let Some(kind) = ToleranceKind::ALL.into_iter().find(|k| c.eat(k.name())) else {
            return Err(c.expected("`rel`, `abs` or `out`"));
        };
        decl.tolerance = Some(Tolerance { kind, value: c.float()? });
    }
    decl.span = c.span()?;
    Ok(decl)
}

fn parse_qualifier(c: &mut Cursor<'_>) -> Result<Qualifier, ParseError> {
    let name = c.text()?;
    c.expect("(")?;
    let args = c.list(")", |c| {
        let first = c.text()?;
        Ok(if c.eat(":") { (Some(first), c.text()?) } else { (None, first) })
    })?;
    Ok(Qualifier { name, args })
}

fn parse_definition(c: &mut Cursor<'_>, module: &Module) -> Result<Definition, ParseError> {
    if c.eat("scan") {
        return Ok(Definition::Scan(c.nested(|c| parse_scan(c, module))?));
    }
    if c.eat("table") {
        let out = c.entity("t")?;
        c.expect("=")?;
        let values = bracketed(c, |c| c.list("]", parse_literal))?;
        return Ok(Definition::Table(Table { out, values, span: c.span()? }));
    }
    if c.eat("generate") {
        return Ok(Definition::Generate(parse_generate(c)?));
    }
    if c.at("(") {
        return Ok(Definition::Multi(parse_multi(c)?));
    }
    Ok(Definition::Equation(parse_equation(c, module)?))
}

fn parse_equation(c: &mut Cursor<'_>, module: &Module) -> Result<Equation, ParseError> {
    let dtype_of = |tensor: Tensor| module.tensors.get(tensor).map(|t| t.dtype);
    let types = Types::new(&dtype_of);
    let out = c.entity("t")?;
    let indices = bracketed(c, |c| c.list("]", |c| c.entity("i")))?;
    let domain = if c.eat("where") { Some(parse_scalar(c, &types, Span::default())?) } else { None };
    c.expect("=")?;
    let mut equation = match parse_reduction(c, &types)? {
        Some(reduce) => {
            c.expect("(")?;
            let body = parse_scalar(c, &types, Span::default())?;
            c.expect(")")?;
            Equation { out, indices, domain, reduce: Some(reduce), body, span: Span::default() }
        }
        None => {
            let body = parse_scalar(c, &types, Span::default())?;
            Equation { out, indices, domain, reduce: None, body, span: Span::default() }
        }
    };
    equation.span = c.span()?;
    let span = equation.span;
    let guard = equation.reduce.as_mut().and_then(|r| r.guard.as_mut());
    for scalar in guard.into_iter().chain(&mut equation.domain).chain([&mut equation.body]) {
        set_span(scalar, span);
    }
    Ok(equation)
}

/// `sum:f32[i2, i3 where guard]`, if that is next.
pub(crate) fn parse_reduction(c: &mut Cursor<'_>, types: &Types<'_>) -> Result<Option<Reduce>, ParseError> {
    // `max(` is a function, `max:` a reduction; what follows a function's name is never a colon.
    if !c.at_nth(1, ":") {
        return Ok(None);
    }
    let builtin = ReduceOp::ALL.into_iter().find(|op| c.at(op.name()));
    let op = match (builtin, c.peek_entity("r")) {
        (Some(op), _) => op,
        (None, Some(n)) => ReduceOp::User(Reducer::new(n)),
        (None, None) => return Ok(None),
    };
    c.word()?;
    c.expect(":")?;
    let acc = c.dtype()?;
    c.expect("[")?;
    let mut binders = Vec::new();
    while let Some(index) = c.eat_entity("i") {
        binders.push(index);
        if !c.eat(",") {
            break;
        }
    }
    let guard = if c.eat("where") { Some(parse_scalar(c, types, Span::default())?) } else { None };
    c.expect("]")?;
    Ok(Some(Reduce { op, acc, binders, guard }))
}

/// Gives every node of a scalar the same span.
pub(crate) fn set_span(scalar: &mut Scalar, span: Span) {
    scalar.visit_mut(&mut |node| node.span = span);
}

fn parse_scan(c: &mut Cursor<'_>, module: &Module) -> Result<Scan, ParseError> {
    let index = c.entity("i")?;
    let reverse = c.eat("reverse");
    c.expect("states")?;
    c.expect("(")?;
    let states = c.list(")", |c| {
        let tensor = c.entity("t")?;
        Ok(State { tensor, init: if c.eat("from") { Some(c.entity("t")?) } else { None } })
    })?;
    c.expect("stacked")?;
    c.expect("(")?;
    let stacked = c.list(")", |c| {
        let tensor = c.entity("t")?;
        c.expect("axis")?;
        Ok(Stacked { tensor, axis: c.int()? })
    })?;
    let span = c.span()?;
    c.expect("{")?;
    let mut body = Vec::new();
    while !c.eat("}") {
        body.push(parse_definition(c, module)?);
    }
    Ok(Scan { index, reverse, states, stacked, body, span })
}

fn parse_generate(c: &mut Cursor<'_>) -> Result<Generate, ParseError> {
    c.expect("(")?;
    let results = c.list(")", |c| c.entity("t"))?;
    c.expect("=")?;
    let error = c.expected("a formula");
    let name = c.word()?;
    let generator = Generator::ALL.into_iter().find(|g| g.name() == name).ok_or(error)?;
    c.expect("(")?;
    let args = c.list(")", |c| c.extent())?;
    Ok(Generate { generator, results, args, span: c.span()? })
}

fn parse_multi(c: &mut Cursor<'_>) -> Result<Multi, ParseError> {
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
        Ok((name, c.extent()?))
    })?;
    Ok(Multi { op, results, args, options, span: c.span()? })
}

pub(crate) fn parse_multi_op(c: &mut Cursor<'_>) -> Result<MultiOp, ParseError> {
    let found = match c.peek() {
        Some(Token::Word(name)) => MultiOp::ALL.into_iter().find(|op| op.name() == *name),
        _ => None,
    };
    let error = c.expected("a function of tensors");
    c.word()?;
    found.ok_or(error)
}
