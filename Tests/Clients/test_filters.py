"""The language of filters over the wire, their resource, and their command."""

import os
import pty
import subprocess

import grpc
import pytest
from test_cli import CLI, run
from test_refusals import EXISTS, IN_USE, INVALID, NOT_FOUND, refused
from conftest import bad_fields

DRAMA = 'INCLUDE ItemID WHERE Items.GENRES IN ("Drama")'


def create(client, group, name, expression, **fields):
    request = client.p.filters.CreateFilterRequest(
        name=name, dataset_group=group, filter_expression=expression, **fields
    )
    return client.filters.CreateFilter(request, timeout=10).filter


def values(client, **given):
    return {name: client.p.common.FilterValue(values=texts) for name, texts in given.items()}


def validate(client, group, expression, **given):
    request = client.p.filters.ValidateFilterRequest(
        dataset_group=group, filter_expression=expression, filter_values=values(client, **given)
    )
    return client.filters.ValidateFilter(request, timeout=10)


# Every shape that Personalize's guide shows, E2 to E11, with this test's columns.
SHAPES = [
    'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
    'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)',
    'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View","purchase")',
    'INCLUDE ItemID WHERE Items.GENRES IN ("Drama") AND Items.GENRES NOT IN ("War")',
    "INCLUDE ItemID WHERE Items.PRICE <= $MAX",
    "INCLUDE ItemID WHERE Items.PRICE != 3",
    "EXCLUDE ItemID WHERE Items.GENRES IN ($GENRES) IF CurrentUser.AGE = $AGE",
    'INCLUDE ItemID WHERE Items.GENRES IN ("Drama") OR Items.PRICE > 3 '
    "IF CurrentUser.AGE > 18 AND CurrentUser.AGE < 90",
    "INCLUDE ItemID WHERE Items.GENRES IN ($GENRES) "
    '| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
    "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.GENRES IN CurrentItem.GENRES",
    "INCLUDE UserID WHERE Users.AGE > ($MIN)",
    "EXCLUDE UserID WHERE Interactions.EVENT_TYPE IN ($TYPES)",
]


@pytest.mark.parametrize("expression", SHAPES)
def test_every_shape_of_the_guide_is_valid(client, group, expression):
    answer = validate(client, group, expression)
    assert answer.valid, answer.problems
    again = validate(client, group, answer.normal_form)
    assert again.normal_form == answer.normal_form
    assert create(client, group, "f", expression).filter_expression == expression


def test_a_correct_expression_is_described(client, group):
    filters = client.p.filters
    answer = validate(
        client, group,
        "include itemid where Items.PRICE<$MAX and Items.GENRES in ($G,\"Drama\")"
        ' | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($T) IF CurrentUser.AGE > 3',
    )
    assert answer.valid and not answer.problems
    assert answer.normal_form == (
        'INCLUDE ItemID WHERE Items.PRICE < $MAX AND Items.GENRES IN ($G, "Drama")'
        " | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($T) IF CurrentUser.AGE > 3"
    )
    assert answer.target == filters.FILTER_TARGET_ITEM
    assert [(c.dataset, c.name, c.type, c.multi_valued) for c in answer.columns] == [
        ("CurrentUser", "AGE", filters.FILTER_VALUE_TYPE_NUMBER, False),
        ("Interactions", "EVENT_TYPE", filters.FILTER_VALUE_TYPE_TEXT, False),
        ("Items", "GENRES", filters.FILTER_VALUE_TYPE_TEXT, True),
        ("Items", "PRICE", filters.FILTER_VALUE_TYPE_NUMBER, False),
    ]
    assert [(p.name, p.type, p.list, p.required) for p in answer.parameters] == [
        ("MAX", filters.FILTER_VALUE_TYPE_NUMBER, False, True),
        ("G", filters.FILTER_VALUE_TYPE_TEXT, True, True),
        ("T", filters.FILTER_VALUE_TYPE_TEXT, True, False),
    ]
    assert answer.needs_user and not answer.needs_item
    assert validate(client, group, "INCLUDE ItemID WHERE Items.PRICE = CurrentItem.PRICE").needs_item


def test_all_errors_come_at_once_with_their_places(client, group):
    expression = 'INCLUDE ItemID WHERE Items.GENRE IN ("ü") AND Items.PRICE > "x" OR Items.PRICE LIKE 3'
    answer = validate(client, group, expression)
    assert not answer.valid and answer.normal_form == ""
    found = [(p.offset_bytes, p.length_bytes, p.message, p.hint) for p in answer.problems]
    assert found == [
        (21, 11, "unknown column 'GENRE'; Items has CREATION_TIMESTAMP, GENRES, ITEM_ID, PRICE",
         "did you mean GENRES?"),
        (61, 3, 'the string "x" for Items.PRICE, which holds numbers', ""),
        (80, 4, "found 'LIKE'; IN, NOT IN, a comparison, BETWEEN, WITHIN or IS NULL follows a column",
         ""),
    ]
    line, carets = answer.problems[1].caret_lines.split("\n")
    assert line[carets.index("^"):carets.rindex("^") + 1] == '"x"'


def test_a_wrong_expression_is_refused_at_creation(client, group):
    request = client.p.filters.CreateFilterRequest(
        name="f", dataset_group=group,
        filter_expression="INCLUDE ItemID WHERE Items.GENRE = \"a\" AND Items.PRICE > \"x\"",
    )
    assert refused(client.filters.CreateFilter, request) == (
        INVALID, ["filter_expression", "filter_expression"], "INVALID_INPUT"
    )
    with pytest.raises(grpc.RpcError) as caught:
        client.filters.CreateFilter(request)
    assert caught.value.details() == (
        "filter_expression: at byte 21: unknown column 'GENRE'; Items has CREATION_TIMESTAMP, "
        "GENRES, ITEM_ID, PRICE; did you mean GENRES? (and 1 more)"
    )
    assert bad_fields(caught.value)[1].description == (
        'at byte 57: the string "x" for Items.PRICE, which holds numbers'
    )
    cases = [
        ({"name": ""}, ["name"]),
        ({"name": "no spaces"}, ["name"]),
        ({"dataset_group": "shop"}, ["dataset_group"]),
        ({"filter_expression": ""}, ["filter_expression"]),
        ({"filter_expression": "INCLUDE ItemID WHERE Items.PRICE = " + "1" * 16_384},
         ["filter_expression"]),
        ({"filter_expression": 'INCLUDE ItemID WHERE Items.GENRES = "\0"'}, ["filter_expression"]),
    ]
    for fields, bad in cases:
        request = client.p.filters.CreateFilterRequest(
            **{"name": "f", "dataset_group": group, "filter_expression": DRAMA, **fields}
        )
        assert refused(client.filters.CreateFilter, request) == (INVALID, bad, "INVALID_INPUT")
    lost = client.p.filters.CreateFilterRequest(
        name="f", dataset_group="datasetGroups/none", filter_expression=DRAMA
    )
    assert refused(client.filters.CreateFilter, lost)[0] == NOT_FOUND


def test_values_are_checked_against_their_parameters(client, group):
    expression = "INCLUDE ItemID WHERE Items.PRICE < $MAX AND Items.GENRES IN ($GENRES)"
    good = validate(client, group, expression, MAX=["3.5"], GENRES=["Drama", '"a","b"'])
    assert good.valid and not good.problems
    bad = validate(client, group, expression, MAX=["cheap"], GENRE=["Drama"])
    assert bad.valid
    assert [(p.parameter, p.message) for p in bad.problems] == [
        ("GENRE", "the filter has no parameter $GENRE; it has $MAX, $GENRES"),
        ("MAX", '$MAX is "cheap"; a number is needed'),
        ("GENRES", "$GENRES has no value; an INCLUDE needs values for it"),
    ]


def test_filters_are_resources(client, group):
    p = client.p.filters
    one = create(client, group, "one", DRAMA, request_id=group[-40:])
    assert one == create(client, group, "one", DRAMA, request_id=group[-40:])
    assert one.resource_name == f"{group}/filters/one"
    assert one.status == client.p.resources.RESOURCE_STATUS_ACTIVE
    assert one.etag and one.creation_date_time.seconds
    found = client.filters.DescribeFilter(p.DescribeFilterRequest(filter=one.resource_name)).filter
    assert found == one
    again = p.CreateFilterRequest(name="one", dataset_group=group, filter_expression=DRAMA)
    assert refused(client.filters.CreateFilter, again)[0] == EXISTS
    for name in ("three", "two"):
        create(client, group, name, DRAMA)
    names, token = [], ""
    while True:
        page = client.filters.ListFilters(
            p.ListFiltersRequest(dataset_group=group, page_size=2, page_token=token)
        )
        names += [one.name for one in page.filters]
        token = page.next_page_token
        if not token:
            break
    assert names == ["one", "three", "two"]
    named = p.ValidateFilterRequest(filter=one.resource_name)
    assert client.filters.ValidateFilter(named).normal_form == DRAMA
    both = p.ValidateFilterRequest(filter=one.resource_name, filter_expression=DRAMA)
    assert refused(client.filters.ValidateFilter, both)[:2] == (INVALID, ["filter_expression"])
    stale = p.DeleteFilterRequest(filter=one.resource_name, etag="zz")
    assert refused(client.filters.DeleteFilter, stale)[0] == grpc.StatusCode.ABORTED
    client.filters.DeleteFilter(p.DeleteFilterRequest(filter=one.resource_name, etag=one.etag))
    gone = p.DescribeFilterRequest(filter=one.resource_name)
    assert refused(client.filters.DescribeFilter, gone)[0] == NOT_FOUND


def test_filters_go_before_datasets(client, group):
    made = create(client, group, "last", DRAMA)
    d = client.p.datasets
    dataset = d.DeleteDatasetRequest(dataset=f"{group}/datasets/items")
    with pytest.raises(grpc.RpcError) as caught:
        client.datasets.DeleteDataset(dataset)
    assert caught.value.code() == IN_USE
    assert f"there is the filter '{group}/filters/last'" in caught.value.details()
    client.filters.DeleteFilter(client.p.filters.DeleteFilterRequest(filter=made.resource_name))
    client.datasets.DeleteDataset(dataset)
    # Without its dataset there is nothing that the expression could be about.
    answer = validate(client, group, DRAMA)
    assert [p.message for p in answer.problems] == [
        "Items.GENRES of a group without a dataset of Items"
    ]


def test_filters_outlive_a_restart(protos, durable_server):
    from conftest import Client, make_group

    client = Client(protos, durable_server.channel)
    group = make_group(client, "lasting")
    made = create(client, group, "kept", DRAMA)
    durable_server.kill()
    durable_server.start()
    client = Client(protos, durable_server.channel)
    request = client.p.filters.DescribeFilterRequest(filter=made.resource_name)
    assert client.filters.DescribeFilter(request).filter == made


def test_quotas_are_settings(protos):
    from conftest import Client, Server, make_group

    server = Server(
        None, "--filters-per-group-max", "1", "--filter-characters-max", "60",
        "--filter-columns-max", "1", "--filter-values-max", "2",
    ).start()
    client = Client(protos, server.channel)
    group = make_group(client, "bounded")
    long = "INCLUDE ItemID WHERE Items.PRICE = 1 AND Items.PRICE = 22222222"
    wide = "INCLUDE ItemID WHERE Items.PRICE=1 OR Items.GENRES=\"a\""
    for expression, message in [
        (long, "has 63 characters; 1 to 60 are allowed"),
        (wide, "a filter of more than 1 columns"),
    ]:
        assert [p.message for p in validate(client, group, expression).problems] == [message]
        with pytest.raises(grpc.RpcError) as caught:
            create(client, group, "f", expression)
        assert caught.value.code() == INVALID and message in caught.value.details()
    short = "EXCLUDE ItemID WHERE Items.GENRES IN ($G)"
    assert not validate(client, group, short, G=["a", "b"]).problems
    found = validate(client, group, short, G=["a", "b", "c"]).problems
    assert [p.message for p in found] == ["$G has 3 of 3 values; 2 are allowed"]
    # The same of what comes with a question.
    campaign = client.datasets.CreateDatasetGroup(
        client.p.datasets.CreateDatasetGroupRequest(name="asking", starter=True)
    ).campaign
    client.put_event("datasetGroups/asking", "u", "i", 1_700_000_000)
    for asked, message in [
        ({"filter_expression": long}, "has 63 characters; 1 to 60 are allowed"),
        (
            {"filter_expression": short.replace("Items.GENRES", "Interactions.EVENT_TYPE"),
             "filter_values": {"G": {"values": ["a", "b", "c"]}}},
            "$G has 3 of 3 values; 2 are allowed",
        ),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            client.recommend(campaign, "u", 5, **asked)
        assert caught.value.code() == INVALID and message in caught.value.details()
    create(client, group, "one", short)
    with pytest.raises(grpc.RpcError) as caught:
        create(client, group, "two", short)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    server.stop()


@pytest.fixture
def campaign_request(client, group):
    """What creates a campaign of a trained version."""
    s = client.p.solutions
    for step in range(30):
        client.put_event(group, f"u{step % 5}", f"i{step % 7}", 1_700_000_000 + step)
    solution = client.solutions.CreateSolution(
        s.CreateSolutionRequest(
            name="s", dataset_group=group, recipe="recipes/user-personalization"
        )
    ).solution.resource_name
    version = client.solutions.CreateSolutionVersion(
        s.CreateSolutionVersionRequest(solution=solution)
    ).solution_version.resource_name
    describe = s.DescribeSolutionVersionRequest(solution_version=version)
    client.wait_until_active(
        lambda: client.solutions.DescribeSolutionVersion(describe).solution_version
    )
    return lambda **fields: client.p.campaigns.CreateCampaignRequest(
        **{"name": "c", "solution_version": version, **fields}
    )


def test_a_campaign_has_a_default_filter(client, group, campaign_request):
    c = client.p.campaigns
    cheap = create(client, group, "cheap", "INCLUDE ItemID WHERE Items.PRICE < $MAX").resource_name
    drama = create(client, group, "drama", DRAMA).resource_name
    wrong = [
        ({"default_filter": f"{group}/filters/none"}, NOT_FOUND, []),
        ({"default_filter": "cheap"}, INVALID, ["default_filter"]),
        ({"default_filter": cheap}, INVALID, ["default_filter_values.MAX"]),
        ({"default_filter": cheap, "default_filter_values": values(client, MAX=["x"])},
         INVALID, ["default_filter_values.MAX"]),
        ({"default_filter": drama, "default_filter_values": values(client, MAX=["1"])},
         INVALID, ["default_filter_values.MAX"]),
        ({"default_filter_values": values(client, MAX=["1"])}, INVALID, ["default_filter_values"]),
    ]
    for fields, code, bad in wrong:
        found = refused(client.campaigns.CreateCampaign, campaign_request(**fields))
        assert found[:2] == (code, bad), fields
    made = client.campaigns.CreateCampaign(
        campaign_request(default_filter=cheap, default_filter_values=values(client, MAX=["3"]))
    ).campaign
    assert made.default_filter == cheap
    assert list(made.default_filter_values["MAX"].values) == ["3"]
    delete = client.p.filters.DeleteFilterRequest(filter=cheap)
    assert refused(client.filters.DeleteFilter, delete)[0] == IN_USE

    def update(**fields):
        request = c.UpdateCampaignRequest(campaign=made.resource_name, **fields)
        return client.campaigns.UpdateCampaign(request).campaign

    kept = update(min_provisioned_tps=2)
    assert (kept.default_filter, list(kept.default_filter_values)) == (cheap, ["MAX"])
    lost = c.UpdateCampaignRequest(
        campaign=made.resource_name, default_filter_values=values(client, MAX=["1"])
    )
    assert refused(client.campaigns.UpdateCampaign, lost)[:2] == (INVALID, ["default_filter_values"])
    other = update(default_filter=drama)
    assert (other.default_filter, list(other.default_filter_values)) == (drama, [])
    client.filters.DeleteFilter(delete)
    assert update(default_filter="").default_filter == ""


def test_the_command_tells_places(client, group, shared_server):
    server = shared_server.address
    name = group.removeprefix("datasetGroups/")
    done = run("filter", "check", name, 'INCLUDE ItemID WHERE Items.GENRE IN ("a")',
               server=server, expect=1)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "error: unknown column 'GENRE'; Items has CREATION_TIMESTAMP, GENRES, ITEM_ID, PRICE "
        "(did you mean GENRES?)",
        '  INCLUDE ItemID WHERE Items.GENRE IN ("a")',
        "                       ^^^^^^^^^^^",
    ]
    done = run("filter", "check", name, "exclude ItemID where Items.PRICE > $MAX",
               "--value", "MAX=3", server=server)
    assert done.stdout.splitlines() == [
        "EXCLUDE ItemID WHERE Items.PRICE > $MAX",
        "  Items.PRICE: number",
        "  $MAX: number, one value, may be omitted",
    ]
    run("filter", "check", name, "exclude ItemID where Items.PRICE > $MAX", "--value", "MAX=x",
        server=server, expect=1)
    run("filter", "check", name, DRAMA, "--value", "MAX", server=server, expect=2)
    run("filter", "create", name, "drama", "INCLUDE", server=server, expect=1)
    done = run("filter", "create", name, "drama", DRAMA, server=server)
    assert done.stdout == f"{group}/filters/drama\n"
    assert run("filter", "list", name, server=server).stdout == f"drama  {DRAMA}\n"
    as_csv = run("filter", "list", name, "--output", "csv", server=server).stdout
    assert as_csv.splitlines()[1] == 'drama,"INCLUDE ItemID WHERE Items.GENRES IN (""Drama"")"'
    run("filter", "delete", name, "drama", server=server)
    assert run("filter", "list", name, "--output", "json", server=server).stdout == "[]\n"


def on_a_terminal(*arguments, server, **environment):
    """What the command writes to a terminal as its standard error."""
    ours, terminal = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment = {**kept, "BOWERBIRD_SERVER": server, **environment}
    with subprocess.Popen(
        [CLI, *arguments], stdout=subprocess.DEVNULL, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        written = b""
        try:
            while part := os.read(ours, 4096):
                written += part
        except OSError:
            pass  # Linux says so when nobody has the terminal open any more.
        finally:
            os.close(ours)
        assert process.wait(timeout=60) == 1
    return written.decode().replace("\r\n", "\n")


def test_carets_are_coloured_on_a_terminal(group, shared_server):
    server = shared_server.address
    expression = 'INCLUDE ItemID WHERE Items.GENRE = "\u00fc" AND Items.PRICE > "x"'
    check = ["filter", "check", group.removeprefix("datasetGroups/"), expression]
    plain = run(*check, server=server, expect=1).stderr
    assert "\x1b" not in plain and plain.splitlines()[2].strip() == "^" * len("Items.GENRE")
    shown = on_a_terminal(*check, server=server)
    assert shown.splitlines() == [
        "\x1b[1;31merror\x1b[0m: unknown column 'GENRE'; "
        "Items has CREATION_TIMESTAMP, GENRES, ITEM_ID, PRICE (did you mean GENRES?)",
        f"  {expression}",
        " " * 23 + "\x1b[1;32m^^^^^^^^^^^\x1b[0m",
        '\x1b[1;31merror\x1b[0m: the string "x" for Items.PRICE, which holds numbers',
        f"  {expression}",
        " " * 59 + "\x1b[1;32m^^^\x1b[0m",
    ]
    assert on_a_terminal(*check, server=server, NO_COLOR="1") == plain
    # By the convention an empty value is none.
    assert on_a_terminal(*check, server=server, NO_COLOR="") == shown


@pytest.fixture
def stocked(client, group):
    """Five items of which ann viewed three, in a group."""
    e = client.p.events
    rows = [("a", "Drama", 1), ("b", "Drama|War", 2), ("c", "War", 3), ("d", "Drama", 40)]
    client.events.PutItems(e.PutItemsRequest(
        dataset_group=group,
        items=[e.Item(item_id=i, properties=f'{{"genres":"{g}","price":{p}}}') for i, g, p in rows],
    ))
    client.events.PutUsers(e.PutUsersRequest(
        dataset_group=group, users=[e.User(user_id="ann", properties='{"age":20}')]
    ))
    for second, item in enumerate(["a", "b", "only-seen"]):
        client.put_event(group, "ann", item, 1_700_000_000 + second, event_type="View")
    return group


def explain(client, group, expression, user="", item="", **given):
    return client.p.filters.ValidateFilterRequest(
        dataset_group=group, filter_expression=expression, filter_values=values(client, **given),
        explain=True, user_id=user, item_id=item,
    )


def test_each_part_is_counted(client, stocked):
    expression = (
        'INCLUDE ItemID WHERE Items.GENRES IN ("Drama") AND Items.PRICE < $MAX '
        '| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view") IF CurrentUser.AGE >= 18'
    )
    request = explain(client, stocked, expression, user="ann", MAX=["10"])
    answer = client.filters.ValidateFilter(request)
    assert answer.valid and not answer.problems
    found = answer.explanation
    assert found.candidate_count == 5 and found.eligible_count == 0 and found.position > 0
    keep, drop = found.clauses
    assert [(s.condition, s.match_count) for s in keep.steps] == [
        ('Items.GENRES IN ("Drama")', 3), ("Items.PRICE < $MAX", 2)
    ]
    assert (keep.excludes, keep.effective, keep.eligible_count) == (False, True, 2)
    assert [(s.condition, s.match_count) for s in drop.steps] == [
        ('Interactions.EVENT_TYPE IN ("view")', 3)
    ]
    assert (drop.excludes, drop.effective, drop.eligible_count) == (True, True, 0)
    # A user who is too young, or unknown, is left what the first clause leaves.
    other = client.filters.ValidateFilter(
        explain(client, stocked, expression, user="nobody", MAX=["10"])
    ).explanation
    assert [c.effective for c in other.clauses] == [True, False] and other.eligible_count == 2


def test_counts_see_what_was_acknowledged(client, stocked):
    expression = "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)"
    request = explain(client, stocked, expression, user="bob")

    def eligible():
        return client.filters.ValidateFilter(request).explanation.eligible_count

    for seen, item in enumerate("abcd"):
        assert eligible() == 5 - seen
        client.put_event(stocked, "bob", item, 1_700_000_000)
    e = client.p.events
    client.events.PutItems(
        e.PutItemsRequest(dataset_group=stocked, items=[e.Item(item_id="new")])
    )
    assert eligible() == 2


def test_counting_needs_what_a_request_would(client, stocked):
    own = "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)"
    alike = "INCLUDE ItemID WHERE Items.GENRES IN CurrentItem.GENRES"
    assert refused(client.filters.ValidateFilter, explain(client, stocked, own))[:2] == (
        INVALID, ["user_id"]
    )
    assert refused(client.filters.ValidateFilter, explain(client, stocked, alike))[:2] == (
        INVALID, ["item_id"]
    )
    found = client.filters.ValidateFilter(explain(client, stocked, alike, item="b")).explanation
    assert found.eligible_count == 4
    missing = client.filters.ValidateFilter(
        explain(client, stocked, "INCLUDE ItemID WHERE Items.PRICE < $MAX")
    )
    assert [p.parameter for p in missing.problems] == ["MAX"]
    assert not missing.HasField("explanation")
    segment = client.filters.ValidateFilter(
        explain(client, stocked, "INCLUDE UserID WHERE Users.AGE > 3")
    )
    assert segment.valid and not segment.HasField("explanation")


def test_the_command_explains(client, stocked, shared_server):
    name = stocked.removeprefix("datasetGroups/")
    done = run(
        "filter", "explain", name,
        'INCLUDE ItemID WHERE Items.GENRES IN ("Drama") AND Items.PRICE < 10 '
        '| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view") AND Items.PRICE > $MIN',
        "--user", "ann", server=shared_server.address,
    )
    assert done.stdout.splitlines() == [
        'INCLUDE ItemID WHERE Items.GENRES IN ("Drama") AND Items.PRICE < 10',
        '  Items.GENRES IN ("Drama") leaves 3 of 5',
        "  Items.PRICE < 10 leaves 2 of 3",
        "  kept: 2 of 5 items",
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view") AND Items.PRICE > $MIN',
        '  Interactions.EVENT_TYPE IN ("view") leaves 3 of 5',
        "  Items.PRICE > $MIN does nothing: it has no value",
        "  without them: 0 of 2 items",
        "0 of 5 items pass",
    ]
