# SPDX-License-Identifier: MIT
"""Vaults that fail on demand: what the fakes share, and a proxy before the real embedded one.

While a vault is `playing()` a fault, each question for a token gets it; everything else goes on as
it should. Everything that came in is recorded.
"""

import contextlib
import dataclasses
import http.server
import json
import pathlib
import socket
import socketserver
import tempfile
import threading
import urllib.parse

from fake import TIMEOUT, Server, reserve

TOO_LONG = 1 << 20
HTML = b"<html>Sign in to the network</html>"

# What is wrong with a good answer, as text.
SPOILT = {
    "array": lambda answer: b"[]",
    "garbage": lambda answer: b"\x00\x01\xfe\xff",
    "half": lambda answer: json.dumps(answer).encode()[:-20],
    "html": lambda answer: HTML,
    "long": lambda answer: json.dumps({"pad": "x" * TOO_LONG, **answer}).encode(),
    "nothing": lambda answer: b"{}",
    "twice": lambda answer: json.dumps(answer).encode()[:-1] + b',"data":{},"access_token":"b",'
                            b'"access_token":"b"}',
}


@dataclasses.dataclass
class Request:
    method: str
    path: str  # as it came
    query: dict
    headers: object  # names in any case
    body: object  # what its JSON says; None: there was none
    record: tuple | None = None  # user, platform, account, if it is about one
    reads: bool = False  # a question for a token


class Refusal(Exception):
    """What a vault would not take: a status and its text."""

    def __init__(self, status, value):
        super().__init__(f"{status} {value}")
        self.status, self.value = status, value


class Player:
    """What is common to all that can be told to fail."""

    def __init__(self):
        self.fault = None
        self.gate = threading.Event()
        self.failures = []
        self._changed = threading.Condition()
        self._asked = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.refuse()
        assert not self.failures, self.failures

    @contextlib.contextmanager
    def playing(self, fault):
        self.gate.clear()
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None
            self.gate.set()

    @contextlib.contextmanager
    def down(self):
        self.refuse()
        try:
            yield
        finally:
            self.listen()

    def note(self, user):
        with self._changed:
            self._asked.append(user)
            self._changed.notify_all()

    def asked(self, user):
        """How often a token of that user was asked for."""
        with self._changed:
            return self._asked.count(user)

    def wait_asked(self, user, n=1):
        with self._changed:
            if not self._changed.wait_for(lambda: self._asked.count(user) >= n, TIMEOUT):
                raise TimeoutError(f"nobody asks for {user}")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            pass  # the engine gave up, as it should

    def reply(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def serve(self):
        self.server.upstream.serve(self)

    do_GET = do_POST = do_PUT = do_DELETE = serve


class UnixHandler(Handler):
    disable_nagle_algorithm = False  # which is TCP's


class UnixServer(Server):
    address_family = socket.AF_UNIX


class HttpVault(Player):
    """A vault behind HTTP. A subclass has `answer(request)`, which gives a status and a value."""

    def __init__(self, unix=False):
        super().__init__()
        self.requests = []
        self._folder = tempfile.TemporaryDirectory(prefix="action-engine-vault-")
        self.path = f"{self._folder.name}/vault.sock" if unix else None
        self._held = None if unix else reserve()
        self.port = 0 if unix else self._held.getsockname()[1]
        self._server = None
        self.listen()
        self.address = f"127.0.0.1:{self.port}" if self.port else "vault"
        self.url = f"http://{self.address}"
        self.config = f"[Vault]\nUrl={self.url}/\n"
        if unix:
            self.config += f"UnixSocket={self.path}\n"

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        if self._held:
            self._held.close()
        self._folder.cleanup()

    def listen(self):
        if self.path:
            pathlib.Path(self.path).unlink(missing_ok=True)
            self._server = UnixServer(self.path, UnixHandler)
        else:
            self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.upstream = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def serve(self, handler):
        path, _, query = handler.path.partition("?")
        text = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        request = Request(handler.command, path, dict(urllib.parse.parse_qsl(query)),
                          handler.headers, None)
        try:
            if text:
                if handler.headers.get("Content-Type") != "application/json":
                    raise Refusal(415, {"errors": ["Content-Type"]})
                request.body = json.loads(text)
            status, value = self.answer(request)
        except Refusal as refusal:
            status, value = refusal.status, refusal.value
        with self._changed:
            self.requests.append(request)
        if request.reads:
            self.note(request.record[0])
        if request.reads and self.fault:
            self.play(handler, request, status, value)
        else:
            handler.reply(status, value)

    def play(self, handler, request, status, value):
        if self.fault in SPOILT:
            handler.reply(200, SPOILT[self.fault](value))
        elif isinstance(self.fault, int):
            handler.reply(self.fault, {"errors": []})
        else:
            getattr(self, "play_" + self.fault)(handler, request, status, value)

    def play_hang(self, handler, request, status, value):
        self.gate.wait(TIMEOUT)
        handler.reply(status, value)

    def play_cut(self, handler, request, status, value):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                            + json.dumps(value).encode()[:30])

    def play_close(self, handler, request, status, value):
        handler.close_connection = True

    def play_other(self, handler, request, status, value):
        handler.reply(status, self.changed(value, user_id="somebody else"))

    def play_badtoken(self, handler, request, status, value):
        handler.reply(status, self.changed(value, access_token="a\r\nX-Other: b"))

    def play_notoken(self, handler, request, status, value):
        handler.reply(status, self.changed(value, access_token=None))

    def play_redirect(self, handler, request, status, value):
        handler.reply(307, {}, [("Location", self.url + "/elsewhere")])


class EmbeddedVault(Player):
    """The real one, behind a socket that hears every line."""

    name = "embedded"
    credentials = {}
    asks_once = False
    accounts = True

    def __init__(self):
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="action-engine-vault-")
        self.path = pathlib.Path(self._folder.name) / "vault.sock"
        self.config = f"[Vault]\nSocket={self.path}\n"
        self.real = None  # where the stack has it
        self._server = None
        self.listen()

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self._folder.cleanup()

    def listen(self):
        vault = self

        class Lines(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    vault.pass_lines(self)

        self.path.unlink(missing_ok=True)
        self._server = UnixServer(str(self.path), Lines)
        self._server.upstream = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def pass_lines(self, lines):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as real:
            real.connect(str(self.real))
            with real.makefile("rb") as answers:
                for line in lines.rfile:
                    real.sendall(line)
                    answer, question = answers.readline(), json.loads(line)
                    is_read = question["op"] == "get_token"
                    if is_read:
                        self.note(question["user_id"])
                    if is_read and self.fault:
                        answer = self.spoil(json.loads(answer))
                    if answer is None:
                        return
                    lines.wfile.write(answer)

    def spoil(self, answer):
        if self.fault == "hang":
            self.gate.wait(TIMEOUT)
        if self.fault == "close":
            return None
        if self.fault in SPOILT:
            return SPOILT[self.fault](answer) + b"\n"
        changes = {"other": {"user_id": "somebody else"}, "badtoken": {"access_token": "a\r\nb"}}
        answer.get("result", {}).update(changes.get(self.fault, {}))
        if self.fault == "notoken":
            answer["result"].pop("access_token")
        return json.dumps(answer).encode() + b"\n"
