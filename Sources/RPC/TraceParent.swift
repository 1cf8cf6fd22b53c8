/// What the W3C trace context says of a call: which trace it belongs to, and which step caused it.
///
/// Read of `traceparent`, `00-{32 hex}-{16 hex}-{2 hex}`; a later version may say more behind that.
package struct TraceParent: Hashable, Sendable {
    package let traceID: String
    package let parentID: String

    /// Takes the field's value; `nil` when it is not of that form, as the standard asks.
    package init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(Self.bytes + 1))
        guard bytes.count >= Self.bytes,
            bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash,
            let version = Self.hex(bytes[0..<2]),
            let trace = Self.hex(bytes[3..<35]),
            let parent = Self.hex(bytes[36..<52]),
            Self.hex(bytes[53..<55]) != nil
        else { return nil }
        let hasMore = bytes.count > Self.bytes
        guard version != "ff",
            !hasMore || version != "00" && bytes[Self.bytes] == Self.dash,
            trace.contains(where: { $0 != "0" }),
            parent.contains(where: { $0 != "0" })
        else { return nil }
        traceID = trace
        parentID = parent
    }

    private static let bytes = 55
    private static let dash = UInt8(ascii: "-")

    /// Digits and lower-case letters only.
    private static func hex(_ bytes: ArraySlice<UInt8>) -> String? {
        let isHex = bytes.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
            default: false
            }
        }
        return isHex ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
