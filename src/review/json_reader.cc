#include "review/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace bailey::review {

using nlohmann::json;

const json* JsonReader::Find(const std::string& pointer) {
  if (error_) return nullptr;
  const json* at = &text_.Root();
  std::size_t start = 0;
  while (start < pointer.size()) {
    const std::size_t end = std::min(pointer.find('/', start + 1), pointer.size());
    const std::string token = pointer.substr(start + 1, end - start - 1);
    if (at->is_object()) {
      const auto member = at->find(token);
      if (member == at->end()) return nullptr;
      at = &*member;
    } else if (at->is_array()) {
      const auto index = base::ParseNumber(token);
      if (!index || *index >= at->size()) return nullptr;
      at = &(*at)[static_cast<std::size_t>(*index)];
    } else {
      return nullptr;
    }
    start = end;
  }
  return at->is_null() ? nullptr : at;
}

void JsonReader::Fail(const std::string& pointer, std::string_view cause) {
  if (!error_) error_ = text_.ErrorAt(pointer, cause);
}

std::string JsonReader::String(const std::string& pointer) {
  const json* const value = Find(pointer);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    Fail(pointer, "is not a string");
    return {};
  }
  return value->get<std::string>();
}

std::optional<bool> JsonReader::Boolean(const std::string& pointer) {
  const json* const value = Find(pointer);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    Fail(pointer, "is neither true nor false");
    return std::nullopt;
  }
  return value->get<bool>();
}

std::optional<std::int64_t> JsonReader::Integer(const std::string& pointer) {
  const json* const value = Find(pointer);
  if (value == nullptr) return std::nullopt;
  const bool is_huge =
      value->is_number_unsigned() &&
      value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!value->is_number_integer() || is_huge) {
    Fail(pointer, "is not a whole number of 64 bits");
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::vector<std::string> JsonReader::Strings(const std::string& pointer) {
  const json* const value = Find(pointer);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    Fail(pointer, "is not a list");
    return {};
  }
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < value->size() && !error_; ++i)
    strings.push_back(String(fmt::format("{}/{}", pointer, i)));
  return strings;
}

std::vector<std::string> JsonReader::Objects(const std::string& pointer) {
  const json* const value = Find(pointer);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    Fail(pointer, "is not a list");
    return {};
  }
  std::vector<std::string> pointers;
  for (std::size_t i = 0; i < value->size(); ++i) {
    std::string element = fmt::format("{}/{}", pointer, i);
    if (!(*value)[i].is_object()) {
      Fail(element, "is not an object");
      return {};
    }
    pointers.push_back(std::move(element));
  }
  return pointers;
}

bool JsonReader::Object(const std::string& pointer) {
  const json* const value = Find(pointer);
  if (value == nullptr) return false;
  if (!value->is_object()) Fail(pointer, "is not an object");
  return value->is_object();
}

std::vector<std::string> JsonReader::Unknown(const std::string& pointer,
                                             std::initializer_list<std::string_view> known) {
  std::vector<std::string> unknown;
  const json* const value = Find(pointer);
  if (value == nullptr || !value->is_object()) return unknown;
  for (const auto& [name, member] : value->items()) {
    if (std::ranges::find(known, name) == known.end()) unknown.push_back(name);
  }
  return unknown;
}

}  // namespace bailey::review
