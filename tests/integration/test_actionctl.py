# SPDX-License-Identifier: MIT
"""actionctl, black box: what it sends, prints and returns, against an engine that says what a test
tells it to. The real engine is not needed here."""

import base64
import fcntl
import json
import os
import pty
import re
import signal
import socket
import stat
import struct
import subprocess
import termios
import threading
import unittest

from canaries import plain_build
from ctl import (ACTIONCTL, HANG_UP, REFUSED, RETRY, TIMEOUT, TOP, UNKNOWN, UNREACHABLE, USAGE,
                 Case, error, read_terminal, success)


class Perform(Case):
    def perform(self, answer, *arguments, **more):
        return self.ask("perform_action", answer, "perform", "gmail", "send_email", *arguments,
                        **more)

    def test_the_request(self):
        _, _, request = self.perform(success({}), "to=a", "to=b", "n:=[1,{}]", "--user", "u",
                                     "--account=work", "--dry-run", "--deadline", "2.5")
        request.pop("id")
        self.assertEqual(request, {
            "op": "perform_action", "platform": "gmail", "action_type": "send_email",
            "user_id": "u", "account": "work", "deadline_ms": 2500, "dry_run": True,
            "payload": {"to": ["a", "b"], "n": [1, {}]}})

    def test_the_smallest_request(self):
        _, _, request = self.perform(success({}))
        request.pop("id")
        self.assertEqual(request, {"op": "perform_action", "platform": "gmail",
                                   "action_type": "send_email", "payload": {}})

    def test_payload_from_a_file_and_from_stdin(self):
        text = '{\n  "to": "a",\r\n  "n": [\n1.50]\n}\n'
        path = self.file("payload", text)
        for arguments in (["--payload", path], ["--payload", "-"], ["-"]):
            _, _, request = self.perform(success({}), *arguments, stdin=text)
            self.assertEqual(request["payload"], {"to": "a", "n": [1.5]})

    def test_payloads_that_are_none(self):
        for name, text, words in (
                ("empty", "", "is empty"),
                ("cut", '{"a":', "no JSON"),
                ("doubled", '{\n"a":1,\n"a":2}', "line 3"),
                ("array", "[]", "no object"),
                ("latin", b'{"a":"\xe4"}', "no JSON"),
                ("nul", b'{"a":"\0"}', "no JSON")):
            with self.subTest(name):
                _, err = self.run_ctl("perform", "p", "a", "--payload", self.file(name, text),
                                      code=USAGE)
                self.assertIn(words, err)
        _, err = self.run_ctl("perform", "p", "a", "-", code=USAGE)
        self.assertIn("standard input is empty", err)
        _, err = self.run_ctl("perform", "p", "a", "--payload", "/nonexistent", code=USAGE)
        self.assertIn("No such file", err)
        _, err = self.run_ctl("perform", "p", "a", "b=c", "--payload", "-", code=USAGE)
        self.assertIn("not both", err)
        self.assertEqual(self.engine.requests, [])

    def test_the_result_for_people(self):
        out, err, _ = self.perform(success({"message_id": "abc", "n": 9007199254740991, "ok": True,
                                            "none": None, "list": ["x", {"y": 1.5, "z": {"n": 0}}],
                                            "empty": []}))
        self.assertEqual(out, "message_id: abc\nn: 9007199254740991\nok: true\nnone: null\n"
                              "list:\n  - x\n  - y: 1.5\n    z:\n      n: 0\nempty: []\n")
        self.assertEqual(err, "")

    def test_the_raw_line(self):
        line = b'{"id":"call", "status":"success","result":{"n":1.50,"t":"\xc2\x9b\x7f\xc3\xa4"}}\n'
        out, _, _ = self.perform(line, "--json")
        self.assertEqual(out, '{"id":"call", "status":"success","result":{"n":1.50,'
                              '"t":"\\u009b\\u007fä"}}\n')

    def test_the_raw_line_of_a_failure(self):
        out, err, _ = self.perform(error("forbidden"), "--json", code=REFUSED)
        self.assertEqual(json.loads(out)["error"]["code"], "forbidden")
        self.assertIn("[forbidden]", err)

    def test_a_replay_is_told(self):
        _, err, _ = self.perform({"status": "success", "replayed": True, "result": {}})
        self.assertIn("recorded answer", err)


class Payload(Case):
    """What a payload is made of, and what the engine's own schema says of it first."""

    SCHEMA = json.loads((TOP / "adapters/email/send_email.payload.json").read_text("utf-8"))

    def setUp(self):
        super().setUp()
        self.engine.answers["list_actions"] = success({"actions": [
            {"platform": "gmail", "action_type": "send_email", "payload_schema": self.SCHEMA}]})
        self.engine.answers["perform_action"] = success({})

    def perform(self, *arguments, **more):
        """(stderr, the payload that was sent, or None)"""
        self.engine.requests.clear()
        _, err = self.run_ctl("perform", "gmail", "send_email", *arguments, **more)
        sent = [r["payload"] for r in self.engine.requests if r["op"] == "perform_action"]
        return err, sent[0] if sent else None

    def test_members_and_elements(self):
        _, sent = self.perform("to=a@b.c", "attachments[0].filename=a", "attachments[0].content_base64=",
                               "attachments[].filename=b", "attachments[1].content_base64=Zm9v")
        self.assertEqual(sent["attachments"], [{"filename": "a", "content_base64": ""},
                                               {"filename": "b", "content_base64": "Zm9v"}])

    def test_files(self):
        text, report = self.file("text", "Grüße\n@\n"), self.file("report.PDF", b"\0\xff%PDF")
        self.assertEqual(
            self.perform("to=a@b.c", f"body=@{text}", "subject=@@home", f"attachments[]=@{report}",
                         f"attachments[]=@{text}",
                         "attachments[2].filename=x", f"attachments[2].content_base64=@{report}")[1],
            {"to": "a@b.c", "body": "Grüße\n@\n", "subject": "@home", "attachments": [
                {"filename": "report.PDF", "content_type": "application/pdf",
                 "content_base64": "AP8lUERG"},
                {"filename": "text", "content_type": "application/octet-stream",
                 "content_base64": base64.b64encode("Grüße\n@\n".encode()).decode()},
                {"filename": "x", "content_base64": "AP8lUERG"}]})
        self.assertEqual(self.perform("to=a@b.c", "body=@-", stdin="from stdin")[1]["body"],
                         "from stdin")

    def test_files_that_cannot_be_had(self):
        latin, nul = self.file("latin", b"\xe4"), self.file("nul", b"a\0b")
        for argument, words in (
                ("body=@/nonexistent", "No such file"), (f"body=@{self.directory}", "directory"),
                (f"body=@{latin}", "no text in UTF-8"), (f"body=@{nul}", "no text in UTF-8"),
                ("attachments[0]=@-", "has no name"), ("body=@", "No such file")):
            with self.subTest(argument):
                err, sent = self.perform("to=a@b.c", argument, code=USAGE)
                self.assertIn(words, err)
                self.assertIsNone(sent)

    def test_a_symlink_is_its_caller_s_file(self):
        """What the caller may read, under the name that the caller gave."""
        link = os.path.join(self.directory, "link.txt")
        os.symlink(self.file("target.bin", "x"), link)
        _, sent = self.perform("to=a@b.c", f"attachments[]=@{link}")
        self.assertEqual([sent["attachments"][0][name] for name in ("filename", "content_base64")],
                         ["link.txt", "eA=="])

    def test_what_is_no_file(self):
        """Nothing of it is waited for, and of what never ends there is not even a beginning."""
        fifo, address = (os.path.join(self.directory, name) for name in ("fifo", "socket"))
        link, loop = (os.path.join(self.directory, name) for name in ("link", "loop"))
        os.mkfifo(fifo)
        os.symlink(fifo, link)
        os.symlink(loop, loop)
        listener = self.enterContext(socket.socket(socket.AF_UNIX))
        listener.bind(address)
        for path in fifo, link, address, loop, "/dev/zero", "/dev/full", self.directory:
            for field in "body", "attachments[0]", "attachments[0].content_base64":
                with self.subTest(path, field=field):
                    err, sent = self.perform("to=a@b.c", f"{field}=@{path}", code=USAGE)
                    self.assertRegex(err, "neither a file nor a pipe|directory|"
                                          "Too many levels")
                    self.assertIsNone(sent)
            with self.subTest(path, payload=True):
                _, err = self.run_ctl("perform", "gmail", "send_email", "--payload", path, code=USAGE)
                self.assertIn(path, err)

    def test_a_pipe(self):
        """As <(command) makes one."""
        reader, writer = os.pipe()
        os.write(writer, b"from a command")
        os.close(writer)
        _, sent = self.perform("to=a@b.c", f"body=@/dev/fd/{reader}", pass_fds=[reader])
        os.close(reader)
        self.assertEqual(sent["body"], "from a command")

    def refused_within(self, mib, path, **more):
        """An attachment that is refused for its size by an actionctl that gets no more memory."""
        with subprocess.Popen(
                ["prlimit", f"--as={mib << 20}", ACTIONCTL, "perform", "gmail", "send_email",
                 "to=a@b.c", f"attachments[]=@{path}"],
                stderr=subprocess.PIPE, text=True,
                env={"PATH": os.environ["PATH"], "ACTION_ENGINE_SOCKET": self.engine.path},
                **more) as p:
            for fd in more.get("pass_fds", []):
                os.close(fd)
            _, said = p.communicate(timeout=TIMEOUT)
        self.assertEqual(p.returncode, USAGE, said)
        self.assertIn("it is too large", said)

    @plain_build
    def test_too_large(self):
        """100 MiB are not read at all; of what does not tell its size no more than fits."""
        path = self.file("large", "")
        os.truncate(path, 100 << 20)
        self.refused_within(96, path)

        reader, writer = os.pipe()
        with subprocess.Popen(["cat", "/dev/zero"], stdout=writer,
                              stderr=subprocess.DEVNULL) as zeros:
            os.close(writer)
            self.refused_within(256, f"/dev/fd/{reader}", pass_fds=[reader])
            zeros.wait(TIMEOUT)

    def test_all_findings_at_once_and_nothing_is_sent(self):
        path = self.file("payload", '{"to": 7, "subject": "x\\ny", "bod": ""}')
        for arguments in (["to:=7", "subject=x\ny", "bod="], ["--payload", path], ["-"]):
            with self.subTest(arguments):
                err, sent = self.perform(*arguments, code=USAGE,
                                         stdin='{"to":7,"subject":"x\\ny","bod":""}')
                self.assertIn("nothing was sent", err)
                for field in "/to", "/subject", "/bod":
                    self.assertRegex(err, f"(?m)^  {field} ")
                self.assertIsNone(sent)

    def test_left_to_the_engine(self):
        _, sent = self.perform("to:=7", "--no-validate")
        self.assertEqual(sent, {"to": 7})
        self.assertEqual([r["op"] for r in self.engine.requests], ["perform_action"])

    def test_an_action_that_is_not_there(self):
        _, err = self.run_ctl("perform", "gmail", "x", "to=a@b.c", code=REFUSED)
        self.assertIn("there are: send_email", err)
        self.engine.answers["list_actions"] = error("unsupported_platform")
        _, err = self.run_ctl("perform", "x", "y", code=REFUSED)
        self.assertIn("[unsupported_platform]", err)
        out, _ = self.run_ctl("perform", "x", "y", "--json", code=REFUSED)
        self.assertEqual(json.loads(out)["error"]["code"], "unsupported_platform")
        self.assertNotIn("perform_action", [r["op"] for r in self.engine.requests])

    def test_a_schema_that_is_none(self):
        """The engine is then the only one to look."""
        for schema in ({"type": 7}, {"$ref": "#/nowhere"}, 7, {"pattern": "("}):
            with self.subTest(schema):
                self.engine.answers["list_actions"] = success({"actions": [
                    {"platform": "gmail", "action_type": "send_email", "payload_schema": schema}]})
                err, sent = self.perform("to=a@b.c")
                self.assertIn("only the engine looks", err)
                self.assertEqual(sent, {"to": "a@b.c"})

    def test_the_example_that_is_shown_works(self):
        out, _ = self.run_ctl("actions", "gmail", "send_email")
        command = re.search(r"(?m)^    actionctl (perform .*)$", out).group(1)
        words = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True,
                               text=True, check=True).stdout.split("\0")[:-1]
        self.run_ctl(*words)
        self.assertEqual(self.engine.requests[-1]["payload"], self.SCHEMA["examples"][0])


class Failures(Case):
    def fail_with(self, answer, code, *arguments):
        out, err, _ = self.ask("perform_action", answer, "perform", "p", "a", *arguments, code=code)
        self.assertEqual(out, "")
        return err

    def test_exit_codes(self):
        for name, retryable, code in (
                ("invalid_payload", False, REFUSED), ("forbidden", False, REFUSED),
                ("token_expired", False, REFUSED), ("internal", False, REFUSED),
                ("cancelled", False, REFUSED), ("a_code_of_tomorrow", False, REFUSED),
                ("vault_unavailable", True, RETRY), ("rate_limited", True, RETRY),
                ("deadline_exceeded", True, RETRY), ("another_of_tomorrow", True, RETRY),
                ("outcome_unknown", False, UNKNOWN)):
            with self.subTest(name):
                err = self.fail_with(error(name, retryable), code)
                self.assertTrue(err.startswith(f"actionctl: it did not work [{name}]\n"), err)

    def test_every_finding_has_its_line(self):
        findings = [{"path": "/to", "message": "is required"},
                    {"path": "/a~1b", "message": "must be a string"},
                    {"path": "", "message": "must be an object"}]
        err = self.fail_with(error("invalid_payload", errors=findings), REFUSED)
        for line in ("  /to is required", "  /a~1b must be a string",
                     "  the payload must be an object"):
            self.assertIn(line + "\n", err)
        self.assertIn("actionctl actions", err)

    def test_what_to_do_next_is_a_command_that_works(self):
        """It has the platform, the account and the action of the command that failed."""
        for code, op, arguments, advice in (
                ("authorization_failed", "auth_start", ["auth", "login", "p"], "auth login p'"),
                ("authorization_failed", "auth_start", ["auth", "login", "p", "--account", "work"],
                 "auth login p --account work'"),
                ("invalid_payload", "perform_action", ["perform", "p", "a"], "actions p a'"),
                ("invalid_payload", "perform_action", ["policy", "explain", "p", "a",
                                                       "--no-validate"], "actions p a'"),
                ("approval_required", "perform_action", ["perform", "p", "a"], "approvals'"),
                ("not_connected", "auth_revoke", ["auth", "revoke", "p"], "auth status'")):
            with self.subTest(arguments, code=code):
                _, err, _ = self.ask(op, error(code), *arguments, code=REFUSED)
                self.assertIn(f"'actionctl {advice}", err)

    def test_what_is_for_programs_is_not_shown(self):
        err = self.fail_with(error("not_connected", details={
            "authorization_url": "https://a.example/", "state": "s", "start": "actionctl x",
            "expires_at": "2026-01-01T00:00:00Z", "by": "scope"}), REFUSED)
        for words in "by: scope", "start: actionctl x":
            self.assertIn(words, err)
        for name in "authorization_url", "state", "expires_at":
            self.assertNotIn(name, err)
        err = self.fail_with({"status": "error", "error": {
            "code": "not_connected", "message": "connect it with 'actionctl x'",
            "details": {"start": "actionctl x"}}}, REFUSED)
        self.assertEqual(err.count("actionctl x"), 1)

    def test_a_credential_is_no_payload(self):
        findings = [{"path": "", "message": "has none of the forms that are allowed here"}]
        _, err, _ = self.ask("auth_token", error("invalid_payload", errors=findings), "auth",
                             "token", "p", "--credential", "-", stdin="{}", code=REFUSED)
        self.assertIn("  the credential has none", err)
        self.assertIn("actionctl(1)", err)
        self.assertNotIn("actionctl actions", err)

    def test_what_else_an_error_says(self):
        err = self.fail_with(error("upstream_rejected", upstream={
            "status": 403, "reason": "quota", "message": "too much"}), REFUSED)
        for words in ("upstream status: 403", "upstream reason: quota"):
            self.assertIn(words, err)
        self.assertIn("by: polkit", self.fail_with(error("forbidden", details={"by": "polkit"}),
                                                   REFUSED))
        self.assertIn("again in 2.5 seconds",
                      self.fail_with(error("rate_limited", True, retry_after_ms=2500), RETRY))

    def test_outside_text_cannot_drive_the_terminal(self):
        evil = "a\x1b[31m\r\n\x07\x7f\x9b\u202e\u2066z"
        answer = error("forbidden", errors=[{"path": "/" + evil, "message": evil}],
                       details={evil: evil})
        answer["error"]["message"] = evil
        answer["error"]["code"] = evil
        err = self.fail_with(answer, REFUSED)
        self.assertNotRegex(err, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]")
        self.assertIn("a?[31m", err)
        out, _, _ = self.ask("ping", success({evil: [evil]}), "ping")
        self.assertNotRegex(out, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]")

    def test_an_error_of_another_shape(self):
        for answer in ({"status": "error"}, {"status": "", "result": {}},
                       {"status": "error", "error": {}}, {"status": "error", "error": "no"},
                       {"status": "error", "error": {"code": 1, "errors": {"a": 1}}}):
            self.fail_with(answer, REFUSED)

    def test_an_answer_without_id_is_for_us(self):
        err = self.fail_with(b'{"line":1,"status":"error","error":{"code":"invalid_json",'
                             b'"message":"m","retryable":false}}\n', REFUSED)
        self.assertIn("[invalid_json]", err)

    def test_nobody_listens(self):
        for path in (self.engine.path + "x", "/" + "x" * 200):
            _, err = self.run_ctl("ping", "--socket", path, code=UNREACHABLE)
            self.assertIn("cannot reach the engine", err)
            self.assertIn("systemctl status", err)

    def test_to_lose_the_connection_is_not_to_know(self):
        err = self.fail_with(HANG_UP, UNKNOWN)
        self.assertIn("look at the platform", err)
        for answer in (b"nonsense\n", b"{}\n", b"[]\n", b'{"status":"success","status":"error"}\n'):
            self.fail_with(answer, UNKNOWN)

    def test_to_lose_the_connection_where_nothing_happens(self):
        self.fail_with(HANG_UP, UNREACHABLE, "--dry-run")
        self.ask("ping", HANG_UP, "ping", code=UNREACHABLE)
        self.ask("health", b"[]\n", "health", code=UNREACHABLE)


class Interrupted(Case):
    """Ctrl-C while the engine is waited for."""

    def interrupt(self, op, number, *arguments, prepare=None):
        asked, over = threading.Event(), threading.Event()

        def hang(request):
            asked.set()
            over.wait(TIMEOUT)
            return HANG_UP

        self.engine.answers[op] = hang
        with subprocess.Popen([ACTIONCTL, *arguments], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare,
                              env={"ACTION_ENGINE_SOCKET": self.engine.path}) as p:
            self.assertTrue(asked.wait(TIMEOUT))
            p.send_signal(number)
            if prepare:
                over.set()
            _, err = p.communicate(timeout=TIMEOUT)
        over.set()
        return p.returncode, err

    def test_what_becomes_of_it(self):
        self.engine.answers["auth_start"] = success({
            "verification_uri": "https://a.example/", "user_code": "A", "state": "s",
            "interval_ms": 1})
        for op, words, *arguments in (
                ("perform_action", "withdrawn", "perform", "p", "a"),
                ("auth_callback", "actionctl auth status", "auth", "login", "p", "--device"),
                ("approve", "actionctl approvals'", "approvals", "approve", "x"),
                ("deny", "actionctl approvals'", "approvals", "deny", "x")):
            for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
                with self.subTest(op, number=number):
                    code, err = self.interrupt(op, number, *arguments)
                    self.assertEqual(code, -number)
                    self.assertRegex(err, f"actionctl: interrupted: .*{words}")

    def test_what_is_ignored_stays_so(self):
        """As in a shell's background, or with nohup."""
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

        code, err = self.interrupt("perform_action", signal.SIGHUP, "perform", "p", "a",
                                   prepare=ignore)
        self.assertEqual(code, UNKNOWN)
        self.assertNotIn("interrupted", err)

    def test_where_nothing_is_at_stake(self):
        code, err = self.interrupt("ping", signal.SIGINT, "ping")
        self.assertEqual((code, err), (-signal.SIGINT, ""))


class Watch(Case):
    """approvals --watch, which is left alone for days."""

    def watch(self, *answers):
        """What it says of these answers, the last of which ends it."""
        left = list(answers)
        self.engine.answers["list_approvals"] = lambda _: left.pop(0)
        _, err = self.run_ctl("approvals", "--watch", code=REFUSED)
        self.assertEqual(left, [])
        return err

    def test_it_outlives_the_engine(self):
        item = {"approval_id": "0193-a", "summary": "Send"}
        err = self.watch(success({"approvals": [item]}), HANG_UP, HANG_UP,
                         success({"approvals": []}), error("forbidden"))
        self.assertEqual(err.count("not reached"), 1)
        self.assertIn("0193-a waits no more", err)

    def test_but_it_has_to_be_there_at_first(self):
        self.ask("list_approvals", HANG_UP, "approvals", "--watch", code=UNREACHABLE)


class Tokens(Case):
    def test_where_the_token_comes_from(self):
        path = self.file("token", " from-file \n")
        other = self.file("other", "from-other")
        env = {"ACTION_ENGINE_TOKEN": "from-env", "ACTION_ENGINE_TOKEN_FILE": other,
               "HOME": self.directory}
        os.makedirs(os.path.join(self.directory, ".config/action-engine"))
        self.file(".config/action-engine/token", "from-home")
        for arguments, environment, token in (
                (["--token-file", path], env, "from-file"),
                ([], env, "from-env"),
                ([], {"ACTION_ENGINE_TOKEN_FILE": other}, "from-other"),
                ([], {"ACTION_ENGINE_TOKEN": "", "ACTION_ENGINE_TOKEN_FILE": other}, "from-other"),
                ([], {"HOME": self.directory}, "from-home"),
                ([], {"HOME": "/nonexistent"}, None),
                ([], {"HOME": ""}, None),
                ([], {}, None)):
            self.engine.requests.clear()
            self.ask("ping", success({}), "ping", *arguments, env=environment)
            sent = [(r["op"], r.get("token")) for r in self.engine.requests]
            self.assertEqual(sent, ([("authenticate", token)] if token else []) + [("ping", None)])

    def test_tokens_that_are_none(self):
        for name, text in (("empty", ""), ("blank", " \n"), ("nul", b"a\0b"), ("huge", "x" * 16385)):
            with self.subTest(name):
                self.run_ctl("ping", "--token-file", self.file(name, text), code=USAGE)
        self.run_ctl("ping", "--token-file", "/nonexistent", code=USAGE)
        self.assertEqual(self.engine.requests, [])

    def test_a_refused_token_is_the_reason(self):
        self.engine.answers["authenticate"] = error("token_expired")
        _, err, _ = self.ask("perform_action", error("unauthenticated"), "perform", "p", "a",
                             env={"ACTION_ENGINE_TOKEN": "t"}, code=REFUSED)
        self.assertIn("[token_expired]", err)
        self.assertNotIn("[unauthenticated]", err)

    def test_a_refused_token_where_none_is_needed(self):
        self.engine.answers["authenticate"] = error("token_expired")
        out, err, _ = self.ask("ping", success({}), "ping", env={"ACTION_ENGINE_TOKEN": "t"})
        self.assertIn("The engine answers.", out)
        self.assertIn("the token was refused", err)

    def test_verbose_shows_requests_without_secrets(self):
        credential = self.file("credential", '{"token":"hidden-credential"}')
        _, err, request = self.ask("auth_token", success({}), "auth", "token", "slack", "-v",
                                   "--credential", credential,
                                   env={"ACTION_ENGINE_TOKEN": "hidden-token"})
        self.assertEqual(request["credential"], {"token": "hidden-credential"})
        self.assertIn('"op":"authenticate","token":"***"', err)
        self.assertIn('"op":"auth_token","platform":"slack","credential":"***"', err)
        self.assertNotIn("hidden", err)

    def test_verbose_cuts_nothing(self):
        _, err, _ = self.ask("perform_action", success({}), "perform", "p", "a", "-v",
                             "a=" + "x" * 5000)
        self.assertIn("x" * 5000 + '"}}\n', err)


class Auth(Case):
    def test_the_request(self):
        out, _, request = self.ask("auth_token", success({}), "auth", "token", "slack",
                                   "--credential", "-", "--account=work", "--user=u",
                                   stdin='{\n"token":"t"\n}\n')
        request.pop("id")
        self.assertEqual(request, {"op": "auth_token", "platform": "slack", "account": "work",
                                   "user_id": "u", "credential": {"token": "t"}})
        self.assertIn("stored", out)

    def test_import_asks_the_platform_first(self):
        out, err, request = self.ask(
            "auth_token", success({"platform": "notion", "verified": True, "identity": "Ada's"}),
            "auth", "import", "notion", "--credential", "-", stdin='{"token":"t"}')
        self.assertIs(request["verify"], True)
        self.assertIn("identity: Ada's", out)
        self.assertEqual(err, "")
        _, err, _ = self.ask("auth_token", success({"verified": False}), "auth", "import", "zapier",
                             "--credential", "-", stdin="{}")
        self.assertIn("untried", err)
        _, _, request = self.ask("auth_token", success({}), "auth", "token", "zapier",
                                 "--credential", "-", stdin="{}")
        self.assertNotIn("verify", request)

    def test_revoke(self):
        out, err, request = self.ask("auth_revoke", success({"revoked": True}), "auth", "revoke",
                                     "gmail", "--account=work", "--user=u")
        request.pop("id")
        self.assertEqual(request, {"op": "auth_revoke", "platform": "gmail", "account": "work",
                                   "user_id": "u"})
        self.assertIn("forgotten", out)
        self.assertEqual(err, "")
        out, err, _ = self.ask("auth_revoke", success({"revoked": False, "reason": "it slept"}),
                               "auth", "revoke", "gmail")
        self.assertIn("it slept", out)
        self.assertIn("end the grant there too", err)

    def test_status(self):
        platforms = [{"platform": "gmail", "account": "work", "status": "active",
                      "identity": "user@example.com"},
                     {"platform": "notion", "account": "default", "status": "token_expired"}, 1, {}]
        out, _, request = self.ask("auth_status", success({"connected_platforms": platforms}),
                                   "auth", "status", "gmail")
        self.assertEqual(request["platform"], "gmail")
        rows = [line.split() for line in out.splitlines()]
        self.assertEqual(rows[0], ["PLATFORM", "ACCOUNT", "STATUS", "IDENTITY"])
        self.assertEqual(rows[1], ["gmail", "work", "active", "user@example.com"])
        self.assertEqual(rows[2], ["notion", "default", "token_expired"])

    def test_nothing_to_see_is_told(self):
        out, err, _ = self.ask("auth_status", success({"connected_platforms": []}),
                               "auth", "status")
        self.assertEqual(out, "")
        self.assertIn("auth:PLATFORM", err)

    def test_credentials_that_are_none(self):
        for text in ("", "secret", '"secret"', '{"a":"secret"', '{"a":"' + "s" * 65536 + '"}'):
            _, err = self.run_ctl("auth", "token", "slack", "--credential",
                                  self.file("credential", text), code=USAGE)
            self.assertNotIn("secret", err)
        self.assertEqual(self.engine.requests, [])


ACTIONS = {"actions": [
    {"platform": "gmail", "action_type": "send_email", "title": "Send an e-mail",
     "description": "Sends one message.", "idempotency": "reconcilable",
     "payload_schema": {
         "type": "object", "required": ["to"], "additionalProperties": False,
         "properties": {
             "to": {"anyOf": [{"type": "string", "format": "email"}, {"$ref": "#/$defs/list"}],
                    "description": "Recipients"},
             "subject": {"type": "string", "maxLength": 998}},
         "$defs": {"list": {"type": "array", "items": {"type": "string", "format": "email"}}}}},
    {"platform": "slack", "action_type": "post_message", "title": "Post\x1b[31m", "description": "",
     "idempotency": "unrepeatable", "payload_schema": {}}]}


class Actions(Case):
    def test_the_list(self):
        out, _, request = self.ask("list_actions", success(ACTIONS), "actions")
        self.assertNotIn("platform", request)
        rows = [line.split() for line in out.splitlines()]
        self.assertEqual(rows[0][:2], ["PLATFORM", "ACTION"])
        self.assertEqual([r[:3] for r in rows[1:]], [["gmail", "send_email", "reconcilable"],
                                                     ["slack", "post_message", "unrepeatable"]])
        self.assertNotIn("\x1b", out)

    def test_one_platform(self):
        _, _, request = self.ask("list_actions", success(ACTIONS), "actions", "gmail")
        self.assertEqual(request["platform"], "gmail")

    def test_one_action(self):
        out, _, _ = self.ask("list_actions", success(ACTIONS), "actions", "gmail", "send_email")
        self.assertTrue(out.startswith("Send an e-mail\n\nSends one message.\n\n"), out)
        self.assertRegex(out, r"(?m)^to +email or array of email +yes +Recipients *$")
        self.assertRegex(out, r"(?m)^subject +string +\(at most 998 characters\) *$")

    def test_no_such_action(self):
        _, err, _ = self.ask("list_actions", success(ACTIONS), "actions", "gmail", "x",
                             code=REFUSED)
        self.assertIn("there are: send_email", err)

    def test_a_narrow_terminal_breaks_no_word(self):
        words = "Antidisestablishment of the members who were there when it was decided".split()
        action = {"platform": "p", "action_type": "a", "payload_schema": {
            "properties": {"field": {"type": "string", "description": " ".join(words)}}}}
        self.engine.answers["list_actions"] = success({"actions": [action]})
        for columns in 50, 60, 80:
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            subprocess.run([ACTIONCTL, "actions", "p", "a", "--socket", self.engine.path],
                           stdout=theirs, check=True, timeout=TIMEOUT)
            os.close(theirs)
            lines = read_terminal(ours).decode().splitlines()
            self.assertLessEqual(max(map(len, lines)), columns)
            self.assertEqual([w for line in lines for w in line.split() if w in words], words)

    def test_lists_of_another_shape(self):
        for result in ({}, {"actions": {}}, {"actions": [1, {}, {"platform": 1}]}, []):
            self.ask("list_actions", success(result), "actions")
            self.ask("list_actions", success(result), "actions", "p", "a", code=REFUSED)


class Keys(Case):
    def path(self, name):
        return os.path.join(self.directory, name)

    def keygen(self, *arguments, private="key", public="key.pub", **more):
        return self.run_ctl("token", "keygen", "--kid", "k1", "--private", self.path(private),
                            "--public", self.path(public), *arguments, **more)

    def create(self, *arguments, **more):
        return self.run_ctl("token", "create", "--key", self.path("key"), "--user", "u", *arguments,
                            **more)

    @staticmethod
    def claims(token):
        part = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def test_keygen_makes_a_pair(self):
        self.keygen()
        self.assertEqual(stat.S_IMODE(os.stat(self.path("key")).st_mode), 0o600)
        with open(self.path("key")) as private, open(self.path("key.pub")) as public:
            private, public = json.load(private), json.load(public)
        self.assertEqual((public["kid"], public["kty"], public["crv"]), ("k1", "OKP", "Ed25519"))
        self.assertEqual(private["x"], public["x"])
        self.assertIn("d", private)
        self.assertNotIn("d", public)

    def test_keygen_for_programs(self):
        self.directory = self.path('a "folder"')
        os.mkdir(self.directory)
        out, err = self.keygen("--json")
        self.assertEqual(json.loads(out), {"kid": "k1", "private": self.path("key"),
                                           "public": self.path("key.pub")})
        self.assertEqual(err, "")

    def test_keygen_overwrites_nothing(self):
        self.file("key", "mine")
        _, err = self.keygen(code=USAGE)
        self.assertIn("never overwritten", err)
        self.assertFalse(os.path.exists(self.path("key.pub")))
        self.file("key.pub2", "mine")
        self.keygen(private="key2", public="key.pub2", code=USAGE)
        self.assertFalse(os.path.exists(self.path("key2")))  # no half pair
        with open(self.path("key")) as f:
            self.assertEqual(f.read(), "mine")

    def test_a_kid_names_no_path(self):
        self.run_ctl("token", "keygen", "--kid", "../k", "--private", self.path("a"), "--public",
                     self.path("b"), code=USAGE)
        self.assertEqual(os.listdir(self.directory), [])

    def test_create(self):
        self.keygen()
        out, err = self.create("--scope", "gmail:*", "--scope", "auth:gmail", "--users", "a",
                               "--users", "b", "--ttl", "15m", "--issuer", "me")
        self.assertEqual(err, "")
        claims = self.claims(out)
        self.assertEqual(claims.pop("exp") - claims.pop("iat"), 900)
        self.assertRegex(claims.pop("jti"), "^[0-9a-f]{32}$")
        self.assertEqual(claims, {"iss": "me", "aud": "action-engine", "sub": "u",
                                  "scope": "gmail:* auth:gmail", "users": ["a", "b"],
                                  "cnf": {"uid": os.getuid()}})

    def test_whose_uid(self):
        self.keygen()
        self.assertEqual(self.claims(self.create("--uid", "1234")[0])["cnf"], {"uid": 1234})
        self.assertNotIn("cnf", self.claims(self.create("--any-uid")[0]))
        self.create("--any-uid", "--uid", "0", code=USAGE)

    def test_a_token_that_allows_nothing_is_told(self):
        self.keygen()
        self.assertIn("allows nothing", self.create()[1])

    def test_what_the_engine_would_refuse_is_not_made(self):
        self.keygen()
        for arguments in (["--scope", "gmail"], ["--scope", "a b"], ["--users", "*", "--users", "a"],
                          ["--user", "*"], ["--user", "x" * 129]):
            with self.subTest(arguments):
                out, err = self.create(*arguments, code=USAGE)
                self.assertEqual(out, "")
                self.assertRegex(err, "the engine would (refuse it|pass over)")

    def test_keys_that_are_none(self):
        self.keygen()
        os.chmod(self.path("key"), 0o644)
        self.assertIn("0600", self.create(code=USAGE)[1])
        self.run_ctl("token", "create", "--user", "u", "--key", self.path("key.pub"), code=USAGE)
        self.run_ctl("token", "create", "--user", "u", "--key", "/nonexistent", code=USAGE)

    def test_inspect(self):
        self.keygen()
        token, _ = self.create("--scope", "*")
        path = self.file("token", token)
        for arguments, more in (([path], {}), (["-"], {"stdin": token}),
                                (["--token-file", path], {}),
                                ([], {"env": {"ACTION_ENGINE_TOKEN": token}})):
            out, _ = self.run_ctl("token", "inspect", *arguments, **more)
            self.assertIn("Not verified", out)
            for line in ("alg: EdDSA", "kid: k1", "sub: u"):
                self.assertIn(line + "\n", out)
            self.assertNotIn(token.strip().split(".")[2], out)
        out, _ = self.run_ctl("token", "inspect", "--json", path)
        shown = json.loads(out)
        self.assertIs(shown["verified"], False)
        self.assertEqual(shown["claims"], self.claims(token))

    def test_inspect_what_the_engine_would_refuse(self):
        def b64(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
        token = f"{b64({'alg': 'none'})}.{b64({'exp': 0, 'x': chr(27)})}."
        out, _ = self.run_ctl("token", "inspect", "-", stdin=token)
        self.assertIn("1970-01-01T00:00:00Z, which is over", out)
        self.assertIn("Any uid may present it.", out)
        self.assertNotIn("\x1b", out)

    def test_inspect_what_is_none(self):
        for text in ("a", "a.b", "a.b.c", "e30.e30", "e30.W10.c", "e30=.e30.c", "e30.e30\n.c"):
            with self.subTest(text):
                self.run_ctl("token", "inspect", "-", stdin=text, code=USAGE)
        self.run_ctl("token", "inspect", code=USAGE)


class Usage(Case):
    def test_wrong_arguments(self):
        for arguments in ([], ["nothing"], ["token"], ["auth", "status", "a", "b"], ["auth"], ["token", "nothing"], ["perform"],
                          ["perform", "p"], ["perform", "p", "a", "b"], ["perform", "p", "a", "b:=c"],
                          ["ping", "x"], ["actions", "a", "b", "c"], ["auth", "token", "slack"],
                          ["ping", "--ttl=1h"], ["ping", "--nothing"], ["ping", "--socket"],
                          ["perform", "p", "a", "--deadline=0"], ["token", "keygen"],
                          ["token", "create", "--json"]):
            with self.subTest(arguments):
                out, err = self.run_ctl(*arguments, code=USAGE)
                self.assertEqual(out, "")
                self.assertIn("--help", err)
        self.assertEqual(self.engine.requests, [])

    def test_help_and_version(self):
        out, _ = self.run_ctl("--help")
        for code in range(6):
            self.assertRegex(out, rf"(?m)^  {code}  \w")
        for group in "auth", "provider", "token":
            helped, _ = self.run_ctl(group, "--help")
            self.assertEqual(re.findall(rf"(?m)^  {group} \w+", helped),
                             re.findall(rf"(?m)^  {group} \w+", out))
            self.assertNotIn("perform", helped)
        for word in "body=@", "attachments[]", "start.date=":
            self.assertIn(word, self.run_ctl("perform", "--help")[0])
        self.assertRegex(self.run_ctl("--version")[0], r"^actionctl \d+\.\d+\.\d+\n$")
        self.assertIn("KEY:=JSON", self.run_ctl("perform", "--help")[0])
        self.assertNotIn("(required)", out)
        self.assertRegex(self.run_ctl("token", "create", "--help")[0],
                         r"(?m)--key FILE .*\(required\)$")

    def test_an_options_words_are_about_the_verb(self):
        for verb, option, words, not_words in (
                (["perform"], "dry-run", "the call to the platform", "setup"),
                (["setup"], "dry-run", "what is missing", "platform"),
                (["perform"], "token-file", "holds your token", "revoke"),
                (["token", "revoke"], "token-file", "holds the token", "your"),
                (["auth", "login"], "scope", "the platform's words", "gmail:"),
                (["token", "create"], "scope", "gmail:", "platform"),
                (["token", "create"], "ttl", "1h", "90d"),
                (["token", "keygen"], "json", "as JSON", "engine"),
                (["provider", "add"], "issuer", "URL", "token")):
            with self.subTest(verb=verb, option=option):
                out, _ = self.run_ctl(*verb, "--help")
                said = re.search(rf"(?m)^ +--{option} (.*)$", out).group(1)
                self.assertIn(words, said)
                self.assertNotIn(not_words, said)

    def test_the_manual_has_all_of_it(self):
        manual = (TOP / "man/actionctl.1").read_text(encoding="utf-8")
        helped, _ = self.run_ctl("--help")
        for option in re.findall(r"(?m)^ +(?:-\w, )?--([a-z-]+)", helped):
            self.assertTrue(re.search(rf"(?m)^\.It Fl .*-{option}\b", manual), option)
        for verb in re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)  +\w", helped):
            self.assertTrue(re.search(rf"(?m)^\.It Cm {verb}\b", manual), verb)
        for variable in re.findall(r"(?m)^  ([A-Z_]+)  ", helped):
            self.assertTrue(re.search(rf"(?m)^\.It Ev .*{variable}\b", manual), variable)

    def test_output_that_cannot_be_written(self):
        self.engine.answers["ping"] = success({})
        with open("/dev/full", "wb") as full:
            p = subprocess.run([ACTIONCTL, "ping", "--socket", self.engine.path], stdout=full,
                               stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        self.assertEqual(p.returncode, USAGE)
        self.assertIn(b"cannot write", p.stderr)

    def test_colour_is_for_terminals(self):
        for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
            ours, theirs = pty.openpty()
            subprocess.run([ACTIONCTL, "nothing"], stderr=theirs, check=False, timeout=TIMEOUT,
                           env={"PATH": os.environ["PATH"], **env})
            os.close(theirs)
            self.assertEqual(b"\x1b[" in read_terminal(ours), coloured)


class Policy(Case):
    YES = {"decision": "yes", "decided_by": "polkit", "summary": "Send", "facts": {"to": "a"},
           "digest": "d", "request": {"url": "u"}, "dry_run": True}

    def test_explain(self):
        out, _, request = self.ask("perform_action", success(self.YES), "policy", "explain",
                                   "gmail", "send_email", "to=a")
        self.assertIs(request["dry_run"], True)
        self.assertEqual(request["payload"], {"to": "a"})
        for word in "yes", "polkit", "Send", "facts":
            self.assertIn(word, out)
        self.assertNotIn("url", out)

    def table(self, *entries, form="lines"):
        """In either of the forms."""
        if form == "array":
            return self.file("table", json.dumps(entries, indent=2))
        return self.file("table", "\n\n".join(map(json.dumps, entries)) + "\r\n")

    @staticmethod
    def entry(expect, **more):
        return {"expect": expect, "platform": "gmail", "action_type": "send_email",
                "payload": {"to": expect}, **more}

    def answer(self, request):
        """As the payload says."""
        said = request["payload"]["to"].split("/")[0]
        if said in ("yes", "no", "ask"):
            return success({**self.YES, "decision": said})
        return error(said, details={"by": "polkit"})

    def test_a_table(self):
        self.engine.answers["perform_action"] = self.answer
        entries = [self.entry("yes", name="first", user_id="u", account="work"),
                   self.entry("no", by="polkit"), self.entry("ask"), self.entry("forbidden")]
        for form in "lines", "array":
            out, _ = self.run_ctl("policy", "test", self.table(*entries, form=form))
            self.assertIn("ok 1 first: yes, by polkit\n", out)
            self.assertIn("\n4 of 4 as expected\n", out)
        sent = [r for r in self.engine.requests if r["op"] == "perform_action"]
        self.assertTrue(all(r["dry_run"] is True for r in sent))
        self.assertEqual((sent[0]["user_id"], sent[0]["account"]), ("u", "work"))

    def test_what_is_not_as_expected(self):
        self.engine.answers["perform_action"] = self.answer
        wrong = {**self.entry("no"), "payload": {"to": "yes"}}
        table = self.table(self.entry("yes"), wrong, self.entry("no", by="person"))
        out, err = self.run_ctl("policy", "test", table, code=REFUSED)
        self.assertIn("not ok 2 send_email: yes, by polkit; expected no\n", out)
        self.assertIn("not ok 3 send_email: no, by polkit; expected no, by person\n", out)
        self.assertIn("2 of 3 not as expected", err)

    def test_tables_that_are_none(self):
        fine = self.entry("yes")
        for entries in ([], [1], [{}], [{**fine, "payload": "x"}], [{**fine, "expect": True}],
                        [fine, {**fine, "platfrom": "gmail"}],
                        [{k: v for k, v in fine.items() if k != "expect"}],
                        *([{**fine, "expect": said}] for said in ("", "Yes", "denied", "none"))):
            for form in "lines", "array":
                self.run_ctl("policy", "test", self.table(*entries, form=form), code=USAGE)
        self.run_ctl("policy", "test", self.file("table", "[1"), code=USAGE)
        self.run_ctl("policy", "test", self.file("table", "{"), code=USAGE)
        self.run_ctl("policy", "test", "/nonexistent", code=USAGE)
        self.assertEqual(self.engine.requests, [])

    def test_what_is_misspelt_is_named(self):
        fine = self.entry("yes")
        misspelt = {"expcet" if k == "expect" else k: v for k, v in fine.items()}
        for entry, word in ((misspelt, "'expcet'"), ({**fine, "expect": "alow"}, "'alow'")):
            _, err = self.run_ctl("policy", "test", self.table(fine, entry), code=USAGE)
            self.assertIn("entry 2 ", err)
            self.assertIn(word, err)


class Completion(Case):
    """Every shell's words are the help's words."""

    def run_shell(self, *command):
        p = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT,
                           env={"PATH": f"{ACTIONCTL.parent}:{os.environ['PATH']}",
                                "HOME": self.directory, "LC_ALL": "C.UTF-8",
                                "ACTION_ENGINE_SOCKET": self.engine.path,
                                "ACTION_VAULT_SOCKET": self.engine.path})
        self.assertEqual(p.stderr, "")
        return p.stdout

    def bash(self, *words):
        program = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _actionctl; '
                   'printf "%s\\n" "${COMPREPLY[@]}"')
        return set(self.run_shell("bash", "--norc", "-c", program, "bash",
                                  TOP / "src/actionctl/actionctl.bash", "actionctl",
                                  *words).split())

    def zsh(self, *words):
        # compadd works in the line editor alone.
        program = ('compadd() { [[ $1 == -- ]] && shift; '
                   'if [[ $1 == -a ]]; then print -l -- ${(P)2}; else print -l -- "$@"; fi }; '
                   '_files() { }; _users() { }; words=("$@[2,-1]"); CURRENT=$#words; source "$1"')
        offered = self.run_shell("zsh", "-f", "-c", program, "zsh",
                                 TOP / "src/actionctl/_actionctl", "actionctl", *words).split()
        return {word for word in offered if word.startswith(words[-1])}

    def fish(self, *words):
        offered = self.run_shell("fish", "--no-config", "-c",
                                 "source $argv[1]; complete -C (string join ' ' -- $argv[2..])",
                                 TOP / "src/actionctl/actionctl.fish", "actionctl", *words)
        return {line.split("\t")[0] for line in offered.splitlines()}

    def in_every_shell(self, check):
        for shell in self.bash, self.zsh, self.fish:
            with self.subTest(shell.__name__):
                check(shell)

    def test_every_verb_and_option(self):
        verbs = re.search(r"(?s)Verbs:\n(.*?)\n\n", self.run_ctl("--help")[0]).group(1)
        verbs = [re.split(r"\s{2,}", line.strip())[0].split() for line in verbs.splitlines()]
        listed = {}
        for verb in verbs:
            out, _ = self.run_ctl(*verb, "--help")
            listed[*verb] = set(re.findall(r"(?m)^  (?:-\w, |    )(--[a-z-]+)", out))
            self.assertIn("--help", listed[*verb])

        def check(complete):
            self.assertEqual(complete(""), {v[0] for v in verbs})
            for first in {v[0] for v in verbs if len(v) > 1}:
                self.assertEqual(complete(first, ""), {v[1] for v in verbs if v[0] == first})
            for verb in verbs:
                self.assertEqual(complete(*verb, "--"), listed[*verb], verb)

        self.in_every_shell(check)

    def test_platforms_and_actions(self):
        evil = {"platform": "$(touch${IFS}x)", "action_type": "`id`"}
        self.engine.answers["list_actions"] = success({"actions": ACTIONS["actions"] + [evil]})

        def check(complete):
            self.assertEqual(complete("perform", ""), {"gmail", "slack"})
            self.assertEqual(complete("--user", "u", "actions", "g"), {"gmail"})
            self.assertEqual(complete("auth", "login", "--port", "1", "g"), {"gmail"})
            self.assertEqual(complete("perform", "gmail", "s"), {"send_email"})

        self.in_every_shell(check)

    def test_providers(self):
        self.engine.answers["list_providers"] = success({"providers": [
            {"provider": "google"}, {"provider": "mine"}, {"provider": "`id`"}]})

        def check(complete):
            self.assertEqual(complete("provider", "add", ""), {"google", "notion", "oidc", "slack"})
            self.assertEqual(complete("provider", "test", ""), {"google", "mine"})
            self.assertEqual(complete("provider", "remove", "m"), {"mine"})

        self.in_every_shell(check)


if __name__ == "__main__":
    unittest.main()
