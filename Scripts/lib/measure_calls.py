"""What calls cost our server beside a gRPC C++ server and a plain HTTP/2 one; for Scripts/bench."""

import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from measure import Process, framed, h2load, pinned, prepare, question, user_of_twenty, world

# Clients × streams, and requests for about a second of the slowest.
SHAPES = {"1 × 1": (1, 1, 5_000), "1 × 100": (1, 100, 30_000), "8 × 32": (8, 32, 40_000),
          "64 × 10": (64, 10, 40_000)}
LOADED = "8 × 32"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


class Nghttpd(Process):
    """nghttpd with two files, pinned to core 0."""

    def __init__(self, folder, size):
        files = pathlib.Path(folder) / "files"
        files.mkdir()
        (files / "reply").write_bytes(b"x" * size)
        (files / "empty").write_bytes(b"")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.process = subprocess.Popen(
            pinned(0, ["nghttpd", "--no-tls", "-a", "127.0.0.1", "-n1", "-d", str(files), str(port)]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "nghttpd does not listen"
                time.sleep(0.05)


def private_bytes(server):
    rollup = pathlib.Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")) * 1024


def idle_connection_bytes(server, count=1_000):
    """Memory of the process a connection, each after its SETTINGS and nothing else."""
    host, port = server.address.rsplit(":", 1)
    before = private_bytes(server)
    sockets = []
    try:
        for _ in range(count):
            one = socket.create_connection((host, int(port)), timeout=10)
            one.sendall(PREFACE)
            assert one.recv(9), "no SETTINGS"
            sockets.append(one)
        return (private_bytes(server) - before) / count
    finally:
        for one in sockets:
            one.close()


def measure(servers, rounds):
    """Medians by row and shape of CPU µs and mean µs; ratios round by round to the row of a peer."""
    figures = {row: {shape: [] for shape in SHAPES} for row in servers}
    for shape, (clients, streams, requests) in SHAPES.items():
        for _ in range(rounds):
            for row, (server, path, body, _) in servers.items():
                rate, micros, failed, mean = h2load(server, path, body, clients, streams, requests)
                assert failed == 0, f"{row}: {failed} failed"
                figures[row][shape].append((micros, rate, mean))
    result = {}
    for row, (_, _, _, peers) in servers.items():
        result[row] = {}
        for shape, rounds_of in figures[row].items():
            cell = {
                "cpu_micros": statistics.median(one[0] for one in rounds_of),
                "requests_per_second": statistics.median(one[1] for one in rounds_of),
                "mean_micros": statistics.median(one[2] for one in rounds_of),
            }
            for peer in peers:
                pairs = list(zip(rounds_of, figures[peer][shape]))
                ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
                cell[f"cpu to {peer}"] = statistics.median(ratios)
                cell[f"cpu range to {peer}"] = [min(ratios), max(ratios)]
                cell[f"mean to {peer}"] = statistics.median(
                    ours[2] / theirs[2] for ours, theirs in pairs)
            result[row][shape] = cell
    return result


def bench(bin_folder, echo_binary, data, as_json, rounds=5):
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(data) / "ratings.csv" if data else world(folder)
        user = user_of_twenty(data)
        server, campaign, channel, puts, put_rate = prepare(bin_folder, folder, data, rounds)
        started = [server]
        try:
            ask, _, size = question(folder, campaign, channel, user)
            echo, empty = Process([echo_binary, str(size)]), Process([echo_binary, "0"])
            files = Nghttpd(folder, size)
            started += [echo, empty, files]
            path = "/bowerbird.v1.RecommendationsService/GetRecommendations"
            check = "/grpc.health.v1.Health/Check"
            echo_row, file_row = f"gRPC C++ echo of {size} bytes", f"nghttpd, a file of {size} bytes"
            calls = measure({
                echo_row: (echo, path, ask, []),
                file_row: (files, "/reply", None, []),
                "GetRecommendations": (server, path, ask, [echo_row, file_row]),
                "gRPC C++ empty call": (empty, check, framed(b""), []),
                "nghttpd, an empty file": (files, "/empty", None, []),
                "health Check": (server, check, framed(b""),
                                 ["gRPC C++ empty call", "nghttpd, an empty file"]),
            }, rounds)
            # A real client still gets such a list: ids and reasons may change with time.
            assert abs(question(folder, campaign, channel, user)[2] - size) < size / 10
            result = {
                "reply_bytes": size,
                "calls": calls,
                "put_events_10_durable_cpu_micros": statistics.median(puts),
                "put_events_ratio": statistics.median(puts) / calls[echo_row][LOADED]["cpu_micros"],
                "put_events_cpu_micros_range": [min(puts), max(puts)],
                "put_events_per_second": put_rate,
                "peak_bytes": {"ours": server.peak_bytes(), "gRPC C++ echo": echo.peak_bytes(),
                               "nghttpd": files.peak_bytes()},
                "idle_connection_bytes": idle_connection_bytes(server),
            }
        finally:
            for one in started:
                one.stop()
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        show(result, rounds)
    return 0


def show(result, rounds):
    print(f"server CPU µs a call, one core for the server, medians of {rounds} interleaved rounds; "
          "clients × streams")
    print(f"  {'':34}" + "".join(f"{shape:>12}" for shape in SHAPES))
    for row, cells in result["calls"].items():
        print(f"  {row:34}" + "".join(f"{cells[shape]['cpu_micros']:12.1f}" for shape in SHAPES))
    print("ratios of CPU, round by round, and of the mean time of a request at 1 × 1")
    for row, cells in result["calls"].items():
        for peer in [key.removeprefix("cpu to ") for key in cells[LOADED] if key.startswith("cpu to ")]:
            low, high = cells[LOADED][f"cpu range to {peer}"]
            print(f"  {row} to {peer}:")
            print(f"  {'':34}" + "".join(f"{cells[shape][f'cpu to {peer}']:12.2f}" for shape in SHAPES)
                  + f"   ({LOADED}: {low:.2f} to {high:.2f}); {cells['1 × 1'][f'mean to {peer}']:.2f}")
    low, high = result["put_events_cpu_micros_range"]
    print(f"PutEvents of 10 durable events, 64 in flight: {result['put_events_10_durable_cpu_micros']:.1f} µs "
          f"({low:.1f} to {high:.1f}), {result['put_events_ratio']:.2f} of that echo at {LOADED}; "
          f"{result['put_events_per_second']:,.0f} events/s")
    peaks = ", ".join(f"{name} {value / (1 << 20):.0f} MiB" for name, value in result["peak_bytes"].items())
    print(f"peak memory: {peaks}; an idle connection of ours: {result['idle_connection_bytes'] / 1024:.1f} KiB")


if __name__ == "__main__":
    bin_folder, echo_binary, *rest = sys.argv[1:]
    data = rest[rest.index("--data") + 1] if "--data" in rest else None
    sys.exit(bench(bin_folder, echo_binary, data, "--json" in rest))
