#include "kernel/seccomp/verdicts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <linux/seccomp.h>

namespace hull::kernel::seccomp {

namespace {

bool within(uint32_t number, const NumberRange& range) {
    return range.last != 0 && number >= range.first && number <= range.last;
}

class Judge {
public:
    Judge(const Policy& policy, const Architecture& arch) : policy_(policy), arch_(arch) { out_.arch = &arch; }

    Verdicts run(uint32_t begin) {
        for (const Rule& rule : policy_.rules) add(rule);
        std::ranges::sort(out_.conditions, [](const Condition& a, const Condition& b) {
            return a.number != b.number ? a.number < b.number : a.order < b.order;
        });
        make_ranges(begin);
        return std::move(out_);
    }

private:
    void add(const Rule& rule) {
        for (SyscallName name : rule.names) {
            Multiplexer through;
            if (arch_.multiplexed == Multiplexed::yes) through = multiplexer_of(name);
            if (auto number = number_of(name, arch_)) add_number(rule, *number, 0);
            if (!through.call) continue;
            if (auto number = number_of(*through.call, arch_)) add_number(rule, *number, through.selector);
        }
    }

    void add_number(const Rule& rule, uint32_t number, uint32_t selector) {
        auto add_one = [&](const std::vector<Comparison>* comparisons) {
            auto order = static_cast<uint32_t>(out_.conditions.size());
            out_.conditions.push_back({number, rule.action, comparisons, selector, order});
        };
        if (rule.alternatives.empty()) add_one(nullptr);
        for (const auto& alternative : rule.alternatives) {
            bool trivial =
                std::ranges::all_of(alternative, [&](const Comparison& one) { return is_trivial(one, arch_.width); });
            add_one(trivial ? nullptr : &alternative);
        }
    }

    // The highest number named, of the common list.
    std::optional<uint32_t> highest() const {
        std::optional<uint32_t> out;
        for (SyscallName name : policy_.named)
            if (auto number = number_of(name, arch_); number && !within(*number, arch_.special))
                out = std::max(out.value_or(0), *number);
        return out;
    }

    // Numbers above the highest one that the profile names are system calls that
    // its author couldn't know: they don't exist, as far as programs can tell,
    // and those then use the older ones (glibc: faccessat2, clone3, ...).
    std::optional<uint32_t> first_unknown() const {
        bool denies = (policy_.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
        if (!denies) return std::nullopt;
        auto top = highest();
        return top && *top != UINT32_MAX ? std::optional(*top + 1) : std::nullopt;
    }

    void push(Range range) {
        if (!out_.ranges.empty()) {
            Range& last = out_.ranges.back();
            if (last.start == range.start) {
                last = range;
                return;
            }
            if (last.action == range.action && last.count == 0 && range.count == 0) return;
        }
        out_.ranges.push_back(range);
    }

    uint32_t action_of_unnamed(uint32_t number) const {
        bool unknown = unknown_ && number >= *unknown_ && !within(number, arch_.special);
        return unknown ? uint32_t{SECCOMP_RET_ERRNO} | ENOSYS : policy_.default_action;
    }

    // Where what is said of unnamed numbers changes, up to (not including) end.
    void push_gap(uint32_t begin, uint64_t end) {
        std::array<uint64_t, 4> starts{begin, unknown_.value_or(begin), begin, begin};
        if (arch_.special.last != 0) {
            starts[2] = arch_.special.first;
            starts[3] = uint64_t{arch_.special.last} + 1;
        }
        std::ranges::sort(starts);
        for (uint64_t start : starts)
            if (start >= begin && start < end)
                push({static_cast<uint32_t>(start), action_of_unnamed(static_cast<uint32_t>(start))});
    }

    void make_ranges(uint32_t begin) {
        unknown_ = first_unknown();
        uint64_t next = begin; // not yet judged
        const auto& all = out_.conditions;
        for (size_t i = 0, end = 0; i < all.size(); i = end) {
            while (end < all.size() && all[end].number == all[i].number) ++end;
            uint32_t number = all[i].number;
            if (number > next) push_gap(static_cast<uint32_t>(next), number);
            // A rule without conditions decides, wherever it stands.
            auto always =
                std::find_if(all.begin() + static_cast<ptrdiff_t>(i), all.begin() + static_cast<ptrdiff_t>(end),
                             [](const Condition& c) { return c.always(); });
            if (always != all.begin() + static_cast<ptrdiff_t>(end))
                push({number, always->action});
            else
                push({number, policy_.default_action, static_cast<uint32_t>(i), static_cast<uint32_t>(end - i)});
            next = uint64_t{number} + 1;
        }
        if (next <= UINT32_MAX) push_gap(static_cast<uint32_t>(next), uint64_t{UINT32_MAX} + 1);
    }

    const Policy& policy_;
    const Architecture& arch_;
    std::optional<uint32_t> unknown_;
    Verdicts out_;
};

} // namespace

bool is_trivial(const Comparison& comparison, Width width) {
    uint64_t mask = width == Width::bits32 ? comparison.mask & UINT32_MAX : comparison.mask;
    return comparison.op == Comparison::Op::eq && mask == 0;
}

Verdicts judge(const Policy& policy, const Architecture& arch, uint32_t begin) {
    return Judge(policy, arch).run(begin);
}

} // namespace hull::kernel::seccomp
