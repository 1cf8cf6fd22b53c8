internal import CNghttp2

/// The fields of one header block in order, names in lower case, pseudo-headers first.
///
/// Values are bytes: HTTP/2 promises no encoding. A block received from a peer was bounded by
/// `Limits.headerListBytesMax` before it got here.
package struct HeaderBlock: Sendable {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field]

    /// The fields as libnghttp2 reads them, of a block that was made to be sent many times.
    private(set) var layout: HeaderLayout?

    package init(_ fields: [Field] = []) {
        self.fields = fields
    }

    /// A block that is laid out once, for all the times that it is sent.
    package static func laidOut(_ fields: [Field]) -> HeaderBlock {
        var block = HeaderBlock(fields)
        block.layout = HeaderLayout(fields)
        return block
    }

    package mutating func add(_ name: String, _ value: String) {
        layout = nil
        fields.append(Field(name: name, value: value))
    }

    /// The first value of `name`, which is given in lower case.
    package func first(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// Whether both are the same fields in the same memory.
    ///
    /// What was read out of one then holds for the other. O(1); false for equal blocks that came
    /// apart.
    package func isIdentical(to other: HeaderBlock) -> Bool {
        guard fields.count == other.fields.count else { return false }
        return unsafe fields.withUnsafeBufferPointer { mine in
            unsafe other.fields.withUnsafeBufferPointer { theirs in
                unsafe mine.baseAddress == theirs.baseAddress
            }
        }
    }
}

/// Header fields in memory of their own that never changes, which libnghttp2 need not copy.
@safe
final class HeaderLayout: @unchecked Sendable {
    // SAFETY: written in `init` and freed in `deinit`; between them every thread only reads it.
    private let bytes: UnsafeMutablePointer<UInt8>
    private let fields: UnsafeMutableBufferPointer<nghttp2_nv>

    init(_ block: [HeaderBlock.Field]) {
        let texts = block.flatMap { [$0.name, $0.value] }
        let total = texts.reduce(0) { $0 + $1.utf8.count }
        let start = UnsafeMutablePointer<UInt8>.allocate(capacity: max(total, 1))
        var end = unsafe start
        for byte in texts.lazy.flatMap(\.utf8) {
            unsafe end.initialize(to: byte)
            unsafe end += 1
        }
        let laid = UnsafeMutableBufferPointer<nghttp2_nv>.allocate(capacity: block.count)
        var position = unsafe start
        for (index, field) in block.enumerated() {
            let nameCount = field.name.utf8.count
            let valueCount = field.value.utf8.count
            unsafe laid.initializeElement(
                at: index,
                to: nghttp2_nv(
                    name: position,
                    value: position + nameCount,
                    namelen: nameCount,
                    valuelen: valueCount,
                    flags: Self.keptFlags
                )
            )
            unsafe position += nameCount + valueCount
        }
        unsafe bytes = start
        unsafe fields = laid
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe fields.deallocate()
    }

    /// Runs `body` with the fields; the pointer must not outlive the layout.
    @unsafe
    func withFields<R>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> R) -> R {
        unsafe body(UnsafePointer(fields.baseAddress), fields.count)
    }

    private static let keptFlags = UInt8(
        NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
    )
}
