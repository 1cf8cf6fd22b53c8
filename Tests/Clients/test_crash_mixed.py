"""kill -9 among calls, streams, upserts, deletions and a bulk job, against a record of what was said.

Each writer keeps what it did and what it was answered. After every kill the server is asked for all
of it: nothing acknowledged is missing, nothing is there twice, and what was under way is there as a
whole or not at all.
"""

import json
import os
import random
import threading
import time

import grpc
from conftest import Client, Server, make_group
from test_crash import KILLS
from test_single_records import get_item

START = 1_700_000_000
ROWS, BULK_USERS = 100_000, 50
# More would only make restarts longer.
JOBS_MAX = 4


def interactions(client, group, user):
    """The events of a user, newest first, as (item, seconds); none where nobody has the id."""
    found, token = [], ""
    r = client.p.records
    while True:
        request = r.ListInteractionsRequest(
            dataset_group=group, user_id=user, page_size=1000, page_token=token)
        try:
            page = client.records.ListInteractions(request, timeout=20)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
            return found
        found += [(one.event.item_id, one.event.sent_at.seconds) for one in page.interactions]
        token = page.next_page_token
        if not token:
            return found


def event(p, item, seconds):
    made = p.events.Event(event_type="view", item_id=item)
    made.sent_at.FromSeconds(seconds)
    return made


class Writer:
    """One kind of write, repeated until the server is gone."""

    def __init__(self, number):
        self.random = random.Random(number)
        # Steps that were answered, and the one that was not.
        self.done = 0
        self.pending = None

    def run(self, protos, address, group):
        with grpc.insecure_channel(address) as channel:
            client = Client(protos, channel)
            while True:
                try:
                    self.step(client, group)
                except grpc.RpcError as error:
                    assert error.code() in (
                        grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
                        grpc.StatusCode.DEADLINE_EXCEEDED), error
                    return


class Calls(Writer):
    """PutEvents of three events at a time, of one user a life of the server."""

    def __init__(self, number):
        super().__init__(number)
        self.users = []

    def begin(self):
        self.users.append((f"calls-{len(self.users)}", []))
        self.pending = None

    def step(self, client, group):
        user, calls = self.users[-1]
        n = len(calls)
        self.pending = [(f"c{n}-{k}", START + 3 * n + k) for k in range(3)]
        e = client.p.events
        client.events.PutEvents(e.PutEventsRequest(
            dataset_group=group, user_id=user, session_id=f"s-{user}",
            event_list=[event(client.p, *one) for one in self.pending]), timeout=10)
        calls.append(self.pending)
        self.pending = None
        self.done += 1

    def check(self, client, group):
        user, calls = self.users[-1]
        wanted = sorted(one for call in calls for one in call)
        there = sorted(interactions(client, group, user))
        assert there in (wanted, sorted(wanted + (self.pending or []))), user


class Stream(Writer):
    """StreamRecords with the batch ids of a producer: what is sent again is taken once."""

    def __init__(self, number):
        super().__init__(number)
        self.batches = 0

    def begin(self):
        pass

    def step(self, client, group):
        e = client.p.events

        def requests():
            # From the one that was not answered on, as a client does after a break.
            for number in range(self.batches, self.batches + 20):
                records = []
                for k in range(10):
                    record = e.Record()
                    record.interaction.user_id = f"stream-{number % 4}"
                    record.interaction.event.CopyFrom(
                        event(client.p, f"t{number}-{k}", START + 10 * number + k))
                    records.append(record)
                yield e.StreamRecordsRequest(
                    dataset_group=group, producer_id="phone", batch_id=number + 1, records=records)

        for answer in client.events.StreamRecords(requests(), timeout=30):
            assert (answer.applied_count + answer.duplicate_count, len(answer.rejected)) == (10, 0)
            self.batches += 1
            self.done += 1

    def check(self, client, group):
        for user in range(4):
            there = interactions(client, group, f"stream-{user}")
            assert len(there) == len(set(there))
            found = {item for item, _ in there}
            # Whole batches, all that were answered, and at most the twenty of one stream more.
            numbers = {int(item[1:].split("-")[0]) for item in found}
            assert len(found) == 10 * len(numbers)
            assert {n for n in range(self.batches) if n % 4 == user} <= numbers
            assert all(n < self.batches + 20 for n in numbers)


class Upserts(Writer):
    """PutItems of two items at a time with the same price, growing."""

    def __init__(self, number):
        super().__init__(number)
        self.price = {}

    def begin(self):
        self.pending = None

    def step(self, client, group):
        pair, price = self.random.randrange(20), self.done + 1
        self.pending = (pair, price)
        request = client.p.events.PutItemsRequest(dataset_group=group)
        for side in "ab":
            request.items.add(item_id=f"up-{pair}{side}", properties=json.dumps({"price": price}))
        client.events.PutItems(request, timeout=10)
        self.price[pair] = price
        self.pending = None
        self.done += 1

    def check(self, client, group):
        for pair, price in list(self.price.items()):
            allowed = [price]
            if self.pending and self.pending[0] == pair:
                allowed.append(self.pending[1])
            left, right = (get_item(client, group, f"up-{pair}{side}") for side in "ab")
            assert left == right and left["price"] in allowed, (pair, left, right, allowed)
            self.price[pair] = int(left["price"])


class Deletions(Writer):
    """A user with five events, then its deletion, for every second one."""

    def __init__(self, number):
        super().__init__(number)
        self.state = {}

    def begin(self):
        self.pending = None

    def step(self, client, group):
        n = len(self.state)
        user = f"del-{n}"
        e, r = client.p.events, client.p.records
        self.state[user] = {0, 5}
        client.events.PutEvents(e.PutEventsRequest(
            dataset_group=group, user_id=user, session_id=f"s-{user}",
            event_list=[event(client.p, f"d{n}-{k}", START + k) for k in range(5)]), timeout=10)
        self.state[user] = {5}
        if n % 2 == 0:
            self.state[user] = {0, 5}
            client.records.DeleteUser(
                r.DeleteUserRequest(dataset_group=group, user_id=user), timeout=10)
            self.state[user] = {0}
        self.done += 1

    def check(self, client, group):
        for user, allowed in list(self.state.items())[-40:]:
            count = len(interactions(client, group, user))
            assert count in allowed, (user, count, allowed)
            self.state[user] = {count}


def bulk_job(client, group, folder, number):
    path = folder / f"bulk-{number}.csv"
    lines = (f"bulk-{number}-{n % BULK_USERS},b{n % 977},{START + n}" for n in range(ROWS))
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
                    + "".join(line + ",view\n" for line in lines))
    j = client.p.jobs
    request = j.CreateDatasetImportJobRequest(
        job_name=f"bulk-{number}", dataset=f"{group}/datasets/interactions",
        data_source=j.DataSource(data_location=str(path)),
        import_mode=j.IMPORT_MODE_INCREMENTAL)
    return client.jobs.CreateDatasetImportJob(request, timeout=20).dataset_import_job.resource_name


def is_done(client, job):
    j = client.p.jobs
    found = client.jobs.DescribeDatasetImportJob(
        j.DescribeDatasetImportJobRequest(dataset_import_job=job), timeout=20).dataset_import_job
    assert found.status != client.p.resources.RESOURCE_STATUS_CREATE_FAILED, found.failure_reason
    return found.status == client.p.resources.RESOURCE_STATUS_ACTIVE


def check_bulk(client, group, number):
    """Every row once, however often the job was broken off."""
    for user in range(0, BULK_USERS, 7):
        there = interactions(client, group, f"bulk-{number}-{user}")
        assert len(there) == ROWS // BULK_USERS == len(set(there)), (number, user, len(there))


def test_mixed_writes_among_kills_are_kept_as_they_were_acknowledged(protos, tmp_path):
    kills = KILLS if os.environ.get("BOWERBIRD_TEST_ALL") else KILLS // 2
    files = tmp_path / "files"
    files.mkdir()
    server = Server(tmp_path / "data", "--import-root", str(files)).start()
    try:
        client = Client(protos, server.channel)
        group = make_group(client, "mixed")
        writers = [Calls(1), Stream(2), Upserts(3), Deletions(4)]
        number, job = 0, bulk_job(client, group, files, 0)
        broken_off = 0
        for kill in range(kills):
            for writer in writers:
                writer.begin()
            threads = [
                threading.Thread(target=writer.run, args=(protos, server.address, group))
                for writer in writers
            ]
            before = [writer.done for writer in writers]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 60
            while any(writer.done == done for writer, done in zip(writers, before)):
                assert time.monotonic() < deadline, [writer.done for writer in writers]
                time.sleep(0.01)
            time.sleep(0.05 * (kill % 5))
            server.kill()
            for thread in threads:
                thread.join()
            client = Client(protos, server.start().channel)
            for writer in writers:
                writer.check(client, group)
            if number >= JOBS_MAX:
                continue
            if is_done(client, job):
                check_bulk(client, group, number)
                number += 1
                job = bulk_job(client, group, files, number)
            else:
                broken_off += 1
        assert broken_off > 0, "no job was ever in the middle"
        deadline = time.monotonic() + 60
        while not is_done(client, job):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        check_bulk(client, group, number)
    finally:
        server.stop()
