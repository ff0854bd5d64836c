# SPDX-License-Identifier: MIT
"""What stands in another process, and whether any piece of a secret is among it.

A page that the process never wrote holds what its file holds, and is not looked at. All others
are: heap, stacks, data, what is locked and what is mapped without access. Root alone can do that.
"""

import base64
import bisect
import functools
import json
import os
import re
import struct
import time
import urllib.parse

PAGE = os.sysconf("SC_PAGESIZE")
PRESENT, SWAPPED, OF_A_FILE = 1 << 63, 1 << 62, 1 << 61  # pagemap, in the kernel's documentation

PIECE = 16  # bytes; so many in a row are a find
# Each piece holds a whole block, which is looked for first. They begin at multiples of their size.
BLOCK = PIECE // 2

TEXT_ONLY = bytes(byte if 0x20 <= byte < 0x7f else 0 for byte in range(256))
RUN = re.compile(rb"[^\0]{%d,}" % PIECE)

# Seconds; after an answer, for what its connection has to clear up yet.
PATIENCE = 60


class Area:
    def __init__(self, line):
        self.line = line
        place, self.rights, *_ = line.split()
        self.start, self.end = (int(x, 16) for x in place.split("-"))

    @property
    def shared(self):
        return "s" in self.rights

    def written(self, pagemap):
        """The addresses of the pages that may hold something of the process's own."""
        pagemap.seek(self.start // PAGE * 8)
        told = pagemap.read((self.end - self.start) // PAGE * 8)
        for n, (word,) in enumerate(struct.iter_unpack("Q", told)):
            if word & (PRESENT | SWAPPED) and (self.shared or not word & OF_A_FILE):
                yield self.start + n * PAGE


def locked_areas(smaps):
    for line in smaps:
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            start, end = (int(x, 16) for x in found.groups())
        elif line.startswith("VmFlags:") and {"lo", "dd"} <= set(line.split()):
            yield start, end


class Memory:
    """A look at a process. `data` is what was there, one page after the other."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
            self.areas = [Area(line.rstrip("\n")) for line in maps]
        with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as smaps:
            self._locked = list(locked_areas(smaps))
        self._pages, pieces = [], []
        with (open(f"/proc/{pid}/mem", "rb", 0) as memory,
              open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap):
            for area in self.areas:
                if area.line.endswith(("[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]")):
                    continue
                for address in area.written(pagemap):
                    memory.seek(address)
                    try:
                        page = memory.read(PAGE)
                    except OSError:
                        continue  # given back meanwhile
                    if page.count(0) < len(page):
                        self._pages.append(address)
                        pieces.append(page)
        self.data = b"".join(pieces)

    def _address(self, at):
        return self._pages[at // PAGE] + at % PAGE

    def where(self, at):
        """For who looks into it: the address, and what is mapped there."""
        address = self._address(at)
        area = self.areas[bisect.bisect([a.start for a in self.areas], address) - 1]
        return f"{address:#x} in {area.line}"

    def is_locked(self, at):
        """Never swapped out, and in no core."""
        return any(start <= self._address(at) < end for start, end in self._locked)


def spellings(secret):
    """Each way to write those bytes down, by name. In base64 what is around them does not count."""
    found = {"raw": secret}
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + secret)
        first, n_whole = -(-shift * 8 // 6), (shift + len(secret)) * 8 // 6
        found[f"base64+{shift}"] = text[first:n_whole]
        found[f"base64url+{shift}"] = text[first:n_whole].translate(bytes.maketrans(b"+/", b"-_"))
    if not secret.isascii():
        return found  # no URL and no JSON has it as it is
    text = secret.decode()
    percent = urllib.parse.quote_from_bytes(secret, safe="")
    found["percent"] = percent.encode()
    found["Percent"] = re.sub("%..", lambda code: code[0].lower(), percent).encode()
    found["form"] = urllib.parse.quote_plus(secret).encode()
    found["json"] = json.dumps(text)[1:-1].encode()
    found["json/"] = found["json"].replace(b"/", b"\\/")
    return found


def as_bytes(secret):
    return secret if isinstance(secret, bytes) else secret.encode()


def is_text(block):
    return block == block.translate(TEXT_ONLY)


@functools.lru_cache
def blocks(secret):
    """Block: (spelling's name, its text, the block's place in it). Each block once."""
    found = {}
    for name, text in spellings(as_bytes(secret)).items():
        assert len(text) >= PIECE, f"too short to be looked for: {text}"
        for at in range(0, len(text) - BLOCK + 1, BLOCK):
            found.setdefault(text[at:at + BLOCK], (name, text, at))
    return found


def grow(data, hit, text, at):
    """How much of the text stands around that hit of its part: from where, and how many bytes."""
    left, right = 0, BLOCK
    while at > left and hit > left and data[hit - left - 1] == text[at - left - 1]:
        left += 1
    while (at + right < len(text) and hit + right < len(data)
           and data[hit + right] == text[at + right]):
        right += 1
    return hit - left, left + right


def texts(data):
    """What in it is text, which is not much of a process."""
    data = data.translate(TEXT_ONLY)
    for size in (64, 8, 4):
        data = data.replace(bytes(size), b"\0")
    return b"\0".join(RUN.findall(data))


def suspects(data, secrets):
    """Those with a block in it: all at once, and in text alone, takes a fraction of the time."""
    text = texts(data)
    windows = {text[at:at + BLOCK] for at in range(len(text))}
    return {
        name: secret for name, secret in secrets.items()
        if any(block in windows if is_text(block) else block in data for block in blocks(secret))
    }


def search(data, secrets):
    """(name of the secret, its spelling, where in the data, how many bytes of it) of each find."""
    finds = set()
    for name, secret in suspects(data, secrets).items():
        for block, (spelling, text, at) in blocks(secret).items():
            hit = data.find(block)
            while hit >= 0:
                start, size = grow(data, hit, text, at)
                if size >= PIECE:
                    finds.add((name, spelling, start, size))
                hit = data.find(block, hit + 1)
    return sorted(finds)


def found(pid, secrets, locked=True):
    """What of the secrets (by name) stands in the process now: a line for each place, or for each
    that could be swapped out."""
    memory = Memory(pid)
    return [
        f"{size} bytes of {name} ({spelling}) at {memory.where(start)}: "
        f"{memory.data[max(start - 64, 0):start + size + 64]!r}"
        for name, spelling, start, size in search(memory.data, secrets)
        if locked or not memory.is_locked(start)
    ]


def found_after(pid, secrets, locked=True):
    """The same, when what clears up behind an answer had its chance."""
    deadline = time.monotonic() + PATIENCE
    while (lines := found(pid, secrets, locked)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return lines
