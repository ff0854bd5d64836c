# SPDX-License-Identifier: MIT
"""actionctl provider, black box: an engine and a vault that say what a test tells them to, and a
client secret that must reach the vault and nobody else."""

import json
import os
import pty
import re
import socket
import subprocess
import threading
import unittest

import test_vault_grants
from ctl import (ACTIONCTL, HANG_UP, REFUSED, RETRY, SUCCESS, TIMEOUT, UNREACHABLE, USAGE, Case,
                 FakeEngine, error, success)

SECRET = "GOCSPX-hidden"
ID = "123-abc.apps.googleusercontent.com"
SEND = "https://www.googleapis.com/auth/gmail.send"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
INSTALLED = {"installed": {
    "client_id": ID, "project_id": "p", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token", "client_secret": SECRET,
    "redirect_uris": ["http://localhost"]}}
WEB = {"web": {"client_id": ID, "client_secret": SECRET,
               "redirect_uris": ["https://example.com/cb", "http://127.0.0.1:9/oauth/callback"]}}
FACTS = {"issuer": "https://id.example.com", "authorization_endpoint": "https://id.example.com/a",
         "token_endpoint": "https://id.example.com/t", "client_auth": "client_secret_post",
         "iss_required": True}
NO_SECRET = {k: v for k, v in FACTS.items() if k != "client_auth"}


class Provider(Case):
    def setUp(self):
        super().setUp()
        self.vault = self.enterContext(FakeEngine())
        self.vault.answers = {"set_provider": lambda r: success({"provider": r["provider"]}),
                              "discover": success(FACTS)}
        self.backend = "embedded"
        self.engine.answers["health"] = lambda r: success({"vault": {"backend": self.backend}})
        self.engine.answers["list_actions"] = success({"actions": [
            {"platform": "gmail", "oauth_scopes": [SEND, "https://mail.google.com/"]},
            {"platform": "gmail", "oauth_scopes": [SEND]},
            {"platform": "google_calendar", "oauth_scopes": [EVENTS]},
            {"platform": "notion", "oauth_scopes": []},
            {"platform": "slack", "provider": "slack", "oauth_scopes": ["chat:write"]}, 1, {}]})

    def run_ctl(self, *arguments, env=None, **more):
        return super().run_ctl(*arguments, env={"ACTION_VAULT_SOCKET": self.vault.path,
                                                **(env or {})}, **more)

    def app(self):
        """What the vault was given, once; nobody else saw the secret."""
        requests = [r for r in self.vault.requests if r["op"] == "set_provider"]
        self.assertEqual(len(requests), 1, self.vault.requests)
        self.vault.requests.clear()
        self.assertNotIn(SECRET, json.dumps(self.engine.requests))
        return requests[0]["provider"], requests[0]["app"]

    def add(self, *arguments, **more):
        out, err = self.run_ctl("provider", "add", *arguments, **more)
        self.assertNotIn(SECRET, out + err)
        return out, err


class Add(Provider):
    def test_googles_file(self):
        path = self.file("client.json", json.dumps(INSTALLED))
        out, _ = self.add("google", "--from", path, "-v")
        self.assertEqual(self.app(), ("google", {
            "profile": "google", "client_id": ID, "client_secret": SECRET}))
        self.assertIn("stored", out)
        self.add("google", "--from", "-", "--name", "mine", stdin=json.dumps(INSTALLED))
        self.assertEqual(self.app()[0], "mine")

    def test_googles_file_of_a_web_client(self):
        path = self.file("client.json", json.dumps(WEB))
        self.add("google", "--from", path)
        self.assertEqual(self.app()[1]["redirect_uri"], "http://127.0.0.1:9/oauth/callback")
        self.add("google", "--from", path, "--redirect", "http://127.0.0.1:7/x", "--client-id", "i",
                 "--secret-file", self.file("secret", " other \n"))
        self.assertEqual(self.app()[1], {
            "profile": "google", "client_id": "i", "client_secret": "other",
            "redirect_uri": "http://127.0.0.1:7/x"})

    def test_files_that_are_none(self):
        for name, text, words in (
                ("empty", "", "is empty"), ("array", "[]", "no object"),
                ("cut", json.dumps(INSTALLED)[:-1], "no JSON"),
                ("doubled", '{"web":{},"web":{}}', "no JSON"),
                ("other", '{"a":1}', "neither"), ("text", '{"web":"a"}', "neither"),
                ("no id", json.dumps({"web": {"client_secret": SECRET}}), "client_id"),
                ("id", json.dumps({"web": {"client_id": 1, "client_secret": SECRET}}), "client_id"),
                ("secret", json.dumps({"web": {"client_id": "a", "client_secret": []}}), "client_id"),
                ("uris", json.dumps({"web": {"client_id": "a", "redirect_uris": [1]}}), "client_id"),
                ("service account", json.dumps({"type": "service_account", "private_key": SECRET}),
                 "auth import")):
            with self.subTest(name):
                _, err = self.add("google", "--from", self.file("f", text), code=USAGE)
                self.assertIn(words, err)
        self.add("notion", "--from", self.file("f", json.dumps(WEB)), code=USAGE)
        self.assertEqual(self.vault.requests, [])

    def test_the_steps(self):
        out, _ = self.add("google", "--print")
        self.assertEqual(out.count(SEND + "\n"), 1)
        self.assertIn(EVENTS + "\n", out)
        self.assertNotIn("chat:write", out)
        self.assertIn("Desktop app", out)
        self.assertIn("7 days", out)
        self.assertIn("restricted", out)
        numbers = [int(n) for n in re.findall(r"(?m)^ *(\d+)\. ", out)]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        out, _ = self.add("google", "--print", "--redirect", "http://127.0.0.1:7/x")
        self.assertIn("\n      http://127.0.0.1:7/x\n", out)
        self.assertNotIn("Desktop app", out)
        secret = self.file("secret", SECRET)
        for kind, words in (("notion", "capabilities"), ("slack", "invited")):
            out, _ = self.add(kind, "--print")
            self.assertIn(words, out)
            self.vault.requests.clear()
            self.add(kind, "--client-id", ID, "--secret-file", secret)
            self.assertIn(f"\n      {self.app()[1]['redirect_uri']}\n", out)
        self.assertIn("\n      chat:write\n", out)

    def test_who_has_taken_the_steps_is_shown_none(self):
        path = self.file("client.json", json.dumps(INSTALLED))
        secret = self.file("secret", SECRET)
        for arguments in (["google", "--from", path],
                          ["google", "--client-id", ID, "--secret-file", secret],
                          ["oidc", "--client-id", ID, "--issuer", "https://id.example.com"]):
            out, _ = self.add(*arguments)
            self.assertNotIn(" 1. ", out)
            self.assertIn("What will bite", out)
            self.vault.requests.clear()
        out, _ = self.add("google", "--client-id", ID, code=USAGE)
        self.assertIn(" 1. ", out)

    def test_without_an_engine(self):
        """An administrator has no token: the scopes are known without it."""
        self.engine.answers["list_actions"] = error("unauthenticated")
        for health in HANG_UP, error("unauthenticated"):
            self.engine.answers["health"] = health
            for path in "/nonexistent", self.engine.path:
                out, err = self.add("google", "--print", "--socket", path)
                self.assertEqual(err, "")
                for scope in SEND, EVENTS:
                    self.assertEqual(out.count(f"\n      {scope}\n"), 1)
                self.assertNotIn("\n      \n", self.add("notion", "--print", "--socket", path)[0])
                self.add("google", "--from", self.file("f", json.dumps(INSTALLED)), "--socket", path)
                self.app()

    def test_a_secret_from_stdin(self):
        self.add("slack", "--client-id", "1.2", "--secret-file", "-", stdin=SECRET + "\n")
        self.assertEqual(self.app(), ("slack", {
            "profile": "slack", "client_id": "1.2", "client_secret": SECRET,
            "redirect_uri": "https://localhost/oauth/callback"}))

    def test_what_is_missing(self):
        for arguments in ([], ["google"], ["nothing"], ["google", "--client-id", ID],
                          ["google", "--client-id", ID, "--secret-file", "/nonexistent"],
                          ["google", "--client-id", ID, "--secret-file", self.file("e", " \n")],
                          ["google", "--client-id", ID, "--secret-file", self.file("l", "x" * 1025)],
                          ["oidc", "--client-id", ID],
                          ["google", "--client-id", ID, "--issuer", "https://a"],
                          ["google", "--name", "a-b"], ["google", "--name", "x" * 33],
                          ["google", "--name", "../a"], ["google", "more", "--client-id", ID]):
            with self.subTest(arguments):
                self.add(*arguments, code=USAGE)
        self.assertEqual(self.vault.requests, [])

    def test_an_issuer(self):
        self.add("oidc", "--client-id", ID, "--issuer", "https://id.example.com", "--name", "work",
                 "--secret-file", "-", stdin=SECRET)
        self.assertEqual(self.vault.requests[0]["issuer"], "https://id.example.com")
        self.assertEqual(self.app(), ("work", {
            "profile": "oidc", "client_id": ID, "client_secret": SECRET,
            "redirect_uri": "http://127.0.0.1:8914/oauth/callback", **FACTS}))
        self.add("oidc", "--client-id", ID, "--issuer", "https://id.example.com")
        self.assertEqual(self.app()[1], {
            "profile": "oidc", "client_id": ID, "client_auth": "none",
            "redirect_uri": "http://127.0.0.1:8914/oauth/callback", **NO_SECRET})

    def test_an_issuer_that_is_none(self):
        arguments = ["oidc", "--client-id", ID, "--issuer", "https://a"]
        for answer, code in ((error("upstream_unreachable", True), RETRY), (success([]), REFUSED),
                             (error("invalid_request"), REFUSED), (HANG_UP, UNREACHABLE)):
            self.vault.answers["discover"] = answer
            self.add(*arguments, code=code)
        self.assertNotIn("set_provider", [r["op"] for r in self.vault.requests])

    def test_a_vault_that_refuses(self):
        path = self.file("f", json.dumps(INSTALLED))
        self.vault.answers["set_provider"] = error("forbidden")
        out, err = self.add("google", "--from", path, "--json", code=REFUSED)
        self.assertEqual(json.loads(out)["error"]["code"], "forbidden")
        self.assertIn("[forbidden]", err)
        _, err = self.add("google", "--from", path, "--vault-socket", "/nonexistent",
                          code=UNREACHABLE)
        self.assertIn("action-vault", err)

    def test_other_vaults_keep_no_apps(self):
        self.backend = "kv2"
        path = self.file("f", json.dumps(INSTALLED))
        for arguments in (["google", "--from", path], ["google", "--from", path, "--name", "mine"],
                          ["google", "--print"], ["slack", "--client-id", "1"],
                          ["oidc", "--client-id", "1", "--issuer", "https://a"]):
            name = "mine" if "mine" in arguments else arguments[0]
            out, _ = self.add(*arguments)
            self.assertIn(f"systemd-creds encrypt --name=provider-{name} ", out)
            self.assertIn(f"LoadCredentialEncrypted=provider-{name}:", out)
            app = json.loads(re.search(r"(?m)^  (\{.*)$", out).group(1))
            self.assertEqual(app["client_secret"], "THE SECRET")
            self.assertEqual(app["profile"], arguments[0])
            out, _ = self.add(*arguments, "--json")
            self.assertEqual(json.loads(out), app)
        self.backend = "embedded"
        self.assertIn("systemd-creds", self.add("google", "--print")[0])
        self.assertEqual(self.vault.requests, [])

    def test_the_secret_is_nowhere_to_be_seen(self):
        """Neither in the arguments nor in the environment of the process that holds it."""
        seen, started = [], threading.Event()

        def look(request):
            started.wait(TIMEOUT)
            for name in "cmdline", "environ":
                with open(f"/proc/{p.pid}/{name}", "rb") as f:
                    seen.append(f.read())
            return success({})

        self.vault.answers["set_provider"] = look
        with subprocess.Popen([ACTIONCTL, "provider", "add", "slack", "--client-id", "1",
                               "--secret-file", "-", "--vault-socket", self.vault.path],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE,
                              env={"ACTION_ENGINE_SOCKET": "/nonexistent"}) as p:
            started.set()
            out, err = p.communicate(SECRET, TIMEOUT)
        self.assertEqual(p.returncode, SUCCESS, err)
        self.assertEqual(len(seen), 2)
        for text in (*seen, out.encode(), err.encode()):
            self.assertNotIn(SECRET.encode(), text)


class Terminal(Provider):
    """Questions, and what is typed in answer."""

    def converse(self, *conversation, arguments=(), code=SUCCESS):
        """Answers each question when it is there. Returns all that the terminal showed."""
        ours, theirs = pty.openpty()
        shown = b""
        with open(ours, "r+b", buffering=0) as terminal:
            with subprocess.Popen([ACTIONCTL, "provider", "add", *arguments], stdin=theirs,
                                  stdout=theirs, stderr=theirs, start_new_session=True,
                                  env={"ACTION_ENGINE_SOCKET": self.engine.path,
                                       "ACTION_VAULT_SOCKET": self.vault.path}) as p:
                os.close(theirs)
                for question, answer in conversation:
                    while question not in shown:
                        shown += terminal.read(65536)
                    terminal.write(answer)
                try:
                    while data := terminal.read(65536):
                        shown += data
                except OSError:
                    pass  # the other side is closed
                self.assertEqual(p.wait(TIMEOUT), code, shown)
        self.assertNotIn(SECRET.encode(), shown)
        return shown.decode()

    def test_all_of_it(self):
        shown = self.converse((b"Which provider? (google, notion, oidc, slack) ", b"slack\n"),
                              (b"Client ID: ", b" 1.2 \n"),
                              (b"Client secret: ", b"x\x15wrong\x7f\x7f\x7f\x7f\x7f" +
                               SECRET.encode() + b"\n"))
        self.assertEqual(self.app(), ("slack", {
            "profile": "slack", "client_id": "1.2", "client_secret": SECRET,
            "redirect_uri": "https://localhost/oauth/callback"}))
        self.assertLess(shown.index("Client ID"), shown.index("Client secret"))
        self.assertLess(shown.index(" 1. "), shown.index("Client ID"))

    def test_a_public_client(self):
        self.converse((b"Client ID: ", b"1\n"), (b"Issuer", b"https://id.example.com\n"),
                      (b"public client): ", b"\n"), arguments=["oidc"])
        self.assertEqual(self.app()[1]["client_auth"], "none")

    def test_giving_up(self):
        for keys in b"\x03", b"\n", b"\x04":
            self.converse((b"Client ID: ", b"1\n"), (b"Client secret: ", keys),
                          arguments=["slack"], code=USAGE)
        self.assertEqual(self.vault.requests, [])


class Others(Provider):
    LISTED = {"providers": [
        {"provider": "google", "app": {"profile": "google", "client_id": ID}},
        {"provider": "work", "app": {"profile": "oidc", "client_id": "c\x1b",
                                     "issuer": "https://id.example.com",
                                     "redirect_uri": "http://127.0.0.1:8914/oauth/callback"}}]}

    def test_list(self):
        self.vault.answers["list_providers"] = success(self.LISTED)
        out, _ = self.run_ctl("provider", "list")
        rows = [line.split() for line in out.splitlines()]
        self.assertEqual(rows[1], ["google", "google", ID])
        self.assertEqual(rows[2], ["work", "oidc", "c?", "https://id.example.com",
                                   "http://127.0.0.1:8914/oauth/callback"])
        out, _ = self.run_ctl("provider", "list", "--json")
        self.assertEqual(json.loads(out)["result"], self.LISTED)
        for shape in {}, [], {"providers": {}}, {"providers": [1, {}, {"app": 1}]}:
            self.vault.answers["list_providers"] = success(shape)
            self.run_ctl("provider", "list")

    def test_no_token_goes_to_the_vault(self):
        self.vault.answers["list_providers"] = success(self.LISTED)
        self.run_ctl("provider", "list", env={"ACTION_ENGINE_TOKEN": "t"})
        self.assertEqual([r["op"] for r in self.vault.requests], ["list_providers"])
        self.assertEqual(self.engine.requests, [])

    def test_remove(self):
        self.vault.answers["delete_provider"] = success({"provider": "work"})
        self.run_ctl("provider", "remove", "work")
        self.assertEqual(self.vault.requests[0]["provider"], "work")
        self.vault.answers["delete_provider"] = error("not_found")
        self.run_ctl("provider", "remove", "work", code=REFUSED)

    def test_test(self):
        for result, code in (("ok", SUCCESS), ("client_refused", REFUSED), ("unreachable", RETRY),
                             ("no_answer", RETRY), ("nonsense", REFUSED), ("request_refused", REFUSED),
                             ("address_refused", REFUSED),
                             ("of tomorrow", REFUSED), (None, REFUSED)):
            with self.subTest(result):
                self.vault.answers["test_provider"] = success({"result": result,
                                                               "reason": "for this\x1b"})
                _, err = self.run_ctl("provider", "test", "google", code=code)
                self.assertNotIn("\x1b", err)
                self.assertEqual("for this?" in err, code != SUCCESS and result in {
                    "address_refused", "client_refused", "unreachable", "no_answer", "nonsense",
                    "request_refused"})
                out, _ = self.run_ctl("provider", "test", "google", "--json", code=code)
                self.assertEqual(json.loads(out)["result"]["result"], result)


class WithTheVault(test_vault_grants.GrantsTest):
    """The real vault, action-grant, and a provider that is strict about its client."""

    def run_ctl(self, *arguments, stdin="", code=SUCCESS):
        p = subprocess.run([ACTIONCTL, "provider", *arguments], input=stdin, capture_output=True,
                           text=True, timeout=TIMEOUT, check=False,
                           env={"ACTION_ENGINE_SOCKET": "/nonexistent",
                                "ACTION_VAULT_SOCKET": str(self.daemon_.path)})
        self.assertEqual(p.returncode, code, p)
        self.assertNotIn(self.provider.client.client_secret, p.stdout + p.stderr)
        return p.stdout, p.stderr

    def setUp(self):
        super().setUp()
        self.daemon_, self.vault = self.begin()

    def add(self, secret, *arguments, name="work"):
        self.run_ctl("add", "oidc", "--issuer", self.provider.issuer, "--name", name,
                     "--client-id", self.provider.client.client_id, "--secret-file", "-",
                     *arguments, stdin=secret)

    def test_the_whole_life_of_an_app(self):
        self.add(self.provider.client.client_secret, "--redirect", self.provider.redirect_uri)
        self.assertIn("knows this client", self.run_ctl("test", "work")[0])
        known = self.assertSuccess(self.vault.ask("get_provider", provider="work"))["app"]
        wanted = self.provider.app(redirect_uri=self.provider.redirect_uri, client_secret=None)
        self.assertEqual({name: known.get(name) for name in wanted}, wanted)

        out, _ = self.run_ctl("list")
        self.assertRegex(out, rf"(?m)^work +oidc +{self.provider.client.client_id} +http")
        self.add("another secret")
        _, err = self.run_ctl("test", "work", code=REFUSED)
        self.assertIn("its ID or its secret is wrong", err)
        self.run_ctl("remove", "work")
        self.run_ctl("remove", "work", code=REFUSED)
        self.run_ctl("test", "work", code=REFUSED)
        self.assertNotRegex(self.run_ctl("list")[0], "(?m)^work ")

    def test_every_kind_is_taken(self):
        for kind in "google", "notion", "slack":
            self.run_ctl("add", kind, "--client-id", ID, "--secret-file", "-", stdin=SECRET)
        out, _ = self.run_ctl("list", "--json")
        apps = {p["provider"]: p["app"] for p in json.loads(out)["result"]["providers"]}
        for kind in "google", "notion", "slack":
            self.assertEqual((apps[kind]["profile"], apps[kind]["client_id"]), (kind, ID))
            self.assertNotIn("client_secret", apps[kind])

    def test_what_is_refused(self):
        self.run_ctl("add", "google", "--client-id", "a\x01", "--secret-file", "-", stdin=SECRET,
                     code=REFUSED)
        for issuer, code in (("http://example.com", REFUSED), ("nonsense", REFUSED),
                             (self.provider.issuer + "/x", RETRY)):
            self.run_ctl("add", "oidc", "--client-id", ID, "--issuer", issuer, "--secret-file", "-",
                         stdin=SECRET, code=code)
        self.assertEqual(len(self.run_ctl("list")[0].splitlines()), 2)

    def test_addresses_that_nobody_listed(self):
        with socket.create_server(("127.0.0.1", 0)) as inside:
            inside.setblocking(False)
            url = f"https://127.0.0.1:{inside.getsockname()[1]}"
            _, err = self.run_ctl("add", "oidc", "--client-id", ID, "--issuer", url,
                                  "--secret-file", "-", stdin=SECRET, code=REFUSED)
            self.assertIn("AllowAddress=", err)

            # A provider says itself where its endpoints are, and an app keeps it.
            self.provider.script("metadata", {"token_endpoint": url + "/token"})
            self.add(self.provider.client.client_secret)
            _, err = self.run_ctl("test", "work", code=REFUSED)
            self.assertIn("AllowAddress=", err)
            self.assertRaises(BlockingIOError, inside.accept)


if __name__ == "__main__":
    unittest.main()
