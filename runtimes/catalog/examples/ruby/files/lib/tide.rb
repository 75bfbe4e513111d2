require "date"

class Tide
  include Comparable

  attr_reader :day, :metres

  def self.parse(line)
    day, metres = line.split
    new(Date.parse(day), Float(metres))
  end

  def initialize(day, metres)
    @day = day
    @metres = metres
  end

  def <=>(other) = metres <=> other.metres

  def to_s = "#{day.strftime("%A, %-d %B")}: #{metres} m"
end
