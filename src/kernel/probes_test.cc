#include "kernel/probes.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hull::kernel {
namespace {

const Probed& named(const std::vector<Probed>& all, const std::string& feature) {
    auto found = std::ranges::find(all, feature, &Probed::feature);
    EXPECT_NE(found, all.end()) << feature;
    return *found;
}

// The suite needs them itself.
TEST(Probes, what_tests_need_is_found_here) {
    auto all = probe_kernel("/");
    for (const char* feature :
         {"user namespaces", "overlayfs", "veth", "bridge", "nftables", "seccomp with a listener"}) {
        const Probed& one = named(all, feature);
        EXPECT_TRUE(one.works) << feature << ": " << one.detail;
        EXPECT_EQ(one.remedy, "") << feature;
    }
}

TEST(Probes, what_is_not_there_has_a_remedy) {
    pid_t child = ::fork();
    if (child == 0) {
        // Without any right: nothing of the network, and no mounts.
        bool fits = ::setgid(65534) == 0 && ::setuid(65534) == 0;
        auto all = probe_kernel("/no/such/folder");
        const Probed& mounts = named(all, "idmapped mounts");
        fits = fits && !mounts.works && !mounts.detail.empty() && !mounts.remedy.empty();
        ::_exit(fits ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace hull::kernel
