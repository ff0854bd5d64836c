#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the black-box suites named, and ends with `N passed, N failed, N skipped`.

With none named it runs all, several at a time: most of them wait most of the time.

A test whose sub-tests fail counts once. What only makes sense without a sanitizer is not counted
with one: it has run on the plain build.
"""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent
TOTALS = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


def owner(test):
    """The test that a failure belongs to: a sub-test's case, or what stands for a broken module."""
    return getattr(test, "test_case", test).id()


def run(names):
    """Runs them in this process. Returns how many passed, failed and were skipped."""
    sys.path.insert(0, str(HERE))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    failed = {owner(test) for test, _ in result.failures + result.errors}
    failed |= {owner(test) for test in result.unexpectedSuccesses}
    without = {owner(test) for test, reason in result.skipped if "a sanitizer" in reason}
    skipped = {owner(test) for test, _ in result.skipped} - failed - without
    # What is no test of a module's has not been counted as run: a module that does not import.
    outside = sum(not name.startswith(tuple(names)) for name in failed | skipped)
    return result.testsRun - len(failed | skipped | without) + outside, len(failed), len(skipped)


def run_alone(name):
    """Runs one in a process of its own. Returns the same, and what it said."""
    done = subprocess.run([sys.executable, __file__, name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    said, _, last = done.stdout.rstrip("\n").rpartition("\n")
    totals = TOTALS.fullmatch(last)
    if not totals:
        return (0, 1, 0), done.stdout
    return tuple(map(int, totals.groups())), said


def run_all():
    # The largest first, so that none is left to go on alone for long.
    names = sorted(HERE.glob("test_*.py"), key=lambda path: -path.stat().st_size)
    sums = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:
        jobs = [pool.submit(run_alone, path.stem) for path in names]
        for job in concurrent.futures.as_completed(jobs):
            totals, said = job.result()
            print(said, flush=True)
            sums = [a + b for a, b in zip(sums, totals)]
    return sums


def hear_signals():
    """Who starts us in a background may have these ignored, and a program that we start keeps that."""
    for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main():
    hear_signals()
    passed, failed, skipped = run(sys.argv[1:]) if sys.argv[1:] else run_all()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(bool(failed))


main()
