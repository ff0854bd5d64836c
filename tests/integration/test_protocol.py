# SPDX-License-Identifier: MIT
"""The wire protocol, sentence by sentence, for the ops that read, ask and send."""

import array
import json
import os
import socket
import threading
import unittest

import jws
from engine import RFC3339, Connection, Stack, descriptors, email, memory_kib, until
from upstream import Upstream

LIMIT = 1 << 20
IN_FLIGHT = 8

CONFIG = f"""
[Engine]
MaxMessageBytes={LIMIT >> 10}K
MaxInFlightPerConnection={IN_FLIGHT}
MaxConnections=600
"""

upstream = stack = None


def setUpModule():
    global upstream, stack
    upstream = unittest.enterModuleContext(Upstream())
    stack = unittest.enterModuleContext(Stack(CONFIG, upstream.url))


class Case(unittest.TestCase):
    token = None  # the stack's

    def setUp(self):
        self.c = self.enterContext(stack.connect(self.token))

    def expect(self, line, code, connection=None):
        """One raw line gives one error, and the connection lives on. Returns the response."""
        c = connection or self.c
        c.send_bytes(line + b"\n" if isinstance(line, bytes) else line.encode() + b"\n")
        response = c.read()
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], code, response)
        self.assertIn(c.call({"op": "ping"})["status"], "success")
        return response


class Lines(Case):
    token = ""

    def test_what_is_not_json(self):
        deep = b'{"op":"ping","payload":' + b"[" * 64 + b"]" * 64 + b"}"
        cases = {
            "text": b"hello",
            "open object": b'{"op":"ping"',
            "open string": b'{"op":"ping}',
            "two values": b'{"op":"ping"} {}',
            "trailing comma": b'{"op":"ping",}',
            "single quotes": b"{'op':'ping'}",
            "comment": b'{"op":"ping"} // x',
            "leading zero": b'{"op":"ping","id":01}',
            "plus": b'{"op":"ping","id":+1}',
            "bare point": b'{"op":"ping","id":1.}',
            "hex": b'{"op":"ping","id":0x1}',
            "NaN": b'{"op":"ping","id":NaN}',
            "beyond double": b'{"op":"ping","id":1e999}',
            "beyond double, negative": b'{"op":"ping","payload":{"a":-1e400}}',
            "100 000 digits": b'{"op":"ping","id":' + b"9" * 100_000 + b"}",
            "duplicate key": b'{"op":"ping","op":"ping"}',
            "duplicate key, escaped": b'{"op":"ping","\\u006fp":"ping"}',
            "duplicate key, deep": b'{"op":"ping","payload":{"a":[{"b":1,"b":2}]}}',
            "duplicate token": b'{"op":"ping","token":"a","token":"a"}',
            "NUL": b'{"op":"ping","id":"a\x00b"}',
            "NUL, escaped": b'{"op":"ping","id":"a\\u0000b"}',
            "NUL behind the line": b'{"op":"ping"}\x00',
            "raw control character": b'{"op":"ping","id":"a\tb"}',
            "form feed as space": b'{"op":"ping",\x0c"id":1}',
            "CR in a string": b'{"op":"ping","id":"a\rb"}',
            "lone high surrogate": b'{"op":"ping","id":"\\ud800"}',
            "lone low surrogate": b'{"op":"ping","id":"\\udc00 x"}',
            "surrogates swapped": b'{"op":"ping","id":"\\udc00\\ud800"}',
            "surrogate, raw": b'{"op":"ping","id":"\xed\xa0\x80"}',
            "bad escape": b'{"op":"ping","id":"\\x41"}',
            "cut escape": b'{"op":"ping","id":"\\u12"}',
            "latin-1": b'{"op":"ping","id":"\xe9"}',
            "overlong": b'{"op":"ping","id":"\xc0\xaf"}',
            "beyond U+10FFFF": b'{"op":"ping","id":"\xf4\x90\x80\x80"}',
            "cut UTF-8": b'{"op":"ping","id":"\xe2\x82"}',
            "BOM": b'\xef\xbb\xbf{"op":"ping"}',
            "UTF-16": '{"op":"ping"}'.encode("utf-16-le"),
            "65 levels": deep,
            "a million levels": b"[" * (1 << 19),
        }
        for name, line in cases.items():
            with self.subTest(name):
                self.expect(line, "invalid_json")

    def test_what_is_json_but_no_request(self):
        for line in b"[]", b"1", b'"ping"', b"null", b"true", b'[{"op":"ping"}]', b" 1.5e3 ":
            with self.subTest(line):
                self.assertIn("line", self.expect(line, "invalid_request"))

    def test_what_is_json_all_the_same(self):
        cases = [
            b'{"op":"ping"}',
            b' \t{ "op" : "ping" } \t',
            b'{"op":"ping"}\r',
            b'\r\n\n\r\n{"op":"ping"}',
            b'{"op":"\\u0070ing"}',
            b'{"op":"ping","id":"\\ud83d\\ude00"}',
            '{"op":"ping","id":"😀\u2028\u007f"}'.encode(),
            b'{"op":"ping","id":-0}',
        ]
        for line in cases:
            with self.subTest(line):
                self.c.send_bytes(line + b"\n")
                self.assertEqual(self.c.read()["status"], "success")

    def test_64_levels_are_allowed(self):
        payload = '{"x":' + "[" * 62 + "]" * 62 + "}"
        line = '{"platform":"gmail","action_type":"send_email","payload":%s}' % payload
        with stack.connect() as c:
            self.expect(line, "invalid_payload", c)

    def test_errors_name_the_line_when_there_is_no_id(self):
        # Line 3 is empty: it gets no answer and counts all the same.
        self.c.send_bytes(b'{"op":"ping"}\nx\n\n{"op":"nothing"}\n{"op":"nothing","id":4}\n[]\n')
        responses = [self.c.read() for _ in range(5)]
        self.assertEqual([r.get("line") for r in responses], [None, 2, 4, None, 6])
        self.assertEqual(responses[3]["id"], 4)

    def test_over_long_line_costs_only_itself(self):
        head, tail = b'{"op":"ping","id":"', b'"}'
        for extra, expected in (0, "invalid_request"), (1, "message_too_large"):
            with self.subTest(extra=extra):
                fill = b"x" * (LIMIT + extra - len(head) - len(tail))
                self.expect(head + fill + tail, expected)  # at the limit only the id is too long

    def test_endless_line_is_not_held(self):
        pid = stack.pid("engine")
        before = memory_kib(pid)
        for _ in range(256):
            self.c.send_bytes(b"x" * (256 << 10))
        self.assertLess(memory_kib(pid) - before, 24 << 10)
        self.c.send_bytes(b'\n{"op":"ping","id":1}\n')
        first, second = self.c.read(), self.c.read()
        self.assertEqual(first["error"]["code"], "message_too_large")
        self.assertEqual(first["line"], 1)
        self.assertEqual(second["id"], 1)


class Envelope(Case):
    def test_id_comes_back_as_it_was(self):
        ids = ["", "7", "x" * 128, "ä" * 64, '"\\\u0001\n', "😀", 0, -1, 7, 2**53, -(2**53)]
        for value in ids:
            with self.subTest(value):
                self.c.send({"op": "ping", "id": value})
                response = self.c.read()
                self.assertEqual(response["status"], "success", response)
                self.assertEqual(response["id"], value)
                self.assertIs(type(response["id"]), type(value))

    def test_id_of_another_kind(self):
        bad = ["1.0", "1e2", "0.5", "9007199254740993", "-9007199254740993", "null", "true", "[]",
               "{}", '"' + "x" * 129 + '"', '"' + "ä" * 65 + '"']
        for value in bad:
            with self.subTest(value):
                response = self.expect('{"op":"ping","id":%s}' % value, "invalid_request")
                self.assertIn("line", response)

    def test_without_id_there_is_only_a_request_id(self):
        self.c.send({"op": "ping"})
        response = self.c.read()
        self.assertNotIn("id", response)
        self.assertNotIn("line", response)

    def test_request_ids_rise(self):
        for _ in range(100):
            self.c.send({"op": "ping"})
        ids = [self.c.read()["request_id"] for _ in range(100)]
        self.assertEqual(ids, sorted(set(ids)))

    def test_unknown_field_is_refused_by_name(self):
        cases = [
            (email(idempotencykey="k"), "idempotencykey"),
            (email(Token="x"), "Token"),
            ({"op": "ping", "": 1}, ""),
            ({"op": "hello", "jsonrpc": "1.0"}, "jsonrpc"),
            (email(credential={}), "credential"),
            ({"op": "auth_token", "platform": "gmail", "credential": {}, "x\ny": 1}, "x"),
        ]
        for request, field in cases:
            with self.subTest(field):
                error = self.c.error(request)
                self.assertEqual(error["code"], "invalid_request", error)
                self.assertIn(field, error["message"])
        many = {f"f{i}": i for i in range(100_000)}
        self.c.send_bytes(json.dumps(many)[: LIMIT - 2].rsplit(",", 1)[0].encode() + b"}\n")
        self.assertEqual(self.c.read()["error"]["code"], "invalid_request")

    def test_fields_of_the_wrong_kind(self):
        wrong = {
            "op": [1, None, [], {}, True],
            "token": [1, None, {}],
            "user_id": [1, None, [], ""],
            "platform": [1, None, []],
            "action_type": [1, None, {}],
            "payload": ["{}", None, [], 1],
            "account": [1, None, "", "a b", "a/b", "x" * 65, "ä", "a\n"],
            "idempotency_key": [1, None, "", "x" * 256, "a\tb", "ä", "\x7f"],
            "deadline_ms": [0, -1, 86_400_001, 1.5, "5", None, True, 2**53],
            "dry_run": [1, 0, "true", None],
            "interactive": [1, "true", None],
            "traceparent": [1, None, {}],
        }
        for field, values in wrong.items():
            for value in values:
                with self.subTest(field=field, value=value):
                    error = self.c.error(email(dry_run=True) | {field: value})
                    self.assertEqual(error["code"], "invalid_request", error)
                    self.assertIn(field, error["message"])

    def test_fields_at_their_limit(self):
        right = [
            {"deadline_ms": 86_400_000},
            {"user_id": "u1"},
            {"account": "default"},
        ]
        for more in right:
            with self.subTest(more):
                self.c.result(email(dry_run=True, **more))
        # Nobody keeps keys yet, and says so instead of letting a caller rely on it.
        for key in "!~", "k" * 255:
            error = self.c.error(email(dry_run=True, idempotency_key=key))
            self.assertEqual(error["code"], "invalid_request")
            self.assertIn("not kept", error["message"])
        # No credential for that account, but its name is fine.
        self.assertEqual(self.c.code(email(account="a.B_9@x+-" + "y" * 55)), "not_connected")

    def test_unknown_op(self):
        for op in "", "Ping", "ping ", "perform", "op\x01", "x" * 1000, "💥":
            with self.subTest(op):
                self.assertEqual(self.c.code({"op": op}), "unknown_op")

    def test_absent_op_means_perform_action(self):
        self.assertEqual(self.c.result(email(dry_run=True))["decision"], "yes")
        self.assertEqual(self.c.result(email(dry_run=True, op="perform_action"))["decision"], "yes")

    def test_missing_fields(self):
        for field in "platform", "action_type", "payload":
            with self.subTest(field):
                request = email()
                del request[field]
                error = self.c.error(request)
                self.assertEqual(error["code"], "invalid_request")
                self.assertIn(field, error["message"])


class Operations(Case):
    def test_hello(self):
        with stack.connect("") as c:
            result = c.result({"op": "hello"})
        self.assertEqual(result["protocol"], 1)
        self.assertRegex(result["version"], r"^\d+\.\d+")
        self.assertIsInstance(result["features"], list)
        self.assertIn(LIMIT, result["limits"].values())
        self.assertIn(IN_FLIGHT, result["limits"].values())

    def test_what_needs_a_token(self):
        needs = {
            "hello": False,
            "ping": False,
            "health": True,
            "list_actions": True,
            "perform_action": True,
            "auth_token": True,
        }
        more = {
            "perform_action": email(dry_run=True),
            "auth_token": {"platform": "gmail", "credential": {"access_token": "x"}},
        }
        with stack.connect("") as c:
            for op, needed in needs.items():
                with self.subTest(op):
                    response = c.call({"op": op, **more.get(op, {})})
                    if needed:
                        self.assertEqual(response["error"]["code"], "unauthenticated")
                    else:
                        self.assertEqual(response["status"], "success")

    def test_authenticate(self):
        with stack.connect("") as c:
            result = c.result({"op": "authenticate", "token": stack.token})
            self.assertEqual(result["user_id"], "u1")
            self.assertEqual(result["scopes"], ["*"])
            self.assertRegex(result["expires_at"], RFC3339)
            self.assertEqual(
                result["peer"], {"uid": os.getuid(), "gid": os.getgid(), "pid": os.getpid()}
            )
            c.result({"op": "health"})
            self.assertEqual(c.code({"op": "authenticate"}), "invalid_request")

    def test_a_failed_authenticate_leaves_nobody(self):
        """Who asks to be somebody else must not go on as who he was."""
        self.assertEqual(self.c.code({"op": "authenticate", "token": "x.y.z"}), "token_invalid")
        self.assertEqual(self.c.code({"op": "health"}), "unauthenticated")

    def test_a_token_for_one_request(self):
        with stack.connect("") as c:
            c.result({"op": "health", "token": stack.token})
            self.assertEqual(c.code({"op": "health"}), "unauthenticated")

    def test_the_line_after_authenticate_is_authenticated(self):
        with stack.connect("") as c:
            lines = [{"op": "authenticate", "token": stack.token}] + 5 * [{"op": "health"}]
            c.send_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            for _ in lines:
                self.assertEqual(c.read()["status"], "success")

    def test_health(self):
        self.assertIn("vault", self.c.result({"op": "health"}))

    def test_list_actions(self):
        for request in {"op": "list_actions"}, {"op": "list_actions", "platform": "gmail"}:
            actions = self.c.result(request)["actions"]
            names = [(a["platform"], a["action_type"]) for a in actions]
            self.assertEqual(("smtp", "send_email") in names, "platform" not in request)
            send = actions[names.index(("gmail", "send_email"))]
            self.assertTrue(send["title"] and send["description"])
            self.assertEqual(send["payload_schema"]["type"], "object")
            properties = set(send["payload_schema"]["properties"])
            self.assertLessEqual({"to", "subject", "body"}, properties)
            self.assertIsInstance(send["result_schema"], dict)
            self.assertIn("https://www.googleapis.com/auth/gmail.send", send["oauth_scopes"])
            self.assertIn(
                send["idempotency"], ("read", "idempotent", "reconcilable", "unrepeatable")
            )
        error = self.c.error({"op": "list_actions", "platform": "pigeon"})
        self.assertEqual(error["code"], "unsupported_platform")
        self.assertIn("gmail", error["message"])

    def test_unsupported(self):
        cases = [
            (email(platform="pigeon"), "unsupported_platform", "gmail"),
            (email(platform="Gmail"), "unsupported_platform", "gmail"),
            (email(platform=""), "unsupported_platform", "gmail"),
            (email(platform="x" * 64), "unsupported_platform", "gmail"),
            (email(platform="x" * 10_000), "invalid_request", "platform"),
            (email(action_type="fly"), "unsupported_action", "send_email"),
            (email(action_type="send_email "), "unsupported_action", "send_email"),
        ]
        for request, code, names in cases:
            with self.subTest(code):
                error = self.c.error(request)
                self.assertEqual(error["code"], code)
                self.assertIn(names, error["message"])

    def test_invalid_payload_names_every_fault(self):
        error = self.c.error(email() | {"payload": {"body": None, "sbject": "x", "cc": [1, 2]}})
        self.assertEqual(error["code"], "invalid_payload")
        paths = {finding["path"] for finding in error["errors"]}
        self.assertLessEqual({"/to", "/body", "/sbject", "/cc/0", "/cc/1"}, paths)
        for finding in error["errors"]:
            self.assertEqual(set(finding), {"path", "message"})
        self.assertEqual(self.c.code(email() | {"payload": {"to": 2**53 + 1}}), "invalid_payload")

    def test_success_has_the_shape_of_the_page(self):
        response = self.c.call(email("shape@example.com"))
        self.assertEqual(response["status"], "success", response)
        self.assertEqual((response["platform"], response["action_type"]), ("gmail", "send_email"))
        self.assertTrue(response["result"]["message_id"].startswith("msg_"))
        self.assertRegex(response["result"]["timestamp"], RFC3339)

    def test_the_request_id_goes_upstream(self):
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        response = self.c.call(email("trace@example.com", traceparent=trace))
        (request,) = upstream.to("trace@example.com")
        self.assertEqual(request.headers["X-Request-Id"], response["request_id"])
        self.assertEqual(request.headers["Traceparent"][3:35], trace[3:35])
        self.assertEqual(request.headers["Authorization"], "Bearer " + stack.google_token)

    def test_dry_run_does_all_but_send(self):
        with self.subTest("sends nothing, shows what it would send"):
            result = self.c.result(email("dry@example.com", dry_run=True))
            self.assertEqual(result["decision"], "yes")
            self.assertIn("request", result)
            self.assertNotIn(stack.google_token, json.dumps(result))
            self.assertEqual(upstream.to("dry@example.com"), [])
        for more, code in [
            ({"payload": {}}, "invalid_payload"),
            ({"platform": "pigeon"}, "unsupported_platform"),
            ({"account": "none"}, "not_connected"),
        ]:
            with self.subTest(code):
                self.assertEqual(self.c.code(email(dry_run=True) | more), code)

    def test_auth_token(self):
        key = stack.key("auth-token")
        bearer = "canary-" + os.urandom(16).hex()
        with stack.connect(jws.token(key, sub="newcomer")) as c:
            self.assertEqual(c.code(email()), "not_connected")
            response = c.call(
                {"op": "auth_token", "platform": "gmail", "credential": {"access_token": bearer}}
            )
            self.assertEqual(response["status"], "success")
            self.assertNotIn(bearer, json.dumps(response))
            c.result(email("newcomer@example.com"))
        (request,) = upstream.to("newcomer@example.com")
        self.assertEqual(request.headers["Authorization"], "Bearer " + bearer)
        self.assertNotIn(bearer, stack.log("engine") + stack.log("vault"))

    def test_auth_token_keeps_accounts_apart(self):
        credential = {"access_token": "of-work"}
        self.c.result({"op": "auth_token", "platform": "gmail", "account": "work",
                       "credential": credential})
        self.c.result(email("work@example.com", account="work"))
        self.c.result(email("home@example.com"))
        for address, bearer in ("work", "of-work"), ("home", stack.google_token):
            (request,) = upstream.to(address + "@example.com")
            self.assertEqual(request.headers["Authorization"], "Bearer " + bearer)

    def test_auth_status(self):
        key = stack.key("auth-status")
        request = {"op": "auth_status"}
        past = {"access_token": "x", "expires_at": "2020-01-01T00:00:00Z"}
        with stack.connect(jws.token(key, sub="status", scope="auth:gmail gmail:*")) as c:
            self.assertEqual(c.result(request)["connected_platforms"],
                             [{"platform": "gmail", "status": "not_connected"}])
            for account, credential in ("one", {"access_token": "x"}), ("two", past):
                c.result({"op": "auth_token", "platform": "gmail", "account": account,
                          "credential": credential})
            known = [{"platform": "gmail", "account": "one", "status": "active"},
                     {"platform": "gmail", "account": "two", "status": "token_expired"}]
            self.assertEqual(c.result(request)["connected_platforms"], known)
            self.assertEqual(c.result(request | {"platform": "gmail"})["connected_platforms"],
                             known)
            self.assertEqual(c.code(request | {"platform": "pigeon"}), "unsupported_platform")
            self.assertEqual(c.code(request | {"platform": "notion"}), "forbidden")
            self.assertEqual(c.code(request | {"user_id": "u1"}), "forbidden")
        with stack.connect(jws.token(key, sub="status", scope="gmail:*")) as c:
            self.assertEqual(c.result(request)["connected_platforms"], [])

    def test_auth_token_refuses(self):
        good = {"op": "auth_token", "platform": "gmail", "credential": {"access_token": "x"}}
        cases = [
            ({"platform": "pigeon"}, {"unsupported_platform"}),
            ({"credential": "x"}, {"invalid_request"}),
            ({"credential": {}}, {"invalid_request", "invalid_payload"}),
            ({"credential": {"access_token": 7}}, {"invalid_request", "invalid_payload"}),
            ({"credential": {"access_token": ""}}, {"invalid_request", "invalid_payload"}),
            ({"credential": {"access_token": "a\r\nX: y"}}, {"invalid_request", "invalid_payload"}),
            ({"account": ""}, {"invalid_request"}),
        ]
        for more, codes in cases:
            with self.subTest(more):
                self.assertIn(self.c.code(good | more), codes)
        for field in "platform", "credential":
            with self.subTest(missing=field):
                self.assertEqual(
                    self.c.code({k: v for k, v in good.items() if k != field}), "invalid_request"
                )


class Streams(Case):
    def test_one_byte_at_a_time(self):
        line = json.dumps(email("bytes@example.com", id="slow")).encode() + b"\n"
        for byte in line:
            self.c.send_bytes(bytes([byte]))
        self.assertEqual(self.c.read()["id"], "slow")

    def test_ten_thousand_in_one_write(self):
        n = 10_000
        data = b"".join(b'{"op":"ping","id":%d}\n' % i for i in range(n))
        with Connection(stack.socket) as c:
            c.socket.settimeout(None)
            writer = Writer(c.socket, data)
            seen = [c.read()["id"] for _ in range(n)]
            writer.join()
        self.assertEqual(sorted(seen), list(range(n)))

    def test_answers_come_as_they_are_ready(self):
        self.addCleanup(upstream.gate.clear)
        upstream.gate.clear()
        slow = self.c.start(email("slow+order@example.com"))
        upstream.wait_for("slow+order@example.com")
        fast = self.c.start(email("fast@example.com"))
        self.assertEqual(self.c.read()["id"], fast)
        upstream.gate.set()
        self.assertEqual(self.c.read()["id"], slow)

    def test_half_closed_peer_gets_what_it_is_owed(self):
        self.addCleanup(upstream.gate.clear)
        upstream.gate.clear()
        asked = {self.c.start(email(f"slow+half{i}@example.com")) for i in range(IN_FLIGHT)}
        self.c.end()
        upstream.wait_for(f"slow+half{IN_FLIGHT - 1}@example.com")
        upstream.gate.set()
        responses = self.c.read_all()
        self.assertEqual({r["id"] for r in responses}, asked)
        self.assertEqual({r["status"] for r in responses}, {"success"})

    def test_half_closed_within_a_line(self):
        self.c.send_bytes(b'{"op":"ping","id":1}\n{"op":"pi')
        self.c.end()
        self.assertEqual([r.get("id") for r in self.c.read_all()][:1], [1])

    def test_requests_beyond_the_limit_wait(self):
        self.addCleanup(upstream.gate.clear)
        upstream.gate.clear()
        n = 3 * IN_FLIGHT
        before = len(upstream.requests)
        asked = {self.c.start(email(f"slow+window{i}@example.com")) for i in range(n)}
        upstream.wait_count(before + IN_FLIGHT)
        with stack.connect() as other:  # a whole round trip, during which nothing more may leave
            other.result({"op": "health"})
        self.assertEqual(len(upstream.requests), before + IN_FLIGHT)
        upstream.gate.set()
        self.assertEqual({self.c.read()["id"] for _ in range(n)}, asked)

    def test_who_never_reads_is_held_back_and_loses_nothing(self):
        pid = stack.pid("engine")
        before = memory_kib(pid)
        c = self.enterContext(Connection(stack.socket))
        sent = fill(c.socket, b'{"op":"hello","id":%d}\n')
        self.assertLess(memory_kib(pid) - before, 24 << 10)
        self.c.result({"op": "health"})
        self.assertEqual(sorted(c.read()["id"] for _ in range(sent)), list(range(sent)))

    def test_500_connections(self):
        pid = stack.pid("engine")
        before = descriptors(pid)
        connections = [Connection(stack.socket) for _ in range(500)]
        try:
            for i, c in enumerate(connections):
                c.send({"op": "ping", "id": i})
            for i, c in enumerate(connections):
                self.assertEqual(c.read()["id"], i)
        finally:
            for c in connections:
                c.close()
        until(lambda: descriptors(pid), lambda n: n <= before)

    def test_who_vanishes_leaves_nothing(self):
        pid = stack.pid("engine")
        before = descriptors(pid)
        for data in b"", b'{"op":', b'{"op":"ping"}\n', b'{"op":"ping"}\n' * 5000, b"x" * LIMIT * 2:
            with self.subTest(len(data)):
                for _ in range(20):
                    c = Connection(stack.socket)
                    c.socket.setblocking(False)
                    try:
                        c.send_bytes(data)
                    except BlockingIOError:
                        pass
                    c.close()
        with stack.connect() as c:
            c.send(email("slow+vanish@example.com"))
            upstream.wait_for("slow+vanish@example.com")
        upstream.gate.set()
        self.addCleanup(upstream.gate.clear)
        # The upstream's own connection may stay in the pool.
        until(lambda: descriptors(pid), lambda n: n <= before + 1)
        self.c.result({"op": "health"})

    def test_descriptors_sent_along_are_dropped(self):
        pid = stack.pid("engine")
        before = descriptors(pid)
        with open("/dev/null", "rb") as null:
            rights = array.array("i", [null.fileno()] * 200)
            for i in range(100):
                self.c.socket.sendmsg(
                    [b'{"op":"ping","id":%d}\n' % i],
                    [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)],
                )
                self.assertEqual(self.c.read()["id"], i)
        self.assertLessEqual(descriptors(pid), before)

    def test_one_user_cannot_fill_the_engine(self):
        """Half a long line holds room of its uid's quota; short requests pass it by."""
        halves = [self.enterContext(Connection(stack.socket)) for _ in range(64)]
        for c in halves:
            c.socket.setblocking(False)
            try:
                c.send_bytes(b'{"op":"ping","id":"' + b"x" * (LIMIT // 2))
            except BlockingIOError:
                pass
        self.c.result({"op": "health"})


class Unfinished(unittest.TestCase):
    def test_half_a_long_line_is_passed_over(self):
        """It holds its uid's room for LineTimeoutSec= and no longer; the connection lives on."""
        config = f"[Engine]\nMaxMessageBytes={LIMIT}\nMaxBytesPerUser={LIMIT}\nLineTimeoutSec=0.2\n"
        with Stack(config) as own, Connection(own.socket) as half, Connection(own.socket) as other:
            half.send_bytes(b'\n{"op":"ping","id":"' + b"x" * (LIMIT // 2))
            other.send_bytes(b'{"op":"ping","traceparent":"' + b"x" * (LIMIT // 2) + b'"}\n')
            response = half.read()
            self.assertEqual(response["error"]["code"], "deadline_exceeded")
            self.assertEqual(response["line"], 2)
            self.assertIn("LineTimeoutSec=", response["error"]["message"])
            self.assertEqual(other.read()["line"], 1)
            half.send_bytes(b'x"}\n{"op":"ping","id":"after"}\n')
            self.assertEqual(half.read()["id"], "after")


class Writer:
    """Writes beside the reader, as a peer with two threads would."""

    def __init__(self, sock, data):
        self._thread = threading.Thread(target=sock.sendall, args=(data,))
        self._thread.start()

    def join(self):
        self._thread.join()


def fill(sock, template):
    """Sends numbered lines until the engine takes no more for a while. Returns how many."""
    sent = 0
    sock.settimeout(0.5)
    try:
        while True:
            sock.sendall(template % sent)
            sent += 1
    except TimeoutError:
        pass
    sock.settimeout(60)
    return sent


if __name__ == "__main__":
    unittest.main()
