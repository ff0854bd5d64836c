# SPDX-License-Identifier: MIT
"""What hostile callers and platforms try, each against an engine that must not mind."""

import contextlib
import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import unittest

import jws
from engine import BUILD, READ_SCOPE, SEND_SCOPE, TIMEOUT, Stack, email, memory_kib, trace, until

# With it the platform is asked what became of a request, and is as hostile then.

CONFIG = """
[Engine]
DrainTimeoutSec=300
MaxConnections=80
MaxInFlight=40
ReconcileSec=0.1

[Vault]
TimeoutSec=30
"""

# Of a build whose allocator keeps what was freed, little can be said about memory.
SANITIZED = b"__asan_init" in (BUILD / "src/engine/action-engined").read_bytes()
GROWTH_MIB = 512 if SANITIZED else 48

platform = stack = None


def setUpModule():
    global platform, stack
    platform = unittest.enterModuleContext(Platform())
    config = f"{CONFIG}\n[Adapter zapier]\nBaseUrl={platform.url}\n"
    stack = unittest.enterModuleContext(Stack(config, platform.url))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.platform.answer(self)

    do_GET = do_POST

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message, reason="invalidArgument"):
        error = {"code": status, "message": message, "errors": [{"reason": reason}]}
        self.reply(status, {"error": error})


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def handle_error(self, *_):
        pass  # the engine hung up, as some tests want it to


class Platform:
    """A platform that does what `script(handler)` does, and remembers the bearers it was shown."""

    def __init__(self):
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.platform = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._changed = threading.Condition()
        self.reset()
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def reset(self):
        self.script = self.send
        self.gate = threading.Event()
        self.bearers = []

    @staticmethod
    def send(handler):
        handler.reply(200, {"id": "message", "threadId": "thread"})

    def answer(self, handler):
        with self._changed:
            self.bearers.append(handler.bearer)
            self._changed.notify_all()
        self.script(handler)

    def wait(self, n):
        """Until n requests have come."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.bearers) >= n, TIMEOUT):
                raise TimeoutError(f"{len(self.bearers)} of {n} requests")


@contextlib.contextmanager
def stopped(part):
    """A while in which that part hangs."""
    pid = stack.pid(part)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# A peer of its own, so that this one's interpreter does not slow it down.
FLOOD = """
import socket, sys, threading
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
threading.Thread(target=lambda: [*iter(lambda: peer.recv(1 << 20), b"")], daemon=True).start()
while True:
    peer.sendall(b'{"op":"ping"}\\n' * 3000)
"""


def fill(sock, line=b'{"op":"hello"}\n', patience=0.5):
    """Sends until the engine takes no more, and reads nothing."""
    sock.settimeout(patience)
    with contextlib.suppress(TimeoutError):
        while True:
            sock.sendall(line * 1000)


class Case(unittest.TestCase):
    def setUp(self):
        platform.reset()
        self.addCleanup(platform.gate.set)
        self.c = self.enterContext(stack.connect())
        self.other = self.enterContext(stack.connect())

    def store(self, token):
        credential = {"access_token": token, "scopes": [SEND_SCOPE, READ_SCOPE]}
        response = self.other.call({"op": "auth_token", "platform": "gmail",
                                    "credential": credential})
        self.assertEqual(response["status"], "success", response)
        return response


class Renewal(Case):
    """The platform refuses a token when the vault has a newer one."""

    def setUp(self):
        super().setUp()
        self.store("old-token")
        platform.script = self.refuse_the_old

    def refuse_the_old(self, handler):
        if handler.bearer != "old-token":
            platform.send(handler)
            return
        platform.gate.wait(TIMEOUT)
        self.store("new-token")
        handler.refuse(401, "Invalid Credentials", "authError")

    def test_once_more_with_the_new_one(self):
        platform.gate.set()
        response = self.c.call(email())
        self.assertEqual(response["status"], "success", response)
        self.assertEqual(platform.bearers, ["old-token", "new-token"])
        self.assertEqual(stack.audit(response["request_id"])["ACTION_ATTEMPT"], "2")

    def test_not_when_the_deadline_has_passed(self):
        asked = self.c.start(email(deadline_ms=4000))
        platform.wait(1)
        with stopped("vault"):  # whose deadline is later is told later
            self.assertEqual(self.c.code(email(deadline_ms=4000)), "deadline_exceeded")
        platform.gate.set()
        response = self.c.finish(asked)
        self.assertEqual(response["error"]["code"], "deadline_exceeded", response)
        self.assertTrue(response["error"]["retryable"])
        self.assertEqual(platform.bearers, ["old-token"])

    def test_not_when_the_client_has_gone(self):
        parent = trace()
        with stack.connect() as gone:
            gone.start(email(traceparent=parent))
            platform.wait(1)
        until(lambda: self.other.result({"op": "health"})["connections"], lambda n: n == 2)
        platform.gate.set()
        entry = stack.audit_of_trace(parent)
        self.assertEqual(entry["ACTION_ERROR_CODE"], "cancelled", entry)
        self.assertEqual(entry["ACTION_UPSTREAM_STATUS"], "401")
        self.assertEqual(platform.bearers, ["old-token"])


class Revocation(Case):
    def test_a_key_that_goes_while_the_vault_is_asked(self):
        """What has not left does not leave, whatever was proved when it came."""
        key = stack.key("short-lived")
        with stack.connect(jws.token(key)) as c:
            with stopped("vault"):
                asked = c.start(email())
                os.unlink(key.install(stack.keys))
                until(lambda: c.call({"op": "list_actions"})["status"], lambda s: s == "error")
            self.assertEqual(c.finish(asked)["error"]["code"], "token_invalid")
        self.assertEqual(platform.bearers, [])


class Trail(Case):
    def test_who_stored_a_credential(self):
        """Whoever replaces one sends in another's name from then on."""
        response = self.store("another")
        entry = stack.audit(response["request_id"])
        self.assertEqual(entry["ACTION_ACCOUNT_EVENT"], "connected")
        self.assertEqual(entry["ACTION_PEER_UID"], str(os.getuid()))
        self.assertEqual(entry["ACTION_PEER_PID"], str(os.getpid()))


class Echo(Case):
    """The platform says the token that it was shown, in every place that goes on to the caller."""

    TOKENS = ["opaque.with~dots", "short-12", "ya29.looks-like-googles", "n" * 31 + "." + "m" * 31]

    def echo(self, script):
        platform.script = script
        for token in self.TOKENS:
            with self.subTest(token):
                self.store(token)
                response = self.c.call(email())
                stack.audit(response["request_id"])
                self.assertNotIn(token, json.dumps(response))
                self.assertNotIn(token, stack.log("engine"))
                self.assertEqual(platform.bearers[-1], token)
        return response

    def test_in_an_error(self):
        self.echo(lambda h: h.refuse(400, f"cannot use {h.bearer} here", h.bearer))

    def test_in_a_refusal_of_the_token(self):
        self.echo(lambda h: h.refuse(401, f"cannot use {h.bearer} here", h.bearer))

    def test_in_a_failure(self):
        response = self.echo(lambda h: h.refuse(503, h.bearer, h.bearer))
        entry = stack.audit(response["request_id"])
        self.assertEqual(entry["ACTION_RECONCILED"], "unknown")  # it was asked, and said it again

    def test_in_a_result(self):
        self.echo(lambda h: h.reply(200, {"id": h.bearer, "threadId": h.bearer}))

    def test_in_no_http_at_all(self):
        def script(handler):
            handler.wfile.write(f"{handler.bearer} {handler.bearer}\r\n".encode())
            handler.close_connection = True

        self.echo(script)


def memory(pid):
    """Every readable byte of a process, one mapping after the other."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as m:
        for line in maps:
            place, rights, *_, name = line.split()
            if "r" in rights and not name.startswith("[v"):
                start, end = (int(x, 16) for x in place.split("-"))
                m.seek(start)
                with contextlib.suppress(OSError):
                    yield m.read(end - start)


@unittest.skipIf(os.geteuid() != 0, "only root can look into the daemons")
class Memory(Case):
    """What is over has left nothing behind, in neither daemon."""

    def setUp(self):
        super().setUp()
        self.bearer = "canary-" + os.urandom(16).hex()
        self.store(self.bearer)
        self.token = jws.token(stack.key("canary"))
        self.c = self.enterContext(stack.connect(""))

    def found(self, part, *secrets):
        self.other.result({"op": "health"})  # both daemons have ended what they did before
        return [
            secret
            for data in memory(stack.pid(part))
            for secret in secrets
            if secret.encode() in data
        ]

    def assert_gone(self, part, *secrets):
        """A connection may have to clear up yet behind its answer."""
        until(lambda: self.found(part, *secrets), lambda found: not found)

    def signature(self):
        return self.token.split(".")[2]

    def test_while_the_platform_thinks(self):
        platform.script = lambda h: platform.gate.wait(TIMEOUT) and platform.send(h)
        asked = self.c.start(email(token=self.token))
        platform.wait(1)
        self.assertIn(self.bearer, self.found("engine", self.bearer))  # the search finds things
        self.assert_gone("engine", self.signature())
        self.assert_gone("vault", self.bearer)
        platform.gate.set()
        self.c.finish(asked)

    def test_after_the_answer(self):
        scripts = {
            "success": platform.send,
            "rejected": lambda h: h.refuse(400, h.bearer),
            "renewed": lambda h: h.refuse(401, h.bearer),
        }
        for name, script in scripts.items():
            platform.script = script
            for more in {"dry_run": True}, {}:
                with self.subTest(name, **more):
                    self.c.call(email(token=self.token, **more))
                    self.assert_gone("engine", self.bearer, self.signature())
                    self.assert_gone("vault", self.bearer)

    def test_after_a_hook(self):
        """Where the URL is the credential, none of its pieces stays with a connection."""
        secret = os.urandom(16).hex()
        hook = {"hook_url": f"{platform.url}/hooks/catch/1/{secret}"}
        trigger = {"platform": "zapier", "action_type": "trigger_zap", "payload": {"data": {}}}
        self.other.result({"op": "auth_token", "platform": "zapier", "credential": hook})
        for more in {"dry_run": True}, {}:
            with self.subTest(**more):
                response = self.other.call({**trigger, **more})
                self.assertEqual(response["status"], "success", response)
                self.assertNotIn(secret, json.dumps(response))
                self.assert_gone("engine", secret)
                self.assert_gone("vault", secret)
        self.assertNotIn(secret, stack.log("engine"))

    def test_after_a_client_that_vanished(self):
        platform.script = lambda h: platform.gate.wait(TIMEOUT) and platform.send(h)
        parent = trace()
        with stack.connect("") as gone:
            gone.start(email(token=self.token, traceparent=parent))
            platform.wait(1)
        platform.gate.set()
        stack.audit_of_trace(parent)
        self.assert_gone("engine", self.bearer, self.signature())


def ended(pid):
    return not os.path.exists(f"/proc/{pid}/fd/0")


@unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
class Shares(Case):
    """One uid takes all it can get, and another one comes."""

    OTHER = 4711
    MAX_CONNECTIONS, MAX_IN_FLIGHT = 80 * 7 // 8, 40 * 7 // 8

    def connect_other(self):
        return self.enterContext(stack.connect_as(self.OTHER))

    def test_connections(self):
        mine = until(lambda: self.other.result({"op": "health"})["connections"], lambda n: n == 2)
        while mine < self.MAX_CONNECTIONS:
            self.assertEqual(self.enterContext(stack.connect("")).code({"op": "x"}), "unknown_op")
            mine += 1
        with stack.connect("") as refused:
            response = refused.read()
            self.assertEqual(response["error"]["code"], "overloaded", response)
            self.assertGreater(response["error"]["retry_after_ms"], 0)
            self.assertIsNone(refused.read())
        self.connect_other().result({"op": "ping"})
        self.c.close()
        until(lambda: self.other.result({"op": "health"})["connections"],
              lambda n: n <= self.MAX_CONNECTIONS)
        self.enterContext(stack.connect()).result({"op": "health"})

    def test_actions(self):
        token = jws.token(stack.key("others"), cnf={"uid": self.OTHER})
        platform.script = lambda h: platform.gate.wait(TIMEOUT) and platform.send(h)
        asked = [self.c.start(email()) for _ in range(self.MAX_IN_FLIGHT + 3)]
        codes = [self.c.finish(request_id)["error"]["code"] for request_id in asked[-3:]]
        self.assertEqual(codes, ["overloaded"] * 3)
        other = self.connect_other()
        other.send(email(token=token, id="others"))
        platform.wait(self.MAX_IN_FLIGHT + 1)
        platform.gate.set()
        self.assertEqual(other.finish("others")["status"], "success")
        for request_id in asked[:-3]:
            self.assertEqual(self.c.finish(request_id)["status"], "success")


class Floods(Case):
    def grown(self, before):
        return (memory_kib(stack.pid("engine")) - before) >> 10

    def test_a_line_of_many_values(self):
        """What a line makes of itself is bounded, not only the line."""
        before = memory_kib(stack.pid("engine"))
        for value in b"0,", b"[],", b'"",', b"9007199254740993,":
            with self.subTest(value):
                payload = b'{"to":[' + value * ((24 << 20) // len(value)) + b"0]}"
                line = b'{"platform":"gmail","action_type":"send_email","payload":%s}\n' % payload
                writer = threading.Thread(target=self.c.send_bytes, args=(line,))
                writer.start()
                self.assertEqual(self.c.read()["error"]["code"], "invalid_json")
                writer.join()
                self.assertLess(self.grown(before), GROWTH_MIB)

    def test_many_who_never_read(self):
        before = memory_kib(stack.pid("engine"))
        for _ in range(40):
            fill(self.enterContext(stack.connect()).socket, b'{"op":"list_actions"}\n', 0.02)
        self.other.result({"op": "health"})
        self.assertLess(self.grown(before), GROWTH_MIB / 2)

    def test_much_to_and_from_the_vault(self):
        """Both ends have more to write than the other reads at once, and neither waits for ever."""
        credential = {
            "access_token": "a" * 4000,
            "refresh_token": "r" * 4000,
            "scopes": [*(f"{i:0250}" for i in range(127)), SEND_SCOPE],
        }
        store = {"op": "auth_token", "platform": "gmail", "credential": credential}
        self.other.result(store)
        asked = []
        for _ in range(8):
            c = self.enterContext(stack.connect())
            asked += [(c, c.start(q)) for _ in range(20) for q in (email(dry_run=True), store)]
        for c, request_id in asked:
            response = c.finish(request_id)
            if response["status"] == "error":
                self.assertEqual(response["error"]["code"], "overloaded", response)
        self.store("short-again")


class Hangup(Case):
    def test_it_ends_nothing(self):
        platform.script = lambda h: platform.gate.wait(TIMEOUT) and platform.send(h)
        asked = self.c.start(email())
        platform.wait(1)
        os.kill(stack.pid("engine"), signal.SIGHUP)
        until(lambda: "The configuration is good" in stack.log("engine"), bool)
        platform.gate.set()
        self.assertEqual(self.c.finish(asked)["status"], "success")

    def test_j2_a_broken_configuration_changes_nothing_and_is_told(self):
        long = email(dry_run=True)
        long["payload"]["body"] = "x" * 5000
        drop_in = stack.dir / "action-engine.conf.d/zz.conf"
        self.addCleanup(drop_in.unlink, missing_ok=True)
        drop_in.parent.mkdir(exist_ok=True)
        for text, told in (
            ("[Engine]\nMaxConnections=1\nMaxConnection=2\n", f"{drop_in}:3: there is no key"),
            ("[Engine]\nMaxConnections=none\n", f"{drop_in}:2: MaxConnections='none' "),
            ("[Engine]\nMaxBytesPerUser=1M\n", "MaxBytesPerUser= is smaller"),
            ("[Adapter nobody]\nBaseUrl=https://a.example\n", "[Adapter nobody]: there is no such"),
            # Good, and of a kind that would show at once.
            ("[Engine]\nMaxMessageBytes=1K\n", "The configuration is good"),
        ):
            before = len(stack.log("engine"))
            drop_in.write_text(text, "utf-8")
            os.kill(stack.pid("engine"), signal.SIGHUP)
            said = until(lambda n=before: stack.log("engine")[n:], lambda log: told in log)
            self.assertEqual("the next start would fail" in said, "is good" not in told, said)
            with stack.connect() as another:
                another.result(long)


class Stop(Case):
    """SIGTERM. DrainTimeoutSec= is so long that who waits for it in vain has failed."""

    def setUp(self):
        super().setUp()
        self.addCleanup(stack.start, "engine")

    def stop(self):
        pid = stack.pid("engine")
        os.kill(pid, signal.SIGTERM)
        return pid

    def test_while_somebody_sends_without_end(self):
        command = [sys.executable, "-c", FLOOD, str(stack.socket)]
        flood = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(flood.wait)
        self.addCleanup(flood.kill)
        until(lambda: self.c.result({"op": "health"})["connections"], lambda n: n == 3)
        until(lambda pid=self.stop(): ended(pid), bool)

    def test_while_somebody_does_not_read(self):
        fill(self.c.socket)
        until(lambda pid=self.stop(): ended(pid), bool)

    def test_while_the_vault_hangs(self):
        """Who waits for the vault is answered as well, and is not told a lie."""
        credential = {"access_token": "x"}
        with stopped("vault"):
            asked = [
                self.c.start({"op": "health"}),
                self.c.start({"op": "auth_token", "platform": "gmail", "credential": credential}),
            ]
            self.c.result({"op": "ping"})  # so that both are asked
            pid = self.stop()
            for request_id in asked:
                error = self.c.finish(request_id)["error"]
                self.assertEqual(error["code"], "vault_unavailable")
                self.assertTrue(error["retryable"])
            self.assertIsNone(self.c.read())
            until(lambda: ended(pid), bool)


if SANITIZED:
    del Memory


if __name__ == "__main__":
    unittest.main()
