"""The programs as people use them."""

import json
import os
import re
import subprocess

import pytest

CLI = os.environ.get("BOWERBIRD_CLI_BINARY", "")


def run(*arguments, server=None, expect=0):
    environment = {**os.environ, "BOWERBIRD_SERVER": server or "127.0.0.1:1"}
    done = subprocess.run(
        [CLI, *arguments], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    return done


@pytest.fixture
def shop(shared_server, tmp_path):
    """A group made and filled from CSV files."""
    name = f"cli-{tmp_path.name}"
    rows = ["userId,movieId,rating,timestamp"]
    for user in range(30):
        for step in range(10):
            rows.append(f"u{user},m{(user % 2) * 50 + (user + step) % 12},4.5,{1_700_000_000 + step}")
    (tmp_path / "ratings.csv").write_text("\ufeff" + "\r\n".join(rows) + "\r\n")
    items = ["movieId,title,genres", 'm1,"A ""quoted"", title",Drama|Comedy', "m2,Plain,Drama"]
    (tmp_path / "movies.csv").write_text("\n".join(items))
    run("init", name, "--interactions", str(tmp_path / "ratings.csv"),
        "--items", str(tmp_path / "movies.csv"), server=shared_server.address)
    return name, tmp_path, shared_server.address


def test_a_unix_socket_is_spoken_to_like_any_address(tmp_path):
    server = os.environ["BOWERBIRD_SERVER_BINARY"]
    address = f"unix:{tmp_path}/socket"
    with subprocess.Popen(
        [server, "--ephemeral", "--listen", address, "--admin-listen", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:
        try:
            assert process.stdout.readline() == f"ready grpc={address} admin=-\n"
            assert run("status", server=address).stdout == "serving\n"
        finally:
            process.kill()


def test_status_says_whether_it_serves(shared_server):
    assert run("status", server=shared_server.address).stdout == "serving\n"


def test_an_absent_server_has_a_code_of_its_own():
    assert "bowerbird-server" in run("status", expect=3).stderr


def test_wrong_usage_has_a_code_of_its_own():
    run("recommend", expect=2)


def test_files_go_in_and_lists_come_out(shop):
    name, folder, server = shop
    done = run("import", name, "interactions", str(folder / "ratings.csv"), server=server)
    assert done.stdout.startswith("300 rows: 300 applied, 0 known, 0 refused")
    again = run("import", name, "interactions", str(folder / "ratings.csv"), server=server)
    assert again.stdout.startswith("300 rows: 0 applied, 300 known, 0 refused")
    run("import", name, "items", str(folder / "movies.csv"), server=server)
    trained = run("train", name, "--wait", server=server).stdout
    campaign = trained.split("campaign ")[1].strip()
    table = run("recommend", campaign, "u0", "--count", "3", server=server).stdout
    assert len(table.splitlines()) == 3
    lines = run("recommend", campaign, "u0", "--count", "3", "--output", "csv", server=server).stdout
    assert lines.startswith("ITEM_ID,SCORE\n")
    ranked = run("rank", campaign, "u0", "m50", "m1", "nobody", server=server).stdout
    assert [line.split("\t")[2] for line in ranked.splitlines()] == ["m1", "m50", "nobody"]
    run("train", name, "--recipe", "similar-items", "--wait", server=server)
    related = campaign.replace("user-personalization", "similar-items")
    table = run("recommend", campaign, "u0", "--count", "20", "--seed", "1", "--column", "genres",
                "--max", "genres=1", "--diversity", "0.2", server=server).stdout
    assert table.count("Drama") == 1
    only = ["--filter-expression", "INCLUDE ItemID WHERE Items.GENRES IN ($G)", "--value", "G=Drama"]
    dramas = run("recommend", campaign, "u0", "--count", "20", "--column", "genres", *only,
                 server=server).stdout.splitlines()
    assert len(dramas) == 2 and all("GENRES=Drama" in line for line in dramas)
    leading = dramas[0].split("\t")[2]
    left = run("recommend", campaign, "u0", "--count", "20", "--exclude", leading, *only,
               server=server).stdout
    assert [line.split("\t")[2] for line in left.splitlines()] == [
        line.split("\t")[2] for line in dramas[1:]]
    run("filter", "create", name, "dramas", only[1], server=server)
    kept = f"datasetGroups/{name}/filters/dramas"
    ranked = run("rank", campaign, "u0", leading, "nobody", "--filter", kept, "--value", "G=None",
                 server=server).stdout
    assert leading not in [line.split("\t")[2] for line in ranked.splitlines()]
    missing = run("rank", campaign, "u0", leading, "--filter", kept, server=server, expect=1)
    assert "filter_values" in missing.stderr
    run("recommend", campaign, "u0", "--filter", kept, *only, server=server, expect=2)
    first = run("recommend", campaign, "u0", "--count", "5", server=server)
    token = first.stderr.split("--page ")[1].strip()
    rest = run("recommend", campaign, "u0", "--page", token, server=server)
    shown = [line.split("\t")[2] for line in (first.stdout + rest.stdout).splitlines()]
    assert len(shown) == len(set(shown))
    run("recommend", campaign, "u0", "--max", "genres", server=server, expect=2)
    run("train", name, "--name", "strict", "--recipe", "sims", "--parameter",
        "min_cointeraction_count=10", "--event-type", "interaction", "--manual", server=server)
    wrong = run("train", name, "--name", "wrong", "--recipe", "sims", "--parameter",
                "min_cointeraction_count=11", server=server, expect=1)
    assert "min_cointeraction_count" in wrong.stderr
    near = run("recommend", related, "-", "--item", "m1", "--count", "1", server=server).stdout
    assert near.split("\t")[2].strip() in {"m0", "m2"}
    assert "applied" in run("put", name, "u0", "m1", server=server).stdout


@pytest.mark.parametrize(
    "user, way, said",
    [
        ("streamed", [], "row 4, ITEM_ID: has 300 characters"),
        ("called", ["--rows-per-call", "10"], "row 4: event_list[0].item_id"),
    ],
)
def test_bad_rows_are_named_and_the_rest_goes_in(shop, user, way, said):
    name, folder, server = shop
    bad = folder / "bad.csv"
    bad.write_text(
        f"userId,movieId,rating,timestamp\n{user},m1,3,1700000000\n{user},m2,3,yesterday\n"
        f"{user},{'x' * 300},3,1700000001\n{user},m3,3,1700000002\n"
    )
    done = run("import", name, "interactions", str(bad), *way, server=server, expect=4)
    assert done.stdout.startswith("4 rows: 2 applied, 0 known, 2 refused")
    assert "row 3, TIMESTAMP: 'yesterday' is no number of seconds" in done.stderr
    assert "row 4: INVALID" not in done.stderr and said in done.stderr


def test_records_are_shown_listed_and_updated(shop):
    name, folder, server = shop
    run("import", name, "items", str(folder / "movies.csv"), server=server)
    run("import", name, "interactions", str(folder / "ratings.csv"), server=server)
    one = run("get", name, "item", "m1", "--output", "json", server=server).stdout
    assert json.loads(one) == {
        "itemId": "m1", "properties": {"title": 'A "quoted", title', "genres": "Drama|Comedy"}
    }
    run("update", name, "item", "m1", '{"title": null, "genres": "Noir"}', server=server)
    assert run("get", name, "item", "m1", server=server).stdout == 'm1\t{"genres":"Noir"}\n'
    run("get", name, "user", "u1", server=server, expect=1)
    lines = run("list", name, "items", "--output", "csv", server=server).stdout.splitlines()
    assert lines[0] == "ITEM_ID,PROPERTIES" and len(lines) == 3
    asked = ["list", name, "interactions", "--user", "u0", "--output", "jsonl", "--limit", "3"]
    rows = [json.loads(line) for line in run(*asked, server=server).stdout.splitlines()]
    assert [row["sentAt"] for row in rows] == [1_700_000_009, 1_700_000_008, 1_700_000_007]
    assert all(row["userId"] == "u0" and row["eventValue"] == 4.5 for row in rows)
    table = run("list", name, "interactions", "--item", "m5", server=server).stdout
    assert all(line.split("\t")[2] == "m5" for line in table.splitlines()) and table
    run("list", name, "interactions", server=server, expect=2)


def test_a_record_is_deleted_once_that_is_confirmed(shop):
    name, folder, server = shop
    run("import", name, "interactions", str(folder / "ratings.csv"), server=server)
    asked = ["list", name, "interactions", "--user", "u3", "--output", "jsonl"]
    rows = [json.loads(line) for line in run(*asked, server=server).stdout.splitlines()]
    said = run("delete", name, "user", "u3", "--dry-run", server=server).stdout
    assert said == "would delete the user 'u3' and 10 interactions\n"
    # Nobody is there to confirm.
    assert "--yes" in run("delete", name, "user", "u3", server=server, expect=1).stderr
    run("delete", name, "interaction", rows[0]["eventId"], "--yes", server=server)
    assert len(run(*asked, server=server).stdout.splitlines()) == 9
    run("delete", name, "user", "u3", "--yes", server=server)
    assert run(*asked, server=server).stdout == ""
    run("delete", name, "item", rows[1]["itemId"], "--yes", server=server)
    run("delete", name, "session", "nothing", "--yes", server=server, expect=1)


def test_many_users_are_deleted_by_a_job(shop):
    name, folder, address = shop
    run("import", name, "interactions", str(folder / "ratings.csv"), server=address)
    (folder / "gone.txt").write_text("USER_ID\nu1\nu2\nnobody\n")
    path = str(folder / "gone.txt")
    run("delete", name, "users", path, server=address, expect=1)
    done = run("delete", name, "users", path, "--yes", server=address)
    assert done.stdout == "3 rows: 2 deleted, 1 unknown, 0 refused; COMPLETED\n"
    assert f"{name}/dataDeletionJobs/" in run("jobs", "list", name, server=address).stdout
    assert run("list", name, "interactions", "--user", "u1", server=address).stdout.strip() == ""
    assert run("list", name, "interactions", "--user", "u3", server=address).stdout.strip()


def test_two_users_are_merged(shop):
    name, folder, address = shop
    run("import", name, "interactions", str(folder / "ratings.csv"), server=address)
    said = run("merge", name, "u1", "u2", server=address).stdout
    assert said.startswith("position ") and said.endswith(", 10 interactions moved\n")
    assert run("merge", name, "u1", "u2", server=address).stdout.endswith(", 0 interactions moved\n")
    rows = run("list", name, "interactions", "--user", "u1", "--limit", "100", server=address).stdout
    assert len(rows.splitlines()) == 20
    assert "nobody" in run("merge", name, "nobody", "u2", server=address, expect=1).stderr


def test_what_a_group_holds_is_counted(shop):
    name, folder, address = shop
    run("import", name, "interactions", str(folder / "ratings.csv"), server=address)
    run("import", name, "items", str(folder / "movies.csv"), server=address)
    done = run("status", name, server=address)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("interactions: 300 records, ")
    assert lines[1:3] == ["  30 users, 0 sessions, 24 items", "  from 2023-11-14 to 2023-11-14"]
    assert "interactions: 300 interactions; lists get better from 1,000 on" in done.stderr
    found = json.loads(run("status", name, "--output", "json", server=address).stdout)
    assert [(one["dataset"].split("/")[-1], one["recordCount"]) for one in found] == [
        ("interactions", 300), ("items", 2)]
    run("status", "nowhere", server=address, expect=1)
    run("status", name, "--output", "csv", server=address, expect=2)


def test_the_demo_runs_to_its_end():
    binary = os.environ["BOWERBIRD_SERVER_BINARY"]
    done = run("demo", "--server-binary", binary)
    assert "[11/11]" in done.stdout and "DIFFERENT" not in done.stdout
    # Somebody new is known better after five events than before the first.
    rates = re.search(r"after 0 to 5 of their events:\n(.*)", done.stdout).group(1)
    rates = [int(rate) for rate in re.findall(r"(\d+) %", rates)]
    assert len(rates) == 6 and rates[5] >= rates[0]
    assert re.search(r"was explored \d+\.\d ms after it was put", done.stdout)
    fan, stranger = re.search(r"it is in (\d+) of 200 .*, (\d+) of 200", done.stdout).groups()
    assert int(fan) > int(stranger)
    assert done.stdout.count("same list") == 6
