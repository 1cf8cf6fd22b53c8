// The cases of gRPC's interoperability tests, by gRPC C++: interop ADDRESS CASE.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test.grpc.pb.h"

namespace {

using namespace grpc::testing;
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;

constexpr int kLargeRequest = 271828;
constexpr int kLargeResponse = 314159;
const std::vector<int> kSizesIn = {27182, 8, 1828, 45904};
const std::vector<int> kSizesOut = {31415, 9, 2653, 58979};
const char kEchoInitial[] = "x-grpc-test-echo-initial";
const char kEchoTrailing[] = "x-grpc-test-echo-trailing-bin";

#define EXPECT(what)                                                         \
  do {                                                                       \
    if (!(what)) {                                                           \
      std::cerr << "line " << __LINE__ << ": " << #what << " does not hold\n"; \
      std::exit(1);                                                          \
    }                                                                        \
  } while (false)

void ExpectOK(const Status& status) {
  if (status.ok()) return;
  std::cerr << "status " << status.error_code() << ": " << status.error_message() << "\n";
  std::exit(1);
}

// A context whose call may take ten seconds, or as long as is said.
struct Context : ClientContext {
  explicit Context(int milliseconds = 10000) {
    set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(milliseconds));
  }
};

struct Case {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<TestService::Stub> stub;
  std::string address;
};

SimpleRequest Simple(int response_bytes = kLargeResponse, int request_bytes = kLargeRequest) {
  SimpleRequest request;
  request.set_response_size(response_bytes);
  request.mutable_payload()->set_body(std::string(request_bytes, '\0'));
  return request;
}

StreamingOutputCallRequest Asked(const std::vector<int>& sizes, int request_bytes = 0) {
  StreamingOutputCallRequest request;
  for (int size : sizes) request.add_response_parameters()->set_size(size);
  request.mutable_payload()->set_body(std::string(request_bytes, '\0'));
  return request;
}

void EmptyUnary(Case& test) {
  Context context;
  Empty empty;
  ExpectOK(test.stub->EmptyCall(&context, empty, &empty));
}

void LargeUnary(Case& test) {
  Context context;
  SimpleResponse response;
  ExpectOK(test.stub->UnaryCall(&context, Simple(), &response));
  EXPECT(response.payload().body() == std::string(kLargeResponse, '\0'));
}

int SumOfStream(Case& test, bool is_compressed) {
  Context context;
  if (is_compressed) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  StreamingInputCallResponse response;
  auto writer = test.stub->StreamingInputCall(&context, &response);
  for (int size : kSizesIn) {
    StreamingInputCallRequest request;
    request.mutable_payload()->set_body(std::string(size, '\0'));
    // gRPC C++ leaves a message plain that its compression makes no smaller.
    if (is_compressed && size > 1000) request.mutable_expect_compressed()->set_value(true);
    EXPECT(writer->Write(request));
  }
  EXPECT(writer->WritesDone());
  ExpectOK(writer->Finish());
  return response.aggregated_payload_size();
}

void ClientStreaming(Case& test) { EXPECT(SumOfStream(test, false) == 74922); }

void ServerStreaming(Case& test) {
  Context context;
  auto reader = test.stub->StreamingOutputCall(&context, Asked(kSizesOut));
  StreamingOutputCallResponse response;
  size_t count = 0;
  for (; reader->Read(&response); ++count) {
    EXPECT(count < kSizesOut.size());
    EXPECT(response.payload().body().size() == static_cast<size_t>(kSizesOut[count]));
  }
  ExpectOK(reader->Finish());
  EXPECT(count == kSizesOut.size());
}

void PingPong(Case& test) {
  Context context;
  auto stream = test.stub->FullDuplexCall(&context);
  for (size_t turn = 0; turn < kSizesIn.size(); ++turn) {
    StreamingOutputCallResponse response;
    EXPECT(stream->Write(Asked({kSizesOut[turn]}, kSizesIn[turn])));
    EXPECT(stream->Read(&response));
    EXPECT(response.payload().body().size() == static_cast<size_t>(kSizesOut[turn]));
  }
  EXPECT(stream->WritesDone());
  StreamingOutputCallResponse more;
  EXPECT(!stream->Read(&more));
  ExpectOK(stream->Finish());
}

void EmptyStream(Case& test) {
  Context context;
  auto stream = test.stub->FullDuplexCall(&context);
  EXPECT(stream->WritesDone());
  StreamingOutputCallResponse response;
  EXPECT(!stream->Read(&response));
  ExpectOK(stream->Finish());
}

void CheckEcho(const ClientContext& context) {
  const auto& initial = context.GetServerInitialMetadata();
  const auto found = initial.find(kEchoInitial);
  EXPECT(found != initial.end() && found->second == "test_initial_metadata_value");
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto binary = trailing.find(kEchoTrailing);
  EXPECT(binary != trailing.end());
  EXPECT(std::string(binary->second.data(), binary->second.size()) == std::string("\xab\xab\x00\xab", 4));
}

void AddEcho(ClientContext& context) {
  context.AddMetadata(kEchoInitial, "test_initial_metadata_value");
  context.AddMetadata(kEchoTrailing, std::string("\xab\xab\x00\xab", 4));
}

void CustomMetadata(Case& test) {
  {
    Context context;
    AddEcho(context);
    SimpleResponse response;
    ExpectOK(test.stub->UnaryCall(&context, Simple(), &response));
    CheckEcho(context);
  }
  Context context;
  AddEcho(context);
  auto stream = test.stub->FullDuplexCall(&context);
  EXPECT(stream->Write(Asked({kLargeResponse})));
  StreamingOutputCallResponse response;
  EXPECT(stream->Read(&response));
  EXPECT(stream->WritesDone());
  EXPECT(!stream->Read(&response));
  ExpectOK(stream->Finish());
  CheckEcho(context);
}

void CheckStatus(Case& test, const std::string& message) {
  EchoStatus status;
  status.set_code(StatusCode::UNKNOWN);
  status.set_message(message);
  {
    Context context;
    SimpleRequest request;
    *request.mutable_response_status() = status;
    SimpleResponse response;
    const Status found = test.stub->UnaryCall(&context, request, &response);
    EXPECT(found.error_code() == StatusCode::UNKNOWN && found.error_message() == message);
  }
  Context context;
  auto stream = test.stub->FullDuplexCall(&context);
  StreamingOutputCallRequest request;
  *request.mutable_response_status() = status;
  EXPECT(stream->Write(request));
  stream->WritesDone();
  StreamingOutputCallResponse response;
  EXPECT(!stream->Read(&response));
  const Status found = stream->Finish();
  EXPECT(found.error_code() == StatusCode::UNKNOWN && found.error_message() == message);
}

void StatusCodeAndMessage(Case& test) { CheckStatus(test, "test status message"); }

void SpecialStatusMessage(Case& test) {
  CheckStatus(test, "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP \xf0\x9f\x98\x88\t\n");
}

void UnimplementedMethod(Case& test) {
  Context context;
  Empty empty;
  EXPECT(test.stub->UnimplementedCall(&context, empty, &empty).error_code() == StatusCode::UNIMPLEMENTED);
}

void UnimplementedService_(Case& test) {
  Context context;
  Empty empty;
  auto stub = UnimplementedService::NewStub(test.channel);
  EXPECT(stub->UnimplementedCall(&context, empty, &empty).error_code() == StatusCode::UNIMPLEMENTED);
}

void CancelAfterBegin(Case& test) {
  Context context;
  StreamingInputCallResponse response;
  auto writer = test.stub->StreamingInputCall(&context, &response);
  context.TryCancel();
  EXPECT(writer->Finish().error_code() == StatusCode::CANCELLED);
}

void CancelAfterFirstResponse(Case& test) {
  Context context;
  auto stream = test.stub->FullDuplexCall(&context);
  EXPECT(stream->Write(Asked({31415}, 27182)));
  StreamingOutputCallResponse response;
  EXPECT(stream->Read(&response));
  EXPECT(response.payload().body().size() == 31415);
  context.TryCancel();
  EXPECT(stream->Finish().error_code() == StatusCode::CANCELLED);
}

void TimeoutOnSleepingServer(Case& test) {
  Context context(100);
  auto stream = test.stub->FullDuplexCall(&context);
  auto request = Asked({31415}, 27182);
  request.mutable_response_parameters(0)->set_interval_us(3000000);
  stream->Write(request);
  StreamingOutputCallResponse response;
  EXPECT(!stream->Read(&response));
  EXPECT(stream->Finish().error_code() == StatusCode::DEADLINE_EXCEEDED);
}

void ClientCompressedUnary(Case& test) {
  for (bool is_compressed : {true, false}) {
    Context context;
    if (is_compressed) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    auto request = Simple();
    request.mutable_expect_compressed()->set_value(is_compressed);
    SimpleResponse response;
    ExpectOK(test.stub->UnaryCall(&context, request, &response));
    EXPECT(response.payload().body().size() == kLargeResponse);
  }
  // The probe: a client that says otherwise than it does is refused.
  Context context;
  auto request = Simple();
  request.mutable_expect_compressed()->set_value(true);
  SimpleResponse response;
  EXPECT(test.stub->UnaryCall(&context, request, &response).error_code() == StatusCode::INVALID_ARGUMENT);
}

void ClientCompressedStreaming(Case& test) { EXPECT(SumOfStream(test, true) == 74922); }

// The messages of an answer as they came, each in gzip's form or not.
std::vector<std::string> Raw(Case& test, const std::string& method, const grpc::protobuf::Message& request) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(test.address, grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  Context context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, "/grpc.testing.TestService/" + method, &queue);
  void* tag;
  bool is_ok;
  const auto next = [&] {
    EXPECT(queue.Next(&tag, &is_ok));
    return is_ok;
  };
  call->StartCall(nullptr);
  EXPECT(next());
  const std::string octets = request.SerializeAsString();
  grpc::Slice slice(octets);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  EXPECT(next());
  std::vector<std::string> messages;
  while (true) {
    grpc::ByteBuffer buffer;
    call->Read(&buffer, nullptr);
    if (!next()) break;
    std::vector<grpc::Slice> slices;
    ExpectOK(buffer.Dump(&slices));
    messages.emplace_back();
    for (const auto& part : slices) messages.back().append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  Status status;
  call->Finish(&status, nullptr);
  EXPECT(next());
  ExpectOK(status);
  return messages;
}

bool IsGzip(const std::string& message) { return message.compare(0, 2, "\x1f\x8b") == 0; }

void ServerCompressedUnary(Case& test) {
  for (bool is_compressed : {true, false}) {
    auto request = Simple(kLargeResponse, 10);
    request.mutable_response_compressed()->set_value(is_compressed);
    const auto messages = Raw(test, "UnaryCall", request);
    EXPECT(messages.size() == 1 && IsGzip(messages[0]) == is_compressed);
    Context context;
    SimpleResponse response;
    ExpectOK(test.stub->UnaryCall(&context, request, &response));
    EXPECT(response.payload().body().size() == kLargeResponse);
  }
}

void ServerCompressedStreaming(Case& test) {
  auto request = Asked({31415, 92653});
  request.mutable_response_parameters(0)->mutable_compressed()->set_value(true);
  request.mutable_response_parameters(1)->mutable_compressed()->set_value(false);
  const auto messages = Raw(test, "StreamingOutputCall", request);
  EXPECT(messages.size() == 2 && IsGzip(messages[0]) && !IsGzip(messages[1]));
  Context context;
  auto reader = test.stub->StreamingOutputCall(&context, request);
  StreamingOutputCallResponse response;
  EXPECT(reader->Read(&response) && response.payload().body().size() == 31415);
  EXPECT(reader->Read(&response) && response.payload().body().size() == 92653);
  EXPECT(!reader->Read(&response));
  ExpectOK(reader->Finish());
}

const std::map<std::string, std::function<void(Case&)>> kCases = {
    {"empty_unary", EmptyUnary},
    {"large_unary", LargeUnary},
    {"client_streaming", ClientStreaming},
    {"server_streaming", ServerStreaming},
    {"ping_pong", PingPong},
    {"empty_stream", EmptyStream},
    {"custom_metadata", CustomMetadata},
    {"status_code_and_message", StatusCodeAndMessage},
    {"special_status_message", SpecialStatusMessage},
    {"unimplemented_method", UnimplementedMethod},
    {"unimplemented_service", UnimplementedService_},
    {"cancel_after_begin", CancelAfterBegin},
    {"cancel_after_first_response", CancelAfterFirstResponse},
    {"timeout_on_sleeping_server", TimeoutOnSleepingServer},
    {"client_compressed_unary", ClientCompressedUnary},
    {"client_compressed_streaming", ClientCompressedStreaming},
    {"server_compressed_unary", ServerCompressedUnary},
    {"server_compressed_streaming", ServerCompressedStreaming},
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3 || kCases.count(arguments[2]) == 0) {
    std::cerr << "usage: interop ADDRESS CASE\n";
    return 2;
  }
  Case test;
  test.address = arguments[1];
  test.channel = grpc::CreateChannel(test.address, grpc::InsecureChannelCredentials());
  test.stub = TestService::NewStub(test.channel);
  kCases.at(arguments[2])(test);
  return 0;
}
