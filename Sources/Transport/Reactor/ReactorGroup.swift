package import Primitives
import Synchronization

/// The threads of a server or a client, one reactor each.
package final class ReactorGroup: Sendable {
    private struct Member: Sendable {
        let mailbox: Mailbox
        let load: LoadCounter
        let thread: ReactorThread
    }

    private let members: [Member]
    private let hasStopped = Mutex(false)

    /// Starts `count` threads.
    package init(count: Int, name: String, clock: any Clock = SystemClock()) throws(TransportError)
    {
        precondition(count > 0)
        var members: [Member] = []
        for index in 0..<count {
            let thread = try ReactorThread(index: index, name: "\(name)-\(index)", clock: clock)
            members.append(Member(mailbox: thread.mailbox, load: thread.load, thread: thread))
        }
        self.members = members
    }

    package var count: Int { members.count }

    /// Runs `work` on the reactor at `index`, on its thread.
    package func post(_ index: Int, _ work: @escaping @Sendable (Reactor) -> Void) {
        members[index].thread.post(work)
    }

    /// The reactor that has the fewest connections.
    package var leastLoaded: Int {
        var best = 0
        for index in 1..<max(members.count, 1)
        where members[index].load.count < members[best].load.count {
            best = index
        }
        return best
    }

    package var connectionCount: Int { members.reduce(0) { $0 + $1.load.count } }

    /// Counts a connection before its reactor has taken it, so that a burst spreads.
    func reserve(_ index: Int) {
        members[index].load.add(1)
    }

    /// Ends every thread and waits for it.
    package func stop() {
        let isFirst = hasStopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard isFirst else { return }
        for index in members.indices { post(index) { $0.stop() } }
        for member in members { member.thread.join() }
    }
}

/// A thread with a reactor that lives inside it.
final class ReactorThread: Sendable {
    let mailbox: Mailbox
    let load: LoadCounter
    private let inbox: Inbox
    private let box: ReactorBox
    private let handle: Threads.Handle

    init(index: Int, name: String, clock: any Clock) throws(TransportError) {
        let inbox = try Inbox()
        let load = LoadCounter()
        let box = ReactorBox()
        self.inbox = inbox
        self.load = load
        self.box = box
        mailbox = inbox.makeMailbox()
        let started = Threads.start(name: name) {
            guard let reactor = try? Reactor(index: index, inbox: inbox, load: load, clock: clock)
            else { return }
            box.reactor = reactor
            reactor.run()
            box.reactor = nil
        }
        guard let started else { throw TransportError(.systemCall, "no thread could be started") }
        handle = started
    }

    func post(_ work: @escaping @Sendable (Reactor) -> Void) {
        inbox.post { [box] in
            if let reactor = box.reactor { work(reactor) }
        }
    }

    func join() {
        Threads.join(handle)
    }
}

/// The reactor of a thread; touched on that thread only.
///
/// SAFETY of `@unchecked`: written by the thread itself before its first turn, read by closures
/// that its inbox runs on the same thread.
private final class ReactorBox: @unchecked Sendable {
    var reactor: Reactor?
}
