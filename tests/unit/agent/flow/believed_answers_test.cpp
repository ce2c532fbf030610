// Which DNS answers explain connections: those to questions that were seen.
#include "tests/unit/agent/flow/flow_tables.hpp"

namespace dl::agent::flow {
namespace {

const Host resolver{octets({192, 0, 2, 53}), 53};
const Host asking{client.address, 5000};

class BelievedAnswers : public FlowTables {
protected:
    void both_directions_are_seen() { look_up("first.example"); }
    void ask(std::string_view name) { see(udp_frame(asking, resolver, dns_query(name))); }
    void tell(const Data& answer, const Host& from = resolver, const Host& to = asking)
    {
        see(udp_frame(from, to, answer));
    }
    /// The name by which a connection to `address` is known.
    std::string name_of(const Data& address)
    {
        sink_.shares.clear();
        see(tcp_frame(client, {address, 9999}, 100, 0, 2));
        table_.finish();
        for (const Seen& seen : sink_.shares)
            if (seen.evidence != Evidence::dns_query) found_ = seen;
        return found_.name;
    }
    Seen found_;
    const Data address_ = octets({203, 0, 113, 9});
};

Data with_id(Data message, std::size_t id)
{
    const Data other = u16(id);
    std::copy(other.begin(), other.end(), message.begin());
    return message;
}

TEST_F(BelievedAnswers, ToWhatWasAsked)
{
    both_directions_are_seen();
    ask("asked.example");
    tell(dns_answer("asked.example", "alias.example", address_));
    EXPECT_EQ(name_of(address_), "asked.example");
    EXPECT_EQ(found_.canonical, "alias.example");
    EXPECT_EQ(table_.counters().answers_unasked, 0U);
}

TEST_F(BelievedAnswers, NotToWhatNobodyAsked)
{
    both_directions_are_seen();
    tell(dns_answer("forged.example", "", address_));
    EXPECT_EQ(name_of(address_), "");
    EXPECT_EQ(table_.counters().answers_unasked, 1U);
}

TEST_F(BelievedAnswers, NotWithAnotherIdNameTypeOrSender)
{
    both_directions_are_seen();
    ask("asked.example");
    tell(with_id(dns_answer("asked.example", "", address_), 0x4321));
    tell(dns_answer("other.example", "", address_));
    Data of_another_type = dns_answer("asked.example", "", address_);
    of_another_type[12 + domain("asked.example").size() + 1] = 28;
    tell(of_another_type);
    tell(dns_answer("asked.example", "", address_), {octets({192, 0, 2, 54}), 53});
    tell(dns_answer("asked.example", "", address_), resolver, {client.address, 5001});
    EXPECT_EQ(name_of(address_), "");
    EXPECT_EQ(table_.counters().answers_unasked, 5U);
}

TEST_F(BelievedAnswers, NotLateAndNotTwice)
{
    both_directions_are_seen();
    ask("asked.example");
    wait(std::chrono::seconds(31));
    tell(dns_answer("asked.example", "", address_));
    EXPECT_EQ(name_of(address_), "");
    ask("asked.example");
    tell(dns_answer("asked.example", "", octets({203, 0, 113, 1})));
    tell(dns_answer("asked.example", "", address_));
    EXPECT_EQ(name_of(address_), "");
}

TEST_F(BelievedAnswers, OfOwnersThatTheQuestionLeadsToInAnyOrder)
{
    both_directions_are_seen();
    const auto record = [](std::string_view owner, std::size_t type, const Data& data) {
        return domain(owner) + u16(type) + u16(1) + u32(60) + u16(data.size()) + data;
    };
    const auto answer = [](const std::vector<Data>& records) {
        Data out = u16(0x1234) + u16(0x8180) + u16(1) + u16(records.size()) + zeros(4) + domain("asked.example") +
                   u16(1) + u16(1);
        for (const Data& each : records)
            out = out + each;
        return out;
    };
    ask("asked.example");
    tell(answer({record("other.example", 1, address_), record("c.example", 1, octets({203, 0, 113, 3})),
                 record("b.example", 5, domain("c.example")), record("asked.example", 5, domain("b.example")),
                 record("c.example", 5, domain("asked.example"))}));
    EXPECT_EQ(name_of(address_), "");
    EXPECT_EQ(name_of(octets({203, 0, 113, 3})), "asked.example");
    EXPECT_EQ(found_.canonical, "c.example");
}

TEST_F(BelievedAnswers, WhereOnlyAnswersAreCapturedAndForgottenOnceQuestionsAre)
{
    tell(dns_answer("one-way.example", "", address_));
    EXPECT_EQ(name_of(address_), "one-way.example");
    ask("unanswered.example");
    EXPECT_EQ(name_of(address_), "one-way.example");
    both_directions_are_seen();
    EXPECT_EQ(name_of(address_), "");
}

TEST_F(BelievedAnswers, NotifyUpdateAndStatefulOperationsAreNoQuestions)
{
    for (const int opcode : {4, 5, 6}) {
        Data message = dns_query("zone.example");
        message[2] = static_cast<std::uint8_t>(opcode << 3U);
        see(udp_frame(asking, resolver, message));
        const auto seen = ended();
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(seen[0].name, "") << opcode;
        EXPECT_EQ(seen[0].up, message.size());
    }
}

}    // namespace
}    // namespace dl::agent::flow
