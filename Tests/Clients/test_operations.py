"""What is in Documentation/Operations, against a real Prometheus that scrapes a real server."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import grpc
import pytest
from conftest import ROOT, Client
from test_tls import TLSServer, make_certificates

OPERATIONS = ROOT / "Documentation/Operations"
NAME = re.compile(r"\b((?:bowerbird|grpc|process)_[a-z0-9_]+)\b")
# Names of labels that look like metrics.
LABELS = {"grpc_method", "grpc_status"}

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None and not os.environ.get("BOWERBIRD_TEST_ALL"),
    reason="no prometheus; Scripts/bootstrap --all installs it",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory, protos):
    """A server with all there is to count, after a few calls of several kinds and outcomes."""
    folder = tmp_path_factory.mktemp("operations")
    server = TLSServer(make_certificates(folder / "certs"))
    server.directory = folder / "data"
    server.start()
    client = Client(protos, server.channel)
    client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="shop", starter=True), timeout=10
    )
    for item in ("a", "b"):
        client.put_event("datasetGroups/shop", "u", item, 1_600_000_000)
    with pytest.raises(grpc.RpcError):
        client.recommend("datasetGroups/shop/campaigns/none", "u")
    yield server
    server.stop()


class Prometheus:
    def __init__(self, folder, target):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        config = (OPERATIONS / "prometheus.yaml").read_text()
        assert "127.0.0.1:9464" in config
        (folder / "prometheus.yaml").write_text(
            config.replace("127.0.0.1:9464", target).replace(": 15s", ": 1s")
        )
        shutil.copy(OPERATIONS / "alerts.yaml", folder)
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yaml",
             f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={self.address}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def get(self, path, **arguments):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def wait_for(self, expression, seconds=40):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.query(expression):
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, f"nothing for {expression}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, server):
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), server.admin)
    # A rate needs two scrapes.
    prometheus.wait_for("count_over_time(up[1m]) >= 3 and up == 1")
    yield prometheus
    prometheus.process.terminate()
    prometheus.process.wait(timeout=20)


def families(server):
    _, text = server.admin_get("/metrics")
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


def dashboard_queries():
    dashboard = json.loads((OPERATIONS / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def names(text):
    for name in NAME.findall(text):
        if name not in LABELS:
            yield re.sub(r"_(bucket|sum|count)$", "", name)


def test_promtool_finds_no_fault(server):
    _, text = server.admin_get("/metrics")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for file, kind in (("alerts.yaml", "rules"), ("prometheus.yaml", "config")):
        subprocess.run(
            ["promtool", "check", kind, str(OPERATIONS / file)], check=True, capture_output=True
        )


def test_calls_are_counted_under_the_names_of_grpc(server):
    found = {name for name in families(server) if name.startswith("grpc_")}
    assert found == {
        "grpc_server_call_started_total", "grpc_server_call_duration_seconds",
        "grpc_server_call_rcvd_total_compressed_message_size_bytes",
        "grpc_server_call_sent_total_compressed_message_size_bytes",
    }


def test_every_panel_shows_something(prometheus, server):
    for title, expression in dashboard_queries():
        for name in names(expression):
            assert name in families(server), f"{title}: nobody counts {name}"
        asked = (expression.replace("$__rate_interval", "1m").replace("$method", ".*")
                 .replace("$instance", ".*"))
        assert "$" not in asked
        assert prometheus.query(asked), f"{title}: {asked}"


def test_every_metric_has_a_panel_or_an_alert(server):
    shown = {name for _, expression in dashboard_queries() for name in names(expression)}
    shown |= set(names((OPERATIONS / "alerts.yaml").read_text()))
    # What stands in the log with its reason.
    told = {"bowerbird_token_reloads_total", "bowerbird_served_list_misses_total"}
    assert families(server) - shown <= told


def test_every_rule_can_be_evaluated_and_none_fires_at_rest(prometheus, server):
    counted = families(server) | {"up"}
    assert set(names((OPERATIONS / "alerts.yaml").read_text())) <= counted
    deadline = time.monotonic() + 20
    while True:
        (group,) = prometheus.get("rules")["groups"]
        if all(rule["health"] != "unknown" for rule in group["rules"]):
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(group["rules"]) >= 15
    for rule in group["rules"]:
        assert rule["health"] == "ok", rule
        # How full the disk of this machine is says nothing of the rules.
        assert rule["state"] != "firing" or rule["name"] == "BowerbirdDiskIsNearlyFull", rule


def test_every_alert_is_explained():
    page = (OPERATIONS / "Operators.md").read_text()
    alerts = re.findall(r"alert: (\w+)", (OPERATIONS / "alerts.yaml").read_text())
    assert len(alerts) == len(set(alerts)) >= 15
    for alert in alerts:
        assert alert in page, alert
