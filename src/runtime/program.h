// Finding the program to run, with the texts that users of Docker know.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace hull::runtime {

// name as it is when it has a slash; otherwise the first executable file of
// that name on the PATH of env. Uses the calling process's root, cwd and
// effective ids. Errors: no_such_program (`exec: "x": executable file not
// found in $PATH`), not_executable (`exec: "/etc": is a directory`, `exec:
// "/etc/passwd": permission denied`).
Result<std::string> find_program(const std::string& name, std::span<const std::string> env);

// What execve's errno means: "exec /x: exec format error" and the right kind.
Error exec_failure(const std::string& path, int code);

} // namespace hull::runtime
