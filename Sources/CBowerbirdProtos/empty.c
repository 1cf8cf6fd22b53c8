#include "CBowerbirdProtos.h"
