# SPDX-License-Identifier: MIT
"""H5: clocks that jump while the daemons run. What people and platforms see goes by the wall clock,
and what lasts does not: a deadline is none the shorter for a clock that is set.

The daemons' clocks are those of clocks.c, which reads how far they are off from a file; those of
clients, provider and platform are right.
"""

import contextlib
import mmap
import pathlib
import struct
import tempfile
import time
import unittest

import jws
from engine import BUILD, SEND_SCOPE, Stack, email
from oauth import Provider
from test_vault_backends import Good
from upstream import Upstream

CONFIG = """
[Tokens]
ClockSkewSec=5
[Engine]
RequestTimeoutSec=50
"""
REALTIME, BOOTTIME = 0, 7
HOUR, YEAR = 3600, 366 * 24 * 3600
JUMPS = HOUR, -HOUR, 10 * YEAR, -10 * YEAR
GMAIL = {"platform": "gmail"}


class Clocks:
    """How far each of the daemons' clocks is off, in seconds."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self._map = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.variables = {"LD_PRELOAD": BUILD / "tests/integration/clocks.so", "CLOCKS": path}

    def set(self, clock, seconds):
        struct.pack_into("q", self._map, 8 * clock, seconds)

    @contextlib.contextmanager
    def off(self, seconds, clock=REALTIME):
        self.set(clock, seconds)
        try:
            yield
        finally:
            self.set(clock, 0)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.clocks = Clocks(folder / "clocks")
        cls.upstream = cls.enterClassContext(Upstream())
        cls.provider = cls.enterClassContext(Provider(rotate=True))
        cls.upstream.bearers = Good(cls.provider)
        cls.stack = cls.enterClassContext(
            Stack(CONFIG, cls.upstream.url, plain=[cls.provider.address],
                  variables=cls.clocks.variables))
        cls.key = cls.stack.key("clocks")
        cls.stack.vault("set_provider", provider="google",
                        app=cls.provider.app(redirect_uri=Provider.redirect_uri))

    def setUp(self):
        self.account = self.id().rpartition(".")[2][:60]
        self.c = self.enterContext(self.stack.connect(jws.token(self.key, iat=1, exp=4 << 30)))
        self.upstream.gate.clear()
        self.provider.gate.clear()
        self.addCleanup(self.provider.gate.set)

    def connect_account(self):
        """One whose access token is to be had."""
        self.grant = self.provider.grant(SEND_SCOPE)
        answer = self.stack.vault("store_token", user_id="u1", **GMAIL, account=self.account,
                                  credential={"refresh_token": self.grant.refresh_token,
                                              "provider": "google"})
        self.assertEqual(answer["status"], "success", answer)
        self.n_renewed = len(self.provider.calls("token"))

    def send(self, to="any@example.com", **more):
        return self.c.start(email(to, account=self.account, **more))

    def assert_sent(self, asked=None):
        response = self.c.finish(asked or self.send())
        self.assertEqual(response["status"], "success", response)

    def assert_renewed(self, n):
        self.assertEqual(len(self.provider.calls("token")) - self.n_renewed, n)
        self.assertTrue(self.grant.alive)


class Shim(Case):
    def test_the_clock_is_off(self):
        self.connect_account()
        for seconds in JUMPS:
            with self.subTest(seconds), self.clocks.off(seconds):
                told = self.c.result({"op": "auth_start", **GMAIL})["expires_at"]
                self.assertEqual(told[:4], time.strftime("%Y", time.gmtime(
                    time.time() + seconds + 600)))


class Lasting(Case):
    """What is on its way."""

    def test_requests(self):
        self.connect_account()
        self.assert_sent()
        for n, seconds in enumerate(JUMPS):
            with self.subTest(seconds):
                to = f"slow+{n}@example.com"
                held = self.send(to)
                self.upstream.wait_for(to)
                with self.clocks.off(seconds):
                    self.assertEqual(self.c.call({"op": "ping"})["status"], "success")
                    self.upstream.gate.set()
                    self.assert_sent(held)
                self.upstream.gate.clear()

    def test_a_deadline_still_comes(self):
        self.connect_account()
        for seconds in JUMPS:
            with self.subTest(seconds):
                self.provider.script("token", "slow")
                held = self.send(deadline_ms=500)
                with self.clocks.off(seconds):
                    self.assertEqual(self.c.finish(held)["error"]["code"], "deadline_exceeded")
                self.provider.gate.set()
                self.assert_sent()
                self.connect_account()
                self.provider.gate.clear()

    def test_logins(self):
        """An id_token of the provider's ends by the wall clock, too: after an hour."""
        for clock, seconds, good in ((REALTIME, HOUR // 2, True), (REALTIME, -YEAR, True),
                                     (BOOTTIME, 590, True), (BOOTTIME, 601, False)):
            with self.subTest(clock=clock, seconds=seconds):
                started = self.c.result({"op": "auth_start", **GMAIL, "account": self.account})
                response = self.provider.authorize(started["authorization_url"])
                with self.clocks.off(seconds, clock):
                    answer = self.c.call({"op": "auth_callback", **GMAIL,
                                          "account": self.account,
                                          "authorization_response": response})
                self.assertEqual(answer["status"], "success" if good else "error", answer)


class Expiry(Case):
    """What ends by the wall clock, wherever that stands."""

    def verdict(self, connection, token=None):
        response = connection.call({"op": "health", **({"token": token} if token else {})})
        return response.get("error", {}).get("code", "ok")

    def test_tokens(self):
        token = jws.token(self.key, exp=int(time.time()) + HOUR)
        new = self.enterContext(self.stack.connect(""))
        for seconds, code in ((HOUR - 60, "ok"), (HOUR + 10, "token_expired"),
                              (-HOUR, "token_invalid"), (10 * YEAR, "token_expired"),
                              (-10 * YEAR, "token_invalid")):
            with self.subTest(seconds), self.stack.connect(token) as proved:
                with self.clocks.off(seconds):
                    self.assertEqual(self.verdict(proved), code)
                    self.assertEqual(self.verdict(new, token), code)
                self.assertEqual(self.verdict(new, token), "ok")

    def test_credentials(self):
        """An hour long: renewed once for all, and for good when the clock is right again."""
        self.connect_account()
        self.assert_sent()
        self.assert_renewed(1)
        for n, seconds in enumerate((2 * HOUR, YEAR, 10 * YEAR), 2):
            with self.clocks.off(seconds):
                for asked in [self.send() for _ in range(50)]:
                    self.assert_sent(asked)
                self.assert_renewed(n)
        self.assert_sent()  # as it seems to be good for ten years
        self.assert_renewed(4)
        with self.clocks.off(-YEAR):
            self.assert_sent()
        self.assert_renewed(4)
        self.provider.revoke_tokens()  # which its own clock does
        for asked in [self.send() for _ in range(50)]:
            self.assert_sent(asked)
        self.assert_renewed(5)

    def test_a_jump_during_a_renewal(self):
        """It is good from when it was asked for, wherever the clock stood then."""
        self.connect_account()
        for n, seconds in enumerate((2 * HOUR, -2 * HOUR), 1):
            self.provider.script("token", "slow")
            asked = self.send()
            self.provider.wait_calls("token", self.n_renewed + n)
            with self.clocks.off(seconds):
                self.provider.gate.set()
                self.assert_sent(asked)
                self.assert_sent()
                self.assert_renewed(n)
                self.provider.revoke_tokens()
            self.provider.gate.clear()

    def test_the_ends_of_time(self):
        """A clock that starts in 1970, as where there is no battery; and one in 9999."""
        self.connect_account()
        self.assert_sent()
        now = int(time.time())
        fresh = jws.token(self.key)
        for seconds in (-now, 253402300799 - now - HOUR):
            with self.subTest(seconds):
                self.clocks.set(REALTIME, seconds)
                self.stack.kill("engine")
                self.stack.start("engine")
                with self.stack.connect("") as c:
                    self.assertEqual(self.verdict(c), "unauthenticated")
                    self.assertIn(self.verdict(c, fresh), ("token_invalid", "token_expired"))
                    self.clocks.set(REALTIME, 0)
                    self.assertEqual(self.verdict(c, fresh), "ok")
        self.c = self.enterContext(self.stack.connect(fresh))
        self.assert_sent()


if __name__ == "__main__":
    unittest.main()
