# SPDX-License-Identifier: MIT
"""A person connects an account: actionctl, the emulator's consent page, and our own page after it.

What is looked at stays as pictures below build-logs/browser/.
"""

import contextlib
import pathlib
import re
import subprocess
import unittest
import urllib.parse

from chromium import BROWSER, DRIVER, Chromium
from engine import TIMEOUT, Stack

ENOUGH_CONTRAST = 4.5  # WCAG 2.2, AA
GMAIL = {"platform": "gmail"}


def setUpModule():
    global browser
    for program in BROWSER, DRIVER:
        if not pathlib.Path(program).exists():
            raise unittest.SkipTest(f"there is no {program}")
    browser = unittest.enterModuleContext(Chromium())


class Login:
    """`actionctl auth login`, waiting for the person."""

    def __init__(self, stack, *arguments):
        # No screen, hence it prints the link.
        environment = {k: v for k, v in stack.env.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self.process = subprocess.Popen(
            [stack.env["ACTIONCTL"], "auth", "login", *arguments],
            env={**environment, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        self.link = self._read_link()
        query = urllib.parse.urlsplit(self.link).query
        self.asked = dict(urllib.parse.parse_qsl(query, strict_parsing=True))

    def _read_link(self):
        for line in self.process.stdout:
            self.said += line
            found = re.search(r"http://\S*/o/oauth2/v2/auth\?\S+", line)
            if found:
                return found[0]
        raise AssertionError(f"it ended with {self.process.wait()} and no link: {self.said}")

    def finish(self):
        """Returns the exit code."""
        self.said += self.process.communicate(timeout=TIMEOUT)[0]
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=TIMEOUT)

    def answer(self, **query):
        """Where the provider would send the browser with that."""
        return self.asked["redirect_uri"] + "?" + urllib.parse.urlencode(query)


class LoginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())

    @contextlib.contextmanager
    def login(self, *arguments):
        login = Login(self.stack, *arguments)
        try:
            yield login
        finally:
            login.stop()

    def consent(self, login, person="u1@example.com"):
        browser.open(login.link)
        browser.press(person)

    def look(self, name, *words):
        """What every page of ours must be; pictures in both colours, and on a small screen."""
        text = browser.text()
        for word in words:
            self.assertIn(word, text)
        self.assertEqual(browser.run("return document.documentElement.lang"), "en")
        self.assertEqual(browser.run("return document.querySelectorAll('h1').length"), 1)
        self.assertEqual(browser.run("return document.querySelectorAll('main').length"), 1)
        self.assertEqual(browser.run("return document.scripts.length"), 0)
        # Nothing is fetched but the page itself.
        self.assertEqual(
            browser.run("return performance.getEntriesByType('resource')"
                        ".filter(e => !e.name.endsWith('/favicon.ico')).length"), 0)
        for scheme in "light", "dark":
            browser.colours(scheme)
            self.assertGreaterEqual(browser.contrast(), ENOUGH_CONTRAST, scheme)
            browser.picture(f"{name}-{scheme}")
        browser.width(320)
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 320)
        browser.picture(f"{name}-narrow")
        browser.width(900)

    def status(self, account):
        with self.stack.connect() as c:
            listed = c.result({"op": "auth_status", **GMAIL})["connected_platforms"]
        return next((entry for entry in listed if entry.get("account") == account), None)

    def test_consent_given(self):
        with self.login("gmail", "--account", "given") as login:
            self.assertIn("code_challenge", login.asked)
            self.assertEqual(login.asked["code_challenge_method"], "S256")
            self.consent(login)
            self.look("given", "u1@example.com", "given", "gmail.send")
            self.assertEqual(login.finish(), 0, login.said)
            self.assertIn("u1@example.com", login.said)
        entry = self.status("given")
        self.assertEqual((entry["status"], entry["identity"]), ("active", "u1@example.com"))
        # The account is good for what it was connected for, by nothing but its name.
        sent = self.stack.actionctl("perform", "gmail", "send_email", "--account", "given",
                                    "to=user@example.com", "subject=Hello!", "body=Connected.")
        self.assertIn("msg_", sent.stdout)

    def test_consent_refused(self):
        with self.login("gmail", "--account", "refused") as login:
            # The emulator's page has no button for it: this is where Google's leads.
            browser.open(login.answer(error="access_denied", state=login.asked["state"],
                                      error_description="<b>no</b> <script>alert(1)</script>"))
            self.look("refused")
            self.assertNotIn("<b>", browser.run("return document.querySelector('main').innerHTML"))
            self.assertNotEqual(login.finish(), 0, login.said)
        self.assertIsNone(self.status("refused"))

    def test_expired_state(self):
        with self.login("gmail", "--account", "expired") as login:
            # What the engine knows of it is in its memory alone.
            self.stack.kill("engine")
            self.stack.start("engine")
            self.consent(login)
            self.look("expired", "expired")
            self.assertNotEqual(login.finish(), 0, login.said)
        self.assertIsNone(self.status("expired"))

    def test_replayed_callback(self):
        with self.login("gmail", "--account", "replayed") as login:
            self.consent(login)
            answer = browser.url
            self.assertEqual(login.finish(), 0, login.said)
        # Nobody listens any more, and the engine knows nothing of that state.
        with self.assertRaises(Exception) as refused:
            browser.open(answer)
        self.assertIn("ERR_CONNECTION_REFUSED", str(refused.exception))
        with self.stack.connect() as c:
            error = c.error({"op": "auth_callback", **GMAIL, "account": "replayed",
                             "authorization_response": answer})
        self.assertEqual(error["code"], "authorization_failed")
        self.assertEqual(self.status("replayed")["status"], "active")

    def test_wrong_account(self):
        with self.login("gmail", "--account", "work") as login:
            self.consent(login, "u1@example.com")
            self.assertEqual(login.finish(), 0, login.said)
        with self.login("gmail", "--account", "work") as login:
            self.consent(login, "u2@example.com")
            self.look("wrong-account", "u1@example.com", "u2@example.com")
            self.assertNotEqual(login.finish(), 0, login.said)
        self.assertEqual(self.status("work")["identity"], "u1@example.com")

    def test_forged_state(self):
        """Another page's redirect neither ends the wait nor is taken."""
        with self.login("gmail", "--account", "forged") as login:
            browser.open(login.answer(code="stolen", state="0" * 43))
            self.assertIsNone(login.process.poll())
            self.consent(login)
            self.assertEqual(login.finish(), 0, login.said)
