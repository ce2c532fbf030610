// The parser of located_json.hpp: nlohmann's tokens, counted by line on their way in and built into Nodes.
#include "shared/config/located_json.hpp"
#include "shared/config/plain_text.hpp"
#include "shared/tls/files.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unordered_map>

namespace dl::config {
namespace {

constexpr std::size_t deepest = 64;
constexpr std::size_t largest_file = 64 << 20;

/// How far nlohmann's lexer has read.
struct Progress {
    std::size_t line = 1;
    char last = '\0';
};

/// Counts lines as the lexer consumes characters. The lexer reads one character past a number, nothing past other
/// tokens.
class CountingIterator {
public:
    using difference_type = std::ptrdiff_t;
    using value_type = char;
    using pointer = const char*;
    using reference = const char&;
    using iterator_category = std::input_iterator_tag;

    CountingIterator(const char* at, Progress* progress) : at_(at), progress_(progress) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++()
    {
        progress_->last = *at_++;
        if (progress_->last == '\n') ++progress_->line;
        return *this;
    }
    CountingIterator operator++(int)
    {
        const CountingIterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }
    friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return a.at_ != b.at_; }

private:
    const char* at_;
    Progress* progress_;
};

class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
    TreeBuilder(std::shared_ptr<const std::string> file, const Progress& progress)
        : file_(std::move(file)), progress_(progress)
    {}

    bool null() override { return put(nullptr, progress_.line); }
    bool boolean(bool value) override { return put(value, progress_.line); }
    bool number_integer(number_integer_t value) override { return put(std::int64_t{value}, line_of_number()); }
    bool number_unsigned(number_unsigned_t value) override { return put(std::uint64_t{value}, line_of_number()); }
    bool number_float(number_float_t value, const string_t&) override { return put(value, line_of_number()); }
    bool string(string_t& value) override { return put(std::move(value), progress_.line); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(Node::Object{}); }
    bool start_array(std::size_t) override { return open(Node::List{}); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override
    {
        Open& object = open_.back();
        const auto [known, is_new] = object.keys.emplace(name, progress_.line);
        if (!is_new) {
            failure = invalid_input(fmt::format("{}:{}: key '{}' stands here again, first in line {}; keep one of them",
                                                *file_, progress_.line, name, known->second));
            return false;
        }
        object.key = std::move(name);
        object.key_line = progress_.line;
        return true;
    }

    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override
    {
        // "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error while …": keep the end.
        std::string what = error.what();
        if (const std::size_t colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
        for (char& c : what)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
        failure = invalid_input(fmt::format("{}:{}: is no JSON: {}; mend it there", *file_, line_before_break(), what));
        return false;
    }

    Node root;
    Failure failure;

private:
    struct Open {
        Node node;
        std::string key;    // of the member that comes next, in an object
        std::size_t key_line = 0;
        std::unordered_map<std::string, std::size_t> keys;
    };

    [[nodiscard]] std::size_t line_before_break() const { return progress_.line - (progress_.last == '\n' ? 1 : 0); }
    [[nodiscard]] std::size_t line_of_number() const { return line_before_break(); }

    [[nodiscard]] std::string next_path() const
    {
        if (open_.empty()) return {};
        const Open& parent = open_.back();
        if (const auto* list = std::get_if<Node::List>(&parent.node.value()))
            return fmt::format("{}[{}]", parent.node.path(), list->size());
        return parent.node.path().empty() ? parent.key : parent.node.path() + '.' + parent.key;
    }

    void attach(Node node)
    {
        if (open_.empty()) {
            root = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (auto* list = std::get_if<Node::List>(&parent.node.value()))
            list->push_back(std::move(node));
        else
            std::get<Node::Object>(parent.node.value())
                .push_back({std::move(parent.key), parent.key_line, std::move(node)});
    }

    bool put(Node::Value value, std::size_t line)
    {
        attach(Node{std::move(value), file_, line, next_path()});
        return true;
    }

    bool open(Node::Value empty)
    {
        if (open_.size() == deepest) {
            failure = invalid_input(
                fmt::format("{}:{}: is nested deeper than {} levels; flatten it", *file_, progress_.line, deepest));
            return false;
        }
        Node node{std::move(empty), file_, progress_.line, next_path()};
        open_.push_back({std::move(node), {}, 0, {}});
        return true;
    }

    bool close()
    {
        Node node = std::move(open_.back().node);
        open_.pop_back();
        attach(std::move(node));
        return true;
    }

    std::shared_ptr<const std::string> file_;
    const Progress& progress_;
    std::vector<Open> open_;
};

}    // namespace

Result<Node> parse_text(std::string_view text, const std::string& name)
{
    if (const auto sound = check_utf8(text, name); !sound) return sound.error();
    Progress progress;
    TreeBuilder builder(std::make_shared<const std::string>(name), progress);
    const CountingIterator first(text.data(), &progress);
    const CountingIterator last(text.data() + text.size(), &progress);
    if (!nlohmann::json::sax_parse(first, last, &builder)) return std::move(builder.failure);
    return std::move(builder.root);
}

Result<Node> parse_file(const std::filesystem::path& file)
{
    const Result<std::string> text = tls::read_whole_file(file, largest_file);
    if (!text) return text.error();
    return parse_text(*text, file.string());
}

}    // namespace dl::config
