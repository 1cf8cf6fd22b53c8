"""RFC 9113, sections 3 to 5: the preface, frames, header blocks, streams and errors."""

from http2 import hpack
from http2.peer import *  # noqa: F403

rfc = Cases("RFC 9113")
NO_WINDOW = [(INITIAL_WINDOW_SIZE, 0)]


@rfc("3.4", "the server's first frame is SETTINGS", first=PREFACE + frame(SETTINGS))
def _(peer):
    peer.until(lambda: peer.frames, "frame")
    kind, flags, stream, _ = peer.frames[0]
    peer.expect((kind, flags, stream) == (SETTINGS, 0, 0), f"first came {peer.frames[0]}")


@rfc("3.4", "the client's SETTINGS are acknowledged", first=PREFACE + frame(SETTINGS))
def _(peer):
    peer.until(lambda: peer.settings_acks == 1, "SETTINGS ACK")


@rfc("3.4", "a preface may come octet by octet", first=b"")
def _(peer):
    for octet in PREFACE + frame(SETTINGS):
        peer.send(bytes([octet]))
    peer.until(lambda: peer.settings_acks == 1, "SETTINGS ACK")
    peer.goes_on(1)


@rfc("3.4", "a request may come with the preface",
     first=PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, block(fields()))
     + frame(DATA, END_STREAM, 1, SHORT_BODY))
def _(peer):
    peer.answered(1)


for title, first in {
    "another preface ends the connection": b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + frame(SETTINGS),
    "octets that are no preface end the connection": bytes(24) + frame(SETTINGS),
}.items():
    @rfc("3.4", title, first=first)
    def _(peer):
        peer.until(lambda: peer.is_ended, "end of the connection")


for title, second in {
    "PING": frame(PING, 0, 0, bytes(8)), "HEADERS": frame(HEADERS, END_HEADERS, 1, block(fields())),
    "SETTINGS ACK": frame(SETTINGS, ACK), "DATA": frame(DATA, 0, 1, b"x"),
}.items():
    @rfc("3.4", f"{title} instead of the first SETTINGS ends the connection", first=PREFACE + second)
    def _(peer):
        peer.connection_error(PROTOCOL_ERROR)


@rfc("4.1", "a frame of an unknown type is ignored")
def _(peer):
    peer.frame(UNKNOWN, 0xFF, 0, b"anything")
    peer.goes_on(1)


@rfc("4.1", "a frame of an unknown type on a stream is ignored")
def _(peer):
    peer.head(1)
    peer.frame(UNKNOWN, 0xFF, 1, b"anything")
    peer.body(1)
    peer.answered(1)


@rfc("4.1", "flags without a meaning are ignored")
def _(peer):
    peer.frame(PING, 0xFE, 0, b"flagged!")
    peer.until(lambda: peer.pings == [b"flagged!"], "answer to PING")
    peer.frame(HEADERS, END_HEADERS | 0xD2, 1, block(fields()))
    peer.frame(DATA, END_STREAM | 0xF6, 1, SHORT_BODY)
    peer.answered(1)


@rfc("4.1", "the reserved bit of a stream's number is ignored")
def _(peer):
    peer.frame(PING, 0, 1 << 31, b"reserved")
    peer.until(lambda: peer.pings == [b"reserved"], "answer to PING")
    peer.frame(HEADERS, END_HEADERS, 1 << 31 | 1, block(fields()))
    peer.frame(DATA, END_STREAM, 1 << 31 | 1, SHORT_BODY)
    peer.answered(1)


@rfc("4.2", "a frame of 16,384 octets is taken")
def _(peer):
    peer.frame(UNKNOWN, 0, 0, bytes(16_384))
    peer.head(1, fields(path=LONG))
    body = (long_body() * 40)[: 16_384]
    peer.body(1, body, end=False)
    peer.alive()


@rfc("4.2", "DATA above the size of a frame is an error")
def _(peer):
    peer.head(1)
    peer.body(1, bytes(16_385))
    peer.stream_error(1, FRAME_SIZE_ERROR)


for title, oversized in {
    "HEADERS": frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields()) + hpack.plain("x", "v" * 16_384)),
    "SETTINGS": frame(SETTINGS, 0, 0, settings((0xEEEE, 1)) * 2_731),
    "a frame of an unknown type": frame(UNKNOWN, 0, 0, bytes(16_385)),
    "CONTINUATION": frame(HEADERS, 0, 1, block(fields()))
    + frame(CONTINUATION, END_HEADERS, 1, hpack.plain("x", "v" * 16_384)),
}.items():
    @rfc("4.2", f"{title} above the size of a frame ends the connection")
    def _(peer, oversized=oversized):
        peer.send(oversized)
        peer.connection_error(FRAME_SIZE_ERROR)


@rfc("4.3", "a header block that can't be decoded ends the connection")
def _(peer):
    peer.head(1, coded=b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
    peer.connection_error(COMPRESSION_ERROR)


@rfc("4.3", "a header block that ends within a field ends the connection")
def _(peer):
    peer.head(1, coded=block(fields())[:-3])
    peer.connection_error(COMPRESSION_ERROR)


@rfc("4.3", "a header block may be cut anywhere")
def _(peer):
    coded = block(fields())
    for at in (1, 2, len(coded) // 2, len(coded) - 1):
        stream = 2 * at + 1
        peer.frame(HEADERS, 0, stream, coded[:at])
        peer.frame(CONTINUATION, END_HEADERS, stream, coded[at:])
        peer.body(stream)
        peer.answered(stream)


@rfc("4.3", "the header block of a malformed request still changes the table")
def _(peer):
    peer.head(1, coded=hpack.remembered(":path", SHORT) + block(fields(("X", "upper case"), without=[":path"])))
    peer.stream_error(1, PROTOCOL_ERROR)
    peer.request(3, coded=block(fields(without=[":path"])[:2]) + hpack.indexed(62)
                 + block(fields(without=[":path"])[2:]))
    peer.answered(3)


for title, other in {
    "PRIORITY": frame(PRIORITY, 0, 1, bytes(5)), "PING": frame(PING, 0, 0, bytes(8)),
    "DATA": frame(DATA, 0, 1, b"x"), "HEADERS of another stream": frame(HEADERS, END_HEADERS, 3, block(fields())),
    "SETTINGS": frame(SETTINGS), "WINDOW_UPDATE": frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
}.items():
    @rfc("4.3", f"{title} within a header block ends the connection")
    def _(peer, other=other):
        peer.frame(HEADERS, 0, 1, block(fields()))
        peer.send(other)
        peer.connection_error(PROTOCOL_ERROR)


for title, early in {
    "DATA": frame(DATA, END_STREAM, 1, b"x"), "RST_STREAM": frame(RST_STREAM, 0, 1, bytes(4)),
    "WINDOW_UPDATE": frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1"),
    "CONTINUATION": frame(CONTINUATION, END_HEADERS, 1, block(fields())),
}.items():
    @rfc("5.1", f"idle: {title} ends the connection")
    def _(peer, early=early):
        peer.send(early)
        peer.connection_error(PROTOCOL_ERROR)


@rfc("5.1", "idle: PRIORITY is taken")
def _(peer):
    peer.frame(PRIORITY, 0, 1, bytes(4) + b"\x10")
    peer.goes_on(1)


# The answer waits for a window, so that the stream is half-closed and not closed.
for title, late in {
    "DATA": frame(DATA, END_STREAM, 1, b"x"),
    "HEADERS": frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields())),
}.items():
    @rfc("5.1", f"half-closed (remote): {title} is an error", pairs=NO_WINDOW)
    def _(peer, late=late):
        peer.request(1)
        peer.waits(1)
        peer.send(late)
        peer.stream_error(1, STREAM_CLOSED)


@rfc("5.1", "half-closed (remote): CONTINUATION ends the connection", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.frame(CONTINUATION, END_HEADERS, 1, block(fields()))
    peer.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@rfc("5.1", "half-closed (remote): WINDOW_UPDATE and PRIORITY are taken", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.frame(PRIORITY, 0, 1, bytes(4) + b"\x10")
    peer.open_window(1, 1_000)
    peer.answered(1)


@rfc("5.1", "half-closed (remote): RST_STREAM closes the stream", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
    peer.alive()
    peer.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, WINDOW)))
    peer.goes_on(3)
    peer.expect(not peer.answer(1).body, "an answer on a stream that was reset")


def reset_by_client(peer):
    peer.head(1)
    peer.frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))


def ended_by_both(peer):
    peer.request(1)
    peer.answered(1)


for state, close in {"reset by the client": reset_by_client, "ended by both": ended_by_both}.items():
    @rfc("5.1", f"closed, {state}: DATA is an error or ignored, and counts for the window")
    def _(peer, close=close):
        close(peer)
        peer.body(1, b"x" * 1_000)
        try:
            # RFC 7540 wants STREAM_CLOSED; RFC 9113 lets a server ignore it.
            peer.goes_on(3)
            peer.expect(peer.answer(1).reset in (None, NO_ERROR, STREAM_CLOSED), f"{peer.answer(1).reset}")
        except Failed:
            peer.connection_error(STREAM_CLOSED)

    @rfc("5.1", f"closed, {state}: HEADERS is an error")
    def _(peer, close=close):
        close(peer)
        peer.head(1, end=True)
        peer.stream_error(1, STREAM_CLOSED, PROTOCOL_ERROR)

    @rfc("5.1", f"closed, {state}: CONTINUATION ends the connection")
    def _(peer, close=close):
        close(peer)
        peer.frame(CONTINUATION, END_HEADERS, 1, block(fields()))
        peer.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)

    @rfc("5.1", f"closed, {state}: PRIORITY, WINDOW_UPDATE and RST_STREAM are ignored")
    def _(peer, close=close):
        close(peer)
        peer.frame(PRIORITY, 0, 1, bytes(4) + b"\x10")
        peer.open_window(1, 1)
        peer.frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
        peer.goes_on(3)


for title, late in {
    "DATA": frame(DATA, END_STREAM, 1, b"x"),
    "trailers": frame(HEADERS, END_HEADERS | END_STREAM, 1, block([("a", "b")])),
    "WINDOW_UPDATE, PRIORITY and RST_STREAM": frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")
    + frame(PRIORITY, 0, 1, bytes(5)) + frame(RST_STREAM, 0, 1, bytes(4)),
}.items():
    @rfc("5.1", f"closed, reset by the server: {title} may be under way")
    def _(peer, late=late):
        peer.head(1, fields(("X", "upper case")))
        peer.until(lambda: peer.answer(1).reset is not None, "RST_STREAM")
        peer.send(late)
        peer.goes_on(3)


@rfc("5.1.1", "a stream of an even number ends the connection")
def _(peer):
    peer.head(2, end=True)
    peer.connection_error(PROTOCOL_ERROR)


@rfc("5.1.1", "a number below one that was used ends the connection")
def _(peer):
    peer.goes_on(5)
    peer.head(3, end=True)
    peer.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@rfc("5.1.1", "numbers may be left out")
def _(peer):
    peer.goes_on(7)
    peer.goes_on(101)


@rfc("5.1.1", "the largest number is taken")
def _(peer):
    peer.goes_on((1 << 31) - 1)


def fill(peer):
    """Opens as many streams as the server allows."""
    most = peer.server_settings[MAX_CONCURRENT_STREAMS]
    head = block(fields(path=LONG))
    peer.send(b"".join(frame(HEADERS, END_HEADERS, stream, head) for stream in range(1, 2 * most, 2)))
    peer.alive()
    return 2 * most + 1


@rfc("5.1.2", "a stream above the bound is an error")
def _(peer):
    stream = fill(peer)
    peer.head(stream)
    peer.stream_error(stream, PROTOCOL_ERROR, REFUSED_STREAM)


@rfc("5.1.2", "streams that are closed don't count")
def _(peer):
    stream = fill(peer)
    peer.frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
    peer.goes_on(stream)


@rfc("5.2", "streams share the connection's window", pairs=[(INITIAL_WINDOW_SIZE, 1 << 20)])
def _(peer):
    peer.long_request(1)
    peer.until(lambda: len(peer.answer(1).body) >= WINDOW, "window full of DATA")
    peer.request(3)
    peer.waits(3)
    peer.alive()
    peer.expect(len(peer.answer(1).body) == WINDOW and not peer.answer(3).body, "DATA above the window")
    peer.open_window(0, 1 << 20)
    peer.answered(1)
    peer.answered(3)


@rfc("5.4.1", "GOAWAY says how far requests were taken, and the end follows")
def _(peer):
    peer.goes_on(1)
    peer.goes_on(3)
    peer.frame(PING, 0, 1, bytes(8))
    peer.connection_error(PROTOCOL_ERROR)
    last = [payload for kind, _, _, payload in peer.frames if kind == GOAWAY]
    if last:
        peer.expect(struct.unpack(">I", last[-1][:4])[0] == 3, f"last stream in {last[-1]}")


@rfc("5.4.2", "an error of a stream leaves the others alone", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.head(3, fields(("X", "upper case")))
    peer.stream_error(3, PROTOCOL_ERROR)
    peer.open_window(1, 1_000)
    peer.answered(1)


@rfc("5.4.2", "RST_STREAM is not answered by RST_STREAM")
def _(peer):
    peer.head(1)
    peer.alive()
    peer.frame(RST_STREAM, 0, 1, struct.pack(">I", INTERNAL_ERROR))
    peer.goes_on(3)
    peer.expect(peer.answer(1).reset is None, "a reset of what was reset")


@rfc("5.5", "settings and frames of later documents are ignored",
     pairs=[(0x8, 1), (0x9, 1), (0xF000, 0xFFFFFFFF)])
def _(peer):
    peer.frame(0x10, 0, 0, struct.pack(">I", 1) + b"u=1")  # PRIORITY_UPDATE
    peer.goes_on(1)


@rfc("5.5", "a frame of an unknown type within a header block ends the connection")
def _(peer):
    peer.frame(HEADERS, 0, 1, block(fields()))
    peer.frame(UNKNOWN, 0, 1, b"")
    peer.connection_error(PROTOCOL_ERROR)
