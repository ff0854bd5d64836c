# SPDX-License-Identifier: MIT
"""Who may do what: the engine, a real polkit, its rules and its agent on a terminal.

Nothing sleeps: an edited rule is in force a moment later, so it is asked for until it is.
"""

import contextlib
import hashlib
import json
import re
import unittest

from engine import email, until
from product import ENGINE, USERS, set_up, unanswered

POLKIT = "polkit.service"
RULES = "/etc/polkit-1/rules.d/10-test.rules"
SEND = "io.puraifi.ActionEngine.gmail.send-email"
DRAFT = "io.puraifi.ActionEngine.gmail.create-draft"
ZAP = "io.puraifi.ActionEngine.zapier.trigger-zap"
PASSWORD = "correct horse"

# For each of them a rule's answer, and what a dry run says to an e-mail.
EVERYTHING = 'polkit.addRule(function (action, subject) {{ {} }});\n'
ANSWER = f'if (action.id === "{SEND}") return polkit.Result.{{}};'

# What a payload would say of itself if it could, by the names that rules and agents know.
FORGED = {name: "FORGED" for name in (
    "polkit.message", "polkit.gettext_domain", "polkit.icon_name", "polkit.caller-pid", "summary",
    "digest", "platform", "action_type", "account", "user_id", "unit", "request_id", "recipients",
    "recipient_domains", "message_id", "$(summary)")}
# Draws over what is there, turns it round, begins lines, and would be put in by polkit.
HOSTILE = "\x1b[2J\r\n\x07\u009b$(user_id)\u202e\u2066\u200b\u2028Identity: root'"

# Says when the agent is known to polkit, which it tells by closing a descriptor.
AGENT = """
import os, sys
end, start = os.pipe()
os.set_inheritable(start, True)
if os.fork() == 0:
    command = ["pkttyagent", "--process", sys.argv[1], "--notify-fd", str(start)]
    os.execvp(command[0], command)
os.close(start)
os.read(end, 1)
print("ready", flush=True)
os.wait()
"""

box = None
product = None
upstream = None
tokens = {}


def setUpModule():
    global box, product, upstream
    box, product, upstream = set_up()
    product.write(
        "/etc/action-engine/action-engine.conf.d/policy.conf",
        "[Policy]\nApprovalPauseSec=0\n",
    )
    box.run("systemctl", "stop", ENGINE)
    for user in "me", "guest":
        box.run("chpasswd", input=f"{user}:{PASSWORD}\n")
        command = ["actionctl", "token", "create", "--key", "/etc/action-engine/private/signing.jwk", "--user", "me"]
        scope = "gmail:* zapier:* auth:zapier approvals:own"
        done = box.run(*command, "--scope", scope, "--uid", USERS[user], "--ttl", "1d")
        tokens[user] = done.stdout.strip()
    product.write("/home/me/token", tokens["me"])
    box.run("chown", "me", "/home/me/token")
    box.run("chmod", "0600", "/home/me/token")
    add_zapier()


def add_zapier():
    """A hook that nobody listens behind: what is asked here is whether it may be triggered."""
    path = "/etc/action-engine/action-engine.conf.d/zapier.conf"
    product.write(path, f"[Adapter zapier]\nBaseUrl={upstream.url}\n")
    with product.connect(token=tokens["me"]) as connection:
        credential = {"hook_url": f"{upstream.url}/hooks/catch/1234567/abcdef/"}
        connection.result({"op": "auth_token", "platform": "zapier", "credential": credential})


def zap(data, **more):
    return {"platform": "zapier", "action_type": "trigger_zap", "payload": {"data": data}, **more}


def readable(shown):
    """Without what polkit's agent itself has for a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def dry_run(to="user@example.com", user="me", **more):
    with product.connect(user, token=tokens[user]) as connection:
        return connection.call(email(to, dry_run=True, **more))


def decision(*arguments):
    """What polkit says, or while it cannot be asked the error that tells so."""
    response = dry_run(*arguments)
    return response["result"]["decision"] if "result" in response else response["error"]["code"]


@contextlib.contextmanager
def rules(body, expected, to="user@example.com", user="me"):
    """Those alone, once a dry run says what they say."""
    product.write(RULES, EVERYTHING.format(body))
    try:
        until(lambda: decision(to, user), lambda said: said == expected)
        yield
    finally:
        box.run("rm", RULES)
        until(lambda: decision(to, user), lambda said: said == "yes")


@contextlib.contextmanager
def agent_of(pid, user="me"):
    """pkttyagent for a process, on a terminal that somebody reads."""
    with box.terminal("python3", "-c", AGENT, pid, user=user) as terminal:
        terminal.expect("ready\r\n")
        yield terminal


class Case(unittest.TestCase):
    def setUp(self):
        upstream.gate.clear()

    def assert_sent(self, to, n=1):
        self.assertEqual(len(upstream.to(to)), n)

    def refusal(self, connection, request, by=None):
        error = connection.error(request)
        if by:
            self.assertEqual(error["details"]["by"], by, error)
        return error["code"]

    def pid_of(self, connection, user="me"):
        answer = connection.result({"op": "authenticate", "token": tokens[user]})
        return answer["peer"]["pid"]

    def interactive(self, to, **more):
        return email(to, interactive=True, **more)


class Rules(Case):
    def test_allowed_as_shipped(self):
        self.assertEqual(dry_run()["result"]["decided_by"], "polkit")
        with product.connect() as connection:
            response = connection.call(email("allowed@example.com"))
        self.assertEqual(product.audit(response)["ACTION_DECISION"], "polkit")
        self.assert_sent("allowed@example.com")

    def test_recipients_decide(self):
        """Wherever somebody stands in the mail, and however the domain is spelt."""
        body = f"""
            if (action.id !== "{SEND}") return polkit.Result.NOT_HANDLED;
            var domains = action.lookup("recipient_domains").split(" ");
            return domains.every(function (d) {{ return d === "example.com"; }})
                ? polkit.Result.YES : polkit.Result.NO;"""
        with rules(body, "no", to="x@evil.example"), product.connect() as connection:
            self.assertEqual(decision("x@EXAMPLE.com"), "yes")
            for request in (
                email("x@evil.example"),
                email(["a@example.com", "x@evil.example"]),
                email("x@example.com.evil.example"),
            ):
                self.assertEqual(self.refusal(connection, request, "polkit"), "forbidden")
            hidden = email("a@example.com")
            hidden["payload"]["bcc"] = "Ada Example.com <x@evil.example>"
            self.assertEqual(self.refusal(connection, hidden, "polkit"), "forbidden")
            response = connection.call(hidden)
            entry = product.audit(response)
            self.assertEqual(entry["ACTION_DECISION"], "polkit")
            self.assertEqual(entry["ACTION_ERROR_CODE"], "forbidden")
            connection.result(email("fine@example.com"))
        self.assert_sent("x@evil.example", 0)
        self.assert_sent("fine@example.com")

    def test_the_uid_is_the_connections(self):
        """The same token's user, another uid; and whoever got the socket passed writes as it."""
        body = 'if (subject.user === "guest") return polkit.Result.NO;'
        with rules(body, "no", user="guest"):
            self.assertEqual(decision(), "yes")
            with product.connect("guest", token=tokens["guest"]) as connection:
                self.assertEqual(self.refusal(connection, email(), "polkit"), "forbidden")

    def test_all_that_a_rule_can_know(self):
        body = ANSWER.format("NO").replace(
            "if (", """if (action.lookup("platform") === "gmail" &&
                action.lookup("action_type") === "send_email" &&
                action.lookup("user_id") === "me" && action.lookup("account") === "default" &&
                action.lookup("recipients") === "user@example.com" &&
                /^[0-9a-f]{64}$/.test(action.lookup("digest")) &&
                action.lookup("summary").indexOf("Send an e-mail to user@example.com") === 0 &&
                """)
        with rules(body, "no"):
            pass

    def test_a_person_would_have_to_be_asked(self):
        with rules(ANSWER.format("AUTH_SELF"), "ask"), product.connect() as connection:
            self.assertEqual(dry_run(interactive=True)["result"]["decided_by"], "polkit")
            self.assertEqual(self.refusal(connection, email("a1@x.com"), "polkit"),
                             "approval_required")
            # No agent, and nobody looks into the inbox.
            code = unanswered(connection, "a1@x.com")["error"]["code"]
            self.assertEqual(code, "approval_timeout")
        self.assert_sent("a1@x.com", 0)

    def test_an_approval_that_would_be_kept(self):
        """polkit remembers it for the action, whatever the payload: nobody is asked for it."""
        for result in "AUTH_SELF_KEEP", "AUTH_ADMIN_KEEP":
            with rules(ANSWER.format(result), "no"), product.connect() as connection:
                for request in email("kept@x.com"), self.interactive("kept@x.com"):
                    self.assertEqual(self.refusal(connection, request, "polkit"), "forbidden")
        self.assert_sent("kept@x.com", 0)

    def test_a_rule_that_throws_is_a_no(self):
        with rules('throw new Error("no");', "no"), product.connect() as connection:
            self.assertEqual(self.refusal(connection, email("throw@x.com"), "polkit"), "forbidden")
        self.assert_sent("throw@x.com", 0)

    def test_the_example(self):
        example = box.path("/usr/share/doc/action-engine/50-action-engine.rules.example")
        text = example.read_text("utf-8")
        text = text.replace('["assistant.service", ', '["", ')
        text = text.replace("hour < 7 || hour >= 22", "hour < 0")
        product.write(RULES, text)
        try:
            until(lambda: decision("x@evil.example"), lambda said: said == "no")
            self.assertEqual(decision("x@example.com"), "yes")
            self.assertEqual(decision(["x@example.com", "y@example.net"]), "ask")
            self.assertEqual(decision(["x@example.com", "y@evil.example"]), "no")
        finally:
            box.run("rm", RULES)
            until(lambda: decision("x@evil.example"), lambda said: said == "yes")


@contextlib.contextmanager
def impatient_engine():
    """A while in which polkit has a second for its answer."""
    path = "/etc/action-engine/action-engine.conf.d/zz-impatient.conf"
    product.write(path, "[Policy]\nPolkitTimeoutSec=1\n")
    try:
        box.run("systemctl", "restart", ENGINE)
        yield
    finally:
        box.run("rm", path)
        box.run("systemctl", "restart", ENGINE)


class Unavailable(Case):
    def setUp(self):
        """polkit is stopped here more often than systemd's limit for its starts lets pass."""
        super().setUp()
        box.run("systemctl", "reset-failed", POLKIT, check=False)

    def assert_recovers(self):
        box.run("systemctl", "reset-failed", POLKIT, check=False)
        until(lambda: product.perform("again@example.com", check=False)["status"],
              lambda status: status == "success")

    def refused_by_nobody(self, to):
        with product.connect() as connection:
            error = connection.error(email(to))
        self.assertEqual((error["code"], error["retryable"]), ("policy_unavailable", True), error)
        self.assert_sent(to, 0)

    def test_stopped(self):
        """The bus starts it again."""
        box.run("systemctl", "stop", POLKIT)
        self.assert_recovers()

    def test_masked(self):
        box.run("systemctl", "mask", "--runtime", "--now", POLKIT)
        try:
            self.refused_by_nobody("masked@example.com")
            with product.connect() as connection:
                code = connection.code(email(dry_run=True))
            self.assertEqual(code, "policy_unavailable")
        finally:
            box.run("systemctl", "unmask", "--runtime", POLKIT)
        self.assert_recovers()

    def test_hanging_and_restarting_in_mid_question(self):
        product.perform("warm@example.com")
        product.kill(POLKIT, "STOP")
        with impatient_engine():
            self.refused_by_nobody("hanging@example.com")
        with product.connect() as connection:
            asked = connection.start(email("mid@example.com"))
            connection.result({"op": "ping"})  # and the question has gone out
            product.kill(POLKIT, "KILL")
            response = connection.finish(asked)
        self.assertEqual(response["error"]["code"], "policy_unavailable", response)
        self.assert_sent("mid@example.com", 0)
        self.assert_recovers()

    def test_a_rule_that_loops(self):
        """polkit would end it after a while; meanwhile nothing is allowed."""
        body = """
            var to = action.lookup("recipients");
            if (to === "loop@x.com") while (true) {}
            if (to === "live@x.com") return polkit.Result.NO;"""
        with rules(body, "no", to="live@x.com"):
            with impatient_engine():
                self.refused_by_nobody("loop@x.com")
            product.kill(POLKIT)
        self.assert_recovers()

    def test_the_bus_restarts(self):
        before = product.main_pid(ENGINE)
        box.run("systemctl", "stop", "dbus.socket", "dbus.service", check=False)
        try:
            self.refused_by_nobody("busless@example.com")
        finally:
            box.run("systemctl", "start", "dbus.socket", "dbus.service")
            box.run("systemctl", "restart", POLKIT)
        self.assert_recovers()
        self.assertEqual(product.main_pid(ENGINE), before)

    def test_its_definitions_are_gone(self):
        path = "/usr/share/polkit-1/actions/io.puraifi.ActionEngine.policy"
        box.run("mv", path, "/root/policy")
        box.run("systemctl", "restart", POLKIT)
        try:
            self.refused_by_nobody("undefined@example.com")
        finally:
            box.run("mv", "/root/policy", path)
            box.run("systemctl", "restart", POLKIT)
        self.assert_recovers()


class Person(Case):
    RULE = f"""
        if (action.id === "{SEND}" || action.id === "{DRAFT}") return polkit.Result.AUTH_SELF;"""

    def setUp(self):
        super().setUp()
        self.enterContext(rules(self.RULE, "ask"))
        self.connection = self.enterContext(product.connect(token=tokens["me"]))
        self.pid = self.pid_of(self.connection)

    def ask(self, to, **more):
        return self.connection.start(self.interactive(to, **more))

    def test_approved(self):
        with agent_of(self.pid) as agent:
            asked = self.ask("yes@example.com")
            shown = agent.answer(PASSWORD)
            response = self.connection.finish(asked)
        self.assertEqual(response["status"], "success", response)
        self.assertIn("Send an e-mail to yes@example.com, subject 'Hello!'", shown)
        self.assertEqual(product.audit(response)["ACTION_DECISION"], "person")
        self.assert_sent("yes@example.com")

    def test_an_approval_is_for_one(self):
        """The same again, another payload, another connection of the same user: each is asked."""
        with agent_of(self.pid) as agent:
            asked = self.ask("once@example.com")
            agent.answer(PASSWORD)
            self.assertEqual(self.connection.finish(asked)["status"], "success")
            for request in email("once@example.com"), email("other@example.com"):
                self.assertEqual(self.connection.code(request), "approval_required")
            with product.connect() as other:
                self.assertEqual(other.code(email("once@example.com")), "approval_required")
                code = unanswered(other, "once@example.com")["error"]["code"]
                self.assertEqual(code, "approval_timeout")
            asked = self.ask("other@example.com")
            agent.answer("wrong")
            self.assertEqual(self.connection.finish(asked)["error"]["code"], "approval_denied")
        self.assert_sent("once@example.com")
        self.assert_sent("other@example.com", 0)

    def test_refused(self):
        with agent_of(self.pid) as agent:
            asked = self.ask("wrong@example.com")
            agent.answer("wrong")
            response = self.connection.finish(asked)
        self.assertEqual(response["error"]["code"], "approval_denied", response)
        self.assertEqual(response["error"]["details"]["by"], "person", response)
        self.assert_sent("wrong@example.com", 0)

    def test_the_agent_is_ended(self):
        with agent_of(self.pid) as agent:
            asked = self.ask("interrupted@example.com")
            agent.asked()
            agent.type("\x03")
            code = self.connection.finish(asked)["error"]["code"]
        self.assertIn(code, ("approval_denied", "approval_required"))
        self.assert_sent("interrupted@example.com", 0)

    def test_nobody_answers(self):
        for msec in 1500, 6000, 24000:
            with agent_of(self.pid) as agent:
                response = self.connection.call(self.interactive("late@example.com", deadline_ms=msec))
                if not agent.shows("Password: "):
                    continue  # the machine stood still until it was too late to ask
                self.assertEqual(response["error"]["code"], "approval_timeout", response)
                agent.answer(PASSWORD)  # only now pkttyagent sees that it was taken away
                agent.expect("FAILED")
            break
        else:
            self.fail("nobody was asked")
        self.assert_sent("late@example.com", 0)

    def test_one_question_at_a_time(self):
        with agent_of(self.pid) as agent:
            asked = self.ask("first@example.com")
            agent.asked()
            error = self.connection.error(self.interactive("second@example.com"))
            self.assertEqual(error["code"], "rate_limited", error)
            self.assertGreater(error["retry_after_ms"], 0)
            agent.type(PASSWORD + "\n")
            self.assertEqual(self.connection.finish(asked)["status"], "success")
        self.assert_sent("second@example.com", 0)

    def test_the_client_goes_away(self):
        with product.connect(token=tokens["me"]) as leaving:
            pid = self.pid_of(leaving)
            with agent_of(pid) as agent:
                leaving.send(self.interactive("gone@example.com", id="gone"))
                agent.asked()
                leaving.close()
                matches = "ACTION_ERROR_CODE=cancelled", f"ACTION_PEER_PID={pid}"
                until(lambda: product.journal(*matches), bool)
                agent.type(PASSWORD + "\n")
                with product.connect() as another:
                    another.result({"op": "ping"})
        with agent_of(self.pid) as agent:
            asked = self.ask("stays@example.com")
            agent.answer(PASSWORD)
            self.assertEqual(self.connection.finish(asked)["status"], "success")
        self.assert_sent("gone@example.com", 0)

    def test_the_engine_stops_during_the_dialog(self):
        with agent_of(self.pid) as agent:
            asked = self.ask("stopped@example.com")
            agent.asked()
            box.run("systemctl", "stop", ENGINE)
            response = self.connection.finish(asked)
        self.assertEqual(response["error"]["code"], "cancelled", response)
        self.assert_sent("stopped@example.com", 0)

    def test_what_a_person_reads_is_what_is_meant(self):
        """A subject that would draw another question over this one."""
        subject = "x' ‮\u200b$(user_id) \u2066polkit.message"
        request = self.interactive("read@example.com")
        request["payload"]["subject"] = subject
        with agent_of(self.pid) as agent:
            asked = self.connection.start(request)
            shown = agent.answer("wrong")
            self.connection.finish(asked)
        self.assertIn("subject 'x’ ???(user_id) ?polkit.message'", shown)
        self.assertNotRegex(shown.replace("\x1b[1;31m", "").replace("\x1b[0m", ""),
                            "[\u202a-\u202e\u2066-\u2069\u200b]")

    def test_another_action_after_an_approval(self):
        """Of the same class of actions, with the very payload: it is asked about for itself."""
        draft = {**email("twice@example.com"), "action_type": "create_draft"}
        with agent_of(self.pid) as agent:
            asked = self.ask("twice@example.com")
            agent.answer(PASSWORD)
            self.assertEqual(self.connection.finish(asked)["status"], "success")
            self.assertEqual(self.connection.code(draft), "approval_required")
            asked = self.connection.start({**draft, "interactive": True})
            self.assertIn("draft", agent.answer("wrong"))
            self.assertEqual(self.connection.finish(asked)["error"]["code"], "approval_denied")
        self.assert_sent("twice@example.com")


class Payloads(Case):
    """What an action is about is the engine's to say, whatever its payload says."""

    RULE = f"""
        if (action.id === "{SEND}") return polkit.Result.NO;
        if (action.id !== "{ZAP}") return polkit.Result.NOT_HANDLED;
        var said = {json.dumps(list(FORGED))}.map(function (name) {{
            return String(action.lookup(name)); }}).join("\\n");
        return said.indexOf("FORGED") < 0 && action.lookup("user_id") === "me" &&
            action.lookup("platform") === "zapier" && action.lookup("account") === "default" &&
            action.lookup("action_type") === "trigger_zap" && !action.lookup("recipients") &&
            /^[0-9a-f]{{64}}$/.test(action.lookup("digest"))
            ? polkit.Result.AUTH_SELF : polkit.Result.NO;"""

    def setUp(self):
        super().setUp()
        self.enterContext(rules(self.RULE, "no"))
        self.connection = self.enterContext(product.connect(token=tokens["me"]))
        self.pid = self.pid_of(self.connection)

    def asked(self, request):
        """What the person reads, who then says no, and what stands in the inbox meanwhile."""
        with agent_of(self.pid) as agent, product.connect(token=tokens["me"]) as other:
            started = self.connection.start({**request, "interactive": True})
            shown = agent.asked()
            (item,) = until(lambda: other.result({"op": "list_approvals"})["approvals"],
                            lambda items: len(items) == 1)
            (whole,) = other.result({"op": "list_approvals",
                                     "approval_id": item["approval_id"]})["approvals"]
            command = ["actionctl", "--token-file", "/home/me/token", "approvals"]
            listed = [box.run(*command, *words, user="me").stdout
                      for words in ([], ["show", item["approval_id"]])]
            agent.type("wrong\n")
            response = self.connection.finish(started)
        self.assertEqual(response["error"]["code"], "approval_denied", response)
        return readable(shown), item, whole, listed

    def digest(self, request):
        what = {name: request[name] for name in ("platform", "action_type", "payload")}
        text = json.dumps({**what, "account": "default", "user_id": "me"}, sort_keys=True,
                          separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def test_details_of_other_names(self):
        """Members that are called like what polkit is told, on every level that takes any."""
        for data in FORGED, {"data": FORGED, "details": FORGED}, {"a": [FORGED]}:
            request = zap(data)
            dry = self.connection.result({**request, "dry_run": True})
            self.assertEqual((dry["decision"], dry["decided_by"]), ("ask", "polkit"))
        request = zap(FORGED)
        shown, item, _, _ = self.asked(request)
        self.assertNotIn("FORGED", shown)
        self.assertIn("Trigger a Zap with 'polkit.message'", shown)
        self.assertIn("Trigger a Zap with 'polkit.message'", item["summary"])
        self.assertEqual([item[name] for name in ("platform", "action_type", "account", "user_id")],
                         ["zapier", "trigger_zap", "default", "me"])
        self.assertEqual(item["digest"], self.digest(request))
        for name in FORGED:
            forged = zap({}), email("forged@example.com")
            forged[0]["payload"][name] = forged[1]["payload"][name] = "FORGED"
            for request in forged:
                self.assertEqual(self.connection.code(request), "invalid_payload")

    def test_a_mebibyte(self):
        """As the name of a member, of which the sentence tells the beginning, and as its value."""
        text = HOSTILE * ((1 << 20) // len(HOSTILE.encode()) + 1)
        request = zap({text: text, "b": text})
        shown, item, whole, listed = self.asked(request)
        beginning = "Trigger a Zap with '?[2J?????(user_id)????Identity: root’?[2…', 'b'"
        self.assertIn(beginning, shown)
        self.assertLess(len(shown), 4096)
        self.assertEqual(shown.count("Identity: root"), 1)
        self.assertEqual(item["digest"], self.digest(request))
        self.assertNotIn("payload", item)
        self.assertEqual(whole["payload"], request["payload"])
        for text in shown, *listed:
            self.assertIn("Trigger a Zap with '?[2J", text)
            self.assertNotRegex(text.replace("\r\n", "\n"),
                                "[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
        self.assertLess(len(listed[0]), 4096)
