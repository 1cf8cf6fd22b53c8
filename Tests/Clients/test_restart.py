"""What a restart must not bring back, and what it must not forget."""

from random import Random

from conftest import Client, make_group
from test_flow import train

START = 1_700_000_000


def put_items(client, group, items):
    d = client.p.events
    client.events.PutItems(
        d.PutItemsRequest(dataset_group=group, items=[d.Item(item_id=item) for item in items])
    )


def test_a_restart_does_not_bring_back_what_deleted_interactions_taught(protos, durable_server):
    recipe = "popularity-count"
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    put_items(client, group, "abcdef")
    for user in range(6):
        for second, item in enumerate("abc"):
            client.put_event(group, f"u{user}", item, START + second)
    campaign = train(client, group, recipe)
    assert set(client.list_of(campaign, "nobody", count=3)) == set("abc")

    d = client.p.datasets
    c = client.p.campaigns
    version = client.campaigns.DescribeCampaign(
        c.DescribeCampaignRequest(campaign=campaign)
    ).campaign.solution_version
    client.campaigns.DeleteCampaign(c.DeleteCampaignRequest(campaign=campaign))
    client.datasets.DeleteEventTracker(
        d.DeleteEventTrackerRequest(event_tracker=f"{group}/eventTrackers/tracker")
    )
    client.datasets.DeleteDataset(
        d.DeleteDatasetRequest(dataset=f"{group}/datasets/interactions")
    )
    client.datasets.CreateDataset(
        d.CreateDatasetRequest(
            name="interactions", schema="schemas/shop-interactions", dataset_group=group,
            dataset_type=client.p.resources.DATASET_TYPE_INTERACTIONS,
        )
    )
    client.campaigns.CreateCampaign(
        c.CreateCampaignRequest(name=recipe, solution_version=version)
    )
    client.put_event(group, "u1", "f", START + 50)
    before = client.list_of(campaign, "nobody", count=6)
    assert before[0] == "f"

    durable_server.kill()
    client = Client(protos, durable_server.start().channel)
    assert client.list_of(campaign, "nobody", count=6) == before


def test_a_restart_knows_a_session_that_joined_after_the_training(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    put_items(client, group, "abcdefgh")
    for user in range(8):
        for second, item in enumerate("abcd"):
            client.put_event(group, f"u{user}", item, START + second)

    def put(session, user, item, second):
        event = protos.events.Event(event_type="click", item_id=item)
        event.sent_at.seconds = START + second
        client.events.PutEvents(
            protos.events.PutEventsRequest(
                dataset_group=group, session_id=session, user_id=user, event_list=[event]
            )
        )

    for number in range(9):
        put(f"s{number}", "", "abcdefgh"[number % 8], number * 2)
    campaign = train(client, group, "user-personalization")
    for number in range(9):
        put(f"s{number}", f"u{number % 3}", "abcdefgh"[(number + 3) % 8], 30 + number)

    def scores(client):
        users = [f"u{n}" for n in range(8)] + ["nobody"]
        return [
            [(i.item_id, i.score) for i in client.recommend(campaign, u, count=8).item_list]
            for u in users
        ]

    before = scores(client)
    durable_server.kill()
    client = Client(protos, durable_server.start().channel)
    assert scores(client) == before


def test_a_crash_right_after_deletions_changes_nobodys_list(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    items = "abcdefghijklmnopqrstuvwxyzABCDEF"
    put_items(client, group, items)
    random = Random(4)
    # Enough for a blend that is chosen by validation: no other model has the same scores.
    for user in range(150):
        for place in range(7):
            item = items[user % 4 * 8 + random.randrange(8)]
            client.put_event(group, f"u{user}", item, START + 10 * place + user)
    campaign = train(client, group, "user-personalization")
    late = client.put_event(group, "u7", "b", START + 90)
    r = protos.records

    def scores(client):
        answers = [
            client.recommend(campaign, user, count=32, seed=1).item_list
            for user in ["nobody", "u1", "u2", "u5", "u7"]
        ]
        return [[(one.item_id, round(one.score, 9)) for one in answer] for answer in answers]

    steps = [
        (client.records.DeleteUser, r.DeleteUserRequest(dataset_group=group, user_id="u3")),
        (client.records.DeleteInteraction, r.DeleteInteractionRequest(
            dataset_group=group, event_id=late.event_ids[0])),
        (client.records.DeleteItem, r.DeleteItemRequest(dataset_group=group, item_id="c")),
    ]
    trained = scores(client)
    for call, request in steps:
        call(request, timeout=20)
    # One more that comes back, with events since.
    client.records.DeleteItem(r.DeleteItemRequest(dataset_group=group, item_id="d"), timeout=20)
    put_items(client, group, "d")
    client.put_event(group, "u6", "d", START + 91)
    before = scores(client)
    assert before != trained
    durable_server.kill()
    client = Client(protos, durable_server.start().channel)
    assert scores(client) == before
