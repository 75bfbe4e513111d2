#ifndef LIST_H
#define LIST_H

typedef struct List {
    int value;
    struct List *next;
} List;

List *list_add(List *rest, int value); // the caller frees the whole list
int list_sum(const List *list);
void list_free(List *list);

#endif
