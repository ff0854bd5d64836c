#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs to ask polkit about each action: a real polkit, and the engine, in a container.

    polkit.py [QUESTIONS]

Dry runs of one e-mail, one and more of them in flight: without polkit, with it, and with a rule of
it that looks at the recipients; beside a client that does nothing but ask it. Under each the time
that all of them were on a processor for one question. At the end a ping on another connection,
while nobody is asked, and while polkit is kept busy.
"""

import concurrent.futures
import json
import pathlib
import shutil
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/system"), str(TOP / "tests/integration")]

from engine import BUILD, email, until
from product import ENGINE, SOCKET, set_up

IN_FLIGHT = (1, 8, 64)
N_PINGS = 500
HELLO = "/home/me/hello"
POLKIT = "/etc/action-engine/action-engine.conf.d/polkit.conf"
RULES = "/etc/polkit-1/rules.d/10-bench.rules"
# What it says to others tells when it is in force.
RULE = """polkit.addRule(function (action, subject) {
    if (action.lookup("recipient_domains") === "example.com")
        return polkit.Result.YES;
    return polkit.Result.NO;
});
"""
PARTS = {"engine": ENGINE, "bus": "dbus.service", "polkit": "polkit.service"}


def line(request):
    return json.dumps({"id": 1, **request}) + "\n"


ASKED = line(email("a@example.com", dry_run=True))
PING = line({"op": "ping"})


class Bench:
    def __init__(self, n_questions):
        self.n_questions = n_questions
        self.box, self.product, _ = set_up()
        for name in "bench-load", "bench-polkit":
            shutil.copy(BUILD / "tests/bench" / name, self.box.path("/usr/bin"))
        self.product.write(HELLO, line({"op": "authenticate", "token": self.product.token}))
        self.box.run("systemctl", "start", *PARTS.values())

    def decision(self, to):
        with self.product.connect() as connection:
            return connection.result(email(to, dry_run=True))["decision"]

    def use_polkit(self, use):
        self.product.write(POLKIT, f"[Policy]\nPolkit={use}\n")
        self.box.run("systemctl", "restart", ENGINE)

    def use_rule(self):
        self.product.write(RULES, RULE)
        until(lambda: self.decision("a@example.net"), lambda decision: decision == "no")

    def perform(self, in_flight, what=ASKED, n=None):
        command = ["bench-load", SOCKET, 1, in_flight, n or self.n_questions, HELLO]
        return self.box.run(*command, user="me", input=what).stdout

    def ask(self, in_flight):
        """As whom the actions belong to: polkit takes details from nobody else."""
        command = ["bench-polkit", in_flight, self.n_questions]
        return self.box.run(*command, user="action-engine").stdout

    def spent_usec(self, unit):
        tasks = self.box.path(f"/proc/{self.product.main_pid(unit)}/task").iterdir()
        return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1000

    def show(self, what, measure):
        before = {part: self.spent_usec(unit) for part, unit in PARTS.items()}
        for in_flight in IN_FLIGHT:
            show(what, in_flight, measure(in_flight))
        n = len(IN_FLIGHT) * self.n_questions
        spent = (f"{part} {(self.spent_usec(unit) - before[part]) / n:.0f}"
                 for part, unit in PARTS.items())
        print(f"{'  processor, us a question':<40}{', '.join(spent)}", flush=True)


def show(what, in_flight, figures):
    print(f"{what:<32} {1:>3} x {in_flight:<3} {figures.strip()}", flush=True)


def run(bench):
    bench.show("a bare client of polkit", bench.ask)
    bench.use_polkit("no")
    bench.show("dry run, Polkit=no", bench.perform)
    bench.use_polkit("yes")
    bench.show("dry run, polkit without rules", bench.perform)
    bench.use_rule()
    bench.show("dry run, polkit with a rule", bench.perform)

    show("ping", 1, bench.perform(1, PING, N_PINGS))
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        busy = thread.submit(bench.perform, IN_FLIGHT[-1])
        show("ping, while polkit is asked", 1, bench.perform(1, PING, N_PINGS))
        assert not busy.done(), "polkit had nothing to do: ask it more questions"


def main():
    try:
        run(Bench(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
    except unittest.SkipTest as e:
        print(f"not measured: {e}")
    finally:
        unittest.doModuleCleanups()


main()
