// SPDX-License-Identifier: MIT
/*
 * Gives every file of the folders named on the command line to a fuzz target,
 * so that what the fuzzer once found is tested by ordinary builds, with any
 * compiler. Each input is copied to a block of exactly its size: a sanitizer
 * then sees a read of even one byte past its end.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Returns owned; ends the process when the file cannot be read. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        perror(path);
        exit(1);
    }
    *size = (size_t)info.st_size;
    uint8_t *bytes = malloc(*size > 0 ? *size : 1);
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size) {
        fprintf(stderr, "%s: cannot be read whole\n", path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static void replay_file(const char *path)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    /* Said first: if the target dies, this is the input that killed it. */
    printf("%s (%zu bytes)\n", path, size);
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

/* Returns how many files were replayed. */
static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        perror(folder);
        exit(1);
    }
    int file_count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        replay_file(path);
        file_count++;
    }
    closedir(dir);
    return file_count;
}

int main(int argc, char **argv)
{
    int file_count = 0;
    for (int i = 1; i < argc; i++)
        file_count += replay_folder(argv[i]);
    printf("%d inputs replayed\n", file_count);
    /* An empty corpus would be a test that cannot fail. */
    return file_count > 0 ? 0 : 1;
}
