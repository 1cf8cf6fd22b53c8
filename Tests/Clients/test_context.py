"""How a user comes here, told by own columns of interactions, moves the list."""

import json
from random import Random

import grpc
import pytest
from conftest import Client, bad_fields, make_group
from test_explain import check_sum, explain
from test_exploration import campaign_of
from test_flow import START
from test_learning import campaign_of as campaign_of_version
from test_learning import create, version_of
from test_ranking import rank

PHONE = [f"phone-{n}" for n in range(20)]
DESKTOP = [f"desktop-{n}" for n in range(20)]


def put_on(client, user, bought, seconds):
    """Events of one user: items with the device that they were bought on; `None`: not told."""
    events = []
    for step, (item, device) in enumerate(bought):
        event = client.p.events.Event(event_type="click", item_id=item)
        event.sent_at.seconds = seconds + step
        if device is not None:
            event.properties = json.dumps({"DEVICE": device})
        events.append(event)
    for start in range(0, len(events), 10):
        client.events.PutEvents(
            client.p.events.PutEventsRequest(
                tracking_id=client.tracking_id,
                user_id=user,
                session_id=f"s-{user}",
                event_list=events[start : start + 10],
            )
        )


def import_devices(client, told=True):
    """80 users who come by phone and by desktop; what they buy is bought there alone, and half of
    them like the first ten of each, half the last ten."""
    random = Random(7)
    for user in range(80):
        bought = []
        for _ in range(20):
            device = random.choice(["phone", "desktop"])
            items = PHONE if device == "phone" else DESKTOP
            item = items[random.randrange(10) + user % 2 * 10]
            bought.append((item, device if told else None))
        put_on(client, f"user-{user}", bought, START + user * 100)


def share(items, device):
    return sum(item.startswith(device) for item in items) / len(items)


def test_a_device_leads_to_what_is_bought_on_it(client, group):
    import_devices(client)
    campaign = campaign_of(client, group, weight=0)
    plain = client.list_of(campaign, "user-0")
    assert 0 < share(plain, "phone") < 1
    for device in ("phone", "desktop"):
        for column in ("DEVICE", "device"):
            found = client.list_of(campaign, "user-0", context={column: device})
            assert share(found, device) == 1
            # It is still this user's list.
            assert all(int(item.split("-")[1]) < 10 for item in found)
    # Somebody whom nobody knows gets what is bought there, too.
    assert share(client.list_of(campaign, "stranger", context={"DEVICE": "phone"}), "phone") == 1
    # What says nothing changes nothing.
    assert client.list_of(campaign, "user-0") == plain
    assert client.list_of(campaign, "user-0", context={"DEVICE": "fridge"}) == plain
    assert client.list_of(campaign, "user-0", context={"DEVICE": ""}) == plain


def test_a_ranking_goes_by_it(client, group):
    import_devices(client)
    campaign = campaign_of(client, group, weight=0, recipe="personalized-ranking")
    given = ["desktop-3", "phone-3", "desktop-4", "phone-4"]
    for device in ("phone", "desktop"):
        found = rank(client, campaign, given, "user-0", context={"DEVICE": device})
        ids = [item.item_id for item in found.personalized_ranking]
        assert share(ids[:2], device) == 1


def test_each_question_of_a_batch_has_its_own(client, group):
    import_devices(client)
    campaign = campaign_of(client, group, weight=0)
    r = client.p.recommendations
    contexts = [{"DEVICE": "phone"}, {}, {"DEVICE": "desktop"}]
    answer = client.recommendations.BatchGetRecommendations(
        r.BatchGetRecommendationsRequest(
            queries=[
                r.GetRecommendationsRequest(
                    campaign=campaign, user_id="user-0", num_results=10, context=context
                )
                for context in contexts
            ]
        )
    )
    for result, context in zip(answer.results, contexts, strict=True):
        found = [item.item_id for item in result.response.item_list]
        assert found == client.list_of(campaign, "user-0", context=context)


def test_the_version_says_what_it_goes_by(client, group):
    import_devices(client)
    campaign = campaign_of(client, group, weight=0)
    version = client.campaigns.DescribeCampaign(
        client.p.campaigns.DescribeCampaignRequest(campaign=campaign)
    ).campaign.solution_version
    found = client.solutions.DescribeSolutionVersion(
        client.p.solutions.DescribeSolutionVersionRequest(solution_version=version)
    ).solution_version
    assert "context(DEVICE)" in [component.name for component in found.components]


@pytest.mark.parametrize(
    "choice, reads",
    [("excluded_dataset_columns", False), ("included_dataset_columns", True)],
)
def test_a_column_that_is_left_out_moves_nothing(client, group, choice, reads):
    import_devices(client)
    columns = {"dataset_type": "DATASET_TYPE_INTERACTIONS", "columns": ["DEVICE"]}
    config = {"training_data_config": {choice: [columns]}}
    solution = create(client, group, solution_config=config)
    assert not solution.warnings
    version = version_of(client, solution)
    assert ("context(DEVICE)" in [one.name for one in version.components]) == reads
    campaign = campaign_of_version(client, version.resource_name)
    plain = client.list_of(campaign, "user-0", seed=1)
    found = client.list_of(campaign, "user-0", context={"DEVICE": "phone"}, seed=1)
    assert (found != plain) == reads
    # A recipe that reads no columns of interactions says so.
    related = create(client, group, "sims", "related", solution_config=config)
    assert any("columns of interactions" in warning for warning in related.warnings)


def test_an_explanation_shows_its_share(client, group):
    import_devices(client)
    campaign = campaign_of(client, group, weight=0)
    for device, other in (("phone", "desktop"), ("desktop", "phone")):
        answer = client.recommend(campaign, "user-0", context={"DEVICE": device})
        for item in answer.item_list[:3]:
            found = explain(client, campaign, "user-0", item.item_id, context={"DEVICE": device})
            assert found.score == pytest.approx(item.score, rel=1e-3)
            check_sum(found)
            assert {c.name: c.score for c in found.components}["context DEVICE"] > 0
        found = explain(client, campaign, "user-0", f"{other}-3", context={"DEVICE": device})
        check_sum(found)
        assert {c.name: c.score for c in found.components}["context DEVICE"] < 0
    plain = explain(client, campaign, "user-0", "phone-3")
    assert not any("context" in component.name for component in plain.components)


def test_a_group_that_tells_no_device_goes_by_none(client, group):
    import_devices(client, told=False)
    campaign = campaign_of(client, group, weight=0)
    plain = client.list_of(campaign, "user-0")
    assert client.list_of(campaign, "user-0", context={"DEVICE": "phone"}) == plain
    with pytest.raises(grpc.RpcError) as refusal:
        client.list_of(campaign, "user-0", context={"WEATHER": "rain"})
    assert [field.field for field in bad_fields(refusal.value)] == ["context.WEATHER"]


def test_a_new_device_is_learnt_without_a_training(client, group):
    import_devices(client)
    campaign = campaign_of(client, group, weight=0)
    liked = {"phone-1", "phone-2", "desktop-1", "desktop-2"}
    asked = {"user": "stranger", "count": 4, "context": {"DEVICE": "watch"}}
    assert client.list_of(campaign, **asked) == client.list_of(campaign, "stranger", 4)
    for user in range(30):
        bought = [(item, "watch") for item in sorted(liked)]
        put_on(client, f"watch-{user}", bought, START + 20_000 + user * 10)
    assert set(client.list_of(campaign, **asked)) == liked
    # Who bought on it is deleted: nobody did.
    for user in range(30):
        client.records.DeleteUser(
            client.p.records.DeleteUserRequest(dataset_group=group, user_id=f"watch-{user}")
        )
    assert client.list_of(campaign, **asked) == client.list_of(campaign, "stranger", 4)


def test_it_is_the_same_after_a_kill(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    import_devices(client)
    campaign = campaign_of(client, group, weight=0)
    # Behind the artifact.
    for user in range(30):
        put_on(client, f"late-{user}", [("phone-15", "watch")], START + 20_000 + user)

    def lists():
        return [
            client.list_of(campaign, user, context=context)
            for user in ("user-0", "user-1", "stranger")
            for context in ({}, *({"DEVICE": d} for d in ("phone", "desktop", "watch")))
        ]

    before = lists()
    assert len({tuple(found) for found in before}) == 12
    durable_server.kill()
    client = Client(protos, durable_server.start().channel)
    assert lists() == before
