#include "compile/compile.h"
#include <gtest/gtest.h>
