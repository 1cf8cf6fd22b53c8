"""Loads servers with h2load and reads what it cost them; used by Scripts/load-test and Scripts/bench."""

import collections
import importlib
import json
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

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self):
        self.process.kill()
        self.process.wait()


def h2load(server, path, body, clients, streams, requests):
    """Requests a second, server CPU µs a request, failed requests."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        before = server.cpu_seconds()
        output = subprocess.run(
            pinned(1, [
                "h2load", "-n", str(requests), "-c", str(clients), "-m", str(streams), "-d", file.name,
                "-H", "content-type: application/grpc", "-H", "te: trailers",
                f"http://{server.address}{path}",
            ]),
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout
        used = server.cpu_seconds() - before
    rate = float(re.search(r"finished in .*?, ([\d.]+) req/s", output).group(1))
    failed = requests - int(re.search(r"(\d+) succeeded", output).group(1))
    return rate, used / requests * 1e6, failed


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


def prepare(bin_folder, folder, data, puts_rounds=1):
    """Our server with one reactor, a trained campaign, and the CPU that its imports took a call."""
    import grpc

    server = Process([f"{bin_folder}/bowerbird-server", "--data-directory", f"{folder}/data",
                      "--listen", "127.0.0.1:0", "--reactors", "1"])
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
                    rate, micros, failed = h2load(
                        server, f"/bowerbird.v1.{service}/{method}", body, clients, streams, count)
                    failures += failed
                    print(f"{method:20} {clients:>9} × {streams:<6} {rate:>12,.0f} {micros:>15.1f} "
                          f"{failed:>7}")
            return 1 if failures else 0
        finally:
            server.stop()


def bench(bin_folder, echo_binary, data, as_json, rounds=5):
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(data) / "ratings.csv" if data else world(folder)
        user = user_of_twenty(data)
        server, campaign, channel, puts, put_rate = prepare(bin_folder, folder, data, rounds)
        put_micros = statistics.median(puts)
        echo = None
        try:
            ask, _, size = question(folder, campaign, channel, user)
            echo = Process([echo_binary, str(size)])
            path = "/bowerbird.v1.RecommendationsService/GetRecommendations"
            figures = {"echo": [], "ours": []}
            for _ in range(rounds):
                for name, one in [("echo", echo), ("ours", server)]:
                    _, micros, failed = h2load(one, path, ask, 8, 32, 40_000)
                    assert failed == 0
                    figures[name].append(micros)
            ratios = [a / b for a, b in zip(figures["ours"], figures["echo"])]
            result = {
                "shape": "8x32, one core for the server",
                "reply_bytes": size,
                "grpc_cpp_echo_cpu_micros": statistics.median(figures["echo"]),
                "get_recommendations_cpu_micros": statistics.median(figures["ours"]),
                "get_recommendations_ratio": statistics.median(ratios),
                "get_recommendations_ratio_range": [min(ratios), max(ratios)],
                "put_events_10_durable_cpu_micros": put_micros,
                "put_events_ratio": put_micros / statistics.median(figures["echo"]),
                "put_events_cpu_micros_range": [min(puts), max(puts)],
                "put_events_rows_per_second": put_rate,
            }
            if as_json:
                print(json.dumps(result, indent=2))
                return 0
            print(f"server CPU per call, 8 × 32, medians of {rounds} interleaved rounds, reply {size} bytes, "
                  "a history of 20")
            print(f"  gRPC C++ callback echo        {result['grpc_cpp_echo_cpu_micros']:8.1f} µs    1.00")
            print(f"  GetRecommendations            {result['get_recommendations_cpu_micros']:8.1f} µs  "
                  f"{result['get_recommendations_ratio']:6.2f}  (rounds {min(ratios):.2f} to {max(ratios):.2f})")
            print(f"  PutEvents of 10 durable events{put_micros:8.1f} µs  {result['put_events_ratio']:6.2f}  "
                  f"(rounds {min(puts):.1f} to {max(puts):.1f} µs, 64 in flight, "
                  f"{put_rate:,.0f} events/s)")
            return 0
        finally:
            server.stop()
            if echo:
                echo.stop()


def offer(server, load_binary, method, body, rate, seconds):
    """What an open-loop client saw, or with '=N' one with N calls at a time."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        output = subprocess.run(
            pinned(1, [load_binary, server.address, f"/bowerbird.v1.RecommendationsService/{method}",
                       file.name, "8", str(seconds), str(rate)]),
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout
    seen = json.loads(output)
    assert seen["failed"] == seen["unanswered"] == 0, seen
    return seen


def overload(bin_folder, load_binary, data, as_json, rounds=5, seconds=5):
    """The p99 of served calls at half and at three times what the server can do, turn about.

    A call asks for eight lists, so that three times as many are not too many for the client.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(data) / "ratings.csv" if data else world(folder)
        server, campaign, _, _, _ = prepare(bin_folder, folder, data)
        _, recommendations, _ = protos(folder)
        one = recommendations.GetRecommendationsRequest(
            campaign=campaign, user_id=user_of_twenty(data), num_results=25)
        body = recommendations.BatchGetRecommendationsRequest(queries=[one] * 8).SerializeToString()
        figures = collections.defaultdict(list)
        try:
            for _ in range(rounds):
                # A server that was overloaded is wary for a second.
                time.sleep(2)
                capacity = offer(server, load_binary, "BatchGetRecommendations", body, "=8",
                                 seconds)["served_per_second"]
                half, triple = (
                    offer(server, load_binary, "BatchGetRecommendations", body, rate, seconds)
                    for rate in (capacity / 2, capacity * 3))
                figures["capacity, calls/s"].append(capacity)
                figures["offered at triple"].append(triple["started_per_second"] / capacity)
                figures["served of capacity"].append(triple["served_per_second"] / capacity)
                for label, seen in [("half", half), ("triple", triple)]:
                    figures[f"refused at {label}"].append(seen["refused"])
                    figures[f"client late at {label}, ms"].append(seen["late_ms"])
                    figures[f"p50 at {label}, ms"].append(seen["p50_ms"])
                    figures[f"p99 at {label}, ms"].append(seen["p99_ms"])
                figures["ratio of the p99"].append(triple["p99_ms"] / half["p99_ms"])
        finally:
            server.stop()
    result = {key: [min(values), statistics.median(values), max(values)]
              for key, values in figures.items()}
    if as_json:
        print(json.dumps(result, indent=2))
        return 0
    print(f"8 lists a call, one core, an open-loop client, {rounds} rounds: median (least to most)")
    for key, (least, middle, most) in result.items():
        print(f"  {key:24} {middle:10.2f}  ({least:.2f} to {most:.2f})")
    return 0


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "load-test":
        sys.exit(load_test(folder, int(rest[0])))
    data = rest[rest.index("--data") + 1] if "--data" in rest else None
    measure = overload if verb == "overload" else bench
    sys.exit(measure(folder, rest[0], data, "--json" in rest))
