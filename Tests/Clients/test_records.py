"""Records of any kind: in one call, in a stream, and the good ones of a call with bad ones."""

import threading
import uuid

import grpc
import pytest

from conftest import Client, Server


@pytest.fixture
def shop(client):
    """A group of its own with open schemas."""
    name = "g" + uuid.uuid4().hex[:12]
    client.datasets.CreateDatasetGroup(
        client.p.datasets.CreateDatasetGroupRequest(name=name, starter=True), timeout=10
    )
    return f"datasetGroups/{name}"


def interaction(client, user, item, seconds, session="", event_id=""):
    events = client.p.events
    event = events.Event(event_type="click", item_id=item, event_id=event_id)
    event.sent_at.FromSeconds(seconds)
    return events.Record(
        interaction=events.Interaction(user_id=user, session_id=session, event=event)
    )


def user(client, user_id, properties=""):
    return client.p.events.Record(
        user=client.p.events.User(user_id=user_id, properties=properties)
    )


def item(client, item_id, properties=""):
    return client.p.events.Record(
        item=client.p.events.Item(item_id=item_id, properties=properties)
    )


def batch(client, records, group=""):
    return client.p.events.StreamRecordsRequest(dataset_group=group, records=records)


def test_a_call_takes_records_of_every_kind_and_of_many_users(client, shop):
    answer = client.events.PutRecords(
        client.p.events.PutRecordsRequest(
            dataset_group=shop,
            records=[
                item(client, "a", '{"color":"red"}'),
                user(client, "ann", '{"age":7}'),
                interaction(client, "ann", "a", 1_700_000_000),
                interaction(client, "bob", "b", 1_700_000_001, session="s"),
                interaction(client, "bob", "b", 1_700_000_001, session="s"),
            ],
        ),
        timeout=10,
    )
    assert (answer.applied_count, answer.duplicate_count) == (4, 1)
    assert not answer.rejected
    found = client.recommend(
        f"{shop}/campaigns/default", "new", min_position=answer.position
    )
    assert {one.item_id for one in found.item_list} == {"a", "b"}


def test_a_bad_record_refuses_the_call_and_names_the_field(client, shop):
    request = client.p.events.PutRecordsRequest(
        dataset_group=shop,
        records=[
            interaction(client, "ann", "a", 1_700_000_000),
            interaction(client, "", "a", 1_700_000_000),
            client.p.events.Record(),
        ],
    )
    with pytest.raises(grpc.RpcError) as refused:
        client.events.PutRecords(request, timeout=10)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == (
        "records[1].interaction.user_id: is required, or a session_id (and 1 more)"
    )
    request.allow_partial = True
    answer = client.events.PutRecords(request, timeout=10)
    assert answer.applied_count == 1
    assert [(one.index, one.code, one.field) for one in answer.rejected] == [
        (1, 3, "records[1].interaction.user_id"),
        (2, 3, "records[2]"),
    ]


def test_partial_put_calls_apply_the_good_records(client, shop):
    events = client.p.events
    good = interaction(client, "ann", "a", 1_700_000_000).interaction.event
    late = interaction(client, "ann", "b", 4_000_000_000).interaction.event
    answer = client.events.PutEvents(
        events.PutEventsRequest(
            dataset_group=shop, user_id="ann", session_id="s", event_list=[late, good],
            allow_partial=True,
        ),
        timeout=10,
    )
    assert answer.applied_count == 1
    assert [(one.index, one.field) for one in answer.rejected] == [(0, "event_list[0].sent_at")]
    assert answer.event_ids[0] == "" and answer.event_ids[1] != ""
    items = client.events.PutItems(
        events.PutItemsRequest(
            dataset_group=shop,
            items=[events.Item(item_id="a"), events.Item(item_id="x" * 257)],
            allow_partial=True,
        ),
        timeout=10,
    )
    assert items.applied_count == 1
    assert [(one.index, one.field) for one in items.rejected] == [(1, "items[1].item_id")]
    users = client.events.PutUsers(
        events.PutUsersRequest(
            dataset_group=shop,
            users=[events.User(user_id="ann", properties="{"), events.User(user_id="bob")],
            allow_partial=True,
        ),
        timeout=10,
    )
    assert users.applied_count == 1
    assert [one.field for one in users.rejected] == ["users[0].properties"]


def test_a_stream_answers_every_batch_in_order(client, shop):
    def batches():
        for number in range(200):
            yield batch(
                client,
                [
                    interaction(client, f"u{number % 7}", f"i{number}-{n}", 1_600_000_000 + n)
                    for n in range(50)
                ]
                + [interaction(client, "", "bad", 1)],
                group=shop if number == 0 else "",
            )

    positions = []
    for answer in client.events.StreamRecords(batches(), timeout=30):
        assert answer.applied_count == 50
        assert [one.index for one in answer.rejected] == [50]
        positions.append(answer.position)
    assert len(positions) == 200
    assert positions == sorted(set(positions))


def test_a_batch_is_visible_once_it_is_answered(client, shop):
    answered = threading.Semaphore(0)

    def batches():
        for number in range(20):
            yield batch(client, [interaction(client, "ann", f"i{number}", 1_600_000_000)], shop)
            answered.acquire()

    for number, _ in enumerate(client.events.StreamRecords(batches(), timeout=30)):
        found = client.recommend(f"{shop}/campaigns/default", "ann", count=100)
        assert f"i{number}" in {one.item_id for one in found.item_list}
        answered.release()


def test_a_stream_ends_with_an_error_and_keeps_what_was_answered(client, shop):
    requests = [
        batch(client, [interaction(client, "ann", "a", 1_600_000_000)], shop),
        batch(client, [interaction(client, "ann", "b", 1_600_000_000)], "datasetGroups/none"),
        batch(client, [interaction(client, "ann", "c", 1_600_000_000)], shop),
    ]
    call = client.events.StreamRecords(iter(requests), timeout=10)
    assert next(call).applied_count == 1
    with pytest.raises(grpc.RpcError) as refused:
        next(call)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    found = client.recommend(f"{shop}/campaigns/default", "ann", count=100)
    assert [one.item_id for one in found.item_list] == ["a"]


def test_a_stream_without_a_group_or_a_record_is_refused(client, shop):
    for request, message in [
        (batch(client, [user(client, "ann")]), "dataset_group: is required"),
        (batch(client, [], shop), "records: is empty"),
    ]:
        with pytest.raises(grpc.RpcError) as refused:
            list(client.events.StreamRecords(iter([request]), timeout=10))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert refused.value.details().startswith(message)


def test_what_a_stream_was_answered_survives_a_kill(protos, tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        client = Client(protos, server.channel)
        client.datasets.CreateDatasetGroup(
            protos.datasets.CreateDatasetGroupRequest(name="s", starter=True), timeout=10
        )

        def batches():
            number = 0
            while True:
                yield batch(
                    client,
                    [interaction(client, f"u{number % 5}", f"i{number}", 1_600_000_000 + number)],
                    "datasetGroups/s",
                )
                number += 1

        acknowledged = 0
        stream = client.events.StreamRecords(batches(), timeout=30)
        for answer in stream:
            assert answer.applied_count == 1
            acknowledged += 1
            if acknowledged == 300:
                break
        server.kill()
        server.start()
        client = Client(protos, server.channel)
        again = client.events.PutRecords(
            protos.events.PutRecordsRequest(
                dataset_group="datasetGroups/s",
                records=[
                    interaction(client, f"u{number % 5}", f"i{number}", 1_600_000_000 + number)
                    for number in range(acknowledged)
                ],
            ),
            timeout=10,
        )
        assert (again.applied_count, again.duplicate_count) == (0, acknowledged)
    finally:
        server.stop()
