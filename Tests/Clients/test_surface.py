"""The four kinds of call, health and reflection, as the public surface promises them, seen from the wire."""

import base64
import struct
import time

import grpc
import pytest
from conftest import Server
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from http2.peer import (
    CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, NO_ERROR, RST_STREAM, Peer, block, fields, frame,
)
from test_attacks import methods

EVENTS = "/bowerbird.v1.EventsService/"
# Of each kind one that does not end by itself while its client is silent.
KINDS = {
    "unary": (EVENTS + "PutRecords", b""),
    "client streaming": ("/bowerbird.v1.JobsService/ImportData", b""),
    "server streaming": ("/grpc.health.v1.Health/Watch", struct.pack(">BI", 0, 0)),
    "bidirectional": (EVENTS + "StreamRecords", b""),
}


@pytest.fixture
def peer(shared_server):
    peer = Peer(shared_server.address)
    yield peer
    peer.close()


def begin(peer, stream, kind, *more):
    path, body = KINDS[kind]
    peer.head(stream, fields(*more, path=path))
    if body:
        peer.frame(DATA, END_STREAM, stream, body)


def trailers(peer, stream):
    answer = peer.answer(stream)
    peer.until(lambda: answer.is_ended or answer.reset is not None, f"end of {stream}")
    return dict(answer.blocks[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_ends_a_call_at_its_deadline(peer, kind):
    began = time.monotonic()
    begin(peer, 1, kind, ("grpc-timeout", "200m"))
    assert trailers(peer, 1)["grpc-status"] == "4"
    assert 0.19 < time.monotonic() - began < 2
    peer.goes_on(3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_deadline_that_has_passed_is_said_at_once(peer, kind):
    begin(peer, 1, kind, ("grpc-timeout", "1n"))
    assert trailers(peer, 1)["grpc-status"] == "4"


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancelled_call_is_let_go_of(shared_server, peer, kind):
    path = KINDS[kind][0].strip("/")
    series = f'grpc_server_call_duration_seconds_count{{grpc_method="{path}",grpc_status="CANCELLED"}}'
    before = shared_server.metric(series)
    for stream in range(1, 41, 2):
        begin(peer, stream, kind)
    peer.alive()
    for stream in range(1, 41, 2):
        peer.frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))
    peer.alive()
    assert shared_server.metric(series) == before + 20
    peer.goes_on(41)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (EVENTS + "PutRecords", "3"), ("/bowerbird.v1.RecommendationsService/GetRecommendations", "3"),
        (EVENTS + "NoSuch", "12"), ("/no.Such/Method", "12"), ("/bowerbird.v1.JobsService/ExportData", "3"),
        ("/bowerbird.v1.JobsService/WatchJob", "3"),
    ],
)
def test_an_error_without_an_answer_is_trailers_only(peer, path, status):
    peer.request(1, fields(path=path))
    found = trailers(peer, 1)
    assert found["grpc-status"] == status
    assert found[":status"] == "200"
    assert found["content-type"].startswith("application/grpc")
    mine = [kind for kind, _, stream, _ in peer.frames if stream == 1 and kind in (HEADERS, DATA)]
    assert mine == [HEADERS]


@pytest.mark.parametrize("path", [EVENTS + "NoSuch", "/bowerbird.v1.JobsService/ImportData", EVENTS + "PutRecords"])
def test_who_still_sends_is_told_that_nobody_reads(peer, path):
    """An error before the client has ended its side, and then the end of the stream on both."""
    peer.head(1, fields(path=path))
    # A message that is none, and no end.
    peer.frame(DATA, 0, 1, struct.pack(">BI", 0, 3) + b"\xff\xff\xff")
    if path.endswith("PutRecords"):
        peer.frame(DATA, 0, 1, struct.pack(">BI", 0, 0))
    assert trailers(peer, 1)["grpc-status"] != "0"
    # Not at once: most clients end their side by themselves when they have their answer.
    peer.until(lambda: peer.answer(1).reset is not None, "RST_STREAM", seconds=6)
    assert peer.answer(1).reset == NO_ERROR
    peer.goes_on(3)


def test_what_is_under_way_on_a_stream_that_was_ended_is_no_flood(peer):
    """A client may send a whole window before it hears that nobody reads."""
    for stream in range(1, 21, 2):
        peer.head(stream, fields(path=EVENTS + "NoSuch"))
        assert trailers(peer, stream)["grpc-status"] == "12"
    peer.until(lambda: all(peer.answer(n).reset == NO_ERROR for n in range(1, 21, 2)), "resets", seconds=6)
    peer.send(b"".join(frame(DATA, 0, n, bytes(16_384)) for n in (1, 3, 5) for _ in range(60)))
    peer.goes_on(21)


@pytest.mark.parametrize("count", [1_000, 12_000])
def test_large_metadata_is_taken(peer, count):
    peer.request(1, fields(("x-large", "v" * count), ("x-many", "w" * 100)))
    peer.answered(1)


def test_metadata_above_the_bound_ends_its_own_call_only(peer):
    peer.frame(HEADERS, 0, 1, block(fields()) + block([("x", "v" * 9_000)]))
    peer.frame(9, END_HEADERS, 1, block([("y", "v" * 9_000)]))
    answer = peer.answer(1)
    peer.until(lambda: answer.reset is not None or answer.is_ended, "end")
    assert answer.reset is not None or dict(answer.blocks[-1]).get("grpc-status") == "8"
    peer.goes_on(3)


def test_every_error_has_details(protos, shared_server):
    found = methods(shared_server)
    with_details = 0
    for path, client_streams in found:
        for message in (b"", b"\xff\xff\xff"):
            try:
                if client_streams:
                    list(shared_server.channel.stream_stream(path)(iter([message]), timeout=5))
                else:
                    list(shared_server.channel.unary_stream(path)(message, timeout=5))
            except grpc.RpcError as error:
                raw = dict(error.trailing_metadata()).get("grpc-status-details-bin")
                assert raw, f"{path}: {error.code()} {error.details()}"
                status = status_pb2.Status.FromString(raw)
                assert status.code == error.code().value[0]
                assert status.message == error.details()
                assert status.details
                with_details += 1
    assert with_details > len(found)


def refused(call):
    """The error of a call that must fail, and the names of its details."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    raw = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    assert raw, f"{error.code()} {error.details()}"
    status = status_pb2.Status.FromString(raw)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return error.code().name, [detail.type_url.rsplit(".", 1)[1] for detail in status.details]


@pytest.mark.parametrize(
    ("path", "body", "options", "code"),
    [
        (EVENTS + "NoSuch", b"", {}, "UNIMPLEMENTED"), ("/no.Such/Method", b"", {}, "UNIMPLEMENTED"),
        (EVENTS + "PutEvents", bytes(5 << 20), {}, "RESOURCE_EXHAUSTED"),
        (EVENTS + "PutEvents", bytes(5_000), {"compression": grpc.Compression.Deflate}, "UNIMPLEMENTED"),
        ("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(service="x").SerializeToString(), {},
         "NOT_FOUND"),
    ],
)
def test_errors_before_a_service_is_asked_have_details(shared_server, path, body, options, code):
    call = shared_server.channel.unary_unary(path)
    assert refused(lambda: call(body, timeout=5, **options)) == (code, ["ErrorInfo"])


@pytest.mark.parametrize(
    ("more", "body", "code"),
    [
        ((("grpc-timeout", "1n"),), b"", "4"), ((("grpc-timeout", "soon"),), b"", "3"),
        ((), struct.pack(">BI", 0, 0) * 2, "13"),
    ],
)
def test_errors_of_the_protocol_have_details(peer, more, body, code):
    peer.head(1, fields(*more, path=EVENTS + "PutRecords"))
    if body:
        peer.frame(DATA, END_STREAM, 1, body)
    found = trailers(peer, 1)
    assert found["grpc-status"] == code
    coded = found["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(coded + "=" * (-len(coded) % 4)))
    info = error_details_pb2.ErrorInfo()
    assert status.code == int(code) and status.details[0].Unpack(info)
    assert info.domain == "bowerbird" and info.reason


# Health


@pytest.mark.parametrize("service", ["", "bowerbird.v1.EventsService"])
def test_watchers_hear_of_the_drain_and_unknown_services_stay_unknown(service):
    server = Server(None, "--drain-grace-ms", "3000").start()
    try:
        stub = health_pb2_grpc.HealthStub(server.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=20)
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="no.Such"), timeout=20)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        server.process.terminate()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        unknown.cancel()
        assert server.process.wait(timeout=20) == 0
    finally:
        server.stop()


# Reflection


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_answers_every_kind_of_question(shared_server, version):
    ask = reflection_pb2.ServerReflectionRequest
    extension = reflection_pb2.ExtensionRequest(containing_type="bowerbird.v1.Event", extension_number=100)
    questions = [
        ask(list_services=""), ask(file_by_filename="bowerbird/v1/events.proto"),
        *[
            ask(file_containing_symbol=f"bowerbird.v1.{name}")
            for name in ("EventsService", "EventsService.PutEvents", "Event", "Event.item_id", "Record.record",
                         "DATASET_TYPE_ITEMS")
        ],
        ask(all_extension_numbers_of_type="bowerbird.v1.Event"), ask(file_containing_extension=extension),
        ask(file_by_filename="no/such.proto"), ask(file_containing_symbol="bowerbird.v1.Event.no_such"), ask(all_extension_numbers_of_type="no.Such"), ask(),
    ]
    call = shared_server.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=ask.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    answers = list(call(iter(questions), timeout=10))
    kinds = [answer.WhichOneof("message_response") for answer in answers]
    assert kinds == [
        "list_services_response", *["file_descriptor_response"] * 7, "all_extension_numbers_response",
        *["error_response"] * 5,
    ]
    assert [answer.original_request for answer in answers] == questions
    codes = [answer.error_response.error_code for answer in answers[9:]]
    not_found, invalid = grpc.StatusCode.NOT_FOUND.value[0], grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert codes == [not_found] * 4 + [invalid]


def test_a_client_without_protos_calls_by_what_reflection_says(shared_server):
    """As grpcurl does: the descriptors from the server, a message by its name, an answer by its fields."""
    database = ProtoReflectionDescriptorDatabase(shared_server.channel)
    assert "bowerbird.v1.SolutionsService" in database.get_services()
    pool = descriptor_pool.DescriptorPool(database)
    service = pool.FindServiceByName("bowerbird.v1.SolutionsService")
    for method in service.methods:
        message_factory.GetMessageClass(method.input_type)
    method = service.FindMethodByName("ListRecipes")
    call = shared_server.channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    answer = call(message_factory.GetMessageClass(method.input_type)(), timeout=5)
    names = {recipe.resource_name for recipe in answer.recipes}
    assert "recipes/user-personalization" in names


def test_what_reflection_serves_is_whole(shared_server):
    """Every file of every service can be put together by nothing but what the server says."""
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(shared_server.channel))
    count = 0
    for path, _ in methods(shared_server):
        service, _, method = path.strip("/").partition("/")
        found = pool.FindServiceByName(service).FindMethodByName(method)
        assert found.input_type.name == f"{method}Request"
        assert found.output_type.name == f"{method}Response"
        proto = descriptor_pb2.FileDescriptorProto()
        found.containing_service.file.CopyToProto(proto)
        assert proto.options.go_package
        count += 1
    assert count > 40


def test_frames_of_all_kinds_of_call_share_a_connection(peer):
    """One connection carries calls of every kind at once, each with its own end."""
    for at, kind in enumerate(KINDS):
        begin(peer, 2 * at + 1, kind, ("grpc-timeout", "300m"))
    peer.send(frame(HEADERS, END_HEADERS, 9, block(fields())) + frame(DATA, END_STREAM, 9, struct.pack(">BI", 0, 0)))
    peer.answered(9)
    for at in range(len(KINDS)):
        assert trailers(peer, 2 * at + 1)["grpc-status"] == "4"
