#pragma once
// How much memory a daemon holds that starts with much work and then does little.

namespace vpccni::base {

/// One heap for all threads, and freed memory goes back to the kernel. To be called before the
/// first thread starts.
void keep_heap_small();

/// Gives back what only start-up has used: free heap, and the pages of programs and libraries that
/// were read and never written. What is needed again is mapped again from the page cache.
void drop_start_up_memory();

}  // namespace vpccni::base
