"""What a training tried, chose and is worth, over the wire."""

import math

import grpc
import pytest
from test_cli import run
from test_flow import START, import_events
from test_learning import create, version_of

KEYS = {
    "coverage", "mean_reciprocal_rank_at_25",
    *(f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)),
    *(f"precision_at_{k}" for k in (5, 10, 25)),
}


def metrics_of(client, version):
    s = client.p.solutions
    return client.solutions.GetSolutionMetrics(
        s.GetSolutionMetricsRequest(solution_version=version), timeout=10
    )


def walk(client, group, users):
    """Everybody walks along a ring of 30, from anywhere: enough to choose by."""
    e = client.p.events
    for user in range(users):
        events = []
        for n in range(10):
            event = e.Event(event_type="click", item_id=f"i-{(user * 7 + n) % 30}")
            event.sent_at.seconds = START + n * 1_000 + user
            events.append(event)
        client.events.PutEvents(
            e.PutEventsRequest(
                tracking_id=client.tracking_id, user_id=f"w-{user}", session_id=f"w-{user}",
                event_list=events,
            )
        )


def test_a_blend_says_what_it_tried_and_chose(client, group):
    walk(client, group, 120)
    version = version_of(client, create(client, group))
    assert version.validation.question_count >= 100
    best = version.candidates[0]
    assert version.validation.runner_up == best
    assert len(version.candidates) > 10
    figures = [model.ndcg_at_10 for model in version.candidates]
    assert figures == sorted(figures, reverse=True) and figures[0] > 0.3
    assert version.validation.ndcg_at_10 >= 0.97 * best.ndcg_at_10
    assert 1 <= len(version.components) <= 8
    assert all(model.weight > 0 for model in version.components)
    names = {model.name for model in version.candidates}
    assert {model.name for model in version.components} <= names
    assert sum(model.weight for model in version.candidates) == 0


@pytest.mark.parametrize(
    "recipe",
    ["user-personalization", "personalized-ranking-v2", "similar-items", "sims",
     "popularity-count", "trending-now"],
)
def test_every_recipe_has_metrics(client, group, recipe):
    import_events(client, group)
    version = version_of(client, create(client, group, recipe))
    found = metrics_of(client, version.resource_name)
    assert found.solution_version == version.resource_name
    assert dict(found.metrics) == dict(version.metrics)
    assert set(found.metrics) == KEYS
    assert all(0 <= value <= 1 and math.isfinite(value) for value in found.metrics.values())
    if recipe in ("user-personalization", "similar-items"):
        # Everybody walks on along a ring of 20: what comes next can be known.
        assert found.metrics["mean_reciprocal_rank_at_25"] > 0.2


def test_an_updated_version_was_not_measured(client, group):
    import_events(client, group)
    solution = create(client, group)
    first = version_of(client, solution)
    mode = client.p.resources.TRAINING_MODE_UPDATE
    second = version_of(client, solution, training_mode=mode)
    assert not metrics_of(client, second.resource_name).metrics
    assert list(second.components) == list(first.components)


def test_there_are_none_before_a_version_is_active(client, group):
    solution = create(client, group)
    with pytest.raises(grpc.RpcError) as unknown:
        metrics_of(client, f"{solution.resource_name}/versions/none")
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND
    s = client.p.solutions
    made = client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution.resource_name)
    ).solution_version.resource_name
    client.wait_until_active(
        lambda: client.solutions.DescribeSolutionVersion(
            s.DescribeSolutionVersionRequest(solution_version=made)
        ).solution_version
    )
    # Nothing was there to measure.
    assert not metrics_of(client, made).metrics


def test_the_client_program_prints_them(client, group, shared_server):
    walk(client, group, 120)
    version = version_of(client, create(client, group)).resource_name
    server = shared_server.address
    lines = run("metrics", version, server=server).stdout.splitlines()
    assert [line.split()[1] for line in lines] == sorted(KEYS)
    text = run("describe", version, server=server).stdout
    assert "trained in" in text and "the best model alone: " in text
    assert "chosen" in text and "tried" in text
    run("metrics", version + "x", server=server, expect=1)


def test_the_client_program_trains_on_chosen_events(client, group, shared_server):
    import_events(client, group)
    out = run(
        "train", group, "--name", "few", "--event", "click=2", "--event", "buy", "--wait",
        server=shared_server.address,
    ).stdout
    s = client.p.solutions
    solution = client.solutions.DescribeSolution(
        s.DescribeSolutionRequest(solution=f"{group}/solutions/few")
    ).solution
    events = solution.solution_config.events_config.event_parameters_list
    assert [(e.event_type, e.event_value_threshold) for e in events] == [("click", 2), ("buy", 0)]
    assert "campaign" in out
    run("train", group, "--event", "click=much", server=shared_server.address, expect=2)
