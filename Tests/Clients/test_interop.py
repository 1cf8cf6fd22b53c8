"""The standard cases of gRPC's interoperability tests, driven by grpcio against our RPC layer."""

import asyncio
import importlib
import pathlib
import struct
import subprocess
import sys
import time

import grpc
import pytest
from conftest import server_binary

PROTOS = pathlib.Path(__file__).resolve().parents[1] / "Interop"
LARGE_REQUEST, LARGE_RESPONSE = 271_828, 314_159
SIZES_IN = [27_182, 8, 1_828, 45_904]
SIZES_OUT = [31_415, 9, 2_653, 58_979]


@pytest.fixture(scope="module")
def t(tmp_path_factory):
    """The messages and the stub of `grpc.testing`."""
    from grpc_tools import protoc

    out = tmp_path_factory.mktemp("interop") / "bowerbird_interop"
    out.mkdir()
    code = protoc.main(
        ["protoc", f"-I{PROTOS}", f"--python_out={out}", f"--grpc_python_out={out}", "test.proto"]
    )
    assert code == 0
    sys.path.insert(0, str(out))
    try:
        messages = importlib.import_module("test_pb2")
        messages.stubs = importlib.import_module("test_pb2_grpc")
    finally:
        sys.path.remove(str(out))
    return messages


@pytest.fixture(scope="module")
def address():
    binary = pathlib.Path(server_binary()).parent / "bowerbird-interop"
    process = subprocess.Popen(
        [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield process.stdout.readline().split()[1].removeprefix("grpc=")
    process.stdin.close()
    assert process.wait(timeout=10) == 0


@pytest.fixture
def stub(t, address):
    with grpc.insecure_channel(
        address, options=[("grpc.max_receive_message_length", 16 << 20)]
    ) as channel:
        yield t.stubs.TestServiceStub(channel)


def simple(t, size=LARGE_RESPONSE, body=LARGE_REQUEST, **fields):
    return t.SimpleRequest(response_size=size, payload=t.Payload(body=bytes(body)), **fields)


def asked(t, *sizes, body=0, **fields):
    return t.StreamingOutputCallRequest(
        response_parameters=[t.ResponseParameters(size=size, **fields) for size in sizes],
        payload=t.Payload(body=bytes(body)),
    )


def code_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code()


def test_empty_unary(t, stub):
    assert stub.EmptyCall(t.Empty(), timeout=10) == t.Empty()


def test_large_unary(t, stub):
    answer = stub.UnaryCall(simple(t), timeout=10)
    assert answer.payload.body == bytes(LARGE_RESPONSE)


@pytest.mark.parametrize(("request_bytes", "response_bytes"), [(4_194_000, 0), (0, 4_194_000), (0, 0)])
def test_unary_at_the_edge_of_the_limit(t, stub, request_bytes, response_bytes):
    answer = stub.UnaryCall(simple(t, response_bytes, request_bytes), timeout=20)
    assert len(answer.payload.body) == response_bytes


def test_client_streaming(t, stub):
    requests = (t.StreamingInputCallRequest(payload=t.Payload(body=bytes(size))) for size in SIZES_IN)
    answer = stub.StreamingInputCall(requests, timeout=10)
    assert answer.aggregated_payload_size == sum(SIZES_IN)


def test_client_streaming_of_nothing(t, stub):
    assert stub.StreamingInputCall(iter([]), timeout=10).aggregated_payload_size == 0


def test_server_streaming(t, stub):
    answers = stub.StreamingOutputCall(asked(t, *SIZES_OUT), timeout=10)
    assert [len(answer.payload.body) for answer in answers] == SIZES_OUT


def test_server_streaming_of_nothing(t, stub):
    assert list(stub.StreamingOutputCall(asked(t), timeout=10)) == []


def test_ping_pong(t, stub):
    turns = iter(zip(SIZES_IN, SIZES_OUT, strict=True))
    import queue

    requests = queue.Queue()

    def send():
        while (request := requests.get()) is not None:
            yield request

    body, size = next(turns)
    requests.put(asked(t, size, body=body))
    seen = []
    for answer in stub.FullDuplexCall(send(), timeout=10):
        seen.append(len(answer.payload.body))
        turn = next(turns, None)
        requests.put(turn and asked(t, turn[1], body=turn[0]))
    assert seen == SIZES_OUT


def test_empty_stream(t, stub):
    assert list(stub.FullDuplexCall(iter([]), timeout=10)) == []


def test_half_duplex(t, stub):
    requests = [asked(t, size) for size in SIZES_OUT]
    answers = list(stub.HalfDuplexCall(iter(requests), timeout=10))
    assert [len(answer.payload.body) for answer in answers] == SIZES_OUT


def test_a_slow_reader_gets_everything(t, stub):
    sizes = [200_000] * 40
    seen = 0
    for answer in stub.StreamingOutputCall(asked(t, *sizes), timeout=30):
        assert len(answer.payload.body) == 200_000
        seen += 1
        if seen % 10 == 0:
            time.sleep(0.1)
    assert seen == 40


@pytest.mark.parametrize("size", [1, 2, 3, 4, 256, 5_000])
def test_custom_metadata(t, stub, size):
    value = bytes(range(256)) * 20
    sent = [
        ("x-grpc-test-echo-initial", "test_initial_metadata_value"),
        ("x-grpc-test-echo-trailing-bin", value[:size]),
    ]
    answer, call = stub.UnaryCall.with_call(simple(t, 10, 10), metadata=sent, timeout=10)
    assert len(answer.payload.body) == 10
    assert dict(call.initial_metadata())[sent[0][0]] == sent[0][1]
    assert dict(call.trailing_metadata())[sent[1][0]] == sent[1][1]
    stream = stub.FullDuplexCall(iter([asked(t, 10)]), metadata=sent, timeout=10)
    assert len(list(stream)) == 1
    assert dict(stream.initial_metadata())[sent[0][0]] == sent[0][1]
    assert dict(stream.trailing_metadata())[sent[1][0]] == sent[1][1]


def curl(address, tmp_path, *flags, path="EmptyCall"):
    body = tmp_path / "body"
    body.write_bytes(struct.pack(">BI", 0, 0))
    return subprocess.run(
        ["curl", "-sS", "-i", "--http2-prior-knowledge", "--max-time", "5",
         "-H", "content-type: application/grpc", "-H", "te: trailers", *flags,
         "--data-binary", f"@{body}", f"http://{address}/grpc.testing.TestService/{path}"],
        capture_output=True, check=False,
    )


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("AAE", ["AAE"]), ("AAE=", ["AAE"]), ("q83v", ["q83v"]), ("", [""]),
        ("AAE=,q83v", ["AAE", "q83v"]), ("AAE, q83v", ["AAE", "q83v"]),
    ],
)
def test_binary_metadata_may_be_padded_or_not_and_joined(address, tmp_path, sent, echoed):
    flag = f"x-grpc-test-echo-trailing-bin: {sent}" if sent else "x-grpc-test-echo-trailing-bin;"
    said = curl(address, tmp_path, "-H", flag).stdout.decode()
    found = [
        line.split(":", 1)[1].strip() for line in said.splitlines()
        if line.startswith("x-grpc-test-echo-trailing-bin")
    ]
    assert found == echoed
    assert "grpc-status: 0" in said


def test_metadata_above_the_bound_ends_only_its_own_call(t, stub, address):
    big = [("x-big", "v" * 20_000)]
    assert code_of(lambda: stub.EmptyCall(t.Empty(), metadata=big, timeout=5)) in (
        grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE,
    )
    fits = [("x-big", "v" * 12_000)]
    assert stub.EmptyCall(t.Empty(), metadata=fits, timeout=5) == t.Empty()


def test_status_code_and_message(t, stub):
    status = t.EchoStatus(code=2, message="test status message")
    for call in (
        lambda: stub.UnaryCall(t.SimpleRequest(response_status=status), timeout=10),
        lambda: list(
            stub.FullDuplexCall(iter([t.StreamingOutputCallRequest(response_status=status)]), timeout=10)
        ),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == grpc.StatusCode.UNKNOWN
        assert caught.value.details() == "test status message"


def test_special_status_message(t, stub):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    status = t.EchoStatus(code=2, message=text)
    with pytest.raises(grpc.RpcError) as caught:
        stub.UnaryCall(t.SimpleRequest(response_status=status), timeout=10)
    assert caught.value.details() == text


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_code_arrives(t, stub, code):
    status = t.EchoStatus(code=code.value[0], message="as asked")
    assert code_of(lambda: stub.UnaryCall(t.SimpleRequest(response_status=status), timeout=10)) == code


def test_unimplemented_method_and_service(t, stub, address):
    unimplemented = grpc.StatusCode.UNIMPLEMENTED
    assert code_of(lambda: stub.UnimplementedCall(t.Empty(), timeout=10)) == unimplemented
    with grpc.insecure_channel(address) as channel:
        other = t.stubs.UnimplementedServiceStub(channel)
        assert code_of(lambda: other.UnimplementedCall(t.Empty(), timeout=10)) == unimplemented


def test_cancel_after_begin(t, stub):
    never = iter(lambda: time.sleep(0.05) or t.StreamingInputCallRequest(), None)
    call = stub.StreamingInputCall.future(never, timeout=10)
    call.cancel()
    assert call.code() == grpc.StatusCode.CANCELLED


def test_cancel_after_first_response(t, stub):
    import queue

    requests = queue.Queue()
    requests.put(asked(t, 31_415, body=27_182))
    call = stub.FullDuplexCall(iter(requests.get, None), timeout=10)
    assert len(next(call).payload.body) == 31_415
    call.cancel()
    assert code_of(lambda: next(call)) == grpc.StatusCode.CANCELLED
    requests.put(None)


def test_timeout_on_sleeping_server(t, stub):
    request = asked(t, 31_415, interval_us=2_000_000)
    began = time.monotonic()
    assert (
        code_of(lambda: list(stub.FullDuplexCall(iter([request]), timeout=0.2)))
        == grpc.StatusCode.DEADLINE_EXCEEDED
    )
    assert time.monotonic() - began < 1.9


def test_client_compressed_unary(t, stub):
    packed = t.BoolValue(value=True)
    plain = t.BoolValue(value=False)
    probe = simple(t, expect_compressed=packed)
    assert code_of(lambda: stub.UnaryCall(probe, timeout=10)) == grpc.StatusCode.INVALID_ARGUMENT
    for expected, compression in ((packed, grpc.Compression.Gzip), (plain, grpc.Compression.NoCompression)):
        answer = stub.UnaryCall(
            simple(t, expect_compressed=expected), compression=compression, timeout=10
        )
        assert len(answer.payload.body) == LARGE_RESPONSE


def test_client_compressed_streaming(t, stub):
    packed = t.BoolValue(value=True)
    requests = [
        t.StreamingInputCallRequest(payload=t.Payload(body=bytes(27_182)), expect_compressed=packed)
    ]
    assert (
        code_of(lambda: stub.StreamingInputCall(iter(requests), timeout=10))
        == grpc.StatusCode.INVALID_ARGUMENT
    )
    answer = stub.StreamingInputCall(iter(requests * 3), compression=grpc.Compression.Gzip, timeout=10)
    assert answer.aggregated_payload_size == 3 * 27_182


def test_server_compressed_unary(t, address, tmp_path):
    for value in (True, False):
        request = simple(t, body=0, response_compressed=t.BoolValue(value=value)).SerializeToString()
        body = tmp_path / "request"
        body.write_bytes(struct.pack(">BI", 0, len(request)) + request)
        answer = tmp_path / "answer"
        subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "5", "-o", str(answer),
             "-H", "content-type: application/grpc", "-H", "te: trailers",
             "-H", "grpc-accept-encoding: gzip", "--data-binary", f"@{body}",
             f"http://{address}/grpc.testing.TestService/UnaryCall"],
            check=True,
        )
        assert answer.read_bytes()[0] == int(value)


def test_server_compressed_streaming(t, stub):
    request = t.StreamingOutputCallRequest(
        response_parameters=[
            t.ResponseParameters(size=31_415, compressed=t.BoolValue(value=True)),
            t.ResponseParameters(size=92_653, compressed=t.BoolValue(value=False)),
        ]
    )
    answers = stub.StreamingOutputCall(request, timeout=10)
    assert [len(answer.payload.body) for answer in answers] == [31_415, 92_653]


def test_many_calls_at_once(t, stub):
    calls = [stub.UnaryCall.future(simple(t, 20_000, 20_000), timeout=30) for _ in range(200)]
    assert all(len(call.result().payload.body) == 20_000 for call in calls)


def test_asyncio_speaks_every_kind(t, address):
    async def talk():
        async with grpc.aio.insecure_channel(address) as channel:
            stub = t.stubs.TestServiceStub(channel)
            assert len((await stub.UnaryCall(simple(t, 1_000, 1_000), timeout=10)).payload.body) == 1_000
            sizes = [len(a.payload.body) async for a in stub.StreamingOutputCall(asked(t, *SIZES_OUT))]
            assert sizes == SIZES_OUT
            call = stub.FullDuplexCall(timeout=10)
            for size in SIZES_OUT:
                await call.write(asked(t, size))
                assert len((await call.read()).payload.body) == size
            await call.done_writing()
            assert await call.read() == grpc.aio.EOF

            async def requests():
                for size in SIZES_IN:
                    yield t.StreamingInputCallRequest(payload=t.Payload(body=bytes(size)))

            total = await stub.StreamingInputCall(requests(), timeout=10)
            assert total.aggregated_payload_size == sum(SIZES_IN)
            waiting = stub.FullDuplexCall(timeout=10)
            await waiting.write(asked(t, 10))
            await waiting.read()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting.read()

    asyncio.run(talk())
