"""What whoever started the server is told: systemd's notifications."""

import socket

import pytest
from conftest import Server


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
