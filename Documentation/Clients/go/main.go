// Bowerbird from Go with grpc-go.
//
//	quick_start ADDRESS [CA [CERTIFICATE KEY]]
//
// As Documentation/Clients/python/quick_start.py. BOWERBIRD_SERVICE_CONFIG names service-config.json;
// grpc-go before 1.40 retries only with GRPC_GO_RETRY=on in the environment.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/ioutil"
	"log"
	"os"
	"strconv"
	"time"

	pb "github.com/bowerbird/bowerbird/gen/go/bowerbird/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	_ "google.golang.org/grpc/health" // Asks servers whether they serve, as the service config says.
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func connect(address string, files []string) *grpc.ClientConn {
	config, err := ioutil.ReadFile(os.Getenv("BOWERBIRD_SERVICE_CONFIG"))
	check(err)
	security := grpc.WithInsecure()
	if len(files) > 0 {
		ca, err := ioutil.ReadFile(files[0])
		check(err)
		trusted := &tls.Config{RootCAs: x509.NewCertPool()}
		trusted.RootCAs.AppendCertsFromPEM(ca)
		if len(files) == 3 {
			pair, err := tls.LoadX509KeyPair(files[1], files[2])
			check(err)
			trusted.Certificates = []tls.Certificate{pair}
		}
		security = grpc.WithTransportCredentials(credentials.NewTLS(trusted))
	}
	conn, err := grpc.Dial(address, security, grpc.WithDefaultServiceConfig(string(config)))
	check(err)
	return conn
}

func click(user, item string) *pb.Record {
	event := &pb.Event{EventType: "click", ItemId: item, SentAt: timestamppb.Now()}
	return &pb.Record{Record: &pb.Record_Interaction{Interaction: &pb.Interaction{UserId: user, Event: event}}}
}

func within(duration time.Duration) context.Context {
	ctx, _ := context.WithTimeout(context.Background(), duration) //nolint:govet // Ends by itself.
	return ctx
}

func main() {
	conn := connect(os.Args[1], os.Args[2:])
	defer conn.Close()
	datasets := pb.NewDatasetsServiceClient(conn)
	events := pb.NewEventsServiceClient(conn)
	recommendations := pb.NewRecommendationsServiceClient(conn)

	// Create: a group with schemas, datasets, a tracker and a campaign that answers at once.
	made, err := datasets.CreateDatasetGroup(within(10*time.Second), &pb.CreateDatasetGroupRequest{
		Name: fmt.Sprintf("go-%d", time.Now().UnixNano()), Starter: true,
	})
	check(err)
	group := made.DatasetGroup.ResourceName

	// Import, compressed.
	request := &pb.PutItemsRequest{DatasetGroup: group}
	for n := 0; n < 100; n++ {
		request.Items = append(request.Items, &pb.Item{ItemId: fmt.Sprintf("lamp-%d", n), Properties: `{"COLOUR": "red"}`})
	}
	done, err := events.PutItems(within(10*time.Second), request, grpc.UseCompressor(gzip.Name))
	check(err)
	fmt.Println("imported", done.AppliedCount)

	// Stream: each batch is answered once it is durable and seen by every later read.
	stream, err := events.StreamRecords(within(10 * time.Second))
	check(err)
	streamed, position := uint32(0), uint64(0)
	for batch := 0; batch < 5; batch++ {
		request := &pb.StreamRecordsRequest{DatasetGroup: group}
		for n := 0; n < 20; n++ {
			request.Records = append(request.Records, click(fmt.Sprintf("user-%d", n), fmt.Sprintf("lamp-%d", (batch+n)%10)))
		}
		check(stream.Send(request))
		answer, err := stream.Recv()
		check(err)
		streamed += answer.AppliedCount
		position = answer.Position
	}
	check(stream.CloseSend())
	if _, err := stream.Recv(); err != io.EOF {
		log.Fatal("not the end: ", err)
	}
	fmt.Println("streamed", streamed)

	// Recommend, on a state that has seen all of it.
	question := &pb.GetRecommendationsRequest{
		Campaign: made.Campaign, UserId: "user-1", NumResults: proto.Int32(5), MinPosition: position,
	}
	answer, err := recommendations.GetRecommendations(context.Background(), question)
	check(err)
	fmt.Println("recommended", len(answer.ItemList))

	// An error, with the field that it is about.
	_, err = events.PutItems(within(10*time.Second), &pb.PutItemsRequest{DatasetGroup: group, Items: []*pb.Item{{}}})
	for _, detail := range status.Convert(err).Details() {
		if request, ok := detail.(*errdetails.BadRequest); ok {
			fmt.Println("refused", status.Code(err), request.FieldViolations[0].Field)
		}
	}

	// A deadline, and a cancelled call: both end at once, here and on the server.
	silent, err := events.StreamRecords(within(200 * time.Millisecond))
	check(err)
	_, err = silent.Recv()
	fmt.Println("deadline", status.Code(err))
	ctx, cancel := context.WithCancel(context.Background())
	silent, err = events.StreamRecords(ctx)
	check(err)
	cancel()
	_, err = silent.Recv()
	fmt.Println("cancelled", status.Code(err))

	seconds, _ := strconv.ParseFloat(os.Getenv("BOWERBIRD_LOOP_SECONDS"), 64)
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); {
		_, err := recommendations.GetRecommendations(context.Background(), question)
		check(err)
	}
	fmt.Println("done")
}
