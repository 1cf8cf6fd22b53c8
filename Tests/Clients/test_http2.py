"""HTTP/2 by the letter of RFC 9113 and RFC 7541, beside nghttpd, the server of libnghttp2's authors."""

import collections
import shutil
import socket
import subprocess
import time

import pytest
from conftest import TABLES
from http2 import cases_connection, cases_frames, cases_hpack, cases_messages
from http2.peer import LONG, SHORT, Failed, Peer

MODULES = (cases_connection, cases_frames, cases_messages, cases_hpack)
CASES = [(module.rfc.document, *case) for module in MODULES for case in module.rfc]
RESULTS = {}


@pytest.fixture(scope="module")
def nghttpd(tmp_path_factory):
    """Its address, with a file for each path that cases ask for."""
    binary = shutil.which("nghttpd", path="/usr/sbin:/usr/bin:/usr/local/bin")
    assert binary, "nghttpd is missing; Scripts/bootstrap installs it"
    root = tmp_path_factory.mktemp("nghttpd")
    for path, size in ((SHORT, 7), (LONG, 300_000)):
        file = root / path.strip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * size)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [binary, "--no-tls", "-a", "127.0.0.1", "-d", str(root), str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < deadline and process.poll() is None, "nghttpd does not listen"
            time.sleep(0.02)
    yield f"127.0.0.1:{port}"
    process.kill()
    process.wait()


def outcome(address, run, pairs, first):
    """What the server did wrong; `None` when it passes."""
    peer = None
    try:
        peer = Peer(address, first, pairs)
        run(peer)
    except (Failed, AssertionError, OSError) as failure:
        return str(failure) or repr(failure)
    finally:
        if peer:
            peer.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2]}".replace(" ", "-"))
def test_case(case, shared_server, nghttpd):
    document, section, _, run, pairs, first = case
    mine = outcome(shared_server.address, run, pairs, first)
    RESULTS[case[:3]] = (mine is None, outcome(nghttpd, run, pairs, first) is None)
    assert mine is None, f"{document} {section}: {mine}"


def test_there_are_enough_cases_and_none_that_only_nghttpd_passes():
    assert len({case[:3] for case in CASES}) == len(CASES) >= 120
    rows = collections.defaultdict(lambda: [0, 0, 0])
    for (document, section, _), (mine, theirs) in RESULTS.items():
        for row in ((document, section), ("all", "")):
            rows[row][0] += 1
            rows[row][1] += mine
            rows[row][2] += theirs
    total = rows.pop(("all", ""))
    TABLES.append(f"h2 {'document':9} {'section':7} {'cases':>6} {'bowerbird':>10} {'nghttpd':>8}")
    for (document, section), counts in [*rows.items(), (("all", ""), total)]:
        TABLES.append(f"h2 {document:9} {section:7} {counts[0]:6} {counts[1]:10} {counts[2]:8}")
    lost = [case for case, (mine, theirs) in RESULTS.items() if theirs and not mine]
    assert not lost
