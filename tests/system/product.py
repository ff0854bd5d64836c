# SPDX-License-Identifier: MIT
"""The product in a container: installed as README.md says, and what tests ask of it."""

import contextlib
import json
import os
import subprocess
import tempfile
import unittest

from container import BootError, Container, base_root, missing
from engine import BUILD, TOP, email, until
from upstream import Upstream

ENGINE, VAULT = "action-engine.service", "action-vault.service"
GRANT, GRANT_LISTENER = "action-grant@.service", "action-grant.socket"
UNITS = (ENGINE, "action-engine.socket", VAULT, "action-vault.socket", GRANT, GRANT_LISTENER)
SOCKET, VAULT_SOCKET = "/run/action-engine/engine.sock", "/run/action-engine/vault.sock"
GRANT_SOCKET = "/run/action-engine/grant.sock"
CONFIGURATION = "/etc/action-engine/action-engine.conf.d/test.conf"
TOKEN_FILE = "/home/me/.config/action-engine/token"
# The README's user, one who may connect but has no token, and one who may not.
USERS = {"me": 1000, "guest": 1001, "stranger": 1002}


BEARER = "ya29.system-test"

# Whoever is to answer may take as long as a test waits, on a machine that stands still at times.
PATIENT = """
[Engine]
RequestTimeoutSec=120
[Vault]
TimeoutSec=60
[Policy]
PolkitTimeoutSec=60
[Http]
ConnectTimeoutSec=60
FirstByteTimeoutSec=60
TotalTimeoutSec=120
"""


def set_up():
    """For a setUpModule(): the container, the product in it, and its Gmail, for the module's life."""
    reason = missing()
    if reason:
        raise unittest.SkipTest(reason)
    folder = unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="action-engine-"))
    try:
        box = unittest.enterModuleContext(Container(base_root(), folder))
    except BootError as e:
        raise unittest.SkipTest(f"systemd-nspawn cannot boot: {e}") from e
    upstream = unittest.enterModuleContext(box.in_network(Upstream))
    upstream.bearers = {BEARER}
    return box, Product(box, upstream.url, BEARER), upstream


def readme(heading):
    """That chapter's text."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def unanswered(connection, to):
    """An e-mail's response, when nobody approves it before its deadline. One that passes before a
    person could be asked shows nothing: then the next is later.
    """
    for msec in (500 << n for n in range(7)):
        response = connection.call(email(to, interactive=True, deadline_ms=msec))
        if response["error"]["code"] != "deadline_exceeded":
            break
    return response


class Product:
    """`google` is where it is told to send e-mails, with that bearer."""

    def __init__(self, box, google, bearer):
        assert (BUILD / "build.ninja").exists(), f"there is no {BUILD}: build first"
        self.box = box
        self._install(google, bearer)
        self.token = box.path(TOKEN_FILE).read_text(encoding="ascii").strip()

    def _install(self, google, bearer):
        """What the README says; but the machine that builds is this one, and Google is ours."""
        lines = readme("Install it").splitlines()
        build, *rest = [line.strip() for line in lines if line.startswith("    ")]
        assert build.endswith("&& meson install -C build"), build
        root = self.box.path("/")
        command = ["meson", "install", "-C", BUILD, "--destdir", root, "--no-rebuild", "--quiet"]
        subprocess.run(command, check=True)

        for name, uid in USERS.items():
            self.box.run("useradd", "--create-home", "--uid", uid, name)
        self.write("/home/me/credential.json", json.dumps({"access_token": bearer}))
        address = google.removeprefix("http://")
        self.write(CONFIGURATION, PATIENT + f"PlainHttp={address}\n[Adapter gmail]\nBaseUrl={google}\n")
        setup, add, login = rest
        assert "provider add" in add and "auth login" in login, rest  # for somebody with a browser
        self.setup = setup
        self.box.run("sh", "-euc", setup)
        self.box.run("actionctl", "--token-file", TOKEN_FILE, "auth", "token", "gmail",
                     "--credential", "/home/me/credential.json", user="me")
        self.box.run("usermod", "--append", "--groups", "action-engine", "guest")

    def write(self, path, text):
        path = self.box.path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def connect(self, user="me", with_token=True, token=None):
        return self.box.connect(SOCKET, user, (token or self.token) if with_token else None)

    def perform(self, to, *more, **options):
        """Sends an e-mail as the README's user does. Returns the response."""
        command = ["actionctl", "--token-file", TOKEN_FILE, "--json", "perform"]
        payload = [f"to={to}", "subject=Hello!", "body=How are you?"]
        done = self.box.run(*command, *more, "gmail", "send_email", *payload, user="me",
                            **options)
        return json.loads(done.stdout)

    def main_pid(self, unit):
        """In the container's numbers; 0 when it does not run."""
        return int(self.box.property(unit, "MainPID"))

    def process(self, unit):
        """What /proc/PID/status tells, as strings."""
        status = self.box.path(f"/proc/{self.main_pid(unit)}/status").read_text("ascii")
        return dict(line.split(":\t", 1) for line in status.splitlines())

    def interfaces(self, unit):
        lines = self.box.path(f"/proc/{self.main_pid(unit)}/net/dev").read_text("ascii")
        return [line.split(":")[0].strip() for line in lines.splitlines()[2:]]

    def kill(self, unit, signal="KILL"):
        self.box.run("systemctl", "kill", "--kill-who=main", f"--signal={signal}", unit)

    def journal(self, *matches):
        done = self.box.run("journalctl", "--output=json", "--no-pager", *matches)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def audit(self, response):
        """Its entry, of which there may be one; it is written behind the answer."""
        match = f"ACTION_REQUEST_ID={response['request_id']}"
        return until(lambda: self.journal(match), lambda entries: len(entries) == 1)[0]

    @contextlib.contextmanager
    def drop_in(self, unit, text):
        path = f"/run/systemd/system/{unit}.d/test.conf"
        self.write(path, text)
        try:
            self.box.run("systemctl", "daemon-reload")
            yield
        finally:
            self.box.run("rm", "-r", os.path.dirname(path))
            self.box.run("systemctl", "daemon-reload")
