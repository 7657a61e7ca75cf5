// For tests: a machine without kernel. Containers "run" until the test ends
// them; files live in memory.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>

#include "engine/engine.h"

namespace hull::engine::test {

class FakeRuntime : public RuntimePort {
public:
    struct Launch {
        model::oci::Spec spec;
        Rootfs rootfs;
        Stdio stdio;
        LogSink log;
        bool had_sandbox = false;
    };

    Result<std::vector<Survivor>> start(RuntimeListener& listener) override {
        listener_ = &listener;
        for (const ExitRecord& record : ended_meanwhile) listener.on_exit(record);
        return survivors;
    }
    Result<Sandbox> make_sandbox(const std::vector<model::oci::IdMapping>&,
                                 const std::vector<model::oci::IdMapping>&) override {
        return Sandbox{};
    }
    Result<Launched> launch(const LaunchRequest& request) override {
        {
            std::lock_guard lock(mutex_);
            launches[request.id.str()] = {*request.spec, request.rootfs, request.stdio, request.log,
                                          request.sandbox != nullptr};
            ++launch_count;
            if (launch_error) return *launch_error;
            running.insert(request.id.str());
        }
        if (ends_at_once) end(request.id, *ends_at_once);
        return Launched{.pid = 1000 + launch_count, .started_at = wall_now(), .steps = {}};
    }
    Result<void> attach(const ContainerId& id, Streams) override {
        std::lock_guard lock(mutex_);
        attached.push_back(id.str());
        return {};
    }
    void cancel_attach(const ContainerId&) override {}
    Result<void> cleanup(const ContainerId& id, const std::string& parent) override {
        std::lock_guard lock(mutex_);
        cleaned.push_back(parent + "/" + id.str());
        return {};
    }
    Result<void> kill(const ContainerId& id, int signal) override {
        {
            std::lock_guard lock(mutex_);
            if (!running.contains(id.str())) return Error(ErrorKind::conflict, "not running");
            signals.push_back(signal);
            if (ignored.contains(signal)) return {};
        }
        end(id, 128 + signal);
        return {};
    }
    Result<void> pause(const ContainerId&) override { return {}; }
    Result<void> resume(const ContainerId&) override { return {}; }
    Result<void> resize(const ContainerId&, uint16_t, uint16_t) override { return {}; }
    Result<void> update(const ContainerId& id, const model::oci::Resources& resources) override {
        std::lock_guard lock(mutex_);
        updates.emplace_back(id.str(), resources);
        if (updates.size() == 1 && update_error) return *update_error;
        return {};
    }
    Result<std::vector<int>> processes(const ContainerId&) override { return std::vector<int>{1001, 1002}; }
    Result<ResourceUsage> usage(const ContainerId&) override {
        ResourceUsage usage;
        usage.memory_usage = 4096;
        return usage;
    }
    Result<OpenFiles> open_files(const FilesRequest& request) override {
        std::lock_guard lock(mutex_);
        files_opened.push_back(request);
        if (files_root.empty()) return Error(ErrorKind::unsupported, "no files");
        return OpenFiles{UniqueFd(::open(files_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), {}, {}};
    }
    Result<store::Owner> find_owner(const OpenFiles&, const std::string&) override { return store::Owner{7, 8}; }
    Result<void> as_root_of(const OpenFiles&, const std::function<Result<void>()>& work) override { return work(); }
    Result<int> exec(ExecRequest request) override {
        {
            std::lock_guard lock(mutex_);
            if (exec_error) return *exec_error;
            execs[request.id.str()] = *request.process;
        }
        if (int code = execs_end_with; code >= 0) end_exec(request.container, request.id, code);
        return 2000;
    }
    Result<void> resize_exec(const ContainerId&, const ExecId&, uint16_t, uint16_t) override { return {}; }

    // The container's init ends.
    void end(const ContainerId& id, int exit_code, bool oom = false) {
        {
            std::lock_guard lock(mutex_);
            if (running.erase(id.str()) == 0) return;
        }
        ExitRecord record;
        record.container = id;
        record.exit_code = exit_code;
        record.oom_killed = oom;
        record.finished_at = wall_now();
        listener_->on_exit(record);
    }
    void end_exec(const ContainerId& id, const ExecId& exec, int exit_code) {
        ExitRecord record;
        record.container = id;
        record.exec = exec;
        record.exit_code = exit_code;
        record.finished_at = wall_now();
        listener_->on_exit(record);
    }
    RuntimeListener& listener() { return *listener_; }
    const Launch& last(const ContainerId& id) { return launches.at(id.str()); }
    size_t count_cleaned() {
        std::lock_guard lock(mutex_);
        return cleaned.size();
    }

    std::vector<std::pair<std::string, model::oci::Resources>> updates;
    std::optional<Error> update_error; // of the first one
    std::string files_root;            // a folder that stands for every container's root
    std::vector<FilesRequest> files_opened;
    std::vector<Survivor> survivors;
    std::vector<ExitRecord> ended_meanwhile;
    std::optional<Error> launch_error, exec_error;
    std::optional<int> ends_at_once;
    std::atomic<int> execs_end_with = -1; // < 0: they run on
    std::set<int> ignored;
    std::map<std::string, Launch> launches;
    std::map<std::string, model::oci::Process> execs;
    std::set<std::string> running;
    std::vector<std::string> attached, cleaned;
    std::vector<int> signals;
    std::atomic<int> launch_count = 0;

private:
    std::mutex mutex_;
    RuntimeListener* listener_ = nullptr;
};

class FakeSandboxes : public SandboxPort {
public:
    Result<void> recover(const std::vector<HeldSandbox>& running) override {
        recovered = running;
        return {};
    }
    Result<TakenSandbox> take(SandboxNetwork network, SandboxUsers users, const SandboxRequest&) override {
        std::lock_guard lock(mutex_);
        TakenSandbox taken;
        if (users == SandboxUsers::own) {
            taken.ids = {.first = 0x70000000, .count = 65536};
            ++ranges_out;
        }
        if (network == SandboxNetwork::bridge) {
            taken.endpoint = EndpointRecord{.network_id = network_id(),
                                            .endpoint_id = std::string(64, 'e'),
                                            .network = "bridge",
                                            .ip_address = "172.17.0.2",
                                            .prefix_length = 16,
                                            .gateway = "172.17.0.1",
                                            .mac_address = "02:42:ac:11:00:02",
                                            .interface = "eth0",
                                            .host_interface = "veth0"};
            ++endpoints_out;
        }
        return taken;
    }
    void release(const HeldSandbox& held) override {
        std::lock_guard lock(mutex_);
        if (!held.ids.empty()) --ranges_out;
        if (held.endpoint) --endpoints_out;
    }
    std::string host_gateway() const override { return "172.17.0.1"; }
    std::string network_id() const override { return std::string(64, 'b'); }

    std::vector<HeldSandbox> recovered;
    int ranges_out = 0, endpoints_out = 0;

private:
    std::mutex mutex_;
};

class FakeHost : public HostPort {
public:
    struct File {
        std::string text;
        uint64_t inode = 0;
    };

    PathKind kind(const std::string& path) override {
        std::lock_guard lock(mutex_);
        if (path.starts_with("/proc/")) return PathKind::directory; // no process of a test ends unseen
        auto found = kinds.find(path);
        return found == kinds.end() ? PathKind::missing : found->second;
    }
    Result<DeviceNode> device(const std::string& path) override {
        if (kind(path) != PathKind::device) return Error(ErrorKind::not_found, path);
        return DeviceNode{.path = path, .type = 'c', .major = 10, .minor = 229, .mode = 0666};
    }
    Result<std::vector<DeviceNode>> devices_below(const std::string& dir) override {
        return std::vector<DeviceNode>{{.path = dir + "/kvm", .type = 'c', .major = 10, .minor = 232, .mode = 0660}};
    }
    Result<void> make_directories(const std::string& path) override {
        std::lock_guard lock(mutex_);
        kinds[path] = PathKind::directory;
        made.push_back(path);
        return {};
    }
    Result<std::string> read_file(const std::string& path, size_t) override {
        std::lock_guard lock(mutex_);
        auto found = files.find(path);
        if (found == files.end()) return Error(ErrorKind::not_found, path);
        return found->second->text;
    }
    Result<std::unique_ptr<FileReader>> open(const std::string& path) override {
        std::lock_guard lock(mutex_);
        auto found = files.find(path);
        if (found == files.end()) return Error(ErrorKind::not_found, path);
        return std::unique_ptr<FileReader>(std::make_unique<Reader>(*this, found->second));
    }
    Result<void> compress_rotated(const std::string& path, unsigned) override {
        std::lock_guard lock(mutex_);
        compressed.push_back(path);
        return {};
    }
    Result<std::unique_ptr<FileWatch>> watch(const std::string&) override {
        return Error(ErrorKind::unsupported, "no watches here");
    }
    Result<std::unique_ptr<Capture>> capture() override { return std::unique_ptr<Capture>(new Said(*this)); }
    Result<UniqueFd> net_namespace(int) override { return UniqueFd(); }
    std::string descriptor_path(BorrowedFd fd) override { return "/fd/" + std::to_string(fd.get()); }
    void kill_process(int pid) override {
        std::lock_guard lock(mutex_);
        killed_.push_back(pid);
    }
    bool has_killed() {
        std::lock_guard lock(mutex_);
        return !killed_.empty();
    }
    std::string emulator(const std::string& architecture) override {
        return architecture == "arm64" ? "/usr/bin/qemu-aarch64-static" : "";
    }
    std::vector<CdiSpec> cdi_specs(const std::vector<std::string>&) override { return cdi; }
    Result<std::string> ps(const std::vector<std::string>& arguments) override {
        ps_arguments = arguments;
        return ps_output;
    }

    void put(const std::string& path, std::string text) {
        std::lock_guard lock(mutex_);
        files[path] = std::make_shared<File>(File{std::move(text), next_inode_++});
    }
    void append(const std::string& path, const std::string& text) {
        std::lock_guard lock(mutex_);
        files.at(path)->text += text;
    }
    void rename(const std::string& from, const std::string& to) {
        std::lock_guard lock(mutex_);
        files[to] = files.at(from);
        files.erase(from);
    }

    std::map<std::string, PathKind> kinds;
    std::map<std::string, std::shared_ptr<File>> files;
    std::vector<std::string> made, ps_arguments, compressed;
    std::string ps_output, captured;
    std::vector<CdiSpec> cdi;

private:
    class Said : public Capture {
    public:
        explicit Said(FakeHost& host) : host_(host) {}
        UniqueFd take_client() override { return {}; }
        std::string read(size_t, int64_t) override { return host_.captured; }

    private:
        FakeHost& host_;
    };
    class Reader : public FileReader {
    public:
        Reader(FakeHost& host, std::shared_ptr<File> file) : host_(host), file_(std::move(file)) {}
        FileIdentity identity() const override { return {.device = 1, .inode = file_->inode, .birth = 0}; }
        Result<uint64_t> size() override {
            std::lock_guard lock(host_.mutex_);
            return uint64_t{file_->text.size()};
        }
        Result<size_t> read_at(uint64_t offset, std::span<char> into) override {
            std::lock_guard lock(host_.mutex_);
            if (offset >= file_->text.size()) return size_t{0};
            size_t count = std::min(into.size(), file_->text.size() - offset);
            std::memcpy(into.data(), file_->text.data() + offset, count);
            return count;
        }

    private:
        FakeHost& host_;
        std::shared_ptr<File> file_;
    };

    std::mutex mutex_;
    std::vector<int> killed_; // by kill_process
    uint64_t next_inode_ = 1;
};

} // namespace hull::engine::test
