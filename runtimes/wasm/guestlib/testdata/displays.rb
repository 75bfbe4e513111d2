# Shows one of everything.

require "date"
require "sandpiper"

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==".unpack1("m")

class Both
  def to_mime_bundle = { "text/html" => "<i>both</i>", "text/plain" => "both" }
end

print "before "
Sandpiper.display("plain text", Both.new)
puts "after"
Sandpiper.html("<b>grün & <script>alert(1)</script></b>")
Sandpiper.svg("<svg xmlns='http://www.w3.org/2000/svg'/>")
Sandpiper.markdown("# Title\n\n*text* \u2028 \"quoted\" \\ \t\u0007")
Sandpiper.json({ list: [1, -2.5, nil, true, "x"], nested: { key: {} }, empty: [] })
Sandpiper.image(PIXEL)
File.binwrite("pixel.png", PIXEL)
Sandpiper.image("pixel.png")
Sandpiper.image("<?xml version='1.0'?><svg/>")
Sandpiper.table([{ name: "Ada", born: 1815 }, { name: "Grace <Hopper>", born: 1906, rank: true }, { born: nil }])
Sandpiper.table([[1, "a"], [2.5, "b", 3]], ["number", "letter"])
Sandpiper.table({ day: [Date.new(2026, 11, 22), nil], at: [Time.utc(2026, 11, 22, 10, 30), nil], mixed: [1, "one"] })
Sandpiper.table([{ name: "Ada", born: 1815 }], [:born])
Sandpiper.table([])
Sandpiper.table((0...3000).map { |i| [i] }, ["n"])
chart = Sandpiper.line([1, 2, 4], title: "Shown")
Sandpiper.display(chart)
