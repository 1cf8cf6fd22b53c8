package import Primitives

/// Arenas that are lent for one call each.
package final class ArenaPool: Sendable {
    @usableFromInline let arenas = Pool { Arena() }

    package init() {}

    /// Lends an arena to `body` and resets it afterwards.
    @inlinable
    package func withArena<R, E: Error>(_ body: (Arena) throws(E) -> R) throws(E) -> R {
        try arenas.with { (arena) throws(E) in
            defer { arena.reset() }
            return try body(arena)
        }
    }
}
