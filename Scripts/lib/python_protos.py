"""Makes the Python modules of our protos, as any user would make them."""

import importlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def generate(out):
    """Writes the modules to `out`, which becomes importable."""
    from grpc_tools import protoc

    files = sorted(
        str(p.relative_to(ROOT / "Protos")) for p in (ROOT / "Protos/bowerbird").rglob("*.proto")
    )
    include = pathlib.Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    code = protoc.main(
        ["protoc", f"-I{ROOT / 'Protos'}", f"-I{include}", f"--python_out={out}",
         f"--grpc_python_out={out}", *files]
    )
    assert code == 0
    sys.path.insert(0, str(out))
