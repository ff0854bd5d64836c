# SPDX-License-Identifier: MIT
"""A Zapier that takes what Zapier's documentation lets one send, and nothing else.

The member `play` of what it gets names what happens: `e410` is an answer with that status. Each
answer but a plain success tells the hook's URL, as far as HTTP and JSON let it. Everything that
came in is recorded, and what the engine should never have sent fails the test at its end.
"""

import dataclasses
import email.message
import json
import re
import threading
import uuid

from fake import TIMEOUT, FakeHandler, Server

MAX_BODY = 10_000_000


@dataclasses.dataclass
class Request:
    path: str
    headers: email.message.Message
    body: bytes
    data: dict


def no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


class Handler(FakeHandler):
    def check(self, body):
        """The data, or a ValueError for what no engine should send."""
        names = [name.lower() for name in self.headers]
        if len(names) != len(set(names)):
            raise ValueError(f"a header stands twice: {names}")
        if {"authorization", "cookie", "referer", "expect", "transfer-encoding"} & set(names):
            raise ValueError(f"a header too many: {names}")
        if self.headers["Content-Type"] != "application/json":
            raise ValueError(f"Content-Type: {self.headers['Content-Type']}")
        if self.headers["Host"] != f"127.0.0.1:{self.server.zapier.port}":
            raise ValueError(f"Host: {self.headers['Host']}")
        if len(body) > MAX_BODY:
            raise ValueError(f"{len(body)} bytes")
        data = json.loads(body.decode("utf-8"), object_pairs_hook=no_duplicates)
        if not isinstance(data, dict) or "action_id" not in data:
            raise ValueError("no object with an action_id")
        return data

    def do_POST(self):
        zapier = self.server.zapier
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            data = self.check(body)
        except ValueError as e:
            zapier.failures.append(e)
            self.reply(400, {"error": str(e)})
            return
        with zapier.lock:
            zapier.requests.append(Request(self.path, self.headers, body, data))
        url, play = zapier.url + self.path, str(data.get("play", ""))
        if self.path not in zapier.hooks:
            self.reply(404, {"status": "error", "message": f"there is no {url}"})
        elif match := re.fullmatch(r"e(\d{3})", play):
            self.answer_status(int(match[1]), url)
        elif play:
            getattr(self, "play_" + play)(url)
        elif self.path.endswith("/silent/"):
            self.reply(200, b"")
        else:
            self.reply(200, success())

    def answer_status(self, status, url):
        headers = [("Location", url + "elsewhere/"), ("X-Hook", url)]
        if status == 429:
            headers.append(("Retry-After", "7"))
        self.reply(status, {"status": url.split("/")[-2], "error": {"message": url}}, headers)

    def play_echo(self, url):
        """A success that is nothing but the hook."""
        *_, account, secret, _ = url.split("/")
        self.reply(200, {"status": account, "id": secret, "attempt": secret, "request_id": url})

    def play_word(self, _):
        self.reply(200, success() | {"status": "queued"})

    def play_odd(self, _):
        self.reply(200, b"<html>Thank you</html>")

    def play_close(self, _):
        self.close_connection = True

    def play_hang(self, _):
        self.close_connection = True
        self.server.zapier.closing.wait(TIMEOUT)

    def play_garbage(self, url):
        self.close_connection = True
        self.wfile.write(b"\x00" + url.encode() + b" is not HTTP\r\n\r\n")

    def play_half(self, url):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + url.encode())


def success():
    attempt = str(uuid.uuid4())
    return {"status": "success", "id": str(uuid.uuid4()), "attempt": attempt, "request_id": attempt}


class Zapier:
    """The server. `hooks` are the paths that exist."""

    def __init__(self):
        self.requests = []
        self.failures = []
        self.hooks = set()
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.zapier = self._server.upstream = self
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        assert any(failed) or not self.failures, self.failures

    def add_hook(self, secret, end="/"):
        """A hook with that secret in its URL, which is returned."""
        path = f"/hooks/catch/1234567/{secret}{end}"
        self.hooks.add(path)
        return self.url + path

    def got(self, **members):
        """What came in with these members, in order."""
        with self.lock:
            return [r for r in self.requests if members.items() <= r.data.items()]
