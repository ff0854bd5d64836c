#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""action-vaultd as it runs: socket-activated, with a key, over its socket.

AE_BUILD names the build folder (default: build). Needs systemd-socket-activate; what needs root
says so when it is skipped.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import threading
import unittest

from engine import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("AE_BUILD", "build")
VAULTD = BUILD / "src/vaultd/action-vaultd"
KEY = bytes(range(32))
TIMEOUT = 60
MAX_LINE = 128 << 10
NOBODY = 65534

needs_root = unittest.skipUnless(os.getuid() == 0, "SKIP: needs root")


class Connection:
    """A line out, a line in."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")
        self.last_id = 0

    def send(self, line):
        self.socket.sendall(line if isinstance(line, bytes) else line.encode() + b"\n")

    def receive(self):
        line = self.file.readline()
        return json.loads(line) if line else None

    def ask(self, op, **fields):
        self.last_id += 1
        self.send(json.dumps({"id": self.last_id, "op": op, **fields}))
        answer = self.receive()
        assert answer["id"] == self.last_id, answer
        return answer

    def close(self):
        self.file.close()
        self.socket.close()


class Daemon:
    """action-vaultd behind systemd-socket-activate, in a folder that outlives it."""

    def __init__(self, folder, key=KEY, config="", environment=None):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "vault.sock"
        self.state = self.folder / "state"
        self.config = self.folder / "vault.conf"
        self.config.write_text(config or f"[Vault]\nAllowUser={os.getuid()}\n")
        credentials = self.folder / "credentials"
        shutil.rmtree(credentials, ignore_errors=True)
        credentials.mkdir()
        if key is not None:
            (credentials / "vault-key").write_bytes(key)

        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(TIMEOUT)
        (self.folder / "notify").unlink(missing_ok=True)
        self.notify.bind(str(self.folder / "notify"))

        passed = {
            "CREDENTIALS_DIRECTORY": credentials,
            "NOTIFY_SOCKET": self.folder / "notify",
            "STATE_DIRECTORY": f"{self.state}:/nonexistent",
            **(environment or {}),
        }
        passed.update((n, v) for n, v in os.environ.items() if n.endswith("SAN_OPTIONS"))
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["systemd-socket-activate", "-l", self.path]
            + [f"-E{name}={value}" for name, value in passed.items()]
            + [VAULTD, "--config", self.config],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.stderr = b""
        while b"Listening on" not in self.stderr:
            line = self.process.stderr.readline()
            assert line, self.stderr
            self.stderr += line
        self.reader = threading.Thread(target=self.read_stderr)
        self.reader.start()
        os.chmod(self.path, 0o777)

    def read_stderr(self):
        for line in self.process.stderr:
            self.stderr += line

    def connect(self):
        return Connection(self.path)

    def said(self, words):
        """Waits until it has said that."""
        until(lambda: self.stderr.decode(), lambda text: words in text)

    def notified(self, pattern):
        """The first notification that matches; those before it are let go."""
        while True:
            text = self.notify.recv(4096).decode()
            if re.search(pattern, text):
                return text

    def wait(self):
        status = self.process.wait(TIMEOUT)
        self.reader.join()
        return status

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def holds(self, *words):
        """Those of them that stand in its memory."""
        found, proc = set(), pathlib.Path(f"/proc/{self.process.pid}")
        with open(proc / "mem", "rb", buffering=0) as memory:
            for line in (proc / "maps").read_text().splitlines():
                area = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
                if not area:
                    continue
                start, end = (int(n, 16) for n in area.groups())
                with contextlib.suppress(OSError, ValueError, OverflowError):
                    memory.seek(start)
                    data = memory.read(end - start)
                    found |= {word for word in words if word in data}
        return found

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self.process.stderr.close()
        self.notify.close()


class VaultTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="test-vaultd-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder)

    def daemon(self, **options):
        daemon = Daemon(self.folder, **options)
        self.addCleanup(daemon.close)
        return daemon

    def connect(self, daemon):
        connection = daemon.connect()
        self.addCleanup(connection.close)
        return connection

    def start(self, **options):
        daemon = self.daemon(**options)
        return daemon, self.connect(daemon)

    def refused(self, **options):
        """Starts it, in vain. Gives what it says."""
        daemon = self.daemon(**options)
        connection = self.connect(daemon)
        self.assertEqual(daemon.wait(), 1)
        self.assertIsNone(self.receive_or_none(connection))
        return daemon.stderr.decode()

    def receive_or_none(self, connection):
        try:
            return connection.receive()
        except ConnectionResetError:
            return None

    def assertSuccess(self, answer):
        self.assertEqual(answer["status"], "success", answer)
        return answer["result"]

    def assertError(self, answer, code, words=""):
        self.assertEqual(answer["status"], "error", answer)
        self.assertEqual(answer["error"]["code"], code, answer)
        self.assertIn(words, answer["error"]["message"])


WHO = {"user_id": "u1", "platform": "gmail"}
OTHER = {"user_id": "u2", "platform": "gmail"}


class Operations(VaultTest):
    def test_round_trip(self):
        _, vault = self.start()
        self.assertError(vault.ask("get_token", **WHO), "not_connected")
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "access_token": "at", "refresh_token": "rt", "expires_at": "2999-01-01T00:00:00Z",
            "scopes": ["a", "b"]}))
        self.assertEqual(self.assertSuccess(vault.ask("get_token", **WHO)), {
            **WHO, "account": "default", "access_token": "at", "token_type": "Bearer",
            "expires_at": "2999-01-01T00:00:00Z", "scopes": ["a", "b"]})
        self.assertError(
            vault.ask("get_token", **WHO, rejected=hashlib.sha256(b"at").hexdigest()),
            "reauthorization_required")
        self.assertEqual(self.assertSuccess(vault.ask("status", user_id="u1")), {
            "state": "ok", "records": 1, "connected_platforms": [
                {"platform": "gmail", "account": "default", "status": "active"}]})
        self.assertSuccess(vault.ask("delete_token", **WHO))
        self.assertError(vault.ask("delete_token", **WHO), "not_connected")

    def test_a_bad_line_costs_only_itself(self):
        _, vault = self.start()
        vault.send(b"{\n\n[]\n{\"id\":1,\"op\":\"x\"}\n" + b" " * (MAX_LINE + 1) + b"\n")
        answer = vault.receive()
        self.assertError(answer, "invalid_json")
        self.assertEqual(answer["line"], 1)
        answer = vault.receive()
        self.assertError(answer, "invalid_request")
        self.assertEqual(answer["line"], 3)
        self.assertError(vault.receive(), "unknown_op")
        answer = vault.receive()
        self.assertError(answer, "message_too_large")
        self.assertEqual(answer["line"], 5)
        self.assertSuccess(vault.ask("status"))

        line = json.dumps({"id": 1, "op": "status"})
        vault.send(line + " " * (MAX_LINE - len(line)))
        self.assertSuccess(vault.receive())

    def test_pipelined_and_half_closed(self):
        _, vault = self.start()
        for n in range(500):
            vault.send(json.dumps({"id": n, "op": "status"}))
        vault.socket.shutdown(socket.SHUT_WR)
        for n in range(500):
            self.assertEqual(vault.receive()["id"], n)
        self.assertIsNone(vault.receive())

    def test_connections_have_a_limit(self):
        daemon, first = self.start(
            config=f"[Vault]\nAllowUser={os.getuid()}\nMaxConnections=2\n")
        second, third = self.connect(daemon), self.connect(daemon)
        self.assertSuccess(first.ask("status"))
        self.assertSuccess(second.ask("status"))
        third.send('{"id":1,"op":"status"}')
        third.socket.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            third.socket.recv(1, socket.MSG_PEEK)
        third.socket.settimeout(TIMEOUT)
        second.close()
        self.assertSuccess(third.receive())


class Peers(VaultTest):
    def assertRefused(self, line):
        self.assertError(json.loads(line), "forbidden", "AllowUser=")
        self.assertNotIn("id", json.loads(line))

    def test_only_the_configured_uid_is_served(self):
        other = os.getuid() + 1
        daemon, vault = self.start(config=f"[Vault]\nAllowUser={other}\nAdminUser={other}\n")
        self.assertRefused(vault.file.readline())
        self.assertEqual(vault.file.readline(), b"")
        again = self.connect(daemon)
        self.assertRefused(again.file.readline())

    def hear_as(self, daemon, uid, line=b""):
        """What somebody with that uid is told, who asks nothing but that."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
                other = Connection(daemon.path)
                if line:
                    other.send(line)
                    other.socket.shutdown(socket.SHUT_WR)
                os.write(writer, other.file.read())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            told = answer.read()
        os.waitpid(child, 0)
        return told

    @needs_root
    def test_a_peer_of_another_uid(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("status"))
        self.assertRefused(self.hear_as(daemon, 4711))
        self.assertSuccess(vault.ask("status"))

    @needs_root
    def test_a_uid_that_may_be_anybodys(self):
        """All peers look like that in a user namespace, so that it is served to nobody."""
        daemon, _ = self.start(config=f"[Vault]\nAllowUser={NOBODY}\nAdminUser={NOBODY}\n")
        answer = json.loads(self.hear_as(daemon, NOBODY))
        self.assertError(answer, "forbidden", "anybody's")

    @needs_root
    def test_a_uid_beyond_31_bits(self):
        daemon, _ = self.start(config="[Vault]\nAllowUser=3000000000\n")
        self.assertRefused(self.hear_as(daemon, 3000000001))
        answer = self.hear_as(daemon, 3000000000, b'{"id":1,"op":"status"}\n')
        self.assertSuccess(json.loads(answer))


class Life(VaultTest):
    def test_restart_keeps_records(self):
        daemon, vault = self.start()
        for n in range(20):
            self.assertSuccess(vault.ask("store_token", user_id=f"u{n}", platform="gmail",
                                         credential={"access_token": f"at{n}"}))
        daemon.notified("STATUS=Keeping 20 records, serving 1 connections")
        self.assertEqual(daemon.stop(), 0)
        daemon.notified("STOPPING=1")
        self.assertIsNone(vault.receive())

        daemon, vault = self.start()
        daemon.notified("^READY=1\nSTATUS=Keeping 20 records")
        for n in range(20):
            answer = vault.ask("get_token", user_id=f"u{n}", platform="gmail")
            self.assertEqual(self.assertSuccess(answer)["access_token"], f"at{n}")

    def test_what_was_answered_is_stored(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("status"))
        vault.send("\n".join(json.dumps({
            "id": n, "op": "store_token", "user_id": f"u{n}", "platform": "gmail",
            "credential": {"access_token": "at"}}) for n in range(300)))
        self.assertEqual(vault.receive()["id"], 0)
        self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)
        answered = [0]
        while answer := self.receive_or_none(vault):
            self.assertSuccess(answer)
            answered.append(answer["id"])

        _, vault = self.start()
        for n in answered:
            self.assertSuccess(vault.ask("get_token", user_id=f"u{n}", platform="gmail"))

    def test_stop_writes_what_is_owed(self):
        daemon, vault = self.start()
        vault.send("\n".join(json.dumps({"id": n, "op": "status"}) for n in range(200)))
        self.assertEqual(vault.receive()["id"], 0)
        self.assertEqual(daemon.stop(), 0)
        expected = 1
        while answer := self.receive_or_none(vault):
            self.assertEqual(answer["id"], expected)
            expected += 1

    def test_stop_does_not_wait_for_who_never_reads(self):
        daemon, vault = self.start()
        vault.socket.settimeout(0.5) # for so long nothing was taken: it waits to be read
        with self.assertRaises(TimeoutError):
            while True:
                vault.socket.sendall(b'{"id":1,"op":"status"}\n' * 1000)
        other = self.connect(daemon)
        self.assertSuccess(other.ask("status"))
        self.assertEqual(daemon.stop(), 0)

    def test_signals(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("status"))
        self.assertEqual(daemon.stop(signal.SIGINT), 0)

    def test_a_reload_tells_what_the_next_start_would_meet(self):
        daemon, vault = self.start()
        good = daemon.config.read_text()
        for text, told in (
            (good + "MaxConnection=3\n", f"next start would fail: {daemon.config}:3: there is no"),
            (good + "AdminUser=nobody-of-that-name\n", "next start would fail: AdminUser=nobody-of"),
            (good + "MaxConnections=1\n", "The configuration is good"),
        ):
            self.assertSuccess(vault.ask("status"))
            daemon.config.write_text(text)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.said(told)
            self.assertSuccess(self.connect(daemon).ask("status"))

    def test_the_loop_feeds_the_watchdog(self):
        daemon, _ = self.start(environment={"WATCHDOG_USEC": "100000"})
        for _ in range(3):
            daemon.notified("^WATCHDOG=1$")


class Starting(VaultTest):
    def run_program(self, *arguments, environment=None):
        return subprocess.run([VAULTD, *arguments], capture_output=True, text=True,
                              timeout=TIMEOUT, env={**os.environ, **(environment or {})})

    def test_keys(self):
        for bad in (b"", KEY[:31], KEY + b"x", b"0" * 63, b"g" * 64, b"0" * 1000):
            with self.subTest(key=bad):
                said = self.refused(key=bad)
                self.assertIn("is not 32 bytes, nor 64 hex digits", said)
                self.assertIn("systemd-creds", said)
        said = self.refused(key=None)
        self.assertIn("there is no key", said)
        self.assertIn("systemd-creds", said)
        self.assertFalse((pathlib.Path(self.folder) / "state/vault.db").exists())

    def test_a_key_in_hex_is_the_same_key(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "at"}))
        daemon.stop()
        _, vault = self.start(key=KEY.hex().encode() + b"\n")
        self.assertSuccess(vault.ask("get_token", **WHO))

    def test_another_key_changes_nothing(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "at"}))
        daemon.stop()

        store = daemon.state / "vault.db"
        before = store.read_bytes()
        self.assertIn("was sealed with another key; it was left as it is",
                      self.refused(key=bytes(32)))
        self.assertEqual(store.read_bytes(), before)

        _, vault = self.start()
        self.assertEqual(self.assertSuccess(vault.ask("get_token", **WHO))["access_token"], "at")

    def test_without_a_socket(self):
        config = pathlib.Path(self.folder) / "vault.conf"
        config.write_text("[Vault]\nAllowUser=0\n")
        done = self.run_program("--config", config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("systemctl start action-vault.socket", done.stderr)

    def test_check_config(self):
        config = pathlib.Path(self.folder) / "vault.conf"
        cases = {
            "[Vault]\nAllowUser=0\nMaxConnections=3\nStateDirectory=/tmp\n": "",
            "[Vault]\nAllowUser=root\n": "",
            "[Vault]\nAllowUser=0\nAdminUser=1\nGrantSocket=/grant.sock\n": "",
            "[Vault]\nAllowUser=0\nAdminUser=no-such-user\n": "AdminUser=no-such-user: there is",
            "[Vault]\nAllowUser=0\nGrantSocket=grant.sock\n": "vault.conf:3",
            "[Vault]\nAllowUser=4294967294\n": "",
            "[Vault]\nAllowUser=4294967295\n": "AllowUser=4294967295: there is no such user",
            "[Vault]\nAllowUser=99999999999999999999\n": "there is no such user",
            "[Vault]\nAllowUser=no-such-user\n": "AllowUser=no-such-user: there is no such user",
            "[Vault]\nAllowUser=-1\n": "there is no such user",
            "[Vault]\nAllowUser=0x0\n": "there is no such user",
            "[Vault]\nAllowUser=\n": "AllowUser",
            "[Vault]\nAllowUser=0\nMaxConnections=0\n": "vault.conf:3",
            "[Vault]\nAllowUser=0\nMarkDirectory=/mark\n": "",
            "[Vault]\nAllowUser=0\nMarkDirectory=mark\n": "vault.conf:3",
            "[Vault]\nAllowUser=0\nStateDirectory=state\n": "vault.conf:3",
            "[Vault]\nAllowUsers=0\n": "vault.conf:2",
            "[Engine]\nAllowUser=0\n": "vault.conf:1",
        }
        for text, complaint in cases.items():
            with self.subTest(config=text):
                config.write_text(text)
                done = self.run_program("--check-config", "--config", config)
                self.assertEqual(done.returncode, 1 if complaint else 0, done.stderr)
                self.assertIn(complaint, done.stderr)
        config.unlink()
        self.assertEqual(self.run_program("--check-config", "--config", config).returncode, 1)

    def test_arguments(self):
        self.assertRegex(self.run_program("--version").stdout, r"^action-vaultd \d+\.\d+")
        done = self.run_program("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--config", "--check-config", "--version", "--help"):
            self.assertIn(option, done.stdout)
        self.assertEqual(self.run_program("--no-such-option").returncode, 1)
        self.assertEqual(self.run_program("something").returncode, 1)

    def test_a_damaged_store_is_kept(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "at"}))
        daemon.stop()
        store = daemon.state / "vault.db"
        good = store.read_bytes()

        store.write_bytes(os.urandom(64) + good[64:])
        bad = store.read_bytes()
        self.assertIn("is damaged; it was left as it is", self.refused())
        self.assertEqual(store.read_bytes(), bad)

        store.write_bytes(good)
        with sqlite3.connect(store) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        self.assertIn("newer version", self.refused())

        store.write_bytes(good)
        _, vault = self.start()
        self.assertSuccess(vault.ask("get_token", **WHO))


class Mark(VaultTest):
    """I5: an older copy of the store is not taken for it."""

    def fill(self):
        """Gives the store's file as it was before a token was replaced and one deleted."""
        daemon, vault = self.start()
        self.store, self.mark = daemon.state / "vault.db", daemon.folder / "state-mark/mark"
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "old"}))
        self.assertSuccess(vault.ask("store_token", **OTHER, credential={"access_token": "at"}))
        daemon.stop()
        older = self.store.read_bytes()
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "new"}))
        self.assertSuccess(vault.ask("delete_token", **OTHER))
        self.assertEqual(daemon.stop(), 0)
        return older

    def test_rolled_back(self):
        older = self.fill()
        newer = self.store.read_bytes()
        self.store.write_bytes(older)
        said = self.refused()
        self.assertIn("is older than its mark", said)
        self.assertEqual(self.store.read_bytes(), older)
        (command,) = re.findall("'(touch [^']*)'", said)

        # Who means it does as he was told, and it is good for one time.
        subprocess.run(command.split(), check=True)
        daemon, vault = self.start()
        self.assertEqual(self.assertSuccess(vault.ask("get_token", **WHO))["access_token"], "old")
        self.assertSuccess(vault.ask("get_token", **OTHER))
        self.assertEqual(daemon.stop(), 0)
        self.assertIn(b"is older than its mark, and is used all the same", daemon.stderr)
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("get_token", **OTHER))
        self.assertEqual(daemon.stop(), 0)
        for copy in older, newer:
            self.store.write_bytes(copy)
            self.assertIn("is another one than its mark was made for", self.refused())

    def test_one_row_put_back(self):
        older = self.fill()
        (self.store.parent / "older").write_bytes(older)
        with sqlite3.connect(self.store) as database:
            database.execute("ATTACH ? AS older", (str(self.store.parent / "older"),))
            database.execute("INSERT INTO record SELECT * FROM older.record WHERE user_id = 'u2'")
        database.close()
        self.assertIn("was changed by something else than this vault", self.refused())

    def test_gone(self):
        self.fill()
        store, mark = self.store.read_bytes(), self.mark.read_bytes()
        self.store.unlink()
        self.assertIn("is older than its mark", self.refused())
        self.store.write_bytes(store)
        self.mark.unlink()
        self.assertIn("has lost its mark", self.refused())
        self.mark.write_bytes(mark)
        self.assertEqual(stat.S_IMODE(self.mark.parent.stat().st_mode), 0o700)
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("get_token", **WHO))

    def test_a_kill_is_no_rollback(self):
        """Whenever it comes. And what was answered before it is beyond a rollback."""
        for n in range(10):
            daemon, vault = self.start()
            vault.send("\n".join(json.dumps({
                "id": i, "op": "store_token", **WHO,
                "credential": {"access_token": f"{n}-{i}"}}) for i in range(100)))
            for i in range(5 * n + 1):
                self.assertSuccess(vault.receive())
            daemon.stop(signal.SIGKILL)
        _, vault = self.start()
        token = self.assertSuccess(vault.ask("get_token", **WHO))["access_token"]
        self.assertGreaterEqual([int(part) for part in token.split("-")], [9, 45])


@needs_root
class Disk(VaultTest):
    """H3: a disk that takes nothing leads to no yes, and to none of the vault's being lost."""

    def setUp(self):
        super().setUp()
        state = pathlib.Path(self.folder) / "state"
        state.mkdir(mode=0o700)
        self.mount("-t", "tmpfs", "-o", "size=1m,mode=700", "none", state)
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=True)

    def mount(self, *arguments):
        if subprocess.run(["mount", *arguments], capture_output=True).returncode:
            self.skipTest("SKIP: cannot mount")

    def fill(self, daemon):
        ballast = daemon.state / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        return ballast

    def test_full(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "old"}))
        ballast = self.fill(daemon)
        # The log may have room left that it had before.
        accepted = "old"
        for n in range(100):
            answer = vault.ask("store_token", **WHO, credential={"access_token": f"t{n}" * 1000})
            if answer["status"] == "error":
                break
            accepted = f"t{n}" * 1000
        self.assertError(answer, "store_unavailable")
        self.assertTrue(answer["error"]["retryable"])
        self.assertEqual(self.assertSuccess(vault.ask("get_token", **WHO))["access_token"], accepted)
        ballast.unlink()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "new"}))
        daemon.stop(signal.SIGKILL)
        _, vault = self.start()
        self.assertEqual(self.assertSuccess(vault.ask("get_token", **WHO))["access_token"], "new")

    def test_read_only(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "at"}))
        daemon.stop()
        self.mount("-o", "remount,ro", daemon.state)
        self.assertIn("Read-only file system", self.refused())
        self.mount("-o", "remount,rw", daemon.state)
        _, vault = self.start()
        self.assertSuccess(vault.ask("get_token", **WHO))


class Two(VaultTest):
    """H4: a store has one vault, and who comes second is told."""

    def second(self):
        """Another folder, with its own socket and the first one's store."""
        folder = tempfile.mkdtemp(prefix="test-vaultd-")
        self.addCleanup(shutil.rmtree, folder)
        daemon = Daemon(folder, config=f"[Vault]\nAllowUser={os.getuid()}\n"
                                       f"StateDirectory={self.folder}/state\n")
        self.addCleanup(daemon.close)
        return daemon, self.connect(daemon)

    def assertSent(self, daemon, vault):
        self.assertEqual(daemon.wait(), 1)
        self.assertIsNone(self.receive_or_none(vault))
        self.assertIn(b"is served by another action-vaultd; there can only be one", daemon.stderr)

    def test_a_second_one(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "at"}))
        self.assertSent(*self.second())
        self.assertSuccess(vault.ask("get_token", **WHO))
        daemon.stop(signal.SIGKILL)
        _, other = self.second()
        self.assertSuccess(other.ask("get_token", **WHO))

    def test_one_that_stands_still(self):
        """It may come back amid what it did, and so keeps everybody else out until it is gone."""
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("status"))
        daemon.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
        vault.send(json.dumps({"id": 1, "op": "store_token", **WHO,
                               "credential": {"access_token": "late"}}))
        self.assertSent(*self.second())
        daemon.process.send_signal(signal.SIGCONT)
        self.assertSuccess(vault.receive())
        self.assertEqual(daemon.stop(), 0)
        _, other = self.second()
        self.assertEqual(self.assertSuccess(other.ask("get_token", **WHO))["access_token"], "late")


class Secrets(VaultTest):
    # Long, and the same all over: a freed block keeps its end, and any part of it shows.
    ACCESS, REFRESH = "canary-access." * 100, "canary-refresh." * 100

    def store_canaries(self, vault):
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "access_token": self.ACCESS, "refresh_token": self.REFRESH}))
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "access_token": self.ACCESS, "refresh_token": self.REFRESH}))
        answer = vault.ask("get_token", **WHO)
        self.assertEqual(self.assertSuccess(answer)["access_token"], self.ACCESS)
        self.assertNotIn(self.REFRESH, json.dumps(answer))
        self.assertSuccess(vault.ask("status", user_id="u1"))

    def test_no_canary_at_rest_or_in_logs(self):
        daemon, vault = self.start()
        self.store_canaries(vault)
        self.assertError(vault.ask("store_token", **WHO, credential={
            "access_token": self.ACCESS + "\n", "refresh_token": self.REFRESH}), "invalid_request")
        files = list(daemon.state.iterdir())
        self.assertGreaterEqual(len(files), 3)
        for path in files:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertNotIn(b"canary", path.read_bytes())
        self.assertEqual(stat.S_IMODE(daemon.state.stat().st_mode), 0o700)
        daemon.stop()
        self.assertNotIn(b"canary", daemon.stderr)
        self.assertNotIn(b"canary", (daemon.state / "vault.db").read_bytes())

    @needs_root
    def test_no_canary_in_memory(self):
        daemon, vault = self.start()
        self.store_canaries(vault)
        maps = pathlib.Path(f"/proc/{daemon.process.pid}/maps").read_text()
        if "libasan" in maps or "sanitizer" in VAULTD.read_bytes().decode("latin-1"):
            self.skipTest("SKIP: a sanitizer's allocator does not wipe")
        control = str(daemon.state).encode() # is there: else the search would be no search
        until(lambda: daemon.holds(b"canary-access.", b"canary-refresh.", control),
              lambda found: found == {control})

    def test_no_core(self):
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("status"))
        limits = pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0")


if __name__ == "__main__":
    if not shutil.which("systemd-socket-activate"):
        raise SystemExit("SKIP: systemd-socket-activate is missing")
    unittest.main()
