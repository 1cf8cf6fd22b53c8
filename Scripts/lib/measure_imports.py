"""What imports cost beside RocksDB alone, what records take in memory, and what a restart takes."""

import json
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from measure import Process, pinned, serving

EVENTS_PER_USER = 20
ITEMS_PER_USER = 10
HEADER = "USER_ID,ITEM_ID,EVENT_TYPE,TIMESTAMP\n"


def world(path, rows, shift=0):
    """A log of `rows` events of `rows / 20` users: each comes for ten events at a time."""
    generator = random.Random(11 + shift)
    users = rows // EVENTS_PER_USER
    items = max(users // ITEMS_PER_USER, 1)
    time_of_row = 1_600_000_000 + shift
    with path.open("w") as file:
        file.write(HEADER)
        for start in range(0, rows, 10):
            user = generator.randrange(users)
            lines = []
            for step in range(min(10, rows - start)):
                item = int(items * generator.random() ** 2)
                lines.append(f"user-{user:07},item-{item:06},view,{time_of_row + step * 7 % 10}\n")
            time_of_row += 10
            file.write("".join(lines))
    return users, items


class Bowerbird:
    """Our server on core 0, our importer on core 1."""

    def __init__(self, bin_folder, folder):
        self.bin = bin_folder
        self.folder = pathlib.Path(folder)
        self.start()

    def start(self):
        self.process = Process([
            f"{self.bin}/bowerbird-server", *serving(self.folder), "--import-root", str(self.folder)])

    def run(self, *arguments):
        environment = {**os.environ, "BOWERBIRD_SERVER": self.process.address}
        return subprocess.run(pinned(1, [f"{self.bin}/bowerbird", *arguments]), env=environment,
                              check=True, capture_output=True, text=True).stdout

    def timed(self, *arguments):
        """Wall and CPU seconds of the server while the importer runs."""
        before = self.process.cpu_seconds()
        began = time.monotonic()
        self.run(*arguments)
        return time.monotonic() - began, self.process.cpu_seconds() - before

    def metrics(self):
        text = urllib.request.urlopen(f"http://{self.process.admin}/metrics", timeout=30).read().decode()
        values = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def terminate(self):
        self.process.process.send_signal(signal.SIGTERM)
        self.process.process.wait(timeout=120)


def quantile(before, after, name, share):
    """The upper bound in ms of the bucket that a share of a histogram's new values lies below."""
    pattern = re.compile(re.escape(name) + r'_bucket\{le="([^"]+)"\}')
    buckets = sorted(
        (float(found[1]), value - before.get(key, 0))
        for key, value in after.items() if (found := pattern.fullmatch(key)))
    total = buckets[-1][1]
    return next(bound for bound, count in buckets if count >= share * total) * 1e3


def floor(binary, folder, rows, batch):
    done = subprocess.run(
        pinned(0, [binary, f"{folder}/floor-{time.monotonic_ns()}", str(rows), str(EVENTS_PER_USER),
                   str(batch)]),
        check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def puts(server, floor_binary, folder, rows, rounds=3):
    """PutEvents of ten, 64 in flight, beside RocksDB in batches of the size that ours had."""
    file = folder / "puts.csv"
    world(file, rows)
    ours, bare, latencies = [], [], []
    for number in range(rounds):
        group = f"puts{number}"
        server.run("init", group, "--interactions", str(file))
        before = server.metrics()
        wall, cpu = server.timed("import", group, "interactions", str(file), "--rows-per-call", "10",
                                 "--in-flight", "64", "--quiet")
        after = server.metrics()

        def grown(name):
            return after[name] - before[name]

        calls = grown("bowerbird_write_batch_mutations_sum") / grown("bowerbird_write_batch_mutations_count")
        ours.append((rows / wall, cpu / rows * 1e6))
        latencies.append([quantile(before, after, "bowerbird_freshness_seconds", share)
                          for share in (0.5, 0.99)])
        bare.append(floor(floor_binary, folder, rows, max(round(calls * 10), 10)))
    file.unlink()
    rate = statistics.median(one for one, _ in ours)
    bare_rate = statistics.median(one["rows_per_second"] for one in bare)
    return {
        "put_events_rows_per_second": rate,
        "put_events_cpu_micros_per_row": statistics.median(one for _, one in ours),
        "rocksdb_rows_per_second": bare_rate,
        "rocksdb_cpu_micros_per_row": statistics.median(one["cpu_micros_per_row"] for one in bare),
        "put_events_ratio_to_rocksdb": statistics.median(
            one / other["rows_per_second"] for (one, _), other in zip(ours, bare)),
        "calls_per_write": calls,
        "freshness_p50_ms_at_most": statistics.median(one[0] for one in latencies),
        "freshness_p99_ms_at_most": statistics.median(one[1] for one in latencies),
        "yardstick_nanoseconds": statistics.median(one["yardstick_nanoseconds"] for one in bare),
    }


def streams(server, folder, rows):
    """StreamRecords in batches of 500, before there is a model and with a trained one."""
    first, second = folder / "first.csv", folder / "second.csv"
    world(first, rows)
    world(second, rows, shift=rows * 2)
    server.run("init", "stream", "--interactions", str(first))
    wall, cpu = server.timed("import", "stream", "interactions", str(first), "--quiet")
    server.run("train", "stream", "--wait")
    live_wall, live_cpu = server.timed("import", "stream", "interactions", str(second), "--quiet")
    for file in (first, second):
        file.unlink()
    return {
        "stream_cpu_micros_per_record": cpu / rows * 1e6,
        "stream_records_per_second": rows / wall,
        "stream_live_cpu_micros_per_record": live_cpu / rows * 1e6,
        "stream_live_records_per_second": rows / live_wall,
    }


def memory(server):
    """Bytes by structure, once the counter has been all around, which it is each minute at least."""
    time.sleep(65)
    values = server.metrics()
    pattern = re.compile(r'bowerbird_memory_bytes\{structure="(\w+)"\}')
    by_structure = {found[1]: value for key, value in values.items() if (found := pattern.fullmatch(key))}
    return by_structure, values["bowerbird_memory_resident_bytes"]


def bulk(server, folder, rows):
    file = folder / "bulk.csv"
    users, items = world(file, rows)
    server.run("init", "bulk", "--interactions", str(file))
    empty, empty_resident = memory(server)
    wall, cpu = server.timed("import", "bulk", "interactions", str(file), "--job", "full",
                             "--on-server", "--quiet")
    bytes_of_file = file.stat().st_size
    file.unlink()
    full, resident = memory(server)
    server.terminate()
    began = time.monotonic()
    server.start()
    restart = time.monotonic() - began
    restart_cpu = server.process.cpu_seconds()
    grown = {name: full[name] - empty.get(name, 0) for name in full}
    return {
        "rows": rows, "users": users, "items": items, "file_bytes": bytes_of_file,
        "bulk_cpu_micros_per_row": cpu / rows * 1e6,
        "bulk_rows_per_second": rows / wall,
        "bytes_by_structure": grown,
        "bytes_resident": resident - empty_resident,
        "history_bytes_per_interaction": grown["histories"] / rows,
        "owner_and_identifier_bytes_per_user_and_item":
            (grown["owners"] + grown["identifiers"] + grown["item_counts"]) / (users + items),
        "restart_seconds": restart,
        "restart_cpu_micros_per_row": restart_cpu / rows * 1e6,
        "resident_after_restart": memory(server)[1],
    }


def show(result):
    def line(what, value, aim=""):
        print(f"  {what:58} {value:>16}  {aim}")

    print(f"yardstick: {result['yardstick_nanoseconds']:.2f} ns a step; "
          f"RocksDB alone {result['rocksdb_cpu_micros_per_row']:.2f} µs a row")
    line("PutEvents of 10, durable, 64 in flight, events/s", f"{result['put_events_rows_per_second']:,.0f}")
    line("  to RocksDB alone, batches of as many rows",
         f"{result['put_events_ratio_to_rocksdb']:.2f} ×", "≥ 0.6")
    line("  CPU an event", f"{result['put_events_cpu_micros_per_row']:.2f} µs")
    line("  acknowledged and visible after, p50 and p99 at most",
         f"{result['freshness_p50_ms_at_most']:.3g}, {result['freshness_p99_ms_at_most']:.3g} ms")
    line("StreamRecords, 500 a batch, CPU a record",
         f"{result['stream_cpu_micros_per_record']:.2f} µs", "≤ 3.3 µs")
    line("  with the live parts of a trained version",
         f"{result['stream_live_cpu_micros_per_record']:.2f} µs")
    line(f"a file of {result['rows']:,} rows as a job, CPU a row",
         f"{result['bulk_cpu_micros_per_row']:.2f} µs", "≤ 2 µs")
    line("  rows/s", f"{result['bulk_rows_per_second']:,.0f}")
    line("histories, bytes an interaction", f"{result['history_bytes_per_interaction']:.1f}", "≤ 18")
    line("owners and identifiers, bytes a user and item",
         f"{result['owner_and_identifier_bytes_per_user_and_item']:.0f}", "≤ 120")
    for name, value in sorted(result["bytes_by_structure"].items(), key=lambda one: -one[1]):
        if value > 1 << 20:
            line(f"  {name}", f"{value / (1 << 20):,.0f} MiB")
    line("  all that is resident", f"{result['bytes_resident'] / (1 << 20):,.0f} MiB")
    line("restart", f"{result['restart_seconds']:.1f} s")
    line("  CPU a stored interaction", f"{result['restart_cpu_micros_per_row']:.2f} µs", "≤ 0.6 µs")


def main(bin_folder, floor_binary, rows, as_json):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        server = Bowerbird(bin_folder, folder)
        try:
            small = min(rows, 400_000)
            result = puts(server, floor_binary, folder, small)
            result |= streams(server, folder, small)
            server.terminate()
            server.folder = folder / "bulk"
            server.folder.mkdir()
            server.start()
            result |= bulk(server, server.folder, rows)
        finally:
            server.process.stop()
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    bin_folder, floor_binary, rows, *rest = sys.argv[1:]
    sys.exit(main(bin_folder, floor_binary, int(rows), "--json" in rest))
