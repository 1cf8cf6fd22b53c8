"""Filters and promotions in answers: exact, strict, and of the state that was just acknowledged."""

import json
import math

import grpc
import pytest
from conftest import bad_fields
from test_exploration import campaign_of
from test_filters import create, values
from test_flow import START, import_events
from test_refusals import INVALID, NOT_FOUND, refused


def put_items(client, group, **items):
    e = client.p.events
    request = e.PutItemsRequest(dataset_group=group)
    for name, properties in items.items():
        request.items.add(item_id=name, properties=json.dumps(properties))
    return client.events.PutItems(request, timeout=10)


def put_user(client, group, user, **properties):
    request = client.p.events.PutUsersRequest(dataset_group=group)
    request.users.add(user_id=user, properties=json.dumps(properties))
    return client.events.PutUsers(request, timeout=10)


@pytest.fixture
def shop(client, group):
    """A campaign that explores nothing, and 30 items of its own: x0 … x29, every third a lamp."""
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    put_items(
        client,
        group,
        **{
            f"x{i}": {"genres": "lamp|home" if i % 3 == 0 else "sofa|home", "price": i}
            for i in range(30)
        },
    )
    return group, campaign


def test_a_filter_is_exact_and_fills_the_list(client, shop):
    group, campaign = shop
    name = create(
        client, group, "lamps",
        "INCLUDE ItemID WHERE Items.GENRES IN ($G) AND Items.PRICE < $MAX",
    ).resource_name
    answer = client.recommend(
        campaign, "user-1", 100, filter=name, filter_values=values(client, G=["lamp"], MAX=["15"])
    )
    assert answer.eligible_count == 5
    assert sorted(item.item_id for item in answer.item_list) == ["x0", "x12", "x3", "x6", "x9"]
    inline = client.recommend(
        campaign, "user-1", 4, filter_expression='INCLUDE ItemID WHERE Items.GENRES IN ("home")'
    )
    assert inline.eligible_count == 30
    assert len({item.item_id for item in inline.item_list}) == 4
    nothing = client.recommend(
        campaign, "user-1", filter_expression='INCLUDE ItemID WHERE Items.GENRES IN ("none")'
    )
    assert nothing.eligible_count == 0 and not nothing.item_list


def test_the_very_next_answer_knows_items_users_and_events(client, shop):
    group, campaign = shop

    def eligible(expression, **given):
        answer = client.recommend(campaign, "me", 1, filter_expression=expression, **given)
        return answer.eligible_count

    cheap = "INCLUDE ItemID WHERE Items.PRICE < 1"
    touched = 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Buy")'
    valued = "INCLUDE ItemID WHERE Interactions.EVENT_VALUE >= 19.99"
    adult = "INCLUDE ItemID WHERE Items.PRICE < 2 IF CurrentUser.AGE > 17"
    everything = client.recommend(campaign, "me", 1).eligible_count
    assert eligible(adult) == everything
    for step in range(20):
        put_items(client, group, x0={"genres": "lamp", "price": 0 if step % 2 else 50})
        assert eligible(cheap) == step % 2
        put_items(client, group, **{f"new{step}": {"genres": "fresh"}})
        fresh = 'INCLUDE ItemID WHERE Items.GENRES IN ($G)'
        assert eligible(fresh, filter_values=values(client, G=["fresh"])) == step + 1
        assert eligible(touched) == step
        client.put_event(group, "me", f"x{step}", START + step, "buy")
        assert eligible(touched) == step + 1
    event = client.p.events.Event(event_type="rate", item_id="x3", event_value=19.99)
    event.sent_at.FromSeconds(START + 100)
    client.events.PutEvents(
        client.p.events.PutEventsRequest(
            dataset_group=group, user_id="me", session_id="s-me", event_list=[event]
        )
    )
    assert eligible(valued) == 1
    put_user(client, group, "me", age=18)
    assert eligible(adult) == 2
    put_user(client, group, "me", age=17)
    assert eligible(adult) == everything + 20


def test_a_filter_holds_after_a_restart(client, protos, durable_server):
    from conftest import Client, make_group

    client = Client(protos, durable_server.channel)
    group = make_group(client, "again")
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    put_items(client, group, a={"genres": "lamp", "price": 3}, b={"genres": "sofa"})
    client.put_event(group, "me", "b", START, "buy")
    name = create(
        client, group, "f",
        'INCLUDE ItemID WHERE Items.GENRES IN ("lamp", "sofa") '
        '| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")',
    ).resource_name
    assert client.list_of(campaign, "me", filter=name) == ["a"]
    durable_server.kill()
    client = Client(protos, durable_server.start().channel)
    assert client.list_of(campaign, "me", filter=name) == ["a"]


def test_a_default_filter_holds_unless_it_is_lifted(client, shop):
    group, campaign = shop
    c = client.p.campaigns
    name = create(
        client, group, "default", "EXCLUDE ItemID WHERE Items.PRICE >= $MIN"
    ).resource_name
    client.campaigns.UpdateCampaign(
        c.UpdateCampaignRequest(
            campaign=campaign, default_filter=name, default_filter_values=values(client, MIN=["10"])
        )
    )
    home = 'INCLUDE ItemID WHERE Items.GENRES IN ("home")'
    assert client.recommend(campaign, "me", filter_expression=home).eligible_count == 10
    lifted = client.recommend(
        campaign, "me", filter_expression=home, ignore_default_filter=True
    )
    assert lifted.eligible_count == 30


def test_a_ranking_leaves_out_what_does_not_pass(client, shop):
    group, campaign = shop
    r = client.p.recommendations
    answer = client.recommendations.GetPersonalizedRanking(
        r.GetPersonalizedRankingRequest(
            campaign=campaign, user_id="me", input_list=["x1", "x0", "nobody", "x3"],
            filter_expression='INCLUDE ItemID WHERE Items.GENRES IN ("lamp")',
        ),
        timeout=10,
    )
    ids = [item.item_id for item in answer.personalized_ranking]
    assert sorted(ids) == ["x0", "x3"]


@pytest.mark.parametrize(
    "expression,left",
    [
        ("INCLUDE ItemID WHERE Items.PRICE < 100", ["x0"]),
        ('INCLUDE ItemID WHERE Items.ITEM_ID IN ("nope")', ["nope"]),
        ('EXCLUDE ItemID WHERE Items.ITEM_ID IN ("nope", "x1")', ["x0"]),
        ("EXCLUDE ItemID WHERE Items.PRICE IS NULL", ["x0"]),
        ("EXCLUDE ItemID WHERE Items.PRICE < 0 | INCLUDE ItemID WHERE Items.PRICE IS NULL",
         ["nope", "x1"]),
        ("INCLUDE ItemID WHERE NOT Items.PRICE > 0", ["x0", "nope", "x1"]),
        ("INCLUDE ItemID WHERE Interactions.COUNT = 0 AND NOT CurrentUser.USER_ID IN ('u')",
         ["x0", "nope", "x1"]),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")', ["x0", "nope", "x1"]),
        ("EXCLUDE ItemID WHERE Items.PRICE IN ($P)", ["x0", "nope", "x1"]),
    ],
)
def test_a_ranking_leaves_out_unknown_items_too(client, shop, expression, left):
    group, campaign = shop
    client.records.DeleteItem(client.p.records.DeleteItemRequest(
        dataset_group=group, item_id="x1"), timeout=10)
    request = client.p.recommendations.GetPersonalizedRankingRequest(
        campaign=campaign, user_id="me", input_list=["nope", "x1", "x0"],
        filter_expression=expression.replace("'u'", '"u"'),
    )
    answer = client.recommendations.GetPersonalizedRanking(request, timeout=10)
    assert [item.item_id for item in answer.personalized_ranking] == left


def test_many_wrong_values_are_told_within_what_a_client_takes(client, shop):
    group, campaign = shop
    names = [f"P{n:037}" for n in range(100)]
    expression = "INCLUDE ItemID WHERE " + " OR ".join(f"Items.PRICE = ${name}" for name in names)
    given = {f"Q{n:037}": ["1"] for n in range(1_000)} | {"é" * 5_000: ["1"]}
    with pytest.raises(grpc.RpcError) as caught:
        client.recommend(
            campaign, "me", filter_expression=expression, filter_values=values(client, **given))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, caught.value
    assert "the filter has no parameter $Q" in caught.value.details()
    fields = bad_fields(caught.value)
    assert len(fields) > 1 and all(len(field.description) <= 803 for field in fields)


def promotion(client, percent, expression):
    return client.p.recommendations.Promotion(
        name="lamps", percent_promoted_items=percent, filter_expression=expression
    )


@pytest.mark.parametrize("percent,count", [(1, 25), (10, 25), (20, 10), (50, 9), (100, 10)])
def test_a_promotion_gets_its_share_of_the_slots(client, shop, percent, count):
    group, campaign = shop
    given = {
        "filter_expression": 'EXCLUDE ItemID WHERE Items.GENRES IN ("lamp")',
        "promotions": [promotion(client, percent, 'INCLUDE ItemID WHERE Items.GENRES IN ("lamp")')],
    }
    answer = client.recommend(campaign, "user-1", count, seed=7, **given)
    promoted = [item for item in answer.item_list if item.promotion_name == "lamps"]
    assert len(answer.item_list) == count
    assert len({item.item_id for item in answer.item_list}) == count
    assert len(promoted) == min(10, math.ceil(count * percent / 100))
    reason = client.p.recommendations.RECOMMENDATION_REASON_PROMOTED
    lamps = {f"x{i}" for i in range(0, 30, 3)}
    for item in answer.item_list:
        assert (item.item_id in lamps) == (item.promotion_name == "lamps")
        assert (reason in item.reason) == (item.promotion_name == "lamps")
    again = client.recommend(campaign, "user-1", count, seed=7, **given)
    assert again.item_list == answer.item_list
    places = {
        tuple(bool(i.promotion_name) for i in client.recommend(
            campaign, "user-1", count, seed=seed, **given).item_list)
        for seed in range(20)
    }
    assert len(places) > 1 or percent == 100


def test_too_few_promoted_items_leave_their_slots_to_the_others(client, shop):
    group, campaign = shop
    answer = client.recommend(
        campaign, "user-1", 10,
        promotions=[promotion(client, 100, "INCLUDE ItemID WHERE Items.PRICE < 2")],
    )
    assert len(answer.item_list) == 10
    assert sorted(i.item_id for i in answer.item_list if i.promotion_name) == ["x0", "x1"]


@pytest.mark.parametrize("listed", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("own", [0, 1, 2, 5])
def test_a_promotion_takes_no_item_that_the_list_needs(client, shop, listed, own):
    """The list's are the first `listed`; promoted are three of them, and `own` others."""
    group, campaign = shop
    given = {
        "filter_expression": f"INCLUDE ItemID WHERE Items.PRICE < {listed}",
        "promotions": [],
    }
    promoted = f"INCLUDE ItemID WHERE Items.PRICE < 3 OR Items.PRICE >= {30 - own}"
    for count in (1, 2, 4, 8):
        for percent in (1, 25, 50, 100):
            given["promotions"] = [promotion(client, percent, promoted)]
            answer = client.recommend(campaign, "user-1", count, **given)
            ids = [item.item_id for item in answer.item_list]
            assert len(ids) == len(set(ids))
            slots = math.ceil(count * percent / 100)
            assert sum(bool(i.promotion_name) for i in answer.item_list) == min(slots, 3 + own)
            # Of those below the third all that are not listed are the promotion's own, too.
            others = own + max(0, 3 - listed)
            assert len(ids) == min(count, listed + min(slots, others)), (count, percent)
            assert answer.eligible_count == listed


def test_pages_go_on_while_the_list_has_items(client, shop):
    group, campaign = shop
    given = {
        "filter_expression": "INCLUDE ItemID WHERE Items.PRICE < 7",
        "promotions": [promotion(client, 50, "INCLUDE ItemID WHERE Items.PRICE >= 10")],
    }
    seen, token = [], ""
    while True:
        answer = client.recommend(campaign, "user-1", 4, page_token=token, **given)
        seen += [(item.item_id, item.promotion_name) for item in answer.item_list]
        token = answer.next_page_token
        if not token:
            break
    assert len(set(seen)) == len(seen)
    assert sorted(item for item, name in seen if not name) == [f"x{i}" for i in range(7)]
    assert sum(bool(name) for _, name in seen) == 8


def test_bad_filters_of_a_question_are_named(client, shop):
    group, campaign = shop
    r = client.p.recommendations
    include = "INCLUDE ItemID WHERE Items.PRICE < $MAX"

    def ask(**fields):
        request = r.GetRecommendationsRequest(campaign=campaign, user_id="me", **fields)
        code, found, _ = refused(client.recommendations.GetRecommendations, request)
        return code, found

    assert ask(filter_expression=include) == (INVALID, ["filter_values.MAX"])
    assert ask(filter_expression=include, filter_values=values(client, MAX=["dear"])) == (
        INVALID, ["filter_values.MAX"],
    )
    assert ask(
        filter_expression=include, filter_values=values(client, MAX=["1"], MIN=["1"])
    ) == (INVALID, ["filter_values.MIN"])
    assert ask(filter_expression="INCLUDE ItemID WHERE Items.PRIZE < 1") == (
        INVALID, ["filter_expression"],
    )
    assert ask(filter_expression="INCLUDE UserID WHERE Users.AGE < 1") == (
        INVALID, ["filter_expression"],
    )
    assert ask(filter_expression=include, filter=f"{group}/filters/f") == (INVALID, ["filter"])
    assert ask(filter_values=values(client, MAX=["1"])) == (INVALID, ["filter"])
    assert ask(filter="nonsense") == (INVALID, ["filter"])
    assert ask(filter=f"{group}/filters/none")[0] == NOT_FOUND
    assert ask(filter_expression="INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE") == (
        INVALID, ["item_id"],
    )
    assert ask(promotions=[r.Promotion(name="p", percent_promoted_items=101)]) == (
        INVALID, ["promotions[0].percent_promoted_items"],
    )
    assert ask(promotions=[r.Promotion(name="p", percent_promoted_items=1)]) == (
        INVALID, ["promotions[0].filter"],
    )
    assert ask(promotions=[promotion(client, 1, include)]) == (
        INVALID, ["promotions[0].filter_values.MAX"],
    )
