# A tide table that draws itself. Change the numbers and press Run.

HEIGHT = 12

(0..11).each do |hour|
  level = Math.sin(hour * Math::PI / 6)
  waves = "≈" * ((level + 1) * HEIGHT).round
  bird = waves.length < HEIGHT ? "  ゝo" : ""
  puts format("%02d:00 %s%s", hour, waves, bird)
end

words = %w[she sells sea shells on the sea shore]
puts
puts "most common: " + words.tally.max_by { |_, count| count }.first
puts "in a row:    " + words.each_cons(2).count { |a, b| a.length < b.length }.to_s
