"""What datasets hold, counted exactly: `GetDatasetStatistics`."""

import grpc
import pytest

from test_deletion import delete_item, delete_user
from test_jobs import Jobs, starter
from test_single_records import make_shop, put_items, put_users

START = 1_600_000_000


@pytest.fixture
def jobs(protos, tmp_path):
    made = Jobs(protos, tmp_path)
    yield made
    made.server.stop()


def statistics(client, group):
    d = client.p.datasets
    answer = client.datasets.GetDatasetStatistics(
        d.GetDatasetStatisticsRequest(dataset_group=group), timeout=60)
    kinds = client.p.resources.DatasetType
    found = {kinds.Name(one.dataset_type)[13:].lower(): one for one in answer.datasets}
    for kind, one in found.items():
        assert one.dataset == f"{group}/datasets/{kind}"
        assert one.put_count + one.bulk_count == one.record_count
    return found, answer.position


def columns(one):
    return {column.name: (column.filled_count, column.distinct_count) for column in one.columns}


def put(client, group, user, item, second, session="", **fields):
    event = client.p.events.Event(event_type=fields.pop("event_type", "Click"), item_id=item,
                                  **fields)
    event.sent_at.FromMilliseconds(START * 1_000 + second)
    return client.events.PutEvents(client.p.events.PutEventsRequest(
        dataset_group=group, user_id=user, session_id=session or f"s-{user}",
        event_list=[event]), timeout=10)


def test_an_empty_group_has_nothing(client):
    found, _ = statistics(client, make_shop(client))
    assert set(found) == {"interactions", "items", "users"}
    for one in found.values():
        assert (one.record_count, one.byte_count) == (0, 0)
    assert not found["interactions"].HasField("first_event")


def test_every_record_is_counted_once_at_one_position(client):
    shop = make_shop(client)
    for n in range(30):
        put(client, shop, f"u{n % 6}", f"i{n % 7}", n, event_value=n % 3,
            event_type="Buy" if n % 5 == 0 else "Click",
            properties='{"device": "d%d"}' % (n % 2) if n % 2 else "")
    put(client, shop, "", "i1", 77, session="anonymous")
    put(client, shop, "u1", "", 99)
    put_users(client, shop, u1={"age": 7}, u2={"age": 7}, silent={"age": 9}, mute={}, calm={})
    last = put_items(client, shop, i1={"color": "red"}, unseen={"color": "blue"}).position
    found, position = statistics(client, shop)
    assert position == last
    events = found["interactions"]
    assert (events.record_count, events.put_count, events.bulk_count) == (32, 32, 0)
    assert (events.user_count, events.session_count, events.item_count) == (6, 1, 7)
    assert events.without_item_count == 1
    assert events.first_event.ToMilliseconds() == START * 1_000
    assert events.last_event.ToMilliseconds() == START * 1_000 + 99
    assert [(one.event_type.lower(), one.count) for one in events.event_types] == [
        ("click", 26), ("buy", 6)]
    assert columns(events)["DEVICE"] == (15, 1)
    assert columns(events)["USER_ID"] == (32, 7)
    assert columns(events)["ITEM_ID"] == (31, 7)
    assert events.byte_count > 32 * 30
    assert columns(found["users"]) == {"USER_ID": (5, 5), "AGE": (3, 2)}
    assert found["users"].without_interactions_count == 3
    assert columns(found["items"])["COLOR"] == (2, 2)
    assert found["items"].without_interactions_count == 1
    warnings = {kind: list(one.warnings) for kind, one in found.items()}
    assert warnings["interactions"] == [
        "32 interactions; lists get better from 1,000 on",
        "6 users have interactions; lists get better from 25 on",
        "DEVICE is filled in 46 % of the records"]
    assert warnings["users"] == ["60 % of the users have no interactions",
                                 "AGE is filled in 60 % of the records"]
    assert warnings["items"] == []


def test_what_is_deleted_or_merged_counts_no_more(client):
    shop = make_shop(client)
    for n in range(20):
        put(client, shop, f"u{n % 4}", f"i{n % 5}", n)
    delete_user(client, shop, "u1")
    delete_item(client, shop, "i2")
    client.records.MergeUsers(client.p.records.MergeUsersRequest(
        dataset_group=shop, user_id="u2", merged_user_id="u3"), timeout=10)
    events, _ = statistics(client, shop)
    # 20 without 5 of u1 and 3 more on i2.
    assert events["interactions"].record_count == 12
    assert events["interactions"].user_count == 2
    assert events["interactions"].item_count == 4


def test_bulk_records_count_as_they_are_seen(jobs):
    group, _ = starter(jobs, "shop")
    put_users(jobs.client, group, a={"age": 1})
    rows = "USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(
        f"u{n % 30},i{n % 9},{START + n}\n" for n in range(1_200))
    jobs.run(f"{group}/datasets/interactions", jobs.write("old.csv", rows), "FULL")
    jobs.run(f"{group}/datasets/interactions", jobs.write("new.csv", rows.replace("i8", "j")),
             "FULL")
    jobs.run(f"{group}/datasets/users", jobs.write("u.csv", "USER_ID,AGE\na,2\nb,3\nb,4\n"), "FULL")
    put(jobs.client, group, "a", "i1", 5)
    for _ in range(2):
        found, _ = statistics(jobs.client, group)
        events, users = found["interactions"], found["users"]
        assert (events.record_count, events.bulk_count) == (1_201, 1_200)
        assert (events.user_count, events.item_count) == (31, 9)
        assert not [text for text in events.warnings if "get better" in text]
        assert (users.record_count, users.put_count, users.bulk_count) == (2, 1, 1)
        assert columns(users)["AGE"] == (2, 2)
        jobs.server.kill()
        jobs.restart()


def test_an_unknown_group_is_not_found(client):
    with pytest.raises(grpc.RpcError) as error:
        statistics(client, "datasetGroups/nowhere")
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
