package import Resources

extension FilterSchemas {
    /// The schemas of a group's datasets.
    ///
    /// - Parameters:
    ///   - group: The group's name.
    ///   - resource: How to find a resource by its name.
    package init(of group: ResourceName, _ resource: (ResourceName) -> Resource?) {
        func schema(_ kind: DatasetKind) -> Schema? {
            guard
                case .dataset(let dataset) = resource(
                    group.child("datasets", kind.collectionLabel)
                ),
                case .schema(let schema) = resource(dataset.schema)
            else { return nil }
            return dataset.arranged(schema)
        }
        self.init(
            interactions: schema(.interactions),
            items: schema(.items),
            users: schema(.users)
        )
    }
}

extension DatasetEngine {
    /// What filters of a group are checked against now.
    package func filterSchemas(of group: ResourceName) -> FilterSchemas {
        FilterSchemas(of: group) { resources[$0] }
    }
}

extension FilterErrors {
    /// Refuses the field that holds the expression; every error is a violation of its own.
    package func refusal(field: String) -> Refusal {
        refusal { _ in field }
    }

    /// Refuses the values: each error names its parameter as `field.NAME`.
    package func refusal(valuesField field: String) -> Refusal {
        refusal { error in error.parameter.isEmpty ? field : "\(field).\(error.parameter)" }
    }

    private func refusal(_ field: (FilterError) -> String) -> Refusal {
        let violations = all.map { error in
            Refusal.FieldViolation(field: field(error), description: error.description)
        }
        let rest = all.count == 1 ? "" : " (and \(all.count - 1) more)"
        return Refusal(
            .invalidInput,
            "\(violations[0].field): \(violations[0].description)\(rest)",
            violations: violations
        )
    }
}
