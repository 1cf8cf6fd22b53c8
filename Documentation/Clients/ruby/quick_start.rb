# Bowerbird from Ruby with grpc.
#
#   quick_start.rb ADDRESS [CA [CERTIFICATE KEY]]
#
# As Documentation/Clients/python/quick_start.py.

require 'grpc'
require 'bowerbird/v1/datasets_services_pb'
require 'bowerbird/v1/events_services_pb'
require 'bowerbird/v1/recommendations_services_pb'
require 'google/protobuf/well_known_types'
require 'google/rpc/error_details_pb'
require 'google/rpc/status_pb'

include Bowerbird::V1

$stdout.sync = true
address, ca, certificate, key = ARGV
credentials = :this_channel_is_insecure
credentials = GRPC::Core::ChannelCredentials.new(*[ca, key, certificate].map { |path| path && File.read(path) }) if ca
# Retries what may be repeated, and asks each server whether it serves before it sends it calls.
config = File.read(File.join(__dir__, '..', 'service-config.json'))
options = { channel_args: { 'grpc.service_config' => config } }
datasets = DatasetsService::Stub.new(address, credentials, **options)
events = EventsService::Stub.new(address, credentials, **options)
recommendations = RecommendationsService::Stub.new(address, credentials, **options)
# A channel of its own compresses: gRPC 1.51 crashes when a compressed one asks servers whether they serve.
gzip = GRPC::Core::CompressionOptions.new(default_algorithm: :gzip).to_channel_arg_hash
importer = EventsService::Stub.new(address, credentials, channel_args: gzip)

def click(user, item)
  event = Event.new(event_type: 'click', item_id: item, sent_at: Google::Protobuf::Timestamp.new(seconds: Time.now.to_i))
  Record.new(interaction: Interaction.new(user_id: user, event: event))
end

# Create: a group with schemas, datasets, a tracker and a campaign that answers at once.
name = "ruby-#{Process.clock_gettime(Process::CLOCK_REALTIME, :nanosecond)}"
made = datasets.create_dataset_group(CreateDatasetGroupRequest.new(name: name, starter: true), deadline: Time.now + 10)
group = made.dataset_group.resource_name

# Import, compressed.
items = (0...100).map { |n| Item.new(item_id: "lamp-#{n}", properties: '{"COLOUR": "red"}') }
done = importer.put_items(PutItemsRequest.new(dataset_group: group, items: items), deadline: Time.now + 10)
puts "imported #{done.applied_count}"

# Stream: each batch is answered once it is durable and seen by every later read.
batches = (0...5).map do |batch|
  records = (0...20).map { |n| click("user-#{n}", "lamp-#{(batch + n) % 10}") }
  StreamRecordsRequest.new(dataset_group: group, records: records)
end
answers = events.stream_records(batches, deadline: Time.now + 10).to_a
puts "streamed #{answers.sum(&:applied_count)}"

# Recommend, on a state that has seen all of it.
question = GetRecommendationsRequest.new(
  campaign: made.campaign, user_id: 'user-1', num_results: 5, min_position: answers.last.position
)
puts "recommended #{recommendations.get_recommendations(question).item_list.size}"

# An error, with the field that it is about.
begin
  events.put_items(PutItemsRequest.new(dataset_group: group, items: [Item.new]), deadline: Time.now + 10)
rescue GRPC::BadStatus => error
  Google::Rpc::Status.decode(error.metadata['grpc-status-details-bin']).details.each do |detail|
    next unless detail.is(Google::Rpc::BadRequest)

    puts "refused #{error.code} #{detail.unpack(Google::Rpc::BadRequest).field_violations.first.field}"
  end
end

# A deadline, and a cancelled call: both end at once, here and on the server.
silence = Enumerator.new { |_| sleep 1 }
begin
  events.stream_records(silence, deadline: Time.now + 0.2).to_a
rescue GRPC::BadStatus => error
  puts "deadline #{error.code}"
end
call = events.stream_records(silence, return_op: true)
answers = call.execute
call.cancel
begin
  answers.to_a
rescue GRPC::BadStatus => error
  puts "cancelled #{error.code}"
end

seconds = Integer(ENV.fetch('BOWERBIRD_LOOP_SECONDS', '0'))
finish = Time.now + seconds
recommendations.get_recommendations(question) while Time.now < finish
puts 'done'
