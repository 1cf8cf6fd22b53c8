// Bowerbird from Swift with BowerbirdClient.
//
//   bowerbird-quick-start ADDRESS [CA [CERTIFICATE KEY]]
//
// As Documentation/Clients/python/quick_start.py, with retries by hand: the client repeats by itself
// what a stream had no answer for, and nothing else.

import BowerbirdClient
import Foundation

func connect(timeoutMS: Int = 10_000, compresses: Bool = false) throws -> BowerbirdClient {
    let arguments = CommandLine.arguments
    var tls: TLSSettings?
    if arguments.count > 2 {
        tls = TLSSettings(
            caFile: arguments[2],
            certificateFile: arguments.count > 4 ? arguments[3] : nil,
            keyFile: arguments.count > 4 ? arguments[4] : nil
        )
    }
    return try BowerbirdClient(
        server: arguments[1],
        tls: tls,
        timeoutMS: timeoutMS,
        compresses: compresses
    )
}

/// Prints a line at once, also where it is read by a program.
func say(_ words: Any...) {
    let line = words.map { "\($0)" }.joined(separator: " ") + "\n"
    FileHandle.standardOutput.write(Data(line.utf8))
}

func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

@main
struct QuickStart {
    static func main() async {
        do {
            try await run()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    static func run() async throws {
        let client = try connect()
        defer { client.close() }

        // Create: a group with schemas, datasets, a tracker and a campaign that answers at once.
        let made = try await client.createStarterGroup("swift-\(now())")

        // Import, compressed.
        let packing = try connect(compresses: true)
        let lamps = (0..<100).map { Record(id: "lamp-\($0)", properties: #"{"COLOUR": "red"}"#) }
        let imported = try await packing.putItems(lamps, group: made.group)
        packing.close()
        say("imported", imported.appliedCount)

        // Stream: each batch is answered once it is durable and seen by every later read.
        let stream = client.streamRecords(group: made.group)
        for batch in 0..<5 {
            try await stream.send(
                (0..<20).map { user in
                    let item = "lamp-\((batch + user) % 10)"
                    let event = Event(type: "click", itemID: item, sentAtMS: now())
                    return .interaction(userID: "user-\(user)", sessionID: "", event)
                }
            )
        }
        stream.finish()
        var streamed = 0
        var position: UInt64 = 0
        for try await result in stream {
            streamed += result.appliedCount
            position = result.position
        }
        say("streamed", streamed)

        // Recommend, on a state that has seen all of it.
        var question = RecommendationQuestion(campaign: made.campaign, userID: "user-1", count: 5)
        question.minPosition = position
        say("recommended", try await client.recommend(question).items.count)

        // An error, with the field that it is about.
        do {
            _ = try await client.putItems([Record(id: "")], group: made.group)
        } catch {
            say("refused", error.code, error.violations.map(\.field).joined(separator: " "))
        }

        // A deadline, and a cancelled call: both end at once, here and on the server.
        var never = question
        never.minPosition = .max
        let hasty = try connect(timeoutMS: 200)
        do {
            _ = try await hasty.recommend(never)
        } catch {
            say("deadline", error.code)
        }
        hasty.close()
        let waiting = Task { [never] in
            do throws(ClientError) {
                _ = try await client.recommend(never)
            } catch {
                say("cancelled", error.code)
            }
        }
        waiting.cancel()
        await waiting.value

        let seconds = ProcessInfo.processInfo.environment["BOWERBIRD_LOOP_SECONDS"] ?? "0"
        let end = Date() + (Double(seconds) ?? 0)
        while Date() < end { try await ask(client, question) }
        say("done")
    }

    /// Asks until there is an answer: who is refused, or finds no server, comes again.
    static func ask(_ client: BowerbirdClient, _ question: RecommendationQuestion) async throws {
        for attempt in 1... {
            do throws(ClientError) {
                _ = try await client.recommend(question)
                return
            } catch {
                let mayRepeat = error.isUnreachable || error.code == "RESOURCE_EXHAUSTED"
                guard mayRepeat, attempt < 50 else { throw error }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
