//! Reducers of the program: `reducer logaddexp(a, b) = … from -inf, assoc, comm;` (language D17).
//!
//! A reducer has no type of its own: it is made for each type that it is used on, and refused where its body has no meaning there.
//! Its laws are tried on small values when the program is checked.

use super::dtype::Typer;
use super::laws;
use super::program::ProgramScope;
use super::resolve::Resolver;
use super::scope::{Elaborator, Meaning};
use super::tree::{Node, NodeKind, Vars};
use crate::ast::{self, Expr, LawKind, LawOperator};
use crate::error::reducers::error;
use crate::lower::Builder;
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::DType;
use ein_ir::entity::Reducer;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::{Laws, ReducerDecl};

/// Types that laws are tried in: each in the first in which it has a meaning.
const TRIED: [DType; 4] = [DType::F64, DType::I64, DType::Bool, DType::C128];

/// Reports a reducer that has no meaning in any type, and laws that are false.
pub(super) fn check(program: &ProgramScope<'_>, item: &ast::Reducer, errors: &mut Vec<Diagnostic>) {
    match try_types(program, item) {
        Ok(decls) => errors.extend(laws::refute(item, &decls)),
        Err(found) => errors.extend(found),
    }
}

/// The reducer in every type in which it has a meaning, or what is wrong with it in the first of all.
fn try_types(program: &ProgramScope<'_>, item: &ast::Reducer) -> Result<Vec<ReducerDecl>, Vec<Diagnostic>> {
    let (mut decls, mut first) = (Vec::new(), None);
    for dtype in TRIED {
        match make(program, item, dtype) {
            Ok(decl) => decls.push(decl),
            Err(found) => {
                first.get_or_insert(found);
            }
        }
    }
    if decls.is_empty() { Err(first.unwrap_or_default()) } else { Ok(decls) }
}

/// The reducer for one type.
fn make(program: &ProgramScope<'_>, item: &ast::Reducer, dtype: DType) -> Result<ReducerDecl, Vec<Diagnostic>> {
    let combine = scalar(program, item, &item.body, dtype, true)?;
    let init = scalar(program, item, &item.identity, dtype, false)?;
    if !matches!(init.kind, ScalarKind::Literal(_)) {
        let found = error(507, "the value of nothing is a literal").at(item.identity.span, "computed");
        return Err(vec![found.help("`from 0`")]);
    }
    Ok(ReducerDecl { name: item.name.as_str().to_owned(), dtype, combine, init, laws: laws_of(item), span: item.span })
}

/// The body, or what stands after `from`, as a scalar of the type.
fn scalar(program: &ProgramScope<'_>, item: &ast::Reducer, e: &Expr, dtype: DType, combines: bool) -> Result<Scalar, Vec<Diagnostic>> {
    let mut elab = Elaborator::new(program, item.span.file.0 as usize, item.name.as_str());
    if combines {
        for (n, name) in (0..).zip([&item.lhs, &item.rhs]) {
            elab.declare(name.as_str(), name.span, "value of the reducer", Meaning::Operand(n, dtype));
        }
    }
    let mut node = Resolver::new(&mut elab, Vec::new()).expr(e);
    if let Some(span) = beyond(&node) {
        let found = error(507, format!("`{}` combines two values, and this is more than a function of them", item.name));
        return Err(vec![found.at(span, "not made of the two values, literals and functions")]);
    }
    if elab.errors.is_empty() {
        let mut typer = Typer { elab: &mut elab, source: e };
        let ty = typer.annotate(&mut node);
        typer.root(ty, Some((dtype, item.name.span, item.name.as_str())), &node);
    }
    if !elab.errors.is_empty() {
        return Err(elab.errors);
    }
    let vars = Vars::new();
    let scalar = Builder::new(&mut elab, &vars, e, item.name.as_str(), &[]).scalar(&node, dtype);
    if elab.errors.is_empty() { Ok(scalar) } else { Err(elab.errors) }
}

/// The place of a reduction, of a call of a def, or of a constant with a type, which is a tensor.
fn beyond(node: &Node) -> Option<Span> {
    let mut found = None;
    node.visit(&mut |n| {
        if matches!(n.kind, NodeKind::Reduce(_) | NodeKind::Def(..) | NodeKind::Access(_) | NodeKind::Approx(_)) {
            found = found.or(Some(n.span));
        }
    });
    found
}

fn laws_of(item: &ast::Reducer) -> Laws {
    let mut laws = Laws::default();
    for law in &item.laws {
        match &law.kind {
            LawKind::Assoc => laws.associative = true,
            LawKind::Comm => laws.commutative = true,
            LawKind::Idem => laws.idempotent = true,
            LawKind::DistributesOver(function) => laws.distributes_over.push(spelling(function).to_owned()),
        }
    }
    laws
}

/// The function of a law, as it is written.
pub(super) fn spelling(function: &LawOperator) -> &str {
    match function {
        LawOperator::Function(name) => name.as_str(),
        LawOperator::Add => "+",
        LawOperator::Mul => "*",
        LawOperator::And => "and",
        LawOperator::Or => "or",
    }
}

impl Elaborator<'_> {
    /// The reducer of this name for a type, made now or before. `None` after an error.
    pub(crate) fn program_reducer(&mut self, name: &str, dtype: DType, used: Span) -> Option<Reducer> {
        let item = self.program.reducer(self.file, name)?;
        let known = self.module.reducers.iter().find(|(_, decl)| decl.span == item.span && decl.dtype == dtype).map(|(id, _)| id);
        if known.is_some() {
            return known;
        }
        match make(self.program, item, dtype) {
            Ok(decl) => Some(self.module.reducers.push(decl)),
            Err(found) => {
                match try_types(self.program, item) {
                    Ok(_) => self.errors.extend(found.into_iter().map(|d| d.and(used, format!("`{name}` is used on {dtype} here")))),
                    // The same mistakes that its declaration has.
                    Err(declared) => self.errors.extend(declared),
                }
                None
            }
        }
    }
}
