#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the browser's tests named (all, when none is), counted as those of tests/integration are.

Selenium comes from Debian, and so is for Debian's own Python.
"""

import os
import pathlib
import runpy
import sys

HERE = pathlib.Path(__file__).resolve().parent
BLACK_BOX = HERE.parent / "integration"
PYTHON = "/usr/bin/python3"

if pathlib.Path(sys.executable).resolve() != pathlib.Path(PYTHON).resolve():
    os.execv(PYTHON, [PYTHON, *sys.argv])
sys.path.insert(0, str(HERE))
sys.argv[1:] = sys.argv[1:] or ["test_consent"]
runpy.run_path(str(BLACK_BOX / "run.py"), run_name="__main__")
