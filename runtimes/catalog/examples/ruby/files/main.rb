# A program of several files, with data behind __END__.

require_relative "lib/tide"
require "date"

readings = DATA.each_line.map { |line| Tide.parse(line) }

readings.each { |tide| puts tide }
puts "highest: #{readings.max}"

# What is written to out/ comes back with the result.
Dir.mkdir("out")
File.write("out/tides.csv", readings.map { |t| [t.day, t.metres].join(",") }.join("\n") + "\n")

__END__
2026-03-20 2.1
2026-03-21 2.7
2026-03-22 2.4
