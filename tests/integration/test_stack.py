# SPDX-License-Identifier: MIT
"""scripts/stack itself: stacks beside each other, each with its own Google, keys and mailboxes."""

import hashlib
import json
import secrets
import unittest
import urllib.request

from engine import Stack, email
from oauth import Provider, authorization_url, consent_at_emulator, redirect_fields


def n_sent(stack):
    request = urllib.request.Request(
        f"{stack.google_url}/gmail/v1/users/me/messages?q=in:sent",
        headers={"Authorization": f"Bearer {stack.google_token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
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
    """The emulator's OAuth, as far as it goes: vault, action-grant, and what was seeded."""

    def ask(self, stack, op, **fields):
        answer = stack.vault(op, **fields)
        self.assertEqual(answer["status"], "success", answer)
        return answer["result"]

    def test_an_account_is_connected_and_let_go(self):
        who = {"user_id": "u2", "platform": "gmail", "account": "default"}
        with Stack() as stack:
            self.assertEqual(self.ask(stack, "test_provider", provider="google")["result"], "ok")
            verifier = secrets.token_urlsafe(32)
            url = authorization_url(stack.google_app(), stack.redirect, "openid email", verifier)
            code = redirect_fields(consent_at_emulator(url, "u2@example.com"))["code"]
            done = self.ask(stack, "exchange", **who, provider="google", code=code,
                            code_verifier=verifier, redirect_uri=stack.redirect,
                            scopes="openid email")
            self.assertEqual(done["identity"], "u2@example.com")

            first = self.ask(stack, "get_token", **who)["access_token"]
            rejected = hashlib.sha256(first.encode()).hexdigest()
            second = self.ask(stack, "get_token", **who, rejected=rejected)["access_token"]
            self.assertNotEqual(second, first)
            self.assertTrue(self.ask(stack, "delete_token", **who, revoke=True)["revoked"])

    def test_a_provider_of_ones_own(self):
        with Provider(rotate=True) as provider, Stack(plain=[provider.address]) as stack:
            self.ask(stack, "set_provider", provider="ours", app=provider.app())
            self.assertEqual(self.ask(stack, "test_provider", provider="ours")["result"], "ok")
            with stack.without("grant"):
                answer = stack.vault("test_provider", provider="ours")
                self.assertNotEqual(answer.get("result", {}).get("result"), "ok", answer)
            self.assertEqual(self.ask(stack, "test_provider", provider="ours")["result"], "ok")
