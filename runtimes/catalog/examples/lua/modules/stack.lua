local Stack = {}
Stack.__index = Stack

function Stack.new() return setmetatable({ items = {} }, Stack) end

function Stack:push(item) table.insert(self.items, item) end

function Stack:pop()
  if self:empty() then error("the stack is empty", 2) end
  return table.remove(self.items)
end

function Stack:empty() return #self.items == 0 end

return Stack
