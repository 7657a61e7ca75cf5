#include "apps/hull-runtime/container.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/hull-runtime/pretty.h"
#include "base/random.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace hull::oci_runtime {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class StoreTest : public testing::Test {
protected:
    ~StoreTest() override { (void)sys::remove_tree(root_); }
    Container make(const std::string& id) {
        EXPECT_TRUE(store_.reserve(id).ok());
        Container c;
        c.id = id;
        c.bundle = "/b";
        c.oci_version = "1.2.0";
        c.created = WallTime{1'600'000'000'123'000'000};
        c.pid = ::getpid();
        c.start_ticks = *sys::start_ticks(::getpid());
        c.cgroup_path = "hull-test-none/" + id;
        c.annotations["k"] = "v";
        EXPECT_TRUE(store_.save(c).ok());
        return c;
    }
    std::string root_ = testing::TempDir() + "hull-runtime-" + random_hex(8);
    Store store_{root_};
};

TEST_F(StoreTest, ReadsBackWhatItSaved) {
    Container made = make("a");
    auto read = store_.load("a");
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->bundle, made.bundle);
    EXPECT_EQ(read->created, made.created);
    EXPECT_EQ(read->start_ticks, made.start_ticks);
    EXPECT_EQ(read->annotations, made.annotations);
    EXPECT_THAT(*store_.list(), SizeIs(1));
}

TEST(UserName, IsOfTheFirstEntryWithTheUid) {
    const std::string passwd = "root:x:0:0:root:/root:/bin/sh\n:x:7:7::/:\nbroken\nbroken:x\n"
                               "worker:x:1000:1000::/home:/bin/sh\ntwin:x:1000:5::/:/bin/sh\nlast:x:12";
    EXPECT_EQ(user_name(passwd, 0), "root");
    EXPECT_EQ(user_name(passwd, 1000), "worker");
    EXPECT_EQ(user_name(passwd, 12), "last");
    EXPECT_EQ(user_name(passwd, 7), std::nullopt);
    EXPECT_EQ(user_name("", 0), std::nullopt);
}

TEST_F(StoreTest, AnIdIsTakenOnce) {
    make("a");
    auto again = store_.reserve("a");
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().message(), "container with given ID already exists");
}

TEST_F(StoreTest, AnUnfinishedContainerDoesNotExist) {
    EXPECT_TRUE(store_.reserve("half").ok());
    EXPECT_EQ(store_.load("half").error().message(), "container does not exist");
    EXPECT_THAT(*store_.list(), SizeIs(0));
    EXPECT_TRUE(store_.erase("half").ok());
    EXPECT_TRUE(store_.reserve("half").ok());
}

TEST_F(StoreTest, IsBeingCreatedUntilFinished) {
    Container c;
    c.id = "a";
    EXPECT_TRUE(store_.reserve("a").ok());
    EXPECT_TRUE(store_.save(c).ok());
    EXPECT_TRUE(store_.load("a")->creating);
    EXPECT_TRUE(store_.finish("a").ok());
    EXPECT_FALSE(store_.load("a")->creating);
}

TEST_F(StoreTest, IdsCantLeaveTheFolder) {
    for (const char* id : {"", ".", "..", "../x", "a/b", "a b", "a\n"}) EXPECT_FALSE(store_.load(id).ok()) << id;
    EXPECT_TRUE(check_id("A-b_c.1+x").ok());
}

TEST_F(StoreTest, StatusFollowsTheProcess) {
    auto cgroups = kernel::cgroup::detect();
    ASSERT_TRUE(cgroups.ok());
    Container c = make("a");
    EXPECT_EQ(status_of(c, store_, **cgroups), Status::running);
    EXPECT_TRUE(sys::replace_file(store_.folder("a") + "/gate", "", 0600).ok());
    EXPECT_EQ(status_of(c, store_, **cgroups), Status::created);
    c.start_ticks += 1; // the pid is somebody else's
    EXPECT_EQ(status_of(c, store_, **cgroups), Status::stopped);
    c.pid = 0;
    EXPECT_EQ(status_of(c, store_, **cgroups), Status::stopped);
}

TEST_F(StoreTest, HooksGetTheState) {
    Container c = make("a");
    EXPECT_EQ(hook_state(c, "creating"),
              "{\"ociVersion\":\"1.2.0\",\"id\":\"a\",\"status\":\"creating\",\"pid\":" + std::to_string(::getpid()) +
                  ",\"bundle\":\"/b\",\"annotations\":{\"k\":\"v\"}}");
    EXPECT_EQ(hook_state(c, ""),
              "{\"ociVersion\":\"1.2.0\",\"id\":\"a\",\"bundle\":\"/b\",\"annotations\":{\"k\":\"v\"}}");
    c.pid = 0;
    EXPECT_THAT(hook_state(c, "stopped"), Not(HasSubstr("pid")));
}

TEST(Pretty, PrintsLikeGo) {
    auto value = json::parse(R"({"a":[1,{"b":"x"}],"c":{},"d":[]})");
    EXPECT_EQ(pretty(*value, "  "),
              "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
}

} // namespace
} // namespace hull::oci_runtime
