# SPDX-License-Identifier: MIT
"""What the black-box suites of actionctl share: an engine that says what a test tells it to."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AE_BUILD", TOP / "build")).resolve()
ACTIONCTL = BUILD / "src/actionctl/actionctl"
TIMEOUT = 60

SUCCESS, REFUSED, USAGE, UNREACHABLE, RETRY, UNKNOWN = range(6)

AUTHENTICATED = {"status": "success", "result": {"user_id": "u"}}
HANG_UP = object()
# Whatever a test performs is there, and takes any payload.
ANYTHING = {"actions": [{"platform": platform, "action_type": action_type, "payload_schema": {}}
                        for platform, action_type in (("gmail", "send_email"), ("p", "a"))]}


def error(code, retryable=False, **more):
    return {"request_id": "0193", "status": "error",
            "error": {"code": code, "message": "it did not work", "retryable": retryable, **more}}


def success(result):
    return {"request_id": "0193", "status": "success", "result": result}


class FakeEngine(contextlib.ExitStack):
    """Answers each op with what `answers` has for it: a response, bytes to send as they are,
    HANG_UP, or what makes one of these of the request. Keeps what it was sent in `requests`."""

    def __init__(self):
        super().__init__()
        self.directory = self.enter_context(tempfile.TemporaryDirectory())
        self.path = os.path.join(self.directory, "engine.sock")
        self.answers = {"authenticate": AUTHENTICATED, "list_actions": success(ANYTHING)}
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        self.callback(self.stop)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(TIMEOUT)
        self.listener.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                with contextlib.suppress(OSError):
                    self.converse(connection, lines)

    def converse(self, connection, lines):
        for line in lines:
            request = json.loads(line)
            self.requests.append(request)
            answer = self.answers.get(request["op"], error("unknown_op"))
            if callable(answer):
                answer = answer(request)
            if answer is HANG_UP:
                return
            if not isinstance(answer, bytes):
                answer = json.dumps({"id": request["id"], **answer}).encode() + b"\n"
            connection.sendall(answer)


def read_terminal(terminal):
    """All that was written to a terminal, whose other side is closed; a read may give a part."""
    parts = []
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts)


class Case(unittest.TestCase):
    def setUp(self):
        self.engine = self.enterContext(FakeEngine())
        self.directory = self.enterContext(tempfile.TemporaryDirectory())

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def run_ctl(self, *arguments, code=SUCCESS, stdin="", env=None, pass_fds=()):
        """Returns (stdout, stderr). Never without a reason where it fails."""
        p = subprocess.run([ACTIONCTL, *arguments], input=stdin, capture_output=True, text=True,
                           timeout=TIMEOUT, pass_fds=pass_fds,
                           env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                                "ACTION_ENGINE_SOCKET": self.engine.path, **(env or {})})
        self.assertEqual(p.returncode, code, p)
        if code != SUCCESS:
            self.assertRegex(p.stderr, r"^actionctl: ", p)
        return p.stdout, p.stderr

    def ask(self, op, answer, *arguments, **more):
        """One call with one answer. Returns (stdout, stderr, the request)."""
        self.engine.answers[op] = answer
        out, err = self.run_ctl(*arguments, **more)
        return out, err, self.engine.requests[-1]
