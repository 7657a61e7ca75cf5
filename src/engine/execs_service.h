// Execs of this engine run; nothing of them is on disk.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/core.h"
#include "engine/execs.h"

namespace hull::engine {

class ExecsService : public Execs {
public:
    explicit ExecsService(Core& core) : core_(core) {}

    Result<ExecId> create(const std::string& container, ExecConfig config) override;
    Result<ExecView> check_start(const std::string& id) override;
    Result<void> start(const std::string& id, ExecStart request) override;
    Result<ExecView> inspect(const std::string& id) override;
    Result<void> resize(const std::string& id, uint16_t rows, uint16_t columns) override;

    // Runs a command and waits for its end. Errors: timed_out (it was killed),
    // those of start.
    struct Ran {
        int exit_code = 0;
        std::string output; // both streams, at most max_output bytes
    };
    Result<Ran> run_to_end(const ContainerId& container, ExecConfig config, int64_t timeout_ns, size_t max_output);

    // Precondition: record.exec is set.
    void ended(const ExitRecord& record);
    // What belongs to a container that is gone.
    void forget(const ContainerId& container);

private:
    enum class Phase : unsigned char { created, running, ended };
    struct Exec {
        ExecId id;
        ContainerPtr container;
        ExecConfig config;
        Phase phase = Phase::created; // this and below: under mutex_
        int pid = 0;
        std::optional<int> exit_code;
    };
    using ExecPtr = std::shared_ptr<Exec>;

    Result<ExecPtr> find(const std::string& id) const;
    ExecView view(const Exec& exec) const;
    Result<void> run(const ExecPtr& exec, ExecStart request);
    void finish(const ExecPtr& exec, int exit_code);
    void await_report(const Exec& exec);

    Core& core_;
    mutable std::mutex mutex_;
    std::condition_variable ended_; // some exec's phase became ended, or its pid known
    std::map<std::string, ExecPtr> execs_;
};

} // namespace hull::engine
