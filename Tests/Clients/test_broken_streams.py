"""Peers whose streams are broken, left or half begun, in great numbers, while an honest client goes on."""

import os
import resource
import socket
import ssl
import struct
import time

import grpc
import pytest
from conftest import Server
from grpc_health.v1 import health_pb2, health_pb2_grpc
from http2 import hpack
from http2.peer import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PRIORITY, RST_STREAM, WINDOW_UPDATE, Peer, block,
    fields, frame,
)
from test_attacks import ENHANCE_YOUR_CALM, Counted, Honest, ended
from test_tls import TLSServer, make_certificates

FAST = ["--handshake-timeout-ms", "1000", "--request-timeout-ms", "1000", "--stalled-write-timeout-ms", "1000"]
PUT = "/bowerbird.v1.EventsService/PutRecords"


@pytest.fixture(scope="module")
def server():
    server = Server(None, *FAST, "--idle-timeout-ms", "2000").start()
    yield server
    server.stop()


GOOD = block(fields(path=PUT))
# Ways to have the server reset a stream that it has begun to work on (CVE-2025-8671), and to have it read
# much that is nothing.
BREAKS = {
    "increment of nothing": lambda n: frame(HEADERS, END_HEADERS, n, GOOD) + frame(WINDOW_UPDATE, 0, n, bytes(4)),
    "overflown window": lambda n: frame(HEADERS, END_HEADERS, n, GOOD)
    + 2 * frame(WINDOW_UPDATE, 0, n, b"\x7f\xff\xff\xff"),
    "short priority": lambda n: frame(HEADERS, END_HEADERS, n, GOOD) + frame(PRIORITY, 0, n, bytes(4)),
    "more than content-length": lambda n: frame(
        HEADERS, END_HEADERS, n, block(fields(("content-length", "1"), path=PUT))
    ) + frame(DATA, 0, n, bytes(5)),
    "behind the end": lambda n: frame(HEADERS, END_HEADERS | END_STREAM, n, block(fields(path="/x")))
    + frame(DATA, 0, n, b"x"),
    "second headers": lambda n: frame(HEADERS, END_HEADERS, n, GOOD) + frame(HEADERS, END_HEADERS, n, GOOD),
    "upper case": lambda n: frame(HEADERS, END_HEADERS, n, block(fields(("X", "y"), path=PUT))),
    "names of no length": lambda n: frame(HEADERS, END_HEADERS, n, GOOD + b"\x00\x00\x00" * 5_000),
    "values of no length": lambda n: frame(HEADERS, END_HEADERS, n, GOOD + b"\x00\x01x\x00" * 3_900),
}


# Those that end the connection at once, with its code.
AT_ONCE = {"increment of nothing": 1, "overflown window": 3, "short priority": 6, "behind the end": 5}


@pytest.mark.parametrize("way", BREAKS)
def test_a_peer_that_breaks_its_own_streams_is_told_to_be_calm(server, way):
    ends = Counted(server, ended("flood"), ended("protocol_error"))
    faults = Counted(server, "bowerbird_stream_faults_total", "bowerbird_headers_refused_total")
    with Honest(server):
        peer = Peer(server.address)
        sent = 0
        deadline = time.monotonic() + 15
        while not peer.is_cut and not peer.is_ended and time.monotonic() < deadline:
            for _ in range(20):
                peer.send(BREAKS[way](2 * sent + 1))
                sent += 1
            peer.listen(0.001)
        while not peer.is_ended and time.monotonic() < deadline:
            peer.listen(0.1)
        assert peer.is_ended, f"{sent} broken streams were taken"
        assert peer.goodbye in (None, AT_ONCE.get(way, ENHANCE_YOUR_CALM))
        peer.close()
    ends.wait(1)
    if way not in AT_ONCE:
        faults.wait(100)


def test_clients_that_leave_in_the_middle_leave_nothing(server):
    # Each has 50 calls of which half a message has come.
    half = struct.pack(">BI", 0, 2_000) + bytes(1_000)
    octets = b"".join(
        frame(HEADERS, END_HEADERS, stream, GOOD) + frame(DATA, 0, stream, half) for stream in range(1, 101, 2)
    )
    with Honest(server):
        for turn in range(1_000):
            peer = Peer(server.address)
            peer.send(octets)
            if turn % 2:
                # A reset instead of an end.
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        deadline = time.monotonic() + 10
        while server.metric("bowerbird_connections") > 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_streams_above_the_bound_cost_nothing(server):
    with Honest(server):
        for _ in range(20):
            peer = Peer(server.address)
            peer.send(b"".join(frame(HEADERS, END_HEADERS, stream, GOOD) for stream in range(1, 8_001, 2)))
            deadline = time.monotonic() + 5
            while not peer.is_ended and time.monotonic() < deadline:
                peer.listen(0.1)
            assert peer.is_ended
            peer.close()


def test_a_header_block_that_goes_on_and_on_is_told_to_be_calm(server):
    with Honest(server):
        peer = Peer(server.address)
        peer.send(frame(HEADERS, 0, 1, GOOD))
        for _ in range(200):
            peer.send(frame(CONTINUATION, 0, 1, hpack.plain("x", "y")))
        peer.until(lambda: peer.is_ended, "end")
        assert peer.goodbye in (None, ENHANCE_YOUR_CALM)


def test_resets_of_streams_in_work_are_told_to_be_calm(server):
    """Rapid reset with a whole call in each stream, so that its work is begun."""
    counted = Counted(server, ended("flood"), ended("protocol_error"))
    call = struct.pack(">BI", 0, 0)
    with Honest(server):
        peer = Peer(server.address)
        stream = 1
        deadline = time.monotonic() + 15
        while not peer.is_ended and time.monotonic() < deadline:
            peer.send(b"".join(
                frame(HEADERS, END_HEADERS, n, GOOD) + frame(DATA, END_STREAM, n, call)
                + frame(RST_STREAM, 0, n, struct.pack(">I", 8))
                for n in range(stream, stream + 200, 2)
            ))
            stream += 200
            peer.listen(0.001)
        assert peer.is_ended, f"{stream // 2} resets were taken"
        peer.close()
    counted.wait(1)


def test_connections_without_a_call_are_ended_when_idle(server):
    counted = Counted(server, ended("idle"))
    with Honest(server):
        peers = [Peer(server.address) for _ in range(200)]
        for peer in peers:
            peer.until(lambda peer=peer: peer.is_ended, "end of an idle connection", seconds=10)
            assert peer.goodbye in (None, 0)
            peer.close()
    counted.wait(200)


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    server = TLSServer(make_certificates(tmp_path_factory.mktemp("certs")), *FAST).start()
    yield server
    server.stop()


def test_handshakes_that_stop_half_way_are_ended_in_time(tls_server):
    hello = ssl.MemoryBIO()
    engine = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    first = hello.read()
    counted = Counted(tls_server, ended("handshake_timeout"))
    stub = health_pb2_grpc.HealthStub(tls_server.channel)
    before = tls_server.metric("process_resident_memory_bytes")
    peers = []
    for index in range(500):
        peer = socket.create_connection(("127.0.0.1", tls_server.port), timeout=5)
        peer.sendall(first[: 1 + index % len(first)])
        peers.append(peer)
        if index % 50 == 0:
            assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
    with tls_server.channel_of(tls_server.certificates / "ca.pem") as fresh:
        answer = health_pb2_grpc.HealthStub(fresh).Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert answer.status == 1
    assert tls_server.metric("process_resident_memory_bytes") - before < 64 << 20
    counted.wait(500)
    for peer in peers:
        peer.settimeout(5)
        try:
            while peer.recv(1 << 16):
                pass
        except ConnectionError:
            pass
        peer.close()


def test_octets_that_are_no_tls_are_ended_and_counted(tls_server):
    counted = Counted(tls_server, 'bowerbird_tls_handshakes_total{result="failed"}')
    for index in range(100):
        with socket.create_connection(("127.0.0.1", tls_server.port), timeout=5) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n" if index % 2 else os.urandom(200))
            try:
                while peer.recv(1 << 16):
                    pass
            except ConnectionError:
                pass
    counted.wait(90)
    stub = health_pb2_grpc.HealthStub(tls_server.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1


def test_a_want_of_descriptors_is_counted():
    server = Server(None).start()
    try:
        stub = health_pb2_grpc.HealthStub(server.channel)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
        host, port = server.address.rsplit(":", 1)
        used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 10, limits[1]))
        peers = [socket.create_connection((host, int(port)), timeout=5) for _ in range(40)]
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            fresh = health_pb2_grpc.HealthStub(channel)
            assert fresh.Check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True).status == 1
        assert server.metric("bowerbird_accept_failures_total") > 0
        for peer in peers:
            peer.close()
    finally:
        server.stop()
