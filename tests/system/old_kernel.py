# SPDX-License-Identifier: MIT
"""Becomes the program that it is given, for which the kernel is one before 6.5: it knows no
SO_PEERPIDFD."""

import ctypes
import errno
import os
import struct
import sys

GETSOCKOPT = {"x86_64": 55, "aarch64": 209}[os.uname().machine]
SO_PEERPIDFD = 77
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
# Of struct seccomp_data: the call, and the lower half of its third argument.
NUMBER, OPTION = 0, 32
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # classic BPF
ALLOW, FAIL = 0x7FFF0000, 0x00050000

PROGRAM = (
    (LOAD, 0, 0, NUMBER),
    (IF_EQUAL, 0, 3, GETSOCKOPT),
    (LOAD, 0, 0, OPTION),
    (IF_EQUAL, 0, 1, SO_PEERPIDFD),
    (RETURN, 0, 0, FAIL | errno.ENOPROTOOPT),
    (RETURN, 0, 0, ALLOW),
)

code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in PROGRAM))
filter_ = struct.pack("HxxxxxxP", len(PROGRAM), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_) < 0:
    raise OSError(ctypes.get_errno(), "seccomp")
os.execv(sys.argv[1], sys.argv[1:])
