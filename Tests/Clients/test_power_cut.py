"""What a power cut leaves: every file as long as it was when it was last synced."""

import os
import pathlib
import shutil
import subprocess
import threading
import time

import grpc
import pytest
from conftest import Client, Server, make_group
from test_flow import START


@pytest.fixture(scope="session")
def layer(tmp_path_factory):
    """The library that notes what is synced."""
    # Every Swift toolchain has clang beside it.
    swift = pathlib.Path(shutil.which("swift") or "/none").resolve()
    compiler = shutil.which("cc") or str(swift.with_name("clang"))
    target = tmp_path_factory.mktemp("power") / "synced.so"
    source = pathlib.Path(__file__).parent / "power" / "synced.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(target), str(source)], check=True
    )
    return target


class MainsServer(Server):
    """A server whose power can be cut."""

    def __init__(self, directory, layer, *flags):
        super().__init__(directory, *flags)
        self.notes = pathlib.Path(f"{directory}.synced")
        self.layer = layer

    def start(self):
        os.environ["LD_PRELOAD"] = str(self.layer)
        os.environ["SYNCED_NOTES"] = str(self.notes)
        try:
            return super().start()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["SYNCED_NOTES"]

    def cut(self):
        """Kills it, and drops what was written to its files and not synced; the bytes lost."""
        self.kill()
        synced = dict(map(int, line.split()) for line in self.notes.read_text().splitlines())
        lost = 0
        for path in pathlib.Path(self.directory).rglob("*"):
            if not path.is_file() or path.name.startswith("LO"):
                continue
            status = path.stat()
            length = synced.get(status.st_ino)
            if length is None:
                lost += status.st_size
                path.unlink()
            elif length < status.st_size:
                lost += status.st_size - length
                os.truncate(path, length)
        return lost


def write_until(server, protos, group, worker, stop, acknowledged):
    client, n = Client(protos, server.make_channel()), 0
    while not stop.is_set():
        user = f"u{worker}"
        try:
            put = client.put_event(group, user, f"i{n}", START + n)
        except grpc.RpcError:
            return
        acknowledged.append((put.position, worker, n, time.monotonic()))
        n += 1


def run_and_cut(server, protos, seconds, prefix):
    """Writes from three clients until the power is cut; what was acknowledged, and bytes lost."""
    client = Client(protos, server.channel)
    group = make_group(client, prefix)
    acknowledged, stop = [], threading.Event()
    writers = [
        threading.Thread(target=write_until, args=(server, protos, group, w, stop, acknowledged))
        for w in range(3)
    ]
    for writer in writers:
        writer.start()
    time.sleep(seconds)
    lost = server.cut()
    at = time.monotonic()
    stop.set()
    for writer in writers:
        writer.join()
    server.start()
    return group, acknowledged, lost, at


def stored(server, protos, group):
    """Pairs of worker and number that are there."""
    client, found = Client(protos, server.channel), set()
    for worker in range(3):
        token = ""
        while True:
            request = protos.records.ListInteractionsRequest(
                dataset_group=group, user_id=f"u{worker}", page_size=1000, page_token=token)
            try:
                page = client.records.ListInteractions(request, timeout=10)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.NOT_FOUND
                break
            found |= {(worker, int(one.event.item_id[1:])) for one in page.interactions}
            token = page.next_page_token
            if not token:
                break
    return found


def test_a_power_cut_loses_nothing_that_was_acknowledged(protos, layer, tmp_path):
    server = MainsServer(tmp_path / "data", layer)
    server.start()
    try:
        for cut in range(4):
            group, acknowledged, _, _ = run_and_cut(server, protos, 0.4 + 0.2 * cut, f"cut{cut}")
            there = stored(server, protos, group)
            assert len(acknowledged) > 20
            assert {(worker, n) for _, worker, n, _ in acknowledged} <= there
            # At most the one write of each client that nobody had answered.
            assert len(there) <= len(acknowledged) + 3
    finally:
        server.stop()


def test_async_loses_the_newest_writes_only_and_no_more_than_it_says(protos, layer, tmp_path):
    server = MainsServer(tmp_path / "data", layer, "--durability", "async",
                         "--durability-interval-ms", "500")
    server.start()
    try:
        lost_any = False
        for cut in range(3):
            group, acknowledged, lost, at = run_and_cut(server, protos, 1.7, f"cut{cut}")
            there = stored(server, protos, group)
            missing = [one for one in acknowledged if (one[1], one[2]) not in there]
            kept = [one for one in acknowledged if (one[1], one[2]) in there]
            lost_any |= bool(missing) and lost > 0
            assert kept, "what is older than the interval is there"
            # A prefix of the history, and the sync of the interval was on time but for a second.
            if missing:
                assert max(one[0] for one in kept) < min(one[0] for one in missing)
                assert all(at - one[3] < 1.5 for one in missing)
        assert lost_any, "the layer drops nothing: this test proves nothing"
    finally:
        server.stop()


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_a_crash_of_the_server_loses_nothing_however_durable(protos, tmp_path, durability):
    server = Server(tmp_path / "data", "--durability", durability,
                    "--durability-interval-ms", "60000")
    server.start()
    try:
        client = Client(protos, server.channel)
        group = make_group(client, "shop")
        for n in range(200):
            last = client.put_event(group, "u", f"i{n}", START + n)
        server.kill()
        client = Client(protos, server.start().channel)
        request = protos.records.ListInteractionsRequest(
            dataset_group=group, user_id="u", page_size=1000)
        found = client.records.ListInteractions(request, timeout=10)
        assert len(found.interactions) == 200
        assert client.put_event(group, "u", "x", START + 999).position == last.position + 1
    finally:
        server.stop()
