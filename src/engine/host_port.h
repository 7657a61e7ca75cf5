// What the engine asks of the machine it runs on besides containers: device
// nodes, a few small files, ps. apps/hulld implements it over sys/; tests
// implement a fake. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/cdi.h"

namespace hull::engine {

struct DeviceNode {
    std::string path;
    char type = 'c'; // c b
    int64_t major = 0, minor = 0;
    uint32_t mode = 0; // permission bits
    uint32_t uid = 0, gid = 0;
};

enum class PathKind : unsigned char { missing, directory, device, other };

struct FileIdentity {
    uint64_t device = 0, inode = 0;
    uint64_t birth = 0; // ns; an inode number is used again
    bool operator==(const FileIdentity&) const = default;
};

// An open file, also when its name meanwhile belongs to another one.
class FileReader {
public:
    virtual ~FileReader() = default;
    virtual FileIdentity identity() const = 0;
    virtual Result<uint64_t> size() = 0;
    // 0 at the end.
    virtual Result<size_t> read_at(uint64_t offset, std::span<char> into) = 0;
};

// Wakes a reader when a file grew or was replaced.
class FileWatch {
public:
    virtual ~FileWatch() = default;
    // False: timeout_ms passed without a change.
    virtual bool wait(int timeout_ms) = 0;
};

// Gathers what a program prints over an attached stream.
class Capture {
public:
    virtual ~Capture() = default;
    // The end to hand out; once.
    virtual UniqueFd take_client() = 0;
    // What came in frames (Engine API, "Stream format"), without them, until
    // the other end closes or the time is up; beyond limit it is dropped.
    virtual std::string read(size_t limit, int64_t timeout_ms) = 0;
};

class HostPort {
public:
    virtual ~HostPort() = default;

    virtual PathKind kind(const std::string& path) = 0; // follows links
    // Errors: not_found, invalid_argument (not a device).
    virtual Result<DeviceNode> device(const std::string& path) = 0;
    // All nodes in a folder and below, without those of terminals (pts, console)
    // and of other mounts (shm, mqueue).
    virtual Result<std::vector<DeviceNode>> devices_below(const std::string& dir) = 0;
    virtual Result<void> make_directories(const std::string& path) = 0; // 0755
    virtual Result<std::string> read_file(const std::string& path, size_t limit) = 0;
    // Or <path>.gz, as if it weren't compressed. Errors: not_found.
    virtual Result<std::unique_ptr<FileReader>> open(const std::string& path) = 0;
    // Compresses <path>.1 to <path>.<max_files - 1>. conflict: it is being done.
    virtual Result<void> compress_rotated(const std::string& path, unsigned max_files) = 0;
    virtual Result<std::unique_ptr<FileWatch>> watch(const std::string& path) = 0;
    virtual Result<std::unique_ptr<Capture>> capture() = 0;
    // SIGKILL to a process that the keeper hasn't reaped yet.
    virtual void kill_process(int pid) = 0;
    // The CDI files of these folders, in their order.
    virtual std::vector<CdiSpec> cdi_specs(const std::vector<std::string>& folders) = 0;
    // The network namespace of a process.
    virtual Result<UniqueFd> net_namespace(int pid) = 0;
    // The program that runs those of another processor ("arm64"); empty: there is none.
    virtual std::string emulator(const std::string& architecture) = 0;
    // A path by which other processes of root's can open what this descriptor is.
    virtual std::string descriptor_path(BorrowedFd fd) = 0;
    // Output of ps(1) with these arguments. Errors: invalid_argument with what
    // ps said.
    virtual Result<std::string> ps(const std::vector<std::string>& arguments) = 0;
};

} // namespace hull::engine
