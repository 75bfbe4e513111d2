# Pattern matching takes data apart by its shape.

require "json"

orders = JSON.parse(<<~JSON, symbolize_names: true)
  [
    { "item": "tea", "price": 2.4, "to": { "name": "Ada", "city": "London" } },
    { "item": "book", "price": 31, "gift": true, "to": { "name": "Grace", "city": "New York" } },
    { "item": "shell", "price": 0 },
    { "price": 5 }
  ]
JSON

orders.each do |order|
  puts(case order
       in { item:, price: 0 } then "#{item}: free"
       in { item:, gift: true, to: { name: } } then "#{item}: wrap it for #{name}"
       in { item:, price: Float | Integer => price, to: { city: /^L/ => city } } then "#{item}: #{price} to #{city}, near by"
       in { item: } then "#{item}: the usual way"
       else "what is #{order}?"
       end)
end

Point = Data.define(:x, :y)
case Point.new(x: 3, y: 4)
in { x:, y: } then puts "distance #{Math.hypot(x, y)}"
end
