/* iptables -N OLD was the old way. */
static const char kRules[] =
    "table inet box {\n"
    "  chain input {\n"
    "    type filter hook input priority 0; policy drop;\n"
    "    jump known\n"
    "  }\n"
    "  chain known {\n"
    "    accept\n"
    "  }\n"
    "}\n";

int Install(void) { return Feed("nft", kRules); }
