# A sandpiper runs along the beach. Change the numbers and press Run.

BIRD = "ゝo"
WAVES = "~≈~~≈≈~"
STEPS = 8

for step in range(STEPS):
    path = " ·" * step + " " + BIRD
    water = WAVES[step % len(WAVES):] + WAVES
    print(f"{path:<24}{water[:12]}")

words = "she sells sea shells on the sea shore".split()
print()
print("longest word:", max(words, key=len))
print("counted:     ", {w: words.count(w) for w in sorted(set(words)) if words.count(w) > 1})
