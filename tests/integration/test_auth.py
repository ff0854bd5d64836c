# SPDX-License-Identifier: MIT
"""Connecting accounts, as a caller sees it: logins, their ends, and the way to one."""

import hashlib
import itertools
import json
import os
import pathlib
import re
import signal
import threading
import unittest
import urllib.parse

import jws
from engine import READ_SCOPE as READ, SEND_SCOPE as SEND, TOP, Stack, email, until
from fake import FakeHandler, Server
from oauth import Provider, redirect_fields
from scripted import Refusal, ScriptedVault

GMAIL, NOTION = {"platform": "gmail"}, {"platform": "notion"}
MODIFY = "https://www.googleapis.com/auth/gmail.modify"
CONNECTED = "6e74ff5da8bb47ae995db5611a5a9a62"
REVOKED = "ccd791b6531441e5a7cba7eb010f01f8"


def challenge_of(verifier):
    return jws.b64url(hashlib.sha256(verifier.encode()).digest())


class Google:
    """What gmail and notion are sent to: says whose token it is, and takes mail."""

    def __init__(self):
        self.calls, self.failures = [], []
        self.tokeninfo = 200, {"aud": "x", "email": "u1@example.com"}
        google = self

        class Handler(FakeHandler):
            def serve(self):
                body = self.read_body()
                google.calls.append((self.command, self.path, dict(self.headers), body))
                self.reply(*google.answer(self.path))

            do_GET = do_POST = serve

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.upstream = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path):
        if path == "/tokeninfo":
            return self.tokeninfo
        if path == "/v1/users/me":
            return 200, {"object": "user", "id": "b1", "bot": {"workspace_name": "Ada's"}}
        return 200, {"id": "m1", "threadId": "t1"}

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        assert not self.failures, self.failures


class Case(unittest.TestCase):
    """A stack with a scripted vault, a provider that is asked by the tests' browser alone."""

    config = ""

    @classmethod
    def setUpClass(cls):
        cls.google = cls.enterClassContext(Google())
        cls.provider = cls.enterClassContext(Provider(pkce=True))
        cls.vault = cls.enterClassContext(ScriptedVault())
        host = cls.google.url.removeprefix("http://")
        cls.stack = cls.enterClassContext(Stack(f"""{cls.vault.config}
{cls.config}
[Http]
PlainHttp={host}
[Adapter notion]
BaseUrl={cls.google.url}
""", cls.google.url))
        cls.key = cls.stack.key("anybody")

    def setUp(self):
        self.vault.apps = {"google": self.app(), "notion": self.app(profile="notion")}
        self.vault.forget()
        self.google.calls.clear()
        self.google.tokeninfo = 200, {"aud": "x", "email": "u1@example.com"}
        # A subject of its own for each test, so that none sees what another began.
        self.me = self.id().rpartition(".")[2][:100]
        self.c = self.connect()

    def app(self, **changes):
        app = self.provider.app(redirect_uri=Provider.redirect_uri)
        if changes.get("profile") == "notion":
            app.update(issuer=None, iss_required=None)
        return {k: v for k, v in {**app, **changes}.items() if v is not None}

    def connect(self, **claims):
        claims = {"sub": self.me, **claims}
        return self.enterContext(self.stack.connect(jws.token(self.key, **claims)))

    def start(self, c=None, **more):
        return (c or self.c).result({"op": "auth_start", **GMAIL, **more})

    def callback(self, response, c=None, **more):
        return (c or self.c).call({"op": "auth_callback", **GMAIL, **more,
                                   "authorization_response": response})

    def login(self, **more):
        """The person's part: what the browser ends at."""
        return self.provider.authorize(self.start(**more)["authorization_url"])

    def assert_failed(self, response, *words, code="authorization_failed"):
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], code, response)
        for word in words:
            self.assertIn(word, response["error"]["message"])

    def assert_connected(self, response):
        self.assertEqual(response["status"], "success", response)
        self.assertEqual(response["result"]["status"], "active")

    def assert_not_exchanged(self):
        self.assertEqual(self.vault.asked("exchange"), [])


class Login(Case):
    def test_the_whole_way(self):
        started = self.start()
        self.assertEqual(set(started), {"authorization_url", "state", "expires_at"})
        url = started["authorization_url"]
        self.assertTrue(url.startswith(self.provider.url + "/authorize?"), url)
        query = redirect_fields(url)
        self.assertEqual(query["state"], started["state"])
        # No more than what most people want: drafts and answers are asked for by name.
        self.assertEqual([s for s in query["scope"].split() if "/" in s], [SEND])

        response = self.callback(self.provider.authorize(url))
        self.assert_connected(response)
        result = response["result"]
        self.assertEqual(result["platform"], "gmail")
        self.assertEqual(result["account"], "default")
        self.assertEqual(result["identity"], "u1@example.com")
        self.assertEqual(result["expires_at"], "2999-01-01T00:00:00Z")
        self.assertIn(SEND, result["scopes"])
        self.assertNotIn("missing_scopes", result)

        (question,) = self.vault.asked("exchange")
        self.assertEqual(question["provider"], "google")
        self.assertEqual(question["redirect_uri"], Provider.redirect_uri)
        code = self.provider.codes[question["code"]]
        self.assertEqual(code.challenge, challenge_of(question["code_verifier"]))
        self.assertEqual(self.c.call(email())["status"], "success")

        entry = self.stack.audit(response["request_id"])
        self.assertEqual(entry["MESSAGE_ID"], CONNECTED)
        self.assertEqual(entry["ACTION_PEER_UID"], str(os.getuid()))
        self.assertEqual(entry["ACTION_PEER_PID"], str(os.getpid()))
        self.assertEqual(entry["ACTION_USER_ID"], self.me)
        self.assertEqual(entry["ACTION_ACCOUNT_IDENTITY"], "u1@example.com")

    def test_code_and_state(self):
        self.vault.apps["google"] = self.app(iss_required=None)
        fields = redirect_fields(self.login())
        self.assert_connected(self.c.call({"op": "auth_callback", **GMAIL, "code": fields["code"],
                                           "state": fields["state"]}))

    def test_an_account_of_another_name(self):
        response = self.callback(self.login(account="work"))
        self.assertEqual(response["result"]["account"], "work")
        self.assertEqual(self.vault.asked("exchange")[0]["account"], "work")
        self.assert_connected(self.callback(self.login(account="x"), account="x"))
        self.assert_failed(self.callback(self.login(account="x"), account="y"))

    def test_on_behalf_of_another(self):
        broker = self.connect(users=["somebody"])
        response = self.callback(self.provider.authorize(self.start(
            broker, user_id="somebody")["authorization_url"]), broker)
        self.assert_connected(response)
        self.assertEqual(self.vault.asked("exchange")[0]["user_id"], "somebody")

    def test_scopes_that_are_asked_for(self):
        url = self.start(scopes=[READ, SEND, READ])["authorization_url"]
        asked = [s for s in redirect_fields(url)["scope"].split() if "gmail" in s]
        self.assertEqual(sorted(asked), sorted([READ, SEND]))
        for scopes in ([], [""], ["a b"], ['a"'], ["a\\"], ["\u00e9"], ["a\n"], [1], [None],
                       ["a" * 257], ["a"] * 65, "a", {"a": 1}):
            error = self.c.error({"op": "auth_start", **GMAIL, "scopes": scopes})
            self.assertEqual(error["code"], "invalid_request", scopes)
        self.start(scopes=["a" * 256])
        self.start(scopes=[f"s{i}" for i in range(64)])

    def test_scopes_that_were_not_granted(self):
        self.vault.script("exchange", {"scopes": ["openid", READ]})
        result = self.callback(self.login(scopes=[READ, SEND]))["result"]
        self.assertEqual(result["missing_scopes"], [SEND])

    def test_platforms_without_a_login(self):
        self.assert_failed(self.c.call({"op": "auth_start", "platform": "zapier"}), "auth_token",
                           code="unsupported_platform")
        self.assert_failed(self.c.call({"op": "auth_start", "platform": "nowhere"}),
                           code="unsupported_platform")

    def test_no_app(self):
        self.vault.apps = {}
        self.assert_failed(self.c.call({"op": "auth_start", **GMAIL}),
                           "actionctl provider add google", code="not_found")
        self.assert_failed(self.c.call({"op": "auth_start", **GMAIL, "device": True}),
                           "actionctl provider add google", code="not_found")

    def test_an_app_that_makes_no_sense(self):
        self.vault.apps["google"] = {"profile": "nobody"}
        self.assert_failed(self.c.call({"op": "auth_start", **GMAIL}), code="internal")

    def test_needs_the_scope(self):
        c = self.connect(scope="gmail:* auth:notion")
        for request in ({"op": "auth_start"}, {"op": "auth_callback", "state": "x" * 43},
                        {"op": "auth_revoke"}):
            error = c.error({**request, **GMAIL})
            self.assertEqual((error["code"], error["details"]["by"]), ("forbidden", "scope"))

    def test_fields_of_other_operations(self):
        for request in ({"op": "auth_start", "code": "x"}, {"op": "auth_revoke", "state": "x"},
                        {"op": "auth_token", "credential": {}, "scopes": ["a"]},
                        {"op": "auth_callback", "device": True}, {"op": "auth_callback"},
                        {"op": "auth_start", "device": True, "redirect_uri": "http://x/"}):
            self.assertEqual(self.c.code({**request, **GMAIL}), "invalid_request", request)

    def test_secrets_stay_out_of_the_log(self):
        fields = redirect_fields(url := self.login())
        self.assert_connected(self.callback(url))
        verifier = self.vault.asked("exchange")[0]["code_verifier"]
        log = self.stack.log("engine")
        for secret in fields["code"], fields["state"], verifier:
            self.assertNotIn(secret, log)


class Refused(Case):
    """security facts, G1 to G5: whatever is not quite right connects nothing."""

    def test_g1_state_absent(self):
        url = self.login()
        fields = redirect_fields(url)
        bare = url.replace("state=" + urllib.parse.quote(fields["state"]), "x=y")
        self.assert_failed(self.callback(bare))
        for response in ("", "http://127.0.0.1:9999/oauth/callback", "http://x/?", "?", "code=a",
                         "http://x/?code=a&code=b&state=" + fields["state"],
                         f"http://x/?state={fields['state']}"):
            answer = self.callback(response)
            self.assertIn(answer["error"]["code"], ("authorization_failed", "invalid_request"))
        self.assert_not_exchanged()
        # None of these was an attempt at this login, but the last, which brought nothing.

    def test_g1_state_unknown(self):
        url = self.login()
        state = redirect_fields(url)["state"]
        for other in ("", "x", state[:-1], state + "A", "A" * 43):
            answer = self.callback(url.replace(state, other))
            self.assert_failed(answer)
        self.assert_not_exchanged()
        self.assert_connected(self.callback(url))

    def test_g1_used_twice(self):
        url = self.login()
        self.assert_connected(self.callback(url))
        self.assert_failed(self.callback(url))
        self.assertEqual(len(self.vault.asked("exchange")), 1)

    def test_g1_used_twice_at_once(self):
        url = self.login()
        request = {"op": "auth_callback", **GMAIL, "authorization_response": url}
        waiting = [self.c.start(request) for _ in range(4)]
        codes = [self.c.finish(i)["status"] for i in waiting]
        self.assertEqual(sorted(codes), ["error"] * 3 + ["success"])

    def test_g1_used_though_it_failed(self):
        self.vault.script("exchange", Refusal("upstream_unreachable", "nobody is there"))
        url = self.login()
        self.assert_failed(self.callback(url), "nobody is there", "start the login again")
        self.assert_failed(self.callback(url))
        self.assertEqual(len(self.vault.asked("exchange")), 1)

    def test_g1_another_subject(self):
        """Others get the answer that they get for any state, and take nothing away."""
        other, url = self.connect(sub="other", users=["*"]), self.login()
        told = self.callback(url, other)
        unknown = self.callback(url.replace(redirect_fields(url)["state"], "A" * 43), other)
        self.assert_failed(told)
        self.assertEqual(told["error"], unknown["error"])
        told = self.callback(url, other, user_id=self.me)
        self.assertEqual(told["error"], unknown["error"])
        self.assert_not_exchanged()
        self.assert_connected(self.callback(url))

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_g1_another_uid(self):
        other, url = 4711, self.login()
        token = jws.token(self.key, sub=self.me, cnf={"uid": other})
        with self.stack.connect_as(other, token) as c:
            request = {"op": "auth_callback", "platform": "gmail", "authorization_response": url}
            self.assertEqual(c.code(request), "authorization_failed")
        self.assert_not_exchanged()
        self.assert_connected(self.callback(url))

    def test_g1_another_user(self):
        broker = self.connect(users=["a", "b"])
        url = self.provider.authorize(self.start(broker, user_id="a")["authorization_url"])
        self.assert_failed(self.callback(url, broker, user_id="b"))
        self.assert_not_exchanged()

    def test_g1_after_restart(self):
        url = self.login()
        os.kill(self.stack.pid("engine"), signal.SIGKILL)
        self.stack.kill("engine")
        self.stack.start("engine")
        self.c = self.connect()
        self.assert_failed(self.callback(url))
        self.assert_not_exchanged()

    def test_g1_the_seventeenth(self):
        first, second = self.login(), self.login()
        for _ in range(15):
            self.start()
        self.assert_failed(self.callback(first))
        self.assert_connected(self.callback(second))

    def test_g2_mix_up(self):
        for iss in ("https://attacker.example", self.provider.issuer + "/", ""):
            url = self.login()
            other = url.replace(urllib.parse.quote(self.provider.issuer, safe=""),
                                urllib.parse.quote(iss, safe=""))
            self.assertNotEqual(url, other)
            self.assert_failed(self.callback(other))
            self.assert_failed(self.callback(url))  # it was an attempt
        self.assert_not_exchanged()

    def test_g2_no_issuer_where_one_is_promised(self):
        url = self.login()
        self.assert_failed(self.callback(url.partition("&iss=")[0]))
        fields = redirect_fields(self.login())
        self.assert_failed(self.c.call({"op": "auth_callback", **GMAIL, "code": fields["code"],
                                        "state": fields["state"]}), "authorization_response")
        self.assert_not_exchanged()

    def test_g2_a_code_for_another_platform(self):
        url = self.login()
        self.assert_failed(self.c.call({"op": "auth_callback", **NOTION,
                                        "authorization_response": url}))
        self.assert_failed(self.callback(url))
        self.assert_not_exchanged()

    def test_g3_pkce(self):
        query = redirect_fields(self.start()["authorization_url"])
        self.assertEqual(query["code_challenge_method"], "S256")
        self.assertEqual(len(query["code_challenge"]), 43)
        challenges = {redirect_fields(self.start()["authorization_url"])["code_challenge"]
                      for _ in range(8)}
        self.assertEqual(len(challenges), 8)

    def test_g4_redirects(self):
        self.vault.apps["google"] = self.app(profile="google")
        good = ["http://127.0.0.1:9999/oauth/callback"]
        bad = ["http://127.0.0.1:1/oauth/callback", "https://127.0.0.1:9999/oauth/callback", "http://127.0.0.1:9999/oauth/callback/",
               "http://127.0.0.1:9999/oauth/callback?x=1", "http://127.0.0.1:9999/other",
               "http://localhost:9999/oauth/callback", "http://attacker.example/oauth/callback",
               "http://127.0.0.1.attacker.example/oauth/callback",
               "http://127.0.0.1@attacker.example/oauth/callback", "x", "javascript:alert(1)"]
        for uri in good:
            query = redirect_fields(self.start(redirect_uri=uri)["authorization_url"])
            self.assertEqual(query["redirect_uri"], uri)
        for uri in bad:
            error = self.c.error({"op": "auth_start", **GMAIL, "redirect_uri": uri})
            self.assertEqual(error["code"], "invalid_request", uri)

    def test_g4_a_redirect_without_a_port(self):
        self.vault.apps["google"] = self.app(profile="google",
                                             redirect_uri="http://127.0.0.1/oauth/callback")
        for uri in "http://127.0.0.1:9999/oauth/callback", "http://127.0.0.1:1/oauth/callback":
            query = redirect_fields(self.start(redirect_uri=uri)["authorization_url"])
            self.assertEqual(query["redirect_uri"], uri)

    def test_g4_an_app_without_a_redirect(self):
        self.vault.apps["google"] = self.app(redirect_uri=None)
        self.assert_failed(self.c.call({"op": "auth_start", **GMAIL}), "redirect_uri",
                           code="invalid_request")

    def test_g5_the_person_says_no(self):
        self.provider.denies = "access_denied"
        self.addCleanup(setattr, self.provider, "denies", None)
        url = self.login()
        self.assert_failed(self.callback(url))
        self.assert_failed(self.callback(url))
        self.assert_not_exchanged()

    def test_g5_markup_in_the_description(self):
        texts = ["<script>alert(1)</script>", "\x1b[31mred\x1b[0m\r\nforged: line", "x" * 4000]
        for text in texts:
            state = self.start()["state"]
            query = urllib.parse.urlencode({"error": "access_denied", "error_description": text,
                                            "state": state, "iss": self.provider.issuer})
            self.assert_failed(self.callback("http://127.0.0.1:9999/oauth/callback?" + query))
        self.assertNotIn("\x1b", self.stack.log("engine"))

    def test_what_the_vault_refuses(self):
        for code in ("authorization_failed", "upstream_error", "not_found", "store_unavailable",
                     "invalid_request"):
            self.vault.script("exchange", Refusal(code))
            self.assert_failed(self.callback(self.login()), "start the login again")


class Strangers(Case):
    """Who names another user hears the same whether there is one, and what he has, or not."""

    def setUp(self):
        super().setUp()
        self.other = self.me + ".other"
        self.others = self.connect(sub=self.other)
        self.vault.records[(self.other, "gmail", "default")] = {"access_token": "at-other"}
        self.url = self.provider.authorize(self.start(self.others)["authorization_url"])
        self.vault.forget_questions()

    def requests(self):
        state = redirect_fields(self.url)["state"]
        yield {"op": "auth_start", **GMAIL}
        yield {"op": "auth_start", **GMAIL, "device": True}
        yield {"op": "auth_callback", **GMAIL, "authorization_response": self.url}
        yield {"op": "auth_callback", **GMAIL, "code": "c", "state": state}
        yield {"op": "auth_callback", **GMAIL, "state": state}
        for verify in False, True:
            yield {"op": "auth_token", **GMAIL, "credential": {"access_token": "x"},
                   "verify": verify}
        yield {"op": "auth_status"}
        yield {"op": "auth_status", **GMAIL}
        yield {"op": "auth_revoke", **GMAIL}
        for dry_run in False, True:
            yield email(dry_run=dry_run)
        yield {"op": "login"}
        yield {"op": "list_approvals"}
        for op in "approve", "deny":
            yield {"op": op, "approval_id": "x"}

    def test_another_user(self):
        for users in [], ["third"], [self.other + "x"], [self.other[:-1]], [self.other.upper()]:
            c = self.connect(users=users, scope="gmail:* auth:* approvals:own")
            for request in self.requests():
                with self.subTest(op=request.get("op"), users=users):
                    error, unknown = (c.error({**request, "user_id": user})
                                      for user in (self.other, "nobody"))
                    self.assertEqual(error["code"], "forbidden")
                    self.assertEqual(
                        json.dumps(error).replace(self.other, "nobody"), json.dumps(unknown))
        self.assertEqual(self.vault.questions(), [])
        self.assertEqual(self.google.calls, [])
        self.assert_connected(self.callback(self.url, self.others))

    def test_their_state_for_oneself(self):
        """The attempt does not count, since it is not theirs."""
        state = redirect_fields(self.url)["state"]
        for how in ({"authorization_response": self.url}, {"state": state, "code": "c"},
                    {"state": state}):
            told, unknown = (self.c.error({"op": "auth_callback", **GMAIL, **with_state})
                             for with_state in (how, {name: text.replace(state, "A" * 43)
                                                      for name, text in how.items()}))
            self.assertEqual(told["code"], "authorization_failed")
            self.assertEqual(told, unknown)
        self.assertEqual(self.vault.questions(), [])
        self.assert_connected(self.callback(self.url, self.others))


class Device(Case):
    def begin(self):
        started = self.start(device=True)
        self.assertEqual(started["user_code"], "ABCD-EFGH")
        self.assertEqual(started["verification_uri"], "https://example.com/device")
        self.assertEqual(started["interval_ms"], 1000)
        self.assertNotIn("device-canary", str(started))
        return {"op": "auth_callback", **GMAIL, "state": started["state"]}

    def test_the_person_answers_later(self):
        self.vault.script("exchange", {"status": "pending"}, {"status": "active"})
        request = self.begin()
        self.assert_connected(self.c.call(request))
        first, second = self.vault.asked("exchange")
        self.assertEqual(first["device_code"], "device-canary")
        self.assertEqual(first["device_code"], second["device_code"])
        self.assertNotIn("code", first)
        self.assert_failed(self.c.call(request))

    def test_the_person_says_no(self):
        self.vault.script("exchange", Refusal("authorization_failed"))
        self.assert_failed(self.c.call(self.begin()))

    def test_a_deadline_is_not_the_end(self):
        request = self.begin()
        self.assertEqual(self.c.code({**request, "deadline_ms": 1}), "deadline_exceeded")
        self.assert_not_exchanged()
        self.assert_connected(self.c.call(request))

    def test_the_client_vanishes(self):
        request = self.begin()
        self.vault.script("exchange", {"status": "pending"})
        waiting = self.stack.connect(jws.token(self.key, sub=self.me))
        waiting.send(request)
        self.vault.wait_asked("exchange")
        waiting.close()
        # The login is there again for who comes back: asked about once, by whoever is there.
        answer = until(lambda: self.c.call(request), lambda r: r["status"] == "success")
        self.assert_connected(answer)

    def test_an_outage_is_waited_out(self):
        self.vault.script("exchange", Refusal("upstream_unreachable"))
        self.assert_connected(self.c.call(self.begin()))
        self.assertEqual(len(self.vault.asked("exchange")), 2)

    def test_it_has_no_answer_to_bring(self):
        request = self.begin()
        self.assert_failed(self.c.call({**request, "code": "x"}))

    def test_a_stop_does_not_wait_for_a_person(self):
        request = self.begin()
        waiting = self.c.start(request)
        self.c.result({"op": "ping"})
        os.kill(self.stack.pid("engine"), signal.SIGTERM)
        self.assertEqual(self.c.finish(waiting)["error"]["code"], "deadline_exceeded")
        self.stack.kill("engine")
        self.stack.start("engine")


class Revoke(Case):
    def test_revoke(self):
        self.assert_connected(self.callback(self.login()))
        response = self.c.call({"op": "auth_revoke", **GMAIL})
        self.assertEqual(response["result"], {"platform": "gmail", "account": "default",
                                              "status": "not_connected", "revoked": True})
        self.assertEqual(self.stack.audit(response["request_id"])["MESSAGE_ID"], REVOKED)
        self.assertEqual(self.c.code({"op": "auth_revoke", **GMAIL}), "not_connected")

    def test_what_the_provider_does_not_hear(self):
        self.assert_connected(self.callback(self.login()))
        self.vault.script("delete_token", {"revoked": False, "reason": "it is not there"})
        result = self.c.result({"op": "auth_revoke", **GMAIL})
        self.assertEqual((result["revoked"], result["reason"]), (False, "it is not there"))

    def test_identity_in_the_status(self):
        self.vault.records[(self.me, "gmail", "default")] = {"access_token": "at",
                                                            "identity": "u1@example.com"}
        (status,) = self.c.result({"op": "auth_status", **GMAIL})["connected_platforms"]
        self.assertEqual(status["identity"], "u1@example.com")


class Token(Case):
    def store(self, credential, **more):
        return self.c.call({"op": "auth_token", **GMAIL, "credential": credential, **more})

    def stored(self, platform="gmail"):
        return self.vault.records.get((self.me, platform, "default"))

    def test_verified(self):
        response = self.store({"access_token": "at+canary&x"}, verify=True)
        self.assertEqual(response["result"]["verified"], True)
        self.assertEqual(response["result"]["identity"], "u1@example.com")
        ((method, path, headers, body),) = self.google.calls
        self.assertEqual((method, path), ("POST", "/tokeninfo"))
        self.assertEqual(urllib.parse.parse_qs(body.decode()), {"access_token": ["at+canary&x"]})
        self.assertNotIn("Authorization", headers)
        self.assertEqual(self.stored()["identity"], "u1@example.com")
        self.assertNotIn("at+canary", self.stack.log("engine"))

    def test_refused(self):
        for answer in ((400, {"error": "invalid_token"}), (401, {}), (403, {})):
            self.google.tokeninfo = answer
            self.assert_failed(self.store({"access_token": "at"}, verify=True), "nothing was stored")
            self.assertIsNone(self.stored())

    def test_cannot_be_asked(self):
        for answer in ((500, {}), (503, b"<html>"), (200, b"<html>"), (200, {}), (200, [])):
            self.google.tokeninfo = answer
            self.assert_failed(self.store({"access_token": "at"}, verify=True),
                               code="upstream_error")
            self.assertIsNone(self.stored())

    def test_an_echo(self):
        self.google.tokeninfo = 403, {"error": {"message": "no: at-canary-of-this-test"}}
        response = self.store({"access_token": "at-canary-of-this-test"}, verify=True)
        self.assertNotIn("canary", str(response))

    def test_without_verify_nobody_is_asked(self):
        self.assertEqual(self.store({"access_token": "at"})["result"],
                         {"platform": "gmail", "account": "default", "status": "active"})
        self.assertEqual(self.google.calls, [])

    def test_notion(self):
        response = self.c.result({"op": "auth_token", **NOTION, "verify": True,
                                  "credential": {"access_token": "ntn_x"}})
        self.assertEqual(response["identity"], "Ada's (b1)")
        self.assertEqual(self.google.calls[0][2]["Authorization"], "Bearer ntn_x")

    def test_there_is_no_look(self):
        response = self.c.result({"op": "auth_token", "platform": "zapier", "verify": True,
                                  "credential": {"hook_url": "https://hooks.zapier.com/hooks/catch/1/a/"}})
        self.assertIs(response["verified"], False)
        self.assertEqual(self.google.calls, [])

    def test_what_the_pages_show(self):
        """Each example of a credential, in the manual and in README, is one."""
        page = (TOP / "man/actionctl.1").read_text()
        page = page.partition(".Ss Credentials")[2].partition(".Ss Options")[0]
        shown = set()
        for names, text in re.findall(r"^\.It Sy (.*?)$(.*?)(?=^\.It|\Z)", page, re.M | re.S):
            examples = re.findall(r"^\.Bd -literal$(.*?)^\.Ed$", text, re.M | re.S)
            self.assertTrue(examples, names)
            for name, example in itertools.product(names.split(" , "), examples):
                self.c.result({"op": "auth_token", "platform": name, "account": "shown",
                               "credential": json.loads(example)})
                shown.add(name)
        self.assertEqual(shown, {a["platform"] for a in
                                 self.c.result({"op": "list_actions"})["actions"]})

        readme = (TOP / "README.md").read_text()
        for name, example in re.findall(r"auth (?:import|token) (\w+) --credential \S+\s+# ({.*})", readme):
            self.c.result({"op": "auth_token", "platform": name, "account": "shown",
                           "credential": json.loads(example)})

    def test_what_can_be_renewed_names_its_provider(self):
        self.store({"access_token": "at", "refresh_token": "rt"})
        self.assertEqual(self.stored()["provider"], "google")
        self.store({"access_token": "at"})
        self.assertNotIn("provider", self.stored())
        self.store({"refresh_token": "rt"})
        self.assertEqual(self.stored(), {"refresh_token": "rt", "provider": "google"})
        account = {"type": "service_account", "client_email": "r@x.example", "private_key": "k",
                   "token_uri": "https://x.example/"}
        response = self.store({"service_account": account, "scopes": [SEND]}, verify=True)
        self.assertIs(response["result"]["verified"], False)
        self.assertEqual(self.stored(), {"service_account": account, "scopes": [SEND],
                                         "provider": "google"})
        for bad in ({}, {"scopes": [SEND]}, {"service_account": account},
                    {"service_account": account, "scopes": []},
                    {"service_account": {**account, "type": "x"}, "scopes": [SEND]},
                    {"service_account": account, "scopes": [SEND], "access_token": "at"},
                    {"access_token": "at", "provider": "google"}):
            self.assertEqual(self.store(bad)["error"]["code"], "invalid_payload", bad)


class Links(Case):
    """The way on, in the error of an action."""

    def test_not_connected(self):
        error = self.c.error(email())
        self.assertEqual(error["code"], "not_connected")
        self.assertEqual(set(error["details"]),
                         {"authorization_url", "state", "expires_at", "start"})
        self.assertTrue(error["message"].endswith(
            "; connect it with 'actionctl auth login gmail', or through details.authorization_url"),
                        error["message"])
        self.assert_connected(self.callback(self.provider.authorize(
            error["details"]["authorization_url"])))
        self.assertEqual(self.c.call(email())["status"], "success")

    def test_the_same_for_a_while(self):
        details = [self.c.error(email())["details"] for _ in range(40)]
        self.assertEqual(len({d["state"] for d in details}), 1)
        self.assertEqual(len(self.vault.asked("get_provider")), 1)
        other = self.c.error(email(account="work"))["details"]
        self.assertNotEqual(other["state"], details[0]["state"])
        # They fill no table: a login that was begun before is still there.
        self.assert_connected(self.callback(self.provider.authorize(
            details[0]["authorization_url"])))

    def test_reauthorization(self):
        self.vault.script("get_token", Refusal("reauthorization_required", "the grant has ended"))
        error = self.c.error(email())
        self.assertEqual(error["code"], "reauthorization_required")
        self.assertIn("the grant has ended", error["message"])
        self.assertIn("authorization_url", error["details"])

    def test_words(self):
        may_not = self.connect(scope="gmail:*")
        for app, c, more, words in (
                (None, self.c, {}, "actionctl auth login gmail"),
                (self.app(redirect_uri=None), self.c, {}, "actionctl auth login gmail"),
                (self.app(), may_not, {}, "actionctl auth login gmail"),
                (None, self.c, {"account": "work"}, "actionctl auth login gmail --account=work")):
            self.vault.apps = {"google": app} if app else {}
            error = c.error(email(**more))
            self.assertEqual(error["code"], "not_connected")
            self.assertEqual(error["details"], {"start": words})
            self.assertIn(words, error["message"])

    def test_for_an_action_that_needs_more(self):
        reply = {**GMAIL, "action_type": "reply", "payload": {"message_id": "m1", "body": "Yes."}}
        link = self.c.error(email())["details"]
        more = self.c.error(reply)["details"]
        self.assertNotEqual(more["state"], link["state"])
        scopes = redirect_fields(more["authorization_url"])["scope"].split()
        self.assertIn(MODIFY, scopes)
        self.assertIn(SEND, scopes)
        self.assertEqual(more["start"], f"actionctl auth login gmail --scope={MODIFY}")
        # Whoever opens that one can do both.
        self.assertEqual(self.c.error(email())["details"]["state"], more["state"])

        self.vault.apps = {}
        c = self.connect(scope="*")
        error = c.error({**reply, "account": "work"})
        self.assertEqual(error["details"],
                         {"start": f"actionctl auth login gmail --account=work --scope={MODIFY}"})

    def test_the_vault_hangs(self):
        self.vault.script("get_provider", "hang")
        self.assertIn("start", self.c.error(email())["details"])
        self.vault.gate.set()

    def test_platforms_without_a_login(self):
        error = self.c.error({"platform": "zapier", "action_type": "trigger_zap",
                              "payload": {"data": {}}})
        self.assertEqual(error["code"], "not_connected")
        self.assertNotIn("details", error)
        for words in "auth_token", "actionctl auth import zapier":
            self.assertIn(words, error["message"])
            self.assertIn(words, self.c.error({"op": "auth_start",
                                               "platform": "zapier"})["message"])

    def test_the_client_is_gone(self):
        self.vault.script("get_provider", "hang")
        c = self.stack.connect(jws.token(self.key, sub=self.me))
        c.send(email())
        self.vault.wait_asked("get_provider")
        c.close()
        self.vault.gate.set()
        self.assertEqual(self.c.code(email()), "not_connected")


class Scopes(Case):
    def store(self, scopes):
        self.vault.records[(self.me, "gmail", "default")] = {"access_token": "at",
                                                            "scopes": scopes}

    def test_a_scope_is_missing(self):
        for scopes in ([READ], [SEND + ".x"], ["x" + SEND], ["openid", "email"]):
            self.store(scopes)
            for more in ({}, {"dry_run": True}):
                error = self.c.error(email(**more))
                self.assertEqual(error["code"], "reauthorization_required", scopes)
                self.assertIn(SEND, error["message"])
                self.assertIn("authorization_url", error["details"])
        self.assertEqual(self.google.calls, [])

    def test_any_one_is_enough(self):
        for scopes in ([SEND], ["https://mail.google.com/"], [READ, SEND], []):
            self.store(scopes)
            self.assertEqual(self.c.call(email())["status"], "success", scopes)


class NoLogin(Case):
    def test_login_is_off(self):
        with self.stack.connect("") as c:
            error = c.error({"op": "login", "user_id": "u1"})
        self.assertEqual(error["code"], "forbidden")
        self.assertIn("DevLogin=yes", error["message"])


class DevLogin(Case):
    config = "[Tokens]\nDevLogin=yes\n"

    def test_login(self):
        with self.stack.connect("") as c:
            told = c.result({"op": "login", "user_id": "ada"})
            self.assertEqual(set(told), {"token", "expires_at"})
            who = c.result({"op": "authenticate", "token": told["token"]})
            self.assertEqual((who["user_id"], who["scopes"]), ("ada", ["*"]))
            self.assertEqual(who["expires_at"], told["expires_at"])
            told = c.result({"op": "login", "user_id": "eve", "scopes": ["gmail:*", "auth:gmail"]})
            who = c.result({"op": "authenticate", "token": told["token"]})
            self.assertEqual((who["user_id"], who["scopes"]), ("eve", ["gmail:*", "auth:gmail"]))
        claims = jws.claims_of(told["token"])
        self.assertEqual(claims["cnf"], {"uid": os.getuid()})
        self.assertEqual(claims["exp"] - claims["iat"], 3600)

    def test_what_it_does_not_take(self):
        with self.stack.connect("") as c:
            for more in ({}, {"user_id": ""}, {"user_id": "a\n"}, {"user_id": "u", "scopes": []},
                         {"user_id": "u", "scopes": ["a b"]},
                         {"user_id": "u", "scopes": ["x" * 250 + str(i) for i in range(64)]}):
                self.assertEqual(c.code({"op": "login", **more}), "invalid_request", more)

    def test_the_keys_of_the_folder_change(self):
        with self.stack.connect("") as c:
            token = c.result({"op": "login", "user_id": "ada"})["token"]
            self.stack.key("another")
            self.assertEqual(c.result({"op": "authenticate", "token": token})["user_id"], "ada")

    def test_after_a_restart_it_is_void(self):
        with self.stack.connect("") as c:
            token = c.result({"op": "login", "user_id": "ada"})["token"]
        self.stack.kill("engine")
        self.stack.start("engine")
        with self.stack.connect("") as c:
            self.assertEqual(c.code({"op": "authenticate", "token": token}), "token_invalid")

    def test_the_journal_warns(self):
        self.assertIn("DevLogin=yes", self.stack.log("engine"))
