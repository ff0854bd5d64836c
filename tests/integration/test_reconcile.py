# SPDX-License-Identifier: MIT
"""What became of an e-mail whose sending got no clear answer: Gmail is asked, and believed late."""

import contextlib
import os
import signal
import unittest

from engine import READ_SCOPE, SEND_SCOPE, Stack, email, trace, until, wait_gone
from upstream import MESSAGES, Upstream

CONFIG = """
[Engine]
ReconcileSec={}
DrainTimeoutSec={}

[Http]
FirstByteTimeoutSec=8
"""
N_LOOKS = 5


class Case(unittest.TestCase):
    reconcile_sec, drain_sec = 0.6, 20

    @classmethod
    def setUpClass(cls):
        cls.upstream = cls.enterClassContext(Upstream())
        config = CONFIG.format(cls.reconcile_sec, cls.drain_sec)
        cls.stack = cls.enterClassContext(Stack(config, cls.upstream.url))
        with cls.stack.connect() as c:
            for account, scopes in ("default", [SEND_SCOPE, READ_SCOPE]), ("sender", [SEND_SCOPE]):
                c.result({"op": "auth_token", "platform": "gmail", "account": account,
                          "credential": {"access_token": cls.stack.google_token,
                                         "scopes": scopes}})

    def setUp(self):
        self.c = self.enterContext(self.stack.connect())
        self.upstream.readable = True

    def mails(self, to):
        """How many requests to send came in, and how many e-mails went out."""
        kept = [mail for mail in self.upstream.mailbox if mail.message["To"] == to]
        return len(self.upstream.to(to)), len(kept)

    def lists(self):
        return sum(r.path.startswith(MESSAGES + "?") for r in self.upstream.requests)

    def reads(self):
        return sum(r.method == "GET" for r in self.upstream.requests)

    def reconciled(self, response):
        return self.stack.audit(response["request_id"]).get("ACTION_RECONCILED")


class Reconcile(Case):
    def test_it_was_sent(self):
        for fault in "kept500", "keptclose", "kepthang", "keptnoid", "keptlate":
            with self.subTest(fault):
                to = f"{fault}@example.com"
                response = self.c.call(email(to))
                self.assertEqual(response["status"], "success", response)
                self.assertIs(response["reconciled"], True)
                self.assertEqual(self.mails(to), (1, 1))
                kept = self.upstream.mailbox[-1].message_id
                self.assertEqual(response["result"]["message_id"], kept)
                self.assertEqual(response["result"]["thread_id"], kept.replace("msg", "thr"))
                entry = self.stack.audit(response["request_id"])
                self.assertEqual(entry["ACTION_STATUS"], "success")
                self.assertEqual(entry["ACTION_RECONCILED"], "yes")
                self.assertEqual(entry["ACTION_ATTEMPT"], "1")

    def test_who_may_only_send_is_not_asked(self):
        """Nor is a credential that does not say what it may."""
        self.c.result({"op": "auth_token", "platform": "gmail", "account": "unsaid",
                       "credential": {"access_token": self.stack.google_token}})
        before = self.reads()
        for account in "sender", "unsaid":
            with self.subTest(account):
                response = self.c.call(email("kept500+unasked@example.com", account=account))
                self.assertEqual(response["error"]["code"], "outcome_unknown")
                self.assertIs(response["error"]["retryable"], False)
        self.assertEqual(self.reads(), before)

    def test_it_was_not_sent(self):
        for fault in "e500", "close", "hang":
            with self.subTest(fault):
                to = f"{fault}@example.com"
                before = self.lists()
                response = self.c.call(email(to))
                self.assertEqual(response["error"]["code"], "upstream_error", response)
                self.assertIs(response["error"]["retryable"], True)
                self.assertIn("can be repeated", response["error"]["message"])
                self.assertEqual(self.mails(to), (1, 0))
                self.assertEqual(self.lists() - before, N_LOOKS)
                self.assertEqual(self.reconciled(response), "absent")

    def test_it_may_not_be_asked(self):
        self.upstream.readable = False
        for fault in "kept500", "keptclose", "e500", "close":
            with self.subTest(fault):
                to = f"{fault}+unreadable@example.com"
                before = self.reads()
                response = self.c.call(email(to))
                self.assertEqual(response["error"]["code"], "outcome_unknown", response)
                self.assertEqual(len(self.upstream.to(to)), 1)
                self.assertEqual(self.reads() - before, 1)
                self.assertEqual(self.reconciled(response), "unknown")

    def test_a_clear_answer_needs_no_asking(self):
        before = self.reads()
        self.assertNotIn("reconciled", self.c.call(email("user@example.com")))
        for fault in "e400", "e429":
            response = self.c.call(email(f"{fault}@example.com"))
            self.assertIsNone(self.reconciled(response))
        self.assertEqual(self.reads(), before)

    def test_others_are_not_taken_for_it(self):
        for n in range(3):
            self.c.result(email(f"other{n}@example.com"))
        self.assertEqual(self.c.code(email("close+others@example.com")), "upstream_error")

    def test_many_at_once(self):
        wanted = {}
        for n in range(8):
            for fault in "kept500", "close":
                wanted[self.c.start(email(f"{fault}+{n}@example.com"))] = fault
        for request_id, fault in wanted.items():
            response = self.c.finish(request_id)
            self.assertEqual(response["status"], "error" if fault == "close" else "success")
        found = {mail.message["X-Action-Id"] for mail in self.upstream.mailbox}
        self.assertEqual(len(found), len(self.upstream.mailbox))

    def test_a_client_that_goes(self):
        parent = trace()
        with self.stack.connect() as c:
            c.start(email("keptlate+gone@example.com", traceparent=parent))
            self.upstream.wait_for("keptlate+gone@example.com")
        entry = self.stack.audit_of_trace(parent)
        self.assertEqual(entry["ACTION_STATUS"], "success")
        self.assertEqual(entry["ACTION_RECONCILED"], "yes")


class Stop(Case):
    reconcile_sec, drain_sec = 3600, 1

    def test_a_stop_between_two_looks(self):
        before = self.lists()
        request_id = self.c.start(email("close@example.com"))
        until(self.lists, lambda n: n > before)
        pid = self.stack.pid("engine")
        os.kill(pid, signal.SIGTERM)
        response = self.c.finish(request_id)
        self.assertEqual(response["error"]["code"], "outcome_unknown", response)
        self.assertEqual(self.reconciled(response), "unknown")
        with contextlib.suppress(ConnectionError):
            self.assertIsNone(self.c.read())
        wait_gone(pid)


if __name__ == "__main__":
    unittest.main()
