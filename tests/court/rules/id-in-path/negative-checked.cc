#include <filesystem>
#include <string>

namespace box {

bool IsSafeName(const std::string& name);

class Store {
 public:
  explicit Store(std::string box_id) : box_id_(std::move(box_id)) {
    if (!IsSafeName(box_id_)) throw std::invalid_argument("the id");
  }
  void Make() { std::filesystem::create_directory("/run/box/" + box_id_); }

 private:
  std::string box_id_;
};

void Make(const std::string& box_id) {
  if (box_id.find_first_not_of("abcdef0123456789") != std::string::npos) return;
  std::filesystem::create_directory("/run/box/" + box_id);
}

}  // namespace box
