#include "AllocatorShim.h"

#include <malloc.h>

int jaga_limit_arenas(int count) {
    return mallopt(M_ARENA_MAX, count);
}
