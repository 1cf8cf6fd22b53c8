"""Trainings as Personalize documents them: little data, columns, a stop, hours."""

import time

import grpc
import pytest
from conftest import Client, make_group
from test_content import describe, describe_catalogue
from test_exploration import campaign_of as exploring_campaign
from test_flow import START, import_events
from test_learning import campaign_of, create, put, version_of
from test_metrics import metrics_of
from test_sessions import put_sessions


def start_version(client, solution):
    s = client.p.solutions
    return client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution.resource_name), timeout=10
    ).solution_version.resource_name


def describe_version(client, version):
    s = client.p.solutions
    return client.solutions.DescribeSolutionVersion(
        s.DescribeSolutionVersionRequest(solution_version=version), timeout=10
    ).solution_version


def stop(client, version):
    s = client.p.solutions
    return client.solutions.StopSolutionVersionCreation(
        s.StopSolutionVersionCreationRequest(solution_version=version), timeout=10
    )


def test_a_stopped_training_stays_stopped_and_the_next_one_trains(client, group):
    put_sessions(client, group, 2_000)
    solution = create(client, group)
    # One that runs, and one that waits behind it.
    running, waiting = start_version(client, solution), start_version(client, solution)
    stop(client, waiting)
    stop(client, running)
    p = client.p.resources
    deadline = time.monotonic() + 30
    for version in (waiting, running):
        while True:
            found = describe_version(client, version)
            if found.status == p.RESOURCE_STATUS_CREATE_STOPPED:
                break
            assert found.status == p.RESOURCE_STATUS_CREATE_STOPPING, found.status
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert found.training_hours == 0
        with pytest.raises(grpc.RpcError) as refusal:
            stop(client, version)
        assert refusal.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        with pytest.raises(grpc.RpcError) as refusal:
            campaign_of(client, version)
        assert refusal.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    made = version_of(client, solution)
    assert 0 < made.training_hours < 1
    assert client.list_of(campaign_of(client, made.resource_name), "visitor-1")


def test_a_few_events_train_and_the_version_says_what_that_means(client, group):
    for item in ("one", "two", "three"):
        client.put_event(group, "only-user", item, START)
    version = version_of(client, create(client, group))
    assert any("below 1,000" in warning for warning in version.warnings), version.warnings
    assert any("below 25" in warning for warning in version.warnings)
    assert not metrics_of(client, version.resource_name).metrics
    campaign = campaign_of(client, version.resource_name)
    assert sorted(client.list_of(campaign, "somebody")) == ["one", "three", "two"]


@pytest.mark.parametrize(
    "config, reads",
    [
        ({"excluded_dataset_columns": [{"dataset_type": "DATASET_TYPE_ITEMS",
                                        "columns": ["GENRES"]}]}, False),
        ({"included_dataset_columns": [{"dataset_type": "DATASET_TYPE_ITEMS",
                                        "columns": ["PRICE"]}]}, False),
        ({"included_dataset_columns": [{"dataset_type": "DATASET_TYPE_ITEMS",
                                        "columns": ["GENRES"]}]}, True),
        ({"excluded_dataset_columns": [{"dataset_type": "DATASET_TYPE_INTERACTIONS",
                                        "columns": ["DEVICE"]}]}, True),
    ],
)
def test_columns_that_are_left_out_are_not_learnt_from(client, group, config, reads):
    import_events(client, group)
    describe_catalogue(client, group, "{}")
    solution = create(client, group, solution_config={"training_data_config": config})
    assert not any("interactions" in warning for warning in solution.warnings)
    version_of(client, solution)
    campaign = exploring_campaign(client, group, weight=0)
    describe(client, group, [("fresh-tea", "tea"), ("fresh-bike", "bike")])
    tea, bikes = (client.list_of(campaign, user, 500) for user in ("user-1", "user-0"))
    fits = tea.index("fresh-tea") < tea.index("fresh-bike") and bikes.index(
        "fresh-bike"
    ) < bikes.index("fresh-tea")
    assert fits == reads


def test_a_trend_has_an_accuracy(client, group):
    # Three windows of two hours; what begins to grow in the second goes on in the third.
    for window in range(3):
        for n in range(20):
            put(client, group, f"u{n}", f"steady-{n % 5}", START + window * 7_200 + n, "view")
        for n in range(window * 15):
            put(client, group, f"v{n}", "rising", START + window * 7_200 + 100 + n, "view")
    put(client, group, "last", "steady-0", START + 3 * 7_200 - 60, "view")
    version = version_of(client, create(client, group, "trending-now"))
    found = metrics_of(client, version.resource_name).metrics
    assert found["trend_prediction_accuracy"] > 0.9


def test_a_restart_ends_no_training_for_good(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    put_sessions(client, group, 500)
    solution = create(client, group)
    version = start_version(client, solution)
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    client.wait_until_active(lambda: describe_version(client, version))
    assert client.list_of(campaign_of(client, version), "visitor-1")
