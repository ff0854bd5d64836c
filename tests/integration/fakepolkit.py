# SPDX-License-Identifier: MIT
"""A system bus with nobody on it but polkit, which says what a test says, when it says so.

Where the engine's own bookkeeping is tested; what polkit decides, tests/system asks the real one.
D-Bus as in its specification, as far as sd-bus needs it: one client at a time for each connection,
little endian, the basic types, arrays, structs and variants.
"""

import os
import pathlib
import socket
import struct
import tempfile
import threading

from engine import until

CALL, REPLY = 1, 2
FIXED = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d",
         "h": "I"}
# What CheckAuthorization gives: is authorized, is a challenge.
VERDICTS = {"yes": (1, 0), "ask": (0, 1), "no": (0, 0)}


def one_type(signature):
    """The first complete type of a signature, and the rest."""
    if signature[0] == "a":
        inner, rest = one_type(signature[1:])
        return "a" + inner, rest
    if signature[0] in "({":
        depth = 0
        for i, c in enumerate(signature):
            depth += (c in "({") - (c in ")}")
            if depth == 0:
                return signature[: i + 1], signature[i + 1 :]
    return signature[0], signature[1:]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def align(self, n):
        self.at = (self.at + n - 1) // n * n

    def fixed(self, code):
        size = struct.calcsize(code)
        self.align(size)
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += size
        return value

    def text(self, length_code):
        n = self.fixed(length_code)
        value = self.data[self.at : self.at + n].decode()
        self.at += n + 1
        return value

    def many(self, signature):
        values = []
        while signature:
            first, signature = one_type(signature)
            values.append(self.value(first))
        return values

    def value(self, kind):
        if kind in FIXED:
            return self.fixed(FIXED[kind])
        if kind in "so":
            return self.text("I")
        if kind == "g":
            return self.text("B")
        if kind == "v":
            return self.value(self.text("B"))
        if kind[0] in "({":
            self.align(8)
            return tuple(self.many(kind[1:-1]))
        size = self.fixed("I")
        self.align(8 if kind[1] in "({xtd" else 4)
        end, values = self.at + size, []
        while self.at < end:
            values.append(self.value(kind[1:]))
        return dict(values) if kind[1] == "{" else values


def padded(data, n=8):
    return data + bytes(-len(data) % n)


def string(text):
    return struct.pack("<I", len(text)) + text.encode() + b"\0"


def field(code, signature, value):
    """One header field, whose value is a string, a signature or a number."""
    start = struct.pack("<BB", code, 1) + signature.encode() + b"\0"
    if signature == "u":
        return start + struct.pack("<I", value)
    if signature == "g":
        return start + bytes([len(value)]) + value.encode() + b"\0"
    return start + string(value)


def message(kind, serial, reply_to, signature="", body=b""):
    fields = field(5, "u", reply_to)
    if signature:
        fields = padded(fields) + field(8, "g", signature)
    head = struct.pack("<cBBBIII", b"l", kind, 1, 1, len(body), serial, len(fields))
    return padded(head + fields) + body


class Question:
    """A CheckAuthorization that waits for its answer."""

    def __init__(self, bus, serial, body):
        self._bus, self._serial = bus, serial
        (_, self.subject), self.action, self.details, self.flags, self.cancellation_id = body
        self.is_cancelled = False

    def answer(self, verdict):
        body = padded(struct.pack("<III", *VERDICTS[verdict], 0))
        self._bus.send(REPLY, self._serial, "(bba{ss})", body)


class Bus:
    """One connection of the engine's."""

    def __init__(self, polkit, connection):
        self._polkit, self._socket = polkit, connection
        self._lock, self._serial, self._data = threading.Lock(), 0, b""

    def send(self, kind, reply_to, *rest):
        with self._lock:
            self._serial += 1
            self._socket.sendall(message(kind, self._serial, reply_to, *rest))

    def _more(self):
        data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 16)
        for descriptor in descriptors:
            os.close(descriptor)
        self._data += data
        return bool(data)

    def _take(self, n):
        while len(self._data) < n:
            if not self._more():
                raise EOFError
        taken, self._data = self._data[:n], self._data[n:]
        return taken

    def _authenticate(self):
        answers = {"DATA": "OK " + "0" * 32, "NEGOTIATE_UNIX_FD": "AGREE_UNIX_FD"}
        self._take(1)
        while True:
            while b"\r\n" not in self._data:
                if not self._more():
                    raise EOFError
            line, self._data = self._data.split(b"\r\n", 1)
            line = line.decode().strip()
            if line == "BEGIN":
                return
            answer = "DATA" if line == "AUTH EXTERNAL" else answers.get(line, answers["DATA"])
            self._socket.sendall(answer.encode() + b"\r\n")

    def _serve_one(self):
        start = self._take(16)
        body_size, serial, fields_size = struct.unpack("<III", start[4:])
        rest = self._take(-(-fields_size // 8) * 8 + body_size)
        reader = Reader(start[12:] + rest)
        reader.data = bytes(12) + start[12:] + rest  # aligned as in the message
        reader.at = 12
        fields = dict(reader.value("a(yv)"))
        body = Reader(rest[len(rest) - body_size :]).many(fields.get(8, ""))
        if start[1] == CALL:
            self._polkit.called(self, fields[3], serial, body)

    def serve(self):
        try:
            self._authenticate()
            while True:
                self._serve_one()
        except (EOFError, OSError):
            pass
        finally:
            self._socket.close()


class FakePolkit:
    """`decide(question)` gives "yes", "no" or "ask"; None: the test will answer the question."""

    def __init__(self, decide):
        self.decide = decide
        self.questions = []
        self._folder = tempfile.TemporaryDirectory(prefix="polkit-")
        self._path = pathlib.Path(self._folder.name) / "bus"
        self.address = f"unix:path={self._path}"

    def __enter__(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._folder.cleanup()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=Bus(self, connection).serve, daemon=True).start()

    def called(self, bus, member, serial, body):
        if member == "Hello":
            bus.send(REPLY, serial, "s", string(":1.1"))
        elif member == "CheckAuthorization":
            question = Question(bus, serial, body)
            self.questions.append(question)
            verdict = self.decide(question)
            if verdict:
                question.answer(verdict)
        else:
            for question in self.questions:
                if question.cancellation_id == body[0]:
                    question.is_cancelled = True
            bus.send(REPLY, serial)

    def open_questions(self, n, action):
        """The last n that were asked about it, once there are so many."""

        def asked():
            return [q for q in self.questions if q.action.endswith(action)]

        return until(asked, lambda questions: len(questions) >= n)[-n:]
