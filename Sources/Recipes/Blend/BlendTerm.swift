import Primitives

/// A source with its weight in a blend.
///
/// Of a linear source only the name is kept once its matrix is merged with the others' of its τ.
struct BlendTerm: Hashable, Sendable {
    var source: BlendSource
    /// Of the source's score divided by its scale.
    var weight: Float
    /// The mean of the source's largest score over the validation's questions; 0: scaled by its
    /// largest score at each question.
    var scale: Float

    var isRelative: Bool { scale == 0 }

    func encode(into artifact: ArtifactWriter) {
        switch source {
        case .rules(let shape):
            artifact.put(UInt8(0))
            artifact.put(UInt32(shape.rawValue))
        case .logRules(let shape):
            artifact.put(UInt8(1))
            artifact.put(UInt32(shape.rawValue))
        case .linear: preconditionFailure("linear terms are merged before a model is made")
        case .popularity:
            artifact.put(UInt8(2))
            artifact.put(UInt32(0))
        case .trend(let hours):
            artifact.put(UInt8(3))
            artifact.put(UInt32(hours))
        case .logTrend(let hours):
            artifact.put(UInt8(4))
            artifact.put(UInt32(hours))
        case .content:
            artifact.put(UInt8(5))
            artifact.put(UInt32(0))
        case .sessions:
            artifact.put(UInt8(6))
            artifact.put(UInt32(0))
        }
        artifact.put(weight)
        artifact.put(scale)
    }

    init(source: BlendSource, weight: Float, scale: Float) {
        self.source = source
        self.weight = weight
        self.scale = scale
    }

    init(_ reader: inout ArtifactReader) throws(RecipeError) {
        let kind = try reader.number(UInt8.self)
        let detail = try reader.number(UInt32.self)
        switch kind {
        case 0, 1:
            guard let shape = RuleShape(rawValue: UInt8(clamping: detail)) else {
                throw ArtifactReader.damaged("a shape of rules is unknown")
            }
            source = kind == 0 ? .rules(shape) : .logRules(shape)
        case 2: source = .popularity
        case 3, 4:
            guard (1...1_000_000).contains(detail) else {
                throw ArtifactReader.damaged("a half-life is out of range")
            }
            source = kind == 3 ? .trend(hours: Int32(detail)) : .logTrend(hours: Int32(detail))
        case 5: source = .content
        case 6: source = .sessions
        default: throw ArtifactReader.damaged("a source is unknown")
        }
        weight = try reader.float()
        scale = try reader.float()
        guard weight > 0, scale >= 0 else {
            throw ArtifactReader.damaged("a weight is not positive")
        }
    }
}
