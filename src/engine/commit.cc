// A container's changes as an image.
#include "engine/files_service.h"
#include "engine/validate.h"
#include "image/changes.h"
#include "store/mount_stubs.h"
#include "store/produced_source.h"

namespace hull::engine {

namespace {

// Whether anything at all changed: an image without changes gets no layer.
Result<bool> has_changes(const std::string& upper, const std::vector<std::string>& lower) {
    bool found = false;
    auto walked = store::walk_changes(upper, lower, [&](const store::TreeChange&) -> Result<void> {
        found = true;
        return Error(ErrorKind::cancelled, "one is enough");
    });
    if (!walked.ok() && !found) return std::move(walked).error();
    return found;
}

std::string joined_words(const model::StringList& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

// Runs again what was paused, at the end of the scope.
class PausedFor {
public:
    PausedFor(Core& core, Runner& runner, const ContainerPtr& container, bool wanted)
        : core_(core), runner_(runner), container_(container) {
        // One that doesn't run, or is paused already, is as still as it gets.
        if (!wanted || container->status() != ContainerStatus::running) return;
        // On record first: should the engine die meanwhile, its successor runs it on.
        const std::string key = kHeldStill + container->id.str();
        if (!core.records.put(store::Table::settings, key, "commit").ok()) return;
        paused_ = runner.pause(container).ok();
        if (!paused_) (void)core.records.erase(store::Table::settings, key);
    }
    PausedFor(const PausedFor&) = delete;
    ~PausedFor() {
        if (!paused_) return;
        (void)runner_.unpause(container_).ok(); // it ended meanwhile
        (void)core_.records.erase(store::Table::settings, kHeldStill + container_->id.str());
    }

private:
    Core& core_;
    Runner& runner_;
    ContainerPtr container_;
    bool paused_ = false;
};

} // namespace

Result<model::Digest> FilesService::commit(const CommitRequest& request) {
    ContainerPtr container = TRY(core_.registry.find(request.container));
    const ContainerSettings& settings = container->settings();
    if (container->status() == ContainerStatus::dead)
        return Error(ErrorKind::conflict, "You cannot commit container " + container->id.str() + " which is Dead");
    if (container->status() == ContainerStatus::removing)
        return Error(ErrorKind::conflict,
                     "You cannot commit container " + container->id.str() + " which is being removed");
    // All that can be wrong with the request, before anything stands still.
    std::optional<model::Reference> reference;
    if (!request.repository.empty()) {
        reference = TRY(model::Reference::parse(request.repository));
        if (reference->digest) return invalid("cannot commit to digest reference");
        if (!request.tag.empty()) {
            auto tagged = model::Reference::parse(request.repository + ":" + request.tag);
            if (!tagged.ok() || request.tag.find_first_of(":/@") != std::string::npos)
                return invalid("invalid tag format");
            reference = std::move(*tagged);
        }
    }
    model::ContainerConfig config = request.config.value_or(settings.config);
    TRY(image::apply_changes(config, request.changes));

    auto base = TRY(model::Digest::parse(settings.image_id));
    auto of_base = TRY(core_.images.resolve(base.str()).context("commit"));
    model::ImageConfig made = of_base->config;
    made.config = merge_config(std::move(config), settings.config);
    made.created = wall_now();
    made.author = request.author;
    made.comment = request.comment;

    auto commit = [&]() -> Result<model::Digest> {
        PausedFor still(core_, runner_, container, request.pause);
        const std::string upper = core_.dirs->writable(container->id) + "/upper";
        const std::vector<std::string> lower = core_.lower_of(*container);
        bool changed = TRY(has_changes(upper, lower));
        made.history.push_back({made.created, joined_words(settings.config.cmd.value_or(model::StringList())),
                                request.author, request.comment, !changed});
        store::ProducedSource layer(
            [&](ByteSink& sink) { return changed ? store::write_changes(upper, lower, sink) : Result<void>{}; });
        model::Digest image = TRY(images_.commit(made, base, changed ? &layer : nullptr, reference));
        core_.publish(*container, "commit",
                      {{"comment", request.comment},
                       {"imageID", image.str()},
                       {"imageRef", reference ? reference->familiar() : ""}});
        return image;
    };
    return commit().context([&] { return "commit container " + container->id.str(); });
}

Result<model::Digest> FilesService::commit_as(const std::string& name, model::ImageConfig config, const CommitAs& how) {
    ContainerPtr container = TRY(core_.registry.find(name));
    TRY(check_has_files(*container));
    auto base = TRY(model::Digest::parse(container->settings().image_id));
    const std::string upper = core_.dirs->writable(container->id) + "/upper";
    TRY(store::remove_mount_stubs(upper, how.stubs));
    const std::vector<std::string> lower = core_.lower_of(*container);
    bool changed = TRY(has_changes(upper, lower));
    if (!config.history.empty()) config.history.back().empty_layer = !changed;
    if (changed && how.takes_files) {
        auto adopted = images_.commit_adopting(
            config, base, upper, [&](ByteSink& sink) { return store::reduce_to_changes(upper, lower, sink); },
            how.making);
        if (adopted.ok() || adopted.error().kind() != ErrorKind::unsupported) return adopted;
    }
    store::ProducedSource layer([&](ByteSink& sink) { return store::write_changes(upper, lower, sink); });
    return images_.commit(std::move(config), base, changed ? &layer : nullptr, std::nullopt, how.making);
}

} // namespace hull::engine
