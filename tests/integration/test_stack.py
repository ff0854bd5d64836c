# SPDX-License-Identifier: MIT
"""scripts/stack itself: stacks beside each other, each with a Google, keys and mailboxes of its own."""

import json
import unittest
import urllib.request

from engine import Stack, email


def n_sent(stack):
    request = urllib.request.Request(
        f"{stack.google_url}/gmail/v1/users/me/messages?q=in:sent",
        headers={"Authorization": f"Bearer {stack.google_token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return len(json.load(answer).get("messages", []))


class Beside(unittest.TestCase):
    def test_two_at_once(self):
        with Stack() as one:
            with Stack() as two:
                for stack, n in (one, 1), (two, 2):
                    with stack.connect() as c:
                        for _ in range(n):
                            c.result(email())
                self.assertEqual((n_sent(one), n_sent(two)), (1, 2))
                with one.connect("") as c:
                    request = {"op": "authenticate", "token": two.token}
                    self.assertEqual(c.code(request), "token_invalid")
            with one.connect() as c:  # the other went down, and took nothing along
                c.result(email())
            self.assertEqual(n_sent(one), 2)
