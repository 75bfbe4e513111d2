# frozen_string_literal: true

# Show pictures, tables and charts beside a program's output.
#
#     require "sandpiper"
#
#     Sandpiper.line([3, 1, 4, 1, 5], title: "Digits")
#     Sandpiper.bar(tea: 12, coffee: 30, ylabel: "Cups")
#     Sandpiper.scatter([1, 2, 3], { a: [2, 4, 3], b: [1, 1, 5] }).save("out/plot.svg")
#     Sandpiper.hist([2.1, 2.4, 2.6, 3.9], bins: 4)
#     Sandpiper.table([{ name: "Ada", born: 1815 }, { name: "Grace", born: 1906 }])
#     Sandpiper.html("<b>bold</b>")
#     Sandpiper.image("photo.png")
#
# Charts take y values; x and y values; an array of [x, y] pairs; or, for several
# series, a hash of names to any of these. A hash of names to numbers gives one
# value per name. x values are numbers, dates or text. nil and NaN leave a gap.
# Each call shows the chart at once and returns it; chart(:line, ...) only makes
# it. SP is a short name for the module.
#
# Everything here is plain Ruby and draws SVG by itself. Outside Sandpiper the
# text form of what is shown is printed instead.
module Sandpiper
  # -------------------------------------------------------------- display

  DEVICE = "/dev/display" # takes one MIME bundle per line

  class << self
    # Show each thing in the richest form that it has. A thing can define
    # to_mime_bundle, which returns a hash of MIME types to values.
    def display(*things)
      things.each do |thing|
        data = { "text/plain" => thing.is_a?(String) ? thing : thing.inspect }
        data.update(thing.to_mime_bundle) if thing.respond_to?(:to_mime_bundle)
        send_bundle(data.transform_values { |v| binary?(v) ? base64(v) : v })
        @shown = thing # a kernel does not show it again as a result
      end
      nil
    end

    # Show HTML, in a frame of its own.
    def html(text) = send_bundle({ "text/html" => text.to_s, "text/plain" => text.to_s })

    # Show an SVG picture.
    def svg(text) = send_bundle({ "image/svg+xml" => text.to_s, "text/plain" => "[SVG picture]" })

    # Show Markdown.
    def markdown(text) = send_bundle({ "text/markdown" => text.to_s, "text/plain" => text.to_s })

    # Show a value as JSON.
    def json(value)
      send_bundle({ "application/json" => value, "text/plain" => JSONText.pretty(value) })
    end

    # Show a picture: its bytes (a binary string, or SVG), or the path of its file.
    def image(source)
      bytes = source.is_a?(String) && (binary?(source) || source.include?("<svg")) ? source.b : File.binread(source)
      mime = picture_type(bytes)
      return svg(bytes.force_encoding("UTF-8").scrub) if mime == "image/svg+xml"

      send_bundle({ mime => base64(bytes), "text/plain" => "[#{mime}, #{bytes.bytesize} bytes]" })
    end

    # Show a table: an array of hashes or of arrays, or a hash of columns.
    # columns names the columns of arrays, or chooses and orders those of hashes.
    def table(rows, columns = nil) = Table.new(rows, columns).then { |t| send_bundle(t.bundle, t.metadata) }

    # Show a line chart. Options: title, xlabel, ylabel.
    def line(...) = chart(:line, ...).show

    # Show a bar chart. Options: title, xlabel, ylabel.
    def bar(...) = chart(:bar, ...).show

    # Show a scatter chart. Options: title, xlabel, ylabel.
    def scatter(...) = chart(:scatter, ...).show

    # Show a histogram of values. Options: title, xlabel, ylabel, bins.
    def hist(...) = chart(:hist, ...).show

    # Make a chart without showing it: a :line, :bar, :scatter or :hist. Other
    # keywords than the options are names of values or series.
    def chart(kind, *data, title: "", xlabel: "", ylabel: "", bins: nil, **named)
      data << named unless named.empty?
      Chart.new(kind, data, title: title, xlabel: xlabel, ylabel: ylabel, bins: bins)
    end

    # Write a bundle to the display, after what was printed so far.
    def send_bundle(data, metadata = {})
      $stdout.flush
      @device ||= File.new(DEVICE, File::WRONLY | File::APPEND).tap { |f| f.sync = true }
      begin
        @device.write("#{JSONText.line({ "data" => data, "metadata" => metadata })}\n")
      rescue SystemCallError
        # Over the display limits, which Sandpiper says by itself.
      end
      nil
    rescue SystemCallError
      puts data["text/plain"]
    end

    private

    def base64(bytes) = [bytes].pack("m0")

    def binary?(value) = value.is_a?(String) && value.encoding == Encoding::BINARY

    MAGIC = { "\x89PNG\r\n\x1a\n".b => "image/png", "\xff\xd8\xff".b => "image/jpeg", "GIF8" => "image/gif", "BM" => "image/bmp" }.freeze

    def picture_type(bytes)
      return "image/webp" if bytes.start_with?("RIFF") && bytes[8, 4] == "WEBP"

      _, mime = MAGIC.find { |magic, _| bytes.start_with?(magic) }
      mime || (bytes[0, 1000].include?("<svg") && "image/svg+xml") ||
        raise(ArgumentError, "image: not a PNG, JPEG, GIF, WebP, BMP or SVG picture")
    end
  end

  # Writes JSON. The json library takes longer to load than all of this.
  module JSONText
    ESCAPES = { '"' => '\\"', "\\" => "\\\\", "\n" => "\\n", "\t" => "\\t", "\r" => "\\r" }.freeze

    module_function

    def quote(text)
      text = text.to_s.encode("UTF-8", invalid: :replace, undef: :replace).scrub
      "\"#{text.gsub(/["\\\u0000-\u001f\u2028\u2029]/) { |c| ESCAPES[c] || format("\\u%04x", c.ord) }}\""
    end

    def line(value)
      case value
      when Hash then "{#{value.map { |k, v| "#{quote(k)}:#{line(v)}" }.join(",")}}"
      when Array then "[#{value.map { |v| line(v) }.join(",")}]"
      else scalar(value)
      end
    end

    def scalar(value)
      case value
      when nil, true, false then value.nil? ? "null" : value.to_s
      when Integer then value.to_s
      when Float then value.finite? ? value.to_s : "null"
      else quote(value)
      end
    end

    def pretty(value, indent = "")
      deeper = "#{indent}  "
      case value
      when Hash, Array
        items = value.is_a?(Hash) ? value.map { |k, v| "#{quote(k)}: #{pretty(v, deeper)}" } : value.map { |v| pretty(v, deeper) }
        open, close = value.is_a?(Hash) ? %w[{ }] : %w[[ ]]
        items.empty? ? open + close : "#{open}\n#{deeper}#{items.join(",\n#{deeper}")}\n#{indent}#{close}"
      else scalar(value)
      end
    end
  end

  # -------------------------------------------------------------- values

  # Numbers are written by arithmetic that is the same in every language, so that
  # the same data gives the same picture in each.
  module Text
    module_function

    # Returns [f, e] with value = f * 10**e and 1 <= f < 10, for value > 0.
    def split(value)
      e = 0
      while value >= 10
        value /= 10.0
        e += 1
      end
      while value < 1
        value *= 10.0
        e -= 1
      end
      [value, e]
    end

    # Writes the integer n times 10**e.
    def decimal(n, e)
      return "0" if n.zero?

      sign = n.negative? ? "−" : ""
      digits = n.abs.to_s
      short = digits.sub(/0+\z/, "")
      e += digits.length - short.length
      leading = short.length + e - 1 # the exponent of the first digit
      if leading <= -5 || leading >= 9
        return "#{sign}#{short[0]}#{".#{short[1..]}" if short.length > 1}e#{leading}"
      end

      whole = if e >= 0 then short + "0" * e else leading >= 0 ? short[0...e] : "0" end
      part = e.negative? ? short[[e, -short.length].max..].rjust(-e, "0") : ""
      whole = grouped(whole) if whole.length > 4
      "#{sign}#{whole}#{".#{part}" unless part.empty?}"
    end

    def grouped(digits) = digits.gsub(/\B(?=(?:\d{3})+\z)/, ",")

    # Writes a number with six significant digits.
    def number(value)
      return decimal(value.to_i, 0) if value == value.floor && value.abs < 1e9

      f, e = split(value.abs)
      n = (f * 100_000 + 0.5).floor
      decimal(value.positive? ? n : -n, e - 5)
    end

    # Writes a coordinate with two decimals at most.
    def px(value)
      n = (value * 100 + 0.5).floor
      cents = format("%02d", n.abs % 100).sub(/0+\z/, "")
      "#{"-" if n.negative?}#{n.abs / 100}#{".#{cents}" unless cents.empty?}"
    end

    # Estimates the width of a text in pixels: wide characters count double.
    def width(text, size) = text.each_char.sum { |c| c.ord >= 0x1100 ? 11 : 6 } * size / 10.0

    # Shortens a text so that it fits.
    def fit(text, size, room)
      return text if width(text, size) <= room

      text = text[0...-1] while !text.empty? && width("#{text}…", size) > room
      "#{text}…"
    end

    ENTITIES = { "&" => "&amp;", "<" => "&lt;", ">" => "&gt;", '"' => "&quot;" }.freeze

    # Escapes a text for HTML and XML, which has no place for control characters.
    def escape(text)
      clean(text).gsub(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/, "\ufffd").gsub(/[&<>"]/, ENTITIES)
    end

    # Returns anything as valid text.
    def clean(value) = value.to_s.encode("UTF-8", invalid: :replace, undef: :replace).scrub
  end

  # Tells numbers, dates and gaps apart.
  module Values
    # Beyond are gaps and zero: differences would overflow or vanish.
    LARGEST = 1e300
    SMALLEST = 1e-300

    module_function

    def number?(value) = value == true || value == false || value.is_a?(Numeric) && value.real?

    def date?(value) = value.is_a?(Time) || defined?(::Date) && value.is_a?(::Date)

    def scalar?(value) = value.nil? || value.is_a?(String) || value.is_a?(Symbol) || number?(value)

    # Returns a value as a Float, nil where it cannot be drawn.
    def number(value)
      return nil if value.nil?
      raise TypeError, "#{value.inspect} is not a number" unless number?(value)

      value = value ? 1 : 0 if value == true || value == false
      value = value.to_f
      return nil unless value.abs <= LARGEST

      value.abs >= SMALLEST ? value : 0.0
    end

    # Returns a date as seconds since 1970.
    def seconds(date)
      return date.to_r.to_f if date.is_a?(Time)
      return date.to_time.to_r.to_f if date.respond_to?(:hour)

      (date.jd - 2_440_588) * 86_400.0
    end
  end

  # -------------------------------------------------------------- tables

  # A table in all its forms.
  class Table
    MAX_ROWS = 1000 # that a table shows; the others are counted
    MIME = "application/vnd.sandpiper.table+json"

    def initialize(rows, columns)
      @columns, rows = tabulate(rows, columns)
      @more = [0, rows.length - MAX_ROWS].max
      @rows = rows.first(MAX_ROWS)
      @types = @columns.each_index.map { |i| column_type(@rows.map { |row| row[i] }) }
      @text = @rows.map { |row| row.map { |cell| cell_text(cell) } }
    end

    def bundle
      {
        MIME => {
          "columns" => @columns.zip(@types).map { |name, type| { "name" => name, "type" => type } },
          "rows" => @rows.map { |row| row.zip(@types).map { |cell, type| cell_value(cell, type) } }
        },
        "text/html" => to_html,
        "text/plain" => to_s
      }
    end

    def metadata = @more.positive? ? { "more" => @more } : {}

    def to_s
      widths = @columns.each_index.map { |i| ([@columns] + @text).map { |row| row[i].length }.max }
      join = lambda do |row|
        row.each_index.map { |i| @types[i] == "number" ? row[i].rjust(widths[i]) : row[i].ljust(widths[i]) }.join("  ").rstrip
      end
      head = @columns.empty? ? [] : [join[@columns], widths.map { |w| "-" * w }.join("  ")]
      [*head, *@text.map(&join), *note].join("\n")
    end

    private

    def note
      return ["no rows"] if @rows.empty?

      @more.positive? ? ["#{Text.grouped(@more.to_s)} more rows"] : []
    end

    def to_html
      align = @types.map { |type| type == "number" ? ' style="text-align:right"' : "" }
      cells = lambda do |tag, row|
        "<tr>#{row.each_index.map { |i| "<#{tag}#{align[i]}>#{Text.escape(row[i])}</#{tag}>" }.join}</tr>"
      end
      caption = note.map { |n| "<caption>#{n}</caption>" }.join
      body = @text.map { |row| cells["td", row] }.join
      "<table>#{caption}<thead>#{cells["th", @columns]}</thead><tbody>#{body}</tbody></table>"
    end

    # Brings all forms of input to names and rows of the same length.
    def tabulate(rows, columns)
      if rows.is_a?(Hash)
        columns = (columns || rows.keys).to_a
        lists = columns.map { |name| rows[name].to_a }
        rows = Array.new(lists.map(&:length).max || 0) { |i| lists.map { |list| list[i] } }
      end
      rows = rows.to_a
      if !rows.empty? && rows.all?(Hash)
        columns = (columns || rows.flat_map(&:keys).uniq).to_a
        rows = rows.map { |row| columns.map { |name| row[name] } }
      end
      rows = rows.map { |row| row.is_a?(Array) ? row : [row] }
      columns = (columns || []).map { |name| Text.clean(name) }
      width = [columns.length, *rows.map(&:length)].max
      columns << "column #{columns.length + 1}" while columns.length < width
      [columns, rows.map { |row| row + [nil] * (width - row.length) }]
    end

    def column_type(values)
      kinds = values.compact.map { |value| cell_type(value) }.uniq
      return kinds.first if kinds.length == 1

      kinds.empty? ? "null" : "text"
    end

    def cell_type(value)
      return "boolean" if value == true || value == false
      return "date" if Values.date?(value)

      Values.number?(value) && !(value.is_a?(Integer) && value.abs >= 2**53) ? "number" : "text"
    end

    def cell_value(value, kind)
      return nil if value.nil?
      return value if kind == "boolean" || kind == "number" && value.is_a?(Integer)

      kind == "number" ? value.to_f : cell_text(value)
    end

    def cell_text(value)
      return value.strftime(value.respond_to?(:hour) ? "%FT%T" : "%F") if Values.date?(value)

      Text.clean(value)
    end
  end

  # -------------------------------------------------------------- charts

  KINDS = { line: "Line chart", bar: "Bar chart", scatter: "Scatter chart", hist: "Histogram" }.freeze

  # A picture of some series. Its text as SVG is in svg.
  class Chart
    attr_reader :kind, :title, :xlabel, :ylabel, :description, :svg

    def initialize(kind, data, title: "", xlabel: "", ylabel: "", bins: nil)
      @kind = kind.to_sym
      raise ArgumentError, "#{kind.inspect} is not a kind of chart: use :line, :bar, :scatter or :hist" unless KINDS[@kind]

      @title, @xlabel, @ylabel = [title, xlabel, ylabel].map { |text| Text.clean(text) }
      @description, @svg = Drawing.new(self, Series.read(@kind, data), bins).finish
    end

    # Shows the chart and returns it.
    def show
      Sandpiper.send_bundle(to_mime_bundle)
      Sandpiper.instance_variable_set(:@shown, self)
      self
    end

    # Writes the chart to an SVG file, making its folder, and returns the chart.
    def save(path)
      make_folder(File.dirname(path))
      File.write(path, svg)
      self
    end

    def to_mime_bundle = { "image/svg+xml" => svg, "text/plain" => to_s }

    def to_s = title.empty? ? "[#{description}]" : "[#{title}: #{description}]"

    alias inspect to_s

    private

    def make_folder(folder)
      return if File.directory?(folder)

      make_folder(File.dirname(folder))
      Dir.mkdir(folder)
    end
  end

  # The series of a chart are an array of [name, points], points an array of
  # [x, y]. x stays as it was given until the axis is known; y is a Float or nil.
  module Series
    module_function

    def read(kind, data)
      raise ArgumentError, "hist takes values, or a hash of names to values" if kind == :hist && data.length != 1
      raise ArgumentError, "#{kind} takes y values, or x and y values" unless data.length.between?(1, 2)

      xs = data.length == 2 ? data[0].to_a : nil
      ys = data.last
      return [["", points(kind, "y", xs, ys)]] unless ys.is_a?(Hash)
      return [["", points(kind, "y", ys.keys, ys.values)]] if !ys.empty? && ys.values.all? { |v| Values.scalar?(v) }

      ys.map { |name, values| [Text.clean(name), points(kind, name, xs, values)] }
    end

    def points(kind, name, xs, values)
      values = values.to_a
      if xs.nil? && kind != :hist && !values.empty? && values.all? { |v| v.is_a?(Array) && v.length == 2 }
        xs, values = values.transpose
      end
      xs ||= values.each_index.to_a
      raise ArgumentError, "x has #{xs.length} values, #{name} has #{values.length}" if xs.length != values.length

      xs.zip(values).map { |x, y| [x, Values.number(y)] }
    end

    # Turns the x values into numbers and makes their axis.
    def place(series, kind)
      xs = series.flat_map { |_, points| points.map(&:first) }.compact
      if kind != :bar && !xs.empty? && xs.all? { |x| Values.date?(x) }
        series, values = convert(series) { |x| Values.seconds(x) }
        return [series, Axis.of_times(values, 7)]
      end
      if kind != :bar && xs.all? { |x| Values.number?(x) }
        series, values = convert(series) { |x| Values.number(x) }
        whole = values.all? { |x| x == x.floor }
        return [series, Axis.of_numbers(kind == :scatter ? Axis.air(values) : values, 8, widen: false, whole: whole)]
      end
      labels = xs.map { |x| category(x) }.uniq
      index = labels.each_with_index.to_h
      [convert(series) { |x| index[category(x)].to_f }[0], Axis.of_categories(labels)]
    end

    # Returns the series with converted x values, without the points that have
    # none, and all the x values.
    def convert(series, &to)
      series = series.map do |name, points|
        points = points.reject { |x, _| x.nil? }.map { |x, y| [to[x], y] }
        [name, points.reject { |x, _| x.nil? }]
      end
      [series, series.flat_map { |_, points| points.map(&:first) }]
    end

    # Writes an x value as a category.
    def category(x)
      return Axis.date_text(Values.seconds(x)) if Values.date?(x)
      return Text.clean(x) unless Values.number?(x)

      x = Values.number(x)
      x ? Text.number(x) : ""
    end

    # Counts the values of each series in bins of equal width. The points of the
    # result are the bins: their lower edges and counts.
    def count(series, bins)
      values = series.flat_map { |_, points| known(points) }
      edges = bins ? equal_edges(values, bins.to_i.clamp(1, 1000)) : nice_edges(values)
      width = (edges.last - edges.first) / (edges.length - 1)
      counted = series.map do |name, points|
        counts = [0] * (edges.length - 1)
        known(points).each { |y| counts[((y - edges.first) / width).floor.clamp(0, counts.length - 1)] += 1 }
        [name, values.empty? ? [] : edges.zip(counts.map(&:to_f)).first(counts.length)]
      end
      axis = Axis.of_numbers([edges.first, edges.last], 8, widen: false)
      axis.bin = width
      [counted, axis]
    end

    def equal_edges(values, bins)
      low, high = Axis.range(values)
      (0..bins).map { |i| low + (high - low) * i / bins }
    end

    def nice_edges(values)
      low, high = Axis.range(values)
      wanted = 1
      wanted += 1 while 2**(wanted - 1) < values.length
      m, e, first, last = Axis.nice_steps(low, high, wanted)
      (first..last).map { |i| Axis.multiple(i * m, e) }
    end

    # Returns the y values that are not missing.
    def known(points) = points.filter_map(&:last)

    # Splits points where a value is missing.
    def runs(points) = points.slice_when { |a, b| a[1].nil? || b[1].nil? }.reject { |run| run[0][1].nil? }

    # Keeps the shape of a line with very many points: of each group the lowest
    # and the highest, in order, beside the first and the last of all.
    def thin(points)
      return points if points.length <= 2000

      size = (points.length / 600.0).ceil
      kept = points[1...-1].each_slice(size).flat_map do |group|
        indexes = group.each_index
        low, high = indexes.min_by { |i| [group[i][1], i] }, indexes.min_by { |i| [-group[i][1], i] }
        [low, high].uniq.sort.map { |i| group[i] }
      end
      [points.first, *kept, points.last]
    end

    # Says in words what a chart shows.
    def describe(kind, series, x)
      parts = [KINDS[kind] + (series.length > 1 ? " with #{series.length} series" : "")]
      xs = series.flat_map { |_, points| points.map(&:first) }
      if !xs.empty?
        first, last = x.labels ? [x.labels.first, x.labels.last] : [x.name[xs.min], x.name[xs.max + (x.bin || 0)]]
        parts << "x: #{between(first, last)}"
      end
      parts += series.first(8).map do |name, points|
        ys = known(points)
        found = "#{ys.length} #{kind == :hist ? "bin" : "value"}#{"s" if ys.length != 1}"
        found += ", #{between(Text.number(ys.min), Text.number(ys.max))}" unless ys.empty?
        name.empty? ? found : "#{name}: #{found}"
      end
      parts.join(". ")
    end

    def between(first, last) = first == last ? first : "#{first} to #{last}"
  end

  # An axis has a range and ticks, [value, label]. Times are seconds since 1970,
  # UTC; categories are numbered and have labels. name writes a value for people.
  Axis = Struct.new(:low, :high, :ticks, :name, :labels, :bin)

  class << Axis
    # Makes an axis of numbers; widen extends it to the ticks around its range.
    def of_numbers(values, count, widen: true, whole: false)
      low, high = range(values)
      m, e, first, last = nice_steps(low, high, count, whole: whole)
      ticks = (first..last).map { |i| [multiple(i * m, e), Text.decimal(i * m, e)] }
      low, high = ticks.first[0], ticks.last[0] if widen
      slack = (high - low) * 1e-9
      new(low, high, ticks.select { |value, _| value.between?(low - slack, high + slack) }, Text.method(:number))
    end

    def of_categories(labels)
      ticks = labels.each_with_index.map { |label, i| [i, label] }
      new(-0.5, [labels.length, 1].max - 0.5, ticks, ->(i) { labels[i] }, labels)
    end

    # Returns a step of 1, 2 or 5 times a power of ten, as mantissa and exponent,
    # and the first and last of its multiples around the range. The step is at
    # least 1 if whole.
    def nice_steps(low, high, count, whole: false)
      f, e = Text.split((high - low) / count)
      m = nice(f)
      m, e = 1, 0 if whole && e.negative?
      step = multiple(m, e)
      [m, e, (low / step + 1e-9).floor, (high / step - 1e-9).ceil]
    end

    def nice(f) = [1, 2, 5].find { |m| f <= m } || 10

    # Returns n * 10**e with one rounding only.
    def multiple(n, e)
      power = 1.0
      e.abs.times { power *= 10 }
      e >= 0 ? n * power : n / power
    end

    # Returns the smallest and largest value, apart from each other.
    def range(values)
      low, high = values.empty? ? [0.0, 1.0] : values.minmax
      return [low, high] if high - low > [low.abs, high.abs].max * 1e-9

      pad = low.zero? ? 1.0 : low.abs / 10
      [low - pad, high + pad]
    end

    # Adds values beside the range, so that no mark lies on its end.
    def air(values)
      return values if values.empty?

      low, high = values.minmax
      room = (high - low) * 0.03
      [*values, low >= 0 && low < room ? low : low - room, high + room]
    end

    MONTHS = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec].freeze
    MINUTE, HOUR, DAY, MONTH, YEAR = 60, 3600, 86_400, 2_629_746, 31_556_952
    STEPS = [
      1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
      HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY
    ].freeze

    def of_times(values, count)
      low, high = values.minmax
      high = low + DAY if high - low < 1
      step = STEPS.find { |s| (high - low) / count <= s }
      ticks = step ? step_ticks(low, high, step) : month_ticks(low, high, count)
      new(low, high, ticks, method(:date_text))
    end

    def step_ticks(low, high, step)
      shift = step == 7 * DAY ? 4 * DAY : 0 # weeks begin on Monday
      (((low - shift) / step).ceil..((high - shift) / step).floor).map do |i|
        time = i * step + shift
        [time, time_label(time, step)]
      end
    end

    # Makes ticks at the beginnings of months or years.
    def month_ticks(low, high, count)
      span = (high - low) / count
      months = [1, 2, 3, 6].find { |n| span <= n * MONTH }
      if months.nil?
        f, e = Text.split([span / YEAR, 1.0].max)
        months = multiple(nice(f), e).to_i * 12
      end
      year, month, = civil(low)
      ticks = []
      month = -(-(year * 12 + month - 1) / months) * months
      loop do
        year, m = month.divmod(12)
        time = Time.utc(year, m + 1).to_i
        break if time > high || ticks.length == 100

        ticks << [time, months >= 12 ? year.to_s : "#{MONTHS[m]} #{year}"] if time >= low
        month += months
      end
      ticks
    end

    # Returns year, month and day of a time, and the second of the day.
    def civil(time)
      days = (time / DAY.to_f).floor
      date = Time.at(days * DAY).utc
      [date.year, date.month, date.day, time.floor - days * DAY]
    end

    def date_text(time)
      year, month, day, second = civil(time)
      date = format("%04d-%02d-%02d", year, month, day)
      return date if second.zero?

      "#{date} #{clock(second)}#{format(":%02d", second % 60) if second % 60 != 0}"
    end

    def time_label(time, step)
      _, month, day, second = civil(time)
      return "#{MONTHS[month - 1]} #{day}" if step >= DAY || second.zero?

      step >= MINUTE ? clock(second) : "#{clock(second)}#{format(":%02d", second % 60)}"
    end

    def clock(second) = format("%02d:%02d", second / HOUR, second / MINUTE % 60)
  end

  # An SVG picture with a plot between left, right, top and bottom.
  class Drawing
    WIDTH = 640
    HEIGHT = 360
    LIGHT = %w[#0b6aa8 #c8500a #0b7a5a #a0478a #8a6500 #3d8fb5 #8f2d2d #5b6360].freeze
    DARK = %w[#5eb3ec #ff9a5c #45c79b #e295cb #e8bd3f #a5dcf5 #f0857f #b9c0bb].freeze
    NAMED_MARKS = 200 # so many marks get a name that appears under the pointer

    def initialize(chart, series, bins)
      @chart, @kind, @out = chart, chart.kind, []
      @series, @x = @kind == :hist ? Series.count(series, bins) : Series.place(series, @kind)
      ys = @series.flat_map { |_, points| Series.known(points) }
      @y = y_axis(ys)
      @left = [20 + (@y.ticks.map { |_, label| Text.width(label, 12) }.max || 0), 160].min
      @right, @top, @bottom = WIDTH - 20, 20, HEIGHT - 30
      @named = @series.sum { |_, points| points.length } <= NAMED_MARKS
      frame
      label((@left + @right) / 2, (@top + @bottom) / 2.0, "No data", "middle") if ys.empty?
      @series.each_with_index { |(name, points), i| draw(i, name, points) }
    end

    # Returns the description and the whole picture, with the colours for dark pages.
    def finish
      description = Series.describe(@kind, @series, @x)
      title = @chart.title.empty? ? KINDS[@kind] : @chart.title
      dark = +".bg{fill:#1a1e1d}.ink{fill:#e9e7e0}.dim{fill:#a6ada7}.grid{stroke:#2e3532}.axis{stroke:#747d78}"
      DARK.first(@series.length).each_with_index { |colour, i| dark << ".f#{i}{fill:#{colour}}.s#{i}{stroke:#{colour}}" }
      svg = [
        %(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 #{WIDTH} #{HEIGHT}" width="#{WIDTH}" height="#{HEIGHT}" ) +
          'role="img" font-family="system-ui,sans-serif" font-size="12">',
        "<title>#{Text.escape(title)}</title>",
        "<desc>#{Text.escape(description)}</desc>",
        "<style>@media (prefers-color-scheme:dark){#{dark}}</style>",
        %(<rect class="bg" fill="#fffdf9" width="#{WIDTH}" height="#{HEIGHT}" rx="6"/>),
        *@out,
        "</svg>\n"
      ].join("\n")
      [description, svg]
    end

    private

    def px(value) = Text.px(value)

    def y_axis(ys)
      return Axis.of_numbers(Axis.air(ys), 7, widen: false) if @kind == :scatter

      Axis.of_numbers(ys.empty? || @kind == :line ? ys : ys + [0.0], 5, whole: @kind == :hist)
    end

    def at_x(value) = @left + (value - @x.low) / (@x.high - @x.low) * (@right - @left)

    def at_y(value) = @bottom - (value - @y.low) / (@y.high - @y.low) * (@bottom - @top)

    def add(text) = @out << text

    def label(x, y, text, anchor = "start", style = 'class="dim" fill="#565d57"')
      add(%(<text x="#{px(x)}" y="#{px(y)}" text-anchor="#{anchor}" #{style}>#{Text.escape(text)}</text>))
    end

    # Draws everything around the data and leaves room for it.
    def frame
      if !@chart.title.empty?
        style = 'class="ink" fill="#1d2320" font-size="16" font-weight="600"'
        label(20, 30, Text.fit(@chart.title, 17, WIDTH - 40), "start", style)
        @top += 26
      end
      legend if @series.length > 1
      ylabel = @chart.ylabel.empty? && @kind == :hist ? "Count" : @chart.ylabel
      if !ylabel.empty?
        label(20, @top + 6, Text.fit(ylabel, 12, WIDTH - 40))
        @top += 24
      end
      if !@chart.xlabel.empty?
        @bottom -= 20
        label((@left + @right) / 2.0, HEIGHT - 12, Text.fit(@chart.xlabel, 12, @right - @left), "middle")
      end
      grid
    end

    def legend
      x, rows, last = 20, 0, 0
      @series.each_with_index do |(name, _), i|
        name = Text.fit(name, 12, 150)
        width = Text.width(name, 12)
        x, rows = 20, rows + 1 if x > 20 && x + 18 + width > WIDTH - (rows == 2 ? 90 : 20)
        if rows == 3
          label(WIDTH - 20, last + 8, "#{@series.length - i} more", "end")
          break
        end
        last = @top + rows * 18
        key(i, x, last)
        label(x + 16, last + 8, name)
        x += 34 + width
      end
      @top = last + 24
    end

    def key(i, x, y)
      return mark(i, x + 5, y + 4, 5, "") if %i[line scatter].include?(@kind)

      add(%(<rect class="f#{i % 8}" fill="#{LIGHT[i % 8]}" x="#{px(x)}" y="#{px(y - 1)}" width="10" height="10" rx="2"/>))
    end

    def grid
      @y.ticks.each do |value, text|
        y = at_y(value)
        zero = value.zero? || value == @y.low && @y.low.positive?
        style = zero ? 'class="axis" stroke="#8b867a"' : 'class="grid" stroke="#e4dfd3"'
        add(%(<path #{style} d="M#{px(@left)} #{px(y)}H#{px(@right)}"/>))
        label(@left - 8, y + 4, text, "end")
      end
      return categories if @x.labels

      @x.ticks.each do |value, text|
        x = at_x(value)
        add(%(<path class="grid" stroke="#e4dfd3" d="M#{px(x)} #{px(@top)}V#{px(@bottom)}"/>)) if @kind == :scatter
        tick(x, text)
      end
    end

    def band = (@right - @left) / [@x.labels.length, 1].max.to_f

    # Labels as many categories as there is room for.
    def categories
      widest = [@x.labels.map { |text| Text.width(text, 12) }.max || 0, 90].min
      every = [1, ((widest + 8) / band).ceil].max
      @x.labels.each_with_index do |text, i|
        tick(at_x(i), Text.fit(text, 12, band * every - 8)) if (i % every).zero?
      end
    end

    # Writes a label below the plot, inside the picture.
    def tick(x, text)
      room = Text.width(text, 12) / 2 + 4
      label([room, [x, WIDTH - room].min].max, @bottom + 18, text, "middle")
    end

    # Draws the mark of series i: colour and shape tell it from the others.
    def mark(i, x, y, r, title)
      d = case i % 4
          when 0 then "M#{px(x - r)} #{px(y)}a#{px(r)} #{px(r)} 0 1 0 #{px(2 * r)} 0a#{px(r)} #{px(r)} 0 1 0 #{px(-2 * r)} 0z"
          when 1 then "M#{px(x - r)} #{px(y - r)}h#{px(2 * r)}v#{px(2 * r)}h#{px(-2 * r)}z"
          when 2 then "M#{px(x)} #{px(y - r * 1.25)}l#{px(r * 1.25)} #{px(r * 2.25)}h#{px(r * -2.5)}z"
          else
            a, b = px(r * 1.5), px(r * -1.5)
            "M#{px(x)} #{px(y - r * 1.5)}l#{a} #{a}l#{b} #{a}l#{b} #{b}z"
          end
      filled(i, %(d="#{d}"), "path", title)
    end

    def filled(i, shape, tag, title)
      close = title.empty? ? "/>" : "><title>#{Text.escape(title)}</title></#{tag}>"
      add(%(<#{tag} class="f#{i % 8}" fill="#{LIGHT[i % 8]}" #{shape}#{close}))
    end

    # Writes a mark's name, if there are few: its series, x and y.
    def name(series, x, y)
      @named ? "#{"#{series}, " unless series.empty?}#{x}: #{Text.number(y)}" : ""
    end

    def draw(i, name, points)
      case @kind
      when :line then line(i, name, points)
      when :bar then bars(i, name, points)
      when :scatter then dots(i, name, points, 4)
      when :hist then boxes(i, name, points)
      end
    end

    def line(i, name, points)
      Series.runs(points).each do |run|
        at = Series.thin(run).map { |x, y| "#{px(at_x(x))} #{px(at_y(y))}" }
        if at.length > 1
          add(%(<path class="s#{i % 8}" stroke="#{LIGHT[i % 8]}" fill="none" stroke-width="2" ) +
              %(stroke-linejoin="round" stroke-linecap="round" d="M#{at.join("L")}"/>))
        end
        dots(i, name, run, 3) if points.length <= 30 || at.length == 1
      end
    end

    def dots(i, name, points, radius)
      seen = points.reject { |_, y| y.nil? }.uniq { |x, y| [px(at_x(x)), px(at_y(y))] }
      seen.each { |x, y| mark(i, at_x(x), at_y(y), radius, name(name, @x.name[x], y)) }
    end

    def bars(i, name, points)
      width = band * 0.8 / @series.length
      points.each do |x, y|
        next if y.nil?

        left = at_x(x) - band * 0.4 + width * i
        box(i, left, [width - [2, width / 4].min, 0.5].max, y, name(name, @x.name[x], y))
      end
    end

    def boxes(i, name, points)
      faint = @series.length > 1 ? 0.6 : 1
      points.each do |x, y|
        next if y.zero?

        left, right = at_x(x), at_x(x + @x.bin)
        bin = "#{Text.number(x)} to #{Text.number(x + @x.bin)}"
        box(i, left + 0.5, [right - left - 1, 0.5].max, y, name(name, bin, y), faint)
      end
    end

    def box(i, left, width, y, title, faint = 1)
      top, bottom = [at_y(y), at_y(0)].minmax
      shape = %(x="#{px(left)}" y="#{px(top)}" width="#{px(width)}" height="#{px(bottom - top)}")
      shape += ' rx="2"' if width >= 8 && bottom - top >= 4
      shape += %( fill-opacity="#{px(faint)}") if faint < 1
      filled(i, shape, "rect", title)
    end
  end
end

SP = Sandpiper unless defined?(SP)
