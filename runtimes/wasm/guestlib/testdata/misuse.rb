# Does what cannot be done, and too much of what can.

require "sandpiper"

[
  -> { Sandpiper.line([1], [1, 2]) },
  -> { Sandpiper.line(["one", "two"]) },
  -> { Sandpiper.line([1], [2], [3]) },
  -> { Sandpiper.line },
  -> { Sandpiper.hist([1], [2]) },
  -> { Sandpiper.chart(:pie, [1]) },
  -> { Sandpiper.image("not a picture") },
  -> { Sandpiper.image("missing.png") }
].each do |wrong|
  wrong.call
  puts "accepted"
rescue ArgumentError, TypeError, SystemCallError
  puts "refused"
end
300.times { |i| Sandpiper.markdown(i) }
puts "done"
