#include "net/host_resolvers.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace hull::net {
namespace {

TEST(HostResolvers, FollowTheFile) {
    char folder[] = "/tmp/hull-resolvers-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const std::string path = std::string(folder) + "/resolv.conf";
    const auto write = [](const std::string& to, const char* text) { std::ofstream(to) << text; };
    HostResolvers resolvers(path);
    EXPECT_TRUE(resolvers.servers().empty());
    write(path, "# nameserver 9.9.9.9\nsearch x\nnameserver 10.0.0.1\n  nameserver\tfd00::1\n");
    EXPECT_EQ(resolvers.servers(), (std::vector<std::string>{"10.0.0.1", "fd00::1"}));
    EXPECT_EQ(resolvers.servers().size(), 2U);
    // Replaced, as network managers do it.
    write(path + ".new", "nameserver 10.0.0.2\n");
    std::filesystem::rename(path + ".new", path);
    EXPECT_EQ(resolvers.servers(), std::vector<std::string>{"10.0.0.2"});
    std::filesystem::remove_all(folder);
    EXPECT_EQ(resolvers.servers(), std::vector<std::string>{"10.0.0.2"});
}

} // namespace
} // namespace hull::net
