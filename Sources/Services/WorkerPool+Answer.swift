import Primitives
import RPC
import Resources

extension WorkerPool {
    /// Answers a call with what comes of work that takes its time: the work is done on a worker,
    /// its reply written on the call's reactor.
    ///
    /// Throws UNAVAILABLE with the message `full` when no more work may wait.
    func answer(
        _ call: ServerCall,
        full: String,
        _ work: @escaping @Sendable () throws(Refusal) -> @Sendable (ByteWriter) -> Void
    ) throws(Refusal) {
        let handle = call.handle
        let isTaken = submit {
            do throws(Refusal) {
                let encode = try work()
                handle.complete { call in call.reply { encode($0) } }
            } catch {
                let status = StatusMapping.status(error)
                handle.complete { $0.fail(status) }
            }
        }
        guard isTaken else { throw Refusal(.unavailable, full) }
    }
}
