//! Modules in text form, the plans made of them, and the meaning of both: a plan is turned back into a module, and the
//! interpreter must give the same values for it. Inputs are small integers, so that floats are exact in any order.

mod algebra;
mod bands;
mod contractions;
mod folding;
mod fusion;
mod identities;
mod machines;
mod memory;
mod paths;
mod random;
mod refusals;
mod rings;
mod scatter;

use crate::{Machine, Options, plan_module};
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, Tensor};
use ein_ir::extent::Extent;
use ein_ir::interp::data::Data;
use ein_ir::interp::tensor::run;
use ein_ir::plan::{Contraction, Nest, NestReduce, Pin, Place, Plan, StepKind, Strategy};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Access, Mode, Scalar, ScalarKind, Sub};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Module, Reduce, ReduceOp, Table, TensorDecl, parse, verify};
use ein_ir::verified::Verified;

/// A module of these lines: tensors `NAME DTYPE[..]` (`>` before the name of an input, `<` before that of a result), a line `---`,
/// then definitions over `t0`, `t1`... Indices are `iN` with the ranges listed: `i0 0..4`.
pub(crate) fn module(text: &str) -> Verified<Module> {
    let (mut tensors, mut indices, mut body) = (String::new(), String::new(), String::new());
    let (mut params, mut results, mut n) = (Vec::new(), Vec::new(), 0);
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some((index, range)) = line.split_once(' ').filter(|(i, _)| i.starts_with('i') && i[1..].parse::<u32>().is_ok()) {
            indices.push_str(&format!("index {index} \"{index}\" {range}\n"));
        } else if line.starts_with(['>', '<', '|']) {
            let (name, ty) = line[1..].split_once(' ').expect("a tensor has a name and a type");
            match &line[..1] {
                ">" => params.push(format!("t{n}")),
                "<" => results.push(format!("t{n}")),
                _ => {}
            }
            tensors.push_str(&format!("tensor t{n} \"{name}\" {ty}\n"));
            n += 1;
        } else {
            body.push_str(line);
            body.push('\n');
        }
    }
    let text = format!("module \"m\"\n{tensors}{indices}params ({})\nresults ({})\n{body}", params.join(", "), results.join(", "));
    let module = parse::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    verify::verify(module).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

/// A module of one equation a line over indices of these extents; each line gets indices of its own.
pub(crate) fn equations(inputs: &[(&str, &[u64])], outputs: &str, extents: &[u64], body: &str, dtype: &str) -> String {
    let list = |of: &[u64]| of.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let inputs: String = inputs.iter().map(|(name, axes)| format!(">{name} {dtype}[{}]\n", list(axes))).collect();
    let (mut indices, mut equations) = (String::new(), String::new());
    for (line, equation) in body.lines().enumerate() {
        // Dtypes are no indices.
        let mut equation = equation.trim().replace("i64", "@64").replace("i32", "@32");
        let number = |n: usize| line * extents.len() + n;
        (0..extents.len()).for_each(|n| indices.push_str(&format!("i{} 0..{}\n", number(n), extents[n])));
        // From the last, so that `i1` is not found in `i10`.
        for n in (0..extents.len()).rev() {
            equation = equation.replace(&format!("i{n}"), &format!("j{}", number(n)));
        }
        equations.push_str(&format!("{}\n", equation.replace(['j', '@'], "i")));
    }
    format!("{inputs}{outputs}\n{indices}{equations}")
}

/// The plan of a module, after checking at every level that it passes its verifier and computes what the module says.
fn plan(text: &str) -> Plan {
    plan_with(text, &Options::default())
}

fn plan_with(text: &str, options: &Options) -> Plan {
    let module = module(text);
    let inputs = inputs_of(&module);
    let expected = evaluate_on(&module, &inputs);
    for opt_level in 0..=2 {
        let plan = crate::plan(&module, &Options { opt_level, ..options.clone() }).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(
            evaluate_on(&as_module(&plan), &inputs),
            expected,
            "at level {opt_level}:\n{}",
            crate::table(&plan, &Machine::default())
        );
        let again = crate::plan(&module, &Options { opt_level, ..options.clone() }).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(plan, again);
    }
    plan_module(&module, options).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Kind and result of every step, in order: `gemm y`, `sum y + epilogue`, `pointwise z`.
fn steps(plan: &Plan) -> Vec<String> {
    let name = |t: Tensor| plan.buffers[t].name.clone();
    let words = |kind: &StepKind| match kind {
        StepKind::Contraction(c) if c.strategy == Strategy::Gemm => format!("gemm {}", name(c.out)),
        StepKind::Contraction(c) => format!("contraction {}", name(c.out)),
        StepKind::Nest(nest) => {
            let kind = nest.reduce.as_ref().map_or("pointwise", |r| r.op.name());
            format!("{kind} {}{}", name(nest.out), if nest.epilogue.is_some() { " + epilogue" } else { "" })
        }
        other => format!("{other:?}"),
    };
    plan.steps.values().map(|s| words(&s.kind)).collect()
}

/// Inputs are filled with small integers that differ from place to place, where they have bounds also with these.
fn inputs_of(module: &Module) -> Vec<Data> {
    let input = |(n, tensor): (usize, &Tensor)| {
        let decl = &module.tensors[*tensor];
        let shape: Vec<usize> = decl.literal_axes().expect("literal").into_iter().map(|e| e as usize).collect();
        let small = |k: usize| ((k * 7 + 3 * n) % 5) as i64 - 2;
        let within = |(lo, hi): (f64, f64), k: usize| [lo as i64, hi as i64, small(k).clamp(lo as i64, hi as i64)][(k + n) % 3];
        let value = |k: usize| decl.bounds.map_or(small(k), |bounds| within(bounds, k));
        let values: Vec<i64> = (0..shape.iter().product::<usize>()).map(value).collect();
        if decl.dtype.is_integer() {
            return Data::ints(decl.dtype, &shape, &values);
        }
        let floats: Vec<f64> = values.iter().map(|v| *v as f64).collect();
        if decl.dtype.is_complex() {
            let complex = |x: &f64| Value::complex(*x, x * x - 1.0, decl.dtype);
            return Data::new(decl.dtype, shape, floats.iter().map(complex).collect());
        }
        Data::floats(decl.dtype, &shape, &floats)
    };
    module.params.iter().enumerate().map(input).collect()
}

fn evaluate(module: &Verified<Module>) -> Vec<Data> {
    evaluate_on(module, &inputs_of(module))
}

fn evaluate_on(module: &Verified<Module>, inputs: &[Data]) -> Vec<Data> {
    let mut outputs = run(module, inputs).unwrap_or_else(|e| panic!("{e:?}\n{}", **module));
    for value in outputs.iter_mut().flat_map(|data| &mut data.values) {
        // The sign of a zero sum is not kept by a ring.
        match value {
            Value::Float(x, _) => *x += 0.0,
            Value::Complex(re, im, _) => (*re, *im) = (*re + 0.0, *im + 0.0),
            _ => {}
        }
    }
    outputs
}

/// The meaning of a plan: one equation a step, and one more for an epilogue.
fn as_module(plan: &Plan) -> Verified<Module> {
    let mut module = Module { name: "plan".to_owned(), params: plan.inputs.clone(), results: plan.outputs.clone(), ..Module::default() };
    for (tensor, buffer) in &plan.buffers {
        let axes = buffer.extents.iter().map(|e| Extent::constant(i128::from(*e))).collect();
        module.tensors.push(TensorDecl::new(buffer.name.clone(), buffer.dtype, axes, Span::default()));
        if let Place::Constant(values) = &buffer.place {
            module.body.push(Definition::Table(Table { out: tensor, values: values.clone(), span: Span::default() }));
        }
    }
    for step in plan.steps.values() {
        match &step.kind {
            StepKind::Nest(nest) => add_nest(&mut module, nest),
            StepKind::Contraction(contraction) => add_contraction(&mut module, contraction),
            other => panic!("{other:?}"),
        }
    }
    verify::verify(module).unwrap_or_else(|e| panic!("{e:?}"))
}

fn add_index(module: &mut Module, lo: i64, hi: i64) -> Index {
    let decl = IndexDecl { name: "i".to_owned(), lo: lo.into(), hi: hi.into(), span: Span::default() };
    module.indices.push(decl)
}

/// The guard of a reduction, with what its pins say as conditions.
fn guard_of(reduce: &NestReduce) -> Option<Scalar> {
    let span = Span::default();
    let pinned = |p: &Pin| Scalar::binary(BinaryFn::Eq, p.value.clone(), Scalar::index(p.index, span), DType::Bool, span);
    let conditions = reduce.guard.iter().cloned().chain(reduce.pins.iter().map(pinned));
    conditions.reduce(|a, b| Scalar::binary(BinaryFn::And, a, b, DType::Bool, span))
}

pub(crate) fn add_nest(module: &mut Module, nest: &Nest) {
    let fresh = |module: &mut Module| -> Vec<Index> { nest.indices.values().map(|r| add_index(module, r.lo, r.hi)).collect() };
    let renamed = |scalar: &Scalar, ids: &[Index]| {
        let mut scalar = scalar.clone();
        crate::rewrite::replace_indices(&mut scalar, &|i| Some(Scalar::index(ids[i.index()], Span::default())));
        scalar
    };
    let ids = fresh(module);
    let own = |list: &[Index], ids: &[Index]| -> Vec<Index> { list.iter().map(|i| ids[i.index()]).collect() };
    let reduce = nest.reduce.as_ref().map(|r| Reduce {
        op: r.op,
        acc: r.acc,
        binders: own(&r.binders, &ids),
        guard: guard_of(r).map(|g| renamed(&g, &ids)),
    });
    let out = match (&nest.epilogue, &nest.reduce) {
        (Some(_), Some(reduce)) => {
            let axes = module.tensors[nest.out].axes.clone();
            module.tensors.push(TensorDecl::new("acc", reduce.acc, axes, Span::default()))
        }
        _ => nest.out,
    };
    let domain = nest.domain.as_ref().map(|d| renamed(d, &ids));
    let (indices, body) = (own(&nest.outer, &ids), renamed(&nest.body, &ids));
    module.body.push(Definition::Equation(Equation { out, indices, domain, reduce, body, span: Span::default() }));
    if let Some(epilogue) = &nest.epilogue {
        let ids = fresh(module);
        let outer = own(&nest.outer, &ids);
        let mut body = renamed(epilogue, &ids);
        body.visit_mut(&mut |s| {
            if s.kind == ScalarKind::Accumulated {
                s.kind = access(out, &outer);
            }
        });
        let domain = nest.domain.as_ref().map(|d| renamed(d, &ids));
        module.body.push(Definition::Equation(Equation {
            out: nest.out,
            indices: outer,
            domain,
            reduce: None,
            body,
            span: Span::default(),
        }));
    }
}

fn access(tensor: Tensor, indices: &[Index]) -> ScalarKind {
    let sub = |i: &Index| Sub { value: Scalar::index(*i, Span::default()), mode: Mode::Exact };
    ScalarKind::Access(Access { tensor, prev: false, subs: indices.iter().map(sub).collect(), pad: None })
}

fn add_contraction(module: &mut Module, c: &Contraction) {
    let ids: Vec<Index> = c.extents.iter().map(|e| add_index(module, 0, *e as i64)).collect();
    let own = |labels: &[u16]| -> Vec<Index> { labels.iter().map(|l| ids[usize::from(*l)]).collect() };
    let factor = |tensor, labels: &[u16], conjugate| {
        let value = Scalar::new(access(tensor, &own(labels)), c.acc, Span::default());
        if conjugate { Scalar::unary(UnaryFn::Conj, value, c.acc, Span::default()) } else { value }
    };
    let (lhs, rhs) = (factor(c.lhs, &c.lhs_labels, c.conjugate.0), factor(c.rhs, &c.rhs_labels, c.conjugate.1));
    let indices = own(&c.out_labels);
    let binders = ids.iter().copied().filter(|i| !indices.contains(i)).collect();
    let span = Span::default();
    // Terms outside are zeros, or no terms, or parts of what nobody reads.
    let guard = c.bands.iter().map(|band| {
        let int = |n: i64| Scalar::literal(ein_ir::scalar::Literal::Int(n.into()), DType::I64, span);
        let scaled =
            |label: u16, factor| Scalar::binary(BinaryFn::Mul, int(factor), Scalar::index(ids[usize::from(label)], span), DType::I64, span);
        let minus = |sum, (row, slope): &(u16, i64)| Scalar::binary(BinaryFn::Sub, sum, scaled(*row, *slope), DType::I64, span);
        let value = band.rows.iter().fold(scaled(band.column, band.step), minus);
        let compare = |op, n| Scalar::binary(op, value.clone(), int(n), DType::Bool, span);
        Scalar::binary(BinaryFn::And, compare(BinaryFn::Ge, band.lo), compare(BinaryFn::Le, band.hi), DType::Bool, span)
    });
    let guard = guard.reduce(|a, b| Scalar::binary(BinaryFn::And, a, b, DType::Bool, span));
    module.body.push(Definition::Equation(Equation {
        out: c.out,
        indices,
        domain: None,
        reduce: Some(Reduce { op: ReduceOp::Sum, acc: c.acc, binders, guard }),
        body: Scalar::binary(BinaryFn::Mul, lhs, rhs, c.acc, Span::default()),
        span: Span::default(),
    }));
}

#[test]
fn the_helpers_agree_with_themselves() {
    let plan = plan("> A f32[2]\n< y f32[2]\ni0 0..2\nt1[i0] = (t0[i0] + 1.0:f32)".replace("> ", ">").replace("< ", "<").as_str());
    assert_eq!(steps(&plan), ["pointwise y"]);
    assert_eq!(plan.buffers[plan.outputs[0]].dtype, DType::F32);
}
