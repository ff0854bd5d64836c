# SPDX-License-Identifier: MIT
"""A real mail through the emulated Google: what leaves is what was asked for, and is audited."""

import base64
import email
import email.policy
import json
import os
import random
import re
import unittest
import urllib.request

from engine import GMAIL_SEND, UUID7, Stack
from engine import email as request_for

stack = None

# What the journal owes an auditor for every finished action.
AUDIT_FIELDS = {
    "ACTION_REQUEST_ID", "ACTION_USER_ID", "ACTION_PLATFORM", "ACTION_TYPE", "ACTION_STATUS",
    "ACTION_DURATION_USEC", "ACTION_PEER_UID", "ACTION_PEER_PID", "ACTION_ACCOUNT",
    "ACTION_DIGEST", "MESSAGE", "MESSAGE_ID", "PRIORITY",
}  # fmt: skip


def setUpModule():
    global stack
    stack = unittest.enterModuleContext(Stack())


def google(path):
    request = urllib.request.Request(
        f"{stack.google_url}/gmail/v1/users/me/messages{path}",
        headers={"Authorization": "Bearer " + stack.google_token},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def mailbox():
    return {message["id"] for message in google("?maxResults=500").get("messages", [])}


def text(message):
    """Its body, with plain line ends and without the last of them."""
    return message.get_content().replace("\r\n", "\n").rstrip("\n")


def fetch(message_id):
    """The message as the mailbox holds it."""
    raw = google(f"/{message_id}?format=raw")["raw"]
    data = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    return email.message_from_bytes(data, policy=email.policy.default)


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())

    def send(self, **payload):
        payload = {"to": "user@example.com", "subject": "Hello!", "body": "How are you?"} | payload
        return self.c.call({**GMAIL_SEND, "payload": payload})

    def deliver(self, **payload):
        response = self.send(**payload)
        self.assertEqual(response["status"], "success", response)
        return fetch(response["result"]["message_id"])


class Mail(Case):
    def test_the_smallest_mail(self):
        before = mailbox()
        message = self.deliver()
        self.assertEqual(len(mailbox() - before), 1)
        self.assertEqual(message["To"], "user@example.com")
        self.assertEqual(message["Subject"], "Hello!")
        self.assertEqual(text(message), "How are you?")
        self.assertFalse(message.defects)
        for name in "To", "Subject", "Date", "MIME-Version", "Content-Type":
            self.assertEqual(len(message.get_all(name)), 1, name)

    def test_subjects(self):
        subjects = [
            "Grüße", "日本語の件名", "😀" * 60, "=?utf-8?q?x?=", "a" * 900, "x" + " " * 80 + "y",
            'Re: 100% "quoted" <b>', "ä " * 200 + "x", "a\u0301",
        ]  # fmt: skip
        for subject in subjects:
            with self.subTest(subject):
                self.assertEqual(self.deliver(subject=subject)["Subject"], subject)

    def test_bodies(self):
        bodies = ["", "Grüße, 😀", ".\n..\n.", "From here\nto there", "x" * 5000, "ä" * 5000,
                  "trailing \n space \n", "tab\there", "a\n\n\nb", "=3D=\n", "--boundary--\n--x",
                  "line\n" * 20_000]
        for body in bodies:
            with self.subTest(body[:20]):
                self.assertEqual(text(self.deliver(body=body)), body.rstrip("\n"))

    def test_a_large_mail(self):
        content = random.Random(3).randbytes(3 << 20)
        attachment = {"filename": "a", "content_base64": base64.b64encode(content).decode()}
        message = self.deliver(attachments=[attachment])
        self.assertEqual(message["Subject"], "Hello!")
        (found,) = message.iter_attachments()
        self.assertEqual(found.get_payload(decode=True), content)

    def test_line_ends_in_the_body_become_one_kind(self):
        self.assertEqual(text(self.deliver(body="a\nb\r\nc")), "a\nb\nc")


class Injection(Case):
    BREAKS = [
        "\r\n", "\n", "\r", "\r\n ", "\n\t", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029",
    ]  # fmt: skip

    def test_nothing_breaks_out_of_a_header(self):
        """Refused, or harmless: the same recipients, no header that was not asked for."""
        plain = self.deliver()
        for field, start in ("to", "user@example.com"), ("subject", "Hello"):
            for line_break in self.BREAKS:
                for header in "Bcc: evil@example.com", "X-Evil: 1", "\r\nbody":
                    with self.subTest(field=field, line_break=line_break, header=header):
                        response = self.send(**{field: start + line_break + header})
                        if response["status"] == "error":
                            self.assertEqual(response["error"]["code"], "invalid_payload")
                            continue
                        message = fetch(response["result"]["message_id"])
                        self.assertEqual(sorted(message.keys()), sorted(plain.keys()))
                        self.assertEqual(message["To"], "user@example.com")

    def test_no_recipient_is_smuggled_in(self):
        addresses = [
            "a@example.com, b@example.com", "a@example.com;b@example.com",
            "a@example.com b@example.com", "<a@example.com>,<b@example.com>",
            "Group: a@example.com, b@example.com;", "a@example.com (b@example.com),c@example.com",
            "a@b@example.com", "@example.com", "a@", "a", "", " ", "a@example..com",
            "a@-example.com", "a@" + "x" * 300 + ".com", "x" * 65 + "@example.com",
            "a@example.com\n", "a@[::1", "a@exa mple.com", "a\u202e@example.com",
        ]  # fmt: skip
        before = mailbox()
        for address in addresses:
            with self.subTest(address):
                self.assertEqual(self.send(to=address)["error"]["code"], "invalid_payload")
        self.assertEqual(mailbox(), before)

    def test_a_comma_in_a_name_adds_nobody(self):
        response = self.send(to='"Doe, Jane" <jane@example.com>')
        if response["status"] == "success":
            message = fetch(response["result"]["message_id"])
            self.assertEqual([a.addr_spec for a in message["To"].addresses], ["jane@example.com"])
        else:
            self.assertEqual(response["error"]["code"], "invalid_payload")


class Audit(Case):
    SECRET = "canary-in-the-payload"

    def entry(self, response):
        entry = stack.audit(response["request_id"])
        for value in entry.values():
            self.assertIsInstance(value, str)
        return entry

    def test_success(self):
        response = self.send(to="auditor@example.com", subject=self.SECRET, body=self.SECRET)
        entry = self.entry(response)
        self.assertLessEqual(AUDIT_FIELDS, set(entry))
        expected = {
            "ACTION_USER_ID": "u1",
            "ACTION_PLATFORM": "gmail",
            "ACTION_TYPE": "send_email",
            "ACTION_STATUS": "success",
            "ACTION_UPSTREAM_STATUS": "200",
            "ACTION_ACCOUNT": "default",
            "ACTION_PEER_UID": str(os.getuid()),
            "ACTION_PEER_PID": str(os.getpid()),
        }
        self.assertEqual({name: entry.get(name) for name in expected}, expected)
        self.assertTrue(UUID7.fullmatch(entry["ACTION_REQUEST_ID"]))
        self.assertGreater(int(entry["ACTION_DURATION_USEC"]), 0)
        self.assertRegex(entry["ACTION_DIGEST"], r"^[0-9a-f]{64}$")
        self.assertRegex(entry["MESSAGE_ID"], r"^[0-9a-f]{32}$")

    def test_failures_are_written_down_too(self):
        cases = [
            (request_for("x"), "invalid_payload"),
            (request_for(platform="pigeon"), "unsupported_platform"),
            (request_for(user_id="u9"), "forbidden"),
            (request_for(account="none"), "not_connected"),
        ]
        for request, code in cases:
            with self.subTest(code):
                response = self.c.call(request)
                self.assertEqual(response["error"]["code"], code)
                entry = self.entry(response)
                self.assertEqual(entry["ACTION_STATUS"], "error")
                self.assertEqual(entry["ACTION_ERROR_CODE"], code)

    def test_each_action_is_written_once(self):
        ids = {self.send()["request_id"] for _ in range(20)}
        for request_id in ids:
            stack.audit(request_id)
        seen = [e["ACTION_REQUEST_ID"] for e in stack.entries() if "ACTION_REQUEST_ID" in e]
        self.assertEqual(len(seen), len(set(seen)))

    def test_same_action_same_digest(self):
        first, second, third = (self.entry(self.send(**more))["ACTION_DIGEST"]
                                for more in ({}, {}, {"body": "another"}))
        self.assertEqual(first, second)
        self.assertNotEqual(first, third)

    def test_no_entry_is_forged(self):
        """What is refused at the door has no entry; what is not stays within its field."""
        evil = 'x","ACTION_STATUS":"success'
        forged = '\n<0>{"ACTION_REQUEST_ID":"forged"}\nACTION_STATUS=s'
        for field in "platform", "action_type", "user_id":
            for value in evil, forged:
                with self.subTest(field=field, value=value):
                    response = self.c.call(request_for(**{field: value}))
                    if response["error"]["code"] != "invalid_request":
                        self.assertEqual(self.entry(response)["ACTION_STATUS"], "error")
        self.assertFalse([e for e in stack.entries() if e.get("ACTION_REQUEST_ID") == "forged"])

    def test_no_payload_and_no_secret_in_any_log(self):
        response = self.send(subject=self.SECRET, body=self.SECRET)
        self.send(to=self.SECRET)
        self.entry(response)
        logs = stack.log("engine") + stack.log("vault")
        for secret in self.SECRET, stack.token, stack.google_token:
            self.assertNotIn(secret, logs)
        self.assertIsNone(re.search(r"eyJ[\w-]+\.", logs))


if __name__ == "__main__":
    unittest.main()
