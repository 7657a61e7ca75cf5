// The seccomp profile of a container: ours, resolved for its capabilities, or
// what --security-opt seccomp= says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::engine {

// What is allowed to every container, plus what its capabilities open. What
// isn't named fails with EPERM.
std::shared_ptr<const model::oci::Seccomp> default_seccomp(const std::vector<std::string>& capabilities);

// text: "" (default), "unconfined" (nullopt), "builtin", or a profile's JSON in
// Docker's form (with includes and excludes by capability and architecture) or
// in the OCI form. Errors: invalid_argument.
Result<std::optional<model::oci::Seccomp>> seccomp_profile(const std::string& text,
                                                           const std::vector<std::string>& capabilities);

} // namespace hull::engine
