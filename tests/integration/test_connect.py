# SPDX-License-Identifier: MIT
"""From auth_start to a provider and back, with nothing between that is not real: engine, vault,
action-grant. What the engine makes of odd answers is tested in test_auth.py.
"""

import unittest

import oauth
from engine import READ_SCOPE, SEND_SCOPE, Stack, email, until
from test_auth import Google

GMAIL = {"platform": "gmail"}
AT_HOME = {"account": "home"}
PARTS = "engine", "vault", "grant"


class Emulator(unittest.TestCase):
    """The emulator's Google, which keeps the mail that it is sent."""

    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())

    def setUp(self):
        self.c = self.enterContext(self.stack.connect())

    def test_connect_send_and_revoke(self):
        started = self.c.result({"op": "auth_start", **GMAIL, **AT_HOME})
        response = oauth.consent_at_emulator(started["authorization_url"], "u2@example.com")
        result = self.c.result({"op": "auth_callback", **GMAIL, "authorization_response": response})
        self.assertEqual((result["account"], result["status"]), ("home", "active"))
        self.assertEqual(result["identity"], "u2@example.com")
        self.assertNotIn("missing_scopes", result)

        statuses = self.c.result({"op": "auth_status", **GMAIL})["connected_platforms"]
        self.assertIn({**GMAIL, **AT_HOME, "status": "active", "identity": "u2@example.com"},
                      statuses)
        self.assertEqual(self.c.call(email(**AT_HOME))["status"], "success")

        revoked = self.c.result({"op": "auth_revoke", **GMAIL, **AT_HOME})
        self.assertEqual((revoked["status"], revoked["revoked"]), ("not_connected", True))
        error = self.c.error(email(**AT_HOME))
        self.assertEqual(error["code"], "not_connected")

        # And by the link that the error gave.
        response = oauth.consent_at_emulator(error["details"]["authorization_url"],
                                             "u1@example.com")
        result = self.c.result({"op": "auth_callback", **GMAIL, "authorization_response": response})
        self.assertEqual((result["account"], result["identity"]), ("home", "u1@example.com"))
        self.assertEqual(self.c.call(email(**AT_HOME))["status"], "success")


class Strict(unittest.TestCase):
    """A provider that forgives nothing, and a Gmail that takes anything."""

    @classmethod
    def setUpClass(cls):
        cls.google = cls.enterClassContext(Google())
        cls.provider = cls.enterClassContext(oauth.Provider(rotate=True))
        cls.stack = cls.enterClassContext(Stack(google=cls.google.url,
                                                plain=[cls.provider.address]))
        app = cls.provider.app(redirect_uri=oauth.Provider.redirect_uri)
        answer = cls.stack.vault("set_provider", provider="google", app=app)
        assert answer["status"] == "success", answer

    def setUp(self):
        self.c = self.enterContext(self.stack.connect())
        self.account = self.id().rpartition(".")[2][:60]
        self.google.calls.clear()
        self.provider.person, self.provider.fewer = "u1@example.com", None
        self.addCleanup(self.provider.unscript)

    def request(self, **more):
        return {**GMAIL, "account": self.account, **more}

    def start(self, **more):
        return self.c.result({"op": "auth_start", **self.request(**more)})

    def callback(self, response):
        return self.c.call({"op": "auth_callback", **self.request(authorization_response=response)})

    def connect(self, **more):
        return self.callback(self.provider.authorize(self.start(**more)["authorization_url"]))

    def assert_connected(self, response):
        self.assertEqual(response["status"], "success", response)

    def assert_failed(self, response):
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], "authorization_failed", response)

    def bearers(self):
        return [headers["Authorization"].removeprefix("Bearer ")
                for _, path, headers, _ in self.google.calls if path.startswith("/gmail/")]

    def test_connected_and_renewed(self):
        self.assert_connected(self.connect())
        self.assertEqual(self.c.call(email(account=self.account))["status"], "success")
        (bearer,) = self.bearers()
        self.assertTrue(self.provider.is_good(bearer))

        # A token that is about to end is renewed before it is used, and the grant lives on.
        self.provider.expires_in = 1
        self.addCleanup(setattr, self.provider, "expires_in", 3600)
        self.assert_connected(self.connect())
        self.provider.expires_in = 3600
        self.assertEqual(self.c.call(email(account=self.account))["status"], "success")
        self.assertTrue(self.provider.is_good(self.bearers()[-1]))
        self.assertEqual(self.provider.calls("token")[-1].fields["grant_type"], "refresh_token")

    def test_fewer_scopes(self):
        self.provider.fewer = "openid email " + READ_SCOPE
        result = self.connect(scopes=[SEND_SCOPE, READ_SCOPE])["result"]
        self.assertEqual(result["missing_scopes"], [SEND_SCOPE])
        error = self.c.error(email(account=self.account))
        self.assertEqual(error["code"], "reauthorization_required")
        self.assertIn(SEND_SCOPE, error["message"])
        self.assertEqual(self.bearers(), [])

    def test_a_code_that_is_not_taken(self):
        url = self.provider.authorize(self.start()["authorization_url"])
        code = oauth.redirect_fields(url)["code"]
        self.assert_failed(self.callback(url.replace(code, code[:-1])))
        self.assert_failed(self.callback(url))

    def test_another_flows_verifier(self):
        """A code that was stolen from one login is worth nothing in another."""
        theirs = oauth.redirect_fields(self.provider.authorize(self.start()["authorization_url"]))
        url = self.provider.authorize(self.start()["authorization_url"])
        self.assert_failed(self.callback(url.replace(oauth.redirect_fields(url)["code"],
                                                     theirs["code"])))

    def test_another_persons_account(self):
        self.assert_connected(self.connect())
        self.provider.person = "u2@example.com"
        response = self.connect()
        self.assert_failed(response)
        for words in f"account '{self.account}' is 'u1@example.com'", "'u2@example.com' consented":
            self.assertIn(words, response["error"]["message"])
        self.assertEqual(self.c.call(email(account=self.account))["status"], "success")

    def test_the_provider_fails(self):
        for fault in (500, 503, 429, "close", "html", "lost", "cut", "twice", "redirect"):
            self.provider.script("token", fault)
            self.assert_failed(self.connect())
        self.assert_connected(self.connect())

    def test_device(self):
        self.provider.script("device", {"interval": 1})
        started = self.start(device=True)
        self.provider.decide(started["user_code"], "approved")
        result = self.c.result({"op": "auth_callback", **self.request(state=started["state"])})
        self.assertEqual(result["status"], "active")
        self.assertEqual(self.c.call(email(account=self.account))["status"], "success")

    def test_device_denied(self):
        self.provider.script("device", {"interval": 1})
        started = self.start(device=True)
        self.provider.decide(started["user_code"], "denied")
        self.assert_failed(self.c.call({"op": "auth_callback",
                                        **self.request(state=started["state"])}))

    def test_revoked(self):
        self.assert_connected(self.connect())
        grant = self.provider.grants[-1]
        self.assertTrue(grant.alive)
        self.assertTrue(self.c.result({"op": "auth_revoke", **self.request()})["revoked"])
        self.assertFalse(grant.alive)
        self.assertEqual(self.c.code(email(account=self.account)), "not_connected")

    def test_revoked_where_nobody_hears_it(self):
        self.assert_connected(self.connect())
        self.provider.script("revoke", 503)
        result = self.c.result({"op": "auth_revoke", **self.request()})
        self.assertIs(result["revoked"], False)
        self.assertTrue(result["reason"])
        self.assertEqual(self.c.code(email(account=self.account)), "not_connected")

    def test_no_secret_in_any_log(self):
        url = self.provider.authorize(self.start()["authorization_url"])
        self.assert_connected(self.callback(url))
        self.assertEqual(self.c.call(email(account=self.account))["status"], "success")
        until(lambda: "connected by uid" in self.stack.log("engine"), bool)
        logs = [self.stack.log(part) for part in PARTS]
        secrets = self.provider.secrets() | {oauth.redirect_fields(url)["state"]}
        for request in self.provider.calls("token"):
            secrets |= {request.fields.get("code_verifier", "\0")}
        for secret in secrets:
            self.assertFalse([part for part, log in zip(PARTS, logs) if secret in log])
