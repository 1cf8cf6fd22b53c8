import Primitives
import Resources
import Synchronization

/// Users of whom one id is another name.
extension GroupStore {
    /// Runs `body` with the owner that an id names, merged users as the one they are now.
    ///
    /// One lock, two for an id that was merged. On any thread.
    func withOwner<R: Sendable>(
        named id: RawSpan,
        _ kind: OwnerKind,
        _ body: (Shard.State, Int) -> R
    ) -> R? {
        var merged: Place?
        let found: R? = shards[shard(of: id)].state.withLock { state in
            guard let slot = state.slot(of: id, kind) else { return nil }
            if kind == .user, let place = state.merged[slot] {
                merged = place
                return nil
            }
            return body(state, slot)
        }
        guard let merged else { return found }
        return shards[Int(merged.shard)].state.withLock { body($0, Int(merged.slot)) }
    }

    /// The user whom an id named first, whomever it names now.
    func unmergedUser(_ id: String) -> UserIndex? {
        id.withRawSpan { bytes in
            shards[shard(of: bytes)].state.withLock { state in
                state.slot(of: bytes, .user).map { state.owners[$0].index }
            }
        }
    }

    /// The id under which the record of a user is kept.
    func keptID(_ id: String, of user: UserIndex) -> String {
        guard hasMerges, Int(user.rawValue) < ownerCount, unmergedUser(id) != user else {
            return id
        }
        return withOwner(user) { $0.id(ofSlot: $1) } ?? id
    }

    /// The ids that name a user besides its own, and the sessions that it joined last.
    ///
    /// O(owners).
    func followers(
        of user: UserIndex
    ) -> (users: [(index: UserIndex, id: String)], sessions: [UserIndex]) {
        var users: [(index: UserIndex, id: String)] = []
        var sessions: [UserIndex] = []
        for shard in shards {
            shard.state.withLock { state in
                for slot in state.owners.indices where state.owners[slot].joinedUser == user {
                    let owner = state.owners[slot]
                    switch owner.kind {
                    case .session: sessions.append(owner.index)
                    case .user: users.append((owner.index, state.id(ofSlot: slot) ?? ""))
                    }
                }
            }
        }
        return (users.sorted { $0.index < $1.index }, sessions.sorted())
    }

    func merge(_ user: UserIndex, into target: UserIndex) {
        hasMerges = true
        let place = places[Int(target.rawValue)]
        withOwner(user) { state, slot in
            state.merged[slot] = place
            state.owners[slot].joinedUser = target
            setRecord(state, slot, nil)
            state.owners[slot].isRecordPut = false
        }
        staging.users?[user.rawValue] = nil
    }

    /// What is staged of both, in order, stands beside the history of `target`; it is counted
    /// already.
    func moveStaged(_ staged: [HistoryEntry], of user: UserIndex, to target: UserIndex) {
        for owner in [user, target] {
            withOwner(owner) { $0.clearStaged($1) }
        }
        for entry in staged {
            withOwner(target) { state, slot in
                state.insert(
                    entry,
                    into: &state.staged[slot, default: HistorySlot()],
                    max: historyLengthMax
                )
            }
        }
    }
}

extension DatasetEngine {
    func apply(
        _ effect: MergeEffect,
        _ changes: inout [AppliedChange],
        _ touched: inout Set<GroupIndex>
    ) {
        switch effect {
        case .histories(let group, let from, let into, let moved, let kept):
            let store = store(group)
            for owner in [from, into] {
                changes += store.clearHistory(owner).map { .retracted(group, $0) }
            }
            let all = MergeEffect.joined(moved, kept)
            for event in all where isVisible(event, group) {
                storeEvent(group, into, event, &changes, isCounted: true)
            }
            let staging = store.bulk[.interactions]?.staging ?? 0
            let staged = all.filter { $0.generation != 0 && $0.generation == staging }
            store.moveStaged(staged.compactMap(store.entry), of: from, to: into)
            touched.insert(group)
        case .named(let group, let user, _, let target):
            store(group).merge(user, into: target)
        }
    }
}
