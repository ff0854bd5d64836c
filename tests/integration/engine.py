# SPDX-License-Identifier: MIT
"""A strict client of the engine, and a stack to talk to.

The client checks of every response what the protocol promises of every response, so that no test
has to. Nothing here sleeps: everything waits for a line, an end of file or a process, and gives up
after TIMEOUT seconds.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import shlex
import socket
import subprocess
import tempfile
import time

import jws

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = (TOP / os.environ.get("AE_BUILD", "build")).resolve()
TIMEOUT = 60

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

# Wire name: retryable; None where it depends on the action.
CODES = {
    "invalid_json": False,
    "invalid_request": False,
    "message_too_large": False,
    "unknown_op": False,
    "unauthenticated": False,
    "token_invalid": False,
    "token_expired": False,
    "forbidden": False,
    "approval_required": False,
    "approval_denied": False,
    "approval_timeout": False,
    "unsupported_platform": False,
    "unsupported_action": False,
    "invalid_payload": False,
    "not_connected": False,
    "reauthorization_required": False,
    "authorization_failed": False,
    "vault_unavailable": True,
    "policy_unavailable": True,
    "rate_limited": True,
    "overloaded": True,
    "deadline_exceeded": True,
    "cancelled": False,
    "upstream_unreachable": True,
    "upstream_timeout": True,
    "upstream_error": True,
    "upstream_rejected": False,
    "outcome_unknown": False,
    "not_found": False,
    "invalid_state": False,
    "internal": False,
}

SEND_SCOPE = "https://www.googleapis.com/auth/gmail.send"
READ_SCOPE = "https://www.googleapis.com/auth/gmail.readonly"

GMAIL_SEND = {"platform": "gmail", "action_type": "send_email"}


def email(to="user@example.com", **more):
    """The smallest request, with more fields of the envelope."""
    payload = {"to": to, "subject": "Hello!", "body": "How are you?"}
    return {**GMAIL_SEND, "payload": payload, **more}


def check_response(response):
    """What holds for every line that the engine sends."""
    assert isinstance(response, dict), response
    assert UUID7.fullmatch(response["request_id"]), response
    assert not ("id" in response and "line" in response), response
    assert response["status"] in ("success", "error"), response
    if response["status"] == "success":
        assert "result" in response and "error" not in response, response
        return
    error = response["error"]
    assert "result" not in response, response
    assert error["code"] in CODES, response
    assert error["retryable"] is CODES[error["code"]], response
    assert error["message"] and len(error["message"].encode()) < 512, response
    assert not re.search(r"[\x00-\x1f\x7f]", error["message"]), response
    assert "eyJ" not in error["message"] and "Bearer" not in error["message"], response


class Connection:
    """One connection. `call()` matches answers by id; answers nobody waited for are kept."""

    def __init__(self, where, token=None):
        """`where` is a path, or a socket that somebody has connected."""
        if isinstance(where, socket.socket):
            self.socket = where
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.connect(str(where))
        self.socket.settimeout(TIMEOUT)
        self._input = self.socket.makefile("rb")
        self._kept = {}
        self._n = 0
        if token:
            self.result({"op": "authenticate", "token": token})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._input.close()
        self.socket.close()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, request):
        self.send_bytes(json.dumps(request).encode() + b"\n")

    def end(self):
        """No more requests: half-closes."""
        self.socket.shutdown(socket.SHUT_WR)

    def read(self):
        """The next response, or None at the end."""
        line = self._input.readline()
        if not line:
            return None
        assert line.endswith(b"\n"), "the connection ended within a line"
        response = json.loads(line)
        check_response(response)
        return response

    def read_all(self):
        return list(iter(self.read, None))

    def start(self, request):
        """Sends with an id of its own, which it returns; `finish()` gives the answer."""
        self._n += 1
        request = {"id": f"c{self._n}", **request}
        self.send(request)
        return request["id"]

    def finish(self, request_id):
        while request_id not in self._kept:
            response = self.read()
            if response is None:
                raise EOFError(f"the connection ended before the answer to {request_id!r}")
            self._kept[response.get("id")] = response
        return self._kept.pop(request_id)

    def call(self, request):
        return self.finish(self.start(request))

    def result(self, request):
        response = self.call(request)
        assert response["status"] == "success", response
        return response["result"]

    def error(self, request):
        response = self.call(request)
        assert response["status"] == "error", response
        return response["error"]

    def code(self, request):
        return self.error(request)["code"]


class Stack:
    """What scripts/stack runs, in a folder of its own.

    `config` is laid over the engine's configuration, `google` a URL to use instead of the emulator,
    `credentials` what systemd would give to the engine, by name, `plain` more addresses that may be
    spoken to without TLS ("127.0.0.1:1234"), `variables` what the daemons have in their
    environment, `launcher` what starts them, such as "prlimit" with its options.
    """

    def __init__(
        self, config="", google=None, credentials=None, plain=(), variables=None, launcher=()
    ):
        self._launcher = launcher
        self._folder = tempfile.TemporaryDirectory(prefix="action-engine-")
        self.dir = pathlib.Path(self._folder.name) / "stack"
        environment = {**os.environ, "AE_BUILD": str(BUILD)}
        environment.setdefault("ASAN_OPTIONS", "abort_on_error=0:detect_stack_use_after_return=1:"
                               "verify_asan_link_order=0")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        if config:
            path = pathlib.Path(self._folder.name) / "extra.conf"
            path.write_text(config, encoding="utf-8")
            environment["STACK_CONFIG"] = str(path)
        environment["STACK_PLAIN_HTTP"] = " ".join(plain)
        environment["STACK_ENVIRONMENT"] = " ".join(f"{k}={v}" for k, v in (variables or {}).items())
        if google:
            environment["STACK_GOOGLE_URL"] = google
        self.credentials = credentials
        if credentials:
            folder = pathlib.Path(self._folder.name) / "credentials"
            folder.mkdir()
            for name, text in credentials.items():
                (folder / name).write_text(text, encoding="utf-8")
            environment["STACK_CREDENTIALS"] = str(folder)
        self._environment = environment

    def __enter__(self):
        self._run("up", self.dir)
        lines = (self.dir / "env").read_text(encoding="utf-8").splitlines()
        words = (shlex.split(line)[1] for line in lines)
        self.env = {**os.environ, **dict(word.split("=", 1) for word in words)}
        self.env["PATH"] = os.environ["PATH"]
        self.socket = self.dir / "engine.sock"
        self.keys = self.dir / "keys.d"
        self.token = self.env["ACTION_ENGINE_TOKEN"]
        self.google_url = self.env["GOOGLE_URL"]
        self.google_token = self.env["GOOGLE_TOKEN"]
        self.redirect = self.env["OAUTH_REDIRECT"]
        return self

    def __exit__(self, *failed):
        self._run("down", self.dir)
        try:
            if not any(failed):
                self.check_logs()
        finally:
            self._folder.cleanup()

    def _run(self, *arguments):
        done = subprocess.run(
            [*self._launcher, TOP / "scripts/stack", *map(str, arguments)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"scripts/stack {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def check_logs(self):
        """No sanitizer may have had a say, and no assertion."""
        for part in "engine", "vault", "grant":
            for line in self.log(part).splitlines():
                for word in "Sanitizer", "runtime error:", "Assertion", "core dumped":
                    assert word not in line, f"{part}: {self.log(part)[-4000:]}"

    def log(self, part):
        return (self.dir / "log" / f"{part}.log").read_text(encoding="utf-8", errors="replace")

    def pid(self, part):
        return int(self._run("pid", self.dir, part))

    def kill(self, part):
        self._run("kill", self.dir, part)

    def start(self, part):
        self._run("start", self.dir, part)

    @contextlib.contextmanager
    def without(self, part):
        """A while in which that part is dead."""
        self.kill(part)
        try:
            yield
        finally:
            self.start(part)

    def google_app(self):
        """The emulator's OAuth client, as the vaults keep it."""
        return json.loads((self.dir / "credentials/google-app.json").read_text(encoding="utf-8"))

    def vault(self, op, **fields):
        """What the vault answers to a line; here it takes anybody for engine and administrator."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT)
            connection.connect(self.env["ACTION_VAULT_SOCKET"])
            connection.sendall(json.dumps({"id": 1, "op": op, **fields}).encode() + b"\n")
            return json.loads(connection.makefile("rb").readline())

    def connect(self, token=None):
        """An authenticated connection, unless `token` is another or empty."""
        return Connection(self.socket, self.token if token is None else token)

    def open_to_all(self):
        """Any user may connect to the engine."""
        self.dir.parent.chmod(0o711)
        self.dir.chmod(0o711)
        self.socket.chmod(0o666)

    def connect_as(self, uid, token=None):
        """A connection of a process with another uid, which then is gone. Only root can."""
        self.open_to_all()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pid = os.fork()
            if pid == 0:
                with contextlib.suppress(BaseException):
                    os.setgroups([])
                    os.setgid(uid)
                    os.setuid(uid)
                    peer = socket.socket(socket.AF_UNIX)
                    peer.connect(str(self.socket))
                    socket.send_fds(theirs, [b"x"], [peer.fileno()])
                os._exit(0)
            theirs.close()
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
            os.waitpid(pid, 0)
        os.set_inheritable(fds[0], False)
        return Connection(socket.socket(fileno=fds[0]), token)

    def actionctl(self, *arguments, check=True, **options):
        done = subprocess.run(
            [self.env["ACTIONCTL"], *map(str, arguments)],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            **options,
        )
        assert not check or done.returncode == 0, (arguments, done)
        return done

    def key(self, kid):
        """A signing key that the engine will know: waits until it does."""
        key = jws.Key(kid)
        key.install(self.keys)
        with self.connect("") as connection:
            until(lambda: connection.call({"op": "authenticate", "token": jws.token(key)}),
                  lambda response: response["status"] == "success")
        return key

    def entries(self):
        """The journal entries that engine.log holds, as dictionaries."""
        for line in self.log("engine").splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry

    def audit(self, request_id, field="ACTION_REQUEST_ID"):
        """The one entry of a finished action; it is written behind the answer, so wait for it."""
        return until(
            lambda: [e for e in self.entries() if e.get(field) == request_id],
            lambda found: len(found) == 1,
        )[0]

    def audit_of_trace(self, parent):
        """The same, where nobody hears the request's id; see trace()."""
        return self.audit(parent.split("-")[1], "ACTION_TRACE_ID")


def trace():
    """A traceparent of one's own."""
    return f"00-{secrets.token_hex(16)}-b7ad6b7169203331-01"


def until(get, good):
    """Asks again and again for what comes a moment later by its nature, like a file's line."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        value = get()
        if good(value):
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {value!r}")
        time.sleep(0.005)


def wait_gone(pid):
    """Until the process has ended; one that only waits to be reaped has."""

    def state():
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return "X"
        return stat.rpartition(")")[2].split()[0]

    until(state, lambda letter: letter in "XZ")


def memory_kib(pid, field="VmRSS"):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE)[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
