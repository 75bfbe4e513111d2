-- The tower of Hanoi, and functions that make functions.

local function counter()
  local count = 0
  return function()
    count = count + 1
    return count
  end
end

local pegs = { a = { 3, 2, 1 }, b = {}, c = {} }

local function show()
  local parts = {}
  for _, name in ipairs { "a", "b", "c" } do
    parts[#parts + 1] = ("%s: %-8s"):format(name, table.concat(pegs[name], " "))
  end
  print(table.concat(parts))
end

local moves = counter()

local function hanoi(n, from, to, spare)
  if n == 0 then return end
  hanoi(n - 1, from, spare, to)
  table.insert(pegs[to], table.remove(pegs[from]))
  io.write(("%2d  "):format(moves()))
  show()
  hanoi(n - 1, spare, to, from)
end

io.write("    ")
show()
hanoi(3, "a", "c", "b")
