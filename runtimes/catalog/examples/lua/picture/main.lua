-- Draws a tree of squares. What is written to out/ comes back with the result.

local shapes = {}

local function tree(x, y, size, angle, depth)
  if depth == 0 then return end
  local dx, dy = size * math.cos(angle), size * math.sin(angle)
  shapes[#shapes + 1] = ('<path d="M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz" fill="hsl(%d 55%% %d%%)"/>'):format(
    x, y, dx, dy, dy, -dx, -dx, -dy, 20 + depth * 2 + (10 - depth) * 10, 35 + (10 - depth) * 3)
  -- The two squares on top stand on the sides of a right triangle.
  local a = math.rad(38)
  local left, right = size * math.cos(a), size * math.sin(a)
  local tx, ty = x + dy, y - dx
  tree(tx, ty, left, angle - a, depth - 1)
  tree(tx + left * math.cos(angle - a), ty + left * math.sin(angle - a), right, angle + math.pi / 2 - a, depth - 1)
end

tree(285, 400, 70, 0, 10)

local file = assert(io.open("out/tree.svg", "w"))
file:write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 420" role="img">',
  "<title>A tree of squares</title>", table.concat(shapes), "</svg>\n")
file:close()
print(#shapes .. " squares in out/tree.svg")
