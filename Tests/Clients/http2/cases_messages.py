"""RFC 9113, sections 7, 8 and 10: requests, answers and their fields."""

from http2 import hpack
from http2.peer import *  # noqa: F403

rfc = Cases("RFC 9113")


def malformed(section, title, some):
    """A case of a request whose stream must end in PROTOCOL_ERROR."""
    @rfc(section, f"{title} is malformed")
    def _(peer):
        peer.head(1, some, end=True)
        peer.stream_error(1, PROTOCOL_ERROR)


def good(section, title, some):
    @rfc(section, f"{title} is taken")
    def _(peer):
        peer.request(1, some)
        peer.answered(1)


# Error codes


@rfc("7", "RST_STREAM of an unknown code closes its stream")
def _(peer):
    peer.head(1)
    peer.frame(RST_STREAM, 0, 1, b"\xff\xff\xff\xff")
    peer.goes_on(3)


@rfc("7", "GOAWAY of an unknown code is taken", pairs=[(INITIAL_WINDOW_SIZE, 0)])
def _(peer):
    peer.request(1)
    peer.waits(1)
    peer.frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0xFFFF))
    peer.open_window(1, 1_000)
    peer.answered(1)


# Framing


@rfc("8.1", "an answer is one header block, DATA and one end")
def _(peer):
    peer.request(1)
    peer.answered(1)
    peer.alive()
    mine = [(kind, flags) for kind, flags, stream, _ in peer.frames if stream == 1 and kind != WINDOW_UPDATE]
    ends = [kind for kind, flags in mine if kind in (DATA, HEADERS) and flags & END_STREAM]
    peer.expect(mine[0][0] == HEADERS and len(ends) == 1 and mine[-1][1] & END_STREAM, f"{mine}")


@rfc("8.1", "names of an answer are in lower case and come behind its one status")
def _(peer):
    peer.request(1)
    blocks = peer.answered(1).blocks
    names = [name for name, _ in blocks[0]]
    peer.expect(names[0] == ":status" and not any(name.startswith(":") for name in names[1:]), f"{names}")
    every = [name for some in blocks for name, _ in some]
    peer.expect(all(name == name.lower() for name in every), f"{every}")


@rfc("8.1", "trailers are taken")
def _(peer):
    peer.head(1)
    peer.body(1, end=False)
    peer.head(1, [("x-sum", "1")], end=True)
    peer.answered(1)


@rfc("8.1", "trailers with no body before them are taken")
def _(peer):
    peer.head(1)
    peer.head(1, [("x-sum", "1")], end=True)
    peer.until(lambda: peer.answer(1).is_ended or peer.answer(1).reset == NO_ERROR, "answer")


@rfc("8.1", "a second header block without END_STREAM is malformed")
def _(peer):
    peer.head(1)
    peer.body(1, end=False)
    peer.head(1, [("x-sum", "1")])
    peer.stream_error(1, PROTOCOL_ERROR)


@rfc("8.1", "pseudo-header fields in trailers are malformed")
def _(peer):
    peer.head(1)
    peer.body(1, end=False)
    peer.head(1, [(":path", SHORT)], end=True)
    peer.stream_error(1, PROTOCOL_ERROR)


@rfc("8.1", "upper case in trailers is malformed")
def _(peer):
    peer.head(1)
    peer.body(1, end=False)
    peer.head(1, [("X-Sum", "1")], end=True)
    peer.stream_error(1, PROTOCOL_ERROR)


@rfc("8.1", "DATA behind trailers is an error", pairs=[(INITIAL_WINDOW_SIZE, 0)])
def _(peer):
    peer.head(1)
    peer.body(1, end=False)
    peer.head(1, [("x-sum", "1")], end=True)
    peer.body(1, b"x", end=False)
    peer.stream_error(1, STREAM_CLOSED)


for title, length, parts in (
    ("above its DATA", 6, [SHORT_BODY]), ("below its DATA", 4, [SHORT_BODY]),
    ("above the sum of its DATA", 11, [SHORT_BODY, SHORT_BODY]),
    ("below the sum of its DATA", 9, [SHORT_BODY, SHORT_BODY]), ("without DATA", 1, []),
    ("above DATA and its padding", 7, [None]),
):
    @rfc("8.1.1", f"a content-length {title} is malformed")
    def _(peer, length=length, parts=parts):
        peer.head(1, fields(("content-length", str(length))), end=not parts)
        for at, part in enumerate(parts, 1):
            if part is None:
                peer.frame(DATA, END_STREAM | PADDED, 1, b"\x02" + SHORT_BODY + bytes(2))
            else:
                peer.body(1, part, end=at == len(parts))
        peer.stream_error(1, PROTOCOL_ERROR)


good("8.1.1", "a content-length that is right", fields(("content-length", "5")))
malformed("8.1.1", "a content-length that is no number", fields(("content-length", "five")))
malformed("8.1.1", "a negative content-length", fields(("content-length", "-5")))
malformed("8.1.1", "a second content-length", fields(("content-length", "5"), ("content-length", "6")))

# Fields

malformed("8.2", "a name in upper case", fields(("X-Name", "v")))
for octet in (0x00, 0x01, 0x0A, 0x0D, 0x20, 0x7F, 0x80, 0xFF):
    malformed("8.2.1", f"octet {octet:#04x} in a name", fields((b"x" + bytes([octet]) + b"y", "v")))
malformed("8.2.1", "a colon within a name", fields(("x:y", "v")))
malformed("8.2.1", "an empty name", fields(("", "v")))
for octet in (0x00, 0x0A, 0x0D):
    malformed("8.2.1", f"octet {octet:#04x} in a value", fields(("x", b"a" + bytes([octet]) + b"b")))
for title, value in {"begins by a space": " a", "ends by a space": "a ", "begins by a tab": "\ta",
                     "ends by a tab": "a\t"}.items():
    malformed("8.2.1", f"a value that {title}", fields(("x", value)))
malformed("8.2.1", "octet 0x0a in a pseudo-header field", fields(path=SHORT + "\n"))
good("8.2.1", "a value of tabs, spaces and octets above 0x7f", fields(("x", b"a\tb c\xff\xfe")))
good("8.2.1", "an empty value", fields(("x", "")))

for name, value in (
    ("connection", "close"), ("connection", "te"), ("proxy-connection", "keep-alive"), ("keep-alive", "timeout=5"),
    ("transfer-encoding", "chunked"), ("upgrade", "websocket"),
):
    malformed("8.2.2", f"{name}: {value}", fields((name, value)))
malformed("8.2.2", "te: trailers, deflate", fields(("te", "trailers, deflate"), without=["te"]))
malformed("8.2.2", "te: gzip", fields(("te", "gzip"), without=["te"]))
good("8.2.2", "te: trailers", fields())
good("8.2.3", "a cookie in crumbs", fields(("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f")))

malformed("8.3", "an unknown pseudo-header field", fields()[:4] + [(":unknown", "x")] + fields()[4:])
malformed("8.3", "a pseudo-header field of answers", fields()[:4] + [(":status", "200")] + fields()[4:])
malformed("8.3", "a pseudo-header field behind others", fields((":path", SHORT), without=[":path"]))
malformed("8.3", "a pseudo-header field in upper case", [(":METHOD", "POST"), *fields()[1:]])

for name in (":method", ":scheme", ":path"):
    malformed("8.3.1", f"a request without {name}", fields(without=[name]))
for name, value in fields()[:4]:
    malformed("8.3.1", f"a second {name}", [(name, value), *fields()])
malformed("8.3.1", "an empty :path", fields(path=""))
malformed("8.3.1", "a :path without a slash", fields(path="index.html"))
malformed("8.3.1", "an empty :method", fields(method=""))
malformed("8.3.1", "a :method with a space", fields(method="PO ST"))
malformed("8.3.1", "an empty :scheme", fields(scheme=""))
good("8.3.1", "a request with host instead of :authority", fields(("host", "localhost"), without=[":authority"]))
good("8.3.1", "a request of pseudo-header fields in any order", fields()[3::-1] + fields()[4:])

malformed("8.5", "CONNECT with :scheme and :path", fields(method="CONNECT"))
malformed("8.5", "CONNECT without :authority", [(":method", "CONNECT")])


# Bounds


@rfc("10.5.1", "fields above the bound end their request only")
def _(peer):
    # Eight times what a server may be asked to take, in frames that it may be sent.
    peer.frame(HEADERS, 0, 1, block(fields()))
    for at in range(8):
        last = END_HEADERS if at == 7 else 0
        peer.frame(CONTINUATION, last, 1, hpack.plain(f"x-{at}", "v" * 16_000))
    peer.frame(DATA, END_STREAM, 1, SHORT_BODY)
    answer = peer.answer(1)
    peer.until(lambda: peer.is_ended or answer.reset is not None or answer.is_ended, "answer")
    if answer.is_ended:
        peer.expect(dict(answer.blocks[0])[":status"] in ("200", "413", "431"), f"{answer.blocks}")
    if not peer.is_ended:
        peer.goes_on(3)


@rfc("10.5", "forty small requests in one packet are all answered")
def _(peer):
    peer.send(b"".join(
        frame(HEADERS, END_HEADERS, stream, block(fields())) + frame(DATA, END_STREAM, stream, SHORT_BODY)
        for stream in range(1, 81, 2)
    ))
    for stream in range(1, 81, 2):
        peer.answered(stream)
