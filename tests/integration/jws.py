# SPDX-License-Identifier: MIT
"""Tokens made by hand (RFC 7515, RFC 8037), so that wrong ones can be made as well."""

import base64
import ctypes
import json
import os
import time

_sodium = ctypes.CDLL("libsodium.so.23")
if _sodium.sodium_init() < 0:
    raise RuntimeError("libsodium does not start")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    """An Ed25519 key pair with a name."""

    alg = "EdDSA"

    def __init__(self, kid, seed=None):
        self.kid = kid
        self._seed = seed or os.urandom(32)
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        _sodium.crypto_sign_seed_keypair(public, secret, self._seed)
        self.public, self._secret = public.raw, secret.raw

    def sign(self, data):
        signature = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_detached(
            signature, None, data, ctypes.c_ulonglong(len(data)), self._secret
        )
        return signature.raw

    def jwk(self):
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": b64url(self.public)}

    def install(self, directory):
        """Puts the public half where the engine looks, all at once. Returns the path."""
        path = os.path.join(directory, self.kid + ".jwk")
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump(self.jwk(), file)
        os.rename(path + ".tmp", path)
        return path


def claims(**changes):
    """What a good token says; None as a value takes a claim away."""
    now = int(time.time())
    base = {
        "iss": "tests",
        "aud": "action-engine",
        "sub": "u1",
        "iat": now,
        "exp": now + 600,
        "scope": "*",
        "cnf": {"uid": os.getuid()},
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not None}


def header(key, **changes):
    base = {"alg": key.alg, "kid": key.kid}
    return {k: v for k, v in {**base, **changes}.items() if v is not None}


def compact(key, head, body):
    """Signs whatever it is given; `head` and `body` may be text or a value."""
    parts = [x if isinstance(x, bytes) else json.dumps(x).encode() for x in (head, body)]
    signed = ".".join(b64url(x) for x in parts)
    return signed + "." + b64url(key.sign(signed.encode()))


def signed(key, signature, **changes):
    """A token of that key's with another signature: `signature(data)` makes it."""
    parts = (json.dumps(x).encode() for x in (header(key), claims(**changes)))
    text = ".".join(b64url(x) for x in parts)
    return text + "." + b64url(signature(text.encode()))


def token(key, **changes):
    return compact(key, header(key), claims(**changes))


def claims_of(text):
    """What a token says, believed."""
    return json.loads(b64url_decode(text.split(".")[1]))
