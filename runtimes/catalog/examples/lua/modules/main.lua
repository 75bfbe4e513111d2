-- A program of several files: require finds those beside the main one.

local Stack = require("stack")
local words = require("words.reverse")

local stack = Stack.new()
for _, item in ipairs { "sand", "shell", "stone" } do stack:push(item) end

print("size", #stack.items)
while not stack:empty() do
  local item = stack:pop()
  print(item, words.reverse(item), words.isPalindrome(item .. words.reverse(item)))
end

local ok, message = pcall(function() return stack:pop() end)
print(ok, message)
