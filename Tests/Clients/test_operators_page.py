"""The operator's page, as somebody who is new to it would try it: command by command, on ports of its own."""

import os
import pathlib
import re
import subprocess

from conftest import ROOT, server_binary

PAGE = ROOT / "Documentation/Operations/Operators.md"
# What needs a machine of its own: test_packages.py installs and runs the package.
ELSEWHERE = ("apt ", "systemctl ")


def commands(section):
    """The shell lines of a section, each whole."""
    text = PAGE.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    assert lines, section
    return [line for line in lines if not line.startswith(ELSEWHERE)]


def follow(folder, lines):
    """Runs them in a shell with a network of its own; what it said.

    A server that a line starts is waited for, as a person would who reads its ready line.
    """
    programs = folder / "programs"
    programs.mkdir()
    for name, path in (("bowerbird-server", server_binary()),
                       ("bowerbird", os.environ["BOWERBIRD_CLI_BINARY"])):
        (programs / name).symlink_to(pathlib.Path(path).resolve())
    script = ["set -eum", "ip link set lo up", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, line in enumerate(lines):
        if line.rstrip().endswith("&"):
            said = f"ready-{number}"
            script.append(f"{line.rstrip()[:-1]} >{said} 2>>log &")
            script.append(f"for n in $(seq 300); do grep -q ready {said} && break; sleep 0.1; done")
            script.append(f"grep ready {said}")
        else:
            script.append(line)
    own = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-rn"]
    done = subprocess.run(
        [*own, "bash", "-c", "\n".join(script)], cwd=folder, capture_output=True, text=True,
        timeout=120, check=False, env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_tls_and_tokens(tmp_path):
    said = follow(tmp_path, commands("TLS and tokens"))
    assert "ready grpc=0.0.0.0:50051" in said
    assert (tmp_path / "certs/ca.pem").exists() and (tmp_path / "secured").is_dir()


def test_backup_and_restore(tmp_path):
    said = follow(tmp_path, commands("Backup and restore"))
    assert "monday" in said and "ready grpc=127.0.0.1:50052" in said
    assert (tmp_path / "restored").is_dir()


def test_logs_and_settings(tmp_path):
    assert "the settings can be used" in follow(tmp_path, commands("Logs"))
    lines = [line.replace("/etc/bowerbird/bowerbird.yaml", f"{ROOT}/Documentation/Operations/bowerbird.yaml")
             for line in commands("Settings")]
    said = follow_again(tmp_path, lines)
    assert "the settings can be used" in said and "data-directory: /var/lib/bowerbird" in said


def follow_again(folder, lines):
    (folder / "again").mkdir()
    return follow(folder / "again", lines)


def test_every_bound_of_the_page_is_a_setting():
    keys = set(re.findall(r"^#? ?([a-z][a-z-]+): ", (PAGE.parent / "bowerbird.yaml").read_text(), re.MULTILINE))
    others = {"grpc-retry-pushback-ms", "x-request-id"}
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE.read_text()))
    assert named - keys == others
