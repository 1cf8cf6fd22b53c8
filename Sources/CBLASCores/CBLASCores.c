#include "CBLASCores.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

// OpenBLAS's own, and not in its headers. Absent from a library that was built for one core only.
extern char *openblas_get_corename(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

const char *bowerbird_blas_core(void) {
#if defined(__x86_64__)
    if (!openblas_get_corename) return NULL;
    static const char *const modern[] = {
        "Haswell", "Zen", "Excavator", "SkylakeX", "Cooperlake", "SapphireRapids",
    };
    const char *chosen = openblas_get_corename();
    for (size_t index = 0; index < sizeof modern / sizeof *modern; index++) {
        if (strcasecmp(chosen, modern[index]) == 0) return NULL;
    }
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl")) {
        return "SkylakeX";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
    return NULL;
}

// Runs behind OpenBLAS's own constructor and before `main`: the environment, which is the only way
// to name a core, must not be changed beside threads that read it.
__attribute__((constructor)) static void choose(void) {
    if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return;
    if (getenv("OPENBLAS_CORETYPE")) return;
    const char *core = bowerbird_blas_core();
    if (!core || setenv("OPENBLAS_CORETYPE", core, 1) != 0) return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
}
