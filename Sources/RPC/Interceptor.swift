/// What runs around every call, in the order of the dispatcher's list.
///
/// Shared by all reactors, so it holds only what many threads may touch.
package protocol Interceptor: AnyObject, Sendable {
    /// Looks at a call before its handler; a status refuses it.
    func begin(_ call: ServerCall) -> Status?

    /// Looks at a whole message before its handler; a status ends the call.
    func receive(_ message: RawSpan, _ call: ServerCall) -> Status?

    /// A call that this interceptor let in has ended, with what the client was told.
    func end(_ call: ServerCall, _ status: Status)
}

extension Interceptor {
    package func receive(_ message: RawSpan, _ call: ServerCall) -> Status? { nil }
}
