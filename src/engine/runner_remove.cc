#include "engine/runner.h"

#include <chrono>

#include "base/log.h"

namespace hull::engine {

namespace {
constexpr int64_t kLetGoMs = 500; // until the last request about the container has ended
}

Result<void> Runner::remove(const ContainerPtr& container, bool force, bool volumes) {
    ContainerStatus status = container->status();
    if (status == ContainerStatus::removing)
        return Error(ErrorKind::conflict, "removal of container " + container->name() + " is already in progress");
    if (is_active(status) && !force) {
        std::string state = status_name(view_status(container->state()));
        std::string what = "cannot remove container \"/" + container->name() + "\": container is " + state;
        if (status == ContainerStatus::paused) return Error(ErrorKind::conflict, what + " and must be unpaused first");
        return Error(ErrorKind::conflict, what + ": stop the container before removing or force remove");
    }
    cancel_restart(container);
    // A start under way goes first: then there is something to kill.
    { std::lock_guard operation(container->operation()); }
    if (has_processes(container->status()))
        TRY(kill_and_wait(container).context([&] { return "could not kill container " + container->name(); }));
    std::lock_guard operation(container->operation());
    if (container->look([](const auto&, const Volatile& v) { return v.removed; })) return {};
    clean_up(container);
    return remove_held(container, volumes);
}

Result<void> Runner::remove_held(const ContainerPtr& container, bool volumes) {
    auto before = container->update([](ContainerState& state, Volatile&) -> std::optional<ContainerStatus> {
        auto next = next_status(state.status, Step::remove);
        if (!next) return std::nullopt;
        return std::exchange(state.status, *next);
    });
    if (!before)
        return Error(ErrorKind::conflict, "cannot remove container \"/" + container->name() + "\": container is " +
                                              status_name(view_status(container->state())));
    core_.runtime.cancel_attach(container->id);
    if (before_removal) before_removal(container->id);
    // Without a record, what is left of the folder is swept at the next start.
    auto gone = [&]() -> Result<void> {
        TRY(core_.erase(*container));
        return core_.dirs->remove(container->id);
    }();
    if (!gone.ok()) {
        container->update([&](ContainerState& state, Volatile&) {
            state.status = next_status(state.status, Step::removal_failed).value_or(ContainerStatus::dead);
            state.error = gone.error().message();
        });
        core_.save(*container);
        return std::move(gone).context("remove container " + container->id.str());
    }
    volumes = volumes || container->settings().host_config.auto_remove;
    core_.volumes->let_go(container->settings().mounts, container->id.str(),
                          volumes ? VolumeKeeper::Anonymous::remove : VolumeKeeper::Anonymous::keep);
    core_.registry.remove(container->id);
    core_.registry.free_name(container->name(), container->id);
    core_.publish(*container, "destroy");
    container->update([](ContainerState&, Volatile& v) { v.removed = true; });
    // An image that was removed before it leaves its layers when we let go of them.
    if (!core_.images.resolve(container->settings().image_id).ok())
        core_.scheduler.after(kLetGoMs, [this] {
            if (auto collected = core_.images.collect(); !collected.ok())
                log::warning("remove layers that no image has", collected.error());
        });
    discard();
    return {};
}

void Runner::discard() {
    ++discarded_;
    if (!core_.workers.submit([this] { empty_trash(); })) empty_trash();
}

void Runner::empty_trash() {
    unsigned seen = 0;
    do {
        std::unique_lock one(trash_, std::try_to_lock);
        // Whoever has it looks again when it is done.
        if (!one) return;
        seen = discarded_;
        // When the engine ends, the next one goes on.
        auto swept = core_.dirs->empty_trash(&closing_);
        if (!swept.ok() && swept.error().kind() == ErrorKind::cancelled) return;
        if (!swept.ok()) log::warning("remove container folders", swept.error());
    } while (seen != discarded_);
}

} // namespace hull::engine
