"""`typed_properties`: what records say without JSON, the same as with it."""

import json
import math

import grpc
import pytest
from conftest import bad_fields
from test_filtered_answers import put_items
from test_single_records import get_item, get_user


def typed(client, message, **values):
    """Adds typed properties to a message; a list is of categories, None is null."""
    for name, value in values.items():
        one = message.typed_properties.add(name=name)
        if isinstance(value, bool):
            one.bool_value = value
        elif isinstance(value, int):
            one.int64_value = value
        elif isinstance(value, float):
            one.double_value = value
        elif isinstance(value, str):
            one.string_value = value
        elif isinstance(value, list):
            one.list_value.values.extend(value)
            one.list_value.SetInParent()
    return message


def put_item(client, group, item, properties="", **values):
    request = client.p.events.PutItemsRequest(dataset_group=group)
    typed(client, request.items.add(item_id=item, properties=properties), **values)
    return client.events.PutItems(request, timeout=10)


def test_a_typed_record_is_the_same_as_one_of_json(client, group):
    put_items(client, group, json={"genres": "lamp|home", "price": 3, "creationTimestamp": 5})
    put_item(client, group, "typed", genres=["lamp", "home"], PRICE=3, creation_timestamp=5)
    put_item(client, group, "mixed", '{"genres":"lamp|home"}', price="3", CREATION_TIMESTAMP=5)
    wanted = get_item(client, group, "json")
    assert wanted["price"] == 3
    assert get_item(client, group, "typed") == wanted
    assert get_item(client, group, "mixed") == wanted
    put_item(client, group, "none", genres=[], price=None)
    assert get_item(client, group, "none") == {}

    users = client.p.events.PutUsersRequest(dataset_group=group)
    typed(client, users.users.add(user_id="u"), age=30)
    client.events.PutUsers(users, timeout=10)
    assert get_user(client, group, "u") == {"age": 30}


def test_an_update_changes_and_removes_typed_properties(client, group):
    put_item(client, group, "i", genres=["a"], price=1.5)
    r = client.p.records
    change = typed(client, client.p.events.Item(item_id="i"), price=2.5, genres=None)
    client.records.UpdateItem(r.UpdateItemRequest(dataset_group=group, item=change), timeout=10)
    assert get_item(client, group, "i") == {"price": 2.5}


def test_typed_properties_of_an_event_name_its_item_and_value(client, group):
    e = client.p.events
    record = e.Record()
    event = record.interaction.event
    record.interaction.user_id = "u"
    event.event_type = "view"
    event.sent_at.FromSeconds(1_700_000_000)
    typed(client, event, itemId="x", eventValue=2, device="tv")
    client.events.PutRecords(
        e.PutRecordsRequest(dataset_group=group, records=[record]), timeout=10)
    request = client.p.records.ListInteractionsRequest(dataset_group=group, user_id="u")
    found = client.records.ListInteractions(request, timeout=10).interactions[0].event
    assert (found.item_id, found.event_value) == ("x", 2)
    assert json.loads(found.properties) == {"device": "tv"}


@pytest.mark.parametrize("properties, values, field", [
    ("", {"genres": ["a|b"]}, "items[0].typed_properties[0].list_value.values[0]"),
    ("", {"genres": ["a", ""]}, "items[0].typed_properties[0].list_value.values[1]"),
    ("", {"price": ["1"]}, "items[0].typed_properties[0].list_value"),
    ("", {"price": math.nan}, "items[0].typed_properties[0]"),
    ("", {"price": math.inf}, "items[0].typed_properties[0]"),
    ("", {"price": True}, "items[0].typed_properties[0]"),
    ("", {"price": "cheap"}, "items[0].typed_properties[0]"),
    ("", {"genres": 5}, "items[0].typed_properties[0]"),
    ("", {"color": "red"}, "items[0].typed_properties[0]"),
    ("", {"": "red"}, "items[0].typed_properties[0].name"),
    ("", {"price": 1, "PRICE": 2}, "items[0].typed_properties[1].name"),
    ('{"price":1}', {"Price": 1}, "items[0].typed_properties[0].name"),
    ("", {"genres": "x" * 32_001}, "items[0].typed_properties"),
    ("", {"item_id": "y"}, "items[0].typed_properties[0]"),
])
def test_what_is_wrong_is_named_and_nothing_is_stored(client, group, properties, values, field):
    with pytest.raises(grpc.RpcError) as caught:
        put_item(client, group, "i", properties, **values)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field in [one.field for one in bad_fields(caught.value)]
    with pytest.raises(grpc.RpcError) as caught:
        get_item(client, group, "i")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_open_schema_grows_by_typed_properties_too(client, group):
    d = client.p.datasets
    made = client.datasets.CreateDatasetGroup(
        d.CreateDatasetGroupRequest(name=f"open-{group[-9:]}", starter=True))
    name = made.dataset_group.resource_name
    put_item(client, name, "i", color=["red", "blue"], size=4, weight=1.5, new=True)
    assert get_item(client, name, "i") == {
        "color": "red|blue", "size": 4, "weight": 1.5, "new": True}
    with pytest.raises(grpc.RpcError) as caught:
        put_item(client, name, "j", depth=math.nan)
    assert bad_fields(caught.value)[0].field == "items[0].typed_properties[0]"
