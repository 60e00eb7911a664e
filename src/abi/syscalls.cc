#include "abi/syscalls.h"

#include <algorithm>
#include <iterator>

#include "abi/name_index.h"
#include "abi/syscall_table.h"

namespace bailey::abi {
namespace {

constexpr std::uint32_t kNoNumber = 0xffffffff;
constexpr std::size_t kNameCount = std::size(table::kNames);
constexpr auto kIndex = MakeNameIndex(table::kNames);

static_assert(std::size(table::kTableOf) == kArchCount);

std::size_t TableOf(Arch arch) { return table::kTableOf[static_cast<std::size_t>(arch)]; }

constexpr Multiplexed kSocketcall[] = {
    {1, "socket"},    {2, "bind"},        {3, "connect"},     {4, "listen"},
    {5, "accept"},    {6, "getsockname"}, {7, "getpeername"}, {8, "socketpair"},
    {9, "send"},      {10, "recv"},       {11, "sendto"},     {12, "recvfrom"},
    {13, "shutdown"}, {14, "setsockopt"}, {15, "getsockopt"}, {16, "sendmsg"},
    {17, "recvmsg"},  {18, "accept4"},    {19, "recvmmsg"},   {20, "sendmmsg"},
};

constexpr Multiplexed kIpc[] = {
    {1, "semop"},   {2, "semget"},  {3, "semctl"},  {4, "semtimedop"},
    {11, "msgsnd"}, {12, "msgrcv"}, {13, "msgget"}, {14, "msgctl"},
    {21, "shmat"},  {22, "shmdt"},  {23, "shmget"}, {24, "shmctl"},
};

}  // namespace

Syscall SyscallList::Row(std::size_t row) {
  return {table::kNumbers[row], table::kNames[table::kOwners[row]], table::kOwners[row]};
}

std::optional<std::uint32_t> Number(Arch arch, std::string_view name) {
  const auto at = kIndex.Find(table::kNames, name);
  if (!at) return std::nullopt;
  return NumberAt(arch, *at);
}

std::optional<std::uint32_t> NumberAt(Arch arch, std::size_t name_index) {
  const std::uint32_t number = table::kByName[TableOf(arch) * kNameCount + name_index];
  if (number == kNoNumber) return std::nullopt;
  return number;
}

std::string_view Name(Arch arch, std::uint32_t number) {
  const std::size_t row = TableOf(arch);
  const auto* first = table::kNumbers + table::kStarts[row];
  const auto* last = table::kNumbers + table::kStarts[row + 1];
  const auto* found = std::lower_bound(first, last, number);
  if (found == last || *found != number) return {};
  return table::kNames[table::kOwners[found - table::kNumbers]];
}

SyscallList Syscalls(Arch arch) {
  const std::size_t row = TableOf(arch);
  return {table::kStarts[row], table::kStarts[row + 1]};
}

base::Texts AllNames() { return table::kNames; }

bool IsKnownName(std::string_view name) { return NameIndexOf(name).has_value(); }

std::optional<std::size_t> NameIndexOf(std::string_view name) {
  return kIndex.Find(table::kNames, name);
}

std::span<const Multiplexed> SocketcallTable() { return kSocketcall; }

std::span<const Multiplexed> IpcTable() { return kIpc; }

}  // namespace bailey::abi
