"""A client that sends its calls together, waits for all answers, and only then goes on.

What a server does for it hardly depends on how fast either is, so that its work can be counted.
"""

import socket
import struct

from measure import framed

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
WINDOW_MAX, WINDOW_FIRST, FRAME_MAX = (1 << 31) - 1, 65_535, 16_384


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Lockstep:
    """One connection, for the calls of one method."""

    def __init__(self, address, path):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.path = path
        self.stream = -1
        self.has_named_fields = False
        self.pending = b""
        self.socket.sendall(
            PREFACE
            + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, WINDOW_MAX))
            + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW_MAX - WINDOW_FIRST)))

    def close(self):
        self.socket.close()

    def calls(self, messages):
        """Sends a call for each message; returns their answers."""
        answers = {}
        octets = b""
        for message in messages:
            octets += self._head() + self._data(framed(message), END_STREAM)
            answers[self.stream] = b""
        self.socket.sendall(octets)
        ended = set()
        while len(ended) < len(answers):
            kind, flags, stream, payload = self._frame()
            if kind == DATA:
                answers[stream] += payload
            elif kind == HEADERS and flags & END_STREAM:
                ended.add(stream)
        return [self._message(answer)[0] for answer in answers.values()]

    def open(self):
        """Opens the call of a stream of messages."""
        self.socket.sendall(self._head())
        self.answer = b""

    def send(self, message):
        """Sends a message on the open call; returns its answer."""
        self.socket.sendall(self._data(framed(message), 0))
        while True:
            kind, flags, _, payload = self._frame()
            if kind == DATA:
                self.answer += payload
                if len(self.answer) >= 5 and len(self.answer) >= 5 + int.from_bytes(self.answer[1:5]):
                    message, self.answer = self._message(self.answer)
                    return message
            assert not (kind == HEADERS and flags & END_STREAM), f"{self.path}: the call was ended"

    def _message(self, octets):
        assert len(octets) >= 5 and octets[0] == 0, f"{self.path}: no answer, but {octets!r}"
        end = 5 + int.from_bytes(octets[1:5])
        return octets[5:end], octets[end:]

    def _head(self):
        """HEADERS of a new stream; what the first spells out the others name by number."""
        fields = [(":path", self.path), (":authority", "localhost"),
                  ("content-type", "application/grpc"), ("te", "trailers")]
        block = b"\x83\x86"  # :method POST, :scheme http
        if not self.has_named_fields:
            for name, value in fields:
                block += b"\x40" + bytes([len(name)]) + name.encode()
                block += bytes([len(value)]) + value.encode()
        else:
            block += bytes(0x80 | 62 + place for place in reversed(range(len(fields))))
        self.has_named_fields = True
        self.stream += 2
        return frame(HEADERS, END_HEADERS, self.stream, block)

    def _data(self, octets, flags):
        parts = [octets[at:at + FRAME_MAX] for at in range(0, len(octets), FRAME_MAX)]
        return b"".join(
            frame(DATA, flags if at == len(parts) - 1 else 0, self.stream, part)
            for at, part in enumerate(parts))

    def _frame(self):
        """The next frame; SETTINGS are acknowledged, resets are failures."""
        head = self._take(9)
        payload = self._take(int.from_bytes(head[:3]))
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:])
        assert kind not in (RST_STREAM, GOAWAY), f"{self.path}: refused: {kind} {payload!r}"
        if kind == SETTINGS and not flags & ACK:
            self.socket.sendall(frame(SETTINGS, ACK, 0, b""))
        return kind, flags, stream, payload

    def _take(self, count):
        while len(self.pending) < count:
            part = self.socket.recv(1 << 16)
            assert part, f"{self.path}: the server closed the connection"
            self.pending += part
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken
