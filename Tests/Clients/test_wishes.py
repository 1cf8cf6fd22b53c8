"""What a list may be asked for beyond its items: values, variety, context."""

import collections

import grpc
import pytest
from conftest import bad_fields
from test_flow import START, import_events, train
from test_ranking import rank


def put_attributes(client, group):
    """tea items are drinks, one in four of them also gifts; bikes have prices."""
    p = client.p.events
    items = []
    for n in range(20):
        genres = "drink|gift" if n % 4 == 0 else "drink"
        items.append(
            p.Item(
                item_id=f"tea-{n}",
                properties=f'{{"genres":"{genres}","creationTimestamp":{START + n}}}',
            )
        )
        items.append(p.Item(item_id=f"bike-{n}", properties=f'{{"price":{n + 0.5}}}'))
    client.events.PutItems(p.PutItemsRequest(dataset=f"{group}/datasets/items", items=items))


def values(item):
    found = {}
    for value in item.metadata:
        kind = value.WhichOneof("value")
        found[value.name] = (
            list(value.categories.values) if kind == "categories" else getattr(value, kind)
        )
    return found


def test_values_of_columns_come_with_the_items(client, group):
    import_events(client, group)
    put_attributes(client, group)
    campaign = train(client, group, "user-personalization")
    answer = client.recommend(
        campaign, "user-1", 40, metadata_columns=["genres", "PRICE", "creationTimestamp"]
    )
    found = {item.item_id: values(item) for item in answer.item_list}
    assert found["tea-4"] == {"GENRES": ["drink", "gift"], "CREATION_TIMESTAMP": START + 4}
    assert found["tea-5"] == {"GENRES": ["drink"], "CREATION_TIMESTAMP": START + 5}
    assert found["bike-3"] == {"PRICE": 3.5}
    assert not client.recommend(campaign, "user-1", 1).item_list[0].metadata
    ranking = train(client, group, "personalized-ranking")
    answer = rank(client, ranking, ["bike-3", "nobody-knows"], metadata_columns=["PRICE"])
    assert [values(item) for item in answer.personalized_ranking] == [{"PRICE": 3.5}, {}]
    # What is put next is in the next answer.
    p = client.p.events
    item = p.Item(item_id="bike-3", properties='{"price": 99}')
    client.events.PutItems(p.PutItemsRequest(dataset=f"{group}/datasets/items", items=[item]))
    answer = rank(client, ranking, ["bike-3"], metadata_columns=["PRICE"])
    assert values(answer.personalized_ranking[0]) == {"PRICE": 99}


def test_so_many_of_a_value_and_no_more_over_all_pages(client, group):
    import_events(client, group)
    put_attributes(client, group)
    campaign = train(client, group, "user-personalization")
    limits = [client.p.recommendations.AttributeLimit(column="GENRES", max=3)]
    first = client.recommend(campaign, "user-1", 8, max_per_attribute=limits)
    items = [item.item_id for item in first.item_list]
    assert sum(item.startswith("tea") for item in items) == 3 and len(items) == 8
    # The best three of the drinks, in their order.
    free = client.recommend(campaign, "user-1", 40, seed=1)
    best = [i.item_id for i in free.item_list if i.item_id.startswith("tea")][:3]
    assert [item for item in items if item.startswith("tea")] == best
    second = client.recommend(
        campaign, "user-1", 8, max_per_attribute=limits, page_token=first.next_page_token
    )
    assert not any(item.item_id.startswith("tea") for item in second.item_list)


def test_diversity_spreads_a_list(client, group):
    import_events(client, group)
    put_attributes(client, group)
    p = client.p.events
    kinds = ["road", "city", "race", "cargo"]
    items = [
        p.Item(item_id=f"bike-{n}", properties=f'{{"genres":"{kinds[n % 4]}"}}') for n in range(20)
    ]
    client.events.PutItems(p.PutItemsRequest(dataset=f"{group}/datasets/items", items=items))
    campaign = train(client, group, "user-personalization")

    def kinds_of(diversity):
        answer = client.recommend(
            campaign, "user-0", 8, diversity=diversity, metadata_columns=["GENRES"]
        )
        return collections.Counter(tuple(values(item)["GENRES"]) for item in answer.item_list)

    assert client.list_of(campaign, "user-0", 8, diversity=0) == client.list_of(
        campaign, "user-0", 8
    )
    # Of what is left, four kinds of bikes and two of drinks; alike ones come last.
    assert len(kinds_of(1)) >= 5
    assert len(kinds_of(0.5)) >= 4
    assert max(kinds_of(1).values()) <= max(kinds_of(0).values())


def test_context_is_held_to_the_schema(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    plain = client.list_of(campaign, "user-1")
    assert client.list_of(campaign, "user-1", context={"DEVICE": "phone"}) == plain
    assert client.list_of(campaign, "user-1", context={"device": "phone"}) == plain


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"context": {"WEATHER": "rain"}}, "context.WEATHER"),
        ({"context": {"EVENT_TYPE": "click"}}, "context.EVENT_TYPE"),
        ({"context": {"DEVICE": "x" * 1001}}, "context.DEVICE"),
        ({"metadata_columns": ["GENRES", "COLOUR"]}, "metadata_columns[1]"),
        ({"metadata_columns": ["GENRES"] * 100}, "metadata_columns"),
        ({"diversity": 1.5}, "diversity"),
        ({"diversity": -0.1}, "diversity"),
        ({"max_per_attribute": [{"column": "GENRES", "max": 0}]}, "max_per_attribute[0].max"),
        ({"max_per_attribute": [{"column": "SIZE", "max": 1}]}, "max_per_attribute[0].column"),
    ],
)
def test_a_wish_that_can_not_be_is_refused(client, group, fields, field):
    client.put_event(group, "u", "i", START)
    campaign = train(client, group, "user-personalization")
    with pytest.raises(grpc.RpcError) as refusal:
        client.recommend(campaign, "u", **fields)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in bad_fields(refusal.value)] == [field]
