"""Deletions: gone at the next read, from the lists of others where they were touched, and from disk."""

import time
import uuid

import grpc
import pytest

from conftest import Client, Server, bad_fields
from test_single_records import get_user, interactions, make_shop, put_items, put_users, refused


@pytest.fixture
def shop(client):
    return make_shop(client)


def delete_user(client, group, user):
    request = client.p.records.DeleteUserRequest(dataset_group=group, user_id=user)
    return client.records.DeleteUser(request, timeout=20)


def delete_item(client, group, item):
    request = client.p.records.DeleteItemRequest(dataset_group=group, item_id=item)
    return client.records.DeleteItem(request, timeout=20)


def ranked(client, group, user):
    found = client.recommend(f"{group}/campaigns/default", user, count=100, seed=7)
    return [(one.item_id, round(one.score, 9)) for one in found.item_list]


def test_a_deleted_user_leaves_everything_as_if_it_had_never_been(client):
    with_ann, without = make_shop(client), make_shop(client)
    for shop in (with_ann, without):
        for n in range(12):
            client.put_event(shop, f"u{n % 3}", f"i{n % 5}", 1_600_000_000 + n)
        if shop == with_ann:
            put_users(client, shop, ann={"age": 7})
            for n in range(9):
                client.put_event(shop, "ann", f"i{n % 7}", 1_600_000_003 + n)
    assert ranked(client, with_ann, "u1") != ranked(client, without, "u1")
    delete_user(client, with_ann, "ann")
    for user in ("u0", "u1", "ann", "new"):
        assert ranked(client, with_ann, user) == ranked(client, without, user)
    assert interactions(client, with_ann, user_id="ann") == []
    assert interactions(client, with_ann, item_id="i6") == []
    error = refused(
        client.records.GetUser,
        client.p.records.GetUserRequest(dataset_group=with_ann, user_id="ann"),
    )
    assert error.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as error:
        delete_user(client, with_ann, "ann")
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_deleted_item_is_in_no_answer_and_late_events_do_not_bring_it_back(client, shop):
    put_items(client, shop, a={"color": "red"}, b={}, c={})
    for n, item in enumerate("abcab"):
        client.put_event(shop, "ann", item, 1_600_000_000 + n)
    delete_item(client, shop, "a")
    assert "a" not in dict(ranked(client, shop, "ann")) and len(ranked(client, shop, "ann")) == 2
    assert [one.event.item_id for one in interactions(client, shop, user_id="ann")] == list("bcb")
    assert interactions(client, shop, item_id="a") == []
    late = client.put_event(shop, "ann", "a", 1_600_000_009)
    assert late.applied_count == 1
    assert "a" not in dict(ranked(client, shop, "ann"))
    assert len(interactions(client, shop, item_id="a")) == 1
    put_items(client, shop, a={"color": "blue"})
    assert "a" in dict(ranked(client, shop, "ann"))


def test_a_deleted_interaction_is_named_by_its_id(client, shop):
    first = client.put_event(shop, "ann", "a", 1_600_000_000)
    client.put_event(shop, "ann", "b", 1_600_000_001)
    request = client.p.records.DeleteInteractionRequest(
        dataset_group=shop, event_id=first.event_ids[0]
    )
    client.records.DeleteInteraction(request, timeout=10)
    assert [one.event.item_id for one in interactions(client, shop, user_id="ann")] == ["b"]
    assert refused(client.records.DeleteInteraction, request).code() == grpc.StatusCode.NOT_FOUND
    both = client.p.records.DeleteUserRequest(dataset_group=shop, user_id="a", session_id="b")
    assert [one.field for one in bad_fields(refused(client.records.DeleteUser, both))] == [
        "session_id"
    ]


def test_a_deleted_user_goes_from_disk_and_is_not_brought_back_by_a_retry(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        client = Client(protos, server.channel)
        shop = make_shop(client)
        user, other = uuid.uuid4().hex, uuid.uuid4().hex
        events = []
        for n in range(5):
            event = protos.events.Event(event_type="click", item_id=f"i{n}", event_id=f"{user}-{n}")
            event.sent_at.FromSeconds(1_600_000_000 + n)
            events.append(event)
        call = protos.events.PutEventsRequest(
            dataset_group=shop, user_id=user, session_id=f"s-{user}", event_list=events
        )
        batch = protos.events.PutRecordsRequest(
            dataset_group=shop, producer_id="p", batch_id=1,
            records=[protos.events.Record(user=protos.events.User(user_id=user))],
        )
        client.events.PutEvents(call, timeout=10)
        first = client.events.PutRecords(batch, timeout=10)
        put_users(client, shop, **{other: {"age": 1}})
        delete_user(client, shop, user)
        deadline = time.monotonic() + 60
        while found := files_with(tmp_path / "data", user):
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        assert files_with(tmp_path / "data", other)
        for _ in range(2):
            answer = client.events.PutEvents(call, timeout=10)
            assert (answer.applied_count, answer.duplicate_count) == (0, 5)
            assert client.events.PutRecords(batch, timeout=10) == first
            assert interactions(client, shop, user_id=user) == []
            assert get_user(client, shop, other) == {"age": 1}
            assert not files_with(tmp_path / "data", user)
            server.kill()
            client = Client(protos, server.start().channel)
    finally:
        server.stop()


def test_what_is_kept_for_models_that_are_older_leaves_the_files_with_them(protos, tmp_path):
    """Values of a deleted event stand beside its models until these have forgotten them."""
    server = Server(tmp_path / "data").start()
    try:
        client = Client(protos, server.channel)
        shop = make_shop(client)
        secret = uuid.uuid4().hex
        for n in range(3):
            event = protos.events.Event(
                event_type="click", item_id=f"i{n}", properties='{"note": "%s"}' % secret)
            event.sent_at.FromSeconds(1_600_000_000 + n)
            client.events.PutEvents(protos.events.PutEventsRequest(
                dataset_group=shop, user_id="ann", session_id="s", event_list=[event]), timeout=10)
        delete_user(client, shop, "ann")
        # A process that ends at once leaves it to the next one.
        server.kill()
        assert files_with(tmp_path / "data", secret)
        client = Client(protos, server.start().channel)
        assert interactions(client, shop, user_id="ann") == []
        deadline = time.monotonic() + 60
        while found := files_with(tmp_path / "data", secret):
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
    finally:
        server.stop()


def files_with(directory, text):
    found = []
    for path in directory.rglob("*"):
        try:
            if path.is_file() and text.encode() in path.read_bytes():
                found.append(path.name)
        except FileNotFoundError:
            continue
    return found
