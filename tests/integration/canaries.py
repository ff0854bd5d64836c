# SPDX-License-Identifier: MIT
"""What the tests of secrets have in common: a platform that says back what it was told, and a stack
in which all that ever was a secret is looked for at the end.
"""

import contextlib
import json
import os
import pathlib
import secrets
import threading
import unittest

import memory
from engine import BUILD, TIMEOUT, Connection
from fake import FakeHandler, Server

SANITIZED = b"__asan_init" in (BUILD / "src/engine/action-engined").read_bytes()
PARTS = "engine", "vault"

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
        cls.addClassCleanup(cls.check_what_is_left)
        cls.pids = {part: cls.stack.pid(part) for part in (*PARTS, "grant")}

    @classmethod
    def check_what_is_left(cls):
        written = {"answers": "\n".join(cls.told).encode()}
        for part in "engine", "vault", "grant":
            written[f"the log of {part}"] = cls.stack.log(part).encode()
            proc = pathlib.Path(f"/proc/{cls.pids[part]}")
            for name in "cmdline", "environ":
                written[f"{name} of {part}"] = (proc / name).read_bytes()
            for fd in (proc / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if fd.is_file():
                        written[f"{fd.readlink()} of {part}"] = fd.read_bytes()
        ours = {"credentials", "engine-credentials", "keys.d", "signing.jwk", "token", "env"}
        for path in cls.stack.dir.rglob("*"):
            if path.is_file() and path.relative_to(cls.stack.dir).parts[0] not in ours:
                with contextlib.suppress(FileNotFoundError):  # the daemons still run
                    written[str(path)] = path.read_bytes()
        gone = {n: secret for n, secret in cls.canaries.items() if not n.startswith("kept ")}
        for part in PARTS:
            assert not memory.found_after(cls.pids[part], gone), part
        for where, data in written.items():
            finds = memory.search(data, cls.canaries)
            assert not finds, f"{finds} in {where}: {data[-1000:]}"

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
        names = {f"{n + 1}: {str(text)[:12]}": text for n, text in enumerate(texts)}
        for part in parts:
            lines = memory.found_after(self.pids[part], names)
            self.assertEqual(lines, [], f"in {part}")

    def assert_held(self, text, part="engine"):
        """While it is needed: the search finds things."""
        self.assertTrue(memory.found(self.pids[part], {"it": text}))
