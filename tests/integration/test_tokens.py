# SPDX-License-Identifier: MIT
"""Who may call: tokens made by hand, wrong in every way, and peers of another uid."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import jwa
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

    def test_c1_algorithms(self):
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

    def test_c2_c3_headers(self):
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

    def test_c4_c5_signatures_and_shapes(self):
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
            "1 MiB": "e30." + "A" * (1 << 20) + "." + signature,
        }
        self.check(cases, "token_invalid")
        self.assertEqual(self.verdict(good), "ok")

    def test_c4_json_forms(self):
        """RFC 7515 §7.2: rightly signed, as text and as the object itself."""
        good = jws.token(key)
        protected, payload, signature = good.split(".")
        one = {"protected": protected, "signature": signature}
        plain = {"header": jws.header(key), **one}
        forms = {
            "flattened": {"payload": payload, **one},
            "flattened, with a header": {"payload": payload, **plain},
            "general": {"payload": payload, "signatures": [one]},
            "general, with a header": {"payload": payload, "signatures": [plain]},
            "general, with several": {"payload": payload, "signatures": [one, plain]},
            "general, with none": {"payload": payload, "signatures": []},
            "both": {"payload": payload, "signatures": [one], **one},
            "of a compact one": {"payload": payload, "signatures": [good]},
            "claims as they are": {"payload": jws.claims(), "signatures": [one]},
            "with two dots": {"payload": payload, "header": {".": "."}, **one},
            "around a compact one": [good],
        }
        ping = {"op": "ping"}
        for name, form in forms.items():
            text = json.dumps(form)
            for token, code in ((text, "token_invalid"), (jws.b64url(text.encode()), "token_invalid"),
                                (form, "invalid_request")):
                with self.subTest(name, token=type(token).__name__):
                    self.assertEqual(self.c.code({"op": "authenticate", "token": token}), code)
                    self.assertEqual(self.c.code({"op": "list_actions", "token": token}), code)
                    self.assertEqual(self.c.code(email("c4@example.com", token=token)), code)
                    self.assertEqual(self.c.call(ping)["status"], "success")
        self.assertEqual(upstream.to("c4@example.com"), [])
        self.assertEqual(self.verdict(good), "ok")

    def test_c6_claims(self):
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
        self.assertEqual(self.verdict(jws.compact(key, jws.header(key), [])), "token_invalid")

    def test_c6_numbers_that_json_allows(self):
        """As text, since a printer would make something tamer of them."""
        body = json.dumps(jws.claims(exp="EXP"))
        for text in ("1e400", "-1e400", "1e300", "-1", "1.5", "1e-1", "253402300800",
                     "9" * 400, "18446744073709551617", "0x7fffffff", "+1", "NaN", "Infinity",
                     "1_000", "01"):
            with self.subTest(text):
                token = jws.compact(key, jws.header(key), body.replace('"EXP"', text).encode())
                self.assertEqual(self.verdict(token), "token_invalid")
        for text in "0", "-0", "1", "1e3", "0.0":
            with self.subTest(text):
                token = jws.compact(key, jws.header(key), body.replace('"EXP"', text).encode())
                self.assertEqual(self.verdict(token), "token_expired")

    def test_c9_a_claim_twice(self):
        """Whether both say the same or not, and however the name is written."""
        claims = jws.claims(jti="j", users=["u2"], nbf=0)
        for name, value in claims.items():
            for again in name, f"\\u{ord(name[0]):04x}{name[1:]}":
                with self.subTest(again):
                    body = f'{json.dumps(claims)[:-1]},"{again}":{json.dumps(value)}}}'
                    token = jws.compact(key, jws.header(key), body.encode())
                    self.assertEqual(self.verdict(token), "token_invalid")
        body = json.dumps(jws.claims())[:-1].encode() + b',"sub":"u2"}'
        self.assertEqual(self.verdict(jws.compact(key, jws.header(key), body)), "token_invalid")

    def test_c10_a_token_for_somebody_else(self):
        """The right key, a good signature, not for us: as a service that got one might pass it on."""
        for aud in "vault", "https://action-engine", "action-engine/", ["a", "b"], "*", None:
            with self.subTest(aud):
                self.assertEqual(self.verdict(jws.token(key, aud=aud)), "token_invalid")

    def test_c12_no_oracle(self):
        """Whichever bit of a signature is wrong, the answer is the same to the byte."""
        token = jws.token(key)
        start = token.rindex(".") + 1
        answers = set()
        for at in range(start, len(token) - 1):
            answer = self.c.call({"op": "authenticate", "token": flip(token, at)})["error"]
            answers.add((answer["code"], answer["message"]))
        self.assertEqual(len(answers), 1, answers)

    def test_c4_huge_tokens(self):
        """8192 bytes are the limit, and what is beyond costs nothing."""
        def padded(size):
            return jws.token(key, pad="x" * size)

        fits = max(n for n in range(5000, 6500) if len(padded(n)) <= 8192)
        self.assertEqual(self.verdict(padded(fits)), "ok")
        self.assertEqual(self.verdict(padded(fits + 1)), "token_invalid")
        self.assertEqual(self.verdict(jws.token(key, pad="x" * (4 << 20))), "token_invalid")

    def test_c6_expired(self):
        now = int(time.time())
        for age in 60, 10**6, now - 1:
            with self.subTest(age):
                token = jws.token(key, iat=max(0, now - age - 60), exp=now - age)
                self.assertEqual(self.verdict(token), "token_expired")

    def test_c11_a_connection_ends_with_its_token(self):
        def authenticate():
            """With one that is good for two seconds more at most, within the skew."""
            token = jws.token(key, exp=int(time.time()) - 3)
            return self.c.call({"op": "authenticate", "token": token})

        until(authenticate, lambda r: r["status"] == "success")
        last = until(lambda: self.c.call({"op": "health"}), lambda r: r["status"] == "error")
        self.assertEqual(last["error"]["code"], "token_expired")
        self.assertEqual(self.c.call({"op": "ping"})["status"], "success")


class Keys(Case):
    def test_c11_a_removed_key_ends_what_it_proved(self):
        removed = stack.key("removed")
        token = jws.token(removed)
        self.c.result({"op": "authenticate", "token": token})
        self.c.result({"op": "health"})
        (stack.keys / "removed.jwk").unlink()
        last = until(lambda: self.c.call({"op": "health"}), lambda r: r["status"] == "error")
        self.assertEqual(last["error"]["code"], "token_invalid")
        self.assertEqual(self.verdict(token), "token_invalid")

    def test_c11_a_replaced_key_ends_what_it_proved(self):
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

    def test_j2_a_key_file_that_breaks_keeps_its_key(self):
        spoilt = stack.key("spoilt")
        path = stack.keys / "spoilt.jwk"
        good = path.read_text(encoding="utf-8")
        with stack.connect(jws.token(spoilt)) as connection:
            for n, text in enumerate(("", "{", good[:-20], '{"kty":"oct","k":"AAAA"}')):
                path.write_text(text, encoding="utf-8")
                stack.key(f"after-spoilt-{n}")
                connection.result({"op": "health"})
                self.assertEqual(self.verdict(jws.token(spoilt)), "ok")
            told = until(lambda: [e for e in stack.entries()
                                  if "spoilt.jwk is not used" in e.get("MESSAGE", "")], bool)
            self.assertIn("stays good", told[-1]["MESSAGE"])
            self.assertEqual(told[-1]["PRIORITY"], "3")
            path.unlink()
            until(lambda: connection.call({"op": "health"})["status"], lambda s: s == "error")
            self.assertEqual(self.verdict(jws.token(spoilt)), "token_invalid")

    def test_c5_small_order_key_is_refused(self):
        low = {"kty": "OKP", "crv": "Ed25519", "kid": "low", "x": jws.b64url(bytes([1] + [0] * 31))}
        (stack.keys / "low.jwk").write_text(json.dumps(low), encoding="utf-8")
        stack.key("after-low")
        head = jws.b64url(b'{"alg":"EdDSA","kid":"low"}')
        body = jws.b64url(json.dumps(jws.claims()).encode())
        signature = jws.b64url(bytes([1] + [0] * 63))
        self.assertEqual(self.verdict(f"{head}.{body}.{signature}"), "token_invalid")


class Others(Case):
    """Issuers that sign with ES256 and RS256, with single keys and with sets."""

    @classmethod
    def setUpClass(cls):
        cls.ec = jwa.EcKey("ec")
        cls.rsa = jwa.RsaKey("rsa")

    def setUp(self):
        super().setUp()
        for path in *stack.keys.glob("*.jwks"), stack.keys / "ec.jwk", stack.keys / "rsa.jwk":
            path.unlink(missing_ok=True)

    def install(self, *keys):
        for k in keys:
            k.install(stack.keys)
        self.settle()

    def install_set(self, *keys, name="issuer", **more):
        path = stack.keys / f"{name}.jwks"
        path.with_suffix(".tmp").write_text(json.dumps({"keys": keys, **more}), encoding="utf-8")
        path.with_suffix(".tmp").rename(path)
        self.settle()

    def settle(self):
        """What changed before is known when this new key is; the first may be read by who began to
        read before that."""
        for _ in range(2):
            stack.key("settled")

    def told(self, *words):
        """Waits for a line of the log with all of these."""
        until(lambda: [line for line in stack.log("engine").splitlines()
                       if all(word in line for word in words)], bool)

    def test_good_ones(self):
        self.install(self.ec, self.rsa)
        for _ in range(20):
            self.check({k.alg: jws.token(k) for k in (self.ec, self.rsa)}, "ok")

    def test_c1_algorithms_crossed(self):
        """What the header says, the key it names and the key that signs: all must agree."""
        self.install(self.ec, self.rsa)
        keys = key, self.ec, self.rsa
        for claimed in keys:
            for named in keys:
                for signing in keys:
                    head = {"alg": claimed.alg, "kid": named.kid}
                    token = jws.compact(signing, head, jws.claims())
                    good = claimed is named is signing
                    with self.subTest(claimed=claimed.alg, named=named.kid, signing=signing.kid):
                        self.assertEqual(self.verdict(token), "ok" if good else "token_invalid")

    def test_c1_public_keys_as_secrets(self):
        self.install(self.ec, self.rsa)
        for k in self.ec, self.rsa:
            public = json.dumps(k.jwk()).encode()
            for secret in public, k.jwk().get("n", "").encode(), k.jwk().get("x", "").encode():
                mac = lambda data, s=secret: hmac.new(s, data, hashlib.sha256).digest()  # noqa: E731
                head = {"alg": "HS256", "kid": k.kid}
                text = ".".join(jws.b64url(json.dumps(x).encode()) for x in (head, jws.claims()))
                token = text + "." + jws.b64url(mac(text.encode()))
                self.assertEqual(self.verdict(token), "token_invalid")
                self.assertEqual(self.verdict(jws.signed(k, mac)), "token_invalid")

    def test_c5_ecdsa(self):
        self.install(self.ec)
        pair, n = self.ec.pair, jwa.N

        def changed(change):
            return jws.signed(self.ec, lambda data: change(*pair(data)))

        self.check(
            {
                "plain": changed(jwa.raw),
                "the other form, n - s": changed(lambda r, s: jwa.raw(r, n - s)),
            },
            "ok",
        )
        edges = {"0": 0, "1": 1, "n - 1": n - 1, "n": n, "n + 1": n + 1, "p": jwa.P,
                 "2^256 - 1": 2**256 - 1}
        cases = {
            "DER": changed(jwa.der),
            "DER, padded to 64": changed(lambda r, s: jwa.der(r, s)[:64]),
            "s before r": changed(lambda r, s: jwa.raw(s, r)),
            "-r": changed(lambda r, s: jwa.raw(n - r, s)),
            "63 bytes": changed(lambda r, s: jwa.raw(r, s)[:-1]),
            "without the first byte": changed(lambda r, s: jwa.raw(r, s)[1:]),
            "65 bytes": changed(lambda r, s: jwa.raw(r, s) + b"\0"),
            "a zero in front": changed(lambda r, s: b"\0" + jwa.raw(r, s)),
            "66 bytes, a zero before each": changed(
                lambda r, s: r.to_bytes(33, "big") + s.to_bytes(33, "big")),
            "little endian": changed(
                lambda r, s: r.to_bytes(32, "little") + s.to_bytes(32, "little")),
            "half": changed(lambda r, s: jwa.raw(r, s)[:32]),
            "twice": changed(lambda r, s: 2 * jwa.raw(r, s)),
            "empty": changed(lambda r, s: b""),
            "of a text that is not hashed": jws.signed(
                self.ec, lambda data: self.ec.sign(jwa.digest(data))),
        }
        for one, a in edges.items():
            cases[f"r is {one}"] = changed(lambda r, s, a=a: jwa.raw(a, s))
            cases[f"s is {one}"] = changed(lambda r, s, a=a: jwa.raw(r, a))
            for other, b in edges.items():
                cases[f"r is {one}, s is {other}"] = changed(lambda r, s, a=a, b=b: jwa.raw(a, b))
        self.check(cases, "token_invalid")

    def test_c5_rsa(self):
        self.install(self.rsa)
        k, size = self.rsa, self.rsa.size

        def block(**options):
            return jws.signed(k, lambda data: k.power(k.block(data, **options)))

        def number(n):
            return jws.signed(k, lambda data: n.to_bytes(size, "big"))

        def text(change):
            return jws.signed(k, lambda data: change(k.sign(data)))

        without_null = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20"
        self.check({"plain": block()}, "ok")
        self.check(
            {
                "type 2": block(kind=2),
                "type 0": block(kind=0, fill=0),
                "other padding": block(fill=0xFE),
                "no DigestInfo": block(info=b""),
                "without NULL": block(info=without_null),
                "SHA-1's name": block(info=bytes.fromhex("3021300906052b0e03021a05000414")),
                "SHA-512's name": block(info=jwa.INFO[:14] + b"\3" + jwa.INFO[15:]),
                "something behind": block(behind=b"\0"),
                "little padding": block(behind=bytes(size - 3 - 51 - 8)),
                "0": number(0),
                "1": number(1),
                "n": number(k.n),
                "n - 1": number(k.n - 1),
                "the largest": number(256**size - 1),
                "short": text(lambda s: s[:-1]),
                "without the first byte": text(lambda s: s[1:]),
                "a zero behind": text(lambda s: s + b"\0"),
                "a zero in front": text(lambda s: b"\0" + s),
                "empty": text(lambda s: b""),
                "1025 bytes": text(lambda s: s.rjust(1025, b"\0")),
                "not signed at all": jws.signed(k, k.block),
            },
            "token_invalid",
        )

    def test_keys_that_are_refused(self):
        """Each with a line that says why; what it signs is worth nothing."""
        weak = jwa.RsaKey("rsa", bits=1024)
        one = {**self.rsa.jwk(), "e": "AQ"}
        cases = [
            ("private", self.ec, self.ec.private_jwk()),
            ("private", self.rsa, self.rsa.private_jwk()),
            ("1024 bits", weak, weak.jwk()),
            ("odd number from 3", self.rsa, one),
            ("'alg'", self.rsa, {**self.rsa.jwk(), "alg": "RS512"}),
            ("'alg'", self.rsa, {**self.rsa.jwk(), "alg": "PS256"}),
            ("'alg'", self.ec, {**self.ec.jwk(), "alg": "ES384"}),
            ("'use'", self.rsa, {**self.rsa.jwk(), "use": "enc"}),
            ("curve", self.ec, {**self.ec.jwk(), "y": self.ec.jwk()["x"]}),
            ("type", self.ec, {**self.ec.jwk(), "crv": "secp256k1"}),
        ]
        for why, k, text in cases:
            with self.subTest(why=why, kid=k.kid):
                (stack.keys / f"{k.kid}.jwk").write_text(json.dumps(text), encoding="utf-8")
                self.settle()
                self.told(f"{k.kid}.jwk is not used", why)
                self.assertEqual(self.verdict(jws.token(k)), "token_invalid")
        # With e = 1 the signature is the block itself, and anybody can write that.
        (stack.keys / "rsa.jwk").write_text(json.dumps(one), encoding="utf-8")
        self.settle()
        self.assertEqual(self.verdict(jws.signed(self.rsa, self.rsa.block)), "token_invalid")
        self.assertNotIn(self.ec.private_jwk()["d"], stack.log("engine"))

    def test_a_set_binds_its_issuer(self):
        self.install_set(self.ec.jwk(), self.rsa.jwk(), iss="https://issuer.example")
        ours = {"iss": "https://issuer.example"}
        self.check({k.alg: jws.token(k, **ours) for k in (self.ec, self.rsa)}, "ok")
        self.check({k.alg: jws.token(k) for k in (self.ec, self.rsa)}, "token_invalid")

    def test_a_set_may_hold_what_is_for_others(self):
        others = [
            {**self.rsa.jwk(), "kid": "enc", "use": "enc"},
            {**self.rsa.jwk(), "kid": "ps", "alg": "PS256"},
            {"kty": "EC", "crv": "P-521", "kid": "p521", "x": "AA", "y": "AA"},
            {"kty": "oct", "kid": "oct", "k": "AAAA"},
            {**self.ec.jwk(), "kid": None},
            self.ec.private_jwk() | {"kid": "leak"},
            "key",
        ]
        self.install_set(*others, self.ec.jwk())
        self.assertEqual(self.verdict(jws.token(self.ec)), "ok")
        for kid in "enc", "ps", "p521", "oct", "leak":
            self.told("issuer.jwks is not used in full", f"'{kid}'")
        self.assertNotIn(self.ec.private_jwk()["d"], stack.log("engine"))

    def test_c2_a_kid_cannot_be_taken_over(self):
        """A set that names another's key: the file whose name comes first has it."""
        thief = jwa.EcKey("tests")
        self.install_set(thief.jwk(), name="zzz")
        self.told("zzz.jwks", "'tests' already")
        self.assertEqual(self.verdict(jws.token(thief)), "token_invalid")
        self.assertEqual(self.verdict(jws.token(key)), "ok")

    def test_c2_broken_sets_harm_nobody(self):
        many = {"keys": [{**self.ec.jwk(), "kid": f"k{i}"} for i in range(65)]}
        for text in ("", "{", "[]", "{}", '{"keys":{}}', json.dumps(many), "x" * (1 << 20),
                     '{"keys":' + "[" * 100000, '{"keys":[],"keys":[]}'):
            (stack.keys / "issuer.jwks").write_text(text, encoding="utf-8")
            self.settle()
            self.assertEqual(self.verdict(jws.token(key)), "ok")

    def test_c11_rotation(self):
        """Old and new side by side, then the old one goes, and with it what it proved."""
        new = jwa.RsaKey("rsa-2")
        self.install_set(self.rsa.jwk())
        with stack.connect(jws.token(self.rsa)) as old_connection:
            self.install_set(self.rsa.jwk(), new.jwk())
            with stack.connect(jws.token(new)) as new_connection:
                self.assertEqual(self.verdict(jws.token(self.rsa)), "ok")
                old_connection.result({"op": "health"})
                new_connection.result({"op": "health"})

                self.install_set(new.jwk())
                self.assertEqual(old_connection.code({"op": "health"}), "token_invalid")
                new_connection.result({"op": "health"})
        self.assertEqual(self.verdict(jws.token(self.rsa)), "token_invalid")
        self.assertEqual(self.verdict(jws.token(new)), "ok")


class Revoked(Case):
    def revoke(self, *arguments, **options):
        return stack.actionctl("token", "revoke", "--file", stack.dir / "revoked", *arguments,
                               **options)

    def until_revoked(self, connection):
        last = until(lambda: connection.call({"op": "health"}), lambda r: r["status"] == "error")
        self.assertEqual(last["error"]["code"], "token_invalid")
        self.assertIn("revoked", last["error"]["message"])

    def test_c11_by_jti(self):
        token, other = jws.token(key, jti="to be revoked"), jws.token(key, jti="to be")
        self.c.result({"op": "authenticate", "token": token})
        with stack.connect(other) as beside, stack.connect(jws.token(key)) as nameless:
            self.revoke("to be revoked")
            self.until_revoked(self.c)
            self.assertEqual(self.verdict(token), "token_invalid")
            self.assertGreater(beside.result({"op": "health"})["revoked_tokens"], 0)
            nameless.result({"op": "health"})
        self.assertEqual(self.verdict(jws.token(key, jti="to be revoked", sub="u2")),
                         "token_invalid")

    def test_c11_what_actionctl_made(self):
        made = json.loads(stack.actionctl("token", "create", "--key", stack.dir / "signing.jwk",
                                          "--user", "u1", "--scope", "*", "--json").stdout)
        file = stack.dir / "made"
        file.write_text(made["token"], encoding="ascii")
        with stack.connect(made["token"]) as connection:
            said = json.loads(self.revoke("--token-file", file, "--json").stdout)
            self.assertEqual((said["jti"], said["added"]), (made["jti"], True))
            self.until_revoked(connection)
        self.assertIn(f"{made['jti']} {made['expires_at']}\n",
                      (stack.dir / "revoked").read_text(encoding="utf-8"))
        inspected = json.loads(stack.actionctl("token", "inspect", file, "--json").stdout)
        self.assertEqual(inspected["claims"]["jti"], made["jti"])
        again = json.loads(self.revoke(made["jti"], "--json").stdout)
        self.assertEqual(again["added"], True)  # for good now

    def test_c11_what_waits_does_not_leave(self):
        """The vault is slow; meanwhile the token is revoked."""
        token = jws.token(key, jti="waiting")
        self.c.result({"op": "authenticate", "token": token})
        vault = stack.pid("vault")
        os.kill(vault, signal.SIGSTOP)
        try:
            waiting = self.c.start(email("revoked@example.com"))
            with stack.connect(token) as other:
                self.revoke("waiting")
                self.until_revoked(other)
        finally:
            os.kill(vault, signal.SIGCONT)
        answer = self.c.finish(waiting)
        self.assertEqual(answer["error"]["code"], "token_invalid", answer)
        self.assertEqual(upstream.to("revoked@example.com"), [])

    def test_j2_a_broken_list_keeps_the_old_one(self):
        path = stack.dir / "revoked"
        self.revoke("before")
        until(lambda: self.c.call({"op": "authenticate", "token": jws.token(key, jti="before")}),
              lambda r: r["status"] == "error")
        before = path.read_text(encoding="utf-8")
        with stack.connect(jws.token(key, jti="later")) as connection:
            broken = path.with_suffix(".tmp")
            broken.write_text(before + "two words\n", encoding="utf-8")
            broken.rename(path)
            until(lambda: [e for e in stack.entries()
                           if "stay revoked" in e.get("MESSAGE", "")], bool)
            entry = [e for e in stack.entries() if "stay revoked" in e.get("MESSAGE", "")][-1]
            self.assertEqual(entry["PRIORITY"], "3")
            self.assertEqual(self.verdict(jws.token(key, jti="before")), "token_invalid")
            refused = self.revoke("later", check=False)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("line", refused.stderr)
            connection.result({"op": "health"})
            path.write_text(before, encoding="utf-8")
            self.revoke("later")
            self.until_revoked(connection)

    def test_arguments(self):
        for arguments in ((), ("a", "b"), ("a", "--token-file", "/dev/null"), ("",),
                          ("x" * 129,), ("a\nb",), ("--token-file", "/dev/null")):
            with self.subTest(arguments):
                self.assertEqual(self.revoke(*arguments, check=False).returncode, 2)
        nameless = stack.dir / "nameless"
        nameless.write_text(jws.token(key), encoding="ascii")
        done = self.revoke("--token-file", nameless, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("jti", done.stderr)


class Refused(unittest.TestCase):
    """Who knocks stands in the journal: with a stack of its own, since ten a minute are told."""

    MESSAGE_ID = "28a837db33b98f88d1a472cc9ee5730d"

    def entries(self, own):
        return [e for e in own.entries() if e.get("MESSAGE_ID") == self.MESSAGE_ID]

    def test_they_are_told_and_bounded(self):
        with Stack() as own, own.connect("") as c:
            stranger = jws.token(jws.Key("stack"), sub="canary-of-the-token")
            answer = c.call({"op": "authenticate", "token": stranger})
            entry = until(lambda: self.entries(own), bool)[0]
            self.assertEqual(entry["ACTION_TOKEN_KID"], "stack")
            self.assertEqual(entry["ACTION_ERROR_CODE"], "token_invalid")
            self.assertEqual(entry["ACTION_PEER_UID"], str(os.getuid()))
            self.assertEqual(entry["ACTION_PEER_PID"], str(os.getpid()))
            self.assertEqual(entry["ACTION_REQUEST_ID"], answer["request_id"])
            self.assertIn(answer["error"]["message"], entry["MESSAGE"])

            for _ in range(500):
                c.error({"op": "health", "token": stranger})
            c.error({"op": "health", "token": "a"})
            c.result({"op": "authenticate", "token": own.token})
            own.kill("engine")  # what was to be written is
            self.assertIn(len(self.entries(own)), range(2, 21))  # ten, or of two minutes
            log = own.log("engine")
            for part in stranger.split("."):
                self.assertNotIn(part, log)
            self.assertNotIn("canary-of-the-token", log)


class Rights(Case):
    def call(self, request, **claims):
        return self.c.call({**request, "token": jws.token(key, **claims)})

    def test_c8_scopes(self):
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

    def test_c8_users(self):
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

    def test_c7_a_stolen_token_is_worth_nothing(self):
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
