"""What the served wait while a server gets three times what it can do; for Scripts/bench --overload."""

import collections
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from measure import pinned, prepare, protos, user_of_twenty, world


def offer(server, load_binary, method, body, rate, seconds):
    """What an open-loop client saw, or with '=N' one with N calls at a time."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        output = subprocess.run(
            pinned(1, [load_binary, server.address, f"/bowerbird.v1.RecommendationsService/{method}",
                       file.name, "8", str(seconds), str(rate)]),
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout
    seen = json.loads(output)
    assert seen["failed"] == seen["unanswered"] == 0, seen
    return seen


def overload(bin_folder, load_binary, data, as_json, rounds=5, seconds=5):
    """The p99 of served calls at half and at three times what the server can do, turn about.

    A call asks for eight lists, so that three times as many are not too many for the client.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(data) / "ratings.csv" if data else world(folder)
        server, campaign, _, _, _ = prepare(bin_folder, folder, data)
        _, recommendations, _ = protos(folder)
        one = recommendations.GetRecommendationsRequest(
            campaign=campaign, user_id=user_of_twenty(data), num_results=25)
        body = recommendations.BatchGetRecommendationsRequest(queries=[one] * 8).SerializeToString()
        figures = collections.defaultdict(list)
        try:
            for _ in range(rounds):
                # A server that was overloaded is wary for a second.
                time.sleep(2)
                capacity = offer(server, load_binary, "BatchGetRecommendations", body, "=8",
                                 seconds)["served_per_second"]
                half, triple = (
                    offer(server, load_binary, "BatchGetRecommendations", body, rate, seconds)
                    for rate in (capacity / 2, capacity * 3))
                figures["capacity, calls/s"].append(capacity)
                figures["offered at triple"].append(triple["started_per_second"] / capacity)
                figures["served of capacity"].append(triple["served_per_second"] / capacity)
                for label, seen in [("half", half), ("triple", triple)]:
                    figures[f"refused at {label}"].append(seen["refused"])
                    figures[f"client late at {label}, ms"].append(seen["late_ms"])
                    figures[f"p50 at {label}, ms"].append(seen["p50_ms"])
                    figures[f"p99 at {label}, ms"].append(seen["p99_ms"])
                figures["ratio of the p99"].append(triple["p99_ms"] / half["p99_ms"])
        finally:
            server.stop()
    result = {key: [min(values), statistics.median(values), max(values)]
              for key, values in figures.items()}
    if as_json:
        print(json.dumps(result, indent=2))
        return 0
    print(f"8 lists a call, one core, an open-loop client, {rounds} rounds: median (least to most)")
    for key, (least, middle, most) in result.items():
        print(f"  {key:24} {middle:10.2f}  ({least:.2f} to {most:.2f})")
    return 0


if __name__ == "__main__":
    bin_folder, load_binary, *rest = sys.argv[1:]
    data = rest[rest.index("--data") + 1] if "--data" in rest else None
    sys.exit(overload(bin_folder, load_binary, data, "--json" in rest))
