# SPDX-License-Identifier: MIT
"""The daemons' own walls: who may look into them, what is made of a vault's file that somebody
changed, and of text that would rather be a log."""

import codecs
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import traceback
import unittest

import jws
import oauth
import test_vault_grants
from canaries import Platform, only_root
from engine import BUILD, Stack, email, until, wait_gone
from test_vaultd import WHO, VaultTest

OTHER = 4711
PTRACE_ATTACH, PTRACE_DETACH = 16, 17

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

PROGRAMS = {
    "engine": "src/engine/action-engined",
    "vault": "src/vaultd/action-vaultd",
    "grant": "src/grant/action-grant",
}


def attach(pid):
    if libc.ptrace(PTRACE_ATTACH, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    libc.ptrace(PTRACE_DETACH, pid, None, None)


ATTACKS = {
    "ptrace": attach,
    "mem": lambda pid: open(f"/proc/{pid}/mem", "rb").close(),
    "environ": lambda pid: pathlib.Path(f"/proc/{pid}/environ").read_bytes(),
    "maps": lambda pid: pathlib.Path(f"/proc/{pid}/maps").read_bytes(),
    "fd": lambda pid: os.listdir(f"/proc/{pid}/fd"),
}


def attacked(pid):
    """The attacks that went through."""
    through = []
    for name, attack in ATTACKS.items():
        with contextlib.suppress(PermissionError):
            attack(pid)
            through.append(name)
    return through


class Peer:
    """Somebody without rights, and daemons of the same uid. What is told comes back as JSON."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        for name, path in PROGRAMS.items():
            shutil.copy(BUILD / path, self.folder / name)
        credentials = self.folder / "credentials"
        credentials.mkdir()
        (credentials / "vault-key").write_bytes(bytes(range(32)))
        for name in "keys.d", "state":
            (self.folder / name).mkdir()
        (self.folder / "engine.conf").write_text(
            f"[Tokens]\nKeyDirectory={self.folder}/keys.d\n"
            f"[Vault]\nSocket={self.folder}/vault.sock\n[Engine]\nLogTarget=stderr\n")
        (self.folder / "vault.conf").write_text(
            f"[Vault]\nAllowUser={OTHER}\nStateDirectory={self.folder}/state\n")
        (self.folder / "grant.conf").write_text(f"[Grant]\nAllowUser={OTHER}\n")
        for path in self.folder.rglob("*"):
            os.chown(path, OTHER, OTHER)
        os.chown(self.folder, OTHER, OTHER)

    def run(self, do):
        """What do() gives, done by somebody, who is the daemons' parent."""
        codecs.lookup("ascii")  # whose file somebody might not be able to read
        out, to = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(OTHER)
                os.setuid(OTHER)
                libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: setuid() took it
                told = json.dumps(do())
            except BaseException:  # pylint: disable=broad-exception-caught
                told = json.dumps(traceback.format_exc())
            os.write(to, told.encode())
            os._exit(0)
        os.close(to)
        with os.fdopen(out, "rb") as answer:
            told = json.loads(answer.read())
        os.waitpid(pid, 0)
        return told

    @contextlib.contextmanager
    def daemon(self, name):
        """Its pid, once it serves a connection."""
        path = self.folder / f"{name}.sock"
        process = subprocess.Popen(
            ["systemd-socket-activate", "-l", path, *["--accept"][:name == "grant"],
             f"-ECREDENTIALS_DIRECTORY={self.folder}/credentials",
             self.folder / name, "--config", self.folder / f"{name}.conf"],
            cwd=self.folder, preexec_fn=allow_cores,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(path.exists, bool)
            with socket.socket(socket.AF_UNIX) as peer:
                until(lambda: peer.connect_ex(str(path)), lambda error: error == 0)
                yield self.serving(name, process.pid, peer)
        finally:
            process.kill()
            process.wait()

    @staticmethod
    def serving(name, pid, peer):
        if name != "grant":
            peer.sendall(b'{"id":1,"op":"ping"}\n')
            peer.makefile("rb").readline()
            return pid
        # It says nothing before it was asked, and has shut itself away by then.
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        pid = int(until(lambda: children.read_text(encoding="ascii"), bool))
        with contextlib.suppress(TimeoutError):
            until(lambda: os.stat(f"/proc/{pid}/mem").st_uid, lambda uid: uid == 0)
        return pid

    def attack(self, name):
        with self.daemon(name) as pid:
            return {"through": attacked(pid), "core": core_limit(pid)}


    def crash(self, name, number):
        """How it ended, for its parent, and the files that it left."""
        before = {*os.listdir(self.folder), f"{name}.sock", "state-mark"}
        with self.daemon(name) as pid:
            how = crash(pid, number, is_child=name != "grant")
        return {"how": how, "left": sorted(set(os.listdir(self.folder)) - before)}


def allow_cores():
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def crash(pid, number, is_child=True):
    """What waitid(2) says of its end: CLD_KILLED, or CLD_DUMPED."""
    os.kill(pid, number)
    if not is_child:
        wait_gone(pid)
        return None
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_code


def core_limit(pid):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    return re.search(r"^Max core file size +(\S+) +(\S+)", limits, re.MULTILINE).groups()


@only_root
class SameUser(unittest.TestCase):
    """Who has the daemons' uid, and even is their parent, does not get at their memory."""

    def test_attacks(self):
        with tempfile.TemporaryDirectory(prefix="test-protection-") as folder:
            peer = Peer(folder)
            for name in PROGRAMS:
                with self.subTest(name):
                    told = peer.run(lambda: peer.attack(name))
                    self.assertEqual(told, {"through": [], "core": ["0", "0"]})

    def test_cores(self):
        """Each crashes where a core would be left; only a sanitizer has a word to say before."""
        with tempfile.TemporaryDirectory(prefix="test-protection-") as folder:
            peer = Peer(folder)
            for name in PROGRAMS:
                for number in signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT:
                    with self.subTest(name, number=number):
                        told = peer.run(lambda: peer.crash(name, number))
                        self.assertEqual(told["left"], [])
                        self.assertIn(told["how"], (None, os.CLD_KILLED, os.CLD_EXITED))

    def test_that_cores_are_left(self):
        """By a process that does not mind, where the kernel puts them beside it."""
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii")
        if pattern.startswith(("|", "/")) or resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
            return  # into others' hands
        with tempfile.TemporaryDirectory(prefix="test-protection-") as folder:
            process = subprocess.Popen(["sleep", "60"], cwd=folder, preexec_fn=allow_cores)
            self.assertEqual(crash(process.pid, signal.SIGSEGV), os.CLD_DUMPED)
            process.wait()
            self.assertEqual(len(os.listdir(folder)), 1)

    def test_that_the_attacks_are_some(self):
        """Each gets at a process that does not mind."""

        def control():
            process = subprocess.Popen(["sleep", "60"])
            try:
                until(lambda: pathlib.Path(f"/proc/{process.pid}/comm").read_text(),
                      lambda comm: comm == "sleep\n")
                return attacked(process.pid)
            finally:
                process.kill()
                process.wait()

        with tempfile.TemporaryDirectory(prefix="test-protection-") as folder:
            self.assertEqual(Peer(folder).run(control), list(ATTACKS))


class VaultFile(VaultTest):
    """The vault's file in the hands of somebody without its key."""

    OTHER = {"user_id": "u2", "platform": "gmail"}
    DAMAGED = "cannot be opened: wrong key or damaged; nothing was changed"

    def fill(self):
        self.running, self.vault = self.start()
        for who in WHO, self.OTHER, {**WHO, "account": "work"}, {**WHO, "platform": "notion"}:
            self.assertSuccess(self.vault.ask("store_token", **who,
                                              credential={"access_token": "at"}))
        self.database = self.running.state / "vault.db"

    def change(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.database)) as database, database:
            return list(database.execute(sql, values))

    def sealed(self, who=WHO):
        ((sealed,),) = self.change("SELECT sealed FROM record WHERE user_id = ? AND platform = ?"
                                   " AND account = ?", *self.key(who))
        return sealed

    @staticmethod
    def key(who):
        return who["user_id"], who["platform"], who.get("account", "default")

    def put(self, sealed):
        self.change("UPDATE record SET sealed = ? WHERE user_id = ? AND platform = ?"
                    " AND account = ?", sealed, *self.key(WHO))

    def assert_unreadable(self):
        """And left as it is; the others are served."""
        before = self.sealed()
        self.assertError(self.vault.ask("get_token", **WHO), "internal", self.DAMAGED)
        self.assertError(self.vault.ask("store_token", **WHO, credential={"access_token": "b"}),
                         "internal", self.DAMAGED)
        self.assertSuccess(self.vault.ask("get_token", **self.OTHER))
        self.assertEqual(self.sealed(), before)

    def assert_refused(self, words="was changed by something else than this vault", **options):
        """A vault that starts does not even serve the others."""
        self.running.stop()
        before = self.database.read_bytes()
        self.assertIn(words, self.refused(**options))
        self.assertEqual(self.database.read_bytes(), before)

    def test_one_bit(self):
        """In version, nonce, text or tag."""
        self.fill()
        good = self.sealed()
        for at in 0, 1, 24, 25, len(good) // 2, len(good) - 17, len(good) - 16, len(good) - 1:
            with self.subTest(at=at):
                bad = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:]
                self.put(bad)
                self.assert_unreadable()
        for cut in good[:-1], good[:40], good[:1], b"", good + b"\0":
            with self.subTest(size=len(cut)):
                self.put(cut)
                self.assert_unreadable()
        self.assert_refused()
        self.put(bad)
        self.assert_refused()
        self.put(good)
        _, vault = self.start()
        self.assertSuccess(vault.ask("get_token", **WHO))

    def test_anothers_record(self):
        self.fill()
        good = self.sealed()
        for other in self.OTHER, {**WHO, "account": "work"}, {**WHO, "platform": "notion"}:
            with self.subTest(**other):
                self.put(self.sealed(other))
                self.assert_unreadable()
                self.put(good)
        self.put(self.sealed(self.OTHER))
        self.assert_refused()

    def test_a_damaged_record_that_is_accepted(self):
        """Costs itself alone, as while the vault ran."""
        self.fill()
        self.put(b"x" * 100)
        self.assert_refused()
        (self.running.folder / "state-mark/accept-restored").touch()
        self.running, self.vault = self.start()
        self.assert_unreadable()
        self.assertSuccess(self.vault.ask("delete_token", **WHO))
        self.assertSuccess(self.vault.ask("store_token", **WHO, credential={"access_token": "b"}))
        self.running.stop()
        self.running, self.vault = self.start()
        self.assertSuccess(self.vault.ask("get_token", **WHO))

    def test_on_another_machine(self):
        """Where the key is another."""
        self.fill()
        self.running.stop()
        with tempfile.TemporaryDirectory(prefix="test-protection-") as folder:
            self.folder = folder
            os.chmod(folder, 0o755)
            (pathlib.Path(folder) / "state").mkdir(mode=0o700)
            self.database = shutil.copy(self.database, pathlib.Path(folder) / "state/vault.db")
            self.assert_refused("was sealed with another key", key=os.urandom(32))
            (pathlib.Path(folder) / "state-mark/accept-restored").touch()
            self.assert_refused("was sealed with another key", key=os.urandom(32))


class RolledBack(test_vault_grants.GrantsTest):
    """An older copy that an administrator restored: the provider knows better what is in it."""

    def test_a_rotated_token_is_not_used_on(self):
        daemon, vault = self.begin(rotate=True)
        grant = self.store(vault)
        first = self.token(vault)
        daemon.stop()
        database = daemon.state / "vault.db"
        older = database.read_bytes()
        daemon, vault = self.again()
        self.token(vault, rejected=hashlib.sha256(first.encode()).hexdigest())
        daemon.stop()

        database.write_bytes(older)
        (daemon.folder / "state-mark/accept-restored").touch()
        _, vault = self.again()
        rejected = hashlib.sha256(first.encode()).hexdigest()
        for _ in range(2):
            self.assertError(vault.ask("get_token", **test_vault_grants.WHO, rejected=rejected),
                             "reauthorization_required")
        self.assertFalse(grant.alive)


FORGED = "forged-by-a-client"
TEXTS = {
    "lines": f"a\n<0>{FORGED}\r\n_UID=0\nMESSAGE={FORGED}\n",
    "json": f'"}}\n{{"_UID":"0","MESSAGE":"{FORGED}"}}\n',
    "escapes": f"\x1b[2J\x1b]0;{FORGED}\x07\x9b31m\u202e\u2028",
    "nul": f"a\u0001b\u007f{FORGED}",
    "long": "x" * (1 << 20) + FORGED,
}


class Logs(unittest.TestCase):
    """What strangers wrote stays inside the values of the entries that it belongs to."""

    @classmethod
    def setUpClass(cls):
        cls.platform = cls.enterClassContext(Platform())
        cls.stack = cls.enterClassContext(Stack("", cls.platform.url))
        cls.key = cls.stack.key("logs")

    def setUp(self):
        self.platform.reset()
        self.c = self.enterContext(self.stack.connect())

    def check(self):
        """Each line is an entry, and no entry has a field that it should not have."""
        self.c.result({"op": "health"})
        for part in "engine", "vault", "grant":
            for line in self.stack.log(part).split("\n")[:-1]:  # what is whole by now
                if not re.match(r"(Listening on|Communication attempt|Execing|Connection from"
                                r"|Spawned|Child \d+ died|\+)", line):
                    entry = json.loads(line)
                    self.assertFalse(re.search(r"[\x00-\x1f\x7f-\x9f]", line))
                    for name, value in entry.items():
                        self.assertRegex(name, r"^([A-Z][A-Z0-9_]*|__REALTIME_TIMESTAMP)$")
                        self.assertLessEqual(len(value), 4096)
                    self.assertFalse(entry.get("MESSAGE", "").startswith(FORGED), entry)

    def test_each_field_of_a_request(self):
        for text in TEXTS.values():
            for field in ("user_id", "platform", "action_type", "account", "idempotency_key",
                          "traceparent", "op", "id", "deadline_ms", text[:100]):
                with self.subTest(field[:20], text=text[:10]):
                    request = {"id": 1, **email(), field: text}
                    with self.stack.connect() as c:
                        c.send(request)
                        c.end()
                        c.read_all()
            self.check()

    def test_tokens(self):
        for name, text in TEXTS.items():
            with self.subTest(name):
                for claims in {"sub": text[:120]}, {"sub": text}, {"jti": text[:200]}, {
                        "scope": text[:200]}, {"iss": text[:200]}, {"users": [text[:120]]}:
                    with self.stack.connect("") as c:
                        c.call({"op": "authenticate", "token": jws.token(self.key, **claims)})
                        c.call(email())
                self.check()

    def test_platforms(self):
        for name, text in TEXTS.items():
            for status in 400, 401, 403, 429, 503:
                with self.subTest(name, status=status):
                    error = {"code": status, "message": text, "status": text,
                             "errors": [{"reason": text, "message": text}]}
                    self.platform.script = lambda h: h.reply(status, {"error": error})
                    self.c.call(email())
            self.check()


if __name__ == "__main__":
    unittest.main()
