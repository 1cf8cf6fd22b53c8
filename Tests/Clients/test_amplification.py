"""Peers that make the server hold much for little, while an honest client goes on."""

import contextlib
import gzip
import struct
import threading
import time

import pytest
from conftest import Client, Server
from http2.peer import (
    DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, LONG, Peer, block, fields, frame, long_body,
)
from test_attacks import Counted, Honest, ended

NO_WINDOW = (INITIAL_WINDOW_SIZE, 0)
RECOMMEND = "bowerbird.v1.RecommendationsService/GetRecommendations"
ITEMS = 500


def started(protos, stalled_write_timeout_ms):
    """A server whose answers to a small question are large: a megabyte and more.

    Nothing is refused because calls wait: that is another bound.
    """
    server = Server(
        None, "--handshake-timeout-ms", "1000", "--overload-delay-ms", "0",
        "--stalled-write-timeout-ms", str(stalled_write_timeout_ms),
    ).start()
    client = Client(protos, server.channel)
    made = client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="shop", starter=True)
    )
    items = [protos.events.Item(item_id=f"{index:0250}") for index in range(ITEMS)]
    client.events.PutItems(
        protos.events.PutItemsRequest(dataset_group=made.dataset_group.resource_name, items=items), timeout=20
    )
    server.campaign = made.campaign
    return server


@pytest.fixture(scope="module")
def server(protos):
    server = started(protos, stalled_write_timeout_ms=2_000)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def patient(protos):
    """Gives nobody up for being slow, so that what it holds is bounded by what it refuses alone."""
    server = started(protos, stalled_write_timeout_ms=120_000)
    yield server
    server.stop()


@contextlib.contextmanager
def connect(server, *pairs):
    """A socket whose HTTP/2 handshake is done, with the client's settings."""
    peer = Peer(server.address, pairs=pairs)
    try:
        yield peer.socket
    finally:
        peer.close()


def calls(path, message, streams):
    """Whole calls: all the headers first, so that no stream is refused for what the others leave."""
    heads = b"".join(frame(HEADERS, END_HEADERS, stream, block(fields(path=path))) for stream in streams)
    framed = struct.pack(">BI", 0, len(message)) + message
    return heads + b"".join(frame(DATA, END_STREAM, stream, framed) for stream in streams)


def push(peer, octets, seconds=2):
    """Sends as much as the server takes in that time."""
    peer.settimeout(seconds)
    try:
        peer.sendall(octets)
    except OSError:
        return False
    return True


def finished(server, method):
    """How many calls have ended, by status."""
    _, text = server.admin_get("/metrics")
    start = f'grpc_server_call_duration_seconds_count{{grpc_method="{method}",grpc_status="'
    found = {}
    for line in text.splitlines():
        if line.startswith(start):
            status, _, count = line.removeprefix(start).partition('"} ')
            found[status] = float(count)
    return found


def test_answers_that_nobody_takes_are_bounded_for_a_connection(protos, patient):
    # 900 answers of 130 kB, all asked for at once.
    question = protos.recommendations.GetRecommendationsRequest(
        campaign=patient.campaign, user_id="u", num_results=ITEMS
    ).SerializeToString()
    with Honest(patient, mebibytes=144), connect(patient, NO_WINDOW) as peer:
        push(peer, calls(f"/{RECOMMEND}", question, range(1, 1_801, 2)), seconds=60)
        deadline = time.monotonic() + 60
        while sum(finished(patient, RECOMMEND).values()) < 900:
            assert time.monotonic() < deadline, finished(patient, RECOMMEND)
            time.sleep(0.1)
        statuses = finished(patient, RECOMMEND)
    assert statuses["OK"] > 400, statuses
    assert statuses["RESOURCE_EXHAUSTED"] > 10, statuses


def test_answers_that_nobody_takes_are_bounded_for_all_connections(patient):
    # 40 connections that each leave 600 answers of 14 kB: 350 MB, and all may leave 256 MiB.
    name = b"bowerbird.v1.DatasetsService"
    octets = calls(LONG, bytes([4 << 3 | 2, len(name)]) + name, range(1, 1_201, 2))
    with Honest(patient, mebibytes=480), contextlib.ExitStack() as stack:
        peers = [stack.enter_context(connect(patient, NO_WINDOW)) for _ in range(40)]
        threads = [threading.Thread(target=push, args=(peer, octets, 60)) for peer in peers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deadline = time.monotonic() + 60
        while finished(patient, LONG[1:]).get("RESOURCE_EXHAUSTED", 0) < 1_000:
            assert time.monotonic() < deadline, finished(patient, LONG[1:])
            time.sleep(0.1)


def test_a_stream_of_small_questions_waits_for_its_answers_to_be_taken(server):
    # Questions of 42 octets, answers of 6,600: 160 MB and more for what is sent here.
    body = (long_body() * 10_000)[: 8 << 20]
    counted = Counted(server, ended("stalled_reader"))
    with Honest(server, mebibytes=96), connect(server, NO_WINDOW) as peer:
        octets = frame(HEADERS, END_HEADERS, 1, block(fields(path=LONG)))
        octets += b"".join(frame(DATA, 0, 1, body[at : at + 16_384]) for at in range(0, 1 << 20, 16_384))
        push(peer, octets)
        counted.wait(1)


def test_a_reader_of_a_stream_gets_every_answer_at_its_own_pace(server):
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    ask = reflection_pb2.ServerReflectionRequest(file_containing_symbol="bowerbird.v1.SolutionsService")
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    seen = 0
    for answer in stub.ServerReflectionInfo(iter([ask] * 400), timeout=30):
        assert len(answer.file_descriptor_response.file_descriptor_proto) > 1
        seen += 1
        if seen % 100 == 0:
            time.sleep(0.05)
    assert seen == 400


def test_bombs_in_many_streams_are_stopped_at_the_limit(server):
    bomb = gzip.compress(bytes(1 << 28), 9)
    framed = struct.pack(">BI", 1, len(bomb)) + bomb
    path = "/bowerbird.v1.EventsService/PutRecords"
    head = block(fields(("grpc-encoding", "gzip"), path=path))
    octets = b"".join(frame(HEADERS, END_HEADERS, stream, head) for stream in range(1, 13, 2))
    for at in range(0, len(framed), 16_384):
        flag = END_STREAM if at + 16_384 >= len(framed) else 0
        for stream in range(1, 13, 2):
            octets += frame(DATA, flag, stream, framed[at : at + 16_384])
    series = (
        'grpc_server_call_duration_seconds_count{grpc_method="bowerbird.v1.EventsService/PutRecords",'
        'grpc_status="RESOURCE_EXHAUSTED"}'
    )
    counted = Counted(server, series)
    with Honest(server, mebibytes=96), connect(server) as peer:
        push(peer, octets)
        counted.wait(6)
