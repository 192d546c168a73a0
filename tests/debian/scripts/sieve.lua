-- Tables, closures, string patterns, coroutines and floating point.
local function sieve(n)
  local composite, primes = {}, {}
  for i = 2, n do
    if not composite[i] then
      primes[#primes + 1] = i
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return primes
end
local primes = sieve(20000)
print(#primes, primes[#primes])

local fib = coroutine.wrap(function()
  local a, b = 0, 1
  while true do
    coroutine.yield(a)
    a, b = b, a + b
  end
end)
local t = {}
for i = 1, 20 do t[i] = fib() end
print(table.concat(t, " "))

local words = {}
for w in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = w end
table.sort(words, function(a, b) return #a == #b and a < b or #a < #b end)
print(table.concat(words, ","))
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"))
print(string.format("%5.2f|%-8s|%08x|%q", math.pi, "left", 48879, "a\nb"))
print(pcall(error, "an error", 0))
print(select("#", table.unpack({ 1, 2, nil, 4 }, 1, 4)), 7 // 2, 7 % -3, 2 ^ 0.5, 1 << 40)
local s = 0.0
for i = 1, 1000 do s = s + math.sin(i) * math.sqrt(i) end
print(string.format("%.10f", s))
collectgarbage()
print(collectgarbage("count") < 2000)
os.exit(3)
