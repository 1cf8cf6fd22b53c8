package import Primitives
import Transport

/// The way back to a call from another thread.
///
/// The journal's writer keeps one per waiting call and answers through it.
// SAFETY: `call` is confined to its loop. Other threads only retain and release the reference,
// which is atomic; it is dereferenced in work that the mailbox runs on the loop's thread. A call
// that is over holds no stream, so a last release elsewhere frees plain memory.
package struct CallHandle: @unchecked Sendable {
    private let call: ServerCall
    private let mailbox: Mailbox

    init(_ call: ServerCall, mailbox: Mailbox) {
        self.call = call
        self.mailbox = mailbox
    }

    /// Runs `body` on the call's loop, or never when the call is over by then.
    ///
    /// May be called from any thread. Completions of one thread run in order.
    ///
    /// - Parameters:
    ///   - wakes: Where who answers many calls gathers the wake-ups of their loops.
    ///   - body: Answers the call.
    package func complete(
        waking wakes: WakeBatch? = nil,
        _ body: @escaping @Sendable (ServerCall) -> Void
    ) {
        mailbox.post(
            { [self] in
                if !call.isCancelled { body(call) }
            },
            waking: wakes
        )
    }
}
