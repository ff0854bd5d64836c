#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the system tests named (all, when none is), counted as those of tests/integration are."""

import pathlib
import runpy
import sys

HERE = pathlib.Path(__file__).resolve().parent
BLACK_BOX = HERE.parent / "integration"

sys.path.insert(0, str(HERE))
MODULES = ["test_inbox", "test_journal", "test_peer", "test_policy", "test_sandbox", "test_system"]
sys.argv[1:] = sys.argv[1:] or MODULES
runpy.run_path(str(BLACK_BOX / "run.py"), run_name="__main__")
