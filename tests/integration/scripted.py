# SPDX-License-Identifier: MIT
"""A vault on a Unix socket that does what a test tells it to: the wire of action-vaultd, in memory.

    with ScriptedVault(apps={"google": provider.app()}) as vault:
        vault.script("exchange", {"status": "pending"}, Refusal("upstream_unreachable"))
        vault.records[("u1", "gmail", "default")]     # what is kept
        vault.asked("exchange")                       # the questions that came in

Each question is answered by a thread of its own, so that answers come as they are done. What is
not scripted is done as the real one does it, but that a code is redeemed without a provider.
"""

import contextlib
import json
import pathlib
import socket
import socketserver
import tempfile
import threading

from fake import TIMEOUT, Server

SECRET = {"client_secret"}


class Refusal(Exception):
    def __init__(self, code, message="as the test wants it"):
        super().__init__(code)
        self.value = {"code": code, "message": message, "retryable": False}


class ScriptedVault:
    def __init__(self, apps=None):
        self.apps = apps or {}
        self.records = {}
        self.failures = []
        self.gate = threading.Event()  # what is scripted as "hang" waits for it
        self._questions, self._script = [], []
        self._changed = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="action-engine-vault-")
        self.path = pathlib.Path(self._folder.name) / "vault.sock"
        self.config = f"[Vault]\nSocket={self.path}\n"

        class Lines(socketserver.StreamRequestHandler):
            def handle(self):
                lock = threading.Lock()
                with contextlib.suppress(OSError):
                    for line in self.rfile:
                        threading.Thread(target=self.server.upstream.serve, daemon=True,
                                         args=(json.loads(line), self.wfile, lock)).start()

        class Unix(Server):
            address_family = socket.AF_UNIX

        self._server = Unix(str(self.path), Lines)
        self._server.upstream = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()
        assert not self.failures, self.failures

    def script(self, op, *answers):
        """What the next questions of that op get, one each: members that are laid over the good
        result, a Refusal, or "hang"."""
        with self._changed:
            self._script += [(op, answer) for answer in answers]

    def asked(self, op):
        with self._changed:
            return self._of(op)

    def wait_asked(self, op, n=1):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._of(op)) >= n, TIMEOUT):
                raise TimeoutError(f"{op} is not asked {n} times")

    def _of(self, op):
        return [q for q in self._questions if q["op"] == op]

    def questions(self):
        """All that came in, but for how the vault itself is."""
        with self._changed:
            return [q for q in self._questions if q["op"] != "status" or "user_id" in q]

    def forget_questions(self):
        with self._changed:
            self._questions.clear()

    def forget(self):
        with self._changed:
            self._questions.clear()
            self._script.clear()
            self.records.clear()
            self.gate.clear()

    def _next(self, question):
        with self._changed:
            self._questions.append(question)
            self._changed.notify_all()
            for i, (op, answer) in enumerate(self._script):
                if op == question["op"]:
                    del self._script[i]
                    return answer
        return {}

    def serve(self, question, out, lock):
        answer = {"id": question["id"]}
        try:
            scripted = self._next(question)
            if scripted == "hang":
                self.gate.wait(TIMEOUT)
                scripted = {}
            if isinstance(scripted, Refusal):
                raise scripted
            result = getattr(self, "do_" + question["op"])(question, scripted)
            answer.update(status="success", result={**result, **scripted})
        except Refusal as refusal:
            answer.update(status="error", error=refusal.value)
        except Exception as e:  # pylint: disable=broad-except  # the test must hear of it
            self.failures.append(repr(e))
            return
        with contextlib.suppress(OSError, ValueError), lock:
            out.write(json.dumps(answer).encode() + b"\n")

    @staticmethod
    def _id(question):
        return {name: question[name] for name in ("user_id", "platform", "account")}

    def _record(self, question):
        record = self.records.get(tuple(self._id(question).values()))
        if record is None:
            raise Refusal("not_connected")
        return record

    def _app(self, question):
        app = self.apps.get(question["provider"])
        if app is None:
            raise Refusal("not_found")
        return app

    def do_get_token(self, question, _):
        record = self._record(question)
        told = {k: v for k, v in record.items() if k in ("access_token", "expires_at", "scopes")}
        return {**self._id(question), "token_type": "Bearer", **told}

    def do_store_token(self, question, _):
        self.records[tuple(self._id(question).values())] = question["credential"]
        return self._id(question)

    def do_delete_token(self, question, _):
        self._record(question)
        del self.records[tuple(self._id(question).values())]
        return {**self._id(question), **({"revoked": True} if question.get("revoke") else {})}

    def do_exchange(self, question, scripted):
        self._app(question)
        scopes = scripted.get("scopes", question["scopes"].split())
        if scripted.get("status", "active") == "active":
            self.records[tuple(self._id(question).values())] = {
                "access_token": "at-of-" + question.get("code", "device"), "scopes": scopes}
        return {**self._id(question), "status": "active", "scopes": scopes,
                "expires_at": "2999-01-01T00:00:00Z", "identity": "u1@example.com"}

    def do_start_device(self, question, _):
        self._app(question)
        return {"device_code": "device-canary", "user_code": "ABCD-EFGH",
                "verification_uri": "https://example.com/device", "expires_in": 1800,
                "interval": 1}

    def do_get_provider(self, question, _):
        app = {k: v for k, v in self._app(question).items() if k not in SECRET}
        return {"provider": question["provider"], "app": app}

    def do_status(self, question, _):
        if "user_id" not in question:
            return {"state": "ok", "records": len(self.records)}
        return {"state": "ok", "records": len(self.records), "connected_platforms": [
            {"platform": platform, "account": account, "status": "active",
             **{k: v for k, v in record.items() if k == "identity"}}
            for (user, platform, account), record in self.records.items()
            if user == question["user_id"]]}
