import Control
import Engine
import Primitives
import RPC
import Recipes
import Resources
import Wire

/// The recipes over the wire; they are made by the server.
extension SolutionsService {
    func addRecipes(to router: inout Router) {
        let path = "/bowerbird.v1.SolutionsService/"
        router.unary(path + "ListRecipes") { [self] message, call in
            calls.ask(call) { arena in
                let request = try ListRecipesRequestView(unpacking: message, into: arena)
                _ = try ControlPlane.pageSize(request.pageSize)
                guard request.pageToken.isEmpty else {
                    throw Refusal.invalid("page_token", "is not one that this list returned")
                }
                return { writer in
                    let response = ListRecipesResponseBuilder(into: writer)
                    for entry in RecipeCatalog.all {
                        response.recipes { Self.write(entry, $0) }
                    }
                }
            }
        }
        router.unary(path + "DescribeRecipe") { [self] message, call in
            calls.ask(call) { arena in
                let request = try DescribeRecipeRequestView(unpacking: message, into: arena)
                let name = try ResourceName(
                    parsing: request.recipe.string,
                    as: .recipe,
                    field: "recipe"
                )
                guard let entry = RecipeCatalog.entry(name.label) else {
                    throw Refusal.missing(name, "recipe")
                }
                return { writer in
                    DescribeRecipeResponseBuilder(into: writer).recipe { Self.write(entry, $0) }
                }
            }
        }
    }

    private static func write(_ entry: RecipeCatalog.Entry, _ message: RecipeBuilder) {
        message.resourceName(ResourceName.recipe(entry.recipe.identifier).text)
        message.name(entry.recipe.identifier)
        message.status(.active)
        message.description(entry.description)
        switch entry.kind {
        case .userPersonalization: message.recipeType(.userPersonalization)
        case .popularItems: message.recipeType(.popularItems)
        case .personalizedRanking: message.recipeType(.personalizedRanking)
        case .relatedItems: message.recipeType(.relatedItems)
        }
    }
}
