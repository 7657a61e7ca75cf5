#include "apps/hull-runtime/logger.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/json.h"
#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

std::string now() { return to_rfc3339(WallTime{wall_now().ns / 1'000'000'000 * 1'000'000'000}); }

std::string text_line(const char* level, const std::string& message) {
    return "time=\"" + now() + "\" level=" + level + " msg=" + json::print(json::Value(message)) + "\n";
}

std::string json_line(const char* level, const std::string& message) {
    return json::print(json::Object{{"level", level}, {"msg", message}, {"time", now()}}) + "\n";
}

} // namespace

Result<Logger> Logger::open(const std::string& path, Format format) {
    Logger logger;
    logger.format_ = format;
    if (!path.empty()) logger.file_ = TRY(sys::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644));
    return logger;
}

// Nobody is left to tell when writing a message fails.
void Logger::write(const char* level, const std::string& message) const {
    std::string line = format_ == Format::json ? json_line(level, message) : text_line(level, message);
    (void)sys::write_all(file_ ? file_.borrow() : BorrowedFd(STDERR_FILENO), line);
}

void Logger::failed(const std::string& message) const {
    error(message);
    if (file_) (void)sys::write_all(BorrowedFd(STDERR_FILENO), message + "\n");
}

} // namespace hull::oci_runtime
