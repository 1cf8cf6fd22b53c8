import Primitives

extension CheckedFilter {
    /// Converts the values that a request gives to the types of the parameters.
    ///
    /// A value is taken as it is; one that is wholly of Personalize's form `"a","b"` stands for
    /// the values between its quotes. A list without a value matches nothing.
    /// - Throws: All that is missing, unknown or of the wrong type, each with its parameter.
    package func bind(
        _ given: [String: [String]],
        valuesMax: Int = Limits.filterValuesMax
    ) throws(FilterErrors) -> FilterArguments {
        var arguments = FilterArguments()
        var errors: [FilterError] = []
        let names = parameters.map(\.name)
        // Later ones are not told anyway, and each costs a look at every name.
        let others = given.keys.filter { !names.contains($0) }.sorted()
        for name in others.prefix(Limits.filterErrorsMax) { errors.append(unknown(name, names)) }
        var count = 0
        var longest: (parameter: FilterParameter, count: Int)?
        for parameter in parameters {
            guard let texts = given[parameter.name] else {
                if parameter.isRequired { errors.append(parameter.missing) }
                continue
            }
            let values = texts.flatMap { FilterText.list($0) ?? [$0] }
            count += values.count
            if values.count > longest?.count ?? 0 { longest = (parameter, values.count) }
            arguments.values[parameter.name] = parameter.convert(values, &errors)
        }
        if count > valuesMax, let longest {
            errors.append(longest.parameter.tooMany(longest.count, of: count, valuesMax))
        }
        guard errors.isEmpty else {
            throw FilterErrors(Array(errors.prefix(Limits.filterErrorsMax)))
        }
        return arguments
    }

    private func unknown(_ name: String, _ names: [String]) -> FilterError {
        let known =
            names.isEmpty
            ? "no parameters"
            : names.prefix(20).map { "$\($0)" }.joined(separator: ", ")
        return FilterError(
            .value,
            .none,
            "the filter has no parameter $\(FilterLexer.shown(name)); it has \(known)",
            hint: NearestName.of(name, in: names).map { "did you mean $\($0)?" } ?? "",
            parameter: name
        )
    }
}

extension FilterParameter {
    fileprivate var missing: FilterError {
        FilterError(
            .value,
            range,
            "$\(name) has no value; an INCLUDE needs \(isList ? "values" : "a value") for it",
            parameter: name
        )
    }

    fileprivate func tooMany(_ own: Int, of count: Int, _ valuesMax: Int) -> FilterError {
        FilterError(
            .value,
            range,
            "$\(name) has \(own) of \(count) values; \(valuesMax) are allowed",
            parameter: name
        )
    }

    fileprivate func convert(
        _ texts: [String],
        _ errors: inout [FilterError]
    ) -> [FilterLiteral] {
        if !isList && texts.count != 1 {
            errors.append(
                FilterError(
                    .value,
                    range,
                    "$\(name) has \(texts.count) values; a comparison takes one",
                    parameter: name
                )
            )
            return []
        }
        var values: [FilterLiteral] = []
        for text in texts {
            if let problem = problem(of: text) {
                errors.append(FilterError(.value, range, problem, parameter: name))
                return []
            }
            if let value = FilterLiteral.string(text).converted(to: type) { values.append(value) }
        }
        return values
    }

    private func problem(of text: String) -> String? {
        let characters = text.unicodeScalars.count
        if characters > Limits.valueCharactersMax {
            return "a value of $\(name) has \(characters) characters; "
                + "\(Limits.valueCharactersMax) are allowed"
        }
        if FilterLiteral.string(text).converted(to: type) == nil {
            return "$\(name) is \"\(FilterLexer.shown(text))\"; \(type.noun) is needed"
        }
        return nil
    }
}
