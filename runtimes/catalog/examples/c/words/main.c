// Counts lines, words and letters of standard input, and keeps the letters in a file.
#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>

int main(void) {
    int lines = 0, words = 0, inside = 0, c;
    int letters[26] = {0};
    while ((c = getchar()) != EOF) {
        if (c == '\n') lines++;
        if (isspace(c)) {
            inside = 0;
        } else if (!inside) {
            inside = 1;
            words++;
        }
        if (isalpha(c)) letters[tolower(c) - 'a']++;
    }
    printf("%d lines, %d words\n", lines, words);

    mkdir("out", 0777); // what is in out/ comes back from a run
    FILE *file = fopen("out/letters.csv", "w");
    if (!file) {
        perror("out/letters.csv");
        return 1;
    }
    fprintf(file, "letter,count\n");
    for (int i = 0; i < 26; i++) fprintf(file, "%c,%d\n", 'a' + i, letters[i]);
    fclose(file);
}
