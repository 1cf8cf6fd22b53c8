/// The arenas of one thread, lent for one call each.
///
/// Confined to one thread. Calls nest at most a few deep, so the pool stays small.
package final class ArenaPool {
    private var free: [Arena] = []

    package init() {}

    /// Lends an arena to `body` and resets it afterwards.
    package func withArena<R, E: Error>(_ body: (Arena) throws(E) -> R) throws(E) -> R {
        let arena = free.popLast() ?? Arena()
        defer {
            arena.reset()
            free.append(arena)
        }
        return try body(arena)
    }
}
