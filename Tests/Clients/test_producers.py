"""Batches that are sent again: by a client that got no answer, over kills of the server."""

import os
import socket
import subprocess


import grpc
import pytest

from conftest import Client, Server, bad_fields
from test_single_records import interactions, make_shop

CLI = os.environ.get("BOWERBIRD_CLI_BINARY", "")


@pytest.fixture
def shop(client):
    return make_shop(client)


def record(client, user, item, seconds):
    event = client.p.events.Event(event_type="click", item_id=item)
    event.sent_at.FromSeconds(seconds)
    return client.p.events.Record(
        interaction=client.p.events.Interaction(user_id=user, event=event)
    )


def put(client, group, batch_id, records, producer="p", partial=True):
    return client.events.PutRecords(
        client.p.events.PutRecordsRequest(
            dataset_group=group, producer_id=producer, batch_id=batch_id, records=records,
            allow_partial=partial,
        ),
        timeout=10,
    )


def test_a_repeated_batch_gets_the_first_answer_and_changes_nothing(client, shop):
    # Put again after a replacement, the item must stay replaced.
    red = client.p.events.Item(item_id="a", properties='{"color": "red"}')
    records = [client.p.events.Record(item=red), record(client, "", "bad", 1)]
    first = put(client, shop, 7, records)
    assert first.applied_count == 1 and [one.index for one in first.rejected] == [1]
    blue = client.p.events.Item(item_id="a", properties='{"color": "blue"}')
    put(client, shop, 8, [client.p.events.Record(item=blue)])
    assert put(client, shop, 7, records) == first
    request = client.p.records.GetItemRequest(dataset_group=shop, item_id="a")
    assert client.records.GetItem(request, timeout=10).item.properties == '{"color":"blue"}'
    with pytest.raises(grpc.RpcError) as refused:
        put(client, shop, 7, records[:1])
    assert refused.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert [one.field for one in bad_fields(refused.value)] == ["batch_id"]


@pytest.mark.parametrize(
    "producer, batch_id, field",
    [("p", 0, "batch_id"), ("", 1, "producer_id"), ("p" * 257, 1, "producer_id")],
)
def test_producer_and_number_go_together(client, shop, producer, batch_id, field):
    with pytest.raises(grpc.RpcError) as refused:
        put(client, shop, batch_id, [record(client, "u", "a", 1)], producer)
    assert [one.field for one in bad_fields(refused.value)] == [field]


def test_a_stream_is_answered_as_the_first_time_over_a_kill(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        client = Client(protos, server.channel)
        shop = make_shop(client)

        def batches(numbers):
            for number in numbers:
                yield client.p.events.StreamRecordsRequest(
                    dataset_group=shop if number == numbers[0] else "",
                    producer_id="phone" if number == numbers[0] else "", batch_id=number,
                    records=[record(client, f"u{n}", f"i{number}", 1_600_000_000) for n in range(3)],
                )

        first = list(client.events.StreamRecords(batches(range(1, 40)), timeout=20))
        server.kill()
        client = Client(protos, server.start().channel)
        again = list(client.events.StreamRecords(batches(range(30, 50)), timeout=20))
        assert again[:10] == first[29:]
        assert len(interactions(client, shop, 1000, user_id="u0")) == 49
        with pytest.raises(grpc.RpcError) as refused:
            put(client, shop, 30, [record(client, "u", "a", 1)], "phone")
        assert refused.value.code() == grpc.StatusCode.ALREADY_EXISTS
    finally:
        server.stop()


def test_an_import_goes_on_when_the_server_is_killed_in_its_middle(protos, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = Server(tmp_path / "data", "--listen", address).start()
    try:
        client = Client(protos, grpc.insecure_channel(address))
        shop = make_shop(client)
        rows, users = 40_000, 500
        file = tmp_path / "rows.csv"
        lines = (f"u{n % users},i{n % 977},{1_600_000_000 + n}" for n in range(rows))
        file.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "\n".join(lines) + "\n")
        # With two batches of 500 rows under way, 2,500 rows are there only once the import has had an
        # answer, without which it takes the server for one that was never there.
        command = [CLI, "import", shop, "interactions", str(file), "--server", address]
        command += ["--in-flight", "2"]
        importing = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        kills = 0
        while kills < 2 and importing.poll() is None:
            # Each time some thousands of rows further.
            client = Client(protos, grpc.insecure_channel(address))
            before = len(interactions(client, shop, 1000, user_id="u0"))
            while importing.poll() is None:
                if len(interactions(client, shop, 1000, user_id="u0")) > before + 5:
                    break
            server.kill()
            kills += 1
            server.start()
        said, _ = importing.communicate(timeout=100)
        assert importing.returncode == 0 and kills > 0, said
        assert said.startswith(f"{rows} rows: {rows} applied, 0 known, 0 refused"), said
        client = Client(protos, grpc.insecure_channel(address))
        for user in range(0, users, 50):
            found = interactions(client, shop, 1000, user_id=f"u{user}")
            assert [one.event.sent_at.seconds - 1_600_000_000 for one in found] == list(
                range(rows - users + user, -1, -users)
            )
    finally:
        server.stop()
