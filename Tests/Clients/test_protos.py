"""The protos by the rules that their users' linters have (buf's STANDARD), which is not in Debian."""

import pathlib
import re

import pytest
from conftest import ROOT
from google.protobuf import descriptor_pb2

LOWER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PASCAL = re.compile(r"([A-Z][a-z0-9]*)+")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Our files, with their comments."""
    from grpc_tools import protoc

    out = tmp_path_factory.mktemp("set") / "set.binpb"
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    names = sorted(str(path.relative_to(ROOT / "Protos")) for path in (ROOT / "Protos/bowerbird").rglob("*.proto"))
    assert protoc.main(["protoc", f"-I{ROOT / 'Protos'}", f"-I{include}", "--include_source_info",
                        f"--descriptor_set_out={out}", *names]) == 0
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file


def messages(file):
    pending = list(file.message_type)
    while pending:
        message = pending.pop()
        pending += message.nested_type
        if not message.options.map_entry:
            yield message


def enums(file):
    return [*file.enum_type, *(enum for message in messages(file) for enum in message.enum_type)]


def upper(name):
    """SOME_NAME of SomeName."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).upper()


def test_files_are_where_their_package_says(files):
    assert len(files) > 8
    for file in files:
        assert file.package == "bowerbird.v1" and file.syntax == "proto3"
        assert file.name.rpartition("/")[0] == file.package.replace(".", "/")
        assert LOWER.fullmatch(pathlib.Path(file.name).stem)
        assert not file.public_dependency and not file.weak_dependency
    assert len({file.options.go_package for file in files}) == 1


def test_names_have_their_case(files):
    for file in files:
        for message in messages(file):
            assert PASCAL.fullmatch(message.name), message.name
            for field in message.field:
                assert LOWER.fullmatch(field.name), f"{message.name}.{field.name}"
            for one in message.oneof_decl:
                assert LOWER.fullmatch(one.name.lstrip("_")), f"{message.name}.{one.name}"


def test_enums_begin_with_nothing_and_name_themselves(files):
    for file in files:
        for enum in enums(file):
            assert PASCAL.fullmatch(enum.name)
            assert not enum.options.allow_alias
            assert (enum.value[0].number, enum.value[0].name) == (0, f"{upper(enum.name)}_UNSPECIFIED")
            for value in enum.value:
                assert value.name.startswith(upper(enum.name) + "_"), value.name


def test_every_method_has_messages_of_its_own(files):
    seen = set()
    for file in files:
        for service in file.service:
            assert PASCAL.fullmatch(service.name) and service.name.endswith("Service")
            for method in service.method:
                assert PASCAL.fullmatch(method.name)
                assert method.input_type == f".bowerbird.v1.{method.name}Request"
                assert method.output_type == f".bowerbird.v1.{method.name}Response"
                assert not {method.input_type, method.output_type} & seen, method.name
                seen |= {method.input_type, method.output_type}
    assert len(seen) > 80


def test_every_service_and_method_says_what_it_is(files):
    for file in files:
        said = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
        for index, service in enumerate(file.service):
            assert (6, index) in said, service.name
            for number, method in enumerate(service.method):
                assert (6, index, 2, number) in said, f"{service.name}.{method.name}"
