# SPDX-License-Identifier: MIT
"""Out to the network, by the engine as it runs: whom it speaks to, by which way, and what one user's
request leaves behind for the next one's."""

import contextlib
import fcntl
import json
import pathlib
import shutil
import smtplib
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
from fakemail import FakeMail, allow_old_tls
from front import Front
from mailserver import make_authority
from upstream import Upstream

GMAIL = {"platform": "gmail"}
PASSWORD = "s3cret-of-"
ESTABLISHED = b"\1"  # what TCP_INFO begins with


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
        self.has_answered = threading.Event()
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
        records, later, has_answered = self.records, self.later, self.has_answered
        self.records, self.later = [], b""
        try:
            for record in records or answer(f"answer-{len(self.requests)}"):
                tls.sendall(record)
            self._wait_taken(tls)
        finally:  # or the other side has ended it before
            has_answered.set()
        if later:
            self.may_go_on.wait(TIMEOUT)
            tls.sendall(later)
            self._wait_taken(tls)
            self.has_gone_on.set()

    @staticmethod
    def _wait_taken(tls):
        """Until all that was sent is there, or the other side has ended the connection."""

        def left():
            if tls.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != ESTABLISHED:
                return 0
            return struct.unpack("i", fcntl.ioctl(tls.fileno(), termios.TIOCOUTQ, bytes(4)))[0]

        until(left, lambda n: n == 0)

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
    def start(cls, url, ca_file, more="", variables=None):
        config = f"[Http]\nCaFile={ca_file}\n[Adapter gmail]\nBaseUrl={url}\n{more}"
        cls.stack = cls.enterClassContext(Stack(config, "http://127.0.0.1:9",
                                                variables=variables))
        cls.token = jws.token(cls.stack.key("anybody"), sub="root", users=["*"])

    def setUp(self):
        self.c = self.enterContext(self.stack.connect(self.token))

    def join(self, *users):
        for user in users:
            self.c.result({"op": "auth_token", **GMAIL, "user_id": user,
                           "credential": {"access_token": f"token-of-{user}"}})

    def join_mailbox(self, user, server, tls):
        self.c.result({"op": "auth_token", "platform": "smtp", "user_id": user, "credential": {
            "host": "127.0.0.1", "port": server.port, "security": "tls" if tls else "starttls",
            "username": f"{user}@mail.test", "password": PASSWORD + user}})


def mail(user, subject="Hello!"):
    payload = {"to": "grace@mail.test", "subject": subject, "body": "How are you?"}
    return {"platform": "smtp", "action_type": "send_email", "user_id": user, "payload": payload}


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
                self.assertTrue(self.outside.has_answered.wait(TIMEOUT))
                if later:
                    self.outside.may_go_on.set()
                    self.assertTrue(self.outside.has_gone_on.wait(TIMEOUT))
                response = self.c.result(email(user_id="bob"))
                self.assertEqual(response["message_id"], "answer-2")
                (first, ada), (second, bob) = self.outside.requests
                self.assertEqual((ada, bob), ("Bearer token-of-ada", "Bearer token-of-bob"))
                self.assertEqual(first == second, (records, later) == ((head, body), b""))


@unittest.skipIf(Front.lacks(), "there is no nginx")
class UsersHttp1(Case):
    """Who asks by a connection that another has used, or uses, asks as nobody but himself."""

    HTTP2 = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())
        front = cls.enterClassContext(Front(cls.upstream.url, http2=cls.HTTP2))
        cls.start(front.url, front.ca_file)

    def taken(self):
        """The connections that were asked by; each request was its own user's."""
        requests, self.upstream.requests[:] = list(self.upstream.requests), []
        for request in requests:
            user = request.message["To"].partition("+")[2].partition("@")[0]
            self.assertEqual(request.headers.get_all("Authorization"), [f"Bearer token-of-{user}"])
        protocol = "HTTP/2.0" if self.HTTP2 else "HTTP/1.1"
        names = [request.headers["X-Connection"] for request in requests]
        self.assertEqual({name.partition("-")[0] for name in names}, {protocol})
        return names

    def test_in_turn(self):
        users = ["ada", "bob", "eve"]
        self.join(*users)
        for user in users * 6:
            self.c.result(email(f"to+{user}@example.com", user_id=user))
        names = self.taken()
        self.assertEqual((len(names), len(set(names))), (18, 1))

    def test_at_once(self):
        users = ["ada", "bob", "eve"]
        self.join(*users)
        self.c.result(email("to+ada@example.com", user_id="ada"))  # over HTTP/2 all others join it
        self.upstream.gate.clear()
        self.addCleanup(self.upstream.gate.set)
        started = [self.c.start(email(f"slow+{user}@example.com", user_id=user))
                   for user in users * 10]
        until(lambda: len(self.upstream.requests), lambda n: n == 31)
        self.upstream.gate.set()
        for one in started:
            self.assertEqual(self.c.finish(one)["status"], "success")
        names = self.taken()
        self.assertEqual(len(set(names)), 1 if self.HTTP2 else 30)


class UsersHttp2(UsersHttp1):
    HTTP2 = True


class Mailboxes(Case):
    """Mail servers: none is spoken to that is not who it should be, and each mail is a login."""

    KINDS = ("good", "expired", "self-signed", "unknown authority", "old")

    @classmethod
    def make(cls, kind):
        folder = cls.folder / kind
        folder.mkdir()
        if kind == "unknown authority":
            make_authority(folder)
        else:
            make_authority(folder, by=cls.folder, days=-1 if kind == "expired" else 2)
        if kind == "self-signed":
            shutil.copy(folder / "ca.pem", folder / "server.pem")
            shutil.copy(folder / "ca.key", folder / "server.key")
        return [cls.enterClassContext(FakeMail(folder, tls, old=kind == "old"))
                for tls in (False, True)]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.servers = {kind: cls.make(kind) for kind in cls.KINDS}
        ports = (server.port for pair in cls.servers.values() for server in pair)
        addresses = " ".join(f"127.0.0.1:{port}" for port in ports)
        cls.start("http://127.0.0.1:9", cls.folder / "ca.pem",
                  f"[Smtp]\nAllowAddress={addresses}\n")

    def setUp(self):
        super().setUp()
        for pair in self.servers.values():
            for server in pair:
                server.reset()

    def log_in(self, server, tls, old):
        """As a client does that does not care who is there."""
        context = ssl._create_unverified_context()
        if old:
            allow_old_tls(context)
        client = smtplib.SMTP_SSL if tls else smtplib.SMTP
        more = {"context": context} if tls else {}
        with client("127.0.0.1", server.port, "[127.0.0.1]", timeout=TIMEOUT, **more) as smtp:
            if not tls:
                smtp.starttls(context=context)
            smtp.login("a", "b")
            return True

    def test_who_is_not_spoken_to(self):
        for kind, pair in self.servers.items():
            for tls, server in enumerate(pair):
                with self.subTest(kind, tls=tls):
                    self.join_mailbox("ada", server, tls)
                    response = self.c.call(mail("ada"))
                    if kind == "good":
                        self.assertEqual(response["status"], "success", response)
                        continue
                    self.assertEqual(response["error"]["code"], "upstream_unreachable", response)
                    session = server.session()
                    said = [] if tls else ["EHLO [127.0.0.1]", "STARTTLS"]
                    self.assertEqual((session.commands, session.login, session.message),
                                     (said, [], None))

                    # It would have spoken to others, and all that was wrong is what it is called.
                    self.assertTrue(self.log_in(server, tls, old=kind == "old"))
                    if kind == "old":
                        self.assertRaises(ssl.SSLError, self.log_in, server, tls, old=False)

    def test_each_mail_has_its_own_login(self):
        users = ["ada", "bob", "eve"]
        for tls, server in enumerate(self.servers["good"]):
            with self.subTest(tls=tls):
                server.reset()
                for user in users:
                    self.join_mailbox(user, server, tls)
                for user in users * 2:
                    self.c.result(mail(user, f"of {user}"))
                started = [self.c.start(mail(user, f"of {user}")) for user in users * 3]
                for one in started:
                    self.assertEqual(self.c.finish(one)["status"], "success")

                self.assertEqual(len(server.sessions), 15)
                for session in server.sessions:
                    self.assertTrue(session.ended.wait(TIMEOUT))
                    verbs = [command.split(" ")[0] for command in session.commands]
                    self.assertEqual((verbs.count("AUTH"), verbs.count("MAIL")), (1, 1))
                    user = session.message.decode().partition("Subject: of ")[2][:3]
                    self.assertEqual(session.login, [f"\0{user}@mail.test\0{PASSWORD}{user}".encode()])
                self.assertEqual(server.faults, [])


class Proxies(Case):
    """Who writes the environment does not see what is sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trap = cls.enterClassContext(socket.create_server(("127.0.0.1", 0)))
        cls.trap.setblocking(False)
        cls.outside = cls.enterClassContext(Outside(cls.folder))
        cls.servers = [cls.enterClassContext(FakeMail(cls.folder, tls)) for tls in (False, True)]
        proxy = f"http://127.0.0.1:{cls.trap.getsockname()[1]}"
        names = "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "smtp_proxy"
        cls.variables = {**dict.fromkeys(names, proxy), "no_proxy": "x.example"}
        addresses = " ".join(f"127.0.0.1:{server.port}" for server in cls.servers)
        cls.start(cls.outside.url, cls.folder / "ca.pem", f"[Smtp]\nAllowAddress={addresses}\n",
                  variables=cls.variables)

    def test_nobody_is_asked_instead(self):
        with open(f"/proc/{self.stack.pid('engine')}/environ", encoding="utf-8") as file:
            found = dict(word.split("=", 1) for word in file.read().split("\0") if word)
        self.assertEqual({**found, **self.variables}, found)

        self.join("ada")
        self.c.result(email(user_id="ada"))
        for tls, server in enumerate(self.servers):
            self.join_mailbox("ada", server, tls)
            self.c.result(mail("ada"))
        self.assertEqual(len(self.outside.requests), 1)
        self.assertRaises(BlockingIOError, self.trap.accept)


if __name__ == "__main__":
    unittest.main()
