// The engine's folders: made with modes that keep others out, and locked, so
// that two engines never work on one of them.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull {

class StateFolder {
public:
    // Makes the folder, mode 0700, and locks <path>/hulld.lock. Error conflict
    // naming the process that has it.
    static Result<StateFolder> open(const std::string& what, const std::string& path);

    // Lets members of this group pass through it to a socket inside.
    Result<void> let_pass(gid_t group);
    const std::string& path() const { return path_; }

private:
    StateFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
    std::string path_;
    UniqueFd lock_; // released with the process, whatever ends it
};

// A pid file for as long as this lives. Errors: conflict when another hulld that
// runs is named in it.
class PidFile {
public:
    static Result<PidFile> create(const std::string& path);
    PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    PidFile& operator=(PidFile&&) = delete;
    ~PidFile();

private:
    explicit PidFile(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// The number of a group in /etc/group, without NSS; nullopt: there is none.
std::optional<gid_t> find_group(const std::string& name);

// A listening socket, mode 0660, of this group.
Result<UniqueFd> listen_for_group(const std::string& path, gid_t group);

} // namespace hull
