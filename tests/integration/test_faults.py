# SPDX-License-Identifier: MIT
"""Neighbours that fail: the vault, Google, and the engine itself."""

import json
import os
import signal
import unittest

from engine import Stack, email, memory_kib, until, wait_gone
from upstream import Upstream

MAX_IN_FLIGHT = 200
SHARE = MAX_IN_FLIGHT * 7 // 8  # of one uid

CONFIG = f"""
[Engine]
MaxInFlight={MAX_IN_FLIGHT}
MaxInFlightPerConnection=64
DrainTimeoutSec=20

[Vault]
TimeoutSec=8

[Http]
FirstByteTimeoutSec=8
MaxResponseBytes=1M
MaxConnectionsPerHost=32
"""

upstream = stack = None


def setUpModule():
    global upstream, stack
    upstream = unittest.enterModuleContext(Upstream())
    stack = unittest.enterModuleContext(Stack(CONFIG, upstream.url))


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())
        upstream.gate.clear()

    def assert_works(self, connection=None):
        (connection or self.c).result(email("sign-of-life@example.com"))


class Google(Case):
    # What is played: the code, and what the response says of the upstream.
    ANSWERS = {
        "e400": ("upstream_rejected", 400, "invalidArgument"),
        "e401": ("reauthorization_required", 401, "authError"),
        "e403": ("reauthorization_required", 403, "insufficientPermissions"),
        "e403policy": ("upstream_rejected", 403, "domainPolicy"),
        "e404": ("upstream_rejected", 404, "notFound"),
        "e403rate": ("rate_limited", 403, "userRateLimitExceeded"),
        "e429": ("rate_limited", 429, "rateLimitExceeded"),
        "e500": ("outcome_unknown", 500, "backendError"),
        "e502": ("outcome_unknown", 502, "backendError"),
        "e503": ("outcome_unknown", 503, "backendError"),
    }

    def test_what_google_says(self):
        for fault, (code, status, reason) in self.ANSWERS.items():
            with self.subTest(fault):
                error = self.c.error(email(f"{fault}@example.com"))
                self.assertEqual(error["code"], code, error)
                if code == "upstream_rejected":
                    self.assertEqual(error["upstream"]["status"], status)
                    self.assertEqual(error["upstream"]["reason"], reason)
                    self.assertEqual(error["upstream"]["message"], "as you asked")
                if code == "rate_limited":
                    self.assertGreater(error["retry_after_ms"], 0)
        self.assert_works()

    def test_retry_after_is_heeded_and_bounded(self):
        self.assertEqual(self.c.error(email("busy@example.com"))["retry_after_ms"], 7000)
        error = self.c.error(email("absurd@example.com"))
        self.assertEqual(error["code"], "rate_limited")
        self.assertLessEqual(error.get("retry_after_ms", 0), 86_400_000)

    NO_CLEAR_ANSWER = [
        "hang", "close", "reset", "half", "cut", "empty", "html", "array", "noid", "deep",
        "garbage", "chunks", "headers", "header", "huge", "bomb",
    ]  # fmt: skip

    def test_no_clear_answer_is_an_unknown_outcome_and_never_sent_again(self):
        pid = stack.pid("engine")
        before = memory_kib(pid)
        asked = {self.c.start(email(f"{name}@example.com")): name for name in self.NO_CLEAR_ANSWER}
        for request_id, fault in asked.items():
            with self.subTest(fault):
                response = self.c.finish(request_id)
                self.assertEqual(response["status"], "error", response)
                self.assertEqual(response["error"]["code"], "outcome_unknown", response)
                self.assertEqual(len(upstream.to(f"{fault}@example.com")), 1)
        self.assertLess(memory_kib(pid) - before, 48 << 10)
        self.assert_works()

    def test_redirects_are_not_followed(self):
        self.assertIn(
            self.c.code(email("redirect@example.com")), ("upstream_rejected", "outcome_unknown")
        )
        self.assertEqual([r for r in upstream.requests if "elsewhere" in r.path], [])

    def test_a_token_in_an_error_goes_nowhere(self):
        response = self.c.call(email("echo@example.com"))
        self.assertEqual(response["error"]["code"], "upstream_rejected")
        stack.audit(response["request_id"])
        self.assertNotIn(stack.google_token, json.dumps(response))
        self.assertNotIn(stack.google_token, stack.log("engine"))

    def test_nobody_listens(self):
        self.assert_works()  # so that a connection stands in the pool, and is dead afterwards
        upstream.refuse()
        try:
            error = self.c.error(email("nobody@example.com"))
            self.assertEqual(error["code"], "upstream_unreachable", error)
        finally:
            upstream.listen()
        until(lambda: self.c.call(email("back@example.com")), lambda r: r["status"] == "success")
        self.assertEqual(upstream.to("nobody@example.com"), [])

    def test_one_slow_answer_delays_nobody(self):
        slow = self.c.start(email("slow+one@example.com"))
        upstream.wait_for("slow+one@example.com")
        with stack.connect() as other:
            for connection in self.c, other:
                for i in range(20):
                    connection.result(email(f"quick{i}@example.com"))
        upstream.gate.set()
        self.assertEqual(self.c.finish(slow)["status"], "success")

    def test_too_much_at_once_is_refused_and_the_rest_served(self):
        connections = [self.enterContext(stack.connect()) for _ in range(5)]
        for i in range(50):
            for n, c in enumerate(connections):
                c.send(email(f"slow+flood{n}.{i}@example.com"))
        until(lambda: self.c.result({"op": "health"})["in_flight"], lambda n: n == SHARE)
        error = self.c.error(email("late@example.com"))
        self.assertEqual(error["code"], "overloaded")
        self.assertGreater(error["retry_after_ms"], 0)
        upstream.gate.set()
        responses = []
        for c in connections:
            c.end()
            responses += c.read_all()
        self.assertEqual(len(responses), 250)
        codes = [r["error"]["code"] if r["status"] == "error" else "ok" for r in responses]
        self.assertEqual(set(codes), {"ok", "overloaded"})
        self.assertGreaterEqual(codes.count("ok"), SHARE)
        sent = [r for r in upstream.requests if r.message and "slow+flood" in r.message["To"]]
        self.assertEqual(len(sent), codes.count("ok"))


class Vault(Case):
    def test_without_the_vault_nothing_leaves(self):
        self.assert_works()
        with stack.without("vault"):
            error = self.c.error(email("unvaulted@example.com"))
            self.assertEqual(error["code"], "vault_unavailable", error)
            connect = {"op": "auth_token", "platform": "gmail", "credential": {"access_token": "x"}}
            for request in email("unvaulted@example.com", dry_run=True), connect:
                self.assertEqual(self.c.code(request), "vault_unavailable")
            self.assertEqual(self.c.call({"op": "ping"})["status"], "success")
            self.assertEqual(self.c.call({"op": "health"})["status"], "success")
        self.assertEqual(upstream.to("unvaulted@example.com"), [])
        self.assert_works()  # with the credential it had before

    def test_a_vault_that_hangs(self):
        self.assert_works()
        pid = stack.pid("vault")
        os.kill(pid, signal.SIGSTOP)
        try:
            late = self.c.start(email("hung@example.com"))
            dead = self.c.start(email("hung@example.com", deadline_ms=100))
            self.assertEqual(self.c.call({"op": "ping"})["status"], "success")
            self.assertEqual(self.c.finish(dead)["error"]["code"], "deadline_exceeded")
            self.assertEqual(self.c.finish(late)["error"]["code"], "vault_unavailable")
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(upstream.to("hung@example.com"), [])
        until(lambda: self.c.call(email("sign-of-life@example.com")),
              lambda r: r["status"] == "success")


class Engine(Case):
    def test_sigterm_amid_a_hundred_requests(self):
        connections = [self.enterContext(stack.connect()) for _ in range(10)]
        for n, c in enumerate(connections):
            for i in range(10):
                c.send(email(f"slow+term{n}.{i}@example.com", id=i))
        upstream.wait_for("slow+term0.0@example.com")
        pid = stack.pid("engine")
        os.kill(pid, signal.SIGTERM)
        upstream.gate.set()

        ok = 0
        for c in connections:
            responses = c.read_all()  # until the engine closes: each one is answered before
            self.assertEqual(sorted(r["id"] for r in responses), list(range(10)))
            for response in responses:
                if response["status"] == "success":
                    ok += 1
                else:
                    self.assertEqual(response["error"]["code"], "overloaded", response)
        sent = [r for r in upstream.requests if r.message and "slow+term" in r.message["To"]]
        self.assertEqual(len(sent), ok)
        self.assertGreater(ok, 0)

        wait_gone(pid)
        stack.start("engine")
        with stack.connect() as c:
            self.assert_works(c)

    def test_sigterm_at_rest(self):
        pid = stack.pid("engine")
        os.kill(pid, signal.SIGTERM)
        self.assertIsNone(self.c.read())
        wait_gone(pid)
        stack.start("engine")
        self.assertNotEqual(stack.pid("engine"), pid)
        with stack.connect() as c:
            self.assert_works(c)

    def test_sigkill_and_start(self):
        upstream_before = len(upstream.requests)
        for _ in range(3):
            with stack.connect() as c:
                c.start(email("slow+kill@example.com"))
                upstream.wait_count(upstream_before + 1)
                stack.kill("engine")
                with self.assertRaises((EOFError, ConnectionError)):
                    c.finish("c2")
            upstream_before = len(upstream.requests)
            stack.start("engine")
        with stack.connect() as c:
            self.assert_works(c)

    def test_credentials_outlive_both(self):
        stack.kill("engine")
        stack.kill("vault")
        stack.start("vault")
        stack.start("engine")
        with stack.connect() as c:
            self.assert_works(c)


if __name__ == "__main__":
    unittest.main()
