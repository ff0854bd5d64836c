# SPDX-License-Identifier: MIT
"""actionctl setup, into a folder that is the root of a system which does not run. What only a running
system shows is in tests/system."""

import base64
import itertools
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from ctl import ACTIONCTL, BUILD, REFUSED, SUCCESS, TIMEOUT, TOP, USAGE

UID = 1000
TOKEN = "home/me/.config/action-engine/token"
ME = ("--user", "me", "--scope", "gmail:*")
LEFT = {"socket-folder", "units", "vault-key"}
MADE = {"users", "catalog", "private-key", "public-key", "vault-sockets", "engine-socket", "member",
        "token"}
TOOLS = ("systemd-sysusers", "systemctl", "journalctl", "usermod")


def lacking():
    if os.geteuid() != 0:
        return "needs root"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"needs {', '.join(missing)}" if missing else None


def copy(pattern, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for source in pattern:
        shutil.copy(source, folder)


class Case(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.root.chmod(0o755)

    def setup(self, *arguments, code=SUCCESS, user=None, env=None):
        """(stdout, stderr)"""
        become = ["setpriv", "--reuid", str(user)] if user else []
        p = subprocess.run([*become, ACTIONCTL, "setup", "--root", self.root, *arguments],
                           capture_output=True, text=True, timeout=TIMEOUT, check=False,
                           stdin=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8", **(env or {})})
        self.assertEqual(p.returncode, code, p)
        return p.stdout, p.stderr

    def states(self, *arguments, **more):
        """Of each step, by its name."""
        out, _ = self.setup("--json", *arguments, **more)
        result = json.loads(out)
        self.assertEqual(result["status"] == "success", more.get("code", SUCCESS) == SUCCESS)
        return {step["step"]: step["state"] for step in result["steps"]}


@unittest.skipIf(lacking(), lacking())
class Prepared(Case):
    """A root with all that is installed, and a user."""

    def setUp(self):
        super().setUp()
        catalog = TOP / "systemd/action-engine.catalog"
        copy([catalog], self.root / "usr/lib/systemd/catalog")
        copy([*(TOP / "systemd").glob("*.socket"), *(BUILD / "systemd").glob("*.service")],
             self.root / "usr/lib/systemd/system")
        (self.root / "usr/lib/sysusers.d").mkdir()
        shutil.copy(TOP / "systemd/action-engine.sysusers",
                    self.root / "usr/lib/sysusers.d/action-engine.conf")
        (self.root / "etc").mkdir()
        self.write("etc/passwd", f"root:x:0:0::/root:/bin/sh\nme:x:{UID}:{UID}::/home/me:/bin/sh\n")
        self.write("etc/group", f"root:x:0:\nme:x:{UID}:\n")
        (self.root / "home/me").mkdir(parents=True)
        os.chown(self.root / "home/me", UID, UID)

    def write(self, path, text):
        (self.root / path).write_text(text, encoding="ascii")

    def read(self, path):
        return (self.root / path).read_text("ascii")

    def assert_mode(self, path, mode, uid):
        status = (self.root / path).lstat()
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (mode, uid), path)

    def files(self):
        return {path: path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}

    def end_token(self):
        """The token that is there is over now. Gives it."""
        header, claims, signature = self.read(TOKEN).strip().split(".")
        claims = {**json.loads(base64.urlsafe_b64decode(claims + "==")), "exp": 1700000000}
        claims = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        self.write(TOKEN, f"{header}.{claims}.{signature}\n")
        return self.read(TOKEN)


class Setup(Prepared):
    def test_all_of_it_and_again(self):
        expected = {**dict.fromkeys(LEFT, "left"), **dict.fromkeys(MADE, "missing")}
        before = self.files()
        self.assertEqual(self.states(*ME, "--dry-run"), expected)
        self.assertEqual(self.files(), before)

        expected.update(dict.fromkeys(MADE, "made"))
        self.assertEqual(self.states(*ME), expected)
        self.assertIn("\naction-vault:", self.read("etc/passwd"))
        self.assertRegex(self.read("etc/group"), r"(?m)^action-engine:.*:me$")
        self.assert_mode("etc/action-engine/private", 0o700, 0)
        self.assert_mode("etc/action-engine/private/signing.jwk", 0o600, 0)
        self.assert_mode("etc/action-engine/keys.d/local.jwk", 0o644, 0)
        self.assertNotIn('"d"', self.read("etc/action-engine/keys.d/local.jwk"))
        for path in "home/me/.config", "home/me/.config/action-engine":
            self.assert_mode(path, 0o700, UID)
        self.assert_mode(TOKEN, 0o600, UID)
        enabled = os.listdir(self.root / "etc/systemd/system/sockets.target.wants")
        self.assertEqual(sorted(enabled),
                         [f"action-{name}.socket" for name in ("engine", "grant", "vault")])

        before = self.files()
        expected.update(dict.fromkeys(MADE, "found"))
        for _ in range(2):
            self.assertEqual(self.states(*ME), expected)
        self.assertEqual(self.files(), before)

    def test_what_the_token_says(self):
        self.setup(*ME, "--scope", "auth:gmail", "--users", "you", "--ttl", "1d")
        shown = subprocess.run([ACTIONCTL, "token", "inspect", "--json"], check=True, text=True,
                               capture_output=True, env={"HOME": str(self.root / "home/me")})
        claims = json.loads(shown.stdout)["claims"]
        self.assertEqual(claims["exp"] - claims["iat"], 24 * 3600)
        self.assertEqual({name: claims[name] for name in ("iss", "sub", "scope", "users", "cnf")},
                         {"iss": "actionctl", "sub": "me", "scope": "gmail:* auth:gmail",
                          "users": ["you"], "cnf": {"uid": UID}})

    def test_a_token_that_is_there(self):
        self.setup(*ME)
        first = self.end_token()
        self.assertEqual(self.states(*ME, "--dry-run")["token"], "missing")
        self.assertEqual(self.states(*ME)["token"], "made")
        second = self.read(TOKEN)
        self.assertNotEqual(second, first)
        self.assert_mode(TOKEN, 0o600, UID)

        for more in [], ["--scope", "slack:*"], ["--users", "you"]:
            out, err = self.setup(*ME, *more)
            self.assertIn("token: there already", out)
            self.assertEqual("something else" in err, bool(more), err)
        self.assertEqual(self.read(TOKEN), second)

        for text in "", "nonsense", "a.b.c", "e30.W10.e30", "x" * 20000:
            self.write(TOKEN, text)
            _, err = self.setup(*ME, code=REFUSED)
            self.assertIn("is no token", err)
            self.assertEqual(self.read(TOKEN), text)

    def test_a_second_user_gets_the_same_key(self):
        self.setup()
        states = self.states(*ME)
        self.assertEqual({step for step, state in states.items() if state == "made"},
                         {"member", "token"})

    def test_one_line_for_each_step(self):
        out, err = self.setup(*ME)
        steps, following = out.split("\nNext:\n")
        self.assertEqual(len(steps.splitlines()), len(LEFT) + len(MADE))
        self.assertEqual(steps.count(": made\n"), len(MADE))
        self.assertIn("auth login gmail   as me", following)
        self.assertEqual(err, "")

    def test_without_the_vault(self):
        states = self.states("--no-vault")
        self.assertNotIn("vault-key", states)
        enabled = os.listdir(self.root / "etc/systemd/system/sockets.target.wants")
        self.assertEqual(enabled, ["action-engine.socket"])

    def test_half_a_pair_of_keys(self):
        self.setup()
        public = self.root / "etc/action-engine/keys.d/local.jwk"
        before = public.read_text("ascii")
        public.unlink()
        self.assertEqual(self.states()["public-key"], "made")
        self.assertEqual(public.read_text("ascii"), before)

        (self.root / "etc/action-engine/private/signing.jwk").unlink()
        states = self.states(code=REFUSED)
        self.assertEqual((states["private-key"], states["public-key"]), ("made", "failed"))
        self.assertNotIn("engine-socket", states)  # it ends where it fails

    def test_a_key_that_others_could_read(self):
        self.setup()
        (self.root / "etc/action-engine/private/signing.jwk").chmod(0o644)
        _, err = self.setup(code=REFUSED)
        self.assertIn("others can read", err)

    def test_a_home_is_no_trap(self):
        """What a user puts in root's way gets them nothing that they could not do themselves."""
        victim = self.root / "etc/victim"
        victim.mkdir(0o755)
        home = self.root / "home/me/.config"
        for trap in (lambda: home.symlink_to(victim),
                     lambda: home.mkdir() or (home / "action-engine").symlink_to(victim),
                     lambda: (home / "action-engine").mkdir(parents=True)
                     or (home / "action-engine/token").symlink_to(victim / "token"),
                     lambda: (home / "action-engine/token").mkdir(parents=True)):
            trap()
            for path in [home, *([] if home.is_symlink() else home.rglob("*"))]:
                os.chown(path, UID, UID, follow_symlinks=False)
            states = self.states(*ME, code=REFUSED)
            self.assertEqual(states["token"], "failed")
            self.assertEqual(list(victim.iterdir()), [])
            if home.is_symlink():
                home.unlink()
            else:
                shutil.rmtree(home)

    def test_nothing_is_begun_that_cannot_be_finished(self):
        before = self.files()
        for arguments, words in (
                (("--user", "me"), "--scope"),
                (("--scope", "gmail:*"), "--user"),
                (("--token-file", "/t"), "--user"),
                (("--user", "you", "--scope", "*"), "there is no user 'you'"),
                (("--user", "--help", "--scope", "*"), "there is no user"),
                (("--user", "me", "--scope", "gmail"), "scope"),
                ((*ME, "--token-file", "here"), "whole path"),
                ((*ME, "--ttl", "400d"), "--ttl"),
                ((*ME, "--root", "relative"), "--root"),
                ((*ME, "--root", "/nonexistent"), "--root"),
                ((*ME, "--uid", "5"), "no option --uid"),
                (("word",), "it goes")):
            with self.subTest(arguments):
                _, err = self.setup(*arguments, code=USAGE)
                self.assertIn(words, err)
        self.assertEqual(self.files(), before)

    def test_root_alone(self):
        _, err = self.setup(*ME, code=USAGE, user=UID)
        self.assertIn("only root", err)

    def test_the_environment_leads_nowhere(self):
        """Programs are the system's, whatever PATH says, and see nothing of ours."""
        fakes = self.root / "fakes"
        fakes.mkdir()
        for tool in TOOLS:
            (fakes / tool).write_text(f"#!/bin/sh\ntouch {self.root}/fooled\n", encoding="ascii")
            (fakes / tool).chmod(0o755)
        self.setup(*ME, env={"PATH": str(fakes), "SYSTEMD_LOG_TARGET": "nonsense"})
        self.assertFalse((self.root / "fooled").exists())

    def test_a_program_that_fails(self):
        self.write("etc/passwd", "")
        (self.root / "usr/lib/systemd/system/action-engine.socket").unlink()
        out, err = self.setup("--json", code=REFUSED)
        last = json.loads(out)["steps"][-1]
        self.assertEqual((last["step"], last["state"]), ("engine-socket", "failed"))
        self.assertIn("'systemctl' ended with status", err)
        self.assertIn("action-engine.socket", last["reason"])


class PowerCut(Prepared):
    """
    Power is lost before each of the calls by which files are written, and then it is tried again.
    What was not synced is there (as after a kill), or is half there, or has no name.
    """

    LOSSES = "none", "data", "names"
    WRITTEN = "etc/action-engine", "home/me"

    def setUp(self):
        super().setUp()
        self.kept = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.log = self.kept / "log"
        self.setup("--no-vault", *ME)

    def restore(self):
        for path in self.WRITTEN:
            shutil.rmtree(self.root / path)
            subprocess.run(["cp", "-a", self.kept / path, self.root / path], check=True)

    def cut(self, at):
        """Whether it came to an end, and what was done until then."""
        self.log.write_text("", "ascii")
        env = {"LD_PRELOAD": BUILD / "tests/integration/powercut.so", "POWERCUT_ROOT": self.root,
               "POWERCUT_LOG": self.log, "POWERCUT_AT": str(at), "LC_ALL": "C.UTF-8",
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        p = subprocess.run([ACTIONCTL, "setup", "--root", self.root, "--no-vault", *ME], env=env,
                           capture_output=True, timeout=TIMEOUT, check=False,
                           stdin=subprocess.DEVNULL, start_new_session=True)
        self.assertIn(p.returncode, (SUCCESS, -signal.SIGKILL), p)
        lines = self.log.read_text("ascii").splitlines()
        return p.returncode == SUCCESS, [line.split("\t") for line in lines]

    def lose(self, done, losses):
        """What the disk had not been made to remember."""
        data, names = set(), {}
        for call, path, other in done:
            if call == "sync":
                data.discard(path)
                names = {n: before for n, before in names.items() if os.path.dirname(n) != path}
            elif call == "unlink":
                data.discard(path)
                names.pop(path, None)
            else:
                if call == "write" or other in data:
                    data.add(path)
                if call in ("create", "link", "rename"):
                    names[path] = self.kept / pathlib.Path(path).relative_to(self.root)
                if call == "rename":
                    data.discard(other)
                    names.pop(other, None)
        for path in map(pathlib.Path, data if losses == "data" else ()):
            os.truncate(path, path.stat().st_size // 2)
        for path, before in sorted(names.items() if losses == "names" else (), reverse=True):
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
            if before.is_file():
                subprocess.run(["cp", "-a", before, path], check=True)

    def assert_whole(self):
        for _ in range(2):
            states = self.states("--no-vault", *ME)
        self.assertLessEqual(set(states.values()), {"found", "left"}, states)
        private, public = (json.loads(self.read(f"etc/action-engine/{name}.jwk"))
                           for name in ("private/signing", "keys.d/local"))
        self.assertEqual(public["x"], private["x"])
        self.assert_mode("etc/action-engine/private/signing.jwk", 0o600, 0)
        self.assert_mode(TOKEN, 0o600, UID)

    def cut_everywhere(self):
        """Gives how many calls there were."""
        for path in self.WRITTEN:
            (self.kept / path).parent.mkdir()
            subprocess.run(["cp", "-a", self.root / path, self.kept / path], check=True)
        for at in itertools.count():
            for losses in self.LOSSES:
                with self.subTest(at=at, losses=losses):
                    self.restore()
                    ended, done = self.cut(at)
                    if ended:
                        return at
                    self.lose(done, losses)
                    self.assert_whole()

    def test_from_the_start(self):
        for path in "etc/action-engine/private", "etc/action-engine/keys.d", "home/me/.config":
            shutil.rmtree(self.root / path)
        self.assertGreater(self.cut_everywhere(), 25)

    def test_a_token_is_replaced(self):
        self.end_token()
        self.assertGreater(self.cut_everywhere(), 5)


if __name__ == "__main__":
    unittest.main()
