#include "helpers/helpers.h"
