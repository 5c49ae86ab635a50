//! The system's allocator, with counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);
static ALL: Bytes = Bytes::none();
static TENSORS: Bytes = Bytes::none();

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that are held, and the most that were.
struct Bytes {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Bytes {
    const fn none() -> Self {
        Self { now: AtomicU64::new(0), peak: AtomicU64::new(0) }
    }

    fn grow(&self, bytes: u64) {
        self.peak.fetch_max(self.now.fetch_add(bytes, Relaxed) + bytes, Relaxed);
    }

    fn shrink(&self, bytes: u64) {
        self.now.fetch_sub(bytes, Relaxed);
    }

    /// Forgets the peak; what is held.
    fn restart(&self) -> u64 {
        let now = self.now.load(Relaxed);
        self.peak.store(now, Relaxed);
        now
    }
}

/// Bytes for results, intermediates and what products pack, which alone ask for the alignment of vectors. Buffers of the runtime ask for
/// one line more than they hold, to align themselves.
fn of_tensors(layout: Layout) -> u64 {
    let bytes = match layout.align() {
        0..16 => 0,
        16 => layout.size().saturating_sub(ein_runtime::ALIGN),
        _ => layout.size(),
    };
    bytes as u64
}

fn grow(layout: Layout) {
    CALLS.fetch_add(1, Relaxed);
    ALL.grow(layout.size() as u64);
    TENSORS.grow(of_tensors(layout));
}

// SAFETY: every request is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout);
        // SAFETY: as asked.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout);
        // SAFETY: as asked.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        ALL.shrink(layout.size() as u64);
        TENSORS.shrink(of_tensors(layout));
        // SAFETY: as asked.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// What a function allocated.
pub(crate) struct Allocated {
    /// How often.
    pub calls: u64,
    /// Most bytes at a time, beyond those that were there before.
    pub peak: u64,
    /// As `peak`, of tensors alone.
    pub tensors: u64,
}

pub(crate) fn allocated<T>(run: impl FnOnce() -> T) -> (T, Allocated) {
    let (calls, all, tensors) = (CALLS.load(Relaxed), ALL.restart(), TENSORS.restart());
    let value = run();
    let peak = |bytes: &Bytes, before: u64| bytes.peak.load(Relaxed) - before;
    (value, Allocated { calls: CALLS.load(Relaxed) - calls, peak: peak(&ALL, all), tensors: peak(&TENSORS, tensors) })
}
