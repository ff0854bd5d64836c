# SPDX-License-Identifier: MIT
"""What a program in a service's place would try next. Prints what it could write, as whom, and for each
attempt the errno by its name that it ended with, or "done"."""

import ctypes
import errno
import json
import mmap
import os
import pathlib
import signal
import socket
import stat
import sys
import time

NEW_USER, NEW_NET, TRACE_ME, KEYRING = 0x10000000, 0x40000000, 0, -3
PER_LINUX32 = 8
# On x86-64 and on the architectures that came later.
SYSCALLS = {
    "x86_64": {"keyctl": 250, "bpf": 321, "process_vm_readv": 310, "userfaultfd": 323,
               "perf_event_open": 298, "io_uring_setup": 425, "mount": 165, "reboot": 169},
    "aarch64": {"keyctl": 219, "bpf": 280, "process_vm_readv": 270, "userfaultfd": 282,
                "perf_event_open": 241, "io_uring_setup": 425, "mount": 40, "reboot": 142},
}[os.uname().machine]

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), function.__name__)


def syscall(name, *arguments):
    call(libc.syscall, SYSCALLS[name], *map(ctypes.c_long, arguments))


def write(path):
    with open(path, "a", encoding="ascii"):
        pass


def create(folder):
    path = pathlib.Path(folder, "probe")
    path.touch()
    path.unlink()


def execute(program):
    """In a child, so that the others have their turn."""
    if program.startswith("/tmp/"):
        pathlib.Path(program).touch(0o755)
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.execv(program, [program])
        except OSError as e:
            os.write(into, str(e.errno).encode())
        os._exit(0)
    os.close(into)
    os.waitpid(child, 0)
    told = os.read(out, 16)
    if told:
        raise OSError(int(told), program)


def open_socket(*arguments):
    socket.socket(*arguments).close()


def gain_set_user_id():
    path = pathlib.Path("/tmp/probe")
    path.touch()
    path.chmod(0o4755)


def map_code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def map_file(fd):
    os.truncate(fd, 4096)
    mmap.mmap(fd, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)


def load_code():
    """Written by oneself, mapped as if it were a library."""
    with open("/tmp/code", "w+b") as f:
        map_file(f.fileno())


ATTEMPTS = {
    "read /home": lambda: os.listdir("/home/me"),
    "read /root": lambda: os.listdir("/root"),
    "read the signing key": lambda: open("/etc/action-engine/private/signing.jwk", "rb"),
    "read the vault's key": lambda: open("/etc/action-engine/vault-key.cred", "rb"),
    "read the vault's folder": lambda: os.listdir("/var/lib/action-vault"),
    "read the vault's mark": lambda: os.listdir("/var/lib/action-vault-mark"),
    "read the vault's credential":
        lambda: open("/run/credentials/action-vault.service/vault-key", "rb"),
    "read /etc/shadow": lambda: open("/etc/shadow", "rb"),
    "see process 1": lambda: os.listdir("/proc/1"),
    "see the kernel's settings": lambda: os.listdir("/proc/sys"),
    "write /etc": lambda: create("/etc/action-engine"),
    "write /usr": lambda: create("/usr/lib/action-engine"),
    "write /run": lambda: create("/run/action-engine"),
    "write /var/lib": lambda: create("/var/lib"),
    "write /dev/shm": lambda: create("/dev/shm"),
    "write a cgroup": lambda: write("/sys/fs/cgroup/cgroup.procs"),
    "write the state folder": lambda: create(os.environ["STATE_DIRECTORY"].partition(":")[0]),
    "write /tmp": lambda: create("/tmp"),
    "open the kernel's log": lambda: open("/dev/kmsg", "rb"),
    "open a disk": lambda: os.open("/dev/probe-disk", os.O_RDONLY),
    "open AF_INET": lambda: open_socket(socket.AF_INET),
    "open AF_INET6": lambda: open_socket(socket.AF_INET6),
    "open AF_NETLINK": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open AF_PACKET": lambda: open_socket(socket.AF_PACKET, socket.SOCK_RAW),
    "open AF_ALG": lambda: open_socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "open AF_VSOCK": lambda: open_socket(socket.AF_VSOCK),
    "open a raw socket": lambda: open_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "open AF_UNIX": lambda: open_socket(socket.AF_UNIX),
    "start a shell": lambda: execute("/bin/sh"),
    "start what it wrote": lambda: execute("/tmp/program"),
    "map writable code": map_code,
    "map code that it wrote": load_code,
    "map code of no file": lambda: map_file(os.memfd_create("probe")),
    "make a set-uid file": gain_set_user_id,
    "become root": lambda: os.setuid(0),
    "make a user namespace": lambda: call(libc.unshare, NEW_USER),
    "make a network namespace": lambda: call(libc.unshare, NEW_NET),
    "be traced": lambda: call(libc.ptrace, TRACE_ME, 0, 0, 0),
    "read another's memory": lambda: syscall("process_vm_readv", 1, 0, 0, 0, 0, 0),
    "use the keyring": lambda: syscall("keyctl", 0, KEYRING, 1),
    "load a kernel program": lambda: syscall("bpf", 0, 0, 0),
    "watch the processor": lambda: syscall("perf_event_open", 0, 0, -1, -1, 0),
    "handle page faults": lambda: syscall("userfaultfd", 0),
    "make an io_uring": lambda: syscall("io_uring_setup", 1, 0),
    "mount": lambda: syscall("mount", 0, 0, 0, 0, 0),
    "reboot": lambda: syscall("reboot", 0, 0, 0, 0),
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "name the machine": lambda: socket.sethostname("probe"),
    "be another architecture": lambda: call(libc.personality, PER_LINUX32),
    "go before others": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "kill another": lambda: os.kill(1, signal.SIGTERM),
}


def attempt(function):
    try:
        function()
    except OSError as e:
        return errno.errorcode[e.errno]
    except KeyError:
        return "nothing"
    return "done"


def writable():
    """What is there to write to but devices and what the kernel shows, by inode."""
    found = {}
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = set(folders) - {"proc", "sys"}
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            status = os.lstat(path)
            if stat.S_IFMT(status.st_mode) in (stat.S_IFDIR, stat.S_IFREG) \
                    and os.access(path, os.W_OK):
                found[f"{status.st_dev}:{status.st_ino}"] = path
    return found


json.dump({"writable": writable(), "ids": [os.getuid(), os.getgid(), *os.getgroups()],
           "ended": {name: attempt(function) for name, function in ATTEMPTS.items()}}, sys.stdout)
