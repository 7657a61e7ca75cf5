// Seccomp profiles in Docker's form: rules with conditions on capabilities and
// architecture. Source: docs.docker.com "Seccomp security profiles"; the OCI
// form is the same without conditions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::model {

// The rules that hold for a container with these capabilities on this machine's
// architecture. Errors: invalid_argument.
Result<oci::Seccomp> parse_docker_seccomp(std::string_view json, const std::vector<std::string>& capabilities);

} // namespace hull::model
