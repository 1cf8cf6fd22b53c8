"""Rows of features.md A: dataset groups, datasets and schemas as Amazon Personalize documents them."""

import json
import uuid

import grpc
import pytest
from conftest import bad_fields
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from test_content import describe_catalogue
from test_exploration import campaign_of, explored
from test_flow import START, import_events, train
from test_jobs import Jobs
from test_single_records import get_item, get_user, interactions, put_items, put_users, refused
from test_wishes import values

IDS = {
    "interactions": [("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long")],
    "users": [("USER_ID", "string")], "items": [("ITEM_ID", "string")],
}
DAY = 86_400


@pytest.fixture
def jobs(protos, tmp_path):
    made = Jobs(protos, tmp_path)
    yield made
    made.server.stop()


def field(name, kind, **marks):
    return {"name": name, "type": kind, **marks}


def document(kind, *own, **more):
    return json.dumps({
        "type": "record", "name": kind.capitalize(), "namespace": "com.amazonaws.personalize.schema",
        "fields": [*(field(*one) for one in IDS[kind]), *own], "version": "1.0", **more,
    })


def make_dataset(client, group, kind, *own):
    d = client.p.datasets
    made = client.datasets.CreateSchema(
        d.CreateSchemaRequest(name="s" + uuid.uuid4().hex, schema=document(kind, *own)), timeout=10)
    return client.datasets.CreateDataset(d.CreateDatasetRequest(
        name=kind, schema=made.schema.resource_name, dataset_group=group,
        dataset_type=client.p.resources.DatasetType.Value(f"DATASET_TYPE_{kind.upper()}")), timeout=10).dataset


def make_group(client, **own):
    """A group with a dataset of each kind that has own columns."""
    group = client.datasets.CreateDatasetGroup(
        client.p.datasets.CreateDatasetGroupRequest(name="g" + uuid.uuid4().hex), timeout=10
    ).dataset_group
    assert group.status == client.p.resources.RESOURCE_STATUS_ACTIVE
    for kind, fields in own.items():
        assert make_dataset(client, group.resource_name, kind, *fields).status == group.status
    return group.resource_name


def put(client, group, user, **fields):
    event = client.p.events.Event(event_type="click", **fields)
    if not event.HasField("sent_at"):
        event.sent_at.seconds = START
    return client.events.PutEvents(client.p.events.PutEventsRequest(
        dataset_group=group, user_id=user, session_id="s", event_list=[event]), timeout=10)


def test_a1_groups_hold_one_dataset_of_each_type_and_nothing_of_each_other(client):
    own = {"interactions": [], "users": [field("AGE", "int")], "items": [field("PRICE", "float")]}
    # More than the five of a region, and nothing to wait for.
    groups = [make_group(client, **own) for _ in range(7)]
    for kind, fields in own.items():
        with pytest.raises(grpc.RpcError) as error:
            make_dataset(client, groups[0], kind, *fields)
        assert error.value.code() == grpc.StatusCode.ALREADY_EXISTS
    for number, group in enumerate(groups):
        put_items(client, group, same={"price": number})
        put(client, group, "ann", item_id=f"of-{number}")
    for number, group in enumerate(groups):
        assert get_item(client, group, "same") == {"price": number}
        assert [one.event.item_id for one in interactions(client, group, user_id="ann")] == [f"of-{number}"]


def test_a3_an_interactions_dataset_has_its_reserved_fields_and_five_more(jobs):
    client = jobs.client
    own = [field("EVENT_TYPE", "string"), field("EVENT_VALUE", ["float", "null"]),
           field("IMPRESSION", ["string", "null"]), field("RECOMMENDATION_ID", ["string", "null"]),
           field("EVENT_ATTRIBUTION_SOURCE", ["string", "null"]),
           field("DEVICE", "string", categorical=True), field("PAGE", ["int", "null"]),
           field("DEPTH", ["double", "null"]), field("NOTE", ["string", "null"]), field("VIP", ["boolean", "null"])]
    group = make_group(client, interactions=own)
    # It stays empty until events fill it.
    found = client.datasets.GetDatasetStatistics(
        client.p.datasets.GetDatasetStatisticsRequest(dataset_group=group), timeout=10)
    assert [one.record_count for one in found.datasets] == [0]
    more = {"device": "tv|web", "page": 3, "depth": 0.5, "note": "n", "vip": True}
    source = client.p.events.MetricAttribution(event_attribution_source="mail")
    put(client, group, "ann", item_id="a", event_value=2, impression=["a", "b"], recommendation_id="r",
        metric_attribution=source, properties=json.dumps(more))
    jobs.run(f"{group}/datasets/interactions", jobs.write("events.csv", (
        "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,IMPRESSION,RECOMMENDATION_ID,EVENT_ATTRIBUTION_SOURCE,"
        f"DEVICE,PAGE,DEPTH,NOTE,VIP\nbob,a,{START},click,2,a|b,r,mail,tv|web,3,0.5,n,true\n")))
    (single,), (bulk,) = (interactions(client, group, user_id=user) for user in ("ann", "bob"))
    for one in (single, bulk):
        assert json.loads(one.event.properties) == more
        one.event.properties = one.event.event_id = ""
    assert bulk.event == single.event
    assert (single.event.event_value, list(single.event.impression)) == (2, ["a", "b"])
    # A sixth column is one too many; types of events are free, beyond ten of them too.
    assert refused_schema(client, "interactions", *own, field("SIXTH", "int")) == ["schema.fields"]
    for number in range(30):
        event = client.p.events.Event(event_type=f"type-{number}", item_id="a", properties='{"device":"tv"}')
        event.sent_at.seconds = START
        client.events.PutEvents(client.p.events.PutEventsRequest(
            dataset_group=group, user_id="cid", session_id="s", event_list=[event]), timeout=10)
    assert len(interactions(client, group, user_id="cid")) == 30


def refused_schema(client, kind, *own, **more):
    request = client.p.datasets.CreateSchemaRequest(
        name="s" + uuid.uuid4().hex, schema=document(kind, *own, **more))
    error = refused(client.datasets.CreateSchema, request)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    return [one.field for one in bad_fields(error)]


def test_a4_a_users_dataset_has_1_to_25_columns(client):
    own = [field(f"C_{n}", ["int", "null"]) for n in range(25)]
    group = make_group(client, users=own)
    all_of_them = {f"c{n}": n for n in range(25)}
    put_users(client, group, ann=all_of_them, bob={"c24": 1})
    assert get_user(client, group, "ann") == all_of_them
    assert get_user(client, group, "bob") == {"c24": 1}
    assert refused_schema(client, "users", *own, field("C_25", "int")) == ["schema.fields"]
    assert refused_schema(client, "users") == ["schema.fields"]


def test_a5_an_items_dataset_has_1_to_100_columns_its_age_and_a_text(client):
    own = [field(f"C_{n}", ["int", "null"]) for n in range(99)]
    own += [field("TEXT", ["string", "null"], textual=True), field("CREATION_TIMESTAMP", ["long", "null"])]
    group = make_group(client, items=own)
    record = {**{f"c{n}": n for n in range(99)}, "text": "Ein Krug. " * 200, "creationTimestamp": START}
    put_items(client, group, all=record, one={"c98": 1})
    assert get_item(client, group, "all") == record
    assert get_item(client, group, "one") == {"c98": 1}
    assert refused_schema(client, "items", *own, field("C_99", "int")) == ["schema.fields"]
    assert refused_schema(client, "items", field("A", "string", textual=True),
                          field("B", "string", textual=True)) == ["schema.fields"]
    assert refused_schema(client, "items") == ["schema.fields"]


def test_a8_a_schema_has_six_types_and_is_never_changed(client, shared_server):
    own = [field("S", "string"), field("I", "int"), field("L", "long"), field("F", "float"), field("D", "double"),
           field("B", "boolean"), field("N", ["null", "double"])]
    group = make_group(client, items=own)
    record = {"s": "text", "i": -(2**31), "l": 2**63 - 1, "f": 0.5, "d": 1e-300, "b": False, "n": -2.5}
    put_items(client, group, a=record)
    assert get_item(client, group, "a") == record
    for name, value in [("i", 2**31), ("i", 1.5), ("l", 2**63), ("f", "x"), ("d", True), ("b", 2), ("s", 1)]:
        item = client.p.events.Item(item_id="a", properties=json.dumps({**record, name: value}))
        error = refused(client.events.PutItems,
                        client.p.events.PutItemsRequest(dataset_group=group, items=[item]))
        assert bad_fields(error)[0].field == f"items[0].properties.{name}", (name, value)
    # The document comes back as it was given, up to 20,000 characters, and none takes its place.
    d, name = client.p.datasets, "s" + uuid.uuid4().hex
    text = document("items", *own, doc="")
    text = text.replace('"doc": ""', '"doc": "' + "x" * (20_000 - len(text)) + '"')
    assert len(text) == 20_000
    client.datasets.CreateSchema(d.CreateSchemaRequest(name=name, schema=text), timeout=10)
    assert client.datasets.DescribeSchema(d.DescribeSchemaRequest(schema=f"schemas/{name}")).schema.schema == text
    again = refused(client.datasets.CreateSchema, d.CreateSchemaRequest(name=name, schema=document("items", *own)))
    assert again.code() == grpc.StatusCode.ALREADY_EXISTS
    longer = d.CreateSchemaRequest(name=name + "x", schema=text + " ")
    assert [one.field for one in bad_fields(refused(client.datasets.CreateSchema, longer))] == ["schema"]
    file = ProtoReflectionDescriptorDatabase(shared_server.channel).FindFileContainingSymbol(
        "bowerbird.v1.DatasetsService")
    methods = {method.name for service in file.service for method in service.method if "Schema" in method.name}
    assert methods == {"CreateSchema", "DescribeSchema", "ListSchemas", "DeleteSchema"}


def test_a9_categories_are_parts_of_a_text_that_filters_and_answers_take_apart(jobs):
    client = jobs.client
    group = make_group(client, interactions=[], items=[field("KINDS", ["string", "null"], categorical=True)])
    longest = "|".join(["x" * 249] * 4)
    assert len(longest) == 999
    put_items(client, group, one={"kinds": "tea"}, two={"kinds": "bike|tea"}, none={}, longest={"kinds": longest + "|"})
    item = client.p.events.Item(item_id="longer", properties=json.dumps({"kinds": longest + "|x"}))
    error = refused(client.events.PutItems, client.p.events.PutItemsRequest(dataset_group=group, items=[item]))
    assert [one.field for one in bad_fields(error)] == ["items[0].properties.kinds"]
    # Of a file the row is refused, not the job.
    job = jobs.run(f"{group}/datasets/items", jobs.write(
        "items.csv", f"ITEM_ID,KINDS\nlonger,{longest}|x\nthree,lamp|tea\n"), "INCREMENTAL", max_errors=1)
    assert (job.progress.applied_count, job.progress.rejected_count) == (1, 1)
    # More values than are advised there.
    put_items(client, group, **{f"own-{n}": {"kinds": f"own-{n}|all"} for n in range(1_200)})
    campaign = train(client, group, "popularity-count")

    def having(kinds):
        return client.recommend(campaign, "nobody", 500, metadata_columns=["kinds"],
                                filter_expression=f"INCLUDE ItemID WHERE Items.KINDS IN ({kinds})")

    found = {item.item_id: values(item) for item in having('"tea"').item_list}
    assert found == {"one": {"KINDS": ["tea"]}, "two": {"KINDS": ["bike", "tea"]}, "three": {"KINDS": ["lamp", "tea"]}}
    assert [item.item_id for item in having('"bike|tea"').item_list] == []
    assert having('"all"').eligible_count == 1_200
    assert [item.item_id for item in having('"own-1199"').item_list] == ["own-1199"]


def test_a14_only_what_the_schema_says_may_be_null(jobs):
    client = jobs.client
    group = make_group(client, items=[field("MUST", "int"), field("MAY", ["null", "int"])])
    put_items(client, group, both={"must": 1, "may": 2}, null={"must": 1, "may": None}, absent={"must": 1})
    assert [get_item(client, group, one) for one in ("both", "null", "absent")] == [
        {"must": 1, "may": 2}, {"must": 1}, {"must": 1}]
    for given in ({"may": 1}, {"must": None, "may": 1}):
        item = client.p.events.Item(item_id="bad", properties=json.dumps(given))
        error = refused(client.events.PutItems, client.p.events.PutItemsRequest(dataset_group=group, items=[item]))
        assert [one.field.lower() for one in bad_fields(error)] == ["items[0].properties.must"]
    job = jobs.run(f"{group}/datasets/items", jobs.write(
        "items.csv", "ITEM_ID,MUST,MAY\ncell,5,\nbad,,5\n"), "INCREMENTAL", max_errors=1)
    assert get_item(client, group, "cell") == {"must": 5}
    assert [(one.line, one.column) for one in job.progress.rejected_rows] == [(3, "MUST")]
    for kind, name in (("items", "ITEM_ID"), ("users", "USER_ID"), ("interactions", "TIMESTAMP")):
        nullable = document(kind, field("A", "int"))
        kind_of = "long" if name == "TIMESTAMP" else "string"
        nullable = nullable.replace(f'"{name}", "type": "{kind_of}"', f'"{name}", "type": ["{kind_of}", "null"]')
        request = client.p.datasets.CreateSchemaRequest(name="s" + uuid.uuid4().hex, schema=nullable)
        (found,) = bad_fields(refused(client.datasets.CreateSchema, request))
        assert found.field.endswith(".type") and "null" in found.description


def test_a16_names_of_columns_differ_by_more_than_case_and_underscores(client):
    name = "N" + "_X" * 74 + "Y"
    assert len(name) == 150
    group = make_group(client, items=[field(name, "int"), field("GENRES_FIELD_1", ["int", "null"])])
    key = name[0].lower() + "X" * 74 + "y"
    for text in (f'{{"{name}":1,"genresField1":2}}', f'{{"{name.lower()}":1,"GENRESFIELD1":2}}'):
        client.events.PutItems(client.p.events.PutItemsRequest(
            dataset_group=group, items=[client.p.events.Item(item_id="a", properties=text)]), timeout=10)
        assert {k.lower(): v for k, v in get_item(client, group, "a").items()} == {key.lower(): 1, "genresfield1": 2}
    assert refused_schema(client, "items", field("GENRES_FIELD_1", "int"), field("GENRESFIELD1", "int")) == [
        "schema.fields[2].name"]
    assert refused_schema(client, "items", field(name + "Z", "int")) == ["schema.fields[1].name"]
    assert refused_schema(client, "items", field("1A", "int"), field("A-B", "int")) == [
        "schema.fields[1].name", "schema.fields[2].name"]


def found_new(client, campaign):
    """The items that lists explore, of many lists."""
    return {item for seed in range(150) for item in explored(client, client.recommend(campaign, "nobody", seed=seed))}


@pytest.mark.parametrize("way", ["put", "FULL", "INCREMENTAL"])
def test_a17_items_are_as_old_as_their_record_or_else_their_oldest_event_says(jobs, way):
    group = jobs.group("shop")
    import_events(jobs.client, group)
    campaign = campaign_of(jobs.client, group, weight=1, age=30)
    assert found_new(jobs.client, campaign) == set()
    dated = {"dated-old": START - 50 * DAY, "dated-new": START - 10 * DAY, "both": START - 50 * DAY}
    bare = ["no-event", "event-old", "event-new"]
    if way == "put":
        put_items(jobs.client, group, **{item: {"creationTimestamp": at} for item, at in dated.items()},
                  **dict.fromkeys(bare, {}))
    else:
        rows = [*(f"{item},{at}" for item, at in dated.items()), *(f"{item}," for item in bare)]
        jobs.run(f"{group}/datasets/items", jobs.write(
            "items.csv", "\n".join(["ITEM_ID,CREATION_TIMESTAMP", *rows]) + "\n"), way)
    # The older of two events comes later; the record goes before both.
    for item, days in (("event-old", 1), ("event-old", 50), ("event-new", 1), ("event-new", 20), ("both", 1)):
        jobs.client.put_event(group, f"user-{days}", item, START - days * DAY)
    expected = {"dated-new", "no-event", "event-new"}
    assert found_new(jobs.client, campaign) == expected
    jobs.server.kill()
    jobs.restart()
    assert found_new(jobs.client, campaign) == expected


@pytest.mark.parametrize("mode", ["FULL", "INCREMENTAL"])
def test_an_imported_item_is_shown_to_those_of_its_taste_when_the_job_is_done(jobs, mode):
    group = jobs.group("shop")
    import_events(jobs.client, group)
    describe_catalogue(jobs.client, group)
    campaign = campaign_of(jobs.client, group, weight=0)
    for taste in ("tea", "bike"):
        jobs.run(f"{group}/datasets/items", jobs.write(
            f"{taste}.csv", f"ITEM_ID,GENRES,PRICE\nfresh,{taste}|thing,3\n"), mode)
        tea, bikes = (jobs.client.list_of(campaign, user, 500) for user in ("user-1", "user-0"))
        own, other = (tea, bikes) if taste == "tea" else (bikes, tea)
        assert own.index("fresh") <= 20 < other.index("fresh")
