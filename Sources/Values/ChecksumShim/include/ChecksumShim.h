#ifndef CHECKSUM_SHIM_H
#define CHECKSUM_SHIM_H

#include <stddef.h>
#include <stdint.h>

// Processors have an instruction for CRC32C that Swift has no name for: `crc32` of SSE 4.2 (Intel 64 manual, volume 2A) and `crc32cx` of the ARMv8
// CRC extension (Arm ARM, C6.2).

/// Whether this processor has the instruction. Costs some hundred cycles: ask once.
int jaga_has_crc32c(void);

/// The state after `count` more bytes: before the first byte all ones, and inverted at the end. Only where `jaga_has_crc32c`.
uint32_t jaga_crc32c(uint32_t state, const void *bytes, size_t count);

#endif
