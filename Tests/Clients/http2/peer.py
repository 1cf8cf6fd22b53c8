"""A client of HTTP/2 that says exactly what it is told to, right or wrong, and keeps what it hears."""

import socket
import struct
import time

from http2 import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
UNKNOWN = 0xEE
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 0x20
(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
 INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)
WINDOW = 65_535
# How long a server may take to say something.
SECONDS = 3.0

# A call that every server under test answers by a few octets, and one whose answer is long.
SHORT = "/grpc.health.v1.Health/Check"
LONG = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
SHORT_BODY = struct.pack(">BI", 0, 0)


def long_body():
    """Asks for the files of a service, again and again: some hundred thousand octets in all."""
    name = b"bowerbird.v1.RecommendationsService"
    message = bytes([4 << 3 | 2, len(name)]) + name
    return (struct.pack(">BI", 0, len(message)) + message) * 12


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*pairs):
    return b"".join(struct.pack(">HI", name, value) for name, value in pairs)


def fields(*more, path=SHORT, without=(), **changed):
    """The fields of a good request; `method="GET"` changes ':method'; `more` follow."""
    good = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
            "content-type": "application/grpc", "te": "trailers"}
    good.update({f":{name}": value for name, value in changed.items()})
    return [(name, value) for name, value in good.items() if name not in without] + list(more)


def block(some):
    """The fields as literals, one for one."""
    return b"".join(hpack.plain(name, value) for name, value in some)


class Failed(Exception):
    """The server did otherwise than the case asks for."""


class Answer:
    """What has come on one stream."""

    def __init__(self):
        self.blocks = []
        self.body = b""
        self.data_sizes = []
        self.is_ended = False
        self.reset = None


class Peer:
    """One connection."""

    def __init__(self, address, first=None, pairs=(), source=""):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection(
            (host, int(port)), timeout=SECONDS, source_address=(source, 0) if source else None
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.frames = []
        self.answers = {}
        self.server_settings = None
        self.settings_acks = 0
        self.pings = []
        self.goodbye = None
        self.is_ended = self.is_cut = False
        self.reader = hpack.Reader()
        self.partial = None
        self.window = WINDOW
        self.windows = {}
        if first is None:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings(*pairs)))
            self.until(lambda: self.server_settings is not None and self.settings_acks == 1, "a handshake")
        else:
            self.send(first)

    def close(self):
        self.socket.close()

    # Speaking

    def send(self, octets):
        self.socket.settimeout(SECONDS)
        try:
            self.socket.sendall(octets)
        except ConnectionError:
            self.is_cut = True

    def frame(self, kind, flags=0, stream=0, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def head(self, stream, some=None, end=False, coded=None):
        """HEADERS of a request; `coded` instead of literals."""
        coded = block(some or fields()) if coded is None else coded
        self.frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, coded)

    def body(self, stream, octets=SHORT_BODY, end=True):
        self.frame(DATA, END_STREAM if end else 0, stream, octets)

    def request(self, stream, some=None, octets=SHORT_BODY, coded=None):
        self.head(stream, some, coded=coded)
        self.body(stream, octets)

    def long_request(self, stream):
        self.request(stream, fields(path=LONG), long_body())

    def send_within_windows(self, stream, payload, flags, count):
        """So many DATA frames of one kind, each once the server has room for it."""
        for _ in range(count):
            self.until(
                lambda: min(self.window, self.stream_window(stream)) >= len(payload), "room in a window"
            )
            self.window -= len(payload)
            self.windows[stream] = self.windows.get(stream, 0) - len(payload)
            self.frame(DATA, flags, stream, payload)

    def stream_window(self, stream):
        return self.server_settings.get(INITIAL_WINDOW_SIZE, WINDOW) + self.windows.get(stream, 0)

    def open_window(self, stream, octets):
        self.frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", octets))

    # Listening

    def answer(self, stream):
        return self.answers.setdefault(stream, Answer())

    def until(self, is_done, what, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while not is_done():
            if self.is_ended:
                raise Failed(f"no {what}: the server ended the connection, code {self.goodbye}")
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failed(f"no {what} in time")
            self.listen(left)

    def listen(self, seconds):
        """Takes what comes next, at most for so long."""
        self.socket.settimeout(seconds)
        try:
            chunk = self.socket.recv(1 << 16)
        except socket.timeout:
            return
        except ConnectionError:
            self.is_cut = self.is_ended = True
            return
        if not chunk:
            self.is_ended = True
            return
        self.pending += chunk
        while len(self.pending) >= 9:
            length = int.from_bytes(self.pending[:3], "big")
            if len(self.pending) < 9 + length:
                break
            kind, flags = self.pending[3:5]
            stream = struct.unpack(">I", self.pending[5:9])[0]
            payload = self.pending[9 : 9 + length]
            self.pending = self.pending[9 + length :]
            self.frames.append((kind, flags, stream, payload))
            self.take(kind, flags, stream, payload)

    def take(self, kind, flags, stream, payload):
        if self.partial is not None and kind != CONTINUATION:
            raise Failed("the server put a frame into a header block")
        if kind == SETTINGS and flags & ACK:
            self.settings_acks += 1
        elif kind == SETTINGS:
            self.server_settings = self.server_settings or {}
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at : at + 6])
                self.server_settings[name] = value
            self.frame(SETTINGS, ACK)
        elif kind in (HEADERS, CONTINUATION):
            self.partial = (self.partial or b"") + payload
            self.ends = flags & END_STREAM if kind == HEADERS else self.ends
            if flags & END_HEADERS:
                self.answer(stream).blocks.append(self.reader.read(self.partial))
                self.partial = None
                self.answer(stream).is_ended |= bool(self.ends)
        elif kind == DATA:
            self.answer(stream).body += payload
            self.answer(stream).data_sizes.append(len(payload))
            self.answer(stream).is_ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM:
            self.answer(stream).reset = struct.unpack(">I", payload)[0]
        elif kind == PING and flags & ACK:
            self.pings.append(payload)
        elif kind == GOAWAY:
            self.goodbye = struct.unpack(">I", payload[4:8])[0]
        elif kind == WINDOW_UPDATE and stream == 0:
            self.window += struct.unpack(">I", payload)[0]
        elif kind == WINDOW_UPDATE:
            self.windows[stream] = self.windows.get(stream, 0) + struct.unpack(">I", payload)[0]

    # What cases expect

    def expect(self, is_true, what):
        if not is_true:
            raise Failed(what)

    def connection_error(self, *codes):
        """GOAWAY with one of the codes, and the end; a reset may overtake the frame."""
        self.until(lambda: self.is_ended, "end of the connection")
        if self.goodbye is None:
            self.expect(self.is_cut, "ended without GOAWAY")
        else:
            self.expect(self.goodbye in codes, f"GOAWAY of code {self.goodbye}, not {codes}")

    def stream_error(self, stream, *codes):
        """RST_STREAM with one of the codes and a connection that goes on, or a connection error."""
        answer = self.answer(stream)
        self.until(lambda: self.is_ended or answer.reset is not None, "RST_STREAM")
        if answer.reset is None:
            return self.connection_error(*codes)
        self.expect(answer.reset in codes, f"RST_STREAM of code {answer.reset}, not {codes}")
        try:
            return self.alive()
        except Failed:
            return self.connection_error(*codes)

    def answered(self, stream):
        """A whole good answer."""
        answer = self.answer(stream)
        self.until(lambda: answer.is_ended or answer.reset not in (None, NO_ERROR), f"answer on {stream}")
        self.expect(answer.is_ended, f"RST_STREAM of code {answer.reset} on {stream}")
        self.expect(answer.blocks and (":status", "200") in answer.blocks[0], f"{answer.blocks}")
        says = dict(answer.blocks[-1]).get("grpc-status", "0")
        self.expect(says == "0", f"grpc-status {says}")
        self.expect(answer.body, "an empty answer")
        return answer

    def alive(self):
        """PING is answered, so that all before it has been taken."""
        count = len(self.pings)
        self.frame(PING, 0, 0, b"are you?")
        self.until(lambda: len(self.pings) > count, "answer to PING")

    def goes_on(self, stream):
        """Another request is answered."""
        self.request(stream)
        self.answered(stream)

    def waits(self, stream):
        """The server has the request, and no window for its answer."""
        self.until(lambda: self.answer(stream).blocks, f"headers on {stream}")


class Cases(list):
    """The cases of one document, each a function of a peer."""

    def __init__(self, document):
        super().__init__()
        self.document = document

    def __call__(self, section, title, pairs=(), first=None):
        def add(run):
            self.append((section, title, run, pairs, first))
            return run

        return add
