package import Primitives

extension SeededGenerator {
    /// A generator whose seed is printed at once: a test that ends its process can be repeated.
    package static func printed(for test: String) -> SeededGenerator {
        let seed = UInt64.random(in: 0 ... .max)
        print("\(test): seed \(seed)")
        return SeededGenerator(seed: seed)
    }
}
