"""How a solution learns: which events, by which parameters, and when by itself."""

import time

import grpc
import pytest
from conftest import Client, bad_fields
from test_flow import START, import_events
from test_ranking import put_items


def create(client, group, recipe="user-personalization", name="s", **fields):
    s = client.p.solutions
    return client.solutions.CreateSolution(
        s.CreateSolutionRequest(
            name=name, dataset_group=group, recipe=f"recipes/{recipe}", **fields
        ),
        timeout=10,
    ).solution


def version_of(client, solution, **fields):
    s = client.p.solutions
    made = client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution.resource_name, **fields), timeout=10
    ).solution_version.resource_name
    return client.wait_until_active(
        lambda: client.solutions.DescribeSolutionVersion(
            s.DescribeSolutionVersionRequest(solution_version=made)
        ).solution_version
    )


def campaign_of(client, version, name="c"):
    c = client.p.campaigns
    return client.campaigns.CreateCampaign(
        c.CreateCampaignRequest(name=name, solution_version=version), timeout=10
    ).campaign.resource_name


def put(client, group, user, item, seconds, event_type, value=None):
    event = client.p.events.Event(event_type=event_type, item_id=item)
    if value is not None:
        event.event_value = value
    event.sent_at.seconds = seconds
    client.events.PutEvents(
        client.p.events.PutEventsRequest(
            dataset_group=group, user_id=user, session_id="s", event_list=[event]
        )
    )


def test_a_solution_learns_from_the_events_that_it_names(client, group):
    for user in range(4):
        put(client, group, f"u{user}", "bought", START + user, "Purchase")
    for user in range(9):
        put(client, group, f"u{user}", "seen", START + 50 + user, "view")
    everything = create(client, group, "popularity-count", "all")
    purchases = create(client, group, "popularity-count", "bought", event_type="purchase")
    assert purchases.event_type == "purchase"
    first = campaign_of(client, version_of(client, everything).resource_name, "all")
    second = campaign_of(client, version_of(client, purchases).resource_name, "bought")
    assert client.list_of(first, "", 2) == ["seen", "bought"]
    assert client.list_of(second, "", 2) == ["bought", "seen"]
    # At once, too: of the live events the named ones count.
    for user in range(9):
        put(client, group, f"u{user}", "new", START + 100 + user, "view")
    assert client.list_of(second, "", 1) == ["bought"]
    for user in range(5):
        put(client, group, f"u{user}", "new", START + 200 + user, "PURCHASE")
    assert client.list_of(second, "", 1) == ["new"]


def test_events_below_a_value_are_not_learnt_from(client, group):
    for user in range(3):
        put(client, group, f"u{user}", "loved", START + user, "rating", 5)
    for user in range(9):
        put(client, group, f"u{user}", "hated", START + 50 + user, "rating", 1)
        put(client, group, f"u{user}", "unrated", START + 80 + user, "rating")
    config = client.p.resources.SolutionConfig(event_value_threshold="4")
    solution = create(
        client, group, "popularity-count", event_type="rating", solution_config=config
    )
    assert any("threshold" in warning for warning in solution.warnings)
    version = version_of(client, solution)
    assert set(solution.warnings) <= set(version.warnings)
    campaign = campaign_of(client, version.resource_name)
    assert client.list_of(campaign, "", 1) == ["loved"]
    # What others rate next counts after the next training.
    for user in range(9):
        put(client, group, f"u{user}", "late", START + 100 + user, "rating", 5)
    assert client.list_of(campaign, "", 1) == ["loved"]
    again = version_of(client, solution).resource_name
    assert client.list_of(campaign_of(client, again, "d"), "", 1) == ["late"]


def test_an_events_config_names_several_types(client, group):
    p = client.p.resources
    for user in range(9):
        put(client, group, f"u{user}", "viewed", START + user, "view")
    for user in range(5):
        put(client, group, f"u{user}", "liked", START + 50 + user, "like")
        put(client, group, f"u{user}", "shared", START + 60 + user, "share", 0.5)
    events = p.EventsConfig(
        event_parameters_list=[
            p.EventParameters(event_type="view", weight=0),
            p.EventParameters(event_type="like", weight=0.4),
            p.EventParameters(event_type="share", event_value_threshold=0.6),
        ]
    )
    solution = create(
        client, group, "popularity-count", solution_config=p.SolutionConfig(events_config=events)
    )
    assert solution.solution_config.events_config == p.EventsConfig(
        event_parameters_list=[
            p.EventParameters(event_type="view", weight=0),
            p.EventParameters(event_type="like", weight=0.4),
            p.EventParameters(event_type="share", event_value_threshold=0.6, weight=1),
        ]
    )
    campaign = campaign_of(client, version_of(client, solution).resource_name)
    assert client.list_of(campaign, "", 1) == ["liked"]
    s = client.p.solutions
    changed = client.solutions.UpdateSolution(
        s.UpdateSolutionRequest(
            solution=solution.resource_name,
            events_config=p.EventsConfig(
                event_parameters_list=[p.EventParameters(event_type="view")]
            ),
        )
    ).solution
    assert changed.etag != solution.etag
    campaign = campaign_of(client, version_of(client, changed).resource_name, "d")
    assert client.list_of(campaign, "", 1) == ["viewed"]


def test_parameters_are_read_or_kept_with_a_warning(client, group):
    import_events(client, group)
    config = client.p.resources.SolutionConfig(
        algorithm_hyper_parameters={"min_cointeraction_count": "10"},
        feature_transformation_parameters={"min_user_history_length_percentile": "0.1"},
    )
    for n in range(3):
        put(client, group, f"v{n}", "rare-1", START + 10 * n, "click")
        put(client, group, f"v{n}", "rare-2", START + 10 * n + 1, "click")
    strict = create(client, group, "sims", "strict", solution_config=config)
    usual = create(client, group, "sims", "usual")
    assert any("min_user_history" in warning for warning in strict.warnings)
    assert not any("cointeraction" in warning for warning in strict.warnings)
    assert not usual.warnings
    reasons = client.p.recommendations.RecommendationReason
    for solution, reason in [
        (strict, reasons.RECOMMENDATION_REASON_POPULAR),
        (usual, reasons.RECOMMENDATION_REASON_RELATED),
    ]:
        version = version_of(client, solution).resource_name
        campaign = campaign_of(client, version, solution.name)
        first = client.recommend(campaign, "", 1, item_id="rare-1").item_list[0]
        assert list(first.reason) == [reason]


@pytest.mark.parametrize(
    "recipe, config, field",
    [
        ("sims", {"algorithm_hyper_parameters": {"min_cointeraction_count": "11"}},
         "algorithm_hyper_parameters.min_cointeraction_count"),
        ("sims", {"algorithm_hyper_parameters": {"hidden_dimension": "64"}},
         "algorithm_hyper_parameters.hidden_dimension"),
        ("user-personalization", {"algorithm_hyper_parameters": {"hidden_dimension": "31"}},
         "algorithm_hyper_parameters.hidden_dimension"),
        ("trending-now",
         {"feature_transformation_parameters": {"trend_discovery_frequency": "1 year"}},
         "feature_transformation_parameters.trend_discovery_frequency"),
        ("user-personalization", {"event_value_threshold": "3"}, "event_value_threshold"),
        ("user-personalization",
         {"events_config": {"event_parameters_list": [{"event_type": "a", "weight": 2}]}},
         "events_config.event_parameters_list[0].weight"),
        ("user-personalization",
         {"events_config": {"event_parameters_list": [{"event_type": "a"}, {"event_type": "A"}]}},
         "events_config.event_parameters_list[1].event_type"),
        ("user-personalization",
         {"training_data_config": {"excluded_dataset_columns": [
             {"dataset_type": "DATASET_TYPE_ITEMS", "columns": ["COLOUR"]}]}},
         "training_data_config.excluded_dataset_columns[0].columns"),
        ("user-personalization",
         {"training_data_config": {"excluded_dataset_columns": [
             {"dataset_type": "DATASET_TYPE_INTERACTIONS", "columns": ["EVENT_TYPE"]}]}},
         "training_data_config.excluded_dataset_columns[0].columns"),
        ("user-personalization",
         {"training_data_config": {"included_dataset_columns": [{"columns": ["GENRES"]}]}},
         "training_data_config.included_dataset_columns[0].dataset_type"),
    ],
)
def test_settings_that_can_not_be_are_refused(client, group, recipe, config, field):
    with pytest.raises(grpc.RpcError) as refusal:
        create(client, group, recipe, solution_config=config)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in bad_fields(refusal.value)] == [f"solution_config.{field}"]


@pytest.mark.parametrize("text", ["rate(0 days)", "rate(31 days)", "7 days", "cron(1)"])
def test_a_schedule_is_1_to_30_days(client, group, text):
    config = {"auto_training_config": {"scheduling_expression": text}}
    with pytest.raises(grpc.RpcError) as refusal:
        create(client, group, solution_config=config)
    assert [v.field for v in bad_fields(refusal.value)] == [
        "solution_config.auto_training_config.scheduling_expression"
    ]


def test_an_update_version_has_learnt_what_the_latest_has(client, group):
    import_events(client, group)
    solution = create(client, group, "popularity-count")
    mode = client.p.resources.TRAINING_MODE_UPDATE
    with pytest.raises(grpc.RpcError) as refusal:
        version_of(client, solution, training_mode=mode)
    assert refusal.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    version_of(client, solution)
    for user in range(60):
        client.put_event(group, f"fan-{user}", "hit", START + 50_000 + user)
    updated = version_of(client, solution, training_mode=mode)
    assert updated.training_mode == mode
    campaign = campaign_of(client, updated.resource_name)
    assert client.list_of(campaign, "", 1) == ["hit"]


def test_a_campaign_stays_with_its_version_and_latest_moves(client, group):
    import_events(client, group)
    # $LATEST must not move to a version that nobody here asked for.
    solution = create(client, group, "popularity-count", perform_auto_training=False)
    old = version_of(client, solution).resource_name
    pinned = campaign_of(client, old, "pinned")
    latest = campaign_of(client, f"{solution.resource_name}/versions/$LATEST", "latest")
    s = client.p.solutions
    client.solutions.UpdateSolution(
        s.UpdateSolutionRequest(
            solution=solution.resource_name,
            events_config={"event_parameters_list": [{"event_type": "like"}]},
        )
    )
    for user in range(3):
        put(client, group, f"l{user}", "liked", START + 60_000 + user, "like")
    version_of(client, solution)
    assert client.list_of(latest, "", 1) == ["liked"]
    assert client.list_of(pinned, "", 1) != ["liked"]
    # A pinned version goes on learning: a new item is a candidate and moves up with its events.
    put_items(client, group, "new-one")
    assert "new-one" in client.list_of(pinned, "", 500)


def test_a_training_can_be_watched(client, group):
    import_events(client, group)
    solution = create(client, group)
    s = client.p.solutions
    version = client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution.resource_name)
    ).solution_version.resource_name
    states = [
        answer.solution_version
        for answer in client.solutions.WatchSolutionVersion(
            s.WatchSolutionVersionRequest(solution_version=version), timeout=60
        )
    ]
    status = client.p.resources.ResourceStatus
    assert states[-1].status == status.RESOURCE_STATUS_ACTIVE and states[-1].progress == 1
    assert [state.progress for state in states] == sorted(state.progress for state in states)
    # One that is over is told of once.
    again = list(
        client.solutions.WatchSolutionVersion(
            s.WatchSolutionVersionRequest(solution_version=version), timeout=10
        )
    )
    assert len(again) == 1
    with pytest.raises(grpc.RpcError) as refusal:
        list(
            client.solutions.WatchSolutionVersion(
                s.WatchSolutionVersionRequest(solution_version=version + "x"), timeout=10
            )
        )
    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_starters_solution_trains_itself_and_serves_it(protos, durable_server):
    client = Client(protos, durable_server.channel)
    d = protos.datasets
    made = client.datasets.CreateDatasetGroup(
        d.CreateDatasetGroupRequest(name="quick", starter=True)
    )
    group = made.dataset_group.resource_name
    client.tracking_id = made.tracking_id
    solution = f"{group}/solutions/default"

    def versions():
        s = protos.solutions
        return client.solutions.ListSolutionVersions(
            s.ListSolutionVersionsRequest(solution=solution)
        ).solution_versions

    import_events(client, group)
    deadline = time.monotonic() + 60
    active = protos.resources.RESOURCE_STATUS_ACTIVE
    while not any(version.status == active for version in versions()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    automatic = protos.resources.TRAINING_TYPE_AUTOMATIC
    assert [version.training_type for version in versions()] == [automatic]
    list_before = client.list_of(made.campaign, "user-1", seed=1)
    assert sum(item.startswith("tea") for item in list_before) >= 8
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    assert client.list_of(made.campaign, "user-1", seed=1) == list_before
    time.sleep(5)
    assert len(versions_of(client, protos, solution)) == 1  # Nothing new, nothing to train.


def versions_of(client, protos, solution):
    return client.solutions.ListSolutionVersions(
        protos.solutions.ListSolutionVersionsRequest(solution=solution)
    ).solution_versions
