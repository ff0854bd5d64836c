# SPDX-License-Identifier: MIT
"""scripts/stack itself: stacks beside each other, each with its own Google, keys and mailboxes."""

import json
import secrets
import socket
import unittest
import urllib.request

from engine import TIMEOUT, Stack, email
from oauth import authorization_url, consent_at_emulator, redirect_fields


def n_sent(stack):
    request = urllib.request.Request(
        f"{stack.google_url}/gmail/v1/users/me/messages?q=in:sent",
        headers={"Authorization": f"Bearer {stack.google_token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return len(json.load(answer).get("messages", []))


class Beside(unittest.TestCase):
    def test_two_at_once(self):
        with Stack() as one:
            with Stack() as two:
                for stack, n in (one, 1), (two, 2):
                    with stack.connect() as c:
                        for _ in range(n):
                            c.result(email())
                self.assertEqual((n_sent(one), n_sent(two)), (1, 2))
                with one.connect("") as c:
                    request = {"op": "authenticate", "token": two.token}
                    self.assertEqual(c.code(request), "token_invalid")
            with one.connect() as c:  # the other went down, and took nothing along
                c.result(email())
            self.assertEqual(n_sent(one), 2)


class Google(unittest.TestCase):
    """The emulator's OAuth, as far as it goes, on the way that the vault takes."""

    def ask(self, stack, **grant):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT)
            connection.connect(str(stack.dir / "grant.sock"))
            connection.sendall(json.dumps({"app": stack.google_app(), **grant}).encode() + b"\n")
            return json.loads(connection.makefile("rb").read())

    def test_an_account_is_connected(self):
        with Stack() as stack:
            verifier = secrets.token_urlsafe(32)
            url = authorization_url(stack.google_app(), stack.redirect, "openid email", verifier)
            code = redirect_fields(consent_at_emulator(url, "u2@example.com"))["code"]
            answer = self.ask(stack, kind="code", code=code, verifier=verifier,
                              redirect_uri=stack.redirect)
            self.assertEqual(answer["result"], "ok", answer)
            self.assertEqual(answer["tokens"]["identity"], "u2@example.com")
            token = answer["tokens"]["refresh_token"]
            for kind, result in (("refresh", "ok"), ("revoke", "ok"), ("refresh", "grant_refused"),
                                 ("test", "ok")):
                fields = {} if kind == "test" else {"token": token}
                self.assertEqual(self.ask(stack, kind=kind, **fields)["result"], result, kind)
