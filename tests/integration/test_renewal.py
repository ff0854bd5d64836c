#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How action-vaultd gets tokens: renewal, exchange, revocation, and the apps these are done with.

In the place of action-grant stands a socket that says what a test has it say, and when.
AE_BUILD names the build folder (default: build). Needs systemd-socket-activate.
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import threading
import time
import unittest

from engine import until
from oauth import rsa_key
from test_vaultd import TIMEOUT, VaultTest

SECRET = "client-secret-canary"
APP = {"profile": "google", "client_id": "client-1", "client_secret": SECRET}
WHO = {"user_id": "u1", "platform": "gmail"}
HOME = {**WHO, "account": "default"}
CODE = {"code": "code-canary", "redirect_uri": "http://127.0.0.1:7/oauth/callback",
        "code_verifier": "v" * 43, "scopes": "a b"}
GRANTS_AT_ONCE = 16
REMEMBERED = 2  # seconds; for so long what failed is told without being asked again


def ok(access="new", **more):
    return {"result": "ok", "tokens": {"access_token": access, **more}}


def result(name, reason="for a reason"):
    return {"result": name, "reason": reason}


class Grants:
    """A socket that speaks action-grant's lines. What comes is in `lines`; `answer` answers it."""

    def __init__(self, path):
        self.path = str(path)
        self.lines = []
        self.answer = lambda grant: ok()
        self.gate = threading.Event()
        self.gate.set()
        self.seen = threading.Condition()
        self.n_open = self.most_open = 0
        self.listen()

    def listen(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(64)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, peer.makefile("rb") as file:
            line = file.readline()
            grant = json.loads(line) if line else None
            with self.seen:
                self.n_open += 1
                self.most_open = max(self.most_open, self.n_open)
                self.lines.append(grant)
                self.seen.notify_all()
            self.gate.wait(TIMEOUT)
            try:
                answer = self.answer(grant)
                if isinstance(answer, dict):
                    answer = json.dumps(answer).encode() + b"\n"
                with self.seen:
                    self.n_open -= 1
                if answer:
                    peer.sendall(answer)
            except OSError:
                pass

    def wait(self, n):
        with self.seen:
            assert self.seen.wait_for(lambda: len(self.lines) >= n, TIMEOUT), self.lines

    def close(self):
        self.gate.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        os.unlink(self.path)


class RenewalTest(VaultTest):
    def setUp(self):
        super().setUp()
        self.grants = Grants(pathlib.Path(self.folder) / "grant.sock")
        self.addCleanup(lambda: self.grants.close())

    def config(self, allow=None, admin=None):
        return (f"[Vault]\nAllowUser={os.getuid() if allow is None else allow}\n"
                f"AdminUser={os.getuid() if admin is None else admin}\n"
                f"GrantSocket={self.folder}/grant.sock\n")

    def start(self, **options):
        return super().start(**{"config": self.config(), **options})

    def ready(self, **credential):
        """A vault with an app, and a record that has ended, unless `credential` says otherwise."""
        daemon, vault = self.start()
        self.assertSuccess(vault.ask("set_provider", provider="google", app=APP))
        self.store(vault, **credential)
        return daemon, vault

    def store(self, vault, who=WHO, **credential):
        self.assertSuccess(vault.ask("store_token", **who, credential={
            "access_token": "old", "refresh_token": "refresh-1", "provider": "google",
            "expires_in": 0, "scopes": ["a", "b"], **credential}))

    def get(self, vault, who=WHO, **more):
        return self.assertSuccess(vault.ask("get_token", **who, **more))

    def assertToken(self, vault, token, **more):
        self.assertEqual(self.get(vault, **more)["access_token"], token)

    def in_time(self, ask):
        """What ask() gives and how often action-grant is asked for that, when all of it comes while
        a failure is remembered; else it is tried again."""
        def asked():
            n, began = len(self.grants.lines), time.monotonic()
            told = ask()
            return told, len(self.grants.lines) - n, time.monotonic() - began

        told, n, _ = until(asked, lambda asked: asked[2] < REMEMBERED)
        return told, n

    def refreshed_with(self):
        return [line["token"] for line in self.grants.lines if line["kind"] == "refresh"]


class Renewal(RenewalTest):
    def test_what_has_ended_is_renewed(self):
        daemon, vault = self.ready()
        self.grants.answer = lambda grant: ok(refresh_token="refresh-2", scopes=["a"],
                                              expires_at="2999-01-01T00:00:00Z")
        self.assertEqual(self.get(vault), {
            **HOME, "access_token": "new", "token_type": "Bearer", "scopes": ["a"],
            "expires_at": "2999-01-01T00:00:00Z"})
        (grant,) = self.grants.lines
        self.assertEqual((grant["kind"], grant["token"]), ("refresh", "refresh-1"))
        self.assertEqual(grant["app"]["client_secret"], SECRET)
        self.assertToken(vault, "new")
        daemon.stop()

        # The rotated refresh token is the one that was kept.
        _, vault = self.start()
        rejected = hashlib.sha256(b"new").hexdigest()
        self.grants.answer = lambda grant: ok("newer")
        self.assertToken(vault, "newer", rejected=rejected)
        self.assertToken(vault, "newer", rejected=rejected)
        self.assertEqual(self.refreshed_with(), ["refresh-1", "refresh-2"])

        # None came: the old one stays, and the scopes too.
        self.grants.answer = lambda grant: ok("newest")
        answer = self.get(vault, rejected=hashlib.sha256(b"newer").hexdigest())
        self.assertEqual((answer["access_token"], answer["scopes"]), ("newest", ["a"]))
        self.assertEqual(self.refreshed_with()[-1], "refresh-2")
        self.assertNotIn("expires_at", answer)

    def test_there_may_be_no_access_token_yet(self):
        _, vault = self.start()
        self.assertSuccess(vault.ask("set_provider", provider="google", app=APP))
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "refresh_token": "refresh-1", "provider": "google"}))
        self.assertToken(vault, "new")

    def test_a_hundred_questions_are_one_refresh(self):
        daemon, vault = self.ready()
        other = self.connect(daemon)
        self.grants.gate.clear()
        for n in range(50):
            vault.send(json.dumps({"id": n, "op": "get_token", **WHO}))
            other.send(json.dumps({"id": n, "op": "get_token", **WHO}))
        self.grants.wait(1)
        # Others go on, and are answered first.
        self.store(other, {"user_id": "u2", "platform": "gmail"}, expires_in=3600)
        other.send(json.dumps({"id": 99, "op": "status"}))
        self.assertEqual(other.receive()["id"], 99)
        self.grants.gate.set()
        for connection in (vault, other):
            ids = set()
            for _ in range(50):
                answer = connection.receive()
                self.assertEqual(self.assertSuccess(answer)["access_token"], "new")
                ids.add(answer["id"])
            self.assertEqual(ids, set(range(50)))
        self.assertEqual(len(self.grants.lines), 1)

    def test_a_refused_grant_is_not_asked_again(self):
        daemon, vault = self.ready()
        self.grants.answer = lambda grant: result("grant_refused", "invalid_grant: 'gone'")
        self.grants.gate.clear()
        for n in range(50):
            vault.send(json.dumps({"id": n, "op": "get_token", **WHO}))
        self.grants.wait(1)
        self.grants.gate.set()
        for _ in range(50):
            self.assertError(vault.receive(), "reauthorization_required", "'gone'")
        for _ in range(10):
            self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        platforms = self.assertSuccess(vault.ask("status", user_id="u1"))["connected_platforms"]
        self.assertEqual(platforms[0]["status"], "token_expired")
        daemon.stop()

        _, vault = self.start()
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(len(self.grants.lines), 1)
        self.grants.answer = lambda grant: ok()
        self.store(vault, refresh_token="refresh-2")
        self.assertToken(vault, "new")
        self.assertEqual(self.refreshed_with(), ["refresh-1", "refresh-2"])

    def test_what_fails_is_told_and_may_be_tried_again(self):
        cases = {
            "unreachable": "upstream_unreachable",
            "address_refused": "forbidden",
            "no_answer": "upstream_error",
            "nonsense": "upstream_error",
            "client_refused": "internal",
            "request_refused": "internal",
            "pending": "upstream_error",
        }
        _, vault = self.ready()
        for n, (name, code) in enumerate(cases.items()):
            with self.subTest(result=name):
                self.grants.answer = lambda grant: result(name)

                def ask():
                    self.store(vault, refresh_token=f"refresh-{n}") # forgets what failed before
                    return [vault.ask("get_token", **WHO) for _ in range(2)]

                (answer, again), n_asked = self.in_time(ask)
                self.assertError(answer, code, "for a reason")
                self.assertEqual(answer["error"]["retryable"], code.startswith("upstream"))
                # At once it is not asked again; what was told is.
                self.assertEqual(again["error"], answer["error"])
                self.assertEqual(n_asked, 1)

        self.grants.answer = lambda grant: ok()
        self.assertSuccess(vault.ask("set_provider", provider="google", app=APP)) # forgets, too
        self.assertToken(vault, "new")
        self.assertEqual(self.refreshed_with()[-2:], [f"refresh-{n}"] * 2)

    def test_what_action_grant_may_do_wrong(self):
        cases = [b"", b"{}\n", b"nonsense\n", b"[]\n", b'{"result":"ok"}\n', b'{"result":"ok"',
                 b'{"result":"what"}\n', b"x" * (200 << 10) + b"\n",
                 b'{"result":"ok","tokens":{"access_token":""}}\n',
                 b'{"result":"ok","tokens":{"access_token":"a\\n"}}\n']
        _, vault = self.ready()
        for n, answer in enumerate(cases):
            with self.subTest(answer=answer[:40]):
                self.store(vault, refresh_token=f"refresh-{n}")
                self.grants.answer = lambda grant: answer
                self.assertError(vault.ask("get_token", **WHO), "upstream_error")
        self.grants.answer = lambda grant: ok()
        self.store(vault)
        self.assertToken(vault, "new")

    def test_without_action_grant(self):
        _, vault = self.ready()
        self.grants.close()
        answer = vault.ask("get_token", **WHO)
        self.assertError(answer, "upstream_unreachable", "cannot reach action-grant at ")
        self.assertTrue(answer["error"]["retryable"])
        self.grants.listen()
        self.store(vault)
        self.assertToken(vault, "new")

    def test_what_is_about_to_end_is_renewed_early(self):
        _, vault = self.ready()
        self.grants.answer = lambda grant: result("unreachable")

        def ask():
            self.store(vault, expires_in=30)
            for _ in range(3):
                self.assertToken(vault, "old")

        self.assertEqual(self.in_time(ask), (None, 1))
        n = len(self.grants.lines)
        self.store(vault, expires_in=30)
        self.grants.answer = lambda grant: result("grant_refused")
        self.assertToken(vault, "old")
        self.store(vault, expires_in=30)
        self.grants.answer = lambda grant: ok(expires_at="2999-01-01T00:00:00Z")
        self.assertToken(vault, "new")
        self.store(vault, expires_in=90)
        self.assertToken(vault, "old")
        self.assertEqual(len(self.grants.lines), n + 2)

    def test_what_still_serves_is_not_held_back_for_long(self):
        _, vault = self.ready(expires_in=30)
        self.grants.gate.clear()
        for n in range(20):
            vault.send(json.dumps({"id": n, "op": "get_token", **WHO}))
        for _ in range(20):
            self.assertEqual(self.assertSuccess(vault.receive())["access_token"], "old")
        rejected = hashlib.sha256(b"old").hexdigest()
        vault.send(json.dumps({"id": 21, "op": "get_token", **WHO, "rejected": rejected}))
        vault.send(json.dumps({"id": 22, "op": "status"}))
        self.assertEqual(vault.receive()["id"], 22)
        self.grants.gate.set()
        self.assertEqual(self.assertSuccess(vault.receive())["access_token"], "new")
        self.assertToken(vault, "new")
        self.assertEqual(len(self.grants.lines), 1)

    def test_what_is_of_no_use_when_it_comes(self):
        _, vault = self.ready()
        self.grants.answer = lambda grant: ok(expires_at="2020-01-01T00:00:00Z")
        for n in range(20):
            vault.send(json.dumps({"id": n, "op": "get_token", **WHO}))
        for n in range(20):
            self.assertError(vault.receive(), "upstream_error", "ended already")
        self.store(vault)
        self.grants.answer = lambda grant: ok("old", expires_at="2999-01-01T00:00:00Z")
        self.assertError(
            vault.ask("get_token", **WHO, rejected=hashlib.sha256(b"old").hexdigest()),
            "reauthorization_required", "brings the same")

    def test_what_cannot_be_renewed(self):
        _, vault = self.ready()
        self.assertSuccess(vault.ask("delete_provider", provider="google"))
        self.assertError(vault.ask("get_token", **WHO), "internal", "provider add")
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "access_token": "old", "refresh_token": "refresh-1", "expires_in": 0}))
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(self.grants.lines, [])

    def test_service_accounts(self):
        account = {"type": "service_account", "client_email": "robot@example.com",
                   "private_key": rsa_key().pem, "private_key_id": "k1",
                   "token_uri": "https://elsewhere.example/token"}
        _, vault = self.start()
        credential = {"service_account": account, "scopes": ["a", "b"]}
        self.assertError(vault.ask("store_token", **WHO, credential={"service_account": account}),
                         "invalid_request", "'scopes'")
        self.assertError(vault.ask("store_token", **WHO, credential={
            **credential, "service_account": {**account, "private_key": "no key"}}),
            "invalid_request")
        self.assertSuccess(vault.ask("store_token", **WHO, credential=credential))
        self.grants.answer = lambda grant: ok(expires_at="2020-01-01T00:00:00Z")
        self.assertError(vault.ask("get_token", **WHO), "upstream_error")
        self.grants.answer = lambda grant: result("grant_refused")
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(len(self.grants.lines), 2)
        self.assertSuccess(vault.ask("store_token", **WHO, credential=credential))
        self.grants.answer = lambda grant: ok()
        self.assertToken(vault, "new")
        self.assertEqual([line["kind"] for line in self.grants.lines], ["assertion"] * 3)
        self.assertNotIn("elsewhere", json.dumps(self.grants.lines))
        self.assertNotIn("PRIVATE KEY", json.dumps(self.grants.lines))

        # As auth_token stores it; an app that was made for it goes before what its profile says.
        named = {**credential, "provider": "google"}
        self.assertSuccess(vault.ask("store_token", **WHO, credential=named))
        self.assertToken(vault, "new")
        self.assertNotIn("client_id", self.grants.lines[-1]["app"])
        self.assertSuccess(vault.ask("set_provider", provider="google", app=APP))
        self.assertSuccess(vault.ask("store_token", **WHO, credential=named))
        self.assertToken(vault, "new")
        self.assertEqual(self.grants.lines[-1]["app"]["client_id"], APP["client_id"])
        self.assertEqual(self.grants.lines[-1]["kind"], "assertion")

    def test_so_many_at_once_and_the_others_wait(self):
        _, vault = self.ready()
        n = 3 * GRANTS_AT_ONCE
        for i in range(n):
            self.store(vault, {"user_id": f"u{i}", "platform": "gmail"})
        self.grants.gate.clear()
        for i in range(n):
            vault.send(json.dumps({"id": i, "op": "get_token", "user_id": f"u{i}",
                                   "platform": "gmail"}))
        self.grants.wait(GRANTS_AT_ONCE)
        vault.send(json.dumps({"id": n, "op": "status"}))
        self.assertEqual(vault.receive()["id"], n)
        self.assertEqual(len(self.grants.lines), GRANTS_AT_ONCE)
        self.grants.gate.set()
        for _ in range(n):
            self.assertSuccess(vault.receive())
        self.assertEqual(len(self.grants.lines), n)
        self.assertEqual(self.grants.most_open, GRANTS_AT_ONCE)


class Bounds(RenewalTest):
    OPEN, WAITING = 4096, 1024

    @staticmethod
    def send_many(vault, n, **question):
        vault.send("\n".join(json.dumps({"id": i, **question}) for i in range(n)))

    def test_a_connection_that_waits_for_too_much_is_not_read(self):
        daemon, vault = self.ready()
        other = self.connect(daemon)
        self.grants.gate.clear()
        self.send_many(vault, self.OPEN, op="get_token", **WHO)
        vault.send(json.dumps({"id": "later", "op": "status"}))
        self.grants.wait(1)
        self.assertSuccess(other.ask("status"))
        vault.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            vault.socket.recv(1, socket.MSG_PEEK)
        vault.socket.settimeout(TIMEOUT)
        self.grants.gate.set()
        answers = [vault.receive()["id"] for _ in range(self.OPEN + 1)]
        self.assertEqual(set(answers), {"later", *range(self.OPEN)})
        self.assertEqual(len(self.grants.lines), 1)

    def test_too_many_that_wait_are_told_so(self):
        _, vault = self.ready()
        self.grants.gate.clear()
        self.grants.answer = lambda grant: {"result": "ok"}
        at_once, too_many = GRANTS_AT_ONCE + self.WAITING, 10
        self.send_many(vault, at_once + too_many, op="test_provider", provider="google")
        for _ in range(too_many):
            answer = self.assertSuccess(vault.receive())
            self.assertEqual(answer["result"], "unreachable")
            self.assertIn("too many grants wait", answer["reason"])
        self.grants.wait(GRANTS_AT_ONCE)
        self.grants.gate.set()
        for _ in range(at_once):
            self.assertEqual(self.assertSuccess(vault.receive())["result"], "ok")
        self.assertEqual(self.grants.most_open, GRANTS_AT_ONCE)

    def test_the_peer_is_gone_with_much_under_way(self):
        daemon, vault = self.ready()
        other = self.connect(daemon)
        self.grants.gate.clear()
        self.send_many(vault, self.WAITING, op="test_provider", provider="google")
        self.grants.wait(GRANTS_AT_ONCE)
        vault.close()
        self.assertSuccess(other.ask("status"))
        daemon.notified("serving 1 connections")
        self.grants.gate.set()
        self.assertToken(other, "new")
        self.assertEqual(daemon.stop(), 0)


class Races(RenewalTest):
    def held(self, **credential):
        """A vault whose renewal is on its way, and waits."""
        daemon, vault = self.ready(**credential)
        self.grants.gate.clear()
        self.grants.answer = lambda grant: ok(refresh_token="refresh-2")
        vault.send(json.dumps({"id": "waits", "op": "get_token", **WHO}))
        self.grants.wait(1)
        return daemon, vault

    def test_what_was_stored_meanwhile_stays(self):
        daemon, vault = self.held()
        other = self.connect(daemon)
        self.store(other, access_token="stored", refresh_token="refresh-3", expires_in=3600)
        self.grants.gate.set()
        self.assertEqual(self.assertSuccess(vault.receive())["access_token"], "stored")
        self.assertToken(vault, "stored")
        self.assertToken(vault, "new", rejected=hashlib.sha256(b"stored").hexdigest())
        self.assertEqual(self.refreshed_with(), ["refresh-1", "refresh-3"])

    def test_what_was_stored_meanwhile_with_the_spent_token_gets_the_next(self):
        daemon, vault = self.held()
        other = self.connect(daemon)
        self.store(other, access_token="stored", expires_in=3600)
        self.grants.gate.set()
        self.assertEqual(self.assertSuccess(vault.receive())["access_token"], "stored")
        self.assertToken(vault, "new", rejected=hashlib.sha256(b"stored").hexdigest())
        self.assertEqual(self.refreshed_with(), ["refresh-1", "refresh-2"])

    def test_what_was_deleted_meanwhile_is_gone(self):
        daemon, vault = self.held()
        other = self.connect(daemon)
        self.assertSuccess(other.ask("delete_token", **WHO))
        self.grants.gate.set()
        self.assertError(vault.receive(), "not_connected")
        self.assertError(vault.ask("get_token", **WHO), "not_connected")

    def test_a_revocation_waits_for_the_rotation(self):
        daemon, vault = self.held()
        other = self.connect(daemon)
        other.send(json.dumps({"id": 1, "op": "delete_token", "revoke": True, **WHO}))
        other.send(json.dumps({"id": 2, "op": "status"}))
        self.assertEqual(other.receive()["id"], 2)
        self.grants.answer = lambda grant: (
            {"result": "ok"} if grant["kind"] == "revoke" else ok(refresh_token="refresh-2"))
        self.grants.gate.set()
        self.assertTrue(self.assertSuccess(other.receive())["revoked"])
        self.assertEqual(self.grants.lines[-1]["kind"], "revoke")
        self.assertEqual(self.grants.lines[-1]["token"], "refresh-2")
        self.assertEqual(vault.receive()["id"], "waits")

    def test_the_asker_is_gone_and_the_rotation_is_kept(self):
        daemon, vault = self.held()
        vault.close()
        self.grants.gate.set()
        other = self.connect(daemon)
        self.assertToken(other, "new")
        self.assertToken(other, "new")
        self.assertEqual(len(self.grants.lines), 1)

    def test_stopping_waits_for_what_has_left(self):
        daemon, vault = self.held()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.notified("STOPPING=1")
        self.grants.gate.set()
        self.assertEqual(self.assertSuccess(vault.receive())["access_token"], "new")
        self.assertEqual(daemon.wait(), 0)
        _, vault = self.start()
        self.assertToken(vault, "new")
        self.assertEqual(len(self.grants.lines), 1)

    def test_stopping_lets_nothing_more_leave(self):
        daemon, vault = self.ready()
        self.grants.gate.clear()
        for i in range(GRANTS_AT_ONCE + 1):
            self.store(vault, {"user_id": f"u{i}", "platform": "gmail"})
        for i in range(GRANTS_AT_ONCE + 1):
            vault.send(json.dumps({"id": i, "op": "get_token", "user_id": f"u{i}",
                                   "platform": "gmail"}))
        self.grants.wait(GRANTS_AT_ONCE)
        vault.send(json.dumps({"id": "last", "op": "status"}))
        self.assertEqual(vault.receive()["id"], "last")
        daemon.process.send_signal(signal.SIGTERM)
        self.assertError(vault.receive(), "upstream_unreachable", "stopping")
        self.grants.gate.set()
        for _ in range(GRANTS_AT_ONCE):
            self.assertSuccess(vault.receive())
        self.assertEqual(daemon.wait(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        daemon, vault = self.held()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.notified("STOPPING=1")
        self.assertEqual(daemon.stop(), 0)
        self.assertIsNone(self.receive_or_none(vault))
        self.assertNotIn(b"Sanitizer", daemon.stderr)

    def test_a_crash_before_the_answer(self):
        daemon, vault = self.held()
        self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)
        self.grants.gate.set()
        _, vault = self.start()
        self.grants.answer = lambda grant: result("grant_refused", "invalid_grant: 'reused'")
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required", "'reused'")
        self.assertEqual(self.refreshed_with(), ["refresh-1", "refresh-1"])

    def test_a_store_that_does_not_take_the_rotation(self):
        daemon, vault = self.held()
        with sqlite3.connect(daemon.state / "vault.db", isolation_level=None) as database:
            database.execute("BEGIN IMMEDIATE")
            self.grants.gate.set()
            self.assertError(vault.receive(), "store_unavailable")
            self.assertError(vault.ask("get_token", **WHO), "store_unavailable")
            database.execute("ROLLBACK")
        database.close()
        self.assertToken(vault, "new")
        daemon.stop()
        self.assertIn(b"is kept in memory until it can be written", daemon.stderr)

        _, vault = self.start()
        self.assertToken(vault, "new")
        self.assertEqual(len(self.grants.lines), 1)

    def test_a_crash_while_the_rotation_is_in_memory_alone(self):
        """G9: the next start asks the provider once more, which knows that a person is needed."""
        daemon, vault = self.held()
        with sqlite3.connect(daemon.state / "vault.db", isolation_level=None) as database:
            database.execute("BEGIN IMMEDIATE")
            self.grants.gate.set()
            self.assertError(vault.receive(), "store_unavailable")
            self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)
            database.execute("ROLLBACK")
        database.close()
        self.assertIn(b"is kept in memory until it can be written", daemon.stderr)

        daemon, vault = self.start()
        self.grants.answer = lambda grant: result("grant_refused", "invalid_grant: 'reused'")
        for _ in range(2):
            self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(self.refreshed_with(), ["refresh-1", "refresh-1"])
        daemon.stop()
        _, vault = self.start()
        self.assertError(vault.ask("get_token", **WHO), "reauthorization_required")
        self.assertEqual(len(self.grants.lines), 2)

    def test_a_store_that_cannot_even_be_read(self):
        daemon, vault = self.held()
        with sqlite3.connect(daemon.state / "vault.db", isolation_level=None) as database:
            database.execute("ALTER TABLE record RENAME TO away")
            self.grants.gate.set()
            self.assertError(vault.receive(), "store_unavailable")
            self.assertError(vault.ask("get_token", **WHO), "store_unavailable")
            database.execute("ALTER TABLE away RENAME TO record")
        database.close()
        self.assertToken(vault, "new")
        self.assertToken(vault, "new", rejected=hashlib.sha256(b"old").hexdigest())
        self.assertEqual(self.refreshed_with(), ["refresh-1"])

    def test_what_the_store_did_not_take_gives_way_to_what_is_newer(self):
        daemon, vault = self.held()
        with sqlite3.connect(daemon.state / "vault.db", isolation_level=None) as database:
            database.execute("BEGIN IMMEDIATE")
            self.grants.gate.set()
            self.assertError(vault.receive(), "store_unavailable")
            database.execute("ROLLBACK")
        database.close()
        self.assertSuccess(vault.ask("delete_token", **WHO))
        self.assertError(vault.ask("get_token", **WHO), "not_connected")
        daemon.stop()
        _, vault = self.start()
        self.assertError(vault.ask("get_token", **WHO), "not_connected")


class Exchange(RenewalTest):
    def exchange(self, vault, who=WHO, **fields):
        return vault.ask("exchange", **who, provider="google", **{**CODE, **fields})

    def start(self, **options):
        daemon, vault = super().start(**options)
        self.assertSuccess(vault.ask("set_provider", provider="google", app=APP))
        return daemon, vault

    def test_a_code_becomes_a_record(self):
        _, vault = self.start()
        self.grants.answer = lambda grant: ok(refresh_token="refresh-1", identity="ann@example.com",
                                              expires_at="2999-01-01T00:00:00Z")
        self.assertEqual(self.assertSuccess(self.exchange(vault)), {
            **HOME, "status": "active", "scopes": ["a", "b"], "identity": "ann@example.com",
            "expires_at": "2999-01-01T00:00:00Z"})
        (grant,) = self.grants.lines
        app = grant.pop("app")
        self.assertEqual(app["client_secret"], SECRET)
        self.assertEqual(grant, {"kind": "code", "code": CODE["code"],
                                 "verifier": CODE["code_verifier"],
                                 "redirect_uri": CODE["redirect_uri"]})
        self.assertToken(vault, "new")
        self.assertEqual(self.assertSuccess(vault.ask("status", user_id="u1")), {
            "state": "ok", "records": 1, "connected_platforms": [
                {"platform": "gmail", "account": "default", "status": "active",
                 "identity": "ann@example.com"}]})
        self.grants.answer = lambda grant: ok("newer")
        self.assertToken(vault, "newer", rejected=hashlib.sha256(b"new").hexdigest())
        self.assertEqual(self.refreshed_with(), ["refresh-1"])

    def test_another_person_changes_nothing(self):
        _, vault = self.start()
        self.grants.answer = lambda grant: ok(refresh_token="refresh-1", identity="ann@example.com")
        self.assertSuccess(self.exchange(vault))
        self.grants.answer = lambda grant: (
            {"result": "ok"} if grant["kind"] == "revoke"
            else ok("evil", refresh_token="refresh-evil", identity="eve@example.com"))
        answer = self.exchange(vault)
        self.assertError(answer, "authorization_failed", "'ann@example.com'")
        self.assertIn("'eve@example.com'", answer["error"]["message"])
        self.grants.wait(3)
        self.assertEqual(self.grants.lines[-1]["kind"], "revoke")
        self.assertEqual(self.grants.lines[-1]["token"], "refresh-evil")
        self.assertToken(vault, "new")
        self.assertSuccess(self.exchange(vault, {**WHO, "account": "eve"}))

    def test_another_person_who_is_connected_elsewhere_stays_so(self):
        _, vault = self.start()
        self.grants.answer = lambda grant: ok(refresh_token="refresh-eve", identity="eve@x.example")
        self.assertSuccess(self.exchange(vault, {**WHO, "account": "eve"}))
        self.grants.answer = lambda grant: ok(refresh_token="refresh-ann", identity="ann@x.example")
        self.assertSuccess(self.exchange(vault))
        self.grants.answer = lambda grant: ok(refresh_token="refresh-2", identity="eve@x.example")
        self.assertError(self.exchange(vault), "authorization_failed", "'ann@x.example'")
        vault.ask("start_device", provider="google", scopes="")  # behind what would be revoked
        self.assertEqual([line["kind"] for line in self.grants.lines],
                         ["code"] * 3 + ["device_start"])

    def test_a_refresh_token_that_comes_once(self):
        cases = [("ann", "ann", ["refresh-1"]), ("ann", None, []), (None, "ann", []),
                 (None, None, [])]
        _, vault = self.start()
        for n, (first, second, expected) in enumerate(cases):
            with self.subTest(first=first, second=second):
                who = {"user_id": f"u{n}", "platform": "gmail"}
                self.grants.lines.clear()
                self.grants.answer = lambda grant: ok(
                    refresh_token="refresh-1", **({"identity": first} if first else {}))
                self.assertSuccess(self.exchange(vault, who))
                self.grants.answer = lambda grant: ok(**({"identity": second} if second else {}))
                self.assertSuccess(self.exchange(vault, who))
                answer = vault.ask("get_token", **who, rejected=hashlib.sha256(b"new").hexdigest())
                self.assertEqual(answer["status"], "error")
                self.assertEqual(self.refreshed_with(), expected)

    def test_what_the_provider_may_say(self):
        cases = {
            "grant_refused": "authorization_failed",
            "client_refused": "authorization_failed",
            "request_refused": "authorization_failed",
            "unreachable": "upstream_unreachable",
            "address_refused": "forbidden",
            "no_answer": "upstream_error",
            "nonsense": "upstream_error",
            "pending": "upstream_error",
        }
        _, vault = self.start()
        for name, code in cases.items():
            with self.subTest(result=name):
                self.grants.answer = lambda grant: result(name)
                self.assertError(self.exchange(vault), code, "for a reason")
        self.assertError(vault.ask("get_token", **WHO), "not_connected")

    def test_devices(self):
        facts = {"device_code": "device-1", "user_code": "ABCD", "expires_in": 600, "interval": 5,
                 "verification_uri": "https://example.com/device"}
        _, vault = self.start()
        self.grants.answer = lambda grant: {"result": "ok", "facts": facts}
        self.assertEqual(self.assertSuccess(vault.ask("start_device", provider="google",
                                                      scopes="a b")), facts)
        self.assertEqual(self.grants.lines[-1]["kind"], "device_start")
        self.assertEqual(self.grants.lines[-1]["scopes"], "a b")

        for status in ("pending", "slow_down"):
            self.grants.answer = lambda grant: result(status)
            answer = vault.ask("exchange", **WHO, provider="google", device_code="device-1",
                               scopes="a b")
            self.assertEqual(self.assertSuccess(answer), {**HOME, "status": status})
        self.grants.answer = lambda grant: result("grant_refused", "access_denied")
        self.assertError(vault.ask("exchange", **WHO, provider="google", device_code="device-1",
                                   scopes="a"), "authorization_failed", "access_denied")
        self.assertError(vault.ask("get_token", **WHO), "not_connected")
        self.grants.answer = lambda grant: ok()
        answer = vault.ask("exchange", **WHO, provider="google", device_code="device-1", scopes="a")
        self.assertEqual(self.assertSuccess(answer), {**HOME, "status": "active", "scopes": ["a"]})
        self.assertEqual(self.grants.lines[-1]["token"], "device-1")
        self.assertToken(vault, "new")

        self.assertSuccess(vault.ask("set_provider", provider="slack", app={
            "profile": "slack", "client_id": "c", "client_secret": "s"}))
        self.assertError(vault.ask("start_device", provider="slack", scopes=""),
                         "authorization_failed", "no endpoint for devices")

    def test_bad_questions(self):
        _, vault = self.start()
        cases = [
            ({"provider": "nobody"}, "not_found", "'nobody'"),
            ({"provider": "No"}, "invalid_request", "'provider'"),
            ({"device_code": "d"}, "invalid_request", "'device_code'"),
            ({"code": None}, "invalid_request", "'code'"),
            ({"code": ""}, "invalid_request", "'code'"),
            ({"code": "x" * 16385}, "invalid_request", "'code'"),
            ({"code_verifier": "a\n"}, "invalid_request", "'code_verifier'"),
            ({"redirect_uri": "a b"}, "invalid_request", "'redirect_uri'"),
            ({"redirect_uri": "x" * 2049}, "invalid_request", "'redirect_uri'"),
            ({"scopes": "a\tb"}, "invalid_request", "'scopes'"),
            ({"scopes": ["a"]}, "invalid_request", "'scopes'"),
            ({"scopes": " ".join("a" for _ in range(129))}, "invalid_request", "'scopes'"),
            ({"scopes": "a" * 257}, "invalid_request", "'scopes'"),
            ({"state": "s"}, "invalid_request", "'state'"),
        ]
        for fields, code, words in cases:
            with self.subTest(fields=str(fields)[:40]):
                question = {**WHO, "provider": "google", **CODE, **fields}
                self.assertError(vault.ask("exchange", **question), code, words)
        for missing in ("code", "redirect_uri", "scopes", "provider", "user_id"):
            question = {**WHO, "provider": "google", **CODE}
            del question[missing]
            self.assertError(vault.ask("exchange", **question), "invalid_request", missing)
        self.assertEqual(self.grants.lines, [])

    def test_nothing_is_redeemed_that_could_not_be_kept(self):
        daemon, vault = self.start()
        self.store(vault)
        with sqlite3.connect(daemon.state / "vault.db") as database:
            database.execute("UPDATE record SET sealed = zeroblob(length(sealed))")
        database.close()
        self.assertError(self.exchange(vault), "internal", "cannot be opened")
        self.assertEqual(self.grants.lines, [])


class Revocation(RenewalTest):
    def delete(self, vault):
        return self.assertSuccess(vault.ask("delete_token", **WHO, revoke=True))

    def assertGone(self, vault):
        self.assertError(vault.ask("get_token", **WHO), "not_connected")

    def test_the_grant_is_ended(self):
        _, vault = self.ready()
        self.grants.answer = lambda grant: {"result": "ok"}
        self.assertEqual(self.delete(vault), {**HOME, "revoked": True})
        self.assertEqual((self.grants.lines[0]["kind"], self.grants.lines[0]["token"]),
                         ("revoke", "refresh-1"))
        self.assertGone(vault)
        self.assertError(vault.ask("delete_token", **WHO, revoke=True), "not_connected")
        self.assertSuccess(vault.ask("store_token", **WHO, credential={
            "access_token": "old", "provider": "google"}))
        self.assertTrue(self.delete(vault)["revoked"])
        self.assertEqual(self.grants.lines[1]["token"], "old")

    def test_a_consent_that_others_rest_on(self):
        """Google ends all that an account has granted, whichever of its tokens is revoked."""
        _, vault = self.ready(identity="ann@x.example")
        calendar = {**WHO, "platform": "google_calendar"}
        others = [{**calendar, "user_id": "u2"}, {**calendar, "account": "bob"}, calendar]
        self.grants.answer = lambda grant: {"result": "ok"}
        for who, identity in zip(others, ("ann@x.example", "bob@x.example", "ann@x.example")):
            self.store(vault, who, identity=identity)
        answer = self.delete(vault)
        self.assertIs(answer["revoked"], False)
        self.assertIn("the same consent", answer["reason"])
        self.assertGone(vault)
        self.assertEqual(self.grants.lines, [])
        answer = self.assertSuccess(vault.ask("delete_token", **calendar, revoke=True))
        self.assertIs(answer["revoked"], True)

    def test_whatever_the_provider_says_it_is_forgotten(self):
        _, vault = self.ready()
        for name in ("unreachable", "no_answer", "request_refused", "client_refused", "nonsense"):
            with self.subTest(result=name):
                self.grants.answer = lambda grant: result(name)
                self.assertEqual(self.delete(vault),
                                 {**HOME, "revoked": False, "reason": "for a reason"})
                self.assertGone(vault)
                self.store(vault)
        self.grants.close()
        self.assertIn("cannot reach action-grant", self.delete(vault)["reason"])
        self.assertGone(vault)
        self.grants.listen()

    def test_what_cannot_be_revoked(self):
        _, vault = self.ready()
        self.assertSuccess(vault.ask("delete_provider", provider="google"))
        self.assertIn("not there any more", self.delete(vault)["reason"])
        self.assertSuccess(vault.ask("set_provider", provider="google", app={
            "profile": "oidc", "client_id": "c", "token_endpoint": "https://example.com/token"}))
        self.store(vault)
        self.assertIn("no endpoint", self.delete(vault)["reason"])
        self.assertSuccess(vault.ask("store_token", **WHO, credential={"access_token": "a"}))
        self.assertIn("nothing is known", self.delete(vault)["reason"])
        self.assertGone(vault)
        self.assertEqual(self.grants.lines, [])
        self.assertError(vault.ask("delete_token", **WHO, revoke="yes"), "invalid_request")

    def test_what_is_stored_meanwhile_stays(self):
        daemon, vault = self.ready()
        self.grants.gate.clear()
        self.grants.answer = lambda grant: {"result": "ok"}
        vault.send(json.dumps({"id": 1, "op": "delete_token", "revoke": True, **WHO}))
        self.grants.wait(1)
        other = self.connect(daemon)
        self.store(other, access_token="stored", expires_in=3600)
        self.grants.gate.set()
        self.assertTrue(self.assertSuccess(vault.receive())["revoked"])
        self.assertToken(vault, "stored")

    def test_questions_during_it_find_nothing_after(self):
        daemon, vault = self.ready()
        self.grants.gate.clear()
        self.grants.answer = lambda grant: {"result": "ok"}
        vault.send(json.dumps({"id": 1, "op": "delete_token", "revoke": True, **WHO}))
        self.grants.wait(1)
        vault.send(json.dumps({"id": 2, "op": "get_token", **WHO}))
        vault.send(json.dumps({"id": 3, "op": "delete_token", "revoke": True, **WHO}))
        self.grants.gate.set()
        answers = {answer["id"]: answer for answer in (vault.receive() for _ in range(3))}
        self.assertTrue(self.assertSuccess(answers[1])["revoked"])
        self.assertError(answers[2], "not_connected")
        self.assertError(answers[3], "not_connected")
        self.assertEqual(len(self.grants.lines), 1)


class Providers(RenewalTest):
    def test_they_are_kept_and_never_told_whole(self):
        daemon, vault = self.start()
        self.assertError(vault.ask("get_provider", provider="google"), "not_found", "provider add")
        self.assertEqual(self.assertSuccess(vault.ask("list_providers")), {"providers": []})
        self.assertEqual(self.assertSuccess(vault.ask("set_provider", provider="google", app=APP)),
                         {"provider": "google"})
        answer = self.assertSuccess(vault.ask("get_provider", provider="google"))
        self.assertEqual(answer["provider"], "google")
        self.assertEqual(answer["app"]["client_id"], "client-1")
        self.assertNotIn("client_secret", answer["app"])
        self.assertSuccess(vault.ask("set_provider", provider="again", app={
            **APP, "client_id": "client-2"}))
        daemon.stop()
        self.assertNotIn(SECRET.encode(), (daemon.state / "vault.db").read_bytes())
        self.assertNotIn(SECRET.encode(), daemon.stderr)

        _, vault = self.start()
        answer = self.assertSuccess(vault.ask("list_providers"))
        self.assertNotIn(SECRET, json.dumps(answer))
        self.assertEqual([(p["provider"], p["app"]["client_id"]) for p in answer["providers"]],
                         [("again", "client-2"), ("google", "client-1")])
        self.assertEqual(self.assertSuccess(vault.ask("delete_provider", provider="again")),
                         {"provider": "again"})
        self.assertError(vault.ask("delete_provider", provider="again"), "not_found")

    def test_bad_apps(self):
        _, vault = self.start()
        for app in ({}, {"profile": "nobody"}, {**APP, "color": "red"}, {**APP, "client_id": ""},
                    {**APP, "token_endpoint": "http://example.com/token"}):
            self.assertError(vault.ask("set_provider", provider="google", app=app),
                             "invalid_request")
        self.assertError(vault.ask("set_provider", provider="google", app="x"), "invalid_request")
        self.assertEqual(self.assertSuccess(vault.ask("list_providers")), {"providers": []})

    def test_they_have_a_limit(self):
        _, vault = self.start()
        for n in range(64):
            self.assertSuccess(vault.ask("set_provider", provider=f"p{n}", app=APP))
        self.assertError(vault.ask("set_provider", provider="p64", app=APP), "invalid_request",
                         "64 providers")
        self.assertSuccess(vault.ask("set_provider", provider="p0", app=APP))
        self.assertEqual(len(self.assertSuccess(vault.ask("list_providers"))["providers"]), 64)

    def test_a_test_and_a_discovery(self):
        _, vault = self.start()
        self.assertSuccess(vault.ask("set_provider", provider="google", app=APP))
        self.grants.answer = lambda grant: {"result": "ok"}
        self.assertEqual(self.assertSuccess(vault.ask("test_provider", provider="google")),
                         {"provider": "google", "result": "ok"})
        self.grants.answer = lambda grant: result("client_refused")
        self.assertEqual(self.assertSuccess(vault.ask("test_provider", provider="google")),
                         {"provider": "google", "result": "client_refused",
                          "reason": "for a reason"})
        self.assertError(vault.ask("test_provider", provider="nobody"), "not_found")

        facts = {"issuer": "https://id.example.com", "token_endpoint": "https://id.example.com/t"}
        self.grants.answer = lambda grant: {"result": "ok", "facts": facts}
        self.assertEqual(self.assertSuccess(vault.ask("discover", issuer=facts["issuer"])), facts)
        self.assertEqual(self.grants.lines[-1]["kind"], "metadata")
        self.assertEqual(self.grants.lines[-1]["app"]["issuer"], facts["issuer"])
        self.grants.answer = lambda grant: result("unreachable")
        self.assertError(vault.ask("discover", issuer=facts["issuer"]), "upstream_unreachable")
        n = len(self.grants.lines)
        for issuer in ("", "id.example.com", "http://id.example.com", "file:///etc/passwd", 1):
            self.assertError(vault.ask("discover", issuer=issuer), "invalid_request", "issuer")
        self.assertEqual(len(self.grants.lines), n)

    def test_each_is_served_what_is_his(self):
        engine = {"get_token": WHO, "delete_token": WHO, "status": {}, "exchange": {},
                  "start_device": {}, "store_token": {}}
        admin = {"set_provider": {}, "delete_provider": {}, "list_providers": {},
                 "test_provider": {}, "discover": {}}
        cases = [(self.config(admin=os.getuid() + 1), admin, engine),
                 (self.config(allow=os.getuid() + 1), engine, admin)]
        for config, forbidden, allowed in cases:
            daemon, vault = self.start(config=config)
            for op, fields in forbidden.items():
                self.assertError(vault.ask(op, **fields), "forbidden", op)
            for op, fields in {**allowed, "get_provider": {}}.items():
                self.assertNotEqual(vault.ask(op, **fields).get("error", {}).get("code"),
                                    "forbidden")
            daemon.stop()


class Secrets(RenewalTest):
    ACCESS, REFRESH = "canary-access." * 100, "canary-refresh." * 100

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root")
    def test_no_canary_in_memory_or_logs(self):
        daemon, vault = self.ready(refresh_token=self.REFRESH)
        if "libasan" in pathlib.Path(f"/proc/{daemon.process.pid}/maps").read_text():
            self.skipTest("SKIP: a sanitizer's allocator does not wipe")
        self.grants.answer = lambda grant: ok(self.ACCESS, refresh_token=self.REFRESH)
        self.assertToken(vault, self.ACCESS)
        self.assertSuccess(vault.ask("exchange", **WHO, provider="google", **{
            **CODE, "code": "canary-code." * 100}))
        self.grants.answer = lambda grant: result("no_answer")
        self.assertSuccess(vault.ask("delete_token", **WHO, revoke=True))
        control = str(daemon.state).encode() # is there: else the search would be no search
        words = (b"canary-access.", b"canary-refresh.", b"canary-code.", SECRET.encode(), control)
        until(lambda: daemon.holds(*words), lambda found: found == {control})
        daemon.stop()
        for word in words[:-1]:
            self.assertNotIn(word, daemon.stderr)


if __name__ == "__main__":
    if not shutil.which("systemd-socket-activate"):
        raise SystemExit("SKIP: systemd-socket-activate is missing")
    unittest.main()
