"""What the records of items say, where no event does."""

import pytest
from conftest import Client, make_group
from test_exploration import campaign_of, explored
from test_explain import check_sum, explain
from test_flow import CLUSTERS, START, import_events, train


def describe(client, group, items):
    p = client.p.events
    client.events.PutItems(
        p.PutItemsRequest(
            dataset=f"{group}/datasets/items",
            items=[
                p.Item(item_id=item, properties=f'{{"genres":"{genres}","price":3}}')
                for item, genres in items
            ],
        )
    )


def describe_catalogue(client, group, genres="{}|thing"):
    for taste, items in CLUSTERS.items():
        describe(client, group, [(item, genres.format(taste)) for item in items])


@pytest.mark.parametrize("described", ["before the training", "after it"])
def test_a_new_item_is_shown_to_those_of_its_taste(client, group, described):
    import_events(client, group)
    if described == "before the training":
        describe_catalogue(client, group)
    campaign = campaign_of(client, group, weight=0)
    if described == "after it":
        # What all have in common is not known for common before a training.
        describe_catalogue(client, group, "{}")
    assert "fresh" not in client.list_of(campaign, "user-1", 500)
    describe(client, group, [("fresh", "tea|thing"), ("bare", "")])
    # The next question has it, without a training.
    tea, bikes = (client.list_of(campaign, user, 500) for user in ("user-1", "user-0"))
    assert len(tea) == len(bikes) == 42
    assert tea.index("fresh") <= 20
    assert bikes.index("fresh") > 20
    assert tea.index("fresh") < tea.index("bare")
    # Another record, another taste.
    describe(client, group, [("fresh", "bike|thing")])
    tea, bikes = (client.list_of(campaign, user, 500) for user in ("user-1", "user-0"))
    assert bikes.index("fresh") <= 20 < tea.index("fresh")


def test_it_is_explained_by_the_history(client, group):
    import_events(client, group)
    describe_catalogue(client, group)
    campaign = campaign_of(client, group, weight=0)
    describe(client, group, [("fresh", "tea|thing")])
    found = explain(client, campaign, "user-1", "fresh")
    assert {c.name: c.score for c in found.components}["content"] > 0
    check_sum(found)
    assert all(c.item_id.startswith("tea") for c in found.contributions)


def test_a_new_item_is_explored_first_by_those_whom_it_fits(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    describe_catalogue(client, group, "{}")
    new = [(f"{taste}-{n}", taste) for n in range(20) for taste in ("new-tea", "new-bike")]
    describe(client, group, [(item, taste.removeprefix("new-")) for item, taste in new])
    tea, bikes = (
        [
            item
            for seed in range(100)
            for item in explored(client, client.recommend(campaign, user, seed=seed))
        ]
        for user in ("user-1", "user-0")
    )
    for found, own in [(tea, "new-tea"), (bikes, "new-bike")]:
        share = sum(item.startswith(own) for item in found) / len(found)
        # Half of what is new fits; records may be wrong, so the other half gets its chance too.
        assert 0.9 < share < 1, (own, share)
        assert len(set(found)) > 20
    # Somebody of whom nothing is known explores all alike.
    nobody = [
        item
        for seed in range(100)
        for item in explored(client, client.recommend(campaign, "nobody", seed=seed))
    ]
    assert 0.3 < sum(item.startswith("new-tea") for item in nobody) / len(nobody) < 0.7
    # Each is weighed for who asks.
    weights = [
        explain(client, campaign, user, "new-tea-7").exploration.pool_weight
        for user in ("user-1", "user-0", "nobody")
    ]
    assert weights == [1, 1 / 64, 1]


def test_related_items_know_it_both_ways(client, group):
    import_events(client, group)
    describe_catalogue(client, group)
    campaign = train(client, group, "similar-items")
    describe(client, group, [("fresh", "tea|thing")])
    assert "fresh" in client.list_of(campaign, "", 25, item_id="tea-1")
    near = client.list_of(campaign, "", 10, item_id="fresh")
    assert all(item.startswith("tea") for item in near)


def test_a_restart_finds_the_same(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    import_events(client, group)
    describe_catalogue(client, group)
    campaign = campaign_of(client, group, weight=0)
    describe(client, group, [("fresh", "tea|thing"), ("newer", "bike|thing")])
    client.put_event(group, "user-3", "newer", START + 200_000)
    users = ["user-1", "user-0", "user-3", "nobody"]
    before = [client.list_of(campaign, user, 500) for user in users]
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    assert [client.list_of(campaign, user, 500) for user in users] == before


def test_a_new_user_gets_what_users_alike_touch(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    import_events(client, group)
    p = client.p.events

    def put_users(ages):
        client.events.PutUsers(
            p.PutUsersRequest(
                dataset=f"{group}/datasets/users",
                users=[p.User(user_id=u, properties=f'{{"AGE":{age}}}') for u, age in ages],
            )
        )

    # The tea people are young.
    put_users([(f"user-{n}", 20 if n % 2 else 60) for n in range(40)])
    campaign = campaign_of(client, group, weight=0)
    put_users([("young", 21), ("old", 59), ("ageless", 400)])

    def lists():
        return {u: client.list_of(campaign, u) for u in ("young", "old", "ageless", "nobody")}

    before = lists()
    assert all(item.startswith("tea") for item in before["young"])
    assert all(item.startswith("bike") for item in before["old"])
    assert before["ageless"] == before["nobody"]
    answer = client.recommend(campaign, "young")
    popular = client.p.recommendations.RECOMMENDATION_REASON_POPULAR
    assert all(list(item.reason) == [popular] for item in answer.item_list)
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    client.tracking_id = ""
    assert lists() == before
    # What they do soon says more.
    for n in range(3):
        client.put_event(group, "young", f"bike-{n + 3}", START + 100_000 + n)
    assert sum(item.startswith("bike") for item in client.list_of(campaign, "young")) >= 7
