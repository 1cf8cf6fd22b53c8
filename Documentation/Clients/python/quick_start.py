"""Bowerbird from Python with grpcio.

    quick_start.py ADDRESS [CA [CERTIFICATE KEY]]

Without CA the connection is plain; with CERTIFICATE and KEY the client shows who it is (mutual TLS).
With BOWERBIRD_LOOP_SECONDS it goes on asking, and no call fails while a server is replaced.
"""

import os
import pathlib
import queue
import sys
import time

import grpc
from bowerbird.v1 import datasets_pb2, datasets_pb2_grpc, events_pb2, events_pb2_grpc
from bowerbird.v1 import recommendations_pb2, recommendations_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

# Retries what may be repeated, and asks each server whether it serves before it sends it calls.
SERVICE_CONFIG = (pathlib.Path(__file__).parents[1] / "service-config.json").read_text()


def connect(address, ca=None, certificate=None, key=None):
    options = [("grpc.service_config", SERVICE_CONFIG)]
    if ca is None:
        return grpc.insecure_channel(address, options)
    files = [open(path, "rb").read() if path else None for path in (ca, key, certificate)]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*files), options)


def click(user, item):
    event = events_pb2.Event(event_type="click", item_id=item)
    event.sent_at.GetCurrentTime()
    return events_pb2.Record(interaction=events_pb2.Interaction(user_id=user, event=event))


def main(channel):
    datasets = datasets_pb2_grpc.DatasetsServiceStub(channel)
    events = events_pb2_grpc.EventsServiceStub(channel)
    recommendations = recommendations_pb2_grpc.RecommendationsServiceStub(channel)

    # Create: a group with schemas, datasets, a tracker and a campaign that answers at once.
    made = datasets.CreateDatasetGroup(
        datasets_pb2.CreateDatasetGroupRequest(name=f"python-{time.time_ns()}", starter=True), timeout=10
    )
    group = made.dataset_group.resource_name

    # Import, compressed.
    items = [events_pb2.Item(item_id=f"lamp-{n}", properties='{"COLOUR": "red"}') for n in range(100)]
    done = events.PutItems(
        events_pb2.PutItemsRequest(dataset_group=group, items=items),
        compression=grpc.Compression.Gzip, timeout=10,
    )
    print("imported", done.applied_count)

    # Stream: each batch is answered once it is durable and seen by every later read.
    batches = (
        events_pb2.StreamRecordsRequest(
            dataset_group=group, records=[click(f"user-{n}", f"lamp-{(batch + n) % 10}") for n in range(20)]
        )
        for batch in range(5)
    )
    answers = list(events.StreamRecords(batches, timeout=10))
    print("streamed", sum(answer.applied_count for answer in answers))

    # Recommend, on a state that has seen all of it.
    answer = recommendations.GetRecommendations(
        recommendations_pb2.GetRecommendationsRequest(
            campaign=made.campaign, user_id="user-1", num_results=5, min_position=answers[-1].position
        )
    )
    print("recommended", len(answer.item_list))

    # An error, with the field that it is about.
    try:
        events.PutItems(events_pb2.PutItemsRequest(dataset_group=group, items=[events_pb2.Item()]), timeout=10)
    except grpc.RpcError as error:
        for detail in rpc_status.from_call(error).details:
            request = error_details_pb2.BadRequest()
            if detail.Unpack(request):
                print("refused", error.code().name, request.field_violations[0].field)

    # A deadline, and a cancelled call: both end at once, here and on the server.
    requests = queue.SimpleQueue()
    silent = events.StreamRecords(iter(requests.get, None), timeout=0.2)
    try:
        next(silent)
    except grpc.RpcError as error:
        print("deadline", error.code().name)
    silent = events.StreamRecords(iter(requests.get, None), timeout=10)
    silent.cancel()
    print("cancelled", silent.code().name)
    for _ in range(2):
        requests.put(None)

    deadline = time.monotonic() + float(os.environ.get("BOWERBIRD_LOOP_SECONDS", "0"))
    while time.monotonic() < deadline:
        recommendations.GetRecommendations(
            recommendations_pb2.GetRecommendationsRequest(campaign=made.campaign, user_id="user-1")
        )
    print("done")


if __name__ == "__main__":
    with connect(*sys.argv[1:]) as channel:
        main(channel)
