"""kill -9 among puts, joins, merges and deletions: each is done as a whole or not at all."""

import copy
import random
import threading
import time

import grpc

from conftest import Client, Server
from test_crash import KILLS
from test_single_records import interactions, make_shop

START = 1_700_000_000


class Oracle:
    """What acknowledged changes of one writer's users, sessions and items add up to."""

    def __init__(self):
        self.owners = {}  # user id -> the id that it stands for
        self.joined = {}  # session -> the user who joined it last
        self.events = {}  # event id -> (owner, item)
        self.items = set()

    def put(self, event_id, user, session, item):
        self.items.add(item)
        if user:
            owner = self.owners.setdefault(user, user)
            if session not in self.joined:
                self.move(("session", session), owner)
            self.joined[session] = owner
        else:
            owner = self.joined.get(session, ("session", session))
        self.events[event_id] = (owner, item)

    def move(self, old, new):
        for event_id, (owner, item) in self.events.items():
            if owner == old:
                self.events[event_id] = (new, item)

    def merge(self, user, merged):
        if merged not in self.owners:
            return grpc.StatusCode.NOT_FOUND
        kept, gone = self.owners.get(user, user), self.owners[merged]
        if kept == gone:
            return None
        if gone != merged:
            return grpc.StatusCode.FAILED_PRECONDITION
        self.owners.setdefault(user, user)
        self.move(gone, kept)
        self.owners = {k: kept if v == gone else v for k, v in self.owners.items()}
        self.joined = {k: kept if v == gone else v for k, v in self.joined.items()}
        return None

    def delete_user(self, user):
        if user not in self.owners:
            return grpc.StatusCode.NOT_FOUND
        gone = self.owners[user]
        self.owners = {k: v for k, v in self.owners.items() if v != gone}
        self.joined = {k: v for k, v in self.joined.items() if v != gone}
        self.events = {k: v for k, v in self.events.items() if v[0] != gone}
        return None

    def delete_item(self, item):
        if item not in self.items:
            return grpc.StatusCode.NOT_FOUND
        self.events = {k: v for k, v in self.events.items() if v[1] != item}
        return None

    def delete_event(self, event_id):
        return None if self.events.pop(event_id, None) else grpc.StatusCode.NOT_FOUND

    def of(self, user):
        owner = self.owners.get(user)
        return sorted(k for k, v in self.events.items() if owner and v[0] == owner)


class Writer:
    """One thread's users, what it was answered, and the change whose answer it did not get."""

    def __init__(self, number, seed):
        self.number = number
        self.random = random.Random(seed)
        self.users = [f"w{number}-u{n}" for n in range(6)]
        self.oracle = Oracle()
        self.pending = None
        self.count = 0
        self.failure = None

    def change(self, client, shop):
        """A call, and the same change for an oracle."""
        pick, r, p = self.random.choice, client.p.records, client.p
        kind = self.random.random()
        if kind < 0.06:
            user = pick(self.users)
            request = r.DeleteUserRequest(dataset_group=shop, user_id=user)
            return client.records.DeleteUser, request, lambda o: o.delete_user(user)
        if kind < 0.12:
            user, merged = self.random.sample(self.users, 2)
            request = r.MergeUsersRequest(dataset_group=shop, user_id=user, merged_user_id=merged)
            return client.records.MergeUsers, request, lambda o: o.merge(user, merged)
        if kind < 0.16:
            item = f"w{self.number}-i{self.random.randrange(12)}"
            request = r.DeleteItemRequest(dataset_group=shop, item_id=item)
            return client.records.DeleteItem, request, lambda o: o.delete_item(item)
        if kind < 0.24 and self.oracle.events:
            event_id = pick(sorted(self.oracle.events))
            request = r.DeleteInteractionRequest(dataset_group=shop, event_id=event_id)
            return client.records.DeleteInteraction, request, lambda o: o.delete_event(event_id)
        self.count += 1
        event_id = f"w{self.number}-{self.count}"
        user = pick(self.users + ["", ""])
        session = f"w{self.number}-s{self.random.randrange(5)}"
        item = f"w{self.number}-i{self.random.randrange(12)}"
        event = p.events.Event(event_type="click", item_id=item, event_id=event_id)
        event.sent_at.FromSeconds(START + self.random.randrange(500))
        request = p.events.PutEventsRequest(
            dataset_group=shop, user_id=user, session_id=session, event_list=[event])
        return client.events.PutEvents, request, lambda o: o.put(event_id, user, session, item)

    def write_until_killed(self, client, shop):
        while True:
            call, request, apply = self.change(client, shop)
            self.pending = apply
            code = None
            try:
                call(request, timeout=20)
            except grpc.RpcError as error:
                code = error.code()
                if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    return
            except ValueError:  # The channel of a killed server is closed.
                return
            expected = apply(self.oracle)
            self.pending = None
            if code != expected:
                self.failure = (request, code, expected)
                return

    def check(self, client, shop):
        """Reads everything back; the change without an answer is done or not."""
        found = {
            user: sorted(one.event.event_id for one in interactions(client, shop, user_id=user))
            for user in self.users
        }
        without, done = self.oracle, copy.deepcopy(self.oracle)
        if self.pending:
            self.pending(done)
        for oracle in (without, done):
            if found == {user: oracle.of(user) for user in self.users}:
                break
        else:
            raise AssertionError((self.number, found, [without.of(u) for u in self.users]))
        # What two states tell alike here may differ in who stands for whom: let no doubt stay.
        if self.pending and without.__dict__ != done.__dict__:
            self.settle(client, shop, without, done)
        self.pending = None

    def settle(self, client, shop, without, done):
        """Deletes whom the change was about, so that both states are one."""
        for user in self.users:
            request = client.p.records.DeleteUserRequest(dataset_group=shop, user_id=user)
            try:
                client.records.DeleteUser(request, timeout=20)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.NOT_FOUND
        for oracle in (without, done):
            for user in self.users:
                oracle.delete_user(user)
        self.oracle = Oracle()
        self.oracle.items = without.items | done.items
        # Sessions that nobody joined have events still: begin with others.
        self.number += 100
        self.users = [f"w{self.number}-u{n}" for n in range(6)]


def test_merges_and_deletions_are_whole_or_not_at_all(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    seed = random.randrange(10**9)
    writers = [Writer(n, seed + n) for n in range(3)]
    try:
        shop = make_shop(Client(protos, server.channel))
        for kill in range(KILLS // 2):
            client = Client(protos, server.channel)
            threads = [
                threading.Thread(target=writer.write_until_killed, args=(client, shop))
                for writer in writers
            ]
            for thread in threads:
                thread.start()
            # Now and then long enough for the eraser, which works every two seconds.
            time.sleep(2.3 if kill % 7 == 3 else 0.15 + kill % 5 * 0.05)
            server.kill()
            for thread in threads:
                thread.join()
            client = Client(protos, server.start().channel)
            for writer in writers:
                assert writer.failure is None, (seed, kill, writer.failure)
                writer.check(client, shop)
        assert sum(writer.count for writer in writers) > 50
    finally:
        server.stop()
