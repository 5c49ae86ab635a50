//! Which values wait for their rescaling: a minimum cut.
//!
//! A value waits if it is on the side of the source. A value that waits costs what its operation costs more at one level higher; from each
//! value an arc goes to its rescaled form, which is paid where the value waits and a reader of it does not. What does not wait cannot make
//! what does.

use super::cost::{Weights, share};
use super::demand::Demand;
use super::flow::{Network, UNBOUNDED};
use ein_ir::entity::{Ciphertext, EntityRef, SecondaryMap};
use ein_ir::packed::{Op, Packed};

const SOURCE: usize = 0;
const SINK: usize = 1;

/// Whether each value carries a product that is rescaled only after it. Among equal costs rescalings come early.
pub(crate) fn waits(packed: &Packed, demand: &Demand, weights: Weights) -> SecondaryMap<Ciphertext, bool> {
    let n = packed.ops.len();
    let value = |id: Ciphertext| 2 + id.index();
    let rescaled = |id: Ciphertext| 2 + n + id.index();
    let mut network = Network::new(2 + 2 * n);
    for (id, op) in &packed.ops {
        let read = op.args().filter(|arg| demand.may_wait[*arg]);
        if demand.may_wait[id] {
            let (high, low) = (share(demand.base[id] + 1, demand.top), share(demand.base[id], demand.top));
            network.arc(value(id), rescaled(id), capacity(weights.rescale(demand.parts[id], high)));
            if op.multiplies() {
                network.arc(SOURCE, value(id), UNBOUNDED);
            } else {
                network.arc(value(id), SINK, capacity(weights.weight(op, parts_read(op, demand)) * (high - low)));
                if weights.noise(op) > 0.0 {
                    network.arc(SOURCE, value(id), capacity(weights.noise(op)));
                }
            }
        }
        let waiting = demand.may_wait[id] && !op.multiplies();
        for arg in read {
            network.arc(rescaled(arg), if waiting { value(id) } else { SINK }, UNBOUNDED);
            if waiting {
                network.arc(value(id), value(arg), UNBOUNDED);
            }
        }
    }
    for &result in packed.outputs.iter().flat_map(|output| &output.values) {
        network.arc(rescaled(result), SINK, UNBOUNDED);
    }
    let side = network.source_side(SOURCE, SINK);
    let mut waits = SecondaryMap::new();
    packed.ops.keys().for_each(|id| waits[id] = side[value(id)]);
    waits
}

pub(crate) fn parts_read(op: &Op, demand: &Demand) -> u8 {
    op.args().map(|arg| demand.parts[arg]).max().unwrap_or(2)
}

/// Costs in billionths, so that sums are exact.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "costs of one operation are small and not negative")]
fn capacity(cost: f64) -> u64 {
    (cost * 1e9).round() as u64
}
