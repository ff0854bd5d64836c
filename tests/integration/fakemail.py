# SPDX-License-Identifier: MIT
"""A mail server that does what it is told to, and notes each fault of who talks to it.

For what no real server does on demand: to vanish, to stall, to talk nonsense. `play` says what
comes in the place of the usual reply, by the step: greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA,
message (its last line has come), QUIT. Bytes are sent, CLOSE and HANG are done, a function decides.
"""

import base64
import socket
import ssl
import threading
import warnings

TIMEOUT = 60
CLOSE = object()
HANG = object()


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    OLD_TLS = ssl.TLSVersion.TLSv1


def allow_old_tls(context):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = OLD_TLS
    context.set_ciphers("ALL:@SECLEVEL=0")


class Session:
    def __init__(self):
        self.commands = []
        self.login = []  # what AUTH brought, decoded
        self.message = None
        self.tls = False
        self.ended = threading.Event()


class FakeMail:
    FEATURES = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN XOAUTH2")

    def __init__(self, folder, tls, old=False):
        """`folder` has its certificate; `tls`: at once; `old`: of version 1.0."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            allow_old_tls(self._context)
            self._context.maximum_version = OLD_TLS
        self._context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self._tls = tls
        self.reset()

    def reset(self, features=FEATURES, **play):
        self.features, self.play = features, play
        self.sessions, self.faults = [], []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        session = Session()
        self.sessions.append(session)
        connection.settimeout(TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._tls:
                connection = self._encrypt(connection, session)
            Talk(self, session, connection).run()
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            connection.close()
            session.ended.set()

    def _encrypt(self, connection, session):
        connection = self._context.wrap_socket(connection, server_side=True)
        session.tls = True
        return connection

    def session(self):
        """The one session there was, when it is over."""
        assert len(self.sessions) == 1, len(self.sessions)
        assert self.sessions[0].ended.wait(TIMEOUT)
        assert not self.faults, self.faults
        return self.sessions[0]


class Talk:
    def __init__(self, fake, session, connection):
        self.fake, self.session = fake, session
        self._connect(connection)

    def _connect(self, connection):
        self.connection = connection
        self.buffer = b""

    def fault(self, text):
        self.fake.faults.append(text)

    def answer(self, step, usual, argument=b""):
        """Sends; says whether the usual was sent."""
        said = self.fake.play.get(step, usual)
        if callable(said):
            said = said(argument)
        said = usual if said is None else said
        if said is CLOSE:
            raise EOFError
        if said is HANG:
            while self.connection.recv(4096):
                pass
            raise EOFError
        self.connection.sendall(said)
        return said == usual

    def line(self):
        while b"\n" not in self.buffer:
            data = self.connection.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        if not line.endswith(b"\r") or b"\r" in line[:-1] or b"\0" in line:
            self.fault(f"not a line: {line!r}")
        return line[:-1]

    def run(self):
        self.answer("greeting", b"220 fake.test ESMTP\r\n")
        while True:
            line = self.line()
            verb = line.split(b" ")[0].split(b":")[0].decode("ascii", "replace").upper()
            self.session.commands.append(line.decode("utf-8", "replace"))
            step = getattr(self, f"on_{verb}", None)
            if not step:
                self.fault(f"not a command: {line!r}")
                raise EOFError
            if verb in ("MAIL", "RCPT", "DATA") and not self.session.tls:
                self.fault(f"in the clear: {line!r}")
            if self.buffer and (verb == "DATA" or "PIPELINING" not in self.fake.features):
                self.fault(f"talks before its turn: {self.buffer[:20]!r}")
            step(line)

    def on_EHLO(self, line):
        if line != b"EHLO [127.0.0.1]":
            self.fault(f"greets as {line!r}")
        features = list(self.fake.features)
        if not self.session.tls:
            features = ["STARTTLS", *(f for f in features if not f.startswith("AUTH"))]
        lines = ["fake.test", *features]
        text = "".join(f"250{'-' if i + 1 < len(lines) else ' '}{line}\r\n"
                       for i, line in enumerate(lines))
        self.answer("EHLO", text.encode())

    def on_HELO(self, _):
        self.answer("HELO", b"250 fake.test\r\n")

    def on_STARTTLS(self, _):
        if self.answer("STARTTLS", b"220 go ahead\r\n"):
            self._connect(self.fake._encrypt(self.connection, self.session))

    def on_AUTH(self, line):
        if not self.session.tls:
            self.fault("a login in the clear")
        prompts = {b"PLAIN": [b""], b"LOGIN": [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"], b"XOAUTH2": [b""]}
        words = line.split(b" ")
        given = words[2:]
        for prompt in prompts[words[1]][len(given):]:
            self.connection.sendall(b"334 " + prompt + b"\r\n")
            given.append(self.line())
        self.session.login = [base64.b64decode(word, validate=True) for word in given]
        self.answer("AUTH", b"235 welcome\r\n", given)

    def on_MAIL(self, line):
        self.answer("MAIL", b"250 sender ok\r\n", line)

    def on_RCPT(self, line):
        self.answer("RCPT", b"250 recipient ok\r\n", line)

    def on_DATA(self, _):
        if not self.answer("DATA", b"354 go on\r\n"):
            return
        lines = []
        while (line := self.line()) != b".":
            if len(line) > 999:
                self.fault("a line is too long")
            lines.append(line[1:] if line.startswith(b".") else line)
        self.session.message = b"\r\n".join(lines) + b"\r\n"
        self.answer("message", b"250 2.0.0 queued as 4711\r\n")

    def on_QUIT(self, _):
        self.answer("QUIT", b"221 bye\r\n")
        raise EOFError
