# SPDX-License-Identifier: MIT
"""A Debian with a systemd of its own, in a container, for as long as a test runs.

The root is made once and kept; what is written goes to memory, on an overlay. All of it is in
namespaces whose first process dies with this one, so that neither a process nor a mount is left
behind, however the tests end.
"""

import concurrent.futures
import contextlib
import ctypes
import fcntl
import hashlib
import os
import pathlib
import pty
import re
import secrets
import shutil
import signal
import socket
import subprocess

from engine import TIMEOUT, Connection, until
from terminal import Terminal

SUITE = "bookworm"
PACKAGES = (
    "dbus",
    "libcjson1",
    "libcurl4",
    "libidn2-0",
    "libinih1",
    "libmicrohttpd12",
    "libsmartcols1",
    "libsodium23",
    "libsqlite3-0",
    "libsystemd0",
    "libunistring2",
    "polkitd",
    "python3",
    "systemd",
    "systemd-sysv",
)
TOOLS = ("meson", "mmdebstrap", "nsenter", "openssl", "setpriv", "systemd-nspawn", "unshare")
ATTEMPTS = 3  # mirrors have bad moments
SOURCES = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
# Wherever systemd, of either world, keeps its groups.
CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")

BOOT = """
set -e
for group in $GROUPS; do echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs -o mode=0755 tmpfs "$WORK"
mkdir "$WORK/upper" "$WORK/work" "$WORK/root"
mount -t overlay -o "lowerdir=$BASE,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$WORK/root"
status=133 # its word for a reboot
while [ $status -eq 133 ]; do
        status=0
        systemd-nspawn --quiet --settings=no --register=no --keep-unit --private-network \\
                --link-journal=no --resolv-conf=off --timezone=off --console=pipe \\
                --machine="$NAME" --directory="$WORK/root" --boot || status=$?
done
exit $status
"""

CLONE_NEWNET = 0x40000000
# What a container itself may lack: the one to mount, the other to bring a loopback up.
CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12}

# Connects as who it is, hands the connection out, and stays until the other end is closed.
CONNECTOR = """
import os, socket, sys
out, client = socket.socket(fileno=0), socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
socket.send_fds(out, [str(os.getpid()).encode()], [client.fileno()])
client.close()
out.recv(1)
"""

# Makes a process with the pid and uid that it is given (clone3(2)), and ends it when told to.
# PyDLL, because the child needs Python's lock, which it could not get from anybody.
SUCCESSOR = """
import ctypes, os, signal, struct, sys
CLONE3 = 435 # everywhere
libc = ctypes.PyDLL(None, use_errno=True)
pid, uid = (ctypes.c_int * 1)(int(sys.argv[1])), int(sys.argv[2])
how = struct.pack("11Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(pid), 1, 0)
child = libc.syscall(ctypes.c_long(CLONE3), how, ctypes.c_size_t(len(how)))
if child < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
if child == 0:
    os.setgid(uid)
    os.setuid(uid)
    os.execlp("sleep", "successor", "infinity")
print(child, flush=True)
sys.stdin.read()
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
"""


_libc = ctypes.CDLL(None, use_errno=True)
_in_use = []  # a lock on each root that we stand on


class BootError(Exception):
    """systemd-nspawn ended before the system in it was up."""


def missing():
    """Why there can be no container here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    effective = int(re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)[1], 16)
    lacking = [name for name, bit in CAPABILITIES.items() if not effective >> bit & 1]
    lacking += [tool for tool in TOOLS if not shutil.which(tool)]
    return f"needs {', '.join(lacking)}" if lacking else None


def base_root():
    """The folder of a minimal Debian with what the product links against, ours until we end."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    cache = cache / "action-engine"
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    root = cache / f"root-{key}"

    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _bootstrap(root, lock)
        _in_use.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY))
        fcntl.flock(_in_use[-1], fcntl.LOCK_SH)
    return root


def _remove_unused(root):
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root)
    finally:
        os.close(folder)


def _bootstrap(root, lock):
    """The lock is also its programs', which may outlive us."""
    new = root.with_suffix(".new")
    for old in root.parent.glob("root-*"):
        _remove_unused(old)
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
    packages = "--include=" + ",".join(PACKAGES)
    sources = [path for path in SOURCES if os.path.exists(path)][:1]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", *excluded, packages, SUITE, new]
    for _ in range(ATTEMPTS):
        done = subprocess.run([*command, *sources], pass_fds=[lock.fileno()], capture_output=True,
                              text=True, timeout=900, check=False)
        if done.returncode == 0:
            new.rename(root)
            return
        shutil.rmtree(new, ignore_errors=True)
    raise RuntimeError(f"mmdebstrap: {done.stderr[-2000:]}")


def _children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in path.read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _is_systemd(pid):
    """Before, it is systemd-nspawn's, and may still be outside."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "systemd\n"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Container:
    """Booted by `with`; a BootError where this machine cannot."""

    def __init__(self, base, folder):
        self._base = base
        self._work = pathlib.Path(folder)
        self._log = self._work / "console.log"
        self._process = None
        self._groups = []
        self.leader = None

    def __enter__(self):
        try:
            self._start()
            self.wait_booted()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process:
            self._stop()
        for group in self._groups:
            self._remove_group(group)

    def _start(self):
        name = f"action-engine-{secrets.token_hex(8)}"  # of a run that was killed, groups are left
        for hierarchy in CGROUPS:
            if os.path.exists(f"{hierarchy}/cgroup.procs"):
                self._make_group(f"{hierarchy}/{name}")
        root = self._work / "root"
        root.mkdir()
        environment = {
            **os.environ,
            "BASE": str(self._base),
            "GROUPS": " ".join(self._groups),
            "NAME": name,
            "WORK": str(root),
        }
        isolate = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *isolate, "sh", "-c", BOOT],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _stop(self):
        if self.leader and self._process.poll() is None:
            os.kill(self.leader, signal.SIGRTMIN + 4)  # systemd: power off
        try:
            self._process.wait(TIMEOUT if self.leader else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _make_group(self, group):
        try:
            os.mkdir(group)
        except OSError as e:
            raise BootError(f"{group}: {e.strerror}") from e
        self._groups.append(group)

    @staticmethod
    def _remove_group(group):
        def removed():
            try:
                for folder, _, _ in os.walk(group, topdown=False):
                    os.rmdir(folder)
            except FileNotFoundError:
                pass
            except OSError:  # the last processes are still being buried
                return False
            return not os.path.exists(group)

        until(removed, bool)

    def console(self):
        return self._log.read_text(encoding="utf-8", errors="replace").strip()

    def _find_leader(self):
        """unshare has a shell, which has systemd-nspawn, which has what it boots."""
        if self._process.poll() is not None:
            raise BootError(self.console())
        pids = [self._process.pid]
        for _ in range(3):
            pids = [child for pid in pids for child in _children(pid)]
        return pids[0] if len(pids) == 1 and _is_systemd(pids[0]) else None

    def wait_booted(self, after=None):
        """`after` is the leader that is about to go away, at a reboot."""

        def state():
            self.leader = self._find_leader()
            if self.leader in (None, after):
                return ""
            return self.run("systemctl", "is-system-running", check=False).stdout.strip()

        state = until(state, lambda value: value in ("running", "degraded"))
        assert state == "running", self.run("systemctl", "list-units", "--failed").stdout

    def reboot(self):
        before = self.leader
        self.run("systemctl", "reboot", check=False)
        self.wait_booted(after=before)

    def path(self, name):
        """A file of the container's, as seen from here."""
        return pathlib.Path(f"/proc/{self.leader}/root", name.lstrip("/"))

    def _enter(self, *arguments, user=None):
        become = []
        if user:
            become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--wdns=/root"]
        return ["nsenter", "--target", str(self.leader), *spaces, "--", *become, *arguments]

    def run(self, *arguments, user=None, check=True, **options):
        """Runs a command in there, as root or as a user."""
        done = subprocess.run(
            self._enter(*map(str, arguments), user=user),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            **{"stdin": None if "input" in options else subprocess.DEVNULL, **options},
        )
        assert not check or done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    @contextlib.contextmanager
    def terminal(self, *arguments, user):
        """A program on a terminal of its own. Gives a Terminal."""
        pid, fd = pty.fork()
        if pid == 0:
            command = self._enter(*map(str, arguments), user=user)
            os.execvpe(command[0], command, {"PATH": "/usr/sbin:/usr/bin", "TERM": "dumb"})
        try:
            yield Terminal(fd)
        finally:
            os.close(fd)  # hangs up
            os.waitpid(pid, 0)

    def property(self, unit, name):
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    @contextlib.contextmanager
    def connect(self, path, user, token=None):
        """A connection of a process in there, which lives as long, or until `leave()`. The
        connection's `pid` is its.
        """
        ours, theirs = socket.socketpair()
        with ours, subprocess.Popen(
            self._enter("python3", "-c", CONNECTOR, path, user=user),
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            theirs.close()
            pid, descriptors, _, _ = socket.recv_fds(ours, 16, 1)
            if not descriptors:
                raise ConnectionError(process.stderr.read().strip().splitlines()[-1])
            os.set_inheritable(descriptors[0], False)  # no terminal() is to keep it open
            try:
                with Connection(socket.socket(fileno=descriptors[0]), token) as connection:
                    connection.pid = int(pid)
                    connection.leave = lambda: (ours.close(), process.wait())
                    yield connection
            finally:
                ours.close()

    @contextlib.contextmanager
    def successor(self, pid, uid):
        """A process that has that pid, which nobody has any more."""
        with subprocess.Popen(
            self._enter("python3", "-c", SUCCESSOR, str(pid), str(uid)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout.readline() == f"{pid}\n"
            name = self.path(f"/proc/{pid}/cmdline")
            until(lambda: name.read_text("ascii"), lambda text: text.startswith("successor"))
            yield

    def in_network(self, function):
        """Calls it in the container's network, where the sockets and threads that it makes stay."""

        def enter_and_call():
            with open(f"/proc/{self.leader}/ns/net", "rb") as space:
                if _libc.setns(space.fileno(), CLONE_NEWNET) < 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return function()

        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(enter_and_call).result()
