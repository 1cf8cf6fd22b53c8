import Primitives

/// A recipe under another name, for another kind of question.
///
/// `personalized-ranking` ranks given items by the model of `user-personalization`: same training,
/// same live part, same artifact.
struct RenamedRecipe: Recipe {
    let identifier: String
    private let original: any Recipe

    init(identifier: String, of original: any Recipe) {
        self.identifier = identifier
        self.original = original
    }

    func emptyModel() -> any TrainedModel { original.emptyModel() }

    func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel {
        try original.train(set, progress: progress)
    }

    func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel {
        try original.decode(artifact)
    }
}
