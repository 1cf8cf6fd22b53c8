"""Clients of several languages against real servers: the quick starts of `Documentation/Clients`, as they
stand there, and gRPC's interoperability cases.

Python and Swift are always here; the others are where `Tests/Interop/build` has put them.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest
from conftest import ROOT, Server, server_binary
from test_tls import make_certificates

CLIENTS = ROOT / "Documentation/Clients"
SERVICE_CONFIG = CLIENTS / "service-config.json"
BUILT = os.environ.get("BOWERBIRD_INTEROP_CLIENTS")
# What each calls the codes INVALID_ARGUMENT, DEADLINE_EXCEEDED and CANCELLED.
NAMES = ("INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "CANCELLED")
NUMBERS = ("3", "4", "1")
LANGUAGES = {
    "python": ([sys.executable, str(CLIENTS / "python/quick_start.py")], NAMES),
    "asyncio": ([sys.executable, str(CLIENTS / "python/quick_start_asyncio.py")], NAMES),
}
# Built with the server.
LANGUAGES["swift"] = ([str(pathlib.Path(server_binary()).parent / "bowerbird-quick-start")], NAMES)
if BUILT:
    LANGUAGES["cpp"] = ([f"{BUILT}/cpp/quick_start"], NUMBERS)
    LANGUAGES["go"] = ([f"{BUILT}/go/quick_start"], ("InvalidArgument", "DeadlineExceeded", "Canceled"))
    LANGUAGES["java"] = ([f"{BUILT}/java/quick_start"], NAMES)
    LANGUAGES["ruby"] = (["ruby", f"-I{BUILT}/ruby", str(CLIENTS / "ruby/quick_start.rb")], NUMBERS)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Where the generated Python modules are, and the settings of grpc-go."""
    from grpc_tools import protoc

    out = tmp_path_factory.mktemp("modules")
    files = sorted(str(p.relative_to(ROOT / "Protos")) for p in (ROOT / "Protos/bowerbird").rglob("*.proto"))
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    assert protoc.main(
        ["protoc", f"-I{ROOT / 'Protos'}", f"-I{include}", f"--python_out={out}", f"--grpc_python_out={out}",
         *files]
    ) == 0
    return os.environ | {
        "PYTHONPATH": str(out), "PYTHONDONTWRITEBYTECODE": "1", "GRPC_GO_RETRY": "on",
        "BOWERBIRD_SERVICE_CONFIG": str(SERVICE_CONFIG),
    }


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def servers(certificates):
    """A server for each kind of security, and the files that a client then needs."""
    key = ["--tls-certificate", str(certificates / "server.pem"), "--tls-key", str(certificates / "server-key.pem")]
    ca = str(certificates / "ca.pem")
    kinds = {
        "plain": ([], []),
        "TLS": (key, [ca]),
        "mTLS": (
            [*key, "--tls-client-ca", ca],
            [ca, str(certificates / "client.pem"), str(certificates / "client-key.pem")],
        ),
    }
    started = {kind: (Server(None, *flags).start(), files) for kind, (flags, files) in kinds.items()}
    yield started
    for server, _ in started.values():
        server.stop()


def run(command, environment, **options):
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


# Debian's Netty has no ALPN, and without it gRPC has no TLS.
TLS_LANGUAGES = [language for language in LANGUAGES if language != "java"]
KINDS = [(language, "plain") for language in LANGUAGES] + [
    (language, kind) for language in TLS_LANGUAGES for kind in ("TLS", "mTLS")
]


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_a_quick_start_does_all_that_it_shows(servers, environment, language, kind):
    command, (invalid, deadline, cancelled) = LANGUAGES[language]
    server, files = servers[kind]
    address = server.address.replace("127.0.0.1", "localhost")
    assert run([*command, address, *files], environment) == [
        "imported 100", "streamed 100", "recommended 5", f"refused {invalid} items[0].item_id",
        f"deadline {deadline}", f"cancelled {cancelled}", "done",
    ]


@pytest.mark.parametrize("language", TLS_LANGUAGES)
def test_a_client_of_another_ca_is_told_so_by_a_failure(servers, environment, language, tmp_path):
    other = make_certificates(tmp_path)
    server, _ = servers["TLS"]
    done = subprocess.run(
        [*LANGUAGES[language][0], server.address, str(other / "ca.pem")],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""


class Looping:
    """Clients that go on asking while a block runs; none of their calls may fail."""

    def __init__(self, address, environment, seconds):
        self.environment = environment | {"BOWERBIRD_LOOP_SECONDS": str(seconds)}
        self.processes = {
            language: subprocess.Popen(
                [*command, address], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )
            for language, (command, _) in LANGUAGES.items()
        }
        # All of them are in their loop once they have said what comes before it.
        for language, process in self.processes.items():
            while not (line := process.stdout.readline()).startswith("cancelled"):
                assert line, (language, process.stderr.read())

    def wait(self):
        for language, process in self.processes.items():
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, (language, out, err)
            assert out.splitlines() == ["done"], language


def test_no_call_fails_while_a_server_is_replaced(environment, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    # Beside the port that every server here picks for itself.
    server = Server(tmp_path / "data", "--listen", address)
    server.start()
    try:
        looping = Looping(address, environment, 4)
        for _ in range(2):
            assert server.terminate() == 0
            server.start()
            time.sleep(0.5)
        assert all(process.poll() is None for process in looping.processes.values())
        looping.wait()
    finally:
        server.stop()


def test_the_service_config_names_what_there_is(protos):
    config = json.loads(SERVICE_CONFIG.read_text())
    known = {}
    for module in (protos.events, protos.recommendations, protos.records):
        for service in module.DESCRIPTOR.services_by_name.values():
            known[service.full_name] = {method.name for method in service.methods}
    names = [name for entry in config["methodConfig"] for name in entry["name"]]
    assert names
    for name in names:
        assert name["service"] in known
        assert "method" not in name or name["method"] in known[name["service"]]
    assert config["healthCheckConfig"]["serviceName"] in known


CASES = [
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
    "custom_metadata", "status_code_and_message", "special_status_message", "unimplemented_method",
    "unimplemented_service", "cancel_after_begin", "cancel_after_first_response", "timeout_on_sleeping_server",
    "client_compressed_unary", "client_compressed_streaming", "server_compressed_unary",
    "server_compressed_streaming",
]


@pytest.fixture(scope="module")
def interop():
    binary = pathlib.Path(server_binary()).parent / "bowerbird-interop"
    process = subprocess.Popen(
        [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield process.stdout.readline().split()[1].removeprefix("grpc=")
    process.stdin.close()
    assert process.wait(timeout=10) == 0


if BUILT:
    # Python's are in test_interop.py.
    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("language", ["cpp", "go"])
    def test_interoperability(interop, language, case):
        run([f"{BUILT}/{language}/interop", interop, case], os.environ)
