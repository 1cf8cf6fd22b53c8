"""Messages of every shape to every method that writes: each is answered for what it is, and what
the engine knows stays what is stored."""

import random
import re

import grpc
from conftest import Client, Server, make_group
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from test_flow import train
from test_single_records import interactions, make_shop

ROUNDS = 4
RECORDS = ["PutEvents", "PutUsers", "PutItems", "PutRecords", "StreamRecords", "UpdateUser", "UpdateItem",
           "DeleteUser", "DeleteItem", "DeleteInteraction", "MergeUsers"]
# The rest of what writes; to groups of its own, since some of it deletes them.
RESOURCES = ("Create", "Update", "Delete", "Cancel", "Stop", "ImportData")

# What every method must have answered, for a run that tests anything.
TAKEN = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
ALLOWED = {
    grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}

IDS = [f"x{n}" for n in range(7)]
COLUMNS = ["genres", "price", "age", "device"]
TEXTS = ["", " ", "a\0b", "x" * 256, "x" * 257, "é" * 256, "\U0001f600" * 257, "\u202eabc", "\ud7ff\ue000",
         "a|b", "datasetGroups/", "../../etc/passwd", "%s%n", "\r\n", "null", "y" * 40_000]
PROPERTIES = {
    "Event": ["{}", '{"device":"tv"}', '{"eventValue":"2"}'], "User": ["{}", '{"age":7}', '{"age":"8"}'],
    "Item": ["{}", '{"genres":"a|b","price":2.5}', '{"price":"3"}', '{"creationTimestamp":1600000000}'],
}
JSONS = ["{}", '{"genres":"a|b","price":2.5}', '{"age":7}', '{"device":"tv"}', '{"price":"3"}', "{", "[]", "null",
         '{"price":1e999}', '{"age":-99999999999999999999}', '{"genres":[]}', '{"genres":{"a":1}}',
         '{"price":1,"PRICE":2}', '{"nope":1}', '{"creationTimestamp":1600000000}', '{"itemId":"x1"}',
         '{"creationTimestamp":1600000000000}', '{"userId":"u"}', '{"eventValue":"-0"}', '{"age":NaN}',
         '{"genres":"' + "g" * 1_001 + '"}', '{"genres":"\\ud800"}', "[" * 2_000, '{"a":' * 500 + "1" + "}" * 500,
         '{"":1}', '{"genres":null}', '{"genres":"\\u0000"}', '{"price":true}', " " * 30_000]
INTEGERS = [0, 1, -1, 2, 7, 25, 500, 10_001, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1]
DOUBLES = [0.0, -0.0, 1.0, -1.5, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")]
TIMES = [(1_600_000_000, 0), (0, 0), (-1, 0), (253_402_300_799, 999_999_999), (253_402_300_800, 0), (2**63 - 1, 0),
         (-(2**63), -1), (1_600_000_000, -5), (1_600_000_000, 2**31 - 1), (1_600_000_000_000, 0), (4_000_000_000, 0)]
SCHEMA = """{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","fields":[
    {"name":"ITEM_ID","type":"string"},{"name":"GENRES","type":["string","null"]}],"version":"1.0"}"""
RANGES = {
    Field.TYPE_INT32: (-(2**31), 2**31), Field.TYPE_INT64: (-(2**63), 2**63),
    Field.TYPE_UINT32: (0, 2**32), Field.TYPE_UINT64: (0, 2**64),
}


class Generator:
    """Messages by their descriptors: plausible, hostile in one place, or in all."""

    def __init__(self, choose, groups):
        self.choose = choose
        self.groups = groups
        self.hostility = 0
        # Ids that events were told to have.
        self.event_ids = []

    def message(self, kind):
        self.hostility = self.choose.choice([0, 0.03, 0.2, 0.8])
        made = kind()
        self.fill(made, 0)
        return made

    def fill(self, message, depth):
        declared = message.DESCRIPTOR
        if declared.full_name == "google.protobuf.Timestamp":
            hostile = self.choose.random() < self.hostility
            message.seconds, message.nanos = self.choose.choice(TIMES) if hostile else (
                1_600_000_000 + self.choose.randrange(50), 0)
            return
        chosen = {one.name: self.choose.choice(one.fields).name for one in declared.oneofs}
        for field in declared.fields:
            among = field.containing_oneof
            if among and len(among.fields) > 1 and chosen[among.name] != field.name:
                continue
            hostile = self.choose.random() < self.hostility
            if self.choose.random() < (0.5 if hostile else SHARE.get(field.name, SHARE.get(field.full_name, 0.75))):
                self.set(message, field, depth)

    def set(self, message, field, depth):
        of_message = field.type == Field.TYPE_MESSAGE
        if not field.is_repeated:
            if of_message:
                getattr(message, field.name).SetInParent()
                self.fill(getattr(message, field.name), depth + 1)
            else:
                setattr(message, field.name, self.value(field))
            return
        hostile = self.choose.random() < self.hostility
        target = getattr(message, field.name)
        for _ in range(self.choose.choice([0, 26, 300] if hostile and depth < 2 else [1, 1, 2, 3])):
            if of_message and field.message_type.GetOptions().map_entry:
                key = self.value(field.message_type.fields_by_name["key"])
                held = field.message_type.fields_by_name["value"]
                if held.type == Field.TYPE_MESSAGE:
                    self.fill(target[key], depth + 1)
                else:
                    target[key] = self.value(held)
            elif of_message:
                self.fill(target.add(), depth + 1)
            else:
                target.append(self.value(field))

    def value(self, field):
        pick = self.choose.choice
        hostile = self.choose.random() < self.hostility
        if field.type == Field.TYPE_STRING:
            return pick(TEXTS + JSONS + IDS) if hostile else self.text(field)
        if field.type == Field.TYPE_BYTES:
            return self.choose.randbytes(pick([0, 1, 50, 3_000]))
        if field.type == Field.TYPE_DOUBLE:
            return pick(DOUBLES) if hostile else pick([0.5, 1.0, 3.0])
        if field.type == Field.TYPE_BOOL:
            return pick([True, False])
        if field.type == Field.TYPE_ENUM:
            return pick([0, 99, -1, 2**31 - 1]) if hostile else pick(field.enum_type.values).number
        low, end = RANGES[field.type]
        fitting = [n for n in INTEGERS if low <= n < end]
        return pick(fitting) if hostile else self.choose.randrange(1, 5)

    def text(self, field):
        pick, name = self.choose.choice, field.name
        if name == "dataset_group":
            return pick(self.groups)
        if name == "event_id" and self.event_ids and field.containing_type.name != "Event":
            return pick(self.event_ids)
        if name == "event_id":
            return f"e{self.choose.randrange(60)}"
        if name == "properties":
            fitting = PROPERTIES.get(field.containing_type.name, JSONS)
            return pick(JSONS if self.choose.random() < self.hostility else fitting)
        if name == "schema":
            return pick([f"schemas/{pick(IDS)}", SCHEMA])
        if name == "recipe":
            return "recipes/popularity-count"
        if name in ("solution", "campaign", "filter", "event_tracker"):
            return f"{pick(self.groups)}/{name.replace('event_t', 'eventT')}s/{pick(IDS)}"
        if name == "event_type":
            return pick(["click", "Buy", "buy"])
        if name == "name":
            return pick(COLUMNS if field.containing_type.name == "TypedProperty" else IDS)
        return pick(IDS)

    def damaged(self, data):
        """Bytes that were a message once."""
        data = bytearray(data)
        for _ in range(self.choose.choice([1, 1, 2, 8])):
            place = self.choose.randrange(len(data) + 1)
            kind = self.choose.randrange(5)
            if kind == 0:
                del data[place:]
            elif kind == 1:
                data[place:place] = self.choose.randbytes(self.choose.randint(1, 9))
            elif kind == 2 and place < len(data):
                data[place] ^= 1 << self.choose.randrange(8)
            elif kind == 3:
                data[place:place] = data[: self.choose.randrange(200)]
            elif kind == 4:
                data[place : place + 1] = b"\xff" * self.choose.randint(1, 11)
        return bytes(data)


# Whether a field is set: what nothing can do without always, and seldom what goes with little else.
SHARE = {
    **dict.fromkeys(["dataset_group", "record", "event", "event_type", "sent_at", "user_id", "event_list", "users",
                     "items", "records", "user", "item", "interaction", "name", "merged_user_id"], 1),
    "bowerbird.v1.PutEventsRequest.session_id": 1, "bowerbird.v1.DeleteUserRequest.session_id": 0.1,
    **dict.fromkeys(["tracking_id", "dataset", "producer_id", "batch_id", "typed_properties"], 0.1),
}


class Method:
    """One method with the class of its requests, as the running server declares it."""

    def __init__(self, path, method):
        self.name = path.rsplit("/", 1)[1]
        self.path = path
        self.request = message_factory.GetMessageClass(method.input_type)
        self.response = message_factory.GetMessageClass(method.output_type)
        self.takes_stream = method.client_streaming

    def call(self, channel, bodies):
        """The answers to serialized requests; raises what the server refuses."""
        if self.takes_stream:
            answers = channel.stream_stream(self.path)(iter(bodies), timeout=30)
        else:
            answers = channel.unary_stream(self.path)(bodies[0], timeout=30)
        return [self.response.FromString(answer) for answer in answers]


def methods_of(server):
    database = ProtoReflectionDescriptorDatabase(server.channel)
    pool = descriptor_pool.DescriptorPool(database)
    found = []
    for name in database.get_services():
        if name.startswith("bowerbird."):
            service = pool.FindServiceByName(name)
            found += [Method(f"/{name}/{method.name}", method) for method in service.methods]
    return found


def resolves(path, declared):
    """Whether a path of a violation leads through fields that the request has."""
    for part in path.split("."):
        name = re.sub(r"\[.*", "", part)
        if declared is None:
            return True
        if name not in declared.fields_by_name:
            return False
        field = declared.fields_by_name[name]
        # Below texts are JSON's keys, below maps their own.
        is_map = field.type == Field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry
        declared = field.message_type if field.type == Field.TYPE_MESSAGE and not is_map else None
    return True


def check_refusal(error, method, is_message):
    """A status that says what was wrong and, of a message that could be read, where."""
    assert error.code() in ALLOWED, error
    assert error.details(), error
    status = rpc_status.from_call(error)
    if status is None:
        # Nobody looked into a message above the limit.
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "the limit is" in error.details(), error
        return
    reasons, fields = [], []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            assert info.domain == "bowerbird"
            reasons.append(info.reason)
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            request = error_details_pb2.BadRequest()
            detail.Unpack(request)
            fields += request.field_violations
    assert len(reasons) == 1 and reasons[0], error
    assert all(one.field and one.description for one in fields), error
    if is_message:
        assert fields or error.code() != grpc.StatusCode.INVALID_ARGUMENT, error
        for one in fields:
            assert resolves(one.field, method.request.DESCRIPTOR), (one.field, error)


def check_answer(answer, request):
    """Every record of an accepted call is counted once, as applied, known or rejected."""
    lists = [getattr(request, name) for name in ("event_list", "users", "items", "records") if hasattr(request, name)]
    if not lists or not hasattr(answer, "applied_count"):
        return 0
    count = len(lists[0])
    assert answer.applied_count + answer.duplicate_count + len(answer.rejected) == count
    for one in answer.rejected:
        assert one.index < count and one.code and one.message, one
    return answer.applied_count


def state(client, groups):
    """What is stored, from the disk, and what the engine says of the same."""
    r = client.p.records
    stored, known = {}, {}
    for group, (campaign, columns) in groups.items():
        users, items = [], []
        for call, request, name, found in (
            (client.records.ListUsers, r.ListUsersRequest, "users", users),
            (client.records.ListItems, r.ListItemsRequest, "items", items),
        ):
            token = ""
            while True:
                page = call(request(dataset_group=group, page_size=1_000, page_token=token), timeout=20)
                found += [one.SerializeToString(deterministic=True) for one in getattr(page, name)]
                token = page.next_page_token
                if not token:
                    break
        events = {}
        for user in IDS:
            for whom in ("user_id", "session_id", "item_id"):
                try:
                    events[whom, user] = [
                        one.SerializeToString(deterministic=True)
                        for one in interactions(client, group, 1_000, **{whom: user})
                    ]
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.NOT_FOUND
                    events[whom, user] = None
        stored[group] = sorted(users), sorted(items), events
        known[group] = [
            sorted(
                (item.item_id, tuple(one.SerializeToString(deterministic=True) for one in item.metadata))
                for item in client.recommend(
                    campaign, user, 500, filter_expression=expression, metadata_columns=columns
                ).item_list
            )
            for user in ["nobody", *IDS]
            for expression in ("", 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")',
                               'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')
        ]
    return stored, known


def send(server, generator, method, bodies, requests):
    """Sends bodies; the code of the answer, and how many records it applied."""
    try:
        answers = method.call(server.channel, bodies)
    except grpc.RpcError as error:
        check_refusal(error, method, requests is not None)
        return error.code(), 0
    for answer in answers:
        generator.event_ids += filter(None, getattr(answer, "event_ids", []))
    pairs = zip(answers, requests or [], strict=requests is not None and method.name == "StreamRecords")
    return grpc.StatusCode.OK, sum(check_answer(answer, request) for answer, request in pairs)


def test_whatever_is_written_is_answered_and_kept_as_the_engine_has_it(protos, tmp_path):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    choose = random.Random(seed)
    folder = tmp_path / "files"
    folder.mkdir()
    server = Server(tmp_path / "data", "--import-root", str(folder), "--export-root", str(folder)).start()
    try:
        client = Client(protos, server.channel)
        shop, grown = make_group(client, "shop"), make_shop(client)
        groups = {
            shop: (train(client, shop, "popularity-count"), ["genres", "price"]),
            grown: (f"{grown}/campaigns/default", []),
        }
        methods = methods_of(server)
        writers = [m for m in methods if m.name in RECORDS]
        others = [m for m in methods if m not in writers and m.name.startswith(RESOURCES)]
        assert len(writers) == len(RECORDS) and len(others) > 20
        own, strangers = Generator(choose, list(groups)), Generator(choose, [f"datasetGroups/{one}" for one in IDS])
        seen, applied = {}, 0
        # A few more where chance would have it that some method took nothing.
        for number in range(4 * ROUNDS):
            if number >= ROUNDS and all(TAKEN <= seen[method.name] for method in writers):
                break
            calls = writers * 40 + others * 5
            choose.shuffle(calls)
            for method in calls:
                generator = own if method in writers else strangers
                requests = [
                    generator.message(method.request)
                    for _ in range(choose.randint(1, 3) if method.takes_stream else 1)
                ]
                bodies = [one.SerializeToString() for one in requests]
                if choose.random() < 0.3:
                    bodies[-1], requests = generator.damaged(bodies[-1]), None
                code, count = send(server, generator, method, bodies, requests)
                seen.setdefault(method.name, set()).add(code)
                applied += count
            before = state(client, groups)
            assert server.process.poll() is None
            server.kill()
            client = Client(protos, server.start().channel)
            assert state(client, groups) == before
        # Else it was no test of more than the first check.
        assert applied > 100
        for method in writers:
            assert TAKEN <= seen[method.name], (method.name, seen)
    finally:
        server.stop()
