# SPDX-License-Identifier: MIT
"""action-vaultd, action-grant and a strict provider: what a person's consent is worth, to its end.

What the vault makes of each word of action-grant is tested in test_renewal.py.
"""

import hashlib
import json
import os
import secrets
import shutil
import signal
import unittest

import oauth
from engine import until
from test_grant import Socket
from test_vaultd import VaultTest

WHO = {"user_id": "u1", "platform": "gmail"}
REDIRECT = oauth.Provider.redirect_uri


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


class GrantsTest(VaultTest):
    def begin(self, **options):
        """A provider, the way there, and a vault with its app."""
        self.provider = self.enterContext(oauth.Provider(**options))
        self.grants = self.enterContext(Socket(self.provider.address))
        daemon, vault = self.again()
        self.assertSuccess(vault.ask("set_provider", provider="ours", app=self.provider.app()))
        return daemon, vault

    def again(self):
        return self.start(config=f"[Vault]\nAllowUser={os.getuid()}\nAdminUser={os.getuid()}\n"
                                 f"GrantSocket={self.grants.path}\n")

    def consent(self, scopes="openid a"):
        """What a person brings back from the browser."""
        verifier = secrets.token_urlsafe(32)
        url = oauth.authorization_url(self.provider.app(), REDIRECT, scopes, verifier)
        return {"code": oauth.redirect_fields(self.provider.authorize(url))["code"],
                "code_verifier": verifier, "redirect_uri": REDIRECT, "scopes": scopes,
                "provider": "ours"}

    def store(self, vault, **credential):
        """A grant whose access token has ended."""
        grant = self.provider.grant()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "refresh_token": grant.refresh_token, "provider": "ours", **credential}))
        return grant

    def token(self, vault, **more):
        answer = self.assertSuccess(vault.ask("get_token", **WHO, **more))
        self.assertTrue(self.provider.is_good(answer["access_token"]))
        return answer["access_token"]

    def calls(self):
        return len(self.provider.calls("token"))


class Life(GrantsTest):
    def test_from_consent_to_revocation(self):
        for rotate in (False, True):
            with self.subTest(rotate=rotate):
                daemon, vault = self.begin(rotate=rotate)
                answer = self.assertSuccess(vault.ask("exchange", **WHO, **self.consent()))
                self.assertEqual((answer["status"], answer["scopes"], answer["identity"]),
                                 ("active", ["openid", "a"], self.provider.person))
                first = self.token(vault)
                second = self.token(vault, rejected=digest(first))
                self.assertNotEqual(first, second)
                self.assertEqual(self.token(vault), second)
                self.assertEqual(self.token(vault, rejected=digest(first)), second)
                self.assertEqual(self.calls(), 2)
                daemon.stop()

                daemon, vault = self.again()
                third = self.token(vault, rejected=digest(second))
                self.assertTrue(self.assertSuccess(
                    vault.ask("delete_token", **WHO, revoke=True))["revoked"])
                self.assertFalse(self.provider.is_good(third))
                self.assertFalse(self.provider.grants[-1].alive)
                daemon.stop()
                log = daemon.stderr.decode() + self.grants.log()
                for secret in self.provider.secrets():
                    self.assertNotIn(secret, log)

    def test_a_code_is_good_once(self):
        _, vault = self.begin()
        consent = self.consent()
        self.assertSuccess(vault.ask("exchange", **WHO, **consent))
        self.assertError(vault.ask("exchange", **WHO, **consent), "authorization_failed",
                         "used before")
        consent = self.consent()
        self.assertError(vault.ask("exchange", **WHO, **{**consent, "code_verifier": "v" * 43}),
                         "authorization_failed")

    def test_a_code_without_its_verifier(self):
        """Nobody is asked; with it the code is good."""
        _, vault = self.begin()
        consent = self.consent()
        without = {name: consent[name] for name in consent if name != "code_verifier"}
        self.assertError(vault.ask("exchange", **WHO, **without), "authorization_failed",
                         "verifier")
        self.assertEqual(self.calls(), 0)
        self.assertSuccess(vault.ask("exchange", **WHO, **consent))

    def test_fewer_scopes(self):
        _, vault = self.begin()
        self.provider.fewer = "a"
        answer = self.assertSuccess(vault.ask("exchange", **WHO, **self.consent("a b")))
        self.assertEqual(answer["scopes"], ["a"])
        self.assertEqual(self.assertSuccess(vault.ask("get_token", **WHO))["scopes"], ["a"])

    def test_another_person(self):
        _, vault = self.begin()
        self.assertSuccess(vault.ask("exchange", **WHO, **self.consent()))
        self.provider.person = "eve@example.com"
        self.assertError(vault.ask("exchange", **WHO, **self.consent()), "authorization_failed",
                         "'eve@example.com'")
        until(lambda: [grant.alive for grant in self.provider.grants],
              lambda alive: alive == [True, False])
        self.token(vault)

    def test_a_device(self):
        _, vault = self.begin()
        facts = self.assertSuccess(vault.ask("start_device", provider="ours", scopes="a b"))
        device = {"provider": "ours", "device_code": facts["device_code"], "scopes": "a b"}
        for state in ("pending", "slow_down"):
            self.provider.decide(facts["user_code"], state)
            self.assertEqual(self.assertSuccess(vault.ask("exchange", **WHO, **device))["status"],
                             state)
        self.provider.decide(facts["user_code"], "approved")
        self.assertEqual(self.assertSuccess(vault.ask("exchange", **WHO, **device))["status"],
                         "active")
        self.token(vault)

    def test_a_service_account(self):
        _, vault = self.begin()
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "service_account": self.provider.service_account(), "provider": "ours",
            "scopes": ["a", "b"]}))
        first = self.token(vault)
        self.assertNotEqual(self.token(vault, rejected=digest(first)), first)

    def test_what_an_administrator_tries(self):
        _, vault = self.begin()
        self.assertEqual(self.assertSuccess(vault.ask("test_provider", provider="ours")),
                         {"provider": "ours", "result": "ok"})
        self.assertSuccess(vault.ask("set_provider", provider="ours",
                                     app=self.provider.app(client_secret="wrong")))
        answer = self.assertSuccess(vault.ask("test_provider", provider="ours"))
        self.assertEqual(answer["result"], "client_refused")
        self.store(vault)
        self.assertError(vault.ask("get_token", **WHO), "internal", "administrator")
        facts = self.assertSuccess(vault.ask("discover", issuer=self.provider.issuer))
        self.assertEqual(facts["token_endpoint"], self.provider.app()["token_endpoint"])
        self.assertSuccess(vault.ask("set_provider", provider="ours", app=self.provider.app()))
        self.token(vault)


class Faults(GrantsTest):
    def test_a_hundred_questions_are_one_refresh(self):
        _, vault = self.begin(rotate=True)
        self.store(vault)
        for n in range(100):
            vault.send(json.dumps({"id": n, "op": "get_token", **WHO}))
        for n in range(100):
            self.assertSuccess(vault.receive())
        self.assertEqual(self.calls(), 1)

    def test_a_grant_that_was_ended_elsewhere(self):
        _, vault = self.begin()
        grant = self.store(vault)
        grant.alive = False
        for n in range(20):
            self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(self.calls(), 1)

    def test_what_was_not_done_is_done_the_next_time(self):
        for fault in (500, 503, 429, "close", "reset", "garbage", "html", "redirect"):
            with self.subTest(fault=fault):
                daemon, vault = self.begin(rotate=True)
                self.store(vault)
                self.provider.script("token", fault)
                answer = vault.ask("get_token", **WHO)
                self.assertIn(answer["error"]["code"],
                              ("upstream_error", "upstream_unreachable", "internal"))
                # Its failure is remembered for a moment, by the app and the record that it had.
                self.assertSuccess(vault.ask("set_provider", provider="ours",
                                             app=self.provider.app()))
                self.token(vault)
                daemon.stop()

    def test_an_answer_that_is_lost_with_the_rotation(self):
        """The old token is tried again: what the provider says to that decides."""
        _, vault = self.begin(rotate=True)
        self.store(vault)
        self.provider.script("token", "lost")
        self.assertError(vault.ask("get_token", **WHO), "upstream_error")
        self.assertSuccess(vault.ask("set_provider", provider="ours", app=self.provider.app()))
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required", "used before")
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(self.calls(), 2)
        self.assertSuccess(vault.ask("exchange", **WHO, **self.consent()))
        self.token(vault)

    def test_a_crash_between_asking_and_storing(self):
        for rotate in (False, True):
            with self.subTest(rotate=rotate):
                daemon, vault = self.begin(rotate=rotate)
                self.store(vault)
                self.provider.script("token", "slow")
                vault.send(json.dumps({"id": 1, "op": "get_token", **WHO}))
                self.provider.wait_calls("token")
                self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)
                self.provider.gate.set()

                # What was asked may be carried out before or after the next question.
                daemon, vault = self.again()
                answer = vault.ask("get_token", **WHO)
                if not rotate:
                    self.assertSuccess(answer)
                    self.token(vault)
                elif answer["status"] == "error":
                    self.assertError(answer, "reauthorization_required", "used before")
                daemon.stop()

    def test_a_provider_that_is_down(self):
        _, vault = self.begin()
        self.store(vault)
        self.provider.refuse()
        answer = vault.ask("get_token", **WHO)
        self.assertError(answer, "upstream_unreachable")
        self.assertTrue(answer["error"]["retryable"])
        answer = self.assertSuccess(vault.ask("delete_token", **WHO, revoke=True))
        self.assertFalse(answer["revoked"])
        self.assertError(vault.ask("get_token", **WHO), "not_connected")
        self.provider.listen()


if __name__ == "__main__":
    if not shutil.which("systemd-socket-activate"):
        raise SystemExit("SKIP: systemd-socket-activate is missing")
    unittest.main()
