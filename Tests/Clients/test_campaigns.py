"""Campaigns as Personalize documents them: versions, updates, two side by side."""

import grpc
import pytest
from conftest import bad_fields
from test_exploration import explored
from test_flow import START, import_events
from test_learning import campaign_of, create, put, version_of
from test_ranking import put_items


def describe(client, campaign):
    c = client.p.campaigns
    return client.campaigns.DescribeCampaign(
        c.DescribeCampaignRequest(campaign=campaign), timeout=10
    ).campaign


def update(client, campaign, **fields):
    c = client.p.campaigns
    return client.campaigns.UpdateCampaign(
        c.UpdateCampaignRequest(campaign=campaign, **fields), timeout=10
    ).campaign


def two_versions(client, group):
    """Of one solution: by views, then by likes."""
    for user in range(9):
        put(client, group, f"u{user}", "viewed", START + user, "view")
    for user in range(5):
        put(client, group, f"u{user}", "liked", START + 50 + user, "like")
    solution = create(client, group, "popularity-count", perform_auto_training=False)
    first = version_of(client, solution).resource_name
    s = client.p.solutions
    client.solutions.UpdateSolution(
        s.UpdateSolutionRequest(
            solution=solution.resource_name,
            events_config={"event_parameters_list": [{"event_type": "like"}]},
        )
    )
    return first, version_of(client, solution).resource_name


def test_an_update_serves_another_version_in_the_next_answer(client, group):
    first, second = two_versions(client, group)
    campaign = campaign_of(client, first)
    made = describe(client, campaign)
    assert made.solution_version == first and made.min_provisioned_tps == 1
    assert client.list_of(campaign, "", 1) == ["viewed"]
    changed = update(client, campaign, solution_version=second, min_provisioned_tps=7)
    assert changed.etag != made.etag
    assert changed.status == client.p.resources.RESOURCE_STATUS_ACTIVE
    assert client.list_of(campaign, "", 1) == ["liked"]
    found = describe(client, campaign)
    assert (found.solution_version, found.min_provisioned_tps) == (second, 7)
    # Back again, and only by who knows the campaign as it is.
    with pytest.raises(grpc.RpcError) as refusal:
        update(client, campaign, solution_version=first, etag=made.etag)
    assert refusal.value.code() == grpc.StatusCode.ABORTED
    update(client, campaign, solution_version=first, etag=changed.etag)
    assert client.list_of(campaign, "", 1) == ["viewed"]


def test_an_update_that_can_not_be_leaves_the_campaign_as_it_was(client, group):
    first, _ = two_versions(client, group)
    campaign = campaign_of(client, first)
    before = describe(client, campaign)
    for fields, field in [
        ({"min_provisioned_tps": 0}, "min_provisioned_tps"),
        ({"campaign_config": {"item_exploration_config": {"explorationWeight": "2"}}},
         "campaign_config.item_exploration_config.explorationWeight"),
        ({"campaign_config": {"item_exploration_config": {"explorationItemAgeCutOff": "x"}}},
         "campaign_config.item_exploration_config.explorationItemAgeCutOff"),
        ({"campaign_config": {"sync_with_latest_solution_version": True}},
         "campaign_config.sync_with_latest_solution_version"),
    ]:
        with pytest.raises(grpc.RpcError) as refusal:
            update(client, campaign, **fields)
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert [v.field for v in bad_fields(refusal.value)] == [field]
    with pytest.raises(grpc.RpcError) as refusal:
        update(client, campaign, solution_version=first.rsplit("/", 1)[0] + "/nothing")
    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND
    assert describe(client, campaign) == before
    assert client.list_of(campaign, "", 1) == ["viewed"]


def test_two_versions_answer_side_by_side(client, group):
    first, second = two_versions(client, group)
    a, b = campaign_of(client, first, "a"), campaign_of(client, second, "b")
    assert client.list_of(a, "", 1) == ["viewed"] and client.list_of(b, "", 1) == ["liked"]


def test_how_much_is_explored_changes_with_the_next_answer(client, group):
    import_events(client, group)
    campaign = campaign_of(client, version_of(client, create(client, group)).resource_name)
    # Without settings they are Personalize's.
    put_items(client, group, *[f"new-{n}" for n in range(10)])
    def count():
        return sum(
            len(explored(client, client.recommend(campaign, "user-1", seed=seed)))
            for seed in range(100)
        )
    usual = count()
    assert 40 < usual < 120
    weight = {"item_exploration_config": {"explorationWeight": "1"}}
    update(client, campaign, campaign_config=weight)
    assert count() > 2 * usual
    weight["item_exploration_config"]["explorationWeight"] = "0"
    update(client, campaign, campaign_config=weight)
    assert count() == 0
