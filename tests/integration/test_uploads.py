# SPDX-License-Identifier: MIT
"""Large e-mails, through the engine: uploaded whole, as they are, and once."""

import base64
import random
import unittest

from engine import GMAIL_SEND, Stack
from upstream import SEND, UPLOAD, Upstream

THREAD = "18c2f3a7d4e0b111"

upstream = stack = None


def setUpModule():
    global upstream, stack
    upstream = unittest.enterModuleContext(Upstream())
    stack = unittest.enterModuleContext(Stack("", upstream.url))


class Uploads(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())

    def call(self, to, size, **fields):
        """The response to an e-mail with such a file, and the file."""
        content = random.Random(size).randbytes(size)
        attachment = {"filename": "a", "content_base64": base64.b64encode(content).decode()}
        payload = {"to": to, "body": "see there", "attachments": [attachment], **fields}
        return self.c.call({**GMAIL_SEND, "payload": payload}), content

    def test_what_arrives(self):
        for size, fields, path in [
            (3 << 20, {}, SEND),
            (3 << 20, {"thread_id": THREAD}, SEND),
            (4 << 20, {}, UPLOAD + "media"),
            (4 << 20, {"thread_id": THREAD}, UPLOAD + "multipart"),
            (18 << 20, {}, UPLOAD + "media"),
            (18 << 20, {"thread_id": THREAD}, UPLOAD + "multipart"),
        ]:
            with self.subTest(path=path, size=size):
                to = f"{size}.{len(fields)}@example.com"
                response, content = self.call(to, size, **fields)
                self.assertEqual(response["status"], "success", response)
                self.assertTrue(response["result"]["message_id"])
                (request,) = upstream.to(to)
                self.assertEqual(request.path, path)
                self.assertEqual(request.thread_id, fields.get("thread_id"))
                (found,) = request.message.iter_attachments()
                self.assertEqual(found.get_payload(decode=True), content)

    def test_a_dry_run_tells_the_form(self):
        content = base64.b64encode(bytes(6 << 20)).decode()
        payload = {"to": "dry@example.com",
                   "attachments": [{"filename": "a", "content_base64": content}]}
        result = self.c.result({**GMAIL_SEND, "payload": payload, "dry_run": True})
        self.assertEqual(result["request"]["url"], upstream.url + UPLOAD + "media")
        self.assertEqual(result["request"]["headers"]["Content-Type"], "message/rfc822")
        self.assertLess(result["request"]["body_bytes"], len(content) * 78 / 76 + 2000)
        self.assertEqual(upstream.to("dry@example.com"), [])

    def test_failures_are_those_of_a_small_one(self):
        for fault, code in {
            "e400": "upstream_rejected",
            "e429": "rate_limited",
            "e503": "outcome_unknown",
            "close": "outcome_unknown",
            "half": "outcome_unknown",
            "noid": "outcome_unknown",
        }.items():
            for fields in {}, {"thread_id": THREAD}:
                with self.subTest(fault=fault, **fields):
                    to = f"{fault}+{len(fields)}@example.com"
                    response, _ = self.call(to, 5 << 20, **fields)
                    self.assertEqual(response["error"]["code"], code, response)
                    self.assertEqual(len(upstream.to(to)), 1)


if __name__ == "__main__":
    unittest.main()
