# SPDX-License-Identifier: MIT
"""A PURAIFI Vault Engine that is as strict as its description."""

import datetime

from vaults import HttpVault, Refusal

ENGINE_ID = "engine-1"
KEY = "key-canary-4f1d-of-an-engine"


class PuraifiVault(HttpVault):
    name = "puraifi"
    credentials = {"vault-engine-key": KEY + "\n"}
    asks_once = True
    accounts = False
    secrets = (KEY,)

    def __init__(self, unix=False):
        super().__init__(unix)
        self.records = {}
        self.config += f"Backend=puraifi\nEngineId={ENGINE_ID}\n"

    def answer(self, request):
        if request.headers.get_all("X-Engine-ID") != [ENGINE_ID]:
            raise Refusal(401, {"error": "X-Engine-ID"})
        if request.headers.get_all("X-Engine-Key") != [KEY]:
            raise Refusal(401, {"error": "X-Engine-Key"})
        if request.method != "POST":
            raise Refusal(405, {"error": "only POST"})
        operation = {
            "/get_token": self.get_token,
            "/store_token": self.store_token,
            "/status": self.status,
        }.get(request.path)
        if not operation:
            raise Refusal(404, {"error": "no such path"})
        return operation(request)

    def key(self, request, *more):
        """Whose record: told twice, and the same each time."""
        if not isinstance(request.body, dict) or set(request.body) != {
                "user_id", "platform", *more}:
            raise Refusal(400, {"error": f"body: {request.body}"})
        if request.query != {name: request.body[name] for name in ("user_id", "platform")}:
            raise Refusal(400, {"error": f"query: {request.query}"})
        request.record = (request.body["user_id"], request.body["platform"], "default")
        return request.record[:2]

    def get_token(self, request):
        key = self.key(request)
        request.reads = True
        if key not in self.records:
            return 404, {"error": "not found"}
        return 200, self.records[key]

    def store_token(self, request):
        key = self.key(request, "token")
        token = dict(request.body["token"])
        if not set(token) <= {"access_token", "refresh_token", "expires_in", "expires_at", "scopes"}:
            raise Refusal(400, {"error": f"token: {sorted(token)}"})
        if seconds := token.pop("expires_in", None):
            now = datetime.datetime.now(datetime.timezone.utc)
            token["expires_at"] = (now + datetime.timedelta(seconds=seconds)).isoformat()
        self.records[key] = {"scopes": [], **token}
        return 200, {"status": "stored"}

    def status(self, request):
        platforms = [{"platform": platform, "status": "active"}
                     for user, platform in self.records if user == request.query.get("user_id")]
        return 200, {"status": "ok", "connected_platforms": platforms}

    def kept(self, user):
        return self.records[user, "gmail"]

    def end_claim(self, user):
        """There is none: nobody knows of another engine here."""

    def put(self, user, **record):
        self.records[user, "gmail"] = record

    def changed(self, answer, **changes):
        return {name: value for name, value in {**answer, **changes}.items() if value is not None}
