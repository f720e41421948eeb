"""The outside world of a machine of the tests, at https://127.0.0.1: answers files of /world/www, keeps what is uploaded in /world/out.

Its clock is ahead by WORLD_SKEW seconds. An upload to /refused is refused.
"""
import email.utils
import http.server
import os
import ssl
import subprocess
import time

SKEW = int(os.environ.get("WORLD_SKEW", "0"))


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments):
        super().__init__(*arguments, directory="/world/www")

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate((timestamp or time.time()) + SKEW, usegmt=True)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("/world/out/uploads", "a") as file:
            file.write(f"{self.path} {self.headers.get('Authorization')}\n")
        if self.path == "/refused":
            return self.send_error(403)
        with open("/world/out/upload.tar.gz", "wb") as file:
            file.write(body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/world/cert.pem", "/world/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
if "NOTIFY_SOCKET" in os.environ:
    subprocess.run(["systemd-notify", "--ready"], check=True)
server.serve_forever()
