package import Primitives

/// The states of a resource's life, as Amazon Personalize names them.
///
/// Only solution versions and jobs pass through the pending and in-progress states here; every
/// other resource is active in its create response.
package enum ResourceStatus: UInt8, Hashable, Sendable, CaseIterable {
    case createPending = 1
    case createInProgress = 2
    case active = 3
    case createFailed = 4
    case createStopping = 5
    case createStopped = 6
}

/// What every resource has.
package struct ResourceHeader: Hashable, Sendable {
    /// The short label given at creation, unique among its siblings.
    package var name: String
    package var status: ResourceStatus
    package var failureReason: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    /// Grows by one with each change; the etag on the wire.
    package var revision: UInt64

    package init(
        name: String,
        status: ResourceStatus = .active,
        failureReason: String = "",
        createdAt: Timestamp,
        updatedAt: Timestamp,
        revision: UInt64 = 1
    ) {
        self.name = name
        self.status = status
        self.failureReason = failureReason
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }
}
