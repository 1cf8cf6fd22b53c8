import Glibc

/// The two functions of analysis that the recipes need; the one place here that asks the C library.
enum Elementary {
    static func exp(_ value: Float) -> Float { Glibc.expf(value) }
    static func exp2(_ value: Double) -> Double { Glibc.exp2(value) }
}
