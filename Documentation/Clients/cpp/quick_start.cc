// Bowerbird from C++ with gRPC C++.
//
//   quick_start ADDRESS [CA [CERTIFICATE KEY]]
//
// As Documentation/Clients/python/quick_start.py. BOWERBIRD_SERVICE_CONFIG names service-config.json.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "bowerbird/v1/datasets.grpc.pb.h"
#include "bowerbird/v1/events.grpc.pb.h"
#include "bowerbird/v1/recommendations.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace v1 = bowerbird::v1;
using Clock = std::chrono::system_clock;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<grpc::Channel> Connect(int count, char** arguments) {
  grpc::ChannelArguments options;
  options.SetServiceConfigJSON(Read(std::getenv("BOWERBIRD_SERVICE_CONFIG")));
  auto credentials = grpc::InsecureChannelCredentials();
  if (count > 2) {
    grpc::SslCredentialsOptions files;
    files.pem_root_certs = Read(arguments[2]);
    if (count > 4) {
      files.pem_cert_chain = Read(arguments[3]);
      files.pem_private_key = Read(arguments[4]);
    }
    credentials = grpc::SslCredentials(files);
  }
  return grpc::CreateCustomChannel(arguments[1], credentials, options);
}

void Check(const grpc::Status& status) {
  if (status.ok()) return;
  std::cerr << status.error_code() << ": " << status.error_message() << "\n";
  std::exit(1);
}

struct Context : grpc::ClientContext {
  explicit Context(std::chrono::milliseconds bound = std::chrono::seconds(10)) {
    set_deadline(Clock::now() + bound);
  }
};

void AddClick(v1::StreamRecordsRequest& request, const std::string& user, const std::string& item) {
  auto* interaction = request.add_records()->mutable_interaction();
  interaction->set_user_id(user);
  auto* event = interaction->mutable_event();
  event->set_event_type("click");
  event->set_item_id(item);
  const auto now = Clock::now().time_since_epoch();
  event->mutable_sent_at()->set_seconds(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

int main(int count, char** arguments) {
  auto channel = Connect(count, arguments);
  auto datasets = v1::DatasetsService::NewStub(channel);
  auto events = v1::EventsService::NewStub(channel);
  auto recommendations = v1::RecommendationsService::NewStub(channel);

  // Create: a group with schemas, datasets, a tracker and a campaign that answers at once.
  v1::CreateDatasetGroupRequest create;
  create.set_name("cpp-" + std::to_string(Clock::now().time_since_epoch().count()));
  create.set_starter(true);
  v1::CreateDatasetGroupResponse made;
  {
    Context context;
    Check(datasets->CreateDatasetGroup(&context, create, &made));
  }
  const std::string group = made.dataset_group().resource_name();

  // Import, compressed.
  v1::PutItemsRequest items;
  items.set_dataset_group(group);
  for (int n = 0; n < 100; ++n) {
    auto* item = items.add_items();
    item->set_item_id("lamp-" + std::to_string(n));
    item->set_properties(R"({"COLOUR": "red"})");
  }
  v1::PutItemsResponse imported;
  {
    Context context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    Check(events->PutItems(&context, items, &imported));
  }
  std::cout << "imported " << imported.applied_count() << std::endl;

  // Stream: each batch is answered once it is durable and seen by every later read.
  v1::StreamRecordsResponse answered;
  {
    Context context;
    auto stream = events->StreamRecords(&context);
    unsigned streamed = 0;
    for (int batch = 0; batch < 5; ++batch) {
      v1::StreamRecordsRequest request;
      request.set_dataset_group(group);
      for (int n = 0; n < 20; ++n) {
        AddClick(request, "user-" + std::to_string(n), "lamp-" + std::to_string((batch + n) % 10));
      }
      if (!stream->Write(request) || !stream->Read(&answered)) break;
      streamed += answered.applied_count();
    }
    stream->WritesDone();
    Check(stream->Finish());
    std::cout << "streamed " << streamed << std::endl;
  }

  // Recommend, on a state that has seen all of it.
  v1::GetRecommendationsRequest question;
  question.set_campaign(made.campaign());
  question.set_user_id("user-1");
  question.set_num_results(5);
  question.set_min_position(answered.position());
  v1::GetRecommendationsResponse answer;
  {
    grpc::ClientContext context;
    Check(recommendations->GetRecommendations(&context, question, &answer));
  }
  std::cout << "recommended " << answer.item_list_size() << std::endl;

  // An error, with the field that it is about.
  {
    Context context;
    v1::PutItemsRequest bad;
    bad.set_dataset_group(group);
    bad.add_items();
    const auto status = events->PutItems(&context, bad, &imported);
    google::rpc::Status rich;
    rich.ParseFromString(status.error_details());
    for (const auto& detail : rich.details()) {
      google::rpc::BadRequest request;
      if (!detail.UnpackTo(&request)) continue;
      std::cout << "refused " << status.error_code() << " " << request.field_violations(0).field() << std::endl;
    }
  }

  // A deadline, and a cancelled call: both end at once, here and on the server.
  {
    Context context(std::chrono::milliseconds(200));
    auto silent = events->StreamRecords(&context);
    silent->Read(&answered);
    std::cout << "deadline " << silent->Finish().error_code() << std::endl;
  }
  {
    Context context;
    auto silent = events->StreamRecords(&context);
    context.TryCancel();
    std::cout << "cancelled " << silent->Finish().error_code() << std::endl;
  }

  const char* seconds = std::getenv("BOWERBIRD_LOOP_SECONDS");
  const auto end = Clock::now() + std::chrono::seconds(seconds ? std::atoi(seconds) : 0);
  while (Clock::now() < end) {
    grpc::ClientContext context;
    Check(recommendations->GetRecommendations(&context, question, &answer));
  }
  std::cout << "done" << std::endl;
}
