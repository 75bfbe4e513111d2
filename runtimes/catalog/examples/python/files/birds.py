from dataclasses import dataclass


@dataclass(order=True)
class Bird:
    name: str
    grams: int
    home: str

    def __str__(self):
        return f"{self.name:<12} {self.grams:>4} g  {self.home}"


def heaviest(birds):
    return max(birds, key=lambda bird: bird.grams)
