# SPDX-License-Identifier: MIT
"""E-mails through a real mail server: what it delivers is what was asked for, and what it refuses
is told so that a person knows what to do."""

import base64
import random
import re
import socket
import unittest

from engine import Stack
from mailserver import MailServer

server = nobody = stack = None  # `nobody` listens, and hears from nobody


def setUpModule():
    global server, nobody, stack
    if why := MailServer.lacks():
        raise unittest.SkipTest(why)
    server = unittest.enterModuleContext(MailServer())
    nobody = unittest.enterModuleContext(socket.create_server(("127.0.0.1", 0)))
    nobody.setblocking(False)
    ports = " ".join(f"127.0.0.1:{port}" for port in (
        server.starttls, server.tls, server.plain, nobody.getsockname()[1]))
    config = f"[Http]\nCaFile={server.ca}\n[Smtp]\nAllowAddress={ports}\n"
    stack = unittest.enterModuleContext(Stack(config, "http://127.0.0.1:9"))
    with stack.connect() as c:
        c.result(connect("default"))
        c.result(connect("tls", port=server.tls, security="tls"))


def tearDownModule():
    for log in stack.log("engine"), stack.log("vault"):
        assert server.PASSWORD not in log and "app-pass" not in log


def connect(account, **more):
    credential = {
        "host": "127.0.0.1", "port": server.starttls, "security": "starttls",
        "username": server.USER, "password": server.PASSWORD, **more,
    }
    return {"op": "auth_token", "platform": "smtp", "account": account, "credential": credential}


def mail(subject, to="grace@mail.test", body="How are you?", **more):
    account = more.pop("account", "default")
    payload = {"to": to, "subject": subject, "body": body, **more}
    return {"platform": "smtp", "action_type": "send_email", "account": account, "payload": payload}


def login(account, **more):
    return connect(account, **{"port": server.tls, "security": "tls", **more})


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())

    def refused(self, request, code, status=None):
        error = self.c.error(request)
        self.assertEqual(error["code"], code, error)
        self.assertEqual(error.get("upstream", {}).get("status"), status, error)
        for secret in server.PASSWORD, "app-pass", base64.b64encode(server.PASSWORD.encode()):
            self.assertNotIn(str(secret), str(error))
        return error


class Delivery(Case):
    def test_an_email_arrives(self):
        for account in "default", "tls":
            with self.subTest(account):
                subject = f"Hello by {account}"
                result = self.c.result(mail(subject, account=account))
                (got,) = server.wait(subject)
                self.assertEqual(result["message_id"], got["Message-ID"])
                self.assertEqual(result["accepted"], 1)
                self.assertRegex(result["response"], r"^OK id=")
                self.assertEqual(set(result), {"message_id", "accepted", "response", "timestamp"})
                self.assertEqual(got["From"], server.USER)
                self.assertEqual(got["Return-path"], f"<{server.USER}>")
                self.assertEqual(got.get_content().strip(), "How are you?")
                self.assertNotIn(socket.gethostname(), str(got["Received"]))

    def test_every_way_to_log_in(self):
        ways = {
            "plain": connect("plain", auth="plain"),
            "login": connect("login", auth="login"),
            "login-tls": login("login-tls", auth="login"),
            "name": login("name", host="mail.test") | {},
        }
        ways.pop("name")  # there is no such name outside of the test's certificate
        for account, request in ways.items():
            with self.subTest(account):
                self.c.result(request)
                self.c.result(mail(f"In by {account}", account=account))
                server.wait(f"In by {account}")
        mechanisms = re.findall(r"A=(\w+):", server.log())
        self.assertEqual(set(mechanisms), {"plain", "login"})

    def test_everybody_gets_it_and_bcc_stands_nowhere(self):
        to, cc, bcc = ["ada@mail.test", "Bob B. <bob@mail.test>"], "grace@mail.test", "bob@mail.test"
        result = self.c.result(mail("To many", to, cc=cc, bcc=[bcc, "eve@mail.test"]))
        self.assertEqual(result["accepted"], 4)
        mails = server.wait("To many", 4)
        self.assertEqual([m["Envelope-to"] for m in mails],
                         ["ada@mail.test", "bob@mail.test", "eve@mail.test", "grace@mail.test"])
        for m in mails:
            self.assertEqual(str(m["To"]), "ada@mail.test, \"Bob B.\" <bob@mail.test>")
            self.assertEqual(str(m["Cc"]), cc)
            self.assertIsNone(m["Bcc"])
            self.assertNotIn("eve", re.sub(r"Envelope-to:.*", "", m.as_string()))

    def test_who_sends(self):
        self.c.result(connect("named", **{"from": "Ada L. <ada@mail.test>"}))
        for subject, more, expected in (
            ("From the mailbox", {"account": "named"}, "\"Ada L.\" <ada@mail.test>"),
            ("From a name", {"from": "Countess"}, "Countess <ada@mail.test>"),
            ("From a payload", {"from": "Me <alias@mail.test>"}, "Me <alias@mail.test>"),
        ):
            with self.subTest(subject):
                self.c.result(mail(subject, **more))
                (got,) = server.wait(subject)
                self.assertEqual(str(got["From"]), expected)
                self.assertEqual(got["Return-path"], f"<{got['From'].addresses[0].addr_spec}>")

    def test_lines_that_are_dots_and_line_ends_of_all_kinds(self):
        body = "one\n.\n..two\r\n.three\r.\n\n.\r\nQUIT\r\n.\r\nend ü"
        self.c.result(mail("Dots", body=body))
        (got,) = server.wait("Dots")
        lines = got.get_content().splitlines()
        self.assertEqual(lines, ["one", ".", "..two", ".three", ".", "", ".", "QUIT", ".", "end ü"])
        self.c.result(mail("Plain dots", body=".\n.a\n"))
        (got,) = server.wait("Plain dots")
        self.assertEqual(got.get_content(), ".\n.a\n")

    def test_attachments_up_to_the_servers_size(self):
        data = random.Random(1).randbytes(100_000)
        file = {"filename": "r\u00e9sum\u00e9.bin", "content_base64": base64.b64encode(data).decode()}
        self.c.result(mail("With a file", html="<p>Hello</p>", attachments=[file]))
        (got,) = server.wait("With a file")
        (attached,) = got.iter_attachments()
        self.assertEqual(attached.get_filename(), file["filename"])
        self.assertEqual(attached.get_content(), data)
        self.assertEqual(got.get_body(("html",)).get_content().strip(), "<p>Hello</p>")

        file["content_base64"] = base64.b64encode(data * 2).decode()
        error = self.refused(mail("Too large", attachments=[file]), "upstream_rejected")
        self.assertIn(str(server.MAX_SIZE), error["message"])
        self.assertEqual(server.mails("Too large"), [])

    def test_addresses_beyond_ascii(self):
        domain = "Grace <grace@b\u00fccher.mail.test>"
        self.c.result(mail("Name beyond ASCII", [domain, "jos\u00e9@mail.test"]))
        mails = server.wait("Name beyond ASCII", 2)
        self.assertEqual({m["Envelope-to"] for m in mails},
                         {"grace@xn--bcher-kva.mail.test", "jos\u00e9@mail.test"})
        error = self.refused(mail("No", ["bob@mail.test", "jos\u00e9@mail.test"], account="tls"),
                             "upstream_rejected")
        self.assertEqual([f["path"] for f in error["errors"]], ["/to/1"])
        self.assertIn("SMTPUTF8", error["message"])
        self.assertEqual(server.mails("No"), [])

    def test_many_at_once(self):
        for i in range(40):
            account = "tls" if i % 2 else "default"
            self.c.start({**mail(f"Crowd {i}", account=account), "id": f"crowd{i}"})
        for i in range(40):
            self.assertEqual(self.c.finish(f"crowd{i}")["status"], "success")
            server.wait(f"Crowd {i}")


class Import(Case):
    """A mailbox is tried before it is kept, by a login that sends nothing."""

    def store(self, request):
        return {**request, "verify": True}

    def test_a_mailbox_that_works(self):
        for request in connect("tried"), login("tried-tls"), connect("tried-login", auth="login"):
            with self.subTest(request["account"]):
                result = self.c.result(self.store(request))
                self.assertEqual((result["verified"], result["identity"]), (True, server.USER))
                (status,) = [a for a in self.c.result({"op": "auth_status", "platform": "smtp"})
                             ["connected_platforms"] if a["account"] == request["account"]]
                self.assertEqual(status["identity"], server.USER)
        self.c.result(mail("After a try", account="tried"))
        server.wait("After a try")

    def test_mailboxes_that_do_not(self):
        for name, request, code, status in (
                ("password", connect("bad", password="app-pass"), "authorization_failed", 535),
                ("port", connect("bad", port=server.plain), "authorization_failed", None),
                ("address", connect("bad", host="127.0.0.2"), "forbidden", None),
                ("nobody", connect("bad", host="[::1]", port=9), "forbidden", None)):
            with self.subTest(name):
                error = self.refused(self.store(request), code, status)
                if code == "authorization_failed":
                    self.assertIn("nothing was stored", error["message"])
                self.assertEqual(self.c.code(mail("Never", account="bad")), "not_connected")


class Refusals(Case):
    def test_a_wrong_password(self):
        for account, request in ("w1", connect("w1", password="wrong")), ("w2", login(
                "w2", password="wrong", auth="login")), ("w3", connect(
                    "w3", username="bob@mail.test")):
            with self.subTest(account):
                self.c.result(request)
                error = self.refused(mail("No", account=account), "reauthorization_required", 535)
                self.assertIn("password", error["message"])

    def test_a_login_that_the_server_does_not_have(self):
        self.c.result(login("no-plain", auth="plain"))
        error = self.refused(mail("No", account="no-plain"), "reauthorization_required")
        self.assertIn("auth", error["message"])
        token = connect("token")
        token["credential"]["access_token"] = token["credential"].pop("password") and "ya29.x"
        self.c.result(token)
        self.refused(mail("No", account="token"), "reauthorization_required")

    def test_one_recipient_refused_is_nobody_served(self):
        to = ["grace@mail.test", "nobody@mail.test", "bob@mail.test"]
        request = mail("Some", to, bcc="nobody-else@mail.test")
        for account in "default", "tls":
            error = self.refused({**request, "account": account}, "upstream_rejected", 550)
            self.assertEqual([f["path"] for f in error["errors"]], ["/to/1", "/bcc"])
            self.assertIn("no such user", error["errors"][0]["message"])
        error = self.refused(mail("Some", ["busy@mail.test", "bob@mail.test"]), "rate_limited", 450)
        self.assertEqual([f["path"] for f in error["errors"]], ["/to/0"])
        self.assertGreater(error["retry_after_ms"], 0)
        # What never will be is not to be tried again.
        error = self.refused(mail("Some", ["busy@mail.test", "nobody@mail.test"]),
                             "upstream_rejected", 550)
        self.assertEqual([f["path"] for f in error["errors"]], ["/to/0", "/to/1"])
        self.assertEqual(server.mails("Some"), [])

    def test_a_message_that_the_server_does_not_like(self):
        error = self.refused(mail("refuse this"), "upstream_rejected", 550)
        self.assertEqual(error["upstream"]["message"], "we do not like that")
        error = self.refused(mail("defer this"), "upstream_error", 451)
        self.assertTrue(error["retryable"])
        self.assertEqual(server.mails("refuse this") + server.mails("defer this"), [])

    def test_a_server_without_encryption_or_with_another_name(self):
        self.c.result(connect("plain-port", port=server.plain))
        error = self.refused(mail("No", account="plain-port"), "upstream_rejected")
        self.assertIn("STARTTLS", error["message"])
        self.c.result(connect("name", host="localhost"))
        self.refused(mail("No", account="name"), "upstream_unreachable")
        self.c.result(connect("wrong-way", port=server.tls))
        self.assertNotIn("not without a login", server.log())

    def test_addresses_that_nobody_listed(self):
        for host, port in (
            ("127.0.0.1", 25), ("127.0.0.2", server.starttls), ("localhost", 587),
            ("169.254.169.254", 25), ("10.0.0.1", 587), ("192.168.1.1", 465), ("0.0.0.0", 25),
            ("[::1]", 25), ("[::ffff:127.0.0.1]", server.starttls), ("[fe80::1]", 587),
            ("224.0.0.1", 587), ("255.255.255.255", 25), ("127.1", server.tls), ("2130706433", 25),
        ):
            with self.subTest(host):
                self.c.result(connect("inside", host=host, port=port))
                if host == "127.1" and port == server.tls:
                    continue  # an old spelling of 127.0.0.1, and that one is listed
                error = self.refused(mail("No", account="inside"), "forbidden")
                self.assertIn("AllowAddress=", error["message"])
                self.assertEqual(error["details"]["by"], "configuration")

    def test_a_dry_run_sends_nothing(self):
        port = nobody.getsockname()[1]
        self.c.result(connect("dry", port=port))
        request = mail("Dry", ["bob@mail.test", "x@y.test"], account="dry")
        result = self.c.result({**request, "dry_run": True})
        self.assertEqual(result["request"]["envelope"],
                         {"from": server.USER, "to": ["bob@mail.test", "x@y.test"]})
        self.assertEqual(result["request"]["url"], f"smtp://127.0.0.1:{port}")
        self.assertNotIn("app-pass", str(result))
        self.assertRaises(BlockingIOError, nobody.accept)

    def test_credentials_that_are_none(self):
        for wrong in (
            {"host": "a b"}, {"host": "smtp://mail.test"}, {"host": "mail.test/x"}, {"host": ""},
            {"host": "user@mail.test"}, {"host": "m\u00e4il.test"}, {"port": 0}, {"port": 65536},
            {"security": "none"}, {"security": ""}, {"username": "a\r\nb"}, {"password": "a\nb"},
            {"auth": "cram-md5"}, {"auth": "xoauth2"}, {"access_token": "both"}, {"extra": 1},
        ):
            with self.subTest(wrong):
                self.assertEqual(self.c.code(connect("wrong", **wrong)), "invalid_payload")
        for missing in "host", "security", "username", "password":
            with self.subTest(missing):
                request = connect("wrong")
                del request["credential"][missing]
                self.assertEqual(self.c.code(request), "invalid_payload")

    def test_no_sender(self):
        self.c.result(connect("nameless", username="ada"))
        error = self.refused(mail("No", account="nameless"), "invalid_payload")
        self.assertEqual([f["path"] for f in error["errors"]], ["/from"])
