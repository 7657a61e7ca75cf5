// How many bytes the files of folders have, without walking millions of them each
// time: a walk that took t is good for 20 t (at most 5 minutes), unless the file
// system's use has changed meanwhile by a tenth of the folder's size (and 64 MiB).
// So a small folder is walked each time, and the answer for a large one is off by
// little, at a twentieth of one processor when asked all the time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"

namespace hull::store {

struct TreeSize {
    int64_t bytes = 0;    // of the regular files, those with several names once
    uint64_t entries = 0; // of any kind
};
// By a walk. What comes and goes meanwhile is fine, and what is mounted below is
// left out; a folder that is missing has none. Folders more than 512 deep aren't
// looked into.
Result<TreeSize> measure_tree(const std::string& folder);

// Thread-safe; who asks for a folder that is being walked waits for that walk.
class TreeSizes {
public:
    Result<int64_t> bytes(const std::string& folder);
    // Of the folder something else is known now.
    void forget(const std::string& folder);

private:
    struct Known {
        std::mutex walking; // guards the rest
        bool measured = false;
        int64_t bytes = 0, took_ns = 0, at_ns = 0;
        uint64_t disk_used = 0;
    };
    static bool still_good(const Known& known, uint64_t disk_used);
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Known>> known_; // by folder; under mutex_
};

} // namespace hull::store
