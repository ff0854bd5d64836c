# SPDX-License-Identifier: MIT
"""Secrets go where they must, and stay nowhere.

A canary takes each way through the daemons. Afterwards none of its pieces may be in the memory of
who needs it no more, and none ever in a log, an answer, an argument, an environment or a file.
"""

import base64
import contextlib
import json
import pathlib
import secrets
import tempfile

import jws
import memory
import oauth
from canaries import Case, canary, only_root, plain_build
from engine import SEND_SCOPE, Stack, email, until
from engine_control import EngineControl
from fakemail import CLOSE, HANG, FakeMail
from front import Front
from kv2 import Kv2Vault
from mailserver import make_authority
from puraifi import PuraifiVault


GMAIL = {"platform": "gmail"}
PAST = "2001-01-01T00:00:00Z"


class Ways(Case):
    """A bearer on its way to a platform. Subclasses say how that is spoken to."""

    first_byte_sec = 30

    @classmethod
    def make_stack(cls):
        cls.provider = cls.enterClassContext(oauth.Provider(rotate=True))
        url, more = cls.front()
        config = ("[Engine]\nReconcileSec=0.05\n"
                  f"[Http]\n{more}\n"
                  f"FirstByteTimeoutSec={cls.first_byte_sec}\n"
                  f"[Adapter gmail]\nBaseUrl={url}\n")
        return Stack(config, cls.platform.url, plain=[cls.provider.address])

    @classmethod
    def front(cls):
        return cls.platform.url, ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        answer = cls.stack.vault("set_provider", provider="google", app=cls.provider.app())
        assert answer["status"] == "success", answer
        cls.key = cls.stack.key("canary")

    def play(self, script):
        if isinstance(script, int):
            self.platform.script = lambda handler: handler.refuse(script)
        else:
            self.platform.script = getattr(self.platform, script)

    def store(self, word):
        """A token that the user brought; word says how the connection ends."""
        token = self.secret(word)
        self.other.result({"op": "auth_token", **GMAIL, "credential": {"access_token": token}})
        return token

    def caller(self):
        """A caller's token; its signature is what must not get about."""
        token = jws.token(self.key)
        self.secret("signature", token.split(".")[2])
        return token

    def perform(self, c, token, **more):
        response = c.call(email(token=token, **more))
        error = response.get("error", {})
        return error.get("code", response["status"])

    def payload(self):
        """Each field says something that is nobody else's business."""
        field = {name: self.secret(name, f"{name}-{secrets.token_hex(20)}")
                 for name in ("to", "cc", "bcc", "subject", "body", "html", "file", "content")}
        return list(field.values()), {
            **{name: f"{field[name]}@example.com" for name in ("to", "cc", "bcc")},
            **{name: field[name] for name in ("subject", "body", "html")},
            "attachments": [{"filename": field["file"], "content_type": "text/plain",
                             "content_base64": base64.b64encode(field["content"].encode()).decode()}],
        }


class Silence(Ways):
    """The platform says nothing for longer than it may, which is not long."""

    first_byte_sec = 0.4

    def lost(self, **more):
        """What has left, and got no answer; on a busy machine that takes more than one."""
        c = self.enterContext(self.connect())
        self.platform.script = self.platform.hang
        token = self.caller()
        until(lambda: self.perform(c, token, **more), lambda code: code == "outcome_unknown")
        self.platform.gate.set()
        return token.split(".")[2]

    def test_a_bearer(self):
        for word in "kept", "closing":
            with self.subTest(word):
                self.platform.reset()
                bearer = self.store(word)
                signature = self.lost()
                self.assertEqual(set(self.platform.bearers), {bearer})
                self.assert_gone(bearer, signature)


class Actions(Ways):
    # What the platform does, and how that ends.
    PATHS = {
        "success": ("send", {"success"}),
        "echo": ("echo", {"success", "outcome_unknown"}),
        "rejected": (400, {"upstream_rejected"}),
        "refused": (401, {"reauthorization_required"}),
        "busy": (429, {"rate_limited"}),
        "failed": (503, {"outcome_unknown"}),
        "half": ("half", {"outcome_unknown"}),
        "nonsense": ("nonsense", {"outcome_unknown", "upstream_rejected"}),
    }  # fmt: skip

    def test_each_way_that_an_action_ends(self):
        c = self.enterContext(self.connect())
        for word in "kept", "closing":
            for name, (script, ends) in self.PATHS.items():
                with self.subTest(name, connection=word):
                    self.platform.reset()
                    bearer, token = self.store(word), self.caller()
                    self.play(script)
                    self.assertIn(self.perform(c, token), ends)
                    self.platform.gate.set()
                    self.assertEqual(set(self.platform.bearers), {bearer})
                    self.assert_gone(bearer, token.split(".")[2])

    def test_what_does_not_leave(self):
        c = self.enterContext(self.connect())
        bad = {"payload": {"to": "nobody", "subject": 1}}
        for name, end, more in [("dry run", "success", {"dry_run": True}),
                                ("payload", "invalid_payload", bad),
                                ("account", "not_connected", {"account": "other"})]:
            with self.subTest(name):
                bearer, token = self.store("kept"), self.caller()
                self.assertEqual(self.perform(c, token, **more), end)
                self.assertEqual(self.platform.bearers, [])
                self.assert_gone(bearer, token.split(".")[2])

    def test_who_vanishes(self):
        for word in "kept", "closing":
            with self.subTest(word):
                self.platform.reset()
                bearer, token = self.store(word), self.caller()
                self.platform.script = self.platform.slow
                with self.connect() as c:
                    c.start(email(token=token))
                    self.platform.wait()
                    self.assert_held(bearer)
                    self.assert_gone(bearer, parts=["vault"])
                    self.assert_gone(token.split(".")[2])
                self.platform.gate.set()
                self.assert_gone(bearer, token.split(".")[2])

    def renewable(self, word, **more):
        """A grant at the provider, and the token that it stands for by now."""
        grant = self.provider.grant(SEND_SCOPE)
        bearer, refresh = self.store(word), self.secret("refresh", grant.refresh_token)
        credential = {"access_token": bearer, "refresh_token": refresh, **more}
        self.other.result({"op": "auth_token", **GMAIL, "credential": credential})
        return bearer, refresh, grant

    def test_renewed(self):
        """What has ended before, and what the platform refuses."""
        c = self.enterContext(self.connect())
        for name, more in {"ended": {"expires_at": PAST}, "refused": {}}.items():
            with self.subTest(name):
                self.platform.reset()
                bearer, refresh, grant = self.renewable("kept", **more)
                self.platform.script = lambda handler: (
                    self.platform.send(handler) if self.provider.is_good(handler.bearer)
                    else handler.refuse(401))
                token = self.caller()
                self.assertEqual(self.perform(c, token), "success")
                new = self.secret("new", self.platform.bearers[-1])
                self.assertNotEqual(new, bearer)
                rotated = self.secret("rotated", grant.refresh_token)
                self.assertNotEqual(rotated, refresh)
                client_secret = self.secret("client secret", self.provider.client.client_secret)
                self.assert_gone(bearer, refresh, new, rotated, client_secret,
                                 token.split(".")[2])

    def test_not_renewed(self):
        """The provider fails, and quotes all that it was told where it can."""
        c = self.enterContext(self.connect())
        for fault in 500, "echo", "close", "garbage", "html", "lost", "cut":
            with self.subTest(fault):
                self.platform.reset()
                bearer, refresh, grant = self.renewable("kept", expires_at=PAST)
                self.provider.script("token", fault)
                token = self.caller()
                self.assertNotEqual(self.perform(c, token), "success")
                self.assertEqual(self.platform.bearers, [])
                rotated = self.secret("rotated", grant.refresh_token)
                self.assert_gone(bearer, refresh, rotated, self.provider.client.client_secret,
                                 token.split(".")[2])


@only_root
@plain_build
class PlainHttp(Actions):
    """And what a payload says, which over HTTP/2 may stay in the engine with the connection."""

    def test_what_a_payload_says(self):
        c = self.enterContext(self.connect())
        self.store("kept")
        for name, (script, ends) in self.PATHS.items():
            with self.subTest(name):
                self.platform.reset()
                self.play(script)
                said, payload = self.payload()
                self.assertIn(self.perform(c, self.caller(), payload=payload), ends)
                self.platform.gate.set()
                self.assert_gone(*said)

    def test_a_payload_while_it_is_held(self):
        """It stands in the engine's memory, and nowhere else."""
        self.store("kept")
        self.platform.script = self.platform.slow
        said, payload = self.payload()
        payload["body"] += "x" * (4 << 20)
        asked = self.other.start(email(payload=payload))
        self.platform.wait()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                self.assertEqual([text for text in said if text.encode() in shown], [], process)
        for part in self.pids.values():
            for fd in pathlib.Path(f"/proc/{part}/fd").iterdir():
                with contextlib.suppress(OSError):
                    file = fd.readlink()
                    self.assertTrue(not fd.is_file() or self.stack.dir in file.parents, file)
        self.assert_gone(*said, parts=["vault"])
        self.platform.gate.set()
        self.assertEqual(self.other.finish(asked)["status"], "success")
        self.assert_gone(*said)

    # What is no e-mail: where the payload says something, and what.
    SPOILT = {
        "to": lambda text: text,
        "cc": lambda text: [f"{text}@example.com", text],
        "bcc": lambda text: f"{text}@{'x' * 300}.example.com",
        "subject": lambda text: {"text": text},
        "body": lambda text: [text],
        "html": lambda text: {text: text},
        "reply_to": lambda text: text,
        "thread_id": lambda text: text + "$",
        "in_reply_to": lambda text: text,
        "attachments": lambda text: [{"filename": text + "/", "content_type": text,
                                      "content_base64": text + "!"}],
    }  # fmt: skip

    def test_what_a_bad_payload_says(self):
        """The answer tells where it is wrong, and not what stands there."""
        for field, spoil in self.SPOILT.items():
            with self.subTest(field):
                said, payload = self.payload()
                said.append(self.secret("spoilt"))
                payload[field] = spoil(said[-1])
                error = self.other.error(email(payload=payload))
                self.assertEqual(error["code"], "invalid_payload")
                self.assertTrue(error["errors"][0]["path"].startswith("/" + field), error)
                self.assert_gone(*said)


@only_root
@plain_build
class PlainSilence(Silence):
    def test_what_a_payload_says(self):
        self.store("kept")
        said, payload = self.payload()
        self.lost(payload=payload)
        self.assert_gone(*said)


class Tls:
    http2 = False

    @classmethod
    def front(cls):
        front = cls.enterClassContext(Front(cls.platform.url, http2=cls.http2))
        return front.url, f"CaFile={front.ca_file}"


@only_root
@plain_build
class TlsHttp1(Tls, Actions):
    pass


@only_root
@plain_build
class SilenceHttp1(Tls, Silence):
    pass


@only_root
@plain_build
class TlsHttp2(Tls, Actions):
    http2 = True


@only_root
@plain_build
class SilenceHttp2(Tls, Silence):
    http2 = True


class WithProvider(Case):
    """A strict provider behind the embedded vault, and a person who consents."""

    @classmethod
    def make_stack(cls):
        cls.provider = cls.enterClassContext(oauth.Provider(rotate=True))
        return Stack("", cls.platform.url, plain=[cls.provider.address])

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        app = cls.provider.app(redirect_uri=oauth.Provider.redirect_uri)
        answer = cls.stack.vault("set_provider", provider="google", app=app)
        assert answer["status"] == "success", answer
        cls.canaries["client secret"] = cls.provider.client.client_secret

    def setUp(self):
        super().setUp()
        self.c = self.enterContext(self.connect(self.stack.token))
        self.provider.gate.clear()
        self.addCleanup(self.provider.unscript)

    def assert_all_gone(self, *more):
        """Whatever the provider came to know since the last time, and more of which a person was
        told."""
        known = self.provider.secrets()
        for request in self.provider.calls("token"):
            known |= {request.fields[name] for name in ("code_verifier", "device_code")
                      if name in request.fields}
        new = known - set(self.canaries.values())
        for text in new:
            self.secret("the provider's", text)
        self.assert_gone(*new, *more)


@only_root
@plain_build
class Logins(WithProvider):
    def begin(self):
        """As far as a person's browser comes: the redirect, in which the code is."""
        started = self.c.result({"op": "auth_start", **GMAIL})
        self.state = started["state"]
        response = self.provider.authorize(started["authorization_url"])
        return {"op": "auth_callback", **GMAIL, "authorization_response": response}

    def test_a_person_connects(self):
        response = self.c.call(self.begin())
        self.assertEqual(response["status"], "success", response)
        self.assertEqual(self.c.call(email())["status"], "success")
        self.assert_all_gone()

    def test_the_provider_fails(self):
        for fault in 500, "echo", "close", "garbage", "html", "lost", "cut", "twice":
            with self.subTest(fault):
                callback = self.begin()
                self.provider.script("token", fault)
                self.assertEqual(self.c.call(callback)["status"], "error")
                self.assert_all_gone(self.state)

    def test_a_code_that_is_not_taken(self):
        callback = self.begin()
        code = oauth.redirect_fields(callback["authorization_response"])["code"]
        wrong = self.secret("wrong code", code[:-4] + "abcd")
        callback["authorization_response"] = callback["authorization_response"].replace(code, wrong)
        self.assertEqual(self.c.code(callback), "authorization_failed")
        self.assert_all_gone(self.state)

    def test_who_vanishes(self):
        with self.connect(self.stack.token) as self.c:
            callback = self.begin()
            self.provider.script("token", "slow")
            n = len(self.provider.calls("token"))
            self.c.start(callback)
            self.provider.wait_calls("token", n + 1)
        self.provider.gate.set()
        self.assert_all_gone(self.state)

    def test_on_another_device(self):
        for state in "approved", "denied", "expired":
            with self.subTest(state):
                self.provider.script("device", {"interval": 1})
                started = self.c.result({"op": "auth_start", **GMAIL, "device": True})
                self.provider.decide(started["user_code"], state)
                self.c.call({"op": "auth_callback", **GMAIL, "state": started["state"]})
                self.assert_all_gone(started["state"])

    def test_revoked(self):
        for fault in None, 503, "echo":
            with self.subTest(fault):
                self.c.result(self.begin())
                if fault:
                    self.provider.script("revoke", fault)
                self.c.result({"op": "auth_revoke", **GMAIL})
                self.assert_all_gone(self.state)

    def test_a_service_account(self):
        """Its key is text, and numbers when it signs."""
        robot = self.provider.service_account()
        del robot["token_uri"]
        key = oauth.rsa_key()
        numbers = [n.to_bytes(size, order) for n, size in key.private_numbers()
                   for order in ("big", "little")]
        for secret in key.pem, *numbers:
            self.secret("private key", secret)
        credential = {"service_account": robot, "scopes": [SEND_SCOPE]}
        self.c.result({"op": "auth_token", **GMAIL, "credential": credential})
        self.assert_gone(key.pem, *numbers)
        for fault in None, "echo", 500:
            with self.subTest(fault):
                self.provider.revoke_tokens()
                if fault:
                    self.provider.script("token", fault)
                self.c.call(email())
                self.c.result({"op": "auth_token", **GMAIL, "credential": credential})
                self.assert_all_gone(key.pem, *numbers)

    def test_the_key_of_the_vault(self):
        """It stays there, where it is locked."""
        key = (self.stack.dir / "credentials/vault-key").read_bytes()
        self.canaries["kept in the vault"] = key
        self.c.result(self.begin())
        self.assert_held(key, "vault")
        self.assertEqual(memory.found_after(self.pids["vault"], {"it": key}, locked=False), [])
        self.assert_gone(key, parts=["engine"])

    def test_what_is_told_about_accounts(self):
        """Nothing of the sort: what each answer says is searched at the end."""
        self.c.result(self.begin())
        self.c.result(email(dry_run=True))
        for op in "health", "list_actions", "auth_status", "hello", "ping":
            self.c.result({"op": op})
        self.assert_all_gone()


class Remote(Case):
    """With the vaults of others the engine itself holds, for a moment, what they keep: it renews,
    and redeems codes. What it needs as long as it runs lies where no swap and no core gets it."""

    @classmethod
    def make_stack(cls):
        cls.provider = cls.enterClassContext(oauth.Provider(rotate=True))
        cls.vault = cls.enterClassContext(cls.make_vault())
        front = cls.enterClassContext(Front(cls.vault.url))
        config = (f"{cls.vault.config.replace(cls.vault.url, front.url)}TimeoutSec=5\n"
                  f"[Http]\nCaFile={front.ca_file}\n"
                  f"[Engine]\nReconcileSec=0.05\n")
        app = cls.provider.app(redirect_uri=oauth.Provider.redirect_uri)
        credentials = {**cls.vault.credentials, "provider-google": json.dumps(app)}
        return Stack(config, cls.platform.url, credentials, [cls.provider.address])

    def setUp(self):
        super().setUp()
        self.c = self.enterContext(self.connect(self.stack.token))
        self.addCleanup(self.provider.unscript)
        self.platform.script = lambda handler: (
            self.platform.send(handler) if self.provider.is_good(handler.bearer)
            else handler.refuse(401))

    def assert_all_gone(self, *more):
        known = self.provider.secrets() - {self.provider.client.client_secret} | set(more)
        new = known - set(self.canaries.values())
        for text in new:
            self.secret("the provider's", text)
        self.assert_gone(*new, parts=["engine"])

    def store(self, **more):
        grant = self.provider.grant(SEND_SCOPE)
        bearer = self.secret("bearer")
        self.c.result({"op": "auth_token", **GMAIL, "credential": {
            "access_token": bearer, "refresh_token": grant.refresh_token, **more}})
        return bearer

    def test_stored_and_renewed(self):
        for more in {"expires_at": PAST}, {}:
            with self.subTest(**more):
                bearer = self.store(**more)
                self.assert_gone(bearer, parts=["engine"])
                self.assertEqual(self.c.call(email())["status"], "success")
                self.assert_all_gone(bearer)

    def test_the_provider_fails(self):
        for fault in 500, "echo", "close", "garbage", "html", "lost", "cut", "twice":
            with self.subTest(fault):
                bearer = self.store(expires_at=PAST)
                self.provider.script("token", fault)
                self.assertEqual(self.c.call(email())["status"], "error")
                self.assert_all_gone(bearer)

    def test_the_vault_fails(self):
        bearer = self.store()
        for fault in 500, "half", "garbage", "html", "cut", "close", "twice", "badtoken", "hang":
            with self.subTest(fault), self.vault.playing(fault):
                self.c.call(email())
                self.assert_all_gone(bearer)

    def test_a_person_connects(self):
        for fault in None, "echo", "lost":
            with self.subTest(fault):
                started = self.c.result({"op": "auth_start", **GMAIL})
                response = self.provider.authorize(started["authorization_url"])
                if fault:
                    self.provider.script("token", fault)
                self.c.call({"op": "auth_callback", **GMAIL, "authorization_response": response})
                verifier = self.provider.calls("token")[-1].fields.get("code_verifier")
                self.assert_all_gone(*[verifier] if verifier else [])
                self.assert_gone(started["state"], parts=["engine"])

    def test_what_stays_is_locked(self):
        self.store()
        self.assertEqual(self.c.call(email())["status"], "success")
        for secret in *self.vault.secrets, self.provider.client.client_secret:
            self.secret("kept", secret)
            self.assert_held(secret)
            self.assertEqual(memory.found_after(self.pids["engine"], {"it": secret},
                                                locked=False), [])


@only_root
@plain_build
class Puraifi(Remote):
    make_vault = PuraifiVault


@only_root
@plain_build
class Kv2(Remote):
    make_vault = Kv2Vault


@only_root
@plain_build
class Control(Case):
    """The key that shows Engine Control who asks. A connection of HTTP/2 would have a copy."""

    @classmethod
    def make_stack(cls):
        cls.control = cls.enterClassContext(EngineControl())
        front = cls.enterClassContext(Front(cls.control.url))
        config = cls.control.config.replace(cls.control.url, front.url)
        return Stack(f"{config}\n[Http]\nCaFile={front.ca_file}\n", cls.platform.url,
                     cls.control.credentials)

    def test_it_stays_where_it_is_locked(self):
        key = self.secret("kept", self.control.key)
        for _ in range(2):
            self.assertEqual(self.other.call(email())["status"], "success")
            self.assert_held(key)
            self.assertEqual(memory.found_after(self.pids["engine"], {"it": key}, locked=False),
                             [])
        until(lambda: len(self.control.events), lambda n: n == 2)
        self.assert_gone(key, parts=["vault"])


@only_root
@plain_build
class Hooks(Case):
    """A URL that is a credential, over HTTP/2 and in each way that it ends."""

    @classmethod
    def make_stack(cls):
        front = cls.enterClassContext(Front(cls.platform.url))
        cls.front_url = front.url
        config = (f"[Http]\nFirstByteTimeoutSec=0.4\nCaFile={front.ca_file}\n"
                  f"[Adapter zapier]\nBaseUrl={front.url}\n")
        return Stack(config, cls.platform.url)

    @staticmethod
    def thank(handler):
        handler.reply(200, {"status": "success", "id": "i", "attempt": "a", "request_id": "r"})

    @staticmethod
    def echo(handler):
        handler.reply(400, {"status": handler.path, "error": {"message": handler.path}},
                      [("Location", handler.path)])

    def test_each_way_that_it_ends(self):
        hang = self.platform.hang
        for script in self.thank, self.echo, self.platform.half, hang:
            with self.subTest(script.__name__):
                self.platform.reset()
                self.platform.script = script if script is not hang else self.platform.hang
                hook = self.secret("hook")
                where = {"platform": "zapier"}
                self.other.result({"op": "auth_token", **where, "credential": {
                    "hook_url": f"{self.front_url}/hooks/catch/1234567/{hook}/"}})
                for more in {"dry_run": True}, {}:
                    self.other.call({**where, "action_type": "trigger_zap",
                                     "payload": {"data": {}}, **more})
                    self.platform.gate.set()
                    self.assert_gone(hook)


@only_root
@plain_build
class Mail(Case):
    """The password of a mailbox, and a bearer in its place."""

    @classmethod
    def make_stack(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        make_authority(folder)
        cls.fake = cls.enterClassContext(FakeMail(folder, tls=True))
        return Stack(f"[Http]\nCaFile={folder / 'ca.pem'}\nTotalTimeoutSec=1\n"
                     f"[Smtp]\nAllowAddress=127.0.0.1:{cls.fake.port}\n", cls.platform.url)

    LOGINS = {"password": {}, "login": {"auth": "login"}, "bearer": {}}
    PLAYS = {
        "sent": {},
        "refused": {"AUTH": b"535 5.7.8 no\r\n"},
        "told back": {"AUTH": lambda given: b"535 what is " + b" ".join(given) + b"?\r\n"},
        "closed": {"AUTH": CLOSE},
        "hangs": {"AUTH": HANG},
        "lost": {"message": CLOSE},
    }

    def test_each_way_that_it_ends(self):
        for login, more in self.LOGINS.items():
            for name, play in self.PLAYS.items():
                with self.subTest(name, login=login):
                    self.fake.reset(**play)
                    secret = self.secret(login)
                    member = "access_token" if login == "bearer" else "password"
                    where = {"platform": "smtp"}
                    self.other.result({"op": "auth_token", **where, "credential": {
                        "host": "127.0.0.1", "port": self.fake.port, "security": "tls",
                        "username": "ada@mail.test", member: secret, **more}})
                    payload = {"to": "grace@mail.test", "subject": "s", "body": "b"}
                    request = {**where, "action_type": "send_email", "payload": payload}
                    if name == "sent":  # at least if the machine lets it, in the time there is
                        until(lambda r=request: self.other.call(r)["status"],
                              lambda status: status == "success")
                    else:
                        self.assertEqual(self.other.call(request)["status"], "error")
                    self.assert_gone(secret)


del Actions, Remote, Silence, Ways  # which are none without a way to the platform, or a vault
