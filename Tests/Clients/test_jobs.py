"""Imports of files, as a client asks for them: every row of features.md C1 to C7."""

import gzip
import json
import os
import subprocess
import time

import grpc
import pytest

from conftest import Client, Server, bad_fields, make_group

OVER = {"RESOURCE_STATUS_ACTIVE", "RESOURCE_STATUS_CREATE_FAILED",
        "RESOURCE_STATUS_CREATE_STOPPED"}


class Jobs:
    """A server that may read a folder, with a client and a group."""

    def __init__(self, protos, tmp_path, ephemeral=False, flags=()):
        self.protos = protos
        self.files = tmp_path / "files"
        self.files.mkdir()
        self.out = tmp_path / "out"
        self.out.mkdir()
        self.server = Server(None if ephemeral else tmp_path / "data",
                             "--import-root", str(self.files), "--export-root", str(self.out), *flags)
        self.restart()
        self.count = 0

    def restart(self):
        self.server.start()
        self.client = Client(self.protos, self.server.channel)
        self.p = self.protos.jobs

    def group(self, name):
        return make_group(self.client, name)

    def write(self, name, text):
        path = self.files / name
        path.parent.mkdir(exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(data)
        return str(path)

    def create(self, dataset, path, mode="INCREMENTAL", **fields):
        self.count += 1
        request = self.p.CreateDatasetImportJobRequest(
            job_name=f"job-{self.count}", dataset=dataset,
            data_source=self.p.DataSource(data_location=path),
            import_mode=getattr(self.p, f"IMPORT_MODE_{mode}"), **fields)
        answer = self.client.jobs.CreateDatasetImportJob(request, timeout=10)
        return answer.dataset_import_job.resource_name

    def describe(self, job):
        request = self.p.DescribeDatasetImportJobRequest(dataset_import_job=job)
        return self.client.jobs.DescribeDatasetImportJob(request, timeout=10).dataset_import_job

    def status(self, job):
        return self.protos.resources.ResourceStatus.Name(job.status)

    def finish(self, job, status="RESOURCE_STATUS_ACTIVE"):
        """The job, once it is over, as `WatchJob` says."""
        last = None
        for last in self.client.jobs.WatchJob(self.p.WatchJobRequest(job=job), timeout=60):
            pass
        found = self.describe(job)
        assert self.status(found) == status, (found.failure_reason, found.progress)
        assert last.status == found.status
        assert last.progress.row_count == found.progress.row_count
        return found

    def run(self, dataset, path, mode="INCREMENTAL", status="RESOURCE_STATUS_ACTIVE", **fields):
        return self.finish(self.create(dataset, path, mode, **fields), status)

    def popular(self, campaign, count=100):
        return self.client.list_of(campaign, "nobody", count)


@pytest.fixture
def jobs(protos, tmp_path):
    made = Jobs(protos, tmp_path)
    yield made
    made.server.stop()


def starter(jobs, name):
    request = jobs.protos.datasets.CreateDatasetGroupRequest(name=name, starter=True)
    answer = jobs.client.datasets.CreateDatasetGroup(request, timeout=10)
    return answer.dataset_group.resource_name, answer.campaign


def rows(count, item="i{0}", user="u{1}"):
    lines = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE"]
    for n in range(count):
        lines.append(f"{user.format(n, n % 50)},{item.format(n % 20, n)},{1_700_000_000 + n},"
                     f"click,{n % 5},")
    return "\n".join(lines) + "\n"


def test_a_file_is_imported_and_its_rows_are_seen(jobs):
    group, campaign = starter(jobs, "shop")
    path = jobs.write("events.csv", rows(2_000))
    done = jobs.run(f"{group}/datasets/interactions", path)
    assert done.progress.row_count == done.progress.applied_count == 2_000
    assert done.progress.rejected_count == 0
    assert done.progress.share == 1
    assert sorted(jobs.popular(campaign)) == sorted(f"i{n}" for n in range(20))


def test_a_folder_is_read_in_order_of_names_packed_or_not(jobs):
    group = jobs.group("folder")
    jobs.write("in/1.csv", rows(10))
    jobs.write("in/2.csv.gz", gzip.compress(rows(10, user="v{1}").encode()))
    jobs.write("in/3.jsonl", '{"USER_ID": "w", "ITEM_ID": "x", "TIMESTAMP": 1700000000, '
                             '"EVENT_TYPE": "click"}\n')
    jobs.write("in/4.csv", rows(3, user="x{1}") + "u1,i1,soon,click,,\n")
    done = jobs.run(f"{group}/datasets/interactions", str(jobs.files / "in"))
    assert done.progress.row_count == 25
    assert done.progress.applied_count == 24
    (bad,) = done.progress.rejected_rows
    assert (bad.file, bad.line, bad.column) == ("4.csv", 5, "TIMESTAMP")
    assert "'soon'" in bad.reason


def test_full_takes_the_place_of_bulk_records_and_leaves_single_ones(jobs):
    group, campaign = starter(jobs, "full")
    dataset = f"{group}/datasets/interactions"
    jobs.client.put_event(group, "me", "single", 1_700_000_000)
    jobs.run(dataset, jobs.write("old.csv", rows(200, item="old{0}")), "FULL")
    assert set(jobs.popular(campaign)) == {"single"} | {f"old{n}" for n in range(20)}
    jobs.run(dataset, jobs.write("new.csv", rows(200, item="new{0}")), "FULL")
    assert set(jobs.popular(campaign)) == {"single"} | {f"new{n}" for n in range(20)}
    jobs.server.kill()
    jobs.restart()
    assert set(jobs.popular(campaign)) == {"single"} | {f"new{n}" for n in range(20)}


def test_models_count_what_a_full_import_left(jobs):
    group, campaign = starter(jobs, "models")
    dataset = f"{group}/datasets/interactions"
    head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"

    def popular_file(name, often):
        lines = [f"u{n},{often},{1_700_000_000 + n},click\n" for n in range(300)]
        other = "b" if often == "a" else "a"
        return jobs.write(name, head + "".join(lines) + f"v,{other},1700000000,click\n")

    jobs.run(dataset, popular_file("a.csv", "a"), "FULL")
    assert jobs.popular(campaign) == ["a", "b"]
    jobs.run(dataset, popular_file("b.csv", "b"), "FULL")
    assert jobs.popular(campaign) == ["b", "a"]
    jobs.server.kill()
    jobs.restart()
    assert jobs.popular(campaign) == ["b", "a"]


def test_full_items_go_when_the_next_file_has_them_not(jobs):
    group, campaign = starter(jobs, "items")
    dataset = f"{group}/datasets/items"
    item = jobs.protos.events.Item(item_id="single", properties='{"genres": "put"}')
    request = jobs.protos.events.PutItemsRequest(dataset_group=group, items=[item])
    jobs.client.events.PutItems(request, timeout=10)
    jobs.run(dataset, jobs.write("a.csv", "ITEM_ID,GENRES,PRICE\na,jazz|soul,1.5\nb,,\n"), "FULL")
    assert set(jobs.popular(campaign)) == {"single", "a", "b"}
    jobs.run(dataset, jobs.write("b.csv", "ITEM_ID,GENRES,PRICE\nb,pop,2\nc,,\n"), "FULL")
    assert set(jobs.popular(campaign)) == {"single", "b", "c"}


def test_users_and_items_are_replaced_by_incremental_ones(jobs):
    group = jobs.group("users")
    dataset = f"{group}/datasets/users"
    done = jobs.run(dataset, jobs.write("u.csv", "USER_ID,AGE\nu1,30\nu1,31\nu2,\n"))
    assert done.progress.applied_count == 3
    done = jobs.run(dataset, jobs.write("bad.csv", "USER_ID,AGE\nu1,old\n,3\n"))
    assert [(row.line, row.column) for row in done.progress.rejected_rows] == [
        (2, "AGE"), (3, "USER_ID")]


def test_quotes_are_read_in_both_ways(jobs):
    group = jobs.group("quotes")
    dataset = f"{group}/datasets/items"
    doubled = 'ITEM_ID,GENRES\n"a ""b""",x\n'
    assert jobs.run(dataset, jobs.write("d.csv", doubled)).progress.applied_count == 1
    backslash = 'ITEM_ID,GENRES\n"a \\"b\\"",x\n'
    done = jobs.run(dataset, jobs.write("p.csv", backslash),
                    csv_escape=jobs.p.CSV_ESCAPE_BACKSLASH)
    assert done.progress.applied_count == 1
    refused = jobs.run(dataset, jobs.write("p2.csv", backslash))
    assert "a backslash before a quote" in refused.progress.rejected_rows[0].reason


def test_missing_and_unknown_columns_are_named(jobs):
    group = jobs.group("columns")
    dataset = f"{group}/datasets/interactions"
    failed = "RESOURCE_STATUS_CREATE_FAILED"
    done = jobs.run(dataset, jobs.write("m.csv", "USER_ID,EVENT_TYPE\nu,click\n"), status=failed)
    assert "missing the following columns:[ITEM_ID, TIMESTAMP]" in done.failure_reason
    done = jobs.run(dataset, jobs.write("x.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,COLOR\n"
                                                "u,i,1,click,red\n"), status=failed)
    assert "'COLOR' is not in the schema" in done.failure_reason
    done = jobs.run(dataset, jobs.write("e.csv", ""), status=failed)
    assert "a header is needed" in done.failure_reason


def test_a_header_that_can_not_be_read_says_why(jobs):
    group = jobs.group("header")
    for name, data, reason in [
        ("q.csv", b'"USER_ID,AGE\nu,3\n', "line 1, byte 1: a quote is opened and never closed"),
        ("w.csv", "USER_ID,AGE\nu,3\n".encode("utf-16"), "line 1, byte 4: a NUL byte"),
        ("l.csv", b"USER_ID,\xe4\nu,3\n", "line 1, byte 1: the line is no UTF-8 text"),
    ]:
        done = jobs.run(f"{group}/datasets/users", jobs.write(name, data),
                        status="RESOURCE_STATUS_CREATE_FAILED")
        assert done.failure_reason == f"{name}: the header can't be read: {reason}"


def test_a_json_document_with_another_key_is_refused_alone(jobs):
    group = jobs.group("keys")
    lines = [
        {"USER_ID": "a", "AGE": 1}, {"userId": "b", "age": 2}, {"USER_ID": "c", "COLOR": "red"},
        {"USER_ID": "d", "userId": "e"}, {"USER_ID": "f", "COLOR": None}, {"user_id": "g", "A B": 1},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = jobs.run(f"{group}/datasets/users", jobs.write("u.jsonl", text))
    assert done.progress.applied_count == 3
    assert [(row.line, row.column) for row in done.progress.rejected_rows] == [
        (3, "COLOR"), (4, "userId"), (6, "A B")]
    assert "is not in the schema, which has USER_ID, AGE" in done.progress.rejected_rows[0].reason
    # An open schema grows what can be a column.
    shop, _ = starter(jobs, "keys-open")
    done = jobs.run(f"{shop}/datasets/users", jobs.write("o.jsonl", text))
    assert done.progress.applied_count == 4
    assert [(row.line, row.column) for row in done.progress.rejected_rows] == [
        (4, "userId"), (6, "A B")]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_dry_run_says_what_an_open_schema_would_take(jobs, form):
    group, _ = starter(jobs, f"dry-{form}")
    dataset = f"{group}/datasets/items"
    if form == "csv":
        text = "ITEM_ID,PRICE,KIND\na,1,x\nb,2,y\n" + "".join(f"i{n},{n},z\n" for n in range(9_000)) + "c,d,e\n"
    else:
        text = "".join(json.dumps({"ITEM_ID": f"i{n}", "PRICE": n}) + "\n" for n in range(9_000))
        text += '{"ITEM_ID": "a", "PRICE": "much", "KIND": "x"}\n{"ITEM_ID": "b", "KIND": "y"}\n'
    path = jobs.write(f"items.{form}", text)
    dry = jobs.run(dataset, path, dry_run=True).progress
    assert jobs.run(dataset, path, dry_run=True).progress.rejected_rows == dry.rejected_rows
    done = jobs.run(dataset, path).progress
    assert (dry.row_count, dry.applied_count) == (done.row_count, done.applied_count)
    assert dry.rejected_rows == done.rejected_rows and len(done.rejected_rows) == 1


def test_bad_rows_are_listed_and_too_many_fail_the_job(jobs):
    group = jobs.group("rows")
    dataset = f"{group}/datasets/interactions"
    header = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\n"
    text = header + "".join([
        "u,i,1700000000000,click,,\n",
        f"u,{'x' * 257},1700000000,click,,\n",
        f"u,i,1700000000,click,,{'d' * 1001}\n",
        "u,i,1700000000,click,much,\n",
        "u,i,1700000000\n",
        "u,i,1700000000.125,click,2.5,phone\n",
    ])
    path = jobs.write("bad.csv", text)
    dry = jobs.run(dataset, path, dry_run=True)
    assert dry.progress.applied_count == 1
    done = jobs.run(dataset, path)
    assert (done.progress.applied_count, done.progress.duplicate_count) == (1, 0)
    found = [(row.line, row.column) for row in done.progress.rejected_rows]
    assert found == [(2, "TIMESTAMP"), (3, "ITEM_ID"), (4, "DEVICE"), (5, "EVENT_VALUE"), (6, "")]
    reasons = [row.reason for row in done.progress.rejected_rows]
    assert "reads as milliseconds" in reasons[0]
    assert "257 characters" in reasons[1]
    assert "1000 characters" in reasons[2]
    assert "has 3 cells; the header has 6" in reasons[4]
    failed = jobs.run(dataset, path, max_errors=4, status="RESOURCE_STATUS_CREATE_FAILED")
    assert "5 rows were refused, and max_errors is 4" in failed.failure_reason


def test_the_operator_says_how_many_records_come_and_how_far_ahead_of_the_clock(protos, tmp_path):
    jobs = Jobs(protos, tmp_path, flags=["--records-per-call-max", "2", "--clock-skew-ms", "3600000"])
    try:
        group, p = jobs.group("skew"), protos.events
        def put(ahead, *items, **more):
            events = [p.Event(event_type="click", item_id=item) for item in items]
            for event in events:
                event.sent_at.seconds = int(time.time()) + ahead
            request = p.PutEventsRequest(
                dataset_group=group, user_id="u", session_id="s", event_list=events, **more)
            return jobs.client.events.PutEvents(request, timeout=10).applied_count
        def refused(*arguments, **more):
            with pytest.raises(grpc.RpcError) as caught:
                put(*arguments, **more)
            return caught.value.details()
        assert put(3_000, "a", "b") == 2
        assert "at most 3600 s are allowed" in refused(4_000, "c")
        for is_partial in (False, True):
            assert "has 3 records; at most 2 are allowed" in refused(0, "c", "d", "e", allow_partial=is_partial)
        records = p.PutRecordsRequest(
            dataset_group=group, records=[p.Record(user=p.User(user_id=f"u{n}")) for n in range(3)])
        users = p.PutUsersRequest(dataset_group=group, users=[p.User(user_id=f"u{n}") for n in range(3)])
        for call, request in ((jobs.client.events.PutRecords, records), (jobs.client.events.PutUsers, users)):
            with pytest.raises(grpc.RpcError) as caught:
                call(request, timeout=10)
            assert "has 3 records; at most 2 are allowed" in caught.value.details()
        text = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n" + "".join(
            f"v,i{ahead},{int(time.time()) + ahead},click\n" for ahead in (0, 3_000, 4_000))
        done = jobs.run(f"{group}/datasets/interactions", jobs.write("ahead.csv", text))
        assert done.progress.applied_count == 2
        assert "more than 3600 s ahead" in done.progress.rejected_rows[0].reason
    finally:
        jobs.server.stop()


def test_rows_that_are_there_already_are_duplicates(jobs):
    group = jobs.group("twice")
    dataset = f"{group}/datasets/interactions"
    path = jobs.write("events.csv", rows(500))
    assert jobs.run(dataset, path).progress.applied_count == 500
    again = jobs.run(dataset, path)
    assert (again.progress.applied_count, again.progress.duplicate_count) == (0, 500)


def test_only_files_below_a_root_are_read(jobs, tmp_path):
    group = jobs.group("roots")
    dataset = f"{group}/datasets/interactions"
    (tmp_path / "secret.csv").write_text(rows(3))
    (jobs.files / "link.csv").symlink_to(tmp_path / "secret.csv")
    for path in [str(tmp_path / "secret.csv"), f"{jobs.files}/../secret.csv",
                 f"{jobs.files}/link.csv", "/etc/passwd", f"{jobs.files}/none.csv"]:
        with pytest.raises(grpc.RpcError) as caught:
            jobs.create(dataset, path)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert bad_fields(caught.value)[0].field == "data_source.data_location"
        assert "below a folder that --import-root names" in caught.value.details()


# A FULL one ends with a training.
@pytest.mark.parametrize("mode, count", [("FULL", 500), ("INCREMENTAL", 10_000)])
def test_what_a_job_has_counted_is_seen_at_its_position(jobs, mode, count):
    group, campaign = starter(jobs, f"at-{mode.lower()}")
    job = jobs.create(f"{group}/datasets/interactions", jobs.write("e.csv", rows(count, item="i{1}")), mode)
    told = []
    for one in jobs.client.jobs.WatchJob(jobs.p.WatchJobRequest(job=job), timeout=60):
        progress = one.progress
        if mode == "FULL" and one.status != jobs.protos.resources.RESOURCE_STATUS_ACTIVE:
            continue
        answer = jobs.client.recommend(campaign, "nobody", min_position=progress.position)
        assert answer.position >= progress.position
        assert answer.eligible_count >= progress.applied_count
        told.append((progress.applied_count, progress.position))
    assert told == sorted(told) and told[-1][0] == count and told[-1][1] > 0
    jobs.server.kill()
    jobs.restart()
    assert jobs.describe(job).progress.position == told[-1][1]


def test_a_client_sends_a_file_of_its_own(jobs):
    group, campaign = starter(jobs, "sent")
    data = gzip.compress(rows(3_000).encode())

    def messages():
        job = jobs.p.CreateDatasetImportJobRequest(
            job_name="sent", dataset=f"{group}/datasets/interactions",
            data_source=jobs.p.DataSource(data_location="C/events.csv.gz"))
        yield jobs.p.ImportDataRequest(job=job, data=data[:100])
        for start in range(100, len(data), 5_000):
            yield jobs.p.ImportDataRequest(data=data[start:start + 5_000])

    answer = jobs.client.jobs.ImportData(messages(), timeout=30)
    done = jobs.finish(answer.dataset_import_job.resource_name)
    assert done.progress.applied_count == 3_000
    assert len(jobs.popular(campaign)) == 20
    time.sleep(0.1)
    assert list((jobs.server.directory / "uploads").iterdir()) == []


def test_an_upload_is_refused_before_it_is_sent(jobs):
    with pytest.raises(grpc.RpcError) as caught:
        jobs.client.jobs.ImportData(iter([jobs.p.ImportDataRequest(data=b"x")]), timeout=10)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    job = jobs.p.CreateDatasetImportJobRequest(
        job_name="x", dataset="datasetGroups/none/datasets/items")
    with pytest.raises(grpc.RpcError) as caught:
        jobs.client.jobs.ImportData(iter([jobs.p.ImportDataRequest(job=job)]), timeout=10)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    job.job_name = ""
    with pytest.raises(grpc.RpcError) as caught:
        jobs.client.jobs.ImportData(iter([jobs.p.ImportDataRequest(job=job)]), timeout=10)
    assert [one.field for one in bad_fields(caught.value)] == ["job.job_name"]
    assert caught.value.details().startswith("job.job_name: ")


def test_jobs_are_listed_and_keep_their_dataset(jobs):
    group = jobs.group("list")
    dataset = f"{group}/datasets/items"
    path = jobs.write("i.csv", "ITEM_ID\na\n")
    names = [jobs.run(dataset, path).resource_name for _ in range(3)]
    request = jobs.p.ListDatasetImportJobsRequest(dataset_group=group, page_size=2)
    first = jobs.client.jobs.ListDatasetImportJobs(request, timeout=10)
    request.page_token = first.next_page_token
    second = jobs.client.jobs.ListDatasetImportJobs(request, timeout=10)
    found = [job.resource_name for job in [*first.dataset_import_jobs,
                                           *second.dataset_import_jobs]]
    assert found == names
    with pytest.raises(grpc.RpcError) as caught:
        jobs.client.jobs.CancelDatasetImportJob(
            jobs.p.CancelDatasetImportJobRequest(dataset_import_job=names[0]), timeout=10)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


def big_file(jobs, name, count, item):
    return jobs.write(name, rows(count, item=item, user="u{0}"))


@pytest.mark.parametrize("mode", ["FULL", "INCREMENTAL"])
def test_a_killed_import_goes_on_where_it_was(jobs, mode):
    group, campaign = starter(jobs, f"kill-{mode.lower()}")
    dataset = f"{group}/datasets/interactions"
    jobs.run(dataset, jobs.write("old.csv", rows(100, item="old{0}")), "FULL")
    count = 60_000
    job = jobs.create(dataset, big_file(jobs, "new.csv", count, "new{0}"), mode)
    kills = 0
    deadline = time.monotonic() + 60
    seen = 0
    while kills < 3 and time.monotonic() < deadline:
        found = jobs.describe(job)
        if jobs.status(found) in OVER:
            break
        if found.progress.row_count <= seen:
            time.sleep(0.005)
            continue
        seen = found.progress.row_count
        if mode == "FULL":
            assert set(jobs.popular(campaign)) == {f"old{n}" for n in range(20)}
        jobs.server.kill()
        jobs.restart()
        kills += 1
        assert jobs.describe(job).progress.row_count >= seen
    assert kills > 0
    done = jobs.finish(job)
    assert done.progress.row_count == done.progress.applied_count == count
    assert done.progress.duplicate_count == 0
    kept = set() if mode == "FULL" else {f"old{n}" for n in range(20)}
    assert set(jobs.popular(campaign)) == kept | {f"new{n}" for n in range(20)}
    jobs.server.kill()
    jobs.restart()
    assert set(jobs.popular(campaign)) == kept | {f"new{n}" for n in range(20)}


def test_a_cancelled_full_import_leaves_the_old_set(jobs):
    group, campaign = starter(jobs, "cancel")
    dataset = f"{group}/datasets/interactions"
    jobs.run(dataset, jobs.write("old.csv", rows(100, item="old{0}")), "FULL")
    job = jobs.create(dataset, big_file(jobs, "new.csv", 200_000, "new{0}"), "FULL")
    while jobs.describe(job).progress.row_count == 0:
        time.sleep(0.005)
    jobs.client.jobs.CancelDatasetImportJob(
        jobs.p.CancelDatasetImportJobRequest(dataset_import_job=job), timeout=10)
    jobs.finish(job, "RESOURCE_STATUS_CREATE_STOPPED")
    assert set(jobs.popular(campaign)) == {f"old{n}" for n in range(20)}
    jobs.server.kill()
    jobs.restart()
    assert set(jobs.popular(campaign)) == {f"old{n}" for n in range(20)}
    jobs.run(dataset, jobs.write("next.csv", rows(100, item="next{0}")), "FULL")
    assert set(jobs.popular(campaign)) == {f"next{n}" for n in range(20)}


# Exports


def export(jobs, dataset, path, mode="ALL", status="RESOURCE_STATUS_ACTIVE", **fields):
    jobs.count += 1
    request = jobs.p.CreateDatasetExportJobRequest(
        job_name=f"export-{jobs.count}", dataset=dataset,
        job_output=jobs.p.JobOutput(path=path),
        ingestion_mode=getattr(jobs.p, f"INGESTION_MODE_{mode}"), **fields)
    job = jobs.client.jobs.CreateDatasetExportJob(request, timeout=10).dataset_export_job
    last = None
    for last in jobs.client.jobs.WatchJob(jobs.p.WatchJobRequest(job=job.resource_name),
                                          timeout=60):
        pass
    found = jobs.client.jobs.DescribeDatasetExportJob(
        jobs.p.DescribeDatasetExportJobRequest(dataset_export_job=job.resource_name),
        timeout=10).dataset_export_job
    assert jobs.status(found) == status, found.failure_reason
    return found


def lines(path):
    return path.read_text().splitlines()


def test_exports_tell_bulk_records_from_others(jobs):
    group = jobs.group("export")
    dataset = f"{group}/datasets/interactions"
    head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE"
    jobs.run(dataset, jobs.write("e.csv", f'{head}\nu,bulk,1700000000,click,2.5,"a, b"\n'), "FULL")
    jobs.client.put_event(group, "u", "put", 1_700_000_001.125)
    done = export(jobs, dataset, str(jobs.out / "bulk.csv"), "BULK")
    assert done.progress.row_count == 1
    bulk, put = 'u,bulk,1700000000,click,2.5,"a, b"', "u,put,1700000001.125,click,,"
    assert lines(jobs.out / "bulk.csv") == [head, bulk]
    export(jobs, dataset, str(jobs.out / "put.csv"), "PUT")
    assert lines(jobs.out / "put.csv") == [head, put]
    export(jobs, dataset, str(jobs.out / "all.csv"))
    assert lines(jobs.out / "all.csv") == [head, bulk, put]
    export(jobs, dataset, str(jobs.out / "all.jsonl"))
    assert lines(jobs.out / "all.jsonl")[1] == (
        '{"USER_ID":"u","ITEM_ID":"put","TIMESTAMP":1700000001.125,"EVENT_TYPE":"click"}')


def test_exports_of_items_hold_the_record_that_counts(jobs):
    group = jobs.group("export-items")
    dataset = f"{group}/datasets/items"
    jobs.run(dataset, jobs.write("i.csv", "ITEM_ID,GENRES\na,bulk\nb,bulk\n"), "FULL")
    item = jobs.protos.events.Item(item_id="a", properties='{"genres": "put"}')
    request = jobs.protos.events.PutItemsRequest(dataset_group=group, items=[item])
    jobs.client.events.PutItems(request, timeout=10)
    for mode, expected in [("BULK", ["a,bulk,,", "b,bulk,,"]), ("PUT", ["a,put,,"]),
                           ("ALL", ["a,put,,", "b,bulk,,"])]:
        path = jobs.out / f"{mode}.csv"
        export(jobs, dataset, str(path), mode)
        assert lines(path)[1:] == expected
    jobs.run(dataset, jobs.write("j.csv", "ITEM_ID,GENRES\na,newer\n"))
    export(jobs, dataset, str(jobs.out / "after.csv"))
    assert lines(jobs.out / "after.csv")[1:] == ["a,newer,,", "b,bulk,,"]


def test_an_export_is_never_written_over_a_file_nor_outside(jobs, tmp_path):
    group = jobs.group("export-roots")
    dataset = f"{group}/datasets/items"
    (jobs.out / "there.csv").write_text("mine")
    failed = export(jobs, dataset, str(jobs.out / "there.csv"),
                    status="RESOURCE_STATUS_CREATE_FAILED")
    assert "File exists" in failed.failure_reason
    assert (jobs.out / "there.csv").read_text() == "mine"
    assert [path.name for path in jobs.out.iterdir()] == ["there.csv"]
    for path in [str(tmp_path / "x.csv"), f"{jobs.out}/../x.csv", "/etc/x.csv"]:
        with pytest.raises(grpc.RpcError) as caught:
            export(jobs, dataset, path)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert bad_fields(caught.value)[0].field == "job_output.path"


def export_data(jobs, dataset, **fields):
    request = jobs.p.ExportDataRequest(
        dataset=dataset, ingestion_mode=jobs.p.INGESTION_MODE_ALL, **fields)
    return b"".join(piece.data for piece in jobs.client.jobs.ExportData(request, timeout=60))


@pytest.mark.parametrize("form", ["FILE_FORMAT_CSV", "FILE_FORMAT_JSON_LINES"])
@pytest.mark.parametrize("packing", ["COMPRESSION_NONE", "COMPRESSION_GZIP", "COMPRESSION_ZSTD"])
def test_what_is_exported_comes_back_the_same(jobs, form, packing):
    first, second = jobs.group("first"), jobs.group("second")
    text = rows(5_000) + 'odd,"a ""quoted"", item",1700000000.5,Click,0.1,"x|y"\n'
    path = jobs.write("e.csv", text)
    jobs.run(f"{first}/datasets/interactions", path)
    jobs.run(f"{first}/datasets/users", jobs.write("u.csv", 'USER_ID,AGE\nu1,3\n"u,2",\n'))
    for kind in ["interactions", "users"]:
        fields = {"format": getattr(jobs.p, form), "compression": getattr(jobs.p, packing)}
        data = export_data(jobs, f"{first}/datasets/{kind}", **fields)
        again = jobs.write(f"{kind}.again", data)
        done = jobs.run(f"{second}/datasets/{kind}", again, "FULL",
                        format=getattr(jobs.p, form))
        assert done.progress.rejected_count == 0, done.progress.rejected_rows
        assert export_data(jobs, f"{second}/datasets/{kind}") == export_data(
            jobs, f"{first}/datasets/{kind}")


def test_an_export_that_nobody_reads_ends_with_its_call(jobs):
    group = jobs.group("left")
    dataset = f"{group}/datasets/interactions"
    jobs.run(dataset, big_file(jobs, "e.csv", 60_000, "i{0}"))
    request = jobs.p.ExportDataRequest(
        dataset=dataset, ingestion_mode=jobs.p.INGESTION_MODE_ALL)
    call = jobs.client.jobs.ExportData(request, timeout=60)
    assert next(iter(call)).data.startswith(b"USER_ID,")
    call.cancel()
    assert len(export_data(jobs, dataset)) > 1_000_000


# The client program


def cli(jobs, *arguments, expect=0):
    environment = {**os.environ, "BOWERBIRD_SERVER": jobs.server.address}
    done = subprocess.run(
        [os.environ.get("BOWERBIRD_CLI_BINARY", ""), *arguments], capture_output=True, text=True,
        timeout=60, env=environment, check=False)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    return done


def test_the_program_imports_exports_and_lists(jobs, tmp_path):
    group = jobs.group("program")
    name = group.split("/")[1]
    path = jobs.write("e.csv", rows(2_000))
    done = cli(jobs, "import", name, "interactions", path, "--job", "full")
    assert done.stdout == "2000 rows: 2000 applied, 0 known, 0 refused; ACTIVE\n"
    bad = jobs.write("bad.csv", rows(1) + "u1,i1,soon,click,,\n")
    done = cli(jobs, "import", name, "interactions", bad, "--job", "incremental", "--on-server",
               expect=4)
    assert "1 applied" in done.stdout or "1 known" in done.stdout
    assert "bad.csv line 3, TIMESTAMP: is 'soon'" in done.stderr
    done = cli(jobs, "import", name, "interactions", bad, "--job", "incremental", "--max-errors",
               "0", expect=1)
    assert "max_errors is 0" in done.stderr
    out = tmp_path / "all.csv"
    cli(jobs, "export", name, "interactions", "--to", str(out))
    assert len(lines(out)) == 2_001
    assert "there already" in cli(jobs, "export", name, "interactions", "--to", str(out),
                                  expect=1).stderr
    listed = cli(jobs, "jobs", "list", name).stdout.splitlines()
    assert len(listed) == 3
    first = listed[0].split("\t")[0]
    assert "ACTIVE" in cli(jobs, "jobs", "watch", first).stdout
    assert "is not running" in cli(jobs, "jobs", "cancel", first, expect=1).stderr
    cli(jobs, "import", name, "interactions", path, "--dry-run", expect=2)
