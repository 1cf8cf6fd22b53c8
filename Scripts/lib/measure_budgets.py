"""What a call costs in instructions, allocations and system calls, held to its budget; for Scripts/bench.

Instructions and allocations are counted by callgrind, system calls by strace on the same server
without it. Data, calls and their order are the same each time; a server with one reactor is counted
while it does one thing, after it has done that for a while.
"""

import importlib
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

from lockstep import Lockstep
from measure import SHORT, Process, prepare, question, serving, world

BUDGETS = pathlib.Path(__file__).resolve().parents[2] / "Sources/bowerbird-bench/Budgets.json"
KINDS = {"instructions": "{:,.0f}", "allocations": "{:.2f}", "systemCalls": "{:.2f}"}
TOLERANCE = 1.1
# What the server does by the clock falls into the time of the calls, too.
SLACK = {"instructions": 0, "allocations": 0.25, "systemCalls": 0.1}
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
# No thread looks at memory by the clock; a server fifty times slower is not overloaded, and no call slow.
OPTIONS = ["--memory-budget", "0", "--overload-delay-ms", "0", "--slow-call-ms", "0"]
TOGETHER = 32
RECORDS = 100
ROWS = [f"{name}, {how}" for name in ("Check", "GetRecommendations", "PutEvents")
        for how in ("alone", f"{TOGETHER} together")] + ["StreamRecords, a record"]


class Work:
    """The calls of one row: what is sent in one go, and how many units that is."""

    def __init__(self, address, path, make, together=1, is_stream=False, units=None):
        self.client = Lockstep(address, path)
        self.make, self.together, self.is_stream = make, together, is_stream
        self.units = units or together
        if is_stream:
            self.client.open()

    def do(self, rounds):
        """Returns the answers, all of which a method gives in one form."""
        answers = []
        for _ in range(rounds):
            if self.is_stream:
                answers.append(self.client.send(self.make()))
            else:
                answers += self.client.calls([self.make() for _ in range(self.together)])
        return answers


class Events:
    """New events each time, the same in each run."""

    def __init__(self, messages):
        self.messages = messages
        self.random = random.Random(7)
        self.count = 0

    def _fill(self, event):
        self.count += 1
        event.event_type = "view"
        event.item_id = f"i{int(9_000 * self.random.random() ** 3)}"
        event.sent_at.seconds = 1_700_000_000 + self.count

    def put(self):
        request = self.messages.PutEventsRequest(
            dataset_group="datasetGroups/load", user_id=f"u{self.count // 10 % 600}", session_id="load")
        for _ in range(10):
            self._fill(request.event_list.add())
        return request.SerializeToString()

    def records(self):
        request = self.messages.StreamRecordsRequest(dataset_group="datasetGroups/load")
        for place in range(RECORDS):
            one = request.records.add().interaction
            one.user_id = f"u{place * 7 % 600}"
            self._fill(one.event)
        return request.SerializeToString()


class Callgrind(Process):
    """The server on callgrind, which reads no debug information of newer compilers."""

    def __init__(self, bin_folder, folder):
        self.folder = pathlib.Path(folder)
        program = self.folder / "server"
        subprocess.run(["strip", "--strip-debug", "-o", program, f"{bin_folder}/bowerbird-server"], check=True)
        super().__init__(["valgrind", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no",
                          f"--callgrind-out-file={self.folder}/counts", str(program),
                          *serving(folder), *OPTIONS])

    def control(self, *arguments):
        subprocess.run(["callgrind_control", *arguments, str(self.process.pid)], check=True,
                       capture_output=True)

    def count(self, work, rounds):
        """Instructions and allocations of so many rounds."""
        self.control("--zero")
        work.do(rounds)
        self.control("--dump")
        newest = max(self.folder.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
        caller, name, allocations, instructions = "", "", 0, 0
        for line in newest.open():
            if line.startswith("fn="):
                caller = line[3:].rstrip()
            elif line.startswith("cfn="):
                name = line[4:].rstrip().split("@")[0]
            elif line.startswith("calls=") and name in ALLOCATORS and "memalign" not in caller:
                allocations += int(line[6:].split()[0])
            elif line.startswith("summary:"):
                instructions = int(line.split()[1])
        newest.unlink()
        return {"instructions": instructions, "allocations": allocations}


def system_calls(server, work, rounds):
    """The system calls of so many rounds, in all threads.

    Without those that wait for other threads and wake them: how many is a matter of who is faster.
    """
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-e", "trace=!futex", "-p", str(server.process.pid)],
        stderr=subprocess.PIPE, text=True)
    tracer.stderr.readline()  # Attached.
    work.do(rounds)
    tracer.send_signal(signal.SIGINT)
    table = tracer.communicate(timeout=60)[1]
    total = re.search(r"^100\.00 +\S+ +\S* *(\d+).* total$", table, re.MULTILINE).group(1)
    return {"systemCalls": int(total)}


def works(address, ask, events):
    """By row, the calls of one round and how many rounds; reads before what changes the data."""
    check = "/grpc.health.v1.Health/Check", lambda: b""
    recommend = "/bowerbird.v1.RecommendationsService/GetRecommendations", lambda: ask
    put = "/bowerbird.v1.EventsService/PutEvents", events.put
    stream = "/bowerbird.v1.EventsService/StreamRecords", events.records
    return dict(zip(ROWS, [
        (Work(address, *check), 500), (Work(address, *check, TOGETHER), 40),
        (Work(address, *recommend), 100), (Work(address, *recommend, TOGETHER), 15),
        (Work(address, *put), 100), (Work(address, *put, TOGETHER), 15),
        (Work(address, *stream, is_stream=True, units=RECORDS), 15),
    ], strict=True))


def verify(row, answers):
    """Holds the answers to what they must say."""
    recommendations = importlib.import_module("bowerbird.v1.recommendations_pb2")
    events = importlib.import_module("bowerbird.v1.events_pb2")
    for answer in answers:
        if row.startswith("Check"):
            assert answer == b"\x08\x01", f"not SERVING: {answer!r}"
        elif row.startswith("GetRecommendations"):
            items = recommendations.GetRecommendationsResponse.FromString(answer).item_list
            assert len(items) == 25, f"{len(items)} items"
        else:
            of_stream = row.startswith("StreamRecords")
            kind = events.StreamRecordsResponse if of_stream else events.PutEventsResponse
            put = kind.FromString(answer)
            expected = RECORDS if of_stream else 10
            assert (put.applied_count, put.duplicate_count) == (expected, 0), put


def wait_for_answers(folder, campaign, server):
    """The framed question, as soon as the campaign answers it."""
    import grpc

    deadline = time.monotonic() + 300
    while True:
        try:
            with grpc.insecure_channel(server.address) as channel:
                return question(folder, campaign, channel, SHORT)[0]
        except grpc.RpcError as error:
            assert time.monotonic() < deadline, error
            time.sleep(0.5)


def measure(bin_folder):
    """By row, what was counted of each kind for one unit."""
    counted = {}

    def each(server, ask, events, count):
        for row, (work, rounds) in works(server.address, ask[5:], events).items():
            # Memory that is kept for reuse is there after a while.
            verify(row, work.do(rounds))
            for kind, value in count(work, rounds).items():
                counted.setdefault(row, {})[kind] = value / rounds / work.units
            work.client.close()

    with tempfile.TemporaryDirectory() as folder:
        data = world(folder)
        server, campaign, channel, _, _ = prepare(bin_folder, folder, data, options=OPTIONS)
        channel.close()
        try:
            ask = wait_for_answers(folder, campaign, server)
            events = Events(importlib.import_module("bowerbird.v1.events_pb2"))
            each(server, ask, events, lambda *what: system_calls(server, *what))
            server.process.terminate()
            server.process.wait(timeout=60)
        finally:
            server.stop()
        server = Callgrind(bin_folder, folder)
        try:
            each(server, wait_for_answers(folder, campaign, server), events, server.count)
        finally:
            server.stop()
    return counted


def exceeded(counted, budgets):
    """The rows and kinds that are over their budget, with both numbers."""
    return [
        (row, kind, value, budgets[row][kind])
        for row, kinds in counted.items()
        for kind, value in kinds.items()
        if value > budgets[row][kind] * TOLERANCE + SLACK[kind]
    ]


def show(counted, budgets):
    print(f"{'what one costs, and its budget':34}" + "".join(f"{kind:>22}" for kind in KINDS))
    for row, kinds in counted.items():
        cells = (f"{form.format(kinds[kind])} of {form.format(budgets[row][kind])}"
                 for kind, form in KINDS.items())
        print(f"  {row:32}" + "".join(f"{cell:>22}" for cell in cells))


def run(bin_folder, accepts):
    file = json.loads(BUDGETS.read_text())
    counted = measure(bin_folder)
    if accepts:
        file["budgets"] = {
            row: {kind: round(kinds[kind], None if kind == "instructions" else 2) for kind in KINDS}
            for row, kinds in counted.items()}
        BUDGETS.write_text(json.dumps(file, indent=2) + "\n")
    show(counted, file["budgets"])
    over = exceeded(counted, file["budgets"])
    for row, kind, value, budget in over:
        print(f"over its budget: {kind} of {row}, {value:,.2f}, may be {budget:,.2f}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], "--accept" in sys.argv[2:]))
