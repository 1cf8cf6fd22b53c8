"""RFC 7541: the table, integers, strings and every form of a field."""

from http2 import hpack
from http2.peer import *  # noqa: F403

rfc = Cases("RFC 7541")
# A good request without its path, which comes between the two halves.
BEFORE = block(fields(without=[":path"])[:3])
AFTER = block(fields()[4:])
NEWEST = len(hpack.STATIC) + 1


def request_with(path):
    """A block whose ':path' is coded as the case wants it."""
    return BEFORE + path + AFTER


def good(section, title, *paths):
    """A case of requests on one connection whose paths must all be understood."""
    @rfc(section, title)
    def _(peer):
        for at, path in enumerate(paths):
            peer.request(2 * at + 1, coded=request_with(path))
            peer.answered(2 * at + 1)


def bad(section, title, *paths):
    """A case whose last path can't be decoded; those before it can."""
    @rfc(section, f"{title} ends the connection")
    def _(peer):
        for at, path in enumerate(paths[:-1]):
            peer.request(2 * at + 1, coded=request_with(path))
            peer.answered(2 * at + 1)
        peer.head(2 * len(paths) - 1, coded=request_with(paths[-1]), end=True)
        peer.connection_error(COMPRESSION_ERROR)


PATH = 4  # ':path' in the static table
SIZE = len(":path") + len(SHORT) + 32
remembered = hpack.remembered(PATH, SHORT)


def filler(size):
    """An entry of the dynamic table that counts for so many octets."""
    return hpack.remembered("x", "v" * (size - 33))


good("2.3.2", "the dynamic table outlives its request", remembered, *[hpack.indexed(NEWEST)] * 3)
good("2.3.3", "the newest entry is the first behind the static table",
     remembered + filler(40), hpack.indexed(NEWEST + 1) + filler(50), hpack.indexed(NEWEST + 2))
good("2.3.3", "the name of an entry may be referred to",
     hpack.remembered(":path", SHORT), hpack.remembered(NEWEST, SHORT), hpack.indexed(NEWEST))
good("3.2", "the same entry may be there twice", remembered, remembered, hpack.indexed(NEWEST + 1))


@rfc("4.1", "an entry of just the table's size stays in it")
def _(peer):
    peer.request(1, coded=hpack.table_size(SIZE) + request_with(remembered))
    peer.answered(1)
    peer.request(3, coded=request_with(hpack.indexed(NEWEST)))
    peer.answered(3)


@rfc("4.1", "an entry an octet above the table's size is gone")
def _(peer):
    peer.request(1, coded=hpack.table_size(SIZE - 1) + request_with(remembered))
    peer.answered(1)
    peer.head(3, coded=request_with(hpack.indexed(NEWEST)), end=True)
    peer.connection_error(COMPRESSION_ERROR)


@rfc("4.2", "a size update may begin a block")
def _(peer):
    peer.request(1, coded=hpack.table_size(100) + request_with(remembered))
    peer.answered(1)
    peer.request(3, coded=hpack.table_size(0) + hpack.table_size(4_096) + request_with(remembered))
    peer.answered(3)


for title, coded in {
    "between fields": BEFORE + hpack.table_size(100) + hpack.plain(PATH, SHORT) + AFTER,
    "behind the last field": request_with(hpack.plain(PATH, SHORT)) + hpack.table_size(100),
}.items():
    @rfc("4.2", f"a size update {title} ends the connection")
    def _(peer, coded=coded):
        peer.head(1, coded=coded, end=True)
        peer.connection_error(COMPRESSION_ERROR)


@rfc("4.3", "a smaller table loses its oldest entries only")
def _(peer):
    peer.request(1, coded=request_with(hpack.plain(PATH, SHORT) + filler(1_000)))
    peer.answered(1)
    peer.request(3, coded=request_with(remembered))
    peer.answered(3)
    peer.request(5, coded=hpack.table_size(SIZE) + request_with(hpack.indexed(NEWEST)))
    peer.answered(5)
    peer.head(7, coded=request_with(hpack.indexed(NEWEST)) + hpack.indexed(NEWEST + 1), end=True)
    peer.connection_error(COMPRESSION_ERROR)


@rfc("4.3", "a table of no size is empty")
def _(peer):
    peer.request(1, coded=request_with(remembered))
    peer.answered(1)
    peer.head(3, coded=hpack.table_size(0) + request_with(hpack.indexed(NEWEST)), end=True)
    peer.connection_error(COMPRESSION_ERROR)


good("4.4", "a new entry evicts the oldest ones",
     hpack.plain(PATH, SHORT) + filler(2_000) + filler(2_000), remembered,
     hpack.indexed(NEWEST) + filler(2_000), hpack.indexed(NEWEST + 1))
bad("4.4", "a reference to an evicted entry", remembered, hpack.plain(PATH, SHORT) + filler(4_000) + filler(90),
    hpack.indexed(NEWEST + 2))
good("4.4", "an entry above the table's size empties it", remembered,
     hpack.indexed(NEWEST) + hpack.remembered("x", "v" * 4_100), remembered, hpack.indexed(NEWEST))
bad("4.4", "a reference into a table that such an entry emptied", remembered,
    hpack.indexed(NEWEST) + hpack.remembered("x", "v" * 4_100), hpack.indexed(NEWEST))
good("4.4", "an entry may take its name from the one that it evicts",
     hpack.remembered(":path", SHORT) + filler(4_096 - SIZE), hpack.remembered(NEWEST + 1, SHORT),
     hpack.indexed(NEWEST))

good("5.1", "an integer may take many octets", hpack.plain(PATH, SHORT) + hpack.plain("x", "v" * 5_000))
good("5.1", "an integer may end in octets of nothing",
     hpack.plain(PATH, SHORT) + b"\x00\x01x\x7f\x80\x00" + b"v" * 127)
bad("5.1", "an integer without an end", hpack.plain(PATH, SHORT) + b"\xff" + b"\xff" * 20)
bad("5.1", "an integer above 32 bits", hpack.plain(PATH, SHORT) + b"\xff\xff\xff\xff\xff\x7f")

good("5.2", "a string in Huffman's code", hpack.plain(PATH, SHORT, hpack.huffman))
good("5.2", "every octet in Huffman's code",
     hpack.plain(PATH, SHORT) + hpack.plain("x", b"a" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100)),
                                            hpack.huffman))
for bits in range(1, 8):
    texts = ("a" * count + last for count in range(8) for last in "a0:&X")
    text = next(text for text in texts if -len(hpack.huffman_bits(text.encode())) % 8 == bits)
    good("5.2", f"a padding of {bits} bits", hpack.plain(PATH, SHORT) + hpack.plain("x", text, hpack.huffman))
bad("5.2", "a padding of 8 bits or more",
    hpack.plain(PATH, SHORT) + b"\x00\x01x" + hpack.packed(hpack.huffman_bits(b"aaaaaaaa") + "1" * 8))
bad("5.2", "a padding of zeros",
    hpack.plain(PATH, SHORT) + b"\x00\x01x" + hpack.packed(hpack.huffman_bits(b"a") + "000"))
bad("5.2", "EOS within a string",
    hpack.plain(PATH, SHORT) + b"\x00\x01x" + hpack.packed(hpack.CODES[hpack.EOS] + "11"))
bad("5.2", "a string that is longer than its block", hpack.plain(PATH, SHORT) + b"\x00\x01x\x7f\x80\x7fv")

bad("6.1", "index 0", hpack.indexed(0))
bad("6.1", "an index behind an empty table", hpack.indexed(NEWEST))
bad("6.1", "an index behind the last entry", remembered, hpack.indexed(NEWEST + 1))
bad("6.1", "a large index", hpack.indexed(1 << 20))
good("6.1", "an index of the static table",
     hpack.plain(PATH, SHORT) + hpack.indexed(16) + hpack.indexed(32) + hpack.indexed(61))


@rfc("6.1", "method and scheme by index")
def _(peer):
    peer.request(1, coded=hpack.indexed(3) + hpack.indexed(6) + hpack.plain(PATH, SHORT) + block(fields()[3:]))
    peer.answered(1)


for write in (hpack.string, hpack.huffman):
    how = "as it is" if write is hpack.string else "in Huffman's code"
    good("6.2.1", f"a literal that is kept, {how}, with an old and a new name",
         hpack.remembered(PATH, SHORT, write), hpack.remembered(":path", SHORT, write), hpack.indexed(NEWEST),
         hpack.indexed(NEWEST + 1))
    good("6.2.2", f"a literal that is not kept, {how}, with an old and a new name",
         hpack.plain(PATH, SHORT, write), hpack.plain(":path", SHORT, write))
    good("6.2.3", f"a literal that is never kept, {how}, with an old and a new name",
         hpack.never(PATH, SHORT, write), hpack.never(":path", SHORT, write))
bad("6.2.2", "a reference to a literal that was not kept", hpack.plain(PATH, SHORT), hpack.indexed(NEWEST))
bad("6.2.3", "a reference to a literal that is never kept", hpack.never(PATH, SHORT), hpack.indexed(NEWEST))
for section, write in (("6.2.1", hpack.remembered), ("6.2.2", hpack.plain), ("6.2.3", hpack.never)):
    bad(section, "a name by an index behind the table", write(NEWEST, SHORT))


@rfc("6.3", "a table up to the size that the server allows is taken")
def _(peer):
    allowed = peer.server_settings.get(HEADER_TABLE_SIZE, 4_096)
    peer.request(1, coded=hpack.table_size(allowed) + request_with(remembered))
    peer.answered(1)
    peer.request(3, coded=request_with(hpack.indexed(NEWEST)))
    peer.answered(3)


@rfc("6.3", "a table above the size that the server allows ends the connection")
def _(peer):
    allowed = peer.server_settings.get(HEADER_TABLE_SIZE, 4_096)
    peer.head(1, coded=hpack.table_size(allowed + 1) + request_with(remembered), end=True)
    peer.connection_error(COMPRESSION_ERROR)
