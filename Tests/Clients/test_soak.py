"""Ten minutes of everything at once, as fast as it goes: memory and file descriptors stay where they are."""

import os
import statistics
import threading
import time

import grpc
import pytest
from conftest import Client, Server
from test_hostile import connect

SECONDS = int(os.environ.get("BOWERBIRD_SOAK_SECONDS", "600"))
# Histories of the events that are put meanwhile, and what the allocator keeps.
GROWTH_BYTES = 32 << 20
USERS, ITEMS = 500, 200

pytestmark = pytest.mark.skipif(
    not os.environ.get("BOWERBIRD_TEST_ALL"), reason="takes ten minutes; Scripts/test --all runs it"
)


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data").start()
    yield server
    server.stop()


class Load:
    """Threads that each do one kind of thing until told to stop, and count what they did."""

    def __init__(self):
        self.is_over = threading.Event()
        self.done = {}
        self.errors = []
        self.threads = []

    def start(self, name, work, count=1):
        self.done[name] = 0

        def run(number):
            step = 0
            while not self.is_over.is_set():
                try:
                    work(number, step)
                    self.done[name] += 1
                except Exception as error:  # noqa: BLE001
                    self.errors.append(f"{name}: {error!r}"[:300])
                    time.sleep(0.1)
                step += 1

        for number in range(count):
            self.threads.append(threading.Thread(target=run, args=(number,), daemon=True))
            self.threads[-1].start()

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(timeout=30)


def test_memory_and_descriptors_stay_flat(protos, server):
    client = Client(protos, server.channel)
    made = client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="shop", starter=True), timeout=10
    )
    group, campaign = made.dataset_group.resource_name, made.campaign
    e = protos.events

    def put(user, number):
        # The same ids again and again: what is kept does not grow.
        event = e.Event(
            event_type="view", item_id=f"i-{(user * 7 + number) % ITEMS}", event_id=f"e-{user}-{number}"
        )
        event.sent_at.seconds = 1_600_000_000 + user * 10 + number
        client.events.PutEvents(
            e.PutEventsRequest(
                dataset_group=group, user_id=f"u-{user}", session_id=f"u-{user}", event_list=[event]
            ), timeout=30,
        )

    for user in range(USERS):
        put(user, user % 10)

    def write(number, step):
        put((step * 4 + number) % USERS, (step * 4 + number) % USERS % 10)

    def write_item(_, step):
        item = e.Item(item_id=f"i-{step % ITEMS}", properties='{"GENRE": "g%d"}' % (step % 5))
        client.events.PutItems(e.PutItemsRequest(dataset_group=group, items=[item]), timeout=30)

    def read(number, step):
        client.recommend(campaign, f"u-{(step * 3 + number) % USERS}", 25)

    def come_and_go(_, step):
        with grpc.insecure_channel(
            server.address, options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            Client(protos, channel).list_of(campaign, f"u-{step % USERS}")

    fickle = Client(protos, server.make_channel())

    def cancel(_, step):
        # Not faster: a client that only cancels is taken for a flood.
        time.sleep(0.02)
        call = fickle.recommendations.GetRecommendations.future(
            protos.recommendations.GetRecommendationsRequest(
                campaign=campaign, user_id=f"u-{step % USERS}"
            ), timeout=10,
        )
        call.cancel()

    def leave_half_way(_, step):
        peer = connect(server)
        peer.sendall(b"\0\0\x05\x01\x04\0\0\0\x01\x83\x86")
        peer.close()
        time.sleep(0.005)

    load = Load()
    load.start("write", write, 3)
    load.start("write item", write_item)
    load.start("read", read, 4)
    load.start("come and go", come_and_go)
    load.start("cancel", cancel)
    load.start("leave", leave_half_way)
    memory, descriptors = [], []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        # Lists that were served, and rows until a file is made of them, have bounds of their own.
        bounded = server.metric("bowerbird_served_list_bytes")
        bounded += server.metric('bowerbird_memory_bytes{structure="store"}')
        memory.append(server.metric("process_resident_memory_bytes") - bounded)
        descriptors.append(server.metric("process_open_fds"))
        time.sleep(min(2, SECONDS / 60))
    load.stop()
    print(load.done, [int(value) >> 20 for value in memory[:: max(1, len(memory) // 20)]])
    assert not load.errors, load.errors[:5]
    assert all(count > 10 for count in load.done.values()), load.done
    part = len(memory) // 3
    early, late = (statistics.median(memory[at : at + part]) for at in (part, 2 * part))
    assert late - early < GROWTH_BYTES, memory
    assert statistics.median(descriptors[-part:]) - statistics.median(descriptors[part:-part]) <= 8
    # Nothing of those who left is kept.
    deadline = time.monotonic() + 20
    while server.metric("bowerbird_connections") > 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert server.metric("bowerbird_calls_in_flight") == 0
