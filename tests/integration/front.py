# SPDX-License-Identifier: MIT
"""nginx as the TLS end of a fake: HTTP/2 as it is spoken outside."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from fake import TIMEOUT

CONFIGURATION = """
daemon off; worker_processes 1; pid nginx.pid; error_log log;
events {{ worker_connections 256; }}
http {{
        access_log off; client_max_body_size 64m; proxy_http_version 1.1;
        client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
        uwsgi_temp_path u; scgi_temp_path s;
        server {{
                listen 127.0.0.1:{port} {listen};
                ssl_certificate server.pem; ssl_certificate_key server.key;
                location / {{
                        if ($http_authorization ~ " {closing}") {{ rewrite ^ /closing$uri last; }}
                        proxy_set_header X-Connection $server_protocol-$connection;
                        proxy_pass {back};
                }}
                location /closing/ {{
                        keepalive_timeout 0;
                        proxy_pass {back}/;
                }}
        }}
}}
"""


class Front:
    """Before `back`, a URL, which is told by X-Connection over which one it was. Who shows a bearer that begins with `closing` is sent away after it."""

    def __init__(self, back, http2=True, closing="closing"):
        self._folder = tempfile.TemporaryDirectory(prefix="test-front-")
        folder = pathlib.Path(self._folder.name)
        folder.chmod(0o755)
        self.ca_file = folder / "server.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=front", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
             "-keyout", folder / "server.key", "-out", self.ca_file],
            check=True, capture_output=True, timeout=TIMEOUT)
        # Its socket is ours, and open before it starts: nobody else can get the port.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            listen = "ssl http2" if http2 else "ssl"
            (folder / "nginx.conf").write_text(CONFIGURATION.format(
                port=port, listen=listen, back=back, closing=closing), encoding="ascii")
            self._process = subprocess.Popen(
                ["nginx", "-p", folder, "-c", "nginx.conf", "-e", "log"],
                env={**os.environ, "NGINX": f"{listener.fileno()};"},
                pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{port}"

    @staticmethod
    def lacks():
        return "" if shutil.which("nginx") else "nginx"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(TIMEOUT)
        self._folder.cleanup()
