// Templates with concepts: one function for all numbers, at compile time too.
#include <array>
#include <concepts>
#include <cstdio>

template <typename T>
concept Number = std::integral<T> || std::floating_point<T>;

template <Number T, size_t N>
constexpr T sum(const std::array<T, N>& values) {
    T total{};
    for (T value : values) total += value;
    return total;
}

template <size_t N>
constexpr auto primes() {
    std::array<int, N> found{};
    size_t count = 0;
    for (int n = 2; count < N; n++) {
        bool prime = true;
        for (size_t i = 0; i < count && prime; i++) prime = n % found[i] != 0;
        if (prime) found[count++] = n;
    }
    return found;
}

static_assert(sum(primes<5>()) == 2 + 3 + 5 + 7 + 11);

int main() {
    for (int p : primes<20>()) std::printf("%d ", p);
    std::printf("\nsum of halves: %.1f\n", sum(std::array{0.5, 1.5, 2.5}));
}
