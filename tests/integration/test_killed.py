# SPDX-License-Identifier: MIT
"""H1: SIGKILL for the engine at each stage of an action's way, by neighbours that hold it there.

Whatever it was at: who waits sees the connection end, the platform has had at most the one request
that it had, nothing leaves by itself afterwards, and the next engine serves the next request.
"""

import contextlib
import os
import pathlib
import signal
import socket
import unittest
import unittest.mock

from engine import READ_SCOPE, SEND_SCOPE, Stack, email, trace, until
from engine_control import EngineControl
from fakepolkit import FakePolkit
from oauth import Provider
from upstream import MESSAGES, Upstream
from vaults import EmbeddedVault

CONFIG = """
[Policy]
Polkit=yes
[Engine]
ReconcileSec=30
DrainTimeoutSec=60
"""
SYN_SENT = "02"


def connections(port):
    """State and what waits to be read, of each connection that somebody has to that port."""
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, _, remote, state, queues, *_ = line.split()
        if remote == f"0100007F:{port:04X}":
            yield state, int(queues.split(":")[1], 16)


@contextlib.contextmanager
def full_backlog(port):
    """Whoever connects to that port waits for the kernel's answer."""
    with socket.socket() as listener, contextlib.ExitStack() as peers:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        while True:
            peer = peers.enter_context(socket.socket())
            peer.settimeout(0.2)
            try:
                peer.connect(("127.0.0.1", port))
            except TimeoutError:
                peer.close()
                break
        yield


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.polkit = cls.enterClassContext(FakePolkit(lambda _: cls.verdict))
        cls.verdict = "yes"
        cls.control = cls.enterClassContext(EngineControl())
        cls.vault = cls.enterClassContext(EmbeddedVault())
        cls.provider = cls.enterClassContext(Provider(rotate=True))
        cls.upstream = cls.enterClassContext(Upstream())
        plain = [cls.control.address, cls.provider.address]
        with unittest.mock.patch.dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=cls.polkit.address):
            own = Stack(CONFIG + cls.control.config + cls.vault.config, cls.upstream.url,
                        cls.control.credentials, plain)
        cls.vault.real = own.dir / "vault.sock"
        cls.stack = cls.enterClassContext(own)
        cls.stack.vault("set_provider", provider="ours", app=cls.provider.app())
        with cls.stack.connect() as c:
            for account, scopes in ("default", [SEND_SCOPE]), ("reader", [SEND_SCOPE, READ_SCOPE]):
                c.result({"op": "auth_token", "platform": "gmail", "account": account,
                          "credential": {"access_token": "at", "scopes": scopes}})

    def setUp(self):
        self.stack.start("engine")
        self.upstream.gate.clear()
        self.addCleanup(self.upstream.gate.set)
        self.n_left = len(self.upstream.requests)

    def to(self):
        return f"{self.id().rpartition('.')[2]}@example.com"

    @contextlib.contextmanager
    def asking(self, to, **more):
        """An action that somebody waits for, until the engine is killed at the end."""
        with self.stack.connect() as c, self.stack.connect() as idle:
            asked = c.start(email(to, **more))
            yield c
            self.stack.kill("engine")
            with self.assertRaises((EOFError, ConnectionError)):
                self.fail(c.finish(asked))
            with self.assertRaises((EOFError, ConnectionError)):
                idle.call({"op": "ping"})

    def goes_on(self, to, n):
        """So often has it left, before and after the next engine has done something else."""
        self.assertEqual(len(self.upstream.to(to)), n)
        self.upstream.gate.set()
        type(self).verdict = "yes"
        self.stack.start("engine")
        with self.stack.connect() as c:
            c.result(email("next@example.com"))
        self.assertEqual(len(self.upstream.to(to)), n)

    def test_amid_a_line(self):
        with self.stack.connect() as c:
            c.result({"op": "ping"})
            c.send_bytes(b'{"platform":"gmail","action_type":"send_email","payload":{"to":"a@e')
            self.stack.kill("engine")
            with self.assertRaises((EOFError, ConnectionError)):
                c.finish("c1")
        self.goes_on("a@example.com", 0)

    def test_polkit(self):
        type(self).verdict = None  # it does not answer
        self.polkit.questions.clear()
        with self.asking(self.to()):
            self.polkit.open_questions(1, ".send-email")
        self.goes_on(self.to(), 0)

    def test_engine_control(self):
        asked = self.control.asked("gmail")
        with self.control.playing("hang"), self.asking(self.to()):
            self.control.wait_asked("gmail", asked + 1)
        self.goes_on(self.to(), 0)

    def test_vault(self):
        asked = self.vault.asked("u1")
        with self.vault.playing("hang"), self.asking(self.to()):
            self.vault.wait_asked("u1", asked + 1)
        self.goes_on(self.to(), 0)

    def test_renewal(self):
        """It is the vault's, which goes on with it: what was rotated is not lost."""
        grant = self.provider.grant(SEND_SCOPE)
        self.stack.vault("store_token", user_id="u1", platform="gmail", account="ending",
                         credential={"refresh_token": grant.refresh_token, "provider": "ours"})
        self.provider.script("token", "slow")
        with self.asking(self.to(), account="ending"):
            self.provider.wait_calls("token")
        self.provider.gate.set()
        self.goes_on(self.to(), 0)
        with self.stack.connect() as c:
            c.result(email("renewed@example.com", account="ending"))
        self.assertEqual(len(self.provider.calls("token")), 1)
        self.assertTrue(grant.alive)

    def test_connecting(self):
        self.stack.kill("engine")  # with the connections that it has
        self.stack.start("engine")
        self.upstream.refuse()
        with full_backlog(self.upstream.port), self.asking(self.to()):
            until(lambda: [state for state, _ in connections(self.upstream.port)],
                  lambda states: SYN_SENT in states)
        self.upstream.listen()
        self.goes_on(self.to(), 0)

    def test_sent(self):
        to = f"slow+{self.to()}"
        with self.asking(to):
            self.upstream.wait_for(to)
        self.goes_on(to, 1)

    def test_half_an_answer_is_read(self):
        to = f"partly+{self.to()}"
        with self.asking(to):
            self.upstream.wait_for(to)
            until(lambda: self.upstream.is_half_sent and
                  all(unread == 0 for _, unread in connections(self.upstream.port)), bool)
        self.goes_on(to, 1)

    def test_a_whole_answer_is_not_read(self):
        to = f"slow+{self.to()}"
        with self.asking(to):
            self.upstream.wait_for(to)
            os.kill(self.stack.pid("engine"), signal.SIGSTOP)
            self.upstream.gate.set()
            until(lambda: sum(unread for _, unread in connections(self.upstream.port)), bool)
        self.goes_on(to, 1)

    def test_the_answer_does_not_leave(self):
        """The client reads nothing, so that it stands behind others."""
        to = f"slow+{self.to()}"
        with self.stack.connect() as c:
            parent = trace()
            c.start(email(to, traceparent=parent))
            self.upstream.wait_for(to)
            c.socket.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                while True:
                    c.send({"op": "list_actions"})
            self.upstream.gate.set()
            self.stack.audit_of_trace(parent)
            self.stack.kill("engine")
        self.goes_on(to, 1)

    def test_asking_what_became_of_it(self):
        """The platform has it, and does not list it yet."""
        self.upstream.readable = True
        to = f"keptlate+{self.to()}"
        with self.asking(to, account="reader"):
            until(lambda: [r for r in self.upstream.requests[self.n_left:]
                           if r.path.startswith(MESSAGES + "?")], bool)
        self.goes_on(to, 1)

    def test_draining(self):
        to = f"slow+{self.to()}"
        with self.stack.connect() as other, self.asking(to):
            self.upstream.wait_for(to)
            os.kill(self.stack.pid("engine"), signal.SIGTERM)
            until(lambda: other.call(email(dry_run=True)),
                  lambda response: response["status"] == "error")
        self.goes_on(to, 1)


if __name__ == "__main__":
    unittest.main()
