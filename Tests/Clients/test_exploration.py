"""New items get slots; what was served is remembered, paged and learnt from."""

import time

import grpc
import pytest
from conftest import Client, bad_fields, make_group
from test_flow import START, import_events, train
from test_ranking import put_items


def campaign_of(client, group, weight=None, age=None, recipe="user-personalization"):
    """A campaign of the recipe that explores as much as told."""
    c = client.p.campaigns
    version = train_version(client, group, recipe)
    config = client.p.resources.CampaignConfig()
    if weight is not None:
        config.item_exploration_config["explorationWeight"] = str(weight)
    if age is not None:
        config.item_exploration_config["explorationItemAgeCutOff"] = str(age)
    name = f"explore-{weight}-{age}".replace(".", "-")
    return client.campaigns.CreateCampaign(
        c.CreateCampaignRequest(name=name, solution_version=version, campaign_config=config)
    ).campaign.resource_name


def train_version(client, group, recipe):
    s = client.p.solutions
    listed = client.solutions.ListSolutions(s.ListSolutionsRequest(dataset_group=group)).solutions
    if not listed:
        train(client, group, recipe)
        listed = client.solutions.ListSolutions(
            s.ListSolutionsRequest(dataset_group=group)
        ).solutions
    return listed[0].latest_solution_version


def explored(client, answer):
    reason = client.p.recommendations.RECOMMENDATION_REASON_EXPLORED
    return [item.item_id for item in answer.item_list if reason in item.reason]


def share_of(client, campaign, item, lists=200):
    """In how many of so many lists of 10 an item is."""
    return sum(
        item in client.list_of(campaign, f"user-{seed % 40}", seed=seed) for seed in range(lists)
    )


def test_a_new_item_is_explored_at_once_and_only_where_asked(client, group):
    import_events(client, group)
    none = campaign_of(client, group, weight=0)
    much = campaign_of(client, group, weight=1)
    usual = campaign_of(client, group)
    assert not any(explored(client, client.recommend(much, "user-1", seed=s)) for s in range(20))
    put_items(client, group, "brand-new")
    assert share_of(client, none, "brand-new") == 0
    # A quarter of the slots, on average; nothing else is new. It is in nearly every list.
    assert share_of(client, much, "brand-new") > 150
    assert 20 < share_of(client, usual, "brand-new") < 180
    answer = next(
        answer
        for seed in range(100)
        if explored(client, answer := client.recommend(much, "user-1", seed=seed))
    )
    assert explored(client, answer) == ["brand-new"]
    assert len({item.item_id for item in answer.item_list}) == 10


def test_items_are_new_for_as_long_as_the_campaign_says(client, group):
    import_events(client, group)
    day = 86_400
    short = campaign_of(client, group, weight=1, age=1)
    longer = campaign_of(client, group, weight=1, age=40)
    p = client.p.events
    items = [
        p.Item(item_id=f"of-{days}", properties=f'{{"creationTimestamp": {START - days * day}}}')
        for days in (10, 50)
    ]
    client.events.PutItems(p.PutItemsRequest(dataset=f"{group}/datasets/items", items=items))
    assert share_of(client, short, "of-10") == 0
    assert share_of(client, longer, "of-10") > 100
    assert share_of(client, longer, "of-50") == 0
    # Ages count from the newest event of all, not from today.
    client.put_event(group, "somebody", "tea-1", START + 35 * day)
    assert share_of(client, longer, "of-10") == 0


def test_a_list_is_not_reshuffled_by_others(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, *[f"new-{n}" for n in range(30)])
    before = client.list_of(campaign, "user-1")
    assert client.list_of(campaign, "user-1") == before
    for n in range(5):
        client.put_event(group, f"other-{n}", "bike-3", START + 50_000 + n)
    after = client.list_of(campaign, "user-1")
    # The quarter of an hour may have ended between the two.
    if after != before:
        before = client.list_of(campaign, "user-1", seed=1)
        client.put_event(group, "other", "bike-3", START + 50_010)
        after = client.list_of(campaign, "user-1", seed=1)
    assert [item for item in after if item.startswith("new")] == [
        item for item in before if item.startswith("new")
    ]
    lists = {tuple(client.list_of(campaign, "user-1", seed=seed)) for seed in range(20)}
    assert len(lists) > 10
    assert client.list_of(campaign, "user-1", seed=3) == client.list_of(campaign, "user-1", seed=3)


def test_being_shown_in_vain_makes_an_item_less_explored(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, "ignored", *[f"other-{n}" for n in range(9)])
    before = share_of(client, campaign, "ignored")
    p = client.p.events
    for n in range(32):
        event = p.Event(event_type="click", item_id="tea-1", impression=["ignored", "tea-1"])
        event.sent_at.seconds = START + 60_000 + n
        client.events.PutEvents(
            p.PutEventsRequest(
                dataset_group=group, user_id="u", session_id="s", event_list=[event]
            )
        )
    after = share_of(client, campaign, "ignored")
    assert before > 40 and after < before / 4


def test_events_that_name_a_list_tell_what_was_shown(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, "ignored", *[f"other-{n}" for n in range(9)])
    before = share_of(client, campaign, "ignored")
    p = client.p.events
    shown = 0
    for seed in range(1_000, 1_200):
        answer = client.recommend(campaign, "user-3", seed=seed)
        if "ignored" not in [item.item_id for item in answer.item_list]:
            continue
        shown += 1
        for _ in range(2):  # Only the first event of a list counts.
            event = p.Event(
                event_type="click",
                item_id=answer.item_list[0].item_id,
                recommendation_id=answer.recommendation_id,
            )
            event.sent_at.seconds = START + 60_000 + seed
            client.events.PutEvents(
                p.PutEventsRequest(
                    dataset_group=group, user_id="u", session_id="s", event_list=[event]
                )
            )
    assert shown > 20
    assert share_of(client, campaign, "ignored") < before / 2


def test_pages_of_a_list_never_repeat_an_item(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, "new-1", "new-2")
    seen, token, names = [], "", set()
    while True:
        answer = client.recommend(campaign, "user-1", 9, page_token=token)
        seen += [item.item_id for item in answer.item_list]
        names.add(answer.recommendation_id)
        assert answer.eligible_count == 42
        token = answer.next_page_token
        if not token:
            break
        # What is written between the pages moves the rest.
        client.put_event(group, "user-1", f"bike-{len(seen) % 20}", START + 90_000 + len(seen))
    assert len(seen) == len(set(seen)) == 42
    assert len(names) == 1 and len(names.pop()) == 40


def test_a_page_token_belongs_to_its_question(client, group):
    import_events(client, group)
    campaign = campaign_of(client, group)
    token = client.recommend(campaign, "user-1", 5).next_page_token
    altered = token[:-1] + ("0" if token[-1] != "0" else "1")
    for user, wrong in [("user-2", token), ("user-1", altered), ("user-1", "x")]:
        with pytest.raises(grpc.RpcError) as refusal:
            client.recommend(campaign, user, 5, page_token=wrong)
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in bad_fields(refusal.value)] == ["page_token"]


def test_what_was_served_is_remembered_over_a_kill(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "remember")
    import_events(client, group)
    campaign = campaign_of(client, group, weight=1)
    put_items(client, group, "ignored", *[f"other-{n}" for n in range(9)])
    p = client.p.events
    for n in range(32):
        event = p.Event(event_type="click", item_id="tea-1", impression=["ignored"])
        event.sent_at.seconds = START + 60_000 + n
        client.events.PutEvents(
            p.PutEventsRequest(
                dataset_group=group, user_id="u", session_id="s", event_list=[event]
            )
        )
    first = client.recommend(campaign, "user-1", 9)
    lists = [client.list_of(campaign, "user-5", seed=seed) for seed in range(20)]
    time.sleep(1.2)  # No more than the last second may be lost.
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    assert [client.list_of(campaign, "user-5", seed=seed) for seed in range(20)] == lists
    second = client.recommend(campaign, "user-1", 9, page_token=first.next_page_token)
    assert second.recommendation_id == first.recommendation_id
    assert not {i.item_id for i in first.item_list} & {i.item_id for i in second.item_list}
    other = client.recommend(campaign, "user-1", 9)
    assert other.recommendation_id != first.recommendation_id
