#include "kernel/cgroup/details.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "sys/file.h"

namespace hull::kernel::cgroup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CgroupDetails, ReadsListsOfCpus) {
    EXPECT_THAT(parse_ranges("0-3,5,7-8\n"), ElementsAre(0, 1, 2, 3, 5, 7, 8));
    EXPECT_THAT(parse_ranges("0-65535"), testing::SizeIs(65536));
    for (const char* text : {"", "\n", "x", "3-1", "1-", "1-2-3", "99999"}) EXPECT_THAT(parse_ranges(text), IsEmpty());
}

class CgroupDetailFiles : public testing::Test {
protected:
    ~CgroupDetailFiles() override { (void)sys::remove_tree(root_); }
    void write(const std::string& path, const std::string& text) {
        std::string file = root_ + "/" + path;
        ASSERT_TRUE(sys::mkdir_parents(file.substr(0, file.rfind('/')), 0755).ok());
        ASSERT_TRUE(sys::replace_file(file, text, 0644).ok());
    }
    Plan places(const std::vector<std::string>& names, bool unified = false) {
        Plan plan;
        for (const std::string& name : names) {
            Dir& dir = plan.dirs.emplace_back();
            dir.hierarchy = root_ + "/" + name;
            dir.path = "/c";
            dir.name = name;
            dir.unified = unified;
        }
        return plan;
    }
    std::string root_ = testing::TempDir() + "cgroup-details-" + random_hex(8);
};

TEST_F(CgroupDetailFiles, OfV1ComeFromItsHierarchies) {
    write("memory/c/memory.limit_in_bytes", "1000\n");
    write("cpu,cpuacct/c/cpuacct.usage_all", "cpu user system\n0 11 12\n1 21 22\n");
    write("cpuset/c/cpuset.cpus", "0-1\n");
    write("cpuset/c/cpuset.sched_relax_domain_level", "-1\n");
    write("blkio/c/blkio.bfq.io_queued_recursive", "8:0 Read 4\n8:0 Total 4\nTotal 4\n");
    Details read = read_details(places({"memory", "cpu,cpuacct", "cpuset", "blkio"}));
    EXPECT_EQ(read.memory_limit, 1000U);
    EXPECT_THAT(read.percpu_user_ns, ElementsAre(11, 21));
    EXPECT_THAT(read.percpu_kernel_ns, ElementsAre(12, 22));
    EXPECT_THAT(read.cpuset.cpus, ElementsAre(0, 1));
    EXPECT_EQ(read.cpuset.sched_relax_domain_level, -1);
    ASSERT_FALSE(read.io_queued.empty());
    EXPECT_EQ(read.io_queued[0].value, 4U);
}

TEST_F(CgroupDetailFiles, OfV2ComeFromItsOneFolder) {
    write("u/c/memory.max", "max\n");
    write("u/c/cpuset.cpus.effective", "1\n");
    Details read = read_details(places({"u"}, true));
    EXPECT_EQ(read.memory_limit, UINT64_MAX);
    EXPECT_THAT(read.cpuset.cpus, ElementsAre(1));
}

} // namespace
} // namespace hull::kernel::cgroup
