"""Place eight queens so that none attacks another, with a recursive generator."""


def solutions(size, queens=()):
    row = len(queens)
    if row == size:
        yield queens
        return
    for column in range(size):
        free = all(
            column != c and abs(column - c) != row - r
            for r, c in enumerate(queens)
        )
        if free:
            yield from solutions(size, queens + (column,))


def board(queens):
    return "\n".join(" ".join("♛" if c == q else "·" for c in range(len(queens))) for q in queens)


first, *others = solutions(8)
print(board(first))
print(f"\nand {len(others)} other solutions")
