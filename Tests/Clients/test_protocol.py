"""What a polyglot gRPC client expects of any good server."""

import base64
import os
import socket
import subprocess

import grpc
import pytest
from conftest import Client, Server
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

SERVICES = [
    "EventsService", "RecommendationsService", "DatasetsService", "SolutionsService",
    "CampaignsService",
]


def call(channel, path, body=b"", metadata=None, timeout=5):
    method = channel.unary_unary(path)
    return method(body, metadata=metadata, timeout=timeout)


@pytest.mark.parametrize("service", ["", *[f"bowerbird.v1.{name}" for name in SERVICES]])
def test_health_says_serving(shared_server, service):
    stub = health_pb2_grpc.HealthStub(shared_server.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_health_does_not_know_a_stranger(shared_server):
    stub = health_pb2_grpc.HealthStub(shared_server.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="no.Such"), timeout=5)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="no.Such"), timeout=5)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_reflection_lists_and_describes_every_service(shared_server):
    stub = reflection_pb2_grpc.ServerReflectionStub(shared_server.channel)
    request = reflection_pb2.ServerReflectionRequest
    answers = list(
        stub.ServerReflectionInfo(
            iter(
                [
                    request(list_services=""),
                    request(file_containing_symbol="bowerbird.v1.EventsService.PutEvents"),
                    request(file_by_filename="bowerbird/v1/events.proto"),
                    request(file_containing_symbol="no.Such"),
                ]
            ),
            timeout=5,
        )
    )
    names = {service.name for service in answers[0].list_services_response.service}
    assert {f"bowerbird.v1.{name}" for name in SERVICES} <= names
    assert "grpc.health.v1.Health" in names
    for answer in answers[1:3]:
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(raw)
            for raw in answer.file_descriptor_response.file_descriptor_proto
        ]
        assert files[0].name == "bowerbird/v1/events.proto"
        event = next(m for m in files[0].message_type if m.name == "Event")
        item = next(f for f in event.field if f.name == "item_id")
        assert item.type == descriptor_pb2.FieldDescriptorProto.TYPE_STRING
    assert answers[3].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize(
    "path", ["/bowerbird.v1.EventsService/NoSuch", "/no.Such/Method", "/bowerbird.v1.EventsService/"]
)
def test_an_unknown_method_is_unimplemented(shared_server, path):
    with pytest.raises(grpc.RpcError) as caught:
        call(shared_server.channel, path)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert path.strip("/").split("/")[-1] in caught.value.details()


def test_a_message_that_is_no_message_is_refused(shared_server):
    with pytest.raises(grpc.RpcError) as caught:
        call(shared_server.channel, "/bowerbird.v1.EventsService/PutEvents", b"\xff\xff\xff")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_message_over_the_limit_is_refused(shared_server):
    with pytest.raises(grpc.RpcError) as caught:
        call(shared_server.channel, "/bowerbird.v1.EventsService/PutEvents", bytes(5 << 20))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "4194304" in caught.value.details()


def test_a_message_packed_by_deflate_is_unimplemented(shared_server):
    method = shared_server.channel.unary_unary("/bowerbird.v1.EventsService/PutEvents")
    with pytest.raises(grpc.RpcError) as caught:
        method(bytes(1000), timeout=5, compression=grpc.Compression.Deflate)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "supported: identity, gzip" in caught.value.details()


def test_a_wait_for_a_position_ends_at_the_deadline(client, group):
    request = client.p.recommendations.GetRecommendationsRequest(
        campaign="datasetGroups/none/campaigns/none", user_id="u", min_position=2**63
    )
    with pytest.raises(grpc.RpcError) as caught:
        client.recommendations.GetRecommendations(request, timeout=0.3)
    assert caught.value.code() in (
        grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED
    )


def curl(shared_server, *flags, path="/bowerbird.v1.EventsService/PutEvents"):
    url = f"http://{shared_server.address}{path}"
    command = ["curl", "-sS", "-i", "--http2-prior-knowledge", "--max-time", "5", *flags, url]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode("latin-1")


def test_curl_is_told_when_it_does_not_speak_grpc(shared_server):
    assert "HTTP/2 415" in curl(shared_server, "-H", "content-type: text/plain", "-d", "x")
    assert "HTTP/2 405" in curl(shared_server, "-H", "content-type: application/grpc")


def test_curl_speaks_grpc_by_hand(shared_server):
    body = shared_server.directory or "/tmp"
    answer = curl(
        shared_server, "-H", "content-type: application/grpc", "-H", "te: trailers",
        "--data-binary", "", path="/grpc.health.v1.Health/Check",
    )
    assert "HTTP/2 200" in answer and "grpc-status: " in answer, body


def test_h2load_gets_an_answer_to_every_request(shared_server, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(bytes(5))
    command = [
        "h2load", "-n", "2000", "-c", "4", "-m", "10", "-d", str(body),
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        f"http://{shared_server.address}/grpc.health.v1.Health/Check",
    ]
    output = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in output


def test_garbage_on_the_port_ends_only_its_own_connection(shared_server):
    host, port = shared_server.address.rsplit(":", 1)
    for garbage in (os.urandom(4096), b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(garbage)
            connection.settimeout(5)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    stub = health_pb2_grpc.HealthStub(shared_server.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1


def test_a_terminated_server_ends_in_order(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    client = Client(protos, server.channel)
    client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="kept", starter=True)
    )
    assert server.terminate() == 0
    server.start()
    client = Client(protos, server.channel)
    groups = client.datasets.ListDatasetGroups(protos.datasets.ListDatasetGroupsRequest())
    assert [group.name for group in groups.dataset_groups] == ["kept"]
    assert server.terminate() == 0


def test_a_second_server_is_refused_the_directory(durable_server):
    from conftest import server_binary

    second = subprocess.run(
        [server_binary(), "--data-directory", str(durable_server.directory), "--listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=20, check=False,
    )
    assert second.returncode != 0
    assert second.stdout == ""
    assert str(durable_server.directory) in second.stderr


def test_details_survive_the_trip(client):
    with pytest.raises(grpc.RpcError) as caught:
        client.datasets.CreateDatasetGroup(
            client.p.datasets.CreateDatasetGroupRequest(name="nicht erlaubt: ä")
        )
    trailers = dict(caught.value.trailing_metadata())
    assert "ä" in caught.value.details()
    assert trailers["grpc-status-details-bin"]
    assert base64.b64encode(trailers["grpc-status-details-bin"])
