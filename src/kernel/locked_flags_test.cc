#include "kernel/locked_flags.h"

#include <csignal>
#include <functional>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/namespaces.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace hull::kernel {
namespace {

using testing::HasSubstr;

// Runs body in a user and mount namespace in which "/proc" is a locked copy of
// a mount of the outer one that has these attributes; what it returns is told.
std::string with_locked_mount(uint64_t attributes, const std::function<Result<void>(BorrowedFd)>& body) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "pipe";
    pid_t child = ::fork();
    if (child == 0) {
        auto run = [&]() -> Result<void> {
            TRY(sys::unshare(CLONE_NEWNS));
            TRY(sys::mount_propagation("/", MS_REC | MS_PRIVATE));
            auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
            UniqueFd tree = TRY(tmpfs.mount(attributes));
            TRY(sys::attach_mount(tree, "/mnt"));
            std::vector<IdMapping> map{{0, 0, 1000}};
            UniqueFd user_ns = TRY(make_user_namespace(map, map));
            TRY(sys::setns(user_ns, CLONE_NEWUSER));
            TRY(sys::unshare(CLONE_NEWNS));
            UniqueFd copy = TRY(sys::clone_tree({}, "/mnt", sys::Depth::one));
            return body(copy);
        };
        auto done = run();
        std::string text = done.ok() ? "done" : done.error().message();
        (void)!::write(ends[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    UniqueFd reader(ends[0]);
    std::array<char, 4096> buffer{};
    auto n = sys::read(reader, buffer);
    ::waitpid(child, nullptr, 0);
    return n.ok() ? std::string(buffer.data(), *n) : n.error().message();
}

class LockedFlags : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    }
};

TEST_F(LockedFlags, read_only_on_a_read_only_mount_is_fine) {
    auto said = with_locked_mount(MOUNT_ATTR_RDONLY, [](BorrowedFd copy) {
        return change_mount(copy, sys::Depth::one, {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
    });
    EXPECT_EQ(said, "done");
}

TEST_F(LockedFlags, writing_to_a_read_only_mount_is_refused_with_the_option_named) {
    auto said = with_locked_mount(MOUNT_ATTR_RDONLY, [](BorrowedFd copy) {
        return change_mount(copy, sys::Depth::one, {.clear = MOUNT_ATTR_RDONLY});
    });
    EXPECT_THAT(said, HasSubstr("option rw: the source is mounted read-only"));
}

TEST_F(LockedFlags, options_that_take_nothing_back_are_fine) {
    auto said = with_locked_mount(MOUNT_ATTR_NODEV, [](BorrowedFd copy) {
        return change_mount(copy, sys::Depth::one, {.clear = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
    });
    EXPECT_EQ(said, "done");
}

TEST_F(LockedFlags, a_change_of_atime_is_left_out_and_the_rest_done) {
    auto said = with_locked_mount(MOUNT_ATTR_NOATIME, [](BorrowedFd copy) -> Result<void> {
        TRY(change_mount(copy, sys::Depth::one,
                         {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_STRICTATIME, .clear = MOUNT_ATTR__ATIME}));
        uint64_t has = TRY(sys::mount_attributes(copy));
        return Error(ErrorKind::internal, has & MOUNT_ATTR_RDONLY && has & MOUNT_ATTR_NOATIME ? "as expected" : "not");
    });
    EXPECT_EQ(said, "as expected");
}

} // namespace
} // namespace hull::kernel
