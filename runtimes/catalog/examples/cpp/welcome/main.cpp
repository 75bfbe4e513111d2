// A sandpiper follows the edge of the sea. Press Run, then change something.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>

int main() {
    for (int hour = 0; hour <= 24; hour += 2) {
        double metres = 1.6 + 1.2 * std::sin(hour * 2 * std::numbers::pi / 12.4);
        int steps = 30 - 8 * metres;
        std::string sand;
        while (sand.size() < static_cast<size_t>(steps)) sand += " ,'"[sand.size() % 3];
        std::printf("%2d:00 %s o> %s\n", hour, sand.c_str(), std::string(32 - steps, '~').c_str());
    }
}
