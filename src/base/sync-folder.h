/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A file that was made, renamed or taken away is so after a power cut only when its folder is on
 * the disk as well.
 */

/*
 * Waits until the folder that `path`, as openat(2) takes it, stands in is on the disk. Returns 0 or
 * a negative errno.
 */
int sync_folder_of(int directory_fd, const char *path);
