import Glibc

/// The functions of analysis that the recipes need; the one place here that asks the C library.
enum Elementary {
    static func exp(_ value: Float) -> Float { Glibc.expf(value) }
    static func power(_ base: Float, _ exponent: Float) -> Float { Glibc.powf(base, exponent) }
    static func logarithm(_ value: Float) -> Float { Glibc.logf(value) }
    static func exp(_ value: Double) -> Double { Glibc.exp(value) }
    static func log2(_ value: Double) -> Double { Glibc.log2(value) }
    static func exp2(_ value: Double) -> Double { Glibc.exp2(value) }
}
