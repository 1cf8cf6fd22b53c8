"""The main job, end to end, as a Python back end would do it."""

from conftest import Client, make_group

START = 1_700_000_000
CLUSTERS = {"tea": [f"tea-{n}" for n in range(20)], "bike": [f"bike-{n}" for n in range(20)]}


def import_events(client, group):
    """40 users who each walk through one cluster, in calls of 10 events."""
    applied = 0
    for user in range(40):
        items = CLUSTERS["tea" if user % 2 else "bike"]
        for call in range(2):
            events = []
            for n in range(10):
                step = call * 10 + n
                event = client.p.events.Event(
                    event_type="click", item_id=items[(user + step) % len(items)]
                )
                event.sent_at.seconds = START + user * 100 + step
                events.append(event)
            response = client.events.PutEvents(
                client.p.events.PutEventsRequest(
                    tracking_id=client.tracking_id,
                    user_id=f"user-{user}",
                    session_id=f"session-{user}",
                    event_list=events,
                )
            )
            assert len(response.event_ids) == 10
            assert len(set(response.event_ids)) == 10
            applied += response.applied_count
    return applied


def train(client, group, recipe):
    s = client.p.solutions
    solution = client.solutions.CreateSolution(
        s.CreateSolutionRequest(name=recipe, dataset_group=group, recipe=f"recipes/{recipe}")
    ).solution.resource_name
    version = client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution)
    ).solution_version.resource_name
    client.wait_until_active(
        lambda: client.solutions.DescribeSolutionVersion(
            s.DescribeSolutionVersionRequest(solution_version=version)
        ).solution_version
    )
    c = client.p.campaigns
    campaign = client.campaigns.CreateCampaign(
        c.CreateCampaignRequest(name=recipe, solution_version=version)
    ).campaign.resource_name
    client.wait_until_active(
        lambda: client.campaigns.DescribeCampaign(
            c.DescribeCampaignRequest(campaign=campaign)
        ).campaign
    )
    return campaign


def test_from_a_group_to_the_same_list_after_a_kill(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    assert import_events(client, group) == 800
    campaign = train(client, group, "user-personalization")

    # user-1 is a tea person; a stranger rides bikes.
    before = client.list_of(campaign, "user-1")
    stranger = client.list_of(campaign, "user-0")
    assert len(before) == 10
    assert sum(item.startswith("tea") for item in before) >= 8
    assert sum(item.startswith("bike") for item in stranger) >= 8

    acknowledged = client.put_event(group, "user-1", "bike-3", START + 100_000)
    answer = client.recommend(campaign, "user-1")
    after = [item.item_id for item in answer.item_list]
    assert answer.position >= acknowledged.position
    assert after != before
    assert sum(item.startswith("bike") for item in after) > sum(
        item.startswith("bike") for item in before
    )
    kept = client.list_of(campaign, "user-0")
    assert len(set(stranger) & set(kept)) >= 9

    lists = {f"user-{n}": client.recommend(campaign, f"user-{n}") for n in range(10)}
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    for user, old in lists.items():
        new = client.recommend(campaign, user)
        assert [(i.item_id, i.score) for i in new.item_list] == [
            (i.item_id, i.score) for i in old.item_list
        ]
        assert new.eligible_count == old.eligible_count
        assert new.position >= old.position


def test_a_starter_group_answers_after_three_calls(protos, durable_server):
    client = Client(protos, durable_server.channel)
    made = client.datasets.CreateDatasetGroup(
        protos.datasets.CreateDatasetGroupRequest(name="quick", starter=True)
    )
    assert made.tracking_id
    event = protos.events.Event(event_type="view", item_id="lamp", properties='{"device":"phone"}')
    event.sent_at.GetCurrentTime()
    client.events.PutEvents(
        protos.events.PutEventsRequest(
            tracking_id=made.tracking_id, user_id="ann", session_id="s", event_list=[event]
        )
    )
    assert client.list_of(made.campaign, "bob") == ["lamp"]
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    assert client.list_of(made.campaign, "bob") == ["lamp"]


def test_popularity_counts_distinct_users(client, group):
    for user in range(3):
        client.put_event(group, f"u{user}", "liked-by-three", START + user)
    for n in range(9):
        client.put_event(group, "u0", "liked-often-by-one", START + 10 + n)
    campaign = train(client, group, "popularity-count")
    assert client.list_of(campaign, "nobody") == ["liked-by-three", "liked-often-by-one"]


def test_a_new_user_gets_popular_items_and_then_their_own(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    first = client.recommend(campaign, "newcomer")
    assert len(first.item_list) == 10
    popular = client.p.recommendations.RECOMMENDATION_REASON_POPULAR
    assert all(list(item.reason) == [popular] for item in first.item_list)
    client.put_event(group, "newcomer", "tea-5", START + 100_000)
    second = client.list_of(campaign, "newcomer")
    assert sum(item.startswith("tea") for item in second) >= 8


def test_what_was_put_is_in_the_next_answer(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    count = client.recommend(campaign, "user-1").eligible_count
    items = [client.p.events.Item(item_id="brand-new", properties='{"genres":"tea|gift"}')]
    client.events.PutItems(
        client.p.events.PutItemsRequest(dataset=f"{group}/datasets/items", items=items)
    )
    assert client.recommend(campaign, "user-1").eligible_count == count + 1
    assert "brand-new" in client.list_of(campaign, "user-1", count=500)


def test_exclusions_take_effect_on_request_only(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    seen = set(CLUSTERS["tea"])
    assert seen & set(client.list_of(campaign, "user-1", 40))
    answer = client.recommend(campaign, "user-1", 40, exclude_interacted=True)
    assert not seen & {item.item_id for item in answer.item_list}
    assert answer.eligible_count == 20 == len(answer.item_list)
    rest = client.list_of(campaign, "user-1", 40, exclude_item_ids=["tea-1", "tea-2", "unknown"])
    assert len(rest) == 38 and not {"tea-1", "tea-2"} & set(rest)


def test_an_anonymous_session_is_served_and_then_joined(client, group):
    import_events(client, group)
    campaign = train(client, group, "user-personalization")
    p = client.p
    event = p.events.Event(event_type="click", item_id="bike-7")
    event.sent_at.seconds = START + 100_000
    client.events.PutEvents(
        p.events.PutEventsRequest(dataset_group=group, session_id="anonymous", event_list=[event])
    )
    request = p.recommendations.GetRecommendationsRequest(
        campaign=campaign, session_id="anonymous", num_results=10
    )
    by_session = client.recommendations.GetRecommendations(request)
    ids = [item.item_id for item in by_session.item_list]
    assert sum(item.startswith("bike") for item in ids) >= 8
    # As in Personalize, a user id that is known only as a session's is served as that session.
    assert client.list_of(campaign, "anonymous") == ids
    # One event with both ids gives the session's history to the user at once.
    event = p.events.Event(event_type="click", item_id="bike-8")
    event.sent_at.seconds = START + 100_001
    client.events.PutEvents(
        p.events.PutEventsRequest(
            dataset_group=group, user_id="known", session_id="anonymous", event_list=[event]
        )
    )
    joined = client.recommend(campaign, "known", 40, exclude_interacted=True)
    listed = {item.item_id for item in joined.item_list}
    assert not {"bike-7", "bike-8"} & listed
