"""What `Scripts/package` makes: the same bytes twice, and each installed or started as its users do."""

import filecmp
import json
import os
import pathlib
import subprocess
import tarfile

import pytest
from conftest import ROOT
from google.protobuf import descriptor_pb2, descriptor_pool

HERE = pathlib.Path(__file__).parent / "packages"

pytestmark = pytest.mark.skipif(
    not os.environ.get("BOWERBIRD_TEST_ALL"), reason="builds packages; Scripts/test --all does"
)


def run(*command, seconds=120, **options):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=seconds, check=False, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    out = tmp_path_factory.mktemp("packages")
    run(ROOT / "Scripts/package", "--out", out, seconds=3_000)
    return out


@pytest.fixture(scope="module")
def deb(packages):
    (deb,) = packages.glob("bowerbird_*.deb")
    return deb


@pytest.fixture(scope="module")
def rootfs(packages, tmp_path_factory):
    """The image, unpacked by a tool for images."""
    folder = tmp_path_factory.mktemp("image")
    (image,) = packages.glob("*.oci.tar")
    with tarfile.open(image) as tar:
        tar.extractall(folder / "layout", filter="data")
    index = json.loads((folder / "layout/index.json").read_text())
    tag = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
    run("umoci", "unpack", "--image", f"{folder}/layout:{tag}", folder / "bundle")
    return folder / "bundle"


def test_the_same_sources_give_the_same_bytes(packages, tmp_path):
    run(ROOT / "Scripts/package", "--out", tmp_path, seconds=3_000)
    names = sorted(path.name for path in packages.iterdir())
    assert len(names) == 3
    assert filecmp.cmpfiles(packages, tmp_path, names, shallow=False)[0] == names


def test_the_protos_are_whole_and_described(packages, tmp_path):
    (tarball,) = packages.glob("bowerbird-protos_*.tar.gz")
    with tarfile.open(tarball) as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.proto"))
    assert "bowerbird/v1/recommendations.proto" in files
    run("protoc", f"-I{folder}", "--descriptor_set_out=/dev/null", *files, cwd=folder)
    described = descriptor_pb2.FileDescriptorSet.FromString(
        (folder / "bowerbird.binpb").read_bytes()
    )
    assert set(files) <= {file.name for file in described.file}
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    service = pool.FindServiceByName("bowerbird.v1.RecommendationsService")
    assert service.FindMethodByName("GetRecommendations") is not None


def test_the_package_depends_on_what_it_loads(deb):
    depends = run("dpkg-deb", "-f", deb, "Depends")
    for library in ("libc6", "librocksdb", "libnghttp2", "libssl", "adduser"):
        assert library in depends
    listing = run("dpkg-deb", "-c", deb)
    owners = {line.split()[1] for line in listing.splitlines()}
    assert owners == {"root/root"}
    assert "./DEBIAN" not in listing


def test_the_unit_is_walled_in(deb, tmp_path):
    run("dpkg-deb", "-x", deb, tmp_path)
    unit = tmp_path / "lib/systemd/system/bowerbird.service"
    said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
    assert "OK" in said.splitlines()[-1]


def test_the_package_is_installed_run_upgraded_and_removed(deb, tmp_path):
    said = run("unshare", "-mnpf", HERE / "install.sh", deb, tmp_path)
    lines = [line.removeprefix("install: ") for line in said.splitlines() if "install: " in line]
    assert "owner 700 bowerbird" in lines
    for line in ("unit verified", "manuals", "completions", "the settings can be used", "stopped",
                 "data of bowerbird", "upgraded, settings kept", "removed, data and settings kept",
                 "no user", "left: "):
        assert line in lines, said
    assert any(line.startswith("ready grpc=127.0.0.1:50051 admin=127.0.0.1:9464") for line in lines)
    assert any(line.startswith("status: ") and "serving" in line.lower() for line in lines), said


def test_the_image_runs_without_root_on_files_that_stay_as_they_are(rootfs):
    config = json.loads((rootfs / "config.json").read_text())
    assert config["process"]["user"]["uid"] == 65532
    assert config["process"]["args"][0] == "/usr/bin/bowerbird-server"
    command = ["unshare", "-mnpf", "--kill-child", str(HERE / "contain.sh"), str(rootfs / "rootfs")]
    checked = subprocess.run(
        [*command, "/usr/bin/bowerbird-server", "--ephemeral", "--listen", "127.0.0.1:0",
         "--data-directory", "", "--check-config"],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert checked.stdout == "the settings can be used\n", checked.stderr
    with subprocess.Popen(
        [*command, "/usr/bin/bowerbird-server", "--data-directory", "/var/lib/bowerbird/data",
         "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:
        assert process.stdout.readline().startswith("ready grpc=127.0.0.1:")
        process.kill()
    with subprocess.Popen(
        [*command, "/usr/bin/bowerbird-server", "--data-directory", "/data", "--listen",
         "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:
        _, complaint = process.communicate(timeout=60)
    assert process.returncode != 0 and "/data" in complaint


def test_the_image_holds_no_shell_and_asks_for_keys(rootfs):
    files = {str(path.relative_to(rootfs / "rootfs")) for path in (rootfs / "rootfs").rglob("*")}
    assert not any(name.endswith(("/sh", "/bash", "/dpkg")) for name in files)
    settings = (rootfs / "rootfs/etc/bowerbird/bowerbird.yaml").read_text()
    for line in ("listen: '0.0.0.0:50051'", "tls-certificate: ", "tls-key: ", "token-file: "):
        assert f"\n{line}" in settings
