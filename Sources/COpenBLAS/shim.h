// OpenBLAS and LAPACKE. A module map cannot name headers of the system by an absolute path that
// holds on every architecture, so they come through this file.
#pragma once
#include <cblas.h>
#include <lapacke.h>
