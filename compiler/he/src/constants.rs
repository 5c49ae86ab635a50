//! Numbers that are given to a call, as they stand: what a def makes of one secret and of constants is one function of the secret.

use ein_ir::entity::Tensor;
use ein_ir::scalar::{Scalar, ScalarKind};
use ein_ir::tensor::{Definition, Equation, Module};
use std::collections::BTreeMap;

/// The module with constants in the place of the tensors without axes that they define; none if it has none.
pub(crate) fn inlined(module: &Module) -> Option<Module> {
    let constants: BTreeMap<Tensor, Scalar> = module.body.iter().filter_map(constant).collect();
    if constants.is_empty() {
        return None;
    }
    let mut out = module.clone();
    out.body.iter_mut().for_each(|definition| inline(definition, &constants));
    Some(out)
}

/// A tensor that is a literal.
fn constant(definition: &Definition) -> Option<(Tensor, Scalar)> {
    match definition {
        Definition::Equation(equation) if equation.indices.is_empty() && equation.reduce.is_none() && equation.domain.is_none() => {
            matches!(equation.body.kind, ScalarKind::Literal(_)).then(|| (equation.out, equation.body.clone()))
        }
        _ => None,
    }
}

fn inline(definition: &mut Definition, constants: &BTreeMap<Tensor, Scalar>) {
    match definition {
        Definition::Equation(Equation { domain, reduce, body, .. }) => {
            let guard = reduce.as_mut().and_then(|reduce| reduce.guard.as_mut());
            [domain.as_mut(), guard, Some(body)].into_iter().flatten().for_each(|scalar| in_scalar(scalar, constants));
        }
        Definition::Scan(scan) => scan.body.iter_mut().for_each(|definition| inline(definition, constants)),
        Definition::Multi(_) | Definition::Generate(_) | Definition::Table(_) => {}
    }
}

fn in_scalar(scalar: &mut Scalar, constants: &BTreeMap<Tensor, Scalar>) {
    scalar.visit_mut(&mut |node| {
        if let ScalarKind::Access(access) = &node.kind
            && !access.prev
            && let Some(constant) = constants.get(&access.tensor)
        {
            *node = Scalar { span: node.span, ..constant.clone() };
        }
    });
}
