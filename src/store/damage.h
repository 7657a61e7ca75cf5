// What a check of the data root finds to be off.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::store {

enum class CheckDepth : unsigned char { presence, contents }; // contents: every byte is read
enum class Repair : unsigned char { no, yes };

struct Damage {
    std::string kind;    // "layer", "blob", "image", "name", "container", "volume", "network", "temporary file"
    std::string what;    // its id or name
    std::string problem; // what is off
    std::string remedy;  // what mending it does, or what the user can do
    bool mended = false;
    std::string why_not = {}; // it wasn't, although that was asked for
};
using Damages = std::vector<Damage>;

// Notes damage, and mends it by what is given if that is asked for.
template <class F>
void note(Damages& list, Damage damage, Repair repair, F&& mend) {
    if (repair == Repair::yes) {
        Result<void> done = mend();
        damage.mended = done.ok();
        if (!done.ok()) damage.why_not = done.error().message();
    }
    list.push_back(std::move(damage));
}

} // namespace hull::store
