//! Ways to hold tensors that were found already.
//!
//! Plans of one program differ in where inputs are placed and in what is wished for some tensors. The ways to hold a tensor depend on what is
//! said of it, and on the ways to hold what it is made from; where both are the same, they are.

use crate::held::{Finish, Held, Holder, Placing};
use crate::packing::Packing;
use crate::planner::is_zero;
use crate::program::Origin;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// All ways to hold a tensor that are kept.
pub(crate) type Ways = Rc<Vec<Rc<Held>>>;

/// What ways to hold a tensor depend on.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    tensor: usize,
    chosen: Option<Packing>,
    wishes: Vec<Packing>,
    written: Option<usize>,
    read: Vec<From>,
}

/// A tensor that is read.
#[derive(PartialEq, Eq, Hash)]
enum From {
    /// An input that is placed like this.
    Placed(Placing),
    /// By the number of the ways to hold it.
    Held(usize),
}

/// By all that they depend on; numbered.
#[derive(Default)]
pub(crate) struct Found {
    ways: RefCell<FxHashMap<Key, (usize, Ways)>>,
    /// By the number of the ways.
    finishes: RefCell<FxHashMap<(usize, usize), Option<Finish>>>,
}

impl Found {
    /// The ways to hold a tensor, with their number; what it is made from is held.
    pub(crate) fn ways(&self, holder: &Holder<'_>, tensor: usize) -> (usize, Ways) {
        let key = key(holder, tensor);
        if let Some(found) = self.ways.borrow().get(&key) {
            return found.clone();
        }
        let ways = Rc::new(if is_zero(holder.program, tensor) { Vec::new() } else { holder.tensor(tensor) });
        let mut found = self.ways.borrow_mut();
        let number = found.len();
        found.insert(key, (number, Rc::clone(&ways)));
        (number, ways)
    }

    /// The best way to hold a result.
    pub(crate) fn finish(&self, holder: &Holder<'_>, result: usize) -> Option<Finish> {
        let key = (result, holder.numbers[result]);
        self.finishes.borrow_mut().entry(key).or_insert_with(|| holder.result(result)).clone()
    }
}

fn key(holder: &Holder<'_>, tensor: usize) -> Key {
    let from = |read: usize| match holder.program.tensors[read].origin {
        Origin::Secret => From::Placed(holder.placings[read].clone()),
        Origin::Public | Origin::Sum(_) | Origin::Polynomial { .. } => From::Held(holder.numbers[read]),
    };
    let read = holder.program.operands(tensor).map(from).collect();
    let written = holder.written.filter(|_| holder.program.alternatives.contains_key(&tensor));
    Key { tensor, chosen: holder.chosen.get(&tensor).cloned(), wishes: holder.wishes.of(tensor).to_vec(), written, read }
}
