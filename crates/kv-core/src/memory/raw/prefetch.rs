//! A hint to the processor that a cache line will be needed soon.

/// Asks for the cache line of `target`, without waiting for it. Does nothing where there is no stable way to
/// ask. Any address is allowed: nothing is read.
#[inline]
pub(in crate::memory) fn prefetch<T>(target: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction faults at no address, and every x86-64 processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(target.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = target;
}
