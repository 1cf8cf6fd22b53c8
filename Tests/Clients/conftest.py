"""A real server on a free loopback port, and the clients that `protoc` makes of our protos."""

import collections
import http.client
import importlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Scripts/lib"))

import python_protos  # noqa: E402

READY_SECONDS = 30

# Lines that suites want to be printed at the end.
TABLES = []


def pytest_terminal_summary(terminalreporter):
    for line in TABLES:
        terminalreporter.write_line(line)
    seconds = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                seconds[pathlib.Path(report.nodeid.split("::")[0]).stem] += report.duration
    for suite, time_ in sorted(seconds.items()):
        terminalreporter.write_line(f"suite {suite} {time_:.1f} s")


def server_binary():
    """The server under test, as `Scripts/test` built it."""
    path = os.environ.get("BOWERBIRD_SERVER_BINARY")
    if not path:
        pytest.exit("set BOWERBIRD_SERVER_BINARY to a bowerbird-server; Scripts/test does", 2)
    return path


@pytest.fixture(scope="session")
def protos(tmp_path_factory):
    """The generated Python modules, made from `Protos/` as any user would make them."""
    python_protos.generate(tmp_path_factory.mktemp("protos"))

    class Modules:
        pass

    modules = Modules()
    for name in ("events", "recommendations", "datasets", "solutions", "campaigns", "filters",
                 "jobs", "resources", "common", "records", "operations"):
        setattr(modules, name, importlib.import_module(f"bowerbird.v1.{name}_pb2"))
        if name not in ("resources", "common"):
            setattr(modules, f"{name}_grpc", importlib.import_module(f"bowerbird.v1.{name}_pb2_grpc"))
    return modules


def bad_fields(error):
    """The violations of the `BadRequest` among an error's details."""
    found = []
    for detail in rpc_status.from_call(error).details:
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            request = error_details_pb2.BadRequest()
            detail.Unpack(request)
            found += request.field_violations
    return found


class Server:
    """One server process and a channel to it; `kill` and `start` again keep the directory."""

    def __init__(self, directory, *flags):
        self.directory = directory
        self.flags = list(flags)
        self.process = None
        self.channel = None
        # A file for the server's log, for tests that read it.
        self.log = None

    def start(self):
        store = ["--data-directory", str(self.directory)] if self.directory else ["--ephemeral"]
        self.process = subprocess.Popen(
            [server_binary(), *store, "--listen", "127.0.0.1:0",
             "--admin-listen", "127.0.0.1:0", *self.flags],
            stdout=subprocess.PIPE,
            stderr=open(self.log, "ab") if self.log else subprocess.DEVNULL,  # noqa: SIM115
            text=True,
        )
        readable, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        assert readable, "the server said nothing on standard output"
        line = self.process.stdout.readline().strip()
        assert line.startswith("ready grpc="), f"not a ready line: {line!r}"
        self.ready_line = line
        self.address = line.split()[1].removeprefix("grpc=")
        self.admin = line.split()[2].removeprefix("admin=")
        self.channel = self.make_channel()
        return self

    def make_channel(self):
        return grpc.insecure_channel(self.address)

    def admin_get(self, path):
        """Status and text of the admin port."""
        connection = http.client.HTTPConnection(self.admin, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def metric(self, series):
        """The number that a series of `/metrics` has now; 0 while there is none."""
        _, text = self.admin_get("/metrics")
        for line in text.splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0

    def kill(self):
        """As a power switch would."""
        self.channel.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)

    def terminate(self):
        self.channel.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()


@pytest.fixture
def durable_server(tmp_path):
    server = Server(tmp_path / "data").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_server():
    """One ephemeral server for tests that only ask questions or use a group of their own."""
    server = Server(None).start()
    yield server
    server.stop()


class Client:
    """The stubs of every service on one channel."""

    def __init__(self, protos, channel):
        self.p = protos
        self.events = protos.events_grpc.EventsServiceStub(channel)
        self.records = protos.records_grpc.RecordsServiceStub(channel)
        self.recommendations = protos.recommendations_grpc.RecommendationsServiceStub(channel)
        self.datasets = protos.datasets_grpc.DatasetsServiceStub(channel)
        self.solutions = protos.solutions_grpc.SolutionsServiceStub(channel)
        self.campaigns = protos.campaigns_grpc.CampaignsServiceStub(channel)
        self.filters = protos.filters_grpc.FiltersServiceStub(channel)
        self.operations = protos.operations_grpc.OperationsServiceStub(channel)
        self.jobs = protos.jobs_grpc.JobsServiceStub(channel)

    def recommend(self, campaign, user, count=10, **fields):
        request = self.p.recommendations.GetRecommendationsRequest(
            campaign=campaign, user_id=user, num_results=count, **fields
        )
        return self.recommendations.GetRecommendations(request, timeout=10)

    def list_of(self, campaign, user, count=10, **fields):
        return [item.item_id for item in self.recommend(campaign, user, count, **fields).item_list]

    def put_event(self, group, user, item, seconds, event_type="click", **fields):
        event = self.p.events.Event(event_type=event_type, item_id=item)
        event.sent_at.FromMilliseconds(int(seconds * 1000))
        request = self.p.events.PutEventsRequest(
            dataset_group=group, user_id=user, session_id=f"s-{user}", event_list=[event], **fields
        )
        return self.events.PutEvents(request, timeout=10)

    def wait_until_active(self, describe, seconds=60):
        deadline = time.monotonic() + seconds
        active = self.p.resources.RESOURCE_STATUS_ACTIVE
        failed = self.p.resources.RESOURCE_STATUS_CREATE_FAILED
        while True:
            resource = describe()
            if resource.status == active:
                return resource
            assert resource.status != failed, resource.failure_reason
            assert time.monotonic() < deadline, "not ACTIVE in time"
            time.sleep(0.02)


@pytest.fixture
def client(protos, shared_server):
    return Client(protos, shared_server.channel)


SCHEMAS = {
    "interactions": """{"type":"record","name":"Interactions",
      "namespace":"com.amazonaws.personalize.schema","fields":[
      {"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
      {"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"},
      {"name":"EVENT_VALUE","type":["float","null"]},
      {"name":"DEVICE","type":["string","null"],"categorical":true}],"version":"1.0"}""",
    "items": """{"type":"record","name":"Items",
      "namespace":"com.amazonaws.personalize.schema","fields":[
      {"name":"ITEM_ID","type":"string"},{"name":"GENRES","type":["string","null"],
      "categorical":true},{"name":"PRICE","type":["float","null"]},
      {"name":"CREATION_TIMESTAMP","type":["long","null"]}],"version":"1.0"}""",
    "users": """{"type":"record","name":"Users",
      "namespace":"com.amazonaws.personalize.schema","fields":[
      {"name":"USER_ID","type":"string"},{"name":"AGE","type":["int","null"]}],"version":"1.0"}""",
}


@pytest.fixture
def group(client, request):
    """A dataset group of the test's own, with schemas, three datasets and a tracker."""
    name = request.node.name.translate(str.maketrans({c: "-" for c in "[]. /$\\'\"{}()|:,"}))
    return make_group(client, name[:40].strip("-") + f"-{time.monotonic_ns() % 10**9}")


def make_group(client, name):
    d = client.p.datasets
    made = client.datasets.CreateDatasetGroup(d.CreateDatasetGroupRequest(name=name))
    group = made.dataset_group.resource_name
    kinds = client.p.resources.DatasetType
    for kind, document in SCHEMAS.items():
        schema = client.datasets.CreateSchema(
            d.CreateSchemaRequest(name=f"{name}-{kind}", schema=document)
        ).schema
        client.datasets.CreateDataset(
            d.CreateDatasetRequest(
                name=kind,
                schema=schema.resource_name,
                dataset_group=group,
                dataset_type=kinds.Value(f"DATASET_TYPE_{kind.upper()}"),
            )
        )
    client.tracking_id = client.datasets.CreateEventTracker(
        d.CreateEventTrackerRequest(name="tracker", dataset_group=group)
    ).tracking_id
    return group
