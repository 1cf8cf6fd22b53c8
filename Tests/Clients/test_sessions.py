"""A model of sessions: chosen by validation, live, explained, the same after a kill."""

import random

from conftest import Client, make_group
from test_exploration import campaign_of
from test_explain import check_sum, explain
from test_flow import START


def put_sessions(client, group, count):
    """Sessions whose end neither their first item nor their second tells, but both."""
    p = client.p.events
    chance = random.Random(4)
    records = []
    for session in range(count):
        first, second = chance.randrange(4), chance.randrange(4)
        items = [f"first-{first}", f"second-{second}", f"end-{(first + second) % 4}"]
        for step, item in enumerate(items):
            event = p.Event(event_type="view", item_id=item)
            event.sent_at.seconds = START + session * 60 + step
            records.append(
                p.Record(interaction=p.Interaction(user_id=f"visitor-{session}", event=event))
            )
    for start in range(0, len(records), 500):
        client.events.PutRecords(
            p.PutRecordsRequest(dataset_group=group, records=records[start : start + 500])
        )


def ends_after(client, campaign, visitor):
    return [
        item for item in client.list_of(campaign, visitor, 12) if item.startswith("end")
    ]


def test_what_two_items_say_together_is_learnt_and_kept(protos, durable_server):
    client = Client(protos, durable_server.channel)
    group = make_group(client, "shop")
    put_sessions(client, group, 2_000)
    campaign = campaign_of(client, group, weight=0)
    s = client.p.solutions
    version = client.solutions.ListSolutions(
        s.ListSolutionsRequest(dataset_group=group)
    ).solutions[0].latest_solution_version
    described = client.solutions.DescribeSolutionVersion(
        s.DescribeSolutionVersionRequest(solution_version=version)
    ).solution_version
    assert "sessions" in [model.name for model in described.components]
    right = {}
    for first in range(4):
        for second in range(4):
            visitor = f"new-{first}-{second}"
            client.put_event(group, visitor, f"first-{first}", START + 200_000)
            client.put_event(group, visitor, f"second-{second}", START + 200_001)
            right[visitor] = f"end-{(first + second) % 4}"
    assert all(ends_after(client, campaign, visitor)[0] == end for visitor, end in right.items())
    found = explain(client, campaign, "new-1-2", "end-3")
    assert {c.name: c.score for c in found.components}["sessions alike"] > 0
    assert {c.item_id for c in found.contributions} >= {"first-1", "second-2"}
    check_sum(found)
    # Live: from now on this pair ends otherwise.
    for n in range(150):
        for step, item in enumerate(["first-1", "second-2", "end-0"]):
            client.put_event(group, f"later-{n}", item, START + 300_000 + n * 10 + step)
    assert ends_after(client, campaign, "new-1-2")[0] == "end-0"
    # It forgets who is deleted.
    r = client.p.records
    client.records.DeleteUser(r.DeleteUserRequest(dataset_group=group, user_id="later-149"))
    before = {visitor: client.list_of(campaign, visitor, 12) for visitor in right}
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    assert {visitor: client.list_of(campaign, visitor, 12) for visitor in right} == before
