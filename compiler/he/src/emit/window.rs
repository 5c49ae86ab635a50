//! Sums over windows.

use super::{Emitter, Value, chunk_addresses};
use crate::window::Window;
use crate::words;
use ein_ir::packed::Op;

impl Emitter<'_> {
    /// Each ciphertext is added to itself, rotated.
    pub(super) fn window(&mut self, window: &Window) -> Value {
        let value = self.held(&window.held);
        self.builder.purpose(format!("sum neighbours of {}", words::name(self.program, &window.held)));
        let addresses: Vec<u64> = chunk_addresses(&window.packing, self.log_slots).collect();
        let mut chunks: Vec<_> = addresses.into_iter().map(|address| value.at(address | window.chunk, self.log_slots)).collect();
        for x in chunks.iter_mut().flatten() {
            for run in &window.runs {
                let mut blocks = vec![*x];
                for join in run.joins() {
                    let turned = self.builder.rotate(blocks[join.block], join.by);
                    let sum = self.builder.op(Op::Add(blocks[join.to], turned));
                    blocks.push(sum);
                }
                *x = blocks.pop().unwrap_or(*x);
            }
        }
        Value { packing: window.packing.clone(), chunks }
    }
}
