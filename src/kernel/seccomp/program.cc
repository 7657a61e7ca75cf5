#include "kernel/seccomp/program.h"

#include <algorithm>
#include <span>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "kernel/seccomp/assembler.h"
#include "kernel/seccomp/verdicts.h"

namespace hull::kernel::seccomp {

namespace {

using Label = Assembler::Label;

constexpr uint32_t low_half(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t high_half(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

// One architecture's part.
class Body {
public:
    Body(Assembler& out, const Verdicts& verdicts, uint32_t default_action)
        : out_(out), verdicts_(verdicts), default_action_(default_action) {}

    // Expects the number in the accumulator.
    Label search(std::span<const Range> ranges) {
        if (ranges.size() == 1) return leaf(ranges.front());
        size_t middle = ranges.size() / 2;
        Label upper = search(ranges.subspan(middle));
        Label lower = search(ranges.first(middle));
        return out_.jump_if(BPF_JGE, ranges[middle].start, upper, lower);
    }

private:
    Label leaf(const Range& range) {
        if (range.count == 0) return out_.ret(range.action);
        auto conditions = std::span(verdicts_.conditions).subspan(range.first, range.count);
        for (const Made& made : made_)
            if (std::ranges::equal(made.conditions, conditions, same)) return made.place;
        Label otherwise = out_.ret(default_action_);
        for (size_t i = conditions.size(); i-- > 0;) otherwise = write(conditions[i], otherwise);
        made_.push_back({conditions, otherwise});
        return otherwise;
    }

    static bool same(const Condition& a, const Condition& b) {
        return a.action == b.action && a.comparisons == b.comparisons && a.selector == b.selector;
    }

    Label write(const Condition& condition, Label no) {
        Label yes = out_.ret(condition.action);
        // Last comparison first.
        if (condition.comparisons) {
            const auto& all = *condition.comparisons;
            for (auto c = all.rbegin(); c != all.rend(); ++c)
                if (!(condition.selector && c->index == 0)) yes = write(*c, yes, no);
        }
        if (condition.selector) yes = write(Comparison{.value = condition.selector}, yes, no);
        return yes;
    }

    uint32_t offset_of(unsigned index, bool high) const {
        bool second = high == (verdicts_.arch->endian == Endian::little);
        return static_cast<uint32_t>(offsetof(seccomp_data, args) + index * sizeof(uint64_t) + (second ? 4 : 0));
    }

    Label write(const Comparison& c, Label yes, Label no) {
        using enum Comparison::Op;
        switch (c.op) {
        case ne: return equal(c, no, yes);
        case eq: return equal(c, yes, no);
        case gt: return above(c, BPF_JGT, yes, no);
        case ge: return above(c, BPF_JGE, yes, no);
        case lt: return above(c, BPF_JGE, no, yes);
        case le: return above(c, BPF_JGT, no, yes);
        }
        return no;
    }

    Label equal_half(uint32_t offset, uint32_t value, uint32_t mask, Label yes, Label no) {
        if (mask == 0) return yes;
        if (mask == UINT32_MAX) {
            out_.jump_if(BPF_JEQ, value, yes, no);
        } else if (value == 0) {
            out_.jump_if(BPF_JSET, mask, no, yes);
        } else {
            out_.jump_if(BPF_JEQ, value, yes, no);
            out_.bit_and(mask);
        }
        return out_.load(offset);
    }

    Label equal(const Comparison& c, Label yes, Label no) {
        yes = equal_half(offset_of(c.index, false), low_half(c.value), low_half(c.mask), yes, no);
        if (verdicts_.arch->width == Width::bits32) return yes;
        return equal_half(offset_of(c.index, true), high_half(c.value), high_half(c.mask), yes, no);
    }

    // code: how the low half decides when the high halves are equal.
    Label above(const Comparison& c, uint16_t code, Label yes, Label no) {
        out_.jump_if(code, low_half(c.value), yes, no);
        Label low = out_.load(offset_of(c.index, false));
        if (verdicts_.arch->width == Width::bits32) return low;
        Label not_above = out_.jump_if(BPF_JEQ, high_half(c.value), low, no);
        out_.jump_if(BPF_JGT, high_half(c.value), yes, not_above);
        return out_.load(offset_of(c.index, true));
    }

    struct Made {
        std::span<const Condition> conditions;
        Label place = 0;
    };
    Assembler& out_;
    const Verdicts& verdicts_;
    uint32_t default_action_;
    std::vector<Made> made_;
};

class Maker {
public:
    explicit Maker(const Policy& policy) : policy_(policy) {}

    Result<std::string> run() {
        Label otherwise = out_.ret(SECCOMP_RET_KILL_THREAD);
        struct Entry {
            uint32_t audit = 0;
            Label body = 0;
        };
        std::vector<Entry> entries;
        const auto& all = policy_.architectures;
        for (auto arch = all.rbegin(); arch != all.rend(); ++arch) {
            // Made where the first one that has it stands.
            auto same = [&](const Architecture* other) { return other->audit == (*arch)->audit; };
            if (std::find_if(arch + 1, all.rend(), same) != all.rend()) continue;
            entries.push_back({(*arch)->audit, body(**arch)});
        }
        for (const Entry& entry : entries) otherwise = out_.jump_if(BPF_JEQ, entry.audit, entry.body, otherwise);
        out_.lead_to(otherwise);
        out_.load(offsetof(seccomp_data, arch));
        if (out_.length() > BPF_MAXINSNS)
            return Error(ErrorKind::too_large, "linux.seccomp: the profile makes a program of " +
                                                   std::to_string(out_.length()) + " instructions, more than the " +
                                                   std::to_string(BPF_MAXINSNS) + " that the kernel takes");
        return out_.bytes();
    }

private:
    Label body(const Architecture& arch) {
        bool x86 = arch.column == Column::x86_64 || arch.column == Column::x32;
        out_.lead_to(x86 ? both_x86() : tree(judge(policy_, arch, 0)));
        return out_.load(offsetof(seccomp_data, nr));
    }

    Label tree(const Verdicts& verdicts) {
        return Body(out_, verdicts, policy_.default_action).search(verdicts.ranges);
    }

    const Architecture* listed(Column column) const {
        auto at = std::ranges::find(policy_.architectures, column, &Architecture::column);
        return at == policy_.architectures.end() ? nullptr : *at;
    }

    // x86-64 and x32 share an AUDIT_ARCH; a bit of the number tells them apart.
    Label both_x86() {
        Label kill = out_.ret(SECCOMP_RET_KILL_THREAD);
        Label upper = kill, lower = kill;
        const Architecture* x32 = listed(Column::x32);
        if (x32) upper = tree(judge(policy_, *x32, x32_bit));
        if (const Architecture* wide = listed(Column::x86_64)) {
            Verdicts verdicts = judge(policy_, *wide, 0);
            lower = tree(verdicts);
            // -1 is what tracers put in to have a call left out, not x32's.
            if (!x32) upper = out_.jump_if(BPF_JEQ, UINT32_MAX, out_.ret(verdicts.ranges.back().action), upper);
        }
        return out_.jump_if(BPF_JGE, x32_bit, upper, lower);
    }

    const Policy& policy_;
    Assembler out_;
};

} // namespace

Result<std::string> make_program(const Policy& policy) { return Maker(policy).run(); }

} // namespace hull::kernel::seccomp
