// Conway's game of life: a glider on a torus.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { HEIGHT = 8, WIDTH = 16, GENERATIONS = 4 };

typedef bool World[HEIGHT][WIDTH];

static int neighbours(World w, int y, int x) {
    int count = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if (dy || dx) count += w[(y + dy + HEIGHT) % HEIGHT][(x + dx + WIDTH) % WIDTH];
    return count;
}

static void step(World w) {
    World next;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int n = neighbours(w, y, x);
            next[y][x] = n == 3 || (w[y][x] && n == 2);
        }
    memcpy(w, next, sizeof next);
}

int main(void) {
    World world = {{0, 1}, {0, 0, 1}, {1, 1, 1}};
    for (int g = 0; g <= GENERATIONS; g++, step(world)) {
        printf("generation %d\n", g);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) putchar(world[y][x] ? '#' : '.');
            putchar('\n');
        }
    }
}
