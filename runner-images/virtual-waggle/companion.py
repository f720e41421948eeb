"""The companion of a trial: holds its network, shows its cameras, watches what it writes to volumes.

Like the sandbox of a Kubernetes pod, it owns the network namespace that the plugin joins, so that the interface's counters
outlive the plugin. Cameras: `GET /<camera>/image.jpg` answers the files of /cameras/<camera>/ in the order of their names,
one per request, the last one again and again; to FFmpeg as a stream of motion JPEG that begins with that file.
Volumes: every 0.2 s, when it has changed, a line `{"bytes": N, "files": N}` about everything below /watch.
"""
import http.server
import itertools
import json
import os
import socketserver
import threading
import time

CAMERAS = "/cameras"
WATCH = "/watch"
# Ten frames a second.
FRAME_SECONDS = 0.1
TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


class Frames:
    """The files of each camera and how many requests it has answered."""

    def __init__(self):
        names = sorted(os.listdir(CAMERAS)) if os.path.isdir(CAMERAS) else []
        self.files = {name: sorted(os.listdir(os.path.join(CAMERAS, name))) for name in names}
        self.answered = dict.fromkeys(self.files, 0)
        self.lock = threading.Lock()

    def is_jpeg(self, camera):
        return all(name.endswith((".jpg", ".jpeg")) for name in self.files[camera])

    def count(self, camera):
        """How many requests came before this one."""
        with self.lock:
            before = self.answered[camera]
            self.answered[camera] += 1
        return before

    def read(self, camera, index):
        files = self.files[camera]
        path = os.path.join(CAMERAS, camera, files[min(index, len(files) - 1)])
        with open(path, "rb") as file:
            return file.read(), TYPES.get(os.path.splitext(path)[1], "application/octet-stream")


class Handler(http.server.BaseHTTPRequestHandler):
    frames = Frames()

    def do_GET(self):
        camera = self.path.split("?")[0].strip("/").split("/")[0]
        if not self.frames.files.get(camera):
            self.send_error(404, "no such camera")
        # FFmpeg, and so OpenCV, takes a picture for a stream that ends at once.
        elif self.headers.get("User-Agent", "").startswith("Lavf") and self.frames.is_jpeg(camera):
            self.stream(camera, self.frames.count(camera))
        else:
            self.picture(*self.frames.read(camera, self.frames.count(camera)))

    def picture(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, camera, first):
        """Motion JPEG from the frame whose turn it is, so that the same request always begins with the same frame."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=frame")
        self.end_headers()
        for index in itertools.count(first):
            body, kind = self.frames.read(camera, index)
            try:
                self.wfile.write(b"--frame\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n" % (kind.encode(), len(body), body))
                self.wfile.flush()
            except OSError:
                return  # the plugin has seen enough
            time.sleep(FRAME_SECONDS)

    def do_HEAD(self):
        """Tells that the camera is there, without using up a frame."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def measure(root):
    """Bytes (as allocated, so that holes do not count) and entries below a folder; links are not followed."""
    total, entries, folders = 0, 0, [root]
    while folders:
        try:
            with os.scandir(folders.pop()) as found:
                for entry in found:
                    entries += 1
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue  # it has vanished between the listing and the look
    return total, entries


def main():
    if Handler.frames.files:
        threading.Thread(target=Server(("127.0.0.1", 8090), Handler).serve_forever, daemon=True).start()
    before = None
    while True:
        now = measure(WATCH)
        if now != before:
            print(json.dumps({"bytes": now[0], "files": now[1]}), flush=True)
            before = now
        time.sleep(0.2)


if __name__ == "__main__":
    main()
