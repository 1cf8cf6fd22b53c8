/// Functions for noise that is drawn from a hash.
package enum Noise {
    /// ln(x) for x in 0..<1; of 0 that of the least number above it.
    package static func logarithm(_ value: Float) -> Float {
        Elementary.logarithm(max(value, .leastNormalMagnitude))
    }
}
