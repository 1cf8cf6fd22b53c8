"""Loads servers with h2load and reads what it cost them; for Scripts/load-test, and used by the others."""

import collections
import importlib
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import python_protos

TICKS = os.sysconf("SC_CLK_TCK")
# The user of the made-up world whose history is as long as the ones that the aims speak of.
SHORT = "twenty"


def framed(message):
    return b"\0" + struct.pack(">I", len(message)) + message


def pinned(core, command):
    return ["taskset", "-c", str(core), *command]


class Process:
    """A server pinned to core 0, with the CPU time it has used."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            pinned(0, command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self.process.stdout.readline()
        addresses = dict(word.split("=", 1) for word in line.split()[1:])
        self.address = addresses["grpc"]
        self.admin = addresses.get("admin")

    def peak_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self):
        self.process.kill()
        self.process.wait()


def h2load(server, path, body, clients, streams, requests):
    """Requests a second, server CPU µs a request, failed requests, mean µs of a request.

    `body` is posted as a gRPC message; without one a file is got.
    """
    with tempfile.NamedTemporaryFile() as file:
        command = ["h2load", "-n", str(requests), "-c", str(clients), "-m", str(streams)]
        if body is not None:
            file.write(body)
            file.flush()
            command += ["-d", file.name, "-H", "content-type: application/grpc", "-H", "te: trailers"]
        before = server.cpu_seconds()
        output = subprocess.run(
            pinned(1, [*command, f"http://{server.address}{path}"]),
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout
        used = server.cpu_seconds() - before
    rate = float(re.search(r"finished in .*?, ([\d.]+) req/s", output).group(1))
    failed = requests - int(re.search(r"(\d+) succeeded", output).group(1))
    number, unit = re.search(r"time for request: +\S+ +\S+ +([\d.]+)(us|ms|s)", output).groups()
    mean = float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return rate, used / requests * 1e6, failed, mean


def protos(folder):
    """The generated Python modules of our protos."""
    python_protos.generate(folder)
    events = importlib.import_module("bowerbird.v1.events_pb2")
    recommendations = importlib.import_module("bowerbird.v1.recommendations_pb2")
    stubs = importlib.import_module("bowerbird.v1.recommendations_pb2_grpc")
    return events, recommendations, stubs


def world(folder):
    """Seeded events of 600 users over 9,000 items in a CSV file."""
    import random

    generator = random.Random(7)
    path = pathlib.Path(folder) / "interactions.csv"
    with path.open("w") as file:
        file.write("USER_ID,ITEM_ID,TIMESTAMP\n")
        for user in range(600):
            for step in range(160):
                item = int(9_000 * generator.random() ** 3) // 5 * 5 + user % 5
                file.write(f"u{user},i{item},{1_600_000_000 + step * 60 + user}\n")
        for step in range(20):
            file.write(f"{SHORT},i{step * 40},{1_600_000_000 + step * 60}\n")
    return path


def user_of_twenty(path):
    """A user with exactly 20 interactions in a CSV file whose first column is the user."""
    counts = collections.Counter(line.split(",", 1)[0] for line in path.open())
    return next(user for user, count in sorted(counts.items()) if count == 20)


def serving(folder):
    """What every measured server is told: where its data are, any free ports, one reactor."""
    return ["--data-directory", f"{folder}/data", "--listen", "127.0.0.1:0", "--admin-listen",
            "127.0.0.1:0", "--reactors", "1"]


def prepare(bin_folder, folder, data, puts_rounds=1, options=()):
    """Our server with one reactor, a trained campaign, and the CPU that its imports took a call."""
    import grpc

    server = Process([f"{bin_folder}/bowerbird-server", *serving(folder), *options])
    cli = [f"{bin_folder}/bowerbird"]
    environment = {**os.environ, "BOWERBIRD_SERVER": server.address}

    def run(*arguments):
        return subprocess.run([*pinned(1, cli), *arguments], env=environment, check=True,
                              capture_output=True, text=True).stdout

    rows = sum(1 for _ in data.open()) - 1
    puts, rates = [], []
    for group in [f"load{n}" for n in range(1, puts_rounds)] + ["load"]:
        run("init", group, "--interactions", str(data))
        before = server.cpu_seconds()
        started = time.monotonic()
        done = run("import", group, "interactions", str(data), "--rows-per-call", "10",
                   "--in-flight", "64")
        rates.append(rows / (time.monotonic() - started))
        assert " 0 refused" in done, done
        puts.append((server.cpu_seconds() - before) / (rows / 10) * 1e6)
    campaign = run("train", "load", "--wait").split("campaign ")[1].strip()
    channel = grpc.insecure_channel(server.address)
    return server, campaign, channel, puts, statistics.median(rates)


def question(folder, campaign, channel, user):
    """A framed question, and the size of its answer; a real client checks the answer first."""
    events, recommendations, stubs = protos(folder)
    request = recommendations.GetRecommendationsRequest(
        campaign=campaign, user_id=user, num_results=25)
    answer = stubs.RecommendationsServiceStub(channel).GetRecommendations(request, timeout=10)
    assert len(answer.item_list) == 25, "a real client got no list"
    event = events.Event(event_type="view", item_id="i1")
    event.sent_at.seconds = 1_700_000_000
    put = events.PutEventsRequest(
        dataset_group="datasetGroups/load", user_id="load", session_id="load")
    for n in range(10):
        event.item_id = f"i{n}"
        put.event_list.append(event)
    return framed(request.SerializeToString()), framed(put.SerializeToString()), answer.ByteSize()


def load_test(bin_folder, requests):
    with tempfile.TemporaryDirectory() as folder:
        server, campaign, channel, _, _ = prepare(bin_folder, folder, world(folder))
        try:
            ask, put, size = question(folder, campaign, channel, "u7")
            print(f"GetRecommendations: 25 results, {size} bytes, checked by a real client first")
            print("PutEvents: the same 10 events each time, so it measures calls whose events are known")
            print(f"{'method':20} {'clients × streams':>18} {'requests/s':>12} {'CPU µs/request':>15} "
                  f"{'failed':>7}")
            failures = 0
            for method, service, body in [
                ("GetRecommendations", "RecommendationsService", ask), ("PutEvents", "EventsService", put)
            ]:
                for clients, streams in [(1, 1), (8, 32), (64, 10)]:
                    count = requests // (10 if clients == 1 else 1)
                    rate, micros, failed, _ = h2load(
                        server, f"/bowerbird.v1.{service}/{method}", body, clients, streams, count)
                    failures += failed
                    print(f"{method:20} {clients:>9} × {streams:<6} {rate:>12,.0f} {micros:>15.1f} "
                          f"{failed:>7}")
            return 1 if failures else 0
        finally:
            server.stop()


if __name__ == "__main__":
    verb, folder, requests = sys.argv[1:]
    assert verb == "load-test"
    sys.exit(load_test(folder, int(requests)))
