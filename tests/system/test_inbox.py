# SPDX-License-Identifier: MIT
"""What a program wants to do waits for a person, who answers from elsewhere; polkit is the real one.

The program is the user `brain`, who has no agent of polkit's. `me` may approve without being asked
for a password, so that tests need not type; `ada` has to, as shipped; `eve` may not at all.
"""

import contextlib
import unittest

from engine import email, until
from product import ENGINE, SOCKET, set_up, unanswered

RULES = """
polkit.addRule(function (action, subject) {
    if (/^io.puraifi.ActionEngine.gmail.(send-email|create-draft)$/.test(action.id) &&
        action.lookup("recipients") !== "free@example.com") {
        return polkit.Result.AUTH_ADMIN;
    }
    if (action.id === "io.puraifi.ActionEngine.approve") {
        if (action.lookup("recipients") === "untouchable@example.com" || subject.user === "eve") {
            return polkit.Result.NO;
        }
        if (subject.user === "me" && action.lookup("digest").length === 64) {
            return polkit.Result.YES;
        }
    }
    return polkit.Result.NOT_HANDLED;
});
"""
SIGNING_KEY = "/etc/action-engine/private/signing.jwk"
# So that one test need not wait for what another one did.
PAUSE = "[Policy]\nApprovalPauseSec=0\n"
USERS = {"brain": 2000, "ada": 2001, "eve": 2002}
PASSWORD = "correct horse"

box = None
product = None
upstream = None
tokens = {}


def setUpModule():
    global box, product, upstream
    box, product, upstream = set_up()
    product.write("/etc/polkit-1/rules.d/10-test.rules", RULES)
    product.write("/etc/action-engine/action-engine.conf.d/pause.conf", PAUSE)
    for name, uid in USERS.items():
        box.run("useradd", "--create-home", "--uid", uid, "--groups", "action-engine", name)
    box.run("chpasswd", input=f"ada:{PASSWORD}\n")
    make_token("brain", "brain", "me", "gmail:*")
    make_token("brain-bold", "brain", "me", "gmail:* approvals:own")
    make_token("brain-other", "brain", "me", "approvals:own")
    make_token("me", "me", "me", "approvals:own")
    make_token("me-acts", "me", "me", "gmail:* jobs:read")
    make_token("me-only-lists", "me", "me", "gmail:send_email approvals:list")
    make_token("neighbour", "me", "neighbour", "approvals:own")
    make_token("boss", "me", "boss", "approvals:*")
    make_token("ada", "ada", "me", "approvals:own")
    make_token("eve", "eve", "me", "approvals:own")
    box.run("systemctl", "restart", "polkit.service")
    box.run("systemctl", "stop", ENGINE)


def make_token(name, bearer, user, scope):
    """A token that `bearer` may present, and a file of his with it."""
    uid = box.run("id", "-u", bearer).stdout.strip()
    command = ["actionctl", "token", "create", "--key", SIGNING_KEY, "--uid", uid]
    tokens[name] = box.run(*command, "--user", user, "--scope", scope).stdout.strip()
    path = f"/home/{bearer}/{name}"
    product.write(path, tokens[name])
    box.run("chown", bearer, path)
    box.run("chmod", "0600", path)


def connect(name, user=None):
    user = user or ("me" if name in ("boss", "neighbour") else name.split("-")[0])
    return box.connect(SOCKET, user, tokens[name])


class Case(unittest.TestCase):
    def setUp(self):
        upstream.gate.clear()
        with connect("boss") as boss:
            self.waiting(boss, n=0)  # whoever asked last has been missed

    @contextlib.contextmanager
    def asking(self, to, token="brain", **more):
        """A connection that waits for a person, and the id of its request."""
        with connect(token) as connection:
            yield connection, connection.start(email(to, interactive=True, **more))

    def waiting(self, person, n=1, **more):
        """What the person sees, once there is as much of it."""
        request = {"op": "list_approvals", **more}
        return until(lambda: person.result(request)["approvals"], lambda all: len(all) == n)

    def decide(self, person, op, approval):
        return person.call({"op": op, "approval_id": approval["approval_id"]})

    def assert_code(self, response, code, by=None):
        self.assertEqual(response["status"], "error", response)
        self.assertEqual(response["error"]["code"], code, response)
        if by:
            self.assertEqual(response["error"]["details"]["by"], by, response)


class Answers(Case):
    def test_approved(self):
        with connect("me") as person, self.asking("yes@example.com") as (brain, request):
            (item,) = self.waiting(person)
            self.assertEqual(item["payload"]["to"], "yes@example.com")
            self.assertEqual(
                [item[name] for name in ("platform", "action_type", "account", "user_id")],
                ["gmail", "send_email", "default", "me"],
            )
            self.assertEqual(item["peer"]["uid"], USERS["brain"])
            self.assertIn("yes@example.com", item["summary"])
            self.assertLess(item["created_at"], item["expires_at"])
            response = self.decide(person, "approve", item)
            self.assertEqual(
                response["result"], {"approval_id": item["approval_id"], "status": "approved"}
            )
            sent = brain.finish(request)
            self.assertEqual(sent["status"], "success", sent)
            self.assertEqual(len(upstream.to("yes@example.com")), 1)
            self.waiting(person, n=0)
            self.assert_code(self.decide(person, "approve", item), "not_found")
        entry = product.audit(sent)
        self.assertEqual(
            [entry[f"ACTION_{name}"] for name in ("DECISION", "APPROVER_UID", "DIGEST")],
            ["person", "1000", item["digest"]],
        )

    def test_denied(self):
        with connect("me") as person, self.asking("no@example.com") as (brain, request):
            (item,) = self.waiting(person)
            self.assertEqual(self.decide(person, "deny", item)["result"]["status"], "denied")
            response = brain.finish(request)
            self.assert_code(response, "approval_denied", by="person")
            self.assertEqual(upstream.to("no@example.com"), [])
        entry = product.audit(response)
        self.assertEqual(
            [entry[f"ACTION_{name}"] for name in ("DECISION", "APPROVER_UID")], ["person", "1000"]
        )

    def test_nobody_answers(self):
        with connect("me") as person, connect("brain") as brain:
            self.assert_code(unanswered(brain, "late@example.com"), "approval_timeout")
            self.waiting(person, n=0)

    def test_withdrawn_by_closing(self):
        with connect("me") as person:
            with self.asking("gone@example.com"):
                (item,) = self.waiting(person)
            self.waiting(person, n=0)
            self.assert_code(self.decide(person, "approve", item), "not_found")
            self.assertEqual(upstream.to("gone@example.com"), [])

    def test_two_answer(self):
        """Both are served; one counts, and the other hears that his does not."""
        with connect("me") as one, connect("boss") as two:
            with self.asking("race@example.com") as (brain, request):
                (item,) = self.waiting(one)
                answer = {"approval_id": item["approval_id"]}
                first = one.start({"op": "approve", **answer})
                second = two.start({"op": "deny", **answer})
                answers = [one.finish(first), two.finish(second)]
                good = [a for a in answers if a["status"] == "success"]
                (bad,) = [a for a in answers if a["status"] == "error"]
                self.assertEqual(len(good), 1, answers)
                self.assertIn(bad["error"]["code"], ("not_found", "invalid_state", "rate_limited"))
                response = brain.finish(request)
                approved = good[0]["result"]["status"] == "approved"
                self.assertEqual(response["status"] == "success", approved, response)
                self.assertEqual(len(upstream.to("race@example.com")), approved)

    def test_an_approval_is_for_one_digest_once(self):
        """D5: neither the same again nor another rests on it."""
        with connect("me") as person, connect("brain") as brain:
            request = brain.start(email("once@example.com", interactive=True))
            (first,) = self.waiting(person)
            self.decide(person, "approve", first)
            self.assertEqual(brain.finish(request)["status"], "success")
            for to in "once@example.com", "twice@example.com":
                self.assertEqual(brain.code(email(to)), "approval_required")
                request = brain.start(email(to, interactive=True))
                (item,) = self.waiting(person)
                self.assertEqual(item["digest"] == first["digest"], to == "once@example.com")
                self.assert_code(self.decide(person, "approve", first), "not_found")
                self.decide(person, "deny", item)
                self.assert_code(brain.finish(request), "approval_denied")
            self.assertEqual(len(upstream.to("once@example.com")), 1)

    def test_an_approval_is_for_one_action_type(self):
        """D5: with the very payload another one is another digest, and another question."""
        draft = {**email("type@example.com"), "action_type": "create_draft"}
        with connect("me") as person, self.asking("type@example.com") as (brain, request):
            (first,) = self.waiting(person)
            self.decide(person, "approve", first)
            self.assertEqual(brain.finish(request)["status"], "success")
            self.assertEqual(brain.code(draft), "approval_required")
            request = brain.start({**draft, "interactive": True})
            (item,) = self.waiting(person)
            self.assertEqual(item["action_type"], "create_draft")
            self.assertEqual(item["payload"], first["payload"])
            self.assertNotEqual(item["digest"], first["digest"])
            self.assert_code(self.decide(person, "approve", first), "not_found")
            self.decide(person, "deny", item)
            self.assert_code(brain.finish(request), "approval_denied")
        self.assertEqual(len(upstream.to("type@example.com")), 1)

    def test_an_approval_is_for_one_process(self):
        """D5: another of the same user and token that wants the same, afterwards and meanwhile."""
        with connect("me") as person, connect("brain") as other:
            with self.asking("process@example.com") as (brain, request):
                (first,) = self.waiting(person)
                error = other.error(email("process@example.com", interactive=True))
                self.assertEqual(error["code"], "rate_limited")
                self.decide(person, "approve", first)
                self.assertEqual(brain.finish(request)["status"], "success")
            self.assertEqual(other.code(email("process@example.com")), "approval_required")
            request = other.start(email("process@example.com", interactive=True))
            (second,) = self.waiting(person)
            self.assertEqual(second["digest"], first["digest"])
            self.assertNotEqual(second["peer"]["pid"], first["peer"]["pid"])
            self.assert_code(self.decide(person, "approve", first), "not_found")
            self.decide(person, "deny", second)
            self.assert_code(other.finish(request), "approval_denied")
        self.assertEqual(len(upstream.to("process@example.com")), 1)

    def test_nobody_is_asked_unasked(self):
        with connect("me") as person, connect("brain") as brain:
            self.assertEqual(brain.code(email()), "approval_required")
            self.assertEqual(brain.result(email(dry_run=True, interactive=True))["decision"], "ask")
            self.assertEqual(brain.call(email("free@example.com"))["status"], "success")
            self.waiting(person, n=0)

    def test_a_stop_withdraws(self):
        with self.asking("stop@example.com") as (brain, request), connect("me") as person:
            self.waiting(person)
            box.run("systemctl", "kill", "--signal=KILL", ENGINE)
            self.assertIsNone(brain.read())
        with connect("me") as person:
            self.waiting(person, n=0)


class Strangers(Case):
    def test_who_may_not_even_look(self):
        with self.asking("hidden@example.com") as (_, _), connect("me") as person:
            (item,) = self.waiting(person)
            for name in "brain", "me-acts", "me-only-lists":
                with connect(name) as other:
                    for op in "list_approvals", "approve", "deny":
                        request = {"op": op}
                        if op != "list_approvals":
                            request["approval_id"] = item["approval_id"]
                        self.assert_code(other.call(request), "forbidden", by="scope")
            self.waiting(person)

    def test_anothers_inbox_does_not_exist(self):
        """D7: the answers are those that an id would get which was never given."""
        with self.asking("private@example.com") as (_, _), connect("me") as person:
            (item,) = self.waiting(person)
            with connect("neighbour") as other:
                self.assertEqual(other.result({"op": "list_approvals"})["approvals"], [])
                error = other.error({"op": "list_approvals", "user_id": "me"})
                self.assertEqual(error["code"], "forbidden")
                never = item["approval_id"][:-12] + "0" * 12
                for op in "approve", "deny", "list_approvals":
                    real, made_up = (
                        other.error({"op": op, "approval_id": some})
                        for some in (item["approval_id"], never)
                    )
                    self.assertEqual(real["code"], "not_found")
                    self.assertEqual(
                        real["message"].replace(item["approval_id"], never), made_up["message"]
                    )
            with connect("boss") as boss:
                self.assertEqual(len(boss.result({"op": "list_approvals"})["approvals"]), 1)
                self.waiting(boss, user_id="me")
                self.waiting(boss, n=0, user_id="neighbour")
            self.waiting(person)

    def test_who_asks_cannot_answer(self):
        """Neither its connection, nor its token elsewhere; and its uid has nothing to prove."""
        with self.asking("self@example.com", token="brain-bold") as (brain, request):
            with connect("me") as person:
                (item,) = self.waiting(person)
                answer = {"op": "approve", "approval_id": item["approval_id"]}
                self.assert_code(brain.call(answer), "forbidden", by="asker")
                other_token = {**answer, "token": tokens["brain-other"]}
                self.assert_code(brain.call(other_token), "forbidden", by="asker")
                with connect("brain-bold") as again:
                    self.assert_code(again.call(answer), "forbidden", by="asker")
                with connect("brain-other") as again:
                    self.assert_code(again.call(answer), "approval_required")
                    response = again.call({**answer, "interactive": True})
                    self.assert_code(response, "approval_required")
                self.waiting(person)
                self.assertEqual(upstream.to("self@example.com"), [])

    def test_whom_polkit_refuses(self):
        with self.asking("eve@example.com") as (_, _), connect("eve") as eve:
            (item,) = self.waiting(eve)
            for op in "approve", "deny":
                self.assert_code(self.decide(eve, op, item), "forbidden", by="polkit")
            self.waiting(eve)

    def test_rules_see_what_is_approved(self):
        """The details of the approval are those of the action."""
        with self.asking("untouchable@example.com") as (_, _), connect("me") as person:
            (item,) = self.waiting(person)
            self.assert_code(self.decide(person, "approve", item), "forbidden", by="polkit")

    def test_polkit_is_gone(self):
        with self.asking("dark@example.com") as (_, _), connect("me") as person:
            (item,) = self.waiting(person)
            box.run("systemctl", "mask", "--runtime", "--now", "polkit.service")
            try:
                response = self.decide(person, "approve", item)
                self.assert_code(response, "policy_unavailable")
            finally:
                box.run("systemctl", "unmask", "--runtime", "polkit.service")
            self.waiting(person)


class Terminal(Case):
    """actionctl, by its words."""

    def ctl(self, name, *words, check=True):
        user = name.split("-")[0]
        command = ["actionctl", "--token-file", f"/home/{user}/{name}", *words]
        return box.run(*command, user=user, check=check)

    def terminal(self, name, *words):
        user = name.split("-")[0]
        return box.terminal("actionctl", "--token-file", f"/home/{user}/{name}", *words, user=user)

    def test_list_show_approve(self):
        self.assertIn("Nothing waits", self.ctl("me", "approvals").stdout)
        with self.asking("ctl@example.com") as (brain, request), connect("me") as person:
            (item,) = self.waiting(person)
            listed = self.ctl("me", "approvals").stdout
            self.assertIn(item["approval_id"], listed)
            shown = self.ctl("me", "approvals", "show", item["approval_id"]).stdout
            for text in "ctl@example.com", "body: How are you?", item["digest"]:
                self.assertIn(text, shown)
            done = self.ctl("me", "approvals", "approve", item["approval_id"])
            self.assertIn("approved", done.stdout)
            self.assertEqual(brain.finish(request)["status"], "success")
            done = self.ctl("me", "approvals", "deny", item["approval_id"], check=False)
            self.assertEqual((done.returncode, "not_found" in done.stderr), (1, True), done)

    def test_the_payload_of_a_large_one_is_for_show(self):
        text = "large " * 10000
        request = email("large@example.com", interactive=True)
        request["payload"]["body"] = text
        with connect("me") as person, connect("brain") as brain:
            brain.start(request)
            (item,) = self.waiting(person)
            self.assertNotIn("payload", item)
            self.assertGreater(item["payload_bytes"], len(text))
            (whole,) = self.waiting(person, approval_id=item["approval_id"])
            self.assertEqual(whole["payload"]["body"], text)

    def test_as_shipped_a_person_types_a_password(self):
        with self.asking("typed@example.com") as (brain, request), connect("me") as person:
            (item,) = self.waiting(person)
            command = ["approvals", "approve", item["approval_id"]]
            done = self.ctl("ada", *command, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("[approval_required]", done.stderr)
            with self.terminal("ada", *command) as terminal:
                terminal.answer("wrong")
                terminal.expect("[forbidden]")
            self.waiting(person)
            with self.terminal("ada", *command) as terminal:
                self.assertIn("typed@example.com", terminal.answer(PASSWORD))
                terminal.expect("It is approved.")
            sent = brain.finish(request)
            self.assertEqual(sent["status"], "success", sent)
        self.assertEqual(product.audit(sent)["ACTION_APPROVER_UID"], str(USERS["ada"]))

    def test_perform_ask(self):
        """The inbox and the terminal at once; the first answer counts, and the other is gone."""
        command = ["perform", "--ask", "gmail", "send_email", "to=both@example.com", "subject=S",
                   "body=B"]
        with connect("me") as person, self.terminal("brain", *command) as terminal:
            (item,) = self.waiting(person)
            self.assertIn("both@example.com", terminal.asked())
            self.decide(person, "approve", item)
            terminal.expect("message_id")
        self.assertEqual(len(upstream.to("both@example.com")), 1)

    def test_watch(self):
        with self.terminal("me", "approvals", "--watch") as terminal:
            for to in "first@example.com", "second@example.com":
                with self.asking(to):
                    terminal.expect(to)
                terminal.expect("waits no more")
