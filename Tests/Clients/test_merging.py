"""Two users who are one: `MergeUsers`."""

import grpc
import pytest

from conftest import Client, bad_fields
from test_jobs import Jobs, starter
from test_deletion import delete_user, ranked
from test_single_records import get_user, interactions, make_shop, put_items, put_users, refused

START = 1_600_000_000


def merge(client, group, user, merged):
    request = client.p.records.MergeUsersRequest(
        dataset_group=group, user_id=user, merged_user_id=merged)
    return client.records.MergeUsers(request, timeout=20)


def put(client, group, user, item, second, **fields):
    """An event with a session of its own choice and an id of the server's."""
    event = client.p.events.Event(event_type="click", item_id=item)
    event.sent_at.FromSeconds(START + second)
    request = client.p.events.PutEventsRequest(
        dataset_group=group, user_id=user, event_list=[event],
        **{"session_id": f"s-{user}", **fields})
    return client.events.PutEvents(request, timeout=10)


def items(client, group, **whom):
    return [one.event.item_id for one in interactions(client, group, **whom)]


def fill(client, shop):
    for n in range(24):
        client.put_event(shop, f"u{n % 6}", f"i{n * n % 8}", START + n)


def test_a_merged_user_is_the_one_who_stays_at_the_next_read(client):
    merged, one = make_shop(client), make_shop(client)
    for shop in (merged, one):
        fill(client, shop)
        put(client, shop, "phone" if shop == merged else "ann", "a", 30, session_id="s1")
        put(client, shop, "ann", "b", 31, session_id="s2")
        put(client, shop, "phone" if shop == merged else "ann", "c", 32, session_id="s1")
    put_users(client, merged, phone={"age": 7, "color": "red"}, ann={"age": 9})
    answer = merge(client, merged, "ann", "phone")
    assert answer.moved_count == 2
    for user in ("ann", "phone", "u1", "new"):
        expected = "ann" if user == "phone" else user
        assert ranked(client, merged, user) == ranked(client, one, expected)
    assert items(client, merged, user_id="ann") == ["c", "b", "a"]
    assert items(client, merged, user_id="phone") == ["c", "b", "a"]
    assert items(client, merged, session_id="s1") == ["c", "a"]
    for user in ("ann", "phone"):
        assert get_user(client, merged, user) == {"age": 9, "color": "red"}
        request = client.p.records.GetUserRequest(dataset_group=merged, user_id=user)
        assert client.records.GetUser(request, timeout=10).user.user_id == "ann"
    listed = client.records.ListUsers(
        client.p.records.ListUsersRequest(dataset_group=merged), timeout=10)
    assert [user.user_id for user in listed.users] == ["ann"]
    assert {event.user_id for event in interactions(client, merged, item_id="a")} == {"ann"}


def test_late_events_and_records_of_a_merged_user_are_the_others(client):
    shop = make_shop(client)
    put(client, shop, "phone", "a", 1)
    put(client, shop, "", "b", 2, session_id="anonymous")
    merge(client, shop, "ann", "phone")
    put(client, shop, "phone", "c", 3)
    # Sessions that the merged user had joined go on with the other one, also new ones.
    put(client, shop, "", "d", 4, session_id="s-phone")
    put(client, shop, "phone", "e", 5, session_id="anonymous")
    assert items(client, shop, user_id="ann") == list("edcba")
    put_users(client, shop, phone={"age": 3})
    assert get_user(client, shop, "ann") == {"age": 3}
    update = client.p.records.UpdateUserRequest(
        dataset_group=shop,
        user=client.p.events.User(user_id="phone", properties='{"age": 4}'))
    client.records.UpdateUser(update, timeout=10)
    assert get_user(client, shop, "ann") == {"age": 4}


def test_event_ids_that_were_told_before_a_merge_name_their_events_after_it(client):
    shop = make_shop(client)
    told = put(client, shop, "phone", "a", 1).event_ids[0]
    joined = put(client, shop, "", "b", 2, session_id="s-phone-2").event_ids[0]
    put(client, shop, "phone", "c", 3, session_id="s-phone-2")
    merge(client, shop, "tablet", "phone")
    merge(client, shop, "ann", "tablet")
    again = put(client, shop, "phone", "a", 1)
    assert (again.applied_count, again.duplicate_count) == (0, 1)
    assert list(again.event_ids) == [told]
    listed = {one.event.item_id: one.event.event_id
              for one in interactions(client, shop, user_id="ann")}
    assert listed["a"] == told and listed["b"] == joined
    for event_id in (told, joined):
        client.records.DeleteInteraction(
            client.p.records.DeleteInteractionRequest(dataset_group=shop, event_id=event_id),
            timeout=10)
    assert items(client, shop, user_id="ann") == ["c"]


def test_event_ids_are_found_behind_many_merges(client):
    shop = make_shop(client)
    told = put(client, shop, "u0", "a", 1).event_ids[0]
    joined = put(client, shop, "", "b", 2, session_id="s").event_ids[0]
    put(client, shop, "u0", "c", 3, session_id="s")
    for n in range(20):
        merge(client, shop, f"u{n + 1}", f"u{n}")
    assert items(client, shop, user_id="u0") == ["c", "b", "a"]
    for event_id in (told, joined):
        client.records.DeleteInteraction(
            client.p.records.DeleteInteractionRequest(dataset_group=shop, event_id=event_id),
            timeout=10)
    assert items(client, shop, user_id="u0") == ["c"]


def test_the_same_merge_again_does_nothing(client):
    shop = make_shop(client)
    put(client, shop, "phone", "a", 1)
    assert merge(client, shop, "ann", "phone").moved_count == 1
    put(client, shop, "phone", "b", 2)
    assert merge(client, shop, "ann", "phone").moved_count == 0
    assert merge(client, shop, "phone", "ann").moved_count == 0
    assert items(client, shop, user_id="ann") == ["b", "a"]


def test_what_can_not_be_merged_is_refused(client):
    shop = make_shop(client)
    put(client, shop, "phone", "a", 1)
    p = client.p.records
    for user, merged, field in [("", "phone", "user_id"), ("ann", "", "merged_user_id"),
                                ("ann", "ann", "merged_user_id"),
                                ("x" * 257, "phone", "user_id")]:
        request = p.MergeUsersRequest(dataset_group=shop, user_id=user, merged_user_id=merged)
        error = refused(client.records.MergeUsers, request)
        assert [one.field for one in bad_fields(error)] == [field]
    request = p.MergeUsersRequest(dataset_group=shop, user_id="ann", merged_user_id="nobody")
    assert refused(client.records.MergeUsers, request).code() == grpc.StatusCode.NOT_FOUND
    merge(client, shop, "ann", "phone")
    request = p.MergeUsersRequest(dataset_group=shop, user_id="bob", merged_user_id="phone")
    assert refused(
        client.records.MergeUsers, request).code() == grpc.StatusCode.FAILED_PRECONDITION
    assert items(client, shop, user_id="bob") == []


def test_deleting_either_of_merged_users_deletes_both(client):
    for named in ("ann", "phone"):
        shop = make_shop(client)
        fill(client, shop)
        before = ranked(client, shop, "u1")
        put(client, shop, "phone", "a", 30)
        put(client, shop, "ann", "b", 31)
        merge(client, shop, "ann", "phone")
        delete_user(client, shop, named)
        for user in ("ann", "phone"):
            assert items(client, shop, user_id=user) == []
            with pytest.raises(grpc.RpcError) as error:
                delete_user(client, shop, user)
            assert error.value.code() == grpc.StatusCode.NOT_FOUND
        assert ranked(client, shop, "u1") == before
        # Who comes after is somebody else.
        put(client, shop, "phone", "c", 40)
        assert items(client, shop, user_id="ann") == []


def test_a_merge_survives_a_crash_and_filters_know_it(protos, durable_server):
    client = Client(protos, durable_server.channel)
    shop = make_shop(client)
    fill(client, shop)
    put_items(client, shop, a={}, b={}, c={})
    put(client, shop, "phone", "a", 30)
    put(client, shop, "ann", "b", 31)
    put_users(client, shop, phone={"age": 7})
    merge(client, shop, "ann", "phone")
    put(client, shop, "phone", "c", 32)

    def seen(client):
        unseen = client.recommend(
            f"{shop}/campaigns/default", "phone", count=100, seed=1,
            filter_expression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')
        return (
            [ranked(client, shop, user) for user in ("ann", "phone", "u1")],
            items(client, shop, user_id="phone"),
            get_user(client, shop, "phone"),
            sorted(one.item_id for one in unseen.item_list),
        )

    before = seen(client)
    assert before[1:3] == (["c", "b", "a"], {"age": 7})
    assert not {"a", "b", "c"} & set(before[3])
    for _ in range(2):
        durable_server.kill()
        client = Client(protos, durable_server.start().channel)
        assert seen(client) == before


@pytest.fixture
def jobs(protos, tmp_path):
    made = Jobs(protos, tmp_path)
    yield made
    made.server.stop()


def events(*rows):
    return "USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(
        f"{user},{item},{START + second}\n" for user, item, second in rows)


def test_bulk_records_of_a_merged_user_are_the_others_until_a_full_import(jobs):
    group, _ = starter(jobs, "shop")
    client, dataset = jobs.client, f"{group}/datasets/interactions"
    jobs.run(dataset, jobs.write("1.csv", events(("phone", "a", 1), ("ann", "b", 2))), "FULL")
    jobs.run(f"{group}/datasets/users",
             jobs.write("u.csv", "USER_ID,AGE\nphone,7\nbob,8\n"), "FULL")
    put(client, group, "phone", "p", 3)
    merge(client, group, "ann", "phone")
    assert items(client, group, user_id="ann") == ["p", "b", "a"]
    jobs.run(dataset, jobs.write("2.csv", events(("phone", "c", 4))))
    jobs.run(f"{group}/datasets/users", jobs.write("v.csv", "USER_ID,AGE\nphone,9\n"))
    assert items(client, group, user_id="ann") == ["c", "p", "b", "a"]
    listed = client.records.ListUsers(
        client.p.records.ListUsersRequest(dataset_group=group), timeout=10)
    assert {one.user_id for one in listed.users} == {"ann", "bob"}
    assert get_user(client, group, "ann") == {"age": 9}
    jobs.run(dataset, jobs.write("3.csv", events(("phone", "d", 5), ("bob", "e", 6))), "FULL")
    for _ in range(2):
        assert items(jobs.client, group, user_id="ann") == ["d", "p"]
        jobs.server.kill()
        jobs.restart()


def test_a_merge_during_a_full_import_takes_what_is_staged_along(jobs):
    group, _ = starter(jobs, "shop")
    lines = "USER_ID,ITEM_ID,TIMESTAMP\nphone,staged,1600000000\n" + "".join(
        f"u{n % 999},i{n % 99},{START + n}\n" for n in range(100_000))
    job = jobs.create(f"{group}/datasets/interactions", jobs.write("big.csv", lines), "FULL")
    while jobs.describe(job).progress.applied_count < 4_096:
        pass
    assert jobs.describe(job).progress.share < 1
    put(jobs.client, group, "ann", "own", 1)
    merge(jobs.client, group, "ann", "phone")
    assert items(jobs.client, group, user_id="ann") == ["own"]
    jobs.finish(job)
    for _ in range(2):
        assert items(jobs.client, group, user_id="phone") == ["own", "staged"]
        jobs.server.kill()
        jobs.restart()


def test_bulk_events_in_a_joined_history_go_with_the_next_full_import_after_a_restart(jobs):
    """An artifact that is older than the join has it told again; the events stay bulk ones."""
    group, campaign = starter(jobs, "shop")
    client, dataset = jobs.client, f"{group}/datasets/interactions"
    for n in range(150):
        client.put_event(group, f"u{n % 9}", f"i{n % 7}", START + n)
    solution = f"{group}/solutions/default"
    version = client.solutions.CreateSolutionVersion(
        client.p.solutions.CreateSolutionVersionRequest(solution=solution), timeout=10
    ).solution_version.resource_name
    client.wait_until_active(
        lambda: client.solutions.DescribeSolutionVersion(
            client.p.solutions.DescribeSolutionVersionRequest(solution_version=version)
        ).solution_version)
    jobs.run(dataset, jobs.write("1.csv", events(("ann", "bulk", 1), ("ann", "bulk2", 2))))
    put(client, group, "", "a", 3, session_id="s")
    put(client, group, "ann", "b", 4, session_id="s")
    assert items(client, group, user_id="ann") == ["b", "a", "bulk2", "bulk"]
    before = ranked(client, group, "ann")
    jobs.server.kill()
    jobs.restart()
    client = jobs.client
    assert items(client, group, user_id="ann") == ["b", "a", "bulk2", "bulk"]
    assert ranked(client, group, "ann") == before
    jobs.run(dataset, jobs.write("2.csv", events(("ann", "new", 1))), "FULL")
    assert items(client, group, user_id="ann") == ["b", "a", "new"]
    left = dict(ranked(client, group, "ann"))
    assert "new" in left and "bulk" not in left and "bulk2" not in left
    jobs.server.kill()
    jobs.restart()
    assert items(jobs.client, group, user_id="ann") == ["b", "a", "new"]
    assert dict(ranked(jobs.client, group, "ann")) == left
