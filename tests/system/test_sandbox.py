# SPDX-License-Identifier: MIT
"""What the units keep their services from, tried rather than read; and that nothing which goes wrong
in one of them keeps it from coming back."""

import contextlib
import itertools
import json
import pathlib
import re
import unittest

from engine import email, until
from oauth import Provider
from product import (
    CONFIGURATION, ENGINE, GRANT, GRANT_SOCKET, SOCKET, VAULT, VAULT_SOCKET, set_up)

VAULT_LISTENER, ENGINE_LISTENER = "action-vault.socket", "action-engine.socket"
VAULT_KEY = "/etc/action-engine/vault-key.cred"
PROBE = pathlib.Path(__file__).with_name("probe.py")
# What a probe has to do without: it is no daemon, and started by nobody's connection.
LIFE = r"(?m)^(Requires|Wants|After|Restart\w*|WatchdogSec|RuntimeMaxSec|Type|NotifyAccess)=.*\n"
ALLOWED = {"open AF_UNIX", "write /tmp"}
NETWORK = {"open AF_INET", "open AF_INET6"}
MAY = {
    ENGINE: ALLOWED | NETWORK | {"see process 1"},  # peers' cgroups
    VAULT: ALLOWED | {"read the vault's folder", "read the vault's mark",
                      "write the state folder"},
    GRANT: ALLOWED | NETWORK,
}

box = None
product = None
upstream = None


def setUpModule():
    global box, product, upstream
    box, product, upstream = set_up()
    product.write("/usr/lib/action-engine/probe.py", PROBE.read_text("ascii"))


class Case(unittest.TestCase):
    def assert_works(self):
        with product.connect() as connection:
            connection.result(email("sign-of-life@example.com"))


class Sandbox(Case):
    def probe(self, unit):
        """The unit itself, but for what it starts."""
        text = box.path(f"/usr/lib/systemd/system/{unit}").read_text("ascii")
        text = re.sub(LIFE, "", text.split("[Install]")[0])
        text, n = re.subn(r"(?m)^ExecStart=.*", "ExecStart=/usr/bin/python3 -I "
                          "/usr/lib/action-engine/probe.py", text)
        self.assertEqual(n, 1)
        name = "probe-" + unit.replace("@", "")
        product.write(f"/run/systemd/system/{name}", text + "Type=oneshot\n"
                      "ExecPaths=/usr/bin/python3\nStandardOutput=truncate:/run/probe.json\n")
        box.run("systemctl", "daemon-reload")
        box.run("systemctl", "start", name)
        return json.loads(box.path("/run/probe.json").read_text("ascii"))

    def test_what_a_service_could_do(self):
        secrets = ["/etc/action-engine/private", "/etc/action-engine/private/signing.jwk", VAULT_KEY]
        box.run("chmod", "a+rX", *secrets)  # as if somebody had been careless
        self.addCleanup(box.run, "chmod", "go=", *secrets)
        for unit, expected in MAY.items():
            with self.subTest(unit):
                ended = self.probe(unit)["ended"]
                self.assertEqual({name for name, how in ended.items() if how == "done"}, expected)

    def test_a_forbidden_call_is_never_made(self):
        """What the filter only refuses as shipped ends the process here."""
        kill = "[Service]\nSystemCallErrorNumber=kill\n"
        provider = self.enterContext(box.in_network(lambda: Provider(rotate=True)))
        configuration = "/etc/action-engine/action-grant.conf.d/sandbox.conf"
        product.write(configuration, f"[Http]\nPlainHttp={provider.address}\n")
        self.addCleanup(box.run, "rm", configuration)
        with contextlib.ExitStack() as stack:
            for unit in ENGINE, VAULT, GRANT:
                stack.enter_context(product.drop_in(unit, kill))
            box.run("systemctl", "restart", VAULT, ENGINE)
            n = {unit: box.property(unit, "NRestarts") for unit in (ENGINE, VAULT)}
            for _ in range(3):
                self.assert_works()
            with product.connect() as connection:
                connection.result({"op": "health"})
                connection.result({"op": "list_actions"})
                self.assertEqual(connection.code(email("e400@example.com")), "upstream_rejected")
            with box.connect(GRANT_SOCKET, "action-vault") as connection:
                connection.send({"kind": "refresh", "app": provider.app(),
                                 "token": provider.grant().refresh_token})
                answer = json.loads(connection.socket.makefile("rb").read())
            self.assertEqual(answer["result"], "ok", answer)
            for unit, restarts in n.items():
                self.assertEqual(box.property(unit, "NRestarts"), restarts, unit)
                box.run("systemctl", "stop", unit)
                self.assertEqual(box.property(unit, "Result"), "success", unit)
        self.assert_works()

    def test_they_share_their_sockets_alone(self):
        """No file or folder that two of them could write, no uid and no group."""
        probes = {unit: self.probe(unit) for unit in MAY}
        for folder in "/var/lib/action-vault", "/var/lib/action-vault-mark":
            self.assertIn(folder, probes[VAULT]["writable"].values())
        for one, other in itertools.combinations(MAY, 2):
            with self.subTest(one=one, other=other):
                ours, theirs = probes[one], probes[other]
                self.assertIn("/tmp", ours["writable"].values())
                shared = ours["writable"].keys() & theirs["writable"].keys()
                self.assertEqual({ours["writable"][inode] for inode in shared}, set())
                self.assertFalse(set(ours["ids"]) & set(theirs["ids"]))


class Start(Case):
    def test_crashes_in_a_row(self):
        """All at once, and with somebody waiting."""
        for unit, listener in (ENGINE, ENGINE_LISTENER), (VAULT, VAULT_LISTENER):
            with self.subTest(unit):
                self.assert_works()
                box.run("sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do "
                        f"systemctl kill --signal=KILL {unit}; systemctl start {unit}; done")
                self.assert_works()
                for name in unit, listener:
                    until(lambda name=name: box.property(name, "ActiveState"), "active".__eq__)

    def test_without_a_key_the_vault_fails_once_for_each_who_asks(self):
        self.assert_works()
        box.run("systemctl", "stop", VAULT)
        box.run("mv", VAULT_KEY, "/root/kept.cred")
        starts = "MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d"  # a job failed
        before = len(product.journal(starts, f"UNIT={VAULT}"))
        with product.connect() as connection:
            for _ in range(25):
                self.assertEqual(connection.code(email("keyless@example.com")),
                                 "vault_unavailable")
            self.assertEqual(box.property(VAULT_LISTENER, "ActiveState"), "active")
            until(lambda: box.property(VAULT, "ActiveState"), "failed".__eq__)
            failures = until(lambda: len(product.journal(starts, f"UNIT={VAULT}")) - before, bool)
            self.assertLess(failures, 60)
            until(lambda: box.property(VAULT_LISTENER, "SubState"), lambda s: s == "listening")
            box.run("mv", "/root/kept.cred", VAULT_KEY)
            connection.result(email("keyed@example.com"))
        self.assertEqual(upstream.to("keyless@example.com"), [])

    def test_with_a_bad_configuration_the_engine_fails_once_for_each_who_asks(self):
        bad = CONFIGURATION.replace("test.conf", "zz-bad.conf")
        product.write(bad, "[Engine]\nMaxConnection=3\n")
        self.addCleanup(box.run, "rm", "-f", bad)
        box.run("systemctl", "stop", ENGINE)
        for _ in range(25):
            with product.connect(with_token=False) as connection:
                self.assertIsNone(connection.read())
        self.assertEqual(box.property(ENGINE_LISTENER, "ActiveState"), "active")
        until(lambda: box.property(ENGINE, "ActiveState"), "failed".__eq__)
        told = until(lambda: [entry for entry in product.journal("-u", ENGINE)
                              if "MaxConnection'" in entry["MESSAGE"]], bool)
        self.assertLess(len(told), 51)
        box.run("rm", bad)
        self.assert_works()

    def test_a_reload_tells_what_the_next_start_would_meet(self):
        for unit, name, section in (ENGINE, "engine", "Engine"), (VAULT, "vault", "Vault"):
            with self.subTest(unit):
                path = f"/etc/action-engine/action-{name}.conf.d/zz-reload.conf"
                self.assert_works()
                pid = product.main_pid(unit)
                self.addCleanup(box.run, "rm", "-f", path)
                for line, status, told in (
                    ("MaxConnection=3", 1, f"the next start would fail: {path}:2: there is no key"),
                    ("MaxConnections=3", 0, "The configuration is good. What has changed"),
                ):
                    product.write(path, f"[{section}]\n{line}\n")
                    done = box.run("systemctl", "reload", unit, check=False)
                    self.assertEqual(done.returncode, status, done.stderr)
                    until(lambda p=pid: [e["MESSAGE"] for e in product.journal(f"_PID={p}")],
                          lambda said, told=told: any(told in message for message in said))
                    self.assertEqual(product.main_pid(unit), pid)
                    self.assert_works()
                box.run("rm", path)

    def test_a_machine_that_never_gets_a_network(self):
        """Whoever waits for one waits for ever; the engine answers."""
        product.write("/run/systemd/system/never.service",
                      "[Unit]\nDefaultDependencies=no\nBefore=network-online.target\n"
                      "[Service]\nType=oneshot\nExecStart=sleep infinity\n")
        with product.drop_in("network-online.target", "[Unit]\nRequires=never.service\n"):
            box.run("systemctl", "stop", ENGINE, VAULT)
            box.run("systemctl", "start", "--no-block", "network-online.target")
            until(lambda: box.property("never.service", "ActiveState"), "activating".__eq__)
            try:
                with product.connect(with_token=False) as connection:
                    connection.result({"op": "ping"})
                self.assert_works()
                self.assertEqual(box.property("never.service", "ActiveState"), "activating")
            finally:
                box.run("systemctl", "stop", "network-online.target", "never.service")

    def test_another_vault_needs_none_of_ours(self):
        self.assert_works()
        other = CONFIGURATION.replace("test.conf", "zz-other.conf")
        product.write(other, "[Vault]\nBackend=kv2\nUrl=https://127.0.0.1:9\n")
        self.addCleanup(box.run, "systemctl", "start", VAULT_LISTENER)
        self.addCleanup(box.run, "systemctl", "stop", ENGINE)
        self.addCleanup(box.run, "rm", other)
        box.run("systemctl", "stop", ENGINE, VAULT_LISTENER, VAULT)
        with product.drop_in(ENGINE, "[Service]\nSetCredential=vault-token:t\n"):
            with product.connect(with_token=False) as connection:
                connection.result({"op": "ping"})
        self.assertEqual(box.property(VAULT_LISTENER, "ActiveState"), "inactive")

    def test_a_restart_under_load_loses_nothing(self):
        """What was taken up is answered, and who was not taken up yet is served by the next."""
        box.run("systemctl", "reset-failed")
        sent, lost = 0, 0
        for _ in range(3):
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(product.connect()) for _ in range(3)]
                for client in clients:
                    client.result({"op": "ping"})
                upstream.gate.clear()
                n = len(upstream.to("slow+load@example.com"))
                open_requests = [(c, c.start(email("slow+load@example.com"))) for c in clients * 5]
                upstream.wait_for("slow+load@example.com", n + len(open_requests))
                before = product.main_pid(ENGINE)
                box.run("systemctl", "restart", "--no-block", ENGINE)
                until(lambda: box.property(ENGINE, "StatusText"),
                      lambda s: s.startswith("Stopping: "))
                upstream.gate.set()
                for client, name in open_requests:
                    sent += 1
                    lost += client.finish(name)["status"] != "success"
            until(lambda: product.main_pid(ENGINE), lambda pid, old=before: pid not in (0, old))
        self.assertEqual((sent, lost), (45, 0))
        self.assertEqual(len(upstream.to("slow+load@example.com")), sent)
