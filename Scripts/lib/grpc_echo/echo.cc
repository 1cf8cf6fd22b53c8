// A gRPC C++ callback server that answers any unary call with a fixed number of bytes.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

std::string reply;

class Reactor : public grpc::ServerGenericBidiReactor {
  public:
    Reactor() { StartRead(&request_); }

    void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        grpc::Slice slice(reply);
        response_ = grpc::ByteBuffer(&slice, 1);
        StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }

    void OnDone() override { delete this; }

  private:
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_;
};

class Service : public grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor *CreateReactor(grpc::GenericCallbackServerContext *) override {
        return new Reactor;
    }
};

}  // namespace

int main(int argc, char **argv) {
    reply.assign(argc > 1 ? std::atoi(argv[1]) : 600, 'x');
    Service service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service);
    auto server = builder.BuildAndStart();
    std::printf("ready grpc=127.0.0.1:%d admin=-\n", port);
    std::fflush(stdout);
    server->Wait();
}
