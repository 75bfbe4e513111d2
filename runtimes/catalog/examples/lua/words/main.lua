-- Counts the words of the text in standard input.

local counts, total = {}, 0
for line in io.lines() do
  for word in line:lower():gmatch("%a+") do
    counts[word] = (counts[word] or 0) + 1
    total = total + 1
  end
end

local words = {}
for word in pairs(counts) do words[#words + 1] = word end
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)

print(total .. " words, " .. #words .. " different ones")
for i = 1, math.min(5, #words) do
  print(("%8s %s"):format(words[i], ("#"):rep(counts[words[i]])))
end
