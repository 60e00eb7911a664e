#pragma once
#include "program.h"
