"""Tokens, roles, dataset groups and certificates: who may do what, and what is written down."""

import os
import pathlib
import re
import subprocess
import time

import grpc
import pytest
from conftest import Client, Server, make_group, server_binary
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from http2.peer import Peer, fields
from test_tls import TLSServer, cli, make_certificates


class WithToken(grpc.UnaryUnaryClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Sends a token with every call."""

    def __init__(self, token, scheme="Bearer"):
        self.field = ("authorization", f"{scheme} {token}")

    def _call(self, continuation, details, request):
        metadata = [*(details.metadata or []), self.field]
        return continuation(details._replace(metadata=metadata), request)

    intercept_unary_unary = intercept_stream_stream = _call


def create(file, name, role, *groups):
    flags = [flag for group in groups for flag in ("--dataset-group", group)]
    made = cli("token", "create", "--token-file", str(file), "--name", name, "--role", role, *flags)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


class Secured:
    """A server with tokens, two dataset groups, and a client for each token."""

    def __init__(self, protos, folder):
        self.protos = protos
        self.file = folder / "tokens"
        self.tokens = {
            "admin": create(self.file, "admin", "admin"),
            "writer": create(self.file, "writer", "write"),
            "reader": create(self.file, "reader", "read"),
            "shop": create(self.file, "shop", "admin", "shop"),
            "shop-reader": create(self.file, "shop-reader", "read", "datasetGroups/shop"),
        }
        self.server = Server(None, "--token-file", str(self.file))
        self.server.log = str(folder / "log")
        self.server.start()
        admin = self.client("admin")
        self.tracking = {}
        for name in ("shop", "other"):
            admin.datasets.CreateDatasetGroup(
                protos.datasets.CreateDatasetGroupRequest(name=name, starter=True)
            )
            described = admin.datasets.ListEventTrackers(
                protos.datasets.ListEventTrackersRequest(dataset_group=f"datasetGroups/{name}")
            )
            self.tracking[name] = described.event_trackers[0].tracking_id

    def client(self, name):
        return self.client_of(self.tokens[name])

    def client_of(self, token, scheme="Bearer"):
        channel = grpc.intercept_channel(self.server.channel, WithToken(token, scheme))
        return Client(self.protos, channel)


@pytest.fixture(scope="module")
def secured(protos, tmp_path_factory):
    secured = Secured(protos, tmp_path_factory.mktemp("access"))
    yield secured
    secured.server.stop()


def refusal(call):
    """The status of a call that must fail, with the reason of its ErrorInfo."""
    from google.rpc import error_details_pb2

    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert rpc_status.from_call(caught.value), caught.value
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(caught.value).details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return caught.value.code(), info.reason, caught.value.details()


LIST = "/bowerbird.v1.DatasetsService/ListDatasetGroups"
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN = grpc.StatusCode.UNAUTHENTICATED


def describe(client, group="shop"):
    request = client.p.datasets.DescribeDatasetGroupRequest(dataset_group=f"datasetGroups/{group}")
    return client.datasets.DescribeDatasetGroup(request, timeout=5)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_known_by_its_scheme_in_any_case(secured, scheme):
    assert describe(secured.client_of(secured.tokens["reader"], scheme)).dataset_group.name == "shop"


def test_nobody_and_strangers_are_unauthenticated(secured):
    code, reason, text = refusal(lambda: describe(Client(secured.protos, secured.server.channel)))
    assert (code, reason) == (UNKNOWN, "UNAUTHENTICATED")
    assert "authorization: Bearer TOKEN" in text
    known = secured.tokens["reader"]
    for token in ("x", "x y", known[:-1], known + "a", known.swapcase(), "z" * 5_000):
        code, _, text = refusal(lambda token=token: describe(secured.client_of(token)))
        assert code == UNKNOWN
        assert "not known" in text
    code, _, _ = refusal(lambda: describe(secured.client_of(known, "Basic")))
    assert code == UNKNOWN


def event(protos, item="i"):
    event = protos.events.Event(event_type="view", item_id=item)
    event.sent_at.FromSeconds(1_700_000_000)
    return event


def put(client, group="shop", **fields):
    if "tracking_id" not in fields:
        fields["dataset_group"] = f"datasetGroups/{group}"
    request = client.p.events.PutEventsRequest(
        user_id="u", session_id="s", event_list=[event(client.p)], **fields
    )
    return client.events.PutEvents(request, timeout=5)


def create_tracker(client, name, group="shop"):
    request = client.p.datasets.CreateEventTrackerRequest(
        name=name, dataset_group=f"datasetGroups/{group}"
    )
    try:
        return client.datasets.CreateEventTracker(request, timeout=5)
    except grpc.RpcError as error:
        # One tracker a group: refused for that, and so let through.
        if error.code() not in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ALREADY_EXISTS):
            raise
        return None


@pytest.mark.parametrize(
    ("name", "may_write", "may_manage"),
    [("reader", False, False), ("writer", True, False), ("admin", True, True)],
)
def test_a_role_may_do_what_the_lower_ones_may(secured, name, may_write, may_manage):
    client = secured.client(name)
    assert describe(client).dataset_group.name == "shop"
    client.recommend("datasetGroups/shop/campaigns/default", "u")
    client.datasets.ListDatasetGroups(client.p.datasets.ListDatasetGroupsRequest(), timeout=5)
    for may, call in ((may_write, put), (may_manage, lambda c: create_tracker(c, name))):
        if may:
            call(client)
        else:
            code, reason, text = refusal(lambda call=call: call(client))
            assert (code, reason) == (DENIED, "ACCESS_DENIED")
            assert name in text


def test_a_token_of_one_group_is_held_to_it(secured):
    p = secured.protos
    client = secured.client("shop")
    assert describe(client).dataset_group.name == "shop"
    put(client)
    put(client, tracking_id=secured.tracking["shop"])
    create_tracker(client, "more")
    client.recommend("datasetGroups/shop/campaigns/default", "u")
    client.solutions.ListRecipes(p.solutions.ListRecipesRequest(), timeout=5)
    client.datasets.ListSchemas(p.datasets.ListSchemasRequest(), timeout=5)
    queries = [
        p.recommendations.GetRecommendationsRequest(campaign=f"datasetGroups/{g}/campaigns/default")
        for g in ("shop", "other")
    ]
    refused = [
        lambda: describe(client, "other"),
        lambda: put(client, "other"),
        lambda: put(client, tracking_id=secured.tracking["other"]),
        lambda: put(client, tracking_id=secured.tracking["other"], dataset_group="datasetGroups/shop"),
        lambda: put(client, tracking_id="unknown"),
        lambda: create_tracker(client, "more", "other"),
        lambda: client.recommend("datasetGroups/other/campaigns/default", "u"),
        lambda: client.recommend("", "u"),
        lambda: client.recommendations.BatchGetRecommendations(
            p.recommendations.BatchGetRecommendationsRequest(queries=queries), timeout=5
        ),
        lambda: client.datasets.ListDatasetGroups(p.datasets.ListDatasetGroupsRequest(), timeout=5),
        lambda: client.campaigns.ListCampaigns(p.campaigns.ListCampaignsRequest(), timeout=5),
        lambda: client.datasets.CreateSchema(p.datasets.CreateSchemaRequest(name="x"), timeout=5),
        lambda: client.datasets.CreateDatasetGroup(
            p.datasets.CreateDatasetGroupRequest(name="mine"), timeout=5
        ),
    ]
    for index, call in enumerate(refused):
        code, _, text = refusal(call)
        assert code == DENIED, index
        assert "token 'shop'" in text
    code, _, _ = refusal(lambda: put(secured.client("shop-reader")))
    assert code == DENIED
    assert describe(secured.client("shop-reader")).dataset_group.name == "shop"


def test_every_batch_of_a_stream_is_checked(secured):
    p = secured.protos
    record = p.events.Record(interaction=p.events.Interaction(user_id="u", event=event(p)))

    def batches(*groups):
        return iter(
            [
                p.events.StreamRecordsRequest(
                    dataset_group=group and f"datasetGroups/{group}", records=[record]
                )
                for group in groups
            ]
        )

    stream = secured.client("shop").events.StreamRecords
    assert len(list(stream(batches("shop", "shop"), timeout=5))) == 2
    for groups in (("other",), ("shop", "other"), ("",)):
        code, _, _ = refusal(lambda groups=groups: list(stream(batches(*groups), timeout=5)))
        assert code == DENIED, groups


def list_services(channel, metadata=None):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = list(stub.ServerReflectionInfo(iter([request]), timeout=5, metadata=metadata))
    return [service.name for service in answers[0].list_services_response.service]


def test_health_is_open_and_reflection_is_not(secured):
    stub = health_pb2_grpc.HealthStub(secured.server.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
    code, _, _ = refusal(lambda: list_services(secured.server.channel))
    assert code == UNKNOWN
    shown = [("authorization", f"Bearer {secured.tokens['shop-reader']}")]
    assert "bowerbird.v1.EventsService" in list_services(secured.server.channel, shown)


def test_health_and_reflection_follow_their_settings(tmp_path):
    create(tmp_path / "tokens", "a", "read")
    server = Server(
        None, "--token-file", str(tmp_path / "tokens"), "--health-access", "known",
        "--reflection-access", "open",
    ).start()
    try:
        stub = health_pb2_grpc.HealthStub(server.channel)
        code, _, _ = refusal(lambda: stub.Check(health_pb2.HealthCheckRequest(), timeout=5))
        assert code == UNKNOWN
        assert list_services(server.channel)
    finally:
        server.stop()


def wait_until(what, seconds=15):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_tokens_come_and_go_without_a_restart(secured):
    token = create(secured.file, "late", "read")
    late = secured.client_of(token)

    def is_known():
        try:
            describe(late)
            return True
        except grpc.RpcError as error:
            assert error.code() == UNKNOWN
            return False

    wait_until(is_known)
    whole = secured.file.read_text()
    secured.file.write_text(whole + "token broken\n")
    wait_until(lambda: "line" in pathlib.Path(secured.server.log).read_text())
    assert "the old one stays" in pathlib.Path(secured.server.log).read_text()
    assert is_known()
    secured.file.write_text(whole)
    assert cli("token", "revoke", "--token-file", str(secured.file), "--name", "late").returncode == 0
    wait_until(lambda: not is_known())
    gone = cli("token", "revoke", "--token-file", str(secured.file), "--name", "late")
    assert gone.returncode == 1 and "'late'" in gone.stderr
    listed = cli("token", "list", "--token-file", str(secured.file)).stdout.splitlines()
    assert "token\tadmin\tshop\tshop" in listed and "token\tread\t*\treader" in listed


def test_what_admins_do_and_who_is_refused_is_written_down(secured):
    create_tracker(secured.client("admin"), "audited")
    refusal(lambda: put(secured.client("shop-reader")))
    lines = [
        line for line in pathlib.Path(secured.server.log).read_text().splitlines() if "msg=audit" in line
    ]
    made = [line for line in lines if "CreateEventTracker" in line and "'admin'" in line]
    assert "resources=datasetGroups/shop" in made[-1] and "peer=127.0.0.1:" in made[-1]
    denied = [line for line in lines if "PutEvents" in line and "'shop-reader'" in line]
    assert "status=PERMISSION_DENIED" in denied[-1] and "request=" in denied[-1]
    assert not any("GetRecommendations" in line and "status=OK" in line for line in lines)
    for token in secured.tokens.values():
        assert token not in pathlib.Path(secured.server.log).read_text()
        assert token not in secured.file.read_text()
    refused = 'bowerbird_access_refusals_total{reason="denied"}'
    assert secured.server.metric(refused) > 0


def test_strangers_do_not_fill_the_log_and_are_counted_all(secured):
    log = pathlib.Path(secured.server.log)
    series = 'bowerbird_access_refusals_total{reason="unauthenticated"}'
    peer = Peer(secured.server.address)
    # A second without strangers, so that the first line tells of none before.
    time.sleep(1.1)
    empty = log.stat().st_size
    peer.head(1, fields(path=LIST), end=True)
    peer.until(lambda: peer.answer(1).is_ended, "answer")
    wait_until(lambda: log.stat().st_size > empty and log.read_text().endswith("\n"))
    before, counted, began = log.stat().st_size, secured.server.metric(series), time.monotonic()
    for first in range(3, 10_003, 500):
        streams = range(first, first + 500, 2)
        for stream in streams:
            peer.head(stream, fields(path=LIST), end=True)
        peer.until(lambda streams=streams: all(peer.answer(n).is_ended for n in streams), "answers")
    seconds = time.monotonic() - began
    time.sleep(1.1)
    peer.head(10_003, fields(path=LIST), end=True)
    peer.until(lambda: peer.answer(10_003).is_ended, "answer")
    peer.close()
    assert secured.server.metric(series) - counted == 5_001
    wait_until(lambda: log.read_text().endswith("\n"))
    lines = [line for line in log.read_text()[before:].splitlines() if "UNAUTHENTICATED" in line]
    left_out = sum(int(found[1]) for line in lines if (found := re.search(r"left_out=(\d+)", line)))
    assert len(lines) + left_out == 5_001
    assert len(lines) <= 100 * (seconds + 2)


def test_the_program_shows_a_token(secured):
    address = ["--server", secured.server.address]
    status = cli("recommend", *address, "datasetGroups/shop/campaigns/default", "u")
    assert status.returncode == 1 and "UNAUTHENTICATED" in status.stderr
    with_flag = cli(
        "recommend", *address, "--token", secured.tokens["reader"],
        "datasetGroups/shop/campaigns/default", "u",
    )
    assert with_flag.returncode == 0, with_flag.stderr
    environment = {**os.environ, "BOWERBIRD_TOKEN": secured.tokens["reader"]}
    by_environment = cli(
        "recommend", *address, "datasetGroups/shop/campaigns/default", "u",
        env=environment,
    )
    assert by_environment.returncode == 0


def test_certificates_have_roles_of_their_own(protos, tmp_path):
    certificates = make_certificates(tmp_path / "certs", "--client", "shop worker")
    ca = ["--tls-client-ca", str(certificates / "ca.pem")]
    anybody = TLSServer(certificates, *ca, shows=certificates).start()
    try:
        make_group(Client(protos, anybody.channel), "made")
    finally:
        anybody.stop()
    file = tmp_path / "access"
    allowed = cli(
        "token", "allow", "--token-file", str(file), "--role", "read", "CN=shop worker"
    )
    assert allowed.returncode == 0, allowed.stderr
    listed = TLSServer(certificates, *ca, "--token-file", str(file), shows=certificates).start()
    try:
        client = Client(protos, listed.channel)
        client.datasets.ListDatasetGroups(protos.datasets.ListDatasetGroupsRequest(), timeout=5)
        code, _, text = refusal(
            lambda: client.datasets.CreateDatasetGroup(
                protos.datasets.CreateDatasetGroupRequest(name="x"), timeout=5
            )
        )
        assert code == DENIED and "certificate 'CN=shop worker'" in text
    finally:
        listed.stop()
    create(tmp_path / "none", "a", "read")
    stranger = TLSServer(
        certificates, *ca, "--token-file", str(tmp_path / "none"), shows=certificates
    ).start()
    try:
        code, _, _ = refusal(
            lambda: Client(protos, stranger.channel).datasets.ListDatasetGroups(
                protos.datasets.ListDatasetGroupsRequest(), timeout=5
            )
        )
        assert code == UNKNOWN
    finally:
        stranger.stop()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--listen", "192.0.2.1:0"], "nobody proves who they are"),
        (["--listen", "192.0.2.1:0", "--allow-plaintext"], "nobody proves who they are"),
        (["--listen", "192.0.2.1:0", "--token-file", "TOKENS"], "--allow-plaintext"),
        (["--token-file", "none"], "read 'none'"),
        (["--token-file", "BROKEN"], "line 1"),
    ],
)
def test_wrong_flags_are_explained(tmp_path, flags, reason):
    create(tmp_path / "TOKENS", "a", "read")
    (tmp_path / "BROKEN").write_text("nonsense\n")
    done = subprocess.run(
        [server_binary(), "--ephemeral", "--admin-listen", "-", *flags], cwd=tmp_path,
        capture_output=True, text=True, timeout=20, check=False,
    )
    assert done.returncode != 0 and done.stdout == ""
    assert reason in done.stderr
