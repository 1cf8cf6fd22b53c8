// Which of its builds OpenBLAS uses on a CPU that it does not know.
#pragma once

/// The build that OpenBLAS would be told to use on this CPU: the name of a core, or NULL where its
/// own choice is right.
const char *bowerbird_blas_core(void);
