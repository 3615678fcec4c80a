/* sql.c: runs SQL with an extension loaded: sql EXTENSION STATEMENT... Rows go to standard output, cells separated by |. */
#include <sqlite3.h>
#include <stdio.h>

static int print_row(void *arg, int n, char **cell, char **name) {
    (void)arg, (void)name;
    for (int i = 0; i < n; i++) printf("%s%s", i ? "|" : "", cell[i] ? cell[i] : "");
    putchar('\n');
    return 0;
}

int main(int argc, char **argv) {
    sqlite3 *db;
    char *error = NULL;
    if (argc < 2 || sqlite3_open(":memory:", &db) != SQLITE_OK) return 64;
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    int status = sqlite3_load_extension(db, argv[1], NULL, &error);
    for (int i = 2; i < argc && status == SQLITE_OK; i++)
        status = sqlite3_exec(db, argv[i], print_row, NULL, &error);
    if (status != SQLITE_OK) fprintf(stderr, "%s\n", error ? error : sqlite3_errmsg(db));
    sqlite3_free(error);
    sqlite3_close(db);
    return status == SQLITE_OK ? 0 : 1;
}
