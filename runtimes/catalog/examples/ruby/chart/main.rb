# The birthday paradox: how likely is it that two of a group share a birthday?

require "sandpiper"

def chance(people)
  1 - (0...people).reduce(1.0) { |none, n| none * (365 - n) / 365 }
end

sizes = (1..60).to_a
Sandpiper.line(sizes, sizes.map { chance(_1).round(4) }, title: "A shared birthday", xlabel: "people", ylabel: "chance")

rows = [5, 10, 23, 30, 50].map { |n| { people: n, chance: "#{(100 * chance(n)).round(1)} %" } }
Sandpiper.table(rows)

puts "It takes #{sizes.find { chance(_1) > 0.5 }} people for a chance of one half."
