"""What the recipes' parameters and the records of items change, recipe by recipe."""

import pytest
from test_content import describe, describe_catalogue
from test_flow import START, import_events
from test_learning import campaign_of, create, put, version_of


def campaign(client, group, recipe, name, **config):
    solution = create(client, group, recipe, name, solution_config=config)
    assert not solution.warnings
    return campaign_of(client, version_of(client, solution).resource_name, name)


@pytest.mark.parametrize("recipe", ["sims", "similar-items"])
def test_popularity_counts_for_less_the_more_it_is_discounted(client, group, recipe):
    # Everybody takes the bestseller; those who take the niche take its twin too, and no others do.
    for n in range(60):
        put(client, group, f"u{n}", "bestseller", START + n, "buy")
        put(client, group, f"u{n}", f"other-{n % 20}", START + 5_000 + n, "buy")
    for n in range(12):
        put(client, group, f"u{n}", "niche", START + 100 + n, "buy")
        if n < 3:
            put(client, group, f"u{n}", "twin", START + 101 + n, "buy")
    lists = [
        client.list_of(
            campaign(client, group, recipe, f"d{factor}".replace(".", "-"),
                     algorithm_hyper_parameters={"popularity_discount_factor": factor}),
            "", 1, item_id="niche",
        )
        for factor in ("0", "1")
    ]
    assert lists == [["bestseller"], ["twin"]]


def test_a_trend_is_of_the_window_that_was_asked_for(client, group):
    # Yesterday's hit against what has grown in the last half hour.
    now = START + 10 * 86_400
    for n in range(40):
        put(client, group, f"u{n}", "of-today", now - 43_200 + n, "view")
        put(client, group, f"u{n}", "steady", now - 5 * 86_400 + n, "view")
    for n in range(8):
        put(client, group, f"u{n}", "of-now", now - 60 + n, "view")
    first = {
        window: client.list_of(
            campaign(client, group, "trending-now", window.replace(" ", "-"),
                     feature_transformation_parameters={"trend_discovery_frequency": window}),
            "", 1,
        )[0]
        for window in ("30 minutes", "1 day")
    }
    assert first == {"30 minutes": "of-now", "1 day": "of-today"}


@pytest.mark.parametrize(
    "recipe, reads",
    [
        ("user-personalization", True), ("user-personalization-v2", True),
        ("personalized-ranking", True), ("personalized-ranking-v2", True),
        ("similar-items", True), ("sims", False), ("popularity-count", False),
        ("trending-now", False),
    ],
)
def test_records_of_items_count_where_personalize_reads_them(client, group, recipe, reads):
    import_events(client, group)
    describe_catalogue(client, group, "{}")
    made = campaign(client, group, recipe, "c")
    describe(client, group, [("a-bike", "bike"), ("b-tea", "tea"), ("c-bike", "bike")])
    fresh = ["a-bike", "b-tea", "c-bike"]
    if recipe.startswith("personalized-ranking"):
        r = client.p.recommendations
        answer = client.recommendations.GetPersonalizedRanking(
            r.GetPersonalizedRankingRequest(campaign=made, user_id="user-1", input_list=fresh),
            timeout=10,
        )
        found = [item.item_id for item in answer.personalized_ranking]
        assert sum(item.score for item in answer.personalized_ranking) == pytest.approx(1)
    else:
        # A seed, so that explored items stand where they stood.
        listed = client.list_of(made, "user-1", 500, item_id="tea-1", ignore_default_filter=True)
        found = [item for item in listed if item in fresh]
    assert (found[0] == "b-tea") == reads
