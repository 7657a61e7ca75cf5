// Messages as runc writes them: without --log on standard error, else in that
// file (containerd reads the last error from it), and the error that ends the
// command on standard error too, as it is.
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
    void set_debug(bool on) { debug_ = on; }
    bool debugs() const { return debug_; }

    // The command failed with this; once.
    void failed(const std::string& message) const;
    void error(const std::string& message) const { write("error", message); }
    void warning(const std::string& message) const { write("warning", message); }
    void debug(const std::string& message) const {
        if (debug_) write("debug", message);
    }

private:
    UniqueFd file_;
    Format format_ = Format::text;
    bool debug_ = false;
    void write(const char* level, const std::string& message) const;
};

} // namespace hull::oci_runtime
