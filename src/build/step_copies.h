// Files that one step of a build may change, and nobody sees changed: copies,
// gone when it ends.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::build {

class StepCopies {
public:
    // folder: exists; on the disk of what is copied, best.
    explicit StepCopies(std::string folder) : folder_(std::move(folder)) {}
    ~StepCopies();
    StepCopies(const StepCopies&) = delete;
    StepCopies& operator=(const StepCopies&) = delete;

    // The path of a copy of the folder or file.
    Result<std::string> copy(const std::string& source);

private:
    std::string folder_;
    std::vector<std::string> made_;
};

} // namespace hull::build
