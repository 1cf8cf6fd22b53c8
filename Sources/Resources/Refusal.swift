/// Why a call was refused, in the terms of the domain; the one error that crosses the domain
/// modules.
///
/// `Services` maps it to a status in one place. Codes are Amazon Personalize's exceptions.
package struct Refusal: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// A field is missing, too long, of the wrong form, or does not fit the schema.
        case invalidInput
        case resourceNotFound
        case resourceAlreadyExists
        /// The resource is in the wrong state, or something still refers to it.
        case resourceInUse
        /// A count quota is full.
        case limitExceeded
        /// The etag that came with the call is not the resource's.
        case etagMismatch
        /// The server can't do it now and a retry is safe: overloaded, draining, or the store is
        /// shut.
        case unavailable
        /// A fault of ours, or of the disk.
        case internalFailure
    }

    /// One field that broke a rule: its path (`event_list[3].item_id`) and what was found and
    /// allowed.
    package struct FieldViolation: Hashable, Sendable {
        package var field: String
        package var description: String

        package init(field: String, description: String) {
            self.field = field
            self.description = description
        }
    }

    package var code: Code
    package var message: String
    package var violations: [FieldViolation]
    /// The resource that the refusal is about, where there is one.
    package var resource: String?

    package init(
        _ code: Code,
        _ message: String,
        violations: [FieldViolation] = [],
        resource: String? = nil
    ) {
        self.code = code
        self.message = message
        self.violations = violations
        self.resource = resource
    }

    /// One bad field of a request; the message is `field: description`.
    package static func invalid(_ field: String, _ description: String) -> Refusal {
        Refusal(
            .invalidInput,
            "\(field): \(description)",
            violations: [FieldViolation(field: field, description: description)]
        )
    }

    /// The same for a request that holds in `field` the message whose fields are named.
    package func inside(_ field: String) -> Refusal {
        guard !violations.isEmpty else { return self }
        var outer = self
        outer.message = "\(field).\(message)"
        for index in violations.indices {
            outer.violations[index].field = "\(field).\(violations[index].field)"
        }
        return outer
    }
}
