#include "apps/hull-runtime/saved_resources.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "sys/file.h"

namespace hull::oci_runtime {
namespace {

TEST(SavedResources, TakeChangesAndKeepTheRestOfTheFile) {
    std::string root = testing::TempDir() + "saved-resources-" + random_hex(8);
    Store store(root);
    ASSERT_TRUE(store.reserve("c").ok());
    std::string path = store.folder("c") + "/config.json";
    ASSERT_TRUE(sys::replace_file(path,
                                  R"({"ociVersion":"1.2.0","x-unknown":[1,2],"linux":{"resources":{)"
                                  R"("memory":{"limit":5,"swap":6},"blockIO":{"throttleReadBpsDevice":)"
                                  R"([{"major":8,"minor":0,"rate":1},{"major":8,"minor":1,"rate":2}]}}}})",
                                  0600)
                    .ok());
    auto saved = SavedResources::load(store, "c");
    ASSERT_TRUE(saved.ok()) << saved.error().message();
    EXPECT_EQ(saved->resources().memory->limit, 5);
    model::oci::Resources changes;
    changes.memory.emplace().limit = 50;
    changes.pids_limit = 7;
    changes.block_io.emplace().throttle_read_bps = {{8, 1, 20}, {9, 0, 3}};
    ASSERT_TRUE(saved->merge(changes).ok());
    EXPECT_EQ(*sys::read_file(path), R"({"ociVersion":"1.2.0","x-unknown":[1,2],"linux":{"resources":{)"
                                     R"("memory":{"limit":50,"swap":6},"blockIO":{"throttleReadBpsDevice":)"
                                     R"([{"major":8,"minor":0,"rate":1},{"major":8,"minor":1,"rate":20},)"
                                     R"({"major":9,"minor":0,"rate":3}]},"pids":{"limit":7}}}})");
    EXPECT_TRUE(sys::remove_tree(root).ok());
}

} // namespace
} // namespace hull::oci_runtime
