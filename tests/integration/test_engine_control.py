# SPDX-License-Identifier: MIT
"""Engine Control: what it forbids does not leave, and it hears what came of the rest."""

import contextlib
import json
import os
import re
import signal
import unittest
import urllib.parse

from engine import GMAIL_SEND, READ_SCOPE, SEND_SCOPE, Stack, email, until, wait_gone
from engine_control import ALLOWED, ENGINE_ID, KEY, EngineControl
from upstream import Upstream
from vaults import SPOILT

MAX_WAITING = 1024  # events
BROADCAST = {"to": "not an address", "subject": "body-canary", "body": "body-canary"}
APP = {"profile": "google", "client_id": "id", "client_secret": "secret",
       "redirect_uri": "http://127.0.0.1:1/callback"}

upstream = None


def setUpModule():
    global upstream
    upstream = unittest.enterModuleContext(Upstream())


def invalid():
    """An action that fails without leaving."""
    return {**GMAIL_SEND, "payload": BROADCAST}


class Case(unittest.TestCase):
    def start(self, control, config=""):
        """A stack of its own for the test."""
        config = control.config + config
        plain = [control.address] if control.port else []
        return self.enterContext(Stack(config, upstream.url, control.credentials, plain))


class Shared(Case):
    """One stack for all; each test leaves Engine Control as it was."""

    @classmethod
    def setUpClass(cls):
        cls.control = cls.enterClassContext(EngineControl())
        cls.stack = cls.enterClassContext(
            Stack(cls.control.config, upstream.url, cls.control.credentials, [cls.control.address]))
        with cls.stack.connect() as c:
            for account, scopes in (("send", [SEND_SCOPE]), ("both", [SEND_SCOPE, READ_SCOPE])):
                c.result({"op": "auth_token", "platform": "gmail", "account": account,
                          "credential": {"access_token": "at", "scopes": scopes}})

    @classmethod
    def tearDownClass(cls):
        log = cls.stack.log("engine")
        assert KEY not in log and "body-canary" not in log

    def setUp(self):
        self.c = self.enterContext(self.stack.connect())
        self.control.verdict = ALLOWED
        self.control.event_status = 204

    @contextlib.contextmanager
    def asked(self, n):
        """So often is Engine Control asked within."""
        before = len(self.control.checks)
        yield
        self.assertEqual(len(self.control.checks) - before, n)

    def refused(self, code, **more):
        """The error of an e-mail that does not leave."""
        n = len(upstream.requests)
        response = self.c.call(email(**more))
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], code, response)
        self.assertEqual(len(upstream.requests), n)
        self.assertEqual(self.control.wait_event(response["request_id"])["error_code"], code)
        return response["error"]

    def sent(self, **more):
        n = len(upstream.requests)
        response = self.c.call(email(**more))
        self.assertEqual(response["status"], "success", response)
        self.assertEqual(len(upstream.requests), n + 1)
        return response


class Check(Shared):
    def test_yes(self):
        with self.asked(1):
            response = self.sent()
        self.assertEqual(self.control.checks[-1], {
            "engine_id": ENGINE_ID, "platform": "gmail", "action_type": "send_email"})
        entry = self.stack.audit(response["request_id"])
        self.assertEqual(entry["ACTION_DECISION"], "engine_control")

    def test_no(self):
        self.control.verdict = {**ALLOWED, "allowed": False}
        error = self.refused("forbidden")
        self.assertEqual(error["details"], {"by": "engine_control"})
        self.assertIn("gmail.send_email", error["message"])
        self.control.verdict = {"allowed": False}
        self.refused("forbidden")

    def test_each_status_but_active_is_a_no(self):
        for status in "suspended", "maintenance", "disabled", "inactive", "Active", "active ", "x" * 64:
            for allowed in True, False:
                with self.subTest(status, allowed=allowed):
                    self.control.verdict = {
                        "allowed": allowed, "required_scopes": [], "platform_status": status}
                    error = self.refused("forbidden")
                    self.assertEqual(error["details"], {"by": "engine_control"})
                    self.assertIn(f"'{status}'", error["message"])

    def test_a_missing_scope(self):
        self.require(SEND_SCOPE, READ_SCOPE)
        self.sent(account="both")
        error = self.refused("reauthorization_required", account="send")
        self.assertEqual(error["details"]["by"], "engine_control")
        self.assertIn(READ_SCOPE, error["message"])
        self.assertIn("Engine Control", error["message"])

    def test_the_way_on_asks_for_what_is_required(self):
        self.stack.vault("set_provider", provider="google", app=APP)
        self.require("https://a.example/one")
        first = self.way_on(account="send")
        self.assertEqual(self.way_on(account="send")["state"], first["state"])
        self.require("https://a.example/two")
        for account in "send", "nobody":
            with self.subTest(account):
                way = self.way_on(account=account)
                self.assertLessEqual({"https://a.example/two", SEND_SCOPE}, self.scopes_of(way))
                self.assertEqual(way["start"], f"actionctl auth login gmail --account={account} "
                                 f"--scope={SEND_SCOPE} --scope=https://a.example/two")
        self.assertIn("https://a.example/one", self.scopes_of(first))

    def test_no_scope_is_a_command(self):
        self.stack.vault("set_provider", provider="google", app=APP)
        self.require("$(reboot)", "a;b", "c'd", "https://a.example/" + "x" * 200)
        error = self.c.error(email(account="nobody"))
        self.assertIn("connect it with the command of details.start", error["message"])
        self.assertRegex(error["details"]["start"], r"^[A-Za-z0-9 =:/._-]*$")

    def way_on(self, **more):
        return self.c.error(email(**more))["details"]

    @staticmethod
    def scopes_of(details):
        query = urllib.parse.urlsplit(details["authorization_url"]).query
        return set(urllib.parse.parse_qs(query)["scope"][0].split())

    def require(self, *scopes):
        self.control.verdict = {**ALLOWED, "required_scopes": scopes}

    def test_scopes_that_are_there(self):
        for scopes in [], [SEND_SCOPE], [SEND_SCOPE, SEND_SCOPE]:
            with self.subTest(scopes):
                self.require(*scopes)
                self.sent(account="send")

    def test_a_scope_is_compared_whole(self):
        for scope in SEND_SCOPE[:-1], SEND_SCOPE[1:], SEND_SCOPE + "s", SEND_SCOPE.upper(), "gmail.send":
            with self.subTest(scope):
                self.require(scope)
                self.refused("reauthorization_required", account="both")

    def test_scopes_of_a_credential_that_tells_none(self):
        self.require(SEND_SCOPE, READ_SCOPE)
        self.sent()

    def test_what_is_no_scope(self):
        for scopes in ([f"{SEND_SCOPE} {READ_SCOPE}"], [""], [1], [None], "x", {}, None, ["x" * 257],
                       ["x"] * 65, ["ü"], ["a\nb"]):
            with self.subTest(scopes):
                self.control.verdict = {**ALLOWED, "required_scopes": scopes}
                self.refused("policy_unavailable", account="both")

    def test_answers_that_are_none(self):
        for fault in [*SPOILT, "cut", "close", "redirect", 201, 204, 400, 401, 403, 404, 418, 429,
                      500, 503]:
            with self.subTest(fault), self.control.playing(fault):
                error = self.refused("policy_unavailable")
                self.assertEqual(error["details"], {"by": "engine_control"})
                self.assertNotIn("Sign in", error["message"])
        self.sent()
        paths = {request.path for request in self.control.requests}
        self.assertEqual(paths, {"/actions/check", "/log/engine_event"})

    def test_a_yes_that_is_none(self):
        for change in ({"allowed": None}, {"allowed": "true"}, {"allowed": 1}, {"platform_status": ""},
                       {"platform_status": None}, {"platform_status": True},
                       {"platform_status": "x" * 65}):
            with self.subTest(change):
                self.control.verdict = {**ALLOWED, **change}
                self.refused("policy_unavailable")
        for name in ALLOWED:
            with self.subTest(f"without {name}"):
                self.control.verdict = {n: v for n, v in ALLOWED.items() if n != name}
                self.refused("policy_unavailable")

    def test_more_than_is_known(self):
        self.control.verdict = {**ALLOWED, "reason": "fine", "Allowed": False, "limits": {"a": [1]}}
        self.sent()

    def test_another_key(self):
        self.control.key = "another"
        try:
            response = self.c.call(email())
        finally:
            self.control.key = KEY
        self.assertEqual(response["error"]["code"], "policy_unavailable", response)
        self.assertIn("401", response["error"]["message"])
        self.assertNotIn(KEY, json.dumps(response))
        self.control.wait_event(response["request_id"])

    def test_down_and_back(self):
        self.sent()
        with self.control.down():
            response = self.c.call(email())
            self.assertEqual(response["error"]["code"], "policy_unavailable", response)
            health = self.c.result({"op": "health"})
            self.assertEqual(health["status"], "degraded")
            self.assertEqual(health["engine_control"]["state"], "unavailable")
            self.assertEqual(health["engine_control"]["message"], response["error"]["message"])
        self.sent()
        health = self.c.result({"op": "health"})
        self.assertEqual(health["status"], "ok")
        self.assertEqual(health["engine_control"]["state"], "ok")
        self.control.wait_event(response["request_id"])

    def hang(self, **more):
        """A connection whose action is just being asked about."""
        c = self.enterContext(self.stack.connect())
        n = self.control.asked("gmail")
        action = c.start(email(**more))
        self.control.wait_asked("gmail", n + 1)
        return c, action

    def test_slow(self):
        with self.control.playing("hang"):
            c, action = self.hang()
            self.assertEqual(self.c.result({"op": "ping"}), {"pong": True})
        self.assertEqual(c.finish(action)["status"], "success")

    def test_late(self):
        with self.control.playing("hang"):
            self.assertIn("in time", self.refused("policy_unavailable")["message"])

    def test_the_deadline_while_it_is_asked(self):
        n = len(upstream.requests)
        with self.control.playing("hang"):
            c, action = self.hang(deadline_ms=3000)  # and no question comes in later
            self.assertEqual(c.finish(action)["error"]["code"], "deadline_exceeded")
        self.assertEqual(len(upstream.requests), n)

    def test_the_client_goes_while_it_is_asked(self):
        def cancelled(control):
            return sum(event.get("error_code") == "cancelled" for event in control.events)

        n, before = len(upstream.requests), cancelled(self.control)
        with self.control.playing("hang"):
            c, _ = self.hang()
            c.close()
            self.control.wait(lambda control: cancelled(control) == before + 1)
        self.assertEqual(len(upstream.requests), n)

    def test_a_dry_run(self):
        def decision():
            result = self.c.result(email(dry_run=True))
            return result["decision"], result["decided_by"]

        with self.asked(3):
            self.assertEqual(decision(), ("yes", "engine_control"))
            self.control.verdict = {**ALLOWED, "allowed": False}
            self.assertEqual(decision(), ("no", "engine_control"))
            self.control.verdict = {}
            self.assertEqual(self.c.code(email(dry_run=True)), "policy_unavailable")

    def test_who_has_no_business_is_not_asked_about(self):
        with self.asked(0):
            self.assertEqual(self.c.code(invalid()), "invalid_payload")
            self.assertEqual(self.c.code(email(user_id="u2")), "forbidden")
            self.assertEqual(self.c.code({**email(), "action_type": "x"}), "unsupported_action")


class Events(Shared):
    def test_a_success(self):
        response = self.sent()
        event = self.control.wait_event(response["request_id"])
        entry = self.stack.audit(response["request_id"])
        self.assertEqual(event["duration_ms"], int(entry["ACTION_DURATION_USEC"]) // 1000)
        self.assertEqual({n: event[n] for n in ("user_id", "platform", "action_type", "status")}, {
            "user_id": "u1", "platform": "gmail", "action_type": "send_email", "status": "success"})

    def test_failures(self):
        for code, request in (
                ("invalid_payload", invalid()),
                ("forbidden", email(user_id="u2")),
                ("unsupported_action", {**email(), "action_type": "x"}),
                ("not_connected", email(account="none")),
                ("upstream_rejected", email("e400@example.com"))):
            with self.subTest(code):
                response = self.c.call(request)
                self.assertEqual(response["error"]["code"], code, response)
                event = self.control.wait_event(response["request_id"])
                self.assertEqual(event["error_code"], code)
        self.assertNotIn("body-canary", json.dumps(self.control.events))

    def test_names_of_any_length(self):
        for name in "x" * 255, "x" * 256, "ü" * 512, "\u202e\n\"\\":
            with self.subTest(name[:4]):
                response = self.c.call({**email(), "platform": name})
                event = self.control.wait_event(response["request_id"])
                self.assertLess(len(event["platform"].encode()), 256)

    def test_a_dry_run_is_none(self):
        dry = self.c.call(email(dry_run=True))
        self.control.wait_event(self.sent()["request_id"])
        ids = [e["request_id"] for e in self.control.events]
        self.assertNotIn(dry["request_id"], ids)

    def test_one_that_is_not_taken_comes_later(self):
        self.control.event_status = 503
        n = self.control.n_event_requests
        ids = [self.sent()["request_id"] for _ in range(20)]
        self.control.wait(lambda c: c.n_event_requests > n)
        self.control.event_status = 204
        for request_id in ids:
            self.control.wait_event(request_id)
        got = [e["request_id"] for e in self.control.events]
        self.assertEqual(len(got), len(set(got)))

    def test_nobody_waits_for_them(self):
        self.control.event_gate.clear()
        try:
            ids = [self.sent()["request_id"] for _ in range(20)]
        finally:
            self.control.event_gate.set()
        for request_id in ids:
            self.control.wait_event(request_id)

    def test_one_that_is_never_taken_is_counted(self):
        lost = self.c.result({"op": "health"})["engine_control"]["events_lost"]
        self.control.event_status = 400
        self.sent()
        until(lambda: self.c.result({"op": "health"})["engine_control"]["events_lost"],
              lambda n: n == lost + 1)
        self.control.event_status = 204
        self.control.wait_event(self.sent()["request_id"])


class Ends(Case):
    def stop(self, stack):
        pid = stack.pid("engine")
        os.kill(pid, signal.SIGTERM)
        return pid

    def lost(self, stack):
        """How many the journal says were lost."""
        said = re.findall(r"Events that Engine Control was not told of: (\d+);", stack.log("engine"))
        return sum(map(int, said)), len(said)

    def test_the_oldest_go_when_there_are_too_many(self):
        n, more = MAX_WAITING + 100, 3
        control = self.enterContext(EngineControl())
        stack = self.start(control)
        control.event_status = 503
        with stack.connect() as c:
            ids = [c.call(invalid())["request_id"] for _ in range(n)]
            health = until(lambda: c.result({"op": "health"})["engine_control"],
                           lambda health: health["events_waiting"] == MAX_WAITING)
            self.assertEqual(health["events_lost"], n - MAX_WAITING)
            control.event_status = 204
            ids += [c.call(invalid())["request_id"] for _ in range(more)]
            control.wait_event(ids[-1])
            until(lambda: c.result({"op": "health"})["engine_control"],
                  lambda health: health["events_waiting"] == 0)
        wait_gone(self.stop(stack))
        got = {event["request_id"] for event in control.events}
        lost, told = self.lost(stack)
        self.assertEqual(lost, n + more - len(got))
        self.assertLess(told, lost)
        self.assertEqual(got, set(ids[-len(got):]))

    def test_a_stop_waits_for_them(self):
        control = self.enterContext(EngineControl())
        stack = self.start(control)
        control.event_gate.clear()
        with stack.connect() as c:
            ids = {c.call(invalid())["request_id"] for _ in range(20)}
            control.wait(lambda control: control.n_event_requests == 4)
        pid = self.stop(stack)
        until(lambda: "Stopping" in stack.log("engine"), bool)
        self.assertEqual(control.n_event_requests, 4)
        control.event_gate.set()
        wait_gone(pid)
        self.assertEqual({event["request_id"] for event in control.events}, ids)
        self.assertEqual(self.lost(stack), (0, 0))

    def test_a_stop_does_not_wait_for_one_who_takes_none(self):
        for status in 503, "hang":
            with self.subTest(status):
                control = self.enterContext(EngineControl())
                stack = self.start(control)
                if status == "hang":
                    control.event_gate.clear()
                else:
                    control.event_status = status
                with stack.connect() as c:
                    for _ in range(20):
                        c.call(invalid())
                wait_gone(self.stop(stack))
                self.assertEqual(self.lost(stack)[0], 20)
                self.assertEqual(control.events, [])

    def test_by_a_unix_socket(self):
        control = self.enterContext(EngineControl(unix=True))
        stack = self.start(control)
        with stack.connect() as c:
            control.wait_event(c.call(email())["request_id"])
            control.verdict = {**ALLOWED, "allowed": False}
            self.assertEqual(c.code(email()), "forbidden")
        self.assertEqual(len(control.checks), 2)

    def test_many_at_once(self):
        control = self.enterContext(EngineControl())
        stack = self.start(control, "TimeoutSec=60\n")
        n = 200
        control.verdict = {**ALLOWED, "allowed": False}
        with contextlib.ExitStack() as connections:
            all_of = [connections.enter_context(stack.connect()) for _ in range(4)]
            asked = [(c, c.start(email())) for _ in range(n // 4) for c in all_of]
            codes = {c.finish(request)["error"]["code"] for c, request in asked}
        self.assertEqual(codes, {"forbidden"})
        self.assertEqual(len(control.checks), n)
        control.wait(lambda control: len(control.events) == n)


class Without(Case):
    def test_without_its_key_the_engine_does_not_start(self):
        control = self.enterContext(EngineControl())
        control.credentials = {}
        with self.assertRaisesRegex(RuntimeError, "engine-control-key"):
            self.start(control)
