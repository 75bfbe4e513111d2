-- A sandpiper and the tide, told by two coroutines. Press Run.

local function bird()
  for step = 0, 7 do
    coroutine.yield(string.rep(" ·", step) .. " ゝo")
  end
end

local function tide()
  while true do
    for _, wave in ipairs { "~", "~~", "~~~", "~~" } do
      coroutine.yield(wave)
    end
  end
end

local nextWave = coroutine.wrap(tide)
for line in coroutine.wrap(bird) do
  print(nextWave() .. "\t" .. line)
end
