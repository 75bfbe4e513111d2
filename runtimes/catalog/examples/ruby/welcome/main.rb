# A sandpiper follows the edge of the sea. Press Run, then change something.

require "sandpiper"

hours = (0..24).step(2).to_a
tide = hours.map { |hour| (1.6 + 1.2 * Math.sin(hour * 2 * Math::PI / 12.4)).round(1) }

hours.zip(tide) do |hour, metres|
  steps = (30 - 8 * metres).round
  puts format("%2d:00  %s o> %s", hour, (" ,'" * 10)[0, steps], "~" * (32 - steps))
end

words = "she sells sea shells on the sea shore".split
puts
puts "Said most often: #{words.tally.max_by(&:last).first}"
puts "Longest word:    #{words.max_by(&:length)}"

Sandpiper.line(hours, tide, title: "The tide today", xlabel: "hour", ylabel: "metres")
