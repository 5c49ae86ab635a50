//! Calls between defs (language 4e): generics unify with the caller's dims, by name and not by value; the def is inlined.

use super::budget::nodes_of;
use super::dtype::{Typer, fits, name_of};
use super::files::ItemId;
use super::inline::{Renaming, substitute_dims};
use super::names::find_at;
use super::program::{DefRef, Elaborated, Outcome};
use super::resolve::{Resolver, plural};
use super::rows;
use super::scope::{Elaborator, Meaning};
use super::tree::Ty;
use super::whole::WholeCall;
use crate::ast::{Argument, Expr, ExprKind, Ident};
use crate::builtins::{nearest, whole, whole_names};
use crate::error::dims;
use crate::error::parse::{LimitError, too_deep};
use crate::error::sums::error;
use crate::error::types;
use crate::limits::MAX_COPIED_NODES;
use crate::lower::Builder;
use crate::print::print_expr;
use ein_ir::dtype::DType;
use ein_ir::entity::{Dim, EntityRef, Tensor};
use ein_ir::extent::Extent;
use ein_ir::span::Span;
use ein_ir::tensor::{DimKind, TensorDecl};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call statement.
struct Call<'a> {
    def: &'a Ident,
    args: &'a [Argument],
    callee: Arc<Elaborated>,
    span: Span,
}

impl<'p> Elaborator<'p> {
    /// The def that a name means here.
    pub(crate) fn find_def(&self, name: &str) -> Option<DefRef<'p>> {
        self.program.def(self.file, name)
    }

    /// Whether so many nodes of a def may be copied; says so if not.
    pub(crate) fn copied(&mut self, nodes: usize, def: &str, span: Span) -> bool {
        let fits = self.program.budget.take(nodes);
        if !fits {
            self.errors.push(LimitError::CopiedTooMuch { def: def.to_owned(), limit: MAX_COPIED_NODES, span }.into());
        }
        fits
    }

    /// The def that a call names, for rows of these ranks; says why if it cannot be called.
    fn callee(&mut self, name: &Ident, found: DefRef<'p>, ranks: &[usize]) -> Option<Arc<Elaborated>> {
        match self.program.elaborated(found, ranks) {
            Outcome::Right(callee) => self.copied(nodes_of(&callee.module), name.as_str(), name.span).then_some(callee),
            Outcome::Refused(refusals) => {
                let called = refusals.into_iter().map(|d| d.and(name.span, format!("`{name}` is called here")));
                self.errors.extend(called);
                None
            }
            Outcome::Wrong(errors) => {
                // Its own mistakes are reported there; this def cannot be right before it is.
                self.errors.extend(errors);
                None
            }
            Outcome::Active => {
                let found = error(209, format!("`{}` calls itself through `{name}`", self.module.name));
                self.errors.push(found.at(name.span, "recursion has no end here").help("a `scan` states a recurrence"));
                None
            }
            Outcome::TooDeep => {
                self.errors.push(too_deep(name.as_str(), name.span));
                None
            }
        }
    }

    /// `(a, b) = f(x);`
    ///
    /// `stated` is the element type that the equation states, if it does.
    pub(crate) fn bind_many(&mut self, names: &[Ident], value: &Expr, stated: Option<DType>, span: Span) {
        if self.call(names, value, stated, span).is_none() {
            names.iter().for_each(|name| self.poison(name));
        }
    }

    fn call(&mut self, names: &[Ident], value: &Expr, stated: Option<DType>, span: Span) -> Option<()> {
        let ExprKind::Call { name, args } = &value.peeled().kind else {
            let found = error(213, "several results come from a call").at(value.span, "not a call").help("`(a, b) = f(x);`");
            self.errors.push(found);
            return None;
        };
        let Some(found) = self.find_def(name.as_str()) else {
            return match whole(name.as_str()) {
                Some(function) => self.whole_call(function, &WholeCall { names, name, args, value, stated, span }),
                None => self.not_a_def(name),
            };
        };
        let ranks = self.ranks(name, found, args, span)?;
        let callee = self.callee(name, found, &ranks)?;
        let call = Call { def: name, args, callee, span };
        let tensors = self.arguments(&call, &names[0])?;
        let sizes = self.unify(&call, &tensors)?;
        let module = &call.callee.module;
        if names.len() != module.results.len() {
            let n = module.results.len();
            let found = error(
                213,
                format!(
                    "`{name}` has {n} {}, and {} {} named",
                    plural(n, "result", "results"),
                    names.len(),
                    plural(names.len(), "is", "are")
                ),
            );
            let results: Vec<&str> = module.results.iter().map(|t| module.tensors[*t].name.as_str()).collect();
            let text = if n == 1 {
                format!("`{} = {};`", names[0], print_expr(value))
            } else {
                format!("`({}) = {};`", results.join(", "), print_expr(value))
            };
            self.errors.push(found.at(span, format!("{} named", names.len())).help(text));
            return None;
        }
        let mut map: BTreeMap<Tensor, Tensor> = module.params.iter().copied().zip(tensors).collect();
        for (name, result) in names.iter().zip(&module.results) {
            let target = self.result_tensor(name, &call, *result, &sizes)?;
            map.insert(*result, target);
        }
        let label = names[0].as_str().to_owned();
        let callee = Arc::clone(&call.callee);
        let mut renaming = Renaming::new(&sizes, map.clone());
        self.share_constants(&callee, &mut renaming, span);
        let before = self.module.requires.len();
        self.inline(&callee.module, renaming, &label);
        self.called.extend((before..self.module.requires.len()).map(|n| (n, span)));
        for result in &callee.module.results {
            self.defined.insert(map[result]);
            self.carry_whole(map[result]);
        }
        Some(())
    }

    fn not_a_def(&mut self, name: &Ident) -> Option<()> {
        if let Some(what) = self.program.foreign(self.file, name.as_str()) {
            self.errors.push(crate::error::refusals::unsupported(&format!("`{name}` is declared by {what}, and that is"), name.span));
            return None;
        }
        let found = error(211, format!("there is no def `{name}`")).at(name.span, "not a def");
        self.errors.push(match nearest(name.as_str(), self.program.def_names(self.file).into_iter().chain(whole_names())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found,
        });
        None
    }

    /// The caller's tensors for the parameters, in order; a scalar expression becomes a tensor of its own.
    fn arguments(&mut self, call: &Call<'_>, target: &Ident) -> Option<Vec<Tensor>> {
        let module = &call.callee.module;
        let positional: Vec<&Argument> = call.args.iter().filter(|a| a.name.is_none()).collect();
        if positional.len() != module.params.len() {
            let wants: Vec<&str> = module.params.iter().map(|t| module.tensors[*t].name.as_str()).collect();
            self.wrong_number(call.def, &wants, positional.len(), call.span);
            return None;
        }
        let mut out = Vec::new();
        for (argument, param) in positional.iter().zip(&module.params) {
            let decl = module.tensors[*param].clone();
            let tensor = if decl.axes.is_empty() {
                self.scalar_argument(&argument.value, &decl, target)
            } else {
                self.whole_tensor(&argument.value)
            };
            out.push(tensor?);
        }
        Some(out)
    }

    /// A whole tensor as an argument: its bare name.
    pub(crate) fn whole_tensor(&mut self, e: &Expr) -> Option<Tensor> {
        if let ExprKind::Prev(name) = &e.peeled().kind {
            let state = self.previous(name)?;
            return Some(self.copy_of_previous(state, e.span));
        }
        let Some(name) = e.as_name() else {
            let found = error(213, "a tensor is passed by its bare name").at(e.span, "an expression");
            self.errors.push(found.help("name it by an equation of its own, and pass that name"));
            return None;
        };
        self.bring_in(name.as_str(), name.span);
        match self.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.what)) {
            Some((Meaning::Tensor(tensor), _)) if self.defined.contains(&tensor) => Some(tensor),
            Some((Meaning::Unknown, _)) => None,
            Some((Meaning::Tensor(_), _)) | None => {
                self.unknown(name.as_str(), name.span, &[]);
                None
            }
            Some((_, what)) => {
                self.errors.push(error(213, format!("`{name}` is a {what}, not a tensor")).at(name.span, "a tensor must stand here"));
                None
            }
        }
    }

    fn scalar_argument(&mut self, e: &Expr, param: &TensorDecl, target: &Ident) -> Option<Tensor> {
        let before = self.errors.len();
        let scans: Vec<Ident> = self.scans.iter().map(|s| s.name.clone()).filter(|n| !n.is_hole()).collect();
        let explicit = super::sum::make_explicit(e, &scans, self);
        self.errors.extend(explicit.errors);
        let mut resolver = Resolver::new(self, explicit.poisoned);
        resolver.bind_scans();
        let mut node = resolver.expr(&explicit.value);
        let mut vars = resolver.vars;
        if self.errors.len() > before {
            return None;
        }
        let bind =
            crate::ast::Bind { name: target.clone(), left: None, ty: None, value: e.clone(), init: None, tolerance: None, span: e.span };
        let sides = super::range::Sides { bind: &bind, explicit: &explicit.value, right: &node, left: &[], declared: None };
        self.determine_ranges(&mut vars, &sides);
        let mut typer = Typer { elab: self, source: e };
        let ty = typer.annotate(&mut node);
        typer.root(ty, Some((param.dtype, param.span, &param.name)), &node)?;
        if self.errors.len() > before {
            return None;
        }
        let name = self.fresh_name(&format!("{target}.{}", param.name));
        let index_of = self.index_fact(&node, &vars).into_iter().collect();
        let decl = TensorDecl { index_of, ..TensorDecl::new(name, param.dtype, Vec::new(), e.span) };
        let tensor = self.module.tensors.push(decl);
        Builder::new(self, &vars, &explicit.value, target.as_str(), &[]).define(tensor, &node, e.span);
        self.notes.indices.clear();
        self.notes.reductions.clear();
        (self.errors.len() == before).then_some(tensor)
    }

    /// One size of the caller for each generic: from the axes where it stands alone, by name, or its default.
    fn unify(&mut self, call: &Call<'_>, tensors: &[Tensor]) -> Option<Vec<Extent>> {
        let module = Arc::clone(&call.callee);
        let module = &module.module;
        let before = self.errors.len();
        let mut sizes: Vec<Option<Extent>> = vec![None; module.dims.len()];
        self.named_arguments(call, &mut sizes);
        self.share_dims(&call.callee, &mut sizes, call.span);
        for (param, tensor) in module.params.iter().zip(tensors) {
            let (param, given) = (&module.tensors[*param], &self.module.tensors[*tensor]);
            if let Some(found) = argument_mismatch(call, param, given) {
                self.errors.push(found);
                continue;
            }
            let ranges = param.index_of.iter().zip(&given.index_of);
            for (wanted, axis) in param.axes.iter().zip(&given.axes).chain(ranges) {
                if let Some(dim) = wanted.as_dim()
                    && sizes[dim.index()].is_none()
                {
                    sizes[dim.index()] = Some(axis.clone());
                }
            }
        }
        if self.errors.len() > before {
            return None;
        }
        let mut out = Vec::new();
        for (n, size) in sizes.into_iter().enumerate() {
            let decl = &module.dims[Dim::new(n)];
            match size.or_else(|| decl.default.map(Extent::from)) {
                Some(size) => out.push(size),
                None => {
                    let found = dims::error(306, format!("no argument says what size `{}` of `{}` has", decl.name, call.def));
                    self.errors.push(
                        found
                            .at(call.span, "called here")
                            .and(decl.span, "declared here")
                            .help(format!("`{} = …` among the arguments", decl.name)),
                    );
                }
            }
        }
        if self.errors.len() > before {
            return None;
        }
        for (param, tensor) in module.params.iter().zip(tensors) {
            self.check_axes(call, &module.tensors[*param], *tensor, &out);
        }
        (self.errors.len() == before).then_some(out)
    }

    fn named_arguments(&mut self, call: &Call<'_>, sizes: &mut [Option<Extent>]) {
        for argument in call.args {
            let Some(name) = &argument.name else { continue };
            let dims = &call.callee.module.dims;
            match dims.iter().find(|(_, d)| d.name == name.as_str()) {
                Some((dim, decl)) => {
                    let Some(size) = self.size(&argument.value) else { continue };
                    if decl.kind == DimKind::Size {
                        self.ensure_nonnegative(&size, argument.span);
                    }
                    sizes[dim.index()] = Some(size);
                }
                None => {
                    let near = nearest(name.as_str(), dims.values().map(|d| d.name.as_str()));
                    let found = error(213, format!("`{}` has no generic `{name}`", call.def)).at(name.span, "no such generic");
                    self.errors.push(match near {
                        Some(near) => found.help(format!("did you mean `{near}`?")),
                        None => found.note("tensors are passed by position, `int` generics by name"),
                    });
                }
            }
        }
    }

    /// The axes of an argument are those of the parameter, as polynomials over the caller's dims.
    fn check_axes(&mut self, call: &Call<'_>, param: &TensorDecl, tensor: Tensor, sizes: &[Extent]) {
        for (column, wanted) in param.index_of.iter().enumerate() {
            let given = self.module.tensors[tensor].index_of[column].clone();
            let wanted = substitute_dims(wanted, sizes);
            if wanted != given {
                let (wanted, given) = (self.show(&wanted), self.show(&given));
                let name = self.quoted(tensor);
                let message = format!("{name} indexes `{given}`, but `{}` of `{}` indexes `{wanted}`", param.name, call.def);
                self.errors.push(
                    dims::error(301, message)
                        .at(call.span, format!("`{given}` passed here"))
                        .and(param.span, format!("`{wanted}` needed here")),
                );
            }
        }
        for (axis, wanted) in param.axes.iter().enumerate() {
            let given = self.module.tensors[tensor].axes[axis].clone();
            let wanted = substitute_dims(wanted, sizes);
            if wanted != given {
                let decl = &self.module.tensors[tensor];
                let (wanted, given) = (self.show(&wanted), self.show(&given));
                let message =
                    format!("axis {axis} of `{}` is `{given}`, but `{}` of `{}` needs `{wanted}` there", decl.name, param.name, call.def);
                let found = dims::error(301, message)
                    .at(call.span, format!("`{given}` passed here"))
                    .and(param.span, format!("`{wanted}` needed here"));
                self.errors.push(found.and(decl.span, format!("`{}` is declared here", decl.name)));
            }
        }
    }

    /// The tensor that a result of the call becomes: a declared result of this def, or a new one.
    fn result_tensor(&mut self, name: &Ident, call: &Call<'_>, result: Tensor, sizes: &[Extent]) -> Option<Tensor> {
        let decl = &call.callee.module.tensors[result];
        let axes: Vec<Extent> = decl.axes.iter().map(|a| substitute_dims(a, sizes)).collect();
        let index_of = decl.index_of.iter().map(|size| substitute_dims(size, sizes)).collect();
        self.bind_result(name, (decl.dtype, axes, index_of), call.def.as_str(), call.span)
    }

    /// The tensor that a result of the function `def` becomes: a declared result of this def, or a new one.
    /// Its type is given by the element type, the axes, and what the elements are indices of.
    pub(super) fn bind_result(
        &mut self,
        name: &Ident,
        (dtype, axes, index_of): (DType, Vec<Extent>, Vec<Extent>),
        def: &str,
        span: Span,
    ) -> Option<Tensor> {
        let Some(target) = self.target(name)? else {
            let fresh = TensorDecl { index_of, ..TensorDecl::new(name.as_str(), dtype, axes, name.span) };
            let tensor = self.module.tensors.push(fresh);
            self.declare(name.as_str(), name.span, "tensor", Meaning::Tensor(tensor));
            return Some(tensor);
        };
        let own = &self.module.tensors[target];
        if own.dtype != dtype {
            let found = types::error(402, format!("`{name}` is {}, but `{def}` gives {dtype}", own.dtype));
            self.errors.push(found.at(span, dtype.to_string()).and(own.span, own.dtype.to_string()));
            return None;
        }
        if own.axes != axes {
            let show = |list: &[Extent]| list.iter().map(|a| self.show(a)).collect::<Vec<_>>().join(", ");
            let message = format!("`{name}` has the axes [{}], but `{def}` gives [{}]", show(&own.axes), show(&axes));
            let found = dims::error(301, message).at(span, "given here").and(own.span, "declared here");
            self.errors.push(found);
            return None;
        }
        if !own.index_of.is_empty() && own.index_of != index_of {
            let message = format!("`{name}` is declared an index, and `{def}` does not give one of the same dim");
            self.errors.push(dims::error(303, message).at(span, "given here").and(own.span, "declared here"));
            return None;
        }
        self.module.tensors[target].index_of = index_of;
        Some(target)
    }

    /// The type of a call of a def of scalars inside an expression.
    pub(crate) fn scalar_call_type(&mut self, id: ItemId, args: &[(Ty, Span)], span: Span) -> Ty {
        let Some(found) = self.program.files.def(id) else { return Ty::Bad };
        let name = &found.name;
        let found = DefRef { id, def: found };
        let Some(callee) = self.callee(&Ident::new(name.as_str(), span), found, &no_rows(found)) else { return Ty::Bad };
        let module = &callee.module;
        if module.params.len() != args.len() {
            let n = module.params.len();
            let found = error(
                213,
                format!(
                    "`{name}` takes {n} {}, and {} {} given",
                    plural(n, "argument", "arguments"),
                    args.len(),
                    plural(args.len(), "is", "are")
                ),
            );
            self.errors.push(found.at(span, format!("{} given", args.len())));
            return Ty::Bad;
        }
        for (param, (ty, at)) in module.params.iter().zip(args) {
            let decl = &module.tensors[*param];
            let right = match ty {
                Ty::Data(d) => *d == decl.dtype,
                Ty::Adapt(k) => fits(*k, decl.dtype),
                Ty::Bad => true,
            };
            if !right {
                let found = types::error(402, format!("`{}` of `{name}` is {}, and this is {}", decl.name, decl.dtype, name_of(*ty)));
                self.errors
                    .push(found.at(*at, name_of(*ty)).and(decl.span, decl.dtype.to_string()).help(format!("`(…) as {}`", decl.dtype)));
            }
        }
        Ty::Data(module.tensors[module.results[0]].dtype)
    }

    /// Types of the parameters of a def of scalars.
    pub(crate) fn scalar_params(&self, id: ItemId) -> Vec<DType> {
        match self.scalar_def(id) {
            Outcome::Right(callee) => callee.module.params.iter().map(|t| callee.module.tensors[*t].dtype).collect(),
            _ => Vec::new(),
        }
    }

    /// A def of scalars, elaborated.
    pub(crate) fn scalar_def(&self, id: ItemId) -> Outcome {
        match self.program.files.def(id) {
            Some(def) => self.program.elaborated(DefRef { id, def }, &no_rows(DefRef { id, def })),
            None => Outcome::Wrong(Vec::new()),
        }
    }

    /// How many axes the rows of a called def stand for.
    fn ranks(&mut self, name: &Ident, found: DefRef<'p>, args: &[Argument], span: Span) -> Option<Vec<usize>> {
        if rows::row_names(found.def).is_empty() {
            return Some(Vec::new());
        }
        let positional: Vec<&Argument> = args.iter().filter(|a| a.name.is_none()).collect();
        if positional.len() != found.def.params.len() {
            let wants: Vec<&str> = found.def.params.iter().map(|p| p.name.as_str()).collect();
            self.wrong_number(name, &wants, positional.len(), span);
            return None;
        }
        let mut given = Vec::new();
        for (argument, param) in positional.iter().zip(&found.def.params) {
            let is_scalar = param.ty.axes.as_ref().is_none_or(Vec::is_empty);
            let rank = if is_scalar {
                0
            } else {
                let tensor = self.whole_tensor(&argument.value)?;
                self.module.tensors[tensor].axes.len()
            };
            given.push(Some(rank));
        }
        match rows::ranks_of_call(found.def, &given, &[]) {
            Ok(ranks) => Some(ranks),
            Err(problems) => {
                for problem in problems {
                    let (message, declared, text) = problem.message(name.as_str());
                    let found = dims::error(313, message).at(span, "called here").and(declared, text);
                    self.errors.push(found);
                }
                None
            }
        }
    }

    fn wrong_number(&mut self, name: &Ident, wants: &[&str], given: usize, span: Span) {
        let n = wants.len();
        let found = error(
            213,
            format!("`{name}` takes {n} {}, and {given} {} given", plural(n, "argument", "arguments"), plural(given, "is", "are")),
        );
        self.errors.push(found.at(span, format!("{given} given")).help(format!("`{name}({})`", wants.join(", "))));
    }
}

/// Whether a def has scalars alone as parameters and one scalar result, so that it may be called in any expression.
pub(crate) fn is_scalar_def(def: &crate::ast::Def) -> bool {
    let is_plain = |p: &crate::ast::Param| matches!(p.ty.element.kind, crate::ast::ElementKind::Scalar(_));
    let is_scalar = |p: &crate::ast::Param| p.ty.axes.as_ref().is_none_or(Vec::is_empty) && is_plain(p);
    def.results.len() == 1 && def.params.iter().chain(&def.results).all(is_scalar)
}

/// Every row stands for no axes: a def of scalars has nothing that says otherwise.
fn no_rows(found: DefRef<'_>) -> Vec<usize> {
    vec![0; rows::row_names(found.def).len()]
}

fn argument_mismatch(call: &Call<'_>, param: &TensorDecl, given: &TensorDecl) -> Option<ein_ir::diagnostic::Diagnostic> {
    let at =
        call.args.iter().find_map(|a| find_at(&a.value, a.value.span).filter(|e| e.as_name().is_some_and(|n| n.as_str() == given.name)));
    let span = at.map_or(call.span, |e| e.span);
    if param.axes.len() != given.axes.len() {
        let (n, m) = (param.axes.len(), given.axes.len());
        let message = format!("`{}` of `{}` has {n} {}, and `{}` has {m}", param.name, call.def, plural(n, "axis", "axes"), given.name);
        return Some(dims::error(310, message).at(span, format!("{m} here")).and(param.span, format!("{n} here")));
    }
    if param.index_of.len() > given.index_of.len() || (!param.index_of.is_empty() && param.index_of.len() != given.index_of.len()) {
        let n = param.index_of.len();
        let wanted = if n == 1 { "an index".to_owned() } else { format!("a list of {n} coordinates") };
        let message = format!("`{}` of `{}` is {wanted}, and nothing says that the values of `{}` are", param.name, call.def, given.name);
        let found = dims::error(303, message).at(span, "may be any number").and(param.span, "declared here");
        return Some(found.help(format!("declare `{}` with the element type `idx<…>`", given.name)));
    }
    if param.dtype != given.dtype {
        let message = format!("`{}` of `{}` is {}, and `{}` is {}", param.name, call.def, param.dtype, given.name, given.dtype);
        let found = types::error(402, message).at(span, given.dtype.to_string()).and(param.span, param.dtype.to_string());
        return Some(found.help(format!("an equation that converts it: `… as {}`", param.dtype)));
    }
    None
}
