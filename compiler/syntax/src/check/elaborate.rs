//! One def: its header, its equations in order, and what is left to check at the end.

use super::dtype::Typer;
use super::explain::Explanation;
use super::index::element_dtype;
use super::program::{Elaborated, Outcome, explicit_text};
use super::range::Sides;
use super::resolve::{Resolver, index_names, plural};
use super::scope::{Elaborator, Meaning};
use super::start::suggest_unused;
use super::sum::make_explicit;
use super::tree::NodeKind;
use crate::ast::{Bind, Binder, Def, Expr, ExprKind, GenericKind, Ident, Param, Statement, Type};
use crate::error::parse::LimitError;
use crate::error::refusals::{internal, is_refusal};
use crate::error::{dims, reducers, sums, types};
use crate::limits::{MAX_EQUATIONS, MAX_GENERICS, MAX_PARAMETERS, MAX_WHERES};
use crate::lower::Builder;
use ein_ir::diagnostic::{Diagnostic, sort_by_position};
use ein_ir::dtype::DType;
use ein_ir::entity::{Dim, Tensor};
use ein_ir::extent::{Atom, Extent};
use ein_ir::span::Span;
use ein_ir::tensor::{TensorDecl, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Errors of one def after which nothing more is looked at.
const MAX_ERRORS: usize = 200;

impl Elaborator<'_> {
    /// Elaborates a whole def.
    pub(crate) fn def(mut self, def: &Def) -> Outcome {
        if let Some(limit) = too_many(def) {
            return Outcome::Wrong(vec![limit.into()]);
        }
        self.declare_generics(&def.generics);
        self.declare_wheres(&def.wheres);
        for param in &def.params {
            if let Some(tensor) = self.header_tensor(param, "parameter") {
                self.defined.insert(tensor);
                self.module.params.push(tensor);
            }
        }
        for result in &def.results {
            if let Some(tensor) = self.header_tensor(result, "result") {
                self.module.results.push(tensor);
            }
        }
        self.note_equations(&def.body);
        self.body(&def.body);
        self.check_results(def);
        self.check_generics(def);
        self.require_steps();
        if self.errors.is_empty() {
            self.secrecy(def);
        }
        self.finish()
    }

    /// A single equation whose tensor is the result, with the type of its right side.
    pub(crate) fn only_equation(mut self, bind: &Bind) -> Outcome {
        self.equations.insert(bind.name.as_str().to_owned(), bind.name.span);
        self.bind(bind);
        if let Some(Meaning::Tensor(tensor)) = self.names.get(bind.name.as_str()).map(|d| d.meaning.clone()) {
            self.module.results.push(tensor);
        }
        self.finish()
    }

    fn note_equations(&mut self, body: &[Statement]) {
        for statement in body {
            match statement {
                Statement::Bind(bind) => drop(self.equations.entry(bind.name.as_str().to_owned()).or_insert(bind.name.span)),
                Statement::BindMany(bind) => {
                    for name in &bind.names {
                        self.equations.entry(name.as_str().to_owned()).or_insert(name.span);
                    }
                }
                Statement::Scan(scan) => self.note_equations(&scan.body),
                Statement::Fit(_) => {}
            }
        }
    }

    fn header_tensor(&mut self, param: &Param, what: &'static str) -> Option<Tensor> {
        let name = param.name.as_str();
        let axes = self.axes(param.ty.axes.as_deref().unwrap_or_default());
        let index_of = self.index_dims(&param.ty.element);
        let (Some(axes), Some(index_of)) = (axes, index_of) else {
            self.declare(name, param.name.span, what, Meaning::Unknown);
            return None;
        };
        self.check_columns(name, &index_of, &axes, param.span);
        let bounds = self.stated_values(param);
        let decl = TensorDecl::new(name, element_dtype(&param.ty.element), axes, param.span);
        let tolerance = param.tolerance.as_ref().and_then(|t| self.budget(t));
        let tensor = self.module.tensors.push(TensorDecl { index_of, bounds, tolerance, ..decl });
        self.declare(name, param.name.span, what, Meaning::Tensor(tensor));
        self.qualify(tensor, name, &param.ty);
        Some(tensor)
    }

    pub(crate) fn body(&mut self, body: &[Statement]) {
        for statement in body {
            if self.errors.len() > MAX_ERRORS {
                return;
            }
            match statement {
                Statement::Bind(bind) => self.bind(bind),
                Statement::BindMany(many) => self.bind_many(&many.names, &many.value, None, many.span),
                Statement::Scan(scan) => self.scan(scan),
                Statement::Fit(_) => {}
            }
        }
    }

    fn bind(&mut self, bind: &Bind) {
        if let Some(init) = &bind.init
            && self.scans.is_empty()
        {
            let found = reducers::error(501, "`from` gives a state its value before a scan, and this equation is outside one");
            self.errors.push(found.at(init.span, "not inside a `scan`"));
        }
        if bind.left.is_none()
            && let ExprKind::Call { name, .. } = &bind.value.peeled().kind
            && self.is_whole_call(name.as_str())
        {
            let stated = bind.ty.as_ref().map(|t| element_dtype(&t.element));
            self.bind_many(std::slice::from_ref(&bind.name), &bind.value, stated, bind.span);
            self.qualify_equation(bind);
            return;
        }
        if self.equation(bind).is_none() {
            self.poison(&bind.name);
        }
        self.qualify_equation(bind);
    }

    /// Whether a name is called on whole tensors: a def that is not of scalars alone, or one that this version cannot look at.
    pub(crate) fn is_whole_call(&self, name: &str) -> bool {
        match self.find_def(name) {
            Some(found) => !super::call::is_scalar_def(found.def),
            None => self.program.foreign(self.file, name).is_some() || crate::builtins::whole(name).is_some(),
        }
    }

    /// Reads of a tensor whose equation is wrong are not reported.
    pub(crate) fn poison(&mut self, name: &Ident) {
        match self.names.get(name.as_str()).map(|d| d.meaning.clone()) {
            // A result keeps its declared type.
            Some(Meaning::Tensor(tensor)) => drop(self.defined.insert(tensor)),
            Some(_) => {}
            None => self.declare(name.as_str(), name.span, "tensor", Meaning::Unknown),
        }
    }

    /// One equation. `None` after an error.
    fn equation(&mut self, bind: &Bind) -> Option<()> {
        let before = self.errors.len();
        let declared = self.target(&bind.name)?;
        let out = self.equation_of(bind, declared, true)?;
        self.defined.insert(out);
        (self.errors.len() == before).then_some(())
    }

    /// The equation of a tensor whose type may be declared. The value of a state before the first step need not use the indices.
    pub(crate) fn equation_of(&mut self, bind: &Bind, declared: Option<Tensor>, of_step: bool) -> Option<Tensor> {
        let before = self.errors.len();
        let binders = bind.left.as_ref().map_or(&[][..], |l| &l.binders);
        let scans = self.scans.iter().map(|s| s.name.clone());
        let left_names: Vec<Ident> = binders.iter().map(|b| b.name().clone()).chain(scans).filter(|n| !n.is_hole()).collect();
        let mut explicit = make_explicit(&bind.value, &left_names, self);
        let (present, wanted): (Vec<Ident>, _) = (binders.iter().map(|b| b.name().clone()).collect(), explicit.poisoned.clone());
        suggest_unused(&mut explicit.errors, binders.iter().map(Binder::name), &[&bind.value]);
        // What the left side lacks looks like a forgotten sum on the right.
        let fits = declared.is_none_or(|t| self.module.tensors[t].axes.len() <= binders.len());
        let forgotten = |d: &Diagnostic| d.code.0 == 201;
        self.errors.extend(explicit.errors.into_iter().filter(|d| fits || !forgotten(d)));
        let mut resolver = Resolver::new(self, explicit.poisoned);
        resolver.bind_scans();
        let left: Vec<usize> = binders.iter().filter_map(|b| resolver.bind_left(b, bind)).collect();
        let mut node = resolver.expr(&explicit.value);
        if of_step {
            let free: Vec<usize> = left.iter().copied().filter(|v| !resolver.vars[*v].scan).collect();
            resolver.check_used(&free, "the left side");
        }
        let mut vars = resolver.vars;
        // What is bound to a call that names nothing may well have been meant as a whole tensor.
        let is_unknown_call =
            bind.left.is_none() && matches!((&bind.value.peeled().kind, &node.kind), (ExprKind::Call { .. }, NodeKind::Bad));
        if let Some(tensor) = declared
            && !is_unknown_call
        {
            self.check_rank(&bind.name, tensor, &present, &wanted)?;
        }
        if self.errors.len() > before || is_bad(&node) {
            return None;
        }
        let sides = Sides { bind, explicit: &explicit.value, right: &node, left: &left, declared };
        self.determine_ranges(&mut vars, &sides);
        if self.errors.len() > before {
            self.discard_notes();
            return None;
        }
        let requires_before = self.module.requires.len();
        let out = self.typed_tensor(bind, declared, &mut node, &vars, &left)?;
        if of_step {
            self.carry(bind, out, &vars, &left);
        }
        if self.errors.len() > before {
            self.discard_notes();
            return None;
        }
        let source = explicit.value;
        self.settle_index(bind, out, &node, &vars, &source)?;
        Builder::new(self, &vars, &source, bind.name.as_str(), &left).define(out, &node, bind.span);
        if of_step {
            self.explain(bind, &source, requires_before);
        } else {
            self.discard_notes();
        }
        Some(out)
    }

    /// The declared result that an equation defines, `Some(None)` for a tensor of its own, `None` after an error.
    pub(crate) fn target(&mut self, name: &Ident) -> Option<Option<Tensor>> {
        if let Some(state) = self.scans.iter_mut().rev().find_map(|scan| scan.pending.remove(name.as_str())) {
            return Some(Some(state));
        }
        let Some(declaration) = self.names.get(name.as_str()) else { return Some(None) };
        match (&declaration.meaning, declaration.what) {
            (Meaning::Tensor(tensor), "result") if !self.defined.contains(tensor) => return Some(Some(*tensor)),
            (Meaning::Unknown, "result") => {}
            // A state of which no type was found: that has been reported.
            (Meaning::Unknown, _) if declaration.span == name.span => {}
            (_, what) => {
                let first = if what == "result" { self.equations.get(name.as_str()).copied() } else { None };
                let found = sums::error(206, format!("`{name}` is defined twice, and an equation defines its tensor once"));
                let found = found.at(name.span, "defined again here").and(first.unwrap_or(declaration.span), "first defined here");
                self.errors.push(found.help(format!("`{name}2`, or another name")));
            }
        }
        None
    }

    /// Place and kind of a declaration, equations further down included.
    pub(crate) fn declared(&self, name: &str) -> Option<(Span, &'static str)> {
        let here = self.names.get(name).map(|d| (d.span, d.what));
        here.or_else(|| self.equations.get(name).map(|span| (*span, "tensor"))).or_else(|| self.shared_name(name))
    }

    fn check_rank(&mut self, name: &Ident, tensor: Tensor, present: &[Ident], wanted: &[Ident]) -> Option<()> {
        let decl = &self.module.tensors[tensor];
        let (axes, n) = (decl.axes.len(), present.len());
        if axes == n {
            return Some(());
        }
        let message = format!(
            "`{name}` has {axes} {}, and its equation has {n} {} on the left",
            plural(axes, "axis", "axes"),
            plural(n, "index", "indices")
        );
        let found = dims::error(310, message).at(name.span, format!("{n} {}", plural(n, "index", "indices")));
        let found = found.and(decl.span, format!("declared with {axes} {}", plural(axes, "axis", "axes")));
        let indices = index_names(&spellings(present), &spellings(wanted), axes);
        self.errors.push(if axes > present.len() { found.help(format!("`{name}[{indices}]`")) } else { found });
        None
    }

    /// Finds the element type and declares the tensor, unless it is a result.
    fn typed_tensor(
        &mut self,
        bind: &Bind,
        declared: Option<Tensor>,
        node: &mut super::tree::Node,
        vars: &super::tree::Vars,
        left: &[super::tree::VarId],
    ) -> Option<Tensor> {
        let stated = bind.ty.as_ref().map(|t| (element_dtype(&t.element), t.element.span));
        let target = match declared {
            Some(tensor) => {
                let decl = &self.module.tensors[tensor];
                let (dtype, span) = (decl.dtype, decl.span);
                self.check_stated(&bind.name, stated, dtype, span);
                Some((dtype, span))
            }
            None => stated,
        };
        let mut typer = Typer { elab: self, source: &bind.value };
        let ty = typer.annotate(node);
        let dtype = typer.root(ty, target.map(|(d, s)| (d, s, bind.name.as_str())), node)?;
        let spans: Vec<Span> = left.iter().map(|v| vars[*v].span).collect();
        let left: Vec<Extent> = left.iter().filter_map(|v| Some(self.module.indices[vars[*v].index?].hi.clone())).collect();
        if let Some(ty) = &bind.ty {
            self.check_stated_axes(bind, ty, &left);
        }
        Some(declared.unwrap_or_else(|| {
            for (size, span) in left.iter().zip(spans) {
                self.ensure_nonnegative(size, span);
            }
            let tensor = self.module.tensors.push(TensorDecl::new(bind.name.as_str(), dtype, left, bind.name.span));
            self.declare(bind.name.as_str(), bind.name.span, "tensor", Meaning::Tensor(tensor));
            tensor
        }))
    }

    fn check_stated(&mut self, name: &Ident, stated: Option<(DType, Span)>, declared: DType, span: Span) {
        if let Some((stated, at)) = stated
            && stated != declared
        {
            let found = types::error(402, format!("`{name}` is declared {declared}, but its equation states {stated}"));
            self.errors.push(found.at(at, stated.to_string()).and(span, declared.to_string()).help(format!("`{declared}`")));
        }
    }

    /// Axes that an equation states are those of its indices.
    fn check_stated_axes(&mut self, bind: &Bind, ty: &Type, left: &[Extent]) {
        let Some(axes) = &ty.axes else { return };
        let Some(stated) = self.axes(axes) else { return };
        if stated.as_slice() != left {
            let show = |sizes: &[Extent]| sizes.iter().map(|s| self.show(s)).collect::<Vec<_>>().join(", ");
            let message =
                format!("`{}` is stated to have the axes [{}], but its indices range over [{}]", bind.name, show(&stated), show(left));
            let found = dims::error(301, message).at(ty.span, "stated here").and(bind.name.span, "defined here");
            self.errors.push(found);
        }
    }

    fn discard_notes(&mut self) {
        self.notes.indices.clear();
        self.notes.reductions.clear();
    }

    fn explain(&mut self, bind: &Bind, source: &Expr, requires_before: usize) {
        let checks = self.module.requires[requires_before..].iter().map(|r| r.message.clone()).collect();
        let note = Explanation {
            tensor: bind.name.as_str().to_owned(),
            equation: explicit_text(bind, source),
            indices: std::mem::take(&mut self.notes.indices),
            reductions: std::mem::take(&mut self.notes.reductions),
            checks,
            span: bind.span,
        };
        self.notes.equations.push(note);
    }

    fn check_results(&mut self, def: &Def) {
        for result in &def.results {
            if !self.equations.contains_key(result.name.as_str()) {
                let found = sums::error(208, format!("the result `{}` has no equation", result.name));
                let left = result.ty.axes.as_ref().map_or(0, Vec::len);
                let indices = ["i", "j", "k", "l", "m", "n"].get(..left).map_or_else(|| "…".to_owned(), |i| i.join(", "));
                let brackets = if left == 0 { String::new() } else { format!("[{indices}]") };
                self.errors.push(found.at(result.span, "never defined").help(format!("`{}{brackets} = …;`", result.name)));
            }
        }
    }

    /// A dim that no axis, condition or equation mentions can never get a size.
    fn check_generics(&mut self, def: &Def) {
        if !self.errors.is_empty() {
            return;
        }
        let used = self.mentioned_dims();
        let dims: BTreeMap<String, Dim> = self.module.dims.iter().map(|(dim, d)| (d.name.clone(), dim)).collect();
        for generic in def.generics.iter().filter(|g| g.kind == GenericKind::Dim && g.default.is_none()) {
            if dims.get(generic.name.as_str()).is_some_and(|d| !used.contains(d)) {
                let found = dims::error(306, format!("nothing mentions the dim `{}`, so nothing says what size it has", generic.name));
                self.errors.push(found.at(generic.span, "declared here").help("remove it"));
            }
        }
    }

    fn mentioned_dims(&self) -> BTreeSet<Dim> {
        let m = &self.module;
        let axes = m.tensors.values().flat_map(|t| t.axes.iter().chain(&t.index_of));
        let ranges = m.indices.values().flat_map(|i| [&i.lo, &i.hi]);
        let requires = m.requires.iter().map(|r| &r.value);
        let aliases = self.names.values().filter_map(|d| if let Meaning::Alias(e) = &d.meaning { Some(e) } else { None });
        let mut out: BTreeSet<Dim> = axes
            .chain(ranges)
            .chain(requires)
            .chain(aliases)
            .chain(&self.zero)
            .flat_map(Extent::leaves)
            .filter_map(|a| if let Atom::Dim(d) = a { Some(d) } else { None })
            .collect();
        super::inline::visit_sizes(m, &mut |e| {
            out.extend(e.leaves().into_iter().filter_map(|a| if let Atom::Dim(d) = a { Some(d) } else { None }))
        });
        out
    }

    pub(crate) fn finish(mut self) -> Outcome {
        sort_by_position(&mut self.errors);
        self.errors.dedup();
        if self.errors.iter().any(|d| !is_refusal(d)) {
            self.errors.retain(|d| !is_refusal(d));
            return Outcome::Wrong(self.errors);
        }
        if !self.errors.is_empty() {
            return Outcome::Refused(self.errors);
        }
        let unproved = self.unproved();
        let equations = std::mem::replace(&mut self.module.body, self.prelude);
        self.module.body.extend(equations);
        match verify::verify(self.module) {
            Ok(module) => {
                let notes = self.notes.equations;
                Outcome::Right(Arc::new(Elaborated {
                    module,
                    notes,
                    unproved,
                    shared: self.shared,
                    constants: self.constants,
                    public: self.public,
                    secrets: self.secrets,
                }))
            }
            Err(errors) => Outcome::Wrong(errors.into_iter().map(internal).collect()),
        }
    }
}

/// The first list of a def that is longer than its limit.
fn too_many(def: &Def) -> Option<LimitError> {
    let lists = [
        ("generics", def.generics.len(), MAX_GENERICS),
        ("parameters", def.params.len(), MAX_PARAMETERS),
        ("results", def.results.len(), MAX_PARAMETERS),
        ("items in its `where` clause", def.wheres.len(), MAX_WHERES),
        ("equations", def.body.len(), MAX_EQUATIONS),
    ];
    let (what, count, limit) = lists.into_iter().find(|(_, count, limit)| count > limit)?;
    Some(LimitError::TooMany { what, count, limit, span: def.name.span })
}

fn spellings(names: &[Ident]) -> Vec<&str> {
    names.iter().map(Ident::as_str).collect()
}

/// Whether an expression reads something whose own error has been reported.
fn is_bad(node: &super::tree::Node) -> bool {
    let mut found = false;
    node.visit(&mut |n| found |= matches!(n.kind, NodeKind::Bad));
    found
}
