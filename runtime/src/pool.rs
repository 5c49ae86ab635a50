//! One thread pool that runs the tasks of a step.

use crate::error::Error;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Threads for the tasks of compiled steps.
///
/// The calling thread works too: a pool of one thread starts none and runs everything inline.
pub struct Pool {
    helpers: Option<rayon::ThreadPool>,
    threads: usize,
}

impl Pool {
    /// A pool of `threads` threads, the caller included; 0 means one for each processor.
    ///
    /// # Errors
    ///
    /// `threads-unavailable` if the system refuses them.
    pub fn new(threads: usize) -> Result<Self, Error> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        if threads == 1 {
            return Ok(Self::inline());
        }
        let helpers = rayon::ThreadPoolBuilder::new().num_threads(threads - 1).thread_name(|i| format!("ein-{}", i + 1)).build();
        let helpers = helpers.map_err(|e| Error::ThreadsUnavailable { threads, reason: e.to_string() })?;
        Ok(Self { helpers: Some(helpers), threads })
    }

    /// A pool of the calling thread alone.
    #[must_use]
    pub const fn inline() -> Self {
        Self { helpers: None, threads: 1 }
    }

    /// Number of threads, the caller included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs tasks `0..tasks`, each once, and returns 0 or the fault of the lowest failing task.
    ///
    /// A task fails by returning something else than 0. Tasks above the lowest failing one may be left out; those below it never are, so
    /// the answer does not depend on the number of threads.
    pub fn run(&self, tasks: u32, f: &(dyn Fn(u32) -> u32 + Sync)) -> u32 {
        match &self.helpers {
            Some(helpers) if tasks > 1 => self.run_parallel(helpers, tasks, f),
            Some(_) | None => (0..tasks).map(f).find(|&fault| fault != 0).unwrap_or(0),
        }
    }

    fn run_parallel(&self, helpers: &rayon::ThreadPool, tasks: u32, f: &(dyn Fn(u32) -> u32 + Sync)) -> u32 {
        let queue = Queue { next: AtomicU32::new(0), tasks, lowest: AtomicU64::new(Queue::NO_FAULT) };
        let extra = (self.threads - 1).min(tasks as usize - 1);
        helpers.in_place_scope(|scope| {
            for _ in 0..extra {
                scope.spawn(|_| queue.work(f));
            }
            queue.work(f);
        });
        queue.fault()
    }
}

/// Tasks handed out in order. Every task below a failing one was therefore taken before it, and runs to its end.
struct Queue {
    next: AtomicU32,
    tasks: u32,
    /// The lowest failing task in the high half, its fault in the low half, so that the minimum of the two is one atomic operation.
    lowest: AtomicU64,
}

impl Queue {
    const NO_FAULT: u64 = u64::MAX;

    fn work(&self, f: &(dyn Fn(u32) -> u32 + Sync)) {
        while let Some(task) = self.take() {
            let fault = f(task);
            if fault != 0 {
                self.lowest.fetch_min(u64::from(task) << 32 | u64::from(fault), Ordering::Relaxed);
            }
        }
    }

    fn take(&self) -> Option<u32> {
        if self.lowest.load(Ordering::Relaxed) != Self::NO_FAULT {
            // Whatever is left is higher than the failing task.
            return None;
        }
        // An update instead of an addition: late workers must not wrap the counter.
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |t| (t < self.tasks).then_some(t + 1)).ok()
    }

    fn fault(&self) -> u32 {
        match self.lowest.load(Ordering::Relaxed) {
            Self::NO_FAULT => 0,
            packed => (packed & u64::from(u32::MAX)) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 3, 8] {
            let pool = Pool::new(threads).unwrap();
            for tasks in [0, 1, 2, 7, 1000] {
                let seen: Vec<AtomicU32> = (0..tasks).map(|_| AtomicU32::new(0)).collect();
                let fault = pool.run(tasks, &|t| {
                    seen[t as usize].fetch_add(1, Ordering::Relaxed);
                    0
                });
                assert_eq!(fault, 0);
                assert!(seen.iter().all(|n| n.load(Ordering::Relaxed) == 1), "{threads} threads, {tasks} tasks");
            }
        }
    }

    #[test]
    fn the_lowest_fault_wins_on_any_number_of_threads() {
        for threads in [1, 2, 4] {
            let pool = Pool::new(threads).unwrap();
            for round in 0..200 {
                // The lowest failing task is slow, so that others fail before it.
                let fault = pool.run(64, &|t| {
                    if t == 5 {
                        (0..round * 50).for_each(|_| std::hint::spin_loop());
                    }
                    if t >= 5 { 1000 + t } else { 0 }
                });
                assert_eq!(fault, 1005, "{threads} threads");
            }
        }
    }

    #[test]
    fn tasks_below_the_fault_all_run() {
        let pool = Pool::new(4).unwrap();
        let ran = AtomicU32::new(0);
        let fault = pool.run(100, &|t| {
            if t < 40 {
                ran.fetch_add(1, Ordering::Relaxed);
            }
            u32::from(t == 40)
        });
        assert_eq!((fault, ran.load(Ordering::Relaxed)), (1, 40));
    }

    #[test]
    fn a_fault_of_all_ones_is_kept() {
        assert_eq!(Pool::new(2).unwrap().run(3, &|t| if t == 2 { u32::MAX } else { 0 }), u32::MAX);
    }

    #[test]
    fn steps_may_run_from_several_threads_and_inside_each_other() {
        let pool = Pool::new(3).unwrap();
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..50).for_each(|_| assert_eq!(pool.run(8, &|t| pool.run(4, &|u| u32::from(t == 3 && u == 2) * 9)), 9)));
            }
        });
    }
}
