/* replay.c: runs a fuzz target on files, or on all files of folders: the corpus as a plain test. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t done;

static void run_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    size_t room = 1 << 22;
    uint8_t *data = malloc(room);
    if (!data) abort();
    size_t size = fread(data, 1, room, f);
    fclose(f);
    uint8_t *exact = realloc(data, size ? size : 1);
    LLVMFuzzerTestOneInput(exact ? exact : data, size);
    free(exact ? exact : data);
    done++;
}

static void run(const char *path) {
    struct stat st;
    DIR *folder = !stat(path, &st) && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (!folder) {
        run_file(path);
        return;
    }
    for (struct dirent *e; (e = readdir(folder));) {
        char inner[4096];
        if (*e->d_name == '.') continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        run(inner);
    }
    closedir(folder);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) run(argv[i]);
    printf("%zu inputs\n", done);
    return done ? 0 : 1;
}
