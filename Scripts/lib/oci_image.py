"""Writes an OCI image as a tarball: `oci_image.py ROOT_FOLDER TARBALL VERSION REVISION EPOCH ARCHITECTURE`.

One layer of the folder, every file root's and of one time, so the same input gives the same bytes.
No container engine takes part: the form is three JSON documents and a tar.
"""

import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile
from datetime import datetime, timezone

# As in distroless images: nobody in particular.
USER = 65532
DATA = "var/lib/bowerbird"


def tar_of(entries, epoch):
    """Entries of (name, bytes or None for a folder, mode, owner), as a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, mode, owner in entries:
            info = tarfile.TarInfo(name)
            info.mtime, info.mode, info.uid, info.gid = epoch, mode, owner, owner
            if content is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def layer_entries(root):
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        owner = USER if name == DATA else 0
        if path.is_dir():
            yield name, None, 0o700 if name == DATA else 0o755, owner
        else:
            yield name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644, owner


def main():
    root, tarball, version, revision, epoch, architecture = sys.argv[1:]
    epoch = int(epoch)
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    blobs = {}

    def blob(content, kind):
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}",
                "size": len(content)}

    layer = tar_of(layer_entries(pathlib.Path(root)), epoch)
    packed = blob(gzip.compress(layer, mtime=0), "layer.v1.tar+gzip")
    labels = {
        "org.opencontainers.image.title": "bowerbird",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    config = {
        "created": created, "architecture": architecture, "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": ["/usr/bin/bowerbird-server"],
            "Cmd": ["--config", "/etc/bowerbird/bowerbird.yaml"],
            "Env": ["PATH=/usr/bin"],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "ExposedPorts": {"50051/tcp": {}, "9464/tcp": {}},
            "Volumes": {f"/{DATA}": {}, "/tmp": {}},
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": created, "created_by": "Scripts/package"}],
    }
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config, sort_keys=True).encode(), "config.v1+json"),
        "layers": [packed], "annotations": labels,
    }
    described = blob(json.dumps(manifest, sort_keys=True).encode(), "manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": version}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
             "manifests": [described]}
    entries = [
        ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', 0o644, 0),
        ("index.json", json.dumps(index, sort_keys=True).encode(), 0o644, 0),
        ("blobs", None, 0o755, 0), ("blobs/sha256", None, 0o755, 0),
    ]
    entries += [(f"blobs/sha256/{digest}", content, 0o644, 0)
                for digest, content in sorted(blobs.items())]
    pathlib.Path(tarball).write_bytes(tar_of(entries, epoch))


main()
