#include <string>
#include <vector>

class Supervisor {
 public:
  void OnDenied(const Call& call) { denials_.push_back(Describe(call)); } /* found */
  const std::vector<std::string>& denials() const { return denials_; }

 private:
  std::vector<std::string> denials_;
};
