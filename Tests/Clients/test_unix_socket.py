"""The server at a Unix socket: calls, who owns the path, and what becomes of the file."""

import os
import stat
import subprocess

import grpc
import pytest
from conftest import Client, Server, server_binary
from grpc_health.v1 import health_pb2, health_pb2_grpc


class AtSocket(Server):
    """A server that listens at a path only."""

    def __init__(self, path, *flags):
        self.path = path
        super().__init__(None, "--listen", f"unix:{path}", *flags)

    def make_channel(self):
        # Behind the port that every server here picks for itself.
        assert self.address.endswith(f",unix:{self.path}")
        return grpc.insecure_channel(f"unix:{self.path}", [("grpc.use_local_subchannel_pool", 1)])


@pytest.fixture
def server(tmp_path):
    server = AtSocket(tmp_path / "socket").start()
    yield server
    server.stop()


def is_serving(server):
    answer = health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def test_grpcio_calls_through_a_socket(protos, server):
    client = Client(protos, server.channel)
    made = client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="local", starter=True), timeout=5
    )
    client.put_event(made.dataset_group.resource_name, "u", "i", 1_700_000_000)
    assert client.list_of(made.campaign, "nobody") == ["i"]


def second(path):
    return subprocess.run(
        [server_binary(), "--ephemeral", "--admin-listen", "-", "--listen", f"unix:{path}"],
        capture_output=True, text=True, timeout=20, check=False,
    )


def test_a_server_that_lives_keeps_its_path(server):
    refused = second(server.path)
    assert refused.returncode != 0 and refused.stdout == ""
    assert f"unix:{server.path}" in refused.stderr
    server.channel.close()
    server.channel = server.make_channel()
    assert is_serving(server)


def test_a_file_of_another_kind_stays(tmp_path):
    (tmp_path / "file").write_text("kept")
    assert second(tmp_path / "file").returncode != 0
    assert (tmp_path / "file").read_text() == "kept"


def test_a_path_is_taken_over_from_a_dead_server_and_given_back_at_the_end(server):
    server.kill()
    assert stat.S_ISSOCK(os.stat(server.path).st_mode)
    server.start()
    assert is_serving(server)
    assert server.terminate() == 0
    assert not server.path.exists()
