// The exec root's files (docs/formats/exec-root.md): what the keeper knows of
// each running container, and how tasks ended, for whoever comes after a crash.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/keeper/protocol.h"

namespace hull::keeper {

class StateFiles {
public:
    // Makes the folders (0700).
    static Result<StateFiles> open(const std::string& exec_root);

    // Of a container's first process; execs have no file.
    Result<void> save_running(const TaskRecord& record);
    void forget_running(const TaskKey& key);
    // Unreadable files, and those of an earlier boot, are removed and left out.
    Result<std::vector<TaskRecord>> running();

    Result<void> save_exit(const ExitReport& report);
    void forget_exit(const TaskKey& key);
    Result<std::vector<ExitReport>> exits();

private:
    StateFiles(std::string root, std::string boot_id) : root_(std::move(root)), boot_id_(std::move(boot_id)) {}
    template <class T>
    Result<std::vector<T>> load(const std::string& folder, std::string_view what);

    std::string root_, boot_id_;
};

} // namespace hull::keeper
