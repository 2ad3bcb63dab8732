#define _GNU_SOURCE
#include "SpawnShim.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

int spawn_shim_start(pid_t *child, char *const words[], char *const environment[], const char *folder, int input,
                     const char *inputPath, const char *outputPath) {
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = input >= 0 ? posix_spawn_file_actions_adddup2(&actions, input, 0)
                      : posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0);
    if (code == 0)
        code = posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (code == 0) code = posix_spawn_file_actions_addchdir_np(&actions, folder);

    posix_spawnattr_t attributes;
    if (code == 0 && (code = posix_spawnattr_init(&attributes)) == 0) {
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
        code = posix_spawn(child, words[0], &actions, &attributes, words, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}
