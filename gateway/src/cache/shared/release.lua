-- Gives leases back that are still the caller's. KEYS: the history, then the entries. ARGV: a token for each.

for i = 2, #KEYS do giveBack(KEYS[i], ARGV[i - 1]) end
return "OK"
