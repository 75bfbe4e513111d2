-- Metatables give tables operators: a small vector type.

local Vector = {}
Vector.__index = Vector

local function vector(x, y) return setmetatable({ x = x, y = y }, Vector) end

function Vector.__add(a, b) return vector(a.x + b.x, a.y + b.y) end
function Vector.__mul(a, k) return vector(a.x * k, a.y * k) end
function Vector.__eq(a, b) return a.x == b.x and a.y == b.y end
function Vector.__tostring(a) return ("(%g, %g)"):format(a.x, a.y) end
function Vector:length() return math.sqrt(self.x ^ 2 + self.y ^ 2) end

local place, speed, gravity = vector(0, 0), vector(3, 8), vector(0, -2)

print("A ball is thrown:")
for second = 0, 8 do
  print(second, place, ("%.1f from the start"):format(place:length()))
  place = place + speed
  speed = speed + gravity
end

-- __index can also be a function: a table that computes what it lacks.
local factorial = setmetatable({ [0] = 1 }, {
  __index = function(t, n)
    t[n] = n * t[n - 1]
    return t[n]
  end,
})
print("20! =", ("%.0f"):format(factorial[20]))
