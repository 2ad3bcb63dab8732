#include "ChecksumShim.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

int jaga_has_crc32c(void) {
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
}

__attribute__((target("sse4.2")))
uint32_t jaga_crc32c(uint32_t state, const void *bytes, size_t count) {
    const unsigned char *place = bytes;
    uint64_t sum = state;
    for (; count >= 8; count -= 8, place += 8) {
        uint64_t word;
        memcpy(&word, place, 8);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; count > 0; count--, place++) sum = __builtin_ia32_crc32qi((uint32_t)sum, *place);
    return (uint32_t)sum;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

// HWCAP_CRC32 of <asm/hwcap.h>.
int jaga_has_crc32c(void) { return (getauxval(AT_HWCAP) >> 7 & 1) != 0; }

__attribute__((target("crc")))
uint32_t jaga_crc32c(uint32_t state, const void *bytes, size_t count) {
    const unsigned char *place = bytes;
    for (; count >= 8; count -= 8, place += 8) {
        uint64_t word;
        memcpy(&word, place, 8);
        state = __builtin_arm_crc32cd(state, word);
    }
    for (; count > 0; count--, place++) state = __builtin_arm_crc32cb(state, *place);
    return state;
}

#else

int jaga_has_crc32c(void) { return 0; }

uint32_t jaga_crc32c(uint32_t state, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return state;
}

#endif
