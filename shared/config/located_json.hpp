// A JSON file (RFC 8259) in which every value knows its file, line and path, so that whoever reads a configuration,
// catalogue or policy can say where it is wrong. Stricter than the RFC: a key occurs once, nesting ends at 64.
//
//   Result<Node> file = parse_file(path);
//   if (!file) return file.error();
//   Result<std::string> name = file->text("name");          // required member of that type
//   for (const Node& host : *file->list("hosts")) …
//   if (const Node* note = file->find("note")) …             // optional member
//   Result<void> known = file->only_keys({"name", "hosts", "note"});
#pragma once

#include "shared/base/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dl::config {

struct Member;

/// One value. Copies are deep; a reference or span taken from a node lives as long as the node does.
class Node {
public:
    using List = std::vector<Node>;
    using Object = std::vector<Member>;    ///< in the order of the file
    using Value = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, List, Object>;

    Node();
    Node(Value value, std::shared_ptr<const std::string> file, std::size_t line, std::string path);
    Node(const Node&);
    Node(Node&&) noexcept;
    Node& operator=(const Node&);
    Node& operator=(Node&&) noexcept;
    ~Node();

    [[nodiscard]] const std::string& file() const { return *file_; }
    [[nodiscard]] std::size_t line() const { return line_; }    ///< counted from 1
    [[nodiscard]] const std::string& path() const
    {
        return path_;
    }    ///< "agents.listen", "services[3].hosts"; "" at the top
    [[nodiscard]] const Value& value() const { return value_; }
    [[nodiscard]] Value& value() { return value_; }
    /// "an object", "text", "a number" …: for messages.
    [[nodiscard]] std::string_view type_name() const;

    /// "FILE:LINE: PATH: WHAT": `what` says what is wrong and what to do.
    [[nodiscard]] Failure wrong(std::string_view what) const;

    // The value itself, where it is of that type; else a failure naming file, line, key and both types.
    [[nodiscard]] Result<std::string> as_text() const;
    [[nodiscard]] Result<bool> as_boolean() const;
    [[nodiscard]] Result<std::int64_t> as_integer() const;      ///< no fraction, fits 64 bits
    [[nodiscard]] Result<std::uint64_t> as_unsigned() const;    ///< the same, not negative
    [[nodiscard]] Result<double> as_number() const;
    [[nodiscard]] Result<std::span<const Node>> as_list() const;
    [[nodiscard]] Result<std::span<const Member>> as_object() const;
    [[nodiscard]] Result<std::vector<std::string>> as_texts() const;    ///< a list of text

    /// The member with that key; null where there is none, or where this is no object.
    [[nodiscard]] const Node* find(std::string_view key) const;
    /// The member with that key; a failure where there is none.
    [[nodiscard]] Result<const Node*> require(std::string_view key) const;

    // require() and as_…() in one.
    [[nodiscard]] Result<std::string> text(std::string_view key) const;
    [[nodiscard]] Result<std::uint64_t> unsigned_integer(std::string_view key) const;
    [[nodiscard]] Result<bool> boolean(std::string_view key) const;
    [[nodiscard]] Result<std::span<const Node>> list(std::string_view key) const;
    [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view key) const;
    // find() and as_…() in one: the default where the member is absent; a failure where it has another type.
    [[nodiscard]] Result<std::string> text_or(std::string_view key, std::string_view absent) const;
    [[nodiscard]] Result<bool> boolean_or(std::string_view key, bool absent) const;
    [[nodiscard]] Result<std::vector<std::string>> texts_or_none(std::string_view key) const;

    /// A failure at the first member that is not among `known`, with the nearest known key; also where this is no
    /// object.
    [[nodiscard]] Result<void> only_keys(std::span<const std::string_view> known) const;
    [[nodiscard]] Result<void> only_keys(std::initializer_list<std::string_view> known) const
    {
        return only_keys(std::span<const std::string_view>(known.begin(), known.size()));
    }

private:
    Value value_;
    std::shared_ptr<const std::string> file_;
    std::size_t line_ = 0;
    std::string path_;
};

struct Member {
    std::string key;
    std::size_t line = 0;    ///< of the key
    Node node;
};

/// `name` stands for the file in messages. Text after the value, comments and duplicate keys are failures.
[[nodiscard]] Result<Node> parse_text(std::string_view text, const std::string& name);
/// The same from a file of up to 64 MiB.
[[nodiscard]] Result<Node> parse_file(const std::filesystem::path& file);

}    // namespace dl::config
