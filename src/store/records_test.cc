#include "store/records.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/temp_root.h"

namespace hull::store {
namespace {

class RecordsTest : public ::testing::Test {
protected:
    std::string path() const { return root.path() + "/hull.db"; }
    void open() {
        records.reset();
        auto opened = Records::open(path());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        records = std::move(opened).value();
    }
    void SetUp() override { open(); }
    TempRoot root;
    std::unique_ptr<Records> records;
};

TEST_F(RecordsTest, AreKeptByTableAndKey) {
    ASSERT_TRUE(records->put(Table::containers, "b", "{\"x\":1}").ok());
    ASSERT_TRUE(records->put(Table::containers, "a", "first").ok());
    ASSERT_TRUE(records->put(Table::containers, "a", std::string("sec\0ond", 7)).ok());
    ASSERT_TRUE(records->put(Table::images, "a", "image", Durability::power_loss).ok());
    open();
    EXPECT_EQ(records->get(Table::containers, "a").value(), std::string("sec\0ond", 7));
    EXPECT_EQ(records->get(Table::images, "a").value(), "image");
    EXPECT_EQ(records->get(Table::images, "b").value(), std::nullopt);
    auto all = records->all(Table::containers);
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ((*all)[1].key, "b");
    ASSERT_TRUE(records->erase(Table::containers, "a").ok());
    ASSERT_TRUE(records->erase(Table::containers, "a").ok()); // no error
    EXPECT_EQ(records->get(Table::containers, "a").value(), std::nullopt);
}

TEST_F(RecordsTest, ABatchIsAppliedAsAWhole) {
    ASSERT_TRUE(records->put(Table::settings, "gone", "x").ok());
    const std::vector<Change> changes = {
        {Table::images, "i", "1"}, {Table::references, "r", "i"}, {Table::settings, "gone", std::nullopt}};
    ASSERT_TRUE(records->commit(changes, Durability::power_loss).ok());
    EXPECT_EQ(records->get(Table::references, "r").value(), "i");
    EXPECT_EQ(records->get(Table::settings, "gone").value(), std::nullopt);
}

TEST_F(RecordsTest, SurviveAKilledProcess) {
    records.reset();
    pid_t child = fork();
    if (child == 0) {
        auto own = Records::open(path());
        for (int i = 0; i < 3000; ++i) // more than one checkpoint's worth
            if (!(*own)->put(Table::containers, std::to_string(i), std::string(3000, 'x')).ok()) _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    open();
    EXPECT_EQ(records->all(Table::containers)->size(), 3000U);
}

TEST_F(RecordsTest, BelongToOneEngineAtATime) {
    auto second = Records::open(path());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::conflict);
    EXPECT_THAT(second.error().message(), ::testing::HasSubstr("another engine"));
}

TEST_F(RecordsTest, OfANewerVersionAreLeftAlone) {
    records.reset();
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &raw), SQLITE_OK);
    sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr);
    sqlite3_close(raw);
    auto opened = Records::open(path());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind(), ErrorKind::unsupported);
}

TEST_F(RecordsTest, ThatAreNoDatabaseAreSaidToBeCorrupt) {
    records.reset();
    ASSERT_TRUE(sys::replace_file(path(), std::string(5000, 'x'), 0600).ok());
    ASSERT_TRUE(sys::unlink(path() + "-wal").ok() || true);
    auto opened = Records::open(path());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind(), ErrorKind::corrupt) << opened.error().message();
}

TEST_F(RecordsTest, AreWrittenFromManyThreads) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 100; ++i) {
                std::string key = std::to_string(t) + "-" + std::to_string(i);
                EXPECT_TRUE(records->put(Table::containers, key, key).ok());
                EXPECT_EQ(records->get(Table::containers, key).value(), key);
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(records->all(Table::containers)->size(), 400U);
}

} // namespace
} // namespace hull::store
