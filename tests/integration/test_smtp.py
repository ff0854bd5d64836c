# SPDX-License-Identifier: MIT
"""E-mails through a real mail server: what it delivers is what was asked for, and what it refuses
is told so that a person knows what to do."""

import unittest

from engine import Stack
from mailserver import MailServer

server = stack = None


def setUpModule():
    global server, stack
    server = unittest.enterModuleContext(MailServer())
    ports = " ".join(f"127.0.0.1:{port}" for port in (server.starttls, server.tls, server.plain))
    config = f"[Http]\nCaFile={server.ca}\n[Smtp]\nAllowAddress={ports}\n"
    stack = unittest.enterModuleContext(Stack(config, "http://127.0.0.1:9"))
    with stack.connect() as c:
        c.result(connect("default"))
        c.result(connect("tls", port=server.tls, security="tls"))


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


class Delivery(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())

    def test_an_email_arrives(self):
        for account in "default", "tls":
            with self.subTest(account):
                subject = f"Hello by {account}"
                result = self.c.result(mail(subject, account=account))
                (got,) = server.wait(subject)
                self.assertEqual(result["message_id"], got["Message-ID"])
                self.assertEqual(result["accepted"], 1)
                self.assertRegex(result["response"], r"^OK id=")
                self.assertEqual(got["From"], server.USER)
                self.assertEqual(got["Return-path"], f"<{server.USER}>")
                self.assertEqual(got.get_content().strip(), "How are you?")
