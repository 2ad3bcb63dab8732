#ifndef SPAWN_SHIM_H
#define SPAWN_SHIM_H

#include <sys/types.h>

/// Starts a program in a session of its own with default signals, nothing but the three standard descriptors, and `folder` as
/// its working folder. These are extensions of the GNU C library that Swift's `Glibc` module does not show.
///
/// - `input`: a descriptor, or -1 to open `inputPath` for reading.
/// - `outputPath`: output and errors are appended to it; it is made when it is not there.
///
/// Returns 0 and sets `child`, or an error number.
int spawn_shim_start(pid_t *child, char *const words[], char *const environment[], const char *folder, int input,
                     const char *inputPath, const char *outputPath);

#endif
