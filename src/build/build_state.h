// One build under way: what its parts share. Internal to build/.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "build/builder.h"
#include "build/copy.h"
#include "build/dockerfile.h"
#include "build/step_copies.h"
#include "build/step_secrets.h"

namespace hull::build {

// A stage, as far as it is built.
struct StageState {
    size_t index = 0;            // of the stage
    std::optional<Digest> image; // none: scratch, nothing yet
    size_t base_layers = 0;      // of the image that it is from
    model::ImageConfig config;
    CacheKey key;           // of the image: what the keys of its steps begin with
    model::StringList args; // "NAME=value" of ARG, the latest first
    std::set<std::string> declared;
    bool cmd_set = false;  // in this Dockerfile
    std::string last_step; // digest of the vertex that it stands on
    std::string step;      // ... that is under way
    size_t steps_done = 0;
    std::string description;                         // of the step under way, for who looks at the cache
    std::string created_by;                          // of the classic step under way, for its history
    std::vector<std::pair<CacheKey, size_t>> made;   // keys of steps, and how many layers there were then
    bool cached = false;                             // the step under way was
    std::shared_ptr<void> claim;                     // on the key of the step under way
    std::vector<std::shared_ptr<void>> mount_claims; // on cache mounts that nobody else may use meanwhile
    enum class Progress : unsigned char { waiting, done, failed } progress = Progress::waiting;
};

struct Mount { // RUN --mount
    std::string type = "bind", target, source, from, id, sharing = "shared", env, size;
    bool writable = false, required = false;
    std::optional<uint32_t> mode, uid, gid;
};

std::string vertex_digest(std::initializer_list<std::string_view> parts);

class Build {
public:
    Build(Builder& builder, const BuildOptions& options, std::shared_ptr<Context> context, Output& output,
          std::stop_token stop);
    ~Build();
    Build(const Build&) = delete;
    Build& operator=(const Build&) = delete;
    Result<Digest> run();

private:
    bool classic() const { return options_.style == Style::classic; }
    Result<void> say(std::string_view text) { return classic() ? output_.text(text) : Result<void>(); }

    // build_steps.cc: Style::steps.
    Result<Digest> run_steps();
    Result<void> fetch_dockerfile();
    void plan_vertexes();
    Result<void> resolve_bases();
    Result<void> do_step(const Instruction& instruction, StageState& state);
    Result<void> show_lines(const Instruction& instruction, const std::string& vertex);
    void begin_states();
    Result<void> run_stages();
    Result<void> await_stage(size_t index);
    void keep(image::Lease lease);
    void keep(const Digest& pinned);
    Result<void> part(const std::string& vertex, const std::string& name,
                      const std::function<Result<std::string>(const ReceivedBytes&)>& work);
    Result<Digest> export_result(StageState& state);
    Result<void> send_tar(const StageState& state, ByteSink& sink);
    Result<Digest> export_image(StageState& state);
    // image: this one by the name, whatever the name stands for here.
    Result<void> push(const std::string& name, const std::string& vertex, const std::optional<Digest>& image = {});
    Result<Digest> commit_result(StageState& state);
    Result<Digest> squash(const StageState& state, const Digest& whole); // squash.cc
    // Tells of the vertex before and after; work may change it.
    Result<void> watched(wire::Vertex vertex, const std::function<Result<void>(wire::Vertex&)>& work);
    Result<void> tell(wire::Vertex vertex);
    Result<std::shared_ptr<const Context>> fetch(const FileRequest& request, const std::string& status,
                                                 const std::string& vertex);
    // What is left out of the context, by the client or here.
    Result<std::shared_ptr<const Tree>> context_tree();
    std::vector<std::string> context_paths() const;
    std::string step_name(const Instruction& instruction, const StageState& state) const;
    std::string step_prefix(size_t stage, size_t number) const;
    void add_history(StageState& state, const std::string& created_by, bool empty_layer) const;
    std::string classic_history(const std::string& what, const StageState& state, bool copied = false) const;
    std::string classic_run(const std::vector<std::string>& command, const StageState& state) const;
    std::string history_text(const Instruction& instruction, const StageState& state) const;
    std::string run_history(const std::vector<std::string>& command, const StageState& state) const;

    Result<void> check_wisdom(); // what lint() says
    Result<void> answer_call();  // of a call that builds nothing

    // builder.cc: the stages.
    Result<void> read_dockerfile();
    Result<void> take_dockerfile(std::string_view text);
    Result<void> run_stage(size_t index);
    Result<void> begin_stage(const Stage& stage, StageState& state);
    // vertex: where it is told how a pull goes.
    Result<image::ImagePtr> base_image(const std::string& asked, const std::string& platform,
                                       const std::string& vertex = {});
    Result<void> begin_from(const Stage& stage, StageState& state);
    model::ImageConfig cache_config(const StageState& state) const;
    Result<void> keep_step(StageState& state, const CacheKey& key, const Digest& id);
    Result<void> tell_pull(const image::TransferLine& line, const std::string& vertex);
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
    Result<std::vector<LayerItem>> missing_workdir(const StageState& state);
    Result<void> make_workdir(const Instruction& instruction, const CacheKey& key, StageState& state);
    Result<void> do_copy(const Instruction& instruction, StageState& state);
    // Whether the files that it takes were the same the last time, and the step is done; by context_'s memory.
    Result<bool> copy_as_before(const Instruction& instruction, const std::string& question, StageState& state);
    Result<std::vector<CopySource>> copy_sources(const Instruction& instruction, std::vector<std::string> words,
                                                 StageState& state, bool& from_image);
    Result<CopySource> clone(const std::string& address, const Instruction& instruction, const std::string& checksum);
    Result<CopySource> download(const std::string& url, const std::string& checksum);
    // A new image on the stage's, remembered under key.
    Result<void> commit(StageState& state, const CacheKey& key, const std::string& created_by, ByteSource* layer);
    // Takes the image that is remembered; false: there is none.
    Result<bool> take_cached(StageState& state, const CacheKey& key);
    Result<void> say_image(const StageState& state);

    // cache_from.cc: steps that other images have.
    Result<void> import_caches();
    Result<image::ImagePtr> take_imported(const StageState& state, const CacheKey& key);
    Result<bool> take_from_history(StageState& state, const CacheKey& key);
    bool may_take(image::ImagePtr image) const;
    std::string inline_cache(const StageState& state, const std::vector<std::string>& others = {}) const;
    Result<void> import_cache(const std::string& name, bool follows);
    // cache_to.cc: and for others to have.
    Result<void> export_caches();
    Result<void> export_cache(const BuildOptions::CacheExport& wanted, const std::string& vertex);
    std::vector<const StageState*> stages_worth_keeping(bool all) const;
    void note_step(StageState& state, const CacheKey& key);

    // run.cc
    Result<void> do_run(const Instruction& instruction, StageState& state);
    std::vector<std::string> run_command(const Instruction& instruction, const StageState& state) const;
    CacheKey run_key(const std::vector<std::string>& command, const StageState& state) const;
    void add_arguments(const StageState& state, model::StringList& env, CacheKey& key);
    Result<void> apply_run_flag(const Flag& flag, model::CreateRequest& request, CacheKey& key) const;
    Result<Digest> layers_image(StageState& state);
    Result<void> keep_failed(const StageState& state, const model::StringList& env);
    Result<void> add_run_history(const std::vector<std::string>& command, StageState& state) const;
    Result<void> keep_run(const std::string& container, const std::vector<std::string>& command,
                          const std::vector<std::string>& stubs, const CacheKey& key, StageState& state);
    Result<Mount> parse_mount(const std::string& text, const StageState& state) const;
    Result<void> add_mounts(const std::vector<Mount>& mounts, StageState& state, model::CreateRequest& request,
                            CacheKey& key);
    Result<void> copy_writable(const std::vector<Mount>& mounts, StepCopies& copies, model::CreateRequest& request);
    // mounts.cc: of a step that runs, not of one that is cached.
    Result<void> add_secrets(const std::vector<Mount>& mounts, StepSecrets& secrets, model::CreateRequest& request);
    Result<std::vector<std::string>> stubs_of(const model::CreateRequest& request, const StageState& state);
    Result<std::string> folder_of(const Mount& mount, StageState& state, std::string& digest);
    Result<std::string> cache_folder(const Mount& mount, StageState& state, unsigned copy = 0);
    Result<void> claim_caches(std::vector<Mount> mounts, StageState& state, model::CreateRequest& request);
    Result<int> run_container(const ContainerId& id, const StageState& state);

    // Trees and variables.
    Result<std::shared_ptr<const Tree>> tree_of(const std::optional<Digest>& image);
    Result<std::shared_ptr<const Tree>> named_context(const std::string& name, const std::string& value);
    Result<std::shared_ptr<const Tree>> tree_from(const std::string& name, const StageState& state);
    model::StringList variables(const StageState& state) const; // for $NAME
    Result<std::string> expanded(std::string_view text, const StageState& state) const;
    WallTime now() const;

    Builder& builder_;
    const BuildOptions& options_;
    std::shared_ptr<Context> given_; // a context that came with the request
    std::shared_ptr<const Context> context_;
    Output& output_;
    std::stop_source own_stop_; // a stage failed, or the client wants no more
    std::stop_token stop_ = own_stop_.get_token();
    std::stop_callback<std::function<void()>> on_stop_;

    Dockerfile file_;
    StagePlan plan_;
    model::StringList platform_args_;
    std::optional<int64_t> epoch_; // SOURCE_DATE_EPOCH
    std::vector<StageState> states_;
    size_t steps_done_ = 0;
    std::set<std::string> used_args_;
    IgnoreList ignored_;
    std::map<const Instruction*, wire::Vertex> vertexes_;
    std::map<std::string, wire::Vertex> from_vertexes_; // by name and platform
    std::set<std::string> from_told_;
    std::map<std::string, image::ImagePtr> bases_;                    // the same
    std::vector<image::ImagePtr> caches_;                             // of cache_from
    std::map<CacheKey, std::pair<image::ImagePtr, size_t>> imported_; // image and number of layers
    std::string definition_vertex_;                                   // of the Dockerfile that was read
    std::string context_vertex_;
    bool triggers_seen_ = false; // a base has ONBUILD instructions
    // Stages run side by side: the first guards what is below it, the second the
    // states of stages, the third is held while the context comes.
    std::mutex mutex_, stages_mutex_, context_mutex_;
    std::map<std::string, std::shared_ptr<const Tree>> trees_; // by image id
    std::map<std::string, std::shared_ptr<const Tree>> named_; // with context_mutex_
    std::vector<image::Lease> leases_;
    std::vector<Digest> pins_;
    std::condition_variable stage_ended_;
};

} // namespace hull::build
