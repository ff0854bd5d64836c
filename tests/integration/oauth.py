# SPDX-License-Identifier: MIT
"""An OAuth provider of our own, as strict as the RFCs allow, that fails on demand.

    with Provider(rotate=True) as provider:
        app = provider.app()                    # the JSON of an app, as it is kept by the vaults
        redirect = provider.authorize(url)      # what a browser and a consenting person would do
        provider.script("token", "lost")        # the next call is carried out, the answer lost
        provider.grants[-1].alive               # has it been revoked, or killed by a reused token?
        provider.is_good(access_token)          # for a platform that wants to know
        provider.revoke_tokens()                # access tokens end now, the grants live on
        provider.calls("token")                 # what came in: .fields, .headers, .body
        provider.secrets()                      # all that may stand in no log

Endpoints: /authorize, /token, /revoke, /device and the metadata below /.well-known/. RFC 6749,
7009, 7523, 7636, 8414, 8628, 9207. Every parameter must be known, nothing may stand twice, client
authentication and redirect URIs are compared exactly; a code that is used twice, and with `rotate`
a refresh token, ends its whole grant.

A fault is for the next call of that endpoint ("token", "revoke", "device", "metadata"): one of
  a status      500, 503, 429 (with Retry-After: 7): that status and an OAuth error, not done
  a tuple       (status, value or bytes): just that, not done
  a dict        the call is carried out, and the good answer changed; None takes a member away
  a name        "close", "reset", "hang" (until the end), "garbage", "redirect": not done;
                "html", "huge", "deep", "empty", "array", "twice", "echo" (an error that quotes all
                fields): a bad answer, not done; "slow" (until `gate` is set): done then;
                "lost" and "cut": done, and no whole answer
"""

import base64
import binascii
import dataclasses
import email.message
import functools
import hashlib
import html
import json
import re
import secrets
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import jws
from fake import TIMEOUT, FakeHandler, Server, reserve

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_FIELDS = {"client_id", "client_secret"}
MAX_BODY = 64 << 10
CLOCK_SKEW = 60  # seconds

# The DER prefix of a SHA-256 digest (RFC 8017 §9.2).
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def b64_decode(text):
    """base64url without padding and without liberties."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError(f"not base64url: {text!r}")
    return jws.b64url_decode(text)


class RsaKey:
    """A key pair for RS256. Its file is what openssl makes; the arithmetic needs no library."""

    def __init__(self):
        self.pem = self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt",
                                 "rsa_keygen_bits:2048").decode()
        told = self._openssl("rsa", "-noout", "-text", stdin=self.pem.encode()).decode()

        def number(name):
            digits = re.search(rf"{name}:\s+((?:[0-9a-f]{{2}}:?\s*)+)", told)[1]
            return int(re.sub(r"[:\s]", "", digits), 16)

        self.n, self._d, self.e = number("modulus"), number("privateExponent"), 65537
        self._primes = number("prime1"), number("prime2")

    @staticmethod
    def _openssl(*arguments, stdin=None):
        return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True,
                              check=True, timeout=TIMEOUT).stdout

    @property
    def _size(self):
        return (self.n.bit_length() + 7) // 8

    def private_numbers(self):
        """What nobody else may know, each with its size in bytes."""
        return (self._d, self._size), *((prime, self._size // 2) for prime in self._primes)

    def _padded(self, data):
        digest = SHA256_PREFIX + hashlib.sha256(data).digest()
        return b"\0\1" + b"\xff" * (self._size - len(digest) - 3) + b"\0" + digest

    def sign(self, data):
        return pow(int.from_bytes(self._padded(data), "big"), self._d, self.n).to_bytes(
            self._size, "big")

    def verify(self, data, signature):
        if len(signature) != self._size:
            return False
        number = pow(int.from_bytes(signature, "big"), self.e, self.n)
        return number.to_bytes(self._size, "big") == self._padded(data)

    def jwt(self, claims, **header):
        head = {"alg": "RS256", "typ": "JWT", **header}
        text = ".".join(jws.b64url(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{jws.b64url(self.sign(text.encode()))}"


@functools.cache
def rsa_key():
    """One for all of a run: they take a while to make."""
    return RsaKey()


class OAuthError(Exception):
    """RFC 6749 §5.2: what a provider will not do."""

    def __init__(self, code, text="", status=400, **more):
        super().__init__(f"{code}: {text}")
        self.status = status
        self.value = {"error": code, **({"error_description": text} if text else {}), **more}


def bad(text):
    return OAuthError("invalid_request", text)


def exactly(fields, needed, optional=()):
    """No parameter too few, none too many, none empty."""
    missing = set(needed) - set(fields)
    unknown = set(fields) - set(needed) - set(optional)
    empty = {name for name, value in fields.items() if value == ""}
    if missing or unknown or empty:
        raise bad(f"missing {sorted(missing)}, unknown {sorted(unknown)}, empty {sorted(empty)}")


def parse_form(text):
    """RFC 6749 §3.1: nothing stands there twice."""
    pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=True,
                                   encoding="utf-8", errors="strict")
    if len({name for name, _ in pairs}) < len(pairs):
        raise bad("a parameter stands there twice")
    return dict(pairs)


@dataclasses.dataclass
class Request:
    endpoint: str  # "token" and the like
    method: str
    path: str  # with its query
    headers: email.message.Message  # its names in any case
    body: bytes
    fields: dict = dataclasses.field(default_factory=dict)  # of form or JSON
    fault: object = None


@dataclasses.dataclass
class Client:
    client_id: str
    client_secret: str | None
    auth: str
    redirect_uris: list


@dataclasses.dataclass
class Grant:
    """What a person, or a service account, has allowed."""

    client_id: str
    person: str
    scope: str
    alive: bool = True
    refresh_token: str | None = None  # the one that is good now


@dataclasses.dataclass
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    used: bool = False


@dataclasses.dataclass
class Device:
    client_id: str
    device_code: str
    user_code: str
    scope: str
    state: str = "pending"  # slow_down, approved, denied, expired; a test sets it
    used: bool = False


class Handler(FakeHandler):
    def serve(self):
        provider = self.server.upstream
        path = urllib.parse.urlsplit(self.path).path
        request = Request(provider.endpoint(path), self.command, self.path, self.headers,
                          self.read_body())
        provider.record(request)
        fault = request.fault
        if isinstance(fault, int):
            retry = [("Retry-After", "7")] if fault == 429 else []
            error = "server_error" if fault >= 500 else "invalid_request"
            self.reply(fault, {"error": error}, retry)
        elif isinstance(fault, tuple):
            self.reply(*fault)
        elif isinstance(fault, str):
            getattr(self, "play_" + fault)(request)
        else:
            self.finish_call(request, fault or {})

    do_GET = do_POST = do_PUT = serve

    def finish_call(self, request, changes):
        status, value, headers = self.server.upstream.answer(request)
        if isinstance(value, dict):
            value = {k: v for k, v in {**value, **changes}.items() if v is not None}
        self.reply(status, value, headers)

    # Nothing is done.

    def play_close(self, _):
        self.close_connection = True

    def play_reset(self, _):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def play_hang(self, _):
        self.close_connection = True
        self.server.upstream.closing.wait(TIMEOUT)

    def play_garbage(self, _):
        self.close_connection = True
        self.wfile.write(b"\x00\x01\x02 this is not HTTP\r\n\r\n")

    def play_redirect(self, _):
        self.reply(307, {}, [("Location", self.server.upstream.url + "/elsewhere")])

    def play_html(self, _):
        self.reply(200, b"<html>Sign in to the network</html>")

    def play_huge(self, _):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        for _ in range(1 << 10):
            self.wfile.write(b" " * (1 << 20))

    def play_deep(self, _):
        self.reply(200, b'{"access_token":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    def play_empty(self, _):
        self.reply(200, b"")

    def play_array(self, _):
        self.reply(200, [])

    def play_twice(self, _):
        self.reply(200, b'{"access_token":"a","token_type":"Bearer","access_token":"b"}')

    def play_echo(self, request):
        provider = self.server.upstream
        fields = provider.read_fields(request)
        text = "you sent " + " ".join([*fields.values(), request.headers["Authorization"] or ""])
        self.reply(400, {"error": "invalid_request", "error_description": text})

    # It is done.

    def play_slow(self, request):
        self.server.upstream.gate.wait(TIMEOUT)
        self.finish_call(request, {})

    def play_lost(self, request):
        self.server.upstream.answer(request)
        self.close_connection = True

    def play_cut(self, request):
        body = json.dumps(self.server.upstream.answer(request)[1]).encode()
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])


def authorization_url(app, redirect_uri, scope="", verifier=None, state="s"):
    """Where a person is sent to, for an app as the vaults keep it."""
    query = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": redirect_uri,
             "state": state, **({"scope": scope} if scope else {})}
    if verifier:
        challenge = jws.b64url(hashlib.sha256(verifier.encode()).digest())
        query.update(code_challenge=challenge, code_challenge_method="S256")
    return f"{app['authorization_endpoint']}?{urllib.parse.urlencode(query)}"


def redirect_fields(url):
    """What a redirect brought."""
    return parse_form(urllib.parse.urlsplit(url).query)


class _Unredirected(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def consent_at_emulator(url, person):
    """What a browser and a person do at the emulator's Google: the redirect's URL."""
    opener = urllib.request.build_opener(_Unredirected, urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=TIMEOUT) as page:
        forms = re.findall(r"(?s)<form.*?</form>", page.read().decode())
    fields = [dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form)) for form in forms]
    (chosen,) = [f for f in fields if html.unescape(f["email"]) == person]
    body = urllib.parse.urlencode({name: html.unescape(v) for name, v in chosen.items()})
    split = urllib.parse.urlsplit(url)
    callback = f"{split.scheme}://{split.netloc}{split.path}/callback"
    try:
        opener.open(callback, body.encode(), timeout=TIMEOUT).close()
    except urllib.error.HTTPError as answer:
        with answer:
            if answer.code == 302:
                return answer.headers["Location"]
            raise
    raise ValueError("there is no redirect")


class Provider:
    """The server, with one client.

    auth         client_secret_post, client_secret_basic or none
    json_body    the endpoints take JSON instead of forms
    ok_member    errors come with status 200 and "ok": false
    rotate       each refresh brings a new refresh token, and the old one may not come back
    lenient      an old one may, as for the moment that some providers give who was cut off
    refresh      a code brings a refresh token at all
    pkce         a challenge is demanded
    iss          the redirect names the issuer, and the metadata says so
    any_port     of a loopback redirect
    secret_for_tokens  as Google has it: the other endpoints are not told the client's secret
    path         of the issuer, "" or "/tenant"
    tls          an SSLContext: then it is https://
    expires_in   of the answers; None: not said
    person       who consents; `denies` is an error code of §4.1.2.1 that comes instead
    fewer        the scopes that the person leaves ticked, as one text, or None: all
    more         members that are added to each answer with tokens
    metadata     which documents there are
    """

    redirect_uri = "http://127.0.0.1:9999/oauth/callback"

    def __init__(self, *, auth="client_secret_post", json_body=False, ok_member=False,
                 rotate=False, refresh=True, pkce=True, iss=True, any_port=True,
                 secret_for_tokens=False, path="", port=0, tls=None):
        self.json_body, self.ok_member = json_body, ok_member
        self.rotate, self.refresh, self.pkce = rotate, refresh, pkce
        self.lenient = False
        self.iss, self.any_port, self.secret_for_tokens = iss, any_port, secret_for_tokens
        self.expires_in, self.more = 3600, {}
        self.person, self.denies, self.fewer = "u1@example.com", None, None
        self.metadata = {"openid-configuration", "oauth-authorization-server"}
        self.client = Client("client-" + secrets.token_hex(4),
                             None if auth == "none" else "client-secret +%:" + secrets.token_hex(8),
                             auth, [self.redirect_uri])
        self.requests, self.failures = [], []
        self.grants, self.codes, self.devices = [], {}, {}
        self.access_tokens, self.refresh_tokens = {}, {}  # token: its grant
        self.accounts = {}  # client_email: its key's id
        self.gate, self.closing = threading.Event(), threading.Event()
        self._faults, self._secrets = [], set()
        self._changed = threading.Condition(threading.RLock())
        self._server, self._tls = None, tls
        self._held = reserve(port)
        self.port = self._held.getsockname()[1]
        self.listen()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self.issuer = self.url + path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.gate.set()
        self.refuse()
        self._held.close()
        assert not self.failures, self.failures

    def listen(self):
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.upstream = self
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self):
        """Nobody listens any more, until listen(); open connections end."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    # What tests ask for.

    def app(self, **changes):
        """The app's JSON; None takes a member away."""
        app = {
            "profile": "oidc",
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
            "client_auth": self.client.auth,
            "issuer": self.issuer,
            "iss_required": self.iss,
            "authorization_endpoint": self.url + "/authorize",
            "token_endpoint": self.url + "/token",
            "revocation_endpoint": self.url + "/revoke",
            "device_authorization_endpoint": self.url + "/device",
        }
        return {name: value for name, value in {**app, **changes}.items() if value is not None}

    def service_account(self, client_email="robot@example.com", **more):
        """A file as Google's console hands it out, for somebody who is known here."""
        self.accounts[client_email] = "key-1"
        return {"type": "service_account", "client_email": client_email, "private_key_id": "key-1",
                "private_key": rsa_key().pem, "token_uri": "https://example.invalid/token", **more}

    def script(self, endpoint, *faults):
        """What happens to the next calls of that endpoint, one each."""
        with self._changed:
            self._faults += [(endpoint, fault) for fault in faults]

    def unscript(self):
        with self._changed:
            self._faults.clear()

    def calls(self, endpoint):
        with self._changed:
            return [r for r in self.requests if r.endpoint == endpoint]

    def wait_calls(self, endpoint, n=1):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls(endpoint)) >= n, TIMEOUT):
                raise TimeoutError(f"{len(self.calls(endpoint))} of {n} calls of {endpoint}")

    def is_good(self, access_token):
        with self._changed:
            grant = self.access_tokens.get(access_token)
            return grant is not None and grant.alive

    def revoke_tokens(self):
        """All access tokens end, as they do some day."""
        with self._changed:
            self.access_tokens.clear()

    def grant(self, scope="a b", person=None, client_id=None):
        """A grant without a browser: its refresh_token is good."""
        with self._changed:
            grant = Grant(client_id or self.client.client_id, person or self.person, scope)
            self.grants.append(grant)
            self._new_refresh(grant)
            return grant

    def decide(self, user_code, state):
        """What the person did on another device: approved, denied, expired, slow_down, pending."""
        with self._changed:
            self.devices[user_code].state = state

    def secrets(self):
        """Everything secret that was issued or known here, also that which is void by now."""
        with self._changed:
            return self._secrets | {self.client.client_secret} - {None}

    # The authorization endpoint.

    def authorize(self, url):
        """What the browser ends at: the redirect's URL. An OAuthError is a page that says so, and
        leads nowhere."""
        split = urllib.parse.urlsplit(url)
        if f"{split.scheme}://{split.netloc}{split.path}" != self.url + "/authorize":
            raise bad(f"not the authorization endpoint: {url}")
        with self._changed:
            return self._authorize(parse_form(split.query))

    def _authorize(self, query):
        client, redirect_uri = self.client, query.get("redirect_uri", "")
        if query.get("client_id") != client.client_id:
            raise bad("unknown client")
        if not any(self._same_redirect(redirect_uri, known) for known in client.redirect_uris):
            raise bad(f"redirect_uri {redirect_uri} is not registered")
        answer = {}
        try:
            answer["code"] = self._new_code(query)
        except OAuthError as error:
            answer.update(error.value)
        if "state" in query:
            answer["state"] = query["state"]
        if self.iss:
            answer["iss"] = self.issuer
        return f"{redirect_uri}?{urllib.parse.urlencode(answer)}"

    def _same_redirect(self, asked, known):
        if not self.any_port:
            return asked == known
        port = re.compile(r"^(http://(?:127\.0\.0\.1|\[::1\])):\d{1,5}(?=/)")
        return port.sub(r"\1", asked) == port.sub(r"\1", known)

    def _new_code(self, query):
        exactly(query, ["client_id", "redirect_uri", "response_type", "state"],
                ["scope", "code_challenge", "code_challenge_method", "nonce", "login_hint",
                 "access_type", "prompt", "owner"])
        if query["response_type"] != "code":
            raise OAuthError("unsupported_response_type")
        challenge = query.get("code_challenge")
        if self.pkce and challenge is None:
            raise bad("code_challenge required")
        if challenge is not None and (query.get("code_challenge_method") != "S256"
                                      or len(b64_decode(challenge)) != 32):
            raise bad("code_challenge is not that of S256")
        if self.denies:
            raise OAuthError(self.denies, "as you asked")
        scope = query.get("scope", "") if self.fewer is None else self.fewer
        grant = Grant(self.client.client_id, self.person, scope)
        self.grants.append(grant)
        code = self._secret("code-")
        self.codes[code] = Code(grant, query["redirect_uri"], challenge, query.get("nonce"))
        return code

    # What came in.

    def endpoint(self, path):
        if "/.well-known/" in path:
            return "metadata"
        return path.strip("/")

    def record(self, request):
        with self._changed:
            for i, (endpoint, fault) in enumerate(self._faults):
                if endpoint == request.endpoint:
                    request.fault = fault
                    del self._faults[i]
                    break
            self.requests.append(request)
            self._changed.notify_all()

    def answer(self, request):
        """Status, value and headers."""
        serve = {
            "authorize": self._serve_authorize,
            "device": self._serve_device,
            "metadata": self._serve_metadata,
            "revoke": self._serve_revoke,
            "token": self._serve_token,
        }.get(request.endpoint)
        with self._changed:
            try:
                if not serve:
                    return 404, {"error": "not_found"}, ()
                return serve(request)
            except OAuthError as error:
                return self._refuse(request, error)

    def _refuse(self, request, error):
        if self.ok_member:
            return 200, {"ok": False, **error.value}, ()
        challenge = ()
        if error.status == 401 and "Authorization" in request.headers:
            challenge = [("WWW-Authenticate", 'Basic realm="token"')]
        return error.status, error.value, challenge

    def read_fields(self, request):
        if request.method != "POST" or "?" in request.path:
            raise bad("only POST, and no query")
        if len(request.body) > MAX_BODY:
            raise bad("the body is too large")
        types = request.headers.get_all("Content-Type", [])
        wanted = "application/json" if self.json_body else "application/x-www-form-urlencoded"
        if types != [wanted]:
            raise bad(f"Content-Type {types}")
        try:
            if self.json_body:
                fields = json.loads(request.body.decode("utf-8"))
            else:
                fields = parse_form(request.body.decode("ascii"))
        except ValueError as e:
            raise bad(f"the body: {e}") from e
        if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
            raise bad("the body is no object of strings")
        return fields

    def _read(self, request):
        """The fields of a call whose client is who it says."""
        request.fields = fields = self.read_fields(request)
        header = request.headers.get_all("Authorization", [])
        auth = self.client.auth
        if self.secret_for_tokens and request.endpoint != "token":
            auth = "none"
        if self._may_be_nobody(request, fields) and not header and not CLIENT_FIELDS & set(fields):
            return fields
        expected = {"client_id": self.client.client_id}
        if auth == "client_secret_post":
            expected["client_secret"] = self.client.client_secret
        if auth == "client_secret_basic":
            if CLIENT_FIELDS & set(fields):
                raise OAuthError("invalid_client", "one method at a time", 401)
            if len(header) != 1 or self._basic(header[0]) != (self.client.client_id,
                                                              self.client.client_secret):
                raise OAuthError("invalid_client", "Authorization", 401)
        elif header or {k: fields[k] for k in CLIENT_FIELDS & set(fields)} != expected:
            raise OAuthError("invalid_client", "client_id and client_secret", 401)
        return {name: value for name, value in fields.items() if name not in CLIENT_FIELDS}

    def _may_be_nobody(self, request, fields):
        """An assertion says itself who speaks; and Google revokes for whoever has the token."""
        if request.endpoint == "revoke":
            return self.secret_for_tokens
        return fields.get("grant_type") == JWT_BEARER

    @staticmethod
    def _basic(header):
        """RFC 6749 §2.3.1: both are form-encoded first."""
        scheme, _, text = header.partition(" ")
        try:
            pair = base64.b64decode(text, validate=True).decode("ascii").split(":")
        except (binascii.Error, ValueError):
            pair = []
        if scheme != "Basic" or len(pair) != 2:
            raise OAuthError("invalid_client", "not Basic", 401)
        return tuple(urllib.parse.unquote_plus(part) for part in pair)

    # The endpoints.

    def _serve_authorize(self, request):
        if request.method != "GET":
            raise bad("only GET")
        return 302, {}, [("Location", self.authorize(self.url + request.path))]

    def _serve_metadata(self, request):
        issuer = urllib.parse.urlsplit(self.issuer)
        documents = {
            issuer.path + "/.well-known/openid-configuration": "openid-configuration",
            "/.well-known/oauth-authorization-server" + issuer.path: "oauth-authorization-server",
        }
        if request.method != "GET" or documents.get(request.path) not in self.metadata:
            return 404, {"error": "not_found"}, ()
        return 200, {
            "issuer": self.issuer,
            "authorization_endpoint": self.url + "/authorize",
            "token_endpoint": self.url + "/token",
            "revocation_endpoint": self.url + "/revoke",
            "device_authorization_endpoint": self.url + "/device",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE,
                                      JWT_BEARER],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [self.client.auth],
            "scopes_supported": ["openid", "email", "a", "b"],
            "authorization_response_iss_parameter_supported": self.iss,
        }, ()

    def _serve_device(self, request):
        fields = self._read(request)
        exactly(fields, [], ["scope"])
        user_code = "-".join("".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4))
                             for _ in range(2))
        device = Device(self.client.client_id, self._secret("device-"), user_code,
                        fields.get("scope", ""))
        self.devices[user_code] = device
        return 200, {
            "device_code": device.device_code,
            "user_code": user_code,
            "verification_uri": self.url + "/verify",
            "verification_uri_complete": f"{self.url}/verify?user_code={user_code}",
            "expires_in": 1800,
            "interval": 5,
        }, ()

    def _serve_revoke(self, request):
        fields = self._read(request)
        exactly(fields, ["token"], ["token_type_hint"])
        grant = self.refresh_tokens.get(fields["token"]) or self.access_tokens.get(fields["token"])
        if grant:
            if grant.client_id != self.client.client_id:
                raise OAuthError("invalid_grant", "another client's")
            grant.alive = False
        return 200, {}, ()

    def _serve_token(self, request):
        fields = self._read(request)
        kind = fields.pop("grant_type", None)
        serve = {
            "authorization_code": self._redeem_code,
            "refresh_token": self._refresh,
            DEVICE_CODE: self._poll,
            JWT_BEARER: self._take_assertion,
        }.get(kind)
        if not serve:
            raise OAuthError("unsupported_grant_type", str(kind))
        return 200, serve(fields), [("Cache-Control", "no-store")]

    def _redeem_code(self, fields):
        exactly(fields, ["code", "redirect_uri"], ["code_verifier"])
        code = self.codes.get(fields["code"])
        if not code or code.grant.client_id != self.client.client_id:
            raise OAuthError("invalid_grant", "unknown code")
        if code.used:
            code.grant.alive = False
            raise OAuthError("invalid_grant", "the code was used before")
        code.used = True
        if fields["redirect_uri"] != code.redirect_uri:
            raise OAuthError("invalid_grant", "another redirect_uri")
        verifier = fields.get("code_verifier")
        if (verifier is None) != (code.challenge is None):
            raise OAuthError("invalid_grant", "code_verifier")
        if verifier is not None:
            self._secrets.add(verifier)
            if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
                raise bad("code_verifier")
            if jws.b64url(hashlib.sha256(verifier.encode()).digest()) != code.challenge:
                raise OAuthError("invalid_grant", "PKCE verification failed")
        if self.refresh:
            self._new_refresh(code.grant)
        return self._tokens(code.grant, code.grant.refresh_token, code.nonce)

    def _refresh(self, fields):
        exactly(fields, ["refresh_token"], ["scope"])
        old = fields["refresh_token"]
        grant = self.refresh_tokens.get(old)
        if not grant or not grant.alive or grant.client_id != self.client.client_id:
            raise OAuthError("invalid_grant", "unknown or revoked")
        if old != grant.refresh_token and not self.lenient:
            grant.alive = False
            raise OAuthError("invalid_grant", "the refresh token was used before")
        if not set(fields.get("scope", "").split()) <= set(grant.scope.split()):
            raise OAuthError("invalid_scope", "more than was granted")
        if self.rotate:
            self._new_refresh(grant)
        return self._tokens(grant, grant.refresh_token if self.rotate else None)

    def _poll(self, fields):
        exactly(fields, ["device_code"])
        device = next((d for d in self.devices.values()
                       if d.device_code == fields["device_code"]), None)
        if not device or device.used or device.client_id != self.client.client_id:
            raise OAuthError("invalid_grant", "unknown device code")
        errors = {"pending": "authorization_pending", "slow_down": "slow_down",
                  "denied": "access_denied", "expired": "expired_token"}
        if device.state in errors:
            raise OAuthError(errors[device.state])
        device.used = True
        grant = self.grant(device.scope if self.fewer is None else self.fewer)
        return self._tokens(grant, grant.refresh_token)

    def _take_assertion(self, fields):
        exactly(fields, ["assertion"], ["scope"])
        try:
            head, claims, signature = fields["assertion"].split(".")
            signed = f"{head}.{claims}".encode()
            head, claims = (json.loads(b64_decode(part)) for part in (head, claims))
            signature = b64_decode(signature)
        except ValueError as e:
            raise OAuthError("invalid_grant", f"no JWT: {e}") from e
        self._secrets.add(fields["assertion"])
        name = claims.get("iss")
        if not set(head) <= {"alg", "typ", "kid"} or head["alg"] != "RS256":
            raise OAuthError("invalid_grant", f"header {head}")
        if name not in self.accounts or head.get("kid", "key-1") != self.accounts[name]:
            raise OAuthError("invalid_grant", f"no account {name}")
        if not rsa_key().verify(signed, signature):
            raise OAuthError("invalid_grant", "the signature")
        self._check_claims(claims)
        grant = Grant(self.client.client_id, claims.get("sub", name), claims["scope"])
        self.grants.append(grant)
        return self._tokens(grant)

    def _check_claims(self, claims):
        now = time.time()
        exactly(claims, ["iss", "scope", "aud", "iat", "exp"], ["sub", "jti"])
        if claims["aud"] != self.url + "/token":
            raise OAuthError("invalid_grant", f"aud {claims['aud']}")
        if not all(type(claims[name]) is int for name in ("iat", "exp")):
            raise OAuthError("invalid_grant", "iat and exp are no whole numbers")
        if not (claims["iat"] <= now + CLOCK_SKEW and now < claims["exp"]
                and claims["iat"] < claims["exp"] <= claims["iat"] + 3600):
            raise OAuthError("invalid_grant", "iat and exp")

    # Tokens.

    def _secret(self, prefix):
        text = prefix + secrets.token_urlsafe(24)
        self._secrets.add(text)
        return text

    def _new_refresh(self, grant):
        grant.refresh_token = self._secret("refresh-")
        self.refresh_tokens[grant.refresh_token] = grant

    def _tokens(self, grant, refresh_token=None, nonce=None):
        token = self._secret("access-")
        self.access_tokens[token] = grant
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": refresh_token,
            "scope": grant.scope or None,
        }
        if self.ok_member:
            answer["ok"] = True
        if "openid" in grant.scope.split():
            answer["id_token"] = self._id_token(grant, nonce)
        return {name: v for name, v in {**answer, **self.more}.items() if v is not None}

    def _id_token(self, grant, nonce):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": grant.client_id, "sub": "sub-" + grant.person,
                  "email": grant.person, "email_verified": True, "iat": now, "exp": now + 3600,
                  **({"nonce": nonce} if nonce else {})}
        token = rsa_key().jwt(claims, kid="id-1")
        self._secrets.add(token)
        return token
