# SPDX-License-Identifier: MIT
"""What a person sees on a program's terminal, and types there."""

import codecs
import os
import select
import termios
import time

from engine import TIMEOUT, until

ASKED = "assword: "


class Terminal:
    """The person's end, `fd`, which is its owner's to close."""

    def __init__(self, fd):
        self._fd = fd
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def _read(self, seconds):
        """Whether more was shown meanwhile. The end of the other side is EIO."""
        if not select.select([self._fd], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self._fd, 4096)
        except OSError:
            data = b""
        self._text += self._decoder.decode(data)
        return bool(data)

    def expect(self, text):
        """All that was shown until then, without what was taken before."""
        deadline = time.monotonic() + TIMEOUT
        while text not in self._text:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no {text!r} on the screen, which shows:\n{self._text}")
        shown, _, self._text = self._text.partition(text)
        return shown

    def shows(self, text):
        """Whether it does by now."""
        while self._read(0):
            pass
        return text in self._text

    def type(self, text):
        """Only what is typed after the echo was switched off is taken: before, it is thrown away."""
        until(lambda: termios.tcgetattr(self._fd)[3] & termios.ECHO, lambda echo: not echo)
        os.write(self._fd, text.encode())

    def asked(self):
        """What was shown before a password was wanted."""
        return self.expect(ASKED)

    def answer(self, password):
        shown = self.asked()
        self.type(password + "\n")
        return shown
