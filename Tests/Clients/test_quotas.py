"""Limits of what a dataset group may hold, in every way in which records come."""

import grpc
import pytest
from conftest import Client, Server, make_group
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from test_jobs import Jobs
from test_single_records import get_item, interactions, put_items, put_users

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
START = 1_700_000_000


@pytest.fixture
def limited(protos, tmp_path):
    """Servers with limits, on one directory after the other."""
    servers = []

    def start(**limits):
        for server in servers:
            server.stop()
        flags = [text for key, most in limits.items() for text in (f"--group-{key}-max", str(most))]
        servers.append(Server(tmp_path / "data", *flags).start())
        return Client(protos, servers[-1].channel)

    yield start
    for server in servers:
        server.stop()


def event(client, item, second, **fields):
    made = client.p.events.Event(event_type="click", item_id=item, **fields)
    made.sent_at.seconds = START + second
    return made


def put(client, group, user, *events, **fields):
    request = client.p.events.PutEventsRequest(
        dataset_group=group, user_id=user, session_id="s-" + user, event_list=events, **fields)
    return client.events.PutEvents(request, timeout=10)


def refusal(call, *arguments, **fields):
    """What a call is told that would make its group too large."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **fields)
    assert caught.value.code() == EXHAUSTED, caught.value
    kinds = {detail.type_url.rsplit("/", 1)[1]: detail for detail in rpc_status.from_call(caught.value).details}
    info, resource = error_details_pb2.ErrorInfo(), error_details_pb2.ResourceInfo()
    kinds["google.rpc.ErrorInfo"].Unpack(info)
    kinds["google.rpc.ResourceInfo"].Unpack(resource)
    assert info.reason == "LIMIT_EXCEEDED"
    assert caught.value.details().startswith(f"'{resource.resource_name}' ")
    return caught.value.details()


def test_records_are_users_and_items_of_one_group(limited):
    client = limited(records=5)
    group, other = make_group(client, "one"), make_group(client, "other")
    put_items(client, group, a={}, b={}, c={})
    put_users(client, group, ann={}, bob={})
    said = f"'{group}' would have 6 records; at most 5 are allowed (--group-records-max)"
    assert refusal(put_items, client, group, d={}) == said
    assert refusal(put_users, client, group, cid={}) == said
    # All of a call or nothing.
    assert refusal(put_items, client, group, a={"price": 1}, d={}) == said
    assert get_item(client, group, "a") == {}
    # What is there may change, what has no record of its own is none, and others are not concerned.
    put_items(client, group, a={"price": 2})
    put(client, group, "never-put", event(client, "unknown", 1))
    put_items(client, other, a={}, b={}, c={}, d={}, e={})
    client.records.DeleteItem(client.p.records.DeleteItemRequest(dataset_group=group, item_id="b"), timeout=10)
    put_items(client, group, d={})
    client.records.DeleteUser(client.p.records.DeleteUserRequest(dataset_group=group, user_id="ann"), timeout=10)
    put_users(client, group, cid={})
    assert refusal(put_users, client, group, dan={}) == said


def test_interactions_with_and_without_an_item_count_and_duplicates_do_not(limited):
    client = limited(interactions=3)
    group = make_group(client, "one")
    first = put(client, group, "ann", event(client, "a", 1), event(client, "", 2))
    said = f"'{group}' would have 4 interactions; at most 3 are allowed (--group-interactions-max)"
    assert refusal(put, client, group, "bob", event(client, "a", 3), event(client, "b", 4)) == said
    put(client, group, "", event(client, "c", 5))
    assert put(client, group, "ann", event(client, "a", 1), event(client, "", 2)).duplicate_count == 2
    r = client.p.records
    for given in (first.event_ids[1], first.event_ids[0]):
        assert refusal(put, client, group, "bob", event(client, "", 9)) == said
        client.records.DeleteInteraction(
            r.DeleteInteractionRequest(dataset_group=group, event_id=given), timeout=10)
        put(client, group, "bob", event(client, "b", 10 + int(given == first.event_ids[0])))
    # A user who goes makes room for as many, an item too.
    client.records.DeleteUser(r.DeleteUserRequest(dataset_group=group, user_id="bob"), timeout=10)
    put(client, group, "cid", event(client, "d", 20), event(client, "d", 21))
    client.records.DeleteItem(r.DeleteItemRequest(dataset_group=group, item_id="d"), timeout=10)
    put(client, group, "cid", event(client, "e", 30), event(client, "e", 31))
    assert refusal(put, client, group, "cid", event(client, "e", 32)) == said


def test_bytes_are_of_everything_that_was_sent(limited):
    client = limited(bytes=1_000)
    group = make_group(client, "one")
    # 32 and the id and the texts.
    put_items(client, group, item1={"genres": "x" * 463})
    put_items(client, group, item2={"genres": "x" * 363})
    said = f"'{group}' would have 1001 bytes; at most 1000 are allowed (--group-bytes-max)"
    # 900 + 32, 5 of the type, the item and 8 of the value.
    assert refusal(put, client, group, "ann", event(client, "i" * 56, 1, event_value=2)) == said
    put(client, group, "ann", event(client, "i" * 55, 1, event_value=2))
    assert "would have 1001 bytes" in refusal(put_items, client, group, item2={"genres": "x" * 364})
    put_items(client, group, item2={"genres": "short"})
    put_users(client, group, ann={"age": 7})


def test_a_partial_call_and_a_stream_take_what_fits(limited):
    client = limited(records=2, interactions=2)
    group = make_group(client, "one")
    e = client.p.events
    answer = put(client, group, "ann", *[event(client, "a", n % 3) for n in range(6)], allow_partial=True)
    assert (answer.applied_count, answer.duplicate_count) == (2, 2)
    assert [(one.index, one.code) for one in answer.rejected] == [(2, EXHAUSTED.value[0]), (5, EXHAUSTED.value[0])]
    assert all("--group-interactions-max" in one.message for one in answer.rejected)
    records = [
        e.Record(user=e.User(user_id="ann")), e.Record(item=e.Item(item_id="a")), e.Record(item=e.Item(item_id="b")),
        e.Record(interaction=e.Interaction(user_id="ann", event=event(client, "a", 7))),
        e.Record(item=e.Item(item_id="a", properties='{"price":1}')),
    ]
    requests = [e.StreamRecordsRequest(dataset_group=group, records=records[start:end])
                for start, end in ((0, 5), (2, 4), (4, 5))]
    answers = list(client.events.StreamRecords(iter(requests), timeout=10))
    assert [(one.applied_count, [bad.index for bad in one.rejected]) for one in answers] == [
        (3, [2, 3]), (0, [0, 1]), (1, [])]
    assert get_item(client, group, "a") == {"price": 1}
    assert len(interactions(client, group, user_id="ann")) == 2


def test_a_lower_limit_takes_nothing_away_and_a_restart_counts_the_same(limited):
    client = limited()
    group = make_group(client, "one")
    put_items(client, group, a={"genres": "x|y"}, b={"price": 2.5})
    put_users(client, group, ann={"age": 7})
    put(client, group, "ann", event(client, "a", 1, event_value=1), event(client, "", 2, properties='{"device":"tv"}'),
        event(client, "b", 3, event_id="given", impression=["a", "b"], recommendation_id="r"))
    put(client, group, "", event(client, "a", 4))
    client = limited(records=1, interactions=2, bytes=3)
    assert len(interactions(client, group, user_id="ann")) == 3
    put_items(client, group, a={"genres": "x"})
    assert "would have 4 records; at most 1 " in refusal(put_items, client, group, c={})
    assert "would have 5 interactions; at most 2 " in refusal(put, client, group, "ann", event(client, "a", 9))
    # The group is as large as the calls made it, and what was told once is known after a restart.
    size = 3 * 32 + 4 * 32 + len("a" + "x" + "b" + "ann") + 8 + 8
    size += 4 * len("click") + len("a" + "b" + "a") + 8 + len("tv") + len("given" + "ab" + "r")
    client = limited(bytes=size + 32)
    said = refusal(put_users, client, group, b={})
    assert said == f"'{group}' would have {size + 33} bytes; at most {size + 32} are allowed (--group-bytes-max)"
    client = limited(bytes=size + 33)
    put_users(client, group, b={})


def lines(*rows):
    return "\n".join(["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE", *rows]) + "\n"


def test_imports_are_held_to_what_the_group_has_when_they_are_done(protos, tmp_path, monkeypatch):
    monkeypatch.setenv("BOWERBIRD_GROUP_INTERACTIONS_MAX", "4")
    monkeypatch.setenv("BOWERBIRD_GROUP_RECORDS_MAX", "3")
    jobs = Jobs(protos, tmp_path)
    failed = {"status": "RESOURCE_STATUS_CREATE_FAILED"}
    try:
        client, group = jobs.client, jobs.group("shop")
        events, items = f"{group}/datasets/interactions", f"{group}/datasets/items"
        put(client, group, "ann", event(client, "put", 1))
        three = [f"u{n},i{n},{START + n},click,," for n in range(3)]
        jobs.run(events, jobs.write("1.csv", lines(*three)), "FULL")
        # As many again take the place of those, one more does not fit; then the old ones stay.
        other = [f"u{n},j{n},{START + n},click,," for n in range(4)]
        jobs.run(events, jobs.write("2.csv", lines(*other[:3])), "FULL")
        job = jobs.run(events, jobs.write("3.csv", lines(*three, other[3])), "FULL", **failed)
        assert job.failure_reason.endswith(
            f"'{group}' would have 5 interactions; at most 4 are allowed (--group-interactions-max)")
        assert [one.event.item_id for one in interactions(client, group, user_id="u1")] == ["j1"]
        job = jobs.run(events, jobs.write("4.csv", lines(other[0], other[3])), "INCREMENTAL", **failed)
        assert "would have 5 interactions" in job.failure_reason
        jobs.run(events, jobs.write("5.csv", lines(other[0], other[1])), "INCREMENTAL")
        assert "would have 5 interactions" in refusal(put, client, group, "ann", event(client, "put", 2))

        put_items(client, group, put={}, other={})
        jobs.run(items, jobs.write("6.csv", "ITEM_ID,PRICE\nput,1\nnew,2\n"), "FULL")
        # Of a record that was put and the one in the file the former counts.
        assert get_item(client, group, "put") == {} and get_item(client, group, "new") == {"price": 2}
        jobs.run(items, jobs.write("7.csv", "ITEM_ID,PRICE\nother,1\nnewer,3\n"), "FULL")
        job = jobs.run(items, jobs.write("8.csv", "ITEM_ID,PRICE\nx,1\ny,3\n"), "FULL", **failed)
        assert "would have 4 records; at most 3 " in job.failure_reason
        job = jobs.run(items, jobs.write("9.csv", "ITEM_ID,PRICE\nnewer,1\nx,3\n"), "INCREMENTAL", **failed)
        assert "would have 4 records; at most 3 " in job.failure_reason
        jobs.run(items, jobs.write("10.csv", "ITEM_ID,PRICE\nnewer,1\nput,3\n"), "INCREMENTAL")
        assert get_item(client, group, "newer") == {"price": 1} and get_item(client, group, "put") == {"price": 3}
    finally:
        jobs.server.stop()
