"""Rows of features.md B, C and D as Amazon Personalize documents them, that no other test has."""

import json
import time

import grpc
import pytest

from conftest import bad_fields
from test_exploration import campaign_of, put_items, share_of
from test_flow import START, import_events, train
from test_jobs import Jobs, rows, starter
from test_single_records import get_item, get_user, interactions, put_users


@pytest.fixture
def jobs(protos, tmp_path):
    made = Jobs(protos, tmp_path)
    yield made
    made.server.stop()


def put(client, group, user, item, seconds, event_type="click", session="s", **fields):
    event = client.p.events.Event(event_type=event_type, item_id=item, **fields)
    event.sent_at.seconds = START + seconds
    request = client.p.events.PutEventsRequest(
        dataset_group=group, user_id=user, session_id=session, event_list=[event])
    return client.events.PutEvents(request, timeout=10)


def scored(client, campaign, user, count=40):
    answer = client.recommend(campaign, user, count, seed=1)
    return [(one.item_id, round(one.score, 9)) for one in answer.item_list]


def test_b3_b4_a_record_that_is_put_again_replaces_the_old_one_as_a_whole(client, group):
    put_users(client, group, ann={"age": 7})
    put_users(client, group, ann={})
    assert get_user(client, group, "ann") == {}
    events = client.p.events
    for properties in ({"genres": "a|b", "price": 2}, {"price": 3}):
        client.events.PutItems(events.PutItemsRequest(
            dataset_group=group,
            items=[events.Item(item_id="i", properties=json.dumps(properties))]), timeout=10)
    assert get_item(client, group, "i") == {"price": 3}


def test_b7_b8_b16_keys_in_any_spelling_categories_by_pipes_and_numbers_as_strings(client, group):
    events = client.p.events
    for n, text in enumerate([
            '{"genres": "lamp|home", "price": "2.5", "creationTimestamp": "1600000000"}',
            '{"GENRES": "lamp|home", "Price": 2.5, "creation_timestamp": 1600000000}']):
        client.events.PutItems(events.PutItemsRequest(
            dataset_group=group, items=[events.Item(item_id=f"i{n}", properties=text)]), timeout=10)
        assert get_item(client, group, f"i{n}") == {
            "genres": "lamp|home", "price": 2.5, "creationTimestamp": 1_600_000_000}


def test_b11_an_event_that_comes_again_is_counted_and_not_kept(client, group):
    for fields in ({}, {"event_id": "given"}):
        first = put(client, group, "ann", "a", 1, **fields)
        again = put(client, group, "ann", "a", 1, **fields)
        assert (first.applied_count, first.duplicate_count) == (1, 0)
        assert (again.applied_count, again.duplicate_count) == (0, 1)
        assert again.event_ids == first.event_ids
    assert len(interactions(client, group, user_id="ann")) == 2


def test_b15_b16_item_and_value_may_stand_in_the_properties(client, group):
    put(client, group, "ann", "", 1, properties='{"itemId": "inner", "eventValue": "2.5"}')
    put(client, group, "ann", "outer", 2, event_value=1,
        properties='{"itemId": "inner", "eventValue": 2}')
    found = [(one.event.item_id, one.event.event_value)
             for one in interactions(client, group, user_id="ann")]
    assert found == [("outer", 1), ("inner", 2.5)]


def test_b17_an_event_needs_a_type_also_where_the_schema_has_no_column_for_it(client):
    d = client.p.datasets
    name = f"typeless-{time.monotonic_ns() % 10**9}"
    group = client.datasets.CreateDatasetGroup(
        d.CreateDatasetGroupRequest(name=name)).dataset_group.resource_name
    fields = [{"name": one, "type": kind} for one, kind in
              [("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long")]]
    schema = client.datasets.CreateSchema(d.CreateSchemaRequest(name=name, schema=json.dumps(
        {"type": "record", "name": "Interactions", "version": "1.0",
         "namespace": "com.amazonaws.personalize.schema", "fields": fields}))).schema
    client.datasets.CreateDataset(d.CreateDatasetRequest(
        name="events", schema=schema.resource_name, dataset_group=group,
        dataset_type=client.p.resources.DATASET_TYPE_INTERACTIONS))
    with pytest.raises(grpc.RpcError) as error:
        put(client, group, "ann", "a", 1, event_type="")
    assert [one.field for one in bad_fields(error.value)] == ["event_list[0].event_type"]
    put(client, group, "ann", "a", 1, event_type="any")
    assert len(interactions(client, group, user_id="ann")) == 1


def test_d1_a_group_has_one_tracker_whose_id_brings_events_there(client, group):
    d, p = client.p.datasets, client.p.events
    with pytest.raises(grpc.RpcError) as error:
        client.datasets.CreateEventTracker(
            d.CreateEventTrackerRequest(name="second", dataset_group=group), timeout=10)
    assert error.value.code() == grpc.StatusCode.ALREADY_EXISTS
    event = p.Event(event_type="click", item_id="a")
    event.sent_at.seconds = START
    client.events.PutEvents(p.PutEventsRequest(
        tracking_id=client.tracking_id, user_id="ann", session_id="s", event_list=[event]))
    assert [one.event.item_id for one in interactions(client, group, user_id="ann")] == ["a"]


def test_d2_historical_events_land_in_their_place(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    order = [(f"tea-{n}", n) for n in range(9)]
    for item, second in order:
        put(client, group, "in-order", item, 50_000 + second)
    for item, second in order[3:] + order[2::-1]:
        put(client, group, "backfilled", item, 50_000 + second)
    for user in ("in-order", "backfilled"):
        found = [one.event.item_id for one in interactions(client, group, user_id=user)]
        assert found == [item for item, _ in reversed(order)]
    assert scored(client, campaign, "backfilled") == scored(client, campaign, "in-order")


def test_d3_events_alone_are_enough_to_train_and_to_answer(client, group):
    """No import, no item, no user was put, and 25 users would be asked for elsewhere."""
    for n in range(12):
        put(client, group, f"u{n % 3}", f"i{n % 4}", n)
    campaign = train(client, group, "user-personalization")
    assert set(client.list_of(campaign, "u1")) == {"i0", "i1", "i2", "i3"}


def test_d5_a_joined_session_counts_for_its_user_in_the_next_answer(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    put(client, group, "ann", "tea-1", 60_000)
    for n in range(6):
        put(client, group, "", f"bike-{n}", 60_001 + n, session="anonymous")
    before = client.list_of(campaign, "ann")
    put(client, group, "ann", "bike-6", 60_010, session="anonymous")
    after = client.list_of(campaign, "ann", exclude_interacted=True)
    assert sum(item.startswith("tea") for item in before) >= 8
    assert sum(item.startswith("bike") for item in after) >= 8
    assert not {f"bike-{n}" for n in range(7)} & set(after)
    # What the session does later, without the user's id, is the user's, too.
    put(client, group, "", "bike-7", 60_011, session="anonymous")
    assert interactions(client, group, user_id="ann")[0].event.item_id == "bike-7"


def test_d6_d7_an_explicit_impression_wins_over_the_list_that_was_served(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, "served", "named", *[f"other-{n}" for n in range(9)])
    before = {item: share_of(client, campaign, item) for item in ("served", "named")}
    told = 0
    for seed in range(1_000, 1_200):
        answer = client.recommend(campaign, "user-3", seed=seed)
        shown = [item.item_id for item in answer.item_list]
        if "served" not in shown or told == 32:
            continue
        told += 1
        put(client, group, "u", "tea-1", 60_000 + seed, impression=["named", "tea-1"],
            recommendation_id=answer.recommendation_id)
    assert told == 32
    after = {item: share_of(client, campaign, item) for item in ("served", "named")}
    assert after["named"] < before["named"] / 2
    assert after["served"] > before["served"] / 2


def test_d7_an_impression_has_at_most_25_items(client, group):
    put(client, group, "u", "a", 1, impression=[f"i{n}" for n in range(25)])
    with pytest.raises(grpc.RpcError) as error:
        put(client, group, "u", "b", 2, impression=[f"i{n}" for n in range(26)])
    assert [one.field for one in bad_fields(error.value)] == ["event_list[0].impression"]


def test_d8_impressions_teach_exploration_and_no_model(client, group):
    import_events(client, group)
    plain = campaign_of(client, group, weight=0)
    before = scored(client, plain, "user-1")
    for n in range(32):
        # No item: the event itself is learnt from by nobody, its impression by exploration alone.
        put(client, group, "u", "", 60_000 + n, impression=["tea-1", "bike-1", "never-put"])
    assert scored(client, plain, "user-1") == before
    retrained = train_again(client, group)
    assert [item for item, _ in scored(client, retrained, "user-1")] == [
        item for item, _ in before]
    assert "never-put" not in client.list_of(retrained, "user-1", 100)


def train_again(client, group):
    s, c = client.p.solutions, client.p.campaigns
    (solution,) = client.solutions.ListSolutions(
        s.ListSolutionsRequest(dataset_group=group)).solutions
    version = client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution.resource_name)
    ).solution_version.resource_name
    client.wait_until_active(
        lambda: client.solutions.DescribeSolutionVersion(
            s.DescribeSolutionVersionRequest(solution_version=version)).solution_version)
    config = client.p.resources.CampaignConfig()
    config.item_exploration_config["explorationWeight"] = "0"
    return client.campaigns.CreateCampaign(c.CreateCampaignRequest(
        name="again", solution_version=version, campaign_config=config)).campaign.resource_name


def test_d11_event_types_are_free_and_matched_without_case_and_all_are_positive(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    put(client, group, "ann", "bike-1", 60_000, event_type="AddToBasket")
    put(client, group, "ann", "bike-2", 60_001, event_type="addTOBASKET")
    put(client, group, "ann", "bike-3", 60_002, event_type="kein Gefallen ✗")
    liked = client.list_of(campaign, "ann")
    assert sum(item.startswith("bike") for item in liked) >= 8
    for types, gone in [('"addtobasket"', {"bike-1", "bike-2"}), ('"KEIN gefallen ✗"', {"bike-3"}),
                        ('"*"', {"bike-1", "bike-2", "bike-3"})]:
        left = client.list_of(
            campaign, "ann", 100,
            filter_expression=f"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ({types})")
        assert {f"bike-{n}" for n in (1, 2, 3)} - set(left) == gone
    found = [one.event.event_type for one in interactions(client, group, user_id="ann")]
    assert found == ["kein Gefallen ✗", "addTOBASKET", "AddToBasket"]


def test_c1_c5_an_import_of_a_few_rows_is_in_answers_and_filters_when_it_is_done(jobs):
    """Elsewhere 1,000 rows are needed, a training for lists and up to 20 minutes for filters."""
    group, campaign = starter(jobs, "shop")
    jobs.run(f"{group}/datasets/items",
             jobs.write("items.csv", "ITEM_ID,COLOR\ni1,red\ni2,blue\ni3,red\n"), "FULL")
    jobs.run(f"{group}/datasets/interactions",
             jobs.write("events.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
                        "ann,i1,1700000000,Buy\nbob,i2,1700000001,Buy\n"), "FULL")

    def left(expression):
        return sorted(jobs.client.list_of(campaign, "ann", filter_expression=expression))

    assert left('INCLUDE ItemID WHERE Items.COLOR IN ("red")') == ["i1", "i3"]
    assert left('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")') == ["i2", "i3"]
    assert sorted(jobs.client.list_of(campaign, "nobody")) == ["i1", "i2", "i3"]


def test_c2_c3_both_modes_keep_what_they_promise_for_the_same_rows(jobs):
    """FULL replaces bulk rows and leaves single ones, INCREMENTAL adds to both."""
    group, _ = starter(jobs, "shop")
    dataset = f"{group}/datasets/interactions"
    jobs.client.put_event(group, "u1", "single", 1_700_000_500)

    def of_user():
        found = [one.event.item_id for one in interactions(jobs.client, group, user_id="u1")]
        return len(found), "single" in found

    jobs.run(dataset, jobs.write("a.csv", rows(100)), "FULL")
    assert of_user() == (3, True)
    jobs.run(dataset, jobs.write("b.csv", rows(100, item="n{0}")), "INCREMENTAL")
    assert of_user() == (5, True)
    jobs.run(dataset, jobs.write("c.csv", rows(50, item="m{0}")), "FULL")
    assert of_user() == (2, True)
