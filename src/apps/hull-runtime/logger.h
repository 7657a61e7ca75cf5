// Messages as runc writes them: on standard error for people, and in the file
// of --log for the program above (containerd reads the last error from it).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::oci_runtime {

class Logger {
public:
    enum class Format : unsigned char { text, json };

    Logger() = default;
    // path empty: standard error only.
    static Result<Logger> open(const std::string& path, Format format);

    void error(const std::string& message) const { write("error", message); }
    void warning(const std::string& message) const { write("warning", message); }

private:
    UniqueFd file_;
    Format format_ = Format::text;
    void write(const char* level, const std::string& message) const;
};

} // namespace hull::oci_runtime
