// On this machine's own cgroups, in folders of their own.
#include "kernel/cgroup/cgroup.h"

#include <csignal>
#include <future>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "kernel/cgroup/drivers.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/process.h"

namespace hull::kernel::cgroup {
namespace {

using model::oci::Resources;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Ends its process whatever the test does.
class Child {
public:
    template <class F>
    Child(BorrowedFd cgroup, F&& body) {
        sys::CloneRequest request;
        request.exit_signal = SIGCHLD;
        if (cgroup) {
            request.flags = CLONE_INTO_CGROUP;
            request.cgroup = cgroup;
        }
        int gate[2];
        EXPECT_EQ(::pipe2(gate, O_CLOEXEC), 0);
        auto made = sys::clone(request);
        if (!made.ok()) {
            ADD_FAILURE() << made.error().message();
            return;
        }
        pid_ = *made;
        if (pid_ == 0) {
            body();
            ::close(gate[1]);
            for (;;) ::pause();
        }
        ::close(gate[1]);
        char c;
        (void)!::read(gate[0], &c, 1); // until body() is done
        ::close(gate[0]);
    }
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        reap();
    }
    pid_t pid() const { return pid_; }
    int reap() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return status;
    }

private:
    pid_t pid_ = 0;
};

class CgroupTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        auto found = detect();
        ASSERT_TRUE(found.ok());
        cgroups_ = std::move(*found);
        if (cgroups_->version() == Version::none) GTEST_SKIP() << "no cgroups mounted";
    }
    void TearDown() override {
        if (!cgroups_) return;
        EXPECT_TRUE(remove(plan_).ok());
        for (Dir& dir : plan_.dirs) (void)sys::rmdir(dir.hierarchy + "/" + parent_);
    }
    void make(const Resources& resources) {
        auto plan = cgroups_->plan(path_, resources);
        ASSERT_TRUE(plan.ok()) << plan.error().message();
        plan_ = std::move(*plan);
        auto made = create(plan_);
        ASSERT_TRUE(made.ok()) << made.error().message();
    }
    UniqueFd folder_fd() { return MUST(open_for_clone(plan_)); }

    std::string parent_ = "hull-test-" + random_hex(8);
    std::string path_ = parent_ + "/" + random_hex(8);
    std::unique_ptr<Cgroups> cgroups_;
    Plan plan_;
};

TEST_F(CgroupTest, HoldsTheProcessThatJoined) {
    Resources r;
    r.pids_limit = cgroups_->support().pids ? std::optional<int64_t>(50) : std::nullopt;
    make(r);
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
    });
    EXPECT_THAT(*cgroups_->pids(path_), UnorderedElementsAre(child.pid()));
    auto usage = cgroups_->usage(path_);
    ASSERT_TRUE(usage.ok());
    if (cgroups_->support().pids) {
        EXPECT_EQ(usage->pids_current, 1u);
        EXPECT_EQ(usage->pids_limit, 50u);
    }
    EXPECT_GT(usage->memory_limit, 0u);
    auto busy = remove(plan_, 5);
    ASSERT_FALSE(busy.ok());
    EXPECT_EQ(busy.error().kind(), ErrorKind::conflict);
}

TEST_F(CgroupTest, AppliesAndUpdatesLimits) {
    if (!cgroups_->support().memory) GTEST_SKIP() << "no memory controller";
    Resources r;
    r.memory.emplace();
    r.memory->limit = 64 << 20;
    if (cgroups_->support().swap) r.memory->swap = 64 << 20;
    make(r);
    EXPECT_EQ(cgroups_->usage(path_)->memory_limit, 64u << 20);
    r.memory->limit = 128 << 20; // above the limit of memory and swap
    if (cgroups_->support().swap) r.memory->swap = 256 << 20;
    auto raised = cgroups_->update(path_, r);
    ASSERT_TRUE(raised.ok()) << raised.error().message();
    EXPECT_EQ(cgroups_->usage(path_)->memory_limit, 128u << 20);
    r.memory->limit = 32 << 20;
    if (cgroups_->support().swap) r.memory->swap = 32 << 20;
    EXPECT_TRUE(cgroups_->update(path_, r).ok());
    EXPECT_EQ(cgroups_->usage(path_)->memory_limit, 32u << 20);
}

TEST_F(CgroupTest, RaisesAndLowersQuotaAndBurstTogether) {
    if (!cgroups_->support().cpu_quota) GTEST_SKIP() << "no cpu controller";
    Resources r;
    r.cpu.emplace();
    r.cpu->quota = 20000;
    r.cpu->burst = 20000;
    r.cpu->period = 100000;
    make(r);
    // The kernel takes no burst above the quota at any time.
    for (int64_t quota : {80000, 10000, 50000}) {
        r.cpu->quota = quota;
        r.cpu->burst = static_cast<uint64_t>(quota);
        auto updated = cgroups_->update(path_, r);
        ASSERT_TRUE(updated.ok()) << updated.error().message();
    }
    r.cpu->burst = 0;
    EXPECT_TRUE(cgroups_->update(path_, r).ok());
}

TEST_F(CgroupTest, CheckBeforeUpdateLeavesTheOldLimits) {
    if (!cgroups_->support().memory) GTEST_SKIP() << "no memory controller";
    Resources r;
    r.memory.emplace();
    r.memory->limit = 256 << 20;
    if (cgroups_->support().cpu_shares) r.cpu.emplace().shares = 500;
    make(r);
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
        // Not to be reclaimed without swap.
        auto* held = static_cast<char*>(::malloc(32 << 20));
        for (size_t at = 0; at < 32 << 20; at += 4096) held[at] = 1;
        asm volatile("" ::"r"(held) : "memory");
    });
    if (sys::read_file("/proc/swaps")->find('/') != std::string::npos) GTEST_SKIP() << "the kernel could swap";
    r.memory->limit = 4 << 20;
    r.memory->check_before_update = true;
    if (r.cpu) r.cpu->shares = 700;
    EXPECT_FALSE(cgroups_->update(path_, r).ok());
    EXPECT_EQ(cgroups_->usage(path_)->memory_limit, 256u << 20);
    for (const Dir& dir : plan_.dirs) {
        if (auto shares = sys::read_file(dir.folder() + "/cpu.shares"); shares.ok()) {
            EXPECT_EQ(*shares, "500\n");
        }
    }
    r.memory->limit = 128 << 20;
    EXPECT_TRUE(cgroups_->update(path_, r).ok());
    EXPECT_EQ(cgroups_->usage(path_)->memory_limit, 128u << 20);
}

TEST_F(CgroupTest, AControllerThatNoLimitNeededComesWithAnUpdate) {
    Resources r;
    if (cgroups_->version() == Version::v1 && cgroups_->support().net_cls)
        r.network.emplace().class_id = 7;
    else
        GTEST_SKIP() << "no net_cls";
    make({});
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
    });
    auto updated = cgroups_->update(path_, r);
    ASSERT_TRUE(updated.ok()) << updated.error().message();
    plan_ = *cgroups_->locate(path_);
    EXPECT_THAT(*sys::read_file("/proc/" + std::to_string(child.pid()) + "/cgroup"), HasSubstr("net_cls"));
    bool seen = false;
    for (const Dir& dir : plan_.dirs)
        if (auto text = sys::read_file(dir.folder() + "/net_cls.classid"); text.ok()) {
            seen = true;
            EXPECT_EQ(*text, "7\n");
        }
    EXPECT_TRUE(seen);
}

TEST_F(CgroupTest, ACpusetMovesIn) {
    if (!cgroups_->support().cpuset) GTEST_SKIP() << "no cpuset controller";
    make({});
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
    });
    Resources r;
    r.cpu.emplace();
    r.cpu->cpus = "0";
    auto updated = cgroups_->update(path_, r);
    ASSERT_TRUE(updated.ok()) << updated.error().message();
    EXPECT_THAT(*sys::read_file("/proc/" + std::to_string(child.pid()) + "/status"),
                HasSubstr("Cpus_allowed_list:\t0\n"));
    plan_ = *cgroups_->locate(path_); // now with cpuset's
}

TEST_F(CgroupTest, ACpusetAskedForAtTheStartHoldsProcesses) {
    if (!cgroups_->support().cpuset) GTEST_SKIP() << "no cpuset controller";
    Resources r;
    r.cpu.emplace();
    r.cpu->cpus = "0";
    make(r);
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
    });
    EXPECT_THAT(*sys::read_file("/proc/" + std::to_string(child.pid()) + "/status"),
                HasSubstr("Cpus_allowed_list:\t0\n"));
}

TEST_F(CgroupTest, FreezesThawsAndKills) {
    if (!cgroups_->support().freezer) GTEST_SKIP() << "no freezer";
    make({});
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
    });
    EXPECT_FALSE(*cgroups_->frozen(path_));
    ASSERT_TRUE(cgroups_->freeze(path_).ok());
    EXPECT_TRUE(*cgroups_->frozen(path_));
    // Frozen ones die too.
    auto killed = std::async(std::launch::async, [&] { return cgroups_->kill_all(path_).ok(); });
    int status = child.reap();
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(killed.get());
    EXPECT_THAT(*cgroups_->pids(path_), IsEmpty());
}

TEST_F(CgroupTest, RemovesWhatTheContainerMadeBelow) {
    make({});
    for (const Dir& dir : plan_.dirs) ASSERT_TRUE(sys::mkdir_parents(dir.folder() + "/a/b", 0755).ok());
    EXPECT_TRUE(remove(plan_).ok());
    for (const Dir& dir : plan_.dirs) EXPECT_FALSE(sys::exists(dir.folder()));
    EXPECT_TRUE(remove(plan_).ok()); // gone already is fine
}

TEST_F(CgroupTest, ReplacesAnEmptyLeftoverAndRefusesOneInUse) {
    make({});
    EXPECT_TRUE(create(plan_).ok());
    UniqueFd fd = folder_fd();
    Child child(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
    });
    auto refused = create(plan_);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
    EXPECT_THAT(*cgroups_->pids(path_), Contains(child.pid()));
}

TEST_F(CgroupTest, AFailingLimitLeavesNothingBehind) {
    Plan plan = *cgroups_->plan(path_, {});
    plan.dirs.back().writes.push_back({.file = "no.such.file", .value = "1"});
    auto failed = create(plan);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind(), ErrorKind::unsupported);
    EXPECT_THAT(failed.error().message(), HasSubstr("no.such.file"));
    for (const Dir& dir : plan.dirs) EXPECT_FALSE(sys::exists(dir.folder()));
    plan_ = std::move(plan);
}

TEST_F(CgroupTest, CountsAndTellsOutOfMemory) {
    if (!cgroups_->support().memory) GTEST_SKIP() << "no memory controller";
    Resources r;
    r.memory.emplace();
    r.memory->limit = 8 << 20;
    if (cgroups_->support().swap) r.memory->swap = 8 << 20;
    make(r);
    EXPECT_EQ(*oom_kills(plan_.oom_file()), 0u);
    auto watch = cgroups_->watch_oom(path_);
    ASSERT_TRUE(watch.ok()) << watch.error().message();
    UniqueFd fd = folder_fd();
    Child hog(fd, [&] {
        if (!join(plan_).ok()) ::_exit(1);
        // In a grandchild, so that the gate opens by our own end.
        static volatile char* sink;
        for (size_t i = 0; i < 64; ++i) {
            auto* p = static_cast<char*>(::malloc(1 << 20));
            for (size_t at = 0; at < 1 << 20; at += 4096) p[at] = 1;
            sink = p;
        }
        ::_exit(static_cast<int>(*sink) & 0);
    });
    int status = hog.reap();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    EXPECT_EQ(*oom_kills(plan_.oom_file()), 1u);
    pollfd ready{watch->get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 2000), 1);
}

TEST_F(CgroupTest, MissingOnesAreNotFound) {
    EXPECT_EQ(cgroups_->usage(path_).error().kind(), ErrorKind::not_found);
    EXPECT_EQ(cgroups_->pids(path_).error().kind(), ErrorKind::not_found);
    EXPECT_THAT(cgroups_->locate(path_)->dirs, IsEmpty());
}

// The same on the v2 hierarchy that may stand beside v1, without controllers.
class UnifiedTest : public CgroupTest {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        auto mounts = sys::read_file("/proc/self/mountinfo");
        ASSERT_TRUE(mounts.ok());
        Layout layout = parse_mounts(*mounts);
        if (layout.unified.empty()) GTEST_SKIP() << "no cgroup v2 mounted";
        layout.v1.clear();
        cgroups_ = make_v2(probe(layout));
    }
};

TEST_F(UnifiedTest, BearsTheProcessAndFreezesIt) {
    make({});
    UniqueFd fd = folder_fd();
    Child child(fd, [] {});
    EXPECT_THAT(*cgroups_->pids(path_), UnorderedElementsAre(child.pid()));
    ASSERT_TRUE(cgroups_->freeze(path_).ok());
    EXPECT_TRUE(*cgroups_->frozen(path_));
    ASSERT_TRUE(cgroups_->thaw(path_).ok());
    EXPECT_FALSE(*cgroups_->frozen(path_));
    auto killed = std::async(std::launch::async, [&] { return cgroups_->kill_all(path_).ok(); });
    EXPECT_TRUE(WIFSIGNALED(child.reap()));
    EXPECT_TRUE(killed.get());
}

bool is_given(const std::string& path, uid_t uid) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && info.st_uid == uid;
}

TEST_F(UnifiedTest, WhoItIsHandedToMakesFoldersAndLiftsNoLimit) {
    make({});
    constexpr uid_t somebody = 54321;
    auto given = hand_over(plan_, somebody, somebody);
    ASSERT_TRUE(given.ok()) << given.error().message();
    const std::string folder = plan_.dirs.front().folder();
    for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"})
        EXPECT_TRUE(is_given(folder + file, somebody)) << file;
    for (const char* file : {"/cgroup.freeze", "/cgroup.max.depth"}) EXPECT_TRUE(is_given(folder + file, 0)) << file;
}

TEST_F(CgroupTest, OfV1TheHierarchyWithoutLimitsAloneIsHandedOver) {
    if (cgroups_->version() != Version::v1) GTEST_SKIP() << "is about cgroup v1";
    make({});
    Dir named = plan_.dirs.front();
    named.name = "systemd";
    Plan both;
    both.dirs = {named, plan_.dirs.back()};
    constexpr uid_t somebody = 54321;
    ASSERT_TRUE(hand_over(both, somebody, somebody).ok());
    EXPECT_TRUE(is_given(named.folder(), somebody));
    EXPECT_TRUE(is_given(named.folder() + "/cgroup.procs", somebody));
    EXPECT_TRUE(is_given(both.dirs.back().folder(), 0));
    EXPECT_TRUE(is_given(both.dirs.back().folder() + "/cgroup.procs", 0));
}

// Where a folder hands nothing on, processes stay in it, wherever init is.
TEST_F(UnifiedTest, FollowsInitOnlyWhereItHasTo) {
    make({});
    const std::string folder = plan_.dirs.front().folder();
    ASSERT_TRUE(sys::mkdir(folder + "/init.scope", 0755).ok());
    UniqueFd below = MUST(sys::open(folder + "/init.scope", O_PATH | O_DIRECTORY));
    Child init(below, [] {});
    Plan places = plan_;
    follow(init.pid(), places);
    EXPECT_EQ(places, plan_);
    auto names = sys::read_file(folder + "/cgroup.controllers");
    if (!names.ok() || names->size() < 2) GTEST_SKIP() << "no controller that could be handed on";
    ASSERT_TRUE(
        sys::write_existing(folder + "/cgroup.subtree_control", "+" + names->substr(0, names->find_first_of(" \n")))
            .ok());
    follow(init.pid(), places);
    EXPECT_EQ(places.dirs.front().path, plan_.dirs.front().path + "/init.scope");
}

int open_device(const char* path) {
    int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
}

TEST_F(UnifiedTest, TheDeviceProgramDecides) {
    Resources r;
    r.devices.push_back({});
    auto plan = cgroups_->plan(path_, r);
    ASSERT_TRUE(plan.ok());
    auto made = create(*plan);
    if (!made.ok() && (made.error().code() == EPERM || made.error().code() == ENOSYS))
        GTEST_SKIP() << "this kernel lets us load no BPF: " << made.error().message();
    ASSERT_TRUE(made.ok()) << made.error().message();
    plan_ = std::move(*plan);
    // /dev/kmsg is 1:11, which no container gets by itself.
    auto probe = [&] {
        UniqueFd fd = folder_fd();
        Child child(fd, [] { ::_exit(open_device("/dev/null") == 0 ? open_device("/dev/kmsg") : 255); });
        return WEXITSTATUS(child.reap());
    };
    EXPECT_EQ(probe(), EPERM);
    r.devices.push_back({.allow = true, .type = "c", .major = 1, .minor = 11, .access = "r"});
    auto updated = cgroups_->update(path_, r);
    ASSERT_TRUE(updated.ok()) << updated.error().message();
    EXPECT_EQ(probe(), open_device("/dev/kmsg"));
}

} // namespace
} // namespace hull::kernel::cgroup
