"""What a request may ask beyond a list: rankings, batches, related and trending items."""

import grpc
import pytest
from conftest import bad_fields
from test_flow import START, import_events, train


def rank(client, campaign, items, user="user-1", **fields):
    request = client.p.recommendations.GetPersonalizedRankingRequest(
        campaign=campaign, user_id=user, input_list=items, **fields
    )
    return client.recommendations.GetPersonalizedRanking(request, timeout=10)


def put_items(client, group, *ids):
    items = [client.p.events.Item(item_id=item) for item in ids]
    return client.events.PutItems(
        client.p.events.PutItemsRequest(dataset=f"{group}/datasets/items", items=items)
    )


@pytest.mark.parametrize("recipe", ["personalized-ranking", "personalized-ranking-v2"])
def test_given_items_are_ordered_for_the_user(client, group, recipe):
    import_events(client, group)
    put_items(client, group, "never-touched")
    campaign = train(client, group, recipe)
    given = ["nobody-knows", "bike-3", "tea-4", "never-touched", "tea-4", "bike-5", "tea-9"]
    answer = rank(client, campaign, given)
    ids = [item.item_id for item in answer.personalized_ranking]
    assert set(ids[:2]) == {"tea-4", "tea-9"}
    assert ids[-1] == "nobody-knows" and not answer.personalized_ranking[-1].HasField("score")
    assert sorted(ids) == sorted(set(given))
    scores = [item.score for item in answer.personalized_ranking[:-1]]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-4)
    assert answer.recommendation_id and answer.position
    # The other half of the users sees it the other way round.
    other = [item.item_id for item in rank(client, campaign, given, "user-0").personalized_ranking]
    assert set(other[:2]) == {"bike-3", "bike-5"}


def test_one_event_turns_a_ranking_round(client, group):
    import_events(client, group)
    campaign = train(client, group, "personalized-ranking")
    given = ["bike-6", "tea-6"]
    first = rank(client, campaign, given, "user-1").personalized_ranking[0].item_id
    assert first == "tea-6"
    for n in range(3):
        client.put_event(group, "user-1", f"bike-{n + 3}", START + 100_000 + n)
    assert rank(client, campaign, given, "user-1").personalized_ranking[0].item_id == "bike-6"


@pytest.mark.parametrize(
    "items, field",
    [
        ([], "input_list"),
        ([f"i-{n}" for n in range(501)], "input_list"),
        (["a", ""], "input_list[1]"),
        (["x" * 257], "input_list[0]"),
    ],
)
def test_a_ranking_of_too_many_or_nothing_is_refused(client, group, items, field):
    with pytest.raises(grpc.RpcError) as refusal:
        rank(client, f"{group}/campaigns/any", items)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in bad_fields(refusal.value)] == [field]


def test_a_question_must_fit_the_campaigns_recipe(client, group):
    import_events(client, group)
    popular = train(client, group, "popularity-count")
    ranking = train(client, group, "personalized-ranking")
    related = train(client, group, "similar-items")
    for ask, field in [
        (lambda: rank(client, popular, ["tea-1"]), "campaign"),
        (lambda: rank(client, related, ["tea-1"]), "campaign"),
        (lambda: client.recommend(ranking, "user-1"), "campaign"),
        (lambda: client.recommend(related, "user-1"), "item_id"),
        (lambda: rank(client, ranking, ["tea-1"], user=""), "user_id"),
    ]:
        with pytest.raises(grpc.RpcError) as refusal:
            ask()
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in bad_fields(refusal.value)] == [field]


def test_a_batch_answers_what_the_calls_answer(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    r = client.p.recommendations
    users = [f"user-{n}" for n in range(40)]
    queries = [
        r.GetRecommendationsRequest(campaign=campaign, user_id=user, num_results=7)
        for user in users
    ]
    queries[3].campaign = f"{group}/campaigns/gone"
    queries[5].num_results = 501
    answer = client.recommendations.BatchGetRecommendations(
        r.BatchGetRecommendationsRequest(queries=queries), timeout=10
    )
    assert len(answer.results) == 40
    assert answer.results[3].error.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert answer.results[5].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert "num_results" in answer.results[5].error.message
    for n, user in enumerate(users):
        if n in (3, 5):
            continue
        result = answer.results[n].response
        single = client.recommend(campaign, user, 7)
        assert [(i.item_id, i.score) for i in result.item_list] == [
            (i.item_id, i.score) for i in single.item_list
        ]
        assert result.position == answer.position
    ids = {result.response.recommendation_id for result in answer.results}
    assert len(ids) == 39  # 38 answers, and none of the two errors.


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_1_to_100_questions(client, group, count):
    r = client.p.recommendations
    queries = [r.GetRecommendationsRequest(campaign="c", user_id="u")] * count
    with pytest.raises(grpc.RpcError) as refusal:
        client.recommendations.BatchGetRecommendations(
            r.BatchGetRecommendationsRequest(queries=queries), timeout=10
        )
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in bad_fields(refusal.value)] == ["queries"]


@pytest.mark.parametrize("recipe", ["similar-items", "sims"])
def test_related_items_go_together_with_the_given_one(client, group, recipe):
    import_events(client, group)
    campaign = train(client, group, recipe)
    reasons = client.p.recommendations.RecommendationReason
    answer = client.recommend(campaign, "", 10, item_id="tea-4")
    assert all(item.item_id.startswith("tea") for item in answer.item_list)
    assert "tea-4" not in [item.item_id for item in answer.item_list]
    assert all(
        list(item.reason) == [reasons.RECOMMENDATION_REASON_RELATED]
        and not item.HasField("score")
        for item in answer.item_list
    )
    # An unknown item, and one that was only put, are answered by what is popular.
    put_items(client, group, "only-put")
    for unknown in ["nobody-knows", "only-put"]:
        answer = client.recommend(campaign, "", 10, item_id=unknown)
        assert len(answer.item_list) == 10
        assert all(
            list(item.reason) == [reasons.RECOMMENDATION_REASON_POPULAR]
            for item in answer.item_list
        )
    # What somebody does next to a new item is in the next answer.
    for n in range(3):
        client.put_event(group, f"new-{n}", "only-put", START + 100_000)
        client.put_event(group, f"new-{n}", "bike-2", START + 100_001)
    assert client.list_of(campaign, "", 1, item_id="only-put") == ["bike-2"]


def test_what_grows_is_trending_at_once(client, group):
    import_events(client, group)
    campaign = train(client, group, "trending-now")
    assert len(client.list_of(campaign, "", 40)) == 40
    for n in range(8):
        client.put_event(group, f"u-{n}", "suddenly", START + 90_000 + n)
    first = client.recommend(campaign, "", 5).item_list[0]
    assert first.item_id == "suddenly"
    assert list(first.reason) == [client.p.recommendations.RECOMMENDATION_REASON_TRENDING]
