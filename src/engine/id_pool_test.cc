#include "engine/id_pool.h"
#include "engine/more_ids.h"

#include <gtest/gtest.h>

namespace hull::engine {
namespace {

std::unique_ptr<IdPool> small_pool() { return MUST(IdPool::create({.first = 100'000, .ranges = 3, .size = 1000})); }

TEST(IdPool, GivesEveryRangeOnce) {
    const auto pool = small_pool();
    EXPECT_EQ(MUST(pool->allocate()), (IdRange{100'000, 1000}));
    EXPECT_EQ(MUST(pool->allocate()), (IdRange{101'000, 1000}));
    EXPECT_EQ(MUST(pool->allocate()), (IdRange{102'000, 1000}));
    EXPECT_EQ(pool->allocate().error().kind(), ErrorKind::no_space);
    EXPECT_EQ(pool->in_use(), 3u);
}

TEST(IdPool, LetsAReleasedRangeRest) {
    const auto pool = small_pool();
    const IdRange first = MUST(pool->allocate());
    pool->release(first);
    EXPECT_NE(MUST(pool->allocate()), first);
    EXPECT_NE(MUST(pool->allocate()), first);
    EXPECT_EQ(MUST(pool->allocate()), first);
}

TEST(IdPool, ReservesWhatARunningContainerHas) {
    const auto pool = small_pool();
    EXPECT_EQ(MUST(pool->reserve(101'000)), (IdRange{101'000, 1000}));
    EXPECT_EQ(pool->reserve(101'000).error().kind(), ErrorKind::conflict);
    for (const uint32_t wrong : {0u, 99'000u, 100'001u, 103'000u, 0xffffffffu})
        EXPECT_EQ(pool->reserve(wrong).error().kind(), ErrorKind::invalid_argument) << wrong;
    EXPECT_EQ(MUST(pool->allocate()).first, 100'000u);
    EXPECT_EQ(MUST(pool->allocate()).first, 102'000u);
}

TEST(IdPool, ReleasesTwiceWithoutHarm) {
    const auto pool = small_pool();
    const IdRange range = MUST(pool->allocate());
    pool->release(range);
    pool->release(range);
    pool->release({});
    pool->release({7, 7});
    EXPECT_EQ(pool->in_use(), 0u);
}

TEST(IdPool, RefusesRangesThatDoNotFit) {
    EXPECT_TRUE(IdPool::create().ok());
    for (const IdPoolConfig& wrong : {IdPoolConfig{0, 1, 1}, IdPoolConfig{1, 0, 1}, IdPoolConfig{1, 1, 0},
                                      IdPoolConfig{0x70000000, 65536, 65536}, IdPoolConfig{0xffff0000, 1, 65536}})
        EXPECT_EQ(IdPool::create(wrong).error().kind(), ErrorKind::invalid_argument);
}

TEST(IdRange, MapsContainerRootToItsFirstId) {
    EXPECT_TRUE(IdRange{}.mappings().empty());
    const auto mappings = IdRange{100'000, 1000}.mappings();
    ASSERT_EQ(mappings.size(), 1u);
    EXPECT_EQ(mappings[0].container_id, 0u);
    EXPECT_EQ(mappings[0].host_id, 100'000u);
    EXPECT_EQ(mappings[0].size, 1000u);
}

TEST(IdRange, MoreIdsTakeThePlaceOfTheLastButNobodys) {
    const IdRange range{.first = 1'000'000, .count = 65536};
    auto text = [&](const std::vector<uint32_t>& more) {
        std::string out;
        for (const auto& one : range.mappings(more))
            out += std::to_string(one.container_id) + ":" + std::to_string(one.host_id) + ":" +
                   std::to_string(one.size) + " ";
        return out;
    };
    EXPECT_EQ(text({}), "0:1000000:65536 ");
    EXPECT_EQ(text({70000}), "0:1000000:65535 70000:1065535:1 ");
    EXPECT_EQ(text({70000, 1234567890}), "0:1000000:65533 65534:1065534:1 70000:1065535:1 1234567890:1065533:1 ");
    EXPECT_TRUE(IdRange().mappings({70000}).empty());
}

TEST(MoreIds, AreNumbersBeyondTheRange) {
    model::ContainerConfig config;
    model::HostConfig host;
    for (const char* user : {"", "root", "1000:1000", "65535", "a70000", "70000x", "4294967295", "99999999999"}) {
        config.user = user;
        EXPECT_TRUE(more_ids(config, host).empty()) << user;
    }
    config.user = "70000:80000";
    host.group_add = {"80000", "90000", "video", "5"};
    EXPECT_EQ(more_ids(config, host), (std::vector<uint32_t>{70000, 80000, 90000}));
    config.user = "name:80000";
    host.group_add.clear();
    EXPECT_EQ(more_ids(config, host), std::vector<uint32_t>{80000});
}

} // namespace
} // namespace hull::engine
