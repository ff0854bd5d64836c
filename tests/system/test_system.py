# SPDX-License-Identifier: MIT
"""What is installed, as README.md says, and run by a real systemd.

The engine's clients are processes in the container, its Gmail is a thread of this one. Nothing
sleeps: what comes a moment later is asked for until it is there.
"""

import ast
import contextlib
import json
import pathlib
import re
import ssl
import subprocess
import tempfile
import unittest

from engine import email, until
from oauth import Provider
from product import (
    BEARER, CONFIGURATION, ENGINE, GRANT, GRANT_LISTENER, GRANT_SOCKET, SOCKET, TOKEN_FILE, UNITS, USERS, VAULT,
    VAULT_SOCKET, readme, set_up)
from upstream import Upstream

JOURNALD = "systemd-journald.service"
SUCCEEDED, FAILED = "9109053448b54a099dfa84b15218ba28", "7b66f2b8a1b44536afc7f320a1e289e3"
REHEARSED = "e367b3f733704171a302342678e93076"
HEX_64 = re.compile(r"[0-9a-f]{64}")

# More connections at once than systemd's default takes in two seconds; prints how many are served.
FLOOD = """
import contextlib, socket, sys
sockets = [socket.socket(socket.AF_UNIX) for _ in range(400)]
for s in sockets:
    s.connect(sys.argv[1])
    with contextlib.suppress(ConnectionError):
        s.sendall(b"{}\\n")
served = 0
for s in sockets:
    with contextlib.suppress(ConnectionError):
        served += len(s.makefile("rb").readline()) > 0
print(served)
"""

box = None
product = None
upstream = None


def setUpModule():
    global box, product, upstream
    box, product, upstream = set_up()


def certify(name, folder):
    """A certificate that vouches for itself, and a server's context with it."""
    key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2",
         "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return pathlib.Path(certificate).read_bytes(), tls


class Case(unittest.TestCase):
    def setUp(self):
        upstream.gate.clear()

    def assert_works(self, connection=None):
        """An e-mail arrives, on a connection of its own if none is given."""
        if connection:
            connection.result(email("sign-of-life@example.com"))
            return
        with product.connect() as new:
            self.assert_works(new)


class Installed(Case):
    def test_users_and_the_socket_folder(self):
        for name in "action-engine", "action-vault":
            passwd = box.run("getent", "passwd", name).stdout.strip().split(":")
            self.assertEqual(passwd[5:], ["/", "/usr/sbin/nologin"], passwd)
            self.assertLess(int(passwd[2]), 1000, passwd)
        self.assert_mode("/run/action-engine", "755 root root")
        self.assert_mode(SOCKET, "660 root action-engine")
        self.assert_mode(VAULT_SOCKET, "600 action-engine action-engine")
        self.assert_mode(GRANT_SOCKET, "600 action-vault action-vault")
        for folder in "/var/lib/action-vault", "/var/lib/action-vault-mark":
            self.assert_mode(folder, "700 action-vault action-vault")
        self.assert_mode("/etc/action-engine/vault-key.cred", "600 root root")
        self.assert_mode("/etc/action-engine/private", "700 root root")
        self.assert_mode("/etc/action-engine/private/signing.jwk", "600 root root")
        self.assert_mode(TOKEN_FILE, "600 me me")

    def test_setup_again_changes_nothing(self):
        """And says so; what it made sends e-mails all the while."""
        def sums():
            files = ["/etc/action-engine", "/etc/passwd", "/etc/group", "/home/me", "/etc/systemd"]
            return box.run("find", *files, "-type", "f", "-exec", "sha256sum", "{}", "+").stdout

        before = sums()
        self.assert_works()
        for options in [], ["--dry-run"]:
            done = box.run("sh", "-euc", " ".join([product.setup, "--json", *options]))
            states = {step["step"]: step["state"] for step in json.loads(done.stdout)["steps"]}
            self.assertEqual(set(states.values()), {"found"}, states)
            self.assertEqual(len(states), 11)
        self.assertEqual(sums(), before)
        self.assert_works()

    def test_setup_makes_what_is_missing_and_nothing_else(self):
        box.run("gpasswd", "--delete", "stranger", "action-engine", check=False)
        box.run("systemctl", "disable", "--now", "action-engine.socket", ENGINE)
        text = "setup --user stranger --scope gmail:send_email --json"
        done = box.run("actionctl", *text.split(), "--dry-run")
        missing = {s["step"] for s in json.loads(done.stdout)["steps"] if s["state"] == "missing"}
        self.assertEqual(missing, {"engine-socket", "member", "token"})
        done = box.run("actionctl", *text.split())
        made = {s["step"] for s in json.loads(done.stdout)["steps"] if s["state"] == "made"}
        self.assertEqual(made, missing)
        self.assertEqual(box.property("action-engine.socket", "ActiveState"), "active")
        try:
            token = box.path("/home/stranger/.config/action-engine/token").read_text("ascii").strip()
            with box.connect(SOCKET, "stranger", token) as connection:
                self.assertEqual(connection.code(email()), "not_connected")
        finally:
            box.run("gpasswd", "--delete", "stranger", "action-engine")

    def test_setup_replaces_no_key_that_has_records(self):
        key, kept = "/etc/action-engine/vault-key.cred", "/root/kept.cred"
        box.run("mv", key, kept)
        try:
            done = box.run("actionctl", "setup", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("bring that key back", done.stderr)
            self.assertFalse(box.path(key).exists())
        finally:
            box.run("mv", kept, key)
        self.assert_works()

    def assert_mode(self, path, expected):
        self.assertEqual(box.run("stat", "-c", "%a %U %G", path).stdout.strip(), expected, path)

    def test_systemd_finds_no_fault_with_the_units(self):
        done = box.run("systemd-analyze", "verify", "--man=no", *UNITS)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_exposure(self):
        for unit, limit in (ENGINE, 1.4), (VAULT, 0.4), (GRANT.replace("@", "@x"), 1.2):
            text = box.run("systemd-analyze", "security", "--no-pager", unit).stdout
            score = re.search(r"Overall exposure level for \S+: (\d+\.\d)", text)
            self.assertLessEqual(float(score[1]), limit, text)

    def test_the_shipped_configuration_is_good(self):
        """As it is, and with each line that is commented out taken at its word."""
        for daemon, ending in ("engine", "d"), ("vault", "d"), ("grant", ""):
            program = f"/usr/lib/action-engine/action-{daemon}{ending}"
            self.assertEqual(box.run(program, "--check-config").returncode, 0)
            text = box.path(f"/usr/lib/action-engine/action-{daemon}.conf").read_text("utf-8")
            copy = f"/tmp/action-{daemon}.conf"
            product.write(copy, re.sub(r"(?m)^#(?=\w+=)", "", text))
            box.run(program, "--config", copy, "--check-config")

    def test_manual_pages(self):
        """Those that the README names."""
        pages = re.findall(r"^\| `([a-z.-]+)\((\d)\)` \|", readme("Install it"), re.MULTILINE)
        self.assertEqual(len(pages), 6)
        for name, section in pages:
            page = box.path(f"/usr/share/man/man{section}/{name}.{section}")
            self.assertTrue(page.exists(), page)

    def test_what_the_kernel_lets_them(self):
        self.assert_works()
        for unit in ENGINE, VAULT:
            fields = product.process(unit)
            for name in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
                self.assertEqual(int(fields[name], 16), 0, (unit, name))
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"), unit)
        self.assertEqual(product.interfaces(VAULT), ["lo"])

    def test_a_reboot_loses_nothing(self):
        self.assert_works()
        upstream.refuse()
        box.reboot()
        box.in_network(upstream.listen)
        self.assertEqual(box.property(ENGINE, "ActiveState"), "inactive")
        self.assert_works()  # with the credential that was stored before
        units = [f"--unit={unit}" for unit in UNITS]
        self.assertEqual(product.journal("--boot", "--priority=warning", *units), [])


class Access(Case):
    def test_the_first_connection_starts_it(self):
        box.run("systemctl", "stop", ENGINE, VAULT)
        self.assertEqual((product.main_pid(ENGINE), product.main_pid(VAULT)), (0, 0))
        with product.connect() as connection:
            self.assert_works(connection)
            for unit, user in (ENGINE, "action-engine"), (VAULT, "action-vault"):
                self.assertEqual(box.property(unit, "ActiveState"), "active")
                uid = box.run("id", "-u", user).stdout.strip()
                self.assertEqual(set(product.process(unit)["Uid"].split()), {uid}, unit)

    def test_who_may_connect(self):
        for path, user in (
            (SOCKET, "stranger"), (VAULT_SOCKET, "me"), (VAULT_SOCKET, "stranger"),
            (GRANT_SOCKET, "me"), (GRANT_SOCKET, "action-engine"),
        ):
            with self.assertRaisesRegex(ConnectionError, "Permission denied"):
                with box.connect(path, user):
                    pass

    def test_the_vault_hands_credentials_to_the_engine_alone(self):
        """root passes the socket's mode, and may set apps; the engine may not."""
        def ask(user, **request):
            with box.connect(VAULT_SOCKET, user) as connection:
                connection.send({"id": 1, **request})
                answer = json.loads(connection.socket.makefile("rb").readline())
            return answer.get("error", {}).get("code", answer["status"])

        for user, credential, providers in (
            ("root", "forbidden", "success"), ("action-engine", "success", "forbidden")
        ):
            answer = ask(user, op="get_token", user_id="me", platform="gmail")
            self.assertEqual(answer, credential, user)
            self.assertEqual(ask(user, op="list_providers"), providers, user)

    def test_a_token_is_for_one_uid(self):
        with product.connect("guest", with_token=False) as connection:
            connection.result({"op": "ping"})
            self.assertEqual(connection.code(email()), "unauthenticated")
            self.assertEqual(connection.code(email(token=product.token)), "token_invalid")
        with product.connect() as connection:
            who = connection.result({"op": "authenticate", "token": product.token})
        self.assertEqual((who["user_id"], who["peer"]["uid"]), ("me", USERS["me"]))


    def test_a_key_that_is_taken_away(self):
        key = "/etc/action-engine/keys.d/local.jwk"
        request = {"op": "authenticate", "token": product.token}
        with product.connect(with_token=False) as connection:
            connection.result(request)
            for source, target, status in (key, "/root/m", "error"), ("/root/m", key, "success"):
                box.run("mv", source, target)
                until(lambda: connection.call(request)["status"], lambda s, good=status: s == good)


class Actions(Case):
    def test_an_email_and_its_entry_in_the_journal(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        with product.connect() as connection:
            peer = connection.result({"op": "authenticate", "token": product.token})["peer"]
            response = connection.call(
                email("audited@example.com", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
            )
        self.assertEqual(response["status"], "success", response)
        (sent,) = upstream.to("audited@example.com")
        self.assertEqual(sent.message["Subject"], "Hello!")
        self.assertEqual(sent.headers["X-Request-Id"], response["request_id"])

        entry = product.audit(response)
        expected = {
            "MESSAGE": "gmail.send_email for me: success",
            "MESSAGE_ID": SUCCEEDED,
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": "action-engined",
            "_SYSTEMD_UNIT": ENGINE,
            "_UID": box.run("id", "-u", "action-engine").stdout.strip(),
            "ACTION_REQUEST_ID": response["request_id"],
            "ACTION_USER_ID": "me",
            "ACTION_PLATFORM": "gmail",
            "ACTION_TYPE": "send_email",
            "ACTION_ACCOUNT": "default",
            "ACTION_STATUS": "success",
            "ACTION_ATTEMPT": "1",
            "ACTION_UPSTREAM_STATUS": "200",
            "ACTION_DECISION": "polkit",
            "ACTION_PEER_UID": str(USERS["me"]),
            "ACTION_PEER_PID": str(peer["pid"]),
            "ACTION_TRACE_ID": trace,
        }
        self.assertEqual({name: entry.get(name) for name in expected}, expected)
        self.assertRegex(entry["ACTION_DIGEST"], HEX_64)
        self.assertGreater(int(entry["ACTION_DURATION_USEC"]), 0)
        self.assertNotIn("audited@example.com", json.dumps(entry))

    def test_the_journal_explains_its_entries(self):
        for message_id, subject, response in (
            (SUCCEEDED, "was carried out for me", product.perform("explained@example.com")),
            (FAILED, "for me ended with upstream_rejected",
             product.perform("e400@example.com", check=False)),
            (REHEARSED, "was rehearsed for me",
             product.perform("explained@example.com", "--dry-run")),
        ):
            self.assertEqual(product.audit(response)["MESSAGE_ID"], message_id)
            request = response["request_id"]
            text = box.run("journalctl", "-x", "--no-pager", f"ACTION_REQUEST_ID={request}").stdout
            self.assertIn(f"Subject: gmail.send_email {subject}", text)
            self.assertIn("Defined-By: Action Engine", text)
            self.assertIn(request, text)
            self.assertNotRegex(text, r"@ACTION_\w+@")

    def test_a_service_is_named_in_the_journal(self):
        """The README's brain, as a service."""
        brain = readme("A brain in fifteen lines").split("```python\n")[1].split("```")[0]
        product.write("/home/me/brain.py", brain)
        done = box.run(
            "systemd-run", "--unit=brain", "--uid=me", "--wait", "--pipe", "--quiet", "--collect",
            f"--setenv=ACTION_ENGINE_SOCKET={SOCKET}",
            f"--setenv=ACTION_ENGINE_TOKEN={product.token}", "python3", "/home/me/brain.py",
        )
        response = ast.literal_eval(done.stdout)
        self.assertEqual(response["status"], "success", response)
        entry = product.audit(response)
        self.assertEqual(entry["ACTION_PEER_UNIT"], "brain.service")

    def test_as_shipped_it_speaks_tls_with_google(self):
        """No drop-in: the sandbox lets it find the name, and whom the system trusts."""
        ours = box.path(CONFIGURATION)
        trusted = box.path("/etc/ssl/certs/ca-certificates.crt")
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as undo:
            certificate, tls = certify("gmail.googleapis.com", folder)
            google = undo.enter_context(box.in_network(lambda: Upstream(443, tls)))
            undo.callback(box.run, "systemctl", "stop", ENGINE)
            undo.callback(ours.write_text, ours.read_text("ascii"), "ascii")
            undo.callback(box.run, "sed", "-i", "/googleapis/d", "/etc/hosts")
            ours.unlink()
            box.run("sh", "-c", "echo 127.0.0.1 gmail.googleapis.com >>/etc/hosts")
            box.run("systemctl", "restart", ENGINE)
            with product.connect() as connection:
                self.assertEqual(connection.code(email()), "upstream_unreachable")
            self.assertEqual(google.requests, [])

            undo.callback(trusted.unlink)
            trusted.parent.mkdir(parents=True, exist_ok=True)
            trusted.write_bytes(certificate)
            box.run("systemctl", "restart", ENGINE)
            self.assert_works()
            self.assertEqual(google.requests[0].headers["Host"], "gmail.googleapis.com")

    def test_nobody_waits_for_the_journal(self):
        """Nor is an entry lost, when journald stands still."""
        with product.connect() as connection:
            self.assert_works(connection)
            product.kill(JOURNALD, "STOP")
            try:
                answers = [connection.call(email("unwritten@example.com")) for _ in range(500)]
            finally:
                product.kill(JOURNALD, "CONT")
        self.assertEqual({answer["status"] for answer in answers}, {"success"})

        def written():
            entries = product.journal(f"MESSAGE_ID={SUCCEEDED}")
            return {entry["ACTION_REQUEST_ID"] for entry in entries}

        until(written, {answer["request_id"] for answer in answers}.issubset)


class Grants(Case):
    """What the vault does, done by hand: a line into the socket, and one out."""

    CONFIGURATION = "/etc/action-engine/action-grant.conf.d/test.conf"

    def setUp(self):
        super().setUp()
        until(self.instances, lambda units: not units)  # of the test before
        self.provider = self.enterContext(box.in_network(lambda: Provider(rotate=True)))
        product.write(self.CONFIGURATION, f"[Http]\nPlainHttp={self.provider.address}\n")
        self.addCleanup(box.run, "rm", self.CONFIGURATION)

    def refresh(self, connection):
        grant = {"kind": "refresh", "app": self.provider.app(),
                 "token": self.provider.grant().refresh_token}
        connection.send(grant)

    def assert_answer(self, connection, result="ok"):
        answer = json.loads(connection.socket.makefile("rb").read())
        self.assertEqual(answer["result"], result, answer)

    def instances(self):
        pattern = GRANT.replace("@", "@*")
        done = box.run("systemctl", "list-units", "--all", "--plain", "--no-legend", pattern)
        return [line.split()[0] for line in done.stdout.splitlines()]

    def test_each_call_is_a_process_that_leaves_nothing(self):
        for _ in range(3):
            with box.connect(GRANT_SOCKET, "action-vault") as connection:
                self.refresh(connection)
                self.assert_answer(connection)
        until(self.instances, lambda units: not units)
        self.assertEqual(box.run("getent", "passwd", "action-grant", check=False).stdout, "")
        entries = until(lambda: product.journal("GRANT_HOST=" + self.provider.address),
                        lambda found: len(found) == 3)
        self.assertEqual({entry["GRANT_RESULT"] for entry in entries}, {"ok"})
        self.assertEqual(len({entry["_PID"] for entry in entries}), 3)
        for secret in self.provider.secrets():
            self.assertNotIn(secret, json.dumps(product.journal("-t", "action-grant")))

    def test_what_the_kernel_lets_it(self):
        self.provider.script("token", "slow")
        with box.connect(GRANT_SOCKET, "action-vault") as connection:
            self.refresh(connection)
            self.provider.wait_calls("token")
            (unit,) = self.instances()
            fields = product.process(unit)
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"))
            for name in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
                self.assertEqual(int(fields[name], 16), 0, name)
            (uid,) = set(fields["Uid"].split())
            self.assertIn(int(uid), range(61184, 65520))  # made for it
            self.provider.gate.set()
            self.assert_answer(connection)

    def test_as_shipped_it_speaks_tls_with_google(self):
        name, trusted = "oauth2.googleapis.com", box.path("/etc/ssl/certs/ca-certificates.crt")
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as undo:
            certificate, tls = certify(name, folder)
            google = undo.enter_context(box.in_network(lambda: Provider(port=443, tls=tls)))
            undo.callback(box.run, "sed", "-i", f"/{name}/d", "/etc/hosts")
            box.run("sh", "-c", f"echo 127.0.0.1 {name} >>/etc/hosts")
            grant = {"kind": "refresh", "token": google.grant().refresh_token,
                     "app": google.app(token_endpoint=f"https://{name}/token")}

            def ask(expected):
                with box.connect(GRANT_SOCKET, "action-vault") as connection:
                    connection.send(grant)
                    self.assert_answer(connection, expected)

            ask("address_refused")
            product.write(self.CONFIGURATION, "[Http]\nAllowAddress=127.0.0.1:443\n")
            ask("unreachable")
            self.assertEqual(google.requests, [])
            undo.callback(trusted.unlink)
            trusted.parent.mkdir(parents=True, exist_ok=True)
            trusted.write_bytes(certificate)
            ask("ok")
            self.assertEqual(google.requests[0].headers["Host"], name)

    def test_root_is_not_heard(self):
        with box.connect(GRANT_SOCKET, "root") as connection:
            self.assertEqual(connection.socket.makefile("rb").read(), b"")
        self.assertEqual(self.provider.requests, [])

    def test_a_stop_of_the_unit_waits(self):
        self.provider.script("token", "slow")
        with box.connect(GRANT_SOCKET, "action-vault") as connection:
            self.refresh(connection)
            self.provider.wait_calls("token")
            (unit,) = self.instances()
            box.run("systemctl", "stop", "--no-block", unit)
            until(lambda: box.property(unit, "SubState"), lambda state: state == "stop-sigterm")
            self.provider.gate.set()
            self.assert_answer(connection)

    def test_crashes_and_bursts_do_not_fail_the_socket(self):
        self.provider.script("token", *["slow"] * 6)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(box.connect(GRANT_SOCKET, "action-vault"))
                       for _ in range(6)]
            for client in clients:
                self.refresh(client)
            self.provider.wait_calls("token", len(clients))
            for unit in self.instances():
                product.kill(unit)
            for client in clients:
                self.assertEqual(client.socket.makefile("rb").read(), b"")
        until(self.instances, lambda units: not units)
        done = box.run("python3", "-c", FLOOD, GRANT_SOCKET, user="action-vault")
        self.assertGreaterEqual(int(done.stdout), 64)  # MaxConnections=
        self.assertEqual(box.property(GRANT_LISTENER, "ActiveState"), "active")
        until(self.instances, lambda units: not units)
        with box.connect(GRANT_SOCKET, "action-vault") as connection:
            self.refresh(connection)
            self.assert_answer(connection)


class Life(Case):
    def test_the_status_tells_figures(self):
        box.run("systemctl", "restart", ENGINE)
        with product.connect() as connection:

            def status():
                pattern = r'Status: "(\d+) connections, 0 actions in flight, (\d+) succeeded, \d+ f'
                return re.search(pattern, box.run("systemctl", "status", ENGINE).stdout)

            for n in 1, 2:
                self.assert_works(connection)
                until(status, lambda s, n=n: s and int(s[1]) == 1 and int(s[2]) == n)

    def test_who_hangs_is_killed_and_started_again(self):
        """A machine that stands still for two seconds is taken for a hang as well; so until it works."""
        for unit in ENGINE, VAULT:
            with self.subTest(unit), product.drop_in(unit, "[Service]\nWatchdogSec=2\n"):
                self.assert_works()
                box.run("systemctl", "restart", unit)
                until(self.works, bool)
                pid = until(lambda: product.main_pid(unit), bool)
                n = int(box.property(unit, "NRestarts"))
                product.kill(unit, "STOP")
                until(lambda: int(box.property(unit, "NRestarts")), lambda now: now > n)
                until(lambda: box.run("journalctl", "--no-pager", "-u", unit, "_PID=1").stdout,
                      lambda log: "Watchdog timeout" in log)
                self.assertNotEqual(product.main_pid(unit), pid)
                until(self.works, bool)
            box.run("systemctl", "restart", unit)
        self.assert_works()

    @staticmethod
    def works():
        with contextlib.suppress(EOFError, ConnectionError), product.connect() as connection:
            return connection.call(email("sign-of-life@example.com"))["status"] == "success"
        return False

    def test_crashes_in_a_row(self):
        for _ in range(6):
            with product.connect() as connection:
                pid = product.main_pid(ENGINE)
                product.kill(ENGINE)
                self.assertIsNone(connection.read())
            until(lambda: product.main_pid(ENGINE), lambda now, old=pid: now not in (0, old))
        self.assert_works()
        for unit in "action-engine.socket", ENGINE:
            self.assertEqual(box.property(unit, "ActiveState"), "active")

    def test_a_stop_answers_what_it_has(self):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(product.connect()) for _ in range(3)]
            for client in clients:
                self.assert_works(client)
            waiting = [(c, c.start(email("slow+drain@example.com"))) for c in clients * 4]
            upstream.wait_for("slow+drain@example.com", len(waiting))
            box.run("systemctl", "stop", "--no-block", ENGINE)
            until(lambda: box.property(ENGINE, "StatusText"), lambda s: s.startswith("Stopping: "))
            late = clients[0].call(email("late@example.com"))
            self.assertEqual(late["error"]["code"], "overloaded", late)

            upstream.gate.set()
            for client, name in waiting:
                self.assertEqual(client.finish(name)["status"], "success")
            for client in clients:
                self.assertIsNone(client.read())
        until(lambda: box.property(ENGINE, "ActiveState"), lambda s: s == "inactive")
        self.assertEqual(box.property(ENGINE, "Result"), "success")
        self.assertEqual(upstream.to("late@example.com"), [])
        self.assert_works()

    def test_who_comes_during_a_restart_is_served_after_it(self):
        with product.connect() as connection:
            connection.start(email("slow+restart@example.com"))
            upstream.wait_for("slow+restart@example.com")
            box.run("systemctl", "restart", "--no-block", ENGINE)
            until(lambda: box.property(ENGINE, "StatusText"), lambda s: s.startswith("Stopping: "))
            before = product.main_pid(ENGINE)
            with product.connect(with_token=False) as new:
                upstream.gate.set()
                self.assertEqual(connection.read()["status"], "success")
                self.assertIsNone(connection.read())
                new.result(email("sign-of-life@example.com", token=product.token))
        self.assertNotIn(product.main_pid(ENGINE), (0, before))

    def test_the_vault_dies(self):
        with product.connect() as connection:
            self.assert_works(connection)
            product.kill(VAULT)
            answers = []

            def ask():
                answers.append(connection.call(email("bereft@example.com")))
                return answers[-1]["status"]

            until(ask, lambda status: status == "success")
            codes = {answer["error"]["code"] for answer in answers[:-1]}
            self.assertLessEqual(codes, {"vault_unavailable"})
            self.assertEqual(len(upstream.to("bereft@example.com")), 1)

    def test_without_a_vault(self):
        with product.connect() as connection:
            self.assert_works(connection)
            box.run("systemctl", "stop", "action-vault.socket", VAULT)
            self.assertEqual(connection.code(email("unvaulted@example.com")), "vault_unavailable")
            box.run("systemctl", "start", "action-vault.socket")
            self.assert_works(connection)
        self.assertEqual(upstream.to("unvaulted@example.com"), [])
