"""Why an item is where it is."""

import grpc
import pytest
from test_cli import run
from test_exploration import campaign_of
from test_flow import CLUSTERS, import_events, train
from test_ranking import put_items


def explain(client, campaign, user, item, **fields):
    r = client.p.recommendations
    query = r.GetRecommendationsRequest(
        campaign=campaign, user_id=user, num_results=fields.pop("count", 10), **fields
    )
    return client.recommendations.ExplainRecommendation(
        r.ExplainRecommendationRequest(query=query, item_id=item), timeout=10
    )


def check_sum(found):
    total = sum(c.weight * c.score for c in found.components)
    assert found.linear_score == pytest.approx(total, rel=1e-4)
    assert sum(c.share for c in found.contributions) == pytest.approx(total, rel=1e-4)


def test_every_item_of_a_list_is_explained_exactly(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    answer = client.recommend(campaign, "user-1", 10)
    sums = []
    for place, item in enumerate(answer.item_list):
        found = explain(client, campaign, "user-1", item.item_id)
        assert found.slot == found.rank == place + 1
        assert found.score == pytest.approx(item.score, rel=1e-3)
        assert list(found.reason) == list(item.reason)
        check_sum(found)
        sums.append(found.linear_score)
        # What this user did, and nothing else, speaks for it.
        named = {c.item_id for c in found.contributions} - {""}
        assert named and named <= set(CLUSTERS["tea"])
        assert all(c.event_type == "click" and c.sent_at.seconds for c in found.contributions
                   if c.item_id)
    assert sums == sorted(sums, reverse=True)


def test_an_absent_item_has_its_rank_or_what_removed_it(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    far = explain(client, campaign, "user-1", "bike-3")
    assert far.slot == 0 and 10 < far.rank <= 40 and not far.removed_by
    check_sum(far)
    assert "no record or event" in explain(client, campaign, "user-1", "nothing").removed_by
    excluded = explain(client, campaign, "user-1", "tea-3", exclude_item_ids=["tea-3"])
    assert "exclude_item_ids" in excluded.removed_by and excluded.rank == 0
    touched = explain(client, campaign, "user-1", "tea-3", exclude_interacted=True)
    assert "exclude_interacted" in touched.removed_by
    with pytest.raises(grpc.RpcError) as refusal:
        explain(client, campaign, "user-1", "")
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_an_explored_item_has_its_probability(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, "new-1", "new-2", "new-3")
    explored = client.p.recommendations.RECOMMENDATION_REASON_EXPLORED
    found = [
        explain(client, campaign, "user-1", item.item_id, seed=seed)
        for seed in range(30)
        for item in client.recommend(campaign, "user-1", 10, seed=seed).item_list
        if explored in item.reason
    ]
    assert len(found) > 10
    for one in found:
        assert one.slot > 1 and explored in one.reason
        assert 0 < one.exploration.propensity <= 0.5
        assert one.exploration.weight == 1 and one.exploration.pool_weight == 1
    known = explain(client, campaign, "user-1", "tea-1", seed=1)
    assert not known.exploration.HasField("pool_weight")


@pytest.mark.parametrize("recipe", ["popularity-count", "trending-now"])
def test_models_of_one_term_are_explained_too(client, group, recipe):
    import_events(client, group)
    campaign = train(client, group, recipe)
    first = client.recommend(campaign, "", 1).item_list[0].item_id
    found = explain(client, campaign, "", first, count=1)
    assert found.slot == found.rank == 1 and found.linear_score > 0
    check_sum(found)


def test_the_program_explains_in_sentences(client, group, shared_server):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=0)
    first = client.list_of(campaign, "user-1", 1)[0]
    out = run("explain", campaign, "user-1", first, server=shared_server.address).stdout
    assert f"{first} is number 1 of the list" in out and "sum " in out and "click tea-" in out
    out = run("explain", campaign, "user-1", "nothing", server=shared_server.address).stdout
    assert "can't be in the list" in out
