// The AppArmor profile of containers that ask for none: made and loaded by hulld,
// through apparmor_parser(8), where the kernel has AppArmor. What it allows is what
// Docker's default profile allows.
#pragma once

#include <string>

#include "base/result.h"

namespace hull {

inline constexpr const char* own_apparmor_profile = "hull-default";

// The profile as text. folder: where the distribution keeps its parts
// (tunables/global, abstractions/base); those that aren't there are done without.
std::string apparmor_profile_text(const std::string& name, const std::string& folder = "/etc/apparmor.d");

// Writes it to <exec_root>/apparmor/<name> and loads it, over one of that name.
// Errors: no_such_program (the parser isn't installed), system.
Result<void> load_apparmor_profile(const std::string& name, const std::string& exec_root);

} // namespace hull
