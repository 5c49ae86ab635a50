//! What is computed in the clear before a packed program starts: definitions that read no secret, and parts of others that do not.

use crate::read::refused;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::{EntityRef, Index, PrimaryMap, SecondaryMap, Tensor};
use ein_ir::extent::Extent;
use ein_ir::interp::tensor::constants;
use ein_ir::scalar::approx::make_exact;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::scalar::value::Value;
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::verify::verify;
use ein_ir::tensor::{Definition, Equation, IndexDecl, Module, Reduce, ReduceOp, TensorDecl};
use ein_ir::verified::Verified;
use std::collections::BTreeSet;

/// Elements that a part of an equation may have.
const MAX_ELEMENTS: u64 = 1 << 26;

/// The definitions that read no secret, and what parts of equations were made such.
pub(crate) struct Clear {
    /// Has every tensor and index of the program, and those that are added.
    module: Module,
    /// Parts of equations, with the indices that they were written over.
    parts: Vec<(Vec<Index>, Scalar, Tensor)>,
    /// Tensors some elements of which have no value.
    partial: BTreeSet<Tensor>,
    names: BTreeSet<String>,
}

impl Clear {
    pub(crate) fn new(module: &Module) -> Self {
        let names = module.tensors.values().map(|decl| decl.name.clone()).collect();
        let module = Module { results: Vec::new(), body: Vec::new(), ..module.clone() };
        Self { module, parts: Vec::new(), partial: BTreeSet::new(), names }
    }

    /// A definition that reads no secret.
    pub(crate) fn define(&mut self, definition: &Definition) {
        if has_domain(definition) {
            self.partial.extend(results(definition));
        }
        self.module.body.push(definition.clone());
    }

    /// Whether every element of a tensor has a value.
    pub(crate) fn is_total(&self, tensor: Tensor) -> bool {
        !self.partial.contains(&tensor)
    }

    /// What is known of a tensor, as it is named here: no two have one name.
    pub(crate) fn decl(&mut self, tensor: Tensor) -> &TensorDecl {
        let decl = &self.module.tensors[tensor];
        let twice = self.module.tensors.iter().any(|(other, it)| other < tensor && it.name == decl.name);
        if twice && !self.module.params.contains(&tensor) {
            let name = self.fresh(&decl.name.clone());
            self.module.tensors[tensor].name = name;
        }
        &self.module.tensors[tensor]
    }

    fn fresh(&mut self, name: &str) -> String {
        let numbered = (1..).map(|n| if n == 1 { name.to_owned() } else { format!("{name}.{n}") });
        let name = numbered.into_iter().find(|name| !self.names.contains(name)).expect("one of all numbers is free");
        self.names.insert(name.clone());
        name
    }

    /// An index of its own.
    pub(crate) fn index(&mut self, name: &str, size: u64, span: Span) -> Index {
        let hi = Extent::constant(i128::from(size));
        self.module.indices.push(IndexDecl { name: name.to_owned(), lo: Extent::constant(0), hi, span })
    }

    /// The tensor of the values of an expression over these indices.
    pub(crate) fn part(&mut self, value: &Scalar, indices: &[Index], name: &str) -> Result<Tensor, Diagnostic> {
        if let Some((.., tensor)) = self.parts.iter().find(|(over, part, _)| over == indices && part.is_alike(value)) {
            return Ok(*tensor);
        }
        let span = value.span;
        let mut axes = Vec::new();
        let mut own = SecondaryMap::new();
        let mut elements = Some(1_u64);
        for &index in indices {
            let decl = &self.module.indices[index];
            let name = decl.name.clone();
            let (lo, hi) = decl.literal_range().ok_or_else(|| refused(span, "a range beyond 64 bits"))?;
            let size = u64::try_from(hi.saturating_sub(lo)).unwrap_or(0);
            elements = elements.and_then(|n| n.checked_mul(size)).filter(|n| *n <= MAX_ELEMENTS);
            axes.push(size);
            own[index] = Some((self.index(&name, size, span), lo));
        }
        if elements.is_none() {
            let shape: Vec<String> = axes.iter().map(u64::to_string).collect();
            let message = format!("{} numbers are computed in the clear for this, and at most {MAX_ELEMENTS} are", shape.join(" x "));
            return Err(Diagnostic::error(715, "he-memory", message).at(span, "no sum of products of tensors"));
        }
        let mut body = value.clone();
        make_exact(&mut body);
        body.visit_mut(&mut |node| {
            if let ScalarKind::Index(index) = node.kind
                && let Some((own, lo)) = own[index]
            {
                *node = moved(own, lo, node.span);
            }
        });
        let name = self.fresh(&format!("{name}.clear"));
        let sizes = axes.iter().map(|&size| Extent::constant(i128::from(size))).collect();
        let tensor = self.module.tensors.push(TensorDecl::new(name, value.dtype, sizes, span));
        let over = indices.iter().filter_map(|&index| own[index]).map(|(own, _)| own).collect();
        self.module.body.push(Definition::Equation(Equation { out: tensor, indices: over, domain: None, reduce: None, body, span }));
        self.parts.push((indices.to_vec(), value.clone(), tensor));
        Ok(tensor)
    }

    /// The tensor of the values of an expression over indices of its own, summed over others.
    pub(crate) fn equation(&mut self, name: &str, indices: Vec<Index>, binders: Vec<Index>, body: Scalar) -> Result<Tensor, Diagnostic> {
        let (span, dtype) = (body.span, body.dtype);
        let name = self.fresh(&format!("{name}.clear"));
        let sizes = indices.iter().map(|&index| self.module.indices[index].hi.clone()).collect();
        let out = self.module.tensors.push(TensorDecl::new(name, dtype, sizes, span));
        let reduce = (!binders.is_empty()).then_some(Reduce { op: ReduceOp::Sum, acc: dtype, binders, guard: None });
        self.module.body.push(Definition::Equation(Equation { out, indices, domain: None, reduce, body, span }));
        Ok(out)
    }

    /// The number that an expression without indices and tensors is, if it is one.
    pub(crate) fn constant(&mut self, value: &Scalar) -> Option<f64> {
        let tensor = self.part(value, &[], "constant").ok()?;
        let definition = self.module.body.iter().position(|definition| results(definition).contains(&tensor))?;
        let found = constants(&self.module, &self.module.body[definition..=definition]);
        match found.first()?.as_ref()?.values.first()? {
            Value::Float(number, _) if number.is_finite() => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "integers beyond 2^53 are refused as coefficients")]
            value => value.as_int().map(|number| number as f64),
        }
    }

    /// The module that computes these tensors from parameters; none if they are all parameters.
    pub(crate) fn finish(self, wanted: &[Tensor]) -> Option<Result<Verified<Module>, Vec<Diagnostic>>> {
        let Clear { module, .. } = self;
        let results: Vec<Tensor> = wanted.iter().copied().filter(|tensor| !module.params.contains(tensor)).collect();
        if results.is_empty() {
            return None;
        }
        let mut module = needed(module, results);
        // Also what was declared so.
        module.tensors.values_mut().for_each(|decl| decl.secret = false);
        Some(verify(module).map_err(|errors| {
            let internal = |e: &ein_ir::verified::VerifierError| {
                Diagnostic::error(199, "internal", format!("what is computed in the clear is broken: {e}"))
            };
            errors.iter().map(internal).collect()
        }))
    }
}

/// An index that begins at 0, as one that begins at `lo`.
fn moved(index: Index, lo: i64, span: Span) -> Scalar {
    let index = Scalar::index(index, span);
    if lo == 0 {
        return index;
    }
    let lo = Scalar::literal(Literal::Int(i128::from(lo)), DType::I64, span);
    Scalar::binary(BinaryFn::Add, index, lo, DType::I64, span)
}

fn has_domain(definition: &Definition) -> bool {
    match definition {
        Definition::Equation(equation) => equation.domain.is_some(),
        Definition::Scan(scan) => scan.body.iter().any(has_domain),
        Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => false,
    }
}

/// The tensors that a definition gives to those after it.
pub(crate) fn results(definition: &Definition) -> Vec<Tensor> {
    match definition {
        Definition::Equation(equation) => vec![equation.out],
        Definition::Scan(scan) => scan.states.iter().map(|s| s.tensor).chain(scan.stacked.iter().map(|s| s.tensor)).collect(),
        Definition::Multi(multi) => multi.results.clone(),
        Definition::Generate(generate) => generate.results.clone(),
        Definition::Table(table) => vec![table.out],
    }
}

/// The scalars of an equation.
pub(crate) fn scalars(equation: &Equation) -> impl Iterator<Item = &Scalar> {
    let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
    [equation.domain.as_ref(), guard, Some(&equation.body)].into_iter().flatten()
}

/// Every tensor that a definition reads, also those that it defines itself.
pub(crate) fn reads(definition: &Definition, found: &mut BTreeSet<Tensor>) {
    match definition {
        Definition::Equation(equation) => scalars(equation).for_each(|scalar| {
            scalar.visit(&mut |node| {
                if let ScalarKind::Access(access) = &node.kind {
                    found.insert(access.tensor);
                }
            });
        }),
        Definition::Scan(scan) => {
            found.extend(scan.states.iter().filter_map(|state| state.init));
            scan.body.iter().for_each(|definition| reads(definition, found));
        }
        Definition::Multi(multi) => found.extend(&multi.args),
        Definition::Generate(_) | Definition::Table(_) => {}
    }
}

/// The part of a module that these results need.
pub(crate) fn needed(mut module: Module, results_wanted: Vec<Tensor>) -> Module {
    let mut wanted: BTreeSet<Tensor> = results_wanted.iter().copied().collect();
    let mut body = Vec::new();
    for definition in std::mem::take(&mut module.body).into_iter().rev() {
        if results(&definition).iter().any(|tensor| wanted.contains(tensor)) {
            reads(&definition, &mut wanted);
            wanted.extend(defined(&definition));
            body.push(definition);
        }
    }
    body.reverse();
    module.params.retain(|param| wanted.contains(param));
    module.body = body;
    module.results = results_wanted;
    compact(module, &wanted)
}

/// Every tensor that a definition defines, also those that nobody else reads.
fn defined(definition: &Definition) -> Vec<Tensor> {
    match definition {
        Definition::Scan(scan) => scan.body.iter().flat_map(defined).collect(),
        _ => results(definition),
    }
}

/// Only these tensors, in the same order.
fn compact(mut module: Module, kept: &BTreeSet<Tensor>) -> Module {
    let mut to: SecondaryMap<Tensor, Option<Tensor>> = SecondaryMap::new();
    let mut tensors = PrimaryMap::new();
    for (tensor, decl) in &module.tensors {
        if kept.contains(&tensor) {
            to[tensor] = Some(tensors.push(decl.clone()));
        }
    }
    module.tensors = tensors;
    let rename = |tensor: &mut Tensor| *tensor = to[*tensor].unwrap_or(Tensor::new(0));
    module.params.iter_mut().chain(&mut module.results).for_each(rename);
    module.body.iter_mut().for_each(|definition| renamed(definition, &rename));
    module
}

fn renamed(definition: &mut Definition, rename: &dyn Fn(&mut Tensor)) {
    match definition {
        Definition::Equation(equation) => {
            rename(&mut equation.out);
            let guard = equation.reduce.as_mut().and_then(|reduce| reduce.guard.as_mut());
            for scalar in [equation.domain.as_mut(), guard, Some(&mut equation.body)].into_iter().flatten() {
                scalar.visit_mut(&mut |node| {
                    if let ScalarKind::Access(access) = &mut node.kind {
                        rename(&mut access.tensor);
                    }
                });
            }
        }
        Definition::Scan(scan) => {
            for state in &mut scan.states {
                rename(&mut state.tensor);
                state.init.iter_mut().for_each(rename);
            }
            scan.stacked.iter_mut().for_each(|stacked| rename(&mut stacked.tensor));
            scan.body.iter_mut().for_each(|definition| renamed(definition, rename));
        }
        Definition::Multi(multi) => multi.results.iter_mut().chain(&mut multi.args).for_each(rename),
        Definition::Generate(generate) => generate.results.iter_mut().for_each(rename),
        Definition::Table(table) => rename(&mut table.out),
    }
}
