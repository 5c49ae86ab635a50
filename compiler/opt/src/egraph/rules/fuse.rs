//! A contraction of contractions is one.

use super::{Match, Rule, Steps};
use crate::egraph::graph::Graph;

/// `sum_k (sum_j A B) C = sum_jk A B C`, up to the number of operands for which all orders are compared.
pub(crate) const FUSE_CONTRACTIONS: Rule = Rule {
    name: "fuse-contractions",
    laws: |ring| ring.add_commutes && ring.mul_associates && ring.mul_commutes && ring.distributes,
    apply: fuse,
};

fn fuse(graph: &mut Graph, found: &Match, steps: &mut Steps) {
    if found.is_sum {
        return;
    }
    let product = graph.flattened(found.ring, found.product());
    if product.operands.len() > found.operands.len() && steps.take(1) {
        let flat = graph.contract(found.ring, product);
        graph.join(&found.class, &flat, found.rule);
    }
}
