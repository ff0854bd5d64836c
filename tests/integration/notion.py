# SPDX-License-Identifier: MIT
"""A Notion of our own, as strict as Notion's documentation of version 2026-03-11.

It holds databases, data sources and pages, takes what Notion takes and refuses the rest with
Notion's error objects. `Notion.script()` makes the next requests to a path fail on demand.
Everything that came in is recorded.
"""

import dataclasses
import email.message
import json
import re
import socket
import struct
import threading
import uuid

from fake import TIMEOUT, FakeHandler, Server

VERSION = "2026-03-11"
MAX_BODY = 500_000
MAX_TEXT = 2000
MAX_ARRAY = 100
MAX_OPTION = 100

ID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
DATE = re.compile(r"\d{4}-\d\d-\d\d")
LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?")
INSTANT = re.compile(LOCAL.pattern + r"(Z|[+-]\d\d:?\d\d)")


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: email.message.Message  # its names in any case
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Refusal(Exception):
    """What Notion would not take."""

    def __init__(self, status, code, text, headers=()):
        super().__init__(text)
        self.status, self.code, self.text, self.headers = status, code, text, headers


def invalid(where, what):
    return Refusal(400, "validation_error", f"body failed validation: {where} {what}.")


def same(text):
    """An id, however it was written."""
    return str(uuid.UUID(text))


def units(text):
    return len(text.encode("utf-16-le")) // 2


def members(value, where, needed, optional=()):
    """An object with just these members."""
    if not isinstance(value, dict):
        raise invalid(where, f"should be an object, instead was `{value!r}`")
    for name in needed:
        if name not in value:
            raise invalid(f"{where}.{name}", "should be defined, instead was `undefined`")
    for name in value:
        if name not in (*needed, *optional):
            raise invalid(f"{where}.{name}", "should be not present")
    return value


def array(value, where, most=MAX_ARRAY):
    if not isinstance(value, list):
        raise invalid(where, "should be an array")
    if len(value) > most:
        raise invalid(f"{where}.length", f"should be ≤ `{most}`, instead was `{len(value)}`")
    return value


def string(value, where, most=MAX_TEXT):
    if not isinstance(value, str):
        raise invalid(where, "should be a string")
    if units(value) > most:
        raise invalid(f"{where}.length", f"should be ≤ `{most}`, instead was `{units(value)}`")
    return value


def identifier(value, where):
    if not isinstance(value, str) or not re.fullmatch(ID, value):
        raise invalid(where, f"should be a valid uuid, instead was `{value!r}`")
    return same(value)


def rich_text(value, where):
    texts = []
    for i, item in enumerate(array(value, where)):
        members(item, f"{where}[{i}]", ["text"], ["type"])
        text = members(item["text"], f"{where}[{i}].text", ["content"])
        texts.append(string(text["content"], f"{where}[{i}].text.content"))
    return [{"type": "text", "text": {"content": t}, "plain_text": t} for t in texts]


def option(value, where, config, create):
    members(value, where, ["name"])
    name = string(value["name"], f"{where}.name", MAX_OPTION)
    for known in config["options"]:
        if known["name"] == name:
            return known
    if not create:
        raise invalid(where, f'is no status option: "{name}"')
    if "," in name:
        raise Refusal(400, "validation_error", f"Invalid select option, commas not allowed: {name}")
    config["options"].append({"id": uuid.uuid4().hex[:4], "name": name, "color": "default"})
    return config["options"][-1]


def date(value, where):
    if value is None:
        return None
    members(value, where, ["start"], ["end", "time_zone"])
    zone = value.get("time_zone")
    forms = [LOCAL] if zone else [DATE, INSTANT]
    used = set()
    for name in "start", "end":
        text = value.get(name)
        if text is None and name == "end":
            continue
        used.add(next((form for form in forms if form.fullmatch(text)), None))
    if len(used) != 1 or None in used:
        raise invalid(where, "should be valid ISO 8601 dates")
    return {"start": value["start"], "end": value.get("end"), "time_zone": None}


def people(value, where):
    users = []
    for i, item in enumerate(array(value, where)):
        members(item, f"{where}[{i}]", ["object", "id"])
        users.append({"object": "user", "id": identifier(item["id"], f"{where}[{i}].id")})
    return users


def options(value, where, config):
    return [option(v, f"{where}[{i}]", config, True) for i, v in enumerate(array(value, where))]


def optional(value, where, config, create):
    return None if value is None else option(value, where, config, create)


# By a property's type: what a page then holds, from what was sent and the type's configuration.
READERS = {
    "title": lambda value, where, _: rich_text(value, where),
    "rich_text": lambda value, where, _: rich_text(value, where),
    "status": lambda value, where, config: optional(value, where, config, False),
    "select": lambda value, where, config: optional(value, where, config, True),
    "multi_select": options,
    "date": lambda value, where, _: date(value, where),
    "people": lambda value, where, _: people(value, where),
}

EMPTY = {"title": [], "rich_text": [], "multi_select": [], "people": []}


def schema(**types):
    """The properties of a data source; a list makes the options of a status."""
    properties = {}
    for i, (name, what) in enumerate(types.items()):
        name = name.replace("_", " ")
        kind = "status" if isinstance(what, list) else what
        names = what if isinstance(what, list) else []
        config = {"options": [{"id": n, "name": n, "color": "default"} for n in names]}
        properties[name] = {"id": f"p{i}", "name": name, "type": kind, kind: config}
    return properties


class Handler(FakeHandler):
    def refuse(self, refusal):
        error = {"object": "error", "status": refusal.status, "code": refusal.code,
                 "message": refusal.text, "request_id": str(uuid.uuid4())}
        self.reply(refusal.status, error, refusal.headers)

    def serve(self):
        notion = self.server.upstream
        body = self.read_body()
        request = Request(self.command, self.path, self.headers, body)
        fault = notion.record(request)
        try:
            notion.check(request)
            if isinstance(fault, Refusal):
                raise fault
            if fault:
                getattr(self, "play_" + fault)(request)
            else:
                self.reply(200, notion.answer(request))
        except Refusal as refusal:
            self.refuse(refusal)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = serve

    def play_close(self, _):
        self.close_connection = True

    def play_reset(self, _):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def play_hang(self, _):
        self.close_connection = True
        self.server.upstream.closing.wait(TIMEOUT)

    def play_done_and_close(self, request):
        self.server.upstream.answer(request)
        self.close_connection = True

    def play_empty(self, _):
        self.reply(200, b"")

    def play_html(self, _):
        self.reply(200, b"<html>Sign in to the network</html>")

    def play_noid(self, _):
        self.reply(200, {"object": "page"})

    def play_deep(self, _):
        self.reply(200, b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    def play_redirect(self, _):
        self.reply(302, {}, [("Location", self.server.upstream.url + "/elsewhere")])

    def play_echo(self, request):
        raise Refusal(400, "validation_error", "you sent " + request.headers["Authorization"])

    def play_echo_name(self, request):
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.reply(200, {"properties": {token: {"type": "number"}, "Kind": {"type": "select"}}})


class Notion:
    """The server. `tokens` are those it knows."""

    def __init__(self, *tokens):
        self.tokens = set(tokens)
        self.databases, self.sources, self.pages, self.contents = {}, {}, {}, {}
        self.requests, self.failures = [], []
        self.closing = threading.Event()
        self._scripted = []
        self._lock = threading.RLock()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.upstream = self
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = "http://" + self.address
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        assert not self.failures, self.failures
        assert not self._scripted, self._scripted

    def add_database(self, *sources):
        """Each a dictionary of properties. Gives the database's id, and those of its sources."""
        database, ids = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in sources]
        self.databases[database] = ids
        for i, properties in zip(ids, sources):
            self.sources[i] = {"name": f"Source {len(self.sources)}", "database": database,
                               "properties": properties}
        return database, *ids

    def script(self, method, path, fault):
        """What happens to the next such request: a Refusal, or the name of a play."""
        with self._lock:
            self._scripted.append((method, re.compile(path), fault))

    def unscript(self):
        with self._lock:
            self._scripted.clear()

    def record(self, request):
        with self._lock:
            self.requests.append(request)
            for i, (method, path, fault) in enumerate(self._scripted):
                if method == request.method and path.fullmatch(request.path):
                    del self._scripted[i]
                    return fault
        return None

    def check(self, request):
        """What every request must have."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise Refusal(401, "unauthorized", "API token is invalid.")
        version = request.headers.get("Notion-Version")
        if version is None:
            raise Refusal(400, "missing_version", "Notion-Version header should be defined.")
        if version != VERSION:
            raise Refusal(400, "validation_error", f"Notion-Version header {version} is unknown.")
        if len(request.body) > MAX_BODY:
            raise Refusal(413, "validation_error", "body too large")
        if request.body:
            if request.headers.get("Content-Type") != "application/json":
                raise Refusal(400, "invalid_request", "Content-Type")
            try:
                request.json
            except ValueError as e:
                raise Refusal(400, "invalid_json", "Error parsing JSON body.") from e

    def answer(self, request):
        routes = [
            ("GET", rf"/v1/databases/({ID})", self.get_database),
            ("GET", rf"/v1/data_sources/({ID})", self.get_source),
            ("GET", rf"/v1/pages/({ID})", self.get_page),
            ("POST", r"/v1/pages", self.create_page),
            ("PATCH", rf"/v1/pages/({ID})", self.update_page),
            ("POST", rf"/v1/data_sources/({ID})/query", self.query),
        ]
        for method, path, serve in routes:
            match = re.fullmatch(path, request.path)
            if match and method == request.method:
                with self._lock:
                    arguments = [same(text) for text in match.groups()]
                    return serve(*arguments, *([request.json] if request.body else []))
        raise Refusal(400, "invalid_request_url", "Invalid request URL.")

    def find(self, kind, things, thing):
        if thing not in things:
            raise Refusal(404, "object_not_found",
                          f"Could not find {kind} with ID: {thing}. Make sure the relevant pages "
                          "and databases are shared with your connection.")
        return things[thing]

    def get_database(self, database):
        sources = self.find("database", self.databases, database)
        return {"object": "database", "id": database, "in_trash": False, "data_sources": [
            {"id": source, "name": self.sources[source]["name"]} for source in sources]}

    def get_source(self, source):
        found = self.find("data_source", self.sources, source)
        return {"object": "data_source", "id": source, "properties": found["properties"],
                "parent": {"type": "database_id", "database_id": found["database"]}}

    def get_page(self, page):
        return self.find("page", self.pages, page)

    def read_properties(self, value, source, page):
        """Into the page; all or nothing."""
        known = {p["id"]: p for p in source["properties"].values()} | source["properties"]
        read = {}
        for name, sent in value.items():
            where = f"body.properties.{name}"
            if name not in known:
                raise Refusal(400, "validation_error", f"{name} is not a property that exists.")
            kind = known[name]["type"]
            if not isinstance(sent, dict) or set(sent) - {"type"} != {kind}:
                raise Refusal(400, "validation_error", f"{name} is expected to be {kind}.")
            read[known[name]["name"]] = READERS[kind](sent[kind], f"{where}.{kind}",
                                                      known[name][kind])
        for name, result in read.items():
            kind = known[name]["type"]
            page["properties"][name] = {"id": known[name]["id"], "type": kind, kind: result}

    def create_page(self, body):
        members(body, "body", ["parent", "properties"], ["children", "markdown"])
        parent = members(body["parent"], "body.parent", ["data_source_id"], ["type"])
        source_id = identifier(parent["data_source_id"], "body.parent.data_source_id")
        source = self.find("data_source", self.sources, source_id)
        if "children" in body and "markdown" in body:
            raise invalid("body.markdown", "should be not present")
        markdown = body.get("markdown")
        if markdown is not None and not isinstance(markdown, str):
            raise invalid("body.markdown", "should be a string")
        children = []
        for i, block in enumerate(array(body.get("children", []), "body.children")):
            where = f"body.children[{i}]"
            members(block, where, ["object", "type", "paragraph"])
            members(block["paragraph"], f"{where}.paragraph", ["rich_text"])
            children.append(rich_text(block["paragraph"]["rich_text"],
                                      f"{where}.paragraph.rich_text"))
        number = str(uuid.uuid4())
        page = {
            "object": "page", "id": number, "in_trash": False,
            "url": f"https://www.notion.so/{number.replace('-', '')}",
            "parent": {"type": "data_source_id", "data_source_id": source_id,
                       "database_id": source["database"]},
            "properties": {
                name: {"id": p["id"], "type": p["type"], p["type"]: EMPTY.get(p["type"])}
                for name, p in source["properties"].items()},
        }
        self.read_properties(body["properties"], source, page)
        self.pages[number] = page
        self.contents[number] = markdown if markdown is not None else children
        return page

    def update_page(self, number, body):
        page = self.find("page", self.pages, number)
        members(body, "body", [], ["properties", "in_trash"])
        in_trash = body.get("in_trash", page["in_trash"])
        if not isinstance(in_trash, bool):
            raise invalid("body.in_trash", "should be a boolean")
        if page["in_trash"] and in_trash:
            raise Refusal(400, "validation_error", "Can't edit a page that is in the trash.")
        source = self.sources[page["parent"]["data_source_id"]]
        self.read_properties(body.get("properties", {}), source, page)
        page["in_trash"] = in_trash
        return page

    def query(self, number, body):
        source = self.find("data_source", self.sources, number)
        members(body, "body", [], ["filter", "sorts", "start_cursor", "page_size"])
        size = body.get("page_size", 100)
        if not isinstance(size, int) or not 1 <= size <= 100:
            raise invalid("body.page_size", "should be ≤ `100`")
        matches = self.condition(body.get("filter", {"and": []}), source)
        found = [p for p in self.pages.values() if p["parent"]["data_source_id"] == number
                 and not p["in_trash"] and matches(p)]
        for sort in reversed(body.get("sorts", [])):
            members(sort, "body.sorts", ["property", "direction"])
            found.sort(key=lambda p, s=sort: json.dumps(p["properties"].get(s["property"])),
                       reverse=sort["direction"] == "descending")
        start = 0
        if "start_cursor" in body:
            ids = [p["id"] for p in found]
            if body["start_cursor"] not in ids:
                raise Refusal(400, "validation_error", "The start_cursor provided is invalid.")
            start = ids.index(body["start_cursor"])
        rest = found[start + size :]
        return {"object": "list", "type": "page_or_data_source", "page_or_data_source": {},
                "results": found[start : start + size], "has_more": bool(rest),
                "next_cursor": rest[0]["id"] if rest else None}

    def condition(self, sent, source):
        """Equality of an option, and what joins several: what says of a page whether it holds."""
        for name, joined in ("and", all), ("or", any):
            if isinstance(sent, dict) and name in sent:
                parts = [self.condition(part, source) for part in sent[name]]
                return lambda page, j=joined: j(part(page) for part in parts)
        name = sent.get("property")
        if name not in source["properties"]:
            raise Refusal(400, "validation_error",
                          f"Could not find property with name or id: {name}")
        kind = source["properties"][name]["type"]
        members(sent, "body.filter", ["property", kind])

        def equals(page):
            value = page["properties"][name][kind]
            return value is not None and value["name"] == sent[kind].get("equals")

        return equals
