// File descriptors: UniqueFd owns one, BorrowedFd lends one.
#pragma once

#include <utility>

namespace hull {

// A descriptor that somebody else owns and keeps open for as long as this is used.
class BorrowedFd {
public:
    constexpr BorrowedFd() = default;
    constexpr explicit BorrowedFd(int fd) : fd_(fd) {}
    constexpr int get() const { return fd_; }
    constexpr bool valid() const { return fd_ >= 0; }
    constexpr explicit operator bool() const { return valid(); }

private:
    int fd_ = -1;
};

// Owns a descriptor and closes it.
class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }
    explicit operator bool() const { return valid(); }
    BorrowedFd borrow() const { return BorrowedFd(fd_); }
    operator BorrowedFd() const { return BorrowedFd(fd_); }

    // Gives ownership away.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    // Closes what is held and takes over fd. errno is preserved.
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

} // namespace hull
