"""Count the words of the text in standard input."""

import sys
from collections import Counter
import sandpiper as sp

text = sys.stdin.read()
words = [word.strip(".,;:!?'\"").lower() for word in text.split()]
counts = Counter(words)

print(f"{len(words)} words, {len(counts)} different ones")
for word, count in counts.most_common(5):
    print(f"{word:>8} {'#' * count}")

lengths = Counter(map(len, words))
sp.bar({str(n): lengths[n] for n in sorted(lengths)}, title="Words by length", xlabel="letters")
