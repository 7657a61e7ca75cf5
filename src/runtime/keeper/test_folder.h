// A folder of its own for a test, gone at its end.
#pragma once

#include <filesystem>
#include <string>

#include "base/random.h"

namespace hull::keeper {

class TestFolder {
public:
    TestFolder() : path_(std::filesystem::temp_directory_path() / ("hull-keeper-test-" + random_hex(12))) {
        std::filesystem::create_directories(path_);
    }
    ~TestFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    std::string path(const std::string& name = "") const {
        return name.empty() ? path_.string() : (path_ / name).string();
    }

private:
    std::filesystem::path path_;
};

} // namespace hull::keeper
