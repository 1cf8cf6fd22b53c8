import RPC
import Transport
import Wire

/// Why a call failed: the server's status, in words and by field.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One field of the request that broke a rule.
    public struct Violation: Hashable, Sendable {
        /// Its path, such as `event_list[3].item_id`.
        public var field: String
        /// What was found and what is allowed.
        public var description: String
    }

    /// The name of the gRPC status code, such as `INVALID_ARGUMENT`.
    public var code: String
    /// What went wrong.
    public var message: String
    /// The bad fields, where the server named them.
    public var violations: [Violation]

    /// Nobody answered at the address.
    public var isUnreachable: Bool { code == "UNAVAILABLE" }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    init(_ status: Status) {
        code = status.code.name
        message = status.message
        violations = Self.violations(status.details)
    }

    init(_ error: TransportError) {
        code = "UNAVAILABLE"
        message = error.message
        violations = []
    }

    init(unreadable message: String) {
        code = "INTERNAL"
        self.message = message
        violations = []
    }

    /// The violations of a `google.rpc.BadRequest` among the details, if there is one.
    private static func violations(_ details: [UInt8]) -> [Violation] {
        guard !details.isEmpty else { return [] }
        var found: [Violation] = []
        let arena = Arena()
        let inner = Arena()
        do throws(WireError) {
            let status = try StatusView(unpacking: unsafe details.span.bytes, into: arena)
            for index in 0..<status.detailsCount {
                let any = status.details(index)
                guard any.typeUrl.string.hasSuffix("google.rpc.BadRequest") else { continue }
                let request = try BadRequestView(unpacking: any.value.bytes, into: inner)
                for position in 0..<request.fieldViolationsCount {
                    let violation = request.fieldViolations(position)
                    found.append(
                        Violation(
                            field: violation.field.string,
                            description: violation.description.string
                        )
                    )
                }
            }
        } catch {
            // Details that can't be read take nothing from the status itself.
            return found
        }
        return found
    }
}
