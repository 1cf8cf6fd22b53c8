"""A budget of memory: records are refused in time, and everything else goes on."""

import json
import re
import subprocess
import threading
import time

import grpc
import pytest
from conftest import Client, Server, make_group, server_binary
from test_exploration import campaign_of
from test_flow import import_events

MIB = 1 << 20


@pytest.fixture
def small(tmp_path):
    server = Server(tmp_path / "data", "--memory-budget", "128MiB")
    server.start()
    yield server
    server.stop()


def fill(client, group, refused, seconds=120):
    """Puts users with long properties until they are refused; how many there are."""
    e = client.p.events
    text = "x" * 980
    deadline = time.monotonic() + seconds
    batch = 0
    while time.monotonic() < deadline:
        request = e.PutItemsRequest(dataset_group=group)
        for n in range(1000):
            request.items.add(item_id=f"i{batch}-{n}", properties=json.dumps(
                {"genres": f"{batch}-{n}-{text}"}))
        try:
            client.events.PutItems(request, timeout=20)
        except grpc.RpcError as error:
            refused.append(error)
            return batch
        batch += 1
    pytest.fail("nothing was refused")


def test_records_are_refused_before_memory_ends_and_all_else_goes_on(protos, small):
    client = Client(protos, small.channel)
    group = make_group(client, "shop")
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    before = client.list_of(campaign, "user-1")
    refused = []
    batches = fill(client, group, refused)
    assert batches > 5
    error = refused[0]
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "budget of 128 MiB" in error.details()
    # Within a batch or two of the budget, and far from the end of the machine.
    assert small.metric("bowerbird_memory_resident_bytes") < 180 * MIB
    assert small.metric("bowerbird_memory_budget_bytes") == 128 * MIB

    deadline = time.monotonic() + 20
    while True:
        with pytest.raises(grpc.RpcError) as caught:
            client.put_event(group, "user-1", "x", 1_700_000_000)
        found = re.search(r"most is in (\w+) (\d+) MiB", caught.value.details())
        if found and int(found[2]) > 20:
            break
        assert time.monotonic() < deadline, caught.value.details()
        time.sleep(0.1)
    assert found[1] in ("item_records", "item_columns", "store")
    assert client.list_of(campaign, "user-1") == before
    assert client.records.GetItem(protos.records.GetItemRequest(
        dataset_group=group, item_id="i0-0"), timeout=10).item.item_id == "i0-0"

    # What is deleted makes room, without a restart.
    d = protos.datasets
    c = protos.campaigns
    for one in client.campaigns.ListCampaigns(
            c.ListCampaignsRequest(dataset_group=group), timeout=10).campaigns:
        client.campaigns.DeleteCampaign(
            c.DeleteCampaignRequest(campaign=one.resource_name), timeout=10)
    client.datasets.DeleteDataset(
        d.DeleteDatasetRequest(dataset=f"{group}/datasets/items"), timeout=20)
    deadline = time.monotonic() + 30
    while True:
        try:
            client.put_event(group, "user-1", "x", 1_700_000_000)
            break
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert time.monotonic() < deadline, error.details()
            time.sleep(0.2)


def test_what_is_counted_grows_with_what_is_put(protos, tmp_path):
    server = Server(tmp_path / "data", "--memory-budget", "0")
    server.start()
    try:
        client = Client(protos, server.channel)
        group = make_group(client, "shop")

        def put(worker):
            mine, e = Client(protos, server.make_channel()), protos.events
            for call in range(20):
                request = e.PutRecordsRequest(dataset_group=group)
                for n in range(1000):
                    record = request.records.add().interaction
                    record.user_id = f"user-{worker}-{call}"
                    record.event.event_type = "view"
                    record.event.item_id = f"i{n}"
                    record.event.sent_at.FromSeconds(1_700_000_000 + n)
                mine.events.PutRecords(request, timeout=60)

        writers = [threading.Thread(target=put, args=(worker,)) for worker in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

        def series(name):
            return server.metric(f'bowerbird_memory_bytes{{structure="{name}"}}')

        deadline = time.monotonic() + 60
        # 80,000 events of 12 bytes, in blocks that are at least 4/5 full once they have grown; and
        # 80 users. What was counted last may be older than the last record.
        while not (80_000 * 12 <= series("histories") <= 16 * 65_536 * 12 * 2
                   and series("owners") > 80 * 64):
            assert time.monotonic() < deadline, (series("histories"), series("owners"))
            time.sleep(0.5)
        assert series("identifiers") > 1_000 * 8
        assert series("store") > 80_000 * 20
        total = sum(
            float(line.rpartition(" ")[2])
            for line in server.admin_get("/metrics")[1].splitlines()
            if line.startswith("bowerbird_memory_bytes{"))
        assert total < 64 * MIB
    finally:
        server.stop()


def test_amounts_of_memory_are_checked(tmp_path):
    for text, words in [("12", "less than the 128 MiB"), ("4 apples", "no amount of memory")]:
        done = subprocess.run(
            [server_binary(), "--memory-budget", text, "--check-config"],
            capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode != 0 and words in done.stderr, done.stderr
