import com.bowerbird.v1.CreateDatasetGroupRequest;
import com.bowerbird.v1.DatasetsServiceGrpc;
import com.bowerbird.v1.Event;
import com.bowerbird.v1.EventsServiceGrpc;
import com.bowerbird.v1.GetRecommendationsRequest;
import com.bowerbird.v1.Interaction;
import com.bowerbird.v1.Item;
import com.bowerbird.v1.PutItemsRequest;
import com.bowerbird.v1.RecommendationsServiceGrpc;
import com.bowerbird.v1.Record;
import com.bowerbird.v1.StreamRecordsRequest;
import com.bowerbird.v1.StreamRecordsResponse;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import io.grpc.ChannelCredentials;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.StreamObserver;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Bowerbird from Java with grpc-java: QuickStart ADDRESS [CA [CERTIFICATE KEY]].
 *
 * <p>As Documentation/Clients/python/quick_start.py.
 */
public final class QuickStart {
  /** What Documentation/Clients/service-config.json says of recommendations, for a client without JSON. */
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of("methodConfig", List.of(Map.of(
          "name", List.of(Map.of("service", "bowerbird.v1.RecommendationsService")),
          "waitForReady", true,
          "timeout", "10s",
          "retryPolicy", Map.of(
              "maxAttempts", 5.0, "initialBackoff", "0.05s", "maxBackoff", "1s", "backoffMultiplier", 2.0,
              "retryableStatusCodes", List.of("UNAVAILABLE", "RESOURCE_EXHAUSTED")))));

  private static ManagedChannel connect(String[] arguments) throws IOException {
    ChannelCredentials credentials = InsecureChannelCredentials.create();
    if (arguments.length > 1) {
      TlsChannelCredentials.Builder files =
          TlsChannelCredentials.newBuilder().trustManager(new File(arguments[1]));
      if (arguments.length > 3) files.keyManager(new File(arguments[2]), new File(arguments[3]));
      credentials = files.build();
    }
    return Grpc.newChannelBuilder(arguments[0], credentials)
        .defaultServiceConfig(SERVICE_CONFIG).enableRetry().build();
  }

  /** What a stream answers, one message or its end after the other. */
  private static final class Answers implements StreamObserver<StreamRecordsResponse> {
    final BlockingQueue<Object> queue = new LinkedBlockingQueue<>();

    @Override public void onNext(StreamRecordsResponse answer) { queue.add(answer); }

    @Override public void onError(Throwable error) { queue.add(Status.fromThrowable(error)); }

    @Override public void onCompleted() { queue.add(Status.OK); }
  }

  private static Record click(String user, String item) {
    Event event = Event.newBuilder().setEventType("click").setItemId(item)
        .setSentAt(Timestamp.newBuilder().setSeconds(System.currentTimeMillis() / 1000)).build();
    return Record.newBuilder()
        .setInteraction(Interaction.newBuilder().setUserId(user).setEvent(event)).build();
  }

  public static void main(String[] arguments) throws Exception {
    ManagedChannel channel = connect(arguments);
    DatasetsServiceGrpc.DatasetsServiceBlockingStub datasets = DatasetsServiceGrpc.newBlockingStub(channel);
    EventsServiceGrpc.EventsServiceBlockingStub events = EventsServiceGrpc.newBlockingStub(channel);
    EventsServiceGrpc.EventsServiceStub streams = EventsServiceGrpc.newStub(channel);
    RecommendationsServiceGrpc.RecommendationsServiceBlockingStub recommendations =
        RecommendationsServiceGrpc.newBlockingStub(channel);

    // Create: a group with schemas, datasets, a tracker and a campaign that answers at once.
    var made = datasets.withDeadlineAfter(10, TimeUnit.SECONDS).createDatasetGroup(
        CreateDatasetGroupRequest.newBuilder().setName("java-" + System.nanoTime()).setStarter(true).build());
    String group = made.getDatasetGroup().getResourceName();

    // Import, compressed.
    PutItemsRequest.Builder items = PutItemsRequest.newBuilder().setDatasetGroup(group);
    for (int n = 0; n < 100; n++) {
      items.addItems(Item.newBuilder().setItemId("lamp-" + n).setProperties("{\"COLOUR\": \"red\"}"));
    }
    var done = events.withCompression("gzip").withDeadlineAfter(10, TimeUnit.SECONDS).putItems(items.build());
    System.out.println("imported " + done.getAppliedCount());

    // Stream: each batch is answered once it is durable and seen by every later read.
    Answers answers = new Answers();
    var stream = streams.withDeadlineAfter(10, TimeUnit.SECONDS).streamRecords(answers);
    int streamed = 0;
    long position = 0;
    for (int batch = 0; batch < 5; batch++) {
      StreamRecordsRequest.Builder request = StreamRecordsRequest.newBuilder().setDatasetGroup(group);
      for (int n = 0; n < 20; n++) request.addRecords(click("user-" + n, "lamp-" + (batch + n) % 10));
      stream.onNext(request.build());
      StreamRecordsResponse answer = (StreamRecordsResponse) answers.queue.take();
      streamed += answer.getAppliedCount();
      position = answer.getPosition();
    }
    stream.onCompleted();
    if (!((Status) answers.queue.take()).isOk()) throw new IllegalStateException("the stream failed");
    System.out.println("streamed " + streamed);

    // Recommend, on a state that has seen all of it.
    GetRecommendationsRequest question = GetRecommendationsRequest.newBuilder()
        .setCampaign(made.getCampaign()).setUserId("user-1").setNumResults(5).setMinPosition(position).build();
    System.out.println("recommended " + recommendations.getRecommendations(question).getItemListCount());

    // An error, with the field that it is about.
    try {
      events.putItems(
          PutItemsRequest.newBuilder().setDatasetGroup(group).addItems(Item.getDefaultInstance()).build());
    } catch (StatusRuntimeException error) {
      byte[] octets = error.getTrailers().get(
          Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER));
      for (var detail : com.google.rpc.Status.parseFrom(octets).getDetailsList()) {
        if (!detail.is(BadRequest.class)) continue;
        String field = detail.unpack(BadRequest.class).getFieldViolations(0).getField();
        System.out.println("refused " + error.getStatus().getCode() + " " + field);
      }
    }

    // A deadline, and a cancelled call: both end at once, here and on the server.
    Answers silent = new Answers();
    streams.withDeadlineAfter(200, TimeUnit.MILLISECONDS).streamRecords(silent);
    System.out.println("deadline " + ((Status) silent.queue.take()).getCode());
    Context.CancellableContext context = Context.current().withCancellation();
    context.run(() -> streams.streamRecords(silent));
    context.cancel(null);
    System.out.println("cancelled " + ((Status) silent.queue.take()).getCode());

    String seconds = System.getenv().getOrDefault("BOWERBIRD_LOOP_SECONDS", "0");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.parseLong(seconds));
    while (System.nanoTime() < end) recommendations.getRecommendations(question);
    System.out.println("done");
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }
}
