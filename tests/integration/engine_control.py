# SPDX-License-Identifier: MIT
"""An Engine Control that is as strict as its description.

It says `verdict` to whoever asks, and fails at that as the vaults' fakes do: playing(), down(). What
it thinks of events is of its own: `event_status`, and events that hang while `event_gate` is shut.
"""

import re
import threading

from engine import RFC3339, UUID7
from vaults import TIMEOUT, HttpVault, Refusal

ENGINE_ID = "engine-1"
KEY = "key-canary-93ab-of-an-engine"
ALLOWED = {"allowed": True, "required_scopes": [], "platform_status": "active"}

# What an event says, and of which kind it is. `error_code` is there when it failed.
EVENT = {
    "engine_id": str,
    "timestamp": str,
    "request_id": str,
    "user_id": str,
    "platform": str,
    "action_type": str,
    "status": str,
    "duration_ms": int,
}


class EngineControl(HttpVault):
    credentials = {"engine-control-key": KEY + "\n"}

    def __init__(self, unix=False):
        super().__init__(unix)
        self.key = KEY
        self.verdict = ALLOWED
        self.checks, self.events = [], []
        self.event_status = 204
        self.event_gate = threading.Event()
        self.event_gate.set()
        self.n_event_requests = 0
        self.config = self.config.replace("[Vault]", "[EngineControl]")
        self.config += f"EngineId={ENGINE_ID}\n"

    def __exit__(self, *arguments):
        self.event_gate.set()
        super().__exit__(*arguments)

    def answer(self, request):
        if request.headers.get_all("X-Engine-ID") != [ENGINE_ID]:
            raise Refusal(401, {"error": "X-Engine-ID"})
        if request.headers.get_all("X-Engine-Key") != [self.key]:
            raise Refusal(401, {"error": "X-Engine-Key"})
        if request.method != "POST":
            raise Refusal(405, {"error": "only POST"})
        if request.query:
            raise Refusal(400, {"error": "query"})
        operation = {"/actions/check": self.check, "/log/engine_event": self.event}.get(request.path)
        if not operation:
            raise Refusal(404, {"error": "no such path"})
        return operation(request)

    def check(self, request):
        if not isinstance(request.body, dict) or set(request.body) != {
                "engine_id", "platform", "action_type"}:
            raise Refusal(400, {"error": f"body: {request.body}"})
        if request.body["engine_id"] != ENGINE_ID:
            raise Refusal(403, {"error": "engine_id"})
        request.record = (request.body["platform"], request.body["action_type"])
        request.reads = True
        with self._changed:
            self.checks.append(request.body)
        return 200, self.verdict

    def event(self, request):
        with self._changed:
            self.n_event_requests += 1
            self._changed.notify_all()
        self.event_gate.wait(TIMEOUT)
        if self.event_status != 204:
            raise Refusal(self.event_status, {"error": "as the test wants it"})
        try:
            check_event(request.body)
        except AssertionError as e:
            self.failures.append(e)
            raise Refusal(400, {"error": f"{e}"}) from e
        with self._changed:
            self.events.append(request.body)
            self._changed.notify_all()
        return 204, {}

    def wait(self, good):
        """Until good(self) holds, looked at whenever something came in; gives what it gave."""
        with self._changed:
            if not self._changed.wait_for(lambda: good(self), TIMEOUT):
                raise TimeoutError(f"{len(self.events)} events, {len(self.checks)} checks")
            return good(self)

    def wait_event(self, request_id):
        return self.wait(lambda c: [e for e in c.events if e["request_id"] == request_id])[0]


def check_event(event):
    assert isinstance(event, dict), event
    failed = event.get("status") == "error"
    kinds = {**EVENT, **({"error_code": str} if failed else {})}
    assert {name: type(value) for name, value in event.items()} == kinds, event
    assert event["engine_id"] == ENGINE_ID and event["status"] in ("success", "error"), event
    assert UUID7.fullmatch(event["request_id"]) and RFC3339.fullmatch(event["timestamp"]), event
    assert re.fullmatch(r"[a-z_]+", event.get("error_code", "none")), event
    assert event["duration_ms"] >= 0, event
