#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "build/files/tree.h"

namespace hull::build {

namespace {

using Entries = std::vector<std::pair<std::string, Node>>;

constexpr size_t read_ahead = 2048; // folders among so many that come next are read
constexpr unsigned most_helpers = 3;

std::string below(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + "/" + name;
}

class AheadWalk {
public:
    AheadWalk(const Tree& tree, const Visit& visit) : tree_(tree), visit_(visit) {}
    ~AheadWalk() {
        std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }
    AheadWalk(const AheadWalk&) = delete;
    AheadWalk& operator=(const AheadWalk&) = delete;

    Result<void> run(const std::string& path) {
        auto top = TRY(tree_.look(path));
        if (!top) return {};
        todo_.push_back(std::make_shared<Item>(path, std::move(*top)));
        while (!todo_.empty()) TRY(go_on());
        return {};
    }

private:
    enum class State : unsigned char { waiting, taken, done };
    struct Item {
        Item(std::string its_path, Node its_node) : path(std::move(its_path)), node(std::move(its_node)) {}
        std::string path;
        Node node;
        State state = State::waiting; // with mutex_
        std::optional<Result<Entries>> entries;
    };
    using ItemPtr = std::shared_ptr<Item>;

    Result<void> go_on() {
        ItemPtr item;
        {
            std::lock_guard lock(mutex_);
            item = std::move(todo_.back());
            todo_.pop_back();
        }
        const bool enter = TRY(visit_(item->path, item->node));
        if (!enter || !item->node.is_folder()) return {};
        Entries inside = TRY(entries_of(*item));
        std::lock_guard lock(mutex_);
        size_t folders = 0;
        for (auto entry = inside.rbegin(); entry != inside.rend(); ++entry) {
            folders += entry->second.is_folder() ? 1 : 0;
            todo_.push_back(std::make_shared<Item>(below(item->path, entry->first), std::move(entry->second)));
        }
        if (folders > 1) begin_helping();
        if (folders > 0) changed_.notify_all();
        return {};
    }

    Result<Entries> entries_of(Item& item) {
        std::unique_lock lock(mutex_);
        if (item.state == State::waiting) {
            lock.unlock();
            return tree_.entries(item.path);
        }
        changed_.wait(lock, [&] { return item.state == State::done; });
        return std::move(*item.entries);
    }

    void begin_helping() {
        if (!helpers_.empty()) return;
        const unsigned count = std::clamp(std::thread::hardware_concurrency(), 2U, most_helpers + 1) - 1;
        for (unsigned i = 0; i < count; ++i) helpers_.emplace_back([this] { help(); });
    }

    ItemPtr next_folder() {
        const size_t last = todo_.size() > read_ahead ? todo_.size() - read_ahead : 0;
        for (size_t at = todo_.size(); at-- > last;)
            if (todo_[at]->node.is_folder() && todo_[at]->state == State::waiting) return todo_[at];
        return nullptr;
    }

    void help() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ItemPtr item;
            changed_.wait(lock, [&] { return ended_ || (item = next_folder()); });
            if (ended_) return;
            item->state = State::taken;
            lock.unlock();
            auto entries = tree_.entries(item->path);
            lock.lock();
            item->entries.emplace(std::move(entries));
            item->state = State::done;
            changed_.notify_all();
        }
    }

    const Tree& tree_;
    const Visit& visit_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<ItemPtr> todo_; // the next is the last
    bool ended_ = false;
    std::vector<std::jthread> helpers_;
};

} // namespace

Result<void> walk_ahead(const Tree& tree, const std::string& path, const Visit& visit) {
    return AheadWalk(tree, visit).run(path);
}

} // namespace hull::build
