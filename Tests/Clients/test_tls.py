"""TLS as grpcio, curl, openssl and h2load speak it; certificates that change; peers that stop half-way."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import grpc
import pytest
from conftest import Client, Server, server_binary
from grpc_health.v1 import health_pb2, health_pb2_grpc


def cli(*arguments, **options):
    command = [os.environ["BOWERBIRD_CLI_BINARY"], *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)


def make_certificates(folder, *flags):
    made = cli("certs", "dev", str(folder), *flags)
    assert made.returncode == 0, made.stderr
    return folder


class TLSServer(Server):
    """A server whose channel trusts its CA, and shows a client's certificate if it has one."""

    def __init__(self, certificates, *flags, shows=None):
        self.certificates = certificates
        self.shows = shows
        super().__init__(
            None, "--tls-certificate", str(certificates / "server.pem"),
            "--tls-key", str(certificates / "server-key.pem"), *flags,
        )

    def make_channel(self):
        return self.channel_of(self.certificates / "ca.pem", self.shows)

    def channel_of(self, ca, shows=None):
        credentials = grpc.ssl_channel_credentials(
            ca.read_bytes(),
            (shows / "client-key.pem").read_bytes() if shows else None,
            (shows / "client.pem").read_bytes() if shows else None,
        )
        return grpc.secure_channel(
            self.address, credentials, options=[("grpc.use_local_subchannel_pool", 1)]
        )

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def subject(self):
        """The subject of the certificate that a new connection is shown."""
        found = ssl.get_server_certificate(("127.0.0.1", self.port))
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-subject"], input=found, capture_output=True, text=True,
            check=True,
        )
        return shown.stdout.strip()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def server(certificates):
    server = TLSServer(certificates).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mutual(certificates):
    server = TLSServer(
        certificates, "--tls-client-ca", str(certificates / "ca.pem"), shows=certificates
    ).start()
    yield server
    server.stop()


def is_serving(channel, timeout=5):
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def test_grpcio_sends_and_reads_much(protos, server):
    client = Client(protos, server.channel)
    made = client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="tls", starter=True)
    )
    assert made.dataset_group.name == "tls"
    for count in (1, 100, 4_000):
        items = [
            protos.events.Item(item_id=f"i-{index}", properties='{"title": "%s"}' % ("x" * 400))
            for index in range(count)
        ]
        answer = client.events.PutItems(
            protos.events.PutItemsRequest(dataset_group=made.dataset_group.resource_name, items=items),
            timeout=20,
        )
        assert answer.applied_count + answer.duplicate_count == count
    answer = client.recommend(made.campaign, "nobody", count=500)
    assert answer.eligible_count == 4_000


def s_client(server, *flags):
    command = [
        "openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-brief",
        "-CAfile", str(server.certificates / "ca.pem"), *flags,
    ]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, errors="replace", timeout=15, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flags", "version"),
    [
        (["-alpn", "h2"], "TLSv1.3"),
        (["-alpn", "http/1.1,h2"], "TLSv1.3"),
        (["-alpn", "h2", "-tls1_2"], "TLSv1.2"),
    ],
)
def test_modern_handshakes_stand(server, flags, version):
    _, said = s_client(server, *flags)
    assert f"Protocol version: {version}" in said
    assert "Verification: OK" in said


@pytest.mark.parametrize(
    "flags",
    [
        ["-alpn", "http/1.1"],
        ["-alpn", "h2", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-alpn", "h2", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
        ["-alpn", "h2", "-tls1_2", "-cipher", "AES128-GCM-SHA256"],
    ],
)
def test_other_handshakes_are_refused(server, flags):
    before = server.metric('bowerbird_tls_handshakes_total{result="failed"}')
    code, said = s_client(server, *flags)
    assert code != 0 or "CONNECTION ESTABLISHED" not in said
    if "-tls1_1" not in flags:
        assert server.metric('bowerbird_tls_handshakes_total{result="failed"}') == before + 1
    assert is_serving(server.channel)


def test_curl_and_h2load_speak_it(server, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(bytes(5))
    said = subprocess.run(
        ["curl", "-sS", "-i", "--http2", "--max-time", "5", "--cacert",
         str(server.certificates / "ca.pem"), "-H", "content-type: application/grpc",
         "-H", "te: trailers", "--data-binary", f"@{body}",
         f"https://localhost:{server.port}/grpc.health.v1.Health/Check"],
        capture_output=True, check=True,
    ).stdout
    assert b"HTTP/2 200" in said and b"grpc-status: 0" in said
    command = [
        "h2load", "-n", "3000", "-c", "20", "-m", "10", "-d", str(body),
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        f"https://{server.address}/grpc.health.v1.Health/Check",
    ]
    output = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout
    assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in output
    assert server.metric('bowerbird_tls_handshakes_total{result="ok"}') >= 20


def test_plain_http2_on_the_tls_port_ends_its_own_connection(server):
    with grpc.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            is_serving(channel)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert is_serving(server.channel)


def test_mutual_tls_takes_only_clients_of_its_ca(mutual, certificates, tmp_path):
    assert is_serving(mutual.channel)
    stranger = make_certificates(tmp_path / "other")
    for shows in (None, stranger):
        with mutual.channel_of(certificates / "ca.pem", shows) as channel:
            with pytest.raises(grpc.RpcError) as caught:
                is_serving(channel)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert is_serving(mutual.channel)


def test_the_program_speaks_tls_and_says_what_it_does_not_trust(server, mutual, certificates):
    ca = ["--tls-ca", str(certificates / "ca.pem")]
    assert cli("status", "--server", server.address, *ca).returncode == 0
    assert cli("status", "--server", f"localhost:{server.port}", *ca).returncode == 0
    untrusted = cli("status", "--server", server.address, "--tls")
    assert untrusted.returncode == 3
    assert "certificate verify failed" in untrusted.stderr
    other_name = cli("status", "--server", server.address, *ca, "--tls-server-name", "example.org")
    assert other_name.returncode == 3
    assert "ismatch" in other_name.stderr
    assert cli("status", "--server", mutual.address, *ca).returncode == 3
    shown = [
        "--tls-certificate", str(certificates / "client.pem"),
        "--tls-key", str(certificates / "client-key.pem"),
    ]
    assert cli("status", "--server", mutual.address, *ca, *shown).returncode == 0


def test_certificates_are_not_replaced_by_making_new_ones(certificates):
    before = (certificates / "server.pem").read_bytes()
    assert cli("certs", "dev", str(certificates)).returncode == 1
    assert (certificates / "server.pem").read_bytes() == before
    assert (certificates / "server-key.pem").stat().st_mode & 0o777 == 0o600


def install(source, target):
    """Puts new files in place of old ones, each by a rename."""
    for name in ("server-key.pem", "server.pem", "ca.pem"):
        shutil.copy(source / name, target / "new")
        os.replace(target / "new", target / name)


def wait_until(what, seconds=15):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


@pytest.mark.parametrize("way", ["signal", "file"])
def test_a_renewed_certificate_is_served_and_no_call_is_lost(tmp_path, way):
    folder = make_certificates(tmp_path / "certs", "--name", "first.example", "--name", "127.0.0.1")
    renewed = make_certificates(tmp_path / "new", "--name", "second.example", "--name", "127.0.0.1")
    server = TLSServer(folder)
    server.log = str(tmp_path / "log")
    server.start()
    lost = []
    done = threading.Event()

    def load():
        while not done.is_set():
            try:
                assert is_serving(server.channel, timeout=10)
            except (grpc.RpcError, AssertionError) as error:
                lost.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        # The renewed certificate has another CA: what is served must be connected by then.
        assert is_serving(server.channel, timeout=10)
        assert "first.example" in server.subject()
        install(renewed, folder)
        if way == "signal":
            server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "second.example" in server.subject())
        # A file that can't be used changes nothing, and the log says so.
        (folder / "server.pem").write_text("no certificate")
        if way == "signal":
            server.process.send_signal(signal.SIGHUP)
        # A look between two of the renames above may have refused a key without its certificate.
        log = pathlib.Path(server.log)
        wait_until(lambda: str(folder / "server.pem") in log.read_text())
        assert "the old one stays" in log.read_text()
        assert server.metric('bowerbird_tls_reloads_total{result="refused"}') >= 1
        assert "second.example" in server.subject()
        with server.channel_of(renewed / "ca.pem") as channel:
            assert is_serving(channel)
    finally:
        done.set()
        for thread in threads:
            thread.join()
        server.stop()
    assert not lost


def test_handshakes_that_stop_half_way_disturb_nobody(server):
    hello = ssl.MemoryBIO()
    context = ssl.create_default_context()
    engine = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    first = hello.read()
    peers = []
    for index in range(300):
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        peer.sendall(first[: 1 + index % len(first)])
        peers.append(peer)
    assert is_serving(server.channel)
    with server.channel_of(server.certificates / "ca.pem") as fresh:
        assert is_serving(fresh)
    for peer in peers:
        peer.close()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--tls-certificate", "a.pem"], "go together"),
        (["--tls-client-ca", "a.pem"], "needs --tls-certificate"),
        (["--tls-certificate", "none.pem", "--tls-key", "none.pem"], "'none.pem' can't be used"),
        (["--listen", "0.0.0.0:0"], "nobody proves who they are"),
    ],
)
def test_wrong_flags_are_explained(flags, reason):
    done = subprocess.run(
        [server_binary(), "--ephemeral", *flags], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode != 0 and done.stdout == ""
    assert reason in done.stderr


def test_a_key_of_another_certificate_is_refused(certificates, tmp_path):
    other = make_certificates(tmp_path / "other")
    done = subprocess.run(
        [server_binary(), "--ephemeral", "--listen", "127.0.0.1:0",
         "--tls-certificate", str(certificates / "server.pem"),
         "--tls-key", str(other / "server-key.pem")],
        capture_output=True, text=True, timeout=20, check=False,
    )
    assert done.returncode != 0
    assert "key" in done.stderr and "server-key.pem" in done.stderr
