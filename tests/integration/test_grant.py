# SPDX-License-Identifier: MIT
"""action-grant as the vault sees it: a line into its socket, a line out, and a provider behind it."""

import json
import os
import pathlib
import secrets
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import oauth
from engine import BUILD, TIMEOUT, until

PROGRAM = BUILD / "src/grant/action-grant"
MAX_LINE = 128 << 10
MAX_RESPONSE, MAX_TOKEN = 80 << 10, 16384
NOBODY = 65534
REDIRECT = oauth.Provider.redirect_uri

needs_root = unittest.skipUnless(os.getuid() == 0, "needs root")


def may_mount():
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return done.returncode == 0


def certify(folder):
    """A certificate of 127.0.0.1 that vouches for itself, and a server's context with it."""
    key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:idp.example",
         "-days", "2",
         "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return certificate, tls


class Socket:
    """The socket unit: a process for each connection, which may have an /etc/hosts of its own."""

    def __init__(self, plain="", allow=None, http="", accept=True, environment=None, hosts=None):
        self._folder = tempfile.TemporaryDirectory(prefix="test-grant-")
        folder = pathlib.Path(self._folder.name)
        os.chmod(folder, 0o755)
        self.path = folder / "grant.sock"
        config = folder / "action-grant.conf"
        config.write_text(f"[Grant]\nAllowUser={os.getuid() if allow is None else allow}\n"
                          f"[Http]\nPlainHttp={plain}\n{http}", encoding="utf-8")
        self._log = folder / "log"
        passed = {**{n: v for n, v in os.environ.items() if n.endswith("SAN_OPTIONS")},
                  **(environment or {})}
        command = ["systemd-socket-activate", "-l", self.path, *["--accept"][: accept],
                   *(f"-E{name}={value}" for name, value in passed.items()),
                   PROGRAM, "--config", config]
        if hosts:
            mount = 'mount --bind "$0" /etc/hosts && exec "$@"'
            command = ["unshare", "-m", "sh", "-c", mount, hosts, *command]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log)
        until(lambda: "Listening on" in self.log(), bool)
        os.chmod(self.path, 0o777)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        until(self.children, lambda pids: not pids)
        self._process.kill()
        self._process.wait()
        log = self.log()
        self._folder.cleanup()
        for word in "Sanitizer", "runtime error:", "Assertion":
            assert word not in log, log

    def log(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def entries(self):
        """What would be in the journal."""
        whole, _, _ = self.log().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def children(self):
        pid = self._process.pid
        path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        return [int(word) for word in path.read_text(encoding="ascii").split()]

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT)
        connection.connect(str(self.path))
        return connection

    def exchange(self, data):
        """All that comes back for those bytes."""
        with self.connect() as connection:
            connection.sendall(data)
            return receive(connection)

    def ask(self, **grant):
        return one(self.exchange(json.dumps(grant).encode() + b"\n"))


def receive(connection):
    """Until its end, however that looks."""
    chunks = []
    try:
        while chunk := connection.recv(1 << 16):
            chunks.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(chunks)


def one(data):
    """The one line that it is."""
    assert data.endswith(b"\n") and data.count(b"\n") == 1, data
    answer = json.loads(data)
    assert ("reason" in answer) == (answer["result"] != "ok"), answer
    return answer


class Case(unittest.TestCase):
    def provider(self, **options):
        return self.enterContext(oauth.Provider(**options))

    def socket(self, provider=None, **options):
        return self.enterContext(Socket(provider.address if provider else "", **options))

    def assert_result(self, answer, result, words=""):
        self.assertEqual(answer["result"], result, answer)
        self.assertIn(words, answer.get("reason", ""))
        return answer

    def ok(self, answer):
        return self.assert_result(answer, "ok").get("tokens")


def consent(provider, scope="a b", pkce=True):
    """Through the browser: what the grant of a code says."""
    verifier = {"verifier": secrets.token_urlsafe(32)} if pkce else {}
    url = oauth.authorization_url(provider.app(), REDIRECT, scope, **verifier)
    code = oauth.redirect_fields(provider.authorize(url))["code"]
    return {"kind": "code", "code": code, "redirect_uri": REDIRECT, **verifier}


class Kinds(Case):
    def test_a_code_and_what_follows(self):
        for auth in "client_secret_post", "client_secret_basic", "none":
            with self.subTest(auth=auth), oauth.Provider(rotate=True, auth=auth) as provider:
                grants = self.socket(provider)
                app = provider.app()
                code = consent(provider, "openid a")
                tokens = self.ok(grants.ask(app=app, **code))
                self.assertTrue(provider.is_good(tokens["access_token"]))
                self.assertEqual(tokens["scopes"], ["openid", "a"])
                self.assertEqual(tokens["identity"], provider.person)

                new = self.ok(grants.ask(kind="refresh", app=app, token=tokens["refresh_token"]))
                self.assertTrue(provider.is_good(new["access_token"]))
                self.assertNotEqual(new["refresh_token"], tokens["refresh_token"])

                self.ok(grants.ask(kind="revoke", app=app, token=new["refresh_token"]))
                self.assertFalse(provider.is_good(new["access_token"]))
                self.assert_result(
                    grants.ask(kind="refresh", app=app, token=new["refresh_token"]),
                    "grant_refused", "revoked")
                self.assert_result(grants.ask(app=app, **code), "grant_refused", "used before")

    def test_a_token_that_was_used_before_kills_the_grant(self):
        provider = self.provider(rotate=True)
        grants, old = self.socket(provider), provider.grant()
        refresh = {"kind": "refresh", "app": provider.app(), "token": old.refresh_token}
        tokens = self.ok(grants.ask(**refresh))
        self.assert_result(grants.ask(**refresh), "grant_refused", "used before")
        self.assertFalse(provider.is_good(tokens["access_token"]))

    def test_a_refresh_token_that_stays(self):
        provider = self.provider()
        grants, grant = self.socket(provider), provider.grant()
        for _ in range(2):
            tokens = self.ok(grants.ask(kind="refresh", app=provider.app(),
                                        token=grant.refresh_token))
            self.assertNotIn("refresh_token", tokens)

    def test_json_bodies(self):
        """As Notion has it: Basic, JSON, no challenge."""
        provider = self.provider(auth="client_secret_basic", json_body=True, pkce=False)
        app = provider.app(profile="notion")
        tokens = self.ok(self.socket(provider).ask(app=app, **consent(provider, pkce=False)))
        self.assertTrue(provider.is_good(tokens["access_token"]))

    def test_google_is_not_told_more_than_it_asks_for(self):
        provider = self.provider(secret_for_tokens=True)
        grants, app = self.socket(provider), provider.app(profile="google")
        self.ok(grants.ask(app=app, **consent(provider)))
        token = provider.grants[-1].refresh_token
        self.ok(grants.ask(kind="revoke", app=app, token=token))
        self.assertEqual(provider.calls("revoke")[0].fields, {"token": token})
        self.ok(grants.ask(kind="device_start", app=app, scopes="a"))
        self.assertNotIn("client_secret", provider.calls("device")[0].fields)

    def test_errors_with_a_good_status(self):
        """As Slack has it."""
        provider = self.provider(auth="client_secret_basic", ok_member=True, pkce=False)
        grants, app = self.socket(provider), provider.app(profile="slack")
        code = consent(provider, "a,b", pkce=False)
        self.assertEqual(self.ok(grants.ask(app=app, **code))["scopes"], ["a", "b"])
        self.assert_result(grants.ask(app=app, **code), "grant_refused")

    def test_what_a_provider_must_refuse(self):
        provider = self.provider()
        grants, app = self.socket(provider), provider.app()
        other = "http://127.0.0.1:9998/oauth/callback"
        for changes, result in (
            ({"verifier": "x" * 43}, "grant_refused"), ({"redirect_uri": other}, "grant_refused"),
            ({"code": "x"}, "grant_refused"),
            ({"app": {**app, "client_secret": "x"}}, "client_refused"),
            ({"app": {**app, "client_auth": "client_secret_basic"}}, "client_refused"),
        ):
            with self.subTest(changes=changes):
                self.assert_result(grants.ask(**{"app": app, **consent(provider), **changes}),
                                   result)

    def test_no_code_without_its_verifier(self):
        provider = self.provider()
        code = consent(provider)
        del code["verifier"]
        self.assert_result(self.socket(provider).ask(app=provider.app(), **code), "nonsense")
        self.assertEqual(provider.calls("token"), [])

    def test_a_device(self):
        provider = self.provider()
        grants, app = self.socket(provider), provider.app()
        facts = self.assert_result(grants.ask(kind="device_start", app=app, scopes="a b"),
                                   "ok")["facts"]
        poll = {"kind": "device", "app": app, "token": facts["device_code"]}
        for state, result in (
            ("pending", "pending"), ("slow_down", "slow_down"), ("denied", "grant_refused"),
            ("expired", "grant_refused"), ("approved", "ok"), ("approved", "grant_refused"),
        ):
            with self.subTest(state=state):
                provider.decide(facts["user_code"], state)
                self.assert_result(grants.ask(**poll), result)

    def test_an_assertion(self):
        provider = self.provider()
        grants = self.socket(provider)
        provider.service_account("robot@example.com")
        now = int(time.time())
        claims = {"iss": "robot@example.com", "scope": "a", "aud": provider.url + "/token",
                  "iat": now, "exp": now + 3600}
        app = provider.app(client_secret=None)
        for changes, result in (
            ({}, "ok"), ({"aud": "https://example.com"}, "grant_refused"),
            ({"exp": now - 1}, "grant_refused"), ({"iss": "x@example.com"}, "grant_refused"),
        ):
            with self.subTest(changes=changes):
                token = oauth.rsa_key().jwt({**claims, **changes}, kid="key-1")
                answer = grants.ask(kind="assertion", app=app, token=token)
                self.assert_result(answer, result)

    def test_whether_the_client_is_known(self):
        provider = self.provider()
        grants = self.socket(provider)
        self.ok(grants.ask(kind="test", app=provider.app()))
        for wrong in {"client_secret": "x"}, {"client_id": "x"}:
            self.assert_result(grants.ask(kind="test", app=provider.app(**wrong)),
                               "client_refused")

    def test_metadata(self):
        provider = self.provider()
        facts = self.assert_result(self.socket(provider).ask(kind="metadata", app=provider.app()),
                                   "ok")["facts"]
        self.assertEqual(facts["token_endpoint"], provider.url + "/token")

    def test_what_the_app_has_no_endpoint_for(self):
        provider = self.provider()
        app = provider.app(revocation_endpoint=None)
        self.assert_result(self.socket(provider).ask(kind="revoke", app=app, token="t"),
                           "request_refused", "endpoint")
        self.assertEqual(provider.requests, [])


# What a provider does: what the vault is told, and whether it was carried out.
FAULTS = [
    (500, "no_answer"), (503, "no_answer"), (429, "unreachable"), (400, "request_refused"),
    (404, "request_refused"), ((401, {"error": "invalid_client"}), "client_refused"),
    ((400, {"error": "invalid_grant"}), "grant_refused"),
    ((400, b"<html>no</html>"), "request_refused"), ((302, {}), "nonsense"),
    ("close", "no_answer"), ("reset", "no_answer"), ("garbage", "no_answer"),
    ("redirect", "nonsense"), ("lost", "no_answer"), ("cut", "no_answer"),
    ("html", "nonsense"), ("huge", "nonsense"), ("deep", "nonsense"), ("empty", "nonsense"),
    ("array", "nonsense"), ("twice", "nonsense"), ("echo", "request_refused"),
    ({"access_token": None}, "nonsense"), ({"access_token": 1}, "nonsense"),
    ({"access_token": "a\r\nb"}, "nonsense"), ({"access_token": "x" * (MAX_TOKEN + 1)}, "nonsense"),
]


class Faults(Case):
    def test_how_much_a_provider_may_say(self):
        provider = self.provider(rotate=True)
        grants, grant = self.socket(provider), provider.grant()
        refresh = {"kind": "refresh", "app": provider.app(), "token": grant.refresh_token}
        longest = {"access_token": "\\" * MAX_TOKEN, "refresh_token": '"' * MAX_TOKEN, "pad": ""}
        rest = {"token_type": "Bearer", "expires_in": 3600, "scope": grant.scope}
        room = MAX_RESPONSE - len(json.dumps({**longest, **rest}))
        for more, result in (1, "nonsense"), (0, "ok"):
            provider.script("token", {**longest, "pad": "x" * (room + more)})
            refresh["token"] = grant.refresh_token
            answer = self.assert_result(grants.ask(**refresh), result)
        for name in "access_token", "refresh_token":
            self.assertEqual(answer["tokens"][name], longest[name])

    def test_each_is_told_as_what_it_is_and_asked_once(self):
        provider = self.provider()
        grants = self.socket(provider)
        for n, (fault, result) in enumerate(FAULTS, 1):
            with self.subTest(fault=fault):
                grant = provider.grant()
                provider.script("token", fault)
                answer = grants.ask(kind="refresh", app=provider.app(), token=grant.refresh_token)
                self.assert_result(answer, result)
                self.assertNotIn(grant.refresh_token, answer["reason"])
                self.assertEqual(len(provider.requests), n)

    def test_when_a_token_ends_is_not_worth_losing_it(self):
        provider = self.provider()
        grants, grant = self.socket(provider), provider.grant()
        for value, is_told in ((3600, True), ("3600", True), (None, False), (-1, False),
                               ("soon", False), (True, False), ([], False), (1e300, False)):
            with self.subTest(expires_in=value):
                provider.script("token", {"expires_in": value})
                tokens = self.ok(grants.ask(kind="refresh", app=provider.app(),
                                            token=grant.refresh_token))
                self.assertEqual("expires_at" in tokens, is_told)

    def test_nobody_is_there(self):
        provider = self.provider()
        grants, grant = self.socket(provider), provider.grant()
        refresh = {"kind": "refresh", "app": provider.app(), "token": grant.refresh_token}
        provider.refuse()
        self.assert_result(grants.ask(**refresh), "unreachable")
        provider.listen()
        self.ok(grants.ask(**refresh))

    def test_time_runs_out(self):
        provider = self.provider()
        grants = self.socket(provider, http="TotalTimeoutSec=0.2\n")
        refresh = {"kind": "refresh", "app": provider.app(), "token": "t"}

        def ask():
            provider.script("token", "hang")
            return grants.ask(**refresh)

        # Where it runs out before anything is sent, as on a busy machine, it is another answer.
        self.assert_result(until(ask, lambda _: provider.calls("token")), "no_answer")

    def test_only_listed_addresses_without_tls(self):
        provider = self.provider()
        answer = self.socket().ask(kind="refresh", app=provider.app(), token="t")
        self.assertNotIn(answer["result"], ("ok", "no_answer"))
        self.assertEqual(provider.requests, [])

    def test_tls_is_verified(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        certificate, tls = certify(folder)
        provider = self.provider(tls=tls)
        refresh = {"kind": "refresh", "app": provider.app(),
                   "token": provider.grant().refresh_token}
        listed = "AllowAddress=127.0.0.1\n"
        self.assert_result(self.socket(http=listed).ask(**refresh), "unreachable")
        self.assertEqual(provider.requests, [])
        self.ok(self.socket(http=f"{listed}CaFile={certificate}\n").ask(**refresh))

    def test_no_proxy_of_the_environment(self):
        provider, proxy = self.provider(), self.provider()
        names = "http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"
        grants = self.socket(provider, environment={name: proxy.url for name in names})
        self.ok(grants.ask(kind="refresh", app=provider.app(),
                           token=provider.grant().refresh_token))
        self.assertEqual(proxy.requests, [])

        folder = self.enterContext(tempfile.TemporaryDirectory())
        certificate, tls = certify(folder)
        provider = self.provider(tls=tls)
        grants = self.socket(http=f"AllowAddress=127.0.0.1\nCaFile={certificate}\n",
                             environment={name: proxy.url for name in names})
        self.ok(grants.ask(kind="refresh", app=provider.app(),
                           token=provider.grant().refresh_token))
        self.assertEqual(proxy.requests, [])


class Addresses(Case):
    """A provider's are not the administrator's: who makes an app, or is asked what its endpoints
    are, leads action-grant nowhere that is neither public nor listed."""

    def nobody(self, *address):
        """A server that is not to see anybody."""
        server = self.enterContext(socket.create_server(address or ("127.0.0.1", 0)))
        server.setblocking(False)
        self.addCleanup(self.assertRaises, BlockingIOError, server.accept)
        return server.getsockname()[1]

    def test_however_it_is_written(self):
        port = self.nobody()
        for http in "", "AllowAddress=10.0.0.0/8 127.0.0.2 [fd00::]/8 127.0.0.1:1\n":
            grants = self.socket(http=http)
            for host, result in (
                ("127.0.0.1", "address_refused"), ("localhost", "address_refused"),
                ("[::ffff:127.0.0.1]", "address_refused"), ("0.0.0.0", "address_refused"),
                ("0x7f.1", "nonsense"), ("2130706433", "nonsense"), ("127.1", "nonsense"),
                ("idp.example@127.0.0.1", "nonsense"), ("idp.example\\@127.0.0.1", "nonsense"),
                ("\uff11\uff12\uff17.0.0.1", "nonsense"), ("127.0.0.1:1@idp.example", "nonsense"),
            ):
                url = f"https://{host}:{port}"
                app = {"profile": "oidc", "client_id": "c", "issuer": url,
                       "token_endpoint": f"{url}/token"}
                for kind, more in ("metadata", {}), ("refresh", {"token": "t"}):
                    with self.subTest(url=url, kind=kind, http=http):
                        answer = grants.ask(kind=kind, app=app, **more)
                        words = "AllowAddress=" if result == "address_refused" else ""
                        self.assert_result(answer, result, words)

    @needs_root
    @unittest.skipUnless(may_mount(), "may not mount")
    def test_a_name_that_changes(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        certificate, tls = certify(folder)
        provider = self.provider(tls=tls)
        self.nobody("127.0.0.2", provider.port)
        hosts = pathlib.Path(folder, "hosts")
        hosts.touch()
        grants = self.socket(http=f"AllowAddress=127.0.0.1\nCaFile={certificate}\n", hosts=hosts)
        url = f"https://idp.example:{provider.port}/token"
        for n, (address, result) in enumerate((
            ("127.0.0.1", "ok"), ("127.0.0.2", "address_refused"), ("127.0.0.1", "ok"),
            ("169.254.169.254", "address_refused"), ("::ffff:127.0.0.1", "address_refused"),
            ("127.0.0.2 idp.example\n127.0.0.1", "ok"),
        )):
            with self.subTest(n=n, address=address):
                hosts.write_text(f"{address} idp.example\n", encoding="ascii")
                self.assert_result(grants.ask(kind="refresh", app=provider.app(token_endpoint=url),
                                              token=provider.grant().refresh_token), result)
        self.assertEqual(len(provider.requests), 3)


class Peers(Case):
    def test_another_uid_is_not_heard(self):
        grants = self.socket(allow=os.getuid() + 1)
        self.assertEqual(grants.exchange(b'{"kind":"metadata"}\n'), b"")
        until(grants.log, lambda log: "AllowUser=" in log)

    def come_as(self, grants, uid):
        code = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                "try: s.sendall(b'{}\\n'); sys.exit(len(s.recv(9)))\n"
                "except ConnectionError: pass")
        return subprocess.run(
            ["python3", "-c", code, grants.path], user=uid, group=uid, extra_groups=[],
            capture_output=True, timeout=TIMEOUT, check=False)

    @needs_root
    def test_who_comes_as_another(self):
        grants = self.socket(allow=4711)
        for uid, heard in (NOBODY, 0), (4712, 0), (4711, 9):
            done = self.come_as(grants, uid)
            self.assertEqual((done.returncode, done.stderr), (heard, b""), uid)

    @needs_root
    def test_a_uid_that_may_be_anybodys(self):
        """All peers look like that in a user namespace, so that it is served to nobody."""
        grants = self.socket(allow=NOBODY)
        done = self.come_as(grants, NOBODY)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        until(grants.log, lambda log: "anybody's" in log)

    def test_lines_that_are_no_grant(self):
        provider = self.provider()
        grants = self.socket(provider)
        good = {"kind": "refresh", "app": provider.app(), "token": "t"}
        cases = [
            b"{", b"[]", b"null", b"{}", b"\xff", b'{"kind":"refresh","kind":"refresh"}',
            json.dumps({**good, "kind": "x"}).encode(), json.dumps({**good, "x": 1}).encode(),
            json.dumps({**good, "code": "c"}).encode(), json.dumps({**good, "app": {}}).encode(),
            json.dumps({**good, "token": None}).encode(), b"[" * 1000, b" " * (MAX_LINE + 1),
        ]
        for line in cases:
            with self.subTest(line=line[:60]):
                self.assert_result(one(grants.exchange(line + b"\n")), "nonsense",
                                   "does not understand")
        self.assertEqual(provider.requests, [])

    def test_the_longest_line(self):
        provider = self.provider()
        grants = self.socket(provider)
        line = json.dumps({"kind": "refresh", "app": provider.app(),
                           "token": provider.grant().refresh_token})
        self.ok(one(grants.exchange(line.encode() + b" " * (MAX_LINE - len(line)) + b"\n")))

    def test_one_line_is_all(self):
        provider = self.provider()
        grants = self.socket(provider)
        line = json.dumps({"kind": "refresh", "app": provider.app(),
                           "token": provider.grant().refresh_token}).encode() + b"\n"
        self.ok(one(grants.exchange(line * 3)))
        self.assertEqual(len(provider.requests), 1)

    def test_who_writes_nothing_whole_is_dropped(self):
        grants = self.socket()
        self.assertEqual(grants.exchange(b'{"kind":'), b"")
        with grants.connect() as connection:
            connection.sendall(b"{}")
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(receive(connection), b"")

    def test_a_vault_that_is_gone_does_not_stop_it(self):
        provider = self.provider(rotate=True)
        grants, grant = self.socket(provider), provider.grant()
        provider.script("token", "slow")
        with grants.connect() as connection:
            connection.sendall(json.dumps({"kind": "refresh", "app": provider.app(),
                                           "token": grant.refresh_token}).encode() + b"\n")
            provider.wait_calls("token")
        provider.gate.set()
        until(lambda: [e["GRANT_RESULT"] for e in grants.entries() if "GRANT_RESULT" in e],
              lambda results: results == ["ok"])


class Life(Case):
    def test_a_burst(self):
        provider = self.provider(rotate=True)
        grants, app = self.socket(provider), provider.app()
        tokens = [provider.grant().refresh_token for _ in range(24)]
        answers = []

        def refresh(token):
            answers.append(grants.ask(kind="refresh", app=app, token=token)["result"])

        threads = [threading.Thread(target=refresh, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        self.assertEqual(answers, ["ok"] * len(tokens))

    def test_a_stop_waits_for_the_answer(self):
        provider = self.provider(rotate=True)
        grants, grant = self.socket(provider), provider.grant()
        provider.script("token", "slow")
        with grants.connect() as connection:
            connection.sendall(json.dumps({"kind": "refresh", "app": provider.app(),
                                           "token": grant.refresh_token}).encode() + b"\n")
            provider.wait_calls("token")
            (pid,) = grants.children()
            os.kill(pid, signal.SIGTERM)
            provider.gate.set()
            tokens = self.ok(one(receive(connection)))
        self.assertEqual(tokens["refresh_token"], grant.refresh_token)

    def test_a_stop_before_the_line(self):
        grants = self.socket()
        with grants.connect() as connection:
            connection.sendall(b"{")
            (pid,) = until(grants.children, bool)
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(receive(connection), b"")

    def test_the_journal_tells_all_but_secrets(self):
        provider = self.provider(rotate=True)
        grants, grant = self.socket(provider), provider.grant()
        refresh = {"kind": "refresh", "app": provider.app(), "token": grant.refresh_token}
        tokens = self.ok(grants.ask(**refresh))
        provider.script("token", "echo")
        self.assert_result(grants.ask(**{**refresh, "token": tokens["refresh_token"]}),
                           "request_refused")
        until(grants.children, lambda pids: not pids)
        first, second = grants.entries()
        expected = {"GRANT_KIND": "refresh", "GRANT_HOST": provider.address,
                    "GRANT_CLIENT_ID": provider.client.client_id, "GRANT_RESULT": "ok",
                    "GRANT_UPSTREAM_STATUS": "200", "PRIORITY": "6"}
        self.assertEqual({name: first[name] for name in expected}, expected)
        self.assertRegex(first["MESSAGE"],
                         rf"^refresh at {provider.address}: ok in \d+ ms$")
        self.assertEqual((second["GRANT_RESULT"], second["GRANT_UPSTREAM_STATUS"]),
                         ("request_refused", "400"))
        for secret in provider.secrets():
            self.assertNotIn(secret, grants.log())


class Starting(Case):
    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                              timeout=TIMEOUT, check=False)

    def test_words(self):
        self.assertRegex(self.run_program("--version").stdout, r"^action-grant \d")
        self.assertIn("--check-config", self.run_program("--help").stdout)
        for wrong in ("--unknown",), ("x",), ("--config",):
            self.assertEqual(self.run_program(*wrong).returncode, 1)

    def test_without_a_connection(self):
        done = self.run_program()
        self.assertEqual(done.returncode, 1)
        self.assertIn("systemctl start action-grant.socket", done.stderr)

    def test_a_socket_that_listens_is_none(self):
        grants = self.socket(accept=False)
        self.assertEqual(grants.exchange(b"{}\n"), b"")
        until(grants.log, lambda log: "Accept=yes" in log)

    def test_configuration(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = pathlib.Path(folder) / "x.conf"
        for text, words in (
            ("[Grant]\nAllowUser=root\n", ""),
            ("[Grant]\nAllowUser=0\n[Http]\nTotalTimeoutSec=40\n", ""),
            ("[Grant]\nAllowUser=no-such-user\n", "there is no such user"),
            ("[Grant]\nAllowUser=0\nUnknown=1\n", "x.conf:3"),
            ("[Grant]\nAllowUser=0\n[Http]\nTotalTimeoutSec=0\n", "at most 40s"),
            ("[Grant]\nAllowUser=0\n[Http]\nTotalTimeoutSec=41\n", "at most 40s"),
            ("[Grant]\nAllowUser=0\n[Http]\nPlainHttp=example.com:80\n", "loopback"),
            ("[Grant]\nAllowUser=0\n[Http]\nCaFile=x\n", "is no absolute path"),
        ):
            with self.subTest(text=text):
                path.write_text(text, encoding="utf-8")
                done = self.run_program("--check-config", "--config", path)
                self.assertEqual(done.returncode, 1 if words else 0, done.stderr)
                self.assertIn(words, done.stderr)
