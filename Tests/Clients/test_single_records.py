"""Single records: read back exactly as they were put, changed in part, visible at once."""

import json
import uuid

import grpc
import pytest

from conftest import Client, Server, bad_fields


@pytest.fixture
def shop(client):
    """A group of its own with open schemas."""
    return make_shop(client)


def make_shop(client):
    name = "g" + uuid.uuid4().hex[:12]
    client.datasets.CreateDatasetGroup(
        client.p.datasets.CreateDatasetGroupRequest(name=name, starter=True), timeout=10
    )
    return f"datasetGroups/{name}"


def put_items(client, group, **items):
    events = client.p.events
    return client.events.PutItems(
        events.PutItemsRequest(
            dataset_group=group,
            items=[events.Item(item_id=k, properties=json.dumps(v)) for k, v in items.items()],
        ),
        timeout=10,
    )


def put_users(client, group, **users):
    events = client.p.events
    return client.events.PutUsers(
        events.PutUsersRequest(
            dataset_group=group,
            users=[events.User(user_id=k, properties=json.dumps(v)) for k, v in users.items()],
        ),
        timeout=10,
    )


def get_item(client, group, item):
    request = client.p.records.GetItemRequest(dataset_group=group, item_id=item)
    return json.loads(client.records.GetItem(request, timeout=10).item.properties or "{}")


def get_user(client, group, user):
    request = client.p.records.GetUserRequest(dataset_group=group, user_id=user)
    return json.loads(client.records.GetUser(request, timeout=10).user.properties or "{}")


def interactions(client, group, page_size=0, **whom):
    """All pages of a list of interactions."""
    found, token = [], ""
    while True:
        page = client.records.ListInteractions(
            client.p.records.ListInteractionsRequest(
                dataset_group=group, page_size=page_size, page_token=token, **whom
            ),
            timeout=10,
        )
        found += page.interactions
        token = page.next_page_token
        if not token:
            return found


def refused(call, request):
    with pytest.raises(grpc.RpcError) as error:
        call(request, timeout=10)
    return error.value


def test_a_record_comes_back_with_every_property_that_was_put(client, shop):
    item = {
        "title": 'a "quoted" one\n\\ \u00e9\u4e16', "price": 0.1, "stock": 0, "isNew": False,
        "bigNumber": 9007199254740993, "genres": "a|b", "creationTimestamp": 1_600_000_000,
    }
    put_items(client, shop, a=item, b={})
    assert get_item(client, shop, "a") == item
    assert get_item(client, shop, "b") == {}
    put_users(client, shop, ann={"age": 7, "tier": "gold"})
    assert get_user(client, shop, "ann") == {"age": 7, "tier": "gold"}
    # What was read can be put again.
    put_items(client, shop, a=get_item(client, shop, "a"))
    assert get_item(client, shop, "a") == item


def test_a_record_that_was_not_put_is_not_found(client, shop):
    records = client.p.records
    client.put_event(shop, "ann", "a", 1_600_000_000)
    error = refused(client.records.GetUser, records.GetUserRequest(dataset_group=shop, user_id="x"))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert error.details() == "no user 'x' was put"
    error = refused(client.records.GetItem, records.GetItemRequest(dataset_group=shop, item_id="a"))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert error.details() == "no item 'a' was put; it is known from events only"
    error = refused(client.records.GetUser, records.GetUserRequest(dataset_group="datasetGroups/no"))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    error = refused(client.records.GetUser, records.GetUserRequest(dataset_group=shop))
    assert [one.field for one in bad_fields(error)] == ["user_id"]


def test_an_update_changes_what_it_names_and_is_seen_by_the_next_read(client, shop):
    records, events = client.p.records, client.p.events
    put_items(client, shop, a={"color": "red", "price": 3.5, "creationTimestamp": 5})
    change = events.Item(item_id="a", properties='{"color": null, "PRICE": "4", "size": "XL"}')
    before = client.records.UpdateItem(
        records.UpdateItemRequest(dataset_group=shop, item=change), timeout=10
    )
    assert get_item(client, shop, "a") == {"price": 4, "size": "XL", "creationTimestamp": 5}
    change.properties = '{"creationTimestamp": null}'
    after = client.records.UpdateItem(
        records.UpdateItemRequest(dataset_group=shop, item=change), timeout=10
    )
    assert after.position > before.position
    assert get_item(client, shop, "a") == {"price": 4, "size": "XL"}
    put_users(client, shop, ann={"age": 7})
    client.records.UpdateUser(
        records.UpdateUserRequest(
            dataset_group=shop, user=events.User(user_id="ann", properties='{"tier": "gold"}')
        ),
        timeout=10,
    )
    assert get_user(client, shop, "ann") == {"age": 7, "tier": "gold"}


def test_an_update_of_an_unknown_record_is_refused_in_a_call_and_rejected_in_a_batch(client, shop):
    records, events = client.p.records, client.p.events
    error = refused(
        client.records.UpdateUser,
        records.UpdateUserRequest(dataset_group=shop, user=events.User(user_id="nobody")),
    )
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert [one.field for one in bad_fields(error)] == ["user.user_id"]
    request = events.PutRecordsRequest(
        dataset_group=shop,
        records=[
            events.Record(item=events.Item(item_id="a", properties='{"color": "red"}')),
            events.Record(item_update=events.Item(item_id="a", properties='{"size": 1}')),
            events.Record(user_update=events.User(user_id="nobody", properties='{"age": 1}')),
            events.Record(item_update=events.Item(item_id="a", properties='{"size": "x"}')),
        ],
    )
    error = refused(client.events.PutRecords, request)
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert refused(
        client.records.GetItem, records.GetItemRequest(dataset_group=shop, item_id="a")
    ).code() == grpc.StatusCode.NOT_FOUND
    request.allow_partial = True
    answer = client.events.PutRecords(request, timeout=10)
    assert answer.applied_count == 2
    assert [(one.index, one.code, one.field) for one in answer.rejected] == [
        (2, 5, "records[2].user_update.user_id"),
        (3, 3, "records[3].item_update.properties.size"),
    ]
    assert get_item(client, shop, "a") == {"color": "red", "size": 1}


def test_an_update_names_columns_of_the_schema_only(client, group):
    events = client.p.events
    put_items(client, group, a={"genres": "x"})
    error = refused(
        client.records.UpdateItem,
        client.p.records.UpdateItemRequest(
            dataset_group=group, item=events.Item(item_id="a", properties='{"colour": 1}')
        ),
    )
    assert [one.field for one in bad_fields(error)] == ["item.properties.colour"]


def test_lists_give_every_record_once_over_any_pages(client, shop):
    put_items(client, shop, **{f"i{n}": {"n": n} for n in range(25)})
    put_users(client, shop, **{f"u{n}": {"n": n} for n in range(7)})
    # Known from events only: not in the lists.
    client.put_event(shop, "other", "other", 1_600_000_000)
    records = client.p.records
    for size in (1, 7, 25, 0):
        found, token = [], ""
        while True:
            page = client.records.ListItems(
                records.ListItemsRequest(dataset_group=shop, page_size=size, page_token=token),
                timeout=10,
            )
            found += page.items
            token = page.next_page_token
            if not token:
                break
        assert [(one.item_id, json.loads(one.properties)["n"]) for one in found] == [
            (f"i{n}", n) for n in range(25)
        ]
    page = client.records.ListUsers(
        records.ListUsersRequest(dataset_group=shop, page_size=3), timeout=10
    )
    assert [one.user_id for one in page.users] == ["u0", "u1", "u2"]
    altered = records.ListItemsRequest(dataset_group=shop, page_token=page.next_page_token)
    error = refused(client.records.ListItems, altered)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    error = refused(
        client.records.ListUsers, records.ListUsersRequest(dataset_group=shop, page_size=1_001)
    )
    assert [one.field for one in bad_fields(error)] == ["page_size"]


def full_event(client, number, **fields):
    event = client.p.events.Event(
        event_type="Click", item_id=f"i{number % 3}", recommendation_id="RID-1",
        impression=["x", "y"], properties='{"device": "phone", "clicks": 0}', **fields
    )
    event.metric_attribution.event_attribution_source = "mail campaign"
    event.sent_at.FromMilliseconds(1_600_000_000_000 + number // 2)
    return event


def test_interactions_come_back_newest_first_with_everything_that_was_put(client, shop):
    events = client.p.events
    put = [full_event(client, n) for n in range(9)]
    put[1].event_value = 0
    put[2].event_value = 2.5
    put[3].event_id = "given"
    del put[4].impression[:]
    put[5].item_id = ""
    answer = client.events.PutEvents(
        events.PutEventsRequest(
            dataset_group=shop, user_id="ann", session_id="s1", event_list=put
        ),
        timeout=10,
    )
    for event, event_id in zip(put, answer.event_ids):
        event.event_id = event_id
    for size in (1, 2, 100):
        found = interactions(client, shop, size, user_id="ann")
        assert [(one.user_id, one.session_id) for one in found] == [("ann", "s1")] * 9
        for one, event in zip(found, reversed(put), strict=True):
            assert json.loads(one.event.properties) == json.loads(event.properties)
            one.event.properties = event.properties
            assert one.event == event
            assert one.event.HasField("event_value") == event.HasField("event_value")
    assert interactions(client, shop, user_id="nobody") == []
    assert len(interactions(client, shop, session_id="s1")) == 9


def test_a_session_is_listed_before_and_after_a_user_joins_it(client, shop):
    events = client.p.events

    def put(number, user):
        client.events.PutEvents(
            events.PutEventsRequest(
                dataset_group=shop, user_id=user, session_id="s",
                event_list=[full_event(client, number)],
            ),
            timeout=10,
        )

    def seen(**whom):
        return [
            (one.user_id, one.session_id, one.event.sent_at.ToMilliseconds() - 1_600_000_000_000)
            for one in interactions(client, shop, **whom)
        ]

    put(0, "")
    assert seen(session_id="s") == [("", "s", 0)]
    assert seen(user_id="s") == [("", "s", 0)]
    client.put_event(shop, "ann", "i0", 1_600_000_009)
    put(4, "ann")
    assert seen(session_id="s") == [("ann", "s", 2), ("ann", "s", 0)]
    assert len(seen(user_id="ann")) == 3


def test_the_events_on_an_item_are_listed_over_all_users(client, shop):
    expected = []
    for number in range(40):
        user, item = f"u{number % 4}", f"i{number % 3}"
        seconds = 1_600_000_000 + (number * 7) % 10
        client.put_event(shop, user, item, seconds, event_type=f"t{number}")
        if item == "i1":
            expected.append((seconds, user, f"t{number}"))
    for size in (1, 3, 100):
        found = interactions(client, shop, size, item_id="i1")
        got = [(one.event.sent_at.seconds, one.user_id, one.event.event_type) for one in found]
        assert [one[0] for one in got] == sorted((one[0] for one in expected), reverse=True)
        assert sorted(got) == sorted(expected)
    request = client.p.records.ListInteractionsRequest(
        dataset_group=shop, user_id="u1", item_id="i1"
    )
    error = refused(client.records.ListInteractions, request)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_what_was_put_and_updated_comes_back_after_a_kill(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        client = Client(protos, server.channel)
        shop = make_shop(client)
        put_items(client, shop, a={"color": "red", "n": 1})
        client.records.UpdateItem(
            protos.records.UpdateItemRequest(
                dataset_group=shop,
                item=protos.events.Item(item_id="a", properties='{"color": null, "size": 2}'),
            ),
            timeout=10,
        )
        client.put_event(shop, "ann", "a", 1_600_000_000)
        before = interactions(client, shop, item_id="a")
        server.kill()
        client = Client(protos, server.start().channel)
        assert get_item(client, shop, "a") == {"n": 1, "size": 2}
        assert interactions(client, shop, item_id="a") == before
        assert len(before) == 1
    finally:
        server.stop()
