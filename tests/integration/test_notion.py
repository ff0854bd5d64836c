# SPDX-License-Identifier: MIT
"""Tasks in a Notion of our own, through the engine: what is asked for is there, once."""

import json
import re
import unittest

from engine import Stack
from notion import Notion, Refusal, schema

TOKEN = "ntn_0123456789abcdefghijABCDEFGHIJ0123456789abcdef"
USER = "6a44be12-0953-4631-b498-9e5817518db8"
STATUSES = ["Not started", "In progress", "Done"]

CONFIG = """
[Http]
FirstByteTimeoutSec=8
MaxResponseBytes=1M

[Adapter notion]
BaseUrl={}
"""

notion = stack = None


def setUpModule():
    global notion, stack
    notion = unittest.enterModuleContext(Notion(TOKEN))
    stack = unittest.enterModuleContext(Stack(CONFIG.format(notion.url), notion.url))
    with stack.connect() as c:
        c.result({"op": "auth_token", "platform": "notion",
                  "credential": {"access_token": TOKEN}})


def action(action_type, **payload):
    return {"platform": "notion", "action_type": action_type, "payload": payload}


class Case(unittest.TestCase):
    def setUp(self):
        self.c = self.enterContext(stack.connect())
        self.database, self.source = notion.add_database(schema(
            Task="title", Status=STATUSES, Due="date", Assignee="people", Priority="select",
            Tags="multi_select", Action_ID="rich_text"))
        self.before = len(notion.requests)

    def lines(self):
        """What was asked since the test began."""
        return [f"{r.method} {r.path}" for r in notion.requests[self.before :]]

    def create(self, **payload):
        payload = {"data_source_id": self.source, "title": "Write report", **payload}
        return self.c.result(action("create_task", **payload))

    def pages(self):
        return [p for p in notion.pages.values()
                if p["parent"]["data_source_id"] == self.source]

    def page(self, result):
        return notion.pages[result["page_id"]]

    def content(self, result):
        return notion.contents[result["page_id"]]

    def finding(self, request):
        error = self.c.error(request)
        self.assertEqual(error["code"], "invalid_payload", error)
        (found,) = error["errors"]
        return found["path"], found["message"]


class Create(Case):
    def test_the_actions_are_listed(self):
        actions = self.c.result({"op": "list_actions", "platform": "notion"})["actions"]
        self.assertEqual({a["action_type"]: a["idempotency"] for a in actions},
                         {"create_task": "unrepeatable", "query_tasks": "read",
                          "update_task": "idempotent"})
        self.assertEqual([a["oauth_scopes"] for a in actions], [[], [], []])

    def test_smallest(self):
        result = self.create()
        page = self.page(result)
        self.assertEqual(set(result), {"page_id", "url", "timestamp"})
        self.assertEqual(result["url"], page["url"])
        self.assertEqual(page["properties"]["Task"]["title"][0]["plain_text"], "Write report")
        self.assertEqual(self.lines(),
                         [f"GET /v1/data_sources/{self.source}", "POST /v1/pages"])

    def test_everything(self):
        result = self.c.result(action(
            "create_task", database_id=self.database.replace("-", ""), title="Bericht 😀",
            status="In progress", due={"start": "2026-12-01T09:00", "time_zone": "Europe/Berlin"},
            assignee=[USER], priority="New one", tags=["a", "b"], notes="One\n\nTwo\nlines"))
        page = self.page(result)["properties"]
        self.assertEqual(page["Task"]["title"][0]["plain_text"], "Bericht 😀")
        self.assertEqual(page["Status"]["status"]["name"], "In progress")
        self.assertEqual(page["Due"]["date"]["start"], "2026-12-01T09:00")
        self.assertEqual(page["Assignee"]["people"], [{"object": "user", "id": USER}])
        self.assertEqual(page["Priority"]["select"]["name"], "New one")
        self.assertEqual([t["name"] for t in page["Tags"]["multi_select"]], ["a", "b"])
        self.assertRegex(page["Action ID"]["rich_text"][0]["plain_text"], "^[0-9a-f]{32}$")
        self.assertEqual([t[0]["plain_text"] for t in self.content(result)],
                         ["One", "Two\nlines"])
        self.assertEqual(len(self.lines()), 3)

    def test_long_notes_arrive_whole(self):
        for notes in "a" * 199_900, "ä😀b" * 30_000, "line\n\n" * 30_000:
            content = self.content(self.create(notes=notes))
            self.assertLessEqual(len(content), 100)
            joined = "".join(t["plain_text"] for block in content for t in block)
            self.assertEqual(re.sub(r"\n", "", joined), re.sub(r"\n", "", notes))

    def test_markdown(self):
        result = self.create(notes="# Plan\n\n- [ ] do", notes_format="markdown")
        self.assertEqual(self.content(result), "# Plan\n\n- [ ] do")

    def test_request_id_is_told(self):
        response = self.c.call(action("create_task", data_source_id=self.source, title="x"))
        for request in notion.requests[self.before :]:
            self.assertEqual(request.headers["X-Request-Id"], response["request_id"])
            self.assertEqual(request.headers["Notion-Version"], "2026-03-11")
        self.assertEqual(stack.audit(response["request_id"])["ACTION_STATUS"], "success")

    def test_what_does_not_fit_is_told_and_nothing_written(self):
        task = {"data_source_id": self.source, "title": "x"}
        cases = [
            ({"status": "Later"}, "/status", "'Not started', 'In progress', 'Done'"),
            ({"tags": ["a"], "properties": {"tags": "Labels"}}, "/properties/tags", "'Tags'"),
            ({"due": "2026-12-01", "properties": {"due": "Status"}}, "/properties/due", "'Due'"),
        ]
        for more, path, words in cases:
            with self.subTest(more):
                found, message = self.finding(action("create_task", **task, **more))
                self.assertEqual(found, path)
                self.assertIn(words, message)
        self.assertEqual(self.pages(), [])
        self.assertNotIn("POST /v1/pages", self.lines())

    def test_several_data_sources(self):
        database, one, two = notion.add_database(schema(A="title"), schema(B="title"))
        path, message = self.finding(action("create_task", database_id=database, title="x"))
        self.assertEqual(path, "/database_id")
        self.assertIn(one, message)
        self.assertIn(two, message)

    HOSTILE = ["../users", "..", "", "x", "%2e%2e", "{}/query", "{}?x=", "{}#", "{}\n", "{}/.."]

    def test_hostile_ids_are_never_sent(self):
        for pattern in self.HOSTILE:
            number = pattern.format(self.source)
            for request in (
                action("create_task", data_source_id=number, title="x"),
                action("create_task", database_id=number, title="x"),
                action("query_tasks", data_source_id=number),
                action("update_task", page_id=number, in_trash=True),
            ):
                with self.subTest(number):
                    self.assertEqual(self.c.code(request), "invalid_payload")
        self.assertEqual(self.lines(), [])

    def test_dry_run_sends_nothing(self):
        request = action("create_task", data_source_id=self.source, title="x")
        result = self.c.result({**request, "dry_run": True})
        self.assertEqual(result["request"]["url"],
                         f"{notion.url}/v1/data_sources/{self.source}")
        self.assertEqual(self.lines(), [])


class Update(Case):
    def update(self, page_id, **payload):
        return self.c.result(action("update_task", page_id=page_id, **payload))

    def test_fields_change_and_clear(self):
        made = self.create(status="Not started", due="2026-12-01", tags=["a"], assignee=USER)
        page = self.page(made)
        marker = page["properties"]["Action ID"]["rich_text"]
        result = self.update(made["page_id"], status="Done", due=None, tags=[], assignee=None,
                             title="Written")
        self.assertEqual(result["page_id"], made["page_id"])
        properties = page["properties"]
        self.assertEqual(properties["Status"]["status"]["name"], "Done")
        self.assertIsNone(properties["Due"]["date"])
        self.assertEqual(properties["Tags"]["multi_select"], [])
        self.assertEqual(properties["Assignee"]["people"], [])
        self.assertEqual(properties["Task"]["title"][0]["plain_text"], "Written")
        self.assertEqual(properties["Action ID"]["rich_text"], marker)

    def test_trash_and_back(self):
        made = self.create()
        before = len(notion.requests)
        self.update(made["page_id"], in_trash=True)
        self.assertEqual(len(notion.requests), before + 1)
        self.assertTrue(self.page(made)["in_trash"])
        self.update(made["page_id"], in_trash=False, status="Done")
        self.assertFalse(self.page(made)["in_trash"])

    def test_unknown_status(self):
        made = self.create()
        path, message = self.finding(
            action("update_task", page_id=made["page_id"], status="Gone"))
        self.assertEqual(path, "/status")
        self.assertIn("'Done'", message)

    def test_a_lost_answer_may_be_asked_for_again(self):
        made = self.create()
        for fault, code in ("close", "upstream_error"), ("hang", "upstream_timeout"):
            notion.script("PATCH", "/v1/pages/.*", fault)
            if fault == "close":  # libcurl may go again where it does no harm
                notion.script("PATCH", "/v1/pages/.*", fault)
            request = action("update_task", page_id=made["page_id"], status="Done")
            with self.subTest(fault):
                self.assertEqual(self.c.code(request), code)
            notion.unscript()
            self.c.result(request)

    def test_conflict_is_retryable(self):
        made = self.create()
        notion.script("PATCH", "/v1/pages/.*", Refusal(409, "conflict_error", "Conflict."))
        request = action("update_task", page_id=made["page_id"], status="Done")
        self.assertEqual(self.c.code(request), "upstream_error")
        self.c.result(request)


class Query(Case):
    def query(self, **payload):
        return self.c.result(action("query_tasks", **{"data_source_id": self.source, **payload}))

    def test_tasks_come_back_as_they_went(self):
        fields = {"title": "One", "status": "Done", "due": {"start": "2026-12-01"},
                  "assignee": [USER], "priority": "High", "tags": ["a", "b"]}
        made = self.create(**fields)
        result = self.query()
        self.assertEqual(result["tasks"],
                         [{"page_id": made["page_id"], "url": made["url"], **fields}])
        self.assertFalse(result["has_more"])
        self.assertNotIn("next_cursor", result)

    def test_filter_sort_and_pages(self):
        for i in range(5):
            self.create(title=f"t{i}", status="Done" if i % 2 else "In progress")
        done = self.query(filter={"property": "Status", "status": {"equals": "Done"}},
                          sorts=[{"property": "Task", "direction": "descending"}])
        self.assertEqual([t["title"] for t in done["tasks"]], ["t3", "t1"])
        seen, more = [], {}
        while True:
            result = self.query(page_size=2, **more)
            seen += [t["title"] for t in result["tasks"]]
            if not result["has_more"]:
                break
            more = {"cursor": result["next_cursor"]}
        self.assertEqual(sorted(seen), [f"t{i}" for i in range(5)])

    def test_a_database_will_do(self):
        self.create()
        result = self.c.result(action("query_tasks", database_id=self.database))
        self.assertEqual(len(result["tasks"]), 1)

    def test_notion_refuses_the_filter(self):
        error = self.c.error(action("query_tasks", data_source_id=self.source,
                                    filter={"property": "Nothing", "status": {}}))
        self.assertEqual(error["code"], "upstream_rejected")
        self.assertEqual(error["upstream"]["reason"], "validation_error")
        self.assertIn("Nothing", error["message"])


class Faults(Case):
    def task(self):
        return action("create_task", data_source_id=self.source, title="x")

    # What Notion says: the code when it says so to the page itself, and to the question before.
    ANSWERS = {
        (400, "validation_error"): ("upstream_rejected", "upstream_rejected"),
        (401, "unauthorized"): ("reauthorization_required", "reauthorization_required"),
        (403, "restricted_resource"): ("upstream_rejected", "upstream_rejected"),
        (404, "object_not_found"): ("upstream_rejected", "upstream_rejected"),
        (409, "conflict_error"): ("upstream_rejected", "upstream_error"),
        (429, "rate_limited"): ("rate_limited", "rate_limited"),
        (500, "internal_server_error"): ("outcome_unknown", "upstream_error"),
        (503, "service_unavailable"): ("outcome_unknown", "upstream_error"),
        (504, "gateway_timeout"): ("outcome_unknown", "upstream_error"),
        (529, "service_overload"): ("rate_limited", "rate_limited"),
    }

    def test_what_notion_says(self):
        for (status, word), codes in self.ANSWERS.items():
            for where, code in zip((("POST", "/v1/pages"), ("GET", "/v1/data_sources/.*")), codes):
                with self.subTest(f"{word} to {where}"):
                    for _ in range(2 if status == 401 else 1):  # a new token is asked for, once
                        refusal = Refusal(status, word, "As you asked.", [("Retry-After", "7")])
                        notion.script(*where, refusal)
                    error = self.c.error(self.task())
                    notion.unscript()
                    self.assertEqual(error["code"], code, error)
                    if code == "rate_limited":
                        self.assertEqual(error["retry_after_ms"], 7000)
        self.assertEqual(self.pages(), [])
        self.c.result(self.task())

    def test_not_found_says_share_it(self):
        request = action("update_task", page_id="59833787-2cf9-4fdf-8782-e53db20768a5",
                         status="Done")
        error = self.c.error(request)
        self.assertEqual(error["code"], "upstream_rejected")
        self.assertIn("shared with the connection", error["message"])
        self.assertIn("59833787-2cf9-4fdf-8782-e53db20768a5", error["upstream"]["message"])

    NO_CLEAR_ANSWER = ["close", "reset", "hang", "done_and_close", "empty", "html", "noid", "deep"]

    def test_no_clear_answer_to_a_create_is_an_unknown_outcome_and_never_sent_again(self):
        for fault in self.NO_CLEAR_ANSWER:
            with self.subTest(fault):
                before = self.lines().count("POST /v1/pages")
                notion.script("POST", "/v1/pages", fault)
                self.assertEqual(self.c.code(self.task()), "outcome_unknown")
                self.assertEqual(self.lines().count("POST /v1/pages"), before + 1)
        self.assertEqual(len(self.pages()), 1)  # done, and not told

    def test_no_clear_answer_to_a_question_does_no_harm(self):
        for fault, codes in {
            "hang": {"upstream_timeout"},
            "html": {"upstream_error"},
            "deep": {"upstream_error"},
            "redirect": {"upstream_rejected"},
        }.items():
            with self.subTest(fault):
                notion.script("GET", "/v1/data_sources/.*", fault)
                self.assertIn(self.c.code(self.task()), codes)
        self.assertEqual(self.pages(), [])
        self.assertNotIn("GET /elsewhere", self.lines())

    def test_a_token_in_an_answer_goes_nowhere(self):
        for play in "echo", "echo_name":
            with self.subTest(play):
                notion.script("GET", "/v1/data_sources/.*", play)
                response = self.c.call(action("create_task", data_source_id=self.source,
                                              title="x", tags=["a"]))
                self.assertEqual(response["status"], "error")
                stack.audit(response["request_id"])
                self.assertNotIn(TOKEN, json.dumps(response))
                self.assertNotIn(TOKEN, stack.log("engine"))

    def test_a_token_that_notion_does_not_know(self):
        with stack.connect() as c:
            c.result({"op": "auth_token", "platform": "notion", "account": "old",
                      "credential": {"access_token": "ntn_old"}})
            error = c.error({**self.task(), "account": "old"})
            self.assertEqual(error["code"], "reauthorization_required")
        self.assertNotIn("POST /v1/pages", self.lines())


if __name__ == "__main__":
    unittest.main()
