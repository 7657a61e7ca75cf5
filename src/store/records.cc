#include "store/records.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr int schema_version = 1;
constexpr std::array<const char*, 9> table_names = {"containers", "images",  "refs",        "layers",  "blobs",
                                                    "networks",   "volumes", "build_cache", "settings"};
// Pages of the write-ahead log after which it is copied into the database.
constexpr int checkpoint_pages = 1000;

ErrorKind kind_of(int code) {
    switch (code & 0xff) {
    case SQLITE_FULL: return ErrorKind::no_space;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorKind::corrupt;
    case SQLITE_BUSY: return ErrorKind::conflict;
    default: return ErrorKind::system;
    }
}

// The one place where SQLiteCpp's exceptions become Errors.
template <class F>
auto guarded(const char* doing, F&& work) -> Result<decltype(work())> {
    try {
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            return {};
        } else {
            return work();
        }
    } catch (const SQLite::Exception& e) {
        return Error(kind_of(e.getErrorCode()), std::string(doing) + ": " + e.what());
    }
}

} // namespace

struct Records::State {
    State(UniqueFd lock_fd, const std::string& path)
        : lock(std::move(lock_fd)), database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 5000) {}

    void prepare();
    void set_durability(Durability wanted);
    void apply(const Change& change);
    void checkpoint_loop(std::stop_token stop);
    static int on_commit(void* self, sqlite3*, const char*, int pages);

    UniqueFd lock;
    std::mutex mutex; // over everything below
    SQLite::Database database;
    std::vector<SQLite::Statement> put, erase, get, all; // by table
    Durability durability = Durability::process_crash;
    bool checkpoint_wanted = false;
    std::condition_variable_any wake;
    std::jthread checkpointer; // last: it uses the rest
};

void Records::State::prepare() {
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
                  "PRAGMA journal_size_limit=8388608");
    for (const char* name : table_names)
        database.exec(std::string("CREATE TABLE IF NOT EXISTS ") + name +
                      " (key TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL) WITHOUT ROWID");
    database.exec("PRAGMA user_version=" + std::to_string(schema_version));
    for (std::string name : table_names) {
        put.emplace_back(database, "INSERT INTO " + name + " VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET text=?2");
        erase.emplace_back(database, "DELETE FROM " + name + " WHERE key=?1");
        get.emplace_back(database, "SELECT text FROM " + name + " WHERE key=?1");
        all.emplace_back(database, "SELECT key, text FROM " + name + " ORDER BY key");
    }
    sqlite3_wal_hook(database.getHandle(), &State::on_commit, this);
}

void Records::State::set_durability(Durability wanted) {
    if (wanted == durability) return;
    database.exec(wanted == Durability::power_loss ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    durability = wanted;
}

void Records::State::apply(const Change& change) {
    SQLite::Statement& statement = (change.text ? put : erase)[static_cast<size_t>(change.table)];
    statement.tryReset(); // it may have failed before
    statement.bindNoCopy(1, change.key);
    if (change.text) statement.bindNoCopy(2, *change.text);
    statement.exec();
    statement.reset();
    statement.clearBindings();
}

// Called inside a commit, with the mutex held.
int Records::State::on_commit(void* self, sqlite3*, const char*, int pages) {
    auto* state = static_cast<State*>(self);
    if (pages >= checkpoint_pages && !state->checkpoint_wanted) {
        state->checkpoint_wanted = true;
        state->wake.notify_one();
    }
    return SQLITE_OK;
}

// A checkpoint syncs; on a connection and thread of its own no start of a
// container waits for that.
void Records::State::checkpoint_loop(std::stop_token stop) {
    std::unique_lock held(mutex);
    while (wake.wait(held, stop, [&] { return checkpoint_wanted; })) {
        checkpoint_wanted = false;
        std::string path = database.getFilename();
        held.unlock();
        auto done = guarded("checkpoint", [&] {
            SQLite::Database own(path, SQLite::OPEN_READWRITE, 5000);
            own.exec("PRAGMA wal_checkpoint(PASSIVE)");
        });
        if (!done.ok()) log::warning("copy the record log into the database", done.error());
        held.lock();
    }
}

Records::Records(std::unique_ptr<State> state) : state_(std::move(state)) {}
Records::~Records() = default;

Result<std::unique_ptr<Records>> Records::open(const std::string& path) {
    auto locked = sys::lock_file(path + ".lock");
    if (!locked.ok()) {
        if (locked.error().kind() == ErrorKind::conflict)
            return Error(ErrorKind::conflict, "open " + path + ": another engine uses this data root");
        return std::move(locked).error();
    }
    auto opened = guarded("open records", [&] { return std::make_unique<State>(std::move(*locked), path); });
    if (!opened.ok()) return std::move(opened).error().context(path);
    std::unique_ptr<State> state = std::move(*opened);
    int version = TRY(guarded("open records", [&] {
                          return state->database.execAndGet("PRAGMA user_version").getInt();
                      }).context([&] { return path; }));
    if (version > schema_version)
        return Error(ErrorKind::unsupported, "open " + path + ": it was written by a newer version (schema " +
                                                 std::to_string(version) + ", this one knows " +
                                                 std::to_string(schema_version) + ")");
    TRY(guarded("open records", [&] { state->prepare(); }).context([&] { return path; }));
    State* raw = state.get();
    state->checkpointer = std::jthread([raw](std::stop_token stop) { raw->checkpoint_loop(std::move(stop)); });
    return std::unique_ptr<Records>(new Records(std::move(state)));
}

Result<void> Records::put(Table table, std::string_view key, std::string_view text, Durability durability) {
    Change change{table, std::string(key), std::string(text)};
    return commit({&change, 1}, durability);
}

Result<void> Records::erase(Table table, std::string_view key, Durability durability) {
    Change change{table, std::string(key), std::nullopt};
    return commit({&change, 1}, durability);
}

Result<void> Records::commit(std::span<const Change> changes, Durability durability) {
    if (changes.empty()) return {};
    const std::string step = std::string("records.") + table_names[static_cast<size_t>(changes.front().table)];
    TRY(failpoint(step));
    {
        std::lock_guard held(state_->mutex);
        TRY(guarded("write records", [&] {
            state_->set_durability(durability);
            if (changes.size() == 1) { // its own transaction
                state_->apply(changes[0]);
                return;
            }
            SQLite::Transaction transaction(state_->database);
            for (const Change& change : changes) state_->apply(change);
            transaction.commit();
        }));
    }
    return failpoint(step + ".written");
}

Result<std::optional<std::string>> Records::get(Table table, std::string_view key) const {
    std::lock_guard held(state_->mutex);
    return guarded("read records", [&]() -> std::optional<std::string> {
        SQLite::Statement& statement = state_->get[static_cast<size_t>(table)];
        statement.reset();
        statement.bind(1, std::string(key));
        std::optional<std::string> text;
        if (statement.executeStep()) text = statement.getColumn(0).getString();
        statement.reset();
        return text;
    });
}

Result<std::vector<Record>> Records::all(Table table) const {
    std::lock_guard held(state_->mutex);
    return guarded("read records", [&] {
        SQLite::Statement& statement = state_->all[static_cast<size_t>(table)];
        statement.reset();
        std::vector<Record> records;
        while (statement.executeStep())
            records.push_back({statement.getColumn(0).getString(), statement.getColumn(1).getString()});
        statement.reset();
        return records;
    });
}

} // namespace hull::store
