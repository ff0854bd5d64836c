/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Connecting to a neighbour that the kernel cannot name: systemd called listen(), so that SO_PEERCRED
 * shows pid 1 and root, whoever then serves. What tells who it is, is who could have put the socket
 * there.
 */

/*
 * As client_connect(), but to a socket alone that is root's or this process's own user's, on an
 * absolute path whose every folder is, and is written by nobody else (in a sticky one others cannot
 * touch what is not theirs). It is connected to the very socket that was looked at. Besides what
 * client_connect() returns: -EPERM for what others could have put there, -ELOOP for a symbolic link
 * anywhere on the path, -ENOTSOCK, -EINVAL for a path that is not absolute.
 */
int trusted_connect(const char *path, int nonblocking);

/* For a person: what that returned, as words behind "cannot connect to …: ". */
const char *trusted_strerror(int r);
