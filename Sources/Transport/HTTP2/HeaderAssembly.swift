internal import CNghttp2
internal import Glibc
internal import Primitives

/// The header block that is arriving on a session; HTTP/2 never interleaves two.
///
/// A client says the same again and again, and HPACK's tables then hand out the very buffers of
/// the last time. So the last block is kept with its buffers: a field that is the last block's
/// field at the same place, mostly by a comparison of pointers, is taken from there; and a block
/// of such fields alone is that block, whose texts are neither decoded nor allocated anew.
@safe
final class HeaderAssembly {
    /// The two buffers of a field.
    @safe
    private struct Buffers {
        let name: OpaquePointer
        let value: OpaquePointer
    }

    /// What the fields so far weigh as RFC 9113 counts them.
    private(set) var byteCount = 0
    var isRefused = false

    private var count = 0
    private var last = HeaderBlock()
    /// The buffers of `last`, each held by a reference.
    ///
    /// SAFETY: memory of this object's own, written where it is made and freed before it is
    /// replaced and in `deinit`; an array would count a reference for each field.
    private var lastBuffers = unsafe UnsafeMutableBufferPointer<Buffers>(start: nil, count: 0)
    /// The fields so far, once they differ from those of `last`.
    private var fields: [HeaderBlock.Field] = []
    private var buffers: [Buffers] = []
    private var differs = false
    /// Where the buffers lie.
    private let blocks: SessionBlocks

    init(_ blocks: SessionBlocks) {
        self.blocks = blocks
    }

    deinit {
        forgetLast()
        for held in buffers { letGo(of: held) }
    }

    func begin() {
        for held in buffers { letGo(of: held) }
        buffers.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        count = 0
        byteCount = 0
        differs = false
        isRefused = false
    }

    /// Takes a field; false when the block is larger than it may be.
    ///
    /// SAFETY: both pointers are libnghttp2's and alive during the call; what is kept is held.
    @unsafe
    func add(_ name: OpaquePointer, _ value: OpaquePointer) -> Bool {
        let nameText = unsafe nghttp2_rcbuf_get_buf(name)
        let valueText = unsafe nghttp2_rcbuf_get_buf(value)
        // 32 is what RFC 9113 adds for each field.
        unsafe byteCount += nameText.len + valueText.len + 32
        guard byteCount <= Limits.headerListBytesMax, count < Limits.headerFieldsMax else {
            return false
        }
        defer { count += 1 }
        let isKnown =
            unsafe count < lastBuffers.count
            && isSame(lastBuffers[count].name, name, nameText)
            && isSame(lastBuffers[count].value, value, valueText)
        if isKnown, !differs { return true }
        if !differs { diverge() }
        unsafe nghttp2_rcbuf_incref(name)
        unsafe nghttp2_rcbuf_incref(value)
        unsafe buffers.append(Buffers(name: name, value: value))
        fields.append(
            isKnown
                ? last.fields[count]
                : unsafe HeaderBlock.Field(name: text(nameText), value: text(valueText))
        )
        return true
    }

    /// The block is whole.
    func end() -> HeaderBlock {
        if !differs, count == last.fields.count { return last }
        if !differs { diverge() }
        let block = HeaderBlock(fields)
        // Trailers come between the blocks that repeat.
        if byteCount <= Limits.headerListBytesRemembered,
            fields.first?.name.utf8.first == UInt8(ascii: ":")
        {
            forgetLast()
            unsafe lastBuffers = .allocate(capacity: buffers.count)
            _ = unsafe lastBuffers.initialize(fromContentsOf: buffers)
            buffers.removeAll(keepingCapacity: true)
            last = block
        }
        fields = []
        return block
    }

    /// The block is another one than the last: what is the same so far is taken over.
    private func diverge() {
        differs = true
        fields.reserveCapacity(max(last.fields.count, 12))
        fields.append(contentsOf: last.fields[0..<count])
        for place in 0..<count {
            let held = unsafe lastBuffers[place]
            unsafe nghttp2_rcbuf_incref(held.name)
            unsafe nghttp2_rcbuf_incref(held.value)
            buffers.append(held)
        }
    }

    private func forgetLast() {
        for place in unsafe lastBuffers.indices { letGo(of: unsafe lastBuffers[place]) }
        unsafe lastBuffers.deallocate()
        unsafe lastBuffers = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    private func letGo(of held: Buffers) {
        unsafe nghttp2_rcbuf_decref(held.name)
        unsafe nghttp2_rcbuf_decref(held.value)
    }

    private func isSame(
        _ known: OpaquePointer,
        _ buffer: OpaquePointer,
        _ text: nghttp2_vec
    ) -> Bool {
        if known == buffer { return true }
        let other = unsafe nghttp2_rcbuf_get_buf(known)
        return unsafe other.len == text.len && memcmp(other.base, text.base, text.len) == 0
    }

    private func text(_ bytes: nghttp2_vec) -> String {
        unsafe String(
            decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len),
            as: UTF8.self
        )
    }
}
