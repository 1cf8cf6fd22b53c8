"""Settings by flag, environment, file and default, and what a running server takes anew."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
from conftest import ROOT, Client, Server, server_binary


def run(*flags, environment=None, **options):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BOWERBIRD_")}
    return subprocess.run(
        [server_binary(), *flags], capture_output=True, text=True, timeout=20, check=False,
        env={**clean, **(environment or {})}, **options,
    )


def listing(*flags, environment=None):
    done = run(*flags, "--print-config", environment=environment)
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def test_each_source_beats_the_next(tmp_path):
    file = tmp_path / "bowerbird.yaml"
    file.write_text("version: 1\nreactors: 5\nlog-level: debug\ntoken-rate-max: 7\n")
    shown = listing(
        "--config", str(file), "--reactors", "3", environment={"BOWERBIRD_LOG_LEVEL": "error"}
    )
    assert shown["reactors"] == "3  # flag"
    assert shown["log-level"] == "error  # environment, BOWERBIRD_LOG_LEVEL"
    assert shown["token-rate-max"] == f"7  # {file}, line 4"
    assert shown["ephemeral"] == "false  # default"
    by_environment = listing(environment={"BOWERBIRD_CONFIG": str(file)})
    assert by_environment["reactors"] == f"5  # {file}, line 2"


def test_every_setting_is_a_flag_and_stands_in_the_annotated_file():
    keys = list(listing())
    offered = run("--help").stdout
    annotated = (ROOT / "Documentation/Operations/bowerbird.yaml").read_text()
    stated = re.findall(r"^#? ?([a-z][a-z-]+): ", annotated, re.MULTILINE)
    for key in keys:
        assert key == "version" or f"--{key}" in offered, key
    assert sorted(stated) == sorted(keys)


def test_the_annotated_file_shows_the_defaults_and_can_be_used(tmp_path):
    annotated = ROOT / "Documentation/Operations/bowerbird.yaml"
    # Every line that is a comment for its default's sake, taken in.
    whole = re.sub(r"^# ([a-z][a-z-]+: )", r"\1", annotated.read_text(), flags=re.MULTILINE)
    file = tmp_path / "whole.yaml"
    file.write_text(whole)
    defaults = {key: value.rsplit("  # ", 1)[0] for key, value in listing().items()}
    told = {
        key: value.rsplit("  # ", 1)[0] for key, value in listing("--config", str(file)).items()
    }
    examples = {"data-directory", "reactors", "admin-listen", "listen", "import-root",
                "export-root", "backup-root", "memory-budget"}
    for key, value in told.items():
        if not key.startswith(("tls-", "token-file")) and key not in examples:
            assert value == defaults[key], key
    done = run("--config", str(annotated), "--check-config")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "flags", "reason"),
    [
        ("reactor: 2\n", [], "line 1: unknown setting 'reactor'; did you mean 'reactors'?"),
        ("log_level: info\n", [], "did you mean 'log-level'?"),
        ("reactors: many\n", [], "line 1): 'many' is no whole number from 1 to 256"),
        ("log-level: loud\n", [], "'loud' is no level"),
        ("version: 2\n", [], "'2' is no whole number from 1 to 1"),
        ("listen: nowhere\n", [], "'nowhere' is no address"),
        ("a:\n  b: 1\n", [], "line 2: 'a' takes a value, or a list of values"),
        ("", ["--reactors", "0"], "reactors (flag): '0' is no whole number"),
        ("", ["--health-access", "all"], "'all' is neither 'open' nor 'known'"),
        ("ephemeral: perhaps\n", [], "'perhaps' is neither true nor false"),
    ],
)
def test_what_can_not_be_used_is_explained(tmp_path, text, flags, reason):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    ephemeral = [] if "ephemeral" in text else ["--ephemeral"]
    done = run("--config", str(file), *ephemeral, *flags, "--check-config")
    assert done.returncode != 0 and done.stdout == ""
    assert reason in done.stderr


def test_a_check_says_that_all_is_well():
    done = run("--ephemeral", "--check-config")
    assert (done.returncode, done.stdout) == (0, "the settings can be used\n")
    missing = run("--config", "/nowhere.yaml", "--check-config")
    assert missing.returncode != 0 and "/nowhere.yaml" in missing.stderr


def wait_for(log, text, seconds=15):
    deadline = time.monotonic() + seconds
    while text not in pathlib.Path(log).read_text():
        assert time.monotonic() < deadline, f"no '{text}' in the log"
        time.sleep(0.05)


def test_a_signal_has_the_file_read_again(protos, tmp_path):
    file = tmp_path / "bowerbird.yaml"
    file.write_text("access-log: false\n")
    server = Server(None, "--config", str(file))
    server.log = str(tmp_path / "log")
    server.start()
    try:
        client = Client(protos, server.channel)

        def ask():
            client.datasets.ListDatasetGroups(protos.datasets.ListDatasetGroupsRequest(), timeout=5)

        ask()
        file.write_text("access-log: true\nreactors: 7\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(server.log, 'msg="settings read"')
        said = pathlib.Path(server.log).read_text()
        assert "msg=call" not in said
        assert "takes effect at the next start" in said and "setting=reactors" in said
        ask()
        wait_for(server.log, "msg=call")
        file.write_text("access-log: true\nlog-level: error\n")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        before = len(pathlib.Path(server.log).read_text())
        ask()
        file.write_text("acces-log: true\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(server.log, "the old ones stay")
        assert "msg=call" not in pathlib.Path(server.log).read_text()[before:]
    finally:
        server.stop()


def test_no_text_of_a_peer_makes_a_line_of_its_own(protos, tmp_path):
    server = Server(None, "--access-log")
    server.log = str(tmp_path / "log")
    server.start()
    try:
        subprocess.run(
            ["curl", "-sS", "-o", str(tmp_path / "answer"), "--http2-prior-knowledge", "--max-time", "5",
             "-H", "content-type: application/grpc", "--data-binary", "",
             f"http://{server.address}/evil%0Amsg=call \"=x/A"],
            check=False,
        )
        client = Client(protos, server.channel)
        client.datasets.ListDatasetGroups(protos.datasets.ListDatasetGroupsRequest(), timeout=5)
        wait_for(server.log, "ListDatasetGroups")
        for line in pathlib.Path(server.log).read_text().splitlines():
            assert re.match(r"time=\S+ level=\w+ logger=[\w.]+ msg=", line), line
    finally:
        server.stop()
