#include <cstring>

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "codec/tar_header.h"
#include "codec/tar_reader.h"
#include "codec/tar_writer.h"

namespace hull::tar {

void showValue(const Entry& e, std::ostream& os) { os << e.path << " type " << static_cast<char>(e.type); }

namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Item {
    Entry entry;
    std::string data; // as stored
};

// Gives a text in pieces of one size, to find faults at their borders.
class Pieces : public ChunkSource {
public:
    Pieces(std::string_view text, size_t size) : rest_(text), size_(size) {}
    Result<std::string_view> next() override {
        std::string_view piece = rest_.substr(0, size_);
        rest_.remove_prefix(piece.size());
        return piece;
    }

private:
    std::string_view rest_;
    size_t size_;
};

Result<std::vector<Item>> read_all(std::string_view text, size_t piece = 4096, ByteSink* raw = nullptr,
                                   const ReadLimits& limits = {}) {
    Pieces pieces(text, piece);
    Reader reader(pieces, raw, limits);
    std::vector<Item> items;
    Entry entry;
    for (;;) {
        bool more = TRY(reader.next(entry));
        if (!more) break;
        Item item{entry, {}};
        for (;;) {
            std::string_view data = TRY(reader.data());
            if (data.empty()) break;
            item.data += data;
        }
        items.push_back(std::move(item));
    }
    TRY(reader.drain());
    return items;
}

std::string write_all(const std::vector<Item>& items) {
    TextSink sink;
    Writer writer(sink);
    for (const Item& item : items) {
        EXPECT_TRUE(writer.add(item.entry).ok());
        EXPECT_TRUE(writer.data(item.data).ok());
    }
    EXPECT_TRUE(writer.finish().ok());
    return sink.take();
}

Item file(std::string path, std::string data) {
    Item item;
    item.entry.path = std::move(path);
    item.entry.mode = 0644;
    item.entry.size = item.entry.stored_size = data.size();
    item.data = std::move(data);
    return item;
}

// ---- properties

rc::Gen<std::string> path_gen() {
    auto part = rc::gen::nonEmpty(rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::inRange<char>('a', 'z'), rc::gen::element<char>('.', ' ', '\xc3', '=', '\n'))));
    return rc::gen::map(rc::gen::resize(12, rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(part))),
                        [](const std::vector<std::string>& parts) {
                            std::string path;
                            for (const std::string& p : parts) path += (path.empty() ? "" : "/") + p;
                            return path;
                        });
}

rc::Gen<Item> item_gen() {
    return rc::gen::exec([] {
        Item item;
        Entry& e = item.entry;
        e.path = *path_gen();
        e.type = *rc::gen::element(Type::file, Type::hard_link, Type::symlink, Type::char_device, Type::block_device,
                                   Type::directory, Type::fifo);
        e.mode = *rc::gen::inRange(0U, 010000U);
        e.uid = *rc::gen::oneOf(rc::gen::inRange(0U, 70000U), rc::gen::inRange(0U, 0xfffffffeU));
        e.gid = *rc::gen::oneOf(rc::gen::inRange(0U, 70000U), rc::gen::inRange(0U, 0xfffffffeU));
        e.mtime = *rc::gen::inRange<int64_t>(-2000000000, 20000000000);
        e.mtime_ns = *rc::gen::element(0U, 1U, 500000000U, 999999999U);
        if (e.type == Type::symlink || e.type == Type::hard_link) e.link_target = *path_gen();
        if (e.type == Type::char_device || e.type == Type::block_device) {
            e.device_major = *rc::gen::inRange(0U, 4096U);
            e.device_minor = *rc::gen::inRange(0U, 1048576U);
        }
        auto names = *rc::gen::resize(3, rc::gen::arbitrary<std::set<uint8_t>>());
        for (uint8_t n : names)
            e.xattrs.emplace_back("user.a" + std::to_string(1000 + n), *rc::gen::arbitrary<std::string>());
        if (e.type == Type::file) {
            item.data = *rc::gen::arbitrary<std::string>();
            e.size = e.stored_size = item.data.size();
            if (*rc::gen::inRange(0, 3) == 0 && !item.data.empty()) {
                e.sparse = true;
                uint64_t cut = *rc::gen::inRange<uint64_t>(0, item.data.size());
                if (cut > 0) e.segments.push_back({4096, cut});
                e.segments.push_back({1'000'000, item.data.size() - cut});
                e.size = 2'000'000;
            }
        }
        return item;
    });
}

void expect_same(const Item& a, const Item& b) {
    RC_ASSERT(a.entry.path == b.entry.path);
    RC_ASSERT(a.entry.link_target == b.entry.link_target);
    RC_ASSERT(a.entry.type == b.entry.type);
    RC_ASSERT(a.entry.mode == b.entry.mode);
    RC_ASSERT(a.entry.uid == b.entry.uid);
    RC_ASSERT(a.entry.gid == b.entry.gid);
    RC_ASSERT(a.entry.mtime == b.entry.mtime);
    RC_ASSERT(a.entry.mtime_ns == b.entry.mtime_ns);
    RC_ASSERT(a.entry.size == b.entry.size);
    RC_ASSERT(a.entry.device_major == b.entry.device_major);
    RC_ASSERT(a.entry.device_minor == b.entry.device_minor);
    RC_ASSERT(a.entry.xattrs == b.entry.xattrs);
    RC_ASSERT(a.entry.sparse == b.entry.sparse);
    RC_ASSERT(a.entry.segments == b.entry.segments);
    RC_ASSERT(a.data == b.data);
}

TEST(Tar, ReadingGivesBackWhatWasWritten) {
    EXPECT_TRUE(rc::check("read(write(t)) == t", [] {
        auto items = *rc::gen::container<std::vector<Item>>(item_gen());
        std::string text = write_all(items);
        RC_ASSERT(text == write_all(items)); // deterministic
        auto back = read_all(text, *rc::gen::element<size_t>(1, 511, 512, 4096));
        RC_ASSERT(back.ok());
        RC_ASSERT(back->size() == items.size());
        for (size_t i = 0; i < items.size(); ++i) expect_same(items[i], (*back)[i]);
    }));
}

TEST(Tar, NoPrefixOfAnArchiveAndNoDamagedByteIsMoreThanAnError) {
    EXPECT_TRUE(rc::check("damaged archives", [] {
        std::string text = write_all(*rc::gen::container<std::vector<Item>>(item_gen()));
        std::string cut = text.substr(0, *rc::gen::inRange<size_t>(0, text.size()));
        (void)read_all(cut).ok();
        text[*rc::gen::inRange<size_t>(0, text.size())] ^= *rc::gen::inRange(1, 128);
        (void)read_all(text).ok();
    }));
}

TEST(Tar, RawBytesAndDataTogetherAreTheArchive) {
    std::string text =
        write_all({file("a", std::string(700, 'x')), file(std::string(300, 'n'), "tiny"), file("e", "")});
    text += std::string(10240, '\0');
    TextSink raw;
    auto items = read_all(text, 100, &raw);
    ASSERT_TRUE(items.ok());
    size_t data = 0;
    for (const Item& item : *items) data += item.data.size();
    EXPECT_EQ(raw.text().size() + data, text.size());
}

// ---- libarchive as the oracle

struct ArchiveFree {
    void operator()(archive* a) const { archive_read_free(a); }
};

TEST(Tar, LibarchiveReadsWhatWeWrite) {
    Item link = file("link", "");
    link.entry.type = Type::symlink;
    link.entry.link_target = std::string(150, 't');
    Item deep = file(std::string(90, 'a') + "/" + std::string(99, 'b'), "deep");
    Item odd = file("caf\xc3\xa9", "odd");
    odd.entry.uid = 3'000'000'000;
    odd.entry.mtime = 1'700'000'000;
    odd.entry.mtime_ns = 123'456'789;
    odd.entry.xattrs = {{"user.k", std::string("v\0w", 3)}};
    Item sparse = file("sparse", "headtail");
    sparse.entry.sparse = true;
    sparse.entry.size = 1 << 20;
    sparse.entry.segments = {{0, 4}, {(1 << 20) - 4, 4}};
    std::string text = write_all({link, deep, odd, sparse});

    std::unique_ptr<archive, ArchiveFree> a(archive_read_new());
    archive_read_support_format_tar(a.get());
    ASSERT_EQ(archive_read_open_memory(a.get(), text.data(), text.size()), ARCHIVE_OK);
    archive_entry* e = nullptr;
    ASSERT_EQ(archive_read_next_header(a.get(), &e), ARCHIVE_OK);
    EXPECT_EQ(archive_entry_symlink(e), link.entry.link_target);
    ASSERT_EQ(archive_read_next_header(a.get(), &e), ARCHIVE_OK);
    EXPECT_EQ(archive_entry_pathname(e), deep.entry.path);
    ASSERT_GE(archive_read_next_header(a.get(), &e), ARCHIVE_WARN); // its name isn't one of the C locale
    EXPECT_EQ(archive_entry_uid(e), 3'000'000'000);
    EXPECT_EQ(archive_entry_mtime_nsec(e), 123'456'789);
    EXPECT_EQ(archive_entry_xattr_reset(e), 1);
    ASSERT_EQ(archive_read_next_header(a.get(), &e), ARCHIVE_OK);
    EXPECT_STREQ(archive_entry_pathname(e), "sparse");
    EXPECT_EQ(archive_entry_size(e), 1 << 20);
    std::string whole(1 << 20, '?');
    EXPECT_EQ(archive_read_data(a.get(), whole.data(), whole.size()), 1 << 20);
    EXPECT_EQ(whole.substr(0, 5), std::string("head\0", 5));
    EXPECT_EQ(whole.substr((1 << 20) - 5), std::string("\0tail", 5));
    EXPECT_EQ(archive_read_next_header(a.get(), &e), ARCHIVE_EOF);
}

struct WriteFree {
    void operator()(archive* a) const { archive_write_free(a); }
};
struct EntryFree {
    void operator()(archive_entry* e) const { archive_entry_free(e); }
};

std::string by_libarchive(int format, bool sparse) {
    std::string out(1 << 20, '\0');
    size_t used = 0;
    std::unique_ptr<archive, WriteFree> a(archive_write_new());
    archive_write_set_format(a.get(), format);
    archive_write_add_filter_none(a.get());
    EXPECT_EQ(archive_write_open_memory(a.get(), out.data(), out.size(), &used), ARCHIVE_OK);
    std::unique_ptr<archive_entry, EntryFree> e(archive_entry_new());
    std::string path = std::string(60, 'd') + "/" + std::string(90, 'f');
    archive_entry_set_pathname(e.get(), path.c_str());
    archive_entry_set_filetype(e.get(), AE_IFREG);
    archive_entry_set_perm(e.get(), 04755);
    archive_entry_set_uid(e.get(), 1000);
    archive_entry_set_mtime(e.get(), 1'600'000'000, 0);
    archive_entry_set_size(e.get(), 100'000);
    std::string data(100'000, '\0');
    data.replace(50'000, 5, "hello");
    if (sparse) archive_entry_sparse_add_entry(e.get(), 49'152, 4096);
    EXPECT_EQ(archive_write_header(a.get(), e.get()), ARCHIVE_OK);
    EXPECT_EQ(archive_write_data(a.get(), data.data(), data.size()), 100'000);
    archive_write_close(a.get());
    out.resize(used);
    return out;
}

TEST(Tar, WeReadWhatLibarchiveWrites) {
    for (int format : {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FORMAT_TAR_GNUTAR}) {
        auto items = read_all(by_libarchive(format, false));
        ASSERT_TRUE(items.ok()) << items.error().message();
        ASSERT_THAT(*items, SizeIs(1));
        const Entry& e = items->front().entry;
        EXPECT_EQ(e.path, std::string(60, 'd') + "/" + std::string(90, 'f'));
        EXPECT_EQ(e.mode, 04755U);
        EXPECT_EQ(e.uid, 1000U);
        EXPECT_EQ(e.mtime, 1'600'000'000);
        EXPECT_EQ(items->front().data.substr(50'000, 5), "hello");
    }
}

TEST(Tar, ReadsSparseFilesOfPax1_0) {
    auto items = read_all(by_libarchive(ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, true));
    ASSERT_TRUE(items.ok()) << items.error().message();
    const Item& item = items->front();
    EXPECT_TRUE(item.entry.sparse);
    EXPECT_EQ(item.entry.size, 100'000U);
    EXPECT_THAT(item.entry.segments, ::testing::ElementsAre(Segment{49'152, 4096}));
    EXPECT_EQ(item.data.substr(50'000 - 49'152, 5), "hello");
}

// ---- dialects and malice, made by hand

struct Header {
    std::string block = std::string(512, '\0');
    Header(std::string_view name, char type, uint64_t size) {
        block.replace(0, name.size(), name);
        print_octal(block.data() + at::mode.offset, 8, 0644);
        print_octal(block.data() + at::size.offset, 12, size);
        block[at::type.offset] = type;
        block.replace(at::magic.offset, 8, std::string_view("ustar  \0", 8));
    }
    std::string done() {
        print_octal(block.data() + at::checksum.offset, 7, static_cast<uint64_t>(checksums(block).unsigned_sum));
        block[at::checksum.offset + 7] = ' ';
        return block;
    }
};

std::string padded(std::string text) {
    text.append((512 - text.size() % 512) % 512, '\0');
    return text;
}

TEST(Tar, ReadsGnuLongNamesAndLinks) {
    std::string name(500, 'n'), target(600, 't');
    std::string text = Header("././@LongLink", 'L', 501).done() + padded(name + std::string(1, '\0')) +
                       Header("././@LongLink", 'K', 601).done() + padded(target + std::string(1, '\0')) +
                       Header("short", '2', 0).done();
    auto items = read_all(text); // and no end mark: as Go, taken for the end
    ASSERT_TRUE(items.ok()) << items.error().message();
    EXPECT_EQ(items->front().entry.path, name);
    EXPECT_EQ(items->front().entry.link_target, target);
}

TEST(Tar, ReadsOldGnuSparseFilesWithContinuedMaps) {
    Header h("s", 'S', 6);
    auto pair = [](std::string& block, size_t at, uint64_t offset, uint64_t length) {
        print_octal(block.data() + at, 12, offset);
        print_octal(block.data() + at + 12, 12, length);
    };
    for (size_t i = 0; i < 4; ++i) pair(h.block, at::sparse_map.offset + 24 * i, i * 1000, 1);
    h.block[at::sparse_more.offset] = 1;
    print_octal(h.block.data() + at::sparse_size.offset, 12, 10'000);
    std::string more(512, '\0');
    pair(more, 0, 5000, 2);
    pair(more, 24, 10'000, 0);
    std::string text = h.done() + more + padded("abcdef") + Header("next", '0', 0).done();
    auto items = read_all(text, 7);
    ASSERT_TRUE(items.ok()) << items.error().message();
    EXPECT_EQ(items->front().entry.size, 10'000U);
    EXPECT_THAT(items->front().entry.segments, ::testing::ElementsAre(Segment{0, 1}, Segment{1000, 1}, Segment{2000, 1},
                                                                      Segment{3000, 1}, Segment{5000, 2}));
    EXPECT_EQ(items->front().data, "abcdef");
    EXPECT_EQ(items->back().entry.path, "next");
}

std::string pax(std::initializer_list<std::pair<std::string_view, std::string_view>> records) {
    std::string text;
    for (const auto& [key, value] : records) text += print_pax_record(key, value);
    return Header("pax", 'x', text.size()).done() + padded(text);
}

TEST(Tar, ReadsSparseFilesOfPax0_0And0_1) {
    for (const std::string& extension :
         {pax({{"GNU.sparse.size", "100"},
               {"GNU.sparse.numblocks", "2"},
               {"GNU.sparse.offset", "10"},
               {"GNU.sparse.numbytes", "2"},
               {"GNU.sparse.offset", "50"},
               {"GNU.sparse.numbytes", "1"}}),
          pax({{"GNU.sparse.name", "real"}, {"GNU.sparse.size", "100"}, {"GNU.sparse.map", "10,2,50,1"}})}) {
        auto items = read_all(extension + Header("real", '0', 3).done() + padded("abc"));
        ASSERT_TRUE(items.ok()) << items.error().message();
        EXPECT_EQ(items->front().entry.path, "real");
        EXPECT_EQ(items->front().entry.size, 100U);
        EXPECT_THAT(items->front().entry.segments, ::testing::ElementsAre(Segment{10, 2}, Segment{50, 1}));
    }
}

TEST(Tar, ReadsBase256Numbers) {
    Header h("f", '0', 0);
    h.block.replace(at::uid.offset, 8, std::string("\x80\0\0\0\x12\x34\x56\x78", 8));
    h.block.replace(at::mtime.offset, 12, std::string(11, '\xff') + "\xfe");
    auto items = read_all(h.done());
    ASSERT_TRUE(items.ok());
    EXPECT_EQ(items->front().entry.uid, 0x12345678U);
    EXPECT_EQ(items->front().entry.mtime, -2);
}

struct Malice {
    const char* what;
    std::string text;
    const char* message;
};

class MaliciousTar : public ::testing::TestWithParam<Malice> {};

TEST_P(MaliciousTar, IsRefused) {
    auto items = read_all(GetParam().text);
    ASSERT_FALSE(items.ok());
    EXPECT_THAT(items.error().message(), HasSubstr(GetParam().message));
}

std::string with_field(FieldAt where, std::string_view bytes, char type = '0') {
    Header h("f", type, 0);
    h.block.replace(where.offset, bytes.size(), bytes);
    return h.done();
}

INSTANTIATE_TEST_SUITE_P(
    Inputs, MaliciousTar,
    ::testing::Values(
        Malice{"checksum", std::string(512, 'x'), "checksum"},
        Malice{"truncated header", Header("f", '0', 0).done().substr(0, 300), "unexpected EOF"},
        Malice{"truncated data", Header("f", '0', 600).done() + "abc", "unexpected EOF"},
        Malice{"negative size", with_field(at::size, std::string(12, '\xff')), "negative size"},
        Malice{"size beyond 63 bits", with_field(at::size, "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "size"},
        Malice{"uid -1", with_field(at::uid, std::string("\x80\0\0\0\xff\xff\xff\xff", 8)), "uid is out of range"},
        Malice{"uid 2^32", with_field(at::uid, std::string("\x80\0\0\x01\0\0\0\0", 8)), "uid is out of range"},
        Malice{"digits", with_field(at::mode, "99999999"), "mode is not a number"},
        Malice{"unknown type", with_field(at::gid, "", 'Q'), "not supported"},
        Malice{"no name", Header("", '0', 0).done(), "without a name"},
        Malice{"pax length", Header("p", 'x', 10).done() + padded("99 path=x\n"), "wrong length"},
        Malice{"pax without key", Header("p", 'x', 6).done() + padded("6 =xx\n"), "no key"},
        Malice{"pax size", pax({{"size", "-5"}}) + Header("f", '0', 0).done(), "pax size"},
        Malice{"pax uid", pax({{"uid", "4294967295"}}) + Header("f", '0', 0).done(), "out of range"},
        Malice{"pax NUL", pax({{"path", std::string_view("a\0b", 3)}}) + Header("f", '0', 0).done(), "NUL"},
        Malice{"pax too long", Header("p", 'x', (uint64_t{1} << 33) - 1).done(), "extended header"},
        Malice{"long name too long", Header("p", 'L', (uint64_t{1} << 33) - 1).done(), "extended header"},
        Malice{"sparse out of range",
               pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.map", "8,3"}}) + Header("f", '0', 3).done() + padded("abc"),
               "out of order or range"},
        Malice{"sparse overlap",
               pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.map", "0,2,1,1"}}) + Header("f", '0', 3).done() +
                   padded("abc"),
               "out of order or range"},
        Malice{"sparse sum",
               pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.map", "0,2"}}) + Header("f", '0', 3).done() + padded("abc"),
               "doesn't match"},
        Malice{"sparse odd",
               pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.map", "0,2,5"}}) + Header("f", '0', 2).done() +
                   padded("ab"),
               "within a pair"},
        Malice{"sparse 1.0 count",
               pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.realsize", "10"}}) +
                   Header("f", '0', 512).done() + padded("99999999999\n"),
               "too many segments"},
        Malice{"device", with_field(at::device_major, "7777777", '3'), "device number"},
        Malice{"zeros within", std::string(512, '\0') + Header("f", '0', 0).done(), "zeros within"}),
    [](const auto& info) {
        std::string name = info.param.what;
        for (char& c : name)
            if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
        return name;
    });

TEST(Tar, PaxTimesAreRoundedDown) {
    EXPECT_EQ(parse_pax_time("-1.25")->seconds, -2);
    EXPECT_EQ(parse_pax_time("-1.25")->ns, 750'000'000U);
    EXPECT_EQ(print_pax_time({-2, 750'000'000}), "-1.25");
    EXPECT_EQ(parse_pax_time("12.0000000019")->ns, 1U);
    EXPECT_FALSE(parse_pax_time("x"));
    EXPECT_FALSE(parse_pax_time("1.x"));
}

TEST(TarWriter, RefusesDataThatDoesNotFitTheHeader) {
    TextSink sink;
    Writer writer(sink);
    ASSERT_TRUE(writer.add(file("a", "abc").entry).ok());
    EXPECT_FALSE(writer.data("abcd").ok());
    ASSERT_TRUE(writer.data("ab").ok());
    EXPECT_FALSE(writer.finish().ok());
}

} // namespace
} // namespace hull::tar
