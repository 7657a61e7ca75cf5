// descriptors: prints each open descriptor and what it leads to, having opened
// none that it prints.
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return 1;
    for (struct dirent *e; (e = readdir(folder));) {
        char path[300], to[PATH_MAX] = "";
        if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(folder)) continue;
        snprintf(path, sizeof path, "/proc/self/fd/%s", e->d_name);
        if (readlink(path, to, sizeof to - 1) < 0) continue;
        printf("%s %s\n", e->d_name, to);
    }
    return 0;
}
