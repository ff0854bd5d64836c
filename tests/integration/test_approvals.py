# SPDX-License-Identifier: MIT
"""The inbox, with a polkit that answers when the test lets it: what happens at the same time.

Who asks is a process of its own, since none can answer itself.
"""

import contextlib
import json
import os
import subprocess
import unittest

import jws
from engine import TIMEOUT, Stack, email, until
from fakepolkit import FakePolkit
from upstream import Upstream

CONFIG = """
[Engine]
MaxInFlight=64
[Policy]
Polkit=yes
ApprovalPauseSec=0
"""

polkit = upstream = stack = key = None


def decide(question):
    """A person is to be asked, and there is no agent; about approvals the test decides."""
    return None if question.action.endswith(".approve") else "ask"


def setUpModule():
    global polkit, upstream, stack, key
    polkit = unittest.enterModuleContext(FakePolkit(decide))
    upstream = unittest.enterModuleContext(Upstream())
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = polkit.address
    try:
        stack = unittest.enterModuleContext(Stack(CONFIG, upstream.url))
    finally:
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
    key = stack.key("people")


class Case(unittest.TestCase):
    def setUp(self):
        upstream.gate.clear()
        self.waiting(self.person("boss", "approvals:*"), n=0)  # whoever asked last has been missed
        polkit.questions.clear()

    def person(self, user="u1", scope="approvals:own"):
        return self.enterContext(stack.connect(jws.token(key, sub=user, scope=scope, users=[])))

    @contextlib.contextmanager
    def asking(self, to, *more, body="B"):
        command = [stack.env["ACTIONCTL"], "perform", "--ask", "--json", *more, "gmail",
                   "send_email", f"to={to}", "subject=S", f"body={body}"]
        with subprocess.Popen(
            command, env=stack.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def end(self, process):
        out, _ = process.communicate(timeout=TIMEOUT)
        return json.loads(out)

    def waiting(self, person, n=1):
        request = {"op": "list_approvals"}
        return until(lambda: person.result(request)["approvals"], lambda all: len(all) == n)

    def start(self, person, op, item, **more):
        return person.start({"op": op, "approval_id": item["approval_id"], **more})

    def assert_code(self, response, code):
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], code, response)


class Inbox(Case):
    def test_what_polkit_is_asked_about_the_approver(self):
        person = self.person()
        with self.asking("details@example.com") as asker:
            (item,) = self.waiting(person)
            self.assertEqual(item["peer"]["pid"], asker.pid)
            request = self.start(person, "approve", item)
            (question,) = polkit.open_questions(1, ".approve")
            (first, *_) = polkit.open_questions(1, ".send-email")
            self.assertEqual(question.subject["pid"], os.getpid())
            self.assertEqual(first.subject["pid"], asker.pid)
            self.assertEqual(question.flags, 0)
            mine, theirs = dict(question.details), dict(first.details)
            mine.pop("unit"), theirs.pop("unit")
            self.assertEqual(mine, theirs)
            self.assertEqual(mine["digest"], item["digest"])
            self.assertEqual(upstream.to("details@example.com"), [])
            question.answer("yes")
            self.assertEqual(person.finish(request)["result"]["status"], "approved")
            response = self.end(asker)
        self.assertEqual(response["status"], "success", response)
        entry = stack.audit(response["request_id"])
        self.assertEqual(entry["ACTION_APPROVER_UID"], str(os.getuid()))
        self.assertEqual(entry["ACTION_DIGEST"], item["digest"])

    def test_two_are_about_to_answer(self):
        for first_op, second_op in ("approve", "deny"), ("deny", "approve"):
            one, two = self.person(), self.person("boss", "approvals:*")
            with self.asking(f"{first_op}@example.com") as asker:
                (item,) = self.waiting(one)
                polkit.questions.clear()
                lost = self.start(one, second_op, item)
                (slow,) = polkit.open_questions(1, ".approve")
                polkit.questions.clear()
                won = self.start(two, first_op, item)
                (fast,) = polkit.open_questions(1, ".approve")
                polkit.questions.append(slow)
                fast.answer("yes")
                self.assertEqual(two.finish(won)["status"], "success")
                self.assert_code(one.finish(lost), "invalid_state")
                until(lambda: slow.is_cancelled, bool)
                slow.answer("yes")  # and nothing comes of it
                response = self.end(asker)
            if first_op == "approve":
                self.assertEqual(response["status"], "success", response)
            else:
                self.assert_code(response, "approval_denied")
        self.assertEqual(len(upstream.to("approve@example.com")), 1)
        self.assertEqual(upstream.to("deny@example.com"), [])

    def test_who_asked_goes_away_meanwhile(self):
        person = self.person()
        with self.asking("away@example.com") as asker:
            (item,) = self.waiting(person)
            request = self.start(person, "approve", item)
            (question,) = polkit.open_questions(1, ".approve")
            asker.kill()
            self.assert_code(person.finish(request), "invalid_state")
            until(lambda: question.is_cancelled, bool)
            question.answer("yes")
        self.assert_code(person.finish(self.start(person, "approve", item)), "not_found")
        self.assertEqual(upstream.to("away@example.com"), [])

    def test_who_answers_goes_away_meanwhile(self):
        person = self.person()
        with self.asking("stays@example.com"):
            (item,) = self.waiting(person)
            with stack.connect(jws.token(key, sub="u1", scope="approvals:own")) as other:
                self.start(other, "approve", item)
                (question,) = polkit.open_questions(1, ".approve")
            until(lambda: question.is_cancelled, bool)
            self.waiting(person)

    def test_the_deadlines(self):
        """That of who asks ends the question; that of who answers only his answer."""
        person = self.person()
        with self.asking("deadline@example.com", "--deadline", "6") as asker:
            (item,) = self.waiting(person)
            request = self.start(person, "approve", item)
            self.assert_code(person.finish(request), "invalid_state")
            self.assert_code(self.end(asker), "approval_timeout")

    def test_the_approver_has_to_prove_himself(self):
        """Without `interactive` polkit's agent is not looked for; with it, it is, and there is none."""
        person = self.person()
        with self.asking("prove@example.com"):
            (item,) = self.waiting(person)
            for more, flags in ({}, [0]), ({"interactive": True}, [0, 1]):
                polkit.questions.clear()
                request = self.start(person, "approve", item, **more)
                for n, expected in enumerate(flags, 1):
                    question = polkit.open_questions(n, ".approve")[-1]
                    self.assertEqual(question.flags, expected)
                    question.answer("ask")
                self.assert_code(person.finish(request), "approval_required")
            self.waiting(person)

    def test_all_of_it_is_shown(self):
        """Line by line, and no line of a text can pass for a member."""
        person = self.person()
        token = jws.token(key, sub="u1", scope="approvals:own", users=[])
        body = "Dear Ada,\r\n\naccount: \x1b[2Jother\nto: b@example.com"
        with self.asking("show@example.com", body=body):
            (item,) = self.waiting(person)
            self.assertEqual(item["payload"]["body"], body)
            path = stack.dir / "person"
            path.write_text(token, encoding="ascii")
            shown = stack.actionctl(
                "approvals", "show", item["approval_id"], "--token-file", path).stdout
        lines = shown.splitlines()
        at = lines.index("  body:")
        self.assertEqual(
            lines[at + 1 : at + 5],
            ["    | Dear Ada,", "    | ", "    | account: ?[2Jother", "    | to: b@example.com"],
        )
        self.assertIn("  to: show@example.com", lines)
        self.assertIn("account: default", lines)

    def test_the_fields(self):
        person = self.person()
        for op in "approve", "deny":
            self.assertEqual(person.code({"op": op}), "invalid_request")
            self.assertEqual(person.code({"op": op, "approval_id": 7}), "invalid_request")
            self.assertEqual(person.code({"op": op, "approval_id": ""}), "invalid_request")
            self.assertEqual(person.code({"op": op, "approval_id": "x" * 65}), "invalid_request")
            self.assertEqual(person.code({"op": op, "approval_id": "x" * 64}), "not_found")
        self.assertEqual(person.code({"op": "ping", "approval_id": "x"}), "invalid_request")

    def test_scopes(self):
        for scope, user_id, code in (
            ("gmail:*", None, "forbidden"),
            ("", None, "forbidden"),
            ("approvals:list", None, "forbidden"),
            ("approvals", None, "forbidden"),
            ("approvals:own", None, None),
            ("approvals:own", "u1", None),
            ("approvals:own", "u2", "forbidden"),
            ("approvals:*", "u2", None),
            ("*", "u2", None),
        ):
            request = {"op": "list_approvals"}
            if user_id:
                request["user_id"] = user_id
            response = self.person(scope=scope).call(request)
            with self.subTest(scope=scope, user_id=user_id):
                if code:
                    self.assert_code(response, code)
                else:
                    self.assertEqual(response["result"], {"approvals": []})

    def test_another_users_question(self):
        """It is there, or it is not: who may not answer hears the same."""
        with self.asking("secret@example.com") as asker:
            (item,) = self.waiting(self.person())
            absent = {"approval_id": "x" * len(item["approval_id"])}
            for scope, user_id, code in (
                ("approvals:own", None, "not_found"),
                ("approvals:own", "u1", "forbidden"),
                ("approvals:*", "u2", "not_found"),
                ("gmail:*", None, "forbidden"),
            ):
                person = self.person("u2", scope)
                named = {"user_id": user_id} if user_id else {}
                for op in "list_approvals", "approve", "deny":
                    with self.subTest(op, scope=scope, user_id=user_id):
                        there, unknown = (
                            person.error({"op": op, **named, "approval_id": what["approval_id"]})
                            for what in (item, absent))
                        self.assertEqual(there["code"], code)
                        self.assertEqual(json.dumps(there).replace(item["approval_id"],
                                                                   absent["approval_id"]),
                                         json.dumps(unknown))
                if code == "not_found":
                    result = person.result({"op": "list_approvals", **named})
                    self.assertEqual(result["approvals"], [])
            self.assertFalse([q for q in polkit.questions if q.action.endswith(".approve")])
            self.assertIsNone(asker.poll())
            self.waiting(self.person())

    def test_one_process_cannot_ask_and_answer(self):
        """Whatever tokens it has."""
        person = self.person()
        with stack.connect() as asker:
            asker.start(email("self@example.com", interactive=True))
            (item,) = self.waiting(person)
            for op in "approve", "deny":
                response = person.finish(self.start(person, op, item))
                self.assert_code(response, "forbidden")
                self.assertEqual(response["error"]["details"], {"by": "asker"})
            self.assertFalse([q for q in polkit.questions if q.action.endswith(".approve")])
            self.waiting(person)

    def test_the_token_that_asks_cannot_answer_elsewhere(self):
        """Though its scope is `*`; another one of the same uid and user can."""
        person = self.person(scope="*")
        with self.asking("token@example.com"), stack.connect() as same:
            (item,) = self.waiting(same)
            response = same.finish(self.start(same, "approve", item))
            self.assert_code(response, "forbidden")
            self.assertEqual(response["error"]["details"], {"by": "asker"})
            request = self.start(person, "deny", item)
            polkit.open_questions(1, ".approve")[0].answer("yes")
            self.assertEqual(person.finish(request)["status"], "success")

    def test_a_stop_while_somebody_answers(self):
        person = self.person()
        with self.asking("stop@example.com") as asker:
            (item,) = self.waiting(person)
            self.start(person, "approve", item)
            polkit.open_questions(1, ".approve")
            stack.kill("engine")
            asker.communicate(timeout=TIMEOUT)
            self.assertIsNone(person.read())
            stack.start("engine")
        self.assertEqual(upstream.to("stop@example.com"), [])
