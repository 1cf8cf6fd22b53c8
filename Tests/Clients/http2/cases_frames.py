"""RFC 9113, section 6: each type of frame."""

from http2 import hpack
from http2.peer import *  # noqa: F403

rfc = Cases("RFC 9113")
NO_WINDOW = [(INITIAL_WINDOW_SIZE, 0)]
MOST = (1 << 31) - 1


def ends_connection(section, title, octets, *codes):
    """A case of a frame that must end the connection, sent while a request is under way on stream 1."""
    @rfc(section, f"{title} ends the connection")
    def _(peer):
        peer.head(1)
        peer.send(octets)
        peer.connection_error(*codes)


# DATA

ends_connection("6.1", "DATA on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR)
ends_connection("6.1", "DATA of nothing but its padding's length", frame(DATA, PADDED, 1, b"\x01"), PROTOCOL_ERROR)
ends_connection("6.1", "more padding than DATA", frame(DATA, PADDED, 1, b"\x06hello"), PROTOCOL_ERROR)
ends_connection("6.1", "padded DATA without a length", frame(DATA, PADDED, 1), FRAME_SIZE_ERROR, PROTOCOL_ERROR)


@rfc("6.1", "padding is no part of the body")
def _(peer):
    peer.head(1)
    for at, octet in enumerate(SHORT_BODY):
        peer.frame(DATA, PADDED, 1, bytes([at, octet]) + b"\0" * at)
    peer.frame(DATA, END_STREAM | PADDED, 1, b"\xff" + b"\0" * 255)
    peer.answered(1)


@rfc("6.1", "padding counts for the windows, which are opened again")
def _(peer):
    peer.head(1)
    peer.body(1, SHORT_BODY[:1], end=False)
    # More than the stream's window in padding alone.
    count = min(peer.stream_window(1) // 256 + 100, 4_200)
    peer.send_within_windows(1, b"\xff" + b"\0" * 255, PADDED, count)
    peer.body(1, SHORT_BODY[1:])
    peer.answered(1)


@rfc("6.1", "empty DATA ends a stream")
def _(peer):
    peer.head(1)
    peer.body(1, end=False)
    peer.body(1, b"")
    peer.answered(1)


# HEADERS

ends_connection("6.2", "HEADERS on stream 0", frame(HEADERS, END_HEADERS, 0, block(fields())), PROTOCOL_ERROR)
ends_connection(
    "6.2", "more padding than HEADERS",
    frame(HEADERS, END_HEADERS | PADDED, 3, b"\xff" + block(fields())[:100]), PROTOCOL_ERROR,
)
ends_connection(
    "6.2", "HEADERS too short for their priority",
    frame(HEADERS, END_HEADERS | WITH_PRIORITY, 3, bytes(4)), FRAME_SIZE_ERROR, PROTOCOL_ERROR,
)

for title, flags, before, after in (
    ("padded", PADDED, b"\x08", bytes(8)), ("with a priority", WITH_PRIORITY, bytes(4) + b"\x10", b""),
    ("padded and with a priority", PADDED | WITH_PRIORITY, b"\xff" + bytes(4) + b"\x10", bytes(255)),
    ("with an exclusive priority", WITH_PRIORITY, b"\x80\0\0\x07\x10", b""),
    ("padded by nothing", PADDED, b"\0", b""),
):
    @rfc("6.2", f"HEADERS {title} are taken")
    def _(peer, flags=flags, before=before, after=after):
        peer.frame(HEADERS, END_HEADERS | flags, 1, before + block(fields()) + after)
        peer.body(1)
        peer.answered(1)


# PRIORITY

ends_connection("6.3", "PRIORITY on stream 0", frame(PRIORITY, 0, 0, bytes(5)), PROTOCOL_ERROR)

for length in (4, 6):
    @rfc("6.3", f"PRIORITY of {length} octets is an error")
    def _(peer, length=length):
        peer.head(1)
        peer.frame(PRIORITY, 0, 1, bytes(length))
        peer.stream_error(1, FRAME_SIZE_ERROR)


@rfc("6.3", "PRIORITY is taken on any stream at any time")
def _(peer):
    for stream in (1, 3, 101, 2, MOST):
        peer.frame(PRIORITY, 0, stream, bytes(4) + b"\xff")
    peer.head(1)
    peer.frame(PRIORITY, 0, 1, struct.pack(">IB", 1 << 31 | 3, 0))
    peer.body(1)
    peer.answered(1)
    peer.frame(PRIORITY, 0, 1, bytes(5))
    peer.goes_on(3)


# RST_STREAM

ends_connection("6.4", "RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, bytes(4)), PROTOCOL_ERROR)
ends_connection("6.4", "RST_STREAM of 3 octets", frame(RST_STREAM, 0, 1, bytes(3)), FRAME_SIZE_ERROR)
ends_connection("6.4", "RST_STREAM of 5 octets", frame(RST_STREAM, 0, 1, bytes(5)), FRAME_SIZE_ERROR)


@rfc("6.4", "nothing comes on a stream that was reset")
def _(peer):
    peer.long_request(1)
    peer.until(lambda: peer.answer(1).body, "DATA")
    peer.frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
    peer.alive()
    count = len(peer.frames)
    peer.open_window(0, 1 << 20)
    peer.open_window(1, 1 << 20)
    peer.goes_on(3)
    late = [found for found in peer.frames[count:] if found[2] == 1]
    peer.expect(not late, f"{len(late)} frames behind RST_STREAM")


# SETTINGS

ends_connection("6.5", "SETTINGS ACK with a payload", frame(SETTINGS, ACK, 0, bytes(6)), FRAME_SIZE_ERROR)
ends_connection("6.5", "SETTINGS on a stream", frame(SETTINGS, 0, 1), PROTOCOL_ERROR)
ends_connection("6.5", "SETTINGS of 5 octets", frame(SETTINGS, 0, 0, bytes(5)), FRAME_SIZE_ERROR)


@rfc("6.5", "of two values of a setting the last holds")
def _(peer):
    peer.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)))
    peer.request(1)
    peer.until(lambda: peer.answer(1).body, "DATA")
    peer.alive()
    peer.expect(len(peer.answer(1).body) == 1, f"{len(peer.answer(1).body)} octets in a window of 1")


for name, value, code in (
    (ENABLE_PUSH, 2, PROTOCOL_ERROR), (INITIAL_WINDOW_SIZE, 1 << 31, FLOW_CONTROL_ERROR),
    (MAX_FRAME_SIZE, 16_383, PROTOCOL_ERROR), (MAX_FRAME_SIZE, 1 << 24, PROTOCOL_ERROR),
):
    ends_connection("6.5.2", f"setting {name} of {value}", frame(SETTINGS, 0, 0, settings((name, value))), code)

for name, value in (
    (HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 0xFFFFFFFF), (ENABLE_PUSH, 0), (ENABLE_PUSH, 1),
    (MAX_CONCURRENT_STREAMS, 0), (INITIAL_WINDOW_SIZE, MOST), (MAX_FRAME_SIZE, 16_384),
    (MAX_FRAME_SIZE, (1 << 24) - 1), (MAX_HEADER_LIST_SIZE, 0xFFFFFFFF),
):
    @rfc("6.5.2", f"setting {name} of {value} is taken")
    def _(peer, name=name, value=value):
        if name == HEADER_TABLE_SIZE:
            peer.reader.allowed = value
        peer.frame(SETTINGS, 0, 0, settings((name, value)))
        peer.goes_on(1)
        peer.goes_on(3)


@rfc("6.5.2", "the server's own settings are within their bounds")
def _(peer):
    said = peer.server_settings
    peer.expect(said.get(ENABLE_PUSH, 0) == 0, "a server that sets ENABLE_PUSH")
    peer.expect(said.get(INITIAL_WINDOW_SIZE, 0) <= MOST, "its window")
    peer.expect(16_384 <= said.get(MAX_FRAME_SIZE, 16_384) < 1 << 24, "its frame size")
    peer.expect(said.get(MAX_CONCURRENT_STREAMS, 100) >= 100, "fewer than 100 streams")


@rfc("6.5.2", "no frame is above 16,384 octets", pairs=[(INITIAL_WINDOW_SIZE, 1 << 20)])
def _(peer):
    peer.open_window(0, 1 << 20)
    peer.long_request(1)
    sizes = peer.answered(1).data_sizes
    peer.expect(max(sizes) <= 16_384, f"DATA of {max(sizes)} octets")


@rfc("6.5.3", "each SETTINGS is acknowledged once")
def _(peer):
    for value in range(3):
        peer.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, WINDOW - value)))
    peer.alive()
    peer.expect(peer.settings_acks == 4, f"{peer.settings_acks - 1} acknowledgements of 3")


@rfc("6.5.3", "an acknowledgement of nothing is ignored or ends the connection")
def _(peer):
    peer.frame(SETTINGS, ACK)
    try:
        peer.goes_on(1)
    except Failed:
        peer.connection_error(PROTOCOL_ERROR)


@rfc("6.5.3", "a table of no size holds before the acknowledgement, and is told of")
def _(peer):
    peer.goes_on(1)
    peer.frame(SETTINGS, 0, 0, settings((HEADER_TABLE_SIZE, 0)))
    peer.alive()
    peer.reader.allowed = 0
    peer.goes_on(3)
    peer.expect(peer.reader.most == 0, "no size update")
    peer.goes_on(5)


# PUSH_PROMISE

ends_connection(
    "6.6", "PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block(fields())), PROTOCOL_ERROR
)

# PING


@rfc("6.7", "PING is answered by what it holds")
def _(peer):
    for text in (b"\0" * 8, b"\xff" * 8, b"12345678"):
        peer.frame(PING, 0, 0, text)
    peer.until(lambda: len(peer.pings) == 3, "3 answers")
    peer.expect(peer.pings == [b"\0" * 8, b"\xff" * 8, b"12345678"], f"{peer.pings}")


@rfc("6.7", "PING ACK is not answered")
def _(peer):
    peer.frame(PING, ACK, 0, b"nothing!")
    peer.alive()
    peer.expect(peer.pings == [b"are you?"], f"{peer.pings}")
    peer.expect(not [1 for kind, flags, _, _ in peer.frames if kind == PING and not flags], "a PING")


@rfc("6.7", "PING is answered while no window is open", pairs=NO_WINDOW)
def _(peer):
    peer.long_request(1)
    peer.waits(1)
    peer.alive()


ends_connection("6.7", "PING on a stream", frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR)
ends_connection("6.7", "PING of 7 octets", frame(PING, 0, 0, bytes(7)), FRAME_SIZE_ERROR)
ends_connection("6.7", "PING of 9 octets", frame(PING, 0, 0, bytes(9)), FRAME_SIZE_ERROR)

# GOAWAY

ends_connection("6.8", "GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR)
ends_connection("6.8", "GOAWAY of 7 octets", frame(GOAWAY, 0, 0, bytes(7)), FRAME_SIZE_ERROR)


@rfc("6.8", "what runs is answered behind a client's GOAWAY", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.frame(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR) + b"see you")
    peer.open_window(1, 1_000)
    peer.answered(1)


# WINDOW_UPDATE

ends_connection("6.9", "WINDOW_UPDATE of 0 on the connection", frame(WINDOW_UPDATE, 0, 0, bytes(4)), PROTOCOL_ERROR)
ends_connection("6.9", "WINDOW_UPDATE of 3 octets", frame(WINDOW_UPDATE, 0, 0, bytes(3)), FRAME_SIZE_ERROR)
ends_connection("6.9", "WINDOW_UPDATE of 5 octets", frame(WINDOW_UPDATE, 0, 1, bytes(5)), FRAME_SIZE_ERROR)


@rfc("6.9", "WINDOW_UPDATE of 0 on a stream is an error")
def _(peer):
    peer.head(1)
    peer.open_window(1, 0)
    peer.stream_error(1, PROTOCOL_ERROR)


@rfc("6.9", "the reserved bit of an increment is ignored", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.open_window(1, 1 << 31 | 1_000)
    peer.answered(1)


@rfc("6.9.1", "DATA keeps to a stream's window", pairs=[(INITIAL_WINDOW_SIZE, 1)])
def _(peer):
    peer.request(1)
    for octets in (1, 2, 4):
        peer.until(lambda octets=octets: len(peer.answer(1).body) >= octets, f"{octets} octets")
        peer.alive()
        peer.expect(len(peer.answer(1).body) == octets, "DATA above the window")
        peer.open_window(1, octets)
    peer.answered(1)


ends_connection("6.9.1", "a connection's window above its bound", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
                FLOW_CONTROL_ERROR)


@rfc("6.9.1", "a stream's window above its bound is an error", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.send(2 * frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", MOST)))
    peer.stream_error(1, FLOW_CONTROL_ERROR)


@rfc("6.9.2", "a new size of windows holds for open streams", pairs=NO_WINDOW)
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 1)))
    peer.until(lambda: peer.answer(1).body, "DATA")
    peer.alive()
    peer.expect(len(peer.answer(1).body) == 1, "DATA above the window")


@rfc("6.9.2", "a window may become negative", pairs=[(INITIAL_WINDOW_SIZE, 3)])
def _(peer):
    peer.request(1)
    peer.until(lambda: len(peer.answer(1).body) == 3, "3 octets")
    peer.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 1)))
    peer.open_window(1, 2)
    peer.alive()
    peer.expect(len(peer.answer(1).body) == 3, "DATA in a window of 0")
    peer.open_window(1, 1)
    peer.until(lambda: len(peer.answer(1).body) == 4, "4 octets")


@rfc("6.9.2", "SETTINGS that bring an open window above its bound end the connection",
     pairs=[(INITIAL_WINDOW_SIZE, 1)])
def _(peer):
    peer.long_request(1)
    peer.until(lambda: peer.answer(1).body, "DATA")
    # Some of the window is used: an increment brings it to its bound.
    peer.open_window(1, 1 << 30)
    peer.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, MOST)))
    peer.connection_error(FLOW_CONTROL_ERROR)


@rfc("6.9.2", "SETTINGS leave the connection's window alone", pairs=[(INITIAL_WINDOW_SIZE, 1 << 20)])
def _(peer):
    peer.long_request(1)
    peer.until(lambda: len(peer.answer(1).body) >= WINDOW, "a full window")
    peer.alive()
    peer.expect(len(peer.answer(1).body) == WINDOW, f"{len(peer.answer(1).body)} octets")


# CONTINUATION


@rfc("6.10", "a block may go on in many frames, some of them empty")
def _(peer):
    coded = block(fields())
    peer.frame(HEADERS, 0, 1, coded[:10])
    for at in range(10, 15):
        peer.frame(CONTINUATION, 0, 1, coded[at : at + 1])
    peer.frame(CONTINUATION, 0, 1)
    peer.frame(CONTINUATION, END_HEADERS, 1, coded[15:])
    peer.body(1)
    peer.answered(1)


@rfc("6.10", "END_STREAM of HEADERS holds behind CONTINUATION")
def _(peer):
    coded = block(fields())
    peer.frame(HEADERS, END_STREAM, 1, coded[:10])
    peer.frame(CONTINUATION, END_HEADERS, 1, coded[10:])
    peer.until(lambda: peer.answer(1).is_ended or peer.answer(1).reset is not None, "answer")


OPEN = frame(HEADERS, 0, 3, block(fields()))
ends_connection("6.10", "CONTINUATION on stream 0",
                OPEN + frame(CONTINUATION, END_HEADERS, 0, hpack.plain("a", "b")), PROTOCOL_ERROR)
ends_connection("6.10", "CONTINUATION on another stream",
                OPEN + frame(CONTINUATION, END_HEADERS, 1, hpack.plain("a", "b")), PROTOCOL_ERROR)
ends_connection("6.10", "CONTINUATION behind a block that ended",
                frame(CONTINUATION, END_HEADERS, 1, hpack.plain("a", "b")), PROTOCOL_ERROR)
ends_connection("6.10", "CONTINUATION behind one that ended the block",
                OPEN + frame(CONTINUATION, END_HEADERS, 3) + frame(CONTINUATION, END_HEADERS, 3), PROTOCOL_ERROR)
ends_connection("6.10", "CONTINUATION behind DATA",
                frame(DATA, 0, 1, SHORT_BODY) + frame(CONTINUATION, END_HEADERS, 1), PROTOCOL_ERROR)
ends_connection("6.10", "a block that another frame cuts",
                OPEN + frame(CONTINUATION, 0, 3) + frame(DATA, 0, 3, b"x"), PROTOCOL_ERROR)
