#include "runtime/keeper/state_files.h"

#include "base/log.h"
#include "sys/file.h"

namespace hull::keeper {

namespace {

constexpr uint32_t file_version = 1;
constexpr size_t max_state_bytes = size_t{1} << 20;

template <class T>
struct StateFile {
    uint32_t version = file_version;
    std::string boot_id;
    T content;
};
template <class T>
void fields(Writer& io, const StateFile<T>& v) {
    all(io, v.version, v.boot_id, v.content);
}
template <class T>
void fields(Reader& io, StateFile<T>& v) {
    all(io, v.version, v.boot_id, v.content);
}

std::string name_of(const TaskKey& key) { return key.exec.empty() ? key.container : key.container + "." + key.exec; }

// Names become paths: 1 to 128 letters, digits, '-', '_'.
bool fit_for_a_path(const std::string& id) {
    if (id.empty() || id.size() > 128) return false;
    for (char c : id) {
        bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        if (!fits) return false;
    }
    return true;
}

Result<void> check(const TaskKey& key) {
    if (fit_for_a_path(key.container) && (key.exec.empty() || fit_for_a_path(key.exec))) return {};
    return Error(ErrorKind::invalid_argument, "malformed id of a container or exec");
}

} // namespace

Result<StateFiles> StateFiles::open(const std::string& exec_root) {
    TRY(sys::mkdir_parents(exec_root, 0700));
    TRY(sys::mkdir_parents(exec_root + "/containers", 0700));
    TRY(sys::mkdir_parents(exec_root + "/exits", 0700));
    std::string boot_id = TRY(sys::read_file("/proc/sys/kernel/random/boot_id", 64));
    return StateFiles(exec_root, boot_id);
}

Result<void> StateFiles::save_running(const TaskRecord& record) {
    TRY(check(record.key));
    if (!record.key.exec.empty()) return {};
    return sys::replace_file(root_ + "/containers/" + name_of(record.key),
                             to_bytes(StateFile<TaskRecord>{file_version, boot_id_, record}), 0600);
}

void StateFiles::forget_running(const TaskKey& key) {
    if (key.exec.empty()) (void)sys::unlink(root_ + "/containers/" + name_of(key));
}

Result<std::vector<TaskRecord>> StateFiles::running() { return load<TaskRecord>("/containers", "container state"); }

Result<void> StateFiles::save_exit(const ExitReport& report) {
    TRY(check(report.key));
    return sys::replace_file(root_ + "/exits/" + name_of(report.key),
                             to_bytes(StateFile<ExitReport>{file_version, boot_id_, report}), 0600);
}

void StateFiles::forget_exit(const TaskKey& key) { (void)sys::unlink(root_ + "/exits/" + name_of(key)); }

Result<std::vector<ExitReport>> StateFiles::exits() { return load<ExitReport>("/exits", "exit record"); }

template <class T>
Result<std::vector<T>> StateFiles::load(const std::string& folder, std::string_view what) {
    std::vector<T> found;
    for (const std::string& name : TRY(sys::list_dir(root_ + folder))) {
        std::string path = root_ + folder + "/" + name;
        // A keeper died before the rename: it was never said, and stays unsaid. (Ids have no dots.)
        if (name.find(".tmp-") != name.npos) {
            (void)sys::unlink(path);
            continue;
        }
        auto bytes = sys::read_file(path, max_state_bytes);
        auto file = bytes.ok() ? from_bytes<StateFile<T>>(*bytes, what) : Result<StateFile<T>>(bytes.error());
        if (file.ok() && file->version == file_version && file->boot_id == boot_id_) {
            found.push_back(std::move(file->content));
            continue;
        }
        if (!file.ok()) log::warning("read " + path, file.error());
        (void)sys::unlink(path);
    }
    return found;
}

} // namespace hull::keeper
