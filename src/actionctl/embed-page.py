#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes page.html into a header, as the pieces between its {{slots}}, and the hash that allows its
style, and nothing else, in a Content-Security-Policy. What that would forbid fails the build."""

import base64
import hashlib
import pathlib
import re
import sys


def quoted(text):
    """A C string, a line of text a line."""
    lines = text.splitlines(keepends=True) or [""]
    table = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
    # Octal has an end of its own, which \x has not.
    return "\n".join('                "' + "".join(
        c if c < "\x7f" else "".join(f"\\{byte:03o}" for byte in c.encode())
        for c in line.translate(table)) + '"' for line in lines)


def main(output, path):
    html = pathlib.Path(path).read_text("utf-8")
    html = re.sub(r"<!-- SPDX.*?-->\n", "", html)
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    if len(styles) != 1:
        sys.exit(f"{path}: one <style> is what the policy allows")
    forbidden = re.search(r"<script|<link|<img|\sstyle=|\son\w+=|url\(|@import|https?:", html)
    if forbidden:
        sys.exit(f"{path}: the policy forbids '{forbidden[0]}'")
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()

    pieces = re.split(r"\{\{(\w+)\}\}", html) + [None]
    lines = ["#pragma once", "", f'#define PAGE_STYLE "sha256-{digest}"', "",
             "static const struct {", "        const char *text;", "        enum page_slot slot;",
             "} page_pieces[] = {"]
    for text, slot in zip(pieces[::2], pieces[1::2]):
        lines.append(f"        {{\n{quoted(text)},\n                "
                     f"PAGE_{slot.upper() if slot else 'END'}\n        }},")
    lines.append("};")
    pathlib.Path(output).write_text("\n".join(lines) + "\n", "ascii")


main(*sys.argv[1:])
