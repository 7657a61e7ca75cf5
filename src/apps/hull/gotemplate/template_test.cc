#include "apps/hull/gotemplate/template.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace hull::gotemplate {
namespace {

std::string run(std::string_view text, std::string_view json = "{}", const Options& options = {}) {
    auto parsed = Template::parse(text);
    if (!parsed.ok()) return "error: " + parsed.error().message();
    auto out = parsed->execute(boost::json::parse(json), options);
    return out.ok() ? *out : "error: " + out.error().message();
}

TEST(Template, PrintsTextAndFields) {
    EXPECT_EQ(run("id={{.ID}} up={{ .State.Up }}\n", R"({"ID":"ab","State":{"Up":true}})"), "id=ab up=true\n");
    EXPECT_EQ(run("{{.}}", R"({"b":[1,2],"a":null})"), "map[a:<nil> b:[1 2]]");
    EXPECT_EQ(run("{{.N}} {{.F}}", R"({"N":12345678901,"F":0.25})"), "12345678901 0.25");
}

TEST(Template, MissingFieldIsAnErrorUnlessInAMap) {
    EXPECT_EQ(run("{{.Nope}}"), "error: template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\"");
    EXPECT_EQ(run("{{.Labels.x}}", R"({"Labels":{"a":"b"}})"), "<no value>");
    EXPECT_EQ(run("{{.Nope}}", "{}", {.missing = Options::Missing::no_value}), "<no value>");
}

TEST(Template, AbsentListsAndMapsPrintEmpty) {
    EXPECT_EQ(run("{{.Entrypoint}}{{.Labels}}{{.PidsLimit}}", R"({"Entrypoint":null,"Labels":null,"PidsLimit":null})"),
              "[]map[]<nil>");
}

TEST(Template, RangeOverListsAndMaps) {
    EXPECT_EQ(run("{{range .L}}<{{.}}>{{end}}", R"({"L":["a","b"]})"), "<a><b>");
    EXPECT_EQ(run("{{range $i, $v := .L}}{{$i}}={{$v}} {{end}}", R"({"L":["a","b"]})"), "0=a 1=b ");
    EXPECT_EQ(run("{{range $k, $v := .M}}{{$k}}={{$v.x}};{{end}}", R"({"M":{"b":{"x":2},"a":{"x":1}}})"), "a=1;b=2;");
    EXPECT_EQ(run("{{range .L}}x{{else}}none{{end}}", R"({"L":[]})"), "none");
    EXPECT_EQ(run("{{range .L}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}", R"({"L":[1,2,3]})"), "1");
}

TEST(Template, IfElseChainsAndWith) {
    const char* text = "{{if eq .S \"a\"}}A{{else if eq .S \"b\"}}B{{else}}C{{end}}";
    EXPECT_EQ(run(text, R"({"S":"a"})"), "A");
    EXPECT_EQ(run(text, R"({"S":"b"})"), "B");
    EXPECT_EQ(run(text, R"({"S":"c"})"), "C");
    EXPECT_EQ(run("{{with .X}}{{.Y}}{{else}}-{{end}}", R"({"X":{"Y":1}})"), "1");
    EXPECT_EQ(run("{{with .X}}{{.Y}}{{else}}-{{end}}", R"({"X":null})"), "-");
}

TEST(Template, Functions) {
    EXPECT_EQ(run("{{json .}}", R"({"a":[1,"<x>"]})"), R"({"a":[1,"<x>"]})");
    EXPECT_EQ(run("{{index .Labels \"a.b\"}}|{{index .Labels \"none\"}}", R"({"Labels":{"a.b":"v"}})"), "v|");
    EXPECT_EQ(run("{{index .L 1}}", R"({"L":["a","b"]})"), "b");
    EXPECT_EQ(run("{{(index .P 0).Port}}", R"({"P":[{"Port":80}]})"), "80");
    EXPECT_EQ(run("{{join .L \",\"}} {{upper \"x\"}}{{lower \"Y\"}} {{title \"ab cd\"}}", R"({"L":["a","b"]})"),
              "a,b Xy Ab Cd");
    EXPECT_EQ(run("{{index (split .S \":\") 1}}", R"({"S":"a:b"})"), "b");
    EXPECT_EQ(run("{{len .L}} {{truncate .S 3}}|{{pad \"x\" 1 2}}|", R"({"L":[1,2,3],"S":"abcdef"})"), "3 abc| x  |");
    EXPECT_EQ(run("{{and true false}}{{or 0 \"x\"}}{{not true}}{{ne 1 2}}{{lt 1 2}}{{ge 1 2}}"),
              "falsexfalsetruetruefalse");
    EXPECT_EQ(run("{{println .A .B}}", R"({"A":1,"B":"x"})"), "1 x\n");
    EXPECT_EQ(run("{{slice \"abcdef\" 1 3}}"), "bc");
}

TEST(Template, Printf) {
    EXPECT_EQ(run("{{printf \"%-5s|%5d|%05d|%q|%v|%x\" \"ab\" 42 7 \"q\" true 255}}"),
              "ab   |   42|00007|\"q\"|true|ff");
    EXPECT_EQ(run("{{printf \"%.2f %5.1f%%\" .F .F}}", R"({"F":3.14159})"), "3.14   3.1%");
    EXPECT_EQ(run("{{printf \"%d\" \"x\"}}{{printf \"%s\"}}"), "%!d(string=x)%!s(MISSING)");
    EXPECT_EQ(run("{{.S | printf \"%.3s\"}}", R"({"S":"abcdef"})"), "abc");
}

TEST(Template, PipelinesAndVariables) {
    EXPECT_EQ(run("{{.S | upper | printf \"%s-%s\" \"a\"}}", R"({"S":"x"})"), "a-X");
    EXPECT_EQ(run("{{$x := .S}}{{if true}}{{$x = \"new\"}}{{end}}{{$x}}{{$.S}}", R"({"S":"old"})"), "newold");
}

TEST(Template, TrimMarkersAndComments) {
    EXPECT_EQ(run("a  {{- /* c */ -}}  b {{/* d */}}c"), "ab c");
    EXPECT_EQ(run("x {{- \"y\" -}} z"), "xyz");
}

TEST(Template, MethodsOfTheRoot) {
    Options options;
    options.method = [](std::string_view name, std::span<const Value> arguments) -> std::optional<Value> {
        if (name != "Label" || arguments.size() != 1) return std::nullopt;
        return Value("<" + std::string(arguments[0].get_string()) + ">");
    };
    EXPECT_EQ(run("{{.Label \"k\"}}", "{}", options), "<k>");
}

TEST(Template, HeaderModeKeepsTheNames) {
    EXPECT_EQ(run("{{json .ID}}\t{{upper .N}}", R"({"ID":"CONTAINER ID","N":"Names"})", {.header = true}),
              "CONTAINER ID\tNames");
}

TEST(Template, ReportsBadTemplates) {
    EXPECT_EQ(run("{{.A"), "error: template: :1: unclosed action");
    EXPECT_EQ(run("{{foo .}}"), "error: template: :1: function \"foo\" not defined");
    EXPECT_EQ(run("{{if .}}x"), "error: template: :1: unexpected EOF");
    EXPECT_EQ(run("{{end}}"), "error: template: :1: unexpected {{end}}");
    EXPECT_EQ(run("{{}}"), "error: template: :1: missing value for command");
    EXPECT_EQ(run("{{template \"x\"}}"), "error: template: :1: {{template}} is not supported");
    EXPECT_EQ(run("{{\"abc}}"), "error: template: :1: unterminated quoted string");
}

} // namespace
} // namespace hull::gotemplate
