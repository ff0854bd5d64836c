# SPDX-License-Identifier: MIT
"""Who a connection's peer is, once its process has ended, has become another, or has a uid that
says little: for the engine as it is installed, and a real polkit."""

import contextlib
import json
import os
import pathlib
import socket
import unittest

from engine import email, until
from product import ENGINE, SOCKET, USERS, set_up

RULES = "/etc/polkit-1/rules.d/10-peer.rules"
# Something that root may, and nobody else.
ROOTS = "root@example.com"
RULE = f"""
polkit.addRule(function (action, subject) {{
    if (action.lookup("recipients") === "{ROOTS}")
        return subject.user === "root" ? polkit.Result.YES : polkit.Result.NO;
}});
"""
NOBODY, LARGE_UID = 65534, 3_000_000_000

SO_PEERPIDFD = 77
OLD_KERNEL = pathlib.Path(__file__).with_name("old_kernel.py")
ON_OLD_KERNEL = """[Service]
ExecStart=
ExecStart=/usr/bin/python3 -I /run/old_kernel.py /usr/lib/action-engine/action-engined
ExecPaths=/usr/bin/python3
"""
# Connects, and becomes a program of root's, which goes on as it likes with the connection.
BECOMES_ROOT = """
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
os.set_inheritable(connection.fileno(), True)
program = '''
import os, socket, sys
connection = socket.socket(fileno=int(sys.argv[1]))
connection.sendall(sys.argv[2].encode())
print(os.geteuid())
print(connection.makefile().readline())
'''
arguments = ["python-as-root", "-I", "-c", program, str(connection.fileno()), sys.argv[2]]
os.execv("/usr/bin/python-as-root", arguments)
"""

box = None
product = None
upstream = None


def setUpModule():
    global box, product, upstream
    box, product, upstream = set_up()
    product.write(RULES, RULE)
    product.write("/run/old_kernel.py", OLD_KERNEL.read_text("ascii"))
    # It is stopped for a while, by us.
    product.write(f"/etc/systemd/system/{ENGINE}.d/peer.conf", "[Service]\nWatchdogSec=0\n")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", ENGINE)
    with product.connect() as connection:
        until(lambda: connection.result(email(ROOTS, dry_run=True))["decision"], "no".__eq__)


def token(uid):
    command = "actionctl token create --key /etc/action-engine/private/signing.jwk --user me"
    command += f" --scope gmail:* --ttl 1d --uid {uid}"
    return box.run(*command.split()).stdout.strip()


def has_pid_fds():
    ours, theirs = socket.socketpair()
    with ours, theirs, contextlib.suppress(OSError):
        os.close(ours.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        return True
    return False


@contextlib.contextmanager
def engine_with(settings):
    """A while in which the engine's unit has those too."""
    try:
        with product.drop_in(ENGINE, settings):
            box.run("systemctl", "restart", ENGINE)
            yield
    finally:
        box.run("systemctl", "restart", ENGINE)


@contextlib.contextmanager
def stopped_engine():
    product.kill(ENGINE, "STOP")
    try:
        until(lambda: product.process(ENGINE)["State"], lambda state: state.startswith("T"))
        yield
    finally:
        product.kill(ENGINE, "CONT")


class Case(unittest.TestCase):
    def assert_not_sent(self, to):
        self.assertEqual(upstream.to(to), [])

    def assert_gone(self, connection, to, **more):
        """Whose connection it was cannot be asked about, and nobody else is taken for it."""
        response = connection.call(email(to, **more))
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], "forbidden", response)
        self.assertIn("not there any more", response["error"]["message"])
        entry = product.audit(response)
        self.assertEqual(entry["ACTION_PEER_UID"], str(USERS["me"]))
        self.assertEqual(entry["ACTION_PEER_PID"], str(connection.pid))
        self.assert_not_sent(to)

    @contextlib.contextmanager
    def connected_and_gone(self, successor):
        """Before the engine could accept: somebody connects, ends, and another gets his pid."""
        with contextlib.ExitStack() as stack:
            with stopped_engine():
                connection = stack.enter_context(product.connect(with_token=False))
                connection.leave()
                stack.enter_context(box.successor(connection.pid, successor))
            yield connection


class Pids(Case):
    def test_a_process_that_has_ended(self):
        with product.connect() as connection:
            connection.result(email("alive@example.com"))
            connection.leave()
            self.assert_gone(connection, "ended@example.com")
            self.assert_gone(connection, "ended@example.com", interactive=True)
            connection.result({"op": "ping"})

    def test_its_pid_is_anothers(self):
        for uid in USERS["me"], 0:
            with self.subTest(uid=uid), product.connect() as connection:
                connection.result(email("alive@example.com"))
                connection.leave()
                with box.successor(connection.pid, uid):
                    self.assert_gone(connection, "recycled@example.com")
                    self.assert_gone(connection, ROOTS)

    def test_its_pid_is_anothers_before_it_is_accepted(self):
        with self.connected_and_gone(successor=0) as connection:
            if has_pid_fds():
                self.assert_gone(connection, ROOTS, token=product.token)
                self.assert_gone(connection, "early@example.com", token=product.token)
            else:
                self.assert_roots_is_refused(connection)

    def assert_roots_is_refused(self, connection):
        """By polkit, which was asked about the uid that connected."""
        error = connection.error(email(ROOTS, token=product.token))
        self.assertEqual((error["code"], error["details"]["by"]), ("forbidden", "polkit"), error)
        self.assert_not_sent(ROOTS)

    def test_a_kernel_without_pid_fds(self):
        """A new owner since accept() shows. One from before does not: it is then decided for the uid
        that connected, and for no other."""
        with engine_with(ON_OLD_KERNEL):
            with product.connect() as connection:
                connection.leave()
                with box.successor(connection.pid, 0):
                    self.assert_gone(connection, "recycled@example.com")
            with self.connected_and_gone(successor=0) as connection:
                self.assert_roots_is_refused(connection)
                response = connection.call(email("unseen@example.com", token=product.token))
                self.assertEqual(response["status"], "success", response)
                entry = product.audit(response)
                self.assertEqual(entry["ACTION_PEER_UID"], str(USERS["me"]))


class SetUid(Case):
    def become_root(self, to):
        """What happens to an e-mail of a program that is root's, on a connection of before."""
        request = json.dumps(email(to, token=product.token)) + "\n"
        done = box.run("python3", "-c", BECOMES_ROOT, SOCKET, request, user="me")
        uid, response = done.stdout.split("\n", 1)
        self.assertEqual(uid, "0")
        return json.loads(response)

    def test_a_program_of_roots_gains_nothing(self):
        path = "/usr/bin/python-as-root"
        box.run("sh", "-c", f"install -m 4755 $(readlink -f /usr/bin/python3) {path}")
        self.addCleanup(box.run, "rm", path)
        with product.connect("root", token=token(0)) as connection:
            self.assertEqual(connection.result(email(ROOTS, dry_run=True))["decision"], "yes")

        response = self.become_root(ROOTS)
        self.assertEqual(response["error"]["code"], "forbidden", response)
        self.assertEqual(response["error"]["details"]["by"], "polkit", response)
        self.assert_not_sent(ROOTS)
        response = self.become_root("set-uid@example.com")
        self.assertEqual(response["status"], "success", response)
        self.assertEqual(product.audit(response)["ACTION_PEER_UID"], str(USERS["me"]))


class Uids(Case):
    def assert_turned_away(self, user):
        with box.connect(SOCKET, user) as connection:
            error = connection.read()["error"]
            self.assertEqual(error["code"], "forbidden", error)
            self.assertIsNone(connection.read())

    def test_nobody(self):
        box.run("usermod", "--append", "--groups", "action-engine", "nobody")
        self.addCleanup(box.run, "gpasswd", "--delete", "nobody", "action-engine")
        self.assert_turned_away(str(NOBODY))

    def test_in_a_user_namespace_nobody_is_served(self):
        """There all peers look the same, so that none is taken for another."""
        with engine_with("[Service]\nPrivateUsers=yes\n"):
            self.assert_turned_away("me")
            self.assert_turned_away("guest")
        product.perform("again@example.com")

    def test_a_uid_that_polkit_cannot_be_told(self):
        """polkit counts uids in 31 bits and a sign: it would be asked about somebody else."""
        box.run("useradd", "--no-log-init", "--uid", LARGE_UID, "large")
        box.run("usermod", "--append", "--groups", "action-engine", "large")
        with product.connect("large", token=token(LARGE_UID)) as connection:
            response = connection.call(email("large@example.com"))
        self.assertEqual(response["error"]["code"], "forbidden", response)
        self.assertIn(f"uid {LARGE_UID}", response["error"]["message"])
        self.assertEqual(product.audit(response)["ACTION_PEER_UID"], str(LARGE_UID))
        self.assert_not_sent("large@example.com")
