// For tests: a runtime that can make sandboxes and nothing else.
#pragma once

#include <atomic>

#include "engine/runtime_port.h"
#include "net/test_network.h"

namespace hull::engine::test {

// The host's user namespace stands for the container's own.
class Namespaces : public RuntimePort {
public:
    Result<Sandbox> make_sandbox(const std::vector<model::oci::IdMapping>& uids,
                                 const std::vector<model::oci::IdMapping>&) override {
        if (failing) return Error(ErrorKind::system, "no namespaces today");
        ++made;
        mapped = !uids.empty();
        Sandbox sandbox;
        sandbox.net_ns = TRY(sys::new_net_namespace());
        return sandbox;
    }

    Result<std::vector<Survivor>> start(RuntimeListener&) override { return unused(); }
    Result<Launched> launch(const LaunchRequest&) override { return unused(); }
    Result<void> attach(const ContainerId&, Streams) override { return unused(); }
    void cancel_attach(const ContainerId&) override {}
    Result<void> cleanup(const ContainerId&, const std::string&) override { return unused(); }
    Result<void> kill(const ContainerId&, int) override { return unused(); }
    Result<void> pause(const ContainerId&) override { return unused(); }
    Result<void> resume(const ContainerId&) override { return unused(); }
    Result<void> resize(const ContainerId&, uint16_t, uint16_t) override { return unused(); }
    Result<void> update(const ContainerId&, const model::oci::Resources&) override { return unused(); }
    Result<std::vector<int>> processes(const ContainerId&) override { return unused(); }
    Result<ResourceUsage> usage(const ContainerId&) override { return unused(); }
    Result<OpenFiles> open_files(const FilesRequest&) override { return unused(); }
    Result<store::Owner> find_owner(const OpenFiles&, const std::string&) override { return unused(); }
    Result<void> as_root_of(const OpenFiles&, const std::function<Result<void>()>&) override { return unused(); }
    Result<int> exec(ExecRequest) override { return unused(); }
    Result<void> resize_exec(const ContainerId&, const ExecId&, uint16_t, uint16_t) override { return unused(); }

    std::atomic<int> made = 0;
    std::atomic<bool> failing = false, mapped = false;

private:
    static Error unused() { return {ErrorKind::internal, "not part of this test"}; }
};

} // namespace hull::engine::test
