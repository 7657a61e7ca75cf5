#include "runtime/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/report_writer.h"
#include "sys/socket.h"

namespace hull::runtime {
namespace {

using testing::SizeIs;

TEST(Report, tells_a_failure_before_there_was_a_pid_once_and_in_full) {
    auto [ours, theirs] = *sys::socket_pair(sys::SocketType::seqpacket);
    ReportReader reader(std::move(ours));
    {
        ReportWriter writer(std::move(theirs));
        writer.step("cgroup", 5);
        writer.failed(Error(ErrorKind::not_found, "mount /dev: no such thing"));
    }
    std::vector<LaunchEvent> failures;
    while (!reader.done())
        for (auto& event : reader.wait(1000))
            if (event.kind == LaunchEvent::Kind::failed) failures.push_back(std::move(event));
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_EQ(failures[0].error.message(), "mount /dev: no such thing");
    EXPECT_EQ(failures[0].error.kind(), ErrorKind::not_found);
}

} // namespace
} // namespace hull::runtime
