-- A sandpiper and the sea, told by two coroutines. Press Run, then change something.

local function bird()
  for _, steps in ipairs { 3, 5, 8, 11, 13, 14, 12, 9, 6, 4 } do
    coroutine.yield((" ,'"):rep(10):sub(1, 2 * steps) .. " o>", 30 - 2 * steps)
  end
end

local function sea()
  while true do
    for _, wave in ipairs { "~", "-", "~", "^" } do
      coroutine.yield(wave)
    end
  end
end

local nextWave = coroutine.wrap(sea)
for track, width in coroutine.wrap(bird) do
  print(track .. "  " .. nextWave():rep(width))
end

local words, longest = {}, ""
for word in ("she sells sea shells on the sea shore"):gmatch("%a+") do
  words[word] = (words[word] or 0) + 1
  if #word > #longest then longest = word end
end
print("\nsea is said " .. words.sea .. " times, and the longest word is " .. longest)
