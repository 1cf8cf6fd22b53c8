// An open-loop gRPC C++ client: calls begin when they are due, whether or not others have ended, and
// a call's time counts from when it was due.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    grpc::ByteBuffer reply;
    grpc::Status status;
    Clock::time_point due;
};

struct Load {
    std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
    std::string path;
    grpc::Slice body;
    grpc::CompletionQueue queue;
    Clock::time_point warm;
    std::vector<double> served, refused;
    long next = 0, started = 0, failed = 0, running = 0;
    double late = 0;
    std::string failure;

    void start(Clock::time_point due) {
        auto *call = new Call;
        call->due = due;
        call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
        auto &stub = stubs[next++ % stubs.size()];
        if (due >= warm) started++;
        call->reader = stub->PrepareUnaryCall(
            &call->context, path, grpc::ByteBuffer(&body, 1), &queue);
        call->reader->StartCall();
        call->reader->Finish(&call->reply, &call->status, call);
        running++;
    }

    // Takes one finished call; false when none is by `until`.
    bool finish(Clock::time_point until) {
        void *tag;
        bool ok;
        auto wall = std::chrono::system_clock::now() + (until - Clock::now());
        if (queue.AsyncNext(&tag, &ok, wall) != grpc::CompletionQueue::GOT_EVENT) return false;
        std::unique_ptr<Call> call(static_cast<Call *>(tag));
        running--;
        if (call->due < warm) return true;
        double ms = std::chrono::duration<double, std::milli>(Clock::now() - call->due).count();
        if (call->status.ok()) {
            served.push_back(ms);
        } else if (call->status.error_code() == grpc::StatusCode::UNAVAILABLE) {
            refused.push_back(ms);
        } else {
            failed++;
            failure = call->status.error_message();
        }
        return true;
    }
};

double quantile(std::vector<double> &values, double part) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(part * (values.size() - 1))];
}

}  // namespace

// load ADDRESS PATH BODY-FILE CONNECTIONS SECONDS RATE: RATE calls a second at random times, or, as
// '=N', N calls at a time and the next when one has ended. What was due in the first second does not
// count.
int main(int argc, char **argv) {
    if (argc != 7) return 2;
    Load load;
    load.path = argv[2];
    std::ifstream file(argv[3], std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    load.body = grpc::Slice(bytes.str());
    for (int n = std::atoi(argv[4]); n > 0; n--) {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        auto channel = grpc::CreateCustomChannel(
            argv[1], grpc::InsecureChannelCredentials(), arguments);
        if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)))
            return 1;
        load.stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
    }
    auto began = Clock::now();
    load.warm = began + std::chrono::seconds(1);
    auto end = load.warm + std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(std::atof(argv[5])));
    if (argv[6][0] == '=') {
        for (int n = std::atoi(argv[6] + 1); n > 0; n--) load.start(Clock::now());
        while (Clock::now() < end)
            if (load.finish(end)) load.start(Clock::now());
    } else {
        std::mt19937_64 random(7);
        std::exponential_distribution<double> gap(std::atof(argv[6]));
        auto due = began;
        while (true) {
            due += std::chrono::duration_cast<Clock::duration>(
                std::chrono::duration<double>(gap(random)));
            if (due > end) break;
            while (Clock::now() < due) load.finish(due);
            load.late = std::max(
                load.late, std::chrono::duration<double, std::milli>(Clock::now() - due).count());
            load.start(due);
        }
    }
    double seconds = std::chrono::duration<double>(Clock::now() - load.warm).count();
    long served = load.served.size(), refused = load.refused.size();
    while (load.running > 0 && load.finish(Clock::now() + std::chrono::seconds(30))) {}
    std::printf(
        "{\"started_per_second\": %.1f, \"served_per_second\": %.1f, \"served\": %zu, "
        "\"refused\": %zu, \"refused_in_time\": %ld, \"failed\": %ld, \"unanswered\": %ld, "
        "\"failure\": \"%s\", \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"refused_p99_ms\": %.3f, "
        "\"late_ms\": %.3f}\n",
        load.started / seconds, served / seconds, load.served.size(), load.refused.size(), refused,
        load.failed, load.running, load.failure.c_str(), quantile(load.served, 0.5),
        quantile(load.served, 0.99), quantile(load.refused, 0.99), load.late);
    std::fflush(stdout);
    std::_Exit(0);
}
