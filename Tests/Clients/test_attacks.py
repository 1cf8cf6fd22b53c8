"""Attacks while an honest client goes on: its calls succeed, memory keeps to a bound, a counter tells.

Deadlines are set to a second, so that each attack shows its end within a few.
"""

import os
import pathlib
import random
import resource
import socket
import struct
import threading
import time

import grpc
import pytest
from conftest import Client, Server
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from test_hostile import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOODS, HEADERS, PREFACE, RESET, SETTINGS, frame, opened,
)

GOAWAY = 7
ENHANCE_YOUR_CALM = 11


@pytest.fixture(scope="module")
def server(protos):
    server = Server(
        None, "--handshake-timeout-ms", "1000", "--request-timeout-ms", "1000",
        "--stalled-write-timeout-ms", "1000",
        # What is refused for the load is not stopped by the bound that is attacked.
        "--overload-delay-ms", "0",
    ).start()
    client = Client(protos, server.channel)
    client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="shop", starter=True)
    )
    yield server
    server.stop()


def resident(server):
    """Bytes of memory that the server has now."""
    pages = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


class Honest:
    """A client that goes on while the block runs; memory may grow by so many MiB at any moment."""

    def __init__(self, server, mebibytes=64):
        self.server = server
        self.bound = mebibytes << 20
        self.errors = []
        self.calls = 0
        self.slowest = 0.0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.server.address, options=options) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while not self.done.is_set():
                began = time.monotonic()
                try:
                    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
                except (grpc.RpcError, AssertionError) as error:
                    self.errors.append(error)
                self.peak = max(self.peak, resident(self.server))
                self.calls += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                time.sleep(0.005)

    def __enter__(self):
        self.before = self.peak = resident(self.server)
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        # An attack may be over before its first call.
        deadline = time.monotonic() + 5
        while self.calls <= 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.done.set()
        self.thread.join()
        grown = self.peak - self.before
        if kind is None:
            assert not self.errors
            assert self.calls > 3
            assert self.slowest < 3
            assert grown < self.bound, f"{grown / (1 << 20):.0f} MiB more"


class Counted:
    """The counters of what the server ended, before and after."""

    def __init__(self, server, *series):
        self.server = server
        self.series = series
        self.before = self.now()

    def now(self):
        return sum(self.server.metric(series) for series in self.series)

    def wait(self, count, seconds=10):
        deadline = time.monotonic() + seconds
        while self.now() < self.before + count:
            assert time.monotonic() < deadline, f"{self.now() - self.before} of {count} counted"
            time.sleep(0.02)


def ended(reason):
    return f'bowerbird_connections_ended_total{{reason="{reason}"}}'


def connect(server, first=PREFACE + frame(SETTINGS)):
    host, port = server.address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), timeout=5)
    peer.sendall(first)
    return peer


def read_to_the_end(peer, seconds=8):
    """All that the server still says; `None` when it does not end the connection."""
    said = b""
    peer.settimeout(seconds)
    try:
        while chunk := peer.recv(1 << 16):
            said += chunk
    except ConnectionError:
        return said
    except socket.timeout:
        return None
    return said


def frames(said):
    """Kind, stream and payload of each whole frame."""
    found = []
    while len(said) >= 9:
        length = int.from_bytes(said[:3], "big")
        stream = struct.unpack(">I", said[5:9])[0]
        found.append((said[3], stream, said[9 : 9 + length]))
        said = said[9 + length :]
    return found


def goodbye(said):
    """The error code of the last GOAWAY."""
    codes = [struct.unpack(">I", payload[4:8])[0] for kind, _, payload in frames(said) if kind == GOAWAY]
    return codes[-1] if codes else None


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_ended_and_counted(server, name):
    counted = Counted(server, ended("flood"), ended("protocol_error"))
    with Honest(server), connect(server) as peer:
        peer.setblocking(False)
        said = b""
        stream = 1
        pending = b"" if FLOODS[name] is None else FLOODS[name][0]
        deadline = time.monotonic() + 10
        is_open = True
        while is_open and time.monotonic() < deadline:
            if len(pending) < 1 << 16:
                if FLOODS[name]:
                    pending += FLOODS[name][1] * 1_000
                else:
                    for _ in range(500):
                        pending += opened(stream, END_HEADERS | END_STREAM)
                        pending += frame(RESET, 0, stream, struct.pack(">I", 8))
                        stream += 2
            try:
                pending = pending[peer.send(pending) :]
            except BlockingIOError:
                time.sleep(0.001)
            except ConnectionError:
                is_open = False
            try:
                chunk = peer.recv(1 << 16)
                said += chunk
                is_open = is_open and chunk != b""
            except BlockingIOError:
                pass
            except ConnectionError:
                is_open = False
        assert not is_open, "the flood was taken to its end"
        code = goodbye(said)
        # A reset may overtake the goodbye; what was read must not say that all is well.
        assert code != 0
        if name in ("empty data", "window updates", "priorities", "unknown frames") and code is not None:
            assert code == ENHANCE_YOUR_CALM
    counted.wait(1)


@pytest.mark.parametrize("first", [b"", b"P", PREFACE[:20], PREFACE, PREFACE + b"\x00\x00\x12\x04"])
def test_a_slow_preface_is_ended_in_time(server, first):
    counted = Counted(server, ended("handshake_timeout"))
    with Honest(server):
        peers = [connect(server, first) for _ in range(50)]
        began = time.monotonic()
        assert all(read_to_the_end(peer) is not None for peer in peers)
        assert time.monotonic() - began < 6
        counted.wait(50)
        for peer in peers:
            peer.close()


@pytest.mark.parametrize("way", ["stop", "drip"])
def test_headers_that_never_end_are_ended_in_time(server, way):
    # libnghttp2 itself ends a block of too many continuations.
    counted = Counted(server, ended("slow_headers"), ended("protocol_error"), ended("flood"))
    with Honest(server):
        peers = [connect(server) for _ in range(50)]
        for peer in peers:
            peer.sendall(opened(1, 0))
        deadline = time.monotonic() + 3
        while way == "drip" and time.monotonic() < deadline:
            for peer in peers:
                try:
                    peer.sendall(frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b"))
                except ConnectionError:
                    pass
            time.sleep(0.2)
        assert all(read_to_the_end(peer) is not None for peer in peers)
        counted.wait(50)
        for peer in peers:
            peer.close()


def request(path, *more):
    block = b"\x83\x86\x44" + bytes([len(path)]) + path.encode() + b"\x41\x01b\x5f\x10application/grpc"
    return block + b"".join(more)


PUT = "/bowerbird.v1.EventsService/PutRecords"
RECOMMEND = "/bowerbird.v1.RecommendationsService/GetRecommendations"
RECIPES = "/bowerbird.v1.SolutionsService/ListRecipes"


def test_a_slow_body_is_ended_in_time(server):
    with Honest(server):
        peers = []
        for _ in range(20):
            peer = connect(server)
            for stream in range(1, 41, 2):
                peer.sendall(frame(HEADERS, END_HEADERS, stream, request(PUT)))
                peer.sendall(frame(DATA, 0, stream, struct.pack(">BI", 0, 1_000) + b"x"))
            peers.append(peer)
        deadline = time.monotonic() + 8
        for peer in peers:
            said = b""
            peer.settimeout(8)
            while len([1 for kind, _, _ in frames(said) if kind == HEADERS]) < 20:
                assert time.monotonic() < deadline, "calls are left waiting"
                said += peer.recv(1 << 16)
            peer.close()
    series = (
        'grpc_server_call_duration_seconds_count{grpc_method="bowerbird.v1.EventsService/PutRecords",'
        'grpc_status="DEADLINE_EXCEEDED"}'
    )
    assert server.metric(series) >= 400


def test_a_reader_that_opens_no_window_is_ended_in_time(server):
    counted = Counted(server, ended("stalled_reader"))
    no_window = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
    call = frame(DATA, END_STREAM, 0, struct.pack(">BI", 0, 0))
    with Honest(server):
        peers = []
        for _ in range(10):
            peer = connect(server, no_window)
            for stream in range(1, 401, 2):
                peer.sendall(frame(HEADERS, END_HEADERS, stream, request(RECIPES)))
                peer.sendall(call[:5] + struct.pack(">I", stream) + call[9:])
            peers.append(peer)
        counted.wait(2_000)
        for peer in peers:
            peer.settimeout(2)
            said = peer.recv(1 << 20)
            resets = [payload for kind, _, payload in frames(said) if kind == RESET]
            assert resets, "no stream was reset"
            peer.close()


def test_a_reader_that_takes_nothing_from_its_socket_is_ended(server):
    # Answers to PING have no window: only the socket holds them back.
    counted = Counted(server, ended("stalled_reader"), ended("flood"), ended("protocol_error"))
    wide = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0x7FFFFFFF))
    wide += frame(8, 0, 0, struct.pack(">I", 0x7FFF0000))
    with Honest(server):
        host, port = server.address.rsplit(":", 1)
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.connect((host, int(port)))
        peer.sendall(wide)
        peer.settimeout(1)
        stream = 1
        try:
            while stream < 60_000:
                head = frame(HEADERS, END_HEADERS, stream, request(RECIPES))
                body = frame(DATA, END_STREAM, stream, struct.pack(">BI", 0, 0))
                peer.sendall(head + body)
                stream += 2
        except (OSError, socket.timeout):
            pass
        counted.wait(1)
        peer.close()


def literal(name, value):
    def text(bytes_):
        assert len(bytes_) < 127
        return bytes([len(bytes_)]) + bytes_

    return b"\x00" + text(name) + text(value)


def test_an_hpack_bomb_is_not_unpacked_without_end(server):
    counted = Counted(server, "bowerbird_headers_refused_total")
    calm = Counted(server, ended("flood"))
    # An entry of the dynamic table of 4,000 bytes, then 15,000 references of a byte each: 60 MB.
    value = b"\x7f" + b"\xa1\x1e" + b"v" * 4_000
    bomb = b"\x40\x01x" + value + b"\xbe" * 12_000
    with Honest(server), connect(server) as peer:
        stream = 1
        try:
            while stream < 2_001:
                peer.sendall(frame(HEADERS, END_HEADERS | END_STREAM, stream, request(PUT) + bomb))
                stream += 2
        except OSError:
            pass
        said = read_to_the_end(peer)
        assert said is not None, "a thousand bombs were taken"
    counted.wait(100)
    calm.wait(1)


@pytest.mark.parametrize(
    "field",
    [
        literal(b"", b"x"), literal(b"x", b"a\r\nb: c"), literal(b"x", b"a\x00b"), literal(b"X", b"a"),
        literal(b"x y", b"a"), literal(b":path", b"/other"), literal(b"connection", b"close"),
        literal(b"x", b" a "), literal(b"transfer-encoding", b"chunked"), literal(b":evil", b"x"),
    ],
)
def test_fields_that_smuggle_are_reset_or_refused(server, field):
    counted = Counted(server, "bowerbird_stream_faults_total")
    with Honest(server), connect(server) as peer:
        peer.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(PUT, field)))
        peer.settimeout(5)
        said = b""
        while not any(kind in (RESET, GOAWAY) for kind, _, _ in frames(said)):
            chunk = peer.recv(1 << 16)
            assert chunk, "the connection ended without a word"
            said += chunk
    counted.wait(1)


def methods(server):
    """Path and request type of every method, by reflection."""
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    ask = reflection_pb2.ServerReflectionRequest
    listed = list(stub.ServerReflectionInfo(iter([ask(list_services="")]), timeout=5))
    found = []
    for service in listed[0].list_services_response.service:
        if not service.name.startswith("bowerbird."):
            continue
        answer = list(
            stub.ServerReflectionInfo(iter([ask(file_containing_symbol=service.name)]), timeout=5)
        )[0]
        for raw in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            for declared in file.service:
                if f"{file.package}.{declared.name}" == service.name:
                    found += [
                        (f"/{service.name}/{method.name}", method.client_streaming)
                        for method in declared.method
                    ]
    return found


def malformed(choose):
    """Bytes that are no message, or a strange one."""
    kinds = [
        lambda: choose.randbytes(choose.randint(1, 200)),
        # Fields of every number and kind with lengths that lie.
        lambda: b"".join(
            bytes([choose.randint(1, 15) << 3 | choose.randint(0, 7), choose.randint(0, 255)])
            for _ in range(choose.randint(1, 40))
        ),
        # Texts that are no UTF-8, nested messages of nested messages.
        lambda: b"".join(bytes([n << 3 | 2, 3]) + choose.randbytes(3) for n in range(1, 16)),
        lambda: bytes([choose.randint(1, 15) << 3 | 2, 0]) * choose.randint(1, 5_000),
        lambda: b"\x0a\xff\xff\xff\xff\x0f", lambda: b"\xff" * choose.randint(1, 20),
    ]
    return choose.choice(kinds)()


def ended_with(server, status):
    """How many calls of all methods have ended with a status."""
    _, text = server.admin_get("/metrics")
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines()
        if line.startswith("grpc_server_call_duration_seconds_count{") and f'grpc_status="{status}"' in line
    )


def test_malformed_messages_of_every_method_are_refused(server):
    seed = random.randrange(1 << 32)
    choose = random.Random(seed)
    found = methods(server)
    assert len(found) > 30
    allowed = {
        grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED,
    }
    refused = 0
    before = ended_with(server, "INVALID_ARGUMENT")
    with Honest(server):
        for path, client_streams in found:
            for _ in range(15):
                message = malformed(choose)
                try:
                    if client_streams:
                        list(server.channel.stream_stream(path)(iter([message]), timeout=5))
                    else:
                        list(server.channel.unary_stream(path)(message, timeout=5))
                except grpc.RpcError as error:
                    assert error.code() in allowed, f"{path}, seed {seed}: {error}"
                    refused += error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert ended_with(server, "INVALID_ARGUMENT") - before == refused > len(found)


def test_messages_that_decode_to_much_more_are_stopped(server):
    # Two bytes each on the wire, some two hundred in memory.
    message = b"\x12\x00" * ((4 << 20) // 2 - 100)
    call = server.channel.unary_unary(PUT)
    before = ended_with(server, "RESOURCE_EXHAUSTED")
    with Honest(server, mebibytes=200):
        for _ in range(6):
            with pytest.raises(grpc.RpcError) as caught:
                call(message, timeout=10)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert ended_with(server, "RESOURCE_EXHAUSTED") - before == 6


def test_thousands_of_idle_connections_cost_little(server):
    with Honest(server, mebibytes=128):
        peers = [connect(server) for _ in range(2_000)]
        deadline = time.monotonic() + 10
        while server.metric("bowerbird_connections") < 2_000:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for peer in peers:
            peer.close()


def test_a_server_without_descriptors_serves_those_it_has(protos):
    server = Server(None).start()
    try:
        with Honest(server):
            time.sleep(0.2)
            used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
            host, port = server.address.rsplit(":", 1)
            peers = [socket.create_connection((host, int(port)), timeout=5) for _ in range(100)]
            time.sleep(0.5)
            for peer in peers:
                peer.close()
            deadline = time.monotonic() + 10
            while True:
                try:
                    with connect(server) as peer:
                        peer.settimeout(2)
                        assert peer.recv(9)
                    break
                except OSError:
                    assert time.monotonic() < deadline
    finally:
        server.stop()
