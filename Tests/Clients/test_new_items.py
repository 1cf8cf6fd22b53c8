"""What the next answer of each recipe does with an item that came a moment ago."""

import pytest
from test_exploration import explored
from test_flow import START, import_events, train
from test_ranking import rank


def put(client, group, item, attributes):
    p = client.p.events
    items = [p.Item(item_id=item, properties='{"genres":"drink","price":3}' if attributes else "")]
    client.events.PutItems(p.PutItemsRequest(dataset=f"{group}/datasets/items", items=items))


@pytest.mark.parametrize("attributes", [False, True])
@pytest.mark.parametrize("recipe", ["user-personalization", "user-personalization-v2"])
def test_personal_lists_explore_it_at_once(client, group, recipe, attributes):
    import_events(client, group)
    campaign = train(client, group, recipe)
    put(client, group, "fresh", attributes)
    answers = [client.recommend(campaign, "user-1", seed=seed) for seed in range(200)]
    assert any(explored(client, answer) == ["fresh"] for answer in answers)
    # By the model alone it stands where nothing speaks for an item.
    whole = client.recommend(campaign, "user-1", 500, seed=1)
    assert "fresh" in [item.item_id for item in whole.item_list]
    assert whole.eligible_count == 41


@pytest.mark.parametrize("attributes", [False, True])
@pytest.mark.parametrize("recipe", ["popularity-count", "trending-now"])
def test_lists_for_everybody_end_with_it_until_somebody_comes(client, group, recipe, attributes):
    import_events(client, group)
    campaign = train(client, group, recipe)
    put(client, group, "fresh", attributes)
    assert client.list_of(campaign, "", 500)[-1] == "fresh"
    for n in range(30):
        client.put_event(group, f"fan-{n}", "fresh", START + 90_000 + n)
    assert client.list_of(campaign, "", 1) == ["fresh"]


@pytest.mark.parametrize("attributes", [False, True])
@pytest.mark.parametrize("recipe", ["similar-items", "sims"])
def test_related_lists_have_it_once_it_goes_with_something(client, group, recipe, attributes):
    import_events(client, group)
    campaign = train(client, group, recipe)
    put(client, group, "fresh", attributes)
    assert "fresh" not in client.list_of(campaign, "", 20, item_id="tea-1")
    assert client.list_of(campaign, "", 500, item_id="tea-1")[-1] == "fresh"
    for n in range(5):
        client.put_event(group, f"fan-{n}", "fresh", START + 90_000)
        client.put_event(group, f"fan-{n}", "tea-1", START + 90_001)
    assert "fresh" in client.list_of(campaign, "", 20, item_id="tea-1")
    assert client.list_of(campaign, "", 1, item_id="fresh") == ["tea-1"]


@pytest.mark.parametrize("attributes", [False, True])
@pytest.mark.parametrize("recipe", ["personalized-ranking", "personalized-ranking-v2"])
def test_rankings_know_it_and_put_it_behind_what_they_know_more_of(
    client, group, recipe, attributes
):
    import_events(client, group)
    campaign = train(client, group, recipe)
    put(client, group, "fresh", attributes)
    ranked = rank(client, campaign, ["unknown", "fresh", "tea-1"]).personalized_ranking
    assert [item.item_id for item in ranked] == ["tea-1", "fresh", "unknown"]
    assert ranked[1].HasField("score") and not ranked[2].HasField("score")
