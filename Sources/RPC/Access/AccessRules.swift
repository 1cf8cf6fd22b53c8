import Primitives
import Synchronization
package import Transport

/// Who may do what, looked up by what a caller shows; may be renewed while calls run.
package final class AccessRules: Sendable {
    package enum Reload: Sendable, Equatable {
        case unchanged
        case renewed
        /// What was there before stays.
        case refused(String)
    }

    private struct Table: Sendable {
        /// By the first eight bytes of the digest, which a caller can't choose.
        var tokens: [UInt64: [AccessFile.Token]] = [:]
        var subjects: [String: Grant] = [:]
    }

    /// What a verified certificate may do that the file does not name; `nil` for nothing.
    private let certificateDefault: Role?
    private let path: String?
    private let state: Mutex<(table: Table, stamp: Files.Stamp)>

    /// Rules of a file; without one, every verified certificate is an admin's.
    package init(file path: String?) throws(TransportError) {
        self.path = path
        certificateDefault = path == nil ? .admin : nil
        guard let path else {
            state = Mutex((Table(), .absent))
            return
        }
        let stamp = Files.stamp(path)
        state = Mutex((try Self.load(path), stamp))
    }

    private static func load(_ path: String) throws(TransportError) -> Table {
        let text = try Files.read(path, bytesMax: Limits.accessFileBytesMax)
        let file: AccessFile
        do throws(AccessFile.Malformed) {
            file = try AccessFile(parsing: text)
        } catch {
            throw TransportError(.badFile, "'\(path)', line \(error.line): \(error.reason)")
        }
        var table = Table()
        for token in file.tokens { table.tokens[prefix(token.digest), default: []].append(token) }
        for grant in file.subjects { table.subjects[grant.principal.name] = grant }
        return table
    }

    private static func prefix(_ digest: [UInt8]) -> UInt64 {
        digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// What the bearer of `token` may do.
    package func grant(token: some StringProtocol) -> Grant? {
        guard token.utf8.count <= Limits.tokenBytesMax else { return nil }
        let digest = Digest.sha256(String(token))
        let candidates = state.withLock { $0.table.tokens[Self.prefix(digest)] } ?? []
        return candidates.first { Digest.areEqual($0.digest, digest) }?.grant
    }

    /// What the owner of a verified certificate may do.
    package func grant(subject: String) -> Grant? {
        if let grant = state.withLock({ $0.table.subjects[subject] }) { return grant }
        return certificateDefault.map { Grant(principal: .certificate(subject: subject), role: $0) }
    }

    /// Reads the file again.
    package func reload() -> Reload {
        guard let path else { return .unchanged }
        let stamp = Files.stamp(path)
        do throws(TransportError) {
            let table = try Self.load(path)
            state.withLock { $0 = (table, stamp) }
            return .renewed
        } catch {
            state.withLock { $0.stamp = stamp }
            return .refused(error.message)
        }
    }

    /// The same, if it is another one than when it was read last.
    package func reloadIfChanged() -> Reload {
        guard let path else { return .unchanged }
        let stamp = Files.stamp(path)
        return state.withLock({ $0.stamp == stamp }) ? .unchanged : reload()
    }
}
