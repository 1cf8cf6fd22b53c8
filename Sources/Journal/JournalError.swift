/// Why a data directory can't be used; an error of the process, with the way out.
package struct JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        case inUse
        case corrupt
        case newerFormat
        case io
        /// What was being read is of a store that was opened again since; read anew.
        case snapshotRevoked
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
