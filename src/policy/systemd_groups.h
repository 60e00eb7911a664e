// data/systemd-groups.txt as it was at build.
#pragma once

#include <string_view>

namespace bailey::policy {

std::string_view SystemdGroupsText();

}  // namespace bailey::policy
