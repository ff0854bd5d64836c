#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the black-box suites named (all, when none is) and ends with `N passed, N failed, N skipped`.

A test whose sub-tests fail counts once. What only makes sense without a sanitizer is not counted
with one: it has run on the plain build.
"""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent


def owner(test):
    """The test that a failure belongs to: a sub-test's case, or what stands for a broken module."""
    return getattr(test, "test_case", test).id()


def main():
    sys.path.insert(0, str(HERE))
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("test_*.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    failed = {owner(test) for test, _ in result.failures + result.errors}
    failed |= {owner(test) for test in result.unexpectedSuccesses}
    without = {owner(test) for test, reason in result.skipped if "a sanitizer" in reason}
    skipped = {owner(test) for test, _ in result.skipped} - failed - without
    # What is no test of a module's has not been counted as run: a module that does not import.
    outside = sum(not name.startswith(tuple(names)) for name in failed | skipped)
    passed = result.testsRun - len(failed | skipped | without) + outside
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    sys.exit(bool(failed))


main()
