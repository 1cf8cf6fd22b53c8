// Numeric loops that need vector instructions: pure functions over pointers and lengths.
#pragma once
#include <stddef.h>
#include <stdint.h>
