# SPDX-License-Identifier: MIT
"""What the platforms of our own have in common: HTTP on loopback, JSON answers, no chatter."""

import contextlib
import http.server
import json
import socket
import socketserver
import sys

# Seconds; long enough for a busy machine, and never waited for when all is well.
TIMEOUT = 60


class FakeHandler(http.server.BaseHTTPRequestHandler):
    """Answers in JSON and lets a peer go that has given up, as the engine should."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    content_type = "application/json; charset=utf-8"

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            pass

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(self, status, value, headers=()):
        """Bytes go out as they are; a 204 has no body."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        if status == 204:
            body = b""
        else:
            self.send_header("Content-Type", self.content_type)
            self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


def reserve(port=0):
    """A socket on a port that the kernel gives to nobody else while it is open. Who sets
    SO_REUSEADDR may listen there, and stop, and listen again."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, *arguments):
        self.connections = set()
        super().__init__(*arguments)

    def process_request(self, request, address):
        self.connections.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def server_close(self):
        super().server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_):
        self.upstream.failures.append(sys.exc_info()[1])
