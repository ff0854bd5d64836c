# SPDX-License-Identifier: MIT
"""Zaps: the data gets to the hook that the account names, and the hook's URL to nobody else."""

import json
import re
import unittest
import uuid

from engine import Stack
from zapier import MAX_BODY, Zapier

# Each hook is an account. A hook's secret is what its URL ends with, and looks like Zapier's ids.
SECRETS = {name: str(uuid.uuid4()) for name in ("default", "leads", "quiet", "gone")}

zapier = stack = None


def setUpModule():
    global zapier, stack
    zapier = unittest.enterModuleContext(Zapier())
    config = f"[Http]\nFirstByteTimeoutSec=8\n[Adapter zapier]\nBaseUrl={zapier.url}\n"
    stack = unittest.enterModuleContext(Stack(config, zapier.url))
    with stack.connect() as c:
        for account, secret in SECRETS.items():
            url = zapier.add_hook(secret, "/silent/" if account == "quiet" else "/")
            c.result(connect(url, account))
    zapier.hooks = {path for path in zapier.hooks if SECRETS["gone"] not in path}


def tearDownModule():
    logs = stack.log("engine") + stack.log("vault")
    for secret in SECRETS.values():
        assert secret not in logs and secret.replace("-", "") not in logs
    assert "hooks/catch" not in logs


def connect(url, account="default"):
    credential = {"hook_url": url}
    return {"op": "auth_token", "platform": "zapier", "account": account, "credential": credential}


def zap(data, **more):
    payload = {"data": data}
    return {"platform": "zapier", "action_type": "trigger_zap", "payload": payload, **more}


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())

    def call(self, request):
        """Its answer, in which stands no hook."""
        response = self.c.call(request)
        text = json.dumps(response)
        for secret in SECRETS.values():
            self.assertNotIn(secret, text)
        self.assertNotIn(zapier.url + "/hooks/catch/1234567", text)
        return response

    def result(self, request):
        response = self.call(request)
        self.assertEqual(response["status"], "success", response)
        return response["result"]

    def error(self, request):
        response = self.call(request)
        self.assertEqual(response["status"], "error", response)
        return response["error"]


class Delivery(Case):
    def test_the_data_arrives_with_the_actions_id(self):
        data = {"test": 1, "name": "Ada", "n": 1.5, "list": [{"ü": None}, True], "": "\n\"\\😀"}
        result = self.result(zap(data))
        (request,) = zapier.got(test=1)
        self.assertRegex(request.data.pop("action_id"), r"^[0-9a-f]{32}$")
        self.assertEqual(request.data, data)
        self.assertEqual(result["status"], "success")
        self.assertEqual(result["request_id"], str(uuid.UUID(result["request_id"])))
        self.assertEqual(result["attempt_id"], str(uuid.UUID(result["attempt_id"])))
        self.assertEqual(set(result), {"status", "request_id", "attempt_id", "timestamp"})

    def test_each_action_has_an_id_of_its_own_unless_the_data_brings_one(self):
        for more in {}, {}, {"action_id": "mine"}:
            self.result(zap({"test": 2} | more))
        ids = [request.data["action_id"] for request in zapier.got(test=2)]
        self.assertEqual(len(set(ids)), 3)
        self.assertEqual(ids[2], "mine")

    def test_the_account_names_the_hook(self):
        self.result(zap({"test": 3}, account="leads"))
        self.result(zap({"test": 3}))
        paths = [request.path for request in zapier.got(test=3)]
        self.assertEqual([path.split("/")[4] for path in paths],
                         [SECRETS["leads"], SECRETS["default"]])
        self.assertEqual(self.error(zap({"test": 3}, account="none"))["code"], "not_connected")
        self.assertEqual(len(zapier.got(test=3)), 2)

    def test_a_success_may_say_anything_or_nothing(self):
        silent = self.result(zap({"test": 4}, account="quiet"))
        self.assertEqual(set(silent), {"status", "timestamp"})
        for play in "odd", "echo", "e204":
            with self.subTest(play):
                result = self.result(zap({"test": 4, "play": play}))
                self.assertEqual(result["status"], "success")
                self.assertEqual(set(result), {"status", "timestamp"})
        self.assertEqual(self.result(zap({"test": 4, "play": "word"}))["status"], "queued")

    def test_the_largest(self):
        frame = len(json.dumps({"action_id": "0" * 32, "x": ""}, separators=(",", ":")))
        self.result(zap({"x": "x" * (MAX_BODY - frame)}))
        self.assertEqual(len(zapier.requests[-1].body), MAX_BODY)
        n = len(zapier.requests)
        error = self.error(zap({"x": "x" * (MAX_BODY - frame + 1)}))
        self.assertEqual(error["code"], "invalid_payload")
        self.assertEqual([f["path"] for f in error["errors"]], ["/data"])
        self.assertEqual(len(zapier.requests), n)

    def test_payloads_that_are_none(self):
        for payload in {}, {"data": []}, {"data": {}, "hook_url": zapier.url}, {"data": "{}"}:
            with self.subTest(payload):
                error = self.error({**zap({}), "payload": payload})
                self.assertEqual(error["code"], "invalid_payload")


class Failure(Case):
    STATUSES = {
        302: "upstream_rejected",
        400: "upstream_rejected",
        401: "reauthorization_required",
        403: "upstream_rejected",
        404: "reauthorization_required",
        410: "reauthorization_required",
        413: "upstream_rejected",
        429: "rate_limited",
        500: "outcome_unknown",
        503: "outcome_unknown",
    }

    def test_what_zapier_answers(self):
        for status, code in self.STATUSES.items():
            with self.subTest(status):
                error = self.error(zap({"test": status, "play": f"e{status}"}))
                self.assertEqual(error["code"], code, error)
                self.assertEqual(error.get("retry_after_ms"), 7000 if status == 429 else None)
                self.assertEqual(len(zapier.got(test=status)), 1)
        self.assertEqual([r for r in zapier.requests if "elsewhere" in r.path], [])

    def test_a_hook_that_is_gone_can_be_replaced(self):
        error = self.error(zap({"test": 20}, account="gone"))
        self.assertEqual(error["code"], "reauthorization_required", error)
        self.result(connect(zapier.add_hook(str(uuid.uuid4())), "gone"))
        self.result(zap({"test": 21}, account="gone"))

    def test_no_clear_answer_is_an_unknown_outcome_and_never_sent_again(self):
        for play in "close", "garbage", "half", "hang":
            with self.subTest(play):
                error = self.error(zap({"test": play, "play": play}))
                self.assertEqual(error["code"], "outcome_unknown", error)
                self.assertEqual(len(zapier.got(test=play)), 1)


class Secrecy(Case):
    def test_a_dry_run_shows_where_it_leads_and_no_more(self):
        request = self.result(zap({"test": 30}, dry_run=True))["request"]
        self.assertEqual(request["method"], "POST")
        self.assertEqual(request["url"], zapier.url + "/***")
        self.assertNotIn("Authorization", request["headers"])
        self.assertNotIn("/hooks/", json.dumps(request))
        self.assertEqual(zapier.got(test=30), [])

    def test_the_audit_names_the_account(self):
        response = self.call(zap({"test": 31, "secret": "canary-in-the-data"}, account="leads"))
        entry = stack.audit(response["request_id"])
        self.assertEqual(entry["ACTION_ACCOUNT"], "leads")
        self.assertEqual(entry["ACTION_PLATFORM"], "zapier")
        self.assertNotIn("canary-in-the-data", stack.log("engine"))

    def test_urls_that_are_no_hook_are_not_stored(self):
        secret = SECRETS["default"]
        for url in ("", secret, zapier.url, f"{zapier.url}/hooks/catch/", f"ftp://x/{secret}",
                    f"{zapier.url}/hooks/catch/1/{secret}\r\nX: y",
                    f"{zapier.url}/hooks/catch/../{secret}", f"{zapier.url}/hooks/catch/{secret}?a",
                    f"http://x@127.0.0.1/hooks/catch/{secret}", 7, None, [secret]):
            with self.subTest(url):
                error = self.error(connect(url, "wrong"))
                self.assertEqual(error["code"], "invalid_payload")
                self.assertEqual([f["path"] for f in error["errors"]][0], "/hook_url")
        self.assertEqual(self.error(zap({}, account="wrong"))["code"], "not_connected")

    def test_a_hook_of_somebody_else_is_not_called(self):
        """What could be stored, since the address may be configured, is looked at again."""
        for base in "https://hooks.zapier.com", "http://127.0.0.1:1", zapier.url + "1":
            with self.subTest(base):
                self.result(connect(f"{base}/hooks/catch/1/{SECRETS['default']}/", "elsewhere"))
                for dry_run in True, False:
                    error = self.error(zap({"test": 32}, account="elsewhere", dry_run=dry_run))
                    self.assertEqual(error["code"], "reauthorization_required", error)
        self.assertEqual(zapier.got(test=32), [])

    def test_actionctl_takes_and_keeps_it(self):
        path = stack.dir / "hook.json"
        secret = SECRETS["shell"] = str(uuid.uuid4())
        path.write_text(json.dumps({"hook_url": zapier.add_hook(secret)}), encoding="utf-8")
        path.chmod(0o600)
        done = [
            stack.actionctl("auth", "token", "zapier", "--account", "shell", "--credential", path),
            stack.actionctl("perform", "zapier", "trigger_zap", "--account", "shell", "--json",
                            'data:={"test":33}'),
            stack.actionctl("perform", "zapier", "trigger_zap", "--account", "shell", "--dry-run",
                            "--json", "--verbose", 'data:={"test":34}'),
        ]
        self.assertEqual(len(zapier.got(test=33)), 1)
        self.assertEqual(len(zapier.got(test=34)), 0)
        for one in done:
            self.assertNotIn(secret, one.stdout + one.stderr)
        self.assertTrue(re.search(r"127\.0\.0\.1:\d+/\*\*\*", done[2].stdout))


class Description(Case):
    def test_it_is_listed(self):
        (action,) = self.result({"op": "list_actions", "platform": "zapier"})["actions"]
        self.assertEqual(action["action_type"], "trigger_zap")
        self.assertEqual(action["idempotency"], "unrepeatable")
        self.assertEqual(action["oauth_scopes"], [])
        for example in action["payload_schema"]["examples"]:
            self.result({**zap({}), "payload": example})


if __name__ == "__main__":
    unittest.main()
