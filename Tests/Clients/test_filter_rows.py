"""What Personalize's guide says of filters, row by row, inside answers; E1 to E20 in its table.

Filters of users and actions (E3, E4) have no calls that use them: tests of the evaluator have them.
"""

import time

import pytest
from conftest import Client, make_group
from test_dataset_update import MORE, schema_of, update
from test_deletion import delete_item, delete_user
from test_exploration import campaign_of
from test_filtered_answers import put_items, put_user, shop  # noqa: F401
from test_filters import create, values
from test_flow import START, train
from test_refusals import EXISTS, IN_USE, INVALID, NOT_FOUND, refused

ALL = "bed ghost lamp rug sofa void"


@pytest.fixture(scope="module")
def stall(protos, shared_server):
    """Six items, of which one has no columns and one is known from an event only, and ann."""
    client = Client(protos, shared_server.channel)
    group = make_group(client, f"stall-{time.monotonic_ns() % 10**9}")
    put_items(
        client, group, bed={"genres": "Sleep", "price": 300},
        lamp={"genres": "bath|kitchen", "price": 20}, rug={"genres": "living|Bath", "price": 3},
        sofa={"genres": "living", "price": 900}, void={},
    )
    put_user(client, group, "ann", age=30)
    e = client.p.events
    for second, (user, item, event_type, fields) in enumerate([
        ("ann", "lamp", "view", {"properties": '{"device":"phone"}'}),
        ("ann", "lamp", "View", {"properties": '{"device":"desk"}'}),
        ("ann", "rug", "view", {}),
        ("ann", "sofa", "Purchase", {"event_value": 900}),
        ("eve", "ghost", "view", {}),
    ]):
        event = e.Event(event_type=event_type, item_id=item, **fields)
        event.sent_at.FromSeconds(START + second)
        client.events.PutEvents(e.PutEventsRequest(
            dataset_group=group, user_id=user, session_id=user, event_list=[event]
        ))
    return client, train(client, group, "popularity-count"), train(client, group, "similar-items")


def ids(client, campaign, user, expression, **fields):
    answer = client.recommend(campaign, user, 100, filter_expression=expression, **fields)
    found = sorted(item.item_id for item in answer.item_list)
    assert answer.eligible_count == len(found)
    return " ".join(found)


LIVING = 'INCLUDE ItemID WHERE Items.GENRES IN ("living")'
TYPE = "ItemID WHERE Interactions.EVENT_TYPE"
CHAIN = [LIVING, 'INCLUDE ItemID WHERE Items.GENRES IN ("bath")',
         "EXCLUDE ItemID WHERE Items.PRICE > 100"]
IF_GROWN = "INCLUDE ItemID WHERE Items.PRICE < 10 IF CurrentUser.AGE > 18 AND CurrentUser.AGE < "
LEFT_OUT = "EXCLUDE ItemID WHERE Items.PRICE > $MIN AND Items.GENRES IN ($G)"

# The row, the expression, its values, and the items that ann gets, never all of them but where the
# filter has to do nothing.
ANSWERS = [
    ("E2", LIVING, {}, "rug sofa"),
    ("E2", 'EXCLUDE ItemID WHERE Items.GENRES IN ("living")', {}, "bed ghost lamp void"),
    ("E2", f'INCLUDE {TYPE} IN ("view")', {}, "lamp rug"),
    ("E2", f'EXCLUDE {TYPE} IN ("view")', {}, "bed ghost sofa void"),
    ("E2", "INCLUDE ItemID WHERE Items.PRICE < CurrentUser.AGE", {}, "lamp rug"),
    ("E5", f"EXCLUDE {TYPE} IN (*)", {}, "bed ghost void"),
    ("E5", f'EXCLUDE {TYPE} IN ("*")', {}, "bed ghost void"),
    ("E5", f"INCLUDE {TYPE} IN (*)", {}, "lamp rug sofa"),
    ("E5", f'INCLUDE {TYPE} NOT IN ("view")', {}, "sofa"),
    ("E5", f'EXCLUDE {TYPE} NOT IN ("purchase")', {}, "bed ghost sofa void"),
    ("E5", "INCLUDE ItemID WHERE Interactions.EVENT_VALUE >= 900", {}, "sofa"),
    ("E5", f"INCLUDE ItemID WHERE Interactions.TIMESTAMP < {START + 2}", {}, "lamp"),
    ("E5", f'INCLUDE {TYPE} IN ("view") AND Interactions.COUNT < 2', {}, "bed ghost rug sofa void"),
    ("E5", "INCLUDE ItemID WHERE Interactions.TIMESTAMP WITHIN 30 DAYS", {}, ""),
    ("E6", 'INCLUDE ItemID WHERE Items.GENRES IN ("bath", "Sleep")', {}, "bed lamp"),
    ("E6", 'INCLUDE ItemID WHERE Items.GENRES NOT IN ("bath", "Sleep")', {}, "ghost rug sofa void"),
    ("E6", 'INCLUDE ItemID WHERE Items.GENRES = "living"', {}, "rug sofa"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE = 300", {}, "bed"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE < 300", {}, "lamp rug"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE <= 300", {}, "bed lamp rug"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE > 300", {}, "sofa"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE >= 300", {}, "bed sofa"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE != 300", {}, "ghost lamp rug sofa void"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE IS NULL", {}, "ghost void"),
    ("E6", "INCLUDE ItemID WHERE Items.PRICE BETWEEN 20 AND 300", {}, "bed lamp"),
    ("E7", f"{LIVING} AND Items.PRICE < 10", {}, "rug"),
    ("E7", f"{LIVING} OR Items.PRICE = 300", {}, "bed rug sofa"),
    ("E7", f'{LIVING} OR Items.GENRES IN ("bath") AND Items.PRICE > 100', {}, "rug sofa"),
    ("E7", 'INCLUDE ItemID WHERE (Items.GENRES IN ("living") OR Items.GENRES IN ("bath")) '
     "AND Items.PRICE > 100", {}, "sofa"),
    ("E7", "INCLUDE ItemID WHERE NOT (Items.PRICE < 300)", {}, "bed ghost sofa void"),
    ("E7", f'{LIVING} AND Interactions.EVENT_TYPE IN ("view")', {}, "rug"),
    ("E8", IF_GROWN + "40", {}, "rug"),
    ("E8", IF_GROWN + "30", {}, ALL),
    ("E8", "INCLUDE ItemID WHERE Items.PRICE < 10 IF CurrentUser.AGE < 18 OR CurrentUser.AGE > 29",
     {}, "rug"),
    ("E10", " | ".join(CHAIN), {}, "lamp rug"),
    ("E10", "|".join(reversed(CHAIN)), {}, "lamp rug"),
    ("E10", f'EXCLUDE {TYPE} IN ("view") | EXCLUDE ItemID WHERE Items.PRICE > 800', {},
     "bed ghost void"),
    ("E11", "INCLUDE ItemID WHERE Items.GENRES IN ($G)", {"G": ["living", "Sleep"]},
     "bed rug sofa"),
    ("E11", "INCLUDE ItemID WHERE Items.GENRES IN ($G)", {"G": ['"living","Sleep"']},
     "bed rug sofa"),
    ("E11", "INCLUDE ItemID WHERE Items.PRICE <= $MAX", {"MAX": ["20"]}, "lamp rug"),
    ("E11", "INCLUDE ItemID WHERE Items.PRICE <= ($MAX)", {"MAX": ['"20"']}, "lamp rug"),
    ("E11", f"EXCLUDE {TYPE} IN ($T)", {"T": ["purchase"]}, "bed ghost lamp rug void"),
    ("E11", f"EXCLUDE {TYPE} IN ($T)", {}, ALL),
    ("E11", LEFT_OUT, {"MIN": ["100"], "G": ["living"]}, "bed ghost lamp rug void"),
    ("E11", LEFT_OUT, {"G": ["living"]}, "bed ghost lamp void"),
    ("E11", LEFT_OUT, {"MIN": ["100"]}, "ghost lamp rug void"),
    ("E11", "INCLUDE ItemID WHERE Items.GENRES NOT IN ($G)", {"G": ["living"]},
     "bed ghost lamp void"),
    ("E11", 'INCLUDE ItemID WHERE Items.GENRES IN ($A, "bath", $B)',
     {"A": ["Sleep"], "B": ["none"]}, "bed lamp"),
    ("E12", f'INCLUDE {TYPE} IN ("VIEW")', {}, "lamp rug"),
    ("E12", f'INCLUDE {TYPE} IN ("pURCHASE")', {}, "sofa"),
    ("E12", 'INCLUDE ItemID WHERE Items.GENRES IN ("Bath")', {}, "rug"),
    ("E12", 'INCLUDE ItemID WHERE Items.GENRES IN ("LIVING")', {}, ""),
    ("E13", 'INCLUDE ItemID WHERE Interactions.DEVICE IN ("desk")', {}, "lamp"),
    ("E13", 'INCLUDE ItemID WHERE Interactions.DEVICE IN ("desk") '
     f"AND Interactions.TIMESTAMP = {START}", {}, ""),
]


@pytest.mark.parametrize(
    "expression,given,expected", [case[1:] for case in ANSWERS],
    ids=[f"{case[0]}-{place}" for place, case in enumerate(ANSWERS)],
)
def test_answers_hold_what_a_filter_lets_pass(stall, expression, given, expected):
    client, campaign, _ = stall
    found = ids(client, campaign, "ann", expression, filter_values=values(client, **given))
    assert found == expected


def test_conditions_on_the_user_do_nothing_for_one_who_is_unknown(stall):
    client, campaign, _ = stall
    assert ids(client, campaign, "nobody", IF_GROWN + "40") == ALL
    assert ids(client, campaign, "nobody", f"EXCLUDE {TYPE} IN (*)") == ALL
    assert ids(client, campaign, "nobody", f"INCLUDE {TYPE} IN (*)") == ""


def test_related_items_are_compared_with_the_item_of_the_question(stall):
    client, _, related = stall
    cheaper = ("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE "
               "AND Items.GENRES IN CurrentItem.GENRES")
    assert ids(client, related, "ann", cheaper, item_id="sofa") == "rug"
    assert ids(client, related, "ann", cheaper, item_id="rug") == ""
    assert ids(client, related, "ann", cheaper, item_id="void") == ""
    dearer = "EXCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE"
    assert "sofa" not in ids(client, related, "ann", dearer, item_id="bed").split()
    assert "sofa" in ids(client, related, "ann", dearer, item_id="void").split()


def test_removed_items_are_replaced_by_the_next_best(client, shop):
    _, campaign = shop
    full = client.list_of(campaign, "user-1", 500)
    gone = full[:10] + full[15:40]
    listed = ",".join(f'"{item}"' for item in gone)
    rest = [item for item in full if item not in gone]
    for expression in (
        f"EXCLUDE ItemID WHERE Items.ITEM_ID IN ({listed})",
        f"INCLUDE ItemID WHERE Items.ITEM_ID NOT IN ({listed})",
    ):
        answer = client.recommend(campaign, "user-1", 20, filter_expression=expression)
        assert [item.item_id for item in answer.item_list] == rest[:20]
        assert answer.eligible_count == len(rest)


def test_the_whole_history_counts(client, shop):
    """Personalize looks at the newest hundred of a type, and at none after three months."""
    group, campaign = shop
    e = client.p.events
    for start in range(0, 150, 10):
        request = e.PutEventsRequest(dataset_group=group, user_id="avid", session_id="s")
        for n in range(start, start + 10):
            event = request.event_list.add(event_type="view", item_id=f"seen-{n}")
            event.sent_at.FromSeconds(START + n)
        client.events.PutEvents(request, timeout=10)
    seen = client.recommend(campaign, "avid", 1, filter_expression=f'INCLUDE {TYPE} IN ("view")')
    assert seen.eligible_count == 150
    left = client.list_of(campaign, "avid", 500, filter_expression=f'EXCLUDE {TYPE} IN ("view")')
    assert left and not [item for item in left if item.startswith("seen-")]


def test_an_event_type_counts_from_its_first_event(client, shop):
    group, campaign = shop
    gifts = create(client, group, "gifts", f'INCLUDE {TYPE} IN ("gift")').resource_name
    assert client.list_of(campaign, "me", filter=gifts) == []
    client.put_event(group, "me", "x3", START, "GIFT")
    assert client.list_of(campaign, "me", filter=gifts) == ["x3"]


def test_deletions_and_changes_are_in_the_next_answer(client, shop):
    group, campaign = shop
    records, r = client.records, client.p.records

    def eligible(expression):
        return client.recommend(campaign, "me", 1, filter_expression=expression).eligible_count

    cheap = "INCLUDE ItemID WHERE Items.PRICE < 3"
    bought = f'INCLUDE {TYPE} IN ("buy")'
    grown = "INCLUDE ItemID WHERE Items.PRICE < 1 IF CurrentUser.AGE > 17"
    everything = eligible(grown)
    assert eligible(cheap) == 3
    change = client.p.events.Item(item_id="x1", properties='{"price":5}')
    records.UpdateItem(r.UpdateItemRequest(dataset_group=group, item=change))
    assert eligible(cheap) == 2
    delete_item(client, group, "x2")
    assert eligible(cheap) == 1
    put_items(client, group, x2={"price": 1})
    assert eligible(cheap) == 2
    event, _ = [client.put_event(group, "me", item, START, "buy") for item in ("x5", "x6")]
    assert eligible(bought) == 2
    records.DeleteInteraction(
        r.DeleteInteractionRequest(dataset_group=group, event_id=event.event_ids[0])
    )
    assert client.list_of(campaign, "me", filter_expression=bought) == ["x6"]
    put_user(client, group, "me", age=18)
    assert eligible(grown) == 1
    delete_user(client, group, "me")
    assert eligible(bought) == 0 and eligible(grown) == everything


def test_booleans_are_filtered_on_and_long_texts_are_not(client, shop):
    group, campaign = shop
    stocked = "INCLUDE ItemID WHERE Items.IN_STOCK = TRUE"
    request = client.p.recommendations.GetRecommendationsRequest(
        campaign=campaign, user_id="me", filter_expression=stocked
    )
    ask = client.recommendations.GetRecommendations
    assert refused(ask, request)[:2] == (INVALID, ["filter_expression"])
    more = [*MORE, {"name": "IN_STOCK", "type": ["boolean", "null"]},
            {"name": "ABOUT", "type": ["string", "null"], "textual": True}]
    update(client, group, "items", schema_of(client, group, "items", more))
    # What was just refused has a column now, which no item fills.
    assert not ask(request).item_list
    put_items(client, group, x1={"inStock": True, "about": "a"}, x2={"inStock": False})
    assert client.list_of(campaign, "me", filter_expression=stocked) == ["x1"]
    other = "INCLUDE ItemID WHERE Items.IN_STOCK != TRUE AND Items.IN_STOCK IS NOT NULL"
    assert client.list_of(campaign, "me", filter_expression=other) == ["x2"]
    request.filter_expression = 'INCLUDE ItemID WHERE Items.ABOUT = "a"'
    assert refused(ask, request)[:2] == (INVALID, ["filter_expression"])


def test_there_is_room_beyond_the_quotas_of_the_guide(client, shop):
    """2,500 characters, 30 filters, 10 columns of one and 20 of all, 25 values of a request."""
    group, campaign = shop
    columns = [f"N{n}" for n in range(21)]
    more = [*MORE, *({"name": name, "type": ["int", "null"]} for name in columns)]
    update(client, group, "items", schema_of(client, group, "items", more))
    put_items(client, group, x1={name.lower(): 1 for name in columns})
    put_items(client, group, x2={name.lower(): 1 for name in columns[1:]})
    wide = " AND ".join(f"Items.{name} = 1" for name in columns)
    long = " OR ".join(f'Items.ITEM_ID = "{"y" * 40}{n}"' for n in range(60))
    made = create(client, group, "f", f"INCLUDE ItemID WHERE ({long}) OR {wide}")
    assert len(made.filter_expression) > 4_000
    assert client.list_of(campaign, "me", filter=made.resource_name) == ["x1"]
    for n in range(40):
        name = create(
            client, group, f"f{n}", f"INCLUDE ItemID WHERE Items.PRICE BETWEEN {n} AND 6 "
            "AND Items.ITEM_ID IN ($I)",
        ).resource_name
    given = values(client, I=[f"x{n}" for n in range(100)])
    assert client.list_of(campaign, "me", filter=name, filter_values=given) == []
    assert client.list_of(
        campaign, "me", filter=f"{group}/filters/f6", filter_values=given
    ) == ["x6"]


def test_each_question_of_a_batch_has_its_own_filter_and_values(client, shop):
    group, campaign = shop
    r = client.p.recommendations
    below = create(client, group, "below", "INCLUDE ItemID WHERE Items.PRICE < $MAX").resource_name
    fields = [
        {"filter": below, "filter_values": values(client, MAX=["2"])},
        {"filter": below, "filter_values": values(client, MAX=["1"])},
        {"filter_expression": "INCLUDE ItemID WHERE Items.PRICE = 29"},
        {"filter": below},
    ]
    results = client.recommendations.BatchGetRecommendations(
        r.BatchGetRecommendationsRequest(queries=[
            r.GetRecommendationsRequest(campaign=campaign, user_id="me", **one) for one in fields
        ]),
        timeout=10,
    ).results
    found = [sorted(i.item_id for i in one.response.item_list) for one in results]
    assert found == [["x0", "x1"], ["x0"], ["x29"], []]
    assert [one.error.code for one in results] == [0, 0, 0, INVALID.value[0]]


def test_what_was_bought_is_left_out_before_the_filter_of_the_question(client, shop):
    """A default filter is what Personalize's use cases filter by themselves."""
    group, campaign = shop
    bought = create(client, group, "bought", f'EXCLUDE {TYPE} IN ("Purchase")').resource_name
    client.campaigns.UpdateCampaign(
        client.p.campaigns.UpdateCampaignRequest(campaign=campaign, default_filter=bought)
    )
    cheap = "INCLUDE ItemID WHERE Items.PRICE < 2"
    assert ids(client, campaign, "me", cheap) == "x0 x1"
    client.put_event(group, "me", "x1", START, "purchase")
    assert ids(client, campaign, "me", cheap) == "x0"
    assert ids(client, campaign, "me", cheap, ignore_default_filter=True) == "x0 x1"
    assert "x1" not in client.list_of(campaign, "me", 500)


def test_a_filter_is_never_changed_and_may_be_made_anew(client, shop):
    group, campaign = shop
    f = client.p.filters
    name = create(client, group, "f", "INCLUDE ItemID WHERE Items.PRICE = 1").resource_name
    assert client.list_of(campaign, "me", filter=name) == ["x1"]
    other = f.CreateFilterRequest(
        name="f", dataset_group=group, filter_expression="INCLUDE ItemID WHERE Items.PRICE = 2"
    )
    assert refused(client.filters.CreateFilter, other)[0] == EXISTS
    c = client.p.campaigns
    client.campaigns.UpdateCampaign(c.UpdateCampaignRequest(campaign=campaign, default_filter=name))
    delete = f.DeleteFilterRequest(filter=name)
    assert refused(client.filters.DeleteFilter, delete)[0] == IN_USE
    assert client.list_of(campaign, "me") == ["x1"]
    client.campaigns.UpdateCampaign(c.UpdateCampaignRequest(campaign=campaign, default_filter=""))
    client.filters.DeleteFilter(delete)
    asked = client.p.recommendations.GetRecommendationsRequest(
        campaign=campaign, user_id="me", filter=name
    )
    assert refused(client.recommendations.GetRecommendations, asked)[0] == NOT_FOUND
    client.filters.CreateFilter(other)
    assert client.list_of(campaign, "me", filter=name) == ["x2"]
