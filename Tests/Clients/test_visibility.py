"""What was acknowledged is seen by the very next read, by 64 clients that write and read at once."""

import json
import os
import struct
import threading
import time

from conftest import Client, Server, make_group
from http2.peer import Peer, fields
from test_crash_mixed import event
from test_exploration import campaign_of
from test_flow import import_events
from test_single_records import get_item

CLIENTS = 64
SECONDS = 60 if os.environ.get("BOWERBIRD_TEST_ALL") else 5
START = 1_700_000_000
# Upper ends of the histogram's steps, in ms.
STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, float("inf")]


class Reader:
    """A client that writes something and reads it at once, again and again."""

    def __init__(self, server, protos, group, campaign, number):
        self.client = Client(protos, server.make_channel())
        self.p, self.group, self.campaign = protos, group, campaign
        self.user = f"seer-{number}"
        self.stale, self.times, self.error = [], [], None

    def run(self, until):
        n = 0
        try:
            while time.monotonic() < until:
                for check in (self.history, self.property, self.exclusion, self.position):
                    acknowledged = check(n)
                    if acknowledged is not None:
                        self.times.append(time.monotonic() - acknowledged)
                n += 1
        except Exception as error:  # noqa: BLE001
            self.error = error

    def put(self, item, second):
        answer = self.client.events.PutEvents(self.p.events.PutEventsRequest(
            dataset_group=self.group, user_id=self.user, session_id=f"s-{self.user}",
            event_list=[event(self.p, item, START + second)]), timeout=30)
        return time.monotonic(), answer.position

    def history(self, n):
        item = f"{self.user}-{n}"
        # The newest of the user, which is first.
        at, _ = self.put(item, 1_000_000 + n)
        r = self.p.records
        page = self.client.records.ListInteractions(r.ListInteractionsRequest(
            dataset_group=self.group, user_id=self.user, page_size=1), timeout=30)
        if page.interactions[0].event.item_id != item:
            self.stale.append(("history", n))
        return at

    def property(self, n):
        item, price = f"{self.user}-item", n + 1
        request = self.p.events.PutItemsRequest(dataset_group=self.group)
        request.items.add(item_id=item, properties=json.dumps(
            {"genres": self.user, "price": price}))
        self.client.events.PutItems(request, timeout=30)
        at = time.monotonic()
        if get_item(self.client, self.group, item)["price"] != price:
            self.stale.append(("property", n))
        # And what filters see: one item of this genre, at this price and no other.
        for bound, count in [(price, 1), (price + 1, 0)]:
            answer = self.client.recommend(
                self.campaign, self.user, 1,
                filter_expression=f'INCLUDE ItemID WHERE Items.GENRES IN ("{self.user}") '
                                  f"AND Items.PRICE >= {bound}")
            if answer.eligible_count != count:
                self.stale.append(("filter", n, bound, answer.eligible_count))
        return at

    def exclusion(self, n):
        item = f"m-{n % 12}"
        at, position = self.put(item, 100_000 + n)
        answer = self.client.recommend(
            self.campaign, self.user, 100, exclude_interacted=True)
        if item in [one.item_id for one in answer.item_list] or answer.position < position:
            self.stale.append(("exclusion", n))
        return at

    def position(self, n):
        """An answer is of one state: two items that are always put together have one price."""
        request = self.p.events.PutItemsRequest(dataset_group=self.group)
        for side in "ab":
            request.items.add(item_id=f"pair-{side}", properties=json.dumps(
                {"genres": "pair", "price": n % 7}))
        self.client.events.PutItems(request, timeout=30)
        for price in range(0, 7, 3):
            answer = self.client.recommend(
                self.campaign, self.user, 2,
                filter_expression='INCLUDE ItemID WHERE Items.GENRES IN ("pair") '
                                  f"AND Items.PRICE = {price}")
            if answer.eligible_count not in (0, 2):
                self.stale.append(("half a write", n))
        return None


def test_no_read_is_stale_and_each_is_of_one_state(protos, tmp_path, capsys):
    server = Server(tmp_path / "data")
    server.start()
    try:
        client = Client(protos, server.channel)
        group = make_group(client, "seen")
        import_events(client, group)
        campaign = campaign_of(client, group, weight=0)
        readers = [Reader(server, protos, group, campaign, n) for n in range(CLIENTS)]
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=reader.run, args=(until,)) for reader in readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [reader.error for reader in readers if reader.error] == []
        stale = [one for reader in readers for one in reader.stale]
        times = sorted(1_000 * one for reader in readers for one in reader.times)
        assert not stale, (len(stale), len(times), stale[:10])
        assert len(times) > CLIENTS
        with capsys.disabled():
            print(f"\nvisible: {len(times)} writes of {CLIENTS} clients in {SECONDS} s, none stale; "
                  "from acknowledgement to the end of the read that saw it:")
            low = 0
            for step in STEPS:
                count = sum(low <= one < step for one in times)
                if count:
                    print(f"visible: < {step:>6} ms {count:>7}")
                low = step
    finally:
        server.stop()


def test_who_waits_for_what_never_comes_takes_no_place_from_others(protos, shared_server):
    """20,000 calls that give up, more than may wait, and then one that need not wait long."""
    client = Client(protos, shared_server.channel)
    made = client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="waiting", starter=True), timeout=10
    )
    group = made.dataset_group.resource_name
    position = client.put_event(group, "u", "i", START).position
    question = protos.recommendations.GetRecommendationsRequest(
        campaign=made.campaign, user_id="u", min_position=2**62
    ).SerializeToString()
    peer = Peer(shared_server.address)
    call = [("grpc-timeout", "1m")]
    path = "/bowerbird.v1.RecommendationsService/GetRecommendations"
    body = struct.pack(">BI", 0, len(question)) + question
    for first in range(1, 40_001, 400):
        for stream in range(first, first + 400, 2):
            peer.head(stream, fields(*call, path=path))
            peer.body(stream, body)
        peer.until(
            lambda: all(peer.answer(n).is_ended for n in range(first, first + 400, 2)), "deadlines"
        )
        peer.answers.clear()
        peer.frames.clear()
    peer.close()
    stub = client.recommendations.GetRecommendations
    soon = stub.future(protos.recommendations.GetRecommendationsRequest(
        campaign=made.campaign, user_id="u", min_position=position + 20), timeout=10)
    for second in range(1, 31):
        client.put_event(group, "u", "j", START + second)
    assert soon.result().position >= position + 20
