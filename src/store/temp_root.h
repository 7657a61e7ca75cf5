// For tests: a data root that goes away with its test.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace hull::store {

class TempRoot {
public:
    TempRoot() {
        std::string name = ::testing::TempDir() + "/hull-store-XXXXXX";
        if (!mkdtemp(name.data())) std::abort();
        path_ = name;
    }
    ~TempRoot() { EXPECT_TRUE(sys::remove_tree(path_).ok()); }
    TempRoot(const TempRoot&) = delete;
    TempRoot& operator=(const TempRoot&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace hull::store
