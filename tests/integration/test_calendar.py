# SPDX-License-Identifier: MIT
"""Events in calendars: through the emulated Google, and through one that is strict and fails."""

import json
import unittest
import urllib.request

from engine import Stack
from google_calendar import GoogleCalendar

LUNCH = {"title": "Lunch", "start": "2026-07-25T12:00:00Z", "end": "2026-07-25T13:00:00Z"}

CONFIG = """
[Engine]
ReconcileSec=0.3

[Http]
FirstByteTimeoutSec=6
MaxResponseBytes=1M
"""
N_LOOKS = 5

emulated = strict = upstream = None


def setUpModule():
    global emulated, strict, upstream
    emulated = unittest.enterModuleContext(Stack())
    upstream = unittest.enterModuleContext(GoogleCalendar())
    strict = unittest.enterModuleContext(Stack(CONFIG, upstream.url))
    for stack in emulated, strict:
        credential = stack.dir / "credentials" / "google_calendar.json"
        credential.write_text(json.dumps({"access_token": stack.google_token}), encoding="utf-8")
        stack.actionctl("auth", "token", "google_calendar", "--credential", credential)


def request(action, payload, **more):
    return {"platform": "google_calendar", "action_type": action, "payload": payload, **more}


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(self.stack().connect())

    def do(self, action, **payload):
        return self.c.result(request(action, payload))

    def refused(self, action, **payload):
        return self.c.error(request(action, payload))

    def paths(self, action, **payload):
        error = self.refused(action, **payload)
        self.assertEqual(error["code"], "invalid_payload", error)
        return [finding["path"] for finding in error["errors"]]


class Emulated(Case):
    @staticmethod
    def stack():
        return emulated

    def google(self, path=""):
        asked = urllib.request.Request(
            f"{emulated.google_url}/calendar/v3/calendars/primary/events{path}",
            headers={"Authorization": "Bearer " + emulated.google_token},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)["items"]

    def test_an_event_comes_and_goes(self):
        created = self.do("create_event", **LUNCH, description="Grüße", location="Kantine 😀",
                          attendees=["a@example.com", {"email": "b@example.com", "name": "B"}])
        self.assertRegex(created["html_link"], "^https://")
        self.assertEqual(created["status"], "confirmed")
        event_id = created["event_id"]
        [event] = [e for e in self.google("?maxResults=250") if e["id"] == event_id]
        self.assertEqual(event["summary"], "Lunch")
        self.assertEqual(event["description"], "Grüße")
        self.assertEqual(event["location"], "Kantine 😀")
        self.assertEqual(event["start"]["dateTime"], LUNCH["start"])
        self.assertEqual([g["email"] for g in event["attendees"]],
                         ["a@example.com", "b@example.com"])

        [listed] = [e for e in self.do("list_events", max_results=250)["events"]
                    if e["event_id"] == event_id]
        self.assertEqual(listed["title"], "Lunch")
        self.assertEqual(listed["start"], LUNCH["start"])
        self.assertEqual(listed["end"], LUNCH["end"])
        self.assertEqual(listed["location"], "Kantine 😀")
        self.assertEqual(listed["attendees"][1]["name"], "B")

        self.assertFalse(self.do("delete_event", event_id=event_id)["already_deleted"])
        self.assertNotIn(event_id, [e["id"] for e in self.google("?maxResults=250")])
        error = self.refused("delete_event", event_id=event_id)
        self.assertEqual(error["code"], "upstream_rejected")
        self.assertEqual(error["upstream"]["status"], 404)
        self.assertEqual(error["upstream"]["reason"], "notFound")

    def test_whole_days(self):
        end = {"date": "2027-01-03"}
        created = self.do("create_event", title="Off", start="2027-01-01", end=end)
        [event] = [e for e in self.google("?maxResults=250") if e["id"] == created["event_id"]]
        self.assertEqual(event["start"]["date"], "2027-01-01")
        self.assertEqual(event["end"]["date"], "2027-01-03")

    def test_a_window_and_pages(self):
        for i in range(5):
            self.do("create_event", title=f"page {i}", start=f"2030-03-0{i + 1}T12:00:00Z",
                    end=f"2030-03-0{i + 1}T13:00:00Z")
        window = {"time_min": "2030-03-01T00:00:00+00:00", "time_max": "2030-03-05T00:00:00Z",
                  "query": "page", "max_results": 3, "single_events": True}
        first = self.do("list_events", **window)
        second = self.do("list_events", **window, page_token=first["next_page_token"])
        self.assertEqual([e["title"] for e in first["events"] + second["events"]],
                         [f"page {i}" for i in range(4)])
        self.assertNotIn("next_page_token", second)

    def test_a_calendar_that_is_not_there(self):
        for action, payload in ("create_event", LUNCH), ("list_events", {}):
            error = self.refused(action, **payload, calendar_id="nobody@example.com")
            self.assertEqual(error["code"], "upstream_rejected")
            self.assertEqual(error["upstream"]["status"], 404)


class Strict(Case):
    @staticmethod
    def stack():
        return strict

    def stored(self, event_id, calendar="primary"):
        return upstream.events[calendar][event_id]

    def test_all_that_an_event_has(self):
        created = self.do(
            "create_event", title="Stand-up", start="2026-07-27T09:00:00",
            end={"date_time": "2026-07-27T09:15:00"}, time_zone="Europe/Berlin",
            recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10",
                        "EXDATE;TZID=Europe/Berlin:20260729T090000"],
            attendees=["a@example.com", {"email": "b@example.com", "optional": True}],
            reminders=[{"method": "popup", "minutes": 5}], conference=True, send_updates="all",
            calendar_id="en.usa#holiday@example.com",
        )  # fmt: skip
        event = self.stored(created["event_id"], "en.usa#holiday@example.com")
        self.assertRegex(created["event_id"], "^[a-v0-9]{5,1024}$")
        marker = event["extendedProperties"]["private"]["actionId"]
        self.assertEqual(created["event_id"], marker)
        self.assertEqual(created["meet_link"], "https://meet.example/" + marker)
        self.assertEqual(event["start"],
                         {"dateTime": "2026-07-27T09:00:00", "timeZone": "Europe/Berlin"})
        self.assertEqual(event["attendees"][1], {"email": "b@example.com", "optional": True})
        self.assertEqual(upstream.requests[-1].parameters,
                         {"conferenceDataVersion": "1", "sendUpdates": "all"})

    def test_no_two_events_are_one(self):
        ids = {self.do("create_event", **LUNCH)["event_id"] for _ in range(3)}
        self.assertEqual(len(ids), 3)

    def test_a_change_touches_what_it_names(self):
        event_id = self.do("create_event", **LUNCH, location="here", conference=True)["event_id"]
        changed = self.do("update_event", event_id=event_id, title="Dinner", location="")
        self.assertEqual(changed["event_id"], event_id)
        self.assertEqual(self.stored(event_id)["summary"], "Dinner")
        self.assertEqual(self.stored(event_id)["location"], "")
        self.assertEqual(self.stored(event_id)["start"]["dateTime"], LUNCH["start"])
        self.do("update_event", event_id=event_id, start="2026-07-25", end="2026-07-26",
                conference=False, reminders={"use_default": False})
        self.assertEqual(self.stored(event_id)["start"], {"date": "2026-07-25"})
        self.assertNotIn("conferenceData", self.stored(event_id))
        self.do("update_event", event_id=event_id, start=LUNCH["start"], end=LUNCH["end"],
                time_zone="UTC", reminders={"use_default": True})
        self.assertEqual(self.stored(event_id)["start"],
                         {"dateTime": LUNCH["start"], "timeZone": "UTC"})

    def test_what_is_gone_is_deleted(self):
        event_id = self.do("create_event", **LUNCH)["event_id"]
        self.assertFalse(self.do("delete_event", event_id=event_id)["already_deleted"])
        self.assertTrue(self.do("delete_event", event_id=event_id)["already_deleted"])
        error = self.refused("update_event", event_id=event_id, title="x")
        self.assertEqual(error["code"], "upstream_rejected")
        self.assertEqual(error["upstream"]["reason"], "deleted")
        for action, more in ("delete_event", {}), ("update_event", {"title": "x"}):
            error = self.refused(action, event_id="nobody", **more)
            self.assertEqual(error["code"], "upstream_rejected")
            self.assertEqual(error["upstream"]["reason"], "notFound")

    def test_pages(self):
        for i in range(3):
            self.do("create_event", **LUNCH, calendar_id="pages@example.com")
        first = self.do("list_events", calendar_id="pages@example.com", max_results=2)
        self.assertEqual(len(first["events"]), 2)
        rest = self.do("list_events", calendar_id="pages@example.com", max_results=2,
                       page_token=first["next_page_token"])
        self.assertEqual(len(rest["events"]), 1)

    ANSWERS = {
        "e400range": ("upstream_rejected", 400, "timeRangeEmpty"),
        "e401": ("reauthorization_required", 401, "authError"),
        "e403": ("reauthorization_required", 403, "insufficientPermissions"),
        "e403owner": ("upstream_rejected", 403, "forbiddenForNonOrganizer"),
        "e403quota": ("rate_limited", 403, "quotaExceeded"),
        "e403rate": ("rate_limited", 403, "userRateLimitExceeded"),
        "e404": ("upstream_rejected", 404, "notFound"),
        "e412": ("upstream_rejected", 412, "conditionNotMet"),
        "e429": ("rate_limited", 429, "rateLimitExceeded"),
        "e500": ("upstream_error", 500, "backendError"),
        "e503": ("upstream_error", 503, "backendError"),
    }

    ACTIONS = {
        "create_event": LUNCH,
        "delete_event": {"event_id": "abcde"},
        "list_events": {},
        "update_event": {"event_id": "abcde", "title": "x"},
    }

    @staticmethod
    def told(action, code):
        """A second create_event is a second event: what a repeat may double is unknown instead."""
        unclear = "upstream_error", "upstream_timeout"
        return "outcome_unknown" if action == "create_event" and code in unclear else code

    def test_what_google_says(self):
        for fault, (code, status, reason) in self.ANSWERS.items():
            for action, payload in self.ACTIONS.items():
                with self.subTest(fault=fault, action=action):
                    error = self.refused(action, **payload, calendar_id=f"{fault}@example.com")
                    self.assertEqual(error["code"], self.told(action, code), error)
                    if code == "upstream_rejected":
                        self.assertEqual(error["upstream"]["status"], status)
                        self.assertEqual(error["upstream"]["reason"], reason)
                    if code == "rate_limited":
                        self.assertGreater(error["retry_after_ms"], 0)

    def test_no_clear_answer(self):
        faults = ["close", "reset", "half", "cut", "html", "array", "noid", "deep", "garbage",
                  "huge", "bomb"]  # fmt: skip
        for fault in faults:
            for action in "create_event", "update_event", "list_events":
                with self.subTest(fault=fault, action=action):
                    error = self.refused(action, **self.ACTIONS[action],
                                         calendar_id=f"{fault}@example.com")
                    self.assertEqual(error["code"], self.told(action, "upstream_error"), error)
        for action in "create_event", "list_events":
            error = self.refused(action, **self.ACTIONS[action], calendar_id="hang@example.com")
            self.assertEqual(error["code"], self.told(action, "upstream_timeout"), error)

    def test_an_event_that_was_created_without_a_word(self):
        """The connection ends before Google says that it took the event."""
        calendar = "swallow@example.com"
        self.do("list_events", calendar_id=calendar)  # so that the connection is not new
        response = self.c.call(request("create_event", LUNCH | {"calendar_id": calendar}))
        self.assertEqual(response["status"], "success", response)
        self.assertIs(response["reconciled"], True)
        self.assertEqual(list(upstream.events[calendar]), [response["result"]["event_id"]])
        self.assertEqual(upstream.methods(calendar), ["GET", "POST", "GET"])

    def test_an_event_that_is_there_already_and_is_not_ours(self):
        error = self.refused("create_event", **LUNCH, calendar_id="foreign@example.com")
        self.assertEqual(error["code"], "upstream_error", error)
        self.assertEqual(error["upstream"]["status"], 409)
        self.assertEqual(upstream.methods("foreign@example.com"), ["POST"] + ["GET"] * N_LOOKS)

    def test_whose_event_it_is_cannot_be_told(self):
        """It may have been created, and nothing is created after it."""
        codes = {
            "close": "outcome_unknown", "e403owner": "outcome_unknown", "e404": "upstream_error",
            "e429": "outcome_unknown", "e503": "outcome_unknown", "html": "outcome_unknown",
        }  # fmt: skip
        for fault, code in codes.items():
            with self.subTest(fault):
                calendar = f"look_{fault}@example.com"
                error = self.refused("create_event", **LUNCH, calendar_id=calendar)
                self.assertEqual(error["code"], code, error)
                self.assertEqual(upstream.methods(calendar)[0], "POST")
                self.assertEqual(set(upstream.methods(calendar)[1:]), {"GET"})

    def test_ids_lead_nowhere_else(self):
        n = len(upstream.requests)
        for hostile in "../..", "..", ".", "a/b", "a%2fb", "..%2f..%2f", "a?x=y", "a\\b", "a b", "":
            for action, payload in self.ACTIONS.items():
                with self.subTest(hostile=hostile, action=action):
                    self.assertEqual(self.paths(action, **payload, calendar_id=hostile),
                                     ["/calendar_id"])
        for hostile in "../../x", "abcd%2f", "abcde?x", "abcde#x", "abcde/x", "abcd", ".....":
            for action, more in ("delete_event", {}), ("update_event", {"title": "x"}):
                with self.subTest(hostile=hostile, action=action):
                    self.assertEqual(self.paths(action, event_id=hostile, **more), ["/event_id"])
        self.assertEqual(len(upstream.requests), n)

    def test_all_faults_at_once(self):
        paths = self.paths("create_event", title="x", start="2026-02-30",
                           end="2026-07-25T12:00:00", recurrence=["EXDATE:1"])
        self.assertEqual(paths, ["/start", "/end", "/recurrence/0", "/recurrence", "/time_zone"])

    def test_dry_run(self):
        n = len(upstream.requests)
        result = self.c.result(request("create_event", LUNCH, dry_run=True))
        self.assertEqual(result["request"]["method"], "POST")
        self.assertEqual(result["request"]["url"],
                         upstream.url + "/calendar/v3/calendars/primary/events")
        self.assertEqual(len(upstream.requests), n)


if __name__ == "__main__":
    unittest.main()
