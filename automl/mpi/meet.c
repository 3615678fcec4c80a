/* meet.c: a module of its own, so that the program does without MPI: tells each rank what it is and what the first has to
 * say. MPI is not kept: a receive of it spins while it waits, and a rank that dies takes the others along. */
#include <mpi.h>
#include <stddef.h>

/* numbers: rank, ranks, ranks on this host, is the first one among them. `text` (size bytes) is what `make` writes in the first
 * rank. 0, or an error of MPI's. */
__attribute__((visibility("default"))) int automl_mpi_meet(int numbers[4], char *text, size_t size,
                                                           void (*make)(char *text, size_t size,
                                                                        void *arg),
                                                           void *arg);

static int look_around(int numbers[4]) {
    MPI_Comm host;
    int first,
        error = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    if (error) return error;
    error = MPI_Comm_size(host, &numbers[2]);
    if (!error) error = MPI_Allreduce(&numbers[0], &first, 1, MPI_INT, MPI_MIN, host);
    numbers[3] = first == 0;
    MPI_Comm_free(&host);
    return error;
}

int automl_mpi_meet(int numbers[4], char *text, size_t size,
                    void (*make)(char *text, size_t size, void *arg), void *arg) {
    int error = MPI_Init(NULL, NULL);
    if (error) return error;
    error = MPI_Comm_rank(MPI_COMM_WORLD, &numbers[0]);
    if (!error) error = MPI_Comm_size(MPI_COMM_WORLD, &numbers[1]);
    if (!error) error = look_around(numbers);
    if (!error && numbers[0] == 0) make(text, size, arg);
    if (!error) error = MPI_Bcast(text, (int)size, MPI_BYTE, 0, MPI_COMM_WORLD);
    int end = MPI_Finalize();
    return error ? error : end;
}
