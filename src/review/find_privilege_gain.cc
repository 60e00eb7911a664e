// Programs that give more rights when executed: setuid files and files with capabilities, where
// no_new_privs is not set and a mount honours them. And more user namespaces, which give every
// capability inside them.
#include <fmt/format.h>

#include "review/confinement_find.h"
#include "review/fact.h"
#include "review/sight.h"

namespace bailey::review {
namespace {

// Where a setuid program may be: files of the host, or of an image, whose programs nobody here saw.
// Without a capability in the bounding set id 0 comes without any.
bool MayHoldSetuid(const Confinement& confinement, const Mount& mount) {
  if (mount.nosuid || mount.noexec || mount.type == "device") return false;
  if (mount.type != "image") return !mount.from.empty();
  return confinement.runs_as_root == Known::kNo && confinement.capabilities.value_or(0) != 0;
}

void FindSetuid(const Subject& subject, std::vector<Finding>& findings) {
  const Confinement& confinement = *subject.confinement;
  // In a user namespace of its own, a file's owner counts only where it is mapped (fs/exec.c,
  // bprm_fill_uid).
  if (confinement.no_new_privs != Known::kNo || !Is(confinement, Namespace::kUser, Known::kNo))
    return;
  const bool is_shared = Is(confinement, Namespace::kMount, Known::kNo);
  std::vector<std::string> mounts;
  bool has_image = false;
  for (const Mount& mount : confinement.mounts) {
    if (!MayHoldSetuid(confinement, mount)) continue;
    has_image = has_image || mount.type == "image";
    if (mount.type != "image" && mounts.size() < 5) mounts.push_back(mount.to);
  }
  if (mounts.empty() && !has_image && !is_shared) return;
  Finding finding;
  finding.rule = "confinement/setuid";
  finding.vulnerability = "setuid programs give more rights inside";
  finding.reason = fmt::format("no_new_privs is not set, and {} without nosuid.",
                               !mounts.empty() ? List(mounts) + " come from the host"
                               : is_shared     ? "the host's files are there"
                                               : "the image's programs are executed");
  finding.impact =
      "A program in the sandbox becomes root through sudo, su, mount or a hole in any setuid "
      "program.";
  const bool is_less = confinement.runs_as_root == Known::kYes || (mounts.empty() && !is_shared);
  finding.effect = is_less ? Severity::kMedium : Severity::kHigh;
  finding.fix = FixFor(subject, "", "\"noNewPrivileges\": true");
  finding.place = PlaceOr(confinement.no_new_privs_place, confinement);
  finding.evidence.push_back(Read(confinement, finding.place, "no_new_privs: no"));
  findings.push_back(std::move(finding));
}

void FindNamespaces(const Subject& subject, std::vector<Finding>& findings) {
  const Confinement& confinement = *subject.confinement;
  if (confinement.new_user_namespaces != Known::kYes) return;
  const Closed closed = IsClosed(subject, "no-new-user-namespace");
  if (closed.closed != Known::kNo) return;
  Finding finding;
  finding.rule = "confinement/new-user-namespaces";
  finding.vulnerability = "the program may make user namespaces of its own";
  finding.reason =
      "Whoever makes a user namespace has every capability in it: mounts, packet filters and more "
      "of the kernel open up.";
  finding.impact = "More of the kernel can be attacked from the sandbox.";
  finding.effect = Severity::kMedium;
  finding.place = confinement.place;
  finding.witness = closed.witness;
  finding.guarantee = "no-new-user-namespace";
  finding.fix = FixFor(subject, "--unshare-user --disable-userns", "");
  finding.attempts.push_back({Attempt::Kind::kMakeUserNamespace, {}});
  finding.evidence.push_back(Read(confinement, finding.place, "nothing forbids new ones"));
  findings.push_back(std::move(finding));
}

}  // namespace

void FindPrivilegeGain(const Subject& subject, std::vector<Finding>& findings) {
  if (!subject.confinement) return;
  FindSetuid(subject, findings);
  FindNamespaces(subject, findings);
}

}  // namespace bailey::review
