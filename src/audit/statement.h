// One statement of SQLite: bound, stepped, read.
#pragma once

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bailey::audit {

class Statement {
 public:
  Statement(sqlite3* handle, const std::string& text) : handle_(handle) {
    sqlite3_stmt* statement = nullptr;
    is_good_ = sqlite3_prepare_v2(handle, text.c_str(), -1, &statement, nullptr) == SQLITE_OK;
    statement_.reset(statement);
  }

  Statement& Bind(int at, std::string_view text) {
    is_good_ =
        is_good_ && sqlite3_bind_text(statement_.get(), at, text.data(),
                                      static_cast<int>(text.size()), SQLITE_TRANSIENT) == SQLITE_OK;
    return *this;
  }
  Statement& Bind(int at, std::int64_t number) {
    is_good_ = is_good_ && sqlite3_bind_int64(statement_.get(), at, number) == SQLITE_OK;
    return *this;
  }
  // True when there is a row; false at the end, or after a fault.
  bool Step() {
    if (!is_good_) return false;
    const int result = sqlite3_step(statement_.get());
    is_good_ = result == SQLITE_ROW || result == SQLITE_DONE;
    return result == SQLITE_ROW;
  }
  void Reset() { (void)sqlite3_reset(statement_.get()); }
  std::string Text(int column) const {
    const auto* const text = sqlite3_column_text(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    if (text == nullptr) return {};
    return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
  }
  std::int64_t Number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  base::Status Status() const {
    if (is_good_) return {};
    return base::InvalidInput(fmt::format("use the audit store: {}", sqlite3_errmsg(handle_)));
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { (void)sqlite3_finalize(statement); }
  };
  sqlite3* handle_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  bool is_good_ = false;
};

}  // namespace bailey::audit
