"""Answers as Personalize documents them: how many, with which scores, for whom."""

import grpc
import pytest
from conftest import bad_fields
from test_content import describe
from test_exploration import campaign_of
from test_flow import START, import_events
from test_wishes import values


@pytest.fixture
def shop(client, group):
    import_events(client, group)
    describe(client, group, [(f"thing-{n}", "tea" if n % 2 else "bike") for n in range(560)])
    return group, campaign_of(client, group, weight=0)


def ask(client, campaign, user="user-1", **fields):
    r = client.p.recommendations
    return client.recommendations.GetRecommendations(
        r.GetRecommendationsRequest(campaign=campaign, user_id=user, **fields), timeout=10
    )


def test_25_items_unless_told_and_up_to_500_with_their_columns(client, shop):
    _, campaign = shop
    assert len(ask(client, campaign).item_list) == 25
    answer = ask(client, campaign, num_results=500, metadata_columns=["GENRES", "PRICE"])
    assert len({item.item_id for item in answer.item_list}) == 500
    things = [item for item in answer.item_list if item.item_id.startswith("thing")]
    assert len(things) > 400
    assert all(values(item)["GENRES"] in (["tea"], ["bike"]) for item in things)
    assert all(values(item)["PRICE"] == 3 for item in things)
    for count in (-1, 501):
        with pytest.raises(grpc.RpcError) as refusal:
            ask(client, campaign, num_results=count)
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert [v.field for v in bad_fields(refusal.value)] == ["num_results"]


def test_scores_of_the_whole_catalogue_sum_to_1(client, shop):
    _, campaign = shop
    scores, token = [], ""
    while True:
        answer = ask(client, campaign, num_results=250, page_token=token)
        scores += [item.score for item in answer.item_list]
        token = answer.next_page_token
        if not token:
            break
    assert len(scores) == 600
    first = scores[:250]
    assert first == sorted(first, reverse=True) and all(0 <= score <= 1 for score in scores)
    # A page is scored over what it could have: the first over all, and most of it is in it.
    assert 0.5 < sum(first) <= 1 + 1e-4


def test_nobody_is_unknown(client, shop):
    group, campaign = shop
    popular = [i.item_id for i in ask(client, campaign, "never-seen").item_list]
    assert len(popular) == 25
    assert popular == [i.item_id for i in ask(client, campaign, "nor-this-one").item_list]
    r = client.p.recommendations
    anonymous = client.recommendations.GetRecommendations(
        r.GetRecommendationsRequest(campaign=campaign, session_id="just-came"), timeout=10
    )
    assert [i.item_id for i in anonymous.item_list] == popular
    client.put_event(group, "never-seen", "bike-3", START + 500_000)
    own = [i.item_id for i in ask(client, campaign, "never-seen").item_list]
    assert sum(item.startswith("bike") for item in own[:10]) > sum(
        item.startswith("bike") for item in popular[:10]
    )
