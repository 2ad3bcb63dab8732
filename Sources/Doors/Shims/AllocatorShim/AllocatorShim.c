#define _GNU_SOURCE
#include "AllocatorShim.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int jaga_limit_arenas(int count) {
    return mallopt(M_ARENA_MAX, count);
}

int jaga_keep_heap_top(int byte_count) {
    return mallopt(M_TRIM_THRESHOLD, byte_count) & mallopt(M_MMAP_THRESHOLD, byte_count);
}

static int release_pages(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
        const uintptr_t first = info->dlpi_addr + part->p_vaddr;
        const uintptr_t start = (first + page - 1) & ~(page - 1);
        const uintptr_t end = (first + part->p_memsz) & ~(page - 1);
        // What cannot be dropped stays; nothing depends on it.
        if (end > start) (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void jaga_release_program_pages(void) {
    dl_iterate_phdr(release_pages, NULL);
}

void jaga_release_free_memory(void) {
    (void)malloc_trim(0);
}
