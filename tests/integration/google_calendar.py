# SPDX-License-Identifier: MIT
"""A Google Calendar that is as strict as its documentation, and that fails on demand.

The local part of the calendar's id, up to a '+', names what happens: `hang+7@example.com` gets no
answer. With `look_` before it, it happens to whoever looks at a single event, and every insertion
is a duplicate. A local part that is no fault's name is a calendar like any other.
"""

import datetime
import json
import re
import urllib.parse

import upstream
from upstream import Refusal, Request, google_error

PATH = re.compile(r"/calendar/v3/calendars/([^/?#]+)/events(?:/([^/?#]+))?")

ERRORS = upstream.ERRORS | {
    "e400range": (400, "timeRangeEmpty", "INVALID_ARGUMENT"),
    "e403owner": (403, "forbiddenForNonOrganizer", "PERMISSION_DENIED"),
    "e403quota": (403, "quotaExceeded", "PERMISSION_DENIED"),
    "e412": (412, "conditionNotMet", "FAILED_PRECONDITION"),
}

WRITE_PARAMETERS = {"conferenceDataVersion", "sendUpdates"}
# Method, whether for one event: the parameters of the query.
METHODS = {
    ("DELETE", True): {"sendUpdates"},
    ("GET", False): {"maxResults", "orderBy", "pageToken", "q", "singleEvents", "timeMax",
                     "timeMin"},
    ("GET", True): set(),
    ("PATCH", True): WRITE_PARAMETERS,
    ("POST", False): WRITE_PARAMETERS,
}  # fmt: skip

MEMBERS = {"attendees", "conferenceData", "description", "end", "extendedProperties", "id",
           "location", "recurrence", "reminders", "start", "summary"}  # fmt: skip


def bad(text, reason="invalid"):
    return Refusal(400, reason, "INVALID_ARGUMENT", text)


def need(condition, text, reason="invalid"):
    if not condition:
        raise bad(text, reason)


def read_moment(moment):
    """(whether it is a date, its time, whether it names a zone)"""
    need(isinstance(moment, dict) and set(moment) <= {"date", "dateTime", "timeZone"}, "a moment")
    need(("date" in moment) != ("dateTime" in moment), "one of date and dateTime")
    zone = moment.get("timeZone")
    need(zone is None or re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", zone), "timeZone")
    try:
        if "date" in moment:
            need(re.fullmatch(r"\d{4}-\d\d-\d\d", moment["date"]), "date")
            return True, datetime.date.fromisoformat(moment["date"]), zone
        time = datetime.datetime.fromisoformat(moment["dateTime"].replace("Z", "+00:00"))
    except ValueError as e:
        raise bad(str(e)) from e
    need(time.tzinfo or zone, "Missing time zone definition for time.", "required")
    return False, time, zone


def check_times(event):
    need("start" in event and "end" in event, "Missing end time.", "required")
    start, end = read_moment(event["start"]), read_moment(event["end"])
    need(start[0] == end[0], "Start and end are of different kinds.")
    if start[0] or (start[1].tzinfo is None) == (end[1].tzinfo is None):
        need(start[1] < end[1], "The specified time range is empty.", "timeRangeEmpty")
    if event.get("recurrence"):
        need(start[0] or (start[2] and end[2]), "Missing time zone definition.", "required")


def check_event(event, parameters):
    """Refuses what Google would; `event` is whole."""
    need(set(event) <= MEMBERS, f"unknown: {set(event) - MEMBERS}")
    need(re.fullmatch(r"[a-v0-9]{5,1024}", event.get("id", "")), "Invalid resource id value.")
    check_times(event)
    for name in "summary", "description", "location":
        need(isinstance(event.get(name, ""), str), name)
    for line in event.get("recurrence", []):
        need(re.fullmatch(r"(RRULE|EXRULE|RDATE|EXDATE)[:;][!-~]+", line), line)
    for guest in event.get("attendees", []):
        need(set(guest) <= {"displayName", "email", "optional"}, "attendee")
        need(re.fullmatch(r"[^@\s,<>]+@[^@\s,<>]+", guest["email"]), "Invalid attendee email.")
    reminders = event.get("reminders", {"useDefault": True})
    overrides = reminders.get("overrides", [])
    need(not (reminders["useDefault"] and overrides), "both",
         "cannotUseDefaultRemindersAndSpecifyOverride")  # fmt: skip
    need(len(overrides) <= 5, "reminders")
    for one in overrides:
        need(one["method"] in ("email", "popup") and 0 <= one["minutes"] <= 40320, "reminder")
    if "conferenceData" in event:
        need(parameters.get("conferenceDataVersion") == "1", "conferenceDataVersion")


def merge(old, patch):
    """JSON as Google patches it: null takes away, objects are merged, all else replaces."""
    new = dict(old)
    for name, value in patch.items():
        if value is None:
            new.pop(name, None)
        elif isinstance(value, dict):
            new[name] = merge(new.get(name, {}), value)
        else:
            new[name] = value
    return new


class Handler(upstream.Handler):
    def do_GET(self):
        calendar = self.server.upstream
        body = self.read_body()
        request = Request(self.command, self.path, self.headers, body)
        calendar.record(request)
        try:
            calendar.check(request)
            fault = request.fault
            if fault in ERRORS:
                raise Refusal(*ERRORS[fault], "as you asked")
            if play := getattr(self, "play_" + fault, None):
                play(request)
            else:
                self.reply(*calendar.answer(request))
        except Refusal as refusal:
            self.reply(refusal.answer[0], google_error(*refusal.answer))

    do_DELETE = do_PATCH = do_POST = do_GET

    def play_swallow(self, request):
        """Takes an event, and is gone before it says so."""
        answer = self.server.upstream.answer(request)
        if request.method == "POST":
            self.close_connection = True
        else:
            self.reply(*answer)

    def play_foreign(self, request):
        """Whatever is created, somebody else was first."""
        calendar = self.server.upstream
        if request.method == "POST":
            event = json.loads(request.body)
            other = {"private": {"actionId": "f" * 32}}
            calendar.events[request.calendar] = {
                event["id"]: {**event, "extendedProperties": other}
            }
        self.reply(*calendar.answer(request))


class GoogleCalendar(upstream.Upstream):
    """`events` are those of each calendar, by id; what was deleted stays, cancelled."""

    handler = Handler

    def __init__(self):
        self.events = {}
        super().__init__()

    def check(self, request):
        url = urllib.parse.urlsplit(request.path)
        match = PATH.fullmatch(url.path)
        if not match or (request.method, bool(match[2])) not in METHODS:
            raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
        request.calendar = urllib.parse.unquote(match[1], errors="strict")
        request.event = match[2] and urllib.parse.unquote(match[2], errors="strict")
        self.check_bearer(request.headers)
        content_type = request.headers.get("Content-Type", "")
        need(request.method not in ("PATCH", "POST") or content_type == "application/json",
             "Content-Type")  # fmt: skip
        self.check_parameters(request, url.query, METHODS[request.method, bool(match[2])])
        fault = request.calendar.split("@")[0].split("+")[0]
        if fault.startswith("look_"):
            if request.method == "POST":
                raise Refusal(409, "duplicate", "ALREADY_EXISTS", "exists")
            fault = fault.removeprefix("look_")
        request.fault = fault

    def check_parameters(self, request, query, known):
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        request.parameters = dict(pairs)
        need(len(pairs) == len(request.parameters), "a parameter twice")
        need(set(request.parameters) <= known, f"parameters {set(request.parameters) - known}")
        whom = request.parameters.get("sendUpdates", "none")
        need(whom in ("all", "externalOnly", "none"), "sendUpdates")
        need(request.parameters.get("conferenceDataVersion", "0") in ("0", "1"), "version")

    def answer(self, request):
        play = getattr(self, f"{request.method.lower()}_{'one' if request.event else 'all'}")
        return play(request, self.events.setdefault(request.calendar, {}))

    def find(self, request, events):
        if request.event not in events:
            raise Refusal(404, "notFound", "NOT_FOUND", "Not Found")
        return events[request.event]

    def resource(self, event):
        link = {"htmlLink": "https://calendar.example/event?eid=" + event["id"]}
        if "conferenceData" in event:
            request_id = event["conferenceData"]["createRequest"]["requestId"]
            link["hangoutLink"] = "https://meet.example/" + request_id
        return {"kind": "calendar#event", "status": "confirmed", **link, **event}

    def post_all(self, request, events):
        event = json.loads(request.body)
        check_event(event, request.parameters)
        if event["id"] in events:
            raise Refusal(409, "duplicate", "ALREADY_EXISTS",
                          "The requested identifier already exists.")  # fmt: skip
        events[event["id"]] = event
        return 200, self.resource(event)

    def get_one(self, request, events):
        return 200, self.resource(self.find(request, events))

    def patch_one(self, request, events):
        old = self.find(request, events)
        if old.get("status") == "cancelled":
            raise Refusal(410, "deleted", "FAILED_PRECONDITION", "Resource has been deleted")
        patch = json.loads(request.body)
        need(patch and set(patch) <= MEMBERS - {"id"}, "a patch")
        new = merge(old, patch)
        check_event(new, request.parameters | {"conferenceDataVersion": "1"})
        if "conferenceData" in patch:
            need(request.parameters.get("conferenceDataVersion") == "1", "conferenceDataVersion")
        events[request.event] = new
        return 200, self.resource(new)

    def delete_one(self, request, events):
        event = self.find(request, events)
        if event.get("status") == "cancelled":
            raise Refusal(410, "deleted", "FAILED_PRECONDITION", "Resource has been deleted")
        event["status"] = "cancelled"
        return 204, b""

    def get_all(self, request, events):
        given = request.parameters
        times = [datetime.datetime.fromisoformat(given[name].replace("Z", "+00:00"))
                 for name in ("timeMin", "timeMax") if name in given]  # fmt: skip
        need(all(time.tzinfo for time in times), "an offset is required")
        need(times == sorted(set(times)), "The specified time range is empty.", "timeRangeEmpty")
        need(given.get("orderBy") != "startTime" or given.get("singleEvents") == "true", "orderBy")
        size, start = int(given.get("maxResults", 250)), int(given.get("pageToken", 0))
        need(1 <= size <= 250, "maxResults")
        found = [self.resource(event) for event in events.values()
                 if event.get("status") != "cancelled"
                 and given.get("q", "") in event.get("summary", "")]  # fmt: skip
        page = {"kind": "calendar#events", "items": found[start : start + size]}
        if start + size < len(found):
            page["nextPageToken"] = str(start + size)
        return 200, page

    def methods(self, calendar):
        """The methods of what came in for that calendar, in order."""
        return [r.method for r in self.requests if getattr(r, "calendar", None) == calendar]
