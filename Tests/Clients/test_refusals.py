"""Every refusal says what was found, where, and what is allowed."""

import grpc
import pytest
from conftest import SCHEMAS, bad_fields
from google.rpc import error_details_pb2
from grpc_status import rpc_status

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
IN_USE = grpc.StatusCode.FAILED_PRECONDITION


def refused(call, request):
    """The code, the paths of the bad fields, and the reason of a refused call."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=10)
    status = rpc_status.from_call(caught.value)
    assert status is not None, caught.value
    violations = bad_fields(caught.value)
    assert all(violation.description for violation in violations)
    fields = [violation.field for violation in violations]
    reason = None
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            assert info.domain == "bowerbird"
            reason = info.reason
    return caught.value.code(), fields, reason


def event(client, **fields):
    made = client.p.events.Event(**{"event_type": "view", "item_id": "i", **fields})
    made.sent_at.seconds = 1_700_000_000
    return made


def put(client, group, events, **fields):
    return client.p.events.PutEventsRequest(
        **{"dataset_group": group, "session_id": "s", "user_id": "u", "event_list": events, **fields}
    )


def test_put_events_names_each_bad_field(client, group):
    long = "x" * 257
    cases = [
        (put(client, group, [event(client)], session_id=""), ["session_id"]),
        (put(client, group, [event(client)], user_id=long), ["user_id"]),
        (put(client, group, []), ["event_list"]),
        (put(client, group, [event(client, event_type="")]), ["event_list[0].event_type"]),
        (put(client, group, [event(client), event(client, item_id=long)]), ["event_list[1].item_id"]),
        (put(client, group, [event(client, event_id=long)]), ["event_list[0].event_id"]),
        (put(client, group, [event(client, properties="{")]), ["event_list[0].properties"]),
        (put(client, group, [event(client, properties='{"userId":"u"}')]),
         ["event_list[0].properties.userId"]),
        (put(client, group, [event(client, properties='{"nope":1}')]),
         ["event_list[0].properties.nope"]),
        (put(client, group, [event(client, impression=["i"] * 26)]), ["event_list[0].impression"]),
        (put(client, group, [event(client, recommendation_id="r" * 41)]),
         ["event_list[0].recommendation_id"]),
        (put(client, group, [client.p.events.Event(event_type="view")]), ["event_list[0].sent_at"]),
        (put(client, "shop", [event(client)]), ["dataset_group"]),
        (put(client, "", [event(client)]), ["tracking_id"]),
        (put(client, group, [event(client, item_id="a\0b")]), ["event_list[0].item_id"]),
    ]
    for request, fields in cases:
        assert refused(client.events.PutEvents, request) == (INVALID, fields, "INVALID_INPUT")
    unknown = put(client, "", [event(client)], tracking_id="nobody's")
    assert refused(client.events.PutEvents, unknown)[::2] == (NOT_FOUND, "RESOURCE_NOT_FOUND")
    unknown = put(client, "datasetGroups/none", [event(client)])
    assert refused(client.events.PutEvents, unknown)[::2] == (NOT_FOUND, "RESOURCE_NOT_FOUND")


def test_a_refused_call_applies_nothing(client, group):
    good = event(client, item_id="never-stored")
    bad = event(client, item_id="x" * 300)
    refused(client.events.PutEvents, put(client, group, [good, bad]))
    answer = client.events.PutEvents(put(client, group, [good]))
    assert (answer.applied_count, answer.duplicate_count) == (1, 0)


def test_an_event_id_with_another_body_is_refused(client, group):
    client.events.PutEvents(put(client, group, [event(client, event_id="e")]))
    again = client.events.PutEvents(put(client, group, [event(client, event_id="e")]))
    assert again.duplicate_count == 1 and list(again.event_ids) == ["e"]
    other = put(client, group, [event(client, event_id="e", item_id="other")])
    assert refused(client.events.PutEvents, other) == (
        EXISTS, ["event_list[0].event_id"], "RESOURCE_ALREADY_EXISTS"
    )


def test_users_and_items_are_held_to_their_schema(client, group):
    e = client.p.events
    cases = [
        (client.events.PutUsers, e.PutUsersRequest(dataset_group=group), ["users"]),
        (client.events.PutUsers,
         e.PutUsersRequest(dataset_group=group, users=[e.User(user_id="")]), ["users[0].user_id"]),
        (client.events.PutUsers,
         e.PutUsersRequest(dataset_group=group, users=[e.User(user_id="u", properties='{"age":"old"}')]),
         ["users[0].properties.age"]),
        (client.events.PutItems,
         e.PutItemsRequest(dataset_group=group, items=[e.Item(item_id="i", properties='{"price":"x"}')]),
         ["items[0].properties.price"]),
        (client.events.PutItems,
         e.PutItemsRequest(dataset=f"{group}/datasets/users", items=[e.Item(item_id="i")]), ["dataset"]),
        (client.events.PutItems,
         e.PutItemsRequest(dataset_group=group, items=[
             e.Item(item_id="i", properties='{"genres":"' + "g" * 1_001 + '"}')]),
         ["items[0].properties.genres"]),
    ]
    for call, request, fields in cases:
        assert refused(call, request) == (INVALID, fields, "INVALID_INPUT")


@pytest.mark.parametrize("name", ["", "-a", "a b", "x" * 64, "ä"])
def test_a_name_of_another_form_is_refused(client, name):
    d = client.p.datasets
    request = d.CreateDatasetGroupRequest(name=name)
    assert refused(client.datasets.CreateDatasetGroup, request) == (INVALID, ["name"], "INVALID_INPUT")


def test_the_control_plane_keeps_its_order(client, group):
    d, s, c = client.p.datasets, client.p.solutions, client.p.campaigns
    label = group.split("/")[1]
    assert refused(
        client.datasets.CreateDatasetGroup, d.CreateDatasetGroupRequest(name=label)
    )[0] == EXISTS
    assert refused(
        client.datasets.CreateEventTracker,
        d.CreateEventTrackerRequest(name="second", dataset_group=group),
    )[0] == EXISTS
    empty = client.datasets.CreateDatasetGroup(
        d.CreateDatasetGroupRequest(name=f"{label}-2")
    ).dataset_group.resource_name
    assert refused(
        client.datasets.CreateDataset,
        d.CreateDatasetRequest(
            name="x", dataset_group=empty, schema=f"schemas/{label}-items", dataset_type=3),
    )[:2] == (INVALID, ["schema"])
    assert refused(
        client.datasets.DeleteDatasetGroup, d.DeleteDatasetGroupRequest(dataset_group=group)
    )[0] == IN_USE
    assert refused(
        client.datasets.DeleteSchema, d.DeleteSchemaRequest(schema=f"schemas/{label}-items")
    )[0] == IN_USE
    assert refused(
        client.solutions.CreateSolution,
        s.CreateSolutionRequest(name="s", dataset_group=group, recipe="recipes/none"),
    )[0] == NOT_FOUND
    solution = client.solutions.CreateSolution(
        s.CreateSolutionRequest(name="s", dataset_group=group, recipe="recipes/popularity-count")
    ).solution.resource_name
    assert refused(
        client.campaigns.CreateCampaign,
        c.CreateCampaignRequest(name="c", solution_version=f"{solution}/versions/$LATEST"),
    )[0] == IN_USE
    assert refused(
        client.campaigns.DescribeCampaign,
        c.DescribeCampaignRequest(campaign=f"{group}/campaigns/none"),
    )[0] == NOT_FOUND
    assert refused(
        client.solutions.DeleteSolution,
        s.DeleteSolutionRequest(solution=solution, etag="zzz"),
    )[0] == grpc.StatusCode.ABORTED
    client.solutions.DeleteSolution(s.DeleteSolutionRequest(solution=solution))
    # In the right order everything can go.
    client.datasets.DeleteEventTracker(
        d.DeleteEventTrackerRequest(event_tracker=f"{group}/eventTrackers/tracker"))
    for kind in SCHEMAS:
        client.datasets.DeleteDataset(d.DeleteDatasetRequest(dataset=f"{group}/datasets/{kind}"))
    client.datasets.DeleteDatasetGroup(d.DeleteDatasetGroupRequest(dataset_group=group))
    for kind in SCHEMAS:
        client.datasets.DeleteSchema(d.DeleteSchemaRequest(schema=f"schemas/{label}-{kind}"))


def test_lists_go_page_by_page(client, group):
    d = client.p.datasets
    first = client.datasets.ListDatasets(d.ListDatasetsRequest(dataset_group=group, page_size=2))
    assert [x.dataset_type for x in first.datasets] == [1, 2] and first.next_page_token
    second = client.datasets.ListDatasets(
        d.ListDatasetsRequest(dataset_group=group, page_size=2, page_token=first.next_page_token)
    )
    assert [x.dataset_type for x in second.datasets] == [3] and not second.next_page_token
    for request, field in [
        (d.ListDatasetsRequest(page_token=first.next_page_token), "page_token"),
        (d.ListDatasetsRequest(page_token="altered"), "page_token"),
        (d.ListDatasetsRequest(page_size=1_001), "page_size"),
    ]:
        assert refused(client.datasets.ListDatasets, request)[:2] == (INVALID, [field])


def test_a_question_that_can_not_be_is_refused(client, group):
    r = client.p.recommendations
    campaign = f"{group}/campaigns/none"
    ask = client.recommendations.GetRecommendations
    assert refused(ask, r.GetRecommendationsRequest(campaign=campaign, user_id="u"))[0] == NOT_FOUND
    for request, field in [
        (r.GetRecommendationsRequest(user_id="u"), "campaign"),
        (r.GetRecommendationsRequest(campaign="c", user_id="u"), "campaign"),
        (r.GetRecommendationsRequest(campaign=campaign, user_id="u", num_results=0), "num_results"),
        (r.GetRecommendationsRequest(campaign=campaign, user_id="u", num_results=501), "num_results"),
    ]:
        assert refused(ask, request)[:2] == (INVALID, [field])
