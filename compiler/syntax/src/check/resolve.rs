//! From an expression with explicit sums to a resolved one: every name becomes an entity.

use super::scope::{Elaborator, Meaning};
use super::tree::{Access, Node, NodeKind, Reduction, Stated, Sub, Var, VarId, Vars};
use crate::ast::{self, BinaryOp, Binder, BinderKind, ElementKind, Expr, ExprKind, Ident, IndexRange, NumberValue, Subscript, UnaryOp};
use crate::builtins::{self, Function, MODES, REDUCERS, Reducer, nearest};
use crate::error::dims;
use crate::error::parse::StructureError;
use crate::error::reducers;
use crate::error::refusals::unsupported;
use crate::error::sums::{error, hides};
use crate::print::print_expr;
use ein_ir::entity::Tensor;
use ein_ir::extent::Extent;
use ein_ir::scalar::Mode;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::span::Span;

/// Resolves one equation.
pub(crate) struct Resolver<'e, 'p> {
    pub(crate) elab: &'e mut Elaborator<'p>,
    /// Every index of the equation.
    pub(crate) vars: Vars,
    /// Those in scope, innermost last.
    bound: Vec<VarId>,
    /// Names that an error was reported for.
    poisoned: Vec<Ident>,
    /// Errors before this equation: after one of its own, what is unused is not reported.
    errors_before: usize,
}

impl<'e, 'p> Resolver<'e, 'p> {
    pub(crate) fn new(elab: &'e mut Elaborator<'p>, poisoned: Vec<Ident>) -> Self {
        let errors_before = if poisoned.is_empty() { elab.errors.len() } else { 0 };
        Self { elab, vars: Vec::new(), bound: Vec::new(), poisoned, errors_before }
    }

    /// Brings the indices of the scans around into scope.
    pub(crate) fn bind_scans(&mut self) {
        for scan in &self.elab.scans {
            self.vars.push(scan.var());
            self.bound.push(self.vars.len() - 1);
        }
    }

    /// Brings an index of the left side into scope; that of a scan is there already.
    pub(crate) fn bind_left(&mut self, binder: &Binder, bind: &ast::Bind) -> Option<VarId> {
        let BinderKind::Index { name, range } = &binder.kind else { return None };
        if !name.is_hole()
            && let Some(scan) = self.find(name.as_str()).filter(|v| self.vars[*v].scan && !self.vars[*v].left)
        {
            self.vars[scan].left = true;
            self.check_slices(scan, name, range.as_ref());
            return Some(scan);
        }
        if !name.is_hole() {
            if let Some(first) = self.find(name.as_str()) {
                let first = self.vars[first].span;
                let found = error(203, format!("index `{name}` is already bound here")).at(name.span, "bound again");
                self.elab.errors.push(found.and(first, "first bound here").help(diagonal_form(bind, binder)));
            } else if let Some((declared, what)) = self.elab.declared(name.as_str()) {
                let found = hides(name.as_str(), name.span, declared, what);
                self.elab.errors.push(found);
            }
        }
        let id = self.bind(name, range.as_ref(), true);
        if let Some(Stated::Interval(lo, hi, span)) = &self.vars[id].stated
            && lo.as_constant() != Some(0)
        {
            let found =
                dims::error(309, format!("an index on a left side covers its axis from 0, and `{name}` begins at {}", self.elab.show(lo)))
                    .at(*span, "begins elsewhere")
                    .help(format!("`{name} in 0..{}`", self.elab.show(hi)));
            self.elab.errors.push(found);
        }
        Some(id)
    }

    /// A tensor with one slice a step has its axis covered by the scan, which states the range.
    fn check_slices(&mut self, scan: VarId, name: &Ident, range: Option<&IndexRange>) {
        let at = self.vars[scan].span;
        if range.is_some() {
            let found = dims::error(309, format!("the range of `{name}` is stated by its scan")).at(name.span, "stated again");
            self.elab.errors.push(found.and(at, "the scan is here").help(format!("`{name}` alone")));
        }
        if let Some(Stated::Interval(lo, hi, span)) = &self.vars[scan].stated
            && lo.as_constant() != Some(0)
        {
            let message = format!(
                "a tensor with one slice a step covers its axis from 0, and the scan over `{name}` begins at {}",
                self.elab.show(lo)
            );
            let found = dims::error(309, message).at(name.span, "one slice a step").and(*span, "begins elsewhere");
            self.elab.errors.push(found.help(format!("`scan {name} in 0..{}` with an `if` for the first steps", self.elab.show(hi))));
        }
    }

    pub(crate) fn bind(&mut self, name: &Ident, range: Option<&IndexRange>, left: bool) -> VarId {
        let stated = range.and_then(|range| self.stated(range));
        let (name, span) = (name.as_str().to_owned(), name.span);
        self.vars.push(Var { name, span, left, scan: false, stated, used: false, index: None });
        self.bound.push(self.vars.len() - 1);
        self.vars.len() - 1
    }

    fn stated(&mut self, range: &IndexRange) -> Option<Stated> {
        Some(match range {
            IndexRange::Dim(e) => {
                let size = self.range_end(e)?;
                self.elab.ensure_nonnegative(&size, e.span);
                Stated::Size(size, e.span)
            }
            IndexRange::Interval(i) => Stated::Interval(self.range_end(&i.lo)?, self.range_end(&i.hi)?, i.span),
        })
    }

    /// A size in a range; another index there is told apart, since a guard says what is meant.
    fn range_end(&mut self, e: &Expr) -> Option<Extent> {
        let mut index = None;
        super::names::visit_free(e, &mut |name| {
            if self.find(name.as_str()).is_some() {
                index = Some(name.clone());
            }
        });
        if let Some(name) = index {
            let found = dims::error(309, format!("a range is made of sizes, and `{name}` is an index"))
                .at(name.span, "an index")
                .help("state the whole range and write the rest as a guard: `sum[j where j < i](…)`");
            self.elab.errors.push(found);
            self.poisoned.push(name);
            return None;
        }
        self.elab.size(e)
    }

    /// Takes the indices out of scope, for an expression of another place.
    pub(crate) fn hide_indices(&mut self) -> Vec<VarId> {
        std::mem::take(&mut self.bound)
    }

    /// Brings them back.
    pub(crate) fn show_indices(&mut self, bound: Vec<VarId>) {
        self.bound = bound;
    }

    pub(crate) fn find(&self, name: &str) -> Option<VarId> {
        self.bound.iter().rev().copied().find(|v| self.vars[*v].name == name)
    }

    pub(crate) fn expr(&mut self, e: &Expr) -> Node {
        let kind = match &e.kind {
            ExprKind::Number(n) => number(n),
            ExprKind::Boolean(b) => NodeKind::Bool(*b),
            ExprKind::Size(name) => self.size(name),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Prev(name) => self.prev(name),
            ExprKind::Subscript { base, subs } => self.access(base, subs, e),
            ExprKind::Call { name, args } => self.call(name, args, e.span),
            ExprKind::Reduce(r) => self.reduction(r),
            ExprKind::If { condition, then, otherwise } => {
                NodeKind::If(Box::new([self.expr(condition), self.expr(then), self.expr(otherwise)]))
            }
            ExprKind::Cast { value, to } => match to.kind {
                ElementKind::Scalar(dtype) => {
                    let mut node = Node::new(NodeKind::Cast(Box::new(self.expr(value))), e.span);
                    node.ty = super::tree::Ty::Data(dtype);
                    return node;
                }
                ElementKind::Index(_) => NodeKind::Bad,
            },
            ExprKind::Unary { op: UnaryOp::Neg, value, .. } => NodeKind::Unary(UnaryFn::Neg, Box::new(self.expr(value))),
            ExprKind::Unary { op: UnaryOp::Not, value, .. } => NodeKind::Unary(UnaryFn::Not, Box::new(self.expr(value))),
            ExprKind::Binary { op, lhs, rhs, .. } => self.binary(*op, lhs, rhs),
            ExprKind::Paren(inner) => return self.expr(inner),
            ExprKind::Tuple(_) => {
                // The parser takes lists for arguments; a value is none of them.
                self.elab.errors.push(StructureError::TupleAsValue { span: e.span }.into());
                NodeKind::Bad
            }
        };
        Node::new(kind, e.span)
    }

    fn binary(&mut self, op: BinaryOp, lhs: &Expr, rhs: &Expr) -> NodeKind {
        if op == BinaryOp::Pow
            && let Some(exponent) = integer_literal(rhs)
        {
            return NodeKind::Unary(UnaryFn::Powi(exponent), Box::new(self.expr(lhs)));
        }
        let (lhs, rhs) = (Box::new(self.expr(lhs)), Box::new(self.expr(rhs)));
        NodeKind::Binary(binary_fn(op), lhs, rhs)
    }

    fn size(&mut self, name: &Ident) -> NodeKind {
        self.elab.bring_in(name.as_str(), name.span);
        match self.elab.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Dim(dim) | Meaning::Int(dim), ..)) => NodeKind::Size(Extent::dim(dim)),
            Some((Meaning::Alias(size), ..)) => NodeKind::Size(size),
            Some((Meaning::Unknown, ..)) => NodeKind::Bad,
            Some((Meaning::Tensor(_) | Meaning::Formula(_) | Meaning::Operand(..), declared, what)) => {
                let found = error(204, format!("`|{name}|` is the size of a dim, and `{name}` is a {what}")).at(name.span, "not a dim");
                let found = found.and(declared, "declared here").help(format!("`abs({name})` for an absolute value"));
                self.elab.errors.push(found);
                NodeKind::Bad
            }
            None if self.find(name.as_str()).is_some() => {
                let found = error(204, format!("`|{name}|` is the size of a dim, and `{name}` is an index")).at(name.span, "not a dim");
                self.elab.errors.push(found.help(format!("`abs({name})` for an absolute value")));
                NodeKind::Bad
            }
            None => {
                self.elab.unknown(name.as_str(), name.span, &[]);
                NodeKind::Bad
            }
        }
    }

    fn name(&mut self, name: &Ident) -> NodeKind {
        if let Some(v) = self.find(name.as_str()) {
            self.vars[v].used = true;
            return NodeKind::Index(v);
        }
        if self.poisoned.iter().any(|p| p.name == name.name) {
            return NodeKind::Bad;
        }
        self.elab.bring_in(name.as_str(), name.span);
        match self.elab.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Int(dim), ..)) => NodeKind::Size(Extent::dim(dim)),
            Some((Meaning::Formula(formula), ..)) => self.formula(&formula, name.span).map_or(NodeKind::Bad, |node| node.kind),
            Some((Meaning::Dim(_) | Meaning::Alias(_), declared, what)) => {
                let found = error(204, format!("`{name}` is a {what}, not a value"))
                    .at(name.span, "a value must stand here")
                    .and(declared, "declared here")
                    .note(format!("an index named `{name}` needs another name; its size as a value is `|{name}|`"));
                self.elab.errors.push(found.help(format!("`|{name}|`")));
                NodeKind::Bad
            }
            Some((Meaning::Tensor(tensor), ..)) => self.whole(name, tensor, false),
            Some((Meaning::Operand(n, dtype), ..)) => NodeKind::Operand(n, dtype),
            Some((Meaning::Unknown, ..)) => NodeKind::Bad,
            None => match builtins::constant(name.as_str()) {
                Some(value) => NodeKind::Float(value),
                None => {
                    let indices: Vec<String> = self.bound.iter().map(|v| self.vars[*v].name.clone()).collect();
                    self.elab.unknown(name.as_str(), name.span, &indices);
                    self.poisoned.push(name.clone());
                    NodeKind::Bad
                }
            },
        }
    }

    /// A bare tensor: a value if it has no axes.
    fn whole(&mut self, name: &Ident, tensor: Tensor, prev: bool) -> NodeKind {
        if !prev && !self.is_readable(name, tensor) {
            return NodeKind::Bad;
        }
        let rank = self.elab.module.tensors[tensor].axes.len();
        if rank == 0 {
            return NodeKind::Access(Access { tensor, prev, subs: Vec::new(), pad: None });
        }
        let indices = ["i", "j", "k", "l", "m", "n"].get(..rank).map_or_else(|| "…".to_owned(), |i| i.join(", "));
        let found = error(212, format!("`{name}` has {rank} {}, and one value must stand here", plural(rank, "axis", "axes")))
            .at(name.span, "a whole tensor")
            .help(format!("`{}{name}[{indices}]`", if prev { "prev " } else { "" }));
        self.elab.errors.push(found);
        NodeKind::Bad
    }

    /// A tensor is read only after its equation.
    fn is_readable(&mut self, name: &Ident, tensor: Tensor) -> bool {
        if self.elab.defined.contains(&tensor) {
            return true;
        }
        let below = self.elab.equations.get(name.as_str()).copied();
        let found = match below {
            Some(below) if self.elab.is_state(name.as_str()) => error(204, format!("`{name}` is read before its equation"))
                .at(name.span, "has no value of this step yet")
                .and(below, "defined here")
                .help(format!("`prev {name}` is its value at the end of the step before")),
            Some(below) if below.start < name.span.start => error(204, format!("`{name}` is read by its own equation"))
                .at(name.span, "has no value yet")
                .and(below, "defined here")
                .help("a recurrence is a `scan`, and `prev` reads the step before"),
            Some(below) => error(204, format!("`{name}` is read before its equation"))
                .at(name.span, "read here")
                .and(below, "defined below, here")
                .help(format!("move the equation of `{name}` up")),
            None => error(204, format!("`{name}` has no value yet")).at(name.span, "read here"),
        };
        self.elab.errors.push(found);
        false
    }

    fn prev(&mut self, name: &Ident) -> NodeKind {
        match self.elab.previous(name) {
            Some(tensor) => self.whole(name, tensor, true),
            None => NodeKind::Bad,
        }
    }

    fn access(&mut self, base: &Expr, subs: &[Subscript], whole: &Expr) -> NodeKind {
        let (name, prev) = match &base.kind {
            ExprKind::Name(name) => (name, false),
            ExprKind::Prev(name) => (name, true),
            _ => return NodeKind::Bad,
        };
        let mut pads: Vec<&Expr> = Vec::new();
        let resolved: Vec<Sub> =
            subs.iter().filter_map(|s| if let Subscript::At(e) = s { Some(self.subscript(e, &mut pads)) } else { None }).collect();
        let pad = self.one_pad(&pads);
        let found = if prev { self.elab.previous(name) } else { self.tensor(name) };
        let Some(tensor) = found else { return NodeKind::Bad };
        let axes = self.elab.module.tensors[tensor].axes.len();
        if axes != resolved.len() {
            let found = dims::error(
                310,
                format!(
                    "`{name}` has {axes} {}, and {} {} it here",
                    plural(axes, "axis", "axes"),
                    resolved.len(),
                    plural(resolved.len(), "subscript reads", "subscripts read")
                ),
            );
            let found = found.at(whole.span, format!("{} {}", resolved.len(), plural(resolved.len(), "subscript", "subscripts")));
            let declared = self.elab.module.tensors[tensor].span;
            self.elab.errors.push(found.and(declared, format!("{axes} {}", plural(axes, "axis", "axes"))));
            return NodeKind::Bad;
        }
        self.check_current_step(name, tensor, &resolved);
        NodeKind::Access(Access { tensor, prev, subs: resolved, pad })
    }

    /// Inside of its scan only the slice of the current step of a tensor is there.
    fn check_current_step(&mut self, name: &Ident, tensor: Tensor, subs: &[Sub]) {
        for scan in 0..self.elab.scans.len() {
            let Some(axis) = self.elab.scans[scan].axis_of(tensor) else { continue };
            let is_current = |sub: &Sub| sub.value.as_index() == Some(scan) && sub.mode == Mode::Exact;
            if subs.get(axis).is_some_and(|sub| !is_current(sub)) {
                let found = self.elab.other_step(scan, name, subs[axis].value.span);
                self.elab.errors.push(found);
            }
        }
    }

    /// The tensor of this name, if it may be read here.
    fn tensor(&mut self, name: &Ident) -> Option<Tensor> {
        self.elab.bring_in(name.as_str(), name.span);
        match self.elab.names.get(name.as_str()).map(|d| (d.meaning.clone(), d.span, d.what)) {
            Some((Meaning::Tensor(tensor), ..)) => self.is_readable(name, tensor).then_some(tensor),
            Some((Meaning::Unknown, ..)) => None,
            Some((_, declared, what)) => {
                let found = error(204, format!("`{name}` is a {what}, not a tensor")).at(name.span, "subscripted here");
                self.elab.errors.push(found.and(declared, "declared here"));
                None
            }
            None => {
                self.elab.unknown(name.as_str(), name.span, &[]);
                None
            }
        }
    }

    fn subscript<'s>(&mut self, e: &'s Expr, pads: &mut Vec<&'s Expr>) -> Sub {
        let ExprKind::Call { name, args } = &e.peeled().kind else { return Sub { value: self.expr(e), mode: Mode::Exact } };
        let mode = match name.as_str() {
            "pad" => Mode::Pad,
            "clamp" => Mode::Clamp,
            "wrap" => Mode::Wrap,
            "reflect" => Mode::Reflect,
            _ => return Sub { value: self.expr(e), mode: Mode::Exact },
        };
        let most = if mode == Mode::Pad { 2 } else { 1 };
        if args.is_empty() || args.len() > most {
            let takes = if most == 2 { "one subscript, and a value if it is not 0" } else { "one subscript" };
            let found = error(213, format!("`{name}` takes {takes}")).at(e.span, format!("{} given", args.len()));
            self.elab.errors.push(found);
            return Sub { value: Node::new(NodeKind::Bad, e.span), mode };
        }
        if let Some(value) = args.get(1) {
            pads.push(&value.value);
        }
        Sub { value: self.expr(&args[0].value), mode }
    }

    /// The pad value of an access: the same wherever it is stated.
    fn one_pad(&mut self, pads: &[&Expr]) -> Option<Box<Node>> {
        let (first, rest) = pads.split_first()?;
        for other in rest.iter().filter(|other| print_expr(other) != print_expr(first)) {
            let found = dims::error(304, "one access states two pad values").at(other.span, "second value").and(first.span, "first value");
            self.elab.errors.push(
                found.note("an element outside the tensor on any axis has the one pad value").help("state it once, `pad(e)` elsewhere"),
            );
        }
        Some(Box::new(self.expr(first)))
    }

    fn call(&mut self, name: &Ident, args: &[ast::Argument], span: Span) -> NodeKind {
        let def = self.elab.find_def(name.as_str());
        let is_whole = match def {
            Some(d) => !super::call::is_scalar_def(d.def),
            None => builtins::whole(name.as_str()).is_some(),
        };
        if is_whole {
            let found = error(212, format!("`{name}` works on whole tensors, and one value must stand here"));
            let text: Vec<String> = args.iter().map(|a| whole_tensor(&a.value)).collect();
            let found = found.at(span, "called inside an expression");
            self.elab.errors.push(found.help(format!("`p = {name}({});` as an equation of its own", text.join(", "))));
            return NodeKind::Bad;
        }
        if let Some(named) = args.iter().find(|a| a.name.is_some() && !MODES.contains(&name.as_str())) {
            let found = error(213, format!("`{name}` takes its arguments by position here")).at(named.span, "an argument with a name");
            self.elab.errors.push(found);
            return NodeKind::Bad;
        }
        if let Some(builtin) = builtins::function(name.as_str()) {
            let values = args.iter().map(|a| self.expr(&a.value)).collect();
            let reduction = self.with_brackets(name, args);
            return self.builtin(builtin, values, span, &reduction);
        }
        if let Some(def) = def {
            return NodeKind::Def(def.id, args.iter().map(|a| self.expr(&a.value)).collect());
        }
        let found = match self.elab.program.foreign(self.elab.file, name.as_str()) {
            _ if MODES.contains(&name.as_str()) => {
                let found = error(214, format!("`{name}` stands only directly between the brackets of an access"));
                found.at(span, "not a subscript").help(format!("`x[{name}(i)]`"))
            }
            Some(what) => unsupported(&format!("`{name}` is declared by {what}, and that is"), name.span),
            None if REDUCERS.contains(&name.as_str()) || self.elab.program.reducer(self.elab.file, name.as_str()).is_some() => {
                let found = error(211, format!("`{name}` is a reducer, and names the indices that it runs over"));
                found.at(name.span, "not a function").help(format!("`{}`", self.with_brackets(name, args)))
            }
            None => {
                let defs = self.elab.program.def_names(self.elab.file);
                let near = nearest(name.as_str(), builtins::FUNCTIONS.iter().map(|f| f.name).chain(defs).chain(builtins::whole_names()));
                let found = error(211, format!("there is no function `{name}`")).at(name.span, "not a function");
                let is_tensor = matches!(self.elab.names.get(name.as_str()).map(|d| &d.meaning), Some(Meaning::Tensor(_)));
                match near {
                    _ if is_tensor => {
                        let subs: Vec<String> = args.iter().map(|a| print_expr(&a.value)).collect();
                        found
                            .help(format!("`{name}[{}]`", subs.join(", ")))
                            .note(format!("`{name}` is a tensor, and brackets subscript it"))
                    }
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found,
                }
            }
        };
        self.elab.errors.push(found);
        NodeKind::Bad
    }

    /// A reducer that is called like a function, with the indices that it lacks: those that nothing else binds, or one for
    /// each axis of a tensor.
    fn with_brackets(&self, name: &Ident, args: &[ast::Argument]) -> String {
        let [only] = args else { return format!("{name}[i](…)") };
        let text = print_expr(only.value.peeled());
        let mut free: Vec<&str> = Vec::new();
        super::names::visit_free(&only.value, &mut |n| {
            if self.poisoned.iter().any(|p| p.name == n.name) && !free.contains(&n.as_str()) {
                free.push(n.as_str());
            }
        });
        if !free.is_empty() {
            return format!("{name}[{}]({text})", free.join(", "));
        }
        match self.elab.names.get(&text).map(|d| d.meaning.clone()) {
            Some(Meaning::Tensor(tensor)) if !self.elab.module.tensors[tensor].axes.is_empty() => {
                let indices = index_names(&[], &[], self.elab.module.tensors[tensor].axes.len());
                format!("{name}[{indices}]({text}[{indices}])")
            }
            _ => format!("{name}[i](…)"),
        }
    }

    /// `reduction` is the same with brackets, for `max` and `min` of one value.
    fn builtin(&mut self, builtin: &'static builtins::Builtin, args: Vec<Node>, span: Span, reduction: &str) -> NodeKind {
        let takes = match builtin.function {
            Function::Unary(_) if args.len() != 1 => "one argument",
            Function::Binary(_) if args.len() != 2 => "two arguments",
            Function::Fold(_) if args.len() < 2 => "two or more arguments",
            _ => return NodeKind::Call(builtin, args),
        };
        let found = error(213, format!("`{}` takes {takes}, and {} {} given", builtin.name, args.len(), plural(args.len(), "is", "are")));
        let found = found.at(span, format!("{} given", args.len()));
        self.elab.errors.push(match builtin.function {
            Function::Fold(_) => found.help(format!("`{reduction}` reduces over an index")),
            _ => found,
        });
        NodeKind::Bad
    }

    fn reduction(&mut self, r: &ast::Reduction) -> NodeKind {
        let is_own = self.elab.program.reducer(self.elab.file, r.name.as_str()).is_some();
        let reducer = if is_own { Some(Reducer::Program) } else { builtins::reducer(r.name.as_str()) };
        let before = self.bound.len();
        let binders: Vec<VarId> = r
            .binders
            .iter()
            .filter_map(
                |b| if let BinderKind::Index { name, range } = &b.kind { Some(self.bind(name, range.as_ref(), false)) } else { None },
            )
            .collect();
        let guard = r.guard.as_ref().map(|g| self.expr(g));
        let body = self.expr(&r.body);
        self.bound.truncate(before);
        let Some(reducer) = reducer else {
            self.unknown_reducer(r);
            return NodeKind::Bad;
        };
        self.check_used(&binders, r.name.as_str());
        let accumulator = r.accumulator.as_ref().and_then(|a| if let ElementKind::Scalar(d) = a.kind { Some(d) } else { None });
        NodeKind::Reduce(Box::new(Reduction { reducer, name: r.name.as_str().to_owned(), accumulator, binders, guard, body }))
    }

    /// Indices that a left side or a reducer binds and nothing uses: E0207.
    pub(crate) fn check_used(&mut self, binders: &[VarId], binds: &str) {
        if self.elab.errors.len() > self.errors_before {
            return;
        }
        for v in binders {
            let var = &self.vars[*v];
            if var.used || var.name == "_" {
                continue;
            }
            let found = error(207, format!("index `{}` is never used", var.name))
                .at(var.span, format!("bound here by {}", if var.left { "the left side".to_owned() } else { format!("`{binds}`") }));
            self.elab.errors.push(if var.left {
                found.help("`_` for an axis that is only repeated")
            } else {
                found.help(format!("remove `{}`, or write `_` with a range to repeat the same term", var.name))
            });
        }
    }

    fn unknown_reducer(&mut self, r: &ast::Reduction) {
        let name = r.name.as_str();
        let found = reducers::error(504, format!("there is no reducer `{name}`")).at(r.name.span, "not a reducer");
        let is_tensor = self.elab.names.get(name).is_some_and(|d| matches!(d.meaning, Meaning::Tensor(_)));
        let found = match self.elab.program.foreign(self.elab.file, name) {
            Some(what) => unsupported(&format!("`{name}` is declared by {what}, and that is"), r.name.span),
            None if is_tensor => {
                let subs: Vec<&str> = r.binders.iter().map(|b| b.name().as_str()).collect();
                let product = format!("`{name}[{}] * ({})`", subs.join(", "), print_expr(&r.body));
                found.note(format!("`{name}` is a tensor, and a product is written with `*`")).help(product)
            }
            None => match nearest(name, REDUCERS.into_iter().chain(self.elab.program.reducer_names(self.elab.file))) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.note(format!("the reducers are {}", REDUCERS.join(", "))),
            },
        };
        self.elab.errors.push(found);
    }
}

/// As many names for indices as there are axes: those that stand there, those that are wanted, and then the customary ones.
pub(crate) fn index_names(present: &[&str], wanted: &[&str], axes: usize) -> String {
    let mut names = present.to_vec();
    for name in wanted.iter().chain(&["i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w"]) {
        if names.len() < axes && !names.contains(name) {
            names.push(name);
        }
    }
    if names.len() < axes {
        names.push("…");
    }
    names.join(", ")
}

/// An argument as a call of whole tensors takes it: a tensor by its bare name.
fn whole_tensor(e: &Expr) -> String {
    match &e.peeled().kind {
        ExprKind::Subscript { base, .. } => print_expr(base),
        _ => print_expr(e),
    }
}

pub(crate) const fn plural(n: usize, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}

fn number(n: &ast::Number) -> NodeKind {
    match n.value {
        NumberValue::Integer(value) if n.imaginary => NodeKind::Imaginary(value as f64),
        NumberValue::Float(value) if n.imaginary => NodeKind::Imaginary(value),
        NumberValue::Integer(value) => i128::try_from(value).map_or(NodeKind::Float(value as f64), NodeKind::Int),
        NumberValue::Float(value) => NodeKind::Float(value),
    }
}

/// The value of an integer literal with an optional sign, as an exponent.
fn integer_literal(e: &Expr) -> Option<i32> {
    match &e.peeled().kind {
        ExprKind::Number(n) if !n.imaginary => match n.value {
            NumberValue::Integer(value) => i32::try_from(value).ok(),
            NumberValue::Float(_) => None,
        },
        ExprKind::Unary { op: UnaryOp::Neg, value, .. } => integer_literal(value).map(|n| -n),
        _ => None,
    }
}

const fn binary_fn(op: BinaryOp) -> BinaryFn {
    match op {
        BinaryOp::Or => BinaryFn::Or,
        BinaryOp::And => BinaryFn::And,
        BinaryOp::Eq => BinaryFn::Eq,
        BinaryOp::Ne => BinaryFn::Ne,
        BinaryOp::Lt => BinaryFn::Lt,
        BinaryOp::Le => BinaryFn::Le,
        BinaryOp::Gt => BinaryFn::Gt,
        BinaryOp::Ge => BinaryFn::Ge,
        BinaryOp::Add => BinaryFn::Add,
        BinaryOp::Sub => BinaryFn::Sub,
        BinaryOp::Mul => BinaryFn::Mul,
        BinaryOp::Div => BinaryFn::Div,
        BinaryOp::FloorDiv => BinaryFn::FloorDiv,
        BinaryOp::Rem => BinaryFn::Rem,
        BinaryOp::Pow => BinaryFn::Pow,
    }
}

/// What an equation with a repeated index on its left side says of a diagonal: `d[i, i'] = if i == i' then x[i] else 0;`.
fn diagonal_form(bind: &ast::Bind, repeated: &Binder) -> String {
    let (tensor, name, value) = (&bind.name, repeated.name(), print_expr(&bind.value));
    let spell = |b: &Binder| match &b.kind {
        _ if b.span == repeated.span => format!("{name}'"),
        BinderKind::Row(row) => format!("..{row}"),
        BinderKind::Index { name, .. } => name.to_string(),
    };
    let left: Vec<String> = bind.left.iter().flat_map(|left| &left.binders).map(spell).collect();
    format!("`{tensor}[{}] = if {name} == {name}' then {value} else 0;`", left.join(", "))
}
