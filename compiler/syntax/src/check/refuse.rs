//! What parses but is not in this version: the first such construct of a def, in one sentence (E0190).

use super::names::children;
use crate::ast::{Bind, Def, ElementKind, ElementType, Expr, ExprKind, Param, Qualifier, Statement, Structure, StructureKind, Type};
use crate::error::refusals::unsupported;
use crate::print::print_expr;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::span::Span;

/// Functions that are parsed as calls and not in this version.
const FUNCTIONS: [&str; 2] = ["eig", "rng"];

/// The first construct, in source order, that this version does not have.
pub(crate) fn first_refusal(def: &Def) -> Option<Diagnostic> {
    let mut found = Refusals(Vec::new());
    def.params.iter().for_each(|p| found.param(p, is_ignored_fact, false));
    def.results.iter().for_each(|p| found.result(p));
    def.body.iter().for_each(|s| found.statement(s));
    found.first()
}

/// The first such construct of an equation that stands alone.
pub(crate) fn first_refusal_of_equation(bind: &Bind) -> Option<Diagnostic> {
    let mut found = Refusals(Vec::new());
    for qualifier in bind.ty.iter().flat_map(|ty| &ty.qualifiers) {
        match qualifier {
            Qualifier::Secret(span) => found.add("the qualifier `secret` of a constant or of an equation that stands alone is", *span),
            Qualifier::Public(span) => found.add("the qualifier `public` of a constant or of an equation that stands alone is", *span),
            Qualifier::Structure(_) => {}
        }
    }
    found.statement(&Statement::Bind(bind.clone()));
    found.first()
}

/// Says that an element type is not in this version, if it is not.
pub(crate) fn refuse_dtype(dtype: DType, span: Span) -> Option<Diagnostic> {
    (dtype == DType::Key).then(|| unsupported(&format!("the element type {dtype} is"), span))
}

/// Whether a structure is a fact about an input. Inputs are dense, and a fact is the caller's promise about what they hold, so that it may
/// be ignored; a permission to approximate, and a claim about what the program computes, may not be stated in vain.
fn is_ignored_fact(structure: &Structure) -> bool {
    let forms: &[&str] = match structure.kind {
        StructureKind::Tri => &["lower", "upper"],
        StructureKind::Sparse => &["coo", "csr", "csc", "csf", "tiled"],
        StructureKind::Banded => return true,
        StructureKind::Lowrank | StructureKind::Tucker | StructureKind::Cp | StructureKind::Tt | StructureKind::Kron => return false,
        StructureKind::Sym
        | StructureKind::Skew
        | StructureKind::Hermitian
        | StructureKind::Diag
        | StructureKind::Toeplitz
        | StructureKind::Circulant
        | StructureKind::Perm
        | StructureKind::Onehot => &[],
    };
    structure.args.iter().all(|a| a.name.is_none() && forms.contains(&print_expr(&a.value).as_str()))
}

struct Refusals(Vec<Diagnostic>);

impl Refusals {
    /// The first in source order.
    fn first(mut self) -> Option<Diagnostic> {
        self.0.sort_by_key(|d| d.primary.as_ref().map(|l| l.span));
        self.0.into_iter().next()
    }

    fn add(&mut self, what: &str, span: Span) {
        self.0.push(unsupported(what, span));
    }

    fn param(&mut self, param: &Param, is_ignored: fn(&Structure) -> bool, may_err: bool) {
        self.ty(&param.ty, is_ignored);
        // The budget of what is computed on encrypted values. In the clear it is kept without being spent.
        let is_secret = param.ty.qualifiers.iter().any(|q| matches!(q, Qualifier::Secret(_)));
        if let Some(tolerance) = &param.tolerance
            && !(may_err && is_secret)
        {
            self.add(&format!("the error budget `within {}` is", tolerance.kind.name()), tolerance.span);
        }
    }

    fn result(&mut self, result: &Param) {
        self.param(result, |_| false, true);
        if let Some(bounds) = &result.bounds {
            self.add("the value range `in lo..hi` of a result is", bounds.span);
        }
    }

    fn ty(&mut self, ty: &Type, is_ignored: fn(&Structure) -> bool) {
        for qualifier in &ty.qualifiers {
            if let Qualifier::Structure(s) = qualifier
                && !is_ignored(s)
            {
                self.add(&format!("the structure `{}` is", s.kind.name()), qualifier.span());
            }
        }
        if let ElementKind::Scalar(dtype) = ty.element.kind {
            self.0.extend(refuse_dtype(dtype, ty.element.span));
        }
    }

    /// A type that a value is converted to: what makes a value an index is a proof, not a conversion.
    fn element(&mut self, element: &ElementType) {
        match &element.kind {
            ElementKind::Scalar(dtype) => self.0.extend(refuse_dtype(*dtype, element.span)),
            ElementKind::Index(dims) => {
                let dims: Vec<&str> = dims.iter().map(crate::ast::Ident::as_str).collect();
                self.add(&format!("a conversion to idx<{}> is", dims.join(", ")), element.span);
            }
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Scan(scan) => scan.body.iter().for_each(|s| self.statement(s)),
            Statement::Fit(fit) => self.add("`fit` is", fit.span),
            Statement::BindMany(bind) => self.expr(&bind.value),
            Statement::Bind(bind) => {
                if let Some(tolerance) = &bind.tolerance {
                    self.add(&format!("the error budget `within {}` is", tolerance.kind.name()), tolerance.span);
                }
                bind.ty.iter().for_each(|t| self.ty(t, |_| false));
                self.expr(&bind.value);
                bind.init.iter().for_each(|e| self.expr(e));
            }
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Call { name, .. } if FUNCTIONS.contains(&name.as_str()) => self.add(&format!("the function `{name}` is"), e.span),
            ExprKind::Reduce(r) => {
                r.accumulator.iter().for_each(|a| self.element(a));
            }
            ExprKind::Cast { to, .. } => self.element(to),
            _ => {}
        }
        children(e).into_iter().for_each(|child| self.expr(child));
    }
}
