//! Values that are subscripts: `idx<V>` types, and what can be shown to be one (language D9).
//!
//! An element of `idx<V>` is an i64 that is known to be in `0..|V|`. That is known of parameters, which are checked when they are
//! given, of positions that `argmax` and `argmin` find, of remainders by a size, and of what is copied from such values.

use super::range::polynomial;
use super::scope::Elaborator;
use super::tree::{Access, Node, NodeKind, Ty, Vars};
use crate::ast::{Bind, ElementKind, ElementType, Expr, ExprKind};
use crate::error::dims::error;
use crate::lower::Builder;
use ein_ir::dtype::DType;
use ein_ir::entity::Tensor;
use ein_ir::extent::{Atom, Extent};
use ein_ir::scalar::Mode;
use ein_ir::scalar::function::BinaryFn;
use ein_ir::span::Span;
use ein_ir::tensor::{Reduce, ReduceOp};

/// The dtype that values of an element type have.
pub(crate) const fn element_dtype(element: &ElementType) -> DType {
    match element.kind {
        ElementKind::Scalar(dtype) => dtype,
        ElementKind::Index(_) => DType::I64,
    }
}

impl Elaborator<'_> {
    /// Sizes of the ranges of an element type: one for each column, none for a plain type. `None` after an error.
    pub(crate) fn index_dims(&mut self, element: &ElementType) -> Option<Vec<Extent>> {
        let ElementKind::Index(dims) = &element.kind else { return Some(Vec::new()) };
        let mut size = |name: &crate::ast::Ident| self.size(&Expr::new(ExprKind::Name(name.clone()), name.span));
        dims.iter().map(&mut size).collect::<Vec<_>>().into_iter().collect()
    }

    /// `idx<I, J>` has one column for each dim.
    pub(crate) fn check_columns(&mut self, name: &str, index_of: &[Extent], axes: &[Extent], span: Span) {
        let n = index_of.len();
        if n > 1 && axes.last() != Some(&Extent::from(n as i64)) {
            let found = error(301, format!("`{name}` holds {n} coordinates, so its last axis has size {n}"));
            let wrong = axes.last().map_or_else(|| "it has no axes".to_owned(), |last| format!("its last axis is `{}`", self.show(last)));
            let mut fixed: Vec<String> = axes.iter().take(axes.len().saturating_sub(1)).map(|a| self.show(a)).collect();
            fixed.push(n.to_string());
            self.errors.push(found.at(span, wrong).help(format!("`[{}]`", fixed.join(", "))));
        }
    }

    /// The size of the range `0..size` that a value is known to be in, by what it is.
    pub(crate) fn index_fact(&self, node: &Node, vars: &Vars) -> Option<Extent> {
        match &node.kind {
            NodeKind::Access(access) => self.access_fact(access),
            NodeKind::Reduce(r) if matches!(r.reducer, crate::builtins::Reducer::Op(ReduceOp::ArgMax | ReduceOp::ArgMin)) => {
                let decl = self.module.indices.get(vars.get(*r.binders.first()?)?.index?)?;
                is_natural(&decl.lo).then(|| decl.hi.clone())
            }
            NodeKind::Binary(BinaryFn::Rem, _, divisor) => {
                // A divisor of 0 ends the run.
                let size = polynomial(divisor, vars)?;
                let is_size = size.leaves().iter().all(|leaf| matches!(leaf, Atom::Dim(_)));
                let facts = self.size_facts();
                let natural = is_size && super::prove::prove_nonnegative(&size, &facts) == super::prove::Proof::Always;
                // A size may be beyond what a narrower type holds.
                (natural && node.ty == Ty::Data(DType::I64)).then_some(size)
            }
            NodeKind::Cast(value) if node.ty == Ty::Data(DType::I64) => self.index_fact(value, vars),
            NodeKind::If(parts) => self.index_fact(&parts[1], vars).filter(|size| self.index_fact(&parts[2], vars).as_ref() == Some(size)),
            _ => None,
        }
    }

    fn access_fact(&self, access: &Access) -> Option<Extent> {
        let index_of = &self.module.tensors[access.tensor].index_of;
        // A pad of 0 is an index of a dim that may have no values.
        if access.subs.iter().any(|s| s.mode == Mode::Pad) {
            return None;
        }
        match (index_of.as_slice(), access.subs.last().map(|s| &s.value.kind)) {
            ([size], _) => Some(size.clone()),
            (columns, Some(NodeKind::Int(n))) => columns.get(usize::try_from(*n).ok()?).cloned(),
            _ => None,
        }
    }

    /// What `argmax` and `argmin` give: the range of the index.
    pub(crate) fn positions_of(&self, reduce: &Reduce) -> Vec<Extent> {
        match (reduce.op, reduce.binders.first().and_then(|b| self.module.indices.get(*b))) {
            (ReduceOp::ArgMax | ReduceOp::ArgMin, Some(decl)) if is_natural(&decl.lo) => vec![decl.hi.clone()],
            _ => Vec::new(),
        }
    }

    /// An equation declared `idx<V>` must be shown to be one; the tensor of any other is known to be one if its right side is.
    pub(crate) fn settle_index(&mut self, bind: &Bind, out: Tensor, node: &Node, vars: &Vars, source: &Expr) -> Option<()> {
        let stated = match &bind.ty {
            Some(ty) => self.index_dims(&ty.element)?,
            None => Vec::new(),
        };
        let declared = self.module.tensors[out].index_of.clone();
        let wanted = if declared.is_empty() { stated } else { declared };
        let Some(size) = wanted.first() else {
            self.module.tensors[out].index_of = self.index_fact(node, vars).into_iter().collect();
            return Some(());
        };
        let left: Vec<usize> = (0..vars.len()).filter(|v| vars[*v].left).collect();
        let shown = wanted.len() == 1 && Builder::new(self, vars, source, bind.name.as_str(), &left).is_index_of(node, size);
        if shown {
            self.module.tensors[out].index_of = wanted;
            return Some(());
        }
        let dims: Vec<String> = wanted.iter().map(|size| self.show(size)).collect();
        let found = error(
            303,
            format!("`{}` is declared idx<{}>, and its values cannot be shown to be in 0..{}", bind.name, dims.join(", "), dims[0]),
        );
        let found =
            found.at(node.span, "may be any number").note("positions of `argmax`, elements of other indices and remainders by a size are");
        self.errors.push(found.help(format!("`(… as i64) % |{}|`, or the element type i64 and a mode where it is a subscript", dims[0])));
        None
    }
}

fn is_natural(lo: &Extent) -> bool {
    lo.as_constant().is_some_and(|c| c >= 0)
}
