/* Drives a policy from recorded observations:
 *
 *     cc -O2 policy_example.c -lm -o policy_example && ./policy_example seen.txt
 *
 * The file, or else the standard input, holds the numbers of one observation after the other, apart by spaces or lines.
 * Each line of the output holds the actions of one. Status 2: the file is missing, or is not made of observations. */
#include <stdio.h>

#include "policy.h"

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
    policy_observation_t observation[POLICY_OBSERVATION];
    long done = 0;
    int count = 0;
    double number;
    if (argc > 2 || !file) {
        fprintf(stderr, argc > 2 ? "error: name one file\n" : "error: %s can't be read\n", argv[1]);
        return 2;
    }
    while (fscanf(file, "%lf", &number) == 1) {
        observation[count++] = (policy_observation_t)number;
        if (count < POLICY_OBSERVATION) continue;
        count = 0;
        done++;
        policy_actions_t actions[POLICY_ACTIONS];
        policy_act(observation, actions);
        for (int i = 0; i < POLICY_ACTIONS; i++) printf(i ? " %.9g" : "%.9g", (double)actions[i]);
        printf("\n");
    }
    if (count || !done || !feof(file)) {
        fprintf(stderr, "error: observation %ld ends after %d of its %d numbers, apart by spaces\n", done + 1, count,
                POLICY_OBSERVATION);
        return 2;
    }
    return 0;
}
