# SPDX-License-Identifier: MIT
"""Out to the network, by the engine as it runs: what is kept between two requests, and what is not."""

import contextlib
import fcntl
import json
import pathlib
import socket
import ssl
import struct
import tempfile
import termios
import threading
import unittest

import jws
from engine import Stack, email, until
from fake import TIMEOUT
from mailserver import make_authority

GMAIL = {"platform": "gmail"}


def answer(name, length=None):
    """What Gmail says of a mail that was sent; as head and body."""
    body = json.dumps({"id": name, "threadId": name, "labelIds": ["SENT"]}).encode()
    length = f"{len(body)}" if length is None else length
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return head.encode(), body


class Outside:
    """A Gmail with TLS that sends what it is told to, in records of just these bytes."""

    def __init__(self, folder):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.reset()

    def reset(self, records=(), later=b""):
        """The next answer, and what comes when it has been taken; all others are good."""
        self.records, self.later = list(records), later
        self.may_go_on, self.has_gone_on = threading.Event(), threading.Event()
        self.requests = []  # (number of the connection, bearer)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        number = 0
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                number += 1
                threading.Thread(target=self._serve, args=(connection, number),
                                 daemon=True).start()

    def _serve(self, connection, number):
        connection.settimeout(TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, EOFError), connection:
            with self._context.wrap_socket(connection, server_side=True) as tls:
                while True:
                    self._talk(tls, number)

    def _talk(self, tls, number):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive(tls)
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        while len(body) < int(fields["Content-Length"]):
            body += self._receive(tls)
        self.requests.append((number, fields["Authorization"]))
        for record in self.records or answer(f"answer-{len(self.requests)}"):
            tls.sendall(record)
        self.records, later, self.later = [], self.later, b""
        if later:
            self.may_go_on.wait(TIMEOUT)
            tls.sendall(later)
            until(lambda: struct.unpack("i", fcntl.ioctl(tls.fileno(), termios.TIOCOUTQ, bytes(4))),
                  lambda left: left == (0,))
            self.has_gone_on.set()

    @staticmethod
    def _receive(tls):
        data = tls.recv(65536)
        if not data:
            raise EOFError
        return data


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        make_authority(cls.folder)

    @classmethod
    def start(cls, url, ca_file, more=""):
        config = f"[Http]\nCaFile={ca_file}\n[Adapter gmail]\nBaseUrl={url}\n{more}"
        cls.stack = cls.enterClassContext(Stack(config, "http://127.0.0.1:9"))
        cls.token = jws.token(cls.stack.key("anybody"), sub="root", users=["*"])

    def setUp(self):
        self.c = self.enterContext(self.stack.connect(self.token))

    def join(self, *users):
        for user in users:
            self.c.result({"op": "auth_token", **GMAIL, "user_id": user,
                           "credential": {"access_token": f"token-of-{user}"}})


class Answers(Case):
    """One that is longer than it says answers nobody else's question."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = cls.enterClassContext(Outside(cls.folder))
        cls.start(cls.outside.url, cls.folder / "ca.pem")

    def test_what_is_too_much_is_nobodys(self):
        self.join("ada", "bob")
        head, body = answer("first")
        evil = b"".join(answer("evil"))
        twice, _ = answer("first", f"{len(body)}\r\nContent-Length: {len(body + evil)}")
        for records, later, result in (
            ((head, body), b"", "first"),
            ((head + body + evil,), b"", "first"),
            ((head, body + evil), b"", "first"),
            ((head + body, evil), b"", "first"),
            ((head + body[:9], body[9:] + evil), b"", "first"),
            ((head + body,), evil, "first"),
            ((head + body,), b"\n", "first"),
            ((twice + body + evil,), b"", None),
            ((twice, body, evil), b"", None),
        ):
            with self.subTest(records=records, later=later):
                self.outside.reset(records, later)
                response = self.c.call(email(user_id="ada"))
                if result:
                    self.assertEqual(response["result"]["message_id"], result, response)
                else:
                    self.assertEqual(response["error"]["code"], "outcome_unknown", response)
                if later:
                    self.outside.may_go_on.set()
                    self.assertTrue(self.outside.has_gone_on.wait(TIMEOUT))
                response = self.c.result(email(user_id="bob"))
                self.assertEqual(response["message_id"], "answer-2")
                (first, ada), (second, bob) = self.outside.requests
                self.assertEqual((ada, bob), ("Bearer token-of-ada", "Bearer token-of-bob"))
                self.assertEqual(first == second, (records, later) == ((head, body), b""))


if __name__ == "__main__":
    unittest.main()
