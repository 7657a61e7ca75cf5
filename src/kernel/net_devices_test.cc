#include "kernel/net_devices.h"

#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "sys/net_namespace.h"

namespace hull::kernel {
namespace {

// In network namespaces of its own, so that the machine's stays as it is.
class NetDevices : public ::testing::Test {
protected:
    UniqueFd home_ = MUST(sys::new_net_namespace());
    sys::NetNamespaceScope scope_ = MUST(sys::NetNamespaceScope::enter(home_));
    UniqueFd container_ = MUST(sys::new_net_namespace());

    static void ip(const std::string& arguments) { ASSERT_EQ(std::system(("ip " + arguments).c_str()), 0); }
    void ip_inside(const std::string& arguments) {
        auto inside = MUST(sys::NetNamespaceScope::enter(container_));
        ip(arguments);
    }
    std::string output_inside(const std::string& command) {
        auto inside = MUST(sys::NetNamespaceScope::enter(container_));
        std::string out;
        FILE* pipe = ::popen(command.c_str(), "r");
        for (int c; (c = std::fgetc(pipe)) != EOF;) out.push_back(static_cast<char>(c));
        ::pclose(pipe);
        return out;
    }
    const NetDevice* find(std::vector<NetDevice>& in, const std::string& name) {
        auto at = std::ranges::find(in, name, &NetDevice::name);
        return at == in.end() ? nullptr : &*at;
    }
    bool is_inside(const std::string& name) {
        auto inside = MUST(sys::NetNamespaceScope::enter(container_));
        auto devices = MUST(list_net_devices());
        return find(devices, name) != nullptr;
    }
};

TEST_F(NetDevices, arrives_up_with_its_name_and_its_lasting_addresses) {
    ip("link add hulld0 type veth peer name peer0");
    ip("addr add 10.9.8.7/24 brd 10.9.8.255 dev hulld0");
    ip("addr add 2001:db8::7/64 dev hulld0");
    auto moved = move_net_device("hulld0", container_, "");
    ASSERT_TRUE(moved.ok()) << moved.error().message();
    auto left = MUST(list_net_devices());
    EXPECT_EQ(find(left, "hulld0"), nullptr);
    std::string shown = output_inside("ip addr show dev hulld0");
    EXPECT_NE(shown.find("10.9.8.7/24 brd 10.9.8.255 scope global"), shown.npos) << shown;
    EXPECT_NE(shown.find("2001:db8::7/64 scope global"), shown.npos) << shown;
    EXPECT_NE(shown.find(",UP>"), shown.npos) << shown;
}

TEST_F(NetDevices, gets_the_name_that_was_asked_for) {
    ip("link add hulld0 type veth peer name peer0");
    ASSERT_TRUE(move_net_device("hulld0", container_, "inside0").ok());
    EXPECT_TRUE(is_inside("inside0"));
    EXPECT_FALSE(is_inside("hulld0"));
}

TEST_F(NetDevices, a_name_that_is_taken_is_a_conflict_and_the_device_stays) {
    ip("link add hulld0 type veth peer name peer0");
    ip_inside("link add inside0 type veth peer name peer1");
    auto moved = move_net_device("hulld0", container_, "inside0");
    ASSERT_FALSE(moved.ok());
    EXPECT_EQ(moved.error().kind(), ErrorKind::conflict);
    auto left = MUST(list_net_devices());
    EXPECT_NE(find(left, "hulld0"), nullptr);
    ip_inside("link add hulld0 type veth peer name peer2");
    EXPECT_EQ(move_net_device("hulld0", container_, "").error().kind(), ErrorKind::conflict);
}

TEST_F(NetDevices, a_pattern_takes_a_free_number) {
    ip("link add hulld0 type veth peer name peer0");
    ip_inside("link add ctr0 type veth peer name peer1");
    auto moved = move_net_device("hulld0", container_, "ctr%d");
    ASSERT_TRUE(moved.ok()) << moved.error().message();
    EXPECT_TRUE(is_inside("ctr1"));
}

TEST_F(NetDevices, what_is_not_there_or_no_name_is_refused) {
    EXPECT_EQ(move_net_device("nosuch0", container_, "").error().kind(), ErrorKind::not_found);
    ip("link add hulld0 type veth peer name peer0");
    for (const char* name : {"a/b", "sixteen-or-more-x", "..", "a b", "x%s", "%d%d"})
        EXPECT_EQ(move_net_device("hulld0", container_, name).error().kind(), ErrorKind::invalid_argument) << name;
}

} // namespace
} // namespace hull::kernel
