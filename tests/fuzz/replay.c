/* replay.c - feeds every file of a folder to a fuzz target, so that stored seeds and past crashes
 * are tests like any other, with any compiler. A fuzzer's own main() takes its place in a FUZZ
 * build.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEED_MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const char *folder, const char *name, uint8_t *bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    size_t size = fread(bytes, 1, SEED_MOST, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
}

int
main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    uint8_t *bytes = malloc(SEED_MOST);
    if (!folder || !bytes) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    int count = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        if (entry->d_name[0] != '.') {
            replay(argv[1], entry->d_name, bytes);
            count++;
        }
    closedir(folder);
    free(bytes);
    printf("%d seeds\n", count);
    return count > 0 ? 0 : 1;
}
