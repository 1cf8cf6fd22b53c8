import Primitives

/// Which own columns of interactions a blend goes by, and how.
struct ContextChoice {
    /// A column of the training's table with its exponent, or factor.
    struct Column {
        var column: Int
        var weight: Float
    }

    var columns: [Column]
    /// See `ContextLifts`.
    var isFactor: Bool
    /// NDCG@10 of the blend with them.
    var quality: Double

    /// As a report tells them.
    func candidates(_ table: [ContextTable.Column]) -> [TrainingReport.Candidate] {
        columns.map {
            TrainingReport.Candidate(
                name: "context(\(table[$0.column].name))",
                weight: Double($0.weight),
                ndcgAt10: quality
            )
        }
    }
}

/// Greedy, as with sources: the column and weight that help most, while they help.
///
/// One must raise NDCG@10 by `gainMin`, and by three standard errors of the mean over the
/// questions: of many columns that say nothing, one looks useful by chance.
extension BlendChooser {
    private static let exponents: [Float] = [0.5, 1, 1.5]
    private static let factors: [Float] = [0.02, 0.06, 0.2, 0.6]
    private static let errorsMin = 3.0

    /// `sums` are the blend's, question by question; `nil` where no column helps.
    func chooseContext(_ sums: [[Float]]) -> ContextChoice? {
        guard questions.contains(where: { !$0.lifts.isEmpty }) else { return nil }
        let plain = gains(sums, [], isFactor: true)
        let ways = [true, false].compactMap { choose(sums, plain, isFactor: $0) }
        // Of equals the first: `max` would take the last.
        return ways.reduce(nil) { best, way in
            (best?.quality ?? 0) >= way.quality ? best : way
        }
    }

    private func choose(
        _ sums: [[Float]],
        _ plain: [Double],
        isFactor: Bool
    ) -> ContextChoice? {
        var chosen: [ContextChoice.Column] = []
        var best = plain
        while chosen.count < Limits.contextTermsMax {
            var added: (columns: [ContextChoice.Column], gains: [Double])?
            for column in 0..<contextColumnCount
            where chosen.allSatisfy({ $0.column != column }) {
                for weight in isFactor ? Self.exponents : Self.factors {
                    let columns = chosen + [.init(column: column, weight: weight)]
                    let gains = gains(sums, columns, isFactor: isFactor)
                    if gains.reduce(0, +) > (added?.gains ?? best).reduce(0, +) {
                        added = (columns, gains)
                    }
                }
            }
            guard let added, isBetter(added.gains, than: best) else { break }
            chosen = added.columns
            best = added.gains
        }
        guard !chosen.isEmpty else { return nil }
        return ContextChoice(
            columns: chosen,
            isFactor: isFactor,
            quality: best.reduce(0, +) / Double(askedCount)
        )
    }

    private func isBetter(_ gains: [Double], than others: [Double]) -> Bool {
        let differences = zip(gains, others).map { $0 - $1 }
        let sum = differences.reduce(0, +)
        let error = differences.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return sum >= others.reduce(0, +) * Self.gainMin && sum > Self.errorsMin * error
    }

    /// What each question adds to NDCG@10.
    private func gains(
        _ sums: [[Float]],
        _ columns: [ContextChoice.Column],
        isFactor: Bool
    ) -> [Double] {
        zip(questions, sums).map { question, sums in
            guard let answer = question.answer else { return 0 }
            let lifted = lifted(question, sums, columns, isFactor: isFactor)
            let rank = Kernels.rank(of: answer, lifted, lifted, from: 0, weight: 0)
            return (1...10).contains(rank) ? 1 / Elementary.log2(1 + Double(rank)) : 0
        }
    }

    private func lifted(
        _ question: Validation.Question,
        _ sums: [Float],
        _ columns: [ContextChoice.Column],
        isFactor: Bool
    ) -> [Float] {
        guard !question.lifts.isEmpty, !columns.isEmpty else { return sums }
        var lifts = [Float](repeating: 0, count: sums.count)
        for column in columns {
            let start = column.column * sums.count
            for item in lifts.indices {
                lifts[item] += column.weight * question.lifts[start + item]
            }
        }
        let none = [Float](repeating: 0, count: sums.count)
        return Kernels.lifted(sums, none, scale: 1, lifts, isFactor: isFactor)
    }
}

/// The counts of every own column, as a validation replays the events.
final class ContextReplay {
    private let columns: [ContextCounts]
    private var lifts: [Float] = []

    init(_ training: InteractionLog) {
        columns = training.contextTable.columns.map { column in
            ContextCounts(
                name: column.name,
                key: column.key,
                valuesMax: ContextCounts.valuesMax(itemCount: training.itemCount)
            )
        }
        for (index, counts) in columns.enumerated() { counts.load(training, column: index) }
        lifts = [Float](repeating: 0, count: columns.isEmpty ? 0 : training.itemCount)
    }

    func add(_ log: InteractionLog, _ place: Int) {
        for (index, counts) in columns.enumerated() { counts.add(log, place, column: index) }
    }

    /// log2 of the lifts of some items by each column of an event; empty where none says anything.
    func lifts(_ log: InteractionLog, _ place: Int, of items: [UInt32]) -> [Float] {
        var found: [Float] = []
        var isLifted = false
        for (index, counts) in columns.enumerated() {
            Kernels.zero(&lifts, count: lifts.count)
            let code = log.context(place, index)
            if let value = log.contextTable.columns[index].value(code),
                counts.addLifts(value, weight: 1, to: &lifts)
            {
                isLifted = true
            }
            for item in items { found.append(lifts[Int(item)]) }
        }
        return isLifted ? found : []
    }
}
