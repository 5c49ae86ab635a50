//! Thread pools of this process: one for each number of threads that is in use.

use crate::error::Error;
use ein_runtime::Pool;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Pools by the number of threads that was asked for.
static POOLS: Mutex<Vec<(usize, Weak<Pool>)>> = Mutex::new(Vec::new());

/// The pool of so many threads, shared by all programs that are alive: each having its own would start threads without bound.
///
/// # Errors
/// E0804 if the threads cannot be started.
pub(crate) fn pool(threads: usize) -> Result<Arc<Pool>, Error> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.iter().find(|(n, _)| *n == threads).and_then(|(_, pool)| pool.upgrade()) {
        return Ok(pool);
    }
    let pool = Arc::new(Pool::new(threads)?);
    pools.retain(|(_, pool)| pool.strong_count() > 0);
    pools.push((threads, Arc::downgrade(&pool)));
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compiler, Einsum};

    #[test]
    fn programs_alive_share_their_threads() {
        let (a, b) = (pool(3).expect("small"), pool(3).expect("small"));
        assert!(Arc::ptr_eq(&a, &b));
        assert!(!Arc::ptr_eq(&a, &pool(2).expect("small")));
        let einsum = Einsum::with_compiler("i->", Compiler::new().threads(3)).expect("right");
        let first = einsum.function(&[&[4]], &[ein_ir::dtype::DType::F32]).expect("fits");
        let second = einsum.function(&[&[5]], &[ein_ir::dtype::DType::F32]).expect("fits");
        assert!(Arc::ptr_eq(&first.shared().pool, &second.shared().pool), "a pool for every shape");
        assert!(Arc::ptr_eq(&first.shared().pool, &a));
    }
}
