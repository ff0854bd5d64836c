# SPDX-License-Identifier: MIT
"""Every vault: the same tests on each, and then what is one's own."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

import jws
from engine import BUILD, SEND_SCOPE, TIMEOUT, Stack, email, until, wait_gone
from kv2 import Kv2Vault
from oauth import Provider
from puraifi import PuraifiVault
from upstream import Upstream
from vaults import EmbeddedVault

GMAIL = {"platform": "gmail"}
PAST, FUTURE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"

# Whose names are to be a part of a path, of a query, of JSON.
HOSTILE = ["../u1", "..", ".", "/u1", "u1/", "u1//x", "u1/gmail/default", "%2f", "%2e%2e%2fu1", "a b",
           "a+b", "a&user_id=u1", "a?b#c", "a;b", "ü@example.com", "\u202eu1", "\"u1\"", "a\\b", "*",
           "x" * 128]


class Good:
    """The access tokens that a provider stands for: what a platform takes."""

    def __init__(self, provider):
        self._provider = provider

    def __contains__(self, token):
        return self._provider.is_good(token)


class Suite:
    """Runs unchanged on every backend. `make_vault` gives what stands for the vault."""

    make_vault = None

    @classmethod
    def setUpClass(cls):
        cls.upstream = cls.enterClassContext(Upstream())
        cls.vault = cls.enterClassContext(cls.make_vault())
        cls.provider = cls.enterClassContext(Provider(rotate=True, secret_for_tokens=True))
        app = cls.provider.app(profile="google")
        port = cls.vault.address if getattr(cls.vault, "port", 0) else ""
        credentials = {**cls.vault.credentials,
                       "provider-google": json.dumps(app)}
        config = f"""{cls.vault.config}
TimeoutSec=6

[Http]
PlainHttp={cls.upstream.url.removeprefix("http://")} {cls.provider.address} {port}
"""
        cls.config = config
        cls.stack = Stack(config, cls.upstream.url, credentials, [cls.provider.address])
        cls.vault.real = cls.stack.dir / "vault.sock"
        cls.enterClassContext(cls.stack)
        if cls.vault.name == "embedded":
            said = cls.stack.vault("set_provider", provider="google", app=app)
            assert said["status"] == "success", said
        key = cls.stack.key("anybody")
        cls.token = jws.token(key, sub="root", users=["*"])

    def setUp(self):
        self.c = self.enterContext(self.stack.connect(self.token))

    # One user for each test, so that none sees what another stored.
    @property
    def user(self):
        return self.id().rpartition(".")[2]

    def connect_user(self, token="at", user=None, account=None, **more):
        where = {"account": account} if account else {}
        return self.c.call({"op": "auth_token", **GMAIL, **where, "user_id": user or self.user,
                            "credential": {"access_token": token, **more}})

    def perform(self, user=None, to=None, **more):
        user = user or self.user
        return self.c.call(email(to or "somebody@example.com", user_id=user, **more))

    def assert_sent(self, token, **options):
        n = len(self.upstream.requests)
        response = self.perform(**options)
        self.assertEqual(response["status"], "success", response)
        bearers = [r.headers["Authorization"] for r in self.upstream.requests[n:]]
        self.assertEqual(bearers, [f"Bearer {token}"])

    def connect_grant(self, expires_at=PAST, **more):
        """Tokens of the provider's, which cannot tell the access token from one of its own."""
        grant = self.provider.grant(SEND_SCOPE)
        response = self.connect_user("at-ended", refresh_token=grant.refresh_token,
                                     expires_at=expires_at, **more)
        self.assertEqual(response["status"], "success", response)
        return grant

    @contextlib.contextmanager
    def renewing(self, n):
        """The platform takes only what the provider stands for, and that is asked n times."""
        before = len(self.provider.calls("token"))
        self.upstream.bearers = Good(self.provider)
        try:
            yield
        finally:
            self.upstream.bearers = None
            self.provider.unscript()
        self.assertEqual(len(self.provider.calls("token")) - before, n)

    def assert_performed(self):
        response = self.perform()
        self.assertEqual(response["status"], "success", response)

    def assert_not_sent(self, *codes, **options):
        n = len(self.upstream.requests)
        response = self.perform(**options)
        self.assertEqual(response["status"], "error", response)
        self.assertIn(response["error"]["code"], codes, response)
        self.assertEqual(len(self.upstream.requests), n)
        return response["error"]

    def test_store_and_perform(self):
        self.assertEqual(self.connect_user("at-1", refresh_token="rt", expires_at=FUTURE,
                                           scopes=[SEND_SCOPE, "b"])["status"], "success")
        self.assert_sent("at-1")
        self.assertEqual(self.connect_user("at-2", expires_in=600)["status"], "success")
        self.assert_sent("at-2")

    def test_not_connected(self):
        self.assert_not_sent("not_connected")
        self.connect_user()
        self.assert_sent("at")

    def test_another_account(self):
        if self.vault.accounts:
            self.connect_user("private")
            self.connect_user("work", account="work")
            self.assert_sent("work", account="work")
            self.assert_sent("private")
            self.assert_not_sent("not_connected", account="third")
        else:
            error = self.assert_not_sent("invalid_request", account="work")
            self.assertIn("'work'", error["message"])
            response = self.connect_user(account="work")
            self.assertEqual(response["error"]["code"], "invalid_request", response)

    def test_an_expired_token(self):
        self.connect_user(expires_at=PAST)
        self.assertIn("expired", self.assert_not_sent("reauthorization_required")["message"])

    def test_a_refused_token_is_not_tried_again(self):
        self.connect_user("refused")
        self.upstream.bearers = {self.stack.google_token}
        try:
            n, asked = len(self.upstream.requests), self.vault.asked(self.user)
            response = self.perform()
            self.assertEqual(response["error"]["code"], "reauthorization_required", response)
            self.assertEqual(len(self.upstream.requests) - n, 1)
            self.assertEqual(self.vault.asked(self.user) - asked, 2)
        finally:
            self.upstream.bearers = None

    def test_each_name_is_one_user(self):
        for user in HOSTILE:
            with self.subTest(user):
                self.assert_not_sent("not_connected", user=user)
                self.assertEqual(self.connect_user("at-of-" + user.encode().hex(), user)["status"],
                                 "success")
        for user in HOSTILE:
            with self.subTest(user):
                self.assert_sent("at-of-" + user.encode().hex(), user=user)
        self.assert_sent(self.stack.google_token, user="u1")

    def test_answers_that_make_no_sense(self):
        self.connect_user()
        for fault in ("array", "garbage", "half", "html", "long", "nothing", "twice", "close",
                      "other", "badtoken", "notoken"):
            with self.subTest(fault), self.vault.playing(fault):
                error = self.assert_not_sent("vault_unavailable")
                self.assertNotIn("somebody else", error["message"])
                self.assertNotIn("Sign in", error["message"])
        self.assert_sent("at")

    def test_without_the_vault_nothing_leaves(self):
        self.connect_user()
        self.assert_sent("at")
        with self.vault.down():
            self.assert_not_sent("vault_unavailable")
            self.assert_not_sent("vault_unavailable", dry_run=True)
            self.assertEqual(self.connect_user("lost")["error"]["code"], "vault_unavailable")
            health = self.c.result({"op": "health"})
            self.assertEqual(health["status"], "degraded")
            self.assertEqual(health["vault"]["state"], "unavailable")
        self.assert_sent("at")

    def test_a_slow_vault(self):
        self.connect_user()
        n, n_asked = len(self.upstream.requests), self.vault.asked(self.user)
        with self.vault.playing("hang"):
            late = self.c.start(email(user_id=self.user))
            self.vault.wait_asked(self.user, n_asked + 1)
            dead = self.c.start(email(user_id=self.user, deadline_ms=100))
            self.assertEqual(self.c.call({"op": "ping"})["status"], "success")
            self.assertEqual(self.c.finish(dead)["error"]["code"], "deadline_exceeded")
            self.assertEqual(self.c.finish(late)["error"]["code"], "vault_unavailable")
        self.assertEqual(len(self.upstream.requests), n)
        until(self.perform, lambda response: response["status"] == "success")

    def test_many_at_once_ask_once(self):
        self.connect_user()
        n_asked = self.vault.asked(self.user)
        with self.vault.playing("hang"):
            with self.stack.connect(self.token) as leaving:
                leaving.start(email(user_id=self.user))
                self.vault.wait_asked(self.user, n_asked + 1)
                asked = [self.c.start(email(user_id=self.user)) for _ in range(20)]
            self.c.result({"op": "ping"})  # who has left is known to have, so that nothing is sent
        for request_id in asked:
            self.assertEqual(self.c.finish(request_id)["status"], "success")
        if self.vault.asks_once:
            self.assertEqual(self.vault.asked(self.user), n_asked + 1)
        self.assert_sent("at")

    def test_a_credential_outlives_the_engine(self):
        self.connect_user()
        self.stack.kill("engine")
        self.stack.start("engine")
        with self.stack.connect(self.token) as self.c:
            self.assert_sent("at")

    def test_health_tells_which(self):
        health = self.c.result({"op": "health"})
        self.assertEqual(health["vault"], {"backend": self.vault.name, "state": "ok"})

    def test_nothing_secret_is_said(self):
        canaries = ["at-canary", "rt-canary", *getattr(self.vault, "secrets", ())]
        said = [self.connect_user("at-canary", refresh_token="rt-canary"), self.perform(),
                self.perform(dry_run=True), self.c.call({"op": "health"})]
        for fault in "other", "half", "badtoken":
            with self.vault.playing(fault):
                said.append(self.perform())
        self.stack.audit(said[-1]["request_id"])
        for canary in canaries:
            self.assertNotIn(canary, json.dumps(said))
            self.assertNotIn(canary, self.stack.log("engine"))


class Renewal:
    """What a provider adds, to any vault."""

    def during_a_renewal(self, change):
        """What an action comes to when `change` happens while the provider is asked."""
        n = len(self.provider.calls("token"))
        self.provider.gate.clear()
        self.provider.script("token", "slow")
        asked = self.c.start(email(user_id=self.user))
        self.provider.wait_calls("token", n + 1)
        change()
        self.provider.gate.set()
        return self.c.finish(asked)

    def test_an_ended_token_is_renewed(self):
        grant = self.connect_grant()
        with self.renewing(1):
            self.assert_performed()
            self.assert_performed()
        self.assertTrue(grant.alive)

    def test_what_a_rotation_brings_is_kept(self):
        grant = self.connect_grant()
        for _ in range(4):
            with self.renewing(1):
                self.assert_performed()
            self.provider.revoke_tokens()
        self.assertTrue(grant.alive)

    def test_without_a_rotation_the_old_one_stays(self):
        self.provider.rotate = False
        try:
            grant = self.connect_grant()
            for _ in range(3):
                with self.renewing(1):
                    self.assert_performed()
                self.provider.revoke_tokens()
            self.assertTrue(grant.alive)
        finally:
            self.provider.rotate = True

    def test_a_hundred_at_once_renew_once(self):
        grant = self.connect_grant()
        self.provider.gate.clear()
        with self.renewing(1):
            self.provider.script("token", "slow")
            asked = [self.c.start(email(user_id=self.user)) for _ in range(60)]
            with self.stack.connect(self.token) as other:
                more = [other.start(email(user_id=self.user)) for _ in range(40)]
                self.provider.gate.set()
                responses = [other.finish(request_id) for request_id in more]
            responses += [self.c.finish(request_id) for request_id in asked]
        self.assertEqual({response["status"] for response in responses}, {"success"}, responses)
        self.assertTrue(grant.alive)

    def test_a_token_that_the_platform_refuses_is_renewed_once(self):
        self.connect_grant(expires_at=FUTURE)
        n = len(self.upstream.requests)
        with self.renewing(1):
            self.assert_performed()
        self.assertEqual(len(self.upstream.requests) - n, 2)

        n = len(self.upstream.requests)
        with self.renewing(1):
            self.upstream.bearers = set()
            response = self.perform()
            self.assertEqual(response["error"]["code"], "reauthorization_required", response)
        self.assertEqual(len(self.upstream.requests) - n, 2)

    def test_a_grant_that_is_dead_is_asked_of_once(self):
        self.connect_grant().alive = False
        with self.renewing(1):
            for _ in range(3):
                error = self.assert_not_sent("reauthorization_required")
                self.assertRegex(error["message"], "connect .*again")
        self.connect_grant()
        with self.renewing(1):
            self.assert_performed()

    def test_a_provider_that_is_down(self):
        grant = self.connect_grant()
        with self.renewing(1):
            self.provider.refuse()
            try:
                self.assert_not_sent("upstream_unreachable")
                self.assert_not_sent("upstream_unreachable")
            finally:
                self.provider.listen()
            until(self.perform, lambda response: response["status"] == "success")
        self.assertTrue(grant.alive)

    def test_a_provider_that_makes_no_sense(self):
        faults = ["html", "array", "empty", "twice", "deep", "garbage", "close", "redirect", 500, 503,
                  (200, {}), (200, {"access_token": "a\r\nX-Other: b", "token_type": "Bearer"})]
        with self.renewing(len(faults) + 1):
            for fault in faults:
                with self.subTest(fault):
                    self.connect_grant()
                    self.provider.script("token", fault)
                    error = self.assert_not_sent("upstream_error", "upstream_unreachable")
                    self.assertNotIn("Sign in", error["message"])
            grant = self.connect_grant()
            self.assert_performed()
        self.assertTrue(grant.alive)

    def test_an_answer_that_is_lost_is_not_asked_for_again(self):
        self.connect_grant()
        with self.renewing(1):
            self.provider.script("token", "lost")
            self.assert_not_sent("upstream_error")

    def test_revoked(self):
        grant = self.connect_grant()
        result = self.c.result({"op": "auth_revoke", **GMAIL, "user_id": self.user})
        self.assertIs(result["revoked"], True)
        self.assertFalse(grant.alive)
        with self.renewing(0):
            self.assert_not_sent("not_connected", "reauthorization_required")

    def test_revoked_here_if_not_there(self):
        grant = self.connect_grant()
        self.provider.script("revoke", 500)
        result = self.c.result({"op": "auth_revoke", **GMAIL, "user_id": self.user})
        self.provider.unscript()
        self.assertIs(result["revoked"], False)
        self.assertTrue(result["reason"])
        self.assertTrue(grant.alive)
        with self.renewing(0):
            self.assert_not_sent("not_connected", "reauthorization_required")

    def consent(self, platform="gmail", **more):
        where = {"platform": platform, "user_id": self.user, **more}
        started = self.c.result({"op": "auth_start", **where,
                                 "redirect_uri": Provider.redirect_uri})
        return {"op": "auth_callback", **where,
                "authorization_response": self.provider.authorize(started["authorization_url"])}

    def revoke(self, platform):
        return self.c.result({"op": "auth_revoke", "platform": platform, "user_id": self.user})

    def test_a_grant_ends_with_the_last_that_rests_on_it(self):
        """Google ends all that an account has granted to the app, by whichever token."""
        for platform in "gmail", "google_calendar":
            self.c.result(self.consent(platform))
        result = self.revoke("gmail")
        self.assertIs(result["revoked"], False)
        self.assertIn("another connection", result["reason"])
        self.assertTrue(all(grant.alive for grant in self.provider.grants[-2:]))
        result = self.revoke("google_calendar")
        if self.vault.accounts:
            self.assertIs(result["revoked"], True)
            self.assertFalse(self.provider.grants[-1].alive)
        else:  # which does not tell what is no more
            self.assertIn("another connection", result["reason"])

    def test_another_accounts_grant_is_none_of_it(self):
        if not self.vault.accounts:
            return
        self.c.result(self.consent())
        self.provider.person = "somebody.else@example.com"
        try:
            self.c.result(self.consent("google_calendar"))
        finally:
            self.provider.person = "u1@example.com"
        self.assertIs(self.revoke("gmail")["revoked"], True)

    def test_a_wrong_choice_ends_no_other_connection(self):
        if not self.vault.accounts:
            return
        self.c.result(self.consent())
        self.provider.person = "somebody.else@example.com"
        n = len(self.provider.calls("revoke"))
        try:
            self.c.result(self.consent(account="work"))
            response = self.c.call(self.consent())
        finally:
            self.provider.person = "u1@example.com"
        self.assertEqual(response["error"]["code"], "authorization_failed", response)
        self.assertIn("somebody.else", response["error"]["message"])
        self.assertIs(self.revoke("gmail")["revoked"], True)  # behind what would have been
        self.assertEqual(len(self.provider.calls("revoke")), n + 1)

    def test_a_person_connects(self):
        with self.renewing(2):
            result = self.c.result(self.consent())
            self.assertEqual(result["status"], "active")
            self.assert_performed()
            self.provider.revoke_tokens()
            self.assert_performed()

    def test_a_service_account(self):
        robot = self.provider.service_account()
        del robot["token_uri"]
        response = self.c.call({"op": "auth_token", **GMAIL, "user_id": self.user, "credential": {
            "service_account": robot, "scopes": [SEND_SCOPE]}})
        if not self.vault.accounts:
            self.assertEqual(response["error"]["code"], "invalid_request", response)
            return
        self.assertEqual(response["status"], "success", response)
        with self.renewing(2):
            self.assert_performed()
            self.provider.revoke_tokens()
            self.assert_performed()

    def test_a_person_of_another_name(self):
        with self.renewing(2):
            self.c.result(self.consent())
            self.provider.person = "somebody.else@example.com"
            try:
                response = self.c.call(self.consent())
            finally:
                self.provider.person = "u1@example.com"
            if self.vault.accounts:
                self.assertEqual(response["error"]["code"], "authorization_failed", response)
                until(lambda: self.provider.grants[-1].alive, lambda alive: not alive)
            else:  # which keeps no names
                self.assertEqual(response["status"], "success", response)
            self.assert_performed()

    def test_a_code_that_is_not_taken(self):
        callback = self.consent()
        with self.renewing(1):
            self.provider.script("token", (400, {"error": "invalid_grant"}))
            self.assertEqual(self.c.error(callback)["code"], "authorization_failed")
            self.assert_not_sent("not_connected")

    def test_a_code_is_not_spent_for_a_vault_that_is_down(self):
        callback = self.consent()
        with self.renewing(0), self.vault.down():
            self.assertEqual(self.c.error(callback)["code"], "authorization_failed")

    def test_nothing_of_the_providers_is_said(self):
        said = []
        with self.renewing(3):
            self.provider.script("token", "echo", 500)
            for _ in range(3):
                self.connect_grant()
                said.append(self.perform())
        self.stack.audit(said[-1]["request_id"])
        for secret in self.provider.secrets():
            self.assertNotIn(secret, json.dumps(said))
            self.assertNotIn(secret, self.stack.log("engine"))


class Embedded(Renewal, Suite, unittest.TestCase):
    make_vault = EmbeddedVault


class OverHttp(Renewal, Suite):
    def test_what_http_adds(self):
        self.connect_user()
        for fault in "cut", "redirect", 400, 401, 403, 429, 473, 500, 503:
            with self.subTest(fault), self.vault.playing(fault):
                self.assert_not_sent("vault_unavailable")
        self.assertEqual([r for r in self.vault.requests if "elsewhere" in r.path], [])
        self.assert_sent("at")

    def test_what_is_stored_meanwhile_counts(self):
        self.connect_user("old")
        n_asked = self.vault.asked(self.user)
        with self.vault.playing("hang"):
            first = self.c.start(email("first@example.com", user_id=self.user))
            self.vault.wait_asked(self.user, n_asked + 1)
            self.vault.fault = None
            self.connect_user("new")
            self.assert_sent("new")
        self.c.finish(first)

    def test_a_renewal_takes_longer_than_a_vault_may(self):
        grant = self.connect_grant()
        self.connect_user(user="clock")
        with self.renewing(1):
            response = self.during_a_renewal(self.wait_for_a_timeout)
            self.assertEqual(response["status"], "success", response)
        self.assertTrue(grant.alive)

    def wait_for_a_timeout(self):
        with self.vault.playing("hang"):
            self.assert_not_sent("vault_unavailable", user="clock")

    def test_a_renewal_is_finished_when_nobody_waits_and_at_a_stop(self):
        for stop in False, True:
            with self.subTest(stop=stop):
                grant = self.connect_grant()
                used, pid = grant.refresh_token, self.stack.pid("engine")
                n = len(self.provider.calls("token"))
                self.provider.gate.clear()
                self.provider.script("token", "slow")
                with self.stack.connect(self.token) as leaving:
                    leaving.start(email(user_id=self.user))
                    self.provider.wait_calls("token", n + 1)
                until(lambda: self.c.result({"op": "health"})["connections"], lambda n: n == 1)
                if stop:
                    os.kill(pid, signal.SIGTERM)
                    self.assertIsNone(self.c.read())
                self.provider.gate.set()
                until(lambda: grant.refresh_token != used and
                      self.vault.kept(self.user).get("refresh_token") == grant.refresh_token, bool)
                if stop:
                    wait_gone(pid)
                    self.stack.start("engine")
                    self.setUp()
                with self.renewing(0):
                    self.assert_performed()
                self.assertTrue(grant.alive)

    def begin_renewal(self, fault):
        """Ends when the provider has been asked. Gives the grant, and the action that waits for it."""
        grant = self.connect_grant()
        n = len(self.provider.calls("token"))
        self.provider.gate.clear()
        self.provider.script("token", fault)
        asked = self.c.start(email(user_id=self.user))
        self.provider.wait_calls("token", n + 1)
        return grant, asked

    def start_again(self):
        self.stack.kill("engine")
        self.stack.start("engine")
        self.c = self.enterContext(self.stack.connect(self.token))

    def test_g9_killed_amid_a_renewal_that_was_not_done(self):
        with self.renewing(2):
            grant, _ = self.begin_renewal("hang")
            self.start_again()
            self.vault.end_claim(self.user)
            self.assert_performed()
        self.assertTrue(grant.alive)

    def test_g9_killed_before_it_has_the_rotated_token(self):
        """What died with it was the only copy: the provider says so, and a person is told."""
        with self.renewing(3):
            grant, _ = self.begin_renewal("slow")
            spent = grant.refresh_token
            self.start_again()
            self.provider.gate.set()
            until(lambda: grant.refresh_token, lambda token: token != spent)
            self.vault.end_claim(self.user)
            for _ in range(2):
                error = self.assert_not_sent("reauthorization_required")
                self.assertRegex(error["message"], "connect .*again")
            self.connect_grant()
            self.assert_performed()

    @contextlib.contextmanager
    def paused_with_the_answer(self):
        """
        The engine is stopped when it has the rotated token and has not read it, and its claim ends;
        another engine is there. Gives a connection to that, the grant, and the action that waits.
        """
        pid = self.stack.pid("engine")
        with Stack(self.config, self.upstream.url, self.stack.credentials) as second:
            token = jws.token(second.key("second"), sub="root", users=["*"])
            with second.connect(token) as other:
                grant, asked = self.begin_renewal("slow")
                spent = grant.refresh_token
                os.kill(pid, signal.SIGSTOP)
                try:
                    self.provider.gate.set()
                    until(lambda: grant.refresh_token, lambda token: token != spent)
                    self.vault.end_claim(self.user)
                    yield other, grant, asked
                finally:
                    os.kill(pid, signal.SIGCONT)

    def test_h4_a_late_write_over_what_another_renewed(self):
        self.provider.lenient = True
        try:
            with self.renewing(3):
                with self.paused_with_the_answer() as (other, grant, asked):
                    response = other.call(email(user_id=self.user))
                    self.assertEqual(response["status"], "success", response)
                    newer = grant.refresh_token
                    self.assertEqual(self.vault.kept(self.user)["refresh_token"], newer)
                self.assertEqual(self.c.finish(asked)["status"], "success")
                self.assertEqual(self.vault.kept(self.user)["refresh_token"], newer)
                self.provider.lenient = False
                self.provider.revoke_tokens()
                self.assert_performed()
            self.assertTrue(grant.alive)
        finally:
            self.provider.lenient = False

    def test_h4_a_late_write_over_what_a_person_stored(self):
        with self.renewing(2):
            with self.paused_with_the_answer() as (other, _, asked):
                grant = self.provider.grant(SEND_SCOPE)
                other.result({"op": "auth_token", **GMAIL, "user_id": self.user, "credential": {
                    "access_token": "at-ended", "refresh_token": grant.refresh_token,
                    "expires_at": FUTURE}})
            self.assertEqual(self.c.finish(asked)["status"], "success")
            self.assertEqual(self.vault.kept(self.user)["refresh_token"], grant.refresh_token)
        self.assertTrue(grant.alive)

    def test_nothing_of_a_renewal_stays_in_memory(self):
        self.provider.rotate = False
        try:
            grant = self.connect_grant()
            with self.renewing(1):
                self.assert_performed()
        finally:
            self.provider.rotate = True
        if "sanitizer" in (BUILD / "src/engine/action-engined").read_bytes().decode("latin-1"):
            self.skipTest("a sanitizer's allocator does not wipe")
        memory = self.memory_without(grant.refresh_token)
        self.assertTrue(memory.holds(self.provider.client.client_secret))  # as it must

    def test_refresh_tokens_stay(self):
        self.connect_user("at", refresh_token="rt-of-memory." * 100)
        self.assert_sent("at")
        if "sanitizer" in (BUILD / "src/engine/action-engined").read_bytes().decode("latin-1"):
            self.skipTest("a sanitizer's allocator does not wipe")
        memory = self.memory_without("rt-of-memory.", "of-memory.rt")
        self.assertTrue(memory.holds(self.vault.address))  # else the search is none

    def memory_without(self, *secrets):
        """The engine's, when all is cleared away behind the last answer."""
        return until(lambda: Memory(self.stack.pid("engine")),
                     lambda memory: not any(map(memory.holds, secrets)))


class Memory:
    """What can be read in another process."""

    def __init__(self, pid):
        proc = pathlib.Path(f"/proc/{pid}")
        maps = (proc / "maps").read_text(encoding="utf-8")
        self._areas = []
        with open(proc / "mem", "rb", buffering=0) as memory:
            for line in maps.splitlines():
                area, mode, *_ = line.split()
                start, end = (int(n, 16) for n in area.split("-"))
                with contextlib.suppress(OSError, ValueError, OverflowError):
                    if mode.startswith("r"):
                        memory.seek(start)
                        self._areas.append(memory.read(end - start))

    def holds(self, text):
        return any(text.encode() in area for area in self._areas)


class Puraifi(OverHttp, unittest.TestCase):
    make_vault = PuraifiVault

    def test_a_record_by_others(self):
        self.vault.put(self.user, access_token="at", refresh_token=None, expires_at=None,
                       scopes=[SEND_SCOPE], id=7)
        self.assert_sent("at")
        self.vault.put(self.user, access_token="at", expires_at=4102444800)
        self.assert_sent("at")
        self.vault.put(self.user, access_token="at", expires_at=978307200)
        self.assert_not_sent("reauthorization_required")


class PuraifiOverUnix(OverHttp, unittest.TestCase):
    def make_vault():
        return PuraifiVault(unix=True)


class Kv2(OverHttp, unittest.TestCase):
    make_vault = Kv2Vault

    def test_two_engines_renew_once(self):
        self.addCleanup(lambda kept=self.vault.kept("u1"): self.vault.put("u1", **kept))
        grant = self.connect_grant()
        self.provider.gate.clear()
        with Stack(self.config, self.upstream.url, self.stack.credentials) as second:
            token = jws.token(second.key("second"), sub="root", users=["*"])
            with self.renewing(1), second.connect(token) as other:
                self.provider.script("token", "slow")
                asked = []
                for connection in (self.c, other) * 10:
                    asked.append((connection, connection.start(email(user_id=self.user))))
                self.provider.wait_calls("token")
                until(lambda: self.vault.asked(self.user), lambda n: n >= 4)
                self.provider.gate.set()
                for connection, request_id in asked:
                    response = connection.finish(request_id)
                    self.assertEqual(response["status"], "success", response)
            self.provider.revoke_tokens()
            with self.renewing(1), second.connect(token) as other:
                self.assertEqual(other.call(email(user_id=self.user))["status"], "success")
                self.assert_performed()
        self.assertTrue(grant.alive)

    def test_g9_a_dead_engines_claim_holds_until_it_ends(self):
        with self.renewing(2):
            grant, _ = self.begin_renewal("hang")
            self.start_again()
            n = len(self.provider.calls("token"))
            self.assert_not_sent("deadline_exceeded", deadline_ms=500)
            self.assertEqual(len(self.provider.calls("token")), n)
            asked = self.c.start(email(user_id=self.user))
            self.vault.end_claim(self.user)
            self.assertEqual(self.c.finish(asked)["status"], "success")
        self.assertTrue(grant.alive)

    def test_what_a_person_stores_during_a_renewal_stays(self):
        self.connect_grant()
        response = self.during_a_renewal(lambda: self.connect_user("theirs"))
        self.assertEqual(response["status"], "success", response)
        self.assertEqual(self.upstream.requests[-1].headers["Authorization"], "Bearer theirs")
        self.assert_sent("theirs")

    def test_what_a_sealed_vault_did_not_take_is_written_later(self):
        grant = self.connect_grant()
        with self.renewing(1):
            with self.vault.being(503):
                self.vault.state = 200
                response = self.during_a_renewal(lambda: setattr(self.vault, "state", 503))
                self.assertEqual(response["error"]["code"], "vault_unavailable", response)
                self.assert_not_sent("vault_unavailable")
            self.assert_performed()
        self.assertTrue(grant.alive)
        self.assertIn("kept in memory", self.stack.log("engine"))
        self.assertEqual(self.vault.kept(self.user)["refresh_token"], grant.refresh_token)

    def test_a_record_by_hand(self):
        self.vault.put(self.user, access_token="at")
        self.assert_sent("at")
        self.vault.put(self.user, access_token="at", user_id="somebody else")
        self.assert_not_sent("vault_unavailable")
        self.assertEqual(self.connect_user("mine")["error"]["code"], "invalid_request")
        self.vault.put(self.user, password="something else")
        self.assert_not_sent("vault_unavailable")
        self.assertEqual(self.connect_user("mine")["error"]["code"], "invalid_request")
        self.assertEqual(len(self.vault.store[self.vault.name_of(self.user)]), 3)

    def test_what_cannot_be_seen_may_rest_on_it(self):
        grant = self.connect_grant()
        self.vault.store[self.vault.name_of(self.user, "google_calendar")] = [{"password": "x"}]
        result = self.revoke("gmail")
        self.assertIs(result["revoked"], False)
        self.assertIn("cannot be seen", result["reason"])
        self.assertTrue(grant.alive)
        self.assert_not_sent("not_connected")

    def test_what_is_kept(self):
        self.connect_user("at", refresh_token="rt", expires_at=FUTURE, scopes=["a"])
        self.assertEqual(self.vault.store[self.vault.name_of(self.user)], [{
            "user_id": self.user, "platform": "gmail", "account": "default", "access_token": "at",
            "refresh_token": "rt", "provider": "google", "expires_at": FUTURE,
            "scopes": ["a"]}])

    def test_a_deleted_version(self):
        self.connect_user("old")
        self.vault.delete_softly(self.user)
        self.assert_not_sent("not_connected")
        self.assertEqual(self.connect_user("new")["status"], "success")
        self.assert_sent("new")

    def test_somebody_else_is_quicker(self):
        self.connect_user("old")
        self.vault.races = 3
        self.assertEqual(self.connect_user("new")["status"], "success")
        self.assert_sent("new")
        self.vault.races = 100
        self.assertEqual(self.connect_user("never")["error"]["code"], "vault_unavailable")
        self.assertGreater(self.vault.races, 90)
        self.vault.races = 0
        self.assert_sent("quicker")

    def test_a_client_token_that_is_revoked(self):
        self.connect_user()
        before = self.vault.n_logins
        self.vault.revoke()
        self.assert_sent("at")
        self.assertEqual(self.vault.n_logins, before + 1)
        self.vault.revoke()
        self.assertEqual(self.connect_user("at-2")["status"], "success")
        self.assert_sent("at-2")

    def test_a_login_that_is_refused(self):
        self.connect_user()
        self.vault.accepts_logins = False
        try:
            self.vault.revoke()
            before = self.vault.n_logins
            for _ in range(2):
                error = self.assert_not_sent("vault_unavailable")
                self.assertIn("role and secret", error["message"])
            self.assertEqual(self.vault.n_logins, before + 2)
            health = self.c.result({"op": "health"})
            self.assertEqual(health["vault"]["state"], "unavailable")
        finally:
            self.vault.accepts_logins = True
        self.assert_sent("at")

    def test_a_policy_that_says_no(self):
        before = self.vault.n_logins
        with self.vault.playing(403):
            self.assert_not_sent("vault_unavailable")
        self.assertEqual(self.vault.n_logins, before + 1)

    def test_sealed_or_on_standby(self):
        self.connect_user()
        for state, word in (503, "sealed"), (429, "standby"), (473, "standby"), (501, "initialised"):
            with self.subTest(state), self.vault.being(state):
                error = self.assert_not_sent("vault_unavailable")
                self.assertIn(word, error["message"])
                health = self.c.result({"op": "health"})
                self.assertIn(word, health["vault"]["message"])
        self.assert_sent("at")


class Kv2Own(Suite, unittest.TestCase):
    """With a token of its own, a short lease, a namespace and another mount."""

    def make_vault(lease=2):
        return Kv2Vault(auth="token", lease=lease, namespace="team/ns", mount="kv/own")

    def test_the_token_is_renewed(self):
        before = self.vault.n_renewals
        until(lambda: self.vault.n_renewals, lambda n: n >= before + 3)
        self.connect_user()
        self.assert_sent("at")

    def test_a_token_that_is_no_longer_good(self):
        self.connect_user()
        kept = dict(self.vault.tokens)
        self.vault.revoke()
        try:
            self.assert_not_sent("vault_unavailable")
        finally:
            self.vault.tokens.update(dict.fromkeys(kept, float("inf")))
        until(self.perform, lambda response: response["status"] == "success")


class Kv2ShortLease(Suite, unittest.TestCase):
    """AppRole, with leases that are over in the middle of things."""

    def make_vault():
        return Kv2Vault(lease=1)

    def test_the_lease_is_renewed(self):
        before = self.vault.n_renewals

        def renewals():
            self.perform()  # once a lease has ended nobody renews it, until it is asked for
            return self.vault.n_renewals

        until(renewals, lambda n: n >= before + 3)


class Elsewhere(unittest.TestCase):
    """An app whose endpoint is where nobody may go, whoever it is that asks there."""

    def test_what_the_user_is_told(self):
        inside = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        inside.setblocking(False)
        upstream = self.enterContext(Upstream())
        provider = self.enterContext(Provider())
        url = f"https://127.0.0.1:{inside.getsockname()[1]}/token"
        app = provider.app(token_endpoint=url)
        for make_vault in EmbeddedVault, Kv2Vault:
            with self.subTest(make_vault.__name__), make_vault() as vault:
                address = vault.address if getattr(vault, "port", 0) else ""
                plain = f"{upstream.url.removeprefix('http://')} {address}"
                stack = Stack(f"{vault.config}\n[Http]\nPlainHttp={plain}\n", upstream.url,
                              {**vault.credentials, "provider-google": json.dumps(app)}, [])
                vault.real = stack.dir / "vault.sock"
                with stack, stack.connect(jws.token(stack.key("k"), sub="root")) as c:
                    if vault.name == "embedded":
                        stack.vault("set_provider", provider="google", app=app)
                    c.result({"op": "auth_token", **GMAIL, "credential": {
                        "refresh_token": "r", "access_token": "a", "expires_at": PAST}})
                    error = c.call(email("somebody@example.com"))["error"]
                    self.assertEqual((error["code"], error["retryable"], error["details"]),
                                     ("forbidden", False, {"by": "configuration"}))
                    self.assertIn("AllowAddress=", error["message"])
        self.assertRaises(BlockingIOError, inside.accept)
        self.assertEqual(upstream.requests, [])


class Starting(unittest.TestCase):
    """What keeps the engine from starting, and says so."""

    def start(self, config, credentials):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "keys.d").mkdir()
        (folder / "credentials").mkdir()
        for name, data in credentials.items():
            (folder / "credentials" / name).write_bytes(data)
        (folder / "engine.conf").write_text(
            f"[Engine]\nLogTarget=stderr\n[Tokens]\nKeyDirectory={folder}/keys.d\n{config}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(folder / "socket"))
            listening.listen()
            done = subprocess.run(
                ["sh", "-c", 'exec 3<&0 </dev/null; export LISTEN_PID=$$; exec "$@"', "sh",
                 BUILD / "src/engine/action-engined", "--config", folder / "engine.conf"],
                env={"LISTEN_FDS": "1", "CREDENTIALS_DIRECTORY": str(folder / "credentials")},
                stdin=listening, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, os.EX_CONFIG, done.stderr)
        return done.stderr

    PURAIFI = "[Vault]\nBackend=puraifi\nUrl=https://vault.example\nEngineId=e\n"
    TOKEN = "[Vault]\nBackend=kv2\nUrl=https://vault.example\n"
    APPROLE = TOKEN + "Auth=approle\n"

    def test_a_credential_that_is_missing(self):
        role = {"vault-role-id": b"r"}
        for config, given, name in ((self.PURAIFI, {}, "vault-engine-key"),
                                    (self.TOKEN, role, "vault-token"),
                                    (self.APPROLE, {}, "vault-role-id"),
                                    (self.APPROLE, role, "vault-secret-id")):
            with self.subTest(name):
                said = self.start(config, given)
                self.assertIn(f"cannot read the credential '{name}'", said)

    def test_a_credential_that_is_none(self):
        for data in b"", b"\n", b"canary\ncanary\n", b"can ary", b"canary\0", b"\xc3\xbc", b"canary" * 900:
            with self.subTest(data):
                said = self.start(self.TOKEN, {"vault-token": data})
                self.assertIn("'vault-token'", said)
                self.assertNotIn("canary", said)


if __name__ == "__main__":
    unittest.main()
