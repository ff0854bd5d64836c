# SPDX-License-Identifier: MIT
"""I3: what strangers write, in a real journal: each line of the daemons' is one entry of theirs, with
the priority that they gave it, and nothing that somebody wrote becomes a field or an entry of its own.
"""

import contextlib
import json
import unittest

import jws
from engine import GMAIL_SEND, email, until
from oauth import Provider
from product import ENGINE, GRANT, GRANT_SOCKET, VAULT, VAULT_SOCKET, set_up

JOURNALD = "systemd-journald.service"
FORGED = "forged-by-a-stranger"
TEXTS = {
    "lines": f"a\n<0>{FORGED}\r\n_UID=0\nMESSAGE={FORGED}\nPRIORITY=0\n\nMESSAGE={FORGED}\n",
    "fields": f"_UID=1 PRIORITY=0 MESSAGE={FORGED}",
    "prefix": f"<0>{FORGED}",
    "escapes": f"\x1b[2J\x1b]0;{FORGED}\x07\x9b31m\u202e\u2028",
    "json": f'"}}\n{{"_UID":"0","MESSAGE":"{FORGED}"}}',
    "long": "x" * (1 << 20) + FORGED,
}
# What a daemon may say, beside what journald knows of it.
PREFIXES = "ACTION_", "GRANT_", "__", "_"
FIELDS = {"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY",
          "CODE_FILE", "CODE_LINE", "CODE_FUNC", "TID", "ERRNO", "INVOCATION_ID",
          "USER_INVOCATION_ID", "USER_UNIT", "UNIT"}
MAX_VALUE = 4096

box = product = upstream = None


def setUpModule():
    global box, product, upstream
    box, product, upstream = set_up()


class Case(unittest.TestCase):
    def setUp(self):
        # What the engine still had to say of the test before stands in front of this one's entry.
        product.audit(product.perform("mark@example.com"))
        self.since = box.run("journalctl", "--show-cursor", "-n1", "-oexport").stdout
        self.since = self.since.rpartition("-- cursor: ")[2].strip()

    def entries(self, name=None):
        """Since then, of all or of one program; with matches journalctl itself leaves one out."""
        found = product.journal(f"--after-cursor={self.since}")
        return [e for e in found if name in (None, e.get("SYSLOG_IDENTIFIER"))]

    def check(self, unit, n=None):
        """All entries of the daemon since then, when there are so many."""
        name = {ENGINE: "action-engined", VAULT: "action-vaultd", GRANT: "action-grant"}[unit]
        found = until(lambda: self.entries(name), lambda all: n is None or len(all) >= n)
        if n is not None:
            self.assertEqual(len(found), n)
        for entry in found:
            # Of a process that has ended by then journald knows less.
            self.assertEqual(entry.get("_COMM", name), name)
            self.assertIn(unit.partition(".")[0], entry.get("_SYSTEMD_UNIT", unit))
            self.assertEqual(entry["_TRANSPORT"], "journal")
            self.assertIn(entry["PRIORITY"], ("3", "4", "5", "6"), entry)
            self.assertNotEqual(entry["_UID"], "0")
            for field, value in entry.items():
                self.assertTrue(field in FIELDS or field.startswith(PREFIXES), (field, entry))
                self.assertLessEqual(len(value), MAX_VALUE)
            self.assertIsInstance(entry["MESSAGE"], str)  # and no blob, which is a list
            self.assertTrue(entry["MESSAGE"].isprintable(), entry)
        for entry in self.entries():
            self.assertNotIn(entry.get("MESSAGE"), (FORGED, f"<0>{FORGED}"))
            self.assertNotEqual(entry.get("PRIORITY"), "0", entry)
        return found

    def ask(self, path, user, line, whole=False):
        """What the vault, or action-grant, answers to a line."""
        with box.connect(path, user) as connection:
            connection.send(line)
            with connection.socket.makefile("rb") as answers:
                answer = answers.read() if whole else answers.readline()
            return json.loads(answer)


class Engine(Case):
    FIELDS = ("user_id", "platform", "action_type", "account", "traceparent", "op", "id",
              "deadline_ms")

    def test_requests(self):
        """Each finished action is one entry, whatever its fields hold."""
        finished = set()
        with product.connect() as c:
            for text in TEXTS.values():
                for field in self.FIELDS:
                    c.send({"id": 1, **email(), field: text})
                    finished.add((field, c.read()["request_id"]))
        ids = {request_id for field, request_id in finished if field != "op"}
        found = self.check(ENGINE)
        told = [e["ACTION_REQUEST_ID"] for e in found if "ACTION_REQUEST_ID" in e]
        self.assertEqual(len(told), len(set(told)))
        self.assertLessEqual(set(told), ids)

    def test_payloads(self):
        with product.connect() as c:
            asked = []
            for text in TEXTS.values():
                payload = {"to": text, "subject": text, "body": text, text[:100]: text}
                for more in {"payload": payload}, {"payload": {**payload, "to": "a@example.com"}}:
                    c.send({"id": 1, **GMAIL_SEND, **more})
                    asked.append(c.read()["request_id"])
        for request_id in asked:
            product.audit({"request_id": request_id})
        self.check(ENGINE, n=len(asked))

    def test_tokens(self):
        key = jws.Key("stranger")
        with product.connect(with_token=False) as c:
            for text in TEXTS.values():
                head = jws.header(key, kid=text)
                c.call({"op": "authenticate", "token": jws.compact(key, head, jws.claims())})
                c.call({"op": "authenticate", "token": jws.token(key, sub=text)})
        self.check(ENGINE)

    def test_key_files(self):
        """Names and texts in a folder that others may write to as well."""
        folder = box.path("/etc/action-engine/keys.d")
        names = [f"<0>{FORGED}.jwk", "a\nMESSAGE=b.jwk", "\x1b[2J\u202e.jwk", "\udcff\udcfe.jwk",
                 "x" * 200 + "ä" * 20 + ".jwk"]
        with contextlib.ExitStack() as undo:
            for name in names:
                undo.callback((folder / name).unlink)
                (folder / name).write_text(f'{{"kty":"{FORGED}\\n<0>\\u001b[2J"', encoding="utf-8")
            found = until(lambda: self.check(ENGINE), lambda all: len(all) >= len(names))
        self.assertTrue(any("x" * 200 in entry["MESSAGE"] for entry in found))

    def test_what_is_dropped_is_said(self):
        """While journald stands still the engine goes on; what is no audit entry may be lost."""
        folder = box.path("/etc/action-engine/keys.d")
        with contextlib.ExitStack() as undo, product.connect() as c:
            product.kill(JOURNALD, "STOP")
            undo.callback(product.kill, JOURNALD, "CONT")
            for n in range(200):
                path = folder / f"broken-{n}.jwk"
                undo.callback(path.unlink)
                path.touch()
            # Each change has all of them read, and told: more than the queue holds.
            response = until(lambda: self.touch_and_call(folder / "broken-0.jwk", c),
                             lambda r: r["status"] == "error")
            self.assertEqual(response["error"]["code"], "overloaded", response)
            self.assertIn("journal", response["error"]["message"])
            for _ in range(3):
                self.touch_and_call(folder / "broken-0.jwk", c)
            c.result({"op": "ping"})
        until(lambda: [e for e in self.entries("action-engined")
                       if "messages were dropped" in e["MESSAGE"]], bool)
        with product.connect() as c:
            until(lambda: c.call(email()), lambda r: r["status"] == "success")

    @staticmethod
    def touch_and_call(path, c):
        path.write_text("{", encoding="ascii")
        return c.call(email("undropped@example.com"))


class Neighbours(Case):
    """The vault and action-grant, asked by the only users whom they serve."""

    PROVIDED = {"user_id": "u1", "platform": "gmail", "account": "default"}

    def setUp(self):
        super().setUp()
        self.provider = self.enterContext(box.in_network(Provider))
        configuration = "/etc/action-engine/action-grant.conf.d/test.conf"
        product.write(configuration, f"[Http]\nPlainHttp={self.provider.address}\n")
        self.addCleanup(box.run, "rm", configuration)

    def vault(self, op, **fields):
        return self.ask(VAULT_SOCKET, "action-engine", {"id": 1, "op": op, **fields})

    def test_the_vault(self):
        answer = self.ask(VAULT_SOCKET, "root", {
            "id": 1, "op": "set_provider", "provider": "strange", "app": self.provider.app()})
        self.assertEqual(answer["status"], "success", answer)
        for text in TEXTS.values():
            for field in "op", "user_id", "platform", "account", "rejected", "credential":
                self.vault(**{"op": "get_token", **self.PROVIDED, field: text})
        self.check(VAULT, n=1)  # the provider that was set

    def test_what_a_provider_says(self):
        """To action-grant, which tells the vault; both tell the journal."""
        self.ask(VAULT_SOCKET, "root", {
            "id": 1, "op": "set_provider", "provider": "strange", "app": self.provider.app()})
        users = {name: f"_UID=0 <0>{FORGED}\u202e {name}" for name in TEXTS}
        for name, text in TEXTS.items():
            owner = {**self.PROVIDED, "user_id": users[name]}
            stored = self.vault("store_token", **owner, credential={
                "refresh_token": self.provider.grant().refresh_token, "provider": "strange"})
            self.assertEqual(stored["status"], "success", stored)
            error = {"error": "invalid_grant", "error_description": text[:30000]}
            self.provider.script("token", (400, error))
            refused = self.vault("get_token", **owner)
            self.assertEqual(refused["error"]["code"], "reauthorization_required", refused)
        shown = {name: user.replace("\u202e", "?") for name, user in users.items()}
        found = self.check(VAULT, n=1 + 3 * len(TEXTS))  # stored, ended, not renewed
        for name in TEXTS:
            self.assertEqual(sum(shown[name] in entry["MESSAGE"] for entry in found), 3)
        self.check(GRANT, n=len(TEXTS))

    def test_action_grant(self):
        asked = 0
        for text in TEXTS.values():
            for changes in ({"client_id": text[:200]}, {"token_endpoint": f"http://{text[:200]}/"},
                            {"client_secret": text[:200]}):
                grant = {"kind": "refresh", "token": "t", "app": self.provider.app(**changes)}
                answer = self.ask(GRANT_SOCKET, "action-vault", grant, whole=True)
                self.assertNotEqual(answer["result"], "ok")
                asked += 1
            grant = {"kind": text[:30000], text[:30000]: text[:30000]}
            answer = self.ask(GRANT_SOCKET, "action-vault", grant, whole=True)
            self.assertEqual(answer["result"], "nonsense")
            asked += 1
        self.check(GRANT, n=asked)


if __name__ == "__main__":
    unittest.main()
