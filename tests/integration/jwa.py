# SPDX-License-Identifier: MIT
"""ECDSA on P-256 and RSA by hand (FIPS 186, RFC 8017), so that wrong signatures can be made as well.

Slow, and for tests alone: nothing here hides how long it takes.
"""

import hashlib
import json
import os
import secrets

from jws import b64url

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(a, b):
    """The sum of two points; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(k, point):
    result = None
    while k:
        if k & 1:
            result = add(result, point)
        point = add(point, point)
        k >>= 1
    return result


def digest(data):
    return hashlib.sha256(data).digest()


def raw(r, s):
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def der(r, s):
    def integer(n):
        octets = n.to_bytes(n.bit_length() // 8 + 1, "big")
        return bytes([2, len(octets)]) + octets

    body = integer(r) + integer(s)
    return bytes([0x30, len(body)]) + body


class _Key:
    def install(self, directory, **more):
        """Puts the public half where the engine looks, all at once. Returns the path."""
        path = os.path.join(directory, self.kid + ".jwk")
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump({**self.jwk(), **more}, file)
        os.rename(path + ".tmp", path)
        return path


class EcKey(_Key):
    alg = "ES256"

    def __init__(self, kid):
        self.kid = kid
        self.d = secrets.randbelow(N - 1) + 1
        self.point = multiply(self.d, G)

    def pair(self, data):
        while True:
            k = secrets.randbelow(N - 1) + 1
            r = multiply(k, G)[0] % N
            s = pow(k, -1, N) * (int.from_bytes(digest(data), "big") + r * self.d) % N
            if r and s:
                return r, s

    def sign(self, data):
        return raw(*self.pair(data))

    def jwk(self):
        x, y = (b64url(n.to_bytes(32, "big")) for n in self.point)
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "x": x, "y": y}

    def private_jwk(self):
        return {**self.jwk(), "d": b64url(self.d.to_bytes(32, "big"))}


def is_prime(n):
    if any(n % p == 0 for p in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61)):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        x = pow(secrets.randbelow(n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(bits, e):
    while True:
        n = secrets.randbits(bits) | 3 << bits - 2 | 1
        if n % e != 1 and is_prime(n):
            return n


# DigestInfo of SHA-256, RFC 8017 section 9.2.
INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class RsaKey(_Key):
    alg = "RS256"

    def __init__(self, kid, bits=2048, e=65537):
        self.kid = kid
        self.e = e
        p, q = prime(bits // 2, e), prime(bits // 2, e)
        self.n, self.size = p * q, bits // 8
        self.d = pow(e, -1, (p - 1) * (q - 1))

    def power(self, block):
        """The private operation on a block as it stands."""
        return pow(int.from_bytes(block, "big"), self.d, self.n).to_bytes(self.size, "big")

    def block(self, data, kind=1, info=INFO, fill=0xFF, behind=b""):
        tail = b"\0" + info + digest(data) + behind
        return bytes([0, kind]) + bytes([fill]) * (self.size - 2 - len(tail)) + tail

    def sign(self, data):
        return self.power(self.block(data))

    def jwk(self):
        n, e = (b64url(i.to_bytes((i.bit_length() + 7) // 8, "big")) for i in (self.n, self.e))
        return {"kty": "RSA", "kid": self.kid, "n": n, "e": e}

    def private_jwk(self):
        return {**self.jwk(), "d": b64url(self.d.to_bytes(self.size, "big"))}
