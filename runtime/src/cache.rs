//! A bounded cache of compiled things.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most recently used values, at most a given number of them.
///
/// Which value leaves depends on the order of the calls alone: every use has a number of its own, and the oldest leaves.
pub struct Cache<K, V> {
    capacity: usize,
    inner: Mutex<Inner<K, V>>,
}

struct Inner<K, V> {
    entries: HashMap<K, Entry<V>>,
    clock: u64,
}

struct Entry<V> {
    value: Arc<V>,
    last_use: u64,
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    /// An empty cache of at most `capacity` values; with 0 it keeps nothing.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, inner: Mutex::new(Inner { entries: HashMap::new(), clock: 0 }) }
    }

    /// The value of a key, which becomes the most recently used.
    pub fn get<Q>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut inner = self.lock();
        let now = inner.tick();
        let entry = inner.entries.get_mut(key)?;
        entry.last_use = now;
        Some(Arc::clone(&entry.value))
    }

    /// Stores a value and returns the one that is kept: that of the first caller, if two made it at the same time.
    pub fn insert(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        if self.capacity == 0 {
            return value;
        }
        let mut inner = self.lock();
        let now = inner.tick();
        if let Some(entry) = inner.entries.get_mut(&key) {
            entry.last_use = now;
            return Arc::clone(&entry.value);
        }
        if inner.entries.len() >= self.capacity {
            inner.evict();
        }
        inner.entries.insert(key, Entry { value: Arc::clone(&value), last_use: now });
        value
    }

    /// The value of a key, made by `make` if it is not there. The cache is not locked meanwhile, so others may make the same value.
    ///
    /// # Errors
    ///
    /// Those of `make`; nothing is stored then.
    pub fn get_or_try_insert<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        match self.get(key) {
            Some(value) => Ok(value),
            None => Ok(self.insert(key.clone(), make()?)),
        }
    }

    /// Number of values kept.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// A panic elsewhere cannot leave the map half-written, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone, V> Inner<K, V> {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// A scan: caches hold tens of programs, and compiling one costs far more.
    #[expect(clippy::iter_over_hash_type, reason = "uses have distinct numbers, so the minimum does not depend on the order")]
    fn evict(&mut self) {
        let mut oldest: Option<(u64, K)> = None;
        for (key, entry) in &self.entries {
            if oldest.as_ref().is_none_or(|(age, _)| entry.last_use < *age) {
                oldest = Some((entry.last_use, key.clone()));
            }
        }
        if let Some((_, key)) = oldest {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_leaves() {
        let cache = Cache::new(2);
        cache.insert("a", 1);
        cache.insert("b", 2);
        assert_eq!(cache.get("a").as_deref(), Some(&1));
        cache.insert("c", 3);
        assert_eq!((cache.get("a").is_some(), cache.get("b").is_some(), cache.get("c").is_some()), (true, false, true));
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn the_first_value_of_a_key_is_kept() {
        let cache = Cache::new(4);
        assert_eq!(*cache.insert(7, "first"), "first");
        assert_eq!(*cache.insert(7, "second"), "first");
    }

    #[test]
    fn failures_are_not_stored() {
        let cache: Cache<u32, u32> = Cache::new(4);
        assert_eq!(cache.get_or_try_insert(&1, || Err("no")), Err("no"));
        assert_eq!(cache.get_or_try_insert(&1, || Ok::<_, ()>(5)).as_deref(), Ok(&5));
        assert_eq!(cache.get_or_try_insert(&1, || Err("unused")).as_deref(), Ok(&5));
    }

    #[test]
    fn a_cache_of_none_keeps_none() {
        let cache = Cache::new(0);
        assert_eq!(*cache.insert(1, 2), 2);
        assert!(cache.is_empty());
    }
}
