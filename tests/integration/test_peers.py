# SPDX-License-Identifier: MIT
"""Who comes, and how many: uids that say little, and more peers than there are descriptors for."""

import contextlib
import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import time
import unittest

import jws
from engine import BUILD, TIMEOUT, Stack, email, memory_kib, until
from oauth import Provider
from upstream import Upstream


def limit_to(n):
    """What starts a program with so many descriptors. Root may have more than it was given itself."""
    return "prlimit", f"--nofile={n}:{n}"


# Each takes two descriptors of the engine, which needs some for itself.
CROWD = """
[Engine]
MaxConnections=12000
MaxInFlight=64
[Http]
MaxConnectionsPerHost=16
"""
N_DESCRIPTORS = 2 * 10_000 + 200
if subprocess.run([*limit_to(N_DESCRIPTORS), "true"], capture_output=True, check=False).returncode:
    N_DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
N_CROWD = (N_DESCRIPTORS - 200) // 2
# A connection that nothing is asked on: what it is itself, its frame, and its place in the lists.
IDLE_BYTES = 2048

# Becomes somebody, connects so many times, says so, and stays until it is told to go.
IDLER = """
import os, resource, socket, sys
uid, path, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
sockets = [socket.socket(socket.AF_UNIX) for _ in range(n)]
for s in sockets:
    s.connect(path)
print("here", flush=True)
sys.stdin.read()
"""

NOBODY, OTHER, LARGE_UID = 65534, 4711, 3_000_000_000
# Of a build whose allocator keeps what was freed, little can be said about memory.
SANITIZED = b"__asan_init" in (BUILD / "src/engine/action-engined").read_bytes()
TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")

upstream = provider = stack = None


def setUpModule():
    global upstream, provider, stack
    upstream = unittest.enterModuleContext(Upstream())
    provider = unittest.enterModuleContext(Provider(rotate=True))
    stack = unittest.enterModuleContext(Stack(google=upstream.url, plain=[provider.address]))


def cpu_ticks(pid):
    """What it has used so far, as user and as system."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def burn(ticks):
    """Uses up so much processor time, so that who else wants some has had as much meanwhile."""
    end = time.process_time() + ticks / TICKS_PER_SEC
    while time.process_time() < end:
        pass


def assert_rests(case, pid):
    """It does not try all the time. A daemon that did would use as much as we do."""
    before = cpu_ticks(pid)
    burn(TICKS_PER_SEC)
    case.assertLess(cpu_ticks(pid) - before, TICKS_PER_SEC / 4)


@unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
class Uids(unittest.TestCase):
    def token(self, uid):
        return jws.token(stack.key(f"of-{uid}"), sub="u1", cnf={"uid": uid})

    def test_a_uid_beyond_31_bits_is_a_uid(self):
        """Its own token is good, and no other's, its neighbours' in any count included."""
        with stack.connect_as(LARGE_UID) as c:
            for uid in 0, os.getuid(), LARGE_UID - 1, LARGE_UID & 0x7FFFFFFF, 4294967294:
                self.assertEqual(c.code(email(token=self.token(uid))), "token_invalid", uid)
            self.assertEqual(c.code(email()), "unauthenticated")
            token = self.token(LARGE_UID)
            peer = c.result({"op": "authenticate", "token": token})["peer"]
            self.assertEqual((peer["uid"], peer["gid"]), (LARGE_UID, LARGE_UID))
            response = c.call(email("large@example.com"))
            self.assertEqual(response["status"], "success", response)
        self.assertEqual(stack.audit(response["request_id"])["ACTION_PEER_UID"], str(LARGE_UID))
        self.assertEqual(len(upstream.to("large@example.com")), 1)
        with stack.connect() as root:
            self.assertEqual(root.code(email(token=token)), "token_invalid")

    def test_nobody_is_not_served(self):
        """Without polkit as well, with whatever token."""
        for _ in range(15):
            with stack.connect_as(NOBODY) as c:
                response = c.read()
                self.assertEqual(response["error"]["code"], "forbidden", response)
                self.assertIsNone(c.read())
        with stack.connect() as c:
            stack.audit(c.call(email("after-nobody@example.com"))["request_id"])
        told = [line for line in stack.log("engine").splitlines() if f"uid {NOBODY}" in line]
        self.assertEqual(len(told), 10)  # the journal is not to be flooded

    def test_root_needs_a_token(self):
        with stack.connect("") as c:
            self.assertEqual(c.code(email()), "unauthenticated")
            self.assertEqual(c.code(email(token=self.token(LARGE_UID))), "token_invalid")


class Descriptors(unittest.TestCase):
    """A daemon that has none left, and more who want in."""

    def starve(self, part, of=None):
        """Not one more may be opened, until `feed()`."""
        pid = (of or stack).pid(part)
        fds = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        free = next(n for n in range(1 << 20) if n not in fds)
        _, hard = before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, hard))

        def feed():
            with contextlib.suppress(ProcessLookupError):  # a stack of the test's own is gone
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

        self.addCleanup(feed)
        return pid, feed

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
    def test_clients_leave_some_for_their_actions(self):
        """Where the limit is too low for MaxConnections=, fewer come in, and what they ask goes out."""
        with Stack(google=upstream.url, launcher=limit_to(300)) as small, \
                contextlib.ExitStack() as undo:
            served = undo.enter_context(small.connect())
            until(lambda: small.log("engine"), lambda log: "At most 75 connections" in log)
            for _ in range(75 - 75 // 8 - 1):  # one uid's share
                undo.enter_context(small.connect("")).result({"op": "ping"})
            self.assertEqual(undo.enter_context(small.connect("")).read()["error"]["code"],
                             "overloaded")
            for _ in range(20):
                undo.enter_context(small.connect_as(OTHER)).send({"op": "ping"})
            served.result(email("small@example.com"))
            self.assertEqual(served.result({"op": "health"})["connections"], 75)

    def test_the_engine(self):
        with stack.connect() as served:
            served.result({"op": "health"})
            pid, feed = self.starve("engine")
            waiting = [self.enterContext(stack.connect("")) for _ in range(20)]
            for c in waiting:
                c.send({"op": "ping", "id": 1})
            assert_rests(self, pid)
            for _ in range(200):
                served.result({"op": "ping"})
            feed()
            for c in waiting:
                self.assertEqual(c.read()["status"], "success")
        self.assertEqual(stack.pid("engine"), pid)

    def test_nothing_goes_out(self):
        """And each says that it may be tried again; then it can."""
        with Stack(google=upstream.url) as own, own.connect() as c:  # which knows no platform yet
            c.result({"op": "auth_status"})  # so that the vault's connection is there
            _, feed = self.starve("engine", own)
            error = c.error(email("starved@example.com"))
            self.assertEqual((error["code"], error["retryable"]), ("upstream_unreachable", True))
            feed()
            c.result(email("fed@example.com"))
        self.assertEqual(upstream.to("starved@example.com"), [])

    def test_the_vault_cannot_be_reached(self):
        with stack.connect() as c:
            stack.kill("vault")
            self.assertEqual(c.code({"op": "auth_status"}), "vault_unavailable")
            stack.start("vault")
            _, feed = self.starve("engine")
            error = c.error(email("unvaulted@example.com"))
            self.assertEqual((error["code"], error["retryable"]), ("vault_unavailable", True))
            feed()
            c.result(email("vaulted@example.com"))
        self.assertEqual(upstream.to("unvaulted@example.com"), [])

    def test_the_vault(self):
        """Whom it serves it goes on to serve; what it cannot ask for, it says so."""
        with stack.connect() as served:
            served.result(email("before@example.com"))
            pid, feed = self.starve("vault")
            waiting = [self.enterContext(socket.socket(socket.AF_UNIX)) for _ in range(10)]
            for vault in waiting:
                vault.settimeout(TIMEOUT)
                vault.connect(stack.env["ACTION_VAULT_SOCKET"])
                vault.sendall(b'{"id":1,"op":"status"}\n')
            assert_rests(self, pid)
            served.result(email("during@example.com"))
            feed()
            for vault in waiting:
                answer = json.loads(vault.makefile("rb").readline())
                self.assertEqual(answer["status"], "success", answer)
        self.assertEqual(stack.pid("vault"), pid)


@contextlib.contextmanager
def idle(path, uid, n):
    """So many connections of that uid."""
    with subprocess.Popen([sys.executable, "-c", IDLER, str(uid), str(path), str(n)], cwd="/",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"here\n"
        yield


class Crowd(unittest.TestCase):
    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
    def test_ten_thousand_who_are_idle(self):
        """Or as many as there are descriptors for. They cost little, and others nothing."""
        with contextlib.ExitStack() as undo:
            launcher = limit_to(N_DESCRIPTORS)
            crowded = undo.enter_context(Stack(CROWD, upstream.url, launcher=launcher))
            pid = crowded.pid("engine")
            served = undo.enter_context(crowded.connect())
            served.result(email("alone@example.com"))
            crowded.open_to_all()
            before = memory_kib(pid)
            for i in range(4):
                undo.enter_context(idle(crowded.socket, OTHER + i, N_CROWD // 4))
            until(lambda: served.result({"op": "health"})["connections"],
                  lambda n: n >= N_CROWD // 4 * 4 + 1)

            if not SANITIZED:
                each = (memory_kib(pid) - before) * 1024 / N_CROWD
                self.assertLess(each, IDLE_BYTES)
            assert_rests(self, pid)
            for _ in range(200):
                served.result({"op": "ping"})
            served.result(email("crowded@example.com"))
            with crowded.connect() as late:
                late.result(email("late@example.com"))
        self.assertEqual(len(upstream.to("late@example.com")), 1)

    def test_slow_writers_beside_a_fast_one(self):
        """A byte at a time from each of them, and a request of the fast one after each byte."""
        line = b'{"op":"ping","id":"slow"}\n'
        slow = [self.enterContext(stack.connect("")) for _ in range(50)]
        with stack.connect("") as fast:
            for i in range(len(line)):
                for c in slow:
                    c.send_bytes(line[i:i + 1])
                fast.result({"op": "ping"})
        for c in slow:
            self.assertEqual(c.finish("slow")["status"], "success")


class Neighbours(unittest.TestCase):
    """What lies where the vault's socket should be, or action-grant's, is not believed."""

    def setUp(self):
        # Who connects to each part's socket, and how to make him.
        self.parts = {"vault": ("engine", self.ask_engine), "grant": ("vault", self.ask_vault)}

    def ask_engine(self):
        """Why the engine cannot reach the vault, or None."""
        with stack.connect() as c:
            response = c.call({"op": "auth_status"})
        if response["status"] == "success":
            return None
        self.assertEqual(response["error"]["code"], "vault_unavailable", response)
        return response["error"]["message"]

    def ask_vault(self):
        app = provider.app()
        self.assertEqual(stack.vault("set_provider", provider="x", app=app)["status"], "success")
        answer = stack.vault("test_provider", provider="x")["result"]
        return answer.get("reason") if answer["result"] == "unreachable" else None

    def forget_connection(self, part):
        """The engine keeps one with the vault."""
        if part == "vault":
            stack.kill("vault")
            until(self.ask_engine, bool)
            stack.start("vault")

    def assert_mistrusted(self, part, do, undo, words="others could replace it"):
        asker, ask = self.parts[part]
        self.forget_connection(part)
        n_told = stack.log(asker).count(words)
        do()
        try:
            for _ in range(3):
                self.assertIn(words, ask() or "")
        finally:
            undo()
        self.assertIsNone(ask())
        until(lambda: stack.log(asker).count(words) - n_told, lambda n: n == 1)  # once, not thrice

    @unittest.skipIf(os.geteuid() != 0, "only root can give a socket away")
    def test_a_socket_of_another_user(self):
        for part in self.parts:
            path = stack.dir / f"{part}.sock"
            with self.subTest(part):
                self.assert_mistrusted(part, lambda p=path: os.chown(p, OTHER, OTHER),
                                       lambda p=path: os.chown(p, 0, 0))

    def test_a_folder_that_others_may_write(self):
        for part in self.parts:
            for mode in 0o770, 0o707, 0o777:
                with self.subTest(part, mode=oct(mode)):
                    self.assert_mistrusted(part, lambda m=mode: stack.dir.chmod(m),
                                           lambda: stack.dir.chmod(0o711))

    def test_a_symbolic_link(self):
        for part in self.parts:
            path, kept = stack.dir / f"{part}.sock", stack.dir / "kept.sock"

            def lay(path=path, kept=kept):
                path.rename(kept)
                path.symlink_to(kept)

            with self.subTest(part):
                self.assert_mistrusted(part, lay, lambda p=path, k=kept: k.replace(p),
                                       "symbolic link")

    @unittest.skipIf(os.geteuid() != 0, "only root can give a socket away")
    def test_anothers_in_its_place(self):
        """It hears nothing, and nothing is heard from it."""
        for part in self.parts:
            path, kept = stack.dir / f"{part}.sock", stack.dir / "kept.sock"
            with self.subTest(part), socket.socket(socket.AF_UNIX) as false:

                def lay(path=path, kept=kept, false=false):
                    path.rename(kept)
                    false.bind(str(path))
                    os.chown(path, OTHER, OTHER)
                    false.listen()

                self.assert_mistrusted(part, lay, lambda p=path, k=kept: k.replace(p))
                false.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    false.accept()


if __name__ == "__main__":
    unittest.main()
