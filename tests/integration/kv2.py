# SPDX-License-Identifier: MIT
"""A KV store of version 2 as Vault and OpenBao have it, with AppRole and tokens, namespaces, leases."""

import contextlib
import copy
import re
import secrets
import time
import urllib.parse

from vaults import HttpVault, Refusal

ROLE_ID, SECRET_ID = "role-canary-9a2b", "secret-canary-77c0"
MISMATCH = "check-and-set parameter did not match the current version"


def errors(status, *texts):
    return Refusal(status, {"errors": list(texts)})


class Kv2Vault(HttpVault):
    name = "kv2"
    asks_once = True
    accounts = True

    def __init__(self, auth="approle", lease=3600, namespace=None, mount="secret"):
        super().__init__()
        self.auth, self.lease, self.namespace, self.mount = auth, lease, namespace, mount
        self.tokens = {}  # token: when it ends
        self.store = {}  # path: [data or None], from version 1 on
        self.state = 200  # of the node
        self.n_logins = self.n_renewals = 0
        self.accepts_logins = True
        self.races = 0  # how many writes somebody else will be quicker than
        self.own_token = None
        self.patience = 0  # for how long after its end a token is taken all the same
        if auth == "token":
            self.own_token = self.issue()
            self.patience = 60
            self.credentials = {"vault-token": self.own_token}
            self.secrets = (self.own_token,)
        else:
            self.credentials = {"vault-role-id": ROLE_ID + "\n", "vault-secret-id": SECRET_ID}
            self.secrets = (ROLE_ID, SECRET_ID)
        self.config += f"Backend=kv2\nAuth={auth}\nMount={mount}\n"
        if namespace:
            self.config += f"Namespace={namespace}/\n"

    def issue(self):
        token = "hvs.canary" + secrets.token_hex(16)
        self.tokens[token] = time.monotonic() + self.lease
        return token

    def revoke(self):
        """All client tokens are worth nothing from now on."""
        self.tokens.clear()

    @contextlib.contextmanager
    def being(self, state):
        """sealed (503), a standby (429, 473), not initialised (501)"""
        self.state = state
        try:
            yield
        finally:
            self.state = 200

    def answer(self, request):
        if request.headers.get_all("X-Vault-Request") != ["true"]:
            raise errors(412, "required 'X-Vault-Request' header is missing")
        if self.state != 200:
            raise errors(self.state, "Vault is sealed")
        if request.path == "/v1/sys/health":
            if "X-Vault-Token" in request.headers or "X-Vault-Namespace" in request.headers:
                raise errors(400, "a node has no namespace, and asks for no token")
            return 200, {"initialized": True, "sealed": False, "standby": False}
        if request.headers.get("X-Vault-Namespace", "").strip("/") != (self.namespace or ""):
            raise errors(404, f'no handler for route "{request.path[4:]}". route entry not found.')
        if request.path == "/v1/auth/approle/login":
            return self.login(request)
        self.check_token(request)
        if request.path.startswith("/v1/auth/token/"):
            return self.token(request)
        return self.kv(request)

    def login(self, request):
        self.n_logins += 1
        if request.method != "POST" or "X-Vault-Token" in request.headers:
            raise errors(405)
        if self.auth != "approle" or not self.accepts_logins or request.body != {
                "role_id": ROLE_ID, "secret_id": SECRET_ID}:
            raise errors(400, "invalid role or secret ID")
        return 200, {"data": None, "auth": self.grant(self.issue())}

    def grant(self, token):
        return {"client_token": token, "accessor": "a", "policies": ["default"],
                "lease_duration": self.lease, "renewable": True, "token_type": "service"}

    def check_token(self, request):
        tokens = request.headers.get_all("X-Vault-Token") or []
        ends = self.tokens.get(tokens[0]) if len(tokens) == 1 else None
        if ends is None or ends + self.patience < time.monotonic():
            raise errors(403, "permission denied")

    def token(self, request):
        token = request.headers["X-Vault-Token"]
        if (request.method, request.path) == ("GET", "/v1/auth/token/lookup-self"):
            left = self.tokens[token] - time.monotonic()
            return 200, {"auth": None, "data": {"ttl": max(int(left + 0.5), 1), "renewable": True,
                                                "id": token}}
        if (request.method, request.path) == ("POST", "/v1/auth/token/renew-self"):
            self.n_renewals += 1
            self.tokens[token] = time.monotonic() + self.lease
            return 200, {"data": None, "auth": self.grant(token)}
        raise errors(404)

    def split(self, request):
        """The server unescapes a path first and takes it apart then, as net/http has it."""
        path = urllib.parse.unquote(request.path, errors="strict")
        found = re.fullmatch(rf"/v1/{re.escape(self.mount)}/(data|metadata)/(.+)", path)
        if not found:
            raise errors(404, f'no handler for route "{path[4:]}". route entry not found.')
        kind, name = found.groups()
        parts = name.split("/")
        if ".." in name or "." in parts or "" in parts[:-1] or not name.isprintable():
            raise errors(500, "path cannot contain parent references")
        return kind, name, parts

    def kv(self, request):
        kind, name, parts = self.split(request)
        if kind == "metadata" and request.query.get("list") == "true" and request.method == "GET":
            return self.keys(name.rstrip("/") + "/")
        if len(parts) != 4 or parts[0] != "action-engine":
            raise errors(403, "1 error occurred:\n\t* permission denied\n\n")
        request.record = (urllib.parse.unquote(parts[1]), *parts[2:])
        if kind == "metadata" and request.method == "DELETE":
            self.store.pop(name, None)
            return 204, b""
        if kind == "data" and request.method == "GET":
            request.reads = True
            return self.read(name)
        if kind == "data" and request.method in ("POST", "PUT"):
            return self.write(name, request.body)
        raise errors(405, "unsupported operation")

    def keys(self, folder):
        names = {name[len(folder):].partition("/") for name in self.store if name.startswith(folder)}
        if not names:
            raise errors(404)
        return 200, {"data": {"keys": sorted({first + slash for first, slash, _ in names})}}

    def metadata(self, name):
        versions = self.store[name]
        return {"created_time": "2026-01-01T00:00:00Z", "custom_metadata": None,
                "deletion_time": "" if versions[-1] else "2026-01-02T00:00:00Z",
                "destroyed": False, "version": len(versions)}

    def read(self, name):
        if name not in self.store:
            raise errors(404)
        data = self.store[name][-1]
        value = {"request_id": "r", "lease_id": "", "renewable": False, "lease_duration": 0,
                 "data": {"data": data, "metadata": self.metadata(name)},
                 "wrap_info": None, "warnings": None, "auth": None}
        return (200 if data else 404), value

    def write(self, name, body):
        if set(body) != {"options", "data"} or not isinstance(body["data"], dict):
            raise errors(400, "no data provided")
        if "cas" not in body["options"]:
            raise errors(400, "check-and-set parameter required for this call")
        if self.races > 0:
            self.races -= 1
            self.store.setdefault(name, []).append({**body["data"], "access_token": "quicker"})
        versions = self.store.get(name, [])
        if body["options"]["cas"] != len(versions):
            raise errors(400, MISMATCH)
        self.store[name] = [*versions, body["data"]]
        return 200, {"data": self.metadata(name)}

    @staticmethod
    def name_of(user, platform="gmail", account="default"):
        return f"action-engine/{user}/{platform}/{account}"

    def put(self, user, **record):
        """As a person would with `vault kv put`."""
        self.store.setdefault(self.name_of(user), []).append(record)

    def kept(self, user):
        return self.store[self.name_of(user)][-1]

    def end_claim(self, user):
        """As if so much time had passed."""
        self.kept(user)["renewing"]["until"] = "2001-01-01T00:00:00Z"

    def delete_softly(self, user):
        self.store[self.name_of(user)].append(None)

    def changed(self, answer, **changes):
        answer = copy.deepcopy(answer)
        data = answer["data"]["data"]
        data.update(changes)
        for name in [name for name, value in data.items() if value is None]:
            del data[name]
        return answer
