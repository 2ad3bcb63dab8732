#ifndef ALLOCATOR_SHIM_H
#define ALLOCATOR_SHIM_H

// `mallopt` is not among the functions that Swift's Glibc module knows.

/// Lets malloc spread over at most `count` arenas (mallopt(3), M_ARENA_MAX). Returns 1 when it took effect.
int jaga_limit_arenas(int count);

#endif
