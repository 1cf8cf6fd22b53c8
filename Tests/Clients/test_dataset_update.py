"""`UpdateDataset`: more columns for records that are there, at once and after a crash."""

import contextlib
import json

import grpc
import pytest
from conftest import SCHEMAS, Client, bad_fields, make_group
from test_cli import run
from test_exploration import campaign_of
from test_filtered_answers import put_items, put_user
from test_flow import import_events
from test_refusals import INVALID, NOT_FOUND


@contextlib.contextmanager
def refused(code, *fields):
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert caught.value.code() == code, caught.value
    if fields:
        assert {one.field for one in bad_fields(caught.value)} == set(fields)


def schema_of(client, group, kind, fields, suffix="2"):
    """A schema with the kind's reserved fields and these, in the order that is given."""
    document = json.loads(SCHEMAS[kind])
    document["fields"] = fields
    label = group.split("/")[1]
    name = f"{label[:20]}-{label[-9:]}-{kind}-{suffix}"
    made = client.datasets.CreateSchema(
        client.p.datasets.CreateSchemaRequest(name=name, schema=json.dumps(document))
    )
    return made.schema.resource_name


def update(client, group, kind, schema, **fields):
    request = client.p.datasets.UpdateDatasetRequest(
        dataset=f"{group}/datasets/{kind}", schema=schema, **fields
    )
    return client.datasets.UpdateDataset(request, timeout=10).dataset


# The new columns stand between and before the old ones, whose values must stay where they are.
MORE = [
    {"name": "ITEM_ID", "type": "string"},
    {"name": "COLOR", "type": ["string", "null"], "categorical": True},
    {"name": "PRICE", "type": ["float", "null"]},
    {"name": "YEAR", "type": ["int", "null"]},
    {"name": "GENRES", "type": ["string", "null"], "categorical": True},
    {"name": "CREATION_TIMESTAMP", "type": ["long", "null"]},
]


def eligible(client, campaign, expression):
    return client.recommend(campaign, "user-1", 1, filter_expression=expression).eligible_count


def test_new_columns_are_there_for_the_next_call_and_old_values_stay(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "more")
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    put_items(client, group, **{
        f"x{n}": {"genres": "lamp" if n % 2 else "sofa", "price": n} for n in range(10)
    })
    with refused(INVALID, "filter_expression"):
        eligible(client, campaign, "INCLUDE ItemID WHERE Items.YEAR > 2000")
    before = client.datasets.DescribeDataset(
        protos.datasets.DescribeDatasetRequest(dataset=f"{group}/datasets/items")).dataset
    schema = schema_of(client, group, "items", MORE)
    updated = update(client, group, "items", schema, etag=before.etag)
    assert updated.schema == schema and updated.etag != before.etag

    put_items(client, group, x3={"genres": "lamp", "price": 3, "year": 2024, "color": "red"})
    change = protos.events.Item(item_id="x4", properties=json.dumps({"year": 1999}))
    client.records.UpdateItem(
        protos.records.UpdateItemRequest(dataset_group=group, item=change), timeout=10)

    def check(client):
        assert eligible(client, campaign, "INCLUDE ItemID WHERE Items.YEAR > 2000") == 1
        assert eligible(client, campaign, "INCLUDE ItemID WHERE Items.YEAR > 1900") == 2
        assert eligible(client, campaign, 'INCLUDE ItemID WHERE Items.COLOR IN ("red")') == 1
        assert eligible(client, campaign, 'INCLUDE ItemID WHERE Items.GENRES IN ("lamp")') == 5
        assert eligible(client, campaign, "INCLUDE ItemID WHERE Items.PRICE < 4") == 4
        item = client.records.GetItem(
            protos.records.GetItemRequest(dataset_group=group, item_id="x4"), timeout=10).item
        assert json.loads(item.properties) == {"genres": "sofa", "price": 4, "year": 1999}

    check(client)
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    check(client)

    # Once more: what was added keeps its place as well.
    again = [{"name": "SIZE", "type": ["string", "null"]}] + list(reversed(MORE))
    update(client, group, "items", schema_of(client, group, "items", again, "3"))
    put_items(client, group, x5={"size": "L", "genres": "lamp", "price": 5})
    check(client)
    assert eligible(client, campaign, 'INCLUDE ItemID WHERE Items.SIZE IN ("L")') == 1


def test_users_and_interactions_get_columns_too(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    put_user(client, group, "user-1", age=30)
    users = [
        {"name": "USER_ID", "type": "string"},
        {"name": "CITY", "type": ["string", "null"], "categorical": True},
        {"name": "AGE", "type": ["int", "null"]},
    ]
    update(client, group, "users", schema_of(client, group, "users", users))
    condition = "INCLUDE ItemID WHERE Items.PRICE >= 0 IF CurrentUser.{}"
    put_items(client, group, x0={"genres": "lamp", "price": 1})
    assert eligible(client, campaign, condition.format("AGE = 30")) >= 1
    put_user(client, group, "user-1", age=30, city="Graz")
    assert eligible(client, campaign, condition.format('CITY = "Graz"')) >= 1

    events = json.loads(SCHEMAS["interactions"])["fields"]
    events.insert(4, {"name": "SHOP", "type": ["string", "null"], "categorical": True})
    update(client, group, "interactions", schema_of(client, group, "interactions", events))
    e = client.p.events
    event = e.Event(event_type="click", item_id="x0",
                    properties=json.dumps({"shop": "north", "device": "tv"}))
    event.sent_at.FromSeconds(1_700_000_000)
    client.events.PutEvents(e.PutEventsRequest(
        dataset_group=group, user_id="user-1", session_id="s", event_list=[event]), timeout=10)
    without = 'EXCLUDE ItemID WHERE Interactions.{} IN ("{}")'
    everything = eligible(client, campaign, without.format("SHOP", "south"))
    assert eligible(client, campaign, without.format("SHOP", "north")) == everything - 1
    assert eligible(client, campaign, without.format("DEVICE", "tv")) == everything - 1


def test_what_does_not_extend_is_refused_with_all_that_is_wrong(client, group):
    wrong = [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "PRICE", "type": ["string", "null"]},
        {"name": "YEAR", "type": "int"},
        {"name": "CREATION_TIMESTAMP", "type": ["long", "null"]},
    ]
    schema = schema_of(client, group, "items", wrong)
    with pytest.raises(grpc.RpcError) as caught:
        update(client, group, "items", schema)
    assert caught.value.code() == INVALID
    found = [one.description for one in bad_fields(caught.value)]
    assert len(found) == 3 and {one.field for one in bad_fields(caught.value)} == {"schema"}
    assert "GENRES is missing" in found[0]
    assert "PRICE is string or null, but was float or null" in found[1]
    assert "YEAR does not allow null" in found[2]
    users = f"schemas/{group.split('/')[1]}-users"
    with refused(INVALID, "schema"):
        update(client, group, "items", users)
    with refused(NOT_FOUND):
        update(client, group, "items", "schemas/none")
    with refused(NOT_FOUND):
        update(client, group + "x", "items", schema)
    good = schema_of(client, group, "items", MORE, "good")
    with refused(grpc.StatusCode.ABORTED):
        update(client, group, "items", good, etag="zz")
    assert update(client, group, "items", good).schema == good
    with refused(grpc.StatusCode.FAILED_PRECONDITION):
        client.datasets.DeleteSchema(client.p.datasets.DeleteSchemaRequest(schema=good))
    client.datasets.DeleteSchema(client.p.datasets.DeleteSchemaRequest(
        schema=f"schemas/{group.split('/')[1]}-items"))


def test_the_cli_extends_a_dataset(client, group, shared_server, tmp_path):
    path = tmp_path / "items.json"
    path.write_text(json.dumps({**json.loads(SCHEMAS["items"]), "fields": MORE}))
    label = group.split("/")[1]
    name = f"{label[-9:]}-more"
    done = run("extend", label, "items", str(path), "--name", name, server=shared_server.address)
    assert f"schemas/{name}" in done.stdout
    put_items(client, group, x0={"color": "red"})
    missing = str(tmp_path / "none.json")
    done = run("extend", label, "items", missing, server=shared_server.address, expect=1)
    assert "can't be read" in done.stderr
