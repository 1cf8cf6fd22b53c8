"""Deletions of many users: features.md C9, with what Amazon Personalize does not say."""

import json
import time
import uuid

import grpc
import pytest

from conftest import Client, bad_fields
from test_deletion import files_with
from test_jobs import Jobs, rows, starter
from test_single_records import interactions, put_users

STATUS = "RESOURCE_STATUS_"


@pytest.fixture
def jobs(protos, tmp_path):
    made = Jobs(protos, tmp_path)
    yield made
    made.server.stop()


def begin(jobs, group, path="", name="gone", **fields):
    request = jobs.p.CreateDataDeletionJobRequest(job_name=name, dataset_group=group, **fields)
    if path:
        request.data_source.data_location = path
    return jobs.client.jobs.CreateDataDeletionJob(request, timeout=10).data_deletion_job


def finish(jobs, job, status="COMPLETED"):
    for last in jobs.client.jobs.WatchJob(jobs.p.WatchJobRequest(job=job), timeout=60):
        pass
    request = jobs.p.DescribeDataDeletionJobRequest(data_deletion_job=job)
    found = jobs.client.jobs.DescribeDataDeletionJob(request, timeout=10).data_deletion_job
    assert jobs.status(found) == STATUS + status, (found.failure_reason, found.progress)
    assert last.status == found.status
    return found


def users_of(jobs, group):
    found = set()
    for n in range(50):
        if interactions(jobs.client, group, user_id=f"u{n}", page_size=1):
            found.add(f"u{n}")
    return found


def test_a_file_of_users_is_deleted_with_all_that_they_did(jobs):
    group, campaign = starter(jobs, "shop")
    jobs.run(f"{group}/datasets/interactions", jobs.write("events.csv", rows(1_000)), "FULL")
    jobs.client.put_event(group, "u1", "only-of-u1", 1_700_000_000)
    put_users(jobs.client, group, u1={"age": 7}, u2={"age": 8})
    gone = {f"u{n}" for n in range(1, 50, 2)}
    path = jobs.write("gone.csv", "WHY,USER_ID\n" + "".join(f"asked,{u}\n" for u in sorted(gone))
                      + "asked,nobody\nasked,\nasked,u1\nasked," + "x" * 257 + "\n")
    job = begin(jobs, group, path)
    assert job.resource_name == f"{group}/dataDeletionJobs/gone"
    assert jobs.status(job) == STATUS + "PENDING" and job.data_source.data_location == path
    done = finish(jobs, job.resource_name)
    assert done.num_deleted == done.progress.applied_count == 25
    assert done.progress.row_count == 29
    assert done.progress.duplicate_count == 2
    assert [(one.line, one.column) for one in done.progress.rejected_rows] == [
        (28, "USER_ID"), (30, "USER_ID")]
    assert users_of(jobs, group) == {f"u{n}" for n in range(0, 50, 2)}
    assert "only-of-u1" not in jobs.popular(campaign)
    with pytest.raises(grpc.RpcError) as error:
        jobs.client.records.GetUser(
            jobs.protos.records.GetUserRequest(dataset_group=group, user_id="u1"), timeout=10)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    listed = jobs.client.jobs.ListDataDeletionJobs(
        jobs.p.ListDataDeletionJobsRequest(dataset_group=group), timeout=10)
    assert [one.num_deleted for one in listed.data_deletion_jobs] == [25]


def test_users_that_the_call_names_leave_every_file_that_list_included(jobs):
    group, _ = starter(jobs, "shop")
    gone = [f'{uuid.uuid4().hex},"' for _ in range(300)]
    for n, user in enumerate(gone[:3]):
        jobs.client.put_event(group, user, f"i{n}", 1_700_000_000)
    job = begin(jobs, group, user_ids=gone, request_id="once")
    again = begin(jobs, group, user_ids=gone, request_id="once")
    assert again.resource_name == job.resource_name
    assert not job.HasField("data_source")
    done = finish(jobs, job.resource_name)
    assert (done.num_deleted, done.progress.duplicate_count) == (3, 297)
    deadline = time.monotonic() + 60
    while found := [name for user in gone for name in files_with(jobs.server.directory, user[:32])]:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert interactions(jobs.client, group, user_id=gone[0]) == []


def test_staged_records_of_a_deleted_user_do_not_appear(jobs):
    """A user is deleted while a FULL import that has brought its rows is under way."""
    group, _ = starter(jobs, "shop")
    lines = rows(200_000, user="u{1}")
    job = jobs.create(f"{group}/datasets/interactions", jobs.write("big.csv", lines), "FULL")
    while jobs.describe(job).progress.applied_count < 4_096:
        time.sleep(0.01)
    assert jobs.describe(job).progress.share < 1
    request = jobs.protos.records.DeleteUserRequest(dataset_group=group, user_id="u7")
    jobs.client.records.DeleteUser(request, timeout=20)
    jobs.finish(job)
    # What came behind the deletion is a new user's.
    left = interactions(jobs.client, group, user_id="u7", page_size=1_000)
    assert 0 < len(left) < 4_000
    assert min(one.event.sent_at.seconds for one in left) > 1_700_000_000 + 4_000


def test_a_deletion_goes_on_after_a_crash_where_it_was(jobs):
    group, _ = starter(jobs, "shop")
    jobs.run(f"{group}/datasets/interactions", jobs.write("events.csv", rows(1_000)))
    ids = [f"no-{n}" for n in range(30_000)] + [f"u{n}" for n in range(10)]
    path = jobs.write("gone.jsonl", "".join(json.dumps({"user_id": one}) + "\n" for one in ids))
    job = begin(jobs, group, path).resource_name
    request = jobs.p.DescribeDataDeletionJobRequest(data_deletion_job=job)
    while not jobs.client.jobs.DescribeDataDeletionJob(
            request, timeout=10).data_deletion_job.progress.row_count:
        time.sleep(0.002)
    jobs.server.kill()
    jobs.restart()
    done = finish(jobs, job)
    assert (done.progress.row_count, done.num_deleted) == (30_010, 10)
    assert users_of(jobs, group) == {f"u{n}" for n in range(10, 50)}
    jobs.server.kill()
    jobs.restart()
    assert users_of(jobs, group) == {f"u{n}" for n in range(10, 50)}
    assert finish(jobs, job).num_deleted == 10


def test_a_deletion_can_be_stopped(jobs):
    group, _ = starter(jobs, "shop")
    path = jobs.write("gone.csv", "USER_ID\n" + "".join(f"no-{n}\n" for n in range(400_000)))
    job = begin(jobs, group, path).resource_name
    request = jobs.p.CancelDataDeletionJobRequest(data_deletion_job=job)
    jobs.client.jobs.CancelDataDeletionJob(request, timeout=10)
    assert finish(jobs, job, "CREATE_STOPPED").progress.row_count < 400_000
    with pytest.raises(grpc.RpcError) as error:
        jobs.client.jobs.CancelDataDeletionJob(request, timeout=10)
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION


def test_a_file_without_the_column_fails_the_job(jobs):
    group, _ = starter(jobs, "shop")
    job = begin(jobs, group, jobs.write("bad.csv", "ITEM_ID\ni1\n")).resource_name
    assert "bad.csv needs the column USER_ID once" in finish(jobs, job, "FAILED").failure_reason


def test_what_a_deletion_can_not_be_is_refused(jobs):
    group, _ = starter(jobs, "shop")
    path = jobs.write("gone.csv", "USER_ID\nu1\n")
    cases = [
        (dict(), "data_source.data_location"),
        (dict(path="/etc/passwd"), "data_source.data_location"),
        (dict(path=path, user_ids=["a"]), "data_source"),
        (dict(user_ids=["a", ""]), "user_ids[1]"),
        (dict(user_ids=["x" * 257]), "user_ids[0]"),
        (dict(user_ids=["x"] * 10_001), "user_ids"),
        (dict(user_ids=["x"], name="a b"), "job_name"),
        (dict(path=path, csv_escape=9), "csv_escape"),
    ]
    for fields, field in cases:
        with pytest.raises(grpc.RpcError) as error:
            begin(jobs, group, **fields)
        assert [one.field for one in bad_fields(error.value)] == [field], fields
    with pytest.raises(grpc.RpcError) as error:
        begin(jobs, "datasetGroups/nowhere", user_ids=["a"])
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    assert not list((jobs.files.parent / "data").glob("uploads/*"))
