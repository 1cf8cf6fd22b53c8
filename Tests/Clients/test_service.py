"""The server and who started it: systemd's notifications, signals, the first process of a container."""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

import grpc
import pytest
from conftest import Server, server_binary
from grpc_health.v1 import health_pb2, health_pb2_grpc


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_the_service_manager_is_told_of_start_and_stop(tmp_path, monkeypatch, kind):
    name = str(tmp_path / "notify") if kind == "file" else f"@bowerbird{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1) if kind == "abstract" else name)
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        server = Server(None).start()
        assert manager.recv(100) == b"READY=1"
        assert server.terminate() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_a_manager_that_is_gone_stops_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert Server(None).start().terminate() == 0


def test_a_server_that_has_not_begun_to_serve_ends_at_once(tmp_path):
    # It waits for somebody who writes the tokens, as it would for a large store.
    os.mkfifo(tmp_path / "tokens")
    with subprocess.Popen(
        [server_binary(), "--ephemeral", "--listen", "127.0.0.1:0", "--admin-listen", "-",
         "--token-file", str(tmp_path / "tokens")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:
        try:
            time.sleep(1)
            assert process.poll() is None
            process.terminate()
            assert process.wait(timeout=5) == -signal.SIGTERM
            assert process.stdout.read() == ""
        finally:
            process.kill()


def test_as_the_first_process_of_a_container_it_drains_and_the_second_signal_ends_it():
    own = ["unshare", "-pf"] if os.getuid() == 0 else ["unshare", "-rpf"]
    with subprocess.Popen(
        [*own, "--kill-child", server_binary(), "--ephemeral", "--listen", "127.0.0.1:0",
         "--admin-listen", "-", "--drain-grace-ms", "60000"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:
        try:
            address = process.stdout.readline().split()[1].removeprefix("grpc=")
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
            server = int(children.read_text())
            with grpc.insecure_channel(address) as channel:
                watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
                assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
                os.kill(server, signal.SIGTERM)
                assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
                assert process.poll() is None
                os.kill(server, signal.SIGTERM)
                assert process.wait(timeout=5) == 128 + signal.SIGTERM
        finally:
            process.kill()


def test_all_descriptors_that_the_system_allows_are_taken(tmp_path):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1_000))

    with subprocess.Popen(
        [server_binary(), "--ephemeral", "--listen", "127.0.0.1:0", "--admin-listen", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=few,
    ) as process:
        assert process.stdout.readline().startswith("ready ")
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (1_000, 1_000)
        process.terminate()
        _, log = process.communicate(timeout=20)
    (line,) = [line for line in log.splitlines() if "file descriptors" in line]
    assert "level=warning" in line and "allowed=1000" in line and "connections_max=10000" in line
