"""Peers that mean no good: each loses its own connection, and nobody else notices."""

import socket
import struct
import time

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


# :method POST, :scheme http, :path /, each indexed or literal without indexing.
REQUEST = b"\x83\x86\x84\x41\x01b"


def opened(stream, flags=END_HEADERS):
    return frame(HEADERS, flags, stream, REQUEST)


FLOODS = {
    "empty data": (opened(1), frame(DATA, 0, 1)),
    "pings": (b"", frame(PING, 0, 0, bytes(8))),
    "settings": (b"", frame(SETTINGS)),
    "window updates": (opened(1), frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1))),
    "priorities": (b"", frame(PRIORITY, 0, 3, struct.pack(">IB", 0, 9))),
    "unknown frames": (b"", frame(0xEE)),
    "continuations": (opened(1, 0), frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b")),
    "rapid resets": None,
}


def connect(server):
    host, port = server.address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), timeout=5)
    peer.sendall(PREFACE + frame(SETTINGS))
    return peer


def flood(peer, chunks, seconds=8):
    """Sends until the server ends the connection; whether it did."""
    peer.settimeout(1)
    deadline = time.monotonic() + seconds
    try:
        for chunk in chunks:
            peer.sendall(chunk)
            if time.monotonic() > deadline:
                return False
        while time.monotonic() < deadline:
            if peer.recv(1 << 20) == b"":
                return True
    except (ConnectionError, socket.timeout) as ended:
        return isinstance(ended, ConnectionError)
    return False


def honest_call(server):
    stub = health_pb2_grpc.HealthStub(server.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_own_connection_only(shared_server, name):
    if name == "rapid resets":
        chunks = (
            b"".join(
                opened(stream, END_HEADERS | END_STREAM)
                + frame(RESET, 0, stream, struct.pack(">I", 8))
                for stream in range(first, first + 2_000, 2)
            )
            for first in range(1, 400_001, 2_000)
        )
    else:
        first, one = FLOODS[name]
        chunks = [first] + [one * 1_000] * 400
    with connect(shared_server) as peer:
        assert flood(peer, chunks), "the server took the flood to its end"
    assert honest_call(shared_server)


def test_a_thousand_silent_connections_disturb_nobody(shared_server):
    peers = [connect(shared_server) for _ in range(1_000)]
    try:
        assert honest_call(shared_server)
    finally:
        for peer in peers:
            peer.close()
    assert honest_call(shared_server)


def test_requests_that_never_end_disturb_nobody(shared_server):
    with connect(shared_server) as peer:
        peer.sendall(b"".join(opened(stream) for stream in range(1, 1_601, 2)))
        assert honest_call(shared_server)


def test_headers_of_no_length_are_refused(shared_server):
    with connect(shared_server) as peer:
        # A literal field whose name and value are empty.
        peer.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, REQUEST + b"\x00\x00\x00"))
        peer.settimeout(5)
        seen = b""
        while frame(RESET, 0, 1)[3:9] not in seen and b"\x07\x00" not in seen:
            got = peer.recv(65_536)
            if not got:
                break
            seen += got
        assert seen, "the server said nothing"
    assert honest_call(shared_server)
