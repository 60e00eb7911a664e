#include <CLI/CLI.hpp>
#include <gtest/gtest.h>
