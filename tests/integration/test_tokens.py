# SPDX-License-Identifier: MIT
"""Who may call: tokens made by hand, wrong in every way, and peers of another uid."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import jws
from engine import Stack, email, until
from upstream import Upstream

CONFIG = """
[Tokens]
ClockSkewSec=5
"""

OTHER_UID = 54321

upstream = stack = key = None


def setUpModule():
    global upstream, stack, key
    upstream = unittest.enterModuleContext(Upstream())
    stack = unittest.enterModuleContext(Stack(CONFIG, upstream.url))
    key = stack.key("tests")


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect(""))

    def verdict(self, token):
        """`ok`, or the code. Both ways in must agree."""
        first = self.c.call({"op": "authenticate", "token": token})
        second = self.c.call({"op": "health", "token": token})
        codes = [r["error"]["code"] if r["status"] == "error" else "ok" for r in (first, second)]
        self.assertEqual(codes[0], codes[1], (first, second))
        return codes[0]

    def check(self, cases, expected):
        for name, token in cases.items():
            with self.subTest(name):
                self.assertEqual(self.verdict(token), expected)


def flip(text, at):
    """The token with one bit of one character's value changed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:at] + alphabet[alphabet.index(text[at]) ^ 32] + text[at + 1 :]


class Tokens(Case):
    def test_good_ones(self):
        now = int(time.time())
        self.check(
            {
                "plain": jws.token(key),
                "no cnf": jws.token(key, cnf=None),
                "audiences": jws.token(key, aud=["x", "action-engine"]),
                "jti": jws.token(key, jti="a-1"),
                "nbf": jws.token(key, nbf=now - 10),
                "typ": jws.compact(key, jws.header(key, typ="JWT"), jws.claims()),
                "claims of others": jws.token(key, **{"https://example.com/x": {"y": [1]}}),
                "within the skew": jws.token(key, iat=now + 2, nbf=now + 2),
            },
            "ok",
        )

    def test_algorithms(self):
        def other(**head):
            return jws.compact(key, {"kid": key.kid, **head}, jws.claims())

        signed = ".".join(jws.b64url(json.dumps(x).encode())
                          for x in ({"alg": "HS256", "kid": key.kid}, jws.claims()))
        mac = hmac.new(key.public, signed.encode(), hashlib.sha256).digest()
        unsigned = ".".join(jws.b64url(json.dumps(x).encode())
                            for x in ({"alg": "none", "kid": key.kid}, jws.claims()))
        self.check(
            {
                "none": unsigned + ".",
                "none, signed": other(alg="none"),
                "None": other(alg="None"),
                "HS256 keyed with the public key": signed + "." + jws.b64url(mac),
                "HS256, signed with Ed25519": other(alg="HS256"),
                "RS256": other(alg="RS256"),
                "ES256": other(alg="ES256"),
                "lower case": other(alg="eddsa"),
                "empty": other(alg=""),
                "absent": other(),
                "array": other(alg=["EdDSA"]),
            },
            "token_invalid",
        )

    def test_headers(self):
        def with_head(**head):
            return jws.compact(key, jws.header(key, **head), jws.claims())

        stranger = jws.Key("stranger")
        self.check(
            {
                "no kid": with_head(kid=None),
                "unknown kid": with_head(kid="unknown"),
                "empty kid": with_head(kid=""),
                "number as kid": with_head(kid=1),
                "path": with_head(kid="../keys.d/tests"),
                "absolute path": with_head(kid=str(stack.keys / "tests")),
                "suffix": with_head(kid="tests.jwk"),
                "SQL": with_head(kid="' OR 1=1 --"),
                "NUL": with_head(kid="tests\0"),
                "1 MiB": with_head(kid="x" * (1 << 20)),
                "URL": with_head(kid=upstream.url),
                "crit": with_head(crit=["exp"]),
                "crit unknown": with_head(crit=["x"], x=1),
                "b64": with_head(b64=False, crit=["b64"]),
                "jwk of the sender": jws.compact(
                    stranger, jws.header(key, jwk=stranger.jwk()), jws.claims()
                ),
                "jku": jws.compact(
                    stranger, jws.header(stranger, jku=upstream.url), jws.claims()
                ),
                "x5u": jws.compact(stranger, jws.header(stranger, x5u=upstream.url), jws.claims()),
                "no object": jws.compact(key, [], jws.claims()),
                "not JSON": jws.compact(key, b"{", jws.claims()),
                "alg twice": jws.compact(
                    key, b'{"alg":"EdDSA","alg":"EdDSA","kid":"tests"}', jws.claims()
                ),
            },
            "token_invalid",
        )
        self.assertEqual([r for r in upstream.requests if r.method == "GET"], [])

    def test_signatures_and_shapes(self):
        good = jws.token(key)
        head, body, signature = good.split(".")
        order = 2**252 + 27742317777372353535851937790883648493
        raw = jws.b64url_decode(signature)
        scalar = (int.from_bytes(raw[32:], "little") + order).to_bytes(33, "little")
        changed = jws.b64url(json.dumps(jws.claims(sub="u2")).encode())
        last = signature[:-1] + chr(ord(signature[-1]) + 1)  # its unused bits are not zero
        stranger = jws.compact(jws.Key("x"), jws.header(key), jws.claims())
        cases = {
            "another key's": stranger,
            "changed payload": ".".join((head, changed, signature)),
            "bit of the header": flip(good, 3),
            "bit of the payload": flip(good, len(head) + 9),
            "bit of the signature": flip(good, len(good) - 20),
            "all zero": ".".join((head, body, jws.b64url(bytes(64)))),
            "truncated": ".".join((head, body, jws.b64url(raw[:-1]))),
            "extended": ".".join((head, body, jws.b64url(raw + b"\0"))),
            "S + L": ".".join((head, body, jws.b64url(raw[:32] + scalar[:32]))),
            "no signature": ".".join((head, body, "")),
            "two parts": ".".join((head, body)),
            "four parts": good + ".",
            "five parts": good + ".a.b",
            "empty": "",
            "dots": "..",
            "padding": good + "==",
            "white space": " " + good,
            "line break within": head + ".\n" + body + "." + signature,
            "other alphabet": base64.b64encode(b'{"alg":"EdDSA","kid":"??>>"}').decode() + ".e30.A",
            "loose last bits": ".".join((head, body, last)),
            "JSON serialisation": json.dumps(
                {"payload": body, "protected": head, "signature": signature}
            ),
            "1 MiB": "e30." + "A" * (1 << 20) + "." + signature,
        }
        self.check(cases, "token_invalid")
        self.assertEqual(self.verdict(good), "ok")

    def test_claims(self):
        now = int(time.time())
        wrong = {
            "exp": [None, "x", str(now + 60), now + 0.5, 1e300, True, [now + 60]],
            "iat": [None, "x", now + 3600, now + 0.5, []],
            "nbf": ["x", now + 3600, now + 0.5, {}],
            "aud": [None, "", "other", "Action-Engine", "action-engine ", [], ["x"], 1, {}],
            "sub": [None, "", 1, [], {}],
            "iss": [None, 1, []],
            "scope": [1, ["*"], {}],
            "users": ["*", 1, [1], {}],
            "cnf": [{"uid": os.getuid() + 1}, {"uid": str(os.getuid())}, {"uid": -1}, {}, [], "x"],
        }
        for claim, values in wrong.items():
            for value in values:
                with self.subTest(claim=claim, value=value):
                    token = jws.token(key, **{claim: value})
                    self.assertEqual(self.verdict(token), "token_invalid")
        body = json.dumps(jws.claims())[:-1].encode() + b',"sub":"u2"}'
        self.assertEqual(self.verdict(jws.compact(key, jws.header(key), body)), "token_invalid")
        self.assertEqual(self.verdict(jws.compact(key, jws.header(key), [])), "token_invalid")

    def test_expired(self):
        now = int(time.time())
        for age in 60, 10**6, now - 1:
            with self.subTest(age):
                token = jws.token(key, iat=max(0, now - age - 60), exp=now - age)
                self.assertEqual(self.verdict(token), "token_expired")

    def test_a_connection_ends_with_its_token(self):
        # Within the skew, so it is good now and for at most two seconds more.
        token = jws.token(key, exp=int(time.time()) - 3)
        self.c.result({"op": "authenticate", "token": token})
        last = until(lambda: self.c.call({"op": "health"}), lambda r: r["status"] == "error")
        self.assertEqual(last["error"]["code"], "token_expired")
        self.assertEqual(self.c.call({"op": "ping"})["status"], "success")


class Keys(Case):
    def test_a_removed_key_ends_what_it_proved(self):
        removed = stack.key("removed")
        token = jws.token(removed)
        self.c.result({"op": "authenticate", "token": token})
        self.c.result({"op": "health"})
        (stack.keys / "removed.jwk").unlink()
        last = until(lambda: self.c.call({"op": "health"}), lambda r: r["status"] == "error")
        self.assertEqual(last["error"]["code"], "token_invalid")
        self.assertEqual(self.verdict(token), "token_invalid")

    def test_a_replaced_key_ends_what_it_proved(self):
        first = stack.key("replaced")
        self.c.result({"op": "authenticate", "token": jws.token(first)})
        jws.Key("replaced").install(stack.keys)
        last = until(lambda: self.c.call({"op": "health"}), lambda r: r["status"] == "error")
        self.assertEqual(last["error"]["code"], "token_invalid")

    def test_a_broken_key_file_harms_nobody_else(self):
        for text in "", "{", "[]", '{"kty":"oct","k":"AAAA"}', "x" * (1 << 20):
            (stack.keys / "broken.jwk").write_text(text, encoding="utf-8")
            stack.key("sign-of-life-" + str(len(text)))
            self.assertEqual(self.verdict(jws.token(key)), "ok")

    def test_small_order_key_is_refused(self):
        low = {"kty": "OKP", "crv": "Ed25519", "kid": "low", "x": jws.b64url(bytes([1] + [0] * 31))}
        (stack.keys / "low.jwk").write_text(json.dumps(low), encoding="utf-8")
        stack.key("after-low")
        head = jws.b64url(b'{"alg":"EdDSA","kid":"low"}')
        body = jws.b64url(json.dumps(jws.claims()).encode())
        signature = jws.b64url(bytes([1] + [0] * 63))
        self.assertEqual(self.verdict(f"{head}.{body}.{signature}"), "token_invalid")


class Rights(Case):
    def call(self, request, **claims):
        return self.c.call({**request, "token": jws.token(key, **claims)})

    def test_scopes(self):
        send = email(dry_run=True)
        connect = {"op": "auth_token", "platform": "gmail", "credential": {"access_token": "x"}}
        cases = [
            (send, "*", True),
            (send, "gmail:*", True),
            (send, "gmail:send_email", True),
            (send, "x:y gmail:send_email z:*", True),
            (send, None, False),
            (send, "", False),
            (send, "gmail", False),
            (send, "gmail:", False),
            (send, "gmailx:*", False),
            (send, "gmail:send", False),
            (send, "gmail:send_email2", False),
            (send, "Gmail:send_email", False),
            (send, "GMAIL:*", False),
            (send, "auth:gmail", False),
            (send, "*:*", False),
            (send, "**", False),
            (send, "gmail:*x", False),
            (connect, "auth:gmail", True),
            (connect, "auth:*", True),
            (connect, "gmail:*", False),
            (connect, "auth:notion", False),
        ]
        for request, scope, allowed in cases:
            with self.subTest(scope=scope, op=request.get("op")):
                if "credential" in request:
                    request = {**request, "account": "scopes"}
                response = self.call(request, scope=scope)
                if allowed:
                    self.assertEqual(response["status"], "success", response)
                else:
                    self.assertEqual(response["error"]["code"], "forbidden", response)
                    self.assertIn("scope", response["error"]["details"]["by"])

    def test_users(self):
        cases = [
            ("u1", None, True),
            ("u2", None, False),
            ("u2", [], False),
            ("u2", ["u3"], False),
            ("u2", ["u22", "U2", "u"], False),
            ("u2", ["u3", "u2"], True),
            ("u2", ["*"], True),
            ("*", ["u2"], False),
        ]
        for user, users, allowed in cases:
            with self.subTest(user=user, users=users):
                response = self.call(email(dry_run=True, user_id=user), users=users)
                code = response.get("error", {}).get("code", "ok")
                if allowed:
                    self.assertIn(code, ("ok", "not_connected"), response)
                else:
                    self.assertEqual(code, "forbidden", response)
                    self.assertIn("user", response["error"]["details"]["by"])

    def test_one_users_credential_is_not_anothers(self):
        token = jws.token(key, sub="stranger")
        self.assertEqual(self.c.code(email("theft@example.com", token=token)), "not_connected")
        self.assertEqual(upstream.to("theft@example.com"), [])


AS_OTHER = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
from engine import Connection
with Connection(sys.argv[2]) as c:
    for token in sys.stdin.read().split():
        r = c.call({"op": "authenticate", "token": token})
        print(r["error"]["code"] if r["status"] == "error" else r["result"]["peer"]["uid"])
"""


@unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
class OtherUid(Case):
    def as_other(self, *tokens):
        stack.dir.parent.chmod(0o711)
        stack.dir.chmod(0o711)
        stack.socket.chmod(0o666)
        # The checkout may be closed to that uid: it gets a copy of what it imports.
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            for name in "engine.py", "jws.py":
                source = pathlib.Path(__file__).with_name(name)
                target = pathlib.Path(folder, name)
                target.write_bytes(source.read_bytes())
                target.chmod(0o644)
            done = subprocess.run(
                ["/usr/bin/python3", "-c", AS_OTHER, folder, stack.socket, str(OTHER_UID)],
                input="\n".join(tokens),
                env={**os.environ, "AE_BUILD": "/"},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_a_stolen_token_is_worth_nothing(self):
        bound = jws.token(key)
        theirs = jws.token(key, cnf={"uid": OTHER_UID})
        free = jws.token(key, cnf=None)
        self.assertEqual(self.verdict(bound), "ok")  # so that it stands in every cache
        self.assertEqual(
            self.as_other(bound, stack.token, theirs, free, bound),
            ["token_invalid", "token_invalid", str(OTHER_UID), str(OTHER_UID), "token_invalid"],
        )
        self.assertEqual(self.verdict(theirs), "token_invalid")


class Tool(Case):
    def test_actionctl_makes_what_the_engine_takes(self):
        token = (stack.dir / "token").read_text(encoding="ascii").strip()
        self.assertEqual(self.verdict(token), "ok")
        body = json.loads(jws.b64url_decode(token.split(".")[1]))
        self.assertEqual(body["aud"], "action-engine")
        self.assertEqual(body["cnf"], {"uid": os.getuid()})

    def test_private_keys_are_private(self):
        self.assertEqual((stack.dir / "signing.jwk").stat().st_mode & 0o077, 0)
        self.assertNotIn('"d"', (stack.keys / "stack.jwk").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
