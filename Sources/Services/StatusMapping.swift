import Primitives
package import RPC
package import Resources
package import Wire

/// The only place where a domain error becomes a status.
package enum StatusMapping {
    /// The status of a refusal, with what programs can read in `grpc-status-details-bin`.
    package static func status(_ refusal: Refusal) -> Status {
        let code = code(refusal.code)
        let message = refusal.message.shortened(toBytes: Limits.statusTextBytesMax)
        let writer = ByteWriter()
        let details = StatusBuilder(into: writer)
        details.code(Int32(code.rawValue))
        details.message(message)
        add("ErrorInfo", to: details) { writer in
            let info = ErrorInfoBuilder(into: writer)
            info.reason(reason(refusal.code))
            info.domain("bowerbird")
        }
        if !refusal.violations.isEmpty {
            add("BadRequest", to: details) { writer in
                let request = BadRequestBuilder(into: writer)
                for violation in fitting(refusal.violations) {
                    request.fieldViolations { field in
                        field.field(violation.field)
                        field.description(violation.description)
                    }
                }
            }
        }
        if let resource = refusal.resource {
            add("ResourceInfo", to: details) { writer in
                let info = ResourceInfoBuilder(into: writer)
                info.resourceName(resource)
                info.description(message)
            }
        }
        return Status(code, message, details: bytes(writer))
    }

    /// As many as trailers have room for, the first at least.
    private static func fitting(
        _ violations: [Refusal.FieldViolation]
    ) -> [Refusal.FieldViolation] {
        var room = Limits.violationBytesMax
        var fitting: [Refusal.FieldViolation] = []
        for violation in violations {
            var short = violation
            short.field = violation.field.shortened(toBytes: Limits.statusTextBytesMax)
            short.description = violation.description.shortened(toBytes: Limits.statusTextBytesMax)
            room -= short.field.utf8.count + short.description.utf8.count
            if room < 0 && !fitting.isEmpty { break }
            fitting.append(short)
        }
        return fitting
    }

    /// The status of a call that is refused for who made it, or for how many there are.
    ///
    /// With `retryMS` the client is told when to try again.
    package static func refusal(
        _ code: StatusCode,
        _ message: String,
        retryMS: Int? = nil
    ) -> Status {
        let writer = ByteWriter()
        let details = StatusBuilder(into: writer)
        details.code(Int32(code.rawValue))
        details.message(message)
        add("ErrorInfo", to: details) { writer in
            let info = ErrorInfoBuilder(into: writer)
            info.reason(code == .permissionDenied ? "ACCESS_DENIED" : code.name)
            info.domain("bowerbird")
        }
        if let retryMS {
            add("RetryInfo", to: details) { writer in
                RetryInfoBuilder(into: writer).retryDelay { delay in
                    delay.seconds(Int64(retryMS / 1_000))
                    delay.nanos(Int32(retryMS % 1_000 * 1_000_000))
                }
            }
        }
        return Status(code, message, details: bytes(writer))
    }

    /// The status of whatever ended a call early.
    package static func status(of error: any Error) -> Status {
        switch error {
        case let error as Refusal: status(error)
        case let error as WireError: status(error)
        default: Status(.internal, "\(error)")
        }
    }

    /// The status of a request whose bytes are no request.
    package static func status(_ error: WireError) -> Status {
        switch error.code {
        case .malformed: status(Refusal(.invalidInput, error.message))
        case .badText: status(Refusal.invalid(error.field, error.message))
        case .tooLarge: Status(.resourceExhausted, error.message)
        }
    }

    private static func code(_ code: Refusal.Code) -> StatusCode {
        switch code {
        case .invalidInput: .invalidArgument
        case .resourceNotFound: .notFound
        case .resourceAlreadyExists: .alreadyExists
        case .resourceInUse: .failedPrecondition
        case .limitExceeded: .resourceExhausted
        case .etagMismatch: .aborted
        case .unavailable: .unavailable
        case .internalFailure: .internal
        }
    }

    private static func reason(_ code: Refusal.Code) -> String {
        switch code {
        case .invalidInput: "INVALID_INPUT"
        case .resourceNotFound: "RESOURCE_NOT_FOUND"
        case .resourceAlreadyExists: "RESOURCE_ALREADY_EXISTS"
        case .resourceInUse: "RESOURCE_IN_USE"
        case .limitExceeded: "LIMIT_EXCEEDED"
        case .etagMismatch: "ETAG_MISMATCH"
        case .unavailable: "UNAVAILABLE"
        case .internalFailure: "INTERNAL_FAILURE"
        }
    }

    private static func add(
        _ type: String,
        to status: StatusBuilder,
        _ encode: (ByteWriter) -> Void
    ) {
        status.details { any in
            any.typeUrl("type.googleapis.com/google.rpc.\(type)")
            let message = ByteWriter()
            encode(message)
            any.value(message.bytes)
        }
    }

    private static func bytes(_ writer: ByteWriter) -> [UInt8] {
        unsafe writer.withUnsafeBytes { unsafe Array($0) }
    }
}
