"""Header blocks by RFC 7541: written octet by octet as a case wants them, read as any peer would."""

# Appendix B: how long the code of each octet and, last, of EOS is. The code is canonical, so that its
# lengths say all.
LENGTHS = (
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
    6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23,
    23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22,
    22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26,
    27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
    25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
)

# Appendix A.
STATIC = (
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"),
    (":path", "/index.html"), (":scheme", "http"), (":scheme", "https"), (":status", "200"),
    (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
    (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""),
    ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""),
    ("authorization", ""), ("cache-control", ""), ("content-disposition", ""),
    ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""),
    ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""),
    ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""),
    ("via", ""), ("www-authenticate", ""),
)


def _codes():
    """The code of each symbol as its bits."""
    codes = {}
    code = length = 0
    for symbol in sorted(range(257), key=lambda symbol: (LENGTHS[symbol], symbol)):
        code <<= LENGTHS[symbol] - length
        length = LENGTHS[symbol]
        codes[symbol] = f"{code:0{length}b}"
        code += 1
    return codes


CODES = _codes()
SYMBOLS = {bits: symbol for symbol, bits in CODES.items()}
EOS = 256


def bits_to_octets(bits):
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def huffman_bits(text):
    return "".join(CODES[octet] for octet in text)


def integer(value, prefix, first=0):
    """5.1, with `first` as the bits before the prefix."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    out = [first | most]
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def octets(value):
    return value.encode() if isinstance(value, str) else value


def string(value):
    """5.2, as it is."""
    value = octets(value)
    return integer(len(value), 7) + value


def huffman(value):
    """5.2, in Huffman's code."""
    bits = huffman_bits(octets(value))
    return packed(bits + "1" * (-len(bits) % 8))


def packed(bits):
    """A string that claims to be in Huffman's code."""
    coded = bits_to_octets(bits)
    return integer(len(coded), 7, 0x80) + coded


def indexed(index):
    """6.1"""
    return integer(index, 7, 0x80)


def remembered(name, value, write=string):
    """6.2.1: an entry is added to the dynamic table; `name` may be an index."""
    return _literal(name, value, 6, 0x40, write)


def plain(name, value, write=string):
    """6.2.2"""
    return _literal(name, value, 4, 0, write)


def never(name, value, write=string):
    """6.2.3"""
    return _literal(name, value, 4, 0x10, write)


def table_size(octet_count):
    """6.3"""
    return integer(octet_count, 5, 0x20)


def _literal(name, value, prefix, first, write):
    if isinstance(name, int):
        return integer(name, prefix, first) + write(value)
    return bytes([first]) + write(name) + write(value)


class Reader:
    """What a peer's encoder has said, with the dynamic table that goes with it."""

    def __init__(self, most=4_096):
        self.entries = []
        self.size = self.most = self.allowed = most

    def read(self, block):
        self.block, self.at = block, 0
        fields = []
        while self.at < len(block):
            first = block[self.at]
            if first & 0x80:
                fields.append(self._entry(self._integer(7)))
            elif first & 0x40:
                fields.append(self._literal(6))
                self._add(fields[-1])
            elif first & 0x20:
                self.most = self._integer(5)
                assert not fields, "a size update after a field"
                assert self.most <= self.allowed, f"a table of {self.most} octets"
                self._evict()
            else:
                fields.append(self._literal(4))
        return fields

    def _literal(self, prefix):
        index = self._integer(prefix)
        name = self._entry(index)[0] if index else self._string()
        return name, self._string()

    def _entry(self, index):
        assert index > 0, "index 0"
        if index <= len(STATIC):
            return STATIC[index - 1]
        return self.entries[index - len(STATIC) - 1]

    def _add(self, field):
        self.entries.insert(0, field)
        self._evict()

    def _evict(self):
        while self.entries and sum(len(n) + len(v) + 32 for n, v in self.entries) > self.most:
            self.entries.pop()

    def _integer(self, prefix):
        most = (1 << prefix) - 1
        value = self.block[self.at] & most
        self.at += 1
        if value < most:
            return value
        shift = 0
        while True:
            octet = self.block[self.at]
            self.at += 1
            value += (octet & 127) << shift
            shift += 7
            if not octet & 128:
                return value

    def _string(self):
        is_coded = self.block[self.at] & 0x80
        count = self._integer(7)
        raw = self.block[self.at : self.at + count]
        assert len(raw) == count
        self.at += count
        if not is_coded:
            return raw.decode("latin-1")
        out, code = [], ""
        for bit in "".join(f"{octet:08b}" for octet in raw):
            code += bit
            if code in SYMBOLS:
                out.append(SYMBOLS[code])
                code = ""
        assert len(code) < 8 and "0" not in code, "padding"
        return bytes(out).decode("latin-1")
