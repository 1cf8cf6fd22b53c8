// The cases of gRPC's interoperability tests, by grpc-go: interop ADDRESS CASE.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	pb "bowerbird.test/interop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

const (
	largeRequest  = 271828
	largeResponse = 314159
	echoInitial   = "x-grpc-test-echo-initial"
	echoTrailing  = "x-grpc-test-echo-trailing-bin"
)

var (
	sizesIn  = []int{27182, 8, 1828, 45904}
	sizesOut = []int{31415, 9, 2653, 58979}
)

// sizes notes for each answer whether fewer bytes came than it has.
type sizes struct {
	mutex    sync.Mutex
	isPacked []bool
}

func (s *sizes) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (s *sizes) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (s *sizes) HandleConn(context.Context, stats.ConnStats)                       {}
func (s *sizes) HandleRPC(_ context.Context, seen stats.RPCStats) {
	if in, ok := seen.(*stats.InPayload); ok {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.isPacked = append(s.isPacked, in.WireLength < in.Length)
	}
}

type test struct {
	context context.Context
	conn    *grpc.ClientConn
	stub    pb.TestServiceClient
	seen    *sizes
}

func expect(isTrue bool, format string, values ...interface{}) {
	if !isTrue {
		fmt.Fprintf(os.Stderr, format+"\n", values...)
		os.Exit(1)
	}
}

func expectOK(err error) { expect(err == nil, "%v", err) }

func expectCode(err error, code codes.Code) {
	expect(status.Code(err) == code, "%v, not %v", err, code)
}

func payload(size int) *pb.Payload { return &pb.Payload{Body: make([]byte, size)} }

func simple(responseBytes, requestBytes int) *pb.SimpleRequest {
	return &pb.SimpleRequest{ResponseSize: int32(responseBytes), Payload: payload(requestBytes)}
}

func asked(requestBytes int, answers ...int) *pb.StreamingOutputCallRequest {
	request := &pb.StreamingOutputCallRequest{Payload: payload(requestBytes)}
	for _, size := range answers {
		request.ResponseParameters = append(request.ResponseParameters, &pb.ResponseParameters{Size: int32(size)})
	}
	return request
}

func emptyUnary(t *test) {
	_, err := t.stub.EmptyCall(t.context, &pb.Empty{})
	expectOK(err)
}

func largeUnary(t *test) {
	answer, err := t.stub.UnaryCall(t.context, simple(largeResponse, largeRequest))
	expectOK(err)
	expect(bytes.Equal(answer.Payload.Body, make([]byte, largeResponse)), "another answer")
}

func sumOfStream(t *test, expected *pb.BoolValue, options ...grpc.CallOption) int32 {
	stream, err := t.stub.StreamingInputCall(t.context, options...)
	expectOK(err)
	for _, size := range sizesIn {
		expectOK(stream.Send(&pb.StreamingInputCallRequest{Payload: payload(size), ExpectCompressed: expected}))
	}
	answer, err := stream.CloseAndRecv()
	expectOK(err)
	return answer.AggregatedPayloadSize
}

func clientStreaming(t *test) {
	sum := sumOfStream(t, nil)
	expect(sum == 74922, "a sum of %d", sum)
}

func serverStreaming(t *test) {
	stream, err := t.stub.StreamingOutputCall(t.context, asked(0, sizesOut...))
	expectOK(err)
	for _, size := range sizesOut {
		answer, err := stream.Recv()
		expectOK(err)
		expect(len(answer.Payload.Body) == size, "%d bytes, not %d", len(answer.Payload.Body), size)
	}
	_, err = stream.Recv()
	expect(err == io.EOF, "%v at the end", err)
}

func pingPong(t *test) {
	stream, err := t.stub.FullDuplexCall(t.context)
	expectOK(err)
	for turn, size := range sizesOut {
		expectOK(stream.Send(asked(sizesIn[turn], size)))
		answer, err := stream.Recv()
		expectOK(err)
		expect(len(answer.Payload.Body) == size, "%d bytes, not %d", len(answer.Payload.Body), size)
	}
	expectOK(stream.CloseSend())
	_, err = stream.Recv()
	expect(err == io.EOF, "%v at the end", err)
}

func emptyStream(t *test) {
	stream, err := t.stub.FullDuplexCall(t.context)
	expectOK(err)
	expectOK(stream.CloseSend())
	_, err = stream.Recv()
	expect(err == io.EOF, "%v at the end", err)
}

func customMetadata(t *test) {
	binary := "\xab\xab\x00\xab"
	ctx := metadata.AppendToOutgoingContext(
		t.context, echoInitial, "test_initial_metadata_value", echoTrailing, binary)
	check := func(header, trailer metadata.MD) {
		expect(len(header[echoInitial]) == 1 && header[echoInitial][0] == "test_initial_metadata_value", "%v", header)
		expect(len(trailer[echoTrailing]) == 1 && trailer[echoTrailing][0] == binary, "%v", trailer)
	}
	var header, trailer metadata.MD
	_, err := t.stub.UnaryCall(ctx, simple(largeResponse, largeRequest), grpc.Header(&header), grpc.Trailer(&trailer))
	expectOK(err)
	check(header, trailer)
	stream, err := t.stub.FullDuplexCall(ctx)
	expectOK(err)
	expectOK(stream.Send(asked(largeRequest, largeResponse)))
	_, err = stream.Recv()
	expectOK(err)
	expectOK(stream.CloseSend())
	_, err = stream.Recv()
	expect(err == io.EOF, "%v at the end", err)
	header, err = stream.Header()
	expectOK(err)
	check(header, stream.Trailer())
}

func checkStatus(t *test, message string) {
	asked := &pb.EchoStatus{Code: int32(codes.Unknown), Message: message}
	check := func(err error) {
		found := status.Convert(err)
		expect(found.Code() == codes.Unknown && found.Message() == message, "%v: %q", found.Code(), found.Message())
	}
	_, err := t.stub.UnaryCall(t.context, &pb.SimpleRequest{ResponseStatus: asked})
	check(err)
	stream, err := t.stub.FullDuplexCall(t.context)
	expectOK(err)
	expectOK(stream.Send(&pb.StreamingOutputCallRequest{ResponseStatus: asked}))
	expectOK(stream.CloseSend())
	_, err = stream.Recv()
	check(err)
}

func statusCodeAndMessage(t *test) { checkStatus(t, "test status message") }

func specialStatusMessage(t *test) {
	checkStatus(t, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")
}

func unimplementedMethod(t *test) {
	_, err := t.stub.UnimplementedCall(t.context, &pb.Empty{})
	expectCode(err, codes.Unimplemented)
}

func unimplementedService(t *test) {
	_, err := pb.NewUnimplementedServiceClient(t.conn).UnimplementedCall(t.context, &pb.Empty{})
	expectCode(err, codes.Unimplemented)
}

func cancelAfterBegin(t *test) {
	ctx, cancel := context.WithCancel(t.context)
	stream, err := t.stub.StreamingInputCall(ctx)
	expectOK(err)
	cancel()
	_, err = stream.CloseAndRecv()
	expectCode(err, codes.Canceled)
}

func cancelAfterFirstResponse(t *test) {
	ctx, cancel := context.WithCancel(t.context)
	stream, err := t.stub.FullDuplexCall(ctx)
	expectOK(err)
	expectOK(stream.Send(asked(27182, 31415)))
	_, err = stream.Recv()
	expectOK(err)
	cancel()
	_, err = stream.Recv()
	expectCode(err, codes.Canceled)
}

func timeoutOnSleepingServer(t *test) {
	ctx, cancel := context.WithTimeout(t.context, 100*time.Millisecond)
	defer cancel()
	stream, err := t.stub.FullDuplexCall(ctx)
	expectOK(err)
	request := asked(27182, 31415)
	request.ResponseParameters[0].IntervalUs = 3000000
	expectOK(stream.Send(request))
	_, err = stream.Recv()
	expectCode(err, codes.DeadlineExceeded)
}

func clientCompressedUnary(t *test) {
	request := simple(largeResponse, largeRequest)
	request.ExpectCompressed = &pb.BoolValue{Value: true}
	// The probe: a client that says otherwise than it does is refused.
	_, err := t.stub.UnaryCall(t.context, request)
	expectCode(err, codes.InvalidArgument)
	answer, err := t.stub.UnaryCall(t.context, request, grpc.UseCompressor(gzip.Name))
	expectOK(err)
	expect(len(answer.Payload.Body) == largeResponse, "%d bytes", len(answer.Payload.Body))
	request.ExpectCompressed.Value = false
	_, err = t.stub.UnaryCall(t.context, request)
	expectOK(err)
}

func clientCompressedStreaming(t *test) {
	sum := sumOfStream(t, &pb.BoolValue{Value: true}, grpc.UseCompressor(gzip.Name))
	expect(sum == 74922, "a sum of %d", sum)
}

// acceptingGzip says what grpc-go of Debian 12 understands and does not say of itself.
func acceptingGzip(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "grpc-accept-encoding", "gzip")
}

func serverCompressedUnary(t *test) {
	for _, isPacked := range []bool{true, false} {
		request := simple(largeResponse, 10)
		request.ResponseCompressed = &pb.BoolValue{Value: isPacked}
		answer, err := t.stub.UnaryCall(acceptingGzip(t.context), request)
		expectOK(err)
		expect(len(answer.Payload.Body) == largeResponse, "%d bytes", len(answer.Payload.Body))
	}
	expect(len(t.seen.isPacked) == 2 && t.seen.isPacked[0] && !t.seen.isPacked[1], "%v", t.seen.isPacked)
}

func serverCompressedStreaming(t *test) {
	request := asked(0, 31415, 92653)
	request.ResponseParameters[0].Compressed = &pb.BoolValue{Value: true}
	request.ResponseParameters[1].Compressed = &pb.BoolValue{Value: false}
	stream, err := t.stub.StreamingOutputCall(acceptingGzip(t.context), request)
	expectOK(err)
	for _, size := range []int{31415, 92653} {
		answer, err := stream.Recv()
		expectOK(err)
		expect(len(answer.Payload.Body) == size, "%d bytes, not %d", len(answer.Payload.Body), size)
	}
	_, err = stream.Recv()
	expect(err == io.EOF, "%v at the end", err)
	expect(len(t.seen.isPacked) == 2 && t.seen.isPacked[0] && !t.seen.isPacked[1], "%v", t.seen.isPacked)
}

var cases = map[string]func(*test){
	"empty_unary":                 emptyUnary,
	"large_unary":                 largeUnary,
	"client_streaming":            clientStreaming,
	"server_streaming":            serverStreaming,
	"ping_pong":                   pingPong,
	"empty_stream":                emptyStream,
	"custom_metadata":             customMetadata,
	"status_code_and_message":     statusCodeAndMessage,
	"special_status_message":      specialStatusMessage,
	"unimplemented_method":        unimplementedMethod,
	"unimplemented_service":       unimplementedService,
	"cancel_after_begin":          cancelAfterBegin,
	"cancel_after_first_response": cancelAfterFirstResponse,
	"timeout_on_sleeping_server":  timeoutOnSleepingServer,
	"client_compressed_unary":     clientCompressedUnary,
	"client_compressed_streaming": clientCompressedStreaming,
	"server_compressed_unary":     serverCompressedUnary,
	"server_compressed_streaming": serverCompressedStreaming,
}

func main() {
	if len(os.Args) != 3 || cases[os.Args[2]] == nil {
		fmt.Fprintln(os.Stderr, "usage: interop ADDRESS CASE")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	seen := &sizes{}
	conn, err := grpc.DialContext(ctx, os.Args[1], grpc.WithInsecure(), grpc.WithBlock(), grpc.WithStatsHandler(seen))
	expectOK(err)
	defer conn.Close()
	cases[os.Args[2]](&test{context: ctx, conn: conn, stub: pb.NewTestServiceClient(conn), seen: seen})
}
