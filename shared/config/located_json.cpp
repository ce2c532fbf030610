#include "shared/config/located_json.hpp"

#include "shared/config/nearest_word.hpp"

#include <fmt/format.h>

#include <limits>

namespace dl::config {

Node::Node() : file_(std::make_shared<const std::string>()) {}
Node::Node(Value value, std::shared_ptr<const std::string> file, std::size_t line, std::string path)
    : value_(std::move(value)), file_(std::move(file)), line_(line), path_(std::move(path))
{}
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

std::string_view Node::type_name() const
{
    static constexpr std::string_view names[] = {"null",     "a boolean", "a number", "a number",
                                                 "a number", "text",      "a list",   "an object"};
    return names[value_.index()];
}

Failure Node::wrong(std::string_view what) const
{
    if (path_.empty()) return invalid_input(fmt::format("{}:{}: {}", *file_, line_, what));
    return invalid_input(fmt::format("{}:{}: {}: {}", *file_, line_, path_, what));
}

Result<std::string> Node::as_text() const
{
    if (const auto* text = std::get_if<std::string>(&value_)) return *text;
    return wrong(fmt::format("must be text in quotes, but is {}", type_name()));
}

Result<bool> Node::as_boolean() const
{
    if (const auto* flag = std::get_if<bool>(&value_)) return *flag;
    return wrong(fmt::format("must be true or false, but is {}", type_name()));
}

Result<std::int64_t> Node::as_integer() const
{
    if (const auto* number = std::get_if<std::int64_t>(&value_)) return *number;
    if (const auto* number = std::get_if<std::uint64_t>(&value_)) {
        if (*number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return static_cast<std::int64_t>(*number);
        return wrong("is too large; give a smaller number");
    }
    if (std::holds_alternative<double>(value_)) return wrong("must be a whole number without fraction or exponent");
    return wrong(fmt::format("must be a whole number, but is {}", type_name()));
}

Result<std::uint64_t> Node::as_unsigned() const
{
    if (const auto* number = std::get_if<std::uint64_t>(&value_)) return *number;
    const Result<std::int64_t> number = as_integer();
    if (!number) return number.error();
    if (*number < 0) return wrong("must not be negative");
    return static_cast<std::uint64_t>(*number);
}

Result<double> Node::as_number() const
{
    if (const auto* number = std::get_if<double>(&value_)) return *number;
    if (const auto* number = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*number);
    if (const auto* number = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*number);
    return wrong(fmt::format("must be a number, but is {}", type_name()));
}

Result<std::span<const Node>> Node::as_list() const
{
    if (const auto* list = std::get_if<List>(&value_)) return std::span<const Node>(*list);
    return wrong(fmt::format("must be a list [ … ], but is {}", type_name()));
}

Result<std::span<const Member>> Node::as_object() const
{
    if (const auto* object = std::get_if<Object>(&value_)) return std::span<const Member>(*object);
    return wrong(fmt::format("must be an object {{ … }}, but is {}", type_name()));
}

Result<std::vector<std::string>> Node::as_texts() const
{
    const Result<std::span<const Node>> items = as_list();
    if (!items) return items.error();
    std::vector<std::string> texts;
    texts.reserve(items->size());
    for (const Node& item : *items) {
        Result<std::string> text = item.as_text();
        if (!text) return text.error();
        texts.push_back(std::move(*text));
    }
    return texts;
}

const Node* Node::find(std::string_view key) const
{
    const auto* object = std::get_if<Object>(&value_);
    if (!object) return nullptr;
    for (const Member& member : *object)
        if (member.key == key) return &member.node;
    return nullptr;
}

Result<const Node*> Node::require(std::string_view key) const
{
    const Result<std::span<const Member>> object = as_object();
    if (!object) return object.error();
    if (const Node* node = find(key)) return node;
    return wrong(fmt::format("'{}' is missing; add it", key));
}

Result<std::string> Node::text(std::string_view key) const
{
    const Result<const Node*> node = require(key);
    return node ? (*node)->as_text() : node.error();
}

Result<std::uint64_t> Node::unsigned_integer(std::string_view key) const
{
    const Result<const Node*> node = require(key);
    return node ? (*node)->as_unsigned() : node.error();
}

Result<bool> Node::boolean(std::string_view key) const
{
    const Result<const Node*> node = require(key);
    return node ? (*node)->as_boolean() : node.error();
}

Result<std::span<const Node>> Node::list(std::string_view key) const
{
    const Result<const Node*> node = require(key);
    return node ? (*node)->as_list() : node.error();
}

Result<std::vector<std::string>> Node::texts(std::string_view key) const
{
    const Result<const Node*> node = require(key);
    return node ? (*node)->as_texts() : node.error();
}

Result<std::string> Node::text_or(std::string_view key, std::string_view absent) const
{
    const Node* node = find(key);
    return node ? node->as_text() : std::string(absent);
}

Result<bool> Node::boolean_or(std::string_view key, bool absent) const
{
    const Node* node = find(key);
    return node ? node->as_boolean() : absent;
}

Result<std::vector<std::string>> Node::texts_or_none(std::string_view key) const
{
    const Node* node = find(key);
    return node ? node->as_texts() : std::vector<std::string>{};
}

Result<void> Node::only_keys(std::span<const std::string_view> known) const
{
    const Result<std::span<const Member>> object = as_object();
    if (!object) return object.error();
    for (const Member& member : *object) {
        if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
        const std::string where = path_.empty() ? "" : path_ + ": ";
        if (const auto nearest = nearest_word(member.key, known))
            return invalid_input(fmt::format("{}:{}: {}unknown key '{}'; did you mean '{}'?", *file_, member.line,
                                             where, member.key, *nearest));
        return invalid_input(fmt::format("{}:{}: {}unknown key '{}'; remove it, or use one of: {}", *file_, member.line,
                                         where, member.key, fmt::join(known, ", ")));
    }
    return {};
}

}    // namespace dl::config
