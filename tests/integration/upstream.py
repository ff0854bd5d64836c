# SPDX-License-Identifier: MIT
"""A Gmail that is as strict as Gmail's documentation, and that fails on demand.

The local part of the first recipient, up to a '+', names what happens: `hang+7@example.com` gets no
answer. A local part that is no fault's name is delivered. Everything that came in is recorded.
The sent mail can be read where the token is one that may (`readable`).
"""

import base64
import dataclasses
import email
import email.policy
import json
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse
import zlib

from fake import TIMEOUT, FakeHandler, Server

MESSAGES = "/gmail/v1/users/me/messages"
SEND = f"{MESSAGES}/send"
UPLOAD = f"/upload{SEND}?uploadType="
MAX_UPLOAD = 36_700_160

# HTTP status, Google's reason, Google's status word.
ERRORS = {
    "e400": (400, "invalidArgument", "INVALID_ARGUMENT"),
    "e401": (401, "authError", "UNAUTHENTICATED"),
    "e403": (403, "insufficientPermissions", "PERMISSION_DENIED"),
    "e403policy": (403, "domainPolicy", "PERMISSION_DENIED"),
    "e403rate": (403, "userRateLimitExceeded", "PERMISSION_DENIED"),
    "e404": (404, "notFound", "NOT_FOUND"),
    "e429": (429, "rateLimitExceeded", "RESOURCE_EXHAUSTED"),
    "e500": (500, "backendError", "INTERNAL"),
    "e502": (502, "backendError", "UNAVAILABLE"),
    "e503": (503, "backendError", "UNAVAILABLE"),
}


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: email.message.Message  # its names in any case
    body: bytes
    fault: str = ""
    message: email.message.EmailMessage | None = None
    thread_id: str | None = None


@dataclasses.dataclass
class Sent:
    message_id: str
    message: email.message.EmailMessage
    time: float
    lists: int  # it is in no list before so many have been asked for: an index that is late

    def metadata(self, names):
        headers = [{"name": name, "value": value} for name, value in self.message.items()
                   if name.lower() in names]
        return {
            "id": self.message_id,
            "threadId": self.message_id.replace("msg", "thr"),
            "labelIds": ["SENT"],
            "internalDate": str(int(self.time * 1000)),
            "payload": {"mimeType": self.message.get_content_type(), "headers": headers},
        }


class Refusal(Exception):
    """What Gmail would not take."""

    def __init__(self, status, reason, word, text):
        super().__init__(text)
        self.answer = (status, reason, word, text)


def google_error(status, reason, word, text):
    error = {"domain": "global", "reason": reason, "message": text}
    return {"error": {"code": status, "message": text, "errors": [error], "status": word}}


def bad(text):
    return Refusal(400, "invalidArgument", "INVALID_ARGUMENT", text)


def parse_json(body, names):
    try:
        value = json.loads(body)
    except ValueError as e:
        raise bad(f"not JSON: {e}") from e
    if not isinstance(value, dict) or not set(value) <= names:
        raise bad(f"not an object of {names}")
    return value


def take_json(_, body):
    """The message in `raw`, and the thread's id."""
    request = parse_json(body, {"raw", "threadId"})
    raw = request.get("raw")
    if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", raw):
        raise bad("raw is not base64url")
    data = base64.urlsafe_b64decode(raw + "=" * (-len(raw.rstrip("=")) % 4))
    return data, request.get("threadId")


def take_media(_, body):
    return body, None


def take_related(content_type, body):
    """RFC 2387 and RFC 2046 without their liberties: two parts, nothing before and behind them."""
    boundary = re.search(r'boundary="([^"]{1,70})"$', content_type)[1].encode()
    if body.count(b"--" + boundary) != 3:
        raise bad("the boundary stands elsewhere, too")
    whole = re.fullmatch(
        rb"--%b\r\n(.*?)\r\n\r\n(.*?)\r\n--%b\r\n(.*?)\r\n\r\n(.*)\r\n--%b--\r\n"
        % ((re.escape(boundary),) * 3),
        body,
        re.DOTALL,
    )
    if not whole:
        raise bad("not two parts")
    head, metadata, message_head, data = whole.groups()
    if not re.fullmatch(rb"Content-Type: application/json(; charset=utf-8)?", head, re.IGNORECASE):
        raise bad(f"the first part: {head}")
    if message_head.lower() != b"content-type: message/rfc822":
        raise bad(f"the second part: {message_head}")
    return data, parse_json(metadata, {"threadId"}).get("threadId")


# Path: the content type that must come with it, and what reads its body.
FORMS = {
    SEND: (r"application/json(; *charset=utf-8)?", take_json),
    UPLOAD + "media": (r"message/rfc822", take_media),
    UPLOAD + "multipart": (r'multipart/related; boundary="[^"]+"', take_related),
}


def take_request(path, content_type, body):
    """The message in a send request, as bytes, and the thread's id; a Refusal where Gmail has a
    right to one."""
    if path not in FORMS:
        raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
    wanted, take = FORMS[path]
    if not re.fullmatch(wanted, content_type, re.IGNORECASE):
        raise Refusal(400, "badRequest", "INVALID_ARGUMENT", "Content-Type")
    if len(body) > MAX_UPLOAD:
        raise Refusal(413, "uploadTooLarge", "INVALID_ARGUMENT", "Request Entity Too Large")
    data, thread_id = take(content_type, body)
    if thread_id is not None and not (isinstance(thread_id, str) and thread_id):
        raise bad("threadId")
    return data, thread_id


def parse_message(data):
    """The message; a Refusal for what is none."""
    if re.search(rb"(?<!\r)\n|\r(?!\n)", data):
        raise bad("a line does not end in CRLF")
    head = data.split(b"\r\n\r\n")[0]
    if not head.isascii() or any(len(line) > 998 for line in data.split(b"\r\n")):
        raise bad("not RFC 5322")
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    if message.defects:
        raise bad(f"not RFC 5322: {message.defects}")
    if not any(message.get_all(name) for name in ("To", "Cc", "Bcc")):
        raise bad("Recipient address required")
    return message


def fault_of(message):
    recipients = message.get("To") or message.get("Cc") or message.get("Bcc")
    return recipients.addresses[0].username.split("+")[0]


class Handler(FakeHandler):
    content_type = "application/json; charset=UTF-8"

    def do_GET(self):
        upstream = self.server.upstream
        upstream.record(Request("GET", self.path, self.headers, b""))
        try:
            self.reply(200, upstream.read(self.path, self.headers))
        except Refusal as refusal:
            self.reply(refusal.answer[0], google_error(*refusal.answer))

    def do_POST(self):
        upstream = self.server.upstream
        body = self.read_body()
        request = Request("POST", self.path, self.headers, body)
        try:
            upstream.check(request)
        except Refusal as refusal:
            upstream.record(request)
            self.reply(refusal.answer[0], google_error(*refusal.answer))
            return
        n = upstream.record(request)
        if request.fault in ERRORS:
            status, reason, word = ERRORS[request.fault]
            self.reply(status, google_error(status, reason, word, "as you asked"))
        elif play := getattr(self, "play_" + request.fault, None):
            play(request)
        else:
            upstream.keep(request, n)
            self.reply(200, sent(n))

    # Each fault. close_connection alone ends the connection in good order.

    def raw(self, data):
        self.close_connection = True
        self.wfile.write(data)

    def play_hang(self, _):
        self.close_connection = True
        self.server.upstream.closing.wait(TIMEOUT)

    def play_slow(self, _):
        upstream = self.server.upstream
        upstream.gate.wait(TIMEOUT)
        self.reply(200, sent(len(upstream.requests)))

    def play_kept500(self, request):
        self.server.upstream.keep(request)
        self.reply(500, google_error(500, "backendError", "INTERNAL", "as you asked"))

    def play_keptclose(self, request):
        self.server.upstream.keep(request)
        self.close_connection = True

    def play_kepthang(self, request):
        self.server.upstream.keep(request)
        self.play_hang(request)

    def play_keptnoid(self, request):
        self.server.upstream.keep(request)
        self.reply(200, {})

    def play_keptlate(self, request):
        self.server.upstream.keep(request, lists=3)
        self.close_connection = True

    def play_close(self, _):
        self.close_connection = True

    def play_reset(self, _):
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def play_half(self, _):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"id":"msg_1","thr')

    def play_cut(self, _):
        self.reply(200, b'{"id":"msg_1","thr')

    def play_empty(self, _):
        self.reply(200, b"")

    def play_html(self, _):
        self.reply(200, b"<html>Sign in to the network</html>")

    def play_array(self, _):
        self.reply(200, [])

    def play_noid(self, _):
        self.reply(200, {"threadId": "thr_1"})

    def play_deep(self, _):
        self.reply(200, b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    def play_garbage(self, _):
        self.raw(b"\x00\x01\x02 this is not HTTP\r\n\r\n")

    def play_chunks(self, _):
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")

    def play_headers(self, _):
        self.raw(b"HTTP/1.1 200 OK\r\n" + b"X-Header: value\r\n" * 100_000)

    def play_header(self, _):
        self.raw(b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * (8 << 20) + b"\r\n\r\n")

    def play_huge(self, _):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        for _ in range(1 << 10):
            self.wfile.write(b" " * (1 << 20))

    def play_bomb(self, _):
        zipper = zlib.compressobj(9, zlib.DEFLATED, 31)
        body = b"".join(zipper.compress(b" " * (1 << 20)) for _ in range(256)) + zipper.flush()
        self.reply(200, body, [("Content-Encoding", "gzip")])

    def play_redirect(self, _):
        url = self.server.upstream.url + "/elsewhere"
        self.reply(302, {}, [("Location", url)])

    def play_echo(self, request):
        text = "you sent " + request.headers["Authorization"]
        self.reply(400, google_error(400, "invalidArgument", "INVALID_ARGUMENT", text))

    def play_busy(self, _):
        error = google_error(429, "rateLimitExceeded", "RESOURCE_EXHAUSTED", "slow down")
        self.reply(429, error, [("Retry-After", "7")])

    def play_absurd(self, _):
        error = google_error(429, "rateLimitExceeded", "RESOURCE_EXHAUSTED", "slow down")
        self.reply(429, error, [("Retry-After", "99999999999999999999")])


def sent(n):
    return {"id": f"msg_{n}", "threadId": f"thr_{n}", "labelIds": ["SENT"]}


class Upstream:
    """The server. `gate` holds the slow answers back; `bearers`, when set, are the only ones;
    `readable` is whether they may read.

    `tls` is the SSLContext of one that is reached at its real name.
    """

    handler = Handler

    def __init__(self, port=0, tls=None):
        self.requests = []
        self.mailbox = []
        self.n_lists = 0
        self.failures = []
        self.bearers = None
        self.readable = False
        self.gate = threading.Event()
        self.closing = threading.Event()
        self._changed = threading.Condition()
        self._server = None
        self._tls = tls
        self.port = port
        self.listen()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.gate.set()
        self.refuse()
        assert not self.failures, self.failures

    def listen(self):
        self._server = Server(("127.0.0.1", self.port), self.handler)
        self._server.upstream = self
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self):
        """Nobody listens any more, until listen(); open connections end."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def check(self, request):
        """Refuses what Gmail would refuse; parses the rest."""
        if request.path not in FORMS:
            raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
        self.check_bearer(request.headers)
        content_type = request.headers.get("Content-Type", "")
        data, request.thread_id = take_request(request.path, content_type, request.body)
        request.message = parse_message(data)
        request.fault = fault_of(request.message)

    def check_bearer(self, headers):
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or (self.bearers is not None and bearer not in self.bearers):
            raise Refusal(401, "authError", "UNAUTHENTICATED", "Invalid Credentials")

    def keep(self, request, n=None, lists=0):
        """Delivers it. What is told of it is another matter."""
        with self._changed:
            name = f"msg_{n or len(self.requests)}"
            sent_mail = Sent(name, request.message, time.time(), self.n_lists + lists)
            self.mailbox.append(sent_mail)

    def read(self, path, headers):
        """messages.list and messages.get, as far as somebody needs them who looks for a mail."""
        url = urllib.parse.urlsplit(path)
        query = urllib.parse.parse_qs(url.query, strict_parsing=True)
        name = url.path.removeprefix(MESSAGES)
        self.check_bearer(headers)
        if not self.readable:
            raise Refusal(403, "insufficientPermissions", "PERMISSION_DENIED", "scope")
        with self._changed:
            return self.list(query) if name == "" else self.get(name.removeprefix("/"), query)

    def list(self, query):
        size = int(query.pop("maxResults", ["100"])[0])
        if query != {"labelIds": ["SENT"], "includeSpamTrash": ["true"]}:
            raise bad(f"list: {query}")
        self.n_lists += 1
        found = [{"id": m.message_id, "threadId": "t"} for m in reversed(self.mailbox)
                 if m.lists < self.n_lists]
        answer = {"messages": found[:size]} if found else {}
        if len(found) > size:
            answer["nextPageToken"] = "1"
        return {**answer, "resultSizeEstimate": len(found)}

    def get(self, name, query):
        if query.get("format") != ["metadata"]:
            raise bad(f"get: {query}")
        for mail in self.mailbox:
            if mail.message_id == name:
                return mail.metadata([n.lower() for n in query.get("metadataHeaders", [])])
        raise Refusal(404, "notFound", "NOT_FOUND", "Requested entity was not found.")

    def record(self, request):
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            return len(self.requests)

    def to(self, address):
        """What was sent to that address."""
        with self._changed:
            return [r for r in self.requests if r.message and r.message["To"] == address]

    def wait_for(self, address, n=1):
        """Waits until n requests to that address have come in."""

        def there():
            return sum(1 for r in self.requests if r.message and r.message["To"] == address) >= n

        with self._changed:
            if not self._changed.wait_for(there, TIMEOUT):
                raise TimeoutError(f"nothing for {address}")

    def wait_count(self, n):
        """Waits until n requests have come in altogether."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= n, TIMEOUT):
                raise TimeoutError(f"{len(self.requests)} of {n} requests")
