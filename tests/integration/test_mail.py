#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads the e-mails that gmail.send_email builds with the eyes of two other implementations: Python's
email package must find in them what the payload said, and no defect; and postal-mime, which shares
nothing with it, must find the same. What they are sent in is taken apart as Gmail would."""

import base64
import email
import email.header
import email.policy
import json
import os
import pathlib
import random
import subprocess
import unittest

import upstream

BUILD = pathlib.Path(os.environ.get("AE_BUILD", "build"))
PROGRAM = BUILD / "tests/unit/build-mail"
ACTION_ID = "0123456789abcdef0123456789abcdef"
CONTROLS = ["\r", "\n", "\r\n", "\t", "\x01", "\x0b", "\x1b", "\x7f", "\x85", "\x9f", "\u2028",
            "\u2029"]


PARSER = pathlib.Path(__file__).resolve().parents[1] / "mail-parser"
NODE = PARSER.parent / "emulator/node_modules"

second = None


def setUpModule():
    global second
    second = unittest.enterModuleContext(SecondReader())


class SecondReader:
    """postal-mime, in a process that reads one message after the other."""

    def __enter__(self):
        node = next(NODE.glob("node-linux-*/bin/node"))
        self._process = subprocess.Popen([node, PARSER / "read-mail.mjs"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)

    def read(self, raw):
        self._process.stdin.write(base64.b64encode(raw) + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def run(payload):
    return subprocess.run([PROGRAM], input=json.dumps(payload).encode(), capture_output=True,
                          timeout=60, check=False)


def defects(message):
    found = []
    for part in message.walk():
        found += part.defects
        for name, value in part.items():
            found += [(name, d) for d in value.defects]
    return found


class MailTest(unittest.TestCase):
    def request(self, payload):
        """Path with query, content type and body of the request."""
        done = run(payload)
        self.assertEqual(done.returncode, 0, done.stderr)
        head, _, body = done.stdout.partition(b"\n\n")
        url, *headers = head.decode("ascii").split("\n")
        path = url.removeprefix("https://gmail.example")
        self.assertNotEqual(path, url)
        return path, dict(header.split(": ", 1) for header in headers), body

    def raw(self, payload):
        path, headers, body = self.request(payload)
        if path == upstream.UPLOAD:
            self.assertEqual(headers["X-Upload-Content-Length"], str(len(body)))
            return body
        return upstream.take_request(path, headers["Content-Type"], body)[0]

    def check_bytes(self, raw, ascii_only=True):
        """CRLF everywhere and nothing like it elsewhere, lines of mail's length, headers folded."""
        self.assertNotIn(b"\r", raw.replace(b"\r\n", b""))
        self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))
        self.assertNotIn(b"\0", raw)
        for line in raw.split(b"\r\n"):
            self.assertLessEqual(len(line), 998)
            self.assertNotEqual(line, b".")
        for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            self.assertTrue(line.strip())
            self.assertLessEqual(len(line), 78 if len(line.split()[-1]) < 60 else 340)
        if ascii_only:
            raw.decode("ascii")

    def build(self, ascii_only=True, **fields):
        """The message, parsed, with what holds for all of them already checked."""
        payload = {"to": "to@example.com", **fields}
        raw = self.raw(payload)
        self.check_bytes(raw, ascii_only)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(defects(message), [])
        self.assertEqual(message["X-Action-Id"], ACTION_ID)
        self.assertEqual(message["Date"], "Fri, 25 Jul 2025 15:21:00 +0000")
        self.assertEqual(message["MIME-Version"], "1.0")
        for name in set(message.keys()):
            self.assertEqual(len(message.get_all(name)), 1, name)
        self.check_second(payload, raw, message)
        return message

    def check_second(self, payload, raw, message):
        """The same table, another judge. It writes a quoted local part without the quotes and
        drops a byte order mark; of blanks in names the first judge is the better one, and between
        two encoded-words of a name the second."""
        mail = second.read(raw)

        def squeeze(text):
            return "".join(text.split())

        for name, key in ("From", "from"), ("To", "to"), ("Cc", "cc"), ("Bcc", "bcc"), \
                         ("Reply-To", "replyTo"):
            found = mail.get(key) or []
            found = found if isinstance(found, list) else [found]
            wanted = message[name].addresses if name in message else ()
            self.assertEqual([(squeeze(a["name"]), a["address"]) for a in found],
                             [(squeeze(a.display_name), f"{a.username}@{a.domain}")
                              for a in wanted], name)
        self.assertEqual(mail.get("subject", ""), payload.get("subject", "").lstrip("\ufeff"))
        self.assertEqual(mail["messageId"], message["Message-ID"])
        self.assertEqual(mail.get("inReplyTo"), message["In-Reply-To"])
        self.assertEqual(mail.get("references"), message["References"])
        for key, name in ("text", "body"), ("html", "html"):
            self.assertEqual(self.lines(mail.get(key, "")), self.lines(payload.get(name, "")), key)
        self.assertEqual(
            [(a["filename"], a["mimeType"], a["content"]) for a in mail["attachments"]],
            [(a["filename"], a.get("content_type", "application/octet-stream").partition(";")[0],
              a["content_base64"]) for a in payload.get("attachments", [])])

    def lines(self, text):
        """With plain line ends, and without the last one, which is not everybody's."""
        text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return text.removesuffix("\n")

    def text(self, message):
        return message.get_content().replace("\r\n", "\n")

    def findings(self, payload):
        done = run(payload)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        found = json.loads(done.stdout)
        return {f["path"] for f in found["schema"]}, {f["path"] for f in found["check"]}


class Headers(MailTest):
    def test_smallest(self):
        message = self.build(subject="Hello!", body="How are you?")
        self.assertEqual(message["To"], "to@example.com")
        self.assertEqual(message["Subject"], "Hello!")
        self.assertEqual(self.text(message), "How are you?")
        self.assertNotIn("From", message)

    def test_subjects(self):
        for subject in [
            "", "a", "Hello, world", " leading", "trailing ", "  ", "two  blanks",
            "\U0001f600" * 100, "caf\u00e9", "\u05e9\u05dc\u05d5\u05dd \u202b(rtl)",
            "a\u0301 combining", "x" * 76, "x" * 998, "x" * 1000, "word " * 199 + "end",
            "=?utf-8?q?x?=", "=?utf-8?q?x", "a =?utf-8?b?eA==?= b", "=?", "?=", "_=_",
            "a_b=20c", "Re: [x] <y> \"z\" (w) \\ ; , :", "50 % = half", "\ufeffbom",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 family", "\u20ac" * 333, "\u00a0",
            "mixed " + "\u4e2d\u6587 " * 50 + "end", "a" * 60 + " " + "b" * 61,
        ]:
            with self.subTest(subject=subject):
                self.assertEqual(self.build(subject=subject)["Subject"], subject)

    def test_random_subjects(self):
        random.seed(7)
        alphabet = "ab =?_\"\u00e9\u20ac\U0001f600\u05d0.,"
        for _ in range(150):
            subject = "".join(random.choices(alphabet, k=random.randrange(1, 200)))
            with self.subTest(subject=subject):
                self.assertEqual(self.build(subject=subject)["Subject"], subject)

    def mailboxes(self, header):
        return [(a.display_name, a.addr_spec) for a in header.addresses]

    def test_display_names(self):
        for name in [
            "Ada", "Ada Lovelace", "Doe, John", "John \"Johnny\" Doe", "back\\slash",
            "two  blanks", " outer ", "a@b.c", "x@y.z, w@v.u", "<x@y.z>", "Team: x@y.z;", "(c)",
            "J\u00fcrgen", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
            "\u0645\u062d\u0645\u062f", "\U0001f600", "J\u00fcrgen, \"J\" <x@y.z>",
            "=?utf-8?q?x?=", "=?utf-8?q?x=40y.z?=", "O'Neil", "A.B.C.",
        ]:
            quoted = name.replace("\\", "\\\\").replace("\"", "\\\"")
            with self.subTest(name=name):
                message = self.build(to=f'"{quoted}" <a@example.com>', cc=["b@example.com"])
                self.assertEqual(self.mailboxes(message["To"]), [(name, "a@example.com")])
                self.assertEqual(self.mailboxes(message["Cc"]), [("", "b@example.com")])

    def test_long_display_names(self):
        """Python's parser of addresses keeps the blank between two encoded-words that RFC 2047
        has it drop, so the older decoder reads them."""
        for name in ["n" * 250, "\u00e9" * 250, "\u05e9\u05dc\u05d5\u05dd " * 40 + "end",
                     "\U0001f600" * 100]:
            raw = self.raw({"to": f"{name} <a@example.com>"})
            self.check_bytes(raw)
            to = email.message_from_bytes(raw)["To"]
            decoded = str(email.header.make_header(email.header.decode_header(to)))
            self.assertEqual(decoded, f"{name} <a@example.com>")

    def test_unquoted_comma_adds_nobody(self):
        message = self.build(to="Doe, John <a@example.com>")
        self.assertEqual(self.mailboxes(message["To"]), [("Doe, John", "a@example.com")])

    def test_many_recipients(self):
        to = [f"Recipient Number {i} <r{i}@example.com>" for i in range(100)]
        to += [f"Empf\u00e4nger {i} <r{i}@example.com>" for i in range(100, 200)]
        message = self.build(to=to, bcc=[f"b{i}@example.com" for i in range(300)])
        self.assertEqual([a.addr_spec for a in message["To"].addresses],
                         [f"r{i}@example.com" for i in range(200)])
        self.assertEqual(message["To"].addresses[150].display_name, "Empf\u00e4nger 150")
        self.assertEqual(len(message["Bcc"].addresses), 300)

    def test_addresses(self):
        longest = "l" * 64 + "@" + "d" * 63 + "." + "e" * 63 + "." + "f" * 58 + ".g"
        for given, sent in [
            ("a+b@example.com", "a+b@example.com"),
            ("A@EXAMPLE.com", "A@example.com"),
            ("\"a b\"@example.com", "\"a b\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            ("a@b\u00fccher.example", "a@xn--bcher-kva.example"),
            ("a@\u4f8b\u3048.\u30c6\u30b9\u30c8", "a@xn--r8jz45g.xn--zckzah"),
            (longest, longest),
        ]:
            with self.subTest(given=given):
                message = self.build(to=given)
                self.assertEqual(self.mailboxes(message["To"]), [("", sent)])

    def test_utf8_local_part(self):
        raw = self.raw({"to": "J\u00fcrgen <j\u00fcrgen@b\u00fccher.example>"})
        self.check_bytes(raw, ascii_only=False)
        self.assertIn("<j\u00fcrgen@b\u00fccher.example>\r\n".encode(), raw)
        self.assertIn(b"=?utf-8?q?J=C3=BCrgen?=", raw)

    def test_other_headers(self):
        message = self.build(**{"from": "Ada <ada@example.com>", "reply_to": ["a@b.c", "D <d@e.f>"],
                                "in_reply_to": "<CA+x.y=z@mail.gmail.com>"})
        self.assertEqual(self.mailboxes(message["From"]), [("Ada", "ada@example.com")])
        self.assertEqual(self.mailboxes(message["Reply-To"]), [("", "a@b.c"), ("D", "d@e.f")])
        self.assertEqual(message["In-Reply-To"], "<CA+x.y=z@mail.gmail.com>")
        self.assertEqual(message["References"], "<CA+x.y=z@mail.gmail.com>")
        self.assertEqual(message["Message-ID"], f"<{ACTION_ID}@example.com>")

    def test_name_alone_gives_no_from(self):
        self.assertNotIn("From", self.build(**{"from": "Ada Lovelace"}))


class Bodies(MailTest):
    def test_texts(self):
        for text in [
            "", "a", "a\n", "\n", "\n\n\n", "no end", ".", "..", "a\n.\nb", ".\n", "\n.\n\n..\n",
            "From me\nFrom you", ">From", "trailing \nblanks\t\n and last ", "tab\there",
            "x" * 78, "x" * 79, "x" * 997, "x" * 998, "x" * 999, "x" * 5000,
            ("y" * 998 + "\n") * 3, "." * 200, "=" * 200, " " * 200, "\t" * 200,
            "caf\u00e9 " * 300, "\U0001f600" * 500, "\u4e2d\u6587\n" * 300,
            "\u05e9\u05dc\u05d5\u05dd",
            f"--=_mixed_{ACTION_ID}--\n", f"\n--=_alternative_{ACTION_ID}\nX: y\n\nz",
            "Bcc: x@y.z\n\nSubject: no", "\x1b[31mred\x07\x01", "\x0c form feed", "=?utf-8?q?x?=",
            "\ufeffbom", "\u2028\u2029\x85", "=3D=\n=20", "begin 644 x\n",
        ]:
            with self.subTest(text=text[:40], size=len(text)):
                message = self.build(subject="s", body=text)
                self.assertEqual(message.get_content_type(), "text/plain")
                self.assertEqual(self.text(message), text)

    def test_line_ends_become_crlf(self):
        message = self.build(body="a\nb\rc\r\nd\n\re")
        self.assertEqual(message.get_payload(decode=True), b"a\r\nb\r\nc\r\nd\r\n\r\ne")

    def test_html_alone(self):
        for body in [{}, {"body": ""}]:
            message = self.build(html="<p>caf\u00e9</p>", **body)
            self.assertEqual(message.get_content_type(), "text/html")
            self.assertEqual(self.text(message), "<p>caf\u00e9</p>")


class Structure(MailTest):
    def parts(self, message):
        return [p.get_content_type() for p in message.walk()]

    def attachment(self, content, **fields):
        return {"filename": "a.bin", "content_base64": base64.b64encode(content).decode(), **fields}

    def test_alternative(self):
        message = self.build(body="text", html="<b>html")
        self.assertEqual(self.parts(message), ["multipart/alternative", "text/plain", "text/html"])
        self.assertEqual(self.text(message.get_body(("plain",))), "text")
        self.assertEqual(self.text(message.get_body(("html",))), "<b>html")

    def test_everything(self):
        contents = [b"", b"\0\r\n.\r\n", f"--=_mixed_{ACTION_ID}--\r\n".encode(), bytes(range(256))]
        types = ["application/octet-stream", "image/png", "text/csv; charset=utf-8",
                 "application/vnd.ms-excel.sheet+xml"]
        message = self.build(body="text", html="<b>html", attachments=[
            self.attachment(c, content_type=t) for c, t in zip(contents, types)])
        self.assertEqual(self.parts(message),
                         ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
                         + [t.partition(";")[0] for t in types])
        found = list(message.iter_attachments())
        self.assertEqual([p.get_payload(decode=True) for p in found], contents)
        self.assertTrue(all(p.is_attachment() for p in found))
        self.assertEqual(found[2].get_content_charset(), "utf-8")

    def test_text_and_attachment(self):
        message = self.build(body="text", attachments=[self.attachment(b"x")])
        self.assertEqual(self.parts(message),
                         ["multipart/mixed", "text/plain", "application/octet-stream"])
        self.assertEqual(self.text(message.get_body(("plain",))), "text")

    def test_every_length_of_base64(self):
        for size in [*range(0, 120), 56 * 57, 57 * 57 + 1]:
            content = os.urandom(size)
            message = self.build(attachments=[self.attachment(content)])
            self.assertEqual(next(message.iter_attachments()).get_payload(decode=True), content)

    def test_large_attachment(self):
        content = random.Random(1).randbytes(15 * 1024 * 1024)
        message = self.build(body="see there", attachments=[self.attachment(content)])
        self.assertEqual(next(message.iter_attachments()).get_payload(decode=True), content)

    def test_filenames(self):
        names = ["a.txt", "my file.txt", "r\u00e9sum\u00e9.pdf", "\u4e2d\u6587.docx",
                 "\U0001f600.png", "\u05e9\u05dc\u05d5\u05dd.pdf", "a\"b.txt", "a;b=c.txt",
                 "a'b'c.txt", "100%.txt", "a%41.txt", "=?utf-8?q?x?=.txt", "x" * 251 + ".txt",
                 "\u00e9" * 125 + ".txt", "a,b", "(a).txt", "[a]*~.txt", "."]
        for name in names:
            with self.subTest(name=name):
                raw = self.raw({"to": "a@b.c",
                                "attachments": [self.attachment(b"x", filename=name)]})
                self.check_bytes(raw)
                message = email.message_from_bytes(raw, policy=email.policy.default)
                part = next(message.iter_attachments())
                self.assertEqual(part.get_filename(), name)
                self.assertEqual([p.defects for p in message.walk()], [[], [], []])


class Forms(MailTest):
    """Both forms of a request hold the same message."""

    LARGE = 5 * 1024 * 1024  # of what the message is made of, as it is encoded
    THREAD = "18c2f3a7d4e0b111"

    def payload(self, size, **fields):
        """With one attachment that is encoded as so many bytes."""
        full, rest = divmod(size, 78)
        content = "QUJD" * (full * 19) + "QUJD" * (rest // 4)
        return {"to": "to@example.com", "subject": "s", **fields,
                "attachments": [{"filename": "a", "content_base64": content}]}

    def test_which_form(self):
        for payload, path in [
            ({"to": "a@b.c"}, upstream.SEND),
            ({"to": "a@b.c", "thread_id": self.THREAD}, upstream.SEND),
            (self.payload(self.LARGE), upstream.SEND),
            (self.payload(self.LARGE, thread_id=self.THREAD), upstream.SEND),
            (self.payload(self.LARGE, body="x"), upstream.UPLOAD),
            (self.payload(self.LARGE, html="x", thread_id=self.THREAD), upstream.UPLOAD),
            ({"to": "a@b.c", "body": "x\n" * (self.LARGE // 3)}, upstream.SEND),
            ({"to": "a@b.c", "body": "x\n" * (self.LARGE // 3 + 1)}, upstream.UPLOAD),
        ]:
            with self.subTest(path=path, size=len(str(payload))):
                self.assertEqual(self.request(payload)[0], path)

    def test_same_message(self):
        """Whatever form, the same bytes, but for the attachment's."""
        fields = {"html": f"\n--=_mixed_{ACTION_ID}--\nx", "in_reply_to": "<a@b>"}
        large = self.raw(self.payload(self.LARGE, **fields))
        small = self.raw(self.payload(80, **fields))
        self.check_bytes(large)
        begin = small.index(b"QUJD")
        self.assertEqual(large[:begin], small[:begin])
        self.assertEqual(large[begin:].strip(b"QUJD\r\n"), small[begin:].strip(b"QUJD\r\n"))


class Refusals(MailTest):
    """F1 to F4: what would add a header, a recipient or a file is found, with its place."""

    def test_controls_in_headers(self):
        for c in CONTROLS:
            text = f"x{c}Bcc: evil@example.com"
            attachment = {"filename": "a", "content_base64": ""}
            for path, fields in [
                ("/to", {"to": f"a@b.c{c}Bcc: evil@example.com"}),
                ("/to", {"to": f"A{c} <a@b.c>"}),
                ("/to", {"to": f"\"A{c}B\" <a@b.c>"}),
                ("/to/1", {"to": ["a@b.c", f"{text} <a@b.c>"]}),
                ("/cc/3", {"cc": ["a@b.c", "a@b.c", "a@b.c", f"{text} <a@b.c>"]}),
                ("/bcc", {"bcc": f"{text} <a@b.c>"}),
                ("/reply_to/0", {"reply_to": [f"{text} <a@b.c>"]}),
                ("/from", {"from": text}),
                ("/from", {"from": f"{text} <a@b.c>"}),
                ("/subject", {"subject": text}),
                ("/thread_id", {"thread_id": f"18c{c}"}),
                ("/in_reply_to", {"in_reply_to": f"<a@b>{c}X: y"}),
                ("/attachments/0/filename", {"attachments": [{**attachment, "filename": text}]}),
                ("/attachments/0/content_type",
                 {"attachments": [{**attachment, "content_type": f"a/b{c}X: y"}]}),
                ("/attachments/0/content_base64",
                 {"attachments": [{**attachment, "content_base64": f"Zm9v{c}"}]}),
            ]:
                with self.subTest(path=path, control=c):
                    schema, check = self.findings({"to": "a@b.c", **fields})
                    self.assertEqual(check, {path})
                    if c != "\x9f" and not path.endswith("base64"):
                        self.assertTrue(any(path.startswith(p) and p for p in schema), schema)

    def test_nul_is_no_json(self):
        self.assertEqual(run({"to": "a@b.c", "subject": "a\0b"}).returncode, 1)

    def test_addresses(self):
        for text in ["", "x", "a@b@c.d", "a@b.c, d@e.f", "a@b.c,d@e.f", "A <a@b.c>, B <d@e.f>",
                     "a@b.c; d@e.f", "Team: a@b.c, d@e.f;", "undisclosed-recipients:;",
                     "a@b.c (comment)", "(x) <a@b.c>", "<@x,@y:a@b.c>", "a@[127.0.0.1]",
                     "A <a@b.c> <d@e.f>", "A <a@b.c", "\"A <a@b.c>", "a b@c.d", "a@-b.c", "a@b..c"]:
            for fields, path in [({"to": text}, "/to"), ({"to": ["a@b.c", text]}, "/to/1"),
                                 ({"to": "a@b.c", "bcc": [text]}, "/bcc/0")]:
                with self.subTest(text=text, path=path):
                    self.assertEqual(self.findings(fields)[1], {path})

    def test_several_addresses_are_explained(self):
        found = json.loads(run({"to": "a@b.c, d@e.f"}).stdout)["check"]
        self.assertIn("array", found[0]["message"])

    def test_attachments(self):
        for attachment, path in [
            ({"filename": "a", "path": "/etc/passwd"}, ""),
            ({"filename": "a", "content_base64": "/etc/passwd"}, "/content_base64"),
            ({"filename": "/etc/passwd", "content_base64": ""}, "/filename"),
            ({"filename": "..\\x", "content_base64": ""}, "/filename"),
            ({"filename": "a", "content_base64": "Zg"}, "/content_base64"),
            ({"filename": "a", "content_base64": "Zh=="}, "/content_base64"),
            ({"filename": "a", "content_base64": "Zm9_"}, "/content_base64"),
            ({"filename": "a", "content_base64": "", "content_type": "message/rfc822"},
             "/content_type"),
        ]:
            with self.subTest(attachment=attachment):
                schema, check = self.findings({"to": "a@b.c", "attachments": [attachment]})
                self.assertTrue(any(p.startswith("/attachments/0" + path) for p in schema | check))

    def test_unknown_fields(self):
        for fields, path in [({"To": "a@b.c"}, "/To"), ({"headers": {"X": "y"}}, "/headers"),
                             ({"body_html": ""}, "/body_html")]:
            with self.subTest(path=path):
                self.assertIn(path, self.findings({"to": "a@b.c", **fields})[0])

    def test_too_large(self):
        content = base64.b64encode(bytes(10 * 1024 * 1024)).decode()
        attachment = {"filename": "a", "content_base64": content}
        _, check = self.findings({"to": "a@b.c", "attachments": [attachment] * 2})
        self.assertEqual(check, {"/attachments/1/content_base64"})


if __name__ == "__main__":
    unittest.main()
