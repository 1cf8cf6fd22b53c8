"""gzip both ways, as grpcio speaks it and as nobody should."""

import gzip
import struct
import subprocess

import grpc
from conftest import Client


def test_grpcio_packs_calls_of_every_kind(protos, shared_server):
    with grpc.insecure_channel(shared_server.address, compression=grpc.Compression.Gzip) as channel:
        client = Client(protos, channel)
        made = client.datasets.CreateDatasetGroup(
            protos.datasets.CreateDatasetGroupRequest(name="packed", starter=True)
        )
        group = made.dataset_group.resource_name
        records = []
        for index in range(500):
            event = protos.events.Event(event_type="view", item_id=f"item-{index % 50}")
            event.sent_at.FromSeconds(1_700_000_000 + index)
            interaction = protos.events.Interaction(user_id=f"user-{index % 7}", event=event)
            records.append(protos.events.Record(interaction=interaction))
        answer = client.events.PutRecords(
            protos.events.PutRecordsRequest(dataset_group=group, records=records), timeout=10
        )
        assert answer.applied_count == 500
        batches = [
            protos.events.StreamRecordsRequest(dataset_group=group, records=records[start : start + 100])
            for start in range(0, 500, 100)
        ]
        answers = list(client.events.StreamRecords(iter(batches), timeout=10))
        assert [answer.duplicate_count for answer in answers] == [100] * 5
        assert len(client.list_of(made.campaign, "nobody", count=50)) == 50


def by_hand(server, tmp_path, message, *flags, path="/bowerbird.v1.EventsService/PutRecords"):
    """One call by curl: its headers and body."""
    body = tmp_path / "body"
    body.write_bytes(struct.pack(">BI", 1, len(message)) + message)
    command = [
        "curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", "-D", str(tmp_path / "headers"),
        "-o", str(tmp_path / "answer"), "-H", "content-type: application/grpc", "-H", "te: trailers",
        "-H", "grpc-encoding: gzip", *flags, "--data-binary", f"@{body}", f"http://{server.address}{path}",
    ]
    (tmp_path / "answer").unlink(missing_ok=True)
    subprocess.run(command, check=True, timeout=30)
    answer = tmp_path / "answer"
    return (tmp_path / "headers").read_text(), answer.read_bytes() if answer.exists() else b""


def test_an_answer_is_packed_for_who_packs_and_reads_gzip(protos, shared_server, tmp_path):
    request = gzip.compress(protos.solutions.ListRecipesRequest().SerializeToString())
    path = "/bowerbird.v1.SolutionsService/ListRecipes"
    headers, answer = by_hand(
        shared_server, tmp_path, request, "-H", "grpc-accept-encoding: identity,deflate,gzip", path=path
    )
    assert "grpc-status: 0" in headers
    assert "grpc-encoding: gzip" in headers and "grpc-accept-encoding: identity, gzip" in headers
    message = answer[5:]
    plain = gzip.decompress(message) if answer[0] == 1 else message
    assert protos.solutions.ListRecipesResponse.FromString(plain).recipes
    headers, answer = by_hand(shared_server, tmp_path, request, path=path)
    assert "grpc-encoding: gzip" not in headers and answer[0] == 0
    assert protos.solutions.ListRecipesResponse.FromString(answer[5:]).recipes


def test_a_bomb_is_stopped_at_the_limit(shared_server, tmp_path):
    bomb = gzip.compress(bytes(1 << 30), 9)
    assert len(bomb) < 2 << 20
    resident = "process_resident_memory_bytes"
    before = shared_server.metric(resident), shared_server.metric("process_cpu_seconds_total")
    for _ in range(5):
        headers, _ = by_hand(shared_server, tmp_path, bomb)
        assert "grpc-status: 8" in headers
        assert "4194304" in headers
    assert shared_server.metric(resident) - before[0] < 48 << 20
    # Unpacking all five would take some 10 s.
    assert shared_server.metric("process_cpu_seconds_total") - before[1] < 3


def test_what_is_no_gzip_is_refused(shared_server, tmp_path):
    for message in (b"nothing packed", gzip.compress(b"x" * 100)[:-3], b""):
        headers, _ = by_hand(shared_server, tmp_path, message)
        assert "grpc-status: 13" in headers
