// memory MIB: touches that many MiB, prints "used", and waits for the end of
// its input. Shows what a memory limit does.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char *argv[]) {
    size_t size = (size_t)atol(argc > 1 ? argv[1] : "1") << 20;
    char *p = malloc(size);
    if (!p) return 3;
    memset(p, 1, size);
    puts("used");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return p[size / 2] == 1 ? 0 : 4;
}
