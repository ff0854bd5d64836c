# SPDX-License-Identifier: MIT
"""A real mail server (Exim) on loopback: TLS, logins, mailboxes. All of it lives in a folder.

Its certificate is of an authority that is made with it, for `mail.test` and 127.0.0.1.
"""

import email
import email.policy
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from fake import TIMEOUT, reserve

EXIM = "/usr/sbin/exim4"

# Who the processes are, other than root: mail is never delivered by root.
OWNER = "nobody"

CONFIG = """
primary_hostname = mail.test
exim_user = {owner}
exim_group = {group}
trusted_users = {owner}
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {starttls} : {tls} : {plain}
tls_on_connect_ports = {tls}
tls_certificate = {dir}/server.pem
tls_privatekey = {dir}/server.key
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
auth_advertise_hosts = ${{if def:tls_in_cipher{{*}}{{}}}}
smtputf8_advertise_hosts = ${{if eq{{$received_port}}{{{tls}}}{{}}{{*}}}}
message_size_limit = {max_size}
host_lookup =
rfc1413_query_timeout = 0s
smtp_enforce_sync = true
keep_environment =
qualify_domain = mail.test
recipients_max = 200
recipients_max_reject = true
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  deny message = not without a login
       !authenticated = *
  deny message = no such user here
       !local_parts = ${{sg{{{users}}}{{,}}{{:}}}}
  defer message = 450 4.2.1 mailbox is busy
       local_parts = busy
  accept
data:
  deny message = we do not like that
       condition = ${{if eq{{$h_subject:}}{{refuse this}}}}
  defer message = not now
       condition = ${{if eq{{$h_subject:}}{{defer this}}}}
  accept

begin routers
local:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  maildir_format
  create_directory
  directory = {dir}/mail
  user = {owner}
  group = {group}
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${{if eq{{$received_port}}{{{starttls}}}{{true}}{{false}}}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}{{true}}{{false}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}{{true}}{{false}}}}
  server_set_id = $auth1
"""


def make_authority(folder, names=("DNS:mail.test", "IP:127.0.0.1"), by=None, days=2):
    """ca.pem, and server.pem and server.key made by it, or by that of the folder `by`. Of less than
    no days it is one that has ended."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl(*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=mail.test")
    (folder / "names").write_text(f"subjectAltName={','.join(names)}\n", encoding="ascii")
    ca = (by or folder) / "ca"
    openssl("x509", "-req", "-in", "server.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
            "-set_serial", "2", "-out", "server.pem", "-days", str(days), "-extfile", "names")


class MailServer:
    USER = "ada@mail.test"
    PASSWORD = "app-pass word ü"
    MAX_SIZE = 200_000
    USERS = ("ada", "grace", "bob", "busy", "eve", "josé")

    @staticmethod
    def lacks():
        """Why there can be none here, or None."""
        if os.geteuid() != 0:
            return "a mail server delivers to others' mailboxes, which needs root"
        return None if os.access(EXIM, os.X_OK) else "no exim4-daemon-light"

    def __enter__(self):
        owner = pwd.getpwnam(OWNER)
        self._folder = tempfile.TemporaryDirectory(prefix="mail-server-")
        self.dir = pathlib.Path(self._folder.name)
        make_authority(self.dir)
        self.ca = self.dir / "ca.pem"
        for name in "spool", "log", "mail":
            (self.dir / name).mkdir()
        self._held = [reserve() for _ in range(3)]
        self.starttls, self.tls, self.plain = (held.getsockname()[1] for held in self._held)
        config = CONFIG.format(
            dir=self.dir, owner=OWNER, group=owner.pw_gid, user=self.USER,
            password=self.PASSWORD, users=",".join(self.USERS), max_size=self.MAX_SIZE,
            starttls=self.starttls, tls=self.tls, plain=self.plain)
        path = self.dir / "exim.conf"
        path.write_text(config, encoding="utf-8")
        for where, folders, files in os.walk(self.dir):
            os.chmod(where, 0o755)
            if where != str(self.dir):
                os.chown(where, owner.pw_uid, owner.pw_gid)
        for name in "server.key", "server.pem":
            os.chown(self.dir / name, owner.pw_uid, owner.pw_gid)
        path.chmod(0o644)
        self._process = subprocess.Popen(
            [EXIM, "-C", path, "-bdf"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for port in self.starttls, self.tls, self.plain:
            self._wait(port)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate(timeout=TIMEOUT)
        for held in self._held:
            held.close()
        shutil.rmtree(self.dir / "spool")
        self._folder.cleanup()

    def _wait(self, port):
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
                return
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._process.communicate()[0]) from None
            time.sleep(0.01)

    def log(self):
        return "".join(path.read_text("utf-8", "replace") for path in (self.dir / "log").iterdir())

    def mails(self, subject):
        """The mails of that subject, as email.message.EmailMessage; one for each recipient."""
        paths = (self.dir / "mail" / "new").glob("*")
        mails = (email.message_from_bytes(p.read_bytes(), policy=email.policy.default)
                 for p in paths)
        return [m for m in mails if m["Subject"] == subject]

    def wait(self, subject, n=1):
        """So many mails: the server delivers a moment after it has accepted."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            found = self.mails(subject)
            if len(found) == n:
                return sorted(found, key=lambda m: m["Envelope-to"])
            if len(found) > n or time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} mails: {self.log()}")
            time.sleep(0.01)
