"""The refusals of Personalize's contract over the wire: status, path of the field, and message."""

import json
import uuid

import grpc
import pytest
from conftest import bad_fields

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def violations(call, request):
    """`field: description` of everything that an invalid call did wrong."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=10)
    assert caught.value.code() == INVALID, caught.value
    return [f"{one.field}: {one.description}" for one in bad_fields(caught.value)]


def matches(found, expected):
    """Whether each violation begins as expected, and there are no others."""
    assert len(found) == len(expected), found
    for one, beginning in zip(found, expected):
        assert one.startswith(beginning), found


# MARK: Section 1, schemas

ID = {"name": "ITEM_ID", "type": "string"}
PRICE = {"name": "PRICE", "type": "float"}
EVENT = [
    {"name": "USER_ID", "type": "string"}, {"name": "ITEM_ID", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
]


def schema(fields, name="Items", **changes):
    return json.dumps({
        "type": "record", "name": name, "namespace": "com.amazonaws.personalize.schema",
        "fields": fields, "version": "1.0", **changes,
    })


SCHEMAS = {
    "no JSON": "{",
    "too long": schema([ID, PRICE], doc="x" * 20_000),
    "not a record": schema([ID, PRICE], type="enum"),
    "name of no dataset": schema([ID, PRICE], name="Things"),
    "no fields": schema([]),
    "without its id": schema([PRICE]),
    "id of another type": schema([{"name": "ITEM_ID", "type": "long"}, PRICE]),
    "nullable id": schema([{"name": "ITEM_ID", "type": ["string", "null"]}, PRICE]),
    "without metadata": schema([ID]),
    "without a timestamp": schema(EVENT[:2], name="Interactions"),
    "nested record": schema([ID, {"name": "A", "type": {"type": "record"}}]),
    "array": schema([ID, {"name": "A", "type": {"type": "array", "items": "string"}}]),
    "union of two scalars": schema([ID, {"name": "A", "type": ["int", "string"]}]),
    "unknown type": schema([ID, {"name": "A", "type": "bytes"}]),
    "default value": schema([ID, {"name": "A", "type": "int", "default": 0}]),
    "names alike": schema([ID, {"name": "GENRES_1", "type": "int"}, {"name": "genres1", "type": "int"}]),
    "name with a dash": schema([ID, {"name": "A-B", "type": "int"}]),
    "name too long": schema([ID, {"name": "A" * 151, "type": "int"}]),
    "categorical number": schema([ID, {"name": "A", "type": "int", "categorical": True}]),
    "textual user column": schema(
        [{"name": "USER_ID", "type": "string"}, {"name": "A", "type": "string", "textual": True}],
        name="Users"),
    "two textual columns": schema([
        ID, {"name": "A", "type": "string", "textual": True},
        {"name": "B", "type": "string", "textual": True}]),
    "categorical event type": schema(
        [*EVENT, {"name": "EVENT_TYPE", "type": "string", "categorical": True}], name="Interactions"),
    "event value as text": schema(
        [*EVENT, {"name": "EVENT_VALUE", "type": "string"}], name="Interactions"),
    "six own columns of events": schema(
        [*EVENT, *[{"name": f"C{n}", "type": "int"} for n in range(6)]], name="Interactions"),
    "101 columns of items": schema([ID, *[{"name": f"C{n}", "type": "int"} for n in range(101)]]),
    "26 columns of users": schema(
        [{"name": "USER_ID", "type": "string"}, *[{"name": f"C{n}", "type": "int"} for n in range(26)]],
        name="Users"),
}


SCHEMA_SAYS = {
    "no JSON": [
        'schema: is no JSON document: ',
    ],
    "too long": [
        'schema: has 20200 characters; at most 20000 are allowed',
    ],
    "not a record": [
        'schema.type: is "enum"; only "record" is allowed',
    ],
    "name of no dataset": [
        'schema.name: is "Things"; allowed are "Interactions", "Items", "Users"',
    ],
    "no fields": [
        'schema.fields: lacks ITEM_ID of type string, which is required',
        'schema.fields: needs at least one categorical string, textual string or number beside the id',
    ],
    "without its id": [
        'schema.fields: lacks ITEM_ID of type string, which is required',
    ],
    "id of another type": [
        'schema.fields[0].type: is long; ITEM_ID has the type string',
    ],
    "nullable id": [
        "schema.fields[0].type: can't be null: ITEM_ID is required",
    ],
    "without metadata": [
        'schema.fields: needs at least one categorical string, textual string or number beside the id',
    ],
    "without a timestamp": [
        'schema.fields: lacks TIMESTAMP of type long, which is required',
    ],
    "nested record": [
        'schema.fields[1].type: is an object; records are flat: allowed are ',
    ],
    "array": [
        'schema.fields[1].type: is an object; records are flat: allowed are ',
    ],
    "union of two scalars": [
        'schema.fields[1].type: is a union that is not one scalar type and null; allowed are ',
    ],
    "unknown type": [
        'schema.fields[1].type: is "bytes"; allowed are string, int, long, float, double, boolean',
    ],
    "default value": [
        'schema.fields[1].default: is not known here; allowed are name, type, categorical, textual',
    ],
    "names alike": [
        "schema.fields[2].name: 'genres1' and 'GENRES_1' are the same name once case and '_' are left",
    ],
    "name with a dash": [
        'schema.fields[1].name: is "A-B"; a name has 1 to 150 letters, digits and \'_\'',
    ],
    "name too long": [
        'schema.fields[1].name: is "AAAA',
    ],
    "categorical number": [
        'schema.fields[1].categorical: is only allowed on a string, and the type is int',
    ],
    "textual user column": [
        'schema.fields[1].textual: is only allowed in a schema of Items',
    ],
    "two textual columns": [
        'schema.fields: has 2 textual columns; at most 1 is allowed',
    ],
    "categorical event type": [
        'schema.fields[3].categorical: is not allowed on EVENT_TYPE, which is reserved',
    ],
    "event value as text": [
        'schema.fields[3].type: is string; EVENT_VALUE has the type float',
    ],
    "six own columns of events": [
        'schema.fields: has 6 columns beside the reserved ones; at most 5 are allowed',
    ],
    "101 columns of items": [
        'schema.fields: has 101 columns beside the reserved ones; at most 100 are allowed',
    ],
    "26 columns of users": [
        'schema.fields: has 26 columns beside the reserved ones; at most 25 are allowed',
    ],
}


@pytest.mark.parametrize("case", SCHEMAS)
def test_a_schema_that_breaks_a_rule_is_refused(client, case):
    request = client.p.datasets.CreateSchemaRequest(
        name="s" + uuid.uuid4().hex, schema=SCHEMAS[case])
    matches(violations(client.datasets.CreateSchema, request), SCHEMA_SAYS[case])


# MARK: Section 2, events


def event(client, seconds=1_700_000_000, **fields):
    made = client.p.events.Event(**{"event_type": "view", "item_id": "i", **fields})
    made.sent_at.seconds = seconds
    return made


def credit(client, source):
    return client.p.events.MetricAttribution(event_attribution_source=source)


FORBIDDEN = ["USERID", "session_id", "EventType", "timestamp", "RECOMMENDATION_ID", "impression"]
SOURCE = (
    "event_list[0].metric_attribution.event_attribution_source: "
    "is not 1 to 1,024 printable ASCII characters with one that is no space"
)
EVENTS = {
    "one more than allowed": (
        lambda c: [event(c)] * 10_001,
        ["event_list: has 10001 records; at most 10000 are allowed"]),
    "a value that is no number": (
        lambda c: [event(c, event_value=float("nan"))],
        ["event_list[0].event_value: is nan; a finite number is needed"]),
    "milliseconds": (
        lambda c: [event(c, seconds=1_700_000_000_000)],
        ["event_list[0].sent_at: is 1700000000000 s, outside of 1970 to 9999; "
         "it reads as milliseconds, and seconds are needed"]),
    "the future": (
        lambda c: [event(c), event(c, seconds=4_000_000_000)], ["event_list[1].sent_at: is "]),
    "before 1970": (
        lambda c: [event(c, seconds=-1)],
        ["event_list[0].sent_at: is -1 s, outside of 1970 to 9999"]),
    "long properties": (
        lambda c: [event(c, properties='{"device":"' + "x" * 1_020 + '"}')],
        ["event_list[0].properties: has 1033 characters; at most 1024 are allowed",
         "event_list[0].properties.device: "]),
    "properties that are a list": (
        lambda c: [event(c, properties="[1]")],
        ["event_list[0].properties: is JSON, but not an object of names and values"]),
    **{
        f"the key {key}": (
            lambda c, key=key: [event(c, properties=json.dumps({key: "x"}))],
            [f"event_list[0].properties.{key}: is not allowed in properties; "
             "it has a field of its own"])
        for key in FORBIDDEN
    },
    "an impression without id": (
        lambda c: [event(c, impression=["a", ""])],
        ["event_list[0].impression[1]: is required; 1 to 256 characters"]),
    "a long type": (
        lambda c: [event(c, event_type="t" * 257)],
        ["event_list[0].event_type: has 257 characters; at most 256 are allowed"]),
    "a blank source": (lambda c: [event(c, metric_attribution=credit(c, " "))], [SOURCE]),
    "a source beyond ASCII": (lambda c: [event(c, metric_attribution=credit(c, "ä"))], [SOURCE]),
    "a large event": (
        lambda c: [event(c, impression=["ä" * 256] * 25)],
        ["event_list[0]: has 12805 bytes of text; at most 10240 are allowed"]),
}


@pytest.mark.parametrize("case", EVENTS)
def test_an_event_that_breaks_a_rule_is_refused(client, group, case):
    make, expected = EVENTS[case]
    request = client.p.events.PutEventsRequest(
        dataset_group=group, session_id="s", event_list=make(client))
    matches(violations(client.events.PutEvents, request), expected)


# MARK: Section 2, users and items


def test_users_and_items_over_their_bounds_are_refused(client, group):
    e = client.p.events
    users = [e.User(user_id=f"u{n}") for n in range(10_001)]
    items = [e.Item(item_id=f"i{n}") for n in range(10_001)]
    wide = {
        bound: json.dumps({"genres" if bound == 32_000 else "age": "x" * bound})
        for bound in (24_000, 32_000)
    }
    for call, request, expected in [
        (client.events.PutUsers, e.PutUsersRequest(dataset_group=group, users=users),
         ["users: has 10001 records; at most 10000 are allowed"]),
        (client.events.PutItems, e.PutItemsRequest(dataset_group=group, items=items),
         ["items: has 10001 records; at most 10000 are allowed"]),
        (client.events.PutUsers,
         e.PutUsersRequest(
             dataset_group=group, users=[e.User(user_id="u", properties=wide[24_000])]),
         ["users[0].properties: has 24011 characters; at most 24000 are allowed",
          "users[0].properties.age: "]),
        (client.events.PutItems,
         e.PutItemsRequest(
             dataset_group=group, items=[e.Item(item_id="i", properties=wide[32_000])]),
         ["items[0].properties: has 32014 characters; at most 32000 are allowed",
          "items[0].properties.genres: "]),
        (client.events.PutItems,
         e.PutItemsRequest(dataset="datasetGroups/x/datasets/", items=items[:1]),
         ["dataset: 'datasetGroups/x/datasets/' is no name of a dataset; the form is "]),
    ]:
        matches(violations(call, request), expected)


@pytest.mark.parametrize("way", ["JSON number", "JSON text", "typed"])
def test_an_item_of_milliseconds_is_refused_with_that_hint(client, group, way):
    e = client.p.events
    item, at = e.Item(item_id="i"), 1_700_000_000_000
    if way == "typed":
        item.typed_properties.add(name="creationTimestamp", int64_value=at)
    else:
        item.properties = json.dumps({"creationTimestamp": at if way == "JSON number" else str(at)})
    place = "typed_properties[0]" if way == "typed" else "properties.creationTimestamp"
    assert violations(client.events.PutItems, e.PutItemsRequest(dataset_group=group, items=[item])) == [
        f"items[0].{place}: is 1700000000000; whole seconds from 1970 to 9999 are needed; it reads as milliseconds"]


def test_a_deleted_tracker_takes_no_events_and_keeps_those_it_had(client, group):
    d, e = client.p.datasets, client.p.events
    tracker = client.datasets.DescribeEventTracker(
        d.DescribeEventTrackerRequest(event_tracker=f"{group}/eventTrackers/tracker")).event_tracker
    request = e.PutEventsRequest(
        tracking_id=tracker.tracking_id, session_id="s", user_id="u", event_list=[event(client)])
    assert client.events.PutEvents(request).applied_count == 1
    client.datasets.DeleteEventTracker(
        d.DeleteEventTrackerRequest(event_tracker=tracker.resource_name))
    with pytest.raises(grpc.RpcError) as caught:
        client.events.PutEvents(request)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    again = client.events.PutEvents(
        e.PutEventsRequest(
            dataset_group=group, session_id="s", user_id="u", event_list=[event(client)]))
    assert (again.applied_count, again.duplicate_count) == (0, 1)
