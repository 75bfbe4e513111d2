import datetime
import matplotlib.pyplot as plt

plt.plot([0, 1, 2], [1, 2, 4], label="up")
plt.axhline(3)
plt.title("A line")
plt.show()

plt.scatter([1, 2, float("nan")], [3, 4, 5])
plt.show()

plt.bar(["apple", "pear"], [3, 4.5], label="fruit")
plt.show()

plt.barh(["apple", "pear"], [3, 4.5])
plt.show()

plt.pie([1, 3], labels=["a", "b"], autopct="%d%%")
plt.show()

plt.boxplot([[1, 2, 3, 4, 40]])
plt.show()

fig, (left, right) = plt.subplots(1, 2)
left.plot([1, 2])
right.bar([1, 2], [3, 4])
fig.suptitle("Both")
plt.show()

plt.imshow([[1, 2], [3, 4]])
plt.show()

plt.plot([datetime.date(1970, 1, 2), datetime.date(1970, 1, 3)], [1, 2])
plt.show()
