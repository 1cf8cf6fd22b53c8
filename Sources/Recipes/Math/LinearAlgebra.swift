import COpenBLAS
import Primitives

/// Dense linear algebra, by OpenBLAS on one thread: the same numbers whatever else runs.
///
/// Matrices are square and symmetric or given by columns, single precision.
enum LinearAlgebra {
    /// Replaces a symmetric positive definite matrix by its inverse.
    ///
    /// n³ multiplications in place, by Cholesky.
    /// - Returns: False when the matrix isn't positive definite.
    static func invert(_ matrix: inout [Float], _ count: Int) -> Bool {
        precondition(matrix.count == count * count)
        openblas_set_num_threads(1)
        let size = Int32(count)
        let lower = Int8(bitPattern: UInt8(ascii: "L"))
        guard unsafe LAPACKE_spotrf(LAPACK_COL_MAJOR, lower, size, &matrix, size) == 0,
            unsafe LAPACKE_spotri(LAPACK_COL_MAJOR, lower, size, &matrix, size) == 0
        else { return false }
        // Only the lower triangle of columns was written.
        for column in 0..<count {
            for row in column + 1..<max(count, column + 1) {
                matrix[row * count + column] = matrix[column * count + row]
            }
        }
        return true
    }

    /// `left · right`, both and the result by columns; `left` is symmetric.
    static func product(_ left: [Float], _ right: [Float], _ count: Int) -> [Float] {
        precondition(left.count == count * count && right.count == count * count)
        openblas_set_num_threads(1)
        var result = [Float](repeating: 0, count: count * count)
        let size = Int32(count)
        unsafe cblas_ssymm(
            CblasColMajor,
            CblasLeft,
            CblasLower,
            size,
            size,
            1,
            left,
            size,
            right,
            size,
            0,
            &result,
            size
        )
        return result
    }
}
