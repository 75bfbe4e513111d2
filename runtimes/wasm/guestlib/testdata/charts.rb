# Draws every case of cases.json into out/<name>.svg.

require "date"
require "json"
require "sandpiper"

def wave(n) = (0...n).map { |i| (i * 7919 + i * i * 31) % 1000 / 7.0 - 50 }

def date(text)
  return Date.iso8601(text) unless text.include?("T")

  DateTime.iso8601(text).to_time
end

def decode(value)
  return value.map { |v| decode(v) } if value.is_a?(Array)
  return value unless value.is_a?(Hash)

  form, content = value.first
  case form
  when "$date" then date(content)
  when "$dict" then content.to_h { |name, v| [name, decode(v)] }
  when "$number" then { "nan" => Float::NAN, "inf" => Float::INFINITY, "-inf" => -Float::INFINITY }[content]
  when "$wave" then wave(content)
  when "$labels" then (0...content).map { |i| "label number #{i}" }
  when "$series" then (0...content).to_h { |i| ["series #{i}", [i, i + 1, i * 2]] }
  end
end

JSON.parse(File.read("cases.json", encoding: "UTF-8")).each do |c|
  chart = Sandpiper.chart(c["kind"], *c["data"].map { |d| decode(d) }, **c["options"].transform_keys(&:to_sym))
  chart.save("out/#{c["name"]}.svg")
  puts chart
end
