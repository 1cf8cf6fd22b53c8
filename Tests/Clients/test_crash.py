"""Nothing that was acknowledged is lost: kill -9 in the middle of concurrent writers."""

import os
import threading

import grpc
from conftest import Client, Server

KILLS = 100 if os.environ.get("BOWERBIRD_TEST_ALL") else 20
WRITERS = 4


def write_until_killed(protos, address, writer, round_number, start, acknowledged):
    """Puts calls of three events, one after the other, and notes each that was answered."""
    with grpc.insecure_channel(address) as channel:
        client = Client(protos, channel)
        for number in range(10_000):
            items = [f"i-{writer}-{round_number}-{number}-{n}" for n in range(3)]
            events = []
            for n, item in enumerate(items):
                event = protos.events.Event(event_type="view", item_id=item)
                event.sent_at.FromMilliseconds(start + number * 10 + n)
                events.append(event)
            request = protos.events.PutEventsRequest(
                dataset_group="datasetGroups/crash", user_id=f"u-{writer}-{round_number}",
                session_id="s", event_list=events,
            )
            try:
                position = client.events.PutEvents(request, timeout=5).position
            except grpc.RpcError:
                return
            acknowledged.append((request, position))


def test_nothing_acknowledged_is_lost_and_nothing_is_half_applied(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    client = Client(protos, server.channel)
    client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="crash", starter=True)
    )
    campaign = "datasetGroups/crash/campaigns/default"
    last_position = 0
    total = 0
    for kill in range(KILLS):
        logs = [[] for _ in range(WRITERS)]
        threads = [
            threading.Thread(
                target=write_until_killed,
                args=(protos, server.address, n, kill, 1_700_000_000_000 + kill * 10**6, logs[n]),
            )
            for n in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        while sum(map(len, logs)) < 20 + kill % 7 * 5 and any(t.is_alive() for t in threads):
            threads[0].join(timeout=0.005)
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        client = Client(protos, server.channel)
        acknowledged = [one for log in logs for one in log]
        assert acknowledged
        total += len(acknowledged)
        highest = max(position for _, position in acknowledged)
        assert highest > last_position
        answer = client.recommend(campaign, "nobody", count=1)
        assert answer.position >= highest
        last_position = answer.position
        # Each acknowledged call is known in all its events: sent again, it adds nothing.
        for request, _ in acknowledged:
            again = client.events.PutEvents(request)
            assert (again.applied_count, again.duplicate_count) == (0, 3)
        # A call that was not acknowledged is there as a whole or not at all.
        assert client.recommend(campaign, "nobody", count=1).eligible_count % 3 == 0
    assert total >= KILLS * 20
    server.stop()
