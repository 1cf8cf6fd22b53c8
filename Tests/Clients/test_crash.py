"""Nothing that was acknowledged is lost: kill -9 among concurrent writers, and a full disk."""

import functools
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import threading
import time

import grpc
import pytest
from conftest import Client, Server

KILLS = 100 if os.environ.get("BOWERBIRD_TEST_ALL") else 20
WRITERS = 4
# The user of who may do nothing.
NOBODY = 65_534


def write_until_killed(protos, address, writer, round_number, start, acknowledged):
    """Puts calls of three events, one after the other, and notes each that was answered."""
    with grpc.insecure_channel(address) as channel:
        client = Client(protos, channel)
        for number in range(10_000):
            items = [f"i-{writer}-{round_number}-{number}-{n}" for n in range(3)]
            events = []
            for n, item in enumerate(items):
                event = protos.events.Event(event_type="view", item_id=item)
                event.sent_at.FromMilliseconds(start + number * 10 + n)
                events.append(event)
            request = protos.events.PutEventsRequest(
                dataset_group="datasetGroups/crash", user_id=f"u-{writer}-{round_number}",
                session_id="s", event_list=events,
            )
            try:
                position = client.events.PutEvents(request, timeout=5).position
            except grpc.RpcError:
                return
            acknowledged.append((request, position))


def test_nothing_acknowledged_is_lost_and_nothing_is_half_applied(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    client = Client(protos, server.channel)
    client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="crash", starter=True)
    )
    campaign = "datasetGroups/crash/campaigns/default"
    last_position = 0
    total = 0
    for kill in range(KILLS):
        logs = [[] for _ in range(WRITERS)]
        threads = [
            threading.Thread(
                target=write_until_killed,
                args=(protos, server.address, n, kill, 1_700_000_000_000 + kill * 10**6, logs[n]),
            )
            for n in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        while sum(map(len, logs)) < 20 + kill % 7 * 5 and any(t.is_alive() for t in threads):
            threads[0].join(timeout=0.005)
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        client = Client(protos, server.channel)
        acknowledged = [one for log in logs for one in log]
        assert acknowledged
        total += len(acknowledged)
        highest = max(position for _, position in acknowledged)
        assert highest > last_position
        answer = client.recommend(campaign, "nobody", count=1)
        assert answer.position >= highest
        last_position = answer.position
        # Each acknowledged call is known in all its events: sent again, it adds nothing.
        for request, _ in acknowledged:
            again = client.events.PutEvents(request)
            assert (again.applied_count, again.duplicate_count) == (0, 3)
        # A call that was not acknowledged is there as a whole or not at all.
        assert client.recommend(campaign, "nobody", count=1).eligible_count % 3 == 0
    assert total >= KILLS * 20
    server.stop()


class SizeLimit:
    """No file of the server may grow: every write to the disk fails, as on a full one."""

    def __init__(self, folder, monkeypatch):
        self.directory = folder / "data"
        # Keeps ignoring SIGXFSZ, as Python does, so that the write fails instead.
        patient = functools.partial(subprocess.Popen, restore_signals=False)
        monkeypatch.setattr(subprocess, "Popen", patient)

    def fill(self, server):
        self._limit(server, 0)

    def empty(self, server):
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server, size):
        limits = (size, resource.RLIM_INFINITY)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)

    def remove(self):
        pass


class SmallDisk:
    """A file system of its own, and something else that takes all of its room."""

    def __init__(self, folder, monkeypatch):
        self.disk = folder / "disk"
        self.disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.disk)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("only root can mount a small disk")
        self.directory = self.disk / "data"

    def fill(self, server):
        with open(self.disk / "else", "ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass

    def empty(self, server):
        (self.disk / "else").unlink()

    def remove(self):
        subprocess.run(["umount", str(self.disk)], check=True)


class LostPermission(SizeLimit):
    """The server may make no file any more, as it finds when a write has failed."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        if os.geteuid() == 0:
            # Root may always write; nobody else may enter the folders of tests.
            self.folder = pathlib.Path(tempfile.mkdtemp())
            self.folder.chmod(0o755)
            self.directory = self.folder / "data"
            monkeypatch.setattr(
                subprocess, "Popen", functools.partial(subprocess.Popen, user=NOBODY, group=NOBODY))
        else:
            self.folder = folder
        self.directory.mkdir()
        if os.geteuid() == 0:
            os.chown(self.directory, NOBODY, NOBODY)

    def fill(self, server):
        self.directory.chmod(0o555)
        super().fill(server)

    def empty(self, server):
        self.directory.chmod(0o755)
        super().empty(server)

    def _limit(self, server, size):
        if os.geteuid() != 0:
            return super()._limit(server, size)
        limit = "unlimited" if size == resource.RLIM_INFINITY else size
        command = ["prlimit", "--pid", str(server.process.pid), f"--fsize={limit}:unlimited"]
        return subprocess.run(command, check=True)

    def remove(self):
        if os.geteuid() == 0:
            shutil.rmtree(self.folder)


def three_events(protos, number):
    """A call that is there as a whole or not at all; about 12 KiB, more than is left anywhere."""
    events = []
    for n in range(3):
        event = protos.events.Event(
            event_type="view", item_id=f"i-{number}-{n}", recommendation_id="r" * 40,
        )
        event.impression.extend(f"{number}-{n}-{i}-{'x' * 150}" for i in range(25))
        event.sent_at.FromMilliseconds(1_700_000_000_000 + number * 10 + n)
        events.append(event)
    return protos.events.PutEventsRequest(
        dataset_group="datasetGroups/full", user_id=f"u-{number}", session_id=f"s-{number}",
        event_list=events,
    )


@pytest.mark.parametrize("disk", [SizeLimit, SmallDisk, LostPermission])
def test_a_full_disk_ends_writes_but_not_reads_and_room_lets_them_begin_again(
    protos, tmp_path, monkeypatch, disk
):
    disk = disk(tmp_path, monkeypatch)
    server = Server(disk.directory).start()
    try:
        client = Client(protos, server.channel)
        client.datasets.CreateDatasetGroup(
            protos.datasets.CreateDatasetGroupRequest(name="full", starter=True)
        )
        campaign = "datasetGroups/full/campaigns/default"
        calls = [three_events(protos, number) for number in range(60)]
        refused = []
        acknowledged = 0
        for spell in range(3):
            for number in range(spell * 20, spell * 20 + 10):
                assert client.events.PutEvents(calls[number]).applied_count == 3
                acknowledged += 1
            for number in range(spell * 20 + 10, spell * 20 + 20):
                # Opening the store again may make room: it turns its log into smaller tables.
                disk.fill(server)
                try:
                    assert client.events.PutEvents(calls[number]).applied_count == 3
                    acknowledged += 1
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.UNAVAILABLE
                    refused.append(number)
                # Lists, and records as they are on disk.
                read = client.records.ListInteractions(protos.records.ListInteractionsRequest(
                    dataset_group="datasetGroups/full", user_id=f"u-{spell * 20}"), timeout=10)
                assert len(read.interactions) == 3
                assert len(exported(client, protos)) >= acknowledged * 3
                answer = client.recommend(campaign, "nobody")
                # A refused call may have been kept after all, but then as a whole.
                calls_seen, half = divmod(answer.eligible_count, 3)
                assert half == 0 and acknowledged <= calls_seen <= acknowledged + len(refused)
            assert len(refused) > 5 * spell
            disk.empty(server)
            wait_for_writes(client, calls[0])
        # In the same process and after a restart: what was acknowledged is there, what was refused
        # is there as a whole or not at all.
        eligible = client.recommend(campaign, "nobody").eligible_count
        assert eligible % 3 == 0 and eligible >= acknowledged * 3
        server.kill()
        client = Client(protos, server.start().channel)
        assert client.recommend(campaign, "nobody").eligible_count == eligible
        for number, call in enumerate(calls):
            answer = client.events.PutEvents(call)
            told = (answer.applied_count, answer.duplicate_count)
            assert told == (0, 3) or number in refused and told == (3, 0), number
    finally:
        server.stop()
        disk.remove()


def exported(client, protos):
    request = protos.jobs.ExportDataRequest(
        dataset="datasetGroups/full/datasets/interactions",
        ingestion_mode=protos.jobs.INGESTION_MODE_ALL)
    data = b"".join(piece.data for piece in client.jobs.ExportData(request, timeout=20))
    return data.decode().splitlines()[1:]


def wait_for_writes(client, call, seconds=10):
    """Repeats a call that was acknowledged before until writes are taken again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = client.events.PutEvents(call)
            if answer.duplicate_count == 3:
                return
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() < deadline, "writes are not taken again"
        time.sleep(0.02)


def test_a_server_that_can_not_write_is_not_ready_until_it_can(protos, tmp_path, monkeypatch):
    disk = SizeLimit(tmp_path, monkeypatch)
    server = Server(disk.directory).start()
    try:
        client = Client(protos, server.channel)
        client.datasets.CreateDatasetGroup(
            protos.datasets.CreateDatasetGroupRequest(name="full", starter=True)
        )
        disk.fill(server)
        with pytest.raises(grpc.RpcError):
            client.events.PutEvents(three_events(protos, 1))
        assert server.admin_get("/readyz") == (503, "not ready: the store takes no writes\n")
        assert server.admin_get("/livez")[0] == 200
        assert server.metric("bowerbird_commit_failures_total") >= 1
        disk.empty(server)
        # Nobody writes: the question itself has the store tried again.
        deadline = time.monotonic() + 20
        while server.admin_get("/readyz")[0] != 200:
            assert time.monotonic() < deadline, "not ready again"
            time.sleep(0.1)
        assert client.events.PutEvents(three_events(protos, 2)).applied_count == 3
    finally:
        server.stop()
