//! Carries out a list of operations on several threads, each operation as soon as what it reads is there.
//!
//! Operations start in the order of the list as far as they can, and none starts far ahead of one that is not done: so what has to be kept for
//! later is little more than on one thread. Several copies of a list, with the same operations on different values, go along side by side.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Operations that may be under way or done beyond the first that is not done.
const WINDOW: usize = 32;

/// Who reads what in a list of operations.
pub(crate) struct Graph {
    /// Of how many operations each waits for the results.
    waits: Vec<usize>,
    readers: Vec<Vec<usize>>,
}

impl Graph {
    /// Of the operations that each reads, all of them before it.
    pub(crate) fn new(reads: impl Iterator<Item = Vec<usize>>) -> Self {
        let mut graph = Self { waits: Vec::new(), readers: Vec::new() };
        for (id, mut read) in reads.enumerate() {
            read.sort_unstable();
            read.dedup();
            graph.waits.push(read.len());
            read.into_iter().for_each(|of| graph.readers[of].push(id));
            graph.readers.push(Vec::new());
        }
        graph
    }
}

/// Calls `work` with each copy and operation, on so many threads.
///
/// # Errors
/// That of the first operation, in the order of the list, that has one.
pub(crate) fn run<E: Send>(
    graph: &Graph,
    copies: usize,
    threads: usize,
    work: &(dyn Fn(usize, usize) -> Result<(), E> + Sync),
) -> Result<(), E> {
    let total = graph.waits.len() * copies;
    let pool = Pool { graph, copies, state: Mutex::new(State::new(graph, copies)), changed: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(total) {
            // Fewer threads do as well.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || pool.worker(work));
        }
        pool.worker(work);
    });
    let state = pool.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failure.map_or(Ok(()), |(_, error)| Err(error))
}

/// Calls `work` with each number below `n`, on so many threads, and gives what it returns.
///
/// # Errors
/// That of the least number that has one.
pub(crate) fn each<T: Send + Sync, E: Send>(n: usize, threads: usize, work: &(dyn Fn(usize) -> Result<T, E> + Sync)) -> Result<Vec<T>, E> {
    let results: Vec<OnceLock<T>> = (0..n).map(|_| OnceLock::new()).collect();
    let graph = Graph::new((0..n).map(|_| Vec::new()));
    run(&graph, 1, threads, &|_, id| work(id).map(|result| drop(results[id].set(result))))?;
    Ok(results.into_iter().filter_map(OnceLock::into_inner).collect())
}

/// A copy of an operation; those of one operation follow each other.
type Task = usize;

struct Pool<'a, E> {
    graph: &'a Graph,
    copies: usize,
    state: Mutex<State<E>>,
    changed: Condvar,
}

struct State<E> {
    ready: BinaryHeap<Reverse<Task>>,
    /// Of how many results each task waits.
    waits: Vec<usize>,
    done: Vec<bool>,
    first_not_done: Task,
    /// Tasks from here on are left.
    end: Task,
    failure: Option<(Task, E)>,
}

impl<E> State<E> {
    fn new(graph: &Graph, copies: usize) -> Self {
        let waits: Vec<usize> = graph.waits.iter().flat_map(|waits| std::iter::repeat_n(*waits, copies)).collect();
        let ready = waits.iter().enumerate().filter(|(_, waits)| **waits == 0).map(|(task, _)| Reverse(task)).collect();
        Self { ready, done: vec![false; waits.len()], first_not_done: 0, end: waits.len(), failure: None, waits }
    }

    fn is_over(&self) -> bool {
        self.first_not_done >= self.end
    }

    fn next(&mut self) -> Option<Task> {
        let Reverse(task) = *self.ready.peek()?;
        (task < self.end.min(self.first_not_done + WINDOW)).then(|| self.ready.pop())?.map(|Reverse(task)| task)
    }

    fn finish(&mut self, task: Task, (graph, copies): (&Graph, usize), result: Result<(), E>) {
        self.done[task] = true;
        while self.done.get(self.first_not_done) == Some(&true) {
            self.first_not_done += 1;
        }
        match result {
            Ok(()) => {
                for reader in &graph.readers[task / copies] {
                    let reader = reader * copies + task % copies;
                    self.waits[reader] -= 1;
                    if self.waits[reader] == 0 {
                        self.ready.push(Reverse(reader));
                    }
                }
            }
            // Tasks before the end go on: one of them may fail as well.
            Err(error) if task < self.end => (self.end, self.failure) = (task, Some((task, error))),
            Err(_) => {}
        }
    }
}

impl<E> Pool<'_, E> {
    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task; `None` when all is done.
    fn next(&self) -> Option<Task> {
        let mut state = self.state();
        loop {
            if state.is_over() {
                return None;
            }
            if let Some(task) = state.next() {
                return Some(task);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn worker(&self, work: &(dyn Fn(usize, usize) -> Result<(), E> + Sync)) {
        while let Some(task) = self.next() {
            match catch_unwind(AssertUnwindSafe(|| work(task % self.copies, task / self.copies))) {
                Ok(result) => self.state().finish(task, (self.graph, self.copies), result),
                Err(panic) => {
                    // Nobody may wait for what never comes.
                    self.state().end = 0;
                    self.changed.notify_all();
                    resume_unwind(panic);
                }
            }
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    /// Each operation reads some before it, also one twice.
    fn graph(n: usize) -> (Graph, Vec<Vec<usize>>) {
        let reads = |id: usize| if id < 3 { Vec::new() } else { vec![id / 2, id - 1 - id % 3, id / 2] };
        let reads: Vec<_> = (0..n).map(reads).collect();
        (Graph::new(reads.iter().cloned()), reads)
    }

    /// The longest path to each operation, by carrying the list out.
    fn lengths(n: usize, copies: usize, threads: usize) -> Vec<u64> {
        let (graph, reads) = graph(n);
        let values: Vec<AtomicU64> = (0..n * copies).map(|_| AtomicU64::new(0)).collect();
        let work = |copy: usize, id: usize| {
            let of = |id: &usize| values[copy * n + id].load(Ordering::SeqCst);
            assert!(reads[id].iter().all(|id| of(id) > 0), "{id} came too early");
            let longest = reads[id].iter().map(of).max().unwrap_or(copy as u64);
            values[copy * n + id].fetch_add(longest + 1, Ordering::SeqCst);
            Ok::<(), ()>(())
        };
        run(&graph, copies, threads, &work).expect("nothing fails");
        values.into_iter().map(AtomicU64::into_inner).collect()
    }

    #[test]
    fn each_operation_runs_once_and_after_what_it_reads() {
        for (n, copies) in [(0, 3), (1, 1), (2, 5), (500, 1), (120, 3)] {
            let one = lengths(n, copies, 1);
            assert!(one.iter().all(|length| *length > 0));
            for threads in [2, 3, 8] {
                assert_eq!(lengths(n, copies, threads), one, "{n} operations, {copies} copies, {threads} threads");
            }
        }
    }

    #[test]
    fn none_starts_far_ahead() {
        let graph = Graph::new((0..1000).map(|_| Vec::new()));
        let done = AtomicUsize::new(0);
        let work = |_: usize, id: usize| {
            assert!(id < done.load(Ordering::SeqCst) + WINDOW + 4, "{id} ran ahead");
            done.fetch_add(1, Ordering::SeqCst);
            Ok::<(), ()>(())
        };
        run(&graph, 1, 4, &work).expect("nothing fails");
        assert_eq!(done.into_inner(), 1000);
    }

    #[test]
    fn the_first_failure_of_the_list_is_told_at_any_number_of_threads() {
        let (graph, _) = graph(300);
        for threads in [1, 2, 7] {
            let work = |copy: usize, id: usize| if id % 100 == 57 && copy == 1 { Err(id) } else { Ok(()) };
            assert_eq!(run(&graph, 2, threads, &work), Err(57));
        }
    }

    #[test]
    fn results_come_in_order() {
        let squares = |n| each(n, 4, &|id| Ok::<_, ()>(id * id));
        assert_eq!(squares(100), Ok((0..100).map(|id| id * id).collect()));
        assert_eq!(squares(0), Ok(Vec::new()));
    }

    #[test]
    fn a_panic_ends_all_threads() {
        let (graph, _) = graph(300);
        let work = |_: usize, id: usize| if id == 40 { panic!("at 40") } else { Ok::<(), ()>(()) };
        assert!(catch_unwind(AssertUnwindSafe(|| run(&graph, 1, 3, &work))).is_err());
    }
}
