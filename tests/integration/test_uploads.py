# SPDX-License-Identifier: MIT
"""Large e-mails, through the engine: uploaded in pieces, as they are, and once."""

import base64
import json
import random
import unittest

from canaries import plain_build
from engine import GMAIL_SEND, Stack, memory_kib, until
from upstream import DRAFTS, RESUMABLE, SEND, UPLOAD, Upstream

THREAD = "18c2f3a7d4e0b111"
MIB = 1 << 20

upstream = stack = None


def setUpModule():
    global upstream, stack
    upstream = unittest.enterModuleContext(Upstream())
    stack = unittest.enterModuleContext(Stack("", upstream.url))


class Uploads(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())
        upstream.requests.clear()
        upstream.chunk_faults.clear()

    def call(self, to, size, action="send_email", **fields):
        """The response to an e-mail with such a file, and the file."""
        content = random.Random(size).randbytes(size)
        attachment = {"filename": "a", "content_base64": base64.b64encode(content).decode()}
        payload = {"to": to, "body": "see there", "attachments": [attachment], **fields}
        request = {**GMAIL_SEND, "action_type": action, "payload": payload}
        return self.c.call(request), content

    def puts(self):
        """What the PUT requests said in Content-Range, but for the size of all."""
        return [r.headers["Content-Range"].removeprefix("bytes ").partition("/")[0]
                for r in upstream.requests if r.method == "PUT"]

    def delivered(self, to):
        return [mail for mail in upstream.mailbox if mail.message["To"] == to]

    def test_what_arrives(self):
        for size, fields, path in [
            (3 * MIB, {}, SEND),
            (3 * MIB, {"thread_id": THREAD}, SEND),
            (4 * MIB, {}, UPLOAD),
            (4 * MIB, {"thread_id": THREAD}, UPLOAD),
            (18 * MIB, {}, UPLOAD),
            (18 * MIB, {"thread_id": THREAD}, UPLOAD),
        ]:
            with self.subTest(path=path, size=size, **fields):
                to = f"{size}.{len(fields)}@example.com"
                response, content = self.call(to, size, **fields)
                self.assertEqual(response["status"], "success", response)
                self.assertTrue(response["result"]["message_id"])
                (request,) = upstream.to(to)
                self.assertTrue(request.path.startswith(path), request.path)
                self.assertEqual(request.thread_id, fields.get("thread_id"))
                (found,) = request.message.iter_attachments()
                self.assertEqual(found.get_payload(decode=True), content)
                self.assertEqual(len(self.delivered(to)), 1)

    def test_a_large_draft(self):
        response, content = self.call("draft@example.com", 5 * MIB, "create_draft")
        self.assertEqual(set(response["result"]),
                         {"draft_id", "message_id", "thread_id", "timestamp"})
        self.assertEqual(upstream.requests[0].path, f"/upload{DRAFTS}{RESUMABLE}")
        (found,) = upstream.drafts[-1].message.iter_attachments()
        self.assertEqual(found.get_payload(decode=True), content)

    def test_a_dry_run_tells_the_beginning(self):
        content = base64.b64encode(bytes(6 * MIB)).decode()
        payload = {"to": "dry@example.com",
                   "attachments": [{"filename": "a", "content_base64": content}]}
        result = self.c.result({**GMAIL_SEND, "payload": payload, "dry_run": True})
        self.assertEqual(result["request"]["url"], upstream.url + UPLOAD)
        self.assertEqual(result["request"]["headers"]["X-Upload-Content-Type"], "message/rfc822")
        self.assertEqual(result["request"]["body_bytes"], 2)
        self.assertEqual(upstream.requests, [])

    def test_chunks_that_get_lost(self):
        """Asked about, gone on with from what has arrived, delivered once."""
        chunk = 16 * MIB
        first, last = f"0-{chunk - 1}", str(chunk)
        for size, faults, ranges in [
            (5, ["lose"], ["0-", "*"]),
            (5, ["drop"], ["0-", "*", "0-"]),
            (5, ["part"], ["0-", "262144-"]),
            (5, ["partlose"], ["0-", "*", "262144-"]),
            (5, ["503"], ["0-", "*", "0-"]),
            (5, ["drop", "", "drop"], ["0-", "*", "0-", "*", "0-"]),
            (12, ["drop"], [first, "*", first, last]),
            (12, ["partlose"], [first, "*", "262144-", str(chunk + (256 << 10))]),
            (12, ["", "partlose"], [first, last, "*", str(chunk + (256 << 10))]),
            (12, ["drop", "", "", "drop"], [first, "*", first, last, "*", last]),
        ]:
            with self.subTest(size=size, faults=faults):
                self.setUp()
                upstream.chunk_faults[:] = faults
                to = f"{size}.{'.'.join(fault or 'none' for fault in faults)}@example.com"
                # A last chunk that was taken is carried out, whether that is told or not.
                if faults == ["lose"] and size == 5:
                    to = "keptclose+" + to
                    upstream.chunk_faults[:] = []
                response, content = self.call(to, size * MIB)
                self.assertEqual(response["status"], "success", response)
                puts = self.puts()
                self.assertEqual(len(puts), len(ranges), puts)
                for put, wanted in zip(puts, ranges):
                    self.assertTrue(put.startswith(wanted), puts)
                (mail,) = self.delivered(to)
                (found,) = mail.message.iter_attachments()
                self.assertEqual(found.get_payload(decode=True), content)

    def test_failures(self):
        """Before the last chunk nothing was done; after it, only the platform knows."""
        for size, faults, code in [
            (12, ["gone"], "upstream_rejected"),
            (12, ["range"], "upstream_error"),
            (12, ["drop", "drop"], "upstream_error"),
            (12, ["done"], "outcome_unknown"),
            (5, ["gone"], "upstream_rejected"),
            (5, ["range"], "outcome_unknown"),
            (5, ["503", "503"], "outcome_unknown"),
            (5, ["drop", "drop"], "outcome_unknown"),
            (5, ["drop", "range"], "outcome_unknown"),
        ]:
            with self.subTest(size=size, faults=faults):
                self.setUp()
                upstream.chunk_faults[:] = faults
                response, _ = self.call("user@example.com", size * MIB)
                self.assertEqual(response["error"]["code"], code, response)
                self.assertEqual(len(self.puts()), len(faults))

    def test_failures_are_those_of_a_small_one(self):
        for fault, code, n in [
            ("e400", "upstream_rejected", 1),
            ("e429", "rate_limited", 1),
            ("noid", "outcome_unknown", 1),
            ("cut", "outcome_unknown", 1),
            # Asked whether it has arrived, and sent again each time, until it is enough.
            ("e503", "outcome_unknown", 4),
            ("close", "outcome_unknown", 4),
            ("half", "outcome_unknown", 4),
        ]:
            with self.subTest(fault=fault):
                to = f"{fault}+{n}@example.com"
                response, _ = self.call(to, 5 * MIB, thread_id=THREAD)
                self.assertEqual(response["error"]["code"], code, response)
                self.assertEqual(len(upstream.to(to)), n)
                self.assertEqual(self.delivered(to), [])

    def test_an_answer_that_was_lost_is_fetched(self):
        for fault in "keptclose", "kept500":
            with self.subTest(fault=fault):
                to = f"{fault}+fetched@example.com"
                response, _ = self.call(to, 5 * MIB)
                self.assertEqual(response["status"], "success", response)
                self.assertNotIn("reconciled", response)
                self.assertEqual(len(self.delivered(to)), 1)

    def test_a_token_that_is_refused_on_the_way(self):
        """Asked for anew, once; there is no newer one here."""
        upstream.chunk_faults[:] = ["401"]
        response, _ = self.call("user401@example.com", 12 * MIB)
        self.assertEqual(response["error"]["code"], "reauthorization_required", response)
        self.assertEqual(self.delivered("user401@example.com"), [])

    def test_the_token_goes_nowhere_else(self):
        """Whatever address the session is said to have: nothing arrives there."""
        with Upstream() as other:
            for location in [
                lambda s: other.url + s.path,
                lambda s: s.path,
                lambda s: upstream.url.replace("127.0.0.1", "localhost") + s.path,
                lambda s: upstream.url.replace("http://", "http://x@") + s.path,
                lambda s: upstream.url + "@" + other.url.removeprefix("http://") + s.path,
                lambda s: "",
            ]:
                with self.subTest():
                    kept, upstream.location = upstream.location, location
                    try:
                        response, _ = self.call("elsewhere@example.com", 5 * MIB)
                    finally:
                        upstream.location = kept
                    self.assertEqual(response["error"]["code"], "upstream_error", response)
            self.assertEqual(other.requests, [])
        self.assertEqual(self.puts(), [])

    def test_the_session_is_shown_nowhere(self):
        response, _ = self.call("e400+secret@example.com", 5 * MIB)
        (put,) = [r for r in upstream.requests if r.method == "PUT"]
        secret = put.path.partition("upload_id=")[2]
        self.assertNotIn(secret, str(response))
        stack.audit(response["request_id"])
        self.assertNotIn(secret, stack.log("engine"))


class TooLarge(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack("", upstream.url))
        self.c = self.enterContext(self.stack.connect())
        upstream.requests.clear()

    def send(self, mib):
        """The answer to an e-mail whose attachment has so many MiB in base64."""
        attachment = {"filename": "a", "content_base64": "HERE"}
        request = json.dumps({"id": "large", **GMAIL_SEND, "payload": {
            "to": "large@example.com", "attachments": [attachment]}})
        before, _, after = request.encode().partition(b"HERE")
        self.c.send_bytes(before)
        for _ in range(mib):
            self.c.send_bytes(b"A" * MIB)
        self.c.send_bytes(after + b"\n")
        return self.c.read()

    def test_what_no_mail_may_hold(self):
        """A line that is taken, and an e-mail that is not."""
        response = self.send(30)
        self.assertEqual(response["error"]["code"], "invalid_payload", response)
        (fault,) = response["error"]["errors"]
        self.assertEqual(fault["path"], "/attachments/0/content_base64")
        self.assertIn("25 MiB", fault["message"])
        self.assertEqual(upstream.requests, [])

    @plain_build
    def test_100_mib(self):
        """Never there as a whole, and nothing of it stays: more of them cost no more."""
        pid = self.stack.pid("engine")
        self.send(1)
        before = memory_kib(pid)
        for _ in range(3):
            response = self.send(134)
            self.assertEqual(response["error"]["code"], "message_too_large", response)
            self.assertIn("MaxMessageBytes=", response["error"]["message"])
            until(lambda: memory_kib(pid) - before, lambda grown: grown < 8 << 10)
        self.assertLess(memory_kib(pid, "VmHWM") - before, 96 << 10)
        self.assertEqual(self.c.call({"op": "ping"})["status"], "success")


if __name__ == "__main__":
    unittest.main()
