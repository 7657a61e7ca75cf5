// One build under way: what its parts share. Internal to build/.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "build/builder.h"
#include "build/copy.h"
#include "build/dockerfile.h"

namespace hull::build {

// A stage, as far as it is built.
struct StageState {
    std::optional<Digest> image; // none: scratch, nothing yet
    model::ImageConfig config;
    CacheKey key;           // of the image: what the keys of its steps begin with
    model::StringList args; // "NAME=value" of ARG, the latest first
    std::set<std::string> declared;
    bool cmd_set = false; // in this Dockerfile
};

struct Mount { // RUN --mount
    std::string type = "bind", target, source, from, id, sharing = "shared", env, size;
    bool writable = false, required = false;
    std::optional<uint32_t> mode, uid, gid;
};

class Build {
public:
    Build(Builder& builder, const BuildOptions& options, std::shared_ptr<Context> context, Output& output,
          std::stop_token stop);
    Result<Digest> run();

private:
    // builder.cc: the stages.
    Result<void> read_dockerfile();
    Result<void> run_stage(size_t index);
    Result<void> begin_stage(const Stage& stage, StageState& state);
    Result<image::ImagePtr> base_image(const std::string& name, const std::string& platform);
    Result<void> run_triggers(StageState& state);
    Result<void> step(const Instruction& instruction, StageState& state);
    Result<Digest> finish(StageState& state);
    Result<void> warn_of_unused_args();
    Result<void> announce(const std::string& text);

    // steps.cc: instructions but RUN.
    Result<void> do_instruction(const Instruction& instruction, StageState& state);
    Result<void> do_arg(const Instruction& instruction, StageState& state);
    Result<void> do_settings(const Instruction& instruction, StageState& state);
    Result<void> do_shell(const Instruction& instruction, StageState& state);
    Result<void> do_workdir(const Instruction& instruction, StageState& state);
    Result<void> do_copy(const Instruction& instruction, StageState& state);
    Result<std::vector<CopySource>> copy_sources(const Instruction& instruction, std::vector<std::string> words,
                                                 StageState& state, bool& from_image);
    Result<CopySource> download(const std::string& url, const std::string& checksum);
    // A new image on the stage's, remembered under key.
    Result<void> commit(StageState& state, const CacheKey& key, const std::string& created_by, ByteSource* layer);
    // Takes the image that is remembered; false: there is none.
    Result<bool> take_cached(StageState& state, const CacheKey& key);
    Result<void> say_image(const StageState& state);

    // run.cc
    Result<void> do_run(const Instruction& instruction, StageState& state);
    Result<std::vector<std::string>> run_command(const Instruction& instruction, const StageState& state) const;
    Result<Mount> parse_mount(const std::string& text, const StageState& state) const;
    Result<void> add_mounts(const std::vector<Mount>& mounts, const StageState& state, model::CreateRequest& request,
                            CacheKey& key);
    Result<std::string> folder_of(const Mount& mount, const StageState& state, std::string& digest);
    Result<std::string> cache_folder(const Mount& mount);
    Result<int> run_container(const ContainerId& id);

    // Trees and variables.
    Result<std::shared_ptr<const Tree>> tree_of(const std::optional<Digest>& image);
    Result<std::shared_ptr<const Tree>> tree_from(const std::string& name, const StageState& state);
    model::StringList variables(const StageState& state) const; // for $NAME
    Result<std::string> expanded(std::string_view text, const StageState& state) const;
    WallTime now() const;

    Builder& builder_;
    const BuildOptions& options_;
    std::shared_ptr<Context> context_;
    Output& output_;
    std::stop_token stop_;

    Dockerfile file_;
    StagePlan plan_;
    model::StringList platform_args_;
    std::optional<int64_t> epoch_; // SOURCE_DATE_EPOCH
    std::vector<StageState> states_;
    size_t stage_ = 0; // that is being built
    size_t steps_done_ = 0;
    std::set<std::string> used_args_;
    std::map<std::string, std::shared_ptr<const Tree>> trees_; // by image id
    std::vector<image::Lease> leases_;
};

} // namespace hull::build
