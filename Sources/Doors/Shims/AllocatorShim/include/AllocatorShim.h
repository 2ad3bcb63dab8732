#ifndef ALLOCATOR_SHIM_H
#define ALLOCATOR_SHIM_H

// `mallopt` is not among the functions that Swift's Glibc module knows.

/// Lets malloc spread over at most `count` arenas (mallopt(3), M_ARENA_MAX). Returns 1 when it took effect.
int jaga_limit_arenas(int count);

/// Lets each arena keep up to so many free bytes at its end, and takes blocks below that size from arenas (mallopt(3), M_TRIM_THRESHOLD and
/// M_MMAP_THRESHOLD): who frees and takes a page of metrics thirty times a second would else fault its memory in as often.
/// Returns 1 when it took effect.
int jaga_keep_heap_top(int byte_count);

/// Gives the pages of code and constants of the program and its libraries back to the system (madvise(2), MADV_DONTNEED). They are
/// backed by files and never written, so whatever is used again is read again, most often from the page cache; what only
/// the start needed is gone.
void jaga_release_program_pages(void);

/// Gives the heap's free pages back to the system, also those between others that are in use (malloc_trim(3)).
void jaga_release_free_memory(void);

#endif
