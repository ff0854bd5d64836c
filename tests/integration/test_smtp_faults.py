# SPDX-License-Identifier: MIT
"""Mail servers that vanish, stall, refuse and talk nonsense: what became of the e-mail is told as it
is, it is never sent twice, and nothing leaves in the clear."""

import base64
import email
import json
import os
import pathlib
import tempfile
import unittest

from engine import BUILD, Stack, until
from fakemail import CLOSE, HANG, FakeMail
from mailserver import make_authority
from test_hostile import memory

SECRET = "s3cret-app-password"
TOKEN = "ya29." + "t0ken-" * 300
USER = "ada@mail.test"

folder = fake = fake_tls = stack = None


def setUpModule():
    global folder, fake, fake_tls, stack
    folder = pathlib.Path(unittest.enterModuleContext(tempfile.TemporaryDirectory()))
    make_authority(folder)
    fake = unittest.enterModuleContext(FakeMail(folder, tls=False))
    fake_tls = unittest.enterModuleContext(FakeMail(folder, tls=True))
    stack = unittest.enterModuleContext(make_stack("FirstByteTimeoutSec=5\nTotalTimeoutSec=8\n"))
    password = {"password": SECRET}
    with stack.connect() as c:
        c.result(connect("starttls", fake, "starttls", password))
        c.result(connect("tls", fake_tls, "tls", password))
        c.result(connect("login", fake_tls, "tls", {**password, "auth": "login"}))
        c.result(connect("token", fake_tls, "tls", {"access_token": TOKEN}))


def make_stack(timeouts):
    return Stack(f"[Http]\nCaFile={folder / 'ca.pem'}\n{timeouts}"
                 f"[Smtp]\nAllowAddress=127.0.0.1:{fake.port} 127.0.0.1:{fake_tls.port}\n",
                 "http://127.0.0.1:9")


def tearDownModule():
    for log in stack.log("engine"), stack.log("vault"):
        for secret in SECRET, TOKEN[:20], base64.b64encode(SECRET.encode()).decode():
            assert secret not in log


def connect(account, server, security, secret):
    credential = {"host": "127.0.0.1", "port": server.port, "security": security,
                  "username": USER, **secret}
    return {"op": "auth_token", "platform": "smtp", "account": account, "credential": credential}


def mail(account="tls", **more):
    payload = {"to": "grace@mail.test", "subject": "Hello", "body": "How are you?", **more}
    return {"platform": "smtp", "action_type": "send_email", "account": account, "payload": payload}


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())
        fake.reset()
        fake_tls.reset()

    def call(self, request):
        response = self.c.call(request)
        text = json.dumps(response)
        for secret in SECRET, TOKEN[:20], base64.b64encode(SECRET.encode()).decode():
            self.assertNotIn(secret, text)
        return response

    def refused(self, code, status=None, request=None, session=True):
        response = self.call(request or mail())
        self.assertEqual(response["status"], "error", response)
        error = response["error"]
        self.assertEqual(error["code"], code, error)
        self.assertEqual(error.get("upstream", {}).get("status"), status, error)
        if session:
            self.assertEqual(len(fake_tls.sessions), 1)
        return error


class Dialogue(Case):
    def test_what_is_said(self):
        for features in FakeMail.FEATURES, ("AUTH PLAIN",), ("SIZE", "AUTH LOGIN"):
            with self.subTest(features):
                fake_tls.reset(features)
                to = [f"user{i}@mail.test" for i in range(50)]
                self.assertEqual(self.c.result(mail(to=to))["accepted"], 50)
                session = fake_tls.session()
                ehlo, auth, sender, *recipients, data, end = session.commands
                self.assertEqual([ehlo, data, end], ["EHLO [127.0.0.1]", "DATA", "QUIT"])
                self.assertEqual(auth.split()[1], features[-1].split()[1])
                size = f" SIZE={len(session.message)}" if "SIZE" in str(features) else ""
                self.assertEqual(sender, f"MAIL FROM:<{USER}>{size}")
                self.assertEqual(recipients, [f"RCPT TO:<{address}>" for address in to])

    def test_the_message_is_the_same_as_it_was_built(self):
        body = "".join(f"{'.' * (i % 4)}line {i}\n" for i in range(20000))
        result = self.c.result(mail(body=body))
        self.assertEqual(result["response"], "2.0.0 queued as 4711")
        got = email.message_from_bytes(fake_tls.session().message)
        self.assertEqual(got["Message-ID"], result["message_id"])
        self.assertEqual(got.get_payload(decode=True).decode().replace("\r\n", "\n"), body)

    def test_letters_beyond_ascii_are_announced(self):
        self.c.result(mail(to="jos\u00e9@b\u00fccher.test"))
        session = fake_tls.session()
        self.assertRegex(session.commands[2], r"^MAIL FROM:<ada@mail\.test> SIZE=\d+ BODY=8BITMIME SMTPUTF8$")
        self.assertEqual(session.commands[3], "RCPT TO:<jos\u00e9@b\u00fccher.test>")

    def test_logins(self):
        self.c.result(mail())
        self.assertEqual(fake_tls.session().login, [f"\0{USER}\0{SECRET}".encode()])
        fake_tls.reset()
        self.c.result(mail("login"))
        self.assertEqual(fake_tls.session().login, [USER.encode(), SECRET.encode()])
        fake_tls.reset()
        self.c.result(mail("token"))
        self.assertEqual(fake_tls.session().login,
                         [f"user={USER}\1auth=Bearer {TOKEN}\1\1".encode()])

    def test_a_token_that_is_refused(self):
        """By a challenge that holds the reason."""
        said = base64.b64encode(b'{"status":"400","schemes":"Bearer"}')
        fake_tls.reset(AUTH=b"334 " + said + b"\r\n")
        error = self.refused("reauthorization_required", 334, mail("token"))
        self.assertIn("auth_token", error["message"])

    def test_a_server_without_logins(self):
        for play in {"EHLO": b"502 no\r\n"}, {"EHLO": b"250-fake.test\r\n250 PIPELINING\r\n"}:
            fake_tls.reset(**play)
            error = self.refused("reauthorization_required")
            self.assertIn("login", error["message"])
            self.assertNotIn(f"MAIL FROM:<{USER}>", fake_tls.session().commands)


class Ends(Case):
    """The connection ends, or falls silent."""

    def test_before_the_end_left_nothing_is_sent(self):
        for step in "greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA":
            with self.subTest(step):
                fake_tls.reset(**{step: CLOSE})
                error = self.refused("upstream_unreachable")
                self.assertIn("nothing was sent", error["message"])
                self.assertIsNone(fake_tls.session().message)

    def test_behind_the_end_nobody_knows(self):
        fake_tls.reset(message=CLOSE)
        error = self.refused("outcome_unknown")
        self.assertIn("check", error["message"])
        self.assertIsNotNone(fake_tls.session().message)
        fake_tls.reset(message=HANG)
        self.refused("outcome_unknown")
        self.assertIsNotNone(fake_tls.session().message)

    def test_a_deadline(self):
        fake_tls.reset(RCPT=HANG)
        self.refused("deadline_exceeded", request={**mail(), "deadline_ms": 4000})
        fake_tls.session()

    def test_others_do_not_wait(self):
        fake_tls.reset(message=HANG)
        self.c.send({**mail(), "id": "slow"})
        for _ in range(5):
            self.assertEqual(self.call(mail("starttls"))["status"], "success")
        self.assertEqual(self.c.finish("slow")["error"]["code"], "outcome_unknown")

    def test_three_at_a_time(self):
        hung = iter([HANG] * 3)
        fake_tls.reset(message=lambda _: next(hung, None))
        for i in range(5):
            self.c.send({**mail(), "id": i})
        self.c.send({**mail("starttls"), "id": "other"})
        self.assertEqual(self.c.finish("other")["status"], "success")
        until(lambda: len(fake_tls.sessions), lambda n: n >= 3)
        self.assertEqual(len(fake_tls.sessions), 3)
        codes = [self.c.finish(i).get("error", {}).get("code") for i in range(5)]
        self.assertEqual(codes, ["outcome_unknown"] * 3 + [None] * 2)


class Silence(Case):
    """Nothing is said for longer than may be, which is not long; a busy machine connects to nobody
    in that time."""

    @classmethod
    def setUpClass(cls):
        cls.own = cls.enterClassContext(make_stack(
            "ConnectTimeoutSec=1\nFirstByteTimeoutSec=2\nTotalTimeoutSec=4\n"))
        with cls.own.connect() as c:
            c.result(connect("tls", fake_tls, "tls", {"password": SECRET}))

    def setUp(self):
        super().setUp()
        self.c = self.enterContext(self.own.connect())

    def test_before_the_end_left_nothing_is_sent(self):
        for step in "greeting", "EHLO", "AUTH", "MAIL", "DATA":
            with self.subTest(step):
                fake_tls.reset(**{step: HANG})
                self.refused("upstream_unreachable", session=False)
                self.assertFalse([s for s in fake_tls.sessions if s.message])


class Refusals(Case):
    CASES = (
        ("greeting", b"421 4.3.2 busy\r\n", "rate_limited", 421),
        ("greeting", b"554 5.7.1 go away\r\n", "upstream_rejected", 554),
        ("AUTH", b"535 5.7.8 no\r\n", "reauthorization_required", 535),
        ("AUTH", b"534-5.7.9 app password needed\r\n534 5.7.9 see help\r\n",
         "reauthorization_required", 534),
        ("AUTH", b"454 4.7.0 not now\r\n", "rate_limited", 454),
        ("AUTH", b"421 4.3.0 bye\r\n", "upstream_error", 421),
        ("MAIL", b"421 4.3.0 bye\r\n", "rate_limited", 421),
        ("MAIL", b"451 4.3.0 local error\r\n", "upstream_error", 451),
        ("MAIL", b"452 4.3.1 full\r\n", "rate_limited", 452),
        ("MAIL", b"530 5.7.0 login\r\n", "reauthorization_required", 530),
        ("MAIL", b"550 5.1.8 not you\r\n", "upstream_rejected", 550),
        ("MAIL", b"552 5.3.4 too large\r\n", "upstream_rejected", 552),
        ("RCPT", b"421 4.3.0 bye\r\n", "rate_limited", 421),
        ("RCPT", b"450 4.2.1 later\r\n", "rate_limited", 450),
        ("RCPT", b"451 4.7.1 greylisted\r\n", "rate_limited", 451),
        ("RCPT", b"452 4.5.3 too many\r\n", "rate_limited", 452),
        ("RCPT", b"550 5.1.1 unknown\r\n", "upstream_rejected", 550),
        ("DATA", b"451 4.3.0 local error\r\n", "upstream_error", 451),
        ("DATA", b"554 5.5.1 no\r\n", "upstream_rejected", 554),
        ("message", b"421 4.3.0 bye\r\n", "upstream_error", 421),
        ("message", b"451 4.3.0 local error\r\n", "upstream_error", 451),
        ("message", b"552 5.3.4 too large\r\n", "upstream_rejected", 552),
        ("message", b"554 5.7.1 spam\r\n", "upstream_rejected", 554),
    )

    def test_every_refusal_is_told(self):
        for step, said, code, status in self.CASES:
            with self.subTest(step=step, said=said):
                fake_tls.reset(**{step: said})
                error = self.refused(code, status)
                self.assertNotIn("unknown; check", error["message"])
                enhanced = said[4:9].decode()
                if said[5:6] == b".":
                    self.assertEqual(error["upstream"]["reason"], enhanced)
                    self.assertTrue(error["upstream"]["message"].startswith(enhanced))
                fake_tls.session()

    def test_one_that_has_heard_enough(self):
        fake_tls.reset(DATA=b"354 go on\r\n552 5.3.4 enough\r\n")
        error = self.refused("upstream_rejected", 552, mail(body="x" * 70 * 10000))
        self.assertIn("larger", error["message"])
        self.assertIsNone(fake_tls.sessions[0].message)

    def test_each_refused_recipient_is_named(self):
        for features in FakeMail.FEATURES, ("AUTH PLAIN",):
            fake_tls.reset(features, RCPT=lambda line: b"550 5.1.1 no\r\n" if b"bad" in line else None)
            to = ["a@x.test", "bad1@x.test", "b@x.test", "bad2@x.test"]
            error = self.refused("upstream_rejected", 550, mail(to=to, cc="bad3@x.test"))
            self.assertEqual([f["path"] for f in error["errors"]], ["/to/1", "/to/3", "/cc"])
            session = fake_tls.session()
            self.assertNotIn("DATA", session.commands)
            self.assertEqual(len([c for c in session.commands if c.startswith("RCPT")]), 5)

    def test_a_login_that_is_echoed_is_not_repeated(self):
        for account in "tls", "login", "token":
            for said in (
                lambda given: b"535 what is " + given[-1] + b"\r\n",
                lambda given: b"535 what is " + base64.b64decode(given[-1])[-30:].replace(
                    b"\1", b"") + b"\r\n",
            ):
                fake_tls.reset(AUTH=said)
                error = self.refused("reauthorization_required", 535, mail(account))
                self.assertNotIn(SECRET[:8], str(error))

    def test_what_a_server_says_is_bounded_and_clean(self):
        fake_tls.reset(message=b"250-\x1b[31m\xff\xfe red\r\n250 " + b"x" * 1500 + b"\r\n")
        response = self.c.result(mail())["response"]
        self.assertLess(len(response), 256)
        self.assertTrue(response.startswith("?[31m?? red xxx"), response)


class Nonsense(Case):
    def test_before_the_end(self):
        long = b"x" * 5000
        for step, said in (
            ("MAIL", b"hello\r\n"), ("MAIL", b"250" + long + b"\r\n"), ("MAIL", b"2x0 ok\r\n"),
            ("MAIL", b"354 go on\r\n"), ("MAIL", b"250-ok\r\n251 ok\r\n"), ("MAIL", b"\r\n"),
            ("MAIL", b"250-ok\r\n" * 200), ("MAIL", b"999 ok\r\n"), ("MAIL", b"250 ok\r\n" * 9),
            ("DATA", b"250 ok\r\n"), ("DATA", b"354 go\r\n250 queued already\r\n"),
            ("RCPT", b"250 ok\r\n250 ok\r\n354 go on\r\n"), ("greeting", b"\x16\x03\x01\x02\r\n"),
            ("greeting", b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("EHLO", long + b"\r\n"),
        ):
            with self.subTest(step=step, said=said[:20]):
                fake_tls.reset(**{step: said})
                self.refused("upstream_unreachable")
                self.assertIsNone(fake_tls.sessions[0].message)

    def test_behind_the_end(self):
        for said in b"hello\r\n", b"354 more\r\n", b"250-queued\r\n", b"\0\0\0\0\r\n":
            with self.subTest(said):
                fake_tls.reset(message=lambda _, said=said: said)
                self.refused("outcome_unknown")


class Encryption(Case):
    def test_by_starttls(self):
        self.c.result(mail("starttls"))
        session = fake.session()
        self.assertEqual(session.commands[:3], ["EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]"])

    def test_a_server_that_hides_it_gets_nothing(self):
        for play in (
            {"EHLO": b"250-fake.test\r\n250 AUTH PLAIN LOGIN\r\n"}, {"STARTTLS": b"454 no\r\n"},
            {"STARTTLS": b"502 what?\r\n"},
        ):
            with self.subTest(play):
                fake.reset(**play)
                error = self.refused("upstream_rejected", request=mail("starttls"), session=False)
                self.assertIn("STARTTLS", error["message"])
                session = fake.session()
                self.assertFalse(session.tls)
                self.assertEqual(session.login, [])

    def test_what_was_said_before_does_not_count(self):
        for said in (b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n", b"220 go\r\n235 welcome\r\n"):
            fake.reset(STARTTLS=said)
            self.refused("upstream_unreachable", request=mail("starttls"), session=False)
            self.assertEqual(fake.session().login, [])

    def test_a_server_without_tls_where_it_was_expected(self):
        with stack.connect() as c:
            c.result(connect("crossed", fake, "tls", {"password": SECRET}))
        self.refused("upstream_unreachable", request=mail("crossed"), session=False)


@unittest.skipIf(os.geteuid() != 0, "only root can look into the daemons")
class Memory(Case):
    """What is over has left nothing behind, however it ended."""

    SECRETS = {
        "password": SECRET.encode(),
        "LOGIN": base64.b64encode(SECRET.encode()),
        "PLAIN": base64.b64encode(f"\0{USER}\0{SECRET}".encode())[20:],
        "token": TOKEN[40:80].encode(),
        "XOAUTH2": base64.b64encode(f"user={USER}\1auth=Bearer {TOKEN}\1\1".encode())[60:100],
    }

    def setUp(self):
        super().setUp()
        if b"__asan_init" in (BUILD / "src/engine/action-engined").read_bytes():
            self.skipTest("SKIP: a sanitizer's allocator does not wipe")

    def found(self):
        self.c.result({"op": "health"})  # what was done before is cleared away
        pieces = list(memory(stack.pid("engine")))
        return [name for name, secret in self.SECRETS.items()
                if any(secret in piece for piece in pieces)]

    def assert_gone(self):
        until(self.found, lambda found: not found)

    def test_while_it_waits(self):
        fake_tls.reset(message=HANG)
        self.c.send({**mail(), "id": "slow"})
        until(lambda: fake_tls.sessions and fake_tls.sessions[0].message, bool)
        self.assertIn("password", self.found())  # the search finds things
        self.c.finish("slow")
        self.assert_gone()

    def test_after_the_answer(self):
        for play in {}, {"AUTH": b"535 no\r\n"}, {"RCPT": b"550 no\r\n"}, {"message": CLOSE}:
            for account in "tls", "login", "token":
                with self.subTest(account, **play):
                    fake_tls.reset(**play)
                    self.call(mail(account))
                    self.assert_gone()
