// A sandpiper follows the edge of the sea. Press Run, then change something.
#include <math.h>
#include <stdio.h>

int main(void) {
    for (int hour = 0; hour <= 24; hour += 2) {
        double metres = 1.6 + 1.2 * sin(hour * 2 * M_PI / 12.4);
        int steps = 30 - 8 * metres;
        printf("%2d:00 ", hour);
        for (int i = 0; i < steps; i++) putchar(" ,'"[i % 3]);
        printf(" o> ");
        for (int i = steps; i < 32; i++) putchar('~');
        putchar('\n');
    }
}
