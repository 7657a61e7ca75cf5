// links: hull_store
// A tar into a container's tree, with links in it that lead out: nothing beside
// the tree may be made or changed, whatever the archive says.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fcntl.h>

#include "store/extract.h"
#include "sys/file.h"
#include "sys/tree.h"

namespace {

namespace fs = std::filesystem;

struct Tree {
    fs::path top = fs::temp_directory_path() / ("hull-extract-fuzz-" + std::to_string(getpid()));
    ~Tree() { fs::remove_all(top); }
};
Tree tree;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fs::remove_all(tree.top);
    fs::create_directories(tree.top / "root/in/a");
    fs::create_directories(tree.top / "beside");
    fs::create_symlink("../../beside", tree.top / "root/in/l");
    fs::create_symlink(tree.top / "beside", tree.top / "root/in/a/m");
    auto root = hull::sys::open(tree.top / "root", O_PATH | O_DIRECTORY);
    if (!root.ok()) std::abort();
    hull::TextSource source({reinterpret_cast<const char*>(data), size});
    (void)hull::store::extract_tar(source, *root, "/in", {}).ok();
    if (!fs::is_empty(tree.top / "beside")) std::abort();
    size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(tree.top)) ++entries;
    if (entries != 2) std::abort();
    return 0;
}
