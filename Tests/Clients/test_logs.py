"""What the server writes down: its form, who is heard, and what a line says of a call."""

import fcntl
import json
import os
import pathlib
import re
import select
import signal
import time

import grpc
import pytest
from conftest import Client, Server
from test_hostile import DATA, END_HEADERS, END_STREAM, HEADERS, connect, frame
from test_settings import run, wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
LIST = "/bowerbird.v1.DatasetsService/ListDatasetGroups"


@pytest.fixture
def logging_server(tmp_path):
    servers = []

    def start(*flags):
        server = Server(None, *flags)
        server.log = str(tmp_path / f"log-{len(servers)}")
        servers.append(server.start())
        return server

    yield start
    for server in servers:
        server.stop()


def lines(server):
    return pathlib.Path(server.log).read_text().splitlines()


def ask(protos, server, *metadata):
    Client(protos, server.channel).datasets.ListDatasetGroups(
        protos.datasets.ListDatasetGroupsRequest(), timeout=5, metadata=metadata
    )


def text(value):
    return bytes([len(value)]) + value.encode()


def slow_request(server, seconds):
    """Sends a call's headers, and its message that much later; waits for the answer."""
    block = (b"\x83\x86\x41\x01b\x04" + text(LIST) + b"\x0f\x10" + text("application/grpc")
             + b"\x00" + text("traceparent") + text(f"00-{TRACE}-{SPAN}-01")
             + b"\x00" + text("x-request-id") + text("slow-one"))
    peer = connect(server)
    peer.sendall(frame(HEADERS, END_HEADERS, 1, block))
    time.sleep(seconds)
    peer.sendall(frame(DATA, END_STREAM, 1, bytes(5)))
    answers = peer.makefile("rb")
    kind = flags = 0
    while kind != HEADERS or not flags & END_STREAM:
        head = answers.read(9)
        answers.read(int.from_bytes(head[:3], "big"))
        kind, flags = head[3], head[4]
    peer.close()


def test_json_is_one_object_a_line(protos, logging_server):
    server = logging_server("--log-format", "json", "--access-log")
    ask(protos, server, ("x-request-id", 'a"b\\c'), ("traceparent", f"00-{TRACE}-{SPAN}-01"))
    wait_for(server.log, '"msg":"call"')
    said = [json.loads(line) for line in lines(server)]
    assert all({"time", "level", "logger", "msg"} <= set(event) for event in said)
    (call,) = [event for event in said if event["msg"] == "call"]
    assert call["method"] == LIST and call["status"] == "OK"
    assert call["request"] == 'a"b\\c'
    assert (call["trace"], call["span"]) == (TRACE, SPAN)
    assert isinstance(call["micros"], int) and 0 < call["micros"] < 5_000_000
    assert call["received_bytes"] == 0


@pytest.mark.parametrize(
    "field",
    [f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE.upper()}-{SPAN}-01",
     f"00-{TRACE}-{SPAN}-01-more", "nonsense"],
)
def test_a_trace_by_another_form_is_left_out(protos, logging_server, field):
    server = logging_server("--access-log")
    ask(protos, server, ("traceparent", field))
    wait_for(server.log, "msg=call")
    assert "trace=" not in pathlib.Path(server.log).read_text()


def test_each_subsystem_has_a_level_that_a_signal_changes(protos, tmp_path, logging_server):
    file = tmp_path / "bowerbird.yaml"
    file.write_text("access-log: true\nlog-level: [error, access=info]\n")
    server = logging_server("--config", str(file))
    ask(protos, server)
    wait_for(server.log, "msg=call")
    assert all("logger=bowerbird.access" in line for line in lines(server))
    file.write_text("access-log: true\nlog-level: info,access=error\nlog-format: json\n")
    server.process.send_signal(signal.SIGHUP)
    wait_for(server.log, '"settings read"')
    before = len(lines(server))
    ask(protos, server)
    Client(protos, server.channel).datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="g"), timeout=5,
        metadata=(("traceparent", f"00-{TRACE}-{SPAN}-00"),),
    )
    wait_for(server.log, '"audit"')
    (audit,) = [json.loads(line) for line in lines(server)[before:]]
    assert audit["logger"] == "bowerbird.audit" and audit["trace"] == TRACE


@pytest.mark.parametrize(
    ("level", "reason"),
    [("info,trains=debug", "no subsystem 'trains'; there are server, transport"),
     ("info,access=loud", "'loud' is no level")],
)
def test_a_level_for_nobody_is_refused(level, reason):
    done = run("--ephemeral", "--log-level", level, "--check-config")
    assert done.returncode != 0 and reason in done.stderr


def test_a_slow_call_says_where_its_time_went(protos, logging_server):
    server = logging_server("--slow-call-ms", "100", "--log-format", "json")
    ask(protos, server)
    slow_request(server, 0.3)
    wait_for(server.log, '"slow call"')
    (slow,) = [event for event in map(json.loads, lines(server)) if event["msg"] == "slow call"]
    assert slow["level"] == "warning" and slow["logger"] == "bowerbird.slow"
    assert (slow["method"], slow["request"], slow["trace"]) == (LIST, "slow-one", TRACE)
    assert slow["receive_micros"] > 250_000 > slow["work_micros"] + slow["wait_micros"]
    parts = slow["receive_micros"] + slow["work_micros"] + slow["wait_micros"]
    assert abs(slow["micros"] - parts) <= 3
    assert server.metric("bowerbird_slow_calls_total") == 1


def test_a_stream_is_never_slow_and_a_flood_of_slow_calls_is_a_few_lines(protos, logging_server):
    server = logging_server("--slow-call-ms", "1")
    watch = Client(protos, server.channel)
    stream = server.channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=bytes, response_deserializer=bytes,
    )(b"", timeout=0.3)
    with pytest.raises(grpc.RpcError):
        for _ in stream:
            pass
    assert server.metric("bowerbird_slow_calls_total") == 0
    del watch
    for _ in range(15):
        slow_request(server, 0.03)
    said = [line for line in lines(server) if 'msg="slow call"' in line]
    assert server.metric("bowerbird_slow_calls_total") == 15
    assert 10 <= len(said) <= 14


def test_nothing_is_said_of_calls_when_nobody_asks(protos, logging_server):
    server = logging_server("--slow-call-ms", "0")
    before = len(lines(server))
    ask(protos, server)
    slow_request(server, 0.1)
    assert server.terminate() == 0
    assert not any("ListDatasetGroups" in line for line in lines(server)[before:])


class Unread:
    """A server whose standard error is a pipe, with a line for each call."""

    def __init__(self):
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4_096)
        self.server = Server(None, "--access-log")
        self.server.log = f"/proc/self/fd/{writer}"
        self.server.start()
        os.close(writer)

    def read_all(self):
        """What the pipe has, to its end or until nothing comes for a second."""
        said = b""
        while select.select([self.reader], [], [], 1)[0]:
            part = os.read(self.reader, 65_536)
            if not part:
                break
            said += part
        return said.decode()

    def stop(self):
        self.server.stop()
        os.close(self.reader)


@pytest.fixture
def unread():
    unread = Unread()
    yield unread
    unread.stop()


def test_a_log_that_nobody_reads_stops_no_call_and_what_was_left_out_is_counted(protos, unread):
    name = "bowerbird_log_lines_left_out_total"
    calls = 0
    # A line has more than a hundred bytes, and a megabyte of them waits.
    while unread.server.metric(name) == 0:
        for _ in range(500):
            ask(protos, unread.server)
            calls += 1
        assert calls < 20_000
    said = unread.read_all()
    assert said.endswith("\n")
    assert int(re.search(r"left out.* lines=(\d+)", said)[1]) == unread.server.metric(name)
    assert said.count("msg=call ") + unread.server.metric(name) == calls
    ask(protos, unread.server)
    assert unread.read_all().count("msg=call ") == 1


def test_a_log_that_nobody_reads_does_not_keep_a_server_from_its_end(protos, unread):
    while len(unread.read_all()) == 0:
        ask(protos, unread.server)
    for _ in range(100):
        ask(protos, unread.server)
    assert unread.server.terminate() == 0
