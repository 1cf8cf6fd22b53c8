"""What one caller, one address or everybody together may use, and what is refused early."""

import pathlib
import socket
import struct
import threading
import time

import grpc
import pytest
from conftest import Client, Server
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from http2.peer import CANCEL, PING, RST_STREAM, Peer, fields
from test_access import WithToken, create
from test_hostile import DATA, END_HEADERS, HEADERS, PREFACE, SETTINGS, frame, honest_call

WATCH = "/grpc.health.v1.Health/Watch"
CHECK = "/grpc.health.v1.Health/Check"
LIST = "/bowerbird.v1.DatasetsService/ListDatasetGroups"
STREAM = "/bowerbird.v1.EventsService/StreamRecords"


def own_channel(server):
    return grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])


def is_closed(peer, seconds=5):
    peer.settimeout(seconds)
    try:
        while peer.recv(65_536):
            pass
        return True
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def connect(server):
    host, port = server.address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), timeout=5)
    peer.sendall(PREFACE + frame(SETTINGS))
    return peer


@pytest.mark.parametrize(
    ("flag", "reason"),
    [("--connections-max", "limit"), ("--connections-per-address-max", "address")],
)
def test_connections_above_the_bound_are_closed_at_once(flag, reason):
    server = Server(None, flag, "5").start()
    try:
        assert honest_call(server)
        peers = [connect(server) for _ in range(4)]
        refused = [connect(server) for _ in range(3)]
        assert all(is_closed(peer) for peer in refused)
        assert honest_call(server)
        assert server.metric(f'bowerbird_connections_refused_total{{reason="{reason}"}}') == 3
        peers.pop().close()
        deadline = time.monotonic() + 5
        while server.metric("bowerbird_connections") > 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with own_channel(server) as channel:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        for peer in peers:
            peer.close()
    finally:
        server.stop()


def test_an_old_connection_is_asked_to_go_and_no_call_is_lost():
    server = Server(None, "--connection-age-max-ms", "400").start()
    try:
        stub = health_pb2_grpc.HealthStub(server.channel)
        ended = 'bowerbird_connections_ended_total{reason="age"}'
        deadline = time.monotonic() + 20
        while server.metric(ended) < 3:
            assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
            assert time.monotonic() < deadline
    finally:
        server.stop()


def test_a_client_that_hangs_in_a_call_is_asked_and_ended():
    server = Server(None, "--keepalive-interval-ms", "300", "--keepalive-timeout-ms", "700").start()
    series = 'bowerbird_connections_ended_total{reason="keepalive"}'
    try:
        # grpcio answers for itself while its application waits.
        watch = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
        next(watch)
        # Without a call there is nothing to ask for.
        idle = Peer(server.address)
        silent = Peer(server.address)
        silent.head(1, fields(path=WATCH))
        silent.body(1, bytes(5))
        silent.until(lambda: silent.is_ended, "end of a connection that gives no sign")
        asked = [flags for kind, flags, stream, _ in silent.frames if (kind, stream) == (PING, 0)]
        assert asked == [0]
        assert server.metric(series) == 1
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            idle.listen(0.1)
            assert not idle.is_ended
        assert not any(kind == PING for kind, *_ in idle.frames)
        assert server.metric(series) == 1 and watch.is_active()
        watch.cancel()
    finally:
        server.stop()


def ask(peer, stream, path=LIST):
    """Sends a whole call; its status."""
    peer.head(stream, fields(path=path))
    peer.body(stream, bytes(5))
    answer = peer.answer(stream)
    peer.until(lambda: answer.is_ended, f"answer on {stream}")
    return dict(answer.blocks[-1])["grpc-status"]


def test_who_watches_health_without_end_takes_no_place_from_calls():
    server = Server(None, "--calls-in-flight-max", "50").start()
    try:
        before = server.metric("process_resident_memory_bytes")
        peers = [Peer(server.address) for _ in range(20)]
        for peer in peers:
            for stream in range(1, 201, 2):
                peer.head(stream, fields(path=WATCH))
                peer.body(stream, bytes(5))
        for peer in peers:
            peer.alive()
        assert server.metric("bowerbird_calls_in_flight") == 20 * 32
        assert server.metric("bowerbird_calls_shed_total") == 20 * (100 - 32)
        assert server.metric("process_resident_memory_bytes") - before < 32 << 20
        # Calls are served, and whoever asks for health from elsewhere.
        stub = server.channel.unary_unary(LIST)
        for _ in range(10):
            stub(b"", timeout=5)
        assert honest_call(server)
        # A place is free again when its watch has ended.
        assert ask(peers[0], 201, CHECK) == "8"
        peers[0].frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
        assert ask(peers[0], 203, CHECK) == "0"
        for peer in peers:
            peer.close()
    finally:
        server.stop()


def test_one_address_can_not_take_every_call():
    server = Server(None, "--calls-in-flight-max", "40", "--calls-per-address-max", "20").start()
    try:
        peers = [Peer(server.address, source="127.0.0.2") for _ in range(5)]
        for peer in peers:
            for stream in range(1, 41, 2):
                peer.head(stream, fields(path=STREAM))
            peer.alive()
        assert server.metric("bowerbird_calls_in_flight") == 20
        assert server.metric("bowerbird_calls_shed_total") == 80
        server.channel.unary_unary(LIST)(b"", timeout=5)
        assert ask(peers[1], 41) == "8"
        peers[0].close()
        deadline = time.monotonic() + 5
        while server.metric("bowerbird_calls_in_flight") > 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert ask(peers[1], 43) == "0"
        for peer in peers:
            peer.close()
    finally:
        server.stop()


def test_ipv4_peers_of_a_socket_that_listens_on_both_are_told_apart(tmp_path):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    create(tmp_path / "tokens", "a", "read")
    server = Server(
        None, "--listen", "[::]:0", "--connections-per-address-max", "3", "--allow-plaintext",
        "--token-file", str(tmp_path / "tokens"),
    )
    server.log = str(tmp_path / "log")
    server.start()
    try:
        address = "127.0.0.1:" + server.ready_line.split("[")[1].split("]:")[1].split()[0]
        peers = [Peer(address, source=f"127.0.0.{host}") for host in (2, 3, 4, 5) for _ in range(3)]
        assert ask(peers[0], 1) == "16"
        assert all(not peer.is_ended for peer in peers)
        refused = 'bowerbird_connections_refused_total{reason="address"}'
        assert server.metric(refused) == 0
        with socket.create_connection(address.split(":"), timeout=5, source_address=("127.0.0.2", 0)) as one:
            assert is_closed(one)
        assert server.metric(refused) == 1
        assert "peer=127.0.0.2:" in pathlib.Path(server.log).read_text()
        for peer in peers:
            peer.close()
    finally:
        server.stop()


def test_a_call_that_outlives_its_connection_is_ended_after_the_grace():
    server = Server(
        None, "--connection-age-max-ms", "300", "--connection-age-grace-ms", "300",
        "--handshake-timeout-ms", "200",
    ).start()
    try:
        watch = health_pb2_grpc.HealthStub(server.channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=20
        )
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)
        assert caught.value.code() != grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 10
    finally:
        server.stop()


def retry(error):
    """What a refusal says of when to try again: by trailer and by RetryInfo, in ms."""
    trailers = dict(error.trailing_metadata())
    info = error_details_pb2.RetryInfo()
    for detail in rpc_status.from_call(error).details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return int(trailers["grpc-retry-pushback-ms"]), info.retry_delay.ToMilliseconds()


def test_a_token_has_a_rate_and_others_do_not_feel_it(protos, tmp_path):
    file = tmp_path / "tokens"
    busy, calm = create(file, "busy", "read"), create(file, "calm", "read")
    server = Server(None, "--token-file", str(file), "--token-rate-max", "20").start()
    try:
        clients = [
            Client(protos, grpc.intercept_channel(server.channel, WithToken(token)))
            for token in (busy, calm)
        ]

        def ask(client):
            client.datasets.ListDatasetGroups(protos.datasets.ListDatasetGroupsRequest(), timeout=5)

        with pytest.raises(grpc.RpcError) as caught:
            for _ in range(500):
                ask(clients[0])
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "token 'busy'" in caught.value.details()
        pushback, delay = retry(caught.value)
        assert 1 <= pushback == delay <= 50
        for _ in range(5):
            ask(clients[1])
        deadline = time.monotonic() + 5
        while True:
            try:
                ask(clients[0])
                break
            except grpc.RpcError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        server.stop()


def test_a_dataset_group_has_a_rate_of_its_own(protos):
    server = Server(None, "--group-rate-max", "20").start()
    try:
        client = Client(protos, server.channel)

        def describe(group):
            request = protos.datasets.DescribeDatasetGroupRequest(dataset_group=f"datasetGroups/{group}")
            try:
                client.datasets.DescribeDatasetGroup(request, timeout=5)
            except grpc.RpcError as error:
                return error
            return None

        refused = None
        for _ in range(500):
            error = describe("busy")
            if error and error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                refused = error
                break
        assert refused is not None and "'busy'" in refused.details()
        assert retry(refused)[0] <= 50
        assert describe("calm").code() == grpc.StatusCode.NOT_FOUND
    finally:
        server.stop()


REQUEST = (
    b"\x83\x86\x44" + bytes([len("/bowerbird.v1.EventsService/PutRecords")])
    + b"/bowerbird.v1.EventsService/PutRecords\x41\x01b\x5f\x10application/grpc"
)


def test_messages_that_never_end_hold_a_bounded_memory():
    server = Server(
        None, "--receive-bytes-max", str(24 << 20), "--request-timeout-ms", "2000"
    ).start()
    resident = "process_resident_memory_bytes"
    try:
        before = server.metric(resident)
        peers = []
        stop = threading.Event()

        def fill(peer):
            # 4 MiB less one byte of each of 60 messages, as the windows allow.
            peer.settimeout(0.5)
            part = frame(DATA, 0, 0, bytes(16_000))
            try:
                for stream in range(1, 121, 2):
                    peer.sendall(frame(HEADERS, END_HEADERS, stream, REQUEST))
                    peer.sendall(frame(DATA, 0, stream, struct.pack(">BI", 0, 4 << 20)))
                for _ in range(260):
                    for stream in range(1, 121, 2):
                        peer.sendall(part[:5] + struct.pack(">I", stream) + part[9:])
                        if stop.is_set():
                            return
            except (OSError, socket.timeout):
                pass

        threads = []
        for _ in range(3):
            peer = connect(server)
            # Windows as wide as may be are the server's to give: read what it says.
            peers.append(peer)
            threads.append(threading.Thread(target=fill, args=(peer,)))
            threads[-1].start()
        deadline = time.monotonic() + 6
        most = 0
        while time.monotonic() < deadline and any(thread.is_alive() for thread in threads):
            assert honest_call(server)
            most = max(most, server.metric("bowerbird_unfinished_message_bytes"))
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
        assert 0 < most <= 24 << 20
        assert server.metric(resident) - before < 160 << 20
        deadline = time.monotonic() + 10
        while server.metric("bowerbird_unfinished_message_bytes") > 0:
            assert honest_call(server)
            assert time.monotonic() < deadline, "the messages are still held"
            time.sleep(0.1)
        for peer in peers:
            peer.close()
    finally:
        server.stop()


def test_calls_above_the_bound_are_refused_with_a_pause(protos):
    server = Server(None, "--calls-in-flight-max", "3").start()
    try:
        peer = Peer(server.address)
        for stream in (1, 3, 5):
            peer.head(stream, fields(path=STREAM))
        peer.alive()
        client = Client(protos, server.channel)
        with pytest.raises(grpc.RpcError) as caught:
            client.datasets.ListDatasetGroups(protos.datasets.ListDatasetGroupsRequest(), timeout=5)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert retry(caught.value) == (250, 250)
        assert server.metric("bowerbird_calls_shed_total") == 1
        assert honest_call(server)
        peer.close()
    finally:
        server.stop()
