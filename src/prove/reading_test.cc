#include "prove/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
