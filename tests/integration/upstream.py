# SPDX-License-Identifier: MIT
"""A Gmail that is as strict as Gmail's documentation, and that fails on demand.

The local part of the first recipient, up to a '+', names what happens: `hang+7@example.com` gets no
answer. A local part that is no fault's name is delivered. Everything that came in is recorded.
The mail and the drafts can be read where the token is one that may (`readable`). What happens to the
chunks of an upload, one after the other, stands in `chunk_faults`.
"""

import base64
import dataclasses
import email
import email.policy
import json
import re
import secrets
import socket
import struct
import sys
import threading
import time
import urllib.parse
import zlib

from fake import TIMEOUT, FakeHandler, Server, reserve

USER = "/gmail/v1/users/me"
MESSAGES = f"{USER}/messages"
DRAFTS = f"{USER}/drafts"
SEND = f"{MESSAGES}/send"
RESUMABLE = "?uploadType=resumable"
UPLOAD = f"/upload{SEND}{RESUMABLE}"
MAX_UPLOAD = 36_700_160
CHUNK_UNIT = 256 << 10
SELF = "me@example.com"

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
    draft: bool = False
    session: "Session | None" = None
    n: int = 0  # which of all it was


@dataclasses.dataclass
class Session:
    """An upload that was begun."""

    path: str
    draft: bool
    thread_id: str | None
    size: int
    data: bytearray = dataclasses.field(default_factory=bytearray)
    answer: dict | None = None  # when it is complete, and carried out


@dataclasses.dataclass
class Mail:
    message_id: str
    message: email.message.EmailMessage
    time: float
    lists: int = 0  # it is in no list before so many have been asked for: an index that is late
    labels: tuple = ("SENT",)
    thread_id: str = ""
    told: dict = dataclasses.field(default_factory=dict)  # headers that are told as no parser would

    def metadata(self, names):
        headers = [{"name": name, "value": value}
                   for name, value in [*self.told.items(), *self.message.items()]
                   if names is None or name.lower() in names]
        return {
            "id": self.message_id,
            "threadId": self.thread_id or self.message_id.replace("msg", "thr"),
            "labelIds": list(self.labels),
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


def take_json(body, draft):
    """The message in `raw`, or None, and the thread's id, or None."""
    resource = parse_json(body, {"message"} if draft else {"raw", "threadId"})
    if draft:
        resource = resource["message"]
        if not isinstance(resource, dict) or not set(resource) <= {"raw", "threadId"}:
            raise bad("message")
    raw, thread_id = resource.get("raw"), resource.get("threadId")
    if thread_id is not None and not (isinstance(thread_id, str) and thread_id):
        raise bad("threadId")
    if raw is None:
        return None, thread_id
    if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", raw):
        raise bad("raw is not base64url")
    return base64.urlsafe_b64decode(raw + "=" * (-len(raw.rstrip("=")) % 4)), thread_id


def check_type(content_type):
    if not re.fullmatch(r"application/json(; *charset=utf-8)?", content_type, re.IGNORECASE):
        raise Refusal(400, "badRequest", "INVALID_ARGUMENT", "Content-Type")


def take_request(path, content_type, body):
    """The message in a send request, as bytes, and the thread's id; a Refusal where Gmail has a
    right to one."""
    if path not in (SEND, DRAFTS):
        raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
    check_type(content_type)
    if len(body) > MAX_UPLOAD:
        raise Refusal(413, "uploadTooLarge", "INVALID_ARGUMENT", "Request Entity Too Large")
    data, thread_id = take_json(body, path == DRAFTS)
    if data is None:
        raise bad("raw is missing")
    return data, thread_id


def begin_upload(path, headers, body):
    """The session that such a request begins."""
    method = path.removeprefix("/upload").removesuffix(RESUMABLE)
    if path != f"/upload{method}{RESUMABLE}" or method not in (SEND, DRAFTS):
        raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
    check_type(headers.get("Content-Type", ""))
    size = headers.get("X-Upload-Content-Length", "")
    if headers.get("X-Upload-Content-Type") != "message/rfc822" or not re.fullmatch(r"\d+", size):
        raise bad("X-Upload-Content-Type, X-Upload-Content-Length")
    if int(size) > MAX_UPLOAD:
        raise Refusal(413, "uploadTooLarge", "INVALID_ARGUMENT", "Request Entity Too Large")
    data, thread_id = take_json(body, method == DRAFTS)
    if data is not None:
        raise bad("raw beside an upload")
    session = f"{path}&upload_id={secrets.token_urlsafe(24)}"
    return Session(session, method == DRAFTS, thread_id, int(size))


def check_chunk(session, headers, body):
    """Whether it is a chunk; else it is the question what has arrived."""
    if len(body) != int(headers.get("Content-Length", -1)):
        raise bad("Content-Length")
    content_range = headers.get("Content-Range", "")
    if content_range == f"bytes */{session.size}" and not body:
        return False
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", content_range)
    if not found:
        raise bad(f"Content-Range: {content_range}")
    first, last, size = map(int, found.groups())
    if size != session.size or first != len(session.data) or last - first + 1 != len(body):
        raise bad(f"Content-Range: {content_range}, of {session.size}, {len(session.data)} there")
    if last + 1 != size and (last + 1 > size or len(body) % CHUNK_UNIT):
        raise bad(f"a chunk of {len(body)}")
    return True


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
    return message


def check_recipients(message):
    if not any(message.get_all(name) for name in ("To", "Cc", "Bcc")):
        raise bad("Recipient address required")


def fault_of(message):
    recipients = message.get("To") or message.get("Cc") or message.get("Bcc")
    return recipients.addresses[0].username.split("+")[0] if recipients else ""


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
            if self.path.startswith("/upload/"):
                upstream.check_bearer(self.headers)
                session = begin_upload(self.path, self.headers, body)
                upstream.record(request)
                upstream.sessions[session.path] = session
                self.reply(200, b"", [("Location", upstream.location(session))])
                return
            upstream.check(request)
        except Refusal as refusal:
            upstream.record(request)
            self.reply(refusal.answer[0], google_error(*refusal.answer))
            return
        self.carry_out(request)

    def do_PUT(self):
        upstream = self.server.upstream
        body = self.read_body()
        request = Request("PUT", self.path, self.headers, body)
        try:
            upstream.check_bearer(self.headers)
            request.session = session = upstream.sessions.get(self.path)
            if not session:
                raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
            is_chunk = check_chunk(session, self.headers, body)
        except Refusal as refusal:
            upstream.record(request)
            self.reply(refusal.answer[0], google_error(*refusal.answer))
            return
        fault = upstream.chunk_faults.pop(0) if upstream.chunk_faults else ""
        getattr(self, "chunk_" + fault)(request, is_chunk)

    def chunk_(self, request, is_chunk):
        """All is well: it is taken, and told what has arrived, or what became of the whole."""
        session = request.session
        if is_chunk and len(session.data) + len(request.body) == session.size:
            self.complete(request)
            return
        session.data += request.body
        self.server.upstream.record(request)
        self.tell(session)

    def chunk_lose(self, request, _):
        """It is taken, and nobody is told."""
        self.close_connection = True
        request.session.data += request.body
        self.server.upstream.record(request)

    def chunk_part(self, request, _):
        request.session.data += request.body[:CHUNK_UNIT]
        self.server.upstream.record(request)
        self.tell(request.session)

    def chunk_partlose(self, request, _):
        request.session.data += request.body[:CHUNK_UNIT]
        self.chunk_drop(request, _)

    def chunk_drop(self, request, _):
        self.close_connection = True
        self.server.upstream.record(request)

    def chunk_503(self, request, _):
        self.server.upstream.record(request)
        self.reply(503, google_error(503, "backendError", "UNAVAILABLE", "as you asked"))

    def chunk_gone(self, request, _):
        del self.server.upstream.sessions[self.path]
        self.server.upstream.record(request)
        self.reply(404, google_error(404, "notFound", "NOT_FOUND", "as you asked"))

    def chunk_401(self, request, _):
        self.server.upstream.record(request)
        self.reply(401, google_error(401, "authError", "UNAUTHENTICATED", "as you asked"))

    def chunk_range(self, request, _):
        self.server.upstream.record(request)
        self.reply(308, b"", [("Range", "bytes=0-999999999")])

    def chunk_done(self, request, _):
        self.server.upstream.record(request)
        self.reply(200, sent(1))

    def tell(self, session):
        if session.answer:
            self.reply(200, session.answer)
            return
        arrived = [("Range", f"bytes=0-{len(session.data) - 1}")] if session.data else []
        self.reply(308, b"", arrived)

    def complete(self, request):
        """The whole message is there; it is taken only if it is kept."""
        session = request.session
        request.draft, request.thread_id = session.draft, session.thread_id
        try:
            self.server.upstream.take(request, bytes(session.data) + request.body)
        except Refusal as refusal:
            self.server.upstream.record(request)
            self.reply(refusal.answer[0], google_error(*refusal.answer))
            return
        self.carry_out(request)

    def carry_out(self, request):
        upstream = self.server.upstream
        upstream.record(request)
        if request.fault in ERRORS:
            status, reason, word = ERRORS[request.fault]
            self.reply(status, google_error(status, reason, word, "as you asked"))
        elif play := getattr(self, "play_" + request.fault, None):
            play(request)
        else:
            upstream.keep(request)
            self.reply(200, answer_to(request))

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

    def play_partly(self, _):
        upstream = self.server.upstream
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"id":"msg_1","thr')
        upstream.is_half_sent = True
        upstream.gate.wait(TIMEOUT)

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


def kept(n):
    message = {"id": f"msg_{n}", "threadId": f"thr_{n}", "labelIds": ["DRAFT"]}
    return {"id": f"r-{n}", "message": message}


def answer_to(request):
    return kept(request.n) if request.draft else sent(request.n)


class Upstream:
    """The server. `gate` holds the slow answers back; `bearers`, when set, are the only ones;
    `readable` is whether they may read.

    `tls` is the SSLContext of one that is reached at its real name.
    """

    handler = Handler

    def __init__(self, port=0, tls=None):
        self.requests = []  # a test may clear it
        self.n_requests = 0
        self.mailbox = []
        self.drafts = []
        self.sessions = {}
        self.chunk_faults = []
        self.location = lambda session: self.url + session.path
        self.n_lists = 0
        self.is_half_sent = False
        self.failures = []
        self.bearers = None
        self.readable = False
        self.gate = threading.Event()
        self.closing = threading.Event()
        self._changed = threading.Condition()
        self._server = None
        self._tls = tls
        self._held = reserve(port)
        self.port = self._held.getsockname()[1]
        self.listen()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.gate.set()
        self.refuse()
        self._held.close()
        assert not self.failures, self.failures

    def listen(self):
        self._server = Server(("127.0.0.1", self.port), self.handler)
        self._server.upstream = self
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self):
        """Nobody listens any more, until listen(); open connections end."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def check(self, request):
        """Refuses what Gmail would refuse; parses the rest."""
        if request.path not in (SEND, DRAFTS):
            raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
        self.check_bearer(request.headers)
        content_type = request.headers.get("Content-Type", "")
        request.draft = request.path == DRAFTS
        data, request.thread_id = take_request(request.path, content_type, request.body)
        self.take(request, data)

    def take(self, request, data):
        request.message = parse_message(data)
        if not request.draft:
            check_recipients(request.message)
        request.fault = fault_of(request.message)

    def check_bearer(self, headers):
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or (self.bearers is not None and bearer not in self.bearers):
            raise Refusal(401, "authError", "UNAUTHENTICATED", "Invalid Credentials")

    def keep(self, request, lists=0):
        """Delivers it. What is told of it is another matter."""
        with self._changed:
            mail = Mail(f"msg_{request.n}", request.message, time.time(), self.n_lists + lists)
            (self.drafts if request.draft else self.mailbox).append(mail)
            if request.session:
                request.session.answer = answer_to(request)

    def receive(self, name, text, labels=("INBOX",)):
        """A message that somebody may answer to, in the thread that has its name and a t."""
        message = email.message_from_string(text, policy=email.policy.SMTP)
        self.mailbox.append(Mail(name, message, time.time(), 0, labels, name + "t"))

    def read(self, path, headers):
        """The methods for reading, as far as somebody needs them who looks for a mail or answers
        one."""
        url = urllib.parse.urlsplit(path)
        query = urllib.parse.parse_qs(url.query, strict_parsing=bool(url.query))
        self.check_bearer(headers)
        if not self.readable:
            raise Refusal(403, "insufficientPermissions", "PERMISSION_DENIED", "scope")
        folder, _, name = url.path.removeprefix(USER + "/").partition("/")
        with self._changed:
            if (folder, name) == ("profile", "") and not query:
                return {"emailAddress": SELF, "messagesTotal": len(self.mailbox)}
            if folder == "drafts":
                return self.get_draft(name, query) if name else self.list_drafts(query)
            if folder != "messages":
                raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
            return self.get(name, query) if name else self.list(query)

    def page(self, name, found, size):
        self.n_lists += 1
        answer = {name: found[:size]} if found else {}
        if len(found) > size:
            answer["nextPageToken"] = "1"
        return {**answer, "resultSizeEstimate": len(found)}

    def list(self, query):
        size = int(query.pop("maxResults", ["100"])[0])
        if query != {"labelIds": ["SENT"], "includeSpamTrash": ["true"]}:
            raise bad(f"list: {query}")
        found = [{"id": m.message_id, "threadId": "t"} for m in reversed(self.mailbox)
                 if "SENT" in m.labels and m.lists <= self.n_lists]
        return self.page("messages", found, size)

    def list_drafts(self, query):
        size = int(query.pop("maxResults", ["100"])[0])
        if query != {"includeSpamTrash": ["true"]}:
            raise bad(f"list: {query}")
        found = [{"id": m.message_id.replace("msg_", "r-"), "message": {"id": m.message_id}}
                 for m in self.drafts if m.lists <= self.n_lists]
        return self.page("drafts", found, size)

    def get(self, name, query):
        if query.get("format") != ["metadata"]:
            raise bad(f"get: {query}")
        for mail in self.mailbox:
            if mail.message_id == name:
                return mail.metadata([n.lower() for n in query.get("metadataHeaders", [])])
        raise Refusal(404, "notFound", "NOT_FOUND", "Requested entity was not found.")

    def get_draft(self, name, query):
        if query != {"format": ["metadata"]}:
            raise bad(f"get: {query}")
        for mail in self.drafts:
            if mail.message_id.replace("msg_", "r-") == name:
                return {"id": name, "message": mail.metadata(None)}
        raise Refusal(404, "notFound", "NOT_FOUND", "Requested entity was not found.")

    def record(self, request):
        with self._changed:
            self.requests.append(request)
            self.n_requests += 1
            request.n = self.n_requests
            self._changed.notify_all()

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
