// syscall NUMBER [ARGUMENT...]: makes one system call and prints "<result> <errno>".
// An argument is a number, or @TEXT for a pointer to that text, or + for a
// pointer to 4096 zero bytes, printed in hex (first 64 of them) afterwards.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
    static unsigned char buffer[4096];
    long a[6] = {0};
    int shown = 0;
    if (argc < 2 || argc > 8) return 2;
    for (int i = 2; i < argc; ++i) {
        if (argv[i][0] == '@') {
            a[i - 2] = (long)(argv[i] + 1);
        } else if (!strcmp(argv[i], "+")) {
            a[i - 2] = (long)buffer;
            shown = 1;
        } else {
            a[i - 2] = (long)strtoull(argv[i], NULL, 0);
        }
    }
    errno = 0;
    long result = syscall(strtol(argv[1], NULL, 0), a[0], a[1], a[2], a[3], a[4], a[5]);
    printf("%ld %d\n", result, errno);
    if (shown) {
        for (int i = 0; i < 64; ++i) printf("%02x", buffer[i]);
        printf("\n");
    }
    return 0;
}
