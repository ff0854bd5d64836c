#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes JSON files as C strings into a header: send_email.payload.json becomes
schema_send_email_payload. A file that is no JSON fails the build."""

import json
import pathlib
import sys


def main(output, *inputs):
    lines = ["#pragma once", ""]
    for path in map(pathlib.Path, inputs):
        text = json.dumps(json.loads(path.read_text("utf-8")), indent=0, separators=(",", ":"))
        name = path.name.removesuffix(".json").replace(".", "_")
        lines.append(f"static const char schema_{name}[] =")
        for line in text.splitlines():
            escaped = line.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'        "{escaped}"')
        lines[-1] += ";"
        lines.append("")
    pathlib.Path(output).write_text("\n".join(lines), "ascii")


main(*sys.argv[1:])
