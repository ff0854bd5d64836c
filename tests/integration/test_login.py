# SPDX-License-Identifier: MIT
"""actionctl auth login, black box: the engine and the browser are a test's, so that both may be as
hostile as they like."""

import base64
import contextlib
import hashlib
import html.parser
import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse

import jws
import test_auth
from ctl import (ACTIONCTL, HANG_UP, REFUSED, RETRY, SUCCESS, TIMEOUT, UNREACHABLE, USAGE, Case,
                 error, success)

STATE = "abcDEF123-_abcDEF123-_abcDEF123-_abcDEF1234"
SEND = "https://www.googleapis.com/auth/gmail.send"
CODE = "4/0AbCdEf-hidden-code"


def expiry(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Page(html.parser.HTMLParser):
    """What a page holds: its elements, their text, and what a policy would have to allow."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts, self.attributes = [], [], {}, []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        for tag in self.open:
            self.texts[tag] = self.texts.get(tag, "") + data


class Login(Case):
    def setUp(self):
        super().setUp()
        self.seconds = 600
        self.allowed = lambda uri: True
        self.registered = "http://127.0.0.1:1/oauth/callback"
        self.finish = success({"platform": "gmail", "status": "active", "scopes": [SEND],
                               "identity": "user@example.com"})
        self.engine.answers["auth_start"] = self.auth_start
        self.engine.answers["auth_callback"] = lambda request: self.finish

    def auth_start(self, request):
        uri = request.get("redirect_uri", self.registered)
        if "redirect_uri" in request and not self.allowed(uri):
            return error("invalid_request")
        query = urllib.parse.urlencode({"client_id": "c", "redirect_uri": uri, "state": STATE,
                                        "response_type": "code", "scope": f"openid email {SEND}"})
        return success({"authorization_url": f"https://accounts.example.com/auth?{query}",
                        "state": STATE, "expires_at": expiry(self.seconds)})

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL):
        p = subprocess.Popen([ACTIONCTL, "auth", "login", "gmail", *arguments], stdin=stdin,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                                  "ACTION_ENGINE_SOCKET": self.engine.path, **(env or {})})
        self.addCleanup(self.end, p)
        return p

    @staticmethod
    def end(p):
        if p.poll() is None:
            p.kill()
        p.communicate()

    @staticmethod
    def link(stream):
        """The link that is shown, as its redirect_uri."""
        for line in stream:
            if line.startswith("  https://"):
                query = urllib.parse.urlsplit(line.strip()).query
                return urllib.parse.parse_qs(query)["redirect_uri"][0]
        raise AssertionError("no link")

    def wait(self, p, code=SUCCESS):
        out, err = p.communicate(timeout=TIMEOUT)
        self.assertEqual(p.returncode, code, (out, err))
        return out, err

    @staticmethod
    def connect(uri):
        at = urllib.parse.urlsplit(uri)
        return http.client.HTTPConnection("127.0.0.1", at.port, timeout=TIMEOUT)

    def get(self, uri, method="GET", headers=None, body=None, **query):
        """One request as a browser sends it. Returns (status, headers, text)."""
        at = urllib.parse.urlsplit(uri)
        target = at.path + ("?" + urllib.parse.urlencode(query) if query else "")
        c = self.connect(uri)
        with contextlib.closing(c):
            c.request(method, target, body=body, headers={"Host": at.netloc, **(headers or {})})
            response = c.getresponse()
            return response.status, response.headers, response.read().decode()

    def come_back(self, uri, **query):
        query = query if "error" in query else {"code": CODE, **query}
        status, headers, text = self.get(uri, state=STATE, **query)
        self.assertEqual(status, 200)
        return headers, text

    def callbacks(self):
        return [r for r in self.engine.requests if r["op"] == "auth_callback"]


class Loopback(Login):
    def test_the_whole_way(self):
        p = self.start("--account", "work", "--user", "u", "--scope", SEND)
        uri = self.link(p.stdout)
        self.assertRegex(uri, r"^http://127\.0\.0\.1:\d+/oauth/callback$")
        self.come_back(uri, iss="https://accounts.example.com")
        out, err = self.wait(p)
        self.assertIn("user@example.com", out)
        self.assertIn(SEND, out)
        self.assertNotIn(CODE, out + err)

        start, callback = self.engine.requests
        self.assertEqual({k: start[k] for k in start if k != "id"}, {
            "op": "auth_start", "platform": "gmail", "account": "work", "user_id": "u",
            "scopes": [SEND], "redirect_uri": uri})
        answer = callback.pop("authorization_response")
        self.assertEqual({k: callback[k] for k in callback if k != "id"}, {
            "op": "auth_callback", "platform": "gmail", "account": "work", "user_id": "u"})
        self.assertTrue(answer.startswith(uri + "?"))
        self.assertEqual(urllib.parse.parse_qs(urllib.parse.urlsplit(answer).query), {
            "state": [STATE], "code": [CODE], "iss": ["https://accounts.example.com"]})

    def test_nobody_but_this_machine_and_only_as_long_as_needed(self):
        p = self.start()
        uri = self.link(p.stdout)
        port = urllib.parse.urlsplit(uri).port
        with open("/proc/net/tcp", encoding="ascii") as f:
            listening = [line.split()[1] for line in f if line.split()[3] == "0A"]
        self.assertIn(f"0100007F:{port:04X}", listening)
        self.assertNotIn(f"00000000:{port:04X}", listening)
        self.come_back(uri)
        self.wait(p)
        with self.assertRaises(ConnectionRefusedError):
            self.come_back(uri)

    def test_a_port_of_ones_own(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
            _, err = self.run_ctl("auth", "login", "gmail", "--port", str(port), code=USAGE)
            self.assertIn("--no-browser", err)
        p = self.start("--port", str(port))
        uri = self.link(p.stdout)
        self.assertEqual(urllib.parse.urlsplit(uri).port, port)
        self.come_back(uri)
        self.wait(p)

    def test_the_registered_redirect(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        for host in "127.0.0.1", "localhost":
            self.engine.requests.clear()
            self.registered = f"http://{host}:{port}/somewhere/else"
            self.allowed = lambda uri: False
            p = self.start()
            self.assertEqual(self.link(p.stdout), self.registered)
            self.come_back(self.registered)
            self.wait(p)
            self.assertEqual([r.get("redirect_uri") is None for r in self.engine.requests],
                             [False, True, True])
            self.assertTrue(self.callbacks()[0]["authorization_response"].startswith(
                self.registered + "?"))

    def test_a_registered_redirect_elsewhere_is_pasted(self):
        self.registered = "https://example.com/callback"
        self.allowed = lambda uri: False
        p = self.start(stdin=subprocess.PIPE)
        self.assertEqual(self.link(p.stdout), self.registered)
        answer = f"{self.registered}?code={CODE}&state={STATE}"
        p.stdin.write(answer + "\n")
        p.stdin.flush()
        self.wait(p)
        self.assertEqual(self.callbacks()[0]["authorization_response"], answer)

    def test_what_the_engine_refuses(self):
        self.engine.answers["auth_start"] = error("unsupported_platform")
        out, err = self.run_ctl("auth", "login", "gmail", "--json", code=REFUSED)
        self.assertEqual(json.loads(out)["error"]["code"], "unsupported_platform")
        self.assertIn("[unsupported_platform]", err)
        self.assertEqual(len(self.engine.requests), 1)
        self.engine.answers["auth_start"] = error("invalid_request")
        _, err = self.run_ctl("auth", "login", "gmail", code=REFUSED)
        self.assertIn("[invalid_request]", err)

    def test_an_engine_that_says_something_else(self):
        for result in ({}, {"state": STATE}, {"authorization_url": "https://a/?redirect_uri=x"},
                       {"state": STATE, "authorization_url": "https://a/"},
                       {"state": "", "authorization_url": "https://a/?redirect_uri=http://x/"},
                       {"state": STATE, "authorization_url":
                        "javascript:alert(1)?redirect_uri=http://127.0.0.1:1/"},
                       {"state": STATE, "authorization_url":
                        "https://a/?redirect_uri=http://127.0.0.1:1/oauth/callback"}):
            self.engine.answers["auth_start"] = success(result)
            self.run_ctl("auth", "login", "gmail", code=REFUSED)
        self.assertEqual(self.callbacks(), [])

    def test_json_is_the_engines_line_alone(self):
        p = self.start("--json")
        self.come_back(self.link(p.stderr))
        out, _ = self.wait(p)
        self.assertEqual(json.loads(out)["result"]["identity"], "user@example.com")

    def test_the_time_is_over(self):
        self.seconds = 2
        p = self.start()
        _, err = self.wait(p, code=RETRY)
        self.assertIn("time", err)
        self.assertEqual(self.callbacks(), [])

    def test_ctrl_c(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            p = self.start()
            uri = self.link(p.stdout)
            # The link is shown before the wait begins; who is answered is waited for.
            self.assertEqual(self.get(uri)[0], 404)
            p.send_signal(number)
            _, err = self.wait(p, code=RETRY)
            self.assertIn("interrupted", err)
            with self.assertRaises(ConnectionRefusedError):
                self.come_back(uri)


class Answers(Login):
    """What the browser shows."""

    def page_of(self, answer, exit_code, **query):
        self.finish = answer
        p = self.start()
        headers, text = self.come_back(self.link(p.stdout), **query)
        out, err = self.wait(p, code=exit_code)
        return headers, text, out + err

    def test_what_is_shown(self):
        denied = {"error": "access_denied"}
        partly = success({"scopes": ["openid", "email"], "missing_scopes": [SEND],
                          "identity": "user@example.com"})
        for name, answer, query, code, title, words in (
                ("connected", self.finish, {}, SUCCESS, "Connected",
                 ["user@example.com", SEND, "gmail"]),
                ("partly", partly, {}, SUCCESS, "Connected, with less than was asked for",
                 ["user@example.com", SEND, "Not granted"]),
                ("refused", error("authorization_failed"), denied, REFUSED,
                 "Nothing was connected", ["refused"]),
                ("another account", error("authorization_failed"), {}, REFUSED, "Not connected",
                 ["it did not work"]),
                ("no vault", error("vault_unavailable", True), {}, RETRY, "Not connected",
                 ["it did not work"])):
            with self.subTest(name):
                _, text, told = self.page_of(answer, code, **query)
                page = Page(text)
                self.assertEqual(page.texts["h1"], title)
                self.assertIn(title, page.texts["title"])
                self.assertIn(title, told)
                for word in words:
                    self.assertIn(word, page.texts["main"])
                    self.assertIn(word, told)

    def test_an_engine_that_hangs_up(self):
        _, text, _ = self.page_of(HANG_UP, UNREACHABLE)
        self.assertEqual(Page(text).texts["h1"], "Not connected")

    def test_it_is_a_page_for_everybody(self):
        headers, text, _ = self.page_of(self.finish, SUCCESS)
        page = Page(text)
        self.assertTrue(text.startswith("<!doctype html>"))
        self.assertIn(("lang", "en"), page.attributes)
        self.assertIn(("name", "viewport"), page.attributes)
        for tag in "title", "main", "h1":
            self.assertEqual(page.tags.count(tag), 1)
        for tag in "script", "img", "link", "iframe", "form", "a", "base", "object":
            self.assertNotIn(tag, page.tags)
        self.assertNotRegex(text, r"https?://(?!www\.googleapis)|url\(|@import")
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")

    def test_the_policy_allows_its_style_alone(self):
        headers, text, _ = self.page_of(self.finish, SUCCESS)
        style = re.search(r"(?s)<style>(.*)</style>", text).group(1).encode()
        digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
        self.assertEqual(headers["Content-Security-Policy"],
                         f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
                         "form-action 'none'; frame-ancestors 'none'")
        for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
                            ("X-Content-Type-Options", "nosniff"), ("Connection", "close")):
            self.assertEqual(headers.get_all(name), [value])

    def test_the_colours_can_be_read(self):
        """WCAG 2.1: 4.5 to 1, of all text in both schemes."""
        _, text, _ = self.page_of(self.finish, SUCCESS)
        names = dict(re.findall(r"--(\w+): (#\w{6})", text))
        dark = dict(re.findall(r"--(\w+): (#\w{6})", text[text.index("prefers-color-scheme"):]))
        light = {**names, **dict(re.findall(r"--(\w+): (#\w{6})",
                                            text[:text.index("prefers-color-scheme")]))}

        def luminance(colour):
            parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
            parts = [c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4 for c in parts]
            return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2]

        def contrast(a, b):
            a, b = sorted((luminance(a), luminance(b)))
            return (b + .05) / (a + .05)

        for scheme in light, dark:
            for front, back in (("ink", "card"), ("soft", "card"), ("on", "good"),
                                ("on", "partly"), ("on", "bad")):
                self.assertGreaterEqual(contrast(scheme[front], scheme[back]), 4.5, (front, back))

    def test_nothing_foreign_is_markup(self):
        evil = "\"'><script>alert(1)</script>&lt;\r\nSet-Cookie: a=b\u202e\x1b[31m"
        answer = error("authorization_failed")
        answer["error"]["message"] = evil
        for reply, code in ((answer, REFUSED),
                            (success({"identity": evil, "scopes": [evil, SEND]}), SUCCESS)):
            headers, text, told = self.page_of(reply, code, error_description=evil, evil=evil)
            page = Page(text)
            self.assertNotIn("script", page.tags)
            self.assertNotIn("Set-Cookie", headers)
            self.assertIn("<script>alert(1)</script>&lt;??Set-Cookie", page.texts["main"])
            self.assertNotRegex(text + told, "[\u202e\x1b\r]")


class Hostile(Login):
    """Other programs, and other pages in the same browser, can reach the listener."""

    def setUp(self):
        super().setUp()
        self.login = self.start()
        self.uri = self.link(self.login.stdout)
        at = urllib.parse.urlsplit(self.uri)
        self.address = ("127.0.0.1", at.port)
        self.netloc = at.netloc

    def finish_well(self):
        """The real one still comes through, and is the only one the engine sees."""
        self.come_back(self.uri)
        self.wait(self.login)
        self.assertEqual(len(self.callbacks()), 1)

    def raw(self, data, shut=False):
        """What is answered to these bytes, until the end."""
        with socket.create_connection(self.address, timeout=TIMEOUT) as s:
            with contextlib.suppress(ConnectionError):
                s.sendall(data)
                if shut:
                    s.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while data := s.recv(65536):
                    answer += data
            return answer

    def test_wrong_hosts(self):
        port = self.address[1]
        for host in (f"evil.example:{port}", "127.0.0.1", f"localhost:{port}", f"127.0.0.1:{port}0",
                     f"127.0.0.1.evil.example:{port}", f"[::1]:{port}", ""):
            with self.subTest(host):
                status, _, text = self.get(self.uri, headers={"Host": host}, state=STATE, code="x")
                self.assertIn(status, (400, 404))
                self.assertNotIn(STATE, text)
        target = f"/oauth/callback?state={STATE}&code=x".encode()
        for head in (b"GET %b HTTP/1.1\r\n\r\n", b"GET %b HTTP/1.0\r\n\r\n",
                     b"GET %%b HTTP/1.1\r\nHost: %b\r\nHost: evil\r\n\r\n" % self.netloc.encode(),
                     b"GET http://evil%%b HTTP/1.1\r\nHost: %b\r\n\r\n" % self.netloc.encode()):
            self.assertRegex(self.raw(head % target, shut=True), rb"^(HTTP/1\.[01] 40[04] |$)")
        self.finish_well()

    def test_wrong_requests(self):
        good = {"state": STATE, "code": CODE}
        for name, query in (("no state", {"code": CODE}), ("other state", {**good, "state": "x"}),
                            ("longer", {**good, "state": STATE + "x"}),
                            ("shorter", {**good, "state": STATE[:-1]}),
                            ("neither", {"state": STATE}), ("nothing", {})):
            with self.subTest(name):
                self.assertEqual(self.get(self.uri, **query)[0], 404)
        for method in "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "BREW":
            self.assertEqual(self.get(self.uri, method, **good)[0], 404, method)
        self.assertEqual(self.get(self.uri, "POST", body=b"x" * 100000, **good)[0], 404)
        for path in "/", "/favicon.ico", "/oauth/callback/", "/oauth/callbacks", "//oauth/callback":
            self.assertEqual(self.get(f"http://{self.netloc}{path}", **good)[0], 404, path)
        for query in (f"state={STATE}&state={STATE}&code=x", f"state={STATE}&code=x&code=y",
                      f"state={STATE}%00&code=x", f"state={STATE}&code=%0d%0a",
                      f"state={STATE}&code=%zz", f"state={STATE}&code=" + "x" * 8192):
            answer = self.raw(f"GET /oauth/callback?{query} HTTP/1.1\r\nHost: {self.netloc}\r\n"
                              "\r\n".encode())
            self.assertRegex(answer, rb"^HTTP/1\.1 4\d\d ")
        self.finish_well()

    def test_what_is_no_http(self):
        for data in (b"\0" * 1000, b"\r\n" * 1000, b"nonsense\r\n\r\n", os.urandom(4096), b"",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            self.raw(data, shut=True)
        self.finish_well()

    def test_heads_without_an_end(self):
        line = b"GET /oauth/callback?" + b"x" * (1 << 20) + b" HTTP/1.1\r\n"
        head = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: %b\r\n" % (b"y" * (1 << 20))
        many = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(100000))
        for data in line, head, many:
            self.assertNotIn(b"200 OK", self.raw(data + b"\r\n"))
        self.finish_well()

    def test_who_dawdles_holds_up_nobody(self):
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                s = stack.enter_context(socket.create_connection(self.address, timeout=TIMEOUT))
                s.sendall(b"GET /oauth/callback?state=")
            self.finish_well()

    def test_even_a_full_house_empties(self):
        """A byte a second keeps a connection alive for ever, unless its whole life is bounded."""
        stop = threading.Event()
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection(self.address, timeout=TIMEOUT))
                       for _ in range(40)]

            def drip():
                while not stop.wait(1):
                    for s in sockets:
                        with contextlib.suppress(OSError):
                            s.send(b"G")

            thread = threading.Thread(target=drip)
            thread.start()
            stack.callback(thread.join, TIMEOUT)
            stack.callback(stop.set)
            self.finish_well()

    def test_two_at_once(self):
        """The engine is asked once, whoever is first."""
        here, there = threading.Event(), threading.Event()
        answer = self.finish

        def slow(request):
            here.set()
            there.wait(TIMEOUT)
            return answer

        self.engine.answers["auth_callback"] = slow
        first = threading.Thread(target=self.come_back, args=(self.uri,))
        first.start()
        here.wait(TIMEOUT)
        with socket.create_connection(self.address, timeout=TIMEOUT) as second:
            second.sendall(f"GET /oauth/callback?state={STATE}&code=x HTTP/1.1\r\n"
                           f"Host: {self.netloc}\r\n\r\n".encode())
            there.set()
            first.join(TIMEOUT)
            with contextlib.suppress(ConnectionError):
                self.assertNotIn(b"200 OK", second.recv(65536))
        self.wait(self.login)
        self.assertEqual(len(self.callbacks()), 1)

    def test_two_in_the_same_moment(self):
        head = (f"GET /oauth/callback?state={STATE}&code=x HTTP/1.1\r\nHost: {self.netloc}\r\n"
                .encode())
        with contextlib.ExitStack() as stack:
            both = [stack.enter_context(socket.create_connection(self.address, timeout=TIMEOUT))
                    for _ in range(2)]
            for s in both:
                s.sendall(head)
            self.assertEqual(self.get(self.uri)[0], 404)  # so both were accepted before
            self.login.send_signal(signal.SIGSTOP)
            for s in both:
                s.sendall(b"\r\n")
            self.login.send_signal(signal.SIGCONT)
            answers = []
            for s in both:
                with contextlib.suppress(ConnectionError):
                    answers.append(s.recv(65536)[:12])
        self.wait(self.login)
        self.assertEqual(answers.count(b"HTTP/1.1 200"), 1)
        self.assertEqual(len(self.callbacks()), 1)

    def test_who_does_not_read_his_page(self):
        with socket.create_connection(self.address, timeout=TIMEOUT) as s:
            s.sendall(f"GET /oauth/callback?state={STATE}&code=x HTTP/1.1\r\n"
                      f"Host: {self.netloc}\r\n\r\n".encode())
            self.wait(self.login)

    def test_the_code_is_nowhere_to_be_seen(self):
        seen = []

        def look(request):
            for name in "cmdline", "environ":
                with open(f"/proc/{self.login.pid}/{name}", "rb") as f:
                    seen.append(f.read())
            return self.finish

        self.engine.answers["auth_callback"] = look
        self.come_back(self.uri)
        out, err = self.wait(self.login)
        self.assertEqual(len(seen), 2)
        for text in (*seen, out.encode(), err.encode()):
            self.assertNotIn(CODE.encode(), text)


class Browser(Login):
    """A browser is opened where there is one."""

    def script(self):
        path = self.file("browser", f"#!/bin/sh\nenv > {self.directory}/env\n"
                                    f"printf '%s\\n' \"$@\" > {self.directory}/new\n"
                                    f"mv {self.directory}/new {self.directory}/words\n")
        os.chmod(path, 0o755)
        return path

    def words(self):
        path = os.path.join(self.directory, "words")
        end = time.monotonic() + TIMEOUT
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.02)
        with open(path) as f:
            return f.read().splitlines()

    def test_it_is_opened_with_a_clean_environment(self):
        script = self.script()
        p = self.start("--verbose", env={
            "BROWSER": f"/nonexistent:{script} --new %s end:{script} wrong", "DISPLAY": ":0",
            "ACTION_ENGINE_TOKEN": "hidden-token", "LD_PRELOAD": "", "HOME": "/nonexistent"})
        uri = self.link(p.stdout)
        words = self.words()
        self.assertEqual((words[0], words[2:]), ("--new", ["end"]))
        self.assertTrue(words[1].startswith("https://accounts.example.com/auth?"))
        with open(os.path.join(self.directory, "env")) as f:
            env = f.read()
        self.assertIn("DISPLAY=:0\n", env)
        self.assertIn("HOME=/nonexistent\n", env)
        self.assertNotIn("hidden-token", env)
        self.assertNotIn("LD_PRELOAD", env)
        self.come_back(uri)
        out, err = self.wait(p)
        self.assertNotIn("hidden", out + err)

    def test_a_command_without_a_place_gets_the_link_last(self):
        p = self.start(env={"BROWSER": self.script(), "WAYLAND_DISPLAY": "wayland-0"})
        uri = self.link(p.stdout)
        self.assertEqual(len(self.words()), 1)
        self.come_back(uri)
        self.wait(p)

    def test_where_none_is_opened(self):
        for env, words in (({}, "no display"),
                           ({"DISPLAY": ":0", "SSH_CONNECTION": "a 1 b 2"}, "SSH"),
                           ({"DISPLAY": ":0", "BROWSER": "/nonexistent"}, "No such file")):
            p = self.start(env={"BROWSER": self.script(), **env})
            self.come_back(self.link(p.stdout))
            _, err = self.wait(p)
            self.assertIn(words, err)
            self.assertFalse(os.path.exists(os.path.join(self.directory, "words")))


class Paste(Login):
    def paste(self, *lines, code=SUCCESS):
        return self.run_ctl("auth", "login", "gmail", "--no-browser", stdin="\n".join(lines),
                            code=code)

    def test_the_whole_way(self):
        answer = f"http://127.0.0.1:1/oauth/callback?state={STATE}&code={CODE}"
        for line in answer, f"  {answer} \r\n", answer + "\nmore\n":
            self.engine.requests.clear()
            out, err = self.paste(line)
            self.assertIn("https://accounts.example.com/auth?", out)
            self.assertIn("user@example.com", out)
            self.assertNotIn(CODE, out + err)
            self.assertEqual(self.callbacks()[0]["authorization_response"], answer)

    def test_pastes_that_are_none(self):
        good = f"http://127.0.0.1:1/oauth/callback?state={STATE}&code={CODE}"
        for line, words in (("", "nothing was entered"), ("\n", "nothing was entered"),
                            ("x" * 9000, "too long"), (CODE, "not where"),
                            (good.replace(STATE, "other"), "another login"),
                            (good.replace("code=", "kode="), "not where"),
                            (good + "&state=" + STATE, "not where")):
            with self.subTest(line[:60]):
                _, err = self.paste(line, code=USAGE)
                self.assertIn(words, err)
                self.assertNotIn(CODE, err)
        self.assertEqual(self.callbacks(), [])

    def test_a_terminal_may_try_again(self):
        ours, theirs = pty.openpty()
        with open(ours, "r+b", buffering=0) as terminal:
            p = self.start("--no-browser", stdin=theirs)
            os.close(theirs)
            self.link(p.stdout)
            terminal.write(b"nonsense\n")
            terminal.write(f"http://127.0.0.1:1/?state={STATE}&code={CODE}\n".encode())
            _, err = self.wait(p)
        self.assertIn("not where", err)
        self.assertEqual(len(self.callbacks()), 1)

    def test_a_terminal_may_paste_while_the_listener_waits(self):
        ours, theirs = pty.openpty()
        with open(ours, "r+b", buffering=0) as terminal:
            p = self.start(stdin=theirs)
            os.close(theirs)
            uri = self.link(p.stdout)
            terminal.write(b"nonsense\n")
            terminal.write(f"{uri}?state={STATE}&code={CODE}\n".encode())
            self.wait(p)
        self.assertEqual(len(self.callbacks()), 1)

    def test_ctrl_c(self):
        ours, theirs = pty.openpty()
        with open(ours, "r+b", buffering=0):
            p = self.start("--no-browser", stdin=theirs)
            os.close(theirs)
            for _ in range(len("Its address: ")):  # the question is behind what is to be set up
                p.stderr.read(1)
            p.send_signal(signal.SIGINT)
            _, err = self.wait(p, code=-signal.SIGINT)
        self.assertIn("interrupted: nothing was connected", err)
        self.assertEqual(self.callbacks(), [])


class Device(Login):
    def test_the_whole_way(self):
        self.engine.answers["auth_start"] = success({
            "verification_uri": "https://example.com/device", "user_code": "ABCD-EFGH\x1b",
            "verification_uri_complete": "https://example.com/device?code=ABCD-EFGH",
            "interval_ms": 5000, "state": STATE, "expires_at": expiry(600)})
        out, _ = self.run_ctl("auth", "login", "gmail", "--device")
        for words in "  https://example.com/device\n", "  ABCD-EFGH?\n", "user@example.com":
            self.assertIn(words, out)
        start, callback = self.engine.requests
        self.assertIs(start["device"], True)
        self.assertEqual({k: callback[k] for k in callback if k != "id"},
                         {"op": "auth_callback", "platform": "gmail", "state": STATE})

    def test_what_goes_wrong(self):
        self.engine.answers["auth_start"] = success({"state": STATE})
        self.run_ctl("auth", "login", "gmail", "--device", code=REFUSED)
        for more in "--no-browser", "--port=1":
            self.run_ctl("auth", "login", "gmail", "--device", more, code=USAGE)


class WithTheEngine(test_auth.Case):
    """The real engine, and a provider that is strict about redirects."""

    def begin(self, *arguments):
        p = subprocess.Popen([ACTIONCTL, "auth", "login", *arguments], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={"ACTION_ENGINE_SOCKET": str(self.stack.socket),
                                  "ACTION_ENGINE_TOKEN": jws.token(self.key, sub=self.me)})
        self.addCleanup(Login.end, p)
        for line in p.stdout:
            if line.startswith("  http"):
                return p, line.strip()
        self.fail(p.stderr.read())

    def consent(self, p, url, code=SUCCESS):
        """The person's part, and the browser's. Returns (page, all that was told)."""
        at = urllib.parse.urlsplit(self.provider.authorize(url))
        c = http.client.HTTPConnection("127.0.0.1", at.port, timeout=TIMEOUT)
        with contextlib.closing(c):
            c.request("GET", f"{at.path}?{at.query}")
            page = c.getresponse().read().decode()
        out, err = p.communicate(timeout=TIMEOUT)
        self.assertEqual(p.returncode, code, (out, err))
        return Page(page).texts["main"], out + err

    def test_any_port(self):
        self.vault.apps["google"] = self.app(profile="google",
                                             redirect_uri="http://127.0.0.1/oauth/callback")
        for told in self.consent(*self.begin("gmail", "--account", "work")):
            for words in "Connected", "u1@example.com", SEND, "work":
                self.assertIn(words, told)
        (exchange,) = self.vault.asked("exchange")
        self.assertEqual(exchange["account"], "work")

    def test_the_port_that_is_registered(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            registered = f"http://127.0.0.1:{s.getsockname()[1]}/oauth/callback"
        self.vault.apps["google"] = self.app(redirect_uri=registered)
        self.consent(*self.begin("gmail"))
        self.assertEqual(self.vault.asked("exchange")[0]["redirect_uri"], registered)

    def test_less_than_was_asked_for(self):
        self.vault.apps["google"] = self.app(profile="google")
        self.vault.script("exchange", {"scopes": ["openid"]})
        for told in self.consent(*self.begin("gmail")):
            self.assertIn("less than was asked for", told)
            self.assertIn(SEND, told)

    def test_a_person_who_refuses(self):
        self.vault.apps["google"] = self.app(profile="google")
        self.provider.denies = "access_denied"
        self.addCleanup(setattr, self.provider, "denies", None)
        for told in self.consent(*self.begin("gmail"), code=REFUSED):
            self.assertIn("refused", told)
        self.assert_not_exchanged()

    def test_on_another_device(self):
        self.vault.script("exchange", {"status": "pending"})
        p = subprocess.run([ACTIONCTL, "auth", "login", "gmail", "--device"], timeout=TIMEOUT,
                           capture_output=True, text=True, check=False,
                           env={"ACTION_ENGINE_SOCKET": str(self.stack.socket),
                                "ACTION_ENGINE_TOKEN": jws.token(self.key, sub=self.me)})
        self.assertEqual(p.returncode, SUCCESS, p.stderr)
        for words in "https://example.com/device", "ABCD-EFGH", "u1@example.com":
            self.assertIn(words, p.stdout)
        self.assertEqual(len(self.vault.asked("exchange")), 2)

    def test_pasted(self):
        p, url = self.begin("gmail", "--no-browser", "--port", "9999")
        out, err = p.communicate(self.provider.authorize(url), TIMEOUT)
        self.assertEqual(p.returncode, SUCCESS, err)
        self.assertIn("u1@example.com", out)


if __name__ == "__main__":
    unittest.main()
