# SPDX-License-Identifier: MIT
"""Secrets go where they must, and stay nowhere.

A canary takes each way through the daemons. Afterwards none of its pieces may be in the memory of
who needs it no more, and none ever in a log, an answer, an argument, an environment or a file.
"""

import contextlib
import json
import os
import pathlib
import secrets
import tempfile
import threading
import unittest

import jws
import memory
import oauth
from engine import BUILD, SEND_SCOPE, TIMEOUT, Connection, Stack, email, until
from fake import FakeHandler, Server
from front import Front

SANITIZED = b"__asan_init" in (BUILD / "src/engine/action-engined").read_bytes()
PARTS = "engine", "vault"
GMAIL = {"platform": "gmail"}
PAST = "2001-01-01T00:00:00Z"

only_root = unittest.skipIf(os.geteuid() != 0, "only root can look into the daemons")
plain_build = unittest.skipIf(SANITIZED, "a sanitizer's allocator keeps what was freed")


def canary(name="canary"):
    return f"{name}-{secrets.token_urlsafe(40)}"


class Handler(FakeHandler):
    def serve(self):
        self.read_body()
        self.bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.bearer.startswith("closing"):
            self.close_connection = True
        self.server.upstream.answer(self)

    do_GET = do_POST = serve

    def reply(self, status, value, headers=()):
        closing = [("Connection", "close")] if self.close_connection else []
        super().reply(status, value, [*headers, *closing])

    def refuse(self, status):
        """In words that quote the bearer."""
        error = {"code": status, "message": f"what is {self.bearer}?",
                 "errors": [{"reason": self.bearer}]}
        self.reply(status, {"error": error}, [("X-Echo", self.bearer)])


class Platform:
    """Does what `script(handler)` does, and counts the requests."""

    def __init__(self):
        self.failures = []
        self._changed = threading.Condition()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.upstream = self
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"
        self.reset()
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self):
        self.script, self.gate, self.bearers = self.send, threading.Event(), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler):
        with self._changed:
            self.bearers.append(handler.bearer)
            self._changed.notify_all()
        self.script(handler)

    def wait(self, n=1):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.bearers) >= n, TIMEOUT):
                raise TimeoutError(f"{len(self.bearers)} of {n} requests")

    # Scripts.

    @staticmethod
    def send(handler):
        handler.reply(200, {"id": "message", "threadId": "thread"})

    @staticmethod
    def echo(handler):
        handler.reply(200, {"id": handler.bearer, "threadId": handler.bearer})

    def hang(self, handler):
        self.gate.wait(TIMEOUT)
        handler.close_connection = True

    def slow(self, handler):
        self.gate.wait(TIMEOUT)
        self.send(handler)

    @staticmethod
    def half(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                            + handler.bearer.encode())

    @staticmethod
    def nonsense(handler):
        handler.close_connection = True
        handler.wfile.write(f"{handler.bearer}\r\n\r\n".encode())


class Listening(Connection):
    """Keeps what it was told, as text, in a list."""

    def __init__(self, where, told, token=None):
        self._told = told
        super().__init__(where, token)

    def read(self):
        response = super().read()
        self._told.append(json.dumps(response))
        return response


class Case(unittest.TestCase):
    """A stack, a platform, and all secrets that ever were: at the end they are looked for in all
    that the stack wrote."""

    @classmethod
    def setUpClass(cls):
        cls.canaries, cls.told = {}, []
        cls.platform = cls.enterClassContext(Platform())
        cls.stack = cls.enterClassContext(cls.make_stack())
        cls.addClassCleanup(cls.check_what_was_written)

    @classmethod
    def check_what_was_written(cls):
        written = {"answers": "\n".join(cls.told).encode()}
        for part in "engine", "vault", "grant":
            written[f"the log of {part}"] = cls.stack.log(part).encode()
            proc = pathlib.Path(f"/proc/{cls.stack.pid(part)}")
            for name in "cmdline", "environ":
                written[f"{name} of {part}"] = (proc / name).read_bytes()
            for fd in (proc / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if fd.is_file():
                        written[f"{fd.readlink()} of {part}"] = fd.read_bytes()
        ours = {"credentials", "engine-credentials", "keys.d", "signing.jwk", "token", "env"}
        for path in cls.stack.dir.rglob("*"):
            if path.is_file() and path.relative_to(cls.stack.dir).parts[0] not in ours:
                written[str(path)] = path.read_bytes()
        for where, data in written.items():
            finds = memory.search(data, cls.canaries)
            assert not finds, f"{finds} in {where}: {data[-4000:]}"

    def setUp(self):
        self.platform.reset()
        self.other = self.enterContext(self.connect(self.stack.token))

    def connect(self, token=None):
        return Listening(self.stack.socket, self.told, token)

    def secret(self, name, text=None):
        """A new one, looked for until the end; its text."""
        text = text or canary(name)
        self.canaries[f"{name} of {self.id()} #{len(self.canaries)}"] = text
        return text

    def assert_gone(self, *texts, parts=PARTS):
        self.other.result({"op": "health"})  # both daemons have ended what they did before
        names = {f"secret {n} '{as_text(text)[:12]}…'": text for n, text in enumerate(texts)}
        for part in parts:
            lines = memory.found_after(self.stack.pid(part), names)
            self.assertEqual(lines, [], f"in {part}")

    def assert_held(self, text, part="engine"):
        """While it is needed: the search finds things."""
        self.assertTrue(memory.found(self.stack.pid(part), {"it": text}))


def as_text(secret):
    return secret if isinstance(secret, str) else repr(secret)


class Actions(Case):
    """A bearer on its way to a platform. Subclasses say how that is spoken to."""

    @classmethod
    def make_stack(cls):
        cls.provider = cls.enterClassContext(oauth.Provider(rotate=True))
        url, more = cls.front()
        config = (f"[Engine]\nReconcileSec=0.05\n[Http]\nFirstByteTimeoutSec=0.4\n{more}\n"
                  f"[Adapter gmail]\nBaseUrl={url}\n")
        return Stack(config, cls.platform.url, plain=[cls.provider.address])

    @classmethod
    def front(cls):
        return cls.platform.url, ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        answer = cls.stack.vault("set_provider", provider="google", app=cls.provider.app())
        assert answer["status"] == "success", answer
        cls.key = cls.stack.key("canary")

    # What the platform does, and how that ends.
    PATHS = {
        "success": ("send", {"success"}),
        "echo": ("echo", {"success", "outcome_unknown"}),
        "rejected": (400, {"upstream_rejected"}),
        "refused": (401, {"reauthorization_required"}),
        "busy": (429, {"rate_limited"}),
        "failed": (503, {"outcome_unknown"}),
        "half": ("half", {"outcome_unknown"}),
        "nonsense": ("nonsense", {"outcome_unknown", "upstream_rejected"}),
        "timeout": ("hang", {"outcome_unknown"}),
    }  # fmt: skip

    def play(self, script):
        if isinstance(script, int):
            self.platform.script = lambda handler: handler.refuse(script)
        else:
            self.platform.script = getattr(self.platform, script)

    def store(self, word):
        """A token that the user brought; word says how the connection ends."""
        token = self.secret(word)
        self.other.result({"op": "auth_token", **GMAIL, "credential": {"access_token": token}})
        return token

    def caller(self):
        """A caller's token; its signature is what must not get about."""
        token = jws.token(self.key)
        self.secret("signature", token.split(".")[2])
        return token

    def perform(self, c, token, **more):
        response = c.call(email(token=token, **more))
        error = response.get("error", {})
        return error.get("code", response["status"])

    def test_each_way_that_an_action_ends(self):
        c = self.enterContext(self.connect())
        for word in "kept", "closing":
            for name, (script, ends) in self.PATHS.items():
                with self.subTest(name, connection=word):
                    self.platform.reset()
                    bearer, token = self.store(word), self.caller()
                    self.play(script)
                    self.assertIn(self.perform(c, token), ends)
                    self.platform.gate.set()
                    self.assertEqual(set(self.platform.bearers), {bearer})
                    self.assert_gone(bearer, token.split(".")[2])

    def test_what_does_not_leave(self):
        c = self.enterContext(self.connect())
        bad = {"payload": {"to": "nobody", "subject": 1}}
        for name, end, more in [("dry run", "success", {"dry_run": True}),
                                ("payload", "invalid_payload", bad),
                                ("account", "not_connected", {"account": "other"})]:
            with self.subTest(name):
                bearer, token = self.store("kept"), self.caller()
                self.assertEqual(self.perform(c, token, **more), end)
                self.assertEqual(self.platform.bearers, [])
                self.assert_gone(bearer, token.split(".")[2])

    def test_who_vanishes(self):
        for word in "kept", "closing":
            with self.subTest(word):
                self.platform.reset()
                bearer, token = self.store(word), self.caller()
                self.platform.script = self.platform.slow
                with self.connect() as c:
                    c.start(email(token=token))
                    self.platform.wait()
                    self.assert_held(bearer)
                    self.assert_gone(bearer, parts=["vault"])
                    self.assert_gone(token.split(".")[2])
                self.platform.gate.set()
                self.assert_gone(bearer, token.split(".")[2])

    def renewable(self, word, **more):
        """A grant at the provider, and the token that it stands for by now."""
        grant = self.provider.grant(SEND_SCOPE)
        bearer, refresh = self.store(word), self.secret("refresh", grant.refresh_token)
        credential = {"access_token": bearer, "refresh_token": refresh, **more}
        self.other.result({"op": "auth_token", **GMAIL, "credential": credential})
        return bearer, refresh, grant

    def test_renewed(self):
        """What has ended before, and what the platform refuses."""
        c = self.enterContext(self.connect())
        for name, more in {"ended": {"expires_at": PAST}, "refused": {}}.items():
            with self.subTest(name):
                self.platform.reset()
                bearer, refresh, grant = self.renewable("kept", **more)
                self.platform.script = lambda handler: (
                    self.platform.send(handler) if self.provider.is_good(handler.bearer)
                    else handler.refuse(401))
                token = self.caller()
                self.assertEqual(self.perform(c, token), "success")
                new = self.secret("new", self.platform.bearers[-1])
                self.assertNotEqual(new, bearer)
                rotated = self.secret("rotated", grant.refresh_token)
                self.assertNotEqual(rotated, refresh)
                client_secret = self.secret("client secret", self.provider.client.client_secret)
                self.assert_gone(bearer, refresh, new, rotated, client_secret,
                                 token.split(".")[2])

    def test_not_renewed(self):
        """The provider fails, and quotes all that it was told where it can."""
        c = self.enterContext(self.connect())
        for fault in 500, "echo", "close", "garbage", "html", "lost", "cut":
            with self.subTest(fault):
                self.platform.reset()
                bearer, refresh, grant = self.renewable("kept", expires_at=PAST)
                self.provider.script("token", fault)
                token = self.caller()
                self.assertNotEqual(self.perform(c, token), "success")
                self.assertEqual(self.platform.bearers, [])
                rotated = self.secret("rotated", grant.refresh_token)
                self.assert_gone(bearer, refresh, rotated, self.provider.client.client_secret,
                                 token.split(".")[2])


@only_root
@plain_build
class PlainHttp(Actions, Case):
    pass


@only_root
@plain_build
class TlsHttp1(Actions, Case):
    HTTP2 = False

    @classmethod
    def front(cls):
        front = cls.enterClassContext(Front(cls.platform.url, http2=cls.HTTP2))
        return front.url, f"CaFile={front.ca_file}"


@only_root
@plain_build
class TlsHttp2(TlsHttp1):
    HTTP2 = True


del Actions  # which is none without a way to the platform
