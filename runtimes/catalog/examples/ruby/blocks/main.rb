# Write each, include Enumerable, and get fifty methods for it.

class Tree
  include Enumerable

  Node = Struct.new(:value, :left, :right)

  def <<(value)
    @root = insert(@root, value)
    self
  end

  def each(&block)
    return enum_for(:each) unless block
    walk(@root, &block)
  end

  private

  def insert(node, value)
    return Node.new(value) unless node
    side = value < node.value ? :left : :right
    node[side] = insert(node[side], value)
    node
  end

  def walk(node, &block)
    return unless node
    walk(node.left, &block)
    block.call(node.value)
    walk(node.right, &block)
  end
end

tree = [42, 7, 99, 13, 1, 64].reduce(Tree.new) { |t, n| t << n }

puts "in order: #{tree.to_a.join(" ")}"
puts "sum:      #{tree.sum}"
puts "even:     #{tree.select(&:even?)}"
puts "pairs:    #{tree.each_slice(2).to_a}"
puts "lazily:   #{tree.lazy.map { _1 * _1 }.reject(&:odd?).first(2)}"

squares = Enumerator.new do |out|
  n = 0
  loop { out << (n += 1)**2 }
end
puts "squares:  #{squares.take_while { |n| n < 50 }}"
