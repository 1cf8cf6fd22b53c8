"""Backups of a server that works, and servers made of them."""

import os
import pathlib
import threading
import time

import grpc
import pytest
from conftest import Client, Server, make_group
from test_cli import run
from test_exploration import campaign_of
from test_flow import START, import_events
from test_single_records import get_item


class Keeper(Server):
    """A server that may make backups."""

    def __init__(self, tmp_path, *flags):
        self.root = tmp_path / "backups"
        self.root.mkdir()
        super().__init__(tmp_path / "data", "--backup-root", str(self.root), *flags)
        self.start()


@pytest.fixture
def keeper(tmp_path):
    server = Keeper(tmp_path)
    yield server
    server.stop()


def backup(client, name="", timeout=60):
    request = client.p.operations.CreateBackupRequest(name=name)
    return client.operations.CreateBackup(request, timeout=timeout).backup


def has_item(client, group, item, price):
    try:
        return get_item(client, group, item) == {"price": price}
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
        return False


def restored(protos, source, directory):
    run("restore", str(source), str(directory))
    server = Server(directory)
    server.start()
    return server, Client(protos, server.channel)


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it(protos, keeper, tmp_path):
    client = Client(protos, keeper.channel)
    group = make_group(client, "shop")
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    acknowledged, stop, errors = [], threading.Event(), []

    def write(worker):
        mine, n = Client(protos, keeper.make_channel()), 0
        while not stop.is_set():
            item = f"w{worker}-{n}"
            try:
                request = protos.events.PutItemsRequest(dataset_group=group)
                request.items.add(item_id=item, properties=f'{{"price":{n}}}')
                position = mine.events.PutItems(request, timeout=10).position
            except grpc.RpcError as error:
                errors.append(error)
                return
            acknowledged.append((position, item, n))
            n += 1

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for writer in writers:
        writer.start()
    while len(acknowledged) < 200:
        time.sleep(0.01)
    made = []
    for n in range(3):
        before = list(acknowledged)
        made.append((backup(client, f"b{n}"), before))
    stop.set()
    for writer in writers:
        writer.join()
    assert not errors
    lists = client.list_of(campaign, "user-1")

    for number, (one, before) in enumerate(made):
        assert one.name == f"b{number}" and one.byte_count > 0
        assert pathlib.Path(one.path).parent == keeper.root
        server, copy = restored(protos, one.path, tmp_path / f"copy{number}")
        try:
            known = {item for _, item, _ in before}
            for position, item, price in acknowledged:
                is_there = has_item(copy, group, item, price)
                assert is_there or item not in known
                # The copy is of one position: nothing above it, everything up to it.
                assert is_there == (position <= one.position)
            assert copy.list_of(campaign, "user-1") == lists
            # The log goes on from there.
            put = copy.put_event(group, "user-1", "w0-0", START + 999)
            assert put.position == one.position + 1
        finally:
            server.stop()
    listed = client.operations.ListBackups(protos.operations.ListBackupsRequest()).backups
    assert [one.position for one in listed] == [one.position for one, _ in made]


def test_what_is_no_backup_or_no_new_place_is_refused(protos, keeper, tmp_path):
    client = Client(protos, keeper.channel)
    one = backup(client)
    assert len(one.name) == 15 and one.name[8] == "-"
    for name, code in [
        (one.name, grpc.StatusCode.ALREADY_EXISTS), ("../x", grpc.StatusCode.INVALID_ARGUMENT),
        ("x" * 64, grpc.StatusCode.INVALID_ARGUMENT),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            backup(client, name)
        assert caught.value.code() == code
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    assert "not empty" in run("restore", one.path, str(full), expect=1).stderr
    assert [path.name for path in full.iterdir()] == ["mine"]
    assert "no backup" in run("restore", str(full), str(tmp_path / "new"), expect=1).stderr
    table = next(pathlib.Path(one.path).glob("*.sst"))
    os.truncate(table, table.stat().st_size - 1)
    said = run("restore", one.path, str(tmp_path / "new"), expect=1).stderr
    assert table.name in said and "nothing was restored" in said
    assert not (tmp_path / "new").exists() and not (tmp_path / "new.restoring").exists()


def test_the_cli_makes_and_lists_backups(protos, keeper):
    made = run("backup", "first", server=keeper.address)
    assert str(keeper.root / "first") in made.stdout and "position" in made.stdout
    run("backup", server=keeper.address)
    listed = run("backup", "--list", server=keeper.address).stdout.splitlines()
    assert len(listed) == 2 and listed[1].startswith(str(keeper.root / "first"))


def test_a_server_without_a_place_for_backups_says_so(protos, durable_server):
    client = Client(protos, durable_server.channel)
    with pytest.raises(grpc.RpcError) as caught:
        backup(client)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "--backup-root" in caught.value.details()
