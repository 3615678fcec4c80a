/* ranks_relay.h: commands that run on other ranks. Each has its guard there (guard.h); what passes between a guard and
 * process.c, on a socket and two pipes, goes over the connection to the rank in between. */
#ifndef AML_PROCESS_RANKS_RELAY_H
#define AML_PROCESS_RANKS_RELAY_H

#include "automl/engine/ranks.h"

/* Messages: OPEN has the number of the command (u32); DATA too, then the channel (u8), then bytes; CLOSE the number.
 * Channel 0 is the socket of the guard, 1 and 2 are its stdout and stderr. */
enum { AML_LANE_CHANNELS = 3 };

typedef struct aml_relay aml_relay;

/* The leader's side, a thread of its own. AML_ENOMEM. */
aml_status aml_relay_new(aml_relay **out, aml_ranks *ranks);
void aml_relay_free(aml_relay *r); /* NULL is fine */
/* A guard on the rank that has least to do, with these ends, which become the relay's. False: no rank is left. */
bool aml_relay_open(aml_relay *r, const int fds[AML_LANE_CHANNELS]);

/* ---- ranks_commands.c */

/* Do all ranks run the same program? */
aml_status aml_ranks_agree_on_commands(aml_ranks *r);

#endif
