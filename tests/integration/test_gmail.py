# SPDX-License-Identifier: MIT
"""Drafts and answers: with the emulator where it can, with a Gmail that is strict for the rest."""

import base64
import email
import email.policy
import json
import unittest
import urllib.request

from engine import Stack
from upstream import DRAFTS, MESSAGES, SELF, SEND, Upstream

SCOPES = [f"https://www.googleapis.com/auth/gmail.{name}" for name in ("compose", "modify")]


def action(action_type, **payload):
    return {"platform": "gmail", "action_type": action_type, "payload": payload}


class Emulated(unittest.TestCase):
    """With somebody else's mailbox: what is kept and sent is what was asked for."""

    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())

    def setUp(self):
        self.c = self.enterContext(self.stack.connect())

    def get(self, path):
        request = urllib.request.Request(
            f"{self.stack.google_url}/gmail/v1/users/me/{path}",
            headers={"Authorization": "Bearer " + self.stack.google_token},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def mail(self, message_id):
        raw = self.get(f"messages/{message_id}?format=raw")["raw"]
        data = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
        return email.message_from_bytes(data, policy=email.policy.default)

    def headers(self, message):
        return {h["name"]: h["value"] for h in message["payload"]["headers"]}

    def test_a_draft(self):
        result = self.c.result(action("create_draft", to="Ada <ada@example.com>", subject="Grüße",
                                      body="not yet"))
        draft = self.get(f"drafts/{result['draft_id']}")
        self.assertEqual(draft["message"]["id"], result["message_id"])
        self.assertEqual(draft["message"]["threadId"], result["thread_id"])
        self.assertIn("DRAFT", draft["message"]["labelIds"])
        self.assertIn("ada@example.com", self.headers(draft["message"])["To"])

    def test_an_empty_draft(self):
        result = self.c.result(action("create_draft"))
        self.assertIn("DRAFT", self.get(f"messages/{result['message_id']}")["labelIds"])

    def test_an_answer(self):
        for subject, answered in ("Hello", "Re: Hello"), ("Re: Grüße", "Re: Grüße"):
            with self.subTest(subject):
                first = self.c.result(action("send_email", to="Ada <ada@example.com>",
                                             subject=subject, body="?"))
                result = self.c.result(action("reply", message_id=first["message_id"], body="!"))
                self.assertEqual(result["thread_id"], first["thread_id"])
                asked = self.mail(first["message_id"])["Message-ID"]
                message = self.mail(result["message_id"])
                self.assertEqual(message["In-Reply-To"], asked)
                self.assertEqual(message["References"], asked)
                self.assertEqual(message["To"].addresses[0].addr_spec, "ada@example.com")
                self.assertEqual(message["Subject"], answered)

    def test_no_such_message(self):
        error = self.c.error(action("reply", message_id="msg_none", body="!"))
        self.assertEqual(error["code"], "upstream_rejected")


class Strict(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = cls.enterClassContext(Upstream())
        cls.upstream.readable = True
        cls.stack = cls.enterClassContext(Stack("[Engine]\nReconcileSec=1\n", cls.upstream.url))
        credential = {"access_token": cls.stack.google_token, "scopes": SCOPES}
        with cls.stack.connect() as c:
            c.result({"op": "auth_token", "platform": "gmail", "credential": credential})

    def setUp(self):
        self.c = self.enterContext(self.stack.connect())
        self.upstream.requests.clear()
        self.upstream.drafts.clear()

    def paths(self):
        return [(r.method, r.path.partition("?")[0]) for r in self.upstream.requests]

    def receive(self, name, labels=("INBOX",), **headers):
        headers = {"From": "Ada <ada@example.com>", "To": SELF, **headers}
        text = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
        self.upstream.receive(name, text + "\r\nbody\r\n", labels)

    def answer(self, name, **payload):
        self.c.result(action("reply", message_id=name, **payload))
        return self.upstream.requests[-1]


class Drafts(Strict):
    def test_kept(self):
        result = self.c.result(action("create_draft", to="user@example.com", thread_id="18c"))
        self.assertEqual(self.paths(), [("POST", DRAFTS)])
        self.assertEqual(self.upstream.requests[0].thread_id, "18c")
        self.assertEqual(result["draft_id"].removeprefix("r-"),
                         result["message_id"].removeprefix("msg_"))

    def test_looked_for(self):
        """A lost answer is found among the drafts; one that is not there can be made again."""
        response = self.c.call(action("create_draft", to="keptclose@example.com"))
        self.assertEqual(response["status"], "success", response)
        self.assertIs(response["reconciled"], True)
        self.assertTrue(response["result"]["draft_id"])
        response = self.c.call(action("create_draft", to="close@example.com"))
        self.assertEqual(response["error"]["code"], "upstream_error", response)
        self.assertEqual(len(self.upstream.drafts), 1)


class Replies(Strict):
    def test_the_sender(self):
        self.receive("a1", Subject="Hello", Message_ID="<q@example.com>",
                     References="<o@example.com>\r\n <p@example.com>", Cc="bob@example.com")
        request = self.answer("a1", body="yes", html="<b>yes",
                              attachments=[{"filename": "f", "content_base64": "Zm9v"}])
        self.assertEqual(self.paths(), [("GET", f"{MESSAGES}/a1"), ("POST", SEND)])
        message = request.message
        self.assertEqual(request.thread_id, "a1t")
        self.assertEqual(message["To"].addresses[0].addr_spec, "ada@example.com")
        self.assertNotIn("Cc", message)
        self.assertEqual(message["Subject"], "Re: Hello")
        self.assertEqual(message["In-Reply-To"], "<q@example.com>")
        self.assertEqual(message["References"].split(),
                         ["<o@example.com>", "<p@example.com>", "<q@example.com>"])
        self.assertEqual(len(list(message.iter_attachments())), 1)

    def test_everybody(self):
        self.receive("a2", To=f"Me <{SELF}>, \"Doe, Jane\" <jane@example.com>",
                     Cc="team: bob@example.com, ada@example.com;", Reply_To="list@example.com")
        message = self.answer("a2", reply_all=True, body="yes").message
        self.assertEqual([a.addr_spec for a in message["To"].addresses],
                         ["list@example.com", "jane@example.com"])
        self.assertEqual(message["To"].addresses[1].display_name, "Doe, Jane")
        self.assertEqual([a.addr_spec for a in message["Cc"].addresses],
                         ["bob@example.com", "ada@example.com"])
        self.assertEqual([path for _, path in self.paths()],
                         ["/gmail/v1/users/me/profile", f"{MESSAGES}/a2", SEND])

    def test_ones_own(self):
        self.receive("a3", ("SENT",), From=SELF, To="jane@example.com")
        self.assertEqual(self.answer("a3", body="and").message["To"], "jane@example.com")

    def test_a_large_answer(self):
        self.receive("a4")
        content = "QUJD" * (2 << 20)
        self.c.result(action("reply", message_id="a4", reply_all=True, body="",
                             attachments=[{"filename": "f", "content_base64": content}]))
        self.assertEqual([method for method, _ in self.paths()], ["GET", "GET", "POST", "PUT"])
        self.assertEqual(self.upstream.requests[-1].thread_id, "a4t")

    def test_nothing_is_sent_where_nobody_can_be_answered(self):
        self.receive("a5", From="nobody")
        error = self.c.error(action("reply", message_id="a5", body="!"))
        self.assertEqual(error["code"], "invalid_payload")
        self.assertEqual(error["errors"][0]["path"], "/message_id")
        self.assertEqual(self.paths(), [("GET", f"{MESSAGES}/a5")])

    def test_line_ends_in_what_is_answered(self):
        """Whatever Gmail makes of such a header: who stands behind the line end is never written
        to, and a text with one is no header of ours."""
        evil = "<evil@example.com>"
        for end in "\r\n", "\n", "\r", "\x0b", "\x0c", "\u0085", "\u2028", "\u2029", "\r\n\r\n":
            for name, value in (
                ("From", f"Ada{end}Bcc: {evil}, <ada@example.com>"),
                ("From", f"ada@example.com{end}, {evil}"), ("From", f"Ada ({end}) {evil}"),
                ("Reply-To", f"ada@example.com,{end}{evil}"), ("To", f"ada@example.com,{end}{evil}"),
                ("Cc", f"ada@example.com{end}Bcc: {evil};"),
            ):
                with self.subTest(name=name, value=value):
                    self.receive("a9")
                    self.upstream.mailbox[-1].told = {name: value}
                    error = self.c.error(action("reply", message_id="a9", reply_all=True, body="!"))
                    self.assertEqual(error["code"], "invalid_payload")
                    self.assertIn(name, error["errors"][0]["message"])
                    self.upstream.mailbox.pop()
            self.receive("a10")
            self.upstream.mailbox[-1].told = {
                name: f"<a@b.example>{end}Bcc: {evil}"
                for name in ("Subject", "Message-ID", "References")}
            message = self.answer("a10", body="!").message
            self.assertEqual(message["To"].addresses[0].addr_spec, "ada@example.com")
            self.assertNotIn("Bcc", message)
            self.assertNotIn("evil", (message["References"] or "") + (message["In-Reply-To"] or ""))
            self.upstream.mailbox.pop()
        self.assertEqual(self.upstream.to("evil@example.com"), [])

    def test_an_id_is_no_path(self):
        for name in "../profile", "a?b", "a/b", "", "a b", "é":
            with self.subTest(name):
                self.assertEqual(self.c.code(action("reply", message_id=name)), "invalid_payload")
        self.assertEqual(self.paths(), [])

    def test_looked_for(self):
        self.receive("a6", From="keptclose+reply@example.com")
        response = self.c.call(action("reply", message_id="a6", body="!"))
        self.assertEqual(response["status"], "success", response)
        self.assertIs(response["reconciled"], True)
        self.receive("a7", From="close+reply@example.com")
        response = self.c.call(action("reply", message_id="a7", body="!"))
        self.assertEqual(response["error"]["code"], "upstream_error", response)

    def test_it_may_not_be_read(self):
        self.upstream.readable = False
        try:
            code = self.c.code(action("reply", message_id="a1", body="!"))
        finally:
            self.upstream.readable = True
        self.assertEqual(code, "reauthorization_required")


if __name__ == "__main__":
    unittest.main()
