// A program of three files: a header says what list.c has.
#include <stdio.h>

#include "list.h"

int main(void) {
    List *list = NULL;
    for (int i = 1; i <= 5; i++) list = list_add(list, i * i);
    for (List *l = list; l; l = l->next) printf("%d ", l->value);
    printf("sum %d\n", list_sum(list));
    list_free(list);
}
