"""Bowerbird from Python with grpcio's asyncio: as quick_start.py, without threads.

    quick_start_asyncio.py ADDRESS [CA [CERTIFICATE KEY]]
"""

import asyncio
import os
import sys
import time

import grpc
from bowerbird.v1 import datasets_pb2, datasets_pb2_grpc, events_pb2, events_pb2_grpc
from bowerbird.v1 import recommendations_pb2, recommendations_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from quick_start import SERVICE_CONFIG, click


def connect(address, ca=None, certificate=None, key=None):
    options = [("grpc.service_config", SERVICE_CONFIG)]
    if ca is None:
        return grpc.aio.insecure_channel(address, options)
    files = [open(path, "rb").read() if path else None for path in (ca, key, certificate)]
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(*files), options)


async def main(channel):
    datasets = datasets_pb2_grpc.DatasetsServiceStub(channel)
    events = events_pb2_grpc.EventsServiceStub(channel)
    recommendations = recommendations_pb2_grpc.RecommendationsServiceStub(channel)

    made = await datasets.CreateDatasetGroup(
        datasets_pb2.CreateDatasetGroupRequest(name=f"asyncio-{time.time_ns()}", starter=True), timeout=10
    )
    group = made.dataset_group.resource_name
    items = [events_pb2.Item(item_id=f"lamp-{n}", properties='{"COLOUR": "red"}') for n in range(100)]
    done = await events.PutItems(
        events_pb2.PutItemsRequest(dataset_group=group, items=items),
        compression=grpc.Compression.Gzip, timeout=10,
    )
    print("imported", done.applied_count)

    # Stream: wait for the answer to a batch before the next, or let several be under way.
    stream = events.StreamRecords(timeout=10)
    streamed = 0
    for batch in range(5):
        records = [click(f"user-{n}", f"lamp-{(batch + n) % 10}") for n in range(20)]
        await stream.write(events_pb2.StreamRecordsRequest(dataset_group=group, records=records))
        answered = await stream.read()
        streamed += answered.applied_count
    await stream.done_writing()
    print("streamed", streamed)

    question = recommendations_pb2.GetRecommendationsRequest(
        campaign=made.campaign, user_id="user-1", num_results=5, min_position=answered.position
    )
    answer = await recommendations.GetRecommendations(question)
    print("recommended", len(answer.item_list))

    try:
        await events.PutItems(
            events_pb2.PutItemsRequest(dataset_group=group, items=[events_pb2.Item()]), timeout=10
        )
    except grpc.aio.AioRpcError as error:
        for detail in rpc_status.from_call(error).details:
            request = error_details_pb2.BadRequest()
            if detail.Unpack(request):
                print("refused", error.code().name, request.field_violations[0].field)

    silent = events.StreamRecords(timeout=0.2)
    try:
        await silent.read()
    except grpc.aio.AioRpcError as error:
        print("deadline", error.code().name)
    silent = events.StreamRecords(timeout=10)
    silent.cancel()
    print("cancelled", (await silent.code()).name)

    deadline = time.monotonic() + float(os.environ.get("BOWERBIRD_LOOP_SECONDS", "0"))
    while time.monotonic() < deadline:
        await recommendations.GetRecommendations(question)
    print("done")


async def run():
    async with connect(*sys.argv[1:]) as channel:
        await main(channel)


if __name__ == "__main__":
    asyncio.run(run())
