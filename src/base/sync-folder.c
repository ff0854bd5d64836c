/* SPDX-License-Identifier: MIT */
#include "base/sync-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

int sync_folder_of(int directory_fd, const char *path) {
        char folder[PATH_MAX];
        const char *slash = strrchr(path, '/');
        _cleanup_(fd_closep) int fd = -1;

        snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
                 slash ? path : ".");
        fd = openat(directory_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}
