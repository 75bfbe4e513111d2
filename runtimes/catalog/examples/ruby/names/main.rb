# Reads names from standard input, one a line, and makes a list of them.

names = []
while (line = gets)
  name = line.strip
  next if name.empty?
  names << name
  puts "Hello, #{name.capitalize}!"
end

puts
names.group_by { |name| name[0].upcase }.sort.each do |initial, group|
  puts "#{initial}: #{group.map(&:capitalize).sort.join(", ")}"
end
