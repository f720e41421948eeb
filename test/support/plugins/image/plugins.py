"""Plugins for the tests of the Virtual Waggle. usage: plugins.py NAME [ARGUMENT ...]"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request


def publish(plugin, count=3, pause=0.0):
    for n in range(count):
        plugin.publish("env.test", 1.5 + n, meta={"sensor": "bme680"})
        time.sleep(pause)


def good(*names):
    """Values of every kind, an upload, a timed block; prints what it sees of its node."""
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        publish(plugin)
        plugin.publish("env.int", 9007199254740993, timestamp=1700000000000000001)
        plugin.publish("env.text", 'ü "x" <&>', scope="beehive")
        plugin.publish("env.flag", True)
        plugin.publish("env.nan", float("nan"))
        plugin.publish("env.infinity", float("-inf"))
        plugin.publish("env.local", 1, scope="node")
        with plugin.timeit("plugin.duration.inference"):
            time.sleep(0.05)
        path = pathlib.Path("/tmp/a picture.jpg")
        path.write_bytes(b"\xff\xd8\xff\xd9")
        plugin.upload_file(path, meta={"camera": "top"}, timestamp=1700000000500000000)
    print(json.dumps({"env": dict(os.environ), "inputs": sorted(os.listdir("/data/inputs")) if os.path.isdir("/data/inputs") else None,
                      "uid": os.getuid(), "zone": time.tzname[0]}))
    print("a line on stderr", file=sys.stderr)


def silent():
    print("nothing to say")


def crash(count="24"):
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        publish(plugin, int(count))
    raise ValueError("the sensor is gone")


def device():
    open("/dev/ttyUSB0")


def download():
    urllib.request.urlopen("https://example.org/model.onnx")


def never():
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        publish(plugin, 2)
        time.sleep(3600)


def slow(count="1000", pause="0.1"):
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        publish(plugin, int(count), float(pause))


def stranger():
    """With an app id that the node does not know."""
    os.environ["WAGGLE_APP_ID"] = "somebody-else"
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        publish(plugin)


def raw(*bodies):
    """Sends bodies as they are, as an old or a hostile client would."""
    channel = connect().channel()
    import pika
    for body in bodies:
        channel.basic_publish("to-validator", "all", body.encode(), pika.BasicProperties(user_id="plugin", app_id=os.environ["WAGGLE_APP_ID"]))
    channel.connection.close()


def connect():
    import pika
    return pika.BlockingConnection(pika.ConnectionParameters(os.environ["WAGGLE_PLUGIN_HOST"], credentials=pika.PlainCredentials("plugin", "plugin")))


def flood(count="1000000"):
    """As fast as AMQP goes: frames made once and written in large pieces."""
    import pika
    from pika import frame, spec
    connection = connect()
    channel = connection.channel()
    properties = pika.BasicProperties(delivery_mode=2, user_id="plugin", app_id=os.environ["WAGGLE_APP_ID"])
    body = b'{"name":"env.flood","ts":1795256839323525551,"meta":{},"val":1}'
    one = (frame.Method(channel.channel_number, spec.Basic.Publish(exchange="to-validator", routing_key="all")).marshal()
           + frame.Header(channel.channel_number, len(body), properties).marshal() + frame.Body(channel.channel_number, body).marshal())
    for _ in range(int(count) // 1000):
        connection._impl._output_marshaled_frames([one * 1000])
        connection._flush_output()
    connection.close()


def names(count="3000"):
    """Every message under another name."""
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        for n in range(int(count)):
            plugin.publish(f"env.n{n}", n)


def chatter(megabytes="50"):
    line = "x" * 1023 + "\n"
    for _ in range(int(megabytes) * 1024):
        sys.stdout.write(line)


def disk(gigabytes="10", folder="/tmp"):
    from waggle.plugin import Plugin
    chunk = b"\0" * (8 << 20)
    with Plugin() as plugin:
        publish(plugin, 1)
        time.sleep(1)
        with open(f"{folder}/big", "wb") as file:
            for _ in range(int(gigabytes) * 128):
                file.write(chunk)


def memory(mebibytes="4096"):
    kept = []
    for _ in range(int(mebibytes)):
        kept.append(bytearray(os.urandom(4096) * 256))
    print("survived", len(kept))


def child_memory():
    """A child dies for memory, the plugin itself goes on."""
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        publish(plugin, 1)
        print(subprocess.run([sys.executable, __file__, "memory"]).returncode)


def forks():
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.1)


def term():
    """Ends in good order when it is told to."""
    from waggle.plugin import Plugin

    def stop(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    with Plugin() as plugin:
        publish(plugin, 2)
        try:
            time.sleep(3600)
        finally:
            plugin.publish("env.last", 1)


def camera(name="top", count="4"):
    from waggle.plugin import Plugin
    config = {section["match"]["id"]: section["handler"]["args"]["url"] for section in json.load(open("/run/waggle/data-config.json"))}
    with Plugin() as plugin:
        for _ in range(int(count)):
            plugin.publish("env.frame", urllib.request.urlopen(config[name]).read().decode())


def subscriber():
    from waggle.plugin import Plugin
    with Plugin() as plugin:
        plugin.subscribe("env.#")
        time.sleep(1)
        plugin.publish("env.ping", 7)
        message = plugin.get(timeout=10)
        plugin.publish("result.pong", message.value, meta={"node_seen": message.meta["node"]})


def uploads():
    """A good one, and everything that is none."""
    from waggle.plugin import Plugin
    root = pathlib.Path("/run/waggle/uploads")
    with Plugin() as plugin:
        pathlib.Path("/tmp/one.txt").write_text("one")
        plugin.upload_file("/tmp/one.txt", meta={"kind": "good"})

    def stage(ns, link=None, data=b"x", meta=b'{"labels":{"filename":"../../etc/passwd"}}'):
        folder = root / f"{ns}-{'0' * 40}"
        folder.mkdir()
        if link:
            (folder / "data").symlink_to(link)
        else:
            (folder / "data").write_bytes(data)
        (folder / "meta").write_bytes(meta)

    stage(1700000000000000001, link="/etc/shadow")
    stage(1700000000000000002)
    stage(1700000000000000003, meta=b"not json \xff")
    (root / f"1700000000000000004-{'0' * 40}").mkdir()
    (root / f"1700000000000000005-{'0' * 40}").symlink_to("/etc")
    os.mkfifo(root / "pipe")
    (root / "\n\x1b[31mweird\xff name".encode().decode("utf-8", "surrogateescape")).write_text("x")
    os.chdir(root)
    for _ in range(500):  # deeper than a path may be long
        os.mkdir("d" * 20)
        os.chdir("d" * 20)


def locked():
    """Leaves a folder that nobody else can enter, and a large file in it."""
    root = pathlib.Path("/run/waggle/uploads/secret")
    root.mkdir(mode=0o700)
    with open(root / "big", "wb") as file:
        for _ in range(64):
            file.write(b"\1" * (8 << 20))
            time.sleep(0.05)
    time.sleep(60)


def spin(seconds="2"):
    """Prints the CPU time of its whole life, as the process itself knows it."""
    end = time.process_time() + float(seconds)
    while time.process_time() < end:
        pass
    print(time.process_time())


def cgroup(controller, name, v2):
    for path in (f"/sys/fs/cgroup/{controller}/{name}", f"/sys/fs/cgroup/{v2}"):
        if os.path.exists(path):
            return int(open(path).read().split()[0])


def touch(block, start, end):
    for offset in range(start, end, 4096):
        block[offset] = 1


def ramp(mebibytes="256"):
    """Grows page by page and prints what its own cgroup counted as the peak."""
    import mmap
    size = int(mebibytes) << 20
    block = mmap.mmap(-1, size)
    for start in range(0, size, 8 << 20):
        touch(block, start, start + (8 << 20))
        time.sleep(0.02)
    print(cgroup("memory", "memory.max_usage_in_bytes", "memory.peak"))


def peak(mebibytes="300", milliseconds="50"):
    """Holds memory for a moment only, long before it ends."""
    import mmap
    size = int(mebibytes) << 20
    time.sleep(0.3)
    block = mmap.mmap(-1, size)
    touch(block, 0, size)
    time.sleep(int(milliseconds) / 1000)
    block.close()
    time.sleep(1.5)
    print(cgroup("memory", "memory.max_usage_in_bytes", "memory.peak"))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
