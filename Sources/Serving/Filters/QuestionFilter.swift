/// A filter that a question brings: a resource's name, or an expression of its own.
package struct QuestionFilter: Hashable, Sendable {
    /// Empty: no filter resource.
    package var name = ""
    /// Empty: no expression.
    package var expression = ""
    /// Of its parameters, by name.
    package var values: [String: [String]] = [:]

    package init(name: String = "", expression: String = "", values: [String: [String]] = [:]) {
        self.name = name
        self.expression = expression
        self.values = values
    }

    var isAbsent: Bool { name.isEmpty && expression.isEmpty }
}

/// Items that are to be given a part of the slots.
package struct QuestionPromotion: Hashable, Sendable {
    package var name: String
    /// 1 to 100: of the slots, rounded up.
    package var percent: Int
    package var filter: QuestionFilter

    package init(name: String, percent: Int, filter: QuestionFilter) {
        self.name = name
        self.percent = percent
        self.filter = filter
    }

    /// How many of `count` slots are promoted.
    ///
    /// A tenth of 25 are 3, a hundredth is 1.
    package func slots(of count: Int) -> Int { (count * percent + 99) / 100 }
}
