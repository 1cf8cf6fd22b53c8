"""The port for operators, as Kubernetes, Prometheus and a person with curl see it."""

import json
import re
import signal
import socket
import subprocess
import time

import grpc
import pytest
from conftest import Client, Server, server_binary
from grpc_health.v1 import health_pb2, health_pb2_grpc


@pytest.fixture(scope="module")
def server():
    server = Server(None).start()
    yield server
    server.stop()


@pytest.fixture
def own_client(protos, server):
    return Client(protos, server.channel)


def test_the_ready_line_names_both_ports(server):
    assert re.fullmatch(r"ready grpc=127\.0\.0\.1:\d+ admin=127\.0\.0\.1:\d+", server.ready_line)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [("/livez", 200, "alive\n"), ("/readyz", 200, "ready\n"), ("/nothing", 404, None)],
)
def test_probes_are_answered(server, path, status, text):
    found, body = server.admin_get(path)
    assert found == status
    assert text is None or body == text


def test_the_version_is_json(server):
    status, body = server.admin_get("/version")
    assert status == 200
    assert json.loads(body)["name"] == "bowerbird-server"


def test_curl_keeps_a_connection_and_is_refused_a_post(server):
    url = f"http://{server.admin}"
    command = ["curl", "-sS", "-v", "--max-time", "5", f"{url}/livez", f"{url}/readyz"]
    output = subprocess.run(command, capture_output=True, check=True, text=True)
    assert output.stdout == "alive\nready\n"
    assert "Re-using existing connection" in output.stderr
    posted = subprocess.run(
        ["curl", "-sS", "-i", "--max-time", "5", "-d", "x", f"{url}/livez"],
        capture_output=True, check=True, text=True,
    ).stdout
    assert posted.startswith("HTTP/1.1 413 ")


SAMPLE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_]\w*="(\\.|[^"\\])*"(,[a-zA-Z_]\w*="(\\.|[^"\\])*")*\})?'
    r" -?(\d+(\.\d+)?(e[+-]?\d+)?|\+Inf|NaN)"
)


def test_every_line_of_the_metrics_is_prometheus_text(server, own_client):
    own_client.datasets.ListDatasetGroups(own_client.p.datasets.ListDatasetGroupsRequest())
    status, text = server.admin_get("/metrics")
    assert status == 200
    named = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            named.add(line.split()[2])
        elif not line.startswith("# TYPE "):
            assert SAMPLE.fullmatch(line), line
            family = re.sub(r"_(bucket|sum|count)$", "", line.split("{")[0].split()[0])
            assert family in named or line.split("{")[0].split()[0] in named, line


def test_calls_are_counted_by_method_and_status(server, own_client):
    method = "bowerbird.v1.CampaignsService/DescribeCampaign"
    started = f'grpc_server_call_started_total{{grpc_method="{method}"}}'
    ended = f'grpc_server_call_duration_seconds_count{{grpc_method="{method}",grpc_status="NOT_FOUND"}}'
    sizes = (
        "grpc_server_call_rcvd_total_compressed_message_size_bytes_sum"
        f'{{grpc_method="{method}",grpc_status="NOT_FOUND"}}'
    )
    before = server.metric(started), server.metric(ended), server.metric(sizes)
    request = own_client.p.campaigns.DescribeCampaignRequest(
        campaign="datasetGroups/none/campaigns/none"
    )
    for _ in range(3):
        with pytest.raises(grpc.RpcError):
            own_client.campaigns.DescribeCampaign(request, timeout=5)
    assert server.metric(started) == before[0] + 3
    assert server.metric(ended) == before[1] + 3
    assert server.metric(sizes) == before[2] + 3 * request.ByteSize()


def test_a_method_that_nobody_serves_makes_no_series(server):
    for name in ("A", "B"):
        with pytest.raises(grpc.RpcError):
            server.channel.unary_unary(f"/evil.{name}/X")(b"", timeout=5)
    _, text = server.admin_get("/metrics")
    assert "evil" not in text
    series = 'grpc_server_call_duration_seconds_count{grpc_method="other",grpc_status="UNIMPLEMENTED"}'
    assert server.metric(series) >= 2


def test_writes_show_in_freshness_and_batches(server, own_client):
    made = own_client.datasets.CreateDatasetGroup(
        own_client.p.datasets.CreateDatasetGroupRequest(name="fresh", starter=True)
    )
    before = server.metric("bowerbird_freshness_seconds_count")
    for index in range(5):
        own_client.put_event(made.dataset_group.resource_name, f"u{index}", "i", 1_700_000_000)
    assert server.metric("bowerbird_freshness_seconds_count") >= before + 5
    assert server.metric("bowerbird_write_batch_mutations_count") > 0
    assert server.metric("bowerbird_commit_duration_seconds_sum") > 0
    assert server.metric("bowerbird_write_queue_depth") == 0
    assert server.metric("bowerbird_log_position") > 0


def test_connections_bytes_and_the_process_are_shown(server):
    before = server.metric("bowerbird_connections_accepted_total")
    with grpc.insecure_channel(
        server.address, options=[("grpc.use_local_subchannel_pool", 1)]
    ) as channel:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert server.metric("bowerbird_connections_accepted_total") == before + 1
        assert server.metric("bowerbird_connections") >= 1
    assert server.metric("bowerbird_received_bytes_total") > 0
    assert server.metric("bowerbird_sent_bytes_total") > 0
    assert server.metric("bowerbird_streams_total") > 0
    assert server.metric("process_resident_memory_bytes") > 1 << 20
    assert server.metric("process_open_fds") > 3
    assert server.metric("process_start_time_seconds") == pytest.approx(time.time(), abs=600)


def test_a_draining_server_says_that_it_is_not_ready(protos):
    server = Server(None).start()
    watch = health_pb2_grpc.HealthStub(server.channel).Watch(
        health_pb2.HealthCheckRequest(), timeout=20
    )
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    server.process.send_signal(signal.SIGTERM)
    assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert server.admin_get("/readyz") == (503, "not ready: draining\n")
    assert server.admin_get("/livez")[0] == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=5) == -signal.SIGTERM
    server.channel.close()


def test_a_peer_that_asks_slowly_or_never_ends_disturbs_nobody(server):
    host, port = server.admin.rsplit(":", 1)
    peers = [socket.create_connection((host, int(port)), timeout=5) for _ in range(20)]
    for peer in peers:
        peer.sendall(b"GET /metrics HTTP/1.1\r\nx: ")
    endless = socket.create_connection((host, int(port)), timeout=5)
    try:
        endless.sendall(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 2_000)
        answer = b""
        while chunk := endless.recv(4_096):
            answer += chunk
        assert answer.startswith(b"HTTP/1.1 431 ")
    except ConnectionError:
        pass
    assert server.admin_get("/livez")[0] == 200
    for peer in [*peers, endless]:
        peer.close()


def test_an_admin_address_that_is_taken_is_an_error_and_a_dash_means_none(server, tmp_path):
    command = [server_binary(), "--ephemeral", "--listen", "127.0.0.1:0", "--admin-listen"]
    taken = subprocess.run(
        [*command, server.admin], capture_output=True, text=True, timeout=20, check=False
    )
    assert taken.returncode != 0
    assert "--admin-listen" in taken.stderr and taken.stdout == ""
    with subprocess.Popen(
        [*command, "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout.readline().endswith(" admin=-\n")
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_a_signal_right_after_the_ready_line_ends_the_server_in_order_every_time():
    # Whichever thread the kernel gives the signal to, one that a library started among them.
    for _ in range(10):
        with subprocess.Popen(
            [server_binary(), "--ephemeral", "--listen", "127.0.0.1:0", "--admin-listen", "-"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:
            assert process.stdout.readline().startswith("ready ")
            process.terminate()
            assert process.wait(timeout=20) == 0
