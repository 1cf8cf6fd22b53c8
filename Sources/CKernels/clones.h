// Builds of a function for several CPUs: the loader picks the first that the machine can run.
// Not for the thread sanitizer: it isn't there yet when the loader asks.
#pragma once
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define BUILT_FOR(...) __attribute__((target_clones(__VA_ARGS__)))
#else
#define BUILT_FOR(...)
#endif
